"""The verdicts of lesson 06, with the lesson's own functions and with other seeds."""

from itertools import combinations
from pathlib import Path

import pytest
import torch
from lessons import defined

from gan_lessons import losses, penalties
from studies import results

KEPT = {"chance", "real_line", "fake_line", "line", "NS", "paired", "ring", "restarts"}
SEEDS = (30, 31, 32)  # none of the lesson's
STRONG = {"steps": 250, "n_critic": 10, "ahead": 300}


@pytest.fixture(scope="module")
def lesson():
    """Return the functions and classes that the lesson defines, and the constants they need."""
    return defined("06_modern_gans", KEPT)


def effective(lesson, method, **situation) -> list[float]:
    """Return the effective modes of each of SEEDS."""
    reports, _ = lesson["play"](*method, seeds=SEEDS, **situation)
    return [report.effective_modes for report in reports]


def mean(values) -> float:
    return sum(values) / len(values)


# ---- where each penalty flattens the critic (Fig. 6-1) ----

@pytest.mark.slow
def test_a_penalty_flattens_the_critic_where_it_acts(lesson):
    spots = torch.tensor([[-1.0], [1.0]])  # of real samples, of fakes

    def slopes(**how):
        return lesson["slope_at"](lesson["trained_critic"](**how, steps=300), spots).tolist()

    at_real, at_fake = slopes(penalty=lambda *a: penalties.r1(*a, gamma=10.0))
    assert at_real < 0.3 < 1.5 < at_fake
    at_real, at_fake = slopes(penalty=lambda *a: penalties.r2(*a, gamma=10.0))
    assert at_fake < 0.3 < 1.5 < at_real
    assert all(0.8 < slope < 1.2 for slope in slopes(penalty=penalties.gradient_penalty))
    assert all(slope < 1.01 for slope in slopes(spectral=True))


# ---- the Dirac-GAN (Fig. 6-2) ----

def test_in_the_dirac_gan_r1_alone_comes_to_rest(lesson):
    def left(loss, penalty=None):
        return float(lesson["path"](loss, penalty, steps=300)[:, -60:].norm(dim=0).max())

    assert left(lesson["NS"], lambda *a: penalties.r1(*a, gamma=0.3)) < 0.1
    assert left(lesson["NS"]) > 0.3
    assert left(losses.Wasserstein()) > 1
    assert left(losses.Hinge()) > 1


def test_in_the_dirac_gan_pairs_go_the_way_of_the_non_saturating_loss(lesson):
    pairs = lesson["path"](losses.Relativistic(), steps=50)
    torch.testing.assert_close(pairs, lesson["path"](lesson["NS"], steps=50))


# ---- networks side by side ----

def test_networks_side_by_side_compute_what_each_computes_alone(lesson):
    generator, critic = lesson["players"]((0, 1))
    torch.manual_seed(1)
    alone, judge = lesson["mlp"].plane()
    z = torch.randn(6, 2)
    torch.testing.assert_close(generator(torch.cat([z, z]))[6:], alone(z))
    torch.testing.assert_close(critic(torch.cat([z, z]))[6:], judge(z))


def test_spectral_normalisation_side_by_side_divides_by_the_largest_singular_value(lesson):
    _, critic = lesson["players"]((0, 1), spectral=True)
    for _ in range(100):
        weight = critic.bounded(1)
    largest = torch.linalg.matrix_norm(weight, ord=2)
    torch.testing.assert_close(largest, torch.ones(2), atol=1e-3, rtol=0)


# ---- the table of stability (Fig. 6-3), the failure of the day, the restarts (Fig. 6-6) ----

@pytest.mark.slow
def test_against_a_strong_d_the_penalties_find_the_modes_and_pairing_does_not(lesson):
    ns, paired = lesson["NS"], lesson["paired"]
    assert mean(effective(lesson, (ns,), **STRONG)) < 4
    assert mean(effective(lesson, (paired,), **STRONG)) < 4
    reports, _ = lesson["play"](ns, penalties.r1_r2, seeds=SEEDS, **STRONG)
    assert mean([report.effective_modes for report in reports]) > 6
    assert mean([report.high_quality for report in reports]) > 0.05  # random points: 0.02


@pytest.mark.slow
def test_momentum_is_what_penalised_games_do_not_stand(lesson):
    method = (lesson["NS"], penalties.r1_r2)
    with_momentum = effective(lesson, method, steps=800, betas=(0.9, 0.999))
    assert mean(with_momentum) < mean(effective(lesson, method, **STRONG)) - 1


@pytest.mark.slow
def test_a_penalty_that_is_cut_off_does_nothing(lesson):
    assert mean(effective(lesson, (lesson["NS"], lesson["detached"]), **STRONG)) < 4


@pytest.mark.slow
def test_with_a_transport_cost_restarts_end_in_the_same_map(lesson):
    def apart(cost):
        made, _ = lesson["trained_maps"](cost, 600)
        return mean([float((a - b).norm(dim=1).mean()) for a, b in combinations(made, 2)])

    assert apart(0.01) < apart(0) / 3


# ---- the contest of five minutes: what the lesson says of its numbers ----

LESSON = Path(__file__).parents[1] / "notebooks" / "src" / "06_modern_gans.py"


def five_minutes() -> dict[str, list[dict]]:
    """Return the runs of each recipe, those of `rpgan` from the study of the winner."""
    others = results.stored("lesson06", "contest_long")["runs"]
    found = others | {"rpgan": results.stored("lesson06", "winner")["runs"]}
    return {name: list(runs.values()) for name, runs in found.items()}


def test_the_ranges_of_the_long_contest_are_those_of_its_runs():
    text = LESSON.read_text(encoding="utf-8")
    for name, runs in five_minutes().items():
        assert len(runs) == 3
        distances = [f"{run['frechet']:.0f}" for run in runs]
        low, high = sorted(distances, key=int)[::2]
        for to in (" 到 ", " to "):
            assert f"{low}{to}{high}" in text, (name, low, high)


def test_no_seed_of_the_winner_reaches_into_another_recipe():
    runs = five_minutes()
    winner = runs.pop("rpgan")
    others = [run for of_one in runs.values() for run in of_one]
    for key in ("frechet", "kl"):
        assert max(run[key] for run in winner) < min(run[key] for run in others)
    assert min(run["counted"] for run in winner) > max(run["counted"] for run in others)


# ---- what the lesson concludes from its other studies, on every seed of them ----

def of_seeds(study: str, way: str, key: str) -> list[float]:
    """Return what every seed of one way came to, the first seed first."""
    runs = results.stored("lesson06", study)["runs"][way]
    return [runs[seed][key] for seed in sorted(runs)]


def test_it_is_the_penalty_that_matters_and_not_the_pairs():
    as_it_is = of_seeds("changes", "as it is", "frechet")
    assert min(of_seeds("changes", "no penalty", "frechet")) > 2 * max(as_it_is)
    assert max(of_seeds("changes", "no penalty", "seen")) < 60
    assert max(of_seeds("changes", "no pairing", "frechet")) < 0.6 * min(as_it_is)
    assert max(of_seeds("changes", "nothing fades", "frechet")) < min(as_it_is)


def test_without_pairs_a_longer_run_is_no_worse():
    paired, unpaired = (results.stored("lesson06", study) for study in ("winner", "unpaired"))
    assert paired["steps"] == unpaired["steps"]
    for seed, run in unpaired["runs"].items():
        assert run["seen"] == 96
        assert run["frechet"] < paired["runs"][seed]["frechet"]


def three_seeds(study: str) -> list[dict]:
    runs = [run for _, run in sorted(results.stored("lesson06", study)["runs"].items())]
    assert len(runs) == 3
    return runs


def check_the_lesson_says(runs: list[dict], **forms: str) -> None:
    """Fail unless both languages give each of the numbers of three runs, in this form."""
    text = LESSON.read_text(encoding="utf-8")
    for key, form in forms.items():
        one, two, three = (format(run[key], form) for run in runs)
        assert f"{one}、{two} 和 {three}" in text and f"{one}, {two} and {three}" in text


@pytest.mark.parametrize("study, seconds, form", [("five_minutes", 600, ".0f"),
                                                  ("half_hour", 3600, ".1f")])
def test_the_longest_runs_are_what_the_lesson_says(study, seconds, form):
    runs = three_seeds(study)
    assert all(run["seen"] == 96 for run in runs)
    assert max(run["seconds"] for run in runs) <= seconds  # of one core
    check_the_lesson_says(runs, frechet=form, counted=".0%")


def test_wider_networks_are_what_the_lesson_says():
    wide, narrow = three_seeds("wide"), three_seeds("half_hour")
    check_the_lesson_says(wide, frechet=".1f", counted=".0%", kl=".3f")
    for key in ("frechet", "counted", "kl"):
        low, high = (pick(run[key] for run in narrow) for pick in (min, max))
        assert min(run[key] for run in wide) < high  # the ranges overlap
        assert max(run[key] for run in wide) > low


def test_larger_batches_are_what_the_lesson_says():
    larger, smaller = three_seeds("batches"), three_seeds("half_hour")
    assert all(run["seen"] == 96 for run in larger)
    assert max(run["seconds"] for run in larger) <= 3600  # of one core
    assert min(run["counted"] for run in larger) > max(run["counted"] for run in smaller)
    assert max(run["frechet"] for run in larger) < min(run["frechet"] for run in smaller)
    check_the_lesson_says(larger, frechet=".1f", counted=".1%", kl=".3f")
    most, least = max(run["kl"] for run in larger), min(run["kl"] for run in smaller)
    assert f"（{most} 和 {least}）" in LESSON.read_text(encoding="utf-8") and most < least
    rounds = [list(found["runs"].values())
              for found in results.stored("lesson06", "batches")["other rounds"]]
    for found in rounds:
        check_the_lesson_says(found, frechet=".1f")
        assert min(run["frechet"] for run in found) < max(run["frechet"] for run in larger)
    nine = [*larger, *rounds[0], *rounds[1]]
    distances = [run["frechet"] for run in nine]
    assert f"{sum(distances) / 9:.1f}" == "6.3" and min(run["counted"] for run in nine) >= 0.88
    assert max(distances) < min(run["frechet"] for run in smaller)


def test_more_faces_make_no_difference_and_d_does_not_know_them():
    more, fewer = (results.stored("lesson06", study) for study in ("more_faces", "batches"))
    assert more["steps"] == fewer["steps"] and more["settings"] == fewer["settings"]
    more, fewer = three_seeds("more_faces"), three_seeds("batches")
    check_the_lesson_says(more, frechet=".1f", counted=".1%", kl=".3f")
    assert min(run["frechet"] for run in more) < max(run["frechet"] for run in fewer)
    assert max(run["frechet"] for run in more) > min(run["frechet"] for run in fewer)
    for run in more:
        for look in run["looks"]:
            known, fooled = (look["training"] - look[other] for other in ("held out", "fake"))
            assert abs(known) < 0.1 * fooled


def test_batchnorm_as_for_samples_is_what_the_lesson_says():
    free, frozen = three_seeds("more_faces"), three_seeds("frozen")
    check_the_lesson_says([run["as trained"] for run in free], frechet=".1f")
    check_the_lesson_says(frozen, frechet=".1f", counted=".1%", kl=".3f")
    for run, other in zip(free, frozen, strict=True):
        assert other["seen"] == 96
        assert run["as trained"]["frechet"] < run["frechet"]
        assert other["frechet"] < run["frechet"]
        assert other["frechet"] < run["as trained"]["frechet"]
    batches = results.stored("lesson06", "batches")
    rounds = (batches, *batches["other rounds"])
    others = [run["frechet"] for each in rounds for run in each["runs"].values()]
    others += [run["frechet"] for run in free]
    assert len(others) == 12 and max(run["frechet"] for run in frozen) == 4.85
    assert [distance for distance in others if distance < 4.85] == [4.84]


def test_half_an_hour_of_two_cores_reaches_its_aims():
    (rounds,) = results.stored("lesson06", "frozen")["other rounds"]
    runs = [rounds["runs"][seed] for seed in "012"]
    check_the_lesson_says(runs, frechet=".1f", counted=".1%", kl=".3f")
    for run in runs:
        assert run["seen"] == 96
        assert run["frechet"] <= 6 and run["kl"] <= 0.02 and run["counted"] >= 0.88
    timed = [run["seconds"] for run in runs if "precision" not in run]  # not the one in float32
    assert len(timed) == 2 and max(timed) <= 3600


def test_more_steps_are_better():
    few, more, most = (
        [run["counted"] for run in results.stored("lesson06", study)["runs"].values()]
        for study in ("unpaired", "five_minutes", "half_hour"))
    assert max(few) < min(more) and max(more) < min(most)


def test_of_few_pictures_d_learns_by_heart_and_diffaugment_holds_it_back():
    runs = results.stored("lesson06", "few")["runs"]
    for n, worse in (("100", 3), ("1000", 1.2)):  # the end against the best look on the way
        for seed, without in runs[n]["without"].items():
            augmented = runs[n]["with DiffAugment"][seed]
            assert without["frechet"][-1] > worse * min(without["frechet"])
            assert augmented["frechet"][-1] < 1.1 * min(augmented["frechet"])
            assert augmented["frechet"][-1] < without["frechet"][-1]
            apart, less = (run["training"][-1] - run["held out"][-1]
                           for run in (without, augmented))
            assert apart > 4 * less
    for without in runs["100"]["without"].values():  # real pictures pass for worse than fakes
        assert without["held out"][-1] < without["fake"][-1]


def test_nothing_brings_the_residual_networks_near_the_others():
    runs = results.stored("lesson06", "residual")["runs"]
    plain = [runs.pop(way)["0"]["frechet"] for way in ("He's first weights",
                                                       "He's, no BatchNorm in G")]
    assert max(plain) < 0.5 * min(run["0"]["frechet"] for run in runs.values())
    assert abs(plain[0] - plain[1]) < 0.1 * plain[0]  # BatchNorm is not the merit
