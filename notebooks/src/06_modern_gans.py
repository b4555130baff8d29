# %% [markdown] tags=["lang-zh", "title"]
r"""
# 06 · 今天的 GAN：从评论家的斜率到 R3GAN

第 04 课给评论家（critic）的斜率加了上限。2018 年以来，GAN 的许多进步都围绕同一件事：评论家在哪里可以陡，在哪里不可以。这一课沿着这条线，从谱归一化（spectral normalisation）和 R1、R2 走到 2024 年的 R3GAN，最后看今天的对抗训练用在哪里。

- **学完你会**：说出六种约束各在哪里限制评论家的斜率，并画出来；用相图（phase portrait）和特征值判断一种损失在 Dirac-GAN 里是收敛还是转圈；写出 R1、相对式的成对损失和幂迭代；设计一张“损失 × 困难”的对照表，并看懂种子之间的波动；看出判别器（discriminator）过拟合（overfitting），知道 DiffAugment 为什么有用；说清近年的一步生成模型怎样用对抗损失。
- **需要准备**：学过第 01 课和第 04 课；谱归一化（spectral normalisation）和合页损失（hinge loss）见第 03 课。数学上要知道梯度、雅可比矩阵、特征值和奇异值。
- **用时**：只读一种语言，约 160 分钟，其中阅读 75 分钟，预测、练习和小测验 55 分钟，开放题 30 分钟。全部运行一遍约 2 到 4 分钟，看处理器（两个 CPU 核心，不需要显卡，也不必联网）。
- **致谢**：Dirac-GAN 和 R1、R2 来自 Mescheder、Geiger 和 Nowozin 的[论文](https://arxiv.org/abs/1801.04406)；本课的配方仿照 Huang、Gokaslan、Kuleshov 和 Tompkin 的 [R3GAN](https://arxiv.org/abs/2501.05441)，他们公开的[代码](https://github.com/brownvc/R3GAN)里，训练那一个文件只有几十行，值得一读。谢谢他们。
"""

# %% [markdown] tags=["lang-en", "title"]
r"""
# 06 · Modern GANs: from the critic's slope to R3GAN

Lesson 04 put a bound on the critic's slope. Since 2018 much of the progress of GANs has been about one thing: where may the critic be steep, and where not? This lesson follows that line from spectral normalisation, R1 and R2 to R3GAN of 2024, and ends with where adversarial training is used today.

- **You will be able to**: say where each of six constraints limits the critic's slope, and draw it; tell from a phase portrait and from eigenvalues whether a loss converges or circles in the Dirac-GAN; write R1, the relativistic loss on pairs, and power iteration; design a table of losses against handicaps and read the spread over seeds; see a discriminator overfit, and know why DiffAugment helps; explain how recent one-step generators use an adversarial loss.
- **You need**: lessons 01 and 04; spectral normalisation and the hinge loss are in lesson 03. The mathematics: gradients, Jacobians, eigenvalues and singular values.
- **Time**: about 160 minutes in one language: 75 to read, 55 for predictions, exercises and quiz, 30 for the open task. About 2 to 4 minutes to run everything, depending on the processor (two CPU cores, no graphics card, no internet connection).
- **With thanks**: the Dirac-GAN, R1 and R2 come from the [paper](https://arxiv.org/abs/1801.04406) of Mescheder, Geiger and Nowozin; the recipe of this lesson is modelled on [R3GAN](https://arxiv.org/abs/2501.05441) by Huang, Gokaslan, Kuleshov and Tompkin, whose published [code](https://github.com/brownvc/R3GAN) has a training file of a few dozen lines that is well worth reading. Our thanks to all of them.
"""

# %%
import json
import time
from dataclasses import replace
from functools import partial
from itertools import combinations
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from joblib import Parallel, delayed
from torch import nn
from torch.nn.functional import avg_pool2d, leaky_relu, normalize

from gan_lessons import data, lab, losses, measure, penalties, recipes, runtime, show
from gan_lessons.augment import DiffAugment
from gan_lessons.bilingual import say, table
from gan_lessons.exercises import lesson06 as check
from gan_lessons.nets import mlp
from gan_lessons.train import adam, critic_step, fit, frozen, generator_step


def study(name):
    """Return the numbers of a longer experiment, made by studies/lesson06.py."""
    path = Path("..") / "studies" / f"lesson06_{name}.json"
    return json.loads(path.read_text(encoding="utf-8"))


runtime.set_threads(1)  # most networks of this lesson are too small for a second thread
two_at_a_time = Parallel(n_jobs=2)  # so the second core gets a training of its own
lab.language_switch()

# %% [markdown] tags=["lang-zh", "what-changed"]
r"""
## 和前几课相比

训练循环没有变。变的是损失怎样看分数、惩罚落在哪里，以及哪些技巧可以不要：

```diff
- loss.critic    = fake.mean() - real.mean()
- loss.generator = -fake.mean()
- penalty        = 10 * ((slope_between - 1) ** 2).mean()
+ loss.critic    = ...                               # exercise 2: in pairs, from fake - real
+ loss.generator = ...
+ penalty        = gamma / 2 * ((slope_at_real ** 2).mean() + (slope_at_fake ** 2).mean())
- n_critic=5, betas=(0, 0.9), BatchNorm in G
+ n_critic=1, betas=(0, 0.99), no normalisation anywhere
```

这就是 R3GAN 的全部损失：成对比较（RpGAN），加上 R1 和 R2。（它的第二个 beta 在训练中从 0.9 升到 0.99。）它的论文说，有了这样的损失，GAN 多年积累的经验技巧都可以不要；它从 StyleGAN2 出发，把这些技巧拿掉，再换上现代的残差网络（residual network：每一块输出 $x + h(x)$，只学对输入的修正，所以可以很深）：分组卷积（每个输出通道只看一部分输入通道），专门的初始化，完全不用归一化层。（本课程的配方 `rpgan` 用的是 DCGAN 的网络，G 仍保留批归一化（batch normalisation）。）本课要弄懂的，就是余下的这几行；“成对比较”一节再细讲，现在只要知道它看的是真假分数之差。

**六种约束。** 本课里，凡是给出原始分数（不经过 sigmoid）的 D 都叫评论家，不管用哪一种损失。评论家 $f$ 的斜率（高维时是梯度的范数）$\lVert \nabla f \rVert$ 可以在不同的地方受限：

| 约束 | 在哪里 | 要求 |
|---|---|---|
| 权重裁剪（weight clipping，第 04 课） | 到处，但只是间接的 | 每个权重在 $[-c, c]$ 之内 |
| 谱归一化（第 03 课） | 到处 | 没有一层会把向量拉长 |
| 梯度惩罚（gradient penalty），双侧（第 04 课） | 真假之间的线段上 | $\lVert \nabla f \rVert$ 接近 1 |
| 梯度惩罚，单侧 | 真假之间的线段上 | $\lVert \nabla f \rVert$ 不大于 1 |
| R1 | 真实样本处 | $\lVert \nabla f \rVert$ 接近 0 |
| R2 | 生成样本处 | $\lVert \nabla f \rVert$ 接近 0 |

后四种在评论家的损失里加上一项，$\hat x$ 是真假之间线段上的一个随机点：

$$\lambda\,\mathbb{E}(\lVert \nabla f(\hat x) \rVert - 1)^2, \qquad \lambda\,\mathbb{E}\max(0, \lVert \nabla f(\hat x) \rVert - 1)^2, \qquad R_1 = \frac{\gamma}{2}\,\mathbb{E}_x \lVert \nabla f(x) \rVert^2, \qquad R_2 = \frac{\gamma}{2}\,\mathbb{E}_z \lVert \nabla f(G(z)) \rVert^2$$

**谱归一化和合页损失**（[Miyato 等，2018](https://arxiv.org/abs/1802.05957)）在[第 03 课](03_dcgan.ipynb)里用过：每层的权重除以自己的最大奇异值 $\sigma(W)$，这一层就不会把向量拉长，各层相乘（LeakyReLU 的斜率也不超过 1），整个评论家的斜率就不超过 1（卷积的 $\sigma$ 要另算，见第 03 课）。它不必再求一次梯度，所以便宜；$\sigma(W)$ 用幂迭代来估，是练习 3。

合页损失只管间隔：真实样本的分数过了 1、生成样本的分数低于 -1，就不再计入。也就是要把真假的分数拉开 2。样本相距超过 2，斜率不到 1 就做得到，合页损失不再要更多；相距不到 2，斜率以 1 为限就拉不开这么多，评论家只好用满这个 1，这时合页损失和 Wasserstein 损失一样是线性的。两样常常一起用。
"""

# %% [markdown] tags=["lang-en", "what-changed"]
r"""
## What changed since the last lessons

The training loop stays. What is new is how the loss looks at scores, where the penalty falls, and which tricks can go:

```diff
- loss.critic    = fake.mean() - real.mean()
- loss.generator = -fake.mean()
- penalty        = 10 * ((slope_between - 1) ** 2).mean()
+ loss.critic    = ...                               # exercise 2: in pairs, from fake - real
+ loss.generator = ...
+ penalty        = gamma / 2 * ((slope_at_real ** 2).mean() + (slope_at_fake ** 2).mean())
- n_critic=5, betas=(0, 0.9), BatchNorm in G
+ n_critic=1, betas=(0, 0.99), no normalisation anywhere
```

That is the whole loss of R3GAN: a comparison in pairs (RpGAN) with R1 and R2. (Its second beta rises from 0.9 to 0.99 in training.) With such a loss, its paper says, the ad-hoc tricks that GANs have gathered over the years can go; it starts from StyleGAN2, takes them away, and puts in a modern residual network (each block returns $x + h(x)$ and learns only a correction, so that it can be deep) with grouped convolutions, an initialisation of its own and no normalisation layer at all; in a grouped convolution each output channel sees only a part of the input channels. (The recipe `rpgan` of this course has DCGAN's networks, and its G keeps batch normalisation.) What remains are these few lines, and this lesson takes them apart; pairs have a section of their own below, and for now it is enough to know that they look at the difference between a real and a fake score.

**Six constraints.** In this lesson every D that gives raw scores (without a sigmoid) is called a critic, whatever its loss. The slope of the critic $f$ (in more dimensions the norm of its gradient), $\lVert \nabla f \rVert$, can be limited in different places:

| Constraint | Where | What it asks |
|---|---|---|
| weight clipping (lesson 04) | everywhere, but indirectly | each weight within $[-c, c]$ |
| spectral normalisation (lesson 03) | everywhere | no layer makes a vector longer |
| gradient penalty, two-sided (lesson 04) | on lines between real and fake | $\lVert \nabla f \rVert$ close to 1 |
| gradient penalty, one-sided | on lines between real and fake | $\lVert \nabla f \rVert$ not above 1 |
| R1 | at real samples | $\lVert \nabla f \rVert$ close to 0 |
| R2 | at fakes | $\lVert \nabla f \rVert$ close to 0 |

The last four add a term to the critic's loss; $\hat x$ is a random point on a line between real and fake:

$$\lambda\,\mathbb{E}(\lVert \nabla f(\hat x) \rVert - 1)^2, \qquad \lambda\,\mathbb{E}\max(0, \lVert \nabla f(\hat x) \rVert - 1)^2, \qquad R_1 = \frac{\gamma}{2}\,\mathbb{E}_x \lVert \nabla f(x) \rVert^2, \qquad R_2 = \frac{\gamma}{2}\,\mathbb{E}_z \lVert \nabla f(G(z)) \rVert^2$$

**Spectral normalisation and the hinge loss** ([Miyato et al. 2018](https://arxiv.org/abs/1802.05957)) were used in [lesson 03](03_dcgan.ipynb): divide the weight of each layer by its largest singular value $\sigma(W)$, and the layer makes no vector longer; multiply over the layers (LeakyReLU has a slope of at most 1, too), and the slope of the whole critic is at most 1 (for convolutions $\sigma$ is another matter, see lesson 03). It needs no second gradient and so is cheap; $\sigma(W)$ is estimated by power iteration, which is exercise 3.

The hinge loss looks only at a margin: a real sample with a score above 1 and a fake with a score below -1 no longer count. So the scores of real and fake should be 2 apart. Where the samples are more than 2 apart, a slope below 1 does it, and the hinge loss asks for no more; where they are less than 2 apart, a slope of at most 1 cannot, the critic has to use all of its 1, and there the hinge loss is linear, as the Wasserstein loss is. The two often come together.
"""

# %% [markdown] tags=["lang-zh", "predict"]
r"""
## 斜率在哪里变小？

### 先猜再跑 1：只用 R1

一条直线上，真实样本在 -1 附近，生成样本在 1 附近，都不动，只训练评论家，损失都是 $L_D = -\mathbb{E}\log\sigma(f(x)) - \mathbb{E}\log\sigma(-f(G(z)))$（minimax 和非饱和（non-saturating，NS）两种博弈共用它，只有 G 的损失不同；$\sigma$ 在这里是 sigmoid），八个评论家只有约束不同。只用 R1（$\gamma = 10$）的评论家，在 -1、0 和 1 三处，哪里最陡？

- A. 真实样本处。
- B. 生成样本处；真实样本处几乎是平的。
- C. 处处一样：惩罚了一处，别处也跟着变平。
- D. 正中间，两头一样平。
"""

# %% [markdown] tags=["lang-en", "predict"]
r"""
## Where does the slope become small?

### Predict, then run 1: R1 alone

On a line, real samples lie around -1 and fakes around 1. Neither moves; only the critic is trained, always with $L_D = -\mathbb{E}\log\sigma(f(x)) - \mathbb{E}\log\sigma(-f(G(z)))$, which the minimax and the non-saturating (NS) game share, as only G's loss differs ($\sigma$ is the sigmoid here); the eight critics differ in their constraint alone. Where is the critic that has R1 only ($\gamma = 10$) steepest: at -1, at 0 or at 1?

- A. At the real samples.
- B. At the fakes; at the real samples it is almost level.
- C. The same everywhere: a penalty in one place flattens the others, too.
- D. In the middle, with both ends equally level.
"""

# %%
line = torch.linspace(-2, 2, 161)[:, None]
chance = torch.Generator().manual_seed(0)
real_line = -1 + 0.2 * torch.randn(256, 1, generator=chance)
fake_line = 1 + 0.2 * torch.randn(256, 1, generator=chance)


def trained_critic(penalty=None, clip=None, spectral=False, steps=500):
    """Train a critic on a line, 1-64-64-1, with one constraint, and return it."""
    torch.manual_seed(0)
    critic = mlp.discriminator([64, 64], (1,), activation=mlp.leaky)
    if spectral:
        for layer in critic:
            if isinstance(layer, nn.Linear):
                nn.utils.parametrizations.spectral_norm(layer)
    optimizer = adam(critic, 2e-3, (0.5, 0.999))
    for _ in range(steps):
        loss = losses.NonSaturating().critic(critic(real_line), critic(fake_line))
        if penalty is not None:
            loss = loss + penalty(critic, real_line, fake_line)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if clip is not None:
            penalties.clip_weights(critic, clip)
    return critic


def slope_at(critic, x):
    """Return the size of the critic's slope at the points x, (n, 1) -> (n,)."""
    x = x.clone().requires_grad_(True)
    slope, = torch.autograd.grad(critic(x).sum(), x)
    return slope[:, 0].abs()


constraints = {
    "none": {},
    "weight clipping, c = 0.1": {"clip": 0.1},
    "spectral normalisation": {"spectral": True},
    "gradient penalty": {"penalty": penalties.gradient_penalty},
    "one-sided gradient penalty": {"penalty": partial(penalties.gradient_penalty,
                                                      one_sided=True)},
    "R1, gamma = 10": {"penalty": partial(penalties.r1, gamma=10.0)},
    "R2, gamma = 10": {"penalty": partial(penalties.r2, gamma=10.0)},
    "R1 + R2, gamma = 10": {"penalty": partial(penalties.r1_r2, gamma=10.0)},
}
critics = {name: trained_critic(**how) for name, how in constraints.items()}

figure, axes = plt.subplots(2, 4, figsize=(10, 4.4), sharex=True, layout="constrained")
for axis, (name, critic) in zip(axes.flat, critics.items(), strict=True):
    axis.axvspan(-1.4, -0.6, color=show.BLUE, alpha=0.2, label="real")
    axis.axvspan(0.6, 1.4, facecolor=show.ORANGE, alpha=0.3, hatch="///", label="fake")
    axis.plot(line[:, 0], slope_at(critic, line), color="black")
    axis.set_title(name, fontsize=9)
    axis.set_ylim(bottom=0)
    axis.spines[["top", "right"]].set_visible(False)
figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper right", ncols=2,
              fontsize=8)
figure.supxlabel("place on the line", fontsize=9)
figure.supylabel("size of the slope", fontsize=9)
show.show(figure, "Eight panels, each with the size of one critic's slope along the line, a blue "
                  "band where real samples are and a hatched orange one where fakes are; each "
                  "panel has its own height")

# %% [markdown] tags=["lang-zh", "caption"]
r"""
**图 6-1** 八个评论家的斜率，纵轴各不相同。没有约束时，评论家处处都陡，两团之间最陡；裁剪把它压低了，形状还是那样。谱归一化和两种梯度惩罚在两团和它们之间都接近 1。R1 在真实样本处接近 0，R2 在生成样本处接近 0；两样都用，处处都低，那一格的纵轴只到 0.1 多一点。
"""

# %% [markdown] tags=["lang-en", "caption"]
r"""
**Fig. 6-1** The slopes of eight critics; each panel has its own height. Without a constraint the critic is steep everywhere, and steepest between the clusters; clipping makes it lower and leaves the shape. Spectral normalisation and both gradient penalties are close to 1 at the clusters and between. R1 is close to 0 at the real samples, R2 close to 0 at the fakes, and with both the slope is low everywhere; the axis of that panel ends just above 0.1.
"""

# %% tags=["nbval-ignore-output"]
spots = torch.tensor([[-1.0], [0.0], [1.0]])
slopes = {name: slope_at(critic, spots).tolist() for name, critic in critics.items()}
table([("约束", "constraint"), ("真实样本处", "at real"), ("正中间", "in the middle"),
       ("生成样本处", "at fakes")],
      [[({"none": "没有约束", "weight clipping, c = 0.1": "权重裁剪，c = 0.1",
          "spectral normalisation": "谱归一化", "gradient penalty": "梯度惩罚，双侧",
          "one-sided gradient penalty": "梯度惩罚，单侧"}.get(name, name), name),
        *(f"{slope:.2f}" for slope in row)] for name, row in slopes.items()])

# %% [markdown] tags=["lang-zh"]
r"""
答案是 **B**。只用 R1 的评论家，真实样本处的斜率不到 0.1，生成样本处约是 4；正中间也有 2.77（换一种处理器是 3.77；斜率在 0 附近正急速变大，往右一点就到 4 左右，直到生成样本处都是这样）：惩罚只管它作用的地方，别处照样可以陡。只用 R2 正好相反。两样都用，这一次连正中间也只有 0.1 左右。惩罚并不禁止中间变陡：两头平、中间陡的评论家，损失会小得多，只是训练没有找到它：从 −1 到 0.8 左右，这个 D 几乎是一条直线，斜率 0.08（换一种处理器是 0.09）；再往外大多更平。如果 D 是直线，惩罚之下最好的斜率在 $1 / (2\gamma) = 0.05$ 附近，0.08 和它是同一个量级。谱归一化的三个数都是 1.00：它是上限，可是这个损失总想把上限用满。

这张图解释了两个名字相近的方法为什么不同：WGAN-GP 希望真假之间的斜率是 1，因为最好的 Wasserstein 评论家就是那样；R1 和 R2 希望真假样本**所在之处**的斜率是 0，因为走到终点时 $p_g = p_r$，评论家应当处处一样高，这时还有斜率，G 就会被推走。下一节用最小的例子来看后果。
"""

# %% [markdown] tags=["lang-en"]
r"""
The answer is **B**. With R1 alone the critic's slope is below 0.1 at the real samples and about 4 at the fakes; even in the middle it is 2.77 (3.77 on another processor; around 0 the slope is rising fast, to about 4 just to the right, where it stays as far as the fakes): a penalty rules where it acts, and elsewhere the critic may be as steep as before. With R2 alone it is the other way round. With both, even the middle has only about 0.1 this time. The penalties do not forbid the middle to be steep: a critic that is level at both ends and steep between would have a far smaller loss; but training did not find it: from −1 to about 0.8 this D is nearly a straight line with a slope of 0.08 (0.09 on another processor), and beyond that it is mostly flatter. For a straight critic the best slope under the penalty is about $1 / (2\gamma) = 0.05$, and 0.08 is of the same order. With spectral normalisation all three numbers are 1.00: it is a bound, and this loss always wants to use it up.

The figure explains how two methods with similar names differ. WGAN-GP wants a slope of 1 between real and fake, since that is what the best Wasserstein critic has. R1 and R2 want a slope of 0 **where** the samples are, since at the goal $p_g = p_r$ and the critic should be level; a slope that is left there pushes G away. The smallest example shows what follows from that.
"""

# %% [markdown] tags=["lang-zh", "predict"]
r"""
## Dirac-GAN 的相图

[第 01 课](01_intuition.ipynb)见过这个最小的 GAN（[Mescheder 等，2018](https://arxiv.org/abs/1801.04406)）：真实数据只有一个点，0；G 只有一个数 $\theta$，就是生成样本的位置；评论家是过原点的直线 $f(x) = \psi x$，斜率处处是 $\psi$，所以 R1 和 R2 是同一项，$\gamma \psi^2 / 2$。均衡（equilibrium）在 $\theta = \psi = 0$。那里只画了一条轨道，这里画整个**相图**：在每一点 $(\theta, \psi)$ 上，两个网络的负梯度合成一个箭头

$$v(\theta, \psi) = \left(-\frac{\partial L_G}{\partial \theta},\; -\frac{\partial L_D}{\partial \psi}\right)$$

箭头由 `autograd` 算出，用的就是 `losses` 和 `penalties` 里的函数（成对的损失，`loss.compares` 为真，算 G 的损失时也要真实样本的分数）；再从同一点 $(1, 1)$ 出发，两个网络**轮流**走小步，画出走过的路。

### 先猜再跑 2：哪些会收敛？

八种：minimax、非饱和（NS）、RpGAN（成对比较）、Wasserstein、WGAN-GP（$\lambda = 0.5$）、合页，以及 NS 加 R1，$\gamma = 0.3$ 和 $\gamma = 3$。走 500 步，学习率 0.1，哪些能走到离均衡 0.1 以内？

- A. 除了 minimax，全都能。
- B. WGAN-GP 和两种 R1。
- C. 只有 RpGAN 和两种 R1：成对比较也能阻止转圈。
- D. 只有两种 R1。
"""

# %% [markdown] tags=["lang-en", "predict"]
r"""
## Phase portraits of the Dirac-GAN

[Lesson 01](01_intuition.ipynb) met this smallest of GANs ([Mescheder et al. 2018](https://arxiv.org/abs/1801.04406)): the real data are a single point, 0; G is a single number $\theta$, the place of its fake; the critic is a line through the origin, $f(x) = \psi x$, with the slope $\psi$ everywhere, so that R1 and R2 are the same term, $\gamma \psi^2 / 2$. The equilibrium is $\theta = \psi = 0$. There we drew one path; here is the whole **phase portrait**: at each point $(\theta, \psi)$ the negative gradients of the two make an arrow

$$v(\theta, \psi) = \left(-\frac{\partial L_G}{\partial \theta},\; -\frac{\partial L_D}{\partial \psi}\right)$$

`autograd` computes the arrows, with the very functions of `losses` and `penalties` (a loss on pairs, where `loss.compares` is true, needs the real scores for G's loss, too); and from one start, $(1, 1)$, the two take small steps **in turn**, and we draw their path.

### Predict, then run 2: which of them converge?

There are eight: minimax, non-saturating (NS), RpGAN (in pairs), Wasserstein, WGAN-GP ($\lambda = 0.5$), hinge, and NS with R1, $\gamma = 0.3$ and $\gamma = 3$. After 500 steps at a learning rate of 0.1, which are within 0.1 of the equilibrium?

- A. All but minimax.
- B. WGAN-GP and the two with R1.
- C. Only RpGAN and the two with R1: comparing in pairs stops the circling, too.
- D. Only the two with R1.
"""

# %%
def arrow(theta, psi, loss, penalty=None):
    """Return the two negative gradients at (theta, psi): where G wants to go, and where D does."""
    theta, psi = theta.detach().requires_grad_(True), psi.detach().requires_grad_(True)
    real, fake = torch.zeros(1, 1), theta.reshape(1, 1)

    def critic(x):
        return psi * x[:, 0]

    for_g = (critic(fake), critic(real)) if loss.compares else (critic(fake),)
    push_theta, = torch.autograd.grad(loss.generator(*for_g), theta)
    for_d = loss.critic(critic(real), critic(fake))
    if penalty is not None:
        for_d = for_d + penalty(critic, real, fake.detach())
    push_psi, = torch.autograd.grad(for_d, psi)
    return -push_theta, -push_psi


def path(loss, penalty=None, steps=500, rate=0.1):
    """Let D and G take steps in turn, from (1, 1); return the places, (2, steps + 1)."""
    theta, psi = torch.ones(2)
    places = [torch.stack([theta, psi])]
    for _ in range(steps):
        psi = psi + rate * arrow(theta, psi, loss, penalty)[1]
        theta = theta + rate * arrow(theta, psi, loss, penalty)[0]
        places.append(torch.stack([theta, psi]))
    return torch.stack(places, 1)


NS = losses.NonSaturating()
dirac = {
    "minimax": (losses.Minimax(), None),
    "NS": (NS, None),
    "RpGAN": (losses.Relativistic(), None),
    "Wasserstein": (losses.Wasserstein(), None),
    "WGAN-GP": (losses.Wasserstein(), partial(penalties.gradient_penalty, weight=0.5)),
    "hinge": (losses.Hinge(), None),
    "NS + R1, gamma = 0.3": (NS, partial(penalties.r1, gamma=0.3)),
    "NS + R1, gamma = 3": (NS, partial(penalties.r1, gamma=3.0)),
}
torch.manual_seed(0)
paths = {name: path(*how) for name, how in dirac.items()}
places = torch.linspace(-2, 2, 11)
figure, axes = plt.subplots(2, 4, figsize=(10, 5.2), layout="constrained")
for axis, (name, how) in zip(axes.flat, dirac.items(), strict=True):
    arrows = torch.tensor([[arrow(theta, psi, *how) for theta in places] for psi in places])
    arrows = arrows / arrows.norm(dim=2, keepdim=True).clamp_min(1e-6)  # the direction only
    axis.quiver(places, places, arrows[..., 0], arrows[..., 1], color=show.GREY, scale=16)
    axis.plot(*paths[name], color=show.BLUE, linewidth=1)
    axis.plot(1, 1, "o", color="black", markersize=5)
    axis.plot(0, 0, "+", color="black", markersize=10)
    axis.set(title=name, xlim=(-2.1, 2.1), ylim=(-2.1, 2.1), aspect="equal")
figure.supxlabel("theta: place of the fake")
figure.supylabel("psi: slope of the critic")
show.show(figure, "Eight phase portraits, one for each loss, with grey arrows, a path from a "
                  "black dot at (1, 1) and a cross at the equilibrium")

# %% [markdown] tags=["lang-zh", "caption"]
r"""
**图 6-2** 箭头只表示方向，蓝线是轮流走 500 步的路。minimax、Wasserstein 和合页绕着均衡转圈，WGAN-GP 绕着一个变了形的圈（$\lambda = 0.5$，再大圈就画不下了）；NS 和 RpGAN 的路完全相同，向里转，越来越慢；加了 R1 的两种，$\gamma = 0.3$ 停在均衡上，$\gamma = 3$ 还在慢慢靠近。
"""

# %% [markdown] tags=["lang-en", "caption"]
r"""
**Fig. 6-2** Arrows show directions only; the blue line is the path of 500 steps taken in turn. Minimax, Wasserstein and hinge circle around the equilibrium, WGAN-GP around a deformed loop ($\lambda = 0.5$; with more it would not fit in); the paths of NS and RpGAN are the same, inwards and ever more slowly; of the two with R1, that of $\gamma = 0.3$ comes to rest at the equilibrium and that of $\gamma = 3$ still creeps towards it.
"""

# %%
table([("方法", "method"), ("最后 100 步离均衡：最近", "last 100 steps: nearest"),
       ("最远", "furthest")],
      [[("合页" if name == "hinge" else name, name),
        *(f"{value:.2f}" for value in (place[:, -100:].norm(dim=0).min(),
                                       place[:, -100:].norm(dim=0).max()))]
       for name, place in paths.items()])
apart = (paths["NS"] - paths["RpGAN"]).norm(dim=0).max()
say("NS 和 RpGAN 的两条路最多相差 {apart:.4f}。", "The paths of NS and of RpGAN are at most "
    "{apart:.4f} apart.", apart=float(apart))

# %% [markdown] tags=["lang-zh"]
r"""
答案是 **D**。minimax、Wasserstein 和合页在圈上，最后 100 步离均衡 1.35 到 1.41。WGAN-GP 也在转：它要斜率接近 1，而均衡处斜率应当是 0。NS 向里转，但 500 步以后离均衡还有 0.39 到 0.42；RpGAN 和它是**同一条路**，因为真实样本在 0 处，分数总是 0，成对的差就是 $f(\theta)$ 自己。所以成对比较单独不能让它停下。两种 R1 都到了 0.1 以内：$\gamma = 0.3$ 已是 0.00，$\gamma = 3$ 在最后 100 步里还从 0.04 挪到 0.02。

**用手算一遍。** NS 加 R1 时，$L_G = -\log\sigma(\psi\theta)$，$L_D = -\log\sigma(0) - \log\sigma(-\psi\theta) + \frac{\gamma}{2}\psi^2$，所以

$$v(\theta, \psi) = \bigl(\psi\,\sigma(-\psi\theta),\; -\theta\,\sigma(\psi\theta) - \gamma\psi\bigr)$$

（这里的 $\sigma$ 是 sigmoid 函数，不是前面的最大奇异值 $\sigma(W)$。）在均衡附近，$v$ 近似是线性的，$v \approx J\,(\theta, \psi)^\top$，$J$ 是它在均衡处的雅可比矩阵。步子很小时，离均衡的距离大致按 $e^{\operatorname{Re}(\mu)\,t}$ 变化，$\mu$ 是 $J$ 的特征值，$t$ 是步数乘学习率（500 步就是 50）：实部为负就靠近，虚部不为零就转。$\sigma(0) = \frac{1}{2}$，所以

$$J = \begin{pmatrix} 0 & \frac{1}{2} \\ -\frac{1}{2} & -\gamma \end{pmatrix}, \qquad \mu = -\frac{\gamma}{2} \pm \sqrt{\frac{\gamma^2}{4} - \frac{1}{4}}$$

没有惩罚（$\gamma = 0$），$\mu = \pm \frac{i}{2}$，实部是 0：这个近似里只会转，不近也不远（NS 的路慢慢靠近，靠的是近似以外的高次项，越近越慢）。有了惩罚，实部是负的，就以指数的速度靠近。$\gamma < 1$ 时带着虚部，边转边靠近；$\gamma > 1$ 时两个特征值都是实数，不再转，但一个接近 0，$\gamma$ 越大越接近，最后一段走得越慢。所以 $\gamma$ 不是越大越好。
"""

# %% [markdown] tags=["lang-en"]
r"""
The answer is **D**. Minimax, Wasserstein and hinge go round, between 1.35 and 1.41 from the equilibrium in the last 100 steps. WGAN-GP goes round, too: it wants a slope close to 1, and at the equilibrium the slope should be 0. NS spirals in, but after 500 steps it is still 0.39 to 0.42 away; and RpGAN takes **the same path**, because the real sample at 0 always has a score of 0, so that the difference of a pair is $f(\theta)$ itself. So a comparison in pairs alone does not bring it to rest. The two with R1 get within 0.1: with $\gamma = 0.3$ it is down to 0.00, with $\gamma = 3$ the last 100 steps still go from 0.04 to 0.02.

**By hand.** For NS with R1, $L_G = -\log\sigma(\psi\theta)$ and $L_D = -\log\sigma(0) - \log\sigma(-\psi\theta) + \frac{\gamma}{2}\psi^2$, so

$$v(\theta, \psi) = \bigl(\psi\,\sigma(-\psi\theta),\; -\theta\,\sigma(\psi\theta) - \gamma\psi\bigr)$$

(Here $\sigma$ is the sigmoid, not the largest singular value $\sigma(W)$ from above.) Near the equilibrium $v$ is about linear, $v \approx J\,(\theta, \psi)^\top$, where $J$ is its Jacobian there. With small steps the distance from the equilibrium goes like $e^{\operatorname{Re}(\mu)\,t}$, with $\mu$ an eigenvalue of $J$ and $t$ the number of steps times the learning rate (50 after 500 steps): a negative real part means closer, an imaginary part means circling. With $\sigma(0) = \frac{1}{2}$,

$$J = \begin{pmatrix} 0 & \frac{1}{2} \\ -\frac{1}{2} & -\gamma \end{pmatrix}, \qquad \mu = -\frac{\gamma}{2} \pm \sqrt{\frac{\gamma^2}{4} - \frac{1}{4}}$$

Without a penalty ($\gamma = 0$) $\mu = \pm \frac{i}{2}$ with a real part of 0: in this approximation the game only goes round, neither closer nor further (the path of NS comes closer through terms of higher order, which the approximation leaves out, and more slowly the closer it is). With the penalty the real parts are negative, and the approach is exponential. For $\gamma < 1$ there is an imaginary part, and it spirals in; for $\gamma > 1$ both eigenvalues are real and there is no circling, but one is close to 0, the closer the larger $\gamma$ is, and the last part of the way takes long. So a larger $\gamma$ is not always better.
"""

# %%
def field(place, penalty):
    """Return v at a place, (2,), by the formula above; `penalty` is gamma."""
    theta, psi = place
    return torch.stack([psi * torch.sigmoid(-psi * theta),
                        -theta * torch.sigmoid(psi * theta) - penalty * psi])


rows = []
for gamma in (0.0, 0.3, 1.0, 3.0):
    jacobian = torch.autograd.functional.jacobian(partial(field, penalty=gamma), torch.zeros(2))
    values = torch.linalg.eigvals(jacobian)
    rows.append([f"{gamma:g}", *("  ".join(f"{abs(x):.3f}" if abs(x) < 5e-4 else f"{x:.3f}"
                                           for x in sorted(part.tolist()))
                                 for part in (values.real, values.imag))])
table(["gamma", ("两个特征值的实部", "real parts"), ("虚部", "imaginary parts")], rows)

# %% [markdown] tags=["lang-zh", "exercise"]
r"""
### 练习 1：写出 R1

补全 `r1`：评论家在真实样本处的梯度范数的平方，对一批求平均，再乘 $\gamma / 2$。`real` 的形状是 `(B, d)` 或 `(B, C, H, W)`，`critic(real)` 返回 `(B,)` 个分数。返回值要能对评论家的权重求梯度。

<details><summary>提示一</summary>

先让 `real` 成为可以求梯度的叶子，再用 `torch.autograd.grad` 求分数对它的梯度。分数有 B 个，梯度函数只收一个数：求和还是求平均，结果不一样。

</details>

<details><summary>提示二</summary>

用 $f(x) = w \cdot x$ 检验：不管批多大，答案是 $\gamma \lVert w \rVert^2 / 2$。再看它的 `requires_grad`：是 `False`，就少了一个参数。

</details>
"""

# %% [markdown] tags=["lang-en", "exercise"]
r"""
### Exercise 1: write R1

Complete `r1`: the squared gradient norm of the critic at real samples, averaged over the batch, times $\gamma / 2$. `real` has the shape `(B, d)` or `(B, C, H, W)`, and `critic(real)` returns `(B,)` scores. What you return must have a gradient in the critic's weights.

<details><summary>Hint one</summary>

Make `real` a leaf that takes gradients, then let `torch.autograd.grad` find the gradient of the scores with respect to it. There are B scores and it wants one number: a sum and a mean give different results.

</details>

<details><summary>Hint two</summary>

Test with $f(x) = w \cdot x$: whatever the size of the batch, the answer is $\gamma \lVert w \rVert^2 / 2$. Then look at its `requires_grad`: if it is `False`, an argument is missing.

</details>
"""

# %%
def r1(critic, real, gamma=1.0):
    return ...


verdict = check.r1(r1)

# %% [markdown] tags=["lang-zh"]
r"""
## 成对比较

原来的损失把真假样本的分数**分开**来看，各算各的；除了 Wasserstein 损失，都拿一条固定的界线来比（0，合页损失是 1 和 −1）：真的要高，假的要低。

**相对式**（relativistic）的成对损失（[Jolicoeur-Martineau，2018](https://arxiv.org/abs/1807.00734)）只看差：一个真实样本和一个生成样本配成一对，问真实的比生成的高多少。

$$L_D = \mathbb{E}_{x, z}\bigl[-\log \sigma(f(x) - f(G(z)))\bigr], \qquad L_G = \mathbb{E}_{x, z}\bigl[-\log \sigma(f(G(z)) - f(x))\bigr]$$

没有了 0 这条公共的界线，每个生成样本都要和**各处的**真实样本比。好处在哪里？[Sun 等人（2020）](https://arxiv.org/abs/2011.04926)不看网络，只看有限个可以随意移动的样本点：原来的损失的地形里有许多坏的盆地，从里面出发，往下走到不了最好的解，这就是模式崩溃（mode collapse）；成对的损失没有坏的盆地。这不等于训练有保证，因为训练是两个网络轮流走步。在 Dirac-GAN 里，刚才看到，它和 NS 走的是同一条路。R3GAN 的作者也证明，单用它不一定收敛，加上 R1 或 R2 就局部收敛（只说均衡附近）。

还有一点和 WGAN 相同：给所有分数加一个常数，损失不变。所以分数的高低没有意义，只有差才有。
"""

# %% [markdown] tags=["lang-en"]
r"""
## Comparing in pairs

The losses so far look at the scores of real samples and of fakes **separately**; all but the Wasserstein loss compare them with a fixed border (0, and for hinge 1 and −1): real ones should be above, fakes below.

The **relativistic** loss on pairs ([Jolicoeur-Martineau 2018](https://arxiv.org/abs/1807.00734)) looks at differences only: one real sample and one fake make a pair, and the question is by how much the real one scores higher.

$$L_D = \mathbb{E}_{x, z}\bigl[-\log \sigma(f(x) - f(G(z)))\bigr], \qquad L_G = \mathbb{E}_{x, z}\bigl[-\log \sigma(f(G(z)) - f(x))\bigr]$$

Without the common border at 0 each fake is compared with real samples **from everywhere**. What is gained? [Sun et al. (2020)](https://arxiv.org/abs/2011.04926) leave the networks aside and look at finitely many sample points that move freely: the landscape of the separate loss has many bad basins, from which no way down leads to the best solution, and this is mode collapse; the loss on pairs has no bad basin. Training is not guaranteed by that, since it is two networks that take steps in turn. In the Dirac-GAN, as you saw, it goes the way of NS. R3GAN's authors prove, too, that by itself it does not always converge, and that with R1 or R2 it does so locally (close to the equilibrium, that is).

One thing it shares with WGAN: add a constant to all scores, and the loss stays. So the height of a score has no meaning, only differences have.
"""

# %% [markdown] tags=["lang-zh", "exercise"]
r"""
### 练习 2：成对的损失

补全 `critic_loss(real, fake)` 和 `generator_loss(fake, real)`：参数都是分数，形状 `(B,)`，第 i 个真实样本和第 i 个生成样本是一对；各返回一个标量，是这一批的平均损失。

<details><summary>提示一</summary>

$-\log \sigma(x)$ 有一个不会溢出的写法，第 02 课起就在用。先写下 $x$ 是哪两个分数的差。

</details>

<details><summary>提示二</summary>

先对每一对算出损失，再求平均；次序反过来，是另一种方法。检验：给两边都加 100，损失应当不变；把 `real` 和 `fake` 对换，`critic_loss` 应当变成 `generator_loss` 的值。

</details>
"""

# %% [markdown] tags=["lang-en", "exercise"]
r"""
### Exercise 2: the loss on pairs

Complete `critic_loss(real, fake)` and `generator_loss(fake, real)`. The arguments are scores, shape `(B,)`; the real sample number i and the fake number i are a pair. Each returns one number, the mean loss of the batch.

<details><summary>Hint one</summary>

There is a way to write $-\log \sigma(x)$ that never overflows; it has been in use since lesson 02. First write down which difference of scores $x$ is.

</details>

<details><summary>Hint two</summary>

Take the loss of each pair first and the mean after it; the other order is another method. A test: add 100 to both, and the loss should stay; exchange `real` and `fake`, and `critic_loss` should become the value of `generator_loss`.

</details>
"""

# %%
def critic_loss(real, fake):
    return ...


def generator_loss(fake, real):
    return ...


verdict = check.pairing_loss(critic_loss, generator_loss)

# %% [markdown] tags=["lang-zh", "exercise"]
r"""
### 练习 3：幂迭代

谱归一化在每一步都要知道 $\sigma(W)$，做一次奇异值分解太贵。Miyato 等人的办法是**幂迭代**（power iteration）：从随机的单位向量 $u$ 出发，重复

$$v \leftarrow \frac{W^\top u}{\lVert W^\top u \rVert}, \qquad u \leftarrow \frac{W v}{\lVert W v \rVert}, \qquad \sigma \approx u^\top W v$$

反复下去，$u$ 和 $v$ 会趋向最大奇异值对应的左、右奇异向量。训练时权重每步只动一点，把 $u$ 留到下一步，一步迭代就够了。（下一节的 `SideBySide` 里就有这样一步，只是权重转置着存：先写完练习再看。）

补全 `sigma(weight, steps)`：`weight` 是卷积核 `(C_out, C_in, k, k)` 或矩阵 `(C_out, C_in)`，先写成每个输出通道一行的矩阵，从随机的 $u$ 出发迭代 `steps` 次，返回 $u^\top W v$。它的梯度要能传到 `weight`，$u$ 和 $v$ 则当作常数。

<details><summary>提示一</summary>

`weight.flatten(1)` 把核写成矩阵。两个向量的长度不同：$u$ 有几个数，$v$ 有几个数？

</details>

<details><summary>提示二</summary>

和 `torch.linalg.matrix_norm(W, ord=2)` 比：迭代次数越多越接近，并且总在它下面。`torch.no_grad()` 里的迭代不留梯度，最后一行放在它外面。

</details>
"""

# %% [markdown] tags=["lang-en", "exercise"]
r"""
### Exercise 3: power iteration

Spectral normalisation needs $\sigma(W)$ at every step, and a singular value decomposition each time is too expensive. The answer of Miyato et al. is **power iteration**: start from a random unit vector $u$ and repeat

$$v \leftarrow \frac{W^\top u}{\lVert W^\top u \rVert}, \qquad u \leftarrow \frac{W v}{\lVert W v \rVert}, \qquad \sigma \approx u^\top W v$$

The vectors $u$ and $v$ turn towards the left and the right singular vector of the largest singular value. In training, weights move little in a step; keep $u$ for the next one, and one iteration a step is enough. (`SideBySide` in the next section holds such a step, on transposed weights: finish the exercise before you read it.)

Complete `sigma(weight, steps)`: `weight` is a kernel `(C_out, C_in, k, k)` or a matrix `(C_out, C_in)`; write it as a matrix with a row for each output channel, iterate `steps` times from a random $u$, and return $u^\top W v$. Its gradient has to reach `weight`, with $u$ and $v$ as constants.

<details><summary>Hint one</summary>

`weight.flatten(1)` turns a kernel into a matrix. The two vectors differ in length: how many entries does $u$ have, and how many does $v$ have?

</details>

<details><summary>Hint two</summary>

Compare with `torch.linalg.matrix_norm(W, ord=2)`: more iterations come closer, always from below. Inside `torch.no_grad()` the iterations leave no gradient; the last line belongs outside.

</details>
"""

# %%
def sigma(weight, steps):
    return ...


verdict = check.power_iteration(sigma)

# %% [markdown] tags=["lang-zh"]
r"""
## 稳定性：五种方法，三种处境

第 01 课比较过四种组合，只有一种困难：太强的 D。这里把它扩成一张表。数据是半径 2 的环上 8 团点，G 是 2-64-64-2，D 是 2-64-64-1，每批 128 个点，学习率 0.001。

- **方法**（行）：NS，RpGAN，合页加谱归一化，NS 加 R1 和 R2，RpGAN 加 R1 和 R2；惩罚都取 $\gamma = 1$。
- **处境**（列）：`even`，两边一样，Adam 的 `betas=(0.5, 0.999)`，800 步；`momentum 0.9`，换成 PyTorch 默认的 `betas=(0.9, 0.999)`；`strong D`，D 先走 300 步，然后每回合走 10 步，G 走 250 步。
- **每格三个种子**，量两个数：**有效模式数**（只数高质量的样本，1 到 8；一个也没有，记 0）和**高质量样本**的比例（离最近的团心不到 3 个标准差）。

五行三列三个种子是 45 次训练，一次一次地跑太慢。下面的 `SideBySide` 把三个种子的网络并排放在一起：权重叠成 `(3, n_in, n_out)`，一次 `baddbmm` 算三个网络，一批样本也分成三份，各归各的。损失是三份的平均，所以每个网络收到的梯度只有单独训练时的三分之一；Adam 用梯度除以它自己的大小，常数倍抵消了，三个网络走的步子和单独训练时一样。两个核心则各跑一格：网络太小，一次训练用不上两个线程，`two_at_a_time`（来自 [joblib](https://joblib.readthedocs.io/)）就在两个进程里同时跑两格。
"""

# %% [markdown] tags=["lang-en"]
r"""
## Stability: five methods in three situations

Lesson 01 compared four combinations under one handicap, a D that is too strong. Here it becomes a table. The data are 8 clusters on a circle of radius 2, G is 2-64-64-2 and D 2-64-64-1, batches have 128 points, the learning rate is 0.001.

- **Methods** (rows): NS; RpGAN; hinge with spectral normalisation; NS with R1 and R2; RpGAN with R1 and R2; all penalties have $\gamma = 1$.
- **Situations** (columns): `even`, both alike, Adam's `betas=(0.5, 0.999)`, 800 steps; `momentum 0.9`, PyTorch's default `betas=(0.9, 0.999)` instead; `strong D`, D takes 300 steps first and then 10 a round, G takes 250.
- **Three seeds a cell**, with two measurements: **effective modes** (among high-quality samples only, 1 to 8; 0 if there are none) and the share of **high-quality samples** (within 3 standard deviations of the nearest cluster's centre).

Five rows, three columns and three seeds are 45 runs, too slow one after another. `SideBySide` below puts the networks of the three seeds next to each other: the weights are stacked to `(3, n_in, n_out)`, one `baddbmm` computes all three networks, and a batch is divided into three parts, one for each. The loss is the mean over the three parts, so each network gets a third of the gradient that it would get alone; Adam divides a gradient by its own size, the factor cancels, and the three take the steps that they would take alone. The two cores get a cell each: one run is too small to use two threads, so `two_at_a_time` (from [joblib](https://joblib.readthedocs.io/)) plays two cells at once, in two processes.
"""

# %%
class SideBySide(nn.Module):
    """Networks of one shape, each with its own weights; a batch is divided among them in order."""

    def __init__(self, networks, slope, spectral=False):
        super().__init__()
        layers = [[part for part in network if isinstance(part, nn.Linear)] for network in networks]
        same = list(zip(*layers, strict=True))  # the first layers of all, the second of all, ...
        self.weights = nn.ParameterList([torch.stack([layer.weight.T for layer in group])
                                         for group in same])
        self.biases = nn.ParameterList([torch.stack([layer.bias[None] for layer in group])
                                        for group in same])
        self.slope = slope  # of LeakyReLU below zero; 0 is ReLU
        self.u = [normalize(torch.randn(*weight.shape[:2], 1), dim=1) for weight in self.weights]
        self.spectral = spectral

    def bounded(self, i):
        """Return the weights of layer i; with spectral normalisation divided by sigma."""
        weight = self.weights[i]
        if not self.spectral:
            return weight
        with torch.no_grad():  # one step of power iteration
            v = normalize(weight.mT @ self.u[i], dim=1)
            self.u[i] = normalize(weight @ v, dim=1)
        return weight / (self.u[i].mT @ weight @ v)

    def forward(self, x):
        x = x.unflatten(0, (len(self.weights[0]), -1))
        for i, bias in enumerate(self.biases):
            if i > 0:
                x = leaky_relu(x, self.slope)
            x = torch.baddbmm(bias, x, self.bounded(i))
        return x.flatten(0, 1).squeeze(1)


def players(seeds, spectral=False):
    """Return G and D for several seeds side by side, with the first weights of `mlp.plane`."""
    pairs = []
    for seed in seeds:
        torch.manual_seed(seed)
        pairs.append(mlp.plane())
    generators, discriminators = zip(*pairs, strict=True)
    return SideBySide(generators, 0.0), SideBySide(discriminators, 0.2, spectral)


ring = data.ring()


def play(loss, penalty=None, spectral=False, *, seeds=(0, 1, 2), steps=1000, betas=(0.5, 0.999),
         n_critic=1, ahead=0):
    """Train all seeds on the ring and return the report of each, and D's last loss."""
    generator, critic = players(seeds, spectral)
    of_g, of_d = adam(generator, 1e-3, betas), adam(critic, 1e-3, betas)
    n = 128 * len(seeds)
    chance = torch.Generator().manual_seed(seeds[0])

    def critic_turn():
        real = ring.sample(n, chance)
        move = critic_step(critic, generator, of_d, loss, real,
                           torch.randn(n, 2, generator=chance), penalty)
        return real, float(move.loss)

    for _ in range(ahead):
        critic_turn()
    for _ in range(steps):
        for _ in range(n_critic):
            real, last = critic_turn()
        generator_step(critic, generator, of_g, loss, torch.randn(n, 2, generator=chance),
                       real if loss.compares else None)
    with torch.no_grad():
        made = generator(torch.randn(2500 * len(seeds), 2, generator=chance))
    return [measure.mode_report(cloud, ring) for cloud in made.split(2500)], last


paired = losses.Relativistic()
methods = {"NS": (NS,), "RpGAN": (paired,), "hinge + SN": (losses.Hinge(), None, True),
           "NS + R1 + R2": (NS, penalties.r1_r2), "RpGAN + R1 + R2": (paired, penalties.r1_r2)}
rounds = runtime.at_scale(smoke=10, default=800, full=3000)
situations = {"even": {"steps": rounds},
              "momentum 0.9": {"steps": rounds, "betas": (0.9, 0.999)},
              "strong D": {"steps": rounds * 5 // 16, "n_critic": 10, "ahead": rounds * 3 // 8}}

# %% [markdown] tags=["lang-zh", "predict"]
r"""
### 先猜再跑 3：哪一种处境最难？

想一想马上要画的图 6-3 的最后两行，NS 和 RpGAN 各加上 R1 和 R2（先不要往下看）。三种处境里，哪一种的结果最差，模式和高质量的样本都最少（两行平均）？

- A. `even`：没有困难的时候，惩罚反而碍事。
- B. `momentum 0.9`。
- C. `strong D`，和第 01 课不加惩罚时一样。
- D. 三种差不多。
"""

# %% [markdown] tags=["lang-en", "predict"]
r"""
### Predict, then run 3: which situation is the hardest?

Think of the last two rows of Fig. 6-3, which comes next (do not look yet), NS and RpGAN with R1 and R2. In which of the three situations do they do worst, with the fewest modes and the fewest high-quality samples (mean of the two rows)?

- A. `even`: without a difficulty the penalty is only in the way.
- B. `momentum 0.9`.
- C. `strong D`, as without a penalty in lesson 01.
- D. All three are about the same.
"""

# %% tags=["nbval-ignore-output"]
cells = [(method, situation) for situation in reversed(situations) for method in methods]
played = two_at_a_time(delayed(play)(*methods[method], **situations[situation])
                       for method, situation in cells)  # a strong D takes longest, so it is first
grid = dict(zip(cells, played, strict=True))
pictures = {"effective modes": ("effective_modes", 8, ".1f"),
            "high-quality samples": ("high_quality", 1, ".0%")}
figure, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
for axis, (title, (key, most, form)) in zip(axes, pictures.items(), strict=True):
    found = torch.tensor([[[getattr(report, key) for report in grid[method, situation][0]]
                           for situation in situations] for method in methods])
    axis.imshow(found.mean(2), cmap="Blues", vmin=0, vmax=1.5 * most, aspect="auto")
    for i in range(len(methods)):
        for j in range(len(situations)):
            low, high = (format(float(found[i, j].aminmax()[k]), form) for k in (0, 1))
            axis.text(j, i, f"{format(float(found[i, j].mean()), form)}\n{low} to {high}",
                      ha="center", va="center", fontsize=8)
    axis.set(title=title, xticks=range(len(situations)), yticks=range(len(methods)))
    axis.set_xticklabels(situations, fontsize=8)
    axis.set_yticklabels(methods if axis is axes[0] else [], fontsize=8)
show.show(figure, "Two tables in shades of blue, five methods by three situations: on the left the "
                  "mean number of effective modes over three seeds with its range, on the right "
                  "the share of high-quality samples")

# %% [markdown] tags=["lang-zh", "caption"]
r"""
**图 6-3** 每格上面是三个种子的平均，下面是最小和最大。左图颜色越深，模式越齐。左图最右一列（太强的 D）里，没有约束的两行颜色很浅；右图 `momentum 0.9` 那一列，除合页加谱归一化以外，都比 `even` 浅；左图这一列里，RpGAN 和加了 R1、R2 的行，三个种子的波动也更大。
"""

# %% [markdown] tags=["lang-en", "caption"]
r"""
**Fig. 6-3** In each cell the mean of three seeds stands above the least and the most. On the left, a deeper blue means more modes. In the last column on the left (a D that is too strong) the two rows without a constraint are pale; on the right, the column `momentum 0.9` is paler than `even` in all rows but hinge with spectral normalisation; on the left its seeds also spread more widely in the rows of RpGAN and of R1 and R2.
"""

# %%
def on_a_circle():
    """Return 2,500 points spread evenly along the circle, blurred, without any clusters."""
    angle = 2 * torch.pi * torch.rand(2500, generator=chance)
    radius = 2 + 0.2 * torch.randn(2500, generator=chance)
    return torch.stack([radius * angle.cos(), radius * angle.sin()], 1)


chance = torch.Generator().manual_seed(0)
controls = {"random": [1.5 * torch.randn(2500, 2, generator=chance) for _ in range(3)],
            "circle": [on_a_circle() for _ in range(3)]}
for name, clouds in controls.items():
    reports = [measure.mode_report(cloud, ring) for cloud in clouds]
    say({"random": "对照一：随机点", "circle": "对照二：均匀撒在一个模糊的圆上的点，没有团"}[name]
        + "，2,500 个，三次：有效模式数 {modes}，高质量 {quality}。",
        {"random": "Control one: random points",
         "circle": "Control two: points spread evenly on a blurred circle, without clusters"}[name]
        + ", 2,500 of them, three times: {modes} effective modes, {quality} of high quality.",
        modes="  ".join(f"{one.effective_modes:.1f}" for one in reports),
        quality="  ".join(f"{one.high_quality:.1%}" for one in reports))

# %% [markdown] tags=["lang-zh"]
r"""
答案是 **B**。最下面两行在 `momentum 0.9` 里是 5.8 和 3.6 个有效模式，高质量的样本是 3% 和 5%；在另外两列里是 6.2 到 7.5 个，9% 到 15%。

- **D 太强，没有约束就崩溃（NS、RpGAN）；加了 R1 和 R2，没有崩溃。** 最右一列里，NS 和 RpGAN 只有 1.9 和 1.3 个有效模式，高质量的样本倒平均有 48% 和 79%（10% 到 98%，64% 到 91%），都挤在少数模式上（六次训练里五次是一到两个，一次 3.6 个）。加了 R1 和 R2 的两行有 7.3 和 7.5 个，高质量 10% 和 9%，G 只走了 250 步。可是第二个对照说明，均匀撒在一个模糊的圆上、根本没有团的点，也有 7.8 到 7.9 个有效模式，高质量约 8%。所以能说的是，环上八处 G 都走到了，而且差不多一样多；其余九成样本在哪里，有没有认出八个团，这两个数看不出来。成对比较单独帮不上忙，和第 01 课一致。
- **动量是另一回事。** 换成 0.9 以后，四行的高质量比例都比 `even` 低，平均最多只有 6%，其中三行，最好的种子也明显不如 `even` 最差的，最下一行的两边几乎相接（10.5% 对 11.0%）；合页加谱归一化的两列分不开（3% 和 2%）。有效模式数的平均五行都变少，但两列完全分开的只有 NS 和 RpGAN：合页加谱归一化在 1.0 处相接，加了 R1 和 R2 的两行有重叠，NS 是 4.2 到 6.8 对 5.5 到 6.9（换一种处理器，平均 6.5 对 6.2，没有变少），RpGAN 是 0.0 到 6.9 对 6.2 到 6.9。Adam 的第一个 beta 越大，网络越是沿着过去的方向走；可是对手一动，过去的方向就过时了，在会转圈的博弈里，这等于把圈推大。这个解释和表相符，但我们没有单独检验。R3GAN 和本课程的 `recipes.sngan` 取 0，DCGAN 取 0.5。
- **模式数要和质量一起看。** 合页加谱归一化在最右一列有 7.3 个有效模式，可是高质量只有 2%，和随机点（6.7 到 7.6 个，1.2% 到 2.2%）分不开：只能说它没有挤到一处，不能说它学会了。为什么它在这样短的训练里学得慢，这里没有检验；Miyato 等人的设置里，有 D 每回合走 5 步的。
- **没有困难的时候，惩罚并不占便宜。** `even` 一列里，NS 和 RpGAN 的高质量样本是 24% 和 30%，加了 R1 和 R2 的两行都是 15%。$\gamma = 1$ 对这个环也许偏重：开放题里可以试一试。
- **先看波动。** `momentum 0.9` 一列里，RpGAN 加 R1 和 R2 的三个种子从 0.0 到 6.9（换一种处理器，从 1.0 到 5.6）；NS 加 R1 和 R2，`momentum 0.9` 和 `even` 的有效模式数分不开，分得开的是高质量的比例，3% 和 15%。
"""

# %% [markdown] tags=["lang-en"]
r"""
The answer is **B**. In `momentum 0.9` the last two rows have 5.8 and 3.6 effective modes, with 3% and 5% of high quality; in the other two columns 6.2 to 7.5, with 9% to 15%.

- **With a D that is too strong, no constraint (NS, RpGAN) means collapse; with R1 and R2 there is none.** In the last column NS and RpGAN have only 1.9 and 1.3 effective modes, and yet 48% and 79% of high quality on average (10% to 98%, 64% to 91%), crowded on few modes (one or two in five of the six runs, 3.6 in the other). The two rows with R1 and R2 have 7.3 and 7.5, with 10% and 9% of high quality, and G has taken only 250 steps. But the second control, points spread evenly on a blurred circle without any clusters, has 7.8 to 7.9 effective modes, too, and about 8% of high quality. So G reaches all eight places on the circle, about equally often; where the other nine tenths of its samples are, and whether it has found the clusters, these two numbers do not show. A comparison in pairs does not help by itself, which agrees with lesson 01.
- **Momentum is another matter.** With 0.9, the share of high quality is lower than in `even` in four rows, 6% on average at most, and in three of these the best seed is clearly below the worst in `even`, while in the last row the two nearly meet (10.5% against 11.0%); for hinge with spectral normalisation the two columns cannot be told apart (3% and 2%). The mean of effective modes falls in all five rows, but only for NS and RpGAN are the two columns wholly apart: hinge with spectral normalisation meets at 1.0, and the two rows with R1 and R2 overlap, NS with 4.2 to 6.8 against 5.5 to 6.9 (on another processor the means are 6.5 against 6.2, no fall), RpGAN with 0.0 to 6.9 against 6.2 to 6.9. The larger Adam's first beta, the more a network goes on in past directions; but as the opponent moves, past directions are out of date, and in a game that circles this pushes the circle outwards. The explanation agrees with the table; we have not tested it separately. R3GAN and this course's `recipes.sngan` take 0, DCGAN takes 0.5.
- **Read modes together with quality.** Hinge with spectral normalisation has 7.3 effective modes in the last column, but only 2% of high quality, and cannot be told from random points (6.7 to 7.6, 1.2% to 2.2%): it did not crowd, but nobody can say that it has learned. Why it is slow in so short a training was not tested; among the settings of Miyato et al. are some in which D takes 5 steps a round.
- **Without a difficulty the penalty is no advantage.** In `even` NS and RpGAN have 24% and 30% of high quality, the two rows with R1 and R2 both have 15%. For this ring $\gamma = 1$ may be on the heavy side: try it in the open task.
- **Look at the spread.** In `momentum 0.9` the three seeds of RpGAN with R1 and R2 go from 0.0 to 6.9 (on another processor from 1.0 to 5.6). For NS with R1 and R2 the effective modes of `momentum 0.9` and `even` cannot be told apart; what can is the share of high quality, 3% and 15%.
"""

# %% [markdown] tags=["lang-zh", "failure-of-the-day", "predict"]
r"""
## 典型失败案例：切断的惩罚

R3GAN 公开以后，[有人问它的作者](https://github.com/brownvc/R3GAN/issues/20)：惩罚是不是应当先用 `detach` 切断，再加进损失？作者说不应当。有了上一张表，可以直接做实验。两次训练只差一处，都用 NS 加 R1 和 R2，都面对太强的 D（图 6-3 最右边一列）：一次照常，另一次切断惩罚，这和忘了写 `create_graph=True` 是一回事。

### 先猜再跑 4：切断以后

- A. 损失和有效模式数都几乎不变，因为惩罚的数值是一样的。
- B. 损失里不再有惩罚，D 的损失降到 0 附近。
- C. D 的损失变得很大，样本和不加惩罚时一样。
- D. PyTorch 当场报错，因为惩罚没有梯度可传。
"""

# %% [markdown] tags=["lang-en", "failure-of-the-day", "predict"]
r"""
## The failure of the day: a penalty that was cut off

When R3GAN was published, [somebody asked its authors](https://github.com/brownvc/R3GAN/issues/20) whether the penalty should be cut off with `detach` before it is added to the loss. They said no. With the table above we can simply try. Two runs differ in one thing; both have NS with R1 and R2 and a D that is too strong (the last column of Fig. 6-3): one is as usual, and in the other the penalty is cut off, which is the same as forgetting `create_graph=True`.

### Predict, then run 4: once it is cut off

- A. Loss and effective modes hardly change: the value of the penalty is the same.
- B. D's loss no longer contains the penalty and falls to 0.
- C. D's loss becomes large, and the samples are those without a penalty.
- D. PyTorch raises an error at once, because the penalty has no gradient to pass on.
"""

# %% tags=["nbval-ignore-output"]
def detached(critic, real, fake):
    """The mistake: the right number, cut off from the critic's weights."""
    return penalties.r1_r2(critic, real, fake).detach()


cut_off, loss_cut_off = play(NS, detached, **situations["strong D"])
compared = {"as usual": grid["NS + R1 + R2", "strong D"], "cut off": (cut_off, loss_cut_off),
            "none": grid["NS", "strong D"]}
table([("惩罚", "penalty"), ("D 最后的损失（三个种子的平均）", "D's last loss, mean of the seeds"),
       ("有效模式数，每个种子", "effective modes, each seed")],
      [[({"as usual": "照常", "cut off": "切断", "none": "不加惩罚"}[name], name), f"{last:.2f}",
        "  ".join(f"{one.effective_modes:.1f}" for one in reports)]
       for name, (reports, last) in compared.items()])

# %% [markdown] tags=["lang-zh", "failure-of-the-day"]
r"""
答案是 **C**。切断以后，D 最后的损失有几十（65，换一种处理器是 73），照常的是 1.37；三个种子的有效模式数和根本不加惩罚的完全一样，有两个种子只剩 1 个模式。惩罚的数值加进了损失，却没有梯度通到 D 的权重，改变不了任何一步：两次走的路一模一样，最后的损失却一个是 64.6，一个是 0.4，相差的 64.2 就是没有起作用的惩罚，可见斜率已经多大。日志里印着惩罚，不等于惩罚在起作用。

怎样自己发现？两个办法，都不用等训练完：看惩罚的 `requires_grad`；或者单独对惩罚调用 `backward()`，真的断了，PyTorch 当场报错。和对抗损失加在一起就不报错，所以平时发现不了。同样会悄悄断掉的还有编译：PyTorch 的 issue [181581](https://github.com/pytorch/pytorch/issues/181581) 记下，对 `torch.compile` 编译过的函数的输出求 `autograd.grad(create_graph=True)`，得到的梯度曾经无声地断了图；2026 年的一处修复让它改为报错，因为编译过的函数不支持求两次导。所以本课程不让带惩罚的评论家编译。
"""

# %% [markdown] tags=["lang-en", "failure-of-the-day"]
r"""
The answer is **C**. Once cut off, D's last loss is large (65, on another processor 73), and 1.37 as usual; the three seeds have exactly the effective modes that they have without any penalty, and two of them only 1. The value of the penalty goes into the loss, but no gradient of it reaches D's weights, so it changes no step at all: both go exactly the same way, yet their last losses are 64.6 and 0.4, and the 64.2 between them is the penalty that does nothing, which shows how large the slope has become. That a penalty is printed in the log does not mean that it works.

How could you notice? In two ways, and neither has to wait for the end of training: look at the penalty's `requires_grad`; or call `backward()` on the penalty alone: if it is cut off, PyTorch raises an error. Added to the adversarial loss it raises none, which is why it goes unnoticed. Compilation can cut it silently, too: issue [181581](https://github.com/pytorch/pytorch/issues/181581) of PyTorch records that `autograd.grad(create_graph=True)` on the output of a function compiled with `torch.compile` used to return a gradient without its graph, and said nothing; since a fix of 2026 it is an error, for a compiled function cannot be differentiated twice. So this course does not let a critic with a penalty be compiled.
"""

# %% [markdown] tags=["lang-zh"]
r"""
## 图片上的比赛：同样的秒数

点是练习，图片才是正题。数据是第 03 课的核心玩具脸，32×32，96 种组合。五种方法：DCGAN；WGAN-GP（D 每回合 2 步）；SN-GAN，即合页加谱归一化；`r3gan`，仿照 R3GAN：损失照它，残差网络小得多（边长 4、8 和 16 各一级，每级一块，16 到 64 个通道；论文在 CIFAR-10 上直到边长 32，每级两块，768 个通道）；`rpgan`，用 R3GAN 的损失（RpGAN 加 R1 和 R2），网络仍是 DCGAN 的，评论家不要批归一化。前三种的学习率是 0.001，批大小 64；用 R3GAN 的损失的，学习率 0.002，批大小 32，$\gamma$ 从 5 降到 0.5，惩罚每 8 步算一次，放大到 8 倍。给它们的是**同样的秒数**，不是同样的步数：先计时，按一个核心 120 秒定下步数（实际用了 113 到 148 秒，最多的是 `r3gan`）；用 bfloat16 计算（16 位的浮点数，范围和 float32 一样大，位数少，算得快），学习率都在这些步里降下去，样本都由滑动平均（moving average）的权重画出（`python -m studies.lesson06 contest`）。

一步贵的方法，步数就少。指标和[第 04 课](04_wgan.ipynb)相同：各取 10,000 个样本，量弗雷歇距离（Fréchet distance），组合数，反向 KL（各组合的比例离均匀有多远），以及算数的（counted）比例：读图网络（reading network）有把握、而且认成数据里有的取值的样本；每格三个数是三个种子；最后一行是另外 10,000 张真图，是各项指标能达到的水平。
"""

# %% [markdown] tags=["lang-en"]
r"""
## The contest on pictures: equal seconds

Points are practice, pictures are the real thing. The data are lesson 03's core toy faces, 32×32, with 96 combinations. There are five methods: DCGAN; WGAN-GP (2 steps of D a round); SN-GAN, that is hinge with spectral normalisation; `r3gan`, modelled on R3GAN: its loss, and much smaller residual networks (a stage for each of the sides 4, 8 and 16, one block a stage, 16 to 64 channels; for CIFAR-10 the paper goes up to a side of 32, with two blocks a stage and 768 channels); and `rpgan`, with the loss of R3GAN (RpGAN with R1 and R2) on DCGAN's networks, the critic without batch normalisation. The first three have a learning rate of 0.001 and batches of 64; with R3GAN's loss it is 0.002 and 32, a $\gamma$ that falls from 5 to 0.5, and a penalty on every 8th step, 8 times as strong. They get **equal seconds**, not equal steps: numbers of steps that were timed to take 120 seconds of one core (as played 113 to 148, with `r3gan` the longest), computed in bfloat16 (floating-point numbers of 16 bits: the range of float32, fewer digits, faster), with learning rates that fade over these steps, and samples painted with the moving average of the weights (`python -m studies.lesson06 contest`).

A method with expensive steps takes fewer of them. The metrics are those of [lesson 04](04_wgan.ipynb): 10,000 samples each, their Fréchet distance, combinations, reverse KL (how far the shares of the combinations are from equal) and the share that counts: samples of which the reading network is sure and sees values that the data have; three numbers in a cell are three seeds; the last row is 10,000 other real pictures, the level that each metric can reach.
"""

# %%
def of_seeds(found, key, form):
    """Return what each seed gave, in one cell of a table."""
    return "  ".join("-" if run[key] is None else format(run[key], form) for run in found.values())


measured = (("frechet", ".1f"), ("seen", "d"), ("kl", ".3f"), ("counted", ".1%"))


def compare_ways(ways, found, real):
    """Show what each way, {name in the study: title}, reached in equal time, and real pictures."""
    table([("方法", "method"), ("步数", "steps"), ("弗雷歇距离", "Fréchet distance"),
           ("组合数", "combinations"), ("反向 KL", "reverse KL"), ("算数的", "counted")],
          [[({"lr 4e-3": "学习率 4e-3", "lr 5e-4": "学习率 5e-4", "lr 1e-3": "学习率 1e-3",
              "batches of 64": "每批 64 张", "twice as wide": "宽一倍",
              "penalty in every step": "每步都算惩罚", "nothing fades": "都不下降",
              "no penalty": "不加惩罚", "R1, gamma 10": "只用 R1，gamma 10",
              "He's first weights": "何恺明等的初始化",
              "rpgan, He's first weights": "rpgan，何恺明等的初始化",
              "the same, no BatchNorm in G": "同上，G 没有批归一化",
              "NS, channels_last": "NS，channels_last", "NS, 5 x": "NS，5 倍步数",
              "NS, batches of 64": "NS，每批 64 张", "100,000 faces": "100,000 张脸",
              "BatchNorm frozen": "批归一化固定"}.get(title, title), title),
            f"{found['steps'][way]:,}",
            *(of_seeds(found["runs"][way], key, form) for key, form in measured)]
           for way, title in ways.items() if found["runs"][way]]
          + [[("真图", "real"), "", *(of_seeds({"": real}, key, form) for key, form in measured)]])


contest = study("contest")
entries = {"dcgan": "DCGAN", "wgan_gp": "WGAN-GP", "sn_hinge": "SN-GAN", "r3gan": "r3gan",
           "rpgan": "rpgan"}
compare_ways(entries, contest, contest["floor"])

# %% [markdown] tags=["lang-zh"]
r"""
怎样读这张表：

- **`rpgan` 领先。** 弗雷歇距离是 109 到 172，SN-GAN 是 194 到 310，WGAN-GP 和 DCGAN 落在后面：549 到 592 和 1,642 到 3,085。`rpgan` 和 SN-GAN 的反向 KL 和算数的比例却互相交错（KL 0.11 到 0.18 对 0.13 到 0.21，算数的 32% 到 40% 对 30% 到 35%），三个种子分不出高下。
- **比的是配方，不是损失。** 它们的批大小、学习率、归一化和惩罚的间隔都不同；`rpgan` 的设置是在这套脸上挑出来的，`sngan` 的也在这类彩色图上挑过；另外三种没有花同样的功夫。哪一处起作用，这张表没有说。R3GAN 的论文还报告，隔几步才算一次惩罚，在 Stacked MNIST（三个数字叠成一张彩色图，共 1,000 种组合）上会失败；在这套脸上没有，Stacked MNIST 上我们没有试。
- **`r3gan` 的残差网络没有赢。** 它走了 1,716 步，并不比 `rpgan` 的 2,216 步少多少，弗雷歇距离却是 755 到 937。论文的网络大得多，批大小在 256 以上，学习率是这里的十分之一，训练以天计；这里是一个 CPU 核心的 120 秒。在这样短的时间里，换成这样的网络没有用；原因下面再查。
- **离真图都还远。** 最后一行就是真图的。

### 时间增加到五倍

120 秒很短。同样的五种方法，一个核心 600 秒（计算量相当于两个核心的五分钟），步数是上面的五倍，脸从 10,000 张增加到 20,000 张（`python -m studies.lesson06 contest_long`；`rpgan` 那一行是后面“走得久一些”的那三局，单独计过时，10,725 步）。请先猜：名次会变吗？
"""

# %% [markdown] tags=["lang-en"]
r"""
How to read this table:

- **`rpgan` leads.** Its Fréchet distance is 109 to 172; that of SN-GAN is 194 to 310, and WGAN-GP and DCGAN are behind with 549 to 592 and 1,642 to 3,085. But in reverse KL and in the share that counts `rpgan` and SN-GAN overlap (KL 0.11 to 0.18 against 0.13 to 0.21, counted 32% to 40% against 30% to 35%), and three seeds cannot tell them apart.
- **It is a contest of recipes, not of losses.** They differ in batch size, learning rate, normalisation and in how often the penalty is taken; the settings of `rpgan` were chosen on these faces, those of `sngan` on colour pictures of this kind, too; the other three had no such care. Which of the differences matters the table does not say. R3GAN's paper reports, too, that with a penalty in every few steps only, Stacked MNIST (three digits on top of each other as a colour picture, 1,000 combinations) fails; on these faces it did not, and on Stacked MNIST we did not try.
- **The residual networks of `r3gan` did not win.** They took 1,716 steps, not many fewer than the 2,216 of `rpgan`, and reached a Fréchet distance of 755 to 937. The paper has much larger networks, batches of 256 and more, a learning rate a tenth of ours, and days of training; here it is one CPU core for 120 seconds. In so short a time these networks did not help; why, we shall ask below.
- **All are far from real pictures.** The last row is what they have.

### Five times as long

120 seconds are short. Here are the same five with 600 seconds of one core (as much computing as two cores do in five minutes), five times the steps, and 20,000 faces instead of 10,000 (`python -m studies.lesson06 contest_long`; the row of `rpgan` holds the three games of "A longer run" below, which were timed by themselves, 10,725 steps). Guess first: does the order change?
"""

# %%
longer, winners = study("contest_long"), study("winner")
for part in ("steps", "runs"):
    longer[part]["rpgan"] = winners[part]
compare_ways(entries, longer, longer["floor"])

# %% [markdown] tags=["lang-zh"]
r"""
- **`rpgan` 现在领先得清楚。** 组合数，它和 SN-GAN、WGAN-GP 都是 96 种；另外三项都是它领先：弗雷歇距离 23 到 24，SN-GAN 是 42 到 48；反向 KL 0.04 到 0.05，对 0.09 到 0.13；算数的 67% 到 70%，对 52% 到 57%。120 秒时还分不出的两项，现在 `rpgan` 和 SN-GAN 的范围不再重叠。
- **按弗雷歇距离，平均的名次没有变，变的是差距。** WGAN-GP 在 120 秒时是 549 到 592，SN-GAN 的两倍多；现在是 62 到 70，约一倍半，算数的 48% 到 50%。DCGAN（218 到 541）和 `r3gan`（252 到 305）在 120 秒时分得开，现在交错了。差距有多大，只对这个训练时长成立；训练用的脸也多了一倍，时间和数据各起多少作用，这张表分不出来。
- **`r3gan` 还是没有赶上**：252 到 305，算数的 36% 到 44%。

### `r3gan` 为什么落后？

从 `r3gan` 出发，每次只改一处，每种按一个核心 120 秒定步数（实际 85 到 129 秒；`python -m studies.lesson06 residual`，种子 0；那时机器忙，步数比上面的少）。最后两行反过来，从 `rpgan` 出发，看它的 G 是不是靠批归一化：两行的 G 都用[何恺明等（2015）](https://arxiv.org/abs/1502.01852)的初始化（权重的方差是 $2/n$，$n$ 是一个输出所加的输入个数），因为没有批归一化时，DCGAN 的初始值太小。
"""

# %% [markdown] tags=["lang-en"]
r"""
- **Now the lead of `rpgan` is clear.** It has all 96 combinations, as SN-GAN and WGAN-GP have, and leads in the other three metrics: a Fréchet distance of 23 to 24 against SN-GAN's 42 to 48, reverse KL 0.04 to 0.05 against 0.09 to 0.13, counted 67% to 70% against 52% to 57%. In the two metrics in which 120 seconds could not tell them apart, no seed of `rpgan` and of SN-GAN overlaps now.
- **By Fréchet distance the order of the means has not changed, the gaps have.** WGAN-GP had 549 to 592 at 120 seconds, more than twice SN-GAN's distance; now it has 62 to 70, one and a half times, with 48% to 50% counted. DCGAN (218 to 541) and `r3gan` (252 to 305) were apart at 120 seconds and overlap now. The size of a gap is valid for this training time only; there are twice as many faces, too, and the table cannot separate the effect of time from that of data.
- **`r3gan` has still not caught up**: 252 to 305, with 36% to 44% counted.

### Why is `r3gan` behind?

Start from `r3gan` and change one thing at a time, with steps for 120 seconds of one core each (as played 85 to 129; `python -m studies.lesson06 residual`, seed 0; the machine was busy then, and steps are fewer than above). The last two rows go the other way: they start from `rpgan` and ask whether its G depends on BatchNorm. In both, G begins with the weights of [He et al. (2015)](https://arxiv.org/abs/1502.01852), of variance $2/n$, where $n$ is the number of inputs that an output sums, because without BatchNorm those of DCGAN are too small.
"""

# %%
residual = study("residual")
compare_ways({"as it is": "r3gan", "lr 4e-3": "lr 4e-3", "lr 5e-4": "lr 5e-4",
              "gamma 0.5": "gamma 0.5", "batches of 64": "batches of 64",
              "twice as wide": "twice as wide", "penalty in every step": "penalty in every step",
              "nothing fades": "nothing fades", "He's first weights": "rpgan, He's first weights",
              "He's, no BatchNorm in G": "the same, no BatchNorm in G"},
             residual, residual["floor"])

# %% [markdown] tags=["lang-zh"]
r"""
- **哪一处都补不上差距。** 原样是 1,180。不让学习率和惩罚降下去，是 880；学习率加倍，1,211，没有差别；减到四分之一，2,621；$\gamma$ 减到 0.5，1,945。批加倍、网络加宽一倍、每步都算惩罚，是 1,393、1,510 和 1,678，但它们每步更贵，步数只有原来的六成。同一个配方的三个种子在比赛里从 755 到 937，所以 880 和 1,180 之差，一个种子说不准；可是没有一行接近 `rpgan` 的网络（419）。
- **看不出是批归一化的功劳。** 两行都用 DCGAN 的网络和何恺明的初始化：G 有批归一化是 419，没有是 412，分不出来。这里走了 1,865 步的 419，比下一张表里 `rpgan` 原样走 1,302 步的 335 和 349 还差，所以只能说，在这个水平上，不用归一化也没有更差。
- **原因还没有找到。** 可能是网络本身，可能是时间，也可能是没有试过的：更大的 $\gamma$，同时改两处，和论文一样大的网络。从 120 秒到 600 秒，`r3gan` 和 `rpgan` 的平均距离之比从 6 变成 11（差值从 707 缩到 247）。论文的设置是另一个尺度：768 个通道，批 256 以上，以天计。这里只能说，在几分钟之内，同样的损失，残差网络没有胜过 DCGAN 的网络。

### 赢家少不了什么？

从 `rpgan` 出发，每次只改一处，其余全都不变，每种按一个核心 80 秒定步数（实际 65 到 89 秒）：

"""

# %% [markdown] tags=["lang-en"]
r"""
- **No change makes up for it.** As it is, it has 1,180. With a learning rate and a penalty that do not fade it is 880; with twice the learning rate 1,211, which is no difference; with a quarter of it 2,621; with $\gamma$ lowered to 0.5, 1,945. Batches twice as large, networks twice as wide and a penalty in every step have 1,393, 1,510 and 1,678, but each of their steps costs more, and they take only six tenths as many. Three seeds of one recipe went from 755 to 937 in the contest, so one seed cannot be sure of the difference between 880 and 1,180; but no row comes near the networks of `rpgan` (419).
- **BatchNorm does not show as the reason.** Two rows have DCGAN's networks and He's first weights: 419 with BatchNorm in G and 412 without, which cannot be told apart. The 419 after 1,865 steps is worse than the 335 and 349 that plain `rpgan` has in the next table after 1,302, so all one can say is that at this level doing without is no worse.
- **The cause has not been found.** It may be the network itself, or time, or what was not tried: a larger $\gamma$, two changes at once, networks as large as the paper's. From 120 to 600 seconds the ratio of the mean distances of `r3gan` and `rpgan` goes from 6 to 11 (the difference shrinks from 707 to 247). The settings of the paper are of another scale: 768 channels, batches of 256 and more, and days. All that can be said here is that within minutes the residual networks brought no advantage over DCGAN's networks with the same loss.

### What can the winner not do without?

Start from `rpgan`, change one thing at a time, and leave the rest alone, with steps for 80 seconds of one core each (as played 65 to 89):

"""

# %%
changes = study("changes")
compare_ways({"as it is": "rpgan", "no pairing": "NS + R1 + R2", "no R2": "R1, gamma 10",
              "no penalty": "no penalty", "gamma 0.5": "gamma 0.5",
              "He's first weights": "He's first weights", "batches of 64": "batches of 64",
              "lr 1e-3": "lr 1e-3", "nothing fades": "nothing fades"}, changes, changes["floor"])

# %% [markdown] tags=["lang-zh"]
r"""
每行两个种子。上面的比赛里，同一个配方的三个种子就从 109 到 172，所以只看两个种子都一致、而且相差很大的。

- **少不了的是惩罚。** 去掉它，弗雷歇距离从 335 和 349 升到 944 和 1,106，组合从 95 种以上降到 48 种；算数的样本并不少，漏掉的是一半的种类。这不等于 `rpgan` 靠它胜过 SN-GAN：SN-GAN 另有约束，“把惩罚换成谱归一化”没有试。朝 SN-GAN 那边改的有两处，批大小改成 64，平均距离变差，是原来的 1.5 倍（步数只有六成）；学习率改成 0.001，是 1.2 倍；两个都没有超出种子之间的差别；120 秒的比赛里，两个配方的平均距离相差 1.6 倍。
- **成对比较没有帮上忙，NS 反而更好：** 173 和 147，两个种子的距离都只有不改时的一半左右。走得久一些还是这样吗？下面再看。只用 R1（$\gamma$ 加倍）是 274 和 345，和不改的分不开，R2 的好处在这里看不出来（图 6-3 没有只用 R1 的一行，不能拿来比）；成对比较的好处，图 6-3 里也看不出。它们在论文里的功劳，是在 1,000 种模式上量出来的。
- **训练这样短，让学习率和惩罚下降并不划算。** 两样都不降，是 201 和 202；哪一样起作用，为什么，没有分开。更长的训练里没有试过不降。
- **其余四处。** 学习率减半，402 和 447；G 和 D 都换成何恺明等的初始化（上一张表里只换 G），469 和 402；批大小 64，488 和 560，同样的秒数里只走了 767 步，别的都在 1,200 步以上：改一处，也就改了能走多远。前三处，两个种子都比不改时差；但平均距离只是不改时的 1.2 倍、1.3 倍和 1.5 倍，而比赛里同一个配方的种子就差到 1.6 倍，不下结论。$\gamma$ 减到 0.5，289 和 535，种子之间差得比这还多。
"""

# %% [markdown] tags=["lang-en"]
r"""
Two seeds a row. In the contest above three seeds of one recipe went from 109 to 172, so look only at what both seeds agree on and what is large.

- **It cannot do without the penalty.** Without it, the Fréchet distance rises from 335 and 349 to 944 and 1,106, and combinations fall from 95 or more to 48; the share that counts is no smaller, but half of the kinds are missing. That does not mean that `rpgan` owes its lead over SN-GAN to it: SN-GAN has a constraint of its own, and spectral normalisation in place of the penalty was not tried. Two of the changes go towards SN-GAN: batches of 64 raise the mean distance by a factor of 1.5 (with six tenths of the steps), a learning rate of 0.001 by 1.2, and both are within the spread of seeds; in the contest of 120 seconds the mean distances of the two recipes are a factor of 1.6 apart.
- **The comparison in pairs did not help, and NS is better:** 173 and 147, half as much on both seeds. Is it still so in a longer run? We shall see below. R1 alone (with twice the $\gamma$) has 274 and 345, which cannot be told from the unchanged recipe: no merit of R2 can be seen here (Fig. 6-3 has no row with R1 alone and cannot be compared). Of the pairs Fig. 6-3 shows no merit, either. Their merit in the paper was measured on 1,000 modes.
- **In so short a run it does not pay to fade.** If neither learning rate nor penalty falls, it is 201 and 202; which of the two matters, and why, was not separated. Longer runs without fading were not tried.
- **The other four.** Half the learning rate has 402 and 447; He's first weights in both networks (in the table above in G alone) 469 and 402; batches of 64 have 488 and 560, and the same seconds hold only 767 of their steps, where the others take more than 1,200: a change of one thing is also a change of how far one gets. All three are worse on both seeds, but by factors of only 1.2, 1.3 and 1.5 on average, while seeds of one recipe differed by 1.6 in the contest, and that decides nothing. With $\gamma$ lowered to 0.5 it is 289 and 535, and the two seeds differ by more than that.
"""

# %% [markdown] tags=["lang-zh"]
r"""
再在这里跑一小段：同一个配方，步数少得多，学习率和惩罚在这些步里就降完。
"""

# %% [markdown] tags=["lang-en"]
r"""
Now run a short version yourself: the same recipe with far fewer steps, in which learning rate and penalty fade out.
"""

# %% tags=["nbval-ignore-output"]
faces = data.toy_faces(10_000, size=32, core=True)
winner_steps = runtime.at_scale(smoke=10, default=300, full=20_000)
winner = recipes.rpgan(steps=winner_steps, precision="auto")
runtime.set_threads(2)  # these networks are large enough for both cores
start = time.perf_counter()
fit(winner, faces, winner_steps)
seconds = time.perf_counter() - start
runtime.set_threads(1)
samples = winner.sample(2000, ema=True)
report = measure.factor_coverage(samples, faces)
say("{steps} 步，{seconds:.0f} 秒：{seen} 种组合，算数的 {counted:.0%}，反向 KL {kl:.2f}。",
    "{steps} steps, {seconds:.0f} seconds: {seen} combinations, {counted:.0%} counted, reverse KL "
    "{kl:.2f}.", steps=winner_steps, seconds=seconds, seen=report.seen,
    counted=report.counted / len(samples), kl=report.reverse_kl)

# %% tags=["nbval-ignore-output"]
show.gallery({"toy faces": faces.images[:12], "short run": samples[:12]}, columns=12,
             alt="Two rows of twelve pictures: toy faces, and samples after the short run, in "
                 "which faces with hair can be made out and many features are blurred")

# %% [markdown] tags=["lang-zh", "caption"]
r"""
**图 6-4** 上：训练数据。下：这一小段训练之后的样本，用的是权重的滑动平均。脸的轮廓和头发已经出来了，细节还差得远。
"""

# %% [markdown] tags=["lang-en", "caption"]
r"""
**Fig. 6-4** Top: training data. Bottom: samples after the short run, painted with the moving average of the weights. Outlines and hair are there; detail is a long way off.
"""

# %% [markdown] tags=["lang-zh"]
r"""
**走得久一些。** 下面七种训练事先跑好、存下来（`studies/lesson06.py` 的 `winner`、`unpaired`、`five_minutes`、`half_hour`、`batches`、`more_faces` 和 `frozen`），各三个种子；前五种用 20,000 张脸：

1. `rpgan` 走 10,725 步，一个核心约 600 秒；
2. 同样的步数，只把损失换成 NS；
3. 也用 NS，走 16,500 步，网络按 channels_last 存放；
4. 和第三种一样，只是步数五倍：82,500 步；
5. 和第四种一样，只是每批 64 张，走 65,000 步；
6. 和第五种一样，只是用 100,000 张脸来学（前 20,000 张和上面的相同）；样本仍和那 20,000 张比；
7. 和第六种一样，只是从第 52,000 步起，G 的批归一化在训练时也用平均下来的统计量，和画样本时一样。

channels_last（通道在后）说的是内存里的次序：张量的形状仍是 (B, C, H, W)，但同一个像素的各个通道挨在一起，卷积读起来更快，算出的数只差舍入误差。在同一个核心上用 bfloat16，`rpgan` 每步的时间因此少五分之一。写法是 `network.to(memory_format=torch.channels_last)`；命令行的 `train` 已经这样做。七种都用 bfloat16、一个线程；前两种是早先在另一台慢一些的机器上、用默认的次序跑的，所以各行之间要比步数，不要比秒数（README 里有每种的秒数）。
"""

# %% [markdown] tags=["lang-en"]
r"""
**A longer run.** Seven trainings, computed beforehand and stored (`winner`, `unpaired`, `five_minutes`, `half_hour`, `batches`, `more_faces` and `frozen` of `studies/lesson06.py`), with three seeds each; the first five with 20,000 faces:

1. `rpgan` for 10,725 steps, about 600 seconds of one core;
2. as many steps with the loss changed to NS and nothing else;
3. NS as well, for 16,500 steps, the networks laid out channels_last;
4. the same as the third for five times the steps, 82,500;
5. like the fourth, but in batches of 64, for 65,000 steps;
6. like the fifth, but with 100,000 faces to learn from (the first 20,000 are those above); samples are still compared with those 20,000;
7. like the sixth, but from step 52,000 on G's batch normalisation takes its averaged statistics in training, too, as it does when it paints samples.

channels_last is an order in memory: the shape of a tensor is still (B, C, H, W), but the channels of one pixel lie side by side, which convolutions read faster; what they compute differs by rounding alone. In bfloat16, on the same core, a step of `rpgan` takes a fifth less time. You write `network.to(memory_format=torch.channels_last)`; `train` on the command line does it by itself. All seven use bfloat16 and one thread; the first two ran earlier, on another, slower machine and in the default layout, so compare the rows by steps, not by seconds (the README has the seconds of each).
"""

# %%
longest = {"rpgan": study("winner"), "NS + R1 + R2": study("unpaired"),
           "NS, channels_last": study("five_minutes"), "NS, 5 x": study("half_hour"),
           "NS, batches of 64": study("batches"), "100,000 faces": study("more_faces"),
           "BatchNorm frozen": study("frozen")}
compare_ways({name: name for name in longest},
             {part: {name: found[part] for name, found in longest.items()}
              for part in ("steps", "runs")}, winners["floor"])

# %% [markdown] tags=["lang-zh"]
r"""
- **到 10,725 步，去掉成对比较略好。** NS 加 R1 和 R2 的弗雷歇距离是 18、18 和 20，`rpgan` 是 23、24 和 24，两边的范围不重叠；算数的比例（68% 到 70% 对 67% 到 70%）和反向 KL（0.030 到 0.045 对 0.039 到 0.051）分不开。80 秒时（10,000 张脸，秒数相同），NS 的距离只有 `rpgan` 的一半；现在（20,000 张脸，步数相同）只小两成多。所以到这里为止，`rpgan` 领先靠的不是名字里的 rp，也就是成对比较。
- **步数多一半，算数的更多。** 16,500 步，算数的占 77%、78% 和 74%，都比第二行的三个高；弗雷歇距离 11、12 和 18，反向 KL 0.025 到 0.040，平均都变好，但和第二行的范围还有重叠。和第二行相比，变的是步数，学习率和惩罚也跟着降得更慢；存放次序和机器只带来舍入误差，但舍入会让训练走上另一条路，所以两行里同号的种子不能一对一地比。
- **步数五倍，三项都更好。** 82,500 步，算数的占 87%、88% 和 82%，反向 KL 0.016、0.014 和 0.021，弗雷歇距离 8.5、8.9 和 9.0，都好过第三行的每一个种子；96 种组合都有。可是步数五倍，弗雷歇距离平均只从 13.7 降到 8.8；真图是 99%、0.004 和 2.5。三个种子算数的比例相差六个百分点，只看一个种子可能看错。
- **每批 64 张、多看六成的图，更好。** 第五行的三个种子，算数的 88.3%、89.8% 和 88.8%，弗雷歇距离 6.4、6.3 和 5.3，每个种子都好过第四行的三个；反向 KL 0.014、0.014 和 0.010，也小一些，但两边几乎相接（0.0142 和 0.0143）。每步多看一倍的图，步数少两成，合计多看约 60% 的图，多用约 40% 的时间；批大小和时间各占多少，没有分开。步数试过三种，看不出差别：表里的 65,000 步平均最好，同样的训练走 55,000 步是 6.5、5.7 和 6.6，走 68,500 步是 5.7、7.3 和 6.5；三种共九次，从 5.3 到 7.3，平均 6.3。
- **真图增加到五倍，没有更好。** 用 20,000 张脸走 65,000 步，每张看了 208 遍，D 也许把它们背下来了？用 100,000 张，每张只看 42 遍，其余不变：弗雷歇距离 7.3、6.8 和 4.8，算数的 89.5%、89.3% 和 88.9%，反向 KL 0.012、0.011 和 0.011，和第五行分不开（距离是和第五行学过的那 20,000 张脸比的，要偏也是偏向第五行）。一路上五次检查，D 给学过的脸和没学过的 2,000 张脸的平均分，相差都不到真假之差的十分之一。所以在这次训练里，卡住它的不是 D 的过拟合；20,000 张脸的那些，没有看过 D 的分数。
- **卡住它的，有批归一化。** 训练时，G 的批归一化用一批图自己的均值和标准差，D 看到的是这样画出的图；画样本时，用的是平均下来的统计量。把第六种的三个 G 按训练时的方式来画（每批 64 张），弗雷歇距离就从 7.3、6.8 和 4.8 变成 6.0、5.0 和 4.8：两个种子小了，一个没有变；不过变小的两个，算数的各少了一个百分点。第七种让训练迁就画样本：从第 52,000 步起，G 的批归一化在训练时也用平均下来的统计量，权重和缩放照样学习（`Game` 的 `freeze_batchnorm`，命令行的 `--freeze-batchnorm`；之前的步就是第六种的）。弗雷歇距离 4.8、4.5 和 4.2，算数的 90.1%、89.5% 和 89.8%，反向 KL 0.010、0.010 和 0.009，三个种子的距离都比第六行小，也比第六种按训练时的方式画的（6.0、5.0 和 4.8）小，连换个画法没有变的那个种子也是：所以不只是训练和画图不一样，其余的原因没有分开。没有固定的十二次（上面的九次和第六行的三次）里，只有一次（4.84）比固定之后最差的一次（4.85）小。如果预算只有两个核心的半小时（核数乘秒数，3,600 核秒），也做得到：从第一步起走 52,000 步，从第 41,600 步起固定，三个种子的弗雷歇距离 4.7、4.3 和 4.4，算数的 88.3%、89.4% 和 88.6%，反向 KL 0.009、0.012 和 0.013；前两个种子用了 3,335 和 3,346 核秒，第三个在没有 bfloat16 指令的处理器上用 float32 跑，时间不能比。
- **走得更久，成对比较不见得吃亏。** 另有两次训练保留成对比较，用 20,000 张脸、每批 32 张（`hour`、`wide`），该和第四行比，那一行的弗雷歇距离是 8.5 到 9.0。`rpgan` 走 64,350 步，只有一个种子，弗雷歇距离 6.4，算数的 86%：步数少两成，距离反而小。通道数从 32 加到 48，走 66,000 步，三个种子的弗雷歇距离 8.9、6.9 和 6.7，算数的 80%、84% 和 88%，反向 KL 0.020、0.010 和 0.018，和第四行的范围重叠。平均起来，两种都没有胜过第五行。所以“去掉成对比较更好”只在一万步左右以内量到过；六万步时，有一个种子的弗雷歇距离倒是相反，另外两项则分不开，还说不准。
- **也不能说 `rpgan` 半小时以后还领先。** 本课程最早的半小时的 SN-GAN（两个核心，通道数 48，25,500 步，一次，没有重跑）弗雷歇距离是 3.3，比上面的每一种都小，算数的在 73% 到 86% 之间，反向 KL 0.013（见 README）。同样条件下的比赛，我们没有办过。

下图的前两行是真图，后六行是第七种训练（种子 0）的样本，没有挑选过：

![上面两行玩具脸，下面六行生成的脸：多数和真图一样清楚，约四张有毛病：两张背景里混进另一种颜色，两张头发边缘毛糙](../images/lesson06_frozen.png)
"""

# %% [markdown] tags=["lang-en"]
r"""
- **Up to 10,725 steps it is a little better without the pairs.** NS with R1 and R2 has a Fréchet distance of 18, 18 and 20, and `rpgan` 23, 24 and 24: the two ranges do not overlap. The share that counts (68% to 70% against 67% to 70%) and the reverse KL (0.030 to 0.045 against 0.039 to 0.051) cannot be told apart. At 80 seconds (10,000 faces, equal seconds) the distance of NS was half that of `rpgan`; now (20,000 faces, equal steps) it is only a good fifth smaller. So far, then, `rpgan` does not owe its lead to the pairs that it is named after.
- **With half as many steps again, more samples count.** In 16,500 steps 77%, 78% and 74% count, each above all three of the second row. The Fréchet distance, 11, 12 and 18, and the reverse KL, 0.025 to 0.040, are better on average, but their ranges still overlap with that row's. Against the second row there are more steps, and learning rate and penalty fade more slowly with them. Layout and machine change rounding alone; but rounding sends a training down another path, so seeds of the same number cannot be compared one to one.
- **With five times the steps all three are better.** After 82,500 steps 87%, 88% and 82% count, the reverse KL is 0.016, 0.014 and 0.021, and the Fréchet distance 8.5, 8.9 and 9.0, each better than on any seed of the third row; all 96 combinations are there. Yet five times the steps bring the mean Fréchet distance from 13.7 only to 8.8; real pictures have 99%, 0.004 and 2.5. The seeds' shares differ by six percentage points, so one seed alone could mislead.
- **Batches of 64, with six tenths more pictures, are better.** The three seeds of the fifth row: counted 88.3%, 89.8% and 88.8%, Fréchet distance 6.4, 6.3 and 5.3, each seed better than all three of the fourth row; reverse KL 0.014, 0.014 and 0.010, smaller, too, but the two ranges all but touch (0.0142 and 0.0143). A step sees twice the pictures and there are a fifth fewer steps, so in all about 60% more pictures and about 40% more time; how much is due to the batches and how much to the time was not separated. Three numbers of steps were tried, and no difference shows: the 65,000 of the table have the best mean, the same training has 6.5, 5.7 and 6.6 after 55,000 steps, and 5.7, 7.3 and 6.5 after 68,500; the nine runs of all three go from 5.3 to 7.3 with a mean of 6.3.
- **Five times as many faces are no better.** With 20,000 faces, 65,000 steps show each of them 208 times: has D learned them by heart? With 100,000 each is shown only 42 times, and all else is equal: Fréchet distance 7.3, 6.8 and 4.8, counted 89.5%, 89.3% and 88.9%, reverse KL 0.012, 0.011 and 0.011, which cannot be told from the fifth row (the distance is to the very 20,000 faces that the fifth row learned from, and favours it, if anything). At five looks on the way, D's mean scores of faces that it learns from and of 2,000 others are never further apart than a tenth of what real and fake are. So in this training it is not an overfitting D that holds it back; in those with 20,000 faces D's scores were not looked at.
- **Batch normalisation is part of what does.** In training G's batch normalisation takes the mean and standard deviation of the batch itself, and such pictures are what D sees; when G paints samples it takes averaged statistics. Let the three G of the sixth row paint as in training, 64 pictures a batch, and the Fréchet distance goes from 7.3, 6.8 and 4.8 to 6.0, 5.0 and 4.8: smaller on two seeds, unchanged on one; but on those two one percentage point fewer count. The seventh training fits training to painting: from step 52,000 on G's batch normalisation takes its averaged statistics in training, too, while weights and scales go on learning (`freeze_batchnorm` of `Game`, `--freeze-batchnorm` on the command line; the steps before are those of the sixth). Fréchet distance 4.8, 4.5 and 4.2, counted 90.1%, 89.5% and 89.8%, reverse KL 0.010, 0.010 and 0.009: on all three seeds the distance is smaller than in the sixth row, and smaller, too, than when the sixth paints as in training (6.0, 5.0 and 4.8), also on the seed where that changed nothing: so the difference between training and painting is not all of it, and the rest was not separated. Of the twelve runs without it (the nine above and the three of the sixth row) only one (4.84) is below the worst frozen one (4.85). A budget of half an hour on two cores (cores times seconds, 3,600 core-seconds) is enough for that, too: 52,000 steps from the first, frozen from step 41,600 on, have Fréchet distances of 4.7, 4.3 and 4.4 on three seeds, 88.3%, 89.4% and 88.6% counted, and a reverse KL of 0.009, 0.012 and 0.013; the first two took 3,335 and 3,346 core-seconds, and the third was played in float32 on a processor without bfloat16 instructions, whose time does not compare.
- **In longer runs the pairs need not lose.** Two more trainings keep the pairs, with 20,000 faces and batches of 32 (`hour`, `wide`), and compare with the fourth row, whose Fréchet distance is 8.5 to 9.0. `rpgan` after 64,350 steps, on one seed only, has a Fréchet distance of 6.4 and 86% counted: a smaller distance with a fifth fewer steps. With 48 features in place of 32, after 66,000 steps, three seeds have Fréchet distances of 8.9, 6.9 and 6.7, counted 80%, 84% and 88%, and a reverse KL of 0.020, 0.010 and 0.018; the ranges overlap with those of the fourth row. On average neither beats the fifth. So "better without pairs" was measured up to about ten thousand steps only; at sixty thousand the Fréchet distance of one seed says the opposite and the other two metrics cannot be told apart, so nothing is decided.
- **Nor can it be said that `rpgan` still leads after half an hour.** This course's earliest SN-GAN of half an hour (two cores, 48 features, 25,500 steps, one run that was not played again) has a Fréchet distance of 3.3, smaller than all of the above, with between 73% and 86% counted and a reverse KL of 0.013 (see the README). A contest on equal terms was not held.

Below, two rows of real pictures above six rows of samples of the seventh training, seed 0, none of them picked by hand:

![Two rows of toy faces above six rows of generated ones: most are as clear as the real ones; about four have a fault: two with another colour in the background, two with ragged hair](../images/lesson06_frozen.png)
"""

# %% [markdown] tags=["lang-zh"]
r"""
**论文里的数。** R3GAN 公布的 FID（Inception 特征的弗雷歇距离，50,000 个样本，和上面的距离不能比；R3GAN 的都用了增广）：

| 数据 | R3GAN | 对照 |
|---|---|---|
| CIFAR-10（32×32 的彩色小图，10 类；按类别生成） | 1.96 | StyleGAN2 加 ADA（自适应增广）：2.42 |
| FFHQ（70,000 张人脸照片）256×256 | 2.75 | StyleGAN2：3.78 |
| FFHQ 64×64 | 1.95 | |
| ImageNet 32×32 | 1.27 | |
| ImageNet 64×64 | 2.09 | |

同一篇论文在 Stacked MNIST（1,000 种模式）上做了消融：RpGAN 加 R1 和 R2，找到 1,000 种，反向 KL 0.078；NS 加 R1 和 R2，693 种，0.927；只加 R1，两种损失都发散，作者试过的 $\gamma$ 都是这样（局部收敛只说均衡附近；训练从远处开始，而只用 R1，没有惩罚限制生成样本处的斜率）。在那里，成对比较有功劳；图 6-3 里看不出它的好处。论文里完整的 R3GAN，反向 KL 是 0.029。我们的 `rpgan` 在这套数据上，每步都算惩罚，走了 33,946 步（一个核心 48 分钟，一个种子；`studies/stacked_mnist.py`）：1,000 种，反向 KL 0.035；训练时没有见过的真图是 0.025。用的手写数字图和分类器都与论文的不同，只能粗略地比；NS 的对照我们没有跑。
"""

# %% [markdown] tags=["lang-en"]
r"""
**Numbers of the paper.** R3GAN's published FID (a Fréchet distance of Inception features, 50,000 samples, not to be compared with the distances above; all of R3GAN's are with augmentation):

| Data | R3GAN | For comparison |
|---|---|---|
| CIFAR-10 (small colour pictures, 32×32, 10 classes; by class) | 1.96 | StyleGAN2 with ADA (adaptive augmentation): 2.42 |
| FFHQ (70,000 photographs of faces) 256×256 | 2.75 | StyleGAN2: 3.78 |
| FFHQ 64×64 | 1.95 | |
| ImageNet 32×32 | 1.27 | |
| ImageNet 64×64 | 2.09 | |

The same paper has an ablation on Stacked MNIST (1,000 modes): RpGAN with R1 and R2 finds 1,000, with a reverse KL of 0.078; NS with R1 and R2 finds 693, with 0.927; with R1 alone both losses diverge, at every $\gamma$ that the authors tried (local convergence is about the neighbourhood of the equilibrium; training starts far off, and with R1 alone nothing limits the slope at the fakes). There the comparison in pairs has its merit; Fig. 6-3 shows none. The whole R3GAN has a reverse KL of 0.029 in the paper. Our own `rpgan`, with the penalty in every step, made 33,946 steps on these data (48 minutes of one core, one seed; `studies/stacked_mnist.py`) and found 1,000 modes with a reverse KL of 0.035; real triples that it had not seen have 0.025. Digits and classifier differ from those of the paper, so the comparison is a rough one; NS as a control we did not run.
"""

# %% [markdown] tags=["lang-zh"]
r"""
## $\gamma$ 随图片的边长而变

R1 是梯度范数的**平方**，对所有像素求和。把同一张图放大到 2 倍边长，原来一个像素的影响分给 4 个，每个的梯度是 1/4，平方是 1/16，4 个加起来是 1/4：要一样重，$\gamma$ 就得乘 4。StyleGAN3 的文档给出一条经验：边长加倍，$\gamma$ 乘 4，也就是和像素数成正比；而且要就着自己的数据，上下各试 2 倍、4 倍。R3GAN 的代码里，各个数据集开头的 $\gamma$ 是：

| 数据 | 边长 | $\gamma$，开头到末尾 |
|---|---|---|
| CIFAR-10 | 32 | 0.05 到 0.005 |
| ImageNet | 32 | 0.5 到 0.05 |
| ImageNet | 64 | 1 到 0.1 |
| FFHQ | 64 | 2 到 0.2 |
| FFHQ | 256 | 150 到 15 |

同是 FFHQ，从 64 到 256，像素是 16 倍，$\gamma$ 是 75 倍；同是边长 32，两个数据集差 10 倍。可见边长只是原因之一。这条经验给出起点，剩下的要在自己的数据上试。

下面就试一次（`python -m studies.lesson06 gamma`）：`rpgan`，玩具脸，边长 16、32 和 64，各试四个 $\gamma$（开头的值，后来降到十分之一），从 0.05 到 50，每个两个种子，边长 64 一个。D 最深处都是 128 个通道、4×4；每种边长各有自己的步数，一个核心分别 30、60 和 120 秒。表里是弗雷歇距离，只能在一行之内比：边长不同，读图网络的特征也不同。
"""

# %% [markdown] tags=["lang-en"]
r"""
## How $\gamma$ depends on the side of the picture

R1 is the **squared** norm of a gradient, a sum over all pixels. Show the same picture at 2 times the side: the influence of one pixel is shared by 4, each has 1/4 of the gradient, 1/16 when squared, and the 4 together 1/4: to weigh the same, $\gamma$ must be 4 times as large. StyleGAN3's documentation has a rule of thumb: double the side, and $\gamma$ takes a factor of 4; that is, it is proportional to the number of pixels; and on your own data try factors of 2 and 4 both ways. In R3GAN's code each data set begins with this $\gamma$:

| Data | Side | $\gamma$, from start to end |
|---|---|---|
| CIFAR-10 | 32 | 0.05 to 0.005 |
| ImageNet | 32 | 0.5 to 0.05 |
| ImageNet | 64 | 1 to 0.1 |
| FFHQ | 64 | 2 to 0.2 |
| FFHQ | 256 | 150 to 15 |

With FFHQ, from 64 to 256 there are 16 times as many pixels and a $\gamma$ 75 times as large; at a side of 32 two data sets differ by a factor of 10. The side, then, is only one reason: the rule gives a starting point, and the rest is trying it on your own data.

Here is one such trial (`python -m studies.lesson06 gamma`): `rpgan` on toy faces with sides of 16, 32 and 64, four values of $\gamma$ each (at the start; it falls to a tenth), from 0.05 to 50, two seeds each, one at a side of 64. At its deepest D has 128 channels of 4×4 in all of them; each side has its own number of steps, from 30, 60 and 120 seconds of one core. The table has Fréchet distances, which compare within a row only: at another side the reading network has other features.
"""

# %%
weights = study("gamma")
sides = weights["sides"]
table([("边长", "side"), ("步数", "steps"), *(f"gamma = {weight}" for weight in sides["16"]),
       ("真图", "real")],
      [[f"{side}×{side}", f"{weights['steps'][side]:,}",
        *(of_seeds(runs, "frechet", ".0f") for runs in of_weights.values()),
        f"{weights['floor'][side]['frechet']:.0f}"] for side, of_weights in sides.items()])

# %% [markdown] tags=["lang-zh"]
r"""
- **从 0.5 到 50 差别不大：同一个种子的距离，最大的也不到最小的 1.6 倍。** 边长 16，两个种子都在 5 最小（206 和 182），差十倍的两边是 202 到 283。边长 32，一个种子在 5 最小（415），另一个在 0.5（442）。边长 64 只有一个种子，在 5 最小（656），两边是 981 和 801。
- **太轻看来有风险，但证据不多。** 0.05 一列的五个数里，有三个是同一个种子的四个值中最差的：边长 16 的两个种子，261 和 307；边长 32 的一个种子，1,028，96 种组合只剩 47 种。另外两个不是：边长 32 的另一个种子是 535，和别的列一样；边长 64 是 897，比 0.5 的 981 还小。
- **“乘 4”在这里量不出来。** 按像素数，从 16 到 64，最好的 $\gamma$ 应当是 16 倍；表里，边长 16 的两个种子和 64 的一个种子在 5 最好，32 分不出 0.5 和 5。格子相隔 10 倍，种子之间的差别和相邻两列之间的一样大，训练又短：既不证实，也不推翻。能说的是，`rpgan` 默认的 5，在这三种边长上都没有明显比别的值差。
"""

# %% [markdown] tags=["lang-en"]
r"""
- **From 0.5 to 50 it makes little difference: the largest distance of a seed is less than 1.6 times its smallest.** At a side of 16 both seeds are smallest at 5 (206 and 182), and ten times less or more has 202 to 283. At 32 one seed is smallest at 5 (415), the other at 0.5 (442). At 64, with one seed only, it is 5 again (656), with 981 and 801 beside it.
- **Too light a penalty looks risky, on little evidence.** Of the five numbers in the column of 0.05 three are the worst of the four that the same seed has: 261 and 307 at a side of 16, and one seed at 32, which goes to 1,028, with only 47 of the 96 combinations left. The other two are not: the other seed at 32 has 535, like the other columns; at 64 it is 897, which is less than the 981 of 0.5.
- **"Times 4" cannot be measured here.** By the number of pixels the best $\gamma$ should be 16 times as large at 64 as at 16; in the table both seeds at 16 and the one at 64 are best at 5, and at 32 the values 0.5 and 5 cannot be told apart. The columns are factors of 10 apart, seeds differ as much as neighbouring columns do, and training is short: the rule is neither confirmed nor refuted. What can be said is that 5, the default of `rpgan`, is at none of the three sides clearly worse than the other values.
"""

# %% [markdown] tags=["lang-zh"]
r"""
## 数据太少：判别器过拟合

前面的数据总是够的。只有 100 张真图会怎样？D 会把它们记住：见过的给高分，没见过的真图也当作假的。这时 D 的梯度说的是“像不像这 100 张”，而不是“真不真”。

怎样看出来：每隔一段，让 D 给三组图打分：训练用的 100 张，**留出**（held-out）的 1,000 张真图，G 的样本。没有过拟合，前两组的平均分应当一样。

**DiffAugment**（[Zhao 等，2020](https://arxiv.org/abs/2006.10738)）的办法是：D 看到的每张图都先随机改动（变色、平移、遮掉一块；数字这里只用平移），真图和假图**都**改，D 走步和 G 走步时都改，而且改动可微，梯度能穿过它传给 G。只改真图不行：G 会学着画出遮掉一块的图。惩罚则对改动**之前**的图求梯度。它只是 `Game` 的一项设置，`augment`。下面两次训练只差这一项；都不加惩罚，好让过拟合看得清楚：
"""

# %% [markdown] tags=["lang-en"]
r"""
## Too little data: a discriminator that overfits

So far there was always enough data. What happens with only 100 real pictures? D learns them by heart: those that it has seen get high scores, and real ones that it has not seen pass for fakes. Its gradient then says "like these 100 or not", and no longer "real or not".

It can be made visible: now and then let D score three sets of pictures, the 100 to train on, 1,000 real ones that are **held out**, and samples of G. Without overfitting the first two have the same mean score.

**DiffAugment** ([Zhao et al. 2020](https://arxiv.org/abs/2006.10738)) goes like this: each picture that D sees is first changed at random (recoloured, moved, with a hole cut into it; for the digits here it is moved only), real pictures **and** fakes, in D's step and in G's, and the change is differentiable, so that G gets its gradient through it. To change the real ones alone would not do: G would learn to paint pictures with holes. A penalty takes its gradient with respect to the picture **before** the change. It is a single setting of the `Game`, `augment`. The two runs below differ in that alone; neither has a penalty, so that the overfitting shows:
"""

# %% tags=["nbval-ignore-output"]
framed = data.mnist()[:2000].framed(32)  # 28x28 with a rim, then at half the side: 16x16
digits = replace(framed, images=avg_pool2d(framed.images.float(), 2).round().byte())
few, held_out = digits[:100], digits[1000:]
sets = {"training": few.signed(), "held out": held_out.signed()}


def watched(augment):
    """Train on the few digits; return D's mean scores on the way, {set: one for each look}."""
    scores = {"step": [], **{name: [] for name in (*sets, "fake")}}

    def look(game):
        with torch.no_grad():
            z = torch.randn(1000, game.latent, generator=torch.Generator().manual_seed(0))
            fakes = game.generator(z.to(game.device))
            for name, pictures in (*sets.items(), ("fake", fakes)):
                scores[name].append(float(game.critic(pictures.to(game.device)).mean()))
        scores["step"].append(game.step)

    game = recipes.rpgan(16, 1, features=32, lr=1e-3, loss=NS, penalty=None, decay=None,
                         augment=augment)
    steps = runtime.at_scale(smoke=8, default=640, full=4000)
    fit(game, few, steps, watch=look, watch_every=steps // 8, progress=False)
    return scores


ways = {"without": None,
        "with DiffAugment": DiffAugment(colour=False, translation=1 / 8, cutout=0)}
few_runs = dict(zip(ways, two_at_a_time(delayed(watched)(augment) for augment in ways.values()),
                    strict=True))
figure, axes = plt.subplots(1, 2, figsize=(9, 3), sharey=True, layout="constrained")
for axis, (title, scores) in zip(axes, few_runs.items(), strict=True):
    for (name, color, marker) in (("training", show.BLUE, "o"), ("held out", show.GREY, "s"),
                                  ("fake", show.ORANGE, "^")):
        axis.plot(scores["step"], scores[name], color=color, marker=marker, markersize=4,
                  label=name)
    axis.set(title=title, xlabel="step of G")
    axis.spines[["top", "right"]].set_visible(False)
axes[0].set_ylabel("mean score of D")
axes[0].legend(fontsize=8)
show.show(figure, "D's mean scores of training, held-out and fake digits along two runs: without "
                  "augmentation the training line lies above the held-out one in the second half; "
                  "with DiffAugment the two nearly coincide")

# %% [markdown] tags=["lang-zh", "caption"]
r"""
**图 6-5** D 给训练图、留出的真图和样本的平均分。左：后半段，训练图和留出的真图渐渐分开；最后四分之一，训练图的分数往上走，留出的真图和样本的一起留在下面。右：D 看到的图都随机平移过，训练图和留出的真图这两条线几乎重合。
"""

# %% [markdown] tags=["lang-en", "caption"]
r"""
**Fig. 6-5** D's mean scores of training pictures, held-out real pictures and samples. Left: in the second half training and held-out pictures draw apart; in the last quarter the scores of training pictures go up, and those of held-out real ones stay below with the samples. Right: D sees pictures moved at random, and the lines of training and of held-out pictures nearly coincide.
"""

# %% tags=["nbval-ignore-output"]
rows = []
for name, scores in few_runs.items():
    last = {key: sum(scores[key][-3:]) / 3 for key in (*sets, "fake")}
    gap = last["training"] - last["held out"]
    rows.append([name, *(f"{value:.2f}" for value in last.values()), f"{gap:.2f}"])
table([("训练", "run"), ("训练图", "training"), ("留出的真图", "held out"), ("样本", "fake"),
       ("训练图减留出的", "training minus held out")],
      [[({"without": "不用 DiffAugment", "with DiffAugment": "用 DiffAugment"}[name], name),
        *numbers] for name, *numbers in rows])

# %% [markdown] tags=["lang-zh"]
r"""
数是最后三次的平均；没有过拟合，最后一列应当接近 0。不用 DiffAugment，最后三次训练图的平均分比留出的真图高 0.27，而且相差得越来越多；留出的真图是 -0.20，样本是 -0.25，在 D 看来几乎一样假。用了 DiffAugment，相差 0.00。

640 步很短，又只有一个种子。同样的设置走 8,000 步，100 张之外再试 1,000 张，各三个种子（`python -m studies.lesson06 few`；弗雷歇距离用分类器的特征，2,000 个样本，和另外 6,000 张真图比；下限 0.04）：
"""

# %% [markdown] tags=["lang-en"]
r"""
The numbers are means of the last three looks; without overfitting the last column should be close to 0. Without DiffAugment the mean score of training pictures is 0.27 above that of held-out real ones over the last three looks, and the difference is growing; held-out pictures have -0.20 and samples -0.25, about equally fake in D's eyes. With DiffAugment the difference is 0.00.

640 steps are few, and it is one seed. Here are the same settings for 8,000 steps, with 100 pictures and with 1,000, on three seeds each (`python -m studies.lesson06 few`; the Fréchet distance is in the features of the classifier, of 2,000 samples from 6,000 other real pictures; floor 0.04):
"""

# %%
def of_few(seeds):
    """Return three cells of the table: a number for each seed."""
    runs = seeds.values()
    numbers = ((min(run["frechet"]) for run in runs), (run["frechet"][-1] for run in runs),
               (run["training"][-1] - run["held out"][-1] for run in runs))
    return ["  ".join(f"{number:.2f}" for number in row) for row in numbers]


table([("真图", "real pictures"), ("训练", "run"),
       ("弗雷歇距离，最好的一次", "Fréchet distance, best look"),
       ("弗雷歇距离，最后", "Fréchet distance, at the end"),
       ("训练图减留出的，最后", "training minus held out, at the end")],
      [[f"{int(n):,}", ({"without": "不用 DiffAugment",
                         "with DiffAugment": "用 DiffAugment"}[way], way), *of_few(seeds)]
       for n, ways in study("few")["runs"].items() for way, seeds in ways.items()])

# %% [markdown] tags=["lang-zh"]
r"""
不用 DiffAugment，六次训练最后都比途中差：100 张时从第一次测量（1,000 步）起就变坏，1,000 张时先变好，到 3,000 至 4,000 步以后变坏。到最后，100 张的 D 给留出的真图的分数比给假图的还低。用了 DiffAugment，没有一次明显变坏，但 100 张时 D 仍在过拟合，只是慢得多：8,000 步时，训练图和留出的真图相差 1.0 到 1.5 分，不用时是 16 到 17 分。1,000 张时它慢，走完 8,000 步，还比不用时最好的一次略差：及时停下，也是一种办法。下面是 100 张、种子 0、8,000 步的样本，没有挑选过：

![上面两行是 100 张真图里的 40 张，各种数字都有；中间两行不用 DiffAugment，几乎只剩 1 和 9；下面两行用了 DiffAugment，各种数字都有，有一些难认](../images/lesson06_few.png)
"""

# %% [markdown] tags=["lang-en"]
r"""
Without DiffAugment all six runs end up worse than they were: with 100 pictures they get worse from the first look (1,000 steps) on, with 1,000 they get better first, and worse after 3,000 to 4,000 steps. At the end, with 100, D scores held-out real pictures below fakes. With DiffAugment none gets clearly worse, but with 100 D overfits all the same, only far more slowly: after 8,000 steps training and held-out pictures are 1.0 to 1.5 apart, without it 16 to 17. With 1,000, training with DiffAugment is slow: after 8,000 steps it is still a little behind the best look of the runs without. To stop in time is a remedy, too. Below are samples of 100 pictures, seed 0, 8,000 steps, none picked by hand:

![Two rows with 40 of the 100 real pictures, all kinds of digits; two rows without DiffAugment, hardly anything but 1 and 9; two rows with it, all kinds of digits, some hard to read](../images/lesson06_few.png)
"""

# %% [markdown] tags=["lang-zh", "predict"]
r"""
## 2023 年以来：对抗训练用在哪里

**扩散模型为什么赢了？** 在大规模的图像生成上，从 2021 年起，领先的是扩散模型。[Dhariwal 和 Nichol（2021）](https://arxiv.org/abs/2105.05233)的摘要说得很清楚：样本质量超过当时最好的生成模型；每张图只运行 25 次网络，也能和 BigGAN-deep 相当，而且对分布的**覆盖更好**。扩散模型的损失是对每一张训练图求平均的回归误差，漏掉任何一种图都要付代价；而对 GAN 来说，G 只要不被 D 识破，漏掉几种并不直接受罚，这正是前几课数模式的原因。代价是慢：一个样本要把网络运行几十次，GAN 只要一次。

**一步生成。** 近年的对抗损失有两种用法：放在最后，把扩散模型变成**一步**或几步的生成器，用蒸馏（distillation，让步数少的学生模型模仿它），或者在真数据上做 GAN 训练；或者从头训练一步的生成器。

| 工作 | 从扩散模型出发？ | 对抗损失做什么 | 公布的结果 |
|---|---|---|---|
| [ADD](https://arxiv.org/abs/2311.17042)（2023，SDXL Turbo） | 是 | 扩散模型蒸馏成学生，判别器不许学生画得模糊 | 1 到 4 步采样；4 步达到 SDXL 的水平 |
| [R3GAN](https://arxiv.org/abs/2501.05441)（2024） | 否 | 从头训练的 GAN，损失就是本课的 | CIFAR-10 的 FID 为 1.96 |
| [APT](https://arxiv.org/abs/2501.08316)（2025） | 是 | 用扩散模型的权重初始化 G 和 D，再在真数据上做 GAN 训练，R1 用近似 | 一步生成一段 1280×720 视频（长 2 秒）的隐变量，在一块 H100 上用时 2 秒 |
| [GAT](https://arxiv.org/abs/2509.24935)（2025） | 否 | G 和 D 都是 Transformer，在自编码器（VAE）的隐空间（latent space）里工作 | ImageNet 256×256，训练 60 轮（epoch），FID 2.18（论文第一版：40 轮，2.96） |
| [对抗流模型](https://arxiv.org/abs/2511.22475)（2025） | 否 | GAN 加上传输代价（见下文） | ImageNet 256×256，一步，FID 2.38；112 层 1.94 |

可见 GAN 还在用。

**一个小实验：传输代价（transport cost）。** 对抗流模型的作者这样解释 GAN 为什么不稳定：对抗损失只要求 $G(z)$ 的**分布**对，不管哪个 $z$ 变成哪个样本。他们给 G 的损失加一项，让每个 $z$ 少走路：

$$L_G + \lambda\,\mathbb{E}\,\lVert G(z) - z \rVert^2$$

它起什么作用，在平面上可以看得一清二楚：$z$ 是平面上的正态分布，数据是环上的 8 团点。

### 先猜再跑 5：重新开始五次

五次训练，只有随机种子不同，损失都是 RpGAN 加 R1 和 R2，学习率在训练中线性降到 5%。（G 的损失多了一项，所以不用 `generator_step`，G 的一步写在代码里；`frozen` 在这一步里关掉评论家权重的梯度。）训练后给五个 G 同样的 2,500 个 $z$，量每两个 G 把同一个 $z$ 送到的两处平均相距多远。环的直径是 4。不加和加上传输代价（$\lambda = 0.01$），是远是近？

- A. 不加时很远，加上以后很近。
- B. 两种都近：数据相同，五个 G 自然学到同一个映射。
- C. 两种都远：种子不同，映射就不同。
- D. 加上以后更远：多了一项损失，训练就更不稳定。
"""

# %% [markdown] tags=["lang-en", "predict"]
r"""
## Since 2023: where adversarial training is used

**Why did diffusion win?** Since 2021 large-scale image generation has been led by diffusion models. The abstract of [Dhariwal and Nichol (2021)](https://arxiv.org/abs/2105.05233) says it plainly: sample quality superior to the best generative models of its time, a match for BigGAN-deep with as few as 25 runs of the network a sample, and **better coverage** of the distribution. The loss of a diffusion model is a regression error, a mean over every training picture, and leaving out any kind of picture costs something. In a GAN, as long as D is fooled, nothing directly punishes G for leaving out some kinds, which is why these lessons count modes. The price of diffusion is time: a sample takes dozens of runs of the network, that of a GAN one.

**One step.** In recent years adversarial losses have been used in two ways: at the end, to turn a diffusion model into a generator of **one step** or a few, by distillation (a student with few steps imitates it) or by a GAN on real data; or to train a one-step generator from scratch.

| Work | From a diffusion model? | What the adversarial loss does | Published result |
|---|---|---|---|
| [ADD](https://arxiv.org/abs/2311.17042) (2023, SDXL Turbo) | yes | a diffusion model is distilled into a student, and a discriminator does not let the student blur | sampling in 1 to 4 steps; as good as SDXL with 4 |
| [R3GAN](https://arxiv.org/abs/2501.05441) (2024) | no | a GAN trained from scratch, with the loss of this lesson | FID 1.96 on CIFAR-10 |
| [APT](https://arxiv.org/abs/2501.08316) (2025) | yes | G and D start from a diffusion model's weights, then a GAN on real data, with an approximate R1 | the latent of a 1280×720 video (2 seconds long) in one step, which takes 2 seconds on one H100 |
| [GAT](https://arxiv.org/abs/2509.24935) (2025) | no | G and D are transformers that work in the latent space of an autoencoder (VAE) | ImageNet 256×256 in 60 epochs, FID 2.18 (first version of the paper: 40, 2.96) |
| [adversarial flow models](https://arxiv.org/abs/2511.22475) (2025) | no | a GAN with a transport cost (see below) | ImageNet 256×256 in one step, FID 2.38; 1.94 with 112 layers |

So GANs are still in use.

**A small experiment: the transport cost.** The authors of adversarial flow models explain the instability of GANs like this: the adversarial loss asks for the right **distribution** of $G(z)$ and does not care which $z$ becomes which sample. They add a term to G's loss that lets each $z$ travel less:

$$L_G + \lambda\,\mathbb{E}\,\lVert G(z) - z \rVert^2$$

What it does can be seen in the plane: $z$ is normal in the plane, and the data are the 8 clusters on a circle.

### Predict, then run 5: five restarts

Five runs differ in their random seed only; all have the loss RpGAN with R1 and R2, and a learning rate that falls linearly to 5%. (G's loss has one more term, so its step is written out in place of `generator_step`; `frozen` switches off the gradients of the critic's weights in it.) After training all five G get the same 2,500 $z$, and we measure, for each two of them, how far apart they send the same $z$ on average. The circle has a diameter of 4. Far or near, without and with the transport cost ($\lambda = 0.01$)?

- A. Far without it, near with it.
- B. Near in both: with the same data the five G learn the same map, of course.
- C. Far in both: different seeds, different maps.
- D. Further with it: one more term makes training less stable.
"""

# %% tags=["nbval-ignore-output"]
restarts = (0, 1, 2, 3, 4)


def trained_maps(cost, steps):
    """Train G five times side by side with `cost` times |G(z) - z|^2 in its loss.

    Returns where each G sends the same z, (5, 2500, 2), and these z, (2500, 2).
    """
    generator, critic = players(restarts)
    of_g, of_d = adam(generator, 1e-3, (0.0, 0.99)), adam(critic, 1e-3, (0.0, 0.99))
    chance = torch.Generator().manual_seed(0)
    n = 128 * len(restarts)
    for step in range(steps):
        for optimizer in (of_g, of_d):
            optimizer.param_groups[0]["lr"] = 1e-3 * (1 - 0.95 * step / steps)
        real = ring.sample(n, chance)
        critic_step(critic, generator, of_d, paired, real, torch.randn(n, 2, generator=chance),
                    penalties.r1_r2)
        z = torch.randn(n, 2, generator=chance)
        fake = generator(z)
        with frozen(critic):
            loss = (paired.generator(critic(fake), critic(real))
                    + cost * (fake - z).square().sum(1).mean())
            of_g.zero_grad()
            loss.backward()
        of_g.step()
    z = torch.randn(2500, 2, generator=chance)
    with torch.no_grad():
        return generator(z.repeat(len(restarts), 1)).unflatten(0, (len(restarts), -1)), z


map_steps = runtime.at_scale(smoke=10, default=1000, full=5000)
costs = (0, 0.01)
maps = dict(zip(costs, two_at_a_time(delayed(trained_maps)(cost, map_steps) for cost in costs),
                strict=True))
figure, axes = plt.subplots(2, 5, figsize=(10, 4.3), sharex=True, sharey=True,
                            layout="constrained")
for row, (cost, (made, z)) in zip(axes, maps.items(), strict=True):
    colour = torch.atan2(z[:, 1], z[:, 0])  # the direction that z comes from
    for axis, cloud in zip(row, made, strict=True):
        axis.scatter(*cloud[:1000].T, c=colour[:1000], cmap="twilight", s=3)
        axis.set(xlim=(-3, 3), ylim=(-3, 3), aspect="equal", xticks=[], yticks=[])
    row[0].set_ylabel(f"lambda = {cost:g}")
show.show(figure, "Two rows of five clouds around a circle, a cloud for each restart, points "
                  "coloured by the direction that their z comes from: above without the transport"
                  " cost, below with it")

# %% [markdown] tags=["lang-zh", "caption"]
r"""
**图 6-6** 五次重新开始的样本，颜色是 $z$ 的方向。上行：没有传输代价，颜色每次转到别的位置，有的转向相反，第 1、4 张碰巧相近。下行：有代价，五次几乎一样，每个 $z$ 去了环上它自己的那个方向。
"""

# %% [markdown] tags=["lang-en", "caption"]
r"""
**Fig. 6-6** Samples of five restarts; the colour is the direction of $z$. Upper row: without a transport cost the colours are turned each time, or mirrored; the pictures 1 and 4 happen to be alike. Lower row: with it the five are nearly the same, and each $z$ has gone to its own direction on the circle.
"""

# %% tags=["nbval-ignore-output"]
rows = []
for cost, (made, z) in maps.items():
    apart = torch.tensor([(one - other).norm(dim=1).mean()
                          for one, other in combinations(made, 2)])
    reports = [measure.mode_report(cloud, ring) for cloud in made]
    rows.append([f"{cost:g}", f"{apart.mean():.2f}", f"{apart.min():.2f} / {apart.max():.2f}",
                 f"{(made - z).norm(dim=2).mean():.2f}",
                 "  ".join(f"{report.effective_modes:.1f}" for report in reports),
                 "  ".join(f"{report.high_quality:.0%}" for report in reports)])
table(["lambda", ("映射两两相距，平均", "two maps apart, mean"), ("最小 / 最大", "least / most"),
       ("平均路程", "mean distance travelled"), ("有效模式数", "effective modes"),
       ("高质量", "high quality")], rows)

# %% [markdown] tags=["lang-zh"]
r"""
答案是 **A**。不加时，同一个 $z$ 在两个 G 里的落点平均相距 2.73，最近的一对也有 1.01；加上以后是 0.14，十对都在 0.12 到 0.15 之间。分布合格的映射有无穷多个，没有代价时，G 停在哪一个全看运气；其中平均平方路程最小的（在一般条件下）只有一个，就是第 04 课的最优传输，那里是 $W_1$，这里是平方路程的 $W_2$。平均路程从 1.96 缩短到 0.74。样本几乎没有因此变差：有效模式数差不多，高质量的比例略低几个百分点，五个种子互相交错（两行都还没有学好，只有三分之一的样本落在团上）。$\lambda$ 只有 0.01，几乎不改变 G 要画什么，只在许多差不多好的映射里挑出一个。它若很大，样本就会停在 $z$ 附近。对抗流模型做的就是这件事，规模大得多。
"""

# %% [markdown] tags=["lang-en"]
r"""
The answer is **A**. Without it, two G send the same $z$ to places 2.73 apart on average, and the closest pair is 1.01 apart; with it the mean is 0.14, and all ten pairs are between 0.12 and 0.15. Infinitely many maps have the right distribution, and without the cost it is luck where G ends; the one among them that moves least, in squared distance, is (under mild conditions) unique: it is the optimal transport of lesson 04, $W_1$ there and the $W_2$ of squared distances here. The mean distance that a $z$ travels shrinks from 1.96 to 0.74. The samples are hardly worse for it: effective modes are about the same, the share of high quality is a few percentage points lower, and the five seeds overlap (neither row has learned the ring well yet: a third of the samples are on a cluster). A $\lambda$ of only 0.01 hardly changes what G has to paint, it only picks one of many maps that are about equally good. If it were large, samples would stay near their $z$. This is what adversarial flow models do, on another scale.
"""

# %% [markdown] tags=["lang-zh", "exercise"]
r"""
## 开放题：清晰的环

任务：用 `recipes.plane` 的网络，在环上训练，使 2,500 个样本的**有效模式数达到 7.5、高质量的比例达到 70%，两个种子都要**。预算：至多 1,500 步，`batch` 至多 128，`n_critic` 为 1。量的是权重的滑动平均 `sample(2500, ema=True)`。可以改的有损失、惩罚和它的 $\gamma$（`penalty=partial(penalties.r1_r2, gamma=...)`）、`betas`、学习率、`decay`（学习率在这么多步里降到 2%，惩罚在前一半里降到十分之一）、`ema`。先量一量默认设置，写下猜测，再**一次改一处**，批改时会印出两个种子的数（没有达到标准时也会），每次都记下来。

<details><summary>提示一</summary>

先用默认设置，把 `sample(2500)` 和 `sample(2500, ema=True)` 都量一量：哪一个差？`ema` 是 0.999 时，滑动平均要一千步左右才跟得上；训练一共只有 1,500 步。

</details>

<details><summary>提示二</summary>

图 6-3（量的是最新的权重）里，加了惩罚的方法八处都走到了，高质量的比例却不高。样本停不下来，可能是步子太大，也可能是惩罚太重，D 不肯变陡：哪些设置管这两件事？

</details>
"""

# %% [markdown] tags=["lang-en", "exercise"]
r"""
## Open task: a sharp ring

The task: with the networks of `recipes.plane`, train on the ring until 2,500 samples have **7.5 effective modes and a share of 70% of high quality, for both of two seeds**. The budget: at most 1,500 steps, a `batch` of at most 128, `n_critic` of 1. What is measured is the moving average of the weights, `sample(2500, ema=True)`. You may change the loss, the penalty and its $\gamma$ (`penalty=partial(penalties.r1_r2, gamma=...)`), `betas`, the learning rate, `decay` (the number of steps in which the learning rate falls to 2%; the penalty falls to a tenth in the first half of them) and `ema`. First measure the default, write down what you expect, then change **one thing at a time**, and note the numbers of both seeds each time: the checker prints them, also when you miss the bar.

<details><summary>Hint one</summary>

With the default settings, measure both `sample(2500)` and `sample(2500, ema=True)`: which of them is bad? With an `ema` of 0.999 the moving average takes about a thousand steps to catch up, and the whole training has only 1,500.

</details>

<details><summary>Hint two</summary>

In Fig. 6-3 (of the newest weights) the methods with a penalty reach all eight places, but with a low share of high quality. If samples do not come to rest, steps may be too large, or the penalty so heavy that D will not become steep: which settings govern the two?

</details>
"""

# %%
# my_games = [fit(recipes.plane(seed=seed), ring, 1500) for seed in (0, 1)]
my_games = ...

verdict = check.sharp_ring(my_games)

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
lab.quiz("06")

# %% [markdown] tags=["lang-zh", "recap"]
r"""
## 小结

**损失。** 成对比较：

$$L_D = \mathbb{E}[-\log \sigma(f(x) - f(G(z)))] + R_1 + R_2, \qquad L_G = \mathbb{E}[-\log \sigma(f(G(z)) - f(x))]$$

**斜率在哪里受限：**

| 方法 | 哪里 | Dirac-GAN |
|---|---|---|
| 没有约束 | 没有 | 转圈（NS 和 RpGAN 极慢地向里） |
| 谱归一化，权重裁剪 | 到处有上限 | （没有画） |
| WGAN-GP | 真假之间，接近 1 | 停不到均衡上 |
| R1，R2 | 真实样本处、生成样本处，接近 0 | 收敛；NS 加其中一项，$\mu = -\frac{\gamma}{2} \pm \sqrt{\frac{\gamma^2}{4} - \frac{1}{4}}$；两项都加，就把 $\gamma$ 换成 $2\gamma$ |

**实验说了什么：**

- R1 让 Dirac-GAN 停在均衡上，成对比较单独不行；$\gamma$ 太大，最后一段反而慢。
- 在环上，D 太强时，没有约束的 G（NS、RpGAN）挤到少数模式上，加了 R1 和 R2，就八处都走到；Adam 的动量取 0.9，五种方法里四种的高质量样本变少，其中三种很明显。
- 切断了的惩罚照样印在日志里，却不起作用。
- 在玩具脸上，一个核心 120 秒和 600 秒，五种配方里 `rpgan` 的弗雷歇距离最小；它少不了惩罚（80 秒，两个种子）。到 600 秒为止，成对比较没有帮上忙：换成 NS，距离在 80 秒时小一半（两个种子），步数相同时小两成多（10,725 步，三个种子）。再走久一些（不成对的 NS，65,000 步，每批 64 张），真图增加到五倍没有用；有用的有一招，固定 G 的批归一化（它在训练和画图时本来不一样）：固定以后，三个种子的弗雷歇距离是 4.2 到 4.8，不固定是 4.8 到 7.3，真图是 2.5。残差网络在几分钟之内落后，试过的七处改动，没有一处补得上（120 秒，一个种子）。
- 只有 100 或 1,000 张数字时，D 渐渐偏爱见过的图，从留出的真图的分数看得出来：100 张时样本一路变坏，1,000 张时先变好、再变坏（三个种子）。用了 DiffAugment，样本不再明显变坏；100 张时 D 仍在过拟合，只是慢得多。
- 不加传输代价，五次重新开始学到五个不同的映射；加上一点点，就几乎是同一个。

**什么时候用什么。** 训练不稳，先加 R1 和 R2，并把 Adam 的第一个 beta 调低（这里量到 0.9 平均比 0.5 差，比 0.5 小的没有量；R3GAN 取 0）；模式仍不齐，改用成对比较的损失（依据是论文的消融实验；在本课的脸上，600 秒以内反而是 NS 好）；$\gamma$ 从像素数推一个起点，上下各试 2 倍和 4 倍；数据少，看一看留出的真图的分数，再用 DiffAugment；想要一步就生成，一种办法是给扩散模型加上对抗损失，另一种是从头训练现代的 GAN。
"""

# %% [markdown] tags=["lang-en", "recap"]
r"""
## Recap

**The loss.** In pairs:

$$L_D = \mathbb{E}[-\log \sigma(f(x) - f(G(z)))] + R_1 + R_2, \qquad L_G = \mathbb{E}[-\log \sigma(f(G(z)) - f(x))]$$

**Where the slope is limited:**

| Method | Where | Dirac-GAN |
|---|---|---|
| no constraint | nowhere | circles (NS and RpGAN inwards, ever more slowly) |
| spectral normalisation, weight clipping | a bound everywhere | (not drawn) |
| WGAN-GP | between real and fake, close to 1 | does not come to rest at the equilibrium |
| R1, R2 | at real samples, at fakes, close to 0 | converges; NS with one of them has $\mu = -\frac{\gamma}{2} \pm \sqrt{\frac{\gamma^2}{4} - \frac{1}{4}}$; with both, put $2\gamma$ for $\gamma$ |

**What the experiments said:**

- R1 brings the Dirac-GAN to rest at the equilibrium, a comparison in pairs alone does not; with too large a $\gamma$ the last part of the way takes longer.
- On the ring, against a D that is too strong, G crowds on few modes without a constraint (NS, RpGAN) and reaches all eight places with R1 and R2; with Adam's momentum at 0.9 four of the five methods have fewer samples of high quality, three of them clearly.
- A penalty that is cut off is still printed in the log, and does nothing.
- On toy faces `rpgan` has the smallest Fréchet distance of the five recipes at 120 and at 600 seconds of one core; it cannot do without its penalty (80 seconds, two seeds). Up to 600 seconds the pairs do not help: with NS in their place the distance is half as large at 80 seconds (two seeds), and a good fifth smaller in equal steps (10,725, three seeds). In longer runs (NS without pairs, 65,000 steps, batches of 64) five times as many real pictures do not help; one thing that does is to freeze G's batch normalisation, which otherwise is not the same in training and in painting: with it frozen, three seeds have Fréchet distances from 4.2 to 4.8, without from 4.8 to 7.3; real pictures have 2.5. Within minutes residual networks lag behind, and none of seven changes makes up for it (120 seconds, one seed).
- With only 100 or 1,000 digits D comes to prefer those that it has seen, as the scores of held-out real pictures tell: with 100, samples get worse throughout, with 1,000 better and then worse (three seeds). With DiffAugment they no longer get clearly worse; with 100 D overfits all the same, only far more slowly.
- Without a transport cost five restarts learn five different maps; with a little of it, nearly the same one.

**What to use when.** Training is unstable: add R1 and R2 first, and lower Adam's first beta (that 0.9 is worse than 0.5 on average was measured here, nothing below 0.5 was; R3GAN takes 0). Modes are still missing: switch to the loss in pairs (on the evidence of the paper's ablation; on the faces of this lesson NS was better up to 600 seconds). Choose a starting value of $\gamma$ from the number of pixels and try factors of 2 and 4 both ways. Too little data: look at the scores of held-out real pictures, then use DiffAugment. A generator that needs one step: one way is a diffusion model with an adversarial loss, another a modern GAN from scratch.
"""

# %% [markdown] tags=["lang-zh", "going-further"]
r"""
## 延伸

- **放大。** 有显卡就设 `GAN_LESSONS_SCALE=full`。`nets.resnet` 里有两对残差网络，SN-GAN 的和仿照 R3GAN 的，可以换进任何一个配方。
- **1,000 种模式。** Stacked MNIST 把三个数字叠成一张彩色图，有 1,000 种组合：`python -m gan_lessons train rpgan --data stacked-mnist --penalty-every 1 --minutes 30 --out runs/stacked`，CPU 上约半小时（论文说，隔几步才算一次惩罚，在这里会失败）。和上面论文的表比一比，先看清楚样本数和分类器是否相同。
- **打破纪录。** `benchmarks/gan_speedrun.md` 是一场公开的比赛：在两个 CPU 核心上，把 96 种玩具脸全部画出来，反向 KL 不超过 0.10，算数的不少于 60%，三个种子都要，看谁用的秒数少。第一个纪录是 273 秒（`rpgan`，AMD EPYC，bfloat16）。规则和成绩都在那里，欢迎提交你的。
- **动手改。** 给图 6-3 加一行只用 R2 的；把 Dirac-GAN 的学习率（`rate`）加到 0.5，看 $\gamma = 3$ 还稳不稳；把传输代价的 $\lambda$ 从 0 慢慢加大，看模式数从什么时候开始变坏。
- **往下走。** 这一课比较了许多方法；数是怎样量的，能信到什么程度，是[第 07 课](07_measuring.ipynb)的内容。
- **论文。** Miyato 等，[Spectral Normalization](https://arxiv.org/abs/1802.05957)；Mescheder 等，[Which Training Methods for GANs do actually Converge?](https://arxiv.org/abs/1801.04406)；Jolicoeur-Martineau，[The relativistic discriminator](https://arxiv.org/abs/1807.00734)；Sun 等，[Towards a Better Global Loss Landscape of GANs](https://arxiv.org/abs/2011.04926)；Petzka 等，[单侧的梯度惩罚](https://arxiv.org/abs/1709.08894)；Zhao 等，[DiffAugment](https://arxiv.org/abs/2006.10738)；Huang 等，[R3GAN](https://arxiv.org/abs/2501.05441)，先读 `R3GAN/Trainer.py`。
- **博客。** 周弈帆的[博客](https://zhouyifan.net/blog-en/2025/01/22/20250115-R3GAN)（链接是英文版）介绍 R3GAN 的实现，态度比论文的标题冷静。
"""

# %% [markdown] tags=["lang-en", "going-further"]
r"""
## Going further

- **Scale up.** With a graphics card set `GAN_LESSONS_SCALE=full`. `nets.resnet` has two pairs of residual networks, those of SN-GAN and an R3GAN-style pair, which fit into any recipe.
- **1,000 modes.** Stacked MNIST puts three digits on top of each other as a colour picture, with 1,000 combinations: `python -m gan_lessons train rpgan --data stacked-mnist --penalty-every 1 --minutes 30 --out runs/stacked`, about half an hour on a CPU (with a penalty in every few steps only, the paper says, it fails here). Compare with the numbers of the paper above, but first see whether the number of samples and the classifier are the same.
- **Beat the record.** `benchmarks/gan_speedrun.md` is an open race: on two CPU cores, paint all 96 kinds of toy faces with a reverse KL of at most 0.10 and at least 60% counted, for all three seeds, in as few seconds as you can. The first record is 273 seconds (`rpgan`, AMD EPYC, bfloat16). Rules and results are there, and yours are welcome.
- **Change something.** Add a row with R2 alone to Fig. 6-3; raise the learning rate (`rate`) of the Dirac-GAN to 0.5 and see whether $\gamma = 3$ is still stable; raise the $\lambda$ of the transport cost from 0 and see when modes begin to suffer.
- **Go on.** This lesson has compared many methods. How such numbers are measured, and how far to trust them, is what [lesson 07](07_measuring.ipynb) is about.
- **Papers.** Miyato et al., [Spectral Normalization](https://arxiv.org/abs/1802.05957); Mescheder et al., [Which Training Methods for GANs do actually Converge?](https://arxiv.org/abs/1801.04406); Jolicoeur-Martineau, [The relativistic discriminator](https://arxiv.org/abs/1807.00734); Sun et al., [Towards a Better Global Loss Landscape of GANs](https://arxiv.org/abs/2011.04926); Petzka et al., [the one-sided gradient penalty](https://arxiv.org/abs/1709.08894); Zhao et al., [DiffAugment](https://arxiv.org/abs/2006.10738); Huang et al., [R3GAN](https://arxiv.org/abs/2501.05441), of which read `R3GAN/Trainer.py` first.
- **A blog.** Zhou Yifan's [blog](https://zhouyifan.net/blog-en/2025/01/22/20250115-R3GAN) (the link leads to its English version) explains R3GAN's implementation, more soberly than the paper's title.
"""
