"""fastai's data block for a GAN: x is noise, y is a picture.

    (GANItemList.from_folder(path, noise_sz=100).no_split().label_from_func(noop)
        .transform(tfms=[[crop_pad(row_pct=(0, 1), col_pct=(0, 1))], []], size=64, tfm_y=True)
        .databunch(bs=128).normalize(do_x=False, do_y=True))

Each step returns the next thing: a list of pictures, the list split in two, pairs of noise and
picture, batches. Pictures are decoded once, into the course's cache.
"""

import io
import math
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import PIL.Image
import torch
from torch import Tensor

from gan_lessons import runtime, show
from gan_lessons.data import toy_rooms
from gan_lessons.data.cache import Windows
from gan_lessons.data.decode import decode
from gan_lessons.data.photographs import LSUN, LSUN_SAMPLE_URL, below
from gan_lessons.data.sources import Source, open_source
from gan_lessons.util import both, tell, whole_number

WIDEST = 720  # pixels: larger figures only make notebooks large
HALF = (0.5, 0.5, 0.5)  # as mean and std they map [0, 1] to [-1, 1], the range of tanh


# ---- a folder of pictures ----

class URLs:
    """What `untar_data` knows by name, as in fastai: the address without `.tgz`."""

    LSUN_BEDROOMS = LSUN_SAMPLE_URL.removesuffix(".tgz")


def untar_data(url: str, *, toys: int = 2048, toy_size: int = 64) -> Path:
    """Return where the pictures of `url`, URLs.LSUN_BEDROOMS, are; nothing is downloaded.

    LSUN's bedrooms, in any layout that `data.lsun_bedrooms` reads, are looked for below
    GAN_LESSONS_DATA and below the course's cache. Where there are none, `toys` toy rooms of
    toy_size x toy_size pixels are drawn, kept as PNG files in the cache, and a message says so.
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

    def __repr__(self) -> str:
        return f"NoisyItem({self.obj})"

    def apply_tfms(self, tfms, **kwargs) -> "NoisyItem":
        """Return the item as it is: noise has no rows and columns to cut. Only y is cut."""
        return self


class ImageList:
    """Pictures of a `gan_lessons.data.sources.Source`, in the order of their names; [i] is one."""

    def __init__(self, source: Source, names: list[str] | None = None):
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
        return torch.from_numpy(decode(raw, short, whole=True)).float() / 255


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

    def show_xys(self, xs, ys: Tensor, imgsize: float = 4, figsize=None) -> None:
        """Draw the ys, float (n, 3, H, W), 0 to 1: real pictures in a square grid.

        Noise has nothing to show. Each picture is `imgsize` inches wide, unless figsize=(width,
        height) says how large the whole figure is.
        """
        _draw(ys, imgsize, figsize, "real pictures")

    def show_xyzs(self, xs, ys, zs: Tensor, imgsize: float = 4, figsize=None) -> None:
        """Draw the zs, what the generator made of the noise xs, as `show_xys` draws the ys."""
        _draw(zs, imgsize, figsize, "pictures made by the generator")

    def split_none(self) -> "ItemLists":
        """Return the list with all pictures in the training set and no validation set."""
        return ItemLists(self, None)

    def no_split(self) -> "ItemLists":
        """Do what `split_none` does, under fastai's older name."""
        return self.split_none()

    def split_by_rand_pct(self, valid_pct: float = 0.2, seed: int | None = None) -> "ItemLists":
        """Put a share of the pictures, chosen at random, into the validation set."""
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


def _draw(pictures: Tensor, imgsize: float, figsize, what: str) -> None:
    """Draw pictures, float (n, 3, H, W), 0 to 1, on the smallest square."""
    n = len(pictures)
    side = math.ceil(math.sqrt(n))
    width = 100 * (imgsize * side if figsize is None else figsize[0])  # 100 pixels an inch
    pixels = side * pictures.shape[3]
    show.gallery(_to_bytes(pictures), columns=side, scale=max(1, int(min(width, WIDEST) / pixels)),
                 alt=f"{n} {what}, {side} in a row")


def _to_bytes(pictures: Tensor) -> Tensor:
    return pictures.detach().float().clamp(0, 1).mul(255).round().to(torch.uint8)


def noop(x):
    """Return x. In `label_from_func(noop)`: the label of a picture is the picture itself."""
    return x


# ---- squares, cut out of pictures ----

@dataclass(frozen=True)
class CropPad:
    """Where to cut a square of `size` out of a picture whose short side is `size`.

    A place is drawn at random between the two ends of a range, anew each time a picture is looked
    at: 0 is the top (the left), 1 the bottom (the right).
    """

    size: int | None = None
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

    def __init__(self, x: GANItemList):
        self.x = x
        self.y = ImageList(x.source, x.names)
        self.windows: Windows | None = None
        self.crop = CropPad()
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
        self.x.names = self.y.names = [name for name in self.y.names if name in position]
        self.windows = windows
        self.crop = crop
        self.positions = torch.tensor([position[name] for name in self.y.names])

    def cut(self, chosen: Tensor, generator: torch.Generator) -> Tensor:
        """Return windows of the pictures at `chosen`, (n,), as uint8 (n, 3, size, size)."""
        return self.windows.cut(self.positions[chosen],
                                *self.crop.places(len(chosen), generator))


class ItemLists:
    """Training and validation pairs on their way to batches; `valid` is None if none are held out.

    Next come `label_from_func`, `transform` and `databunch`.
    """

    def __init__(self, train: GANItemList, valid: GANItemList | None):
        self.train = Pairs(train)
        self.valid = None if valid is None else Pairs(valid)
        self.size: int | None = None
        self.crops = CropPad(), CropPad()  # for training and for validation

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

    def transform(self, tfms=None, size: int | None = None, tfm_y: bool = False) -> "ItemLists":
        """Say how pictures become squares of `size`.

        Args:
            tfms: [for training, for validation], two lists that hold one crop_pad or nothing;
                without one the centre is cut out
            size: the side of a square
            tfm_y: must be True: the pictures are the ys
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

    def databunch(self, path: str | Path | None = None, bs: int = 64, num_workers: int = 0,
                  device=None) -> "DataBunch":
        """Return batches of noise and pictures.

        Args:
            path: where a Learner puts its files, the current folder unless given
            bs: batch size; the last, smaller batch is left out for training
            num_workers: accepted for fastai's sake: batches are cut from memory in one operation,
                so there is nothing for workers to do
            device: the best one here unless given
        """
        if self.size is None:
            raise ValueError(both(
                "还不知道图片要多大。请先写 .transform(size=64, tfm_y=True)。",
                "The size of the pictures is not known yet. First write "
                ".transform(size=64, tfm_y=True)."))
        bs = whole_number("bs", bs, 1)
        device = runtime.device() if device is None else torch.device(device)
        windows = Windows.of(self.train.y.source, self.size).to(device)
        for pairs, crop in zip((self.train, self.valid), self.crops, strict=True):
            if pairs is not None:
                pairs.use(windows, crop)
        return DataBunch(self.train, self.valid, bs, device, path)


def _only_crop(tfms) -> CropPad:
    found = list(tfms)
    if not found:
        return CropPad()
    if len(found) > 1 or not isinstance(found[0], CropPad):
        raise ValueError(both(
            f"这里每个列表只认一个 crop_pad(...)，收到 {found}。",
            f"Each list of transforms takes one crop_pad(...) here, got {found}."))
    return found[0]


# ---- batches ----

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

    def __init__(self, train: Pairs, valid: Pairs | None, bs: int, device: torch.device,
                 path: str | Path | None = None):
        if len(train) < bs:
            raise ValueError(both(
                f"训练集有 {len(train)} 张图片，凑不满一批（bs={bs}）。请减小 bs，或增加图片。",
                f"The training set has {len(train)} pictures, fewer than one batch (bs={bs}). "
                "Take a smaller bs, or add pictures."))
        self.train_ds, self.valid_ds, self.device, self.path = train, valid, device, path
        self.batch_size = bs
        self.train_dl = Loader(train, bs, True, device)
        self.valid_dl = None if valid is None else Loader(valid, bs, False, device)

    def __repr__(self) -> str:
        held_out = 0 if self.valid_ds is None else len(self.valid_ds)
        x, y = self.train_dl.batch(torch.tensor([0]), torch.Generator())
        return (f"DataBunch: {len(self.train_ds)} pictures to train on, {held_out} held out; "
                f"batches of {self.batch_size}: x {tuple(x.shape[1:])}, y {tuple(y.shape[1:])}")

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
        if self.train_dl.stats is not None:
            raise ValueError(both("这份数据已经归一化过了；再来一次，图片就会错。",
                                  "These data are normalised already; twice would spoil the "
                                  "pictures."))
        if do_y:
            mean, std = _mean_and_std((HALF, HALF) if stats is None else stats)
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
        return _to_bytes(self.denorm(y.float()))

    def show_batch(self, rows: int = 5, figsize=None, imgsize: float = 4) -> None:
        """Draw rows * rows pictures of a training batch, or as many as it has."""
        xs, ys = (each[:rows**2] for each in self.one_batch())
        self.train_ds.x.show_xys(xs, self.denorm(ys), imgsize, figsize)

    def show_xyzs(self, xs: Tensor, ys: Tensor, zs: Tensor, imgsize: float = 4,
                  figsize=None) -> None:
        """Draw normalised pictures zs that a generator made of the noise xs."""
        self.train_ds.x.show_xyzs(xs, self.denorm(ys), self.denorm(zs), imgsize, figsize)


def _mean_and_std(stats) -> tuple[Tensor, Tensor]:
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
