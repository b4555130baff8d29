"""Recompute the tables of lesson 02: which cure stops mode collapse, and what long runs reach.

    python studies/lesson02.py cures --steps 6000 --seeds 0 1 2
    python studies/lesson02.py long --steps 30000 --seeds 0

Uses MNIST where `data.mnist()` finds it (GAN_LESSONS_DATA), else the bundled digits;
`--data digits` asks for the latter. One thread, 2,000 samples of the newest weights and of their
moving average; a run takes about a minute for 6,000 steps.
"""

import argparse
import statistics
import time

from gan_lessons import data, losses, measure, penalties, recipes, runtime
from gan_lessons.train import fit

MODERN = {"penalty": penalties.r1, "lr": 1e-3, "betas": (0.0, 0.99)}
CURES = {
    "as written": lambda seed: recipes.source_004(seed=seed),
    "label smoothing 0.9": lambda seed: recipes.source_004(
        seed=seed, loss=losses.NonSaturating(smooth=0.9)),
    "dropout 0.3 in D": lambda seed: recipes.source_004(seed=seed, dropout=0.3),
    "R1": lambda seed: recipes.source_004(seed=seed, penalty=penalties.r1),
    "lr 0.001": lambda seed: recipes.source_004(seed=seed, lr=1e-3),
    "betas 0, 0.99": lambda seed: recipes.source_004(seed=seed, betas=(0.0, 0.99)),
    "lr and betas": lambda seed: recipes.source_004(seed=seed, lr=1e-3, betas=(0.0, 0.99)),
    "lr, betas and R1": lambda seed: recipes.source_004(seed=seed, **MODERN),
    "002 as written": lambda seed: recipes.source_002(seed=seed),
    "002 betas 0, 0.99": lambda seed: recipes.source_002(seed=seed, betas=(0.0, 0.99)),
    "002 betas and R1": lambda seed: recipes.source_002(
        seed=seed, betas=(0.0, 0.99), penalty=penalties.r1),
}
LONG = {
    "002 as written": lambda seed: recipes.source_002(seed=seed),
    "004 as written": lambda seed: recipes.source_004(seed=seed),
    "002 with R1": lambda seed: recipes.source_002(
        seed=seed, penalty=penalties.r1, betas=(0.0, 0.99)),
    "004 with R1": lambda seed: recipes.source_004(seed=seed, **MODERN),
}


def main() -> None:
    """Run the study the command line asks for and print a line for each run and each recipe."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", choices=("cures", "long"))
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--every", type=int, help="also report every so many steps")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--data", choices=("digits", "mnist"))
    parser.add_argument("--only", nargs="+", help="names of recipes to run")
    options = parser.parse_args()
    runtime.set_threads(1)
    name = options.data or ("mnist" if data.have_mnist() else "digits")
    load = getattr(data, name)
    images, held_out = load(train=True), load(train=False)
    ruler = measure.DigitEvaluator(images, held_out)
    print(f"{name}: {len(images)} pictures; classifier {ruler.classifier.accuracy:.3f} right")
    print(f"{'floor':44s} {ruler.floor}", flush=True)
    for recipe, make in (CURES if options.study == "cures" else LONG).items():
        if options.only and recipe not in options.only:
            continue
        last = []
        for seed in options.seeds:
            game, start = make(seed), time.process_time()
            every = options.every or options.steps
            for steps in range(every, options.steps + 1, every):
                fit(game, images, steps, progress=False)
                for average in (False, True):
                    report = ruler.report(game.sample(2000, ema=average))
                    kind = "average" if average else "newest"
                    took = f"{time.process_time() - start:.0f} s"
                    print(f"{recipe:33s} {seed:2d} {steps:6d} {kind:8s} {report}   {took}",
                          flush=True)
            last.append(report)
        print(f"{recipe:33s} classes {[r.classes for r in last]}, KL "
              f"{statistics.mean(r.kl for r in last):.3f}, fd "
              f"{statistics.mean(r.fd_digits for r in last):.3f}", flush=True)


if __name__ == "__main__":
    main()
