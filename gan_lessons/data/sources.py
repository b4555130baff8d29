"""Where pictures come from: `open_source` recognises what lies at a path."""

import os
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

from gan_lessons.data.packed import Lmdb, Tar, Zip, packing
from gan_lessons.data.source_base import BadSource, Source, in_order, is_picture, printable, stem
from gan_lessons.util import both

__all__ = ["BadSource", "Folder", "Lmdb", "Source", "Tar", "Zip", "in_order", "is_picture",
           "open_source", "printable", "stem"]


class Folder(Source):
    """Pictures in a folder and the folders in it, to any depth; links are followed, once."""

    kind = "folder"

    @cached_property
    def _files(self) -> dict[str, tuple[int, int]]:
        """From each picture's name to its size and time of change."""
        files = {}
        for name, entry in self._walk(self.path, "", set()):
            try:
                about = entry.stat()
            except OSError:
                self._ignore(name, "链接断了", "a broken link")
                continue
            files[name] = (about.st_size, about.st_mtime_ns)
        return files

    def _walk(self, folder, above: str, seen: set) -> Iterator[tuple[str, os.DirEntry]]:
        try:
            here = os.stat(folder)
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as problem:
            if not above:
                raise BadSource(both(f"打不开文件夹 {folder}：{problem.strerror}。请检查访问权限。",
                                     f"The folder {folder} cannot be opened: {problem.strerror}. "
                                     "Check its permissions.")) from problem
            self._ignore(above, f"打不开：{problem.strerror}",
                         f"cannot be opened: {problem.strerror}")
            return
        if (here.st_dev, here.st_ino) in seen:  # a link back to a folder above
            return
        seen.add((here.st_dev, here.st_ino))
        for entry in entries:
            if entry.is_dir():
                if not entry.name.startswith(".") and entry.name != "__MACOSX":
                    yield from self._walk(entry.path, f"{above}{entry.name}/", seen)
            elif is_picture(entry.name):
                yield above + entry.name, entry

    def other(self, base):
        """See Source; in this folder or the two above it."""
        folder = self.path.absolute()
        places = [place / base for place in (folder, folder.parent, folder.parent.parent)]
        return next((place.read_bytes() for place in places if place.is_file()), None)

    def _list(self):
        return list(self._files)

    def _state(self):
        return (f"{name} {size} {time}" for name, (size, time) in sorted(self._files.items()))

    @contextmanager
    def reader(self):
        """See Source."""
        def read(name: str) -> bytes:
            with open(self.path / name, "rb") as file:
                return file.read()
        yield read


def open_source(path: str | Path) -> Source:
    """Return the pictures at `path`: a folder, a zip or tar archive, or an LSUN database.

    An archive may be compressed (.tar.gz, .tgz, .tar.bz2, .tar.xz); it is known by its first
    bytes, whatever it is called. Only looks at what is there; nothing is written.

    Raises FileNotFoundError when there is nothing, BadSource when it is none of these, is cut
    short or is a web page saved under the name of an archive.
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
    if start[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return Zip(path)
    if packing(start) or tarfile.is_tarfile(path):
        return Tar(path)
    if zipfile.is_zipfile(path):
        return Zip(path)
    raise BadSource(both(
        f"认不出 {path} 是什么。可以是：图片文件夹、zip、tar（含 .gz/.bz2/.xz）或 LSUN 的 lmdb "
        "文件夹。",
        f"{path} is of no known kind. It may be a folder of pictures, a zip, a tar (also .gz, "
        ".bz2, .xz) or an LSUN lmdb folder."))

