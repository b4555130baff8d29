"""Stacked MNIST: how many of the 1,000 combinations of three digits do the samples show?"""

from dataclasses import dataclass

import torch
from torch import Tensor

from gan_lessons.measure.digits import digit_net, kl_divergence
from gan_lessons.measure.factors import kl_floor
from gan_lessons.util import both

MODES = 1000


@dataclass(frozen=True)
class StackedReport:
    """What the classifier reads in n pictures of three digits."""

    n: int
    modes: int  # combinations seen at least once, of 1,000
    kl: float  # KL(samples || all 1,000 alike), nats
    floor: float  # what n perfect samples have on average; about 999 / 2n
    accuracy: float  # of the classifier on single digits that it has not seen

    def __str__(self) -> str:
        return (f"n {self.n:,}   modes {self.modes:,}/1,000   KL {self.kl:.3f} (n perfect samples: "
                f"{self.floor:.3f})   classifier {self.accuracy:.1%} on single digits")


def stacked_modes(pictures: Tensor) -> StackedReport:
    """Count the combinations that pictures show, uint8 (n, 3, 28, 28) as `data.stacked_mnist`.

    A digit classifier reads each channel by itself; what it finds most likely counts, however sure
    it is, and a combination counts once it is seen. This is the protocol of published tables
    (VEEGAN, Srivastava et al. 2017, arXiv 1705.07761; PacGAN, arXiv 1712.04086) with 26,000
    samples, except that they trained a classifier of their own: ours is that of `DigitEvaluator`,
    from `data.mnist()`. With fewer samples fewer combinations can be seen, and the KL's floor is
    higher. Real digits are not equally frequent, and the classifier errs: real pictures of the
    same number are the value to compare with.

    Raises:
        ValueError: The pictures are not uint8 (n, 3, 28, 28).
    """
    if pictures.dtype != torch.uint8 or pictures.shape[1:] != (3, 28, 28) or not len(pictures):
        raise ValueError(both(
            f"这里要 uint8 的图片 (n, 3, 28, 28)，收到 {pictures.dtype} {tuple(pictures.shape)}。"
            "32x32 的图片请先去掉黑边：pictures[..., 2:-2, 2:-2]。",
            f"This needs pictures, uint8 (n, 3, 28, 28); got {pictures.dtype} "
            f"{tuple(pictures.shape)}. Take the rim off 32x32 pictures: "
            "pictures[..., 2:-2, 2:-2]."))
    classifier = digit_net()
    digits = torch.stack([
        classifier.probabilities(classifier.features(pictures[:, i:i + 1])).argmax(1)
        for i in range(3)], 1)
    shares = torch.bincount(digits @ torch.tensor([100, 10, 1]), minlength=MODES).double()
    shares = shares / len(pictures)
    alike = torch.full_like(shares, 1 / MODES)
    return StackedReport(n=len(pictures), modes=int((shares > 0).sum()),
                         kl=kl_divergence(shares, alike), floor=kl_floor(len(pictures), MODES),
                         accuracy=classifier.accuracy)
