"""Reading photographs: three ways, and what is left of a round of WGAN training.

The first is that of source 003, fastai 0.7: every epoch decodes in full, resizes, crops and
normalises in 8 threads (with Pillow here). The second is torchvision's ImageFolder in a
DataLoader whose workers live on. The third is the course's cache: decoded once, then read from a
memory map.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from statistics import median

import torch
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import ImageFolder

from benchmarks.support import machine, seconds
from benchmarks.support.jpegs import prepare
from benchmarks.wgan import CRITIC_STEPS, Players, with_the_steps
from gan_lessons import data, runtime

Epoch = Callable[[], Iterator[torch.Tensor]]
"""Goes through the files once, in a random order: batches (n, 3, size, size) in [-1, 1]."""

BAR = 0.05  # the most that reading pictures may take of a round
BATCHES = CRITIC_STEPS + 1  # of real pictures in a round
THREADS_OF_003 = 8  # `num_workers` of fastai 0.7's ImageClassifierData.from_csv


def dataset(folder: Path, size: int) -> ImageFolder:
    """Read, decode in full, short side to `size`, centre crop, [-1, 1]: as source 003 asks."""
    return ImageFolder(folder, transforms.Compose([
        transforms.Resize(size), transforms.CenterCrop(size), transforms.ToTensor(),
        transforms.Normalize((0.5,) * 3, (0.5,) * 3)]))


def as_003(folder: Path, size: int, batch: int) -> Epoch:
    """Return the way of source 003: threads that make a batch each."""
    pictures = dataset(folder, size)
    generator = torch.Generator().manual_seed(0)

    def make(indices: torch.Tensor) -> torch.Tensor:
        return torch.stack([pictures[i][0] for i in indices.tolist()])

    def epoch():
        order = torch.randperm(len(pictures), generator=generator).split(batch)
        whole = iter([indices for indices in order if len(indices) == batch])
        with ThreadPoolExecutor(THREADS_OF_003) as pool:
            while chunk := list(islice(whole, 10 * THREADS_OF_003)):
                yield from pool.map(make, chunk)
    return epoch


def with_data_loader(folder: Path, size: int, batch: int, workers: int) -> Epoch:
    """Return torchvision's way."""
    loader = DataLoader(dataset(folder, size), batch, shuffle=True, drop_last=True,
                        num_workers=workers, persistent_workers=workers > 0,
                        generator=torch.Generator().manual_seed(0))

    def epoch():
        for images, _ in loader:
            yield images
    return epoch


def from_cache(pictures: data.ImageSet, batch: int) -> Epoch:
    """Return the course's way: through the cached pictures once."""
    endless = pictures.batches(batch)
    return lambda: islice(endless, len(pictures) // batch)


def rate(epoch: Epoch) -> float:
    """Return the pictures a second of one epoch, or of several when one is over at once."""
    start, passed, count = time.perf_counter(), 0.0, 0
    while passed < 0.2:
        count += sum(len(images) for images in epoch())
        passed = time.perf_counter() - start
    return count / passed


def measure(folder: Path, options: argparse.Namespace) -> None:
    """Measure on the files in `folder` and print the results."""
    size, batch = options.size, options.batch
    start = time.perf_counter()
    pictures = data.folder(folder, size, progress=False)
    decoding = len(pictures) / (time.perf_counter() - start)
    ways = {"fastai 0.7 loader, 8 threads": as_003(folder, size, batch)}
    for workers in sorted({0, 1, runtime.cores()}):
        ways[f"ImageFolder + DataLoader, {workers} workers"] = with_data_loader(
            folder, size, batch, workers)
    ways["gan_lessons cache"] = from_cache(pictures, batch)
    stream = pictures.batches(batch)
    players = Players(size, options.features, batch)
    for epoch in ways.values():
        next(iter(epoch()))  # starts the workers, maps the cache
    with_the_steps(players)
    next(stream)
    rates, rounds, reading = [], [], []
    for _ in range(options.repeats):  # in turn, so that a busy moment meets them all
        rates.append({name: rate(epoch) for name, epoch in ways.items()})
        rounds.append(seconds(lambda: with_the_steps(players)))
        reading.append(seconds(lambda: list(islice(stream, BATCHES))))
    medians = {name: median(turn[name] for turn in rates) for name in ways}
    for name, per_second in medians.items():
        faster = medians["gan_lessons cache"] / per_second
        print(f"  {name:38}{per_second:10,.0f} images/s{faster:9.1f}x")
    print(f"  the cache decodes {decoding:,.0f} images/s, once")
    share = median(reading) / (median(reading) + median(rounds))
    print(f"A round of WGAN computes for {median(rounds):.2f} s, and reading its {BATCHES} batches "
          f"takes {median(reading) * 1e3:.1f} ms: a share of {share:.2%} (at most {BAR:.0%} "
          f"wanted: {'met' if share <= BAR else 'missed'}).")


def main(arguments: list[str] | None = None) -> None:
    """Measure in a folder and with a cache that are gone afterwards."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.photographs",
                                     description=__doc__.splitlines()[0])
    parser.add_argument("--root", help="a folder of JPEG files; drawn by code unless given")
    parser.add_argument("--pictures", type=int, default=2048)
    parser.add_argument("--size", type=int, default=64, choices=(16, 32, 64, 128))
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--features", type=int, default=64, help="width of the networks")
    parser.add_argument("--repeats", type=int, default=3, help="how often, for the median")
    options = parser.parse_args(arguments)
    runtime.set_threads(runtime.cores())
    print(machine())
    with tempfile.TemporaryDirectory(prefix="gan-lessons-bench-") as scratch:
        os.environ["GAN_LESSONS_CACHE"] = str(Path(scratch) / "cache")
        folder = Path(scratch) / "jpegs"
        try:
            _, what = prepare(folder, options.root, options.pictures, options.batch)
        except ValueError as problem:
            parser.error(str(problem))
        print(f"{what}; {options.size}x{options.size}, batches of {options.batch}; the ways in "
              f"turn, {options.repeats} times each, medians; DCGAN, {options.features} features")
        measure(folder, options)


if __name__ == "__main__":
    main()
