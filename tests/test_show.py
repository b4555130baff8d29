"""Figures: alternative text, no missing glyphs, and inputs that would show something untrue."""

import io

import numpy as np
import PIL.Image
import pytest
import torch
from matplotlib.axes import Axes
from nbconvert import HTMLExporter
from nbformat.v4 import new_code_cell, new_notebook, new_output
from pictures import picture_in

from gan_lessons import data, show
from gan_lessons.nets import mlp
from gan_lessons.train import HISTORY


@pytest.fixture
def shown(monkeypatch):
    """What was displayed: (alternative text, PNG bytes)."""
    found = []
    monkeypatch.setattr(show, "display", lambda picture: found.append((picture.alt, picture.png)))
    return found


PICTURES = torch.randint(0, 256, (20, 1, 28, 28), dtype=torch.uint8)
COLOUR = torch.randint(0, 256, (20, 3, 28, 28), dtype=torch.uint8)


@pytest.mark.parametrize("draw", [
    lambda alt: show.gallery(PICTURES, alt=alt),
    lambda alt: show.gallery({"real": COLOUR, "made": COLOUR[:5]}, columns=5, alt=alt),
    lambda alt: show.labelled({"a": (COLOUR[:3], ["0.02", "0.50", "0.97"])}, alt=alt),
    lambda alt: show.filmstrip({0: PICTURES, 50: PICTURES, 100: PICTURES}, alt=alt),
    lambda alt: show.curves(torch.rand(500, 4), HISTORY, alt=alt),
    lambda alt: show.clouds({"a": torch.randn(900, 2)}, data.ring().sample(900), alt=alt),
    lambda alt: show.clouds(dict.fromkeys("abcde", torch.randn(9, 2)), torch.zeros(1, 2), alt=alt),
    lambda alt: show.lines({"a": (torch.arange(3), torch.rand(3)),
                            "b": (torch.arange(30), torch.rand(30))},
                           xlabel="x", ylabel="y", alt=alt),
    lambda alt: show.lines({"a": (torch.arange(50), torch.rand(50))}, xlabel="x", ylabel="y",
                           level=("log 2", 0.7), alt=alt),
    lambda alt: show.orbits({"a": torch.randn(2, 50), "b": torch.randn(2, 3)}, xlabel="x",
                            ylabel="y", alt=alt),
    lambda alt: show.landscapes({"a": (mlp.discriminator([8], (2,)), torch.randn(99, 2))},
                                data.ring().sample(9), alt=alt),
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


def test_no_line_is_left_out(shown, monkeypatch):
    drawn, plot = [], Axes.plot

    def spy(self, *args, **how):
        drawn.append(how["label"])
        return plot(self, *args, **how)
    monkeypatch.setattr(Axes, "plot", spy)
    show.lines({name: (torch.arange(3), torch.rand(3)) for name in "abcdef"}, xlabel="x",
               ylabel="y", alt="Six lines that go up and down")
    assert drawn == list("abcdef")


def test_a_picture_keeps_its_words_as_html_and_as_text():
    picture = show.Picture(b"\x89PNG", 'D < 0.5 & "G" wins')
    assert picture_in(picture._repr_html_()) == ('D < 0.5 & "G" wins', b"\x89PNG")
    assert repr(picture) == '[D < 0.5 & "G" wins]'


def test_nbconvert_keeps_the_words_of_a_picture():
    picture = show.Picture(b"\x89PNG", 'D < 0.5 & "G" wins')
    output = new_output("display_data", {"text/html": picture._repr_html_(),
                                         "text/plain": repr(picture)})
    page, _ = HTMLExporter().from_notebook_node(
        new_notebook(cells=[new_code_cell("show()", outputs=[output])]))
    assert picture_in(page.partition("<body")[2])[0] == 'D < 0.5 & "G" wins'


def test_a_figure_without_words_is_refused(shown):
    with pytest.raises(ValueError, match="Say in a sentence what the figure shows"):
        show.gallery(PICTURES, alt="digits")
    assert not shown


@pytest.mark.parametrize("bad", [PICTURES.float(), PICTURES[0], PICTURES[:0]])
def test_pictures_of_the_wrong_kind_are_refused(bad):
    with pytest.raises(ValueError, match="Pictures to show must be uint8"):
        show.grid(bad)


def test_blocks_are_as_tall_as_sides_and_as_wide_as_channels(monkeypatch):
    kept = []
    monkeypatch.setattr(show, "show", lambda figure, alt: kept.append(figure))
    show.staircase({"G": [("z", (1, 64)), ("4x4", (1, 64, 4, 4)), ("same", (1, 64, 4, 4)),
                          ("8x8", (1, 32, 8, 8))]}, alt="A staircase of two blocks")
    blocks = [(patch.get_width(), patch.get_height()) for patch in kept[0].axes[0].patches]
    assert blocks[1:] == [(4.0, 4), (2.0, 8)]  # what keeps the shape is left out


def test_words_stand_below_their_pictures(shown):
    white = torch.full((2, 3, 32, 32), 255, dtype=torch.uint8)
    for words in (["", "0.97"], ["0.97", ""]):
        show.labelled({"": (white, words)}, alt="Two white pictures and one word", scale=2)
    sheets = [np.asarray(PIL.Image.open(io.BytesIO(png)).convert("L")) for _, png in shown]
    below = [sheet[-14:] for sheet in sheets]
    assert [int((part[:, :68] < 128).sum() > 0) for part in below] == [0, 1]
    assert [int((part[:, 70:] < 128).sum() > 0) for part in below] == [1, 0]


def test_the_grid_shows_the_pixels_as_they_are():
    grid = show.grid(PICTURES, columns=10)
    assert grid.shape == (2 * 30 + 2, 10 * 30 + 2, 3)
    assert (grid[2:30, 2:30, 0] == PICTURES[0, 0].numpy()).all()


def pixels(png: bytes):
    """Return a PNG file as an array, uint8 (H, W, 3)."""
    return np.array(PIL.Image.open(io.BytesIO(png)).convert("RGB"))


@pytest.mark.parametrize("scale", [1, 2, 3])
def test_a_gallery_shows_every_pixel_as_a_square_in_its_own_colour(shown, scale):
    show.gallery(COLOUR, columns=10, scale=scale, alt="Twenty pictures of coloured noise")
    drawn = pixels(shown[0][1])
    assert drawn.shape == (scale * (2 * 30 + 2), scale * (10 * 30 + 2), 3)
    first = COLOUR[0].permute(1, 2, 0).numpy()
    for row, column in ((0, 0), (0, scale - 1), (scale - 1, 0)):  # corners of the squares
        start = 2 * scale
        assert (drawn[start + row:, start + column:][:28 * scale:scale, :28 * scale:scale]
                == first).all()


def test_a_gallery_is_as_large_as_fits(shown):
    for side, columns, width in ((28, 15, 2 * 452), (32, 15, 2 * 512), (64, 10, 662), (9, 4, 184)):
        show.gallery(torch.zeros(30, 1, side, side, dtype=torch.uint8), columns=columns,
                     alt="Thirty pictures in black, of all sizes")
        assert pixels(shown[-1][1]).shape[1] == width


def test_titles_stand_above_their_rows(shown):
    groups = {"real": COLOUR[:10], "made": COLOUR[10:]}
    show.gallery(groups, scale=1, alt="Two rows of coloured noise with a title each")
    drawn = pixels(shown[0][1])
    assert drawn.shape[0] == 2 * (show.TITLE + 32) + show.GAP
    for top in (0, show.TITLE + 32 + show.GAP):
        assert (drawn[top:top + show.TITLE] == 0).any()  # letters
        assert (drawn[top + show.TITLE:][:2, :302] == 96).all()  # the frame of the pictures


@pytest.mark.parametrize("steps, expected", [
    (range(0, 6001, 500), [0, 1500, 3000, 4500, 6000]),
    (range(0, 2601, 520), [0, 520, 1040, 1560, 2080, 2600]),
    ([0, 50, 100], [0, 50, 100]),
    ([0], [0]),
    (range(0, 701, 100), [0, 100, 300, 400, 600, 700]),
])
def test_a_filmstrip_takes_round_steps_and_the_last(steps, expected):
    assert show.evenly(list(steps)) == expected


def test_the_filmstrip_takes_first_and_last(shown, monkeypatch):
    titles = []
    monkeypatch.setattr(show, "gallery", lambda images, **_: titles.extend(images))
    show.filmstrip(dict.fromkeys(range(0, 1001, 100), PICTURES), alt="x")
    assert titles == [f"step {step:,}" for step in (0, 200, 400, 600, 800, 1000)]


def test_an_empty_filmstrip_says_what_to_do():
    with pytest.raises(ValueError, match="snapshot_every=100"):
        show.filmstrip({}, alt="A filmstrip of nothing at all")


def test_a_short_history_still_gives_a_figure(shown):
    show.curves(torch.rand(20, 4), HISTORY, alt="The curves of a run stopped after twenty steps")
    assert len(shown) == 1


def test_a_set_shows_itself(shown):
    data.mnist().show()
    assert "mnist" in shown[0][0]


# ---- films of a training run ----

def snapshots(n: int = 5, shape=(6, 3, 9, 9)) -> dict[int, torch.Tensor]:
    """Return pictures that get brighter, the latest step first."""
    return {100 * i: torch.full(shape, 40 * i, dtype=torch.uint8) for i in reversed(range(n))}


def test_a_gif_has_a_frame_a_snapshot_in_order_and_holds_the_last(tmp_path):
    path = show.animation(snapshots(), tmp_path / "run.gif", fps=10, columns=3)
    with PIL.Image.open(path) as film:
        assert film.n_frames == 5
        assert film.size == (3 * 11 + 2, 2 * 11 + 2)
        assert film.info["loop"] == 0
        seen = []
        for frame in range(5):
            film.seek(frame)
            seen.append((film.convert("RGB").getpixel((5, 5))[0], film.info["duration"]))
    assert [duration for _, duration in seen] == [100, 100, 100, 100, 2000]
    for (brightness, _), expected in zip(seen, (0, 40, 80, 120, 160), strict=True):
        assert abs(brightness - expected) <= 4


def test_colours_survive_the_shared_palette(tmp_path):
    frames = {i: torch.zeros(1, 3, 8, 8, dtype=torch.uint8) for i in range(3)}
    for i, frame in frames.items():
        frame[:, i] = 255
    path = show.animation(frames, tmp_path / "run.gif")
    with PIL.Image.open(path) as film:
        for i in range(3):
            film.seek(i)
            expected = tuple(255 * (i == channel) for channel in range(3))
            assert film.convert("RGB").getpixel((5, 5)) == expected


def test_points_become_frames_too(tmp_path):
    clouds = {i: torch.full((50, 2), float(i)) for i in range(3)}
    with PIL.Image.open(show.animation(clouds, tmp_path / "run.gif")) as film:
        assert film.n_frames == 3 and film.size == (320, 320)


def test_one_snapshot_is_a_film_of_one_frame(tmp_path):
    with PIL.Image.open(show.animation(snapshots(1), tmp_path / "run.gif")) as film:
        assert getattr(film, "n_frames", 1) == 1


@pytest.mark.parametrize("given, name, fps, words", [
    ({}, "run.gif", 8, "at least one snapshot"),
    ({0: torch.zeros(1, 3, 8, 8), 1: torch.zeros(2, 3, 8, 8)}, "run.gif", 8, "all of one shape"),
    (snapshots(), "run.mp4", 8, "end in .gif"),
    (snapshots(), "run", 8, "end in .gif"),
    (snapshots(), "run.gif", 0, "fps"),
    (snapshots(), "run.gif", 51, "fps"),
    ({0: torch.zeros(1, 3, 8, 8)}, "run.gif", 8, "Pictures to show must be uint8"),
])
def test_what_will_not_do_is_refused_and_the_old_file_stays(tmp_path, given, name, fps, words):
    (tmp_path / name).write_bytes(b"old")
    with pytest.raises(ValueError, match=words) as refusal:
        show.animation(given, tmp_path / name, fps=fps)
    assert any("\u4e00" <= letter <= "\u9fff" for letter in str(refusal.value))
    assert (tmp_path / name).read_bytes() == b"old"


def test_a_folder_that_cannot_be_written_to_raises(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError):
        show.animation(snapshots(), tmp_path / "file" / "run.gif")
