"""What G made at different steps, thinned out as a run grows, in bounded memory."""

from dataclasses import dataclass

from torch import Tensor

LIMIT = 40  # moments kept
SIZE = 1_800_000  # bytes that their pictures may take together, in the page and in the kernel


@dataclass
class Moment:
    """What G made of the fixed noise at one step, and how the browser gets it.

    number: of the look at the game, from 0;  made: what `train.generate` gave;  shot: a PNG file
    or packed points;  slot: where the page finds `shot`.
    """

    number: int
    step: int
    made: Tensor
    shot: bytes
    slot: int = 0


class Album:
    """Moments at equal distances, at most LIMIT, of SIZE bytes; and always the newest one.

    Begins with every look. When it is full, every second moment goes and the distance doubles.
    """

    def __init__(self, limit: int = LIMIT, size: int = SIZE):
        self.limit, self.size = limit, size
        self.moments: list[Moment] = []
        self.every = 1

    def due(self, number: int) -> bool:
        """Tell whether look number `number` is one to be kept."""
        return number % self.every == 0

    def add(self, moment: Moment) -> None:
        """Take a moment as the newest. The one before goes, unless it is one to be kept."""
        if self.moments and not self.due(self.moments[-1].number):
            self.moments.pop()
        self.moments.append(moment)
        while len(self.moments) > 2 and self._full():
            self.every *= 2
            self.moments = [m for m in self.moments if self.due(m.number) or m is moment]
        taken = {m.slot for m in self.moments[:-1]}
        moment.slot = min(set(range(self.limit)) - taken)

    def _full(self) -> bool:
        return len(self.moments) > self.limit or sum(len(m.shot) for m in self.moments) > self.size

    def rewind(self, step: int) -> None:
        """Forget this step and all after it: they come again, after a checkpoint was loaded."""
        self.moments = [m for m in self.moments if m.step < step]
