"""Whole pictures in the cache, and the squares cut from them."""

import os

import numpy as np
import pytest
import torch
from packing import as_folder, encoded, waves

from gan_lessons.data import cache, decode
from gan_lessons.data.cache import Windows
from gan_lessons.data.sources import open_source


def shapes(n=7):
    """Return (height, width) of pictures: wide, tall and square ones."""
    return [[(32, 48), (50, 32), (32, 32)][i % 3] for i in range(n)]


@pytest.fixture
def folder(tmp_path, cache):
    """Seven pictures whose short side is 32."""
    files = {f"{i}.png": encoded(waves(i, *shape)) for i, shape in enumerate(shapes())}
    return as_folder(tmp_path / "pictures", files)


def picture(i):
    return torch.from_numpy(waves(i, *shapes()[i])).permute(2, 0, 1)


def test_the_ends_and_the_middle_of_a_picture_are_cut_exactly(folder):
    windows = Windows.of(open_source(folder), 32, progress=False)
    place = torch.tensor([0.0, 0.5, 1.0])
    for i, (height, width) in enumerate(shapes()):
        cut = windows.cut(torch.tensor([i, i, i]), place, place)
        for got, top, left in zip(cut, (0, (height - 31) // 2, height - 32),
                                  (0, (width - 31) // 2, width - 32), strict=True):
            assert torch.equal(got, picture(i)[:, top:top + 32, left:left + 32])


def test_every_place_is_about_equally_likely(folder):
    windows = Windows.of(open_source(folder), 32, progress=False)
    n = 17 * 400
    row, column = torch.rand(2, n, generator=torch.Generator().manual_seed(0))
    cut = windows.cut(torch.zeros(n, dtype=torch.int64), row, column)  # 32x48: 17 places
    whole = picture(0)
    count = [sum(torch.equal(one, whole[:, :, left:left + 32]) for one in cut[:1700])
             for left in range(17)]
    assert sum(count) == 1700
    assert min(count) > 60 and max(count) < 140


def test_a_set_is_decoded_once(folder, monkeypatch):
    first = Windows.of(open_source(folder), 32, progress=False)
    monkeypatch.setattr(cache, "decode", None)
    again = Windows.of(open_source(folder), 32, progress=False)
    assert torch.equal(first.pixels, again.pixels) and again.names == first.names


def test_a_cache_cut_short_is_built_again(folder):
    good = Windows.of(open_source(folder), 32, progress=False).pixels.clone()
    path = cache.cache_file(open_source(folder), 32, whole=True)
    os.truncate(path, path.stat().st_size - 5)
    assert torch.equal(Windows.of(open_source(folder), 32, progress=False).pixels, good)


def test_unreadable_pictures_are_skipped_and_named(folder, capsys):
    (folder / "3.png").write_bytes(b"no picture")
    windows = Windows.of(open_source(folder), 32, progress=False)
    assert windows.names == [f"{i}.png" for i in (0, 1, 2, 4, 5, 6)]
    cut = windows.cut(torch.tensor([3]), torch.zeros(1), torch.zeros(1))
    assert torch.equal(cut[0], picture(4)[:, :32, :32])
    said = capsys.readouterr().out
    assert "3.png" in said and "跳过" in said


def test_whole_pictures_and_squares_do_not_share_a_cache(folder):
    squares = cache.cached(open_source(folder), 32, progress=False)
    Windows.of(open_source(folder), 32, progress=False)
    assert squares.images.shape == (7, 3, 32, 32)
    assert cache.cached(open_source(folder), 32, progress=False).images.shape == (7, 3, 32, 32)


def test_of_a_very_long_picture_the_middle_is_kept():
    ribbon = np.zeros((4, 400, 3), np.uint8)
    ribbon[:, 184:216] = 255
    whole = decode.decode(encoded(ribbon), 4, whole=True)
    assert whole.shape == (3, 4, 4 * decode.LONGEST)
    assert (whole == 255).all()


def test_the_short_side_becomes_the_size_asked_for():
    assert decode.decode(encoded(waves(0, 90, 60)), 20, whole=True).shape == (3, 30, 20)
    assert decode.decode(encoded(waves(0, 10, 15)), 20, whole=True).shape == (3, 20, 30)
