"""Measuring points: how many modes are covered, how well, and a divergence on a grid."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from gan_lessons.condition import Condition, conditions
from gan_lessons.data import PointSet
from gan_lessons.util import both

RADIUS = 3.0  # a sample this many standard deviations from a mode, or closer, is of high quality
SAMPLES = 2500


@dataclass(frozen=True)
class PointReport:
    """What `mode_report` found in n points."""

    n: int
    modes: int  # how many of `of` modes have at least one high-quality sample
    of: int
    high_quality: float  # share of high-quality samples, 0 to 1
    reverse_kl: float  # KL(their shares of the modes || equal shares), nats; none of them: inf
    counts: Tensor  # high-quality samples of each mode, int64 (of,)

    @property
    def effective_modes(self) -> float:
        """How many equally filled modes would have the same entropy: `of` exp(-reverse KL).

        The protocol calls a mode captured for a single sample; this number is not so kind.
        """
        return self.of * math.exp(-self.reverse_kl)

    def __str__(self) -> str:
        return (f"modes {self.modes:2d}/{self.of}   effective {self.effective_modes:4.1f}   "
                f"high quality {self.high_quality:6.1%}   reverse KL {self.reverse_kl:6.4f}")


def mode_report(points: Tensor, data: PointSet) -> PointReport:
    """Measure points against the modes of `data`, by the protocol of VEEGAN and PacGAN.

    Draw n = 2,500 (`SAMPLES`) points from G. A point is of high quality when it lies within 3
    standard deviations of the nearest mode: sqrt(sum over the axes of ((x - mode) / std)^2) < 3,
    one joint radius. A mode is captured when it is the nearest of at least one such point.
    The reverse KL compares the histogram of these points over the modes with equal shares.

    What even perfect samples get: in the plane 1 - exp(-9/2) = 98.9 % are of high quality, and
    the mean reverse KL is about (K - 1) / 2n for K modes: 0.0014 for 8 and 0.0048 for 25.
    Srivastava et al. 2017, "VEEGAN: Reducing Mode Collapse in GANs using Implicit Variational
    Learning", arXiv 1705.07761; Lin et al. 2018, "PacGAN: The power of two samples in generative
    adversarial networks", arXiv 1712.04086, and MetricLogger in the authors' code.

    Args:
        points: (n, d).
        data: The mixture that the generator learned from.
    """
    if data.modes is None or data.std is None:
        raise ValueError(both(f"{data.name} 没有可数的模式。请用 js_on_grid 比较分布。",
                              f"{data.name} has no modes to count. Compare with js_on_grid."))
    _check(points, data.shape[0])
    distance, nearest = torch.cdist(points, data.modes.to(points.device)).min(1)
    good = nearest[distance < RADIUS * data.std]
    counts = torch.bincount(good, minlength=len(data.modes)).cpu()
    share = counts.double() / max(len(good), 1)
    surplus = torch.special.xlogy(share, share * len(counts)).sum().item()
    return PointReport(n=len(points), modes=int((counts > 0).sum()), of=len(counts),
                       high_quality=len(good) / len(points),
                       reverse_kl=surplus if len(good) else math.inf, counts=counts)


def points_as_asked(points: Tensor, y: Condition | None, data: PointSet) -> float:
    """Return the share of points whose nearest mode is the one that was asked for, 0 to 1.

    Guessing has 1 / K of K modes. Quality does not count: see `mode_report`.

    Args:
        points: (n, d).
        y: The modes they were asked for, see `condition.conditions`.
        data: The mixture with a condition, from `conditioned_on`.
    """
    if data.classes is None:
        raise ValueError(both(f"{data.name} 没有条件：请传入 conditioned_on() 返回的分布。",
                              f"{data.name} has no condition: pass one that conditioned_on() "
                              "returned."))
    _check(points, data.shape[0])
    asked = conditions(y, data.classes, len(points))
    return (data.nearest(points.cpu()) == asked.cpu()).double().mean().item()


def cell_shares(points: Tensor, bins: int = 30, extent: float = 3.0) -> Tensor:
    """Return the share of points (n, 2) in each cell of a grid, float64 (bins, bins), sum 1.

    The grid covers [-extent, extent]^2; a point outside counts in the nearest cell of the rim.
    """
    _check(points, 2)
    cell = ((points / extent + 1) / 2 * bins).long().clamp(0, bins - 1)
    counts = torch.bincount(cell[:, 0] * bins + cell[:, 1], minlength=bins * bins)
    return counts.view(bins, bins).double() / len(points)


def js_on_grid(p: Tensor, q: Tensor, bins: int = 30, extent: float = 3.0) -> float:
    """Return the Jensen-Shannon divergence of the cell shares of two clouds, 0 to log 2, in nats.

    Biased upwards: two clouds of one distribution give about (cells in use - 1) / 8 (1/n + 1/m).
    """
    p, q = cell_shares(p, bins, extent), cell_shares(q, bins, extent)
    middle = (p + q) / 2
    both_ways = torch.special.xlogy(p, p / middle) + torch.special.xlogy(q, q / middle)
    return both_ways.nansum().item() / 2


def _check(points: Tensor, d: int) -> None:
    if points.ndim != 2 or points.shape[1] != d or len(points) == 0:
        raise ValueError(both(f"应是形状 (n, {d}) 的点，收到 {tuple(points.shape)}。",
                              f"Points of shape (n, {d}) are needed, got {tuple(points.shape)}."))
    if not torch.isfinite(points).all():
        raise ValueError(both("点的坐标里有 NaN 或无穷大：训练已经发散。请降低学习率。",
                              "Some coordinates are NaN or infinite: training has diverged. Lower "
                              "the learning rate."))
