"""The earth mover's problem against what is known by other means."""

import pytest
import torch

from gan_lessons.measure import transport

P = torch.tensor([5, 3, 2, 1, 8, 7, 5, 9, 2, 1]).double()  # of UDL's notebook 15.2
Q = torch.tensor([4, 10, 1, 1, 4, 6, 3, 2, 0, 1]).double()


def distances(x, y):
    return (x[:, None] - y[None]).abs()


def test_the_published_case():
    x = torch.arange(10).double() / 9
    plan, cost = transport(P / P.sum(), Q / Q.sum(), distances(x, x))
    assert cost == pytest.approx(0.15148578811369506, abs=1e-12)
    torch.testing.assert_close(plan.sum(1), P / P.sum())
    torch.testing.assert_close(plan.sum(0), Q / Q.sum())
    assert (plan >= 0).all()


@pytest.mark.parametrize("seed", range(5))
def test_on_a_line_it_is_what_sorting_gives(seed):
    chance = torch.Generator().manual_seed(seed)
    a, b = torch.randn(2, 30, generator=chance, dtype=torch.float64)
    shares = torch.full((30,), 1 / 30)
    _, cost = transport(shares, shares, distances(a, b))
    assert cost == pytest.approx(float((a.sort().values - b.sort().values).abs().mean()))


def test_places_of_different_number_and_any_cost():
    plan, cost = transport([1.0], [0.25, 0.75], [[4.0, 8.0]])
    assert cost == pytest.approx(7.0) and plan.tolist() == [[0.25, 0.75]]


@pytest.mark.parametrize("p, q, cost, said", [
    ([1.0], [1.0], [[1.0, 2.0]], r"shapes \(n,\), \(m,\) and \(n, m\); got \(1,\), \(1,\) and"),
    ([[1.0]], [1.0], [[1.0]], "shapes"),
    ([2.0], [1.0], [[1.0]], "p should sum to 1, and sums to 2"),
    ([1.0], [0.5, 0.6], [[1.0, 1.0]], "q should sum to 1, and sums to 1.1"),
    ([1.5, -0.5], [1.0], [[1.0], [1.0]], "p holds a negative number"),
    ([1.0], [1.0], [[float("nan")]], "cost holds a negative number, NaN")])
def test_what_is_no_transport_problem_is_named(p, q, cost, said):
    with pytest.raises(ValueError, match=said):
        transport(p, q, cost)
