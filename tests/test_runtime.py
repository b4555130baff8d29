"""Device, threads, scale and folders, as the environment asks for them."""

import tempfile
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


def test_five_thousand_threads_are_refused():  # torch would take them, and stand still
    before = torch.get_num_threads()
    with pytest.raises(ValueError, match="5000 threads are too many: this machine has"):
        runtime.set_threads(5000)
    assert torch.get_num_threads() == before


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


@pytest.mark.parametrize("files, cores, memory", [
    ({"cpu.max": "150000 100000", "memory.max": "2147483648"}, 2, 2**31),  # version 2
    ({"cpu.max": "50000 100000", "memory.max": "max"}, 1, None),
    ({"cpu.max": "max 100000"}, None, None), ({}, None, None),
    ({"cpu/cpu.cfs_quota_us": "200000", "cpu/cpu.cfs_period_us": "100000",
      "memory/memory.limit_in_bytes": "1000000000"}, 2, 10**9),  # version 1
    ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000",
      "memory/memory.limit_in_bytes": "9223372036854771712"}, None, None)])
def test_a_containers_limits_are_respected(monkeypatch, tmp_path, files, cores, memory):
    for name, content in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content + "\n")
    monkeypatch.setattr(runtime, "CGROUP", tmp_path / "none")
    monkeypatch.setattr(runtime.os, "sched_getaffinity", lambda _: range(64), raising=False)
    machine = runtime.memory()
    monkeypatch.setattr(runtime, "CGROUP", tmp_path)
    assert runtime.cores() == cores or (cores is None and runtime.cores() == 64)
    assert runtime.memory() == memory or (memory is None and runtime.memory() == machine)


def test_a_gpu_that_cannot_compute_is_named_and_left_alone(monkeypatch, capsys):
    def broken(*_, **options):
        raise RuntimeError("CUDA error: no kernel image is available\nmore")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "Tesla P100")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: (6, 0))
    monkeypatch.setattr(torch.cuda, "get_arch_list", lambda: ["sm_75", "sm_90"])
    monkeypatch.setattr(torch, "ones", broken)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    runtime.cuda_computes.cache_clear()
    try:
        assert runtime.device() == runtime.device() == torch.device("cpu")
    finally:
        runtime.cuda_computes.cache_clear()
    said = capsys.readouterr().out
    assert said.count("Tesla P100 (sm_60) is there but cannot compute") == 1
    assert "no kernel image" in said and "built for sm_75 sm_90" in said and "more" not in said


def test_without_a_home_the_cache_is_a_temporary_folder(monkeypatch):
    def nobody(_):
        raise RuntimeError("Could not determine home directory.")
    for variable in ("GAN_LESSONS_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(Path, "home", classmethod(nobody))
    assert runtime.cache_dir() == Path(tempfile.gettempdir()) / "gan-lessons"
    monkeypatch.setenv("GAN_LESSONS_CACHE", "~no-such-user/x")
    with pytest.raises(ValueError, match="nobody's home"):
        runtime.cache_dir()
