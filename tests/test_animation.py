"""Films of a training run: their frames, their clock, and what is said when one cannot be made."""

import shutil
import sys

import PIL.Image
import pytest
import torch

from gan_lessons import show
from gan_lessons.animation import CannotEncode

FAKE_FFMPEG = """#!{python}
import sys
from pathlib import Path
words = sys.argv[1:]
size = words[words.index("-s") + 1]
Path({log!r}).write_text(f"{{size}} {{len(sys.stdin.buffer.read())}}")
{ending}
"""


def snapshots(n: int = 5, shape=(6, 3, 9, 9)) -> dict[int, torch.Tensor]:
    """Return pictures that get brighter, the latest step first."""
    return {100 * i: torch.full(shape, 40 * i, dtype=torch.uint8) for i in reversed(range(n))}


@pytest.fixture
def fake_ffmpeg(tmp_path, monkeypatch):
    """Return a function that puts a pretended ffmpeg on PATH, and returns the log of its call."""
    def put(ending='Path(words[-1]).write_bytes(b"film")'):
        folder, log = tmp_path / "bin", tmp_path / "log"
        folder.mkdir()
        program = folder / "ffmpeg"
        program.write_text(FAKE_FFMPEG.format(python=sys.executable, log=str(log),
                                              ending=ending))
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(folder))
        return log
    return put


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
    (snapshots(), "run.avi", 8, "end in .gif or .mp4"),
    (snapshots(), "run", 8, "end in .gif or .mp4"),
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


def test_without_ffmpeg_the_message_names_the_gif(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "run.mp4").write_bytes(b"old")
    with pytest.raises(CannotEncode) as refusal:
        show.animation(snapshots(), tmp_path / "run.mp4")
    zh, en = str(refusal.value).splitlines()
    assert "ffmpeg" in zh and ".gif" in zh and "ffmpeg" in en and ".gif" in en
    assert (tmp_path / "run.mp4").read_bytes() == b"old"


def test_ffmpeg_gets_every_frame_with_even_sides_and_the_last_one_held(tmp_path, fake_ffmpeg):
    log = fake_ffmpeg()
    path = show.animation(snapshots(), tmp_path / "run.mp4", fps=4, columns=3)  # 35 x 24
    assert path.read_bytes() == b"film"
    assert log.read_text() == f"36x24 {(5 + 2 * 4) * 36 * 24 * 3}"


@pytest.mark.parametrize("ending", ['sys.exit("no such encoder: libx264")', "pass"])
def test_an_ffmpeg_that_fails_is_reported_and_the_old_film_stays(tmp_path, fake_ffmpeg, ending):
    fake_ffmpeg(ending)
    (tmp_path / "run.mp4").write_bytes(b"old")
    with pytest.raises(CannotEncode, match=r"could not make the film.*\.gif"):
        show.animation(snapshots(), tmp_path / "run.mp4")
    assert (tmp_path / "run.mp4").read_bytes() == b"old"


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
def test_a_real_film(tmp_path):
    film = show.animation(snapshots(), tmp_path / "run.mp4").read_bytes()
    assert film[4:8] == b"ftyp" and len(film) > 500


def test_a_folder_that_cannot_be_written_to_raises(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError):
        show.animation(snapshots(), tmp_path / "file" / "run.gif")
