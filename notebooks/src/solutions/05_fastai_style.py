# %% [markdown] tags=["lang-zh"]
r"""
# 05 · fastai 式的接口：答案与教学笔记

先自己做，再来看。每个答案后面运行的，是课文里的同一个批改函数。
"""

# %% [markdown] tags=["lang-en"]
r"""
# 05 · The fastai style: solutions and notes for teachers

Try first, then look. The same checker runs after each solution.
"""

# %%
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

## 练习 2：预热的切换器
"""

# %% [markdown] tags=["lang-en"]
r"""
In the generator's turn the critic has not moved and clipping it again changes nothing, so there is no need to ask whose turn it is.

## Exercise 2: a switcher with a warm-up
"""

# %%
class WarmUpSwitcher(LearnerCallback):
    order = 40

    def __init__(self, learn):
        super().__init__(learn)
        self.taken = 0

    def on_batch_end(self, learn):
        if not learn.stepped:
            return
        trainer = learn.gan_trainer
        self.taken += 1
        g = trainer.gen_steps
        turn = 1 if trainer.gen_mode else 100 if g < 25 or g % 500 == 0 else 5
        if self.taken >= turn:
            self.taken = 0
            trainer.switch()


verdict = check.warm_up_switcher(WarmUpSwitcher)

# %% [markdown] tags=["lang-zh"]
r"""
要能从存下的文件接着练，还缺两个方法：`state` 返回 `{"taken": self.taken}`，`set_state` 取回它。`FixedGANSwitcher` 里有现成的样子。

## 练习 3：`DiscriminativeLR`
"""

# %% [markdown] tags=["lang-en"]
r"""
To go on from a saved file it needs two more methods: `state`, which returns `{"taken": self.taken}`, and `set_state`, which takes it back. `FixedGANSwitcher` shows what they look like.

## Exercise 3: `DiscriminativeLR`
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
## 小测验的答案

1. B。只有两个分数之差可读。
2. C。切换器先听到。
3. A。赝品是用滑动统计量画的。
4. D。验证的批也被数了进去。
"""

# %% [markdown] tags=["lang-en"]
r"""
## Answers to the quiz

1. B. Only the difference of two scores can be read.
2. C. The switcher hears it first.
3. A. The fakes were painted with the running statistics.
4. D. Batches of validation were counted, too.
"""

# %% [markdown] tags=["lang-zh"]
r"""
## 教学笔记

**时间安排（90 分钟）**

| 分钟 | 内容 |
|---|---|
| 10 | 两行导入，数据块。先问：`noop` 是做什么的？ |
| 10 | 六十行的循环。请学生给每段注释起一个类名 |
| 15 | 同一个种子，同一个结果；五个事件；先猜再跑 1 |
| 25 | 练习 1、2，先猜再跑 2 |
| 10 | `switch_eval`，先猜再跑 3 |
| 10 | 照 `000` 训练，读表；换损失，成绩单 |
| 10 | 今日故障，小测验 |

课前请把整本运行一遍，训练的两格课堂上不必重跑。

**板书**：画一条时间轴，评论家 5 批、生成器 1 批，每批五个点；学生说出每个点上谁在做什么。然后擦掉 `order`，问次序会怎样。

**常见的问题**

- “为什么要回调？函数参数不行吗？”可以，`gan_lessons.train.fit` 就是那样写的。参数适合事先想得到的变化，回调适合想不到的。代价是要读懂事件和次序。
- “逐位相等是不是太严了？”正因为严才有用：两种写法只要有一处次序不同，误差就会被放大，结果很快就面目全非。
- “损失为什么那么小？”裁剪到 0.01，连批归一化的缩放也压到 0.01。

**给学得快的学生**：写一个 `GradientClip` 那样的回调，记录每一步的梯度长度，画出评论家和生成器两条线；或者用 `ClipCritic` 配 `clip=None` 来训练，与默认的裁剪比较。
"""

# %% [markdown] tags=["lang-en"]
r"""
## Notes for teachers

**Timetable (90 minutes)**

| Minutes | What |
|---|---|
| 10 | Two lines of imports, the data block. Ask first: what is `noop` for? |
| 10 | The loop of sixty lines. Let students give each comment the name of a class |
| 15 | The same seed, the same result; five events; Predict, then run 1 |
| 25 | Exercises 1, 2, Predict, then run 2 |
| 10 | `switch_eval`, Predict, then run 3 |
| 10 | Training as in `000`, reading the table; another loss, the report card |
| 10 | The failure of the day, the quiz |

Run the whole notebook before class; the two cells that train need not run again in class.

**On the board**: draw a timeline with 5 batches of the critic and 1 of the generator, five dots each; students say who does what at each dot. Then wipe out `order` and ask what becomes of the sequence.

**Common questions**

- "Why callbacks? Would arguments of a function not do?" They would: `gan_lessons.train.fit` is written that way. Arguments suit changes one has thought of, callbacks those one has not. The price is that events and their order must be understood.
- "Bit for bit, is that not too strict?" It is useful because it is strict: if the two differ in the order of a single operation, the error is magnified and soon nothing looks alike.
- "Why are the losses so small?" Clipping to 0.01 presses even the scales of BatchNorm down to 0.01.

**For students who finish early**: write a callback like `GradientClip` that records the length of the gradient at every step, and draw a line for the critic and one for the generator; or train with `ClipCritic` and `clip=None` and compare with the usual clipping.
"""
