"""Whole games by name: networks, loss and settings together, ready for `train.fit`.

The networks are put on the best device there is (`runtime.device()`).

Any setting of `train.Game` can be changed: `source_004(penalty=penalties.r1, lr=1e-3)`.
"""

from functools import partial

import torch

from gan_lessons import losses, penalties, runtime
from gan_lessons.nets import conditional as conditional_nets
from gan_lessons.nets import dcgan as convolutional
from gan_lessons.nets import mlp, resnet
from gan_lessons.train import Game, rmsprop

WGAN = {"loss": losses.Wasserstein(), "clip": 0.01, "n_critic": 5, "optimizer": rmsprop,
        "lr": 5e-5, "batch": 64}
R3GAN = {"loss": losses.Relativistic(), "penalty_every": 8, "batch": 32, "lr": 2e-3,
         "betas": (0.0, 0.99), "ema": 0.998, "ema_warm_up": True}


def source_002(*, shape=(1, 28, 28), seed: int = 0, **changes) -> Game:
    """Return source 002 as written: G 100-128-784, D 784-128-1, Adam 1e-3, batches of 60."""
    make = partial(mlp.source_002, shape)
    return _game(make, changes, latent=100, batch=60, lr=1e-3, seed=seed)


def source_004(*, shape=(1, 28, 28), dropout: float = 0.0, seed: int = 0, **changes) -> Game:
    """Return source 004 as written: G 64-256-256-784, D 784-256-256-1, Adam 2e-4, batches of 100.

    `dropout` > 0 adds dropout to D, which the source does not have.
    """
    make = partial(mlp.source_004, shape, dropout)
    return _game(make, changes, latent=64, batch=100, lr=2e-4, seed=seed)


def source_003(size: int = 64, channels: int = 3, *, latent: int = 100, features: int = 64,
               extra_layers: int = 0, seed: int = 0, **changes) -> Game:
    """Return source 003 as written: the settings of `wgan` and the source's own networks.

    Except that D's score is higher for "more real", and that clipping comes after each update.
    """
    make = partial(convolutional.source_003, size, channels, latent=latent, features=features,
                   extra_layers=extra_layers)
    return _game(make, changes, latent=latent, seed=seed, **WGAN)


def dcgan(size: int = 32, channels: int = 3, *, latent: int = 100, features: int = 64,
          extra_layers: int = 0, norm: str = "batch", seed: int = 0, **changes) -> Game:
    """Return DCGAN: the non-saturating loss, Adam 2e-4 with betas 0.5, 0.999, batches of 128.

    The networks are those of `nets.dcgan`. Radford et al. 2015, arXiv 1511.06434, section 4.
    """
    make = partial(convolutional.pair, size, channels, latent=latent, features=features,
                   extra_layers=extra_layers, norm=norm)
    return _game(make, changes, latent=latent, batch=128, lr=2e-4, betas=(0.5, 0.999), seed=seed)


def wgan(size: int = 64, channels: int = 3, *, latent: int = 100, features: int = 64,
         extra_layers: int = 0, norm: str = "batch", critic_norm: str | None = None,
         seed: int = 0, **changes) -> Game:
    """Return WGAN: DCGAN's networks, 5 steps of D for each of G, D's weights within 0.01 of 0.

    RMSprop 5e-5, batches of 64. `norm` is that of both networks, `critic_norm` of D alone.
    `warm_up=True` adds the authors' long turns of D, see `train.critic_turns`.
    Arjovsky et al. 2017, arXiv 1701.07875, algorithm 1.
    """
    make = partial(convolutional.pair, size, channels, latent=latent, features=features,
                   extra_layers=extra_layers, norm=norm, critic_norm=critic_norm)
    return _game(make, changes, latent=latent, seed=seed, **WGAN)


def wgan_gp(size: int = 64, channels: int = 3, *, latent: int = 100, features: int = 64,
            extra_layers: int = 0, norm: str = "batch", critic_norm: str = "none", seed: int = 0,
            **changes) -> Game:
    """Return WGAN-GP: as `wgan`, but a gradient penalty of weight 10 in place of the clipping.

    BatchNorm in G alone: in D a score must depend on its own picture. Adam 1e-4 with betas 0, 0.9,
    5 steps of D for each of G, batches of 64. Gulrajani et al. 2017, arXiv 1704.00028, algorithm 1.
    """
    make = partial(convolutional.pair, size, channels, latent=latent, features=features,
                   extra_layers=extra_layers, norm=norm, critic_norm=critic_norm)
    return _game(make, changes, loss=losses.Wasserstein(), penalty=penalties.gradient_penalty,
                 n_critic=5, batch=64, lr=1e-4, betas=(0.0, 0.9), latent=latent, seed=seed)


def sngan(size: int = 32, channels: int = 3, *, steps: int = 8000, latent: int = 64,
          features: int = 32, extra_layers: int = 0, norm: str = "spectral", seed: int = 0,
          **changes) -> Game:
    """Return SN-GAN: DCGAN's networks, a critic with spectral norm, and the hinge loss.

    Adam 1e-3 with betas 0, 0.9, batches of 64; over `steps` steps the learning rate falls to 2 %.
    Use its `generator_ema`. With precision="bfloat16" the default settings took five minutes on two
    cores and painted all 96 kinds of core toy faces on 3 of 3 seeds; float32 takes a third longer.
    Miyato et al. 2018, arXiv 1802.05957; the learning rate is ours.
    """
    make = partial(convolutional.pair, size, channels, latent=latent, features=features,
                   extra_layers=extra_layers, norm=norm)
    return _game(make, changes, loss=losses.Hinge(), batch=64, lr=1e-3, betas=(0.0, 0.9),
                 decay=steps, latent=latent, seed=seed)


def rpgan(size: int = 32, channels: int = 3, *, steps: int = 12_000, gamma: float = 5.0,
          latent: int = 64, features: int = 32, extra_layers: int = 0, norm: str = "batch",
          critic_norm: str = "none", seed: int = 0, **changes) -> Game:
    """Return R3GAN's loss on DCGAN's networks: RpGAN + R1 + R2, the critic without BatchNorm.

    Batches of 32, Adam 2e-3 with betas 0, 0.99; over `steps` steps the learning rate falls to 2 %
    and `gamma`, the weight of R1 + R2, to a tenth; the penalty is taken on every 8th step of D.
    Use its `generator_ema`. On core toy faces it is ahead of `sngan` and of `r3gan` in equal
    seconds of a processor (studies/lesson06_contest.json); within ten minutes
    loss=losses.NonSaturating() was a little better still (studies/lesson06_unpaired.json).
    The loss and the schedule are those of R3GAN, Huang et al. 2024, arXiv 2501.05441.
    """
    make = partial(convolutional.pair, size, channels, latent=latent, features=features,
                   extra_layers=extra_layers, norm=norm, critic_norm=critic_norm)
    return _game(make, changes, **{**R3GAN, "penalty": partial(penalties.r1_r2, gamma=gamma)},
                 decay=steps, latent=latent, seed=seed)


def r3gan(size: int = 32, channels: int = 3, *, steps: int = 6000, gamma: float = 5.0,
          latent: int = 64, features: int = 16, seed: int = 0, **changes) -> Game:
    """Return a small R3GAN: the game of `rpgan` with residual networks, `nets.resnet.r3gan_pair`.

    `features` is half of `rpgan`'s, so that a step takes a processor about as long. Huang et al.
    2024, arXiv 2501.05441, whose own settings differ: larger networks, batches of 256 and more,
    the penalty in every step, a learning rate of 2e-4 and less.
    """
    make = partial(resnet.r3gan_pair, size, channels, latent, features)
    return _game(make, changes, **{**R3GAN, "penalty": partial(penalties.r1_r2, gamma=gamma)},
                 decay=steps, latent=latent, seed=seed)


def conditional(size: int, channels: int, classes, *, how: str = "projection",
                steps: int = 12_000, gamma: float = 5.0, latent: int = 64, features: int = 32,
                embedding: int = 32, extra_layers: int = 0, norm: str = "batch",
                critic_norm: str = "none", seed: int = 0, **changes) -> Game:
    """Return `rpgan` for pictures with a condition; `classes` counts its values, see `condition`.

    G joins an embedding of y to z, D takes y by projection, or as `how` says: see
    `nets.conditional`. With "auxiliary" the loss is `losses.Auxiliary` around R3GAN's.
    A class is drawn as asked long before it is varied: see `measure.obedience`. Digits were varied
    sooner with features=16 and gamma=1.0, as in lesson 08, than with the defaults.
    """
    make = partial(conditional_nets.pair, size, channels, classes, latent=latent,
                   features=features, embedding=embedding, extra_layers=extra_layers, norm=norm,
                   critic_norm=critic_norm, how=how)
    settings = {**R3GAN, "penalty": partial(penalties.r1_r2, gamma=gamma), "decay": steps}
    if how == "auxiliary":
        settings["loss"] = losses.Auxiliary(losses.Relativistic())
    return _game(make, changes, **settings, classes=classes, latent=latent, seed=seed)


def plane(*, width: int = 64, depth: int = 2, latent: int = 2, shape=(2,), seed: int = 0,
          **changes) -> Game:
    """Return lesson 01's game of points: G 2-64-64-2, D 2-64-64-1, Adam 1e-3, betas 0.5, 0.999.

    The non-saturating loss and no penalty: the plain GAN of 2014. The betas are DCGAN's (2015).
    The networks are tiny and stay on the CPU, where the points are.
    """
    make = partial(mlp.plane, width, depth, latent, shape)
    return _game(make, changes, device=torch.device("cpu"), latent=latent, batch=128, lr=1e-3,
                 betas=(0.5, 0.999), seed=seed)


def modern_plane(*, steps: int = 12_000, gamma: float = 0.05, **changes) -> Game:
    """Return the modern game of points: wider networks, RpGAN + R1 + R2, everything fading out.

    3 hidden layers of 128, batches of 256, Adam 1e-3 with betas 0, 0.99; over `steps` steps the
    learning rate falls to 2 % and `gamma`, the weight of R1 + R2, to a tenth; the penalty is taken
    on every 8th step of D. Use its `generator_ema`, and data that fill [-1, 1], as pictures do.
    The loss and the schedule are those of R3GAN, Huang et al. 2024, arXiv 2501.05441.
    """
    settings = {"width": 128, "depth": 3, "loss": losses.Relativistic(), "batch": 256,
                "penalty": partial(penalties.r1_r2, gamma=gamma), "betas": (0.0, 0.99),
                "penalty_every": 8, "decay": steps}
    return plane(**{**settings, **changes})


def _game(make, changes: dict, device: torch.device | None = None, **settings) -> Game:
    with torch.random.fork_rng(devices=[]):  # the learner's own random numbers are not disturbed
        torch.manual_seed(settings["seed"])  # the networks' first weights
        generator, critic = make()
    device = device or runtime.device()
    return Game(generator.to(device), critic.to(device), **{**settings, **changes})
