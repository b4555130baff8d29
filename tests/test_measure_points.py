"""The ruler for points: the published protocol, its floors, and divergences with closed forms."""

import math
from itertools import islice

import pytest
import torch
from scipy.stats import entropy

from gan_lessons import data, measure
from gan_lessons.measure.points import SAMPLES, cell_shares

RING, GRID = data.ring(radius=1, std=0.01), data.grid()


def by_the_definition(x, points):
    """The rule of PacGAN's MetricLogger, point by point."""
    counts = [0] * len(points.modes)
    for point in x.tolist():
        scaled = [math.dist(point, mode) / points.std for mode in points.modes.tolist()]
        if min(scaled) < 3:
            counts[scaled.index(min(scaled))] += 1
    return counts


@pytest.mark.parametrize("points", [RING, GRID, data.ring()])
def test_the_report_follows_the_definition(points):
    noise = torch.randn(400, 2, generator=torch.Generator().manual_seed(0))
    x = points.sample(400) + 2 * points.std * noise
    x = x[x[:, 0] > -0.3]  # lose some modes
    found, counts = measure.mode_report(x, points), by_the_definition(x, points)
    assert found.counts.tolist() == counts and found.n == len(x)
    assert found.modes == sum(c > 0 for c in counts) < found.of == len(points.modes)
    assert found.high_quality == pytest.approx(sum(counts) / len(x))
    uniform = [1 / len(counts)] * len(counts)
    assert found.reverse_kl == pytest.approx(entropy(counts, uniform))
    assert found.effective_modes == pytest.approx(math.exp(entropy(counts)))


@pytest.mark.parametrize("points, floor", [(RING, 0.0014), (GRID, 0.0048)])
def test_the_floor_and_the_ceiling_of_perfect_samples(points, floor):
    reports = [measure.mode_report(batch, points)
               for batch in islice(points.batches(SAMPLES), 200)]
    k = len(points.modes)
    assert all(r.modes == k for r in reports)
    assert sum(r.high_quality for r in reports) / 200 == pytest.approx(1 - math.exp(-4.5), abs=1e-3)
    mean = sum(r.reverse_kl for r in reports) / 200
    assert mean == pytest.approx((k - 1) / (2 * SAMPLES), rel=0.15)
    assert mean == pytest.approx(floor, rel=0.15)


def test_the_radius_is_one_for_both_axes():
    """A point 2.5 std off on each axis is 3.5 std away: not of high quality."""
    off = torch.tensor([[1 + 0.025, 0.025], [1 + 0.029, 0.0], [1 + 0.031, 0.0]])
    assert measure.mode_report(off[:1], RING).high_quality == 0
    assert measure.mode_report(off[1:2], RING).high_quality == 1
    assert measure.mode_report(off[2:], RING).high_quality == 0


def test_points_as_asked_counts_the_nearest_mode():
    ring = RING.conditioned_on()
    x = ring.modes[[0, 1, 2, 3]] + torch.tensor([0.2, 0.0])  # far from good, but nearest
    assert measure.points_as_asked(x, torch.tensor([0, 1, 2, 7]), ring) == 0.75
    assert measure.points_as_asked(x, 2, ring) == 0.25
    assert measure.points_as_asked(x, None, ring) == 1  # 0, 1, 2, 3: in turn
    with pytest.raises(ValueError, match="no condition"):
        measure.points_as_asked(x, 2, RING)
    with pytest.raises(ValueError, match="out of range"):
        measure.points_as_asked(x, 8, ring)


def test_one_sample_captures_a_mode_but_is_not_an_effective_one():
    x = torch.cat([RING.modes[:1].expand(999, 2), RING.modes[3:4]])
    found = measure.mode_report(x, RING)
    assert found.modes == 2 and found.high_quality == 1
    assert 1 < found.effective_modes < 1.02
    assert str(found).startswith("modes  2/8   effective  1.0   high quality 100.0%")


def test_no_sample_of_high_quality():
    found = measure.mode_report(torch.full((10, 2), 50.0), RING)
    assert found.modes == 0 and found.high_quality == 0
    assert found.reverse_kl == math.inf and found.effective_modes == 0


def test_points_of_one_number():
    points = data.on_axis((-1, 1), 0.1)
    found = measure.mode_report(points.sample(SAMPLES), points)
    assert found.modes == 2 and found.high_quality == pytest.approx(0.9973, abs=0.004)


def test_what_cannot_be_counted_is_refused():
    with pytest.raises(ValueError, match="spiral has no modes to count"):
        measure.mode_report(torch.zeros(3, 2), data.spiral())
    with pytest.raises(ValueError, match=r"shape \(n, 2\) are needed, got \(3, 1\)"):
        measure.mode_report(torch.zeros(3, 1), RING)
    with pytest.raises(ValueError, match=r"shape \(n, 2\) are needed, got \(0, 2\)"):
        measure.js_on_grid(torch.zeros(0, 2), torch.zeros(3, 2))
    with pytest.raises(ValueError, match="training has diverged"):
        measure.mode_report(torch.tensor([[0.0, math.nan]]), RING)


def test_cell_shares_put_every_point_somewhere():
    x = torch.tensor([[-2.9, -2.9], [2.9, -2.9], [2.9, 2.9], [100.0, 100.0]])
    shares = cell_shares(x, bins=3)
    assert shares.shape == (3, 3) and shares.sum() == 1
    assert shares[0, 0] == 0.25 and shares[2, 0] == 0.25 and shares[2, 2] == 0.5


def test_the_divergence_of_three_quarters_against_one_quarter():
    left, right = torch.tensor([[-1.0, 0.0]]), torch.tensor([[1.0, 0.0]])
    p, q = torch.cat([left, left, left, right]), torch.cat([left, right, right, right])
    js = 0.75 * math.log(0.75 / 0.5) + 0.25 * math.log(0.25 / 0.5)
    assert measure.js_on_grid(p, q) == pytest.approx(js)
    assert measure.js_on_grid(p, q) == measure.js_on_grid(q, p)


def test_the_divergence_at_the_extremes():
    left, right = torch.tensor([[-1.0, 0.0]]), torch.tensor([[1.0, 0.0]])
    assert measure.js_on_grid(left, right) == pytest.approx(math.log(2))
    assert measure.js_on_grid(left, left) == 0


def test_the_bias_of_js_is_about_what_is_said():
    generator = torch.Generator().manual_seed(0)
    p, q = (torch.rand(20_000, 2, generator=generator) * 6 - 3 for _ in range(2))
    assert measure.js_on_grid(p, q, bins=10) == pytest.approx(99 / 8 * 2 / 20_000, rel=0.3)
