"""Which class of a learner's own pictures is this? A reader made from half of the real ones."""

import torch
from torch import Tensor

from gan_lessons.util import both

LEAST = 20  # real pictures of a class: half of them to learn from, half to test
KAPPA = 0.5  # share of a guesser's errors that the reader avoids, at least
SHRINK = 0.1  # how far the covariance is drawn towards that of a ball


class NoReader(ValueError):
    """The classes cannot be read well enough."""


def read_own(images: Tensor, real: Tensor, y: Tensor, names: tuple[str, ...]
             ) -> tuple[Tensor, float]:
    """Read the classes of pictures from their features, and test the reader on real pictures.

    Linear discriminant analysis: a picture is of the class whose mean is nearest, in features
    whose spread within the classes is the same in every direction. The covariance of that spread
    is shrunk, so that few pictures will do (Friedman 1989, Regularized Discriminant Analysis).
    All classes count alike, however many pictures they have. The means and the covariance are
    those of every other real picture; the rest are the test.

    Args:
        images: Features of the pictures, (n, d).
        real: Features of real pictures by the same network, (m, d).
        y: Their classes, int64 (m,), from 0.
        names: What the classes are called.

    Returns:
        The classes, int64 (n,), and the share of the other half's real pictures that are read
        right, the mean over classes: no generator can be expected to score much more.

    Raises:
        NoReader: A class has fewer than 20 real pictures; or the reader avoids less than half of
            the errors of guessing (Cohen's kappa below 0.5): its answers would mean little.
    """
    each = [real[y == k].double() for k in range(len(names))]
    fewest = min(range(len(names)), key=lambda k: len(each[k]))
    if len(each[fewest]) < LEAST:
        raise NoReader(both(
            f"没有测是否听话：类别 {names[fewest]} 只有 {len(each[fewest])} 张真图，每一类至少要 "
            f"{LEAST} 张，一半用来学，一半用来检验。",
            f"Obedience was not measured: class {names[fewest]} has {len(each[fewest])} real "
            f"pictures. It takes {LEAST} of each class, half to learn from and half for a test."))
    means = torch.stack([mine[::2].mean(0) for mine in each])
    spread = torch.cat([mine[::2] - mean for mine, mean in zip(each, means, strict=True)])
    covariance = spread.T @ spread / len(spread)
    d = len(covariance)
    ball = covariance.trace() / d * torch.eye(d, dtype=torch.float64)
    covariance = (1 - SHRINK) * covariance + SHRINK * ball
    weights = torch.linalg.solve(covariance, means.T)  # (d, classes)
    offset = (means.T * weights).sum(0) / 2

    def nearest_class(features: Tensor) -> Tensor:
        return (features.double() @ weights - offset).argmax(1)

    accuracy = sum((nearest_class(mine[1::2]) == k).double().mean().item()
                   for k, mine in enumerate(each)) / len(names)
    chance = 1 / len(names)
    if accuracy < chance + KAPPA * (1 - chance):
        raise NoReader(both(
            f"没有测是否听话：真图的类别也只认对 {accuracy:.0%}，瞎猜是 {chance:.0%}，至少要 "
            f"{chance + KAPPA * (1 - chance):.0%}。每一类多放些图，或换一个特征网络"
            "（--features dinov2），再看看有没有两个文件夹其实是同一类。",
            f"Obedience was not measured: even of real pictures only {accuracy:.0%} are read "
            f"right, where guessing has {chance:.0%} and "
            f"{chance + KAPPA * (1 - chance):.0%} is needed. Take more pictures of each class or "
            "another network (--features dinov2), and check that no two folders hold one class."))
    return nearest_class(images), accuracy
