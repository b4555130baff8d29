"""MNIST: local files first, then torchvision's download, then a message that helps."""

import gzip
import math
import os
import struct
import tempfile
import zlib
from pathlib import Path

import torch
from torchvision.datasets import MNIST

from gan_lessons import runtime
from gan_lessons.data.imageset import ImageSet
from gan_lessons.data.sklearn_digits import digits
from gan_lessons.util import both

FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte",
         "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")

MOST_BYTES = 100_000_000  # MNIST's largest file holds 47,040,000 pixels

CARD = both(
    "MNIST：70,000 张 28x28 灰度手写数字，训练 60,000 张，测试 10,000 张。\n"
    "  来源：Y. LeCun, C. Cortes, C. Burges，取自美国 NIST 的表格，书写者是普查局职员和高中生。\n"
    "  许可：CC BY-SA 3.0。\n"
    "  注意：只有阿拉伯数字，书写风格偏美式；不含身份信息。",
    "MNIST: 70,000 greyscale 28x28 handwritten digits, 60,000 to train on and 10,000 to test.\n"
    "  Source: Y. LeCun, C. Cortes, C. Burges, from NIST forms filled in by census staff and "
    "high-school students.\n"
    "  Licence: CC BY-SA 3.0.\n"
    "  Note: Arabic numerals only, American writing habits; nothing identifies the writers.")


class DamagedFile(ValueError):
    """A data file exists but cannot be what it should be."""


def mnist(train: bool = True, *, download: bool = True, fallback: bool = False) -> ImageSet:
    """Return MNIST as uint8 (N, 1, 28, 28) with labels 0..9.

    Looks for torchvision's layout, `MNIST/raw/` with four files (plain or .gz), under
    GAN_LESSONS_DATA and then in the course's cache; else downloads it into the cache with a
    progress bar. `train=False` gives the test split. With `fallback=True` the bundled `digits()`
    stand in when MNIST cannot be had, and a line says so.

    Raises FileNotFoundError when it is not here and cannot be downloaded; DamagedFile when a
    file is truncated or is something else. Nothing is deleted or overwritten.
    """
    if root := where():
        return _read(root, train)
    try:
        if not download:
            raise OSError("download=False")
        _download(runtime.cache_dir())
    except Exception as problem:  # a network can fail in any way there is
        if fallback:
            print(both("没有找到 MNIST，改用自带的 digits()。",
                       "MNIST is not here; using the bundled digits() instead."))
            return digits(train)
        raise FileNotFoundError(_how_to_get_it(problem)) from problem
    return _read(runtime.cache_dir(), train)


def have_mnist() -> bool:
    """Tell whether MNIST lies on this machine where `mnist()` looks for it."""
    return where() is not None


def where() -> Path | None:
    """Return the folder that holds MNIST, the learner's before the course's cache, or None."""
    roots = (runtime.data_root(), runtime.cache_dir())
    return next((root for root in roots if root and present(root)), None)


def present(root: Path) -> bool:
    """Tell whether the four files, plain or .gz, lie under `root` in torchvision's layout."""
    return all(_find(root, name) for name in FILES)


def _find(root: Path, name: str) -> Path | None:
    raw = Path(root) / "MNIST" / "raw"
    return next((p for p in (raw / name, raw / f"{name}.gz") if os.path.isfile(p)), None)


def _read(root: Path, train: bool) -> ImageSet:
    images, labels = (_read_idx(_find(root, name)) for name in (FILES[:2] if train else FILES[2:]))
    if images.shape[1:] != (28, 28) or labels.shape != images.shape[:1] or labels.max() > 9:
        raise DamagedFile(both(
            f"{root} 里的 MNIST 图片和标签对不上：{tuple(images.shape)} 与 {tuple(labels.shape)}。",
            f"The MNIST pictures and labels in {root} do not match: {tuple(images.shape)} and "
            f"{tuple(labels.shape)}."))
    return ImageSet(images.unsqueeze(1), labels.to(torch.int64), "mnist", CARD)


def _read_idx(path: Path) -> torch.Tensor:
    """Read one IDX file: the magic number 0x08 0x0D (bytes, D dimensions), the sizes, the bytes."""
    try:
        with (gzip.open if path.suffix == ".gz" else open)(path, "rb") as file:
            zeros, kind, dimensions = struct.unpack(">HBB", file.read(4))
            shape = struct.unpack(f">{dimensions}I", file.read(4 * dimensions))
            announced = math.prod(shape)
            if (zeros, kind) != (0, 8) or not 0 < announced <= MOST_BYTES:
                raise ValueError("not an IDX file of bytes")
            body = bytearray(file.read(announced + 1))  # no more, whatever is packed inside
        if len(body) != announced:
            more = "or more" if len(body) > announced else "only"
            raise ValueError(f"{announced:,} bytes announced, {more} {len(body):,} found")
    except (ValueError, struct.error, EOFError, gzip.BadGzipFile, zlib.error) as problem:
        raise DamagedFile(both(
            f"文件已损坏或不完整：{path}（{problem}）。请把它移走，换上完整的文件再运行。",
            f"Damaged or incomplete file: {path} ({problem}). Move it away, put a complete copy "
            "in its place and run again.")) from problem
    return torch.frombuffer(body, dtype=torch.uint8).view(shape)


def _download(root: Path) -> None:
    raw = root / "MNIST" / "raw"
    raw.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=root) as half_way:  # a broken download leaves no trace
        MNIST(half_way, download=True)
        for name in FILES:
            if not _find(root, name):
                os.replace(Path(half_way) / "MNIST" / "raw" / name, raw / name)


def _how_to_get_it(problem: Exception) -> str:
    raw = (runtime.data_root() or runtime.cache_dir()) / "MNIST" / "raw"
    files = "\n".join(f"    {raw / name}" for name in FILES)
    return both(
        f"没有找到 MNIST，也没能下载（{problem}）。\n"
        f"  请把下面四个文件放好（.gz 也可以），再运行一次：\n{files}\n"
        "  或者把环境变量 GAN_LESSONS_DATA 设为已有 MNIST/raw 的文件夹；"
        "没有网络时可用 data.digits()。",
        f"MNIST is not here and could not be downloaded ({problem}).\n"
        f"  Put these four files in place (.gz will do) and run again:\n{files}\n"
        "  or set GAN_LESSONS_DATA to a folder that has MNIST/raw; without a network, "
        "data.digits() works.")
