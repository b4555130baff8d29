"""Gradual resizing: what a larger network takes over from a smaller one, and how it goes on."""

import pytest
import torch

from gan_lessons import recipes
from gan_lessons.data import ImageSet
from gan_lessons.nets import dcgan
from gan_lessons.train import fit


def pictures(size):
    chance = torch.Generator().manual_seed(0)
    coarse = torch.randint(0, 256, (24, 3, 4, 4), generator=chance, dtype=torch.uint8)
    return ImageSet(coarse.repeat_interleave(size // 4, 2).repeat_interleave(size // 4, 3), None,
                    "squares")


def fitted(size, features, **settings):
    """Return a game whose BatchNorm layers have seen something and whose weights have moved."""
    game = recipes.wgan(size, features=features, latent=6, batch=8, **settings)
    return fit(game, pictures(size), 2, progress=False)


@pytest.mark.parametrize("norm", dcgan.NORMS)
@pytest.mark.parametrize("size, features, sides", [(16, 8, ["4x4", "8x8"]),
                                                   (32, 4, ["4x4", "8x8", "16x16"])])
def test_the_inner_parts_go_over_whole_and_the_rest_stays_new(size, features, sides, norm):
    small = fitted(size, features, norm=norm)
    large = recipes.wgan(2 * size, features=features // 2, latent=6, norm=norm, seed=1)
    for ours, theirs, expected in (
            (small.generator, large.generator, sides),
            (small.critic, large.critic, [*sides[-2::-1], "score"])):
        before = {name: t.clone() for name, t in theirs.state_dict().items()}
        source = {name: t.clone() for name, t in ours.state_dict().items()}
        assert dcgan.carry_over(ours, theirs) == expected
        for name, tensor in theirs.state_dict().items():
            carried = name.split(".")[0] in expected
            assert torch.equal(tensor, source[name] if carried else before[name]), name
        assert all(torch.equal(t, source[name]) for name, t in ours.state_dict().items())


def test_a_bias_does_not_go_without_its_kernel():
    small, large = dcgan.critic(16, features=8, norm="none"), dcgan.critic(32, features=4,
                                                                            norm="none")
    torch.nn.init.ones_(small[0][0].bias)  # "8x8" has 8 biases in both, but other kernels
    assert small[0][0].bias.shape == large[1][0].bias.shape
    assert "8x8" not in dcgan.carry_over(small, large)
    assert not large[1][0].bias.any()


def test_what_is_carried_over_is_a_copy():
    small, large = dcgan.generator(16, features=8), dcgan.generator(32, features=4)
    dcgan.carry_over(small, large)
    with torch.no_grad():
        large[1][0].weight.zero_()
    assert small[1][0].weight.any()


@pytest.mark.parametrize("norm", ["batch", "none"])
def test_the_inner_features_are_the_same_after_the_change(norm):
    small, large = (dcgan.generator(size, latent=6, features=f, norm=norm).eval()
                    for size, f in ((16, 8), (32, 4)))
    dcgan.carry_over(small, large)
    z = torch.randn(3, 6)
    assert torch.equal(small[:3](z), large[:3](z))  # z, 4x4, 8x8


def test_a_game_goes_on_and_its_average_begins_with_what_was_carried_over():
    small = fitted(16, 8)
    large = recipes.wgan(32, features=4, latent=6, batch=8)
    dcgan.carry_over(small.generator, large.generator)
    dcgan.carry_over(small.critic, large.critic)
    fit(large, pictures(32), 1, progress=False)
    for ours, average in zip(large.generator.parameters(), large.generator_ema.module.parameters(),
                             strict=True):
        assert torch.equal(ours, average)


@pytest.mark.parametrize("small, large", [
    (dcgan.critic(16, features=8), dcgan.critic(32, features=8)),  # features not halved
    (dcgan.generator(16, features=8, latent=5), dcgan.generator(32, features=2, latent=6)),
    (dcgan.critic(16, features=8, norm="none"), dcgan.critic(32, features=4, norm="batch"))])
def test_where_nothing_fits_the_error_says_what_to_do(small, large):
    before = {name: t.clone() for name, t in large.state_dict().items()}
    with pytest.raises(ValueError, match="features 减半(.|\n)*halve `features`"):
        dcgan.carry_over(small, large)
    assert all(torch.equal(t, before[name]) for name, t in large.state_dict().items())
