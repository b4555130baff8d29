# %% [markdown] tags=["lang-zh"]
r"""
# 05b · 接口手册：fastai 的 GAN 部分

这一本是字典，不是课文：[fastai v1 文档里讲 GAN 的那一页](https://fastai1.fast.ai/vision.gan.html)写到的每个名字，这里都有签名、中英文说明、指向源代码的链接，还有一个真的会运行的小例子。顺序也照那一页：总述、构造方法、何时交换、学习率、网络、训练器、模块、数据。

- **怎么用**：先读[第 05 课](05_fastai_style.ipynb)，用到哪个名字再来查；或者从头运行一遍，约 1 分钟。
- **代码在哪里**：`gan_lessons/fastai_style`，每个文件只讲一件事。点说明里的链接就能打开。
- **和 fastai 的关系**：名字、默认的网络和损失的算法与 fastai v1 相同，算出来的数也相同；它已知的错误我们改掉了，见最后的表。
"""

# %% [markdown] tags=["lang-en"]
r"""
# 05b · API reference: the GAN part of fastai

This is a reference, not a lesson. Every name on [fastai v1's page about GANs](https://fastai1.fast.ai/vision.gan.html) is here with its signature, an explanation in Chinese and English, a link to the code, and a small example that really runs. The order is that of the page: overview, factory methods, switchers, learning rates, networks, trainer, modules, data.

- **How to use it**: read [lesson 05](05_fastai_style.ipynb) first and look a name up when you meet it; or run it from the top, in about 1 minute.
- **Where the code is**: in `gan_lessons/fastai_style`, one idea per file. The links in the explanations open it.
- **What it has to do with fastai**: names, default networks and losses are those of fastai v1, and so are the numbers that come out; its known bugs are repaired, see the table at the end.
"""

# %%
import tempfile

from PIL import Image

from gan_lessons import lab, losses, penalties, runtime, show
from gan_lessons import data as course_data
from gan_lessons.bilingual import say
from gan_lessons.fastai_style.gen_doc.nbdoc import *
from gan_lessons.fastai_style.vision import *
from gan_lessons.fastai_style.vision.gan import *

runtime.set_threads(1)  # the networks below are tiny
lab.language_switch()

# %% [markdown] tags=["lang-zh"]
r"""
星号导入把一大串名字倒进笔记本，写起来快，读的人却不知道哪个名字从哪里来；fastai 的笔记本都这样开头，所以这里照做，课程的其余部分不用它。每个模块用 `__all__` 写明了会倒出哪些名字。

下面的例子都用这份小数据：16×16 的玩具卧室，一批 8 张，噪声长 10；再加一对很小的网络。（这台电脑上如果有 LSUN 的照片，`untar_data` 给的就是照片，每一遍会长得多。）
"""

# %% [markdown] tags=["lang-en"]
r"""
A star import pours a long list of names into the notebook: quick to write, but a reader cannot tell where a name comes from. All of fastai's notebooks begin like that, so this one does; the rest of the course does not. Each module says in `__all__` which names it pours out.

The examples below share a small set of data, toy rooms of 16×16 in batches of 8 with noise of length 10, and a pair of very small networks. (Where the photographs of LSUN are installed, `untar_data` gives you these, and every epoch takes much longer.)
"""

# %%
path = untar_data(URLs.LSUN_BEDROOMS, toys=64, toy_size=32)
data = (GANItemList.from_folder(path, noise_sz=10)
        .split_none()
        .label_from_func(noop)
        .transform(tfms=[[crop_pad(row_pct=(0, 1), col_pct=(0, 1))], []], size=16, tfm_y=True)
        .databunch(bs=8)
        .normalize(do_x=False, do_y=True))
data


# %%
def players(**options):
    """Return a new generator and a new critic for 16x16 pictures."""
    return (basic_generator(16, 3, noise_sz=10, n_features=8),
            basic_critic(16, 3, n_features=8, **options))


def count(network):
    return f"{sum(p.numel() for p in network.parameters()):,}"


quiet = {"silent": True, "show_img": False}
torch.manual_seed(0)
print("generator and critic have", *map(count, players()), "parameters")

# %% [markdown] tags=["lang-zh"]
r"""
## 总述

GAN 同时训练两个网络：**生成器**拿噪声造图片，**评论家**给图片打分。每走一步，两者之一学习，另一个不动：

1. **评论家的一步**：取一批真图，用生成器造一批假图（不要梯度），两批都打分；损失奖励它把两批分开；只更新评论家。
2. **生成器的一步**：造一批假图，让评论家打分；损失奖励评论家把假图当成真的；只更新生成器。

评论家给的可以是一个数，也可以是一片分数，看输入的大小。fastai 的那一页说假图的目标处处是 0、真图处处是 1，这只对交叉熵一类的损失成立；Wasserstein 损失没有目标，只比较两边的平均分。

`GANLearner` 的两个损失函数参数不同。生成器的损失收到 `fake_pred`、`target`、`output`，依次是假图的分数、真图和假图；评论家的损失收到 `real_pred` 和 `fake_pred`，依次是真图和假图的分数。
"""

# %% [markdown] tags=["lang-en"]
r"""
## Overview

A GAN trains two networks at once: the **generator** turns noise into pictures, the **critic** gives pictures a score. At each step one of them learns and the other keeps still:

1. **A step of the critic**: take a batch of real pictures, let the generator make a batch of fakes (without gradient), score both; the loss rewards telling them apart; only the critic is updated.
2. **A step of the generator**: make a batch of fakes and let the critic score them; the loss rewards fakes that the critic takes for real; only the generator is updated.

What the critic returns may be one number or a map of scores, depending on the size of its input. fastai's page says that the targets are 0 everywhere for fakes and 1 everywhere for real pictures; that holds for losses such as cross-entropy. The Wasserstein loss has no targets and only compares the two mean scores.

The two loss functions of `GANLearner` take different arguments. The generator's gets `fake_pred`, `target`, `output`: the scores of the fakes, real pictures, fakes. The critic's gets `real_pred` and `fake_pred`: the scores of real pictures and of fakes.
"""

# %%
show_doc(GANLearner)


# %%
def gen_loss(fake_pred, target, output):
    shapes = [tuple(t.shape) for t in (fake_pred, target, output)]
    if shapes not in seen:
        seen.append(shapes)
    return fake_pred.mean() + 0.1 * (output - target).abs().mean()  # a pixel loss may be added


seen = []
torch.manual_seed(0)
learn = GANLearner(data, *players(), gen_loss, WassersteinLoss(), clip=0.01, gen_first=True, **quiet)
learn.fit(1, 2e-4)
print("fake_pred, target, output:", *seen)
print(learn)

# %% [markdown] tags=["lang-zh"]
r"""
### 构造方法

多数时候不必自己写损失。`wgan` 用一行建好 Wasserstein GAN；`from_learners` 把两个 Learner（通常各自训练过）合成一个 GAN；下例只训练生成器的那一个，评论家的要用（图片，真假）的数据训练，这里略去。评论家的损失是真图对 1、假图对 0 的平均；生成器的损失是“骗过评论家”和“像目标”两项按 `weights_gen` 加权的**和**（fastai 的文档写作平均，代码里是和）。
"""

# %% [markdown] tags=["lang-en"]
r"""
### Factory methods

Most of the time you need not write losses. `wgan` makes a Wasserstein GAN in one line. `from_learners` joins two Learners, usually trained before, into one GAN; the example trains only the generator's, since the critic's would need data of (picture, real or fake). The critic's loss is the mean of two terms, real pictures against a target of 1 and fakes against 0; the generator's is the **sum** of "fool the critic" and "resemble the target", weighted by `weights_gen` (fastai's page calls it a mean; its code adds).
"""

# %%
show_doc(GANLearner.from_learners)

# %%
torch.manual_seed(0)
generator, critic = players(per_sample=True)
painter = Learner(data, generator, loss_func=nn.L1Loss(), silent=True)
judge = Learner(data, critic, loss_func=nn.BCEWithLogitsLoss(), silent=True)
painter.fit(1, 1e-3)
learn = GANLearner.from_learners(painter, judge, weights_gen=(1.0, 50.0), **quiet)
learn.fit(1, 2e-4)
print(learn)

# %%
show_doc(gan_loss_from_func)

# %%
real_pred, fake_pred = torch.tensor([1.0, 2, 3]), torch.tensor([0.5, -0.5, 0])
output, target = torch.arange(6.0).view(3, 2), torch.ones(3, 2)
for weights in (None, (1.0, 50.0)):
    gen_loss, crit_loss = gan_loss_from_func(nn.MSELoss(), nn.BCEWithLogitsLoss(), weights)
    print(f"weights_gen={weights}: critic {crit_loss(real_pred, fake_pred):.4f}, "
          f"generator {gen_loss(fake_pred, target, output):.4f}")

# %%
show_doc(GANLearner.wgan)

# %% tags=["nbval-ignore-output"]
torch.manual_seed(0)
learn = GANLearner.wgan(data, *players(), switch_eval=False, wd=0.,
                        opt_func=partial(optim.Adam, betas=(0., 0.99)), silent=True)
learn.fit(3, 2e-4)
for row in learn.recorder.rows:  # printed and drawn epoch by epoch unless silent
    print(f"epoch {row['epoch']}: gen_loss {row['gen_loss']:.4f}, disc_loss {row['disc_loss']:.4f}")
show.gallery(torch.stack(learn.gan_trainer.imgs), columns=3,
             alt="One generated picture for each of three epochs, all of them noise")

# %% [markdown] tags=["lang-zh", "caption"]
r"""
**图 5b-1** 每轮结束时的一张样本，噪声总是同一份：只有 3 轮，还是噪点。
"""

# %% [markdown] tags=["lang-en", "caption"]
r"""
**Fig. 5b-1** A sample at the end of each epoch, always of the same noise: after 3 epochs it is still noise.
"""

# %%
print(learn)
largest = max(float(p.detach().abs().max()) for p in learn.critic.parameters())
say("评论家的权重最大是 {largest:.4f}，裁剪的范围是 0.01：最后一批轮到生成器，开头刚裁剪过。",
    "The largest weight of the critic is {largest:.4f}; the limit is 0.01, and the last batch, the "
    "generator's, began by clipping.", largest=largest)
smoother = GANLearner.wgan(data, *players(per_sample=True), penalty=penalties.gradient_penalty,
                           **quiet)
smoother.fit(1, 2e-4)
print("WGAN-GP:", smoother)

# %% [markdown] tags=["lang-zh"]
r"""
## 何时交换

训练 GAN 时，何时从评论家换到生成器、何时换回来，由一个专门的组件决定，称为切换器（switcher）。它是一个回调，fastai 有两种。和别的回调一样，`on_...` 方法由训练循环调用，不要自己调用。

我们写一个小回调，记下每一步是谁走的：C 是评论家，G 是生成器。
"""

# %% [markdown] tags=["lang-en"]
r"""
## Switchers

When training changes from the critic to the generator and back is decided by a component of its own, called a switcher. It is a callback, and fastai has two of them. As with any callback, the training loop calls the `on_...` methods, you do not.

A small callback of our own writes down whose step it was: C for the critic, G for the generator.
"""


# %%
class Turns(Callback):
    """Write down whose step it was, and at which learning rate."""

    order = 10

    def on_train_begin(self, learn):
        self.turns, self.rates = "", {}

    def on_backward_begin(self, learn):
        player = "G" if learn.gan_trainer.gen_mode else "C"
        self.turns += player
        self.rates[player] = learn.opt.lr


def turns(switcher, epochs=2, **options):
    """Train with a switcher and return the turns taken."""
    torch.manual_seed(0)
    learn, notes = GANLearner.wgan(data, *players(), switcher, **quiet, **options), Turns()
    learn.fit(epochs, 1e-4, callbacks=[notes])
    return notes


# %%
show_doc(FixedGANSwitcher, title_level=3)

# %%
print("1 and 1:       ", turns(FixedGANSwitcher).turns)
print("5 and 1 (wgan):", turns(None).turns)
print("2 and 3:       ", turns(partial(FixedGANSwitcher, n_crit=2, n_gen=3)).turns)
warm = partial(FixedGANSwitcher, n_crit=lambda steps: 6 if steps == 0 else 2)
print("6 at first:    ", turns(warm).turns)

# %%
show_doc(FixedGANSwitcher.on_train_begin)
show_doc(FixedGANSwitcher.on_batch_end)

# %%
show_doc(AdaptiveGANSwitcher, title_level=3)

# %%
print("no thresholds:           ", turns(AdaptiveGANSwitcher).turns)
print("critic at -0.65, at best:", turns(partial(AdaptiveGANSwitcher, critic_thresh=-0.65)).turns)

# %%
show_doc(AdaptiveGANSwitcher.on_batch_end)

# %% [markdown] tags=["lang-zh"]
r"""
第二行一直是 C：门槛达不到，生成器就永远轮不到。用 `AdaptiveGANSwitcher` 之前，先看看损失大约有多大。

## 两边的学习率

想让评论家学得比生成器快（或慢），加上这个回调即可；学习率本身在变时也有效。用 `callback_fns` 交给学习器。
"""

# %% [markdown] tags=["lang-en"]
r"""
The second line is all C: the threshold is out of reach and the generator waits for ever. Before you use `AdaptiveGANSwitcher`, look at how large the losses are.

## Discriminative learning rates

To let the critic learn faster (or slower) than the generator, add this callback; it also works while a schedule changes the learning rate. Hand it to the learner in `callback_fns`.
"""

# %%
show_doc(GANDiscriminativeLR, title_level=3)

# %%
five_times = turns(FixedGANSwitcher, callback_fns=[partial(GANDiscriminativeLR, mult_lr=5.)])
for player, rate in five_times.rates.items():
    print(f"{player}: {rate:.0e}")

# %%
show_doc(GANDiscriminativeLR.on_batch_begin)
show_doc(GANDiscriminativeLR.on_step_end)

# %% [markdown] tags=["lang-zh"]
r"""
## 网络

两个基本网络互为镜像。**评论家**：先是一个 4×4、步长 2 的卷积，把 `n_channels` 变成 `n_features`；再是 `n_extra_layers` 个 3×3、步长 1 的卷积；然后每个 4×4、步长 2 的卷积让边长减半、通道数加倍，直到 4×4；末尾的 4×4 卷积得到一个数。**生成器**倒过来：一个 4×4、步长 1 的转置卷积把噪声变成 4×4，再一次次加倍到 `in_size` 的一半，接着是 `n_extra_layers` 个 3×3 的层，最后一个转置卷积后接 tanh。多余的参数都交给 `conv_layer`；但评论家的第一层总是不归一化，末尾的卷积不受它们影响，所以写 `NormType.Spectral` 时，这两层没有谱归一化。

两处要留心：一块的顺序是卷积、激活、批归一化，DCGAN 则是先归一化再激活；`basic_critic` 默认把**整批**的分数平均成一个数，需要每张图片一个分数时写 `per_sample=True`。
"""

# %% [markdown] tags=["lang-en"]
r"""
## Specific models

The two basic networks mirror each other. The **critic** starts with a 4×4 convolution of stride 2 from `n_channels` to `n_features`; then come `n_extra_layers` 3×3 convolutions of stride 1; then 4×4 convolutions of stride 2, each of which halves the side and doubles the channels, down to 4×4; a last 4×4 convolution gives one number. The **generator** goes the other way: a 4×4 transposed convolution of stride 1 turns the noise into 4×4, others double that up to half of `in_size`; then come `n_extra_layers` 3×3 layers, and at the end one more transposed convolution and a tanh. Whatever else you pass goes to `conv_layer`; but the critic's first layer is never normalised, and its last convolution ignores it, so that with `NormType.Spectral` these two have no spectral norm.

Two things to note: a block is convolution, activation, batch normalisation, where DCGAN normalises before the activation; and `basic_critic` averages the scores of the **whole batch** into one number, unless you ask for one score a picture with `per_sample=True`.
"""

# %%
show_doc(basic_critic)

# %%
pictures = torch.rand(8, 3, 64, 64) * 2 - 1
critic = basic_critic(in_size=64, n_channels=3, n_extra_layers=1)
print(count(critic), "parameters;", tuple(pictures.shape), "->", tuple(critic(pictures).shape))
critic = basic_critic(in_size=64, n_channels=3, n_extra_layers=1, per_sample=True)
print("per_sample=True:         ", tuple(pictures.shape), "->", tuple(critic(pictures).shape))

# %%
show_doc(basic_generator)

# %%
generator = basic_generator(in_size=64, n_channels=3, n_extra_layers=1)
noise = torch.randn(8, 100, 1, 1)
print(count(generator), "parameters;", tuple(noise.shape), "->", tuple(generator(noise).shape))
narrow = basic_generator(in_size=64, n_channels=1, noise_sz=10, n_features=16)
print(count(narrow), "with n_features=16, n_channels=1, noise_sz=10")

# %%
show_doc(gan_critic)

# %%
patches = gan_critic(nf=16)
for side in (128, 224):
    print(f"{side}x{side}: scores", tuple(patches(torch.rand(1, 3, side, side)).shape))
print("with nf=128, as by default,", count(gan_critic()), "parameters")

# %%
show_doc(conv_layer)

# %%
for options in ({}, {"leaky": 0.2, "transpose": True}, {"norm_type": NormType.Spectral}):
    print(options, "->", *(type(layer).__name__ for layer in conv_layer(3, 8, **options)))

# %% [markdown] tags=["lang-zh"]
r"""
## 训练器

`GANTrainer` 是每个 GANLearner 都带着的回调，幕后的事都归它：两个优化器轮流上，没轮到的一方冻结（`switch_eval=True` 时连批归一化和 dropout 也停住），评论家的权重裁剪到 `clip` 之内，两边的损失分别平滑、分别记录。`beta` 是平滑的系数，`gen_first=True` 让生成器先走，`show_img=True` 让每轮结束时多出一张图片。
"""

# %% [markdown] tags=["lang-en"]
r"""
## The trainer

`GANTrainer` is a callback that every GANLearner carries, and it does the work behind the scenes: two optimizers take turns; whoever is not learning is frozen (with `switch_eval=True` its batch normalisation and dropout keep still, too); the critic's weights are clipped to `clip`; the two losses are smoothed and recorded separately. `beta` is the coefficient of the smoothing, `gen_first=True` lets the generator begin, and `show_img=True` adds a picture at the end of each epoch.
"""

# %%
show_doc(GANTrainer)

# %%
trainer = learn.gan_trainer  # of the Wasserstein GAN above: 3 epochs of 8 batches
print("losses recorded: critic", len(trainer.closses), "generator", len(trainer.glosses))
print("pictures:", trainer.titles, tuple(trainer.imgs[-1].shape))

# %%
show_doc(GANTrainer.switch)

# %%
for gen_mode in (None, None, True, True, False):
    trainer.switch(gen_mode)
    print(f"switch({gen_mode}): {'generator' if trainer.gen_mode else 'critic'}")

# %% [markdown] tags=["lang-zh"]
r"""
`switch_eval` 有两种选择，都有人用：fastai 的 WGAN 笔记本写 `False`，`GANLearner` 默认 `True`。冻结的网络权重不动，可是批归一化的滑动统计量不是权重，在训练模式里每看到一批数据就更新一次。下面让评论家走 5 步、生成器走 1 步，数一数各自的批归一化看过几批：评论家的每一步看真图和假图两批，生成器的一步看一批。
"""

# %% [markdown] tags=["lang-en"]
r"""
Both choices of `switch_eval` are in use: fastai's WGAN notebook has `False`, the default of `GANLearner` is `True`. The weights of a frozen network do not move, but the running statistics of BatchNorm are no weights: in training mode they are updated with every batch. Let the critic take 5 steps and the generator 1, and count how many batches the BatchNorm of each has seen: in each of its steps the critic sees two, real pictures and fakes, in the generator's step one.
"""

# %%
class EndAfter(Callback):
    """End the training after some batches."""

    order = 200

    def __init__(self, batches):
        self.left = batches

    def on_batch_end(self, learn):
        self.left -= 1
        if self.left == 0:
            raise CancelFit


def batches_seen(network):
    return max(int(layer.num_batches_tracked) for layer in network.modules()
               if isinstance(layer, nn.BatchNorm2d))


for switch_eval in (False, True):
    torch.manual_seed(0)
    one_round = GANLearner.wgan(data, *players(), switch_eval=switch_eval, **quiet)
    one_round.fit(1, 2e-4, callbacks=[EndAfter(6)])
    print(f"switch_eval={switch_eval}: generator {batches_seen(one_round.generator)}, "
          f"critic {batches_seen(one_round.critic)}")

# %% [markdown] tags=["lang-zh"]
r"""
差别不只在计数：评估模式下的生成器用滑动统计量造假图，而这些统计量一开始只是 0 和 1，所以两种设置从第一步起就不同。

下面是训练器在各个时刻所做的事，按先后排列。
"""

# %% [markdown] tags=["lang-en"]
r"""
Not only the counts differ: in evaluation mode the generator makes its fakes with the running statistics, which at first are just 0 and 1, so the two settings part at the very first step.

What the trainer does at each moment of training, in the order in which they come:
"""

# %%
show_doc(GANTrainer.on_train_begin)
show_doc(GANTrainer.on_epoch_begin)
show_doc(GANTrainer.on_batch_begin)
show_doc(GANTrainer.on_backward_begin)
show_doc(GANTrainer.on_backward_end)
show_doc(GANTrainer.on_step_end)
show_doc(GANTrainer.on_epoch_end)
show_doc(GANTrainer.on_train_end)


# %%
class Spy(Callback):
    """Print what the trainer has prepared."""

    def on_batch_begin(self, learn):
        trainer = learn.gan_trainer
        frozen = {name: not any(p.requires_grad for p in network.parameters())
                  for name, network in learn.networks().items()}
        who = "generator" if trainer.gen_mode else "critic"
        if who not in self.seen:
            print(f"{who}'s turn: input {tuple(learn.xb.shape)}, target {tuple(learn.yb.shape)}, "
                  f"frozen: {[name for name, still in frozen.items() if still]}")
        self.seen.add(who)

    def on_epoch_end(self, learn):
        print("the row of this epoch:", *learn.recorder.row)


Spy.seen = set()
torch.manual_seed(0)
learn = GANLearner.wgan(data, *players(), **quiet)
learn.fit(1, 2e-4, callbacks=[Spy()])
frozen = sum(not p.requires_grad for p in learn.model.parameters())
say("训练之后轮到{who}，被冻结的参数有 {frozen} 个。",
    "After training it is the turn of the {who}; frozen parameters: {frozen}.",
    who="G" if learn.model.gen_mode else "C", frozen=frozen)

# %% [markdown] tags=["lang-zh"]
r"""
## 模块

两个网络合成一个模型，两个损失合成一个损失，普通的训练循环就能用来训练 GAN。
"""

# %% [markdown] tags=["lang-en"]
r"""
## Specific modules

Two networks become one model and two losses one loss, and an ordinary training loop can train a GAN.
"""

# %%
show_doc(GANModule, title_level=3)

# %%
torch.manual_seed(0)
model = GANModule(*players())
print("critic mode:   ", tuple(model(torch.rand(4, 3, 16, 16)).shape))
model.switch(gen_mode=True)
print("generator mode:", tuple(model(torch.randn(4, 10, 1, 1)).shape))

# %%
show_doc(GANModule.switch)

# %%
model.switch()
print("switch() without an argument goes back to the", "generator" if model.gen_mode else "critic")

# %%
show_doc(GANLoss, title_level=3)

# %%
loss = GANLoss(NoopLoss(), WassersteinLoss(), model)
z, x = torch.randn(4, 10, 1, 1), torch.rand(4, 3, 16, 16)
model.switch(gen_mode=False)
print("critic's turn:    a loss of shape", tuple(loss(model(x), z).shape))
model.switch(gen_mode=True)
print("generator's turn: a loss of shape", tuple(loss(model(z), x).shape))

# %%
show_doc(WassersteinLoss, title_level=3)
show_doc(NoopLoss, title_level=3)

# %%
print(f"WassersteinLoss {WassersteinLoss()(real_pred, fake_pred):.1f}, "
      f"NoopLoss {NoopLoss()(fake_pred):.1f}")

# %% [markdown] tags=["lang-zh"]
r"""
注意符号：评论家**最小化** mean(real) - mean(fake)，所以学到的是给真图打低分、给假图打高分；论文和本课程其他各课正好相反。把评论家换成它的相反数，两种写法就是同一个博弈。
"""

# %% [markdown] tags=["lang-en"]
r"""
Mind the sign: the critic **minimises** mean(real) - mean(fake), so it learns low scores for real pictures and high ones for fakes; the paper and the other lessons of this course have it the other way round. Replace the critic by its negative, and the two are the same game.
"""

# %%
show_doc(AdaptiveLoss, title_level=3)

# %%
score_map = torch.tensor([[0.0, 1, -1], [2, -2, 0.5]])  # three patches of two pictures
is_real = torch.tensor([1, 0])
print(f"{AdaptiveLoss(nn.BCEWithLogitsLoss())(score_map, is_real):.4f}")

# %% [markdown] tags=["lang-zh"]
r"""
## 数据块

数据一步一步准备，每一步返回下一样东西：`from_folder` 列出图片，`split_none`（旧名 `no_split`）不留验证集，`label_from_func(noop)` 让图片自己做目标，`transform` 说明怎样裁成正方形，`databunch` 分批，`normalize` 把 y 变到 $[-1, 1]$。x 是噪声，所以要写 `tfm_y=True`、`do_x=False`、`do_y=True`。

fastai 的笔记本在注释里问 `noop` 是什么，还有几处没有解释：

- **`noop` 原样返回它收到的东西。** 所以一张图片的标签就是这张图片：GAN 的目标 y 是真图，不是类别。
- **x 每取一次都是新的噪声**，长度是 `noise_sz`，默认 100。
- **`tfm_y=True`**：要裁的是图片，而图片是 y。`row_pct=(0, 1)` 是说裁剪窗口的位置在两端之间随机取。
- **`do_x=False, do_y=True`**：噪声本来就是均值 0、标准差 1；图片要从 $[0, 1]$ 换到 tanh 的范围 $[-1, 1]$，所以均值和标准差都取 0.5。
- **没有验证集**：生成器没有要预测的标签，它的损失只是评论家此刻的意见。留出的图片另有用处：评估样本，检验抄袭。
"""

# %% [markdown] tags=["lang-en"]
r"""
## Data block API

Data are prepared step by step, and each step returns the next thing: `from_folder` lists the pictures, `split_none` (once called `no_split`) keeps none for validation, `label_from_func(noop)` makes each picture its own target, `transform` says how to cut squares, `databunch` makes batches, and `normalize` brings y to $[-1, 1]$. x is noise, hence `tfm_y=True`, `do_x=False` and `do_y=True`.

In a comment fastai's notebook asks what `noop` is, and it leaves more unexplained:

- **`noop` returns what it is given.** So the label of a picture is that picture: the target y of a GAN is a real picture, not a class.
- **x is new noise each time it is asked for**, of length `noise_sz`, 100 by default.
- **`tfm_y=True`**: it is the pictures that are cropped, and the pictures are y. `row_pct=(0, 1)` lets the window lie anywhere between the two ends.
- **`do_x=False, do_y=True`**: noise has mean 0 and standard deviation 1 as it is; pictures have to go from $[0, 1]$ to the range of tanh, $[-1, 1]$, hence 0.5 for both mean and standard deviation.
- **No validation set**: the generator has no label to predict, and its loss is only what the critic thinks at the moment. Held-out pictures serve another purpose: to evaluate samples and to find copies.
"""

# %%
show_doc(NoisyItem, title_level=3)

# %%
item = NoisyItem(10)
print("obj:", item.obj, "| data:", tuple(item.data.shape), "| as text:", repr(str(item)))

# %%
show_doc(GANItemList, title_level=3)
show_doc(GANItemList.from_folder)

# %%
items = GANItemList.from_folder(path, noise_sz=10)
print(len(items), "pictures, the first is", items.items[0].name)
noise, picture = data.train_ds[0]
print("one pair:", tuple(noise.data.shape), tuple(picture.shape))

# %%
show_doc(GANItemList.show_xys)
xs, ys = data.one_batch()
data.train_ds.x.show_xys(xs, data.denorm(ys), figsize=(4, 4))

# %% [markdown] tags=["lang-zh", "caption"]
r"""
**图 5b-2** 一批 8 张真图，也就是 y；x 是噪声，不画。
"""

# %% [markdown] tags=["lang-en", "caption"]
r"""
**Fig. 5b-2** A batch of 8 real pictures, the y; x is noise and is not drawn.
"""

# %%
show_doc(GANItemList.show_xyzs)
zs = learn.pred_batch(batch=(xs, ys))
data.train_ds.x.show_xyzs(xs, data.denorm(ys), data.denorm(zs), figsize=(4, 4))

# %% [markdown] tags=["lang-zh", "caption"]
r"""
**图 5b-3** 同一批的 8 张样本：生成器只训练了一轮，画出的还是灰色噪点。
"""

# %% [markdown] tags=["lang-en", "caption"]
r"""
**Fig. 5b-3** The 8 samples of the same batch: after a single epoch the generator still paints grey noise.
"""

# %%
show_doc(untar_data)
show_doc(noop)
show_doc(crop_pad)

# %% [markdown] tags=["lang-zh"]
r"""
玩具卧室是正方形，裁剪对它们没有作用。把两间房并成一张长图，就看得出来：同一张图片看九次，每次裁到的地方都不一样，连同噪声也是新的。
"""

# %% [markdown] tags=["lang-en"]
r"""
Toy rooms are square, so there is nothing to cut off. Join two rooms into a wide picture and it shows: the same picture looked at nine times, cut somewhere else each time; the noise is new each time, too.
"""

# %%
with tempfile.TemporaryDirectory() as folder:
    left, right = course_data.toy_rooms(2, size=64).images
    wide = torch.cat([left, right], dim=2).permute(1, 2, 0).numpy()
    Image.fromarray(wide).save(f"{folder}/wide.png")
    torch.manual_seed(3)
    labels = GANItemList.from_folder(folder).split_none().label_from_func(noop)
    one = labels.transform([[crop_pad(row_pct=(0, 1), col_pct=(0, 1))], []], size=64,
                           tfm_y=True).databunch(bs=1).train_ds
    looks = [one[0] for _ in range(9)]
one.x.show_xys(None, torch.stack([picture for _, picture in looks]), figsize=(4, 4))
print("different windows:", len({picture.numpy().tobytes() for _, picture in looks}))
print("different noise:  ", len({noise.data.numpy().tobytes() for noise, _ in looks}))

# %% [markdown] tags=["lang-zh", "caption"]
r"""
**图 5b-4** 同一张长图看 9 次：裁剪窗口的位置各不相同。
"""

# %% [markdown] tags=["lang-en", "caption"]
r"""
**Fig. 5b-4** One wide picture looked at 9 times: the window lies elsewhere each time.
"""

# %%
show_doc(DataBunch, title_level=3)
show_doc(DataBunch.normalize)
show_doc(DataBunch.show_batch)

# %%
data.show_batch(rows=5, figsize=(4, 4))
print("a batch: x", tuple(xs.shape), "y", tuple(ys.shape))
print(f"y lies between {float(ys.min()):.2f} and {float(ys.max()):.2f}")
apart = float((course_data.to_signed(data.to_images(ys)) - ys).abs().max())
print(f"to bytes and back changes a pixel by at most {apart:.6f}")

# %% [markdown] tags=["lang-zh", "caption"]
r"""
**图 5b-5** `show_batch` 画出一批真图，这里一批有 8 张。
"""

# %% [markdown] tags=["lang-en", "caption"]
r"""
**Fig. 5b-5** `show_batch` draws a batch of real pictures, of which there are 8 here.
"""

# %% [markdown] tags=["lang-zh"]
r"""
## 没有写进文档的方法

fastai 的那一页把下面这些藏在末尾：有的是内部用的，有的还没来得及写说明。知道它们在做什么，读源代码时会轻松些。
"""

# %% [markdown] tags=["lang-en"]
r"""
## Undocumented methods

fastai's page hides these at its end: some are for internal use, others had not been documented yet. Knowing what they do makes the code easier to read.
"""

# %%
show_doc(GANLoss.critic)
show_doc(GANLoss.generator)

# %%
loss.critic(model.critic(x), z).backward()
reached = sum(p.grad is not None for p in model.generator.parameters())
print("parameters of the generator that a critic's step gives a gradient:", reached)

# %%
show_doc(GANModule.forward)
show_doc(NoisyItem.apply_tfms)

# %%
print("length of the noise before and after crop_pad:", len(item.data),
      len(item.apply_tfms([crop_pad()]).data))

# %%
show_doc(accuracy_thresh_expand)

# %%
for sigmoid in (True, False):
    print(f"sigmoid={sigmoid}: {accuracy_thresh_expand(score_map, is_real, sigmoid=sigmoid):.3f}")

# %%
show_doc(GANItemList.get)
show_doc(GANItemList.reconstruct)

# %%
fresh = items.get(0)
back = items.reconstruct(fresh.data)
print(f"the noise comes back, apart by {float((back.data - fresh.data).abs().max()):.1f}")

# %%
show_doc(AdaptiveLoss.forward)

# %% [markdown] tags=["lang-zh"]
r"""
## fastai 没有的

`from_loss` 接上 `gan_lessons.losses` 里的任何一个损失，例如合页（hinge）损失；`ema=0.9` 让学习器记下生成器权重的滑动平均；`sample` 用种子造图，不必准备输入（噪声的形状取自一批训练数据）；`save`、`load` 记下接着训练所需的一切。
"""

# %% [markdown] tags=["lang-en"]
r"""
## What fastai does not have

`from_loss` takes any of the course's losses in `gan_lessons.losses`, such as the hinge loss; `ema=0.9` lets the learner keep a moving average of the generator's weights; `sample` makes pictures from a seed, without an input of yours (it takes the shape of the noise from one training batch); `save` and `load` remember all that is needed to go on.
"""

# %%
show_doc(GANLearner.from_loss)
show_doc(GANLearner.sample)
show_doc(Learner.save)
show_doc(Learner.load)


# %%
def hinge_learner():
    torch.manual_seed(0)
    return GANLearner.from_loss(data, *players(per_sample=True), losses.Hinge(), ema=0.9, **quiet)


with tempfile.TemporaryDirectory() as folder:
    learn = hinge_learner()
    learn.fit(1, 2e-4)
    learn.save(f"{folder}/half_way.safetensors")
    learn.fit(1, 2e-4, resume=True)

    resumed = hinge_learner()
    resumed.load(f"{folder}/half_way.safetensors")
    resumed.fit(1, 2e-4, resume=True)
def apart(a, b):
    return int((a.int() - b.int()).abs().max())


say("从文件续训，与在原来的学习器里续训，样本最多相差 {gap} 个灰度级；滑动平均的样本与最新权重的最多"
    "相差 {average}。", "Going on from the file, and going on in the old learner: samples differ by "
    "at most {gap} grey levels. Samples of the average differ from those of the newest weights by "
    "up to {average}.",
    gap=apart(learn.sample(8), resumed.sample(8)),
    average=apart(learn.sample(8), learn.sample(8, ema=True)))

# %% [markdown] tags=["lang-zh"]
r"""
## 与 fastai v1 不同的地方

| fastai v1 | 这里 |
|---|---|
| `gen_first=True` 不起作用 | 生成器真的先走 |
| `show_img=False` 时，表格里没有两个损失 | 总是有 |
| 切换器把验证的批也算进去，有时生成器一步也走不了 | 只数优化器走的步 |
| `n_crit` 写成函数，收到的总是 0 | 收到生成器至今走过的步数 |
| 保存时少了评论家优化器的状态，载入出错也不说 | 全部保存；接着训练与没有中断过相同，出错会说明 |
| 看结果、做预测时也裁剪评论家的权重 | 只在训练时裁剪 |
| 没有验证集，或者还没训练，`validate`、`show_results`、`switch` 就报错 | 都能用 |
| `from_learners` 把像素损失的两个参数弄反 | 先生成的，后目标 |
| 评论家的损失看不到图片，写不出梯度惩罚 | 用 `penalty` |
| 表格里的 `train_loss` 把两边的损失混成一个平均 | 标明是混合的；两边的损失另有两列 |
| 文件的次序随磁盘而变；`crop_pad` 的 `size` 被忽略 | 按名字排序；两个 `size` 不同就报错 |
| `GANLearner` 默认评论家 5 步、生成器 1 步 | 默认各 1 步，`wgan` 才是 5 比 1 |
| 回调的先后写 `_order`；方法收到 `**kwargs`；返回 `{'stop_training': True}` 结束训练；另有 `on_loss_begin` | 写 `order`；方法收到 `learn`；`raise CancelFit` 结束训练；没有 `on_loss_begin` |
| `GANItemList.reconstruct` 返回新抽的噪声 | 返回给它的噪声 |
| 每轮的图片取自最后一批，噪声次次不同 | 总用同一份噪声 |

fastai v2 让两个网络共用一个优化器，没轮到的一方梯度清零而不是清除，于是它在动量的作用下仍会移动；加在切换器之后的学习率回调也会作用到对方。这里每个网络各有一个优化器，冻结的参数没有梯度，一点也不动。每一条都有测试，见[出处与勘误](sources.md)。

## 旧名字和这里的名字

| fastai v1 | 这里 | 第 04 课 |
|---|---|---|
| `from fastai.vision.gan import *` | `from gan_lessons.fastai_style.vision.gan import *` | 按名字导入 |
| `GANItemList` 到 `databunch()` | 同名 | `data.lsun_bedrooms`、`data.folder` |
| `GANLearner.wgan` | 同名 | `recipes.wgan` |
| `GANLearner`，两个损失函数 | 同名，或 `from_loss` | `Game(loss=...)` |
| `FixedGANSwitcher(n_crit=5)` | 同名 | `Game(n_critic=5)` |
| `clip=0.01`，每批开头 | 同名 | `Game(clip=0.01)`，更新之后 |
| `WassersteinLoss`、`NoopLoss`，真图分数低 | 同名 | `losses.Wasserstein`，真图分数高 |
| 没有 | `penalty=`、`ema=`、`sample(n, seed=)` | 同名 |
| `learn.fit(30, 2e-4)`，单位是轮 | 同名 | `fit(game, images, steps)`，单位是生成器的步 |
| `learn.show_results` | 同名 | `show.gallery(game.sample(...))` |
| `learn.save`、`learn.load` | 同名，两个优化器都在 | `checkpoint.save`、`checkpoint.load` |
"""

# %% [markdown] tags=["lang-en"]
r"""
## What differs from fastai v1

| fastai v1 | here |
|---|---|
| `gen_first=True` has no effect | the generator does begin |
| with `show_img=False` the table lacks both losses | they are always there |
| switchers count the batches of validation, too; the generator may never get a turn | only steps of the optimizers count |
| `n_crit` as a function always gets 0 | it gets the steps that the generator has taken |
| a saved learner lacks the state of the critic's optimizer, and errors in loading are hidden | all is saved; going on equals never having stopped, and errors are explained |
| looking at results clips the critic's weights, too | they are clipped in training only |
| without a validation set, or before training, `validate`, `show_results`, `switch` raise errors | all of them work |
| `from_learners` swaps the two arguments of the pixel loss | generated first, target second |
| the critic's loss does not see the pictures, so that no gradient penalty can be written | `penalty` |
| `train_loss` in the table mixes the losses of both players into one mean | it says that it is mixed; each player's loss has a column of its own |
| the order of the files depends on the disk; the `size` of `crop_pad` is ignored | sorted by name; two different `size` are an error |
| by default `GANLearner` takes 5 steps of the critic for 1 of the generator | 1 step each; `wgan` has 5 to 1 |
| callbacks are ordered by `_order`; methods get `**kwargs`; returning `{'stop_training': True}` ends the training; there is `on_loss_begin`, too | `order`; methods get `learn`; `raise CancelFit` ends the training; no `on_loss_begin` |
| `GANItemList.reconstruct` returns newly drawn noise | it returns the noise it was given |
| the picture of an epoch is from the last batch, of other noise each time | always of the same noise |

In fastai v2 both networks share one optimizer, and the gradients of the one whose turn it is not are set to zero instead of removed, so that momentum still moves it; and a callback for the learning rate that is added after the switcher acts on the other player. Here each network has an optimizer of its own, and frozen parameters have no gradient and do not move at all. Each point has its test, see [sources and corrections](sources.md).

## Old names and ours

| fastai v1 | here | lesson 04 |
|---|---|---|
| `from fastai.vision.gan import *` | `from gan_lessons.fastai_style.vision.gan import *` | imports by name |
| `GANItemList` to `databunch()` | the same | `data.lsun_bedrooms`, `data.folder` |
| `GANLearner.wgan` | the same | `recipes.wgan` |
| `GANLearner` with two loss functions | the same, or `from_loss` | `Game(loss=...)` |
| `FixedGANSwitcher(n_crit=5)` | the same | `Game(n_critic=5)` |
| `clip=0.01`, at the start of a batch | the same | `Game(clip=0.01)`, after the update |
| `WassersteinLoss`, `NoopLoss`, low scores for real pictures | the same | `losses.Wasserstein`, high scores for real pictures |
| none | `penalty=`, `ema=`, `sample(n, seed=)` | the same |
| `learn.fit(30, 2e-4)`, in epochs | the same | `fit(game, images, steps)`, in steps of the generator |
| `learn.show_results` | the same | `show.gallery(game.sample(...))` |
| `learn.save`, `learn.load` | the same, with both optimizers | `checkpoint.save`, `checkpoint.load` |
"""
