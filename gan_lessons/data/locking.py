"""A lock that only one process holds, and that ends with the process that holds it."""

import time
from contextlib import contextmanager
from pathlib import Path

from gan_lessons.util import both

try:
    import fcntl

    def _take(file) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _let_go(file) -> None:
        fcntl.flock(file, fcntl.LOCK_UN)
except ImportError:  # Windows
    import msvcrt

    def _take(file) -> None:
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

    def _let_go(file) -> None:
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)

WAIT = 0.1  # seconds between two tries


@contextmanager
def locked(path: Path, busy: Exception | None = None):
    """Hold the lock `path` while the block runs; wait for whoever holds it, and say so once.

    With `busy`, do not wait but raise that.

    The operating system keeps the lock, not the file's existence: it is free as soon as its
    holder has ended, in whatever way, and a file left behind locks nobody out.
    """
    with open(path, "ab") as file:
        waiting = False
        while True:
            try:
                _take(file)
                break
            except (BlockingIOError, PermissionError):
                if busy:
                    raise busy from None
                if not waiting:
                    print(both("另一个程序正在准备同一份图片，等它完成……",
                               "Another process is preparing the same pictures; waiting for it."),
                          flush=True)
                waiting = True
                time.sleep(WAIT)
        try:
            yield
        finally:
            _let_go(file)
