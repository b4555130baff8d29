"""Distances between two clouds of features: Fréchet (Gaussian fit) and KID (kernel)."""

import torch
from torch import Tensor

from gan_lessons.util import both


def frechet_distance(a: Tensor, b: Tensor) -> float:
    """Return |mu_a - mu_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^(1/2)), the FID formula, any features.

    a: (n, d), b: (m, d). Computed in float64 with the symmetric form
    tr (C_a C_b)^(1/2) = tr (C_a^(1/2) C_b C_a^(1/2))^(1/2), which needs no complex numbers.
    Biased upwards, by a term of order 1/n: compare only values with the same features, n and m.

    Raises ValueError unless there are more samples than features (the covariance would lack
    rank) and for features that are not finite. Heusel et al. 2017, arXiv 1706.08500, equation 6.
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

    a: (n, d), b: (m, d). Its expectation is 0 for two samples of one distribution, whatever n
    and m; a single value can fall below 0. Bińkowski et al. 2018, arXiv 1801.01401, section 4.

    Raises ValueError unless there are more samples than features, all of them finite.
    """
    a, b = _checked(a, b)

    def kernel(x, y):
        return (x @ y.T / x.shape[1] + 1) ** 3

    def mean_off_diagonal(k):
        return (k.sum() - k.diagonal().sum()) / (len(k) * (len(k) - 1))

    return float(mean_off_diagonal(kernel(a, a)) + mean_off_diagonal(kernel(b, b))
                 - 2 * kernel(a, b).mean())


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
