"""`torchrun -m gan_lessons train`: several processes train one run as one process would."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from gan_lessons import checkpoint, runs

ROOT = Path(__file__).parents[1]
SETTINGS = {"recipe": "dcgan", "data": "mnist", "size": 16, "features": 2, "latent": 8,
            "batch": 8, "subset": 0.1, "norm": "none"}
SCHEDULE = {"sample_every": 2, "save_every": 2, "threads": 1}
WORDS = ["dcgan", "--data", "mnist", "--size", "16", "--features", "2", "--latent", "8", "--batch",
         "8", "--subset", "0.1", "--norm", "none", "--threads", "1", "--save-every", "2"]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300), pytest.mark.skipif(
    sys.platform != "linux", reason="the ranks are read from /proc")]


def torchrun(*words, processes=2):
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node",
               str(processes), "-m", "gan_lessons", "train", *map(str, words)]
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # not ignored, as under make
    try:
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            start_new_session=True, env={**os.environ, "PYTHONPATH": str(ROOT),
                                         "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""})
    finally:
        signal.signal(signal.SIGINT, before)


def finished(process):
    """Return what a job printed; it must have ended well."""
    out, _ = process.communicate(timeout=200)
    assert process.returncode == 0, out
    return out


def wait_for(path, process):
    deadline = time.monotonic() + 200
    while not path.exists():
        assert time.monotonic() < deadline and process.poll() is None, process.communicate()[0]
        time.sleep(0.1)


def pid_of_rank(rank, torchrun_pid):
    children = subprocess.run(["pgrep", "-P", str(torchrun_pid)], text=True, capture_output=True)
    for pid in children.stdout.split():
        if f"RANK={rank}".encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
            return int(pid)
    raise AssertionError(f"rank {rank} is not there")


def networks(folder):
    return checkpoint.read(folder / "checkpoint.safetensors")["networks"]


def test_two_processes_go_on_where_one_stopped_and_equal_it(tmp_path):
    settings = runs.Settings(**SETTINGS)
    begun = runs.train(settings, tmp_path / "run", steps=4, quiet=True, **SCHEDULE)
    start = networks(begun.folder)
    out = finished(torchrun("--resume", "--steps", 8, "--out", begun.folder))
    alone = runs.train(settings, tmp_path / "alone", steps=8, quiet=True, **SCHEDULE)
    for name, weights in networks(alone.folder).items():
        for key, tensor in weights.items():
            torch.testing.assert_close(networks(begun.folder)[name][key], tensor,
                                       rtol=1e-3, atol=1e-4)
    assert any(not torch.allclose(start["critic"][key], tensor, atol=1e-4)  # it did move
               for key, tensor in networks(alone.folder)["critic"].items())
    assert out.count("Finished at step 8") == 1  # rank 0 alone tells, and writes
    assert begun.history.shape == alone.history.shape
    assert sorted(path.name for path in begun.folder.rglob("*")) == sorted(
        path.name for path in alone.folder.rglob("*"))


def test_a_killed_process_ends_the_job_and_one_process_goes_on(tmp_path):
    folder = tmp_path / "run"
    process = torchrun(*WORDS, "--steps", 100_000, "--out", folder)
    wait_for(folder / "history.csv", process)
    os.kill(pid_of_rank(1, process.pid), signal.SIGKILL)
    out, _ = process.communicate(timeout=200)
    assert process.returncode != 0
    assert "another process of the job was killed or failed" in out, out
    assert f"train --resume --out {folder}" in out
    saved = checkpoint.saved_step(folder / "checkpoint.safetensors")
    assert saved >= 2
    assert runs.resume(folder, steps=saved + 2, quiet=True).steps == saved + 2


def test_a_process_that_waits_for_another_ends_when_it_is_told_to(tmp_path):
    """It waits in gloo, which can miss that a process is gone; Python calls no handler there."""
    process = torchrun(*WORDS, "--steps", 100_000, "--out", tmp_path / "run")
    wait_for(tmp_path / "run/history.csv", process)
    waiting, stopped = (pid_of_rank(rank, process.pid) for rank in (0, 1))
    os.kill(stopped, signal.SIGSTOP)
    time.sleep(1)
    os.kill(waiting, signal.SIGTERM)
    said = next(line for line in process.stdout if "another process of the job" in line)
    assert said.startswith("Rank 0 stops")
    os.kill(stopped, signal.SIGCONT)
    process.communicate(timeout=200)
    assert process.returncode != 0


def test_ctrl_c_at_the_terminal_saves_and_stops_every_process(tmp_path):
    """It reaches torchrun and its processes, and torchrun then sends it to these once more."""
    folder = tmp_path / "run"
    process = torchrun(*WORDS, "--steps", 100_000, "--out", folder)
    wait_for(folder / "history.csv", process)
    os.killpg(process.pid, signal.SIGINT)
    time.sleep(0.05)
    for rank in (0, 1):
        os.kill(pid_of_rank(rank, process.pid), signal.SIGINT)
    out, _ = process.communicate(timeout=200)
    run = runs.open(folder)
    assert run.summary["state"] == "stopped", out
    assert f"Stopped at step {run.steps}; all is saved" in out
    assert checkpoint.saved_step(folder / "checkpoint.safetensors") == run.steps == len(run.history)


def test_what_cannot_be_shared_is_refused_once_and_nothing_is_written(tmp_path):
    out, _ = torchrun(*WORDS, "--steps", 4, "--out", tmp_path / "run",
                      processes=3).communicate(timeout=200)
    assert out.count("Make batch a multiple of 3") == 1
    assert not (tmp_path / "run").exists()
