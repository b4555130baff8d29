"""Recompute the numbers of lesson 03: the ablation board, networks, faces, latent space.

    python -m studies.lesson03 board --write       every change on five seeds, and one seed's spread
    python -m studies.lesson03 networks --write    convolutional against fully connected
    python -m studies.lesson03 faces --write       recipes for faces at equal seconds
    python -m studies.lesson03 latent --write      directions, arithmetic and lengths of z

One thread. Without `--write` nothing is stored; `--only` and `--seeds` make it shorter. With
`--pictures FOLDER` samples are kept there. `tests/test_studies.py` plays a part of it again.
"""

import argparse
import json
import time
from functools import partial
from pathlib import Path

import torch

from gan_lessons import ablations, data, latent, losses, measure, penalties, runtime
from gan_lessons.nets import dcgan, mlp
from gan_lessons.train import Game, TrainingDiverged, generate, sample_noise
from studies import lesson02, results
from studies.results import fit, machine

STEPS = 600  # of a game on the board
SIDE = 32
LATENT = 64
DIGIT_STEPS = 800  # of the convolutional network
FACE_SECONDS = 60

store = partial(results.store, "lesson03")
stored = partial(results.stored, "lesson03")


def lesson_digits():
    """Return lesson 02's digits in frames of 32: 6,000 to learn from, 2,000 held out."""
    images, held_out = lesson02.lesson_digits()
    return images.framed(SIDE), held_out.framed(SIDE)


# ---- the board: one change at a time ----

SPREAD = ("DCGAN", "no BatchNorm", "Adam beta1 0.9")  # changes whose seed 0 is played again
NUDGES = (1e-7, 2e-7, 3e-7)  # added to one weight of G before the first step


def play(game: Game, images, evaluator, steps: int = STEPS) -> dict:
    """Train a game of the board; return what 1,000 samples of the averaged weights are like."""
    try:
        fit(game, images, steps)
    except TrainingDiverged:
        return {"diverged": game.step}
    found = lesson02.numbers(evaluator.report(game.sample(1000, seed=1, ema=True)))
    return {name: found[name] for name in ("fd_digits", "classes", "kl", "confident")}


def nudged(name: str, seed: int, by: float) -> Game:
    """Return a game of the board with one weight of G moved by so little that none would care."""
    game = ablations.changed(name, seed=seed)
    with torch.no_grad():
        next(game.generator.parameters()).view(-1)[0] += by
    return game


def board(options) -> None:
    """Play one seed again and again, and then every change on every seed."""
    images, held_out = lesson_digits()
    evaluator = measure.DigitEvaluator(images, held_out)
    content = {**lesson02.about(images, held_out, evaluator), "samples": 1000, "steps": STEPS,
               "precision": "float32", "spread": {}, "changes": {}}

    def note(where: str, name: str, which: str, game: Game) -> None:
        began = time.process_time()
        found = play(game, images, evaluator)
        content[where].setdefault(name, {})[which] = found
        print(f"{where} {name:28s} {which:10s} {time.process_time() - began:4.0f} s  {found}",
              flush=True)
        if options.pictures and where == "changes":
            torch.save(game.sample(12, ema=True), options.pictures / f"{name}_{which}.pt")
        if options.write:
            store("board", content)

    if options.add:
        content = stored("board")
    for name in SPREAD if not options.add else ():
        if options.only is None or name in options.only:
            for by in NUDGES:
                note("spread", name, f"weight + {by:g}", nudged(name, 0, by))
            runtime.set_threads(2)
            note("spread", name, "2 threads", ablations.changed(name, seed=0))
            runtime.set_threads(1)
    for seed in options.seeds:
        for name in options.only or ablations.CHANGES:
            note("changes", name, str(seed), ablations.changed(name, seed=seed))


# ---- convolutional against fully connected ----

SETTINGS: dict[str, dict] = {  # the same for both kinds of network
    "DCGAN": {"betas": (0.5, 0.999)},
    "R1, as in lesson 02": {"betas": (0.0, 0.99), "penalty": partial(penalties.r1, gamma=3.0),
                            "penalty_every": 4}}


def digit_game(kind: str, setting: str, seed: int) -> Game:
    """Return a game of 32x32 digits: fully connected or convolutional networks, else alike.

    Under R1 the convolutional D has no BatchNorm: with it a picture's gradient would depend on the
    rest of the batch. The fully connected networks have none in any case.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if kind == "fully connected":
            generator, critic = mlp.source_004((1, SIDE, SIDE))
        else:
            norm = "batch" if setting == "DCGAN" else "none"
            generator = dcgan.generator(SIDE, 1, latent=LATENT, features=16)
            critic = dcgan.critic(SIDE, 1, features=16, norm=norm)
    device = runtime.device()
    return Game(generator.to(device), critic.to(device), latent=LATENT, batch=64, lr=1e-3,
                ema=0.995, seed=seed, **SETTINGS[setting])


def weights(game: Game) -> list[int]:
    """Return how many weights G and D have."""
    return [sum(p.numel() for p in network.parameters())
            for network in (game.generator, game.critic)]


def networks(options) -> None:
    """Train both kinds of network for equal steps, and for equal seconds."""
    images, held_out = lesson_digits()
    evaluator = measure.DigitEvaluator(images, held_out)
    content = {**lesson02.about(images, held_out, evaluator), "precision": "float32",
               "batch": 64, "lr": 1e-3, "ema": 0.995, "runs": {}}

    def look(game: Game, steps: int, setting: str, row: str, seconds: float) -> float:
        """Go on to `steps`; note the report and the seconds so far; return these."""
        began = time.process_time()
        fit(game, images, steps)
        seconds += time.process_time() - began
        samples = game.sample(2000, ema=True)
        found = lesson02.numbers(evaluator.report(samples))
        found |= {"step": steps, "seconds": round(seconds, 1), "weights": weights(game)}
        rows = content["runs"].setdefault(setting, {})
        rows.setdefault(row, {})[str(game.seed)] = found
        print(f"{setting:20s} {row:32s} seed {game.seed} {found}", flush=True)
        if options.pictures:
            torch.save(samples[:64], options.pictures / f"{setting}_{row}_{game.seed}.pt")
        if options.write:
            store("networks", content)
        return seconds

    for seed in options.seeds:
        for setting in SETTINGS:
            game = digit_game("convolutional", setting, seed)
            budget = look(game, DIGIT_STEPS, setting, "convolutional", 0.0)
            game = digit_game("fully connected", setting, seed)
            spent = look(game, DIGIT_STEPS, setting, "fully connected, equal steps", 0.0)
            more = round(DIGIT_STEPS * budget / spent, -2)
            look(game, int(more), setting, "fully connected, equal seconds", spent)


# ---- faces: recipes at equal seconds ----

# from DCGAN to SN-GAN, one change more in each row; and lesson 02's remedy
FACES = ("DCGAN", "spectral norm in D", "and hinge loss", "and SN-GAN's Adam", "R1")


def face_game(recipe: str, steps: int, seed: int, precision: str = "bfloat16") -> Game:
    """Return a game of 32x32 faces; the recipes differ in D, loss and optimizer, not in G."""
    settings: dict = {"betas": (0.5, 0.999)}
    norm = "spectral"
    if recipe == "DCGAN":
        norm = "batch"
    if recipe in ("and hinge loss", "and SN-GAN's Adam"):
        settings["loss"] = losses.Hinge()
    if recipe == "and SN-GAN's Adam":
        settings |= {"betas": (0.0, 0.9), "decay": steps}
    if recipe == "R1":
        norm, settings = "none", {"betas": (0.0, 0.99), "penalty_every": 4, "decay": steps,
                                  "penalty": partial(penalties.r1, gamma=1.0)}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        generator, critic = dcgan.pair(SIDE, 3, latent=LATENT, features=24, norm=norm)
        if norm == "none":  # R1 takes BatchNorm out of D alone
            generator = dcgan.generator(SIDE, 3, latent=LATENT, features=24)
    device = runtime.device()
    return Game(generator.to(device), critic.to(device), latent=LATENT, batch=64, lr=1e-3,
                ema=0.995, seed=seed, precision=precision, **settings)


def steps_in(seconds: float, make, images) -> int:
    """Return how many steps of a game fit into so many seconds of one core."""
    game = fit(make(), images, 5)
    began = time.process_time()
    fit(game, images, 29)
    return int(round(24 * seconds / (time.process_time() - began), -1))


def faces(options) -> None:
    """Paint faces with each recipe for as many seconds, and count who is there."""
    images = data.toy_faces(10_000, size=SIDE, core=True)
    reader = measure.factor_reader(images)
    real = reader.features(images.images)
    fresh = data.toy_faces(4000, size=SIDE, seed=1, core=True).images
    content = {"data": "toy faces 32x32, core, 10,000", "samples": 4000, "precision": "bfloat16",
               "seconds": FACE_SECONDS, **machine(),
               "real": of_faces(fresh, images, reader, real), "steps": {}, "runs": {}}
    if options.add:
        content = stored("faces")
    steps = content["steps"]  # the same for all seeds
    for seed in options.seeds:
        for recipe in options.only or FACES:
            if recipe not in steps:
                steps[recipe] = steps_in(FACE_SECONDS, partial(face_game, recipe, 10_000, 0),
                                         images)
            game = face_game(recipe, steps[recipe], seed)
            began = time.process_time()
            fit(game, images, steps[recipe])
            spent = time.process_time() - began
            found = of_faces(game.sample(4000, ema=True), images, reader, real)
            found |= {"step": steps[recipe], "seconds": round(spent)}
            content["runs"].setdefault(recipe, {})[str(seed)] = found
            print(f"{recipe:18s} seed {seed} {found}", flush=True)
            if options.pictures:
                file = options.pictures / f"faces_{recipe}_{seed}.pt"
                torch.save(game.sample(64, ema=True), file)
            if options.write:
                store("faces", content)


def of_faces(pictures, images, reader, real) -> dict:
    """Return coverage and Fréchet distance of pictures of faces as plain numbers."""
    report = measure.factor_coverage(pictures, images)
    distance = measure.frechet_distance(reader.features(pictures), real)
    return {"seen": report.seen, "reverse_kl": round(report.reverse_kl, 4),
            "counted": round(report.counted / report.n, 4), "sure": round(report.sure, 4),
            "outside": round(report.outside, 4), "fd_factors": round(distance, 3)}


# ---- latent space: what the generators of SN-GAN in `faces` have learned ----

LATENT_RECIPE, LATENT_STEPS = "and SN-GAN's Adam", 810  # as in lesson03_faces.json
GROUPS = (30, None)  # how many z are averaged of each kind; None: all there are


def latent_space(options) -> None:
    """Find directions by the reader, add them to other z, and count what comes of it."""
    images = data.toy_faces(10_000, size=SIDE, core=True)
    reader = measure.factor_reader(images)
    content = {"recipe": "SN-GAN", "steps": LATENT_STEPS, "precision": "bfloat16",
               **machine(), "arithmetic": {}, "lengths": {}}
    for seed in options.seeds:
        game = face_game(LATENT_RECIPE, LATENT_STEPS, seed)
        fit(game, images, LATENT_STEPS)
        content["arithmetic"][str(seed)] = arithmetic(game, images, reader)
        content["lengths"][str(seed)] = lengths(game, images)
        print(seed, json.dumps(content["arithmetic"][str(seed)], indent=1),
              content["lengths"][str(seed)], flush=True)
        if options.write:
            store("latent", content)


def arithmetic(game: Game, images, reader) -> dict:
    """Add "glasses" to 500 z that paint none: how often do glasses appear, and what else changes?

    Counted are pictures that the reader is sure of. As controls, random vectors of the same length,
    and the share of glasses in fresh samples.
    """
    chance = torch.Generator().manual_seed(3)
    known = sample_noise(4000, LATENT, chance)
    values, certainty = reader.read(generate(game.generator_ema, known))
    known, glasses = known[certainty >= 0.9], values["glasses"][certainty >= 0.9]
    sides = known[glasses == 1], known[glasses == 0]
    fresh = sample_noise(4000, LATENT, chance)
    values, certainty = reader.read(generate(game.generator_ema, fresh))
    without = fresh[(certainty >= 0.9) & (values["glasses"] == 0)][:500]
    found: dict = {"glasses among fresh samples": round(float((glasses == 1).float().mean()), 3),
             "z": len(without)}
    for n in GROUPS:
        few = torch.cat([side[:n] for side in sides])
        has = torch.cat([torch.full((len(side[:n]),), i == 0) for i, side in enumerate(sides)])
        step = latent.direction(few, has)
        anyhow = torch.randn(LATENT, generator=chance)
        anyhow *= step.norm() / anyhow.norm()
        for name, vector in (("direction", step), ("random", anyhow)):
            found[f"{name}, {n or 'all'} z"] = after(game, without, vector, reader)
    return found


def after(game: Game, z, vector, reader) -> dict:
    """Return what adding a vector to z does to the pictures."""
    before, _ = reader.read(generate(game.generator_ema, z))
    now, certainty = reader.read(generate(game.generator_ema, z + vector))
    sure = certainty >= 0.9
    same = {name: now[name] == before[name] for name in ("skin", "hair_style", "mouth",
                                                         "background")}
    appeared = sure & (now["glasses"] == 1)
    alone = appeared & torch.stack(list(same.values())).all(0)
    return {"length": round(float(vector.norm()), 2),
            "glasses": round(float((now["glasses"] == 1).float().mean()), 3),
            "sure": round(float(sure.float().mean()), 3),
            "glasses and sure": round(float(appeared.float().mean()), 3),
            "nothing else changed": round(float(alone.float().mean()), 3),
            "same": {name: round(float(s.float().mean()), 3) for name, s in same.items()}}


def lengths(game: Game, images) -> dict:
    """Return the share that counts half-way between two z, and of z made shorter and longer."""
    ends = sample_noise(4000, LATENT, torch.Generator().manual_seed(5))
    start, end = ends[:2000], ends[2000:]
    groups = {"random z": ends, "half-way, line": latent.linear(start, end, 3)[1],
              "half-way, arc": latent.spherical(start, end, 3)[1], "z x 0.3": 0.3 * ends,
              "z x 3": 3 * ends}
    found = {}
    for name, z in groups.items():
        pictures = generate(game.generator_ema, z)
        report = measure.factor_coverage(pictures, images)
        found[name] = {"counted": round(report.counted / report.n, 3), "seen": report.seen,
                       "variety": round(float(pictures.float().var(0).mean().sqrt()), 1)}
    return found


STUDIES = {"board": board, "networks": networks, "faces": faces, "latent": latent_space}
SEEDS = {"board": [0, 1, 2, 3, 4], "networks": [0, 1, 2], "faces": [0, 1, 2],
         "latent": [0, 1, 2]}


def main() -> None:
    """Run the studies that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("studies", nargs="+", choices=STUDIES)
    parser.add_argument("--seeds", type=int, nargs="+")
    parser.add_argument("--only", nargs="+", help="names of changes or recipes to play")
    parser.add_argument("--write", action="store_true", help="store the numbers")
    parser.add_argument("--add", action="store_true", help="to the runs that are stored")
    parser.add_argument("--pictures", type=Path, help="a folder for samples and generators")
    options = parser.parse_args()
    asked = options.seeds
    if options.pictures:
        options.pictures.mkdir(parents=True, exist_ok=True)
    for study in options.studies:
        runtime.set_threads(1)
        options.seeds = asked or SEEDS[study]
        STUDIES[study](options)


if __name__ == "__main__":
    main()
