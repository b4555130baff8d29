"""From the bytes of picture files to small uint8 arrays: one picture, or many in threads."""

import contextlib
import io
import math
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from PIL import Image, ImageOps

from gan_lessons.data.sources import Source
from gan_lessons.progress import bar as progress_bar
from gan_lessons.runtime import cores

MOST_PIXELS = 80_000_000  # as many as 240 MB hold; the largest cameras' pictures still pass
LONGEST = 8  # times the short side; of an even longer picture the middle is kept
CHUNK = 32  # pictures that a thread takes at a time: handing them out one by one costs a quarter
AT_ONCE = 4  # chunks per thread that are handed out at once: not all pictures fit in memory
# Only formats of pictures: some others would start helper programs. JPEG 2000 and AVIF are
# not in every Pillow.
Image.init()
FORMATS = [name for name in ("JPEG", "MPO", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "TGA",
                             "JPEG2000", "AVIF") if name in Image.OPEN]


class UnreadablePicture(ValueError):
    """The bytes are no picture that can be decoded; says why in a few words, Chinese / English."""


def decode(raw: bytes, size: int, whole: bool = False) -> np.ndarray:
    """Decode the bytes of one picture and scale it down.

    The square in the middle is cut out and resized with an antialiased bilinear filter. That is
    torchvision's Resize and CenterCrop, which round the long side and the window to whole pixels
    and may lie half a pixel beside. The picture is turned as its EXIF note says; what is
    transparent becomes white; of an animation the first frame is taken; 16 bits become 8.

    Returns:
        uint8 RGB, (3, size, size); with `whole` nothing is cut off: (3, height, width), of which
        the smaller is `size`.

    Raises:
        UnreadablePicture: It is no picture, is cut short, or would be too large in memory.
    """
    try:
        picture = _opened(raw)
        # A JPEG can be decoded at 1/2, 1/4 or 1/8. At twice the size nothing visible is lost.
        picture.draft(None, (2 * size, 2 * size))
        picture = _upright_rgb(picture)
        short = min(picture.size)
        kept = [min(side, LONGEST * short) if whole else short for side in picture.size]
        left, top = [(side - keep) / 2 for side, keep in zip(picture.size, kept, strict=True)]
        small = picture.resize([round(keep * size / short) for keep in kept],
                               Image.Resampling.BILINEAR,
                               box=(left, top, left + kept[0], top + kept[1]))
    except UnreadablePicture:
        raise
    except Exception as problem:  # fed garbage, a decoder fails in every way there is
        raise UnreadablePicture(
            f"图片不完整或已损坏 / incomplete or damaged: {problem}") from problem
    return np.ascontiguousarray(np.asarray(small).transpose(2, 0, 1))


def _opened(raw: bytes) -> Image.Image:
    """Read the header of a picture; nothing is decoded yet."""
    if not raw:
        raise UnreadablePicture("空文件 / an empty file")
    try:
        picture = Image.open(io.BytesIO(raw), formats=FORMATS)
        pixels = picture.width * picture.height
    except Image.UnidentifiedImageError as problem:
        raise UnreadablePicture("不是图片 / not a picture") from problem
    except Image.DecompressionBombError:
        pixels = math.inf  # more than Pillow itself allows
    if pixels > MOST_PIXELS:
        raise UnreadablePicture(
            f"像素太多，没有解码 / {pixels:,} pixels, over the limit of {MOST_PIXELS:,}; "
            "not decoded")
    return picture


def _upright_rgb(picture: Image.Image) -> Image.Image:
    """Decode a picture, turn it as its camera was held, and make it RGB."""
    picture.load()
    with contextlib.suppress(Exception):  # a broken note on how the camera was held
        ImageOps.exif_transpose(picture, in_place=True)
    if picture.mode.startswith("I") or picture.mode == "F":
        return _from_deep(picture).convert("RGB")
    if picture.has_transparency_data:
        clear = picture.convert("RGBA")
        white = Image.new("RGBA", clear.size, "white")
        return Image.alpha_composite(white, clear).convert("RGB")
    return picture.convert("RGB")


def _from_deep(picture: Image.Image) -> Image.Image:
    """Scale 16-bit greys to 8 bits; Pillow's own conversion would cut them off at 255."""
    values = np.asarray(picture)
    if picture.mode == "F" or values.min() < 0 or values.max() > 65535:
        raise UnreadablePicture(f"灰度范围不明 / greys of an unknown range ({picture.mode})")
    return Image.fromarray(np.round(values / 257).astype(np.uint8))


def size_and_kind(raw: bytes) -> tuple[str, str]:
    """Return what a picture's header says of its size and kind: "178x218" and "JPEG RGB"."""
    picture = _opened(raw)
    return f"{picture.width}x{picture.height}", f"{picture.format} {picture.mode}"


def each_picture(source: Source, work: Callable, progress: bool = True) -> Iterator:
    """Read every picture of a source and do some work on it, in one thread per core.

    Pillow reads, decodes and resizes outside Python's lock, so that threads use every core.

    Args:
        source: The pictures.
        work: A function of the bytes of a picture.
        progress: Show a progress bar when it takes longer than a second.

    Yields:
        What `work` returned, in the order of the names; an UnreadablePicture where it raised.
    """
    def work_on(name: str):
        try:
            return work(read(name))
        except UnreadablePicture as problem:
            return problem
        except Exception as problem:  # gone, no permission, a damaged or encrypted member
            return UnreadablePicture(f"读不出来 / cannot be read: {problem}")

    names, pictures_at_once = source.names, CHUNK * AT_ONCE * cores()
    with (source.reader() as read, ThreadPoolExecutor(cores()) as pool,
          warnings.catch_warnings(),
          progress_bar(total=len(names), desc="decoding", unit="img", delay=1,
                       disable=not progress) as bar):
        warnings.simplefilter("ignore")  # Pillow's remarks on odd files are not the learner's
        for start in range(0, len(names), pictures_at_once):
            some = names[start:start + pictures_at_once]
            chunks = [some[i:i + CHUNK] for i in range(0, len(some), CHUNK)]
            for results in pool.map(lambda chunk: [work_on(name) for name in chunk], chunks):
                yield from results
                bar.update(len(results))
