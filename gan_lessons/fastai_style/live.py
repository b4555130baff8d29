"""A fit of a GANLearner in the course's live view, as lesson 4 has it for its loop."""

import torch
from torch import Tensor, nn

from gan_lessons import distributed, losses
from gan_lessons.fastai_style.callback import Callback
from gan_lessons.fastai_style.gan_loss import WassersteinLoss
from gan_lessons.train import HISTORY
from gan_lessons.util import whole_number


class Live(Callback):
    """Show pictures, curves and speed of a GANLearner in a `lab.TrainingView`, while it learns.

        view = TrainingView()
        learn.fit(3, 2e-4, callbacks=[Live(view)], progress=False)

    The view looks after every `every`-th step of the generator. How many there will be depends on
    the switcher; the view is told what the batches so far suggest.
    """

    order = 45

    def __init__(self, view, every: int = 20):
        self.view, self.every = view, whole_number("every", every, 1)
        self.played = None

    def on_train_begin(self, learn) -> None:
        """Go on with what was seen of the same learner, or begin anew."""
        if self.played is None or self.played.learn is not learn:
            self.played = Played(learn)
        self.before, self.batches = self.played.step, 0

    def on_batch_begin(self, learn) -> None:
        """Count the batches of this fit."""
        self.batches += 1

    def on_step_end(self, learn) -> None:
        """Note losses and readings; let the view look, if it is time."""
        played = self.played
        if not learn.gan_trainer.gen_mode:
            played.critic_moved()
        elif played.generator_moved() and played.step % self.every == 0:
            self._update(learn)
            if distributed.rank() == 0:
                self.view(played)

    def on_train_end(self, learn) -> None:
        """Leave the last steps to the view: it looks once more when the cell ends."""
        self._update(learn)

    def _update(self, learn) -> None:
        made = self.played.step - self.before
        self.played.goal = self.before + round(made * learn.batches / max(self.batches, 1))
        self.played.write_history()


class Played:
    """What a TrainingView reads of a `train.Game`, read off a GANLearner: see `Game`."""

    def __init__(self, learn):
        self.learn = learn
        self.generator = Painter(learn.generator, learn.to_images)
        self.generator_ema = learn.generator_ema and Painter(learn.generator_ema, learn.to_images)
        self.fixed_z = learn.fixed_noise(64, 1234)
        self.wasserstein = isinstance(learn.loss_func.loss_funcC, WassersteinLoss)
        self.loss = losses.Wasserstein() if self.wasserstein else None
        self.history, self.rows = torch.empty(0, len(HISTORY)), []
        self.goal = self.images_seen = 0
        self.critic_values = None

    @property
    def step(self) -> int:
        """How many steps the generator has made since the critic's first one."""
        return len(self.history) + len(self.rows)

    def critic_moved(self) -> None:
        """Note the critic's loss and readings; where low means real, with the other sign."""
        sign = -1 if self.wasserstein else 1
        real, fake = (sign * scores.float().mean() for scores in self.learn.loss_func.readings)
        self.critic_values = self.learn.loss.detach(), real, fake
        self.images_seen += len(self.learn.xb)

    def generator_moved(self) -> bool:
        """Note a step of the generator, if the critic has made one; return whether it has."""
        if self.critic_values is None:
            return False
        critic_loss, real, fake = self.critic_values
        self.rows.append((critic_loss, self.learn.loss.detach(), real, fake))
        return True

    def write_history(self) -> None:
        """Bring `history` up to date; it waits for the GPU."""
        new = torch.tensor([[float(value) for value in row] for row in self.rows])
        self.history, self.rows = torch.cat([self.history, new.view(-1, len(HISTORY))]), []


class Painter(nn.Module):
    """A generator whose pictures are in [-1, 1], however the data were normalised."""

    def __init__(self, network: nn.Module, to_images):
        super().__init__()
        self.network, self.to_images = network, to_images

    def forward(self, z: Tensor) -> Tensor:
        """Return the pictures of noise `z`, float32 (n, C, H, W), as `data.to_images` wants."""
        return self.to_images(self.network(z).float()).float() / 127.5 - 1
