# %% [markdown] tags=["lang-zh", "title"]
r"""
# 04 · WGAN：会画脸和卧室，还有一条读得懂的曲线

前几课的 D 只回答“真还是假”。这一课的 D 回答“还差多远”：它是一位**评论家**（critic），打出的分数没有上下限，真品和赝品的平均分之差，就是对两个分布之间距离的估计。

- **学完你会**：用两种办法算出一维的 Wasserstein 距离；说出为什么评论家不能太陡；写出 WGAN 的损失和权重裁剪；看差距而不看单个分数；把学会的权重从 16x16 带到 32x32，再带到 64x64。
- **需要准备**：学过第 02 课；卷积网络见第 03 课，没学过也能读。
- **用时**：阅读和练习 70 分钟；全部运行一遍约 4 分钟（两个 CPU 核心，不需要显卡，也不必联网）。
- **来历**：[alexshuang 的《用 Pytorch 实现 WGAN》](https://github.com/alexshuang/wgan-pytorch)用 CelebA 画人脸，下文称作 `003`；[fast.ai 的 LSUN 卧室一课](https://github.com/fastai/course-v3)（一个中文注释版）画卧室，称作 `000`。它们的主要内容这里都有；有几处值得推敲，我们用实验来说明。
"""

# %% [markdown] tags=["lang-en", "title"]
r"""
# 04 · WGAN: faces, bedrooms, and a curve that can be read

So far D answered "real or fake". The D of this lesson answers "how far is there still to go": it is a **critic**, its scores have no upper or lower end, and the difference between the mean scores of real and fake pictures estimates a distance between two distributions.

- **You will be able to**: compute the Wasserstein distance in one dimension in two ways; say why the critic must not be too steep; write WGAN's losses and its weight clipping; read the gap and not a single score; carry learned weights from 16x16 to 32x32 and on to 64x64.
- **You need**: lesson 02; convolutional networks are explained in lesson 03, but you can read on without it.
- **Time**: 70 minutes to read and do the exercises; about 4 minutes to run everything (two CPU cores, no graphics card, no internet connection).
- **Where it comes from**: [alexshuang's WGAN in PyTorch](https://github.com/alexshuang/wgan-pytorch) paints faces, learned from CelebA, and is called `003` below; [fast.ai's lesson on LSUN bedrooms](https://github.com/fastai/course-v3), in a copy with Chinese notes, paints bedrooms and is called `000`. Their main points are all here; some deserve a second look, by experiment.
"""

# %%
import inspect
import json
import math
import tempfile
from functools import partial
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from torch import nn

from gan_lessons import data, lab, losses, measure, penalties, recipes, runs, runtime, show
from gan_lessons.exercises import lesson04 as check
from gan_lessons.nets import dcgan, mlp
from gan_lessons.train import adam, critic_step, fit, head_start, rmsprop

runtime.set_threads(2)  # convolutions are large enough to gain from a second thread
lab.language_switch()

# %% [markdown] tags=["lang-zh", "what-changed"]
r"""
## 和前几课相比

网络还是卷积网络，轮流走步的规矩也没有变。变的是损失、约束和 D 的步数：

```diff
- loss.critic    = softplus(-real).mean() + softplus(fake).mean()
- loss.generator = softplus(-fake).mean()
+ loss.critic    = fake.mean() - real.mean()      # no sigmoid, no logarithm
+ loss.generator = -fake.mean()
+ clip_weights(critic, 0.01)                      # after each of the critic's steps
- n_critic=1, Adam
+ n_critic=5, RMSprop
```

论文和 `003` 的学习率是 0.00005；这一课的训练短，用的是它的 10 到 20 倍。
"""

# %% [markdown] tags=["lang-en", "what-changed"]
r"""
## What changed since the last lessons

The networks are still convolutional and the two still take turns. New are the losses, a constraint, and the number of D's steps:

```diff
- loss.critic    = softplus(-real).mean() + softplus(fake).mean()
- loss.generator = softplus(-fake).mean()
+ loss.critic    = fake.mean() - real.mean()      # no sigmoid, no logarithm
+ loss.generator = -fake.mean()
+ clip_weights(critic, 0.01)                      # after each of the critic's steps
- n_critic=1, Adam
+ n_critic=5, RMSprop
```

The learning rate of the paper and of `003` is 0.00005; the runs of this lesson are short and have 10 to 20 times that.
"""

# %% [markdown] tags=["lang-zh", "predict"]
r"""
### 先猜再跑 1：两座山越走越远

两个正态分布，标准差都是 1，中心相距 $\theta$。第 01 课验证过，最好的判别器量出的是 JS 散度。把 $\theta$ 从 6 拉到 10，会怎样？

- A. JS 散度几乎不动，Wasserstein 距离照样增大。
- B. JS 散度和 Wasserstein 距离都继续增大，因为两座山更远了。
- C. 两个都不动：反正已经完全分开了。
"""

# %% [markdown] tags=["lang-en", "predict"]
r"""
### Predict, then run 1: two hills that move apart

Two normal distributions, both of standard deviation 1, with centres $\theta$ apart. Lesson 01 showed that what the best discriminator measures is the JS divergence. Pull $\theta$ from 6 to 10. What happens?

- A. The JS divergence hardly moves, the Wasserstein distance keeps growing.
- B. The JS divergence and the Wasserstein distance both keep growing, as the hills are further apart.
- C. Neither moves: they are apart already.
"""

# %%
x = torch.linspace(-10, 20, 3001, dtype=torch.float64)
dx = float(x[1] - x[0])


def hill(centre):
    return torch.exp(-(x - centre).square() / 2) / math.sqrt(2 * math.pi)


def js(p, q):
    middle = (p + q) / 2
    both_ways = torch.special.xlogy(p, p / middle) + torch.special.xlogy(q, q / middle)
    return float(both_ways.sum()) * dx / 2


def w1_of_densities(p, q):
    """How much earth crosses each place, summed over all places."""
    return float(((p - q).cumsum(0) * dx).abs().sum()) * dx


shifts = torch.linspace(0, 10, 41)
js_curve = torch.tensor([js(hill(0), hill(s)) for s in shifts])
w1_curve = torch.tensor([w1_of_densities(hill(0), hill(s)) for s in shifts])
show.lines({"JS / log 2": (shifts, js_curve / math.log(2)), "W1 / 10": (shifts, w1_curve / 10)},
           xlabel=r"distance of the centres, $\theta$", ylabel="divergence or distance",
           alt="Two curves against the distance of two bell curves: the JS divergence climbs to its "
               "maximum by about 5 and is flat from there on; W1 is a straight line all the way")
at = {float(s): i for i, s in enumerate(shifts)}
print("from 6 to 10, JS grows by less than 1 % of its maximum:",
      float(js_curve[at[10.0]] - js_curve[at[6.0]]) < 0.01 * math.log(2))
print("W1 equals the shift everywhere:", bool((w1_curve - shifts).abs().max() < 1e-4))

# %% [markdown] tags=["lang-zh"]
r"""
答案是 **A**。JS 散度到 $\log 2$ 就封顶了：它只知道“完全分开”，不知道还差多远，斜率几乎是 0，G 从中得不到方向。$W_1$ 的斜率处处是 1：走近一步，距离就短一步。图片的分布又薄又散，训练之初几乎总是完全分开的，所以这件事很要紧。

## 搬土：两种算法

把分布看作一堆土。**Wasserstein 距离**（$W_1$，又叫推土机距离）是把一堆土搬成另一堆的最小花费：土量乘路程，再加起来。

$$W_1(p, q) = \min_{\pi} \sum_{i, j} \pi_{ij} \, |x_i - x_j|$$

这里 $\pi_{ij}$ 是从 $i$ 搬到 $j$ 的土量，横着加起来等于 $p$，竖着加起来等于 $q$。这是一个**线性规划**，交给 `scipy` 就能解。下面的两堆土取自 [Understanding Deep Learning](https://udlbook.github.io/udlbook/) 的笔记本 15.2，放在 $[0, 1]$ 上等距的 10 个位置。
"""

# %% [markdown] tags=["lang-en"]
r"""
The answer is **A**. The JS divergence ends at $\log 2$: it knows "entirely apart" but not how far, its slope is almost 0, and G learns no direction from it. The slope of $W_1$ is 1 everywhere: one step closer is one step less. The distributions of pictures are thin and scattered and at the start of training nearly always entirely apart, so this matters.

## Moving earth: two ways to compute it

Think of a distribution as a heap of earth. The **Wasserstein distance** ($W_1$, also called the earth mover's distance) is the least cost of turning one heap into the other: amount times distance, summed over all of it.

$$W_1(p, q) = \min_{\pi} \sum_{i, j} \pi_{ij} \, |x_i - x_j|$$

Here $\pi_{ij}$ is how much goes from $i$ to $j$; its rows sum to $p$ and its columns to $q$. That is a **linear programme**, and `scipy` solves it. The two heaps below are those of notebook 15.2 of [Understanding Deep Learning](https://udlbook.github.io/udlbook/), at 10 evenly spaced places on $[0, 1]$.
"""

# %%
places = torch.linspace(0, 1, 10, dtype=torch.float64)
p = torch.tensor([5, 3, 2, 1, 8, 7, 5, 9, 2, 1], dtype=torch.float64)
q = torch.tensor([4, 10, 1, 1, 4, 6, 3, 2, 0, 1], dtype=torch.float64)
p, q = p / p.sum(), q / q.sum()
plan, cost = measure.transport(p, q, (places[:, None] - places).abs())

figure, axes = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
axes[0].bar(torch.arange(10) - 0.2, p, 0.4, color=show.BLUE, label="p")
axes[0].bar(torch.arange(10) + 0.2, q, 0.4, color=show.ORANGE, hatch="///", label="q")
axes[0].set(xlabel="place", ylabel="share of the earth")
axes[0].legend()
axes[1].imshow(plan, cmap="cividis")
axes[1].set(xlabel="to place j (q)", ylabel="from place i (p)", title="a cheapest plan")
show.show(figure, "On the left two bar charts, p and q, over ten places; on the right the cheapest "
                  "plan as a ten by ten picture: bright places say how much goes from i to j")

by_crossing = float((p - q).cumsum(0)[:-1].abs().sum() * (places[1] - places[0]))
print("the linear programme says 0.15149:", abs(cost - 0.15148578811369506) < 1e-9)
print("counting what crosses each place says the same:", abs(cost - by_crossing) < 1e-9)

# %% [markdown] tags=["lang-zh", "exercise"]
r"""
右图是最省的方案之一。两车土若同向而行、一车超过另一车，对换终点，花费不变；若迎面错车，对换终点反而更省。所以最省的方案里没有迎面错车，其中总有一个连超车也没有。于是在一条线上不必解线性规划，**排好序、依次配对**就行：最小的配最小的，第二小的配第二小的。这就是第二种算法。

### 练习 1：排序求 $W_1$

`a` 和 `b` 各有 `n` 个样本，形状都是 `(n,)`，每个样本占 1/n 的土。补全 `w1`。

<details><summary>提示一</summary>

`a.sort().values` 从小到大排好。两边都排，再逐个相减。

</details>

<details><summary>提示二</summary>

路程没有负的，先取 `.abs()`；每个样本的土一样多，所以最后是 `.mean()`。

</details>
"""

# %% [markdown] tags=["lang-en", "exercise"]
r"""
On the right is one of the cheapest plans. Where two carts go the same way and one overtakes the other, swapping their destinations costs nothing; where they meet head-on, swapping even saves. So in a cheapest plan no carts meet head-on, and one of these plans has no overtaking either. Hence on a line nobody needs a linear programme: **sort, and pair in order**, the smallest with the smallest, the second with the second. That is the second way.

### Exercise 1: $W_1$ by sorting

`a` and `b` hold `n` samples each, shape `(n,)`, and every sample is 1/n of the earth. Complete `w1`.

<details><summary>Hint one</summary>

`a.sort().values` puts them in order. Sort both, then subtract one from the other.

</details>

<details><summary>Hint two</summary>

A distance is never negative, so take `.abs()`; all samples are the same amount of earth, so end with `.mean()`.

</details>
"""

# %%
def w1(a, b):
    return ...


verdict = check.wasserstein_1d(w1)

# %% [markdown] tags=["lang-zh"]
r"""
## 换一个角度：评论家

图片有几千维，没法排序，线性规划也太大。好在同一个数还有另一种写法（Kantorovich 对偶）：

$$W_1(p, q) = \max_{\lVert f \rVert_L \le 1} \; \mathbb{E}_{p}\,[f(x)] - \mathbb{E}_{q}\,[f(x)]$$

找一个函数 $f$ 给每个位置打分，让真品的平均分比赝品高得越多越好。唯一的规矩：**坡度不超过 1**，即 $|f(x) - f(y)| \le |x - y|$，这叫 1-利普希茨。没有这条规矩，把分数乘以一百，差距就大一百倍，什么也量不出来。有了它，差距的最大值正好是搬土的花费。$f$ 就是评论家，我们用一个网络来当。

先在那两堆土上验证。要把 p 搬成 q：土要往右走的地方，最好的 $f$ 递减；要往左走的地方，递增。
"""

# %% [markdown] tags=["lang-en"]
r"""
## Another point of view: the critic

Pictures have thousands of dimensions: there is no sorting them, and the linear programme grows too large. Luckily the same number can be written in another way (Kantorovich's dual):

$$W_1(p, q) = \max_{\lVert f \rVert_L \le 1} \; \mathbb{E}_{p}\,[f(x)] - \mathbb{E}_{q}\,[f(x)]$$

Find a function $f$ that scores every place such that the mean score of real is as far above that of fake as can be. The one rule: **no slope above 1**, that is $|f(x) - f(y)| \le |x - y|$, which is called 1-Lipschitz. Without it, scores a hundred times as large have a hundred times the gap, and nothing is measured. With it, the largest gap is exactly the cost of moving the earth. $f$ is the critic, and a network plays it.

First a check on those two heaps: where earth has to go to the right, on its way from p to q, the best $f$ falls; where it has to go to the left, it rises.
"""

# %%
to_the_right = (p - q).cumsum(0)[:-1]  # how much crosses from place i to place i + 1
slopes = -to_the_right.sign()
best_f = torch.cat([torch.zeros(1), (slopes * (places[1] - places[0])).cumsum(0)])
print("no slope above 1:", bool(slopes.abs().max() <= 1))
print("its gap is the cost of the transport:", abs(float((p - q) @ best_f) - cost) < 1e-9)

others = {"sin": torch.sin(places), "x": places, "-x": -places, "|x - 1/2|": (places - 0.5).abs()}
print("other functions with slopes up to 1 have smaller gaps:",
      all(float((p - q) @ f) < cost for f in others.values()))

# %% [markdown] tags=["lang-zh", "predict"]
r"""
### 先猜再跑 2：裁剪的尺度

怎样让网络不太陡？WGAN 的办法很直接：每一步之后，把每个权重裁进 $[-c, c]$（下文叫它“盒子”），这就是**权重裁剪**（weight clipping），$c = 0.01$。坡度是各层权重相乘得来的，权重有限，坡度也就有限。假设评论家有 4 层，除最后一层外各有 64 个单元。$c$ 取 1 或 0.001，会怎样？

- A. 坡度差不多：$c$ 只是个单位，评论家会自己把它补回来。
- B. $c = 0.001$ 更准，因为守住“坡度不超过 1”更有把握。
- C. $c = 1$ 时坡度上千，$c = 0.001$ 时不足百万分之一。
"""

# %% [markdown] tags=["lang-en", "predict"]
r"""
### Predict, then run 2: how far to clip

How do we keep a network from being steep? WGAN's way is blunt: after every step push each weight back into $[-c, c]$ (the "box" below). That is **weight clipping**, with $c = 0.01$. The slope is a product of the layers' weights, so if those are bounded it is, too. Take a critic of 4 layers, of 64 units each but for the last. What happens at $c$ equal to 1 or 0.001?

- A. The slope is about the same: $c$ is only a unit, for which the critic makes up by itself.
- B. $c = 0.001$ is more accurate, because it is on the safe side of "no slope above 1".
- C. At $c = 1$ the slope is above a thousand, at $c = 0.001$ below a millionth.
"""

# %%
REAL, FAKE = torch.tensor([-4.0, 0.0, 4.0]), torch.tensor([-2.0, 2.0])  # heaps on a line


def heaps(centres, n, chance):
    which = torch.randint(len(centres), (n,), generator=chance)
    return (centres[which] + 0.2 * torch.randn(n, generator=chance)).unsqueeze(1)


def trained_critic(clip=None, penalty=None):
    torch.manual_seed(0)
    critic = mlp.discriminator([64, 64, 64], (1,), activation=mlp.leaky)
    optimizer = rmsprop(critic, lr=clip / 10) if clip else adam(critic, 5e-3, (0.0, 0.9))
    chance = torch.Generator().manual_seed(0)
    for _ in range(1000):  # "G" gives back the fakes that it is handed
        critic_step(critic, nn.Identity(), optimizer, losses.Wasserstein(),
                    heaps(REAL, 256, chance), heaps(FAKE, 256, chance), penalty, clip)
    return critic


line = torch.linspace(-6, 6, 601).unsqueeze(1)
with runtime.one_thread():  # a tiny network
    critics = {f"c = {c}": trained_critic(clip=c) for c in (0.001, 0.1, 1.0)}
    critics["penalty"] = trained_critic(
        penalty=partial(penalties.gradient_penalty, weight=1.0))

surfaces, steepest = {}, {}
for name, critic in critics.items():
    at_x = line.clone().requires_grad_(True)
    score = critic(at_x)
    slope, = torch.autograd.grad(score.sum(), at_x)
    surfaces[name], steepest[name] = score.detach(), float(slope.abs().max())
print("steepest slope above 1000 at c = 1:", steepest["c = 1.0"] > 1000)
print("steepest slope below a millionth at c = 0.001:", steepest["c = 0.001"] < 1e-6)

# %% [markdown] tags=["lang-zh"]
r"""
答案是 **C**。坡度的上限按 $c$ 的乘方变化，有几层就是几次方，所以裁剪只保证“有一个上限 $K$”，而 $K$ 是多少很难说；差距至多是 $K \cdot W_1$，单位由 $c$ 和网络决定。$c$ 太大，评论家很陡、学得慢；太小，传回 G 的梯度所剩无几。WGAN 的作者自己也说，裁剪是一个“明显很糟”的办法，只是够用。

还有一层代价要画出来才看得见。下面把每条曲线除以它自己最大的坡度，和真正最好的 $f$ 放在一起：
"""

# %% [markdown] tags=["lang-en"]
r"""
The answer is **C**. The bound on the slope goes with $c$ to the power of the number of layers, so clipping promises only that there is some bound $K$, not how large $K$ is; the gap is at most $K \cdot W_1$, in a unit set by $c$ and by the network. Too large a $c$ and the critic is steep and slow to learn; too small, and next to no gradient gets back to G. WGAN's authors themselves call clipping a "clearly terrible" way that is good enough.

There is another price, which only a picture shows. Divide every curve by its own steepest slope and put it beside the best $f$ there is:
"""

# %%
def cdf(centres):
    return (0.5 * (1 + torch.erf((line - centres) / 0.2 / math.sqrt(2)))).mean(1)


best = ((cdf(FAKE) - cdf(REAL)).sign() * 0.02).cumsum(0)  # uphill where fakes should go right
shown = {"best f": best, "clipped, c = 0.1": surfaces["c = 0.1"] / steepest["c = 0.1"],
         "gradient penalty": surfaces["penalty"] / steepest["penalty"]}
show.lines({name: (line[:, 0], f - f.mean()) for name, f in shown.items()},
           xlabel="x (real heaps at -4, 0, 4; fakes at -2, 2)", ylabel="score / steepest slope",
           alt="Three curves over a line: the best f is a zigzag, high at the three real heaps and "
               "low at the two fake ones; the clipped critic is a plain valley that misses the "
               "middle heap; the critic with a gradient penalty has the zigzag's shape")


def turns(f):
    rising = f[1:] > f[:-1]
    return int((rising[1:] != rising[:-1]).sum())


print("the clipped critic turns less often than 3 times:", turns(surfaces["c = 0.1"]) < 3)
print("the one with a gradient penalty turns 3 times, as the best f does:",
      turns(surfaces["penalty"]) == 3)

# %% [markdown] tags=["lang-zh"]
r"""
裁剪过的评论家**太简单**：它只学会“两边高、中间低”，把中间那堆真品抹平了。用梯度惩罚（第 06 课）的评论家学出了完整的锯齿。用裁剪照样能画出脸来，但它不是最好的办法。

## 写出来

一条约定贯穿全课：**分数越高越真**。评论家要把真品的分数推高、把赝品的压低；G 要让赝品的分数变高。优化器总是把损失变小，所以：

$$L_D = \mathbb{E}\,[f(G(z))] - \mathbb{E}\,[f(x)], \qquad L_G = -\mathbb{E}\,[f(G(z))]$$
"""

# %% [markdown] tags=["lang-en"]
r"""
The clipped critic is **too simple**: it has learned "high outside, low in the middle" and flattened the heap of real ones in the centre. With a gradient penalty (lesson 06) the critic finds the whole zigzag. Clipping can paint faces all the same, but it is not the best way.

## Writing it down

One convention holds all through the course: **a higher score means more real**. The critic pushes real up and fakes down; G wants its fakes up. Optimisers make a loss small, so:

$$L_D = \mathbb{E}\,[f(G(z))] - \mathbb{E}\,[f(x)], \qquad L_G = -\mathbb{E}\,[f(G(z))]$$
"""

# %% [markdown] tags=["lang-zh", "exercise"]
r"""
### 练习 2：两个损失

补全 `critic_loss` 和 `generator_loss`。参数是评论家给出的分数，形状 `(B,)`，两个 B 可以不同。批改时用 $f(x) = x$，所以真品的数大，赝品的数小。

<details><summary>提示一</summary>

不要 sigmoid，不要对数，只有平均和减法。

</details>

<details><summary>提示二</summary>

真品的分数应当变高，所以它在评论家的损失里带负号：`fake.mean() - real.mean()`。

</details>
"""

# %% [markdown] tags=["lang-en", "exercise"]
r"""
### Exercise 2: the two losses

Complete `critic_loss` and `generator_loss`. They are given the critic's scores, shape `(B,)`; the two B may differ. The checker uses $f(x) = x$: real ones are large numbers, fakes small ones.

<details><summary>Hint one</summary>

No sigmoid, no logarithm, only means and a subtraction.

</details>

<details><summary>Hint two</summary>

The scores of real ones should grow, so they carry the minus sign in the critic's loss: `fake.mean() - real.mean()`.

</details>
"""

# %%
def critic_loss(real, fake):
    return ...


def generator_loss(fake):
    return ...


verdict = check.losses(critic_loss, generator_loss)

# %% [markdown] tags=["lang-zh", "exercise"]
r"""
### 练习 3：评论家的一步，裁剪放在哪里？

补全 `update`：评论家走一步，然后裁剪。`real` 和 `fake` 是数据，`limit` 是 $c$；损失就是练习 2 的 `critic(fake).mean() - critic(real).mean()`；裁剪可以用 `penalties.clip_weights(critic, limit)`。批改时会检查：G 接下来遇到的评论家，没有一个权重超出盒子。

<details><summary>提示一</summary>

顺序是：算分数和损失，清空梯度，`backward()`，`step()`，裁剪。

</details>

<details><summary>提示二</summary>

如果先裁剪再 `step()`，这一步又会把权重推出盒子，G 就会遇到盒子外面的评论家。

</details>
"""

# %% [markdown] tags=["lang-en", "exercise"]
r"""
### Exercise 3: one step of the critic, and where to clip

Complete `update`: one step of the critic, and clipping. `real` and `fake` are data and `limit` is $c$; the loss is that of exercise 2, `critic(fake).mean() - critic(real).mean()`; to clip, use `penalties.clip_weights(critic, limit)`. The checker makes sure that the critic which G meets next has no weight outside the box.

<details><summary>Hint one</summary>

The order is: scores and loss, clear the gradients, `backward()`, `step()`, clip.

</details>

<details><summary>Hint two</summary>

If you clip first and `step()` afterwards, the step pushes weights out of the box again, and that is the critic G meets.

</details>
"""

# %%
def update(critic, optimizer, real, fake, limit):
    return ...


verdict = check.clipped_update(update)

# %% [markdown] tags=["lang-zh"]
r"""
## 数据：玩具脸和玩具卧室

本课默认用代码画的脸和卧室：不用下载，没有真人，也知道一共有多少种（脸 96 种，卧室 54 种）。你有 CelebA 或 LSUN 的话，后面有一节专门讲怎么换上。

`000` 把这件事说得很清楚：噪声是输入，图片是目标；只归一化图片，不归一化噪声。它的代码里有一行问“`noop` 是什么”。答案是：一个把输入原样返回的函数，因为图片就是自己的目标，不需要标签。它还说不留验证集的原因“以后再讲”：训练 G 不需要，但打分需要（第 07 课）。
"""

# %% [markdown] tags=["lang-en"]
r"""
## The data: toy faces and toy rooms

By default this lesson paints faces and bedrooms drawn by code: nothing to download, nobody's portrait, and we know how many kinds there are (96 of faces, 54 of rooms). If you have CelebA or LSUN, a section below shows how to use them.

`000` puts it clearly: noise is the input, a picture the target; pictures are normalised, noise is not. A line of its code asks what `noop` is: a function that gives back what it gets, because a picture is its own target and needs no label. And it promises to explain "later" why there is no validation set: training G needs none, but judging its pictures does (lesson 07).
"""

# %%
faces = {size: data.toy_faces(10_000, size=size, core=True) for size in (16, 32, 64)}
rooms = {size: data.toy_rooms(10_000, size=size, core=True) for size in (16, 32)}
show.gallery({"toy faces": faces[64].images[:12], "toy rooms": rooms[32].images[:12]}, columns=12,
             alt="Gallery of twelve toy faces, with short, long or curly hair or a bun, some with "
                 "glasses, and twelve toy bedrooms with a bed, a window and a lamp")

# %% [markdown] tags=["lang-zh", "predict"]
r"""
## `003` 里值得推敲的几处

`003` 的代码能画出脸，其中有几句话、几行代码值得再想一想。先从最要紧的一处开始。

### 先猜再跑 3：给评论家加 100

让评论家的每个分数都加上 100。真品的分数、赝品的分数、评论家的损失、差距、G 的损失、G 收到的梯度，这六样里哪些会变？
"""

# %% [markdown] tags=["lang-en", "predict"]
r"""
## A second look at `003`

The code of `003` does paint faces; some of its sentences and lines deserve a second look. We begin with the one that matters most.

### Predict, then run 3: add 100 to the critic

Let the critic add 100 to every score. Of these six, which change: the score of real, the score of fakes, the critic's loss, the gap, G's loss, the gradient G receives?
"""

# %%
def readings(critic, real, fake):
    fake = fake.clone().requires_grad_(True)
    on_real, on_fake = critic(real), critic(fake)
    loss = losses.Wasserstein()
    slope, = torch.autograd.grad(loss.generator(on_fake), fake)
    return {"score of real": on_real.mean(), "score of fakes": on_fake.mean(),
            "critic's loss": loss.critic(on_real, on_fake),
            "gap": on_real.mean() - on_fake.mean(),
            "G's loss": loss.generator(on_fake), "G's gradient": slope}


torch.manual_seed(0)
judge = dcgan.critic(16, features=8).double()
real, fake = faces[16][:64].signed().double(), torch.rand(64, 3, 16, 16).double() * 2 - 1
before = readings(judge, real, fake)
after = readings(lambda pictures: judge(pictures) + 100, real, fake)
for name in before:
    print(f"{name:15s} changes: {not torch.allclose(before[name], after[name])}")

# %% [markdown] tags=["lang-zh", "predict"]
r"""
会变的是三个**不作差**的数：真品的分数、赝品的分数、G 的损失；凡是作差的，常数都抵消了。学习只看梯度，而梯度一点没变。所以单独一个分数没有意义，**只有差距**有意义。同样，评论家的分数不是概率，“假图 0 分、真图 1 分”（`000` 的说法）对 WGAN 不成立。

### 先猜再跑 4：读 `003` 的日志

`003` 说，假设 D 的眼力跟得上 G，那么要看 GAN 的本事，看 `fake_loss` 就够了，越小越真（它的符号和我们相反：它把 `real_loss - fake_loss` 变小）。这是它用全部数据训练时的五行日志。从第 4 行到第 5 行，`fake_loss` 从 0.419 降到 -0.036。差距 `fake_loss - real_loss` 呢？

- A. 也降了这么多。
- B. 几乎没有变化。
- C. 大了一倍。
"""

# %% [markdown] tags=["lang-en", "predict"]
r"""
What changes are the three numbers that **stand alone**: the score of real, the score of fakes, G's loss; in a difference the constant cancels. Learning looks only at gradients, and these stay the same. So a single score means nothing; **only the gap** does. Nor is a score a probability: "0 for fake, 1 for real", as `000` has it, is not true of WGAN.

### Predict, then run 4: read the log of `003`

`003` says that, assuming D keeps up with G, it is enough to look at `fake_loss` to judge a GAN: the smaller, the more real. (Its sign is the opposite of ours: it makes `real_loss - fake_loss` small.) Here are five lines of its log, from the run on all the data. From line 4 to line 5, `fake_loss` falls from 0.419 to -0.036. And the gap, `fake_loss - real_loss`?

- A. It falls as much.
- B. It hardly changes.
- C. It doubles.
"""

# %%
published = json.loads(Path("published_logs.json").read_text(encoding="utf-8"))
log_003, log_000 = published["003, all"], published["000"]
fake_loss = torch.tensor(log_003["fake_loss"])
gap_003 = fake_loss - torch.tensor(log_003["real_loss"])
for number, (score, gap) in enumerate(zip(fake_loss.tolist(), gap_003.tolist()), start=1):
    print(f"line {number}: fake_loss {score:6.3f}   gap {gap:.3f}")

gap_000 = -torch.tensor(log_000["disc_loss"])
figure, axes = plt.subplots(1, 2, figsize=(8, 2.8), layout="constrained")  # each has its own unit
axes[0].plot(range(1, 6), fake_loss, "o--", color=show.BLUE, label="fake_loss")
axes[0].plot(range(1, 6), gap_003, "s-", color=show.ORANGE, label="gap")
axes[0].set(title="003", xlabel="line of the log", ylabel="published value", xticks=range(1, 6))
axes[0].legend()
axes[1].plot(log_000["epoch"], gap_000, color=show.ORANGE)
axes[1].set(title="000", xlabel="epoch", ylabel="gap")
show.show(figure, "Published logs, each on its own axes: on the left fake_loss of source 003 falls, "
                  "jumps up and falls again while its gap falls and then levels off; on the right "
                  "the gap of source 000 falls for thirty epochs, almost without a break")

# %% [markdown] tags=["lang-zh"]
r"""
答案是 **B**。`fake_loss` 降了 0.455，可是 `real_loss` 也降了 0.467，差距从 0.435 到 0.448，几乎没动：所有的分数一起往下平移了。所以 `fake_loss` 的这一降说明不了进步；究竟进步了没有，这份日志也断定不了，因为每行只是最后一批的数，评论家跟没跟上也不知道。再看 `000` 的 30 轮，它的 `disc_loss` 变号之后就是差距，从 1.086 一路降到 0.254：**这**才是值得看的曲线。两张图各有各的单位，高低不能互相比。（以后我们数 G 的步数，不数轮：`003` 用 10% 的数据试跑，写的是 4 轮，印出来 5 行。）

其余几处，多数配一个小实验：
"""

# %% [markdown] tags=["lang-en"]
r"""
The answer is **B**. `fake_loss` fell by 0.455, but `real_loss` fell by 0.467, and the gap went from 0.435 to 0.448, next to nothing: all scores slid down together. So this fall of `fake_loss` is no sign of progress. Whether there was any, this log cannot decide: each line is that of the last batch alone, and nobody knows whether the critic has kept up. Now look at the 30 epochs of `000`. Its `disc_loss`, with the sign changed, is the gap, and it falls all the way from 1.086 to 0.254: **that** is the curve to watch. Each figure has its own unit; do not compare their heights. (From here on we count G's steps, not epochs: the trial of `003` on 10 % of the data is called with 4 epochs and prints 5 lines.)

Now the other points, most of them with a small experiment:
"""

# %%
# The sign is a convention: a critic turned upside down has the same gap, upside down
flipped = readings(lambda pictures: -judge(pictures), real, fake)
print("turned upside down, the gap only changes its sign:",
      torch.allclose(flipped["gap"], -before["gap"]))

# Convolution -> ReLU -> BatchNorm (003) or convolution -> BatchNorm -> ReLU (DCGAN)?
for make in (dcgan.source_003, dcgan.pair):
    torch.manual_seed(0)
    network, _ = make(16, features=8)
    order = " -> ".join(type(layer).__name__ for layer in network[2])
    into_the_next = network[:3](torch.randn(64, 100))
    print(f"{make.__name__}: {order}; the next layer gets negative values:",
          bool((into_the_next < 0).any()))

# Clipping all parameters clips BatchNorm's scale, too; here the scales alone are clipped
torch.manual_seed(0)
_, clipped = dcgan.source_003(32, features=16)
noise, black = torch.rand(64, 3, 32, 32) * 2 - 1, torch.zeros(64, 3, 32, 32)
difference = [float((clipped(noise).mean() - clipped(black).mean()).detach().abs())]
for layer in clipped.modules():
    if isinstance(layer, nn.BatchNorm2d):
        penalties.clip_weights(layer, 0.01)
difference.append(float((clipped(noise).mean() - clipped(black).mean()).detach().abs()))
print("with scales of 0.01, noise and black differ 100 times less in score:",
      difference[1] < difference[0] / 100)

# %% [markdown] tags=["lang-zh"]
r"""
- **符号**是约定。读别人的日志之前，先弄清它把哪一边变大。
- **次序**：`003` 先 ReLU 再批归一化，下一层收到的数有正有负；DCGAN 和 WGAN 作者的代码是先批归一化再 ReLU。两种都能训练，但要说清楚用的是哪一种。另外，`003` 的 `DeconvBlock` 有个 `bn` 参数，却从不照办（第 03 课的练习）。
- **批归一化的缩放也被裁了**：$\gamma$ 本来在 1 左右，被压到 0.01，分数的差别一下子缩小到不足百分之一。作者的代码也是这样做的。按理说，应当不裁 $\gamma$，或者干脆不在评论家里用批归一化；今日故障会看一看，在裁剪之下两个网络都去掉它会发生什么。
"""

# %% [markdown] tags=["lang-en"]
r"""
- **The sign** is a convention. Before reading somebody's log, find out which side it makes large.
- **The order**: in `003` ReLU comes before batch normalisation, and the next layer gets numbers of both signs; DCGAN and the code of WGAN's authors normalise first. Both train, but say which one you use. Besides, the `DeconvBlock` of `003` has an argument `bn` that it never heeds (an exercise of lesson 03).
- **The scale of batch normalisation is clipped, too**: $\gamma$ starts at about 1 and is pressed down to 0.01, and differences of scores shrink more than a hundredfold at once. The authors' code does the same. In principle one would spare $\gamma$, or have no batch normalisation in the critic; the failure of the day shows what happens under clipping when neither network has any.
"""

# %%
# Clipping before the step, as 003 does: what critic does G meet?
torch.manual_seed(0)
painter, judge = dcgan.pair(16, latent=8, features=8)
rule = rmsprop(judge)
penalties.clip_weights(judge, 0.01)  # 003 clips here ...
critic_step(judge, painter, rule, losses.Wasserstein(), faces[16][:64].signed(),
            torch.randn(64, 8))
weights = torch.cat([p.detach().flatten() for p in judge.parameters()])
print("clipped before the step, more than a fifth of the weights is outside when G plays:",
      float((weights.abs() > 0.01).float().mean()) > 0.2)

# The mean inside forward(): one number for the whole batch
plain = dcgan.critic(16, features=8, norm="none").double()
pictures = faces[16][:64].signed().double().requires_grad_(True)
each, = torch.autograd.grad(plain(pictures).sum(), pictures)
averaged, = torch.autograd.grad(plain(pictures).mean(), pictures)
print(f"averaged inside, a picture's gradient is {float(each.norm() / averaged.norm()):.0f} times "
      "too small for a penalty")

# The tail of an epoch: G moves although the critic has not had its five steps
for batches in (256, 2533):
    rounds, left = divmod(batches, 5)
    print(f"{batches} batches: {rounds} rounds of 5, and G's last step comes after only {left}")

# A side that is a multiple of 16 is not enough
try:
    dcgan.generator(48)
except ValueError as refused:
    print(str(refused).splitlines()[-1])

# %% [markdown] tags=["lang-zh"]
r"""
- **裁剪的位置**：WGAN 论文的算法 1 在每次更新之后裁剪；`003` 在更新之前裁，于是 G 遇到的评论家总有一部分权重在盒子外面。
- **在 `forward` 里求平均**：每张图的分数没了，梯度惩罚看到的单张图的梯度就小了 64 倍。网络应当给出 `(B,)`，平均留给损失去做。
- **一轮的尾巴**：每轮末尾剩下的批不足 5 个，G 照样走一步；G 那一步还用了全局的批大小，而不是手上这一批的。我们的 `batches` 没有尽头，每一批都是满的。
- **边长**：`003` 只检查能否被 16 整除，48 通过检查之后，循环永远不停。这里的网络要求 2 的幂。
- **写法**：`F.tanh`、`.data`、`V()`、`set_trainable` 是旧写法；今天写 `torch.tanh`、`torch.no_grad()`，再冻结参数（`train.frozen`）。
- **指标**：`003` 开玩笑说 GAN 是“不用看metric指标的模型”。其实有不少东西可量，下面就来量。
"""

# %% [markdown] tags=["lang-en"]
r"""
- **Where to clip**: algorithm 1 of the WGAN paper clips after each update; `003` clips before it, so that G always meets a critic with part of its weights outside the box.
- **The mean in `forward`**: the score of each picture is gone, and the gradient that a penalty on single pictures sees is 64 times too small. A network should return `(B,)` and leave the mean to the loss.
- **The tail of an epoch**: fewer than 5 batches are left, and G moves all the same; its step also takes the global batch size and not that of the batch at hand. Our `batches` never end, and all are full.
- **The side**: `003` checks only that it is a multiple of 16; 48 passes, and its loop never ends. The networks here want a power of 2.
- **Style**: `F.tanh`, `.data`, `V()` and `set_trainable` are the old way; today one writes `torch.tanh`, `torch.no_grad()` and freezes parameters (`train.frozen`).
- **Metrics**: `003` jokes that GANs are "models that need no metric". There is a good deal to measure, and we measure it now.
"""

# %% [markdown] tags=["lang-zh"]
r"""
## 先小后大：16x16

`000` 说“先用小图，再逐步放大”，却没有做下去；这里真的做。第一站是 16x16，用论文的 5 比 1：评论家走五步，G 走一步。评论家要尽量接近最好的 $f$，差距才有意义，所以 WGAN 作者的代码里，G 的前 25 步每一步之前，以后每隔 500 步，评论家都要先连走 100 步（我们的开关叫 `warm_up=True`）。这里从简：开局之前让评论家先走 100 步。和第 01 课不同，评论家练得多在这里**是好事**：它的分数不会饱和，G 的梯度不会因为它练得好就消失。

边训练边记两样东西：评论家的差距，以及样本到真图的弗雷歇距离。距离用本课自己的小分类器的特征来算（只能和本课的数相比），16x16 的图先放大一倍再给它看。
"""

# %% [markdown] tags=["lang-en"]
r"""
## Small first: 16x16

`000` says "begin small and resize gradually", and then never does; here it happens. The first stop is 16x16, with the paper's 5 to 1: five steps of the critic, one of G. The gap means something only while the critic is close to the best $f$; so the code of WGAN's authors also lets it take 100 steps in a row before each of G's first 25 steps and before every 500th later on (our switch is `warm_up=True`). Here we keep it short: the critic takes 100 steps before the game starts. Unlike in lesson 01, a well-trained critic is **good** here: its scores do not saturate, so G's gradient does not fade as the critic improves.

While training, we note two things: the critic's gap, and the Fréchet distance of samples from real pictures. The distance uses the features of the course's own small classifier (compare it only with numbers of this lesson), which gets to see the 16x16 pictures at twice their size.
"""

# %%
reader = measure.factor_reader(faces[16])  # trained here, once; kept in the cache
print("the classifier is right on 99 % of every factor:", bool(reader.accuracy.min() >= 0.99))

# %%
def enlarged(images):
    return images.repeat_interleave(2, 2).repeat_interleave(2, 3)


real_features = reader.features(enlarged(faces[16].images[:2000]))
steps_16 = runtime.at_scale(smoke=20, default=300, full=20_000)
every = steps_16 // 12
seen = {"step": [], "gap": [], "distance": []}


def look(game):
    recent = game.history[-every:]
    made = reader.features(enlarged(game.sample(1000)))
    seen["step"].append(game.step)
    seen["gap"].append(float((recent[:, 2] - recent[:, 3]).mean()))
    seen["distance"].append(measure.frechet_distance(made, real_features))


small = recipes.wgan(16, features=32, latent=64, lr=5e-4)
head_start(small, faces[16], 100)
fit(small, faces[16], steps_16, watch=look, watch_every=every, snapshot_every=steps_16 // 5)
show.filmstrip(small.snapshots, pictures=6,
               alt="Filmstrip at 16x16: rows of six pictures from the same noise, from grey "
                   "noise to small, coarse faces with dark hair on patches of pink and green")

# %%
def relative(values):
    return torch.tensor(values) / max(values)


show.lines({"gap": (torch.tensor(seen["step"]), relative(seen["gap"])),
            "distance of the pictures": (torch.tensor(seen["step"]), relative(seen["distance"]))},
           xlabel="step of G", ylabel="share of the largest value",
           alt="Two curves over training: the critic's gap and the distance of the samples from "
               "real pictures both fall")


def rank_correlation(a, b):
    """Spearman's: the correlation of the two orders, 1 when both put the looks in one order."""
    ranks = [torch.tensor(values).argsort().argsort().double() for values in (a, b)]
    return float(torch.corrcoef(torch.stack(ranks))[0, 1])


if runtime.scale() != "smoke":
    rho = rank_correlation(seen["gap"], seen["distance"])
    print("the gap falls as the pictures get better (rank correlation above 0.5):", rho > 0.5)

# %% [markdown] tags=["lang-zh"]
r"""
两条线一起下降：差距小了，图也真的像了。换五个种子，秩相关都在 0.5 以上（`studies/lesson04.py`）。不过，训练中凡是一路下降的两个量，秩相关都会很高，所以这只是吻合，不是证明；更严的检验是看差距停下来的时候，图是不是也不再变好，这里没有做。评论家可以当一个指标用，只是**要看差距，只能在同一次训练里比，而且评论家要跟得上**。它的单位由裁剪决定，不能和别人的数相比，也说不出漏了哪种脸；那些仍要另外去量。

## 再大：32x32，带着学会的

边长加倍时，两个网络各在靠近图片的一头多出一层，更里面的几层早已学会了。`dcgan.carry_over` 把名字和形状都相同的部分（`parts_that_fit` 找出它们）抄过去：边长加倍、`features` 减半，里面的层正好对得上。靠近图片的两层要从头学：一层是新添的，原来最外面的那层形状变了。
"""

# %% [markdown] tags=["lang-en"]
r"""
Both lines fall together: the gap is smaller, and the pictures really are closer. With five seeds the rank correlation is above 0.5 each time (`studies/lesson04.py`). Still, any two quantities that fall throughout a training have a high rank correlation, so this agrees with the idea but does not prove it; a stricter test, not made here, would be to see whether the pictures stop improving when the gap stops falling. The critic can serve as a metric, provided that you **read the gap, compare within one run only, and let the critic keep up**. Its unit comes from the clipping, it cannot be compared with other people's numbers, and it does not say which faces are missing; that still has to be measured.

## Larger: 32x32, with what was learned

When the side doubles, each network gets one more layer at the end where the picture is; the layers further inside are trained already. `dcgan.carry_over` copies the parts that have the same name and the same shapes (`parts_that_fit` finds them): with the side doubled and `features` halved, the inner layers fit exactly. The two layers next to the picture have to learn from scratch: one is added, and the one that used to be outermost has new shapes.
"""

# %%
print(inspect.getsource(dcgan.carry_over))


def grown(small, size, **settings):
    """Return a game for pictures of the next size, whose inner layers are those of `small`."""
    features = small.critic[0][0].out_channels // 2
    large = recipes.wgan(size, features=features, latent=small.latent, **settings)
    for ours, theirs in ((small.generator, large.generator), (small.critic, large.critic)):
        print(size, "takes over", dcgan.carry_over(ours, theirs))
    return large


steps_32 = runtime.at_scale(smoke=20, default=1600, full=50_000)
faster = {"lr": 5e-4, "n_critic": 2, "ema": 0.99}
large = grown(small, 32, decay=steps_32, **faster)
view = lab.TrainingView()
fit(large, faces[32], steps_32, snapshot_every=steps_32 // 5, watch=view,
    watch_every=max(1, steps_32 // 32), progress=False)
show.filmstrip(large.snapshots, pictures=4,
               alt="Filmstrip at 32x32: the first row, before any training at this size, is flat "
                   "grey; below, faces with hair, eyes, mouths and striped shirts appear")

# %% [markdown] tags=["lang-zh"]
r"""
上面的训练视图在训练时就在动：同一组噪声画出的图、损失和差距、速度、还剩多久。练完可以拖动滑块回放。按笔记本的 ■ 会在这一步之后停下，再运行一次 `fit` 就接着走。

`n_critic` 从 5 减到 2，为的是省时间：评论家里面几层已经训练过，我们指望 2 步也跟得上，但没有和 5 步比较过。`decay` 让学习率逐渐变小，收尾更稳。

再加一倍到 64x64，只训练一小会儿，看看继承来的权重有什么用：
"""

# %% [markdown] tags=["lang-en"]
r"""
The training view above moves while the network trains: what the same noise becomes, losses and gap, speed and time left. Afterwards a slider replays the run. The notebook's ■ stops it after the current step, and another `fit` goes on from there.

`n_critic` goes from 5 down to 2 to save time: the critic's inner layers are trained already, and we trust that 2 steps let it keep up; they have not been compared with 5. `decay` lets the learning rate fade, for a steadier end.

Double once more, to 64x64, and train only briefly, to see what the inheritance is worth:
"""

# %%
steps_64 = runtime.at_scale(smoke=10, default=300, full=100_000)
brief = {**faster, "lr": 1e-3, "decay": steps_64}  # so few steps have to be longer
largest = grown(large, 64, **brief)
from_scratch = recipes.wgan(64, features=8, latent=64, **brief)
for game in (largest, from_scratch):
    fit(game, faces[64], steps_64)
made = {"32x32": large.sample(200, ema=True),
        f"64x64, {steps_64} steps, inner layers carried over": largest.sample(200, ema=True),
        f"64x64, {steps_64} steps, from scratch": from_scratch.sample(200, ema=True)}
show.gallery({name: pictures[:4] for name, pictures in made.items()}, columns=4, scale=2,
             alt="Three rows painted from the same four z: faces at 32x32; at 64x64 with inner layers "
                 "carried over, bluish grey smudges in the shape of a head, roughly with the hair "
                 "of the face above; from scratch, pale smudges of other heads")


def recognised(pictures):
    """Return how many of 200 pictures are closest to the 32x32 face that has the same z."""
    heads = [data.to_signed(p).double() for p in (pictures, made["32x32"])]
    heads = [torch.nn.functional.adaptive_avg_pool2d(head, 8).flatten(1) for head in heads]
    heads = [(head - head.mean(0)) for head in heads]
    return int((torch.corrcoef(torch.cat(heads))[:200, 200:].argmax(1) == torch.arange(200)).sum())


matches = [recognised(pictures) for pictures in list(made.values())[1:]]
if runtime.scale() != "smoke":
    print("carried over, faces are recognised by their z ten times as often as by chance:",
          matches[0] >= 10)
    print("from scratch, they are:", matches[1] >= 10)

# %% tags=["nbval-ignore-output"]
reader = measure.factor_reader(faces[64])
known = reader.features(faces[64].images[:2000])
for name, game in (("carried over", largest), ("from scratch", from_scratch)):
    fakes = reader.features(game.sample(1000, ema=True))
    print(f"{name}: Frechet distance to real faces {measure.frechet_distance(fakes, known):.0f}")
unseen = reader.features(data.toy_faces(1000, size=64, seed=5, core=True).images)
print(f"floor, other real faces: {measure.frechet_distance(unseen, known):.0f}")

# %% [markdown] tags=["lang-zh"]
r"""
同一列用的是同一个 $z$。继承了里层的网络，从一开始就知道这个 $z$ 该是（比如）什么发型，要学的只是把它画出来；从头训练的网络，连这个 $z$ 指的是谁都得重新决定。`recognised` 把图缩到 8x8，看 200 张里有几张最像自己那张 32x32 的脸：瞎猜平均猜中 1 张。认得出来，本来就是继承的结果；更公平的一问是：走了同样多的步，谁离真脸更近？弗雷歇距离回答它，用的是小分类器的特征，各 1,000 个样本，越小越近，最后一行是下限。存下的这一次，继承的反而落后：它离真脸 7840，从头训练的 6160，远了 27%；两者离下限都还很远，画出的都只是一团灰影。所以在这样小的网络、这样短的训练里，继承带来的只是“认得这个 $z$”，画质上没有好处。论文里的逐步放大还有一步我们没有做：新的层是慢慢掺进来的（[Karras 等，2018](https://arxiv.org/abs/1710.10196)），而且图大、训练长。

## 卧室

同样的两站，这次照 `000` 的办法：不用 RMSprop，用没有惯性的 `Adam(betas=(0, 0.99))`。WGAN 的论文说带惯性的 Adam 会让训练不稳，第 02 课也见过 0.9 的坏处；`000` 把它设为 0，正好避开。
"""

# %% [markdown] tags=["lang-en"]
r"""
Each column has one $z$. The network that took its inner layers along knows from the start what hair, for instance, this $z$ stands for, and has to learn to paint it; the one from scratch has to decide anew who this $z$ is. `recognised` shrinks the pictures to 8x8 and counts how many of 200 are most like their own face at 32x32: by chance it would be 1. That they are recognised follows from the inheritance; a fairer question is who is closer to real faces after as many steps. The Fréchet distance answers it, in the features of the small classifier, with 1,000 samples each: the smaller, the closer; the last line is the floor. In the run stored here the one that inherited is behind: it is 7840 from real faces, the one from scratch 6160, so it is 27 % further away; both are still far from the floor, and paint no more than grey smudges. With networks so small and a training so short the inheritance thus brings the knowledge of who this $z$ is and nothing in quality. Growing as in the paper has one more ingredient that we leave out, new layers are faded in slowly ([Karras et al. 2018](https://arxiv.org/abs/1710.10196)), and its pictures are large and its trainings long.

## Bedrooms

The same two stops, this time the way of `000`: not RMSprop but Adam without momentum, `Adam(betas=(0, 0.99))`. The WGAN paper says that Adam with momentum makes training unstable, and lesson 02 showed what 0.9 can do; `000` sets it to 0 and avoids just that.
"""

# %%
rooms_16 = runtime.at_scale(smoke=10, default=250, full=20_000)
rooms_32 = runtime.at_scale(smoke=10, default=550, full=50_000)
adam_000 = {**faster, "optimizer": None, "betas": (0.0, 0.99)}
small_rooms = recipes.wgan(16, features=32, latent=64, **adam_000)
fit(small_rooms, rooms[16], rooms_16)
large_rooms = grown(small_rooms, 32, decay=rooms_32, **adam_000)
fit(large_rooms, rooms[32], rooms_32)
print("rooms painted:", tuple(large_rooms.sample(4).shape))

# %% [markdown] tags=["lang-zh"]
r"""
## 成绩单

左看右看，不如数一数。`measure.factor_coverage` 让小分类器读出每张脸的肤色、发型、眼镜、嘴和背景，再数 96 种组合各有多少。协议：2,000 个样本；每一项都有九成把握、而且没有读出数据里不存在的值（这种样本的比例是 `outside`）的才算数；反向 KL 衡量分布离均匀有多远，旁边的下限是同样多的完美样本也会有的数值，多少以算数的为准。报告里的 `sure` 是分类器有把握的比例，有把握不等于画对了；算数的比例是 `sure` 减去 `outside`。
"""

# %% [markdown] tags=["lang-en"]
r"""
## The report card

Counting beats staring. `measure.factor_coverage` lets the small classifier read skin, hair style, glasses, mouth and background of every face and counts the 96 combinations. The protocol: 2,000 samples; one counts only if the classifier is nine-tenths sure of every factor and reads no value that the data never have (the share of those is `outside`); the reverse KL says how far the shares are from even, and the floor beside it is what perfect samples would get, as many as were counted. The report's `sure` is the share of which the classifier is sure, right or wrong; the share that counts is `sure` minus `outside`.
"""

# %%
painted = large.sample(2000, ema=True)
show.gallery({"toy faces": faces[32].images[:8], "WGAN": painted[:8],
              "toy rooms": rooms[32].images[:8],
              "WGAN, rooms": large_rooms.sample(8, ema=True)}, columns=8,
             alt="Final gallery: a row of toy faces above a row of painted faces with hair, some "
                 "glasses and striped shirts, many of them smeared; a row of toy rooms above a row "
                 "of painted rooms with plain beds and vague windows, pictures, lamps")

# %% tags=["nbval-ignore-output"]
report = measure.factor_coverage(painted, faces[32])
print(report)
print("real faces:")
print(measure.factor_coverage(data.toy_faces(2000, size=32, seed=5, core=True).images, faces[32]))

# %%
if runtime.scale() != "smoke":
    print("at least half of the 96 combinations are there:", report.seen >= 48)
    print("no factor has lost a value:",
          all(min(shares.values()) > 0.02 for shares in report.shares.values()))
    print("still further from even than real faces are:", report.reverse_kl > 2 * report.floor)

# %% [markdown] tags=["lang-zh"]
r"""
看得出是脸和卧室：头发、有的眼镜、条纹衫，还有床；可是背景上满是噪点，五官常常糊成一团，窗户和灯只有个影子。存下的这一次，分类器有把握的占全部样本的 41.0%，有把握、画的却是数据里没有的脸的占全部的 26.1%，算数的只有 14.9%，也就是 2,000 张里的 298 张。这 298 张里大多数组合都出现了，但分布还不匀，反向 KL 离下限很远；肤色也偏了，原本各占三分之一的三种，成了 50%、18% 和 31%。这是裁剪加上几分钟的 CPU 时间换来的；更好的办法见第 06 课。
"""

# %% [markdown] tags=["lang-en"]
r"""
One can see that these are faces and rooms: hair, some glasses, striped shirts, and a bed; but the backgrounds are full of noise, features often run together, and windows and lamps are mere shadows. In the run stored here the classifier is sure of 41.0 % of all samples, but 26.1 % of all are such and show faces that the data never have, so only 14.9 % count, that is 298 of 2,000. Among these 298 most combinations occur, but their shares are uneven and the reverse KL is far from its floor; skin, too, is skewed: three kinds that should have a third each have 50 %, 18 % and 31 %. That is what clipping and a few minutes of CPU buy; lesson 06 shows what does better.
"""

# %% [markdown] tags=["lang-zh", "failure-of-the-day"]
r"""
## 今日故障：被压扁的评论家

前面说，按理不该在裁剪的评论家里用批归一化。那就把它去掉，只改 `norm` 这一个参数，在 16x16 上各训练 150 步。注意：`recipes.wgan` 把 `norm` 交给**两个**网络，所以 G 的批归一化也一起没有了：
"""

# %% [markdown] tags=["lang-en", "failure-of-the-day"]
r"""
## The failure of the day: a critic pressed flat

In principle, we said, a clipped critic should have no batch normalisation. So take it out, change nothing but `norm`, and train 150 steps at 16x16. Note that `recipes.wgan` hands `norm` to **both** networks, so G loses its batch normalisation as well:
"""

# %%
def at_the_edge(critic, limit=0.01):
    weights = torch.cat([p.detach().flatten() for p in critic.parameters()])
    return float((weights.abs() > 0.99 * limit).float().mean())


flat = {norm: fit(recipes.wgan(16, features=16, latent=64, lr=5e-4, norm=norm), faces[16],
                  runtime.at_scale(smoke=10, default=150, full=150)) for norm in ("none", "batch")}
show.gallery({f'norm="{norm}"': game.sample(16) for norm, game in flat.items()}, columns=16,
             alt="Two rows of sixteen pictures at 16x16: without BatchNorm a few kinds of blurred "
                 "grey frames again and again; with BatchNorm small faces that differ")
if runtime.scale() != "smoke":
    edge = {norm: at_the_edge(game.critic) for norm, game in flat.items()}
    varied = {norm: float(game.sample(200).float().std(0).mean()) for norm, game in flat.items()}
    normal = float(faces[16].images[:200].float().std(0).mean())
    print("without BatchNorm more than half of the weights lie at the edge of the box:",
          edge["none"] > 0.5)
    print("with it, fewer than half:", edge["batch"] < 0.5)
    print("without it the pictures vary less than half as much as real ones:",
          varied["none"] < 0.5 * normal)
    print("with it they vary more than that:", varied["batch"] > 0.5 * normal)

# %% [markdown] tags=["lang-zh", "failure-of-the-day"]
r"""
两件事要分开看。权重贴边是评论家自己的事：它想要更大的差距，最省事的办法就是把权重推到盒子边上，变成 $+c$ 或 $-c$；一个多半由 $+c$ 和 $-c$ 组成的评论家会很简单，就像前面那条没有起伏的山谷。至于 G 的图为什么都差不多，这个实验**断定不了**：也许是讨好这样的评论家太容易，也许是 G 自己没有了批归一化，训练之前，它对不同的 $z$ 画出的图就已经比有批归一化时相近 44 倍。要分清，得让两个网络各带各的 `norm`，四种搭配都试。WGAN 的论文试过去掉**生成器**的批归一化，评论家的留着，照样训练成功。换掉裁剪的办法，梯度惩罚，在第 06 课。
"""

# %% [markdown] tags=["lang-en", "failure-of-the-day"]
r"""
Keep two things apart. The weights at the edge are the critic's own: wanting a larger gap it has an easy way, to push weights to the edge of the box, to $+c$ or $-c$; and a critic that is mostly $+c$ and $-c$ is a simple one, like the smooth valley in the figure above. Why G's pictures are all alike this experiment **cannot decide**: perhaps such a critic is too easy to please, perhaps it is that G has no batch normalisation either, for before any training its pictures of different $z$ are already 44 times as alike as with it. To tell, one would give each network its own `norm` and try all four combinations. The WGAN paper took batch normalisation out of the **generator** and kept it in the critic, and training still worked. The way to replace clipping, the gradient penalty, is in lesson 06.
"""

# %% [markdown] tags=["lang-zh"]
r"""
## 换上照片：CelebA 和 LSUN

把 `GAN_LESSONS_DATA` 设为数据所在的文件夹（`python -m gan_lessons data list` 会说怎样得到），下面这一格就会用照片；没有照片，它用玩具图走一遍同样的流程。`003` 的工作方式值得学：先用 10% 的图片快速跑通，再换上全部。它为此写了一个 `files.csv`，每行是 `name,0`（文件名，再加一个谁也不用的标签 0）。`files=` 做的是同一件事：有这个文件就照它取图，没有就按 `subset` 选取并写下来。
"""

# %% [markdown] tags=["lang-en"]
r"""
## Photographs: CelebA and LSUN

Set `GAN_LESSONS_DATA` to the folder with your data (`python -m gan_lessons data list` says how to get them), and the next cell uses photographs; without any, it goes through the same motions with toys. The way `003` works is worth copying: first 10 % of the pictures for a quick trial, then all of them. For that it writes a `files.csv` with lines `name,0`: a file name, and 0 for a label that nobody uses. `files=` does the same: if the file exists the pictures it names are taken, if not it is written with those that `subset` chose.
"""

# %% tags=["nbval-ignore-output"]
def photographs(find, toys, **how):
    """Return the photographs below GAN_LESSONS_DATA, or toys where there are none."""
    try:
        return find(**how)
    except FileNotFoundError:
        return toys


size = runtime.at_scale(smoke=16, default=16, full=64)
tenth = {"subset": 0.1, "size": size}  # then subset=1.0, or files="files.csv" to keep a list
sets = {"faces": photographs(data.celeba, faces[16], **tenth),
        "bedrooms": photographs(data.lsun_bedrooms, rooms[16], **tenth)}
for name, pictures in sets.items():
    trial = recipes.wgan(size, features=runtime.at_scale(smoke=4, default=16, full=64), lr=5e-4,
                         n_critic=2)
    fit(trial, pictures, runtime.at_scale(smoke=5, default=20, full=10_000))
    print(f"{name}: {pictures.name}, {len(pictures):,} pictures, {trial.step} steps, all finite:",
          bool(torch.isfinite(trial.history).all()))

# %% [markdown] tags=["lang-zh"]
r"""
照片要训练很久：`003` 在显卡上用 64x64 的全部 CelebA 训练了约 36 分钟，`000` 用 LSUN 卧室训练了近 2 小时。这样的长训练放在命令行里，可以随时停下，再接着走：

```bash
python -m gan_lessons train wgan --data celeba --subset 0.1 --size 64 --steps 5000 --out runs/tenth
python -m gan_lessons train wgan --data celeba --size 64 --steps 50000 --out runs/faces
python -m gan_lessons train --resume --out runs/faces
```

第一行是 10% 的试跑，第二行是全部，第三行从中断的地方接着走。数据不在 `GAN_LESSONS_DATA` 里，就用 `--root` 指明。在笔记本里用 `runs.open` 打开这个文件夹，训练途中也行。下面先训练一个几秒钟的，看看里面有什么。最后一张图是滑动平均的权重画的，60 步太少，它还没有离开起点，所以是一片灰；想看此刻的权重，看上一张：
"""

# %% [markdown] tags=["lang-en"]
r"""
Photographs take long: on a graphics card `003` trained about 36 minutes on all of CelebA at 64x64, `000` nearly 2 hours on LSUN bedrooms. Runs like that belong on the command line, where they can be stopped at any time and go on later:

```bash
python -m gan_lessons train wgan --data celeba --subset 0.1 --size 64 --steps 5000 --out runs/tenth
python -m gan_lessons train wgan --data celeba --size 64 --steps 50000 --out runs/faces
python -m gan_lessons train --resume --out runs/faces
```

The first line is the trial on 10 %, the second takes all, the third goes on where a run stopped. If the data are not in `GAN_LESSONS_DATA`, say where with `--root`. In a notebook `runs.open` opens that folder, even while the run goes on. Here is one of a few seconds, to see what is inside. The last figure is painted with averaged weights; 60 steps are too few for the average to leave its starting point, hence the grey. What the present weights paint is in the figure before it:
"""

# %% tags=["nbval-ignore-output"]
with tempfile.TemporaryDirectory() as folder:
    settings = runs.Settings("wgan", "toy-faces-core", size=16, features=16, drawn=2000, lr=5e-4)
    runs.train(settings, Path(folder) / "tiny", steps=60, sample_every=12, quiet=True)
    tiny = runs.open(Path(folder) / "tiny")
    print(sorted(path.name for path in tiny.folder.iterdir()))
    tiny.show()

# %% [markdown] tags=["lang-zh"]
r"""
## 人脸数据：先问四个问题

玩具脸不是任何人。换成照片，就有了别人。CelebA 的数据卡（`data.celeba(...).card()`）和它的[主页](http://mmlab.ie.cuhk.edu.hk/projects/CelebA.html)写得很明白，请在训练之前读一遍，并做下面几件事：

| 问题 | 事实 | 要做的事 |
|---|---|---|
| 他们同意了吗？ | 202,599 张照片收集自互联网，事先没有问过任何人 | 不公开照片，也不用它们辨认任何人；想用自己的照片，先征得拍到的每个人同意 |
| 允许怎样用？ | 只准非商业研究，不得复制、发布、分发任何部分 | 图片留在自己的电脑里；分享笔记本之前清掉带照片的输出 |
| 它像谁？ | 欧美名人、浅肤色、年轻人偏多；“有魅力”这类标签是标注者的看法 | 报告样本里各类人占多大比例；不要说模型画的是“普通人” |
| 会伤害谁？ | 假脸可以用来冒充、欺骗和羞辱人（深度伪造） | 生成的脸标明是生成的；不做某个真人的脸 |

试一试：`measure.factor_coverage` 的报告里有肤色一行。让训练集里只留一成的深肤色，重新训练，看看 G 是忠实地照抄这个比例，还是把它变得更偏。LSUN 拍的是别人的家，许可也没有写明，同样只用来学习。
"""

# %% [markdown] tags=["lang-en"]
r"""
## Pictures of faces: four questions first

Toy faces are nobody. With photographs there is somebody. CelebA's data card (`data.celeba(...).card()`) and its [home page](http://mmlab.ie.cuhk.edu.hk/projects/CelebA.html) are plain about it; read them before you train, and do the following:

| Question | Fact | What to do |
|---|---|---|
| Did they agree? | 202,599 photographs collected from the internet; nobody was asked | do not publish the photographs or identify anyone; for pictures of your own, first ask everybody in them |
| What use is allowed? | non-commercial research only; no part may be copied, published or distributed | keep the pictures on your computer; clear outputs that show them before you share a notebook |
| Whom does it look like? | mostly Western celebrities, light skin, young; labels such as "attractive" are the annotators' opinions | report which people make up what share of the samples; do not claim that the model paints "ordinary people" |
| Whom can it hurt? | fake faces serve to impersonate, deceive and humiliate (deepfakes) | mark generated faces as generated; make no face of a real person |

Try it: the report of `measure.factor_coverage` has a line for skin. Leave only a tenth of dark skin in the training set, train again, and see whether G copies that share faithfully or makes it more lopsided. LSUN shows other people's homes and states no licence: it, too, is for study only.
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
lab.quiz("04")

# %% [markdown] tags=["lang-zh", "recap"]
r"""
## 小结

现在你会：

- 用线性规划和排序两种办法算 $W_1$，并知道为什么它在 JS 散度变平的地方仍有坡度；
- 说出对偶的意思：坡度不超过 1 的评论家，差距最大时正好等于 $W_1$；裁剪只给出一个说不清的上限，在一条线的例子里还让评论家太简单；
- 写 WGAN 的两个损失，在更新**之后**裁剪；
- 读差距，不读单个分数；报分数时附上协议和下限；
- 把学会的层从 16 带到 32，再带到 64。

两篇原文里，这些说法或写法值得推敲：

| 原文 | 说明 | 在哪里看到 |
|---|---|---|
| `003`：D 跟得上时，看 `fake_loss` 就行，越小越真 | 单个分数没有意义，看差距；符号只是约定 | 先猜再跑 3、4 |
| `003`：“不用看metric指标”（一句玩笑） | 差距、弗雷歇距离、组合数，都能量 | 先小后大、成绩单 |
| `003`：卷积、ReLU、批归一化 | DCGAN 是卷积、批归一化、ReLU | 值得推敲的几处 |
| `003`：裁剪全部参数 | 批归一化的缩放也被压到 0.01 | 值得推敲的几处、今日故障 |
| `003`：更新之前裁剪 | 更新之后裁剪，G 才不会遇到盒子外的评论家 | 练习 3 |
| `003`：`forward` 里求平均 | 返回 `(B,)`，平均交给损失 | 值得推敲的几处 |
| `003`：轮的尾巴，全局的批大小 | 数 G 的步数，批没有尽头 | 值得推敲的几处 |
| `003`：边长是 16 的倍数就行 | 要 2 的幂 | 值得推敲的几处 |
| `003`：`bn` 参数、`F.tanh`、`.data` | 参数要照办；写法已过时 | 值得推敲的几处 |
| `000`：G 那一步也奖励认出真图 | G 只因赝品得高分而受奖励，它看不到真图 | 第 05 课：换损失 |
| `000`：真图 1 分、假图 0 分 | WGAN 的分数没有上下限 | 先猜再跑 3 |
| `000`：逐步放大（没有做） | 做了，权重带着走 | 先小后大 |
| `000`：`noop` 和验证集的问题 | 原样返回；打分时需要留出的数据 | 数据 |
"""

# %% [markdown] tags=["lang-en", "recap"]
r"""
## Recap

You can now:

- compute $W_1$ by a linear programme and by sorting, and say why it still has a slope where the JS divergence is flat;
- explain the dual: among critics with no slope above 1, the largest gap is $W_1$; clipping gives some bound that is hard to name, and in the example on a line leaves the critic too simple;
- write WGAN's two losses, and clip **after** the update;
- read the gap and not a single score; report a score with its protocol and its floor;
- carry learned layers from 16 to 32 and on to 64.

These statements and habits of the originals deserve a second look:

| Original | Note | Where you saw it |
|---|---|---|
| `003`: if D keeps up `fake_loss` is enough, smaller is more real | a single score means nothing, read the gap; the sign is a convention | Predict, then run 3, 4 |
| `003`: "no need of a metric" (a joke) | gap, Fréchet distance and combinations can all be measured | small first, report card |
| `003`: convolution, ReLU, batch normalisation | DCGAN has convolution, batch normalisation, ReLU | a second look |
| `003`: clips all parameters | the scale of batch normalisation is pressed to 0.01, too | a second look, failure of the day |
| `003`: clips before the update | clip after it, so that G never meets a critic outside the box | exercise 3 |
| `003`: the mean in `forward` | return `(B,)`, leave the mean to the loss | a second look |
| `003`: tails of epochs, a global batch size | count G's steps; batches never end | a second look |
| `003`: any multiple of 16 as side | it takes a power of 2 | a second look |
| `003`: the `bn` argument, `F.tanh`, `.data` | heed arguments; the style is dated | a second look |
| `000`: G's step, too, rewards recognising real ones | G is rewarded only for high scores of fakes; it sees no real picture | lesson 05: another loss |
| `000`: 1 for real, 0 for fake | WGAN's scores have no upper or lower end | Predict, then run 3 |
| `000`: gradual resizing (not done) | done, with the weights carried over | small first |
| `000`: its questions about `noop` and the validation set | it gives back what it gets; marking needs held-out data | the data |
"""

# %% [markdown] tags=["lang-zh", "going-further"]
r"""
## 延伸

- **放大。** 有显卡就设 `GAN_LESSONS_SCALE=full`，或用上面的命令行练 CelebA 和 LSUN；`recipes.source_003()` 是 `003` 的网络和设置，`warm_up=True` 加上作者的长回合。
- **动手改。** 把 `clip` 换成 0.1 或 0.001，先猜图会怎样；把 `n_critic` 换成 1，看差距还跟不跟着质量走。
- **往前走。** 第 06 课用梯度惩罚和谱归一化代替裁剪；第 07 课讲怎样打分才算公道。
- **论文。** Arjovsky 等，[Wasserstein GAN](https://arxiv.org/abs/1701.07875)；Gulrajani 等，[Improved Training of Wasserstein GANs](https://arxiv.org/abs/1704.00028)，裁剪的毛病和梯度惩罚出自这里；Karras 等，[Progressive Growing of GANs](https://arxiv.org/abs/1710.10196)，把先小后大做到了 1024x1024。`003` 另有一篇讲理论的[《解读 WGAN》](https://alexshuang.github.io/2018/08/24/%E8%A7%A3%E8%AF%BBWasserstein-GAN/)，也值得一读。
"""

# %% [markdown] tags=["lang-en", "going-further"]
r"""
## Going further

- **Scale up.** With a graphics card set `GAN_LESSONS_SCALE=full`, or train on CelebA and LSUN with the commands above; `recipes.source_003()` has the networks and settings of `003`, and `warm_up=True` adds the authors' long turns.
- **Change something.** Set `clip` to 0.1 or 0.001 and guess the pictures first; set `n_critic` to 1 and see whether the gap still follows the quality.
- **Go on.** Lesson 06 replaces clipping by a gradient penalty and by spectral normalisation; lesson 07 is about fair marking.
- **Papers.** Arjovsky et al., [Wasserstein GAN](https://arxiv.org/abs/1701.07875); Gulrajani et al., [Improved Training of Wasserstein GANs](https://arxiv.org/abs/1704.00028), on what is wrong with clipping, and the gradient penalty; Karras et al., [Progressive Growing of GANs](https://arxiv.org/abs/1710.10196), who take small first all the way to 1024x1024. The author of `003` also wrote [a companion on the theory](https://alexshuang.github.io/2018/08/24/%E8%A7%A3%E8%AF%BBWasserstein-GAN/), in Chinese, and worth reading.
"""
