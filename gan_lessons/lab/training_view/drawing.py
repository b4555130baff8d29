"""What a training view keeps of a run, how it gets to the browser, and the view on paper."""

import io
import math
from dataclasses import dataclass

import matplotlib.pyplot as plt
import PIL.Image
import torch
from matplotlib.figure import Figure
from torch import Tensor

from gan_lessons import show
from gan_lessons.measure import Tracker
from gan_lessons.train import HISTORY

SNAPSHOTS_KEPT = 40
BYTES_KEPT = 1_800_000  # of their pictures together, in the page and in the kernel
PIXELS = 110_000  # about so many in the picture of one snapshot
ROWS = 300  # of the table that the page draws its curves from


# ---- what is kept of a run ----

@dataclass
class Snapshot:
    """What G made of the fixed noise at one step, and how the browser gets it."""

    number: int  # of the look at the game, from 0
    step: int  # of G
    made: Tensor  # what `train.generate` gave
    packed: bytes  # a PNG file, or points: see `pack`
    slot: int = 0  # the page finds `packed` in the trait picture_<slot>


class Album:
    """Snapshots at equal distances, bounded in number and in bytes; and always the newest one.

    Begins with every look. When it is full, every second snapshot goes and the distance doubles.
    """

    def __init__(self, limit: int = SNAPSHOTS_KEPT, size: int = BYTES_KEPT):
        self.limit, self.size = limit, size
        self.snapshots: list[Snapshot] = []
        self.every = 1

    def due(self, number: int) -> bool:
        """Tell whether look number `number` is one to be kept."""
        return number % self.every == 0

    def add(self, newest: Snapshot) -> None:
        """Take the newest snapshot. The one before goes, unless it is one to be kept."""
        if self.snapshots and not self.due(self.snapshots[-1].number):
            self.snapshots.pop()
        self.snapshots.append(newest)
        while len(self.snapshots) > 2 and self._full():
            self.every *= 2
            self.snapshots = [s for s in self.snapshots if self.due(s.number) or s is newest]
        taken = {s.slot for s in self.snapshots[:-1]}
        newest.slot = min(set(range(self.limit)) - taken)

    def _full(self) -> bool:
        size = sum(len(s.packed) for s in self.snapshots)
        return len(self.snapshots) > self.limit or size > self.size

    def rewind(self, step: int) -> None:
        """Forget this step and all after it: they come again, after a checkpoint was loaded."""
        self.snapshots = [s for s in self.snapshots if s.step < step]


# ---- from what G made to what the browser shows ----

def columns_for(height: int, width: int) -> int:
    """Return how many pictures of this size stand side by side, between 3 and 8."""
    return min(8, max(3, round((1.5 * PIXELS) ** 0.5 / (width + 2))))


def count_for(height: int, width: int, most: int) -> int:
    """Return how many pictures of this size are shown: full rows within PIXELS, at least one."""
    columns = columns_for(height, width)
    rows = max(1, round(PIXELS / (columns * (width + 2) * (height + 2))))
    return min(rows * columns, most)


def pack(made: Tensor) -> bytes:
    """Return pictures, uint8 (n, C, H, W), as one PNG; points, (n, 2), as float32 pairs.

    Grey pictures keep every level; 256 colours stand for all others.
    """
    if made.ndim == 2:
        return made.float().numpy().tobytes()
    image = PIL.Image.fromarray(show.grid(made, columns_for(*made.shape[2:])))
    if made.shape[1] == 1:
        image = image.convert("L")
    else:  # in 1 ms; better methods take up to a second for noise, and training waits for it
        image = image.quantize(256, PIL.Image.Quantize.FASTOCTREE)
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def curve_table(history: Tensor) -> Tensor:
    """Return a history, (steps, 4), as means over chunks: step and its columns, (<= ROWS, 5)."""
    if len(history) == 0:
        return torch.empty(0, 1 + len(HISTORY))
    size = math.ceil(len(history) / ROWS)
    chunks = history.split(size)
    last_step = [min((i + 1) * size, len(history)) for i in range(len(chunks))]
    means = torch.stack([chunk.mean(0) for chunk in chunks])
    return torch.cat([torch.tensor(last_step).float().unsqueeze(1), means], 1)


def reach(clouds: list[Tensor], real: Tensor | None) -> float:
    """Return the half width of a square around points: the real ones, if they are known."""
    if real is not None:
        return 1.25 * float(real.abs().max())
    return 1.1 * max((float(cloud.abs().max()) for cloud in clouds), default=0.0) or 1.0


# ---- the view on paper, where nothing can move ----

def draw_run(game, snapshots: list[Snapshot], real: Tensor | None,
             tracker: Tracker | None = None) -> tuple[Figure, str]:
    """Return a figure of a run, some snapshots above, curves below, and its alternative text.

    `game` is a `WatchedGame`; `real` are points to draw behind those of G, (n, 2), if any; a
    `tracker` that has measured the game adds its first number.
    """
    below = "the losses of D and G and D's readings of real data and of fakes over the steps"
    if tracker is not None and tracker.rows:
        below += f"; {tracker.main} of its averaged generator, with that of real data as a line"
    if not snapshots:
        figure = plt.figure(figsize=(9, 2.8), layout="constrained")
        _draw_curves(figure, game, tracker)
        return figure, f"Training view at step {game.step}: {below}."
    points = snapshots[0].made.ndim == 2
    chosen = show.spread(snapshots, 5 if points else 4)
    figure = plt.figure(figsize=(9, 5.2), layout="constrained")
    upper, lower = figure.subfigures(2, 1, height_ratios=(1, 1.1))
    axes = upper.subplots(1, len(chosen), squeeze=False).flat
    limit = reach([s.made for s in chosen], real) if points else 1.0
    for axis, snapshot in zip(axes, chosen, strict=True):
        if points:
            _draw_points(axis, snapshot.made, real, limit)
        else:
            axis.imshow(show.grid(snapshot.made[:16], 4), interpolation="nearest")
            axis.axis("off")
        axis.set_title(f"step {snapshot.step}", fontsize=9)
    _draw_curves(lower, game, tracker)
    kind = "points" if points else "pictures"
    steps = ", ".join(str(s.step) for s in chosen)
    return figure, (f"Training view at step {game.step}: above, {kind} that G makes of the same "
                    f"noise at steps {steps}; below, {below}.")


def _draw_curves(figure, game, tracker: Tracker | None) -> None:
    """Draw losses and readings and, if there is any, what was measured, side by side."""
    if tracker is None or not tracker.rows:
        show.plot_curves(figure.subplots(1, 2), game.history, HISTORY)
        return
    axes = figure.subplots(1, 3)
    show.plot_curves(axes, game.history, HISTORY)
    axis, name = axes[2], tracker.main
    color, marker, dashes = show.LINES[0]
    axis.plot(list(tracker.rows), [row[name] for row in tracker.rows.values()], dashes,
              color=color, marker=marker, label=f"{tracker.n} samples")
    axis.axhline(tracker.floor[name], color=show.GREY, linestyle=":",
                 label=f"real: {tracker.floor[name]:.3g}")
    axis.set(xlabel="step", ylabel=name, ylim=(0, None))
    axis.legend()
    axis.spines[["top", "right"]].set_visible(False)


def _draw_points(axis, made: Tensor, real: Tensor | None, limit: float) -> None:
    if real is not None:
        axis.plot(*real.T, "s", color=show.BLUE, markersize=2, alpha=0.5)
    axis.plot(*made.T, "o", color=show.ORANGE, markersize=2, alpha=0.5)
    axis.set(xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal", xticks=[], yticks=[])
