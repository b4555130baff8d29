"""What a run is told: `Settings` decide how it turns out, `Schedule` how long and how it is kept.

Both are checked when they are made, so that a slip is told before anything is written.
"""

import math
from dataclasses import dataclass, replace
from functools import partial

from gan_lessons import losses, penalties, recipes, runtime
from gan_lessons.nets.dcgan import NORMS, SIZES
from gan_lessons.train import Game, critic_turns
from gan_lessons.util import both, whole_number

RECIPES = {"wgan": recipes.wgan, "dcgan": recipes.dcgan, "sngan": recipes.sngan,
           "source-003": recipes.source_003}
LOSSES = {"minimax": losses.Minimax, "non-saturating": losses.NonSaturating,
          "least-squares": losses.LeastSquares, "wasserstein": losses.Wasserstein,
          "hinge": losses.Hinge, "relativistic": losses.Relativistic}
PENALTIES = {"gp": (penalties.gradient_penalty, "weight"), "r1": (penalties.r1, "gamma"),
             "r2": (penalties.r2, "gamma"), "r1-r2": (penalties.r1_r2, "gamma")}
DIGITS = ("digits", "mnist")
ENDLESS = 10**9
"""More steps than a run will make: what `Schedule.last_step` says when only the time ends it."""


@dataclass
class Settings:
    """A game and its pictures, by name: the same settings give the same run.

    recipe: a name in RECIPES;  data: a name in `pictures.KNOWN`, or the path of a folder or an
    archive;  drawn: how many toy pictures to draw;  root: where celeba or lsun-bedrooms lie, None
    for the usual places;  subset: the share of the pictures;  size: their side, 64 unless given,
    32 for digits;  latent, features, extra_layers, norm: see `nets.dcgan`;  loss, penalty: names
    in LOSSES, PENALTIES;  penalty_weight: its `weight` or `gamma`;  the rest: see `train.Game`.
    None leaves a setting to the recipe. A penalty and norm="spectral" take the place of clipping.

    Raises ValueError for a setting that does not exist or does not go with the others.
    """

    recipe: str
    data: str
    drawn: int = 10_000
    root: str | None = None
    subset: float = 1.0
    size: int | None = None
    latent: int | None = None
    features: int | None = None
    extra_layers: int = 0
    norm: str | None = None
    loss: str | None = None
    penalty: str | None = None
    penalty_weight: float | None = None
    batch: int | None = None
    lr: float | None = None
    n_critic: int | None = None
    warm_up: bool = False
    decay: int | None = None
    precision: str = "float32"
    seed: int = 0

    def __post_init__(self):
        if self.size is None:
            self.size = 32 if self.data in DIGITS else 64
        for name, names in (("recipe", RECIPES), ("norm", NORMS), ("loss", LOSSES),
                            ("penalty", PENALTIES), ("precision", runtime.PRECISIONS),
                            ("size", SIZES)):
            value = getattr(self, name)
            if value not in names and not (value is None and name != "recipe"):
                choices = ", ".join(map(str, names))
                raise ValueError(both(f"{name} 只能取 {choices} 之一，收到 {value!r}。",
                                      f"{name} must be one of {choices}; got {value!r}."))
        for name, least in (("drawn", 1), ("latent", 1), ("features", 1), ("extra_layers", 0),
                            ("batch", 1), ("n_critic", 1), ("decay", 1), ("seed", 0)):
            if getattr(self, name) is not None:
                whole_number(name, getattr(self, name), least)
        for name in ("lr", "penalty_weight", "subset"):
            positive(name, getattr(self, name))
        self._check_together()
        if self.recipe != "source-003":
            self.norm = self.norm or ("spectral" if self.recipe == "sngan" else "batch")
        if self.recipe == "dcgan":
            self.loss = self.loss or "non-saturating"

    def _check_together(self) -> None:
        """Raise ValueError for settings that do not go together."""
        if self.norm and self.recipe == "source-003":
            _refuse("source-003 的网络是固定的，没有 norm 可选；请去掉 norm，或改用 wgan。",
                    "source-003 has networks of its own, without a choice of norm; leave norm "
                    "out, or take wgan.")
        if self.loss and self.recipe != "dcgan":
            own = "hinge" if self.recipe == "sngan" else "Wasserstein"
            _refuse(f"{self.recipe} 的损失就是 {own} 损失；要换损失，请用 dcgan。",
                    f"{self.recipe} has the {own} loss; for another loss, take dcgan.")
        if self.warm_up and self.recipe in ("dcgan", "sngan"):
            _refuse(f"warm_up 是 WGAN 作者的做法，{self.recipe} 没有；请去掉，或改用 wgan。",
                    "warm_up belongs to WGAN; leave it out, or take wgan.")
        if self.loss == "wasserstein" and not self.penalty and self.norm != "spectral":
            _refuse("Wasserstein 损失必须限制评论家有多陡：请用 wgan（权重裁剪），"
                    "或加上 penalty、norm=spectral。",
                    "With the Wasserstein loss the critic must be kept from growing steep: take "
                    "wgan, which clips weights, or add a penalty or norm=spectral.")
        if self.penalty_weight is not None and not self.penalty:
            _refuse("penalty_weight 要和 penalty 一起用。", "penalty_weight needs a penalty.")
        if self.penalty and self.norm in (None, "batch") and self.recipe != "sngan":
            _refuse("带批归一化时，一张图的分数取决于整批图，梯度惩罚没有意义："
                    "请加上 norm=none 或 norm=spectral（source-003 总带批归一化，请改用 wgan）。",
                    "With BatchNorm a score depends on the whole batch, and a penalty on its slope "
                    "means little: add norm=none or norm=spectral (source-003 always has "
                    "BatchNorm: take wgan).")
        if self.root and self.data not in ("celeba", "lsun-bedrooms"):
            _refuse("root 只用于 celeba 和 lsun-bedrooms；自己的图片请把路径写在 data 里。",
                    "root is for celeba and lsun-bedrooms; give the path of your own pictures as "
                    "data.")

    def game(self, channels: int) -> Game:
        """Return the game that has not begun, for pictures with so many channels."""
        names = ("latent", "features", "norm", "batch", "lr", "n_critic", "decay")
        changes = {name: getattr(self, name) for name in names if getattr(self, name) is not None}
        if self.loss:
            changes["loss"] = LOSSES[self.loss]()
        if self.penalty:
            function, weight = PENALTIES[self.penalty]
            given = {} if self.penalty_weight is None else {weight: self.penalty_weight}
            changes["penalty"] = partial(function, **given)
        if self.penalty or self.norm == "spectral":
            changes["clip"] = None
        return RECIPES[self.recipe](
            self.size, channels, seed=self.seed, extra_layers=self.extra_layers,
            warm_up=self.warm_up, precision=self.precision, **changes)

    def settled(self, game: Game) -> "Settings":
        """Return the settings with what the recipe chose written out, as the game has it."""
        return replace(self, latent=game.latent, batch=game.batch, lr=game.lr, decay=game.decay,
                       n_critic=game.n_critic, precision=game.precision)


@dataclass
class Schedule:
    """How long a run goes on and what it writes on its way; all of it may change on resuming.

    steps: of G, in all;  epochs: passes of D over the pictures, in all;  minutes: of this session;
    whichever comes first ends it;  sample_every, save_every: steps between two grids, two
    checkpoints;  threads: of the CPU, None for all cores.

    Raises ValueError when a number is out of range or nothing says when to end.
    """

    steps: int | None = None
    epochs: float | None = None
    minutes: float | None = None
    sample_every: int = 500
    save_every: int = 500
    threads: int | None = None

    def __post_init__(self):
        for name in ("steps", "sample_every", "save_every", "threads"):
            if getattr(self, name) is not None:
                whole_number(name, getattr(self, name), 1)
        positive("epochs", self.epochs)
        positive("minutes", self.minutes)
        if (self.steps, self.epochs, self.minutes) == (None, None, None):
            _refuse("请说明训练多久：steps（步数）、epochs（轮数）或 minutes（分钟）。",
                    "Say how long to train: steps, epochs or minutes.")

    def last_step(self, game: Game, pictures: int) -> int:
        """Return the number of the last step, ENDLESS when only the minutes end the run."""
        steps = self.steps or ENDLESS
        if self.epochs is None:
            return steps
        low, high = 0, 1  # critic_turns grows with the step, so that halving finds the first
        while critic_turns(game, high) * game.batch < self.epochs * pictures:
            high *= 2
        while low + 1 < high:
            middle = (low + high) // 2
            enough = critic_turns(game, middle) * game.batch >= self.epochs * pictures
            low, high = (low, middle) if enough else (middle, high)
        return min(steps, high)


def positive(name: str, value: float | None) -> None:
    """Raise ValueError when `value` is neither None nor a finite number above 0."""
    if value is not None and not (isinstance(value, (int, float)) and 0 < value < math.inf):
        raise ValueError(both(f"{name} 必须是大于 0 的数，收到 {value!r}。",
                              f"{name} must be a number above 0, got {value!r}."))


def _refuse(zh: str, en: str) -> None:
    raise ValueError(both(zh, en))
