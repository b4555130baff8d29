"""The GAN lab without a browser: its engine, its rules, its memory, and what it says when it fails.

What the page shows is tested in browser/test_gan_lab_page.py.
"""

import asyncio
import base64
import gc
import weakref
from dataclasses import asdict

import pytest
import torch
from torch import nn

from gan_lessons import data, losses
from gan_lessons.lab import GanLab
from gan_lessons.lab.gan_lab import widget
from gan_lessons.lab.gan_lab.asking import LossProblem, as_loss
from gan_lessons.lab.gan_lab.engine import Engine, new_networks
from gan_lessons.lab.gan_lab.fast import ByAutograd, FlatAdam, ThreeLayers, flat
from gan_lessons.lab.gan_lab.filmstrip import unpack
from gan_lessons.lab.gan_lab.history import LIMIT, History, Moment
from gan_lessons.lab.gan_lab.picture import ARROWS, MESH, POINTS, SURFACE, UNIT
from gan_lessons.lab.gan_lab.presets import LOSSES, PRESETS, Settings


def engine(points=None, rules="non-saturating", **settings) -> Engine:
    """Return a run that has started."""
    rules = LOSSES[rules] if isinstance(rules, str) else rules
    made = Engine(points or data.ring(), rules, Settings(**settings))
    made.start()
    return made


def weights(run: Engine) -> torch.Tensor:
    """Return all parameters of G and D as one vector."""
    return torch.cat([p.detach().flatten() for n in (run.generator, run.critic)
                      for p in n.parameters()])


class Pages:
    """Stands in for the browser: keeps what a lab sends, and says what a learner would click."""

    def __init__(self, lab: GanLab):
        self.lab, self.heard = lab, []
        lab.send = lambda content, buffers=None: self.heard.append((content, buffers))

    def say(self, do, **message):
        self.lab._hear(None, {"do": do, **message}, [])

    def last(self, kind):
        return next(m for m in reversed(self.heard) if m[0]["kind"] == kind)


# The fast path: the same numbers as PyTorch's own

@pytest.mark.parametrize("slope", [0.0, 0.2])
@pytest.mark.parametrize("kind", [ThreeLayers, ByAutograd])
def test_fast_networks_equal_the_network(slope, kind):
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(2, 8), nn.LeakyReLU(slope), nn.Linear(8, 8),
                            nn.LeakyReLU(slope), nn.Linear(8, 3))
    fast = kind(network, slope) if kind is ThreeLayers else kind(network)
    fast.forward(torch.randn(5, 2))  # only the last call counts
    x = torch.randn(16, 2, requires_grad=True)
    slow, out = network(x), fast.forward(x.detach())
    torch.testing.assert_close(out, slow)
    assert not out.requires_grad
    at_x, *at_weights = torch.autograd.grad(slow.square().sum(), [x, *network.parameters()])
    torch.testing.assert_close(fast.slope_at_weights(2 * out), flat(at_weights))
    if kind is ByAutograd:
        fast.forward(x.detach())  # autograd goes back once
    torch.testing.assert_close(fast.slope_at_input(2 * out), at_x)


def test_flat_adam_equals_adam():
    torch.manual_seed(0)
    ours_net, plain = nn.Linear(3, 2), nn.Linear(3, 2)
    plain.load_state_dict(ours_net.state_dict())
    ours = FlatAdam(ours_net, lr=0.01, betas=(0.5, 0.9))
    theirs = torch.optim.Adam(plain.parameters(), lr=0.01, betas=(0.5, 0.9))
    for x in torch.randn(20, 8, 3):
        loss = ours_net(x).square().mean()
        ours.step(flat(torch.autograd.grad(loss, list(ours_net.parameters()))))
        theirs.zero_grad()
        plain(x).square().mean().backward()
        theirs.step()
    torch.testing.assert_close(list(ours_net.parameters()), list(plain.parameters()))
    assert not torch.equal(ours_net.weight, torch.zeros(2, 3))


# The engine

def test_a_step_moves_one_player_only():
    run = engine()
    before = run.generator_optimizer.vector.clone(), run.critic_optimizer.vector.clone()
    run.critic_step()
    assert torch.equal(run.generator_optimizer.vector, before[0])
    assert not torch.equal(run.critic_optimizer.vector, before[1])
    after_d = run.critic_optimizer.vector.clone()
    run.generator_step()
    assert not torch.equal(run.generator_optimizer.vector, before[0])
    assert torch.equal(run.critic_optimizer.vector, after_d)
    assert (run.step, run.critic_steps) == (1, 1)


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_plays_and_stays_finite(name):
    run = engine(rules=name)
    run.play(30)
    assert run.step == 30
    assert weights(run).isfinite().all()
    if name == "wasserstein":
        assert run.critic_optimizer.vector.abs().max() <= 0.1


def test_relativistic_penalty_reaches_the_critic():
    with_penalty, without = engine(rules="relativistic"), engine(
        rules=LOSSES["relativistic"]._replace(penalty=None))
    for run in (with_penalty, without):
        run.critic_step()
    assert not torch.equal(weights(with_penalty), weights(without))


def test_the_same_seed_gives_the_same_run_and_another_seed_another():
    runs = [engine(seed=seed) for seed in (3, 3, 4)]
    for run in runs:
        torch.rand(7)  # what a notebook draws elsewhere does not matter
        run.play(60)
    first, again, other = runs
    assert torch.equal(weights(first), weights(again))
    assert repr(first.history.moments) == repr(again.history.moments)  # NaN is not equal to NaN
    assert not torch.equal(weights(first), weights(other))


def test_the_notebooks_own_randomness_is_left_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    engine().play(10)
    assert torch.equal(torch.rand(3), expected)


def test_settings_decide_who_moves_how_often():
    run = engine(d_steps=3, g_steps=2, pretrain=7)
    run.play(4)
    assert (run.critic_steps, run.step) == (7 + 12, 8)


def test_learning_rates_and_betas_change_in_a_run():
    run = engine()
    run.play(1)
    run.change(run.settings.change(lr_g=0.0, beta1=0.9), run.rules)
    before = run.generator_optimizer.vector.clone()
    run.play(2)
    assert torch.equal(run.generator_optimizer.vector, before)
    assert run.critic_optimizer.betas == (0.9, 0.999)


@pytest.mark.slow
def test_a_plain_gan_covers_the_ring():
    run = engine()
    run.play(1500)
    moment = run.remember()
    assert moment.modes == 8
    assert moment.js < 0.45


def test_plain_steps_are_the_gradient():
    network = nn.Linear(2, 1)
    before = network.weight.detach().clone()
    FlatAdam(network, lr=0.1, betas=(0.5, 0.9), plain=True).step(torch.tensor([3.0, 3, 0]))
    torch.testing.assert_close(network.weight.detach(), before - 0.3)


@pytest.mark.slow
def test_presets_are_what_they_are_called():
    def effective(run):
        return run.history.moments[-1].effective

    healthy, collapsed = (GanLab(name, seed=1).run(1500).state for name in ("healthy", "collapse"))
    assert effective(healthy) > 6 and effective(collapsed) < 4
    moved = {}
    for loss in ("minimax", "non-saturating"):
        lab = GanLab("vanishing", loss=loss)
        before = lab.state.sample(500)
        moved[loss] = (lab.run(300).state.sample(500) - before).norm(dim=1).mean()
    assert moved["minimax"] < 0.1 and moved["non-saturating"] > 1


# The memory and the pictures

def test_history_stays_bounded_and_keeps_the_whole_run():
    history = History()
    step = 0
    while step < 50_000:
        if history.due(step):
            history.add(Moment(step, step, 0, 0, 0, 0, 0, b""))
        step += 20
    steps = [moment.step for moment in history.moments]
    assert len(steps) <= LIMIT
    assert steps[0] == 0 and steps[-1] > 49_000
    assert {b - a for a, b in zip(steps, steps[1:], strict=False)} == {history.every}


def test_a_picture_holds_what_the_networks_say():
    run = engine()
    run.play(40)
    moment = run.history.moments[-1]
    assert moment.step == 40
    fake, surface = unpack(moment)
    expected = run.generator(run.camera.z[:POINTS]).detach() / run.camera.limit
    torch.testing.assert_close(torch.tensor(fake), expected.double(), atol=1 / UNIT, rtol=0)
    corner = torch.tensor([[-1.0, 1.0]]) * run.camera.limit * (1 - 1 / SURFACE)  # upper left
    says = torch.sigmoid(run.critic(corner)).item()
    assert surface[0, 0] == pytest.approx(255 * says, abs=1.5)
    assert len(moment.picture) == 4 * (POINTS + MESH**2 + ARROWS) + SURFACE**2


def test_arrows_point_where_the_loss_falls_and_vanish_with_the_gradient():
    sizes = {}
    for loss in ("non-saturating", "minimax"):
        run = engine(rules=loss, pretrain=1000)
        picture = torch.frombuffer(bytearray(run.history.moments[0].picture), dtype=torch.int16,
                                   count=2 * (POINTS + MESH**2 + ARROWS)).view(-1, 2) / UNIT
        fake, arrow = picture[:ARROWS] * run.camera.limit, picture[-ARROWS:]
        sizes[loss] = arrow.norm(dim=1).mean().item()
        if loss == "non-saturating":
            step = 1e-2 * arrow
            assert (run.critic(fake + step) > run.critic(fake)).float().mean() > 0.9
    assert sizes["minimax"] < 0.05 * sizes["non-saturating"]


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
        results.append(lab.run(5).state.critic_optimizer.vector)
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
        engine(rules=LOSSES["minimax"]._replace(loss=broken("generator", _fails)))
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
    assert torch.equal(weights(halves.state), weights(whole.state))
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
    page = Pages(lab)
    for player, expected in (("critic", (0, 1)), ("generator", (1, 1)), ("both", (2, 2))):
        page.say("step", player=player)
        assert (lab.state.step, lab.state.critic_steps) == expected
        assert (page.last("picture")[0]["step"], page.last("picture")[0]["criticSteps"]) == expected


@pytest.mark.parametrize("change, restarts", [
    ({"loss": "hinge"}, False), ({"lr_d": 5e-3}, False), ({"d_steps": 2}, False),
    ({"data": "grid"}, True), ({"width_g": 8}, True), ({"seed": 1}, True), ({"batch": 16}, True)])
def test_a_change_restarts_only_where_it_must(change, restarts):
    lab = GanLab()
    page = Pages(lab)
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
    Pages(lab).say("change", **change)
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
    Pages(other).say("preset", name=name)
    expected = asdict(PRESETS[name]) | {"data": "grid", "seed": 3}
    assert other.settings == expected


def test_scrubbing_shows_the_past_and_playing_goes_on_from_the_present():
    lab = GanLab()
    page = Pages(lab)
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
    page = Pages(lab)
    lab.run(5)
    page.say("draw", points=[[1.0, 1.0], [1.1, 1.0]], anew=True)
    assert lab.state.step == 5
    real = next(lab.state.real)
    assert (real - 1).abs().max() < 0.5
    page.say("draw", points=[[-2.0, -2.0]], anew=False)
    assert next(lab.state.real).min() < -1.5
    page.say("draw", points=[[0.0, 99.0]], anew=True)
    assert "Coordinates must be" in lab.problem["en"]


def test_own_points_and_own_networks():
    points = data.mixture(torch.tensor([[0.0, 0.0], [1.0, 1.0]]), 0.1, "two")
    generator, critic = new_networks(Settings(width_g=5), 3)
    before = [p.clone() for p in generator.parameters()]
    lab = GanLab(data=points, networks=(generator, critic), latent=3).run(20)
    assert lab.settings["data"] == "custom" and lab.problem == {}
    assert lab.state.sample(4).shape == (4, 2)
    torch.testing.assert_close(list(generator.parameters()), before)  # a copy was trained
    lab.reset()
    torch.testing.assert_close(list(lab.state.generator.parameters()), before)


@pytest.mark.parametrize("which", ["generator", "critic"])
def test_networks_that_do_not_fit_are_refused(which):
    networks = dict(zip(("generator", "critic"), new_networks(Settings(), 2), strict=True))
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


def test_play_and_pause():
    lab = GanLab()
    page = Pages(lab)
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
        await asyncio.wait_for(lab._task, 5)
    asyncio.run(scenario())


def test_no_more_pictures_than_the_browser_draws():
    lab = GanLab()
    page = Pages(lab)
    before = lab._sent
    lab._do_shown(before)
    play_for(lab, 0.4)
    assert lab._sent - before <= widget.WINDOW + 1  # and the last one, when it pauses
    page.say("shown", number=lab._sent)
    before = lab._sent
    play_for(lab, 0.2)
    assert lab._sent > before


def test_playing_stops_when_nobody_looks(monkeypatch):
    monkeypatch.setattr(widget, "UNSEEN", 3)
    lab = GanLab()

    async def scenario():
        lab.play()
        await asyncio.wait_for(lab._task, 5)
    asyncio.run(scenario())
    assert not lab.playing


def test_leaving_the_page_pauses():
    lab = GanLab()
    page = Pages(lab)

    async def scenario():
        page.say("enter", view="a")
        page.say("enter", view="b")
        page.say("play", on=True)
        page.say("leave", view="a")
        assert lab.playing
        page.say("leave", view="b")
        assert not lab.playing
        await asyncio.wait_for(lab._task, 5)
    asyncio.run(scenario())


def test_slow_speed_is_slow():
    lab = GanLab()
    Pages(lab).say("speed", name="slow")
    play_for(lab, 0.3)
    assert lab.state.step == 1


def test_full_speed_does_not_wait(monkeypatch):
    waits = []
    sleep = asyncio.sleep

    async def spy(seconds):
        waits.append(seconds)
        await sleep(seconds)
    lab = GanLab()
    monkeypatch.setattr(widget.asyncio, "sleep", spy)
    play_for(lab, 0.3)
    assert waits.count(0.001) > 0.8 * len(waits) > 2


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
        task, gone = lab._task, weakref.ref(lab.state)
        lab.close()
        await asyncio.sleep(0.05)
        assert task.done()
        del lab, task
        await asyncio.sleep(0)
        return gone
    gone = asyncio.run(scenario())
    gc.collect()
    assert gone() is None


# The twin

def test_twin_is_a_picture_with_words_and_a_fixed_text():
    labs = [GanLab("collapse", seed=1), GanLab("collapse", seed=1).run(60)]
    bundles = [lab._repr_mimebundle_() for lab in labs]
    for bundle, metadata in bundles:
        assert bundle["text/plain"] == "GAN lab: ring, non-saturating loss (run this cell to play)"
        assert "text/html" not in bundle  # nbval would compare it, GitHub would prefer it
        png = base64.b64decode(bundle["image/png"])
        assert png.startswith(b"\x89PNG") and len(png) < 120_000
        alt = metadata["image/png"]["alt"]
        assert "ring of 8" in alt and alt.isascii()
        assert "application/vnd.jupyter.widget-view+json" in bundle
    assert labs[0].state.step == 0, "the rehearsal is another run"
    assert "up to step 60" in bundles[1][1]["image/png"]["alt"]


def test_twin_of_a_loss_that_fails_is_still_there():
    lab = GanLab(loss=broken("generator", _fails))
    bundle, metadata = lab._repr_mimebundle_()
    assert "RuntimeError" in lab.problem["en"]
    assert "failed" in metadata["image/png"]["alt"]
