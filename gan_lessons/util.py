"""What every room needs: messages in two languages, whole numbers, files written whole."""

import glob
import math
import numbers
import operator
import os
import sys
import time
from contextlib import suppress
from pathlib import Path

# Begins what is shown as HTML. Of a folded output JupyterLab shows the first line that is not
# empty, as text; it must not give the answer to a prediction away.
BLANK_LINE = " \n"


def both(zh: str, en: str) -> str:
    """Return the Chinese text followed by the English text, on lines of their own."""
    return f"{zh}\n{en}"


def tell(message: str) -> None:
    r"""Print a message of the course; no console can make it an error.

    What the console's encoding lacks comes as \uXXXX, and a console that is gone is no reason to
    end a training.
    """
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    with suppress(OSError):
        print(message.encode(encoding, "backslashreplace").decode(encoding), flush=True)


def check_empty(folder: Path) -> None:
    """Refuse to write among the files of a folder that has some."""
    if folder.is_dir() and any(folder.iterdir()):
        raise FileExistsError(f"{folder} is not empty; what is in it was not overwritten, and "
                              "nothing was written. Name a new folder.")


def whole_number(name: str, value, least: int) -> int:
    """Return `value` as an int; raise ValueError when it is no whole number >= `least`."""
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or number < least:
        raise ValueError(both(f"{name} 必须是不小于 {least} 的整数，收到的是 {value!r}。",
                              f"{name} must be a whole number of at least {least}, got {value!r}."))
    return number


def positive_number(name: str, value) -> None:
    """Raise ValueError when `value` is no finite number above 0."""
    if not (isinstance(value, numbers.Real) and 0 < value < math.inf):
        raise ValueError(both(f"{name} 必须是大于 0 的数，收到 {value!r}。",
                              f"{name} must be a number above 0, got {value!r}."))


def write_atomically(path: str | Path, content: bytes) -> None:
    """Write `content` beside `path`, flush it to the disk, and only then give it its name.

    Whoever pulls the plug finds either the old file or the new one. What an earlier, killed
    process left half-written is cleared away.

    Raises OSError, with the old file untouched, when the folder cannot be written to.
    """
    path = Path(os.path.realpath(path))  # a link keeps pointing where it points
    path.parent.mkdir(parents=True, exist_ok=True)
    for left_over in half_written(path.parent, path.name):
        if time.time() - left_over.stat().st_mtime > 600:
            left_over.unlink(missing_ok=True)
    half_way = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with open(half_way, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        _replace(half_way, path)
    finally:
        half_way.unlink(missing_ok=True)


def _replace(new: Path, path: Path) -> None:
    """Give `new` the name `path`; on Windows somebody may hold the old file open for a moment."""
    for pause in (0.1, 0.3, 1.0):
        try:
            os.replace(new, path)
            return
        except PermissionError:
            time.sleep(pause)
    os.replace(new, path)


def half_written(folder: Path, name: str | None = None) -> list[Path]:
    """Return what killed calls of `write_atomically` left in `folder`, of one file or of any."""
    return list(folder.glob(f".{glob.escape(name) if name else '*'}.*.part"))


def megabytes(n: float) -> str:
    """Return a number of bytes in words: 4.7 MB, 45.9 GB."""
    return f"{n / 1e9:,.1f} GB" if n >= 1e9 else f"{n / 1e6:,.1f} MB"
