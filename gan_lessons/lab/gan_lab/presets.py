"""What can be set in the GAN lab, and the settings under which each failure shows itself."""

from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any, NamedTuple

from gan_lessons import data, losses, penalties
from gan_lessons.util import both


class LossRules(NamedTuple):
    """A loss with what keeps its critic tame: a penalty, or a limit for D's weights."""

    loss: Any
    penalty: Any = None
    clip: float | None = None


LOSSES = {
    "non-saturating": LossRules(losses.NonSaturating()),
    "non-saturating + R1": LossRules(losses.NonSaturating(), partial(penalties.r1, gamma=1.0)),
    "non-saturating + R1 + R2": LossRules(losses.NonSaturating(),
                                          partial(penalties.r1_r2, gamma=1.0)),
    "minimax": LossRules(losses.Minimax()),
    "least squares": LossRules(losses.LeastSquares()),
    "wasserstein": LossRules(losses.Wasserstein(), clip=0.1),  # not 0.01: the networks are small
    "wasserstein + GP": LossRules(losses.Wasserstein(), penalties.gradient_penalty),
    "hinge": LossRules(losses.Hinge()),
    "relativistic alone": LossRules(losses.Relativistic()),
    "relativistic": LossRules(losses.Relativistic(), partial(penalties.r1_r2, gamma=1.0)),
}
DATA = {"ring": data.ring, "grid": data.grid, "two_moons": data.two_moons, "spiral": data.spiral,
        "line": data.line,
        "ring_by_class": lambda: data.ring().conditioned_on()}  # y: the number of the cluster

# What each setting can be. `drawn` is what is on the pad, `custom` what the learner brought:
# GanLab(loss=..., data=...).
NAMES = {"data": (*DATA, "drawn", "custom"), "loss": (*LOSSES, "custom"),
         "optimizer_g": ("adam", "plain")}
RANGES = {"lr_d": (0, 1), "lr_g": (0, 1), "d_steps": (0, 20), "g_steps": (0, 20),
          "pretrain": (0, 5000), "width_d": (2, 512), "width_g": (2, 512), "beta1": (0, 0.9999),
          "beta2": (0, 0.99999), "batch": (2, 2048), "seed": (0, 10**6)}


@dataclass(frozen=True)
class LabSettings:
    """All that a learner can change in the lab; every value has a control of its own."""

    data: str = "ring"
    loss: str = "non-saturating"
    lr_d: float = 1e-3
    lr_g: float = 1e-3
    optimizer_g: str = "adam"  # or "plain": steps of lr_g times the gradient
    d_steps: int = 1  # of D in a round
    g_steps: int = 1  # of G in a round
    pretrain: int = 0  # steps that D takes alone before the first round
    width_d: int = 64  # units in each of the two hidden layers
    width_g: int = 64
    beta1: float = 0.5  # of Adam
    beta2: float = 0.999
    batch: int = 128
    seed: int = 0

    def __post_init__(self):
        for name, value in asdict(self).items():
            if name in RANGES:
                _check_number(name, value)
            elif value not in NAMES[name]:
                known = ", ".join(NAMES[name])
                raise ValueError(both(
                    f"没有叫 {value!r} 的 {name}。可选：{known}。",
                    f"There is no {name} called {value!r}. Choose from: {known}."))

    @property
    def betas(self) -> tuple[float, float]:
        """Both betas of Adam."""
        return self.beta1, self.beta2

    def change(self, **changes) -> "LabSettings":
        """Return the settings with some of them changed; refuse a name that does not exist."""
        unknown = changes.keys() - asdict(self).keys()
        if unknown:
            known = ", ".join(asdict(self))
            raise ValueError(both(
                f"实验室没有这些设置：{', '.join(sorted(unknown))}。可选：{known}。",
                f"The lab has no such setting: {', '.join(sorted(unknown))}. "
                f"Choose from: {known}."))
        return replace(self, **changes)


def _check_number(name: str, value) -> None:
    low, high = RANGES[name]
    whole = isinstance(getattr(LabSettings, name), int)  # as its default is
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if is_number and low <= value <= high and (value == int(value) or not whole):
        return
    zh, en = ("整数", "a whole number") if whole else ("数", "a number")
    raise ValueError(both(f"{name} 必须是 {low} 到 {high} 之间的{zh}，收到的是 {value!r}。",
                          f"{name} must be {en} from {low} to {high}, got {value!r}."))


# A change of one of these starts a new run; all others take effect in the run as it is.
RESTARTS = {"data", "pretrain", "width_d", "width_g", "batch", "seed"}

# The games of lesson 01: three failures, and the cure of the first under the same handicap.
# `vanishing` needs plain steps of G: Adam divides by the gradient's size and hides that it is gone.
PRESETS = {
    "healthy": LabSettings(),
    "collapse": LabSettings(pretrain=1000, d_steps=10),
    "vanishing": LabSettings(loss="minimax", pretrain=1000, optimizer_g="plain", lr_g=0.02),
    "oscillation": LabSettings(lr_d=1e-4),
    "cure": LabSettings(loss="non-saturating + R1 + R2", pretrain=1000, d_steps=10),
}
