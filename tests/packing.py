"""Drawn pictures, and ways to pack the same ones: folders, archives, an LSUN database."""

import io
import struct
import tarfile
import zipfile
import zlib
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


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def deep_png(values, turn=1) -> bytes:
    """Return values of 16 bits as a PNG, which Pillow does not write for colours.

    Args:
        values: (height, width, channels), 1 to 4 of them: L, LA, RGB, RGBA.
        turn: The EXIF note on how the camera was held.
    """
    height, width, channels = values.shape
    exif = Image.Exif()
    exif[0x0112] = turn
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)  # 0: no filter
    header = struct.pack(">IIBBBBB", width, height, 16, [0, 4, 2, 6][channels - 1], 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header)
            + png_chunk(b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0"))
            + png_chunk(b"IDAT", zlib.compress(rows)) + png_chunk(b"IEND", b""))


def deep_tiff(values) -> bytes:
    """Return colours of 16 bits, (height, width, 3), as a TIFF without compression."""
    height, width, _ = values.shape
    pixels = values.astype("<u2").tobytes()
    tags = {256: width, 257: height, 258: 8, 259: 1, 262: 2, 273: 14, 277: 3, 278: height,
            279: len(pixels)}  # 258: where the three numbers of bits lie; 273: where the pixels do
    entries = b"".join(struct.pack("<HHII", tag, 3 if tag == 258 else 4, 3 if tag == 258 else 1,
                                   value) for tag, value in tags.items())
    return (b"II*\0" + struct.pack("<I3H", 14 + len(pixels), 16, 16, 16) + pixels
            + struct.pack("<H", len(tags)) + entries + bytes(4))


ADOBE_RGB = [(0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457)]
DISPLAY_P3 = [(0.51512, 0.2412, -0.00105), (0.29198, 0.69225, 0.04189), (0.1571, 0.06657, 0.78407)]
SRGB = [(0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.7141)]


def colour_profile(name: str, primaries=(), gamma: float | None = None) -> bytes:
    """Return a colour profile, ICC version 4: of colours, or of greys without `primaries`.

    Args:
        name: What it is called.
        primaries: XYZ of red, green and blue as seen under D50.
        gamma: The exponent of its curve; sRGB's curve without one.
    """
    def xyz(*numbers):
        return b"XYZ " + struct.pack(">4x3i", *(round(n * 65536) for n in numbers))

    kind, numbers = 0, [gamma]
    if gamma is None:  # sRGB's: a power, and a straight line where it is dark
        kind, numbers = 3, [2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045]
    curve = b"para" + struct.pack(f">4xHxx{len(numbers)}i", kind,
                                  *(round(n * 65536) for n in numbers))
    text = name.encode("utf-16-be")
    title = struct.pack(">4s4xII2s2sII", b"mluc", 1, 12, b"en", b"US", len(text), 28) + text
    tags = {b"desc": title, b"wtpt": xyz(0.9642, 1, 0.8249)}
    for letter, primary in zip("rgb", primaries, strict=False):
        tags |= {f"{letter}XYZ".encode(): xyz(*primary), f"{letter}TRC".encode(): curve}
    if not primaries:
        tags[b"kTRC"] = curve
    table, bodies = struct.pack(">I", len(tags)), b""
    for tag, body in tags.items():
        table += tag + struct.pack(">II", 132 + 12 * len(tags) + len(bodies), len(body))
        bodies += body + bytes(-len(body) % 4)
    header = struct.pack(">I4xI4s4s4s12x4s28x3i48x", 128 + len(table + bodies), 0x04300000, b"mntr",
                         b"RGB " if primaries else b"GRAY", b"XYZ ", b"acsp", 63190, 65536, 54061)
    return header + table + bodies


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
