"""The verdicts of lesson 08, with the lesson's own functions and with another seed."""

import pytest
import torch
from lessons import defined

KEPT = {"ring", "KINDS", "paired", "r1_r2", "plane_steps", "RESTARTS", "left", "right",
        "cycle_steps"}
SEED = 30  # none of the lesson's


@pytest.fixture(scope="module")
def lesson():
    """Return the functions and classes that the lesson defines, and the constants they need."""
    return defined("08_conditional", KEPT)


@pytest.mark.parametrize(("how", "looks"), [("blind", False), ("concat", True),
                                            ("projection", True)])
def test_a_critic_looks_at_y_unless_it_is_blind(lesson, how, looks):
    torch.manual_seed(0)
    critic, x = lesson["Critic"](how), torch.randn(6, 2)
    first, second = (critic(x, torch.full((6,), y)) for y in (0, 1))
    assert first.shape == (6,)
    assert torch.equal(first, second) is not looks


def test_restarts_side_by_side_do_not_see_each_other(lesson):
    network = lesson["SideBySide"](2, seed=0)
    x = torch.randn(4 * lesson["RESTARTS"], 2)
    changed = x.clone()
    changed[:4] += 1  # the share of the first restart
    before, after = network(x), network(changed)
    assert not torch.equal(before[:4], after[:4])
    assert torch.equal(before[4:], after[4:])


@pytest.mark.slow
def test_only_a_critic_that_knows_y_makes_g_obey(lesson):
    def right(how, **changes):
        return lesson["judge"](lesson["play"](how, SEED, **changes))[0]

    chance = torch.Generator().manual_seed(SEED)
    assert right("blind") < 0.7
    assert right("concat") > 0.9
    assert right("projection") > 0.9
    assert right("projection",
                 labels=lambda y: y[torch.randperm(len(y), generator=chance)]) < 0.4


@pytest.mark.slow
def test_obedience_does_not_see_that_half_of_each_class_is_missing(lesson):
    right, clusters, _ = lesson["judge"](lesson["play"](
        "projection", SEED, penalty=None))
    assert right > 0.95
    assert clusters < 8


@pytest.mark.slow
def test_a_cycle_loss_near_0_allows_a_swap_and_the_identity_loss_does_not(lesson):
    game = lesson["play_cycles"](identity=0)
    a, _, back = lesson["there_and_back"](game)
    assert (back - a).abs().mean() < 0.05
    kept = lesson["kept_colour"](game)
    assert (kept > 0.95).any()
    assert (kept < 0.05).any()
    assert (lesson["kept_colour"](lesson["play_cycles"]()) > 0.95).all()
