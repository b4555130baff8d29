"""fastai's data block for a GAN: x is noise, y is a picture.

    (GANItemList.from_folder(path, noise_sz=100).no_split().label_from_func(noop)
        .transform(tfms=[[crop_pad(row_pct=(0, 1), col_pct=(0, 1))], []], size=64, tfm_y=True)
        .databunch(bs=128).normalize(do_x=False, do_y=True))

Each step returns the next thing: a list of pictures, the list split in two, pairs of noise and
picture, batches (`databunch`). Pictures are decoded once, into the course's cache.
"""

import io
import math
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import PIL.Image
import torch
from torch import Tensor

from gan_lessons import runtime, show
from gan_lessons.data import toy_rooms
from gan_lessons.data.decode import WHOLE, decode
from gan_lessons.data.photographs import LSUN, LSUN_SAMPLE_URL, below
from gan_lessons.data.sources import Source, open_source
from gan_lessons.data.windows import Windows
from gan_lessons.fastai_style.databunch import CropPad, DataBunch, Pairs
from gan_lessons.util import both, whole_number

CENTRE = CropPad(None)
WIDEST = 7.2  # inches: larger figures only make notebooks large


class URLs:
    """What `untar_data` knows by name, as in fastai: the address without `.tgz`."""

    LSUN_BEDROOMS = LSUN_SAMPLE_URL.removesuffix(".tgz")


def untar_data(url: str, *, toys: int = 2048, toy_size: int = 64) -> Path:
    """Return where the pictures of `url` are; nothing is downloaded.

    LSUN's bedrooms, in any layout that `data.lsun_bedrooms` reads, are looked for below
    GAN_LESSONS_DATA and below the course's cache. Where there are none, `toys` toy rooms of
    toy_size x toy_size pixels are drawn, kept as PNG files in the cache, and a message says so.

    Raises:
        ValueError: for any url but URLs.LSUN_BEDROOMS.
    """
    if url != URLs.LSUN_BEDROOMS:
        raise ValueError(both(
            f"这里只有 URLs.LSUN_BEDROOMS，没有 {url!r}。别的图片请直接把文件夹交给 "
            "GANItemList.from_folder(文件夹)。",
            f"There is only URLs.LSUN_BEDROOMS here, not {url!r}. For other pictures give "
            "their folder to GANItemList.from_folder(folder)."))
    if (source := below(None, LSUN.layouts)) is not None:
        return source.path
    print(both(
        f"这台电脑上没有 LSUN 卧室照片，改用 {toys:,} 张由代码画的玩具卧室。"
        "要用真的照片（4.6 GB），先运行 python -m gan_lessons data get lsun-bedroom-sample。",
        f"The LSUN bedrooms are not on this machine; {toys:,} toy rooms drawn by code stand in. "
        "For the photographs (4.6 GB), first run python -m gan_lessons data get "
        "lsun-bedroom-sample."))
    return _toy_folder(toys, toy_size)


def _toy_folder(n: int, size: int) -> Path:
    """Return the folder of n toy rooms in the cache; it is there whole or not at all."""
    folder = runtime.cache_dir() / "toy-rooms" / f"{n}-of-{size}"
    if folder.is_dir():
        return folder
    rooms = toy_rooms(n, size).images.permute(0, 2, 3, 1).numpy()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".drawing-") as drawing:
        half = Path(drawing) / folder.name
        half.mkdir()
        for i, room in enumerate(rooms):
            PIL.Image.fromarray(room).save(half / f"{i:06d}.png", compress_level=1)
        try:
            half.rename(folder)
        except OSError:
            if not folder.is_dir():  # else another process was quicker
                raise
    return folder


def noop(x):
    """Return x. In `label_from_func(noop)`: the label of a picture is the picture itself."""
    return x


class NoisyItem:
    """One input of a generator: `data` is noise, (noise_sz, 1, 1), drawn when the item is made.

    obj: noise_sz, the length of the noise. As text it is empty: noise has no caption.
    """

    def __init__(self, noise_sz: int):
        self.obj = whole_number("noise_sz", noise_sz, 1)
        self.data = torch.randn(self.obj, 1, 1)

    def __str__(self) -> str:
        return ""

    def __repr__(self) -> str:
        return f"NoisyItem({self.obj})"

    def apply_tfms(self, tfms, **kwargs) -> "NoisyItem":
        """Return the item as it is: noise has no rows and columns to cut. Only y is cut."""
        return self


class ImageList:
    """Pictures of a `gan_lessons.data.sources.Source`, in the order of their names; [i] is one."""

    def __init__(self, source: Source, names: list[str] | None = None):
        if not isinstance(source, Source):
            raise ValueError(both(
                f"{type(self).__name__} 要的是图片来源，收到 {type(source).__name__}；"
                "请用 GANItemList.from_folder(文件夹)。",
                f"{type(self).__name__} takes a source of pictures, got {type(source).__name__}; "
                "use GANItemList.from_folder(folder)."))
        self.source = source
        self.names = source.names if names is None else names  # which of its pictures

    @property
    def items(self) -> list[Path]:
        """The path of each picture; inside an archive, below the path of the archive."""
        return [self.source.path / name for name in self.names]

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, i: int):
        return self.get(i)

    def get(self, i: int) -> Tensor:
        """Return picture i as it is in its file: float32 (3, H, W), 0 to 1."""
        raw = self.source.read(self.names[i])
        short = min(PIL.Image.open(io.BytesIO(raw)).size)
        return torch.from_numpy(decode(raw, short, WHOLE)).float() / 255


class GANItemList(ImageList):
    """A list of pictures whose x is noise of length `noise_sz` and whose y is the picture."""

    def __init__(self, source: Source, noise_sz: int = 100, names: list[str] | None = None):
        super().__init__(source, names)
        self.noise_sz = whole_number("noise_sz", noise_sz, 1)

    @classmethod
    def from_folder(cls, path: str | Path, noise_sz: int = 100) -> "GANItemList":
        """Return the pictures in a folder and in the folders inside it, hidden ones left out.

        They come in the order of their names, the same on every machine.

        Args:
            path: a folder, an archive or an LSUN database, see `gan_lessons.data.sources`
            noise_sz: length of the noise

        Raises:
            FileNotFoundError: there is no such path.
            BadSource: there are no pictures.
        """
        return cls(open_source(path), noise_sz)

    def get(self, i: int) -> NoisyItem:
        """Return x number i: fresh noise each time. The picture is `label_from_func`'s y."""
        self.names[i]  # raises IndexError where there is no picture
        return NoisyItem(self.noise_sz)

    def reconstruct(self, t: Tensor) -> NoisyItem:
        """Return the noise `t`, (noise_sz, 1, 1), as an item."""
        item = NoisyItem(len(t))
        item.data = t
        return item

    def show_xys(self, xs, ys, imgsize: float = 4, figsize=None) -> None:
        """Draw the ys, float (n, 3, H, W), 0 to 1, or uint8: real pictures in a square grid.

        Noise has nothing to show. Each picture is `imgsize` inches wide, unless figsize=(width,
        height) says how large the whole figure is.
        """
        _draw(ys, imgsize, figsize, "real pictures")

    def show_xyzs(self, xs, ys, zs, imgsize: float = 4, figsize=None) -> None:
        """Draw the zs, what the generator made of the noise xs, as `show_xys` draws the ys."""
        _draw(zs, imgsize, figsize, "pictures made by the generator")

    def split_none(self) -> "ItemLists":
        """Return the list with all pictures in the training set and no validation set."""
        return ItemLists(self, None)

    def no_split(self) -> "ItemLists":
        """Do what `split_none` does, under fastai's older name."""
        warnings.warn("no_split is now called split_none", PendingDeprecationWarning, stacklevel=2)
        return self.split_none()

    def split_by_rand_pct(self, valid_pct: float = 0.2, seed: int | None = None) -> "ItemLists":
        """Put a share of the pictures, chosen at random, into the validation set.

        Raises:
            ValueError: one of the two sets would have no picture.
        """
        n = len(self)
        held_out = round(valid_pct * n) if 0 <= valid_pct <= 1 else 0
        if not 1 <= held_out < n:
            raise ValueError(both(
                f"valid_pct={valid_pct} 在 {n} 张图片里分不出两份。请取 0 和 1 之间的数；"
                "不要验证集就用 split_none()。",
                f"valid_pct={valid_pct} does not split {n} pictures in two. Take a number between "
                "0 and 1, or split_none() for no validation set."))
        generator = None if seed is None else torch.Generator().manual_seed(seed)
        valid = set(torch.randperm(n, generator=generator)[:held_out].tolist())
        parts = ([i for i in range(n) if i not in valid], sorted(valid))
        return ItemLists(*(GANItemList(self.source, self.noise_sz, [self.names[i] for i in part])
                           for part in parts))


class ItemLists:
    """A list split into `train` and `valid`; `valid` is None where nothing was held out."""

    def __init__(self, train: GANItemList, valid: GANItemList | None):
        self.train, self.valid = train, valid

    def label_from_func(self, func: Callable = noop) -> "LabelLists":
        """Let y be func(path); in a GAN that is the picture itself, so `func` is `noop`.

        Raises:
            ValueError: `func` gives anything but the path it was given.
        """
        path = self.train.items[0]
        if func(path) != path:
            raise ValueError(both(
                f"GAN 的目标就是图片本身，请写 label_from_func(noop)；{func!r} 返回的是 "
                f"{func(path)!r}。",
                "The target of a GAN is the picture itself: write label_from_func(noop). "
                f"{func!r} returned {func(path)!r}."))
        return LabelLists(self.train, self.valid)


class LabelLists:
    """Training and validation pictures with their noise: next come `transform`, `databunch`."""

    def __init__(self, train: GANItemList, valid: GANItemList | None):
        self.train = Pairs(train, ImageList(train.source, train.names))
        self.valid = None
        if valid is not None:
            self.valid = Pairs(valid, ImageList(valid.source, valid.names))
        self.size: int | None = None
        self.crops = CENTRE, CENTRE  # for training and for validation

    def transform(self, tfms=None, size: int | None = None, tfm_y: bool = False) -> "LabelLists":
        """Say how pictures become squares of `size`.

        Args:
            tfms: [for training, for validation], two lists that hold one crop_pad or nothing;
                without one the centre is cut out
            size: the side of a square
            tfm_y: must be True: the pictures are the ys

        Raises:
            ValueError: other transforms, a size that differs from crop_pad's, or none.
        """
        train, valid = tfms or ([], [])
        self.crops = _only_crop(train), _only_crop(valid)
        sizes = {found for found in (size, *(crop.size for crop in self.crops)) if found}
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

    def databunch(self, path: str | Path | None = None, bs: int = 64, val_bs: int | None = None,
                  num_workers: int = 0, device=None) -> DataBunch:
        """Return batches of noise and pictures.

        Args:
            path: where a Learner puts its files, the current folder unless given
            bs: batch size for training; the last, smaller batch is left out
            val_bs: for validation, where all are kept; `bs` unless given
            num_workers: accepted for fastai's sake: batches are cut from memory in one operation,
                so there is nothing for workers to do
            device: the best one here unless given

        Raises:
            ValueError: there is no size, or there are too few pictures for a batch.
        """
        if self.size is None:
            raise ValueError(both(
                "还不知道图片要多大。请先写 .transform(size=64, tfm_y=True)。",
                "The size of the pictures is not known yet. First write "
                ".transform(size=64, tfm_y=True)."))
        bs = whole_number("bs", bs, 1)
        val_bs = bs if val_bs is None else whole_number("val_bs", val_bs, 1)
        device = runtime.device() if device is None else torch.device(device)
        windows = Windows.of(self.train.y.source, self.size).to(device)
        for pairs, crop in zip((self.train, self.valid), self.crops, strict=True):
            if pairs is not None:
                pairs.use(windows, crop)
        return DataBunch(self.train, self.valid, bs, val_bs, device, path)


def _draw(pictures: Tensor, imgsize: float, figsize, what: str) -> None:
    """Draw pictures, uint8 or float in [0, 1], (n, 3, H, W), on the smallest square."""
    if pictures.dtype != torch.uint8:
        pictures = pictures.detach().float().clamp(0, 1).mul(255).round().to(torch.uint8)
    n = len(pictures)
    side = math.ceil(math.sqrt(n))
    width = imgsize * side if figsize is None else figsize[0]
    show.gallery(pictures, columns=side, width=min(width, WIDEST),
                 alt=f"{n} {what}, {side} in a row")


def _only_crop(tfms) -> CropPad:
    found = list(tfms)
    if not found:
        return CENTRE
    if len(found) > 1 or not isinstance(found[0], CropPad):
        raise ValueError(both(
            f"这里每个列表只认一个 crop_pad(...)，收到 {found}。",
            f"Each list of transforms takes one crop_pad(...) here, got {found}."))
    return found[0]
