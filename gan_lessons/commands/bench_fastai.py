"""python -m gan_lessons bench fastai: this course's GANLearner.wgan beside that of fastai 2."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path
from statistics import median
from typing import NamedTuple, TextIO

from gan_lessons.commands import bench_inputs as inputs
from gan_lessons.runtime import cores
from gan_lessons.util import both

BAR = 2.0
"""How many times as fast as fastai 2 this course wants to be."""
TURNS = Path(__file__).with_name("bench_fastai_turns.py")
COURSE = Path(__file__).parents[2]  # where our side can import gan_lessons, installed or not
SIDES = {"fastai 2": {"side": "fastai_2", "fast": False},
         "fastai 2, its fastest settings": {"side": "fastai_2", "fast": True},
         "gan_lessons": {"side": "ours", "fast": False},
         "gan_lessons, its fastest settings": {"side": "ours", "fast": True}}


class Cost(NamedTuple):
    """What training on one picture takes: medians in milliseconds, passed and of CPU time."""

    wall: float
    cpu: float


class Player:
    """A process that trains one epoch whenever it is asked to."""

    def __init__(self, python: str, settings: dict, environment: dict, errors: TextIO):
        self.errors = errors
        self.process = subprocess.Popen(
            [python, "-c", TURNS.read_text("utf-8"), json.dumps(settings)], text=True, cwd=COURSE,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, env=environment)

    def epoch(self) -> tuple[float, float]:
        """Train one epoch; return seconds passed and of CPU time."""
        with suppress(BrokenPipeError):  # it is gone: no answer comes, and that is told
            self.process.stdin.write("go\n")
            self.process.stdin.flush()
        wall, cpu = self._answer().split()
        return float(wall), float(cpu)

    def __enter__(self):
        try:
            self._answer()  # "ready"
        except ValueError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        with suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()

    def _answer(self) -> str:
        line = self.process.stdout.readline()
        if line:
            return line
        self.process.wait()
        self.errors.seek(0)
        why = self.errors.read().strip().split("\n")[-1]
        raise ValueError(both(
            f"{self.process.args[0]} 没有训练成：{why}。--fastai 要写装了 fastai 2 的环境里的 "
            "python；装法见 bench fastai --help。",
            f"{self.process.args[0]} could not train: {why}. --fastai names the python of an "
            "environment with fastai 2; see bench fastai --help for how to make one."))


def bench_fastai(python: str | None, root: str | None, count: int, batch: int, threads: int | None,
                 repeats: int) -> dict[str, Cost]:
    """Measure both sides in turn on the same `count` pictures, print the results, return them.

    python: that of an environment with fastai 2; without it, only this course is measured.
    Raises ValueError when there are fewer pictures than a batch takes or a side cannot train,
    OSError when `python` cannot be started, and what `open_source` raises.
    """
    threads = threads or cores()
    python = python and shutil.which(os.path.abspath(python)) or python  # seen from COURSE, too
    with tempfile.TemporaryDirectory(prefix="gan-lessons-bench-") as scratch:
        scratch = Path(scratch)
        count = inputs.prepare(scratch / "jpegs", root, count, batch)
        costs = _measure(python, scratch, batch, threads, repeats, count // batch * batch)
    _report(costs, root, count, batch, threads, repeats)
    return costs


def _measure(python: str | None, scratch: Path, batch: int, threads: int, repeats: int,
             trained: int) -> dict[str, Cost]:
    """Let each side train one epoch to warm up, then all of them in turn, `repeats` times."""
    environment = {**os.environ, "GAN_LESSONS_CACHE": str(scratch / "cache"),
                   "OMP_NUM_THREADS": str(threads)}
    with ExitStack() as stack:
        players = {}
        for name, settings in SIDES.items():
            mine = sys.executable if settings["side"] == "ours" else python
            if mine:
                settings = {**settings, "folder": str(scratch / "jpegs"), "batch": batch,
                            "threads": threads}
                errors = stack.enter_context((scratch / f"{name}.log").open("w+"))
                players[name] = stack.enter_context(Player(mine, settings, environment, errors))
        for player in players.values():
            player.epoch()
        turns = [{name: player.epoch() for name, player in players.items()}
                 for _ in range(repeats)]
    return {name: Cost(*(median(turn[name][i] for turn in turns) / trained * 1e3 for i in (0, 1)))
            for name in players}


def _report(costs: dict[str, Cost], root: str | None, count: int, batch: int, threads: int,
            repeats: int) -> None:
    base = costs.get("fastai 2")
    print(f"\n  {'':<38}{'ms/image':>10}{'CPU ms/image':>14}")
    for name, cost in costs.items():
        ratio = f"{base.wall / cost.wall:>8.2f}x" if base else ""
        print(f"  {name:<38}{cost.wall:>10.1f}{cost.cpu:>14.1f}{ratio}")
    print()
    what_zh, what_en = inputs.described(root, count)
    if base:
        theirs, ours = (min(cost.wall for name, cost in costs.items()
                            if SIDES[name]["side"] == side) for side in ("fastai_2", "ours"))
        met = theirs / ours >= BAR
        print(both(f"两边都用各自最快的设置，本课程是 fastai 2 的 {theirs / ours:.2f} 倍（目标 "
                   f"{BAR:g} 倍，{'达到' if met else '没有达到'}）。",
                   f"Each with its fastest settings, this course is {theirs / ours:.2f} times as "
                   f"fast as fastai 2 (wanted: {BAR:g} times, {'met' if met else 'missed'})."))
    print(both(
        f"测法：{what_zh}，GANLearner.wgan，64x64，宽 64，多加一层，评论家 5 步、"
        f"生成器 1 步，Adam(0, 0.99)，每批 {batch} 张，{threads} 个线程；两边各是一个进程，热身一轮"
        f"之后轮流各训练一轮，共 {repeats} 遍，取中位数，读图片也算在内。"
        "最快的设置：两边都用 channels_last；能用 bfloat16 就用，fastai 2 只在显卡上能用。",
        f"Method: {what_en}, GANLearner.wgan, 64x64, 64 features, one extra layer, 5 "
        f"critic steps to 1 of the generator, Adam(0, 0.99), batches of {batch}, {threads} "
        f"threads; each side is a process; after an epoch to warm up they train an epoch each in "
        f"turn, {repeats} times, medians, reading the pictures included. The fastest settings: "
        "channels_last on both sides, and bfloat16 where it can be had, in fastai 2 on GPUs only."))
