# %% [markdown] tags=["lang-zh"]
r"""
# 06 · 今天的 GAN：答案与教学笔记

先自己做，再来看。每个答案后面运行的，是课文里的同一个批改函数。
"""

# %% [markdown] tags=["lang-en"]
r"""
# 06 · Modern GANs: solutions and notes for teachers

Try first, then look. The same checker runs after each solution.
"""

# %%
from functools import partial

import torch
from torch.nn.functional import normalize, softplus

from gan_lessons import data, lab, losses, measure, penalties, recipes, runtime
from gan_lessons.bilingual import table
from gan_lessons.exercises import lesson06 as check
from gan_lessons.train import fit

runtime.set_threads(1)
lab.language_switch()

# %% [markdown] tags=["lang-zh"]
r"""
## 练习 1：写出 R1

`critic(real).sum()` 的梯度，逐个样本就是各自分数的梯度，因为一个样本的分数只和它自己有关。对平均求导，每个样本的梯度只有原来的 $1/B$，平方以后只有 $1/B^2$。没有 `create_graph=True`，数值照样对，对权重却没有梯度：课文的典型失败案例就是它。
"""

# %% [markdown] tags=["lang-en"]
r"""
## Exercise 1: write R1

The gradient of `critic(real).sum()` is, sample by sample, that of each score, since a score depends on its own sample alone. From the mean each sample's gradient would be only $1/B$ of that, and its square $1/B^2$. Without `create_graph=True` the value is right and has no gradient in the weights: that is the lesson's failure of the day.
"""

# %%
def r1(critic, real, gamma=1.0):
    real = real.detach().requires_grad_(True)
    slope, = torch.autograd.grad(critic(real).sum(), real, create_graph=True)
    return gamma / 2 * slope.flatten(1).square().sum(1).mean()


verdict = check.r1(r1)

# %% [markdown] tags=["lang-zh"]
r"""
## 练习 2：成对的损失

$-\log \sigma(x) = \mathrm{softplus}(-x)$。先对每一对取 softplus，再求平均：softplus 是弯的，次序不能换。
"""

# %% [markdown] tags=["lang-en"]
r"""
## Exercise 2: the loss on pairs

$-\log \sigma(x) = \mathrm{softplus}(-x)$. The softplus comes first, for each pair, and the mean after it: softplus is curved, and the order matters.
"""

# %%
def critic_loss(real, fake):
    return softplus(fake - real).mean()


def generator_loss(fake, real):
    return softplus(real - fake).mean()


verdict = check.pairing_loss(critic_loss, generator_loss)

# %% [markdown] tags=["lang-zh"]
r"""
## 练习 3：幂迭代

$u$ 有 `C_out` 个数，$v$ 有 `C_in * k * k` 个。两个方向是估计，放在 `no_grad` 里；梯度只从最后一行流过，等于 $u v^\top$；$u$、$v$ 收敛以后，这正是 $\sigma$ 对 $W$ 的导数。
"""

# %% [markdown] tags=["lang-en"]
r"""
## Exercise 3: power iteration

There are `C_out` numbers in $u$ and `C_in * k * k` in $v$. The two directions are estimates and belong inside `no_grad`; the gradient flows through the last line only and is $u v^\top$; once $u$ and $v$ have converged, that is the derivative of $\sigma$ with respect to $W$.
"""

# %%
def sigma(weight, steps):
    matrix = weight.flatten(1)
    with torch.no_grad():
        u = normalize(torch.randn(len(matrix), dtype=matrix.dtype), dim=0)
        for _ in range(steps):
            v = normalize(matrix.T @ u, dim=0)
            u = normalize(matrix @ v, dim=0)
    return u @ matrix @ v


verdict = check.power_iteration(sigma)

# %% [markdown] tags=["lang-zh"]
r"""
收敛多快，取决于第二大的奇异值与最大的之比；从随机的 $u$ 出发，头一步差多少，还要看起点和其余的奇异值。随机的卷积核，最大的几个奇异值挨得很近：
"""

# %% [markdown] tags=["lang-en"]
r"""
How fast it converges depends on the ratio of the second largest singular value to the largest; how far the first step from a random $u$ is off depends on the start and on all the other singular values as well. In a random kernel the largest ones lie close together:
"""

# %%
torch.manual_seed(0)
kernel = torch.randn(64, 32, 4, 4)
exact = float(torch.linalg.matrix_norm(kernel.flatten(1), ord=2))
table([("迭代次数", "iterations"), ("估计 / 准确值", "estimate / exact")],
      [[str(steps), f"{float(sigma(kernel, steps)) / exact:.2f}"] for steps in (1, 5, 20, 100)])

# %% [markdown] tags=["lang-zh"]
r"""
## 开放题：清晰的环

一种做法：学习率先大后小（0.003，`decay`），第一个 beta 取 0；RpGAN 加 R1 和 R2，惩罚轻一些，$\gamma = 0.1$，D 才陡得起来；`ema` 从 0.999 改成 0.99，滑动平均才跟得上。在种子 0 和 1 上，高质量的比例是 76% 到 78%。`ema` 是默认的 0.999 时，滑动平均还带着训练中途的权重。五处改动里，哪一处起多大作用，看下面的表：先是默认的设置，再从改好的设置里各拿掉一处。
"""

# %% [markdown] tags=["lang-en"]
r"""
## Open task: a sharp ring

One way: a learning rate that is large first and small later (0.003, `decay`), with a first beta of 0; RpGAN with R1 and R2, the penalty light, $\gamma = 0.1$, so that D can be steep; and an `ema` of 0.99 in place of 0.999, so that the moving average keeps up. With seeds 0 and 1 the share of high quality is between 76% and 78%. With the default `ema` of 0.999 the moving average still carries weights from the middle of the training. How much each of the five changes does is in the table below: first the default settings, then all five changes but one.
"""

# %% tags=["nbval-ignore-output"]
ring = data.ring()
settings = {"loss": losses.Relativistic(), "penalty": partial(penalties.r1_r2, gamma=0.1),
            "lr": 3e-3, "betas": (0.0, 0.99), "decay": 1500, "ema": 0.99}
my_games = [fit(recipes.plane(seed=seed, **settings), ring, 1500, progress=False)
            for seed in (0, 1)]
verdict = check.sharp_ring(my_games)

# %% tags=["nbval-ignore-output"]
without = {"loss": ["loss"], "penalty": ["penalty"], "lr, decay": ["lr", "decay"],
           "betas": ["betas"], "ema": ["ema"]}
ways = {"the defaults": {}, "all changes": settings,
        **{f"all but {name}": {key: settings[key] for key in settings if key not in left_out}
           for name, left_out in without.items()}}
rows = []
for name, way in ways.items():
    games = [fit(recipes.plane(seed=seed, **way), ring, 1500, progress=False) for seed in (0, 1)]
    reports = [measure.mode_report(game.sample(2500, ema=True), ring) for game in games]
    rows.append([name, "  ".join(f"{report.effective_modes:.1f}" for report in reports),
                 "  ".join(f"{report.high_quality:.0%}" for report in reports)])
table([("设置", "settings"), ("有效模式数", "effective modes"), ("高质量", "high quality")], rows)

# %% [markdown] tags=["lang-zh"]
r"""
五处里，少不得的只有 `ema`：拿掉它，滑动平均还停在半路，高质量是 0%。另外四处各拿掉一处，都还有 60% 以上，有的种子过得了 70%，有的过不了；两个种子分不出它们的高下。损失可以不改。
"""

# %% [markdown] tags=["lang-en"]
r"""
Of the five only `ema` cannot be spared: without it the average is still on its way, and high quality is at 0%. Without one of the other four it is above 60% each time, on some seeds above 70% and on others not; two seeds cannot rank them. The loss may stay as it is.
"""

# %% [markdown] tags=["lang-zh"]
r"""
## 小测验的答案

选项的次序每次都会打乱，所以这里写内容。

1. 求梯度时有没有 `create_graph=True`，惩罚有没有被 `detach`。
2. softplus(-1)；加 5 以后还是 softplus(-1)。
3. DiffAugment：D 看到的真图和假图都随机改动。
4. 从 16 开始，再上下试 2 倍和 4 倍。
5. 最后一段走得更慢：有一个特征值更接近 0。
6. λ 很大时，样本留在 z 附近，落不到数据上。

## 教学笔记

**用时从哪里来**：只读一种语言约 160 分钟：阅读 75 分钟（中文约 10,000 字，英文约 8,000 词，余下的时间看公式、表和图），五次预测、三个练习和小测验 55 分钟，开放题 30 分钟。两节课时，第一节到练习 1 为止。全部运行约 4 分钟；上课前先跑一遍，图表会留下。

**必讲、选讲、自学**

| 部分 | 45 分钟 | 2×45 分钟 |
|---|---|---|
| 六种约束，预测 1，图 6-1 | 必讲，10 分钟 | 必讲，15 分钟 |
| Dirac-GAN，预测 2，特征值 | 必讲，15 分钟 | 必讲，20 分钟 |
| 练习 1 | 只讲公式，5 分钟 | 必讲，10 分钟 |
| 成对比较，练习 2 | 必讲，5 分钟 | 必讲，10 分钟 |
| 练习 3 | 自学 | 选讲，5 分钟 |
| 稳定性的表，预测 3 | 必讲，10 分钟 | 必讲，15 分钟 |
| 典型失败案例 | 自学 | 必讲，5 分钟 |
| 图片上的比赛，$\gamma$ 与边长 | 自学 | 选讲，5 分钟 |
| 数据太少 | 自学 | 选讲，5 分钟 |
| 2023 年以来，预测 5 | 自学 | 自学 |
| 开放题、小测验 | 自学 | 自学（作业） |

**板书**：画一条横轴，左边真实样本，右边生成样本，下面依次画出六种约束各在哪里压住斜率。再画 $(\theta, \psi)$ 平面，从 $(1, 1)$ 出发，让学生一人当 D、一人当 G，轮流报下一步：D 往 $-\theta$ 的方向走，G 往 $\psi$ 的方向走，走出一个圈；再给 D 加上“每步退回 $\gamma\psi$”，圈就收进去了。

**易错点**

- 以为 R1 让评论家到处都平。图 6-1 里，它只管真实样本处。
- 以为成对的损失自己就会收敛。在 Dirac-GAN 里它和 NS 走同一条路。
- 求 R1 时对平均求导，或者忘了 `create_graph=True`。
- 从一格三个种子就下结论。先看最小和最大，再看平均。

**常见的问题**

- “既然 R1 就够，为什么还要 R2？”Dirac-GAN 里两者相同，因为 $f$ 是直线。R3GAN 的论文报告，在 Stacked MNIST 上只用 R1 会发散：生成样本处的斜率没有人管。
- “为什么论文说 R3GAN 好，我们的比赛里不一定？”比赛里领先的 `rpgan` 用的正是 R3GAN 的损失；落后的是仿照它的残差网络 `r3gan`，它在几分钟之内没有胜过 DCGAN 的网络。论文的批在 256 以上，训练以天计；我们的网络小、时间短、只有一种数据。请学生说出哪些结论可以带走，哪些不可以。
- “DiffAugment 会不会让 G 画出遮掉一块的图？”两边都改，改动可逆或者改得不太多时，一般不会；如果每张都遮，而且遮得很大，就会。

**讨论题（15 分钟）**：同样的秒数、同样的步数、同样多的真图，是三种“公平”。各对谁有利？一篇论文只给其中一种，读者少知道了什么？

**作业：实验报告（一周）**

任选一问，用 3 个种子回答，写一页：图 6-3 里把 $\gamma$ 改成 0.1 和 10，哪几格变了？`betas=(0, 0.99)` 能不能救回“动量 0.9”那一列？DiffAugment 只用平移、只用遮挡，各有多大作用？

| 评分项 | 分 |
|---|---|
| 一次只改一处，写明其余设置 | 25 |
| 3 个种子的全部结果，附平均、最小和最大 | 25 |
| 图：有题、有单位，没有挑选过 | 15 |
| 结论不超出数据，不利的结果照写 | 25 |
| 语言清楚 | 10 |
"""

# %% [markdown] tags=["lang-en"]
r"""
## Answers to the quiz

The options are shuffled each time, so here are the words.

1. Whether the gradient was taken with `create_graph=True`, and whether the penalty was cut off by `detach`.
2. softplus(-1), and still softplus(-1) after adding 5.
3. DiffAugment: change at random what D sees, real and fake.
4. At 16, and then try factors of 2 and 4 both ways.
5. The last part of the way takes longer: one eigenvalue is closer to 0.
6. At a very large λ the samples stay near z and miss the data.

## Notes for teachers

**Where the times come from**: about 160 minutes in one language: 75 to read (about 10,000 Chinese characters or 8,000 English words; the rest is for formulas, tables and figures), 55 for five predictions, three exercises and the quiz, 30 for the open task. In two periods, the first ends after exercise 1. Everything runs in about 4 minutes; run it before class, and figures and tables are kept.

**Must, may, self-study**

| Part | 45 minutes | 2×45 minutes |
|---|---|---|
| the six constraints, predict 1, Fig. 6-1 | must, 10 minutes | must, 15 minutes |
| the Dirac-GAN, predict 2, eigenvalues | must, 15 minutes | must, 20 minutes |
| exercise 1 | the formula only, 5 minutes | must, 10 minutes |
| comparing in pairs, exercise 2 | must, 5 minutes | must, 10 minutes |
| exercise 3 | self-study | may, 5 minutes |
| the stability table, predict 3 | must, 10 minutes | must, 15 minutes |
| the failure of the day | self-study | must, 5 minutes |
| the contest on pictures, $\gamma$ and the side | self-study | may, 5 minutes |
| too little data | self-study | may, 5 minutes |
| since 2023, predict 5 | self-study | self-study |
| open task, quiz | self-study | self-study (homework) |

**On the board**: an axis with real samples on the left and fakes on the right, and below it, one after another, where each of the six constraints holds the slope down. Then the plane of $(\theta, \psi)$: from $(1, 1)$ one student is D and one is G, and they call the next step in turn. D goes the way of $-\theta$, G that of $\psi$, and they go round in a circle; now let D "go back by $\gamma\psi$" at each step, and the circle closes in.

**Common mistakes**

- Believing that R1 makes the critic flat everywhere. In Fig. 6-1 it acts at real samples only.
- Believing that the loss on pairs converges by itself. In the Dirac-GAN it goes the way of NS.
- Differentiating the mean in R1, or forgetting `create_graph=True`.
- Concluding from one cell of three seeds. Look at the least and the most before the mean.

**Common questions**

- "If R1 will do, why R2?" In the Dirac-GAN they are the same, since $f$ is a straight line. The R3GAN paper reports that R1 alone diverges on Stacked MNIST: nobody looks after the slope at the fakes.
- "Why is R3GAN good in the paper and not necessarily in our contest?" `rpgan`, which leads, has R3GAN's loss; what lags is the residual network modelled on it, `r3gan`, which within minutes has no advantage over DCGAN's networks. The paper's batches are 256 and more, and its training takes days; here are small networks, little time and one kind of data. Ask which conclusions one may take away and which not.
- "Does DiffAugment make G paint holes?" With both sides changed, not as a rule, as long as the change can be undone or is mild; if holes are large and in every picture, it does.

**Discussion (15 minutes)**: equal seconds, equal steps and equally many real pictures are three kinds of fairness. Whom does each favour? What does a reader miss if a paper gives only one of them?

**Homework: a lab report (one week)**

Choose one question, answer it with 3 seeds, and write one page: which cells of Fig. 6-3 change with a $\gamma$ of 0.1 and of 10? Can `betas=(0, 0.99)` rescue the column "momentum 0.9"? How much do movement alone and holes alone contribute to DiffAugment?

| Criterion | Points |
|---|---|
| one change at a time, all other settings stated | 25 |
| all results of the 3 seeds, with mean, least and most | 25 |
| figures: captions, units, samples not chosen | 15 |
| conclusions within the data, unfavourable results included | 25 |
| clear language | 10 |
"""
