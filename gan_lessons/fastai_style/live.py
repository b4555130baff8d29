"""A fit of a GANLearner in the course's live view, as lesson 4 has it for its loop."""

import torch
from torch import Tensor

from gan_lessons import distributed, losses
from gan_lessons.fastai_style.callback import Callback
from gan_lessons.fastai_style.gan_learner import SignedPictures
from gan_lessons.fastai_style.gan_loss import WassersteinLoss
from gan_lessons.train import HISTORY
from gan_lessons.util import both, whole_number


class Live(Callback):
    """Show pictures, curves and speed of a GANLearner in a `lab.TrainingView`, while it learns.

        view = TrainingView()
        learn.fit(3, 2e-4, callbacks=[Live(view)], progress=False)

    The view looks after every `every`-th step of the generator. It reads what it would read of a
    `train.Game`: step, goal, images_seen, history, generator, generator_ema, fixed_z and loss.
    How many steps there will be depends on the switcher; `goal` is what the batches so far suggest.
    """

    order = 45

    def __init__(self, view, every: int = 20):
        self.view = view
        self.every = whole_number("every", every, 1)
        self.learn = None          # the learner that all this is about
        self.generator = self.generator_ema = None
        self.fixed_z: Tensor | None = None
        self.loss = None           # tells the view what D's scores mean
        self.goal = 0              # steps of the generator at the end of this fit
        self.images_seen = 0       # real pictures shown to the critic
        self.history = torch.empty(0, len(HISTORY))
        self.recent: list = []     # rows that are not yet in the history
        self.critic_move = None    # what the critic's newest step computed
        self.before = 0            # steps before this fit
        self.batches = 0           # of this fit so far

    @property
    def step(self) -> int:
        """How many steps the generator has made since the critic's first one."""
        return len(self.history) + len(self.recent)

    def on_train_begin(self, learn) -> None:
        """Go on with what was seen before; a Live stays with its first learner."""
        if self.learn is None:
            self.learn = learn
            self.generator = SignedPictures(learn.generator, learn.to_images)
            if learn.generator_ema is not None:
                self.generator_ema = SignedPictures(learn.generator_ema, learn.to_images)
            self.fixed_z = learn.fixed_noise(64, 1234)
            if isinstance(learn.loss_func.loss_funcC, WassersteinLoss):
                self.loss = losses.Wasserstein()
        elif self.learn is not learn:
            raise ValueError(both("这个 Live 已经跟着另一个学习器，请新建一个：Live(view)。",
                                  "This Live follows another learner; make a new one: "
                                  "Live(view)."))
        self.before = self.step
        self.batches = 0

    def on_batch_begin(self, learn) -> None:
        """Count the batches of this fit."""
        self.batches += 1

    def on_step_end(self, learn) -> None:
        """Note losses and readings; let the view look, if it is time."""
        if not learn.gan_trainer.gen_mode:
            real, fake = (scores.float().mean() for scores in learn.loss_func.readings)
            if self.loss is not None:  # fastai's Wasserstein critic: low means real
                real, fake = -real, -fake
            self.critic_move = learn.loss.detach(), real, fake
            self.images_seen += len(learn.xb)
        elif self.critic_move is not None:
            critic_loss, real, fake = self.critic_move
            self.recent.append((critic_loss, learn.loss.detach(), real, fake))
            if self.step % self.every == 0:
                self._update(learn)
                if distributed.rank() == 0:
                    self.view(self)

    def on_train_end(self, learn) -> None:
        """Leave the last steps to the view: it looks once more when the cell ends."""
        self._update(learn)

    def _update(self, learn) -> None:
        """Bring `goal` and `history` up to date; the GPU has to be waited for."""
        made = self.step - self.before
        self.goal = self.before + round(made * learn.batches / max(self.batches, 1))
        new = torch.tensor([[float(value) for value in row] for row in self.recent])
        self.history = torch.cat([self.history, new.view(-1, len(HISTORY))])
        self.recent = []
