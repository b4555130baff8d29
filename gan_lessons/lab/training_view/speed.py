"""How fast a run moves, measured between looks at it."""

import time
from collections import deque
from typing import NamedTuple

LOOKS = 20  # the speed is that of the time since so many looks ago


class Speed(NamedTuple):
    """Steps of G, and real pictures (or points) shown to D, a second."""

    steps: float
    pictures: float


class Stopwatch:
    """Remembers when the last looks were and how far the run had come."""

    def __init__(self):
        self.looks = deque(maxlen=LOOKS)

    def restart(self) -> None:
        """Begin anew: what comes next is another call of fit, and the pause does not count."""
        self.looks.clear()

    def look(self, step: int, pictures: int) -> None:
        """Note that the run has come to `step` and D has seen so many real pictures in all."""
        self.looks.append((time.perf_counter(), step, pictures))

    def speed(self) -> Speed | None:
        """Return the speed, or None before there are two looks."""
        if len(self.looks) < 2:
            return None
        (begin, *before), (end, *now) = self.looks[0], self.looks[-1]
        return Speed(*((b - a) / max(end - begin, 1e-9) for a, b in zip(before, now, strict=True)))
