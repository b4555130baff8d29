"""The picture cache: built once, whoever is killed, crowded out or disturbed meanwhile."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest
from packing import PACKERS, as_folder, as_tar, drawn, encoded, waves

from gan_lessons.data import cache, decoders
from gan_lessons.data.cache import NoRoom, cached
from gan_lessons.data.decode import decode
from gan_lessons.data.sources import BadSource, open_source, stem

forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
SIZE = 16


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """An empty cache, and small pieces, so that there are many."""
    monkeypatch.setenv("GAN_LESSONS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(decoders, "PIECE_BYTES", 4 * 3 * SIZE**2)
    return tmp_path / "cache" / "pictures"


@pytest.fixture
def photos(tmp_path):
    return as_folder(tmp_path / "photos", drawn(40))


def build(path, **options):
    return cached(open_source(path), SIZE, progress=False, **options)


def expected(path):
    source = open_source(path)
    return np.stack([decode(source.read(name), SIZE) for name in source.names])


def files_in(folder):
    return sorted(p.suffix for p in folder.rglob("*") if p.is_file() and p.name != "lock")


def in_child(function, *arguments):
    """Run a function in a forked process, which ends however it ends; return its number."""
    child = os.fork()
    if child == 0:
        try:
            function(*arguments)
        finally:
            os._exit(0)
    return child


def counting(log, pause=0.0):
    """Return `decode`, writing the process number to `log` at each call."""
    def counted(*arguments, **options):
        with open(log, "a") as file:
            file.write(f"{os.getpid()}\n")
        time.sleep(pause)
        return decode(*arguments, **options)
    return counted


def lines(path):
    return path.read_text().splitlines() if path.exists() else []


# ---- built once ----

@pytest.mark.parametrize("kind", PACKERS)
def test_every_packing_gives_the_identical_array(kind, tmp_path, own_cache):
    files = drawn()
    plain = expected(as_folder(tmp_path / "plain", files))
    made = build(PACKERS[kind](tmp_path / "set", files), workers=2)
    assert made.images.shape == (12, 3, SIZE, SIZE) and made.images.dtype == np.uint8
    assert np.array_equal(made.images, plain)
    assert [stem(name) for name in made.names] == sorted(map(stem, files))
    assert made.unreadable == []
    assert files_in(own_cache) == [".json", ".u8"]


@pytest.mark.parametrize("kind", ["folder", "tgz", "lmdb"])
def test_the_second_time_nothing_is_decoded_or_unpacked(kind, tmp_path, monkeypatch):
    path = PACKERS[kind](tmp_path / "set", drawn())
    first = build(path)

    def never(*_):
        raise AssertionError("decoded again")
    monkeypatch.setattr(cache, "decoded_pieces", never)
    monkeypatch.setattr("gan_lessons.data.packed.Tar._open", never)
    again = build(path)
    assert np.array_equal(first.images, again.images) and first.names == again.names


def test_size_crop_seed_and_selection_have_pictures_of_their_own(photos, own_cache):
    build(photos)
    build(photos, crop="random", seed=1)
    build(photos, crop="random", seed=2)
    cached(open_source(photos), 8, progress=False)
    cached(open_source(photos).only(lambda names: names[:3], "first three"), SIZE, progress=False)
    assert len(list(own_cache.iterdir())) == 5
    build(photos, seed=3)  # a seed that nothing depends on
    assert len(list(own_cache.iterdir())) == 5


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
    made = build(as_folder(tmp_path / "set", files | bad), workers=2)
    assert np.array_equal(made.images, expected(as_folder(tmp_path / "good", files)))
    assert {one.name: one.en.split(":")[0] for one in made.unreadable} == {
        "b/zero.jpg": "an empty file", "c/text.jpg": "not a picture",
        "d/cut.jpg": "incomplete or damaged"}
    again = build(tmp_path / "set")
    assert again.unreadable == made.unreadable and again.names == made.names


def test_a_set_with_nothing_to_read_is_an_error_and_leaves_nothing(tmp_path, own_cache):
    path = as_folder(tmp_path / "set", {f"{i}.jpg": b"text" for i in range(9)})
    with pytest.raises(BadSource, match="None of the 9 pictures .*\n  0.jpg: not a picture") as e:
        build(path)
    assert "一张也读不了" in str(e.value)
    assert files_in(own_cache) == []


def test_a_damaged_member_of_an_archive_is_skipped(tmp_path):
    path = PACKERS["zip"](tmp_path / "set", drawn())
    raw = bytearray(path.read_bytes())
    raw[raw.index(b"top/") + 300] ^= 0xff  # in the first picture
    path.write_bytes(raw)
    made = build(path)
    assert len(made.images) == 11 and "cannot be read" in made.unreadable[0].en


@pytest.mark.parametrize("options", [{"size": 0}, {"size": 5000}, {"crop": "left"}])
def test_bad_options_are_refused(photos, options):
    with pytest.raises(ValueError):
        cached(open_source(photos), **({"size": SIZE} | options))


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

    def fail(*_):
        raise KeyboardInterrupt
    monkeypatch.setattr(cache, "_finish", fail)
    with pytest.raises(KeyboardInterrupt):
        build(photos)
    assert {p: p.read_bytes() for p in old} == old


@pytest.mark.parametrize("harm", ["cut", "one byte", "no pictures", "about", "empty"])
def test_a_damaged_cache_is_noticed_and_built_again(harm, photos, own_cache):
    whole = np.array(build(photos).images)
    pictures, about = next(own_cache.rglob("*.u8")), next(own_cache.rglob("*.json"))
    if harm == "cut":
        os.truncate(pictures, pictures.stat().st_size - 5)
    elif harm == "one byte":
        raw = bytearray(pictures.read_bytes())
        raw[12345] ^= 1
        pictures.write_bytes(raw)
    elif harm == "no pictures":
        pictures.unlink()
    else:
        about.write_text("" if harm == "empty" else about.read_text()[:100])
    assert np.array_equal(build(photos).images, whole)
    assert np.array_equal(build(photos).images, whole)


def test_a_copied_cache_is_checked_once_and_used(photos, own_cache, monkeypatch):
    whole = np.array(build(photos).images)
    os.utime(next(own_cache.rglob("*.u8")))
    monkeypatch.setattr(cache, "_build", None)
    assert np.array_equal(build(photos).images, whole)
    monkeypatch.setattr(cache, "sound_pieces", None)
    assert np.array_equal(build(photos).images, whole)


# ---- kill -9 ----

@forks
def test_ten_kills_at_different_moments_and_the_array_is_the_same(
        photos, own_cache, tmp_path, monkeypatch):
    log = tmp_path / "decoded"
    monkeypatch.setattr(decoders, "decode", counting(log, pause=0.01))
    total, killed = 40 * 3 * SIZE**2, 0
    for moment in range(10):
        child = in_child(lambda: build(photos, workers=2))
        while os.waitpid(child, os.WNOHANG) == (0, 0):
            done = sum(p.stat().st_size for p in own_cache.rglob("*.u8"))
            if done >= total * moment / 11:
                time.sleep(0.003 * moment)
                os.kill(child, signal.SIGKILL)
                killed += os.waitpid(child, 0)[1] == signal.SIGKILL
                break
            time.sleep(0.001)
    assert killed >= 8
    assert np.array_equal(build(photos).images, expected(photos))
    assert files_in(own_cache) == [".json", ".u8"]
    # What was on the disk was not decoded again, only what the two workers had under way.
    assert len(lines(log)) - 40 <= killed * 7 * 4


@forks
@pytest.mark.parametrize("moment", ["unpacked", "data", "half a line", "all", "saved"])
def test_a_kill_at_an_awkward_moment(moment, tmp_path, own_cache, monkeypatch):
    path = as_tar(tmp_path / "set.tgz", drawn(40), "gz")

    def die(*_):
        os.kill(os.getpid(), signal.SIGKILL)

    def killed():
        if moment == "unpacked":
            cache._earlier_pieces = die
        elif moment == "data":  # written, but not in the journal
            counter = iter([0, 0, 0])
            cache._line = lambda piece: real(piece) if next(counter, 1) == 0 else die()
        elif moment == "half a line":
            def half(file, journal, made):
                append(file, journal, made)
                journal.write(b'{"tried": 4, "ro')
                journal.flush()
                die()
            append, cache._append = cache._append, half
        elif moment == "all":
            cache._finish = die
        else:
            def save(*arguments):
                finish(*arguments)
                die()
            finish, cache.Store.save = cache.Store.save, save
        build(path, workers=1)
    real = cache._line
    assert os.waitpid(in_child(killed), 0)[1] == signal.SIGKILL
    assert np.array_equal(build(path).images, expected(path))
    assert ".u8" in files_in(own_cache)


@forks
def test_what_a_power_cut_spoilt_is_decoded_again(photos, own_cache, tmp_path, monkeypatch):
    def killed():
        cache._finish = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
        build(photos, workers=1)
    os.waitpid(in_child(killed), 0)
    pictures = next(own_cache.rglob("*.u8"))
    raw = pictures.read_bytes()
    pictures.write_bytes(raw[:len(raw) // 2] + bytes(len(raw) // 2))  # zeros, as ext4 may leave
    monkeypatch.setattr(decoders, "decode", counting(tmp_path / "decoded"))
    assert np.array_equal(build(photos).images, expected(photos))
    assert 20 <= len(lines(tmp_path / "decoded")) <= 24


@forks
def test_workers_do_not_outlive_a_killed_builder(photos, tmp_path, monkeypatch):
    log = tmp_path / "decoded"
    monkeypatch.setattr(decoders, "decode", counting(log, pause=0.02))
    child = in_child(lambda: build(photos, workers=2))
    while len(set(lines(log))) < 2:
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    deadline = time.time() + 10
    while time.time() < deadline and any(alive(int(worker)) for worker in set(lines(log))):
        time.sleep(0.05)
    assert not [worker for worker in set(lines(log)) if alive(int(worker))]


def alive(process):
    try:
        with open(f"/proc/{process}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_worker_that_dies_is_an_error_that_says_what_to_do(photos, monkeypatch):
    if decoders.METHOD != "fork":
        pytest.skip("the patch reaches forked workers only")
    monkeypatch.setattr(decoders, "decode", lambda *_, **__: os._exit(1))
    with pytest.raises(RuntimeError, match="has died, most likely for lack of memory"):
        build(photos, workers=2)


# ---- two at once ----

@forks
def test_two_builders_at_once_decode_each_picture_once(photos, own_cache, tmp_path, monkeypatch):
    log = tmp_path / "decoded"
    whole = expected(photos)
    monkeypatch.setattr(decoders, "decode", counting(log, pause=0.002))

    def one(out):
        (tmp_path / out).write_bytes(build(photos, workers=2).images.tobytes())
    for child in [in_child(one, out) for out in "abc"]:
        os.waitpid(child, 0)
    assert len(lines(log)) == 40
    assert {(tmp_path / out).read_bytes() for out in "abc"} == {whole.tobytes()}
    assert files_in(own_cache) == [".json", ".u8"]


@forks
def test_whoever_waits_says_so(photos, capfd, monkeypatch, tmp_path):
    log = tmp_path / "decoded"
    monkeypatch.setattr(decoders, "decode", counting(log, pause=0.02))
    child = in_child(lambda: build(photos, workers=1))
    while not lines(log):
        time.sleep(0.01)
    build(photos)
    os.waitpid(child, 0)
    assert "Another process is preparing the same pictures" in capfd.readouterr().out


# ---- no room ----

def test_max_bytes_is_asked_before_anything_is_written(photos, own_cache):
    with pytest.raises(NoRoom, match="40 pictures of 16x16 take 30,720 bytes, more than max_by"):
        build(photos, max_bytes=30_719)
    assert not own_cache.exists()
    assert len(build(photos, max_bytes=30_720).images) == 40


def test_too_little_space_is_noticed_before_anything_is_written(photos, own_cache, monkeypatch):
    monkeypatch.setattr(cache, "free_bytes", lambda _: 30_000)
    with pytest.raises(NoRoom, match="needs 30,720 bytes more, and only 30,000 are free"):
        build(photos)
    assert not own_cache.exists()


@pytest.mark.parametrize("kind", ["folder", "tgz"])
def test_a_disk_that_runs_full_is_an_error_and_nothing_is_left(kind, small_disk, tmp_path,
                                                               monkeypatch):
    disk = small_disk("64k")
    monkeypatch.setenv("GAN_LESSONS_CACHE", str(disk))
    monkeypatch.setattr(cache, "free_bytes", lambda _: 10**9)  # it fills up under way
    path = PACKERS[kind](tmp_path / "set", drawn(40))
    with pytest.raises(NoRoom, match="The disk is too small"):
        cached(open_source(path), 64, progress=False, workers=2)
    assert files_in(disk) == []


def test_a_cache_folder_that_cannot_be_made(photos, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GAN_LESSONS_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(OSError, match="cannot be written.*GAN_LESSONS_CACHE"):
        build(photos)


# ---- where a process cannot be forked ----

@pytest.mark.slow
def test_a_script_without_a_guard_works_where_workers_are_spawned(photos, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent("""
        import sys
        print("started")
        from gan_lessons.data import decoders, sources
        from gan_lessons.data.cache import cached
        decoders.METHOD = "spawn"
        decoders.PIECE_BYTES = 20 * 768
        print(cached(sources.open_source(sys.argv[1]), 16, workers=2).images.sum())
        """))
    done = subprocess.run([sys.executable, script, photos], capture_output=True, text=True,
                          timeout=100)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["started", str(expected(photos).sum())]


def test_the_cache_holds_no_pickle(photos, own_cache):
    build(photos)
    json.loads(next(own_cache.rglob("*.json")).read_text())
    assert next(own_cache.rglob("*.u8")).stat().st_size == 40 * 3 * SIZE**2
