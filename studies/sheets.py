"""Sheets of pictures for images/: grids of `show.grid`, every pixel enlarged to 2 x 2."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont


def enlarged(grid: np.ndarray) -> Image.Image:
    """Return a grid, uint8 (H, W, 3), at twice its size."""
    height, width, _ = grid.shape
    return Image.fromarray(grid).resize((2 * width, 2 * height), Image.Resampling.NEAREST)


def titled_rows(rows: dict[str, np.ndarray], mode: str, font: int, head: int) -> Image.Image:
    """Return grids of one size below each other, each below its title, `head` pixels high."""
    height, width, _ = next(iter(rows.values())).shape
    part = head + 2 * height + 4
    picture = Image.new(mode, (2 * width, len(rows) * part), "white")
    for i, (title, row) in enumerate(rows.items()):
        top = i * part
        ImageDraw.Draw(picture).text((2, top + 4), title, "black", ImageFont.load_default(font))
        picture.paste(enlarged(row).convert(mode), (0, top + head))
    return picture


def two_parts(upper: np.ndarray, lower: np.ndarray, gap: int = 10) -> Image.Image:
    """Return two grids of one width, the lower one `gap` pixels below the upper one."""
    space = np.full((gap, upper.shape[1], 3), 255, dtype=np.uint8)
    return enlarged(np.concatenate([upper, space, lower]))
