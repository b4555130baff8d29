"""Device, threads, scale and folders, as the environment asks for them."""

from pathlib import Path

import pytest
import torch

from gan_lessons import runtime


@pytest.mark.parametrize("value, expected", [(None, "default"), ("", "default"), ("smoke", "smoke"),
                                             ("full", "full")])
def test_the_scale_comes_from_the_environment(monkeypatch, value, expected):
    if value is not None:
        monkeypatch.setenv("GAN_LESSONS_SCALE", value)
    assert runtime.scale() == expected
    assert runtime.at_scale(smoke="smoke", default="default", full="full") == expected


def test_a_scale_that_does_not_exist_is_refused(monkeypatch):
    monkeypatch.setenv("GAN_LESSONS_SCALE", "huge")
    with pytest.raises(ValueError, match="'huge'; it must be one of smoke, default, full"):
        runtime.scale()


@pytest.mark.parametrize("n", [0, -2, 1.5, "2"])
def test_a_number_of_threads_that_cannot_be_is_refused(n):
    with pytest.raises(ValueError, match="must be a whole number of at least 1"):
        runtime.set_threads(n)


def test_threads_are_set():
    assert runtime.set_threads(2) == torch.get_num_threads() == 2


def test_folders(monkeypatch, tmp_path):
    monkeypatch.setenv("GAN_LESSONS_CACHE", str(tmp_path / "kept"))
    assert runtime.cache_dir() == tmp_path / "kept"
    monkeypatch.delenv("GAN_LESSONS_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert runtime.cache_dir() == tmp_path / "gan-lessons"
    assert runtime.data_root() is None
    monkeypatch.setenv("GAN_LESSONS_DATA", "~/data")
    assert runtime.data_root() == Path.home() / "data"


@pytest.mark.parametrize(("capable", "expected"), [
    ({"avx512_bf16": True}, "bfloat16"), ({"amx_bf16": True}, "bfloat16"),
    ({"neon": True, "bf16": True}, "bfloat16"), ({"avx2": True, "bf16": False}, "float32"),
    ({}, "float32")])
def test_auto_takes_bfloat16_where_the_processor_has_it(monkeypatch, capable, expected):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capable, raising=False)
    assert runtime.precision("auto", torch.device("cpu")) == expected
    assert runtime.precision("float32", torch.device("cpu")) == "float32"
