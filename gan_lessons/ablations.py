"""DCGAN with one rule broken at a time: small games that start from the same seed.

`changed("ReLU in D", seed=3)` is the game of `changed("DCGAN", seed=3)` but for that one change.
They are small, 8 features and batches of 32, so that a whole board plays in a minute.
"""

import torch
from torch import nn

from gan_lessons import runtime
from gan_lessons.nets import dcgan
from gan_lessons.train import Game
from gan_lessons.util import both

SIZE, CHANNELS, FEATURES, LATENT = 32, 1, 8, 32


def batchnorm_at_the_ends(generator: nn.Sequential, critic: nn.Sequential) -> None:
    """Put BatchNorm where DCGAN leaves it out: after D's first and G's last convolution."""
    critic[0].insert(1, nn.BatchNorm2d(FEATURES))
    generator[-2] = nn.Sequential(generator[-2], nn.BatchNorm2d(CHANNELS))


def scales_near_zero(generator: nn.Sequential, critic: nn.Sequential) -> None:
    """Draw BatchNorm's scales around 0, as if they were weights, and not around 1 (std 0.02)."""
    for module in (*generator.modules(), *critic.modules()):
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 0.0, 0.02)


# name -> (other settings of the networks, an edit of them, other settings of the game)
CHANGES = {
    "DCGAN": ({}, None, {}),
    "no BatchNorm": ({"norm": "none"}, None, {}),
    "BatchNorm at the ends, too": ({}, batchnorm_at_the_ends, {}),
    "ReLU before BatchNorm": ({"norm_last": True}, None, {}),
    "BatchNorm scale around 0": ({}, scales_near_zero, {}),
    "first weights N(0, 1)": ({"std": 1.0}, None, {}),
    "ReLU in D": ({"slope": 0.0}, None, {}),  # a LeakyReLU of slope 0 is a ReLU
    "Adam beta1 0.9": ({}, None, {"betas": (0.9, 0.999)}),
}


def changed(name: str, seed: int = 0, critic: nn.Module | None = None, **settings) -> Game:
    """Return DCGAN for digits of 32x32 with the one change that `name` says, see CHANGES.

    `critic` takes the place of D; `settings` are those of `train.Game`. Raises ValueError for a
    name that is not there.
    """
    if name not in CHANGES:
        raise ValueError(both(f"没有改动 {name!r}。可选：{'、'.join(CHANGES)}。",
                              f"There is no change {name!r}. Choose from {', '.join(CHANGES)}."))
    of_networks, edit, of_game = CHANGES[name]
    with torch.random.fork_rng(devices=[]):  # the learner's own random numbers are not disturbed
        torch.manual_seed(seed)
        generator, plain = dcgan.pair(SIZE, CHANNELS, latent=LATENT, features=FEATURES,
                                      **of_networks)
        if edit is not None:
            edit(generator, plain)
    critic = plain if critic is None else critic
    device = runtime.device()
    usual = {"latent": LATENT, "batch": 32, "lr": 1e-3, "betas": (0.5, 0.999), "ema": 0.98}
    return Game(generator.to(device), critic.to(device), seed=seed,
                **{**usual, **of_game, **settings})
