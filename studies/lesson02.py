"""Recompute the tables of lesson 02: the remedies, the long runs, and the test for copies.

    python -m studies.lesson02 authors --write     120,000 steps of both tutorials' settings
    python -m studies.lesson02 remedies --write    one change at a time, five seeds
    python -m studies.lesson02 cured --write       the lesson's last game, five seeds

One thread. Without `--write` nothing is stored; `--only`, `--seeds` and `--steps` make it shorter.
`tests/test_studies.py` plays a part of it again.
"""

import argparse
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import mean

import torch

from gan_lessons import data, losses, measure, penalties, recipes, runtime
from gan_lessons.data import ImageSet
from gan_lessons.train import Game
from studies import results
from studies.results import fit, machine

STEPS = {"authors": 120_000, "remedies": 2000, "cured": 8000}
EVERY = {"authors": 10_000, "remedies": 2000, "cured": 2000}
SAMPLES = 2000

AUTHORS: dict[str, Callable[..., Game]] = {
    "siriusdemon": recipes.source_002, "Datawhale": recipes.source_004}

MODERN = {"lr": 1e-3, "betas": (0.0, 0.99)}
REMEDIES: dict[str, dict] = {  # what is changed in Datawhale's settings: lr 2e-4, betas 0.9, 0.999
    "as written": {},
    "label smoothing 0.9": {"loss": losses.NonSaturating(smooth=0.9)},
    "dropout 0.3 in D": {"dropout": 0.3},
    "lr 0.001": {"lr": 1e-3},
    "beta1 0": {"betas": (0.0, 0.999)},
    "beta2 0.99": {"betas": (0.9, 0.99)},
    "R1": {"penalty": penalties.r1},
    "lr and betas": MODERN,
}


def lesson_digits() -> tuple[ImageSet, ImageSet]:
    """Return the lesson's digits: the box's first 6,000 to learn from, the next 2,000 held out."""
    box = data.mnist(train=True)[:8000]
    return box[:6000], box[6000:]


def cured_game(seed: int) -> Game:
    """Return the lesson's last game."""
    return recipes.source_004(seed=seed, batch=50, lr=1e-3, betas=(0.0, 0.99), ema=0.9995,
                              penalty=partial(penalties.r1, gamma=3.0), penalty_every=4)


def mnist_20000() -> tuple[ImageSet, ImageSet]:
    """Return 18,000 real digits to learn from and 2,000 held out, where both files hold 10,000.

    The held-out digits are the first 2,000 of MNIST's test file; its other pictures are learned
    from as well, because the authors' 60,000 are not at hand.
    """
    first, second = data.mnist(train=True), data.mnist(train=False)
    rest = second[2000:]
    learn = ImageSet(torch.cat([first.images, rest.images]),
                     torch.cat([first.labels, rest.labels]), "mnist", first.about)
    return learn, second[:2000]


def numbers(report: measure.DigitReport) -> dict:
    """Return a report as plain numbers."""
    return {"classes": report.classes, "kl": round(report.kl, 4),
            "fd_digits": round(report.fd_digits, 4), "kid": round(report.kid_digits, 5),
            "confident": round(report.confident, 4),
            "histogram": [round(float(share), 4) for share in report.histogram]}


def play(game: Game, images: ImageSet, evaluator: measure.DigitEvaluator, steps: int, every: int,
         name: str, look: Callable[[list[dict]], None] | None = None) -> list[dict]:
    """Train, measure newest weights and their average every so often, and return the measures.

    `look` is called with all measures so far, each time there is a new one.
    """
    found = []
    start = time.process_time()
    for step in range(every, steps + 1, every):
        fit(game, images, step)
        reports = {"newest": evaluator.report(game.sample(SAMPLES)),
                   "average": evaluator.report(game.sample(SAMPLES, ema=True))}
        for kind, report in reports.items():
            print(f"{name:26s} seed {game.seed} {step:6d} {kind:8s}{report}  "
                  f"{time.process_time() - start:.0f} s", flush=True)
        found.append({"step": step, **{kind: numbers(r) for kind, r in reports.items()}})
        if look is not None:
            look(found)
    return found


def about(images: ImageSet, held_out: ImageSet, evaluator: measure.DigitEvaluator) -> dict:
    """Return what was learned from, what it is measured with, and on what."""
    return {"data": f"{images.name}: {len(images)} to learn from, {len(held_out)} held out",
            "samples": SAMPLES, **machine(),
            "classifier_accuracy": round(evaluator.classifier.accuracy, 4),
            "real_against_real": numbers(evaluator.floor)}


def authors(options: argparse.Namespace) -> None:
    """Play both tutorials' settings at their own length, 120,000 steps, on 18,000 real digits."""
    images, held_out = mnist_20000()
    evaluator = measure.DigitEvaluator(images, held_out)
    content = {**about(images, held_out, evaluator), "runs": {}}
    for name in options.only or AUTHORS:
        game = AUTHORS[name](seed=options.seeds[0])
        run = {"seed": game.seed, "batch": game.batch, "lr": game.lr, "betas": game.betas}
        content["runs"][name] = run

        def look(found, game=game, run=run, name=name):
            run["measures"] = found
            if options.write:
                results.store("lesson02", "authors", content)
            if options.pictures:
                torch.save({"newest": game.sample(256), "average": game.sample(256, ema=True)},
                           options.pictures / f"{name}_{game.step}.pt")
        play(game, images, evaluator, options.steps, options.every, name, look)


def remedies(options: argparse.Namespace) -> None:
    """Change Datawhale's settings one at a time, on the lesson's digits, and measure G."""
    images, held_out = lesson_digits()
    evaluator = measure.DigitEvaluator(images, held_out)
    content = {**about(images, held_out, evaluator), "steps": options.steps}
    names = options.only or list(REMEDIES)
    content["runs"] = {name: {} for name in names}
    for seed in options.seeds:
        for name in names:
            game = recipes.source_004(seed=seed, **REMEDIES[name])
            content["runs"][name][seed] = play(game, images, evaluator, options.steps,
                                               options.every, name)
            if options.write:
                results.store("lesson02", "remedies", content)


def cured(options: argparse.Namespace) -> None:
    """Play the lesson's last game, measure it, and test its samples for copies."""
    images, held_out = lesson_digits()
    new = data.mnist(train=False)[:SAMPLES]
    evaluator = measure.DigitEvaluator(images, held_out)
    content = {**about(images, held_out, evaluator), "steps": options.steps, "runs": {},
               "copies": {"new digits": copies(new.images, images, held_out),
                          "reciter": copies(reciter(images.images), images, held_out),
                          "held out, among other writers": copies(held_out.images, images, new)}}
    for seed in options.seeds:
        game = cured_game(seed)
        measures = play(game, images, evaluator, options.steps, options.every, "cured")
        found = copies(game.sample(SAMPLES, ema=True), images, held_out)
        print(found, flush=True)
        content["runs"][seed] = {"measures": measures, "copies": found}
        if options.pictures:
            torch.save(game.sample(256, ema=True), options.pictures / f"cured_{seed}.pt")
        if options.write:
            results.store("lesson02", "cured", content)


def reciter(training: torch.Tensor, n: int = SAMPLES, noise: float = 30.0) -> torch.Tensor:
    """Return training pictures, drawn at random, with noise: what a mere reciter would hand in.

    `noise` is its standard deviation in grey levels.
    """
    chance = torch.Generator().manual_seed(0)
    recited = training[torch.randint(len(training), (n,), generator=chance)].float()
    recited += noise * torch.randn(recited.shape, generator=chance)
    return recited.round().clamp(0, 255).to(torch.uint8)


def summary(runs: dict, weights: str = "newest") -> dict:
    """Return what the seeds of one game reached at the end: lists, one entry a seed.

    `runs` are the measures of each seed; `weights` says whose: "newest" or "average".
    """
    last = [measures[-1][weights] for measures in runs.values()]
    return {name: [report[name] for report in last]
            for name in ("classes", "kl", "confident", "fd_digits", "kid")}


def row(found: dict) -> str:
    """Return a `summary` as the lesson's tables show it: classes, mean KL, confident, distance."""
    seen = " ".join(str(classes) for classes in found["classes"])
    return (f"{seen} | {mean(found['kl']):.3f} | {mean(found['confident']):.0%} | "
            f"{mean(found['fd_digits']):.2f}")


def copies(pictures: torch.Tensor, images: ImageSet, held_out: ImageSet) -> dict:
    """Return the test for copies as plain numbers."""
    report = measure.copy_test(pictures, images.images, held_out.images)
    return {"share": round(report.share, 4), "z": round(report.z, 2)}


STUDIES = {"authors": authors, "remedies": remedies, "cured": cured}


def main() -> None:
    """Run the study that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", choices=STUDIES)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--every", type=int, help="steps between two measures")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--only", nargs="+", help="names of the games to play")
    parser.add_argument("--write", action="store_true", help="store the numbers")
    parser.add_argument("--pictures", type=Path, help="a folder for samples along the way")
    options = parser.parse_args()
    options.steps = options.steps or STEPS[options.study]
    options.every = options.every or min(EVERY[options.study], options.steps)
    runtime.set_threads(1)
    STUDIES[options.study](options)


if __name__ == "__main__":
    main()
