"""Figures: galleries, training curves, filmstrips, histograms. Text in them is English or symbols.

Each function displays its figure with alternative text, so that a screen reader and a reader
without pictures learn what is on it.
"""

import io
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import PIL.Image
import torch
from IPython.display import Image, display
from matplotlib.figure import Figure
from torch import Tensor
from torchvision.utils import make_grid

from gan_lessons.messages import both

BLUE, ORANGE, GREEN, PINK, GREY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#595959"
LINES = ((BLUE, "o", "-"), (ORANGE, "s", "--"), (GREEN, "^", "-."), (PINK, "D", ":"))
"""Okabe-Ito colours with marker shapes and dashes: told apart without colour, too."""


def show(figure: Figure, alt: str, dpi: int = 100) -> None:
    """Display a figure as a PNG picture with alternative text, and close it.

    128 colours are enough for the eye and keep notebooks small.

    Raises ValueError when `alt` says too little to stand in for the picture.
    """
    if len(alt.strip()) < 16:
        plt.close(figure)
        raise ValueError(both("请用 alt= 写一句话说明图里有什么。",
                              "Say in a sentence what the figure shows: alt=..."))
    drawn, small = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", dpi=dpi, bbox_inches="tight", facecolor="white")
    plt.close(figure)
    PIL.Image.open(drawn).convert("RGB").quantize(128).save(small, "PNG", optimize=True)
    display(Image(small.getvalue(), format="png", alt=alt))


def grid(images: Tensor, columns: int = 10) -> np.ndarray:
    """Return pictures, uint8 (n, C, H, W), side by side as one array, uint8 (H', W', 3)."""
    if images.dtype != torch.uint8 or images.ndim != 4 or len(images) == 0:
        raise ValueError(both(
            f"要显示的图片必须是 uint8 张量 (n, C, H, W)，收到 {images.dtype} "
            f"{tuple(images.shape)}。[-1, 1] 的张量请先用 data.to_images() 转换。",
            f"Pictures to show must be uint8 (n, C, H, W), got {images.dtype} "
            f"{tuple(images.shape)}. Convert tensors in [-1, 1] with data.to_images() first."))
    return make_grid(images.cpu(), nrow=columns, padding=2, pad_value=96).permute(1, 2, 0).numpy()


def gallery(images: Tensor | dict[str, Tensor], *, columns: int = 10, alt: str,
            width: float = 8) -> None:
    """Show pictures, uint8 (n, C, H, W), in rows of `columns`; a dict shows titled groups."""
    groups = images if isinstance(images, dict) else {"": images}
    pictures = {title: grid(group, columns) for title, group in groups.items()}
    heights = [width * p.shape[0] / p.shape[1] for p in pictures.values()]
    figure, axes = plt.subplots(len(pictures), 1, squeeze=False,
                                figsize=(width, sum(heights) + 0.3 * len(pictures)),
                                height_ratios=heights, layout="constrained")
    for axis, (title, picture) in zip(axes.flat, pictures.items(), strict=True):
        axis.imshow(picture, interpolation="nearest")
        axis.set_title(title, loc="left", fontsize=10)
        axis.axis("off")
    show(figure, alt)


def filmstrip(snapshots: dict[int, Tensor], *, pictures: int = 10, frames: int = 6,
              alt: str) -> None:
    """Show what G made of the same noise at different steps: one row a step, time going down."""
    steps = sorted(snapshots)
    if not steps:
        raise ValueError(both("还没有快照。训练时请写 fit(..., snapshot_every=100)。",
                              "There are no snapshots. Train with fit(..., snapshot_every=100)."))
    chosen = [steps[round(i * (len(steps) - 1) / max(frames - 1, 1))]
              for i in range(min(frames, len(steps)))]
    gallery({f"step {s}": snapshots[s][:pictures] for s in chosen}, columns=pictures, alt=alt)


def curves(history: Tensor, columns: Sequence[str], *, alt: str, smooth: int = 50) -> None:
    """Plot a history, (steps, 4): the two losses on the left, D's readings on the right.

    Each point is the mean of `smooth` steps, or of fewer in a short run.
    """
    smooth = max(1, min(smooth, len(history) // 10))
    chunks = history[: len(history) // smooth * smooth].view(-1, smooth, history.shape[1])
    steps = smooth * torch.arange(1, len(chunks) + 1)
    figure, axes = plt.subplots(1, 2, figsize=(9, 3), layout="constrained")
    for i, (name, line) in enumerate(zip(columns, (LINES[0], LINES[1]) * 2, strict=True)):
        color, marker, dashes = line
        axes[i // 2].plot(steps, chunks.mean(1)[:, i], dashes, color=color, marker=marker,
                          markevery=max(1, len(steps) // 8), markersize=5, label=name)
    axes[0].set(xlabel="step", ylabel="loss")
    axes[1].set(xlabel="step", ylabel="reading of D")
    for axis in axes:
        axis.legend()
        axis.spines[["top", "right"]].set_visible(False)
    show(figure, alt)


def histograms(shares: dict[str, Tensor], *, alt: str) -> None:
    """Plot up to four class shares, (10,) each, as groups of bars; a dotted line marks 4 %."""
    figure, axis = plt.subplots(figsize=(9, 2.8), layout="constrained")
    width = 0.8 / len(shares)
    hatches = ("", "///", "...", "xxx")
    for i, (name, share) in enumerate(shares.items()):
        axis.bar(np.arange(10) + (i - (len(shares) - 1) / 2) * width, share, width, label=name,
                 color=LINES[i][0], hatch=hatches[i], edgecolor="white")
    axis.axhline(0.04, color=GREY, linestyle=":")
    axis.set(xlabel="digit", ylabel="share of samples", xticks=range(10))
    axis.legend()
    axis.spines[["top", "right"]].set_visible(False)
    show(figure, alt)


def clouds(panels: dict[str, Tensor], real: Tensor, *, alt: str, extent: float = 3.0,
           columns: int = 4, points: int = 500) -> None:
    """Show clouds of points, (n, 2), each in a square of its own, over the real points, (m, 2)."""
    columns = min(columns, len(panels))
    rows = -(-len(panels) // columns)
    figure, axes = plt.subplots(rows, columns, squeeze=False, layout="constrained",
                                figsize=(2.3 * columns, 2.5 * rows + 0.3))
    for axis in axes.flat[len(panels):]:
        axis.axis("off")
    for axis, (title, cloud) in zip(axes.flat[:len(panels)], panels.items(), strict=True):
        axis.plot(*real[:points].T, "s", color=BLUE, markersize=2, alpha=0.5, label="real")
        axis.plot(*cloud[:points].T, "o", color=ORANGE, markersize=2, alpha=0.5, label="fake")
        axis.set_title(title, fontsize=9)
        axis.set(xlim=(-extent, extent), ylim=(-extent, extent), aspect="equal", xticks=[],
                 yticks=[])
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=2,
                  fontsize=8, markerscale=2, frameon=False)
    show(figure, alt)


def lines(series: dict[str, tuple[Tensor, Tensor]], *, xlabel: str, ylabel: str, alt: str,
          equal: bool = False) -> None:
    """Plot lines, {name: (x, y)}; `equal` gives both axes the same scale, as for an orbit."""
    size = (5, 3.6) if equal else (6.5, 2.8)
    figure, axis = plt.subplots(figsize=size, layout="constrained")
    for i, (name, (x, y)) in enumerate(series.items()):
        color, marker, dashes = LINES[i]
        axis.plot(x, y, dashes, color=color, marker=marker, markevery=max(1, len(x) // 10),
                  markersize=5, label=name)
    axis.set(xlabel=xlabel, ylabel=ylabel)
    if equal:
        axis.set_aspect("equal", adjustable="datalim")
    axis.legend(fontsize=9)
    axis.spines[["top", "right"]].set_visible(False)
    show(figure, alt)
