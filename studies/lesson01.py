"""Recompute the numbers of lesson 01: its games against a weak and a strong D, its failures.

    python -m studies.lesson01 games --seeds 20 21 22 23 24
    python -m studies.lesson01 games --only NS "NS + R1 + R2" --seeds 20
    python -m studies.lesson01 modern --only ring --seeds 100 101 102 103 104
    python -m studies.lesson01 games modern --write      also stores lesson01_rates.json

One thread. Modes and the rest by the protocol of `measure.mode_report`, 2,500 samples. Times are
seconds of one core. `tests/test_studies.py` plays the games again. No setting was chosen on seeds
20 to 24; 30 to 34 were played later, at the same settings.
"""

import argparse
import json
import time
from functools import partial
from pathlib import Path

import torch

from gan_lessons import data, losses, measure, penalties, recipes, runtime
from gan_lessons.measure.points import SAMPLES
from gan_lessons.train import adam, head_start, sample_noise
from studies.results import fit

RATES = Path(__file__).with_name("lesson01_rates.json")
RING = data.ring()  # 8 modes, radius 2, std 0.05
STEPS = 1500  # of G, in an even game
STRONG_STEPS = 500  # of G, against a strong D, which takes ten times as many
HEAD_START = 1000
EARLY = 100  # steps of G until D's strength is measured a second time
EVERY = 50  # steps between two looks at the oscillation

# The published mixtures and their bars. The grid is divided by 4 and so fills [-1, 1]; the
# protocol counts in standard deviations and does not mind. `unscaled` is the grid as published.
MODERN = {"ring": (data.ring(radius=1, std=0.01), 0.97),
          "grid": (data.grid(spacing=0.5, std=0.0125), 0.95)}
UNSCALED = (data.grid(), 0.95)


# ---- the games of the lesson; each returns what is counted, and whether the claim holds ----

def report(game) -> measure.PointReport:
    """Measure fresh samples of the newest weights."""
    return measure.mode_report(game.sample(SAMPLES), RING)


def even(seed: int, steps: int = STEPS, **changes) -> dict:
    """One step of D for each of G: is every mode captured?"""
    game = fit(recipes.plane(seed=seed, **changes), RING, steps)
    return summary(report(game)) | strength(game)


def strong(seed: int, steps: int = STRONG_STEPS, **changes) -> dict:
    """D has a head start and takes 10 steps a round. D's strength before G moves, early, late."""
    game = recipes.plane(seed=seed, n_critic=10, **changes)
    head_start(game, RING, HEAD_START)
    looks = {"start": strength(game)}
    looks["early"] = strength(fit(game, RING, min(EARLY, steps)))
    found = report(fit(game, RING, steps))
    return summary(found) | strength(game) | looks


def vanishing(seed: int, steps: int = 300) -> dict:
    """A head start of D and the minimax loss: the gradient is gone and G stands still.

    G takes plain gradient steps here: Adam divides by the size of the gradient and hides it.
    """
    moved, slopes = {}, {}
    for loss in (losses.Minimax(), losses.NonSaturating()):
        game = recipes.plane(seed=seed, loss=loss)
        game.generator_optimizer = torch.optim.SGD(game.generator.parameters(), lr=0.02)
        head_start(game, RING, HEAD_START)
        name, before = type(loss).__name__, game.sample(SAMPLES)
        slopes[name] = slope(game)
        fit(game, RING, steps)
        moved[name] = float((game.sample(SAMPLES) - before).norm(dim=1).mean())
    stands_still = moved["Minimax"] < 0.1 and moved["NonSaturating"] > 0.5
    ratio = slopes["NonSaturating"] / slopes["Minimax"]
    return {"moved": round(moved["Minimax"], 3), "moved_ns": round(moved["NonSaturating"], 2),
            "ratio": round(ratio), "slope": round(slopes["Minimax"], 5),
            "holds": stands_still and ratio > 100}


def collapse(seed: int, steps: int = STRONG_STEPS) -> dict:
    """The strong D once more, watched: the crowd moves on less than five times in ten looks."""
    game = recipes.plane(seed=seed, n_critic=10)
    seen = ten_looks(head_start(game, RING, HEAD_START), steps)
    return seen | {"holds": seen["moves"] < 5}


def oscillation(seed: int, steps: int = 800) -> dict:
    """D learns ten times more slowly than G: all samples run from mode to mode together.

    In the last ten looks the crowd is at four modes or more and has moved on five times or more.
    """
    game = recipes.plane(seed=seed)
    game.critic_optimizer = adam(game.critic, lr=1e-4, betas=game.betas)
    seen = ten_looks(game, steps)
    return seen | {"holds": oscillates(seen)}


def oscillates(seen: dict) -> bool:
    """Tell whether ten looks show a crowd that runs from mode to mode."""
    return seen["visited"] >= 4 and seen["moves"] >= 5 and seen["effective"] < 3


def watched(seed: int, steps: int = STEPS, **changes) -> dict:
    """An even game, looked at ten times: which of the failures is it, if any?"""
    return ten_looks(recipes.plane(seed=seed, **changes), steps)


def ten_looks(game, steps: int) -> dict:
    """Train up to `steps` and look ten times, EVERY steps apart, the last time at the end.

    visited, moves: to how many modes most samples were nearest, and how often that mode changed.
    effective: the perplexity of the shares of samples nearest to each mode; high_quality: the
    share of samples on a mode. Both are the median (the sixth of ten).
    """
    places, spread, quality = [], [], []
    for step in range(steps - 9 * EVERY, steps + 1, EVERY):
        fit(game, RING, step)
        share = nearest_modes(game.sample(1000))
        places.append(int(share.argmax()))
        spread.append(float(torch.exp(-torch.special.xlogy(share, share).sum())))
        quality.append(report(game).high_quality)
    moves = sum(a != b for a, b in zip(places, places[1:], strict=False))
    return {"visited": len(set(places)), "moves": moves, "effective": round(sorted(spread)[5], 2),
            "high_quality": round(sorted(quality)[5], 3)}


PAIRED, PENALTY = losses.Relativistic(), penalties.r1_r2
GAMES = {"even": even,
         "even, default betas": partial(even, betas=(0.9, 0.999)),
         "even + R1 + R2": partial(even, penalty=PENALTY),
         "NS": strong,
         "NS + R1 + R2": partial(strong, penalty=PENALTY),
         "RpGAN": partial(strong, loss=PAIRED),
         "RpGAN + R1 + R2": partial(strong, loss=PAIRED, penalty=PENALTY),
         "collapse": collapse, "vanishing": vanishing, "oscillation": oscillation,
         "even, watched": watched,
         "even, default betas, watched": partial(watched, betas=(0.9, 0.999))}


def summary(found: measure.PointReport) -> dict:
    """Return the numbers of a report, rounded; no sample of high quality: no reverse KL."""
    return {"modes": found.modes, "effective": round(found.effective_modes, 2),
            "high_quality": round(found.high_quality, 3),
            "reverse_kl": round(found.reverse_kl, 4) if found.modes else None}


def strength(game) -> dict:
    """Measure D on points that it has not been trained on, and its gradient at G's fakes.

    auc: in which share of all pairs of a real point and a fake D scores the real one higher; 0.5
    is guessing, 1 is never wrong. It does not mind a constant added to all scores.
    gap: mean score of real points minus mean score of fakes. slope: mean gradient norm at fakes.
    leads_to: see there.
    """
    real = RING.sample(SAMPLES, torch.Generator().manual_seed(99))
    fake = game.sample(SAMPLES, seed=99).requires_grad_(True)
    scores = game.critic(fake)
    slopes, = torch.autograd.grad(scores.sum(), fake)
    scores = scores.detach()
    with torch.no_grad():
        real_scores = game.critic(real)
    wins = (real_scores[:, None] > scores[None, :]).double().mean()
    return {"auc": round(float(wins), 3),
            "gap": round(float(real_scores.mean() - scores.mean()), 2),
            "slope": round(float(slopes.norm(dim=1).mean()), 2),
            "leads_to": leads_to(game.critic)}


def leads_to(critic, length: float = 0.05, moves: int = 80) -> int:
    """Count the modes that D's gradient leads to.

    441 points on a square grid around the origin, half width 2, walk uphill on D's score, a step
    of `length` at a time. A mode counts when at least 9 of them (2 %) end within 0.5 of it.
    """
    line = torch.linspace(-2, 2, 21)
    points = torch.cartesian_prod(line, line)
    for _ in range(moves):
        points = points.requires_grad_(True)
        uphill, = torch.autograd.grad(critic(points).sum(), points)
        size = uphill.norm(dim=1, keepdim=True).clamp_min(1e-9)
        points = points.detach() + length * uphill / size
    distance, nearest = torch.cdist(points, RING.modes).min(1)
    return int((torch.bincount(nearest[distance < 0.5], minlength=8) >= 9).sum())


def slope(game) -> float:
    """Return the mean length of G's gradient arrows, d loss / d fake for each of 512 fakes."""
    z = sample_noise(512, game.latent, torch.Generator().manual_seed(1))
    fake = game.generator(z).detach().requires_grad_(True)
    arrows, = torch.autograd.grad(512 * game.loss.generator(game.critic(fake)), fake)
    return float(arrows.norm(dim=1).mean())


def nearest_modes(points: torch.Tensor) -> torch.Tensor:
    """Return the share of points, (n, 2), whose nearest mode is each of the eight, (8,)."""
    nearest = torch.cdist(points, RING.modes).argmin(1)
    return torch.bincount(nearest, minlength=8).double() / len(points)


# ---- the modern recipe on the published mixtures ----

def modern(task: tuple, seed: int, steps: int = 12_000) -> dict:
    """The modern recipe: all modes, high quality, a reverse KL of at most 0.01."""
    points, quality = task
    game = fit(recipes.modern_plane(seed=seed, steps=steps), points, steps)
    found = measure.mode_report(game.sample(SAMPLES, ema=True), points)
    return summary(found) | {"holds": found.modes == found.of and found.reverse_kl <= 0.01
                             and found.high_quality >= quality}


def main() -> None:
    """Run the studies the command line names and print a line for each run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("studies", nargs="+", choices=("games", "modern"))
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(20, 25)))
    parser.add_argument("--only", nargs="+", help="names of games, or ring, grid, unscaled")
    parser.add_argument("--steps", type=int, help="instead of the lesson's")
    parser.add_argument("--write", action="store_true", help=f"store the results in {RATES.name}")
    options = parser.parse_args()
    runtime.set_threads(1)
    runs = {}
    if "games" in options.studies:
        runs |= GAMES
    if "modern" in options.studies:
        runs |= {f"modern {name}": partial(modern, task)
                 for name, task in {**MODERN, "unscaled": UNSCALED}.items()}
    results = {}
    steps = {"steps": options.steps} if options.steps else {}
    for name, run in runs.items():
        if options.only and name.removeprefix("modern ") not in options.only:
            continue
        results[name] = {}
        for seed in options.seeds:
            start = time.process_time()
            results[name][seed] = run(seed, **steps)
            took = time.process_time() - start
            print(f"{name:12s} {seed:4d} {took:5.1f} s  {results[name][seed]}", flush=True)
    if options.write:
        stored = json.loads(RATES.read_text()) if RATES.exists() else {}
        lines = [f'"{name}": {{\n' + ",\n".join(
            f'    "{seed}": {json.dumps(result)}' for seed, result in by_seed.items()) + "\n  }"
            for name, by_seed in (stored | results).items()]
        RATES.write_text("{\n  " + ",\n  ".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
