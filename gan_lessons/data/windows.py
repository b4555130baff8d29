"""Whole pictures, from which a square is cut afresh each time: random crops, a batch at a time."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from gan_lessons.data.cache import cached
from gan_lessons.data.decode import WHOLE
from gan_lessons.data.imageset import fits_on
from gan_lessons.data.photographs import print_skipped
from gan_lessons.data.sources import Source


@dataclass(frozen=True, eq=False)
class Windows:
    """Pictures of different shapes whose short side is `size`, as one long row of pixels."""

    pixels: Tensor  # uint8 (P, 3), each picture row by row
    start: Tensor  # int64 (N,), where each picture begins
    height: Tensor  # int64 (N,)
    width: Tensor  # int64 (N,)
    size: int
    names: list[str]  # what each is called in its source

    @classmethod
    def of(cls, source: Source, size: int, **options) -> "Windows":
        """Return the pictures of a source, decoded once into the cache and mapped into memory.

        Pictures that cannot be read are skipped and reported.

        Args:
            source: The pictures.
            size: Their short side in pixels.
            options: `max_bytes`, `workers` and `progress` of `cache.cached`.
        """
        pixels, names, unreadable, shapes = cached(source, size, crop=WHOLE, **options)
        print_skipped(source, unreadable)
        height, width = torch.from_numpy(shapes).unbind(1)
        start = (height * width).cumsum(0) - height * width
        return cls(torch.from_numpy(pixels), start, height, width, size, names)

    def __len__(self) -> int:
        return len(self.names)

    def to(self, device) -> "Windows":
        """Return the set on `device`, if its pixels take at most half of the memory free there."""
        device = torch.device(device)
        if not fits_on(device, self.pixels):
            return self
        return replace(self, pixels=self.pixels.to(device), start=self.start.to(device),
                       height=self.height.to(device), width=self.width.to(device))

    def cut(self, chosen: Tensor, row: Tensor, column: Tensor) -> Tensor:
        """Cut a square window out of each chosen picture.

        Args:
            chosen: Positions of pictures, int64 (n,).
            row: Where the window lies between top (0) and bottom (1), (n,).
            column: Where it lies between left (0) and right (1), (n,).

        Returns:
            uint8 (n, 3, size, size).
        """
        device = self.pixels.device
        chosen, row, column = chosen.to(device), row.to(device), column.to(device)
        width = self.width[chosen]
        top = _place(row, self.height[chosen] - self.size)
        left = _place(column, width - self.size)
        along = torch.arange(self.size, device=device)
        rows = self.start[chosen, None] + (top[:, None] + along) * width[:, None]  # (n, size)
        index = rows[:, :, None] + left[:, None, None] + along
        return self.pixels[index].permute(0, 3, 1, 2)


def _place(share: Tensor, room: Tensor) -> Tensor:
    """Return a whole number from 0 to `room`, each equally likely when `share` is uniform."""
    return torch.minimum((share * (room + 1)).long(), room)
