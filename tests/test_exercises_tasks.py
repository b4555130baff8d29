"""The tasks of lessons 01 and 02 that a learner writes in full: a cure, both steps, a repair."""

import ast
import json
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits as bce
from torch.nn.functional import softplus

from gan_lessons import losses, measure, penalties, recipes, train
from gan_lessons.exercises import lesson01, lesson02

# ---- lesson 02: both steps in full ----


def d_loss(D, real, fake):
    return softplus(-D(real)).mean() + softplus(D(fake)).mean()


def critic(D, G, optimizer, real, z):
    loss = d_loss(D, real, G(z).detach())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.detach()


def generator(D, G, optimizer, z):
    loss = softplus(-D(G(z))).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def critic_with(loss):
    """Return D's step with another loss: loss(D, real, fake)."""
    def step(D, G, optimizer, real, z):
        value = loss(D, real, G(z).detach())
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        return value.detach()
    return step


def generator_with(loss):
    """Return G's step with another loss of D's logits."""
    def step(D, G, optimizer, z):
        value = loss(D(G(z)))
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        return value.detach()
    return step


def by_bce(D, G, optimizer, real, z):
    """The order of many tutorials: gradients first, both parts backward by themselves."""
    D.zero_grad()
    logits = D(real)
    on_real = bce(logits, torch.ones_like(logits))
    on_real.backward()
    with torch.no_grad():
        fake = G(z)
    logits = D(fake)
    on_fake = bce(logits, torch.zeros_like(logits))
    on_fake.backward()
    optimizer.step()
    return (on_real + on_fake).item()


def in_one_pass(D, G, optimizer, real, z):
    """Real and fake through D together."""
    optimizer.zero_grad()
    scores = D(torch.cat([real, G(z).detach()]))
    loss = softplus(-scores[:len(real)]).mean() + softplus(scores[len(real):]).mean()
    loss.backward()
    optimizer.step()
    return loss


def undetached(D, G, optimizer, real, z):
    loss = d_loss(D, real, G(z))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss


def cleared_afterwards(D, G, optimizer, real, z):
    loss = d_loss(D, real, G(z).detach())
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    return loss


def leaves_nothing(D, G, optimizer, z):
    """Clears both networks at its end."""
    loss = softplus(-D(G(z))).mean()
    loss.backward()
    optimizer.step()
    G.zero_grad()
    D.zero_grad()
    return loss


def g_cleared_afterwards(D, G, optimizer, z):
    loss = softplus(-D(G(z))).mean()
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    return loss


def frozen_d(D, G, optimizer, z):
    with train.frozen(D):
        loss = softplus(-D(G(z))).mean()
        optimizer.zero_grad()
        loss.backward()
    optimizer.step()
    return loss


RIGHT = [
    (critic, generator),
    (by_bce, generator),
    (in_one_pass, frozen_d),
    (undetached, generator),
    (cleared_afterwards, leaves_nothing),
    (critic, g_cleared_afterwards),
    (lambda D, G, o, real, z: train.critic_step(D, G, o, losses.NonSaturating(), real, z).loss,
     lambda D, G, o, z: train.generator_step(D, G, o, losses.NonSaturating(), z).loss),
]


def never_cleared(D, G, optimizer, real, z):
    loss = d_loss(D, real, G(z).detach())
    loss.backward()
    optimizer.step()
    return loss


def cleared_too_late(D, G, optimizer, real, z):
    loss = d_loss(D, real, G(z).detach())
    loss.backward()
    optimizer.zero_grad()
    optimizer.step()
    return loss


def no_backward(D, G, optimizer, real, z):
    loss = d_loss(D, real, G(z).detach())
    optimizer.zero_grad()
    optimizer.step()
    return loss


def no_step(D, G, optimizer, real, z):
    loss = d_loss(D, real, G(z).detach())
    optimizer.zero_grad()
    loss.backward()
    return loss


def step_first(D, G, optimizer, real, z):
    loss = d_loss(D, real, G(z).detach())
    optimizer.zero_grad()
    optimizer.step()
    loss.backward()
    return loss


def moves_both(D, G, optimizer, real, z):
    loss = undetached(D, G, optimizer, real, z)
    with torch.no_grad():
        for p in G.parameters():
            p -= 0.1 * p.grad
    return loss


def own_noise(D, G, optimizer, real, z):
    return critic(D, G, optimizer, real, torch.randn_like(z))


def real_unused(D, G, optimizer, real, z):
    return critic(D, G, optimizer, G(torch.randn_like(z)).detach(), z)


def no_return(D, G, optimizer, real, z):
    critic(D, G, optimizer, real, z)


def pair_returned(D, G, optimizer, real, z):
    return critic(D, G, optimizer, real, z), 0.0


def evaluating(D, G, optimizer, real, z):
    G.eval()
    return critic(D, G, optimizer, real, z)


def value_of_something(D, G, optimizer, real, z):
    critic(D, G, optimizer, real, z)
    return D(real).mean()


def detached(D, G, optimizer, z):
    return generator_with(lambda _: softplus(-D(G(z).detach())).mean())(D, G, optimizer, z)


def g_never_cleared(D, G, optimizer, z):
    loss = softplus(-D(G(z))).mean()
    loss.backward()
    optimizer.step()
    return loss


def d_moves_too(D, G, optimizer, z):
    loss = generator(D, G, optimizer, z)
    torch.optim.SGD(D.parameters(), lr=0.1).step()
    return loss


def another_optimizer(D, G, optimizer, z):
    loss = softplus(-D(G(z))).mean()
    loss.backward()
    torch.optim.SGD(G.parameters(), lr=0.1).step()
    return loss


def left_frozen(D, G, optimizer, z):
    for p in D.parameters():
        p.requires_grad_(False)
    return generator(D, G, optimizer, z)


def g_own_noise(D, G, optimizer, z):
    return generator(D, G, optimizer, torch.randn_like(z))


def sigmoids(D, real, fake):
    r, f = D(real), D(fake)
    return bce(r.sigmoid(), torch.ones_like(r)) + bce(f.sigmoid(), torch.zeros_like(f))


WRONG = [
    (no_backward, generator, "backward() is missing"),
    (no_step, generator, "took no step"),
    (step_first, generator, "The order is wrong"),
    (cleared_too_late, generator, "cleared as soon as they are there"),
    (never_cleared, generator, "The gradients of D's last step"),
    (cleared_afterwards, generator, "G's backward() adds to D's .grad as well"),
    (undetached, g_cleared_afterwards, "D's step has no detach"),
    (moves_both, generator, "the weights of G have changed, too"),
    (own_noise, generator, "The given z is not used"),
    (real_unused, generator, "argument real is not used"),
    (no_return, generator, "returns nothing"),
    (pair_returned, generator, "its loss alone, one number"),
    (evaluating, generator, "left in evaluation mode"),
    (value_of_something, generator, "is not the loss of this step"),
    (critic_with(lambda D, real, fake: d_loss(D, fake, real)), generator,
     "D's loss is off. The labels are swapped"),
    (critic_with(sigmoids), generator, "D's loss is off. One sigmoid too many"),
    (critic_with(lambda D, real, fake: -d_loss(D, real, fake)), generator,
     "D's loss is off. The sign is off"),
    (critic_with(lambda D, real, fake: d_loss(D, real, fake) / 2), generator, "the step half"),
    (critic_with(lambda D, real, fake: softplus(-D(real)).sum() + softplus(D(fake)).sum()),
     generator, "D's loss is off. That is the sum"),
    (critic_with(lambda D, real, fake: softplus(-D(real)).mean()
                 + softplus(D(fake).detach()).mean()), generator, "learns from real data alone"),
    (critic_with(lambda D, real, fake: softplus(-D(real).detach()).mean()
                 + softplus(D(fake)).mean()), generator, "learns from fakes alone"),
    (critic_with(lambda D, real, fake: D(fake).mean() - D(real).mean()), generator,
     "does not follow the gradient of the loss"),
    (critic, detached, "does not reach G"),
    (critic, g_never_cleared, "The gradients of G's last step"),
    (critic, d_moves_too, "the weights of D have changed, too"),
    (critic, another_optimizer, "another optimizer was used"),
    (critic, left_frozen, "unfreeze what you freeze"),
    (critic, g_own_noise, "The given z is not used"),
    (critic, generator_with(lambda logits: -softplus(logits).mean()), "minimax loss"),
    (critic, generator_with(lambda logits: softplus(logits).mean()), "makes G help D"),
    (critic, generator_with(lambda logits: -softplus(-logits).mean()),
     "G's loss is off. The sign is off"),
    (critic, generator_with(lambda logits: softplus(-logits).sum()),
     "G's loss is off. That is the sum"),
    (critic, generator_with(lambda logits: bce(logits.sigmoid(), torch.ones_like(logits))),
     "G's loss is off. One sigmoid too many"),
    (critic, generator_with(lambda logits: -logits.mean()), "neither sigmoid nor log"),
    (lambda D, G, o, real, z: critic(D, G, o, real.view(-1, 7), z), generator,
     "Your code raised"),
]


@pytest.mark.parametrize("steps", RIGHT)
def test_steps_that_do_what_the_courses_do_pass(steps, capsys):
    assert lesson02.own_steps(*steps) == "passed", capsys.readouterr().out
    said = capsys.readouterr().out
    assert ("goes through G for nothing" in said) == (steps[0] is undetached)


@pytest.mark.parametrize("d_step, g_step, reason", WRONG)
def test_a_wrong_step_gets_the_reason_that_fits(d_step, g_step, reason, capsys):
    assert lesson02.own_steps(d_step, g_step) == "not yet"
    said = " ".join(capsys.readouterr().out.split())
    assert reason in said
    assert any("\u4e00" <= letter <= "\u9fff" for letter in said)


# ---- lesson 02: the broken loop ----

def from_lesson(name: str):
    """Return `play_round` as a lesson's source has it."""
    code = ast.parse((LESSONS / f"{name}.py").read_text(encoding="utf-8"))
    found, = [part for part in code.body if getattr(part, "name", "") == "play_round"]
    names = {"softplus": softplus}
    exec(compile(ast.Module([found], []), name, "exec"), names)
    return names["play_round"]


LESSONS = Path(__file__).parent.parent / "notebooks" / "src"
broken = from_lesson("02_mlp_gan_mnist")  # as it is handed out
mended = from_lesson("solutions/02_mlp_gan_mnist")


def mended_otherwise(G, D, G_optimizer, D_optimizer, real, z):
    """G paints again, and D is cleared once more at the end."""
    critic(D, G, D_optimizer, real, z)
    generator(D, G, G_optimizer, z)
    D_optimizer.zero_grad()


def detach_mended(G, D, G_optimizer, D_optimizer, real, z):
    cleared_afterwards(D, G, D_optimizer, real, z)
    generator(D, G, G_optimizer, z)


def clearing_mended(G, D, G_optimizer, D_optimizer, real, z):
    critic(D, G, D_optimizer, real, z)
    detached(D, G, G_optimizer, z)


def never_clears_d(G, D, G_optimizer, D_optimizer, real, z):
    never_cleared(D, G, D_optimizer, real, z)
    generator(D, G, G_optimizer, z)


def never_clears_g(G, D, G_optimizer, D_optimizer, real, z):
    critic(D, G, D_optimizer, real, z)
    g_never_cleared(D, G, G_optimizer, z)


def changed_on_the_way(G, D, G_optimizer, D_optimizer, real, z):
    critic(D, G, D_optimizer, real, z)
    generator_with(lambda logits: -logits.mean())(D, G, G_optimizer, z)


@pytest.mark.parametrize("play_round", [mended, mended_otherwise])
def test_a_mended_loop_passes(play_round, capsys):
    assert lesson02.repaired(play_round) == "passed", capsys.readouterr().out


@pytest.mark.parametrize("play_round, reason", [
    (broken, "Both faults are still there"), (detach_mended, "D's second step does not follow"),
    (clearing_mended, "G's weights have not moved"), (never_clears_d, "D's second step"),
    (never_clears_g, "G's second step"),
    (changed_on_the_way, "differs from a round of the course")])
def test_a_loop_that_is_still_broken_shows_its_symptom(play_round, reason, capsys):
    assert lesson02.repaired(play_round) == "not yet"
    assert reason in " ".join(capsys.readouterr().out.split())


# ---- lesson 02: the open task ----

class Painter(nn.Module):
    """Stands for a trained G: noise in, something of a shape and a range out."""

    def __init__(self, shape=(1, 28, 28), finish=torch.tanh):
        super().__init__()
        self.shape, self.finish = shape, finish
        self.layer = nn.Linear(64, torch.Size(shape).numel())

    def forward(self, z):
        return self.finish(self.layer(z)).view(-1, *self.shape)


class Judge:
    """An evaluator that has made up its mind."""

    def __init__(self, classes=10, confident=0.9):
        self.classes, self.confident = classes, confident

    def report(self, images):
        share = torch.zeros(10)
        share[:self.classes] = 1 / self.classes
        return measure.DigitReport(len(images), 2.5, 0.2, share, self.classes, 0.1, self.confident)


def test_digits_that_reach_the_bar_pass_with_their_numbers(capsys):
    assert lesson02.writes_digits(Painter(), 64, Judge(9, 0.75)) == "passed"
    said = capsys.readouterr().out
    assert "2000 samples: 9 digits" in said and "confident 75%" in said


@pytest.mark.parametrize("painter, judge, reason", [
    (Painter(), Judge(8), "9 digits or more; below 4 % are [8, 9]"),
    (Painter(), Judge(10, 0.3), "not clear enough"),
    (Painter(finish=torch.sigmoid), Judge(), "end with a sigmoid"),
    (Painter(finish=lambda x: 5 * x), Judge(), "end with nn.Tanh()"),
    (Painter(finish=lambda x: x * 0 - 0.5), Judge(), "one and the same picture"),
    (Painter(finish=lambda x: x * float("nan")), Judge(), "has diverged"),
    (Painter(shape=(784,)), Judge(), "shape (64, 1, 28, 28)"),
    (Painter(shape=()), Judge(), "Is the first argument D?"),
    (lambda z: z, Judge(), "the trained G itself"),
])
def test_digits_below_the_bar_get_the_reason(painter, judge, reason, capsys):
    assert lesson02.writes_digits(painter, 64, judge) == "not yet"
    assert reason in " ".join(capsys.readouterr().out.split())


# ---- lesson 01: the open task ----

def gentle(seed, **changes):
    return recipes.plane(seed=seed, penalty=partial(penalties.r1, gamma=0.1), **changes)


def trained_already(seed):
    return train.fit(gentle(seed), lesson01.RING, 3, progress=False)


def slow_d(seed):
    game = gentle(seed)
    game.critic_optimizer = train.adam(game.critic, lr=1e-5)
    return game


@pytest.mark.parametrize("make_game, reason", [
    (lambda seed: penalties.r1, "should return a Game"),
    (lambda seed: recipes.source_004(shape=(1, 8, 8), seed=seed), "Points of the ring have two"),
    (lambda seed: gentle(seed, shape=(3,)), "Points of the ring have two"),
    (trained_already, "has been trained already"),
    (lambda seed: gentle(seed, n_critic=5), "takes the handicap away"),
    (lambda seed: gentle(seed, clip=0.01), "D's hands are tied"),
    (slow_d, "D's hands are tied"),
    (lambda seed: gentle(seed, width=512), "so large that three runs"),
    (lambda seed: gentle(seed, batch=4096), "so large that three runs"),
    (lambda seed: gentle(seed, lr=1e9), "The run with seed 901 diverged"),
    (lambda: gentle(0), "Your code raised TypeError"),
])
def test_a_game_that_is_none_of_the_tasks_gets_the_reason(make_game, reason, capsys):
    assert lesson01.cure(make_game) == "not yet"
    assert reason in " ".join(capsys.readouterr().out.split())


def test_the_numbers_of_each_run_are_said(monkeypatch, capsys):
    monkeypatch.setattr(lesson01, "HEAD_START", 5)
    monkeypatch.setattr(lesson01, "ROUNDS", 5)
    assert lesson01.cure(gentle) == "not yet"
    said = capsys.readouterr().out
    assert said.count("effective modes") == 3 + 1 and said.count("high quality") == 3
    assert said.count("高质量样本") == 3


@pytest.mark.slow
@pytest.mark.parametrize("penalty, verdict", [
    (None, "not yet"), (partial(penalties.r1_r2, gamma=1.0), "passed")])
def test_a_tamed_d_passes_and_a_strong_one_does_not(penalty, verdict, monkeypatch, capsys):
    monkeypatch.setattr(lesson01, "SEEDS", lesson01.SEEDS[:1])  # studies/exercises.py has them all
    assert lesson01.cure(lambda seed: recipes.plane(seed=seed, penalty=penalty)) == verdict, \
        capsys.readouterr().out


def test_the_bars_lie_between_what_passes_and_what_does_not():
    """By the numbers that studies/exercises.py has stored."""
    stored = json.loads((Path(__file__).parent.parent / "studies/exercises_bars.json").read_text())

    def passes(run):
        if "effective" in run:
            return (run["effective"] >= lesson01.EFFECTIVE
                    and run["high_quality"] >= lesson01.QUALITY)
        return run["classes"] >= lesson02.CLASSES and run["confident"] >= lesson02.CONFIDENT
    games, settings = stored["cure"], stored["digits"]
    for runs in (games["R1 + R2, gamma 1"], games["RpGAN + R1 + R2, gamma 0.1"],
                 settings["lr 1e-3, betas 0, 0.99"]):
        assert len(runs) >= 3 and all(map(passes, runs.values()))
    for runs in (games["no penalty"], settings["as written"]):
        assert not any(map(passes, runs.values()))
    assert not all(map(passes, games["R1, gamma 0.1"].values()))  # too light a penalty


@pytest.mark.parametrize("checker, stubs", [
    (lesson01.cure, [lambda seed: ...]), (lesson01.cure, [...]),
    (lesson02.own_steps, [lambda *_: ..., lambda *_: ...]), (lesson02.own_steps, [critic, ...]),
    (lesson02.own_steps, [critic, lambda *_: ...]), (lesson02.repaired, [lambda *_: ...]),
    (lesson02.writes_digits, [..., 64, None])])
def test_a_stub_is_not_an_error(checker, stubs, capsys):
    assert checker(*stubs) == "not attempted"
    assert "Not attempted" in capsys.readouterr().out
