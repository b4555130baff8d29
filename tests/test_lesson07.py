"""The verdicts of lesson 07, with the lesson's own functions and with other seeds."""

import pytest
import torch
from lessons import SOURCES, defined

from gan_lessons import data, measure
from studies.results import stored

TEXT = (SOURCES / "07_measuring.py").read_text(encoding="utf-8")
RING = data.ring()


@pytest.fixture(scope="module")
def lesson():
    """Return the functions that the lesson defines."""
    return defined("07_measuring", {"ring"})


def test_the_six_lines_of_mind_are_those_of_measure(lesson):
    a, b = torch.randn(2, 300, 5, generator=torch.Generator().manual_seed(1))
    assert lesson["mind"](a, 2 * b) == pytest.approx(measure.sliced_distance(a, 2 * b), rel=1e-4)


@pytest.mark.parametrize("seed", [11, 12, 13])
def test_half_of_the_ring_is_invisible_to_two_and_three_moments_only(lesson, seed):
    lesson["chance"] = chance = torch.Generator().manual_seed(seed)
    real, fresh = RING.sample(2500, chance), RING.sample(2500, chance)
    half = lesson["around"](RING.modes[::2])
    assert measure.frechet_distance(half, real) < 0.01
    assert abs(measure.kernel_distance(half, real)) < 0.2
    assert lesson["mind"](half, real) > 5 * lesson["mind"](fresh, real)
    found = measure.precision_recall(half, real)
    assert found.recall < 0.6 and found.coverage < 0.6 and found.precision > 0.95
    left = lesson["around"](RING.modes[2:6])
    assert measure.frechet_distance(left, real) > 1 and measure.kernel_distance(left, real) > 1


def test_one_outlier_deceives_precision_and_not_coverage():
    chance = torch.Generator().manual_seed(21)
    real = torch.randn(500, 2, generator=chance)
    fakes = torch.tensor([3.5, 3.5]) + 0.4 * torch.randn(500, 2, generator=chance)
    spoilt = torch.cat([real, torch.tensor([[8.0, 8.0]])])
    before, after = (measure.precision_recall(fakes, known) for known in (real, spoilt))
    assert before.precision < 0.5 and after.precision > 0.9
    assert after.density < 0.3 and after.coverage < 0.05


def test_the_alarms_in_the_text_are_those_of_the_study():
    """Both languages state how many of 40 draws raised an alarm."""
    alarms = stored("lesson07", "copies")["alarms"]
    sign, test = alarms["sign test"], alarms["memorisation test"]
    honest = ("fresh digits", "other writers", "20 pictures, repeated", "blurred digits")
    for sentence in (
            f"符号检验 40 次只抓到 {sign['shift 2']} 次",
            f"{sign['a tenth']} 次对 {test['a tenth']} 次",
            f"{sign['a twentieth']} 次对 {test['a twentieth']} 次",
            f"记忆检验 160 次里误报 {sum(test[name] for name in honest)} 次",
            f"in only {sign['shift 2']} of 40 draws",
            f"{sign['a tenth']} against {test['a tenth']}",
            f"{sign['a twentieth']} against {test['a twentieth']}",
            f"has {sum(test[name] for name in honest)} false alarm in 160, the sign test "
            f"{sum(sign[name] for name in honest)}"):
        assert sentence in TEXT, sentence
