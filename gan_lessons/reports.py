"""How good a run is, or a folder of pictures: every metric of `measure`, beside the floor."""

import sys
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from gan_lessons import data, measure
from gan_lessons.measure.digits import without_rim
from gan_lessons.measure.own_classes import NoReader
from gan_lessons.run_settings import TOYS, Settings
from gan_lessons.runs import Run
from gan_lessons.util import both, whole_number

NETS = ("inception", "dinov2")  # those that a report may be asked to take
SUSPECTS = 2000  # pictures that are tested for being copies, at most


def of_run(run: Run, n: int = 10_000, *, seed: int = 0, newest: bool = False,
           features: str | None = None, folder: str | Path | None = None,
           progress: bool = False) -> str:
    """Return what `n` samples of a run score, beside as many real pictures.

    They are compared with the training pictures. The others are, for toy pictures, freshly drawn
    ones; for digits at 32 pixels, held-out ones; of all else, half of the training pictures is
    kept from the other half. There are as many samples as others, so there may be fewer than `n`.
    Stacked digits at 32 pixels are counted by `measure.stacked_modes`, unless `features` is given.

    Args:
        run: The run.
        n: How many samples, if there are as many others.
        seed: Of the noise, and of MIND.
        newest: Take the newest weights and not their average.
        features: One of `NETS`, or None: the digit classifier for digits at 32 pixels, the factor
            reader for toy pictures, Inception for all others.
        folder: Measure the pictures in this folder and no fresh samples.
        progress: Say each stage on the error stream as it begins.
    """
    stage, n = teller(progress), whole_number("n", n, 1)
    settings = run.settings
    digits = settings.data == "mnist" and settings.size == 32
    if settings.data == "stacked-mnist" and settings.size == 32 and features is None:
        fakes = without_rim(run.sample(n, seed=seed, newest=newest) if folder is None
                            else pictures_in(folder, 32)[:n])
        held_out = data.stacked_mnist(len(fakes), train=False)
        return (f"samples   {measure.stacked_modes(fakes)}\n"
                f"held out  {measure.stacked_modes(held_out.images)}")
    net: measure.FeatureNet
    if features is not None or not (digits or settings.data in TOYS):
        try:
            net = feature_net(features or "inception")  # first: its weights may not be here
        except FileNotFoundError as missing:
            return obeyed_without_weights(run, n, seed, newest, folder, missing)
    stage("真图和给图片算特征的网络（第一次要先训练几分钟）……",
          "Real pictures, and the network for their features (the first time it may take minutes "
          "to train)...")
    real = data.mnist() if digits else settings.pictures()
    if digits:
        held_out = data.mnist(train=False)
        evaluator = measure.DigitEvaluator(real, held_out)
        known, others = real.images, held_out.images[:n]
        net = net if features else evaluator.classifier
    elif settings.data in TOYS:
        known, others = real.images, settings.draw(n, seed=1).images
        net = net if features else measure.factor_reader(real)
    else:
        known, others = halves(real.images, n)
    stage("采样……", "Samples...")
    if folder is None:
        fakes = run.sample(len(others), seed=seed, newest=newest)
        weights = "newest" if newest else "average"
        turns = "" if run.classes is None else ", every class in turn"
        about = (f"{len(fakes)} samples, step {run.weights(newest)[1]}, seed {seed}, "
                 f"{weights} weights{turns}")
    else:
        fakes = pictures_in(folder, settings.size, known.shape[1])[:len(others)]
        about = f"{len(fakes)} pictures of {folder}"
    if digits:
        fakes = without_rim(fakes)
    others = others[:len(fakes)]
    stage("评分……", "All are scored; a slow machine takes minutes per thousand with Inception...")
    lines = [about, str(measure.Evaluator(net, known, others, seed=seed).score(fakes))]
    if digits:
        lines += [f"pictures  {classes(evaluator.report(fakes))}",
                  f"held out  {classes(evaluator.report(others))}"]
    if settings.data in TOYS:
        first_line = str(measure.factor_coverage(others, of=real)).splitlines()[0]
        lines += [f"samples   {measure.factor_coverage(fakes, of=real)}", f"real      {first_line}",
                  copies(fakes, known, others)]
    if run.classes is not None and folder is None:
        lines.append(obeyed(settings, real, fakes, len(others), net))
    return "\n".join(lines)


def obeyed(settings: Settings, real: data.ImageSet, fakes: Tensor, n: int,
           net: measure.FeatureNet) -> str:
    """Return how far fakes, every combination in turn, show what they were asked for.

    Those of a folder of folders are read from the features of `net`, if their classes can be.
    """
    others = settings.others(n)
    if others is None or settings.data == "stacked-mnist":
        try:
            return f"obedience {measure.obedience(fakes, None, settings.conditioned(real), net)}"
        except NoReader as reason:
            return str(reason)
    of, others = settings.conditioned(real), settings.conditioned(others)
    return (f"obedience {measure.obedience(fakes, None, of)}\n"
            f"real      {measure.obedience(others.images, others.condition, of)}")


def obeyed_without_weights(run: Run, n: int, seed: int, newest: bool,
                           folder: str | Path | None, missing: FileNotFoundError) -> str:
    """Return `obeyed` of a folder of folders by the factor reader, whose weights are at hand."""
    real = run.settings.pictures()
    if real.classes is None or folder is not None or real.shape[0] != 3 or real.shape[2] % 32:
        raise missing
    net = measure.factor_reader(data.toy_faces(1))
    fakes = run.sample(min(n, len(real)), seed=seed, newest=newest)
    return "\n".join([str(missing), both(
        "没有它，只量听话的程度，特征用认玩具脸的小网络的：",
        "Without it, obedience alone is measured, by features of the small network for toy faces:"),
        obeyed(run.settings, real, fakes, 0, net)])


def of_folder(pictures: str | Path, against: str | Path, *, unseen: str | Path | None = None,
              n: int = 10_000, size: int = 64, seed: int = 0, features: str | None = None,
              progress: bool = False) -> str:
    """Return what the pictures in a folder score against those in another.

    The floor is what the pictures of `unseen` get or, without it, one half of `against` beside the
    other half.

    Args:
        pictures: A folder or archive of pictures, such as `sample --each` makes.
        against: Real ones, such as the training pictures.
        unseen: More real ones of the same kind that no generator has learned from. Then the
            pictures are tested for being copies of `against`, too.
        n: The largest number of pictures that are taken, if there are as many others.
        size: The side they are all read at, pixels.
        seed: Of MIND, and of the halves.
        features: One of `NETS`; Inception unless given.
        progress: Say each stage on the error stream as it begins.
    """
    stage = teller(progress)
    net = feature_net(features or "inception")
    stage("读图……", "Pictures are read...")
    fakes, known = pictures_in(pictures, size), pictures_in(against, size)
    if unseen is None:
        known, others = halves(known, n, seed)
    else:
        others = mixed(pictures_in(unseen, size), seed)
    fakes = mixed(fakes, seed)[:min(n, len(others))]
    others = others[:len(fakes)]
    stage("评分……", "All are scored; a slow machine takes minutes per thousand...")
    lines = [f"{len(fakes)} pictures of {pictures}",
             str(measure.Evaluator(net, known, others, seed=seed).score(fakes))]
    if unseen is not None:
        lines.append(copies(fakes, known, others))
    return "\n".join(lines)


def feature_net(name: str) -> measure.FeatureNet:
    """Return the network of this name; raise FileNotFoundError when its weights are not here."""
    if name not in NETS:
        raise ValueError(both(f"features 只能取 {', '.join(NETS)} 之一，收到的是 {name!r}。",
                              f"features must be one of {', '.join(NETS)}; got {name!r}."))
    return measure.dinov2() if name == "dinov2" else measure.inception()


def teller(progress: bool) -> Callable[[str, str], None]:
    """Return a function that says on the error stream what begins, if it should."""
    def stage(zh: str, en: str) -> None:
        if progress:
            print(both(zh, en), file=sys.stderr, flush=True)
    return stage


def mixed(images: Tensor, seed: int = 1) -> Tensor:
    """Return the pictures in another order."""
    return images[torch.randperm(len(images), generator=torch.Generator().manual_seed(seed))]


def halves(images: Tensor, n: int, seed: int = 1) -> tuple[Tensor, Tensor]:
    """Return two sets that share no picture, of at most `n` each, equally many."""
    n = min(n, len(images) // 2)
    chosen = mixed(images, seed)[:2 * n]
    return chosen[:n], chosen[n:]


def pictures_in(folder: str | Path, size: int, channels: int = 3) -> Tensor:
    """Return the pictures in a folder, uint8 (n, channels, size, size), by their names."""
    images = data.folder(folder, size, progress=False).images
    return images[:, :channels]  # a grey one has three equal channels


def classes(report: measure.DigitReport) -> str:
    """Return what a report on digits says of the classes."""
    return (f"classes {report.classes}/10   KL {report.kl:.3f}   "
            f"confident {report.confident:.0%}")


def copies(fakes: Tensor, known: Tensor, unseen: Tensor) -> str:
    """Return what the test for copies finds."""
    found = measure.memorisation_test(fakes[:SUSPECTS], known, unseen)
    return f"copies    {found}; z above 3 is suspicious"
