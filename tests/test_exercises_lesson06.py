"""Lesson 06's checkers pass the solution and give each named mistake the reason that fits."""

from functools import partial

import pytest
import torch
from torch.nn.functional import logsigmoid, relu, softplus

from gan_lessons import data, penalties, recipes
from gan_lessons.exercises import lesson06 as check
from gan_lessons.train import fit


def verdict(capsys, checker, *answers):
    """Return the checker's verdict and what it said in English."""
    capsys.readouterr()
    result = checker(*answers)
    return result, capsys.readouterr().out


# ---- R1 ----

def r1(critic, real, gamma=1.0, *, at=None, reduce="sum", graph=True, detach=False,
       norm=lambda slope: slope.flatten(1).norm(dim=1).square(), over=torch.mean,
       factor=lambda gamma: gamma / 2, backward=False):
    """The solution of exercise 1, and a way to get each part of it wrong."""
    x = (real if at is None else at(real)).detach().requires_grad_(True)
    total = getattr(critic(x), reduce)()
    if backward:
        total.backward(create_graph=True)
        slope = x.grad
    else:
        slope, = torch.autograd.grad(total, x, create_graph=graph)
    value = factor(gamma) * over(norm(slope))
    return value.detach() if detach else value


def wrong(solution, **mistake):
    return partial(solution, **mistake)


WRONG_R1 = {
    "detached": (wrong(r1, detach=True), "create_graph=True"),
    "no graph": (wrong(r1, graph=False), "create_graph=True"),
    "not squared": (wrong(r1, norm=lambda s: s.flatten(1).norm(dim=1)), "not squared"),
    "mean before the gradient": (wrong(r1, reduce="mean"), "mean was taken before the gradient"),
    "no half": (wrong(r1, factor=lambda gamma: gamma), "half is missing"),
    "no gamma": (wrong(r1, factor=lambda gamma: 0.5), "gamma is not used"),
    "no factor": (wrong(r1, factor=lambda gamma: 1.0), "half is missing|factor gamma"),
    "sign": (wrong(r1, factor=lambda gamma: -gamma / 2), "sign is off"),
    "at the fakes": (wrong(r1, at=torch.randn_like), "R2"),
    "at random points": (wrong(r1, at=lambda x: x + torch.rand(len(x), *[1] * (x.ndim - 1))),
                         "WGAN-GP"),
    "summed": (wrong(r1, over=torch.sum), "the sum, not the mean"),
    "of the whole batch": (wrong(r1, norm=torch.linalg.norm, over=torch.square),
                           "the sum, not the mean"),
    "mean over the pixels": (wrong(r1, norm=torch.square), "numbers within a sample"),
    "channels alone": (wrong(r1, norm=lambda s: s.norm(dim=1).square()), "channels alone"),
    "1-norm": (wrong(r1, norm=lambda s: s.flatten(1).abs().sum(1).square()), "1-norm"),
    "as WGAN-GP": (wrong(r1, norm=lambda s: (s.flatten(1).norm(dim=1) - 1).square()),
                   "that is WGAN-GP"),
    "mean before the square": (wrong(r1, norm=lambda s: s.flatten(1).norm(dim=1).mean().square()),
                               "mean was taken first"),
    "backward": (wrong(r1, backward=True), "do not call backward"),
    "one for each sample": (wrong(r1, over=lambda x: x), "one scalar tensor"),
}


@pytest.mark.parametrize("right", [r1, penalties.r1])
def test_r1_is_right(right):
    assert check.r1(right) == "passed"
    assert check.r1(lambda critic, real, gamma=1.0: ...) == "not attempted"


@pytest.mark.parametrize("name", WRONG_R1)
def test_r1_is_wrong(name, capsys):
    answer, message = WRONG_R1[name]
    result, said = verdict(capsys, check.r1, answer)
    assert result == "not yet"
    assert any(part in said for part in message.split("|")), said


# ---- the loss in pairs ----

def critic_loss(real, fake):
    return softplus(fake - real).mean()


def generator_loss(fake, real):
    return softplus(real - fake).mean()


def average(real, fake):
    return softplus(fake.mean() - real).mean() + softplus(fake - real.mean()).mean()


WRONG_PAIRS = {
    "sign": (lambda r, f: softplus(r - f).mean(), "sign is off"),
    "no minus": (lambda r, f: logsigmoid(r - f).mean(), "minus is missing"),
    "relativistic average": (average, "relativistic average"),
    "half of it": (lambda r, f: average(r, f) / 2, "relativistic average"),
    "mean inside": (lambda r, f: softplus(f.mean() - r.mean()), "taken inside"),
    "sigmoid": (lambda r, f: torch.sigmoid(f - r).mean(), "logarithm is missing"),
    "minus sigmoid": (lambda r, f: -torch.sigmoid(r - f).mean(), "logarithm is missing"),
    "broadcast": (lambda r, f: softplus(f - r[:, None]).mean(), "Number i meets number i"),
    "sum": (lambda r, f: softplus(f - r).sum(), "not a mean"),
    "Wasserstein": (lambda r, f: (f - r).mean(), "softplus is missing"),
    "plain": (lambda r, f: (softplus(-r) + softplus(f)).mean(), "without comparison"),
    "hinge": (lambda r, f: relu(1 - r + f).mean(), "hinge"),
    "twice": (lambda r, f: (softplus(f - r) + softplus(-(r - f))).mean(), "twice as large"),
    "detached": (lambda r, f: softplus(f - r.detach()).mean(), "does not reach"),
    "rounds": (lambda r, f: -torch.log(torch.sigmoid(r - f)).mean(), "log(0)"),
    "number": (lambda r, f: softplus(f - r).mean().item(), "mere number"),
}


def test_pairing_loss_is_right():
    assert check.pairing_loss(critic_loss, generator_loss) == "passed"
    assert check.pairing_loss(lambda r, f: -logsigmoid(r - f).mean(),
                              lambda f, r: softplus(r.detach() - f).mean()) == "passed"
    assert check.pairing_loss(critic_loss, lambda fake, real: ...) == "not attempted"


@pytest.mark.parametrize("name", WRONG_PAIRS)
@pytest.mark.parametrize("player", ["critic", "generator"])
def test_pairing_loss_is_wrong(name, player, capsys):
    answer, message = WRONG_PAIRS[name]
    if player == "critic":
        answers = answer, generator_loss
    else:  # what D wants of real, G wants of its fakes
        answers = critic_loss, answer
        if name == "sign":
            message = "that of the critic"
    result, said = verdict(capsys, check.pairing_loss, *answers)
    assert result == "not yet" and message in said, said


# ---- power iteration ----

def sigma(weight, steps, *, matrix=lambda w: w.flatten(1), start=torch.randn,
          unit=lambda x: x / x.norm(), unit_v=None, back=lambda w: w.T, ignore_steps=False,
          constants=True, end=lambda u, w, v: u @ w @ v):
    """The solution of exercise 3, and a way to get each part of it wrong."""
    rows = matrix(weight)
    with torch.set_grad_enabled(not constants):
        u = unit(start(len(rows)))
        for _ in range(1 if ignore_steps else steps):
            v = (unit_v or unit)(back(rows) @ u)
            u = unit(rows @ v)
    return end(u, rows, v)


WRONG_SIGMA = {
    "no normalisation": (wrong(sigma, unit=lambda x: x), "normalise after every product"),
    "v not normalised": (wrong(sigma, unit_v=lambda x: x), "square of the largest"),
    "the same matrix twice": (wrong(sigma, back=lambda w: w), "eigenvalue"),
    "squared": (wrong(sigma, end=lambda u, w, v: (w @ v).square().sum()), "square of the largest"),
    "Frobenius": (lambda w, steps: w.norm(), "Frobenius"),
    "largest weight": (lambda w, steps: w.abs().max(), "largest weight"),
    "inverse": (wrong(sigma, end=lambda u, w, v: 1 / (u @ w @ v)), "its inverse"),
    "not (out, rest)": (wrong(sigma, matrix=lambda w: w.flatten(0, -2)), "flatten(1)"),
    "(in, rest)": (wrong(sigma, matrix=lambda w: w.transpose(0, 1).flatten(1) if w.ndim > 2 else w),
                   "flatten(1)"),
    "kernel by kernel": (lambda w, steps: torch.linalg.matrix_norm(w, 2).max(), "flatten(1)"),
    "one step": (wrong(sigma, ignore_steps=True), "The loop takes `steps` steps"),
    "an SVD": (lambda w, steps: torch.linalg.matrix_norm(w.flatten(1), 2), "an SVD is"),
    "from ones": (wrong(sigma, start=torch.ones), "random u"),
    "gradient through u": (wrong(sigma, constants=False), "as constants"),
    "no gradient": (torch.no_grad()(sigma), "no gradient reaches"),
    "a number": (lambda w, steps: sigma(w, steps).item(), "no gradient reaches"),
    "sign": (wrong(sigma, end=lambda u, w, v: -(u @ w @ v)), "sign is off"),
}


def by_the_norm(weight, steps):
    """End with |Wv|, as good as u'Wv."""
    return sigma(weight, steps, end=lambda u, w, v: (w @ v).norm())


def from_the_other_side(weight, steps):
    """Begin with v."""
    return sigma(weight, steps, matrix=lambda w: w.flatten(1).T)


@pytest.mark.parametrize("right", [sigma, by_the_norm, from_the_other_side])
def test_power_iteration_is_right(right):
    assert check.power_iteration(right) == "passed"
    assert check.power_iteration(lambda weight, steps: ...) == "not attempted"


@pytest.mark.parametrize("name", WRONG_SIGMA)
def test_power_iteration_is_wrong(name, capsys):
    answer, message = WRONG_SIGMA[name]
    result, said = verdict(capsys, check.power_iteration, answer)
    assert result == "not yet" and message in said, said


def test_power_iteration_of_a_small_weight_is_no_mistake():
    """The reference agrees with torch's own spectral norm, which is that of lesson 06's critics."""
    torch.manual_seed(0)
    layer = torch.nn.Conv2d(3, 5, 3)
    torch.testing.assert_close(sigma(layer.weight, 200),
                               torch.linalg.matrix_norm(layer.weight.flatten(1), 2),
                               rtol=1e-4, atol=0)


# ---- the open task ----

@pytest.fixture(scope="module")
def ring_games():
    """Games with the form that is asked for, hardly trained."""
    return [fit(recipes.plane(seed=seed), data.ring(), 2, progress=False) for seed in (0, 1)]


def test_the_ring_is_measured(ring_games, capsys, monkeypatch):
    result, said = verdict(capsys, check.sharp_ring, ring_games)
    assert result == "not yet" and "seed 0:" in said and "seed 1:" in said
    monkeypatch.setattr(check, "MODES", 0.0)
    monkeypatch.setattr(check, "BAR", 0.0)
    result, said = verdict(capsys, check.sharp_ring, ring_games)
    assert result == "passed" and "effective modes" in said
    assert check.sharp_ring(...) == "not attempted"


@pytest.mark.parametrize(("changes", "message"), [
    ({"width": 65}, "networks of recipes.plane"), ({"n_critic": 2}, "Beyond the budget"),
    ({"batch": 129}, "differ in batch"), ({"seed": 0}, "two different seeds"),
    ({"lr": 1e-2}, "differ in lr")])
def test_the_rules_of_the_ring(ring_games, capsys, changes, message):
    other = fit(recipes.plane(**{"seed": 7, **changes}), data.ring(), 1, progress=False)
    result, said = verdict(capsys, check.sharp_ring, [ring_games[0], other])
    assert result == "not yet" and message in said


def test_the_ring_and_nothing_else(ring_games, capsys):
    grid = fit(recipes.plane(seed=7), data.grid(), 1, progress=False)
    fresh = recipes.plane(seed=7)
    for game, message in ((grid, "data should be data.ring()"), (fresh, "Not trained yet")):
        result, said = verdict(capsys, check.sharp_ring, [ring_games[0], game])
        assert result == "not yet" and message in said
    result, said = verdict(capsys, check.sharp_ring, ring_games[:1])
    assert result == "not yet" and "two trained games" in said
