"""Runs in a folder: what is written, resumed after a kill, looked at, and what goes wrong."""

import csv
import errno
import gc
import json
import os
import shlex
import signal
import subprocess
import sys

import PIL.Image
import pytest
import torch
from filelock import FileLock
from safetensors.torch import load_file, save_file

from gan_lessons import checkpoint, data, losses, penalties, runs, show, util
from gan_lessons import train as training
from gan_lessons.augment import DiffAugment
from gan_lessons.train import TrainingDiverged

SMALL = {"data": "mnist", "size": 16, "features": 2, "latent": 8, "batch": 8, "subset": 0.1}


def small(recipe="dcgan", **changes):
    return runs.Settings(recipe, **SMALL | changes)


def begin(out, steps=6, **schedule):
    every = {"sample_every": 2, "save_every": 3, "threads": 1, "quiet": True}
    return runs.train(small(), out, steps=steps, **every | schedule)


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*")
            if path.is_file()}


def results(folder):
    """Return what must not depend on interruptions: all but the clock and the schedule."""
    return {name: content for name, content in contents(folder).items()
            if name not in ("summary.json", "settings.json", "lock")
            and not name.startswith("tensorboard")}


def assert_both(text):
    assert any("\u4e00" <= c <= "\u9fff" for c in text), text
    assert any(c.isascii() and c.isalpha() for c in text), text


@pytest.fixture
def after_step(monkeypatch):
    """Return a function that has something done after a step of the runs in this test."""
    def after_step(action, step=None):
        watch = runs.RunWriter.__call__

        def watch_and_act(self, game):
            stop = watch(self, game)
            if step in (game.step, None):
                action()
            return stop
        monkeypatch.setattr(runs.RunWriter, "__call__", watch_and_act)
    return after_step


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    """A run of 10 steps that was never interrupted."""
    return begin(tmp_path_factory.mktemp("straight") / "run", 10)


# ---- what a run leaves ----

def test_a_run_leaves_what_it_promises(straight):
    assert sorted(contents(straight.folder)) == [
        "checkpoint.safetensors", "generator.safetensors",
        *(f"grids/step_{step:06}.png" for step in (0, 2, 4, 6, 8, 10)),
        "history.csv", "lock", "real.png", "settings.json", "summary.json"]
    rows = list(csv.reader((straight.folder / "history.csv").open()))
    assert rows[0] == ["step", *training.HISTORY]
    assert [row[0] for row in rows[1:]] == [str(step) for step in range(1, 11)]
    summary = straight.summary
    assert summary["state"] == "finished" and summary["step"] == summary["last_step"] == 10
    assert summary["images_seen"] == 10 * 8 and summary["images_per_second"] > 0
    assert summary["mean_of_last_100"]["gap"] == pytest.approx(
        float(straight.history[:, 2].mean() - straight.history[:, 3].mean()), abs=1e-6)


def test_the_run_is_the_game_that_its_settings_name(straight):
    """The same recipe played by hand gives the same numbers to the last bit."""
    pictures_ = small().pictures()
    game = training.fit(small().game(1), pictures_, 10, progress=False)
    assert torch.equal(straight.history, game.history)
    assert torch.equal(straight.snapshots[10], training.generate(game.generator, game.fixed_z))
    assert torch.equal(straight.sample(5, seed=3), game.sample(5, seed=3, ema=True))
    assert torch.equal(straight.sample(5, newest=True), game.sample(5))
    assert straight.weights()[1] == straight.weights(newest=True)[1] == 10


def test_grids_hold_the_pictures_and_real_png_real_ones(straight):
    for path in (straight.grids[4], straight.folder / "real.png"):
        with PIL.Image.open(path) as grid:
            assert grid.size == (8 * 18 + 2,) * 2
            pixels = torch.tensor(list(grid.convert("L").getdata()), dtype=torch.uint8)
    first = pixels.view(grid.size)[2:18, 2:18]
    assert (small().pictures().images == first).flatten(1).all(1).any()


def test_sampling_needs_two_files_only(straight, tmp_path):
    for name in ("settings.json", "generator.safetensors"):
        (tmp_path / name).write_bytes((straight.folder / name).read_bytes())
    copy = runs.open(tmp_path)
    assert torch.equal(copy.sample(4), straight.sample(4))
    assert (copy.steps, copy.summary, copy.grids) == (0, {}, {})
    with pytest.raises(runs.BadRun, match="checkpoint.safetensors is not there yet"):
        copy.sample(4, newest=True)


def test_a_run_shows_itself(straight, monkeypatch, capsys):
    shown = []
    monkeypatch.setattr(show, "display", lambda picture: shown.append(picture.alt))
    straight.show()
    out = capsys.readouterr().out
    assert "step 10, 80 real pictures seen" in out and "recipe dcgan" in out and "lr 0.0002" in out
    assert_both(out)
    assert len(shown) == 3
    assert "steps 0, 2, 4, 6, 8, 10" in shown[1] and "fresh samples" in shown[2]


def test_a_run_can_be_looked_at_from_its_first_moment_on(tmp_path, monkeypatch, after_step):
    """Also before it has saved, and while it goes on."""
    monkeypatch.setattr(show, "display", lambda picture: None)
    seen = []

    def look():
        run = runs.open(tmp_path / "run")
        run.show()
        seen.append((run.steps, len(run.history), list(run.grids)))
    after_step(look)
    begin(tmp_path / "run", 7)
    assert seen == [(0, 0, [0]), (0, 0, [0, 2]), (3, 3, [0, 2]), (3, 3, [0, 2, 4]),
                    (3, 3, [0, 2, 4]), (6, 6, [0, 2, 4, 6]), (6, 6, [0, 2, 4, 6])]


def test_the_history_grows_and_a_torn_row_is_passed_over(tmp_path, after_step):
    history = tmp_path / "run" / "history.csv"
    seen = []

    def look():
        seen.append(os.stat(history).st_ino if history.exists() else None)
    after_step(look)
    run = begin(tmp_path / "run", 9)
    assert len(set(seen[3:])) == 1  # it is appended to, not written anew
    with history.open("a") as file:
        file.write("10,0.1,0.2")
    assert len(run.history) == 9
    assert "step 9" in repr(run)


def test_a_run_is_named_and_sampled_without_reading_what_it_does_not_need(straight, tmp_path):
    for name in ("settings.json", "generator.safetensors", "summary.json"):
        (tmp_path / name).write_bytes((straight.folder / name).read_bytes())
    (tmp_path / "history.csv").write_text("step,a\n1,two\n")
    (tmp_path / "checkpoint.safetensors").write_bytes(b"hello")
    run = runs.open(tmp_path)
    assert "step 10" in repr(run)
    assert torch.equal(run.sample(3), straight.sample(3))


# ---- stopped and resumed ----

def test_resumed_as_if_never_stopped(straight, tmp_path):
    begin(tmp_path / "run", 4)
    run = runs.resume(tmp_path / "run", steps=10, quiet=True)
    assert results(run.folder) == results(straight.folder)
    assert run.schedule.save_every == 3


def test_ctrl_c_ends_after_the_step_and_saves(straight, tmp_path, monkeypatch, after_step, capsys):
    after_step(lambda: signal.raise_signal(signal.SIGINT), 5)
    run = begin(tmp_path / "run", 10, quiet=False)
    assert (run.summary["state"], run.steps) == ("stopped", 6)
    assert f"train --resume --out {run.folder}" in capsys.readouterr().out
    monkeypatch.undo()
    assert results(runs.resume(run.folder, quiet=True).folder) == results(straight.folder)


def test_the_time_limit_ends_with_a_checkpoint(straight, tmp_path):
    run = begin(tmp_path / "run", 10, minutes=1e-9)
    assert (run.summary["state"], run.steps) == ("time is up", 1)
    assert checkpoint.saved_step(run.folder / "checkpoint.safetensors") == 1
    run = runs.resume(run.folder, steps=10, quiet=True)  # a new goal: the old limit is gone
    assert results(run.folder) == results(straight.folder)


def test_minutes_alone_will_do(tmp_path):
    run = begin(tmp_path / "run", None, minutes=1e-9)
    assert run.steps == 1 and run.summary["last_step"] is None
    assert runs.resume(run.folder, quiet=True).steps == 2  # as long again


@pytest.mark.parametrize("recipe, changes, epochs, steps", [
    ("dcgan", {}, 2, 34), ("dcgan", {}, 0.01, 1), ("wgan", {}, 2, 7),
    ("source-003", {"warm_up": True}, 50, 9), ("source-003", {"warm_up": True}, 200, 200)])
def test_epochs_count_what_d_sees(recipe, changes, epochs, steps):
    game = small(recipe, **changes).game(1)  # of 135 pictures, 8 a batch
    schedule = runs.Schedule(epochs=epochs)
    assert schedule.last_step(game, 135) == steps
    assert training.critic_turns(game, steps) * 8 >= epochs * 135
    assert steps == 1 or training.critic_turns(game, steps - 1) * 8 < epochs * 135
    assert runs.Schedule(epochs=epochs, steps=5).last_step(game, 135) == min(5, steps)


def test_what_a_kill_left_behind_or_undone_is_put_right(straight, tmp_path):
    """Killed after the checkpoint of step 6: its grid is missing, the history is of step 3."""
    begin(tmp_path / "run", 6)
    folder = tmp_path / "run"
    (folder / "grids" / "step_000006.png").unlink()
    (folder / "grids" / "step_000099.png").write_bytes(b"from beyond the checkpoint")
    (folder / "history.csv").write_text("step,a,b,c,d\n1,1,2,3,4\n")
    (folder / "generator.safetensors").write_bytes(b"half")
    (folder / "summary.json").write_bytes(b"{half")
    assert results(runs.resume(folder, steps=10, quiet=True).folder) == results(straight.folder)


def test_what_a_killed_process_left_half_written_is_cleared_away(straight, tmp_path):
    folder = tmp_path / "run"
    left = [folder / ".settings.json.31.part", folder / "grids" / ".step_000002.png.31.part"]
    folder.mkdir()
    left[0].write_bytes(b"{")  # killed before there was anything else, then begun again
    begin(folder, 6)
    for path in left:
        path.write_bytes(b"{")
    assert results(runs.resume(folder, steps=10, quiet=True).folder) == results(straight.folder)


def test_begun_and_killed_before_the_first_checkpoint(straight, tmp_path):
    begin(tmp_path / "run", 6)
    for path in (tmp_path / "run").iterdir():
        if path.is_file() and path.name != "settings.json":
            path.unlink()
    run = runs.resume(tmp_path / "run", steps=10, quiet=True)
    assert results(run.folder) == results(straight.folder)


KILLS = """
import os, random, signal, sys, time
from gan_lessons import runs
from gan_lessons.cli import main

def start(*words):
    process = os.fork()  # before anything was computed: a process of its own, quickly
    if process == 0:
        os._exit(main(["train", *words, "--quiet"]))
    return process

alone, folder, *words = sys.argv[1:]
begun_at = time.monotonic()
assert os.waitpid(start(*words, "--out", alone), 0)[1] == 0
whole = time.monotonic() - begun_at  # three kills come before its end, however fast the machine
luck, killed, result = random.Random(1), 0, 9
while result == signal.SIGKILL:
    begun = os.path.exists(folder + "/settings.json")
    process = start(*(["--resume"] if begun else words), "--out", folder)
    time.sleep(luck.uniform(0.05, 0.3) * whole)
    if killed < 8:
        os.kill(process, signal.SIGKILL)
    result = os.waitpid(process, 0)[1]
    killed += result == signal.SIGKILL
print(killed, "kills, then", result)
"""


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_kill_9_at_any_moment_and_resume(tmp_path):
    """Checkpoint, history and grids end as those of the run that was left alone."""
    words = ["wgan", "--data", "mnist", "--size", 16, "--features", 2, "--batch", 8, "--subset",
             0.1, "--steps", 100, "--n-critic", 2, "--save-every", 4, "--sample-every", 7,
             "--threads", 1]
    made = subprocess.run([sys.executable, "-c", KILLS, tmp_path / "alone", tmp_path / "killed",
                           *map(str, words)], capture_output=True, text=True)
    assert made.returncode == 0 and made.stdout.endswith("then 0\n"), made.stderr
    assert int(made.stdout.split()[-4]) >= 3
    assert results(tmp_path / "killed") == results(tmp_path / "alone")


# ---- what is refused, before anything is written ----

def test_a_run_is_never_overwritten(straight):
    before = contents(straight.folder)
    with pytest.raises(runs.BadRun, match="already holds a run") as refused:
        begin(straight.folder)
    assert_both(str(refused.value))
    assert contents(straight.folder) == before


def test_a_folder_with_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(runs.BadRun, match="is not empty and holds no run"):
        begin(tmp_path)
    assert sorted(contents(tmp_path)) == ["thesis.tex"]


@pytest.mark.parametrize("expected, what", [
    ({"lr": 1e-3}, "lr: 0.0002 -> 0.001"), ({"recipe": "wgan"}, "recipe: dcgan -> wgan"),
    ({"data": "toy-faces", "size": 32}, "data: mnist -> toy-faces; size: 16 -> 32")])
def test_other_settings_are_named_and_refused(straight, expected, what):
    before = contents(straight.folder)
    with pytest.raises(runs.BadRun, match="has other settings") as refused:
        runs.resume(straight.folder, expected=expected, steps=20)
    assert what in str(refused.value)
    assert contents(straight.folder) == before


def test_the_same_settings_may_be_said_again(straight, tmp_path):
    run = begin(tmp_path / "run", 4)
    same = {"recipe": "dcgan", "lr": 2e-4, "n_critic": 1, "norm": "batch", "precision": "auto"}
    assert runs.resume(run.folder, expected=same, steps=5, quiet=True).steps == 5


@pytest.mark.parametrize("changes, message", [
    ({"recipe": "stylegan"}, "wgan, wgan-gp, dcgan, sngan, rpgan, source-003; got 'stylegan'"),
    ({"recipe": "source-003", "norm": "none"}, "has no choice of norm"),
    ({"recipe": "wgan", "loss": "hinge"}, "for another loss, take dcgan or rpgan"),
    ({"loss": "wasserstein"}, "must be kept from growing steep"),
    ({"warm_up": True}, "warm_up belongs to WGAN"),
    ({"recipe": "wgan", "penalty": "gp"}, "add norm=none or norm=spectral"),
    ({"penalty_weight": 2.0}, "penalty_weight needs a penalty"),
    ({"penalty_every": 2}, "penalty_every needs a penalty"),
    ({"clip_gradients": 0.0}, "clip_gradients must be a number above 0"),
    ({"root": "x"}, "root is for celeba and lsun-bedrooms"),
    ({"size": 28}, "size must be one of 16, 32, 64, 128, 256; got 28"),
    ({"size": None, "data": "toy-faces", "features": 0}, "features must be a whole number"),
    ({"lr": float("nan")}, "lr must be a number above 0"), ({"subset": 1.5}, "at most 1"),
    ({"precision": "float16"}, "precision must be one of")])
def test_settings_that_do_not_go_together(changes, message):
    with pytest.raises(ValueError, match=message) as refused:
        small(**changes)
    assert_both(str(refused.value))


@pytest.mark.parametrize("schedule, message", [
    ({}, "Say how long to train"), ({"steps": 0}, "steps must be a whole number of at least 1"),
    ({"minutes": -1}, "minutes must be a number above 0"),
    ({"steps": 5, "save_every": 0}, "save_every must be")])
def test_schedules_that_will_not_do(schedule, message):
    with pytest.raises(ValueError, match=message) as refused:
        runs.Schedule(**schedule)
    assert_both(str(refused.value))


@pytest.mark.parametrize("changes, message", [
    ({"batch": 801}, "at most the number of pictures, 800: add --batch 400"),
    ({"data": "no/such/folder"}, "There is no set called"),
    ({"data": "celeba", "root": "nowhere"}, "CelebA was not found")])
def test_pictures_that_will_not_do_leave_no_folder(tmp_path, changes, message):
    with pytest.raises((ValueError, OSError), match=message) as refused:
        runs.train(small(**changes), tmp_path / "run", steps=3)
    assert_both(str(refused.value))
    assert not (tmp_path / "run").exists()


def test_two_processes_do_not_share_a_run(straight, tmp_path):
    run = begin(tmp_path / "run", 4)
    with (FileLock(run.folder / "lock"), pytest.raises(runs.BadRun, match="Another process")):
        runs.resume(run.folder, steps=6)


# ---- settings ----

@pytest.mark.parametrize("changes, game", [
    ({}, {"clip": None, "penalty": None, "n_critic": 1, "lr": 2e-4}),
    ({"recipe": "wgan"}, {"clip": 0.01, "n_critic": 5, "lr": 5e-5}),
    ({"recipe": "wgan", "norm": "none", "penalty": "gp"}, {"clip": None, "n_critic": 5}),
    ({"recipe": "wgan", "norm": "spectral"}, {"clip": None}),
    ({"recipe": "rpgan", "freeze_batchnorm": 9}, {"freeze_batchnorm": 9}),
    ({"recipe": "source-003", "warm_up": True, "decay": 50}, {"warm_up": True, "decay": 50}),
    ({"lr": 1e-3, "batch": 4, "n_critic": 2, "seed": 7}, {"lr": 1e-3, "batch": 4, "n_critic": 2,
                                                          "seed": 7})])
def test_settings_make_the_game(changes, game):
    made = small(**changes).game(1)
    assert {name: getattr(made, name) for name in game} == game


def test_losses_and_penalties_by_name():
    assert isinstance(small(loss="hinge").game(1).loss, losses.Hinge)
    penalty = small(norm="none", penalty="r1", penalty_weight=3.0).game(1).penalty
    assert penalty.func.__name__ == "r1" and penalty.keywords == {"gamma": 3.0}
    penalty = small(norm="none", penalty="gp", penalty_weight=5.0).game(1).penalty
    assert penalty.keywords == {"weight": 5.0}
    penalty = small(norm="none", penalty="gp-one-sided", penalty_weight=5.0).game(1).penalty
    assert penalty.keywords == {"weight": 5.0, "one_sided": True}


def test_augmentation_clipping_and_a_lazy_penalty_by_option():
    game = small(norm="none", penalty="r1-r2", penalty_every=4, clip_gradients=2.0,
                 augment=True).game(1)
    assert (game.penalty_every, game.clip_gradients, game.augment) == (4, 2.0, DiffAugment())
    assert small().game(1).augment is None
    assert small("rpgan", penalty_every=4).game(1).penalty_every == 4  # its own penalty


@pytest.mark.parametrize("name, size, shape, count", [
    ("mnist", 32, (1, 32, 32), 800), ("mnist", 64, (1, 64, 64), 800),
    ("toy-faces", 16, (3, 16, 16), 1000), ("toy-rooms", 16, (3, 16, 16), 1000)])
def test_pictures_by_name(name, size, shape, count):
    found = small(data=name, size=size).pictures()
    assert found.shape == shape and len(found) == count


def test_digits_get_a_rim_and_keep_their_look():
    small_, large = data.mnist()[:20], small(size=32).pictures()
    assert torch.equal(large.images[:20, :, 2:-2, 2:-2], small_.images)
    assert large.images[:, :, :2].max() == 0


# ---- when something goes wrong ----

def failing(attempt):
    """Return what an attempt complains of, and let go of the files that its traceback holds."""
    try:
        attempt()
    except OSError as problem:
        return str(problem)
    finally:
        gc.collect()
    pytest.fail("nothing was raised")


def test_a_full_disk_is_a_warning_and_an_error_at_the_end(straight, small_disk, capsys):
    disk = small_disk("4m")
    begin(disk / "run", 4)
    free = os.statvfs(disk)
    (disk / "ballast").write_bytes(bytes(free.f_bavail * free.f_frsize - 4096))
    message = failing(lambda: runs.resume(disk / "run", steps=10, quiet=True))
    assert "No space left" in message
    (disk / "ballast").unlink()
    assert results(runs.resume(disk / "run", steps=10, quiet=True).folder) == results(
        straight.folder)


def test_a_disk_that_runs_full_while_training(straight, small_disk, monkeypatch, after_step,
                                              capsys):
    disk = small_disk("4m")

    def fill():
        free = os.statvfs(disk)
        (disk / "ballast").write_bytes(bytes(free.f_bavail * free.f_frsize - 4096))
    after_step(fill, 4)
    assert "No space left" in failing(lambda: begin(disk / "run", 10))
    assert "training goes on" in capsys.readouterr().err
    assert checkpoint.saved_step(disk / "run" / "checkpoint.safetensors") == 3
    monkeypatch.undo()
    (disk / "ballast").unlink()
    assert results(runs.resume(disk / "run", quiet=True).folder) == results(straight.folder)


def test_a_read_only_folder_is_told(straight, small_disk):
    disk = small_disk("4m")
    begin(disk / "run", 4)
    before = contents(disk)
    assert subprocess.run(["mount", "-o", "remount,ro", disk]).returncode == 0
    for attempt in (lambda: runs.resume(disk / "run", steps=6), lambda: begin(disk / "new")):
        assert "Read-only file system" in failing(attempt)
    assert contents(disk) == before
    assert runs.open(disk / "run").sample(2).shape == (2, 1, 16, 16)


def test_nan_leaves_the_last_checkpoint(tmp_path, monkeypatch):
    play = training.play_round

    def poisoned(game, batches):
        if game.step == 4:
            with torch.no_grad():
                next(game.critic.parameters()).fill_(float("nan"))
        return play(game, batches)
    monkeypatch.setattr(training, "play_round", poisoned)
    with pytest.raises(TrainingDiverged, match="step 5"):
        begin(tmp_path / "run", 10)
    run = runs.open(tmp_path / "run")
    assert (run.summary["state"], run.steps) == ("diverged", 4)
    assert run.weights()[1] == run.weights(newest=True)[1] == 3
    assert run.sample(2).shape == (2, 1, 16, 16)
    monkeypatch.undo()
    assert runs.resume(run.folder, steps=5, quiet=True).steps == 5


def photos(folder, count=12):
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(count):
        PIL.Image.new("RGB", (20, 18), (20 * i, 90, 90)).save(folder / f"{i}.jpg")
    return {"data": str(folder), "subset": 1.0}


def test_pictures_may_go_once_they_are_in_the_cache(tmp_path, after_step):
    chosen = small(**photos(tmp_path / "photos"))

    def delete():
        for path in tmp_path.glob("photos/*"):
            path.unlink()
    after_step(delete)
    run = runs.train(chosen, tmp_path / "run", steps=4, threads=1, quiet=True)
    assert run.steps == 4
    before = contents(run.folder)
    with pytest.raises(ValueError, match="No pictures were found") as told:
        runs.resume(run.folder, steps=6)
    assert_both(str(told.value))
    assert contents(run.folder) == before
    (tmp_path / "photos").rmdir()
    with pytest.raises(OSError, match="no such file or folder"):
        runs.resume(run.folder, steps=6)
    assert contents(run.folder) == before


def test_pictures_that_became_more_are_refused(tmp_path):
    run = runs.train(small(**photos(tmp_path / "photos")), tmp_path / "run", steps=2, threads=1,
                     quiet=True)
    before = contents(run.folder)
    photos(tmp_path / "photos", 13)
    with pytest.raises(runs.BadRun, match="photos, 12 of .* -> photos, 13 of"):
        runs.resume(run.folder, steps=6)
    assert contents(run.folder) == before


def change_settings(**changes):
    def change(path):
        about = json.loads(path.read_text())
        for name, value in changes.items():
            about[name] = about[name] | value if isinstance(value, dict) else value
        path.write_text(json.dumps(about))
    return change


@pytest.mark.parametrize("damage, message", [
    (lambda path: path.write_bytes(path.read_bytes()[:100]), "settings.json cannot be used"),
    (lambda path: path.write_bytes(b"\x00\xff" * 50), "settings.json cannot be used"),
    (lambda path: path.write_text("[" * 100_000), "settings.json cannot be used"),
    (lambda path: path.write_text("[]"), "settings.json cannot be used"),
    (change_settings(settings={"colour": 3}), "settings.json cannot be used"),
    (change_settings(settings={"size": "big"}), "size must be one of"),
    (change_settings(pictures={"channels": "3"}), "settings.json cannot be used"),
    (change_settings(game=[]), "settings.json cannot be used"),
    (change_settings(format=2, versions={"gan_lessons": "9.0"}), "written by gan_lessons 9.0"),
    (lambda path: path.unlink(), "There is no run in")])
def test_settings_that_cannot_be_read(straight, tmp_path, damage, message):
    for name in ("settings.json", "generator.safetensors", "checkpoint.safetensors"):
        (tmp_path / name).write_bytes((straight.folder / name).read_bytes())
    damage(tmp_path / "settings.json")
    before = contents(tmp_path)
    for attempt in (lambda: runs.open(tmp_path), lambda: runs.resume(tmp_path, steps=20)):
        with pytest.raises(runs.BadRun, match=message):
            attempt()
    assert contents(tmp_path) == before


@pytest.mark.parametrize("damage", [
    lambda path: path.write_bytes(b"hello"),
    lambda path: save_file({"4x4.0.weight": torch.zeros(2)}, path, metadata={"step": "3"}),
    lambda path: save_file({k: t * float("nan") for k, t in load_file(path).items()}, path,
                           metadata={"step": "3"})])
def test_a_damaged_generator_is_told_and_mended_by_resuming(tmp_path, damage):
    run = begin(tmp_path / "run", 3)
    damage(run.folder / "generator.safetensors")
    with pytest.raises(runs.BadRun, match="generator.safetensors cannot be read"):
        run.sample(1)
    assert runs.resume(run.folder, quiet=True).sample(1).shape == (1, 1, 16, 16)


def test_a_damaged_or_lost_checkpoint_is_told(tmp_path):
    run = begin(tmp_path / "run", 3)
    path = run.folder / "checkpoint.safetensors"
    path.write_bytes(b"hello")
    with pytest.raises(checkpoint.BadCheckpoint, match="is damaged"):
        runs.resume(run.folder, steps=6)
    path.unlink()
    before = contents(run.folder)
    with pytest.raises(runs.BadRun, match="is gone, and without it the run cannot go on"):
        runs.resume(run.folder, steps=6)
    assert contents(run.folder) == before and run.sample(1).shape == (1, 1, 16, 16)


def test_a_damaged_history_or_grid_is_told(tmp_path):
    run = begin(tmp_path / "run", 3)
    (run.folder / "history.csv").write_text("step,a\n1,two\n")
    with pytest.raises(runs.BadRun, match="history.csv cannot be read"):
        run.history  # noqa: B018
    run.grids[2].write_bytes(b"no picture")
    with pytest.raises(OSError, match="step_000002.png"):
        run.snapshots  # noqa: B018


@pytest.mark.parametrize("moment", ["fsync", "replace"])
def test_nothing_is_ever_half_written(tmp_path, monkeypatch, moment):
    run = begin(tmp_path / "run", 3)
    before = contents(run.folder)

    def pull_the_plug(*_):
        raise KeyboardInterrupt
    monkeypatch.setattr(util.os, moment, pull_the_plug)
    with pytest.raises(KeyboardInterrupt):
        runs.resume(run.folder, steps=6, quiet=True)
    assert contents(run.folder) == before


# ---- TensorBoard ----

def test_tensorboard_missing_is_told_before_anything_is_written(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(ValueError, match="pip install tensorboard"):
        begin(tmp_path / "run", tensorboard=True)
    assert not (tmp_path / "run").exists()


def test_tensorboard_gets_every_step_once(tmp_path, monkeypatch):
    written, module = [], type(sys)("torch.utils.tensorboard")

    class SummaryWriter:
        def __init__(self, folder, purge_step):
            written.append(("purge", purge_step))

        def add_scalar(self, name, value, step):
            written.append((name, step))

        def add_image(self, name, image, step, dataformats):
            written.append((name, step, image.shape, dataformats))

        flush = close = lambda self: None
    module.SummaryWriter = SummaryWriter
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)
    begin(tmp_path / "run", 4, tensorboard=True)
    runs.resume(tmp_path / "run", steps=6, tensorboard=True, quiet=True)
    assert [entry[1] for entry in written if entry[0] == "critic loss"] == [1, 2, 3, 4, 5, 6]
    assert [entry[1] for entry in written if entry[0] == "purge"] == [1, 5]
    assert ("fakes", 2, (146, 146, 3), "HWC") in written


# ---- toy pictures, and measuring ----

@pytest.mark.parametrize("recipe, norm, lr", [("sngan", "spectral", 1e-3),
                                              ("rpgan", "batch", 2e-3)])
def test_the_learning_rate_falls_to_the_end_of_the_run(tmp_path, recipe, norm, lr):
    told = small(recipe, data="toy-rooms-core", subset=1.0, drawn=60)
    run = runs.train(told, tmp_path / "run", steps=7, quiet=True)
    assert runs.open(run.folder).settings.decay == 7
    assert (run.settings.norm, run.settings.lr) == (norm, lr)
    drawn = run.settings.pictures()
    assert len(drawn) == 60 and len(drawn.factors["rug"].unique()) == 1  # the core only


def test_a_critic_without_batch_norm_takes_another_penalty():
    for recipe in ("wgan-gp", "rpgan"):
        game = runs.Settings(recipe, "toy-faces", size=16, penalty="r1").game(3)
        assert game.penalty is penalties.r1
    with pytest.raises(ValueError, match="With BatchNorm"):
        runs.Settings("dcgan", "toy-faces", penalty="r1")


# ---- what happens to long runs ----

def test_a_folder_moved_meanwhile_is_made_whole_again(tmp_path, after_step, capsys):
    after_step(lambda: (tmp_path / "run").rename(tmp_path / "moved")
               if not (tmp_path / "moved").exists() else None)
    run = runs.train(small(), tmp_path / "run", steps=4, threads=1, save_every=2, quiet=True)
    assert "was moved or deleted; training goes on" in capsys.readouterr().out
    assert run.steps == len(run.history) == checkpoint.saved_step(
        run.folder / "checkpoint.safetensors") == 4
    assert runs.resume(run.folder, steps=5, quiet=True).steps == 5


def test_a_file_that_somebody_holds_for_a_moment_is_replaced_in_the_end(tmp_path, monkeypatch):
    replace, held = os.replace, [PermissionError, PermissionError]

    def hold(*paths):
        if held:
            raise held.pop()
        replace(*paths)
    monkeypatch.setattr(util.os, "replace", hold)
    monkeypatch.setattr(util.time, "sleep", lambda seconds: None)
    util.write_atomically(tmp_path / "x", b"new")
    assert (tmp_path / "x").read_bytes() == b"new" and held == []


def test_a_run_whose_last_checkpoint_is_missing_is_not_called_finished(tmp_path, monkeypatch):
    save = checkpoint.save

    def full(game, path):
        if game.step:
            raise OSError(28, "No space left on device")
        save(game, path)
    monkeypatch.setattr(checkpoint, "save", full)
    with pytest.raises(OSError, match="is at step 0, the run got to step 3"):
        begin(tmp_path / "run", 3)
    assert runs.open(tmp_path / "run").summary["state"] == "not saved"


def test_a_learning_rate_that_has_faded_is_said_and_may_fade_anew(tmp_path, capsys):
    run = runs.train(small("sngan"), tmp_path / "run", steps=4, threads=1, quiet=True)
    runs.resume(run.folder, steps=6)
    said = capsys.readouterr().out
    assert_both(said)
    assert "falls to 2 % in the first 4 steps and stays there" in said and "--decay 6" in said
    again = runs.resume(run.folder, expected={"decay": 8}, steps=8)
    assert (again.settings.decay, again.steps) == (8, 8)
    assert "stays there" not in capsys.readouterr().out


def test_a_critic_that_has_won_is_told_once(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(runs, "critic_has_won", lambda game: True)
    runs.train(small(), tmp_path / "run", steps=200, threads=1)
    err = capsys.readouterr().err
    assert err.count("Step 100: D hardly ever mistakes a fake") == 1 and "Step 200: D" not in err
    assert_both(err)


def test_commands_that_are_printed_can_be_pasted(tmp_path, capsys):
    runs.train(small(), tmp_path / "a folder", minutes=1e-9, threads=1)
    for line in capsys.readouterr().out.splitlines():
        if line.startswith("  python"):
            assert str(tmp_path / "a folder") in shlex.split(line)


@pytest.mark.parametrize("problem", [OSError(errno.ENOLCK, "No locks available"),
                                     NotImplementedError("no flock")])
def test_a_file_system_without_locks_is_told(tmp_path, monkeypatch, capsys, problem):
    def no_lock(self, *args, **options):
        raise problem
    monkeypatch.setattr(FileLock, "acquire", no_lock)
    assert begin(tmp_path / "run", 2).steps == 2
    assert "has no locks: make sure yourself" in capsys.readouterr().out
