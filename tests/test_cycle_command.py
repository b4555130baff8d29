"""`train cyclegan` and `train pix2pix`: stopped, resumed; `sample` on pictures of any shape."""

import json

import numpy as np
import PIL.Image
import pytest

from gan_lessons import checkpoint
from gan_lessons.cli import main
from gan_lessons.cycle_command import Settings, both_sets

SMALL = ["--size", "16", "--features", "4", "--downs", "2", "--patch", "1", "--batch", "2",
         "--threads", "1", "--quiet"]


def draw(folder, shapes, seed=0):
    """Write pictures of such heights and widths, named 0, 1, 2, ..."""
    folder.mkdir()
    chance = np.random.default_rng(seed)
    for name, (height, width) in shapes.items():
        pixels = chance.integers(0, 256, (height, width, 3), dtype=np.uint8)
        PIL.Image.fromarray(pixels).save(folder / f"{name}.png")
    return str(folder)


@pytest.fixture
def folders(tmp_path, monkeypatch):
    monkeypatch.setenv("GAN_LESSONS_CACHE", str(tmp_path / "cache"))
    a = draw(tmp_path / "a", dict.fromkeys(("1", "3", "4"), (20, 24)))
    b = draw(tmp_path / "b", {str(i): (24, 20) for i in range(5)}, seed=1)
    return a, b


def train(game, folders, out, *more):
    a, b = folders
    return main(["train", game, "--a", a, "--b", b, "--out", str(out), *SMALL, *more])


def test_a_run_is_stopped_resumed_and_sampled_from(folders, tmp_path, capsys):
    whole, half, made = tmp_path / "whole", tmp_path / "half", tmp_path / "made"
    assert train("cyclegan", folders, whole, "--steps", "6") == 0
    assert train("cyclegan", folders, half, "--steps", "6", "--minutes", "1e-9") == 0
    assert json.loads((half / "summary.json").read_bytes()) == {"state": "time is up", "step": 1}
    assert main(["train", "--resume", "--out", str(half), "--steps", "6", "--quiet"]) == 0
    assert (half / "history.csv").read_text() == (whole / "history.csv").read_text()
    assert (half / "history.csv").read_text().startswith("step,critic of A,critic of B,")
    assert len((half / "history.csv").read_text().splitlines()) == 7
    assert PIL.Image.open(half / "grids" / "step_000006.png").size == (8 * 18 + 2, 6 * 18 + 2)

    assert main(["train", "--resume", "--out", str(half), "--steps", "8", "--quiet"]) == 0
    assert json.loads((half / "summary.json").read_bytes()) == {"state": "finished", "step": 8}

    mine = draw(tmp_path / "mine", {"wide": (75, 100), "odd": (51, 33), "dot": (1, 2)})
    (tmp_path / "mine" / "broken.png").write_bytes(b"no picture")
    for direction in ("a-to-b", "b-to-a"):
        assert main(["sample", "--run", str(half), "--pictures", mine, "--out",
                     str(made / direction), "--direction", direction]) == 0
        sizes = {path.stem: PIL.Image.open(path).size for path in (made / direction).iterdir()}
        assert sizes == {"wide": (100, 75), "odd": (33, 51), "dot": (2, 1)}
    assert "broken.png" in capsys.readouterr().out
    assert main(["sample", "--run", str(half), "--pictures", mine, "--out", str(made / "a-to-b")
                 ]) == 1
    assert "not empty" in capsys.readouterr().err


def test_pix2pix_pairs_by_name(folders, tmp_path, capsys):
    out = tmp_path / "run"
    assert train("pix2pix", folders, out, "--steps", "2") == 0
    assert "3 pairs, of 3 and 5 pictures" in capsys.readouterr().out
    a, b = both_sets(Settings("pix2pix", *folders, size=16))
    assert len(a) == len(b) == 3
    whole = both_sets(Settings("cyclegan", *folders, size=16))[1]
    assert (b.images == whole.images[[1, 3, 4]]).all()
    assert main(["sample", "--run", str(out), "--pictures", folders[0], "--out",
                 str(tmp_path / "made"), "--direction", "b-to-a"]) == 1
    assert "only goes from A to B" in capsys.readouterr().err


def test_toys_are_named_with_their_factors():
    settings = {"a": "toy-faces-core:glasses=none", "b": "toy-faces-core:glasses=round,mouth=open",
                "size": 16, "drawn": 30}
    a, b = both_sets(Settings("cyclegan", **settings))
    assert a.factors["glasses"].unique().tolist() == [0]
    assert (b.factors["glasses"].unique().tolist(), b.factors["mouth"].unique().tolist()) == ([1],
                                                                                            [1])
    assert (a.factors["skin"] != b.factors["skin"]).any()  # other people
    a, b = both_sets(Settings("pix2pix", **settings))
    assert (a.factors["skin"] == b.factors["skin"]).all()


def test_mistakes_are_named(folders, tmp_path, capsys):
    out = tmp_path / "run"
    assert train("cyclegan", folders, out, "--steps", "1") == 0
    capsys.readouterr()
    for command, message in (
            (["train", "cyclegan", "--a", folders[0], "--b", folders[1], "--out", str(out),
              "--steps", "2"], "already holds a run"),
            (["train", "--resume", "--out", str(out), "--steps", "2", "--lr", "1"],
             "lr: None -> 1"),
            (["train", "cyclegan", "--a", "nowhere", "--b", folders[1], "--out",
              str(tmp_path / "x"), "--steps", "2"], "no file or folder 'nowhere'"),
            (["train", "pix2pix", "--a", folders[0], "--b", folders[1], "--out",
              str(tmp_path / "x"), "--steps", "2", "--cycle", "3"], "cycle")):
        assert main(command) == 1
        assert message in capsys.readouterr().err
    for command in (["train", "cyclegan", "--out", str(tmp_path / "x"), "--steps", "2"],
                    ["train", "--resume", "--out", str(out)]):
        with pytest.raises(SystemExit, match="2"):
            main(command)
    assert checkpoint.saved_step(out / "checkpoint.safetensors") == 1


def test_a_run_that_cannot_start_leaves_the_folder_free(folders, tmp_path, capsys):
    out = tmp_path / "run"
    for more, message in ((("--batch", "9"), "batch size must be between 1 and"),
                          (("--patch", "3"), "smaller patch"),
                          (("--save-every", "0"), "save_every")):
        assert train("cyclegan", folders, out, "--steps", "2", *more) == 1
        assert message in capsys.readouterr().err
    assert train("cyclegan", folders, out, "--steps", "2") == 0
    with pytest.raises(SystemExit, match="2"):
        train("cyclegan", folders, tmp_path / "x", "--minutes", "-1")


def test_a_resumed_run_keeps_its_goal_and_its_fading_rate(folders, tmp_path):
    whole, half = tmp_path / "whole", tmp_path / "half"
    assert train("pix2pix", folders, whole, "--steps", "6") == 0
    assert train("pix2pix", folders, half, "--steps", "6", "--minutes", "1e-9") == 0
    assert main(["train", "--resume", "--out", str(half), "--minutes", "60", "--quiet"]) == 0
    assert (half / "history.csv").read_text() == (whole / "history.csv").read_text()


def test_a_run_that_diverges_says_what_to_do(folders, tmp_path, capsys):
    assert train("pix2pix", folders, tmp_path / "run", "--steps", "50", "--lr", "1e30") == 1
    assert "with a smaller --lr" in capsys.readouterr().err


def test_pictures_of_one_name_are_not_mixed_up(folders, tmp_path, capsys):
    out, twins = tmp_path / "run", tmp_path / "twins"
    twins.mkdir()
    for name in ("train", "val"):
        draw(twins / name, {"1": (20, 24)})
    assert main(["train", "pix2pix", "--a", str(twins), "--b", folders[1], "--out", str(out),
                 *SMALL, "--steps", "1"]) == 1
    assert "cannot be told apart" in capsys.readouterr().err
    assert train("cyclegan", folders, out, "--steps", "1") == 0
    assert main(["sample", "--run", str(out), "--pictures", str(twins), "--out",
                 str(tmp_path / "made")]) == 1
    assert "cannot be told apart" in capsys.readouterr().err and not (tmp_path / "made").exists()


def test_a_picture_too_large_to_decode_is_named_and_skipped(folders, tmp_path, capsys, monkeypatch):
    out = tmp_path / "run"
    assert train("cyclegan", folders, out, "--steps", "1") == 0
    mine = draw(tmp_path / "mine", {"large": (60, 60), "small": (20, 20)})
    monkeypatch.setattr(PIL.Image, "MAX_IMAGE_PIXELS", 1000)  # Pillow refuses twice as many
    assert main(["sample", "--run", str(out), "--pictures", mine, "--out",
                 str(tmp_path / "made")]) == 0
    assert [path.name for path in (tmp_path / "made").iterdir()] == ["small.png"]
    assert "large.png" in capsys.readouterr().out


def test_the_other_runs_are_left_to_the_others(tmp_path, capsys):
    assert main(["train", "--resume", "--out", str(tmp_path), "--steps", "2"]) == 1
    assert "no run in" in capsys.readouterr().err
