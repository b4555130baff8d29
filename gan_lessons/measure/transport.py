"""Optimal transport: what it costs at least to turn one heap of earth into another."""

import numpy as np
import torch
from torch import Tensor

from gan_lessons.util import both


def transport(p: Tensor, q: Tensor, cost: Tensor) -> tuple[Tensor, float]:
    """Return the cheapest plan that turns one heap of earth into another, and what it costs.

    With cost = distance, what the plan costs is the Wasserstein distance W1. The linear programme:
    minimise sum(plan * cost) over plans that are nowhere negative, whose rows sum to p and whose
    columns sum to q. Its n m unknowns limit it to some hundred places.
    Kantorovich 1942; Arjovsky et al. 2017, arXiv 1701.07875, "Wasserstein GAN".

    Args:
        p: Shares of the earth as it lies, (n,), sum 1.
        q: Shares as it should lie, (m,), sum 1.
        cost: What it costs to move all of the earth from place i to place j, (n, m).

    Returns:
        The plan, float64 (n, m): the share that goes from i to j; and its cost.
    """
    from scipy.optimize import linprog  # slow to import; only if it is used
    p, q, cost = (torch.as_tensor(x).detach().cpu().double() for x in (p, q, cost))
    _check_heaps(p, q, cost)
    n, m = cost.shape
    rows = np.kron(np.eye(n), np.ones((1, m)))  # picks plan[i, :] out of the plan, read row by row
    columns = np.kron(np.ones((1, n)), np.eye(m))
    found = linprog(cost.flatten().numpy(), A_eq=np.vstack([rows, columns]),
                    b_eq=torch.cat([p / p.sum(), q / q.sum()]).numpy(), method="highs")
    return torch.from_numpy(found.x).view(n, m), float(found.fun)


def _check_heaps(p: Tensor, q: Tensor, cost: Tensor) -> None:
    n, m, size = tuple(p.shape), tuple(q.shape), tuple(cost.shape)
    if p.ndim != 1 or q.ndim != 1 or size != n + m or 0 in size:
        raise ValueError(both(
            f"p、q、cost 的形状应为 (n,)、(m,)、(n, m)，收到 {n}、{m}、{size}。",
            f"p, q and cost should have shapes (n,), (m,) and (n, m); got {n}, {m} and {size}."))
    for name, x in (("p", p), ("q", q), ("cost", cost)):
        if not (x.isfinite().all() and (x >= 0).all()):
            raise ValueError(both(f"{name} 里有负数、NaN 或无穷大。",
                                  f"{name} holds a negative number, NaN or infinity."))
    for name, x in (("p", p), ("q", q)):
        if abs(float(x.sum()) - 1) > 1e-4:
            raise ValueError(both(
                f"{name} 的总和应为 1，收到 {float(x.sum()):g}。请先除以它的总和。",
                f"{name} should sum to 1, and sums to {float(x.sum()):g}. Divide it by its sum."))
