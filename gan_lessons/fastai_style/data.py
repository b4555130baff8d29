"""fastai's data block for a GAN: x is noise, y is a picture.

    (GANItemList.from_folder(path, noise_sz=100).no_split().label_from_func(noop)
        .transform(tfms=[[crop_pad(row_pct=(0, 1), col_pct=(0, 1))], []], size=64, tfm_y=True)
        .databunch(bs=128).normalize(do_x=False, do_y=True))

Each step returns the next thing: a list of pictures, pairs of noise and picture, batches. Pictures
are decoded once, into the course's cache. All are for training: see lesson 05 why.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import DataLoader
from torchvision.transforms.functional import resize

from gan_lessons import runtime, show
from gan_lessons.data import ImageSet, toy_rooms
from gan_lessons.data.cache import Windows
from gan_lessons.data.photographs import LSUN, LSUN_SAMPLE_URL, below
from gan_lessons.data.sources import Source, open_source
from gan_lessons.util import both, tell, whole_number

HALF = (0.5, 0.5, 0.5)  # as mean and std they map [0, 1] to [-1, 1], the range of tanh


# ---- a folder of pictures ----

class URLs:
    """What `untar_data` knows by name, as in fastai: the address without `.tgz`."""

    LSUN_BEDROOMS = LSUN_SAMPLE_URL.removesuffix(".tgz")


def untar_data(url: str, *, toys: int = 2048, toy_size: int = 64) -> Path | ImageSet:
    """Return where the pictures of `url`, URLs.LSUN_BEDROOMS, are; nothing is downloaded.

    LSUN's bedrooms, in any layout that `data.lsun_bedrooms` reads, are looked for below
    GAN_LESSONS_DATA and below the course's cache. Where there are none, a message says so and
    `data.toy_rooms(toys, toy_size)` stand in; `GANItemList.from_folder` takes these, too.
    """
    if url != URLs.LSUN_BEDROOMS:
        raise ValueError(both(
            f"这里只有 URLs.LSUN_BEDROOMS，没有 {url!r}。别的图片请直接把文件夹交给 "
            "GANItemList.from_folder(文件夹)。",
            f"There is only URLs.LSUN_BEDROOMS here, not {url!r}. For other pictures give "
            "their folder to GANItemList.from_folder(folder)."))
    if (source := below(None, LSUN.layouts)) is not None:
        return source.path
    tell(both(
        f"这台电脑上没有 LSUN 卧室照片，改用 {toys:,} 张由代码画的玩具卧室。"
        "要用真的照片（4.6 GB），先运行 python -m gan_lessons data get lsun-bedroom-sample。",
        f"The LSUN bedrooms are not on this machine; {toys:,} toy rooms drawn by code stand in. "
        "For the photographs (4.6 GB), first run python -m gan_lessons data get "
        "lsun-bedroom-sample."))
    return toy_rooms(toys, toy_size)


# ---- lists of pictures and of noise ----

class NoisyItem:
    """One input of a generator: `data` is noise, (noise_sz, 1, 1), drawn when the item is made.

    obj: noise_sz, the length of the noise. As text it is empty: noise has no caption.
    """

    def __init__(self, noise_sz: int):
        self.obj = whole_number("noise_sz", noise_sz, 1)
        self.data = torch.randn(self.obj, 1, 1)

    def __str__(self) -> str:
        return ""

    def apply_tfms(self, tfms, **kwargs) -> "NoisyItem":
        """Return the item as it is: noise has no rows and columns to cut. Only y is cut."""
        return self


class ImageList:
    """Pictures in the order of their names; once `databunch` has read them, [i] is one."""

    def __init__(self, source: Source | ImageSet):
        self.source = source
        self.windows: Windows | None = None  # the pictures, when they have been read
        self.crop = CropPad()

    @property
    def items(self) -> list[Path]:
        """The path of each picture; inside an archive, below the path of the archive."""
        if isinstance(self.source, ImageSet):
            return [Path(f"{i:06d}") for i in range(len(self.source))]
        return [self.source.path / name for name in (self.windows or self.source).names]

    def __len__(self) -> int:
        return len(self.windows or self.source)

    def __getitem__(self, i: int):
        return self.get(range(len(self))[i])

    def get(self, i: int) -> Tensor:
        """Return picture i, cut anew each time: float32 (3, size, size), 0 to 1."""
        return self.cut(torch.tensor([i]))[0].float() / 255

    def read(self, size: int, crop: "CropPad", device) -> None:
        """Read the pictures, their short side `size` pixels long; broken ones leave the list."""
        self.crop = crop
        if isinstance(self.source, Source):
            self.windows = Windows.of(self.source, size).to(device)
            return
        images = resize(self.source.images, size, antialias=True)
        n, channels, height, width = images.shape
        self.windows = Windows(
            images.permute(0, 2, 3, 1).reshape(-1, channels), height * width * torch.arange(n),
            torch.full((n,), height), torch.full((n,), width), size, names=[""] * n).to(device)

    def cut(self, chosen: Tensor) -> Tensor:
        """Return windows of the pictures at `chosen`, (n,), as uint8 (n, 3, size, size)."""
        return self.windows.cut(chosen, *self.crop.places(len(chosen)))


class GANItemList(ImageList):
    """A list of pictures whose x is noise of length `noise_sz` and whose y is the picture."""

    def __init__(self, source: Source | ImageSet, noise_sz: int = 100):
        super().__init__(source)
        self.noise_sz = whole_number("noise_sz", noise_sz, 1)

    @classmethod
    def from_folder(cls, path: str | Path | ImageSet, noise_sz: int = 100) -> "GANItemList":
        """Return the pictures in a folder and in the folders inside it, hidden ones left out.

        They come in the order of their names, the same on every machine.

        Args:
            path: a folder, an archive or an LSUN database, see `gan_lessons.data.sources`; or
                pictures that are in memory, such as `data.toy_faces(2048)`
            noise_sz: length of the noise
        """
        return cls(path if isinstance(path, ImageSet) else open_source(path), noise_sz)

    def get(self, i: int) -> NoisyItem:
        """Return x number i: fresh noise each time. The picture is `label_from_func`'s y."""
        return NoisyItem(self.noise_sz)

    def reconstruct(self, t: Tensor) -> NoisyItem:
        """Return the noise `t`, (noise_sz, 1, 1), as an item."""
        item = NoisyItem(len(t))
        item.data = t
        return item

    def show_xys(self, xs, ys: Tensor, figsize=None) -> None:
        """Draw the ys, float (n, 3, H, W), 0 to 1: real pictures in a square grid.

        Noise has nothing to show. figsize=(width, height), in inches, limits the whole figure.
        """
        _draw(ys, figsize, "real pictures")

    def show_xyzs(self, xs, ys, zs: Tensor, figsize=None) -> None:
        """Draw the zs, what the generator made of the noise xs, as `show_xys` draws the ys."""
        _draw(zs, figsize, "pictures made by the generator")

    def split_none(self) -> "ItemLists":
        """Return pairs with all pictures in the training set: there is no validation set."""
        return ItemLists(self)

    no_split = split_none  # fastai's older name


def _draw(pictures: Tensor, figsize, what: str) -> None:
    """Draw pictures, float (n, 3, H, W), 0 to 1, on the smallest square, 100 pixels an inch."""
    side = math.ceil(math.sqrt(len(pictures)))
    scale = None
    if figsize is not None:
        scale = max(1, int(100 * min(figsize) / (side * pictures.shape[3])))
    show.gallery(_to_bytes(pictures), columns=side, scale=scale,
                 alt=f"{len(pictures)} {what}, {side} in a row")


def _to_bytes(pictures: Tensor) -> Tensor:
    return pictures.detach().float().clamp(0, 1).mul(255).round().to(torch.uint8)


def noop(x):
    """Return x. In `label_from_func(noop)`: the label of a picture is the picture itself."""
    return x


# ---- squares, cut out of pictures ----

@dataclass(frozen=True)
class CropPad:
    """Where to cut a square of `size` out of a picture whose short side is `size`."""

    size: int | None = None
    row_pct: float | tuple[float, float] = 0.5
    col_pct: float | tuple[float, float] = 0.5

    def places(self, n: int) -> list[Tensor]:
        """Return the rows and the columns of n windows, (n,) each, 0 to 1."""
        ends = [torch.tensor(pct).expand(2) for pct in (self.row_pct, self.col_pct)]
        return [(low + (high - low) * torch.rand(n)).clamp(0, 1) for low, high in ends]


def crop_pad(size: int | None = None, row_pct: float | tuple[float, float] = 0.5,
             col_pct: float | tuple[float, float] = 0.5) -> CropPad:
    """Return the transform that cuts a square out of a picture, by default its centre.

    The picture is first resized so that its short side is `size`; a square picture is then the
    window itself.

    Args:
        size: that of `transform(size=...)` unless given; the two must agree
        row_pct: 0 is the top, 1 the bottom; a pair such as (0, 1) means a place drawn at random
            between the two, anew each time a picture is looked at
        col_pct: the same from left to right
    """
    return CropPad(size, row_pct, col_pct)


class Pairs:
    """Noise `x` and pictures `y` side by side; [i] is one pair, with fresh noise each time."""

    def __init__(self, x: GANItemList):
        self.x = x
        self.y = ImageList(x.source)

    def __len__(self) -> int:
        return len(self.y)

    def __getitem__(self, i: int) -> tuple[NoisyItem, Tensor]:
        return self.x[i], self.y[i]

    def __getitems__(self, chosen: list[int]) -> tuple[Tensor, Tensor]:
        """Return noise (n, noise_sz, 1, 1) and pictures, uint8 (n, 3, size, size): for torch."""
        return torch.randn(len(chosen), self.x.noise_sz, 1, 1), self.y.cut(torch.tensor(chosen))


class ItemLists:
    """Pairs on their way to batches; next come `label_from_func`, `transform`, `databunch`."""

    def __init__(self, train: GANItemList):
        self.train = Pairs(train)
        self.size: int | None = None
        self.crop = CropPad()

    def label_from_func(self, func: Callable = noop) -> "ItemLists":
        """Let y be func(path); in a GAN that is the picture itself, so `func` is `noop`."""
        path = self.train.y.items[0]
        if func(path) != path:
            raise ValueError(both(
                f"GAN 的目标就是图片本身，请写 label_from_func(noop)；{func!r} 返回的是 "
                f"{func(path)!r}。",
                "The target of a GAN is the picture itself: write label_from_func(noop). "
                f"{func!r} returned {func(path)!r}."))
        return self

    def transform(self, tfms=([], []), size: int | None = None,
                  tfm_y: bool = False) -> "ItemLists":
        """Say how pictures become squares of `size`.

        Args:
            tfms: [[crop_pad(...)], []], for training and for validation, of which there is none;
                without a crop_pad the centre is cut out
            size: the side of a square
            tfm_y: must be True: the pictures are the ys
        """
        train, _ = tfms
        self.crop = train[0] if train else CropPad()
        sizes = {found for found in (size, self.crop.size) if found}
        if len(sizes) != 1:
            raise ValueError(both(
                f"size 要有一个，且只有一个：transform 和 crop_pad 里写的是 {sorted(sizes)}。",
                "There must be one size and one only; transform and crop_pad say "
                f"{sorted(sizes)}."))
        if not tfm_y:
            raise ValueError(both(
                "要裁的是目标 y（图片），x 是噪声：请写 transform(..., tfm_y=True)。",
                "It is the target y, the picture, that is cut; x is noise: write "
                "transform(..., tfm_y=True)."))
        self.size = whole_number("size", sizes.pop(), 1)
        return self

    def databunch(self, bs: int = 64, device=None) -> "DataBunch":
        """Return batches of noise and pictures.

        Args:
            bs: batch size; the last, smaller batch is left out for training
            device: the best one here unless given
        """
        if self.size is None:
            raise ValueError(both(
                "还不知道图片要多大。请先写 .transform(size=64, tfm_y=True)。",
                "The size of the pictures is not known yet. First write "
                ".transform(size=64, tfm_y=True)."))
        bs = whole_number("bs", bs, 1)
        device = runtime.device() if device is None else torch.device(device)
        self.train.y.read(self.size, self.crop, device)
        return DataBunch(self.train, bs, device)


# ---- batches ----

class DataBunch:
    """The batches of a training set, and what belongs to them.

    A batch is noise, standard normal and never the same twice, float32 (n, noise_sz, 1, 1), and
    pictures, float32 (n, 3, size, size), 0 to 1 or normalised. They are shuffled, and a last,
    smaller batch is left out. All random numbers come from torch's own generator:
    `torch.manual_seed` before a fit makes the fit repeatable.

    Attributes:
        train_ds: pairs of noise and picture
        train_dl: their batches
        device: where the batches are
    """

    valid_dl = None

    def __init__(self, train: Pairs, bs: int, device: torch.device):
        if len(train) < bs:
            raise ValueError(both(
                f"训练集有 {len(train)} 张图片，凑不满一批（bs={bs}）。请减小 bs，或增加图片。",
                f"The training set has {len(train)} pictures, fewer than one batch (bs={bs}). "
                "Take a smaller bs, or add pictures."))
        self.train_ds, self.device = train, device
        self.stats: tuple[Tensor, Tensor] | None = None  # mean and std, set by `normalize`
        self.train_dl = DataLoader(train, bs, shuffle=True, drop_last=True,
                                   collate_fn=self._batch)

    def _batch(self, pairs: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        noise, pictures = pairs
        pictures = pictures.to(self.device, torch.float32,
                               memory_format=torch.contiguous_format) / 255
        if self.stats is not None:
            mean, std = self.stats
            pictures = (pictures - mean) / std
        return noise.to(self.device), pictures

    def __repr__(self) -> str:
        x, y = self.train_ds[0]
        return (f"DataBunch: {len(self.train_ds)} pictures, batches of {self.train_dl.batch_size}: "
                f"x {tuple(x.data.shape)}, y {tuple(y.shape)}")

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
        """
        if do_x:
            raise ValueError(both(
                "x 是噪声，本来就是均值 0、标准差 1，不用归一化：请写 "
                "normalize(..., do_x=False, do_y=True)。",
                "x is noise, of mean 0 and standard deviation 1 as it is: write "
                "normalize(..., do_x=False, do_y=True)."))
        if do_y:
            mean, std = (HALF, HALF) if stats is None else stats
            self.stats = tuple(torch.as_tensor(each).view(3, 1, 1).to(self.device)
                               for each in (mean, std))
        return self

    def denorm(self, y: Tensor) -> Tensor:
        """Undo `normalize`: return pictures in [0, 1]; what lies outside is cut off."""
        if self.stats is not None:
            mean, std = (each.to(y.device) for each in self.stats)
            y = y * std + mean
        return y.clamp(0, 1)

    def to_images(self, y: Tensor) -> Tensor:
        """Return normalised pictures as bytes, uint8 (n, 3, H, W)."""
        return _to_bytes(self.denorm(y.float()))

    def show_batch(self, rows: int = 5, figsize=None) -> None:
        """Draw rows * rows pictures of a training batch, or as many as it has."""
        xs, ys = (each[:rows**2] for each in self.one_batch())
        self.train_ds.x.show_xys(xs, self.denorm(ys), figsize)

    def show_xyzs(self, xs: Tensor, ys: Tensor, zs: Tensor, figsize=None) -> None:
        """Draw normalised pictures zs that a generator made of the noise xs."""
        self.train_ds.x.show_xyzs(xs, self.denorm(ys), self.denorm(zs), figsize)
