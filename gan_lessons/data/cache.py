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
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from filelock import FileLock, Timeout

from gan_lessons import runtime
from gan_lessons.data.decode import CROPS, WHOLE, UnreadablePicture, decode, each_picture
from gan_lessons.data.sources import BadSource, Source, printable
from gan_lessons.util import both, whole_number

VERSION = 2  # of the files and of how pictures are decoded; another number decodes afresh
LARGEST = 1024


class Unreadable(NamedTuple):
    """A picture that was skipped, or something else that was left out, and why."""

    name: str
    why: str  # Chinese / English


class Cached(NamedTuple):
    """A decoded set."""

    images: np.ndarray  # a memory map, uint8 (N, 3, size, size); whole pictures: pixels, (P, 3)
    names: list[str]  # of the N pictures in the source
    unreadable: list[Unreadable]
    shapes: np.ndarray  # of whole pictures: int64 (N, 2), height and width; else empty


class NoRoom(OSError):
    """The cache would not fit on the disk, or would grow over the learner's limit."""


def cached(source: Source, size: int = 64, *, crop: str = "centre", seed: int = 0,
           max_bytes: int | None = None, workers: int | None = None,
           progress: bool = True) -> Cached:
    """Return the pictures of a source, decoded at most once.

    The first call decodes, in threads, with a progress bar; later calls map the file into memory,
    from any process, without a copy. A builder that is killed leaves no set, and the next call
    starts again; a second builder of the same set waits for the first. A changed source is decoded
    afresh, and the old pictures are removed when the new ones are complete. (In a folder of more
    than 20,000 pictures one that was overwritten under its own name is not noticed, see
    `Source.fingerprint`: then delete the set from the cache.)

    The array may be written to without harm: changes stay in memory and are never saved.

    Args:
        source: The pictures.
        size: Their side in pixels, 1 to 1024.
        crop: "centre" or "random" squares, see `decode`; "whole" keeps all of each picture, its
            short side `size` long, for crops that differ each time: see `Windows`.
        seed: For crop="random".
        max_bytes: The most that this set may take on the disk; whole pictures are taken for
            squares.
        workers: How many threads decode; one per core unless given.
        progress: Show a progress bar when decoding takes longer than a second.

    Raises:
        NoRoom: The pictures would not fit.
        BadSource: None of them can be read.
    """
    whole_number("size", size, 1)
    if size > LARGEST or crop not in (*CROPS, WHOLE):
        raise ValueError(both(
            f"size 必须在 1 和 {LARGEST} 之间，crop 必须是 {'、'.join((*CROPS, WHOLE))} 之一；"
            f"收到 size={size}，crop={crop!r}。",
            f"size must be between 1 and {LARGEST}, and crop one of {', '.join((*CROPS, WHOLE))}; "
            f"got size={size}, crop={crop!r}."))
    path = cache_file(source, size, crop, seed)
    if (found := opened(path)) is not None:
        return found
    _check_room(path, source, size, max_bytes)
    with _only_builder(path.parent):
        if (found := opened(path)) is None:  # else another process has built it meanwhile
            try:
                _build(path, source, size, crop, seed, workers, progress)
            except OSError as problem:
                if problem.errno in (errno.ENOSPC, errno.EDQUOT):
                    raise _no_room(path, len(source) * 3 * size**2) from problem
                raise
            found = opened(path)
        _clear_all_but(path)
    return found


def cache_file(source: Source, size: int, crop: str = "centre", seed: int = 0) -> Path:
    """Return the file that has, or will have, the decoded pictures of a source."""
    where = os.path.realpath(source.path)
    what = [source.kind, where, size, crop, seed if crop == "random" else 0, source.label]
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
        images = np.memmap(path, np.uint8, "c", shape=shape)
        unreadable = [Unreadable(*line) for line in about["unreadable"]]
        shapes = np.array(about["shapes"], np.int64)
        return Cached(images, about["names"], unreadable, shapes)
    except (FileNotFoundError, NotADirectoryError, ValueError, KeyError, TypeError):
        return None


def _build(path: Path, source: Source, size: int, crop: str, seed: int, workers: int | None,
           progress: bool) -> None:
    """Decode all pictures; write them, what they are, and only then give the array its name.

    They are appended by ordinary writing: on a full disk a write fails and can be reported,
    where writing to a memory map kills the process.
    """
    half = path.with_suffix(".half")
    work = partial(decode, size=size, crop=crop, seed=seed)
    names, unreadable, shapes = [], [], []
    try:
        with open(half, "wb") as file:
            pictures = each_picture(source, work, workers=workers, progress=progress)
            for name, picture in zip(source.names, pictures, strict=True):
                if isinstance(picture, UnreadablePicture):
                    unreadable.append(Unreadable(name, str(picture)))
                    continue
                names.append(name)
                if crop == WHOLE:
                    shapes.append(picture.shape[1:])
                    picture = picture.transpose(1, 2, 0)
                file.write(picture.tobytes())
            file.flush()
            os.fsync(file.fileno())
        if not names:
            raise BadSource(both(
                f"{source.path} 里的 {len(source)} 张图片一张也读不了：\n{listed(unreadable)}",
                f"None of the {len(source)} pictures in {source.path} can be read:\n"
                f"{listed(unreadable)}"))
        shape = (len(names), 3, size, size)
        if crop == WHOLE:
            shape = (sum(height * width for height, width in shapes), 3)
        about = {"shape": shape, "names": names, "unreadable": unreadable, "shapes": shapes}
        path.with_suffix(".json").write_text(json.dumps(about), encoding="ascii")
        os.replace(half, path)
    finally:
        half.unlink(missing_ok=True)


@contextlib.contextmanager
def _only_builder(folder: Path):
    """Make the folder of a set and hold its lock, whose file is never removed.

    Wait for whoever holds it, and say so.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise type(problem)(problem.errno, both(
            f"写不了缓存文件夹 {folder}：{problem.strerror}。"
            "请把环境变量 GAN_LESSONS_CACHE 指到一个可写的文件夹。",
            f"The cache folder {folder} cannot be written: {problem.strerror}. Let "
            "GAN_LESSONS_CACHE name a folder that can be.")) from problem
    lock = FileLock(folder / "lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        print(both("另一个程序正在准备同一份图片，等它完成……",
                   "Another process is preparing the same pictures; waiting for it."), flush=True)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _clear_all_but(path: Path) -> None:
    """Remove what killed builders left, and the pictures of sources as they once were."""
    for other in path.parent.iterdir():
        if other.name not in ("lock", path.name, path.with_suffix(".json").name):
            with contextlib.suppress(OSError):  # Windows: somebody still looks at them
                other.unlink()


def listed(unreadable: list, most: int = 5) -> str:
    """Return the first few (name, why) of what was skipped, a line each, to be printed."""
    lines = [f"  {printable(name)}: {why}" for name, why in unreadable[:most]]
    if len(unreadable) > most:
        lines.append("  ...")
    return "\n".join(lines)


def _check_room(path: Path, source: Source, size: int, max_bytes: int | None) -> None:
    """Raise NoRoom, before anything is written, when the set is too large."""
    n = len(source.names)
    needed = n * 3 * size**2
    if max_bytes is not None and needed > max_bytes:
        raise NoRoom(both(
            f"{n} 张 {size}x{size} 的图片要占 {needed:,} 字节，"
            f"超过 max_bytes={max_bytes:,}。请减小 size 或 subset，或放宽 max_bytes。",
            f"{n} pictures of {size}x{size} take {needed:,} bytes, more than "
            f"max_bytes={max_bytes:,}. Take a smaller size or subset, or raise max_bytes."))
    if needed > _free_bytes(path):
        raise _no_room(path, needed)


def _free_bytes(path: Path) -> int:
    """Return how many bytes are free on the disk where `path` is or will be."""
    while not path.exists():
        path = path.parent
    return shutil.disk_usage(path).free


def _no_room(path: Path, needed: int) -> NoRoom:
    free = _free_bytes(path)
    return NoRoom(both(
        f"磁盘放不下：图片缓存需要 {needed:,} 字节，{path.parent} 所在的磁盘只剩 {free:,} 字节。"
        "请腾出空间，减小 size 或 subset，或把环境变量 GAN_LESSONS_CACHE 指到更大的磁盘。",
        f"The disk is too small: the picture cache needs {needed:,} bytes, and only {free:,} are "
        f"free where {path.parent} is. Free some space, take a smaller size or subset, or let "
        "GAN_LESSONS_CACHE name a folder on a larger disk."))
