"""The digit report: distances, class coverage and confidence, beside the real-data floor."""

from dataclasses import dataclass

import torch
from torch import Tensor

from gan_lessons.data import ImageSet
from gan_lessons.measure.classifier import digit_classifier
from gan_lessons.measure.distances import frechet_distance, kernel_distance

CONFIDENT = 0.9


@dataclass(frozen=True)
class DigitReport:
    """What the classifier says of n pictures.

    fd_digits, kid_digits: distances to the reference pictures;  histogram: share of each digit,
    (10,);  classes: how many digits have at least 4 % of the samples;  kl: KL(histogram ||
    reference histogram), natural log;  confident: share with a top probability of 0.9 or more.
    """

    n: int
    fd_digits: float
    kid_digits: float
    histogram: Tensor
    classes: int
    kl: float
    confident: float

    def __str__(self) -> str:
        return (f"n {self.n:5d}   fd_digits {self.fd_digits:6.3f}   kid {self.kid_digits:7.4f}   "
                f"classes {self.classes:2d}/10   KL {self.kl:5.3f}   "
                f"confident {self.confident:4.0%}")


class DigitEvaluator:
    """Measures pictures against the real ones that the generator learned from.

    Protocol: features are the 32 values before the classifier's last layer; the reference is the
    first 10,000 training pictures (all of them, if fewer); measure 2,000 samples from fresh noise.
    Because a Fréchet distance grows as samples get fewer, `fd_digits` is the mean over groups of
    as many pictures as the floor is measured on. It is NOT the FID of papers, which uses an
    Inception network: compare it only with other values of the same ruler.

    classifier: the `DigitClassifier`;  floor: the report of real pictures that neither classifier
    nor generator has seen (2,000, or all there are): as good as a generator needs to be. It is no
    bound: samples can lie closer to the training pictures than other real ones do.
    """

    def __init__(self, train: ImageSet, held_out: ImageSet):
        self.classifier = digit_classifier(train, held_out)
        self._features = self.classifier.features(train.images[:10_000])
        self.real_histogram = class_histogram(train.labels)
        self.n = min(len(held_out), 2000)
        self.floor = self.report(held_out.images[: self.n])

    def report(self, images: Tensor) -> DigitReport:
        """Return the report of pictures, uint8 (n, 1, S, S), as large as the real ones."""
        features = self.classifier.features(images)
        probabilities = self.classifier.probabilities(features)
        histogram = class_histogram(probabilities.argmax(1))
        return DigitReport(
            n=len(images),
            fd_digits=self._frechet(features),
            kid_digits=kernel_distance(features, self._features),
            histogram=histogram,
            classes=int((histogram >= 0.04).sum()),
            kl=kl_divergence(histogram, self.real_histogram),
            confident=(probabilities.max(1).values >= CONFIDENT).float().mean().item())

    def _frechet(self, features: Tensor) -> float:
        """Return the mean distance of groups of `self.n`; a last, smaller group is left out."""
        groups = [g for g in features.split(self.n) if len(g) == self.n] or [features]
        return sum(frechet_distance(g, self._features) for g in groups) / len(groups)


def class_histogram(labels: Tensor) -> Tensor:
    """Return the share of each of the ten digits, (10,), in labels (n,)."""
    return torch.bincount(labels, minlength=10).double() / len(labels)


def kl_divergence(p: Tensor, q: Tensor) -> float:
    """Return KL(p || q) = sum p log(p/q) in nats; classes with p = 0 add nothing; NaN stays NaN.

    With n samples from q itself its mean is about (K - 1) / 2n, the sampling floor: 0.002 for
    ten classes and 2,000 samples.
    """
    return float(torch.where(p > 0, p * (p / q).log(), torch.where(p == 0, 0.0, p)).sum())
