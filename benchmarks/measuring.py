"""Scoring 50,000 pictures of digits: this course's metrics beside those of torchmetrics.

Both look at the same pictures with the same network, the course's digit classifier, in batches of
1,000. Fréchet distance and KID are what both have: torchmetrics takes KID in 10 subsets of 1,000
and computes the features once for each metric, the course in 10 blocks of the first 10,000, with
features computed once. "All metrics" is `measure.Evaluator`, which has MIND, precision, recall,
density, coverage and the Inception score as well, of the first 10,000: the work of some grows with
the square of the number.
"""

import argparse

import torch
from torch import nn
from torchmetrics.image.fid import FrechetInceptionDistance
from torchmetrics.image.kid import KernelInceptionDistance

from benchmarks.support import in_turn, machine
from gan_lessons import data, measure, runtime
from gan_lessons.measure import damage
from gan_lessons.measure.scores import KEPT

BATCH = 1000


class Features(nn.Module):
    """The digit classifier as torchmetrics wants it."""

    num_features = 32

    def __init__(self, net: measure.FeatureNet):
        super().__init__()
        self.net = net

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return (n, 32) features."""
        return self.net.features(images)


def pictures(n: int) -> torch.Tensor:
    """Return `n` digits with a little noise, uint8."""
    digits = data.mnist()[:8000].images
    chosen = torch.randint(len(digits), (n,), generator=torch.Generator().manual_seed(0))
    return torch.cat([damage.noisy(digits[part], 10, seed=i)
                      for i, part in enumerate(chosen.split(BATCH))])


def theirs(net: measure.FeatureNet, real: torch.Tensor, fakes: torch.Tensor,
           with_kid: bool) -> list[float]:
    """Return what torchmetrics scores."""
    metrics: list = [FrechetInceptionDistance(feature=Features(net)).set_dtype(torch.float64)]
    if with_kid:
        metrics.append(KernelInceptionDistance(feature=Features(net), subsets=10,
                                               subset_size=min(1000, len(real), len(fakes))))
    for metric in metrics:
        for images, are_real in ((real, True), (fakes, False)):
            for batch in images.split(BATCH):
                metric.update(batch, real=are_real)
    found = [metric.compute() for metric in metrics]
    return [float(value[0] if isinstance(value, tuple) else value) for value in found]


def ours(net: measure.FeatureNet, real: torch.Tensor, fakes: torch.Tensor,
         with_kid: bool) -> list[float]:
    """Return what the course's functions score."""
    sets, kept = [], []
    for images in (real, fakes):
        moments, features = measure.Moments(), []
        for batch in images.split(BATCH):
            found = net.features(batch)
            moments.update(found)
            if with_kid and len(features) < KEPT // BATCH:  # the Fréchet distance keeps none
                features.append(found)
        sets.append(moments)
        kept.append(features)
    scores = [measure.frechet_distance(*sets)]
    if with_kid:
        scores.append(measure.kernel_estimate(*map(torch.cat, kept)).value)
    return scores


def main(arguments: list[str] | None = None) -> None:
    """Measure the ways in turn and print their times and the ratio."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.measuring",
                                     description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=50_000, help="pictures to score")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=runtime.cores())
    options = parser.parse_args(arguments)
    runtime.set_threads(options.threads)
    print(machine())
    net, fakes = damage.digit_net(), pictures(options.n)
    real, others = (data.mnist(part).images[:2000] for part in (True, False))
    found = {}

    def note(name: str, value) -> None:
        found[name] = value
    took = in_turn({
        "torchmetrics, Fréchet": lambda: note("theirs", theirs(net, real, fakes, False)[0]),
        "gan_lessons, Fréchet": lambda: note("ours", ours(net, real, fakes, False)[0]),
        "torchmetrics, Fréchet and KID": lambda: theirs(net, real, fakes, True),
        "gan_lessons, Fréchet and KID": lambda: ours(net, real, fakes, True),
        "gan_lessons, all metrics": lambda: measure.Evaluator(net, real, others).score(fakes),
    }, options.repeats)
    for name, seconds in took.items():
        print(f"  {name:32}{seconds:8.2f} s")
    theirs_one, ours_one, theirs_two, ours_two, ours_all = took.values()
    print(f"Of torchmetrics' time: Fréchet {ours_one / theirs_one:.2f}, Fréchet and KID "
          f"{ours_two / theirs_two:.2f}, all metrics against its two "
          f"{ours_all / theirs_two:.2f}. Fréchet distances {found['ours']:.6f} and "
          f"{found['theirs']:.6f}.")


if __name__ == "__main__":
    main()
