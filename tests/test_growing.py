"""Growth with fading: both ends of the blend are exact, and training reaches both paths."""

import pytest
import torch
from torch.nn.functional import avg_pool2d

from gan_lessons import recipes
from gan_lessons.nets import dcgan
from gan_lessons.nets.growing import FadedCritic, FadedGenerator, set_share


def generators(norm="batch"):
    torch.manual_seed(0)
    return tuple(dcgan.generator(size, latent=6, features=f, norm=norm)
                 for size, f in ((16, 8), (32, 4)))


def critics(norm="none"):
    torch.manual_seed(0)
    return tuple(dcgan.critic(size, features=f, norm=norm) for size, f in ((16, 8), (32, 4)))


@pytest.mark.parametrize("norm", ["batch", "none"])
def test_the_grown_generator_starts_as_the_small_one_and_ends_as_the_large_one(norm):
    small, large = generators(norm)
    faded, z = FadedGenerator(small, large), torch.randn(5, 6)
    for network in (small, large, faded):
        network.eval()
    doubled = small(z).repeat_interleave(2, 2).repeat_interleave(2, 3)
    assert torch.equal(faded(z), doubled)
    set_share(1.0, faded)
    assert torch.equal(faded(z), large(z))
    set_share(0.25, faded)
    torch.testing.assert_close(faded(z), 0.75 * doubled + 0.25 * large(z))


def test_the_grown_critic_starts_as_the_small_one_and_ends_as_the_large_one():
    small, large = critics()
    faded, x = FadedCritic(small, large), torch.rand(5, 3, 32, 32) * 2 - 1
    assert torch.equal(faded(x), small(avg_pool2d(x, 2)))
    set_share(1.0, faded)
    assert torch.equal(faded(x), large(x))


def test_both_paths_learn_while_they_are_blended():
    for faded, x in ((FadedGenerator(*generators()), torch.randn(5, 6)),
                     (FadedCritic(*critics()), torch.rand(5, 3, 32, 32))):
        set_share(0.5, faded)
        faded(x).square().sum().backward()
        assert all(parameter.grad.any() for parameter in faded.parameters())


def test_networks_that_do_not_belong_together_are_refused():
    with pytest.raises(ValueError, match="halve `features`"):
        FadedCritic(dcgan.critic(16, features=8, norm="none"),
                    dcgan.critic(32, features=8, norm="none"))


def test_a_game_of_grown_networks_trains():
    game = recipes.wgan_gp(16, features=8, latent=6)
    large = recipes.wgan_gp(32, features=4, latent=6)
    assert isinstance(FadedGenerator(game.generator, large.generator), FadedGenerator)
    assert isinstance(FadedCritic(game.critic, large.critic), FadedCritic)
