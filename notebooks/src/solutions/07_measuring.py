# %% [markdown] tags=["lang-zh"]
r"""
# 07 · 诚实地衡量 GAN：答案与教学笔记

先自己做，再来看。练习的答案后面运行的，是课文里的同一个批改函数；开放题没有批改函数，量法和课文相同。
"""

# %% [markdown] tags=["lang-en"]
r"""
# 07 · Measuring GANs, honestly: solutions and notes for teachers

Try first, then look. The lesson's checker runs after each exercise; the open task has none, and is measured as in the lesson.
"""

# %%
from functools import partial

import torch
from torchvision.transforms.functional import gaussian_blur

from gan_lessons import data, lab, measure, penalties, recipes, runtime
from gan_lessons.bilingual import table
from gan_lessons.exercises import lesson07 as check
from gan_lessons.measure import damage
from gan_lessons.train import fit

runtime.set_threads(1)
lab.language_switch()

# %% [markdown] tags=["lang-zh"]
r"""
## 练习 1：两个正态分布的弗雷歇距离

$\Sigma_1^{1/2}$ 来自特征分解：特征值开平方，特征向量不变。$\Sigma_1^{1/2} \Sigma_2 \Sigma_1^{1/2}$ 是对称的，特征值和 $\Sigma_1 \Sigma_2$ 的一样，所以可以用 `eigvalsh`，不会出现复数。缺秩时，舍入使特征值略小于 0，先截成非负的，再开方。
"""

# %% [markdown] tags=["lang-en"]
r"""
## Exercise 1: the Fréchet distance of two Gaussians

$\Sigma_1^{1/2}$ comes from the eigenvectors: take the root of the eigenvalues and leave the vectors. $\Sigma_1^{1/2} \Sigma_2 \Sigma_1^{1/2}$ is symmetric and has the eigenvalues of $\Sigma_1 \Sigma_2$, so `eigvalsh` will do, and no complex numbers appear. Where rank is lacking, rounding leaves eigenvalues a hair below 0: clamp them before the root.
"""

# %%
def frechet_of_gaussians(mean_a, cov_a, mean_b, cov_b):
    values, vectors = torch.linalg.eigh(cov_a)
    root_a = vectors * values.clamp(min=0).sqrt() @ vectors.T
    shared = torch.linalg.eigvalsh(root_a @ cov_b @ root_a).clamp(min=0).sqrt().sum()
    return (mean_a - mean_b).square().sum() + cov_a.trace() + cov_b.trace() - 2 * shared


verdict = check.frechet_of_gaussians(frechet_of_gaussians)

# %% [markdown] tags=["lang-zh"]
r"""
## 练习 2：无偏的 KID

对角线上是 $k(x, x)$，一个样本和它自己；减去以后，每个核矩阵剩下 $n(n-1)$ 个数。交叉项没有对角线，$nm$ 个数全要。
"""

# %% [markdown] tags=["lang-en"]
r"""
## Exercise 2: KID without a bias

The diagonal holds $k(x, x)$, a sample with itself; without it $n(n-1)$ numbers are left of a kernel matrix. The cross term has no diagonal, and all $nm$ numbers count.
"""

# %%
def kid(a, b):
    def kernel(x, y):
        return (x @ y.T / x.shape[1] + 1) ** 3

    def within(x):
        k, n = kernel(x, x), len(x)
        return (k.sum() - k.diagonal().sum()) / (n * (n - 1))

    return within(a) + within(b) - 2 * kernel(a, b).mean()


verdict = check.kid(kid)

# %% [markdown] tags=["lang-zh"]
r"""
## 练习 3：两个距离之比

截到一样长，是因为候选多的一方往往能拿出更近的一个：不截，老实的样本也会显得离训练集近。
"""

# %% [markdown] tags=["lang-en"]
r"""
## Exercise 3: the ratio of two distances

Both are cut to one length because the side with more candidates will mostly offer a nearer one: without the cut, honest samples would seem to be near the training set.
"""

# %%
def copy_ratio(samples, training, unseen):
    size = min(len(training), len(unseen))
    to_training, to_unseen = (torch.cdist(samples, known[:size]).min(1).values
                              for known in (training, unseen))
    return to_training / to_unseen


verdict = check.copy_ratio(copy_ratio)

# %% [markdown] tags=["lang-zh"]
r"""
## 开放题：不训练，让数变好

试了三种做法，和原样比，用课文里的同一个 G。`sharper`：每张图加上模糊会拿走的那一部分；`surest`：留下分类器最有把握的 2,000 张；`surest of each class`：在每一类里各留 200 张。
"""

# %% [markdown] tags=["lang-en"]
r"""
## Open task: a better number without training

Three ways, beside the samples as they are, tried on the G of the lesson. `sharper`: add to each picture what a blur takes away; `surest`: keep the 2,000 of which the classifier is surest; `surest of each class`: keep 200 in each class.
"""

# %% tags=["nbval-ignore-output"]
parts = damage.split(data.mnist()[:8000])
net = damage.digit_net()
evaluator = measure.Evaluator(net, parts.training.images, parts.fresh.images[:2000])
steps = runtime.at_scale(smoke=50, default=4000, full=40_000)
game = recipes.source_004(batch=50, lr=1e-3, betas=(0.0, 0.99), ema=0.999,
                          penalty=partial(penalties.r1, gamma=3.0), penalty_every=4)
fit(game, parts.training, steps, progress=False)


def sharper(pictures):
    x = pictures[:2000].float()
    return (2 * x - gaussian_blur(x, [5, 5], [1.0, 1.0])).clamp(0, 255).round().byte()


def surest(pictures):
    sure = net.probabilities(net.features(pictures)).max(1).values
    return pictures[sure.argsort(descending=True)[:2000]]


def surest_of_each_class(pictures):
    sure, digit = net.probabilities(net.features(pictures)).max(1)
    kept = []
    for k in range(10):
        own = (digit == k).nonzero()[:, 0]
        kept.append(own[sure[own].argsort(descending=True)[:200]])
    return pictures[torch.cat(kept)]


ways = {"as they are": lambda pictures: pictures[:2000], "sharper": sharper, "surest": surest,
        "surest of each class": surest_of_each_class}
rows = []
for name, better in ways.items():
    for seed in (5, 6, 7):
        answer = better(game.sample(4000, seed=seed, ema=True))
        score = evaluator.score(answer)
        z = measure.memorisation_test(answer, parts.training.images, parts.unseen.images).z
        rows.append([name, str(seed), f"{score.frechet:.2f}", f"{score.mind:.2f}",
                     f"{score.prdc.precision:.2f}", f"{score.prdc.recall:.2f}",
                     f"{score.prdc.coverage:.2f}", f"{z:.1f}"])
table([("做法", "way"), ("种子", "seed"), ("弗雷歇", "Fréchet"), "MIND", ("精确率", "precision"),
       ("召回率", "recall"), ("覆盖率", "coverage"), "z"], rows)

# %% [markdown] tags=["lang-zh"]
r"""
`sharper` 使距离小了 40% 到 42%，召回率还升了，刚刚够；换一种处理器，训练出的 G 不同，只小 33% 到 36%，就不够。`surest` 只小了 16% 到 25%（另一种处理器上 10% 到 18%），因为分类器对有的数字总是更有把握，挑完以后各类的比例就偏了。`surest of each class` 小了 60% 到 65%（53% 到 55%），$z$ 不超过 3.2，达到标准。

样本更好了吗？精确率和覆盖率升了，召回率却从 0.77 到 0.79 降到 0.65 和 0.66（另一种处理器上从 0.72 到 0.74 降到 0.60 到 0.64）：难写的、少见的写法被扔掉了。而且挑图的和打分的是同一个分类器，挑的正是它喜欢的。一个数一旦成了目标，就不再是好的尺度；要公正，得换一个没有参与挑选的网络来量。

## 小测验的答案

选项的次序每次都会打乱，所以这里写内容。

1. 还不能说：用同样的 n 重算，或把下限写在旁边。
2. 模式崩溃：只画少数几种样子。
3. 求平均时算进了对角线。
4. 训练之前，留出一部分同一来源的图，谁也不许用。
5. 三个种子分不出高低；两者都远在下限之上。
6. 召回率：几乎没有真图落进样本的近邻球。

## 教学笔记

**用时从哪里来**：只读一种语言约 130 分钟：阅读 65 分钟，五次预测、三个练习和小测验 45 分钟，开放题 20 分钟。全部运行约 2 分钟，训练和损伤表各要几十秒，让学生在等的时候写下预测。两节课时，第一节到损伤表为止。

**必讲、选讲、自学**

| 部分 | 45 分钟 | 2×45 分钟 |
|---|---|---|
| 两个正态分布的弗雷歇距离 | 必讲，10 分钟 | 必讲，10 分钟 |
| 练习 1 | 自学 | 选讲，10 分钟 |
| 样本数，预测 1，图 7-1 | 必讲，10 分钟 | 必讲，10 分钟 |
| 练习 2 | 自学 | 自学 |
| 损伤表，预测 2 | 必讲，15 分钟 | 必讲，15 分钟 |
| 少了一半的模式，预测 3，图 7-4 | 自学 | 必讲，10 分钟 |
| 截断 z，预测 4 | 选讲，5 分钟 | 必讲，10 分钟 |
| 记忆，练习 3 | 自学 | 选讲，10 分钟 |
| 两个库，预测 5，典型失败案例 | 选讲，5 分钟 | 必讲，10 分钟 |
| 排行榜，怎样报告 | 自学 | 选讲，5 分钟 |
| 开放题、小测验 | 自学 | 自学（作业） |

**板书**：画一条横轴 $n$、一条纵轴“真图对真图的弗雷歇距离”。每位学生取一个不同的 $n$，在自己的机器上算一次，上来点一个点，曲线自己就出来了；再在旁边点上一个生成器在两个 $n$ 上的距离，问：哪一个“更好”？

- **开头的问题。** 先让全班给图 7-2 的样本打分，0 到 10，收上来看波动；再讲为什么要有指标。
- **常见的误解。** “FID 越低越好，所以 0 最好”：整个训练集和自己比就是 0（损伤表里只交其中 2,000 张，是 0.013）。“KID 为负说明程序错了”：无偏的估计就会这样。“精确率高就是画得好”：模糊的图精确率比真图还高。“两篇论文的 FID 可以直接比”：先看 $n$、网络、缩放。

**作业：读一篇论文的数（一周）**

找一篇报告 FID 的论文，按“怎样报告”那张表逐项打勾，写一页：缺哪几项，缺的那几项会使数偏向哪一边，只凭论文能不能重做一遍？

| 评分项 | 分 |
|---|---|
| 每一项都指出在论文或代码的哪一处，没有就写“没有” | 35 |
| 缺的项会怎样影响数，用本课的数作依据 | 30 |
| 能不能和另一篇的数相比，理由充分 | 25 |
| 语言清楚 | 10 |
"""

# %% [markdown] tags=["lang-en"]
r"""
`sharper` takes 40% to 42% off the distance and even raises recall, which is just enough; on another processor, where training ends in another G, it is 33% to 36%, and not enough. `surest` takes off only 16% to 25% (10% to 18% there), since the classifier is always surer of some digits, and the shares of the classes go astray. `surest of each class` takes off 60% to 65% (53% to 55%), with $z$ at most 3.2, and meets the bar.

Are the samples better? Precision and coverage rise, but recall falls from between 0.77 and 0.79 to 0.65 and 0.66 (on the other processor from between 0.72 and 0.74 to between 0.60 and 0.64): difficult and rare ways of writing are thrown away. And the network that chose is the network that judges: what it likes was kept. Once a number is the aim it is no longer a good measure; to be fair, judge with a network that had no part in the choice.

## Answers to the quiz

The options are shuffled each time, so here are the words.

1. Nothing yet: recompute both with one n, or put the floors beside them.
2. Mode collapse: only a few kinds are painted.
3. The diagonal went into the means.
4. Before training, keep a part from the same source that nobody may use.
5. Three seeds cannot tell them apart; both are far above the floor.
6. Recall: hardly any real picture lies in the ball of a sample.

## Notes for teachers

**Where the times come from**: about 130 minutes in one language: 65 to read, 45 for five predictions, three exercises and the quiz, 20 for the open task. Everything runs in about 2 minutes; training and the table of damages take some dozens of seconds each, in which predictions can be written down. In two periods, the first ends after that table.

**Must, may, self-study**

| Part | 45 minutes | 2×45 minutes |
|---|---|---|
| the Fréchet distance of two Gaussians | must, 10 minutes | must, 10 minutes |
| exercise 1 | self-study | may, 10 minutes |
| the number of samples, predict 1, Fig. 7-1 | must, 10 minutes | must, 10 minutes |
| exercise 2 | self-study | self-study |
| the table of damages, predict 2 | must, 15 minutes | must, 15 minutes |
| half of the modes, predict 3, Fig. 7-4 | self-study | must, 10 minutes |
| truncating z, predict 4 | may, 5 minutes | must, 10 minutes |
| memorisation, exercise 3 | self-study | may, 10 minutes |
| two libraries, predict 5, the failure of the day | may, 5 minutes | must, 10 minutes |
| the leaderboard, how to report | self-study | may, 5 minutes |
| open task, quiz | self-study | self-study (homework) |

**On the board**: an axis for $n$ and one for "Fréchet distance of real from real". Each learner takes another $n$, computes it once, and puts a point on the board: the curve draws itself. Then add one generator's distance at two values of $n$ and ask which of the two is "better".

- **A first question.** Let the class give marks from 0 to 10 to the samples of Fig. 7-2, collect them and look at the spread; then ask why there are metrics.
- **Misconceptions.** "The lower FID the better, and 0 is best": the whole training set against itself is at 0 (2,000 of it, in the table of damages, at 0.013). "A negative KID is a bug": an unbiased estimate does that. "High precision means good pictures": blurred ones have more of it than real ones. "FIDs of two papers compare": look at $n$, network and resizing first.

**Homework: the numbers of a paper (one week)**

Take a paper that reports an FID, go through the table of "How to report", and write one page: which items are missing, which way do they push the number, and could the measurement be repeated from the paper alone?

| Criterion | Points |
|---|---|
| for each item the place in the paper or its code, or "not stated" | 35 |
| what the missing items do to the number, argued from this lesson's numbers | 30 |
| whether it compares with the number of another paper, and why | 25 |
| clear language | 10 |
"""
