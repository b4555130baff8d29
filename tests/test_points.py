"""Distributions of points: where they lie, that they repeat, and what a drawing must be."""

import math

import pytest
import torch

from gan_lessons import data

ALL = [data.ring(), data.grid(), data.line(), data.on_axis(), data.two_moons(), data.spiral(),
       data.drawn([[0, 1], [1, 0]])]


def seeded(seed):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("points", ALL, ids=lambda points: points.name)
class TestEverySet:
    def test_draws_fresh_finite_points_of_its_shape(self, points, capsys):
        generator = seeded(1)
        first, second = points.sample(500, generator), points.sample(500, generator)
        assert first.shape == (500, *points.shape) and first.dtype == torch.float32
        assert first.isfinite().all() and first.abs().max() < 6
        assert not torch.equal(first, second)
        assert torch.equal(first, points.sample(500, seeded(1)))
        assert torch.equal(points.sample(5), points.sample(5))
        points.card()
        assert points.name in capsys.readouterr().out and points.name.isascii()

    def test_batches_repeat_and_can_be_entered_anywhere(self, points):
        from_start = points.batches(16, seed=3)
        taken = [next(from_start) for _ in range(5)]
        later = points.batches(16, seed=3, start=3)
        assert torch.equal(next(later), taken[3]) and torch.equal(next(later), taken[4])
        assert not torch.equal(taken[0], taken[1])
        assert not torch.equal(next(points.batches(16, seed=4)), taken[0])

    def test_fits_a_device(self, points):
        assert points.to("meta").sample(3).device.type == "meta"


def test_batches_of_nothing_are_refused():
    with pytest.raises(ValueError, match="at least 1; got 0"):
        data.ring().batches(0)


def test_sets_that_cannot_be_are_refused():
    for make in (lambda: data.ring(modes=0), lambda: data.grid(side=2.5), lambda: data.line(0)):
        with pytest.raises(ValueError, match="must be a whole number of at least 1"):
            make()
    with pytest.raises(ValueError, match="std must be a number of 0 or more, got -1"):
        data.ring(std=-1)


@pytest.mark.parametrize("points, k", [(data.ring(), 8), (data.grid(), 25), (data.line(), 5),
                                       (data.on_axis((-1, 0, 4), 0.1), 3)])
def test_mixtures_fill_their_modes_equally_with_their_std(points, k):
    x = points.sample(50_000)
    distance, nearest = torch.cdist(x, points.modes).min(1)
    share = torch.bincount(nearest, minlength=k) / len(x)
    assert share.shape == (k,) and (share * k - 1).abs().max() < 0.15
    off = x - points.modes[nearest]
    assert off.std().item() == pytest.approx(points.std, rel=0.02)
    assert off.mean(0).abs().max() < 0.02 * points.std * 3


def test_the_published_mixtures():
    ring, grid = data.ring(radius=1, std=0.01), data.grid()
    assert torch.allclose(ring.modes.norm(dim=1), torch.ones(8)) and ring.std == 0.01
    gaps = torch.cdist(ring.modes, ring.modes).sort(1).values[:, 1]
    assert torch.allclose(gaps, torch.full((8,), 2 * math.sin(math.pi / 8)))
    assert {tuple(m) for m in grid.modes.tolist()} == {
        (x, y) for x in (-4, -2, 0, 2, 4) for y in (-4, -2, 0, 2, 4)} and grid.std == 0.05


def test_moons_are_two_half_circles_turned_into_each_other():
    x = data.two_moons(std=0.0).sample(4000)
    upper, lower = x[x[:, 1] > 0.25], x[x[:, 1] < -0.25]
    for moon, centre in ((upper, (-0.5, -0.25)), (lower, (0.5, 0.25))):
        radius = (moon - torch.tensor(centre)).norm(dim=1)
        torch.testing.assert_close(radius, torch.ones(len(moon)))
    assert 1000 < len(upper) < 2000 and 1000 < len(lower) < 2000
    assert x.mean(0).abs().max() < 0.05


def test_a_spiral_is_equally_dense_along_its_length():
    x = data.spiral(turns=2.0, radius=2.0, std=0.0).sample(20_000)
    radius = x.norm(dim=1)
    angle = torch.atan2(x[:, 1], x[:, 0])
    around = (radius / 2 * 2 - angle / (2 * math.pi)).remainder(1)  # whole turns drop out
    assert torch.minimum(around, 1 - around).max() < 1e-3
    along = radius.sort().values[10_000].item() / 2  # half the points in half the length
    assert along == pytest.approx(math.sqrt(0.5), abs=0.02)


def test_a_drawing_is_sampled_around_its_points():
    points = data.drawn([(0.0, 1.0), (2.0, -1.0)], std=0.1)
    x = points.sample(4000)
    near = torch.cdist(x, torch.tensor([[0.0, 1.0], [2.0, -1.0]])).argmin(1)
    assert points.modes is None and 0.45 < near.float().mean() < 0.55
    assert data.drawn([[1, 1]]).sample(3).shape == (3, 2)


@pytest.mark.parametrize("bad", [[], [[]], [1.0, 2.0], [[1.0, 2.0, 3.0]], "points", None,
                                 [[1.0], [2.0, 3.0]], [[[0.0, 0.0]]], [["a", "b"]]])
def test_drawings_of_another_shape_are_refused_in_both_languages(bad):
    with pytest.raises(ValueError) as refusal:
        data.drawn(bad)
    zh, en = str(refusal.value).splitlines()
    assert "至少画一个点" in zh and "Draw at least one point" in en


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 10.1])
def test_points_out_of_bounds_are_refused(bad):
    with pytest.raises(ValueError) as refusal:
        data.drawn([[0.0, 0.0], [1.0, bad]])
    zh, en = str(refusal.value).splitlines()
    assert "有限数" in zh and "finite numbers in [-10, 10]" in en
