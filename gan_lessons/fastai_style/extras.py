"""What fastai's users asked for, each as a callback of a few lines: models for your own."""

from collections.abc import Callable
from pathlib import Path

import PIL.Image
import torch
from torch import Tensor

from gan_lessons import distributed
from gan_lessons.fastai_style.callback import Callback
from gan_lessons.measure import frechet_distance, kernel_distance
from gan_lessons.show import grid
from gan_lessons.util import both, whole_number


class GradientClip(Callback):
    """Before each step, shorten the gradient to at most `max_norm`, all weights taken together."""

    def __init__(self, max_norm: float = 1.0):
        self.max_norm = max_norm

    def on_backward_end(self, learn) -> None:
        """Shorten the gradient of the network whose turn it is."""
        torch.nn.utils.clip_grad_norm_(learn.opt.parameters, self.max_norm)


class SaveEvery(Callback):
    """Save the learner under `name` after every `every`-th epoch.

    After an interruption `learn.load(name)`, then `learn.fit(epochs_left, lr, resume=True)`.
    """

    order = 90  # when everything about the epoch is known

    def __init__(self, name: str | Path, every: int = 1):
        self.name, self.every = name, whole_number("every", every, 1)

    def on_epoch_end(self, learn) -> None:
        """Save, if it is time; a disk that is full is no reason to end a long training."""
        if (learn.epoch + 1) % self.every:
            return
        try:
            learn.save(self.name)
        except OSError as problem:
            print(both(f"第 {learn.epoch} 轮没有存成（{problem}）；之前存的文件还在，训练继续。",
                       f"Epoch {learn.epoch} could not be saved ({problem}); a file saved before "
                       "is still there, and training goes on."))


class SavePictures(Callback):
    """After every `every`-th epoch, draw `n` pictures of the same noise: folder/0000.png, ..."""

    order = 90

    def __init__(self, folder: str | Path, n: int = 64, every: int = 1, ema: bool = False):
        self.folder, self.ema = Path(folder), ema
        self.n, self.every = whole_number("n", n, 1), whole_number("every", every, 1)

    def on_epoch_end(self, learn) -> None:
        """Write the file named after the epoch, if it is time."""
        if (learn.epoch + 1) % self.every == 0 and distributed.rank() == 0:
            self.folder.mkdir(parents=True, exist_ok=True)
            pictures = grid(learn.sample(self.n, ema=self.ema), columns=8)
            PIL.Image.fromarray(pictures).save(self.folder / f"{learn.epoch:04d}.png")


class SampleDistances(Callback):
    """After each epoch, measure how far samples are from real pictures, in two columns.

    features: turns pictures, uint8 (n, C, H, W), into features (n, d), such as the `features` of
    measure.digit_classifier;  real: the pictures to compare with, more than d, as bytes;  n: how
    many samples, more than d. The Fréchet distance and KID of `measure`: with an Inception network
    as `features` they are FID and KID of papers, with others they are numbers of their own.
    """

    order = 10

    def __init__(self, features: Callable[[Tensor], Tensor], real: Tensor, n: int = 2000,
                 ema: bool = False):
        self.features, self.real = features, features(real)
        self.n, self.ema = whole_number("n", n, 2), ema

    def on_epoch_end(self, learn) -> None:
        """Add both distances to the row of the epoch."""
        made = self.features(learn.sample(self.n, ema=self.ema))
        learn.recorder.row |= {"fd": frechet_distance(made, self.real),
                               "kid": kernel_distance(made, self.real)}


class Watch(Callback):
    """Call `show(learn)` after every `every`-th step of the generator, to look at anything."""

    order = 45

    def __init__(self, show: Callable, every: int = 20):
        self.show, self.every = show, whole_number("every", every, 1)

    def on_step_end(self, learn) -> None:
        """Let the view look at the learner, if it is time."""
        trainer = learn.gan_trainer
        if trainer.gen_mode and trainer.gen_steps % self.every == 0:
            self.show(learn)
