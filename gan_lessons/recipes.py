"""Whole games by name: networks, loss and settings together, ready for `train.fit`.

The networks are put on the best device there is (`runtime.device()`).

Any setting of `train.Game` can be changed: `source_004(penalty=penalties.r1, lr=1e-3)`.
"""

import torch

from gan_lessons import runtime
from gan_lessons.nets import mlp
from gan_lessons.train import Game


def source_002(*, shape=(1, 28, 28), seed: int = 0, **changes) -> Game:
    """Return source 002 as written: G 100-128-784, D 784-128-1, Adam 1e-3, batches of 60."""
    return _game(mlp.source_002, (shape,), changes, latent=100, batch=60, lr=1e-3, seed=seed)


def source_004(*, shape=(1, 28, 28), dropout: float = 0.0, seed: int = 0, **changes) -> Game:
    """Return source 004 as written: G 64-256-256-784, D 784-256-256-1, Adam 2e-4, batches of 100.

    `dropout` > 0 adds dropout to D, which the source does not have.
    """
    return _game(mlp.source_004, (shape, dropout), changes, latent=64, batch=100, lr=2e-4,
                 seed=seed)


def _game(make, arguments: tuple, changes: dict, **settings) -> Game:
    with torch.random.fork_rng(devices=[]):  # the learner's own random numbers are not disturbed
        torch.manual_seed(settings["seed"])  # the networks' first weights
        generator, critic = (network.to(runtime.device()) for network in make(*arguments))
    return Game(generator, critic, **{**settings, **changes})
