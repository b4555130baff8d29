"""From the bytes of a picture to a small square: every mode, and what is no picture."""

import io
import struct
import zlib

import numpy as np
import pytest
import torch
from packing import (
    ADOBE_RGB,
    DISPLAY_P3,
    SRGB,
    colour_profile,
    deep_png,
    deep_tiff,
    encoded,
    png_chunk,
    waves,
)
from PIL import Image, ImageCms
from torchvision.transforms.v2 import functional as tv

from gan_lessons.data import decode as decoding
from gan_lessons.data.decode import LONGEST, UNUSABLE, UnreadablePicture, white_of

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


# ---- 16 bits ----

def test_white_is_the_most_that_the_bits_in_use_hold():
    highest = [0, 255, 256, 1023, 1024, 4095, 4096, 16383, 16384, 65535]
    assert [white_of(value) for value in highest] == [
        255, 255, 1023, 1023, 4095, 4095, 16383, 16383, 65535, 65535]


@pytest.mark.parametrize("white", [1023, 4095, 16383, 65535])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_sixteen_bits_are_scaled_by_the_white_of_the_set(white, channels):
    colour_of = np.array([white // 2, white // 5, white // 4])[:1 if channels < 3 else 3]
    opaque = [65535] * (channels in (2, 4))
    raw = deep_png(np.tile(np.append(colour_of, opaque), (6, 6, 1)))
    expected = np.resize(255 * colour_of / white, 3)
    assert near(colour(raw, white=white), expected, 1)
    highest = decoding.decode(raw, 4).highest
    assert white_of(highest) == white_of(colour_of.max())
    # What is clear becomes white:
    if opaque:
        clear = deep_png(np.tile(np.append(colour_of, 0), (6, 6, 1)))
        assert colour(clear, white=white) == [255] * 3


def test_grey_tiffs_count_their_bits_too():
    for deep in (np.full((6, 6), 2048, np.uint16), np.full((6, 6), 2048, ">u2")):
        raw = encoded(deep, "TIFF")
        assert colour(raw, white=4095) == [128] * 3
        assert decoding.decode(raw, 4).highest == 2048


def test_of_colours_in_a_tiff_the_upper_bits_are_scaled():
    raw = deep_tiff(np.full((6, 6, 3), [2048, 1024, 4095]))
    assert near(colour(raw), [8, 4, 16], 1)
    assert near(colour(raw, white=4095), [128, 64, 239], 1)
    assert decoding.decode(raw, 4).highest == 4095


def test_formats_that_state_their_white_are_left_alone():
    raw = b"P5 4 4 65535\n" + np.full(16, 2048, ">u2").tobytes()
    assert colour(raw) == colour(raw, white=4095) == [8] * 3
    assert decoding.decode(raw, 4).highest == 0
    assert colour(b"P5 4 4 4095\n" + np.full(16, 2048, ">u2").tobytes()) == [128] * 3


def test_eight_bits_do_not_count_as_sixteen():
    for raw in (encoded(RED), encoded(RED.convert("L")), encoded(RED, "TIFF"), encoded(RED, "BMP")):
        assert decoding.decode(raw, 4).highest == 0
        assert np.array_equal(decode(raw, 4), decode(raw, 4, white=255))


# ---- colour profiles ----

GREEN = Image.new("RGB", (8, 8), (40, 200, 60))


@pytest.mark.parametrize("name, primaries, gamma, expected", [
    ("Adobe RGB (1998)", ADOBE_RGB, 563 / 256, [0, 201, 37]),
    ("Display P3", DISPLAY_P3, None, [0, 204, 12])])
def test_colours_of_other_profiles_become_srgb(name, primaries, gamma, expected):
    profile = colour_profile(name, primaries, gamma)
    for kind in ("PNG", "TIFF", "WEBP", "JPEG"):
        raw = encoded(GREEN, kind, icc_profile=profile)
        assert near(colour(raw), expected, 2 if kind in ("PNG", "TIFF") else 8)
        assert decoding.decode(raw, 4).profile == name
    # White, black and greys stay; a palette is converted, too:
    for grey in (0, 90, 255):
        raw = encoded(Image.new("RGB", (8, 8), (grey,) * 3), icc_profile=profile)
        assert near(colour(raw), [grey] * 3, 1)
    palette = encoded(GREEN.quantize(4), icc_profile=profile)
    assert near(colour(palette), expected, 2)


def test_pictures_in_srgb_stay_as_they_are_to_the_bit():
    picture = waves(2, 40, 40)
    plain = decode(encoded(picture), 40)
    for profile in (colour_profile("sRGB", SRGB), colour_profile("its twin", SRGB),
                    ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()):
        seen = decoding.decode(encoded(picture, icc_profile=profile), 40)
        assert np.array_equal(seen.pixels, plain) and seen.profile == ""


def test_profiles_that_cannot_be_used_are_ignored_and_counted():
    p3 = colour_profile("Display P3", DISPLAY_P3)
    for profile in (b"junk", p3[:200], p3[:16] + b"Lab " + p3[20:], colour_profile("grey")):
        seen = decoding.decode(encoded(GREEN, icc_profile=profile), 4)
        assert seen.pixels[:, 0, 0].tolist() == [40, 200, 60] and seen.profile == UNUSABLE
    cmyk = GREEN.convert("CMYK")
    seen = decoding.decode(encoded(cmyk, "TIFF", icc_profile=p3), 4)
    assert np.array_equal(seen.pixels, decode(encoded(cmyk, "TIFF"), 4))
    assert seen.profile == UNUSABLE


@pytest.mark.parametrize("mode", ["L", "LA"])
def test_greys_have_profiles_too(mode):
    picture = Image.new("L", (8, 8), 128).convert(mode)
    linear = encoded(picture, icc_profile=colour_profile("linear light", gamma=1))
    assert near(colour(linear), [188] * 3, 1)  # sRGB of half the light
    assert decoding.decode(linear, 4).profile == "linear light"
    for profile in (colour_profile("sRGB grey"), colour_profile("sRGB", SRGB)):
        seen = decoding.decode(encoded(picture, icc_profile=profile), 4)
        assert seen.pixels[:, 0, 0].tolist() == [128] * 3 and seen.profile == ""


# ---- what is no picture ----

def png_header(width, height):
    return (b"\x89PNG\r\n\x1a\n"
            + png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
            + png_chunk(b"IDAT", zlib.compress(bytes(1000))) + png_chunk(b"IEND", b""))


@pytest.mark.parametrize("shape", [(20_000, 20_000), (10_000, 8_001)])
def test_a_bomb_is_refused_by_its_header(shape):
    with pytest.raises(UnreadablePicture, match="over the limit of 80,000,000; not decoded"):
        decode(png_header(*shape), 64)


@pytest.mark.parametrize("raw, message", [
    (b"", "an empty file"), (b"hello, I am a text", "not a picture"),
    (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a picture"),
    (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC, to be converted to JPEG or PNG first"),
    (b"\xff\x0a" + bytes(20), "JPEG XL, to be converted to JPEG or PNG first"),
    (b"\xff\xd8\xff\xe0" + bytes(50), "(not a picture|damaged)"),
    (encoded(waves(), "JPEG")[:900], "incomplete or damaged"),
    (encoded(waves())[:200], "incomplete or damaged"), (png_header(30, 30), "damaged")])
def test_what_cannot_be_read_says_why(raw, message):
    with pytest.raises(UnreadablePicture, match=message) as problem:
        decode(raw, 64)
    assert "\u4e00" <= str(problem.value)[0] <= "\u9fff"  # in both languages
