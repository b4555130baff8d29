"""Does a conditional generator make what it is asked for, and all kinds of it?"""

from dataclasses import dataclass
from statistics import fmean

import torch
from torch import Tensor

from gan_lessons.condition import Condition, conditions, every_combination
from gan_lessons.data import ImageSet
from gan_lessons.measure.digits import digit_net, readable, without_rim
from gan_lessons.measure.factors import factor_reader
from gan_lessons.measure.features import FeatureNet
from gan_lessons.measure.manifold import precision_recall
from gan_lessons.measure.own_classes import read_own
from gan_lessons.util import both

OBEYED = 0.9  # a class is obeyed when at least this share of its pictures shows what was asked
MOST = 300  # pictures of a class that are compared with each other
LEAST = 10  # and how many it takes


@dataclass(frozen=True)
class ObedienceReport:
    """What `obedience` found in n pictures; a class is a combination that was asked for."""

    n: int
    accuracy: float  # share of the pictures that show all that was asked for
    factors: dict[str, float]  # the same for each factor by itself
    classes: dict[str, float]  # and for each class, by its name: "7", or "round, bun"
    coverage: dict[str, float]  # by class: share of the real ones' balls that samples lie in
    expected_coverage: float  # mean coverage of perfect samples, as many
    diversity: dict[str, float]  # by class: how far two pictures lie apart; two real ones: 1
    ceiling: float | None = None  # of one's own classes: share of real pictures that are read right

    @property
    def obeyed(self) -> int:
        """How many classes are obeyed: at least 90 % of their pictures show what was asked."""
        return sum(share >= OBEYED for share in self.classes.values())

    def __str__(self) -> str:
        worst = min(self.classes, key=self.classes.__getitem__)
        real = "" if self.ceiling is None else f" (real pictures: {self.ceiling:.1%})"
        lines = [f"n {self.n:,}   as asked {self.accuracy:.1%}{real}   classes obeyed "
                 f"{self.obeyed}/{len(self.classes)}   worst {worst}: {self.classes[worst]:.1%}"]
        if len(self.factors) > 1:
            lines.append("  " + "   ".join(f"{name} {p:.1%}" for name, p in self.factors.items()))
        if self.coverage:
            lines.append(f"  within a class: coverage {fmean(self.coverage.values()):.3f} (perfect "
                         f"samples {self.expected_coverage:.3f})   diversity "
                         f"{fmean(self.diversity.values()):.2f} (real 1)")
        return "\n".join(lines)


def obedience(images: Tensor, y: Condition | None, of: ImageSet,
              net: FeatureNet | None = None) -> ObedienceReport:
    """Compare what pictures show with the y they were asked for, and with the real ones of that y.

    Protocol: the digit classifier reads digits, the factor reader toys; what it finds most likely
    counts, however sure it is. Readers err: real pictures with their own y are the value to
    compare with. Within each class, coverage (Naeem et al. 2020, arXiv 2002.09797) and diversity
    are taken in the reader's features, between at most 300 pictures and as many real ones at
    most; diversity is the mean distance between two of the pictures over that of two real ones,
    near 0 where a class has collapsed. Classes with fewer than 10 pictures or real ones have none.

    Pictures of one's own, a folder for each class, have no reader: `own_classes.read_own` makes one
    from the features of `net`, and what real pictures get is the report's `ceiling`.

    Args:
        images: uint8 (n, C, S, S), S as the reader wants: 28 or 32 for digits, a multiple of 32.
        y: What they were asked for, see `condition.conditions`.
        of: The real pictures with their condition, from `conditioned_on`.
        net: For pictures of one's own, whose features: such as `inception()`, or `factor_reader` of
            toys, which takes sides that are a multiple of 32.
    """
    if of.classes is None or of.condition is None:
        raise ValueError(both(
            "of 没有条件：请传入 conditioned_on() 返回的图片集。",
            "The pictures of `of` have no condition: pass a set that conditioned_on() returned."))
    y = conditions(y, of.classes, len(images))
    asked = y.reshape(len(y), -1)
    every = every_combination(of.classes).reshape(-1, len(of.classes))
    asked_for = [(asked == combination).all(1) for combination in every]
    shown_by_real = of.condition.cpu().reshape(len(of), -1)
    known = [(shown_by_real == combination).all(1).nonzero()[:MOST, 0] for combination in every]
    ceiling = None
    if has_reader(of):
        shown, features = read(images, of)
        real = [read(of.images[chosen if mine.any() else chosen[:0]], of)[1]
                for chosen, mine in zip(known, asked_for, strict=True)]
    elif net is None:
        raise ValueError(both(
            f"没有能认出 {of.name} 的类别的分类器：请用 net= 给一个特征网络，例如 "
            "measure.inception()。",
            f"There is no classifier for the classes of {of.name}: name a feature network with "
            "net=, such as measure.inception()."))
    else:
        features = net.features(images.cpu())
        real = [net.features(of.images[chosen].cpu()) for chosen in known]
        classes = torch.arange(len(real)).repeat_interleave(torch.tensor([len(r) for r in real]))
        guesses, ceiling = read_own(features, torch.cat(real), classes, *of.asked.values())
        shown = guesses[:, None]
    right = shown == asked
    by_class, coverage, diversity, expected = {}, {}, {}, []
    for combination, mine, theirs in zip(every, asked_for, real, strict=True):
        if not mine.any():
            continue
        name = ", ".join(words[value] for words, value in
                         zip(of.asked.values(), combination.tolist(), strict=True))
        by_class[name] = right[mine].all(1).double().mean().item()
        if min(mine.sum(), len(theirs)) < LEAST:
            continue
        made = features[mine][:MOST]
        found = precision_recall(made, theirs)
        coverage[name] = found.coverage
        expected.append(found.expected_coverage)
        diversity[name] = (torch.pdist(made).mean() / torch.pdist(theirs).mean()).item()
    return ObedienceReport(
        n=len(images), accuracy=right.all(1).double().mean().item(),
        factors=dict(zip(of.asked, right.double().mean(0).tolist(), strict=True)),
        classes=by_class, coverage=coverage, diversity=diversity, ceiling=ceiling,
        expected_coverage=fmean(expected) if expected else float("nan"))


def kept(before: Tensor, after: Tensor, of: ImageSet) -> dict[str, float]:
    """Return the share of pictures in which a factor is read alike before and after, by factor.

    For pictures of which one thing was changed: that one should differ, all others be kept.

    Args:
        before: uint8 (n, 3, S, S), S a multiple of 32.
        after: The same pictures with the change, in the same order.
        of: Toy pictures of the same kind.
    """
    if len(before) != len(after):
        raise ValueError(both(
            f"两组图片应一一对应，收到 {len(before)} 张和 {len(after)} 张。",
            f"The pictures should be pairs; got {len(before)} and {len(after)}."))
    reader = factor_reader(of)
    first, second = reader.read(before.cpu())[0], reader.read(after.cpu())[0]
    return {name: (first[name] == second[name]).double().mean().item() for name in first}


def has_reader(of: ImageSet) -> bool:
    """Tell whether the course has a reader of what `of` is conditioned on: digits and toys."""
    return tuple(of.asked) != ("class",) or readable(of)


def read(images: Tensor, of: ImageSet) -> tuple[Tensor, Tensor]:
    """Return what pictures show and the reader's features: int64 (n, k) and float32 (n, d).

    What they show is numbered as the condition of `of` is; -1 is a value that it does not have.
    """
    images = images.cpu()
    if tuple(of.asked) != ("class",):
        reader = factor_reader(of)
        values = reader.read(images)[0]
        columns = [numbered(values[name], reader.factors[name], words)
                   for name, words in of.asked.items()]
        return torch.stack(columns, 1), reader.features(images)
    images = without_rim(images)
    classifier = digit_net()
    features = classifier.features(images)
    digits = classifier.probabilities(features).argmax(1)
    return numbered(digits, tuple("0123456789"), of.asked["class"])[:, None], features


def numbered(values: Tensor, words: tuple[str, ...], asked: tuple[str, ...]) -> Tensor:
    """Return the reader's values, whose names are `words`, as positions in `asked`, or -1."""
    place = [asked.index(word) if word in asked else -1 for word in words]
    return torch.tensor(place)[values]
