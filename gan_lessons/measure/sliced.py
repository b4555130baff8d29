"""MIND: a Wasserstein distance of features, by sorting along many directions."""

import torch
from torch import Tensor

from gan_lessons.measure.features import checked

AT_A_TIME = 50  # directions


def sliced_distance(a: Tensor, b: Tensor, directions: int = 1000, seed: int = 0) -> float:
    """Return MIND: 3 d times the mean over directions of the squared W2 along each.

    Along one direction the cheapest transport takes the smallest to the smallest, and so on: sort
    both and compare. It sees more than mean and covariance. For two samples of one distribution it
    is small, but above 0 by a term of order 1/n: compare only values with the same features and n.
    Berthet et al. 2026, "MIND: Monge Inception Distance", arXiv 2605.06797.

    Args:
        a: Features of one sort, (n, d).
        b: Those to compare them with, (m, d). Of the longer set, as many as the shorter has are
            drawn.
        directions: How many, drawn evenly over all directions; too few of them make noise, about
            sqrt(2 / directions) of the distance for a pure shift.
        seed: For these draws.
    """
    a, b = checked(a, b)
    g = torch.Generator().manual_seed(seed)
    n, d = min(len(a), len(b)), a.shape[1]
    a, b = (x if len(x) == n else x[torch.randperm(len(x), generator=g)[:n]] for x in (a, b))
    u = torch.randn(directions, d, generator=g).double()
    u = u / u.norm(dim=1, keepdim=True)
    total = 0.0
    for part in u.split(AT_A_TIME):
        gaps = (part @ a.T).sort().values - (part @ b.T).sort().values  # (directions, n)
        total += gaps.square().mean(1).sum().item()
    return 3 * d * total / directions
