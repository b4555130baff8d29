"""Networks and losses against independent oracles: torch's own losses, known counts, formulas."""

import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits as bce

from gan_lessons import losses, penalties
from gan_lessons.nets import mlp

REAL, FAKE = torch.linspace(-4, 4, 9), torch.linspace(-3, 5, 7)


def count(network):
    return sum(p.numel() for p in network.parameters())


@pytest.mark.parametrize("make, latent, sizes", [(mlp.source_002, 100, (114_064, 100_609)),
                                                 (mlp.source_004, 64, (283_920, 267_009))])
def test_the_sources_networks_by_name(make, latent, sizes):
    generator, critic = make()
    assert (count(generator), count(critic)) == sizes
    for batch in (1, 7, 60):
        fake = generator(torch.randn(batch, latent))
        assert fake.shape == (batch, 1, 28, 28)
        assert fake.min() >= -1 and fake.max() <= 1
        assert critic(fake).shape == (batch,)


def test_source_002_works_in_the_unit_interval_inside():
    generator, critic = mlp.source_002()
    z = torch.randn(5, 100)
    unit = torch.sigmoid(generator[:3](z))  # the source's own output
    assert torch.allclose(generator(z).flatten(1), 2 * unit - 1)
    assert torch.allclose(critic(torch.ones(2, 1, 28, 28)), critic[2:](torch.ones(2, 784)))


def test_other_shapes():
    generator, critic = mlp.source_004(shape=(3, 16, 16))
    assert critic(generator(torch.randn(2, 64))).shape == (2,)


@pytest.mark.parametrize("loss", [losses.Minimax(), losses.NonSaturating()])
def test_the_discriminators_loss_is_the_cross_entropy(loss):
    expected = bce(REAL, torch.ones(9)) + bce(FAKE, torch.zeros(7))
    torch.testing.assert_close(loss.critic(REAL, FAKE), expected)


def test_one_sided_label_smoothing_is_the_cross_entropy_with_target_point_nine():
    expected = bce(REAL, torch.full((9,), 0.9)) + bce(FAKE, torch.zeros(7))
    torch.testing.assert_close(losses.NonSaturating(smooth=0.9).critic(REAL, FAKE), expected)


@pytest.mark.parametrize("smooth", [0.0, 0.5, 1.1, float("nan")])
def test_smoothing_that_makes_no_sense_is_refused(smooth):
    with pytest.raises(ValueError, match="smooth should be between"):
        losses.NonSaturating(smooth=smooth)


def test_the_generators_losses():
    torch.testing.assert_close(losses.NonSaturating().generator(FAKE), bce(FAKE, torch.ones(7)))
    torch.testing.assert_close(losses.Minimax().generator(FAKE),
                               torch.log(1 - torch.sigmoid(FAKE)).mean())


def test_which_loss_saturates_where():
    """The minimax gradient vanishes for a bad G (logit -6), the other one for a good G (+6)."""
    def slope(loss, at):
        logit = torch.tensor([at], requires_grad=True)
        loss.generator(logit).backward()
        return abs(logit.grad.item())
    assert slope(losses.Minimax(), -6.0) == pytest.approx(0.0025, abs=1e-4)
    assert slope(losses.Minimax(), 6.0) == pytest.approx(0.9975, abs=1e-4)
    assert slope(losses.NonSaturating(), -6.0) == pytest.approx(0.9975, abs=1e-4)
    assert slope(losses.NonSaturating(), 6.0) == pytest.approx(0.0025, abs=1e-4)


@pytest.mark.parametrize("loss", [losses.Minimax(), losses.NonSaturating()])
def test_extreme_logits_stay_finite_with_gradient(loss):
    real = torch.tensor([-200.0], requires_grad=True)
    value = loss.critic(real, torch.tensor([200.0]))
    value.backward()
    assert value.item() == pytest.approx(400) and real.grad.item() == pytest.approx(-1)


def test_r1_of_a_linear_critic_is_half_gamma_times_its_squared_norm():
    weight = torch.randn(4)

    def critic(x):
        return x.flatten(1) @ weight
    value = penalties.r1(critic, torch.randn(6, 1, 2, 2), gamma=10.0)
    torch.testing.assert_close(value, 5 * weight.square().sum())


def test_r1_against_finite_differences():
    torch.manual_seed(0)
    critic = mlp.discriminator([8], (1, 3, 3)).double()
    real = torch.randn(5, 1, 3, 3, dtype=torch.float64)
    h, total = 1e-6, 0.0
    for i in range(9):
        shift = torch.zeros(9, dtype=torch.float64)
        shift[i] = h
        shift = shift.view(1, 1, 3, 3)
        total += ((critic(real + shift) - critic(real - shift)) / (2 * h)).square()
    torch.testing.assert_close(penalties.r1(critic, real), total.mean() / 2, rtol=1e-5, atol=1e-8)


def test_r1_teaches_the_critic():
    critic = mlp.discriminator([8], (1, 3, 3))
    penalties.r1(critic, torch.randn(5, 1, 3, 3)).backward()
    assert next(critic.parameters()).grad.abs().sum() > 0
