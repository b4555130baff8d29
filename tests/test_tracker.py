"""Measuring while a game trains: the numbers, what is left alone, and what a run keeps of it."""

import json
import shutil

import pytest
import torch

from gan_lessons import data, measure, recipes, runs
from gan_lessons.lab import TrainingView
from gan_lessons.measure import tracker as tracking
from gan_lessons.measure.digits import digit_classifier
from gan_lessons.measure.stacked import stacked_modes
from gan_lessons.train import fit

SMALL = {"size": 32, "features": 2, "latent": 8, "batch": 8, "drawn": 150}


@pytest.fixture(autouse=True)
def few(monkeypatch):
    """Measure with few pictures, to be quick."""
    monkeypatch.setattr(runs, "MEASURED", 150)
    monkeypatch.setattr(tracking, "REFERENCE", 150)


def on_the_ring(watch=None, steps=20, every=5, seed=0):
    game = recipes.plane(seed=seed)
    return fit(game, data.ring(), steps, watch=watch, watch_every=every, progress=False)


def run(out, steps=6, data_="toy-faces-core", **schedule):
    every = {"sample_every": 2, "save_every": 3, "measure_every": 2, "threads": 1, "quiet": True}
    settings = runs.Settings("dcgan", **SMALL | {"data": data_})
    return runs.train(settings, out, steps=steps, **every | schedule)


def weights(game):
    return torch.cat([p.detach().flatten() for p in game.generator.parameters()])


# ---- the numbers ----

def test_points_are_measured_by_the_mode_report():
    tracker = measure.Tracker(data.ring(), every=10)
    game = on_the_ring(tracker)
    report = measure.mode_report(game.sample(tracker.n, ema=True), data.ring())
    assert list(tracker.rows) == [10, 20]
    assert tracker.rows[20] == {"effective_modes": report.effective_modes, "modes": report.modes,
                                "high_quality": report.high_quality}
    assert tracker.floor["effective_modes"] > 7.9 and tracker.seconds > 0
    assert f"effective_modes {report.effective_modes:.4g} (real 7.9" in tracker.line(20)


@pytest.mark.slow  # it trains the classifier
def test_digits_get_what_the_evaluator_says_of_them_without_a_rim():
    real, others = data.mnist(), data.mnist(train=False)[:100]
    tracker = measure.Tracker(real.framed(32), others, every=1)
    net = digit_classifier(real, data.mnist(train=False))
    scores = measure.Evaluator(net, real.images[:150], others.images).floor.numbers()
    assert tracker.floor == pytest.approx({**scores, "classes": tracker.floor["classes"]})
    assert tracker.main == "frechet" and tracker.floor["classes"] >= 8
    game = recipes.source_004(shape=(1, 32, 32))
    game.step = 1
    tracker(game)
    assert tracker.rows[1]["frechet"] > 5 * tracker.floor["frechet"]


def test_toys_are_read_and_counted():
    faces = data.toy_faces(300, size=32, core=True)
    floor = measure.Tracker(faces[:100], faces[100:]).floor
    report = measure.factor_coverage(faces[100:].images, of=faces)
    assert (floor["combinations"], floor["reverse_kl"]) == (report.seen, report.reverse_kl)
    assert "inception" not in floor  # the factor reader is no classifier


@pytest.mark.slow  # as above
def test_stacked_digits_are_counted():
    stacked = data.stacked_mnist(50).framed(32)
    report = stacked_modes(data.stacked_mnist(50, train=False).images)
    assert measure.Tracker(stacked, data.stacked_mnist(50, train=False)).floor == {
        "modes": report.modes, "kl": report.kl}


def test_another_network_for_other_pictures():
    class Colours:
        name, classes = "mean colours", 0

        def features(self, images):
            return images.float().mean((2, 3))
    pictures = data.ImageSet(data.toy_rooms(200, size=16).images, None, "mine")
    floor = measure.Tracker(pictures[:100], pictures[100:], net=Colours()).floor
    assert set(floor) == {"frechet", "precision", "recall", "kid", "mind", "density", "coverage"}


@pytest.mark.parametrize("make, message", [
    (lambda: measure.Tracker(data.ring(), every=0), "every .*at least 1"),
    (lambda: measure.Tracker(data.mnist()), "(?s)训练时不能测量 mnist.*during training"),
    (lambda: measure.Tracker(data.toy_faces(50, size=16), data.toy_faces(50, size=16)),
     "(?s)toy faces.*measure_every"),
    (lambda: measure.Tracker(data.two_moons()), "(?s)模式.*modes"),
])
def test_what_cannot_be_measured_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


# ---- training goes on as if nobody looked ----

def test_training_is_the_same_to_the_last_bit():
    measured, alone = on_the_ring(measure.Tracker(data.ring(), every=5)), on_the_ring()
    assert torch.equal(weights(measured), weights(alone))
    assert torch.equal(measured.history, alone.history)
    assert torch.equal(measured.torch_state, alone.torch_state)  # nobody drew from it


def test_a_game_that_goes_back_or_begins_anew_forgets_what_came_later():
    tracker = measure.Tracker(data.ring(), every=5)
    on_the_ring(tracker, 20)
    assert list(tracker.rows) == [5, 10, 15, 20]
    on_the_ring(tracker, 10, seed=1)
    assert list(tracker.rows) == [5, 10]


# ---- in the folder of a run ----

def test_a_run_keeps_its_measurements(tmp_path, capsys):
    made = run(tmp_path / "run", quiet=False)
    lines = (made.folder / "measured.csv").read_text().splitlines()
    assert lines[0].startswith("step,samples,frechet,precision,recall,")
    assert [line.split(",")[:2] for line in lines[1:]] == [
        ["real", "150"], ["2", "150"], ["4", "150"], ["6", "150"]]
    evaluator = measure.Tracker(made.settings.pictures(), made.settings.others(150))
    assert made.floor == pytest.approx(evaluator.floor, rel=1e-5)
    last = evaluator._score(made.sample(150))
    assert made.measured[6] == pytest.approx(last, rel=1e-5)
    summary = made.summary["measured"]
    assert (summary["step"], summary["samples"]) == (6, 150)
    assert summary["frechet"] == pytest.approx(last["frechet"]) and summary["real"] > 0
    said = capsys.readouterr().err
    assert f"step 4   n 150   frechet {made.measured[4]['frechet']:.4g} (real" in said


def test_neither_training_nor_its_clock_feels_it(tmp_path, monkeypatch):
    plain = run(tmp_path / "plain", measure_every=None)
    assert plain.measured == {} and plain.floor == {} and plain.summary["measured"] == {}
    slow = tracking.Tracker.__call__

    def slower(self, game):  # as if each measurement took an hour
        slow(self, game)
        self.seconds += 3600
    monkeypatch.setattr(tracking.Tracker, "__call__", slower)
    watched = run(tmp_path / "watched")
    for name in ("checkpoint.safetensors", "generator.safetensors", "history.csv"):
        assert (plain.folder / name).read_bytes() == (watched.folder / name).read_bytes(), name
    assert watched.summary["seconds"] < 60


@pytest.mark.parametrize("killed_after", ["the checkpoint", "the measurement"])
def test_killed_and_resumed_no_row_is_lost_or_doubled(tmp_path, monkeypatch, killed_after):
    straight = run(tmp_path / "straight")
    halfway = run(tmp_path / "halfway", steps=4, save_every=4)
    path = halfway.folder / "measured.csv"
    rows = path.read_text().splitlines()
    if killed_after == "the checkpoint":  # of step 4, which was not measured yet
        path.write_text("\n".join(rows[:-1]) + "\n")
    else:  # of a step that no checkpoint holds
        path.write_text("\n".join([*rows, rows[-1].replace("4,", "5,", 1)]) + "\n")
    resumed = runs.resume(halfway.folder, steps=6, quiet=True)
    assert (resumed.folder / "measured.csv").read_bytes() == (
        straight.folder / "measured.csv").read_bytes()


def test_a_resumed_run_may_stop_being_measured_and_begin_again(tmp_path):
    made = run(tmp_path / "run", steps=4)
    resumed = runs.resume(made.folder, steps=6, measure_every=0, quiet=True)
    assert resumed.summary["step"] == 6 and list(resumed.measured) == [2, 4]
    resumed = runs.resume(made.folder, steps=8, measure_every=2, quiet=True)
    assert list(resumed.measured) == [2, 4, 6, 8]  # 6 at once, as it was due and had no row


def test_a_damaged_file_is_told_and_left_alone(tmp_path):
    made = run(tmp_path / "run")
    (made.folder / "measured.csv").write_text("step,samples,frechet\nreal,100,none\n")
    for look in (lambda: made.measured, lambda: runs.resume(made.folder, steps=8, quiet=True)):
        with pytest.raises(runs.BadRun, match="(?s)移走.*move it away"):
            look()
    assert (made.folder / "measured.csv").read_text().endswith("none\n")


def test_pictures_without_a_ruler_leave_no_folder(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    runs.write_png(folder / "one.png", data.toy_faces(1, size=64).images)
    with pytest.raises(ValueError, match="(?s)训练时不能测量.*measure_every"):
        run(tmp_path / "run", data_=str(folder))
    with pytest.raises(ValueError, match="measure_every"):
        run(tmp_path / "run", measure_every=-1)
    assert not (tmp_path / "run").exists()
    shutil.rmtree(folder)


# ---- in the training view ----

def test_the_view_shows_the_first_number_and_the_floor():
    tracker = measure.Tracker(data.ring(), every=10)
    view = TrainingView(tracker=tracker)
    on_the_ring(view)
    assert view.measured["name"] == "effective_modes"
    assert view.measured["rows"] == [[step, tracker.rows[step]["effective_modes"]]
                                     for step in (10, 20)]
    assert view.measured["floor"] == tracker.floor["effective_modes"]
    json.dumps(view.measured)
    figure, alt = view._drawn()
    axis = figure.axes[-1]
    assert axis.get_ylabel() == "effective_modes" and "effective_modes" in alt
    assert list(axis.lines[0].get_xdata()) == [10, 20]
    assert axis.lines[1].get_ydata()[0] == tracker.floor["effective_modes"]
    on_the_ring(view, 5)  # another game, not measured yet
    assert view.measured["rows"] == [[5, tracker.rows[5]["effective_modes"]]]
