"""Where fastai went wrong: the cases Q1 to Q12 of the parity specification, each by its name."""

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import torch
from fastai_standin import (
    ADAM,
    Data,
    Diary,
    NoisyData,
    losses,
    networks,
    wgan,
)
from torch import nn

from gan_lessons.fastai_style.callback import Callback
from gan_lessons.fastai_style.gan_learner import GANLearner
from gan_lessons.fastai_style.gan_loss import NoopLoss, WassersteinLoss
from gan_lessons.fastai_style.gan_trainer import (
    AdaptiveGANSwitcher,
    FixedGANSwitcher,
    GANDiscriminativeLR,
)
from gan_lessons.fastai_style.learner import DatasetType, Learner
from gan_lessons.fastai_style.networks import basic_critic, basic_generator


def turns(learn, epochs=1, **settings):
    diary = Diary()
    learn.fit(epochs, 2e-4, callbacks=[diary], **settings)
    return diary.turns


# Q1 to Q4: whose turn it is

def test_Q1_gen_first_is_honoured():
    assert turns(wgan(gen_first=True)) == "GCCCCC"


def test_Q2_losses_are_reported_without_pictures():
    learn = wgan(show_img=False)
    learn.fit(1, 2e-4)
    row = learn.recorder.rows[0]
    assert row["gen_loss"] == pytest.approx(0.0004565, abs=2e-6)
    assert row["disc_loss"] is not None
    assert learn.gan_trainer.imgs == []


def test_Q2_a_picture_does_not_change_the_training():
    runs = []
    for show_img in (True, False):
        learn = wgan(show_img=show_img)
        learn.fit(2, 2e-4)
        runs.append(losses(learn))
    assert runs[0] == runs[1]


def test_Q3_validation_does_not_move_the_schedule():
    learn = wgan(Data(train=16, valid=8))
    assert turns(learn, epochs=3) == "CCCCCGCCCCCG"
    with torch.no_grad():
        expected = [learn.critic.eval()(learn.generator.eval()(x)) for x, _ in learn.data.valid_dl]
    assert learn.recorder.rows[-1]["valid_loss"] == pytest.approx(
        float(torch.stack(expected).mean()), abs=1e-7)


@pytest.mark.parametrize("rule", [lambda g: 3 if g < 2 else 1, lambda g: 1 + g])
def test_Q4_the_number_of_steps_may_depend_on_those_of_the_generator(rule):
    heard = []
    learn = wgan(switcher=partial(FixedGANSwitcher, n_crit=lambda g: heard.append(g) or rule(g)))
    seen = turns(learn, epochs=2)
    expected = "".join("C" * rule(g) + "G" for g in range(5))
    assert seen == expected[:12]
    assert sorted(set(heard)) == list(range(seen.count("G") + (seen[-1] == "C")))


def test_Q4_the_count_goes_on_in_a_second_fit():
    learn = wgan(switcher=partial(FixedGANSwitcher, n_crit=lambda g: 2 if g < 2 else 5))
    assert turns(learn) + turns(learn) == "CCGCCG" + "CCCCCG"


@pytest.mark.parametrize("bad", [0, -1, 2.5])
def test_switcher_refuses_numbers_of_steps_below_one(bad):
    with pytest.raises(ValueError, match="n_crit"):
        wgan(switcher=partial(FixedGANSwitcher, n_crit=bad))


def test_adaptive_switcher_compares_the_loss_of_the_step():
    seen = turns(wgan(clip=0.1, switcher=partial(AdaptiveGANSwitcher, critic_thresh=-0.0111)))
    assert seen[:2] == "CG" and len(seen) == 6  # the first loss is -0.0219
    assert turns(wgan(switcher=AdaptiveGANSwitcher)) == "CGCGCG"
    assert turns(wgan(switcher=partial(AdaptiveGANSwitcher, critic_thresh=-9.0))) == "CCCCCC"


def test_by_default_both_take_turns_one_by_one():
    learn = GANLearner(Data(), *networks(), NoopLoss(), WassersteinLoss(), silent=True)
    assert "critic 1 : generator 1" in repr(learn)
    assert turns(learn) == "CGCGCG"
    assert "critic 5 : generator 1" in repr(wgan())


# Q5: save and load

GO_ON = """
import sys
import torch
from fastai_standin import NoisyData, losses, networks, wgan
torch.set_num_threads(1)
learn = wgan(NoisyData(), networks(), clip=0.1)
learn.load({file!r})
learn.fit(2, 1e-3)
print(losses(learn))
"""


def test_Q5_goes_on_in_a_new_learner_as_if_never_interrupted(tmp_path):
    torch.manual_seed(3)
    learn = wgan(NoisyData(), clip=0.1)
    learn.fit(1, 1e-3)
    learn.save(tmp_path / "half_way")
    learn.fit(2, 1e-3)
    other = wgan(NoisyData(), clip=0.1)
    other.load(tmp_path / "half_way").fit(2, 1e-3)
    assert losses(other) == losses(learn)
    assert all(map(torch.equal, other.model.state_dict().values(),
                   learn.model.state_dict().values()))


@pytest.mark.slow
def test_Q5_goes_on_in_a_new_process_as_if_never_interrupted(tmp_path):
    torch.manual_seed(3)
    learn = wgan(NoisyData(), clip=0.1)
    learn.fit(1, 1e-3)
    learn.save(tmp_path / "half_way")
    learn.fit(2, 1e-3)
    program = GO_ON.format(file=str(tmp_path / "half_way"))
    result = subprocess.run([sys.executable, "-c", program], text=True, cwd=Path(__file__).parent,
                            capture_output=True, check=True,
                            env=os.environ | {"OMP_NUM_THREADS": "1"})
    assert result.stdout.strip() == str(losses(learn))


class SaveEveryEpoch(Callback):
    order = 90  # when everything about the epoch is known

    def __init__(self, file):
        self.file = file

    def on_epoch_end(self, learn):
        learn.save(self.file)


def test_Q5_resume_goes_on_in_the_middle_of_a_turn(tmp_path):
    def new():
        return wgan(NoisyData(train=16), clip=0.1)  # 4 batches an epoch

    whole, first, second = new(), new(), new()
    diary, early, late = Diary(), Diary(), Diary()
    torch.manual_seed(3)
    whole.fit(5, 1e-3, callbacks=[diary])
    torch.manual_seed(3)
    first.fit(2, 1e-3, callbacks=[SaveEveryEpoch(tmp_path / "run"), early])
    second.load(tmp_path / "run").fit(3, 1e-3, callbacks=[late], resume=True)
    assert early.turns + late.turns == diary.turns == "CCCCCGCCCCCGCCCCCGCC"
    assert losses(second) == losses(whole)
    assert second.gan_trainer.titles == [f"Epoch {i}" for i in range(5)]
    assert second.gan_trainer.closses == whole.gan_trainer.closses
    rows = [{k: v for k, v in row.items() if k != "time"}
            for learn in (second, whole) for row in learn.recorder.rows]
    assert rows[:5] == rows[5:]


# Q6: who keeps still keeps still

class DiracGenerator(nn.Module):
    def __init__(self):
        super().__init__()
        self.theta = nn.Parameter(torch.tensor([1.0]))

    def forward(self, z):
        return self.theta.expand(len(z), 1)


def test_Q6_the_frozen_side_does_not_move_by_one_bit():
    """The Dirac-GAN, with momentum and decay, which moved the other player in fastai 2."""
    generator, critic = DiracGenerator(), nn.Linear(1, 1, bias=False)
    data = Data()
    data.train_dl = [(torch.zeros(4, 1), torch.zeros(4, 1))] * 12
    before = {}

    def note(learn):
        still, moved = ((critic, generator) if learn.gan_trainer.gen_mode
                        else (generator, critic))
        now = {net: [p.detach().clone() for p in net.parameters()] for net in (still, moved)}
        if before:
            assert all(map(torch.equal, now[still], before[still]))
            assert not any(map(torch.equal, now[moved], before[moved]))
        assert all(p.grad is None for net in (still, moved) for p in net.parameters())
        before.update(now)

    learn = GANLearner(data, generator, critic, lambda fake, *_: -fake.mean(),
                       lambda real, fake: fake.mean() - real.mean(), silent=True, wd=0.01,
                       opt_func=partial(torch.optim.SGD, momentum=0.9))
    learn.fit(1, 0.1, callbacks=[Diary(note)])


def test_Q6_no_gradient_reaches_the_frozen_side():
    class Look(Diary):
        def on_backward_end(self, learn):
            pair = (learn.generator, learn.critic)
            learns, still = pair if learn.gan_trainer.gen_mode else pair[::-1]
            assert all(p.grad is None for p in still.parameters())
            assert all(p.grad is not None for p in learns.parameters())
            self.turns += "x"

    look = Look()
    wgan().fit(1, 2e-4, callbacks=[look])
    assert look.turns.count("x") == 6


def test_what_was_frozen_by_hand_stays_frozen_and_costs_no_gradient():
    generator, critic = networks()
    first = generator[0][0].weight.requires_grad_(False)
    before = first.clone()
    learn = wgan(nets=(generator, critic), gen_first=True)
    learn.fit(1, 1e-2)
    assert torch.equal(first, before) and not first.requires_grad


def test_a_second_learner_with_the_same_networks_trains_both():
    """Gradual resizing: fastai froze the critic for good when the first training ended."""
    nets = networks()
    wgan(nets=nets).fit(1, 2e-4)
    assert all(p.requires_grad for net in nets for p in net.parameters())
    before = [p.detach().clone() for p in nets[1].parameters()]
    wgan(nets=nets).fit(1, 2e-4)
    assert not all(map(torch.equal, before, nets[1].parameters()))


# Q7: nothing raises that has no reason to

def test_Q7_everything_works_before_the_first_fit(tmp_path):
    learn = wgan(Data())
    assert learn.validate() == []
    learn.gan_trainer.switch()
    assert learn.model.gen_mode
    learn.gan_trainer.switch(gen_mode=False)
    learn.show_results()
    assert learn.pred_batch().shape == (4, 3, 16, 16)
    assert learn.sample(3).shape == (3, 3, 16, 16)
    learn.save(tmp_path / "untrained")
    learn.load(tmp_path / "untrained")
    learn.fit(1, 2e-4)


def test_Q7_and_after_a_fit_with_and_without_validation_set():
    for data in (Data(), Data(valid=8)):
        learn = wgan(data)
        learn.fit(1, 2e-4)
        assert len(learn.validate()) == bool(data.valid_dl)
        assert learn.pred_batch().shape == (4, 3, 16, 16)
        learn.show_results(rows=2)
        assert len(data.drawn[2]) == 4


def test_a_missing_validation_set_that_was_asked_for_is_an_error():
    with pytest.raises(ValueError, match="no validation set"):
        wgan().show_results(ds_type=DatasetType.Valid)


# Q8: the critic's learning rate

def own_list(learn, make):
    learn.callback_fns.append(make)


def front_of_callbacks(learn, make):
    learn.callbacks.insert(0, make(learn))


def back_of_callbacks(learn, make):
    learn.callbacks.append(make(learn))


@pytest.mark.parametrize("add", [own_list, front_of_callbacks, back_of_callbacks])
def test_Q8_critic_learns_five_times_as_fast_wherever_the_callback_stands(add):
    learn, diary = wgan(), Diary()
    add(learn, partial(GANDiscriminativeLR, mult_lr=5.0))
    learn.fit(2, 1e-4, callbacks=[diary])
    assert diary.lrs == pytest.approx(([5e-4] * 5 + [1e-4]) * 2)
    assert [opt.lr for opt in learn.optimizers.values()] == [1e-4, 1e-4]


def test_Q8_given_to_the_constructor():
    diary = Diary()
    learn = wgan(callback_fns=[GANDiscriminativeLR])
    learn.fit(1, 1e-4, callbacks=[diary])
    assert diary.lrs == pytest.approx([5e-4] * 5 + [1e-4])


def test_Q8_a_schedule_that_sets_the_rate_batch_by_batch_is_multiplied():
    class Falling(Callback):
        rates = [1e-4 / step for step in range(1, 7)]

        def on_batch_begin(self, learn):
            learn.opt.lr = self.rates[len(diary.lrs)]

    diary = Diary()
    learn = wgan(callback_fns=[GANDiscriminativeLR])
    learn.fit(1, 1e-4, callbacks=[Falling(), diary])
    assert diary.lrs == pytest.approx([5 * rate for rate in Falling.rates[:5]] + Falling.rates[5:])


# Q9: from_learners

def test_Q9_pixel_loss_gets_what_was_made_first():
    heard = []

    def pixel_loss(made, target):
        heard.append((made.requires_grad, target.requires_grad))
        return (made - target).clamp(min=0).mean()

    generator, critic = networks(per_sample=True)
    data = Data()
    learn_gen = Learner(data, generator, loss_func=pixel_loss, silent=True)
    learn_crit = Learner(data, critic, loss_func=nn.BCEWithLogitsLoss(), silent=True)
    learn = GANLearner.from_learners(learn_gen, learn_crit, weights_gen=(1.0, 50.0), silent=True)
    assert turns(learn) == "CGCGCG"
    assert heard == [(True, False)] * 3


def test_Q9_the_two_learners_can_be_trained_first():
    data = Data(valid=8)
    for loader in (data.train_dl, data.valid_dl):
        loader[:] = [(x, torch.full_like(y, 0.7)) for x, y in loader]
    torch.manual_seed(0)
    gen = Learner(data, basic_generator(16, 3, 10, 8), loss_func=nn.MSELoss(), opt_func=ADAM,
                  silent=True)
    gen.fit(3, 1e-2)
    rows = gen.recorder.rows
    assert rows[2]["valid_loss"] < 0.9 * rows[0]["valid_loss"]
    assert gen.validate() == [rows[2]["valid_loss"]]
    assert list(rows[0]) == ["epoch", "train_loss", "valid_loss", "time"]


# Q10: wrong sizes

@pytest.mark.parametrize("size", [4, 28, 48])
@pytest.mark.parametrize("make", [basic_critic, basic_generator])
def test_Q10_sizes_that_are_no_power_of_two_are_refused(make, size):
    with pytest.raises(ValueError, match="8, 16, 32, 64"):
        make(size, 3)


@pytest.mark.parametrize("shape", [(2, 3, 32, 32), (2, 3, 8, 8), (2, 1, 16, 16), (3, 16, 16)])
def test_Q10_pictures_of_another_size_are_refused(shape):
    with pytest.raises(ValueError, match=r"\(B, 3, 16, 16\)"):
        basic_critic(16, 3, 8)(torch.zeros(shape))


def test_Q10_noise_of_another_length_is_refused():
    with pytest.raises(ValueError, match=r"\(B, 10, 1, 1\)"):
        basic_generator(16, 3, 10, 8)(torch.zeros(2, 100, 1, 1))


# Q11, Q12: nothing else has an influence

def test_Q11_the_same_seed_gives_the_same_losses():
    runs = []
    for seed in (5, 5, 6):
        torch.manual_seed(seed)
        learn = wgan(NoisyData())
        learn.fit(2, 2e-4)
        runs.append(losses(learn))
    assert runs[0] == runs[1] != runs[2]


def test_Q12_looking_changes_nothing():
    learn = wgan(Data(train=20, valid=4), clip=0.01)
    learn.fit(1, 1e-2)  # ends on a step of the critic: its weights lie outside the limit
    before = {name: value.clone() for name, value in learn.model.state_dict().items()}
    assert max(float(p.abs().max()) for p in learn.critic.parameters()) > 0.011
    learn.generator.train()
    learn.critic.eval()[0].train()
    modes = [module.training for module in learn.model.modules()]
    learn.show_results()
    learn.pred_batch()
    learn.validate()
    learn.sample(4)
    after = learn.model.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert modes == [module.training for module in learn.model.modules()]


# The phase is written down in one place

def test_switching_the_model_itself_takes_everything_along():
    class Meddler(Diary):
        order = -30

        def on_batch_begin(self, learn):
            if len(self.turns) == 1:
                learn.model.switch(True)

    def note(learn):
        nets = learn.generator, learn.critic
        return [next(net.parameters()).detach().clone() for net in nets]

    meddler, learn = Meddler(note), wgan(clip=None)
    learn.fit(1, 2e-4, callbacks=[meddler])
    assert meddler.turns == "CGCCCC"
    (generator, critic), (moved, still) = meddler.notes[:2]
    assert not torch.equal(generator, moved) and torch.equal(critic, still)


def test_switch_eval_puts_the_other_network_to_sleep():
    modes = []
    diary = Diary(lambda learn: modes.append((learn.generator.training, learn.critic.training)))
    wgan(switch_eval=True).fit(1, 2e-4, callbacks=[diary])
    assert modes == [(False, True)] * 5 + [(True, False)]


def test_the_beta_of_the_smoothed_losses_can_be_chosen():
    learn = wgan(beta=0.0)
    learn.fit(1, 2e-4)
    assert learn.gan_trainer.closses == losses(learn)[:5]
