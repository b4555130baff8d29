"""The commands `train`, `sample` and `measure`, as somebody at a terminal meets them."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import PIL.Image
import pytest
import torch
from safetensors.torch import load_file, save_file

from gan_lessons import measure, runs

SMALL = ("--data", "mnist", "--size", 16, "--features", 2, "--latent", 8, "--batch", 8,
         "--subset", 0.1, "--threads", 1)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A run of 4 steps; tests that change it make a copy."""
    settings = runs.Settings("dcgan", "mnist", size=16, features=2, latent=8, batch=8, subset=0.1)
    folder = tmp_path_factory.mktemp("made") / "run"
    return runs.train(settings, folder, steps=4, threads=1, quiet=True)


def assert_both(text):
    assert any("\u4e00" <= c <= "\u9fff" for c in text), text
    assert any(c.isascii() and c.isalpha() for c in text), text


@pytest.mark.parametrize("command", ["", "train", "sample", "measure"])
def test_help_fits_a_terminal_and_speaks_both_languages(run, monkeypatch, command):
    monkeypatch.setenv("COLUMNS", "80")
    code, out, _ = run(*command.split(), "--help")
    assert code == 0
    wide = [line for line in out.splitlines() if sum(1 + (ord(c) > 0x2E7F) for c in line) > 80]
    assert wide == []
    assert_both(out)


def test_the_list_of_commands_comes_without_loading_torch():
    code = ("import sys; from gan_lessons.cli import main; main([]); "
            "sys.exit('torch' in sys.modules)")
    done = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[1], text=True,
                          capture_output=True)
    assert (done.returncode, "measure" in done.stdout) == (0, True)


def test_train_then_resume_then_sample(run, tmp_path):
    out = tmp_path / "runs" / "x"
    code, said, err = run("train", "wgan", *SMALL, "--steps", 3, "--sample-every", 2, "--out", out)
    assert code == 0
    assert "Finished at step 3" in said and f"sample --run {out}" in said and "img/s" in err
    code, said, _ = run("train", "--resume", "--out", out, "--steps", 5)
    assert (code, "Going on from step 3" in said) == (0, True)
    code, said, _ = run("train", "wgan", *SMALL, "--resume", "--out", out)
    assert (code, "at step 5 already" in said) == (0, True)
    code, said, _ = run("sample", "--run", out, "-n", 10)
    assert (code, "10 pictures by the generator of step 5" in said) == (0, True)
    with PIL.Image.open(out / "samples_step_000005_newest_seed_0_n_10.png") as picture:
        assert picture.size == (8 * 18 + 2, 2 * 18 + 2)


def test_quiet_is_quiet(run, tmp_path):
    assert run("train", "dcgan", *SMALL, "--steps", 2, "--quiet", "--out", tmp_path / "x") == (
        0, "", "")


def test_ctrl_c_is_130_and_says_how_to_go_on(run, tmp_path, monkeypatch):
    watch = runs.RunWriter.__call__

    def press(self, game):
        watch(self, game)
        if game.step == 1:
            signal.raise_signal(signal.SIGINT)
    monkeypatch.setattr(runs.RunWriter, "__call__", press)
    code, said, _ = run("train", "dcgan", *SMALL, "--steps", 9, "--out", tmp_path / "x")
    assert (code, f"train --resume --out {tmp_path / 'x'}" in said) == (130, True)
    assert runs.open(tmp_path / "x").steps == 2


def test_a_second_ctrl_c_ends_at_once(run, tmp_path, monkeypatch):
    def interrupted(self, game):
        raise KeyboardInterrupt
    monkeypatch.setattr(runs.RunWriter, "__call__", interrupted)
    code, _, err = run("train", "dcgan", *SMALL, "--steps", 9, "--out", tmp_path / "x")
    assert (code, f"train --resume --out {tmp_path / 'x'}" in err) == (130, True)
    monkeypatch.undo()
    assert run("train", "--resume", "--out", tmp_path / "x", "--steps", 3)[0] == 0


def test_the_time_limit_is_no_failure(run, tmp_path):
    code, said, _ = run("train", "dcgan", *SMALL, "--minutes", 1e-9, "--out", tmp_path / "x")
    assert (code, "Time is up at step 1" in said) == (0, True)


def test_divergence_is_told_with_what_to_do(run, tmp_path):
    code, _, err = run("train", "dcgan", *SMALL, "--lr", 1e38, "--steps", 50,
                       "--out", tmp_path / "x")
    assert (code, "smaller --lr" in err, "Traceback" in err) == (1, True, False)
    assert runs.open(tmp_path / "x").steps < 50


@pytest.mark.parametrize("words, code, message", [
    (["--steps", 3], 2, "name a recipe and --data"),
    (["dcgan", "--steps", 3], 2, "name a recipe and --data"),
    (["wgan", "--data", "mnist", "--loss", "hinge", "--steps", 3], 2, "take dcgan"),
    (["gan", "--data", "mnist"], 2, "wgan"),
    (["wgan", "--data", "mnist", "--lr", "0", "--steps", 3], 2, "lr must be a number above 0"),
    (["wgan", "--data", "mnist"], 2, "Say how long to train"),
    (["wgan", "--data", "cifar", "--steps", 3], 1, "There is no set called"),
    (["--resume", "--steps", 0], 2, "steps must be a whole number"),
    (["--resume", "--steps", 3], 1, "There is no run in")])
def test_wrong_arguments_write_nothing(run, tmp_path, words, code, message):
    result, _, err = run("train", *words, "--out", tmp_path / "x")
    assert result == code
    assert message in err and "Traceback" not in err
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("words, usage, meant", [
    (["train", "dcgan", "--stpes", 3], "train RECIPE", "--steps"),
    (["train", "cyclegan", "--idenity", 3], "cyclegan,pix2pix", "--identity"),
    (["sample", "--run", "x", "--newst"], "sample [-h] --run", "--newest"),
    (["data", "cache", "x", "--subsets", 1], "data cache [-h]", "--subset"),
    (["doctor", "--quick"], "doctor [-h]", None)])
def test_a_mistyped_option_gets_the_usage_and_the_nearest_one(run, words, usage, meant):
    code, _, err = run(*words)
    assert (code, usage in err, "unrecognized arguments: --" in err) == (2, True, True)
    assert ("Did you mean" in err) is (meant is not None)
    if meant:
        assert f"Did you mean {meant}?" in err
        assert_both(err)


def test_a_folder_that_cannot_be_made_is_told(run, tmp_path):
    (tmp_path / "file").write_text("")
    code, _, err = run("train", "dcgan", *SMALL, "--steps", 3, "--out", tmp_path / "file" / "x")
    assert code == 1 and f"Cannot read or write {tmp_path / 'file' / 'x'}: Not a directory" in err


def test_a_run_is_not_overwritten(run, made):
    code, _, err = run("train", "dcgan", *SMALL, "--steps", 3, "--out", made.folder)
    assert (code, "Add --resume" in err) == (1, True)


# ---- sample ----

def test_sample_writes_each_picture(run, made, tmp_path):
    code, _, _ = run("sample", "--run", made.folder, "-n", 3, "--seed", 5, "--newest",
                     "--each", tmp_path / "each")
    assert code == 0
    expected = made.sample(3, seed=5, newest=True)
    for i, name in enumerate(["0000.png", "0001.png", "0002.png"]):
        with PIL.Image.open(tmp_path / "each" / name) as picture:
            pixels = torch.tensor(list(picture.convert("L").getdata()), dtype=torch.uint8)
        assert torch.equal(pixels.view(1, 16, 16), expected[i])


@pytest.mark.parametrize("where", [["--out", "{tmp}/0000.png"], ["--each", "{tmp}"]])
def test_sample_does_not_overwrite(run, made, tmp_path, where):
    where = [word.format(tmp=tmp_path) for word in where]
    (tmp_path / "0000.png").write_bytes(b"mine")
    code, _, err = run("sample", "--run", made.folder, "-n", 2, *where)
    assert (code, "was not overwritten" in err) == (1, True)
    assert [p.name for p in tmp_path.iterdir()] == ["0000.png"]
    assert (tmp_path / "0000.png").read_bytes() == b"mine"


def pixels(path):
    with PIL.Image.open(path) as picture:
        return list(picture.getdata())


def test_sample_takes_the_newest_weights_until_the_average_has_caught_up(run, made, tmp_path):
    """With ema 0.999 that takes 5,000 steps; before, an average of BatchNorm paints grey."""
    def drawn(folder, *words):
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.png"
        code, said, _ = run("sample", "--run", folder, "--out", path, *words)
        assert code == 0
        return pixels(path), said
    young, said = drawn(made.folder)
    assert "until about step 5000" in said and "newest weights, of step 4" in said
    assert_both(said)
    newest, said = drawn(made.folder, "--newest")
    assert "average" not in said
    average, said = drawn(made.folder, "--average")
    assert "lags" not in said
    assert young == newest != average
    alone = tmp_path / "alone"  # a generator that was passed on
    alone.mkdir()
    for name in ("settings.json", "generator.safetensors"):
        (alone / name).write_bytes((made.folder / name).read_bytes())
    passed_on, said = drawn(alone)
    assert passed_on == average and "so it has to do" in said
    weights = load_file(made.folder / "generator.safetensors")
    save_file(weights, alone / "generator.safetensors", metadata={"step": "5000"})
    old, said = drawn(alone)
    assert old == average and "lags" not in said


def test_a_warmed_up_average_is_never_behind(run, made, tmp_path):
    """The runs of `rpgan` are of this kind: their average has forgotten the first weights."""
    shutil.copytree(made.folder, tmp_path / "warm")
    path = tmp_path / "warm" / "settings.json"
    about = json.loads(path.read_text("utf-8"))
    assert about["game"]["ema_warm_up"] is False
    about["game"]["ema_warm_up"] = True
    path.write_text(json.dumps(about), "utf-8")
    code, said, _ = run("sample", "--run", tmp_path / "warm")
    assert (code, "lags" in said) == (0, False)
    assert [p.name for p in (tmp_path / "warm").glob("samples*average*.png")]


@pytest.mark.parametrize("words, code, message", [
    (["--out", "{tmp}/a.jpg"], 1, "are stored as .png; got a.jpg"),
    (["-n", "0"], 2, "between 1 and 100000, got '0'"),
    (["--seed", "-1"], 2, "got '-1'")])
def test_sample_refuses(run, made, tmp_path, words, code, message):
    result, _, err = run("sample", "--run", made.folder,
                         *(word.format(tmp=tmp_path) for word in words))
    assert (result, message in err) == (code, True)
    assert list(tmp_path.iterdir()) == []
    assert run("sample", "--run", tmp_path)[0] == 1


def test_a_folder_for_the_run_must_be_named(run):
    code, _, err = run("train", "dcgan", *SMALL, "--steps", 3)
    assert (code, "--out" in err) == (2, True)


def test_as_a_command(tmp_path):
    """From another folder, with a relative path, as at a shell."""
    words = [sys.executable, "-m", "gan_lessons", "train", "dcgan", *map(str, SMALL)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run([*words, "--steps", "2", "--out", "runs/x"], cwd=tmp_path, text=True,
                          capture_output=True, env=environment)
    assert (done.returncode, "Finished at step 2" in done.stdout) == (0, True), done.stderr


def test_measure_says_what_it_needs_and_what_it_does(run, made, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    code, _, err = run("measure", "--run", made.folder, "-n", 200)
    assert code == 1 and "then the same command again" in err and str(tmp_path) in err
    code, _, err = run("measure", "--run", made.folder, "-n", 10)
    assert code == 2 and "between 200 and 100000" in err

    class MeanColour:
        name, classes = "the mean colour", 0

        def features(self, images):
            return images.float().mean((2, 3))
    monkeypatch.setattr(measure, "inception", MeanColour)
    code, out, err = run("measure", "--run", made.folder, "-n", 200, "--average")
    assert (code, "are scored" in err) == (0, True)
    assert out.startswith("200 samples, step 4, seed 0, average weights\n")
    assert "1 features of the mean colour" in out
    each = tmp_path / "each"
    code, _, err = run("sample", "--run", made.folder, "-n", 200, "--average", "--each", each)
    assert code == 0, err
    code, again, _ = run("measure", "--run", made.folder, "--pictures", each, "-n", 200)
    assert code == 0 and again.splitlines()[1:] == out.splitlines()[1:]  # PNG loses nothing
    code, out, err = run("measure", "--pictures", each, "--against", each, "--size", 16)
    assert code == 0 and out.startswith(f"100 pictures of {each}"), err
    code, _, err = run("measure", "--pictures", each)
    assert code == 2 and "--against" in err


def test_a_run_keeps_out_of_its_pictures_and_few_of_them_are_enough(run, tmp_path):
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for i in range(2):
        PIL.Image.new("RGB", (20, 20), (90 * i, 60, 30)).save(pictures / f"{i}.png")
    words = ["train", "dcgan", "--size", 16, "--features", 2, "--latent", 4, "--steps", 1,
             "--threads", 1, "--quiet", "--data"]
    code, _, err = run(*words, pictures, "--out", pictures / "run")
    assert code == 1 and "lies in the folder of the pictures" in err
    code, _, err = run(*words, "", "--out", tmp_path / "run")
    assert code == 2 and "--data must not be empty" in err
    for batch in ([], ["--batch", 1]):  # neither leaves anything behind
        assert run(*words, pictures, "--out", tmp_path / "run", *batch)[0] == 1
    assert "add --batch 2" in run(*words, pictures, "--out", tmp_path / "run")[2]
    assert run(*words, pictures, "--out", tmp_path / "run", "--batch", 2)[0] == 0
