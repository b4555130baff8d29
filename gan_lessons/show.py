"""Figures: galleries, training curves, filmstrips, histograms. Text in them is English or symbols.

Each function displays its figure with alternative text, so that a screen reader and a reader
without pictures learn what is on it. `animation` writes a file instead.
"""

import base64
import io
import math
from collections.abc import Sequence
from html import escape
from itertools import cycle, pairwise
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont
import torch
from IPython.display import display
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch import Tensor, nn
from torchvision.utils import make_grid

from gan_lessons.util import BLANK_LINE, both, write_atomically

# Okabe-Ito colours, with marker shapes and dashes: told apart without colour, too.
BLUE, ORANGE, GREEN, PINK, GREY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#595959"
WIDEST = 1040  # pixels across a gallery
TITLE, GAP = 22, 8  # pixels: the height of a title, the distance of two rows
LINES = ((BLUE, "o", "-"), (ORANGE, "s", "--"), (GREEN, "^", "-."), (PINK, "D", ":"))


class Picture:
    """A PNG picture that keeps its alternative text wherever a notebook is read.

    Notebooks show it as HTML: JupyterLab and nbconvert's default template would drop the text of a
    plain `image/png`. A terminal shows the text alone.
    """

    def __init__(self, png: bytes, alt: str):
        self.png, self.alt = png, alt

    def __repr__(self) -> str:
        return f"[{self.alt}]"

    def _repr_html_(self) -> str:
        data = base64.b64encode(self.png).decode()
        return (f'{BLANK_LINE}<img alt="{escape(self.alt)}" '
                f'src="data:image/png;base64,{data}">')


def show(figure: Figure, alt: str) -> None:
    """Display a figure as a PNG picture with alternative text, and close it."""
    try:
        check_alt(alt)
    finally:
        content = png(figure)
    display(Picture(content, alt))


def check_alt(alt: str) -> None:
    """Raise ValueError when the alternative text says next to nothing."""
    if len(alt.strip()) < 16:
        raise ValueError(both("请用 alt= 写一句话说明图里有什么。",
                              "Say in a sentence what the figure shows: alt=..."))


def png(figure: Figure, dpi: int = 100) -> bytes:
    """Return a figure as a PNG file, and close it.

    128 colours are enough for lines and dots and keep notebooks small.
    """
    drawn, small = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", dpi=dpi, bbox_inches="tight", facecolor="white")
    plt.close(figure)
    PIL.Image.open(drawn).convert("RGB").quantize(128).save(small, "PNG", optimize=True)
    return small.getvalue()


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
            scale: int | None = None) -> None:
    """Show pictures, uint8 (n, C, H, W), in rows of `columns`; a dict shows titled groups.

    Every pixel becomes a square of `scale` x `scale` in its own colour: unless given, as large as
    fits 1,040 pixels, at most 4.
    """
    check_alt(alt)
    groups = images if isinstance(images, dict) else {"": images}
    rows = {title: grid(group, columns) for title, group in groups.items()}
    if scale is None:
        scale = max(1, min(4, WIDEST // max(row.shape[1] for row in rows.values())))
    sheet, drawn = _under_each_other(rows, scale), io.BytesIO()
    if all((row == row[..., :1]).all() for row in rows.values()):
        sheet = sheet.convert("L")  # grey pictures need one channel, not three
    sheet.save(drawn, "PNG", optimize=True)
    display(Picture(drawn.getvalue(), alt))


def _under_each_other(rows: dict[str, np.ndarray], scale: int) -> PIL.Image.Image:
    """Return pictures, uint8 (H, W, 3), enlarged, each below its title if that is not empty."""
    large = [(title, row.repeat(scale, 0).repeat(scale, 1)) for title, row in rows.items()]
    heights = [len(row) + (TITLE if title else 0) for title, row in large]
    width = max(row.shape[1] for _, row in large)
    sheet = PIL.Image.new("RGB", (width, sum(heights) + GAP * (len(large) - 1)), "white")
    pen, font = PIL.ImageDraw.Draw(sheet), PIL.ImageFont.load_default(14)
    top = 0
    for (title, row), height in zip(large, heights, strict=True):
        pen.text((2, top + 2), title, fill="black", font=font)
        sheet.paste(PIL.Image.fromarray(row), (0, top + height - len(row)))
        top += height + GAP
    return sheet


def labelled(rows: dict[str, tuple[Tensor, Sequence[str]]], *, alt: str, scale: int = 3) -> None:
    """Show titled rows of pictures with words below each: {title: (uint8 (n, C, H, W), n words)}.

    A pixel becomes a square of `scale` x `scale`, as in `gallery`.
    """
    check_alt(alt)
    font, drawn = PIL.ImageFont.load_default(14), io.BytesIO()
    strips = {title: grid(pictures, len(pictures)) for title, (pictures, _) in rows.items()}
    sheet = _under_each_other({title: np.pad(strip, ((0, 8), (0, 0), (0, 0)), constant_values=255)
                               for title, strip in strips.items()}, scale)
    pen, top = PIL.ImageDraw.Draw(sheet), 0
    for title, (pictures, words) in rows.items():
        top += (TITLE if title else 0) + strips[title].shape[0] * scale
        for i, word in enumerate(words):
            middle = (i + 0.5) * (pictures.shape[-1] + 2) * scale
            pen.text((middle, top + 2), word, fill="black", font=font, anchor="ma")
        top += 8 * scale + GAP
    sheet.save(drawn, "PNG", optimize=True)
    display(Picture(drawn.getvalue(), alt))


def filmstrip(snapshots: dict[int, Tensor], *, pictures: int = 10, alt: str) -> None:
    """Show what G made of the same noise at up to six steps: one row a step, time going down.

    The first and the last snapshot are among them, and the steps between have equal lengths where
    the number of snapshots allows it.
    """
    if not snapshots:
        raise ValueError(both("还没有快照。训练时请写 fit(..., snapshot_every=100)。",
                              "There are no snapshots. Train with fit(..., snapshot_every=100)."))
    gallery({f"step {s:,}": snapshots[s][:pictures] for s in evenly(sorted(snapshots))},
            columns=pictures, alt=alt)


def evenly(steps: list[int]) -> list[int]:
    """Return four to six of the steps at equal distances, first and last among them, or `spread`.

    Of 13 snapshots, at 0, 500, ... 6000, these are 0, 1500, 3000, 4500 and 6000.
    """
    for parts in (5, 4, 3):
        if (len(steps) - 1) % parts == 0:
            return steps[::max(1, (len(steps) - 1) // parts)]
    return spread(steps, 6)


def animation(snapshots: dict[int, Tensor], path: str | Path, *, fps: float = 8,
              columns: int = 8) -> Path:
    """Write what G made of the same noise at different steps as a GIF, and return its path.

    One frame a snapshot, in the order of the steps, for ever; the last one stays for two seconds.
    A file of that name stays as it was until the new one is complete.

    Args:
        snapshots: Step -> pictures, uint8 (n, C, H, W), all of one shape, or points, (n, 2).
        path: Of the file, ends in .gif.
        fps: Frames a second, above 0, at most 50.
        columns: Pictures in a row.
    """
    path = Path(path)
    if path.suffix.lower() != ".gif":
        raise ValueError(both(f"文件名要以 .gif 结尾，收到 {path.name!r}。",
                              f"The file name should end in .gif, got {path.name!r}."))
    if not 0 < fps <= 50:
        raise ValueError(both(f"fps（每秒帧数）应大于 0，不超过 50，收到 {fps}。",
                              f"fps, frames a second, should be above 0, at most 50; got {fps}."))
    ordered = [snapshots[step] for step in sorted(snapshots)]
    if not ordered or len({s.shape for s in ordered}) > 1:
        raise ValueError(both(
            f"需要至少一个快照，且形状都相同，收到 {len(ordered)} 个。训练时请写 "
            "fit(..., snapshot_every=100)。",
            f"There should be at least one snapshot, all of one shape; got {len(ordered)}. Train "
            "with fit(..., snapshot_every=100)."))
    if ordered[0].ndim == 2:
        limit = 1.1 * max(float(s.abs().max()) for s in ordered) or 1.0
        frames = [_points_as_picture(s, limit) for s in ordered]
    else:
        frames = [grid(s, columns) for s in ordered]
    first, *later = [PIL.Image.fromarray(frame) for frame in frames]
    tick = max(10 * round(100 / fps), 20)  # ms; GIF counts in 1/100 s, browsers play 50 a second
    file = io.BytesIO()
    first.save(file, "GIF", save_all=True, append_images=later, loop=0,
               duration=[tick] * len(later) + [2000])
    write_atomically(path, file.getvalue())
    return path


def _points_as_picture(points: Tensor, limit: float) -> np.ndarray:
    """Return points, (n, 2), in a square of half width `limit`, as an array, uint8 (H, W, 3)."""
    figure = Figure(figsize=(3.2, 3.2), dpi=100)
    axis = figure.add_axes((0.02, 0.02, 0.96, 0.96), aspect="equal", xticks=[], yticks=[],
                           xlim=(-limit, limit), ylim=(-limit, limit))
    axis.plot(*points.T, "o", color=ORANGE, markersize=2.5, alpha=0.6)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def spread(items: Sequence, n: int) -> list:
    """Return `n` of the items, or all where there are fewer: first, last, evenly in between."""
    n = min(n, len(items))
    return [items[round(i * (len(items) - 1) / max(n - 1, 1))] for i in range(n)]


def curves(history: Tensor, columns: Sequence[str], *, alt: str) -> None:
    """Plot a history, (steps, 4): the two losses on the left, D's readings on the right."""
    figure, axes = plt.subplots(1, 2, figsize=(9, 3), layout="constrained")
    plot_curves(axes, history, columns)
    show(figure, alt)


def plot_curves(axes, history: Tensor, columns: Sequence[str]) -> None:
    """Plot a history into the first two axes of a figure; a point is the mean of up to 50 steps."""
    smooth = max(1, min(50, len(history) // 10))
    chunks = history[: len(history) // smooth * smooth].view(-1, smooth, history.shape[1])
    steps = smooth * torch.arange(1, len(chunks) + 1)
    for i, (name, line) in enumerate(zip(columns, (LINES[0], LINES[1]) * 2, strict=True)):
        color, marker, dashes = line
        axes[i // 2].plot(steps, chunks.mean(1)[:, i], dashes, color=color, marker=marker,
                          markevery=max(1, len(steps) // 8), markersize=5, label=name)
    axes[0].set(xlabel="step", ylabel="loss")
    axes[1].set(xlabel="step", ylabel="reading of D")
    for axis in axes[:2]:
        _finish(axis)


def _finish(axis, size: float | None = None, *, legend: bool = True) -> None:
    """Add a legend, and take the frame away above and on the right."""
    if legend:
        axis.legend(fontsize=size)
    axis.spines[["top", "right"]].set_visible(False)


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
    _finish(axis)
    show(figure, alt)


def clouds(panels: dict[str, Tensor], real: Tensor, *, alt: str, extent: float = 3.0,
           columns: int = 4, size: float = 2.3) -> None:
    """Show clouds of points, (n, 2), each in a square of its own, over the real points, (m, 2).

    `size` is the side of a square in inches.
    """
    figure, axes = _squares(list(panels), extent, columns, size, below=0.3)
    for axis, cloud in zip(axes, panels.values(), strict=True):
        axis.plot(*real[:500].T, "s", color=BLUE, markersize=4, alpha=0.25, label="real")
        axis.plot(*cloud[:500].T, "o", color=ORANGE, markersize=2, alpha=0.5, label="fake")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2,
                  fontsize=8, markerscale=2, frameon=False)
    show(figure, alt)


def _squares(titles: list[str], extent: float, columns: int, size: float, below: float):
    """Return a figure and its axes, squares around the origin with titles, `columns` in a row.

    `size` is the side of a square, `below` what is left under the last row, both in inches.
    """
    columns = min(columns, len(titles))
    rows = math.ceil(len(titles) / columns)
    figure, axes = plt.subplots(rows, columns, squeeze=False, layout="constrained",
                                figsize=(size * columns, (size + 0.2) * rows + below))
    for axis in axes.flat[len(titles):]:
        axis.axis("off")
    used = axes.flat[:len(titles)]
    for axis, title in zip(used, titles, strict=True):
        axis.set_title(title, fontsize=9)
        axis.set(xlim=(-extent, extent), ylim=(-extent, extent), aspect="equal", xticks=[],
                 yticks=[])
    return figure, used


def landscapes(panels: dict[str, tuple[nn.Module, Tensor]], real: Tensor, *, alt: str,
               extent: float = 3.0, columns: int = 4, size: float = 2.3) -> None:
    """Show what D scores and where it sends the fakes, {title: (D, fakes)}, fakes (n, 2).

    Blue ground has a high score, red a low one; each panel has colours of its own. An arrow shows
    the direction of D's gradient at one of the first 40 fakes; its length means nothing.
    """
    line = torch.linspace(-extent, extent, 81)
    places = torch.cartesian_prod(line, line)
    figure, axes = _squares(list(panels), extent, columns, size, below=0.1)
    for axis, (critic, fakes) in zip(axes, panels.values(), strict=True):
        with torch.no_grad():
            scores = critic(places).view(81, 81).T
        axis.contourf(line, line, scores, 14, cmap="RdBu", alpha=0.7)
        axis.plot(*real[:200].T, "s", color="white", markersize=4.5)  # an edge on blue ground
        axis.plot(*real[:200].T, "s", color=BLUE, markersize=2.5)
        fakes = fakes[:40].clone().requires_grad_(True)
        arrows, = torch.autograd.grad(critic(fakes).sum(), fakes)
        arrows = arrows / arrows.norm(dim=1, keepdim=True).clamp_min(1e-12)
        fakes = fakes.detach()
        axis.plot(*fakes.T, "o", color=ORANGE, markersize=3)
        axis.quiver(*fakes.T, *arrows.T, scale=9, width=0.008, zorder=3)
    show(figure, alt)


def lines(series: dict[str, tuple[Tensor, Tensor]], *, xlabel: str, ylabel: str, alt: str,
          level: tuple[str, float] | None = None) -> None:
    """Plot lines, {name: (x, y)}; `level`, a name and a height, is a dotted line across.

    Up to 30 points get markers: those are measurements. More of them are a smooth line.
    """
    figure, axis = plt.subplots(figsize=(6.5, 2.8), layout="constrained")
    for (name, (x, y)), (color, marker, dashes) in zip(series.items(), cycle(LINES)):
        axis.plot(x, y, dashes, color=color, marker=marker if len(x) <= 30 else None,
                  markersize=5, label=name)
    if level is not None:
        name, height = level
        axis.axhline(height, color=GREY, linestyle=":")
        axis.annotate(name, (float(x[0]), height), xytext=(0, -12), textcoords="offset points")
    axis.set(xlabel=xlabel, ylabel=ylabel)
    _finish(axis, 9, legend=len(series) > 1)
    show(figure, alt)


def orbits(paths: dict[str, Tensor], *, xlabel: str, ylabel: str, alt: str) -> None:
    """Plot paths in a plane, {name: (2, steps)}, with their start and the way they run."""
    figure, axis = plt.subplots(figsize=(5.6, 4.4), layout="constrained")
    for (name, path), (color, _, dashes) in zip(paths.items(), cycle(LINES)):
        axis.plot(*path, dashes, color=color, label=name)
        for i in range(6, min(path.shape[1] - 1, 45), 12):
            axis.annotate("", tuple(path[:, i + 1].tolist()), tuple(path[:, i].tolist()),
                          arrowprops={"arrowstyle": "-|>", "color": color, "mutation_scale": 16})
    axis.plot(*next(iter(paths.values()))[:, 0], "o", color="black", label="start")
    axis.plot(0, 0, "+", color="black", markersize=12, label="equilibrium")
    axis.set(xlabel=xlabel, ylabel=ylabel)
    axis.set_aspect("equal", adjustable="datalim")
    _finish(axis, 9)
    show(figure, alt)


def staircase(trails: dict[str, Sequence[tuple[str, tuple[int, ...]]]], *, alt: str) -> None:
    """Draw what a convolutional network makes of one input, step by step: {name: trail}.

    A trail is that of `nets.dcgan.shape_trail`. A step with a picture, (B, C, H, W), is a block as
    tall as its side and as wide as C / 16; steps that keep the shape are left out.
    """
    figure, axes = plt.subplots(len(trails), 1, squeeze=False, layout="constrained",
                                figsize=(9, 3.4 * len(trails)))
    for axis, (title, trail), line in zip(axes.flat, trails.items(), cycle(LINES)):
        shapes = [shape[1:] for _, shape in trail]
        shapes = shapes[:1] + [after for before, after in pairwise(shapes)
                               if math.prod(before) != math.prod(after)]
        x = 0.0
        for shape in shapes:
            channels, side = (*shape, 1, 1)[:2]  # a score has neither
            width = max(channels / 16, 1.5)
            middle = x + max(width, 15) / 2
            axis.add_patch(plt.Rectangle((middle - width / 2, -side / 2), width, side,
                                         facecolor=line[0], alpha=0.75))
            axis.text(middle, -side / 2 - 2, "x".join(map(str, shape)) or "1", ha="center",
                      va="top", fontsize=10)
            x += max(width, 15) + 5
        axis.set(xlim=(-2, x), ylim=(-40, 33), aspect="equal")
        axis.set_title(title, loc="left", fontsize=11)
        axis.axis("off")
    show(figure, alt)


def maps(panels: dict[str, Tensor], *, alt: str, numbers: bool = True) -> None:
    """Show square matrices, {title: (n, n)}, as shades of blue, with their numbers."""
    figure, axes = plt.subplots(1, len(panels), squeeze=False, layout="constrained",
                                figsize=(2.2 * len(panels), 2.5))
    for axis, (title, panel) in zip(axes.flat, panels.items(), strict=True):
        axis.imshow(panel, cmap="Blues", vmin=0, vmax=1.4 * float(panel.max()))
        axis.set_title(title, fontsize=9)
        axis.axis("off")
        if numbers:
            for (row, column), value in np.ndenumerate(panel.numpy()):
                axis.text(column, row, f"{value:g}", ha="center", va="center", fontsize=8)
    show(figure, alt)
