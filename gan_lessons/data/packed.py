"""Pictures inside one file: zip and tar archives, and LSUN's lmdb databases.

Nothing is ever unpacked under the names an archive gives: members are read in memory.
"""

import os
import shutil
import stat
import tarfile
import zipfile
import zlib
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

from gan_lessons.data.source_base import (
    MOST_FILE_BYTES,
    BadSource,
    Source,
    is_picture,
)
from gan_lessons.util import both

LINK = ("是链接", "a link")
OUTSIDE = ("路径指向压缩包外面", "its path leads out of the archive")
STRANGE = ("不是普通文件", "not a plain file")


def damaged(path: Path, problem: object) -> BadSource:
    """Return the error for an archive that is cut short or broken."""
    return BadSource(both(
        f"压缩包不完整或已损坏：{path}（{problem}）。多半是下载中断了，请重新下载后再试。",
        f"Incomplete or damaged archive: {path} ({problem}). Most likely the download broke off; "
        "download it again."))


def inside(name: str) -> str | None:
    """Return a member's name with forward slashes, or None when it leads out of the archive."""
    name = name.replace("\\", "/")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if name.startswith("/") or ".." in parts or (parts and parts[0].endswith(":")):
        return None
    return "/".join(parts)


def _limited(name: str, size: int) -> None:
    if size > MOST_FILE_BYTES:
        raise BadSource(both(f"{name} 有 {size:,} 字节，不会是一张图片。",
                             f"{name} has {size:,} bytes; that is no picture."))


class Zip(Source):
    """Pictures in a zip archive."""

    kind = "zip"

    @cached_property
    def _members(self) -> dict[str, str]:
        """From the name of each plain file to the name the archive calls it by."""
        members = {}
        try:
            with zipfile.ZipFile(self.path) as archive:
                listed = archive.infolist()
        except (zipfile.BadZipFile, EOFError, ValueError, NotImplementedError) as problem:
            raise damaged(self.path, problem) from problem
        for info in listed:
            name = inside(info.filename)
            if info.is_dir():
                continue
            if name is None:
                self._ignore(info.filename, *OUTSIDE)
            elif stat.S_ISLNK(info.external_attr >> 16):
                self._ignore(info.filename, *LINK)
            else:
                members[name] = info.filename
        return members

    def _list(self):
        if any(name.endswith("data.mdb") for name in self._members):
            raise BadSource(both(
                f"{self.path} 里装的是 LSUN 数据库。请先解压，再给出含有 data.mdb 的文件夹。",
                f"{self.path} holds an LSUN database. Unpack it, and give the folder that has "
                "data.mdb."))
        return [name for name in self._members if is_picture(name)]

    def other(self, base: str) -> bytes | None:
        """See Source; in whatever folder of the archive."""
        return _other(self, base, self._members)

    @contextmanager
    def reader(self):
        """See Source."""
        members = self._members
        with zipfile.ZipFile(self.path) as archive:
            def read(name: str) -> bytes:
                info = archive.getinfo(members[name])
                _limited(name, info.file_size)
                return archive.read(info)
            yield read


class Tar(Source):
    """Pictures in a tar archive, plain or compressed.

    A plain archive is indexed once and then read at any place. A compressed one can only be
    read from its start, so it is indexed by reading it through; `unpack` first makes a plain
    copy of it, which is then read in its stead.
    """

    kind = "tar"

    def __init__(self, path):
        super().__init__(path)
        self._plain = self.path
        with open(self.path, "rb") as file:
            self._packing = packing(file.read(6))

    @property
    def is_packed(self) -> bool:
        """Tell whether the archive is compressed and no plain copy of it is at hand."""
        return bool(self._packing) and self._plain == self.path

    @cached_property
    def _members(self) -> dict[str, tuple[int, int]]:
        """From the name of each plain file to where its bytes begin and how many they are."""
        members, end = {}, 0
        try:
            with self._open() as archive:
                while (info := archive.next()) is not None:
                    archive.members.clear()  # three million of them would fill the memory
                    end = max(end, info.offset_data + (info.size if info.isreg() else 0))
                    name = inside(info.name)
                    if info.isdir():
                        continue
                    if name is None:
                        self._ignore(info.name, *OUTSIDE)
                    elif info.issym() or info.islnk():
                        self._ignore(info.name, *LINK)
                    elif not info.isreg() or info.issparse():
                        self._ignore(info.name, *STRANGE)
                    else:
                        members[name] = (info.offset_data, info.size)
                self._check_end(archive, end)
        except (tarfile.TarError, EOFError, OSError, zlib.error) as problem:
            if isinstance(problem, (FileNotFoundError, PermissionError)):
                raise
            raise damaged(self.path, problem) from problem
        return members

    def _open(self):
        return tarfile.open(self._plain, "r:" if not self.is_packed else f"r:{self._packing}")

    def _check_end(self, archive, end: int) -> None:
        """Raise EOFError unless the last file is whole and the zeros that end a tar follow it."""
        archive.fileobj.seek(end + -end % 512)
        if archive.fileobj.read(512) != bytes(512):
            raise EOFError("it ends in the middle")

    def _list(self):
        return [name for name in self._members if is_picture(name)]

    def other(self, base: str) -> bytes | None:
        """See Source; in whatever folder of the archive."""
        return _other(self, base, self._members)

    def unpack(self, target: Path) -> None:
        """Write a plain copy of a compressed archive to `target`, to be read in its stead.

        Raises BadSource when the archive is cut short; nothing is left at `target` then.
        """
        half = target.with_name(f"{target.name}.part")
        try:
            with self._open() as archive, open(half, "wb") as plain:
                archive.fileobj.seek(0)
                shutil.copyfileobj(archive.fileobj, plain, 1024**2)
            os.replace(half, target)
        except (tarfile.TarError, EOFError, zlib.error) as problem:
            raise damaged(self.path, problem) from problem
        finally:
            half.unlink(missing_ok=True)
        self.use_plain(target)

    def use_plain(self, target: Path) -> None:
        """Read from `target`, a plain copy that `unpack` made."""
        self._plain = target

    def unpacked_bytes(self) -> int:
        """Return how many bytes a plain copy takes at least; none when it is not needed."""
        if not self.is_packed:
            return 0
        return max((offset + size for offset, size in self._members.values()), default=0)

    @contextmanager
    def reader(self):
        """See Source."""
        members = self._members
        with (self._open() if self.is_packed else open(self._plain, "rb")) as opened:
            file = opened.fileobj if self.is_packed else opened

            def read(name: str) -> bytes:
                offset, size = members[name]
                _limited(name, size)
                file.seek(offset)
                return file.read(size)
            yield read

    def _reading_order(self):
        return sorted(self.names, key=self._members.get)


class Lmdb(Source):
    """Pictures in an LSUN database: a folder with `data.mdb`, from keys to encoded pictures."""

    kind = "lmdb"

    def _file(self):
        return self.path / "data.mdb"

    @contextmanager
    def _transaction(self):
        import lmdb  # needed by few
        try:  # without a lock file: nothing is written where the database lies
            with lmdb.open(str(self.path), readonly=True, lock=False, readahead=False) as database:
                needed = (database.info()["last_pgno"] + 1) * database.stat()["psize"]
                if needed > self._file().stat().st_size:  # reading on would kill the process
                    raise EOFError("it ends in the middle")
                with database.begin() as transaction:
                    yield transaction
        except (lmdb.Error, EOFError) as problem:
            raise damaged(self._file(), problem) from problem

    def _list(self):
        with self._transaction() as transaction, transaction.cursor() as cursor:
            return [key.decode("utf-8", "surrogateescape")
                    for key in cursor.iternext(keys=True, values=False)]

    @contextmanager
    def reader(self):
        """See Source."""
        with self._transaction() as transaction:
            yield lambda name: transaction.get(name.encode("utf-8", "surrogateescape"))


def _other(source: Source, base: str, members) -> bytes | None:
    name = next((name for name in members if name.rpartition("/")[2] == base), None)
    return None if name is None else source.read(name)


def packing(start: bytes) -> str:
    """Return how a file that starts so is compressed: "gz", "bz2", "xz" or "" for not at all."""
    marks = {b"\x1f\x8b": "gz", b"BZh": "bz2", b"\xfd7zXZ\x00": "xz"}
    return next((name for mark, name in marks.items() if start.startswith(mark)), "")
