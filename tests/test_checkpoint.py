"""Checkpoints: bit-for-bit resume, kill -9 at any moment, and files that must be refused."""

import json
import os
import pickle
import random
import signal
import subprocess
import sys
import time
from functools import partial

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from states import tensors
from torch import nn

from gan_lessons import checkpoint, data, losses, penalties, recipes, util
from gan_lessons.checkpoint import BadCheckpoint
from gan_lessons.nets import mlp
from gan_lessons.train import Game, fit, rmsprop


@pytest.fixture(scope="module")
def digits():
    return data.mnist()


def small(width=16, **changes):
    torch.manual_seed(0)
    return Game(mlp.generator([8, width]), mlp.discriminator([16], dropout=0.2),
                **{"latent": 8, "batch": 20, **changes})


def assert_same(a, b):
    assert a.keys() == b.keys()
    for name in a:
        assert torch.equal(a[name], b[name]), name


@pytest.mark.parametrize("changes", [{}, {"penalty": penalties.r1, "n_critic": 2},
                                     {"loss": losses.Minimax(), "betas": (0.0, 0.99)},
                                     {"optimizer": rmsprop, "loss": losses.Wasserstein(),
                                      "penalty": penalties.gradient_penalty},
                                     {"optimizer": partial(rmsprop, alpha=0.9)}])
def test_resuming_gives_everything_the_uninterrupted_run_has(digits, tmp_path, changes):
    """Also with dropout, which draws from torch's global generator."""
    whole = fit(small(**changes), digits, 13, progress=False, snapshot_every=5)
    first = fit(small(**changes), digits, 6, progress=False, snapshot_every=5)
    checkpoint.save(first, tmp_path / "run.safetensors")
    torch.manual_seed(999)  # another process, another state
    resumed = small(**changes)
    checkpoint.load(resumed, tmp_path / "run.safetensors")
    assert resumed.step == 6 and list(resumed.snapshots) == [0, 5]
    fit(resumed, digits, 13, progress=False, snapshot_every=5)
    assert_same(tensors(resumed), tensors(whole))


def convolutional(layout=torch.channels_last):
    game = recipes.rpgan(32, features=2, batch=8, steps=9)
    for network in (game.generator, game.critic, game.generator_ema):
        network.to(memory_format=layout)
    return game


def test_resuming_keeps_to_the_layout_of_the_networks(tmp_path):
    """A fused Adam whose means lie in another order moves the wrong weights and says nothing."""
    faces, path = data.toy_faces(40, size=32), tmp_path / "run.safetensors"
    whole = fit(convolutional(), faces, 9, progress=False)
    fit(convolutional(), faces, 4, progress=False, save_to=path)
    resumed = fit(convolutional(), faces, 9, progress=False, save_to=path)
    assert_same(tensors(resumed), tensors(whole))


def test_networks_laid_out_anew_between_two_fits_learn_on():
    faces = data.toy_faces(40, size=32)
    plain = fit(convolutional(torch.contiguous_format), faces, 9, progress=False)
    changed = fit(convolutional(torch.contiguous_format), faces, 4, progress=False)
    for network in (changed.generator, changed.critic):
        network.to(memory_format=torch.channels_last)
    fit(changed, faces, 9, progress=False)
    for ours, expected in zip(changed.critic.parameters(), plain.critic.parameters(), strict=True):
        assert torch.allclose(ours, expected, atol=1e-5)  # the order of sums is another


def test_a_game_that_has_not_begun_can_be_saved(digits, tmp_path):
    checkpoint.save(small(), tmp_path / "new.safetensors")
    game = small()
    checkpoint.load(game, tmp_path / "new.safetensors")
    assert_same(tensors(fit(game, digits, 3, progress=False)),
                tensors(fit(small(), digits, 3, progress=False)))


def test_fit_resumes_by_itself(digits, tmp_path, capsys):
    path = tmp_path / "runs" / "run.safetensors"
    fit(small(), digits, 4, progress=False, save_to=path)
    again = fit(small(), digits, 9, progress=False, save_to=path)
    assert "Resumed from run.safetensors at step 4" in capsys.readouterr().out
    assert_same(tensors(again), tensors(fit(small(), digits, 9, progress=False)))


# ---- networks, optimizers and objects of one's own ----

class Unused(nn.Module):
    """A critic with a layer that its forward pass never asks."""

    def __init__(self):
        super().__init__()
        self.asked, self.not_asked = mlp.discriminator([16]), nn.Linear(3, 3)

    def forward(self, x):
        return self.asked(x)


def frozen():
    critic = mlp.discriminator([16])
    critic[1].requires_grad_(False)
    return critic


class Tied(nn.Module):
    """A generator with one layer under two names."""

    def __init__(self):
        super().__init__()
        self.one = self.other = mlp.generator([8, 16])

    def forward(self, z):
        return self.one(z)


class Penalty:
    """A penalty that is an object."""

    def __init__(self, gamma):
        self.gamma = gamma

    def __call__(self, critic, real, fake):
        return penalties.r1(critic, real, gamma=self.gamma)


class Halved:
    """An optimizer's maker that is an object: half the learning rate for all but the first."""

    def __call__(self, network, lr):
        first, *rest = network.parameters()
        return torch.optim.SGD([{"params": [first], "momentum": 0.9}, {"params": rest,
                                                                       "lr": lr / 2}], lr=lr)


class Slotted(losses.NonSaturating):
    """A loss without a dictionary of attributes, of functions."""

    __slots__ = ("twice",)

    def __init__(self):
        super().__init__()
        self.twice = lambda x: 2 * x


def own(generator=lambda: mlp.generator([8, 16]), critic=lambda: mlp.discriminator([16]),
        **changes):
    torch.manual_seed(0)
    return Game(generator(), critic(), **{"latent": 8, "batch": 20, **changes})


@pytest.mark.parametrize("what", [
    {"critic": frozen}, {"critic": Unused}, {"generator": Tied}, {"penalty": Penalty(2.0)},
    {"penalty": partial(Penalty(2.0))}, {"optimizer": Halved()},
    {"optimizer": Halved(), "decay": 5}, {"loss": Slotted()},
    {"optimizer": lambda net, lr: torch.optim.Adafactor(net.parameters(), lr)},
    {"optimizer": lambda net, lr: torch.optim.Adam([p for p in net.parameters() if p.ndim > 1])}])
def test_a_checkpoint_accepts_what_it_wrote(digits, tmp_path, what):
    path = tmp_path / "run.safetensors"
    fit(own(**what), digits, 3, save_to=path, progress=False)
    resumed = fit(own(**what), digits, 5, save_to=path, progress=False)
    straight = fit(own(**what), digits, 5, progress=False)
    assert_same(tensors(resumed), tensors(straight))


def test_the_learning_rate_of_every_group_fades(digits):
    game = fit(own(optimizer=Halved(), decay=5, lr=0.1), digits, 6, progress=False)
    assert [group["lr"] for group in game.generator_optimizer.param_groups] == [
        pytest.approx(0.002), pytest.approx(0.001)]


@pytest.mark.parametrize("wrap", [nn.DataParallel, torch.compile])
def test_wrapped_and_plain_networks_read_each_others_files(digits, tmp_path, wrap):
    plain = fit(own(), digits, 2, progress=False)
    wrapped = Game(wrap(mlp.generator([8, 16])), wrap(mlp.discriminator([16])), latent=8, batch=20)
    checkpoint.save(plain, tmp_path / "plain.safetensors")
    wrapped.data = plain.data
    checkpoint.load(wrapped, tmp_path / "plain.safetensors")
    checkpoint.save(wrapped, tmp_path / "wrapped.safetensors")
    again = own()
    checkpoint.load(again, tmp_path / "wrapped.safetensors")
    assert_same(tensors(again), tensors(plain))
    assert again.generator.state_dict().keys() == plain.generator.state_dict().keys()


def test_a_schedule_of_ones_own_is_kept(digits, tmp_path, capsys):
    """Halved by `watch` after step 3: as without the interruption, and said."""
    def halve(game):
        if game.step == 3:
            for optimizer in (game.generator_optimizer, game.critic_optimizer):
                optimizer.param_groups[0]["lr"] /= 2

    def scheduled(steps, **options):
        return fit(own(), digits, steps, progress=False, watch_every=1, watch=halve, **options)
    path = tmp_path / "run.safetensors"
    straight = scheduled(7)
    scheduled(5, save_to=path)
    assert "goes on as it was saved" not in capsys.readouterr().out
    assert_same(tensors(scheduled(7, save_to=path)), tensors(straight))
    said = capsys.readouterr().out
    assert "rate of the critic goes on as it was saved, [0.0001], not [0.0002]" in said
    assert "学习率" in said
    game = own(lr=1e-3)
    checkpoint.load(game, path, changed=("lr",))
    assert game.critic_optimizer.param_groups[0]["lr"] == 1e-3


# ---- a real process, killed ----

RUN = """
import sys, torch
from gan_lessons import data, recipes, runtime
from gan_lessons.train import fit
runtime.set_threads(1)
print("ready", flush=True)
fit(recipes.source_002(), data.mnist(), int(sys.argv[2]), save_to=sys.argv[1], save_every=3,
    progress=False)
print("done", flush=True)
"""
STEPS = 1000


def start(path):
    return subprocess.Popen([sys.executable, "-c", RUN, str(path), str(STEPS)],
                            stdout=subprocess.PIPE, text=True)


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_kill_9_at_any_moment_and_resume(digits, tmp_path):
    """A checkpoint every third step: many of the kills fall into the writing of one."""
    path = tmp_path / "run.safetensors"
    luck = random.Random(0)
    killed = 0
    for attempt in range(12):
        process = start(path)
        assert process.stdout.readline() == "ready\n"
        if attempt < 6:
            time.sleep(luck.uniform(0.1, 0.6))
            if process.poll() is None:
                os.kill(process.pid, signal.SIGKILL)
                killed += 1
        rest = process.communicate()[0]
        if path.exists():
            checkpoint.load(recipes.source_002(), path)  # whatever is there is whole
        if "done" in rest:
            break
    assert killed >= 3 and "done" in rest
    resumed = recipes.source_002()
    checkpoint.load(resumed, path)
    straight = fit(recipes.source_002(), digits, STEPS, progress=False)
    assert_same(tensors(resumed), tensors(straight))


@pytest.mark.parametrize("moment", ["fsync", "replace"])
def test_killed_while_writing_the_old_checkpoint_survives(digits, tmp_path, monkeypatch, moment):
    path = tmp_path / "run.safetensors"
    game = fit(small(), digits, 3, progress=False, save_to=path)
    before = path.read_bytes()
    fit(game, digits, 5, progress=False)

    def pull_the_plug(*_):
        raise KeyboardInterrupt
    monkeypatch.setattr(util.os, moment, pull_the_plug)
    with pytest.raises(KeyboardInterrupt):
        checkpoint.save(game, path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_leftovers_of_a_kill_are_cleared_away(tmp_path):
    path = tmp_path / "run[1].safetensors"
    old, young = (tmp_path / f".{path.name}.{name}.part" for name in ("old", "young"))
    for part in (old, young):
        part.write_bytes(b"half a checkpoint")
    os.utime(old, (time.time() - 3600,) * 2)  # the young one may be another process at work
    checkpoint.save(small(), path)
    assert {p.name for p in tmp_path.iterdir()} == {path.name, young.name}


def test_a_link_keeps_pointing_where_it_points(tmp_path):
    target, link = tmp_path / "real.safetensors", tmp_path / "link.safetensors"
    target.touch()
    link.symlink_to(target)
    checkpoint.save(small(), link)
    assert link.is_symlink() and target.stat().st_size > 0


def test_a_run_further_on_is_not_overwritten(digits, tmp_path):
    path = tmp_path / "run.safetensors"
    fit(small(), digits, 9, progress=False, save_to=path)
    before = path.read_bytes()
    behind = fit(small(), digits, 3, progress=False)
    with pytest.raises(BadCheckpoint, match="holds step 9, further than this game's step 3"):
        fit(behind, digits, 5, progress=False, save_to=path)
    assert path.read_bytes() == before


def test_another_games_file_is_not_overwritten(digits, tmp_path):
    path = tmp_path / "run.safetensors"
    fit(small(), digits, 2, progress=False, save_to=path)
    before = path.read_bytes()
    other = fit(small(seed=1), digits, 3, progress=False)
    with pytest.raises(BadCheckpoint, match="seed: 0 -> 1"):
        fit(other, digits, 4, progress=False, save_to=path)
    assert path.read_bytes() == before
    mine = fit(small(), digits, 3, progress=False)
    mine.lr = 1e-5  # this may change, and the run goes on in its file
    fit(mine, digits, 4, progress=False, save_to=path)
    assert checkpoint.saved_step(path) == 4


def test_a_full_disk_is_a_warning_and_the_old_checkpoint_survives(digits, small_disk, capsys):
    disk = small_disk("4m")
    path = disk / "run.safetensors"
    game = fit(small(), digits, 2, progress=False, save_to=path)
    saved = checkpoint.saved_step(path)
    (disk / "ballast").write_bytes(bytes(disk_space(disk) - 4096))
    capsys.readouterr()
    fit(game, digits, 6, progress=False, save_to=path, save_every=2)
    assert "could not be written" in capsys.readouterr().out
    assert game.step == 6 and checkpoint.saved_step(path) == saved == 2
    assert {p.name for p in disk.iterdir()} == {"run.safetensors", "ballast"}


def disk_space(folder):
    free = os.statvfs(folder)
    return free.f_bavail * free.f_frsize


# ---- what must be refused ----

class Bomb:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return open, (self.marker, "w")


@pytest.mark.parametrize("writer", ["torch", "pickle"])
def test_a_pickle_is_refused_and_nothing_in_it_runs(tmp_path, writer):
    marker, path = tmp_path / "executed", tmp_path / "evil.safetensors"
    payload = {"generator": Bomb(str(marker))}
    if writer == "torch":
        torch.save(payload, path)
    else:
        path.write_bytes(pickle.dumps(payload))
    with pytest.raises(BadCheckpoint, match="Nothing in it was executed"):
        checkpoint.load(small(), path)
    assert not marker.exists()


@pytest.mark.parametrize("keep", [0, 7, 100, -1])
def test_a_truncated_checkpoint_is_refused(tmp_path, keep):
    path = tmp_path / "run.safetensors"
    checkpoint.save(small(), path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(BadCheckpoint, match="不是本课程的检查点"):
        checkpoint.load(small(), path)


def test_somebody_elses_safetensors_is_refused(tmp_path):
    path = tmp_path / "other.safetensors"
    save_file({"weight": torch.zeros(3)}, path)
    with pytest.raises(BadCheckpoint):
        checkpoint.load(small(), path)


def rewrite(path, change_tensors=None, change_about=None):
    """Write the checkpoint again with something changed."""
    with safe_open(path, "pt") as file:
        about = json.loads(file.metadata()["gan_lessons"])
    held = load_file(path)
    if change_tensors:
        change_tensors(held)
    if change_about:
        about = change_about(about)
    save_file(held, path, metadata={"gan_lessons": json.dumps(about)})


@pytest.mark.parametrize("about", [{"version": 99}, [], "text", {"version": 2},
                                   {"version": 2, "values": {"step": "7"}, "settings": {}},
                                   {"version": 2, "values": {"step": 1}, "settings": [1]}])
def test_strange_metadata_is_refused(tmp_path, about):
    path = tmp_path / "run.safetensors"
    checkpoint.save(small(), path)
    rewrite(path, change_about=lambda _: about)
    with pytest.raises(BadCheckpoint):
        checkpoint.load(small(), path)


def shrink_adam(held):
    for name in held:
        if "/exp_avg" in name:
            held[name] = torch.zeros(1)


def poison(held):
    held["networks/generator/0.weight"][0, 0] = float("nan")


@pytest.mark.parametrize("change", [
    shrink_adam, poison,  # Adam's fused step would read beyond what is there
    lambda held: held.pop("random/noise"),
    lambda held: held.pop("optimizers/critic/of/0/exp_avg"),
    lambda held: held.update({"random/noise": torch.zeros(10, dtype=torch.uint8)}),
    lambda held: held.update({"random/torch": torch.zeros(10)}),
    lambda held: held.update(history=torch.zeros(3, 7)),
    lambda held: held.update(history=torch.zeros(2, 4).to(torch.float8_e4m3fn)),
    lambda held: held.update({"optimizers/generator/of/zz/a": torch.zeros(1)}),
    lambda held: held.update({"snapshots/abc": torch.zeros(1, 1)}),
    lambda held: held.update({"networks/generator/0.weight": torch.ones(16, 8).long()}),
])
def test_what_does_not_fit_is_refused_and_the_game_stays_as_it_was(digits, tmp_path, change):
    path = tmp_path / "run.safetensors"
    checkpoint.save(fit(small(), digits, 2, progress=False), path)
    rewrite(path, change)
    game = fit(small(), digits, 1, progress=False)
    before = tensors(game)
    with pytest.raises(BadCheckpoint):
        checkpoint.load(game, path)
    assert_same(tensors(game), before)


def test_another_network_is_named_and_the_game_stays_as_it_was(digits, tmp_path):
    path = tmp_path / "run.safetensors"
    checkpoint.save(fit(small(width=32), digits, 2, progress=False), path)
    game = small()
    before = tensors(game)
    with pytest.raises(BadCheckpoint, match="other settings .*generator"):
        checkpoint.load(game, path)
    with pytest.raises(BadCheckpoint, match=r"belongs to another network.*\(32,\).*\(16,\)"):
        checkpoint.load(game, path, changed=("generator",))
    assert_same(tensors(game), before)
    assert game.step == 0


@pytest.mark.parametrize("changes", [{"lr": 1e-3}, {"seed": 5}, {"batch": 30},
                                     {"penalty": penalties.r1}, {"loss": losses.Minimax()},
                                     {"optimizer": rmsprop}, {"warm_up": True},
                                     {"loss": losses.NonSaturating(0.9)}])
def test_other_settings_are_named(tmp_path, changes):
    path = tmp_path / "run.safetensors"
    checkpoint.save(small(), path)
    with pytest.raises(BadCheckpoint, match=f"other settings .*{next(iter(changes))}"):
        checkpoint.load(small(**changes), path)


class Weighted:
    """A penalty that is an object with a plain setting."""

    def __init__(self, gamma):
        self.gamma = gamma

    def __call__(self, critic, real, fake):
        """Return R1 with the object's weight."""
        return penalties.r1(critic, real, gamma=self.gamma)


class WithNetwork(Weighted):
    """A penalty that remembers something no text can tell apart."""

    def __init__(self, gamma):
        super().__init__(gamma)
        self.network = torch.nn.Linear(2, 2)


def sgd_of(momentum):
    return lambda network, lr: torch.optim.SGD(network.parameters(), lr, momentum=momentum)


@pytest.mark.parametrize(("name", "ours", "other"), [
    ("penalty", lambda: Weighted(1.0), lambda: Weighted(2.0)),
    ("penalty", lambda: lambda critic, real, fake: penalties.r1(critic, real),
     lambda: lambda critic, real, fake: penalties.r2(critic, real, fake)),
    ("penalty", lambda: partial(penalties.r1, gamma=1.0), lambda: partial(penalties.r1, gamma=2)),
    ("optimizer", lambda: sgd_of(0.9), lambda: sgd_of(0.5)),
    ("loss", lambda: losses.NonSaturating(0.9), lambda: losses.NonSaturating(0.8)),
])
def test_objects_and_lambdas_are_saved_resumed_and_told_apart(digits, tmp_path, name, ours, other):
    path = tmp_path / "run.safetensors"
    fit(small(**{name: ours()}), digits, 3, progress=False, save_to=path)
    resumed = fit(small(**{name: ours()}), digits, 5, progress=False, save_to=path)
    assert_same(tensors(resumed), tensors(fit(small(**{name: ours()}), digits, 5, progress=False)))
    with pytest.raises(BadCheckpoint, match=f"other settings .*{name}"):
        checkpoint.load(small(**{name: other()}), path)


def test_what_cannot_be_compared_is_resumed_and_said_so(digits, tmp_path, capsys):
    path = tmp_path / "run.safetensors"
    fit(small(penalty=WithNetwork(1.0)), digits, 3, progress=False, save_to=path)
    capsys.readouterr()
    game = fit(small(penalty=WithNetwork(1.0)), digits, 5, progress=False, save_to=path)
    assert game.step == 5 and "penalty: WithNetwork (cannot be compared)" in capsys.readouterr().out
    with pytest.raises(BadCheckpoint, match="other settings .*penalty"):
        checkpoint.load(small(penalty=Weighted(1.0)), path)


def test_networks_that_another_torch_prints_otherwise_are_compared_by_shape(tmp_path):
    path = tmp_path / "run.safetensors"
    checkpoint.save(small(), path)

    def from_elsewhere(about):
        about["settings"]["generator"] = "Sequential, in other words"
        return about | {"torch": "9.9"}
    rewrite(path, change_about=from_elsewhere)
    checkpoint.load(small(), path)
    with pytest.raises(BadCheckpoint, match="belongs to another network"):
        checkpoint.load(small(width=32), path)


def test_the_weights_alone_can_be_taken(digits, tmp_path):
    path = tmp_path / "run.safetensors"
    saved = fit(small(lr=1e-3), digits, 3, progress=False, save_to=path)
    game = small(seed=4)
    checkpoint.load(game, path, only=("networks",))
    assert torch.equal(game.generator[0].weight, saved.generator[0].weight) and game.step == 0


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no checkpoint at"):
        checkpoint.load(small(), tmp_path / "none.safetensors")


def test_a_folder_that_cannot_be_written_is_noticed_before_the_first_step(digits, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    game = small()
    with pytest.raises(OSError):
        fit(game, digits, 3, progress=False, save_to=blocked / "run.safetensors")
    assert game.step == 0


def test_going_on_with_another_learning_rate(digits, tmp_path):
    path = tmp_path / "run.safetensors"
    checkpoint.save(fit(small(), digits, 3, progress=False), path)
    slower = small(lr=1e-5)
    checkpoint.load(slower, path, changed=("lr",))
    assert slower.step == 3 and slower.generator_optimizer.param_groups[0]["lr"] == 1e-5
    fit(slower, digits, 5, progress=False)


def test_another_optimizer_is_refused_or_begins_anew_when_asked(digits, tmp_path):
    path = tmp_path / "run.safetensors"
    first = fit(small(optimizer=rmsprop), digits, 3, progress=False, save_to=path)
    game = small()
    before = tensors(game)
    with pytest.raises(BadCheckpoint, match="optimizer: rmsprop -> adam"):
        checkpoint.load(game, path)
    with pytest.raises(BadCheckpoint, match="optimizer: rmsprop -> rmsprop {'alpha': 0.9}"):
        checkpoint.load(small(optimizer=partial(rmsprop, alpha=0.9)), path)
    assert_same(tensors(game), before)
    fit(game, digits, 1, progress=False)  # now it remembers something of its own
    checkpoint.load(game, path, changed=("optimizer",))
    assert game.step == 3 and not game.critic_optimizer.state_dict()["state"]
    assert torch.equal(game.generator[0].weight, first.generator[0].weight)
    fit(game, digits, 5, progress=False)
    assert game.critic_optimizer.state_dict()["state"][0]["step"] == 2


@pytest.mark.parametrize("change", [
    lambda held: held.update({"optimizers/critic/of/0/square_avg": torch.zeros(1)}),
    lambda held: held.pop("optimizers/generator/of/1/square_avg"),
    lambda held: held.update({"optimizers/critic/of/0/exp_avg": torch.zeros(16, 784)}),
    lambda held: [held.pop(name) for name in list(held) if "optimizers/" in name],
])
def test_what_rmsprop_remembers_is_checked_too(digits, tmp_path, change):
    path = tmp_path / "run.safetensors"
    checkpoint.save(fit(small(optimizer=rmsprop), digits, 2, progress=False), path)
    rewrite(path, change)
    with pytest.raises(BadCheckpoint, match="optimizer does not fit"):
        checkpoint.load(small(optimizer=rmsprop), path)


def test_loading_leaves_everybody_elses_random_numbers_alone(tmp_path):
    checkpoint.save(small(), tmp_path / "run.safetensors")
    game, before = small(), torch.get_rng_state()
    checkpoint.load(game, tmp_path / "run.safetensors")
    assert torch.equal(torch.get_rng_state(), before)


def test_resuming_with_other_data_is_noticed(digits, tmp_path):
    path = tmp_path / "run.safetensors"
    fit(small(), digits, 2, progress=False, save_to=path)
    with pytest.raises(BadCheckpoint, match="data: mnist-10k, 8000 .*mnist-10k, 500"):
        fit(small(), digits[:500], 4, progress=False, save_to=path)


def test_the_file_holds_tensors_and_text_only(tmp_path):
    path = tmp_path / "run.safetensors"
    checkpoint.save(small(), path)
    length = int.from_bytes(path.read_bytes()[:8], "little")
    header = json.loads(path.read_bytes()[8:8 + length])
    assert header["__metadata__"].keys() == {"gan_lessons"}
