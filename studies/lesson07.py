"""Recompute what lesson 07 rests on, and store it beside this file (`--write`).

    python -m studies.lesson07 board --write          every damage, every metric
    python -m studies.lesson07 copies --write         alarms of the tests for copies, true and false
    python -m studies.lesson07 leaderboard --write    the course's generators at equal seconds

One thread. A run of `leaderboard` that is stored is not played again.
"""

import argparse
import time
from collections.abc import Callable

import torch
from torch import Tensor

from gan_lessons import data, measure, runtime
from gan_lessons.measure import damage
from studies import results
from studies.results import machine

# ---- the damage board ----

BEST = {"frechet": -1, "kid": -1, "mind": -1, "precision": 1, "recall": 1, "density": 1,
        "coverage": 1, "inception": 1, "copies": -1}  # 1: more is better


def board(options: argparse.Namespace) -> None:
    """Score every damage with every metric, on several ways to deal out the digits."""
    rows: dict = {name: {metric: [] for metric in BEST} for name in damage.DAMAGES}
    static: dict = {"without": {"precision": [], "density": []},
                    "with": {"precision": [], "density": []}}
    for seed in options.seeds or range(5):
        parts = damage.split(data.mnist(), seed)
        for name, row in damage.board(parts).items():
            for metric, value in row.items():
                rows[name][metric].append(round(value, 4))
        for where, found in zip(static, damage.forgiven(parts), strict=True):
            static[where]["precision"].append(round(found.precision, 4))
            static[where]["density"].append(round(found.density, 4))
        print("board", seed, flush=True)
    floor = rows["none"]
    content = {**machine(), "n": damage.N, "seeds": list(options.seeds or range(5)), "rows": rows,
               "verdicts": {name: {metric: verdict(row[metric], floor[metric], BEST[metric])
                                   for metric in BEST} for name, row in rows.items()},
               "static and a white page among the real": static}
    for name, row in content["verdicts"].items():
        print(f"{name:24}" + " ".join(f"{metric} {word:6}" for metric, word in row.items()))
    store("board", content, options)


def verdict(values: list[float], floor: list[float], best: int) -> str:
    """Return "worse", "better" or "same" than undamaged pictures, for all seeds or not at all.

    Worse: every value is worse than every value of the floor. `best` is 1 if more is better.
    """
    if best < 0:
        values, floor = [-x for x in values], [-x for x in floor]
    if max(values) < min(floor):
        return "worse"
    return "better" if min(values) > max(floor) else "same"


# ---- the tests for copies ----

DRAWS, PICTURES, ALARM = 40, 1000, 3.0
RECITERS = ("exact", "noise 30", "noise 60", "noise 120", "shift 1", "shift 2",
            "shift 2, noise 30", "a tenth", "a twentieth")
HONEST = ("fresh digits", "other writers", "20 pictures, repeated", "blurred digits")


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


def store(study: str, content: dict, options: argparse.Namespace) -> None:
    """Write what a study has found beside this file, if asked."""
    if options.write:
        results.store("lesson07", study, content)


STUDIES = {"board": board, "copies": copies}


def main() -> None:
    """Run the studies the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("studies", nargs="+", choices=STUDIES)
    parser.add_argument("--seeds", type=int, nargs="+", help="instead of the study's own")
    parser.add_argument("--write", action="store_true", help="store the numbers")
    options = parser.parse_args()
    runtime.set_threads(1)
    for name in options.studies:
        start = time.process_time()
        STUDIES[name](options)
        print(f"{name}: {time.process_time() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
