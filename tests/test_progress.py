"""The progress bar: one place on the page, empty in the end; none beside a view that shows one."""

import pytest

from gan_lessons import data, progress, recipes, train


class Handle:
    """Stands for IPython's display handle; `shown` is what the page would show in the place."""

    def __init__(self, shown):
        self.shown = shown

    def update(self, content, raw):
        self.shown.append(content)


@pytest.fixture
def shown(monkeypatch):
    """What a notebook is told to show in the bar's place, one after the other."""
    shown = []

    def display(content, raw, display_id):
        shown.append(content)
        return Handle(shown)
    monkeypatch.setattr(progress, "in_notebook", lambda: True)
    monkeypatch.setattr(progress, "display", display)
    return shown


def test_in_a_notebook_the_bar_has_one_place_and_leaves_it_empty(shown, capsys):
    with progress.bar(total=3, unit="step") as bar:
        for _ in range(3):
            bar.update()
            bar.refresh()
    assert "0/3" in shown[0]["text/plain"] and "3/3" in shown[-2]["text/plain"]
    assert shown[-1] == {}
    assert capsys.readouterr().err == ""


def test_an_error_leaves_no_bar_either(shown):
    with pytest.raises(KeyboardInterrupt), progress.bar(total=3):
        raise KeyboardInterrupt
    assert shown[-1] == {}


def test_a_bar_that_is_off_shows_nothing(shown):
    with progress.bar(total=3, disable=True) as bar:
        bar.update()
    assert shown == []


def test_in_a_terminal_it_is_on_stderr_and_wiped_away(capsys):
    with progress.bar(total=3):
        pass
    out, err = capsys.readouterr()
    *_, wiped, end = err.split("\r")
    assert out == "" and "0/3" in err and len(wiped) > 9 and (wiped + end).isspace()


class View:
    """A watcher that shows how far the training is, as a TrainingView."""

    shows_progress = True

    def __call__(self, game):
        """Look."""


@pytest.mark.parametrize("watch, bars", [(None, 1), (lambda game: None, 1), (View(), 0)])
def test_a_view_stands_in_the_place_of_the_bar(shown, watch, bars):
    train.fit(recipes.plane(seed=0), data.ring(), 3, watch=watch)
    assert shown.count({}) == bars
