"""A small net that reads the factors of toy pictures: one classifier per factor, one body."""

import contextlib
import functools
import hashlib
from collections.abc import Callable, Mapping

import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file
from safetensors.torch import save as to_bytes
from torch import Tensor, nn

from gan_lessons import runtime
from gan_lessons.data import FACE_FACTORS, ROOM_FACTORS, ImageSet, to_signed, toy_faces, toy_rooms
from gan_lessons.util import both, write_atomically

SURE = 0.9  # a classifier is sure of a picture when its top probability is at least this
SIDE = 32  # pictures are read at this size
STEPS = 1600
BATCH = 64
TRAINING, HELD_OUT = 16_000, 4_000  # pictures, half of them drawn at 32 and half at 64
MAKERS = {tuple(FACE_FACTORS): (toy_faces, FACE_FACTORS),
          tuple(ROOM_FACTORS): (toy_rooms, ROOM_FACTORS)}


class FactorReader(nn.Module):
    """One conv net, one head per factor.

    accuracy: share of right answers on 2,000 held-out pictures drawn at 32 and 2,000 at 64,
    float32 (2, factors);  sure: share of these that every head is sure of, (2,).
    """

    def __init__(self, factors: Mapping[str, tuple[str, ...]]):
        super().__init__()
        self.factors = factors
        self.body = nn.Sequential(
            nn.Conv2d(3, 24, 4, stride=2, padding=1), nn.ReLU(),
            nn.Conv2d(24, 48, 4, stride=2, padding=1), nn.ReLU(),
            nn.Flatten(), nn.Linear(48 * 8 * 8, 128), nn.ReLU())
        self.heads = nn.Linear(128, sum(len(words) for words in factors.values()))
        self.register_buffer("accuracy", torch.zeros(2, len(factors)))
        self.register_buffer("sure", torch.zeros(2))

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Return the logits of each factor, (n, values), of pictures in [-1, 1], (n, 3, 32, 32)."""
        return self.heads(self.body(x)).split([len(words) for words in self.factors.values()], 1)

    @torch.no_grad()
    def read(self, images: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        """Return the value of each factor, int64 (n,), and the least sure head's probability, (n,).

        images: uint8 (n, 3, S, S), where S is 32 or a multiple of it.
        """
        parts = [[head.softmax(1).max(1) for head in self(_small(part))]
                 for part in images.split(1000)]
        values = {name: torch.cat([part[i].indices for part in parts])
                  for i, name in enumerate(self.factors)}
        least = [torch.stack([head.values for head in part]).amin(0) for part in parts]
        return values, torch.cat(least)

    @torch.no_grad()
    def features(self, images: Tensor) -> Tensor:
        """Return what the body says, before the heads: 128 features each, float32 (n, 128).

        images as for `read`. Only for `frechet_distance` with features of the same reader.
        """
        return torch.cat([self.body(_small(part)) for part in images.split(1000)])


def factor_reader(of: ImageSet) -> FactorReader:
    """Return the reader for toy faces or toy rooms, whichever `of` holds.

    Trained once, in well under a minute, on pictures with every value of every factor; kept in
    the cache under a fingerprint of some pictures, and trained again if that cannot be read or
    written. Raises ValueError when `of` has no such factors.
    """
    return _reader(check_factors(of), runtime.cache_dir())


def check_factors(of: ImageSet) -> tuple[str, ...]:
    """Return the names of the factors of `of`; raise ValueError when it has none we can read."""
    names = tuple(getattr(of, "factors", None) or ())
    if names not in MAKERS:
        raise ValueError(both(
            f"{getattr(of, 'name', of)} 没有可数的因素。of= 要的是 data.toy_faces() 或 "
            "data.toy_rooms() 返回的图片集。",
            f"{getattr(of, 'name', of)} has no factors to count. For of= take the set that "
            "data.toy_faces() or data.toy_rooms() returned."))
    return names


@functools.lru_cache(maxsize=4)
def _reader(names: tuple[str, ...], folder) -> FactorReader:
    make, factors = MAKERS[names]
    with torch.random.fork_rng(devices=[]):  # the caller's random numbers stay as they were
        torch.manual_seed(0)
        reader = FactorReader(factors)
        path = folder / f"factor-reader-{_fingerprint(reader, make)}.safetensors"
        if not _restore(reader, path):
            torch.manual_seed(0)
            reader = FactorReader(factors)
            _train(reader, make)
            _test(reader, make)
            with contextlib.suppress(OSError):  # training again is no disaster
                write_atomically(path, to_bytes(reader.state_dict()))
    return reader.eval().requires_grad_(False)


def _train(reader: FactorReader, make: Callable) -> None:
    """Learn from pictures with a little noise, such as generators leave in theirs."""
    sets = [make(TRAINING // 2, size, seed) for size, seed in ((32, 1), (64, 2))]
    images = torch.cat([_small(s.images) for s in sets])
    values = torch.stack([torch.cat([s.factors[name] for s in sets]) for name in reader.factors], 1)
    optimizer = torch.optim.Adam(reader.parameters(), lr=1e-3, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=STEPS)
    for _ in range(STEPS):
        chosen = torch.randint(len(images), (BATCH,))
        x = images[chosen]
        x = x + 0.1 * torch.rand(()) * torch.randn_like(x)
        loss = sum(F.cross_entropy(head, values[chosen, i]) for i, head in enumerate(reader(x)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()


def _test(reader: FactorReader, make: Callable) -> None:
    """Measure the accuracy on pictures that the reader has not seen."""
    for row, (size, seed) in enumerate(((32, 3), (64, 4))):
        pictures = make(HELD_OUT // 2, size, seed)
        values, least = reader.read(pictures.images)
        right = [(values[name] == pictures.factors[name]).float().mean() for name in values]
        reader.accuracy[row] = torch.stack(right)
        reader.sure[row] = (least >= SURE).float().mean()


def _small(images: Tensor) -> Tensor:
    """Return bytes (n, 3, S, S) as floats in [-1, 1], averaged down to (n, 3, 32, 32)."""
    return F.avg_pool2d(to_signed(images), images.shape[-1] // SIDE)


def _fingerprint(reader: FactorReader, make: Callable) -> str:
    recipe = f"{reader} {list(reader.factors.items())} {STEPS} {BATCH} {TRAINING} {HELD_OUT} v1"
    pictures = make(64, SIDE, 0).images.numpy().tobytes()
    return hashlib.sha256(recipe.encode() + pictures).hexdigest()[:16]


def _restore(reader: FactorReader, path) -> bool:
    """Load the weights from the cache; tell whether they are there, fit and are finite."""
    try:
        reader.load_state_dict(load_file(path))
    except (OSError, SafetensorError, RuntimeError):
        return False
    return all(tensor.isfinite().all() for tensor in reader.state_dict().values())
