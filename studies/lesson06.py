"""Recompute what lesson 06 rests on, and store it beside this file (`--write`).

    python -m studies.lesson06 contest --write     five recipes on faces, at equal seconds
    python -m studies.lesson06 contest_long --write    the same, five times as long
    python -m studies.lesson06 changes --write     the winner with one thing changed
    python -m studies.lesson06 residual --write    r3gan with one thing changed: why is it behind?
    python -m studies.lesson06 gamma --write       the penalty's weight at 16, 32 and 64 pixels
    python -m studies.lesson06 few --write         few digits, with DiffAugment and without
    python -m studies.lesson06 winner --write      the winner for ten minutes
    python -m studies.lesson06 unpaired --write    the same steps without the comparison in pairs
    python -m studies.lesson06 hour --write        the winner for an hour of one core
    python -m studies.lesson06 five_minutes --write    without pairs, laid out for speed; a picture
    python -m studies.lesson06 half_hour --write   the same for five times as long
    python -m studies.lesson06 wide --write        with pairs, half as wide again, about an hour
    python -m studies.lesson06 batches --write     without pairs, batches of 64
    python -m studies.lesson06 more_faces --write  the same on 100,000 faces
    python -m studies.lesson06 frozen --write      BatchNorm frozen in the end; a picture

One thread. Seconds are those of one core, and become steps by timing a few steps of each game in
turns: the number of steps is what is stored and played. A run that is stored is not played again.
The Fréchet distances are in the features of the course's own factor reader.
"""

import argparse
import copy
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from gan_lessons import data, losses, measure, penalties, recipes, show
from gan_lessons.augment import DiffAugment
from gan_lessons.data import ImageSet
from gan_lessons.train import Game, channels_last, sample_noise
from studies import results
from studies.lesson04 import about, measured, steps_in
from studies.results import fit
from studies.sheets import titled_rows, two_parts

IMAGES = Path(__file__).parents[1] / "images"
SAMPLES = 10_000
LONG = 10**6  # steps of a game that is only timed: its schedule must not end
COMMON = {"latent": 64, "ema": 0.998, "ema_warm_up": True, "precision": "bfloat16"}
FADING = ("dcgan", "wgan_gp")  # recipes that do not let the learning rate fade by themselves
CONTESTANTS: dict[str, tuple[Callable[..., Game], dict]] = {
    "dcgan": (recipes.dcgan, {"features": 32, "batch": 64, "lr": 1e-3}),
    "wgan_gp": (recipes.wgan_gp, {"features": 32, "n_critic": 2, "lr": 1e-3}),
    "sn_hinge": (recipes.sngan, {}),
    "r3gan": (recipes.r3gan, {}),
    "rpgan": (recipes.rpgan, {}),
}
CONTEST_SECONDS = 120
CHANGES: dict[str, dict] = {
    "as it is": {},
    "no pairing": {"loss": losses.NonSaturating()},
    "no R2": {"penalty": partial(penalties.r1, gamma=10.0)},  # R1 alone, twice as strong
    "no penalty": {"penalty": None},
    "gamma 0.5": {"gamma": 0.5},
    "He's first weights": {},  # see `he_weights`
    "batches of 64": {"batch": 64},
    "lr 1e-3": {"lr": 1e-3},
    "nothing fades": {"decay": None},
}
CHANGES_SECONDS = 80
RESIDUAL: dict[str, tuple[str, dict]] = {  # what might hold `r3gan` back
    "as it is": ("r3gan", {}),
    "lr 5e-4": ("r3gan", {"lr": 5e-4}),
    "lr 4e-3": ("r3gan", {"lr": 4e-3}),
    "gamma 0.5": ("r3gan", {"gamma": 0.5}),
    "batches of 64": ("r3gan", {"batch": 64}),
    "twice as wide": ("r3gan", {"features": 32}),
    "penalty in every step": ("r3gan", {"penalty_every": 1}),
    "nothing fades": ("r3gan", {"decay": None}),
    # and the other way round: is BatchNorm the merit of `rpgan`?
    "He's first weights": ("rpgan", {}),
    "He's, no BatchNorm in G": ("rpgan", {"norm": "none"}),
}
GAMMAS = (0.05, 0.5, 5.0, 50.0)
SIDES = {16: {"features": 64}, 32: {"features": 32}, 64: {"features": 16}}  # 128 channels at 4x4
GAMMA_SECONDS = {16: 30, 32: 60, 64: 120}
FEW = (100, 1000)  # real pictures
FEW_WAYS = {"without": None,
            "with DiffAugment": DiffAugment(colour=False, translation=1 / 8, cutout=0)}
FEW_STEPS = 8000
FEW_SAMPLES = 2000
WINNER_SECONDS = 600
QUICK = {"loss": losses.NonSaturating()}  # the winner without its pairs
FIVE_MINUTES = 16_500  # steps of `QUICK`: about 600 seconds of one core, as two have in 5 minutes
HALF_HOUR = 5 * FIVE_MINUTES
WIDE = 4 * FIVE_MINUTES
BATCHES = 65_000  # steps with batches of 64: just under 3,600 seconds of one core
MORE_FACES = 100_000
RULER = 20_000  # faces that samples are compared with, of a set that has more
LOOKS = 5  # at a run of `more_faces`
HOUR = 6  # times the steps of `winner`


def contestant(name: str, seed: int, steps: int, **changes) -> Game:
    """Return one of the games of the contest, whose learning rate fades over `steps` steps."""
    make, settings = CONTESTANTS[name]
    over = {"decay": steps} if name in FADING else {"steps": steps}
    return make(32, seed=seed, **COMMON, **settings, **over, **changes)


def changed(name: str, seed: int, steps: int) -> Game:
    """Return the winner's game with one thing changed."""
    game = contestant("rpgan", seed, steps, **CHANGES[name])
    if name == "He's first weights":
        for network in (game.generator, game.critic):
            he_weights(network, seed)
    return game


def residual(name: str, seed: int, steps: int) -> Game:
    """Return `r3gan` with one thing changed, or `rpgan` with and without BatchNorm in G.

    Without BatchNorm DCGAN's first weights are too small to begin with, so both have He's.
    """
    recipe, settings = RESIDUAL[name]
    game = contestant(recipe, seed, steps, **settings)
    if recipe == "rpgan":
        he_weights(game.generator, seed)
    return game


def he_weights(network: nn.Module, seed: int) -> None:
    """Draw the kernels from N(0, 2 / n), n the inputs that a number is summed from.

    He et al. 2015, arXiv 1502.01852, equation 10; DCGAN takes 0.02 for the standard deviation.
    """
    chance = torch.Generator().manual_seed(seed)
    for layer in network.modules():
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
            area = layer.kernel_size[0] ** 2
            if isinstance(layer, nn.ConvTranspose2d):  # a pixel is reached by a part of the kernel
                area = area // layer.stride[0] ** 2 if layer.stride[0] > 1 else 1
            with torch.no_grad():
                layer.weight.normal_(0, (2 / (layer.in_channels * area)) ** 0.5, generator=chance)


def played(game: Game, faces: ImageSet, steps: int, held_out: ImageSet | None = None) -> dict:
    """Play a game and return how good its averaged generator is.

    With `held_out` there are also `looks` on the way: D's mean scores of as many faces that it
    learns from, of those held out and of fakes, and how good the fakes are; and, in the end, how
    good fakes are that are painted `as_trained`.
    """
    ruler = faces if len(faces) <= RULER else faces[:RULER]  # itself: its features are kept
    looks: list[dict] = []
    looking = 0.0  # seconds that do not count

    def look(game: Game) -> None:
        nonlocal looking
        start = time.process_time()
        made = game.sample(SAMPLES, ema=True)
        groups = {"training": faces[:len(held_out)].signed(), "held out": held_out.signed(),
                  "fake": data.to_signed(made[:len(held_out)])}
        with torch.no_grad():
            scores = {name: round(float(game.critic(pictures).mean()), 4)
                      for name, pictures in groups.items()}
        looks.append({"step": game.step, **scores, **measured(made, ruler)})
        looking += time.process_time() - start

    start = time.process_time()
    fit(game, faces, steps, watch=look if held_out else None, watch_every=max(1, steps // LOOKS))
    took = time.process_time() - start - looking
    found = {"seconds": round(took), **measured(game.sample(SAMPLES, ema=True), ruler)}
    if held_out:
        found |= {"as trained": measured(as_trained(game), ruler), "looks": looks}
    return found


def as_trained(game: Game) -> Tensor:
    """Return samples whose BatchNorm takes the statistics of their own batch, as in training."""
    network = copy.deepcopy(game.generator_ema).train()
    z = sample_noise(SAMPLES, game.latent, torch.Generator().manual_seed(0))
    with torch.no_grad():
        return torch.cat([data.to_images(network(part)) for part in z.split(game.batch)])


def faces_of(size: int, n: int = 10_000) -> ImageSet:
    """Return core toy faces."""
    return data.toy_faces(n, size=size, core=True)


def floor(faces: ImageSet) -> dict:
    """Return what new real pictures get."""
    return measured(data.toy_faces(SAMPLES, size=faces.shape[-1], seed=1, core=True).images, faces)


def compare(study: str, make: Callable[[str, int, int], Game], ways, seconds: float,
            options: argparse.Namespace, faces: ImageSet | None = None,
            steps: dict[str, int] | None = None) -> None:
    """Play every way for as many steps as it makes in `seconds`, on every seed."""
    faces = faces or faces_of(32)
    content = stored(study)
    if not content:
        steps = steps or steps_in(seconds, {way: make(way, 0, LONG) for way in ways}, faces)
        content = {**about(faces, COMMON), "seconds": seconds, "samples": SAMPLES, "steps": steps,
                   "floor": floor(faces), "runs": {way: {} for way in ways}}
        store(study, content, options)
    for seed in map(str, options.seeds):
        for way in options.only or ways:
            if seed not in content["runs"][way]:
                steps = content["steps"][way]
                found = played(make(way, int(seed), steps), faces, steps)
                print(study, way, seed, found, flush=True)
                content = stored(study) or content  # somebody else may have stored a run
                content["runs"][way][seed] = found
                store(study, content, options)


def contest(options: argparse.Namespace) -> None:
    """Play five recipes for equal seconds of one core."""
    compare("contest", contestant, CONTESTANTS, CONTEST_SECONDS, options)


def contest_long(options: argparse.Namespace) -> None:
    """Play the recipes five times as long, on the faces of `winner`, which has the fifth recipe."""
    others = [name for name in CONTESTANTS if name != "rpgan"]
    longer = WINNER_SECONDS // CONTEST_SECONDS
    steps = {name: longer * stored("contest")["steps"][name] for name in others}
    faces = faces_of(32, 20_000)
    compare("contest_long", contestant, others, WINNER_SECONDS, options, faces, steps)


def changes(options: argparse.Namespace) -> None:
    """Play the winner with one thing changed, for equal seconds of one core."""
    compare("changes", changed, CHANGES, CHANGES_SECONDS, options)


def why_not_residual(options: argparse.Namespace) -> None:
    """Play `r3gan` with one thing changed, for equal seconds of one core."""
    compare("residual", residual, RESIDUAL, CONTEST_SECONDS, options)


def gamma(options: argparse.Namespace) -> None:
    """Play the winner at three sides with four weights of the penalty."""
    content = stored("gamma") or {**about(faces_of(32), COMMON), "samples": SAMPLES,
                                  "seconds": GAMMA_SECONDS, "steps": {}, "floor": {}, "sides": {}}
    for size in options.sides:
        faces, side = faces_of(size), str(size)
        make = partial(recipes.rpgan, size, precision="bfloat16", **SIDES[size])
        if side not in content["steps"]:
            timed = steps_in(GAMMA_SECONDS[size], {side: make(steps=LONG)}, faces)
            content["steps"].update(timed)
            content["floor"][side] = floor(faces)
            content["sides"][side] = {str(weight): {} for weight in GAMMAS}
        for seed in map(str, options.seeds):
            for weight in GAMMAS:
                runs = content["sides"][side][str(weight)]
                if seed not in runs:
                    steps = content["steps"][side]
                    game = make(steps=steps, gamma=weight, seed=int(seed))
                    runs[seed] = played(game, faces, steps)
                    print("gamma", size, weight, seed, runs[seed], flush=True)
                    store("gamma", content, options)


def few(options: argparse.Namespace) -> None:
    """Play the lesson's game of few digits for longer, and measure how good it is on the way."""
    framed = data.mnist().framed(32)  # at half the side, as in the lesson: 16x16
    digits = replace(framed, images=avg_pool2d(framed.images.float(), 2).round().byte())
    held_out, others = digits[1000:2000], digits[2000:]
    evaluator = measure.DigitEvaluator(others, held_out)
    content = stored("few") or {
        **about(digits, {"features": 32, "lr": 1e-3, "loss": "NonSaturating"}),
        "steps": FEW_STEPS, "samples": FEW_SAMPLES, "compared with": len(others),
        "floor": round(evaluator.floor.fd_digits, 3),
        "runs": {str(n): {way: {} for way in FEW_WAYS} for n in FEW}}
    shown = {"40 of 100 real pictures": digits.images[:40]}
    for seed, n, way in product(map(str, options.seeds), FEW, FEW_WAYS):
        if seed in content["runs"][str(n)][way]:
            continue
        found, made = watched(FEW_WAYS[way], digits[:n], held_out, evaluator, int(seed))
        print("few", n, way, seed, found, flush=True)
        content = stored("few") or content  # somebody else may have stored a run
        content["runs"][str(n)][way][seed] = found
        store("few", content, options)
        if (n, seed) == (100, "0"):
            shown[way] = made[:40]
    if options.write and len(shown) == 1 + len(FEW_WAYS):
        sheet = titled_rows({title: show.grid(pictures, columns=20)
                             for title, pictures in shown.items()}, "L", font=15, head=26)
        sheet.save(IMAGES / "lesson06_few.png", optimize=True)


def watched(augment: DiffAugment | None, known: ImageSet, held_out: ImageSet,
            evaluator: measure.DigitEvaluator, seed: int) -> tuple[dict, torch.Tensor]:
    """Return D's mean scores and how good the samples are, at eight looks; and the samples."""
    looks: dict[str, list[float]] = {key: [] for key in (
        "step", "training", "held out", "fake", "frechet", "confident")}

    def look(game: Game) -> None:
        made = game.sample(FEW_SAMPLES, ema=True)
        report = evaluator.report(made)
        with torch.no_grad():
            scores = [float(game.critic(pictures).mean()) for pictures in (
                known.signed(), held_out.signed(), data.to_signed(made[:1000]))]
        row = [game.step, *scores, report.fd_digits, report.confident]
        for values, value in zip(looks.values(), row, strict=True):
            values.append(round(value, 4))

    game = recipes.rpgan(16, 1, features=32, lr=1e-3, loss=losses.NonSaturating(), penalty=None,
                         decay=None, augment=augment, seed=seed)
    fit(game, known, FEW_STEPS, watch=look, watch_every=FEW_STEPS // 8)
    made = game.sample(FEW_SAMPLES, ema=True)
    copies = measure.copy_test(made, known.images, held_out.images[:len(known)])
    return {**looks, "nearer to training": round(copies.share, 4)}, made


def winner(options: argparse.Namespace) -> None:
    """Play the winner for longer, on 20,000 faces."""
    faces = faces_of(32, 20_000)
    content = stored("winner")
    if not content:
        timed = steps_in(WINNER_SECONDS, {"rpgan": contestant("rpgan", 0, LONG)}, faces)
        content = {**about(faces, COMMON), "seconds": WINNER_SECONDS, "samples": SAMPLES,
                   "steps": timed["rpgan"], "floor": floor(faces), "runs": {}}
    play_on("winner", content, partial(contestant, "rpgan"), faces, options)


def unpaired(options: argparse.Namespace) -> None:
    """Play as many steps as `winner` with the non-saturating loss, its penalties the same."""
    content = stored("unpaired") or {**stored("winner"), "runs": {}}
    play_on("unpaired", content, partial(contestant, "rpgan", loss=losses.NonSaturating()),
            faces_of(32, 20_000), options)


def hour(options: argparse.Namespace) -> None:
    """Play the winner for six times as long."""
    ten_minutes = stored("winner")
    content = stored("hour") or {**ten_minutes, "seconds": HOUR * ten_minutes["seconds"],
                                 "steps": HOUR * ten_minutes["steps"], "runs": {}}
    play_on("hour", content, partial(contestant, "rpgan"), faces_of(32, 20_000), options)


def five_minutes(options: argparse.Namespace) -> None:
    """Play the quick game for what two cores compute in five minutes."""
    draw_gallery("five_minutes", laid_out("five_minutes", FIVE_MINUTES, options, **QUICK), options)


def half_hour(options: argparse.Namespace) -> None:
    """Play the quick game for what two cores compute in half an hour, or less."""
    laid_out("half_hour", HALF_HOUR, options, **QUICK)


def wide(options: argparse.Namespace) -> None:
    """Play the winner, pairs and all, half as wide again, for about an hour of one core."""
    laid_out("wide", WIDE, options, features=48)


def batches(options: argparse.Namespace) -> None:
    """Play the quick game with batches twice as large, for the core-seconds of half an hour.

    `other rounds`, in the stored numbers, are the same for 55,000 steps, before, and for 68,500,
    after: neither rise made a difference that shows.
    """
    laid_out("batches", BATCHES, options, **QUICK, batch=64)


def more_faces(options: argparse.Namespace) -> None:
    """Play `batches` on five times as many faces, and watch whether D knows those it learns from.

    The samples are compared with the same 20,000 faces.
    """
    held_out = data.toy_faces(2000, size=32, seed=1, core=True)
    laid_out("more_faces", BATCHES, options, MORE_FACES, held_out, **QUICK, batch=64)


def frozen(options: argparse.Namespace) -> None:
    """Play `more_faces`, in the last fifth of the steps with the BatchNorm of G frozen.

    The stored runs went on from step 52,000 of those of `more_faces`, saved there; the seconds
    until then are counted as that part of theirs. `other rounds`, in the stored numbers, were
    played from the first step: 52,000 steps, which half an hour of two cores holds on a slow day.
    Seed 2 of these ran in float32, on a processor that has no bfloat16 instructions.
    """
    draw_gallery("frozen", laid_out("frozen", BATCHES, options, MORE_FACES, **QUICK, batch=64,
                                    freeze_batchnorm=BATCHES * 4 // 5), options)


def laid_out(study: str, steps: int, options: argparse.Namespace, known: int = RULER,
             held_out: ImageSet | None = None, **changes) -> Game | None:
    """Play the winner with `changes`, channels_last, on `known` faces; see `play_on`."""
    def make(seed: int, steps: int) -> Game:
        return channels_last(contestant("rpgan", seed, steps, **changes))

    faces = faces_of(32, known)
    named = {name: value if isinstance(value, int) else type(value).__name__
             for name, value in changes.items()}
    settings = {**COMMON, **named, "memory_format": "channels_last"}
    content = stored(study) or {**about(faces, settings), "samples": SAMPLES, "steps": steps,
                                "floor": floor(faces_of(32, RULER)), "runs": {}}
    return play_on(study, content, make, faces, options, held_out)


def play_on(study: str, content: dict, make: Callable[[int, int], Game], faces: ImageSet,
            options: argparse.Namespace, held_out: ImageSet | None = None) -> Game | None:
    """Play the seeds that are not stored, as `played`; return the game of seed 0 if among them."""
    store(study, content, options)  # whoever plays other seeds takes as many steps
    first = None
    for seed in map(str, options.seeds):
        if seed not in content["runs"]:
            game = make(int(seed), content["steps"])
            found = played(game, faces, content["steps"], held_out)
            print(study, seed, found, flush=True)
            content = stored(study) or content  # somebody else may have stored a run
            content["runs"] = dict(sorted([*content["runs"].items(), (seed, found)]))
            store(study, content, options)
            first = game if seed == "0" else first
    return first


def draw_gallery(study: str, game: Game | None, options: argparse.Namespace) -> None:
    """Write images/lesson06_STUDY.png: two rows of real pictures above six of a game's samples."""
    if game is not None and options.write:
        real, made = faces_of(32, 24).images, game.sample(72, ema=True)
        picture = two_parts(show.grid(real, columns=12), show.grid(made, columns=12))
        picture.quantize(128).save(IMAGES / f"lesson06_{study}.png", optimize=True)


stored = partial(results.begun, "lesson06")
store = partial(results.keep, "lesson06")


STUDIES = {"contest": contest, "contest_long": contest_long, "changes": changes,
           "residual": why_not_residual, "gamma": gamma, "few": few, "winner": winner,
           "unpaired": unpaired, "hour": hour, "five_minutes": five_minutes,
           "half_hour": half_hour, "wide": wide, "batches": batches, "more_faces": more_faces,
           "frozen": frozen}


def main() -> None:
    """Run the studies the command line names."""
    parser = results.parser(__doc__, STUDIES, (0, 1, 2))
    parser.add_argument("--only", nargs="+", help="names of contestants or changes")
    parser.add_argument("--sides", type=int, nargs="+", default=list(SIDES))
    results.run(STUDIES, parser.parse_args())


if __name__ == "__main__":
    main()
