"""The training view without a browser: what it keeps, what it says, and that it disturbs nothing.

What the page shows is tested in browser/test_training_view_page.py.
"""

import shutil
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import nbformat
import PIL.Image
import pytest
import torch
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook
from pictures import picture_in
from torch import nn

from gan_lessons import data, losses, recipes, show
from gan_lessons.lab import TrainingView, base
from gan_lessons.lab.training_view import widget
from gan_lessons.lab.training_view.drawing import (
    Album,
    Snapshot,
    columns_for,
    count_for,
    curve_table,
    pack,
)
from gan_lessons.train import Game, TrainingDiverged, fit

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "notebooks"))
import build  # noqa: E402


def play(game, steps, view, every=5, **options) -> Game:
    """Train without a progress bar."""
    points = data.ring() if game.latent == 2 else data.mnist()
    return fit(game, points, steps, watch=view, watch_every=every, progress=False, **options)


class Cell:
    """Stands in for IPython: keeps what is displayed, and ends the cell when told to."""

    def __init__(self):
        self.events, self.displayed, self.updated, self.hooks = self, [], [], []

    def register(self, name, hook):
        assert name == "post_run_cell"
        self.hooks.append(hook)

    def unregister(self, name, hook):
        self.hooks.remove(hook)

    def display(self, data, raw, **options):
        self.displayed.append(data)
        return self

    def update(self, data, raw):
        self.updated.append(data)

    def end(self, error=None):
        result = type("Result", (), {"error_in_exec": error})
        for hook in list(self.hooks):
            hook(result)


@pytest.fixture
def cell(monkeypatch) -> Cell:
    """A pretended notebook cell that runs."""
    made = Cell()
    monkeypatch.setattr(widget, "get_ipython", lambda: made)
    monkeypatch.setattr(base, "display", made.display)
    return made


def album(looks: int, limit: int = 40, size: int = 10**6, packed: int = 10) -> Album:
    """Return an album that has seen so many looks, each at the next step."""
    made = Album(limit, size)
    for number in range(looks):
        made.add(Snapshot(number, 10 * number + 10, torch.zeros(1), bytes(packed)))
    return made


# The album

@pytest.mark.parametrize("looks", [1, 2, 39, 40, 41, 42, 80, 81, 1000])
def test_the_album_stays_bounded_and_keeps_first_and_newest(looks):
    kept = album(looks).snapshots
    assert len(kept) <= 40
    assert kept[0].number == 0 and kept[-1].number == looks - 1
    slots = [s.slot for s in kept]
    assert len(set(slots)) == len(slots) and max(slots) < 40


def test_what_is_kept_lies_at_equal_distances():
    made = album(1000)
    assert made.every == 32
    numbers = [s.number for s in made.snapshots[:-1]]
    distances = {b - a for a, b in zip(numbers, numbers[1:], strict=False)}
    assert distances == {32}
    assert len(made.snapshots) >= 20


def test_large_pictures_are_thinned_out_earlier():
    made = album(100, size=1000, packed=90)
    assert sum(len(s.packed) for s in made.snapshots) <= 1000
    assert len(made.snapshots) >= 5
    assert len(album(3, size=10, packed=90).snapshots) == 2  # first and newest stay


def test_a_picture_keeps_its_slot_while_others_come_and_go():
    made, slots = Album(), {}
    for number in range(200):
        made.add(Snapshot(number, number, torch.zeros(1), b"x"))
        for snapshot in made.snapshots:
            assert slots.setdefault(snapshot.number, snapshot.slot) == snapshot.slot


def test_going_back_to_a_checkpoint_forgets_what_came_after():
    made = album(5)
    made.rewind(30)
    assert [s.step for s in made.snapshots] == [10, 20]


# Curves, speed, sizes

def test_curves_are_means_over_chunks_and_bounded():
    history = torch.arange(1000.0).unsqueeze(1).expand(1000, 4)
    rows = curve_table(history)
    assert rows.shape == (250, 5)
    assert rows[0].tolist() == [4, 1.5, 1.5, 1.5, 1.5] and rows[-1, 0] == 1000
    assert curve_table(history[:7])[:, 0].tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert curve_table(history[:0]).shape == (0, 5)


class Bare:
    """A game that has what WatchedGame asks for, and nothing more."""

    goal, loss = 1000, losses.NonSaturating()
    fixed_z, generator, generator_ema = torch.zeros(64, 2), nn.Linear(2, 2), None

    def __init__(self):
        self.step = 0

    @property
    def images_seen(self):
        return 64 * self.step

    @property
    def history(self):
        return torch.zeros(self.step, 4)


def test_speed_is_that_of_the_newest_looks_at_anything_that_trains(cell, monkeypatch):
    game, view, clock = Bare(), TrainingView(), {"now": 0}
    monkeypatch.setattr("time.perf_counter", lambda: clock["now"])

    def look(now: float, step: int) -> dict:
        clock["now"], game.step = now, step
        view(game)
        return view.numbers

    assert "steps" not in look(100, 10)  # one look gives no speed
    second = look(101, 20)
    assert (second["steps"], second["pictures"], second["left"]) == (10, 640, 98)
    assert look(103, 20)["steps"] == pytest.approx(10 / 3)
    for n in range(25):
        last = look(200 + n, 20 + 5 * n)
    assert last["steps"] == 5  # over the last 20 looks
    cell.end()
    assert "steps" not in look(900, 200)  # another call of fit: the pause does not count
    assert view.problem == {} and view.snapshots[200].shape == (500, 2)


def test_messages_and_bytes_are_paced_however_fast_the_looks_come(monkeypatch):
    """3,000 looks, 300 a second, as a small game on a fast machine has them."""
    game, view, clock, sent = Bare(), TrainingView(), {"now": 100.0}, []
    monkeypatch.setattr("time.perf_counter", lambda: clock["now"])
    monkeypatch.setattr(view, "_send", lambda message, buffers=None: sent.append(
        (clock["now"], sum(memoryview(b).nbytes for b in buffers or []))))
    game.goal = 3000
    for _ in range(3000):
        clock["now"] += 1 / 300
        game.step += 1
        view(game)
        assert view.numbers["step"] == game.step  # here it is known at once
    assert 20 < len(sent) < 60  # of ten seconds
    for begin in range(100, 110):
        assert sum(size for at, size in sent if begin <= at < begin + 3) < 2_000_000
    assert view.state == "finished" and not view._holding_sync  # the page has it all
    assert len(view.frames) > 20


@pytest.mark.parametrize("side, columns, count", [(28, 8, 64), (32, 8, 64), (64, 6, 24),
                                                  (128, 3, 6), (256, 3, 3)])
def test_large_pictures_are_fewer(side, columns, count):
    assert columns_for(side, side) == columns
    assert count_for(side, side, most=64) == count


def test_a_long_run_of_large_noisy_pictures_stays_below_two_megabytes():
    made = Album()
    for number in range(60):
        pictures = torch.randint(0, 256, (24, 3, 64, 64), dtype=torch.uint8)
        made.add(Snapshot(number, number, pictures, pack(pictures)))
    assert sum(len(s.packed) for s in made.snapshots) < 2_000_000
    assert len(made.snapshots) >= 5


# The view and the game

def test_watching_changes_nothing_in_the_run():
    watched, alone = (recipes.source_004(dropout=0.3) for _ in range(2))
    torch.manual_seed(7)
    play(watched, 12, TrainingView(), every=3)
    after = torch.rand(1)
    torch.manual_seed(7)
    play(alone, 12, None)
    assert torch.equal(torch.rand(1), after)
    assert torch.equal(watched.history, alone.history)
    for a, b in zip(watched.generator.parameters(), alone.generator.parameters(), strict=True):
        assert torch.equal(a, b)
    assert watched.generator.training


def test_pictures_curves_and_numbers_of_a_run():
    game, view = recipes.source_004(), TrainingView()
    assert view.state == "waiting" and view.snapshots == {}
    play(game, 20, view)
    assert view.state == "finished"
    assert list(view.snapshots) == [5, 10, 15, 20]
    assert view.snapshots[20].shape == (64, 1, 28, 28)
    assert [step for step, _ in view.frames] == [5, 10, 15, 20]
    for _, slot in view.frames:
        assert getattr(view, f"picture_{slot}").startswith(b"\x89PNG")
    rows = torch.frombuffer(bytearray(view.table), dtype=torch.float32).view(-1, 5)
    assert torch.allclose(rows[:, 1:], game.history)
    assert view.numbers["total"] == 20 and view.numbers["left"] == 0
    assert view.numbers["steps"] > 0
    assert view.numbers["pictures"] == pytest.approx(100 * view.numbers["steps"])


def test_the_pictures_are_those_of_the_fixed_noise_by_the_network_asked_for():
    game = recipes.source_004(ema=0.5)
    newest, average = TrainingView(), TrainingView(ema=True)
    play(game, 4, lambda game: (newest(game), average(game)), every=4)
    for view, network in ((newest, game.generator), (average, game.generator_ema)):
        assert torch.equal(view.snapshots[4], widget.generate(network, game.fixed_z))
    assert not torch.equal(newest.snapshots[4], average.snapshots[4])


def test_the_time_left_is_counted_from_the_speed():
    told, view = [], TrainingView()
    def look(game):
        view(game)
        told.append(view.numbers)
    play(recipes.source_004(), 100, look, every=50)
    first, last = told
    assert (first["state"], first["step"], first["total"]) == ("training", 50, 100)
    assert "left" not in first  # one look gives no speed
    assert (last["state"], last["left"]) == ("finished", 0)
    told.clear()
    play(recipes.source_004(), 90, look, every=30)
    assert told[1]["left"] == pytest.approx(30 / told[1]["steps"])


def test_training_goes_on_in_the_same_view(cell):
    game, view = recipes.source_004(), TrainingView()
    play(game, 10, view)
    cell.end()
    play(game, 20, view)
    cell.end()
    assert view.state == "finished"
    assert list(view.snapshots) == [5, 10, 15, 20]
    assert len(view.table) == 20 * 5 * 4


def test_another_game_begins_anew():
    view = TrainingView()
    play(recipes.source_004(), 10, view)
    play(recipes.plane(loss=losses.Wasserstein()), 6, view, every=3)
    assert list(view.snapshots) == [3, 6]
    assert view.scene == {"kind": "points", "gap": True, "reading": "score",
                          "limit": view.scene["limit"]}
    assert view.snapshots[6].shape == (500, 2)
    assert view.picture_2 == b""  # nothing of the old game stays in the page


@pytest.mark.parametrize("loss, reading, gap", [
    (losses.NonSaturating(), "probability", False), (losses.LeastSquares(), "score", False),
    (losses.Wasserstein(), "score", True), (losses.Relativistic(), "score", True)])
def test_curves_are_called_what_they_are(loss, reading, gap):
    view = TrainingView()
    play(recipes.plane(loss=loss), 2, view, every=1)
    assert (view.scene["reading"], view.scene["gap"]) == (reading, gap)


def test_real_points_set_the_scale():
    view = TrainingView(real=data.ring())
    play(recipes.plane(), 2, view, every=1)
    assert len(view.real) == 500 * 2 * 4
    assert 2 < view.scene["limit"] < 3


@pytest.mark.parametrize("real", [data.mnist(), data.on_axis(), torch.zeros(5, 2)])
def test_other_real_data_are_refused(real):
    with pytest.raises(ValueError, match="points in the plane"):
        TrainingView(real=real)


def test_points_on_a_line_have_curves_only():
    view = TrainingView()
    fit(recipes.plane(latent=2, shape=(1,)), data.on_axis(), 4, watch=view, watch_every=2,
        progress=False)
    assert view.scene["kind"] == "other" and view.frames == [] and len(view.table) == 4 * 5 * 4


# Nothing that goes wrong in the view ends the training

def test_an_error_inside_is_said_once_and_training_goes_on(monkeypatch):
    def broken(*_):
        raise RuntimeError("no paint")
    view, game = TrainingView(), recipes.source_004()
    with monkeypatch.context() as patch:
        patch.setattr(widget, "generate", broken)
        with pytest.warns(RuntimeWarning) as warned:
            play(game, 10, view)
    assert game.step == 10 and len(warned) == 1
    zh, en = str(warned[0].message).splitlines()
    assert "训练不受影响" in zh and "no paint" in zh
    assert "training is not affected" in en and "no paint" in en
    assert view.problem == {"zh": zh, "en": en}
    assert view.numbers["step"] == 10  # the numbers and the curves went through
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        play(game, 20, view)
    assert view.problem == {} and list(view.snapshots) == [15, 20]


def test_the_view_says_that_the_critic_has_won_for_as_long_as_it_has():
    view, game = TrainingView(), recipes.source_004()
    play(game, 1, view)
    assert view.problem == {}
    game.history, game.step = torch.tensor([[0.0, 9.0, 0.99, 0.01]]).repeat(300, 1), 300
    view(game)
    assert "D hardly ever mistakes a fake" in view.problem["en"] and "分清" in view.problem["zh"]
    game.history[:, 2] = 0.6
    view(game)
    assert view.problem == {}


# The cell that trains

def test_the_view_appears_once_in_each_cell_that_trains(cell):
    view, game = TrainingView(), recipes.source_004()
    play(game, 10, view)
    paper, live = cell.displayed
    assert paper["text/plain"] == view.static_text() and "<img" not in paper["text/html"]
    assert live[base.WIDGET_VIEW]["model_id"] == view.model_id
    cell.end()
    assert cell.hooks == []
    assert base.WIDGET_VIEW not in cell.updated[0]
    assert cell.updated[0]["text/html"].endswith(base.NEW_KERNEL)
    alt, png = picture_in(cell.updated[0]["text/html"].removesuffix(base.NEW_KERNEL))
    assert png.startswith(b"\x89PNG") and "at step 10" in alt and alt.isascii()
    play(game, 15, view)
    assert len(cell.displayed) == 4


def test_the_stop_button_is_seen_and_the_last_step_shown(cell):
    game, view = recipes.source_004(), TrainingView()
    def press(game):
        view(game)
        if game.step == 7:
            signal.raise_signal(signal.SIGINT)
    play(game, 1000, press, every=7)
    cell.end()
    assert game.step == 8  # the press is heard after the seventh step
    assert view.state == "stopped" and view.numbers["step"] == 8
    assert max(view.snapshots) == 8
    play(game, 12, view, every=2)  # goes on
    assert view.state == "finished" and max(view.snapshots) == 12


def test_a_press_that_ends_the_cell_is_a_stop(cell):
    view = TrainingView()
    play(recipes.source_004(), 5, view)
    cell.end(KeyboardInterrupt())
    assert view.state == "stopped"


@pytest.mark.parametrize("caught", [False, True])
def test_a_run_that_diverges_is_called_so(cell, caught):
    class Explodes(losses.NonSaturating):
        def generator(self, fake, real=None):
            return super().generator(fake) * (float("nan") if game.step == 7 else 1)
    game, view = recipes.source_004(loss=Explodes()), TrainingView()
    with pytest.raises(TrainingDiverged) as problem:
        play(game, 100, view)
    cell.end(None if caught else problem.value)
    assert view.state == "diverged"
    assert view.numbers["step"] == game.step and list(view.snapshots) == [5]
    assert view.problem == {}


# What is left on paper

def test_before_training_there_is_nothing_to_show_and_that_is_said(tmp_path):
    view = TrainingView()
    for ask in (view.show, lambda: view.save_animation(tmp_path / "run.gif")):
        with pytest.raises(ValueError, match=r"train with fit\(\.\.\., watch=view\)"):
            ask()


def test_show_draws_the_run_with_words(monkeypatch):
    shown = []
    monkeypatch.setattr(show, "show", lambda figure, alt: shown.append(
        (len(figure.get_axes()), alt)))
    for game in (recipes.source_004(), recipes.plane()):
        view = TrainingView()
        play(game, 20, view)
        view.show()
    (axes, alt), (axes_of_points, alt_of_points) = shown
    assert axes == axes_of_points == 4 + 2
    assert "pictures that G makes" in alt and "steps 5, 10, 15, 20" in alt
    assert "points that G makes" in alt_of_points


def test_save_animation_writes_the_pictures_kept(tmp_path):
    view = TrainingView()
    play(recipes.source_004(), 20, view)
    with PIL.Image.open(view.save_animation(tmp_path / "run.gif", fps=5)) as film:
        assert film.n_frames == 4 and film.size == (8 * 30 + 2, 8 * 30 + 2)


CELL = """from gan_lessons import data, lab, recipes
from gan_lessons.train import fit
view = lab.TrainingView()
game = recipes.source_004()
game = fit(game, data.mnist(), 20, watch=view, watch_every=5, progress=False)"""


@pytest.mark.slow
def test_a_saved_notebook_holds_a_picture_and_repeats(tmp_path):
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = new_notebook(cells=[new_code_cell(CELL), new_code_cell("view.show()")],
                            metadata={"kernelspec": kernel})
    NotebookClient(notebook, timeout=100).execute()
    live, paper = (c.outputs for c in notebook.cells)
    assert [base.WIDGET_VIEW in output.data for output in live] == [False, True]
    build.clean(notebook)
    live, paper = (c.outputs for c in notebook.cells)
    assert len(live) == len(paper) == 1
    assert live[0].data["text/plain"] == TrainingView().static_text()
    alt, png = picture_in(live[0].data["text/html"])
    assert "at step 20" in alt and len(png) < 120_000
    assert "at step 20" in picture_in(paper[0].data["text/html"])[0]
    path = tmp_path / "view.ipynb"
    nbformat.write(notebook, path)
    for file in ("build.py", "conftest.py"):  # they follow the view's updates
        shutil.copy(ROOT / "notebooks" / file, tmp_path)
    args = ["-q", "-p", "no:cacheprovider", "--nbval", "--nbval-current-env", str(path)]
    done = subprocess.run([sys.executable, "-m", "pytest", *args], capture_output=True, text=True,
                          cwd=tmp_path)
    assert done.returncode == 0, done.stdout
