"""Recompute what lesson 04 rests on: does the gap fall as the pictures get better, and the rest.

    python studies/lesson04.py gap critics flat --seeds 0 1 2 3 4
    python studies/lesson04.py gap --seeds 0 --steps 100
    python studies/lesson04.py gap critics flat --write      stores lesson04_rates.json

One thread. Times are seconds of one core. `tests/test_studies.py` plays some of it again.
"""

import argparse
import json
import math
import time
from functools import partial
from pathlib import Path

import torch
from torch import nn

from gan_lessons import data, losses, measure, penalties, recipes, runtime
from gan_lessons.nets import mlp
from gan_lessons.train import adam, critic_step, fit, head_start, rmsprop

RATES = Path(__file__).with_name("lesson04_rates.json")
SETTINGS = {"features": 32, "latent": 64, "lr": 5e-4}  # of the lesson's games at 16x16
STEPS, EVERY, HEAD_START = 300, 25, 100
REAL, FAKE, STD = torch.tensor([-4.0, 0.0, 4.0]), torch.tensor([-2.0, 2.0]), 0.2


def enlarged(images: torch.Tensor) -> torch.Tensor:
    """Return pictures of side 16 at side 32, every pixel four times, for the factor reader."""
    return images.repeat_interleave(2, 2).repeat_interleave(2, 3)


def ranks_agree(a, b) -> float:
    """Return Spearman's rank correlation of two lists without ties, -1 to 1."""
    ranks = [torch.tensor(x).argsort().argsort().double() for x in (a, b)]
    return float(torch.corrcoef(torch.stack(ranks))[0, 1])


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
    fit(game, faces, steps, watch=look, watch_every=EVERY, progress=False)
    rho = ranks_agree(gaps, distances)
    return {"rho": round(rho, 2), "gap": [float(f"{g:.3g}") for g in gaps],
            "distance": [float(f"{d:.3g}") for d in distances], "holds": rho > 0.5}


def draw(centres: torch.Tensor, n: int, chance: torch.Generator) -> torch.Tensor:
    """Return n points near the centres, (n, 1)."""
    which = torch.randint(len(centres), (n,), generator=chance)
    return (centres[which] + STD * torch.randn(n, generator=chance)).unsqueeze(1)


def trained(seed: int, clip=None, penalty=None, steps: int = 1000) -> nn.Module:
    """Return a critic that has learned to tell the three heaps REAL from the two heaps FAKE."""
    torch.manual_seed(seed)
    critic = mlp.discriminator([64, 64, 64], (1,), activation=mlp.leaky)
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
    """Clipping leaves a critic that turns less often than the truth, which turns three times."""
    clipped = {c: shape(trained(seed, clip=c, steps=steps)) for c in (0.001, 0.1, 1.0)}
    turns, slope = shape(trained(seed, penalty=partial(penalties.gradient_penalty, weight=1.0),
                                 steps=steps))
    slopes = {c: steepest for c, (_, steepest) in clipped.items()}
    return {"clipped": clipped[0.1][0], "penalty": turns, "steepness": round(slope, 2),
            "slopes": [float(f"{s:.2g}") for s in slopes.values()],
            "holds": clipped[0.1][0] < 3 == turns and slopes[0.001] < 1e-6
            and slopes[1.0] > 1000 and math.isfinite(slopes[1.0])}


def flat(seed: int, steps: int = 150) -> dict:
    """Without BatchNorm most of the critic's weights lie at the edge of the box; G starves."""
    faces = data.toy_faces(4000, size=16, core=True)
    edge, spread = {}, {}
    for norm in ("none", "batch"):
        game = recipes.wgan(16, norm=norm, seed=seed, **{**SETTINGS, "features": 16})
        fit(game, faces, steps, progress=False)
        edge[norm] = at_the_edge(game.critic, game.clip)
        spread[norm] = float(game.sample(200).float().std(0).mean())
    real = float(faces.images[:200].float().std(0).mean())
    return {"edge": round(edge["none"], 2), "edge_batch": round(edge["batch"], 2),
            "spread": round(spread["none"] / real, 2), "spread_batch": round(spread["batch"] / real,
                                                                            2),
            "holds": edge["none"] > 0.5 > edge["batch"] and spread["none"] < 0.5 * real
            < spread["batch"]}


def at_the_edge(critic: nn.Module, limit: float) -> float:
    """Return the share of the critic's weights that lie within 1 % of the limit."""
    weights = torch.cat([p.detach().flatten() for p in critic.parameters()])
    return float((weights.abs() > 0.99 * limit).float().mean())


STUDIES = {"gap": gap, "critics": critics, "flat": flat}


def main() -> None:
    """Run the studies the command line names and print a line for each run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("studies", nargs="+", choices=STUDIES)
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(5)))
    parser.add_argument("--steps", type=int, help="instead of the lesson's")
    parser.add_argument("--write", action="store_true", help=f"store the results in {RATES.name}")
    options = parser.parse_args()
    runtime.set_threads(1)
    results = json.loads(RATES.read_text()) if RATES.exists() else {}
    for name in options.studies:
        results[name] = {}
        for seed in options.seeds:
            start = time.process_time()
            results[name][seed] = STUDIES[name](seed, *[options.steps] if options.steps else [])
            took = time.process_time() - start
            print(f"{name:8s} {seed:4d} {took:5.1f} s  {results[name][seed]}", flush=True)
        held = sum(result["holds"] for result in results[name].values())
        print(f"{name}: holds on {held} of {len(results[name])} seeds", flush=True)
        if options.write:
            lines = [f'"{study}": {{\n' + ",\n".join(
                f'    "{seed}": {json.dumps(result)}' for seed, result in by_seed.items())
                + "\n  }" for study, by_seed in results.items()]
            RATES.write_text("{\n  " + ",\n  ".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
