"""Consoles that cannot show Chinese, or are gone: no message is worth a command or a training."""

import io
import os
import subprocess
import sys
from pathlib import Path
from urllib.error import URLError

import PIL.Image
import pytest

from gan_lessons import bilingual, data, runs, util
from gan_lessons.cli import in_words, main

ENCODINGS = ["cp1252", "ascii", "gbk", "cp437", "shift_jis", "utf-16"]


def console(monkeypatch, encoding):
    """Let what is printed go to a console that raises for characters it does not have."""
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding))
    return raw


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    for i in range(8):
        PIL.Image.new("RGB", (20, 18), (20 * i, 90, 90)).save(folder / f"图 {i}.jpg")
    (folder / "坏.jpg").write_bytes(b"no picture")
    return folder


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_command_works_under_any_encoding(monkeypatch, tmp_path, photos, encoding):
    out = tmp_path / "run"
    small = ("--data", photos, "--size", 16, "--features", 2, "--latent", 8, "--batch", 4)
    for words, shown in (
            ([], "command-line tools"), (["doctor"], "Ready for the lessons"),
            (["data", "list"], "data.mnist()"), (["data", "check", photos], "Fit for use"),
            (["data", "cache", photos, "--size", 16], "Cache file"),
            (["train", "dcgan", *small, "--threads", 1, "--steps", 2, "--out", out],
             "Finished at step 2"),
            (["sample", "--run", out], "64 pictures by the generator of step 2")):
        raw = console(monkeypatch, encoding)
        assert main([str(word) for word in words]) == 0, words
        assert shown in raw.getvalue().decode(encoding), words
    assert {"summary.json", "generator.safetensors"} <= {path.name for path in out.iterdir()}
    for command in ("train", "data", "data get", "data check", "sample", "measure"):
        raw = console(monkeypatch, encoding)
        with pytest.raises(SystemExit) as stopped:
            main([*command.split(), "--help"])
        sys.stdout.flush()
        assert stopped.value.code == 0 and "usage" in raw.getvalue().decode(encoding)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_messages_of_the_library_raise_nowhere(monkeypatch, tmp_path, photos, encoding):
    raw = console(monkeypatch, encoding)
    data.folder(photos, 16).card()  # and a report of what was skipped
    bilingual.table(["", ("项目", "Item")], [["ok", ("内存", "memory")]])
    settings = runs.Settings("dcgan", str(photos), size=16, features=2, latent=8, batch=4)
    runs.train(settings, tmp_path / "run", steps=1, threads=1, quiet=True).show()
    shown = raw.getvalue().decode(encoding)
    for words in ("skipped 1 pictures", "8 pictures", "memory", "4 real pictures seen"):
        assert words in shown


@pytest.mark.parametrize("options, variables", [
    (["-X", "utf8=0"], {"LC_ALL": "C"}), ([], {"LC_ALL": "C"}),
    ([], {"PYTHONIOENCODING": "cp1252"})])
def test_a_real_console(options, variables):
    done = subprocess.run([sys.executable, *options, "-m", "gan_lessons"], capture_output=True,
                          cwd=Path(__file__).parents[1], env={**os.environ, **variables})
    assert (done.returncode, b"command-line tools" in done.stdout, done.stderr) == (0, True, b"")


def test_a_console_that_is_gone_ends_no_training(monkeypatch):
    class Gone(io.StringIO):
        def write(self, text):
            raise OSError(5, "Input/output error")
    monkeypatch.setattr(sys, "stdout", Gone())
    util.tell("第 1 步")


@pytest.mark.parametrize("words, line", [
    (["-m", "gan_lessons.train", "dcgan", "--out", "a b"], "train dcgan --out 'a b'"),
    (["-mgan_lessons.doctor"], "doctor"),
    (["-m", "gan_lessons.data.commands", "list"], "data list"),
    (["-m", "gan_lessons.recipes", "x"], ""), (["gan_lessons/train.py", "dcgan"], "train dcgan"),
    (["gan_lessons/lab/quiz.py"], "")])
def test_a_module_run_by_mistake_says_what_to_type(words, line):
    root = Path(__file__).parents[1]
    done = subprocess.run([sys.executable, *words], cwd=root, capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": str(root), "PYTHONIOENCODING": "utf-8"})
    assert (done.returncode, done.stdout) == (2, "")
    assert f"is not a command. Type: python -m gan_lessons {line}".strip() in done.stderr
    assert "不是命令" in done.stderr and "Traceback" not in done.stderr


def test_a_dead_proxy_is_named(monkeypatch):
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    words = in_words(URLError("[Errno 111] Connection refused"))
    assert "went through http_proxy=http://127.0.0.1:9, https_proxy=" in words
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.delenv(name)
    monkeypatch.setattr("gan_lessons.cli.getproxies", dict)
    assert "proxy" not in in_words(URLError("[Errno 111] Connection refused"))


def test_a_backend_inherited_from_a_notebook_does_no_harm(tmp_path):
    done = subprocess.run([sys.executable, "-m", "gan_lessons", "sample", "--run", tmp_path],
                          cwd=Path(__file__).parents[1], capture_output=True, text=True,
                          env={**os.environ, "MPLBACKEND": "ipympl", "PYTHONIOENCODING": "utf-8"})
    assert "There is no run in" in done.stderr and "ipympl" not in done.stderr
