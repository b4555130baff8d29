"""This course's GANLearner.wgan beside that of fastai 2, training in turn on the same pictures.

fastai 2 belongs in an environment of its own; without one only this course is measured:

    python -m venv fastai-env && fastai-env/bin/pip install fastai
    python -m benchmarks.fastai2 --fastai fastai-env/bin/python

Lesson 7's settings: 64x64, 64 features, one extra layer, 5 critic steps to 1 of the generator,
Adam(0, 0.99). Each side is a process; after an epoch to warm up they train an epoch each in turn;
reading the pictures is included. The fastest settings: channels_last on both sides, and bfloat16
where it can be had, in fastai 2 on GPUs only.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from benchmarks.support import machine
from benchmarks.support.jpegs import prepare
from gan_lessons import runtime

BAR = 2.0  # how many times as fast as fastai 2 this course wants to be
ROOT = Path(__file__).parents[1]
PLAYER = ROOT / "benchmarks" / "support" / "fastai2_player.py"
SIDES = {"fastai 2": ("fastai_2", False), "fastai 2, its fastest settings": ("fastai_2", True),
         "gan_lessons": ("ours", False), "gan_lessons, its fastest settings": ("ours", True)}


class Player:
    """A process that trains one epoch whenever it is asked to."""

    def __init__(self, python: str, settings: dict, environment: dict[str, str]):
        self.process = subprocess.Popen(
            [python, str(PLAYER), json.dumps(settings)], text=True, env=environment,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __enter__(self):
        self._answer()  # "ready"
        return self

    def __exit__(self, *_):
        self.process.communicate()

    def epoch(self) -> tuple[float, float]:
        """Train one epoch; return seconds passed and seconds of CPU time."""
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        wall, cpu = self._answer().split()
        return float(wall), float(cpu)

    def _answer(self) -> str:
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.process.args[0]} could not train; what it said is above. "
                             "--fastai names the python of an environment with fastai 2.")
        return line


def measure(scratch: Path, options: argparse.Namespace) -> dict[str, tuple[float, float]]:
    """Return each side's median seconds of an epoch, passed and of CPU time."""
    environment = {**os.environ, "GAN_LESSONS_CACHE": str(scratch / "cache"),
                   "OMP_NUM_THREADS": str(options.threads), "PYTHONPATH": str(ROOT)}
    with ExitStack() as stack:
        players = {}
        for name, (side, fast) in SIDES.items():
            python = sys.executable if side == "ours" else options.fastai
            if python:
                settings = {"side": side, "fast": fast, "folder": str(scratch / "jpegs"),
                            "batch": options.batch, "threads": options.threads}
                players[name] = stack.enter_context(Player(python, settings, environment))
        for player in players.values():
            player.epoch()
        turns = [{name: player.epoch() for name, player in players.items()}
                 for _ in range(options.repeats)]
    return {name: (median(turn[name][0] for turn in turns), median(turn[name][1] for turn in turns))
            for name in players}


def report(costs: dict[str, tuple[float, float]], pictures: int) -> None:
    """Print what a picture costs on each side, and how many times faster the course is."""
    print(f"  {'':<38}{'ms/image':>10}{'CPU ms/image':>14}")
    for name, (wall, cpu) in costs.items():
        print(f"  {name:<38}{wall / pictures * 1e3:>10.1f}{cpu / pictures * 1e3:>14.1f}")
    walls = {side: [wall for name, (wall, _) in costs.items() if SIDES[name][0] == side]
             for side in ("fastai_2", "ours")}
    if walls["fastai_2"]:
        faster = min(walls["fastai_2"]) / min(walls["ours"])
        print(f"Each with its fastest settings, this course is {faster:.2f} times as fast as "
              f"fastai 2 (wanted: {BAR:g} times, {'met' if faster >= BAR else 'missed'}).")


def main(arguments: list[str] | None = None) -> None:
    """Measure in a folder that is gone afterwards."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fastai2",
                                     description=__doc__.splitlines()[0])
    parser.add_argument("--fastai", metavar="PYTHON",
                        help="the python of an environment with fastai 2")
    parser.add_argument("--root", help="a folder of JPEG files; drawn by code unless given")
    parser.add_argument("--pictures", type=int, default=384)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=5, help="how often, for the median")
    parser.add_argument("--threads", type=int, default=runtime.cores())
    options = parser.parse_args(arguments)
    runtime.set_threads(options.threads)
    print(machine("float32; its fastest settings: what suits the device"))
    with tempfile.TemporaryDirectory(prefix="gan-lessons-bench-") as scratch:
        try:
            count, what = prepare(Path(scratch) / "jpegs", options.root, options.pictures,
                                  options.batch)
            print(f"{what}; batches of {options.batch}; {options.repeats} epochs each, medians",
                  flush=True)
            costs = measure(Path(scratch), options)
        except (ValueError, OSError) as problem:
            parser.error(str(problem))
    report(costs, count // options.batch * options.batch)


if __name__ == "__main__":
    main()
