"""Fully connected generators and discriminators: the two source lessons' networks, by name.

Every generator maps z, shape (B, latent), to pictures in [-1, 1], shape (B, C, H, W), or to
points, shape (B, d); every discriminator maps such data to logits, shape (B,), higher for "more
real".
"""

import math
from itertools import pairwise

from torch import Tensor, nn


class UnitToSigned(nn.Module):
    """Map [0, 1], the range of a sigmoid, to [-1, 1], the range of our pictures."""

    def forward(self, x: Tensor) -> Tensor:
        """Return 2x - 1."""
        return 2 * x - 1


class SignedToUnit(nn.Module):
    """Map [-1, 1] to [0, 1], the range that source 002's discriminator was written for."""

    def forward(self, x: Tensor) -> Tensor:
        """Return (x + 1) / 2."""
        return (x + 1) / 2


def generator(widths: list[int], shape=(1, 28, 28), *, activation=nn.ReLU, last=nn.Tanh):
    """Return an MLP widths[0] -> widths[1] -> ... -> C*H*W, its output shaped (B, C, H, W)."""
    return nn.Sequential(*_layers([*widths, math.prod(shape)], activation), last(),
                         nn.Unflatten(1, shape))


def discriminator(widths: list[int], shape=(1, 28, 28), *, activation=nn.ReLU, dropout=0.0):
    """Return an MLP C*H*W -> widths[0] -> ... -> 1 that gives one logit a picture, shape (B,).

    There is no sigmoid at the end: the losses take logits, which never saturate numerically.
    """
    def activate():
        return nn.Sequential(activation(), nn.Dropout(dropout)) if dropout else activation()
    return nn.Sequential(nn.Flatten(), *_layers([math.prod(shape), *widths, 1], activate),
                         nn.Flatten(0))


def _layers(widths: list[int], activation) -> list[nn.Module]:
    layers = []
    for n_in, n_out in pairwise(widths):
        layers += [nn.Linear(n_in, n_out), activation()]
    return layers[:-1]  # what follows the last Linear is the caller's choice


def leaky() -> nn.Module:
    """Return LeakyReLU with slope 0.2 below zero, so that no unit of D stops passing gradient."""
    return nn.LeakyReLU(0.2)


def source_002(shape=(1, 28, 28)) -> tuple[nn.Module, nn.Module]:
    """Return source 002's pair: G 100-128-784 with a sigmoid, D 784-128-1, both with ReLU.

    The source works in [0, 1]; two fixed layers translate to the course's [-1, 1].
    """
    def last():
        return nn.Sequential(nn.Sigmoid(), UnitToSigned())
    critic = discriminator([128], shape)
    return generator([100, 128], shape, last=last), nn.Sequential(SignedToUnit(), *critic)


def source_004(shape=(1, 28, 28), dropout=0.0) -> tuple[nn.Module, nn.Module]:
    """Return source 004's pair: G 64-256-256-784 with tanh, D 784-256-256-1 with LeakyReLU 0.2.

    `dropout` > 0 adds dropout after D's activations; the source has none.
    """
    return (generator([64, 256, 256], shape),
            discriminator([256, 256], shape, activation=leaky, dropout=dropout))


def plane(width: int = 64, depth: int = 2, latent: int = 2, shape=(2,)):
    """Return a pair for points of `shape` (d,): both with `depth` hidden layers of `width`.

    G latent-64-64-2 with ReLU, nothing after its last layer; D 2-64-64-1 with LeakyReLU 0.2.
    """
    hidden = [width] * depth
    return (generator([latent, *hidden], shape, last=nn.Identity),
            discriminator(hidden, shape, activation=leaky))
