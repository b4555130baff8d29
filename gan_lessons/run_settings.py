"""What a long run is told: `Settings` make its game and its pictures, a `Schedule` its end."""

import inspect
import math
import os
from bisect import bisect_left
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from torch import nn
from torch.nn.functional import interpolate

from gan_lessons import data, losses, penalties, recipes, runtime
from gan_lessons.augment import DiffAugment
from gan_lessons.data import ImageSet
from gan_lessons.nets import dcgan
from gan_lessons.train import Game, channels_last, critic_turns
from gan_lessons.util import both, positive_number, whole_number

RECIPES = {"wgan": recipes.wgan, "wgan-gp": recipes.wgan_gp, "dcgan": recipes.dcgan,
           "sngan": recipes.sngan, "rpgan": recipes.rpgan, "source-003": recipes.source_003}
CONDITIONAL = "rpgan"  # the recipe that `recipes.conditional` is made of
LOSS_CAN_CHANGE = ("dcgan", "rpgan")
CRITIC_WITHOUT_BATCH_NORM = ("wgan-gp", "rpgan")  # whatever `norm`, which is G's there, says
LOSSES = {"minimax": losses.Minimax, "non-saturating": losses.NonSaturating,
          "least-squares": losses.LeastSquares, "wasserstein": losses.Wasserstein,
          "hinge": losses.Hinge, "relativistic": losses.Relativistic}
PENALTIES = {"gp": (penalties.gradient_penalty, "weight"),
             "gp-one-sided": (partial(penalties.gradient_penalty, one_sided=True), "weight"),
             "r1": (penalties.r1, "gamma"),
             "r2": (penalties.r2, "gamma"), "r1-r2": (penalties.r1_r2, "gamma")}
DIGITS = ("mnist", "stacked-mnist")
TOYS = {"toy-faces": (data.toy_faces, False), "toy-faces-core": (data.toy_faces, True),
        "toy-rooms": (data.toy_rooms, False), "toy-rooms-core": (data.toy_rooms, True)}
PHOTOGRAPHS = {"celeba": data.celeba, "lsun-bedrooms": data.lsun_bedrooms}
SETS = (*DIGITS, *TOYS, *PHOTOGRAPHS)
CHOICES = {"recipe": RECIPES, "norm": dcgan.NORMS, "loss": LOSSES, "penalty": PENALTIES,
           "precision": runtime.PRECISIONS, "size": dcgan.SIZES}
ENDLESS = 10**9  # the last step of a run that only the time ends


@dataclass
class Settings:
    """The game and the pictures of a run, by name: the same settings give the same run.

    None leaves a setting to the recipe. A penalty or norm="spectral" replaces weight clipping.
    """

    recipe: str  # a name in RECIPES
    data: str  # a name in SETS, or the path of a folder or archive of pictures
    drawn: int | None = None  # toy pictures to draw, 10,000; stacks of three digits, 128,000
    root: str | None = None  # where celeba or lsun-bedrooms lie; None: the usual places
    conditional: str | None = None  # "class", or names of factors with commas in between
    subset: float = 1.0  # the share of the pictures to take
    size: int | None = None  # their side in pixels; None: 64, and 32 for digits
    latent: int | None = None  # length of z
    features: int | None = None  # channels at half the size, see `nets.dcgan`
    extra_layers: int = 0  # 3x3 convolutions added to both networks
    norm: str | None = None  # "batch", "none" or "spectral"
    loss: str | None = None  # a name in LOSSES
    penalty: str | None = None  # a name in PENALTIES
    penalty_weight: float | None = None  # its `weight` or `gamma`
    augment: bool = False  # whether D sees pictures through `DiffAugment`
    penalty_every: int | None = None  # this and the rest: as in `train.Game`
    clip_gradients: float | None = None
    batch: int | None = None
    lr: float | None = None
    n_critic: int | None = None
    warm_up: bool = False
    decay: int | None = None
    freeze_batchnorm: int | None = None
    precision: str = "float32"
    seed: int = 0

    def __post_init__(self):
        if self.size is None:
            self.size = 32 if self.data in DIGITS else 64
        if self.drawn is None:
            self.drawn = 128_000 if self.data == "stacked-mnist" else 10_000
        for name, choices in CHOICES.items():
            value = getattr(self, name)
            if value not in choices and (value is not None or name == "recipe"):
                listed = ", ".join(map(str, choices))
                raise ValueError(both(f"{name} 只能取 {listed} 之一，收到 {value!r}。",
                                      f"{name} must be one of {listed}; got {value!r}."))
        check_numbers(self, whole=("drawn", "latent", "features", "batch", "n_critic", "decay",
                                   "penalty_every", "freeze_batchnorm"),
                      from_zero=("extra_layers", "seed"),
                      positive=("lr", "penalty_weight", "subset", "clip_gradients"))
        self._check_together()
        self.data, self.root = absolute("data", self.data), absolute("root", self.root)
        if self.recipe == "dcgan" and self.loss is None:
            self.loss = "non-saturating"
        parameters = inspect.signature(RECIPES[self.recipe]).parameters
        for name in ("latent", "features", "norm"):  # what the recipe takes unless told otherwise
            if getattr(self, name) is None and name in parameters:
                setattr(self, name, parameters[name].default)

    def _check_together(self) -> None:
        """Raise ValueError for settings that do not go together."""
        batch_norm = self.recipe not in CRITIC_WITHOUT_BATCH_NORM and (
            self.norm == "batch" or (self.norm is None and self.recipe != "sngan"))
        conflicts = (
            (self.norm and self.recipe == "source-003",
             "source-003 的网络没有 norm 可选；请去掉 norm，或改用 wgan。",
             "source-003 has no choice of norm; leave norm out, or take wgan."),
            (self.loss and self.recipe not in LOSS_CAN_CHANGE,
             f"{self.recipe} 的损失是固定的；要换损失，请用 dcgan 或 rpgan。",
             f"{self.recipe} has a loss of its own; for another loss, take dcgan or rpgan."),
            (self.warm_up and self.recipe in ("dcgan", "sngan", "rpgan"),
             "warm_up 是 WGAN 的做法；请去掉，或改用 wgan。",
             "warm_up belongs to WGAN; leave it out, or take wgan."),
            (self.loss == "wasserstein" and self.recipe == "dcgan"
             and not self.penalty and self.norm != "spectral",
             "Wasserstein 损失必须限制评论家有多陡：请用 wgan，或加上 penalty、norm=spectral。",
             "With the Wasserstein loss the critic must be kept from growing steep: take wgan, or "
             "add a penalty or norm=spectral."),
            (self.penalty_weight is not None and not self.penalty,
             "penalty_weight 要和 penalty 一起用。", "penalty_weight needs a penalty."),
            (self.penalty_every is not None and not self.penalty
             and self.recipe not in CRITIC_WITHOUT_BATCH_NORM,  # these have one of their own
             "penalty_every 要和 penalty 一起用。", "penalty_every needs a penalty."),
            (self.penalty and batch_norm,
             "带批归一化时，一张图的分数取决于整批图，梯度惩罚没有意义：请加上 norm=none 或 "
             "norm=spectral。",
             "With BatchNorm a score depends on the whole batch, and a penalty on its slope means "
             "little: add norm=none or norm=spectral."),
            (self.conditional and self.recipe != CONDITIONAL,
             f"conditional 只能和 {CONDITIONAL} 一起用。",
             f"conditional goes with {CONDITIONAL} alone."),
            (self.root and self.data not in PHOTOGRAPHS,
             "root 只用于 celeba 和 lsun-bedrooms；自己的图片请把路径写在 data 里。",
             "root is for celeba and lsun-bedrooms; give the path of your own pictures as data."),
            (self.subset > 1, f"subset 不能大于 1（0.1 就是 10 %），收到 {self.subset}。",
             f"subset must be at most 1 (0.1 is 10 %); got {self.subset}."))
        for conflict, zh, en in conflicts:
            if conflict:
                raise ValueError(both(zh, en))

    def game(self, channels: int, classes: tuple[int, ...] | None = None) -> Game:
        """Return the game before its first step, for pictures with `channels` channels.

        `classes` are those of the pictures, if the run is conditional.
        """
        names = ("latent", "features", "norm", "batch", "lr", "n_critic", "decay",
                 "penalty_every", "clip_gradients", "freeze_batchnorm")
        changes = {name: getattr(self, name) for name in names if getattr(self, name) is not None}
        if self.loss:
            changes["loss"] = LOSSES[self.loss]()
        if self.penalty:
            changes["penalty"], weight = PENALTIES[self.penalty]
            if self.penalty_weight is not None:
                changes["penalty"] = partial(changes["penalty"], **{weight: self.penalty_weight})
        if self.augment:
            changes["augment"] = DiffAugment()
        if self.penalty or self.norm == "spectral":
            changes["clip"] = None
        make = RECIPES[self.recipe]
        if classes is not None:
            make = partial(recipes.conditional, classes=classes)
        return channels_last(make(
            self.size, channels, seed=self.seed, extra_layers=self.extra_layers,
            warm_up=self.warm_up, precision=self.precision, **changes))

    def generator(self, channels: int, classes: tuple[int, ...] | None = None) -> nn.Module:
        """Return G alone, as `game` makes it; its weights are yet to be loaded."""
        any_device = replace(self, precision="float32")  # a run may be looked at elsewhere
        return any_device.game(channels, classes).generator

    def pictures(self) -> ImageSet:
        """Return the pictures to train on, with their condition if the run has one.

        The first time, photographs go into the cache.
        """
        return self.conditioned(self.plain_pictures())

    def conditioned(self, pictures: ImageSet) -> ImageSet:
        """Return pictures with the condition of the run, if it has one."""
        if self.conditional is None:
            return pictures
        names = [name.strip() for name in self.conditional.split(",")]
        if names == ["class"]:
            return pictures.conditioned_on()
        return pictures.conditioned_on(*names)

    def plain_pictures(self) -> ImageSet:
        """Return the pictures without a condition."""
        if self.data in DIGITS:
            if self.data == "stacked-mnist":
                digits = data.stacked_mnist(max(1, round(self.subset * self.drawn)))
            else:
                digits = data.mnist()
                digits = digits[:max(1, round(self.subset * len(digits)))]
            framed = digits.framed(32)  # a black rim
            if self.size == 32:
                return framed
            return replace(framed, images=interpolate(framed.images, self.size, mode="bilinear",
                                                      antialias=True))
        if self.data in TOYS:
            return self.draw(max(1, round(self.subset * self.drawn)))
        if self.data in PHOTOGRAPHS:
            return PHOTOGRAPHS[self.data](self.root, subset=self.subset, size=self.size)
        if Path(self.data).exists():
            return data.folder(self.data, subset=self.subset, size=self.size)
        raise FileNotFoundError(both(
            f"没有叫 {self.data!r} 的数据，也没有这个文件或文件夹。可选：{', '.join(SETS)}，"
            "或图片文件夹、压缩包的路径。",
            f"There is no set called {self.data!r}, and no such file or folder. Choose from "
            f"{', '.join(SETS)}, or give the path of a folder or archive of pictures."))

    def others(self, n: int) -> ImageSet | None:
        """Return up to `n` real pictures that no generator learns from, None if there are none.

        Held-out digits come without their rim; toy pictures are freshly drawn.
        """
        if self.data in TOYS:
            return self.draw(n, seed=1)
        if self.data not in DIGITS or self.size != 32:
            return None
        if self.data == "mnist":
            return data.mnist(train=False)[:n]
        return data.stacked_mnist(n, train=False)

    def draw(self, n: int, seed: int = 0) -> ImageSet:
        """Return `n` toy pictures of the kind the run trains on; its own have seed 0."""
        make, core = TOYS[self.data]
        return make(n, size=self.size, seed=seed, core=core)


@dataclass
class Schedule:
    """How long a run goes on and what it writes on its way; all of it may change on resuming.

    Whichever of steps, epochs and minutes comes first ends the run.
    """

    steps: int | None = None  # of G, in all
    epochs: float | None = None  # passes of D over the pictures, in all
    minutes: float | None = None  # of this session
    sample_every: int = 500  # steps between two grids
    save_every: int = 500  # steps between two checkpoints
    measure_every: int | None = None  # steps between two measurements, or 0; `measure.Tracker`
    threads: int | None = None  # of the CPU; None: all cores

    def __post_init__(self):
        check_numbers(self, whole=("steps", "sample_every", "save_every", "threads"),
                      positive=("epochs", "minutes"), from_zero=("measure_every",))
        if (self.steps, self.epochs, self.minutes) == (None, None, None):
            raise ValueError(both(
                "请说明训练多久：steps（步数）、epochs（轮数）或 minutes（分钟）。",
                "Say how long to train: steps, epochs or minutes."))

    def last_step(self, game: Game, pictures: int) -> int:
        """Return the number of the last step, ENDLESS when only the minutes end the run."""
        last = self.steps or ENDLESS
        if self.epochs is not None:
            batches = math.ceil(self.epochs * pictures / game.batch)
            last = min(last, bisect_left(range(ENDLESS), batches,
                                         key=lambda step: critic_turns(game, step)))
        return last


def check_numbers(told: Any, *, whole: tuple[str, ...],
                  positive: tuple[str, ...], from_zero: tuple[str, ...] = ()) -> None:
    """Raise ValueError for a number out of range, of those that are not None."""
    for name in (*whole, *from_zero):
        if getattr(told, name) is not None:
            whole_number(name, getattr(told, name), 0 if name in from_zero else 1)
            if name == "seed" and told.seed >= 2**32:
                raise ValueError(both(f"seed 必须小于 2**32，收到 {told.seed}。",
                                      f"seed must be below 2**32, got {told.seed}."))
    for name in positive:
        if getattr(told, name) is not None:
            positive_number(name, getattr(told, name))


def absolute(name: str, value: str | None) -> str | None:
    """Return a setting with its path made absolute: a run may be resumed from another folder."""
    if value == "":
        raise ValueError(both(f"--{name} 不能是空的。", f"--{name} must not be empty."))
    if value and (name == "root" or (name == "data" and value not in SETS)):
        return os.path.abspath(os.path.expanduser(value))
    return value
