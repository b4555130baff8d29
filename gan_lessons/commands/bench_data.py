"""python -m gan_lessons bench data: three ways to read pictures, and what is left of a round."""

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

import torch

from gan_lessons import runtime
from gan_lessons.commands import bench_inputs as inputs
from gan_lessons.commands.bench_wgan import CRITIC_STEPS, wgan_round
from gan_lessons.data.imageset import ImageSet
from gan_lessons.runtime import cores
from gan_lessons.util import both

BAR = 0.05
"""The most that reading pictures may take of a round."""
BATCHES = CRITIC_STEPS + 1


class Measured(NamedTuple):
    """What was measured: medians in pictures a second, the DataLoader's by its workers; seconds."""

    as_003: float
    data_loader: dict[int, float]
    cache: float
    decoding: float
    round_seconds: float
    input_seconds: float

    @property
    def workers(self) -> int:
        """The number of workers with which the DataLoader was fastest."""
        return max(self.data_loader, key=self.data_loader.get)

    @property
    def share(self) -> float:
        """The share of a round, input included, that reading its batches takes."""
        return self.input_seconds / (self.input_seconds + self.round_seconds)


def bench_data(root: str | None, count: int, size: int, batch: int, features: int,
               repeats: int) -> Measured:
    """Measure on `count` pictures below `root`, or drawn ones, print the results, return them.

    Raises ValueError when there are fewer pictures than a batch takes, and what `open_source`
    raises.
    """
    with _own_cache() as folder, _all_cores():
        count = inputs.prepare(folder / "jpegs", root, count, batch)
        measured = _measure(folder / "jpegs", size, batch, features, repeats)
        kilobytes = _bytes_a_file(folder / "jpegs") / 1e3
    _report(measured, root, count, kilobytes, size, batch, features, repeats)
    return measured


@contextmanager
def _own_cache() -> Iterator[Path]:
    """Give a folder that is gone afterwards, and let the cache be in it for the time."""
    before = os.environ.get("GAN_LESSONS_CACHE")
    with tempfile.TemporaryDirectory(prefix="gan-lessons-bench-") as folder:
        os.environ["GAN_LESSONS_CACHE"] = str(Path(folder) / "cache")
        try:
            yield Path(folder)
        finally:
            os.environ.pop("GAN_LESSONS_CACHE")
            if before is not None:
                os.environ["GAN_LESSONS_CACHE"] = before


@contextmanager
def _all_cores() -> Iterator[None]:
    """Let torch use every core for the time, and put back what was set; seeds the networks."""
    before = torch.get_num_threads()
    runtime.set_threads(cores())
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        try:
            yield
        finally:
            torch.set_num_threads(before)


def _measure(folder: Path, size: int, batch: int, features: int, repeats: int) -> Measured:
    start = time.perf_counter()
    pictures = inputs.from_cache(folder, size)
    decoding = len(pictures) / (time.perf_counter() - start)
    workers = sorted({0, 1, cores() // 2, cores()})
    loaders = [inputs.with_data_loader(folder, size, batch, n) for n in workers]
    ways = [inputs.as_003(folder, size, batch), inputs.one_pass(pictures, batch), *loaders]
    train = wgan_round(size, features, batch)
    for way in ways[1:]:
        next(iter(way()))  # starts the workers, maps the cache
    train()
    rates, rounds, reading = [[] for _ in ways], [], []
    for _ in range(repeats):  # one after the other, so that a busy moment meets them all
        for way, seen in zip(ways, rates, strict=True):
            seen.append(_rate(way))
        rounds.append(_seconds(train))
        reading.append(_reading(pictures, batch))
    as_003, cache, *by_workers = map(median, rates)
    return Measured(as_003, dict(zip(workers, by_workers, strict=True)), cache, decoding,
                    median(rounds), median(reading))


def _rate(epoch: inputs.Epoch) -> float:
    """Return the pictures a second of one epoch, or of several when one is over at once."""
    start, seconds, count = time.perf_counter(), 0.0, 0
    while seconds < 0.2:
        count += sum(len(images) for images in epoch())
        seconds = time.perf_counter() - start
    return count / seconds


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _reading(pictures: ImageSet, batch: int) -> float:
    """Return the seconds that the batches of one round take; the stream has already begun."""
    stream = pictures.batches(batch)
    next(stream)
    return _seconds(lambda: [next(stream) for _ in range(BATCHES)])


def _bytes_a_file(folder: Path) -> float:
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    return sum(sizes) / len(sizes)


def _report(m: Measured, root: str | None, count: int, kilobytes: float, size: int, batch: int,
            features: int, repeats: int) -> None:
    ways = [("fastai 0.7 loader, 8 threads", m.as_003),
            (f"ImageFolder + DataLoader, {m.workers} workers", m.data_loader[m.workers]),
            ("gan_lessons cache", m.cache)]
    print()
    for name, rate in ways:
        print(f"  {name:<38}{rate:>10,.0f} images/s {m.cache / rate:>8,.1f}x")
    print()
    tried = ", ".join(f"{workers}: {rate:,.0f}" for workers, rate in m.data_loader.items())
    what_zh, what_en = inputs.described(root, count)
    print(both(
        f"WGAN 一轮（{CRITIC_STEPS} 步评论家 + 1 步生成器）算 {m.round_seconds:.2f} 秒，"
        f"读它的 {BATCHES} 批图片用 {m.input_seconds * 1e3:.1f} 毫秒："
        f"占 {m.share:.2%}（上限 {BAR:.0%}，{'合格' if m.share <= BAR else '超出'}）。\n"
        f"测法：{what_zh}，平均 {kilobytes:.1f} kB，{size}x{size}，每批 {batch} 张，"
        f"{cores()} 个核心；三种办法轮流各测 {repeats} 遍，取中位数，最右一列是缓存快多少倍。\n"
        "  第一种：fastai 0.7 的做法，每一遍都完整解码、缩放、裁剪、归一化，8 个线程；"
        "解码用 Pillow。\n"
        f"  第二种：同样的处理，工作进程常驻；试过的进程数和每秒张数：{tried}。\n"
        f"  第三种：一次解码好（每秒 {m.decoding:,.0f} 张，只做一次），之后从内存映射里取。\n"
        f"  网络：DCGAN，宽 {features}，RMSprop，权重裁剪到 0.01，float32，torch 用全部核心。",
        f"A round of WGAN ({CRITIC_STEPS} critic steps + 1 generator step) computes for "
        f"{m.round_seconds:.2f} s, and reading its {BATCHES} batches takes "
        f"{m.input_seconds * 1e3:.1f} ms: a share of {m.share:.2%} (at most {BAR:.0%} wanted: "
        f"{'met' if m.share <= BAR else 'missed'}).\n"
        f"Method: {what_en}, {kilobytes:.1f} kB on average, {size}x{size}, batches of "
        f"{batch}, {cores()} cores; the three ways in turn, {repeats} times each, medians; the "
        "last column is how many times faster the cache is.\n"
        "  The first is what fastai 0.7 does: full decoding, resizing, cropping and normalising "
        "in every epoch, in 8 threads; decoded with Pillow here.\n"
        "  The second does the same with workers that live on; numbers of workers tried, with "
        f"images a second: {tried}.\n"
        f"  The third decodes once ({m.decoding:,.0f} images/s, only the first time) and then "
        "reads from a memory map.\n"
        f"  Networks: DCGAN, {features} features, RMSprop, weights clipped to 0.01, float32, torch "
        "on every core."))
