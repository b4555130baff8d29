"""Lesson 05: its comparison of three games, beside the numbers that studies/lesson05.py stored."""

import json
import re
from pathlib import Path

import pytest
import torch

from gan_lessons.exercises.lesson05 import SHARE
from studies import lesson05

ROOT = Path(__file__).parents[1]
STORED = json.loads((ROOT / "studies" / "lesson05.json").read_text(encoding="utf-8"))
LESSON = (ROOT / "notebooks" / "src" / "05_fastai_style.py").read_text(encoding="utf-8")
FIRST, LAST = map(str, lesson05.LOOKS)


def distances(name: str, weights: str = "average") -> list[float]:
    """Return the distance of each seed after the lesson's number of steps."""
    return [run[FIRST][weights]["frechet"] for run in STORED["runs"][name].values()]


def test_clipping_is_furthest_on_every_seed():
    clipping = distances("WGAN, clipping")
    assert len(clipping) == 3
    for other in ("WGAN-GP", "non-saturating + R1"):
        assert all(a < b for a, b in zip(distances(other), clipping, strict=True)), other


def test_every_game_had_the_same_budget():
    assert list(STORED["runs"]) == list(lesson05.GAMES)
    for runs in STORED["runs"].values():
        assert list(runs["0"]) == [FIRST, LAST]
        assert all(FIRST in run for run in runs.values())


def test_the_bar_of_the_open_task_lies_between():
    """The decay of the solution reaches it on every seed; the newest weights, share 1, do not."""
    shares = [a / b for a, b in zip(distances("non-saturating + R1"),
                                    distances("non-saturating + R1", "newest"), strict=True)]
    assert max(shares) < SHARE < 0.95, shares


def test_the_study_plays_the_game_of_the_lesson():
    """Both have the same pictures, batches, networks, penalty and average."""
    assert re.search(rf"pairs_of\(faces\.images, {lesson05.BATCH}\)", LESSON)
    assert f"players({lesson05.FEATURES}" in LESSON and f"gamma={lesson05.GAMMA}" in LESSON
    assert f'"ema": {lesson05.EMA}' in LESSON and f"default={lesson05.PICTURES}" in LESSON


@pytest.mark.slow
@pytest.mark.timeout(600)  # for a loaded machine; alone it takes 20 s
def test_clipping_is_furthest_on_another_seed():
    torch.set_num_threads(1)
    metrics = lesson05.Metrics()
    found = {name: lesson05.play(name, 30, (200,), metrics)[0][200]["average"]["frechet"]
             for name in lesson05.GAMES}
    assert max(found, key=found.get) == "WGAN, clipping", found
