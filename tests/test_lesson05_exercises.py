"""Lesson 05's checkers pass the solutions and give each named mistake the reason that fits."""

import copy

import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from gan_lessons.exercises import lesson05 as check
from gan_lessons.fastai_style.callback import Callback, LearnerCallback
from gan_lessons.fastai_style.gan_learner import GANLearner
from gan_lessons.losses import NonSaturating
from gan_lessons.penalties import clip_weights


class Clip(Callback):
    def __init__(self, limit):
        self.limit = limit

    def on_step_end(self, learn):
        clip_weights(learn.critic, self.limit)


class ClipAtTheEnd(Clip):
    on_step_end = None

    def on_batch_end(self, learn):
        if not learn.gan_trainer.gen_mode:
            with torch.no_grad():
                for p in learn.critic.parameters():
                    p.copy_(p.clamp(-self.limit, self.limit))


class ClipNothing(Clip):
    def on_step_end(self, learn):
        pass


class ClipFirst(Clip):
    on_step_end = None

    def on_batch_begin(self, learn):
        clip_weights(learn.critic, self.limit)


class ClipBoth(Clip):
    def on_step_end(self, learn):
        clip_weights(learn.model, self.limit)


class ClipGenerator(Clip):
    def on_step_end(self, learn):
        clip_weights(learn.generator, self.limit)


class ClipGradients(Clip):
    on_step_end = None

    def on_backward_end(self, learn):
        torch.nn.utils.clip_grad_value_(learn.opt.parameters, self.limit)


class ClipAbove(Clip):
    def on_step_end(self, learn):
        for p in learn.critic.parameters():
            p.data.clamp_(0, self.limit)


class ClipFixed(Clip):
    def on_step_end(self, learn):
        clip_weights(learn.critic, 0.01)


class ClipMatrices(Clip):
    """Leaves out biases and BatchNorm."""

    def on_step_end(self, learn):
        with torch.no_grad():
            for p in learn.critic.parameters():
                if p.ndim > 1:
                    p.clamp_(-self.limit, self.limit)


class ClipHalf(Clip):
    def on_step_end(self, learn):
        clip_weights(learn.critic, self.limit / 2)


class ClipBy005(Clip):
    """Right for the first limit that is tried."""

    def on_step_end(self, learn):
        clip_weights(learn.critic, 0.05)


class ClipByHand(Clip):
    """Another spelling: whenever it is the critic's turn."""

    def on_step_end(self, learn):
        if not learn.gan_trainer.gen_mode:
            for p in learn.critic.parameters():
                p.data = p.data.clamp(-self.limit, self.limit)


class NoCallback:
    def __init__(self, limit):
        self.limit = limit

    on_step_end = Clip.on_step_end


class WarmUp(LearnerCallback):
    order, first, again, start = 40, 25, 500, 0

    def __init__(self, learn):
        super().__init__(learn)
        self.taken = self.start

    def target(self, trainer):
        g = trainer.gen_steps
        return 100 if g < self.first or g % self.again == 0 else 5

    def on_batch_end(self, learn):
        trainer = learn.gan_trainer
        if trainer.gen_mode:
            self.hand_over(trainer)
            return
        self.taken += 1
        if self.taken >= self.target(trainer):
            self.hand_over(trainer)

    def hand_over(self, trainer):
        self.taken = 0
        trainer.switch()


class Never(WarmUp):
    def hand_over(self, trainer):
        pass


class NoWarmUp(WarmUp):
    first, again = 0, 10**9

    def target(self, trainer):
        return 5


class OneMore(WarmUp):
    start = -1


class KeepsCounting(WarmUp):
    def hand_over(self, trainer):
        trainer.switch()


class TooLong(WarmUp):
    first = 26


class OnlyAtFirst(WarmUp):
    again = 10**9

    def target(self, trainer):
        return 100 if trainer.gen_steps < 25 else 5


class FourLater(WarmUp):
    def target(self, trainer):
        return 4 if super().target(trainer) == 5 else 100


class StaysWithG(WarmUp):
    def on_batch_end(self, learn):
        self.taken += 1
        if self.taken >= self.target(learn.gan_trainer):
            self.hand_over(learn.gan_trainer)


class OnceAt500(WarmUp):
    """Long turns before the first 25 steps and at step 500, but never again."""

    def target(self, trainer):
        return 100 if trainer.gen_steps < 25 or trainer.gen_steps == 500 else 5


class OneLater(WarmUp):
    """Off by one: long turns at 501, 1001 and so on."""

    def target(self, trainer):
        return 100 if trainer.gen_steps < 25 or trainer.gen_steps % 500 == 1 else 5


class FromThenOn(WarmUp):
    """Long turns from step 500 on."""

    def target(self, trainer):
        return 100 if trainer.gen_steps < 25 or trainer.gen_steps >= 500 else 5


class ByTurns(WarmUp):
    """Another spelling: counts down, and counts the turns itself."""

    def __init__(self, learn):
        super().__init__(learn)
        self.left, self.turns = 100, 0

    def on_batch_end(self, learn):
        if learn.gan_trainer.gen_mode:
            self.turns += 1
            long = self.turns < 25 or self.turns % 500 == 0
            self.left = 100 if long else 5
            learn.gan_trainer.switch(gen_mode=False)
        else:
            self.left -= 1
            if self.left == 0:
                learn.gan_trainer.switch(gen_mode=True)


class Rate(Callback):
    def __init__(self, factor):
        self.factor = factor

    def on_batch_begin(self, learn):
        if not learn.gan_trainer.gen_mode:
            self.usual = learn.opt.lr
            learn.opt.lr *= self.factor

    def on_step_end(self, learn):
        if not learn.gan_trainer.gen_mode:
            learn.opt.lr = self.usual


class RateJustBefore(Rate):
    on_batch_begin = None

    def on_backward_end(self, learn):
        if not learn.gan_trainer.gen_mode:
            learn.opt.lr *= self.factor

    def on_step_end(self, learn):
        if not learn.gan_trainer.gen_mode:
            learn.opt.lr /= self.factor


class RateKept(Rate):
    on_step_end = None


class RateForBoth(Rate):
    def on_batch_begin(self, learn):
        self.usual = learn.opt.lr
        learn.opt.lr *= self.factor

    def on_step_end(self, learn):
        learn.opt.lr = self.usual


class RateAfter(Rate):
    on_batch_begin = None

    def on_step_end(self, learn):
        if not learn.gan_trainer.gen_mode:
            learn.opt.lr *= self.factor
            learn.opt.lr /= self.factor


class RateFixed(Rate):
    """Five times, whatever the factor is."""

    def on_batch_begin(self, learn):
        if not learn.gan_trainer.gen_mode:
            self.usual = learn.opt.lr
            learn.opt.lr *= 5


class RateAdded(Rate):
    """Adds where it should multiply."""

    def on_batch_begin(self, learn):
        if not learn.gan_trainer.gen_mode:
            self.usual = learn.opt.lr
            learn.opt.lr += self.factor


class RateReset(Rate):
    """Gives back a fixed number."""

    def on_step_end(self, learn):
        learn.opt.lr = 0.01


class RateOnce(Rate):
    """Sets both rates before training, and leaves them so."""

    on_batch_begin = on_step_end = None

    def on_train_begin(self, learn):
        learn.optimizers["critic"].lr *= self.factor


class RateDivided(Rate):
    def on_batch_begin(self, learn):
        if not learn.gan_trainer.gen_mode:
            self.usual = learn.opt.lr
            learn.opt.lr /= self.factor


class RateLate(Rate):
    """Gives back after the switcher, when `learn.opt` is already the other player's."""

    order = 41
    on_step_end = None

    def on_batch_end(self, learn):
        if learn.gan_trainer.gen_mode:
            learn.opt.lr /= self.factor


class RateFromTheStart(Rate):
    def on_train_begin(self, learn):
        self.usual = learn.optimizers["critic"].lr

    def on_batch_begin(self, learn):
        if not learn.gan_trainer.gen_mode:
            learn.opt.lr = self.factor * self.usual


RIGHT = [(check.clip_critic, Clip), (check.clip_critic, ClipAtTheEnd),
         (check.clip_critic, ClipByHand),
         (check.warm_up_switcher, WarmUp), (check.warm_up_switcher, ByTurns),
         (check.discriminative_lr, Rate), (check.discriminative_lr, RateJustBefore)]

WRONG = [
    (check.clip_critic, ClipNothing, "nothing was clipped, or another"),
    (check.clip_critic, ClipFirst, "Too early"),
    (check.clip_critic, ClipBoth, "The generator's weights were clipped, too"),
    (check.clip_critic, ClipGenerator, "The generator's weights were clipped, too"),
    (check.clip_critic, ClipGradients, "The gradients were clipped, not the weights"),
    (check.clip_critic, ClipAbove, "Negative weights are gone"),
    (check.clip_critic, ClipFixed, "use self.limit"),
    (check.clip_critic, NoCallback, "should inherit from Callback"),
    (check.warm_up_switcher, Never, "never handed over"),
    (check.warm_up_switcher, NoWarmUp, "there is no warm-up yet"),
    (check.warm_up_switcher, OneMore, "The first turn has 101 steps"),
    (check.warm_up_switcher, KeepsCounting, "back to zero"),
    (check.warm_up_switcher, TooLong, "There are 26 turns of 100 steps"),
    (check.warm_up_switcher, OnlyAtFirst, "multiple of 500"),
    (check.warm_up_switcher, FourLater, "every turn should have 5 steps"),
    (check.warm_up_switcher, StaysWithG, "hand back after one step"),
    (check.discriminative_lr, RateKept, "It was not given back"),
    (check.discriminative_lr, RateForBoth, "The generator's learning rate changed, too"),
    (check.discriminative_lr, RateAfter, "still has the usual learning rate"),
    (check.discriminative_lr, RateDivided, "it should be 0.05"),
    (check.discriminative_lr, RateLate, "learning rate changed, too"),
    (check.discriminative_lr, RateFromTheStart, "follows a schedule"),
    # what the readings of the course found
    (check.warm_up_switcher, OnceAt500, "every multiple of 500, not only the first"),
    # and what else students type
    (check.clip_critic, ClipMatrices, "biases or the parameters of BatchNorm"),
    (check.clip_critic, ClipHalf, "use self.limit"),
    (check.clip_critic, ClipBy005, "use self.limit"),
    (check.warm_up_switcher, OneLater, "multiple of 500"),
    (check.warm_up_switcher, FromThenOn, "every multiple of 500"),
    (check.discriminative_lr, RateFixed, "With factor=0.5"),
    (check.discriminative_lr, RateAdded, "self.factor times the usual one"),
    (check.discriminative_lr, RateReset, "it should be"),
    (check.discriminative_lr, RateOnce, "both should be 0.01"),
]


@pytest.mark.parametrize("checker, answer", RIGHT)
def test_right_answers_pass(checker, answer, capsys):
    assert checker(answer) == "passed", capsys.readouterr().out


@pytest.mark.parametrize("checker, answer, reason", WRONG)
def test_wrong_answers_get_the_reason_that_fits(checker, answer, reason, capsys):
    assert checker(answer) == "not yet"
    said = capsys.readouterr().out
    assert reason in said
    assert any("\u4e00" <= letter <= "\u9fff" for letter in said)


@pytest.mark.parametrize("checker, base, event", [
    (check.clip_critic, Clip, "on_step_end"), (check.warm_up_switcher, WarmUp, "on_batch_end"),
    (check.discriminative_lr, Rate, "on_batch_begin")])
def test_a_stub_is_not_an_error(checker, base, event, capsys):
    stub = type("Stub", (base,), {event: lambda self, learn: ...})
    assert checker(stub) == checker(...) == "not attempted"
    assert capsys.readouterr().out.count("Not attempted") == 2


# ---- the open task: a moving average ----

class Average(Callback):
    """The right one; the others change one thing."""

    order = 0

    def __init__(self, decay):
        self.decay, self.average = decay, None

    def tensors(self, network):
        return network.state_dict().values()

    def mixed(self, old, new):
        return self.decay * old + (1 - self.decay) * new

    @torch.no_grad()
    def on_step_end(self, learn):
        if not learn.gan_trainer.gen_mode:
            return
        if self.average is None:
            self.average = copy.deepcopy(learn.generator)
        for old, new in zip(self.tensors(self.average), self.tensors(learn.generator),
                            strict=True):
            if old.is_floating_point():
                old.copy_(self.mixed(old, new))
            else:
                old.copy_(new)


class AverageOfTorch(Callback):
    """Another spelling: torch's own."""

    def __init__(self, decay):
        self.decay = decay

    def on_train_begin(self, learn):
        self.average = AveragedModel(learn.generator, use_buffers=True,
                                     multi_avg_fn=get_ema_multi_avg_fn(self.decay))

    def on_batch_end(self, learn):
        if learn.gan_trainer.gen_mode:
            self.average.update_parameters(learn.generator)


class NoAverage(Average):
    def on_step_end(self, learn):
        pass


class AverageIsTheGenerator(Average):
    def on_train_begin(self, learn):
        self.average = learn.generator

    def on_step_end(self, learn):
        pass


class AverageNewest(Average):
    def mixed(self, old, new):
        return new


class AverageNever(Average):
    def on_train_begin(self, learn):
        self.average = copy.deepcopy(learn.generator)

    def on_step_end(self, learn):
        pass


class AverageSwapped(Average):
    def mixed(self, old, new):
        return (1 - self.decay) * old + self.decay * new


class AverageFromBefore(Average):
    def on_train_begin(self, learn):
        self.average = copy.deepcopy(learn.generator)


class AverageOfBothSteps(AverageFromBefore):
    @torch.no_grad()
    def on_step_end(self, learn):
        for old, new in zip(self.tensors(self.average), self.tensors(learn.generator),
                            strict=True):
            if old.is_floating_point():
                old.copy_(self.mixed(old, new))


class AverageOfParameters(Average):
    """Forgets the statistics of BatchNorm."""

    def tensors(self, network):
        return list(network.parameters())

    def on_train_begin(self, learn):
        self.at_first = copy.deepcopy(learn.generator)

    def on_step_end(self, learn):
        super().on_step_end(learn)
        if self.average is not None:
            for old, new in zip(self.average.buffers(), self.at_first.buffers(), strict=True):
                old.copy_(new)


class AverageFixed(Average):
    def mixed(self, old, new):
        return 0.9 * old + 0.1 * new


class AverageIntoTheGenerator(Average):
    """Takes a step of the generator towards the average."""

    @torch.no_grad()
    def on_step_end(self, learn):
        super().on_step_end(learn)
        if self.average is not None:
            for new, old in zip(learn.generator.parameters(), self.average.parameters(),
                                strict=True):
                new.lerp_(old, 0.5)


@pytest.mark.parametrize("answer", [Average, AverageOfTorch])
def test_the_right_average_passes(answer, capsys):
    assert check.moving_average(answer) == "passed", capsys.readouterr().out


@pytest.mark.parametrize("answer, reason", [
    (NoAverage, "self.average should be the averaged network"),
    (AverageIsTheGenerator, "share their weights"),
    (AverageNewest, "These are the newest weights"),
    (AverageNever, "from before the training: update it"),
    (AverageSwapped, "the wrong way round"),
    (AverageFromBefore, "it should be a copy"),
    (AverageOfBothSteps, "updated in the critic's steps, too"),
    (AverageOfParameters, "statistics of BatchNorm do not follow"),
    (AverageFixed, "from the reference"),
    (AverageIntoTheGenerator, "The generator itself was changed"),
    (type("Other", (), {"__init__": lambda self, decay: None}), "should inherit from Callback"),
])
def test_a_wrong_average_gets_the_reason_that_fits(answer, reason, capsys):
    assert check.moving_average(answer) == "not yet"
    assert reason in capsys.readouterr().out


def test_the_task_without_an_answer_is_not_an_error(capsys):
    stub = type("Stub", (Average,), {"on_step_end": lambda self, learn: ...})
    assert check.moving_average(stub) == check.moving_average(...) == "not attempted"


def test_the_average_of_the_checker_is_that_of_the_learner():
    """What `ema=` keeps in a learner is what the checker asks for."""
    torch.manual_seed(0)
    generator = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2), nn.Linear(2, 2))
    right = check._Averages(0.8)
    learn = GANLearner.from_loss(check._Points(), generator, nn.Sequential(
        nn.Linear(2, 1), nn.Flatten(0)), NonSaturating(), ema=0.8, silent=True, show_img=False)
    learn.fit(1, 0.05, callbacks=[right])
    assert check._apart(learn.generator_ema.module.state_dict(), right.kept["right"]) < 1e-6
