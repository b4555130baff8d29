"""Measure the bars of the open tasks in lessons 01 to 04: what passes, what fails, by how much.

    python -m studies.exercises cure --seeds 901 902 903      lesson 01, the checker's own seeds
    python -m studies.exercises digits --seeds 0 1 2 3 4      lesson 02, 3,000 steps each
    python -m studies.exercises board --seeds 0 1 2           lesson 03, 600 steps each
    python -m studies.exercises penalty --seeds 0 1 2         lesson 04, 32,000 pictures each
    python -m studies.exercises cure digits --write           also stores exercises_bars.json

One thread. A bar in `gan_lessons/exercises` lies below the worst seed of a game that should pass
and above the best of those that should not. Seconds are of one core.
"""

import argparse
import json
import time
from functools import partial
from pathlib import Path

import torch

from gan_lessons import ablations, data, losses, measure, penalties, recipes, runtime
from gan_lessons.exercises import lesson01, lesson03, lesson04
from gan_lessons.nets import dcgan
from gan_lessons.train import head_start
from studies.results import fit

BARS = Path(__file__).with_name("exercises_bars.json")
DIGIT_STEPS = 3000

# lesson 01: what a learner may hand in
PENALTIES = {"R1, gamma 0.1": partial(penalties.r1, gamma=0.1),
             "R1, gamma 1": partial(penalties.r1, gamma=1.0),
             "R1 + R2, gamma 0.3": partial(penalties.r1_r2, gamma=0.3),
             "R1 + R2, gamma 1": partial(penalties.r1_r2, gamma=1.0)}
GAMES = {"no penalty": recipes.plane,
         **{name: partial(recipes.plane, penalty=penalty) for name, penalty in PENALTIES.items()},
         "RpGAN + R1 + R2, gamma 0.1": partial(
             recipes.plane, loss=losses.Relativistic(),
             penalty=partial(penalties.r1_r2, gamma=0.1))}

# lesson 02: the settings of the tutorial, and those that cured it
SETTINGS = {"as written": {}, "lr 1e-3, betas 0, 0.99": {"lr": 1e-3, "betas": (0.0, 0.99)}}

# lesson 03: changes of the small DCGAN that a learner may try
SN = {"loss": losses.Hinge(), "betas": (0.0, 0.9)}  # with spectral norm in D
TRIES = {"DCGAN": {}, "SN-GAN": SN, "SN-GAN, lr 2e-3": {**SN, "lr": 2e-3}}

# lesson 04: steps of D are the budget, so G has fewer where n_critic is larger
PENALISED = {"lr 1e-4, n_critic 5": {"lr": 1e-4, "n_critic": 5},  # the paper's
             "lr 1e-3, n_critic 5": {"lr": 1e-3, "n_critic": 5},
             "lr 1e-3, n_critic 2": {"lr": 1e-3, "n_critic": 2},
             "lr 1e-3, n_critic 1": {"lr": 1e-3, "n_critic": 1}}


def cure(seed: int) -> dict:
    """Play each game against the strong D of the open task; return what the checker looks at."""
    found = {}
    for name, make in GAMES.items():
        began = time.process_time()
        game = make(seed=seed, n_critic=lesson01.PER_ROUND)
        head_start(game, lesson01.RING, lesson01.HEAD_START)
        fit(game, lesson01.RING, lesson01.ROUNDS)
        report = measure.mode_report(game.sample(2500), lesson01.RING)
        found[name] = {"modes": report.modes, "effective": round(report.effective_modes, 1),
                       "high_quality": round(report.high_quality, 2),
                       "seconds": round(time.process_time() - began)}
    return found


def digits(seed: int) -> dict:
    """Train source 004 with each setting on the MNIST in the box; return the report."""
    images, held_out = data.mnist(), data.mnist(train=False)
    evaluator, found = measure.DigitEvaluator(images, held_out), {}
    for name, settings in SETTINGS.items():
        began = time.process_time()
        game = fit(recipes.source_004(seed=seed, **settings), images, DIGIT_STEPS)
        seconds = time.process_time() - began
        report = evaluator.report(game.sample(2000))
        found[name] = {"classes": report.classes, "kl": round(report.kl, 3),
                       "fd_digits": round(report.fd_digits, 2),
                       "confident": round(report.confident, 2), "seconds": round(seconds)}
    return found


def penalty(seed: int) -> dict:
    """Train WGAN-GP on faces of 16x16 with each setting; return the distance from real ones."""
    faces, found = data.toy_faces(4000, size=16, core=True), {}
    for name, settings in PENALISED.items():
        began = time.process_time()
        game = recipes.wgan_gp(16, features=32, latent=64, seed=seed, **settings)
        fit(game, faces, lesson04.BUDGET // game.batch // game.n_critic)
        seconds = time.process_time() - began
        found[name] = {"distance": round(lesson04.distance(game, faces)),
                       "seconds": round(seconds)}
    return found


def board(seed: int) -> dict:
    """Train the small DCGAN of lesson 03's board with other settings; return the report."""
    images, held_out = (part.framed(32) for part in lesson03.digits())
    evaluator, found = measure.DigitEvaluator(images, held_out), {}
    for name, settings in TRIES.items():
        began = time.process_time()
        torch.manual_seed(seed)
        critic = dcgan.critic(32, 1, features=8, norm="spectral") if settings else None
        game = ablations.changed("DCGAN", seed=seed, critic=critic, **settings)
        fit(game, images, lesson03.STEPS)
        seconds = time.process_time() - began
        report = evaluator.report(game.sample(lesson03.SAMPLES, ema=True))
        found[name] = {"classes": report.classes, "kl": round(report.kl, 3),
                       "fd_digits": round(report.fd_digits, 2),
                       "confident": round(report.confident, 2), "seconds": round(seconds)}
    return found


def main():
    """Measure and print, and store the results if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="+", choices=["cure", "digits", "board", "penalty"])
    parser.add_argument("--seeds", nargs="+", type=int)
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    runtime.set_threads(1)
    stored = json.loads(BARS.read_text()) if BARS.exists() else {}
    for what in asked.what:
        play = {"cure": cure, "digits": digits, "board": board,
                "penalty": penalty}[what]
        usual = {"cure": lesson01.SEEDS, "digits": range(5), "board": range(3),
                 "penalty": range(3)}[what]
        for seed in asked.seeds or usual:
            for name, numbers in play(seed).items():
                print(what, seed, name, numbers, flush=True)
                stored.setdefault(what, {}).setdefault(name, {})[str(seed)] = numbers
    if asked.write:
        BARS.write_text(json.dumps(stored, indent=1) + "\n")


if __name__ == "__main__":
    main()
