"""Lesson 05: a callback that clips, a switcher with long first turns, a learning rate given back.

The first and the third play in a real learner, small enough to finish at once; the switcher hears
the events of a pretended one, because the schedule it must keep is thousands of steps long. The
open task, a moving average of the generator's weights, is compared with the right one.
"""

import math
from contextlib import suppress
from functools import partial
from types import SimpleNamespace

import torch
from torch import nn

from gan_lessons.exercises.checking import checker, close, require, watched
from gan_lessons.fastai_style.callback import EVENTS, Callback, notify
from gan_lessons.fastai_style.gan_learner import GANLearner
from gan_lessons.fastai_style.gan_trainer import FixedGANSwitcher
from gan_lessons.losses import NonSaturating
from gan_lessons.train import TrainingDiverged

LIMITS = (0.05, 0.2)
LONG, SHORT, FIRST, AGAIN = 100, 5, 25, 500  # the schedule of the WGAN authors' code
APART = 1e-6  # how far a moving average may be from the right one


@checker
def clip_critic(make) -> None:
    """Check ClipCritic(limit), a callback that clips the critic after each of its steps."""
    for seed, limit in enumerate(LIMITS):
        check_clipping(make, limit, seed)


def check_clipping(make, limit: float, seed: int) -> None:
    """Play with the callback and require that the critic, and it alone, was clipped to `limit`."""
    look = _Look()
    learn = _play(_made(make, limit), look, lr=1.0, seed=seed)
    start, now = look.first, {n: p.detach() for n, p in learn.generator.named_parameters()}
    require(all(float(p.abs().max()) > limit * 1.001 for p in (*start.values(), *now.values())),
            "生成器的权重也被裁剪了：learn.model 里有两个网络，只裁 learn.critic。",
            "The generator's weights were clipped, too: learn.model holds both networks; clip "
            "learn.critic alone.")
    after, met = max(look.after), max(look.met)
    require(not (met <= limit * 1.001 < after),
            f"裁得太早：fastai 也是在每批开始时裁，于是更新之后权重到了 {after:.2f}，要等下一批"
            "开始才回来。更新之后的事件是 on_step_end。",
            f"Too early: like fastai, this clips when a batch begins, so that after its update a "
            f"weight is {after:.2f} and stays there until the next batch. The event after the "
            "update is on_step_end.")
    require(not (after > limit * 1.001 and max(look.gradients) <= limit * 1.001),
            "裁的是梯度，不是权重：要裁的是参数本身（.data 或 torch.no_grad() 里的 clamp_）。",
            "The gradients were clipped, not the weights: clamp the parameters themselves, inside "
            "torch.no_grad().")
    require(not look.matrices <= limit * 1.001 < after,
            "只裁了权重矩阵，偏置或批归一化的参数超出了范围：要裁的是 learn.critic 的每一个参数。",
            "The matrices are clipped, but biases or the parameters of BatchNorm are beyond the "
            "limit: clip every parameter of learn.critic.")
    require(after <= limit * 1.001,
            f"评论家更新之后有权重达到 {after:.2f}，超出了 limit={limit}：没有裁剪，或者裁的是别的"
            "网络。在 on_step_end 里裁 learn.critic 的每个参数。",
            f"After an update of the critic a weight is {after:.2f}, beyond limit={limit}: nothing "
            "was clipped, or another network. In on_step_end clip every parameter of "
            "learn.critic.")
    require(after > limit * 0.999,
            f"权重最大只到 {after:.3f}，裁剪的范围比 limit={limit} 小：请用 self.limit。",
            f"The largest weight is {after:.3f}, so it was clipped to less than limit={limit}: use "
            "self.limit.")
    require(min(look.lowest) < -limit / 2,
            "负的权重不见了：裁剪的范围是从 -limit 到 +limit，两侧都要留。",
            "Negative weights are gone: clip to between -limit and +limit, on both sides.")


@checker
def warm_up_switcher(make) -> None:
    """Check WarmUpSwitcher(learn): 100 steps of the critic at first, 5 later, 1 of G between."""
    turns = _turns(make)
    critic, gen = turns[0::2], turns[1::2]
    require(len(critic) > 1,
            "评论家一直没有交出回合。数够了步数，就调用 learn.gan_trainer.switch()。",
            "The critic never handed over. Once it has taken its steps, call "
            "learn.gan_trainer.switch().")
    require(gen and set(gen[:-1] or gen) == {1},
            f"生成器的一个回合应当只有 1 步，这里有 {max(gen, default=0)} 步：轮到它时，走一步就"
            "交回去。",
            f"A turn of the generator should be 1 step, here it is {max(gen, default=0)}: when it "
            "is its turn, hand back after one step.")
    require(critic[0] != SHORT, "第一个回合只有 5 步：还没有预热，开头应是 100 步。",
            "The first turn has 5 steps: there is no warm-up yet, it should be 100.")
    require(critic[0] == LONG,
            f"第一个回合有 {critic[0]} 步，应是 100。先把这一步数进去，再比较。",
            f"The first turn has {critic[0]} steps, it should be 100. Count the step first, then "
            "compare.")
    require(critic[1] == LONG,
            f"第二个回合有 {critic[1]} 步，应是 100：交出回合时，计数要归零。",
            f"The second turn has {critic[1]} steps, it should be 100: back to zero when the turn "
            "is handed over.")
    long = next((i for i, n in enumerate(critic) if n != LONG), len(critic))
    require(long == FIRST,
            f"100 步的回合有 {long} 个，应是 25 个：看 learn.gan_trainer.gen_steps 是否小于 25。",
            f"There are {long} turns of 100 steps, there should be 25: ask whether "
            "learn.gan_trainer.gen_steps is below 25.")
    require(set(critic[FIRST:AGAIN]) == {SHORT},
            f"预热之后每个回合应是 5 步，这里有 {sorted(set(critic[FIRST:AGAIN]))}。",
            "After the warm-up every turn should have 5 steps, here there are "
            f"{sorted(set(critic[FIRST:AGAIN]))}.")
    require(critic[AGAIN] == LONG,
            f"生成器走完 500 步之后的那个回合又应是 100 步，这里是 {critic[AGAIN]}：gen_steps 能被 "
            "500 整除时也要长回合。",
            f"The turn after the generator's step number 500 should have 100 steps again, here "
            f"it has {critic[AGAIN]}: long turns also when gen_steps is a multiple of 500.")
    turns = turns[0::2]
    later = [turns[n] for n in range(2 * AGAIN, len(turns) - 1, AGAIN)]
    require(later == [LONG] * len(later) and turns[AGAIN + 1] == SHORT,
            f"第 500 步之后对了，到第 1000 步又不对：那里的回合是 {later}，应是 100 步。"
            "每到 500 的倍数都要长回合，不只是第一次。",
            f"It is right after step 500 but not after step 1000: there a turn has {later} steps, "
            "it should be 100. Long turns at every multiple of 500, not only the first.")


@checker
def discriminative_lr(make) -> None:
    """Check DiscriminativeLR(factor): the critic's steps are taken factor times as fast."""
    for seed, (base, factor) in enumerate(((0.01, 5.0), (0.02, 0.5))):
        check_rates(make, base, factor, seed)


def check_rates(make, base: float, factor: float, seed: int) -> None:
    """Play with the callback and require the learning rates that it should give."""
    look = _Look()
    learn = _play(_made(make, factor), look, lr=base, seed=seed)
    critic, gen = look.rates["critic"], look.rates["generator"]
    require(not close(critic, [base] * len(critic)),
            "评论家的每一步都还是原来的学习率：在更新之前（on_batch_begin 或 on_backward_end）"
            "改 learn.opt.lr。",
            "Every step of the critic still has the usual learning rate: change learn.opt.lr "
            "before the update, in on_batch_begin or on_backward_end.")
    require(close(critic[:1], [factor * base]),
            f"factor={factor:g} 时，评论家第一步的学习率是 {critic[0]:g}，应是 {factor * base:g}："
            "self.factor 乘以原来的学习率。",
            f"With factor={factor:g} the critic's first step has the learning rate "
            f"{critic[0]:g}, it should be {factor * base:g}: self.factor times the usual one.")
    require(close(gen, [base] * len(gen)),
            f"生成器的学习率也变了：{gen[0]:g}，应是 {base:g}。先看 learn.gan_trainer.gen_mode。",
            f"The generator's learning rate changed, too: {gen[0]:g}, it should be {base:g}. Look "
            "at learn.gan_trainer.gen_mode first.")
    require(close(critic, [factor * base] * len(critic)),
            f"没有还回去：评论家第二步的学习率成了 {critic[1]:g}。更新之后（on_step_end）要恢复"
            "原值。",
            f"It was not given back: at the critic's second step the learning rate is "
            f"{critic[1]:g}. Restore it after the update, in on_step_end.")
    left = learn.optimizers["critic"].lr, learn.optimizers["generator"].lr
    require(close(left, [base, base]),
            f"训练结束之后，两个优化器的学习率是 {left[0]:g} 和 {left[1]:g}，都应是 {base:g}。",
            f"After training the two optimizers have the learning rates {left[0]:g} and "
            f"{left[1]:g}; both should be {base:g}.")
    look = _Look()
    _play(_made(make, factor), look, _Falling(base), lr=base, seed=seed)
    expected = [factor * base / batch for batch in look.critic_batches]
    require(close(look.rates["critic"], expected),
            "学习率本身在变时就错了：每一步都要从当时的 learn.opt.lr 算起，不能用开头记下的值。",
            "With a learning rate that follows a schedule it goes wrong: start from learn.opt.lr "
            "at each step, not from a value noted at the beginning.")


@checker
def moving_average(make) -> tuple[str, str]:
    """Check the open task, MovingAverage(decay): `average` equals what the learner's `ema=` keeps.

    That is, it is a copy after the generator's first step, and after each later one
    decay * average + (1 - decay) * weights, statistics of BatchNorm included.
    """
    worst = max(check_average(make, decay, seed) for seed, decay in enumerate((0.9, 0.6)))
    return (f"与参照最多相差 {worst:.7f}，标准是 {APART:.7f}。",
            f"It differs from the reference by at most {worst:.7f}; the bar is {APART:.7f}.")


def check_average(make, decay: float, seed: int) -> float:
    """Play with the callback; return how far its average is from the right one, at most APART."""
    callback, right = _made(make, decay), _Averages(decay)
    learn = _play(callback, right, lr=0.05, seed=seed, norm=True)
    average = getattr(callback, "average", None)
    require(isinstance(average, nn.Module),
            "训练之后，self.average 应当是平均出来的网络。",
            "After training, self.average should be the averaged network.")
    alone = _play(lr=0.05, seed=seed, norm=True)
    require(_apart(learn.generator.state_dict(), alone.generator.state_dict()) <= APART,
            "生成器本身被改动了：只能更新那一份复制品。",
            "The generator itself was changed: update the copy alone.")
    own = {p.data_ptr() for p in learn.generator.parameters()}
    require(not any(p.data_ptr() in own for p in average.parameters()),
            "平均和生成器用的是同一份权重，一个变，另一个也变：要复制一份（copy.deepcopy）。",
            "The average and the generator share their weights, so that one changes with the "
            "other: make a copy (copy.deepcopy).")
    kept = {name.removeprefix("module."): value for name, value in average.state_dict().items()
            if name != "n_averaged"}  # torch's AveragedModel has these
    for name, (zh, en) in MISTAKES.items():
        require(_apart(kept, right.kept[name]) > APART, zh, en)
    apart = _apart(kept, right.kept["right"])
    require(apart <= APART or _apart(kept, {**right.kept["right"], **right.first}) > APART,
            "批归一化的统计量没有跟着平均：它们不是参数，在 buffers() 或 state_dict() 里。",
            "The statistics of BatchNorm do not follow: they are no parameters but buffers; "
            "state_dict() has both.")
    require(apart <= APART,
            f"平均与参照相差 {apart:.3f}：每一步都是 decay * 平均 + (1 - decay) * 权重。",
            f"The average is {apart:.3f} from the reference: each step is decay * average + "
            "(1 - decay) * weights.")
    return apart


MISTAKES = {
    "newest": ("这是最新的权重，没有平均：每一步只往新权重走 1 - decay 那么远。",
               "These are the newest weights, no average: go only 1 - decay of the way at each "
               "step."),
    "untrained": ("平均一直是训练之前的权重：在生成器的每一步之后更新它。",
                  "The average still has the weights from before the training: update it after "
                  "each step of the generator."),
    "swapped": ("decay 和 1 - decay 写反了：decay 越大，平均变得越慢。",
                "decay and 1 - decay are the wrong way round: the larger the decay, the slower "
                "the average."),
    "critic's steps, too": ("评论家的步里也更新了：生成器没有动，不该算一步。",
                            "It is updated in the critic's steps, too: the generator has not moved "
                            "there, so they should not count."),
    "from before": ("平均从训练之前的权重算起：生成器走完第一步时，先照抄一份。",
                    "The average starts from the weights before the training: after the "
                    "generator's first step it should be a copy."),
}


class _Averages(Callback):
    """Keeps the right average of the generator, and those that come of usual mistakes."""

    order = 900

    def __init__(self, decay: float):
        self.decay = decay
        self.kept: dict[str, dict] = {}
        self.first: dict = {}  # the statistics of BatchNorm before the training
        self.steps = 0

    def on_train_begin(self, learn):
        start = _copied(learn.generator)
        self.kept = {name: _copied(learn.generator) for name in ("right", *MISTAKES)}
        self.first = {name: value for name, value in start.items() if "running" in name}

    def on_step_end(self, learn):
        new = learn.generator.state_dict()
        moves = {"critic's steps, too": 1 - self.decay}
        if learn.gan_trainer.gen_mode:
            self.steps += 1
            moves |= {"right": 1 - self.decay, "swapped": self.decay, "newest": 1.0,
                      "from before": 1 - self.decay}
        for name, share in moves.items():
            copies = self.steps == 1 and name in ("right", "swapped")
            for old, value in zip(self.kept[name].values(), new.values(), strict=True):
                if old.is_floating_point():
                    old.lerp_(value, 1.0 if copies else share)


def _copied(network: nn.Module) -> dict:
    return {name: value.clone() for name, value in network.state_dict().items()}


def _apart(a: dict, b: dict) -> float:
    """Return the largest difference of two networks' weights and statistics."""
    if [tuple(value.shape) for value in a.values()] != [tuple(v.shape) for v in b.values()]:
        return math.inf
    return max(float((one - other).abs().max()) for one, other in
               zip(a.values(), b.values(), strict=True) if one.is_floating_point())


class _Look(Callback):
    """Notes what the players are like at every batch; the last to be told, so it sees the end."""

    order = 1000

    def __init__(self):
        self.met, self.after, self.lowest, self.gradients = [], [], [], []
        self.matrices = 0.0  # the largest entry of a weight matrix after a step of the critic
        self.rates = {"critic": [], "generator": []}
        self.first, self.batch, self.critic_batches = None, 0, []

    def on_batch_begin(self, learn):
        if self.first is None:
            self.first = {n: p.detach().clone() for n, p in learn.generator.named_parameters()}
        self.batch += 1
        self.turn = "generator" if learn.gan_trainer.gen_mode else "critic"
        if self.turn == "generator":
            self.met.append(_largest(learn.critic.parameters()))

    def on_backward_end(self, learn):
        self.rates[self.turn].append(learn.opt.lr)
        if self.turn == "critic":
            self.critic_batches.append(self.batch)

    def on_step_end(self, learn):
        if self.turn == "critic":
            self.gradients.append(_largest(p.grad for p in learn.critic.parameters()))

    def on_batch_end(self, learn):
        if self.turn == "critic":
            self.after.append(_largest(learn.critic.parameters()))
            self.matrices = max(self.matrices, _largest(
                p for p in learn.critic.parameters() if p.ndim > 1))
            self.lowest.append(min(float(p.detach().min()) for p in learn.critic.parameters()))


class _Falling(Callback):
    """A schedule: at batch number b, from 1, the learning rate is `base` / b."""

    order = -100

    def __init__(self, base: float):
        self.base, self.batch = base, 0

    def on_batch_begin(self, learn):
        self.batch += 1
        for opt in learn.optimizers.values():
            opt.lr = self.base / self.batch


class _Points:
    """Data of a learner: twelve batches of noise and of points around (4, -4), always the same."""

    def __init__(self):
        self.train_dl = [(torch.randn(8, 2), torch.randn(8, 2) + torch.tensor([4.0, -4.0]))
                         for _ in range(12)]
        self.train_ds, self.valid_dl = range(96), None
        self.device = torch.device("cpu")


class _Trainer:
    """A GANTrainer that only counts."""

    def __init__(self):
        self.gen_mode, self.gen_steps, self.critic_steps = False, 0, 0

    def switch(self, gen_mode: bool | None = None):
        self.gen_mode = not self.gen_mode if gen_mode is None else bool(gen_mode)


def _made(make, *settings) -> Callback:
    """Return the learner's callback; a method that returns `...` counts as not attempted."""
    callback = make(*settings)
    require(isinstance(callback, Callback),
            "这个类应当继承 Callback：class 名字(Callback)。",
            "The class should inherit from Callback: class Name(Callback).")
    for event in EVENTS:
        if (method := getattr(callback, event, None)) is not None:
            setattr(callback, event, watched(method))
    return callback


def _play(*callbacks, lr: float, seed: int = 0, norm: bool = False) -> GANLearner:
    """Return a small learner after twelve batches with these callbacks; turns of 2 and 1 steps.

    `norm` gives the generator a BatchNorm.
    """
    torch.manual_seed(seed)
    generator: nn.Module = nn.Linear(2, 2)
    with torch.no_grad():
        for parameter in generator.parameters():
            parameter.uniform_(0.5, 1.0)
    if norm:
        generator = nn.Sequential(generator, nn.BatchNorm1d(2), nn.Linear(2, 2))
    critic = nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.LeakyReLU(0.2), nn.Linear(8, 1),
                           nn.Flatten(0))
    learn = GANLearner.from_loss(_Points(), generator, critic, NonSaturating(), wd=0.0,
                                 opt_func=torch.optim.SGD, show_img=False, silent=True,
                                 switch_eval=False, switcher=partial(FixedGANSwitcher, n_crit=2))
    with suppress(TrainingDiverged):  # a wrong answer may do that; what it did is noted by then
        learn.fit(1, lr, callbacks=callbacks)
    return learn


def _turns(make) -> list[int]:
    """Return the lengths of the turns, in steps: critic, generator, critic, ..."""
    # a learner that tells its switcher of batches and trains nothing
    learn = SimpleNamespace(gan_trainer=_Trainer(), resuming=False)
    turns, gen_moves = [0], False
    switcher = _made(make, learn)
    notify(switcher, "on_train_begin", learn)
    notify(switcher, "on_epoch_begin", learn)
    for _ in range(8800):  # batches
        if learn.gan_trainer.gen_mode != gen_moves:
            gen_moves = learn.gan_trainer.gen_mode
            turns.append(0)
        turns[-1] += 1
        for event in EVENTS[2:7]:  # those of one batch
            if event == "on_step_end" and gen_moves:
                learn.gan_trainer.gen_steps += 1
            elif event == "on_step_end":
                learn.gan_trainer.critic_steps += 1
            notify(switcher, event, learn)
    return turns


def _largest(tensors) -> float:
    return max(float(tensor.detach().abs().max()) for tensor in tensors)
