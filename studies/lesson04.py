"""Recompute what lesson 04 rests on: does the gap fall as the pictures get better, and the rest.

    python studies/lesson04.py gap critics flat --seeds 0 1 2 3 4
    python studies/lesson04.py gap --seeds 0 --steps 100
    python studies/lesson04.py gap critics flat --write      stores lesson04_rates.json

One thread. Times are seconds of one core. `tests/test_studies.py` plays some of it again.
"""

import argparse
import copy
import json
import math
import platform
import time
from functools import partial
from pathlib import Path

import torch
from torch import nn

from gan_lessons import data, losses, measure, penalties, recipes, runtime
from gan_lessons.data import ImageSet
from gan_lessons.nets import mlp
from gan_lessons.train import adam, critic_step, fit, head_start, rmsprop

RATES = Path(__file__).with_name("lesson04_rates.json")
SETTINGS = {"features": 32, "latent": 64, "lr": 5e-4}  # of the lesson's games at 16x16
STEPS, EVERY, HEAD_START = 300, 25, 100
NORM_SETTINGS = {"features": 16, "latent": 64, "lr": 5e-4}  # of the failure of the day
NORM_LOOKS = (150, 600)
NORM_PAIRS = ("batch/batch", "none/batch", "batch/none", "none/none")  # of G/of the critic
FEATURES: dict = {}  # of the sets that were measured against, see `real_features`
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
    return {"frechet": round(distance, 2), "seen": report.seen, "kl": round(report.reverse_kl, 4) if report.counted else None,
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
    for seed in options.seeds:
        for name in NORM_PAIRS:
            for step, found in normed(name, seed, faces).items():
                content["runs"][str(step)][name][seed] = found
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
        fit(game, faces, step, progress=False)
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
    return {"data": images.described(), "settings": settings, "threads": torch.get_num_threads(),
            "torch": torch.__version__, "python": platform.python_version(),
            "processor": platform.machine()}


def store(study: str, content: dict, options: argparse.Namespace) -> None:
    """Write what a study has found so far beside this file, if asked."""
    if options.write:
        path = Path(__file__).with_name(f"lesson04_{study}.json")
        path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


RATES_OF = {"gap": gap, "critics": critics}
STUDIES = {"norms": norms}


def rates(options: argparse.Namespace) -> None:
    """Play `gap` and `critics` on every seed: each tells whether what the lesson says holds."""
    results = {}
    for name, play in RATES_OF.items():
        results[name] = {}
        for seed in options.seeds:
            results[name][seed] = play(seed)
            print(f"{name:8s} {seed:4d} {results[name][seed]}", flush=True)
    store("rates", results, options)


STUDIES["rates"] = rates


def main() -> None:
    """Run the studies the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("studies", nargs="+", choices=STUDIES)
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(5)))
    parser.add_argument("--steps", type=int, help="instead of the study's own")
    parser.add_argument("--write", action="store_true", help="store the numbers")
    options = parser.parse_args()
    runtime.set_threads(1)
    for name in options.studies:
        start = time.process_time()
        STUDIES[name](options)
        print(f"{name}: {time.process_time() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
