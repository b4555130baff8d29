"""The picture cache: built once, whoever is killed, crowded out or disturbed meanwhile."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from packing import (
    ADOBE_RGB,
    DISPLAY_P3,
    PACKERS,
    as_folder,
    colour_profile,
    deep_png,
    drawn,
    encoded,
    waves,
)

from gan_lessons.data import cache
from gan_lessons.data.cache import Windows, cached
from gan_lessons.data.decode import decode
from gan_lessons.data.sources import BadSource, open_source, stem

SIZE = 16
SLOW = 0.02  # seconds that a picture takes in the builders that are killed or waited for


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GAN_LESSONS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "pictures"


@pytest.fixture
def photos(tmp_path):
    return as_folder(tmp_path / "photos", drawn(40))


@pytest.fixture
def log(tmp_path, monkeypatch):
    """A file that gets a line for each picture that is decoded in this process."""
    monkeypatch.setattr(cache, "decode", counting(tmp_path / "decoded"))
    return tmp_path / "decoded"


def build(path, **options):
    return cached(open_source(path), SIZE, progress=False, **options)


def expected(path):
    source = open_source(path)
    return np.stack([decode(source.read(name), SIZE).pixels for name in source.names])


def files_in(folder):
    return sorted(p.suffix for p in folder.rglob("*") if p.is_file() and p.name != "lock")


def counting(log, pause=0.0):
    """Return `decode`, writing a line to `log` at each call."""
    def counted(*arguments, **options):
        with open(log, "a") as file:
            file.write("1\n")
        time.sleep(pause)
        return decode(*arguments, **options)
    return counted


def decoded(log):
    return len(log.read_text().split()) if log.exists() else 0


def builder(photos, log):
    """Start a process that builds the cache slowly; it prints the sum of the pictures."""
    code = textwrap.dedent(f"""
        import sys
        sys.path.insert(0, {os.path.dirname(__file__)!r})
        import test_cache as t
        t.cache.decode = t.counting({str(log)!r}, {SLOW})
        print("sum", t.build({str(photos)!r}).images.sum())
        """)
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)


def wait_for(condition, process):
    deadline = time.time() + 60
    while not condition():
        assert process.poll() is None and time.time() < deadline
        time.sleep(0.005)


# ---- built once ----

@pytest.mark.parametrize("kind", PACKERS)
def test_every_packing_gives_the_identical_array(kind, tmp_path, own_cache):
    files = drawn()
    plain = expected(as_folder(tmp_path / "plain", files))
    made = build(PACKERS[kind](tmp_path / "set", files))
    assert made.images.shape == (12, 3, SIZE, SIZE) and made.images.dtype == np.uint8
    assert np.array_equal(made.images, plain)
    assert [stem(name) for name in made.names] == sorted(map(stem, files))
    assert made.unreadable == []
    assert files_in(own_cache) == [".json", ".u8"]


@pytest.mark.parametrize("kind", PACKERS)
def test_the_second_time_nothing_is_decoded(kind, tmp_path, log):
    path = PACKERS[kind](tmp_path / "set", drawn())
    first = build(path)
    assert decoded(log) == 12
    again = build(path)
    assert np.array_equal(first.images, again.images) and first.names == again.names
    assert decoded(log) == 12


def test_size_shape_and_selection_have_pictures_of_their_own(photos, own_cache):
    build(photos)
    build(photos, whole=True)
    cached(open_source(photos), 8, progress=False)
    cached(open_source(photos).only(lambda names: names[:3], "first three"), SIZE, progress=False)
    assert len(list(own_cache.iterdir())) == 4


def test_the_array_can_be_written_to_and_the_cache_stays(photos, own_cache):
    made = build(photos)
    kept = np.array(made.images)
    made.images[:] = 0
    assert next(own_cache.rglob("*.u8")).read_bytes() == kept.tobytes()
    assert np.array_equal(build(photos).images, kept)


def test_unreadable_pictures_are_skipped_by_name_and_the_order_stays(tmp_path):
    files = drawn(12)
    bad = {"b/zero.jpg": b"", "c/text.jpg": b"I am a text",
           "d/cut.jpg": encoded(waves(), "JPEG")[:500]}
    made = build(as_folder(tmp_path / "set", files | bad))
    assert np.array_equal(made.images, expected(as_folder(tmp_path / "good", files)))
    assert {name: why.split(":")[0] for name, why in made.unreadable} == {
        "b/zero.jpg": "空文件 / an empty file", "c/text.jpg": "不是图片 / not a picture",
        "d/cut.jpg": "图片不完整或已损坏 / incomplete or damaged"}
    again = build(tmp_path / "set")
    assert again.unreadable == made.unreadable and again.names == made.names


def test_a_set_with_nothing_to_read_is_an_error_and_leaves_nothing(tmp_path, own_cache):
    path = as_folder(tmp_path / "set", {f"{i}.jpg": b"text" for i in range(9)})
    with pytest.raises(BadSource, match="None of the 9 pictures .*\n  0.jpg: .*not a pict") as e:
        build(path)
    assert "一张也读不了" in str(e.value)
    assert files_in(own_cache) == []


def test_a_damaged_member_of_an_archive_is_skipped(tmp_path):
    path = PACKERS["zip"](tmp_path / "set", drawn())
    raw = bytearray(path.read_bytes())
    raw[raw.index(b"top/") + 300] ^= 0xff  # in the first picture
    path.write_bytes(raw)
    made = build(path)
    assert len(made.images) == 11 and "cannot be read" in made.unreadable[0][1]


@pytest.mark.parametrize("size", [0, 5000, 2.5])
def test_bad_sizes_are_refused(photos, size):
    with pytest.raises(ValueError, match="size must be"):
        cached(open_source(photos), size)


def test_the_cache_is_plain_bytes_and_json(photos, own_cache):
    made = build(photos)
    assert next(own_cache.rglob("*.u8")).read_bytes() == made.images.tobytes()
    about = json.loads(next(own_cache.rglob("*.json")).read_text())
    assert about["names"] == made.names and about["shape"] == [40, 3, SIZE, SIZE]


# ---- pictures as they come ----

@pytest.mark.parametrize("kind", PACKERS)
@pytest.mark.parametrize("channels", [1, 3])
def test_twelve_bits_get_one_factor_for_the_whole_set(kind, channels, tmp_path, capsys):
    eight = [waves(i, 20, 20) for i in range(3)]  # the same pictures in 8 bits
    eight[0] //= 8  # a dark one
    eight[2][0, 0] = 255
    eight = [one[..., :channels] for one in eight]
    files = {f"{i}.png": deep_png(one * np.uint16(16) + 15) for i, one in enumerate(eight)}
    plain = waves(7, 20, 20)
    path = PACKERS[kind](tmp_path / "set", files | {"9.png": encoded(plain)})
    made = cached(open_source(path), 20, progress=False)
    right = np.stack([*(np.resize(one, (20, 20, 3)) if channels == 3 else one.repeat(3, 2)
                        for one in eight), plain]).transpose(0, 3, 1, 2)
    assert np.abs(made.images - right.astype(int)).max() <= 1
    assert np.array_equal(made.images[3], right[3])
    out = capsys.readouterr().out
    assert "3 张图片存成 16 位，只用到 12 位；整套图片都以 4,095 为白色" in out
    assert "3 pictures are stored in 16 bits and use only 12 of them" in out
    cached(open_source(path), 20, progress=False)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("bits", [10, 12])
def test_whole_and_turned_pictures_get_the_factor_too(bits, tmp_path):
    white = 2**bits - 1
    deep = np.full((16, 24, 3), white // 2)
    deep[:, 12:] = white  # bright to the right, which is below when turned
    files = {"a.png": deep_png(deep, turn=6), "b.png": encoded(waves(1, 16, 40)),
             "c.png": deep_png(deep[..., :1] // 4), "d.png": encoded(waves(2, 30, 16))}
    windows = Windows.of(open_source(as_folder(tmp_path / "set", files)), 16, progress=False)
    shapes = list(zip(windows.height.tolist(), windows.width.tolist(), strict=True))
    assert shapes == [(24, 16), (16, 40), (16, 24), (30, 16)]
    pictures = [windows.pixels[start:start + height * width].view(height, width, 3).numpy()
                for start, (height, width) in zip(windows.start.tolist(), shapes, strict=True)]
    assert pictures[0][11, 0, 0] in (127, 128) and (pictures[0][12:] == 255).all()
    assert np.array_equal(pictures[1], waves(1, 16, 40))
    assert pictures[2][0, 0, 0] in (31, 32) and pictures[2][0, 12, 0] in (63, 64)
    assert np.array_equal(pictures[3], waves(2, 30, 16))


@pytest.mark.parametrize("channels", [1, 3])
def test_pictures_that_use_all_sixteen_bits_stay_and_are_decoded_once(
        channels, tmp_path, log, capsys):
    deep = [np.full((SIZE, SIZE, channels), value) for value in (3000, 65000)]
    files = {f"{i}.png": deep_png(one) for i, one in enumerate(deep)}
    made = build(as_folder(tmp_path / "set", files))
    assert np.abs(made.images[:, 0, 0, 0] - np.array([3000, 65000]) / 257).max() <= 1
    assert decoded(log) == 2 and capsys.readouterr().out == ""


def test_colour_profiles_are_converted_in_threads_counted_and_said(tmp_path, capsys):
    profiles = {"Adobe RGB (1998)": colour_profile("Adobe RGB (1998)", ADOBE_RGB, 563 / 256),
                "Display P3": colour_profile("Display P3", DISPLAY_P3), "junk": b"junk"}
    files = {f"{name} {i}.png": encoded(waves(i), icc_profile=profile)
             for name, profile in profiles.items() for i in range(40 if name != "junk" else 3)}
    made = build(as_folder(tmp_path / "set", files))
    assert np.array_equal(made.images, expected(tmp_path / "set"))
    out = capsys.readouterr().out
    assert "80 张图片自带颜色配置" in out and "3 张图片的颜色配置用不了" in out
    assert ("80 pictures were converted from their colour profile to sRGB: "
            "Adobe RGB (1998) (40), Display P3 (40)") in out
    assert "3 pictures have a colour profile that cannot be used" in out


def test_what_is_no_picture_is_said_when_the_set_is_built(tmp_path, capsys):
    path = as_folder(tmp_path / "set", drawn(3) | {"a.heic": b"", "b.heic": b""})
    build(path)
    assert capsys.readouterr().out.count("2 .heic") == 1
    build(path)
    assert capsys.readouterr().out == ""


# ---- what changes under way ----

def test_a_changed_source_is_decoded_afresh_and_the_old_pictures_go(photos, own_cache):
    build(photos)
    (photos / "zz.png").write_bytes(encoded(waves(77)))
    made = build(photos)
    assert np.array_equal(made.images, expected(photos)) and len(made.images) == 41
    assert files_in(own_cache) == [".json", ".u8"]


def test_the_old_pictures_stay_until_the_new_ones_are_complete(photos, own_cache, monkeypatch):
    build(photos)
    old = {p: p.read_bytes() for p in own_cache.rglob("*.*")}
    (photos / "zz.png").write_bytes(encoded(waves(77)))

    def interrupt(*_, **__):
        raise KeyboardInterrupt
    monkeypatch.setattr(cache, "decode", interrupt)
    with pytest.raises(KeyboardInterrupt):
        build(photos)
    assert {p: p.read_bytes() for p in own_cache.rglob("*.*")} == old


@pytest.mark.parametrize("harm", ["cut", "longer", "no array", "no names", "half the names"])
def test_a_damaged_cache_is_noticed_and_built_again(harm, photos, own_cache):
    whole = np.array(build(photos).images)
    array, about = next(own_cache.rglob("*.u8")), next(own_cache.rglob("*.json"))
    if harm == "cut":
        os.truncate(array, array.stat().st_size - 5)
    elif harm == "longer":
        array.write_bytes(array.read_bytes() + b"x")
    elif harm == "no array":
        array.unlink()
    else:
        about.write_text("" if harm == "no names" else about.read_text()[:100])
    assert np.array_equal(build(photos).images, whole)
    assert np.array_equal(build(photos).images, whole)


# ---- kill -9 ----

@pytest.mark.parametrize("after", [1, 39])
def test_half_a_set_of_a_killed_builder_is_never_taken_for_a_whole_one(
        after, photos, own_cache, tmp_path):
    child = builder(photos, tmp_path / "log")
    wait_for(lambda: decoded(tmp_path / "log") >= after, child)
    child.send_signal(signal.SIGKILL)
    child.communicate()
    assert files_in(own_cache) == [".half"]
    assert np.array_equal(build(photos).images, expected(photos))
    assert files_in(own_cache) == [".json", ".u8"]


def test_names_without_their_array_are_no_set(photos, own_cache):
    whole = np.array(build(photos).images)
    array = next(own_cache.rglob("*.u8"))
    array.rename(array.with_suffix(".half"))  # killed just before the last step
    assert np.array_equal(build(photos).images, whole)
    assert files_in(own_cache) == [".json", ".u8"]


# ---- two at once ----

def test_two_builders_at_once_decode_each_picture_once(photos, tmp_path):
    log = tmp_path / "log"
    builders = [builder(photos, log) for _ in range(2)]
    said = "".join(child.communicate(timeout=100)[0] for child in builders)
    assert [child.returncode for child in builders] == [0, 0]
    assert said.count(f"sum {expected(photos).sum()}") == 2
    assert decoded(log) == 40


def test_threads_of_one_process_wait_for_each_other_too(photos, log):
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: build(photos), range(4)))
    assert all(np.array_equal(one.images, expected(photos)) for one in made)
    assert decoded(log) == 40


def test_who_waits_is_told_why(capsys, photos, tmp_path):
    child = builder(photos, tmp_path / "log")
    wait_for(lambda: decoded(tmp_path / "log"), child)
    build(photos)
    child.communicate()
    out = capsys.readouterr().out
    assert "另一个程序正在准备" in out and "Another process is preparing the same pictures" in out


def test_a_lock_file_left_behind_locks_nobody_out_and_stays(photos, own_cache):
    build(photos)
    lock = next(own_cache.rglob("lock"))
    (photos / "zz.png").write_bytes(encoded(waves(77)))
    assert len(build(photos).images) == 41
    assert lock.exists()  # who removes it lets two processes hold "the" lock


# ---- no room ----

def test_too_little_space_is_noticed_before_anything_is_written(photos, own_cache, monkeypatch):
    free = cache.shutil.disk_usage(photos)._replace(free=30_000)
    monkeypatch.setattr(cache.shutil, "disk_usage", lambda _: free)
    with pytest.raises(OSError, match="needs 30,720 bytes, and only 30,000 are free"):
        build(photos)
    assert not own_cache.exists()


def test_a_disk_that_runs_full_is_an_error_and_nothing_is_left(small_disk, photos, monkeypatch):
    disk = small_disk("64k")
    monkeypatch.setenv("GAN_LESSONS_CACHE", str(disk))
    plenty = cache.shutil.disk_usage(photos)._replace(free=10**9)  # it fills up under way
    monkeypatch.setattr(cache.shutil, "disk_usage", lambda _: plenty)
    with pytest.raises(OSError, match="The disk is too small"):
        cached(open_source(photos), 64, progress=False)
    assert files_in(disk) == []


def test_a_cache_folder_that_cannot_be_made(photos, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GAN_LESSONS_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(OSError, match="cannot be written.*GAN_LESSONS_CACHE"):
        build(photos)


# ---- whole pictures, and the squares cut from them ----

SHAPES = [(32, 48), (50, 32), (32, 32)] * 2  # (height, width): wide, tall and square


@pytest.fixture
def folder(tmp_path):
    """Six pictures whose short side is 32."""
    files = {f"{i}.png": encoded(waves(i, *shape)) for i, shape in enumerate(SHAPES)}
    return as_folder(tmp_path / "pictures", files)


def shown(i):
    return torch.from_numpy(waves(i, *SHAPES[i])).permute(2, 0, 1)


def test_the_ends_and_the_middle_of_a_picture_are_cut_exactly(folder):
    windows = Windows.of(open_source(folder), 32, progress=False)
    place = torch.tensor([0.0, 0.5, 1.0])
    for i, (height, width) in enumerate(SHAPES):
        cut = windows.cut(torch.tensor([i, i, i]), place, place)
        for got, top, left in zip(cut, (0, (height - 31) // 2, height - 32),
                                  (0, (width - 31) // 2, width - 32), strict=True):
            assert torch.equal(got, shown(i)[:, top:top + 32, left:left + 32])


def test_every_place_is_about_equally_likely(folder):
    windows = Windows.of(open_source(folder), 32, progress=False)
    n = 17 * 400
    row, column = torch.rand(2, n, generator=torch.Generator().manual_seed(0))
    cut = windows.cut(torch.zeros(n, dtype=torch.int64), row, column)  # 32x48: 17 places
    whole = shown(0)
    count = [sum(torch.equal(one, whole[:, :, left:left + 32]) for one in cut[:1700])
             for left in range(17)]
    assert sum(count) == 1700
    assert min(count) > 60 and max(count) < 140


def test_a_set_is_decoded_once(folder, monkeypatch):
    first = Windows.of(open_source(folder), 32, progress=False)
    monkeypatch.setattr(cache, "decode", None)
    again = Windows.of(open_source(folder), 32, progress=False)
    assert torch.equal(first.pixels, again.pixels) and again.names == first.names


def test_unreadable_pictures_are_skipped_and_named(folder, capsys):
    (folder / "3.png").write_bytes(b"no picture")
    windows = Windows.of(open_source(folder), 32, progress=False)
    assert windows.names == [f"{i}.png" for i in (0, 1, 2, 4, 5)]
    cut = windows.cut(torch.tensor([3]), torch.zeros(1), torch.zeros(1))
    assert torch.equal(cut[0], shown(4)[:, :32, :32])
    said = capsys.readouterr().out
    assert "3.png" in said and "跳过" in said
