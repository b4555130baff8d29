"""The benchmarks: each runs, says on what it measured, and leaves nothing behind."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from benchmarks import measuring, photographs
from benchmarks.support.jpegs import draw_jpegs
from gan_lessons import data

ROOT = Path(__file__).parents[1]


def bench(*words, folder=None):
    """Run a benchmark as somebody at a terminal would; its temporary files go into `folder`."""
    environment = os.environ | ({"TMPDIR": str(folder)} if folder else {})
    return subprocess.run([sys.executable, "-m", *map(str, words)], cwd=ROOT, env=environment,
                          capture_output=True, text=True, timeout=110)


def test_the_benchmarks_are_listed_with_what_they_measure():
    listed = bench("benchmarks", "--help").stdout
    assert "photographs   Reading photographs: three ways" in listed
    assert "wgan          A round of WGAN" in listed
    refused = bench("benchmarks", "speed")
    assert refused.returncode == 2 and "there is no benchmark speed; there are:" in refused.stderr


@pytest.mark.slow
def test_reading_photographs(tmp_path):
    done = bench("benchmarks.photographs", "--pictures", 32, "--size", 16, "--features", 2,
                 "--batch", 16, "--repeats", 1, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "cores" in done.stdout and "float32" in done.stdout and "32 JPEG files" in done.stdout
    assert done.stdout.count("images/s ") >= 4 and "at most 5% wanted" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_batch_needs_enough_photographs(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("GAN_LESSONS_CACHE", str(tmp_path / "cache"))  # put back afterwards
    draw_jpegs(tmp_path, 6)
    with pytest.raises(SystemExit):
        photographs.main(["--root", str(tmp_path), "--batch", "16"])
    assert "There are only 6 JPEG files" in capsys.readouterr().err


def test_the_ways_to_read_agree_on_the_photographs(tmp_path):
    draw_jpegs(tmp_path, 12)
    cached = data.folder(tmp_path, 32, progress=False)
    ways = [photographs.as_003(tmp_path, 32, 4), photographs.with_data_loader(tmp_path, 32, 4, 0),
            photographs.from_cache(cached, 4)]
    passes = [torch.cat(list(way())) for way in ways]
    for one_pass in passes:
        assert one_pass.shape == (12, 3, 32, 32) and one_pass.abs().max() <= 1
        means = one_pass.mean((1, 2, 3)).sort().values
        assert torch.allclose(means, passes[0].mean((1, 2, 3)).sort().values, atol=0.02)


@pytest.mark.slow
def test_a_round_of_wgan():
    done = bench("benchmarks.wgan", "--size", 16, "--features", 2, "--batch", 4, "--repeats", 1)
    assert done.returncode == 0, done.stderr
    assert "a plain loop, float32" in done.stdout and "gan_lessons, float32" in done.stdout


@pytest.mark.slow
def test_beside_fastai_this_course_can_be_measured_alone(tmp_path):
    done = bench("benchmarks.fastai2", "--pictures", 20, "--batch", 16, "--repeats", 1,
                 "--threads", 1, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n  gan_lessons") == 2 and "fastai 2 " not in done.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("python, why", [(sys.executable, "No module named 'fastai'"),
                                         ("no-such-python", "No such file")])
def test_beside_fastai_says_what_is_missing(python, why):
    done = bench("benchmarks.fastai2", "--fastai", python, "--pictures", 16, "--batch", 16)
    assert done.returncode != 0 and why in done.stderr


@pytest.mark.slow
def test_fit_beside_the_sources_loops():
    done = bench("benchmarks.loops", "--steps", 3, "--repeats", 1)
    assert done.returncode == 0, done.stderr
    for source in ("002", "004"):
        assert f"{source}: as written" in done.stdout
    assert "of the matrix rate" in done.stdout


@pytest.mark.slow
def test_scoring_beside_torchmetrics(capsys):
    measuring.main(["--n", "300", "--repeats", "1", "--threads", "1"])
    said = capsys.readouterr().out
    assert said.count("gan_lessons, ") == 3 and "Of torchmetrics' time" in said
    ours, theirs = said.split("distances ")[1].rstrip(".\n").split(" and ")
    assert float(ours) == pytest.approx(float(theirs), rel=1e-5)
