"""What fastai's users asked for: penalties, averages, precision, saving, callbacks."""

from functools import partial

import pytest
import torch
from fastai_standin import ADAM, Data, Diary, NoisyData, losses, networks, wgan
from torch import nn

from gan_lessons import penalties
from gan_lessons.checkpoint import BadCheckpoint
from gan_lessons.fastai_style.callback import Callback, CancelFit
from gan_lessons.fastai_style.gan_learner import GANLearner
from gan_lessons.fastai_style.learner import Learner
from gan_lessons.losses import Hinge, Relativistic
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


# The moving average, half precision

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


def test_half_precision_stays_close():
    full, half = wgan(clip=0.1), wgan(clip=0.1, precision="bfloat16")
    dtypes = []
    half.fit(1, 1e-3, callbacks=[Diary(lambda learn: dtypes.append((learn.output.dtype,
                                                                    learn.loss.dtype)))])
    full.fit(1, 1e-3)
    assert {loss for _, loss in dtypes} == {torch.float32}
    assert dtypes[-1][0] == torch.bfloat16
    assert losses(half) == pytest.approx(losses(full), abs=5e-3)
    assert all(p.dtype == torch.float32 for p in half.model.parameters())


def test_networks_in_channels_last_stay_so_and_learn_the_same():
    nets = [network.to(memory_format=torch.channels_last) for network in networks()]
    learn, usual = wgan(nets=nets, clip=0.1), wgan(clip=0.1)
    learn.fit(1, 1e-3)
    usual.fit(1, 1e-3)
    assert learn.critic[2][0].weight.is_contiguous(memory_format=torch.channels_last)
    assert losses(learn) == pytest.approx(losses(usual), abs=1e-5)


# Samples

def test_samples_depend_on_the_seed_alone():
    learn = wgan()
    learn.fit(1, 1e-3)
    first = learn.sample(5, seed=3)
    assert first.dtype == torch.uint8 and first.shape == (5, 3, 16, 16)
    assert torch.equal(first, learn.sample(5, seed=3))
    assert not torch.equal(first, learn.sample(5, seed=4))
    with pytest.raises(ValueError, match="n must be"):
        learn.sample(0)


def test_a_callback_can_add_a_column_to_the_table():
    class Brightness(Callback):
        def on_epoch_end(self, learn):
            learn.recorder.row["brightness"] = float(learn.sample(32).float().mean())

    learn = wgan(callbacks=[Brightness()])
    learn.fit(2, 1e-3)
    row = learn.recorder.rows[-1]
    assert row["brightness"] == float(learn.sample(32).float().mean())
    assert list(row)[-2:] == ["brightness", "time"]


def test_many_samples_are_made_in_parts_that_fit_into_memory():
    heard = []

    class Large(nn.Module):  # pictures of 256x256
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(torch.ones(1))

        def forward(self, z):
            heard.append(len(z))
            return (self.scale * z[:, :1]).tanh().expand(-1, 3, 256, 256)

    _, critic = networks()
    learn = wgan(nets=(Large(), critic))
    pictures = learn.sample(130)
    assert max(heard) <= 64 and pictures.shape == (130, 3, 256, 256)
    expected = learn.fixed_noise(130)[:, 0].tanh().flatten() * 127.5 + 127.5
    assert torch.equal(pictures[:, 1, 7, 7], expected.round().byte())


# Files

def test_a_damaged_file_changes_nothing(tmp_path):
    learn = wgan(Data())
    learn.fit(1, 1e-3)
    file = tmp_path / "run"
    learn.save(file)
    file.write_bytes(file.read_bytes()[:1000])
    before = weights(learn.model).clone()
    with pytest.raises(BadCheckpoint, match="damaged"):
        learn.load(tmp_path / "run")
    assert torch.equal(before, weights(learn.model))
    with pytest.raises(FileNotFoundError, match="no checkpoint"):
        learn.load(tmp_path / "another")


def test_other_networks_and_other_optimizers_are_refused(tmp_path):
    learn = wgan(Data())
    learn.fit(1, 1e-3)
    learn.save(tmp_path / "run")
    with pytest.raises(BadCheckpoint, match="another network: generator_ema"):
        wgan(Data(), ema=0.9).load(tmp_path / "run")
    other = wgan(Data(), opt_func=partial(torch.optim.RMSprop, alpha=0.9))
    with pytest.raises(BadCheckpoint, match="optimizer: Adam .* -> RMSprop"):
        other.load(tmp_path / "run")
    other.load(tmp_path / "run", with_opt=False)
    assert torch.equal(weights(other.model), weights(learn.model))
    other.load(tmp_path / "run", changed=("optimizer",)).fit(1, 1e-3)  # begins anew


def hinge(loss):
    return GANLearner.from_loss(Data(), *networks(per_sample=True), loss, silent=True)


def test_a_critic_of_one_score_a_batch_is_refused_by_from_loss():
    learn = GANLearner.from_loss(Data(), *networks(per_sample=False), Hinge(), silent=True)
    with pytest.raises(ValueError, match="wants one score a picture: .* pictures got 1"):
        learn.fit(1, 1e-3)


def test_another_loss_is_refused_unless_it_is_meant(tmp_path):
    learn = hinge(Hinge())
    learn.fit(1, 1e-3)
    learn.save(tmp_path / "run")
    hinge(Hinge()).load(tmp_path / "run")
    with pytest.raises(BadCheckpoint, match="losses: .*Hinge.* -> .*Relativistic"):
        hinge(Relativistic()).load(tmp_path / "run")
    other = hinge(Relativistic()).load(tmp_path / "run", changed=("losses",))
    assert torch.equal(weights(other.model), weights(learn.model))


class Fakes:
    """A callable object as loss."""

    def __call__(self, fake_pred, target, output):
        return -fake_pred.mean()


def test_lambdas_and_callable_objects_save_and_load(tmp_path):
    def new():
        return GANLearner(Data(), *networks(per_sample=True), Fakes(),
                          lambda real, fake: fake.mean() - real.mean(), silent=True,
                          opt_func=lambda parameters, lr: torch.optim.Adam(parameters, lr),
                          penalty=lambda critic, real, fake: penalties.r1(critic, real, fake))
    learn = new()
    learn.fit(1, 1e-3)
    learn.save(tmp_path / "run")
    learn.fit(1, 1e-3)
    other = new().load(tmp_path / "run")
    other.fit(1, 1e-3)
    assert losses(other) == losses(learn)


def test_a_failing_load_puts_everything_back(tmp_path, monkeypatch):
    learn = wgan(NoisyData())
    learn.fit(1, 1e-3)
    learn.save(tmp_path / "run")
    learn.fit(1, 1e-3)
    before, random = weights(learn.model).clone(), torch.get_rng_state()
    normal = type(learn.switcher).set_state
    failures = iter([KeyError("taken")])

    def fail_once(self, state):
        for problem in failures:
            raise problem
        normal(self, state)

    monkeypatch.setattr(type(learn.switcher), "set_state", fail_once)
    with pytest.raises(BadCheckpoint):
        learn.load(tmp_path / "run")
    assert torch.equal(before, weights(learn.model))
    assert torch.equal(random, torch.get_rng_state())


def test_weights_that_are_not_finite_are_not_saved_over_good_ones(tmp_path):
    learn = wgan(Data())
    learn.fit(1, 1e-3)
    learn.save(tmp_path / "run")
    good = (tmp_path / "run").read_bytes()
    with torch.no_grad():
        learn.critic[0][0].bias.fill_(float("nan"))
    with pytest.raises(TrainingDiverged, match="critic/0.0.bias"):
        learn.save(tmp_path / "run")
    assert (tmp_path / "run").read_bytes() == good


def test_a_plain_learner_saves_and_loads_too(tmp_path):
    def new():
        torch.manual_seed(0)
        return Learner(NoisyData(), networks()[0], loss_func=nn.MSELoss(),
                       silent=True)
    first = new()
    first.fit(1, 1e-3)
    first.save(tmp_path / "gen")
    first.fit(1, 1e-3)
    second = new().load(tmp_path / "gen")
    second.fit(1, 1e-3)
    assert losses(first) == losses(second)


# Callbacks

class Ends(Callback):
    """Notes that a training has begun and ended; may fail at either."""

    def __init__(self, order=0, fail_at=""):
        self.order, self.fail_at, self.heard = order, fail_at, []

    def hear(self, event):
        if event == self.fail_at:
            raise RuntimeError(f"failed at {event}")
        self.heard.append(event)

    def on_train_begin(self, learn):
        self.hear("begin")

    def on_batch_begin(self, learn):
        self.hear("batch")

    def on_train_end(self, learn):
        self.hear("end")


def test_only_callbacks_that_have_begun_are_told_of_the_end():
    first, failing, late = Ends(order=-30), Ends(fail_at="begin"), Ends(order=60)
    learn = wgan()
    with pytest.raises(RuntimeError, match="failed at begin"):
        learn.fit(1, 1e-3, callbacks=[first, failing, late])
    assert (first.heard, failing.heard, late.heard) == (["begin", "end"], [], [])
    assert not learn.training and all(p.requires_grad for p in learn.model.parameters())
    learn.fit(1, 1e-3)


def test_an_error_while_ending_does_not_hide_what_ended_the_training():
    with pytest.raises(RuntimeError, match="failed at end") as caught:
        wgan().fit(1, 1e-3, callbacks=[Ends(fail_at="batch"), Ends(fail_at="end")])
    assert str(caught.value.__context__) == "failed at batch"


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
