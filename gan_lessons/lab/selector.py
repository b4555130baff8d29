"""Pictures by class and z: choose a class and see what the same z become."""

import base64
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import PIL.Image
import torch
import traitlets
from torch import Tensor

from gan_lessons.show import Picture, check_alt, grid
from gan_lessons.util import both

from .base import LessonWidget, script

HERE = Path(__file__).parent
GAP = 2  # pixels between pictures, as in `show.grid`


class Selector(LessonWidget):
    """A button for each class; below them the pictures of the class that was chosen.

    All pictures are in the page from the start, so that a click needs no kernel.
    """

    _esm = script(HERE / "selector.js")

    sheet = traitlets.Unicode().tag(sync=True)  # of all pictures, a row for each class: a data URL
    names = traitlets.List(traitlets.Unicode()).tag(sync=True)  # of the classes, on the buttons
    picture = traitlets.List(traitlets.Int()).tag(sync=True)  # height, width and gap, in pixels
    chosen = traitlets.Int().tag(sync=True)  # number of the class, from 0

    def __init__(self, pictures: Tensor, names: Sequence[str], alt: str):
        self.alt, self.columns = alt, pictures.shape[1]
        self.pixels = grid(pictures.flatten(0, 1), self.columns)
        sheet = base64.b64encode(png(self.pixels)).decode()
        super().__init__(sheet="data:image/png;base64," + sheet,
                         names=list(names), picture=[*pictures.shape[-2:], GAP])

    def static_text(self) -> str:
        """Return the fixed text that nbval compares."""
        return f"{len(self.names)} classes x {self.columns} z (run this cell to choose one)"

    def static_picture(self) -> Picture:
        """Return all pictures, a row for each class, twice as large."""
        return Picture(png(self.pixels.repeat(2, 0).repeat(2, 1)), self.alt)


def png(pixels: np.ndarray) -> bytes:
    """Return pixels, uint8 (H, W, 3), as a PNG file."""
    drawn = io.BytesIO()
    PIL.Image.fromarray(pixels).save(drawn, "PNG", optimize=True)
    return drawn.getvalue()


def selector(pictures: Tensor, names: Sequence[str], *, alt: str) -> Selector:
    """Show pictures by class, with a button for each class.

    Args:
        pictures: uint8 (K, n, C, H, W): n pictures of each of K classes, of the same n z in every
            class, so that a column differs in the class alone.
        names: Of the K classes, short.
        alt: What is on them, for those who do not see it.
    """
    check_alt(alt)
    if pictures.dtype != torch.uint8 or pictures.ndim != 5 or len(pictures) != len(names):
        raise ValueError(both(
            f"要显示的是 uint8 图片 (K, n, C, H, W) 和 K 个名字，收到 {pictures.dtype} "
            f"{tuple(pictures.shape)} 和 {len(names)} 个名字。",
            f"To be shown are pictures, uint8 (K, n, C, H, W), and K names; got {pictures.dtype} "
            f"{tuple(pictures.shape)} and {len(names)} names."))
    return Selector(pictures, names, alt)
