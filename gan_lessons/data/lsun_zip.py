"""The official LSUN bedrooms: where they are, and the database out of its zip archive."""

import os
import shutil
import zipfile
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

from gan_lessons.data.download import CHUNK, download, need_space
from gan_lessons.data.packed import damaged


class Archive(NamedTuple):
    """An archive to be fetched: its address, its size in bytes, its SHA-256."""

    url: str
    size: int
    sha256: str | None


# Sizes and sums as TensorFlow Datasets recorded them (url_checksums/lsun.txt).
OFFICIAL = {
    "train": Archive("http://dl.yf.io/lsun/scenes/bedroom_train_lmdb.zip", 45_922_737_680,
                     "a15644c2e7153106867f0adb3491fc41224102d1f01b24494fb47d9f5d1f174e"),
    "val": Archive("http://dl.yf.io/lsun/scenes/bedroom_val_lmdb.zip", 4_670_661,
                   "5d022e781b241c25ec2e1f1f769afcdb8091d7fd58362667aec03137b8114b12")}
SAMPLE = Archive("https://s3.amazonaws.com/fast-ai-imageclas/bedroom.tgz", 4_579_163_978, None)
"""fast.ai's sample of 303,125 pictures, which its untar_data fetches; no sum is published."""


def official(split: str, root: Path) -> Path:
    """Fetch the official database and return its folder, `root`/bedroom_SPLIT_lmdb.

    The archive stays in `root`: it may be the learner's own.

    Raises DownloadFailed; BadSource for an archive that is not what it should be.
    """
    archive = OFFICIAL[split]
    folder = root / f"bedroom_{split}_lmdb"
    path = download(archive.url, root / f"{folder.name}.zip", size=archive.size,
                    sha256=archive.sha256)
    unpack(path, folder)
    return folder


def unpack(path: Path, folder: Path) -> None:
    """Write the one file of an LSUN archive that matters, data.mdb, to a new `folder`.

    The folder appears when the file is complete; whatever else is in the archive stays there.
    """
    half = folder.with_name(f".{folder.name}.unpacking")
    shutil.rmtree(half, ignore_errors=True)
    try:
        with zipfile.ZipFile(path) as archive:
            info = archive.getinfo(f"{folder.name}/data.mdb")
            need_space(folder.parent, info.file_size)
            half.mkdir()
            with archive.open(info) as packed, open(half / "data.mdb", "wb") as plain, tqdm(
                    desc=f"{folder.name}/data.mdb", total=info.file_size, unit="B",
                    unit_scale=True) as bar:
                while chunk := packed.read(CHUNK):
                    plain.write(chunk)
                    bar.update(len(chunk))
        os.rename(half, folder)
    except (zipfile.BadZipFile, KeyError, EOFError) as problem:
        raise damaged(path, problem) from problem
    finally:
        shutil.rmtree(half, ignore_errors=True)
