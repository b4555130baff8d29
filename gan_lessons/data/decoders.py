"""Decoding many pictures in several processes, in order."""

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from typing import NamedTuple

import numpy as np

from gan_lessons.data.decode import WHOLE, UnreadablePicture, decode
from gan_lessons.data.source_base import Source
from gan_lessons.runtime import cores
from gan_lessons.util import both

# A fork starts at once and needs no import; only Linux forks safely beside other libraries.
METHOD = "fork" if sys.platform == "linux" else "spawn"
PIECE_BYTES = 4 * 1024**2  # of decoded pictures handed over at a time


class Piece(NamedTuple):
    """Some pictures in a row: how many were tried, those decoded, (position, why) of the rest.

    images: uint8 (n, 3, size, size). Whole pictures differ in shape: `shapes` has height and width
    of each, and `images` is uint8 (bytes,), each picture row by row, its pixels as RGB.
    """

    tried: int
    images: np.ndarray
    unreadable: list[tuple[int, str, str]]
    shapes: list[tuple[int, int]] | None = None


class Work(NamedTuple):
    """What a worker has to know to decode: see `decode`."""

    source: Source
    size: int
    crop: str
    seed: int


def decode_piece(read, work: Work, names: list[str]) -> Piece:
    """Read and decode the pictures called `names`, in order."""
    images, unreadable = [], []
    for position, name in enumerate(names):
        try:
            images.append(decode(read(name), work.size, work.crop, seed=work.seed, name=name))
        except UnreadablePicture as why:
            unreadable.append((position, why.zh, why.en))
        except Exception as problem:  # gone, no permission, a broken or encrypted archive member
            unreadable.append((position, f"读不出来：{problem}", f"cannot be read: {problem}"))
    if work.crop == WHOLE:
        shapes = [image.shape[1:] for image in images]
        pixels = [image.transpose(1, 2, 0).reshape(-1) for image in images]
        return Piece(len(names), np.concatenate([np.empty(0, np.uint8), *pixels]), unreadable,
                     shapes)
    shape = (len(images), 3, work.size, work.size)
    return Piece(len(names), np.array(images, dtype=np.uint8).reshape(shape), unreadable)


def decoded_pieces(work: Work, names: list[str], workers: int | None = None) -> Iterator[Piece]:
    """Yield the pictures called `names` piece by piece, in order, decoded in several processes.

    Raises RuntimeError when a worker dies, of a lack of memory for example.
    """
    count = max(1, min(256, PIECE_BYTES // (3 * work.size**2)))
    pieces = [names[start:start + count] for start in range(0, len(names), count)]
    workers = min(workers or cores(), len(pieces))
    if workers <= 1 or multiprocessing.current_process().daemon:
        with work.source.reader() as read:
            yield from (decode_piece(read, work, piece) for piece in pieces)
        return
    try:
        yield from _in_processes(work, pieces, workers)
    except BrokenProcessPool as problem:
        raise RuntimeError(both(
            "解码图片的进程意外结束，多半是内存不够。做完的部分已保存；请关掉别的程序再运行一次，"
            "或用 workers=1。",
            "A process that decodes pictures has died, most likely for lack of memory. What was "
            "done is kept; close other programs and run again, or use workers=1.")) from problem


def _in_processes(work: Work, pieces: list[list[str]], workers: int) -> Iterator[Piece]:
    with _script_hidden(), ProcessPoolExecutor(
            workers, multiprocessing.get_context(METHOD), _start_worker, (work,)) as pool:
        coming = iter(pieces)
        waiting = deque(pool.submit(_work, piece) for piece in islice(coming, 3 * workers))
        try:
            while waiting:
                yield waiting.popleft().result()
                waiting.extend(pool.submit(_work, piece) for piece in islice(coming, 1))
        finally:
            pool.shutdown(cancel_futures=True)


def _start_worker(work: Work) -> None:
    """Set a worker up: the source stays open as long as it lives."""
    global _work_state
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the notebook's stop button is for the parent
    threading.Thread(target=_end_with_parent, daemon=True).start()
    opened = contextlib.ExitStack()
    _work_state = work, opened.enter_context(work.source.reader()), opened


def _work(names: list[str]) -> Piece:
    work, read, _ = _work_state
    return decode_piece(read, work, names)


def _end_with_parent() -> None:
    """Wait for the parent to end, in whatever way, and end: nobody wants the work any more."""
    multiprocessing.parent_process().join()
    os._exit(1)


@contextlib.contextmanager
def _script_hidden():
    """Keep spawned workers from running the learner's script again, guarded or not."""
    main = sys.modules["__main__"]
    if METHOD != "spawn" or not hasattr(main, "__file__"):
        yield
        return
    kept = main.__file__, getattr(main, "__spec__", None)
    del main.__file__
    main.__spec__ = None
    try:
        yield
    finally:
        main.__file__, main.__spec__ = kept
