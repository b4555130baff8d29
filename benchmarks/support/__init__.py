"""What the benchmarks share: the machine in words, and timing several ways in turn."""

import platform
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import torch

from gan_lessons import runtime


def processor() -> str:
    """Return the processor's name, as the system tells it."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass  # not Linux
    return platform.processor() or platform.machine()


def machine(precision: str = "float32") -> str:
    """Return on what, how many threads and in which precision was measured; print it first."""
    bfloat16 = runtime.precision("auto", torch.device("cpu")) == "bfloat16"
    return (f"{processor()}, {runtime.cores()} cores, {torch.get_num_threads()} threads, "
            f"{precision} (bfloat16 instructions: {'yes' if bfloat16 else 'no'}), "
            f"torch {torch.__version__}, Python {platform.python_version()}")


def seconds(work: Callable[[], object]) -> float:
    """Return how long `work` takes, in seconds."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def in_turn(ways: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Return the median seconds of each way.

    Each runs once to warm up, then all of them one after the other, `repeats` times, so that a
    busy moment of the machine meets them all.
    """
    for work in ways.values():
        work()
    rounds = [{name: seconds(work) for name, work in ways.items()} for _ in range(repeats)]
    return {name: median(measured[name] for measured in rounds) for name in ways}
