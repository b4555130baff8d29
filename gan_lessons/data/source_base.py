"""What every source of pictures can do, whether it is a folder, an archive or a database."""

import hashlib
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from copy import copy
from functools import cached_property
from pathlib import Path, PurePosixPath

from gan_lessons.util import both

PICTURES = frozenset([".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".gif", ".tif",
                      ".tiff", ".ppm", ".pgm", ".pbm", ".jp2", ".avif", ".tga"])
MOST_FILE_BYTES = 256 * 1024**2  # no picture file is larger: it is read into memory whole


class BadSource(ValueError):
    """What lies at a path cannot be read as a set of pictures."""


def is_picture(name: str) -> bool:
    """Tell by its name whether a file should be a picture; hidden files and macOS's are not."""
    path = PurePosixPath(name)
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in path.parts)
    return path.suffix.lower() in PICTURES and not hidden


def stem(name: str) -> str:
    """Return a picture's own name, without folders and ending: `a/b/0001.jpg` gives `0001`."""
    base = name.rpartition("/")[2]
    root, dot, ending = base.rpartition(".")
    base = root if dot and f".{ending.lower()}" in PICTURES else base
    return unicodedata.normalize("NFC", base)


def in_order(names) -> list[str]:
    """Sort by the pictures' own names, and by their folders only where those are equal.

    The key of a picture in an LSUN database is its own name. So the same pictures come in the
    same order from a database, nested folders and archives with or without a folder on top.
    """
    return sorted(names, key=lambda name: (stem(name), name))


def printable(name: str) -> str:
    """Return a name that can be printed whatever bytes it was made of, at most 80 characters."""
    name = name.encode("utf-8", "backslashreplace").decode()
    return name if len(name) <= 80 else f"{name[:38]}…{name[-41:]}"


class Source(ABC):
    """A set of encoded pictures, each known by a name: its path inside, with forward slashes.

    kind: "folder", "zip", "tar" or "lmdb";  path: where it lies;  names: all pictures in order
    (see `in_order`);  ignored: (name, Chinese, English) of what was left out, and why;  label:
    the selection that `only` made.  Names are listed when they are first asked for.
    """

    kind = ""

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self.ignored: list[tuple[str, str, str]] = []
        self.label = ""
        self._stamps: list[str] = []
        self._choices: list[Callable[[list[str]], list[str]]] = []

    @cached_property
    def names(self) -> list[str]:
        """Every picture chosen, in order. Raises BadSource when there is none."""
        names = in_order(self._list())
        if not names:
            raise BadSource(both(
                f"{self.path} 里没有找到图片（{self.kind}）。请检查路径；认得的文件后缀："
                f"{' '.join(sorted(PICTURES))}。",
                f"No pictures were found in {self.path} ({self.kind}). Check the path; the file "
                f"endings known are {' '.join(sorted(PICTURES))}."))
        for choose in self._choices:
            names = choose(names)
        return names

    def only(self, choose: Callable[[list[str]], list[str]], label: str,
             stamp: str = "") -> "Source":
        """Return this source cut down to the names that `choose` keeps of a sorted list.

        label: says which selection this is;  stamp: changes when the selection itself does.
        """
        part = copy(self)
        part.__dict__.pop("names", None)
        part.ignored = list(self.ignored)
        part.label = " ".join(filter(None, [self.label, label]))
        part._stamps = [*self._stamps, label, stamp]
        part._choices = [*self._choices, choose]
        return part

    def fingerprint(self) -> str:
        """Return a code that changes when a picture is added, removed or changed.

        It is made of names, sizes and times of change; no picture is read.
        """
        code = hashlib.sha256(self.kind.encode())
        for line in [*self._stamps, *self._state()]:
            code.update(line.encode("utf-8", "surrogatepass") + b"\0")
        return code.hexdigest()

    @abstractmethod
    def reader(self) -> AbstractContextManager[Callable[[str], bytes]]:
        """Open the source; gives a function from a name to the bytes of that file."""

    def read(self, name: str) -> bytes:
        """Return the bytes of one picture; for many, `reader` keeps the source open."""
        with self.reader() as read:
            return read(name)

    def items(self) -> Iterator[tuple[str, bytes | Exception]]:
        """Yield each name and its bytes, or what went wrong, in the quickest order to read."""
        with self.reader() as read:
            for name in self._reading_order():
                try:
                    yield name, read(name)
                except Exception as problem:  # one bad file must not hide the others
                    yield name, problem

    def __len__(self) -> int:
        return len(self.names)

    def for_reading(self) -> "Source":
        """Return a copy that can be sent to another process, which only reads from it."""
        bare = copy(self)
        bare._choices = []
        for listing in ("names", "_files"):
            bare.__dict__.pop(listing, None)
        return bare

    def other(self, base: str) -> bytes | None:
        """Return a file called `base` that comes with the pictures, or None."""
        return None

    @abstractmethod
    def _list(self) -> list[str]:
        """Return the names of all pictures, and note in `ignored` what was left out."""

    def _reading_order(self) -> list[str]:
        """Return the names in the order in which they are read quickest."""
        return self.names

    def _state(self) -> Iterator[str]:
        """Yield lines that change when the source does; here: the size and time of one file."""
        about = self._file().stat()
        yield f"{about.st_size} {about.st_mtime_ns}"

    def _file(self) -> Path:
        """Return the one file that holds an archive or a database."""
        return self.path

    def _ignore(self, name: str, zh: str, en: str) -> None:
        self.ignored.append((printable(name), zh, en))
