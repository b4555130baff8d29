"""How studies are run, and where they keep their numbers: `<lesson>_<study>.json` beside this."""

import argparse
import json
import platform
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from benchmarks.support import processor
from gan_lessons import runtime, train

Studies = dict[str, Callable[[argparse.Namespace], None]]  # by the names on the command line


def machine() -> dict:
    """Return what the numbers may depend on."""
    return {"torch": torch.__version__, "python": platform.python_version(),
            "processor": processor(), "threads": torch.get_num_threads()}


def path(lesson: str, study: str) -> Path:
    """Return the file that holds what a study found."""
    return Path(__file__).with_name(f"{lesson}_{study}.json")


def stored(lesson: str, study: str) -> dict:
    """Return what a study found."""
    return json.loads(path(lesson, study).read_text(encoding="utf-8"))


def begun(lesson: str, study: str) -> dict:
    """Return what a study has found so far; nothing, if it has not been made."""
    return stored(lesson, study) if path(lesson, study).exists() else {}


def store(lesson: str, study: str, content: dict) -> None:
    """Write what a study found."""
    path(lesson, study).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def keep(lesson: str, study: str, content: dict, options: argparse.Namespace) -> None:
    """Write what a study has found so far, if the command line says --write."""
    if options.write:
        store(lesson, study, content)


def fit(game, pictures, steps: int, *, progress: bool = False, **options):
    """Do what `train.fit` does, to the end, and quietly unless asked; see `completed`."""
    return completed(train.fit(game, pictures, steps, progress=progress, **options), steps)


def completed(game, steps: int):
    """Return a game; end the study where a signal ended the training: half a run is no result."""
    if game.step < steps:
        raise SystemExit(f"stopped at step {game.step} of {steps}; nothing of this run is stored")
    return game


def parser(about: str, studies: Studies, seeds: Sequence[int] | None) -> argparse.ArgumentParser:
    """Return what reads the command line of a module of studies; `seeds` unless others are given.

    `about` is the module's docstring. Options of its own may be added.
    """
    made = argparse.ArgumentParser(description=about.splitlines()[0])
    made.add_argument("studies", nargs="+", choices=studies)
    made.add_argument("--seeds", type=int, nargs="+", default=seeds,
                      help="instead of the study's own")
    made.add_argument("--write", action="store_true", help="store the numbers")
    return made


def run(studies: Studies, options: argparse.Namespace) -> None:
    """Run the studies that the command line names, on one thread, and say how long each took."""
    runtime.set_threads(1)
    for name in options.studies:
        start = time.process_time()
        studies[name](options)
        print(f"{name}: {time.process_time() - start:.0f} s", flush=True)
