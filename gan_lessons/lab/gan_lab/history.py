"""The run so far, thinned out as it grows: what the curves and the time slider show."""

from typing import NamedTuple

import torch
from torch import Tensor

LIMIT = 200  # moments kept; a picture is about 4 kB, so a history stays below 1 MB


class Moment(NamedTuple):
    """One moment of a run: where it was, how it went, and what it looked like."""

    step: int
    critic_steps: int
    critic_loss: float
    generator_loss: float
    modes: float
    effective: float
    js: float
    picture: bytes


class History:
    """Moments at equal distances, at most LIMIT of them.

    Starts with every twentieth step. When it is full, every second moment goes and the distance
    doubles: the whole run stays visible, in bounded memory and at a cost that falls with time.
    """

    def __init__(self):
        self.moments: list[Moment] = []
        self.every = 20

    def due(self, step: int) -> bool:
        """Tell whether the moment of this step should be remembered."""
        return step % self.every == 0

    def add(self, moment: Moment) -> None:
        """Remember a moment; make room first if there is none."""
        if len(self.moments) == LIMIT:
            self.moments = self.moments[::2]
            self.every *= 2
        self.moments.append(moment)

    def table(self) -> Tensor:
        """Return the numbers, a row a moment, in the order of Moment's fields, (n, 7)."""
        return torch.tensor([moment[:-1] for moment in self.moments]).reshape(-1, 7)
