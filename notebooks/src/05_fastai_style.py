# %% [markdown] tags=["lang-zh", "title"]
r"""
# 05 · 用回调重构训练循环（选修）

这一课先把第 04 课的 WGAN 写成一个循环，再把它一段一段搬进几个**回调**（callback）里，再用一次训练检验，结果逐位不变。循环拆开之后，换损失、换惩罚项就只是换一个参数；于是最后让三种 GAN 在同样的预算下比一比。

- **学完你会**：把训练循环改写成回调，并检验结果没有变；说出每一批里的五个事件；写出自己的切换器和回调；在同样的步数下公平地比较几种 GAN；在 PyTorch Lightning、Hugging Face Trainer 和 Keras 里找到对应的做法。
- **需要准备**：[第 04 课](04_wgan.ipynb)的 WGAN；知道 Python 的类和继承。
- **用时**：只读一种语言，核心约 45 分钟，其中阅读 30 分钟，三次预测和练习 1 共 15 分钟。标着“选做”“选读”的（练习 2、练习 3、三个种子、别处的同一个想法、小测验）另加约 45 分钟，开放题再加约 35 分钟，都可以以后自学。全部运行一遍不到 2 分钟（两个 CPU 核心，不需要显卡，也不必联网）。
- **致谢**：接口的名字和设计来自 fastai v1，作者 Jeremy Howard 和 Sylvain Gugger：课程里的 [WGAN 笔记本](https://github.com/fastai/course-v3/blob/master/nbs/dl1/lesson7-wgan.ipynb)，以及[文档里讲 GAN 的一页](https://fastai1.fast.ai/vision.gan.html)。我们先读到的是 EmbraceLife 加了中文小标题的那一份。谢谢他们。
"""

# %% [markdown] tags=["lang-en", "title"]
r"""
# 05 · The training loop as callbacks (optional)

In this lesson the WGAN of lesson 04 is first written as one loop; then the loop moves, piece by piece, into a few **callbacks**, and we check on one training that the result is the same bit for bit. Once the loop is taken apart, another loss or another penalty is just another argument, and so the lesson ends with three GANs compared at an equal budget.

- **You will be able to**: turn a training loop into callbacks and test that nothing has changed; name the five events of every batch; write a switcher and a callback of your own; compare GANs fairly, at equal numbers of steps; find the counterparts in PyTorch Lightning, Hugging Face's Trainer and Keras.
- **You need**: the WGAN of [lesson 04](04_wgan.ipynb); classes and inheritance in Python.
- **Time**: in one language about 45 minutes for the core: 30 to read, 15 for three predictions and exercise 1. What is marked optional (exercises 2 and 3, three seeds, the same idea elsewhere, the quiz) takes about 45 more, and the open task about 35 on top; all of it can be done later, by yourself. Less than 2 minutes to run everything (two CPU cores, no graphics card, no internet connection).
- **With thanks**: names and design are those of fastai v1, by Jeremy Howard and Sylvain Gugger: the [WGAN notebook](https://github.com/fastai/course-v3/blob/master/nbs/dl1/lesson7-wgan.ipynb) of their course, and [the page about GANs](https://fastai1.fast.ai/vision.gan.html) in their documentation. We first met the notebook in EmbraceLife's copy with Chinese headings. Our thanks to all of them.
"""

# %%
import json
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import matplotlib.pyplot as plt
import torch
from torch import optim

from gan_lessons import data, lab, losses, measure, penalties, runtime, show
from gan_lessons.bilingual import say, table
from gan_lessons.exercises import lesson05 as check
from gan_lessons.fastai_style.callback import Callback, CancelFit, LearnerCallback
from gan_lessons.fastai_style.gan_learner import GANLearner
from gan_lessons.fastai_style.gan_trainer import AdaptiveGANSwitcher, FixedGANSwitcher
from gan_lessons.fastai_style.networks import NormType, basic_critic, basic_generator

runtime.set_threads(1)  # as in the study, to whose seed 0 the games below are equal
lab.language_switch()

# %% [markdown] tags=["lang-zh", "what-changed"]
r"""
## 和上一课相比

博弈没有变：评论家（critic）走 5 步，生成器走 1 步，权重裁剪到 0.01。变的是写法，循环不见了：

```diff
- for step in range(steps):
-     for _ in range(5):
-         critic_step(critic, generator, critic_optimizer, loss, real, z, clip=0.01)
-     generator_step(critic, generator, generator_optimizer, loss, z)
+ learn = GANLearner.wgan(pairs, generator, critic)
+ learn.fit(1, 2e-4)
```

循环当然还在，只是搬了家。搬到哪里去了，就是这一课的内容。

fastai 的笔记本用星号导入（`from fastai.vision.gan import *`）一次带进几十个名字，写起来方便，读的人却不知道每个名字从哪里来，所以上面逐个写明。其中 GAN 部分的名字，说明和例子都在 [05b 接口手册](05b_api_reference.ipynb)里；回调的基类在 `gan_lessons/fastai_style/callback.py`，只有几十行。
"""

# %% [markdown] tags=["lang-en", "what-changed"]
r"""
## What changed since the last lesson

The game is the same: 5 steps of the critic for 1 of the generator, weights clipped to 0.01. What is new is how it is written. The loop has gone:

```diff
- for step in range(steps):
-     for _ in range(5):
-         critic_step(critic, generator, critic_optimizer, loss, real, z, clip=0.01)
-     generator_step(critic, generator, generator_optimizer, loss, z)
+ learn = GANLearner.wgan(pairs, generator, critic)
+ learn.fit(1, 2e-4)
```

The loop still exists, of course; it has only moved. Where to is what this lesson is about.

The notebooks of fastai bring in dozens of names with a star import (`from fastai.vision.gan import *`), which is quick to write but hides from a reader where each name comes from; so the cell above names them one by one. Those of the GAN part are explained, with examples, in the [05b API reference](05b_api_reference.ipynb); the base classes of callbacks are a few dozen lines in `gan_lessons/fastai_style/callback.py`.
"""

# %% [markdown] tags=["lang-zh"]
r"""
## 一份数据，两个网络

学习器（learner）只要求数据给出三样：成批的（输入，目标）、验证集（可以没有）、所在的设备。GAN 的输入是噪声，目标就是真图（real picture）。为了一目了然，我们自己写十来行；fastai 的数据块（`GANItemList`）见 05b。数据是玩具人脸，6,400 张，32×32，共有 96 种组合。
"""

# %% [markdown] tags=["lang-en"]
r"""
## Data and two networks

A learner asks little of its data: batches of (input, target), a validation set or none, and a device. For a GAN the input is noise and the target is a real picture. To keep this in plain sight we write some ten lines of our own; fastai's data block (`GANItemList`) is in 05b. The data are toy faces, 6,400 of 32×32, of 96 combinations.
"""

# %%
faces = data.toy_faces(runtime.at_scale(smoke=640, default=6400, full=6400), size=32, core=True)
device = runtime.device()


class Batches:
    """Batches of noise and real pictures, shuffled anew in every pass."""

    def __init__(self, images, size):
        self.images, self.size = images, size

    def __len__(self):
        return len(self.images) // self.size

    def __iter__(self):
        order = torch.randperm(len(self.images))
        for chosen in order[:len(self) * self.size].split(self.size):
            noise, real = torch.randn(self.size, 100, 1, 1), data.to_signed(self.images[chosen])
            yield noise.to(device), real.to(device)


def pairs_of(images, size, valid=None):
    return SimpleNamespace(train_dl=Batches(images, size), valid_dl=valid, device=device)


def players(features=8, norm_type=NormType.Batch):
    """Return a new generator and a new critic for 32x32, the same for the same random numbers."""
    generator = basic_generator(32, 3, n_features=features)
    critic = basic_critic(32, 3, n_features=features, per_sample=True, norm_type=norm_type)
    return generator.to(device), critic.to(device)


few = pairs_of(faces.images[:640], 32)  # for quick looks: one pass is 20 batches
adam = partial(optim.Adam, betas=(0.0, 0.99))

# %% [markdown] tags=["lang-zh"]
r"""
`basic_generator` 先把 1×1 的噪声变成 4×4，边长再逐层加倍；`basic_critic` 反过来，最后给每张图一个分数（`per_sample=True`；fastai 原来的评论家给整批求平均，只返回一个数）。

## 一个循环

下面这个函数把第 04 课的循环写在一处。请读一遍：待会儿每条注释都会变成某个类里的几行。有四处和第 04 课不同，都是为了与 fastai 一致：评论家学的是**真图分数低、假图分数高**（正负号整个反过来，博弈不变）；裁剪放在每批的**开头**；优化器是 Adam，不是 RMSprop；生成器的一步也用掉一批真图，所以 20 批里评论家不到 20 步。
"""

# %% [markdown] tags=["lang-en"]
r"""
`basic_generator` goes from noise of 1×1 to 4×4 and doubles the side layer by layer; `basic_critic` goes the other way and gives each picture a score (`per_sample=True`; fastai's own critic takes the mean over the batch and returns one number).

## One loop

This function has the loop of lesson 04 in one place. Read it: each comment will become a few lines of some class. In four respects it differs from lesson 04, to agree with fastai: the critic learns **low scores for real pictures, high ones for fakes** (all signs are turned round, the game is the same); clipping comes at the **beginning** of each batch; the optimizer is Adam and not RMSprop; and a step of the generator, too, uses up a batch of real pictures, so that 20 batches are fewer than 20 steps of the critic.
"""

# %%
def one_loop(pairs, generator, critic, epochs, lr, n_critic=5, clip=0.01, beta=0.98):
    """Train a WGAN; return each player's smoothed loss after each of its steps."""
    # an optimizer for each player
    optimizers = {"G": adam(generator.parameters(), lr=lr), "C": adam(critic.parameters(), lr=lr)}
    player, taken = "C", 0
    mean, curve = {"G": 0.0, "C": 0.0}, {"G": [], "C": []}

    for _ in range(epochs):
        for noise, real in pairs.train_dl:
            # clip the critic's weights
            with torch.no_grad():
                for p in critic.parameters():
                    p.clamp_(-clip, clip)

            # one network learns, the other is frozen
            generator.requires_grad_(player == "G")
            critic.requires_grad_(player == "C")

            # the loss of the network that learns
            if player == "G":
                loss = critic(generator(noise)).mean()
            else:
                real_score = critic(real)
                with torch.no_grad():
                    fake = generator(noise)
                loss = real_score.mean() - critic(fake).mean()

            # learn
            loss.backward()
            optimizers[player].step()
            optimizers[player].zero_grad()

            # note the smoothed loss
            mean[player] = beta * mean[player] + (1 - beta) * loss.item()
            curve[player].append(mean[player] / (1 - beta ** (len(curve[player]) + 1)))

            # whose turn is it next?
            taken += 1
            if taken == (n_critic if player == "C" else 1):
                player, taken = ("G" if player == "C" else "C"), 0
    return curve


# %% [markdown] tags=["lang-zh"]
r"""
## 同一个种子，同一个结果

让循环和学习器从同样的权重、同样的随机数出发，各走三遍数据，再比较两个网络的**全部**张量：权重、偏置，还有批归一化的统计量。5 比 1 和 0.01 是 `wgan` 的默认值；`wd=0.0` 关掉 fastai 默认的权重衰减；`switch_eval=False` 让冻结的网络也留在训练模式，和我们的循环一样（另一种选择见 05b）。
"""

# %% [markdown] tags=["lang-en"]
r"""
## The same seed, the same result

Let the loop and a learner start from the same weights and the same random numbers, go through the data three times, and compare **all** tensors of both networks: weights, biases, and the statistics of BatchNorm. 5 to 1 and 0.01 are the defaults of `wgan`; `wd=0.0` switches off fastai's default weight decay; `switch_eval=False` leaves the frozen network in training mode, as our loop does (for the other choice see 05b).
"""

# %%
def small_wgan(pairs=few, **settings):
    """Return a small learner, the same every time."""
    torch.manual_seed(0)
    learn = GANLearner.wgan(pairs, *players(), opt_func=adam, wd=0.0, switch_eval=False,
                            silent=True, **settings)
    torch.manual_seed(1)  # of the order of the pictures, and of the noise
    return learn


torch.manual_seed(0)
generator, critic = players()
torch.manual_seed(1)
curve = one_loop(few, generator, critic, epochs=3, lr=2e-4)

learn = small_wgan()
learn.fit(3, 2e-4)

same = [torch.equal(mine, theirs)
        for a, b in zip((generator, critic), (learn.generator, learn.critic), strict=True)
        for mine, theirs in zip(a.state_dict().values(), b.state_dict().values(), strict=True)]
apart = max(abs(mine - theirs) for mine, theirs in
            zip(curve["C"] + curve["G"], learn.gan_trainer.closses + learn.gan_trainer.glosses,
                strict=True))
say("{n} 个张量里，{same} 个逐位相同；{steps} 步的平滑损失最多相差 {apart:.6f}。",
    "Of {n} tensors {same} are the same bit for bit; the smoothed losses of {steps} steps differ "
    "by at most {apart:.6f}.", n=len(same), same=sum(same), apart=apart,
    steps=len(curve["C"]) + len(curve["G"]))

# %% [markdown] tags=["lang-zh"]
r"""
损失只打印六位小数，看不出差别；张量比的是每一位。

这里没有什么神秘的：训练所做的每一步计算，循环里有，学习器里也有。先说清三个词。**学习器**把数据、网络、损失、优化器和训练循环放在一起。循环走到约定的时刻，就发出一个**事件**（event）。**回调**是一个对象：事件一到，它的同名方法就被调用，学习器作为参数 `learn` 传进去。各段搬到了这里：

| 循环里的注释 | 搬到了 | 在哪个事件 |
|---|---|---|
| an optimizer for each player | `Learner` | 建立学习器时 |
| clip the critic's weights | `GANTrainer`（参数 `clip`） | `on_batch_begin` |
| one network learns, the other is frozen | `GANTrainer` | 交换的时候（`switch`），以及 `on_batch_begin` |
| the loss of the network that learns | `GANModule` 和 `GANLoss` | |
| learn | `Learner.fit_batch` | |
| note the smoothed loss | `GANTrainer`（参数 `beta`） | `on_backward_begin` |
| whose turn is it next? | `FixedGANSwitcher` | `on_batch_end` |

`GANModule` 把两个网络合成“一个模型”，用 `gen_mode` 记住现在轮到谁；`GANLoss` 把两个损失合成“一个损失”。这样，不懂 GAN 的 `Learner` 也能训练 GAN。每个网络各有一个优化器，只有轮到的那一个走步；冻结的网络没有人更新，以前积累的动量也推不动它。

表里的 `GANTrainer` 是学习器自带的回调，也就是 `learn.gan_trainer`；它的 `gen_mode` 转告 `GANModule` 里的值。

为什么要拆？写在循环里的每一处改动，都要改循环本身；拆成回调之后，许多新想法就只是一个新的小类，循环一行也不动。也有例外：后面的惩罚项要改损失本身，不是回调，而是 `GANLearner` 的一个参数。

## 每一批的五个事件

在每一批里，`Learner.fit_batch` 依次触发五个事件：`on_batch_begin`、`on_backward_begin`、`on_backward_end`、`on_step_end`、`on_batch_end`。定义了同名方法的回调按 `order` 从小到大执行。下面的 `Diary` 把每个事件都记下来，`EndAfter` 在若干批之后结束训练。
"""

# %% [markdown] tags=["lang-en"]
r"""
The losses are printed to six places, which show no difference; the tensors were compared to the last bit.

Nothing here is mysterious: every computation of the training is in the loop and in the learner alike. Three words first. A **learner** holds together the data, the networks, the losses, the optimizers and the training loop. When the loop reaches an agreed moment, it sends an **event**. A **callback** is an object: its method of the same name is called when the event comes, with the learner as the argument `learn`. Where the pieces have gone:

| Comment in the loop | Moved to | In which event |
|---|---|---|
| an optimizer for each player | `Learner` | when it is made |
| clip the critic's weights | `GANTrainer` (argument `clip`) | `on_batch_begin` |
| one network learns, the other is frozen | `GANTrainer` | when turns change (`switch`), and `on_batch_begin` |
| the loss of the network that learns | `GANModule` and `GANLoss` | |
| learn | `Learner.fit_batch` | |
| note the smoothed loss | `GANTrainer` (argument `beta`) | `on_backward_begin` |
| whose turn is it next? | `FixedGANSwitcher` | `on_batch_end` |

`GANModule` makes "one model" of two networks and remembers in `gen_mode` whose turn it is; `GANLoss` makes "one loss" of two. So a `Learner` that knows nothing of GANs can train one. Each network has its own optimizer, and only the one whose turn it is takes a step: nobody updates the frozen network, and momentum from earlier steps cannot move it.

`GANTrainer` in the table is a callback that every learner brings along, as `learn.gan_trainer`; its `gen_mode` passes on that of `GANModule`.

Why take the loop apart? Every change to a loop means editing the loop; with callbacks many a new idea is just a small class, and the loop stays as it is. Not every one: a penalty, below, changes the loss itself and is an argument of `GANLearner`, not a callback.

## The five events of every batch

In each batch `Learner.fit_batch` sends five events: `on_batch_begin`, `on_backward_begin`, `on_backward_end`, `on_step_end`, `on_batch_end`. Callbacks with a method of that name are called, those with a smaller `order` first. The `Diary` below notes every event; `EndAfter` ends the training after some batches.
"""

# %%
FIVE = ("on_batch_begin", "on_backward_begin", "on_backward_end", "on_step_end", "on_batch_end")


class Diary(Callback):
    """Notes every event of every batch, and whose turn it is then."""

    def __init__(self, order=0):
        self.order, self.notes = order, []

    def note(self, event, learn):
        self.notes.append((event, "G" if learn.gan_trainer.gen_mode else "C"))

    def on_batch_begin(self, learn):
        self.note("on_batch_begin", learn)

    def on_backward_begin(self, learn):
        self.note("on_backward_begin", learn)

    def on_backward_end(self, learn):
        self.note("on_backward_end", learn)

    def on_step_end(self, learn):
        self.note("on_step_end", learn)

    def on_batch_end(self, learn):
        self.note("on_batch_end", learn)

    def turns(self, event="on_batch_begin"):
        """Return whose turn it was at each of these events, such as CCCCCG."""
        return "".join(player for name, player in self.notes if name == event)


class EndAfter(Callback):
    """Ends the training after some batches."""

    order = 200

    def __init__(self, batches):
        self.left = batches

    def on_batch_end(self, learn):
        self.left -= 1
        if self.left == 0:
            raise CancelFit


# %% tags=["hide-input"]
diary = Diary()
small_wgan().fit(1, 2e-4, callbacks=[diary, EndAfter(6)])
acts = {"on_batch_begin": "GANTrainer: clip C, swap x and y",
        "on_backward_begin": "GANTrainer, Recorder: note the loss",
        "on_backward_end": "(gradients complete: may be clipped)",
        "on_step_end": "GANTrainer: count the step, EMA",
        "on_batch_end": "FixedGANSwitcher: whose turn next?"}
figure, axis = plt.subplots(figsize=(9, 3), layout="constrained")
for number, (event, player) in enumerate(diary.notes):
    batch = number // 5
    colour, marker = (show.ORANGE, "s") if player == "G" else (show.BLUE, "o")
    axis.plot(number, 4 - FIVE.index(event), marker, color=colour, markersize=8)
    if number % 5 == 0:
        turn = diary.turns()[batch]
        axis.axvspan(number - 0.5, number + 4.5, color="#fbe3d0" if turn == "G" else "#e3edf6",
                     alpha=0.9 if batch % 2 else 0.5)
        axis.text(number + 2, 4.7, f"batch {batch + 1}: {turn}", ha="center", fontsize=9)
axis.set_yticks(range(5), FIVE[::-1])
axis.set(xlim=(-0.5, 29.5), ylim=(-0.5, 5.2), xticks=[], xlabel="time: 5 steps of C, 1 of G")
axis.secondary_yaxis("right").set_yticks(range(5), [acts[event] for event in FIVE[::-1]])
axis.spines[["top", "right"]].set_visible(False)
show.show(figure, "Timeline of six batches, five of the critic and one of the generator; in each, "
                  "the five events follow one another from on_batch_begin down to on_batch_end, "
                  "and beside each event stands who acts in it")

# %% [markdown] tags=["lang-zh", "caption"]
r"""
**图 5-1** 六个批，每批五个事件，从上到下依次发生。蓝色圆点是评论家的批，橙色方块是生成器的批；右边写着谁在这个事件里做什么。“swap x and y”：轮到评论家时，真图作输入，噪声作目标；`Recorder` 记下损失，供以后画图。
"""

# %% [markdown] tags=["lang-en", "caption"]
r"""
**Fig. 5-1** Six batches with five events each, which happen from top to bottom. Blue dots are batches of the critic, orange squares those of the generator; on the right, who does what in this event. "Swap x and y": in the critic's batches the real pictures are the input and the noise is the target; `Recorder` notes the losses for later plots.
"""

# %% [markdown] tags=["lang-zh", "predict"]
r"""
### 先猜再跑 1：次序

负责换人的回调叫切换器（switcher），后面细讲。`FixedGANSwitcher` 的 `order` 是 40，在 `on_batch_end` 里换人。一方连续走的几步，这一课叫它的一个回合（turn）；第 01 课的回合（round）是双方各走一遍。现在放两本日记，`order` 分别是 0 和 100，都在 `on_batch_end` 里记下“现在轮到谁”。12 批之后：

- A. 两本一样，都是 `CCCCCGCCCCCG`：同一个事件里，所有回调看到的状态相同。
- B. 不一样：`order` 是 0 的那本少记一批，因为第一批开始时还没有轮到谁。
- C. 不一样：`order` 是 100 的那本，在每个回合的最后一步记成了对方。
- D. 由 `callbacks` 列表里谁写在前面决定。
"""

# %% [markdown] tags=["lang-en", "predict"]
r"""
### Predict, then run 1: the order

The callback that changes turns is called a switcher; more of it below. `FixedGANSwitcher` has `order` 40 and acts in `on_batch_end`. In this lesson a turn is one player's run of steps; the round of lesson 01 is a turn of each. Now take two diaries with `order` 0 and 100; in `on_batch_end` both note whose turn it is. After 12 batches:

- A. They are the same, both `CCCCCGCCCCCG`: within one event all callbacks see the same state.
- B. They differ: the one with `order` 0 lacks a batch, because nobody has a turn yet when the first batch begins.
- C. They differ: the one with `order` 100 names the other player at the last step of each turn.
- D. It depends on which of them comes first in the list `callbacks`.
"""

# %%
early, late = Diary(order=0), Diary(order=100)
small_wgan().fit(1, 2e-4, callbacks=[late, early, EndAfter(12)])
table(["order", "on_batch_end"], [["0", early.turns("on_batch_end")],
                                  ["100", late.turns("on_batch_end")]])

# %% [markdown] tags=["lang-zh", "exercise"]
r"""
答案是 **C**。`order` 0 在切换器（40）之前，看到的还是这一批的玩家；100 在它之后，回合的最后一步已经换了人。列表里的先后只在 `order` 相同时才起作用。写回调之前，先想清楚：这个事件里，谁在我之前、谁在我之后改了状态？

### 练习 1：`ClipCritic`

fastai 在每批**开头**裁剪，论文的算法 1 在每次更新**之后**裁剪。fastai 在生成器的批开头也裁剪评论家，所以两种做法里，生成器面对的评论家都是裁剪过的（第 04 课的“先裁剪、后更新”则不是）。剩下两处差别。第一批，fastai 从裁剪过的权重算起，论文从没有裁剪的算起。从更新之后到下一批开头，fastai 的评论家可能有权重超出范围，存盘、画图或训练结束在这时，就会遇到。写一个在更新之后裁剪的回调。`learn.critic` 是评论家，`learn.generator` 是生成器。

<details><summary>提示一</summary>

`on_step_end` 在生成器的回合里也会触发。那时再裁一次评论家，有没有害处？

</details>

<details><summary>提示二</summary>

原地改写参数，不能让 PyTorch 记录梯度。哪些参数要裁？上面的循环里有同样的几行。

</details>
"""

# %% [markdown] tags=["lang-en", "exercise"]
r"""
The answer is **C**. With `order` 0 a diary comes before the switcher (40) and still sees the player of this batch; with 100 it comes after, and at the last step of a turn the players have already changed. The position in the list only breaks ties of `order`. Before you write a callback, ask who changes the state before you and who after you in that event.

### Exercise 1: `ClipCritic`

fastai clips at the **beginning** of each batch, Algorithm 1 of the paper **after** each update. fastai clips the critic at the beginning of the generator's batches, too, so that, unlike the clip-first version of lesson 04, the generator meets a clipped critic either way. Two differences remain. In the first batch fastai starts from clipped weights, the paper from unclipped ones. And between an update and the next batch, whoever saves or draws, or stops there, may find fastai's critic outside the limit. Write a callback that clips after the update. `learn.critic` is the critic, `learn.generator` the generator.

<details><summary>Hint one</summary>

`on_step_end` comes in the generator's turns, too. Does it do any harm to clip the critic then?

</details>

<details><summary>Hint two</summary>

Parameters are to be changed in place, without PyTorch recording gradients. Which parameters? The loop above has the same few lines.

</details>
"""

# %%
class ClipCritic(Callback):
    def __init__(self, limit=0.01):
        self.limit = limit

    def on_step_end(self, learn):
        return ...


verdict = check.clip_critic(ClipCritic)

# %% [markdown] tags=["lang-zh", "predict"]
r"""
## 轮到谁：切换器

**切换器**（switcher）也是回调，在 `on_batch_end` 里决定要不要调用 `learn.gan_trainer.switch()`。切换器要等学习器建好才能造出来，所以交给 `switcher=` 的是类，或者定好了参数的 `partial`。fastai 有两种：

- `FixedGANSwitcher(n_crit, n_gen)`：各走固定的步数，默认 1 比 1，`wgan` 用 5 比 1。两个数都可以是函数，这里收到的是生成器已走的步数（fastai 里收到的总是 0，见 05b）。
- `AdaptiveGANSwitcher(gen_thresh, critic_thresh)`：这一步的损失低于门槛就换人；没有门槛，就一步一换。

### 先猜再跑 2：门槛是 -9

评论家的门槛设成 -9，权重照样裁剪到 0.01。12 批里会发生什么？

- A. 评论家一直训练，生成器一步也没走。
- B. 报错：门槛不能是负数，训练停止，并给出说明。
- C. 评论家先走 5 步，此后与 5 比 1 的固定切换器相同。
- D. 一步一换：评论家的损失第一步就低于门槛。
"""

# %% [markdown] tags=["lang-en", "predict"]
r"""
## Whose turn it is: switchers

The component that changes turns is called a **switcher**. It is a callback, too: in `on_batch_end` it decides whether to call `learn.gan_trainer.switch()`. It can only be made once there is a learner; so what `switcher=` takes is a class, or a `partial` of one with its arguments set. fastai has two:

- `FixedGANSwitcher(n_crit, n_gen)`: a fixed number of steps each, 1 to 1 unless given; `wgan` has 5 to 1. Either may be a function; here it gets the number of steps that the generator has taken (in fastai always 0, see 05b).
- `AdaptiveGANSwitcher(gen_thresh, critic_thresh)`: hand over when the loss of this step is below the threshold; without a threshold, after every step.

### Predict, then run 2: a threshold of -9

Set the critic's threshold to -9, with weights clipped to 0.01 as before. What happens in 12 batches?

- A. The critic trains on and on; the generator takes no step.
- B. An error: a threshold must not be negative; the training stops and says so.
- C. The critic takes 5 steps first, and so on as with the fixed switcher of 5 to 1.
- D. They take turns step by step: the critic's loss is below the threshold at once.
"""

# %%
def turns(switcher, batches=12):
    diary = Diary()
    small_wgan(switcher=switcher).fit(1, 2e-4, callbacks=[diary, EndAfter(batches)])
    return diary.turns()


table([("切换器", "switcher"), ("轮到谁", "whose turn")],
      [[("固定，5 比 1", "fixed, 5 to 1"), turns(partial(FixedGANSwitcher, n_crit=5))],
       [("固定，先 4 后 2", "fixed, first 4, then 2"),
        turns(partial(FixedGANSwitcher, n_crit=lambda g: 4 if g < 1 else 2))],
       [("自适应，无门槛", "adaptive, no thresholds"), turns(AdaptiveGANSwitcher)],
       [("自适应，门槛 -9", "adaptive, threshold -9"),
        turns(partial(AdaptiveGANSwitcher, critic_thresh=-9.0))]])

# %% [markdown] tags=["lang-zh", "exercise"]
r"""
答案是 **A**。权重裁剪到 0.01 之后，评论家给出的分数都很小，损失到不了 -9，回合也就交不出去。没有报错，训练照常进行，可是生成器从未更新。用有门槛的切换器，一定要看 `learn.gan_trainer.gen_steps`。

### 练习 2（选做）：带预热的切换器

WGAN 作者公布的代码在开头让评论家多训练：生成器的前 25 步，每一步之前评论家走 100 步，以后走 5 步；生成器走过的步数是 500 的倍数时，再来一次 100 步。写出这个切换器，每个批就是一步。`learn.gan_trainer.gen_steps` 是生成器已走的步数。`LearnerCallback` 是建立时就收下学习器的回调，所以先写 `super().__init__(learn)`；练习 1 的 `Callback` 不必如此。

<details><summary>提示一</summary>

这个回合已经走了几步，要自己数。换人的时候，数到哪里了？

</details>

<details><summary>提示二</summary>

先在纸上写出生成器第 25、26、500、501 步（从 1 数起）之前评论家该走几步，再写条件；别忘了生成器自己的回合有几步。

</details>
"""

# %% [markdown] tags=["lang-en", "exercise"]
r"""
The answer is **A**. With weights clipped to 0.01 the critic's scores are small, its loss never gets to -9, and the turn is never handed over. There is no error, and training goes on as usual; but the generator is never updated. With a switcher that has thresholds, always look at `learn.gan_trainer.gen_steps`.

### Exercise 2 (optional): a switcher with a warm-up

The code that the authors of WGAN published trains the critic longer at the start: before each of the generator's first 25 steps the critic takes 100, later 5; and 100 once more whenever the generator's steps are a multiple of 500. Write this switcher; every batch is a step. `learn.gan_trainer.gen_steps` is how many the generator has taken. A `LearnerCallback` gets its learner when it is made, hence `super().__init__(learn)`; the `Callback` of exercise 1 does without.

<details><summary>Hint one</summary>

How many steps this turn has had you must count yourself. What becomes of the count when turns change?

</details>

<details><summary>Hint two</summary>

Write down on paper how many steps the critic takes before the generator's steps number 25, 26, 500 and 501, counting from 1, then the condition; and remember how long the generator's own turn is.

</details>
"""

# %%
class WarmUpSwitcher(LearnerCallback):
    order = 40

    def __init__(self, learn):
        super().__init__(learn)
        self.taken = 0

    def on_batch_end(self, learn):
        return ...


verdict = check.warm_up_switcher(WarmUpSwitcher)

# %% [markdown] tags=["lang-zh", "exercise"]
r"""
### 练习 3（选做）：`DiscriminativeLR`

让评论家的学习率是生成器的 `factor` 倍。`learn.opt` 是此刻这一方的优化器，`learn.opt.lr` 可读可写，`learn.gan_trainer.gen_mode` 说现在是不是生成器的回合。更新之前调高，更新之后**恢复原值**；学习率本身可能也在变，所以每次都从当时的值算起（改学习率的回调，`order` 要更小，否则它会盖掉你的）。

<details><summary>提示一</summary>

两个方法怎样共用一个数？轮到生成器时，这两个方法该做什么？

</details>

<details><summary>提示二</summary>

恢复成哪个数？如果在 `on_train_begin` 就记下来，学习率按计划下降时会怎样？如果到 `on_batch_end` 才恢复，你的 `order` 是 0 和 100 时，`learn.opt` 各是谁的？

</details>
"""

# %% [markdown] tags=["lang-en", "exercise"]
r"""
### Exercise 3 (optional): `DiscriminativeLR`

Give the critic `factor` times the generator's learning rate. `learn.opt` is the optimizer of whoever's turn it is, `learn.opt.lr` can be read and set, and `learn.gan_trainer.gen_mode` tells whether it is the generator's turn. Raise the rate before the update and **put it back** after; it may follow a schedule, so start from what it is at the time (the callback of the schedule needs a smaller `order`, or it overwrites yours).

<details><summary>Hint one</summary>

How can two methods share a number? What should they do when it is the generator's turn?

</details>

<details><summary>Hint two</summary>

Which number do you put back? If you noted it in `on_train_begin`, what happens under a falling schedule? If you wait until `on_batch_end`, whose is `learn.opt` when your `order` is 0, and when it is 100?

</details>
"""

# %%
class DiscriminativeLR(Callback):
    def __init__(self, factor=5.0):
        self.factor = factor

    def on_batch_begin(self, learn):
        return ...

    def on_step_end(self, learn):
        return ...


verdict = check.discriminative_lr(DiscriminativeLR)

# %% [markdown] tags=["lang-zh", "predict"]
r"""
## 换一个参数，换一种 GAN

循环拆开之后，三种 GAN 只差几个参数：

- **WGAN，裁剪**：`GANLearner.wgan(...)`。
- **WGAN-GP**：再加 `penalty=penalties.gradient_penalty`，这时不再裁剪。fastai 的评论家损失只收到分数，收不到图片，写不出梯度惩罚（gradient penalty），所以这个参数是我们加的。
- **非饱和损失加 R1**：`GANLearner.from_loss(..., losses.NonSaturating(), penalty=...)`，损失和惩罚项都是第 02 课的。它的评论家和第 01 课一样，真图分数高；只有 `wgan` 用 fastai 的符号。

要比较，预算必须相同。三者的生成器、优化器（Adam，`betas` 为 0 和 0.99）、学习率（0.002）、批大小（32）、指数滑动平均（`ema=0.95`）都一样，生成器走 600 步，评论家也走 600 步，1 比 1。评论家只差一处：裁剪保留批归一化，另外两种去掉，因为惩罚项要逐张图片的梯度，而批归一化使一张图的分数依赖于整批。

这个预算是我们定的，三种方法都没有调过设置，所以结论只适用于这个预算。

### 先猜再跑 3：同样的 600 步

仍用第 04 课的指标：先用读图网络（reading network）提取特征，再算样本与真图的弗雷歇距离（Fréchet distance），越小越好。哪一种离真图最远？

- A. 非饱和损失加 R1。
- B. 裁剪。
- C. WGAN-GP。
- D. 三者相差不到一成。
"""

# %% [markdown] tags=["lang-en", "predict"]
r"""
## One argument changes the GAN

Now that the loop is in pieces, three GANs differ by a few arguments:

- **WGAN, clipping**: `GANLearner.wgan(...)`.
- **WGAN-GP**: the same with `penalty=penalties.gradient_penalty`; then nothing is clipped. In fastai the critic's loss gets scores and no pictures, so that a gradient penalty cannot be written there; this argument is ours.
- **Non-saturating loss with R1**: `GANLearner.from_loss(..., losses.NonSaturating(), penalty=...)`; loss and penalty are those of lesson 02. Its critic gives real pictures high scores, as in lesson 01; only `wgan` has fastai's sign.

A comparison needs equal budgets. All three have the same generator, optimizer (Adam with `betas` of 0 and 0.99), learning rate (0.002), batch size (32) and exponential moving average (`ema=0.95`), and take 600 steps of the generator and 600 of the critic, 1 to 1. The critics differ in one thing: clipping keeps BatchNorm, the other two go without, because a penalty needs gradients picture by picture, and with BatchNorm the score of one picture depends on the whole batch.

We chose this budget and tuned none of the three, so the result holds for this budget only.

### Predict, then run 3: the same 600 steps

The metric is that of lesson 04: the Fréchet distance of samples to real pictures in the features of the reading network; smaller is better. Which of the three is furthest?

- A. Non-saturating with R1.
- B. Clipping.
- C. WGAN-GP.
- D. They are within a tenth of each other.
"""

# %%
pairs = pairs_of(faces.images, 32)
shared = {"switcher": FixedGANSwitcher, "opt_func": adam, "wd": 0.0, "ema": 0.95,
          "switch_eval": False, "silent": True, "show_img": False}


def clipping():
    return GANLearner.wgan(pairs, *players(16), **shared)


def wgan_gp():
    return GANLearner.wgan(pairs, *players(16, norm_type=None),
                           penalty=penalties.gradient_penalty, **shared)


def non_saturating_r1():
    return GANLearner.from_loss(pairs, *players(16, norm_type=None), losses.NonSaturating(),
                                penalty=partial(penalties.r1, gamma=1.0), **shared)


learners = {}
for name, make in (("WGAN, clipping", clipping), ("WGAN-GP", wgan_gp),
                   ("non-saturating + R1", non_saturating_r1)):
    torch.manual_seed(0)
    learners[name] = make()
    learners[name].fit(runtime.at_scale(smoke=1, default=6, full=60), 2e-3, progress=False)

# %% tags=["nbval-ignore-output"]
n = runtime.at_scale(smoke=200, default=2000, full=10_000)
reader = measure.factor_reader(faces)
known = reader.features(faces.images)
samples = {"real": data.toy_faces(n, size=32, seed=1, core=True).images,
           **{name: learn.sample(n, ema=True) for name, learn in learners.items()}}


def numbers(pictures):
    report = measure.factor_coverage(pictures, faces)
    distance = measure.frechet_distance(reader.features(pictures), known)
    return f"{distance:.0f}", f"{report.counted / report.n:.0%}", f"{report.seen} / {report.of}"


table([("样本", "samples"), ("弗雷歇距离", "Fréchet distance"), ("能认出的", "can be read"),
       ("组合", "combinations")],
      [[("新的真图", "new real pictures"), *numbers(samples["real"])],
       [("WGAN，裁剪", "WGAN, clipping"), *numbers(samples["WGAN, clipping"])],
       ["WGAN-GP", *numbers(samples["WGAN-GP"])],
       [("非饱和 + R1", "non-saturating + R1"), *numbers(samples["non-saturating + R1"])]])

# %%
show.gallery({name: pictures[:8] for name, pictures in samples.items()}, columns=8,
             alt="Four rows of eight faces: real ones; blotched faces with ragged edges from clipping; "
                 "and clearer, still speckled ones from WGAN-GP and from the non-saturating loss "
                 "with R1")

# %% [markdown] tags=["lang-zh", "caption"]
r"""
**图 5-2** 没有挑选过的前 8 张，都用滑动平均的权重。裁剪画出的脸轮廓破碎，布满色斑；另外两行的发型和肤色大多认得出，嘴和眼镜只有一部分看得清，噪点也在。
"""

# %% [markdown] tags=["lang-en", "caption"]
r"""
**Fig. 5-2** The first 8 samples, not chosen, all of them from the averaged weights. The faces of clipping are blotched, with broken outlines; in the other two rows hair and skin can mostly be made out, mouths and glasses only in part, and specks are still there.
"""

# %% [markdown] tags=["lang-zh"]
r"""
<details><summary>答案</summary>

答案是 **B**。三种都是 600 步，裁剪却远得多（1615，另外两种是 605 和 711），能认出的也最少。（“能认出的”就是第 03 课里算数的：读图网络对每个因素都有把握，取值也都是数据里有的。）这个预算对三种都不是论文的设置：WGAN 的论文用 RMSprop、学习率 0.00005，WGAN-GP 的论文用学习率 0.0001，两者都是评论家走 5 步、生成器走 1 步。

“组合”一列不能直接比：只有能认出的样本才能算组合，三种的张数不同。如果这些样本均匀地落在 96 种组合上，裁剪约能见到 74 种，WGAN-GP 95 种，非饱和加 R1 93 种；实际上依次少了 16、14、19 种。种子 1 依次少 15、14、8 种，种子 2 依次少 14、8、20 种。距离总是裁剪最远，谁缺得最多却随种子而变。距离和种类是两个问题，要分别报告。

一个种子说明不了什么。另外两个种子也是裁剪最远，细节见下面的选读。

</details>

### 三个种子（选读）

`studies/lesson05.py` 用三个种子各训练一遍（单线程），并让种子 0 继续走到 1,800 步：
"""

# %% [markdown] tags=["lang-en"]
r"""
<details><summary>Answer</summary>

The answer is **B**. All three took 600 steps, yet clipping is much further away (1615, against 605 and 711), and the fewest of its samples can be read. ("Can be read" is what lesson 03 calls counted: the reading network is sure of every factor, and each value is one that the data have.) The budget is not the one of any paper: that of WGAN has RMSprop with a learning rate of 0.00005, that of WGAN-GP a learning rate of 0.0001, and both have 5 steps of the critic for 1 of the generator.

The column of combinations cannot be compared as it stands: only samples that can be read count, and their numbers differ. If these samples were spread evenly over the 96 combinations, clipping would show about 74 of them, WGAN-GP 95 and non-saturating with R1 93; what they show is 16, 14 and 19 fewer. With seed 1 it is 15, 14 and 8 fewer, with seed 2 it is 14, 8 and 20. Clipping is always furthest, but which lacks most changes with the seed. Distance and variety are two questions; report both.

One seed proves nothing. On two more seeds clipping is furthest as well; the details are in the optional part below.

</details>

### Three seeds (optional)

`studies/lesson05.py` trains three seeds (one thread) and lets seed 0 go on to 1,800 steps:
"""

# %%
study = json.loads(Path("../studies/lesson05.json").read_text(encoding="utf-8"))


def row(name):
    """Return a game's distances and readable shares: of each seed, and of seed 0 later."""
    runs = study["runs"][name]
    first = [run["600"]["average"] for run in runs.values()]
    later = runs["0"]["1800"]["average"]
    return (" ".join(f"{found['frechet']:.0f}" for found in first),
            " ".join(f"{found['counted']:.0%}" for found in first),
            f"{later['frechet']:.0f}", f"{later['counted']:.0%}")


table([("样本", "samples"), ("距离，600 步，种子 0、1、2", "distance, 600 steps, seeds 0, 1, 2"),
       ("能认出的", "can be read"), ("距离，1,800 步，种子 0", "distance, 1,800 steps, seed 0"),
       ("能认出的", "can be read")],
      [[("WGAN，裁剪", "WGAN, clipping"), *row("WGAN, clipping")],
       ["WGAN-GP", *row("WGAN-GP")],
       [("非饱和 + R1", "non-saturating + R1"), *row("non-saturating + R1")],
       [("新的真图", "new real pictures"), f"{study['floor']['frechet']:.0f}",
        f"{study['floor']['counted']:.0%}", "", ""]])

# %% [markdown] tags=["lang-zh"]
r"""
裁剪在三个种子上都最远（1,288 到 1,615）；WGAN-GP 是 491 到 605，非饱和加 R1 是 428 到 712，这两者谁更好，三个种子分不出来。种子 0 就是图 5-2 的那次运行（711 和 712 是同一个数，后者舍入了两次）。600 步时，用滑动平均的权重算出的距离，每一次运行都比用最新的权重算出的小，小 4% 到 40%；能认出的比例却大多分不出：9 次里只有 1 次相差超过两个标准误，那一次是滑动平均的更多（见 `lesson05.json`）。

惩罚项要多花时间：600 步在单核上，裁剪约 21 秒，另外两种 25 到 29 秒。但按时间比，种子 0 的结论也一样：裁剪走到 1,800 步，用了 60 秒，比另外两种还多，距离 1,094，仍比它们 600 步时远。另外两种走到 1,800 步都是 261，能认出的约占 30%；真图的参照是 8 和 100%，离真图还远。

为什么裁剪差？这个实验答不了：裁剪的评论家还留着批归一化；步数之比不是论文的，优化器也不是（论文用 RMSprop）；同一个学习率 0.002，是 WGAN 论文的 40 倍，却只是 WGAN-GP 论文的 20 倍，走一步就可以是裁剪界限 0.01 的五分之一。能说的是：在这个预算下，另外两套设置（有惩罚项、没有批归一化，其中一套连损失也不同）的距离比裁剪小 56% 到 73%。下图是种子 0 走到 1,800 步的样本，从上到下四行：真图、裁剪、WGAN-GP、非饱和加 R1。

![种子 0 走到 1,800 步的样本，每行 10 张，没有挑选过；从上到下：真图、裁剪、WGAN-GP、非饱和加 R1](../images/lesson05_longer.png)
"""

# %% [markdown] tags=["lang-en"]
r"""
Clipping is furthest on all three seeds (1,288 to 1,615); WGAN-GP has 491 to 605 and non-saturating with R1 428 to 712, and which of these two is better three seeds cannot tell. Seed 0 is the run of Fig. 5-2 (711 and 712 are one number, the latter rounded twice). At 600 steps the distance computed from the averaged weights is smaller than that from the newest weights in every run, by 4% to 40%; yet the share that can be read hardly tells the two apart: in only 1 of the 9 runs do they differ by more than two standard errors, and there the average is ahead (see `lesson05.json`).

Penalties take more time: on one core 600 steps of clipping take about 21 seconds, those of the other two 25 to 29. By time the result is the same on seed 0: after 1,800 steps, which took 60 seconds, more than the other two had, clipping is at 1,094, still further than those at 600 steps. At 1,800 steps both of these are at 261, and about 30% of their samples can be read; real pictures get 8 and 100%, so there is a long way to go.

Why is clipping worse? This experiment cannot tell: its critic also keeps BatchNorm; the ratio of steps is not the paper's, nor is its optimizer (RMSprop); and the common learning rate of 0.002 is 40 times that of WGAN's paper but 20 times that of WGAN-GP's, so that one step can be a fifth of the clipping limit of 0.01. What can be said: in this budget the two settings with a penalty and without BatchNorm (one of them with another loss, too) ended 56% to 73% closer than clipping. The picture has samples of seed 0 after 1,800 steps, in four rows from top to bottom: real pictures, clipping, WGAN-GP, non-saturating with R1.

![Samples of seed 0 after 1,800 steps, 10 a row, not chosen; from top to bottom: real pictures, clipping, WGAN-GP, non-saturating with R1](../images/lesson05_longer.png)
"""

# %% [markdown] tags=["lang-zh", "failure-of-the-day"]
r"""
## 典型失败案例：生成器从未更新

加一个验证集，训练可能就坏了：评论家的损失照样在变，生成器却一步也没有学。这是 fastai v1 真有的毛病：它在验证时也触发 `on_batch_end`，切换器就把**验证集的批**也数了进去。这里重现它：4 批训练，2 批验证，5 比 1。4 加 2 正好是 5 比 1 的一个周期，所以生成器每次都错过；换别的批数，往往只是步数之比走样。
"""

# %% [markdown] tags=["lang-en", "failure-of-the-day"]
r"""
## The failure of the day: the generator is never updated

Add a validation set, and training may break: the critic's loss keeps moving, but the generator does not take a single step. fastai v1 really has this bug: it sends `on_batch_end` while validating, too, so that its switcher counts the **batches of the validation set**. We bring it back, with 4 batches to train on, 2 to validate on, 5 to 1. 4 and 2 make just one cycle of 5 to 1, so the generator misses its turn every time; other numbers often only distort the ratio of steps.
"""

# %%
class CountsValidation(FixedGANSwitcher):
    """A switcher that, like that of fastai v1, hears of the validation set's batches as well."""

    def on_epoch_end(self, learn):
        for _ in learn.data.valid_dl:
            self.on_batch_end(learn)


with_valid = pairs_of(faces.images[:128], 32, valid=Batches(faces.images[128:192], 32))


def watched(switcher):
    """Return whose turn it was, how often the critic's loss changed, how far G's weights moved."""
    diary = Diary()
    learn = small_wgan(with_valid, switcher=partial(switcher, n_crit=5))
    before = torch.cat([p.detach().flatten().clone() for p in learn.generator.parameters()])
    learn.fit(3, 2e-4, callbacks=[diary], progress=False)
    after = torch.cat([p.detach().flatten() for p in learn.generator.parameters()])
    return (diary.turns(), str(len(set(learn.gan_trainer.closses))),
            f"{float((after - before).abs().max()):.4f}")


table([("切换器", "switcher"), ("轮到谁", "whose turn"),
       ("评论家的损失有几个不同的值", "different values of the critic's loss"),
       ("生成器的权重最多移动", "largest move of a weight of G")],
      [[("数验证的批", "counts validation"), *watched(CountsValidation)],
       [("只数训练的批", "counts training only"), *watched(FixedGANSwitcher)]])

# %% [markdown] tags=["lang-zh"]
r"""
每走一遍数据，评论家的第 5 步和生成器的那一步都落在验证里：没有反向传播，什么都没发生。损失有 12 个和 10 个不同的值，那只是评论家走过的步数；看得出毛病的是“轮到谁”和最后一列。**损失在动，不等于在学**。两个教训：计数要数更新，不要数批；让测试盯住次序，这里的次序必须正好是 `CCCCCGCCCCCG`。fastai v1 和 v2 的其他差别，见 05b 末尾的表。

## 别处的同一个想法（选读）

名字不同，事件相近。下表按各自的文档整理：

| 这里（事件名同 fastai v1） | [PyTorch Lightning](https://lightning.ai/docs/pytorch/stable/extensions/callbacks.html) | [Hugging Face Trainer](https://huggingface.co/docs/transformers/main_classes/callback) | [Keras](https://keras.io/api/callbacks/base_callback/) |
|---|---|---|---|
| `on_batch_begin` | `on_train_batch_start` | `on_step_begin` | `on_train_batch_begin` |
| `on_backward_begin` | `on_before_backward` | 没有 | 没有 |
| `on_backward_end` | `on_after_backward`、`on_before_optimizer_step` | `on_pre_optimizer_step`（已裁剪过梯度） | 没有 |
| `on_step_end` | 没有 | `on_optimizer_step` | 没有 |
| `on_batch_end` | `on_train_batch_end` | `on_step_end` | `on_train_batch_end` |
| 谁先执行：`order` | 列表里的先后 | 列表里的先后 | 列表里的先后 |
| `raise CancelFit` | `trainer.should_stop = True` | `control.should_training_stop = True` | `model.stop_training = True` |
| 两个网络：`GANTrainer` 加切换器 | `automatic_optimization = False`，在 `training_step` 里自己更新 | 回调改不了循环，要继承 `Trainer` | 改写 `train_step` |

两点补充：Hugging Face 的 `on_step_begin` 和 `on_step_end` 每次**更新**触发一次，累积梯度时一次更新有好几批；Lightning 把存盘的回调一律排在最后。

最后一行最重要：在这三个框架里，两个网络轮流更新这件事都不能只靠回调，要由自己写的一步来完成；记录、滑动平均、提前结束仍然可以写成回调。
"""

# %% [markdown] tags=["lang-en"]
r"""
In every pass over the data the critic's step 5 and the generator's one fall into validation: nothing is backpropagated, and nothing happens. The loss has 12 and 10 different values, which are just the steps that the critic took; the fault shows in "whose turn" and in the last column. **A moving loss does not prove that anything is learned.** Two lessons: count updates, not batches; and let a test watch the order, which here must be exactly `CCCCCGCCCCCG`. What else differs from fastai v1 and v2 is in the table at the end of 05b.

## The same idea elsewhere (optional)

The names differ, the events are much alike. The table follows the documentation of each:

| Here (events named as in fastai v1) | [PyTorch Lightning](https://lightning.ai/docs/pytorch/stable/extensions/callbacks.html) | [Hugging Face Trainer](https://huggingface.co/docs/transformers/main_classes/callback) | [Keras](https://keras.io/api/callbacks/base_callback/) |
|---|---|---|---|
| `on_batch_begin` | `on_train_batch_start` | `on_step_begin` | `on_train_batch_begin` |
| `on_backward_begin` | `on_before_backward` | none | none |
| `on_backward_end` | `on_after_backward`, `on_before_optimizer_step` | `on_pre_optimizer_step` (after gradients are clipped) | none |
| `on_step_end` | none | `on_optimizer_step` | none |
| `on_batch_end` | `on_train_batch_end` | `on_step_end` | `on_train_batch_end` |
| who goes first: `order` | place in the list | place in the list | place in the list |
| `raise CancelFit` | `trainer.should_stop = True` | `control.should_training_stop = True` | `model.stop_training = True` |
| two networks: `GANTrainer` and a switcher | `automatic_optimization = False`, update by hand in `training_step` | callbacks cannot change the loop: subclass `Trainer` | override `train_step` |

Two notes: in Hugging Face `on_step_begin` and `on_step_end` come once per **update**, which takes several batches where gradients are accumulated; Lightning always puts callbacks that save checkpoints last.

The last row matters most: in none of the three can callbacks alone let two networks take turns; their updates go into a step that you write yourself. Records, a moving average and early stopping can be callbacks all the same.
"""

# %% [markdown] tags=["lang-zh", "exercise"]
r"""
## 开放题（选做）：把滑动平均写成回调

写了 `ema=0.95`，学习器是怎样做滑动平均的？写一个回调 `MovingAverage(decay)`，训练之后 `self.average` 是平均出来的网络：生成器走完第一步时照抄一份，以后每一步

$$\bar\theta \leftarrow d\,\bar\theta + (1 - d)\,\theta$$

批归一化的统计量也同样处理。标准比这一课的重构略松，因为加法的次序可以不同：与学习器自己的 `ema=` 相差不超过 0.000001。通过之后再问一个没有标准答案的问题：在“非饱和损失加 R1”的 600 步上，`decay` 取多少最好？先写下你的猜测和理由，再试三个值（把 `shared` 里的 `"ema"` 改成这个值，和你的回调结果相同，`learn.sample(2000, ema=True)` 就用平均过的权重），把弗雷歇距离列成一张表，和最新权重的比。

<details><summary>提示一</summary>

评论家的步里，生成器动了没有？第一次更新之前还没有平均，它从哪里来？

</details>

<details><summary>提示二</summary>

`state_dict()` 里既有参数也有统计量。复制出来的网络和原来的不能共用张量；统计量里有一个是整数，不能和小数混合。

</details>
"""

# %% [markdown] tags=["lang-en", "exercise"]
r"""
## Open task (optional): a moving average as a callback

How does `ema=0.95` work? Write a callback `MovingAverage(decay)` whose `self.average`, after training, is the averaged network: a copy after the generator's first step, and from then on at each step

$$\bar\theta \leftarrow d\,\bar\theta + (1 - d)\,\theta$$

The statistics of BatchNorm are treated in the same way. The bar is a little lower than that of this lesson's refactoring, as the order of additions may differ: at most 0.000001 away from the learner's own `ema=`. Then comes a question without a model answer: over the 600 steps of "non-saturating with R1", which `decay` is best? Write down your guess and the reason, then try three values (as `"ema"` in `shared`, which gives what your callback gives; `learn.sample(2000, ema=True)` then uses the averaged weights), and put the Fréchet distances into a table, beside that of the newest weights.

<details><summary>Hint one</summary>

Has the generator moved in a step of the critic? Before the first update there is no average: where does it come from?

</details>

<details><summary>Hint two</summary>

`state_dict()` has parameters and statistics alike. The copy must not share tensors with the original; one of the statistics is an integer and cannot be blended.

</details>
"""

# %%
class MovingAverage(Callback):
    def __init__(self, decay=0.95):
        self.decay = decay
        self.average = None  # the averaged network

    def on_step_end(self, learn):
        return ...


verdict = check.moving_average(MovingAverage)

# %% [markdown] tags=["lang-zh", "quiz"]
r"""
## 小测验（选做）

五道题。选错了，会告诉你错在哪里。
"""

# %% [markdown] tags=["lang-en", "quiz"]
r"""
## Quiz (optional)

Five questions. A wrong choice tells you what is wrong with it.
"""

# %%
lab.quiz("05")

# %% [markdown] tags=["lang-zh", "recap"]
r"""
## 小结

**一批**（两个网络，一个循环）：

1. `on_batch_begin`：输入和目标已备好；裁剪（fastai 的做法），冻结没轮到的网络。
2. 算损失。评论家：$\mathbb{E}\,C(x) - \mathbb{E}\,C(G(z))$，外加惩罚项；生成器：$\mathbb{E}\,C(G(z))$（fastai 的符号，真图分数低）。
3. `on_backward_begin`：记录损失。反向传播。
4. `on_backward_end`：梯度已齐，可以裁剪梯度。更新。
5. `on_step_end`：权重刚刚更新；计步、滑动平均（论文在这里裁剪）。
6. `on_batch_end`：切换器决定下一批轮到谁。

**重构**：一次搬一段，每次都和原来的循环逐位比较；次序（`order`）不同，结果就可能不同。

**公平的比较**：

| 要相同 | 为什么 |
|---|---|
| 生成器的步数，评论家的步数 | 步数不同，差别就可能来自步数，而不是方法 |
| 网络、优化器、批大小、滑动平均 | 否则比的是两整套做法 |
| 指标、样本数、参照 | 指标或样本数不同，数就不能比；参照说明离真图还有多远 |
| 几个种子 | 一个种子的差别可能只是运气 |
"""

# %% [markdown] tags=["lang-en", "recap"]
r"""
## Recap

**A batch** (two networks, one loop):

1. `on_batch_begin`: input and target are there; clip (fastai's way), freeze the network that is not learning.
2. Compute the loss. The critic's: $\mathbb{E}\,C(x) - \mathbb{E}\,C(G(z))$, plus a penalty; the generator's: $\mathbb{E}\,C(G(z))$ (fastai's sign, low scores for real pictures).
3. `on_backward_begin`: record the loss. Backpropagate.
4. `on_backward_end`: gradients are complete and may be clipped. Update.
5. `on_step_end`: the weights have just been updated; count the step, update the moving average (the paper clips here).
6. `on_batch_end`: the switcher decides whose batch is next.

**Refactoring**: move one piece at a time and compare with the original loop bit for bit; another `order` can be another result.

**A fair comparison**:

| Keep the same | Why |
|---|---|
| steps of the generator, steps of the critic | otherwise a difference may come from the steps and not from the method |
| networks, optimizer, batch size, moving average | otherwise two whole recipes are compared |
| metric, number of samples, reference | numbers of other metrics or sample sizes do not compare; the reference tells how far real pictures still are |
| several seeds | a difference on one seed may be luck |
"""

# %% [markdown] tags=["lang-zh", "going-further"]
r"""
## 延伸

- **读代码。** `gan_lessons/fastai_style` 里依次读 `callback.py`、`learner.py`、`gan_loss.py`、`gan_trainer.py`、`gan_learner.py`。存盘和续训（`save`、`load`）、数据块、`from_learners` 见 [05b](05b_api_reference.ipynb)。
- **动手改。** 把 `shared` 里的切换器换成 5 比 1，裁剪和 WGAN-GP 会怎样？这时怎样比较才公平？
- **接着学。** [第 06 课](06_modern_gans.ipynb)：R1、R2、成对比较，直到 R3GAN。
- **重算。** 表由 `studies/lesson05.py` 算出，文件开头写着命令。
- **在框架里写 GAN。** Lightning 的[手动优化](https://lightning.ai/docs/pytorch/stable/common/optimization.html)；Keras 的 [WGAN-GP 例子](https://keras.io/examples/generative/wgan_gp/)。
- **论文。** Howard 和 Gugger，[fastai: A Layered API for Deep Learning](https://arxiv.org/abs/2002.04688)，讲为什么要回调；Gulrajani 等，[Improved Training of Wasserstein GANs](https://arxiv.org/abs/1704.00028)；Lucic 等，[Are GANs Created Equal?](https://arxiv.org/abs/1711.10337)，在相同的预算下比较了许多种 GAN。
- **中文材料。** 李沐等《动手学深度学习》；李宏毅的 GAN 课程。
"""

# %% [markdown] tags=["lang-en", "going-further"]
r"""
## Going further

- **Read the code.** In `gan_lessons/fastai_style` read `callback.py`, `learner.py`, `gan_loss.py`, `gan_trainer.py`, `gan_learner.py`, in this order. Saving and resuming (`save`, `load`), the data block and `from_learners` are in [05b](05b_api_reference.ipynb).
- **Change something.** Put a switcher of 5 to 1 into `shared`: what becomes of clipping and of WGAN-GP? And what is a fair comparison then?
- **Next.** [Lesson 06](06_modern_gans.ipynb): R1, R2 and comparison in pairs, up to R3GAN.
- **Recompute.** The table comes from `studies/lesson05.py`; the command stands at the top of the file.
- **GANs in a framework.** [Manual optimization](https://lightning.ai/docs/pytorch/stable/common/optimization.html) in Lightning; the [WGAN-GP example](https://keras.io/examples/generative/wgan_gp/) of Keras.
- **Papers.** Howard and Gugger, [fastai: A Layered API for Deep Learning](https://arxiv.org/abs/2002.04688), on why there are callbacks; Gulrajani et al., [Improved Training of Wasserstein GANs](https://arxiv.org/abs/1704.00028); Lucic et al., [Are GANs Created Equal?](https://arxiv.org/abs/1711.10337), a comparison of many GANs at equal budgets.
- **In Chinese.** Dive into Deep Learning in its Chinese edition; Hung-yi Lee's lectures on GANs.
"""
