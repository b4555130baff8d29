"""A download that survives a bad line: it goes on where it stopped, and checks what it got.

While it is under way, the bytes lie in NAME.part, and NAME.part.json says which version of the
file they belong to. The file gets its name only when it is complete and has been checked.
"""

import contextlib
import errno
import hashlib
import http.client
import json
import os
import shutil
import sys
import time
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from tqdm import tqdm

from gan_lessons.data.locking import locked
from gan_lessons.util import both, megabytes, write_atomically

CHUNK = 1 << 20
SPARE = 50_000_000
"""Bytes that stay free on the disk."""
BUSY = (408, 425, 429, 500, 502, 503, 504)
"""Answers of a server that may do better in a moment."""


class DownloadFailed(OSError):
    """A file could not be fetched. The message says why, what was kept and what to do next."""


class _Interrupted(Exception):
    """The line was cut or the server is busy: worth another try."""


def download(url: str, path: str | Path, *, size: int | None = None, sha256: str | None = None,
             tries: int = 5, pause: float = 1.0) -> Path:
    """Fetch `url` to `path` and return it; a file that is there already is left as it is.

    What an earlier run left in `path`.part is used when the server still has the same file and
    can send the rest (HTTP Range), else the download starts afresh. A broken line is tried again,
    after `pause` seconds, then twice as long, ...; `tries` breaks at the same byte end it.
    Ctrl-C leaves the part behind, and the same call goes on from there. A second process that
    wants the same file waits for the first.

    `size` in bytes and `sha256` are what the file must have. One with the right size and the
    wrong sum is not accepted; it is kept as `path`.wrong, and the next call starts afresh.

    Raises DownloadFailed; FileExistsError when `path` is there with another size, or `path`.part
    is there and is not ours.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = path.with_name(f".{path.name}.lock")
    try:
        with locked(lock):
            if path.exists():
                return _as_it_is(path, size)
            part = path.with_name(f"{path.name}.part")
            _fetch_patiently(url, part, size, tries, pause)
            _check(part, path, size, sha256)
            os.replace(part, path)
            _note_of(part).unlink(missing_ok=True)
            return path
    finally:
        with contextlib.suppress(OSError):  # Windows: another process is waiting for it
            lock.unlink()


def need_space(folder: Path, wanted: int) -> None:
    """Raise DownloadFailed when the disk that holds `folder` has no room for `wanted` bytes."""
    free = shutil.disk_usage(folder).free
    if wanted + SPARE > free:
        raise DownloadFailed(both(
            f"磁盘空间不够：还需要 {megabytes(wanted)}，{folder} 只剩 {megabytes(free)}。"
            "请腾出空间，或用 --root 换一个文件夹，再运行一次。",
            f"Not enough disk space: {megabytes(wanted)} more are needed and {folder} has "
            f"{megabytes(free)} free. Make room, or choose another folder with --root, and run "
            "again."))


def _fetch_patiently(url: str, part: Path, size: int | None, tries: int, pause: float) -> None:
    """Ask the server until the part is complete; DownloadFailed when it gets no further."""
    farthest, failures = _length(part), 0
    while True:
        try:
            if _fetch(url, part, size):
                return
        except _Interrupted as problem:
            failures = 1 if _length(part) > farthest else failures + 1
            farthest = max(farthest, _length(part))
            if failures >= tries:
                raise DownloadFailed(_gave_up(url, part, problem)) from problem
            wait = pause * 2 ** (failures - 1)
            print(f"{problem}: 再试 / trying again, {wait:.0f} s", file=sys.stderr)
            time.sleep(wait)


def _fetch(url: str, part: Path, size: int | None) -> bool:
    """Ask the server once for what is missing; tell whether the part is now complete."""
    have, note = _resumable(url, part)
    if have and have == note["total"]:
        return True  # killed between the last byte and the check
    headers = {"User-Agent": "gan-lessons", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
        if note["version"]:
            headers["If-Range"] = note["version"]  # a changed file is sent whole
    try:
        with urlopen(Request(url, headers=headers), timeout=30) as answer:
            return _receive(answer, url, part, have, note, size)
    except HTTPError as problem:
        if problem.code == 416:  # the file on the server is shorter than what we have
            _drop(part)
        if problem.code in (416, *BUSY):
            raise _Interrupted(f"HTTP {problem.code}") from problem
        raise DownloadFailed(_refused(url, problem)) from problem
    except (URLError, ConnectionError, TimeoutError, http.client.HTTPException) as problem:
        raise _Interrupted(_words(problem)) from problem


def _receive(answer, url: str, part: Path, have: int, note: dict, size: int | None) -> bool:
    """Write what the server sends behind what is there; tell whether that was all of it."""
    version = _version(answer)
    if answer.status == 206:
        start, total = _range_sent(answer)
        if (start, total, version) != (have, note["total"], note["version"]):
            _drop(part)
            raise _Interrupted("the file on the server has changed")
    else:
        have, total = 0, _number(answer.headers["Content-Length"])
    if answer.headers.get_content_type() == "text/html" or (size and total not in (None, size)):
        raise DownloadFailed(_something_else(url, part, answer, size, total))
    expected = total or size
    if not have:
        _drop(part)
    need_space(part.parent, (expected or 0) - have)
    if not have:
        note = {"url": url, "total": total, "version": version}
        write_atomically(_note_of(part), json.dumps(note).encode())
    with open(part, "ab") as file, tqdm(
            desc=part.stem, initial=have, total=expected, unit="B", unit_scale=True) as bar:
        while chunk := _read(answer):
            _write(file, chunk)
            bar.update(len(chunk))
    if expected and _length(part) < expected:
        raise _Interrupted(f"{_length(part):,} / {expected:,} bytes")
    return True


def _read(answer) -> bytes:
    try:
        return answer.read1(CHUNK)  # what is there; read() would wait for a full chunk
    except (OSError, http.client.HTTPException) as problem:
        raise _Interrupted(_words(problem)) from problem


def _write(file, chunk: bytes) -> None:
    try:
        file.write(chunk)
        file.flush()
    except OSError as problem:
        full = problem.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", None))
        why = ("磁盘已满", "the disk is full") if full else (f"写不进去（{problem}）", str(problem))
        raise DownloadFailed(both(
            f"下载停在一半：{why[0]}。已下载的部分留在 {file.name}；"
            "处理好之后再运行一次，会接着下载。",
            f"The download stopped half-way: {why[1]}. What has come is kept in {file.name}; put "
            "that right and run again, and it goes on from there.")) from problem


def _check(part: Path, path: Path, size: int | None, sha256: str | None) -> None:
    """Refuse a complete part that is not what it should be; it is then kept under `.wrong`."""
    found = _length(part)
    if size and found != size:
        problem = ("大小", "size", f"{size:,}", f"{found:,}")
    elif sha256 and (sum_found := _sha256(part)) != sha256:
        problem = ("SHA-256", "SHA-256", sha256, sum_found)
    elif path.exists():  # put there by somebody else in the meantime
        raise FileExistsError(_in_the_way(path))
    else:
        return
    wrong = path.with_name(f"{path.name}.wrong")
    os.replace(part, wrong)
    _drop(part)
    raise DownloadFailed(both(
        f"下载的文件不对：{problem[0]} 应为 {problem[2]}，实为 {problem[3]}。没有采用，"
        f"留在 {wrong}，可以删掉。再运行一次会从头下载。",
        f"The downloaded file is not the right one: its {problem[1]} should be {problem[2]} and "
        f"is {problem[3]}. It was not accepted; it is kept as {wrong}, which can be deleted. "
        "Running again starts from the beginning."))


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file, tqdm(desc="SHA-256", total=_length(path), unit="B",
                                        unit_scale=True, leave=False) as bar:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            bar.update(len(chunk))
    return digest.hexdigest()


# The part and the note beside it

def _note_of(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _resumable(url: str, part: Path) -> tuple[int, dict]:
    """Return how many bytes of `url` the part holds, and the note on which version they are."""
    try:
        note = json.loads(_note_of(part).read_bytes())
        if note["url"] == url:
            return _length(part), {"total": note["total"], "version": note["version"]}
    except (OSError, ValueError, KeyError, TypeError) as problem:
        if part.exists():  # some other program's: a browser names its downloads like that too
            raise FileExistsError(_in_the_way(part)) from problem
    return 0, {"total": None, "version": None}


def _drop(part: Path) -> None:
    part.unlink(missing_ok=True)
    _note_of(part).unlink(missing_ok=True)


def _length(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


# What the server says of the file

def _version(answer) -> str | None:
    """Return what tells this version of the file from another; a weak ETag (W/) does not."""
    etag = answer.headers["ETag"]
    return etag if etag and not etag.startswith("W/") else answer.headers["Last-Modified"]


def _range_sent(answer) -> tuple[int | None, int | None]:
    """Return where the bytes sent begin, and the size of the whole: `bytes 10-99/100`."""
    span, _, total = (answer.headers["Content-Range"] or "").removeprefix("bytes ").partition("/")
    return _number(span.partition("-")[0]), _number(total)


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() else None


# Messages

def _as_it_is(path: Path, size: int | None) -> Path:
    if not path.is_file() or (size and path.stat().st_size != size):
        raise FileExistsError(_in_the_way(path))
    return path


def _in_the_way(path: Path) -> str:
    return both(f"{path} 已经存在，但不是要下载的那个文件。没有动它；请把它移走再运行一次。",
                f"{path} exists and is not the file to be downloaded. It was left as it is; move "
                "it away and run again.")


def _refused(url: str, problem: HTTPError) -> str:
    missing = problem.code in (404, 410)
    return both(
        f"下载失败：{url}\n  服务器回答 {problem.code}（"
        + ("那里已经没有这个文件" if missing else "不允许下载")
        + "）。请稍后再试，或照说明手动下载。",
        f"Download failed: {url}\n  The server answered {problem.code} ("
        + ("the file is no longer there" if missing else "it does not allow the download")
        + "). Try again later, or download by hand as described.")


def _something_else(url: str, part: Path, answer, size: int | None, total: int | None) -> str:
    page = answer.headers.get_content_type() == "text/html"
    zh = "一个网页" if page else f"{total:,} 字节，应为 {size:,} 字节"
    en = "a web page" if page else f"{total:,} bytes instead of {size:,}"
    return both(
        f"服务器给的不是要的文件：{url}\n  收到的是{zh}。可能要先登录网络，也可能文件已被换掉。"
        f"没有保存；{part} 里若有下载了一半的内容，也没有动。",
        f"The server sends something else: {url}\n  It sends {en}. Perhaps this network asks you "
        "to log in first, or the file was replaced. Nothing was saved, and what may lie "
        f"half-downloaded in {part} was left alone.")


def _gave_up(url: str, part: Path, problem: Exception) -> str:
    kept = _length(part)
    return both(
        f"下载多次中断：{url}\n  最后一次：{problem}。\n"
        + (f"  已下载的 {megabytes(kept)} 留在 {part}；" if kept else "  什么也没有收到；")
        + "请检查网络，再运行一次同样的命令，会接着下载。",
        f"The download kept breaking off: {url}\n  The last time: {problem}.\n"
        + (f"  The {megabytes(kept)} that came are kept in {part}. " if kept else
           "  Nothing was received. ")
        + "Check the network and run the same command again; it goes on from there.")


def _words(problem: Exception) -> str:
    return str(problem) or type(problem).__name__
