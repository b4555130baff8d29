"""Whose turn it is: GANTrainer does what follows from it, the switchers decide when it changes."""

import math

from torch.nn.utils import clip_grad_norm_

from gan_lessons.fastai_style.callback import LearnerCallback, SmoothenValue
from gan_lessons.penalties import clip_weights
from gan_lessons.progress import in_notebook
from gan_lessons.show import gallery
from gan_lessons.train import TrainingDiverged
from gan_lessons.util import both, whole_number


class GANTrainer(LearnerCallback):
    """Lets one network learn while the other keeps still, and records both losses.

    Args:
        learn: the GANLearner
        switch_eval: put the network that keeps still in evaluation mode, so that its BatchNorm
            and dropout keep still, too
        clip: limit of the critic's weights, if any
        beta: how slowly the smoothed losses follow, see SmoothenValue
        gen_first: the generator begins
        show_img: each epoch ends with a picture, always of the same noise
        clip_gradients: the largest norm of a player's whole gradient, if there is a limit

    Attributes:
        glosses, closses: the smoothed losses after each batch
        imgs: the pictures, uint8 (C, H, W)
        titles: their epochs
        gen_steps, critic_steps: steps taken, over all fits
    """

    order = -20

    def __init__(self, learn, switch_eval: bool = False, clip: float | None = None,
                 beta: float = 0.98, gen_first: bool = False, show_img: bool = True,
                 clip_gradients: float | None = None):
        super().__init__(learn)
        self.switch_eval = switch_eval
        self.clip = clip
        self.beta = beta
        self.gen_first = gen_first
        self.show_img = show_img
        self.clip_gradients = clip_gradients
        self.gen_steps = self.critic_steps = 0
        self._forget()

    def _forget(self) -> None:
        self.glosses, self.closses = [], []
        self.imgs, self.titles = [], []
        self.smoothenerG, self.smoothenerC = SmoothenValue(self.beta), SmoothenValue(self.beta)

    @property
    def gen_mode(self) -> bool:
        """Whether it is the generator's turn."""
        return self.learn.model.gen_mode

    def switch(self, gen_mode: bool | None = None) -> None:
        """Give the turn to the generator (True), to the critic (False) or to the other (None).

        It may be called before any training, too.
        """
        self.learn.model.switch(gen_mode)
        if self.learn.training:
            self._take_turn()

    def on_train_begin(self, learn) -> None:
        """Start with empty lists and the first player; the optimizers keep what they know."""
        if not learn.resuming:
            self._forget()
            self.switch(self.gen_first)

    def on_epoch_begin(self, learn) -> None:
        """Arrange the networks for the player whose turn it is: `fit` has woken both."""
        self._take_turn()

    def on_batch_begin(self, learn) -> None:
        """Clip the critic's weights; give the generator (noise, real), the critic (real, noise)."""
        if self.clip is not None:
            clip_weights(learn.critic, self.clip)
        self._take_turn()  # again, in case somebody has switched the model itself
        if not self.gen_mode:
            learn.xb, learn.yb = learn.yb, learn.xb

    def _take_turn(self) -> None:
        """Choose the optimizer, let one network learn and freeze the other."""
        optimizers = self.learn.optimizers
        self.learn.opt = optimizers["generator" if self.gen_mode else "critic"]
        for opt in optimizers.values():
            for parameter in opt.parameters:  # what was frozen by hand is not among them
                parameter.requires_grad_(opt is self.learn.opt)
        if self.switch_eval:
            self.learn.generator.train(self.gen_mode)
            self.learn.critic.train(not self.gen_mode)

    def on_backward_begin(self, learn) -> None:
        """Smooth the loss and keep it in `glosses` or `closses`."""
        if self.gen_mode:
            self.smoothenerG.add_value(learn.loss.item())
            self.glosses.append(self.smoothenerG.smooth)
        else:
            self.smoothenerC.add_value(learn.loss.item())
            self.closses.append(self.smoothenerC.smooth)

    def on_backward_end(self, learn) -> None:
        """Shorten the gradient of the player whose turn it is to `clip_gradients`."""
        if self.clip_gradients is not None:
            clip_grad_norm_(learn.opt.parameters, self.clip_gradients)

    def on_step_end(self, learn) -> None:
        """Count the step; the moving average follows the generator's."""
        if not self.gen_mode:
            self.critic_steps += 1
            return
        self.gen_steps += 1
        if learn.generator_ema is not None:
            learn.generator_ema.update_parameters(learn.generator)

    def on_epoch_end(self, learn) -> None:
        """Put the smoothed losses into the table, add a picture; refuse losses of NaN or inf."""
        losses = {"gen_loss": self.smoothenerG.smooth, "disc_loss": self.smoothenerC.smooth}
        learn.recorder.row.update(losses)
        for name, value in losses.items():
            if value is not None and not math.isfinite(value):
                raise TrainingDiverged(both(
                    f"{name} 成了 NaN 或无穷大，训练在第 {learn.epoch} 轮之后停止。请降低学习率，"
                    "检查数据和损失函数；用 learn.load 可以回到之前存下的状态。",
                    f"{name} stopped being finite, so training stopped after epoch "
                    f"{learn.epoch}. Lower the learning rate, check the data and the loss; "
                    "learn.load brings back a state saved before."))
        if self.show_img:
            self._add_picture(learn)

    def _add_picture(self, learn) -> None:
        """Keep a picture of what the generator makes now, and show it in a notebook."""
        made = learn.sample(1)
        if made.ndim != 4:
            return  # no picture
        self.imgs.append(made[0])
        self.titles.append(f"Epoch {learn.epoch}")
        if in_notebook() and not learn.silent:
            gallery(made, alt=f"a generated picture, epoch {learn.epoch}")

    def on_train_end(self, learn) -> None:
        """Leave the model in generator mode, and everything in it able to learn."""
        self.switch(gen_mode=True)
        for opt in learn.optimizers.values():
            for parameter in opt.parameters:
                parameter.requires_grad_(True)

    def state(self) -> dict:
        """Return whose turn it is, the counts, the losses and the pictures so far."""
        return {"gen_mode": self.gen_mode, "gen_steps": self.gen_steps,
                "critic_steps": self.critic_steps, "titles": self.titles,
                "glosses": self.glosses, "closses": self.closses,
                "smoothenerG": self.smoothenerG.state(), "smoothenerC": self.smoothenerC.state(),
                "imgs": {str(i): picture for i, picture in enumerate(self.imgs)}}

    def set_state(self, state: dict) -> None:
        """Take back what `state` returned."""
        self.switch(state["gen_mode"])
        self.gen_steps, self.critic_steps = state["gen_steps"], state["critic_steps"]
        self.titles = list(state["titles"])
        self.imgs = [state["imgs"][str(i)] for i in range(len(self.titles))]
        self.glosses, self.closses = list(state["glosses"]), list(state["closses"])
        self.smoothenerG.set_state(state["smoothenerG"])
        self.smoothenerC.set_state(state["smoothenerC"])


class FixedGANSwitcher(LearnerCallback):
    """A fixed number of steps for each: `n_crit` of the critic, then `n_gen` of the generator.

    Either may be a function of the number of steps that the generator has taken so far: the rule
    of the WGAN authors' code is n_crit=lambda g: 100 if g < 25 or g % 500 == 0 else 5.
    Only steps are counted: the batches of validation do not come into it.
    """

    order = 40  # after callbacks that want to know whose batch it was

    def __init__(self, learn, n_crit=1, n_gen=1):
        super().__init__(learn)
        for name, value in (("n_crit", n_crit), ("n_gen", n_gen)):
            if not callable(value):
                whole_number(name, value, 1)
        self.n_crit, self.n_gen = n_crit, n_gen
        self.taken = 0  # steps of this turn

    def on_train_begin(self, learn) -> None:
        """Begin to count from 0."""
        if not learn.resuming:
            self.taken = 0

    def on_batch_end(self, learn) -> None:
        """Count the step and, if it was the last of this turn, switch."""
        trainer = learn.gan_trainer
        self.taken += 1
        turn = self.n_gen if trainer.gen_mode else self.n_crit
        if callable(turn):
            turn = whole_number("n_gen, n_crit", turn(trainer.gen_steps), 1)
        if self.taken >= turn:
            self.taken = 0
            trainer.switch()

    def state(self) -> dict:
        """Return how far the current turn has come."""
        return {"taken": self.taken}

    def set_state(self, state: dict) -> None:
        """Take back what `state` returned."""
        self.taken = state["taken"]

    def __repr__(self) -> str:
        return f"critic {_named(self.n_crit)} : generator {_named(self.n_gen)}"


class AdaptiveGANSwitcher(LearnerCallback):
    """Whoever does well enough hands over: when the loss of a step is below its threshold.

    Without a threshold the player hands over after every step. A threshold that is never reached
    lets one player learn alone for ever.
    """

    order = 40

    def __init__(self, learn, gen_thresh: float | None = None, critic_thresh: float | None = None):
        super().__init__(learn)
        self.gen_thresh, self.critic_thresh = gen_thresh, critic_thresh

    def on_batch_end(self, learn) -> None:
        """Switch if the loss of this very step, not a smoothed one, is below the threshold."""
        thresh = self.gen_thresh if learn.gan_trainer.gen_mode else self.critic_thresh
        if thresh is None or learn.loss < thresh:
            learn.gan_trainer.switch()

    def __repr__(self) -> str:
        return f"critic_thresh {self.critic_thresh} : gen_thresh {self.gen_thresh}"


class GANDiscriminativeLR(LearnerCallback):
    """Let the critic learn `mult_lr` times as fast as the generator."""

    order = 100  # after any callback that sets the learning rate

    def __init__(self, learn, mult_lr: float = 5.0):
        super().__init__(learn)
        self.mult_lr = mult_lr
        self.usual: float | None = None

    def on_batch_begin(self, learn) -> None:
        """Before a step of the critic, raise its learning rate."""
        if not learn.gan_trainer.gen_mode:
            self.usual = learn.opt.lr
            learn.opt.lr = self.usual * self.mult_lr

    def on_step_end(self, learn) -> None:
        """After it, put the learning rate back."""
        if not learn.gan_trainer.gen_mode:
            learn.opt.lr = self.usual


def _named(n) -> str:
    """Return a number, or the name of a function, as text."""
    return getattr(n, "__name__", type(n).__name__) if callable(n) else str(n)
