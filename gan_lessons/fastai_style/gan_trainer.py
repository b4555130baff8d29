"""GANTrainer: whose turn it is, and everything that follows from it."""

import io
import math

import PIL.Image
import torch
from IPython.display import Image
from torch import Tensor, nn

from gan_lessons.fastai_style.callback import LearnerCallback
from gan_lessons.fastai_style.recorder import InPlace, SmoothenValue, series
from gan_lessons.penalties import clip_weights
from gan_lessons.show import grid
from gan_lessons.train import TrainingDiverged
from gan_lessons.util import both


class GANTrainer(LearnerCallback):
    """Lets one network learn while the other keeps still, and records both losses.

    switch_eval: whether the network that keeps still is in evaluation mode, so that its BatchNorm
    and dropout keep still, too;  clip: limit of the critic's weights, if any;  beta: how slowly
    the smoothed losses follow, see SmoothenValue;  gen_first: whether the generator begins;
    show_img: whether each epoch ends with a picture;  fixed_noise: whether that is always made of
    the same noise, in evaluation mode; if not, it is the first of the last training batch.
    glosses, closses: the smoothed losses after each batch;  imgs: pictures, uint8 (C, H, W);
    titles: their epochs;  gen_steps, critic_steps: steps taken, over all fits.
    """

    order = -20

    def __init__(self, learn, switch_eval: bool = False, clip: float | None = None,
                 beta: float = 0.98, gen_first: bool = False, show_img: bool = True,
                 fixed_noise: bool = True):
        super().__init__(learn)
        self.switch_eval, self.clip, self.beta = switch_eval, clip, beta
        self.gen_first, self.show_img, self.fixed_noise = gen_first, show_img, fixed_noise
        self.gan_model = learn.model  # itself, should `learn.model` be wrapped later
        self.learning = {True: _trainable(self.gan_model.generator),
                         False: _trainable(self.gan_model.critic)}
        self.gen_steps = self.critic_steps = 0
        self._forget()

    @property
    def gen_mode(self) -> bool:
        """Whether it is the generator's turn."""
        return self.gan_model.gen_mode

    def switch(self, gen_mode: bool | None = None) -> None:
        """Give the turn to the generator (True), to the critic (False) or to the other (None)."""
        self.gan_model.switch(gen_mode)
        self._take_turn()

    def on_train_begin(self, learn) -> None:
        """Start with empty lists and the first player; the optimizers keep what they know."""
        if not learn.resuming:
            self._forget()
            self.gan_model.switch(self.gen_first)
        self.shown = InPlace()

    def on_epoch_begin(self, learn) -> None:
        """Arrange the networks again for the player whose turn it is: `fit` has woken both."""
        self._take_turn()

    def on_batch_begin(self, learn) -> None:
        """Clip the critic's weights; give the generator (noise, real), the critic (real, noise)."""
        if self.clip is not None:
            clip_weights(self.gan_model.critic, self.clip)
        if self.turn != self.gen_mode:  # someone switched the model itself
            self._take_turn()
        if not self.gen_mode:
            learn.xb, learn.yb = learn.yb, learn.xb

    def on_backward_begin(self, learn) -> None:
        """Smooth the loss and keep it in `glosses` or `closses`."""
        smoothener, losses = ((self.smoothenerG, self.glosses) if self.gen_mode
                              else (self.smoothenerC, self.closses))
        smoothener.add_value(learn.loss.detach())
        losses.append(smoothener.smooth)
        if self.gen_mode:
            self.last_gen = learn.output.detach()

    def on_step_end(self, learn) -> None:
        """Count the step; the moving average follows the generator's."""
        self.gen_steps += self.gen_mode
        self.critic_steps += not self.gen_mode
        if self.gen_mode and learn.generator_ema is not None:
            learn.generator_ema.update_parameters(self.gan_model.generator)

    def on_epoch_end(self, learn) -> None:
        """Put the smoothed losses into the table, and add a picture.

        Raises TrainingDiverged when a loss is no longer a finite number.
        """
        self.glosses, self.closses = series(self.glosses).tolist(), series(self.closses).tolist()
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

    def on_train_end(self, learn) -> None:
        """Leave the model in generator mode, and everything in it able to learn."""
        self.gan_model.switch(gen_mode=True)
        for parameters in self.learning.values():
            for parameter in parameters:
                parameter.requires_grad_(True)
        self.last_gen = None

    def state(self) -> dict:
        """Return whose turn it is, the counts, the losses and the pictures so far."""
        return {"gen_mode": self.gen_mode, "gen_steps": self.gen_steps,
                "critic_steps": self.critic_steps, "titles": self.titles,
                "glosses": series(self.glosses), "closses": series(self.closses),
                "smoothenerG": self.smoothenerG.state(), "smoothenerC": self.smoothenerC.state(),
                **{f"img{i}": picture for i, picture in enumerate(self.imgs)}}

    def set_state(self, state: dict) -> None:
        """Take back what `state` returned."""
        self.gan_model.switch(state["gen_mode"])
        self.gen_steps, self.critic_steps = state["gen_steps"], state["critic_steps"]
        self.titles = list(state["titles"])
        self.imgs = [state[f"img{i}"] for i in range(len(self.titles))]
        self.glosses, self.closses = state["glosses"].tolist(), state["closses"].tolist()
        self.smoothenerG.set_state(state["smoothenerG"])
        self.smoothenerC.set_state(state["smoothenerC"])

    def _take_turn(self) -> None:
        """During a fit: choose the optimizer, freeze the other network, let the one learn."""
        learn, self.turn = self.learn, self.gen_mode
        if not learn.training:
            return
        learn.opt = learn.opt_gen if self.turn else learn.opt_critic
        for parameter in self.learning[self.turn]:
            parameter.requires_grad_(True)
        for parameter in self.learning[not self.turn]:
            parameter.requires_grad_(False)
        if self.switch_eval:
            self.gan_model.generator.train(self.turn)
            self.gan_model.critic.train(not self.turn)

    def _forget(self) -> None:
        self.glosses, self.closses, self.imgs, self.titles = [], [], [], []
        self.smoothenerG, self.smoothenerC = SmoothenValue(self.beta), SmoothenValue(self.beta)
        self.last_gen = None

    def _add_picture(self, learn) -> None:
        """Keep a picture of what the generator makes now; show them all, one an epoch."""
        made = learn.generate(learn.fixed_noise(1)) if self.fixed_noise else self.last_gen
        if made is None or made.ndim != 4 or made.shape[1] not in (1, 3):
            return  # no picture, or nothing that is one
        self.imgs.append(learn.to_images(made[:1])[0])
        self.titles.append(f"Epoch {learn.epoch}")
        if not learn.silent:
            self.shown.show(strip(self.imgs, self.titles), in_terminal=False)


def strip(imgs: list[Tensor], titles: list[str]) -> Image:
    """Return pictures, uint8 (C, H, W), in rows of ten as one PNG, with alternative text."""
    file = io.BytesIO()
    PIL.Image.fromarray(grid(torch.stack(imgs), columns=10)).save(file, "PNG")
    return Image(file.getvalue(), format="png",
                 alt=f"one generated picture for each of: {titles[0]} to {titles[-1]}")


def _trainable(network: nn.Module) -> list[nn.Parameter]:
    return [parameter for parameter in network.parameters() if parameter.requires_grad]
