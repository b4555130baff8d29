"""The ablation board: each game differs from DCGAN in one thing, and in that one only."""

import pytest
import torch
from torch import nn

from gan_lessons import ablations, data
from gan_lessons.nets import dcgan
from gan_lessons.train import fit

SAME_WEIGHTS = ["ReLU in D", "Adam beta1 0.9", "BatchNorm at the ends, too",
                "ReLU before BatchNorm"]


def convolutions(game):
    return [m.weight for network in (game.generator, game.critic) for m in network.modules()
            if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d))]


def kinds(game):
    return [type(m) for network in (game.generator, game.critic) for m in network.modules()]


@pytest.mark.parametrize("name", ablations.CHANGES)
def test_every_game_can_be_played(name):
    game = fit(ablations.changed(name, batch=4), data.mnist()[:20].framed(32), 2, progress=False)
    assert game.sample(3).shape == (3, 1, 32, 32)


@pytest.mark.parametrize("name", SAME_WEIGHTS)
def test_the_same_seed_gives_the_same_first_weights(name):
    ours, plain = (convolutions(ablations.changed(which, 3)) for which in (name, "DCGAN"))
    assert all(torch.equal(a, b) for a, b in zip(ours, plain, strict=True))
    other = convolutions(ablations.changed(name, 4))
    assert not torch.equal(ours[0], other[0])


def test_each_change_changes_what_it_says():
    games = {name: ablations.changed(name) for name in ablations.CHANGES}
    plain = games.pop("DCGAN")
    norms = {name: kinds(game).count(nn.BatchNorm2d) for name, game in games.items()}
    assert norms["no BatchNorm"] == 0
    assert norms["BatchNorm at the ends, too"] == kinds(plain).count(nn.BatchNorm2d) + 2
    assert [type(m) for m in games["BatchNorm at the ends, too"].critic[0]] == [
        nn.Conv2d, nn.BatchNorm2d, nn.LeakyReLU]
    assert [type(m) for m in games["ReLU before BatchNorm"].critic[1]] == [
        nn.Conv2d, nn.LeakyReLU, nn.BatchNorm2d]
    wild = torch.cat([w.flatten() for w in convolutions(games["first weights N(0, 1)"])])
    assert wild.std().item() == pytest.approx(1, rel=0.05)
    slopes = {m.negative_slope for m in games["ReLU in D"].critic.modules()
              if isinstance(m, nn.LeakyReLU)}
    assert slopes == {0.0}
    assert games["Adam beta1 0.9"].betas == (0.9, 0.999) and plain.betas == (0.5, 0.999)
    faded = [m.weight.abs().max() for m in games["BatchNorm scale around 0"].generator.modules()
             if isinstance(m, nn.BatchNorm2d)]
    assert 0 < max(faded) < 0.1
    assert {game.lr for game in games.values()} == {plain.lr}


def test_another_critic_takes_the_place_of_d():
    other = dcgan.critic(32, 1, features=8, norm="spectral")
    game, plain = ablations.changed("DCGAN", 3, critic=other), ablations.changed("DCGAN", 3)
    assert game.critic is other
    assert torch.equal(next(game.generator.parameters()), next(plain.generator.parameters()))


def test_the_learners_random_numbers_stay_as_they_were():
    before = torch.get_rng_state()
    ablations.changed("DCGAN")
    assert torch.equal(torch.get_rng_state(), before)


def test_a_change_that_is_not_there_is_named():
    with pytest.raises(ValueError, match="no change 'GELU'. Choose from DCGAN, no BatchNorm"):
        ablations.changed("GELU")
