"""Pictures with a known fault: what does each metric make of them?

Real digits play the generator's part. Nothing ails them until one of the functions below does one
thing to them, so that whatever a metric says then, it says of that.
"""

import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import PIL.Image
import torch
from torch import Tensor
from torchvision.transforms.functional import gaussian_blur

from gan_lessons.data import ImageSet
from gan_lessons.measure.copies import memorisation_test
from gan_lessons.measure.digits import DigitClassifier, digit_net, labels_of
from gan_lessons.measure.manifold import PrecisionRecall, precision_recall
from gan_lessons.measure.scores import Evaluator

N = 2000  # pictures that are scored


@dataclass(frozen=True)
class Split:
    """Real pictures in three parts that share none: dealt out at random, so all of one kind."""

    training: ImageSet  # 3,000 that the "generator" learned from and is compared with
    unseen: ImageSet  # 2,000 that it did not see, for the test of memorisation
    fresh: ImageSet  # 3,000 more, which it hands in; a damage may need more than N to choose from
    seed: int


def split(pictures: ImageSet, seed: int = 0) -> Split:
    """Deal out the first 8,000 pictures at random into the parts of a `Split`."""
    order = torch.randperm(8000, generator=torch.Generator().manual_seed(seed))
    return Split(pictures[order[:3000]], pictures[order[3000:5000]], pictures[order[5000:]], seed)


def blurred(images: Tensor, sigma: float = 0.7) -> Tensor:
    """Return the pictures, uint8 (n, C, H, W), under a Gaussian blur of `sigma` pixels."""
    return gaussian_blur(images, [9, 9], [sigma, sigma])


def noisy(images: Tensor, strength: float = 30, seed: int = 0) -> Tensor:
    """Return the pictures with Gaussian noise of standard deviation `strength`, in grey levels."""
    chance = torch.Generator().manual_seed(seed)
    noise = strength * torch.randn(images.shape, generator=chance)
    return (images + noise).round().clamp(0, 255).byte()


def compressed(images: Tensor, quality: int = 10) -> Tensor:
    """Return the pictures as JPEG gives them back, (n, 1, H, W), at a quality from 1 to 95."""
    def there_and_back(picture: Tensor) -> Tensor:
        file = io.BytesIO()
        PIL.Image.fromarray(picture[0].numpy()).save(file, "jpeg", quality=quality)
        with PIL.Image.open(file) as read:
            return torch.from_numpy(np.array(read))[None]
    return torch.stack([there_and_back(picture) for picture in images])


def without(pictures: ImageSet, classes: Iterable[int]) -> Tensor:
    """Return the pictures of all other classes."""
    dropped = torch.isin(labels_of(pictures), torch.tensor(list(classes)))
    return pictures.images[~dropped]


def typical(pictures: ImageSet, share: float = 2 / 3) -> Tensor:
    """Return the share of each class that lies nearest to the mean picture of the class."""
    labels, pixels = labels_of(pictures), pictures.images.flatten(1).float()
    kept = []
    for label in labels.unique():
        own = (labels == label).nonzero()[:, 0]
        far = (pixels[own] - pixels[own].mean(0)).norm(dim=1)
        kept.append(own[far.argsort()[:round(share * len(own))]])
    return pictures.images[torch.cat(kept).sort().values]  # in their old order, classes mixed


def repeated(images: Tensor, kept: int = 100, n: int = N, seed: int = 0) -> Tensor:
    """Return `n` pictures that are the first `kept`, again and again, shifted by up to a pixel."""
    chance = torch.Generator().manual_seed(seed)
    shifts = torch.randint(-1, 2, (n, 2), generator=chance).tolist()
    return torch.stack([images[i % kept].roll(shift, (1, 2)) for i, shift in enumerate(shifts)])


def with_one_outlier(images: Tensor) -> Tensor:
    """Return the pictures, the first of them a white page."""
    images = images.clone()
    images[0] = 255
    return images


def static(n: int = N, seed: int = 0) -> Tensor:
    """Return `n` pictures of nothing: every pixel any grey level, (n, 1, 28, 28)."""
    chance = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (n, 1, 28, 28), generator=chance, dtype=torch.uint8)


DAMAGES: dict[str, Callable[[Split], Tensor]] = {
    "none": lambda s: s.fresh.images,
    "blur": lambda s: blurred(s.fresh.images[:N]),
    "noise": lambda s: noisy(s.fresh.images[:N], seed=s.seed),
    "JPEG": lambda s: compressed(s.fresh.images[:N]),
    "3 classes dropped": lambda s: without(s.fresh, (2, 4, 7)),
    "typical ones only": lambda s: typical(s.fresh),
    "100 pictures, repeated": lambda s: repeated(s.fresh.images, seed=s.seed),
    "the training set": lambda s: s.training.images,
    "one outlier": lambda s: with_one_outlier(s.fresh.images[:N]),
    "static": lambda s: static(seed=s.seed),
}


def board(parts: Split, names: Iterable[str] = tuple(DAMAGES)) -> dict[str, dict[str, float]]:
    """Return what every metric says of N pictures with each damage; "none" is the floor.

    The real pictures are `parts.training`. `copies` is the z of `memorisation_test`; the other
    columns are those of `Evaluator`.

    Args:
        parts: Real digits.
        names: Which of DAMAGES.
    """
    evaluator = Evaluator(digit_net(), parts.training.images, DAMAGES["none"](parts)[:N])
    rows = {}
    for name in names:
        pictures = DAMAGES[name](parts)[:N]
        copies = memorisation_test(pictures, parts.training.images, parts.unseen.images).z
        rows[name] = evaluator.score(pictures).numbers() | {"copies": copies}
    return rows


def forgiven(parts: Split, net: DigitClassifier | None = None,
             ) -> tuple[PrecisionRecall, PrecisionRecall]:
    """Return what static gets without, and with, one white page among the real pictures.

    The page is far from other real pictures, so its ball is large; how much of the static lies in
    it depends on the net that makes the features, `digit_net()` unless given.
    """
    net = net or digit_net()
    real, made = parts.training.images, net.features(static(seed=parts.seed))
    return (precision_recall(made, net.features(real)),
            precision_recall(made, net.features(with_one_outlier(real))))


