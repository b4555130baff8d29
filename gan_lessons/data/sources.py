"""Where pictures come from: a folder, a zip archive or an LSUN database, and which to take.

Nothing is ever unpacked under the names an archive gives: its members are read in memory.
"""

import csv
import hashlib
import io
import os
import re
import stat
import tarfile
import threading
import unicodedata
import zipfile
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, contextmanager, suppress
from copy import copy
from functools import cached_property
from pathlib import Path, PurePosixPath

from gan_lessons.util import both, write_atomically

PICTURES = frozenset([".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".gif", ".tif",
                      ".tiff", ".ppm", ".pgm", ".pbm", ".jp2", ".avif", ".tga", ".pjpeg", ".pjp",
                      ".mpo", ".apng", ".dib", ".pnm", ".j2k", ".jpx"])
NOTES = frozenset([".txt", ".csv", ".tsv", ".json", ".jsonl", ".xml", ".yaml", ".yml", ".md",
                   ".html", ".py", ".ipynb", ".log", ".db", ".ini"])  # they go with pictures
TO_CONVERT = frozenset([".heic", ".heif", ".hif", ".jxl", ".dng", ".cr2", ".cr3", ".nef", ".arw"])
BEGINNING = re.compile(  # of JPEG, PNG, GIF, TIFF (twice), WebP, AVIF, JPEG 2000
    rb"\xff\xd8\xff|\x89PNG\r\n\x1a\n|GIF8|II\*\0|MM\0\*|RIFF....WEBP|....ftypavi|\0{3}\x0cjP  ",
    re.DOTALL)
LONGEST_BEGINNING = 12  # bytes
MOST_FILE_BYTES = 256 * 1024**2  # no picture in an archive is larger: it is unpacked in memory
MANY = 20_000  # files of which each call still asks for size and time: see Source.fingerprint


class BadSource(ValueError):
    """What lies at a path cannot be read as a set of pictures."""


def is_picture(name: str) -> bool:
    """Tell by its name whether a file should be a picture; hidden files and macOS's are not."""
    return ending(name) in PICTURES and not _hidden(name)


def ending(name: str) -> str:
    """Return what a file's name ends in, in small letters: ".jpg", or "" for none.

    What sites and systems put behind it does not count: `a.jpg_large` has the ending ".jpg". A
    second copy of a picture keeps its own: ".jpg~" of editors, ".jpg_original" of ExifTool.
    """
    root, _, last = _base(name).lower().rpartition(".")
    if not last.endswith(("~", "_original")):
        last = re.match("[a-z0-9]*", last)[0]
    return f".{last}" if root and last else ""


def _hidden(name: str) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in PurePosixPath(name).parts)


def _base(name: str) -> str:
    return name.rpartition("/")[2]


def stem(name: str) -> str:
    """Return a picture's own name, without folders and ending: `a/b/0001.jpg` gives `0001`."""
    own = _base(name)
    if ending(name) in PICTURES:
        own = own.rpartition(".")[0]
    return unicodedata.normalize("NFC", own)


def printable(name: str) -> str:
    """Return a name that can be printed whatever bytes it was made of, at most 80 characters."""
    name = name.encode("utf-8", "backslashreplace").decode()
    return name if len(name) <= 80 else f"{name[:38]}…{name[-41:]}"


class Source(ABC):
    """A set of encoded pictures, each known by a name: its path inside, with forward slashes.

    Attributes:
        kind: "folder", "zip" or "lmdb".
        path: Where it lies.
        file: The one file that holds an archive or a database.
        names: All pictures chosen, in order. Read from the disk when it is first asked for.
        ignored: (name, why) of what was left out.
        left_out: How many files of which ending are no pictures, known when `names` is.
        label: Says which pictures `only` has chosen.
    """

    kind = ""

    def __init__(self, path: str | Path):
        self.path = self.file = Path(path)
        self.ignored: list[tuple[str, str]] = []
        self.left_out: Counter[str] = Counter()
        self.label = ""
        self._stamp = ""
        self._choose: Callable[[list[str]], list[str]] | None = None

    @cached_property
    def names(self) -> list[str]:
        """Every picture chosen, sorted by its own name, and by its folder where those are equal.

        The key of a picture in an LSUN database is its own name. So the same pictures come in
        the same order from a database, nested folders and archives with or without a folder on
        top. Raises BadSource when there is none.
        """
        names = sorted(self._list(), key=lambda name: (stem(name), name))
        if not names:
            left_out = self._left_out_words()
            raise BadSource(both(
                f"{self.path} 里没有找到图片（{self.kind}）。请检查路径；认得的文件后缀："
                f"{' '.join(sorted(PICTURES))}。{left_out[0]}",
                f"No pictures were found in {self.path} ({self.kind}). Check the path; the file "
                f"endings known are {' '.join(sorted(PICTURES))}. {left_out[1]}".rstrip()))
        return self._choose(names) if self._choose else names

    def __len__(self) -> int:
        return len(self.names)

    def about_left_out(self) -> str:
        """Say in both languages how many files of which kinds are not taken; "" for none."""
        if not self.names or not self.left_out:
            return ""
        zh, en = self._left_out_words()
        return both(f"{self.path}：{zh}", f"{self.path}: {en}")

    def _left_out_words(self) -> tuple[str, str]:
        if not self.left_out:
            return "", ""
        common = sorted(self.left_out.items(), key=lambda item: (-item[1], item[0]))[:6]
        more_zh, more_en = ("等", ", ...") if len(self.left_out) > 6 else ("", "")
        zh = "，".join(f"{n:,} 个{f' {end}' if end else '没有后缀的'}" for end, n in common)
        en = ", ".join(f"{n:,} {end or 'without an ending'}" for end, n in common)
        zh, en = f"没有读取：{zh}{more_zh}。", f"left out: {en}{more_en}."
        if TO_CONVERT & self.left_out.keys():
            zh += ("HEIC、JPEG XL 和相机的原始文件要先转成 JPEG 或 PNG，例如用 ImageMagick："
                   "magick mogrify -format jpg *.heic。")
            en += (" HEIC, JPEG XL and raw files of cameras have to be converted to JPEG or PNG "
                   "first, with ImageMagick for example: magick mogrify -format jpg *.heic.")
        return zh, en

    def _pictures(self, names: Iterable[str], start: Callable[[str], bytes]) -> list[str]:
        """Return those files that are pictures, and count what else could be one.

        Only a file without an ending is opened: the first bytes, from `start`, tell.
        """
        pictures = []
        for name in names:
            if is_picture(name):
                pictures.append(name)
            elif _hidden(name) or (end := ending(name)) in NOTES:
                pass
            elif not end and BEGINNING.match(start(name)):
                pictures.append(name)
            else:
                self.left_out[end] += 1
        return pictures

    def has_pictures(self) -> bool:
        """Tell whether a folder holds pictures; an archive is not opened for that."""
        return True

    def only(self, choose: Callable[[list[str]], list[str]], label: str,
             stamp: str = "") -> "Source":
        """Return this source cut down to some of its pictures.

        Args:
            choose: From the sorted list of all names to those to keep.
            label: Says which selection this is.
            stamp: Changes when the selection itself does.
        """
        part = copy(self)
        vars(part).pop("names", None)
        part.ignored, part.left_out = list(self.ignored), Counter(self.left_out)
        part.label, part._stamp = f"{self.label} {label}".strip(), self._stamp + stamp
        before = self._choose
        part._choose = choose if before is None else lambda names: choose(before(names))
        return part

    def fingerprint(self) -> str:
        """Return a code that changes when a picture is added, removed or changed.

        It is made of names, sizes and times of change; no picture is read. In a folder of more
        than `MANY` pictures it is made of the names alone, so that opening a large set does not
        ask the disk for each of its files.
        """
        code = hashlib.sha256(f"{self.kind} {self.label} {self._stamp}".encode())
        for line in self._state():
            code.update(line.encode("utf-8", "surrogatepass") + b"\0")
        return code.hexdigest()

    @abstractmethod
    def reader(self) -> AbstractContextManager[Callable[[str], bytes]]:
        """Open the source; gives a function from a name to bytes, for any number of threads."""

    def read(self, name: str) -> bytes:
        """Return the bytes of one picture; for many, `reader` keeps the source open."""
        with self.reader() as read:
            return read(name)

    @abstractmethod
    def _list(self) -> list[str]:
        """Return the names of all pictures."""

    def _state(self) -> list[str]:
        """Return lines that change when the pictures do; here: size and time of one file."""
        about = self.file.stat()
        return [f"{about.st_size} {about.st_mtime_ns}"]


class Folder(Source):
    """Pictures in a folder and the folders in it, to any depth; links are followed, once."""

    kind = "folder"

    @cached_property
    def _found(self) -> list[str]:
        def cannot_open(problem: OSError) -> None:
            if Path(problem.filename) == self.path:
                raise BadSource(both(
                    f"打不开文件夹 {self.path}：{problem.strerror}。请检查访问权限。",
                    f"The folder {self.path} cannot be opened: {problem.strerror}. "
                    "Check its permissions.")) from problem
            self.ignored.append((f"{os.path.relpath(problem.filename, self.path)}/",
                                 f"打不开 / cannot be opened: {problem.strerror}"))

        found, seen = [], set()
        for folder, folders, files in os.walk(self.path, onerror=cannot_open, followlinks=True):
            about = os.stat(folder)
            if (about.st_dev, about.st_ino) in seen:  # a link back to a folder above
                folders.clear()
                continue
            seen.add((about.st_dev, about.st_ino))
            folders[:] = sorted(name for name in folders if not _hidden(name))
            below = Path(folder).relative_to(self.path)
            found += [(below / name).as_posix() for name in sorted(files)]
        return self._pictures(found, self._start)

    def _start(self, name: str) -> bytes:
        try:
            if not (self.path / name).is_file():  # opening a pipe would wait for ever
                return b""
            with open(self.path / name, "rb") as file:
                return file.read(LONGEST_BEGINNING)
        except OSError:
            return b""

    def has_pictures(self):
        """See Source."""
        return bool(self._found)

    @contextmanager
    def reader(self):
        """See Source."""
        yield lambda name: (self.path / name).read_bytes()

    def _list(self):
        return self._found

    def _state(self):
        if len(self._found) > MANY:
            return self._found
        lines = []
        for name in self._found:
            with suppress(OSError):  # a broken link: it is found unreadable later
                about = os.stat(self.path / name)
                name += f" {about.st_size} {about.st_mtime_ns}"
            lines.append(name)
        return lines


class Zip(Source):
    """Pictures in a zip archive."""

    kind = "zip"

    @cached_property
    def _members(self) -> dict[str, str]:
        """From the name of each picture to the name the archive calls it by."""
        try:
            archive = zipfile.ZipFile(self.path)
        except (zipfile.BadZipFile, EOFError, ValueError, NotImplementedError) as problem:
            raise _damaged(self.path, problem) from problem
        members = {}
        with archive:
            for info in archive.infolist():
                name = inside(info.filename)
                if info.is_dir():
                    continue
                if name is None:
                    self.ignored.append((info.filename,
                                         "路径指向外面 / its path leads out of the archive"))
                elif stat.S_ISLNK(info.external_attr >> 16):
                    self.ignored.append((info.filename, "是链接 / a link"))
                else:
                    members[name] = info.filename
            if any(name.endswith("data.mdb") for name in members):
                raise BadSource(both(
                    f"{self.path} 里装的是 LSUN 数据库。请先解压，再给出含有 data.mdb 的文件夹。",
                    f"{self.path} holds an LSUN database. Unpack it, and give the folder that has "
                    "data.mdb."))

            def start(name: str) -> bytes:
                try:
                    with archive.open(members[name]) as file:
                        return file.read(LONGEST_BEGINNING)
                except Exception:  # encrypted, damaged, packed in a way that is not known
                    return b""
            return {name: members[name] for name in self._pictures(members, start)}

    @contextmanager
    def reader(self):
        """See Source."""
        members, one_at_a_time = self._members, threading.Lock()
        with zipfile.ZipFile(self.path) as archive:
            def read(name: str) -> bytes:
                info = archive.getinfo(members[name])
                if info.file_size > MOST_FILE_BYTES:
                    raise BadSource(f"{name} has {info.file_size:,} bytes; that is no picture")
                with one_at_a_time:
                    return archive.read(info)
            yield read

    def _list(self):
        return list(self._members)


class Lmdb(Source):
    """Pictures in an LSUN database: a folder with `data.mdb`, from keys to encoded pictures."""

    kind = "lmdb"

    def __init__(self, path):
        super().__init__(path)
        self.file = self.path / "data.mdb"

    @contextmanager
    def _transaction(self):
        import lmdb  # needed by few
        try:  # without a lock file: nothing is written where the database lies
            with lmdb.open(str(self.path), readonly=True, lock=False, readahead=False) as database:
                needed = (database.info()["last_pgno"] + 1) * database.stat()["psize"]
                if needed > self.file.stat().st_size:  # reading on would kill the process
                    raise EOFError("it ends in the middle")
                with database.begin() as transaction:
                    yield transaction
        except (lmdb.Error, EOFError) as problem:
            raise _damaged(self.file, problem) from problem

    @contextmanager
    def reader(self):
        """See Source."""
        one_at_a_time = threading.Lock()  # a transaction is for one thread at a time
        with self._transaction() as transaction:
            def read(name: str) -> bytes:
                with one_at_a_time:
                    return transaction.get(name.encode("utf-8", "surrogateescape"))
            yield read

    def _list(self):
        with self._transaction() as transaction, transaction.cursor() as cursor:
            return [key.decode("utf-8", "surrogateescape")
                    for key in cursor.iternext(keys=True, values=False)]


def inside(name: str) -> str | None:
    """Return a member's name with forward slashes, or None when it leads out of the archive."""
    name = name.replace("\\", "/")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if name.startswith("/") or ".." in parts or (parts and parts[0].endswith(":")):
        return None
    return "/".join(parts)


def _damaged(path: Path, problem: object) -> BadSource:
    return BadSource(both(
        f"压缩包不完整或已损坏：{path}（{problem}）。多半是下载中断了，请重新下载后再试。",
        f"Incomplete or damaged archive: {path} ({problem}). Most likely the download broke off; "
        "download it again."))


def open_source(path: str | Path) -> Source:
    """Return the pictures at `path`: a folder, a zip archive or an LSUN database.

    A zip is known by its first bytes, whatever it is called. Only looks at what is there;
    nothing is written.

    Raises:
        FileNotFoundError: There is nothing.
        BadSource: It is none of these, is cut short, is a tar archive, which must be unpacked
            first, or a web page saved under the name of an archive.
    """
    path = Path(path).expanduser()
    if not path.exists():
        raise FileNotFoundError(both(f"没有这个文件或文件夹：{path}。请检查路径。",
                                     f"There is no such file or folder: {path}. Check the path."))
    if path.is_dir():
        return Lmdb(path) if (path / "data.mdb").is_file() else Folder(path)
    if path.name == "data.mdb":
        return Lmdb(path.parent)
    with open(path, "rb") as file:
        start = file.read(512)
    if start.lstrip()[:1] == b"<":
        raise BadSource(both(
            f"{path} 是一个网页，不是压缩包：下载时网站多半回了一个提示页（例如下载次数已满）。"
            "请删掉它，用浏览器重新下载。",
            f"{path} is a web page and no archive: the site probably answered with a notice, such "
            "as a full download quota. Delete it and download again in a browser."))
    if start.startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00")) or tarfile.is_tarfile(path):
        unpack = f'tar xf "{path}" -C "{path.parent}"'
        raise BadSource(both(
            f"{path} 是 tar 压缩包，要先解压，再给出得到的文件夹：{unpack}",
            f"{path} is a tar archive and has to be unpacked first, to give the folder that comes "
            f"out of it: {unpack}"))
    if start.startswith((b"PK\x03\x04", b"PK\x05\x06")) or zipfile.is_zipfile(path):
        return Zip(path)
    raise BadSource(both(
        f"认不出 {path} 是什么。可以是：图片文件夹、zip 或 LSUN 的 lmdb 文件夹。",
        f"{path} is of no known kind. It may be a folder of pictures, a zip or an LSUN lmdb "
        "folder."))


# ---- which pictures to take ----

def subset(source: Source, part: float) -> Source:
    """Return the source cut down to a part of its pictures, 0 < part <= 1.

    Each picture's own name is hashed, and the pictures with the smallest codes are taken. That
    looks random, yet the same pictures give the same tenth in every layout and on every
    machine, and a tenth lies within a fifth.

    Raises:
        ValueError: `part` is out of range.
    """
    if not 0 < part <= 1:
        raise ValueError(both(f"subset 必须大于 0，不超过 1（0.1 就是 10 %），收到 {part}。",
                              f"subset must be above 0 and at most 1 (0.1 is 10 %), got {part}."))
    if part == 1:
        return source

    def code(name: str) -> bytes:
        own = stem(name).encode("utf-8", "surrogatepass")
        return hashlib.blake2b(own, digest_size=8).digest()

    def choose(names: list[str]) -> list[str]:
        count = max(1, round(part * len(names)))
        chosen = set(sorted(names, key=lambda name: (code(name), name))[:count])
        return [name for name in names if name in chosen]
    return source.only(choose, f"subset={part:g}")


def from_list(source: Source, path: str | Path, part: float = 1.0) -> Source:
    """Return the pictures that a files.csv names; write the file first when there is none.

    Each line is `name,0`, as in the course's sources: a name, from the folder of the pictures
    on, and a label that nobody uses. A name may leave out the folders in front when that is
    clear. Where no file is, one is written with a part of the pictures, see `subset`.

    Raises:
        ValueError: The list names pictures that are not there.
    """
    path = Path(path).expanduser()
    if not path.exists():
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(
            (name, 0) for name in subset(source, part).names)
        write_atomically(path, text.getvalue().encode("utf-8", "surrogateescape"))
    content = path.read_bytes()
    return source.only(lambda names: _on_list(names, content, path), f"files={path.resolve()}",
                       hashlib.sha256(content).hexdigest())


def _on_list(names: list[str], content: bytes, path: Path) -> list[str]:
    """Return those of the names that are on the list, in the order of the names."""
    text = content.decode("utf-8-sig", "surrogateescape")
    listed = [row[0].strip().replace("\\", "/") for row in csv.reader(io.StringIO(text)) if row]
    # A picture may be called by its full name, or by its last part where only one has it.
    times = Counter(_base(name) for name in names)
    called = {_base(name): name for name in names if times[_base(name)] == 1}
    called.update({name: name for name in names})
    found = [called.get(name) or called.get(_base(name)) for name in listed]
    missing = [name for name, picture in zip(listed, found, strict=True) if picture is None]
    if len(listed) > 1 and missing == listed[:1] and "." not in listed[0]:
        missing = []  # it is a line of headings
    if missing or not listed:
        some = ", ".join(map(printable, missing[:3])) + (", ..." if len(missing) > 3 else "")
        raise ValueError(both(
            f"{path} 列出了 {len(listed)} 张图片，其中 {len(missing)} 张这里没有："
            f"{some}。请检查数据文件夹；要重新生成列表，请先移走这个文件。",
            f"{path} lists {len(listed)} pictures, {len(missing)} of which are not here: "
            f"{some}. Check the data folder; to make the list anew, move this file away."))
    wanted = set(found)
    return [name for name in names if name in wanted]
