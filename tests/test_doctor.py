"""The check-up: what it finds, and that it survives what it is there to find."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from gan_lessons import doctor, runtime
from gan_lessons.cli import main

ROOT = Path(__file__).parents[1]


def finding(name):
    return next(f for f in doctor.check() if f.name == name)


def test_this_machine_is_ready(capsys):
    assert main(["doctor"]) == 0
    out = capsys.readouterr().out
    assert "可以上课了" in out
    assert "Ready for the lessons" in out


def test_verdict_is_fixed_ascii():
    good, bad = doctor.Finding("torch", "torch", "2"), doctor.Finding("scale", "规模", "x", "bad")
    assert doctor.verdict([good]) == "ready"
    assert doctor.verdict([good, bad]) == "not ready: scale"
    assert doctor.verdict([good, doctor.Finding("MNIST", "MNIST", "?", "warn")]) == "ready"


def test_findings_are_complete():
    findings = doctor.check()
    assert len({f.name for f in findings}) == len(findings)
    for f in findings:
        assert f.value
        assert f.name.isascii()
        assert f.status in ("ok", "warn", "bad")
        assert f.status != "bad" or f.hint
        assert not f.hint or len(f.hint.splitlines()) == 2


def test_what_is_wrong_comes_with_what_to_do(capsys):
    doctor.report([doctor.Finding("device", "计算设备", "cpu", hint="not needed"),
                   doctor.Finding("memory", "内存", "1 GB", "warn", "少\nLittle")])
    out = capsys.readouterr().out
    assert "not needed" not in out
    assert "warn  内存 / memory      1 GB\n" in out
    assert "内存（warn）：少\nmemory (warn): Little\n" in out


@pytest.mark.parametrize("module, message", [
    ("torch", "libtorch_cpu.so: cannot open shared object file"),
    ("torchvision", "operator torchvision::nms does not exist")])
def test_broken_installation_is_reported(tmp_path, module, message):
    """As it is met: a process in which the import fails, whatever it fails with."""
    (tmp_path / f"{module}.py").write_text(f"raise RuntimeError({message!r})")
    done = subprocess.run(
        [sys.executable, "-m", "gan_lessons", "doctor"], text=True, capture_output=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (tmp_path, ROOT)))})
    assert (done.returncode, done.stderr) == (1, "")
    assert message in done.stdout and "请重新安装" in done.stdout
    assert "Install again" in done.stdout and "Not ready" in done.stdout


def test_precision_is_what_the_lessons_take(monkeypatch):
    for answer in ("bfloat16", "float32"):
        monkeypatch.setattr(runtime, "precision", lambda wanted, device, answer=answer: answer)
        assert finding("precision").value == f"auto is {answer}"
    assert str(runtime.cores()) in finding("threads").value[1]


def test_unknown_scale_is_bad(monkeypatch):
    monkeypatch.setenv("GAN_LESSONS_SCALE", "enormous")
    assert finding("scale").status == "bad"


def test_cache_folder_that_cannot_be_written(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GAN_LESSONS_CACHE", str(tmp_path / "file"))
    assert finding("cache folder").status == "bad"
    monkeypatch.setenv("GAN_LESSONS_CACHE", str(tmp_path / "not" / "yet"))
    assert finding("cache folder").status == "ok"
    assert list(tmp_path.iterdir()) == [tmp_path / "file"], "a check-up leaves nothing behind"


def test_data_are_found(monkeypatch, tmp_path):
    assert "10,000" in finding("MNIST").value[1]
    assert "not found" in finding("CelebA").value[1]
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    (tmp_path / "img_align_celeba").mkdir()
    for name in ("train-images-idx3-ubyte", "train-labels-idx1-ubyte.gz",
                 "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"):
        (raw / name).write_bytes(b"")
    monkeypatch.setenv("GAN_LESSONS_DATA", str(tmp_path))
    assert finding("MNIST").value == "$GAN_LESSONS_DATA/MNIST/raw"
    assert "not found" in finding("CelebA").value[1]  # nor would a lesson find it: it is empty
    (tmp_path / "img_align_celeba" / "000001.jpg").write_bytes(b"")
    assert finding("CelebA").value == "$GAN_LESSONS_DATA/img_align_celeba"
    assert "not found" in finding("LSUN").value[1]
    monkeypatch.setenv("GAN_LESSONS_DATA", str(tmp_path / "nowhere"))
    assert finding("data folder").status == "warn"


def test_report_names_no_folder_of_the_owner(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("GAN_LESSONS_DATA", str(tmp_path))
    doctor.report()
    assert str(tmp_path) not in capsys.readouterr().out
    monkeypatch.delenv("GAN_LESSONS_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("GAN_LESSONS_DATA")
    assert finding("cache folder").value.startswith("~/.cache/gan-lessons (")


def test_slow_machine_is_told(monkeypatch):
    monkeypatch.setattr(doctor, "seconds_per_pass", lambda: 1.0)
    assert finding("lesson 02").status == "warn"


def test_without_a_command_the_help_is_printed(capsys):
    assert main([]) == 0
    out = capsys.readouterr().out
    assert "命令行工具" in out
    assert "check that this machine" in out and "train" in out


def test_unknown_command_is_an_error(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["surgeon"])
    assert stopped.value.code == 2
    assert "surgeon" in capsys.readouterr().err


@pytest.mark.parametrize("module", ["matplotlib", "IPython"])
def test_a_missing_library_is_named(module):
    code = (f"import sys; sys.modules[{module!r}] = None; from gan_lessons.cli import main; "
            "sys.exit(main(['doctor']))")
    done = subprocess.run([sys.executable, "-c", code], text=True, capture_output=True, cwd=ROOT,
                          env={**os.environ, "PYTHONIOENCODING": "utf-8"})
    assert (done.returncode, done.stderr) == (1, "")
    bad, = (line for line in done.stdout.splitlines() if line.startswith("bad"))
    assert module in bad
    assert "pip install them" in done.stdout and "Ready" not in done.stdout


def test_every_dependency_is_imported():
    wanted = (ROOT / "pyproject.toml").read_text(encoding="utf-8").partition("dependencies = [")[2]
    names = re.findall(r'"([a-z-]+)[>=]', wanted.partition("]")[0])
    imported = {"pillow": "PIL", "ipython": "IPython"}
    top = {name.partition(".")[0] for name in doctor.LIBRARIES}
    assert {imported.get(name, name) for name in names} == top | {"torch", "torchvision"}


def test_an_old_torch_is_bad(monkeypatch):
    import torch

    monkeypatch.setattr(torch, "__version__", "1.13.0+cpu")
    assert finding("torch").status == "bad" and "2.6" in finding("torch").hint
