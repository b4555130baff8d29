"""Figures: alternative text, no missing glyphs, and inputs that would show something untrue."""

import pytest
import torch

from gan_lessons import data, show
from gan_lessons.train import HISTORY


@pytest.fixture
def shown(monkeypatch):
    """What was displayed: (alternative text, PNG bytes)."""
    found = []
    monkeypatch.setattr(show, "display", lambda image: found.append(
        (image._repr_mimebundle_()[1]["image/png"]["alt"], image.data)))
    return found


PICTURES = torch.randint(0, 256, (20, 1, 28, 28), dtype=torch.uint8)
COLOUR = torch.randint(0, 256, (20, 3, 28, 28), dtype=torch.uint8)


@pytest.mark.parametrize("draw", [
    lambda alt: show.gallery(PICTURES, alt=alt),
    lambda alt: show.gallery({"real": COLOUR, "made": COLOUR[:5]}, columns=5, alt=alt),
    lambda alt: show.filmstrip({0: PICTURES, 50: PICTURES, 100: PICTURES}, alt=alt),
    lambda alt: show.curves(torch.rand(500, 4), HISTORY, alt=alt),
    lambda alt: show.clouds({"a": torch.randn(900, 2)}, data.ring().sample(900), alt=alt),
    lambda alt: show.clouds(dict.fromkeys("abcde", torch.randn(9, 2)), torch.zeros(1, 2), alt=alt),
    lambda alt: show.lines({"a": (torch.arange(3), torch.rand(3)),
                            "b": (torch.arange(30), torch.rand(30))},
                           xlabel="x", ylabel="y", alt=alt),
    lambda alt: show.lines({"orbit": (torch.randn(50), torch.randn(50))}, xlabel="x", ylabel="y",
                           equal=True, alt=alt),
    lambda alt: show.staircase({"G": [("input", (1, 100)), ("z", (1, 100, 1, 1)),
                                      ("8x8", (1, 16, 8, 8))], "D": [("8x8", (1, 16, 8, 8)),
                                                                     ("score", (1,))]}, alt=alt),
    lambda alt: show.maps({"a": torch.ones(3, 3), "b": torch.rand(5, 4)}, alt=alt),
    lambda alt: show.maps({"a": torch.rand(32, 32)}, numbers=False, alt=alt),
    lambda alt: show.histograms({"real": torch.full((10,), 0.1), "made": torch.rand(10)}, alt=alt),
])
def test_every_figure_has_alternative_text_and_no_empty_boxes(shown, draw):
    draw("A figure that shows something worth seeing")  # glyph warnings are errors in our tests
    (alt, png), = shown
    assert alt == "A figure that shows something worth seeing"
    assert png.startswith(b"\x89PNG") and len(png) < 120_000


def test_a_figure_without_words_is_refused(shown):
    with pytest.raises(ValueError, match="Say in a sentence what the figure shows"):
        show.gallery(PICTURES, alt="digits")
    assert not shown


@pytest.mark.parametrize("bad", [PICTURES.float(), PICTURES[0], PICTURES[:0]])
def test_pictures_of_the_wrong_kind_are_refused(bad):
    with pytest.raises(ValueError, match="Pictures to show must be uint8"):
        show.grid(bad)


def test_the_grid_shows_the_pixels_as_they_are():
    grid = show.grid(PICTURES, columns=10)
    assert grid.shape == (2 * 30 + 2, 10 * 30 + 2, 3)
    assert (grid[2:30, 2:30, 0] == PICTURES[0, 0].numpy()).all()


def test_the_filmstrip_takes_first_and_last(shown, monkeypatch):
    titles = []
    monkeypatch.setattr(show, "gallery", lambda images, **_: titles.extend(images))
    show.filmstrip(dict.fromkeys(range(0, 1001, 100), PICTURES), frames=3, alt="x")
    assert titles == ["step 0", "step 500", "step 1000"]


def test_an_empty_filmstrip_says_what_to_do():
    with pytest.raises(ValueError, match="snapshot_every=100"):
        show.filmstrip({}, alt="A filmstrip of nothing at all")


def test_a_short_history_still_gives_a_figure(shown):
    show.curves(torch.rand(20, 4), HISTORY, alt="The curves of a run stopped after twenty steps")
    assert len(shown) == 1


def test_a_set_shows_itself(shown):
    data.digits().show()
    assert "digits" in shown[0][0]
