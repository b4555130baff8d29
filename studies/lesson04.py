"""Recompute what lesson 04 rests on, and store it beside this file (`--write`).

    python -m studies.lesson04 norms --write       BatchNorm in G, in the critic, both or neither
    python -m studies.lesson04 contest --write     clipping, WGAN-GP and DCGAN at equal seconds
    python -m studies.lesson04 progress --write    the gap against the distance of the pictures
    python -m studies.lesson04 growth --write      16 -> 32 -> 64 against starting at 64
    python -m studies.lesson04 skew --write        a set with few dark faces, after `contest`
    python -m studies.lesson04 gallery --write     the last pictures, in images/ too
    python -m studies.lesson04 rates --write       the gap in short runs, and critics on a line

One thread. Seconds are those of one core, and become steps by timing a few steps of each game in
turns: the number of steps is what is stored and played. The Fréchet distances are in the features
of the course's own factor reader. `tests/test_studies.py` plays some of it again.
"""

import argparse
import copy
import math
import os
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
from scipy.stats import spearmanr
from torch import nn
from torch.nn.functional import unfold

from gan_lessons import data, losses, measure, penalties, recipes, show
from gan_lessons.data import ImageSet
from gan_lessons.exercises.lesson04 import enlarged
from gan_lessons.nets import dcgan, mlp
from gan_lessons.nets.growing import FadedCritic, FadedGenerator, set_share
from gan_lessons.train import Game, adam, critic_step, head_start, rmsprop
from studies import results
from studies.results import fit, machine
from studies.sheets import two_parts

IMAGES = Path(__file__).parents[1] / "images"
SETTINGS = {"features": 32, "latent": 64, "lr": 5e-4}  # of the lesson's games at 16x16
STEPS, EVERY, HEAD_START = 300, 25, 100
NORM_SETTINGS = {"features": 16, "latent": 64, "lr": 5e-4}  # of the failure of the day
NORM_LOOKS = (150, 600)
NORM_PAIRS = ("batch/batch", "none/batch", "batch/none", "none/none")  # of G/of the critic
CONTEST = {"features": 16, "latent": 64, "batch": 64, "ema": 0.99, "precision": "bfloat16"}
RECIPES = {"clip": recipes.wgan, "gp": recipes.wgan_gp, "dcgan": recipes.dcgan}
CONTESTANTS = {"clip": {"n_critic": 2, "lr": 5e-4}, "gp": {"n_critic": 2, "lr": 1e-3},
               "dcgan": {"lr": 1e-3}}  # 10 times the papers'; DCGAN's is lesson 03's for digits
CONTEST_SECONDS = 60
LESSON = "features 8, lr 5e-4"
GAP_SETTINGS = {"features": 8, "latent": 64, "batch": 64}
GAP_WAYS = {"clip": {"n_critic": 5, "lr": 5e-4}, "gp": {"n_critic": 2, "lr": 5e-4}}
GAP_STEPS, GAP_EVERY, NETWORKS_AT = 2000, 100, 400
NETWORKS = {"features 4": {"features": 4}, "features 16": {"features": 16}, "lr 1e-4": {"lr": 1e-4},
            "lr 2e-3": {"lr": 2e-3}}  # what is changed
FEATURES_64, GROWTH_SECONDS, LOOKS_A_STAGE = 8, 120, 4
STAGES = {16: 0.25, 32: 0.3, 64: 0.45}  # each size's share of the seconds
GROWTH = {"latent": 64, "n_critic": 1, "penalty_every": 4, "lr": 1e-3, "ema": 0.99,
          "precision": "bfloat16"}
GALLERY = {"features": 24, "latent": 64, "n_critic": 2, "penalty_every": 2, "lr": 1e-3,
           "ema": 0.998, "precision": "bfloat16"}
PICTURES = Path(os.environ["STUDY_PICTURES"]) if "STUDY_PICTURES" in os.environ else None
FEATURES: dict = {}  # of the sets that were measured against, see `real_features`
REAL, FAKE, STD = torch.tensor([-4.0, 0.0, 4.0]), torch.tensor([-2.0, 2.0]), 0.2


def gap(seed: int, steps: int = STEPS) -> dict:
    """Faces at 16x16: the critic's gap and the distance of the pictures fall together."""
    faces = data.toy_faces(4000, size=16, core=True)
    reader = measure.factor_reader(faces)
    real = reader.features(enlarged(faces.images[:2000]))
    gaps, distances = [], []

    def look(game):
        recent = game.history[-EVERY:]
        gaps.append(float((recent[:, 2] - recent[:, 3]).mean()))
        made = reader.features(enlarged(game.sample(1000)))
        distances.append(measure.frechet_distance(made, real))
    game = head_start(recipes.wgan(16, seed=seed, **SETTINGS), faces, HEAD_START)
    fit(game, faces, steps, watch=look, watch_every=EVERY)
    rho = float(spearmanr(gaps, distances).statistic)
    return {"rho": round(rho, 2), "gap": [float(f"{g:.3g}") for g in gaps],
            "distance": [float(f"{d:.3g}") for d in distances], "holds": rho > 0.5}


def draw(centres: torch.Tensor, n: int, chance: torch.Generator) -> torch.Tensor:
    """Return n points near the centres, (n, 1)."""
    which = torch.randint(len(centres), (n,), generator=chance)
    return (centres[which] + STD * torch.randn(n, generator=chance)).unsqueeze(1)


def trained(seed: int, clip=None, penalty=None, steps: int = 1000,
            start: nn.Module | None = None) -> nn.Module:
    """Return a critic that has learned to tell the three heaps REAL from the two heaps FAKE.

    It begins with fresh weights, or with those of `start`.
    """
    torch.manual_seed(seed)
    critic = mlp.discriminator([64, 64, 64], (1,), activation=mlp.leaky)
    if start is not None:
        critic.load_state_dict(start.state_dict())
    optimizer = rmsprop(critic, lr=clip / 10) if clip else adam(critic, 5e-3, (0.0, 0.9))
    chance = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        critic_step(critic, nn.Identity(), optimizer, losses.Wasserstein(),
                    draw(REAL, 256, chance), draw(FAKE, 256, chance), penalty, clip)
    return critic


def shape(critic: nn.Module) -> tuple[int, float]:
    """Return how often the critic turns on [-6, 6], and how steep it is at most."""
    x = torch.linspace(-6, 6, 601).unsqueeze(1).requires_grad_(True)
    slope, = torch.autograd.grad(critic(x).sum(), x)
    rising = slope[:, 0] > 0
    return int((rising[1:] != rising[:-1]).sum()), float(slope.abs().max())


def critics(seed: int, steps: int = 1000) -> dict:
    """Clipping leaves a critic that turns less often than the truth, which turns three times.

    So does a penalty of weight 10, unless the critic has turned with one of weight 1 before.
    """
    one, ten = (partial(penalties.gradient_penalty, weight=weight) for weight in (1.0, 10.0))
    clipped = {c: shape(trained(seed, clip=c, steps=steps)) for c in (0.001, 0.1, 1.0)}
    zigzag = trained(seed, penalty=one, steps=steps)
    turns, slope = shape(zigzag)
    with_ten = [shape(trained(seed, penalty=ten, steps=n))[0] for n in (steps, 5 * steps)]
    kept = trained(seed, penalty=ten, steps=steps, start=zigzag)
    slopes = {c: steepest for c, (_, steepest) in clipped.items()}
    return {"clipped": clipped[0.1][0], "penalty": turns, "steepness": round(slope, 2),
            "weight 10": with_ten, "1, then 10": shape(kept)[0],
            "slopes": [float(f"{s:.2g}") for s in slopes.values()],
            "holds": clipped[0.1][0] < 3 == turns == shape(kept)[0] and max(with_ten) < 3
            and slopes[0.001] < 1e-6 and slopes[1.0] > 1000 and math.isfinite(slopes[1.0])}


def measured(pictures: torch.Tensor, real: ImageSet) -> dict:
    """Return how good samples of core toys are: the distance and what can be read in them.

    Pictures of side 16 are enlarged for the factor reader, whose features the Fréchet distance
    to all of `real` is taken in.
    """
    if pictures.shape[-1] == 16:
        pictures = enlarged(pictures)
    reader = measure.factor_reader(real)
    report = measure.factor_coverage(pictures, real)
    distance = measure.frechet_distance(reader.features(pictures), real_features(real))
    kl = round(report.reverse_kl, 4) if report.counted else None
    return {"frechet": round(distance, 2), "seen": report.seen, "kl": kl,
            "counted": round(report.counted / report.n, 4), "sure": round(report.sure, 4)}


def real_features(real: ImageSet) -> torch.Tensor:
    """Return the reader's features of the real pictures, computed once for each set."""
    if id(real) not in FEATURES:
        images = enlarged(real.images) if real.shape[-1] == 16 else real.images
        FEATURES[id(real)] = real, measure.factor_reader(real).features(images)
    return FEATURES[id(real)][1]


# ---- the failure of the day: BatchNorm in one network, in both, in neither ----

def norms(options: argparse.Namespace) -> None:
    """Play the four combinations of BatchNorm in G and in the clipped critic at 16x16."""
    faces = data.toy_faces(4000, size=16, core=True)
    content = {**about(faces, {**NORM_SETTINGS, "clip": 0.01, "n_critic": 5}), "samples": 2000,
               "real": measured(data.toy_faces(2000, size=16, seed=1, core=True).images, faces),
               "runs": {str(step): {name: {} for name in NORM_PAIRS} for step in NORM_LOOKS}}
    content["runs"].update(stored("norms").get("runs", {}))  # only what is missing is played
    looks = tuple(step for step in NORM_LOOKS if step <= (options.steps or NORM_LOOKS[-1]))
    for seed in options.seeds:
        for name in NORM_PAIRS:
            if all(str(seed) in content["runs"][str(step)][name] for step in looks):
                continue
            for step, found in normed(name, seed, faces, looks).items():
                content["runs"][str(step)][name][str(seed)] = found
                print(name, seed, step, found, flush=True)
            store("norms", content, options)


def normed(name: str, seed: int, faces: ImageSet, looks=NORM_LOOKS) -> dict[int, dict]:
    """Play one of the four games; return what comes of it at each look."""
    in_g, in_critic = name.split("/")
    game = recipes.wgan(16, norm=in_g, critic_norm=in_critic, seed=seed, **NORM_SETTINGS)
    z = torch.randn(200, game.latent, generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        untrained = float(copy.deepcopy(game.generator)(z).std(0).mean())
    real = float(faces.images[:200].float().std(0).mean())
    found = {}
    for step in looks:
        fit(game, faces, step)
        pictures = game.sample(2000)
        found[step] = {
            "untrained": float(f"{untrained:.2g}"),
            "edge": round(at_the_edge(game.critic, game.clip), 3),
            "spread": round(float(pictures[:200].float().std(0).mean()) / real, 3),
            **measured(pictures, faces)}
    return found


def at_the_edge(critic: nn.Module, limit: float) -> float:
    """Return the share of the critic's weights that lie within 1 % of the limit."""
    weights = torch.cat([p.detach().flatten() for p in critic.parameters()])
    return float((weights.abs() > 0.99 * limit).float().mean())


def about(images: ImageSet, settings: dict) -> dict:
    """Return what the numbers of a study may depend on."""
    return {"data": images.described(), "settings": settings, **machine()}


path = partial(results.path, "lesson04")
stored = partial(results.begun, "lesson04")
store = partial(results.keep, "lesson04")


# ---- clipping against the gradient penalty, at equal seconds ----

def contestant(name: str, seed: int, **changes) -> Game:
    """Return the game called "clip", "gp" or "dcgan" at 32x32, with one network in all three."""
    settings = {**CONTEST, **CONTESTANTS[name], **changes}
    return RECIPES[name](32, seed=seed, **settings)


def steps_in(seconds: float, games: dict[str, Game], pictures: ImageSet) -> dict[str, int]:
    """Return how many steps of each game a core makes in that time, by playing a few of each.

    They take turns, five steps at a time, so that all of them meet the same load.
    """
    took = {name: [] for name in games}
    for turn in range(1, 8):
        for name, game in games.items():
            start = time.process_time()
            fit(game, pictures, 5 * turn)
            took[name].append((time.process_time() - start) / 5)
    return {name: int(seconds / sorted(each)[len(each) // 2]) for name, each in took.items()}


def contest(options: argparse.Namespace) -> None:
    """Play clipping, the penalty and lesson 03's DCGAN for equal seconds of one core."""
    faces = data.toy_faces(10_000, size=32, core=True)
    steps = steps_in(CONTEST_SECONDS, {name: contestant(name, 0) for name in CONTESTANTS}, faces)
    content = {**about(faces, CONTEST), "ways": CONTESTANTS, "seconds": CONTEST_SECONDS,
               "steps": steps, "samples": 10_000,
               "floor": measured(data.toy_faces(10_000, size=32, seed=1, core=True).images, faces),
               "runs": {name: {} for name in CONTESTANTS}}
    for seed in options.seeds:
        for name in CONTESTANTS:
            start = time.process_time()
            game = fit(contestant(name, seed), faces, steps[name])
            took = time.process_time() - start
            pictures = game.sample(10_000, ema=True)
            content["runs"][name][seed] = {"steps": game.step, "seconds": round(took),
                                           **measured(pictures, faces),
                                           "dark": dark_share(pictures, faces)}
            if PICTURES:
                torch.save(pictures[:96], PICTURES / f"contest_{name}_{seed}.pt")
            print(name, seed, content["runs"][name][seed], flush=True)
            store("recipes", content, options)


# ---- does the gap tell how good the pictures are? ----

def progress(options: argparse.Namespace) -> None:
    """Follow gap and distance past the end of their fall, and compare networks at one step."""
    faces = data.toy_faces(4000, size=16, core=True)
    content = {**about(faces, GAP_SETTINGS), "ways": GAP_WAYS, "head_start": HEAD_START,
               "samples": 2000, "at": NETWORKS_AT,
               "floor": measured(data.toy_faces(2000, size=16, seed=1, core=True).images, faces),
               "runs": {way: {} for way in GAP_WAYS},
               "networks": {way: {name: {} for name in (LESSON, *NETWORKS)} for way in GAP_WAYS}}
    for kind in ("runs", "networks"):
        content[kind].update(stored("gap").get(kind, {}))
    for seed in map(str, options.seeds):
        for way in GAP_WAYS:
            if seed not in content["runs"][way]:
                run = followed(way, int(seed), faces, GAP_STEPS)
                for name, first in (("rho_all", 0), ("rho_second", len(run["gap"]) // 2)):
                    rho = spearmanr(run["gap"][first:], run["distance"][first:]).statistic
                    run[name] = round(float(rho), 2)
                content["runs"][way][seed] = run
                print(way, seed, run, flush=True)
                store("gap", content, options)
    for seed in map(str, options.seeds):
        for way in GAP_WAYS:
            rows, here = content["networks"][way], content["runs"][way][seed]
            look = here["step"].index(NETWORKS_AT)
            rows[LESSON][seed] = {key: here[key][look] for key in ("gap", "distance")}
            for name, changes in NETWORKS.items():
                if seed not in rows[name]:
                    found = followed(way, int(seed), faces, NETWORKS_AT, **changes)
                    rows[name][seed] = {key: found[key][-1] for key in ("gap", "distance")}
                    print(way, seed, name, rows[name][seed], flush=True)
                    store("gap", content, options)


def followed(way: str, seed: int, faces: ImageSet, steps: int, **changes) -> dict:
    """Play at 16x16 and note gap and distance at every look."""
    game = RECIPES[way](16, seed=seed, **{**GAP_SETTINGS, **GAP_WAYS[way], **changes})
    found: dict[str, list] = {"step": [], "gap": [], "distance": []}

    def look(game: Game) -> None:
        recent = game.history[-GAP_EVERY:]
        found["step"].append(game.step)
        found["gap"].append(float(f"{float((recent[:, 2] - recent[:, 3]).mean()):.4g}"))
        found["distance"].append(measured(game.sample(2000), faces)["frechet"])
    head_start(game, faces, HEAD_START)
    fit(game, faces, steps, watch=look, watch_every=GAP_EVERY)
    return found


# ---- growth: 16 -> 32 -> 64, against starting at 64 ----

def growth_game(size: int, seed: int) -> Game:
    """Return the WGAN-GP of one stage; the same inner layers at every size."""
    return recipes.wgan_gp(size, features=64 * FEATURES_64 // size, seed=seed, **GROWTH)


def blended(small: Game, large: Game) -> Game:
    """Return a game whose networks fade from those of `small` into those of `large`."""
    return replace(large, generator=FadedGenerator(small.generator, large.generator),
                   critic=FadedCritic(small.critic, large.critic))


def growth(options: argparse.Namespace) -> None:
    """Grow with and without fading, and start at 64, each for the same seconds of one core."""
    faces = {size: data.toy_faces(10_000, size=size, core=True) for size in (16, 32, 64)}
    fresh = data.toy_faces(10_000, size=64, seed=1, core=True).images
    content = stored("growth")
    if not content:
        cost = {str(size): seconds_a_step(growth_game(size, 0), faces[size]) for size in faces}
        for size in (32, 64):
            game = blended(growth_game(size // 2, 0), growth_game(size, 0))
            cost[f"{size} fading"] = seconds_a_step(game, faces[size])
        content = {**about(faces[64], GROWTH), "features at 64": FEATURES_64, "shares": STAGES,
                   "seconds": GROWTH_SECONDS, "seconds a step": cost,
                   "samples": {"looks": 2000, "end": 10_000},
                   "floor": {**measured(fresh, faces[64]), "patches": patches(fresh, faces[64])},
                   "runs": {"faded": {}, "carried": {}, "scratch": {}}}
        store("growth", content, options)
    for seed in map(str, options.seeds):
        for way in options.only or content["runs"]:
            if seed in content["runs"][way]:
                continue  # only what is missing is played
            start = time.process_time()
            found = grown(way, int(seed), faces, content["seconds a step"])
            print(way, seed, f"{time.process_time() - start:.0f} s", found, flush=True)
            content = stored("growth") or content  # another process may have added to it
            content["runs"][way][seed] = found
            store("growth", content, options)


def seconds_a_step(game: Game, pictures: ImageSet) -> float:
    """Return the median of a few steps."""
    took = []
    for turn in range(1, 8):
        start = time.process_time()
        fit(game, pictures, 4 * turn)
        took.append((time.process_time() - start) / 4)
    return round(sorted(took)[3], 4)


def grown(way: str, seed: int, faces: dict[int, ImageSet], cost: dict[str, float]) -> dict:
    """Play one way for all of its seconds; return the distance along the way and the end."""
    found: dict = {"seconds": [], "distance": [], "size": []}
    spent = 0.0

    def play(game: Game, size: int, kind: str, seconds: float) -> None:
        nonlocal spent
        steps = int(seconds / cost[kind])
        for look in range(1, LOOKS_A_STAGE + 1):
            until = steps * look // LOOKS_A_STAGE
            while game.step < until:
                if kind.endswith("fading"):
                    set_share(game.step / steps, game.generator, game.critic)
                fit(game, faces[size], min(game.step + 5, until))
            look_at = measured(game.sample(2000, ema=True), faces[64])
            found["seconds"].append(round(spent + until * cost[kind], 1))
            found["distance"].append(look_at["frechet"])
            found["size"].append(size)
        spent += steps * cost[kind]

    if way == "scratch":
        game = growth_game(64, seed)
        play(game, 64, "64", GROWTH_SECONDS)
    else:
        game = growth_game(16, seed)
        play(game, 16, "16", STAGES[16] * GROWTH_SECONDS)
        for size in (32, 64):
            small, game = game, growth_game(size, seed)
            seconds = STAGES[size] * GROWTH_SECONDS
            if way == "faded":
                play(blended(small, game), size, f"{size} fading", seconds / 2)
                game = replace(game)  # the same networks, with a new average and new optimizers
                seconds /= 2
            else:
                dcgan.carry_over(small.generator, game.generator)
                dcgan.carry_over(small.critic, game.critic)
            play(game, size, str(size), seconds)
    pictures = game.sample(10_000, ema=True)
    if PICTURES:
        torch.save(pictures[:64], PICTURES / f"growth_{way}_{seed}.pt")
    return {**found, "end": {**measured(pictures, faces[64]),
                             "patches": patches(pictures, faces[64])}}


def patches(pictures: torch.Tensor, real: ImageSet, n: int = 1000) -> float:
    """Return the Fréchet distance of patches of 8x8 pixels: details that a reader at 32 misses."""
    def cut(images: torch.Tensor) -> torch.Tensor:
        return unfold(data.to_signed(images[:n]), 8, stride=8).transpose(1, 2).flatten(0, 1)
    return round(measure.frechet_distance(cut(pictures), cut(real.images)), 2)


# ---- a skewed tenth: does G copy the share of dark skin, or drop it? ----

def skewed_faces(n: int = 10_000) -> ImageSet:
    """Return core faces of which cocoa skin, a third elsewhere, has a tenth of a third."""
    drawn = data.toy_faces(3 * n // 2 + 600, size=32, core=True)
    dark = drawn.factors["skin"] == data.FACE_FACTORS["skin"].index("cocoa")
    few = n // 30
    chosen = torch.cat([dark.nonzero()[:few, 0], (~dark).nonzero()[:n - few, 0]]).sort().values
    return drawn[chosen]


def skew(options: argparse.Namespace) -> None:
    """Train WGAN-GP on the skewed set, as `contest` does on the even one, and count skin."""
    played = stored("recipes")  # its "gp" is the control: the same game on the even set
    faces, steps = skewed_faces(), played["steps"]["gp"]
    even = data.toy_faces(10_000, size=32, core=True)
    content = {**about(faces, {**CONTEST, **CONTESTANTS["gp"]}), "steps": steps, "samples": 10_000,
               "in the data": {"tenth": dark_share(faces.images, even),
                               "even": dark_share(even.images, even)},
               "runs": {"tenth": {}, "even": {seed: run["dark"]
                                              for seed, run in played["runs"]["gp"].items()}}}
    for seed in options.seeds:
        game = fit(contestant("gp", seed), faces, steps)
        content["runs"]["tenth"][seed] = dark_share(game.sample(10_000, ema=True), even)
        print(seed, content["runs"]["tenth"][seed], flush=True)
        store("skew", content, options)


def dark_share(pictures: torch.Tensor, even: ImageSet) -> dict:
    """Return how many pictures count, and the share with dark skin among them."""
    report = measure.factor_coverage(pictures, even)
    share = report.shares["skin"]["cocoa"]
    return {"counted": report.counted, "share": round(share, 4),
            "standard error": round(math.sqrt(share * (1 - share) / max(report.counted, 1)), 4)}


# ---- the pictures at the end ----

def gallery(options: argparse.Namespace) -> None:
    """Train WGAN-GP on faces and on rooms for `--minutes` each, and store pictures and numbers."""
    for kind in options.only or ("faces", "rooms"):
        make = {"faces": data.toy_faces, "rooms": data.toy_rooms}[kind]
        real = make(10_000, size=32, core=True)
        steps = steps_in(60 * options.minutes, {"gp": gallery_game(10**6)}, real)["gp"]
        game = gallery_game(steps)
        start = time.process_time()

        def look(game: Game, start=start, real=real, kind=kind) -> None:
            print(kind, game.step, f"{time.process_time() - start:.0f} s",
                  measured(game.sample(2000, ema=True), real), flush=True)
        fit(game, real, steps, watch=look, watch_every=steps // 10)
        took = time.process_time() - start
        content = stored("gallery")
        content[kind] = {
            **about(real, {**GALLERY, "steps": steps, "decay": steps}), "seed": 0,
            "seconds": round(took), "samples": 10_000,
            "floor": measured(make(10_000, size=32, seed=1, core=True).images, real),
            "measured": measured(game.sample(10_000, ema=True), real)}
        print(kind, content[kind], flush=True)
        if PICTURES:
            torch.save(game.generator_ema.module.state_dict(), PICTURES / f"gallery_{kind}.pt")
        draw_gallery(kind, real, game.sample(72, ema=True))
        store("gallery", content, options)


def gallery_game(steps: int) -> Game:
    """Return the game of the last pictures."""
    return recipes.wgan_gp(32, decay=steps, **GALLERY)


def draw_gallery(kind: str, real: ImageSet, made: torch.Tensor) -> None:
    """Write images/lesson04_<kind>.png: two rows of real pictures above six of samples."""
    picture = two_parts(show.grid(real.images[:24], columns=12), show.grid(made, columns=12))
    picture.quantize(128).save(IMAGES / f"lesson04_{kind}.png", optimize=True)


RATES_OF = {"gap": gap, "critics": critics}


def rates(options: argparse.Namespace) -> None:
    """Play `gap` and `critics` on every seed: each tells whether what the lesson says holds."""
    found = {}
    for name, play in RATES_OF.items():
        found[name] = {}
        for seed in options.seeds:
            found[name][seed] = play(seed)
            print(f"{name:8s} {seed:4d} {found[name][seed]}", flush=True)
    store("rates", found, options)


STUDIES = {"norms": norms, "contest": contest, "progress": progress,
           "growth": growth, "skew": skew, "gallery": gallery, "rates": rates}


def main() -> None:
    """Run the studies the command line names."""
    parser = results.parser(__doc__, STUDIES, range(5))
    parser.add_argument("--steps", type=int, help="instead of the study's own")
    parser.add_argument("--minutes", type=float, default=10, help="of each run of the gallery")
    parser.add_argument("--only", nargs="+", help="faces or rooms; ways of growth")
    results.run(STUDIES, parser.parse_args())


if __name__ == "__main__":
    main()
