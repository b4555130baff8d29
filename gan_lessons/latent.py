"""Ways through latent space: straight lines, arcs that keep the length of z, and directions."""

import torch
from torch import Tensor

from gan_lessons.util import both, whole_number


def linear(start: Tensor, end: Tensor, n: int) -> Tensor:
    """Return n points in equal steps on the straight line from `start` to `end`, (n, ..., d).

    Half-way between two independent z of length r the length is only about r / sqrt(2): so short
    a z hardly ever occurs while G learns.

    Args:
        start: Where the line begins, (..., d).
        end: Where it ends, (..., d).
        n: How many points, both ends included.
    """
    t = _steps(start, end, n)
    return (1 - t) * start + t * end


def spherical(start: Tensor, end: Tensor, n: int) -> Tensor:
    """Return n points on the arc from `start` to `end`, (n, ..., d), as `linear` does on the line.

    The weights are sin((1-t) a) / sin(a) and sin(t a) / sin(a), a the angle between the two. When
    both have the same length so have all points, in equal angles; when not, the length changes
    gradually. Where the arc is all but straight the weights are those of `linear`.
    Shoemake 1985, Animating rotation with quaternion curves; for GANs White 2016, arXiv
    1609.04468. Opposite ends are refused: of all the arcs between them none is the shortest.
    """
    t = _steps(start, end, n)
    cosine = torch.cosine_similarity(start, end, dim=-1).clamp(-1, 1).unsqueeze(-1)
    angle = torch.arccos(cosine)
    if (angle > torch.pi - 1e-3).any():
        raise ValueError(both("起点和终点方向正好相反，两者之间没有唯一的弧。请另选一个终点。",
                              "Start and end are opposite, and no one arc joins them. Choose "
                              "another end."))
    arc = (torch.sin((1 - t) * angle) * start + torch.sin(t * angle) * end) / torch.sin(angle)
    return torch.where(angle.abs() < 1e-3, linear(start, end, n), arc)


def direction(z: Tensor, has: Tensor) -> Tensor:
    """Return the mean of the z whose pictures have something minus the mean of the others, (d,).

    Added to another z it should give its picture that something. Radford et al. 2015, arXiv
    1511.06434, section 6.3.2, who took the means of three z each.

    Args:
        z: Latent vectors, (n, d).
        has: Whether the picture of each has it, bool (n,); some must, and some must not.
    """
    if not has.any() or has.all():
        raise ValueError(both("求方向需要两类 z：画出的图有这个特征的，和没有的。请多取一些 z。",
                              "A direction needs z of both kinds, with pictures that have it and "
                              "pictures that have not. Draw more z."))
    return z[has].mean(0) - z[~has].mean(0)


def _steps(start: Tensor, end: Tensor, n: int) -> Tensor:
    n = whole_number("n", n, 2)
    if start.shape != end.shape:
        raise ValueError(both(
            f"起点和终点的形状应相同，收到 {tuple(start.shape)} 和 {tuple(end.shape)}。",
            f"Start and end should have one shape, got {tuple(start.shape)} and "
            f"{tuple(end.shape)}."))
    return torch.linspace(0, 1, n).view(n, *[1] * start.ndim)
