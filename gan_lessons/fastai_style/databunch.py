"""Batches for a GAN: pairs of noise and picture, shuffled, cut and normalised a batch at a time."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from gan_lessons.data.windows import Windows
from gan_lessons.util import both, whole_number

HALF = (0.5, 0.5, 0.5)  # as mean and std they map [0, 1] to [-1, 1], the range of tanh


@dataclass(frozen=True)
class CropPad:
    """Where to cut a square of `size` out of a picture whose short side is `size`.

    A place is drawn at random between the two ends of a range, anew each time a picture is looked
    at: 0 is the top (the left), 1 the bottom (the right).
    """

    size: int | None
    rows: tuple[float, float] = (0.5, 0.5)
    columns: tuple[float, float] = (0.5, 0.5)

    def places(self, n: int, generator: torch.Generator) -> list[Tensor]:
        """Return the rows and the columns of n windows, (n,) each, 0 to 1."""
        return [low + (high - low) * torch.rand(n, generator=generator)
                for low, high in (self.rows, self.columns)]


def crop_pad(size: int | None = None, padding_mode: str = "reflection",
             row_pct: float | tuple[float, float] = 0.5,
             col_pct: float | tuple[float, float] = 0.5) -> CropPad:
    """Return the transform that cuts a square out of a picture, by default its centre.

    The picture is first resized so that its short side is `size`; a square picture is then the
    window itself.

    Args:
        size: that of `transform(size=...)` unless given; the two must agree
        padding_mode: accepted for fastai's sake; a window lies inside the picture, so nothing is
            padded
        row_pct: 0 is the top, 1 the bottom; a pair such as (0, 1) means a place drawn at random
            between the two, anew each time a picture is looked at
        col_pct: the same from left to right

    Raises:
        ValueError: a place outside [0, 1] or a size below 1.
    """
    if size is not None:
        size = whole_number("size", size, 1)
    return CropPad(size, _range("row_pct", row_pct), _range("col_pct", col_pct))


def _range(name: str, place) -> tuple[float, float]:
    try:
        low, high = place if isinstance(place, (tuple, list)) else (place, place)
        if 0 <= low <= high <= 1:
            return float(low), float(high)
    except (TypeError, ValueError):
        pass
    raise ValueError(both(
        f"{name} 必须是 0 到 1 之间的数，或一对从小到大的这样的数，例如 (0, 1)；收到 {place!r}。",
        f"{name} must be a number from 0 to 1, or a rising pair of them such as (0, 1); got "
        f"{place!r}."))


class Pairs:
    """Noise `x` and pictures `y` side by side; [i] is one pair, with fresh noise each time.

    Before `use` the picture is whole; afterwards it is a square window, cut anew each time.
    """

    def __init__(self, x, y):
        self.x = x  # a GANItemList
        self.y = y  # an ImageList with the same names
        self.windows: Windows | None = None
        self.crop = CropPad(None)
        self.positions = torch.empty(0, dtype=torch.int64)  # of the pictures in `windows`

    def __len__(self) -> int:
        return len(self.y)

    def __getitem__(self, i: int):
        if self.windows is None:
            return self.x.get(i), self.y.get(i)
        chosen = torch.tensor([range(len(self))[i]])
        return self.x.get(i), self.cut(chosen, torch.default_generator)[0].float() / 255

    def use(self, windows: Windows, crop: CropPad) -> None:
        """Cut the pictures out of `windows` as `crop` says; those it lacks leave the list."""
        position = {name: i for i, name in enumerate(windows.names)}
        readable = [name for name in self.y.names if name in position]
        self.x.names = self.y.names = readable
        self.windows = windows
        self.crop = crop
        self.positions = torch.tensor([position[name] for name in readable])

    def cut(self, chosen: Tensor, generator: torch.Generator) -> Tensor:
        """Return windows of the pictures at `chosen`, (n,), as uint8 (n, 3, size, size)."""
        return self.windows.cut(self.positions[chosen],
                                *self.crop.places(len(chosen), generator))


class Loader:
    """Goes through pairs once each time it is iterated: batches (noise, pictures) on `device`.

    The noise, float32 (n, noise_sz, 1, 1), is standard normal and never the same twice; the
    pictures are float32 (n, 3, size, size), 0 to 1 or normalised. For training they are shuffled,
    and a last, smaller batch is left out.

    A pass draws one number from torch's own generator, and all else from that number, as torch's
    DataLoader does: `torch.manual_seed` before a fit makes the fit repeatable, and a Learner that
    is saved and loaded, which keeps that generator's state, goes on with the same batches.
    """

    def __init__(self, pairs: Pairs, bs: int, train: bool, device: torch.device):
        self.dataset = pairs
        self.bs = bs
        self.train = train
        self.device = device
        self.stats: tuple[Tensor, Tensor] | None = None  # mean and std, set by `normalize`

    def __len__(self) -> int:
        n = len(self.dataset) / self.bs
        return math.floor(n) if self.train else math.ceil(n)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        generator = torch.Generator().manual_seed(int(torch.randint(2**62, ())))
        n = len(self.dataset)
        order = torch.randperm(n, generator=generator) if self.train else torch.arange(n)
        for chosen in order.split(self.bs)[:len(self)]:
            yield self.batch(chosen, generator)

    def batch(self, chosen: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return noise and the pictures at `chosen`, (n,)."""
        noise = torch.randn(len(chosen), self.dataset.x.noise_sz, 1, 1, generator=generator)
        pictures = self.dataset.cut(chosen, generator).to(self.device)
        pictures = pictures.to(torch.float32, memory_format=torch.contiguous_format) / 255
        if self.stats is not None:
            mean, std = self.stats
            pictures = (pictures - mean) / std
        return noise.to(self.device), pictures


class DataBunch:
    """The batches of a training set and, maybe, a validation set, and what belongs to them.

    Attributes:
        train_ds, valid_ds: pairs of noise and picture; valid_ds is None if none are held out
        train_dl, valid_dl: their batches
        path: where a Learner puts its files, or None
        device: where the batches are
    """

    def __init__(self, train: Pairs, valid: Pairs | None, bs: int, val_bs: int,
                 device: torch.device, path: str | Path | None = None):
        if len(train) < bs:
            raise ValueError(both(
                f"训练集有 {len(train)} 张图片，凑不满一批（bs={bs}）。请减小 bs，或增加图片。",
                f"The training set has {len(train)} pictures, fewer than one batch (bs={bs}). "
                "Take a smaller bs, or add pictures."))
        self.train_ds, self.valid_ds, self.device = train, valid, device
        self.path = None if path is None else Path(path)
        self.batch_size = bs
        self.train_dl = Loader(train, bs, True, device)
        self.valid_dl = None if valid is None else Loader(valid, val_bs, False, device)

    def __repr__(self) -> str:
        held_out = 0 if self.valid_ds is None else len(self.valid_ds)
        x, y = self.train_dl.batch(torch.tensor([0]), torch.Generator())
        return (f"DataBunch: {len(self.train_ds)} pictures to train on, {held_out} held out; "
                f"batches of {self.batch_size}: x {tuple(x.shape[1:])}, y {tuple(y.shape[1:])}")

    @property
    def empty_val(self) -> bool:
        """Whether there is no validation set."""
        return self.valid_dl is None

    def one_batch(self) -> tuple[Tensor, Tensor]:
        """Return a batch of the training set."""
        return next(iter(self.train_dl))

    def normalize(self, stats: Sequence | None = None, do_x: bool = True,
                  do_y: bool = False) -> "DataBunch":
        """Let y become (y - mean) / std, channel by channel, and return the data.

        Args:
            stats: [mean, std], three numbers each; 0.5 for all unless given, which maps [0, 1] to
                [-1, 1]
            do_x: must be False: noise is normal already
            do_y: whether to normalise the pictures

        Raises:
            ValueError: for do_x, for a second call, or for stats that will not do.
        """
        if do_x:
            raise ValueError(both(
                "x 是噪声，本来就是均值 0、标准差 1，不用归一化：请写 "
                "normalize(..., do_x=False, do_y=True)。",
                "x is noise, of mean 0 and standard deviation 1 as it is: write "
                "normalize(..., do_x=False, do_y=True)."))
        if self.train_dl.stats is not None:
            raise ValueError(both("这份数据已经归一化过了；再来一次，图片就会错。",
                                  "These data are normalised already; twice would spoil the "
                                  "pictures."))
        if do_y:
            mean, std = _checked((HALF, HALF) if stats is None else stats)
            for loader in (self.train_dl, self.valid_dl):
                if loader is not None:
                    loader.stats = mean.to(self.device), std.to(self.device)
        return self

    def denorm(self, y: Tensor) -> Tensor:
        """Undo `normalize`: return pictures in [0, 1]; what lies outside is cut off."""
        if self.train_dl.stats is not None:
            mean, std = (each.to(y.device) for each in self.train_dl.stats)
            y = y * std + mean
        return y.clamp(0, 1)

    def to_images(self, y: Tensor) -> Tensor:
        """Return normalised pictures as bytes, uint8 (n, 3, H, W)."""
        return self.denorm(y.detach().float()).mul(255).round().to(torch.uint8)

    def show_batch(self, rows: int = 5, figsize=None, imgsize: float = 4) -> None:
        """Draw rows * rows pictures of a training batch, or as many as it has."""
        xs, ys = self.one_batch()
        self.train_ds.x.show_xys(xs[:rows**2], self.to_images(ys[:rows**2]), imgsize, figsize)

    def show_xyzs(self, xs: Tensor, ys: Tensor, zs: Tensor, imgsize: float = 4,
                  figsize=None) -> None:
        """Draw normalised pictures zs that a generator made of the noise xs."""
        self.train_ds.x.show_xyzs(xs, self.to_images(ys), self.to_images(zs), imgsize, figsize)


def _checked(stats) -> tuple[Tensor, Tensor]:
    """Return mean and std as (3, 1, 1)."""
    try:
        mean, std = (torch.as_tensor(each, dtype=torch.float32).flatten() for each in stats)
    except (TypeError, ValueError):
        mean = std = torch.empty(0)
    if mean.shape != (3,) or std.shape != (3,) or not (std > 0).all():
        raise ValueError(both(
            f"stats 必须是 [均值, 标准差]，各有 3 个数，标准差大于 0；收到 {stats}。",
            "stats must be [mean, std] with three numbers each, every std above 0; got "
            f"{stats}."))
    return mean.view(3, 1, 1), std.view(3, 1, 1)
