"""From the bytes of any picture file to a small uint8 square."""

import contextlib
import io
import random
import warnings

import numpy as np
from PIL import Image, ImageOps

from gan_lessons.data.source_base import stem

MOST_PIXELS = 80_000_000  # as many as 240 MB hold; the largest cameras' pictures still pass
CROPS = ("centre", "random")
WHOLE = "whole"  # no crop: pictures of different widths and heights, the short side the same
LONGEST = 8  # times the short side; of an even longer picture the middle is kept
# Only formats of pictures: some others would start helper programs. JPEG 2000 and AVIF are
# not in every Pillow.
Image.init()
FORMATS = [name for name in ("JPEG", "MPO", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "TGA",
                             "JPEG2000", "AVIF") if name in Image.OPEN]


class UnreadablePicture(ValueError):
    """The bytes are no picture that can be decoded. `zh` and `en` say why, in a few words."""

    def __init__(self, zh: str, en: str):
        super().__init__(f"{zh}\n{en}")
        self.zh, self.en = zh, en


def decode(raw: bytes, size: int, crop: str = "centre", *, seed: int = 0,
           name: str = "") -> np.ndarray:
    """Return the picture in `raw` as uint8 RGB, (3, size, size), or whole.

    The largest square in the picture is cut out, from the centre or, with crop="random", from
    a place that `seed` and the picture's own name decide, and resized with an antialiased
    bilinear filter: the short side becomes `size`. That is torchvision's Resize and CenterCrop,
    which round the long side and the window to whole pixels and may lie half a pixel beside.
    With crop="whole" nothing is cut: (3, height, width), of which the smaller is `size`.
    Turned as its EXIF note says; what is transparent becomes white; of an animation the first
    frame is taken; 16 bits become 8.

    Raises UnreadablePicture when it is none, is cut short, or would be too large in memory.
    """
    if not raw:
        raise UnreadablePicture("空文件", "an empty file")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's remarks on odd files are not the learner's
        try:
            picture = _to_rgb(_turned(_opened(raw, size)))
            if crop == WHOLE:
                box, shape = _whole(picture.size, size)
            else:
                box, shape = _square(picture.size, crop, seed, name), (size, size)
            small = picture.resize(shape, Image.Resampling.BILINEAR, box=box)
        except UnreadablePicture:
            raise
        except Exception as problem:  # fed garbage, a decoder fails in every way there is
            raise UnreadablePicture(f"图片不完整或已损坏：{problem}",
                                    f"incomplete or damaged: {problem}") from problem
    return np.ascontiguousarray(np.asarray(small).transpose(2, 0, 1))


def _opened(raw: bytes, size: int) -> Image.Image:
    try:
        picture = Image.open(io.BytesIO(raw), formats=FORMATS)
    except Image.UnidentifiedImageError as problem:
        raise UnreadablePicture("不是图片", "not a picture") from problem
    except Image.DecompressionBombError as problem:
        raise _too_large("1 亿多", "over 100 million") from problem
    pixels = picture.width * picture.height
    if pixels > MOST_PIXELS:  # known from the header: nothing has been decoded yet
        raise _too_large(f"{picture.width}x{picture.height} = {pixels:,}",
                         f"{picture.width}x{picture.height} = {pixels:,}")
    # A JPEG can be decoded at 1/2, 1/4 or 1/8. At twice the size wanted nothing visible is lost.
    picture.draft(None, (2 * size, 2 * size))
    return picture


def _too_large(zh: str, en: str) -> UnreadablePicture:
    return UnreadablePicture(f"{zh} 像素，超过上限 {MOST_PIXELS:,}，没有解码",
                             f"{en} pixels, over the limit of {MOST_PIXELS:,}; not decoded")


def _turned(picture: Image.Image) -> Image.Image:
    picture.load()
    with contextlib.suppress(Exception):  # a broken note on how the camera was held
        ImageOps.exif_transpose(picture, in_place=True)
    return picture


def _to_rgb(picture: Image.Image) -> Image.Image:
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
        raise UnreadablePicture(f"灰度范围不明（{picture.mode}）",
                                f"greys of an unknown range ({picture.mode})")
    return Image.fromarray(np.round(values / 257).astype(np.uint8))


def _square(shape: tuple[int, int], crop: str, seed: int, name: str) -> tuple[float, ...]:
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
