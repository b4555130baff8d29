"""Networks and losses against independent oracles: torch's own losses, known counts, formulas."""

from functools import partial

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


def test_least_squares_against_torch():
    loss, mse = losses.LeastSquares(), torch.nn.functional.mse_loss
    torch.testing.assert_close(loss.critic(REAL, FAKE),
                               mse(REAL, torch.ones(9)) + mse(FAKE, torch.zeros(7)))
    torch.testing.assert_close(loss.generator(FAKE), mse(FAKE, torch.ones(7)))
    half = torch.full((3,), 0.5)
    assert loss.critic(half, half) == 0.5  # as the docstring says


def test_wasserstein_of_two_shifted_clouds_is_the_shift():
    loss = losses.Wasserstein()  # with the critic f(x) = x, the best one of slope 1
    torch.testing.assert_close(loss.critic(REAL, REAL - 2.5), torch.tensor(-2.5))
    torch.testing.assert_close(loss.generator(FAKE), -FAKE.mean())
    torch.testing.assert_close(loss.critic(REAL + 100, FAKE + 100), loss.critic(REAL, FAKE))


def test_hinge_is_not_wasserstein():
    """A well-known repository calls relu(1 - real) + relu(1 + fake) its Wasserstein loss."""
    hinge, wasserstein = losses.Hinge(), losses.Wasserstein()
    inside, beyond = torch.tensor([0.5]), torch.tensor([3.0])
    assert hinge.critic(inside, -inside) == 1.0 and wasserstein.critic(inside, -inside) == -1.0
    assert hinge.critic(beyond, -beyond) == 0.0 and wasserstein.critic(beyond, -beyond) == -6.0
    margin = torch.nn.functional.hinge_embedding_loss  # max(0, 1 - x) for the label -1
    torch.testing.assert_close(hinge.critic(REAL, FAKE), margin(REAL, -torch.ones(9))
                               + margin(-FAKE, -torch.ones(7)))
    torch.testing.assert_close(hinge.generator(FAKE), -FAKE.mean())


def test_relativistic_is_the_cross_entropy_of_the_difference():
    loss, fake = losses.Relativistic(), FAKE.flip(0)
    real = REAL[:7]
    torch.testing.assert_close(loss.critic(real, fake), bce(real - fake, torch.ones(7)))
    torch.testing.assert_close(loss.generator(fake, real), bce(fake - real, torch.ones(7)))
    assert loss.compares and not losses.Hinge().compares


def test_relativistic_does_not_feel_a_constant_shift():
    loss, real = losses.Relativistic(), REAL[:7]
    for c in (-3.0, 100.0):
        torch.testing.assert_close(loss.critic(real + c, FAKE + c), loss.critic(real, FAKE))
        torch.testing.assert_close(loss.generator(FAKE + c, real + c), loss.generator(FAKE, real))
    assert (losses.NonSaturating().critic(real + 1, FAKE + 1)
            - losses.NonSaturating().critic(real, FAKE)).abs() > 0.05


def test_the_values_of_tensorflow_gan():
    """losses_impl_test.py of tensorflow/gan, bc369b7, and the pairing loss by the formula."""
    real, fake = torch.tensor([-5.0, 1.4, 12.5, 2.7]), torch.tensor([10.0, 4.4, -5.5, 3.6])

    def near(expected):
        return pytest.approx(expected, abs=2e-5)
    assert losses.NonSaturating(smooth=0.875).critic(real, fake).item() == near(6.19637)
    assert losses.NonSaturating().critic(real, fake).item() == near(5.83386589)
    assert losses.NonSaturating().generator(fake).item() == near(1.38582)
    logit_one = torch.nn.functional.softplus(torch.tensor(-1.0))  # a constant of TF-GAN's
    assert (losses.Minimax().generator(fake) - logit_one).item() == near(-4.82408)
    assert losses.LeastSquares().critic(real, fake).item() / 2 == near(41.73375)
    assert losses.LeastSquares().generator(fake).item() / 2 == near(17.69625)
    assert losses.Wasserstein().critic(real, fake).item() == near(0.225)
    assert losses.Hinge().critic(real, fake).item() == near(6.75)
    assert losses.Hinge().generator(fake).item() == near(-3.125)
    paired = losses.Relativistic()
    assert paired.critic(real, fake).item() == near(4.822435386859521)
    assert paired.generator(fake, real).item() == near(4.59743538685952)
    other = torch.tensor([-2.0, 0.4, 12.5, 2.7])
    assert paired.critic(other, fake).item() == near(4.314827490518339)
    assert paired.generator(fake, other).item() == near(4.589827490518338)
    four = torch.randn(4, 1, 2, 2)  # D(x) = 2x for each of 4 numbers: a gradient norm of 4
    slope = penalties.gradient_penalty(lambda x: 2 * x.flatten(1).sum(1), four, -four, weight=1.0)
    assert slope.item() == near(9.0)


@pytest.mark.parametrize("loss", [losses.Minimax(), losses.NonSaturating(), losses.LeastSquares(),
                                  losses.Wasserstein(), losses.Hinge(), losses.Relativistic()])
def test_every_loss_pushes_real_up_and_fakes_down_and_g_does_the_reverse(loss):
    real, fake = torch.zeros(4, requires_grad=True), torch.zeros(4, requires_grad=True)
    loss.critic(real, fake).backward()
    assert (real.grad < 0).all()
    assert (fake.grad >= 0).all() and (fake.grad.sum() > 0 or type(loss) is losses.LeastSquares)
    fake.grad = None
    loss.generator(fake, real.detach()).backward()
    assert (fake.grad < 0).all()
    assert loss.reading(torch.tensor([2.0])) > loss.reading(torch.tensor([-2.0]))


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


def test_r2_is_r1_at_the_fakes_and_r1_r2_is_their_sum():
    torch.manual_seed(0)
    critic = mlp.plane()[1]
    real, fake = torch.randn(16, 2), torch.randn(16, 2) + 3
    torch.testing.assert_close(penalties.r2(critic, None, fake, gamma=3.0),
                               penalties.r1(critic, fake, gamma=3.0))
    both = penalties.r1(critic, real, gamma=3.0) + penalties.r1(critic, fake, gamma=3.0)
    torch.testing.assert_close(penalties.r1_r2(critic, real, fake, gamma=3.0), both)
    assert not torch.allclose(penalties.r1(critic, real), penalties.r1(critic, fake))


@pytest.mark.parametrize("shape", [(2,), (3, 4, 4)])
def test_gradient_penalty_of_a_linear_critic_is_known(shape):
    """Its slope is the length of its weight everywhere: 3 away from 1 costs 10 times 4."""
    torch.manual_seed(0)
    weight = torch.randn(shape)
    weight *= 3 / weight.norm()

    def critic(x):
        return (x * weight).flatten(1).sum(1) + 100
    real, fake = torch.randn(6, *shape), torch.randn(6, *shape) + 3
    torch.testing.assert_close(penalties.gradient_penalty(critic, real, fake), torch.tensor(40.0))
    torch.testing.assert_close(penalties.gradient_penalty(critic, real, fake, weight=1.0),
                               torch.tensor(4.0))
    weight /= 3
    assert penalties.gradient_penalty(critic, real, fake).item() == pytest.approx(0, abs=1e-5)


def test_a_one_sided_penalty_lets_slopes_below_one_go_free():
    weight = torch.tensor([0.36, 0.48])  # a gradient norm of 0.6
    real, fake = torch.randn(6, 2), torch.randn(6, 2)
    for scale, two, one in ((1.0, 0.16, 0.0), (5.0, 4.0, 4.0)):
        def critic(x, scale=scale):
            return scale * (x @ weight)
        for one_sided, expected in ((False, two), (True, one)):
            value = penalties.gradient_penalty(critic, real, fake, weight=1.0, one_sided=one_sided)
            assert value.item() == pytest.approx(expected, abs=1e-5)
    mixed = mlp.discriminator([8], (2,))
    torch.manual_seed(0)
    free = penalties.gradient_penalty(lambda x: 30 * mixed(x), real, fake, one_sided=True)
    assert free > 0
    free.backward()
    assert mixed[1].weight.grad.abs().sum() > 0


@pytest.mark.parametrize("one_sided", [False, True])
def test_gradient_penalty_against_finite_differences(one_sided):
    torch.manual_seed(0)
    network = mlp.discriminator([8], (1, 3, 3)).double()
    real, fake = torch.randn(2, 6, 1, 3, 3, dtype=torch.float64)
    seen = []

    def critic(x):
        seen.append(x.detach())
        return 6 * network(x)  # slopes on both sides of 1
    value = penalties.gradient_penalty(critic, real, fake, weight=3.0, one_sided=one_sided)
    (points,), h, squares = seen, 1e-6, torch.zeros(6, dtype=torch.float64)
    for shift in h * torch.eye(9, dtype=torch.float64).view(9, 1, 3, 3):
        squares += ((critic(points + shift) - critic(points - shift)).detach() / (2 * h)).square()
    excess = squares.sqrt() - 1
    assert excess.min() < -0.05 and excess.max() > 0.05
    if one_sided:
        excess = excess.clamp(min=0)
    torch.testing.assert_close(value, 3 * excess.square().mean(), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("penalty", [penalties.r1_r2, partial(penalties.r2, gamma=3.0),
                                     penalties.gradient_penalty])
def test_what_a_penalty_teaches_is_its_own_slope(penalty):
    """The derivative with respect to one weight of the critic, by finite differences."""
    torch.manual_seed(0)
    critic = mlp.discriminator([8], (2,)).double()
    real, fake = torch.randn(2, 7, 2, dtype=torch.float64)

    def value():
        torch.manual_seed(1)  # the same points in between
        return penalty(critic, real, fake)
    value().backward()
    weight, h = critic[1].weight, 1e-6
    for i in range(3):
        around = []
        for shift in (h, -2 * h, h):  # ahead, behind, and back
            weight.data[i, 0] += shift
            around.append(value().item())
        slope = (around[0] - around[1]) / (2 * h)
        assert weight.grad[i, 0].item() == pytest.approx(slope, rel=1e-5, abs=1e-8)


@pytest.mark.parametrize("shape", [(2,), (3, 4, 4)])
def test_gradient_penalty_looks_between_each_pair_everywhere(shape):
    seen = []

    def critic(x):
        seen.append(x.detach())
        return x.flatten(1).square().sum(1)
    real, fake = torch.randn(4000, *shape), torch.randn(4000, *shape) + 9
    penalties.gradient_penalty(critic, real, fake, generator=torch.Generator().manual_seed(0))
    share = (seen[0] - fake) / (real - fake)  # one number for the whole picture, from 0 to 1
    share = share.flatten(1)
    torch.testing.assert_close(share, share[:, :1].expand_as(share), atol=1e-3, rtol=0)
    share = share[:, 0].sort().values
    torch.testing.assert_close(share, torch.linspace(0, 1, 4000), atol=0.04, rtol=0)


def test_gradient_penalty_can_be_repeated_and_teaches_the_critic():
    def value(seed):
        chance = torch.Generator().manual_seed(seed)
        return penalties.gradient_penalty(critic, real, fake, generator=chance)
    torch.manual_seed(0)
    critic, real, fake = mlp.plane()[1], torch.randn(16, 2), torch.randn(16, 2) + 3
    before = torch.get_rng_state()
    assert value(0) == value(0) != value(1)
    assert torch.equal(torch.get_rng_state(), before)
    value(0).backward()
    assert next(critic.parameters()).grad.abs().sum() > 0
    flat = mlp.discriminator([4], (2,))
    for parameter in flat.parameters():
        torch.nn.init.zeros_(parameter)
    penalties.gradient_penalty(flat, real, fake).backward()  # a slope of 0 has no direction
    assert all(p.grad is None or p.grad.isfinite().all() for p in flat.parameters())


@pytest.mark.parametrize("limit", [0.01, 0.5])
def test_clipping_keeps_weights_in_the_box_and_leaves_the_others_alone(limit):
    torch.manual_seed(0)
    critic = mlp.discriminator([64], (2,))
    before = [p.detach().clone() for p in critic.parameters()]
    penalties.clip_weights(critic, limit)
    for old, new in zip(before, critic.parameters(), strict=True):
        assert new.abs().max() <= limit and new.requires_grad and new.grad is None
        inside = old.abs() <= limit
        assert torch.equal(new[inside], old[inside])
        assert torch.equal(new[~inside], limit * old[~inside].sign())


def test_the_pair_for_points():
    generator, critic = mlp.plane()
    assert (count(generator), count(critic)) == (4482, 4417)  # 2-64-64-2 and 2-64-64-1
    points = generator(torch.randn(5, 2))
    assert points.shape == (5, 2) and critic(points).shape == (5,)
    assert generator(100 * torch.randn(500, 2)).abs().max() > 1  # no tanh at the end
    generator, critic = mlp.plane(width=8, depth=3, latent=1, shape=(1,))
    assert critic(generator(torch.randn(5, 1))).shape == (5,)
