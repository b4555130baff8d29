"""All metrics at once, of any feature network, beside what real pictures get."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor

from gan_lessons.measure.classes import inception_score
from gan_lessons.measure.features import ClassifyingNet, FeatureNet
from gan_lessons.measure.frechet import Moments, frechet_distance
from gan_lessons.measure.kernel import KernelEstimate, kernel_estimate
from gan_lessons.measure.manifold import PrecisionRecall, precision_recall
from gan_lessons.measure.sliced import sliced_distance
from gan_lessons.util import both

KEPT = 10_000  # features that are kept; the Fréchet distance alone takes all


@dataclass(frozen=True)
class Scores:
    """What n pictures score against m real ones, and what as good as real means: the floor."""

    n: int  # pictures scored
    m: int  # real pictures they are compared with
    net: str  # the feature network
    d: int  # its features
    seed: int  # of MIND's draws
    frechet: float | None  # of all; None: there are too few for d features
    kid: KernelEstimate
    mind: float
    prdc: PrecisionRecall
    inception: float | None  # None: the network is no classifier
    floor: "Scores | None" = None  # of other real pictures; None: these are they

    def __str__(self) -> str:
        columns = {"pictures": self.column()}
        if self.floor is not None:
            columns["real"] = self.floor.column()
        lines = [" " * 18 + "".join(f"{title:>28}" for title in columns)]
        for name in columns["pictures"]:
            lines.append(f"{name:18}" + "".join(f"{c[name]:>28}" for c in columns.values()))
        return "\n".join([*lines, self.protocol()])

    def column(self) -> dict[str, str]:
        """Return each score in words, by its name."""
        frechet = f"needs {self.d + 1}" if self.frechet is None else f"{self.frechet:.4g}"
        inception = "no classifier" if self.inception is None else f"{self.inception:.3f}"
        return {
            "n": f"{self.n}",
            "Frechet distance": frechet,
            "KID": str(self.kid),
            "MIND": f"{self.mind:.4g}",
            "precision": f"{self.prdc.precision:.3f}",
            "recall": f"{self.prdc.recall:.3f}",
            "density": f"{self.prdc.density:.3f}",
            "coverage": f"{self.prdc.coverage:.3f}",
            "Inception score": inception}

    def numbers(self) -> dict[str, float]:
        """Return each score as a number, NaN where there is none."""
        return {
            "frechet": math.nan if self.frechet is None else self.frechet,
            "kid": self.kid.value, "mind": self.mind,
            "precision": self.prdc.precision, "recall": self.prdc.recall,
            "density": self.prdc.density, "coverage": self.prdc.coverage,
            "inception": math.nan if self.inception is None else self.inception}

    def protocol(self) -> str:
        """Return what the numbers depend on, in both languages."""
        kept, known, k = min(self.n, KEPT), min(self.m, KEPT), self.prdc.k
        drawn = min(kept, known)
        return both(
            f"和 {self.m} 张真图比；特征来自 {self.net}，{self.d} 维。"
            f"弗雷歇距离之外各项用前 {kept} 张样本和前 {known} 张真图；"
            f"KID 分 {self.kid.blocks} 块，k = {k}，"
            f"MIND 按种子 {self.seed} 从两边各取 {drawn} 张。"
            "只能和同样条件下的数相比。",
            f"Against {self.m} real pictures; {self.d} features of {self.net}. All but the Frechet "
            f"distance take the first {kept} samples and the first {known} real pictures; KID in "
            f"{self.kid.blocks} blocks, k = {k}, MIND with {drawn} of each, drawn with seed "
            f"{self.seed}. Compare them only with numbers made the same way.")


class Evaluator:
    """Scores pictures against real ones with any feature network.

    Pictures are uint8 (n, C, H, W), or an iterable of such batches, in no particular order: a
    million of them pass in constant memory, and how they are cut into batches changes rounding
    only. For a fair comparison with the floor score as many as there are `others`.

    Attributes:
        floor: The scores of the others: as good as a generator needs to be.
    """

    def __init__(self, net: FeatureNet, real: Tensor | Iterable[Tensor],
                 others: Tensor | Iterable[Tensor], *, seed: int = 0):
        """Look at the real pictures.

        Args:
            net: The feature network.
            real: Those that pictures are compared with, such as the training pictures.
            others: More real ones, none of them in `real`.
            seed: Of MIND's directions.
        """
        self.net, self.seed = net, seed
        self._moments, self._features = self._look(real)
        self.floor: Scores | None = None
        self.floor = self.score(others)

    def score(self, pictures: Tensor | Iterable[Tensor]) -> Scores:
        """Return the scores of pictures."""
        moments, features = self._look(pictures)
        d = features.shape[1]
        enough = min(moments.n, self._moments.n) > d
        inception = None
        if self.net.classes:
            inception = inception_score(cast(ClassifyingNet, self.net).probabilities(features))
        return Scores(
            n=moments.n, m=self._moments.n, net=self.net.name, d=d, seed=self.seed,
            frechet=frechet_distance(moments, self._moments) if enough else None,
            kid=kernel_estimate(features, self._features),
            mind=sliced_distance(features, self._features, seed=self.seed),
            prdc=precision_recall(features, self._features),
            inception=inception,
            floor=self.floor)

    def _look(self, pictures: Tensor | Iterable[Tensor]) -> tuple[Moments, Tensor]:
        """Return the moments of the features of all pictures, and the first 10,000 features."""
        moments, kept = Moments(), list[Tensor]()
        for part in pictures.split(1000) if torch.is_tensor(pictures) else pictures:
            features = self.net.features(part)
            if moments.n < KEPT:
                kept.append(features[:KEPT - moments.n])
            moments.update(features)
        return moments, torch.cat(kept)
