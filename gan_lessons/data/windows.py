"""Whole pictures, from which a square is cut afresh each time: random crops, a batch at a time."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from gan_lessons.data.cache import cached
from gan_lessons.data.folders import report
from gan_lessons.data.imageset import SHARE, free_bytes
from gan_lessons.data.sources import Source


@dataclass(frozen=True, eq=False)
class Windows:
    """Pictures of different shapes whose short side is `size`, as one long row of pixels.

    pixels: uint8 (P, 3), each picture row by row;  start: int64 (N,), where each begins;
    height, width: int64 (N,);  names: what each is called in its source.
    """

    pixels: Tensor
    start: Tensor
    height: Tensor
    width: Tensor
    size: int
    names: list[str]

    @classmethod
    def of(cls, source: Source, size: int, **options) -> "Windows":
        """Return the pictures of `source`, decoded once into the cache and mapped into memory.

        options: `max_bytes`, `workers` and `progress` of `cache.cached`. Pictures that cannot
        be read are skipped and reported.
        """
        images, shapes, names, unreadable = cached(source, size, crop="whole", **options)
        report(source, unreadable)
        height, width = torch.from_numpy(shapes).unbind(1)
        start = (height * width).cumsum(0) - height * width
        return cls(torch.from_numpy(images).view(-1, 3), start, height, width, size, names)

    def __len__(self) -> int:
        return len(self.names)

    def to(self, device) -> "Windows":
        """Return the set on `device`, if its pixels take at most half of the memory free there."""
        device = torch.device(device)
        if self.pixels.nbytes > SHARE * free_bytes(device):
            return self
        moved = {name: getattr(self, name).to(device)
                 for name in ("pixels", "start", "height", "width")}
        return replace(self, **moved)

    def cut(self, chosen: Tensor, row: Tensor, column: Tensor) -> Tensor:
        """Return a square window of each chosen picture, uint8 (n, 3, size, size).

        chosen: int64 (n,), positions;  row, column: (n,), 0 to 1: where the window lies between
        the top and the bottom, the left and the right.
        """
        device = self.pixels.device
        chosen, row, column = (each.to(device) for each in (chosen, row, column))
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
