"""python -m gan_lessons data get: fetch a set, or say exactly how to fetch it by hand."""

import importlib.util
import os
import sys
import tempfile
from pathlib import Path

from torchvision.datasets import CelebA
from torchvision.datasets.utils import check_integrity, download_file_from_google_drive

from gan_lessons.commands.arguments import FAILED, MISUSED, NAMES, in_words
from gan_lessons.commands.known import default_root
from gan_lessons.data import cards, lsun_zip
from gan_lessons.data.download import DownloadFailed, download
from gan_lessons.data.folders import CELEBA, below, celeba_help, lsun_help
from gan_lessons.data.mnist_files import mnist, where
from gan_lessons.data.packed import damaged
from gan_lessons.util import both

CELEBA_FILES = ("img_align_celeba.zip", "list_eval_partition.txt")
"""What the course needs of CelebA; the archive is read as it is."""


def get(name: str, root: str | None = None, split: str = "train") -> int:
    """Fetch the set called `name` into `root` and return the exit code.

    Raises OSError and ValueError with what to do next.
    """
    if name not in NAMES:
        print(both(f"没有叫 {name!r} 的数据。可以下载：{', '.join(NAMES)}。",
                   f"There is no set called {name!r}. These can be fetched: {', '.join(NAMES)}."),
              file=sys.stderr)
        return MISUSED
    place = Path(root).expanduser() if root else default_root()
    if name == "mnist":
        return _mnist(root)
    if name == "celeba":
        return _celeba(place)
    return _official(place, split) if name == "lsun-bedroom" else _sample(place)


def _mnist(root: str | None) -> int:
    if root:  # data.mnist() would not look there
        print(both("MNIST 总是放在缓存里，不用 --root；要换地方，请设环境变量 GAN_LESSONS_CACHE。",
                   "MNIST goes into the cache, without --root; to put it elsewhere, set "
                   "GAN_LESSONS_CACHE."), file=sys.stderr)
        return MISUSED
    if where():
        return _already(where() / "MNIST" / "raw", "data.mnist()")
    pictures = mnist()
    pictures.card()
    return _done(where() / "MNIST" / "raw", "data.mnist()")


def _celeba(place: Path) -> int:
    if (source := below(place, CELEBA)) is not None:
        len(source)  # raises BadSource for an archive that is cut short
        return _already(source.path, f"data.celeba({str(place)!r})")
    print(cards.CELEBA)
    try:
        _from_google_drive(place / "celeba")
    except Exception as problem:  # Google Drive and what talks to it fail in many ways
        print(both(f"自动下载没有成功：{_first_line(problem)}",
                   f"The automatic download did not succeed: {_first_line(problem)}"),
              celeba_help(place), sep="\n", file=sys.stderr)
        return FAILED
    return _done(place / "celeba", f"data.celeba({str(place)!r})")


def _from_google_drive(folder: Path) -> None:
    """Fetch CelebA's archive and partition as torchvision would, each checked by its MD5."""
    if importlib.util.find_spec("gdown") is None:
        raise OSError("缺少 gdown / gdown is missing: python -m pip install gdown")
    drive = {name: (code, md5) for code, md5, name in CelebA.file_list}
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as half_way:  # a broken one leaves no trace
        for name in CELEBA_FILES:
            if (folder / name).exists():
                if not check_integrity(folder / name, drive[name][1]):
                    raise damaged(folder / name, "MD5")
                continue
            code, md5 = drive[name]
            download_file_from_google_drive(code, half_way, name, md5)
            os.rename(Path(half_way) / name, folder / name)


def _official(place: Path, split: str) -> int:
    folder = place / f"bedroom_{split}_lmdb"
    use = f"data.lsun_bedrooms({str(folder)!r})"
    if (folder / "data.mdb").exists():
        return _already(folder, use)
    print(cards.LSUN)
    try:
        lsun_zip.official(split, place)
    except DownloadFailed as problem:
        print(in_words(problem), lsun_help(place), sep="\n", file=sys.stderr)
        return FAILED
    print(both(f"压缩包 {folder}.zip 不再需要，可以删掉。",
               f"The archive {folder}.zip is no longer needed and can be deleted."))
    return _done(folder, use)


def _sample(place: Path) -> int:
    path = place / "bedroom.tgz"
    use = f"data.lsun_bedrooms({str(path)!r})"
    archive = lsun_zip.SAMPLE
    if path.exists() and path.stat().st_size == archive.size:
        return _already(path, use)
    print(cards.LSUN)
    try:
        download(archive.url, path, size=archive.size)
    except DownloadFailed as problem:
        print(in_words(problem), lsun_help(place), sep="\n", file=sys.stderr)
        return FAILED
    return _done(path, use)


def _already(path: Path, use: str) -> int:
    print(both(f"已经有了：{path}\n  这样使用：{use}",
               f"It is here already: {path}\n  Use it: {use}"))
    return 0


def _done(path: Path, use: str) -> int:
    print(both(f"下载好了：{path}\n  这样使用：{use}",
               f"It is here now: {path}\n  Use it: {use}"))
    return 0


def _first_line(problem: Exception) -> str:
    return (str(problem).strip().splitlines() or [type(problem).__name__])[0]
