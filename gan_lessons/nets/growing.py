"""Gradual resizing: a network for small pictures becomes one for pictures of twice the size.

The inner layers go on as they are (`dcgan.carry_over`). At the picture's end the old layer leads
on beside the new ones, and a share that rises from 0 to 1 blends from the one to the other.
Karras et al. 2018, arXiv 1710.10196, section 2 and figure 2.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate

from gan_lessons.nets.dcgan import carry_over


class FadedGenerator(nn.Module):
    """Paints (1 - share) * the small picture, enlarged, + share * the large one.

    With share 0 it paints exactly what `small` does, every pixel four times; with share 1 exactly
    what `large` does, whose inner layers are those of `small` and whose weights it trains.
    """

    share: Tensor  # of the new path, from 0 to 1; see `set_share`

    def __init__(self, small: nn.Sequential, large: nn.Sequential):
        super().__init__()
        carry_over(small, large)
        self.inner = large[:-3]  # z -> features, as `small` has them
        self.old = small[-2:]  # its last convolution, and tanh
        self.new = large[-3:]  # one layer more, the last convolution, and tanh
        self.register_buffer("share", torch.zeros(()))

    def forward(self, z: Tensor) -> Tensor:
        """Return pictures (B, C, S, S) in [-1, 1]."""
        features = self.inner(z)
        enlarged = interpolate(self.old(features), scale_factor=2)
        return (1 - self.share) * enlarged + self.share * self.new(features)


class FadedCritic(nn.Module):
    """The mirror image: the old path sees the picture at half its size, the new one all of it."""

    share: Tensor

    def __init__(self, small: nn.Sequential, large: nn.Sequential):
        super().__init__()
        carry_over(small, large)
        self.old = small[:1]  # the first layer of `small`
        self.new = large[:2]  # two layers, to features of the same size
        self.inner = large[2:]
        self.register_buffer("share", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        """Return the scores of pictures, (B,)."""
        features = (1 - self.share) * self.old(avg_pool2d(x, 2)) + self.share * self.new(x)
        return self.inner(features)


def set_share(share: float, *networks: FadedGenerator | FadedCritic) -> None:
    """Let the new path of these networks count for `share`, from 0 to 1."""
    for network in networks:
        network.share.fill_(share)
