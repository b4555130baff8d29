"""The learner plays the game of `train`: one batch of either player is one of the two steps there.

A learner's events stand between the lines of a step, so it cannot call `critic_step` and
`generator_step`; here it is shown that it does the same, bit for bit.
"""

import copy
from functools import partial

import pytest
import torch
from fastai_standin import Data, networks
from torch import nn

from gan_lessons import losses, penalties, train
from gan_lessons.augment import DiffAugment, augmented
from gan_lessons.fastai_style.gan_learner import GANLearner
from gan_lessons.fastai_style.gan_trainer import FixedGANSwitcher
from gan_lessons.penalties import clip_weights
from gan_lessons.train import Game, compares, critic_step, generator_step

LR = 1e-2


def with_batch_norm():
    return networks(per_sample=True)


def plain():
    """No BatchNorm, but leaky units: nothing is averaged over the batch."""
    torch.manual_seed(0)
    return (nn.Sequential(nn.ConvTranspose2d(10, 8, 4), nn.LeakyReLU(0.2), nn.Flatten(),
                          nn.Linear(128, 768), nn.Tanh(), nn.Unflatten(1, (3, 16, 16))),
            nn.Sequential(nn.Conv2d(3, 8, 4, 4), nn.LeakyReLU(0.2), nn.Flatten(),
                          nn.Linear(128, 1), nn.Flatten(0)))


def learned(nets, loss, n_critic=1, **settings):
    """Return the networks after n_critic batches of the critic and one of the generator."""
    learn = GANLearner.from_loss(Data(train=4 * (n_critic + 1)), *nets, loss, wd=0.0, silent=True,
                                 switch_eval=False, show_img=False, opt_func=torch.optim.Adam,
                                 switcher=partial(FixedGANSwitcher, n_crit=n_critic), **settings)
    torch.manual_seed(5)  # of the penalties that draw random numbers
    learn.fit(1, LR)
    assert (learn.gan_trainer.critic_steps, learn.gan_trainer.gen_steps) == (n_critic, 1)
    return learn


def stepped(nets, loss, penalty=None, n_critic=1, clip=None, clip_first=None,
            augment=None):
    """Return the networks after the same with the steps of `train`."""
    generator, critic = nets
    optimizers = [torch.optim.Adam(network.parameters(), lr=LR) for network in nets]
    *critic_batches, (z, real) = Data(train=4 * (n_critic + 1)).train_dl
    torch.manual_seed(5)
    for noise, pictures in critic_batches:
        if clip_first is not None:
            clip_weights(critic, clip_first)
        critic_step(augmented(critic, augment), generator, optimizers[1], loss, pictures, noise,
                    penalty, clip)
    if clip_first is not None:
        clip_weights(critic, clip_first)
    compared = real if compares(loss) else None
    generator_step(augmented(critic, augment), generator, optimizers[0], loss, z, compared)
    return generator, critic


def assert_equal(learn, nets, before):
    for mine, theirs, old in zip((learn.generator, learn.critic), nets, before, strict=True):
        for name, value in theirs.state_dict().items():
            assert torch.equal(mine.state_dict()[name], value), name
        assert not all(map(torch.equal, old.parameters(), theirs.parameters()))


CASES = {
    "non-saturating": (losses.NonSaturating(), None),
    "hinge": (losses.Hinge(), None),
    "R1": (losses.NonSaturating(), partial(penalties.r1, gamma=0.5)),
    "WGAN-GP": (losses.Wasserstein(), penalties.gradient_penalty),
    "relativistic": (losses.Relativistic(), None),
    "relativistic with R1 and R2": (losses.Relativistic(), partial(penalties.r1_r2, gamma=0.5)),
}


@pytest.mark.parametrize("make", [with_batch_norm, plain])
@pytest.mark.parametrize("case", CASES)
def test_a_batch_of_each_player_is_a_critic_step_and_a_generator_step(case, make):
    loss, penalty = CASES[case]
    assert_equal(learned(make(), loss, penalty=penalty), stepped(make(), loss, penalty), make())


@pytest.mark.parametrize("case", CASES)
def test_an_augmented_batch_is_an_augmented_step(case):
    loss, penalty = CASES[case]
    settings = {"penalty": penalty, "augment": DiffAugment()}
    learn = learned(plain(), loss, **settings)
    assert_equal(learn, stepped(plain(), loss, **settings), plain())
    assert learn.model.critic is learn.critic  # between steps nothing is augmented
    assert learn.settings()["augment"] != learned(plain(), loss).settings()["augment"]


@pytest.mark.parametrize("limit", [0.2, 0.02])
def test_clipping_stands_at_the_beginning_of_a_batch_as_in_fastai(limit):
    """Not after the step, as in `critic_step`; the critic is back in its box when G meets it."""
    loss = losses.Wasserstein()
    assert_equal(learned(plain(), loss, n_critic=2, clip=limit),
                 stepped(plain(), loss, n_critic=2, clip_first=limit), plain())


def test_clipping_is_that_of_critic_step_when_the_first_weights_are_in_the_box():
    loss, first = losses.Wasserstein(), plain()
    clip_weights(first[1], 0.05)
    assert_equal(learned(copy.deepcopy(first), loss, n_critic=2, clip=0.05),
                 stepped(copy.deepcopy(first), loss, n_critic=2, clip=0.05), first)


def a_game_of_three_steps(**settings):
    """Return a Game's networks after three steps of D and one of G on the learner's batches."""
    *critic_batches, (z, _) = Data(train=16).train_dl
    game = Game(*plain(), latent=10, batch=4, lr=LR, n_critic=3, loss=losses.NonSaturating(),
                optimizer=adam, **settings)
    noises = iter([noise for noise, _ in critic_batches] + [z])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train, "next_noise", lambda game: next(noises))
        train.play_round(game, iter([pictures for _, pictures in critic_batches]))
    return game.generator, game.critic


def adam(network, lr):
    return torch.optim.Adam(network.parameters(), lr=lr)


@pytest.mark.parametrize("settings", [
    {"penalty": partial(penalties.r1, gamma=0.5), "penalty_every": 2}, {"clip_gradients": 0.01}])
def test_lazy_penalty_and_clipped_gradients_are_those_of_a_game(settings):
    learn = learned(plain(), losses.NonSaturating(), n_critic=3, **settings)
    assert_equal(learn, a_game_of_three_steps(**settings), plain())
    without = learned(plain(), losses.NonSaturating(), n_critic=3)
    assert learn.settings() != without.settings()
    assert not torch.equal(next(learn.critic.parameters()), next(without.critic.parameters()))
