"""The check-up: what it finds, and that it survives what it is there to find."""

import sys

import pytest

from gan_lessons import doctor
from gan_lessons.__main__ import main


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


def test_table_is_aligned(capsys):
    doctor.report([doctor.Finding("device", "计算设备", "VALUE"),
                   doctor.Finding("Python", "Python", "VALUE")])
    assert capsys.readouterr().out.startswith("ok    计算设备  device  VALUE\n"
                                              "ok    Python    Python  VALUE\n")


@pytest.mark.parametrize("module", ["torch", "torchvision"])
def test_broken_installation_is_reported(module, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, module, None)  # import raises ModuleNotFoundError
    assert main(["doctor"]) == 1
    out = capsys.readouterr().out
    assert "bad" in out
    assert "请" in out
    assert "Install" in out
    assert doctor.verdict() == f"not ready: {module}"


def test_torchvision_that_does_not_match_is_reported(monkeypatch, tmp_path):
    (tmp_path / "torchvision.py").write_text(
        "raise RuntimeError('operator torchvision::nms does not exist')")
    for name in [m for m in sys.modules if m.startswith(("torchvision", "gan_lessons.data"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(str(tmp_path))
    found = finding("torchvision")
    assert found.status == "bad"
    assert "nms" in found.value
    assert "--upgrade torch torchvision" in found.hint
    assert finding("MNIST").status == "warn"


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
    assert "not found" in finding("MNIST").value
    assert "not found" in finding("CelebA").value
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    (tmp_path / "celeba").mkdir()
    for name in ("train-images-idx3-ubyte", "train-labels-idx1-ubyte.gz",
                 "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"):
        (raw / name).write_bytes(b"")
    monkeypatch.setenv("GAN_LESSONS_DATA", str(tmp_path))
    assert finding("MNIST").value == "$GAN_LESSONS_DATA/MNIST/raw"
    assert finding("CelebA").value == "$GAN_LESSONS_DATA/celeba"
    assert "not found" in finding("LSUN").value
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
    monkeypatch.setattr(doctor, "probe", lambda: 1.0)
    assert finding("lesson 02").status == "warn"


def test_without_a_command_the_help_is_printed(capsys):
    assert main([]) == 0
    out = capsys.readouterr().out
    assert "命令行工具" in out
    assert "check that this machine" in out


def test_unknown_command_is_an_error(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["surgeon"])
    assert stopped.value.code == 2
    assert "surgeon" in capsys.readouterr().err
