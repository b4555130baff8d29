"""`train cyclegan` and `train pix2pix`: stopped, resumed; `sample` on pictures of any shape."""

import json

import numpy as np
import PIL.Image
import pytest
import torch
from packing import deep_png

from gan_lessons import checkpoint
from gan_lessons.cli import main
from gan_lessons.cycle_command import Settings, both_sets
from gan_lessons.data.cache import Windows
from gan_lessons.data.sources import open_source

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
    assert main(["measure", "--run", str(half)]) == 1
    assert "holds a run of cyclegan, which cannot be" in capsys.readouterr().err


def test_pictures_of_sixteen_bits_are_as_bright_as_in_training(folders, tmp_path, capsys,
                                                               monkeypatch):
    twelve = np.linspace(0, 4000, 20 * 24, dtype=np.uint16).reshape(20, 24, 1)
    deep = tmp_path / "deep"
    deep.mkdir()
    for name in ("1", "2"):
        (deep / f"{name}.png").write_bytes(deep_png(twelve))
    run = tmp_path / "run"
    assert train("cyclegan", (str(deep), folders[1]), run, "--steps", "1") == 0
    given = []
    monkeypatch.setattr("gan_lessons.cycle.translate",
                        lambda network, pictures: (given.append(pictures), pictures)[1])
    assert main(["sample", "--run", str(run), "--pictures", str(deep), "--out",
                 str(tmp_path / "made"), "--size", "16"]) == 0
    assert "4,095 is taken for white" in capsys.readouterr().out.split("--out made")[-1]
    trained_on = Windows.of(open_source(deep), 16).cut(*torch.zeros(3, 1).long())
    assert (given[0][:, :, :16, :16] == trained_on).all()


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


def test_a_last_checkpoint_that_was_not_written_is_an_error(folders, tmp_path, capsys, monkeypatch):
    out = tmp_path / "run"
    assert train("cyclegan", folders, out, "--steps", "2") == 0
    monkeypatch.setattr(checkpoint, "save", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    assert main(["train", "--resume", "--out", str(out), "--steps", "4", "--quiet"]) == 1
    assert "is at step 2, the run got to step 4" in capsys.readouterr().err
    assert json.loads((out / "summary.json").read_bytes())["state"] == "not saved"


def test_a_run_whose_checkpoint_is_gone_does_not_begin_anew(folders, tmp_path, capsys):
    out = tmp_path / "run"
    assert train("cyclegan", folders, out, "--steps", "2") == 0
    before = (out / "history.csv").read_bytes()
    (out / "checkpoint.safetensors").unlink()
    assert main(["train", "--resume", "--out", str(out), "--steps", "1", "--quiet"]) == 1
    assert "is gone, and without it the run cannot go on" in capsys.readouterr().err
    assert (out / "history.csv").read_bytes() == before


def test_other_pictures_are_noticed(folders, tmp_path, capsys):
    out = tmp_path / "run"
    assert train("cyclegan", folders, out, "--steps", "2") == 0
    (tmp_path / "a" / "3.png").unlink()
    assert main(["train", "--resume", "--out", str(out), "--steps", "4", "--quiet"]) == 1
    assert "other settings (data: " in capsys.readouterr().err
    assert train("cyclegan", folders, tmp_path / "a" / "run", "--steps", "2") == 1
    assert "lies in the folder of the pictures" in capsys.readouterr().err


def test_a_disk_that_is_full_for_a_moment_is_no_end(folders, tmp_path, capsys, monkeypatch):
    from gan_lessons import runs

    write, full = runs.write_png, iter([True])
    def write_png(*args):
        if next(full, False):
            raise OSError("disk full")
        write(*args)
    monkeypatch.setattr(runs, "write_png", write_png)
    assert train("cyclegan", folders, tmp_path / "run", "--steps", "4", "--save-every", "2") == 0
    assert "could not be written (disk full)" in capsys.readouterr().out


@pytest.mark.parametrize("game, words, message", [
    ("cyclegan", ["--steps", "-5"], "steps must be a whole number of at least 1, got -5"),
    ("cyclegan", ["--cycle", "-3"], "cycle must be a number of 0 or more, got -3.0"),
    ("cyclegan", ["--identity", "nan"], "identity must be a number of 0 or more, got nan"),
    ("cyclegan", ["--lr", "inf"], "lr must be a number above 0, got inf"),
    ("cyclegan", ["--l1", "5"], "cyclegan has no l1: leave it out"),
    ("pix2pix", ["--cycle", "5"], "pix2pix has no cycle: leave it out"),
    ("cyclegan", ["--seed", "99999999999999999999"], "seed must be below 2**32"),
    ("cyclegan", ["--a", ""], "--a and --b must not be empty"),
    ("pix2pix", ["--a", "toy-faces"], "pix2pix wants pairs: two folders, or toys of one kind"),
    ("pix2pix", ["--a", "toy-faces", "--b", "toy-rooms"], "pix2pix wants pairs"),
])
def test_numbers_out_of_range_leave_the_folder_free(folders, tmp_path, capsys, game, words,
                                                    message):
    out = tmp_path / "run"
    assert train(game, folders, out, *(["--steps", "2"] if "--steps" not in words else []),
                 *words) == 1
    assert message in capsys.readouterr().err and not out.exists()


def test_minutes_that_are_no_number_are_refused(folders, tmp_path):
    with pytest.raises(SystemExit):
        train("cyclegan", folders, tmp_path / "run", "--minutes", "nan")


def test_a_damaged_picture_is_skipped_and_none_at_all_is_a_failure(folders, tmp_path, capsys):
    run, mine = tmp_path / "run", tmp_path / "mine"
    assert train("cyclegan", folders, run, "--steps", "1") == 0
    draw(mine, {"good": (20, 20)})
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    PIL.Image.fromarray(noise).save(tmp_path / "whole.webp")
    (mine / "a_cut.webp").write_bytes((tmp_path / "whole.webp").read_bytes()[:300])
    sample = ["sample", "--run", str(run), "--pictures", str(mine), "--out"]
    assert main([*sample, str(tmp_path / "made")]) == 0
    assert "a_cut.webp: " in capsys.readouterr().out
    assert [path.name for path in (tmp_path / "made").iterdir()] == ["good.png"]
    (mine / "good.png").write_bytes(b"")
    assert main([*sample, str(tmp_path / "none")]) == 1
    assert main([*sample, str(tmp_path / "more"), "--size", "5000000"]) == 1
    assert "--size must be between 1 and 4096" in capsys.readouterr().err


def test_a_mistyped_run_is_named(folders, tmp_path, capsys):
    for words in (["sample", "--run", str(tmp_path / "nowhere"), "--pictures", folders[0], "--out",
                   str(tmp_path / "made")],
                  ["train", "cyclegan", "--resume", "--out", str(tmp_path / "nowhere"), "--steps",
                   "2"]):
        assert main(words) == 1
        assert "There is no run of cyclegan or pix2pix in" in capsys.readouterr().err
