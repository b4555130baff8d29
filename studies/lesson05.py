"""Recompute the comparison of lesson 05: three games at an equal budget, three seeds.

    python -m studies.lesson05 --write --pictures images      everything the lesson shows
    python -m studies.lesson05 --seeds 0 --steps 600          a shorter look, nothing stored

One thread. Every seed plays 600 steps, the first one goes on to 1,800. Every game takes as many
steps of the generator and of the critic, with the same networks (clipping keeps the critic's
BatchNorm, which the penalties cannot have), the same optimizer, learning rate, batches and moving
average. `lesson05.json` has the numbers and `lesson05_longer.png` samples of the first seed at
its last step.
"""

import argparse
import json
import time
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import torch

from gan_lessons import data, losses, measure, penalties, runtime
from gan_lessons.fastai_style.gan_learner import GANLearner
from gan_lessons.fastai_style.gan_trainer import FixedGANSwitcher
from gan_lessons.fastai_style.networks import NormType, basic_critic, basic_generator
from gan_lessons.show import grid
from studies.results import machine
from studies.sheets import enlarged

HERE = Path(__file__).parent
PICTURES, BATCH, FEATURES = 6400, 32, 16
PASS = PICTURES // BATCH // 2  # steps of the generator in one pass over the pictures
LR, GAMMA, EMA = 2e-3, 1.0, 0.95
SAMPLES = 2000
LOOKS = (600, 1800)  # measured after so many steps of the generator; the lesson stops at the first


class Batches:
    """Batches of noise and real pictures, shuffled anew in every pass."""

    def __init__(self, images: torch.Tensor, size: int):
        self.images, self.size = images, size

    def __len__(self):
        return len(self.images) // self.size

    def __iter__(self):
        order = torch.randperm(len(self.images))
        for chosen in order[:len(self) * self.size].split(self.size):
            yield torch.randn(self.size, 100, 1, 1), data.to_signed(self.images[chosen])


def players(norm_type: NormType | None):
    """Return a generator and a critic for pictures of 32x32."""
    return (basic_generator(32, 3, n_features=FEATURES),
            basic_critic(32, 3, n_features=FEATURES, per_sample=True, norm_type=norm_type))


SHARED = {"switcher": FixedGANSwitcher, "ema": EMA, "switch_eval": False, "wd": 0.0,
          "opt_func": partial(torch.optim.Adam, betas=(0.0, 0.99)), "silent": True,
          "show_img": False}
GAMES = {
    "WGAN, clipping": lambda pairs: GANLearner.wgan(pairs, *players(NormType.Batch), **SHARED),
    "WGAN-GP": lambda pairs: GANLearner.wgan(
        pairs, *players(None), penalty=penalties.gradient_penalty, **SHARED),
    "non-saturating + R1": lambda pairs: GANLearner.from_loss(
        pairs, *players(None), losses.NonSaturating(),
        penalty=partial(penalties.r1, gamma=GAMMA), **SHARED),
}


class Metrics:
    """What is asked of samples: how far from real faces, how many can be read, of how many kinds.

    The Fréchet distance is that of the factor reader's features; 6,400 training pictures are the
    reference, and `floor` is what 2,000 new real pictures get.
    """

    def __init__(self):
        self.faces = data.toy_faces(PICTURES, size=32, core=True)
        self.reader = measure.factor_reader(self.faces)
        self.known = self.reader.features(self.faces.images)

    def __call__(self, pictures: torch.Tensor) -> dict:
        """Return the numbers of samples, uint8 (n, 3, 32, 32)."""
        report = measure.factor_coverage(pictures, self.faces)
        distance = measure.frechet_distance(self.reader.features(pictures), self.known)
        return {"frechet": round(distance, 1), "counted": round(report.counted / report.n, 4),
                "seen": report.seen, "reverse_kl": round(report.reverse_kl, 3),
                "kl_floor": round(report.floor, 3)}

    @property
    def floor(self) -> dict:
        """The same for new real pictures."""
        return self(data.toy_faces(SAMPLES, size=32, seed=1, core=True).images)


def play(name: str, seed: int, steps: tuple[int, ...], metrics: Metrics):
    """Train one game; return its measures at each of `steps`, and the learner."""
    pairs = SimpleNamespace(train_dl=Batches(metrics.faces.images, BATCH), valid_dl=None,
                            device=torch.device("cpu"))
    torch.manual_seed(seed)
    learn = GAMES[name](pairs)
    found, seconds, passes = {}, 0.0, 0
    for goal in steps:
        began = time.process_time()
        learn.fit(goal // PASS - passes, LR, progress=False)
        seconds += time.process_time() - began
        passes = goal // PASS
        found[goal] = {"seconds": round(seconds, 1),
                       "average": metrics(learn.sample(SAMPLES, ema=True)),
                       "newest": metrics(learn.sample(SAMPLES))}
        print(name, "seed", seed, goal, found[goal], flush=True)
    return found, learn


def main() -> None:
    """Play, print, and store what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--steps", type=int, nargs="+", default=LOOKS)
    parser.add_argument("--only", nargs="+", default=list(GAMES), help="names of games")
    parser.add_argument("--write", action="store_true", help="store the numbers")
    parser.add_argument("--pictures", type=Path, help="a folder for the samples")
    asked = parser.parse_args()
    runtime.set_threads(1)
    metrics = Metrics()
    content = {"settings": {"pictures": PICTURES, "batch": BATCH, "features": FEATURES, "lr": LR,
                            "gamma": GAMMA, "ema": EMA, "samples": SAMPLES, **machine()},
               "floor": metrics.floor, "runs": {name: {} for name in asked.only}}
    rows = [metrics.faces.images[:10]]
    for seed in asked.seeds:
        first = seed == asked.seeds[0]
        for name in asked.only:
            steps = tuple(asked.steps if first else asked.steps[:1])
            content["runs"][name][seed], learn = play(name, seed, steps, metrics)
            if first:
                rows.append(learn.sample(12, ema=True)[:10])
            if asked.write:
                text = json.dumps(content, indent=1) + "\n"
                (HERE / "lesson05.json").write_text(text, encoding="utf-8")
    if asked.pictures:
        sheet = enlarged(grid(torch.cat(rows), columns=10))
        sheet.save(asked.pictures / "lesson05_longer.png", optimize=True)


if __name__ == "__main__":
    main()
