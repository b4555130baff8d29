"""The one transform that a GAN's pictures need: cut a square out of each."""

from dataclasses import dataclass

import torch
from torch import Tensor

from gan_lessons.util import both, whole_number

PADDING_MODES = ("reflection", "border", "zeros")


@dataclass(frozen=True)
class CropPad:
    """Where to cut a square of `size` out of a picture whose short side is `size`.

    row_pct, col_pct: 0 is the top (the left), 1 the bottom (the right); a pair such as (0, 1)
    means a place drawn at random between the two, anew each time a picture is looked at.
    """

    size: int | None
    row_pct: float | tuple[float, float]
    col_pct: float | tuple[float, float]

    def places(self, n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return row and column of n windows, (n,) each, 0 to 1."""
        return _drawn(self.row_pct, n, generator), _drawn(self.col_pct, n, generator)


def crop_pad(size: int | None = None, padding_mode: str = "reflection",
             row_pct: float | tuple[float, float] = 0.5,
             col_pct: float | tuple[float, float] = 0.5) -> CropPad:
    """Return the transform that cuts a square out of a picture, by default its centre.

    The picture is first resized so that its short side is `size`; a square picture is then the
    window itself. size: that of `transform(size=...)` unless given; the two must agree.
    padding_mode: accepted for fastai's sake; a window never reaches beyond the resized picture,
    so nothing is padded. row_pct, col_pct: see CropPad.

    Raises ValueError for a place outside [0, 1], an unknown padding mode or a size below 1.
    """
    if size is not None:
        size = whole_number("size", size, 1)
    if padding_mode not in PADDING_MODES:
        raise ValueError(both(
            f"padding_mode 必须是 {', '.join(PADDING_MODES)} 之一，收到 {padding_mode!r}。",
            f"padding_mode must be one of {', '.join(PADDING_MODES)}, got {padding_mode!r}."))
    return CropPad(size, _place("row_pct", row_pct), _place("col_pct", col_pct))


def _place(name: str, place):
    try:
        low, high = place if isinstance(place, (tuple, list)) else (place, place)
        if 0 <= low <= high <= 1:
            return (float(low), float(high)) if low < high else float(low)
    except (TypeError, ValueError):
        pass
    raise ValueError(both(
        f"{name} 必须是 0 到 1 之间的数，或一对从小到大的这样的数，例如 (0, 1)；收到 {place!r}。",
        f"{name} must be a number from 0 to 1, or a rising pair of them such as (0, 1); got "
        f"{place!r}."))


def _drawn(place, n: int, generator: torch.Generator) -> Tensor:
    if isinstance(place, tuple):
        low, high = place
        return low + (high - low) * torch.rand(n, generator=generator)
    return torch.full((n,), place)
