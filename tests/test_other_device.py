"""Nothing is left on the CPU when the networks are elsewhere: see `other_device`."""

from functools import partial
from types import SimpleNamespace

import pytest
import torch
from other_device import HOME, pretended

from gan_lessons import cycle, data, lab, losses, penalties, recipes, runtime
from gan_lessons.augment import DiffAugment
from gan_lessons.fastai_style.gan_learner import GANLearner
from gan_lessons.fastai_style.networks import basic_critic, basic_generator
from gan_lessons.train import channels_last, fit

SMALL = {"features": 8, "batch": 8, "ema": 0.9}
FACES = data.toy_faces(40, size=16, core=True)
GAMES = {
    "dcgan": partial(recipes.dcgan, 16),
    "wgan": partial(recipes.wgan, 16),
    "wgan_gp": partial(recipes.wgan_gp, 16),
    "sngan": partial(recipes.sngan, 16),
    "rpgan": partial(recipes.rpgan, 16, augment=DiffAugment()),
    "channels_last": lambda **settings: channels_last(recipes.rpgan(16, **settings)),
}


def test_the_two_devices_do_not_meet():
    with pretended() as away:
        network = torch.nn.Linear(2, 1).to(runtime.device())
        with pytest.raises(RuntimeError, match="same device"):
            network(torch.zeros(3, 2))
        with pytest.raises(RuntimeError, match="numpy"):
            network(torch.zeros(3, 2).to(away)).detach().numpy()
        assert network(torch.zeros(3, 2).to(away)).detach().cpu().numpy().shape == (3, 1)


@pytest.mark.parametrize("name", GAMES)
def test_a_game_is_the_same_on_another_device(name, tmp_path):
    def played(path):
        game = fit(GAMES[name](**SMALL), FACES, 3, save_to=path, progress=False)
        game = fit(GAMES[name](**SMALL), FACES, 5, save_to=path, progress=False)  # resumed
        return game, game.history, game.sample(4), game.sample(4, ema=True)
    here = played(tmp_path / "here")
    with pretended() as away:
        there = played(tmp_path / "there")
    assert (here[0].device, there[0].device) == (HOME, away)
    torch.testing.assert_close(there[1].cpu(), here[1], rtol=1e-4, atol=1e-5)
    for a, b in zip(there[2:], here[2:], strict=True):
        assert (a.cpu().int() - b.int()).abs().max() <= 1


def test_a_conditional_game():
    faces = FACES.conditioned_on("glasses", "skin")
    with pretended() as away:
        game = recipes.conditional(16, 3, faces.classes, features=8, batch=8)
        assert fit(game, faces, 2, progress=False).device == away
        assert game.sample(4, y=torch.tensor([[0, 1]] * 4)).shape == (4, 3, 16, 16)


def test_pictures_are_translated():
    with pretended() as away:
        game = cycle.fit(cycle.cyclegan(features=4, downs=2, patch=1), FACES, FACES, 2,
                         progress=False)
        assert game.device == away
        assert cycle.translate(game.a_to_b, FACES.images[:3]).shape == (3, 3, 16, 16)


def test_a_learner():
    noise = torch.randn(8, 100, 1, 1)
    with pretended() as away:
        pairs = SimpleNamespace(train_dl=[(noise, FACES[:8].signed())] * 12, valid_dl=None,
                                device=away)
        critic = basic_critic(16, 3, n_features=8, per_sample=True)
        for make in (GANLearner.wgan, partial(GANLearner.wgan, penalty=penalties.gradient_penalty),
                     partial(GANLearner.from_loss, loss=losses.NonSaturating(),
                             penalty=penalties.r1)):
            learn = make(pairs, basic_generator(16, 3, n_features=8), critic, silent=True, ema=0.9)
            learn.fit(1, 1e-3)
            assert learn.sample(3, ema=True).shape == (3, 3, 16, 16)


def test_points_stay_here_and_the_lab_takes_copies():
    ring = data.ring()
    with pretended() as away:
        game = fit(recipes.plane(seed=0), ring, 2, progress=False)
        assert game.device == HOME
        assert game.critic(ring.sample(5)).shape == (5,)  # as lesson 01 asks it
        theirs = [network.to(away) for network in (game.generator, game.critic)]
        playground = lab.GanLab(networks=theirs)
        playground.run(2)
        assert playground.state.sample(5).shape == (5, 2)
