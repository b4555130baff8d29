"""From the bytes of picture files to small uint8 arrays: one picture, or many in threads."""

import contextlib
import io
import math
import re
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image, ImageCms, ImageOps
from torchvision.io import ImageReadMode, decode_png

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
DEEP_WHITE = 65535  # of a picture that uses all of its 16 bits
SRGB = ImageCms.createProfile("sRGB")
COLOUR_SPACES = {b"RGB ": "RGB", b"GRAY": "L", b"CMYK": "CMYK"}  # of profiles: Pillow's modes
SAME_COLOUR = 3  # of 255: a profile that moves no colour further is taken for sRGB
UNUSABLE = "unusable"  # a colour profile that is broken or made for another kind of picture


class UnreadablePicture(ValueError):
    """The bytes are no picture that can be decoded; says why in a few words, Chinese / English."""


class Decoded(NamedTuple):
    """A decoded picture, and what its file was like."""

    pixels: np.ndarray  # uint8 RGB, (3, height, width)
    size: str  # of the file: "178x218"
    kind: str  # "JPEG RGB"
    highest: int  # the largest value, rounded up for colours, of 16 bits in a PNG or TIFF; else 0
    profile: str  # name of the colour profile it was converted from, "" for none, or UNUSABLE


def decode(raw: bytes, size: int, whole: bool = False, white: int = DEEP_WHITE) -> Decoded:
    """Decode the bytes of one picture and scale it down.

    The square in the middle is cut out and resized with an antialiased bilinear filter. That is
    torchvision's Resize and CenterCrop, which round the long side and the window to whole pixels
    and may lie half a pixel beside. The picture is turned as its EXIF note says; what is
    transparent becomes white; of an animation the first frame is taken; 16 bits become 8; colours
    of another profile (Display P3, Adobe RGB, a printer's) become sRGB.

    Args:
        raw: The bytes.
        size: The side of the square.
        whole: Cut nothing off: of height and width the smaller is `size`.
        white: The value that becomes 255 in PNGs and TIFFs of 16 bits, see `white_of`.

    Raises:
        UnreadablePicture: It is no picture, is cut short, or would be too large in memory.
    """
    try:
        picture = opened(raw)
        about = f"{picture.width}x{picture.height}", f"{picture.format} {picture.mode}"
        # A JPEG can be decoded at 1/2, 1/4 or 1/8. At twice the size nothing visible is lost.
        picture.draft(None, (2 * size, 2 * size))
        picture, highest, profile = _upright_rgb(picture, raw, white)
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
    pixels = np.ascontiguousarray(np.asarray(small).transpose(2, 0, 1))
    return Decoded(pixels, *about, highest, profile)


def white_of(highest: int) -> int:
    """Return the value of white in a set of 16-bit pictures, from the largest value of them all.

    It is the most that 8, 10, 12, 14 or 16 bits hold: cameras and scanners put 12 bits into
    files of 16, which would come out nearly black.
    """
    return next(2**bits - 1 for bits in (8, 10, 12, 14, 16) if highest < 2**bits)


def opened(raw: bytes) -> Image.Image:
    """Read the header of a picture; nothing is decoded yet."""
    if not raw:
        raise UnreadablePicture("空文件 / an empty file")
    try:
        picture = Image.open(io.BytesIO(raw), formats=FORMATS)
        pixels = picture.width * picture.height
    except Image.UnidentifiedImageError as problem:
        raise UnreadablePicture(_what_it_is(raw)) from problem
    except Image.DecompressionBombError:
        pixels = math.inf  # more than Pillow itself allows
    if pixels > MOST_PIXELS:
        raise UnreadablePicture(
            f"像素太多，没有解码 / {pixels:,} pixels, over the limit of {MOST_PIXELS:,}; "
            "not decoded")
    return picture


def _what_it_is(raw: bytes) -> str:
    """Say what bytes that Pillow does not know are, for those that phones and browsers save."""
    convert = "是 {0}，要先转成 JPEG 或 PNG / {0}, to be converted to JPEG or PNG first"
    if raw[4:12] in (b"ftypheic", b"ftypheix", b"ftyphevc", b"ftypmif1", b"ftypmsf1"):
        return convert.format("HEIC")
    if raw.startswith((b"\xff\x0a", b"\0\0\0\x0cJXL ")):
        return convert.format("JPEG XL")
    return "不是图片 / not a picture"


def _upright_rgb(picture: Image.Image, raw: bytes, white: int) -> tuple[Image.Image, int, str]:
    """Decode a picture, turn it as its camera was held, and make it RGB of 8 bits, in sRGB.

    Returns:
        The picture, and `highest` and `profile` of `Decoded`.
    """
    highest = 0
    # How the values lie in the file, such as "I;16B" or "RGB;16B". Only of these two formats is
    # it not known how many of the 16 bits are used; the others say what is white.
    layout = str([tile[3] for tile in picture.tile])
    deep = picture.format in ("PNG", "TIFF") and re.search(";1[26]", layout)
    picture.load()
    if deep and picture.mode in ("RGB", "RGBA"):  # of which Pillow keeps the upper 8 bits
        highest = 256 * max(high for _, high in picture.convert("RGB").getextrema()) + 255
        if white < DEEP_WHITE:
            picture.paste(_deep_colours(picture, raw, white))
    with contextlib.suppress(Exception):  # a broken note on how the camera was held
        ImageOps.exif_transpose(picture, in_place=True)
    profile = picture.info.get("icc_profile")
    if picture.mode.startswith("I") or picture.mode == "F":
        values = np.asarray(picture)
        if picture.mode == "F" or values.min() < 0 or values.max() > DEEP_WHITE:
            raise UnreadablePicture(f"灰度范围不明 / greys of an unknown range ({picture.mode})")
        if deep:
            highest = int(values.max())
        # Pillow's own conversion would cut them off at 255.
        picture = _scaled(values, white if deep else DEEP_WHITE)
    elif picture.has_transparency_data:
        clear = picture.convert("RGBA")
        on_white = Image.alpha_composite(Image.new("RGBA", clear.size, "white"), clear)
        picture = on_white.convert("L" if picture.mode == "LA" else "RGB")
    name = ""
    if profile:
        picture, name = _in_srgb(picture, profile)
    return picture.convert("RGB"), highest, name


def _scaled(values: np.ndarray, white: int) -> Image.Image:
    """Scale 16-bit values, (height, width) or (height, width, 3), to 8 bits."""
    return Image.fromarray(np.minimum(np.round(values / (white / 255)), 255).astype(np.uint8))


def _deep_colours(picture: Image.Image, raw: bytes, white: int) -> Image.Image:
    """Return a picture with 16 bits for each colour anew, with another white."""
    if picture.format == "PNG":
        data = torch.frombuffer(bytearray(raw), dtype=torch.uint8)
        values = decode_png(data, ImageReadMode.RGB).permute(1, 2, 0).numpy()
    else:  # a TIFF: nothing here reads the lower 8 bits, so that of 12 bits 4 are left
        values = np.asarray(picture.convert("RGB")) * np.uint16(256)
    colours = _scaled(values, white)
    if picture.mode == "RGBA":
        colours.putalpha(picture.getchannel("A"))
    return colours


def _in_srgb(picture: Image.Image, profile: bytes) -> tuple[Image.Image, str]:
    """Convert a picture from its profile to sRGB; also give the `profile` of `Decoded`."""
    mode = COLOUR_SPACES.get(profile[16:20])
    if mode == "RGB" and picture.mode != "CMYK":
        picture = picture.convert("RGB")
    transform, name = None, UNUSABLE
    if mode == picture.mode:
        with contextlib.suppress(Exception):  # a broken profile
            transform, name = _transform(profile, mode)
    if transform:
        picture = ImageCms.applyTransform(picture, transform)
    return picture, name


@lru_cache(maxsize=64)
def _transform(profile: bytes, mode: str) -> tuple[ImageCms.ImageCmsTransform | None, str]:
    """Return the way from a profile to sRGB and its name; None and "" when it is sRGB itself."""
    known = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    transform = ImageCms.buildTransform(
        known, SRGB, mode, "RGB", ImageCms.Intent.RELATIVE_COLORIMETRIC,
        ImageCms.Flags.BLACKPOINTCOMPENSATION)
    if mode != "CMYK":  # sRGB comes under many names, so it is tried on a cube of colours
        steps = np.linspace(0, 255, 9).astype(np.uint8)
        cube = np.stack(np.meshgrid(steps, steps, steps), -1).reshape(9, 81, 3)
        before = Image.fromarray(cube).convert(mode)
        after = ImageCms.applyTransform(before, transform)
        moved = np.asarray(after).astype(int) - np.asarray(before.convert("RGB"))
        if np.abs(moved).max() <= SAME_COLOUR:
            return None, ""
    return transform, ImageCms.getProfileDescription(known).strip() or "?"


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
