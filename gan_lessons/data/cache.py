"""The picture cache: every picture is decoded once, then mapped into memory.

A set lives in a folder of its own below `runtime.cache_dir()/pictures`:

    <code>.u8       the pictures, one after the other, 3 x size x size bytes each (whole
                    pictures: 3 x height x width)
    <code>.journal  while it is being built: a line for every piece that is done
    <code>.json     when it is complete, and only then: what it holds
    lock            held by the process that builds

<code> is the fingerprint of the source. Pieces are appended in order, so whatever stops a
builder, the journal tells the next one where to go on.
"""

import contextlib
import errno
import hashlib
import json
import os
import re
import shutil
import zlib
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from gan_lessons import runtime
from gan_lessons.data.decode import CROPS, WHOLE
from gan_lessons.data.decoders import Piece, Work, decoded_pieces
from gan_lessons.data.locking import locked
from gan_lessons.data.packed import Tar
from gan_lessons.data.source_base import BadSource, Source, printable
from gan_lessons.util import both, whole_number, write_atomically

VERSION = 1  # of the files and of how pictures are decoded; another number decodes afresh
LARGEST = 1024


class Unreadable(NamedTuple):
    """A picture that was skipped: its name, and why in Chinese and English."""

    name: str
    zh: str
    en: str


class Cached(NamedTuple):
    """A decoded set: images, a memory map (N, 3, size, size); their names; what was skipped."""

    images: np.ndarray
    names: list[str]
    unreadable: list[Unreadable]


class CachedWhole(NamedTuple):
    """Whole pictures: images, a memory map (bytes,); shapes, int64 (N, 2), height and width.

    They follow one another, each row by row, the pixels as RGB. The rest as in `Cached`.
    """

    images: np.ndarray
    shapes: np.ndarray
    names: list[str]
    unreadable: list[Unreadable]


class NoRoom(OSError):
    """The cache would not fit on the disk, or would grow over the learner's limit."""


def cached(source: Source, size: int = 64, *, crop: str = "centre", seed: int = 0,
           max_bytes: int | None = None, workers: int | None = None,
           progress: bool = True) -> Cached | CachedWhole:
    """Return the pictures of `source` as uint8 (N, 3, size, size), decoded at most once.

    The first call decodes in `workers` processes (default: one per core) and shows a progress
    bar when it takes longer than a second; later calls open the file in no time, from any
    process, without a copy in memory. What a builder that was killed had done is used. A second
    builder of the same set waits for the first. A changed source is decoded afresh, and the
    old pictures are removed when the new ones are complete.

    crop: "centre" or "random" (see `decode`); "whole" keeps all of each picture, its short side
    `size` long, for crops that differ each time it is looked at: see `CachedWhole` and `Windows`.
    max_bytes: the most that this set may take on the disk; whole pictures are taken for squares.

    The array may be written to without harm: changes stay in memory and are never saved.

    Raises NoRoom when the pictures would not fit; BadSource when none can be read.
    """
    whole_number("size", size, 1)
    if size > LARGEST or crop not in (*CROPS, WHOLE):
        raise ValueError(both(
            f"size 必须在 1 和 {LARGEST} 之间，crop 必须是 {' 或 '.join(CROPS)}；"
            f"收到 size={size}，crop={crop!r}。",
            f"size must be between 1 and {LARGEST}, and crop one of {', '.join(CROPS)}; "
            f"got size={size}, crop={crop!r}."))
    store = Store(source, size, crop, seed)
    if (found := store.open()) is not None:
        return found
    _check_limit(store, max_bytes)
    _make(store.folder)
    with locked(store.folder / "lock"):
        if (found := store.open()) is None:  # else another process has built it meanwhile
            with _room_or_nothing(store):
                _build(store, workers, progress)
            found = store.open()
        store.clear_old()
    return found


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise type(problem)(problem.errno, both(
            f"写不了缓存文件夹 {folder}：{problem.strerror}。"
            "请把环境变量 GAN_LESSONS_CACHE 指到一个可写的文件夹。",
            f"The cache folder {folder} cannot be written: {problem.strerror}. Let "
            "GAN_LESSONS_CACHE name a folder that can be.")) from problem


class Store:
    """The files of one set in the cache: where they are and what they hold."""

    def __init__(self, source: Source, size: int, crop: str, seed: int):
        self.source, self.size, self.crop, self.seed = source, size, crop, seed
        path = os.path.realpath(source.path)
        what = [VERSION, source.kind, path, size, crop, seed * (crop == "random"), source.label]
        key = hashlib.sha256(json.dumps(what).encode()).hexdigest()
        title = re.sub(r"[^A-Za-z0-9]+", "-", source.path.stem)[:40].strip("-") or "pictures"
        self.folder = runtime.cache_dir() / "pictures" / f"{title}-{size}-{key[:12]}"
        code = source.fingerprint()[:16]
        self.pictures = self.folder / f"{code}.u8"
        self.journal = self.folder / f"{code}.journal"
        self.about = self.folder / f"{code}.json"
        self.unpacked = self.folder / f"{code}.tar"

    @property
    def item_bytes(self) -> int:
        """Return how many bytes one picture takes."""
        return 3 * self.size**2

    def open(self) -> Cached | CachedWhole | None:
        """Return the set when it is complete and sound, else None."""
        try:
            about = json.loads(self.about.read_text(encoding="ascii"))
            state = self.pictures.stat()
            rows = len(about["names"])
            stored = sum(piece_bytes(piece, self.item_bytes) for piece in about["pieces"])
            if not rows or state.st_size != stored:
                return None
            if state.st_mtime_ns != about["changed"] and not self._still_sound(about):
                return None
            unreadable = [Unreadable(*line) for line in about["unreadable"]]
            if self.crop == WHOLE:
                shapes = np.array([shape for piece in about["pieces"] for shape in piece["shapes"]])
                images = np.memmap(self.pictures, np.uint8, "c", shape=(stored,))
                return CachedWhole(images, shapes, about["names"], unreadable)
            images = np.memmap(self.pictures, np.uint8, "c",
                               shape=(rows, 3, self.size, self.size))
        except (FileNotFoundError, NotADirectoryError, ValueError, KeyError, TypeError):
            return None
        return Cached(images, about["names"], unreadable)

    def _still_sound(self, about: dict) -> bool:
        """Read the pictures through: somebody has touched or copied the file."""
        if len(sound_pieces(self.pictures, about["pieces"], self.item_bytes)) < len(
                about["pieces"]):
            return False
        about["changed"] = self.pictures.stat().st_mtime_ns
        with contextlib.suppress(OSError):  # a read-only cache is checked again next time
            self.save(about)
        return True

    def save(self, about: dict) -> None:
        """Declare the set complete."""
        write_atomically(self.about, json.dumps(about).encode("ascii"))

    def clear_half(self) -> None:
        """Remove what an unfinished builder left."""
        for path in (self.about, self.pictures, self.journal, self.unpacked):
            path.unlink(missing_ok=True)

    def clear_old(self) -> None:
        """Remove the pictures of sources as they were before they changed."""
        for path in self.folder.iterdir():
            known = path.suffix in (".u8", ".json", ".journal", ".tar", ".part")
            if known and path.stem != self.about.stem:
                with contextlib.suppress(OSError):  # Windows: somebody still looks at them
                    path.unlink()


def piece_bytes(piece: dict, item_bytes: int) -> int:
    """Return how many bytes a piece takes: each picture item_bytes, or what its shape says."""
    if "shapes" in piece:
        return sum(3 * height * width for height, width in piece["shapes"])
    return piece["rows"] * item_bytes


def sound_pieces(path: Path, pieces: list[dict], item_bytes: int) -> list[dict]:
    """Return the pieces, from the first on, that the file at `path` holds unharmed."""
    sound = []
    with open(path, "rb") as file:
        for piece in pieces:
            size = piece_bytes(piece, item_bytes)
            content = file.read(size)
            if len(content) != size or zlib.crc32(content) != piece["crc"]:
                break
            sound.append(piece)
    return sound


def _earlier_pieces(store: Store) -> list[dict]:
    """Return what the journal of an unfinished builder lists and the disk still holds."""
    pieces = []
    if not (store.journal.exists() and store.pictures.exists()):
        return pieces
    for line in store.journal.read_text(encoding="ascii", errors="replace").splitlines():
        try:
            pieces.append(json.loads(line))
        except ValueError:  # the line that was being written
            break
    return sound_pieces(store.pictures, pieces, store.item_bytes)


def _build(store: Store, workers: int | None, progress: bool) -> None:
    source, names = store.source, store.source.names
    if isinstance(source, Tar) and source.is_packed:
        _unpack(source, store.unpacked)
    store.about.unlink(missing_ok=True)
    pieces = _earlier_pieces(store)
    done = sum(piece["tried"] for piece in pieces)
    _write_journal(store.journal, pieces)
    store.pictures.touch()
    with open(store.pictures, "r+b") as file, open(store.journal, "ab") as journal, tqdm(
            total=len(names), initial=done, desc="decoding", unit="img", delay=1,
            leave=False, disable=not progress) as bar:
        file.seek(sum(piece_bytes(piece, store.item_bytes) for piece in pieces))
        file.truncate()
        work = Work(source.for_reading(), store.size, store.crop, store.seed)
        for made in decoded_pieces(work, names[done:], workers):
            pieces.append(_append(file, journal, made))
            bar.update(made.tried)
        os.fsync(file.fileno())
    _finish(store, names, pieces)


def _unpack(source: Tar, target: Path) -> None:
    if target.exists():
        source.use_plain(target)
    else:
        source.unpack(target)


def _write_journal(path: Path, pieces: list[dict]) -> None:
    write_atomically(path, b"".join(_line(piece) for piece in pieces))


def _line(piece: dict) -> bytes:
    return json.dumps(piece).encode("ascii") + b"\n"


def _append(file, journal, made: Piece) -> dict:
    """Write a piece, and then that it is there: the journal never knows more than the file."""
    content = made.images.tobytes()
    file.write(content)
    file.flush()
    piece = {"tried": made.tried, "rows": made.tried - len(made.unreadable),
             "crc": zlib.crc32(content), "unreadable": made.unreadable}
    if made.shapes is not None:
        piece["shapes"] = made.shapes
    journal.write(_line(piece))
    journal.flush()
    return piece


def _finish(store: Store, names: list[str], pieces: list[dict]) -> None:
    skipped, start = {}, 0
    for piece in pieces:
        skipped.update({start + position: (zh, en) for position, zh, en in piece["unreadable"]})
        start += piece["tried"]
    unreadable = [Unreadable(names[i], *why) for i, why in sorted(skipped.items())]
    if len(unreadable) == len(names):
        store.clear_half()
        raise BadSource(both(
            f"{store.source.path} 里的 {len(names)} 张图片一张也读不了：\n"
            f"{listed(unreadable, 'zh')}",
            f"None of the {len(names)} pictures in {store.source.path} can be read:\n"
            f"{listed(unreadable, 'en')}"))
    store.save({"names": [name for i, name in enumerate(names) if i not in skipped],
                "unreadable": unreadable, "changed": store.pictures.stat().st_mtime_ns,
                "pieces": [{key: piece[key] for key in ("rows", "crc", "shapes") if key in piece}
                           for piece in pieces]})
    for path in (store.journal, store.unpacked):
        path.unlink(missing_ok=True)


def listed(unreadable: list[Unreadable], language: str, most: int = 5) -> str:
    """Return the first few pictures that were skipped and why, in "zh" or "en", to be printed."""
    lines = [f"  {printable(one.name)}: {getattr(one, language)}" for one in unreadable[:most]]
    return "\n".join(lines + ["  ..."] * (len(unreadable) > most))


def _check_limit(store: Store, max_bytes: int | None) -> None:
    """Raise NoRoom, before anything is written, when the set is too large."""
    needed = len(store.source.names) * store.item_bytes
    if max_bytes is not None and needed > max_bytes:
        raise NoRoom(both(
            f"{len(store.source.names)} 张 {store.size}x{store.size} 的图片要占 {needed:,} 字节，"
            f"超过 max_bytes={max_bytes:,}。请减小 size 或 subset，或放宽 max_bytes。",
            f"{len(store.source.names)} pictures of {store.size}x{store.size} take {needed:,} "
            f"bytes, more than max_bytes={max_bytes:,}. Take a smaller size or subset, or raise "
            "max_bytes."))
    have = store.pictures.stat().st_size if store.pictures.exists() else 0
    if isinstance(store.source, Tar) and not store.unpacked.exists():
        needed += store.source.unpacked_bytes()
    if needed - have > (free := free_bytes(store.folder)):
        raise _no_room(store, needed - have, free)


def free_bytes(folder: Path) -> int:
    """Return how many bytes are free on the disk where `folder` is or will be."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def _no_room(store: Store, needed: int, free: int) -> NoRoom:
    return NoRoom(both(
        f"磁盘放不下：图片缓存还需要 {needed:,} 字节，{store.folder} 所在的磁盘只剩 {free:,} 字节。"
        "请腾出空间，减小 size 或 subset，或把环境变量 GAN_LESSONS_CACHE 指到更大的磁盘。",
        f"The disk is too small: the picture cache needs {needed:,} bytes more, and only {free:,} "
        f"are free where {store.folder} is. Free some space, take a smaller size or subset, or "
        "let GAN_LESSONS_CACHE name a folder on a larger disk."))


@contextmanager
def _room_or_nothing(store: Store):
    """Turn a disk that runs full into NoRoom, and leave nothing half-made on it."""
    try:
        yield
    except OSError as problem:
        if problem.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        store.clear_half()
        needed = len(store.source.names) * store.item_bytes
        raise _no_room(store, needed, free_bytes(store.folder)) from problem
