"""A small digit classifier: the ruler that the digit lessons measure samples with."""

import contextlib
import hashlib
from dataclasses import dataclass

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from safetensors.torch import save as to_bytes
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from gan_lessons import runtime
from gan_lessons.data import ImageSet, to_signed
from gan_lessons.util import write_atomically

FEATURES = 32
STEPS = 1200


class Rescale(nn.Module):
    """Divide by a number fixed after training, so that features are of order one."""

    def __init__(self):
        super().__init__()
        self.register_buffer("size", torch.ones(()))

    def forward(self, x: Tensor) -> Tensor:
        """Return x / size."""
        return x / self.size


def network(side: int = 28) -> nn.Sequential:
    """Return the untrained net: 28x28 -> 14x14 -> 7x7 -> 32 features -> 10 logits.

    side: of the pictures, a multiple of 4.
    """
    return nn.Sequential(
        nn.Conv2d(1, 16, 5, stride=2, padding=2), nn.ReLU(),
        nn.Conv2d(16, 32, 5, stride=2, padding=2), nn.ReLU(),
        nn.Flatten(), nn.Dropout(0.2), nn.Linear(32 * (side // 4) ** 2, FEATURES), nn.ReLU(),
        Rescale(),
        nn.Linear(FEATURES, 10))


@dataclass(frozen=True)
class DigitClassifier:
    """A trained net, and `accuracy`, its share of right answers on `tested_on` held-out digits."""

    net: nn.Sequential
    accuracy: float
    tested_on: int

    @torch.no_grad()
    def features(self, images: Tensor) -> Tensor:
        """Return the 32 features before the last layer, (n, 32), of uint8 images (n, 1, S, S).

        S is the side of the pictures that it learned from. The features' root mean square over
        the first 2,000 of those is 1.
        """
        return torch.cat([self.net[:-1](to_signed(part)) for part in images.split(1000)])

    @torch.no_grad()
    def probabilities(self, features: Tensor) -> Tensor:
        """Return the ten class probabilities, (n, 10), of features (n, 32)."""
        return self.net[-1](features).softmax(1)


def digit_classifier(train: ImageSet, held_out: ImageSet) -> DigitClassifier:
    """Return a classifier trained on `train`, its accuracy measured on `held_out`.

    1,200 steps of Adam with batches of 128, shifted by up to a pixel, in about ten seconds; kept
    in the cache under a fingerprint of the pictures, and trained again if that cannot be read
    or written.
    """
    with torch.random.fork_rng(devices=[]):  # the caller's random numbers stay as they were
        torch.manual_seed(0)
        net = network(train.shape[-1])
        path = runtime.cache_dir() / f"digit-classifier-{_fingerprint(net, train)}.safetensors"
        if not _restore(net, path):
            torch.manual_seed(0)
            net = network(train.shape[-1])
            _train(net, train)
            _keep(net, path)
    net.eval().requires_grad_(False)
    classifier = DigitClassifier(net, accuracy=0.0, tested_on=len(held_out))
    guesses = classifier.probabilities(classifier.features(held_out.images)).argmax(1)
    right = (guesses == held_out.labels).float().mean().item()
    return DigitClassifier(net, right, len(held_out))


def _train(net: nn.Sequential, train: ImageSet) -> None:
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 8e-3, total_steps=STEPS)
    for _ in range(STEPS):
        chosen = torch.randint(len(train), (128,))
        dx, dy = torch.randint(-1, 2, (2,)).tolist()
        x = to_signed(train.images[chosen]).roll((dy, dx), (2, 3))
        loss = cross_entropy(net(x), train.labels[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    with torch.no_grad():  # the logits stay the same: what is divided here is multiplied there
        features = net.eval()[:-2](to_signed(train.images[:2000]))
        net[-2].size = features.square().mean().sqrt()
        net[-1].weight *= net[-2].size


def _fingerprint(net: nn.Sequential, train: ImageSet) -> str:
    recipe = f"{net} {STEPS} v5".encode()
    pictures = train.images.numpy().tobytes() + train.labels.numpy().tobytes()
    return hashlib.sha256(recipe + pictures).hexdigest()[:16]


def _restore(net: nn.Sequential, path) -> bool:
    """Load the weights from the cache; tell whether they are there, fit and are finite."""
    try:
        net.load_state_dict(load_file(path))
    except (OSError, SafetensorError, RuntimeError):
        return False
    return all(tensor.isfinite().all() for tensor in net.state_dict().values())


def _keep(net: nn.Sequential, path) -> None:
    """Put the weights in the cache; where it cannot be written, training again is no disaster."""
    with contextlib.suppress(OSError):
        write_atomically(path, to_bytes(net.state_dict()))
