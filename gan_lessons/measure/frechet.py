"""The Fréchet distance between two sets of features, given whole or batch by batch."""

import torch
from torch import Tensor

from gan_lessons.measure.features import checked, finite, too_few


class Moments:
    """Mean and covariance of features that come in batches: memory for d x d numbers, however many.

    In float64, on the device of the features. How they are cut into batches changes rounding only.
    Two parts are joined by the formula of Chan, Golub and LeVeque 1983, "Algorithms for Computing
    the Sample Variance", The American Statistician 37, for vectors.

    Attributes:
        n: How many features were seen.
        mean: Their mean, (d,).
    """

    def __init__(self):
        self.n = 0
        self.mean: Tensor
        self._scatter: Tensor  # sum of (x - mean) (x - mean)^T, (d, d)

    def update(self, features: Tensor) -> "Moments":
        """Add a batch of features, (n, d) with n >= 1, and return self."""
        finite(features)
        x = features.cpu().double() if features.device.type == "mps" else features.double()
        n, mean = len(x), x.mean(0)
        centred = x - mean
        scatter = centred.T @ centred
        if self.n == 0:
            self.mean, self._scatter = mean, scatter
        else:
            gap = mean - self.mean
            self._scatter += scatter + torch.outer(gap, gap) * self.n * n / (self.n + n)
            self.mean = self.mean + gap * n / (self.n + n)
        self.n += n
        return self

    @property
    def covariance(self) -> Tensor:
        """Their covariance, (d, d), with n - 1 in the denominator."""
        return self._scatter / (self.n - 1)


def frechet_distance(a: Tensor | Moments, b: Tensor | Moments) -> float:
    """Return |mu_a - mu_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^(1/2)), the FID formula.

    Computed in float64 with the symmetric form
    tr (C_a C_b)^(1/2) = tr (C_a^(1/2) C_b C_a^(1/2))^(1/2), which needs no complex numbers.
    Biased upwards, by a term of order 1/n: compare only values with the same features, n and m.
    Heusel et al. 2017, "GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash
    Equilibrium", arXiv 1706.08500.

    Args:
        a: Features of one sort, (n, d), or their `Moments`. There must be more samples than
            features, n > d and m > d, or the covariance would lack rank.
        b: Those to compare them with, (m, d), or their `Moments`.
    """
    if torch.is_tensor(a) and torch.is_tensor(b):
        a, b = checked(a, b)
    else:
        a, b = (x if isinstance(x, Moments) else Moments().update(x) for x in (a, b))
    gaussians = []
    for x in (a, b):
        n, d = (x.n, len(x.mean)) if isinstance(x, Moments) else x.shape
        if n <= d:
            raise too_few(n, d + 1, f"n > d = {d}")
        gaussians.append(_gaussian(x))
    return _between(*gaussians)


def _gaussian(x: Tensor | Moments) -> tuple[Tensor, Tensor, Tensor]:
    """Return mean, covariance and the sum of the variances, on the CPU."""
    if isinstance(x, Moments):
        covariance = x.covariance.cpu()
        return x.mean.cpu(), covariance, covariance.trace()
    return x.mean(0), torch.cov(x.T), x.var(0).sum()


def _between(a: tuple[Tensor, Tensor, Tensor], b: tuple[Tensor, Tensor, Tensor]) -> float:
    """Return the distance of two Gaussians; their covariances may lack rank."""
    (mean_a, covariance_a, variances_a), (mean_b, covariance_b, variances_b) = a, b
    root_a = _square_root(covariance_a)
    eigenvalues = torch.linalg.eigvalsh(root_a @ covariance_b @ root_a)
    means = (mean_a - mean_b).square().sum()
    distance = means + (variances_a + variances_b) - 2 * eigenvalues.clamp(min=0).sqrt().sum()
    return max(0.0, float(distance))  # rounding can leave a hair below zero


def _square_root(c: Tensor) -> Tensor:
    values, vectors = torch.linalg.eigh(c)
    return vectors * values.clamp(min=0).sqrt() @ vectors.T
