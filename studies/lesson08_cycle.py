"""Recompute what lesson 08 says of pix2pix and CycleGAN, and store it beside this file (`--write`).

    python -m studies.lesson08_cycle short --write     short runs, one thing changed in each
    python -m studies.lesson08_cycle long --write      longer runs, and the sheet in images/
    python -m studies.lesson08_cycle others --write    rooms by day and night, digits and inverses

One thread. Core toy faces of 32x32: A wears no glasses, B wears round ones. CycleGAN is given two
sets of different people, pix2pix the same people twice. What became of 1,000 new faces is read by
the course's factor reader; and because a toy face can be drawn with its glasses changed and nothing
else, how far each is from the right answer is known, too. A run that is stored is not played again.
"""

import argparse
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from gan_lessons import cycle, data, show
from gan_lessons.data import ImageSet, to_signed
from gan_lessons.measure import factor_reader
from gan_lessons.measure.digits import digit_net
from studies import results
from studies.sheets import titled_rows

IMAGES = Path(__file__).parents[1] / "images"
TRAINING, NEW = 4000, 1000  # pictures
A, B = "none", "round"
SETTINGS = {"batch": 8}
STEPS, LONGER = 600, 3000
WAYS: dict[str, dict] = {
    "cyclegan": {},
    "no cycle loss": {"cycle": 0},
    "no identity loss": {"identity": 0},
    "neither": {"cycle": 0, "identity": 0},
    "patches of 16": {"patch": 1},
    "ResNet generators": {"network": "resnet", "downs": 2},  # two halvings, as in the paper
    "pix2pix": {},
}


def faces(glasses: str, n: int, seed: int) -> ImageSet:
    """Return faces with these glasses; the people depend on the seed alone."""
    return data.toy_faces(n, size=32, seed=seed, core=True, factors={"glasses": glasses})


def played(way: str, seed: int, steps: int) -> tuple[cycle.Translation, dict]:
    """Play a game; return it, and what it came to."""
    make = cycle.pix2pix if way == "pix2pix" else cycle.cyclegan
    game = make(seed=seed, decay=steps, **SETTINGS, **WAYS[way])
    others = 0 if way == "pix2pix" else 10  # the seed of B's people
    start = time.process_time()
    cycle.fit(game, faces(A, TRAINING, 0), faces(B, TRAINING, others), steps, progress=False)
    results.completed(game, steps)
    return game, {"seconds": round(time.process_time() - start), **measured(game)}


def measured(game: cycle.Translation) -> dict:
    """Return how new faces came out, in each direction that the game has."""
    without, wearing = faces(A, NEW, 5), faces(B, NEW, 5)  # the same people
    found = {"put on": judged(cycle.translate(game.a_to_b, without), wearing)}
    if "b_to_a" in game.parts:
        found["taken off"] = judged(cycle.translate(game.b_to_a, wearing), without)
        back = cycle.translate(game.b_to_a, cycle.translate(game.a_to_b, without))
        found["back again"] = distance(back, without.images)
    return found


def judged(made: Tensor, right: ImageSet, changed: str = "glasses") -> dict:
    """Compare translated toys with the right answers, drawn by the toys' own code.

    Returns:
        The share in which the factor to be `changed` is `obeyed`, in which each other is `kept`, in
        which the reader sees all as it should be; and the mean distance from the right pictures.
    """
    read, _ = factor_reader(right).read(made)
    agrees = {name: read[name] == values for name, values in right.factors.items()}
    everything = sum(agrees.values()) == len(agrees)
    kept = {name: share(agree) for name, agree in agrees.items() if name != changed}
    return {"obeyed": share(agrees[changed]), "least kept": min(kept.values()), "kept": kept,
            "all right": share(everything), "distance": distance(made, right.images)}


def share(yes: Tensor) -> float:
    """Return the share of True."""
    return round(yes.float().mean().item(), 4)


def distance(made: Tensor, right: Tensor) -> float:
    """Return the mean |made - right|, of pictures in [-1, 1]."""
    return round((to_signed(made) - to_signed(right)).abs().mean().item(), 4)


def begun(study: str, steps: int) -> dict:
    """Return what a study has found so far, with what the numbers depend on."""
    without, wearing = faces(A, NEW, 5), faces(B, NEW, 5)
    return results.begun("lesson08", study) or {
        "data": f"{without.name}, {TRAINING} of 32x32 in each set", "new": NEW, "steps": steps,
        "settings": SETTINGS, **results.machine(),
        "real pictures": judged(wearing.images, wearing),  # what the reader itself gets wrong
        "nothing changed": judged(without.images, wearing), "runs": {}}


def compare(study: str, ways, steps: int, options: argparse.Namespace) -> None:
    """Play every way on every seed."""
    for seed in options.seeds:
        for way in ways:
            content = begun(study, steps)
            runs = content["runs"].setdefault(way, {})
            if str(seed) in runs:
                continue
            game, runs[str(seed)] = played(way, seed, steps)
            print(study, way, seed, runs[str(seed)], flush=True)
            if options.write:
                results.store("lesson08", study, content)
                if study == "cycle_long" and seed == 0 and way == "cyclegan":
                    draw_sheet(game)


def draw_sheet(game: cycle.Translation) -> None:
    """Write images/lesson08_glasses.png: faces, what became of them, and the way back."""
    without, wearing = faces(A, 12, 5), faces(B, 12, 6)
    put_on = cycle.translate(game.a_to_b, without)
    taken_off = cycle.translate(game.b_to_a, wearing)
    rows = {"without glasses": without.images, "put on by CycleGAN": put_on,
            "and taken off again": cycle.translate(game.b_to_a, put_on),
            "with glasses": wearing.images, "taken off by CycleGAN": taken_off,
            "and put on again": cycle.translate(game.a_to_b, taken_off)}
    save_sheet(rows, "lesson08_glasses.png")


def save_sheet(rows: dict[str, Tensor], name: str) -> None:
    """Write rows of twelve pictures below their titles."""
    picture = titled_rows({title: show.grid(row[:12], columns=12) for title, row in rows.items()},
                          "RGB", font=13, head=20)
    picture.quantize(192).save(IMAGES / name, optimize=True)


# ---- other sets ----

def rooms(window: str, n: int, seed: int) -> ImageSet:
    """Return rooms with this view; the rooms depend on the seed alone."""
    return data.toy_rooms(n, size=32, seed=seed, core=True, factors={"window": window})


def inverse(digits: ImageSet) -> ImageSet:
    """Return black digits on white."""
    return replace(digits, images=255 - digits.images, name=f"inverse {digits.name}")


def others(options: argparse.Namespace) -> None:
    """Let CycleGAN turn day into night and digits into their inverse."""
    digits, new = data.mnist().framed(32), data.mnist(train=False).framed(32)[:NEW]
    digits = digits[torch.randperm(len(digits), generator=torch.Generator().manual_seed(0))]
    by_day, by_night = rooms("day", NEW, 5), rooms("night", NEW, 5)  # the same rooms
    classifier = digit_net()
    study, rows = "cycle_others", {}
    for seed in options.seeds:
        content = results.begun("lesson08", study) or {
            "new": NEW, "steps": STEPS, "settings": SETTINGS, **results.machine(),
            "classifier": classifier.accuracy, "rooms": {}, "digits": {}}
        if str(seed) in content["digits"]:
            continue
        game = cycle.cyclegan(seed=seed, decay=STEPS, **SETTINGS)
        cycle.fit(game, rooms("day", TRAINING, 0), rooms("night", TRAINING, 10), STEPS,
                  progress=False)
        results.completed(game, STEPS)
        night, day = (cycle.translate(game.a_to_b, by_day), cycle.translate(game.b_to_a, by_night))
        content["rooms"][str(seed)] = {"into night": judged(night, by_night, "window"),
                                       "into day": judged(day, by_day, "window")}
        if seed == 0:
            rows |= {"rooms by day": by_day.images, "turned into night": night,
                     "rooms by night": by_night.images, "turned into day": day}
        game = cycle.cyclegan(1, 1, seed=seed, decay=STEPS, **SETTINGS)
        cycle.fit(game, digits[:TRAINING], inverse(digits[TRAINING:2 * TRAINING]), STEPS,
                  progress=False)
        results.completed(game, STEPS)
        made = cycle.translate(game.a_to_b, new)
        read = classifier.probabilities(classifier.features(255 - made[:, :, 2:-2, 2:-2])).argmax(1)
        content["digits"][str(seed)] = {"class kept": share(read == new.labels),
                                        "distance": distance(made, 255 - new.images)}
        if seed == 0:
            rows |= {"digits": new.images, "turned into their inverse": made}
        print(study, seed, content["rooms"][str(seed)], content["digits"][str(seed)], flush=True)
        results.keep("lesson08", study, content, options)
    if options.write and rows:
        save_sheet(rows, "lesson08_others.png")


STUDIES = {"others": others, "short": partial(compare, "cycle_short", WAYS, STEPS),
           "long": partial(compare, "cycle_long", ("cyclegan", "pix2pix"), LONGER)}


def main() -> None:
    """Run the studies the command line names."""
    results.run(STUDIES, results.parser(__doc__, STUDIES, (0, 1, 2)).parse_args())


if __name__ == "__main__":
    main()
