"""The numbers in the prose of lesson 04 are those of its studies, and its games the studies' own."""

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LESSON = (ROOT / "notebooks" / "src" / "04_wgan.py").read_text(encoding="utf-8")


def study(name: str) -> dict:
    path = ROOT / "studies" / f"lesson04_{name}.json"
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("pair", ["batch/batch", "none/batch", "batch/none", "none/none"])
def test_the_four_cells_of_the_failure(pair):
    runs = study("norms")["runs"]["150"][pair].values()
    assert len(runs) == 5

    def limits(key: str, form: str) -> tuple[str, str]:
        values = [run[key] for run in runs]
        return format(min(values), form), format(max(values), form)
    for to in (" 到 ", " to "):  # zh, en
        row = " | ".join(to.join(limits(key, form)) for key, form in
                         (("frechet", ",.0f"), ("spread", ".0%"), ("edge", ".0%")))
        assert f"| {row} |" in LESSON, row


def test_the_order_of_the_four_cells_is_that_of_every_seed():
    runs = study("norms")["runs"]["150"]
    for seed in runs["batch/batch"]:
        distances = [runs[pair][seed]["frechet"] for pair in
                     ("batch/batch", "none/batch", "batch/none", "none/none")]
        assert distances == sorted(distances), (seed, distances)


def test_the_gap_of_wgan_gp_disagrees_as_the_lesson_says():
    run = study("gap")["runs"]["gp"]["0"]
    lowest = run["gap"].index(min(run["gap"]))
    for number in (f"{run['gap'][lowest]:.3f}", f"{run['gap'][-1]:.3f}", str(run["step"][lowest]),
                   f"{run['distance'][lowest]:,.0f}", f"{run['distance'][-1]:,.0f}"):
        assert LESSON.count(number) >= 2, number
    assert run["gap"][-1] > run["gap"][lowest]
    assert run["distance"][-1] < run["distance"][lowest]


def test_the_match_of_the_lesson_is_that_of_the_study():
    contest = study("recipes")
    settings = contest["settings"]
    assert (f'network = {{"features": {settings["features"]}, "latent": {settings["latent"]}, '
            f'"ema": {settings["ema"]}, "precision": "auto"}}') in LESSON
    for way, call in (("clip", "recipes.wgan(32, n_critic=2, lr=5e-4, **network)"),
                      ("gp", "recipes.wgan_gp(32, n_critic=2, lr=1e-3, **network)")):
        assert call in LESSON
        assert contest["ways"][way] == {"n_critic": 2, "lr": 5e-4 if way == "clip" else 1e-3}
    assert LESSON.count(f"{contest['seconds']} seconds of one core") >= 2
    assert len({len(runs) for runs in contest["runs"].values()}) == 1
