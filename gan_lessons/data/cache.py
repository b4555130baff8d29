"""The picture cache: every picture is decoded once, then mapped into memory.

A set lives in a folder of its own below `runtime.cache_dir()/pictures`:

    CODE.u8     the pictures, one after the other: uint8 (N, 3, size, size), or, of whole
                pictures, their pixels, (P, 3)
    CODE.json   that shape, the names, what was skipped and the shape of each whole picture
    lock        held by the process that builds

CODE is the fingerprint of the source. While it is being built, CODE.u8 is called CODE.half; it
gets its name when all is written, so that half a set is never taken for a whole one.
"""

import contextlib
import errno
import hashlib
import json
import math
import os
import re
import shutil
from collections import Counter
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from filelock import FileLock, Timeout
from torch import Tensor

from gan_lessons import runtime
from gan_lessons.data.decode import (
    DEEP_WHITE,
    UNUSABLE,
    Decoded,
    UnreadablePicture,
    decode,
    each_picture,
    white_of,
)
from gan_lessons.data.imageset import fits_on
from gan_lessons.data.sources import BadSource, Source, printable
from gan_lessons.util import both, tell, whole_number

VERSION = 3  # of the files and of how pictures are decoded; another number decodes afresh
LARGEST = 1024


class Cached(NamedTuple):
    """A decoded set."""

    images: np.ndarray  # a memory map, uint8 (N, 3, size, size); whole pictures: pixels, (P, 3)
    names: list[str]  # of the N pictures in the source
    unreadable: list[tuple[str, str]]  # the pictures that were skipped, and why
    shapes: np.ndarray  # of whole pictures: int64 (N, 2), height and width; else empty


def cached(source: Source, size: int, *, whole: bool = False,
           progress: bool = True) -> Cached:
    """Return the pictures of a source, decoded at most once, and print what had to be skipped.

    The first call decodes, in threads, with a progress bar, and says which files were no pictures
    and what was converted; later calls map the file into memory, from any process, without a
    copy. A builder that is killed leaves no set, and the next call starts again; a second builder
    of the same set waits for the first. A changed source is decoded afresh, and the old pictures
    are removed when the new ones are complete. (In a folder of more than 20,000 pictures one that
    was overwritten under its own name is not noticed, see `Source.fingerprint`: then delete the
    set from the cache.)

    The array may be written to without harm: changes stay in memory and are never saved.

    Args:
        source: The pictures.
        size: Their side in pixels, 1 to 1024.
        whole: Keep all of each picture, its short side `size` long, see `Windows`.
        progress: Show a progress bar when decoding takes longer than a second.

    Raises:
        OSError: The pictures would not fit on the disk.
        BadSource: None of them can be read.
    """
    if whole_number("size", size, 1) > LARGEST:
        raise ValueError(both(f"size 必须在 1 和 {LARGEST} 之间，收到 {size}。",
                              f"size must be between 1 and {LARGEST}, got {size}."))
    path = cache_file(source, size, whole)
    found = opened(path)
    if found is None:
        found = _built(path, source, size, whole, progress)
        print_left_out(source)
    print_skipped(source, found.unreadable)
    return found


def cache_file(source: Source, size: int, whole: bool = False) -> Path:
    """Return the file that has, or will have, the decoded pictures of a source."""
    what = [source.kind, os.path.realpath(source.path), size, whole, source.label]
    key = hashlib.sha256(json.dumps(what).encode()).hexdigest()[:12]
    title = re.sub(r"[^A-Za-z0-9]+", "-", source.path.stem)[:40].strip("-") or "pictures"
    folder = runtime.cache_dir() / "pictures" / f"{title}-{size}-{key}"
    return folder / f"{VERSION}-{source.fingerprint()[:16]}.u8"


def opened(path: Path) -> Cached | None:
    """Return the set at `path`, or None when it is not there or damaged."""
    try:
        about = json.loads(path.with_suffix(".json").read_text(encoding="ascii"))
        shape = tuple(about["shape"])
        if path.stat().st_size != math.prod(shape):
            return None
        return Cached(np.memmap(path, np.uint8, "c", shape=shape), about["names"],
                      [tuple(line) for line in about["unreadable"]],
                      np.array(about["shapes"], np.int64))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None


def print_skipped(source: Source, unreadable: list[tuple[str, str]]) -> None:
    """Print what was left out and why, the first few by name."""
    ignored = both("{path}：有 {n} 项没有读取：", "{path}: {n} entries were ignored:")
    skipped = both("{path}：跳过了 {n} 张读不了的图片：",
                   "{path}: skipped {n} pictures that cannot be read:")
    for said, left_out in ((ignored, source.ignored), (skipped, unreadable)):
        if left_out:
            tell(f"{said.format(path=source.path, n=len(left_out))}\n{_first_few(left_out)}")


def print_left_out(source: Source) -> None:
    """Print how many files of which endings are not taken, if there are any."""
    if about := source.about_left_out():
        tell(about)


class Remarks:
    """What was noticed in the pictures of a set: values of 16 bits, and colour profiles."""

    def __init__(self):
        self.deep = self.highest = 0  # how many pictures have 16 bits, and their largest value
        self.profiles: Counter[str] = Counter()

    def add(self, picture: Decoded) -> None:
        """Take note of one picture."""
        if picture.highest:
            self.deep += 1
            self.highest = max(self.highest, picture.highest)
        if picture.profile:
            self.profiles[picture.profile] += 1

    @property
    def white(self) -> int:
        """The value that is white in the pictures of 16 bits."""
        return white_of(self.highest) if self.deep else DEEP_WHITE

    def tell(self, path: Path) -> None:
        """Print what was done, one line for each thing, for the set at `path`."""
        if self.white < DEEP_WHITE:
            n, bits = self.deep, self.white.bit_length()
            tell(both(f"{path}：{n:,} 张图片存成 16 位，只用到 {bits} 位；整套图片都以 "
                      f"{self.white:,} 为白色换算。",
                      f"{path}: {n:,} pictures are stored in 16 bits and use only {bits} of them; "
                      f"in the whole set {self.white:,} is taken for white."))
        converted = Counter(self.profiles)
        unusable = converted.pop(UNUSABLE, 0)
        if converted:
            n, names = converted.total(), most_frequent(converted)
            tell(both(f"{path}：{n:,} 张图片自带颜色配置（colour profile），换算成 sRGB：{names}",
                      f"{path}: {n:,} pictures were converted from their colour profile to sRGB: "
                      f"{names}"))
        if unusable:
            tell(both(f"{path}：{unusable:,} 张图片的颜色配置用不了，当作 sRGB。",
                      f"{path}: {unusable:,} pictures have a colour profile that cannot be used, "
                      "and were taken for sRGB."))


def most_frequent(counts: Counter) -> str:
    """Return the four most frequent of what was counted, in a line."""
    listed = ", ".join(f"{printable(what)} ({n:,})" for what, n in counts.most_common(4))
    return f"{listed}, ..." if len(counts) > 4 else listed


def _first_few(left_out: list[tuple[str, str]]) -> str:
    lines = [f"  {printable(name)}: {why}" for name, why in left_out[:5]]
    if len(left_out) > 5:
        lines.append("  ...")
    return "\n".join(lines)


# ---- building ----

def _built(path: Path, source: Source, size: int, whole: bool, progress: bool) -> Cached:
    """Return the set that this process, or another that was quicker, writes to `path`."""
    needed = len(source) * 3 * size**2  # whole pictures are taken for squares
    if needed > _free_bytes(path):
        raise _no_room(path, needed)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise OSError(both(
            f"写不了缓存文件夹 {path.parent}：{problem.strerror}。"
            "请把环境变量 GAN_LESSONS_CACHE 指到一个可写的文件夹。",
            f"The cache folder {path.parent} cannot be written: {problem.strerror}. Let "
            "GAN_LESSONS_CACHE name a folder that can be.")) from problem
    with _only_builder(path.parent):
        if opened(path) is None:
            try:
                _decode_all(path, source, size, whole, progress)
            except OSError as problem:
                if problem.errno in (errno.ENOSPC, errno.EDQUOT):
                    raise _no_room(path, needed) from problem
                raise
        # What killed builders left, and the pictures of sources as they once were:
        for other in path.parent.iterdir():
            if other.name not in ("lock", path.name, path.with_suffix(".json").name):
                with contextlib.suppress(OSError):  # Windows: somebody still looks at them
                    other.unlink()
        return opened(path)


def _decode_all(path: Path, source: Source, size: int, whole: bool, progress: bool) -> None:
    """Decode all pictures; write them, what they are, and only then give the array its name.

    They are appended by ordinary writing: on a full disk a write fails and can be reported,
    where writing to a memory map kills the process.
    """
    half = path.with_suffix(".half")
    names, unreadable, shapes, remarks = [], [], [], Remarks()
    deep = {}  # where in the file the pictures of 16 bits begin
    try:
        with open(half, "wb") as file:
            pictures = each_picture(source, partial(decode, size=size, whole=whole), progress)
            for name, picture in zip(source.names, pictures, strict=True):
                if isinstance(picture, UnreadablePicture):
                    unreadable.append((name, str(picture)))
                    continue
                names.append(name)
                remarks.add(picture)
                if picture.highest:
                    deep[name] = file.tell()
                if whole:
                    shapes.append(picture.pixels.shape[1:])
                file.write(_as_bytes(picture, whole))
            if remarks.white < DEEP_WHITE:  # known only now: these are decoded once more
                again = each_picture(source.only(lambda _: list(deep), "16 bits"),
                                     partial(decode, size=size, whole=whole, white=remarks.white),
                                     progress)
                for place, picture in zip(deep.values(), again, strict=True):
                    if isinstance(picture, UnreadablePicture):  # it was there a moment ago
                        raise picture
                    file.seek(place)
                    file.write(_as_bytes(picture, whole))
            file.flush()
            os.fsync(file.fileno())
        if not names:
            raise BadSource(both(
                f"{source.path} 里的 {len(source)} 张图片一张也读不了：\n{_first_few(unreadable)}",
                f"None of the {len(source)} pictures in {source.path} can be read:\n"
                f"{_first_few(unreadable)}"))
        shape = (len(names), 3, size, size)
        if whole:
            shape = (sum(height * width for height, width in shapes), 3)
        about = {"shape": shape, "names": names, "unreadable": unreadable, "shapes": shapes}
        path.with_suffix(".json").write_text(json.dumps(about), encoding="ascii")
        os.replace(half, path)
        remarks.tell(source.path)
    finally:
        half.unlink(missing_ok=True)


def _as_bytes(picture: Decoded, whole: bool) -> bytes:
    """Return what the cache keeps of a picture: of a whole one, pixel by pixel."""
    return (picture.pixels.transpose(1, 2, 0) if whole else picture.pixels).tobytes()


def _only_builder(folder: Path) -> contextlib.AbstractContextManager:
    """Lock the folder of a set, waiting for whoever holds it; the lock's file is never removed."""
    lock = FileLock(folder / "lock")
    try:
        return lock.acquire(timeout=0)
    except Timeout:
        tell(both("另一个程序正在准备同一份图片，等它完成……",
                  "Another process is preparing the same pictures; waiting for it."))
        return lock.acquire()


def _free_bytes(path: Path) -> int:
    """Return how many bytes are free on the disk where `path` is or will be."""
    while not path.exists():
        path = path.parent
    return shutil.disk_usage(path).free


def _no_room(path: Path, needed: int) -> OSError:
    free = _free_bytes(path)
    return OSError(both(
        f"磁盘放不下：图片缓存需要 {needed:,} 字节，{path.parent} 所在的磁盘只剩 {free:,} 字节。"
        "请腾出空间，减小 size 或 subset，或把环境变量 GAN_LESSONS_CACHE 指到更大的磁盘。",
        f"The disk is too small: the picture cache needs {needed:,} bytes, and only {free:,} are "
        f"free where {path.parent} is. Free some space, take a smaller size or subset, or let "
        "GAN_LESSONS_CACHE name a folder on a larger disk."))


# ---- whole pictures ----

@dataclass(frozen=True, eq=False)
class Windows:
    """Pictures of different shapes whose short side is `size`, as one long row of pixels.

    A square is cut from each anew every time: random crops, a batch at a time.
    """

    pixels: Tensor  # uint8 (P, 3), each picture row by row
    start: Tensor  # int64 (N,), where each picture begins
    height: Tensor  # int64 (N,)
    width: Tensor  # int64 (N,)
    size: int
    names: list[str]  # what each is called in its source

    @classmethod
    def of(cls, source: Source, size: int, progress: bool = True) -> "Windows":
        """Return the pictures of a source from the cache, their short side `size` pixels long."""
        pixels, names, _, shapes = cached(source, size, whole=True, progress=progress)
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
