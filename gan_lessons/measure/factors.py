"""Mode coverage of toy pictures: factors read back from samples, combinations counted exactly."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from gan_lessons.data import ImageSet
from gan_lessons.measure.reading import SIDE, SURE, check_factors, factor_reader
from gan_lessons.util import both


@dataclass(frozen=True)
class FactorReport:
    """What `factor_coverage` found in n samples.

    sure: share of samples that every classifier is sure of;  outside: share that they are sure
    of, but that show a value which the real pictures never have;  counted: how many are left;
    seen: combinations among those;  of: combinations there are;  reverse_kl: KL(their shares of
    the combinations || equal shares), nats, infinite when nothing counts;  expected_seen,
    floor: the mean of `seen` and `reverse_kl` for as many perfectly uniform samples;  shares:
    factor -> {value: share of the counted samples}, for the factors that vary.
    """

    n: int
    counted: int
    sure: float
    outside: float
    seen: int
    of: int
    expected_seen: float
    reverse_kl: float
    floor: float
    shares: dict[str, dict[str, float]]

    @property
    def effective(self) -> dict[str, float]:
        """For each factor, how many equally frequent values would have the same entropy."""
        return {name: math.exp(-sum(p * math.log(p) for p in share.values() if p))
                for name, share in self.shares.items()}

    def __str__(self) -> str:
        lines = [f"combinations {self.seen}/{self.of} (uniform: {self.expected_seen:.1f})   "
                 f"reverse KL {self.reverse_kl:.3f} (floor {self.floor:.3f})   "
                 f"sure {self.sure:.1%}   outside {self.outside:.1%}"]
        width = max(map(len, self.shares), default=0)
        for name, share in self.shares.items():
            each = "  ".join(f"{value} {p:.0%}" for value, p in share.items())
            lines.append(f"  {name:{width}}  {self.effective[name]:.1f} of {len(share)}   {each}")
        return "\n".join(lines)


def factor_coverage(samples: Tensor, of: ImageSet) -> FactorReport:
    """Read the factors of generated pictures and compare them with those of the toy set `of`.

    samples: uint8 (n, 3, S, S), S = 32 or a multiple of it; `of`: what the generator learned
    from, made by `toy_faces` or `toy_rooms`, at any size.

    Protocol: a small net with one classifier per factor reads the samples at 32x32. A sample
    counts when every classifier gives its answer a probability of at least 0.9 (`SURE`), and
    when every value is one that occurs in `of`: a blur is not a mode, nor is a face that nobody
    drew. The combinations are the products of the values that occur in `of`: 96 for the core
    faces. Draw at least 20 samples a combination; the report says what perfect samples would get.

    Raises ValueError when the samples cannot be read or `of` has no factors.
    """
    check_factors(of)
    _check(samples)
    reader = factor_reader(of)
    values, certainty = reader.read(samples.cpu())
    kept = {name: of.factors[name].cpu().unique() for name in values}
    sure = certainty >= SURE
    inside = torch.stack([torch.isin(values[name], kept[name]) for name in values]).all(0)
    counts = sure & inside
    counted, combinations = int(counts.sum()), math.prod(len(k) for k in kept.values())
    rank = torch.zeros(counted, dtype=torch.int64)
    for name in values:  # numbers the combinations, one digit a factor
        rank = rank * len(kept[name]) + torch.searchsorted(kept[name], values[name][counts])
    histogram = rank.unique(return_counts=True)[1]
    return FactorReport(
        n=len(samples), counted=counted, sure=sure.float().mean().item(),
        outside=(sure & ~inside).float().mean().item(), seen=len(histogram), of=combinations,
        expected_seen=combinations * (1 - (1 - 1 / combinations) ** counted),
        reverse_kl=reverse_kl(histogram, combinations), floor=kl_floor(counted, combinations),
        shares={name: _shares(values[name][counts], kept[name], reader.factors[name])
                for name in values if len(kept[name]) > 1})


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
    if n == 0 or k == 1:
        return math.inf if n == 0 else 0.0
    c = torch.arange(1, n + 1, dtype=torch.float64)
    size = torch.tensor(n, dtype=torch.float64)
    log_p = (torch.lgamma(size + 1) - torch.lgamma(c + 1) - torch.lgamma(size - c + 1)
             - c * math.log(k) + (size - c) * math.log1p(-1 / k))
    return math.log(k) + k * (log_p.exp() * (c / n) * (c / n).log()).sum().item()


def _shares(values: Tensor, kept: Tensor, words: tuple[str, ...]) -> dict[str, float]:
    return {words[i]: (values == i).sum().item() / max(len(values), 1) for i in kept.tolist()}


def _check(samples: Tensor) -> None:
    right = (torch.is_tensor(samples) and samples.dtype == torch.uint8 and samples.ndim == 4
             and len(samples) and samples.shape[1] == 3 and samples.shape[2] == samples.shape[3]
             and samples.shape[3] % SIDE == 0)
    if not right:
        what = (f"{samples.dtype} {tuple(samples.shape)}" if torch.is_tensor(samples)
                else type(samples).__name__)
        raise ValueError(both(
            f"要数的图片必须是非空的 uint8 张量 (n, 3, S, S)，边长 S 是 32 的倍数，收到 {what}。"
            "[-1, 1] 的张量请先用 data.to_images() 转换；ImageSet 请传入 .images。",
            f"Pictures to count must be non-empty uint8 (n, 3, S, S) with S a multiple of 32, got "
            f"{what}. Convert tensors in [-1, 1] with data.to_images(); of an ImageSet pass "
            ".images."))
