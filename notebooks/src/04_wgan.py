# %% [markdown] tags=["lang-zh", "title"]
r"""
# 04 · WGAN：让损失变成距离

前几课的 D 回答“是真是假”。这一课的 D 回答“还差多远”：它是一位**评论家**（critic），给出的分数没有上下界，真图与假图的平均分之差，是两个分布之间距离的估计。

- **学完你会**：用两种办法算出一维的 Wasserstein 距离；解释为什么评论家的斜率要有上限；写出 WGAN 的损失、权重裁剪和**梯度惩罚**（WGAN-GP）；读懂评论家的差距，知道它说明什么、不说明什么；用 $2 \times 2$ 的对照实验找出一次失败出在哪个网络。
- **需要准备**：第 01 课的 JS 散度，学过第 02 课；卷积、批归一化和读图网络见第 03 课，没学过也能读，典型失败案例那一节除外。
- **用时**：只读一种语言，约 160 分钟，其中阅读 75 分钟，预测、练习和小测验 60 分钟，开放题 25 分钟；可以分两次学完。全部运行一遍约 4 分钟（两个 CPU 核心，不需要显卡，也不必联网）。
- **致谢**：本课的主干来自 alexshuang 的[《用 Pytorch 实现 WGAN》](https://github.com/alexshuang/wgan-pytorch)，他把论文和论文作者的代码整理成一篇能跟着做的中文教程，还公开了训练日志。另一份日志和卧室这个题目，来自 [fast.ai 的 WGAN 笔记本](https://github.com/fastai/course-v3/blob/master/nbs/dl1/lesson7-wgan.ipynb)，我们读的是[深度碎片整理的中文注释版](https://github.com/EmbraceLife/fastai_treasures/blob/master/lesson7-wgan-dictation/lesson7-wgan-dictation.md)。谢谢他们。
"""

# %% [markdown] tags=["lang-en", "title"]
r"""
# 04 · WGAN: a loss that is a distance

So far D answered "real or fake". The D of this lesson answers "how far is there still to go": it is a **critic**, its scores have no bounds, and the difference between the mean scores of real pictures and fakes estimates a distance between two distributions.

- **You will be able to**: compute the Wasserstein distance in one dimension in two ways; explain why the critic's slope must be bounded; write WGAN's losses, its weight clipping and the **gradient penalty** (WGAN-GP); read the critic's gap and know what it tells and what it does not; find out by a $2 \times 2$ experiment which network a failure comes from.
- **You need**: the JS divergence of lesson 01, and lesson 02; convolutions, batch normalisation and the reading network are explained in lesson 03. Without it you can read all but the failure of the day.
- **Time**: about 160 minutes in one language: 75 to read, 60 for predictions, exercises and quiz, 25 for the open task; two sittings are a good plan. About 4 minutes to run everything (two CPU cores, no graphics card, no internet connection).
- **With thanks**: this lesson builds on alexshuang's [WGAN in PyTorch](https://github.com/alexshuang/wgan-pytorch), in Chinese, which turns the paper and its authors' code into a tutorial one can follow and publishes its training logs. Another log, and bedrooms as a subject, come from [fast.ai's WGAN notebook](https://github.com/fastai/course-v3/blob/master/nbs/dl1/lesson7-wgan.ipynb), which we read in [EmbraceLife's copy with notes in Chinese](https://github.com/EmbraceLife/fastai_treasures/blob/master/lesson7-wgan-dictation/lesson7-wgan-dictation.md). Our thanks to all of them.
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
from gan_lessons.bilingual import say, table
from gan_lessons.exercises import lesson04 as check
from gan_lessons.nets import dcgan, growing, mlp
from gan_lessons.train import adam, critic_step, fit, head_start, rmsprop


def study(name):
    """Return the numbers of a longer experiment, made by studies/lesson04.py."""
    path = Path("..") / "studies" / f"lesson04_{name}.json"
    return json.loads(path.read_text(encoding="utf-8"))


runtime.set_threads(1)  # as in the studies; beside other work a second thread can cost far more
lab.language_switch()

# %% [markdown] tags=["lang-zh", "what-changed"]
r"""
## 和前几课相比

博弈仍是轮流走步，图片仍用第 03 课的卷积网络。变的是下面几行：

```diff
- loss.critic    = softplus(-real).mean() + softplus(fake).mean()
- loss.generator = softplus(-fake).mean()
+ loss.critic    = ...                            # exercise 3: no sigmoid, no logarithm
+ loss.generator = ...
+ clip_weights(critic, 0.01)                      # after each of the critic's steps
- n_critic=1, Adam
+ n_critic=5, RMSprop
```

用文字概括，WGAN 和原来的 GAN 相比只改了四处：

1. D 的最后一层**不加 sigmoid**（前几课的 sigmoid 和对数，都合在 `softplus` 里了）；
2. 两个损失都**不取对数**；
3. D 每更新一次，就把它的每个权重**裁剪**到 $[-c, c]$ 之内，论文取 $c = 0.01$；
4. **不用带动量的优化器**：G 一直在变，评论家的损失也跟着变，作者发现这时带动量的优化器有时会让训练不稳定。论文用 RMSprop（大致就是 $\beta_1 = 0$ 的 Adam），学习率 0.00005。

此外，G 每走 1 步，D 先走 `n_critic` 步，论文取 5。alexshuang 的设置与论文相同。本课的训练只有几百步，用 0.00005 来不及看到结果，所以裁剪时用它的 10 倍，0.0005。这要付代价：论文提醒过，学习率太高，训练会不稳定。

**为什么改叫评论家？** 判别器输出“真”的概率，是一个分类器；评论家只打分，分数可正可负，没有上下界，也没有一条分开真假的线，所以不是判别器。强化学习的“演员-评论家”（actor-critic）里也有一个 critic，那是估计回报的网络；两者有联系（[Pfau 和 Vinyals，2016](https://arxiv.org/abs/1610.01945)），却不是一回事。邱锡鹏的教材把 WGAN 的 critic 译作“评价网络”，查书时可以用这个词。代码和图例里的 D、`critic` 都是它。
"""

# %% [markdown] tags=["lang-en", "what-changed"]
r"""
## What changed since the last lessons

The two still take turns, and pictures still get the convolutional networks of lesson 03. New are these lines:

```diff
- loss.critic    = softplus(-real).mean() + softplus(fake).mean()
- loss.generator = softplus(-fake).mean()
+ loss.critic    = ...                            # exercise 3: no sigmoid, no logarithm
+ loss.generator = ...
+ clip_weights(critic, 0.01)                      # after each of the critic's steps
- n_critic=1, Adam
+ n_critic=5, RMSprop
```

In words, WGAN changes four things of the original GAN:

1. D's last layer has **no sigmoid** (in the last lessons `softplus` held both the sigmoid and the logarithm);
2. neither loss takes a **logarithm**;
3. after each of D's updates all of its weights are **clipped** into $[-c, c]$; the paper has $c = 0.01$;
4. the optimiser has **no momentum**: the critic's loss keeps changing, because G does, and the authors found that momentum can then make training unstable. The paper takes RMSprop (roughly Adam with $\beta_1 = 0$) with a learning rate of 0.00005.

Besides, D takes `n_critic` steps for 1 of G's; in the paper these are 5. alexshuang's settings are the paper's. Our runs last a few hundred steps, too few for 0.00005 to show anything, so with clipping we take 10 times that, 0.0005. It has a price: the paper warns that high learning rates can make training unstable.

**Why "critic"?** A discriminator gives the probability of "real" and is a classifier. A critic only scores: positive or negative, without bounds, and with no line that divides real from fake, so it is no discriminator. The critic of actor-critic methods in reinforcement learning is a network that estimates returns; the two are related ([Pfau and Vinyals 2016](https://arxiv.org/abs/1610.01945)) but not the same. In code and legends, both D and `critic` mean this network.
"""

# %% [markdown] tags=["lang-zh", "predict"]
r"""
### 先猜再跑 1：两座山越走越远

两个正态分布，标准差都是 1，中心相距 $\theta$。第 01 课用数值验证过：最优判别器度量的是 JS 散度。把 $\theta$ 从 6 增加到 10，会怎样？

- A. JS 散度几乎不动，Wasserstein 距离照样增大。
- B. JS 散度和 Wasserstein 距离都继续增大，因为两座山确实离得更远了。
- C. 两个都不动：反正已经完全分开了。
- D. JS 散度继续增大，Wasserstein 距离封顶。
"""

# %% [markdown] tags=["lang-en", "predict"]
r"""
### Predict, then run 1: two hills that move apart

Two normal distributions, both of standard deviation 1, with centres $\theta$ apart. Lesson 01 checked by numbers that what the optimal discriminator measures is the JS divergence. Move $\theta$ from 6 to 10. What happens?

- A. The JS divergence hardly moves, the Wasserstein distance keeps growing.
- B. The JS divergence and the Wasserstein distance both keep growing, as the hills really are further apart.
- C. Neither moves: they are apart already.
- D. The JS divergence keeps growing, the Wasserstein distance levels off.
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
figure, axes = plt.subplots(1, 2, figsize=(8, 2.8), layout="constrained")
axes[0].plot(shifts, js_curve, color=show.BLUE)
axes[0].axhline(math.log(2), color=show.GREY, linestyle=":")
axes[0].annotate("log 2", (0, math.log(2)), xytext=(0, -12), textcoords="offset points")
axes[1].plot(shifts, w1_curve, color=show.ORANGE)
for axis, name in zip(axes, ("JS divergence", "W1"), strict=True):
    axis.set(xlabel=r"distance of the centres, $\theta$", ylabel=name)
    axis.spines[["top", "right"]].set_visible(False)
show.show(figure, "Two curves against the distance of two bell curves: on the left the JS "
                  "divergence, on the right W1")
at = {float(s): i for i, s in enumerate(shifts)}
say("从 6 到 10，JS 散度从 {js6:.4f} 变到 {js10:.4f}，W1 从 {w6:.2f} 变到 {w10:.2f}。",
    "From 6 to 10 the JS divergence goes from {js6:.4f} to {js10:.4f}, W1 from {w6:.2f} to "
    "{w10:.2f}.", js6=float(js_curve[at[6.0]]), js10=float(js_curve[at[10.0]]),
    w6=float(w1_curve[at[6.0]]), w10=float(w1_curve[at[10.0]]))

# %% [markdown] tags=["lang-zh", "caption"]
r"""
**图 4-1** 左：JS 散度升到 log 2 就不再变，导数几乎为 0。右：W1 是一条直线，导数处处是 1。
"""

# %% [markdown] tags=["lang-en", "caption"]
r"""
**Fig. 4-1** Left: the JS divergence climbs to log 2 and stops, with a derivative of almost 0. Right: W1 is a straight line with derivative 1 everywhere.
"""

# %% [markdown] tags=["lang-zh"]
r"""
答案是 **A**。JS 散度到 log 2 就封顶了：它只知道“完全分开”，不知道还差多远，G 从中几乎得不到梯度。Wasserstein 距离（W1）的导数处处是 1：靠近一步，距离就短一步。

图像都落在高维空间里某些低维流形的附近，训练之初，真假两个分布几乎不重叠，正是左图平坦的那一段（[Arjovsky 和 Bottou，2017](https://arxiv.org/abs/1701.04862)）。

## 搬土：第一种算法

把分布看作一堆土。**Wasserstein 距离**（$W_1$，又叫推土机距离，earth mover's distance）是把一堆土搬成另一堆的最小花费：土量乘路程，再求和。

$$W_1(p, q) = \min_{\pi} \sum_{i, j} \pi_{ij} \, |x_i - x_j|$$

$\pi_{ij} \ge 0$ 是从 $i$ 搬到 $j$ 的土量，$\pi$ 的各行之和是 $p$，各列之和是 $q$。未知数是 $\pi$，目标和约束都是线性的，所以这是一个**线性规划**，交给 `scipy` 就能解。先看一个能手算的例子：五个位置，相邻两处相距 1。
"""

# %% [markdown] tags=["lang-en"]
r"""
The answer is **A**. The JS divergence ends at log 2: it knows "entirely apart" but not how far, and leaves hardly any gradient for G. The derivative of the Wasserstein distance (W1) is 1 everywhere: one step closer is one step less.

Images lie near manifolds of low dimension in a space of high dimension, and at the start of training the real and the generated distribution hardly overlap, which is the flat part on the left ([Arjovsky and Bottou 2017](https://arxiv.org/abs/1701.04862)).

## Moving earth: the first way to compute it

Think of a distribution as a heap of earth. The **Wasserstein distance** ($W_1$, also called the earth mover's distance) is the least cost of turning one heap into the other: amount times distance, summed over all of it.

$$W_1(p, q) = \min_{\pi} \sum_{i, j} \pi_{ij} \, |x_i - x_j|$$

Here $\pi_{ij} \ge 0$ is how much goes from $i$ to $j$; the rows of $\pi$ sum to $p$ and its columns to $q$. The unknown is $\pi$, and objective and constraints are linear in it, so this is a **linear programme**, which `scipy` solves. First an example that you can do by hand: five places, each 1 from the next.
"""

# %%
def in_order(p, q):
    """Return the plan that serves places from left to right: no cart overtakes another."""
    plan = torch.zeros(len(p), len(q), dtype=p.dtype)
    p, q = p.clone(), q.clone()  # what is left to load, and what is still wanted
    i = j = 0
    while i < len(p) and j < len(q):
        amount = min(float(p[i]), float(q[j]))
        plan[i, j] += amount
        p[i] -= amount
        q[j] -= amount
        if p[i] <= 1e-12:
            i += 1
        else:
            j += 1
    return plan


heap = torch.tensor([1, 4, 0, 3, 2], dtype=torch.float64)
goal = torch.tensor([3, 1, 2, 0, 4], dtype=torch.float64)
places = torch.arange(5, dtype=torch.float64)
distance = (places[:, None] - places).abs()
plan = in_order(heap, goal)

figure, axes = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
axes[0].bar(places - 0.2, heap, 0.4, color=show.BLUE, label="p")
axes[0].bar(places + 0.2, goal, 0.4, color=show.ORANGE, hatch="///", label="q")
axes[0].set(xlabel="place", ylabel="loads of earth")
axes[0].legend()
axes[1].imshow(plan, cmap="Blues", vmax=6)
for i in range(5):
    for j in range(5):
        axes[1].text(j, i, f"{plan[i, j]:.0f}", ha="center", va="center")
axes[1].set(xlabel="to place j (q)", ylabel="from place i (p)", title="loads from i to j")
show.show(figure, "On the left two bar charts over five places: p has 1, 4, 0, 3 and 2 loads, q 3, "
                  "1, 2, 0 and 4; on the right the plan as a table: the load of place 0 stays; of "
                  "the four of place 1 two go to 0, one stays and one goes to 2; of the three of "
                  "place 3 one goes to 2 and two to 4; both of place 4 stay")
_, cost = measure.transport(heap / 10, goal / 10, distance)
say("按从左到右的次序搬：{ordered:.0f} 车·格，平均每车 {mean:.2f} 格；线性规划：{cost:.2f} 格。",
    "Moving in order from left to right costs {ordered:.0f} (loads times distance), {mean:.2f} a "
    "load; the linear programme says {cost:.2f}.", ordered=float((plan * distance).sum()),
    mean=float((plan * distance).sum()) / 10, cost=cost)

# %% [markdown] tags=["lang-zh", "caption"]
r"""
**图 4-2** 左：p 和 q 各有 10 车土。右：一个最省的方案，数字是车数。非零的数从左上走到右下，从不折返：没有一车土超过另一车。
"""

# %% [markdown] tags=["lang-en", "caption"]
r"""
**Fig. 4-2** Left: p and q, 10 loads of earth each. Right: one of the cheapest plans, in loads. The numbers that are not zero run from the upper left to the lower right and never turn back: no load overtakes another.
"""

# %% [markdown] tags=["lang-zh", "exercise"]
r"""
## 排序：第二种算法

为什么不必超车？两车土若同向而行、一车超过另一车，对换终点，花费不变；若迎面错车，对换终点反而更省。所以最省的方案里没有迎面错车，而且其中总有一个连超车也没有。于是在一条直线上不必解线性规划，**排好序、依次配对**就行：最小的配最小的，第二小的配第二小的。

### 练习 1：排序求 $W_1$

`a` 和 `b` 各有 `n` 个样本，形状都是 `(n,)`，每个样本是 1/n 的土。补全 `w1`。

<details><summary>提示一</summary>

`a.sort().values` 从小到大排好。想一想：两边各排各的，还是跟着一边排？

</details>

<details><summary>提示二</summary>

用三个数检验：`a = [0, 1, 5]`，`b = [6, 0, 2]`，配对是 0-0、1-2、5-6，路程共 2，答案是 2/3。你的函数得到多少？

</details>
"""

# %% [markdown] tags=["lang-en", "exercise"]
r"""
## Sorting: the second way

Why is there no need to overtake? Where two loads go the same way and one overtakes the other, swapping their destinations costs nothing; where they meet head-on, swapping even saves. So in a cheapest plan no loads meet head-on, and one of these plans has no overtaking either. Hence on a line nobody needs a linear programme: **sort, and pair in order**, the smallest with the smallest, the second with the second.

### Exercise 1: $W_1$ by sorting

`a` and `b` hold `n` samples each, shape `(n,)`, and every sample is 1/n of the earth. Complete `w1`.

<details><summary>Hint one</summary>

`a.sort().values` puts them in order. Think: should each be sorted by itself, or one in the order of the other?

</details>

<details><summary>Hint two</summary>

Test with three numbers: for `a = [0, 1, 5]` and `b = [6, 0, 2]` the pairs are 0-0, 1-2 and 5-6, the distances add up to 2, and the answer is 2/3. What does your function say?

</details>
"""

# %%
def w1(a, b):
    return ...


verdict = check.wasserstein_1d(w1)

# %% [markdown] tags=["lang-zh"]
r"""
## 对偶：运输商的价目表

图片有几千维，没法排序，线性规划也太大。好在同一个数还有另一种写法。换一个角色来想：你有 p，想要 q；有一位**运输商**（haulier）愿意替你搬。他不按路程收费，而是给每个位置 $x$ 定一个价 $f(x)$：从 $x$ 装走一车土收你 $f(x)$，卸在 $y$ 再退你 $f(y)$，所以从 $x$ 到 $y$ 的运费是 $f(x) - f(y)$。

- **没有人愿意付冤枉钱。** 自己搬的花费是路程 $|x - y|$，运费若比它高，你就自己搬。所以价目表必须处处满足 $f(x) - f(y) \le |x - y|$。交换 $x$ 和 $y$，就是 $|f(x) - f(y)| \le |x - y|$：斜率的绝对值不超过 1。这样的函数叫 **1-利普希茨连续**（Lipschitz continuous），记作 $\lVert f \rVert_L \le 1$。
- **他至多收到你自己搬的花费。** 他一共收 $\mathbb{E}_{p}[f(x)] - \mathbb{E}_{q}[f(x)]$。不论你心里用的是哪个方案 $\pi$，这个数都等于 $\sum \pi_{ij}\,(f(x_i) - f(x_j))$，每一项不超过 $\pi_{ij}\,|x_i - x_j|$，所以总数不超过那个方案的花费，也就不超过最省的花费 $W_1$。
- **定价最好的运输商，正好收到这么多。** 在最省方案的每一条路线上，他都收足全价：$f(x_i) - f(x_j) = |x_i - x_j|$。线性规划的对偶定理保证这样的价目表存在（Kantorovich 和 Rubinstein）。

$$W_1(p, q) = \max_{\lVert f \rVert_L \le 1} \; \mathbb{E}_{p}\,[f(x)] - \mathbb{E}_{q}\,[f(x)]$$

这个 $f$ 就是评论家，用一个神经网络来近似；等号右边的差就是**差距**（gap）。以后 $p$ 是真图的分布，$q$ 是 G 的假图的分布，所以评论家给真图高分，给假图低分。没有斜率的限制，把分数乘以一百，差距就大一百倍，什么也量不出来。

用图 4-2 的例子验证。p 搬成 q，土往右走的地方，最好的 $f$ 递减（装得贵、卸得便宜，他才有赚）；土往左走的地方，递增。
"""

# %% [markdown] tags=["lang-en"]
r"""
## The dual: a haulier's price list

Pictures have thousands of dimensions: there is no sorting them, and the linear programme grows too large. Luckily the same number can be written in another way. Now look at it from the other side: you have p and want q, and a **haulier** offers to carry it for you. He does not charge by distance. He sets a price $f(x)$ for every place: for a load picked up at $x$ you pay him $f(x)$; where he drops it, at $y$, he pays you back $f(y)$. A journey from $x$ to $y$ thus costs $f(x) - f(y)$.

- **Nobody pays more than it costs to carry it oneself.** Your own cost is the distance $|x - y|$; if he asks more, you go yourself. So his list must obey $f(x) - f(y) \le |x - y|$ everywhere. Swap $x$ and $y$, and it says $|f(x) - f(y)| \le |x - y|$: no slope above 1 in size. Such functions are called **1-Lipschitz continuous**, written $\lVert f \rVert_L \le 1$.
- **He earns at most what carrying it yourself would cost.** In all he receives $\mathbb{E}_{p}[f(x)] - \mathbb{E}_{q}[f(x)]$. Whatever plan $\pi$ you have in mind, this equals $\sum \pi_{ij}\,(f(x_i) - f(x_j))$, each term is at most $\pi_{ij}\,|x_i - x_j|$, so the sum is at most the cost of that plan, and hence at most that of the cheapest, $W_1$.
- **With the best list he earns exactly that.** On every journey of the cheapest plan he charges the full price: $f(x_i) - f(x_j) = |x_i - x_j|$. That there is such a list is the duality theorem of linear programming (here due to Kantorovich and Rubinstein).

$$W_1(p, q) = \max_{\lVert f \rVert_L \le 1} \; \mathbb{E}_{p}\,[f(x)] - \mathbb{E}_{q}\,[f(x)]$$

This $f$ is the critic, and a neural network approximates it; the difference on the right is the **gap**. From here on $p$ is the distribution of real pictures and $q$ that of G's fakes, so the critic scores real pictures high and fakes low. Without a bound on the slope, scores a hundred times as large have a hundred times the gap, and nothing is measured.

A check on the example of Fig. 4-2. On the way from p to q, where earth goes to the right the best $f$ falls (dear where he loads, cheap where he unloads: that is his profit); where earth goes to the left, it rises.
"""

# %%
p, q = heap / 10, goal / 10
to_the_right = (p - q).cumsum(0)[:-1]  # how much crosses from each place to the next
best_f = torch.cat([torch.zeros(1), -to_the_right.sign().cumsum(0)])
others = {"sin x": torch.sin(places), "x": places, "-x": -places, "|x - 2|": (places - 2).abs()}
say("最好的价目表 {prices} 收到 {gap:.2f}，等于 W1。",
    "The best list, {prices}, earns {gap:.2f}, which is W1.",
    prices=[int(price) for price in best_f], gap=float((p - q) @ best_f))
table([("别的 f，斜率也不超过 1", "another f, no slope above 1"), ("差距", "gap")],
      [[name, f"{round(float((p - q) @ f), 2) + 0.0:.2f}"] for name, f in others.items()])

# %% [markdown] tags=["lang-zh", "predict"]
r"""
## 权重裁剪

### 先猜再跑 2：裁剪的尺度

怎样限制一个网络的斜率？WGAN 的办法很直接：每更新一次，就把每个权重 $w$ 裁进 $[-c, c]$，这就是**权重裁剪**（weight clipping）。网络的斜率由各层的权重相乘得来，权重有限，斜率也就有限。假设评论家有 4 层，除最后一层外各有 64 个单元；学习率取 $c$ 的十分之一，训练 1,000 步。$c$ 取 1 和 0.001，训练之后最大的斜率各是多少？

- A. 差不多：$c$ 只是单位，评论家会自己补回来。
- B. 大约差一千倍，因为两个 $c$ 差一千倍。
- C. $c = 1$ 时上万，$c = 0.001$ 时不到百万分之一。
- D. $c = 0.001$ 时接近 1，因为它最能保证斜率不超过 1。
"""

# %% [markdown] tags=["lang-en", "predict"]
r"""
## Weight clipping

### Predict, then run 2: how far to clip

How do we bound the slope of a network? WGAN's way is blunt: after every update it pushes each weight $w$ back into $[-c, c]$. That is **weight clipping**. The slope of a network is made of products of its layers' weights; if those are bounded, so is the slope. Take a critic of 4 layers, of 64 units each but for the last; take 1,000 steps with a learning rate of a tenth of $c$. What is its steepest slope after training with $c$ equal to 1, and to 0.001?

- A. About the same: $c$ is only a unit, for which the critic makes up by itself.
- B. They differ by about a thousand times, as the two $c$ do.
- C. Above ten thousand with $c = 1$, below a millionth with $c = 0.001$.
- D. With $c = 0.001$ it is close to 1, as that makes sure of slopes up to 1.
"""

# %% tags=["nbval-ignore-output"]
REAL, FAKE = torch.tensor([-4.0, 0.0, 4.0]), torch.tensor([-2.0, 2.0])  # centres, on a line


def draw(centres, n, chance):
    which = torch.randint(len(centres), (n,), generator=chance)
    return (centres[which] + 0.2 * torch.randn(n, generator=chance)).unsqueeze(1)


def trained_critic(clip=None, penalty=None, start=None):
    """Train a critic for 1,000 steps, from fresh weights or from those of `start`."""
    torch.manual_seed(0)
    critic = mlp.discriminator([64, 64, 64], (1,), activation=mlp.leaky)
    if start is not None:
        critic.load_state_dict(start.state_dict())
    optimizer = rmsprop(critic, lr=clip / 10) if clip else adam(critic, 5e-3, (0.0, 0.9))
    chance = torch.Generator().manual_seed(0)
    for _ in range(1000):  # there is no G here: the "noise" handed in are the fakes themselves
        critic_step(critic, nn.Identity(), optimizer, losses.Wasserstein(),
                    draw(REAL, 256, chance), draw(FAKE, 256, chance), penalty, clip)
    return critic


line = torch.linspace(-6, 6, 601).unsqueeze(1)


def scores_and_steepest(critic):
    """Return the critic's scores on the line, and its steepest slope there."""
    at_x = line.clone().requires_grad_(True)
    scores = critic(at_x)
    slope, = torch.autograd.grad(scores.sum(), at_x)
    return scores.detach(), float(slope.abs().max())


with runtime.one_thread():  # a tiny network
    clipped = {c: trained_critic(clip=c) for c in (1.0, 0.1, 0.001)}
table([("c", "c"), ("最大的斜率", "steepest slope")],
      [[f"{c:g}", f"{scores_and_steepest(critic)[1]:.2g}"] for c, critic in clipped.items()])

# %% [markdown] tags=["lang-zh"]
r"""
答案是 **C**。斜率的上界按 c 的乘方变化，有几层就是几次方。4 层：1 除以 0.001 的 4 次方，两个上界相差 $10^{12}$ 倍，表里的斜率相差约 $10^{14}$ 倍：上界是 $64^3 c^4$，$c = 1$ 和 $0.1$ 走到了它的四分之一多，$c = 0.001$ 只到千分之二（换 5 个种子，是五分之一到三分之一，和千分之二到千分之五），多出来的一百倍就在这里；原因我们没有查。

所以裁剪只保证“有一个上界 $K$”，$K$ 是多少却说不准；差距至多是 $K \cdot W_1$，它的单位由 $c$ 和网络决定。$c$ 太大，评论家要训练很久权重才会到达边界；$c$ 太小，层数一多，传回 G 的梯度就消失了。这里的网络没有批归一化；有批归一化的评论家还要除以一批的标准差，斜率的上界就不再是 $c$ 的一个简单的乘方。WGAN 的作者自己写道，用裁剪来限制斜率，是一个“clearly terrible”（明显很糟）的办法，只是简单，而且够用。

裁剪还有一个代价，画出图来就一目了然。下面是 $c = 0.1$ 的评论家，除以它自己最大的斜率，和真正最好的 $f$ 画在一起：
"""

# %% [markdown] tags=["lang-en"]
r"""
The answer is **C**. The bound on the slope goes with c to the power of the number of layers. With 4 layers the bounds differ by 1 over 0.001, to the power of 4, which is $10^{12}$; the slopes in the table by about $10^{14}$: the bound is $64^3 c^4$, of which $c = 1$ and $0.1$ reach more than a quarter and $c = 0.001$ only two thousandths (over 5 seeds, a fifth to a third, and two to five thousandths), which is the other factor of a hundred; we did not look into why.

So clipping promises only that there is some bound $K$, not how large $K$ is; the gap is at most $K \cdot W_1$, in a unit set by $c$ and by the network. With a large $c$ it takes long until the weights reach the limit; with a small one and many layers the gradient that gets back to G vanishes. This network has no batch normalisation; a critic that has it also divides by the standard deviation of a batch, and its bound is no simple power of $c$. WGAN's authors themselves write that clipping is a "clearly terrible" way to bound the slope, but simple, and good enough.

There is another price, which a picture shows at once. Here is the critic with $c = 0.1$, divided by its own steepest slope, beside the best $f$ there is:
"""

# %%
def cdf(centres):
    return (0.5 * (1 + torch.erf((line - centres) / 0.2 / math.sqrt(2)))).mean(1)


to_left = cdf(FAKE) - cdf(REAL)  # above 0 where fakes must go right, and earth flows left
best = (to_left.sign() * 0.02).cumsum(0)  # slope +1 there, -1 where it flows right


def beside_the_best(curves, alt, ylim=(-3, 4.5)):
    """Draw curves over the line, each with mean 0, and shade where real data and fakes are."""
    figure, axis = plt.subplots(figsize=(7.5, 3), layout="constrained")
    for centres, color, hatch in ((REAL, show.BLUE, None), (FAKE, show.ORANGE, "///")):
        for centre in centres.tolist():
            axis.axvspan(centre - 0.4, centre + 0.4, facecolor=color, alpha=0.2, hatch=hatch,
                         label="real" if hatch is None else "fake")
    for (name, f), (color, _, dashes) in zip(curves.items(), show.LINES[2:] + show.LINES[:2],
                                             strict=False):
        axis.plot(line[:, 0], f - f.mean(), dashes, color=color, linewidth=2, label=name)
    handles, names = axis.get_legend_handles_labels()
    once = dict(zip(names, handles, strict=True))  # real and fake were drawn in several places
    axis.legend(once.values(), once.keys(), loc="lower center", ncols=6, fontsize=8,
                bbox_to_anchor=(0.5, 1.0), frameon=False)
    axis.set(xlabel="x", ylabel="score / steepest slope", ylim=ylim)
    axis.spines[["top", "right"]].set_visible(False)
    show.show(figure, alt)


scores, steepest = scores_and_steepest(clipped[0.1])
beside_the_best({"best f": best, "clipped, c = 0.1": scores[:, None] / steepest},
                "Two curves over a line with three shaded places of real data at -4, 0 and 4 and "
                "two of fakes at -2 and 2: the best f is a zigzag, high at the real ones, low at "
                "the fakes; the clipped critic is one plain valley, low in the middle")

# %% [markdown] tags=["lang-zh", "caption"]
r"""
**图 4-3** 纯色底是真实样本，斜线底是生成样本。最好的 $f$ 是锯齿，朝真实样本上升，朝生成样本下降；最外面的样本以外，斜率不超过 1 就都一样好。裁剪过的评论家太简单，只学会“两边高、中间低”，把中间的真实样本抹平了。曲线上下平移不影响差距，这里都移到平均值为 0。
"""

# %% [markdown] tags=["lang-en", "caption"]
r"""
**Fig. 4-3** Plain ground: real samples; hatched ground: fakes. The best $f$ is a zigzag that goes up towards real samples and down towards fakes; beyond the outermost samples any slope up to 1 is as good. The clipped critic is too simple: it has learned "high outside, low inside" and ironed out the real samples in the middle. Moving a curve up or down does not change the gap; here all of them have mean 0.
"""

# %% [markdown] tags=["lang-zh", "exercise"]
r"""
## 梯度惩罚：WGAN-GP

Gulrajani 等人（[2017](https://arxiv.org/abs/1704.00028)）换了一个办法：不碰权重，直接在损失里要求梯度范数等于 1。这叫**梯度惩罚**（gradient penalty），合起来叫 WGAN-GP。评论家的损失是（论文的式 3）

$$L_D = \mathbb{E}\,[f(\tilde x)] - \mathbb{E}\,[f(x)] + \lambda \, \mathbb{E}\,\big[(\lVert \nabla_{\hat x} f(\hat x) \rVert_2 - 1)^2\big], \qquad \hat x = \varepsilon x + (1 - \varepsilon)\,\tilde x$$

其中 $x$ 是真实样本，$\tilde x = G(z)$ 是生成样本，$\varepsilon$ 在 0 到 1 之间均匀分布，每一对样本各取一个。论文取 $\lambda = 10$，`n_critic` 是 5，用 Adam，学习率 0.0001，`betas=(0, 0.9)`。

- **为什么是 1？** 最好的运输商在最省的路线上收足全价，一步也不让，所以在这些路线上 $f$ 的梯度范数恰好是 1。小于 1 是少收了，也要罚；所以惩罚是两侧的。
- **为什么在真假之间？** 要求处处如此办不到，样本只有这么多。上一条说的路线，就是从真实样本到生成样本的线段。可是我们不知道谁该配谁，论文就随机配对；这不是最优的配对，论文只说实验里够用。
- **为什么评论家不能有批归一化？** 它用一批图的均值和标准差调整每个通道（第 03 课）。有了它，一张图的分数取决于整批图，“$f$ 在 $\hat x$ 处的梯度”就不只属于 $\hat x$，惩罚也就罚错了对象。论文在评论家里去掉批归一化，G 里照旧；想要归一化，它推荐层归一化（layer normalisation）。

### 练习 2：梯度惩罚

补全 `gradient_penalty`，返回公式里方括号的平均值，一个标量；$\lambda$ 不算在内。`real` 和 `fake` 一样大，可能是点 `(B, d)`，也可能是图片 `(B, C, H, W)`；`critic` 返回分数 `(B,)`。

<details><summary>提示一</summary>

分三步：为每一对样本取一个点；求评论家的分数对这些点的梯度；每个样本各算一个范数。随机数要能和 `real` 相乘：想想它的形状，点和图片都要能用。

</details>

<details><summary>提示二</summary>

`torch.autograd.grad(outputs, inputs)` 需要一个标量，而每张图的分数只和自己有关，所以把分数加起来求导，得到的就是每张图各自的梯度。这个惩罚接下来还要对评论家的权重求导，所以要保留计算图：查一查 `torch.autograd.grad` 的参数 `create_graph`。

</details>
"""

# %% [markdown] tags=["lang-en", "exercise"]
r"""
## The gradient penalty: WGAN-GP

Gulrajani et al. ([2017](https://arxiv.org/abs/1704.00028)) leave the weights alone and ask in the loss itself for a gradient norm of 1. This is the **gradient penalty**, and the whole is called WGAN-GP. The critic's loss (equation 3 of the paper) is

$$L_D = \mathbb{E}\,[f(\tilde x)] - \mathbb{E}\,[f(x)] + \lambda \, \mathbb{E}\,\big[(\lVert \nabla_{\hat x} f(\hat x) \rVert_2 - 1)^2\big], \qquad \hat x = \varepsilon x + (1 - \varepsilon)\,\tilde x$$

where $x$ is a real sample, $\tilde x = G(z)$ a generated one, and $\varepsilon$ uniform between 0 and 1, drawn for each pair. The paper takes $\lambda = 10$, an `n_critic` of 5, and Adam with learning rate 0.0001 and `betas=(0, 0.9)`.

- **Why 1?** The best haulier charges the full price on the cheapest journeys and gives no discount on any part of them, so there the gradient norm of $f$ is exactly 1. Less than 1 is money left on the table and costs, too: the penalty has two sides.
- **Why between real and fake?** It cannot be asked everywhere; there are only so many samples. The journeys in question are the lines from real samples to fakes. Who belongs to whom we do not know, so the paper pairs them at random; these are not the optimal pairs, and the paper only says that it is enough in experiments.
- **Why no batch normalisation in the critic?** It rescales each channel by the mean and standard deviation of the batch (lesson 03). With it the score of a picture depends on the whole batch; "the gradient of $f$ at $\hat x$" no longer belongs to $\hat x$ alone, and the penalty punishes the wrong thing. The paper leaves it out of the critic and keeps it in G; if you want a normalisation, it recommends layer normalisation.

### Exercise 2: the gradient penalty

Complete `gradient_penalty`: it returns the mean of what stands in the square brackets of the formula, one scalar, without $\lambda$. `real` and `fake` have the same size, points `(B, d)` or pictures `(B, C, H, W)`; `critic` returns scores `(B,)`.

<details><summary>Hint one</summary>

Three steps: take a point for each pair; find the gradient of the critic's scores at these points; compute one norm for each sample. The random numbers are multiplied with `real`: think of their shape, which must do for points and for pictures.

</details>

<details><summary>Hint two</summary>

`torch.autograd.grad(outputs, inputs)` wants a scalar, and each picture's score depends on that picture only: differentiate the sum of the scores, and each picture gets its own gradient. The penalty will in turn be differentiated with respect to the critic's weights, so the graph must be kept: look up the argument `create_graph` of `torch.autograd.grad`.

</details>
"""

# %%
def gradient_penalty(critic, real, fake):
    return ...


verdict = check.gradient_penalty(gradient_penalty)

# %% [markdown] tags=["lang-zh"]
r"""
用课程自己的 `penalties.gradient_penalty` 在同一条线上训练评论家，$\lambda$ 取 1 和 10（图例里的 weight）；第三个也取 10，但从 $\lambda = 1$ 训练好的权重开始。都除以自己最大的斜率：
"""

# %% [markdown] tags=["lang-en"]
r"""
Train critics on the same line with the course's own `penalties.gradient_penalty`, with $\lambda$ equal to 1 and to 10 (the weight in the legend); a third has 10 as well, but starts from the weights that were trained with $\lambda = 1$. Each is again divided by its steepest slope:
"""

# %%
one, ten = (partial(penalties.gradient_penalty, weight=weight) for weight in (1.0, 10.0))
with runtime.one_thread():
    penalised = {"weight 1": trained_critic(penalty=one), "weight 10": trained_critic(penalty=ten)}
    penalised["1, then 10"] = trained_critic(penalty=ten, start=penalised["weight 1"])
curves = {"best f": best}
for name, critic in penalised.items():
    scores, steepest = scores_and_steepest(critic)
    curves[name] = scores[:, None] / steepest
beside_the_best(curves,
                "The same line: the critic with a penalty of weight 1 goes up and down with the "
                "best f, has a peak at the real data in the middle and low places at both fakes, "
                "and so does the one that goes on with weight 10; the one with weight 10 from the "
                "start rises all the way", ylim=(-6, 6))

# %% [markdown] tags=["lang-zh", "caption"]
r"""
**图 4-4** 用梯度惩罚训练的评论家。$\lambda = 1$ 的和最好的 $f$ 在同样的地方由升转降、由降转升：中间的真实样本处有一个峰，两处生成样本都在谷底；一开始就用 $\lambda = 10$ 的一路上升，斜率没有变号；从 $\lambda = 1$ 接着训练的，锯齿还在。换 5 个种子，$\lambda = 1$ 的和接着训练的，斜率都变号 3 次；一开始就用 $\lambda = 10$ 的至多 1 次，走到 5,000 步也一样；图 4-3 那样裁剪的都是 1 次。
"""

# %% [markdown] tags=["lang-en", "caption"]
r"""
**Fig. 4-4** Critics trained with a gradient penalty. That of $\lambda = 1$ goes from up to down and from down to up where the best $f$ does: it has a peak at the real samples in the middle, and both groups of fakes lie in a valley; the one with $\lambda = 10$ from the start rises all the way, and its slope never changes sign; the one that goes on from $\lambda = 1$ keeps the zigzag. On each of 5 seeds the slope changes sign 3 times with $\lambda = 1$ and in the critic that goes on from it, at most 1 time with $\lambda = 10$ from the start, even after 5,000 steps, and 1 time with a critic clipped as in Fig. 4-3.
"""

# %% tags=["nbval-ignore-output"]
chance = torch.Generator().manual_seed(1)
real, fake = draw(REAL, 5000, chance), draw(FAKE, 5000, chance)
by_sorting = float((real[:, 0].sort().values - fake[:, 0].sort().values).abs().mean())


def gap(critic):
    with torch.no_grad():
        return float(critic(real).mean() - critic(fake).mean())


table([("评论家", "critic"), ("差距", "gap"), ("最大的斜率", "steepest slope")],
      [[("W1（排序）", "W1, by sorting"), f"{by_sorting:.2f}", "1"],
       *[[name, f"{gap(critic):.2f}", f"{scores_and_steepest(critic)[1]:.2f}"]
         for name, critic in zip([("梯度惩罚，λ = 1", "gradient penalty, λ = 1"),
                                  ("梯度惩罚，λ = 10", "gradient penalty, λ = 10"),
                                  ("梯度惩罚，λ 先 1 后 10", "gradient penalty, λ = 1, then 10")],
                                 penalised.values(), strict=True)],
       *[[(f"裁剪，c = {c:g}", f"clipped, c = {c:g}"), f"{gap(critic):.2g}",
          f"{scores_and_steepest(critic)[1]:.2g}"] for c, critic in clipped.items()]])

# %% [markdown] tags=["lang-zh"]
r"""
裁剪的三个差距相差许多个数量级，单位全由 $c$ 决定。梯度惩罚的差距和 $W_1$ 最多差五倍左右，两个偏大，一个偏小。

- $\lambda = 1$ 偏大。惩罚只是“罚”，不是“禁止”：若处处的斜率都是 $s$，评论家多得 $s \, W_1$，付出 $\lambda (s - 1)^2$，最划算的是 $s = 1 + W_1 / (2 \lambda)$，这里约是 1.9，而不是 1。实测的差距 3.97 是 $W_1$ 的 2.2 倍，还要大一些：斜率并不处处相同。
- $\lambda = 10$ 按这个式子只偏大一成，结果却偏小：走了 1,000 步，它没有学出锯齿，斜率一次也没有变号。是惩罚太重，不许有锯齿吗？第三个评论家说不是：它从 $\lambda = 1$ 的锯齿出发，换成 10 再走 1,000 步，锯齿还在，差距偏大一成多，和式子相近。所以锯齿留得住，只是找不到。一种解释：锯齿的斜率几乎处处是 $1$ 或 $-1$，不怎么受罚；难在路上，要从一路上升变成锯齿，有几段的斜率得由正变负，途中要经过 0，那里惩罚最重，$\lambda$ 大，就翻不过去。

这只是一条直线、一个很小的评论家，并不说明 10 对图片不好；下面的训练用的就是 10。

所以 WGAN-GP 的差距仍是估计，不是 $W_1$ 本身。
"""

# %% [markdown] tags=["lang-en"]
r"""
The three gaps of clipping are many orders of magnitude apart: $c$ sets their unit. Those of the gradient penalty are within a factor of about five of $W_1$, two too large and one too small.

- $\lambda = 1$ comes out too large. A penalty discourages and does not forbid: with a slope of $s$ everywhere the critic gains $s \, W_1$ and pays $\lambda (s - 1)^2$, and the best bargain is $s = 1 + W_1 / (2 \lambda)$, here about 1.9 and not 1. The measured 3.97 is 2.2 times $W_1$, a little more still: the slope is not the same everywhere.
- $\lambda = 10$ should be a tenth too large by this formula, and comes out too small: after 1,000 steps it has not learned the zigzag, and its slope never changes sign. Is the penalty so large that it forbids a zigzag? The third critic says no: it starts from the zigzag of $\lambda = 1$, takes 1,000 steps with 10, and keeps it, with a gap that is a little over a tenth too large, close to the formula. So the zigzag can be kept, but is not found. One explanation: its slope is $1$ or $-1$ nearly everywhere and costs little; but on the way from one long rise to a zigzag some stretches must go from plus to minus and pass 0, where the penalty is largest, and with a large $\lambda$ they do not get across.

This is one line and one tiny critic; it does not say that 10 is a bad value for pictures: the games below use 10.

So the gap of a WGAN-GP, too, is an estimate, and not $W_1$ itself.
"""

# %% [markdown] tags=["lang-zh", "exercise"]
r"""
## 写成损失函数

一条约定贯穿全课：**分数越高越真**。评论家要把真图的分数推高、把假图的压低；G 要让假图的分数变高。优化器总是把损失变小，所以不带惩罚的损失是

$$L_D = \mathbb{E}\,[f(G(z))] - \mathbb{E}\,[f(x)], \qquad L_G = -\mathbb{E}\,[f(G(z))]$$

约定反过来也行，只要两个损失一致：论文作者的代码、fast.ai 和 alexshuang 都让真图的分数**低**。读别人的日志之前，先弄清它把哪一边变大。

### 练习 3：两个损失

补全 `critic_loss` 和 `generator_loss`。参数是评论家给出的分数，形状 `(B,)`，两个 B 可以不同。

<details><summary>提示一</summary>

不要 sigmoid，不要对数，也不要绝对值。

</details>

<details><summary>提示二</summary>

先写下评论家希望变大的那个量，再问：优化器会把它变大还是变小？

</details>
"""

# %% [markdown] tags=["lang-en", "exercise"]
r"""
## Writing it down

One convention holds all through the course: **a higher score means more real**. The critic pushes the scores of real pictures up and those of fakes down; G wants its fakes up. Optimisers make a loss small, so without the penalty the losses are

$$L_D = \mathbb{E}\,[f(G(z))] - \mathbb{E}\,[f(x)], \qquad L_G = -\mathbb{E}\,[f(G(z))]$$

The opposite convention does as well, as long as both losses share it: the code of the paper's authors, fast.ai and alexshuang all give real pictures **low** scores. Before you read somebody's log, find out which side it makes large.

### Exercise 3: the two losses

Complete `critic_loss` and `generator_loss`. They are given the critic's scores, shape `(B,)`; the two B may differ.

<details><summary>Hint one</summary>

No sigmoid, no logarithm, and no absolute value.

</details>

<details><summary>Hint two</summary>

Write down what the critic wants to make large, and ask: will an optimiser make it larger or smaller?

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
### 练习 4：评论家完整的一步

补全 `update`：评论家走一步，并且裁剪。`real` 和 `fake` 各是一批样本，`limit` 是 $c$；损失是练习 3 的那一个；裁剪可以用 `penalties.clip_weights(critic, limit)`。批改时会检查：G 接下来遇到的评论家，所有权重都在 $[-c, c]$ 之内。

<details><summary>提示一</summary>

一步有五件事：裁剪，`step()`，清空梯度，算分数和损失，`backward()`。排一排次序。

</details>

<details><summary>提示二</summary>

写好后在纸上走一遍：`step()` 之后，权重可能在哪里？G 接着拿到的就是这样的评论家。

</details>
"""

# %% [markdown] tags=["lang-en", "exercise"]
r"""
### Exercise 4: the whole step of the critic

Complete `update`: one step of the critic, and clipping. `real` and `fake` are batches of samples and `limit` is $c$; the loss is that of exercise 3; to clip, use `penalties.clip_weights(critic, limit)`. The checker makes sure that the critic which G meets next has all its weights in $[-c, c]$.

<details><summary>Hint one</summary>

A step has five parts: clip, `step()`, clear the gradients, scores and loss, `backward()`. Put them in order.

</details>

<details><summary>Hint two</summary>

Go through it on paper: where can the weights be after `step()`? That is the critic that G is handed.

</details>
"""

# %%
def update(critic, optimizer, real, fake, limit):
    return ...


verdict = check.clipped_update(update)

# %% [markdown] tags=["lang-zh"]
r"""
先更新、后裁剪，是论文的算法 1。[论文作者的代码](https://github.com/martinarjovsky/WassersteinGAN)却在每一步**之前**裁剪，alexshuang 的教程沿用了它，还有另外两个习惯：在 `forward` 里就对整批求平均，于是单张图的分数没有了，逐张的惩罚也算不成；一轮（epoch）末尾剩下的批不足 5 个，G 照样走一步，那时评论家可能只走了 1 步。所以这不是谁抄错了，而是**算法 1 与作者自己的代码**不一致。权重会超出多少？照这样先裁剪、再走一步，做 20 次，数一数：
"""

# %% [markdown] tags=["lang-en"]
r"""
Clipping after the step is what algorithm 1 of the paper says. [The authors' own code](https://github.com/martinarjovsky/WassersteinGAN), however, clips **before** each step, and alexshuang's tutorial follows it, as it does in two other habits: `forward` takes the mean over the batch at once, so single pictures have no score and no penalty on single pictures can be computed; and at the end of an epoch, with fewer than 5 batches left, G moves all the same, perhaps after only 1 step of the critic. So nobody made a copying mistake: **algorithm 1 and its authors' own code** disagree. How far does it go? Clip, then let the critic take a step, do this 20 times, and count:
"""

# %% tags=["nbval-ignore-output"]
faces_16 = data.toy_faces(4000, size=16, core=True)
outside = {}
for lr in (5e-5, 5e-4):  # the paper's, and this lesson's
    torch.manual_seed(0)
    G, D = dcgan.pair(16, latent=64, features=16)
    optimizer = rmsprop(D, lr)
    batches = faces_16.batches(64)
    for _ in range(20):
        penalties.clip_weights(D, 0.01)  # before the step
        critic_step(D, G, optimizer, losses.Wasserstein(), next(batches), torch.randn(64, 64))
    weights = torch.cat([parameter.detach().flatten() for parameter in D.parameters()]).abs()
    outside[lr] = float((weights > 0.01).float().mean()), float(weights.max())
table([("学习率", "learning rate"), ("超出 0.01 的权重", "weights beyond 0.01"),
       ("最大的权重", "largest weight")],
      [[f"{lr:g}", f"{share:.0%}", f"{most:.4f}"] for lr, (share, most) in outside.items()])

# %% [markdown] tags=["lang-zh"]
r"""
先裁剪后更新，G 遇到的评论家总有一部分权重在范围之外，但只超出一步的长度（RMSprop 开头的一步，可以是学习率的好几倍）。学习率是论文的 0.00005 时，最大的权重只超出百分之几；像本课这样把学习率放大，就超出四分之一左右。对画出的图有没有影响，这里没有试。顺便一提：裁剪的是**全部**参数，批归一化的缩放 $\gamma$ 也在内，它本来在 1 左右，一下子被压到 0.01。作者的代码如此，我们的也如此。
"""

# %% [markdown] tags=["lang-en"]
r"""
With clipping first, the critic that G meets always has some weights out of range, but only by the length of one step (one of RMSprop's early steps may be several learning rates long). At the paper's learning rate of 0.00005 the largest weight is only a few per cent too large; with the larger rate of this lesson, about a quarter. We have not tried whether it shows in the pictures. By the way: **all** parameters are clipped, and among them the scale $\gamma$ of batch normalisation, which starts at about 1 and is pressed to 0.01 at once. The authors' code does so, and so does ours.
"""
# %% [markdown] tags=["lang-zh", "predict"]
r"""
## 怎样读 WGAN 的日志

### 先猜再跑 3：给评论家加 100

让评论家的每个分数都加上 100。下面六个数里，哪些会变？真图的分数，假图的分数，评论家的损失，差距，G 的损失，G 收到的梯度。

- A. 两个分数和 G 的损失。
- B. 只有两个分数：损失只看差。
- C. 两个分数和两个损失，差距和梯度不变。
- D. 除了梯度，其余五个都变。
"""

# %% [markdown] tags=["lang-en", "predict"]
r"""
## How to read a WGAN's log

### Predict, then run 3: add 100 to the critic

Let the critic add 100 to every score. Which of these six change: the score of real pictures, the score of fakes, the critic's loss, the gap, G's loss, the gradient that G receives?

- A. The two scores and G's loss.
- B. The two scores only: losses look at differences.
- C. The two scores and both losses, but not the gap or the gradient.
- D. All of them but the gradient.
"""

# %%
def readings(critic, real, fake):
    fake = fake.clone().requires_grad_(True)
    on_real, on_fake = critic(real), critic(fake)
    loss = losses.Wasserstein()
    slope, = torch.autograd.grad(loss.generator(on_fake), fake)
    found = [on_real.mean(), on_fake.mean(), loss.critic(on_real, on_fake),
             on_real.mean() - on_fake.mean(), loss.generator(on_fake), slope.norm()]
    return [value.item() for value in found]


torch.manual_seed(0)
judge = dcgan.critic(16, features=8).double()
pictures = faces_16[:64].signed().double()
noise = torch.rand(64, 3, 16, 16).double() * 2 - 1
before = readings(judge, pictures, noise)
after = readings(lambda images: judge(images) + 100, pictures, noise)
table([("量", "quantity"), ("原来", "before"), ("加 100 之后", "after adding 100")],
      [[name, f"{old:.3f}", f"{new:.3f}"]
       for name, old, new in zip(
           [("真图的分数", "score of real pictures"), ("假图的分数", "score of fakes"),
            ("评论家的损失", "critic's loss"), ("差距", "gap"), ("G 的损失", "G's loss"),
            ("G 的梯度范数", "norm of G's gradient")], before, after, strict=True)])

# %% [markdown] tags=["lang-zh", "predict"]
r"""
答案是 **A**。会变的是三个**不作差**的数：真图的分数、假图的分数、G 的损失；凡是作差的，常数都抵消了。学习只看梯度，梯度一点没变。所以单独一个分数没有意义，**有意义的是差距**。

### 先猜再跑 4：读一份真实的日志

alexshuang 写道，假设 D 的能力随 G 一起提高，那么看 GAN 生成得怎样，看 `fake_loss` 就行：越小，假图越真。（他的约定和我们相反：评论家让 `real_loss - fake_loss` 变小，差距是 `fake_loss - real_loss`。）在他用全部 CelebA 训练的日志里，从第 4 行到第 5 行，`fake_loss` 从 0.419 降到 -0.036。假图变得更真了吗？

- A. 是，`fake_loss` 降得很多。
- B. 没有，因为差距几乎没有变：从 0.435 到 0.448。
- C. 变差了，因为差距大了一点，说明评论家更容易分辨真假图了。
- D. 这份日志断定不了。
"""

# %% [markdown] tags=["lang-en", "predict"]
r"""
The answer is **A**. The three that change are those that are **not differences**: the score of real pictures, the score of fakes, G's loss; in a difference the constant cancels. Learning looks only at gradients, and these have not changed at all. So a single score means nothing; **what has a meaning is the gap**.

### Predict, then run 4: read a real log

alexshuang writes that, assuming D improves together with G, it is enough to look at `fake_loss` to judge a GAN: the smaller, the more real. (The sign is the opposite of ours: that critic makes `real_loss - fake_loss` small, and the gap is `fake_loss - real_loss`.) In the log of the run on all of CelebA, `fake_loss` falls from 0.419 in line 4 to -0.036 in line 5. Have the fakes become more real?

- A. Yes, `fake_loss` has fallen a lot.
- B. No, because the gap has hardly changed: from 0.435 to 0.448.
- C. They are worse, because the gap is a little larger, so that the critic tells them apart more easily.
- D. This log cannot tell.
"""

# %%
published = json.loads(Path("published_logs.json").read_text(encoding="utf-8"))
bedrooms, _, celebrities = published.values()  # fast.ai's notebook; alexshuang on 10 %, and on all
fake_loss, real_loss = (torch.tensor(celebrities[name]) for name in ("fake_loss", "real_loss"))
gap_faces, gap_bedrooms = fake_loss - real_loss, -torch.tensor(bedrooms["disc_loss"])
table([("行", "line"), "fake_loss", "real_loss", ("差距", "gap")],
      [[str(number), *(f"{value:.3f}" for value in values)] for number, values in
       enumerate(zip(fake_loss.tolist(), real_loss.tolist(), gap_faces.tolist(), strict=True), 1)])

figure, axes = plt.subplots(1, 2, figsize=(8, 2.8), layout="constrained")  # each has its own unit
axes[0].plot(range(1, 6), fake_loss, "o--", color=show.BLUE, label="fake_loss")
axes[0].plot(range(1, 6), gap_faces, "s-", color=show.ORANGE, label="gap")
axes[0].set(title="alexshuang, CelebA", xlabel="line of the log", ylabel="published value",
            xticks=range(1, 6))
axes[0].legend()
axes[1].plot(bedrooms["epoch"], gap_bedrooms, "s-", markersize=4, color=show.ORANGE)
axes[1].set(title="fast.ai, LSUN bedrooms", xlabel="epoch", ylabel="gap", ylim=(0, 1.15))
show.show(figure, "Two published logs, each with its own axes: on the left fake_loss falls, jumps "
                  "up and falls again while the gap falls and then levels off; on the right the "
                  "gap of thirty epochs falls, almost without a break, to a quarter")
say("左边画了 {left} 行，右边画了 {right} 轮，都是原文印出的数。",
    "Drawn: {left} lines on the left, {right} epochs on the right, as the originals print them.",
    left=len(gap_faces), right=len(gap_bedrooms))

# %% [markdown] tags=["lang-zh", "caption"]
r"""
**图 4-5** 两份公开的日志，数是原文里印出的。两张图的网络、数据、损失的尺度都不同，单位也就不同，高低**不能互相比较**。alexshuang 另有一份日志，只用 10% 的 CelebA，这里没有画：5 行里差距从 1.07 到 1.01。
"""

# %% [markdown] tags=["lang-en", "caption"]
r"""
**Fig. 4-5** Two published logs, with the numbers printed in the originals. Networks, data and scale differ between the two panels, and so do their units: heights must **not be compared** across them. A third log, alexshuang's on 10% of CelebA, is not drawn: in its 5 lines the gap goes from 1.07 to 1.01.
"""

# %% [markdown] tags=["lang-zh"]
r"""
答案是 **D**。`fake_loss` 降了 0.455，可是 `real_loss` 也降了 0.467：所有分数一起往下移，就像刚才给评论家加一个常数，所以 A 不对。但 B 和 C 也说得太多了。差距只有在评论家接近最好的 f 时才是距离；这里每行只是最后**一批**的数，带着一批的随机起伏，评论家跟没跟上也不知道。要下结论，得把一段时间的差距平均起来，再看图片本身。

右边的 30 轮，差距从 1.086 降到 0.254，几乎没有反复。它平滑得多，首先因为印出的就是平滑过的数：fast.ai 的 `disc_loss` 是评论家损失的指数滑动平均（见第 05 课），左边每一行只是一批。差距能说明什么，下面用实验来检验。
"""

# %% [markdown] tags=["lang-en"]
r"""
The answer is **D**. `fake_loss` fell by 0.455, but `real_loss` fell by 0.467: all scores slid down together, as if a constant were added to the critic, so A is wrong. But B and C claim too much as well. A gap is a distance only while the critic is close to the best f; each line here is that of the last **batch** alone, with all the scatter of a single batch, and whether the critic has kept up nobody knows. To conclude anything, average the gap over some time and look at the pictures themselves.

The 30 epochs on the right go from 1.086 to 0.254 with hardly a setback. It is so smooth first of all because smoothed numbers are printed: fast.ai's `disc_loss` is an exponential moving average of the critic's loss (see lesson 05), while a line on the left is one batch. What the gap can tell, the next experiment tests.
"""

# %% [markdown] tags=["lang-zh"]
r"""
## 训练：16×16 的脸

数据是用代码画的**玩具脸**和玩具卧室：没有真人，不用下载，而且知道一共有多少种（脸 96 种，卧室 54 种）。G 的输入是噪声，真图只给评论家看，哪个 $z$ 也不对应哪张真图；图片的像素归一化到 $[-1, 1]$，$z$ 不动。

先在 16×16 上训练，用裁剪，评论家走五步、G 走一步。差距要有意义，评论家就要接近最好的 $f$。所以论文作者的代码里，G 的前 25 步每一步之前，以及以后每 500 步，评论家先连走 100 步（我们的开关是 `warm_up=True`）；这里从简，开局让评论家先走 100 步。和第 01 课不同，评论家学得好在这里**是好事**：它的分数不会饱和，G 的梯度不会因此消失。

边训练边记两样东西：差距（最近 40 步的平均），以及 2,000 个样本到真图的弗雷歇距离（Fréchet distance，公式见第 02 课）。特征取自读图网络（`reader`，见第 03 课），它在玩具脸上训练，16×16 的图先放大一倍再给它看；它的数只能和用同一个网络算出的数比较：用这些特征，另外 2,000 张真图的距离约是 12。
"""

# %% [markdown] tags=["lang-en"]
r"""
## Training: faces of 16×16

The data are **toy faces** and toy rooms drawn by code: nobody's portrait, nothing to download, and we know how many kinds there are (96 of faces, 54 of rooms). G's input is noise; real pictures are for the critic only, and no $z$ is paired with any of them. Pixels are scaled to $[-1, 1]$; $z$ is not rescaled.

We begin at 16×16, with clipping, five steps of the critic for one of G. For the gap to mean something the critic has to be close to the best $f$. So in the authors' code it takes 100 steps in a row before each of G's first 25 steps and before every 500th later on (our switch is `warm_up=True`); here we keep it short and let the critic take 100 steps before the game starts. Unlike in lesson 01, a well-trained critic is **good** here: its scores do not saturate, so G's gradient does not fade.

While training we note two things: the gap (the mean of the last 40 steps), and the Fréchet distance of 2,000 samples from real pictures (formula in lesson 02). The features are those of the reading network (`reader`, see lesson 03), which learned on toy faces; pictures of 16×16 are shown to it at twice their size. Compare its numbers only with others from the same reader: in its features, 2,000 other real pictures have a distance of about 12.
"""

# %% tags=["nbval-ignore-output"]
reader = measure.factor_reader(faces_16)


def enlarged(images):
    """Every pixel four times: 16x16 becomes 32x32."""
    return images.repeat_interleave(2, 2).repeat_interleave(2, 3)


real_features = reader.features(enlarged(faces_16.images))
steps_16 = runtime.at_scale(smoke=20, default=400, full=20_000)
every = steps_16 // 10
seen = {"step": [], "gap": [], "distance": []}


def look(game):
    recent = game.history[-every:]
    seen["step"].append(game.step)
    seen["gap"].append(float((recent[:, 2] - recent[:, 3]).mean()))
    made = reader.features(enlarged(game.sample(2000)))
    seen["distance"].append(measure.frechet_distance(made, real_features))


small = recipes.wgan(16, features=16, latent=64, lr=5e-4)
head_start(small, faces_16, 100)
fit(small, faces_16, steps_16, watch=look, watch_every=every, snapshot_every=every)
show.filmstrip(small.snapshots, pictures=16,
               alt="Filmstrip at 16x16: rows of sixteen pictures from the same noise, from grey "
                   "speckles to small, coarse faces with dark hair on green and pink backgrounds")

# %% [markdown] tags=["lang-zh", "caption"]
r"""
**图 4-6** 每一列是同一个 $z$，从上到下是训练的不同时刻。400 步之后看得出是脸，还很粗糙。
"""

# %% [markdown] tags=["lang-en", "caption"]
r"""
**Fig. 4-6** Each column is one $z$, from top to bottom at different moments of training. After 400 steps you can tell that they are faces, if coarse ones.
"""

# %%
fresh = reader.features(enlarged(data.toy_faces(2000, size=16, seed=5, core=True).images))
floor = measure.frechet_distance(fresh, real_features)
figure, axes = plt.subplots(1, 2, figsize=(8, 2.8), layout="constrained")
axes[0].plot(seen["step"], seen["gap"], "s-", color=show.ORANGE)
axes[0].set(xlabel="step of G", ylabel="gap", ylim=(0, None))
axes[1].plot(seen["step"], seen["distance"], "o-", color=show.BLUE)
axes[1].axhline(floor, color=show.GREY, linestyle=":")
axes[1].annotate("floor: other real faces", (seen["step"][0], floor), xytext=(0, 4),
                 textcoords="offset points", fontsize=8)
axes[1].set(xlabel="step of G", ylabel="Frechet distance, log scale", yscale="log")
show.show(figure, "Two curves over training, each with its own axis: on the left the critic's gap "
                  "falls, fast at first; on the right the distance of the samples from real "
                  "pictures falls on a logarithmic scale, and is still far above the floor")

# %% [markdown] tags=["lang-zh", "caption"]
r"""
**图 4-7** 左：评论家的差距。右：样本到真图的弗雷歇距离，纵轴是对数，虚线是另外 2,000 张真图的距离（下限）。两条线一起下降，可是这还证明不了什么。
"""

# %% [markdown] tags=["lang-en", "caption"]
r"""
**Fig. 4-7** Left: the critic's gap. Right: the Fréchet distance of samples from real pictures, on a log scale; the dotted line is that of 2,000 other real pictures (the floor). Both curves fall together, which proves little as yet.
"""
# %% [markdown] tags=["lang-zh"]
r"""
### 一个有可能不通过的检验

训练中凡是一路下降的两个量，秩相关（rank correlation，只看次序的相关系数，1 表示次序完全一致）都会很高：图 4-7 的两条线就是这样。一个检验要有价值，就必须有可能不通过。`python -m studies.lesson04 progress` 做了两个这样的检验。

1. **平坦的一段。** 走满 2,000 步，只看**后一半**：大幅下降结束之后，还能凭差距分出图的好坏吗？
2. **不同的网络和设置。** 走同样的步数，只换网络的宽度（`features`）或学习率：差距小的那一个，图就更好吗？

第一个检验裁剪和梯度惩罚（WGAN-GP）各做两个种子，网络比图 4-6 的窄一半（`features` 为 8），`n_critic` 裁剪是 5，惩罚是 2，所以两种方法之间差的不只是约束。第二个检验里，300 步的两行来自两项研究，量法略有不同（样本 2,000 张和 1,000 张，差距取 100 步和 25 步的平均）；400 步的各行量法相同，但只有一个种子。
"""

# %% [markdown] tags=["lang-en"]
r"""
### A test that can fail

Any two quantities that fall throughout training have a high rank correlation (which looks at the order alone; 1 is the same order), and the curves of Fig. 4-7 are two of them. A test is worth something only if it can come out against the gap. `python -m studies.lesson04 progress` makes two such tests.

1. **The flat end.** Train for 2,000 steps and look at the **second half** only: once the great fall is over, can the gap still tell good pictures from bad?
2. **Different networks and settings.** Give each as many steps and change only the width of the networks (`features`) or the learning rate: does the smaller gap have the better pictures?

The first was made with two seeds each of clipping and of the gradient penalty (WGAN-GP), with networks half as wide as those of Fig. 4-6 (`features` of 8) and an `n_critic` of 5 with clipping and of 2 with the penalty, so the two methods differ in more than the constraint. In the second, the two rows of 300 steps come from two studies that measure a little differently (2,000 and 1,000 samples, a gap averaged over 100 and 25 steps); all rows of 400 steps are measured alike, but have one seed only.
"""

# %%
progress = study("gap")
figure, axes = plt.subplots(2, 2, figsize=(8, 4.2), sharex=True, layout="constrained")
for column, (way, title) in enumerate((("clip", "clipping"), ("gp", "WGAN-GP"))):
    for run in progress["runs"][way].values():
        axes[0, column].plot(run["step"], run["gap"], "s-", markersize=3, color=show.ORANGE,
                             alpha=0.6)
        axes[1, column].plot(run["step"], run["distance"], "o-", markersize=3, color=show.BLUE,
                             alpha=0.6)
    axes[0, column].set(title=title, ylabel="gap, log scale", yscale="log")
    axes[1, column].set(xlabel="step of G", ylabel="Frechet distance, log", yscale="log")
show.show(figure, "Four panels against the step of G, a line for each seed. Clipping: gap above and "
                  "distance below go up and down in the first 400 steps, then both fall slowly. "
                  "WGAN-GP: the gap drops early, then rises slowly, while the distance below goes "
                  "on falling, slowly and with small setbacks")

# %% [markdown] tags=["lang-zh", "caption"]
r"""
**图 4-8** 左：裁剪。右：WGAN-GP。上：差距。下：弗雷歇距离。纵轴都是对数，每条线是一个种子。右边的差距先降后升，距离却大体上还在降。
"""

# %% [markdown] tags=["lang-en", "caption"]
r"""
**Fig. 4-8** Left: clipping. Right: WGAN-GP. Top: the gap. Bottom: the Fréchet distance. Both on log scales; each line is a seed. On the right the gap falls and then rises, while the distance, on the whole, keeps falling.
"""

# %%
def of_seeds(runs, key, form):
    """Return what each seed gave, in one cell of a table."""
    return "  ".join("-" if run[key] is None else format(run[key], form) for run in runs.values())


table([("方法", "method"), ("秩相关，全程，每个种子", "rank correlation, whole run, each seed"),
       ("后一半，每个种子", "second half, each seed")],
      [[name, of_seeds(progress["runs"][way], "rho_all", ".2f"),
        of_seeds(progress["runs"][way], "rho_second", ".2f")]
       for way, name in (("clip", ("裁剪", "clipping")), ("gp", "WGAN-GP"))])

# %%
narrow, wide = progress["runs"]["clip"], study("rates")["gap"]
at_300 = narrow["0"]["step"].index(300)  # the wide ones were looked at up to step 300
table([("方法", "method"), ("网络", "network"), ("步数", "steps"), ("差距，每个种子", "gap, each seed"),
       ("弗雷歇距离，每个种子", "Fréchet distance, each seed")],
      [[("裁剪", "clipping"), "features 8", "300",
        "  ".join(f"{run['gap'][at_300]:.4f}" for run in narrow.values()),
        "  ".join(f"{run['distance'][at_300]:.0f}" for run in narrow.values())],
       [("裁剪", "clipping"), "features 32", "300",
        "  ".join(f"{run['gap'][-1]:.4f}" for run in wide.values()),
        "  ".join(f"{run['distance'][-1]:.0f}" for run in wide.values())],
       *[[name, network, str(progress["at"]), of_seeds(found, "gap", ".2g"),
          of_seeds(found, "distance", ".0f")]
         for way, name in (("clip", ("裁剪", "clipping")), ("gp", "WGAN-GP"))
         for network, found in progress["networks"][way].items() if found]])

# %% [markdown] tags=["lang-zh"]
r"""
两个检验里都有不通过的。

- **平坦的一段。** 裁剪的差距，两个种子都通过了；但后一半里差距和距离仍在一起慢慢地降，通过了也说明不了多少。WGAN-GP 的差距，两个种子都没有通过：种子 0 的差距到第 700 步降到 0.458，此后慢慢**回升**到 0.836，弗雷歇距离却从 1,512 继续降到 958。只看差距，会以为后 1,300 步越训练越差。一种解释是：评论家同时也在变强，它看出的差别变大，盖过了 G 的进步。这里没有单独检验。
- **不同的网络和设置。** 用裁剪，300 步时，宽的网络差距是窄的好几倍，图却好得多。400 步的三种宽度也是这样：`features` 从 4 到 8 到 16，差距从 0.0026 升到 0.0033 和 0.0075，距离却从 3,335 降到 1,572 和 878，次序正好相反。很可能是因为层宽了，同样的 $c$ 容许更大的斜率，单位变了。可是在裁剪的 400 步各行里，学习率 0.0001 的差距最大，图也最差；WGAN-GP 的三种宽度，差距小的图都好（每种宽度一个种子）。次序有时对、有时反，事先又不知道会是哪一种，就不能用来排名。

所以差距不能当作评价指标，就是在**同一次训练**里，它也可能和图背道而驰：它要求评论家一直接近最好的 $f$，而这一点从日志里看不出来。WGAN 的论文也说，差距的尺度由评论家决定，不同的评论家之间难以比较；至于同一次训练之内，论文报告的是差距越小、图越好，这里用裁剪的两次（`n_critic` 是 5）与此相符，用惩罚的两次（`n_critic` 是 2）不然；是约束、步数、优化器，还是评论家的批归一化，没有分开试。差距也说不出漏了哪种脸。要知道图好不好，就量图。
"""

# %% [markdown] tags=["lang-en"]
r"""
Both tests came out against the gap at least once.

- **The flat end.** With clipping the gap passed on both seeds; but gap and distance still fall together, slowly, all through the second half, so this has little weight. With WGAN-GP it failed on both: for seed 0 the gap falls to 0.458 by step 700 and then slowly **rises** to 0.836, while the Fréchet distance goes on falling from 1,512 to 958. Whoever looks at the gap alone takes the last 1,300 steps for a decline. One explanation is that the critic grows stronger meanwhile, sees more differences, and that this outweighs G's progress. We have not tested it separately.
- **Different networks and settings.** With clipping, after 300 steps, the wide networks have a gap several times that of the narrow ones, and far better pictures. So it is with the three widths after 400: with `features` of 4, 8 and 16 the gap rises from 0.0026 to 0.0033 and 0.0075, while the distance falls from 3,335 to 1,572 and 878, just the other way round. A likely reason is that in a wider layer the same $c$ allows a larger slope: the unit has changed. But among the clipped rows of 400 steps the one with a learning rate of 0.0001 has the largest gap and the worst pictures, and with WGAN-GP the three widths have the better pictures where the gap is smaller (one seed for each width). An order that is sometimes right and sometimes reversed, nobody knows beforehand which, cannot rank anything.

So the gap is no evaluation metric, and even within **one and the same run** it may go against the pictures: it needs a critic that stays close to the best $f$, which a log does not tell. WGAN's paper, too, says that the scale of the gap depends on the critic, which makes models with different critics hard to compare. Within one run it reports better pictures with a smaller gap; our two clipped runs (`n_critic` is 5) agree, the two with the penalty (`n_critic` is 2) do not; whether the constraint, the number of steps, the optimizer or the critic's batch normalisation makes the difference was not separated. Nor does the gap say which faces are missing. To know how good the pictures are, measure the pictures.
"""

# %% [markdown] tags=["lang-zh"]
r"""
## 裁剪与梯度惩罚：32×32 的脸

现在让两种方法比一场。网络相同，只有一处不同：WGAN-GP 的评论家没有批归一化（前面说过原因）。优化器各用各的，RMSprop 和 Adam。时间相同：各用一个核心的 60 秒，按每步的用时折算成步数；下面在课上只走一半的步数，看看图，完整的结果在后面的表里。学习率都取各自论文的 10 倍：裁剪 0.0005，WGAN-GP 0.001；没有为哪一方仔细调过，所以小的差别不必当真。`n_critic` 都是 2。后面表里的样本用指数滑动平均（EMA）的权重来画；课上这张半途的图用最新的权重，因为只走了几百步，EMA 里还带着早先的权重，画出来会发灰。
"""

# %% [markdown] tags=["lang-en"]
r"""
## Clipping against the gradient penalty: faces of 32×32

Now a match between the two. The networks are the same but for one thing: WGAN-GP's critic has no batch normalisation, for the reason above. Each keeps its own optimiser, RMSprop or Adam. Both get the same time: 60 seconds of one core each, turned into a number of steps by timing each method. Below, the lesson itself takes half of these steps, to see pictures; the full result is in the table after them. The learning rates are 10 times their paper's: 0.0005 for clipping, 0.001 for WGAN-GP; neither was tuned with care, so small differences mean little. Both have an `n_critic` of 2. The samples of the table are painted with the exponential moving average (EMA) of the weights; the half-way pictures of the lesson with the newest weights, because after a few hundred steps the EMA still carries early ones and paints grey.
"""

# %%
contest = study("recipes")
faces_32 = data.toy_faces(10_000, size=32, core=True)
network = {"features": 16, "latent": 64, "ema": 0.99, "precision": "auto"}


def steps_for(name):
    """Return half as many steps as the study made in 60 seconds of one core."""
    return runtime.at_scale(smoke=10, default=contest["steps"][name] // 2, full=50_000)


clip_32 = recipes.wgan(32, n_critic=2, lr=5e-4, **network)
clip_32 = fit(clip_32, faces_32, steps_for("clip"))

# %%
gp_32 = recipes.wgan_gp(32, n_critic=2, lr=1e-3, **network)
view = lab.TrainingView()
gp_32 = fit(gp_32, faces_32, steps_for("gp"), watch=view,
            watch_every=max(1, steps_for("gp") // 20), progress=False)

# %% [markdown] tags=["lang-zh"]
r"""
上面的训练视图在训练时就在动：同一组噪声画出的图，两个损失，评论家给真图和假图的分数（两条线的距离就是差距），速度，还剩多久。训练完可以拖动滑块回放。按笔记本的 ■ 会在这一步之后停下，再运行一次 `fit` 就接着走。
"""

# %% [markdown] tags=["lang-en"]
r"""
The training view above moves while the network trains: what the same noise becomes, both losses, the critic's scores of real pictures and fakes (the distance of the two lines is the gap), speed and time left. Afterwards a slider replays the run. The notebook's ■ stops it after the current step, and another `fit` goes on from there.
"""

# %%
show.gallery({"toy faces": faces_32.images[:12], "clipping": clip_32.sample(32)[:12],
              "WGAN-GP": gp_32.sample(32)[:12]}, columns=12,
             alt="Three rows of twelve pictures: toy faces; faces painted with clipping; faces "
                 "painted by WGAN-GP. Hair and outlines can be made out in both rows of samples; "
                 "features are blurred or broken, and the backgrounds are patchy")

# %% [markdown] tags=["lang-zh", "caption"]
r"""
**图 4-9** 上：训练数据。中：裁剪。下：WGAN-GP。各走一半的步数，最新的权重，没有挑选过。两种方法的样本都还粗糙。哪一种更好，十二张图说不准，要量。
"""

# %% [markdown] tags=["lang-en", "caption"]
r"""
**Fig. 4-9** Top: training data. Middle: clipping. Bottom: WGAN-GP. Half of the steps each, newest weights, samples not chosen. Both are still coarse. Which is better twelve pictures cannot tell; it has to be measured.
"""

# %% [markdown] tags=["lang-zh"]
r"""
用数来说。`measure.factor_coverage` 让读图网络读出每张脸的七个因素（肤色、发色、发型、眼镜、嘴、衣服、背景）。一张图**算数**（counted），要每一项都有九成把握，而且读出的值都在数据里出现过。**组合数**是算数的图里，96 种组合出现了几种；**反向 KL** 是各组合所占的比例离均匀有多远：就是第 02 课的 $\mathrm{KL}(q \Vert p)$，$q$ 是生成的比例，写在前面，所以叫“反向”。下面是走完 60 秒的结果，各取 10,000 个样本、3 个种子；第三行是第 03 课画数字的 DCGAN 配方（学习率 0.001），同样的网络宽度，同样的秒数；最后一行是另外 10,000 张真图。
"""

# %% [markdown] tags=["lang-en"]
r"""
Now in numbers. `measure.factor_coverage` lets the reading network read the seven factors of every face (skin, hair colour, hair style, glasses, mouth, shirt, background). A picture **counts** if the network is nine-tenths sure of every factor and every value is one that the data have. The **combinations** are how many of 96 occur among the pictures that count; the **reverse KL** is how far the shares of the combinations are from even: it is lesson 02's $\mathrm{KL}(q \Vert p)$, "reverse" because $q$, the generated shares, stands first. These are the results after all 60 seconds, 10,000 samples each and 3 seeds; the third row is lesson 03's recipe for digits, DCGAN with a learning rate of 0.001, with networks as wide and as many seconds; the last row is 10,000 other real pictures.
"""

# %%
columns = (("frechet", ".0f"), ("seen", "d"), ("kl", ".2f"), ("counted", ".0%"))
table([("方法", "method"), ("步数", "steps"), ("弗雷歇距离", "Fréchet distance"),
       ("组合数", "combinations"), ("反向 KL", "reverse KL"), ("算数的", "counted")],
      [[name, f"{contest['steps'][way]:,}",
        *(of_seeds(contest["runs"][way], key, form) for key, form in columns)]
       for way, name in (("clip", ("裁剪", "clipping")), ("gp", "WGAN-GP"), ("dcgan", "DCGAN"))]
      + [[("真图", "real"), "", *(of_seeds({"": contest["floor"]}, key, form)
                                 for key, form in columns)]])

# %% [markdown] tags=["lang-zh"]
r"""
怎么读这张表：

- **弗雷歇距离**：走完全程，WGAN-GP 在 3 个种子上都最小，560 到 604；裁剪是 704 到 761，DCGAN 是 745 到 1,425。算数的也比裁剪多，20% 到 22% 对 16% 到 18%。惩罚要多一次反向传播，同样的秒数里 WGAN-GP 走的步数只有裁剪的三分之二，这些都已经算在内。
- **组合**：裁剪的反向 KL 在 3 个种子上都更小，0.43 到 0.50，WGAN-GP 是 0.59 到 0.64；种数是 93 或 94，对 89 到 93，在 93 处相接，分不出。
- **DCGAN** 步数最多，算数的图也不少，有两个种子却只剩 51 种组合，反向 KL 超过 1：这是模式崩溃（mode collapse）的样子。两种 WGAN 在 3 个种子上都没有出现。

所以在这个预算下，这样设置的 WGAN-GP 比裁剪画得更像，组合没有更全；两种 WGAN 的组合数在每个种子上都多于 DCGAN，不过按反向 KL，DCGAN 的种子 0（0.43）不输裁剪。（3 个种子对 3 个，全都分得开的次序，碰巧出现的机会是 1/20。）三者离真图都还很远。
"""

# %% [markdown] tags=["lang-en"]
r"""
How to read the table:

- **Fréchet distance**: after all steps WGAN-GP has the smallest on all 3 seeds, 560 to 604; clipping has 704 to 761, DCGAN 745 to 1,425. More of its pictures count than with clipping, 20% to 22% against 16% to 18%. The penalty needs another backward pass, so in the same seconds WGAN-GP makes only two thirds of the steps of clipping; that is already paid for here.
- **Combinations**: clipping has the smaller reverse KL on all 3 seeds, 0.43 to 0.50 against 0.59 to 0.64 for WGAN-GP; the number of combinations, 93 or 94 against 89 to 93, meets at 93 and is not told apart.
- **DCGAN** makes the most steps, and a fair share of its pictures count, but two seeds have only 51 combinations left and a reverse KL above 1: that is what mode collapse looks like. With either WGAN it did not occur on any of the 3 seeds.

So with this budget WGAN-GP as set here paints more realistically than clipping and covers no more; both WGANs keep more combinations than DCGAN on every seed, though by reverse KL DCGAN's seed 0 (0.43) is as good as clipping. (With 3 seeds against 3, an order that holds for all of them comes up by luck in 1 case of 20.) All three are still far from real pictures.
"""

# %% [markdown] tags=["lang-zh"]
r"""
## 先小后大：逐步放大

这一节选读。fast.ai 的笔记本建议先用小图训练，再逐步放大尺寸，但没有做下去。Karras 等人（[2018](https://arxiv.org/abs/1710.10196)）把它做到了 1024×1024，叫作**渐进式增长**（progressive growing），损失用的正是 WGAN-GP。论文从 4×4 开始，每次添两层卷积；我们的做法简单些：网络在 16×16 上训练好之后，G 和评论家在靠近图片的一头各添一层，里面的层继承下来。新的层不是一下子换上，而是**淡入**（fade in）：

$$G_{\text{out}} = (1 - a)\,\mathrm{enlarge}(\text{old}) + a\,\text{new}$$

$a$ 从 0 线性升到 1。$a = 0$ 时，画出的正是放大一倍的小图；$a = 1$ 时，旧的一路就不再起作用。评论家那边是它的镜像：旧的一路看缩小一半的图，新的一路看原图。这样，已经训练好的里层不会突然遇到一头全新的随机权重。`nets/growing.py` 里的代码不长：
"""

# %% [markdown] tags=["lang-en"]
r"""
## Small first: gradual resizing

This section is optional. fast.ai's notebook advises to train on small pictures first and to resize gradually, but does not go on to do it. Karras et al. ([2018](https://arxiv.org/abs/1710.10196)) went all the way to 1024×1024 and call it **progressive growing**; their loss is WGAN-GP. The paper begins at 4×4 and adds two convolutions at each size; ours is simpler: when the networks have learned at 16×16, G and critic each get one more layer at the picture's end and inherit the inner ones. The new layer does not take over at once; it is **faded in**:

$$G_{\text{out}} = (1 - a)\,\mathrm{enlarge}(\text{old}) + a\,\text{new}$$

where $a$ rises linearly from 0 to 1. With $a = 0$ the output is exactly the small picture at twice its size; with $a = 1$ the old path has no say any more. The critic is the mirror image: its old path sees the picture at half its size, its new path all of it. So the trained inner layers do not suddenly meet random weights. The code in `nets/growing.py` is short:
"""

# %%
print(inspect.getsource(growing.FadedGenerator))

# %% [markdown] tags=["lang-zh"]
r"""
值不值得？`python -m studies.lesson04 growth` 从 16 到 32 再到 64，和一开始就用 64×64 比，时间相同（每次一个核心的 120 秒），都用 WGAN-GP；第三种做法继承里层，但不淡入，直接换上新层。
"""

# %% [markdown] tags=["lang-en"]
r"""
Is it worth it? `python -m studies.lesson04 growth` goes from 16 to 32 to 64 and compares with starting at 64×64 in the same time (120 seconds of one core each), with WGAN-GP throughout. A third way inherits the inner layers but does not fade: the new layers are put in at once.
"""

# %%
growth = study("growth")
names = {"faded": "grown, faded in", "carried": "grown, not faded", "scratch": "64x64 from the start"}
figure, axis = plt.subplots(figsize=(7.5, 3.2), layout="constrained")
for (way, runs_of_way), (color, marker, dashes) in zip(growth["runs"].items(), show.LINES,
                                                       strict=False):
    for number, run in enumerate(runs_of_way.values()):
        axis.plot(run["seconds"], run["distance"], dashes, color=color, marker=marker,
                  markersize=4, alpha=0.7, label=names[way] if number == 0 else None)
floor_64 = growth["floor"]["frechet"]
axis.axhline(floor_64, color=show.GREY, linestyle=":")
axis.annotate("floor: other real faces", (0, floor_64), xytext=(0, 4), fontsize=8,
              textcoords="offset points")
axis.set(xlabel="seconds of one core", ylabel="Frechet distance, log scale", yscale="log",
         xlim=(0, None))
axis.legend(fontsize=9)
axis.spines[["top", "right"]].set_visible(False)
show.show(figure, "Distance of the samples from real faces against seconds, three ways: faded in, it "
                  "falls, rises at each change of size and falls again; not faded, it jumps up at "
                  "each change; from the start at 64x64 it falls slowly; the floor is a dotted line "
                  "far below all of them")

# %% [markdown] tags=["lang-zh", "caption"]
r"""
**图 4-10** 样本到真图的弗雷歇距离，纵轴是对数，读图网络看的是 32×32 的图。每种做法两条线，各一个种子。淡入的在每次放大之后升一阵，再降下来；不淡入的在换上新层之后第一次量就已猛升；一开始就用 64×64 的起步最慢。虚线是另外一批真图。
"""

# %% [markdown] tags=["lang-en", "caption"]
r"""
**Fig. 4-10** Fréchet distance of samples from real pictures, on a log scale; the reading network sees them at 32×32. Each way has two lines, one a seed. Faded in, it rises for a while after each change of size and falls again; without fading it has shot up by the first look after the new layers are put in; from the start at 64×64 it begins most slowly. The dotted line is another set of real pictures.
"""

# %% [markdown] tags=["lang-zh"]
r"""
每种做法有**两个**种子（0 和 1），设置和前面不同：`n_critic` 是 1，惩罚每 4 步加一次。最后的数取 10,000 个样本：

- **不淡入，在 64×64 上坏处很大。** 途中各次都用滑动平均的权重（0.99）来量，每次放大都重新开始平均：在 64×64 上，不淡入的第一次量时，平均里还有 29% 是刚换上随机新层时的那一份；淡入途中，平均也落在后面。所以猛升的高度有一部分来自平均，最后的数不受影响。淡入的还在每个尺寸的半途换上新的优化器，这一处没有分开。种子 0：直接换上新层，距离从 780 猛升到 12,724，到时间用完还有 3,077；淡入的升到 3,258 又降下来，最后是 1,313。种子 1 的最后是 3,381 对 1,112。在 32×32 上只是绕了弯路：距离也猛升到 9,500 左右，可是到第 66 秒，不淡入的是 780 和 648，淡入的是 598 和 832，一个种子差，一个种子好。到了 64×64，还没有补回来，时间就用完了。
- **淡入比从头训练好，两个种子都是**：种子 0 的距离是 1,313 对 1,634，算数的 8.8% 对 7.9%；种子 1 的距离是 1,112 对 2,097。只有两个种子，领先多少还说不准。
- **最好的一刻不在 64×64。** 种子 0 第 66 秒还在 32×32，距离是 598，此后放大到 64×64，再没有回到这么近；种子 1 也是这样。不过读图网络看的是 32×32 的图，看不见更细的地方，这样量对 32×32 有利。

所以能说的是：要画 64×64，先小后大、淡入新层，在这两次试验里更好；可是两分钟的 CPU 时间和这么窄的网络（64×64 时 `features` 只有 8）看来不够画 64×64，是哪一样不够，我们分不出来。论文里每一个阶段给评论家看 800,000 张真图，是另一个数量级。
"""

# %% [markdown] tags=["lang-en"]
r"""
There are **two** seeds of each way (0 and 1). The settings are not those above: `n_critic` is 1, and the penalty is added on every 4th step. The last numbers are from 10,000 samples:

- **Not to fade does great harm at 64×64.** All looks on the way use the moving average of the weights (0.99), which begins anew whenever the pictures grow: at the first look without fading at 64×64, 29% of it is still the first copy, with the new layers random, and while a layer fades in, the average lags behind. So part of the height of the jumps is the average's; the numbers at the end are not affected. The faded run also gets new optimizers half-way through each size, which was not separated. Seed 0: with the new layers put in at once the distance shoots up from 780 to 12,724, and when time is up it is 3,077; faded in, it climbs to 3,258, comes down again, and ends at 1,313. Seed 1 ends at 3,381 against 1,112. At 32×32 it is a detour only: the distance shoots up to about 9,500, too, but by 66 seconds it is 780 and 648, against 598 and 832 with fading, worse on one seed and better on the other. At 64×64 time is up before the jump has been made good.
- **Fading in beats training from scratch, on both seeds**: for seed 0 it is a distance of 1,313 against 1,634, and 8.8% of the pictures count against 7.9%; for seed 1 a distance of 1,112 against 2,097. By how much it is ahead, two seeds cannot tell.
- **The best moment is not at 64×64.** For seed 0 after 66 seconds, still at 32×32, the distance is 598; once at 64×64 it never gets that close again, and seed 1 does likewise. But the reading network sees pictures at 32×32 and does not see anything finer, which favours 32×32.

So this much can be said: to paint 64×64, beginning small and fading in was better in these two trials; but two minutes of CPU and networks this narrow (`features` of 8 at 64×64) seem too little for 64×64; we cannot tell which of the two falls short. In the paper the critic is shown 800,000 real pictures in every phase, which is another order of magnitude.
"""

# %% [markdown] tags=["lang-zh"]
r"""
## 训练久一点：脸和卧室

本课的半分钟画不出好图。下面两张是**事先训练、存下来的**：WGAN-GP，32×32，`features` 为 24，惩罚每 2 步加一次，它的权重和学习率都逐渐减小，一个核心，一个种子，脸训练约 7 分钟，卧室约 5 分钟（`python -m studies.lesson04 gallery`）。每张图上面两行是训练数据，下面六行是没有挑选过的样本：

![两行玩具脸，下面六行生成的脸：发型、眼镜和条纹衣服都认得出，不少边缘毛糙、五官模糊](../images/lesson04_faces.png)

![两行玩具卧室，下面六行生成的卧室：床、窗、灯、画都齐全，墙上有斑点，几张床颜色混杂](../images/lesson04_rooms.png)

| 各 10,000 张 | 弗雷歇距离 | 组合数 | 反向 KL | 算数的 |
|---|---|---|---|---|
| 脸，WGAN-GP，7 分钟 | 178 | 96 | 0.18 | 36% |
| 脸，SN-GAN，两个核心，五六分钟 | 30 | 96 | 0.06 | 56% 到 63% |
| 另外 10,000 张玩具脸（参照） | 2 | 96 | 0.004 | 99% |
| 卧室，WGAN-GP，5 分钟 | 668 | 54 | 0.09 | 77% |
| 另外 10,000 张玩具卧室（参照） | 2 | 54 | 0.002 | 100% |

脸和卧室的距离用两个不同的读图网络算出，不能互相比较。组合都齐了：96 种脸、54 种卧室；算数的脸有三分之一多一点，卧室有四分之三。第二行是课程的另一个配方 `recipes.sngan`（它的图在第 03 课）：不裁剪权重，也不加惩罚，而是把评论家每一层的权重除以它的最大奇异值（又叫谱范数），这叫谱归一化（spectral normalisation，[Miyato 等，2018](https://arxiv.org/abs/1802.05957)），目的同样是限制斜率。这两行不是公平的比较：SN-GAN 用了两个核心，`features` 是 32，花的计算更多，看的真图也有 20,000 张，多一倍；它算数的比例没有直接记下，只知道在 56% 和 63% 之间；这是种子 0，另外四个种子的反向 KL 是 0.057 到 0.152。想画得更好，可以接着试它。
"""

# %% [markdown] tags=["lang-en"]
r"""
## A longer run: faces and bedrooms

Half a minute, as in this lesson, does not paint good pictures. The two below were **trained beforehand and stored**: WGAN-GP at 32×32, with `features` of 24, the penalty on every 2nd step, its weight and the learning rate both fading, on one core, one seed, about 7 minutes for the faces and 5 for the bedrooms (`python -m studies.lesson04 gallery`). In each, two rows of training data stand above six rows of samples that nobody chose:

![Two rows of toy faces above six rows of generated faces: hair, glasses and striped shirts can be made out, many have rough edges and blurred features](../images/lesson04_faces.png)

![Two rows of toy bedrooms above six rows of generated ones: bed, window, lamp and picture are all there, walls are speckled, a few beds have mixed colours](../images/lesson04_rooms.png)

| 10,000 of each | Fréchet distance | Combinations | Reverse KL | Counted |
|---|---|---|---|---|
| faces, WGAN-GP, 7 minutes | 178 | 96 | 0.18 | 36% |
| faces, SN-GAN, two cores, five to six minutes | 30 | 96 | 0.06 | 56% to 63% |
| 10,000 other toy faces (reference) | 2 | 96 | 0.004 | 99% |
| bedrooms, WGAN-GP, 5 minutes | 668 | 54 | 0.09 | 77% |
| 10,000 other toy bedrooms (reference) | 2 | 54 | 0.002 | 100% |

The distances of faces and of bedrooms come from two reading networks and must not be compared. All combinations occur, 96 of faces and 54 of bedrooms; a little more than a third of the faces count, and three quarters of the bedrooms. The second row is another recipe of the course, `recipes.sngan` (its pictures are in lesson 03): no clipping and no penalty; the weights of each of the critic's layers are divided by their largest singular value (their spectral norm). This is spectral normalisation ([Miyato et al. 2018](https://arxiv.org/abs/1802.05957)), and its aim is the same: to bound the slope. The two rows are no fair match: SN-GAN had two cores and `features` of 32, and so more computation, and 20,000 real pictures, twice as many; its share that counts was not recorded, and lies between 56% and 63%; it is seed 0, and four other seeds have a reverse KL of 0.057 to 0.152. If you want better pictures, try it next.
"""

# %% [markdown] tags=["lang-zh", "failure-of-the-day", "predict"]
r"""
## 典型失败案例：样本看上去都一样

有梯度惩罚，评论家就不能有批归一化。那么裁剪的 WGAN 也去掉它，行不行？把**两个**网络的批归一化一起去掉，G 的样本起初看上去几乎都一样，很容易就怪到评论家头上。可是 G 的批归一化也没有了：未训练的 G，对不同的 $z$ 画出的图几乎相同，同一像素的标准差（取值在 -1 到 1 之间）只有 0.0018，有批归一化时是 0.077（种子 0，`lesson04_norms.json`）。一次改了两处，原因就说不清。正确的做法是 $2 \times 2$ 的对照：G 有或没有，评论家有或没有，其余全都相同。

### 先猜再跑 5：是哪一个网络？

裁剪，16×16，各走 150 步，量样本到真图的弗雷歇距离。只去掉 G 的批归一化，和只去掉评论家的，哪一个坏处大？

- A. 只去掉 G 的坏处大：它未训练时的样本就几乎一样，很难再分开。
- B. 只去掉评论家的坏处大。
- C. 单独去掉哪一个都没有坏处，两个都去掉才会出问题。
- D. 差不多大：批归一化只是让训练快一些。
"""

# %% [markdown] tags=["lang-en", "failure-of-the-day", "predict"]
r"""
## The failure of the day: samples that look alike

With a gradient penalty the critic must do without batch normalisation. Can a clipped WGAN drop it, too? Take it out of **both** networks, and at first the samples look nearly alike; it is tempting to blame the critic. But G has lost its batch normalisation as well: before any training the pictures that G paints for different $z$ are nearly equal, with a standard deviation of a pixel (between -1 and 1) of only 0.0018, against 0.077 with it (seed 0, `lesson04_norms.json`). With two changes at once the cause cannot be named. The proper way is a $2 \times 2$ experiment: G with or without, the critic with or without, all else equal.

### Predict, then run 5: which network is it?

Clipping, 16×16, 150 steps each; we measure the Fréchet distance of the samples from real pictures. Which does more harm, to take batch normalisation out of G alone, or out of the critic alone?

- A. Out of G alone: its untrained samples are nearly equal, and hard to tell apart ever after.
- B. Out of the critic alone.
- C. Neither alone does any harm, only both together do.
- D. They are about equal: batch normalisation only makes training a little faster.
"""

# %%
def at_the_edge(critic, limit=0.01):
    """Return the share of the critic's weights within 1 % of the limit."""
    weights = torch.cat([p.detach().flatten() for p in critic.parameters()])
    return float((weights.abs() > 0.99 * limit).float().mean())


pairs = ("batch/batch", "none/batch", "batch/none", "none/none")  # of G / of the critic
steps_flat = runtime.at_scale(smoke=10, default=150, full=150)
games = {}
for pair in pairs:
    in_g, in_critic = pair.split("/")
    games[pair] = recipes.wgan(16, features=16, latent=64, lr=5e-4, norm=in_g,
                               critic_norm=in_critic)
    fit(games[pair], faces_16, steps_flat, progress=False)
show.gallery({f"BatchNorm in G: {'yes' if 'batch/' in pair else 'no'}, in the critic: "
              f"{'yes' if '/batch' in pair else 'no'}": game.sample(24)
              for pair, game in games.items()}, columns=24,
             alt="Four rows of twenty-four pictures at 16x16 after 150 steps, one row for each "
                 "combination: small coarse faces that differ where both have BatchNorm; grey, "
                 "blurred ones where only the critic has it; where it has none, brown smudges on "
                 "a pale ground, and grey ones in a pale frame, with no faces in them")

# %% [markdown] tags=["lang-zh", "caption"]
r"""
**图 4-11** 四种搭配各走 150 步。上面两行的评论家有批归一化，看得出是脸；下面两行的评论家没有，看不出是脸，最后一行几乎全都一样。
"""

# %% [markdown] tags=["lang-en", "caption"]
r"""
**Fig. 4-11** The four combinations after 150 steps. In the top two rows the critic has batch normalisation, and faces can be made out; in the bottom two it has none, and no face is to be seen; the last row is nearly uniform.
"""

# %%
norms = study("norms")
table([("步数", "steps"), ("G", "G"), ("评论家", "critic"), ("边上的权重", "weights at the edge"),
       ("散布", "spread"), ("弗雷歇距离", "Fréchet distance"), ("算数的", "counted")],
      [[step, *(("有", "yes") if norm == "batch" else ("无", "no") for norm in pair.split("/")),
        of_seeds(found, "edge", ".0%"), of_seeds(found, "spread", ".0%"),
        of_seeds(found, "frechet", ".0f"), of_seeds(found, "counted", ".0%")]
       for step, rows_of_step in norms["runs"].items() for pair, found in rows_of_step.items()
       if found])

# %% [markdown] tags=["lang-zh", "failure-of-the-day"]
r"""
答案是 **B**。上表的“散布”是同一像素在样本之间的标准差，除以真图的；“边上的权重”是评论家有多大比例的权重离 c 或 -c 不到 1%。走 150 步时，按弗雷歇距离排，5 个种子的次序完全一致（按下表的散布或边上的权重排，则不是每个种子都这样）：

| 批归一化 | 弗雷歇距离 | 散布 | 边上的权重 |
|---|---|---|---|
| 两个都有 | 887 到 1,253 | 90% 到 97% | 25% 到 34% |
| 只有评论家有 | 2,178 到 3,773 | 69% 到 82% | 35% 到 45% |
| 只有 G 有 | 4,420 到 8,427 | 25% 到 80% | 64% 到 98% |
| 两个都没有 | 7,133 到 12,544 | 9% 到 41% | 71% 到 99% |

四个格子说明：

- **走 150 步时，评论家的影响更大。** 没有批归一化，评论家的大多数权重被推到 $+c$ 或 $-c$ 上（Gulrajani 等人的图 1 也是这样），这样的评论家很简单，像图 4-3 里的山谷，讨好它用不着各不相同的图。这是按距离说的；按散布，单独去掉哪一个分不出（去掉 G 的是 69% 到 82%，去掉评论家的是 25% 到 80%）。
- **G 的影响也不小。** 走 150 步时，不管评论家有没有，再去掉 G 的，距离都变大，散布都变小。两处一起去掉，再把账全算在评论家头上，走 150 步时大体不错，却不是全部。
- **它没有说明“为什么”。** 表里的数和上面的解释相符，但我们没有单独检验。WGAN 的作者当时也写道，批归一化在评论家里看来相当重要，原因还在研究。

走得久一点会怎样？走到 600 步（只有种子 0 和 1），只有 G 有的那一格追上来不少。种子 0：距离 1,881，算数的 10.7%，权重仍有 64% 在边上；两个都有的是 691 和 13.2%（真图放大之后，也只有 74% 算数）。只要 G 里有，评论家缺了批归一化，在这两个种子上是起步慢，不是走到了尽头。这时两个都有的仍最好，两个都没有的仍最差；去掉哪一个坏处更大，两个种子却不一致：去掉 G 的，距离是 1,132 和 2,380；去掉评论家的，是 1,881 和 1,537。所以“评论家的影响更大”只是对 150 步说的。

论文只在 G 里去掉过批归一化（同时还把通道数改成常数），评论家的一直留着，训练照样成功，这和第二行相符。可见同一件东西，对裁剪的评论家有用，在梯度惩罚的评论家里却不能有：它好不好，要看约束是哪一种。
"""

# %% [markdown] tags=["lang-en", "failure-of-the-day"]
r"""
The answer is **B**. In the table above, "spread" is the standard deviation of a pixel across samples, divided by that of real pictures; "weights at the edge" is the share of the critic's weights within 1% of c or -c. After 150 steps the order by Fréchet distance is the same for all 5 seeds (by spread or by weights at the edge, below, it is not the same for every seed):

| Batch normalisation | Fréchet distance | Spread | Weights at the edge |
|---|---|---|---|
| in both | 887 to 1,253 | 90% to 97% | 25% to 34% |
| in the critic alone | 2,178 to 3,773 | 69% to 82% | 35% to 45% |
| in G alone | 4,420 to 8,427 | 25% to 80% | 64% to 98% |
| in neither | 7,133 to 12,544 | 9% to 41% | 71% to 99% |

What the four cells show:

- **The critic matters more, after 150 steps.** Without batch normalisation most of its weights are pushed to $+c$ or $-c$ (as in figure 1 of Gulrajani et al.); such a critic is a simple one, like the valley of Fig. 4-3, and to please it takes no variety. This is by distance; by spread the two single removals are not told apart (69% to 82% without it in G, 25% to 80% without it in the critic).
- **G matters as well.** Whether or not the critic has it, taking it out of G makes the distance larger and the spread smaller, at 150 steps. So blaming the critic alone, after removing both, is mostly right at 150 steps, but not the whole story.
- **They do not show why.** The numbers agree with the explanation above, which we have not tested separately. WGAN's authors, too, wrote at the time that batch normalisation seemed quite important in the critic, and that they were still studying why.

And later? By step 600 (seeds 0 and 1 only) the cell with batch normalisation in G alone has caught up a good deal. Seed 0: a distance of 1,881 and 10.7% that count, with 64% of the weights still at the edge; with it in both it is 691 and 13.2% (of real pictures, enlarged in the same way, 74% count). As long as G has it, a critic without it starts slowly on these two seeds, but has not stopped improving. With it in both networks the result is still the best, with it in neither the worst; but the two seeds disagree on which removal does more harm: taken out of G, the distance is 1,132 and 2,380; taken out of the critic, 1,881 and 1,537. So "the critic matters more" holds for 150 steps only.

The paper took batch normalisation out of G only (and made the number of channels constant at the same time), always kept it in the critic, and training worked, which agrees with the second row. So one and the same thing helps a clipped critic and has no place in a penalised one: whether it is good depends on the constraint.
"""

# %% [markdown] tags=["lang-zh"]
r"""
## 换上照片：CelebA 和 LSUN

把 `GAN_LESSONS_DATA` 设为数据所在的文件夹（`python -m gan_lessons data list` 会列出获取方法），下面这一格就会用照片；没有照片，它用玩具图走一遍同样的流程。alexshuang 的做法值得学：先用 10% 的图片快速跑通，再换上全部；为此他写了一个 `files.csv`，每行是 `name,0`（文件名，加一个谁也不用的标签 0）。`files=` 做的是同一件事：有这个文件就照它取图，没有就按 `subset` 选取并写下来。
"""

# %% [markdown] tags=["lang-en"]
r"""
## Photographs: CelebA and LSUN

Set `GAN_LESSONS_DATA` to the folder with your data (`python -m gan_lessons data list` says how to get them), and the next cell uses photographs; without any, it goes through the same motions with toys. alexshuang's way is worth copying: first 10% of the pictures for a quick trial, then all of them; for that a `files.csv` is written with lines `name,0`, a file name, and 0 for a label that nobody uses. `files=` does the same: if the file exists the pictures it names are taken, if not it is written with those that `subset` chose.
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
sets = {"faces": photographs(data.celeba, faces_16, **tenth),
        "bedrooms": photographs(data.lsun_bedrooms, data.toy_rooms(2000, size=16), **tenth)}
for name, photos in sets.items():
    trial = recipes.wgan(size, features=runtime.at_scale(smoke=4, default=16, full=64), lr=5e-4,
                         batch=min(64, len(photos)))
    fit(trial, photos, runtime.at_scale(smoke=5, default=20, full=10_000), progress=False)
    say("{name}：{kind}，{n:,} 张，{steps} 步，最后的差距 {gap:.4f}。",
        "{name}: {kind}, {n:,} pictures, {steps} steps, last gap {gap:.4f}.", name=name,
        kind=photos.name, n=len(photos), steps=trial.step,
        gap=float(trial.history[-1, 2] - trial.history[-1, 3]))

# %% [markdown] tags=["lang-zh"]
r"""
照片要训练很久：alexshuang 在显卡上用 64×64 的全部 CelebA 训练了约 36 分钟，fast.ai 的笔记本用 LSUN 卧室训练了近 2 小时。这样的长训练放在命令行里，可以随时停下，再接着走：

```bash
python -m gan_lessons train wgan --data celeba --subset 0.1 --size 64 --steps 5000 --out runs/tenth
python -m gan_lessons train wgan --data celeba --size 64 --steps 50000 --out runs/faces
python -m gan_lessons train --resume --out runs/faces
```

第一行是 10% 的试跑，第二行是全部，第三行从中断的地方接着走；把 `wgan` 换成 `wgan-gp`，就是梯度惩罚。数据不在 `GAN_LESSONS_DATA` 里，就用 `--root` 指明。在这里用 `runs.open("../runs/faces").show()` 查看，训练途中也行；它最后一张图用 EMA 的权重来画，刚开始的几百步里，EMA 还带着未训练的权重，是一片灰，要看此刻的权重，看它上面的一张。
"""

# %% [markdown] tags=["lang-en"]
r"""
Photographs take long: on a graphics card alexshuang trained about 36 minutes on all of CelebA at 64×64, fast.ai's notebook nearly 2 hours on LSUN bedrooms. Runs like that belong on the command line, where they can be stopped at any time and go on later:

```bash
python -m gan_lessons train wgan --data celeba --subset 0.1 --size 64 --steps 5000 --out runs/tenth
python -m gan_lessons train wgan --data celeba --size 64 --steps 50000 --out runs/faces
python -m gan_lessons train --resume --out runs/faces
```

The first line is the trial on 10%, the second takes all, the third goes on where a run stopped; with `wgan-gp` in place of `wgan` it is the gradient penalty. If the data are not in `GAN_LESSONS_DATA`, say where with `--root`. In this notebook, `runs.open("../runs/faces").show()` shows the run, even while it goes on. Its last figure is painted with the EMA, which in the first few hundred steps still carries untrained weights and paints grey; what the present weights paint is in the figure above it.
"""

# %%
with tempfile.TemporaryDirectory() as folder:
    settings = runs.Settings("wgan-gp", "toy-faces-core", size=16, features=4, drawn=500)
    runs.train(settings, Path(folder) / "tiny", steps=10, sample_every=5, quiet=True)
    tiny = runs.open(Path(folder) / "tiny")
    print("runs/tiny:", ", ".join(sorted(path.name for path in tiny.folder.iterdir())))
# %% [markdown] tags=["lang-zh"]
r"""
## 人脸数据：先问四个问题

玩具脸不是任何人。换成照片，就有了别人。CelebA 的数据卡（`data.celeba(...).card()`）和它的[主页](http://mmlab.ie.cuhk.edu.hk/projects/CelebA.html)写得很明白，请在训练之前读一遍。

| 问题 | 事实 | 要做的事 |
|---|---|---|
| 他们同意了吗？ | 202,599 张照片收集自互联网，事先没有问过任何人 | 不公开照片，也不用它们辨认任何人；想用自己的照片，先征得拍到的每个人同意 |
| 允许怎样用？ | 只准非商业研究，不得复制、发布、分发任何部分 | 图片留在自己的电脑里；分享笔记本之前清掉带照片的输出 |
| 画的是谁？ | 欧美名人、浅肤色、年轻人偏多；“有魅力”这类标签是标注者的看法 | 报告样本里各类人占多大比例；不要说模型画的是“普通人” |
| 会伤害谁？ | 假脸可以用来冒充、欺骗和羞辱人 | 生成的脸标明是生成的；不做某个真人的脸 |

LSUN 拍的是别人的家，许可也没有写明，同样只用来学习。

### 数据偏了，G 会怎样？

第三问可以用实验来问。玩具脸有三种肤色，各占三分之一。`python -m studies.lesson04 skew` 做了一套偏斜的训练集：最深的一种只留平时的十分之一，约占 3.3%；其余设置和上面 60 秒的 WGAN-GP 相同。训练之后从 10,000 个样本里数算数的那些，G 是照着这个比例画，还是把少数画得更少？
"""

# %% [markdown] tags=["lang-en"]
r"""
## Pictures of faces: four questions first

Nobody stands behind a toy face; behind a photograph somebody does. CelebA's data card (`data.celeba(...).card()`) and its [home page](http://mmlab.ie.cuhk.edu.hk/projects/CelebA.html) are plain about it; read them before you train.

| Question | Fact | What to do |
|---|---|---|
| Did they agree? | 202,599 photographs collected from the internet; nobody was asked | do not publish the photographs or identify anyone; for pictures of your own, first ask everybody in them |
| What use is allowed? | non-commercial research only; no part may be copied, published or distributed | keep the pictures on your computer; clear outputs that show them before you share a notebook |
| Who is in it? | mostly Western celebrities, light skin, young; labels such as "attractive" are the annotators' opinions | report which people make up what share of the samples; do not claim that the model paints "ordinary people" |
| Whom can it hurt? | fake faces serve to impersonate, deceive and humiliate | mark generated faces as generated; make no face of a real person |

LSUN shows other people's homes and states no licence: it, too, is for study only.

### What does G do with skewed data?

The third question can be put to an experiment. Toy faces have three skin tones, a third each. `python -m studies.lesson04 skew` makes a skewed training set, with only a tenth of the usual share of the darkest, about 3.3%; all else is that of the WGAN-GP of 60 seconds above. After training, among those of 10,000 samples that count: does G paint this share faithfully, or does it paint the few fewer still?
"""

# %%
skew = study("skew")
table([("训练集", "training set"), ("其中最深的肤色", "darkest skin in it"),
       ("G 的样本中，每个种子：张数 / 算数的张数", "among samples of G, each seed: pictures / counted"),
       ("照训练集的比例应有", "expected by the share in the data")],
      [[name, f"{skew['in the data'][way]['share']:.1%}",
        "   ".join(f"{run['share'] * run['counted']:.0f} / {run['counted']:,}"
                   for run in skew["runs"][way].values()),
        "   ".join(f"{skew['in the data'][way]['share'] * run['counted']:.0f}"
                   for run in skew["runs"][way].values())]
       for way, name in (("tenth", ("偏斜", "skewed")), ("even", ("均匀", "even")))])

# %% [markdown] tags=["lang-zh"]
r"""
均匀的训练集上，3 个种子画出的最深肤色占 25% 到 34%，本来是三分之一。偏斜的训练集上，它占 3.2%（读图网络读出的），照此，两个种子的 2,572 张和 2,965 张算数的图里应有 83 张和 96 张左右，实际**一张也没有**。其余 70% 到 74% 的图不算数：读图网络拿不准，或者有把握地读成了数据里没有的值（均匀的训练集上，后一种约占全部样本的两成），例如另一种偏深的肤色。里面也许有深肤色的脸；但是**算数**的，一张也没有。一种解释是：10,000 张里只有 333 张，丢掉它们，要搬的土不过百分之三，评论家的差距几乎不变。这个解释我们没有单独检验，训练更久会不会补回来，也没有试。所以第三问里“报告各类人占多大比例”不是客套：数据里的少数，到了认得出的图里可能一个也不剩。

### 法律怎么说

生成的脸要不要标明、能用谁的照片，不只是礼貌。下表列出许多读者所在的两个地方的主要规定：

| 在哪里 | 规定 | 对发布生成人脸的人意味着什么 |
|---|---|---|
| 欧盟 | [《人工智能法》（EU）2024/1689](https://eur-lex.europa.eu/eli/reg/2024/1689/oj) 第 50 条，2026-08-02 起适用 | 提供生成系统的人要让输出带机器可读的标记（第 2 款；2026-08-02 之前已经投放市场的系统，按 [2026 年的修订](https://eur-lex.europa.eu/eli/reg/2026/1744/oj)宽限到 2026-12-02）；部署者（使用系统的人，个人的非职业使用不算）公开深度伪造（像某个现实存在的人、物、地点或事件，会被误认为真的图像）时，要说明是人工生成的（第 4 款） |
| 欧盟 | [《通用数据保护条例》（EU）2016/679](https://eur-lex.europa.eu/eli/reg/2016/679/oj) 第 4 条、第 9 条 | 认得出是谁的照片是个人数据，收集和训练要有合法依据（第 6 条）；只有用专门技术来确认身份时，才算受特别保护的生物特征数据 |
| 中国 | [《人工智能生成合成内容标识办法》](https://www.cac.gov.cn/2025-03/14/c_1743654684782215.htm)，2025-09-01 起施行，配套强制性国家标准 GB 45438-2025 | 服务提供者加两种标识：看得见的显式标识，写在文件元数据里的隐式标识；把生成的图发到网上的人要主动声明；任何人不得恶意删除或伪造标识 |
| 中国 | [《互联网信息服务深度合成管理规定》](https://www.cac.gov.cn/2022-12/11/c_1672221949354811.htm)，2023-01-10 起施行 | 编辑人脸，要告知被编辑的人并取得其单独同意（第 14 条）；人脸生成、人脸替换等可能使公众混淆或误认的，要显著标识（第 17 条） |
| 中国 | [《个人信息保护法》](http://www.npc.gov.cn/npc/c2/c30834/202108/t20210820_313088.html)第 28、29 条；[《民法典》](http://www.npc.gov.cn/npc/c2/c30834/202006/t20200602_306457.html)第 1019 条 | 生物识别信息是敏感个人信息，处理它要取得单独同意；不得用信息技术手段伪造他人肖像，未经同意不得制作、使用、公开他人的肖像 |

关于**标识**的规定，约束的主要是对外提供服务和公开发布的人。关于**个人信息和肖像**的规定，从收集照片的那一刻起就管得到，不公开也一样。例外有限：纯粹的个人或家庭事务（《通用数据保护条例》第 2 条第 2 款，《个人信息保护法》第 72 条）；为个人学习、课堂教学或者科学研究，在必要范围内使用**已经公开**的肖像（《民法典》第 1020 条）。欧盟《人工智能法》第 2 条另有两个例外：专为科学研究开发并投入使用的系统（第 6 款），投放市场之前的研究、测试和开发（第 8 款）。以上是 2026-11 查对的摘要，不是法律意见。
"""

# %% [markdown] tags=["lang-en"]
r"""
With the even training set the 3 seeds paint the darkest skin in 25% to 34% of the pictures that count; a third would be right. In the skewed set it has 3.2% (as the reading network sees it), and by that share there should be about 83 and 96 among the 2,572 and 2,965 pictures of the two seeds that count. In fact there is **not one**. The other 70% to 74% do not count: the network was unsure, or sure of a value that the data do not have (with the even set that is about a fifth of all samples), such as another darkish skin. Dark faces may be among them; but of those that **count**, not one is dark. One explanation: they are only 333 of 10,000, and without them there is only three per cent of the earth to move, so the critic's gap hardly changes. We have tested neither this explanation nor whether longer training brings them back. So "report which people make up what share" in the third question is no mere formality: those who are few in the data may be missing altogether from the pictures that can be read.

### What the law says

Whether generated faces must be marked, and whose photographs may be used, is not only a matter of manners. The main rules of two places where many readers of this course live:

| Where | Rule | What it means for those who publish generated faces |
|---|---|---|
| EU | [AI Act, Regulation (EU) 2024/1689](https://eur-lex.europa.eu/eli/reg/2024/1689/oj), Article 50, applies since 2026-08-02 | whoever provides a system that generates must mark its output in a machine-readable way (paragraph 2; by the [amendment of 2026](https://eur-lex.europa.eu/eli/reg/2026/1744/oj), systems that were on the market before 2026-08-02 have until 2026-12-02); a deployer (anyone who uses one, unless it is for personal, non-professional purposes) who publishes a deep fake (it resembles existing persons, objects, places or events and would falsely appear to be authentic) must say that it is generated (paragraph 4) |
| EU | [GDPR, Regulation (EU) 2016/679](https://eur-lex.europa.eu/eli/reg/2016/679/oj), Articles 4 and 9 | a photograph of somebody who can be identified is personal data: collecting it and training on it need a legal basis (Article 6). It is specially protected biometric data only when technical means are used to establish who it is |
| China | [Measures for Labelling AI-Generated Synthetic Content](https://www.cac.gov.cn/2025-03/14/c_1743654684782215.htm), in force since 2025-09-01, with the mandatory standard GB 45438-2025 | providers add two labels: an explicit one that people can see, and an implicit one in the metadata of the file. Anyone who posts a generated picture online must declare it; nobody may maliciously remove or forge a label |
| China | [Provisions on Deep Synthesis in Internet Information Services](https://www.cac.gov.cn/2022-12/11/c_1672221949354811.htm), in force since 2023-01-10 | anyone who edits a face must tell the person and get a separate consent (Article 14); generated or swapped faces that may confuse or mislead the public carry a conspicuous label (Article 17) |
| China | [Personal Information Protection Law](http://www.npc.gov.cn/npc/c2/c30834/202108/t20210820_313088.html), Articles 28, 29; [Civil Code](http://www.npc.gov.cn/npc/c2/c30834/202006/t20200602_306457.html), Article 1019 | biometric information is sensitive and needs a separate consent; nobody's portrait may be forged by means of information technology, or made, used or published without consent |

The rules on **labels** bind above all those who offer a service or publish. The rules on **personal data and portraits** apply from the moment photographs are collected, published or not. The exceptions are few: purely personal or household matters (GDPR, Article 2, paragraph 2; Personal Information Protection Law, Article 72); and portraits that are **already public**, used as far as necessary for one's own study, for teaching or for research (Civil Code, Article 1020). Article 2 of the EU's AI Act has two more: systems made and put into service for scientific research alone (paragraph 6), and research, testing and development before a system is on the market (paragraph 8). This is a summary, checked in 2026-11, and no legal advice.
"""

# %% [markdown] tags=["lang-zh", "exercise"]
r"""
## 开放题：把 WGAN-GP 调好

任务：用梯度惩罚在 16×16 的玩具脸（`faces_16`）上训练，使弗雷歇距离低于 1,000，**两个种子都要**。预算固定：评论家至多看 32,000 张真图，也就是 `batch` 为 64 时，G 的步数乘以 `n_critic` 不超过 500；一个种子约半分钟。网络用 `features=32, latent=64`。可以改的有惩罚的权重 $\lambda$、`n_critic`、学习率、`decay`（学习率在这么多步里降到 2%，惩罚也随之减弱），还有 `batch`，只要不超出预算；两个种子的设置要相同。每一局量最新的权重和 EMA 的权重，取小的那个距离。论文的设置（10、5、0.0001）是起点，先量一量它离 1,000 有多远，写下你的猜测，再**一次改一处**，每次记下两个种子的距离：没有达到标准，批改时也会印出两个距离。

<details><summary>提示一</summary>

预算一定，`n_critic` 越大，G 走的步数越少。100 步够 G 学会画脸吗？评论家跟不上又会怎样？

</details>

<details><summary>提示二</summary>

论文的学习率是为几万步准备的，这里只有几百步：该往哪边改，改多少倍？权重可以用 `partial(penalties.gradient_penalty, weight=...)` 来设。

</details>
"""

# %% [markdown] tags=["lang-en", "exercise"]
r"""
## Open task: tune a WGAN-GP

The task: train with the gradient penalty on toy faces of 16×16 (`faces_16`) until the Fréchet distance is below 1,000, **with both of two seeds**. The budget is fixed: the critic may be shown at most 32,000 real pictures, that is, with a `batch` of 64, G's steps times `n_critic` must stay within 500; about half a minute for each seed. The networks have `features=32, latent=64`. You may change the penalty's weight $\lambda$, `n_critic`, the learning rate and `decay` (the number of steps in which the learning rate falls to 2%; the penalty fades with it), and `batch`, within the budget; both seeds with the same settings. Of each game the newest weights and the average are measured, and the smaller distance counts. The paper's settings (10, 5, 0.0001) are the start: measure how far they are from 1,000, write down what you expect, then change **one thing at a time**, and note the distances of both seeds each time: the checker prints them, also when you miss the bar.

<details><summary>Hint one</summary>

The budget is fixed, so a larger `n_critic` leaves G fewer steps. Are 100 enough for G to learn to paint faces? And what if the critic cannot keep up?

</details>

<details><summary>Hint two</summary>

The paper's learning rate is made for tens of thousands of steps, and here are a few hundred: which way should it go, and by what factor? The weight is set with `partial(penalties.gradient_penalty, weight=...)`.

</details>
"""

# %%
# my_games = [fit(recipes.wgan_gp(16, features=32, latent=64, seed=seed), faces_16, 100)
#             for seed in (0, 1)]
my_games = ...

verdict = check.penalised_faces(my_games, faces_16)

# %% [markdown] tags=["lang-zh", "quiz"]
r"""
## 小测验

五道题。选错了，会告诉你错在哪里。
"""

# %% [markdown] tags=["lang-en", "quiz"]
r"""
## Quiz

Five questions. A wrong choice tells you what is wrong with it.
"""

# %%
lab.quiz("04")

# %% [markdown] tags=["lang-zh", "recap"]
r"""
## 小结

**距离。** $W_1(p, q) = \min_{\pi} \sum \pi_{ij} |x_i - x_j| = \max_{\lVert f \rVert_L \le 1} \mathbb{E}_p[f] - \mathbb{E}_q[f]$。左边是最省的搬运，一维时就是排序配对；右边是最好的价目表。真假两个分布不重叠时，JS 散度是平的，$W_1$ 仍有梯度。

**算法。** 重复：

1. 评论家走 `n_critic` 步：每步取真图 $x$ 和假图 $\tilde x$，梯度停在假图处，使 $\mathbb{E}[f(\tilde x)] - \mathbb{E}[f(x)]$ 加上约束项减小；用裁剪的话，更新**之后**把所有权重裁进 $[-c, c]$。
2. G 走一步：使 $-\mathbb{E}[f(G(z))]$ 减小。

**两种约束：**

|  | 权重裁剪 | 梯度惩罚（WGAN-GP） |
|---|---|---|
| 怎样限制斜率 | 权重在 $[-c, c]$ 之内 | 损失加上 $\lambda\,\mathbb{E}[(\lVert \nabla f(\hat x) \rVert - 1)^2]$ |
| 差距的单位 | 由 $c$ 和网络决定，说不清 | 直线上的例子里（一个种子），与 $W_1$ 最多差五倍左右 |
| 评论家的形状（直线上的例子） | 太简单 | $\lambda = 1$ 学出了锯齿；$\lambda = 10$ 留得住，自己学不出 |
| 评论家的批归一化 | 在短训练里很有用 | 不能有 |
| 每步的代价 | 小 | 多一次反向传播 |
| 论文的设置 | RMSprop 0.00005，$c = 0.01$ | Adam 0.0001，`betas=(0, 0.9)`，$\lambda = 10$ |

**读日志。** 看差距，不看单个分数；先平均再看；不同的训练之间不能比，同一次训练里也可能误导；图好不好，最后要量图。

**做实验。** 一次改了两处，原因就说不清；$2 \times 2$ 的对照才分得开。
"""

# %% [markdown] tags=["lang-en", "recap"]
r"""
## Recap

**The distance.** $W_1(p, q) = \min_{\pi} \sum \pi_{ij} |x_i - x_j| = \max_{\lVert f \rVert_L \le 1} \mathbb{E}_p[f] - \mathbb{E}_q[f]$. On the left the cheapest transport, in one dimension just sorting and pairing; on the right the best price list. Where the real and the generated distribution do not overlap, the JS divergence is flat and $W_1$ still has a gradient.

**The algorithm.** Repeat:

1. The critic takes `n_critic` steps: at each, real pictures $x$ and fakes $\tilde x$, with the gradient stopped at the fakes, to decrease $\mathbb{E}[f(\tilde x)] - \mathbb{E}[f(x)]$ plus the constraint; with clipping, all weights are clipped into $[-c, c]$ **after** the update.
2. G takes one step, to decrease $-\mathbb{E}[f(G(z))]$.

**The two constraints:**

|  | Weight clipping | Gradient penalty (WGAN-GP) |
|---|---|---|
| how the slope is bounded | weights stay in $[-c, c]$ | the loss has the term $\lambda\,\mathbb{E}[(\lVert \nabla f(\hat x) \rVert - 1)^2]$ |
| unit of the gap | set by $c$ and the network, hard to tell | within a factor of about five of $W_1$, in the example on a line (one seed) |
| shape of the critic (example on a line) | too simple | a zigzag with $\lambda = 1$; $\lambda = 10$ keeps one but does not find it |
| batch normalisation in the critic | a great help in short runs | must not be there |
| price of a step | small | one more backward pass |
| settings of the paper | RMSprop 0.00005, $c = 0.01$ | Adam 0.0001, `betas=(0, 0.9)`, $\lambda = 10$ |

**Reading a log.** Look at the gap, not at a single score; average first; between runs it cannot be compared, and within one it may mislead; in the end, measure the pictures.

**Experiments.** With two changes at once the cause cannot be named; a $2 \times 2$ experiment separates them.
"""

# %% [markdown] tags=["lang-zh", "going-further"]
r"""
## 延伸

- **放大。** 有显卡就设 `GAN_LESSONS_SCALE=full`，或用上面的命令行训练 CelebA 和 LSUN。`recipes.source_003()` 是 alexshuang 的网络和设置，`warm_up=True` 加上论文作者的长回合。
- **动手改。** 把 `clip` 换成 0.1 或 0.001，先猜图会怎样；把 `n_critic` 换成 1，看差距还跟不跟着质量走；给 WGAN-GP 的评论家加上批归一化，看惩罚还管不管用。
- **接着学。** [第 06 课](06_modern_gans.ipynb)问斜率该在哪里受限：R1 和 R2，成对比较，直到 2024 年的 R3GAN。
- **重算。** 本课的表由 `studies/lesson04.py` 算出，文件开头写着命令。
- **论文。** Arjovsky 等，[Wasserstein GAN](https://arxiv.org/abs/1701.07875)；Gulrajani 等，[Improved Training of Wasserstein GANs](https://arxiv.org/abs/1704.00028)；Karras 等，[Progressive Growing of GANs](https://arxiv.org/abs/1710.10196)。
- **中文材料。** alexshuang 另有理论篇[《解读 WGAN》](https://alexshuang.github.io/2018/08/24/%E8%A7%A3%E8%AF%BBWasserstein-GAN/)；郑华滨[《令人拍案叫绝的 Wasserstein GAN》](https://zhuanlan.zhihu.com/p/25071913)，“四处改动”的说法由它传开（它说训练不稳定已“彻底解决”，今天看来乐观了）；苏剑林[《互怼的艺术：从零直达WGAN-GP》](https://kexue.fm/archives/4439)和讲对偶的[《从Wasserstein距离、对偶理论到WGAN》](https://kexue.fm/archives/6280)；李宏毅[《机器学习》2021 年春](https://speech.ee.ntu.edu.tw/~hylee/ml/2021-spring.php)的 GAN 四讲；[邱锡鹏](https://nndl.github.io/)第 13 章。
"""

# %% [markdown] tags=["lang-en", "going-further"]
r"""
## Going further

- **Scale up.** With a graphics card set `GAN_LESSONS_SCALE=full`, or train on CelebA and LSUN with the commands above. `recipes.source_003()` has alexshuang's networks and settings, and `warm_up=True` adds the authors' long turns.
- **Change something.** Set `clip` to 0.1 or 0.001 and guess the pictures first; set `n_critic` to 1 and see whether the gap still follows the quality; give WGAN-GP's critic batch normalisation and see whether the penalty still does its work.
- **Next.** [Lesson 06](06_modern_gans.ipynb) asks where the slope should be limited: R1 and R2, comparison in pairs, up to R3GAN of 2024.
- **Recompute.** The tables of this lesson come from `studies/lesson04.py`; the commands stand at the top of the file.
- **Papers.** Arjovsky et al., [Wasserstein GAN](https://arxiv.org/abs/1701.07875); Gulrajani et al., [Improved Training of Wasserstein GANs](https://arxiv.org/abs/1704.00028); Karras et al., [Progressive Growing of GANs](https://arxiv.org/abs/1710.10196).
- **In Chinese.** alexshuang's companion [on the theory](https://alexshuang.github.io/2018/08/24/%E8%A7%A3%E8%AF%BBWasserstein-GAN/); Zheng Huabin's [well-known essay](https://zhuanlan.zhihu.com/p/25071913), through which the four changes became known (its claim that instability is "entirely solved" looks optimistic today); Su Jianlin, [a way from zero to WGAN-GP](https://kexue.fm/archives/4439) and [on the dual](https://kexue.fm/archives/6280); Hung-yi Lee's four lectures on GANs in [Machine Learning, spring 2021](https://speech.ee.ntu.edu.tw/~hylee/ml/2021-spring.php); chapter 13 of [Qiu Xipeng's textbook](https://nndl.github.io/).
"""
