# %% [markdown] tags=["lang-zh"]
r"""
# 05 · 用回调重构训练循环：答案与教学笔记

先自己做，再来看。每个答案后面运行的，是课文里的同一个批改函数。
"""

# %% [markdown] tags=["lang-en"]
r"""
# 05 · The training loop as callbacks: solutions and notes for teachers

Try first, then look. The same checker runs after each solution.
"""

# %%
import copy

import torch

from gan_lessons import lab
from gan_lessons.exercises import lesson05 as check
from gan_lessons.fastai_style.callback import Callback, LearnerCallback

lab.language_switch()

# %% [markdown] tags=["lang-zh"]
r"""
## 练习 1：`ClipCritic`
"""

# %% [markdown] tags=["lang-en"]
r"""
## Exercise 1: `ClipCritic`
"""

# %%
class ClipCritic(Callback):
    def __init__(self, limit=0.01):
        self.limit = limit

    @torch.no_grad()
    def on_step_end(self, learn):
        for p in learn.critic.parameters():
            p.clamp_(-self.limit, self.limit)


verdict = check.clip_critic(ClipCritic)

# %% [markdown] tags=["lang-zh"]
r"""
生成器的回合里评论家没有动，再裁一次也不会改变什么，所以不必问轮到谁。

## 练习 2（选做）：带预热的切换器
"""

# %% [markdown] tags=["lang-en"]
r"""
In the generator's turn the critic has not moved and clipping it again changes nothing, so there is no need to ask whose turn it is.

## Exercise 2 (optional): a switcher with a warm-up
"""

# %%
class WarmUpSwitcher(LearnerCallback):
    order = 40

    def __init__(self, learn):
        super().__init__(learn)
        self.taken = 0

    def on_batch_end(self, learn):
        trainer = learn.gan_trainer
        g = trainer.gen_steps
        self.taken += 1
        if trainer.gen_mode:
            turn = 1
        elif g < 25 or g % 500 == 0:
            turn = 100
        else:
            turn = 5
        if self.taken >= turn:
            self.taken = 0
            trainer.switch()


verdict = check.warm_up_switcher(WarmUpSwitcher)

# %% [markdown] tags=["lang-zh"]
r"""
不写类也行：`partial(FixedGANSwitcher, n_crit=lambda g: 100 if g < 25 or g % 500 == 0 else 5)`。要能从存下的文件续训，类里还缺两个方法：`state` 返回 `{"taken": self.taken}`，`set_state` 取回它。要能再调用一次 `fit`，还要在 `on_train_begin` 里把 `taken` 设为 0（`learn.resuming` 为真时除外）。

## 练习 3（选做）：`DiscriminativeLR`
"""

# %% [markdown] tags=["lang-en"]
r"""
It can be done without a class: `partial(FixedGANSwitcher, n_crit=lambda g: 100 if g < 25 or g % 500 == 0 else 5)`. To go on from a saved file the class needs two more methods: `state`, which returns `{"taken": self.taken}`, and `set_state`, which takes it back. For a second `fit` it must also set `taken` to 0 in `on_train_begin`, unless `learn.resuming`.

## Exercise 3 (optional): `DiscriminativeLR`
"""

# %%
class DiscriminativeLR(Callback):
    def __init__(self, factor=5.0):
        self.factor = factor

    def on_batch_begin(self, learn):
        if not learn.gan_trainer.gen_mode:
            self.usual = learn.opt.lr
            learn.opt.lr = self.factor * self.usual

    def on_step_end(self, learn):
        if not learn.gan_trainer.gen_mode:
            learn.opt.lr = self.usual


verdict = check.discriminative_lr(DiscriminativeLR)

# %% [markdown] tags=["lang-zh"]
r"""
## 开放题（选做）：把滑动平均写成回调

只在生成器的步里更新；统计量里的计数是整数，照抄即可。
"""

# %% [markdown] tags=["lang-en"]
r"""
## Open task (optional): a moving average as a callback

It is updated in the generator's steps only; the count among the statistics is an integer and is simply copied.
"""

# %%
class MovingAverage(Callback):
    """Keep a moving average of the generator's weights and BatchNorm statistics."""

    def __init__(self, decay=0.95):
        self.decay = decay
        self.average = None

    @torch.no_grad()
    def on_step_end(self, learn):
        if not learn.gan_trainer.gen_mode:
            return
        if self.average is None:
            self.average = copy.deepcopy(learn.generator)
        for old, new in zip(self.average.state_dict().values(),
                            learn.generator.state_dict().values(), strict=True):
            if old.is_floating_point():
                old.lerp_(new, 1 - self.decay)
            else:
                old.copy_(new)


verdict = check.moving_average(MovingAverage)

# %% [markdown] tags=["lang-zh"]
r"""
第二问没有标准答案。可以参照的是 `studies/lesson05.json`：非饱和加 R1 走 600 步，`decay` 取 0.95，三个种子上，用滑动平均的权重，弗雷歇距离依次比用最新的权重小 12%、6%、40%（只试过 0.95，哪个 `decay` 最好，要看你的表）。种子 0 从 600 步走到 1,800 步，非饱和加 R1 从 12% 变成 45%，WGAN-GP 从 8% 变成 42%，裁剪却从 4% 变成 1%：滑动平均有多大用，要看是哪一种博弈。可能的原因（没有检验过）：权重若在某处附近摆动，平均就有用；权重若还在往前走，记得太久反而落后。

## 小测验的答案

选项的次序每次都会打乱，所以这里写内容。

1. 评论家给真图和假图的平均分相差 0.3，此外说不出什么。
2. 轮到评论家时 `gen_steps` 不变，条件一再成立。
3. 不能：甲的 G 走了 100 步，乙的 G 走了 300 步。
4. 更新之后没有恢复原值，评论家的每一批都再翻一倍。
5. 把梯度设为 `None`，Adam 就跳过这些参数。
"""

# %% [markdown] tags=["lang-en"]
r"""
The second question has no model answer. For comparison there is `studies/lesson05.json`: over 600 steps of non-saturating with R1, with a `decay` of 0.95, the distance of the average is smaller than that of the newest weights by 12%, 6% and 40% on the three seeds (only 0.95 was tried; which `decay` is best is for your table to say). As seed 0 goes from 600 to 1,800 steps, the gain rises from 12% to 45% for non-saturating with R1 and from 8% to 42% for WGAN-GP, but falls from 4% to 1% for clipping: how much an average helps depends on the game. A likely reason, not tested: it helps where weights swing around some place; where they are still on their way, too long a memory holds it back.

## Answers to the quiz

The options are shuffled each time, so here are the words.

1. The critic's mean scores of real pictures and fakes are 0.3 apart, and no more.
2. In the critic's batches `gen_steps` stands still and the condition stays true.
3. One cannot tell: G took 100 steps in the first and 300 in the second.
4. It is never put back, so each of the critic's batches doubles it again.
5. Set the gradients to `None`; Adam then skips these parameters.
"""

# %% [markdown] tags=["lang-zh"]
r"""
## 教学笔记

这一课是选修。学生若不用框架写代码，可以跳过；若正在用 Lightning、Trainer 或 Keras，它正好把第 04 课和手边的工具接起来。

**必讲和自学**

| 部分 | 45 分钟 | 2×45 分钟 |
|---|---|---|
| 一个循环；同一个种子，同一个结果 | 必讲，12 分钟 | 必讲，20 分钟（学生先自己拆） |
| 五个事件，先猜再跑 1 | 必讲，8 分钟 | 必讲，10 分钟 |
| 练习 1 | 必讲，5 分钟 | 必讲，5 分钟 |
| 切换器，先猜再跑 2 | 必讲，5 分钟 | 必讲，10 分钟 |
| 练习 2、3 | 自学 | 必讲，15 分钟 |
| 先猜再跑 3，同样的预算 | 必讲，10 分钟 | 必讲，10 分钟 |
| 三个种子 | 自学 | 必讲，5 分钟 |
| 典型失败案例 | 必讲，5 分钟 | 必讲，5 分钟 |
| 别处的同一个想法 | 自学 | 必讲，10 分钟（各组查一个框架的文档） |
| 开放题、小测验 | 自学（作业） | 自学（作业） |

课前请把整本运行一遍，课堂上不必重新训练。两节课时，第一节到练习 1 和切换器为止。

**板书**：画一条时间轴，评论家 5 批、生成器 1 批，每批五个点，学生说出每个点上谁在做什么。然后擦掉 `order`，问次序会怎样。

**易错点**

- 以为 `callbacks` 列表的先后就是执行的先后：它只在 `order` 相同时起作用。
- 以为冻结的网络什么都不变：批归一化的统计量会变（05b 的 `switch_eval`），两个网络共用一个优化器、梯度只清成 0 时，动量也会推动权重（小测验第 5 题）；这里各用一个优化器，不会。
- 比较两种方法时只对齐轮数。让学生算一算：批数相同，5 比 1 和 1 比 1，生成器各走多少步？

**常见的问题**

- “为什么要回调？函数参数不行吗？”可以，`gan_lessons.train.fit` 就是那样写的。参数适合事先想得到的变化，回调适合想不到的。代价是要弄懂事件和次序。
- “逐位相等是不是太严了？”正因为严才有用：两种写法只要有一处次序不同，误差就会被博弈放大，很快面目全非。
- “裁剪的图这么差，WGAN 是不是没用？”这里只有 600 步，而且学习率和步数之比都不是它的设置。它自己的设置见第 04 课。

**作业：实验报告（一周）**

把“先猜再跑 3”的比较改一处（步数之比、学习率、批大小、滑动平均四选一），三种方法各用 3 个种子重做，写一页：预算怎样保持相同，结论变了没有。

| 评分项 | 分 |
|---|---|
| 预算相同，写明哪些量相同、哪些不同 | 30 |
| 3 个种子的全部结果，附真图的参照 | 25 |
| 图：没有挑选过的样本，有图题 | 15 |
| 结论不超出数据，不利的结果照写 | 20 |
| 语言清楚 | 10 |
"""

# %% [markdown] tags=["lang-en"]
r"""
## Notes for teachers

This lesson is optional. Students who do not use a framework may skip it; for those who work with Lightning, the Trainer or Keras it connects lesson 04 with the tool at hand.

**Must and self-study**

| Part | 45 minutes | 2×45 minutes |
|---|---|---|
| one loop; the same seed, the same result | must, 12 minutes | must, 20 minutes (students take it apart first) |
| five events, predict 1 | must, 8 minutes | must, 10 minutes |
| exercise 1 | must, 5 minutes | must, 5 minutes |
| switchers, predict 2 | must, 5 minutes | must, 10 minutes |
| exercises 2, 3 | self-study | must, 15 minutes |
| predict 3, equal budgets | must, 10 minutes | must, 10 minutes |
| three seeds | self-study | must, 5 minutes |
| the failure of the day | must, 5 minutes | must, 5 minutes |
| the same idea elsewhere | self-study | must, 10 minutes (each group reads the documentation of one framework) |
| open task, quiz | self-study (homework) | self-study (homework) |

Run the whole notebook before class; nothing need be trained again in class. With two periods, the first ends with exercise 1 and the switchers.

**On the board**: draw a timeline with 5 batches of the critic and 1 of the generator, five dots each; students say who does what at each dot. Then wipe out `order` and ask what becomes of the sequence.

**Common mistakes**

- Taking the place in the list `callbacks` for the order of calls: it only breaks ties of `order`.
- Believing that nothing about a frozen network changes: BatchNorm's statistics do (`switch_eval` in 05b), and momentum moves weights where one optimizer serves both networks and gradients are set to 0 (quiz item 5); with an optimizer each, as here, it does not.
- Comparing two methods at equal epochs only. Have students work out how many steps the generator takes in as many batches at 5 to 1 and at 1 to 1.

**Common questions**

- "Why callbacks? Would arguments of a function not do?" They would: `gan_lessons.train.fit` is written that way. Arguments suit changes one has thought of, callbacks those one has not. The price is that events and their order must be understood.
- "Bit for bit, is that not too strict?" It is useful because it is strict: if two versions differ in the order of a single operation, the game magnifies the error and soon nothing looks alike.
- "Clipping looks so poor: is WGAN useless?" These are 600 steps, with a learning rate and a ratio of steps that are not its own. For its own settings see lesson 04.

**Homework: a lab report (one week)**

Change one thing in the comparison of "Predict, then run 3" (the ratio of steps, the learning rate, the batch size or the moving average), repeat it for all three methods with 3 seeds each, and write one page: how the budgets were kept equal, and whether the conclusion has changed.

| Criterion | Points |
|---|---|
| equal budgets, with what was kept the same and what was not | 30 |
| all results of the 3 seeds, with the reference of real pictures | 25 |
| figures: samples not chosen, with captions | 15 |
| conclusions within the data, unfavourable results included | 20 |
| clear language | 10 |
"""
