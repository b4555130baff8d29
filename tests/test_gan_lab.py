"""The GAN lab without a browser: its game, its rules, its memory, and what it says when it fails.

What the page shows is tested in browser/test_gan_lab_page.py.
"""

import asyncio
import copy
import gc
import weakref
from dataclasses import asdict
from functools import partial
from itertools import pairwise

import pytest
import torch
from pictures import picture_in
from torch import nn

from gan_lessons import data, losses, recipes
from gan_lessons.condition import conditions
from gan_lessons.lab import GanLab
from gan_lessons.lab.gan_lab import widget
from gan_lessons.lab.gan_lab.custom_loss import LossProblem, as_loss
from gan_lessons.lab.gan_lab.drawing import (
    ARROWS,
    MESH,
    POINTS,
    SURFACE,
    UNIT,
    unpack,
    unpack_y,
)
from gan_lessons.lab.gan_lab.game import (
    MOMENTS_KEPT,
    LabGame,
    LabHistory,
    LabMoment,
    new_networks,
)
from gan_lessons.lab.gan_lab.presets import LOSSES, PRESETS, LabSettings
from gan_lessons.nets import conditional
from gan_lessons.penalties import gradient_penalty
from gan_lessons.train import Game, adam, critic_step, fit, generator_step


def started(points=None, rules="non-saturating", **settings) -> LabGame:
    """Return a run that has started."""
    rules = LOSSES[rules] if isinstance(rules, str) else rules
    game = LabGame(points or data.ring(), rules, LabSettings(**settings))
    game.start()
    return game


def weights(*networks: nn.Module) -> torch.Tensor:
    """Return all parameters of the networks as one vector, a copy."""
    return torch.cat([p.detach().flatten() for n in networks for p in n.parameters()])


def both_of(game: LabGame) -> torch.Tensor:
    """Return all parameters of G and D as one vector."""
    return weights(game.generator, game.critic)


class Page:
    """Stands in for the browser: keeps what a lab sends, and says what a learner would click."""

    def __init__(self, lab: GanLab):
        self.lab, self.heard = lab, []
        lab.send = lambda content, buffers=None: self.heard.append((content, buffers))

    def say(self, do, **message):
        content = {"method": "custom", "content": {"do": do, **message}}
        self.lab.comm.handle_msg({"content": {"data": content}, "buffers": []})

    def all(self, kind):
        return [m for m in self.heard if m[0]["kind"] == kind]

    def last(self, kind):
        return self.all(kind)[-1]


# One game: what the lab plays is what the lesson prints

@pytest.mark.parametrize("settings", [
    *({"loss": name} for name in LOSSES), {"optimizer_g": "plain", "lr_g": 0.02},
    {"data": "spiral", "batch": 16, "width_d": 8, "lr_d": 5e-3, "beta1": 0.9}])
def test_clicks_equal_the_steps_of_the_lesson_bit_for_bit(settings):
    lab, same = GanLab(seed=5, **settings), GanLab(seed=5, **settings).state  # the same batches
    page, by_hand = Page(lab), copy.deepcopy([same.generator, same.critic])
    generator, critic = by_hand
    rules, chosen = LOSSES[lab.settings["loss"]], same.settings
    penalty = rules.penalty
    if penalty is gradient_penalty:  # its points are drawn from the run's seed
        penalty = partial(penalty, generator=torch.Generator().manual_seed(5))
    critic_optimizer = adam(critic, chosen.lr_d, (chosen.beta1, chosen.beta2))
    if chosen.optimizer_g == "plain":
        generator_optimizer = torch.optim.SGD(generator.parameters(), chosen.lr_g)
    else:
        generator_optimizer = adam(generator, chosen.lr_g, (chosen.beta1, chosen.beta2))
    noise = torch.Generator().manual_seed(5)

    for player in ("critic", "critic", "generator", "both", "generator"):
        page.say("step", player=player)
        if player in ("critic", "both"):
            z = torch.randn(chosen.batch, 2, generator=noise)
            real = next(same.batches)
            critic_step(critic, generator, critic_optimizer, rules.loss, real, z, penalty,
                        rules.clip)
        if player in ("generator", "both"):
            z = torch.randn(chosen.batch, 2, generator=noise)
            generator_step(critic, generator, generator_optimizer, rules.loss, z,
                           real if rules.loss.compares else None)
        assert torch.equal(both_of(lab.state), weights(*by_hand))
    assert not torch.equal(both_of(lab.state), both_of(same))


@pytest.mark.parametrize("loss", [name for name in LOSSES if name != "wasserstein + GP"])
def test_the_lab_plays_the_game_that_fit_plays(loss):
    rules = LOSSES[loss]
    game = recipes.plane(seed=3, n_critic=2, loss=rules.loss, penalty=rules.penalty,
                         clip=rules.clip)
    fit(game, data.ring(), 20, progress=False)
    lab = GanLab(seed=3, d_steps=2, loss=loss).run(20)
    assert torch.equal(both_of(lab.state), weights(game.generator, game.critic))  # nor is it NaN
    assert torch.equal(lab.state.sample(100), game.sample(100))


def conditional_game(seed: int, loss: str) -> Game:
    """Return lesson 01's game of points, played with the number of the cluster as condition."""
    rules = LOSSES[loss]
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        generator, critic = conditional.plane((8,))
    return Game(generator, critic, latent=2, classes=(8,), batch=128, lr=1e-3, betas=(0.5, 0.999),
                seed=seed, n_critic=2, loss=rules.loss, penalty=rules.penalty, clip=rules.clip)


@pytest.mark.parametrize("loss", ["non-saturating", "wasserstein", "relativistic"])
def test_the_conditional_game_is_the_one_that_fit_plays(loss):
    game = fit(conditional_game(3, loss), data.ring().conditioned_on(), 20, progress=False)
    lab = GanLab(data="ring_by_class", seed=3, d_steps=2, loss=loss).run(20)
    assert torch.equal(both_of(lab.state), weights(game.generator, game.critic))
    assert torch.equal(lab.state.sample(100, y=5), game.sample(100, y=5))


# The game

@pytest.mark.parametrize("loss", ["non-saturating", "wasserstein + GP"])
def test_the_same_seed_gives_the_same_run_and_another_seed_another(loss):
    runs = [started(rules=loss, seed=seed) for seed in (3, 3, 4)]
    for run in runs:
        torch.rand(7)  # what a notebook draws elsewhere does not matter
        run.play(60)
    first, again, other = runs
    assert torch.equal(both_of(first), both_of(again))
    assert repr(first.history.moments) == repr(again.history.moments)  # NaN is not equal to NaN
    assert not torch.equal(both_of(first), both_of(other))


def test_the_notebooks_own_randomness_is_left_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    started().play(10)
    assert torch.equal(torch.rand(3), expected)


def test_settings_decide_who_moves_how_often():
    game = started(d_steps=3, g_steps=2, pretrain=7)
    game.play(4)
    assert (game.critic_steps, game.step) == (7 + 12, 8)


def test_learning_rates_and_betas_change_in_a_run():
    game = started()
    game.play(1)
    game.change(game.settings.change(lr_g=0.0, beta1=0.9))
    before = weights(game.generator)
    game.play(2)
    assert torch.equal(weights(game.generator), before)
    assert game.critic_optimizer.param_groups[0]["betas"] == (0.9, 0.999)


def test_the_optimizer_of_g_changes_in_a_run():
    game = started(optimizer_g="plain", lr_g=0.0)
    before = weights(game.generator)
    game.play(2)
    assert torch.equal(weights(game.generator), before)
    game.change(game.settings.change(optimizer_g="adam", lr_g=1e-3))
    game.generator_step()
    moved = (weights(game.generator) - before).abs()
    assert 0.9e-3 < moved.max() < 1.1e-3  # Adam's first step is lr long, whatever the gradient


@pytest.mark.slow
def test_a_healthy_game_covers_the_ring_and_a_collapse_does_not():
    healthy, collapsed = (GanLab(name, seed=1).run(1500).state.history.moments[-1]
                          for name in ("healthy", "collapse"))
    assert healthy.modes == 8 and healthy.js < 0.45 and healthy.effective > 6
    assert collapsed.effective < 4


@pytest.mark.slow
def test_with_a_vanishing_gradient_g_stands_still():
    moved = {}
    for loss in ("minimax", "non-saturating"):
        lab = GanLab("vanishing", loss=loss)
        before = lab.state.sample(500)
        moved[loss] = (lab.run(300).state.sample(500) - before).norm(dim=1).mean()
    assert moved["minimax"] < 0.1 and moved["non-saturating"] > 1


@pytest.mark.slow
def test_an_oscillating_crowd_moves_from_mode_to_mode():
    lab, visited = GanLab("oscillation", seed=1).run(350), set()
    for _ in range(10):
        distance = torch.cdist(lab.run(50).state.sample(500), data.ring().modes)
        visited.add(int(distance.argmin(1).mode().values))
    assert len(visited) >= 4


# The memory and the pictures

def test_history_stays_bounded_and_keeps_the_whole_run():
    history = LabHistory()
    step = 0
    while step < 50_000:
        if history.due(step):
            history.add(LabMoment(step, step, step, 0, 0, 0, 0, 0, 0, b""))
        step += 20
    steps = [moment.step for moment in history.moments]
    assert len(steps) <= MOMENTS_KEPT
    assert steps[0] == 0 and steps[-1] > 49_000
    assert {b - a for a, b in pairwise(steps)} == {history.every}


def test_a_picture_holds_what_the_networks_say():
    game = started()
    game.play(40)
    moment = game.history.moments[-1]
    assert moment.step == 40
    fake, surface = unpack(moment.picture)
    expected = game.generator(game.camera.z[:POINTS]).detach() / game.camera.limit
    torch.testing.assert_close(torch.tensor(fake), expected.double(), atol=1 / UNIT, rtol=0)
    corner = torch.tensor([[-1.0, 1.0]]) * game.camera.limit * (1 - 1 / SURFACE)  # upper left
    says = torch.sigmoid(game.critic(corner)).item()
    assert surface[0, 0] == pytest.approx(255 * says, abs=1.5)
    assert len(moment.picture) == 4 * (POINTS + MESH**2 + ARROWS) + SURFACE**2


def test_arrows_point_where_the_loss_falls_and_vanish_with_the_gradient():
    sizes = {}
    for loss in ("non-saturating", "minimax"):
        game = started(rules=loss, pretrain=1000)
        picture = torch.frombuffer(bytearray(game.history.moments[0].picture), dtype=torch.int16,
                                   count=2 * (POINTS + MESH**2 + ARROWS)).view(-1, 2) / UNIT
        fake, arrow = picture[:ARROWS] * game.camera.limit, picture[-ARROWS:]
        sizes[loss] = arrow.norm(dim=1).mean().item()
        if loss == "non-saturating":
            step = 1e-2 * arrow
            assert (game.critic(fake + step) > game.critic(fake)).float().mean() > 0.9
    assert sizes["minimax"] < 0.05 * sizes["non-saturating"]


def test_the_curves_go_on_when_only_one_player_moves():
    lab = GanLab()
    page = Page(lab)
    for _ in range(20):
        page.say("step", player="critic")
    rows = lab.state.history.table()
    assert rows[:, 0].tolist() == list(range(21))  # the axis: moves
    assert rows[-1, 1:3].tolist() == [0, 20]  # steps of G and of D
    assert rows[-1, 3] < rows[1, 3]  # D's loss falls
    alone = started(g_steps=0)
    alone.play(100)
    assert alone.history.table()[:, 0].tolist() == [0, 20, 40, 60, 80, 100]


def test_nobody_learns_in_a_round_of_no_steps_and_that_is_said():
    lab = GanLab(d_steps=0, g_steps=0)
    page = Page(lab)
    page.say("step", player="both")
    assert "0 steps a round" in lab.problem["en"] and "都是 0" in lab.problem["zh"]
    with pytest.raises(ValueError, match="nobody learns"):
        lab.run(1)
    play_for(lab, 0.1)
    assert not lab.playing and lab.problem["en"]
    page.say("step", player="critic")  # by hand each can still move
    assert lab.problem == {} and lab.state.critic_steps == 1


# A condition

def test_the_chosen_class_is_the_one_shown_and_the_run_goes_on_as_it_was():
    lab, same = (GanLab(data="ring_by_class").run(20) for _ in range(2))
    page = Page(lab)
    page.say("choose", y=3)
    assert lab.chosen == 3 and lab.problem == {} and lab.state.step == 20
    game, (picture,) = lab.state, page.last("picture")[1]
    in_turn = [i % 8 for i in range(POINTS - ARROWS)]
    assert unpack_y(picture).tolist() == [3] * ARROWS + in_turn
    fake, surface = unpack(picture)
    places = game.generator(game.camera.z[:ARROWS], torch.full((ARROWS,), 3)).detach()
    torch.testing.assert_close(torch.tensor(fake[:ARROWS]), (places / game.camera.limit).double(),
                               atol=1 / UNIT, rtol=0)
    corner = torch.tensor([[-1.0, 1.0]]) * game.camera.limit * (1 - 1 / SURFACE)  # upper left
    for y, is_shown in ((3, True), (7, False)):
        says = 255 * torch.sigmoid(game.critic(corner, torch.tensor([y]))).item()
        assert (abs(surface[0, 0] - says) < 1.5) == is_shown
    assert torch.equal(both_of(lab.run(5).state), both_of(same.run(5).state))


def test_the_page_gets_the_classes_and_the_share_as_asked():
    lab = GanLab(data="ring_by_class")
    page = Page(lab)
    page.say("enter", view="a")
    scene, (_, y) = page.last("scene")
    assert scene["classes"] == 8 and len(set(scene["colours"])) == 8 and len(set(y)) == 8
    assert lab.options["classes"] == list(range(8))
    lab.run(100)
    asked, last = conditions(None, (8,), 1000), lab.state.history.moments[-1]
    nearest = torch.cdist(lab.state.sample(1000), data.ring().modes).argmin(1)
    assert last.obedience == pytest.approx((nearest == asked).float().mean().item())
    assert lab.state.history.table()[-1, 8] == pytest.approx(last.obedience)
    lab.change(data="ring")
    assert lab.options["classes"] == [] and len(page.last("scene")[1]) == 1


@pytest.mark.slow
def test_classes_are_learned():
    last = GanLab(data="ring_by_class").run(600).state.history.moments[-1]
    assert last.obedience > 0.95 and last.modes == 8  # guessing: 0.125


@pytest.mark.parametrize("y, message", [(8, "0-7"), (-1, "0-7"), (1.5, "whole"), ("a", "")])
def test_a_class_that_does_not_exist_is_refused(y, message):
    lab = GanLab(data="ring_by_class").choose(2)
    Page(lab).say("choose", y=y)
    assert message in lab.problem["en"] and lab.problem["zh"] and lab.chosen == 2


def test_without_classes_there_is_nothing_to_choose():
    with pytest.raises(ValueError, match="not conditional"):
        GanLab().choose(1)
    lab = GanLab(data="ring_by_class").choose(6)
    lab.change(data=data.ring(4).conditioned_on())
    assert lab.chosen == 0 and lab.problem == {}
    with pytest.raises(ValueError, match="generator should turn"):
        GanLab(data="ring_by_class", networks=new_networks(LabSettings(), 2))


# The learner's own loss

def broken(side, result):
    """Return a loss whose `side` returns `result(score)` and whose other side works."""
    own = losses.NonSaturating()
    setattr(own, side, lambda *scores: result(scores[0]))
    return own


def test_a_loss_can_be_an_object_a_pair_or_a_function():
    good = losses.NonSaturating()
    results = []
    for loss in (good, (good.critic, good.generator),
                 lambda real, fake: (good.critic(real, fake), good.generator(fake))):
        lab = GanLab(loss=loss)
        assert lab.settings["loss"] == "custom"
        results.append(weights(lab.run(5).state.critic))
    assert torch.equal(results[0], results[1])
    assert results[2].isfinite().all()
    for wrong in (3, (1, 2), losses.NonSaturating):
        with pytest.raises(TypeError, match="loss= must be"):
            as_loss(wrong)


def _fails(score):
    return score @ torch.zeros(3, 3)


PROBLEMS = {
    "shape": (lambda score: -score, "is .mean() missing"),
    "nan": (lambda score: score.mean() * float("nan"), "became nan"),
    "not a tensor": (lambda score: 1.0, "should return a tensor, it returned float"),
    "no gradient": (lambda score: score.detach().mean(), "does not depend on the scores"),
    "exception": (_fails, "RuntimeError: "),
}


@pytest.mark.parametrize("side", ["critic", "generator"])
@pytest.mark.parametrize("kind", PROBLEMS)
def test_a_broken_loss_pauses_the_lab_and_says_why(kind, side):
    result, message = PROBLEMS[kind]

    async def scenario():
        lab = GanLab(loss=broken(side, result))
        lab.play()
        for _ in range(200):
            await asyncio.sleep(0.01)
            if not lab.playing:
                break
        assert not lab.playing
        assert message in lab.problem["en"]
        assert lab.problem["zh"] and lab.problem["zh"] != lab.problem["en"]
        lab.change(loss="hinge")
        lab.reset()
        assert lab.problem == {}
        return lab

    lab = asyncio.run(scenario())
    lab.run(10)
    assert lab.state.step == 10


def test_the_line_that_failed_is_named():
    with pytest.raises(LossProblem, match="at: return score @ torch.zeros") as failure:
        started(rules=LOSSES["minimax"]._replace(loss=broken("generator", _fails)))
    assert isinstance(failure.value.__cause__, RuntimeError)


def test_run_raises_what_the_loss_did():
    lab = GanLab(loss=broken("critic", lambda score: -score))
    with pytest.raises(LossProblem, match="mean"):
        lab.run(3)


# The widget

def test_run_goes_on_where_it_was_and_equals_one_long_run():
    halves, whole = GanLab(seed=2), GanLab(seed=2)
    assert halves.run(30).run(30).state.step == 60
    whole.run(60)
    assert torch.equal(both_of(halves.state), both_of(whole.state))
    assert halves.state.sample(5).shape == (5, 2)


def test_one_thread_while_training_and_as_before_afterwards():
    seen = []

    def spy(real, fake):
        seen.append(torch.get_num_threads())
        return fake.mean() - real.mean(), -fake.mean()
    torch.set_num_threads(2)
    GanLab(loss=spy).run(2)
    assert set(seen) == {1}
    assert torch.get_num_threads() == 2


def test_buttons_step_one_player():
    lab = GanLab()
    page = Page(lab)
    for player, expected in (("critic", (0, 1)), ("generator", (1, 1)), ("both", (2, 2))):
        page.say("step", player=player)
        assert (lab.state.step, lab.state.critic_steps) == expected
        assert (page.last("picture")[0]["step"], page.last("picture")[0]["criticSteps"]) == expected


@pytest.mark.parametrize("change, restarts", [
    ({"loss": "hinge"}, False), ({"lr_d": 5e-3}, False), ({"d_steps": 2}, False),
    ({"data": "grid"}, True), ({"width_g": 8}, True), ({"seed": 1}, True), ({"batch": 16}, True)])
def test_a_change_restarts_only_where_it_must(change, restarts):
    lab = GanLab()
    page = Page(lab)
    lab.run(5)
    page.say("change", **change)
    assert lab.state.step == (0 if restarts else 5)
    name, value = *change, *change.values()
    assert lab.settings[name] == value
    assert lab.problem == {}


@pytest.mark.parametrize("change", [
    {"lr_d": -1}, {"d_steps": 1.5}, {"seed": True}, {"loss": "best"}, {"width_g": 10**6},
    {"lr_d": "fast"}, {"color": 1}, {"lr_g": float("nan")}])
def test_a_wrong_setting_is_refused_in_both_languages_and_changes_nothing(change):
    with pytest.raises(ValueError) as refusal:
        GanLab(**change)
    zh, en = str(refusal.value).split("\n")
    lab = GanLab()
    before = lab.settings
    Page(lab).say("change", **change)
    assert lab.problem == {"zh": zh, "en": en}
    assert lab.settings == before


def test_unknown_preset_is_refused_with_the_list():
    with pytest.raises(ValueError, match="healthy, collapse"):
        GanLab("unknown")


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_plays(name):
    lab = GanLab(name)
    assert lab.problem == {}
    assert lab.options["presetNow"] == name
    lab.run(5)
    other = GanLab(data="grid", seed=3)
    Page(other).say("preset", name=name)
    expected = asdict(PRESETS[name]) | {"data": "grid", "seed": 3}
    assert other.settings == expected


def test_scrubbing_shows_the_past_and_playing_goes_on_from_the_present():
    lab = GanLab()
    page = Page(lab)
    lab.run(200)
    page.say("scrub", index=3)
    message, (picture,) = page.last("picture")
    assert (message["step"], message["past"]) == (60, True)
    assert picture == lab.state.history.moments[3].picture
    assert lab.state.step == 200
    page.say("scrub", index=-1)
    assert (page.last("picture")[0]["step"], page.last("picture")[0]["past"]) == (200, False)


def test_drawing_changes_the_data_and_not_the_networks():
    lab = GanLab(data="drawn")
    page = Page(lab)
    lab.run(5)
    page.say("draw", points=[[1.0, 1.0], [1.1, 1.0]], anew=True)
    assert lab.state.step == 5
    real = next(lab.state.batches)
    assert (real - 1).abs().max() < 0.5
    page.say("draw", points=[[-2.0, -2.0]], anew=False)
    assert next(lab.state.batches).min() < -1.5
    page.say("draw", points=[[0.0, 99.0]], anew=True)
    assert "Coordinates must be" in lab.problem["en"]


def test_a_cleared_pad_is_empty_until_something_is_drawn():
    lab = GanLab(data="drawn")
    page = Page(lab)
    page.say("enter", view="a")
    assert not page.last("scene")[0]["clear"]  # a figure of eight, as an example
    page.say("draw", points=[], anew=True)
    assert page.last("scene")[0]["clear"] and lab.problem == {}
    page.say("step", player="both")
    assert "Draw something first" in lab.problem["en"] and lab.state.step == 0
    with pytest.raises(ValueError, match="pad is empty"):
        lab.run(1)
    page.say("reset")
    assert page.last("scene")[0]["clear"]
    page.say("draw", points=[[1.0, 1.0]], anew=True)
    assert not page.last("scene")[0]["clear"] and lab.problem == {}
    assert lab.run(3).state.step == 3


def test_every_request_is_answered_when_it_is_done():
    lab = GanLab()
    page = Page(lab)
    for number, (do, message) in enumerate((("step", {"player": "both"}), ("preset", {"name": "x"}),
                                            ("change", {"lr_g": -1}), ("reset", {}))):
        page.say(do, ask=number, **message)
        assert page.heard[-1][0] == {"kind": "done", "ask": number}


def test_own_points_and_own_networks():
    points = data.mixture(torch.tensor([[0.0, 0.0], [1.0, 1.0]]), 0.1, "two")
    generator, critic = new_networks(LabSettings(width_g=5), 3)
    before = [p.clone() for p in generator.parameters()]
    lab = GanLab(data=points, networks=(generator, critic), latent=3).run(20)
    assert lab.settings["data"] == "custom" and lab.problem == {}
    assert lab.state.sample(4).shape == (4, 2)
    torch.testing.assert_close(list(generator.parameters()), before)  # a copy was trained
    lab.reset()
    torch.testing.assert_close(list(lab.state.generator.parameters()), before)


@pytest.mark.parametrize("which", ["generator", "critic"])
def test_networks_that_do_not_fit_are_refused(which):
    networks = dict(zip(("generator", "critic"), new_networks(LabSettings(), 2), strict=True))
    networks[which] = nn.Linear(2, 3)
    with pytest.raises(ValueError, match=r"shape \(2.*got \(2, 3\)"):
        GanLab(networks=tuple(networks.values()))


def test_points_outside_the_plane_are_refused():
    with pytest.raises(ValueError, match="in the plane"):
        GanLab(data=data.on_axis())


# Playing, closing, two at once

def play_for(lab, seconds=0.2):
    """Let a lab play inside an event loop, as the kernel has one."""
    async def scenario():
        lab.play()
        await asyncio.sleep(seconds)
        lab.pause()
        await asyncio.sleep(0.1)
    asyncio.run(scenario())


async def all_done():
    """Wait until every lab has stopped playing."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    await asyncio.wait_for(asyncio.gather(*others), 5)


def test_play_and_pause():
    lab = GanLab()
    page = Page(lab)
    page.say("speed", name="fast")
    play_for(lab)
    step = lab.state.step
    assert step > 5 and not lab.playing
    assert page.last("picture")[0]["step"] == step
    asyncio.run(asyncio.sleep(0.05))
    assert lab.state.step == step


def test_pause_and_play_in_one_breath_goes_on():
    lab = GanLab()

    async def scenario():
        lab.play()
        await asyncio.sleep(0.05)
        lab.pause()
        lab.play()
        step = lab.state.step
        await asyncio.sleep(0.2)
        assert lab.playing and lab.state.step > step
        lab.pause()
        await all_done()
    asyncio.run(scenario())


def test_no_more_pictures_than_the_browser_draws():
    lab = GanLab()
    page = Page(lab)
    page.say("enter", view="a")
    page.say("shown", number=page.last("picture")[0]["number"])
    before = len(page.all("picture"))
    play_for(lab, 0.4)
    assert len(page.all("picture")) - before <= widget.WINDOW + 1  # and the last, when it pauses
    page.say("shown", number=page.last("picture")[0]["number"])
    before = len(page.all("picture"))
    play_for(lab, 0.2)
    assert len(page.all("picture")) > before + 1


def test_playing_stops_when_nobody_looks(monkeypatch):
    monkeypatch.setattr(widget, "UNSEEN", 3)
    lab = GanLab()

    async def scenario():
        lab.play()
        await all_done()
    asyncio.run(scenario())
    assert not lab.playing


def test_leaving_the_page_pauses():
    lab = GanLab()
    page = Page(lab)

    async def scenario():
        page.say("enter", view="a")
        page.say("enter", view="b")
        page.say("play", on=True)
        page.say("leave", view="a")
        assert lab.playing
        page.say("leave", view="b")
        assert not lab.playing
        await all_done()
    asyncio.run(scenario())


def test_slow_speed_is_slow():
    lab = GanLab()
    Page(lab).say("speed", name="slow")
    play_for(lab, 0.3)
    assert lab.state.step == 1


def test_full_speed_does_not_wait(monkeypatch):
    waits = []
    sleep = asyncio.sleep

    async def spy(seconds):
        waits.append(seconds)
        await sleep(seconds)
    lab = GanLab()
    Page(lab).say("speed", name="max")
    monkeypatch.setattr(widget.asyncio, "sleep", spy)
    play_for(lab, 0.3)
    of_the_lab = [seconds for seconds in waits if seconds not in (0.3, 0.1)]
    assert set(of_the_lab) == {0.001}


def test_two_labs_play_at_once():
    labs = [GanLab(seed=1), GanLab("cure", data="line")]

    async def scenario():
        for lab in labs:
            lab.play()
        await asyncio.sleep(0.4)
        assert all(lab.state.step > 2 for lab in labs)
        labs[0].close()
        step = labs[1].state.step
        await asyncio.sleep(0.3)
        assert labs[1].playing and labs[1].state.step > step
        labs[1].close()
    asyncio.run(scenario())


def test_closing_stops_and_frees():
    async def scenario():
        lab = GanLab()
        lab.play()
        await asyncio.sleep(0.05)
        gone = weakref.ref(lab.state)
        lab.close()
        await asyncio.sleep(0.05)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        del lab
        await asyncio.sleep(0)
        return gone
    gone = asyncio.run(scenario())
    gc.collect()
    assert gone() is None


# The twin

def test_twin_is_a_picture_with_words_and_a_fixed_text():
    labs = [GanLab("collapse", seed=1), GanLab("collapse", seed=1).run(60)]
    bundles = [lab._repr_mimebundle_() for lab in labs]
    for bundle, _ in bundles:
        assert bundle["text/plain"] == "GAN lab: ring, non-saturating loss (run this cell to play)"
        alt, png = picture_in(bundle["text/html"])
        assert png.startswith(b"\x89PNG") and len(png) < 120_000
        assert "ring of 8" in alt and alt.isascii()
        assert "application/vnd.jupyter.widget-view+json" in bundle
    assert labs[0].state.step == 0, "the rehearsal is another run"
    assert "up to step 60" in picture_in(bundles[1][0]["text/html"])[0]


def test_twin_of_a_conditional_game_says_what_the_colours_are():
    lab = GanLab(data="ring_by_class").run(40).choose(2)
    alt = lab.static_picture().alt
    assert "in the colour of the class asked for" in alt and "surface for y = 2" in alt
    assert f"{lab.state.history.moments[-1].obedience:.0%} of the fakes" in alt


def test_twin_of_a_loss_that_fails_is_still_there():
    lab = GanLab(loss=broken("generator", _fails))
    bundle, _ = lab._repr_mimebundle_()
    assert "RuntimeError" in lab.problem["en"]
    assert "failed" in picture_in(bundle["text/html"])[0]
