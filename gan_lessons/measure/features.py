"""What a metric asks of a feature network, and of the features that it is given."""

from typing import Protocol

import torch
from torch import Tensor

from gan_lessons.util import both


class FeatureNet(Protocol):
    """Any network that turns pictures into features; every metric takes the features of any.

    Here: `digits.DigitClassifier`, `factors.FactorReader`, `photographs.Inception` and
    `dinov2.DinoV2`. A class of your own needs these two attributes and the method.

    Attributes:
        name: What reports call it.
        classes: How many classes `probabilities(features)` tells apart; 0 if there is no such
            method, and then no Inception score.
    """

    name: str
    classes: int

    def features(self, images: Tensor) -> Tensor:
        """Return the features, (n, d), of pictures, uint8 (n, C, H, W)."""


class ClassifyingNet(FeatureNet, Protocol):
    """A feature network that can tell classes apart."""

    def probabilities(self, features: Tensor) -> Tensor:
        """Return the class probabilities, (n, classes), of features."""


def checked(a: Tensor, b: Tensor, least: int = 1) -> tuple[Tensor, Tensor]:
    """Return both sets of features, (n, d) and (m, d), in float64 on the CPU.

    Raises:
        ValueError: The shapes differ in d, fewer than `least` features, or NaN and infinity.
    """
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1]:
        raise ValueError(both(
            f"两组特征的形状应为 (n, d) 和 (m, d)，收到 {tuple(a.shape)} 和 {tuple(b.shape)}。",
            f"The features should have shapes (n, d) and (m, d), got {tuple(a.shape)} and "
            f"{tuple(b.shape)}."))
    if min(len(a), len(b)) < least:
        raise too_few(min(len(a), len(b)), least)
    finite(a)
    finite(b)
    return a.cpu().double(), b.cpu().double()


def finite(features: Tensor) -> None:
    """Raise ValueError when there is NaN or infinity among the features."""
    if not torch.isfinite(features).all():
        raise ValueError(both("特征里有 NaN 或无穷大，距离没有意义。请先检查生成的图片。",
                              "The features contain NaN or infinity, so a distance means nothing. "
                              "Check the generated pictures first."))


def too_few(n: int, least: int, why: str = "") -> ValueError:
    """Return the error for `n` samples where `least` are needed; `why` is a formula."""
    because = f" ({why})" if why else ""
    return ValueError(both(
        f"样本太少：每组至少要 {least} 个{because}，收到 {n} 个。请多取一些样本。",
        f"Too few samples: at least {least} of each are needed{because}, got {n}. Take more "
        "samples."))
