"""Measuring while a game trains: what its averaged generator scores, every so many steps."""

import math
import time
from collections.abc import Callable
from functools import partial

from torch import Tensor

from gan_lessons.data import ImageSet, PointSet
from gan_lessons.measure.digits import (
    COVERED,
    DigitClassifier,
    class_histogram,
    digit_net,
    readable,
    without_rim,
)
from gan_lessons.measure.factors import SIDE, FactorReader, factor_coverage, factor_reader
from gan_lessons.measure.features import FeatureNet
from gan_lessons.measure.points import SAMPLES, mode_report
from gan_lessons.measure.scores import Evaluator
from gan_lessons.measure.stacked import stacked_modes
from gan_lessons.util import both, whole_number

Score = Callable[[Tensor], dict[str, float]]  # from samples to numbers by name, the telling first
REFERENCE = 2000  # real pictures that samples are compared with, at most: more take many seconds
DIGITS = (28, 32)  # sides of digits that can be measured, without and with a rim


class Tracker:
    """Scores the averaged generator of a game while it trains; `train.fit` takes it as `watch`.

        tracker = measure.Tracker(digits, held_out[:1000], every=500)
        fit(game, digits, 5000, watch=tracker, watch_every=500)
        tracker.rows[1000]["frechet"], tracker.floor["frechet"]

    As many samples are drawn as there are others, always from the same z. Training goes on bit for
    bit as it would without. `lab.TrainingView(tracker=tracker)` draws the first number as a curve.

    Attributes:
        floor: What the others score, by name: as good as a generator needs to be.
        rows: What the generator scored: step -> numbers by name.
        n: How many samples are drawn.
        seconds: What the measuring has taken so far.
    """

    def __init__(self, real: ImageSet | PointSet, others: ImageSet | None = None, *,
                 every: int = 500, net: FeatureNet | None = None):
        """Measure the others.

        Args:
            real: What the generator learns from; up to 2,000 pictures are compared with.
            others: As many more real pictures as samples are to be drawn; not needed for points.
            every: Steps between two measurements, and one comes after the last step. Give `fit` a
                `watch_every` that divides it.
            net: Whose features; None: those that `python -m gan_lessons measure` takes for digits
                and for toy pictures.

        Raises:
            ValueError: There are no others, or no network is known for such pictures.
        """
        self.every = whole_number("every", every, 1)
        if isinstance(real, PointSet):
            unseen = real.sample(SAMPLES).cpu()
        elif others is None:
            raise without_ruler(real.name)
        else:
            unseen = others.images
        self._score = scorer(real, unseen, net)
        self.n = len(unseen)
        self.floor = self._score(unseen)
        self.rows: dict[int, dict[str, float]] = {}
        self.seconds = 0.0

    @property
    def main(self) -> str:
        """The name of the first number, the one for a curve."""
        return next(iter(self.floor))

    def due(self, game) -> bool:
        """Tell whether the game is at a step to be measured."""
        return game.step > 0 and (game.step % self.every == 0 or game.step == game.goal)

    def __call__(self, game) -> None:
        """Measure the game if it is time; forget what came later, before a checkpoint was loaded.

        `game` is a `train.Game`.
        """
        self.rows = {step: row for step, row in self.rows.items() if step < game.step}
        if self.due(game):
            began = time.perf_counter()
            self.rows[game.step] = self._score(game.sample(self.n, ema=True))
            self.seconds += time.perf_counter() - began

    def line(self, step: int) -> str:
        """Return the first three numbers of a step in words, beside those of real ones."""
        return "   ".join(f"{name} {self.rows[step][name]:.4g} (real {self.floor[name]:.4g})"
                          for name in list(self.floor)[:3])


# ---- what a generator is scored by ----

def scorer(real: ImageSet | PointSet, others: Tensor, net: FeatureNet | None = None) -> Score:
    """Return the function that scores samples; `others` are real ones beside `real`."""
    if isinstance(real, PointSet):
        return partial(_of_points, real=real)
    if net is None and real.name.startswith("stacked-mnist") and real.shape[-1] in DIGITS:
        return partial(_of_stacked, real=real)
    net = net or _net_for(real)
    evaluator = Evaluator(net, *(_inner(images, real)
                                 for images in (real.images[:REFERENCE], others)))
    return partial(_of_pictures, net=net, evaluator=evaluator, real=real)


def _net_for(real: ImageSet) -> FeatureNet:
    """Return the course's network for digits and toy pictures; raise ValueError for others."""
    if readable(real):
        return digit_net()
    if real.factors and real.shape[-1] % SIDE == 0:
        return factor_reader(real)
    raise without_ruler(real.name)


def without_ruler(name: str) -> ValueError:
    """Return the error for data that cannot be measured while a game trains."""
    return ValueError(both(
        f"训练时不能测量 {name}：能测的是 28 或 32 像素的手写数字、32 像素整数倍的玩具图片"
        "（都要另给没有学过的真图）和有中心的点。别的图片请先训练（不写 measure_every），再用 "
        "python -m gan_lessons measure；在笔记本里可以给 Tracker 一个 net。",
        f"{name} cannot be measured during training. What can: digits at 28 or 32 pixels and toy "
        "pictures at a multiple of 32 (both beside real ones that G has not learned from), and "
        "points around centres. Train on others without measure_every, then use python -m "
        "gan_lessons measure; in a notebook, give Tracker a net."))


def _inner(images: Tensor, real: ImageSet) -> Tensor:
    """Return digits at 32 pixels without their rim, all other pictures as they are."""
    return without_rim(images) if real.name.startswith(("mnist", "stacked-mnist")) else images


def _of_points(points: Tensor, real: PointSet) -> dict[str, float]:
    report = mode_report(points, real)
    return {"effective_modes": report.effective_modes, "high_quality": report.high_quality,
            "modes": report.modes}


def _of_stacked(pictures: Tensor, real: ImageSet) -> dict[str, float]:
    report = stacked_modes(_inner(pictures, real))
    return {"modes": report.modes, "kl": report.kl}


def _of_pictures(pictures: Tensor, real: ImageSet, net: FeatureNet,
                 evaluator: Evaluator) -> dict[str, float]:
    pictures = _inner(pictures, real)
    scores = evaluator.score(pictures).numbers()
    found = {name: scores[name] for name in ("frechet", "precision", "recall")} | scores
    if isinstance(net, DigitClassifier):
        shares = class_histogram(net.probabilities(net.features(pictures)).argmax(1))
        found["classes"] = int((shares >= COVERED).sum())
    elif isinstance(net, FactorReader):
        report = factor_coverage(pictures, of=real)
        found |= {"combinations": report.seen, "reverse_kl": report.reverse_kl}
    return {name: value for name, value in found.items() if not math.isnan(value)}
