"""Residual networks: shapes and counts, first weights, what the papers promise, bad settings."""

import math
from functools import partial

import pytest
import torch
from torch import nn

from gan_lessons import losses, penalties, train
from gan_lessons.data import ImageSet
from gan_lessons.nets import resnet

PAIRS = (resnet.sngan_pair, resnet.r3gan_pair)


def count(network):
    return sum(p.numel() for p in network.parameters())


@pytest.mark.parametrize("make", [*PAIRS, partial(resnet.r3gan_pair, stride=1)])
@pytest.mark.parametrize("size, channels", [(32, 1), (32, 3), (64, 3)])
def test_shapes_and_gradients(make, size, channels):
    generator, critic = make(size, channels, latent=5, features=8)
    made = generator(torch.randn(3, 5))
    assert made.shape == (3, channels, size, size)
    scores = critic(made)
    assert scores.shape == (3,) and scores.dtype == torch.float32
    scores.sum().backward()
    assert all(p.grad is not None for n in (generator, critic) for p in n.parameters())


# Counted by hand from the papers' tables: convolutions n_in * n_out * k * k (+ n_out with a bias).
def test_sngan_has_as_many_weights_as_its_table_says():
    generator, critic = resnet.sngan_pair(32, 3, latent=128, features=128)  # the paper's CIFAR-10

    def conv(n_in, n_out, k):
        return n_in * n_out * k * k + n_out

    up = 2 * conv(256, 256, 3) + conv(256, 256, 1) + 2 * 2 * 256  # and two BatchNorms
    assert count(generator) == (128 + 1) * 4096 + 3 * up + 2 * 256 + conv(256, 3, 3)
    down = 2 * conv(128, 128, 3)
    first = conv(3, 128, 3) + conv(128, 128, 3) + conv(3, 128, 1)
    assert count(critic) == first + (down + conv(128, 128, 1)) + 2 * down + 128


@pytest.mark.parametrize("blocks, group", [(1, 16), (2, 8)])
def test_r3gan_has_as_many_weights_as_its_blocks(blocks, group):
    generator, critic = resnet.r3gan_pair(32, 3, latent=64, features=32, blocks=blocks,
                                          group=group, stride=1)
    block = {n: 4 * n * n + 9 * 2 * n * group + 4 * n for n in (32, 64, 128)}
    inner = blocks * (2 * block[128] + block[64] + block[32]) + 128 * 64 + 64 * 32 + 32 * 3
    assert count(generator) == inner + 64 * 128 + 16 * 128
    assert count(critic) == inner + 16 * 128 + 128
    smaller, judge = resnet.r3gan_pair(32, 3, latent=64, features=64, blocks=blocks, group=group)
    wide = 4 * 256 ** 2 + 9 * 2 * 256 * group + 4 * 256
    inner = blocks * (wide + block[128] + block[64]) + 256 * 128 + 128 * 64  # no stage of 32x32
    assert count(smaller) == inner + 64 * 256 + 16 * 256 + 9 * 64 * 12
    assert count(judge) == inner + 16 * 256 + 256 + 16 * 3 * 64


@pytest.mark.parametrize("make", PAIRS)
@pytest.mark.parametrize("channels_last", [False, True])
def test_double_backward_in_bfloat16_and_channels_last(make, channels_last):
    generator, critic = make(32, 3, latent=5, features=8)
    real, z = torch.rand(4, 3, 32, 32) * 2 - 1, torch.randn(4, 5)
    if channels_last:
        generator, critic = (n.to(memory_format=torch.channels_last) for n in (generator, critic))
        real = real.contiguous(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16):
        assert critic(real).dtype == torch.float32
        penalty = penalties.r1_r2(critic, real, generator(z).detach())
    penalty.backward()
    assert penalty.item() > 0
    kernels = [p for p in critic.parameters() if p.ndim == 4]
    assert all(p.grad is not None and p.grad.isfinite().all() for p in kernels)


def test_a_slope_of_the_r3gan_critic_by_finite_differences():
    torch.manual_seed(0)
    _, critic = resnet.r3gan_pair(32, 1, latent=5, features=8)
    with torch.no_grad():
        for p in critic.parameters():  # f = 0 hides the blocks: let them all take part
            p.add_(0.05 * torch.randn(p.shape))
    critic = critic.double()
    x = torch.rand(2, 1, 32, 32, dtype=torch.double, requires_grad=True)

    def scores(x):  # the critic gives float32: ask for what its last layer says, in float64
        return critic.score(critic.basis(critic.stages(x)).flatten(1)).sum()

    slope, = torch.autograd.grad(scores(x), x)
    way = torch.randn_like(x)
    with torch.no_grad():
        rise = (scores(x + 1e-8 * way) - scores(x - 1e-8 * way)) / 2e-8  # no kink between
    assert math.isclose(float((slope * way).sum()), float(rise), rel_tol=1e-4)


@pytest.mark.parametrize("blocks", [1, 3])
def test_r3gan_blocks_begin_as_nothing_and_smaller_the_more_there_are(blocks):
    generator, critic = resnet.r3gan_pair(32, 3, features=32, blocks=blocks, stride=1)
    for network in (generator, critic):
        found = [part for part in network.modules() if isinstance(part, resnet.Block)]
        assert len(found) == 4 * blocks
        for block in found:
            n = block.narrow.out_channels
            x = torch.randn(2, n, 4, 4)
            assert torch.equal(block(x), x)
            gain = math.sqrt(2 / 1.04) * (4 * blocks) ** -0.25
            fan_in = block.spread.weight[0].numel()
            assert fan_in == 9 * 16
            assert math.isclose(block.spread.weight.std(), gain / math.sqrt(fan_in), rel_tol=0.05)


def test_r3gan_normalises_nothing_and_has_biases_only_before_its_activations():
    for network in resnet.r3gan_pair(64, 3, features=8):
        assert not any("norm" in type(part).__name__.lower() for part in network.modules())
        biased = [name for name, p in network.named_parameters() if name.endswith("bias")]
        assert biased and all(name.split(".")[-2] in ("widen", "spread") for name in biased)


def test_r3gan_cuts_pixels_only_in_evaluation():
    generator, _ = resnet.r3gan_pair(32, 3, latent=64, features=8)
    with torch.no_grad():
        generator.paint[0].weight.mul_(5)
    z = torch.randn(8, 64)
    assert generator(z).abs().max() > 1
    assert generator.eval()(z).abs().max() == 1
    assert train.generate(generator.train(), z).dtype == torch.uint8


def test_sngan_layers_of_the_critic_have_norm_one():
    _, critic = resnet.sngan_pair(32, 3, features=8)
    x = torch.rand(2, 3, 32, 32)
    for _ in range(60):  # power iteration goes on with every forward pass
        critic(x)
    layers = [p for p in critic.modules() if isinstance(p, (nn.Conv2d, nn.Linear))]
    assert len(layers) == 11
    for layer in layers:
        largest = torch.linalg.matrix_norm(layer.weight.flatten(1), 2)
        assert math.isclose(float(largest), 1.0, rel_tol=0.02)


@pytest.mark.parametrize("make", PAIRS)
def test_a_game_is_played_and_goes_on(make):
    pictures = ImageSet(torch.randint(0, 256, (16, 3, 32, 32), dtype=torch.uint8), None, "noise")
    game = train.Game(*make(32, 3, latent=8, features=8), latent=8, loss=losses.Relativistic(),
                      penalty=partial(penalties.r1_r2, gamma=1.0), batch=4, precision="bfloat16")
    train.fit(game, pictures, 2, progress=False)
    assert game.history.isfinite().all() and game.sample(2, ema=True).shape == (2, 3, 32, 32)


@pytest.mark.parametrize("make", PAIRS)
@pytest.mark.parametrize("wrong", [
    {"size": 48}, {"size": 32.0}, {"channels": 0}, {"latent": 0}, {"features": 2.5}])
def test_bad_settings_are_named(make, wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        make(**wrong)


@pytest.mark.parametrize("wrong", [{"blocks": 0}, {"group": 0}, {"features": 12}, {"stride": 3}])
def test_bad_settings_of_r3gan_are_named(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        resnet.r3gan_pair(**wrong)
