"""What can be set in the GAN lab, and the settings under which each failure shows itself."""

from dataclasses import asdict, dataclass, fields, replace
from functools import partial
from typing import Any, NamedTuple

from gan_lessons import data, losses, penalties
from gan_lessons.util import both


@dataclass(frozen=True)
class Settings:
    """All that a learner can change in the lab; every value has a control of its own.

    data, loss: names from DATA and LOSSES;  lr_d, lr_g, beta1, beta2: of Adam;  optimizer_g: G's,
    "adam" or "plain", which takes steps of lr times the gradient;  d_steps, g_steps: steps of D
    and of G in a round;  pretrain: steps that D takes alone before the first round;  width_d,
    width_g: units in each of the two hidden layers;  batch: points in a batch.
    """

    data: str = "ring"
    loss: str = "non-saturating"
    lr_d: float = 1e-3
    lr_g: float = 1e-3
    optimizer_g: str = "adam"
    d_steps: int = 1
    g_steps: int = 1
    pretrain: int = 0
    width_d: int = 64
    width_g: int = 64
    beta1: float = 0.5
    beta2: float = 0.999
    batch: int = 128
    seed: int = 0

    def __post_init__(self):
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in RANGES:
                low, high = RANGES[field.name]
                number = isinstance(value, (int, float)) and not isinstance(value, bool)
                whole = not isinstance(getattr(Settings, field.name), int) or value == int(value)
                if not (number and low <= value <= high and whole):
                    kind = type(getattr(Settings, field.name))
                    zh, en = ("整数", "a whole number") if kind is int else ("数", "a number")
                    raise ValueError(both(
                        f"{field.name} 必须是 {low} 到 {high} 之间的{zh}，收到的是 {value!r}。",
                        f"{field.name} must be {en} from {low} to {high}, got {value!r}."))
            elif value not in NAMES[field.name]:
                known = ", ".join(NAMES[field.name])
                raise ValueError(both(
                    f"没有叫 {value!r} 的 {field.name}。可选：{known}。",
                    f"There is no {field.name} called {value!r}. Choose from: {known}."))

    def change(self, **changes) -> "Settings":
        """Return the settings with some of them changed; refuse a name that does not exist."""
        unknown = changes.keys() - asdict(self).keys()
        if unknown:
            known = ", ".join(asdict(self))
            raise ValueError(both(
                f"实验室没有这些设置：{', '.join(sorted(unknown))}。可选：{known}。",
                f"The lab has no such setting: {', '.join(sorted(unknown))}. "
                f"Choose from: {known}."))
        return replace(self, **changes)


RANGES = {"lr_d": (0, 1), "lr_g": (0, 1), "d_steps": (0, 20), "g_steps": (0, 20),
          "pretrain": (0, 5000), "width_d": (2, 512), "width_g": (2, 512), "beta1": (0, 0.9999),
          "beta2": (0, 0.99999), "batch": (2, 2048), "seed": (0, 10**6)}
"""The smallest and the largest value of each number."""


class Rules(NamedTuple):
    """A loss with what keeps its critic tame: a penalty, or a limit for D's weights."""

    loss: Any
    penalty: Any = None
    clip: float | None = None


LOSSES = {
    "non-saturating": Rules(losses.NonSaturating()),
    "minimax": Rules(losses.Minimax()),
    "least squares": Rules(losses.LeastSquares()),
    "wasserstein": Rules(losses.Wasserstein(), clip=0.1),
    "hinge": Rules(losses.Hinge()),
    "relativistic": Rules(losses.Relativistic(), partial(penalties.r1_r2, gamma=1.0)),
}
"""The losses of the menu. Clipping at 0.1, not at the paper's 0.01: the networks are small."""

DATA = {"ring": data.ring, "grid": data.grid, "two_moons": data.two_moons, "spiral": data.spiral,
        "line": data.line}
NAMES = {"data": (*DATA, "drawn", "custom"), "loss": (*LOSSES, "custom"),
         "optimizer_g": ("adam", "plain")}
"""`drawn` is what is on the pad, `custom` what the learner brought: GanLab(loss=..., data=...)."""

_HANDICAP = {"pretrain": 1000, "d_steps": 10}
PRESETS = {
    "healthy": Settings(),
    "collapse": Settings(**_HANDICAP),
    "vanishing": Settings(loss="minimax", pretrain=1000, optimizer_g="plain", lr_g=0.02),
    "oscillation": Settings(lr_d=1e-4),
    "cure": Settings(loss="relativistic", **_HANDICAP),
}
"""The games of lesson 01: three failures, and the cure of the first under the same handicap.

`vanishing` needs plain steps of G: Adam divides by the gradient's size and hides that it is gone.
"""

THINGS_THAT_RESTART = {"data", "pretrain", "width_d", "width_g", "batch", "seed"}
"""A change of one of these starts a new run; all others take effect in the run as it is."""
