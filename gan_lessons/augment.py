"""Augmentation inside the game, for few pictures: D judges altered pictures, real and fake alike.

With few pictures D learns them by heart. If the real ones alone were turned about, G would learn to
paint them turned about. So D sees every picture through the same kind of random change, in its own
step and in G's, and G gets its gradient through the change, which must be differentiable.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from gan_lessons.util import both

Augment = Callable[[Tensor], Tensor]  # pictures (B, C, H, W) -> altered pictures of that shape


@dataclass(frozen=True)
class DiffAugment:
    """Colour, place and a hole: each picture of a batch gets random changes of its own.

    Pictures are (B, C, H, W), about [-1, 1]; what comes from outside and what is cut out is 0,
    grey. Random numbers come from torch's global ones, which `fit` keeps apart for each game.
    Zhao et al. 2020, arXiv 2006.10738.
    """

    colour: bool = True  # brightness +- 0.5, saturation times 0 to 2, contrast times 0.5 to 1.5
    translation: float = 1 / 8  # of the side: how far a picture may move, in each direction
    cutout: float = 1 / 2  # of the side: how large the hole is

    def __post_init__(self):
        for name in ("translation", "cutout"):
            share = getattr(self, name)
            if not 0 <= share <= 1:
                raise ValueError(both(f"{name} 是边长的几分之几，应在 0 和 1 之间，收到 {share}。",
                                      f"{name} is a share of the side, from 0 to 1; got {share}."))

    def __call__(self, pictures: Tensor) -> Tensor:
        """Return the pictures altered, of the same shape."""
        if self.colour:
            pictures = coloured(pictures)
        if self.translation:
            pictures = moved(pictures, self.translation)
        if self.cutout:
            pictures = with_hole(pictures, self.cutout)
        return pictures


def coloured(pictures: Tensor) -> Tensor:
    """Return the pictures with another brightness, saturation and contrast, drawn for each."""
    brightness, saturation, contrast = torch.rand(3, len(pictures), 1, 1, 1).to(pictures.device)
    pictures = pictures + brightness - 0.5
    grey = pictures.mean(1, keepdim=True)
    pictures = grey + 2 * saturation * (pictures - grey)
    mean = pictures.mean((1, 2, 3), keepdim=True)
    return mean + (0.5 + contrast) * (pictures - mean)


def moved(pictures: Tensor, share: float) -> Tensor:
    """Return each picture moved by whole pixels, up to `share` of its side; 0 comes in."""
    n, _, height, width = pictures.shape
    most = round(share * height), round(share * width)
    wide = pad(pictures, (most[1], most[1], most[0], most[0]))
    down = torch.randint(2 * most[0] + 1, (n, 1, 1))  # which window of the padded picture we see
    right = torch.randint(2 * most[1] + 1, (n, 1, 1))
    rows = (torch.arange(height).view(1, -1, 1) + down).to(pictures.device)
    columns = (torch.arange(width).view(1, 1, -1) + right).to(pictures.device)
    each = torch.arange(n, device=pictures.device).view(n, 1, 1)
    return wide.movedim(1, -1)[each, rows, columns].movedim(-1, 1)


def with_hole(pictures: Tensor, share: float) -> Tensor:
    """Return each picture with a square of 0, `share` of its side, anywhere; it may stick out."""
    n, _, height, width = pictures.shape
    middle = torch.rand(2, n, 1) * torch.tensor([height, width]).view(2, 1, 1)
    in_rows = (torch.arange(height) + 0.5 - middle[0]).abs() < share * height / 2  # (n, height)
    in_columns = (torch.arange(width) + 0.5 - middle[1]).abs() < share * width / 2
    hole = in_rows[:, None, :, None] & in_columns[:, None, None, :]
    return pictures * ~hole.to(pictures.device)


class Augmented(nn.Module):
    """A critic behind an augmentation, for one step: it scores the pictures as altered.

    All batches of the step are altered alike, the first picture of each in one way, the second in
    another, and so on. So the real and the fake of a pair, which some losses compare, differ in
    what they are and not in what was done to them. To a penalty this is the critic: its slope is
    that with respect to the picture before the augmentation.
    """

    def __init__(self, critic: nn.Module, augment: Augment):
        super().__init__()
        self.critic, self.augment = critic, augment
        self.seed = int(torch.randint(2**62, ()))  # of this step

    def forward(self, pictures: Tensor) -> Tensor:
        """Return the scores of the altered pictures, (B, C, H, W) -> (B,)."""
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(self.seed)
            altered = self.augment(pictures)
        return self.critic(altered)


def augmented(critic: nn.Module, augment: Augment | None) -> nn.Module:
    """Return the critic that a step is played with: behind `augment`, if there is one."""
    return critic if augment is None else Augmented(critic, augment)
