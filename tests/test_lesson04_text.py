"""The numbers in the prose of lesson 04 are its studies', and so are the games it plays."""

import json
from pathlib import Path

import pytest

from gan_lessons.exercises.lesson04 import BAR, BUDGET

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
    assert f"{contest['seconds']} seconds of one core each" in LESSON
    assert len({len(runs) for runs in contest["runs"].values()}) == 1


def said(*numbers: str) -> None:
    """Require each number in both languages."""
    for number in numbers:
        assert LESSON.count(number) >= 2, number


def test_the_numbers_of_the_match():
    runs = study("recipes")["runs"]

    def limits(way: str, key: str, form: str) -> tuple[str, str]:
        values = [run[key] for run in runs[way].values()]
        assert len(values) == 3
        return format(min(values), form), format(max(values), form)
    for way in ("gp", "clip", "dcgan"):
        low, high = limits(way, "frechet", ",.0f")
        assert f"{low} 到 {high}" in LESSON and f"{low} to {high}" in LESSON, (way, low, high)
    for way, key, form in (("gp", "counted", ".0%"), ("clip", "counted", ".0%"),
                           ("gp", "kl", ".2f"), ("clip", "kl", ".2f"), ("gp", "seen", "d")):
        low, high = limits(way, key, form)
        assert f"{low} 到 {high}" in LESSON and f"{low} to {high}" in LESSON, (way, key)
    assert limits("clip", "seen", "d") == ("93", "94")
    assert [run["seen"] for run in runs["dcgan"].values()].count(51) == 2
    assert 0.6 < study("recipes")["steps"]["gp"] / study("recipes")["steps"]["clip"] < 0.72


def test_the_numbers_of_growth():
    runs = {way: by_seed["0"] for way, by_seed in study("growth")["runs"].items()}
    said(*(f"{run['end']['frechet']:,.0f}" for run in runs.values()))
    said(f"{max(runs['carried']['distance']):,.0f}", f"{max(runs['faded']['distance'][4:]):,.0f}",
         f"{min(runs['faded']['distance']):,.0f}")
    assert f"对 {100 * runs['scratch']['end']['counted']:.1f}%" in LESSON
    best = runs["faded"]["distance"].index(min(runs["faded"]["distance"]))
    assert (runs["faded"]["size"][best], round(runs["faded"]["seconds"][best])) == (32, 66)
    assert f"一个核心的 {study('growth')['seconds']} 秒" in LESSON


def test_the_later_look_at_the_four_cells():
    later = study("norms")["runs"]["600"]
    alone, both = later["batch/none"]["0"], later["batch/batch"]["0"]
    said(f"{alone['frechet']:,.0f}", f"{alone['counted']:.1%}", f"{alone['edge']:.0%}",
         f"{both['frechet']:,.0f}", f"{both['counted']:.1%}")


def test_wide_networks_have_the_larger_gap_and_the_better_pictures():
    narrow, wide = study("gap")["runs"]["clip"].values(), study("rates")["gap"].values()
    at = next(iter(narrow))["step"].index(300)
    assert min(run["gap"][-1] for run in wide) > 3 * max(run["gap"][at] for run in narrow)
    assert max(run["distance"][-1] for run in wide) < min(run["distance"][at] for run in narrow)


def test_the_bar_of_the_open_task_lies_between_the_settings():
    measured = json.loads((ROOT / "studies" / "exercises_bars.json").read_text())["penalty"]
    solved = measured["lr 1e-3, n_critic 2"]
    assert max(run["distance"] for run in solved.values()) < BAR
    assert min(run["distance"] for run in measured["lr 1e-4, n_critic 5"].values()) > 5 * BAR
    text = (ROOT / "notebooks" / "src" / "solutions" / "04_wgan.py").read_text(encoding="utf-8")
    for run in solved.values():
        assert text.count(str(run["distance"])) >= 2
    assert f"{BAR:,.0f}" in LESSON and f"{BUDGET:,}" in LESSON


def test_g_drops_the_few():
    skew = study("skew")
    share = skew["in the data"]["tenth"]["share"]
    runs = skew["runs"]["tenth"].values()
    assert len(runs) == 2 and all(run["share"] == 0 for run in runs)
    said(*(f"{run['counted']:,}" for run in runs),
         *(f"{share * run['counted']:.0f}" for run in runs),
         f"{share:.1%}")
    even = [run["share"] for run in skew["runs"]["even"].values()]
    assert f"{min(even):.0%} 到 {max(even):.0%}" in LESSON
    assert f"{min(even):.0%} to {max(even):.0%}" in LESSON
