"""Recompute what lesson 08 says of conditional GANs, and store it beside this file (`--write`).

    python -m studies.lesson08 digits --write      three ways to tell D the class, at equal seconds
    python -m studies.lesson08 length --write      how obedience and diversity come with the steps
    python -m studies.lesson08 combinations --write   glasses and hair never shown together

One thread. Seconds are those of one core, and become steps by timing a few steps of each game in
turns: the number of steps is what is stored and played. A run that is stored is not played again.
Obedience is `measure.obedience`, of the averaged generator.
"""

import argparse
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import fmean

import torch

from gan_lessons import condition, data, measure, recipes, show
from gan_lessons.data import ImageSet
from gan_lessons.train import Game, generate
from studies import results
from studies.lesson04 import about, steps_in
from studies.results import fit
from studies.sheets import enlarged

IMAGES = Path(__file__).parents[1] / "images"
SAMPLES = 3000
LONG = 10**6  # steps of a game that is only timed: its schedule must not end
LESSON = {"features": 16, "gamma": 1.0, "precision": "bfloat16"}  # the lesson's own run
WAYS = ("projection", "concat", "auxiliary")
SECONDS = 60
LENGTHS = (400, 800, 1600, 3200)  # steps
FACTORS = ("glasses", "hair_style")
HELD_OUT = ((1, 3), (0, 2))  # glasses and a bun; no glasses and curls
FACES = {"features": 32, "precision": "bfloat16"}
FACES_SECONDS = 60
EACH = 200  # samples of a combination


def digits_32() -> ImageSet:
    """Return the digits in the box, with a rim, conditioned on their labels."""
    return data.mnist().framed(32).conditioned_on()


def obeyed(made: torch.Tensor, y: torch.Tensor, of: ImageSet) -> dict:
    """Return what is stored of an obedience report."""
    report = measure.obedience(made, y, of)
    found = {"as asked": report.accuracy, "obeyed": report.obeyed, "of": len(report.classes),
             "worst": min(report.classes.values()),
             "coverage": fmean(report.coverage.values()),
             "diversity": fmean(report.diversity.values())}
    if len(report.factors) > 1:
        found |= report.factors
    return {name: round(value, 4) for name, value in found.items()}


def floor_of_digits() -> dict:
    """Return what held-out digits get: the classifier errs on real ones, too."""
    real = data.mnist(train=False).conditioned_on()
    return obeyed(real.images, real.condition, data.mnist().conditioned_on())


def played(game: Game, pictures: ImageSet, steps: int) -> int:
    """Play a game to its end and return how many seconds of the processor it took."""
    start = time.process_time()
    fit(game, pictures, steps)
    return round(time.process_time() - start)


def of_digits(game: Game) -> dict:
    """Return how far a game of digits does what it is asked, every digit equally often."""
    y = condition.conditions(None, (10,), SAMPLES)
    return obeyed(game.sample(SAMPLES, y=y, ema=True), y, data.mnist().conditioned_on())


def digits(options: argparse.Namespace) -> None:
    """Tell D the class in three ways, for equal seconds of one core."""
    pictures = digits_32()

    def make(way: str, seed: int, steps: int) -> Game:
        return recipes.conditional(32, 1, (10,), how=way, steps=steps, seed=seed, **LESSON)
    content = stored("digits")
    if not content:
        steps = steps_in(SECONDS, {way: make(way, 0, LONG) for way in WAYS}, pictures)
        content = {**about(pictures, LESSON), "seconds": SECONDS, "samples": SAMPLES,
                   "steps": steps, "floor": floor_of_digits(), "runs": {way: {} for way in WAYS}}
    for seed in map(str, options.seeds):
        for way in WAYS:
            if seed not in content["runs"][way]:
                game = make(way, int(seed), content["steps"][way])
                seconds = played(game, pictures, content["steps"][way])
                keep("digits", content, content["runs"][way], seed,
                     {"seconds": seconds, **of_digits(game)}, options)


def length(options: argparse.Namespace) -> None:
    """Play the lesson's game with fewer and with more steps, the learning rate fading over them."""
    pictures = digits_32()
    content = stored("length") or {**about(pictures, LESSON), "samples": SAMPLES,
                                   "floor": floor_of_digits(),
                                   "runs": {str(steps): {} for steps in LENGTHS}}
    for seed in map(str, options.seeds):
        for steps in LENGTHS:
            runs = content["runs"][str(steps)]
            if seed not in runs:
                game = recipes.conditional(32, 1, (10,), steps=steps, seed=int(seed), **LESSON)
                seconds = played(game, pictures, steps)
                keep("length", content, runs, seed,
                     {"seconds": seconds, **of_digits(game)}, options)


# ---- combinations that were never shown together ----

def flat(faces: ImageSet) -> ImageSet:
    """Return faces with one class for each combination, which knows nothing of factors."""
    first, second = faces.asked.values()
    names = tuple(f"{a}, {b}" for a in first for b in second)
    y = faces.condition[:, 0] * len(second) + faces.condition[:, 1]
    return replace(faces, condition=y, asked={"combination": names})


def combinations(options: argparse.Namespace) -> None:
    """Hold two of eight combinations back, and ask for all eight.

    "factors": y is (glasses, hair), whose embeddings are summed; "one class each": y is the number
    of the combination; "all shown": as "factors", with nothing held back.
    """
    every = data.toy_faces(10_000, size=32, core=True).conditioned_on(*FACTORS)
    held = torch.stack([(every.condition == torch.tensor(pair)).all(1) for pair in HELD_OUT]).any(0)
    sets = {"factors": every[~held], "one class each": flat(every)[~held], "all shown": every}
    y = condition.every_combination(every.classes).repeat_interleave(EACH, 0)
    unseen = torch.stack([(y == torch.tensor(pair)).all(1) for pair in HELD_OUT]).any(0)

    def make(way: str, seed: int, steps: int) -> Game:
        return recipes.conditional(32, 3, sets[way].classes, steps=steps, seed=seed, **FACES)
    content = stored("combinations")
    if not content:
        steps = steps_in(FACES_SECONDS, {"factors": make("factors", 0, LONG)}, every)["factors"]
        names = [", ".join(words[v] for words, v in zip(every.asked.values(), pair, strict=True))
                 for pair in HELD_OUT]
        content = {**about(every, FACES), "seconds": FACES_SECONDS, "each": EACH, "steps": steps,
                   "held out": names, "runs": {way: {} for way in sets}}
    for seed in map(str, options.seeds):
        for way, pictures in sets.items():
            if seed not in content["runs"][way]:
                game = make(way, int(seed), content["steps"])
                seconds = played(game, pictures, content["steps"])
                asked = y if way != "one class each" else y[:, 0] * every.classes[1] + y[:, 1]
                made = game.sample(len(y), y=asked, ema=True)
                found = {"seconds": seconds, "shown": obeyed(made[~unseen], y[~unseen], every),
                         "held out": obeyed(made[unseen], y[unseen], every)}
                keep("combinations", content, content["runs"][way], seed, found, options)
                if (way, seed) == ("factors", "0"):
                    draw_rows("lesson08_combinations", game, options)


def draw_rows(name: str, game: Game, options: argparse.Namespace) -> None:
    """Write images/<name>.png: a row for each class, of twelve z that are the same in all rows."""
    if options.write:
        y = condition.rows(game.classes, 12)
        z = torch.randn(12, game.latent, generator=torch.Generator().manual_seed(0))
        made = generate(game.generator_ema, z.repeat(len(y) // 12, 1), y)
        picture = enlarged(show.grid(made, columns=12))
        picture.quantize(128).save(IMAGES / f"{name}.png", optimize=True)


stored = partial(results.begun, "lesson08")


def keep(study: str, content: dict, runs: dict, seed: str, found: dict,
         options: argparse.Namespace) -> None:
    """Print what a run has found, put it into `runs`, a part of `content`, and store that."""
    print(study, seed, found, flush=True)
    runs[seed] = found
    results.keep("lesson08", study, content, options)


STUDIES = {"digits": digits, "length": length, "combinations": combinations}


def main() -> None:
    """Run the studies the command line names."""
    results.run(STUDIES, results.parser(__doc__, STUDIES, (0, 1, 2)).parse_args())


if __name__ == "__main__":
    main()
