"""The lab on paper: five moments of a run and its curves, for pages where nothing can move."""

import io

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LinearSegmentedColormap

from gan_lessons.show import BLUE, GREEN, GREY, ORANGE

from .history import Moment
from .picture import POINTS, SURFACE, UNIT

FRAMES = 5
OPINION = LinearSegmentedColormap.from_list("opinion", ["#f4b183", "#ffffff", "#8fbfe0"])


def draw_twin(engine) -> tuple[bytes, str]:
    """Return a PNG picture of the run so far, and its alternative text."""
    moments = engine.history.moments
    last = max(len(moments) - 1, 0)
    chosen = [moments[i] for i in sorted({round(k * last / (FRAMES - 1)) for k in range(FRAMES)})
              ] if moments else []
    figure = plt.figure(figsize=(9, 4.1), layout="constrained")
    upper, lower = figure.subfigures(2, 1, height_ratios=(1.9, 2.1))
    for axis, moment in zip(upper.subplots(1, FRAMES).flat, chosen, strict=False):
        _frame(axis, engine, moment)
    for axis in upper.axes:
        axis.axis("off")
    _curves(lower.subplots(1, 3), engine)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=80, facecolor="white")
    plt.close(figure)
    return buffer.getvalue(), _alt(engine)


def unpack(moment: Moment) -> tuple[np.ndarray, np.ndarray]:
    """Return what a picture holds: fakes, (n, 2), in half widths, and D's surface from -1 to 1."""
    places = np.frombuffer(moment.picture, np.int16, 2 * POINTS).reshape(-1, 2) / UNIT
    surface = np.frombuffer(moment.picture, np.uint8)[-SURFACE * SURFACE:]
    return places, surface.reshape(SURFACE, SURFACE)


def _frame(axis, engine, moment: Moment) -> None:
    fake, surface = unpack(moment)
    real = engine.camera.real[:POINTS] / engine.camera.limit
    axis.imshow(surface, cmap=OPINION, vmin=0, vmax=255, extent=(-1, 1, -1, 1),
                interpolation="bilinear")
    axis.scatter(*real.T, s=5, color=BLUE, linewidths=0)
    axis.scatter(*fake.T, s=7, color=ORANGE, marker="D", linewidths=0)
    axis.set(xlim=(-1, 1), ylim=(-1, 1))
    axis.set_title(f"step {moment.step}", fontsize=9)


def _curves(axes, engine) -> None:
    table = engine.history.table().numpy()
    step = table[:, 0]
    axes[0].plot(step, table[:, 2], color=BLUE, label="D")
    axes[0].plot(step, table[:, 3], "--", color=ORANGE, label="G")
    axes[0].set_title("loss", fontsize=9)
    axes[0].legend(fontsize=8)
    axes[1].plot(step, table[:, 4], color=GREEN, label="covered")
    axes[1].plot(step, table[:, 5], ":", color=GREEN, label="effective")
    count = 0 if engine.points.modes is None else len(engine.points.modes)
    axes[1].set_title(f"modes, of {count}" if count else "no modes to count", fontsize=9)
    axes[1].set_ylim(-0.3, (count or 1) + 0.3)
    axes[1].legend(fontsize=8)
    axes[2].plot(step, table[:, 6], color=GREY)
    axes[2].set_title("Jensen-Shannon divergence", fontsize=9)
    axes[2].set_ylim(0, 0.72)
    for axis in axes:
        axis.tick_params(labelsize=8)
        axis.spines[["top", "right"]].set_visible(False)
        axis.set_xlabel("step of G", fontsize=8)


def _alt(engine) -> str:
    if not engine.history.moments:
        return "GAN lab: no picture yet, because the loss failed before the first step."
    last = engine.history.moments[-1]
    modes = "" if engine.points.modes is None else (
        f" At the end {last.modes} of {len(engine.points.modes)} modes are covered.")
    return (f"GAN lab: real points ({engine.points.name}, blue) and fakes (orange diamonds) over "
            f"D's surface at moments up to step {last.step}; below, the losses of D and G, the "
            f"modes covered and the Jensen-Shannon divergence over time.{modes}")
