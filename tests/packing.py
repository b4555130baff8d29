"""Drawn pictures, and ways to pack the same ones: folders, archives, an LSUN database."""

import io
import tarfile
import zipfile
from pathlib import Path

import lmdb
import numpy as np
from PIL import Image


def encoded(picture, kind="PNG", **options) -> bytes:
    """Return a Pillow image, or an array, as the bytes of a file."""
    picture = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def waves(seed=0, height=44, width=36, length=9) -> np.ndarray:
    """Return a smooth coloured picture, uint8 (height, width, 3)."""
    y, x = np.mgrid[:height, :width]
    turn = np.arange(3) + seed
    wave = np.sin((x[..., None] * (1 + seed % 3) + y[..., None]) / length + turn)
    return (127 + 120 * wave).astype(np.uint8)


def drawn(n=12) -> dict[str, bytes]:
    """Return `n` pictures by name, most nested as Kaggle's bedrooms are, JPEG and PNG in turn."""
    files = {}
    for i in range(n):
        key = f"{(i * 7919) % 4096:03x}{i:05d}"
        folder = "/".join(key[:3]) if i % 3 else f"more/{key[-1]}"
        picture = waves(i, 40 + i % 5, 40 + i % 7)
        jpeg = i % 2 == 0
        files[f"{folder}/{key}.{'jpg' if jpeg else 'png'}"] = (
            encoded(picture, "JPEG", quality=90) if jpeg else encoded(picture))
    return files


def as_folder(path: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    path.mkdir(exist_ok=True)
    return path


def as_zip(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(f"top/{name}", content)
    return path


def as_tar(path: Path, files: dict[str, bytes], packing="") -> Path:
    with tarfile.open(path, f"w:{packing}") as archive:
        for name, content in reversed(files.items()):
            info = tarfile.TarInfo(f"./{name}")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def as_lmdb(path: Path, files: dict[str, bytes]) -> Path:
    with lmdb.open(str(path), map_size=2**26) as database, database.begin(write=True) as write:
        for name, content in files.items():
            write.put(Path(name).stem.encode(), content)
    return path


PACKERS = {
    "folder": as_folder,
    "zip": lambda path, files: as_zip(path.with_suffix(".zip"), files),
    "lmdb": as_lmdb,
}
