"""KID, the kernel distance between two sets of features: it has no bias, and a standard error."""

from dataclasses import dataclass

import torch
from torch import Tensor

from gan_lessons.measure.features import checked, too_few


def kernel_distance(a: Tensor, b: Tensor) -> float:
    """Return KID: the unbiased squared MMD with the kernel k(x, y) = (x.y/d + 1)^3.

    Its expectation is 0 for two samples of one distribution, whatever n and m; a single value can
    fall below 0. Computed in float64, a thousand rows of the kernel matrix at a time.
    Bińkowski et al. 2018, "Demystifying MMD GANs", arXiv 1801.01401; the estimator is that of
    Gretton et al. 2012, "A Kernel Two-Sample Test", JMLR 13.

    Args:
        a: Features of one sort, (n, d), n >= 2.
        b: Those to compare them with, (m, d), m >= 2.
    """
    a, b = checked(a, b, least=2)
    n, m = len(a), len(b)
    within_a = (_kernel_sum(a, a) - _kernel_diagonal(a)) / (n * (n - 1))
    within_b = (_kernel_sum(b, b) - _kernel_diagonal(b)) / (m * (m - 1))
    return float(within_a + within_b - 2 * _kernel_sum(a, b) / (n * m))


@dataclass(frozen=True)
class KernelEstimate:
    """KID and how sure it is."""

    value: float  # mean over the blocks
    error: float  # its standard error
    blocks: int
    n: int  # samples, in all blocks
    m: int  # those they are compared with

    def __str__(self) -> str:
        return f"{self.value:.5f} +- {self.error:.5f}"


def kernel_estimate(a: Tensor, b: Tensor, blocks: int = 10) -> KernelEstimate:
    """Return the mean KID over equal blocks of both sets, and its standard error.

    The blocks share no sample, so their distances are independent. The features must be in no
    particular order. Takes what `kernel_distance` takes, at least two of each for every block.
    """
    least = 2 * blocks
    if min(len(a), len(b)) < least:
        raise too_few(min(len(a), len(b)), least, f"2 x {blocks}")
    found = torch.tensor([kernel_distance(x, y) for x, y in
                          zip(a.tensor_split(blocks), b.tensor_split(blocks), strict=True)],
                         dtype=torch.float64)
    return KernelEstimate(found.mean().item(), (found.std() / blocks ** 0.5).item(), blocks,
                          len(a), len(b))


def _kernel_sum(x: Tensor, y: Tensor) -> Tensor:
    """Return the sum of k over all pairs."""
    return torch.stack([((part @ y.T / x.shape[1] + 1) ** 3).sum()
                        for part in x.split(1000)]).sum()


def _kernel_diagonal(x: Tensor) -> Tensor:
    """Return the sum of k(x, x)."""
    return ((x.square().sum(1) / x.shape[1] + 1) ** 3).sum()
