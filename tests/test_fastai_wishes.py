"""What fastai's users asked for: penalties, averages, precision, saving, metrics, callbacks."""

from functools import partial

import PIL.Image
import pytest
import torch
from fastai_standin import ADAM, Data, Diary, NoisyData, losses, networks, wgan
from torch import nn

from gan_lessons import penalties
from gan_lessons.checkpoint import BadCheckpoint
from gan_lessons.fastai_style.callback import Callback, CancelFit
from gan_lessons.fastai_style.extras import (
    GradientClip,
    SampleDistances,
    SaveEvery,
    SavePictures,
    Watch,
)
from gan_lessons.fastai_style.gan_learner import GANLearner
from gan_lessons.fastai_style.gan_loss import AdaptiveLoss
from gan_lessons.fastai_style.learner import Learner
from gan_lessons.fastai_style.live import Live
from gan_lessons.lab import TrainingView
from gan_lessons.losses import Hinge, Relativistic
from gan_lessons.measure import frechet_distance, kernel_distance
from gan_lessons.train import TrainingDiverged


def weights(network):
    return torch.cat([p.detach().flatten() for p in network.parameters()])


# Penalties and losses

@pytest.mark.parametrize("penalty", [penalties.gradient_penalty, penalties.r1])
def test_wgan_gp_and_r1_are_one_argument(penalty):
    heard = []

    def listening(critic, real, fake):
        heard.append((real, fake))
        return penalty(critic, real, fake)

    learn = wgan(nets=networks(per_sample=True), penalty=listening)
    learn.fit(1, 1e-3)
    assert learn.gan_trainer.clip is None
    assert len(heard) == 5
    real, fake = heard[0]
    assert torch.equal(real, learn.data.train_dl[0][1])
    assert fake.shape == real.shape and not fake.requires_grad


def test_a_penalty_changes_the_loss_by_its_value():
    plain, penalised = (wgan(nets=networks(per_sample=True), clip=None, penalty=p)
                        for p in (None, lambda critic, real, fake: torch.tensor(0.5)))
    for learn in (plain, penalised):
        learn.fit(1, 1e-3)
    assert losses(penalised)[:5] == pytest.approx([v + 0.5 for v in losses(plain)[:5]], abs=1e-6)
    assert losses(penalised)[5] == losses(plain)[5]


def test_a_penalty_needs_a_score_for_each_picture():
    with pytest.raises(ValueError, match="per_sample=True"):
        wgan(penalty=penalties.r1).fit(1, 1e-3)


@pytest.mark.parametrize("loss", [Hinge(), Relativistic()])
def test_losses_of_the_course(loss):
    generator, critic = networks(per_sample=True)
    learn = GANLearner.from_loss(Data(), generator, critic, loss, opt_func=ADAM, silent=True,
                                 switch_eval=False)
    (z, x), = learn.data.train_dl[:1]
    with torch.no_grad():
        expected = loss.critic(critic(x), critic(generator(z)))
    diary = Diary()
    learn.fit(1, 1e-3, callbacks=[diary])
    assert losses(learn)[0] == pytest.approx(float(expected), rel=1e-6)
    assert diary.turns == "CGCGCG"


def test_adaptive_loss_passes_its_reduction_on():
    loss = AdaptiveLoss(nn.BCEWithLogitsLoss())
    loss.reduction = "none"
    assert loss(torch.zeros(2, 3), torch.tensor([1, 0])).shape == (2, 3)


# The moving average, gathered gradients, half precision

def test_the_moving_average_follows_the_generator():
    learn = wgan(switcher=None, ema=0.5)
    states = []

    class Note(Callback):
        def on_step_end(self, learn):
            if learn.gan_trainer.gen_mode:
                states.append(weights(learn.generator).clone())

    learn.fit(2, 1e-2, callbacks=[Note()])
    assert len(states) == 2
    expected = (states[0] + states[1]) / 2
    assert torch.allclose(weights(learn.generator_ema.module), expected, atol=1e-7)
    assert not torch.equal(learn.sample(2), learn.sample(2, ema=True))


def test_no_average_without_ema():
    with pytest.raises(ValueError, match="ema=0.999"):
        wgan().sample(1, ema=True)


def test_gathered_gradients_equal_a_larger_batch():
    def without_norm():
        torch.manual_seed(0)
        generator = nn.Sequential(nn.Flatten(), nn.Linear(10, 768), nn.Unflatten(1, (3, 16, 16)))
        critic = nn.Sequential(nn.Flatten(), nn.Linear(768, 8), nn.ReLU(), nn.Linear(8, 1))
        return generator, critic

    diary = Diary()
    small = wgan(Data(bs=2), without_norm(), accumulate=2, show_img=False)
    small.fit(1, 1e-3, callbacks=[diary])
    large = wgan(Data(bs=4), without_norm(), show_img=False)
    large.fit(1, 1e-3)
    assert diary.turns == "CC" * 5 + "GG"
    for name in ("generator", "critic"):
        assert torch.allclose(weights(getattr(small, name)), weights(getattr(large, name)),
                              atol=1e-6)


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_half_precision_stays_close(precision):
    full, half = wgan(clip=0.1), wgan(clip=0.1)
    getattr(half, f"to_{precision}")()
    dtypes = []
    half.fit(1, 1e-3, callbacks=[Diary(lambda learn: dtypes.append((learn.output.dtype,
                                                                    learn.loss.dtype)))])
    full.fit(1, 1e-3)
    assert {loss for _, loss in dtypes} == {torch.float32}
    assert dtypes[-1][0] == {"bf16": torch.bfloat16, "fp16": torch.float16}[precision]
    assert losses(half) == pytest.approx(losses(full), abs=5e-3)
    assert all(p.dtype == torch.float32 for p in half.model.parameters())


def test_channels_last_only_changes_the_layout_in_memory():
    learn, usual, layouts = wgan(clip=0.1, channels_last=True), wgan(clip=0.1), []

    def note(learn):
        if not learn.gan_trainer.gen_mode:
            layouts.append(learn.xb.is_contiguous(memory_format=torch.channels_last))
    learn.fit(1, 1e-3, callbacks=[Diary(note)])
    usual.fit(1, 1e-3)
    assert layouts == [True] * 5
    assert losses(learn) == pytest.approx(losses(usual), abs=1e-5)


def test_float16_scales_the_loss_of_each_network_by_itself():
    learn = wgan().to_fp16()
    learn.fit(1, 1e-3)
    assert [opt.scaler.is_enabled() for opt in learn.optimizers()] == [True, True]
    assert learn.opt_gen.scaler is not learn.opt_critic.scaler
    assert not any(opt.scaler.is_enabled() for opt in learn.to_fp32().optimizers())


# Samples and metrics

def test_samples_depend_on_the_seed_alone():
    learn = wgan()
    learn.fit(1, 1e-3)
    first = learn.sample(5, seed=3)
    assert first.dtype == torch.uint8 and first.shape == (5, 3, 16, 16)
    assert torch.equal(first, learn.sample(5, seed=3))
    assert not torch.equal(first, learn.sample(5, seed=4))
    with pytest.raises(ValueError, match="n must be"):
        learn.sample(0)


def test_distances_get_two_columns():
    real = (torch.stack([y for _, y in Data().train_ds]) * 127.5 + 127.5).to(torch.uint8)

    def features(images):
        return images.float().mean((2, 3)) / 255

    learn = wgan(callbacks=[SampleDistances(features, real, n=32)])
    learn.fit(2, 1e-3)
    row, made = learn.recorder.table.rows[-1], features(learn.sample(32))
    assert row["fd"] == frechet_distance(made, features(real)) > 0
    assert row["kid"] == kernel_distance(made, features(real))
    assert list(row)[-3:] == ["fd", "kid", "time"]


# Files

def changed_file(path):
    content = path.read_bytes()
    path.write_bytes(content[:len(content) // 2])


def text_file(path):
    path.write_text("not a checkpoint")


@pytest.mark.parametrize("spoil", [changed_file, text_file])
def test_a_damaged_file_changes_nothing(tmp_path, spoil):
    learn = wgan(Data(path=tmp_path))
    learn.fit(1, 1e-3)
    spoil(learn.save("run"))
    before = weights(learn.model).clone()
    with pytest.raises(BadCheckpoint, match="was not written by learn.save"):
        learn.load("run")
    assert torch.equal(before, weights(learn.model))
    with pytest.raises(FileNotFoundError, match="no file"):
        learn.load("another")


def test_other_networks_and_other_optimizers_are_refused(tmp_path):
    learn = wgan(Data(path=tmp_path))
    learn.fit(1, 1e-3)
    learn.save("run")
    with pytest.raises(BadCheckpoint, match="other networks: .*average"):
        wgan(Data(path=tmp_path), ema=0.9).load("run")
    other = wgan(Data(path=tmp_path), opt_func=partial(torch.optim.RMSprop, alpha=0.9))
    with pytest.raises(BadCheckpoint, match="with_opt=False"):
        other.load("run")
    other.load("run", with_opt=False)
    assert torch.equal(weights(other.model), weights(learn.model))


def test_a_failing_load_puts_everything_back(tmp_path, monkeypatch):
    learn = wgan(NoisyData(path=tmp_path))
    learn.fit(1, 1e-3)
    learn.save("run")
    learn.fit(1, 1e-3)
    before, random = weights(learn.model).clone(), torch.get_rng_state()
    normal = type(learn.switcher).set_state
    failures = iter([KeyError("n_c")])

    def fail_once(self, state):
        for problem in failures:
            raise problem
        normal(self, state)

    monkeypatch.setattr(type(learn.switcher), "set_state", fail_once)
    with pytest.raises(BadCheckpoint):
        learn.load("run")
    assert torch.equal(before, weights(learn.model))
    assert torch.equal(random, torch.get_rng_state())


def test_weights_that_are_not_finite_are_not_saved_over_good_ones(tmp_path):
    learn = wgan(Data(path=tmp_path))
    learn.fit(1, 1e-3)
    good = learn.save("run").read_bytes()
    with torch.no_grad():
        learn.critic[0][0].bias.fill_(float("nan"))
    with pytest.raises(TrainingDiverged, match="critic/0.0.bias"):
        learn.save("run")
    assert (tmp_path / "models" / "run.safetensors").read_bytes() == good


def test_a_full_disk_does_not_end_the_training(tmp_path, capsys):
    (tmp_path / "models").write_text("a file where the folder should be")
    learn = wgan(Data(path=tmp_path), callbacks=[SaveEvery("run")])
    learn.fit(2, 1e-3)
    assert capsys.readouterr().out.count("could not be saved") == 2
    assert len(learn.recorder.table.rows) == 2


def test_a_plain_learner_saves_and_loads_too(tmp_path):
    def new():
        torch.manual_seed(0)
        return Learner(NoisyData(path=tmp_path), networks()[0], loss_func=nn.MSELoss(),
                       silent=True)
    first = new()
    first.fit(1, 1e-3)
    first.save("gen")
    first.fit(1, 1e-3)
    second = new().load("gen")
    second.fit(1, 1e-3)
    assert losses(first) == losses(second)


# Callbacks

def test_gradient_clip_shortens_the_gradient():
    norms = []

    class Note(Callback):
        order = 5

        def on_backward_end(self, learn):
            norms.append(float(torch.cat([p.grad.flatten() for p in learn.opt.parameters]).norm()))

    wgan(clip=0.1, callbacks=[GradientClip(1e-4), Note()]).fit(1, 1e-3)
    assert norms == pytest.approx([1e-4] * 6, rel=1e-2)


def test_pictures_are_written(tmp_path):
    wgan(callbacks=[SavePictures(tmp_path / "made", n=8, every=2)]).fit(4, 1e-3)
    files = sorted(tmp_path.glob("made/*.png"))
    assert [file.name for file in files] == ["0001.png", "0003.png"]
    assert PIL.Image.open(files[0]).size == (8 * 18 + 2, 18 + 2)


def test_watch_looks_after_steps_of_the_generator():
    seen = []
    learn = wgan(callbacks=[Watch(lambda learn: seen.append(learn.gan_trainer.gen_steps), 2)])
    learn.fit(5, 1e-3)
    assert seen == [2, 4]


class View:
    """Stands for a lab.TrainingView: notes what it could read."""

    def __init__(self):
        self.seen = []

    def __call__(self, game):
        self.seen.append((game.step, game.goal, game.images_seen, len(game.history)))


def test_live_tells_a_view_how_far_it_is():
    view, learn = View(), wgan()
    live = Live(view, every=2)
    learn.fit(4, 1e-3, callbacks=[live])  # 24 batches: CCCCCG four times
    assert view.seen == [(2, 4, 40, 2), (4, 4, 80, 4)]
    learn.fit(2, 1e-3, callbacks=[live])  # goes on where it was
    assert view.seen[2:] == [(6, 6, 120, 6)]
    critic_loss, generator_loss, real, fake = live.played.history.T
    assert torch.allclose(critic_loss, fake - real, atol=1e-6)  # higher means more real
    assert len(generator_loss.unique()) == 6


def test_live_fills_a_real_view():
    view = TrainingView()
    learn = wgan(ema=0.9)
    learn.fit(4, 1e-3, callbacks=[Live(view, every=1)])
    assert view.state == "finished" and view.scene["kind"] == "pictures" and view.scene["gap"]
    assert list(view.snapshots) == [1, 2, 3, 4] and view.problem == {}
    newest = learn.to_images(learn.generate(learn.fixed_noise(64, 1234)))
    assert torch.equal(view.snapshots[4], newest[:len(view.snapshots[4])])
    view.close()


def test_a_callback_can_end_the_training_in_good_order():
    class Stop(Diary):
        def on_batch_end(self, learn):
            super().on_batch_end(learn)
            if len(self.turns) == 3:
                raise CancelFit

    stop, learn = Stop(), wgan()
    learn.fit(10, 1e-3, callbacks=[stop])
    assert stop.turns == "CCC" and learn.gan_trainer.gen_mode and not learn.training
    learn.fit(1, 1e-3)


def test_the_stop_button_ends_after_the_batch():
    class Press(Diary):
        def on_batch_begin(self, learn):
            if len(self.turns) == 2:
                raise_signal()

    def raise_signal():
        import signal
        signal.raise_signal(signal.SIGINT)

    press, learn = Press(), wgan()
    learn.fit(10, 1e-3, callbacks=[press])
    assert press.turns == "CCC" and len(losses(learn)) == 3


def test_a_loss_that_is_not_finite_ends_the_training():
    learn = wgan(Data(train=16), clip=None)
    with torch.no_grad():
        learn.critic[0][0].bias.fill_(float("nan"))
    with pytest.raises(TrainingDiverged, match="disc_loss"):
        learn.fit(3, 1e-3)
    assert all(p.requires_grad for p in learn.model.parameters())


@pytest.mark.parametrize(("settings", "word"), [
    ({"epochs": 0}, "epochs"), ({"epochs": 1, "lr": -1}, "lr"), ({"epochs": 1, "lr": "fast"}, "lr"),
    ({"epochs": 1, "wd": float("nan")}, "wd")])
def test_nonsense_is_refused_before_anything_happens(settings, word):
    learn = wgan()
    with pytest.raises(ValueError, match=word):
        learn.fit(**settings)
    assert learn.opt_gen is None


def test_fastais_slices_are_learning_rates():
    learn, diary = wgan(), Diary()
    learn.fit(1, slice(3e-4), callbacks=[diary])
    assert diary.lrs == [3e-4] * 6


def test_too_few_pictures_for_a_batch():
    with pytest.raises(ValueError, match="single batch"):
        wgan(Data(train=3)).fit(1)
