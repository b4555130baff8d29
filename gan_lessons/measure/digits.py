"""How good are generated digits? Distances, coverage, confidence."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from gan_lessons.data import ImageSet, mnist, to_signed
from gan_lessons.measure.frechet import frechet_distance
from gan_lessons.measure.kernel import kernel_distance
from gan_lessons.measure.small_net import fit_small_net
from gan_lessons.util import both

FEATURES = 32
STEPS = 1200
CONFIDENT = 0.9
COVERED = 0.04  # a digit counts as covered with at least this share of the samples


class Rescale(nn.Module):
    """Divide by a number fixed after training, so that features are of order one."""

    size: Tensor

    def __init__(self):
        super().__init__()
        self.register_buffer("size", torch.ones(()))

    def forward(self, x: Tensor) -> Tensor:
        """Return x / size."""
        return x / self.size


def network(side: int = 28) -> nn.Sequential:
    """Return the untrained net: 28x28 -> 14x14 -> 7x7 -> 32 features -> 10 logits.

    `side` is that of the pictures, a multiple of 4.
    """
    return nn.Sequential(
        nn.Conv2d(1, 16, 5, stride=2, padding=2), nn.ReLU(),
        nn.Conv2d(16, 32, 5, stride=2, padding=2), nn.ReLU(),
        nn.Flatten(), nn.Dropout(0.2), nn.Linear(32 * (side // 4) ** 2, FEATURES), nn.ReLU(),
        Rescale(),
        nn.Linear(FEATURES, 10))


@dataclass
class DigitClassifier:
    """A trained net, and how well it reads digits that it has not seen."""

    name = "the digit classifier"
    classes = 10

    net: nn.Sequential
    accuracy: float = 0.0  # share of right answers on the held-out digits

    @torch.no_grad()
    def features(self, images: Tensor) -> Tensor:
        """Return what the net makes of pictures before its last layer, (n, 32).

        The pictures are uint8 (n, 1, S, S), as large as those it learned from; over the first
        2,000 of these the root mean square of the features is 1.
        """
        return torch.cat([self.net[:-1](to_signed(part)) for part in images.split(1000)])

    @torch.no_grad()
    def probabilities(self, features: Tensor) -> Tensor:
        """Return the ten class probabilities, (n, 10), of features (n, 32)."""
        return self.net[-1](features).softmax(1)


def readable(pictures: ImageSet) -> bool:
    """Tell whether `digit_classifier` can read a set: MNIST's digits, with or without a rim."""
    return pictures.name.startswith("mnist") and pictures.shape in ((1, 28, 28), (1, 32, 32))


def without_rim(images: Tensor) -> Tensor:
    """Return pictures of 28x28: those of 32x32 without the rim that `ImageSet.framed` puts on."""
    return images[..., 2:-2, 2:-2] if images.shape[-1] == 32 else images


def digit_classifier(train: ImageSet, held_out: ImageSet) -> DigitClassifier:
    """Return a classifier trained on `train`, its accuracy measured on `held_out`.

    1,200 steps with batches of 128, shifted by up to a pixel, in about ten seconds; kept in the
    cache, see `fit_small_net`.
    """
    def losses(net: nn.Sequential) -> Iterator[Tensor]:
        while True:
            chosen = torch.randint(len(train), (128,))
            dx, dy = torch.randint(-1, 2, (2,)).tolist()
            x = to_signed(train.images[chosen]).roll((dy, dx), (2, 3))
            yield cross_entropy(net(x), labels[chosen])

    def rescale(net: nn.Sequential) -> None:
        """Divide the features by their size; what the last layer is given back, it multiplies."""
        size = net[:-2](to_signed(train.images[:2000])).square().mean().sqrt()
        net[-2].size = size
        net[-1].get_parameter("weight").mul_(size)

    labels = labels_of(train)
    net = fit_small_net(
        lambda: network(train.shape[-1]), losses, steps=STEPS, max_lr=8e-3,
        finish=rescale, name="digit-classifier", recipe=f"{STEPS} v5",
        seen=train.images.numpy().tobytes() + labels.numpy().tobytes())
    classifier = DigitClassifier(net)
    guesses = classifier.probabilities(classifier.features(held_out.images)).argmax(1)
    classifier.accuracy = torch.eq(guesses, labels_of(held_out)).float().mean().item()
    return classifier


def digit_net() -> DigitClassifier:
    """Return the classifier of the course's own digits, `mnist()` as it is on this machine."""
    return digit_classifier(mnist(), mnist(train=False))


def labels_of(images: ImageSet) -> Tensor:
    """Return the labels of a set of digits, int64 (n,); raise ValueError when it has none."""
    if images.labels is None:
        raise ValueError(both(
            f"{images.name} 没有标签。请用 data.mnist() 返回的图片集。",
            f"{images.name} has no labels. Take the set that data.mnist() "
            "returned."))
    return images.labels


@dataclass(frozen=True)
class DigitReport:
    """What the classifier says of n pictures."""

    n: int
    fd_digits: float  # Fréchet distance to the reference pictures
    kid_digits: float  # kernel distance to them
    histogram: Tensor  # share of each digit, (10,)
    classes: int  # how many digits have at least 4 % of the samples
    kl: float  # KL(histogram || reference histogram), nats
    confident: float  # share with a top probability of 0.9 or more

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
    Inception network: compare it only with other values of the same evaluator.

    Attributes:
        classifier: The `DigitClassifier`.
        floor: The report of real pictures that neither classifier nor generator has seen (2,000,
            or all there are): as good as a generator needs to be. It is no bound: samples can lie
            closer to the training pictures than other real ones do.
    """

    def __init__(self, train: ImageSet, held_out: ImageSet):
        self.classifier = digit_classifier(train, held_out)
        self._features = self.classifier.features(train.images[:10_000])
        self.real_histogram = class_histogram(labels_of(train))
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
            classes=int((histogram >= COVERED).sum()),
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
    from scipy.special import rel_entr  # slow to import; only if it is used

    return float(rel_entr(p.numpy(), q.numpy()).sum())
