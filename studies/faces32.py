"""Faces of 32x32 on one scale: what the games of lessons 03 and 04, and longer ones, reach.

    python -m studies.faces32 --write              plays every game and stores faces32.json
    python -m studies.faces32 "new real pictures" --write    only this row; the others stay

Every row is measured alike: 10,000 samples (seed 0, averaged weights), Fréchet distance to the
10,000 core toy faces in the features of the course's factor reader, combinations, reverse KL, and
the share of samples that count. The lessons' games are played with their own settings and seed on
one thread, as lesson 03's cell does; lesson 04's has two, which add in another order, and so gets
another run of that game.
"""

import argparse
import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch

from gan_lessons import data, measure, recipes, runtime
from gan_lessons.measure.factors import kl_floor
from gan_lessons.train import Game
from studies import lesson04
from studies.results import fit, machine

RESULTS = Path(__file__).with_suffix(".json")
SAMPLES = 10_000


def faces(n: int = 10_000, seed: int = 0):
    """Return core toy faces of 32x32."""
    return data.toy_faces(n, size=32, seed=seed, core=True)


def contestant(name: str) -> Callable[[], Game]:
    """Return how the game of lesson 04 is made."""
    return partial(lesson04.contestant, name, 0)


# name -> (how the game is made, its steps, how many pictures it learns from, threads)
PLAYED = lesson04.stored("recipes")["steps"]
GALLERY = lesson04.stored("gallery").get("faces", {"settings": {"steps": 1}})["settings"]["steps"]
GAMES: dict[str, tuple[Callable[[], Game], int, int, int]] = {
    "lesson 03, SN-GAN": (partial(recipes.sngan, 32, features=24, batch=32, lr=2e-3, steps=2000,
                                  ema=0.995, precision="bfloat16"), 2000, 10_000, 1),
    "lesson 04, clipping": (contestant("clip"), PLAYED["clip"], 10_000, 1),
    "lesson 04, WGAN-GP": (contestant("gp"), PLAYED["gp"], 10_000, 1),
    "lesson 04, gallery": (partial(lesson04.gallery_game, GALLERY), GALLERY, 10_000, 1),
    "SN-GAN, five minutes": (partial(recipes.sngan, 32, steps=8000, precision="bfloat16"),
                             8000, 20_000, 2),
    "SN-GAN, half an hour": (partial(recipes.sngan, 32, features=48, steps=25_500,
                                     precision="bfloat16"), 25_500, 20_000, 2),
}
FLOOR = "new real pictures"


# Measured when README had pictures of these two, before `counted` was stored: played again, they
# take 10 and 60 minutes of a core. Their KL floor says between which limits `counted` lies.
RECORDED = {
    "SN-GAN, five minutes": {"combinations": 96, "reverse_kl": 0.059, "kl_floor": 0.008,
                             "sure": 0.71, "frechet": 30.4},
    "SN-GAN, half an hour": {"combinations": 96, "reverse_kl": 0.013, "kl_floor": 0.006,
                             "sure": 0.87, "frechet": 3.3}}


def counted_from(floor: float) -> list[float]:
    """Return the least and the largest share of SAMPLES whose KL floor rounds to `floor`."""
    fits = [n for n in range(1000, SAMPLES + 1, 10) if abs(kl_floor(n, 96) - floor) <= 0.0005]
    return [round(min(fits) / SAMPLES, 3), round(max(fits) / SAMPLES, 3)]


def report(pictures: torch.Tensor) -> dict:
    """Return what is stored of a set of pictures."""
    real = faces()
    reader = measure.factor_reader(real)
    found = measure.factor_coverage(pictures, real)
    distance = measure.frechet_distance(reader.features(pictures), reader.features(real.images))
    return {"combinations": found.seen, "reverse_kl": round(found.reverse_kl, 4),
            "kl_floor": round(found.floor, 4), "counted": round(found.counted / found.n, 4),
            "sure": round(found.sure, 4), "frechet": round(distance, 2)}


def play(name: str) -> dict:
    """Play a game and measure it."""
    if name == FLOOR:
        return report(faces(SAMPLES, seed=1).images)
    make, steps, drawn, threads = GAMES[name]
    runtime.set_threads(threads)
    start = time.process_time()
    game = fit(make(), faces(drawn), steps)
    took = time.process_time() - start
    return {"steps": steps, "drawn": drawn, "threads": threads, "seed": game.seed,
            "precision": game.precision, "seconds": round(took),
            **report(game.sample(SAMPLES, ema=True))}


def main() -> None:
    """Play the games that the command line names, or all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help=f"of {', '.join([*GAMES, FLOOR])}")
    parser.add_argument("--write", action="store_true", help=f"store them in {RESULTS.name}")
    options = parser.parse_args()
    if unknown := set(options.names) - {*GAMES, FLOOR}:
        parser.error(f"no such game: {', '.join(unknown)}; see --help")
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {"rows": {}}
    results |= {"samples": SAMPLES, "data": faces().described(), **machine()}
    for name, found in RECORDED.items():
        results["rows"].setdefault(name, {**found, "counted": counted_from(found["kl_floor"]),
                                          "recorded": True})
    for name in options.names or [*GAMES, FLOOR]:
        results["rows"][name] = play(name)
        print(name, results["rows"][name], flush=True)
        if options.write:
            RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
