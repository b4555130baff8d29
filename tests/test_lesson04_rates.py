"""The claims of lesson 04, stored for five seeds, and a part of them played again.

How each is judged is in `study_lesson04.py`; what it gave is in `lesson04_rates.json`.
"""

import json

import pytest
import study_lesson04 as study

STORED = json.loads(study.RATES.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", study.STUDIES)
def test_the_stored_runs_all_hold(name):
    assert [int(seed) for seed in STORED[name]] == list(range(5))
    assert all(run["holds"] for run in STORED[name].values())


def test_the_stored_rank_correlations_are_those_of_the_stored_looks():
    for run in STORED["gap"].values():
        assert run["rho"] > 0.5
        assert study.ranks_agree(run["gap"], run["distance"]) == pytest.approx(run["rho"], abs=0.1)


def test_the_rank_correlation_looks_at_the_order_alone():
    assert study.ranks_agree([1, 2, 3, 4], [0.1, 5, 6, 1e9]) == pytest.approx(1)
    assert study.ranks_agree([1, 2, 3, 4], [4, 3, 2, -8]) == pytest.approx(-1)


@pytest.mark.slow
@pytest.mark.timeout(600)  # for a loaded machine; alone they take a quarter of a minute each
@pytest.mark.parametrize("name, seed", [("critics", 7), ("flat", 7), ("gap", 7)])
def test_the_claim_holds_on_another_seed(name, seed):
    found = study.STUDIES[name](seed)
    assert found["holds"], found
