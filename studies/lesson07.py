"""Recompute what lesson 07 rests on, and store it beside this file (`--write`).

    python -m studies.lesson07 board --write          every damage, every metric
    python -m studies.lesson07 page --write           a white page among the real, ten classifiers
    python -m studies.lesson07 copies --write         alarms of the tests for copies, true and false
    python -m studies.lesson07 leaderboard --write    the course's generators at equal seconds
    python -m studies.lesson07 deals --write          its first, tested for copies on other deals

One thread. A run of `leaderboard` that is stored is not played again, unless `--only` names it.
"""

import argparse
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from gan_lessons import data, measure, recipes, show
from gan_lessons.measure import damage
from gan_lessons.measure.digits import without_rim
from gan_lessons.train import Game
from studies import results
from studies.lesson02 import cured_game, lesson_digits
from studies.lesson04 import steps_in
from studies.results import fit, machine
from studies.sheets import titled_rows

IMAGES = Path(__file__).parents[1] / "images"

# ---- the damage board ----

BEST = {"frechet": -1, "kid": -1, "mind": -1, "precision": 1, "recall": 1, "density": 1,
        "coverage": 1, "inception": 1}  # 1: more is better
ALARM = 3.0  # the z of a test for copies above which it accuses


def board(options: argparse.Namespace) -> None:
    """Score every damage with every metric, on several ways to deal out the digits."""
    rows: dict = {name: {metric: [] for metric in (*BEST, "copies")} for name in damage.DAMAGES}
    for seed in options.seeds or range(5):
        parts = damage.split(data.mnist(), seed)
        for name, row in damage.board(parts).items():
            for metric, value in row.items():
                rows[name][metric].append(round(value, 4))
        print("board", seed, flush=True)
    floor = rows["none"]
    content = {**machine(), "n": damage.N, "seeds": list(options.seeds or range(5)), "rows": rows,
               "verdicts": {name: verdicts(row, floor) for name, row in rows.items()}}
    for name, row in content["verdicts"].items():
        print(f"{name:24}" + " ".join(f"{metric} {word:6}" for metric, word in row.items()))
    store("board", content, options)


def verdicts(row: dict[str, list[float]], floor: dict[str, list[float]]) -> dict[str, str]:
    """Return the verdict of every metric on one damage."""
    found = {metric: verdict(row[metric], floor[metric], best) for metric, best in BEST.items()}
    return found | {"copies": "worse" if min(row["copies"]) > ALARM else "same"}


def verdict(values: list[float], floor: list[float], best: int) -> str:
    """Return "worse", "better" or "same" than undamaged pictures, for all seeds or not at all.

    Worse: every value is worse than every value of the floor. `best` is 1 if more is better.
    """
    if best < 0:
        values, floor = [-x for x in values], [-x for x in floor]
    if max(values) < min(floor):
        return "worse"
    return "better" if min(values) > max(floor) else "same"


# ---- a white page among the real pictures ----

NETS = 10


def page(options: argparse.Namespace) -> None:
    """Score static without and with the page, on five deals and with ten classifiers.

    The classifiers differ in the order of the digits they learn from, and so in their batches.
    """
    box, held_out = data.mnist(), data.mnist(train=False)
    metrics = ("precision", "density", "coverage")
    found: dict = {where: {metric: [] for metric in metrics} for where in ("without", "with")}
    seeds = list(options.seeds or range(5))
    splits = [damage.split(box, seed) for seed in seeds]
    for order in range(NETS):
        chance = torch.Generator().manual_seed(order)
        net = measure.digits.digit_classifier(
            box[torch.randperm(len(box), generator=chance)], held_out)
        scores = [damage.forgiven(parts, net) for parts in splits]
        for where, column in zip(found, zip(*scores, strict=True), strict=True):
            for metric in metrics:
                found[where][metric].append(
                    [round(getattr(score, metric), 4) for score in column])
        print("page", order, {where: rows["precision"][-1] for where, rows in found.items()},
              flush=True)
        content = {**machine(), "n": damage.N, "seeds": seeds, "classifiers": order + 1, **found}
        store("page", content, options)


# ---- the tests for copies ----

DRAWS, PICTURES = 40, 1000


def suspects(parts: damage.Split, n: int) -> dict[str, Tensor]:
    """Return `n` pictures of every suspect: reciters of the training set, and honest ones."""
    chance = torch.Generator().manual_seed(parts.seed)
    fresh, others = parts.fresh.images, data.mnist(train=False).images[:2000]
    source = parts.training.images[torch.randint(len(parts.training), (n,), generator=chance)]

    def shifted(images: Tensor, by: int) -> Tensor:
        return images.roll((by, by), (2, 3))

    def noisy(strength: float) -> Tensor:
        return damage.noisy(source, strength, parts.seed)
    return {
        "exact": source, "noise 30": noisy(30), "noise 60": noisy(60), "noise 120": noisy(120),
        "shift 1": shifted(source, 1), "shift 2": shifted(source, 2),
        "shift 2, noise 30": shifted(noisy(30), 2),
        "a tenth": torch.cat([noisy(30)[:n // 10], fresh[:n - n // 10]]),
        "a twentieth": torch.cat([noisy(30)[:n // 20], fresh[:n - n // 20]]),
        "fresh digits": fresh[:n],
        "other writers": others[torch.randperm(len(others), generator=chance)[:n]],
        "20 pictures, repeated": damage.repeated(fresh, 20, n, parts.seed),
        "blurred digits": damage.blurred(fresh[:n])}


TESTS: dict[str, Callable] = {"sign test": measure.copy_test,
                              "memorisation test": measure.memorisation_test}


def copies(options: argparse.Namespace) -> None:
    """Count the alarms of lesson 02's sign test and of the test of memorisation."""
    found: dict = {test: {} for test in TESTS}
    seeds = options.seeds or range(DRAWS)
    for seed in seeds:
        parts = damage.split(data.mnist(), seed)
        for name, pictures in suspects(parts, PICTURES).items():
            for test, run in TESTS.items():
                z = run(pictures, parts.training.images, parts.unseen.images).z
                found[test].setdefault(name, []).append(round(z, 2))
    content = {**machine(), "draws": len(seeds), "pictures": PICTURES, "alarm": ALARM,
               "known": {"training": len(parts.training), "unseen": len(parts.unseen)},
               "z": found,
               "alarms": {test: {name: sum(z > ALARM for z in values)
                                 for name, values in rows.items()}
                          for test, rows in found.items()}}
    for test, alarms in content["alarms"].items():
        print(f"{test}: alarms of {len(seeds)}: {alarms}", flush=True)
    store("copies", content, options)


# ---- the leaderboard ----

SECONDS = 50  # of one core, for each game
SMALL = {"features": 16, "latent": 64}  # the convolutional networks, as in lesson 03
GAMES: dict[str, Callable[[int, int], Game]] = {  # (seed, steps), as the lessons play them
    "02 siriusdemon": lambda seed, steps: recipes.source_002(seed=seed),
    "02 Datawhale": lambda seed, steps: recipes.source_004(seed=seed),
    "02 with R1": lambda seed, steps: cured_game(seed),
    "03 DCGAN": lambda seed, steps: recipes.dcgan(
        32, 1, **SMALL, batch=64, lr=1e-3, ema=0.995, precision="bfloat16", seed=seed),
    "03 SN-GAN": lambda seed, steps: recipes.sngan(
        32, 1, **SMALL, steps=steps, ema=0.995, precision="bfloat16", seed=seed),
    "04 WGAN-GP": lambda seed, steps: recipes.wgan_gp(
        32, 1, **SMALL, n_critic=2, lr=1e-3, ema=0.99, precision="bfloat16", seed=seed),
    "06 RpGAN": lambda seed, steps: recipes.rpgan(
        32, 1, **SMALL, steps=steps, precision="bfloat16", seed=seed),
}
AS_WRITTEN = ("02 siriusdemon", "02 Datawhale")  # no average of the weights
LONG = 10**6  # steps of a game that is only timed: its schedule must not end


def leaderboard(options: argparse.Namespace) -> None:
    """Play the course's generators of digits for equal seconds and score them all."""
    training, unseen = lesson_digits()
    framed = training.framed(32)
    others = data.mnist(train=False)[:damage.N]
    evaluator = measure.Evaluator(damage.digit_net(), training.images, unseen.images)
    classes = measure.DigitEvaluator(data.mnist(), data.mnist(train=False))

    def scores(pictures: Tensor) -> dict[str, float]:
        report = classes.report(pictures)
        found = evaluator.score(pictures).numbers() | {
            "copies": measure.memorisation_test(pictures, training.images, unseen.images).z,
            "classes": report.classes, "kl": report.kl, "confident": report.confident}
        return {name: round(value, 4) for name, value in found.items()}

    content = results.begun("lesson07", "leaderboard") if options.write else {}
    if not content:
        steps = {}
        for size, pictures in ((28, training), (32, framed)):
            games = {name: make(0, LONG) for name, make in GAMES.items()}
            steps |= steps_in(SECONDS, {name: game for name, game in games.items()
                                        if game.sample(1).shape[-1] == size}, pictures)
        content = {**machine(), "data": f"{training.name}, {len(training)} to learn from",
                   "seconds": SECONDS, "n": damage.N, "steps": steps,
                   "floor": {"unseen": scores(unseen.images) | {"copies": None},
                             "other writers": scores(others.images)},
                   "runs": {name: {} for name in GAMES}}
    for seed in map(str, options.seeds or range(3)):
        for name in options.only or GAMES:
            if seed in content["runs"][name] and not options.only:
                continue
            game = GAMES[name](int(seed), content["steps"][name])
            start = time.process_time()
            fit(game, framed if game.sample(1).shape[-1] == 32 else training,
                content["steps"][name])
            took = round(time.process_time() - start)
            made = game.sample(damage.N, seed=1, ema=name not in AS_WRITTEN)
            pictures = without_rim(made)
            content["runs"][name][seed] = {"seconds": took, **scores(pictures)}
            print("leaderboard", name, seed, content["runs"][name][seed], flush=True)
            store("leaderboard", content, options)
            if seed == "0" and options.write:
                draw_row(name, pictures[:16])


def draw_row(name: str, pictures: Tensor) -> None:
    """Draw a game's samples into its row of images/lesson07_leaderboard.png."""
    path = IMAGES / "lesson07_leaderboard.png"
    row = titled_rows({name: show.grid(pictures, columns=16)}, mode="L", font=16, head=24)
    sheet = Image.new("L", (row.width, len(GAMES) * row.height), "white")
    if path.exists():
        with Image.open(path) as drawn:
            sheet.paste(drawn)
    sheet.paste(row, (0, list(GAMES).index(name) * row.height))
    sheet.save(path, optimize=True)


# ---- does the first of the leaderboard copy? ----

DEALS = 6


def deals(options: argparse.Namespace) -> None:
    """Train the leaderboard's first on other deals of the digits, and test each for copies.

    The leaderboard's seeds share their witnesses. Here every game has training pictures and
    unseen ones of its own; MNIST's other writers, tested beside it, have learned from nobody.
    """
    name, box, others = "02 with R1", data.mnist()[:8000], data.mnist(train=False).images
    steps = results.stored("lesson07", "leaderboard")["steps"][name]
    content = {**machine(), "game": name, "steps": steps, "n": damage.N, "alarm": ALARM,
               "z": {"trained": [], "other writers": []}}
    for seed in options.seeds or range(DEALS):
        order = torch.randperm(len(box), generator=torch.Generator().manual_seed(seed))
        training, unseen = box[order[:6000]], box[order[6000:]]
        game = fit(GAMES[name](seed, steps), training, steps)
        for who, pictures in (("trained", game.sample(damage.N, seed=1, ema=True)),
                              ("other writers", others[:damage.N])):
            found = measure.memorisation_test(pictures, training.images, unseen.images)
            content["z"][who].append(round(found.z, 2))
        print("deals", seed, {who: z[-1] for who, z in content["z"].items()}, flush=True)
        store("deals", content, options)


store = partial(results.keep, "lesson07")


STUDIES = {"board": board, "page": page, "copies": copies, "leaderboard": leaderboard,
           "deals": deals}


def main() -> None:
    """Run the studies the command line names."""
    parser = results.parser(__doc__, STUDIES, None)
    parser.add_argument("--only", nargs="+", help="games of the leaderboard to play again")
    results.run(STUDIES, parser.parse_args())


if __name__ == "__main__":
    main()
