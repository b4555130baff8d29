"""Real handwritten digits: MNIST, of which 10,000 are always here."""

import gzip
import math
import os
import struct
import tempfile
import zlib
from pathlib import Path

import numpy as np
import PIL.Image
import torch
from torchvision.datasets import MNIST

from gan_lessons import runtime
from gan_lessons.data.imageset import ImageSet, read_card
from gan_lessons.util import both

BOX = Path(__file__).parent / "mnist_10k.png"  # 100 rows of 100 digits, the labels in its text
BOX_TRAIN = 8000
MNIST_FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte",
               "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
MNIST_MOST = 100_000  # pictures in one file; MNIST's larger one has 60,000


class DamagedFile(ValueError):
    """A data file exists but cannot be what it should be."""


def mnist(train: bool = True, *, download: bool = False) -> ImageSet:
    """Return real MNIST as uint8 (N, 1, 28, 28), with labels: to train on, or held out.

    All of it, 60,000 and 10,000, where torchvision's layout, `MNIST/raw/` with four files (plain
    or .gz), lies under GAN_LESSONS_DATA or in the course's cache. Otherwise the part that comes
    with the course, 8,000 and 2,000; with `download=True` torchvision first fetches the whole set
    into the cache.

    Raises:
        FileNotFoundError: It was to be downloaded and could not be.
        DamagedFile: A file is truncated or is something else. Nothing is deleted or overwritten.
    """
    root = mnist_root()
    if root is None and not download:
        return _mnist_in_the_box(train)
    if root is None:
        root = runtime.cache_dir()
        try:
            _download(root)
        except Exception as problem:  # a network can fail in any way there is
            raise FileNotFoundError(_how_to_get_mnist(problem)) from problem
    images_file, labels_file = MNIST_FILES[:2] if train else MNIST_FILES[2:]
    images = _read_idx(_find(root, images_file), (28, 28))
    labels = _read_idx(_find(root, labels_file), ())
    if len(images) != len(labels) or labels.max() > 9:
        raise DamagedFile(both(
            f"{root} 里的 MNIST 图片和标签对不上：{len(images)} 张图片，{len(labels)} 个标签。",
            f"The MNIST pictures and labels in {root} do not match: {len(images)} pictures, "
            f"{len(labels)} labels."))
    return ImageSet(images.unsqueeze(1), labels.to(torch.int64), "mnist", read_card("mnist"))


def _mnist_in_the_box(train: bool) -> ImageSet:
    """Return the digits in BOX: the first 8,000 to train on, the other 2,000 held out."""
    with PIL.Image.open(BOX) as sheet:
        rows = torch.from_numpy(np.array(sheet)).view(100, 28, 100, 28)
        labels = torch.tensor([int(label) for label in sheet.text["labels"]])
    images = rows.transpose(1, 2).reshape(-1, 1, 28, 28)
    part = slice(BOX_TRAIN) if train else slice(BOX_TRAIN, None)
    return ImageSet(images[part], labels[part], "mnist-10k",
                    read_card("mnist_10k"))


def mnist_root() -> Path | None:
    """Return the folder that holds MNIST, the learner's before the course's cache, or None."""
    for root in (runtime.data_root(), runtime.cache_dir()):
        if root and all(_find(root, name) for name in MNIST_FILES):
            return root
    return None


def _find(root: Path, name: str) -> Path | None:
    raw = root / "MNIST" / "raw"
    for path in (raw / name, raw / f"{name}.gz"):
        if path.is_file():
            return path
    return None


def _read_idx(path: Path, shape: tuple[int, ...]) -> torch.Tensor:
    """Read one IDX file as uint8 (N, *shape): a magic number, the sizes, the bytes.

    torchvision's own reader takes no .gz, and unpacks them beside the learner's files.
    """
    magic = 0x0800 + 1 + len(shape)  # 8: unsigned bytes; then the number of dimensions
    header = struct.Struct(f">{2 + len(shape)}I")
    try:
        with (gzip.open if path.suffix == ".gz" else open)(path, "rb") as file:
            found, n, *rest = header.unpack(file.read(header.size))
            if found != magic or tuple(rest) != shape or not 0 < n <= MNIST_MOST:
                raise ValueError("it does not begin as MNIST's does")
            announced = n * math.prod(shape)
            body = bytearray(file.read(announced + 1))  # no more, whatever is packed inside
        if len(body) != announced:
            raise ValueError(f"it is {'longer' if len(body) > announced else 'shorter'} than the "
                             f"{announced:,} bytes it announces")
    except (ValueError, struct.error, EOFError, gzip.BadGzipFile, zlib.error) as problem:
        raise DamagedFile(both(
            f"文件已损坏或不完整：{path}（{problem}）。请把它移走，换上完整的文件再运行。",
            f"Damaged or incomplete file: {path} ({problem}). Move it away, put a complete copy "
            "in its place and run again.")) from problem
    return torch.frombuffer(body, dtype=torch.uint8).view(n, *shape)


def _download(root: Path) -> None:
    raw = root / "MNIST" / "raw"
    raw.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=root) as half_way:  # a broken download leaves no trace
        MNIST(half_way, download=True)
        for name in MNIST_FILES:
            if not _find(root, name):
                os.replace(Path(half_way) / "MNIST" / "raw" / name, raw / name)


def _how_to_get_mnist(problem: Exception) -> str:
    raw = (runtime.data_root() or runtime.cache_dir()) / "MNIST" / "raw"
    files = "\n".join(f"    {raw / name}" for name in MNIST_FILES)
    return both(*read_card("get_mnist")).format(problem=problem, files=files)
