"""From the bytes of picture files to small uint8 arrays: one picture, or many in threads."""

import contextlib
import io
import random
import warnings
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from PIL import Image, ImageOps
from tqdm import tqdm

from gan_lessons.data.sources import Source, stem
from gan_lessons.runtime import cores

MOST_PIXELS = 80_000_000  # as many as 240 MB hold; the largest cameras' pictures still pass
CROPS = ("centre", "random")
WHOLE = "whole"  # no crop: pictures of different widths and heights, the short side the same
LONGEST = 8  # times the short side; of an even longer picture the middle is kept
WAITING = 8  # pictures per thread that are decoded ahead: a set may be larger than the memory
# Only formats of pictures: some others would start helper programs. JPEG 2000 and AVIF are
# not in every Pillow.
Image.init()
FORMATS = [name for name in ("JPEG", "MPO", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "TGA",
                             "JPEG2000", "AVIF") if name in Image.OPEN]


class UnreadablePicture(ValueError):
    """The bytes are no picture that can be decoded; says why in a few words, Chinese / English."""


def decode(raw: bytes, size: int, crop: str = "centre", *, seed: int = 0,
           name: str = "") -> np.ndarray:
    """Decode one picture and scale it down.

    The largest square is cut out and resized with an antialiased bilinear filter. That is
    torchvision's Resize and CenterCrop, which round the long side and the window to whole pixels
    and may lie half a pixel beside. The picture is turned as its EXIF note says; what is
    transparent becomes white; of an animation the first frame is taken; 16 bits become 8.

    Args:
        raw: The bytes of the file.
        size: What the short side becomes, in pixels.
        crop: "centre"; "random", from a place that `seed` and the picture's own name decide;
            or "whole", which cuts nothing.
        seed: For crop="random".
        name: The picture's name, for crop="random".

    Returns:
        uint8 RGB, (3, size, size); with crop="whole" (3, height, width), the smaller is `size`.

    Raises:
        UnreadablePicture: It is no picture, is cut short, or would be too large in memory.
    """
    if not raw:
        raise UnreadablePicture("空文件 / an empty file")
    try:
        picture = _upright_rgb(_opened(raw, size))
        if crop == WHOLE:
            box, shape = _whole(picture.size, size)
        else:
            box, shape = _square(picture.size, crop, seed, name), (size, size)
        small = picture.resize(shape, Image.Resampling.BILINEAR, box=box)
    except UnreadablePicture:
        raise
    except Exception as problem:  # fed garbage, a decoder fails in every way there is
        raise UnreadablePicture(
            f"图片不完整或已损坏 / incomplete or damaged: {problem}") from problem
    return np.ascontiguousarray(np.asarray(small).transpose(2, 0, 1))


def size_and_kind(raw: bytes) -> tuple[str, str]:
    """Read a picture's header and return its size and kind, such as "178x218" and "JPEG RGB".

    Raises:
        UnreadablePicture: As `decode`.
    """
    if not raw:
        raise UnreadablePicture("空文件 / an empty file")
    picture = _opened(raw, 0)
    return f"{picture.width}x{picture.height}", f"{picture.format} {picture.mode}"


def each_picture(source: Source, work: Callable, *, workers: int | None = None,
                 progress: bool = True) -> Iterator:
    """Read every picture of a source and do some work on it, in threads.

    Pillow reads, decodes and resizes outside Python's lock, so that threads use every core.

    Args:
        source: The pictures.
        work: A function of (bytes, name=...).
        workers: How many threads; one per core unless given.
        progress: Show a progress bar when it takes longer than a second.

    Yields:
        What `work` returned, in the order of the names; an UnreadablePicture where it raised.
    """
    def work_on(name: str):
        try:
            return work(read(name), name=name)
        except UnreadablePicture as problem:
            return problem
        except Exception as problem:  # gone, no permission, a damaged or encrypted member
            return UnreadablePicture(f"读不出来 / cannot be read: {problem}")

    names = source.names
    workers = workers or cores()
    pool = ThreadPoolExecutor(workers)
    with source.reader() as read, warnings.catch_warnings(), tqdm(
            total=len(names), desc="decoding", unit="img", delay=1, leave=False,
            disable=not progress) as bar:
        warnings.simplefilter("ignore")  # Pillow's remarks on odd files are not the learner's
        waiting = deque()
        try:
            for name in names:
                waiting.append(pool.submit(work_on, name))
                if len(waiting) > WAITING * workers:
                    yield waiting.popleft().result()
                    bar.update()
            while waiting:
                yield waiting.popleft().result()
                bar.update()
        finally:
            pool.shutdown(cancel_futures=True)


def _opened(raw: bytes, size: int) -> Image.Image:
    try:
        picture = Image.open(io.BytesIO(raw), formats=FORMATS)
    except Image.UnidentifiedImageError as problem:
        raise UnreadablePicture("不是图片 / not a picture") from problem
    except Image.DecompressionBombError as problem:
        raise UnreadablePicture(
            "像素太多，没有解码 / over 100 million pixels, over the limit of "
            f"{MOST_PIXELS:,}; not decoded") from problem
    pixels = picture.width * picture.height
    if pixels > MOST_PIXELS:  # known from the header: nothing has been decoded yet
        raise UnreadablePicture(
            f"像素太多，没有解码 / {picture.width}x{picture.height} = {pixels:,} pixels, over the "
            f"limit of {MOST_PIXELS:,}; not decoded")
    # A JPEG can be decoded at 1/2, 1/4 or 1/8. At twice the size wanted nothing visible is lost.
    if size:
        picture.draft(None, (2 * size, 2 * size))
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


def _square(shape: tuple[int, int], crop: str, seed: int, name: str) -> tuple[float, ...]:
    """Return the largest square in a picture: left, top, right, bottom."""
    width, height = shape
    side = min(width, height)
    along = 0.5 if crop == "centre" else random.Random(f"{seed} {stem(name)}").random()
    left, top = (width - side) * along, (height - side) * along
    return left, top, left + side, top + side


def _whole(shape: tuple[int, int], size: int) -> tuple[tuple[float, ...], tuple[int, int]]:
    """Return what to keep, (left, top, right, bottom), and its new width and height."""
    short = min(shape)
    kept = [min(side, LONGEST * short) for side in shape]
    left, top = ((side - keep) / 2 for side, keep in zip(shape, kept, strict=True))
    width, height = (round(keep * size / short) for keep in kept)
    return (left, top, left + kept[0], top + kept[1]), (width, height)
