"""Distances between clouds of features (Fréchet, KID), between heaps of earth, between pictures."""

import numpy as np
import torch
from torch import Tensor

from gan_lessons.util import both


def frechet_distance(a: Tensor, b: Tensor) -> float:
    """Return |mu_a - mu_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^(1/2)), the FID formula.

    Computed in float64 with the symmetric form
    tr (C_a C_b)^(1/2) = tr (C_a^(1/2) C_b C_a^(1/2))^(1/2), which needs no complex numbers.
    Biased upwards, by a term of order 1/n: compare only values with the same features, n and m.
    Heusel et al. 2017, arXiv 1706.08500, equation 6.

    Args:
        a: Features of one sort, (n, d). There must be more samples than features, n > d and m > d,
            or the covariance would lack rank.
        b: Those to compare them with, (m, d).
    """
    a, b = _checked(a, b)
    root_a = _square_root(torch.cov(a.T))
    eigenvalues = torch.linalg.eigvalsh(root_a @ torch.cov(b.T) @ root_a)
    means = (a.mean(0) - b.mean(0)).square().sum()
    traces = a.var(0).sum() + b.var(0).sum()
    distance = means + traces - 2 * eigenvalues.clamp(min=0).sqrt().sum()
    return max(0.0, float(distance))  # rounding can leave a hair below zero


def kernel_distance(a: Tensor, b: Tensor) -> float:
    """Return KID: the unbiased squared MMD with the kernel k(x, y) = (x.y/d + 1)^3.

    Its expectation is 0 for two samples of one distribution, whatever n and m; a single value can
    fall below 0. Bińkowski et al. 2018, arXiv 1801.01401, section 4.
    Takes the same features as `frechet_distance`.
    """
    a, b = _checked(a, b)

    def kernel(x, y):
        return (x @ y.T / x.shape[1] + 1) ** 3

    def mean_off_diagonal(k):
        return (k.sum() - k.diagonal().sum()) / (len(k) * (len(k) - 1))

    return float(mean_off_diagonal(kernel(a, a)) + mean_off_diagonal(kernel(b, b))
                 - 2 * kernel(a, b).mean())


def nearest(pictures: Tensor, among: Tensor) -> tuple[Tensor, Tensor]:
    """Return how far it is to the nearest of `among`, and which it is: copies or not?

    The distance is the root of the mean squared difference of two pictures' pixels, in grey
    levels: 0 is a copy. It sees pixels and not contents, so a copy that is shifted by a pixel
    counts as another picture.

    Args:
        pictures: uint8 (n, C, H, W).
        among: uint8 (m, C, H, W).

    Returns:
        The distance of each picture, float32 (n,), and the index of the nearest, int64 (n,).
    """
    if {pictures.dtype, among.dtype} != {torch.uint8} or pictures.shape[1:] != among.shape[1:]:
        raise ValueError(both(
            f"两组图片都应是 uint8，形状相同，收到 {pictures.dtype} {tuple(pictures.shape)} 和 "
            f"{among.dtype} {tuple(among.shape)}。[-1, 1] 的张量请先用 data.to_images() 转换。",
            f"Both sets should be uint8 pictures of one shape, got {pictures.dtype} "
            f"{tuple(pictures.shape)} and {among.dtype} {tuple(among.shape)}. Convert tensors in "
            "[-1, 1] with data.to_images() first."))
    known = among.flatten(1).float()
    parts = [torch.cdist(part.flatten(1).float(), known,
                         compute_mode="donot_use_mm_for_euclid_dist").min(1)
             for part in pictures.split(100)]
    distance = torch.cat([part.values for part in parts]) / known.shape[1] ** 0.5
    return distance, torch.cat([part.indices for part in parts])


def transport(p: Tensor, q: Tensor, cost: Tensor) -> tuple[Tensor, float]:
    """Return the cheapest plan that turns one heap of earth into another, and what it costs.

    With cost = distance, what the plan costs is the Wasserstein distance W1. The linear programme:
    minimise sum(plan * cost) over plans that are nowhere negative, whose rows sum to p and whose
    columns sum to q. Its n m unknowns limit it to some hundred places.
    Kantorovich 1942; Arjovsky et al. 2017, arXiv 1701.07875, equation 1.

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


def _square_root(c: Tensor) -> Tensor:
    values, vectors = torch.linalg.eigh(c)
    return vectors * values.clamp(min=0).sqrt() @ vectors.T


def _checked(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1]:
        raise ValueError(both(
            f"两组特征的形状应为 (n, d) 和 (m, d)，收到 {tuple(a.shape)} 和 {tuple(b.shape)}。",
            f"The features should have shapes (n, d) and (m, d), got {tuple(a.shape)} and "
            f"{tuple(b.shape)}."))
    if min(len(a), len(b)) <= a.shape[1]:
        raise ValueError(both(
            f"样本数必须多于特征维数，收到形状 {tuple(a.shape)} 和 {tuple(b.shape)}。"
            "请多取一些样本。",
            f"There must be more samples than feature dimensions, got shapes {tuple(a.shape)} and "
            f"{tuple(b.shape)}. Take more samples."))
    if not (torch.isfinite(a).all() and torch.isfinite(b).all()):
        raise ValueError(both("特征里有 NaN 或无穷大，距离没有意义。请先检查生成的图片。",
                              "The features contain NaN or infinity, so a distance means nothing. "
                              "Check the generated pictures first."))
    return a.cpu().double(), b.cpu().double()


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
