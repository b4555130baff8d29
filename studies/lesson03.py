"""Recompute the numbers of lesson 03: the ablation board, and what its two long runs reach.

    python studies/lesson03.py board --seeds 0 1 2 3 4 --write     stores lesson03_board.json
    python studies/lesson03.py digits faces --seeds 0 1 2

One thread. The board plays `ablations.changed` on the bundled digits, 600 steps, and measures
1,000 samples of the averaged weights with `measure.DigitEvaluator`, 300 steps in and at the end; it
takes 7 minutes of one core. `tests/test_studies.py` plays a part of it again.
"""

import argparse
import json
import math
import time
from pathlib import Path

import torch

from gan_lessons import ablations, data, measure, recipes, runtime
from gan_lessons.train import TrainingDiverged, fit

BOARD = Path(__file__).with_name("lesson03_board.json")
LOOKS = (300, 600)


def play(name: str, seed: int, images, ruler, looks=LOOKS) -> dict:
    """Play one change on one seed; return the distance and the classes at each look."""
    game, found = ablations.changed(name, seed=seed), {"fd": [], "classes": []}
    for steps in looks:
        try:
            fit(game, images, steps, progress=False)
        except TrainingDiverged:
            return found | {"diverged": game.step}
        report = ruler.report(game.sample(1000, seed=1, ema=True))
        found["fd"].append(round(report.fd_digits, 2))
        found["classes"].append(report.classes)
    return found


def final(runs: dict[int, dict]) -> list[float]:
    """Return the last distance of each seed; infinite where the run diverged."""
    return [math.inf if "diverged" in run else run["fd"][-1] for run in runs.values()]


def verdict(changed: list[float], plain: list[float]) -> str:
    """Name what the distances of a change say, next to DCGAN's on the same seeds."""
    if min(changed) >= 10:
        return "fails"
    if all(ours >= 1.5 * theirs for ours, theirs in zip(changed, plain, strict=True)):
        return "worse"
    return "no clear difference"


def bundled(side: int = 32):
    """Return the bundled digits in frames of `side`, and their ruler."""
    images, held_out = (data.digits(train=part).framed(side) for part in (True, False))
    return images, measure.DigitEvaluator(images, held_out)


def board(options) -> None:
    """Play every change on every seed; print and, if asked, store what came of it."""
    images, ruler = bundled()
    results = {}
    for name in options.only or ablations.CHANGES:
        results[name] = {}
        for seed in options.seeds:
            start = time.process_time()
            results[name][seed] = play(name, seed, images, ruler)
            print(f"{name:28s} {seed} {time.process_time() - start:4.0f} s  "
                  f"{results[name][seed]}", flush=True)
    if "DCGAN" in results:
        for name, runs in results.items():
            print(f"{name:28s} {verdict(final(runs), final(results['DCGAN']))}", flush=True)
    if options.write:
        lines = [f'"{name}": {{\n' + ",\n".join(
            f'    "{seed}": {json.dumps(result)}' for seed, result in by_seed.items()) + "\n  }"
            for name, by_seed in results.items()]
        BOARD.write_text("{\n  " + ",\n  ".join(lines) + "\n}\n", encoding="utf-8")


def digits(options) -> None:
    """Play the lesson's DCGAN on digits and print the report."""
    images, ruler = bundled()
    print("floor", ruler.floor)
    for seed in options.seeds:
        game = recipes.dcgan(32, 1, features=16, latent=64, batch=64, lr=options.lr or 1e-3,
                             ema=0.99, seed=seed)
        for steps in options.steps or [1000, 1500]:
            fit(game, images, steps, progress=False)
            print(f"digits seed {seed} step {steps:5d}",
                  ruler.report(game.sample(2000, ema=True)), flush=True)


def faces(options) -> None:
    """Play the lesson's game on toy faces and print the coverage."""
    images = data.toy_faces(10_000, size=32, core=True)
    for seed in options.seeds:
        for steps in options.steps or [3000]:  # a run each: the rate fades to its end
            changes = {"lr": options.lr} if options.lr else {}
            game = recipes.sngan(32, features=16, steps=steps, ema=0.995, seed=seed, **changes)
            fit(game, images, steps, progress=False)
            print(f"faces seed {seed} step {steps:5d}",
                  measure.factor_coverage(game.sample(4000, ema=True), images), flush=True)


def main() -> None:
    """Run the studies the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("studies", nargs="+", choices=("board", "digits", "faces"))
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(5)))
    parser.add_argument("--steps", type=int, nargs="+", help="when to look at a long run")
    parser.add_argument("--lr", type=float, help="instead of the lesson's, of a long run")
    parser.add_argument("--only", nargs="+", help="names of changes to play")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--write", action="store_true", help=f"store the board in {BOARD.name}")
    options = parser.parse_args()
    runtime.set_threads(options.threads)
    torch.manual_seed(0)
    for study in options.studies:
        {"board": board, "digits": digits, "faces": faces}[study](options)


if __name__ == "__main__":
    main()
