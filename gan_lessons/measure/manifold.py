"""Precision and recall, density and coverage: do samples and real ones lie among each other?"""

from dataclasses import dataclass

import torch
from torch import Tensor

from gan_lessons.measure.features import checked

ROWS = 1000  # of a matrix of distances at a time


@dataclass(frozen=True)
class PrecisionRecall:
    """How n samples and m real ones lie among each other."""

    n: int
    m: int
    k: int  # neighbours
    precision: float  # share of the samples that lie in some real one's ball
    recall: float  # share of the real ones that lie in some sample's ball
    density: float  # in how many real balls a sample lies, over k: 1 is right, more is possible
    coverage: float  # share of the real balls with a sample in them

    @property
    def expected_coverage(self) -> float:
        """The mean coverage of perfect samples: 1 - prod over i <= k of (m - i) / (n + m - i).

        As in Naeem et al. 2020, arXiv 2002.09797, for any n and m; their mean density is 1.
        """
        missed = 1.0
        for i in range(1, self.k + 1):
            missed *= (self.m - i) / (self.n + self.m - i)
        return 1 - missed

    def __str__(self) -> str:
        return (f"precision {self.precision:.3f}   recall {self.recall:.3f}   "
                f"density {self.density:.3f}   coverage {self.coverage:.3f}")


def precision_recall(samples: Tensor, real: Tensor, k: int = 5) -> PrecisionRecall:
    """Return precision and recall, density and coverage of samples, by k nearest neighbours.

    Each real one has a ball that reaches to its k-th nearest neighbour among the real ones, and
    each sample one that reaches to its k-th nearest among the samples. All four depend on n, m
    and k. One outlier among the real ones has a large ball, which precision forgives everything
    and density does not.
    Precision and recall: Kynkäänniemi et al. 2019, "Improved Precision and Recall Metric for
    Assessing Generative Models", arXiv 1904.06991; density and coverage: Naeem et al. 2020,
    "Reliable Fidelity and Diversity Metrics for Generative Models", arXiv 2002.09797. A point on
    the rim lies outside, as in the code of the latter.

    Args:
        samples: Features of samples, (n, d), n > k.
        real: Features of real ones, (m, d), m > k.
        k: Which neighbour a ball reaches to.
    """
    samples, real = checked(samples, real, least=k + 1)
    real_radius, sample_radius = _radius(real, k), _radius(samples, k)
    in_balls = torch.zeros(len(samples), dtype=torch.int64)  # real balls that hold the sample
    recalled, covered = [], []
    for part, radius in zip(real.split(ROWS), real_radius.split(ROWS), strict=True):
        distance = torch.cdist(part, samples)
        inside = distance < radius[:, None]
        in_balls += inside.sum(0)
        covered.append(inside.any(1))
        recalled.append((distance < sample_radius).any(1))
    return PrecisionRecall(
        n=len(samples), m=len(real), k=k,
        precision=(in_balls > 0).double().mean().item(),
        recall=torch.cat(recalled).double().mean().item(),
        density=in_balls.double().mean().item() / k,
        coverage=torch.cat(covered).double().mean().item())


def _radius(x: Tensor, k: int) -> Tensor:
    """Return how far it is from each to its k-th nearest neighbour, (n,)."""
    return torch.cat([torch.cdist(part, x).kthvalue(k + 1, dim=1).values  # it is its own nearest
                      for part in x.split(ROWS)])
