"""The earth mover's problem: the cheapest way to turn one heap of earth into another."""

import numpy as np
import torch
from torch import Tensor

from gan_lessons.util import both


def transport(p: Tensor, q: Tensor, cost: Tensor) -> tuple[Tensor, float]:
    """Return the cheapest plan that moves p to q, float64 (n, m), and what it costs.

    p: (n,) and q: (m,), shares of the earth, each with sum 1;  cost: (n, m), of moving all of it
    from place i to place j. With cost = distance, what the plan costs is the Wasserstein distance
    W1. The linear programme: minimise sum(plan * cost) over plans that are nowhere negative, whose
    rows sum to p and whose columns sum to q. Its n m unknowns limit it to some hundred places.
    Kantorovich 1942; Arjovsky et al. 2017, arXiv 1701.07875, equation 1.

    Raises ValueError when shapes disagree, something is negative, or p and q are not shares.
    """
    from scipy.optimize import linprog  # slow to import; only if it is used
    p, q, cost = (torch.as_tensor(x).detach().cpu().double() for x in (p, q, cost))
    n, m = _check(p, q, cost)
    rows = np.kron(np.eye(n), np.ones((1, m)))  # picks plan[i, :] out of the plan, read row by row
    columns = np.kron(np.ones((1, n)), np.eye(m))
    found = linprog(cost.flatten().numpy(), A_eq=np.vstack([rows, columns]),
                    b_eq=torch.cat([p / p.sum(), q / q.sum()]).numpy(), method="highs")
    return torch.from_numpy(found.x).view(n, m), float(found.fun)


def _check(p: Tensor, q: Tensor, cost: Tensor) -> tuple[int, int]:
    shapes = tuple(p.shape), tuple(q.shape), tuple(cost.shape)
    if p.ndim != 1 or q.ndim != 1 or shapes[2] != shapes[0] + shapes[1] or 0 in shapes[2]:
        raise ValueError(both(
            f"p、q、cost 的形状应为 (n,)、(m,)、(n, m)，收到 {shapes[0]}、{shapes[1]}、"
            f"{shapes[2]}。",
            f"p, q and cost should have shapes (n,), (m,) and (n, m); got {shapes[0]}, "
            f"{shapes[1]} and {shapes[2]}."))
    for name, x in (("p", p), ("q", q), ("cost", cost)):
        if not (x.isfinite().all() and (x >= 0).all()):
            raise ValueError(both(f"{name} 里有负数、NaN 或无穷大。",
                                  f"{name} holds a negative number, NaN or infinity."))
    for name, x in (("p", p), ("q", q)):
        if abs(float(x.sum()) - 1) > 1e-4:
            raise ValueError(both(
                f"{name} 的总和应为 1，收到 {float(x.sum()):g}。请先除以它的总和。",
                f"{name} should sum to 1, and sums to {float(x.sum()):g}. Divide it by its sum."))
    return shapes[2]
