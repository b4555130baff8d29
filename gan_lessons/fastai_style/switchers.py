"""When to give the turn to the other player, and how fast each learns."""

from gan_lessons.fastai_style.callback import LearnerCallback
from gan_lessons.util import whole_number


class FixedGANSwitcher(LearnerCallback):
    """A fixed number of steps for each: `n_crit` of the critic, then `n_gen` of the generator.

    Either may be a function of the number of steps that the generator has taken so far: the rule
    of the WGAN authors' code is n_crit=lambda g: 100 if g < 25 or g % 500 == 0 else 5.
    Steps are counted, not batches: neither validation nor gathered gradients come into it.
    """

    order = 40  # after callbacks that want to know whose batch it was

    def __init__(self, learn, n_crit=1, n_gen=1):
        super().__init__(learn)
        for name, value in (("n_crit", n_crit), ("n_gen", n_gen)):
            if not callable(value):
                whole_number(name, value, 1)
        self.n_crit, self.n_gen = n_crit, n_gen
        self.n_c = self.n_g = 0

    def on_train_begin(self, learn) -> None:
        """Begin to count from 0."""
        if not learn.resuming:
            self.n_c = self.n_g = 0

    def on_batch_end(self, learn) -> None:
        """Count the step and, if it was the last of this turn, switch."""
        if not learn.stepped:
            return
        trainer = learn.gan_trainer
        self.n_g += trainer.gen_mode
        self.n_c += not trainer.gen_mode
        taken, target = (self.n_g, self.n_gen) if trainer.gen_mode else (self.n_c, self.n_crit)
        if callable(target):
            target = whole_number("n_gen, n_crit", target(trainer.gen_steps), 1)
        if taken >= target:
            self.n_c = self.n_g = 0
            trainer.switch()

    def state(self) -> dict:
        """Return how far the current turn has come."""
        return {"n_c": self.n_c, "n_g": self.n_g}

    def set_state(self, state: dict) -> None:
        """Take back what `state` returned."""
        self.n_c, self.n_g = state["n_c"], state["n_g"]

    def __repr__(self) -> str:
        return f"critic {_told(self.n_crit)} : generator {_told(self.n_gen)}"


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
        if not learn.stepped:
            return
        thresh = self.gen_thresh if learn.gan_trainer.gen_mode else self.critic_thresh
        if thresh is None or learn.loss < thresh:
            learn.gan_trainer.switch()

    def __repr__(self) -> str:
        def rule(thresh):
            return "1" if thresh is None else f"until loss < {thresh}"
        return f"critic {rule(self.critic_thresh)} : generator {rule(self.gen_thresh)}"


class GANDiscriminativeLR(LearnerCallback):
    """Let the critic learn `mult_lr` times as fast as the generator."""

    def __init__(self, learn, mult_lr: float = 5.0):
        super().__init__(learn)
        self.mult_lr, self.usual = mult_lr, None

    def on_batch_begin(self, learn) -> None:
        """Before a step of the critic, raise its learning rate."""
        if learn.stepped and not learn.gan_trainer.gen_mode:
            self.usual = learn.opt.lr
            learn.opt.lr = self.usual * self.mult_lr

    def on_step_end(self, learn) -> None:
        """After it, put the learning rate back."""
        if not learn.gan_trainer.gen_mode:
            learn.opt.lr = self.usual


def _told(n) -> str:
    return getattr(n, "__name__", type(n).__name__) if callable(n) else str(n)
