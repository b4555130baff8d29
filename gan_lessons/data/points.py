"""Points in the plane: rings, grids, moons and spirals, drawn afresh for every batch.

A distribution of points is a formula, so nothing is downloaded, nothing runs out, and what a
generator covers can be counted exactly.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from gan_lessons.data.imageset import read_card, show_card
from gan_lessons.util import both, whole_number

FURTHEST = 10.0  # how far from the origin drawn points may lie


@dataclass(frozen=True)
class PointSet:
    """A distribution of points that can be drawn from for ever; `train.fit` takes it as data."""

    name: str  # short, ASCII
    draw: Callable[[int, torch.Generator], Tensor]  # (n, generator) -> float32 (n, d)
    modes: Tensor | None = None  # of a mixture of equal round Gaussians: the centres, (K, d)
    std: float | None = None  # of such a mixture: the standard deviation of each
    shape: tuple[int, ...] = (2,)  # of one point
    device: torch.device | str = "cpu"
    classes: tuple[int, ...] | None = None  # of points with a condition, see `conditioned_on`

    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """Return `n` fresh points, (n, d). Without a generator: the same `n` points every time."""
        generator = generator or torch.Generator().manual_seed(0)
        return self.draw(n, generator).to(self.device)

    def conditioned_on(self) -> "PointSet":
        """Return a mixture with a condition: batches are points and y, the number of their mode.

        It is that of the nearest centre, which in a mixture whose modes lie apart is their own.
        """
        if self.modes is None or len(self.modes) < 2:
            raise ValueError(both(
                f"{self.name} 没有可以作为类别的中心。请用混合分布，例如 data.ring()。",
                f"{self.name} has no centres to be its classes. Take a mixture, such as "
                "data.ring()."))
        return replace(self, classes=(len(self.modes),))

    def nearest(self, x: Tensor) -> Tensor:
        """Return the number of the mode that is nearest to each of x (n, d): int64 (n,)."""
        return torch.cdist(x, self.modes.to(x)).argmin(1)

    def batches(self, n: int, *, seed: int = 0, start: int = 0) -> Iterator[Any]:
        """Yield batches of `n` fresh points for ever, (n, d), beginning with batch `start`.

        Batch number i is fixed by (`seed`, i), so that a resumed run sees what it would have
        seen. Of points with a condition they are pairs: points, and y, int64 (n,).
        """
        if n < 1:
            raise ValueError(both(f"批大小至少是 1，收到 {n}。",
                                  f"The batch size must be at least 1; got {n}."))
        return self._batches(n, seed, start)

    def _batches(self, n: int, seed: int, start: int) -> Iterator[Any]:
        generator = torch.Generator()
        while True:
            x = self.sample(n, generator.manual_seed(1_000_003 * seed + start))
            yield x if self.classes is None else (x, self.nearest(x))
            start += 1

    def to(self, device) -> "PointSet":
        """Return the set with its points on `device`. They are drawn on the CPU all the same."""
        return replace(self, device=device)

    def described(self) -> str:
        """Return what a checkpoint remembers of the data, in a few words."""
        on = ", conditioned on the mode" if self.classes else ""
        return f"{self.name} of shape {self.shape}{on}"

    def card(self) -> None:
        """Show the data card."""
        show_card(*(text.format(name=self.name) for text in read_card("points")))


def mixture(modes: Tensor, std: float, name: str) -> PointSet:
    """Return a mixture of round Gaussians of equal weight around `modes`, (K, d)."""
    modes = modes.to(torch.float32)
    if not 0 <= std < math.inf:
        raise ValueError(both(f"std 必须是不小于 0 的数，收到 {std}。",
                              f"std must be a number of 0 or more, got {std}."))

    def draw(n, generator):
        chosen = torch.randint(len(modes), (n,), generator=generator)
        return modes[chosen] + std * torch.randn(n, modes.shape[1], generator=generator)
    return PointSet(name, draw, modes, std, tuple(modes.shape[1:]))


def ring(modes: int = 8, radius: float = 2.0, std: float = 0.05) -> PointSet:
    """Return Gaussians evenly spaced on a circle.

    `ring(radius=1, std=0.01)` is the ring of VEEGAN and PacGAN (arXiv 1705.07761, 1712.04086).
    """
    whole_number("modes", modes, 1)
    angle = 2 * math.pi * torch.arange(modes) / modes
    return mixture(radius * torch.stack([angle.cos(), angle.sin()], 1), std, f"ring of {modes}")


def grid(side: int = 5, spacing: float = 2.0, std: float = 0.05) -> PointSet:
    """Return side x side Gaussians on a square grid around the origin.

    The default is the grid of VEEGAN and PacGAN: 25 modes at {-4, -2, 0, 2, 4}^2.
    """
    whole_number("side", side, 1)
    line = spacing * (torch.arange(side) - (side - 1) / 2)
    return mixture(torch.cartesian_prod(line, line), std, f"grid of {side * side}")


def line(modes: int = 5, length: float = 4.0, std: float = 0.05) -> PointSet:
    """Return Gaussians in a row along the x axis, from -length/2 to length/2."""
    whole_number("modes", modes, 1)
    x = torch.linspace(-length / 2, length / 2, modes)
    return mixture(torch.stack([x, torch.zeros(modes)], 1), std, f"line of {modes}")


def on_axis(means: Sequence[float] = (-1.5, 1.5), std: float = 0.5) -> PointSet:
    """Return a mixture of Gaussians of one number: points are (n, 1), modes (K, 1)."""
    return mixture(torch.tensor(means).unsqueeze(1), std, f"{len(means)} Gaussians on a line")


def two_moons(std: float = 0.05) -> PointSet:
    """Return two interleaved half circles of radius 1, centred on the origin."""
    def draw(n, generator):
        angle = math.pi * torch.rand(n, generator=generator)
        side = torch.randint(2, (n,), generator=generator) * 2 - 1  # the upper or the lower moon
        x = torch.stack([angle.cos() - side / 2, angle.sin() * side - side / 4], 1)
        return x + std * torch.randn(n, 2, generator=generator)
    return PointSet("two moons", draw)


def spiral(turns: float = 2.0, radius: float = 2.0, std: float = 0.05) -> PointSet:
    """Return a spiral from the origin out to `radius`, equally dense all along."""
    def draw(n, generator):
        along = torch.rand(n, generator=generator).sqrt()  # the length grows as the angle squared
        angle = 2 * math.pi * turns * along
        x = radius * along.unsqueeze(1) * torch.stack([angle.cos(), angle.sin()], 1)
        return x + std * torch.randn(n, 2, generator=generator)
    return PointSet("spiral", draw)


def drawn(points: Sequence[Sequence[float]] | Tensor, std: float = 0.05) -> PointSet:
    """Return a distribution around points that a learner has drawn, (n, 2), one or more.

    A sample is one of the points, moved by a Gaussian of the given std.

    Raises:
        ValueError: They are not finite pairs of numbers within 10 of the origin.
    """
    try:
        centres = torch.as_tensor(points, dtype=torch.float32)
        shape = tuple(centres.shape)
    except (TypeError, ValueError):
        shape = None
    if shape is None or len(shape) != 2 or shape[0] < 1 or shape[1] != 2:
        raise ValueError(both(
            f"画出的点应是至少一对数，形状 (n, 2)，收到 {shape or type(points).__name__}。"
            "请在画板上至少画一个点。",
            f"Drawn points should be one or more pairs of numbers, shape (n, 2), got "
            f"{shape or type(points).__name__}. Draw at least one point."))
    if not (centres.abs() <= FURTHEST).all():  # false for NaN, too
        raise ValueError(both(
            f"坐标必须是 [-{FURTHEST:g}, {FURTHEST:g}] 之间的有限数。请去掉出界的点。",
            f"Coordinates must be finite numbers in [-{FURTHEST:g}, {FURTHEST:g}]. Remove the "
            "points outside."))
    return replace(mixture(centres, std, "drawn"), modes=None, std=None)
