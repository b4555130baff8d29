"""The command `data`, as somebody at a terminal meets it."""

import importlib
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from packing import DISPLAY_P3, as_folder, colour_profile, deep_png, encoded, waves
from torchvision.datasets import CelebA

from gan_lessons import data
from gan_lessons.data import commands

digits_module = importlib.import_module("gan_lessons.data.digits")


@pytest.fixture(autouse=True)
def places(monkeypatch, tmp_path):
    """An empty cache and an empty data folder."""
    monkeypatch.setenv("GAN_LESSONS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("GAN_LESSONS_DATA", str(tmp_path / "data"))
    (tmp_path / "data").mkdir()


def draw_jpegs(folder, n):
    """Write pictures of CelebA's size."""
    return as_folder(folder, {f"{i:06}.jpg": encoded(waves(i, 218, 178), "JPEG") for i in range(n)})


@pytest.fixture
def pictures(tmp_path):
    """A folder with six drawn pictures."""
    draw_jpegs(tmp_path / "my pictures" / "drawn", 6)
    return tmp_path / "my pictures"


def celeba_in(root):
    draw_jpegs(root / "celeba" / "img_align_celeba", 5)


def tree(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*"))


def assert_both(text):
    assert any("\u4e00" <= c <= "\u9fff" for c in text), text
    assert any(c.isascii() and c.isalpha() for c in text), text


# ---- list ----

def test_list_says_what_is_here_and_how_to_get_the_rest(run, tmp_path):
    celeba_in(tmp_path / "data")
    code, out, _ = run("data", "list")
    assert code == 0
    assert out.count("always here") == 3
    assert f"here: {tmp_path / 'data' / 'celeba' / 'img_align_celeba'}" in out
    assert "not here (11.6 MB): python -m gan_lessons data get mnist" in out
    assert "not here (45.9 GB): python -m gan_lessons data get lsun-bedroom\n" in out
    assert "还没有" in out


def test_list_tells_the_official_bedrooms_from_the_sample(run, tmp_path):
    (tmp_path / "data" / "bedroom_train_lmdb").mkdir()
    (tmp_path / "data" / "bedroom_train_lmdb" / "data.mdb").write_bytes(b"")
    _, out, _ = run("data", "list")
    assert f"here: {tmp_path / 'data' / 'bedroom_train_lmdb'}" in out
    assert "not here (4.6 GB): python -m gan_lessons data get lsun-bedroom-sample" in out


def test_list_goes_on_past_a_file_that_is_no_archive(run, tmp_path):
    (tmp_path / "data" / "bedroom.tgz").write_text("<html>Quota exceeded</html>")
    code, out, _ = run("data", "list")
    assert code == 0
    assert "bedroom.tgz is a web page" in out and "Your own pictures" in out


# ---- get ----

@pytest.mark.parametrize("name, archive, folder, url", [
    ("lsun-bedroom", "bedroom_train_lmdb.zip", "bedroom_train_lmdb", "bedroom_train_lmdb.zip"),
    ("lsun-bedroom-val", "bedroom_val_lmdb.zip", "bedroom_val_lmdb", "bedroom_val_lmdb.zip"),
    ("lsun-bedroom-sample", "bedroom.tgz", "bedroom", "fast-ai-imageclas/bedroom.tgz")])
def test_large_sets_come_by_commands_to_copy(run, tmp_path, name, archive, folder, url):
    code, out, _ = run("data", "get", name)
    assert code == 0
    root = tmp_path / "data"
    made, fetched, unpacked = (shlex.split(line) for line in out.splitlines()
                               if line.startswith(("  mkdir ", "  curl ", "  unzip ", "  tar ")))
    assert made == ["mkdir", "-p", str(root)]
    assert fetched[:-1] == ["curl", "-L", "-C", "-", "-o", str(root / archive)]
    assert fetched[-1].startswith("http") and fetched[-1].endswith(url)
    assert unpacked[1:] in (["xf", str(root / archive), "-C", str(root)],
                            [str(root / archive), "-d", str(root)])
    assert f"data.lsun_bedrooms({str(root / folder)!r})" in out
    assert "Consent" in out and "会接着下载" in out and "it goes on" in out
    assert tree(root) == []


def test_what_is_here_is_not_fetched_again(run, tmp_path):
    folder = draw_jpegs(tmp_path / "data" / "bedroom", 3)
    code, out, _ = run("data", "get", "lsun-bedroom-sample")
    assert (code, f"It is here: {folder}" in out, "curl" in out) == (0, True, False)
    assert len(data.lsun_bedrooms(size=16)) == 3


def from_drive(monkeypatch, drive):
    monkeypatch.setattr(commands, "download_file_from_google_drive", drive)


def test_celeba_comes_through_torchvision(run, tmp_path, monkeypatch):
    asked = []

    def drive(code, folder, name, md5):
        asked.append((code, md5, name))
        (Path(folder) / name).write_bytes(b"bytes")
    from_drive(monkeypatch, drive)
    code, out, _ = run("data", "get", "celeba")
    assert code == 0
    assert asked and set(asked) <= set(CelebA.file_list)
    assert tree(tmp_path / "data") == ["celeba", "celeba/img_align_celeba.zip"]
    assert "non-commercial research only" in out


@pytest.mark.parametrize("why", ["Too many users have viewed or downloaded this file recently",
                                 "'gdown' is required: 'pip install gdown'"])
def test_celeba_that_cannot_be_fetched_ends_in_instructions_and_leaves_nothing(
        run, tmp_path, monkeypatch, why):
    def drive(code, folder, name, md5):
        (Path(folder) / name).write_bytes(b"<html>quota</html>")
        raise RuntimeError(why)
    from_drive(monkeypatch, drive)
    code, _, err = run("data", "get", "celeba")
    assert code == 1
    for words in (why, "http://mmlab.ie.cuhk.edu.hk/projects/CelebA.html",
                  "jessicali9530/celeba-dataset",
                  str(tmp_path / "data" / "celeba" / "img_align_celeba.zip"), "请任选一种方法"):
        assert words in err
    assert tree(tmp_path / "data") == ["celeba"]


def test_what_the_learner_has_of_celeba_is_left_alone(run, tmp_path, monkeypatch):
    from_drive(monkeypatch, lambda *_: pytest.fail("nothing to download"))
    celeba_in(tmp_path / "data")
    assert run("data", "get", "celeba")[0] == 0
    own = tmp_path / "other" / "celeba" / "img_align_celeba.zip"
    own.parent.mkdir(parents=True)
    own.write_bytes(b"PK\x05\x06 half a download")
    code, _, err = run("data", "get", "celeba", "--root", tmp_path / "other")
    assert (code, "damaged archive" in err) == (1, True)
    assert own.read_bytes() == b"PK\x05\x06 half a download"


def test_mnist_is_fetched_by_the_way_the_lessons_use(run, tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise RuntimeError("Error downloading train-images-idx3-ubyte.gz")
    monkeypatch.setattr(digits_module, "MNIST", refuse)
    code, _, err = run("data", "get", "mnist")
    assert (code, "MNIST is not here and could not be downloaded" in err) == (1, True)
    raw = tmp_path / "data" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name in digits_module.MNIST_FILES:
        (raw / name).write_bytes(b"")
    code, out, _ = run("data", "get", "mnist")
    assert (code, str(raw) in out) == (0, True)


# ---- check ----

def test_check_reports_what_was_found_and_writes_nothing(run, tmp_path, pictures):
    before = tree(tmp_path)
    code, out, _ = run("data", "check", pictures)
    assert code == 0
    for words in ("(folder): 6 pictures", "178x218 (6)", "JPEG RGB (6)", "可以使用：6 张",
                  "These are your own data"):
        assert words in out
    assert tree(tmp_path) == before


def test_check_names_what_cannot_be_read(run, pictures):
    whole = (pictures / "drawn" / "000000.jpg").read_bytes()
    (pictures / "cut.jpg").write_bytes(whole[:2000])
    (pictures / "empty.jpg").write_bytes(b"")
    (pictures / "text.jpg").write_bytes(b"hello")
    code, out, _ = run("data", "check", pictures)
    assert code == 0
    assert "Fit for use: 6 pictures" in out and "skipped 3 pictures" in out
    for words in ("cut.jpg: 图片不完整或已损坏 / incomplete", "empty.jpg: 空文件 / an empty file",
                  "text.jpg: 不是图片 / not a picture"):
        assert words in out


def test_check_fails_when_nothing_is_of_use(run, tmp_path):
    (tmp_path / "set").mkdir()
    code, _, err = run("data", "check", tmp_path / "set")
    assert (code, "No pictures were found" in err) == (1, True)
    (tmp_path / "set" / "a.jpg").write_bytes(b"hello")
    code, out, _ = run("data", "check", tmp_path / "set")
    assert (code, "None of them can be read" in out) == (1, True)


def test_check_says_what_is_odd_about_pictures(run, pictures):
    as_folder(pictures, {
        "1.heic": b"", "2.heic": b"", "LICENSE": b"a text",
        "deep.png": deep_png(np.full((9, 9, 1), 4000)),
        "wide.jpg": encoded(waves(), "JPEG", icc_profile=colour_profile("P3", DISPLAY_P3))})
    code, out, _ = run("data", "check", pictures)
    assert (code, "Fit for use: 8 pictures" in out) == (0, True)
    for words in ("没有读取：2 个 .heic，1 个没有后缀的。",
                  "left out: 2 .heic, 1 without an ending.",
                  "1 张图片存成 16 位，只用到 12 位", "1 pictures are stored in 16 bits",
                  "换算成 sRGB：P3 (1)", "to sRGB: P3 (1)"):
        assert out.count(words) == 1


def test_check_counts_shapes_and_repeats(run, pictures):
    strip, twin = encoded(waves(7, 70, 141), "PNG"), encoded(waves(8, 80, 160), "PNG")
    as_folder(pictures, {"strip.png": strip, "tall.png": encoded(waves(6, 150, 70), "PNG"),
                         "a.png": twin, "b.png": twin, "c.png": twin,
                         "small.jpg": encoded(waves(9, 63, 90), "JPEG")})
    code, out, _ = run("data", "check", pictures)
    assert (code, "Fit for use: 12 pictures" in out) == (0, True)
    for words in ("2 张的长边超过短边的两倍", "2 are more than twice as long as they are wide",
                  "1 张的短边不到 64 像素", "1 have a side below 64 pixels",
                  "2 张和前面的某一张相同", "2 are the same as one before them"):
        assert out.count(words) == 1


def test_a_known_set_is_recognised_in_the_folder_above(run, tmp_path):
    celeba_in(tmp_path / "data")
    code, out, _ = run("data", "check", tmp_path / "data")
    assert (code, "img_align_celeba (folder): 5 pictures" in out) == (0, True)
    assert "10,177 celebrities" in out
    draw_jpegs(tmp_path / "data" / "cats", 2)
    code, out, _ = run("data", "check", tmp_path / "data")
    assert (code, "(folder): 7 pictures" in out, "your own data" in out) == (0, True, True)
    draw_jpegs(tmp_path / "data" / "bedroom", 1)
    code, _, err = run("data", "check", tmp_path / "data")
    assert (code, "holds more than one set" in err) == (1, True)


# ---- cache ----

def test_cache_is_built_once_and_is_the_one_the_lessons_open(run, tmp_path):
    celeba_in(tmp_path / "data")
    code, out, _ = run("data", "cache", tmp_path / "data", "--size", 16)
    assert code == 0
    for words in ("5 pictures of 16x16", "pictures a second", "每秒", "Cache file: "):
        assert words in out
    file = Path(out.split("Cache file: ")[1].strip())
    assert file.stat().st_size == 5 * 3 * 16 * 16 and file.is_relative_to(tmp_path / "cache")
    code, out, _ = run("data", "cache", tmp_path / "data" / "celeba", "--size", 16)
    assert (code, "nothing was decoded" in out) == (0, True)
    before = tree(tmp_path / "cache")
    assert len(data.celeba(size=16)) == 5
    assert tree(tmp_path / "cache") == before


def test_cache_takes_a_share(run, pictures):
    code, out, _ = run("data", "cache", pictures, "--size", 8, "--subset", 0.5)
    assert (code, "3 pictures of 8x8" in out) == (0, True)


def test_cache_says_what_was_skipped(run, pictures):
    (pictures / "text.jpg").write_bytes(b"hello")
    code, out, _ = run("data", "cache", pictures, "--size", 8)
    assert (code, "text.jpg: 不是图片 / not a picture" in out) == (0, True)


def test_cache_says_what_is_left_out_each_time(run, pictures):
    as_folder(pictures, {"1.heic": b"", "2.heic": b""})
    for words in ("pictures a second", "nothing was decoded"):
        code, out, _ = run("data", "cache", pictures, "--size", 8)
        assert (code, words in out, out.count("left out: 2 .heic")) == (0, True, 1)


def test_a_cache_folder_that_cannot_be_written_is_told(run, tmp_path, pictures, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GAN_LESSONS_CACHE", str(tmp_path / "file"))
    code, _, err = run("data", "cache", pictures, "--size", 8)
    assert (code, "GAN_LESSONS_CACHE" in err) == (1, True)
    assert_both(err)


def test_a_reader_that_has_seen_enough_gets_no_complaint():
    command = subprocess.Popen([sys.executable, "-m", "gan_lessons", "data", "list"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    command.stdout.close()  # as `| head` does
    assert command.stderr.read() == b"" and command.wait() == 0
    command.stderr.close()


def test_ctrl_c_says_how_to_go_on(run, pictures, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt
    monkeypatch.setattr("gan_lessons.data.commands.cached", interrupted)
    code, _, err = run("data", "cache", pictures)
    assert code == 130 and err


# ---- wrong arguments ----

@pytest.mark.parametrize("words, code, message", [
    (["get", "cifar"], 2, "invalid choice: 'cifar'"),
    (["get", "mnist", "--root", "x"], 2, "MNIST goes into the cache"),
    (["check", "{tmp}/nowhere"], 1, "There is no such file or folder"),
    (["check", "{tmp}/text.zip"], 1, "is of no known kind"),
    (["check", "{tmp}/page.zip"], 1, "is a web page and no archive"),
    (["cache", "{tmp}/nowhere"], 1, "There is no such file or folder"),
    (["cache", "{tmp}/set", "--size", "0"], 1, "size must be a whole number of at least 1, got 0"),
    (["cache", "{tmp}/set", "--size", "1025"], 1, "between 1 and 1024, got 1025"),
    (["cache", "{tmp}/set", "--size", "big"], 2, "invalid int value: 'big'"),
    (["cache", "{tmp}/set", "--subset", "2"], 1, "at most 1 (0.1 is 10 %), got 2"),
    (["cache", "{tmp}/set", "--subset", "nan"], 1, "got nan")])
def test_wrong_arguments_are_told(run, tmp_path, words, code, message):
    draw_jpegs(tmp_path / "set", 2)
    (tmp_path / "text.zip").write_text("just a text")
    (tmp_path / "page.zip").write_text("<html>Quota exceeded</html>")
    result, _, err = run("data", *(word.format(tmp=tmp_path) for word in words))
    assert result == code
    assert message in err
    assert "Traceback" not in err
