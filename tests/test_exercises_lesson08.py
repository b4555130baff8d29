"""Lesson 08's checkers pass the solution and give each named mistake the reason that fits."""

from functools import partial

import pytest
import torch

from gan_lessons.exercises import lesson08 as check


def verdict(capsys, checker, *answers):
    """Return the checker's verdict and what it said in English."""
    capsys.readouterr()
    result = checker(*answers)
    return result, capsys.readouterr().out


# ---- the projection critic ----

def score(features, y, psi, embedding):
    """The solution of exercise 1."""
    return ((psi + embedding[y]) * features).sum(1)


def two_terms(features, y, psi, embedding):
    return features @ psi + torch.einsum("bd,bd->b", features, embedding[y])


def logits(features, embedding):
    return features @ embedding.T


WRONG_SCORES = {
    "no y": (lambda f, y, p, e: f @ p, "y is not used"),
    "no psi": (lambda f, y, p, e: (e[y] * f).sum(1), "psi is missing"),
    "minus": (lambda f, y, p, e: f @ p - (e[y] * f).sum(1), "sign is off"),
    "times": (lambda f, y, p, e: f @ p * (e[y] * f).sum(1), "added, not multiplied"),
    "mean": (lambda f, y, p, e: ((p + e[y]) * f).mean(1), "a sum, not a mean"),
    "mean in one term": (lambda f, y, p, e: f @ p + (e[y] * f).mean(1), "a sum, not a mean"),
    "cosine": (lambda f, y, p, e: f @ p + torch.cosine_similarity(e[y], f), "cosine"),
    "all classes": (lambda f, y, p, e: f @ p + logits(f, e).sum(1), "All classes"),
    "best class": (lambda f, y, p, e: f @ p + logits(f, e).amax(1), "best matching"),
    "softmax": (lambda f, y, p, e: f @ p + logits(f, e).log_softmax(1)[range(len(y)), y],
                "log-probability"),
    "every pair": (lambda f, y, p, e: f @ p + f @ e[y].T, "every sample met"),
    "broadcast": (lambda f, y, p, e: (f @ p)[:, None] + (e[y] * f).sum(1), "every sample met"),
    "one number": (lambda f, y, p, e: score(f, y, p, e).mean(), "one score a sample"),
    "no sum": (lambda f, y, p, e: (p + e[y]) * f, "one score a sample|every sample met"),
    "detached": (lambda f, y, p, e: score(f, y, p.detach(), e), "no gradient"),
    "doubled": (lambda f, y, p, e: 2 * score(f, y, p, e), "values are off"),
}


@pytest.mark.parametrize("right", [score, two_terms])
def test_the_projection_is_right(right):
    assert check.projection_score(right) == "passed"
    assert check.projection_score(lambda *_: ...) == "not attempted"


@pytest.mark.parametrize("name", WRONG_SCORES)
def test_the_projection_is_wrong(name, capsys):
    answer, message = WRONG_SCORES[name]
    result, said = verdict(capsys, check.projection_score, answer)
    assert result == "not yet"
    assert any(part in said for part in message.split("|")), said


# ---- obedience ----

def shares(probabilities, y):
    """The solution of exercise 2."""
    right = (probabilities.argmax(1) == y).float()
    return torch.stack([right[y == k].mean() for k in range(probabilities.shape[1])])


def by_counting(probabilities, y):
    k = probabilities.shape[1]
    right = y[probabilities.argmax(1) == y]
    return torch.bincount(right, minlength=k) / torch.bincount(y, minlength=k)


def parts(p, y):
    k, guesses = p.shape[1], p.argmax(1)
    return (torch.bincount(y[guesses == y], minlength=k).float(),
            torch.bincount(y, minlength=k).float(), torch.bincount(guesses, minlength=k).float())


WRONG_SHARES = {
    "overall": (lambda p, y: (p.argmax(1) == y).float().mean(), "one share a class"),
    "one for each sample": (lambda p, y: (p.argmax(1) == y).float(), "one share a class"),
    "counts": (lambda p, y: parts(p, y)[0], "a count, not a share"),
    "of all": (lambda p, y: parts(p, y)[0] / len(y), "divided by all samples"),
    "precision": (lambda p, y: parts(p, y)[0] / parts(p, y)[2], "a precision"),
    "no y": (lambda p, y: parts(p, y)[2] / len(y), "y is not used"),
    "only counts": (lambda p, y: parts(p, y)[2] / parts(p, y)[1], "Only counts"),
    "mean probability": (lambda p, y: torch.stack([p[y == k, k].mean()
                                                   for k in range(p.shape[1])]),
                         "a mean probability"),
    "errors": (lambda p, y: 1 - shares(p, y), "share of errors"),
    "the same for all": (lambda p, y: (p.argmax(1) == y).float().mean().expand(p.shape[1]),
                         "overall accuracy"),
    "0 for nobody": (lambda p, y: shares(p, y).nan_to_num(0), "should be NaN"),
    "only classes that were asked": (lambda p, y: shares(p, y)[y.unique()], "as long as"),
    "as far as the largest y": (lambda p, y: shares(p, y)[:int(y.max()) + 1], "as long as"),
    "shifted": (lambda p, y: shares(p.roll(1, 1), y), "values are off"),
}


@pytest.mark.parametrize("right", [shares, by_counting])
def test_shares_are_right(right):
    assert check.obeys(right) == "passed"
    assert check.obeys(lambda *_: ...) == "not attempted"


@pytest.mark.parametrize("name", WRONG_SHARES)
def test_shares_are_wrong(name, capsys):
    answer, message = WRONG_SHARES[name]
    result, said = verdict(capsys, check.obeys, answer)
    assert result == "not yet"
    assert message in said, said


# ---- the cycle loss ----

def cycle_loss(a, b, a_to_b, b_to_a, *, back_a=None, back_b=None, of=torch.Tensor.abs,
               over=torch.mean, join=lambda x, y: x + y, factor=1.0):
    """The solution, and a way to get each part of it wrong."""
    a_again = b_to_a(a_to_b(a)) if back_a is None else back_a(a, a_to_b, b_to_a)
    b_again = a_to_b(b_to_a(b)) if back_b is None else back_b(b, a_to_b, b_to_a)
    return factor * join(over(of(a - a_again)), over(of(b - b_again)))


def within(x):
    return x.flatten(1).sum(1).mean()


def in_place(a, b, a_to_b, b_to_a):
    value = cycle_loss(a, b, a_to_b, b_to_a)
    a -= 1
    return value


WRONG_CYCLE = {
    "A alone": (partial(cycle_loss, join=lambda x, y: x), "A alone"),
    "B alone": (partial(cycle_loss, join=lambda x, y: y), "B alone"),
    "mean of the two": (partial(cycle_loss, factor=0.5), "take their sum"),
    "weighted": (partial(cycle_loss, factor=10), "weight 10"),
    "squared": (partial(cycle_loss, of=torch.square), "squared"),
    "signed": (partial(cycle_loss, of=torch.Tensor.clone), "would cancel"),
    "signed the other way": (partial(cycle_loss, of=torch.neg), "would cancel"),
    "summed": (partial(cycle_loss, over=torch.sum), "the sum, not the mean"),
    "summed within a sample": (partial(cycle_loss, over=within), "Within a sample"),
    "reversed": (partial(cycle_loss, back_a=lambda a, there, back: there(back(a)),
                         back_b=lambda b, there, back: back(there(b))), "order is reversed"),
    "one way": (partial(cycle_loss, back_a=lambda a, there, back: there(a),
                        back_b=lambda b, there, back: back(b)), "way there alone"),
    "identity": (partial(cycle_loss, back_a=lambda a, there, back: back(a),
                         back_b=lambda b, there, back: there(b)), "identity loss"),
    "detached in the middle": (partial(cycle_loss, back_a=lambda a, there, back:
                                       back(there(a).detach())), "all the way"),
    "a number": (lambda *given: cycle_loss(*given).item(), "mere number"),
    "no mean": (partial(cycle_loss, over=lambda x: x.mean(0).flatten()[:2]), "scalar"),
    "in place": (in_place, "input was changed"),
}


def test_the_cycle_loss_is_right(capsys):
    result, said = verdict(capsys, check.cycle_loss, cycle_loss)
    assert result == "passed" and "need not mean the same" in said
    assert check.cycle_loss(lambda a, b, a_to_b, b_to_a: ...) == "not attempted"
    assert check.cycle_loss(...) == "not attempted"


@pytest.mark.parametrize("name", WRONG_CYCLE)
def test_the_cycle_loss_is_wrong(name, capsys):
    answer, message = WRONG_CYCLE[name]
    result, said = verdict(capsys, check.cycle_loss, answer)
    assert result == "not yet"
    assert message in said
