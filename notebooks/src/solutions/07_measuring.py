# %% [markdown] tags=["lang-zh"]
r"""
# 07 · 诚实地衡量 GAN：答案与教学笔记

先自己做，再来看。每个答案后面运行的，是课文里的同一个批改函数。
"""

# %% [markdown] tags=["lang-en"]
r"""
# 07 · Measuring GANs, honestly: solutions and notes for teachers

Try first, then look. The same checker runs after each solution.
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

截到一样长，是因为候选多的一方总能拿出更近的一个：不截，老实的样本也会显得离训练集近。
"""

# %% [markdown] tags=["lang-en"]
r"""
## Exercise 3: the ratio of two distances

Both are cut to one length because the side with more candidates can always offer a nearer one: without the cut, honest samples would seem to be near the training set.
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
        score = evaluator.score(better(game.sample(4000, seed=seed, ema=True)))
        rows.append([name, str(seed), f"{score.frechet:.2f}", f"{score.mind:.2f}",
                     f"{score.prdc.precision:.2f}", f"{score.prdc.recall:.2f}",
                     f"{score.prdc.coverage:.2f}"])
table([("做法", "way"), ("种子", "seed"), ("弗雷歇", "Fréchet"), "MIND", ("精确率", "precision"),
       ("召回率", "recall"), ("覆盖率", "coverage")], rows)

# %% [markdown] tags=["lang-zh"]
r"""
`sharper` 使距离小了 33% 到 36%，召回率还升了，可是不够 40%；`surest` 只小了 10% 到 18%，因为分类器对有的数字总是更有把握，挑完以后各类的比例就偏了；`surest of each class` 小了 53% 到 55%，达到标准。

样本更好了吗？精确率和覆盖率升了，召回率却从 0.72 到 0.74 降到 0.60 到 0.64：难写的、少见的写法被扔掉了。而且挑图的和打分的是同一个分类器，挑的正是它喜欢的。一个数一旦成了目标，就不再是好的尺度；要公正，得换一个没有参与挑选的网络来量。

## 给老师的话

- **时间。** 讲到损伤表为止约 50 分钟，可以分两次上。训练和损伤表各要几十秒，让学生在等的时候写下预测。
- **开头的问题。** 先让全班给图 7-2 的样本打分，0 到 10，收上来看波动；再讲为什么要有指标。
- **常见的误解。** “FID 越低越好，所以 0 最好”：训练集就是 0。“KID 为负说明程序错了”：无偏的估计就会这样。“精确率高就是画得好”：模糊的图精确率比真图还高。“两篇论文的 FID 可以直接比”：先看 $n$、网络、缩放。
- **可以当堂做的实验。** 每人取不同的 $n$ 算一次真图对真图的弗雷歇距离，写到黑板上，曲线自己就出来了。
- **作业。** 找一篇报告 FID 的论文，按“怎样报告”那张表逐项打勾，看缺哪几项。
"""

# %% [markdown] tags=["lang-en"]
r"""
`sharper` takes 33% to 36% off the distance and even raises recall, but falls short of 40%; `surest` takes off only 10% to 18%, since the classifier is always surer of some digits, and the shares of the classes go astray; `surest of each class` takes off 53% to 55% and meets the bar.

Are the samples better? Precision and coverage rise, but recall falls from between 0.72 and 0.74 to between 0.60 and 0.64: difficult and rare ways of writing are thrown away. And the network that chose is the network that judges: what it likes was kept. Once a number is the aim it is no longer a good measure; to be fair, judge with a network that had no part in the choice.

## For teachers

- **Time.** Up to the board of damages it takes about 50 minutes, and the lesson can be taught in two parts. Training and the board take some dozens of seconds each; have predictions written down meanwhile.
- **A first question.** Let the class give marks from 0 to 10 to the samples of Fig. 7-2, collect them and look at the spread; then ask why there are metrics.
- **Misconceptions.** "The lower FID the better, and 0 is best": the training set is at 0. "A negative KID is a bug": an unbiased estimate does that. "High precision means good pictures": blurred ones have more of it than real ones. "FIDs of two papers compare": look at $n$, network and resizing first.
- **An experiment in class.** Each learner takes another $n$, computes the Fréchet distance of real from real once, and writes it on the board: the curve draws itself.
- **Homework.** Take a paper that reports an FID and go through the table of "How to report": which items are missing?
"""
