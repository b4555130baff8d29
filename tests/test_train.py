"""The loop: each player moves alone, runs repeat, stop and resume, and mistakes are named."""

import copy
import gc
import math
import os
import re
import signal
import threading
import weakref

import pytest
import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn.functional import softplus

from gan_lessons import checkpoint, data, losses, penalties, recipes
from gan_lessons import train as training
from gan_lessons.nets import mlp
from gan_lessons.train import (
    Game,
    TrainingDiverged,
    adam,
    cosine_decay,
    critic_has_won,
    critic_step,
    critic_turns,
    fit,
    frozen,
    generate,
    generator_step,
    head_start,
    play_round,
    rmsprop,
    sample_noise,
)

LOSS = losses.NonSaturating()


@pytest.fixture(scope="module")
def digits():
    return data.mnist()


def weights(network):
    return [p.detach().clone() for p in network.parameters()]


def same(a, b):
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


def small(**changes):
    """A game that takes a millisecond a step."""
    torch.manual_seed(0)
    generator = mlp.generator([8, 16])
    return Game(generator, mlp.discriminator([16]), **{"latent": 8, "batch": 20, **changes})


# ---- one move ----

def test_the_critics_step_changes_the_critic_alone(digits):
    generator, critic = mlp.source_004()
    g, d = weights(generator), weights(critic)
    real = digits.signed()[:10]
    before = (LOSS.critic(critic(real), critic(generator(torch.ones(10, 64))))).item()
    optimizer = adam(critic)
    for _ in range(5):
        move = critic_step(critic, generator, optimizer, LOSS, real, torch.ones(10, 64))
    assert same(g, weights(generator)) and not same(d, weights(critic))
    assert all(p.grad is None for p in generator.parameters())  # not even a gradient in G
    assert move.real.shape == move.fake.shape == (10,) and move.loss.item() < before


def test_the_generators_step_changes_the_generator_alone():
    generator, critic = mlp.source_004()
    g, d = weights(generator), weights(critic)
    generator_step(critic, generator, adam(generator), LOSS, torch.randn(10, 64))
    assert not same(g, weights(generator)) and same(d, weights(critic))
    assert all(p.grad is None and p.requires_grad for p in critic.parameters())


def test_the_penalty_is_added(digits):
    generator, critic = mlp.source_004()
    calls = []

    def penalty(who, real, fake):
        calls.append((real.shape, fake.shape))
        return penalties.r1(who, real)
    critic_step(critic, generator, adam(critic), LOSS, digits.signed()[:6], torch.randn(6, 64),
                penalty)
    assert calls == [((6, 1, 28, 28), (6, 1, 28, 28))]


def test_frozen_gives_back_what_it_took_even_after_an_error():
    network = nn.Linear(2, 2)
    network.bias.requires_grad_(False)  # frozen by its owner, and to stay so
    with pytest.raises(RuntimeError, match="stop"), frozen(network):
        assert not network.weight.requires_grad
        raise RuntimeError("stop")
    assert network.weight.requires_grad and not network.bias.requires_grad


# ---- fit ----

def test_fit_equals_a_loop_written_by_hand(digits):
    torch.manual_seed(3)
    generator, critic = mlp.source_004()
    batches, noise = digits.batches(100, seed=3), torch.Generator().manual_seed(3)
    g_adam = torch.optim.Adam(generator.parameters(), lr=2e-4, fused=True)
    d_adam = torch.optim.Adam(critic.parameters(), lr=2e-4, fused=True)
    for _ in range(5):
        real = next(batches)
        fake = generator(torch.randn(100, 64, generator=noise)).detach()
        d_loss = softplus(-critic(real)).mean() + softplus(critic(fake)).mean()
        d_adam.zero_grad()
        d_loss.backward()
        d_adam.step()
        g_loss = softplus(-critic(generator(torch.randn(100, 64, generator=noise)))).mean()
        g_adam.zero_grad()
        g_loss.backward()
        g_adam.step()
    game = fit(recipes.source_004(seed=3), digits, 5, progress=False)
    assert same(weights(game.generator), weights(generator))
    assert same(weights(game.critic), weights(critic))


def test_the_same_seed_gives_the_same_run_and_another_seed_another(digits):
    runs = [weights(fit(recipes.source_002(seed=s), digits, 5, progress=False).generator)
            for s in (0, 0, 1)]
    assert same(runs[0], runs[1]) and not same(runs[0], runs[2])


def test_a_run_in_two_parts_equals_one_in_one_go(digits):
    parts = small(n_critic=3)
    for steps in (7, 12, 12):
        fit(parts, digits, steps, progress=False, snapshot_every=4)
    whole = fit(small(n_critic=3), digits, 12, progress=False, snapshot_every=4)
    assert same(weights(parts.generator), weights(whole.generator))
    assert same(weights(parts.generator_ema), weights(whole.generator_ema))
    assert torch.equal(parts.history, whole.history) and len(whole.history) == 12
    assert list(parts.snapshots) == list(whole.snapshots) == [0, 4, 8, 12]
    assert torch.equal(parts.snapshots[8], whole.snapshots[8])


def test_snapshots_come_from_the_same_noise(digits):
    game = fit(small(), digits, 4, progress=False, snapshot_every=2)
    assert torch.equal(game.snapshots[4], generate(game.generator, game.fixed_z))
    assert game.snapshots[0].shape == (64, 1, 28, 28)


def test_a_watcher_sees_every_kth_step_and_the_last_with_its_history(digits):
    seen = []
    game = fit(small(), digits, 8, progress=False, watch_every=3,
               watch=lambda game: seen.append((game.step, len(game.history))))
    assert seen == [(3, 3), (6, 6), (8, 8)]
    assert same(weights(game.generator), weights(fit(small(), digits, 8, progress=False).generator))


@pytest.mark.parametrize("save_every", [2, 5, 1000])
def test_a_watcher_that_returns_true_ends_the_run_and_what_it_saw_is_saved(digits, tmp_path,
                                                                           save_every):
    path, counted = tmp_path / "run.safetensors", []
    game = fit(small(loss=Counting(counted)), digits, 100, progress=False, save_to=path,
               save_every=save_every, watch_every=2, watch=lambda game: game.step == 6)
    assert game.step == 6 and len(counted) - 1 == 6  # not one step more in order to save
    assert checkpoint.saved_step(path) == 6
    resumed = fit(small(loss=Counting([])), digits, 9, progress=False, save_to=path)
    assert same(weights(resumed.generator),
                weights(fit(small(), digits, 9, progress=False).generator))


class Counting(losses.NonSaturating):
    """Counts the steps of G."""

    def __init__(self, counted):
        super().__init__()
        self.counted = counted

    def generator(self, fake, real=None):
        """Return the loss."""
        self.counted.append(1)
        return super().generator(fake)


def test_an_error_in_a_watcher_loses_no_step(digits, tmp_path):
    def fail(game):
        raise ZeroDivisionError
    game = small()
    with pytest.raises(ZeroDivisionError):
        fit(game, digits, 8, progress=False, watch=fail, watch_every=3)
    assert game.step == len(game.history) == 3
    fit(game, digits, 8, progress=False)
    assert same(weights(game.generator), weights(fit(small(), digits, 8, progress=False).generator))


def test_bfloat16_stays_close_and_keeps_the_weights_in_float32():
    faces = data.toy_faces(64, size=16)
    games = [fit(recipes.dcgan(16, features=8, latent=8, batch=16, norm=norm, precision=precision),
                 faces, 3, progress=False)
             for norm in ("batch", "spectral") for precision in ("float32", "bfloat16")]
    for full, half in (games[:2], games[2:]):
        assert half.critic(faces.signed()[:4]).dtype == torch.float32
        assert {p.dtype for p in half.generator.parameters()} == {torch.float32}
        assert not torch.equal(full.history, half.history)
        torch.testing.assert_close(full.history, half.history, rtol=0.05, atol=0.05)


def test_an_unknown_precision_is_refused():
    with pytest.raises(ValueError, match="float32, bfloat16, auto.*'half'"):
        small(precision="half")


def test_the_average_follows_the_generator(digits):
    game = small(ema=0.5)
    for step in range(1, 9):
        before = weights(game.generator_ema.module)
        fit(game, digits, step, progress=False)
        if step > 1:  # the first step copies
            for old, new, average in zip(before, weights(game.generator),
                                         weights(game.generator_ema.module), strict=True):
                torch.testing.assert_close(average, 0.5 * old + 0.5 * new)


def test_a_warmed_up_average_forgets_the_first_weights(digits):
    game = small(ema=0.5, ema_warm_up=True)
    for updates in range(1, 12):
        before = weights(game.generator_ema.module)
        fit(game, digits, updates, progress=False)
        if updates > 1:  # the first one copies
            decay = min(0.5, updates / (9 + updates))
            for old, new, average in zip(before, weights(game.generator),
                                         weights(game.generator_ema.module), strict=True):
                torch.testing.assert_close(average, decay * old + (1 - decay) * new)
    assert decay == 0.5  # from the ninth step on


def test_a_checkpoint_tells_a_warmed_up_average_from_another(tmp_path, digits):
    fit(small(ema_warm_up=True), digits, 2, save_to=tmp_path / "a.pt", progress=False)
    fit(small(ema_warm_up=True), digits, 3, save_to=tmp_path / "a.pt", progress=False)
    with pytest.raises(checkpoint.BadCheckpoint):
        fit(small(), digits, 4, save_to=tmp_path / "a.pt", progress=False)


def test_a_game_that_nobody_needs_is_gone_at_once(digits):
    """A cycle of references would keep its memory, on a GPU too, and checkpoints open."""
    gc.collect()
    gc.disable()
    try:
        game = weakref.ref(fit(small(clip_gradients=1.0), digits, 2, progress=False))
        assert game() is None
    finally:
        gc.enable()


def test_samples_repeat_and_leave_training_alone():
    game = small()
    game.generator.train()
    assert torch.equal(game.sample(5), game.sample(5))
    assert not torch.equal(game.sample(5), game.sample(5, seed=1))
    assert game.generator.training
    assert game.sample(1001).shape == (1001, 1, 28, 28)


def test_looking_at_samples_leaves_a_frozen_part_asleep():
    game = small()
    game.generator.append(nn.BatchNorm2d(1).eval())  # put to sleep by its owner, and to stay so
    game.sample(3)
    assert game.generator.training and not game.generator[-1].training


def with_batchnorm(**changes):
    torch.manual_seed(0)
    generator = nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2))
    return Game(generator, mlp.plane()[1], **{"latent": 2, "batch": 20, **changes})


def statistics(game):
    return [buffer.clone() for buffer in game.generator[1].buffers()]


def test_frozen_batchnorm_keeps_its_statistics_and_goes_on_learning():
    game = with_batchnorm(freeze_batchnorm=3)
    fit(game, data.ring(), 2, progress=False)
    before = statistics(game)
    fit(game, data.ring(), 3, progress=False)
    held, scale = statistics(game), game.generator[1].weight.clone()
    assert not same(before, held)  # so far as ever
    fit(game, data.ring(), 6, progress=False)
    assert same(held, statistics(game)) and not torch.equal(scale, game.generator[1].weight)
    z = sample_noise(9, 2, torch.Generator().manual_seed(0))  # what D sees is what G paints
    torch.testing.assert_close(game.generator(z).detach(), game.sample(9))


def test_frozen_batchnorm_stays_frozen_in_a_run_that_goes_on(tmp_path):
    straight = fit(with_batchnorm(freeze_batchnorm=3), data.ring(), 6, progress=False)
    path = tmp_path / "game.safetensors"
    fit(with_batchnorm(freeze_batchnorm=3), data.ring(), 4, save_to=path, progress=False)
    resumed = fit(with_batchnorm(freeze_batchnorm=3), data.ring(), 6, save_to=path, progress=False)
    assert same(straight.generator.state_dict().values(), resumed.generator.state_dict().values())
    with pytest.raises(checkpoint.BadCheckpoint, match="freeze_batchnorm: 3 -> None"):
        checkpoint.load(with_batchnorm(), path)


def test_freezing_what_is_not_there_is_refused(digits):
    with pytest.raises(ValueError, match="this one has none. Leave freeze_batchnorm out"):
        fit(small(freeze_batchnorm=3), digits, 1)


def test_large_pictures_are_made_a_few_at_a_time():
    at_once = []
    generator = nn.Sequential(nn.Linear(8, 3), nn.Unflatten(1, (3, 1, 1)), nn.Upsample(size=512),
                              nn.Tanh())
    game = Game(generator, mlp.discriminator([16]), latent=8)
    game.generator.register_forward_hook(lambda net, given, made: at_once.append(len(made)))
    assert game.sample(40).shape == (40, 3, 512, 512)
    assert max(at_once) * 3 * 512**2 <= 1000 * 3 * 64**2


def test_every_group_of_an_optimizer_learns_more_slowly_in_the_end():
    def grouped(network, lr):
        first, *rest = network.parameters()
        return torch.optim.SGD([{"params": [first]}, {"params": rest}], lr)
    game = recipes.plane(decay=3, optimizer=grouped)
    fit(game, data.ring(), 5, progress=False)
    assert [group["lr"] for group in game.critic_optimizer.param_groups] == [
        pytest.approx(1e-3 * 0.02)] * 2


def test_a_game_is_shown_in_a_line():
    assert len(repr(small())) < 200 and "NonSaturating" in repr(small())


def test_noise_is_standard_normal():
    z = sample_noise(20_000, 3, torch.Generator().manual_seed(0))
    assert z.shape == (20_000, 3) and abs(z.mean()) < 0.02 and abs(z.std() - 1) < 0.02


@pytest.mark.parametrize("batch", [1, 17, 1348])
def test_any_batch_size_works(digits, batch):
    assert fit(small(batch=batch), digits, 2, progress=False).history.isfinite().all()


# ---- points, and losses that compare ----

def test_points_train_like_pictures_and_a_run_in_two_parts_equals_one_in_one_go():
    ring, runs = data.ring(), []
    for stops in ((4, 9, 9), (9,)):
        game = recipes.plane(n_critic=2)
        for steps in stops:
            fit(game, ring, steps, progress=False, snapshot_every=3)
        runs.append(game)
    assert same(weights(runs[0].generator), weights(runs[1].generator))
    assert torch.equal(runs[0].snapshots[6], runs[1].snapshots[6])
    assert game.snapshots[6].shape == (64, 2) and game.snapshots[6].dtype == torch.float32
    assert torch.equal(game.sample(5), generate(game.generator, sample_noise(
        5, 2, torch.Generator().manual_seed(0))))
    assert game.history.shape == (9, 4)


def test_points_train_as_a_loop_written_by_hand():
    torch.manual_seed(2)
    generator, critic = mlp.plane()
    ring, noise = data.ring(), torch.Generator().manual_seed(2)
    batches = ring.batches(128, seed=2)
    players = [torch.optim.Adam(net.parameters(), lr=1e-3, betas=(0.5, 0.999), fused=True)
               for net in (generator, critic)]
    for _ in range(4):
        real, fake = next(batches), generator(torch.randn(128, 2, generator=noise)).detach()
        d_loss = softplus(critic(fake) - critic(real)).mean()
        players[1].zero_grad()
        d_loss.backward()
        players[1].step()
        fake_score = critic(generator(torch.randn(128, 2, generator=noise)))
        real_score = critic(real).detach()  # of D as it is now, as R3GAN has it
        g_loss = softplus(real_score - fake_score).mean()
        players[0].zero_grad()
        g_loss.backward()
        players[0].step()
    game = fit(recipes.plane(seed=2, loss=losses.Relativistic()), ring, 4, progress=False)
    assert same(weights(game.generator), weights(generator))
    assert same(weights(game.critic), weights(critic))


def test_the_generator_is_given_scores_without_a_way_back_to_the_data():
    seen = []

    class Nosy(losses.Relativistic):
        """Notes what G's loss is given."""

        def generator(self, fake, real):
            """Return the loss."""
            seen.append(real)
            return super().generator(fake, real)
    fit(recipes.plane(loss=Nosy()), data.ring(), 2, progress=False)
    assert [s.shape for s in seen] == [(2,), (128,), (128,)]  # `fit` tries the loss on two first
    assert not any(s.requires_grad for s in seen)


def test_a_loss_of_ones_own_needs_only_critic_generator_and_reading():
    class Own:
        """Wasserstein's, written without knowing of `compares`."""

        def critic(self, real, fake):
            """Return D's loss."""
            return fake.mean() - real.mean()

        def generator(self, fake):
            """Return G's loss."""
            return -fake.mean()

        def reading(self, score):
            """Return what is plotted."""
            return score
    own = fit(recipes.plane(loss=Own(), clip=0.1), data.ring(), 3, progress=False)
    ours = fit(recipes.plane(loss=losses.Wasserstein(), clip=0.1), data.ring(), 3, progress=False)
    assert same(weights(own.generator), weights(ours.generator))


def test_clipping_comes_after_every_step_of_the_critic():
    game = recipes.plane(loss=losses.Wasserstein(), clip=0.05, n_critic=3)
    met = []

    def look(_, __):
        met.append(max(p.abs().max().item() for p in game.critic.parameters()))
    game.generator.register_forward_pre_hook(look)  # whenever G plays, or makes fakes for D
    fit(game, data.ring(), 3, progress=False)
    assert max(met[2:]) <= 0.05 + 1e-9 and met[0] > 0.05  # the first two: before any step


def test_a_head_start_moves_the_critic_alone():
    game = recipes.plane()
    g, d = weights(game.generator), weights(game.critic)
    assert head_start(game, data.ring(), 30) is game and game.step == 0
    assert same(g, weights(game.generator)) and not same(d, weights(game.critic))
    real, fake = data.ring().sample(500), game.generator(torch.randn(500, 2))
    with torch.no_grad():
        assert game.critic(real).mean() > game.critic(fake).mean() + 1


def test_a_head_start_leaves_everybody_elses_random_numbers_alone():
    before = torch.get_rng_state()
    head_start(recipes.plane(penalty=penalties.gradient_penalty), data.ring(), 2)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_schedule_is_half_a_cosine():
    game = recipes.plane(decay=100)
    expected = {0: 1.0, 25: 0.1 + 0.9 * 0.85355, 50: 0.55, 100: 0.1, 500: 0.1}
    for step, factor in expected.items():
        game.step = step
        assert cosine_decay(game, to=0.1) == pytest.approx(factor, abs=1e-4)
        game.step = step / 2
        assert cosine_decay(game, to=0.1, over=0.5) == pytest.approx(factor, abs=1e-4)
    assert cosine_decay(recipes.plane(), to=0.1) == 1


def test_learning_rate_and_penalty_fade_together():
    given = []

    def penalty(critic, real, fake):
        """Note that it was called; D's loss is then this number alone."""
        given.append(1)
        return 1000 + 0 * critic[1].bias.sum()
    game = recipes.plane(penalty=penalty, decay=10)
    fit(game, data.ring(), 11, progress=False)
    without = fit(recipes.plane(decay=10), data.ring(), 11, progress=False)
    extra = game.history[:, 0] - without.history[:, 0]
    assert extra[0].item() == pytest.approx(1000) and extra[5].item() == pytest.approx(100)
    assert extra[2].item() == pytest.approx(689, abs=1)  # 0.1 + 0.9 (1 + cos(0.4 pi)) / 2
    for optimizer in (game.generator_optimizer, game.critic_optimizer):
        assert optimizer.param_groups[0]["lr"] == pytest.approx(1e-3 * 0.02)


@pytest.mark.parametrize("alone", [True, False])
def test_a_lazy_penalty_is_taken_now_and_then_and_as_much_stronger(alone):
    def penalty(critic, real, fake):
        """Note how strong it is, in the gradient that D's first bias gets."""
        return 1000 * critic[1].bias.sum()
    seen = []
    game = recipes.plane(penalty=penalty, penalty_every=3, n_critic=2)
    game.critic[1].bias.register_hook(lambda slope: seen.append(round(float(slope.mean()), -3)))
    if alone:
        head_start(game, data.ring(), 6)
    else:
        fit(game, data.ring(), 3, progress=False)
    assert seen == [3000, 0, 0, 3000, 0, 0]


# ---- the optimizer, and the long turns of the WGAN authors ----

def test_rmsprop_trains_as_a_loop_written_by_hand():
    torch.manual_seed(1)
    generator, critic = mlp.plane()
    batches, noise = data.ring().batches(128, seed=1), torch.Generator().manual_seed(1)
    rules = [torch.optim.RMSprop(n.parameters(), lr=5e-4) for n in (critic, generator)]
    for _ in range(3):
        real, fake = next(batches), generator(torch.randn(128, 2, generator=noise)).detach()
        losses_of = (lambda real=real, fake=fake: critic(fake).mean() - critic(real).mean(),
                     lambda: -critic(generator(torch.randn(128, 2, generator=noise))).mean())
        for rule, loss in zip(rules, losses_of, strict=True):
            value = loss()
            rule.zero_grad()
            value.backward()
            rule.step()
    game = recipes.plane(seed=1, lr=5e-4, optimizer=rmsprop, loss=losses.Wasserstein())
    fit(game, data.ring(), 3, progress=False)
    assert same(weights(game.generator), weights(generator))
    assert same(weights(game.critic), weights(critic))


def test_an_optimizer_of_ones_own():
    game = recipes.plane(lr=0.1, optimizer=lambda net, lr: torch.optim.SGD(net.parameters(), lr))
    before = weights(game.generator)
    fit(game, data.ring(), 2, progress=False)
    assert type(game.critic_optimizer) is torch.optim.SGD
    assert not same(before, weights(game.generator))


def test_warm_up_is_that_of_the_wgan_authors():
    """In their main.py: 100 turns if gen_iterations < 25 or gen_iterations % 500 == 0, else 5."""
    game, expected = small(n_critic=5, warm_up=True), 0
    for step in range(1602):
        assert critic_turns(game, step) == expected
        expected += 100 if step < 25 or step % 500 == 0 else 5
    assert critic_turns(small(n_critic=5), 30) == 150  # off unless asked for


def test_warm_up_in_two_parts_equals_one_in_one_go_and_uses_every_batch_once():
    seen, runs = [], []

    def count(critic, real, fake):
        """Note the batch; cost nothing."""
        seen.append(real[0, 0].item())
        return 0 * real.sum()
    for stops in ((2, 3, 3), (3,)):
        game = recipes.plane(n_critic=2, warm_up=True, penalty=count, penalty_every=3)
        for steps in stops:
            fit(game, data.ring(), steps, progress=False)
        runs.append(game)
    assert same(weights(runs[0].critic), weights(runs[1].critic))
    assert len(seen) == 200 and seen[:100] == seen[100:]  # every third of 300 turns
    assert len(set(seen)) == 100


# ---- the stop button ----

def test_the_stop_button_ends_after_the_current_step_and_training_goes_on(digits, tmp_path):
    game, handler = small(), signal.getsignal(signal.SIGINT)
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
    fit(game, digits, 10**9, progress=False, save_to=tmp_path / "run.safetensors")
    stopped = game.step
    assert 0 < stopped == len(game.history) < 10**9
    assert signal.getsignal(signal.SIGINT) is handler
    fit(game, digits, stopped + 10, progress=False)
    resumed = fit(small(), digits, stopped + 10, progress=False,
                  save_to=tmp_path / "run.safetensors")  # from the checkpoint of the stop
    straight = fit(small(), digits, stopped + 10, progress=False)
    assert same(weights(game.generator), weights(straight.generator))
    assert same(weights(resumed.generator), weights(straight.generator))


def test_fit_works_outside_the_main_thread(digits):
    game = small()
    thread = threading.Thread(target=fit, args=(game, digits, 3), kwargs={"progress": False})
    thread.start()
    thread.join()
    assert game.step == 3


def test_the_progress_bar_goes_to_stderr(digits, capsys):
    fit(small(), digits, 3)
    out, err = capsys.readouterr()
    assert out == "" and "3" in err


# ---- mistakes ----

class BreaksAt(losses.NonSaturating):
    """Becomes NaN at one step of G, or only its gradient does."""

    def __init__(self, step, gradient_only=False):
        super().__init__()
        self.step, self.gradient_only = step, gradient_only
        self.calls = -1  # `fit` tries the loss once before it starts

    def generator(self, fake):
        """Return the loss, broken at the chosen step."""
        self.calls += 1
        value = super().generator(fake)
        if self.calls != self.step:
            return value
        return value + (fake * 0).sum().sqrt() if self.gradient_only else value * float("nan")


@pytest.mark.parametrize("step", [1, 37, 150])
def test_nan_names_the_step_and_keeps_the_last_checkpoint(digits, tmp_path, step):
    path = tmp_path / "run.safetensors"
    game = small(loss=BreaksAt(step))
    with pytest.raises(TrainingDiverged, match=f"at step {step}, so"):
        fit(game, digits, 200, progress=False, save_to=path, save_every=10, snapshot_every=40)
    assert game.history.isfinite().all() and len(game.history) == step - 1
    assert game.generator.training
    saved = load_file(path)
    assert len(saved["history"]) == (step - 1) // 10 * 10
    assert all(t.isfinite().all() for t in saved.values() if t.is_floating_point())


def test_a_weight_that_broke_is_not_saved_over_a_good_checkpoint(digits, tmp_path):
    path = tmp_path / "run.safetensors"
    game = small(loss=BreaksAt(20, gradient_only=True))
    with pytest.raises(TrainingDiverged, match="at step 20, so"):
        fit(game, digits, 200, progress=False, save_to=path, save_every=10)
    assert len(load_file(path)["history"]) == 10


def test_an_abort_in_mid_run_keeps_the_history(digits, monkeypatch):
    game = small()

    def abort_at_57(*_):
        if game.step == 56:
            raise KeyboardInterrupt
        return play_round(*_)
    monkeypatch.setattr("gan_lessons.train.play_round", abort_at_57)
    with pytest.raises(KeyboardInterrupt):
        fit(game, digits, 100, progress=False)
    assert len(game.history) == game.step == 56


def test_dropout_draws_from_the_games_own_random_numbers(digits):
    def run(disturb):
        torch.manual_seed(0)
        game = Game(mlp.generator([8, 16]), mlp.discriminator([16], dropout=0.5), latent=8)
        torch.rand(disturb)
        before = torch.get_rng_state()
        fit(game, digits, 4, progress=False)
        assert torch.equal(torch.get_rng_state(), before)
        return weights(game.critic)
    assert same(run(0), run(7))


@pytest.mark.parametrize("wrong", [{"steps": 10.5}, {"steps": -1}, {"steps": 5, "save_every": 0},
                                   {"steps": 5, "snapshot_every": 0}])
def test_numbers_that_cannot_be_are_refused(digits, wrong):
    with pytest.raises(ValueError, match="must be a whole number of at least"):
        fit(small(), digits, progress=False, **wrong)


@pytest.mark.parametrize("wrong", [{"n_critic": 0}, {"batch": 20.0}, {"latent": 0}, {"seed": -1},
                                   {"decay": -5}, {"freeze_batchnorm": 0}])
def test_games_that_cannot_be_are_refused(wrong):
    with pytest.raises(ValueError, match="must be a whole number of at least"):
        small(**wrong)


@pytest.mark.parametrize("wrong, message", [
    ({"clip": -0.1}, "clip must be a number above 0, got -0.1"),
    ({"lr": math.nan}, "lr must be a number above 0"),
    ({"ema": math.nan}, "ema must be between 0 and 1"),
    ({"loss": losses.Hinge}, "mind the brackets"),
    ({"penalty": "r1"}, "penalty wants a function, such as penalties.r1; got 'r1'"),
    ({"optimizer": "adam"}, "optimizer wants a function")])
def test_settings_that_cannot_be_meant_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        small(**wrong)


def test_data_that_is_no_image_set_is_named():
    with pytest.raises(ValueError, match="The data must be an ImageSet.*got Tensor"):
        fit(small(), torch.zeros(30, 1, 28, 28), 1)


def test_a_loss_that_forgets_the_mean_is_named(digits):
    class PerSample(losses.NonSaturating):
        """Forgets to average."""

        def generator(self, fake):
            """Return one loss a sample."""
            return softplus(-fake)
    with pytest.raises(ValueError, match="A loss must be one scalar"):
        fit(small(loss=PerSample()), digits, 1)


def test_a_generator_of_the_wrong_shape_is_named(digits):
    game = Game(mlp.generator([8, 16], (3, 28, 28)), mlp.discriminator([16], (3, 28, 28)), latent=8)
    with pytest.raises(ValueError, match=r"should give shape \(2, 1, 28, 28\), got \(2, 3, 28, 28"):
        fit(game, digits, 1, progress=False)


def test_a_critic_of_the_wrong_size_is_named(digits):
    game = Game(mlp.generator([8, 16]), mlp.discriminator([16], (1, 32, 32)), latent=8)
    with pytest.raises(ValueError, match="The discriminator does not fit the data"):
        fit(game, digits, 1, progress=False)


def test_a_critic_that_averages_the_batch_is_refused(digits):
    class Mean(nn.Module):
        """What source 003 does: one number for the whole batch."""

        def __init__(self):
            super().__init__()
            self.net = mlp.discriminator([16])

        def forward(self, x):
            """Return the mean score."""
            return self.net(x).mean()
    with pytest.raises(ValueError, match="should get one score each"):
        fit(Game(mlp.generator([8, 16]), Mean(), latent=8), digits, 1, progress=False)


def test_the_wrong_latent_length_is_named(digits):
    with pytest.raises(ValueError, match="The generator does not fit the data"):
        fit(small(latent=9), digits, 1, progress=False)


def test_points_and_pictures_are_not_mixed_up(digits):
    with pytest.raises(ValueError, match=r"should give shape \(2, 2\), got \(2, 1, 28, 28\)"):
        fit(small(), data.ring(), 1, progress=False)
    with pytest.raises(ValueError, match=r"should give shape \(2, 1, 28, 28\), got \(2, 2\)"):
        head_start(recipes.plane(), digits, 1)


def test_a_batch_larger_than_the_data_is_refused(digits):
    with pytest.raises(ValueError, match="batch size must be between 1 and"):
        fit(small(batch=8001), digits, 1, progress=False)


# ---- settings changed after the game was made ----

def test_a_learning_rate_changed_later_takes_effect():
    game = recipes.plane()
    game.lr = 1e-6
    assert {group["lr"] for optimizer in (game.generator_optimizer, game.critic_optimizer)
            for group in optimizer.param_groups} == {1e-6}


@pytest.mark.parametrize("name", ["generator", "critic", "latent", "betas", "ema", "seed",
                                  "optimizer", "precision"])
def test_what_cannot_take_effect_is_refused(name):
    game = recipes.plane()
    before = getattr(game, name)
    with pytest.raises(AttributeError, match=f"{name} cannot be changed once the game is made"):
        setattr(game, name, before)
    game.n_critic, game.penalty = 2, None  # asked at every step
    assert copy.deepcopy(game).n_critic == 2


# ---- what used to go wrong in silence ----

def lazy(critic, real, fake):
    """A penalty that forgets create_graph."""
    real = real.detach().requires_grad_(True)
    slope, = torch.autograd.grad(critic(real).sum(), real)
    return slope.square().sum()


@pytest.mark.parametrize("penalty", [lazy, lambda *a: penalties.r1(*a, gamma=100).detach()])
def test_a_penalty_that_nobody_would_feel_is_refused(penalty):
    with pytest.raises(ValueError, match="The penalty has no graph") as told:
        fit(recipes.plane(penalty=penalty), data.ring(), 2, progress=False)
    assert "create_graph=True" in str(told.value) and "惩罚项没有计算图" in str(told.value)
    fit(recipes.plane(penalty=lambda *_: torch.zeros(())), data.ring(), 1, progress=False)


def test_a_compiled_critic_with_a_penalty_says_why_not(monkeypatch):
    def donated(*_):
        raise RuntimeError("This backward function was compiled with non-empty donated buffers")
    monkeypatch.setattr(training, "critic_step", donated)
    with pytest.raises(ValueError, match="Compile G only"):
        fit(recipes.plane(), data.ring(), 1, progress=False)


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
@pytest.mark.parametrize("compiled", ["critic", "penalty"])
def test_what_is_compiled_keeps_its_penalty_or_is_refused(backend, compiled):
    """pytorch#181581: autograd.grad in a compiled function can lose its gradient in silence."""
    torch._dynamo.reset()
    settings = {"latent": 2, "batch": 8, "penalty": penalties.r1}
    plain = mlp.plane()
    generator, critic = copy.deepcopy(plain)
    if compiled == "critic":
        critic = torch.compile(critic, backend=backend)
    game = Game(generator, critic, **settings)
    if compiled == "penalty":
        game.penalty = torch.compile(penalties.r1, backend=backend)
    if backend == "aot_eager":  # what every backend does that is faster than none
        with pytest.raises(ValueError, match="Compile G only"):
            fit(game, data.ring(), 2, progress=False)
        return
    fit(game, data.ring(), 2, progress=False)
    expected = fit(Game(*plain, **settings), data.ring(), 2, progress=False)
    torch.testing.assert_close(weights(game.critic), weights(expected.critic))
    torch.testing.assert_close(game.history, expected.history)


def test_batchnorm_with_one_picture_is_named():
    with pytest.raises(ValueError, match="nothing to normalise over"):
        fit(with_batchnorm(batch=1), data.ring(), 1, progress=False)
    fit(recipes.plane(batch=1), data.ring(), 1, progress=False)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_sigterm_and_sighup_save_like_ctrl_c(tmp_path, number):
    path = tmp_path / "run.safetensors"
    inherited = signal.signal(number, signal.SIG_DFL)  # under nohup hangups are ignored

    def end(game):
        if game.step == 3:
            signal.raise_signal(number)
    try:
        fit(recipes.plane(), data.ring(), 9, save_to=path, watch=end, watch_every=1, progress=False)
        assert signal.getsignal(number) == signal.SIG_DFL
    finally:
        signal.signal(number, inherited)
    assert checkpoint.saved_step(path) == 4


def test_a_hangup_that_nohup_ignores_stays_ignored():
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        fit(recipes.plane(), data.ring(), 2, progress=False, watch_every=1,
            watch=lambda game: signal.raise_signal(signal.SIGHUP))
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.mark.parametrize("loss, real, fake, won", [
    (losses.NonSaturating(), 0.97, 0.03, True), (losses.NonSaturating(), 0.9, 0.03, False),
    (losses.Minimax(), 0.97, 0.06, False), (losses.Wasserstein(), 0.97, 0.03, False)])
def test_when_the_critic_has_won(loss, real, fake, won):
    game = recipes.plane(loss=loss)
    game.history = torch.tensor([[0.0, 0.0, real, fake]]).expand(300, 4)
    assert critic_has_won(game) == won
    game.history = game.history[:299]
    assert not critic_has_won(game)


@pytest.mark.parametrize("loss, last, said", [
    (losses.NonSaturating(), nn.Sigmoid(), "(?s)去掉.*D ends with a Sigmoid"),
    (losses.Hinge(), nn.Sigmoid(), "D ends with a Sigmoid, but the loss Hinge"),
    (losses.LeastSquares(), nn.Sigmoid(), None),  # its targets are 0 and 1
    (losses.Hinge(), nn.Identity(), None)])
def test_a_critic_that_ends_with_a_sigmoid_is_named_once(capsys, loss, last, said):
    critic = nn.Sequential(nn.Flatten(), nn.Linear(64, 1), last, nn.Flatten(0))
    generator = nn.Sequential(nn.Linear(8, 64), nn.Tanh(), nn.Unflatten(1, (1, 8, 8)))
    pictures = data.ImageSet(torch.zeros(16, 1, 8, 8, dtype=torch.uint8), None, "black")
    game = Game(generator, critic, latent=8, batch=4, loss=loss)
    fit(game, pictures, 1, progress=False)
    out = capsys.readouterr().out
    assert re.search(said, out) if said else out == ""
    fit(game, pictures, 2, progress=False)
    assert capsys.readouterr().out == ""
