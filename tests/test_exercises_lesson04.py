"""Lesson 04's checkers pass the solution and give each named mistake the reason that fits."""

from functools import partial

import pytest
import torch
from torch.nn.functional import softplus

from gan_lessons import data, penalties, recipes
from gan_lessons.exercises import lesson04 as check
from gan_lessons.penalties import clip_weights
from gan_lessons.train import Game, fit


def critic_loss(real, fake):
    return fake.mean() - real.mean()


def generator_loss(fake):
    return -fake.mean()


def update(critic, optimizer, real, fake, limit, *, sign=1, clear=True, before=False, after=True,
           clip=clip_weights):
    """The solution of exercise 4, and a way to get each part of it wrong."""
    if before:
        clip(critic, limit)
    loss = sign * critic_loss(critic(real), critic(fake))
    if clear:
        optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if after:
        clip(critic, limit)


def wrong_update(**mistake):
    return lambda *given: update(*given, **mistake)


@torch.no_grad()
def only_positive(critic, limit):
    for parameter in critic.parameters():
        parameter.clamp_(0, limit)


def clip_gradients(critic, limit):
    torch.nn.utils.clip_grad_value_(critic.parameters(), limit)


def by_hand(critic, optimizer, real, fake, limit):
    critic.zero_grad()
    (critic(fake).mean() - critic(real).mean()).backward()
    optimizer.step()
    for parameter in critic.parameters():
        parameter.data.clamp_(-limit, limit)


def separately(critic, optimizer, real, fake, limit):
    """Each part backward by itself, and the clipped values copied in."""
    optimizer.zero_grad()
    (-critic(real).mean()).backward()
    critic(fake.detach()).mean().backward()
    optimizer.step()
    with torch.no_grad():
        for p in critic.parameters():
            p.copy_(p.clamp(-limit, limit))


@torch.no_grad()
def matrices_only(critic, limit):
    for p in critic.parameters():
        if p.ndim > 1:
            p.clamp_(-limit, limit)


@torch.no_grad()
def linear_layers_only(critic, limit):
    """Misses BatchNorm's scales."""
    for layer in critic.modules():
        if isinstance(layer, (torch.nn.Linear, torch.nn.Conv2d)):
            for p in layer.parameters():
                p.clamp_(-limit, limit)


def fixed(limit):
    return lambda critic, _: clip_weights(critic, limit)


def two_steps(critic, optimizer, real, fake, limit):
    for _ in range(2):
        update(critic, optimizer, real, fake, limit)


def evaluating(critic, optimizer, real, fake, limit):
    update(critic, optimizer, real, fake, limit)
    critic.eval()


def together(critic, optimizer, real, fake, limit):
    """Real and fake in one batch, which BatchNorm notices."""
    scores = critic(torch.cat([real, fake]))
    optimizer.zero_grad()
    critic_loss(scores[:len(real)], scores[len(real):]).backward()
    optimizer.step()
    clip_weights(critic, limit)


def fake_only(critic, optimizer, real, fake, limit):
    optimizer.zero_grad()
    critic(fake).mean().backward()
    optimizer.step()
    clip_weights(critic, limit)


def share_of(real, share=torch.rand):
    return share(len(real), *[1] * (real.ndim - 1))


def penalty(critic, real, fake, *, share=share_of, start=True, total="sum", graph=True,
            norms=lambda s: s.flatten(1).norm(dim=1), cost=lambda n: (n - 1).square().mean()):
    """The solution of exercise 2, and a way to get each part of it wrong."""
    t = share(real)
    x = (t * real + (1 - t) * fake).detach().requires_grad_(start)
    slope, = torch.autograd.grad(getattr(critic(x), total)(), x, create_graph=graph)
    return cost(norms(slope))


def wrong_penalty(**mistake):
    return (partial(penalty, **mistake),)


def with_outputs(critic, real, fake):
    """grad_outputs, lerp, einsum, and a little under the root."""
    t = torch.rand(real.shape[:1] + (1,) * (real.ndim - 1))
    x = torch.lerp(real, fake, t).requires_grad_(True)
    scores = critic(x)
    slope = torch.autograd.grad(scores, x, torch.ones_like(scores), create_graph=True,
                                retain_graph=True)[0].view(len(real), -1)
    norm = (torch.einsum("bd,bd->b", slope, slope) + 1e-12).sqrt()
    return ((norm - 1) ** 2).sum() / len(norm)


def one_by_one(critic, real, fake):
    """A loop over the samples of one batch."""
    t = share_of(real)
    x = (fake + t * (real - fake)).requires_grad_(True)
    slope = torch.autograd.grad(critic(x).sum(), x, create_graph=True)[0]
    return sum((s.norm() - 1) ** 2 for s in slope) / len(slope)


def backward_inside(critic, real, fake):
    t = share_of(real)
    x = (t * real + (1 - t) * fake).requires_grad_(True)
    critic(x).sum().backward(create_graph=True)
    return (x.grad.flatten(1).norm(dim=1) - 1).square().mean()


def with_fixed_seed(real):
    return torch.rand(len(real), *[1] * (real.ndim - 1),
                      generator=torch.Generator().manual_seed(0))


RIGHT = [
    (check.gradient_penalty, (penalty,)),
    (check.gradient_penalty, (partial(penalties.gradient_penalty, weight=1.0),)),
    (check.gradient_penalty, (with_outputs,)),
    (check.gradient_penalty, (one_by_one,)),
    (check.wasserstein_1d, (lambda a, b: (a.sort().values - b.sort().values).abs().mean(),)),
    (check.wasserstein_1d, (lambda a, b: torch.dist(a.sort()[0], b.sort()[0], p=1) / len(a),)),
    (check.wasserstein_1d, (lambda a, b: (a.sort().values - b.sort().values).abs().mean().item(),)),
    (check.wasserstein_1d, (lambda a, b: sum(
        abs(x - y) for x, y in zip(sorted(a), sorted(b), strict=True)) / len(a),)),
    (check.wasserstein_1d, (lambda a, b: float((a.msort() - b.msort()).abs().sum()) / a.numel(),)),
    (check.losses, (critic_loss, generator_loss)),
    (check.losses, (lambda r, f: f.sum() / len(f) - r.sum() / len(r), lambda f: f.mean().neg())),
    (check.losses, (lambda r, f: -(r.mean() - f.mean()), lambda f: torch.mean(-f))),
    (check.clipped_update, (update,)),
    (check.clipped_update, (by_hand,)),
    (check.clipped_update, (separately,)),
]

WRONG = [
    (check.wasserstein_1d, (lambda a, b: (a - b).abs().mean(),), "Not both are sorted"),
    (check.wasserstein_1d, (lambda a, b: (a.sort().values - b.sort().values).mean(),),
     "absolute value is missing"),
    (check.wasserstein_1d, (lambda a, b: (a.mean() - b.mean()).abs(),), "absolute value is"),
    (check.wasserstein_1d, (lambda a, b: (a.sort().values - b.sort().values).abs().sum(),),
     "the sum, not the mean"),
    (check.wasserstein_1d, (lambda a, b: (a.sort().values - b.sort().values).pow(2).mean(),),
     "Squares give W2"),
    (check.wasserstein_1d, (lambda a, b: (a.sort().values - b.sort().values).abs(),),
     "one number"),
    (check.wasserstein_1d, (lambda a, b: (a.sort().values - b.sort().values).abs().max(),),
     "The value is off"),
    (check.wasserstein_1d, (lambda a, b: (a.copy_(a.sort()[0]) - b.sort()[0]).abs().mean(),),
     "was changed"),
    (check.losses, (lambda r, f: r.mean() - f.mean(), generator_loss), "alexshuang's code"),
    (check.losses, (lambda r, f: torch.relu(1 - r).mean() + torch.relu(1 + f).mean(),
                    generator_loss), "hinge loss, not WGAN"),
    (check.losses, (lambda r, f: f.sum() - r.sum(), generator_loss), "the sum, not the mean"),
    (check.losses, (lambda r, f: softplus(f).mean() + softplus(-r).mean(), generator_loss),
     "without sigmoid or log"),
    (check.losses, (lambda r, f: f - r[:1], generator_loss), "critic_loss should be one scalar"),
    (check.losses, (critic_loss, lambda f: f.mean()), "lower the scores of its own fakes"),
    (check.losses, (critic_loss, lambda f: -f), "generator_loss should be one scalar"),
    (check.losses, (critic_loss, lambda f: softplus(-f).mean()),
     "generator_loss should be -fake.mean()"),
    (check.clipped_update, (wrong_update(before=True, after=False),), "G meets is a critic"),
    (check.clipped_update, (wrong_update(after=False),), "Clip after optimizer.step()"),
    (check.clipped_update, (wrong_update(clip=clip_gradients),), "not the gradients"),
    (check.clipped_update, (wrong_update(sign=-1),), "real should score high"),
    (check.clipped_update, (wrong_update(clear=False),), "zero_grad() before"),
    (check.clipped_update, (wrong_update(clip=only_positive),), "Negative weights are gone"),
    (check.clipped_update, (lambda *_: None,), "have not moved"),
    # what the readings of the course found
    (check.clipped_update, (wrong_update(clip=fixed(0.01)),), "not to a fixed number"),
    # and what else students type
    (check.wasserstein_1d, (lambda a, b: (a[:, None] - b[None, :]).abs().mean(),),
     "mean over all pairs"),
    (check.wasserstein_1d, (lambda a, b: (a.sort().values - b.sort().values).abs().median(),),
     "median of the distances"),
    (check.wasserstein_1d, (lambda a, b: (a.sort().values - b).abs().mean(),), "Not both"),
    (check.wasserstein_1d, (lambda a, b: (a.sort().values - b.sort().values).abs().sum() / 40,),
     "The value is off"),
    (check.losses, (lambda r, f: -(r.mean() - f.mean()).abs(), generator_loss),
     "No absolute value: where the critic"),
    (check.losses, (lambda r, f: f.detach().mean() - r.mean(), generator_loss),
     "never detach what the critic returns"),
    (check.losses, (lambda r, f: (f.mean() - r.mean()).item(), generator_loss),
     "critic_loss should be a tensor"),
    (check.losses, (lambda r, f: (f.mean() - r.mean()) / 2, generator_loss), "Half of it"),
    (check.losses, (lambda r, f: -r.mean(), generator_loss), "Only one half is there"),
    (check.losses, (critic_loss, lambda f: -f.sum()), "generator_loss is a sum"),
    (check.losses, (critic_loss, lambda f: -f.mean().abs()), "No absolute value in"),
    (check.losses, (lambda r, f: f.sub_(100).mean() - r.sub_(100).mean(), generator_loss),
     "was changed"),
    (check.clipped_update, (wrong_update(clip=fixed(0.05)),), "beyond 0.01"),
    (check.clipped_update, (wrong_update(clip=lambda c, limit: clip_weights(c, limit / 2)),),
     "below limit=0.01"),
    (check.clipped_update, (wrong_update(clip=matrices_only),), "the biases are beyond"),
    (check.clipped_update, (wrong_update(clip=linear_layers_only),), "scales of BatchNorm"),
    (check.clipped_update, (two_steps,), "One update should be one step"),
    (check.clipped_update, (evaluating,), "mode was changed"),
    (check.clipped_update, (together,), "as two batches"),
    (check.clipped_update, (fake_only,), "not that of WGAN"),
    (check.gradient_penalty, (penalties.gradient_penalty,), "factor of 10"),
    (check.gradient_penalty, wrong_penalty(cost=lambda n: (n - 1).square().sum()),
     "the sum, not the mean"),
    (check.gradient_penalty, wrong_penalty(cost=lambda n: (n - 1).square()), "one scalar tensor"),
    (check.gradient_penalty, wrong_penalty(total="mean"), "B times too small"),
    (check.gradient_penalty, wrong_penalty(norms=lambda s: s.norm()), "over the whole batch"),
    (check.gradient_penalty, wrong_penalty(cost=lambda n: (n - 1).mean()), "square is missing"),
    (check.gradient_penalty, wrong_penalty(cost=lambda n: (n - 1).abs().mean()), "its size"),
    (check.gradient_penalty, wrong_penalty(norms=lambda s: s.flatten(1).square().sum(1)),
     "root is missing"),
    (check.gradient_penalty, wrong_penalty(cost=lambda n: n.square().mean()), "1 is missing"),
    (check.gradient_penalty, wrong_penalty(cost=lambda n: torch.relu(n - 1).square().mean()),
     "two sides"),
    (check.gradient_penalty, wrong_penalty(norms=lambda s: s.flatten(1).abs().sum(1)), "1-norm"),
    (check.gradient_penalty, wrong_penalty(norms=lambda s: s.norm(dim=1)), "channels alone"),
    (check.gradient_penalty, wrong_penalty(graph=False), "create_graph=True"),
    (check.gradient_penalty, wrong_penalty(norms=lambda s: s.detach().flatten(1).norm(dim=1)),
     "nothing after it"),
    (check.gradient_penalty, (backward_inside,), "left in the critic"),
    (check.gradient_penalty, wrong_penalty(share=torch.rand_like), "not on the line"),
    (check.gradient_penalty, wrong_penalty(share=lambda real: torch.rand(1)), "one for the batch"),
    (check.gradient_penalty, wrong_penalty(share=lambda real: torch.tensor(0.5)), "the midpoint"),
    (check.gradient_penalty, wrong_penalty(share=lambda real: torch.tensor(1.0)), "that is R1"),
    (check.gradient_penalty, wrong_penalty(share=lambda real: torch.tensor(0.0)), "or R2"),
    (check.gradient_penalty, wrong_penalty(share=partial(share_of, share=torch.randn)),
     "not torch.randn"),
    (check.gradient_penalty, wrong_penalty(share=lambda real: share_of(real) / 2),
     "cover the whole line"),
    (check.gradient_penalty, wrong_penalty(share=with_fixed_seed), "fix a random seed"),
    (check.gradient_penalty, wrong_penalty(cost=lambda n: (n.mean() - 1).square()),
     "mean was taken first"),
    (check.gradient_penalty, wrong_penalty(start=False), "Your code raised"),
    (check.gradient_penalty, (lambda c, r, f: penalty(c, r.mul_(1.0).add_(1), f),), "was changed"),
]


@pytest.mark.parametrize("checker, answers", RIGHT)
def test_right_answers_pass(checker, answers, capsys):
    assert checker(*answers) == "passed", capsys.readouterr().out


@pytest.mark.parametrize("checker, answers, reason", WRONG)
def test_wrong_answers_get_the_reason_that_fits(checker, answers, reason, capsys):
    assert checker(*answers) == "not yet"
    said = " ".join(capsys.readouterr().out.split())
    assert reason in said
    assert any("\u4e00" <= letter <= "\u9fff" for letter in said)


@pytest.mark.parametrize("checker, stubs", [
    (check.wasserstein_1d, [lambda *_: ...]), (check.losses, [lambda *_: ...] * 2),
    (check.losses, [critic_loss, lambda *_: ...]), (check.clipped_update, [lambda *_: ...]),
    (check.gradient_penalty, [lambda *_: ...]), (check.penalised_faces, [..., None])])
def test_a_stub_is_not_an_error(checker, stubs, capsys):
    assert checker(*stubs) == "not attempted"
    assert "Not attempted" in capsys.readouterr().out


# ---- the open task: quick games, judged by rules; `studies/exercises.py` measures the bar ----

def penalised(seed: int, steps: int = 2, **changes) -> Game:
    """Return a small trained game of 16x16 faces."""
    settings = {"features": 4, "latent": 8, "batch": 16, "clip": None, "optimizer": None,
                "norm": "none", "penalty": penalties.gradient_penalty, "n_critic": 1}
    game = recipes.wgan(16, seed=seed, **{**settings, **changes})
    return fit(game, data.toy_faces(100, size=16, core=True), steps, progress=False)


@pytest.mark.parametrize("games, reason", [
    (lambda: penalised(0), "two trained games in a list"),
    (lambda: [penalised(0), penalised(0)], "Both games have the seed 0"),
    (lambda: [penalised(0), penalised(1, lr=1e-3)], "differ in lr"),
    (lambda: [penalised(0, clip=0.01), penalised(1, clip=0.01)], "no clipping"),
    (lambda: [penalised(0, norm="batch"), penalised(1, norm="batch")], "BatchNorm in the critic"),
    (lambda: [penalised(0), penalised(1, steps=0)], "Not trained yet"),
    (lambda: [penalised(0, n_critic=2), penalised(1, n_critic=2)],
     "shown 64 real pictures, more than 40"),
])
def test_games_of_the_open_task_that_break_a_rule(games, reason, monkeypatch, capsys):
    monkeypatch.setattr(check, "BUDGET", 40)
    with torch.random.fork_rng(devices=[]):
        handed_in = games()
    faces = data.toy_faces(100, size=16, core=True)
    assert check.penalised_faces(handed_in, faces) == "not yet"
    assert reason in " ".join(capsys.readouterr().out.split())


@pytest.mark.slow
def test_the_bar_of_the_open_task(monkeypatch, capsys):
    """Untrained faces are far above the bar; a bar above them lets them pass."""
    faces = data.toy_faces(2000, size=16, core=True)
    games = [penalised(seed) for seed in (0, 1)]
    assert check.penalised_faces(games, faces) == "not yet"
    assert "Change one thing at a time" in " ".join(capsys.readouterr().out.split())
    monkeypatch.setattr(check, "BAR", 1e6)
    assert check.penalised_faces(games, faces) == "passed"
