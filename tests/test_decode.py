"""From the bytes of a picture to a small square: every mode, and what is no picture."""

import io
import struct
import zlib

import numpy as np
import pytest
import torch
from packing import encoded, waves
from PIL import Image
from torchvision.transforms.v2 import functional as tv

from gan_lessons.data import decode as decoding
from gan_lessons.data.decode import LONGEST, UnreadablePicture

RED = Image.new("RGB", (8, 8), (255, 0, 0))


def decode(raw, size, **options):
    return decoding.decode(raw, size, **options).pixels


def colour(raw, size=4, **options):
    """Return the colour of a picture that should have only one."""
    picture = decode(raw, size, **options)
    assert picture.shape == (3, size, size) and picture.dtype == np.uint8
    assert np.ptp(picture.astype(int), axis=(1, 2)).max() <= 2
    return picture[:, 0, 0].tolist()


def near(a, b, by=3):
    return np.abs(np.asarray(a, int) - np.asarray(b, int)).max() <= by


@pytest.mark.parametrize("shape", [(64, 96), (192, 128), (64, 64)])
def test_it_is_torchvisions_resize_and_centre_crop(shape):
    picture = Image.fromarray(waves(0, *shape, length=40))
    theirs = tv.center_crop(tv.resize(picture, 32, antialias=True), [32, 32])
    ours = torch.from_numpy(decode(encoded(picture), 32)).int()
    difference = (ours - tv.pil_to_tensor(theirs).int()).abs()
    assert difference.float().mean() < 1


def test_a_square_picture_is_torchvisions_to_the_bit():
    picture = Image.fromarray(waves(1, 90, 90))
    theirs = tv.pil_to_tensor(tv.resize(picture, [32, 32], antialias=True))
    assert np.array_equal(decode(encoded(picture), 32), theirs.numpy())


def test_a_jpeg_decoded_at_half_size_looks_the_same():
    raw = encoded(waves(0, 256, 320, length=20), "JPEG", quality=75)
    whole = decode(encoded(Image.open(io.BytesIO(raw))), 64)
    assert np.abs(decode(raw, 64).astype(int) - whole).mean() < 1


@pytest.mark.parametrize("mode, expected", [
    ("RGB", [255, 0, 0]), ("L", [76] * 3), ("1", [0] * 3), ("P", [255, 0, 0]),
    ("RGBA", [255, 0, 0]), ("LA", [76] * 3)])
def test_modes_of_png(mode, expected):
    picture = RED.convert("L").point(lambda v: 0).convert("1") if mode == "1" else RED.convert(mode)
    assert near(colour(encoded(picture)), expected)


def test_cmyk():
    assert near(colour(encoded(RED.convert("CMYK"), "JPEG", quality=95)), [254, 0, 0], 6)
    assert near(colour(encoded(RED.convert("CMYK"), "TIFF")), [255, 0, 0])


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_become_eight(kind):
    deep = np.full((6, 6), 30000, np.uint16)
    assert colour(encoded(deep, kind)) == [117] * 3  # 30000 / 257


def test_greys_of_an_unknown_range_are_refused():
    with pytest.raises(UnreadablePicture, match="greys of an unknown range"):
        decode(encoded(Image.new("F", (4, 4), 7.0), "TIFF"), 4)


def test_what_is_transparent_becomes_white():
    assert colour(encoded(Image.new("RGBA", (8, 8), (255, 0, 0, 0)))) == [255] * 3
    assert near(colour(encoded(Image.new("RGBA", (8, 8), (255, 0, 0, 128)))), [255, 127, 127], 1)
    palette = Image.new("P", (8, 8), 0)
    palette.putpalette([0, 0, 255])
    assert colour(encoded(palette, transparency=0)) == [255] * 3


def test_a_photograph_is_turned_as_its_camera_was_held():
    picture = waves(3, 40, 40)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned 90 degrees clockwise to be shown
    turned = decode(encoded(Image.fromarray(picture), exif=exif), 40)
    assert np.array_equal(turned, np.rot90(picture, -1).transpose(2, 0, 1))


def test_of_an_animation_the_first_frame_is_taken():
    frames = [Image.new("RGB", (8, 8), c) for c in ("blue", "red")]
    for kind in ("GIF", "WEBP"):
        raw = encoded(frames[0], kind, save_all=True, append_images=frames[1:])
        assert near(colour(raw), [0, 0, 255], 6)


def test_one_pixel_and_a_thin_line():
    assert colour(encoded(Image.new("RGB", (1, 1), (1, 2, 3))), 64) == [1, 2, 3]
    assert colour(encoded(Image.new("RGB", (1, 50_000), (1, 2, 3))), 64) == [1, 2, 3]


def test_of_a_very_long_picture_the_middle_is_kept():
    ribbon = np.zeros((4, 400, 3), np.uint8)
    ribbon[:, 184:216] = 255
    whole = decode(encoded(ribbon), 4, whole=True)
    assert whole.shape == (3, 4, 4 * LONGEST)
    assert (whole == 255).all()


def test_the_short_side_becomes_the_size_asked_for():
    assert decode(encoded(waves(0, 90, 60)), 20, whole=True).shape == (3, 30, 20)
    assert decode(encoded(waves(0, 10, 15)), 20, whole=True).shape == (3, 20, 30)


# ---- what is no picture ----

def png_header(width, height):
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I",
                                                                        zlib.crc32(kind + body))
    return (b"\x89PNG\r\n\x1a\n"
            + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b""))


@pytest.mark.parametrize("shape", [(20_000, 20_000), (10_000, 8_001)])
def test_a_bomb_is_refused_by_its_header(shape):
    with pytest.raises(UnreadablePicture, match="over the limit of 80,000,000; not decoded"):
        decode(png_header(*shape), 64)


@pytest.mark.parametrize("raw, message", [
    (b"", "an empty file"), (b"hello, I am a text", "not a picture"),
    (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a picture"),
    (b"\xff\xd8\xff\xe0" + bytes(50), "(not a picture|damaged)"),
    (encoded(waves(), "JPEG")[:900], "incomplete or damaged"),
    (encoded(waves())[:200], "incomplete or damaged"), (png_header(30, 30), "damaged")])
def test_what_cannot_be_read_says_why(raw, message):
    with pytest.raises(UnreadablePicture, match=message) as problem:
        decode(raw, 64)
    assert "\u4e00" <= str(problem.value)[0] <= "\u9fff"  # in both languages
