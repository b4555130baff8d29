"""Shapes with soft edges, painted on many pictures at once.

A shape is a signed distance function: for every point it tells how far the outline is, negative
inside. A pixel is covered by clamp(1/2 - distance in pixels, 0, 1): that is what makes edges
smooth at every size. (I. Quilez, https://iquilezles.org/articles/distfunctions2d)
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

Colour = tuple[float, float, float] | Tensor  # one for all, or (n, 3): one for each picture


@dataclass(frozen=True)
class Shape:
    """`a | b` is what either covers, `a & b` what both cover, `a - b` what b leaves of a."""

    distance: Callable[[Tensor, Tensor], Tensor]  # of points (x, y)
    box: tuple[float, float, float, float]  # left, top, right, bottom around it

    def __or__(self, other: "Shape") -> "Shape":
        a, b = self.box, other.box
        box = (min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3]))
        return Shape(lambda x, y: torch.minimum(self.distance(x, y), other.distance(x, y)), box)

    def __and__(self, other: "Shape") -> "Shape":
        a, b = self.box, other.box
        box = (max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3]))
        return Shape(lambda x, y: torch.maximum(self.distance(x, y), other.distance(x, y)), box)

    def __sub__(self, other: "Shape") -> "Shape":
        return Shape(lambda x, y: torch.maximum(self.distance(x, y), -other.distance(x, y)),
                     self.box)


def ellipse(x: float, y: float, rx: float, ry: float | None = None) -> Shape:
    """Return an ellipse around (x, y); a circle when `ry` is left out."""
    ry = ry or rx

    def distance(px, py):
        u, v = ((px - x) / rx) ** 2, ((py - y) / ry) ** 2
        slope = u / rx**2 + v / ry**2  # exact on a circle and on the axes, else close
        size = (u + v).add_(1e-12)  # never 0 / 0 in the middle
        return size.sub_(size.sqrt()).div_(slope.clamp_(min=1e-12).sqrt_())
    return Shape(distance, (x - rx, y - ry, x + rx, y + ry))


def box(x: float, y: float, half_width: float, half_height: float, corner: float = 0) -> Shape:
    """Return a rectangle around (x, y) whose corners are rounded with radius `corner`."""
    def distance(px, py):
        u = (px - x).abs() - (half_width - corner)
        v = (py - y).abs() - (half_height - corner)
        inside = torch.maximum(u, v)
        if not corner:
            return inside
        outside = (u.clamp(min=0) ** 2 + v.clamp(min=0) ** 2).sqrt_()
        return outside.add_(inside.clamp_(max=0)).sub_(corner)
    return Shape(distance, (x - half_width, y - half_height, x + half_width, y + half_height))


def polygon(*points: tuple[float, float]) -> Shape:
    """Return a convex polygon; its corners are named clockwise as seen on the screen."""
    def distance(px, py):
        furthest = None
        for (x0, y0), (x1, y1) in zip(points, points[1:] + points[:1], strict=True):
            length = math.hypot(x1 - x0, y1 - y0)
            side = (px - x0) * ((y1 - y0) / length) - (py - y0) * ((x1 - x0) / length)
            furthest = side if furthest is None else torch.maximum(furthest, side)
        return furthest
    xs, ys = zip(*points, strict=True)
    return Shape(distance, (min(xs), min(ys), max(xs), max(ys)))


def line(x0: float, y0: float, x1: float, y1: float, width: float) -> Shape:
    """Return a stroke from one point to another with round ends."""
    dx, dy = x1 - x0, y1 - y0

    def distance(px, py):
        u, v = px - x0, py - y0
        along = (u * (dx / (dx**2 + dy**2)) + v * (dy / (dx**2 + dy**2))).clamp_(0, 1)
        return ((u - along * dx) ** 2 + (v - along * dy) ** 2).sqrt_().sub_(width / 2)
    r = width / 2
    return Shape(distance, (min(x0, x1) - r, min(y0, y1) - r, max(x0, x1) + r, max(y0, y1) + r))


def arc(x: float, y: float, half_width: float, depth: float, width: float) -> Shape:
    """Return a stroke that sags by `depth` between its ends at height y: a smile (a parabola)."""
    bend, r = depth / half_width**2, width / 2

    def distance(px, py):
        u = px - x
        steepness = (1 + (2 * bend * u) ** 2).sqrt()
        stroke = (py - (y + depth) + bend * u**2).abs_() / steepness
        return torch.maximum(stroke, u.abs() - half_width).sub_(r)
    low, high = min(y, y + depth), max(y, y + depth)
    return Shape(distance, (x - half_width - r, low - 2 * r, x + half_width + r, high + 2 * r))


def outline(shape: Shape, width: float) -> Shape:
    """Return the rim of a shape as a stroke of this width."""
    left, top, right, bottom = shape.box
    r = width / 2
    return Shape(lambda x, y: shape.distance(x, y).abs_().sub_(r),
                 (left - r, top - r, right + r, bottom + r))


@dataclass(frozen=True)
class Canvas:
    """Pictures to paint on. x goes right, y goes down, both 0 to 1 until `at` moves them."""

    pixels: Tensor  # float32 (n, 3, size, size), 0 to 1
    rows: Tensor  # which of them are painted, int64 (k,)
    x: Tensor  # where the origin lies in each, (k,)
    y: Tensor
    scale_x: Tensor  # how long its unit is, (k,)
    scale_y: Tensor

    @classmethod
    def blank(cls, n: int, size: int) -> "Canvas":
        """Return n black pictures."""
        zero, one = torch.zeros(n), torch.ones(n)
        return cls(torch.zeros(n, 3, size, size), torch.arange(n), zero, zero, one, one)

    def only(self, chosen: Tensor) -> "Canvas":
        """Return a canvas that paints on some of the pictures: `chosen` is bool (n,)."""
        keep = chosen[self.rows]
        return Canvas(self.pixels, self.rows[keep], self.x[keep], self.y[keep],
                      self.scale_x[keep], self.scale_y[keep])

    def at(self, x: float | Tensor = 0.0, y: float | Tensor = 0.0,
           scale: float | Tensor = 1.0, stretch: float | Tensor = 1.0) -> "Canvas":
        """Return a canvas whose origin is (x, y) and whose unit is `scale` long.

        `stretch` makes it wider; a negative one is a mirror. Tensors are (n,): each its own.
        """
        x, y, scale, stretch = (self._own(value) for value in (x, y, scale, stretch))
        return replace(self, x=self.x + self.scale_x * x, y=self.y + self.scale_y * y,
                       scale_x=self.scale_x * scale * stretch, scale_y=self.scale_y * scale)

    def paint(self, shape: Shape, colour: Colour, bottom: Colour | None = None, *,
              opacity: float | Tensor = 1.0, soft: float = 0.0) -> None:
        """Paint a shape. With `bottom` the colour changes on the way down to that one.

        Args:
            shape: On this canvas, see `at`.
            colour, bottom: 0 to 1, (3,) or (n, 3).
            opacity: 0 to 1, one number or (n,).
            soft: How wide the edge is (never less than a pixel).
        """
        left, top, right, low = shape.box
        columns = self._window(self.x, self.scale_x, left, right, soft)
        lines = self._window(self.y, self.scale_y, top, low, soft)
        x = self._positions(columns, self.x, self.scale_x).unsqueeze(1)
        y = self._positions(lines, self.y, self.scale_y).unsqueeze(2)
        if x.numel() == 0 or y.numel() == 0:
            return  # no pictures, or the shape lies outside
        cover = self._cover(shape, x, y, soft)
        if torch.is_tensor(opacity) or opacity != 1:
            cover = cover * self._own(opacity).view(-1, 1, 1)
        paint = self._colour(colour)
        if bottom is not None:
            down = ((y - top) / (low - top)).clamp(0, 1).unsqueeze(1)
            paint = torch.lerp(paint, self._colour(bottom), down)
        self._blend(lines, columns, paint, cover.unsqueeze(1))

    def _window(self, origin: Tensor, scale: Tensor, low: float, high: float,
                soft: float) -> slice:
        """Return the pixels that a span touches in any picture; all others keep their colour."""
        if len(self.rows) == 0:
            return slice(0, 0)
        size = self.pixels.shape[-1]
        ends = torch.stack([origin + scale * (low - soft / 2), origin + scale * (high + soft / 2)])
        first = math.floor(ends.min().item() * size) - 1
        last = math.ceil(ends.max().item() * size) + 1
        return slice(min(max(first, 0), size), max(min(last, size), 0))

    def _positions(self, window: slice, origin: Tensor, scale: Tensor) -> Tensor:
        """Return where the middles of these pixels lie on the canvas, (k, pixels)."""
        pixels = torch.arange(window.start, max(window.start, window.stop))
        middle = (pixels + 0.5) / self.pixels.shape[-1]
        return (middle - origin.unsqueeze(1)) / scale.unsqueeze(1)

    def _cover(self, shape: Shape, x: Tensor, y: Tensor, soft: float) -> Tensor:
        """Return the share of each pixel that the shape covers, (k, height, width)."""
        left, top, right, low = shape.box
        distance = shape.distance(x, y)  # where it is only close, the box keeps it in its window
        distance = torch.maximum(distance, (x - (left + right) / 2).abs() - (right - left) / 2)
        distance = torch.maximum(distance, (y - (top + low) / 2).abs() - (low - top) / 2)
        per_edge = self.pixels.shape[-1] * (self.scale_x * self.scale_y).abs().sqrt()
        if soft:
            per_edge = per_edge.clamp(max=1 / soft)
        cover = (0.5 - distance * per_edge.view(-1, 1, 1)).clamp_(0, 1)
        return cover * cover * (3 - 2 * cover) if soft else cover

    def _blend(self, lines: slice, columns: slice, paint: Tensor, cover: Tensor) -> None:
        under = self.pixels[:, :, lines, columns]
        if len(self.rows) == len(self.pixels):
            under.lerp_(paint, cover)
        else:
            under[self.rows] = torch.lerp(under[self.rows], paint, cover)

    def _own(self, value: float | Tensor) -> Tensor:
        """Return what belongs to the pictures painted here; a single number serves them all."""
        value = torch.as_tensor(value, dtype=torch.float32)
        return value[self.rows] if value.ndim == 1 else value

    def _colour(self, colour: Colour) -> Tensor:
        colour = torch.as_tensor(colour, dtype=torch.float32)
        return (colour[self.rows] if colour.ndim == 2 else colour).view(-1, 3, 1, 1)


def colours(*names: str) -> Tensor:
    """Return colours written as on the web, like "#ffcc00", as float32 (len(names), 3), 0 to 1."""
    return torch.tensor([[int(name[i:i + 2], 16) / 255 for i in (1, 3, 5)] for name in names])


def darker(colour: Tensor, share: float = 0.2) -> Tensor:
    """Return a colour with this share of black mixed in."""
    return colour * (1 - share)


def lighter(colour: Tensor, share: float = 0.2) -> Tensor:
    """Return a colour with this share of white mixed in."""
    return colour + (1 - colour) * share
