"""Batches for a GAN: pairs of noise and picture, shuffled, cut and normalised a batch at a time."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor

from gan_lessons.data.windows import Windows
from gan_lessons.fastai_style.transforms import CropPad
from gan_lessons.util import both

HALF = (0.5, 0.5, 0.5)  # as mean and std they map [0, 1] to [-1, 1], the range of tanh


class Pairs:
    """Noise `x` and pictures `y` side by side; [i] is one pair, with fresh noise each time.

    Before `use` the picture is whole; afterwards it is a square window, cut anew each time.
    """

    def __init__(self, x, y):
        self.x, self.y, self.windows = x, y, None

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
        self.windows, self.crop = windows, crop
        self.positions = torch.tensor([position[name] for name in readable])

    def cut(self, chosen: Tensor, generator: torch.Generator) -> Tensor:
        """Return windows of the pictures at `chosen`, (n,), as uint8 (n, 3, size, size)."""
        return self.windows.cut(self.positions[chosen],
                                *self.crop.places(len(chosen), generator))


class Loader:
    """Goes through pairs once each time it is iterated: batches (noise, pictures) on `device`.

    noise: float32 (n, noise_sz, 1, 1), standard normal, never the same twice;  pictures: float32
    (n, 3, size, size), 0 to 1 or normalised;  train: shuffle, and leave out a last, smaller batch.

    A pass draws one number from torch's own generator, and all else from that number, as torch's
    DataLoader does: `torch.manual_seed` before a fit makes the fit repeatable, and a Learner that
    is saved and loaded, which keeps that generator's state, goes on with the same batches.
    """

    def __init__(self, pairs: Pairs, bs: int, train: bool, device: torch.device):
        self.dataset, self.bs, self.train, self.device = pairs, bs, train, device
        self.stats: tuple[Tensor, Tensor] | None = None

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

    train_ds, valid_ds: pairs;  train_dl, valid_dl: batches; the valid ones are None if there are
    none;  path: where a Learner puts its files, or None;  device: where the batches are.
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
        x, y = (tuple(each.shape[1:]) for each in self._first())
        return (f"DataBunch: {len(self.train_ds)} pictures to train on, {held_out} held out; "
                f"batches of {self.batch_size}: x {x}, y {y}")

    def _first(self) -> tuple[Tensor, Tensor]:
        return self.train_dl.batch(torch.zeros(1, dtype=torch.int64), torch.Generator())

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

        stats: [mean, std], three numbers each; 0.5 for all unless given, which maps [0, 1] to
        [-1, 1]. Noise is normal already: write do_x=False, do_y=True.

        Raises ValueError for do_x, for a second call, or for stats that will not do.
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
            found = _checked(stats if stats is not None else (HALF, HALF))
            for loader in filter(None, (self.train_dl, self.valid_dl)):
                loader.stats = tuple(each.to(self.device) for each in found)
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
