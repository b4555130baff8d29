"""Lesson 04's checkers pass the solution and give each named mistake the reason that fits."""

import pytest
import torch
from torch.nn.functional import softplus

from gan_lessons.exercises import lesson04 as check
from gan_lessons.penalties import clip_weights


def critic_loss(real, fake):
    return fake.mean() - real.mean()


def generator_loss(fake):
    return -fake.mean()


def update(critic, optimizer, real, fake, limit, *, sign=1, clear=True, before=False, after=True,
           clip=clip_weights):
    """The solution of exercise 3, and a way to get each part of it wrong."""
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


RIGHT = [
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
    (check.losses, [critic_loss, lambda *_: ...]), (check.clipped_update, [lambda *_: ...])])
def test_a_stub_is_not_an_error(checker, stubs, capsys):
    assert checker(*stubs) == "not attempted"
    assert "Not attempted" in capsys.readouterr().out
