"""Mode coverage of toy pictures: a small net reads their factors, combinations are counted."""

import functools
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan_lessons import runtime
from gan_lessons.data import FACE_FACTORS, ROOM_FACTORS, ImageSet, to_signed, toy_faces, toy_rooms
from gan_lessons.measure.small_net import fit_small_net
from gan_lessons.util import both

SURE = 0.9  # a classifier is sure of a picture when its top probability is at least this
SIDE = 32  # pictures are read at this size
STEPS = 1600
BATCH = 64
TRAINING, HELD_OUT = 16_000, 4_000  # pictures, half of them drawn at 32 and half at 64
MAKERS = {tuple(FACE_FACTORS): (toy_faces, FACE_FACTORS),
          tuple(ROOM_FACTORS): (toy_rooms, ROOM_FACTORS)}


# ---- the net that reads the factors ----

class FactorReader(nn.Module):
    """One conv net with one classifier, a head, for each factor."""

    name = "the factor reader"
    classes = 0  # none for the whole picture: its heads are for the factors
    accuracy: Tensor  # share of right answers on held-out pictures drawn at 32 and 64, (2, factors)
    sure: Tensor  # share of these that every head is sure of, (2,)

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
        """Read the factors of pictures, uint8 (n, 3, S, S), where S is 32 or a multiple of it.

        Returns:
            The value of each factor, int64 (n,), by its name; and the probability that the least
            sure head gives its answer, (n,).
        """
        parts = [[head.softmax(1).max(1) for head in self(_small(part))]
                 for part in images.split(1000)]
        values = {name: torch.cat([part[i].indices for part in parts])
                  for i, name in enumerate(self.factors)}
        least = [torch.stack([head.values for head in part]).amin(0) for part in parts]
        return values, torch.cat(least)

    @torch.no_grad()
    def probabilities(self, images: Tensor) -> dict[str, Tensor]:
        """Return the probability of each value, (n, values), by the name of the factor."""
        parts = [[head.softmax(1) for head in self(_small(part))] for part in images.split(1000)]
        return {name: torch.cat([part[i] for part in parts])
                for i, name in enumerate(self.factors)}

    @torch.no_grad()
    def features(self, images: Tensor) -> Tensor:
        """Return what the body says of pictures, before the heads, float32 (n, 128).

        Compare them only with features of the same reader, by `frechet_distance`.
        """
        return torch.cat([self.body(_small(part)) for part in images.split(1000)])


def factor_reader(of: ImageSet) -> FactorReader:
    """Return the reader for toy faces or toy rooms, whichever `of` holds.

    It learned from pictures with every value of every factor, and ships with the package; where
    the toys are drawn otherwise it is trained, in well under a minute, see `fit_small_net`.
    """
    names = tuple(getattr(of, "factors", None) or ())
    if names not in MAKERS:
        raise ValueError(both(
            f"{getattr(of, 'name', of)} 没有可数的因素。of= 要的是 data.toy_faces() 或 "
            "data.toy_rooms() 返回的图片集。",
            f"{getattr(of, 'name', of)} has no factors to count. For of= take the set that "
            "data.toy_faces() or data.toy_rooms() returned."))
    return _reader(names, runtime.cache_dir())


@functools.lru_cache(maxsize=4)
def _reader(names: tuple[str, ...], cache: Path) -> FactorReader:
    """Return the trained reader; `cache` is the folder where it is kept."""
    make, factors = MAKERS[names]
    return fit_small_net(
        lambda: FactorReader(factors), functools.partial(_losses, make=make), steps=STEPS,
        max_lr=4e-3, finish=functools.partial(_test, make=make), name="factor-reader",
        recipe=f"{list(factors.items())} {STEPS} {BATCH} {TRAINING} {HELD_OUT} v1",
        seen=make(64, SIDE, 0).images.numpy().tobytes())


def _losses(reader: FactorReader, make: Callable) -> Iterator[Tensor]:
    """Yield the loss on pictures with a little noise, such as generators leave in theirs."""
    sets = [make(TRAINING // 2, size, seed) for size, seed in ((32, 1), (64, 2))]
    images = torch.cat([_small(s.images) for s in sets])
    values = torch.stack([torch.cat([s.factors[name] for s in sets]) for name in reader.factors], 1)
    while True:
        chosen = torch.randint(len(images), (BATCH,))
        x = images[chosen]
        x = x + 0.1 * torch.rand(()) * torch.randn_like(x)
        losses = [F.cross_entropy(head, values[chosen, i]) for i, head in enumerate(reader(x))]
        yield sum(losses, torch.zeros(()))


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
    if images.shape[-1] % SIDE:
        raise ValueError(both(
            f"读图网络只读边长是 {SIDE} 的倍数的图片，收到 {tuple(images.shape)}。",
            f"The reading network takes pictures with a side that is a multiple of {SIDE}, got "
            f"{tuple(images.shape)}."))
    return F.avg_pool2d(to_signed(images), images.shape[-1] // SIDE)


# ---- what is counted ----

@dataclass(frozen=True)
class FactorReport:
    """What `factor_coverage` found in n samples."""

    n: int
    counted: int  # samples that are sure and inside
    sure: float  # share of samples that every classifier is sure of
    outside: float  # share that is sure, but shows a value which the real pictures never have
    seen: int  # combinations among the counted
    of: int  # combinations there are
    expected_seen: float  # mean of `seen` for as many perfectly uniform samples
    reverse_kl: float  # KL(shares of the combinations || equal shares), nats; none counted: inf
    floor: float  # mean of `reverse_kl` for as many perfectly uniform samples
    shares: dict[str, dict[str, float]]  # factor -> {value: share of the counted}, if it varies

    @property
    def effective(self) -> dict[str, float]:
        """For each factor, how many equally frequent values would have the same entropy."""
        return {name: math.exp(-sum(p * math.log(p) for p in share.values() if p))
                for name, share in self.shares.items()}

    def __str__(self) -> str:
        lines = [f"combinations {self.seen}/{self.of} (uniform: {self.expected_seen:.1f})   "
                 f"reverse KL {self.reverse_kl:.3f} (floor {self.floor:.3f})   "
                 f"counted {self.counted / self.n:.1%} (sure {self.sure:.1%}, outside "
                 f"{self.outside:.1%})"]
        width = max(map(len, self.shares), default=0)
        for name, share in self.shares.items():
            each = "  ".join(f"{value} {p:.0%}" for value, p in share.items())
            lines.append(f"  {name:{width}}  {self.effective[name]:.1f} of {len(share)}   {each}")
        return "\n".join(lines)


def factor_coverage(samples: Tensor, of: ImageSet) -> FactorReport:
    """Read the factors of generated pictures and compare them with those of the toy set `of`.

    Protocol: a small net with one classifier per factor reads the samples at 32x32. A sample
    counts when every classifier gives its answer a probability of at least 0.9 (`SURE`), and
    when every value is one that occurs in `of`: a blur is not a mode, nor is a face that nobody
    drew. The combinations are the products of the values that occur in `of`: 96 for the core
    faces. Draw at least 20 samples a combination; the report says what perfect samples would get.

    Args:
        samples: uint8 (n, 3, S, S), S = 32 or a multiple of it.
        of: What the generator learned from, made by `toy_faces` or `toy_rooms`, at any size.
    """
    _check(samples)
    reader = factor_reader(of)
    values, certainty = reader.read(samples.cpu())
    kept = {name: drawn.cpu().unique() for name, drawn in (of.factors or {}).items()}
    sure = certainty >= SURE
    inside = torch.stack([torch.isin(values[name], kept[name]) for name in values]).all(0)
    counts = sure & inside
    counted = int(counts.sum())
    combinations = math.prod(len(k) for k in kept.values())
    shares = {}
    rank = torch.zeros(counted, dtype=torch.int64)  # number of the combination, one digit a factor
    for name, words in reader.factors.items():
        read = values[name][counts]
        rank = rank * len(kept[name]) + torch.searchsorted(kept[name], read)
        shares[name] = {words[i]: (read == i).sum().item() / max(counted, 1)
                        for i in kept[name].tolist()}
    histogram = rank.unique(return_counts=True)[1]
    return FactorReport(
        n=len(samples), counted=counted, sure=sure.float().mean().item(),
        outside=(sure & ~inside).float().mean().item(), seen=len(histogram), of=combinations,
        expected_seen=combinations * (1 - (1 - 1 / combinations) ** counted),
        reverse_kl=reverse_kl(histogram, combinations), floor=kl_floor(counted, combinations),
        shares={name: share for name, share in shares.items() if len(share) > 1})


def reverse_kl(histogram: Tensor, k: int) -> float:
    """Return KL(shares || equal shares of k), nats, of counts, int64 (at most k,); empty: inf."""
    if histogram.sum() == 0:
        return math.inf
    share = histogram.double() / histogram.sum()
    return math.log(k) + torch.special.xlogy(share, share).sum().item()


def kl_floor(n: int, k: int) -> float:
    """Return the mean reverse KL of n perfectly uniform samples over k combinations, exactly.

    Each count c is binomial (n, 1/k), so the mean is log k + k E[c/n log c/n]. For n much larger
    than k it is about (k - 1) / 2n.
    """
    from scipy.special import xlogy  # slow to import; only if it is used
    from scipy.stats import binom

    if n == 0:
        return math.inf
    c = np.arange(n + 1)
    return math.log(k) + k * float((binom.pmf(c, n, 1 / k) * xlogy(c / n, c / n)).sum())


def _check(samples: Tensor) -> None:
    right = (torch.is_tensor(samples) and samples.dtype == torch.uint8 and samples.ndim == 4
             and len(samples) > 0 and samples.shape[1] == 3
             and samples.shape[2] == samples.shape[3] and samples.shape[3] % SIDE == 0)
    if not right:
        what = (f"{samples.dtype} {tuple(samples.shape)}" if torch.is_tensor(samples)
                else type(samples).__name__)
        raise ValueError(both(
            f"要数的图片必须是非空的 uint8 张量 (n, 3, S, S)，边长 S 是 32 的倍数，收到 {what}。"
            "[-1, 1] 的张量请先用 data.to_images() 转换；ImageSet 请传入 .images。",
            f"Pictures to count must be non-empty uint8 (n, 3, S, S) with S a multiple of 32, got "
            f"{what}. Convert tensors in [-1, 1] with data.to_images(); of an ImageSet pass "
            ".images."))
