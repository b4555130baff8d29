# %% [markdown] tags=["lang-zh", "title"]
r"""
# 07 · 诚实地衡量 GAN

前六课一直在说“更好”。这一课问：凭什么？一个评价指标（metric）看见什么，看不见什么，多大的差别才算差别，谁的数能和谁的比。最后把本课程自己的生成器排成一张表，连同误差和下限（floor）一起报告。

- **学完你会**：手算两个正态分布之间的弗雷歇距离（Fréchet distance），写出它和核距离（kernel distance）的程序；说出弗雷歇距离怎样随样本数变化，为什么；看一张“损伤表”，指出哪个指标发现了哪种毛病；造出一个骗过弗雷歇距离的分布，并说明为什么骗得过；用截断（truncation）把精确率（precision）和召回率（recall）分开；说出一个记忆检验（memorisation test）的误报（false alarm）和漏报（missed alarm）；写出一份别人能复现的评测报告。
- **需要准备**：学过第 02 课（指标的初步）和第 04 课（Wasserstein 距离、排序）；第 06 课有帮助，不是必需。数学上要知道协方差矩阵和特征向量。
- **用时**：只读一种语言，约 130 分钟，其中阅读 65 分钟，预测、练习和小测验 45 分钟，开放题 20 分钟。全部运行一遍约 2 分钟（一个 CPU 核心，不需要显卡，也不必联网）。
- **致谢**：FID 来自 Heusel 等人的[论文](https://arxiv.org/abs/1706.08500)，KID 来自 Bińkowski 等人的[论文](https://arxiv.org/abs/1801.01401)；精确率和召回率的近邻算法来自 [Kynkäänniemi 等](https://arxiv.org/abs/1904.06991)，密度和覆盖率来自 [Naeem 等](https://arxiv.org/abs/2002.09797)，MIND 来自 [Berthet 等](https://arxiv.org/abs/2605.06797)。谢谢他们，也谢谢提出本课两个问题的 siriusdemon 和 alexshuang。
"""

# %% [markdown] tags=["lang-en", "title"]
r"""
# 07 · Measuring GANs, honestly

Six lessons have said "better". This one asks: how do we know? What does a metric see and what not, how large must a difference be to count, and whose numbers may be compared with whose? In the end the course's own generators stand in one table, reported with their errors and the floor.

- **You will be able to**: work out the Fréchet distance of two Gaussians by hand, and write code for it and for the kernel distance; say how the Fréchet distance depends on the number of samples, and why; read a table of damages and name the metric that finds each fault; build a distribution that deceives the Fréchet distance, and explain why it does; tell precision and recall apart by truncation; state the false and the missed alarms of a memorisation test; write a report that somebody else can repeat.
- **You need**: lesson 02 (first metrics) and lesson 04 (Wasserstein distance, sorting); lesson 06 helps and is not required. The mathematics: covariance matrices and eigenvectors.
- **Time**: about 130 minutes in one language: 65 to read, 45 for predictions, exercises and quiz, 20 for the open task. About 2 minutes to run everything (one CPU core, no graphics card, no internet connection).
- **With thanks**: FID is from the [paper](https://arxiv.org/abs/1706.08500) of Heusel et al., KID from [that](https://arxiv.org/abs/1801.01401) of Bińkowski et al.; precision and recall by nearest neighbours are from [Kynkäänniemi et al.](https://arxiv.org/abs/1904.06991), density and coverage from [Naeem et al.](https://arxiv.org/abs/2002.09797), MIND from [Berthet et al.](https://arxiv.org/abs/2605.06797). Our thanks to them, and to siriusdemon and alexshuang, who asked the two questions of this lesson.
"""

# %%
import json
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.nn.functional import interpolate

from gan_lessons import data, lab, measure, penalties, recipes, runtime, show
from gan_lessons.bilingual import say, table
from gan_lessons.exercises import lesson07 as check
from gan_lessons.measure import damage
from gan_lessons.measure.copies import spectrum
from gan_lessons.train import fit, generate


def study(name):
    """Return the numbers of a longer experiment, made by studies/lesson07.py."""
    path = Path("..") / "studies" / f"lesson07_{name}.json"
    return json.loads(path.read_text(encoding="utf-8"))


runtime.set_threads(1)
lab.language_switch()

# %% [markdown] tags=["lang-zh", "what-changed"]
r"""
## 和前几课相比

网络和训练循环都没有变。变的是训练之后的那几行：

```diff
- evaluator = measure.DigitEvaluator(training, held_out)
- evaluator.report(samples).fd_digits                # one number
+ evaluator = measure.Evaluator(net, training, fresh)  # fresh: real, no generator saw it
+ evaluator.score(samples)                           # every metric, beside what fresh gets
+ measure.memorisation_test(samples, training, unseen)
```

### 两个没有答完的问题

**alexshuang** 在 WGAN 的教程里写道：GAN 是无监督的，所以大家调侃它是一种“不用看 metric 指标的模型”。这个玩笑有道理的一半，前几课都见过：损失的高低不说明样本的好坏，分类准确率也无从谈起。没有道理的一半是：没有指标，就说不出两个模型哪个好，“更好”成了各人的眼光。他的教程要的只是跑通 WGAN，不量也无妨；这门课要比较方法，就非量不可。

**siriusdemon** 问读者：为什么只用训练集？第 02 课答过一半：训练 G 用不着测试集，量 G 却要用 G 没见过的真图。这一课把另一半补上，用数来答。真图有三个用场：

| 用场 | 谁 | 没有它会怎样 |
|---|---|---|
| 参照（reference）：样本和它比 | 训练图 | 无从比较 |
| 下限：同样多的新真图和参照比 | `fresh`，没有生成器学过 | 不知道多少算好 |
| 证人：样本离训练图近，还是离它近 | `unseen`，没有生成器学过 | 不知道有没有照抄 |

下限和证人可以是同一份图，只要没有生成器学过（后面的排行榜（leaderboard）就是这样）；这一课分成两份，因为 `fresh` 有时还要扮演生成器。

本课的数据是 MNIST 训练文件里的 8,000 张数字，随机分成训练图 3,000 张、`unseen` 2,000 张、`fresh` 3,000 张；特征来自课程的数字分类器。（分类器自己是用这些数字训练的，三份图待遇相同，互相比较是公平的；G 的样本它没有学过，`fresh` 学过，所以下限可能偏低，后面“另一个分类器”一行可以对照。）
"""

# %% [markdown] tags=["lang-en", "what-changed"]
r"""
## What changed since the last lessons

Networks and training loop stay. What is new comes after the training:

```diff
- evaluator = measure.DigitEvaluator(training, held_out)
- evaluator.report(samples).fd_digits                # one number
+ evaluator = measure.Evaluator(net, training, fresh)  # fresh: real, no generator saw it
+ evaluator.score(samples)                           # every metric, beside what fresh gets
+ measure.memorisation_test(samples, training, unseen)
```

### Two questions that were left open

**alexshuang** writes in the tutorial on WGAN: GANs are unsupervised, and so people joke that a GAN is a model that "needs no metric". Half of the joke is true, and the lessons so far have shown it: the height of a loss says nothing about the samples, and there is no accuracy to speak of. The other half is not: without a metric nobody can say which of two models is better, and "better" is a matter of taste. The tutorial wanted a WGAN that runs, and could do without; a course that compares methods cannot.

**siriusdemon** asks the reader: why only the training set? Lesson 02 gave half an answer: to train G no test set is needed, but to measure G we need real pictures that G has not seen. This lesson gives the other half, in numbers. Real pictures have three roles:

| Role | Who | Without it |
|---|---|---|
| reference: what samples are compared with | training pictures | there is nothing to compare |
| floor: as many new real ones, compared with the reference | `fresh`, no generator learned from them | nobody knows what is good |
| witness: is a sample nearer to the training pictures, or to these? | `unseen`, no generator learned from them | nobody knows whether samples are copies |

Floor and witnesses can be the same pictures, as long as no generator has learned from them (so it is in the leaderboard below); here they are two sets, because `fresh` sometimes plays the generator, too.

The data of this lesson are 8,000 digits of MNIST's training file, dealt out at random: 3,000 training pictures, 2,000 `unseen`, 3,000 `fresh`; features come from the course's digit classifier. (The classifier itself learned from these digits. All three parts are treated alike, so comparing them with each other is fair; but it has learned from `fresh` and not from samples of G, so the floor may be too low: see the row "another classifier" below.)
"""

# %%
parts = damage.split(data.mnist()[:8000])
training, unseen, fresh = (part.images for part in (parts.training, parts.unseen, parts.fresh))
net = damage.digit_net()
evaluator = measure.Evaluator(net, training, fresh[:2000])

# %% [markdown] tags=["lang-zh"]
r"""
## 弗雷歇距离，从两个正态分布算起

**一维。** 两个正态分布，均值 $\mu_1, \mu_2$，标准差 $\sigma_1, \sigma_2$。第 04 课说过，一维的最优传输（optimal transport）就是排序：最小的对最小的。正态分布排好序，第 $q$ 分位数是 $\mu_1 + \sigma_1 \xi_q$ 和 $\mu_2 + \sigma_2 \xi_q$，$\xi_q$ 是标准正态的分位数。一对一相减，平方，求平均，因为 $\mathbb{E}\,\xi = 0$、$\mathbb{E}\,\xi^2 = 1$，就得到

$$W_2^2 = \mathbb{E}\Bigl[\bigl((\mu_1 - \mu_2) + (\sigma_1 - \sigma_2)\,\xi\bigr)^2\Bigr] = (\mu_1 - \mu_2)^2 + (\sigma_1 - \sigma_2)^2$$

这就是两个正态分布的弗雷歇距离，也就是平方的 Wasserstein 距离 $W_2^2$（习惯上不开方，下面也不开）。例如 $N(0, 1)$ 和 $N(1, 2^2)$：$1 + 1 = 2$。

**多维。** 均值变成向量，标准差变成协方差矩阵 $\Sigma$。若各轴互不相关，每条轴各算各的，再加起来：

$$\sum_i (\mu_{1,i} - \mu_{2,i})^2 + \sum_i (\sigma_{1,i} - \sigma_{2,i})^2 = \lVert \mu_1 - \mu_2 \rVert^2 + \operatorname{tr}\Sigma_1 + \operatorname{tr}\Sigma_2 - 2 \sum_i \sigma_{1,i}\,\sigma_{2,i}$$

一般的情形，最后一项换成矩阵的平方根（[Dowson 和 Landau，1982](https://doi.org/10.1016/0047-259X%2882%2990077-X)）：

$$d^2 = \lVert \mu_1 - \mu_2 \rVert^2 + \operatorname{tr}\bigl(\Sigma_1 + \Sigma_2 - 2\,(\Sigma_1 \Sigma_2)^{1/2}\bigr)$$

$\Sigma_1 \Sigma_2$ 一般不对称，但它的特征值都不小于 0，和 $\Sigma_1^{1/2} \Sigma_2 \Sigma_1^{1/2}$ 的相同，而后者对称。所以迹那一项就是：求这些特征值，各开平方，加起来。

手算三个例子，前两例的第一个分布是 $N(0, I)$：

1. 移动：$\mu_2 = (1, 0)$，协方差不变：$1$。
2. 两个方向各宽一倍：$(2 - 1)^2 + (2 - 1)^2 = 2$。
3. 两个分布，每条轴的均值都是 0，方差都是 1，只有相关系数不同，$0.9$ 和 $-0.9$。它们有相同的特征方向 $(1, 1)$ 和 $(1, -1)$，特征值是 $1.9, 0.1$ 和 $0.1, 1.9$，所以 $d^2 = 4 - 2 \cdot 2\sqrt{1.9 \cdot 0.1} = 2.256$。逐轴比较看不出任何差别，迹那一项看得出。
"""

# %% [markdown] tags=["lang-en"]
r"""
## The Fréchet distance, from two Gaussians

**One dimension.** Two Gaussians have means $\mu_1, \mu_2$ and standard deviations $\sigma_1, \sigma_2$. In lesson 04 optimal transport on a line was sorting: the smallest goes to the smallest. Sorted, the $q$-quantiles of the two are $\mu_1 + \sigma_1 \xi_q$ and $\mu_2 + \sigma_2 \xi_q$, where $\xi_q$ is the quantile of the standard Gaussian. Take differences of pairs, square, and take the mean; since $\mathbb{E}\,\xi = 0$ and $\mathbb{E}\,\xi^2 = 1$,

$$W_2^2 = \mathbb{E}\Bigl[\bigl((\mu_1 - \mu_2) + (\sigma_1 - \sigma_2)\,\xi\bigr)^2\Bigr] = (\mu_1 - \mu_2)^2 + (\sigma_1 - \sigma_2)^2$$

This is the Fréchet distance of two Gaussians, the square of a Wasserstein distance, $W_2^2$ (by custom no root is taken, nor is one below). For example, $N(0, 1)$ and $N(1, 2^2)$: $1 + 1 = 2$.

**More dimensions.** The mean becomes a vector, and the standard deviation a covariance matrix $\Sigma$. If the axes are uncorrelated, each has its own distance, and they add up:

$$\sum_i (\mu_{1,i} - \mu_{2,i})^2 + \sum_i (\sigma_{1,i} - \sigma_{2,i})^2 = \lVert \mu_1 - \mu_2 \rVert^2 + \operatorname{tr}\Sigma_1 + \operatorname{tr}\Sigma_2 - 2 \sum_i \sigma_{1,i}\,\sigma_{2,i}$$

In general the last term is the square root of a matrix ([Dowson and Landau 1982](https://doi.org/10.1016/0047-259X%2882%2990077-X)):

$$d^2 = \lVert \mu_1 - \mu_2 \rVert^2 + \operatorname{tr}\bigl(\Sigma_1 + \Sigma_2 - 2\,(\Sigma_1 \Sigma_2)^{1/2}\bigr)$$

$\Sigma_1 \Sigma_2$ is in general not symmetric, but none of its eigenvalues is below 0, and they are those of $\Sigma_1^{1/2} \Sigma_2 \Sigma_1^{1/2}$, which is symmetric. So the last trace is: find these eigenvalues, take the root of each, add them up.

Three examples by hand; in the first two the first distribution is $N(0, I)$:

1. Moved: $\mu_2 = (1, 0)$, the covariance stays: $1$.
2. Twice as wide both ways: $(2 - 1)^2 + (2 - 1)^2 = 2$.
3. Both have mean 0 and variance 1 on each axis, and only their correlations differ, $0.9$ and $-0.9$. They share the eigenvectors $(1, 1)$ and $(1, -1)$, with the eigenvalues $1.9, 0.1$ and $0.1, 1.9$, so $d^2 = 4 - 2 \cdot 2\sqrt{1.9 \cdot 0.1} = 2.256$. Axis by axis nothing differs; the trace sees it.
"""

# %%
chance = torch.Generator().manual_seed(0)
normal = torch.randn(2, 100_000, 2, generator=chance)
wide = 1 + 2 * normal[1, :, :1]  # N(1, 2^2)
by_sorting = (normal[0, :, :1].sort(0).values - wide.sort(0).values).square().mean()
say("一维，N(0, 1) 和 N(1, 2²)：手算 2，各取 100,000 个数，排序、相减、平方、平均：{found:.2f}。",
    "One dimension, N(0, 1) and N(1, 2²): 2 by hand; from 100,000 numbers of each, sorted, "
    "subtracted, squared, averaged: {found:.2f}.", found=float(by_sorting))


def correlated(points, rho):
    """Turn independent axes, (n, 2), into axes of variance 1 with the correlation `rho`."""
    return points @ torch.linalg.cholesky(torch.tensor([[1, rho], [rho, 1]])).T


moved = measure.frechet_distance(normal[0], normal[1] + torch.tensor([1.0, 0]))
wider = measure.frechet_distance(normal[0], 2 * normal[1])
turned = measure.frechet_distance(correlated(normal[0], 0.9), correlated(normal[1], -0.9))
table([("两个分布", "two distributions"), ("手算", "by hand"),
       ("各 100,000 个样本", "100,000 samples each")],
      [[("移动 (1, 0)", "moved by (1, 0)"), "1", f"{moved:.2f}"],
       [("宽一倍", "twice as wide"), "2", f"{wider:.2f}"],
       [("相关系数 0.9 和 -0.9", "correlations 0.9 and -0.9"), "2.256", f"{turned:.2f}"]])

# %% [markdown] tags=["lang-zh", "exercise"]
r"""
### 练习 1：两个正态分布的弗雷歇距离

补全 `frechet_of_gaussians`：均值 `(d,)`，协方差 `(d, d)`，`d` 是维数；返回上面公式左边的 $d^2$（弗雷歇距离，不是维数的平方），一个数。协方差可能不满秩（有的特征值是 0），舍入会让特征值略小于 0。

<details><summary>提示一</summary>

`torch.linalg.eigvalsh` 用在哪个**对称**的矩阵上，能得到 $\Sigma_1 \Sigma_2$ 的特征值？要先有 $\Sigma_1^{1/2}$，它来自 $\Sigma_1$ 的特征分解。

</details>

<details><summary>提示二</summary>

逐元素开方 `cov.sqrt()` 不是矩阵的平方根，用上面第三个例子检验就知道。开平方之前先把负的特征值截到 0，否则得到 NaN。

</details>
"""

# %% [markdown] tags=["lang-en", "exercise"]
r"""
### Exercise 1: the Fréchet distance of two Gaussians

Complete `frechet_of_gaussians`: means `(d,)`, covariances `(d, d)`, where `d` is the dimension; return the left side of the formula, $d^2$ (the Fréchet distance, not the dimension squared), a number. A covariance may lack rank (some eigenvalues are 0), and rounding can leave an eigenvalue a hair below 0.

<details><summary>Hint one</summary>

To which **symmetric** matrix can you apply `torch.linalg.eigvalsh` to get the eigenvalues of $\Sigma_1 \Sigma_2$? You need $\Sigma_1^{1/2}$ first, which comes from the eigenvectors of $\Sigma_1$.

</details>

<details><summary>Hint two</summary>

The root of each entry, `cov.sqrt()`, is not the root of the matrix; the third example above tells them apart. Clamp negative eigenvalues to 0 before you take a root, or there will be NaN.

</details>
"""

# %%
def frechet_of_gaussians(mean_a, cov_a, mean_b, cov_b):
    return ...


verdict = check.frechet_of_gaussians(frechet_of_gaussians)

# %% [markdown] tags=["lang-zh", "predict"]
r"""
## 从公式到图片：样本数

图片不是正态分布。FID 的做法是：让一个网络把每张图变成特征，**假装**特征服从正态分布，从样本估计均值和协方差，代入公式。Inception 的特征有 2,048 维，我们的数字分类器有 32 维。估计总有误差，问题就出在这里。

### 先猜再跑 1：同一个分布的两半

从 8,000 张真图里随机取不相交的两组，每组 $n$ 张，算两组之间的弗雷歇距离。两组来自同一个分布，真正的距离是 0。$n = 100$ 和 $n = 2000$ 时，算出来大约是多少？

- A. 都在 0 上下波动，有正有负；$n$ 小时波动大。
- B. 都是正数，大小差不多：分布相同，和 $n$ 无关。
- C. 都是正数，$n = 100$ 时大约是 $n = 2000$ 时的 20 倍。
- D. 都是正数，$n = 100$ 时大约是 $n = 2000$ 时的 4 倍（$\sqrt{20}$）。
"""

# %% [markdown] tags=["lang-en", "predict"]
r"""
## From the formula to pictures: the number of samples

Pictures are not Gaussian. FID goes like this: a network turns each picture into features, we **pretend** that these are Gaussian, estimate their mean and covariance from samples, and put them into the formula. Inception has 2,048 features, our digit classifier 32. Estimates have errors, and that is where the trouble starts.

### Predict, then run 1: two halves of one distribution

From 8,000 real pictures draw two sets of $n$ each that share none, and take the Fréchet distance between them. Both come from one distribution; the true distance is 0. About how large is the estimate for $n = 100$ and for $n = 2000$?

- A. Both scatter around 0, above and below; more widely for the smaller $n$.
- B. Both are positive and about equal: it is the same distribution, whatever $n$ is.
- C. Both are positive, and that of $n = 100$ is about 20 times that of $n = 2000$.
- D. Both are positive, and that of $n = 100$ is about 4 times that of $n = 2000$ ($\sqrt{20}$).
"""

# %% tags=["nbval-ignore-output"]
features = net.features(torch.cat([training, unseen, fresh]))
sizes = (50, 100, 200, 500, 1000, 2000, 4000)
chance = torch.Generator().manual_seed(0)
halves = {name: {} for name in ("Frechet", "KID")}
for n in sizes:
    for _ in range(10):
        a, b = features[torch.randperm(len(features), generator=chance)[:2 * n]].chunk(2)
        halves["Frechet"].setdefault(n, []).append(measure.frechet_distance(a, b))
        if n <= 2000:  # KID looks at every pair, which takes n^2 time
            halves["KID"].setdefault(n, []).append(measure.kernel_distance(a, b))

figure, axes = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
for axis, (name, found) in zip(axes, halves.items(), strict=True):
    for n, values in found.items():
        axis.plot([n] * len(values), values, "o", color=show.ORANGE, markersize=3, alpha=0.6)
    means = [sum(values) / len(values) for values in found.values()]
    axis.plot(list(found), means, color=show.BLUE, marker="s", markersize=5, label="mean of 10")
    axis.set(title=f"{name}: real against real", xlabel="pictures in each half", xscale="log")
    axis.spines[["top", "right"]].set_visible(False)
axes[0].set_yscale("log")
axes[1].axhline(0, color=show.GREY, linestyle=":")
axes[0].legend(fontsize=8)
show.show(figure, "Left, the Frechet distance of two halves of real digits against their number, "
                  "ten draws each, on logarithmic axes; right, KID in the same way")

# %% [markdown] tags=["lang-zh", "caption"]
r"""
**图 7-1** 真图和真图，每个 $n$ 抽 10 次（点），方块是平均。左：弗雷歇距离，两轴都是对数，接近一条斜率为 -1 的直线。右：KID 在 0 上下，大体上 $n$ 越大越集中。
"""

# %% [markdown] tags=["lang-en", "caption"]
r"""
**Fig. 7-1** Real pictures against real ones, 10 draws for each $n$ (dots); squares are means. Left: the Fréchet distance, both axes logarithmic, is close to a straight line of slope -1. Right: KID lies around 0, on the whole more closely the larger $n$ is.
"""

# %% tags=["nbval-ignore-output"]
variances = float(torch.cov(features.T).trace())
rows = []
for n in sizes:
    found = torch.tensor(halves["Frechet"][n])
    kid = torch.tensor(halves["KID"].get(n, [float("nan")] * 2))
    rows.append([f"{n:,}", f"{found.mean():.3f}", f"{found.std():.3f}", f"{n * found.mean():.0f}",
                 f"{2 * variances:.0f}",
                 f"{kid.mean():.4f} ({kid.std():.4f})" if n in halves["KID"] else "-"])
table(["n", ("弗雷歇，平均", "Fréchet, mean"), ("标准差", "s.d."), ("n × 平均", "n × mean"),
       ("其中来自均值：2 tr Σ", "of it from the means: 2 tr Σ"),
       ("KID，平均 (标准差)", "KID, mean (s.d.)")], rows)

# %% [markdown] tags=["lang-zh"]
r"""
答案是 **C**。100 张时平均 1.57，2,000 张时 0.07；$n$ 乘平均，从头到尾都在 130 到 170 左右，也就是说距离约等于 $c / n$。

为什么总是正的，又为什么是 $1/n$？看均值那一项。两组各 $n$ 个样本，均值的估计各有误差，误差的协方差是 $\Sigma / n$，所以

$$\mathbb{E}\,\lVert \hat\mu_1 - \hat\mu_2 \rVert^2 = \frac{\operatorname{tr}\Sigma}{n} + \frac{\operatorname{tr}\Sigma}{n} = \frac{2 \operatorname{tr}\Sigma}{n}$$

平方把误差变成了正数，误差不会互相抵消。这里 $2 \operatorname{tr}\Sigma$ 是 35，约占 $c$ 的五分之一到四分之一，其余来自协方差的误差，道理一样。特征越多，$c$ 通常越大（这里没有量）。论文里的 FID 有 2,048 维；Chong 和 Forsyth [量过](https://arxiv.org/abs/1911.07023)，各个模型的偏差不一样大，就是 $n$ 相同，名次也可能因此颠倒。这叫**偏差**（bias），换一批样本不会消失。

KID 没有这个偏差。它只在**不同**的样本之间求平均，$x$ 不和自己比：

$$\widehat{\mathrm{KID}} = \frac{1}{n(n-1)} \sum_{i \ne j} k(a_i, a_j) + \frac{1}{m(m-1)} \sum_{i \ne j} k(b_i, b_j) - \frac{2}{nm} \sum_{i, j} k(a_i, b_j), \qquad k(a, b) = \Bigl(\frac{a^\top b}{d} + 1\Bigr)^3$$

$d$ 是特征的维数，$n$ 和 $m$ 是两组的张数。三项都是期望的无偏估计，分布相同，期望就是 0，不管 $n$ 是多少；代价是单次的值会小于 0。没有偏差不等于没有误差：$n = 50$ 时标准差是 0.070。表里的平均大多略大于 0，都不超过标准误（standard error）的一倍半：10 次的平均，标准误是标准差除以 $\sqrt{10}$，$n = 50$ 时约 0.022。

**结论：** 弗雷歇距离只能和同样的 $n$、同样的特征、同样的参照比；旁边一定要有同样多的真图得到的数，即**下限**（floor）。
"""

# %% [markdown] tags=["lang-en"]
r"""
The answer is **C**. The mean is 1.57 for 100 pictures and 0.07 for 2,000; $n$ times the mean stays around 130 to 170 all along, so the distance is about $c / n$.

Why is it always positive, and why $1/n$? Look at the means. Each of the two estimates of the mean, from $n$ samples, has an error with the covariance $\Sigma / n$, so

$$\mathbb{E}\,\lVert \hat\mu_1 - \hat\mu_2 \rVert^2 = \frac{\operatorname{tr}\Sigma}{n} + \frac{\operatorname{tr}\Sigma}{n} = \frac{2 \operatorname{tr}\Sigma}{n}$$

The square makes each error positive, and errors cannot cancel. Here $2 \operatorname{tr}\Sigma$ is 35, a fifth to a quarter of $c$; the rest comes from the error of the covariances in the same way. More features usually mean a larger $c$ (not measured here); the FID of papers has 2,048. Chong and Forsyth [measured](https://arxiv.org/abs/1911.07023) that the bias differs from model to model, so that even models measured with the same $n$ can change places. It is a **bias**: another draw of samples does not take it away.

KID has no such bias. It takes means over **different** samples only and never compares $x$ with itself:

$$\widehat{\mathrm{KID}} = \frac{1}{n(n-1)} \sum_{i \ne j} k(a_i, a_j) + \frac{1}{m(m-1)} \sum_{i \ne j} k(b_i, b_j) - \frac{2}{nm} \sum_{i, j} k(a_i, b_j), \qquad k(a, b) = \Bigl(\frac{a^\top b}{d} + 1\Bigr)^3$$

Here $d$ is the number of features, and $n$ and $m$ are the sizes of the two sets. All three terms are unbiased estimates of expectations, so for one distribution the expectation is 0, whatever $n$ is; the price is that a single value may fall below 0. No bias does not mean no error: for $n = 50$ the standard deviation is 0.070. Most means in the table are a little above 0, none by more than one and a half times its standard error: that of a mean of 10 is the standard deviation over $\sqrt{10}$, about 0.022 for $n = 50$.

**So:** compare a Fréchet distance only with one of the same $n$, the same features and the same reference; and beside it belongs what as many real pictures get, the **floor**.
"""

# %% [markdown] tags=["lang-zh", "exercise"]
r"""
### 练习 2：无偏的 KID

补全 `kid(a, b)`：特征 `(n, d)` 和 `(m, d)`，返回上面的估计，一个数。

<details><summary>提示一</summary>

三个核矩阵各求平均。前两个矩阵的对角线上是什么？它们该不该算进去，分母又该是多少？

</details>

<details><summary>提示二</summary>

检验：同一个分布抽很多次，平均应当接近 0；若总是正的，对角线还在里面。再用 `n` 和 `m` 不同的两组试一次，分母最容易在那里出错。

</details>
"""

# %% [markdown] tags=["lang-en", "exercise"]
r"""
### Exercise 2: KID without a bias

Complete `kid(a, b)`: features `(n, d)` and `(m, d)`; return the estimate above, a number.

<details><summary>Hint one</summary>

Take the mean of each of three kernel matrices. What stands on the diagonal of the first two? Does it belong in the mean, and what is the denominator?

</details>

<details><summary>Hint two</summary>

A test: over many draws from one distribution the mean should be close to 0; if it is always above, the diagonal is still in it. Then try two sets with different `n` and `m`, which is where denominators go wrong.

</details>
"""

# %%
def kid(a, b):
    return ...


verdict = check.kid(kid)

# %% [markdown] tags=["lang-zh"]
r"""
## 一个小生成器

后面要用一个自己的 G。设置和第 02 课治好的那一个相近（全连接，R1，权重的滑动平均（EMA）），只用 3,000 张训练图，走 4,000 步，不求最好：有毛病才好检查。`measure.Tracker` 在训练途中每隔 500 步给滑动平均的 G 评一次分，下面会看；训练本身和没有它时逐位相同。
"""

# %% [markdown] tags=["lang-en"]
r"""
## A small generator

What follows needs a G of our own. Its settings are close to those of lesson 02's cured one (fully connected, R1, EMA), with only 3,000 training pictures and 4,000 steps; it is not meant to be the best: there should be something to find. On the way, `measure.Tracker` scores the moving average of G every 500 steps, as we shall see below; the training itself is the same as without it, to the last bit.
"""

# %% tags=["nbval-ignore-output"]
steps = runtime.at_scale(smoke=50, default=4000, full=40_000)
game = recipes.source_004(batch=50, lr=1e-3, betas=(0.0, 0.99), ema=0.999,
                          penalty=partial(penalties.r1, gamma=3.0), penalty_every=4)
tracker = measure.Tracker(parts.training, parts.fresh[:1000], every=steps // 8, net=net)
fit(game, parts.training, steps, watch=tracker, watch_every=steps // 8, progress=False)
samples = game.sample(2000, seed=1, ema=True)
show.gallery({"real, fresh": fresh[:30], "samples of G": samples[:30]}, columns=15,
             alt="Two rows of real digits, and below them two rows of samples of G: most of them "
                 "can be read, some are smeared or broken")

# %% [markdown] tags=["lang-zh", "caption"]
r"""
**图 7-2** 没有挑选过的真图和样本。G 写的数字大多认得出，也有模糊、断开的，和介于两个数字之间的。
"""

# %% [markdown] tags=["lang-en", "caption"]
r"""
**Fig. 7-2** Real pictures and samples, none of them chosen. Most of G's digits can be read; some are smeared or broken, some between two digits.
"""

# %% tags=["nbval-ignore-output"]
print(evaluator.score(samples))

# %% [markdown] tags=["lang-zh"]
r"""
左边一列是 G，右边一列是 2,000 张 `fresh`，也就是下限。最后两行是**协议**：和多少张图比，哪个网络的特征，别的参数是多少。少了它，上面的数就没有意义。（每个指标都说“下限”：对越大越好的那些，它是该达到的值，不是最小的值。）每一项是什么：

| 指标 | 怎样算 | 完美的样本得多少 |
|---|---|---|
| 弗雷歇距离（Fréchet） | 两组特征的均值和协方差 | 下限；两组一样多时约 $c/n$，$n$ 张对 $m$ 张时约 $\frac{c}{2}(\frac{1}{n} + \frac{1}{m})$ |
| 核距离（KID） | 三次核函数给出的相似程度：两组各自组内的平均，减去两倍的组间平均；写成 10 块的平均 ± 它的标准误 | 0，上下波动 |
| MIND（Monge Inception Distance） | 许多方向上排序，再比较（下文） | 下限，也随 $n$ 变 |
| 精确率（precision） | 样本里，落进某个真图的近邻球的比例 | 下限，接近 1 |
| 召回率（recall） | 真图里，落进某个样本的近邻球的比例 | 下限，接近 1 |
| 密度（density） | 一个样本落进几个真图的球，除以 $k$ | 1，也可以超过 |
| 覆盖率（coverage） | 真图的球里有样本的比例 | 约 $1-(m/(n+m))^k$，$n$ 个样本，$m$ 张真图 |
| Inception 分数（IS） | $\exp(\mathbb{E} \, \mathrm{KL}(p(y \mid x) \,\Vert\, p(y)))$，$p(y \mid x)$ 是分类器给图 $x$ 的概率，$p(y)$ 是它们的平均：分类器有没有把握，类别齐不齐，从 1 到类别数（这里是 10）；不看真图 | 真图的分数 |

**近邻球**：每个点画一个球，半径到同一组里（自己不算）它的第 $k$ 个近邻（这里 $k = 5$）。真图的球合起来，当作真图所在的区域。
"""

# %% [markdown] tags=["lang-en"]
r"""
The left column is G, the right one 2,000 `fresh` pictures, the floor. The last two lines are the **protocol**: compared with how many pictures, whose features, which other parameters. Without it the numbers above mean nothing. (We say floor for every metric; for those where more is better, it is the value to reach, not the least.) What each of them is:

| Metric | How | Perfect samples get |
|---|---|---|
| Fréchet distance | means and covariances of the features of both sets | the floor; about $c/n$ for sets of equal size, $\frac{c}{2}(\frac{1}{n} + \frac{1}{m})$ for $n$ against $m$ |
| kernel distance (KID) | similarity by a cubic kernel: its mean within each set, minus twice its mean between the sets; written as the mean of 10 blocks ± its standard error | 0, above or below |
| MIND (Monge Inception Distance) | sort along many directions and compare (see below) | the floor, which depends on $n$, too |
| precision | share of the samples that lie in the ball of some real picture | the floor, close to 1 |
| recall | share of the real pictures that lie in the ball of some sample | the floor, close to 1 |
| density | in how many real balls a sample lies, over $k$ | 1, and more is possible |
| coverage | share of the real balls that hold a sample | about $1-(m/(n+m))^k$, $n$ samples, $m$ real pictures |
| Inception score (IS) | $\exp(\mathbb{E} \, \mathrm{KL}(p(y \mid x) \,\Vert\, p(y)))$, where $p(y \mid x)$ is what the classifier says of a picture $x$ and $p(y)$ the mean of that: is the classifier sure, are all classes there, from 1 to the number of classes (here 10); it looks at no real picture | that of real pictures |

**Balls:** draw one around each point, as far as its $k$-th nearest neighbour in its own set, itself not counted (here $k = 5$). Together the balls of the real pictures are taken for the region where real pictures are.
"""

# %% [markdown] tags=["lang-zh"]
r"""
**训练途中的分数。** 上面的表只说最后一步。`tracker` 记下了每 500 步的分数：
"""

# %% [markdown] tags=["lang-en"]
r"""
**Scores on the way.** The table above is for the last step only. `tracker` has kept the scores of every 500 steps:
"""

# %% tags=["nbval-ignore-output"]
shown = ("frechet", "precision", "recall", "coverage")


def row_of(numbers):
    """Return one number in each of the columns `shown`."""
    return [f"{numbers[name]:.3f}" for name in shown]


table([("步", "step"), ("弗雷歇", "Fréchet"), ("精确率", "precision"), ("召回率", "recall"),
       ("覆盖率", "coverage")],
      [*([f"{step:,}", *row_of(numbers)] for step, numbers in tracker.rows.items()),
       [("真图（下限）", "real ones (floor)"), *row_of(tracker.floor)]])
say("{n} 个样本，每次用同样的 z；测量一共用了 {seconds:.0f} 秒。",
    "{n} samples, of the same z each time; all the measuring took {seconds:.0f} seconds.",
    n=tracker.n, seconds=tracker.seconds)

# %% [markdown] tags=["lang-zh"]
r"""
协议和上面不同：1,000 个样本，和 2,000 张训练图比，所以下限是 0.131，不是 0.090；最后一步是 1.047，不是 0.93。这张表只能和自己比。能读出三件事：

- **平均还没有到头。** 弗雷歇距离一行比一行小，最后 500 步还从 1.441 降到 1.047，召回率和覆盖率也还在升。G 本身是不是还在进步，要看最新的权重，这里没有量。
- **精确率先升后降。** 第 1,500 步最高，0.979，超过真图的 0.955，那时召回率只有 0.043。单看精确率，就会在那里停下。
- **每一行量的都是滑动平均。** 衰减率是 0.999，500 步以后，平均里还有 $0.999^{500} = 61\%$ 的初始权重，1,500 步以后还有 $22\%$；所以开头几行说不出 G 学得快慢，精确率的高峰也可能受它影响。

在命令行里写 `python -m gan_lessons train … --measure-every 500`，数就存进 `measured.csv`；`lab.TrainingView(tracker=tracker)` 把第一项（这里是弗雷歇距离）画成曲线。如果照这样的表挑出一步来交，挑中的那个数就偏乐观：报告之前，要用另一批样本和另一批真图再量一次。
"""

# %% [markdown] tags=["lang-en"]
r"""
The protocol is not that of the table above: 1,000 samples, compared with 2,000 training pictures, so the floor is 0.131 and not 0.090, and the last step has 1.047 and not 0.93. Compare the rows of this table with each other only. They say three things:

- **The average is not there yet.** The Fréchet distance falls from row to row, in the last 500 steps still from 1.441 to 1.047, and recall and coverage are still rising. Whether G itself still improves, its newest weights would have to tell; they were not measured.
- **Precision rises first and then falls.** It is highest at step 1,500, 0.979, above the 0.955 of real pictures, when recall is only 0.043. Going by precision alone, one would stop there.
- **Every row measures the moving average.** Its decay is 0.999; after 500 steps $0.999^{500} = 61\%$ of it are still the initial weights, after 1,500 steps $22\%$. So the first rows do not show how fast G learns, and the peak of precision may owe something to it.

On the command line, `python -m gan_lessons train … --measure-every 500` keeps the numbers in `measured.csv`; `lab.TrainingView(tracker=tracker)` draws the first of them, here the Fréchet distance, as a curve. If you choose a step by such a table, the number you chose it by is flattering: before you report, measure again with other samples and other real pictures.
"""

# %% [markdown] tags=["lang-zh", "predict"]
r"""
## 损伤表：谁看见了什么？

要知道一个指标看见什么，最好的办法是给它看毛病**已知**的图。下面让真图扮演生成器：`fresh` 里的真图，每次只弄坏一处，请所有指标打分。这样，一个数变了，原因只有一个。

### 先猜再跑 2：谁比真图还好？

九种损伤是：高斯模糊，0.7 个像素；噪声，标准差 30 级灰度（共 255 级）；质量为 10 的 JPEG；去掉 2、4、7 三类；每一类只留离平均图最近的三分之二；100 张反复交，每次平移至多一个像素；训练集本身；真图里混进一张白纸；纯噪声（每个像素随机，像电视的雪花点）。

哪一种的弗雷歇距离比没有损伤的新真图**还小**？

- A. 直接交出训练集。
- B. 轻微的模糊。
- C. 只交出最典型的三分之二。
- D. 没有：真图已经是最好的了。
"""

# %% [markdown] tags=["lang-en", "predict"]
r"""
## The table of damages: who sees what?

The best way to learn what a metric sees is to show it pictures with a **known** fault. Here real pictures play the generator: those of `fresh`, with one thing broken at a time, scored by every metric. Whatever moves then has one cause only.

### Predict, then run 2: better than real?

The nine damages: a Gaussian blur of 0.7 pixels; noise with a standard deviation of 30 grey levels (of 255); JPEG of quality 10; classes 2, 4 and 7 dropped; of each class only the two thirds nearest its mean picture; 100 pictures again and again, shifted by up to a pixel each time; the training set itself; one white page among real pictures; static (every pixel random, like the snow on an old television).

Which of them has a **smaller** Fréchet distance than new real pictures without damage?

- A. Handing in the training set itself.
- B. A slight blur.
- C. Handing in only the most typical two thirds.
- D. None: nothing is better than real pictures.
"""

# %% tags=["nbval-ignore-output"]
show.gallery({name: make(parts)[:16] for name, make in damage.DAMAGES.items()}, columns=16,
             scale=2, alt="Ten titled rows of sixteen digits: undamaged, blurred, noisy, "
                          "with blocks of JPEG, without three classes, typical ones, few that "
                          "come again, training pictures, one white page first, and static")

# %% [markdown] tags=["lang-zh", "caption"]
r"""
**图 7-3** 十组图片，各取前 16 张。第一行是没有损伤的新真图。缺了哪几类、是不是只有典型的、有没有重复，光看 16 张几乎看不出来；“训练集”那一行更是无可挑剔。
"""

# %% [markdown] tags=["lang-en", "caption"]
r"""
**Fig. 7-3** Ten sets of pictures, the first 16 of each. The first row is new real pictures without damage. Which classes are missing, whether only typical ones are there, whether pictures repeat: 16 pictures hardly show it; and the row of the training set is flawless.
"""

# %% tags=["nbval-ignore-output"]
FORMS = {"frechet": ".3f", "kid": ".4f", "mind": ".2f", "precision": ".3f", "recall": ".3f",
         "density": ".2f", "coverage": ".3f", "inception": ".2f", "copies": ".1f"}


def show_board(rows):
    """Show a table with a row for each damage: its name, then a cell for each of FORMS."""
    table([("损伤", "damage"), ("弗雷歇", "Fréchet"), "KID", "MIND", ("精确率", "precision"),
           ("召回率", "recall"), ("密度", "density"), ("覆盖率", "coverage"), "IS",
           ("记忆检验 z", "memorisation z")],
          [[({"none": "没有损伤", "blur": "模糊", "noise": "噪声", "JPEG": "JPEG 压缩",
              "3 classes dropped": "少了三类", "typical ones only": "只交最典型的",
              "100 pictures, repeated": "100 张反复交", "the training set": "训练集",
              "one outlier": "一张白纸", "static": "纯噪声"}[name], name), *cells]
           for name, *cells in rows])


board = damage.board(parts)
show_board([[name, *(format(row[key], form) for key, form in FORMS.items())]
            for name, row in board.items()])


def spread(pictures, labels):
    """Return the mean squared distance of features from the middle of their class."""
    features = net.features(pictures)
    middles = torch.stack([features[labels == k].mean(0) for k in range(10)])
    return float((features - middles[labels]).square().sum(1).mean())


spreads = {name: spread(damage.DAMAGES[name](parts)[:2000], parts.fresh.labels[:2000])
           for name in ("none", "blur", "noise", "JPEG")}
say("类内方差：无损伤 {none:.1f}，模糊 {blur:.1f}，噪声 {noise:.1f}，JPEG {JPEG:.1f}。",
    "Variance within the classes: no damage {none:.1f}, blur {blur:.1f}, noise {noise:.1f}, "
    "JPEG {JPEG:.1f}.", **spreads)

# %% [markdown] tags=["lang-zh"]
r"""
第一行“没有损伤”就是下限；最后一列查有没有照抄训练图，后面“记忆”一节再讲，$z > 3$ 算报警（这个 $z$ 不是隐向量，是结果比老实的生成器应得的高出几个标准误，见第 02 课）。一张表只是一次抽签，哪些差别可靠？`python -m studies.lesson07 board` 用 5 个种子重新分图，重做一遍；下表只写出 5 次都看得出的变化：`-` 是 5 次的值都比没有损伤的 5 次差，`+` 是都比它好，`.` 是分不开，`!` 是 5 次都报警。下限自己也是一次抽签：5 种分法，弗雷歇距离从 0.036 到 0.090。
"""

# %% [markdown] tags=["lang-en"]
r"""
The first row, "none", is the floor; the last column looks for copies of training pictures, see "Memorisation" below, and $z > 3$ is an alarm (this $z$ is not the latent vector: it is by how many standard errors the result lies above that of an honest generator, see lesson 02). One table is one draw: which differences can be relied on? `python -m studies.lesson07 board` deals the pictures out with 5 seeds and repeats it all; the next table has the changes that show in all 5: `-` where all 5 values are worse than all 5 without damage, `+` where all are better, `.` where they overlap, `!` where all 5 raise an alarm. The floor is a draw as well: over the 5 deals its Fréchet distance is 0.036 to 0.090.
"""

# %%
board_study = study("board")
verdicts = {name: list(row.values()) for name, row in board_study["verdicts"].items()}
for name, values in board_study["rows"].items():  # of the memorisation test: an alarm or not
    verdicts[name][-1] = "alarm" if min(values["copies"]) > 3 else "same"
show_board([[name, *({"worse": "-", "same": ".", "better": "+", "alarm": "!"}[word]
                     for word in words)] for name, words in verdicts.items() if name != "none"])

# %% [markdown] tags=["lang-zh"]
r"""
答案是 **A**。训练集的弗雷歇距离是 0.013，新真图是 0.090（交的是 3,000 张训练图里的前 2,000 张，所以不是正好 0）：同样的图，当然比谁都近。5 次分图都是这样，MIND、精确率、召回率和覆盖率也都说它“更好”。只有记忆检验报警，$z$ 是 47.1，别的行没有一行超过 3。

一行一行读：

- **模糊、噪声、JPEG**：弗雷歇距离、KID、MIND、召回率和 IS 都变差；精确率和密度反而**变好**，比真图还高。从特征看，模糊以后，类内方差从 5.0 缩到 3.5（噪声 4.1，JPEG 4.3），弄坏的图互相靠拢了；也许是靠向自己那一类的中间，那里真图的球多，这一点没有检验。精确率高，不等于画得好。
- **少了三类**：每一张都是真图，所以精确率和密度毫无察觉；别的指标都看出来了，召回率跌到 0.683。
- **只交最典型的**：精确率、密度和 IS 都“更好”，弗雷歇距离却是下限的两倍多，召回率从 0.949 跌到 0.851。挑好看的交，就是这样。
- **100 张反复交**：召回率跌得最狠，只剩 0.206；如果每次都不平移，它是 0，因为一张图的近邻就是自己的复本，球没有半径。精确率下降也是平移造成的，不平移时是 0.95（另外量的）。IS 只从 9.78 降到 9.42（五种分法里是 8.76 到 9.42）。记忆检验不报警，这是对的：反复交的是新图，不是训练图。
- **一张白纸**：混在 2,000 张里，没有一个指标看得出。平均值看不见一个坏样本，要靠眼睛，或者看离得最远的那几张。
- **纯噪声**：用这个分类器，都看出来了（换一个分类器，精确率有时看不出，见下文），可是精确率居然还有 0.15，别的分法里高到 0.87。这一点下面解释。

没有一个指标看见所有的毛病，也没有一个毛病能骗过所有的指标（白纸除外）。所以要看一组指标，并且知道每一个的盲点。
"""

# %% [markdown] tags=["lang-en"]
r"""
The answer is **A**. The Fréchet distance of the training set is 0.013, that of new real pictures 0.090 (the row hands in the first 2,000 of the 3,000 training pictures, so it is not exactly 0): nothing is closer to the reference than its own pictures. So it is in all 5 draws, and MIND, precision, recall and coverage call it "better", too. Only the memorisation test raises an alarm, with a $z$ of 47.1; no other row is above 3.

Row by row:

- **Blur, noise, JPEG:** the Fréchet distance, KID, MIND, recall and IS all get worse; precision and density get **better**, above real pictures. In the features the variance within the classes has shrunk from 5.0 to 3.5 after the blur (noise 4.1, JPEG 4.3): damaged pictures lie closer together; perhaps they move to the middle of their class, where the balls of real pictures are many, which was not tested. High precision does not mean good pictures.
- **Three classes dropped:** each picture is real, so precision and density notice nothing; all other metrics do, and recall falls to 0.683.
- **Typical ones only:** precision, density and IS are "better", while the Fréchet distance is more than twice the floor and recall falls from 0.949 to 0.851. That is what handing in the best ones looks like.
- **100 pictures, repeated:** recall falls hardest, to 0.206; without the shifts it is 0, as the neighbours of a picture are its own copies, and its ball has no radius. That precision falls comes from the shifts, too: without them it is 0.95 (measured apart). IS only goes from 9.78 to 9.42 (8.76 to 9.42 over the five deals). The memorisation test is silent, and rightly so: new pictures are repeated, not training pictures.
- **One white page** among 2,000 pictures: no metric sees it. A mean does not show a single bad sample; use your eyes, or look at the few that lie furthest off.
- **Static:** with this classifier all see it (with others precision sometimes does not, see below), and yet its precision is 0.15, and up to 0.87 in other draws. The explanation follows below.

No metric sees every fault, and no fault deceives every metric (the white page apart). So look at several metrics, and know the blind spot of each.
"""

# %% [markdown] tags=["lang-zh", "predict"]
r"""
## 换一种毛病：少了一半的模式

### 先猜再跑 3：谁看得出来？

第 01 课的环：圆上 8 团点。有四组“样本”，各 2,500 个点：新的真实点；只有 8 团中**每隔一团**的 4 团；一大团正态分布的点，均值和协方差同环一样；只有相邻的 4 团。直接拿坐标当特征（两维，不用网络）。第二组少了一半的模式，下面哪个指标**看得出来**？

- A. 弗雷歇距离和 KID 看得出来：分布差了那么多。
- B. 只有弗雷歇距离看得出来。
- C. 只有 KID 看得出来：它不假设正态分布。
- D. 这两个都看不出来，召回率、覆盖率和 MIND 看得出来。
"""

# %% [markdown] tags=["lang-en", "predict"]
r"""
## Another fault: half of the modes

### Predict, then run 3: who notices?

The ring of lesson 01 has 8 clusters on a circle. Four sets of "samples", 2,500 points each: new real points; **every second** of the 8 clusters, 4 in all; one big Gaussian cloud with the mean and covariance of the ring; 4 neighbouring clusters only. The coordinates themselves are the features (two of them, no network). In the second set half of the modes are missing. Which metrics **notice**?

- A. The Fréchet distance and KID do: the distributions differ so much.
- B. Only the Fréchet distance does.
- C. Only KID does: it does not assume a Gaussian.
- D. Neither of the two; recall, coverage and MIND do.
"""

# %%
ring = data.ring()
chance = torch.Generator().manual_seed(0)
real_points = ring.sample(2500, chance)


def around(modes, n=2500):
    """Return n points around some of the ring's modes, each as often."""
    chosen = modes[torch.randint(len(modes), (n,), generator=chance)]
    return chosen + ring.std * torch.randn(n, 2, generator=chance)


clouds = {"new real points": ring.sample(2500, chance),
          "every second mode": around(ring.modes[::2]),
          "one wide cloud": 2 ** 0.5 * torch.randn(2500, 2, generator=chance),
          "four neighbours": around(ring.modes[2:6])}
show.clouds(clouds, real_points, extent=4.5,
            alt="Four clouds over the ring's 8 clusters: all eight; four of them, as a square; one "
                "wide round cloud over everything; four neighbours, from the top to the lower left")

# %% [markdown] tags=["lang-zh", "caption"]
r"""
**图 7-4** 四组点（橙），蓝色是真实的环。第二组是一个正方形的四个角；第三组根本没有团。
"""

# %% [markdown] tags=["lang-en", "caption"]
r"""
**Fig. 7-4** Four sets of points (orange) over the real ring (blue). The second set is the four corners of a square; the third has no clusters at all.
"""

# %%
def mind(a, b, directions=1000, seed=0):
    """Return MIND of two sets of n features, (n, d): lesson 04's sorting along many directions."""
    u = torch.randn(directions, a.shape[1], generator=torch.Generator().manual_seed(seed))
    u = u / u.norm(dim=1, keepdim=True)
    along_a, along_b = (u @ a.T).sort().values, (u @ b.T).sort().values
    return 3 * a.shape[1] * (along_a - along_b).square().mean().item()


rows = {}
for name, cloud in clouds.items():
    near = measure.precision_recall(cloud, real_points)
    modes = measure.mode_report(cloud, ring).effective_modes
    rows[name] = [f"{measure.frechet_distance(cloud, real_points):.3f}",
                  f"{measure.kernel_distance(cloud, real_points):.3f}",
                  f"{mind(cloud, real_points):.2f}", f"{near.precision:.2f}",
                  f"{near.recall:.2f}", f"{near.coverage:.2f}", f"{modes:.1f}"]
table([("样本", "samples"), ("弗雷歇", "Fréchet"), "KID", "MIND", ("精确率", "precision"),
       ("召回率", "recall"), ("覆盖率", "coverage"), ("有效模式数", "effective modes")],
      [[({"new real points": "新的真实点", "every second mode": "每隔一团",
          "one wide cloud": "一大团", "four neighbours": "相邻的四团"}[name], name), *row]
       for name, row in rows.items()])

# %% [markdown] tags=["lang-zh"]
r"""
答案是 **D**。每隔一团的那一组，弗雷歇距离是 0.000，新的真实点自己还有 0.002；KID 两行都在 0 上下。两个指标都说：和真的没有差别。召回率和覆盖率说少了一半，MIND 从 0.10 升到 1.18。第三组连一个团都没有，弗雷歇距离照样只有 0.003；它的召回率是 1.00，精确率只有 0.03。

**为什么看不见？** 弗雷歇距离只看均值和协方差。圆上均匀的 $K$ 个点（$K \ge 3$），半径 $r$，每团的标准差是 $\sigma$，坐标写成 $r\cos\theta_j$ 和 $r\sin\theta_j$，

$$\frac{1}{K}\sum_j \cos^2\theta_j = \frac{1}{2} + \frac{1}{2K}\sum_j \cos 2\theta_j = \frac{1}{2}, \qquad \frac{1}{K}\sum_j \sin\theta_j \cos\theta_j = 0$$

因为 $\cos 2\theta_j$ 绕圈求和是 0。所以 8 团、4 团和一大团，均值都是 0，协方差都是 $(r^2/2 + \sigma^2) I$：这个距离没有任何办法把它们分开。KID 的核是三次的，它比较的是三阶以内的全部矩；8 团和 4 团的三阶矩都是 0，直到四阶才不同（$\mathbb{E}\,x^4$ 的主要部分是 $\frac{3}{8} r^4$ 对 $\frac{1}{2} r^4$），所以 KID 也看不见。相邻的四团就不同了：均值不是 0，两个距离都看得出来。

**MIND** 取许多方向，在每个方向上把两组投影排序，比较整个分布，而不是两个矩。第 04 课用排序算 $W_1$，这里用同样的排序算 $W_2^2$：

$$\mathrm{MIND} = 3d\;\mathbb{E}_u\,W_2^2(u^\top a,\, u^\top b), \qquad \lVert u \rVert = 1$$

系数使它和弗雷歇距离在同一个量级，但不相等：只是移动时，MIND 平均是弗雷歇距离的 3 倍。（表里“相邻的四团”的 7.24 对 2.42 也接近 3 倍，不过它的协方差也变了。）它和弗雷歇距离一样有偏差，下限也要一起报告；论文说，五千个样本就能做 FID 五万个样本的事，这里没有检验。

深度网络的特征能不能救弗雷歇距离？能救一部分：网络把图片的模式变成特征的均值。损伤表里少了三类，它就看见了。但只要两组特征的前两阶矩相同，它就无话可说；这样的生成器，专门去造就造得出来。
"""

# %% [markdown] tags=["lang-en"]
r"""
The answer is **D**. For every second mode the Fréchet distance is 0.000, and new real points have 0.002 themselves; KID is about 0 in both rows. Both say: no different from real. Recall and coverage say that half is missing, and MIND rises from 0.10 to 1.18. The third set has no clusters at all, and its Fréchet distance is only 0.003; its recall is 1.00, its precision 0.03.

**Why do they not see it?** The Fréchet distance looks at mean and covariance. Let $K$ points ($K \ge 3$), the centres of clusters with a standard deviation of $\sigma$, be evenly spaced on a circle of radius $r$, with coordinates $r\cos\theta_j$ and $r\sin\theta_j$:

$$\frac{1}{K}\sum_j \cos^2\theta_j = \frac{1}{2} + \frac{1}{2K}\sum_j \cos 2\theta_j = \frac{1}{2}, \qquad \frac{1}{K}\sum_j \sin\theta_j \cos\theta_j = 0$$

since $\cos 2\theta_j$ sums to 0 around the circle. So 8 clusters, 4 clusters and one wide cloud all have mean 0 and the covariance $(r^2/2 + \sigma^2) I$: this distance cannot tell them apart. KID's kernel is cubic and compares all moments up to the third; the third moments of 8 and of 4 clusters are both 0, and they differ only in the fourth ($\mathbb{E}\,x^4$ is $\frac{3}{8} r^4$ against $\frac{1}{2} r^4$ to leading order), so KID does not see it either. The four neighbouring clusters are another matter: their mean is not 0, and both distances notice.

**MIND** takes many directions, sorts the projections of both sets along each, and compares whole distributions instead of two moments. Lesson 04 sorted for $W_1$, and here it is $W_2^2$:

$$\mathrm{MIND} = 3d\;\mathbb{E}_u\,W_2^2(u^\top a,\, u^\top b), \qquad \lVert u \rVert = 1$$

The factor gives it the order of magnitude of the Fréchet distance, not its value: for a mere shift MIND is 3 times as large on average. (The four neighbours in the table, 7.24 against 2.42, is also close to 3, but its covariance differs, too.) It has a bias as well, and needs a floor beside it; the paper says that five thousand samples do what FID needs fifty thousand for, which is not tested here.

Can the features of a deep network save the Fréchet distance? In part: the network turns modes of pictures into means of features, and in the table it saw three dropped classes. But where the first two moments of the features agree, it has nothing to say, and whoever sets out to build such a generator can.
"""

# %%
chance = torch.Generator().manual_seed(1)
real_cloud = torch.randn(500, 2, generator=chance)
fakes = torch.tensor([3.5, 3.5]) + 0.4 * torch.randn(500, 2, generator=chance)
spoilt = torch.cat([real_cloud, torch.tensor([[8.0, 8.0]])])
reach = float(torch.cdist(spoilt[-1:], spoilt).kthvalue(6).values)  # the first is itself, so to its 5th neighbour

figure, axes = plt.subplots(1, 2, figsize=(8, 3.8), layout="constrained")
for axis, (name, real) in zip(axes, {"500 real points": real_cloud,
                                     "and one outlier": spoilt}.items(), strict=True):
    near = measure.precision_recall(fakes, real)
    axis.scatter(*real.T, s=8, color=show.BLUE, marker="o", label="real")
    axis.scatter(*fakes.T, s=8, color=show.ORANGE, marker="x", label="fake")
    axis.set(xlim=(-5, 13), ylim=(-5, 13), aspect="equal")
    axis.set_title(f"{name}\nprecision {near.precision:.2f}, density {near.density:.2f}, "
                   f"coverage {near.coverage:.2f}", fontsize=9)
axes[1].add_patch(plt.Circle((8, 8), reach, fill=False, linestyle="--", color="black"))
axes[0].legend(fontsize=8)
show.show(figure, "Two panels with a blue round cloud of real points and an orange cluster of "
                  "fakes beside it; in the right one a single real point far off has a dashed "
                  "circle around it that takes in all the fakes")

# %% [markdown] tags=["lang-zh", "caption"]
r"""
**图 7-5** 生成的点（橙）都在真实的点（蓝）之外。左：精确率几乎是 0。右：多了一个离群的真实点，它的第 5 个近邻很远，球（虚线）大得装下了全部生成的点，精确率变成 1；密度只有 0.2，覆盖率接近 0。
"""

# %% [markdown] tags=["lang-en", "caption"]
r"""
**Fig. 7-5** All fakes (orange) lie outside the real points (blue). Left: precision is almost 0. Right: with one real outlier, whose 5th neighbour is far away, the ball (dashed) is so large that it holds all fakes, and precision becomes 1; density is only 0.2, coverage close to 0.
"""

# %% tags=["nbval-ignore-output"]
before, after = damage.forgiven(parts)
say("图片上也一样：2,000 张纯噪声，精确率 {p:.2f}，密度 {d:.2f}；3,000 张真图里混进一张白纸，"
    "变成 {p_after:.2f} 和 {d_after:.2f}，覆盖率始终是 {c:.3f} 和 {c_after:.3f}。",
    "The same with pictures: 2,000 of pure static have a precision of {p:.2f} and a density of "
    "{d:.2f}; with one white page among the 3,000 real pictures it is {p_after:.2f} and "
    "{d_after:.2f}, while coverage is {c:.3f} and {c_after:.3f}.", p=before.precision,
    d=before.density, p_after=after.precision, d_after=after.density, c=before.coverage,
    c_after=after.coverage)
first_ten = torch.cat([fresh[parts.fresh.labels == digit][:1] for digit in range(10)])
ten = evaluator.score(first_ten.repeat(200, 1, 1, 1))
say("十张图，每个数字一张，各重复 200 次：IS {found:.2f}，真图只有 {real:.2f}；召回率 {recall:.3f}，"
    "弗雷歇距离 {frechet:.1f}。",
    "Ten pictures, one of each digit, 200 times each: IS {found:.2f}, and real pictures have only "
    "{real:.2f}; recall {recall:.3f}, Fréchet distance {frechet:.1f}.",
    found=ten.inception, real=evaluator.floor.inception, recall=ten.prdc.recall,
    frechet=ten.frechet)

# %% [markdown] tags=["lang-zh"]
r"""
损伤表的最后一行多半也是这个道理：真图里本来就有几张写得古怪的，它们的球特别大，装得下一部分噪声（没有单独检验）。装得下多少，还要看分类器：10 个分类器（网络相同，只是学的时候图片的次序不同）、5 种分法，共 50 次（`python -m studies.lesson07 page`），没有白纸时，纯噪声的精确率从 0.06 到 1.00 都有；只看第二种分法，10 个分类器也从 0.60 到 1.00。放进一张白纸，没有一次变小，28 次超过 0.99（没有白纸时 10 次），最小的是 0.37；变得最多的一次从 0.06 到 1.00。换一张真图、换一个分类器就能左右的数，不能单独报告。密度按“落进几个球”计数，一个大球只算一个；覆盖率反过来问每个真图的球里有没有样本，这张白纸最多多算一个球。

**Inception 分数**的盲点更大：它从不看真图，每类有一张分类器拿得准的图就够了。
"""

# %% [markdown] tags=["lang-en"]
r"""
The last row of the table of damages is probably a case of this, which was not tested by itself: among real pictures there are a few odd ones, whose balls are so large that they hold a part of the static. How much they hold depends on the classifier as well: with 10 classifiers (one network, taught with the pictures in another order each) and 5 ways to deal out the digits, 50 times in all (`python -m studies.lesson07 page`), the precision of static without a white page is anything from 0.06 to 1.00; in the second deal alone it goes from 0.60 to 1.00 over the 10 classifiers. With one white page it is smaller in none, above 0.99 in 28 (10 without the page), and 0.37 at least; where it changes most, it goes from 0.06 to 1.00. A number that a single real picture, or another classifier, can turn must not be reported alone. Density counts balls, and one large ball is only one; coverage asks for each real ball whether there is a sample in it, and the white page is at most one ball more.

The **Inception score** has a larger blind spot: it never looks at a real picture, and one picture of each class that the classifier is sure of is all it takes.
"""

# %% [markdown] tags=["lang-zh", "predict"]
r"""
## 精确率和召回率：截断 z

弗雷歇距离把质量和多样性混成一个数。精确率和召回率把它们分开：样本像不像真图；真图的各种样子，样本里有没有。**截断**（truncation）是采样时的一个旋钮：$z$ 的每个分量若超出 $[-t, t]$，就重新抽，于是每个分量都离 0 不远。

### 先猜再跑 4：截断得很厉害

同一个 G，$z$ 原来不截断，现在截断到 $t = 0.5$。精确率和召回率怎样变？弗雷歇距离呢？

- A. 两者都升，弗雷歇距离变小：$z$ 越典型，样本越好。
- B. 精确率升，召回率降，弗雷歇距离变大。
- C. 精确率降，召回率升，弗雷歇距离变大。
- D. 几乎不变：网络没有变，换 $z$ 只是换一批样本。
"""

# %% [markdown] tags=["lang-en", "predict"]
r"""
## Precision and recall: truncating z

The Fréchet distance makes one number of quality and variety. Precision and recall take them apart: are samples like real pictures; and are the kinds of real pictures to be found among the samples? **Truncation** is a knob for sampling: a component of $z$ outside $[-t, t]$ is drawn again, so that no component is far from 0.

### Predict, then run 4: a strong truncation

The same G, with $z$ not truncated, and with $t = 0.5$. What becomes of precision and recall, and what of the Fréchet distance?

- A. Both rise, and the Fréchet distance falls: the more typical $z$, the better the samples.
- B. Precision rises, recall falls, and the Fréchet distance rises.
- C. Precision falls, recall rises, and the Fréchet distance rises.
- D. Hardly anything: the network is the same, and other $z$ are only other samples.
"""

# %% tags=["nbval-ignore-output"]
def truncated(limit, n=2000, seed=1):
    """Return n samples of G whose z has components between -limit and limit."""
    z = torch.empty(n, game.latent)
    nn.init.trunc_normal_(z, a=-limit, b=limit, generator=torch.Generator().manual_seed(seed))
    return generate(game.generator_ema, z)


limits = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 4.0)  # beyond 4 there is next to nothing
curve = {limit: evaluator.score(truncated(limit)) for limit in limits}
found = {name: [getattr(curve[limit].prdc, name) for limit in limits]
         for name in ("precision", "recall", "density", "coverage")}
figure, axes = plt.subplots(1, 3, figsize=(10, 3.2), layout="constrained")
for name, (color, marker, dashes) in zip(found, show.LINES, strict=False):
    axis = axes[0] if name in ("precision", "recall") else axes[1]
    axis.plot(limits, found[name], dashes, color=color, marker=marker, label=name)
axes[2].plot(limits, [curve[limit].frechet for limit in limits], color=show.BLUE, marker="o",
             label="Frechet distance")
axes[2].set_yscale("log")
for axis in axes:
    axis.set(xlabel="limit t of each component of z")
    axis.legend(fontsize=8)
    axis.spines[["top", "right"]].set_visible(False)
show.show(figure, "Three panels against the limit t of the truncation: precision and recall; "
                  "density and coverage; the Frechet distance")

# %% [markdown] tags=["lang-zh", "caption"]
r"""
**图 7-6** 横轴是截断的界限 $t$，越往左截得越厉害。左：精确率和召回率。中：密度和覆盖率。右：弗雷歇距离，对数轴，截得越厉害越大。
"""

# %% [markdown] tags=["lang-en", "caption"]
r"""
**Fig. 7-6** The horizontal axis is the limit $t$; further to the left the truncation is stronger. Left: precision and recall. Middle: density and coverage. Right: the Fréchet distance on a logarithmic axis, larger the stronger the truncation.
"""

# %% tags=["nbval-ignore-output"]
show.gallery({"t = 0.25": truncated(0.25)[:15], "t = 0.5": truncated(0.5)[:15],
              "t = 1": truncated(1.0)[:15], "not truncated": truncated(4.0)[:15]}, columns=15,
             alt="Four rows of fifteen samples of one G, digits in white on black: truncated at t"
                 " = 0.25, at t = 0.5, at t = 1, and not truncated")

# %% [markdown] tags=["lang-zh", "caption"]
r"""
**图 7-7** 同一个 G。$t = 0.25$ 的样本又灰又糊，$t = 0.5$ 的有一部分也是，这两行的精确率却比不截断的高；越往下越黑白分明，种类越多，坏的也有。
"""

# %% [markdown] tags=["lang-en", "caption"]
r"""
**Fig. 7-7** One and the same G. The samples of $t = 0.25$, and a part of those of $t = 0.5$, are grey and blurred, and yet both rows have a higher precision than the one without truncation; further down they become black and white and more varied, with some broken ones.
"""

# %% tags=["nbval-ignore-output"]
table([("界限 t", "limit t"), ("精确率", "precision"), ("召回率", "recall"), ("密度", "density"),
       ("覆盖率", "coverage"), ("弗雷歇", "Fréchet")],
      [[("4（等于不截断）", "4 (as good as none)") if limit == 4 else f"{limit:g}",
        f"{score.prdc.precision:.3f}", f"{score.prdc.recall:.3f}", f"{score.prdc.density:.3f}",
        f"{score.prdc.coverage:.3f}", f"{score.frechet:.2f}"] for limit, score in curve.items()])

# %% [markdown] tags=["lang-zh"]
r"""
答案是 **B**。$t = 0.5$ 时，精确率是 0.957，不截断时 0.884；召回率从 0.747 跌到 0.309；弗雷歇距离从 0.93 升到 5.56。再截到 0.25，精确率不再升（0.944），召回率只剩 0.104。

数是这样，图却不是我们想的那样。常听说截断“用多样换质量”，可是图 7-7 里，精确率最高的一行（$t = 0.5$）比不截断的糊。损伤表里见过同样的事：糊的图，特征互相靠拢，精确率反而高。G 为什么会糊？可能的原因（没有单独检验）是：训练时 $z$ 有 64 个分量，长度总在 $\sqrt{64} = 8$ 上下；$t = 0.25$ 时长度只有 1.15 左右，那里是 G 从来没有见过的地方（第 03 课量过，随机的 $z$ 几乎都在长度 8 附近）。（这个解释未必是全部：第 08 课把 $z$ 缩短到四分之一，长度约 2，那里的 G 画的数字仍是清楚的。）BigGAN 的论文里，截断确实使图更清楚；那是大得多的网络，论文也写明有些模型经不起截断，要另加正则项。在这个小 G 上没有得到这样的好处。

三点要记住。一，一个数说不清：只报告精确率，截断是改进；只报告弗雷歇距离，是退步。二，精确率说“落在真图附近”，不说“清楚”，所以还要看图。三，截断不必训练，所以比较两个模型时，要写明截断没有：一个截断，一个不截断，比的就不是模型。
"""

# %% [markdown] tags=["lang-en"]
r"""
The answer is **B**. With $t = 0.5$ precision is 0.957, and 0.884 without truncation; recall falls from 0.747 to 0.309; the Fréchet distance rises from 0.93 to 5.56. At 0.25 precision rises no further (0.944), and recall is down to 0.104.

So much for the numbers; the pictures are not what we expected. Truncation is said to trade variety for quality, but in Fig. 7-7 the row of the highest precision, $t = 0.5$, is more blurred than the one without truncation. The table of damages had the same: features of blurred pictures lie closer together, and precision rises. Why does G blur? A likely reason, not tested by itself: in training $z$ has 64 components and a length of about $\sqrt{64} = 8$; with $t = 0.25$ it is about 1.15, a place that G has never seen (lesson 03 measured that nearly every random $z$ has a length close to 8). It may not be the whole explanation: in lesson 08 $z$ is shrunk to a quarter of its length, about 2, and the digits of that G stay sharp. In the BigGAN paper truncation does make pictures clearer; its networks are far larger, and it says that some models do not bear truncation and need a regulariser. This small G had no such gain.

Three things to keep. First, one number cannot tell: by precision alone truncation is progress, by the Fréchet distance alone it is a step back. Second, precision says "close to real pictures" and not "clear", so look at the pictures, too. Third, truncation takes no training; so state, when two models are compared, whether either is truncated: if only one is, it is not the models that are compared.
"""

# %% [markdown] tags=["lang-zh"]
r"""
## 记忆：训练集得了满分

损伤表里，交出训练集的那一行胜过新的真图。拿训练图当参照的指标都会奖励照抄，所以要另有一个检验。第 02 课的**符号检验**问：每个样本离训练图近，还是离同样多的未见的图近？一半对一半，就没有照抄。它有两个弱点：

- **误报。** 它把每个样本当作一次独立的抛硬币。一个崩溃的、老实的 G 反复画同样的二十张图，一千个样本其实只有二十个独立的数据：二十枚硬币有十三枚偏向一边并不稀奇，一千枚里有六百五十枚就成了“铁证”。
- **漏报。** 它比较 4×4 小块的均值。把抄来的图移动两个像素，就不像原件了。

`measure.memorisation_test` 改了这两处：每个样本给离它最近的已知图投一票，票的权重是 $1 - d_1/d_2$（$d_1$、$d_2$ 是到最近和第二近的距离，原样照抄是 1）；指向同一张图的票加在一起，同进同退，只算一个独立的数据（置换检验，permutation test：把“训练”和“未见”的名字在已知的图之间随机重排，方差可以精确算出）；另外还比较幅度谱（magnitude spectrum，傅里叶变换的模），平移不改变它。取两种比法中较大的 $z$（所以老实的图平均约是 0.4，不是 0）。
"""

# %% [markdown] tags=["lang-en"]
r"""
## Memorisation: full marks for the training set

On the table of damages the training set itself beat new real pictures. Every metric whose reference is the training set rewards copying, so there has to be a test of its own. The **sign test** of lesson 02 asks of each sample: is it nearer to a training picture or to one of as many unseen ones? Half and half means no copying. It has two weak points:

- **False alarms.** It takes each sample for a toss of its own. Let an honest G be collapsed and paint the same twenty pictures again and again: a thousand samples are then only twenty independent data. That thirteen of twenty coins fall to one side is nothing unusual, but six hundred and fifty of a thousand look like proof.
- **Missed alarms.** It compares means of blocks of 4×4 pixels. Move a copy by two pixels, and it no longer resembles its original.

`measure.memorisation_test` mends both: each sample votes for its nearest known picture with the weight $1 - d_1/d_2$ ($d_1$ and $d_2$ are the distances to the nearest and the second nearest; an exact copy has 1); votes for one picture are added and move together, so they are one independent datum (a permutation test: the names "training" and "unseen" are dealt out again at random among the known pictures, and the variance is known exactly); and it also compares the magnitudes of the Fourier transform, which a shift does not change. Of the two comparisons the larger $z$ counts (so honest pictures have about 0.4 on average, not 0).
"""

# %% tags=["nbval-ignore-output"]
suspects = {"new real pictures": fresh[:1000], "samples of G": samples[:1000],
            "training pictures": training[:1000],
            "the same, noise 30": damage.noisy(training[:1000]),
            "the same, shifted by 2": training[:1000].roll((2, 2), (2, 3)),
            "20 new ones, repeated": damage.repeated(fresh, 20, 1000)}
rows = {}
for name, pictures in suspects.items():
    sign = measure.copy_test(pictures, training, unseen)
    test = measure.memorisation_test(pictures, training, unseen)
    rows[name] = [f"{sign.share:.1%}", f"{sign.z:.1f}", f"{test.z:.1f}", test.view]
table([("交来的图片，1,000 张", "1,000 pictures"), ("离训练图近", "nearer to training"),
       ("符号检验 z", "sign test z"), ("记忆检验 z", "memorisation test z"),
       ("比的是", "compared by")],
      [[({"new real pictures": "新的真图", "samples of G": "G 的样本",
          "training pictures": "训练图", "the same, noise 30": "训练图，噪声 30",
          "the same, shifted by 2": "训练图，平移 2 像素",
          "20 new ones, repeated": "20 张新真图，反复交"}[name], name), *numbers,
        ({"blocks": "小块", "spectrum": "幅度谱"}[view], view)]
       for name, (*numbers, view) in rows.items()])

# %% tags=["nbval-ignore-output"]
def nearest_of(pictures, known, view=lambda pictures: pictures):
    """Return the picture of `known` that is nearest to each, by pixels or by another view."""
    return known[measure.nearest(view(pictures), view(known))[1]]


copied = training[:14].roll((2, 2), (2, 3))
show.gallery({"samples of G": samples[:14],
              "nearest training picture, by pixels": nearest_of(samples[:14], training[:2000]),
              "nearest unseen picture, by pixels": nearest_of(samples[:14], unseen),
              "training pictures, shifted by 2": copied,
              "their nearest training picture, by pixels": nearest_of(copied, training),
              "their nearest training picture, by spectrum": nearest_of(copied, training,
                                                                        spectrum)},
             columns=14, scale=2,
             alt="Six rows of fourteen digits: samples of G with their nearest training and unseen "
                 "pictures, mostly alike in kind; shifted training pictures, below them pictures that "
                 "are often another digit, and in the last row the originals")

# %% [markdown] tags=["lang-zh", "caption"]
r"""
**图 7-8** 每一列是一张图和它的最近邻。上三行：G 的样本和两排近邻；14 列看不出哪一排更近，要看上面的表。下三行：平移了 2 个像素的训练图；按像素找，最近的是另一张，常常连数字都不同，看不出照抄；按幅度谱找，正是原件。
"""

# %% [markdown] tags=["lang-en", "caption"]
r"""
**Fig. 7-8** Each column is a picture with its nearest neighbours. Upper three rows: samples of G with two rows of neighbours; 14 columns cannot tell which row is nearer, the table above does. Lower three: training pictures shifted by 2 pixels; by pixels the nearest is another picture, often of another digit, and nothing shows; by the magnitudes of the Fourier transform it is the original.
"""

# %% [markdown] tags=["lang-zh"]
r"""
一个检验有多可信，要看它冤枉过多少次、放过多少次。`python -m studies.lesson07 copies` 把图重新分了 40 次，每次让十三个嫌疑人各交 1,000 张；$z$ 超过 3 算报警。噪声后面的数是它的标准差（灰度级），平移后面是像素；“抄十分之一”是 1,000 张里有 100 张是加了噪声 30 的训练图，其余是新的真图；“别人的笔迹”是 MNIST 的测试文件；“反复交”的每次平移至多一个像素。下面是 40 次里的报警次数，上半是照抄的（没有报警就是**漏报**），下半是老实的（报警就是**误报**）：
"""

# %% [markdown] tags=["lang-en"]
r"""
How far a test can be trusted depends on how often it has accused wrongly, and how often it has let somebody go. `python -m studies.lesson07 copies` deals the pictures out 40 times, and each time thirteen suspects hand in 1,000; a $z$ above 3 is an alarm. The number behind "noise" is its standard deviation in grey levels, behind "shift" it is pixels; "a tenth" means that 100 of the 1,000 are training pictures with noise 30, the others new real ones; "other writers" is MNIST's test file; what is repeated is shifted by up to a pixel. These are the alarms out of 40: above, those who copy (no alarm is a **missed** one), below, those who are honest (an alarm is a **false** one):
"""

# %%
copies = study("copies")
HONEST = ("fresh digits", "other writers", "20 pictures, repeated", "blurred digits")
table([("嫌疑人", "suspect"), ("照抄？", "copies?"), ("符号检验", "sign test"),
       ("记忆检验", "memorisation test")],
      [[({"exact": "照抄", "noise 30": "照抄，噪声 30", "noise 60": "照抄，噪声 60",
          "noise 120": "照抄，噪声 120", "shift 1": "照抄，平移 1", "shift 2": "照抄，平移 2",
          "shift 2, noise 30": "照抄，平移 2，噪声 30", "a tenth": "抄十分之一",
          "a twentieth": "抄二十分之一", "fresh digits": "新的真图", "other writers": "别人的笔迹",
          "20 pictures, repeated": "20 张，反复交", "blurred digits": "模糊的新真图"}[name], name),
        ("否", "no") if name in HONEST else ("是", "yes"),
        *(f"{alarms[name]} / {copies['draws']}" for alarms in copies["alarms"].values())]
       for name in copies["alarms"]["sign test"]])

# %% [markdown] tags=["lang-zh"]
r"""
对照着看：

- **漏报。** 平移 2 个像素的照抄，符号检验 40 次只抓到 6 次，记忆检验 40 次全抓到；只抄十分之一的，是 7 次对 40 次，只抄二十分之一的，2 次对 31 次（漏了 9 次）。这里符号检验吃了亏：它只看前 2,000 张训练图，抄自另外 1,000 张的本来就看不见；而平移 2 像素时，它的 $z$ 有 6 次大于 3，也有 5 次小于 $-3$，那 6 次只是碰巧。
- **误报。** 老实的新真图，两个检验 40 次都没有报警。反复交 20 张的老实人，符号检验冤枉了 6 次，记忆检验一次也没有；上面第一张表里它的符号检验是 -3.2，同样离谱，只是碰巧偏向另一边。模糊的新真图，记忆检验冤枉了一次。四种老实人合起来，记忆检验 160 次里误报 1 次，符号检验 6 次。
- **还有看不见的。** 抄得更少的、旋转过的、只抄半张的，这里都没有试。“没有报警”的意思是“以这样的检验，没有发现”，不是“没有照抄”。

课文里的 G，这 1,000 个样本的 $z$ 是 0.6，没有报警；可是答案笔记本里同样的 G，三批各 2,000 个样本，$z$ 是 2.6、3.4 和 2.1，其中一次报警。一次没有报警，还不能放心。对 siriusdemon 的回答是：这一节的检验，全靠 `unseen` 那 2,000 张，没有哪个生成器学过它们。
"""

# %% [markdown] tags=["lang-en"]
r"""
Side by side:

- **Missed alarms.** Copies that are shifted by 2 pixels are caught by the sign test in only 6 of 40 draws, and by the memorisation test in all 40; of those who copy a tenth, 7 against 40, of those who copy a twentieth, 2 against 31 (9 are missed). The sign test is at a disadvantage here: it looks at the first 2,000 training pictures only and cannot see copies of the other 1,000; and for the shift by 2 pixels its $z$ is above 3 in 6 draws and below $-3$ in 5, so those 6 are chance.
- **False alarms.** Honest new pictures raise none in 40 draws with either test. The honest one who hands in 20 pictures again and again is accused 6 times by the sign test and never by the memorisation test; in the first table above its sign test says -3.2, just as far off, only to the other side. Blurred new pictures are accused once by the memorisation test. Over all four honest ones the memorisation test has 1 false alarm in 160, the sign test 6.
- **What is still not seen.** Fewer copies, rotated ones, half pictures: none of that was tried. "No alarm" means "this test finds nothing", and not "nothing was copied".

For these 1,000 samples of the lesson's G $z$ is 0.6: no alarm. Yet in the solutions, three draws of 2,000 samples of the same G have 2.6, 3.4 and 2.1, one of them an alarm: one silent test is no acquittal. And this is the answer to siriusdemon: without the 2,000 pictures `unseen`, which no generator has learned from, none of the tests of this section could be done.
"""

# %% [markdown] tags=["lang-zh", "exercise"]
r"""
### 练习 3：两个距离之比

补全 `copy_ratio(samples, training, unseen)`：三组特征，`(n, d)`、`(m, d)`、`(u, d)`。对每个样本，返回它到最近的训练样本的距离，除以它到最近的未见样本的距离，形状 `(n,)`。没有照抄，比值在 1 上下；照抄的接近 0。图多的一组，最近的一张往往更近，占便宜；所以先把多的一组截成一样多，只留前面的行。抄自截掉部分的，就查不出来了。

<details><summary>提示一</summary>

`torch.cdist` 给出所有的距离，形状是什么？最近的一个，是沿哪一维取最小？

</details>

<details><summary>提示二</summary>

先想：训练集有 6,000 张，未见的只有 2,000 张，老实的样本会怎样？再决定在哪里截、截哪一个。

</details>
"""

# %% [markdown] tags=["lang-en", "exercise"]
r"""
### Exercise 3: the ratio of two distances

Complete `copy_ratio(samples, training, unseen)`: three sets of features, `(n, d)`, `(m, d)`, `(u, d)`. For each sample return its distance to the nearest training sample, divided by its distance to the nearest unseen one, shape `(n,)`. Without copying the ratio is around 1, for a copy close to 0. The larger set has an advantage, more pictures to be near to; so first cut it to the length of the smaller, and keep its first rows. Copies of what is cut away then go unnoticed.

<details><summary>Hint one</summary>

`torch.cdist` gives all distances; in which shape? Along which dimension is the minimum that means "nearest"?

</details>

<details><summary>Hint two</summary>

First think: with 6,000 training pictures and only 2,000 unseen ones, what happens to an honest sample? Then decide what to cut, and where.

</details>
"""

# %%
def copy_ratio(samples, training, unseen):
    return ...


verdict = check.copy_ratio(copy_ratio)

# %% [markdown] tags=["lang-zh", "predict"]
r"""
## 两个库，一份输入，两个 FID

2025 年夏天，有人给 torcheval 提了 [issue 220](https://github.com/meta-pytorch/torcheval/issues/220)：同一份输入，两组各 10 张 32×32 的随机图，torcheval 算出 FID 13.67，torchmetrics 算出 53.69。公式只有一个，差别从哪里来？能查到的有这些：

- **网络和权重。** [issue 192](https://github.com/meta-pytorch/torcheval/issues/192) 的作者查过：torcheval 用的 Inception，网络和权重都和论文用的 TensorFlow 版不完全一样；整个换成 pytorch-fid 的 Inception，再把累加改成 float64，就和别的库一致了。
- **像素的范围。** 读它的[代码](https://github.com/meta-pytorch/torcheval/blob/main/torcheval/metrics/image/fid.py)：图片以 $[0, 1]$ 直接送进 torchvision 的 Inception。这个网络的入口会做一次换算，前提是图片已按 ImageNet 的均值和标准差归一化；直接送 $[0, 1]$，红色通道换算成 $0.458x - 0.03$，网络看到的是一张灰蒙蒙的图。
- **样本数。** 2,048 维的协方差，10 张图最多秩 9。这样小的 $n$，两个数都没有多少意义。

各占多少，没有人拆开量过，我们也没有 Inception 的权重。但可以在自己的分类器上看，这几类差别**各能**造成多大的影响。

### 先猜再跑 5：差在哪里最要紧？

同样的样本，正确的算法得到一个数。下面哪一处改动，使它变得最多（按倍数）？

- A. 像素范围：送进网络的是 $[0, 1]$，而不是 $[-1, 1]$。
- B. 样本数：只用 200 个样本，而不是 2,000 个。
- C. 权重：换一个结构相同、用少得多的图训练的分类器。
- D. 参照：和没见过的真图比，而不和训练图比。
"""

# %% [markdown] tags=["lang-en", "predict"]
r"""
## Two libraries, one input, two FIDs

In the summer of 2025 somebody filed [issue 220](https://github.com/meta-pytorch/torcheval/issues/220) of torcheval: for one input, two sets of 10 random 32×32 pictures each, torcheval has an FID of 13.67 and torchmetrics one of 53.69. There is only one formula; where does the difference come from? This much can be found out:

- **Network and weights.** The author of [issue 192](https://github.com/meta-pytorch/torcheval/issues/192) looked into it: torcheval's Inception differs in network and weights from the TensorFlow version that papers use; with pytorch-fid's Inception in its place, and with the sums in float64, the result agrees with other libraries.
- **Range of the pixels.** Read its [code](https://github.com/meta-pytorch/torcheval/blob/main/torcheval/metrics/image/fid.py): pictures go into torchvision's Inception as they are, in $[0, 1]$. The network begins with a conversion that assumes pictures normalised by ImageNet's mean and standard deviation; given $[0, 1]$, it turns the red channel into $0.458x - 0.03$, and what the network sees is a dull grey picture.
- **Number of samples.** With 2,048 features, the covariance of 10 pictures has rank 9 at most. At so small an $n$ neither number means much.

How much each of them contributes, nobody has measured separately, and we do not have Inception's weights. But with our own classifier we can see how much each of these differences **can** do.

### Predict, then run 5: which difference matters most?

For the same samples the right computation gives one number. Which of these changes moves it most (as a factor)?

- A. The range of the pixels: the network is given $[0, 1]$ instead of $[-1, 1]$.
- B. The number of samples: only 200 instead of 2,000.
- C. The weights: another classifier of the same shape, trained on far fewer pictures.
- D. The reference: real pictures that nobody has seen, instead of the training pictures.
"""

# %% tags=["nbval-ignore-output"]
@torch.no_grad()
def features_of(pictures, low=-1.0, high=1.0):
    """Return the features of pictures whose pixels are given as numbers from low to high."""
    x = low + (high - low) * pictures.float() / 255  # the network expects -1 to 1
    return torch.cat([net.net[:-1](part) for part in x.split(1000)])


def coarse(pictures, **how):
    """Return the pictures at half their size and back, as a careless resize leaves them."""
    small = interpolate(pictures.float(), scale_factor=0.5, **how)
    return interpolate(small, scale_factor=2.0, mode="nearest").round().byte()


other_net = measure.digits.digit_classifier(parts.training, parts.unseen)
in_01 = partial(features_of, low=0.0)
ways = {  # (features of the samples, features of the reference, how many samples, reference)
    "right": (features_of, features_of, 2000, training),
    "pixels in [0, 1]": (in_01, in_01, 2000, training),
    "200 samples": (features_of, features_of, 200, training),
    "another classifier": (other_net.features, other_net.features, 2000, training),
    "reference: unseen": (features_of, features_of, 2000, unseen),
    "JPEG, quality 75": (lambda made: features_of(damage.compressed(made, 75)), features_of,
                         2000, training),
    "half the size": (lambda made: features_of(coarse(made, mode="area")),
                      lambda real: features_of(coarse(real, mode="area")), 2000, training),
    "half the size, two ways": (lambda made: features_of(coarse(made, mode="nearest")),
                                lambda real: features_of(coarse(real, mode="area")),
                                2000, training)}
found = {name: [measure.frechet_distance(of_made(made[:n]), of_real(real))
                for made in (samples, fresh)]
         for name, (of_made, of_real, n, real) in ways.items()}
table([("怎样算", "how it is computed"), ("弗雷歇距离", "Fréchet distance"),
       ("和正确的相比", "over the right one"), ("新真图（下限）", "fresh (floor)"),
       ("是下限的几倍", "times the floor")],
      [[({"right": "正确的算法", "pixels in [0, 1]": "像素在 [0, 1]",
          "200 samples": "只用 200 个样本", "another classifier": "另一个分类器",
          "reference: unseen": "参照是未见的真图",
          "JPEG, quality 75": "样本存成 JPEG，质量 75", "half the size": "都缩小一半，取平均",
          "half the size, two ways": "都缩小一半，样本隔点取一"}[name], name),
        f"{made:.2f}", f"{made / found['right'][0]:.2f}", f"{floor:.3f}", f"{made / floor:.1f}"]
       for name, (made, floor) in found.items()])

# %% [markdown] tags=["lang-zh"]
r"""
答案是 **A**。像素范围不对，0.93 变成 0.17，只有正确的 0.19 倍；issue 里的 13.67 是 53.69 的 0.25 倍，方向相同，大小也相近。这不能证明那里的原因就是它，只说明这一类差别足够大。网络看到的图对比度低，特征就小，距离也小；真图的下限同样变小了（0.018），所以“是下限的几倍”几乎不变（9.6 对 10.3）。这就是为什么要把下限写在旁边：它和数一起变。

- **样本数**：1.38，下限也升到 0.593，只看得出 2.3 倍的差别。
- **另一个分类器**：0.65。同样的结构、任务和初始权重，只是用 3,000 张（正是参照）而不是 8,000 张来学，就少了 30%（换一种处理器，18%）。它学过参照，没有学过 `fresh`，下限是 0.101，原来的 0.090 也许偏低，它的也许偏高：所以“是下限的几倍”是 6.4 还是 10.3，也要看网络学过什么。
- **参照**：换成未见的真图，0.88，差别最小；“是下限的几倍”却从 10.3 变成 16.1，因为下限变了（0.090 到 0.055；参照只有 2,000 张，而换一种分法，下限也会差这么多）。
- **JPEG**：质量 75，眼睛看不出，距离变成 1.05。
- **缩放**（缩小一半，再放回原来大小）：都取平均，0.42：一部分差别随细节一起没有了。样本用最近邻下采样、真图用区域平均，G 得 0.34，而**真图自己得 0.404**：G 比真图还“真”。两边的处理不同，量到的就是处理的差别。

所以，抄别人论文里的 FID 来比之前，先问：哪份权重，像素怎样归一化，怎样缩放，多少样本，和谁比。
"""

# %% [markdown] tags=["lang-en"]
r"""
The answer is **A**. With the wrong range of pixels 0.93 becomes 0.17, a factor of 0.19; in the issue 13.67 is 0.25 times 53.69, in the same direction and of a similar size. It does not prove that this is the cause there, only that a difference of this kind is large enough. The network sees pictures of low contrast, features become small, and so does the distance; the floor has shrunk just so (0.018), and "times the floor" hardly changes (9.6 against 10.3). That is why the floor belongs beside the number: it moves with it.

- **Number of samples:** 1.38; the floor has risen to 0.593, and all that shows is a factor of 2.3.
- **Another classifier:** 0.65. The same shape, the same task and the same first weights, but it learned from 3,000 digits (those of the reference) in place of 8,000, and it is 30% lower (18% on another processor). It has learned from the reference and not from `fresh`, and its floor is 0.101; the other floor of 0.090 may be too low and this one too high, so whether it is 6.4 or 10.3 times the floor also depends on what the network has learned from.
- **Reference:** with unseen real pictures 0.88, the smallest change; yet "times the floor" goes from 10.3 to 16.1, since the floor has changed (0.090 to 0.055; this reference has only 2,000 pictures, and the floor differs as much from deal to deal).
- **JPEG:** quality 75, which the eye does not see, makes it 1.05.
- **Resizing** (to half the size and back): with means on both sides 0.42: part of the difference goes with the details. With every second pixel for samples and means for the reference G gets 0.34, while **real pictures get 0.404**: G is more real than real. If the two sides are treated differently, the treatment is what is measured.

So before you compare with an FID copied from a paper, ask: which weights, how were pixels normalised, how were pictures resized, how many samples, against what.
"""

# %% [markdown] tags=["lang-zh", "failure-of-the-day"]
r"""
## 典型失败案例：用样本数打败对手

有两位同学交来了数。小王的 G 就是上面那一个；评测费时，他只画了 100 张。小李把 $z$ 截断到 $t = 2$，说这样更好，画了 2,000 张来证明。两人用的是同一个网络、同样的特征、同样的参照，各画 5 次（种子不同）：
"""

# %% [markdown] tags=["lang-en", "failure-of-the-day"]
r"""
## The failure of the day: winning by the number of samples

Two students hand in a number. Wang's G is the one above; evaluation takes time, and so Wang draws 100 pictures. Li truncates $z$ at $t = 2$, says that this is better, and draws 2,000 to prove it. Both have the same network, the same features and the same reference, and draw 5 times with different seeds:
"""

# %% tags=["nbval-ignore-output"]
reference = net.features(training)


def drawn(limit, n):
    """Return the Frechet distances of n samples for each of five seeds."""
    return torch.tensor([measure.frechet_distance(
        net.features(truncated(limit, n, seed)), reference) for seed in range(10, 15)])


counts = (100, 2000)
wang = {n: drawn(4.0, n) for n in counts}  # not truncated
li = {n: drawn(2.0, n) for n in counts}
table([("谁", "who"), "n", ("弗雷歇距离，平均", "Fréchet distance, mean"),
       ("最小 / 最大", "least / most")],
      [[who, f"{n:,}", f"{found[n].mean():.2f}", f"{found[n].min():.2f} / {found[n].max():.2f}"]
       for who, found, n in ((("小王，报告的", "Wang, reported"), wang, 100),
                             (("小李，报告的", "Li, reported"), li, 2000),
                             (("小王，n 换成 2,000", "Wang, n = 2,000"), wang, 2000),
                             (("小李，n 换成 100", "Li, n = 100"), li, 100))])

# %% [markdown] tags=["lang-zh", "failure-of-the-day"]
r"""
小李报告 1.11（1.03 到 1.17），小王报告 1.55（1.39 到 1.70），五次里小李次次赢。把 $n$ 对齐，次序就反过来：2,000 张时小王 0.93（0.84 到 1.02），小李 1.11；100 张时 1.55 对 1.85，但两边交错（1.39 到 1.70，1.44 到 2.10）。小王报告的 1.55 里，有 0.62（1.55 减 0.93）只因为样本少，比输掉的 0.44 还多：图 7-1 说过，样本少，距离就大，G 再好也没有用。

怎样发现？看两边的 $n$；或者看下限：把同样多的真图也量一次，100 张真图和 2,000 张真图得到的数相差一大截，就知道两个数不能直接比。同样的错还有几种样子：换了特征网络，换了参照，一边缩放过一边没有（上一节），一边截断一边没有。
"""

# %% [markdown] tags=["lang-en", "failure-of-the-day"]
r"""
Li reports 1.11 (1.03 to 1.17) and Wang 1.55 (1.39 to 1.70): Li wins in all five draws. At equal $n$ the order is reversed: with 2,000 pictures Wang has 0.93 (0.84 to 1.02) and Li 1.11; with 100 it is 1.55 against 1.85, where the draws overlap (1.39 to 1.70, 1.44 to 2.10). Of Wang's 1.55, 0.62 (1.55 less 0.93) comes from few samples alone, more than the 0.44 that Wang lost by: by Fig. 7-1 few samples make the distance large, however good G is.

How could one notice? Look at $n$ on both sides; or at the floor: 100 and 2,000 real pictures get very different numbers, so the two results cannot be compared. The same mistake has other forms: another feature network, another reference, one side resized and the other not (the section above), one side truncated and the other not.
"""

# %% [markdown] tags=["lang-zh"]
r"""
## 排行榜：本课程自己的生成器

现在把前几课的生成器放在一起：同样的 6,000 张训练数字，按一个核心 50 秒定的步数（实际 42 到 65 秒，并不正好相等：`02 with R1` 用了 59 到 63 秒，`06 RpGAN` 只用了 42 到 49 秒），3 个种子，每个 2,000 个样本，参照是训练图，特征来自数字分类器；样本由滑动平均的权重画出，衰减率各按原课，两份教程没有平均，用最后的权重（`python -m studies.lesson07 leaderboard`）。第 02 课的网络是全连接的（`02 with R1` 是那一课治好的那个），其余是卷积的。第 04 课在玩具脸上比较过几种评论家，数据不同，不能放进这张表；它的 WGAN-GP 在这里重新用数字训练。
"""

# %% [markdown] tags=["lang-en"]
r"""
## The leaderboard: the course's own generators

Now the generators of the lessons so far stand side by side: the same 6,000 training digits, numbers of steps that were timed to take 50 seconds of one core (in the event 42 to 65, not quite equal: `02 with R1` took 59 to 63, `06 RpGAN` only 42 to 49), 3 seeds, 2,000 samples each, the training pictures as the reference, features of the digit classifier; samples are painted with the moving average, with the decay of each lesson, but the two tutorials have none and paint with their last weights (`python -m studies.lesson07 leaderboard`). The networks of lesson 02 are fully connected (`02 with R1` is the one that it cured), the others convolutional. Lesson 04 compared critics on toy faces; these are other data and cannot stand in this table, so its WGAN-GP was trained on digits here.
"""

# %%
leaderboard = study("leaderboard")
runs = {name: list(seeds.values()) for name, seeds in leaderboard["runs"].items()}
runs = dict(sorted(runs.items(), key=lambda item: -sum(run["frechet"] for run in item[1])))
panels = {"frechet": "Frechet distance", "precision": "precision", "recall": "recall",
          "coverage": "coverage"}
figure, axes = plt.subplots(1, len(panels), figsize=(10, 3.4), sharey=True, layout="constrained")
for axis, (key, title) in zip(axes, panels.items(), strict=True):
    for i, seeds in enumerate(runs.values()):
        values = [run[key] for run in seeds]
        mean = sum(values) / len(values)
        axis.errorbar(mean, i, xerr=[[mean - min(values)], [max(values) - mean]], fmt="s",
                      color=show.BLUE, capsize=4, markersize=5)
        axis.plot(values, [i] * len(values), "o", color=show.ORANGE, markersize=3)
    axis.axvline(leaderboard["floor"]["unseen"][key], color="black", linestyle="--")
    axis.set_title(title, fontsize=10)
    axis.spines[["top", "right"]].set_visible(False)
axes[0].set_xscale("log")
axes[0].set_yticks(range(len(runs)), runs)
show.show(figure, "Four panels with a row for each of seven generators, its three seeds and "
                  "their range: Frechet distance, precision, recall, coverage; a dashed line is "
                  "the floor; the fully connected net with R1 is nearest to it in the first")

# %% [markdown] tags=["lang-zh", "caption"]
r"""
**图 7-9** 方块是 3 个种子的平均，横线从最小到最大，圆点是各个种子；虚线是下限，即同样多的未见的真图。弗雷歇距离是对数轴，越小越好；其余越大越好。四格里的次序并不相同。
"""

# %% [markdown] tags=["lang-en", "caption"]
r"""
**Fig. 7-9** Squares are means of 3 seeds, bars go from the least to the most, dots are single seeds; the dashed line is the floor, as many unseen real pictures. The Fréchet distance is on a logarithmic axis, and less is better; of the others, more is. The order is not the same in the four panels.
"""

# %%
def spread(values, form):
    """Return mean and range of the seeds in one string."""
    return f"{sum(values) / len(values):{form}} ({min(values):{form}} - {max(values):{form}})"


shown = {"frechet": ".2f", "kid": ".3f", "precision": ".2f", "recall": ".2f", "coverage": ".2f",
         "confident": ".0%"}
rows = [[name, *(spread([run[key] for run in seeds], form) for key, form in shown.items()),
         "  ".join(f"{run['copies']:.1f}" for run in seeds)]
        for name, seeds in reversed(runs.items())]
real = {name: [format(row[key], form) for key, form in shown.items()]
        for name, row in leaderboard["floor"].items()}
table([("生成器", "generator"), ("弗雷歇，平均（最小到最大）", "Fréchet, mean (least to most)"), "KID",
       ("精确率", "precision"), ("召回率", "recall"), ("覆盖率", "coverage"),
       ("有把握", "confident"), ("记忆检验 z", "memorisation z")],
      [*rows, [("未见的真图（下限）", "unseen real ones (floor)"), *real["unseen"], "-"],
       [("别人的笔迹", "other writers"), *real["other writers"],
        f"{leaderboard['floor']['other writers']['copies']:.1f}"]])

# %% [markdown] tags=["lang-zh"]
r"""
表按弗雷歇距离排序。“有把握”是分类器最高的概率不低于 0.9 的样本的比例；“别人的笔迹”是 MNIST 的测试文件，由另一批人写。能说什么，不能说什么：

- **分得开的。** `02 with R1` 的弗雷歇距离是 0.88 到 0.91，`03 DCGAN` 是 1.54 到 1.67，三个种子没有交错。`03 SN-GAN`（1.57 到 1.76）和 `03 DCGAN` 交错，`04 WGAN-GP`（2.30 到 2.47）和 `06 RpGAN`（1.86 到 3.21）也互相交错，三个种子分不出高低。
- **换一个指标，第一名就换人。** 召回率最高的是两个卷积网络，`03 DCGAN` 和 `03 SN-GAN` 平均都是 0.81，`02 with R1` 是 0.77。但要小心：召回率的球画在样本上，不成数字的样本可能彼此离得远，球也大（没有量过）；覆盖率的球画在真图上，结论正相反，`02 with R1` 是 0.52，`03 DCGAN` 和 `03 SN-GAN` 是 0.24 和 0.19。精确率最高的竟是 `02 Datawhale`，平均 0.97，而它的样本只是灰色的点阵，召回率是 0，分类器只在里面看出一到四类。这里和模糊一样，精确率高，不等于画得好（原因没有查）。Datawhale 和 siriusdemon 两份教程原来的设置走得慢，本来就不是为 50 秒写的。
- **不能说“全连接胜过卷积”，也不能说“RpGAN 不好”。** 大约 50 秒里，`02 with R1` 走了 5,605 步，`03 DCGAN` 走了 1,219 步，`06 RpGAN` 走了 1,631 步；它和 `03 SN-GAN` 的学习率也要在这么短的时间里降下去。`02 with R1` 的设置是第 02 课在同样的数字上、用同样的距离找到的，`06 RpGAN` 的是在玩具脸上选的。`06 RpGAN` 为什么落后，这里没有检验。第 06 课的比赛给的是 120 秒，画的是玩具脸，那里 `rpgan` 的弗雷歇距离最小（另外两项和 SN-GAN 分不出）。排行榜只回答：这样的预算，这样的数据，这样的指标。
- **离下限都还远。** 最好的是下限（0.05）的十几倍；别的人写的真数字和同样的参照比，只有 0.20。
- **记忆检验。** 21 个训练出来的生成器，$z$ 从 -1.1 到 2.6，没有一个超过 3。最高的是 `02 with R1`，三个种子是 2.6、2.0、1.9；三次用的是同一批证人，不算三份独立的证据。于是换证人再查：`python -m studies.lesson07 deals` 把 8,000 张数字重新分了 6 次，每次另训练一个 `02 with R1`，$z$ 是 2.85、2.49、2.42、1.13、2.83、1.10，还是没有一次报警，平均却是 2.1；同样 6 次里，别人的笔迹从 -0.2 到 1.8，平均 0.4。所以它的样本确实偏向训练图，只是一次检验看不出来。“没有报警”不等于“没有偏向”，这就是例子；它是不是背下了某些图，没有查。
- **一个差点上榜的错误。** 第一次排名，`03 SN-GAN` 和纯噪声一样差。原因不在 SN-GAN：配方默认的滑动平均是 0.999，而 50 秒只走 1,156 步，平均里还有三成是最初的权重。换成第 03 课用的 0.995，就是上表里的数。样本看一眼就知道不对，表里的数自己不会说。

种子 0 的样本，没有挑选过（`python -m studies.lesson07 leaderboard`）：

![每个生成器一行，各 16 个数字：带 R1 的最好认（也有灰糊的），Datawhale 的是灰色的点阵，siriusdemon 的有噪点，四个卷积网络的笔画干净，但许多不成数字](../images/lesson07_leaderboard.png)
"""

# %% [markdown] tags=["lang-en"]
r"""
The table is sorted by the Fréchet distance. "Confident" is the share of samples whose top probability is 0.9 or more; "other writers" is MNIST's test file, by other people. What can be said, and what not:

- **Told apart.** The Fréchet distance of `02 with R1` is 0.88 to 0.91, that of `03 DCGAN` 1.54 to 1.67; their seeds do not overlap. `03 SN-GAN` (1.57 to 1.76) overlaps with `03 DCGAN`, and `04 WGAN-GP` (2.30 to 2.47) with `06 RpGAN` (1.86 to 3.21): three seeds cannot rank them.
- **Another metric, another winner.** The highest recall is that of two convolutional networks: `03 DCGAN` and `03 SN-GAN` both have 0.81 on average, and `02 with R1` has 0.77. But careful: the balls of recall are drawn around samples, and samples that are no digits may lie far apart and have large ones (not measured); coverage, with balls around real pictures, says the opposite, 0.52 for `02 with R1`, 0.24 and 0.19 for `03 DCGAN` and `03 SN-GAN`. The highest precision, of all things, is that of `02 Datawhale`, 0.97 on average, whose samples are grey dots, with a recall of 0, in which the classifier sees between one and four classes. It is as with blur: high precision does not mean good pictures (the reason was not looked into). The original settings of the two tutorials, Datawhale and siriusdemon, move slowly, and nobody wrote them for 50 seconds.
- **Not: "fully connected beats convolutions", nor "RpGAN is no good".** In about 50 seconds `02 with R1` took 5,605 steps, `03 DCGAN` 1,219 and `06 RpGAN` 1,631; its learning rate, like that of `03 SN-GAN`, had to come down in so short a time. The settings of `02 with R1` were found in lesson 02 on these very digits and with this distance, those of `06 RpGAN` on toy faces. Why `06 RpGAN` lies behind was not tested. The contest of lesson 06 gave 120 seconds and painted toy faces, and there `rpgan` had the smallest Fréchet distance (in two other metrics it could not be told from SN-GAN). A leaderboard answers for this budget, these data, these metrics.
- **All are far from the floor.** The best is more than ten times the floor (0.05); real digits by other writers, against the same reference, have only 0.20.
- **Memorisation.** Of 21 trained generators $z$ is between -1.1 and 2.6, never above 3. The highest is `02 with R1`, with 2.6, 2.0, 1.9 for the three seeds; the witnesses were the same each time, so these are not three independent pieces of evidence. To follow it up with other witnesses, `python -m studies.lesson07 deals` dealt the 8,000 digits out anew 6 times and trained a `02 with R1` on each deal: $z$ is 2.85, 2.49, 2.42, 1.13, 2.83, 1.10. Again no alarm, but the mean is 2.1, and that of other writers in the same 6 deals, between -0.2 and 1.8, is 0.4. So its samples do lean towards the training pictures, and a single test does not show it: here is a case where "no alarm" does not mean "no lean"; whether it has single pictures by heart was not looked into.
- **A mistake that nearly made the table.** In the first ranking `03 SN-GAN` was as bad as static. SN-GAN was not to blame: the recipe's moving average is 0.999 unless told otherwise, 50 seconds are only 1,156 steps, and three tenths of the average were still the first weights. With lesson 03's 0.995 it has the numbers of the table above. One look at the samples would have told; the number in the table does not.

Samples of seed 0, not chosen (`python -m studies.lesson07 leaderboard`):

![A row of 16 digits for each generator: those with R1 are the easiest to read (some are grey), Datawhale's are grey dots, siriusdemon's have noise, and the four convolutional networks draw clean strokes, many of which are no digits](../images/lesson07_leaderboard.png)
"""

# %% [markdown] tags=["lang-zh"]
r"""
## 怎样报告

要让别人能复现一个数，至少要写明七件事。拿本课的 G 做例子：

| 要写明 | 例 |
|---|---|
| 指标和特征 | 弗雷歇距离，课程的数字分类器，32 维（不是 FID） |
| 样本 | 2,000 个，不截断，滑动平均的权重 |
| 参照 | 3,000 张训练图 |
| 下限 | 2,000 张没有生成器学过的真图和同样的参照比 |
| 波动 | 训练的种子有几个，平均，最小到最大 |
| 图片怎样来 | uint8，没有缩放，没有存成 JPEG |
| 花了什么 | 步数、秒数、处理器，试过几组设置 |

课程的命令会印出前四项里的大部分（$z$ 截断没有、参照是哪些图，要自己补上），也查有没有照抄。先训练几步，只为了看它的格式：
"""

# %% [markdown] tags=["lang-en"]
r"""
## How to report

For somebody else to repeat a number, at least seven things must be stated. Take the G of this lesson:

| State | Example |
|---|---|
| metric and features | Fréchet distance, the course's digit classifier, 32 features (not FID) |
| samples | 2,000, not truncated, moving average of the weights |
| reference | the 3,000 training pictures |
| floor | 2,000 real pictures that no generator has learned from, against the same reference |
| spread | how many seeds of training; mean, least to most |
| how pictures were made | uint8, not resized, not stored as JPEG |
| what it cost | steps, seconds, processor, how many settings were tried |

The course's command prints most of the first four (whether $z$ was truncated and which pictures are the reference you add yourself), and tests for copies. First a few steps of training, only to see its form:
"""

# %% tags=["nbval-ignore-output"]
def lessons(*words):
    """Run `python -m gan_lessons` with these words and return what it prints."""
    done = subprocess.run([sys.executable, "-m", "gan_lessons", *words], capture_output=True,
                          text=True, check=True)
    return done.stdout


with tempfile.TemporaryDirectory() as folder:
    run = str(Path(folder) / "faces")
    lessons("train", "rpgan", "--data", "toy-faces-core", "--size", "32", "--steps", "40",
            "--drawn", "2000", "--out", run)
    print(lessons("measure", "--run", run, "-n", "500"))

# %% [markdown] tags=["lang-zh"]
r"""
G 只走了 40 步，所以几项距离、精确率和召回率都离下限很远（这里的特征没有归一化，数很大，不能和上面数字的比）；没有一张样本算数，所以反向 KL 是 `inf`。训练图 2,000 张，对没见过的 500 张：没有照抄时，2,500 张里的 2,000 张，也就是约 80% 的样本离训练图近，这就是 `by chance`。`python -m gan_lessons sample --run … --each folder` 把样本一张一个文件存成 PNG（无损）；`measure --pictures folder --against real` 给任何一个文件夹打分，和别人的图比也用它。
"""

# %% [markdown] tags=["lang-en"]
r"""
After 40 steps G is far from the floor in the distances, precision and recall (these features are not scaled, so the numbers are large and do not compare with those of digits); no sample counts, hence a reverse KL of `inf`. There are 2,000 training pictures and 500 unseen ones: without copying, 2,000 of 2,500, or about 80% of the samples, are nearest to a training picture, and that is what `by chance` means. `python -m gan_lessons sample --run … --each folder` stores samples as PNG (which loses nothing), one file each; `measure --pictures folder --against real` scores any folder, such as pictures that somebody else has made.
"""

# %% [markdown] tags=["lang-zh", "exercise"]
r"""
## 开放题：不训练，让数变好

任务：写 `better(pictures)`，收到 G 的 4,000 个样本（uint8），交出 2,000 张图，使**弗雷歇距离比前 2,000 个样本至少小 40%**。不许再训练，不许用真图；挑选、修改都可以，`net.features` 和 `net.probabilities` 也可以用。批改用三个种子的样本，记忆检验的 $z$ 不能超过 5（原样的样本在有的种子已经到 3.4；掺进 5% 的训练图，约是 7，全是训练图，约是 47）。达到以后，再看另外几个指标：样本真的更好了吗，还是只是那个数好了？

<details><summary>提示一</summary>

看图 7-2：G 的毛病有哪几种？哪一种可以挑出来扔掉，哪一种可以修？各试一次，一次只做一样。

</details>

<details><summary>提示二</summary>

`net.probabilities(net.features(pictures))` 说分类器有多大把握。只留最有把握的，各类还剩多少张？数一数，再想怎样补救。

</details>
"""

# %% [markdown] tags=["lang-en", "exercise"]
r"""
## Open task: a better number without training

The task: write `better(pictures)`, which gets 4,000 samples of G (uint8) and returns 2,000 pictures, such that **their Fréchet distance is at least 40% below that of the first 2,000 samples**. No more training, and no real pictures; you may choose and change, and use `net.features` and `net.probabilities`. It is judged on the samples of three seeds, and the $z$ of the memorisation test must not be above 5 (the samples as they are come to 3.4 for some seeds; with 5% of training pictures among them it is about 7, and with nothing else about 47). Once there, look at the other metrics: are the samples better, or only the number?

<details><summary>Hint one</summary>

Look at Fig. 7-2: what kinds of faults does G have? Which can be picked out and thrown away, which can be mended? Try each, one at a time.

</details>

<details><summary>Hint two</summary>

`net.probabilities(net.features(pictures))` says how sure the classifier is. If you keep those it is surest of, how many of each class are left? Count them, and think what to do about it.

</details>
"""

# %%
def better(pictures):
    return ...


def judge(better):
    """Score better(pictures) for three seeds beside the samples as they are."""
    rows, reached = [], []
    for seed in (5, 6, 7):
        given = game.sample(4000, seed=seed, ema=True)
        answer = better(given.clone())
        if answer is ...:
            return say("[ ] 还没有作答。", "[ ] Not attempted.")
        if len(answer) != 2000:
            return say("[not yet] 收到 {n} 张，要的是 2,000 张。",
                       "[not yet] You returned {n} pictures; 2,000 are wanted.", n=len(answer))
        before, after = evaluator.score(given[:2000]), evaluator.score(answer)
        z = measure.memorisation_test(answer, training, unseen).z
        reached.append(after.frechet <= 0.6 * before.frechet and z <= 5)
        rows += [(seed, before, ""), (seed, after, f"{z:.1f}")]
    table([("种子", "seed"), "", ("弗雷歇", "Fréchet"), "MIND", ("精确率", "precision"),
           ("召回率", "recall"), ("覆盖率", "coverage"), ("记忆检验 z", "memorisation z")],
          [[str(seed), ("你的", "yours") if z else ("原样", "as they are"), f"{s.frechet:.2f}",
            f"{s.mind:.2f}", f"{s.prdc.precision:.2f}", f"{s.prdc.recall:.2f}",
            f"{s.prdc.coverage:.2f}", z] for seed, s, z in rows])
    say("{mark} 三个种子里有 {n} 个达到标准。", "{mark} {n} of three seeds meet the bar.",
        mark="[ok]" if all(reached) else "[not yet]", n=sum(reached))


judge(better)

# %% [markdown] tags=["lang-zh", "quiz"]
r"""
## 小测验

六道题。选错了，会告诉你错在哪里。
"""

# %% [markdown] tags=["lang-en", "quiz"]
r"""
## Quiz

Six questions. A wrong choice tells you what is wrong with it.
"""

# %%
lab.quiz("07")

# %% [markdown] tags=["lang-zh", "recap"]
r"""
## 小结

**弗雷歇距离**（特征当作正态分布）：

$$d^2 = \lVert \mu_1 - \mu_2 \rVert^2 + \operatorname{tr}\bigl(\Sigma_1 + \Sigma_2 - 2\,(\Sigma_1 \Sigma_2)^{1/2}\bigr), \qquad \mathbb{E}\,\hat{d}^2 \approx d^2 + \frac{c}{n}$$

| 指标 | 看得见 | 看不见 |
|---|---|---|
| 弗雷歇距离 | 均值、协方差：质量和多样性都算 | 二阶矩以外的一切；照抄；随 $n$ 变 |
| KID（三次核） | 三阶以内的矩，没有偏差 | 三阶以上；照抄 |
| MIND | 每个方向上的整个分布 | 照抄；也随 $n$ 变 |
| 精确率，召回率 | 像不像；全不全 | 照抄；一个离群的真图就能骗过精确率；模糊的图精确率反而高（召回率会降） |
| 密度，覆盖率 | 同上；一张离群真图最多使密度多 $1/k$，使覆盖率多一个球 | 照抄；模糊的图密度反而高 |
| Inception 分数 | 有没有把握，类别齐不齐 | 照抄；每类一张图就接近满分 |
| 记忆检验 | 是否抄自训练图 | 抄得很少、改得很多的 |

**回答两个问题。** alexshuang 的玩笑：没有一个指标够用，但没有指标，连“更好”都说不出。siriusdemon 的问题：训练只用训练集；衡量时，真图有三个用场，参照、下限、证人，后两个用场的图必须没有生成器学过。

**四条规矩可以带走：** 旁边写下限；只和同样协议的数比；报告种子和波动；用不止一个指标，并看图。
"""

# %% [markdown] tags=["lang-en", "recap"]
r"""
## Recap

**The Fréchet distance** (features taken for Gaussian):

$$d^2 = \lVert \mu_1 - \mu_2 \rVert^2 + \operatorname{tr}\bigl(\Sigma_1 + \Sigma_2 - 2\,(\Sigma_1 \Sigma_2)^{1/2}\bigr), \qquad \mathbb{E}\,\hat{d}^2 \approx d^2 + \frac{c}{n}$$

| Metric | Sees | Does not see |
|---|---|---|
| Fréchet distance | means and covariances: quality and variety alike | all beyond second moments; copying; depends on $n$ |
| KID (cubic kernel) | moments up to the third, without a bias | beyond the third; copying |
| MIND | the whole distribution along each direction | copying; depends on $n$, too |
| precision, recall | like real ones or not; complete or not | copying; one outlier among the real ones deceives precision; blurred pictures raise precision (recall falls) |
| density, coverage | the same; an outlier adds at most $1/k$ to density and one ball to coverage | copying; blurred pictures raise density |
| Inception score | sure or not, all classes or not | copying; one picture of each class comes close to full marks |
| memorisation test | copies of training pictures | few copies, or copies changed a lot |

**The two questions.** alexshuang's joke: no single metric will do, but without any nobody can even say "better". siriusdemon's question: training needs the training set only; in measuring, real pictures have three roles, reference, floor and witnesses, and no generator may have learned from those of the last two.

**Four rules to take home:** write the floor beside the number; compare only with numbers of the same protocol; report seeds and spread; use more than one metric, and look at the pictures.
"""

# %% [markdown] tags=["lang-zh", "going-further"]
r"""
## 延伸

- **真正的 FID。** 要和论文比，就得用论文的网络：[torch-fidelity](https://github.com/toshas/torch-fidelity) 和 torchmetrics 用的是移植自 TensorFlow 的 Inception 权重；0.4 版的 torch-fidelity 加了精确率、召回率和 DINOv2 的特征，0.5 版加了 MIND。权重要自己下载；本课程的 `measure --features inception` 用 torchvision 的权重，`--features dinov2` 用 DINOv2 的，只能互相比，不能和论文比。
- **缩放。** Parmar 等，[clean-fid](https://arxiv.org/abs/2104.11222)：缩放时不做抗锯齿，或存成 JPEG，FID 会变多少。
- **特征的选择。** Stein 等，[Exposing flaws of generative model evaluation metrics](https://arxiv.org/abs/2306.04675)：FID 和人的判断不一致的地方，以及为什么换用 DINOv2。
- **大规模的比较。** Lucic 等，[Are GANs Created Equal?](https://arxiv.org/abs/1711.10337)：调参和重来的次数足够多时，大多数模型能达到相近的分数。
- **照抄。** Meehan 等，[A Non-Parametric Test to Detect Data-Copying](https://arxiv.org/abs/2004.05675)。
- **动手改。** 把图 7-1 换成 MIND；给损伤表加一种你自己的损伤；把记忆检验用在第 02 课的 G 上，训练图只留 200 张，看它何时开始照抄。
- **往前走。** [第 08 课](08_conditional.ipynb)让 G 听从条件，那里要量的是“听不听话”。
"""

# %% [markdown] tags=["lang-en", "going-further"]
r"""
## Going further

- **The real FID.** To compare with papers, take their network: [torch-fidelity](https://github.com/toshas/torch-fidelity) and torchmetrics have Inception weights ported from TensorFlow; version 0.4 of torch-fidelity adds precision, recall and the features of DINOv2, and version 0.5 adds MIND. You have to download the weights yourself; this course's `measure --features inception` takes torchvision's, `--features dinov2` those of DINOv2, and their numbers compare with each other only, not with papers.
- **Resizing.** Parmar et al., [clean-fid](https://arxiv.org/abs/2104.11222): what resizing without antialiasing, or storing as JPEG, does to FID.
- **Which features.** Stein et al., [Exposing flaws of generative model evaluation metrics](https://arxiv.org/abs/2306.04675): where FID disagrees with people, and why they turn to DINOv2.
- **A large comparison.** Lucic et al., [Are GANs Created Equal?](https://arxiv.org/abs/1711.10337): with enough tuning and restarts most models reach similar scores.
- **Copying.** Meehan et al., [A Non-Parametric Test to Detect Data-Copying](https://arxiv.org/abs/2004.05675).
- **Change something.** Draw Fig. 7-1 for MIND; add a damage of your own to the table of damages; test the G of lesson 02 for memorisation with only 200 training pictures, and see when it begins to copy.
- **Go on.** In [lesson 08](08_conditional.ipynb) G obeys a condition, and what is to be measured is whether it does.
"""
