"""Stacked MNIST: three digits a picture, counted as the published protocol counts them."""

import json
import math

import pytest
import torch

from gan_lessons import cli, data, measure, reports, runs
from gan_lessons.run_settings import Settings
from studies import stacked_mnist


@pytest.fixture(scope="module")
def real():
    return data.stacked_mnist(2000, train=False, seed=1)


def test_each_channel_is_a_digit_and_the_label_reads_them(real):
    assert real.images.shape == (2000, 3, 28, 28) and real.images.dtype == torch.uint8
    digits = data.mnist(train=False)
    label_of = {picture.numpy().tobytes(): int(label)
                for picture, label in zip(digits.images, digits.labels, strict=True)}
    for picture, label in zip(real.images[:50], real.labels[:50], strict=True):
        red, green, blue = (label_of[channel.numpy().tobytes()] for channel in picture)
        assert 100 * red + 10 * green + blue == label


def test_a_seed_is_a_draw_and_training_digits_are_others(real):
    assert torch.equal(data.stacked_mnist(5, seed=3).images, data.stacked_mnist(5, seed=3).images)
    assert not torch.equal(data.stacked_mnist(5).images, data.stacked_mnist(5, seed=3).images)
    held_out = {x.numpy().tobytes() for x in data.mnist(train=False).images}
    drawn = data.stacked_mnist(50).images.flatten(0, 1)
    assert not any(x.numpy().tobytes() in held_out for x in drawn)


def test_real_triples_show_what_their_labels_show(real):
    found = measure.stacked_modes(real.images)
    shares = torch.bincount(real.labels, minlength=1000).double() / 2000
    of_labels = float((shares * (1000 * shares).log()).nansum())
    assert abs(found.modes - int((shares > 0).sum())) < 25
    assert abs(found.kl - of_labels) < 0.05
    assert found.floor < found.kl < found.floor + 0.1
    assert found.accuracy > 0.95
    assert f"modes {found.modes:,}/1,000" in str(found)


def test_a_collapsed_generator_is_seen(real):
    one = real.images[:1].expand(500, -1, -1, -1)
    found = measure.stacked_modes(one)
    assert found.modes == 1 and math.isclose(found.kl, math.log(1000))
    # the channels are told apart: turned round, other modes
    turned = measure.stacked_modes(torch.cat([real.images[:300], real.images[:300].flip(1)]))
    assert turned.modes > 1.5 * measure.stacked_modes(real.images[:300]).modes


@pytest.mark.parametrize("wrong", [
    torch.zeros(2, 1, 28, 28, dtype=torch.uint8), torch.zeros(2, 3, 32, 32, dtype=torch.uint8),
    torch.zeros(2, 3, 28, 28)])
def test_other_pictures_are_refused(wrong):
    with pytest.raises(ValueError, match="28, 28"):
        measure.stacked_modes(wrong)


def test_settings_draw_triples_with_a_rim():
    assert Settings("dcgan", "stacked-mnist").drawn == 128_000
    assert Settings("dcgan", "toy-faces").drawn == 10_000
    pictures = Settings("dcgan", "stacked-mnist", drawn=40, subset=0.5).pictures()
    assert pictures.shape == (3, 32, 32) and len(pictures) == 20
    assert pictures.images[:, :, :2].max() == 0
    assert Settings("dcgan", "stacked-mnist", size=64, drawn=3).pictures().shape == (3, 64, 64)


def test_the_command_trains_and_reports(tmp_path, capsys):
    words = ["--data", "stacked-mnist", "--drawn", "40", "--features", "2", "--latent", "8",
             "--batch", "4", "--steps", "2", "--out", str(tmp_path / "run"), "--quiet"]
    assert cli.main(["train", "dcgan", *words]) == 0
    samples, held_out = reports.of_run(runs.open(tmp_path / "run"), 50).splitlines()
    assert "modes" in samples and "n 50" in samples and held_out.startswith("held out")


def test_the_stored_table_is_what_the_study_holds():
    table = json.loads(stacked_mnist.RESULTS.read_text(encoding="utf-8"))
    assert [tuple(row.values()) for row in table["published"]] == stacked_mnist.PUBLISHED
    real = table["real, held out"]
    assert real["samples"] == stacked_mnist.SAMPLES and real["modes"] == 1000
    assert real["kl_floor"] < real["kl"] < 0.05
    for ours in table.get("ours", {}).values():
        assert ours["samples"] == stacked_mnist.SAMPLES and ours["modes"] <= 1000
