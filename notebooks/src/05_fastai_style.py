# %% [markdown] tags=["lang-zh", "title"]
r"""
# 05 · fastai 式的接口：把循环拆成回调

四行代码训练一个 GAN，听起来像魔法。这一课先把魔法写成一个六十行的循环，再一行一行搬进几个小类里，最后证明：结果一个比特也没有变。

- **学完你会**：把一个训练循环改写成回调而不改变结果；说出每一批里的五个事件，以及谁在哪个事件里动了什么；自己写一个切换器和一个回调；换损失、换惩罚项只改一个参数。
- **需要准备**：[第 04 课](04_wgan.ipynb)的 WGAN；知道 Python 的类和继承。
- **用时**：阅读和练习 75 分钟；全部运行一遍约 4 分钟（两个 CPU 核心，不需要显卡，也不必联网）。
- **来历**：fastai 课程的 [WGAN 笔记本](https://github.com/fastai/course-v3/blob/master/nbs/dl1/lesson7-wgan.ipynb)的一个中文注释版，下文称作 `000`；[fastai v1 文档里讲 GAN 的一页](https://fastai1.fast.ai/vision.gan.html)，称作 `001`。它们的主要内容这里都有；原文留下的问题，我们来回答；值得推敲的地方，用代码来核对。
"""

# %% [markdown] tags=["lang-en", "title"]
r"""
# 05 · The fastai style: a loop taken apart into callbacks

Four lines of code train a GAN, and it looks like magic. In this lesson we first write the magic as one loop of sixty lines, then move it line by line into a few small classes, and in the end prove that not one bit of the result has changed.

- **You will be able to**: turn a training loop into callbacks without changing its result; name the five events of every batch and say who changes what in each of them; write a switcher and a callback of your own; change the loss or the penalty by changing one argument.
- **You need**: the WGAN of [lesson 04](04_wgan.ipynb); classes and inheritance in Python.
- **Time**: 75 minutes to read and do the exercises; about 4 minutes to run everything (two CPU cores, no graphics card, no internet connection).
- **Where it comes from**: a copy with Chinese notes of the [WGAN notebook](https://github.com/fastai/course-v3/blob/master/nbs/dl1/lesson7-wgan.ipynb) of fastai's course, called `000` below; and [the page about GANs in the documentation of fastai v1](https://fastai1.fast.ai/vision.gan.html), called `001`. Their main points are all here; we answer the questions they leave open and check in code what deserves a second look.
"""

# %%
import tempfile
from functools import partialmethod

from gan_lessons import lab, losses, measure, penalties, runtime, show
from gan_lessons.data import toy_rooms
from gan_lessons.exercises import lesson05 as check
from gan_lessons.fastai_style.live import Live

runtime.set_threads(2)  # convolutions are large enough to gain from a second thread
lab.language_switch()

# %% [markdown] tags=["lang-zh", "what-changed"]
r"""
## 和上一课相比

游戏没有变：还是 WGAN，评论家走 5 步，生成器走 1 步，权重裁剪到 0.01。变的是写法，循环不见了：

```diff
- for step in range(steps):
-     for _ in range(5):
-         critic_step(critic, generator, critic_optimizer, loss, real, z, clip=0.01)
-     generator_step(critic, generator, generator_optimizer, loss, z)
+ learn = GANLearner.wgan(data, generator, critic)
+ learn.fit(30, 2e-4)
```

循环当然还在，只是搬了家。搬到哪里去了，就是这一课的内容。
"""

# %% [markdown] tags=["lang-en", "what-changed"]
r"""
## What changed since the last lesson

The game is the same: WGAN, 5 steps of the critic for 1 of the generator, weights clipped to 0.01. What is new is how it is written. The loop has gone:

```diff
- for step in range(steps):
-     for _ in range(5):
-         critic_step(critic, generator, critic_optimizer, loss, real, z, clip=0.01)
-     generator_step(critic, generator, generator_optimizer, loss, z)
+ learn = GANLearner.wgan(data, generator, critic)
+ learn.fit(30, 2e-4)
```

The loop still exists, of course; it has only moved. Where to is what this lesson is about.
"""

# %% [markdown] tags=["lang-zh"]
r"""
## 两行导入

fastai 的笔记本都以两个星号导入开头。本课程别处不这样写，这里照做，好看看它的利和弊。旧的笔记本只要把前缀 `fastai` 换成 `gan_lessons.fastai_style` 就能运行。
"""

# %% [markdown] tags=["lang-en"]
r"""
## Two lines of imports

Every fastai notebook begins with two star imports. Nowhere else in this course do we write them; here we do, to see what they are good for and what they cost. An old notebook runs once its prefix `fastai` is replaced by `gan_lessons.fastai_style`.
"""

# %%
partial = "a variable of mine"
before = set(dir())
from gan_lessons.fastai_style.vision import *
from gan_lessons.fastai_style.vision.gan import *

brought = sorted(set(dir()) - before - {"before"})
print("GANLearner and torch are there:", {"GANLearner", "torch"} <= set(brought))
print("partial is still mine:", partial == "a variable of mine")

# %% tags=["nbval-ignore-output"]
print(*brought, sep="  ")

# %% [markdown] tags=["lang-zh"]
r"""
方便是真的：一行就有了几十个名字，连 `torch` 和 `partial` 都在里面。代价也是真的：我们自己的 `partial` 被盖掉了，没有任何提示；而且读代码的人看到 `noop`，不知道它从哪里来。好在每个模块都用 `__all__` 写明了自己导出哪些名字。试东西的笔记本里可以用，写给别人读的代码里不要用。

## 数据块：噪声进，图片出

`untar_data` 找 LSUN 的卧室照片；这台电脑上没有，就画一批玩具卧室，绝不下载。想用自己的照片，把文件夹的路径赋给 `path` 即可。
"""

# %% [markdown] tags=["lang-en"]
r"""
The convenience is real: one line brings dozens of names, even `torch` and `partial`. So is the price: a `partial` of our own has been replaced without a word, and whoever reads `noop` further down cannot tell where it comes from. At least each module lists in `__all__` what it hands out. In a notebook where one tries things this is fine; in code for others to read it is not.

## The data block: noise in, pictures out

`untar_data` looks for the bedrooms of LSUN. Where there are none it draws toy rooms, and it never downloads. To use photographs of your own, let `path` be their folder.
"""

# %%
path = untar_data(URLs.LSUN_BEDROOMS,
                  toys=runtime.at_scale(smoke=512, default=8192, full=16_384))
drawn = path.parent.name == "toy-rooms"  # by code, so that we know what is on each picture


# %%
def get_data(bs, size):
    items = GANItemList.from_folder(path, noise_sz=100)
    everything = items.split_none()              # all for training: no validation set
    pairs = everything.label_from_func(noop)     # y, the target, is the picture itself
    cut = [crop_pad(row_pct=(0, 1), col_pct=(0, 1))]
    squares = pairs.transform(tfms=[cut, []], size=size, tfm_y=True)  # cut the pictures, y
    half = torch.tensor([0.5, 0.5, 0.5])
    return squares.databunch(bs=bs).normalize([half, half], do_x=False, do_y=True)


size, bs = runtime.at_scale(smoke=32, default=32, full=64), runtime.at_scale(
    smoke=64, default=64, full=128)
data = get_data(bs, size)

# %% tags=["nbval-ignore-output"]
data

# %% [markdown] tags=["lang-zh"]
r"""
`000` 把这几步写成一条链，并在注释里问：`noop` 是什么？没有解释的还不止这一处。逐个回答：

- **`noop` 什么也不做**，收到什么就返回什么。`label_from_func(noop)` 的意思是：一张图片的标签就是这张图片。GAN 的目标 y 是真的图片，不是类别。
- **x 是噪声。** 每取一次都是新的 `NoisyItem`，长度 `noise_sz`，默认 100。
- **为什么 `tfm_y=True`？** 裁剪针对的是图片，而图片是 y；噪声没有行和列，裁不了。`row_pct=(0, 1)` 是说裁剪窗口的位置在两端之间随机取；正方形的图片没有余地，每次都一样。
- **为什么 `do_x=False, do_y=True`？** 噪声本来就是均值 0、标准差 1。图片要从 $[0, 1]$ 换到 $[-1, 1]$，也就是 tanh 的范围，所以均值和标准差都取 0.5。
- **为什么没有验证集？** 生成器没有要预测的标签。它的损失只是评论家此刻的意见，在留出的图片上再算一遍，还是同一个评论家的意见，说明不了画得好不好。（`no_split` 是 `split_none` 的旧名，也能用。）留出的图片另有用处：量样本与真品的距离、查有没有抄袭，见第 07 课。
- `000` 说要逐步放大尺寸，后来却没有做。[第 04 课](04_wgan.ipynb)做了；这里 `size` 是参数，换一个数就是另一种尺寸。

用代码核对：
"""

# %% [markdown] tags=["lang-en"]
r"""
In `000` these steps are one chain, with a question in a comment: what is `noop`? And it leaves more unexplained. The answers, one by one:

- **`noop` does nothing**: it returns what it is given. `label_from_func(noop)` says that the label of a picture is that picture. The target y of a GAN is a real picture, not a class.
- **x is noise.** Each time it is asked for there is a new `NoisyItem`, of length `noise_sz`, 100 by default.
- **Why `tfm_y=True`?** It is the pictures that are cropped, and the pictures are y; noise has no rows and columns to crop. `row_pct=(0, 1)` lets the window lie anywhere between the two ends; a square picture leaves it no room, so it is the same each time.
- **Why `do_x=False, do_y=True`?** Noise has mean 0 and standard deviation 1 as it is. Pictures have to go from $[0, 1]$ to $[-1, 1]$, the range of tanh; hence 0.5 for both mean and standard deviation.
- **Why no validation set?** The generator has no label to predict. Its loss is only what the critic thinks at the moment; computed again on pictures held out it is the same critic's opinion, and does not tell whether the pictures are any good. (`no_split` is the old name of `split_none`, and works, too.) Pictures held out are good for other things: to measure how far samples are from real ones and to look for copies, see lesson 07.
- `000` announces that sizes will grow, and then they do not. [Lesson 04](04_wgan.ipynb) does it; here `size` is an argument, and another number is another size.

Check it in code:
"""

# %%
torch.manual_seed(0)
x, y = data.one_batch()
print("noop gives back what it got:", noop(path) is path)
print("x", tuple(x.shape[1:]), "| mean near 0, deviation near 1:",
      abs(float(x.mean())) < 0.05 and abs(float(x.std()) - 1) < 0.05)
print("y", tuple(y.shape[1:]), "| within [-1, 1]:", float(y.min()) >= -1 and float(y.max()) <= 1)

(noise, picture), (other_noise, same_picture) = data.train_ds[0], data.train_ds[0]
print("item 0 twice: same noise", torch.equal(noise.data, other_noise.data),
      "| same picture", torch.equal(picture, same_picture))
print("a NoisyItem as text is empty:", str(NoisyItem(100)) == "")

# %%
data.show_batch(rows=4, figsize=(5, 5))

# %% [markdown] tags=["lang-zh"]
r"""
## 两个网络

`basic_generator` 从 1x1 的噪声出发，先到 4x4，再一层一层加倍；`basic_critic` 反过来，一直减半到 4x4，最后一个 4x4 的卷积收成一个数。`n_extra_layers` 在边长为最终边长一半的那一级加 3x3 的层。每一块的次序是卷积、激活、批归一化，和 DCGAN 不同，和 `000` 相同，好让网络与 fastai 的完全一样；参数个数也一个不差。

注意评论家的输出：**整批只有一个数**。
"""

# %% [markdown] tags=["lang-en"]
r"""
## Two networks

`basic_generator` starts from noise of 1x1, goes to 4x4 and doubles the side layer by layer; `basic_critic` goes the other way, halving down to 4x4, where a last 4x4 convolution leaves one number. `n_extra_layers` adds 3x3 layers where the side is half the final one. The order within a block is convolution, activation, BatchNorm; it is not that of DCGAN but that of `000`, so that the networks are exactly fastai's; the number of parameters agrees, too.

Look at what the critic returns: **one number for the whole batch**.
"""

# %%
def parameters(network):
    return sum(p.numel() for p in network.parameters())


as_in_000 = (basic_generator(in_size=64, n_channels=3, n_extra_layers=1),
             basic_critic(in_size=64, n_channels=3, n_extra_layers=1))
print("of 000, 64x64: G has {:,} parameters, C has {:,}".format(*map(parameters, as_in_000)))

averaging = basic_critic(size, 3, n_features=8).to(data.device)
each = basic_critic(size, 3, n_features=8, per_sample=True).to(data.device)
print("scores for a batch:", tuple(averaging(y).shape), "| with per_sample=True:",
      tuple(each(y).shape) == (len(y),))

# %% [markdown] tags=["lang-zh"]
r"""
`001` 说，评论家一直做到边长为 1 为止。其实循环停在 4x4，收成一个数之后还有一层 `AvgFlatten`，把**整批**求了平均。平均之后就分不清哪张图得了几分：逐张的惩罚项、准确率都算不成。要逐张的分数，写 `per_sample=True`。（`gan_critic` 更不一样，它给每张图的许多小块各打一个分。）

`000` 又说评论家“通常对赝品给 0，对真品给 1”。那是带 sigmoid 的判别器。WGAN 的评论家给的是**没有界限的分数**，单独一个分数没有意义，有意义的是真品和赝品分数之差。

## 六十行的循环

下面这个函数把第 04 课的循环写在一处：裁剪、冻结、两种损失、更新、平滑、记账、每轮一张图、轮到谁。请读一遍；每条注释待会儿都会变成某个类里的几行。两处与第 04 课不同，都是为了和 fastai 一致：评论家学的是**真品低、赝品高**（正负号整个反过来，游戏不变），裁剪放在每批的**开头**。
"""

# %% [markdown] tags=["lang-en"]
r"""
`001` says that the critic goes on until the side is 1. In fact its loop stops at 4x4, and after the one number comes a layer `AvgFlatten`, which takes the mean **over the batch**. After that nobody can tell which picture got which score: neither penalties for each picture nor an accuracy can be computed. For a score for each picture write `per_sample=True`. (`gan_critic` is different again: it scores many patches of each picture.)

`000` also says that the critic gives "usually 0 for fake and 1 for real". That is a discriminator with a sigmoid. The critic of a WGAN gives **scores without bounds**. One score alone means nothing; the difference between the scores of real ones and fakes does.

## Sixty lines of loop

This function has the loop of lesson 04 in one place: clipping, freezing, two losses, the update, smoothing, book-keeping, one picture per epoch, whose turn it is. Read it; each comment will become a few lines of some class. In two respects it differs from lesson 04, to agree with fastai: the critic learns **low for real, high for fake** (all signs are turned round, the game is the same), and clipping comes at the **beginning** of each batch.
"""

# %%
def one_loop(data, generator, critic, epochs, lr, n_critic=5, clip=0.01, beta=0.98):
    """Train a WGAN; return the smoothed losses of each epoch, and a picture of each."""
    # an optimizer for each player
    opt_g = optim.Adam(generator.parameters(), lr=lr, betas=(0.0, 0.99))
    opt_c = optim.Adam(critic.parameters(), lr=lr, betas=(0.0, 0.99))
    gen_turn, taken = False, 0
    mean = {"G": 0.0, "C": 0.0}
    steps = {"G": 0, "C": 0}
    rows, pictures = [], []
    fixed = torch.randn(1, 100, 1, 1, generator=torch.Generator().manual_seed(0))

    for _ in range(epochs):
        generator.train()
        critic.train()
        for noise, real in data.train_dl:
            # keep the critic in its box
            with torch.no_grad():
                for p in critic.parameters():
                    p.clamp_(-clip, clip)

            # one player learns, the other keeps still
            for p in generator.parameters():
                p.requires_grad_(gen_turn)
            for p in critic.parameters():
                p.requires_grad_(not gen_turn)

            # the loss of whoever's turn it is
            if gen_turn:
                loss = critic(generator(noise)).mean()
            else:
                real_score = critic(real)
                with torch.no_grad():
                    fake = generator(noise)
                loss = real_score.mean() - critic(fake).mean()

            # learn
            optimizer = opt_g if gen_turn else opt_c
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()

            # keep the books
            player = "G" if gen_turn else "C"
            steps[player] += 1
            mean[player] = beta * mean[player] + (1 - beta) * loss.item()

            # whose turn is it next?
            taken += 1
            if taken == (1 if gen_turn else n_critic):
                gen_turn, taken = not gen_turn, 0

        # a row for the table; a picture, always of the same noise
        rows.append([mean[who] / (1 - beta ** steps[who]) for who in "GC"])
        generator.eval()
        with torch.no_grad():
            pictures.append(data.to_images(generator(fixed.to(data.device)))[0].cpu())
    return rows, pictures


# %% [markdown] tags=["lang-zh"]
r"""
## 同一个种子，同一个结果

现在让循环和学习器从同样的权重、同样的随机数出发，各跑两轮。`wgan` 的默认就是 5 比 1 和 0.01；`switch_eval=False` 的意思下面再讲；`wd=0.0` 关掉 fastai 默认的权重衰减 0.01。比较两个网络的**全部**张量：权重、偏置，还有批归一化的统计量。
"""

# %% [markdown] tags=["lang-en"]
r"""
## The same seed, the same result

Now let the loop and a learner start from the same weights and the same random numbers and run two epochs each. 5 to 1 and 0.01 are the defaults of `wgan`; what `switch_eval=False` means comes later; `wd=0.0` switches off fastai's default weight decay of 0.01. We compare **all** tensors of both networks: weights, biases, and the statistics of BatchNorm.
"""

# %%
adam = partial(optim.Adam, betas=(0.0, 0.99))


def players(n_features=8):
    torch.manual_seed(0)
    pair = (basic_generator(size, 3, n_features=n_features, n_extra_layers=1),
            basic_critic(size, 3, n_features=n_features, n_extra_layers=1))
    return [network.to(data.device) for network in pair]


def small_wgan(data=data, **settings):
    settings = {"switch_eval": False, "silent": True, **settings}
    learn = GANLearner.wgan(data, *players(), opt_func=adam, wd=0.0, **settings)
    torch.manual_seed(1)  # of the order of the pictures, and of the noise
    return learn


by_hand = players()
torch.manual_seed(1)
rows, pictures = one_loop(data, *by_hand, epochs=2, lr=2e-4)

learn = small_wgan()
learn.fit(2, 2e-4)

same = [torch.equal(mine, theirs)
        for a, b in zip(by_hand, (learn.generator, learn.critic))
        for mine, theirs in zip(a.state_dict().values(), b.state_dict().values(), strict=True)]
print(f"{sum(same)} of {len(same)} tensors are identical, bit for bit")
print("the same pictures:", all(torch.equal(mine, theirs) for mine, theirs in
                                zip(pictures, learn.gan_trainer.imgs, strict=True)))
table = [[float(row["gen_loss"]), float(row["disc_loss"])] for row in learn.recorder.table.rows]
print("the same table:", torch.allclose(torch.tensor(rows), torch.tensor(table), atol=1e-6))

# %% [markdown] tags=["lang-zh"]
r"""
没有魔法：学习器里的每一行都在循环里，反过来也一样。谁搬到了哪里：

| 循环里的注释 | 搬到了 | 在哪个事件 |
|---|---|---|
| an optimizer for each player | `GANLearner.prepare_optimizers` | 训练之前 |
| keep the critic in its box | `GANTrainer`（参数 `clip`） | `on_batch_begin` |
| one player learns, the other keeps still | `GANTrainer.switch` | 交换的时候 |
| the loss of whoever's turn it is | `GANModule` 和 `GANLoss` | |
| learn | `Learner.fit_batch` | |
| keep the books | `GANTrainer`（参数 `beta`） | `on_backward_begin` |
| whose turn is it next? | `FixedGANSwitcher` | `on_batch_end` |
| a row for the table; a picture | `Recorder` 和 `GANTrainer`（参数 `show_img`） | `on_epoch_end` |

`GANModule` 把两个网络装成“一个模型”，用 `gen_mode` 记住现在是谁；`GANLoss` 把两个损失装成“一个损失”。这样，不懂 GAN 的 `Learner` 也能训练它。

## 每一批的五个事件

`Learner.fit_batch` 每一批喊五次：`on_batch_begin`、`on_backward_begin`、`on_backward_end`、`on_step_end`、`on_batch_end`。定义了同名方法的回调会按 `order` 从小到大依次听到。下面的 `Diary` 把听到的全记下来。
"""

# %% [markdown] tags=["lang-en"]
r"""
No magic: each line of the learner is in the loop, and the other way round. What moved where:

| Comment in the loop | Moved to | In which event |
|---|---|---|
| an optimizer for each player | `GANLearner.prepare_optimizers` | before training |
| keep the critic in its box | `GANTrainer` (argument `clip`) | `on_batch_begin` |
| one player learns, the other keeps still | `GANTrainer.switch` | when turns change |
| the loss of whoever's turn it is | `GANModule` and `GANLoss` | |
| learn | `Learner.fit_batch` | |
| keep the books | `GANTrainer` (argument `beta`) | `on_backward_begin` |
| whose turn is it next? | `FixedGANSwitcher` | `on_batch_end` |
| a row for the table; a picture | `Recorder` and `GANTrainer` (argument `show_img`) | `on_epoch_end` |

`GANModule` makes "one model" of two networks and remembers in `gen_mode` which of them it is at the moment; `GANLoss` makes "one loss" of two. So a `Learner` that knows nothing of GANs can train one.

## The five events of every batch

In each batch `Learner.fit_batch` calls out five times: `on_batch_begin`, `on_backward_begin`, `on_backward_end`, `on_step_end`, `on_batch_end`. Callbacks with a method of that name hear it, those with a smaller `order` first. The `Diary` below writes down all it hears.
"""

# %%
FIVE = ("on_batch_begin", "on_backward_begin", "on_backward_end", "on_step_end", "on_batch_end")


class Diary(Callback):
    """Writes down every event of every batch, and whose turn it is then."""

    def __init__(self, order=0):
        self.order, self.notes = order, []

    def note(self, event, learn):
        self.notes.append((event, "G" if learn.gan_trainer.gen_mode else "C"))

    def turns(self, event="on_batch_begin"):
        return "".join(player for name, player in self.notes if name == event)


for event in FIVE:
    setattr(Diary, event, partialmethod(Diary.note, event))


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
        "on_backward_end": "GradientClip: shorten gradients",
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

# %% [markdown] tags=["lang-zh", "predict"]
r"""
### 先猜再跑 1：谁先听到？

蓝色圆点是评论家的批，橙色方块是生成器的批。切换器 `FixedGANSwitcher` 的 `order` 是 40，在 `on_batch_end` 里交换。现在放两本日记，`order` 分别是 0 和 100，都在 `on_batch_end` 里记下“现在轮到谁”。12 批之后，两本日记：

- A. 一样，都是 `CCCCCGCCCCCG`。
- B. 不一样：先听到的那本少记一批，因为第一批开始时还没有轮到谁。
- C. 不一样：后听到的那本，在每个回合的最后一步记成了对方。
"""

# %% [markdown] tags=["lang-en", "predict"]
r"""
### Predict, then run 1: who hears it first?

Blue dots are batches of the critic, orange squares those of the generator. The switcher, `FixedGANSwitcher`, has `order` 40 and changes turns in `on_batch_end`. Now take two diaries with `order` 0 and 100; both note in `on_batch_end` whose turn it is. After 12 batches they are

- A. the same, both `CCCCCGCCCCCG`;
- B. different: the one that hears it first lacks a batch, because nobody has a turn yet when the first batch begins;
- C. different: the one that hears it later names the other player at the last step of each turn.
"""

# %%
early, late = Diary(order=0), Diary(order=100)
small_wgan().fit(1, 2e-4, callbacks=[late, early, EndAfter(12)])
print("order   0:", early.turns("on_batch_end"))
print("order 100:", late.turns("on_batch_end"))

# %% [markdown] tags=["lang-zh", "exercise"]
r"""
答案是 **C**。列表里谁写在前面不要紧，要紧的是 `order`；相同的才按先后。fastai v2 的 `GANDiscriminativeLR` 就栽在这里：用 `add_cb` 加进去，它排到了切换器后面，于是生成器的那一步用了评论家的学习率。

### 练习 1：`ClipCritic`

fastai 在每批**开头**裁剪。论文的算法是每次更新**之后**裁剪，这样盒子外面的评论家谁也见不到。写一个这样的回调。`learn.critic` 是评论家，`learn.generator` 是生成器，`learn.gan_trainer.gen_mode` 说现在是不是生成器的回合。

<details><summary>提示一</summary>

更新之后的事件是 `on_step_end`。

</details>

<details><summary>提示二</summary>

在 `torch.no_grad()` 里，对 `learn.critic.parameters()` 中的每个 p 写 `p.clamp_(-self.limit, self.limit)`。

</details>
"""

# %% [markdown] tags=["lang-en", "exercise"]
r"""
The answer is **C**. It does not matter who comes first in the list; `order` decides, and the list only breaks ties. This is what `GANDiscriminativeLR` of fastai v2 stumbled over: added with `add_cb` it came after the switcher, and it was the generator's step that took the critic's learning rate.

### Exercise 1: `ClipCritic`

fastai clips at the **beginning** of each batch. In the paper's algorithm clipping comes **after** each update, so that nobody ever meets a critic outside the box. Write a callback that does so. `learn.critic` is the critic, `learn.generator` the generator, and `learn.gan_trainer.gen_mode` tells whether it is the generator's turn.

<details><summary>Hint one</summary>

The event after the update is `on_step_end`.

</details>

<details><summary>Hint two</summary>

Inside `torch.no_grad()`, for each p of `learn.critic.parameters()`: `p.clamp_(-self.limit, self.limit)`.

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

切换器也是回调，只做一件事：在 `on_batch_end` 里决定要不要 `learn.gan_trainer.switch()`。`001` 有两种：

- `FixedGANSwitcher(n_crit, n_gen)`：各走固定的步数。两个数都可以是函数，参数是生成器已走的步数。
- `AdaptiveGANSwitcher(gen_thresh, critic_thresh)`：这一步的损失低于自己的门槛就交出去；没有门槛，就一步一换。

`001` 说 `GANLearner` 默认 5 比 1。普通的 GAN 若也是这样，会让人意外，所以我们的默认是 1 比 1，只有 `wgan` 是 5 比 1，`print(learn)` 时看得见。

### 先猜再跑 2：永远够不到的门槛

评论家的门槛设成 -9，而权重裁剪到 0.01 的评论家，损失不会低到那里。12 批里会发生什么？

- A. 评论家一直练下去，生成器一步也没走。
- B. 报错，因为损失到不了门槛，切换器没有事可做。
- C. 到了一定步数，切换器会放弃等待，把回合交给生成器。
"""

# %% [markdown] tags=["lang-en", "predict"]
r"""
## Whose turn it is: switchers

A switcher is a callback, too, with one thing to do: decide in `on_batch_end` whether to call `learn.gan_trainer.switch()`. `001` has two:

- `FixedGANSwitcher(n_crit, n_gen)`: a fixed number of steps for each. Either may be a function of the number of steps that the generator has taken.
- `AdaptiveGANSwitcher(gen_thresh, critic_thresh)`: whoever's loss at this step is below the threshold hands over; without a threshold, after every step.

In `001` the default of `GANLearner` is 5 to 1. For an ordinary GAN that comes as a surprise, so ours is 1 to 1; only `wgan` has 5 to 1, and `print(learn)` shows it.

### Predict, then run 2: a threshold that is never reached

Set the critic's threshold to -9; with weights clipped to 0.01, its loss will never be that low. What happens in 12 batches?

- A. The critic trains on and on, and the generator takes not a single step.
- B. An error, because the loss cannot reach the threshold and the switcher has nothing to do.
- C. After some steps the switcher gives up waiting and hands over to the generator.
"""

# %%
def turns(switcher, batches=12, **settings):
    diary = Diary()
    small_wgan(switcher=switcher, **settings).fit(1, 2e-4, callbacks=[diary, EndAfter(batches)])
    return diary.turns()


print("fixed, 5 to 1:      ", turns(partial(FixedGANSwitcher, n_crit=5)))
print("fixed, a function:  ", turns(partial(FixedGANSwitcher, n_crit=lambda g: 4 if g < 1 else 2)))
print("adaptive, no limits:", turns(AdaptiveGANSwitcher))
print("never reached:      ", turns(partial(AdaptiveGANSwitcher, critic_thresh=-9.0)))

# %% [markdown] tags=["lang-zh", "exercise"]
r"""
答案是 **A**。没有报错，表格里评论家的损失还在一路往下走，看上去训练很顺利；可是生成器一步没动。用有门槛的切换器，一定要看 `learn.gan_trainer.gen_steps`。

### 练习 2：预热的切换器

WGAN 的作者公布的代码在开头让评论家多练：生成器的前 25 步，每一步之前评论家走 100 步，以后走 5 步；生成器走过的步数是 500 的倍数时，再来一次 100 步。（0 也是 500 的倍数，但它已经在前 25 步里了。）

写出这个切换器。`learn.stepped` 说这一批有没有真的更新：梯度可以攒几批再走一步，要数的是步。`learn.gan_trainer.gen_steps` 是生成器已走的步数。

<details><summary>提示一</summary>

先把这一步数进去，再算这个回合该有几步，够了就 `learn.gan_trainer.switch()`，并把计数归零。

</details>

<details><summary>提示二</summary>

生成器的回合只有 1 步：`gen_mode` 为真时立刻交回去。评论家的回合有 `100 if g < 25 or g % 500 == 0 else 5` 步。

</details>
"""

# %% [markdown] tags=["lang-en", "exercise"]
r"""
The answer is **A**. There is no error, and in the table the critic's loss goes down and down as if training went well; but the generator has not moved. With a switcher that has thresholds, always look at `learn.gan_trainer.gen_steps`.

### Exercise 2: a switcher with a warm-up

The code that the authors of WGAN published trains the critic longer at the start: before each of the generator's first 25 steps the critic takes 100, later 5; and 100 once more whenever the generator's steps are a multiple of 500. (0 is a multiple of 500, too, but is among the first 25 anyway.)

Write this switcher. `learn.stepped` tells whether this batch ended in an update: gradients can be accumulated over several batches, and what you must count is steps. `learn.gan_trainer.gen_steps` is how many the generator has taken.

<details><summary>Hint one</summary>

Count this step first, then work out how many this turn should have; when there are enough, `learn.gan_trainer.switch()`, and set the count back to zero.

</details>

<details><summary>Hint two</summary>

A turn of the generator has 1 step: when `gen_mode` is true, hand back at once. A turn of the critic has `100 if g < 25 or g % 500 == 0 else 5` steps.

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

# %% [markdown] tags=["lang-zh"]
r"""
写好之后，`GANLearner.wgan(data, generator, critic, switcher=WarmUpSwitcher)` 就会用它。不写类也行：`partial(FixedGANSwitcher, n_crit=lambda g: 100 if g < 25 or g % 500 == 0 else 5)`。在 fastai v1 里这样写没有用：它每次交换都把计数清零，再把这个零交给函数，所以函数收到的永远是 0，每个回合都是 100 步。
"""

# %% [markdown] tags=["lang-en"]
r"""
Once written, it is used by `GANLearner.wgan(data, generator, critic, switcher=WarmUpSwitcher)`. It can be done without a class: `partial(FixedGANSwitcher, n_crit=lambda g: 100 if g < 25 or g % 500 == 0 else 5)`. In fastai v1 that does not work: it sets its counts to zero at each switch and hands this zero to the function, which thus always hears 0, and every turn has 100 steps.
"""

# %% [markdown] tags=["lang-zh", "predict"]
r"""
## 不学的那个，也会变：`switch_eval`

一个网络冻结了，权重就不动。可是批归一化的滑动统计量不是权重，只要网络在训练模式里看到一批数据，它就跟着变。`switch_eval=True` 把不学的那个放进评估模式，连统计量也不动。

### 先猜再跑 3：一个回合里看了几批？

一个回合：评论家 5 步，生成器 1 步。评论家走一步，它自己看两批图（真品和赝品）；生成器走一步，评论家看一批。批归一化自己数看过几批：`num_batches_tracked`。`switch_eval=False` 时，生成器和评论家各数到几？

- A. 生成器 1，评论家 10。
- B. 生成器 6，评论家 11。
- C. 生成器 6，评论家 6。
"""

# %% [markdown] tags=["lang-en", "predict"]
r"""
## Even the network that is not learning changes: `switch_eval`

The weights of a frozen network do not move. But the running statistics of BatchNorm are no weights: whenever a network in training mode sees a batch, they follow. `switch_eval=True` puts the one that is not learning into evaluation mode, where its statistics keep still as well.

### Predict, then run 3: how many batches were seen in one round?

One round: 5 steps of the critic, 1 of the generator. In each of its steps the critic sees two batches (real ones and fakes), in the generator's step one. BatchNorm itself counts the batches it has seen: `num_batches_tracked`. With `switch_eval=False`, how far do generator and critic count?

- A. Generator 1, critic 10.
- B. Generator 6, critic 11.
- C. Generator 6, critic 6.
"""

# %%
def batches_seen(network):
    return max(int(layer.num_batches_tracked) for layer in network.modules()
               if isinstance(layer, nn.BatchNorm2d))


for switch_eval in (False, True):
    one_round = small_wgan(switch_eval=switch_eval)
    one_round.fit(1, 2e-4, callbacks=[EndAfter(6)])
    print(f"switch_eval={switch_eval}: generator {batches_seen(one_round.generator)},",
          f"critic {batches_seen(one_round.critic)}")

# %% [markdown] tags=["lang-zh", "exercise"]
r"""
答案是 **B**；换成 `switch_eval=True` 就是 A。差别不只在计数：评估模式下的生成器用滑动统计量画赝品，这些统计量一开始只是 0 和 1，评论家练的就是另一批图；于是从第一步起，两种设置的损失就不同。`000` 用 `False`，`GANLearner` 默认是 `True`，两者都有人用，换的时候要知道自己换了什么。

还有一件事，照原样做才看得见：裁剪碰的是**所有**参数，批归一化的缩放也从 1 压到了 0.01。这是 WGAN 的损失数值那么小的一个原因。

### 练习 3：`DiscriminativeLR`

让评论家的学习率是生成器的 `factor` 倍。`learn.opt` 是此刻这一方的优化器，`learn.opt.lr` 可读可写。更新之前调高，更新之后**恢复原值**；学习率本身可能也在变，所以每次都从当时的值算起。

<details><summary>提示一</summary>

`on_batch_begin`：若不是生成器的回合，先记下 `learn.opt.lr`，再乘以 `self.factor`。

</details>

<details><summary>提示二</summary>

`on_step_end`：若不是生成器的回合，写回记下的值。不能等到切换之后，那时 `learn.opt` 已经是对方的了。

</details>
"""

# %% [markdown] tags=["lang-en", "exercise"]
r"""
The answer is **B**; with `switch_eval=True` it is A. Not only the counts differ: in evaluation mode the generator paints its fakes with the running statistics, which at first are just 0 and 1, so the critic trains on other pictures, and the losses differ from the very first step. `000` has `False`, the default of `GANLearner` is `True`; both are in use, and if you change it, know what you change.

There is one more thing that only shows when you do as the original does: clipping takes hold of **all** parameters, and the scales of BatchNorm are pressed from 1 down to 0.01 as well. This is one reason why the losses of this WGAN are such small numbers.

### Exercise 3: `DiscriminativeLR`

Give the critic `factor` times the generator's learning rate. `learn.opt` is the optimizer of whoever's turn it is, and `learn.opt.lr` can be read and set. Raise it before the update and **put it back** after; the learning rate may follow a schedule, so start from what it is at the time.

<details><summary>Hint one</summary>

`on_batch_begin`: unless it is the generator's turn, note `learn.opt.lr`, then multiply it by `self.factor`.

</details>

<details><summary>Hint two</summary>

`on_step_end`: unless it is the generator's turn, write back what you noted. Do not wait until turns have changed, for then `learn.opt` is the other player's.

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

# %% [markdown] tags=["lang-zh"]
r"""
## 照 `000` 训练

现在用 `000` 的写法训练：Adam 的 `betas` 是 0 和 0.99，权重衰减 0，`switch_eval=False`。网络小一些（32x32，16 个特征），学习率高一些，好在两个核心上跑完；`GAN_LESSONS_SCALE=full` 就是原文的 64x64、64 个特征、30 轮。
"""

# %% [markdown] tags=["lang-en"]
r"""
## Training as in `000`

Now train the way `000` does: Adam with `betas` 0 and 0.99, weight decay 0, `switch_eval=False`. The networks are smaller (32x32, 16 features) and the learning rate is higher, to suit two cores; with `GAN_LESSONS_SCALE=full` it is the 64x64, 64 features and 30 epochs of the original.
"""

# %% tags=["nbval-ignore-output"]
features = runtime.at_scale(smoke=8, default=16, full=64)
epochs = runtime.at_scale(smoke=1, default=6, full=30)
generator, critic = players(features)
learn = GANLearner.wgan(data, generator, critic, switch_eval=False, opt_func=adam, wd=0.0)
print(learn)
learn.fit(epochs, runtime.at_scale(smoke=1e-3, default=1e-3, full=2e-4))

# %% [markdown] tags=["lang-zh"]
r"""
怎样读这张表：

- `gen_loss` 和 `disc_loss` 是两个玩家各自的损失，按 `beta` 平滑，默认 0.98。
- `disc_loss` 是负的：评论家学的是真品低、赝品高，`-disc_loss` 就是它对距离的估计。在 `000` 的 30 轮里，它从 1.09 一路缩到 0.25：**有用的是这条曲线**，评论家跟得上的时候，它缩小说明赝品在靠近真品。可是只看它也不够：我们这一次它也缩小了，图却还是色块。训练之初评论家还没有练起来，距离会先升后降；这段上升在表里看不到，要看下面那张图的第一轮之内。
- `gen_loss` 是赝品的平均分，只有和真品的分数放在一起才有意义。
- `train_loss (mixed)` 把两个玩家的损失混在一个平均数里，没有用处；fastai 的表里也有这一列，我们只是给它换了个名副其实的名字。
- 没有 `valid_loss`，因为没有验证集。
- 表上方的一排小图每轮一张，噪声总是同一份；fastai 每轮换一份噪声，就分不清变的是网络还是噪声。

`000` 在训练之后先切回生成器模式，再看结果。`fit` 结束时本来就在这个模式，那一行多余，但没有害处：
"""

# %% [markdown] tags=["lang-en"]
r"""
How to read the table:

- `gen_loss` and `disc_loss` are the losses of the two players, smoothed with `beta`, 0.98 by default.
- `disc_loss` is negative: this critic learns low for real and high for fakes, and `-disc_loss` is its estimate of the distance. In the 30 epochs of `000` it shrinks from 1.09 to 0.25: **the useful curve is this one**; provided that the critic keeps up, it says that fakes come closer to real ones. It is not enough by itself: in our run it shrinks, too, and the pictures are still patches of colour. At the start the critic has to find its feet, and the distance rises before it falls; the table does not show that rise, the first epoch of the figure below does.
- `gen_loss` is the mean score of the fakes; it means something only beside the score of real ones.
- `train_loss (mixed)` mixes the losses of both players in one mean and is of no use; fastai's table has this column, too, and we only gave it an honest name.
- There is no `valid_loss`, for there is no validation set.
- In the row above the table there is a small picture for each epoch, always of the same noise; with fastai's new noise each time you cannot tell what has changed.

After training, `000` goes back to generator mode before it looks at results. `fit` ends in this mode anyway; the line is not needed, and does no harm:
"""

# %%
learn.gan_trainer.switch(gen_mode=True)
learn.show_results(ds_type=DatasetType.Train, rows=4, figsize=(5, 5))
print("still in generator mode:", learn.model.gen_mode)
print("disc_loss is below zero:", learn.gan_trainer.closses[-1] < 0)

# %%
def on_average(values, parts=30):
    values = torch.tensor(values)
    chunk = max(1, len(values) // parts)
    values = values[: len(values) // chunk * chunk].view(-1, chunk).mean(1)
    return torch.linspace(0, epochs, len(values)), values


show.lines({"disc_loss": on_average(learn.gan_trainer.closses),
            "gen_loss": on_average(learn.gan_trainer.glosses)}, xlabel="epoch",
           ylabel="smoothed loss", alt="Smoothed losses of the WGAN over the epochs: disc_loss "
           "below zero, gen_loss on its own course, both small")

# %% [markdown] tags=["lang-zh"]
r"""
一片色块，隐约有一张床，还不是卧室。论文里的训练以十万步计，这里只有一百多步。

## 换损失，换惩罚

两个损失是普通的函数，`GANLoss` 这样调用它们：

- `crit_loss_func(real_pred, fake_pred)`
- `gen_loss_func(fake_pred, target, output)`：赝品的分数、真品、赝品

`000` 和 `001` 讲生成器的一步时，从评论家那一步抄来一句：奖励认出真品、惩罚赝品。不对。**生成器这一步里没有真品**，它得到奖励，是因为自己的赝品被当成了真品。

`from_learners` 用两个训练过的学习器拼成一个 GAN，常用来修图：生成器先按像素学，评论家先学分类。生成器的损失是两项之**和**，`w0` 乘对抗项加 `w1` 乘像素项（`001` 说是平均，不是），权重写在 `weights_gen` 里。fastai v1 在这里把参数传反了：像素损失收到的是（真品，赝品）。均方误差是对称的，所以多年没人发现；换一个不对称的损失就露馅：
"""

# %% [markdown] tags=["lang-en"]
r"""
Patches of colour with a hint of a bed, but no bedrooms yet. Papers train for something like a hundred thousand steps; these were little more than a hundred.

## Another loss, another penalty

The two losses are ordinary functions. `GANLoss` calls them like this:

- `crit_loss_func(real_pred, fake_pred)`
- `gen_loss_func(fake_pred, target, output)`: scores of the fakes, real ones, fakes

When `000` and `001` come to the generator's step they repeat a phrase from the critic's: it rewards the detection of real ones and penalises fakes. No. **There are no real ones in the generator's step**; it is rewarded when its own fakes pass for real.

`from_learners` makes a GAN of two learners that are trained already, often to restore pictures: the generator has first learned by pixels, the critic by classification. The generator's loss is the **sum** of two terms, `w0` times the adversarial one plus `w1` times that of the pixels (`001` calls it a mean; it is none), with the weights in `weights_gen`. Here fastai v1 hands over arguments the wrong way round: the pixel loss gets (real, fake). The mean squared error is symmetric, so nobody noticed for years; a loss that is not symmetric brings it to light:
"""

# %%
heard = []


def pixel_loss(output, target):
    heard.append((int(output.sum()), int(target.sum())))
    return (output - target).square().mean()


gen_loss, crit_loss = gan_loss_from_func(pixel_loss, nn.BCEWithLogitsLoss())
gen_loss(fake_pred=torch.zeros(1), target=torch.full((4,), 10.0), output=torch.full((4,), 2.0))
print("fakes sum to 8, real ones to 40; the pixel loss heard", heard[0])

painter = Learner(data, players()[0], loss_func=nn.MSELoss(), silent=True)
judge = Learner(data, players()[1], loss_func=AdaptiveLoss(nn.BCEWithLogitsLoss()), silent=True)
both = GANLearner.from_learners(painter, judge, weights_gen=(1.0, 50.0), silent=True)
both.fit(1, 2e-4, callbacks=[EndAfter(4)])
print("from two learners:", both.gan_trainer.critic_steps, "steps of the critic,",
      both.gan_trainer.gen_steps, "of the generator")

# %% [markdown] tags=["lang-zh"]
r"""
fastai 的评论家损失只收到分数，收不到图片，所以写不出梯度惩罚，论坛里问了好几年。这里它是一个参数：`penalty=penalties.gradient_penalty` 就是 WGAN-GP，这时不再裁剪。惩罚项要逐张的分数，交给它求平均的评论家，它会说清楚：
"""

# %% [markdown] tags=["lang-en"]
r"""
In fastai the critic's loss gets scores and no pictures, so a gradient penalty cannot be written there; users asked for one for years. Here it is one argument: `penalty=penalties.gradient_penalty` is WGAN-GP, and then nothing is clipped. A penalty wants a score for each picture; given a critic that takes the mean, it says so:
"""

# %% tags=["nbval-ignore-output"]
try:
    small_wgan(penalty=penalties.gradient_penalty).fit(1, 2e-4)
except ValueError as problem:
    print(problem)

# %% [markdown] tags=["lang-zh"]
r"""
下面换三样，各是一个参数：损失用第 02 课的非饱和损失（`from_loss` 收 `gan_lessons.losses` 里的任何一个，符号约定是课程的：越高越真）；惩罚用那一课治好模式崩溃的 R1；再加 `ema`，记住生成器权重的滑动平均。评论家逐张打分，不用批归一化。1 比 1，于是同样多的批里，生成器走的步数是原来的 3 倍；这次轮数也是 3 倍，所以生成器一共走了 9 倍的步数。下面的成绩单比的是两整套做法，说明不了哪个损失更好。回调 `Live` 把学习器接到上一课的训练视图上，训练时就能看。
"""

# %% [markdown] tags=["lang-en"]
r"""
Now change three things, each of them one argument: the loss becomes the non-saturating one of lesson 02 (`from_loss` takes any of `gan_lessons.losses`, with the course's sign: higher is more real); the penalty becomes R1, which cured the mode collapse there; and `ema` keeps a moving average of the generator's weights. The critic scores each picture and has no BatchNorm. It is 1 to 1, so that in as many batches the generator takes 3 times as many steps; and there are 3 times as many epochs, which makes 9 times the steps of the generator in all. The report card below thus compares two whole recipes and does not tell which loss is better. The callback `Live` connects the learner to the training view of the last lesson, so that you can watch.
"""

# %% tags=["nbval-ignore-output"]
generator, _ = players(features)
critic = basic_critic(size, 3, n_features=features, n_extra_layers=1, per_sample=True,
                      norm_type=None)
better = GANLearner.from_loss(data, generator, critic, losses.NonSaturating(),
                              penalty=partial(penalties.r1, gamma=0.5), ema=0.99,
                              switch_eval=False, opt_func=adam, wd=0.0)
print(better)
view = lab.TrainingView(ema=True)
better.fit(runtime.at_scale(smoke=1, default=18, full=60),
           runtime.at_scale(smoke=1e-3, default=1e-3, full=2e-4),
           callbacks=[Live(view, every=24)], progress=False)

# %% [markdown] tags=["lang-zh"]
r"""
## 成绩单

`learn.sample(n, seed=…)` 给出图片，同一个种子总是同一批；不需要数据，也不改变任何权重。`ema=True` 用滑动平均的权重。把两次训练的样本和真品放在一起：
"""

# %% [markdown] tags=["lang-en"]
r"""
## The report card

`learn.sample(n, seed=…)` returns pictures, the same for the same seed; it needs no data and changes no weight. `ema=True` uses the averaged weights. Put samples of both trainings beside real pictures:
"""

# %%
real = data.to_images(data.one_batch()[1][:10]).cpu()
show.gallery({"real": real, "wgan with clipping": learn.sample(20)[:10],
              "non-saturating with R1, averaged": better.sample(20, ema=True)[:10]}, columns=10,
             alt="Three galleries of ten pictures: real toy rooms; patches of colour "
                 "from the clipped WGAN; speckled rooms of the second game, each with a bed, most "
                 "with a window and a picture")
print("the same seed, the same pictures:",
      torch.equal(better.sample(4, seed=7), better.sample(4, seed=7)))

# %% [markdown] tags=["lang-zh"]
r"""
再给两个数。玩具卧室是代码画的，每张的墙、地面、床、窗、灯、画、地毯是哪一种都知道，所以可以训练一个小网络来读图，再去读样本。做法：每种取 1,000 个样本，缩到 32x32。

- 弗雷歇距离：样本的 128 个特征和 2,000 张真品的特征相差多远，越小越好；另一批真品量出的距离就是下限。特征来自这个小网络，不能和论文里的 FID 相比。
- `sure`：七样全都有九成以上把握的样本占多少；再数这些样本里，每样东西的各种取法各占多少。

两个数要一起看：
"""

# %% [markdown] tags=["lang-en"]
r"""
And two numbers. Toy rooms are drawn by code, and for each we know which wall, floor, bed, window, lamp, picture and rug it has. So a small network can learn to read pictures, and then read samples. The protocol: 1,000 samples of each, at 32x32.

- The Fréchet distance: how far 128 features of the samples are from those of 2,000 real pictures; smaller is better, and what real ones get is the floor. The features are those of this small network, so it must not be compared with the FID of papers.
- `sure`: the share of samples for which the network is nine-tenths certain of all seven; and among those, the shares of all values.

Look at both together:
"""

# %% tags=["nbval-ignore-output"]
if drawn:
    n = runtime.at_scale(smoke=200, default=1000, full=5000)
    rooms = toy_rooms(2000, size=32, seed=1)
    reader = measure.factor_reader(rooms)
    known = reader.features(rooms.images)
    samples = {"real": toy_rooms(n, size=32, seed=2).images, "wgan": learn.sample(n),
               "better": better.sample(n, ema=True)}
    distance = {name: measure.frechet_distance(reader.features(pictures), known)
                for name, pictures in samples.items()}
    for name, pictures in samples.items():
        print(f"{name}: Frechet distance {distance[name]:.1f},",
              measure.factor_coverage(pictures, rooms))

# %%
if drawn and runtime.scale() != "smoke":
    print("better is closer to real rooms than wgan:", distance["better"] < distance["wgan"])
    print("other real rooms are closer still:", distance["real"] < distance["better"])

# %% [markdown] tags=["lang-zh"]
r"""
`sure` 单独看会骗人：读图的网络从没见过这样的色块，可是裁剪的 WGAN 画出的色块里，照样有一部分让它很有把握。第 02 课的分类器也上过这个当。距离看的是整群样本，一片色块离真品有多远，它说得出来。组合数和 `reverse KL` 在这里说明不了什么：1,000 个样本对 17,280 种组合太少，连色块的得分都和各自的下限差不多。
"""

# %% [markdown] tags=["lang-en"]
r"""
By itself `sure` can mislead: the reading network has never met patches of colour, and yet it is quite certain about some of those that the clipped WGAN paints. The classifier of lesson 02 fell for the same trick. The distance looks at the whole crowd of samples and can tell how far from real the patches are. The combinations and the `reverse KL` say nothing here: 1,000 samples are too few for 17,280 combinations, and even patches of colour score about as well as their own floor.
"""

# %% [markdown] tags=["lang-zh"]
r"""
## 存下来，接着练

fastai v1 的 `save` 只存 `learn.opt`，训练之后那是生成器的优化器；评论家的 Adam 状态丢了，`load` 时的错误又被一个空的 `except` 吞掉。这里两个优化器、随机数、轮到谁、数到几，全都存进一个文件，写完才改名；先存下、再换一个新的学习器接着练，和一口气练完的一样：
"""

# %% [markdown] tags=["lang-en"]
r"""
## Save it, and train on

`save` of fastai v1 keeps only `learn.opt`, which after training is the generator's optimizer; the critic's Adam state is lost, and the error that `load` runs into is swallowed by a bare `except`. Here both optimizers, the random numbers, whose turn it is and how far it has come are in one file, which gets its name only when it is complete. Save, go on with a new learner, and the result is the same as without the break:
"""

# %%
with tempfile.TemporaryDirectory() as folder:
    first = small_wgan(path=folder)
    first.fit(1, 2e-4, callbacks=[EndAfter(15)])
    first.save("half_way")
    first.fit(1, 2e-4, callbacks=[EndAfter(15)])

    second = small_wgan(path=folder).load("half_way")
    second.fit(1, 2e-4, callbacks=[EndAfter(15)])
print("saved and loaded equals in one go:",
      all(torch.equal(a, b) for a, b in zip(first.model.state_dict().values(),
                                            second.model.state_dict().values(), strict=True)))

# %% [markdown] tags=["lang-zh", "failure-of-the-day"]
r"""
## 今日故障：生成器睡着了

加一个验证集，训练就坏了：表格照样一行行地出，评论家的损失照样在变，图却永远是噪点。这是 fastai v1 真有的毛病：切换器把**验证的批**也数了进去。这里重现它：4 批训练，2 批验证，5 比 1。
"""

# %% [markdown] tags=["lang-en", "failure-of-the-day"]
r"""
## The failure of the day: the generator fell asleep

Add a validation set, and training breaks: row after row appears in the table, the critic's loss keeps moving, but the pictures stay noise for ever. fastai v1 really has this bug: its switcher counts the **batches of the validation set**, too. We bring it back: 4 batches to train on, 2 to validate on, 5 to 1.
"""

# %%
class CountsValidation(FixedGANSwitcher):
    """The switcher of fastai v1, which heard of the batches of the validation set as well."""

    def on_epoch_end(self, learn):
        for _ in learn.data.valid_dl:
            self.on_batch_end(learn)


few = GANItemList.from_folder(path, noise_sz=100)
few.names = few.names[:384]
held_out = (few.split_by_rand_pct(1 / 3, seed=0).label_from_func(noop)
            .transform(size=size, tfm_y=True).databunch(bs=64).normalize(do_x=False, do_y=True))

for name, switcher in (("as in v1", CountsValidation), ("repaired", FixedGANSwitcher)):
    diary = Diary()
    asleep = small_wgan(held_out, switcher=partial(switcher, n_crit=5))
    before = [p.detach().clone() for p in asleep.generator.parameters()]
    asleep.fit(3, 2e-4, callbacks=[diary])
    moved = not all(map(torch.equal, before, asleep.generator.parameters()))
    losses_seen = {round(float(row["disc_loss"]), 6) for row in asleep.recorder.table.rows}
    print(f"{name}: {diary.turns()}, the critic's loss moves: {len(losses_seen) == 3},",
          f"the generator has moved: {moved}")

# %% [markdown] tags=["lang-zh", "failure-of-the-day"]
r"""
每一轮的第 5 步落在验证里，生成器的那一步也落在验证里：没有梯度，什么都没发生。**损失在动，不等于在学**。我们的切换器只数训练的步，而且有一个测试看着它：训练的次序必须正好是 `CCCCCGCCCCCG`。

再看 v2 的一个毛病。它让两个网络共用一个优化器，不学的那一方梯度**清零**而不是**清除**。对 Adam 来说，梯度是 0 也是一步：
"""

# %% [markdown] tags=["lang-en", "failure-of-the-day"]
r"""
The 5th step of each epoch falls into validation, and so does the generator's: there is no gradient, and nothing happens. **A loss that moves is not learning.** Our switcher counts steps of training only, and a test keeps watch: the order of turns must be exactly `CCCCCGCCCCCG`.

Now a bug of v2. There, both networks share one optimizer, and the gradients of the one that is not learning are **set to zero** instead of **removed**. To Adam, a gradient of 0 is a step like any other:
"""

# %%
def drifts(beta1, set_to_none):
    weight = nn.Parameter(torch.ones(1))
    optimizer = optim.Adam([weight], lr=2e-4, betas=(beta1, 0.99))
    weight.grad = torch.ones(1)
    optimizer.step()  # its own turn
    before = weight.item()
    optimizer.zero_grad(set_to_none=set_to_none)
    optimizer.step()  # the other player's turn
    return weight.item() != before


print("zeroed, momentum 0.9: the frozen weight drifts:", drifts(0.9, set_to_none=False))
print("zeroed, momentum 0:   the frozen weight drifts:", drifts(0.0, set_to_none=False))
print("removed:              the frozen weight drifts:", drifts(0.9, set_to_none=True))

# %% [markdown] tags=["lang-zh"]
r"""
## v1 和 v2 错在哪里，测试怎样看住它

`tests/test_fastai_behaviour.py` 里，每一条都有一个测试：

| 毛病 | 版本 | 测试看什么 |
|---|---|---|
| 收到 `gen_first=True`，不理 | v1 | 第一步是生成器 |
| `show_img=False` 时两列损失是空的 | v1 | 表里有数 |
| 切换器数验证的批 | v1 | 训练的次序 |
| `n_crit` 是函数时永远收到 0 | v1 | 函数听到 0、1、2…… |
| `save` 丢掉评论家的优化器，`load` 不出声 | v1 | 存了再练，损失逐个相同 |
| 看一眼结果，评论家的权重也被裁剪 | v1 | 前后逐位相等 |
| 像素损失的两个参数颠倒 | v1 | 不对称的损失 |
| 冻结的一方会漂移 | v2 | 冻结的参数逐位不动，`grad` 是 `None` |
| 学习率的回调晚加就作用到对方 | v2 | 怎样加都一样 |

## 旧名字和新名字

| fastai v1 | 这里 | 第 04 课 |
|---|---|---|
| `from fastai.vision.gan import *` | `from gan_lessons.fastai_style.vision.gan import *` | 按名字导入 |
| `GANItemList…databunch()` | 同名 | `data.lsun_bedrooms`、`data.folder` |
| `data.show_batch(rows=5)` | 同名 | `images.show()` |
| `GANLearner.wgan` | 同名 | `recipes.wgan` |
| `GANLearner(…, gen_loss_func, crit_loss_func)` | 同名，或 `from_loss` | `Game(loss=…)` |
| `FixedGANSwitcher(n_crit=5)` | 同名 | `Game(n_critic=5)` |
| `clip=0.01`，每批开头 | 同名 | `Game(clip=0.01)`，更新之后 |
| `WassersteinLoss`、`NoopLoss` | 同名，真品低 | `losses.Wasserstein`，真品高 |
| 没有 | `penalty=`、`ema=`、`sample(n, seed=)` | 同名 |
| `learn.fit(30, 2e-4)`：轮 | 同名 | `fit(game, images, steps)`：生成器的步 |
| `learn.show_results` | 同名 | `show.gallery(game.sample(…))` |
| `learn.save`、`learn.load` | 同名，两个优化器都在 | `checkpoint.save`、`checkpoint.load` |
| `GANDiscriminativeLR` | 同名 | |

逐个名字的说明和例子在 [05b 接口手册](05b_api_reference.ipynb)里。
"""

# %% [markdown] tags=["lang-en"]
r"""
## What v1 and v2 get wrong, and how a test keeps watch

Each line has its test in `tests/test_fastai_behaviour.py`:

| What is wrong | Version | What the test looks at |
|---|---|---|
| `gen_first=True` is accepted and ignored | v1 | the first step is the generator's |
| with `show_img=False` both columns of losses are empty | v1 | there are numbers in the table |
| the switcher counts batches of validation | v1 | the order of turns |
| an `n_crit` that is a function always hears 0 | v1 | the function hears 0, 1, 2 ... |
| `save` loses the critic's optimizer, `load` keeps quiet | v1 | saved and trained on, the losses are the same one by one |
| a look at results clips the critic's weights | v1 | equal bit for bit before and after |
| the two arguments of the pixel loss are swapped | v1 | a loss that is not symmetric |
| the frozen network drifts | v2 | frozen parameters do not move by a bit, `grad` is `None` |
| a callback for the learning rate, added late, acts on the other player | v2 | the same however it is added |

## Old names and ours

| fastai v1 | Here | Lesson 04 |
|---|---|---|
| `from fastai.vision.gan import *` | `from gan_lessons.fastai_style.vision.gan import *` | imports by name |
| `GANItemList…databunch()` | the same | `data.lsun_bedrooms`, `data.folder` |
| `data.show_batch(rows=5)` | the same | `images.show()` |
| `GANLearner.wgan` | the same | `recipes.wgan` |
| `GANLearner(…, gen_loss_func, crit_loss_func)` | the same, or `from_loss` | `Game(loss=…)` |
| `FixedGANSwitcher(n_crit=5)` | the same | `Game(n_critic=5)` |
| `clip=0.01`, at the start of a batch | the same | `Game(clip=0.01)`, after the update |
| `WassersteinLoss`, `NoopLoss` | the same, low is real | `losses.Wasserstein`, high is real |
| none | `penalty=`, `ema=`, `sample(n, seed=)` | the same |
| `learn.fit(30, 2e-4)`: epochs | the same | `fit(game, images, steps)`: steps of the generator |
| `learn.show_results` | the same | `show.gallery(game.sample(…))` |
| `learn.save`, `learn.load` | the same, with both optimizers | `checkpoint.save`, `checkpoint.load` |
| `GANDiscriminativeLR` | the same | |

Each name is explained, with an example, in the [05b API reference](05b_api_reference.ipynb).
"""

# %% [markdown] tags=["lang-zh", "quiz"]
r"""
## 小测验

四道题，选错了会告诉你错在哪里。
"""

# %% [markdown] tags=["lang-en", "quiz"]
r"""
## Quiz

Four questions; a wrong choice tells you what is wrong with it.
"""

# %%
lab.quiz("05")

# %% [markdown] tags=["lang-zh", "recap"]
r"""
## 小结

现在你会：

- 把循环拆成回调，并用“逐位相等”证明没有拆坏；
- 说出一批里的五个事件，知道 `order` 决定谁先听到；
- 写切换器，数步而不数批，知道门槛可能永远够不到；
- 用一个参数换损失、加惩罚、留滑动平均；
- 不因为损失在动就相信它，只相信量过的样本。

原文需要更正或补充的地方：

| 原文 | 更正 | 在哪里看到 |
|---|---|---|
| `000`、`001`：生成器的一步奖励认出真品 | 那一步没有真品；奖励的是赝品被当成真品 | 换损失 |
| `000`：评论家对赝品给 0，对真品给 1 | WGAN 的分数没有界限，而且 fastai 的是真品低 | 两个网络 |
| `000`：`noop` 是什么；为什么没有验证集 | 原样返回；没有要预测的标签 | 数据块 |
| `000`：先小后大 | 原文没有做，第 04 课做了 | 数据块 |
| `001`：评论家做到边长 1 | 停在 4x4，还把整批求了平均 | 两个网络 |
| `001`：`from_learners` 的损失是平均 | 是加权的和；v1 里像素损失的参数还颠倒了 | 换损失 |
| `001`：默认 5 比 1 | 只在 `wgan` 里；其余 1 比 1，写在 `print(learn)` 里 | 轮到谁 |
"""

# %% [markdown] tags=["lang-en", "recap"]
r"""
## Recap

You can now:

- take a loop apart into callbacks and prove, bit for bit, that nothing broke;
- name the five events of a batch, and know that `order` decides who hears them first;
- write a switcher that counts steps, not batches, and know that a threshold may never be reached;
- change the loss, add a penalty and keep a moving average, each with one argument;
- judge a training by samples that were measured, not by a loss that moves.

What needed correcting or adding in the originals:

| Original | Correction | Where you saw it |
|---|---|---|
| `000`, `001`: the generator's step rewards the detection of real ones | there are none in that step; fakes that pass for real are rewarded | another loss |
| `000`: the critic gives 0 for fakes and 1 for real | scores of a WGAN have no bounds, and in fastai real is low | two networks |
| `000`: what is `noop`; why no validation set | it returns what it gets; there is no label to predict | the data block |
| `000`: small first, then larger | not done there, done in lesson 04 | the data block |
| `001`: the critic goes on to a side of 1 | it stops at 4x4, and takes the mean over the batch | two networks |
| `001`: the loss of `from_learners` is a mean | a weighted sum; in v1, with the arguments of the pixel loss swapped | another loss |
| `001`: 5 to 1 by default | only in `wgan`; otherwise 1 to 1, and `print(learn)` says so | whose turn it is |
"""

# %% [markdown] tags=["lang-zh", "going-further"]
r"""
## 延伸

- **读代码。** 依次是 `callback.py`、`learner.py`、`gan_loss.py`、`gan_trainer.py`、`gan_learner.py`、`networks.py`；`callback.py` 里的 `GradientClip` 只有几行，照着写自己的回调。
- **放大。** 把 LSUN 的卧室照片放进 `GAN_LESSONS_DATA` 所指的文件夹，有显卡就设 `GAN_LESSONS_SCALE=full`，再运行一遍。有几块显卡，就在脚本开头调用 `gan_lessons.distributed.join()`，再用 `torchrun` 启动：学习器会把每一批分给各个进程。
- **动手改。** 用 `WarmUpSwitcher` 重新训练 `wgan`，比较 `-disc_loss`；把 `penalty` 换成 `penalties.gradient_penalty`，`n_crit` 取 1、2、5，量一量哪个划算。
- **往前走。** 更多的损失和惩罚在第 06 课；怎样打分才公平在第 07 课。
- **论文。** Arjovsky 等，[Wasserstein GAN](https://arxiv.org/abs/1701.07875)；Gulrajani 等，[Improved Training of Wasserstein GANs](https://arxiv.org/abs/1704.00028)；Howard 和 Gugger，[fastai: A Layered API for Deep Learning](https://arxiv.org/abs/2002.04688)，讲为什么要回调。
"""

# %% [markdown] tags=["lang-en", "going-further"]
r"""
## Going further

- **Read the code.** In this order: `callback.py`, `learner.py`, `gan_loss.py`, `gan_trainer.py`, `gan_learner.py`, `networks.py`; `GradientClip` in `callback.py` is a few lines, a model for a callback of your own.
- **Scale up.** Put the bedrooms of LSUN into the folder that `GAN_LESSONS_DATA` names, set `GAN_LESSONS_SCALE=full` if there is a graphics card, and run again. With several of them, call `gan_lessons.distributed.join()` at the top of a script and start it with `torchrun`: the learner shares each batch among the processes.
- **Change something.** Train `wgan` again with your `WarmUpSwitcher` and compare `-disc_loss`; let `penalty` be `penalties.gradient_penalty` with `n_crit` 1, 2, 5, and measure which is worth its time.
- **Go on.** More losses and penalties are in lesson 06, fair marking in lesson 07.
- **Papers.** Arjovsky et al., [Wasserstein GAN](https://arxiv.org/abs/1701.07875); Gulrajani et al., [Improved Training of Wasserstein GANs](https://arxiv.org/abs/1704.00028); Howard and Gugger, [fastai: A Layered API for Deep Learning](https://arxiv.org/abs/2002.04688), on why there are callbacks.
"""
