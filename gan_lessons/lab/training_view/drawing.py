"""From what G made to what a browser shows, and the view on paper, where nothing can move."""

import io

import matplotlib.pyplot as plt
import PIL.Image
import torch
from matplotlib.figure import Figure
from torch import Tensor

from gan_lessons import show
from gan_lessons.train import HISTORY, Game

from .album import Moment

PIXELS = 110_000  # about so many in the picture of one moment
FAST = PIL.Image.Quantize.FASTOCTREE
ROWS = 300  # of the table that the page draws its curves from


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

    Grey pictures keep every level; 256 colours stand for all others. They are chosen by the method
    that takes 1 ms: the better ones take up to a second for noise, and training waits for it.
    """
    if made.ndim == 2:
        return made.float().numpy().tobytes()
    image = PIL.Image.fromarray(show.grid(made, columns_for(*made.shape[2:])))
    image = image.convert("L") if made.shape[1] == 1 else image.quantize(256, FAST)
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def table(history: Tensor, rows: int = ROWS) -> Tensor:
    """Return a history, (steps, 4), as means over chunks: step and its columns, (<= rows, 5)."""
    size = max(1, -(-len(history) // rows))
    chunks = history.split(size)
    last = torch.tensor([[float(min((i + 1) * size, len(history)))] for i in range(len(chunks))])
    if not len(history):
        return torch.empty(0, 1 + len(HISTORY))
    return torch.cat([last, torch.stack([chunk.mean(0) for chunk in chunks])], 1)


def draw_paper(game: Game, moments: list[Moment], real: Tensor | None) -> tuple[Figure, str]:
    """Return a figure of the run so far, moments above, curves below, and its alternative text."""
    chosen = show.spread(moments, 5 if moments[:1] and moments[0].made.ndim == 2 else 4)
    figure = plt.figure(figsize=(9, 5.2 if chosen else 2.8), layout="constrained")
    parts = figure.subfigures(2, 1, height_ratios=(1, 1.1)) if chosen else [figure]
    if chosen:
        limit = reach([m.made for m in chosen], real)
        for axis, moment in zip(parts[0].subplots(1, len(chosen), squeeze=False).flat, chosen,
                                strict=True):
            _draw_moment(axis, moment, real, limit)
    show.plot_curves(parts[-1].subplots(1, 2), game.history, HISTORY)
    kind = "points" if chosen and chosen[0].made.ndim == 2 else "pictures"
    above = (f"above, {kind} that G makes of the same noise at steps "
             f"{', '.join(str(m.step) for m in chosen)}; below, " if chosen else "")
    return figure, (f"Training view at step {game.step}: {above}the losses of D and G and D's "
                    "readings of real data and of fakes over the steps.")


def _draw_moment(axis, moment: Moment, real: Tensor | None, limit: float) -> None:
    if moment.made.ndim == 2:
        if real is not None:
            axis.plot(*real.T, "s", color=show.BLUE, markersize=2, alpha=0.5)
        axis.plot(*moment.made.T, "o", color=show.ORANGE, markersize=2, alpha=0.5)
        axis.set(xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal", xticks=[], yticks=[])
    else:
        pictures = moment.made[:16]
        axis.imshow(show.grid(pictures, 4), interpolation="nearest")
        axis.axis("off")
    axis.set_title(f"step {moment.step}", fontsize=9)


def reach(clouds: list[Tensor], real: Tensor | None) -> float:
    """Return the half width of a square around points: the real ones, if they are known."""
    if real is not None:
        return 1.25 * float(real.abs().max())
    return 1.1 * max((float(c.abs().max()) for c in clouds if c.ndim == 2), default=0.0) or 1.0
