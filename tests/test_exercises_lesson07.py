"""Lesson 07's checkers pass the solution and give each named mistake the reason that fits."""

import pytest
import torch

from gan_lessons import measure
from gan_lessons.exercises import lesson07 as check


def verdict(capsys, checker, answer):
    """Return the checker's verdict and what it said in English."""
    capsys.readouterr()
    result = checker(answer)
    return result, capsys.readouterr().out


# ---- the Fréchet distance ----

def by_eigenvalues(product, clamp=True):
    values = torch.linalg.eigvals(product).real
    return (values.clamp(min=0) if clamp else values).sqrt().sum()


def frechet(ma, a, mb, b, *, clamp=True, rooted=by_eigenvalues, factor=2.0, traces=torch.trace,
            gap=lambda x: x.square().sum()):
    """The solution of exercise 1, and a way to get each part of it wrong."""
    return gap(ma - mb) + traces(a) + traces(b) - factor * rooted(a @ b)


def matrix_root(c):
    return measure.frechet._square_root(c)


def symmetric(ma, a, mb, b):
    inner = matrix_root(matrix_root(a) @ b @ matrix_root(a))
    return (ma - mb).square().sum() + torch.trace(a + b - 2 * inner)


WRONG_FRECHET = {
    "root of all": (lambda *g: frechet(*g).sqrt(), "One root too many"),
    "mean not squared": (lambda *g: frechet(*g, gap=torch.linalg.norm), "not squared"),
    "mean over dimensions": (lambda *g: frechet(*g, gap=lambda x: x.square().mean()),
                             "not the mean over"),
    "no means": (lambda *g: frechet(*g, gap=lambda x: 0.0), "term of the means"),
    "no 2": (lambda *g: frechet(*g, factor=1.0), "factor 2"),
    "sign": (lambda *g: frechet(*g, factor=-2.0), "sign of the root"),
    "no root": (lambda *g: frechet(*g, rooted=torch.trace), "root of C_a C_b is missing"),
    "roots apart": (lambda ma, a, mb, b: (ma - mb).square().sum() + torch.trace(
        a + b - 2 * matrix_root(a) @ matrix_root(b)), "commute"),
    "diagonal alone": (lambda ma, a, mb, b: (ma - mb).square().sum() + (
        a.diagonal().sqrt() - b.diagonal().sqrt()).square().sum(), "variances alone"),
    "elementwise root": (lambda ma, a, mb, b: (ma - mb).square().sum() + torch.trace(
        a + b - 2 * (a @ b).clamp(min=0).sqrt()), "R @ R = C"),
    "sum of all": (lambda ma, a, mb, b: (ma - mb).square().sum() + (
        a + b - 2 * matrix_root(matrix_root(a) @ b @ matrix_root(a))).sum(), "trace is the sum"),
    "difference": (lambda ma, a, mb, b: (ma - mb).square().sum() + (a - b).square().sum(),
                   "difference of the covariances|compares variances"),
    "NaN": (lambda *g: frechet(*g, rooted=lambda p: by_eigenvalues(p, clamp=False)), "hair below"),
    "complex": (lambda ma, a, mb, b: (ma - mb).square().sum() + torch.trace(a + b)
                - 2 * torch.linalg.eigvals(a @ b).sqrt().sum(), "complex"),
    "not a number": (lambda ma, a, mb, b: (ma - mb).square(), "one number"),
}


@pytest.mark.parametrize("right", [frechet, symmetric, lambda *g: float(frechet(*g))])
def test_frechet_is_right(right):
    assert check.frechet_of_gaussians(right) == "passed"


# ---- KID ----

def cubic(x, y):
    return (x @ y.T / x.shape[1] + 1) ** 3


def pairs(k, biased=False):
    n = len(k)
    if biased:
        return k.mean()
    return (k.sum() - k.diagonal().sum()) / (n * (n - 1))


def kid(a, b, *, kernel=cubic, within=pairs, cross=2.0):
    """The solution of exercise 2, and a way to get each part of it wrong."""
    return within(kernel(a, a)) + within(kernel(b, b)) - cross * kernel(a, b).mean()


WRONG_KID = {
    "biased": (lambda a, b: kid(a, b, within=torch.mean), "diagonal was counted"),
    "n squared": (lambda a, b: kid(a, b, within=lambda k: (k.sum() - k.trace()) / len(k) ** 2),
                  "division is by n^2"),
    "cross once": (lambda a, b: kid(a, b, cross=1.0), "counts twice"),
    "cross added": (lambda a, b: kid(a, b, cross=-2.0), "subtracted"),
    "sign": (lambda a, b: -kid(a, b), "other way round"),
    "root": (lambda a, b: kid(a, b).abs().sqrt(), "squared MMD"),
    "no d": (lambda a, b: kid(a, b, kernel=lambda x, y: (x @ y.T + 1) ** 3), "dimension d"),
    "n for d": (lambda a, b: kid(a, b, kernel=lambda x, y: (x @ y.T / len(x) + 1) ** 3),
                "number of samples"),
    "no 1": (lambda a, b: kid(a, b, kernel=lambda x, y: (x @ y.T / 3) ** 3), "lacks the 1"),
    "square": (lambda a, b: kid(a, b, kernel=lambda x, y: (x @ y.T / 3 + 1) ** 2), "not 2"),
    "linear": (lambda a, b: kid(a, b, kernel=lambda x, y: x @ y.T / 3 + 1), "means alone"),
    "Gaussian": (lambda a, b: kid(a, b, kernel=lambda x, y: (
        -torch.cdist(x, y).square() / 2).exp()), "Gaussian kernel"),
    "clamped": (lambda a, b: kid(a, b).clamp(min=0), "do not cut at 0"),
    "absolute": (lambda a, b: kid(a, b).abs(), "no absolute value"),
}


@pytest.mark.parametrize("right", [kid, measure.kernel_distance])
def test_kid_is_right(right):
    assert check.kid(right) == "passed"


# ---- the ratio for copies ----

def copy_ratio(samples, training, unseen, *, cut=True, find=lambda d: d.min(1).values, p=2.0):
    """The solution of exercise 3, and a way to get each part of it wrong."""
    size = min(len(training), len(unseen)) if cut else None
    a, b = (find(torch.cdist(samples, known[:size], p=p)) for known in (training, unseen))
    return a / b


WRONG_RATIO = {
    "not cut": (lambda *x: copy_ratio(*x, cut=False), "equal numbers"),
    "upside down": (lambda *x: 1 / copy_ratio(*x), "upside down"),
    "squared": (lambda *x: copy_ratio(*x).square(), "squared distances"),
    "mean": (lambda *x: copy_ratio(*x, find=lambda d: d.mean(1)), "mean distance"),
    "farthest": (lambda *x: copy_ratio(*x, find=lambda d: d.max(1).values), "farthest"),
    "one distance": (lambda s, t, u: torch.cdist(s, t[:len(u)]).min(1).values,
                     "near from far"),
    "share": (lambda *x: (copy_ratio(*x) < 1).double(), "by how much"),
    "1-norm": (lambda *x: copy_ratio(*x, p=1.0), "1-norm"),
    "wrong axis": (lambda *x: copy_ratio(*x, find=lambda d: d.min(0).values), "shape (6,)"),
    "average": (lambda *x: copy_ratio(*x).mean(), "shape (6,)"),
}


def test_copy_ratio_is_right():
    assert check.copy_ratio(copy_ratio) == "passed"


CASES = [(checker, wrong, name)
         for checker, wrong in ((check.frechet_of_gaussians, WRONG_FRECHET),
                                (check.kid, WRONG_KID), (check.copy_ratio, WRONG_RATIO))
         for name in wrong]


@pytest.mark.parametrize("checker, wrong, name", CASES,
                         ids=[f"{checker.__name__}: {name}" for checker, _, name in CASES])
def test_a_mistake_gets_its_reason(checker, wrong, name, capsys):
    answer, message = wrong[name]
    result, said = verdict(capsys, checker, answer)
    assert result == "not yet"
    assert any(part in said for part in message.split("|")), said


@pytest.mark.parametrize("checker", [check.frechet_of_gaussians, check.kid, check.copy_ratio])
def test_an_empty_answer_is_no_error(checker):
    assert checker(lambda *given: ...) == "not attempted"
