# %% [markdown] tags=["lang-zh", "title"]
r"""
# 02 · 全连接 GAN：生成手写数字

上一课的样本是平面上的点；这一课是图片。让生成器写出 0 到 9，并用数据说明十个数字一个也没有漏掉。

- **学完你会**：写出判别器和生成器各自完整的一步，用它们训练出合格的生成器；说出五个评价指标的公式，以及每个指标看不见什么；查出模式崩溃，一次只改一处，找出对它有用的改动；检验生成器有没有照抄训练集。
- **需要准备**：知道神经网络怎样用梯度下降训练，读得懂 PyTorch 的 `nn.Linear`；学过第 01 课更好。
- **用时**：只读一种语言，约 120 分钟，其中阅读 55 分钟，预测、练习和小测验 45 分钟，开放题 20 分钟；可以分两次学完。全部运行一遍约 4 分钟（两个 CPU 核心，不需要显卡，也不必联网）。
- **致谢**：本课的主干来自 siriusdemon 的[《直观地理解 GAN》](https://github.com/siriusdemon/hackaway/tree/master/projects/Gan/GAN)，他把程序分成一小步一小步来讲，还给读者留了问题；他的文章说明，代码参考了 [wiseodd 的 generative-models](https://github.com/wiseodd/generative-models)。另一半来自 Datawhale 教程 [动手学CV-Pytorch](https://github.com/datawhalechina/dive-into-cv-pytorch) 的《GAN 实战：手写数字生成》，它给训练循环的每一行都写了注释。谢谢他们。
"""

# %% [markdown] tags=["lang-en", "title"]
r"""
# 02 · A fully connected GAN: writing digits

In the last lesson a sample was a point in the plane; here it is a picture. A generator learns to write 0 to 9, and we collect the evidence that no digit is left out.

- **You will be able to**: write one full step of the discriminator and one of the generator, and train with them a generator that meets the bar; state the formulas of five evaluation metrics, and what each of them cannot see; detect mode collapse and find, with one change at a time, what helps against it; test whether a generator copies its training set.
- **You need**: to know how gradient descent trains a neural network, and to be able to read PyTorch's `nn.Linear`; lesson 01 is helpful.
- **Time**: about 120 minutes in one language: 55 to read, 45 for predictions, exercises and quiz, 20 for the open task; two sittings are a good plan. About 4 minutes to run everything (two CPU cores, no graphics card, no internet connection).
- **With thanks**: the backbone of this lesson is siriusdemon's [introduction to GANs](https://github.com/siriusdemon/hackaway/tree/master/projects/Gan/GAN), written in Chinese, which explains a program one small step at a time and leaves its reader questions; for the code its author thanks [wiseodd's generative-models](https://github.com/wiseodd/generative-models). The other half is the chapter on writing digits in Datawhale's course [dive-into-cv-pytorch](https://github.com/datawhalechina/dive-into-cv-pytorch), which comments every line of its training loop. Our thanks to all of them.
"""

# %%
import tempfile
from functools import partial
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from PIL import Image
from torch import nn, optim
from torch.nn.functional import (
    avg_pool2d,
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    softplus,
)
from torchvision import transforms

from gan_lessons import checkpoint, data, lab, measure, penalties, recipes, runtime, show
from gan_lessons.bilingual import say, table
from gan_lessons.exercises import lesson02 as check
from gan_lessons.nets import mlp
from gan_lessons.train import HISTORY, Game, fit

runtime.set_threads(1)  # these networks are too small to gain from a second thread
lab.language_switch()

# %% [markdown] tags=["lang-zh", "what-changed"]
r"""
## 和上一课相比

博弈没有变，两步更新也没有变。样本从 2 个数变成了 28×28 = 784 个数，网络跟着变宽：

```diff
- generator     = MLP(2 -> 64 -> 64 -> 2)
- discriminator = MLP(2 -> 64 -> 64 -> 1)
+ generator     = MLP(64 -> 256 -> 256 -> 784), tanh
+ discriminator = MLP(784 -> 256 -> 256 -> 1)
```

没读过第 01 课，只需记住三句话。**生成器**（generator）G 把随机噪声 $z$ 变成一张图片 $G(z)$；**判别器**（discriminator）D 看一张图片 $x$，给出它是真图的概率 $D(x)$。D 学着分辨真假，G 学着骗过 D，二者进行一场极小极大博弈（minimax game）：

$$\min_G \max_D \; \mathbb{E}_{x}\,[\log D(x)] + \mathbb{E}_{z}\,[\log(1 - D(G(z)))]$$

G 从来没有见过真图，它得到的全部信息，就是经 D 传回来的梯度。下文把真实样本叫作**真图**，生成样本叫作**假图**。代码和图例里的 `critic` 就是判别器 D，这个名字的来历见第 04 课。
"""

# %% [markdown] tags=["lang-en", "what-changed"]
r"""
## What changed since the last lesson

The game is the same, and so are the two steps. A sample used to be 2 numbers and is now 28×28 = 784, so both networks get wider:

```diff
- generator     = MLP(2 -> 64 -> 64 -> 2)
- discriminator = MLP(2 -> 64 -> 64 -> 1)
+ generator     = MLP(64 -> 256 -> 256 -> 784), tanh
+ discriminator = MLP(784 -> 256 -> 256 -> 1)
```

If you skipped lesson 01, three sentences will do. The **generator** G turns random noise $z$ into a picture $G(z)$; the **discriminator** D looks at a picture $x$ and gives the probability $D(x)$ that it is real. D learns to tell real from fake, and G learns to fool D; the two play a minimax game:

$$\min_G \max_D \; \mathbb{E}_{x}\,[\log D(x)] + \mathbb{E}_{z}\,[\log(1 - D(G(z)))]$$

G never sees a real picture: all it ever learns arrives as a gradient through D. Below, a **real picture** is a sample of the data and a **fake** is a sample of G. The code and the legends of figures call D the `critic`, a name that lesson 04 explains.
"""

# %% [markdown] tags=["lang-zh"]
r"""
## 先看一张崩溃的图

数据是真正的 MNIST，它分成训练文件和测试文件两部分。课程自带其中的 10,000 张：训练文件的 8,000 张，测试文件的 2,000 张；如果电脑里有完整的一套，就用完整的。本课从训练文件的 8,000 张里**留出**（held out）最后 2,000 张，只用余下的 6,000 张训练；测试文件的 2,000 张，到检验抄袭时才用。

先不讲代码，训练一个 GAN 看看：网络和优化器都照 Datawhale 教程，只是步数少得多（代码里 `source_004` 是 Datawhale 的设置，后面的 `source_002` 是 siriusdemon 的）。
"""

# %% [markdown] tags=["lang-en"]
r"""
## First, a collapsed picture

The data are MNIST itself, which comes as a training file and a test file. 10,000 of its digits ship with the course, 8,000 from the training file and 2,000 from the test file; if your computer has the full set, the lesson uses it. Of the 8,000 the last 2,000 are **held out**, and we train on the 6,000 that are left; the 2,000 of the test file wait for the test for copies.

Before any explanation, let us train a GAN and look: the networks and the optimiser of Datawhale's tutorial, for far fewer steps (in code `source_004` has Datawhale's settings, and `source_002` below siriusdemon's).
"""

# %%
everything = data.mnist(train=True)
images, held_out = everything[:-2000], everything[-2000:]
everything.card()

short = runtime.at_scale(smoke=200, default=2000, full=2000)
collapsed = fit(recipes.source_004(), images, short)
show.gallery({"real": images.images[:16], "generated": collapsed.sample(16)}, columns=16,
             alt="Two rows of sixteen pictures: real digits of all kinds above; below, sixteen "
                 "generated pictures that all look much alike")

# %% [markdown] tags=["lang-zh", "caption"]
r"""
**图 2-1** 上：16 张真图。下：训练 2,000 步之后的 16 张假图，几乎都是同一团斑点。
"""

# %% [markdown] tags=["lang-en", "caption"]
r"""
**Fig. 2-1** Above: 16 real pictures. Below: 16 fakes after 2,000 steps, nearly all of them the same speckled blob.
"""

# %% [markdown] tags=["lang-zh"]
r"""
这个生成器没有学会写数字，看一眼就知道。可是多数时候没有这么明显。下面是两个训练了更久的生成器，各 32 个样本：

![两个生成器的样本，各 32 张，没有挑选过，上下各一组，多数能认出是数字](../images/lesson02_authors.png)

每一个各会写哪几个数字？哪一个更好？先写下你的答案；有同伴的话，互相比一比，多半不一样。眼睛有两个毛病：一次只能看几十张，数不清哪些数字漏掉了；看到一张清楚的，就忘了其余的。所以在改进之前，先约定**评价指标**（evaluation metric）。这两个生成器的数，在“走完全程会怎样？”一节里。

## 怎样评估：五个指标，一个一个来

### 先要一个会读数字的分类器

指标都建立在一个小分类器上。它用 6,000 张带标签的真图训练十来秒，对每张图片 $x$ 给出两样东西：最后一层之前的 32 个**特征** $\varphi(x)$，和十个数字的概率 $p(y \mid x)$。
"""

# %% [markdown] tags=["lang-en"]
r"""
This generator has not learned to write digits: one look is enough. Most cases are not so plain. Here are two generators that were trained for longer, 32 samples each:

![Samples of two generators, 32 each, not chosen, one group above the other; most can be read as digits](../images/lesson02_authors.png)

Which digits can each of them write? Which one is better? Write your answer down, and compare it with others if you are not alone: the answers will probably differ. Our eyes have two weaknesses: they take in a few dozen pictures at a time, too few to count which digits are missing; and one clear picture makes us forget the others. So before we improve anything we agree on **evaluation metrics**. The numbers of these two generators are in the section "What if the run goes all the way?".

## How to measure: five metrics, one at a time

### First, a classifier that reads digits

All of them rest on a small classifier. It learns from 6,000 labelled real pictures in about ten seconds and gives two things for a picture $x$: the 32 **features** $\varphi(x)$ before its last layer, and the probabilities of the ten digits, $p(y \mid x)$.
"""

# %% tags=["nbval-ignore-output"]
evaluator = measure.DigitEvaluator(images, held_out)
classifier = evaluator.classifier
say("留出的 {n:,} 张真图，分类器读对 {right:.1%}。",
    "Of {n:,} held-out real pictures the classifier reads {right:.1%} correctly.",
    n=len(held_out), right=classifier.accuracy)

# %% [markdown] tags=["lang-zh"]
r"""
### 类别数和 KL 散度

让 G 画 2,000 张，请分类器逐张判断是哪个数字，得到各数字所占的比例 $q = (q_0, \dots, q_9)$。真图的比例记作 $p$。

- **类别数**（classes）：$q_k \ge 4\%$ 的数字有几个。每个数字本来约占 10%，不足 4% 就算漏掉；这条线是我们定的。
- **KL 散度**（Kullback–Leibler divergence）：比例偏了多少，0 表示完全一致。

$$\mathrm{KL}(q \,\Vert\, p) = \sum_{k=0}^{9} q_k \log \frac{q_k}{p_k}$$
"""

# %% [markdown] tags=["lang-en"]
r"""
### Classes and the KL divergence

G paints 2,000 pictures and the classifier says of each which digit it is. That gives the share of each digit, $q = (q_0, \dots, q_9)$; call the shares of the real pictures $p$.

- **Classes**: how many digits have $q_k \ge 4\%$. About 10% would be right; below 4%, a line that we chose, a digit counts as missing.
- **Kullback–Leibler divergence**: how far the shares are off; 0 is a perfect match.

$$\mathrm{KL}(q \,\Vert\, p) = \sum_{k=0}^{9} q_k \log \frac{q_k}{p_k}$$
"""

# %% tags=["nbval-ignore-output"]
fakes = collapsed.sample(2000)
probabilities = classifier.probabilities(classifier.features(fakes))
q = torch.bincount(probabilities.argmax(1), minlength=10) / len(fakes)
p = torch.bincount(images.labels, minlength=10) / len(images)
show.histograms({"real": p, "generated": q},
                alt="Bar chart of the share of each digit: about one tenth each in real pictures; "
                    "among the generated ones a single digit has everything")
say("占到 4% 以上的数字有 {classes} 个，KL 散度为 {kl:.2f}。",
    "Digits with at least 4% of the samples: {classes}; KL divergence: {kl:.2f}.",
    classes=int((q >= 0.04).sum()), kl=float(torch.special.xlogy(q, q / p).sum()))

# %% [markdown] tags=["lang-zh", "caption"]
r"""
**图 2-2** 十个数字各占多少。真图大致各占一成；图 2-1 的生成器的样本全被判为同一个数字。虚线是 4%。
"""

# %% [markdown] tags=["lang-en", "caption"]
r"""
**Fig. 2-2** The share of each digit. Real pictures have about a tenth of each; all samples of the generator of Fig. 2-1 are read as one and the same digit. The dotted line is 4%.
"""

# %% [markdown] tags=["lang-zh", "predict"]
r"""
### 先猜再跑 1：噪点能得几分？

把 2,000 张纯噪点（每个像素都是 0 到 255 的随机数）交给同一个分类器。和图 2-1 那个崩溃的生成器相比，噪点的类别数和 KL 会怎样？

- A. 类别数是 0，因为没有一张像数字。
- B. 类别数是 1，KL 比崩溃的生成器更大。
- C. 类别数是 10，因为噪点对十个数字一视同仁。
- D. 类别数大于 1，KL 比崩溃的生成器更小。
"""

# %% [markdown] tags=["lang-en", "predict"]
r"""
### Predict, then run 1: how does noise score?

Hand 2,000 pictures of pure noise (every pixel a random number from 0 to 255) to the same classifier. Compared with the collapsed generator of Fig. 2-1, what are the classes and the KL of noise?

- A. The classes are 0, because not one of them looks like a digit.
- B. The classes are 1, and the KL is larger than that of the collapsed generator.
- C. The classes are 10, because noise treats all ten digits alike.
- D. The classes are more than 1, and the KL is smaller than that of the collapsed generator.
"""

# %% tags=["nbval-ignore-output"]
chance = torch.Generator().manual_seed(0)
noise = torch.randint(0, 256, (2000, *images.shape), dtype=torch.uint8, generator=chance)
noise_report, collapsed_report = evaluator.report(noise), evaluator.report(fakes)
table([("样本", "samples"), ("类别数", "classes"), "KL"],
      [[("噪点", "noise"), str(noise_report.classes), f"{noise_report.kl:.2f}"],
       [("崩溃的生成器", "collapsed generator"), str(collapsed_report.classes),
        f"{collapsed_report.kl:.2f}"]])

# %% [markdown] tags=["lang-zh"]
r"""
答案是 **D**。不管图片像不像数字，分类器总得选一个类别。样本全落在一类 $k$ 时 KL 是 $-\log p_k$，图 2-1 的生成器就是这样；噪点只要分散到几类，KL 就小一些，于是它的得分居然好过崩溃的生成器。会分散到几类，取决于这个分类器，事先推不出来：这两个指标只说比例，不说画得像不像。

### 有把握的比例

所以再问一句：分类器有没有把握？**有把握的比例**（confident）是最大概率不低于 0.9 的图片所占的份额：

$$\frac{1}{n} \sum_{i=1}^{n} \mathbf{1}\big[\max_y p(y \mid x_i) \ge 0.9\big]$$

它也会上当：样本全是同一团斑点，分类器却可能很有把握。例如后面“补救表”的第一行，5 个种子全都崩溃，这个比例却从 0% 到 93% 不等。类别数、KL 和它要放在一起读。

### 弗雷歇距离

前三个指标只看类别。第四个比较两组图片的特征 $\varphi(x)$ 分布得是否相同：把真图的特征概括成均值 $\mu_r$ 和协方差 $\Sigma_r$，假图的概括成 $\mu_g$ 和 $\Sigma_g$（本课的“真图”在这里指 6,000 张训练图片），再算**弗雷歇距离**（Fréchet distance）

$$d^2 = \lVert \mu_r - \mu_g \rVert^2 + \operatorname{tr}\!\big(\Sigma_r + \Sigma_g - 2\,(\Sigma_r \Sigma_g)^{1/2}\big)$$

第一项看平均的样子对不对，第二项看变化的大小和方向对不对，太少、太多、方向不对都要计入：假图若都一样，$\Sigma_g$ 就接近 0，距离降不下来。论文里的 FID 用的是同一个公式（[Heusel 等，2017](https://arxiv.org/abs/1706.08500)），特征却来自在 ImageNet 上训练的 Inception 网络，所以我们的数**不能**和论文里的相比。
"""

# %% [markdown] tags=["lang-en"]
r"""
The answer is **D**. However little a picture looks like a digit, the classifier has to pick some class. With all samples in one class $k$, as for the generator of Fig. 2-1, the KL is $-\log p_k$; noise needs only to be spread over a few classes for a smaller KL, and so it scores better than the collapsed generator. Over how many it is spread depends on this classifier and cannot be deduced: these two metrics speak of shares and not of quality.

### The confident share

So we also ask: is the classifier sure? The **confident share** is the share of pictures whose largest probability is at least 0.9:

$$\frac{1}{n} \sum_{i=1}^{n} \mathbf{1}\big[\max_y p(y \mid x_i) \ge 0.9\big]$$

It can be fooled, too: the classifier can be quite sure of one blob that all samples share. In the first row of the "table of remedies" below, for instance, 5 seeds have all collapsed, and this share goes from 0% to 93%. Read it together with the classes and the KL.

### The Fréchet distance

The first three metrics look at classes alone. The fourth asks whether the features $\varphi(x)$ of two sets of pictures are distributed alike. Sum up the features of real pictures by their mean $\mu_r$ and covariance $\Sigma_r$, those of the fakes by $\mu_g$ and $\Sigma_g$ (our real pictures here are the 6,000 training pictures); the **Fréchet distance** is

$$d^2 = \lVert \mu_r - \mu_g \rVert^2 + \operatorname{tr}\!\big(\Sigma_r + \Sigma_g - 2\,(\Sigma_r \Sigma_g)^{1/2}\big)$$

The first term asks whether the average is right, the second whether the variation has the right size and directions; too little, too much or in the wrong directions, all of it adds to the distance. If all fakes are alike, $\Sigma_g$ is close to 0 and the distance stays large. The FID of papers is the same formula ([Heusel et al. 2017](https://arxiv.org/abs/1706.08500)) on the features of an Inception network trained on ImageNet, so our numbers must **not** be compared with theirs.
"""

# %% tags=["nbval-ignore-output"]
real_features = classifier.features(images.images)
for_held_out = measure.frechet_distance(classifier.features(held_out.images), real_features)
for_noise = measure.frechet_distance(classifier.features(noise), real_features)
say("真图与真图（留出的 2,000 张）的弗雷歇距离是 {real:.2f}，噪点是 {noise:.1f}。",
    "The Fréchet distance of real from real (the 2,000 held out) is {real:.2f}, that of noise "
    "{noise:.1f}.", real=for_held_out, noise=for_noise)

# %% [markdown] tags=["lang-zh"]
r"""
一个数单独拿出来没有意义，要有参照。**真图与真图**的距离不是 0，因为留出的 2,000 张和训练图片不是同一批；生成器做到这个程度，这个指标就分辨不出差别了。**噪点**只是另一个参照，不是上限：刚才看到，它的类别数和 KL 算不上最差；下面的表里，一个崩溃的生成器离真图可以和噪点一样远。

### 核距离

弗雷歇距离只用到均值和协方差，样本少时还会系统地偏大。**核距离**（kernel distance，论文里的 KID，[Bińkowski 等，2018](https://arxiv.org/abs/1801.01401)）没有这个偏差。取核函数 $k(a, b) = (a^{\top} b / 32 + 1)^3$，比较组内和组间的平均相似程度：

$$\mathbb{E}\,k(r, r') + \mathbb{E}\,k(g, g') - 2\,\mathbb{E}\,k(r, g)$$

其中 $r, r'$ 是不同真图的特征，$g, g'$ 是不同假图的特征。因为没有偏差，估计值在真实距离上下波动；真实距离接近 0 时，估计值常会略小于 0，看到一个小小的负数，不要惊慌。

### 五个指标放在一张表里
"""

# %% [markdown] tags=["lang-en"]
r"""
A number alone means nothing; it takes a reference. The distance of **real from real** is not 0, because the 2,000 held out are not the training pictures; a generator that gets there is as good as real, as far as this metric can tell. **Noise** is another reference and no ceiling: by classes and KL, as we have seen, it is not the worst, and in the table below a collapsed generator is as far from real pictures as noise is.

### The kernel distance

The Fréchet distance uses means and covariances only, and with few samples it comes out too large. The **kernel distance** (the KID of papers, [Bińkowski et al. 2018](https://arxiv.org/abs/1801.01401)) has no such bias. Take the kernel $k(a, b) = (a^{\top} b / 32 + 1)^3$ and compare how similar pictures are within the sets and across them:

$$\mathbb{E}\,k(r, r') + \mathbb{E}\,k(g, g') - 2\,\mathbb{E}\,k(r, g)$$

where $r, r'$ are features of different real pictures and $g, g'$ of different fakes. As there is no bias, estimates scatter around the true distance, and where that is close to 0, many of them fall below 0: a small negative number is no reason to worry.

### Five metrics in one table
"""

# %% tags=["nbval-ignore-output"]
def numbers(report):
    return [str(report.classes), f"{report.kl:.3f}", f"{report.confident:.0%}",
            f"{report.fd_digits:.2f}", f"{report.kid_digits:.3f}"]


real_report = evaluator.floor  # the held-out real pictures
table([("样本", "samples"), ("类别数", "classes"), "KL", ("有把握", "confident"),
       ("弗雷歇距离", "Fréchet distance"), ("核距离", "kernel distance")],
      [[("留出的真图", "real, held out"), *numbers(real_report)],
       [("崩溃的生成器", "collapsed generator"), *numbers(collapsed_report)],
       [("噪点", "noise"), *numbers(noise_report)]])

# %% [markdown] tags=["lang-zh"]
r"""
## 两对网络

|  | siriusdemon | Datawhale |
|---|---|---|
| 噪声 $z$ 的长度 | 100 | 64 |
| G | 100-128-784，ReLU，sigmoid | 64-256-256-784，ReLU，tanh |
| D | 784-128-1，ReLU，sigmoid | 784-256-256-1，LeakyReLU 0.2，sigmoid |
| G 输出的范围 | $[0, 1]$ | $[-1, 1]$ |
| Adam 的学习率 | 0.001 | 0.0002 |
| 批大小（batch size） | 60 | 100 |
| 训练图片 | 60,000 | 60,000 |
| 轮数（epochs） | 120 | 200 |
| G 的步数 | 120,000 | 120,000 |
| G 每走一步，D 走几步 | $K = 1$ | $K = 1$ |

两边都是**全连接网络**（fully connected network，也叫多层感知机，MLP）。$K$ 就是第 01 课算法里的那个 $k$：D 走 $K$ 步，G 走 1 步。
"""

# %% [markdown] tags=["lang-en"]
r"""
## Two pairs of networks

|  | siriusdemon | Datawhale |
|---|---|---|
| length of the noise $z$ | 100 | 64 |
| G | 100-128-784, ReLU, sigmoid | 64-256-256-784, ReLU, tanh |
| D | 784-128-1, ReLU, sigmoid | 784-256-256-1, LeakyReLU 0.2, sigmoid |
| range of G's output | $[0, 1]$ | $[-1, 1]$ |
| learning rate of Adam | 0.001 | 0.0002 |
| batch size | 60 | 100 |
| training pictures | 60,000 | 60,000 |
| epochs | 120 | 200 |
| steps of G | 120,000 | 120,000 |
| steps of D for each of G | $K = 1$ | $K = 1$ |

All four are **fully connected networks** (multilayer perceptrons, MLPs). $K$ is the $k$ of the algorithm in lesson 01: D takes $K$ steps, then G takes 1.
"""

# %% [markdown] tags=["lang-zh"]
r"""
## 九小步：siriusdemon 的程序

现在跟着 siriusdemon 一小步一小步地写。他的程序讲到第八步，编号就跳到了第十；我们把空着的第九步补上：**评估**。

### 第一步，导入

`torch`、`torch.nn`、`torch.optim` 本课开头已经导入。

### 第二步，设定

28×28 的图片展平成 784 个数，因为全连接层只认一维向量。`z_dim` 是噪声的长度，噪声就是 G 的原料。`h_dim` 是隐藏层的宽度。他有 60,000 张图，训练 120 轮，共 120,000 步；我们有 6,000 张，先走 6 轮，只有 600 步，看看势头。
"""

# %% [markdown] tags=["lang-en"]
r"""
## Nine small steps: siriusdemon's program

Now we follow siriusdemon, one small step at a time. After step eight the numbering jumps to ten; we fill in the missing ninth: **measure**.

### Step one, imports

`torch`, `torch.nn` and `torch.optim` are imported at the top of this lesson.

### Step two, settings

A picture of 28×28 is flattened to 784 numbers, since a fully connected layer takes a vector. `z_dim` is the length of the noise, G's raw material. `h_dim` is the width of the hidden layer. The author has 60,000 pictures and trains for 120 epochs, 120,000 steps; we have 6,000 and begin with 6 epochs, only 600 steps, and see where it goes.
"""

# %%
x_dim = 28 * 28   # numbers in a picture
z_dim = 100       # numbers in a vector of noise
h_dim = 128       # width of the hidden layer
batch_size = 60   # pictures in a batch
lr = 1e-3         # learning rate of Adam, for both players
epochs = 6        # passes over the data; the author makes 120, of 60,000 pictures

# %% [markdown] tags=["lang-zh"]
r"""
### 第三步，数据

PyTorch 里通常这样读 MNIST。`ToTensor` 把 0 到 255 的字节变成 $[0, 1]$ 里的浮点数；Datawhale 再加一步 `Normalize`，减去 0.5 再除以 0.5，变成 $[-1, 1]$；`DataLoader` 负责打乱和分批：

```python
from torch.utils.data import DataLoader
from torchvision.datasets import MNIST

transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))])
trainset = MNIST("data", train=True, transform=transform, download=True)
loader = DataLoader(trainset, batch_size=60, shuffle=True)
```

这要联网下载。本课把全部图片当作字节放在内存里，用 `images.batches(60)` 取批，得到的是同样的数，也省去了逐张解码。下面用第一张图验证。
"""

# %% [markdown] tags=["lang-en"]
r"""
### Step three, data

This is how MNIST is usually read in PyTorch. `ToTensor` turns bytes from 0 to 255 into floats in $[0, 1]$; Datawhale adds `Normalize`, which subtracts 0.5 and divides by 0.5 to give $[-1, 1]$; the `DataLoader` shuffles and makes batches:

```python
from torch.utils.data import DataLoader
from torchvision.datasets import MNIST

transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))])
trainset = MNIST("data", train=True, transform=transform, download=True)
loader = DataLoader(trainset, batch_size=60, shuffle=True)
```

That needs a download. This lesson keeps all pictures in memory as bytes and takes batches with `images.batches(60)`: the same numbers, and no picture has to be decoded each time. We check it on the first picture.
"""

# %%
transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))])
usual = transform(Image.fromarray(images.images[0, 0].numpy()))
ours = images[0].signed()[0]
say("两种写法的像素都在 {low:.0f} 到 {high:.0f} 之间，最多相差 {gap:.5f}。",
    "Either way the pixels lie between {low:.0f} and {high:.0f}, and differ by at most {gap:.5f}.",
    low=float(usual.min()), high=float(usual.max()), gap=float((usual - ours).abs().max()))

# %% [markdown] tags=["lang-zh"]
r"""
D 的任务是二分类，需要标签：真图是 1，假图是 0。siriusdemon 在循环之外一次造好：
"""

# %% [markdown] tags=["lang-en"]
r"""
D's task is binary classification and needs labels: 1 for real pictures, 0 for fakes. siriusdemon makes them once, outside the loop:
"""

# %%
real_target = torch.ones(batch_size, 1)
fake_target = torch.zeros(batch_size, 1)

# %% [markdown] tags=["lang-zh", "predict"]
r"""
### 先猜再跑 2：作者的第一个问题

他把批大小设为 60，并且问：你知道为什么要设成能整除图片数的值吗？请在代码里寻找答案，你可能需要跑一下代码才能发现线索。假设批大小是 64，`real_target` 也有 64 行；60,000 张图分到最后，只剩 32 张。用 `BCELoss` 计算损失，会怎样？

- A. 多出来的 32 个标签被忽略，照常运行。
- B. 最后一批的损失按 64 张平均，小了一半。
- C. 报错。
- D. `DataLoader` 会自动丢掉最后一批。
"""

# %% [markdown] tags=["lang-en", "predict"]
r"""
### Predict, then run 2: the author's first question

He sets the batch size to 60 and asks: do you know why it should divide the number of pictures? Look for the answer in the code; you may have to run it to find the clue. Suppose batches of 64 and a `real_target` with 64 rows; of his 60,000 pictures the last batch then holds only 32. What does `BCELoss` do?

- A. The 32 labels too many are ignored, and it runs as before.
- B. The loss of the last batch is averaged over 64 pictures and comes out half as large.
- C. It stops with an error.
- D. `DataLoader` drops the last batch by itself.
"""

# %%
labels = torch.ones(64, 1)                 # made once, for batches of 64
scores = torch.full((32, 1), 0.5)          # what D says of a last batch of 32
try:
    binary_cross_entropy(scores, labels)
except Exception as error:
    say("64 个标签，32 张图：{kind}", "64 labels for 32 pictures: {kind}",
        kind=type(error).__name__)
fitting = binary_cross_entropy(scores, torch.ones_like(scores))
say("按分数的形状造标签：损失 {loss:.3f}。", "Labels in the shape of the scores: loss {loss:.3f}.",
    loss=float(fitting))

# %% [markdown] tags=["lang-zh"]
r"""
答案是 **C**，这就是藏在代码里的线索。用 `torch.ones_like(scores)` 造标签，任何批大小都行。`images.batches(n)` 则把上一轮剩下的接到下一轮的开头，每一批都是满的。

### 第四步，网络

G 从 `z_dim` 到 `x_dim`，把原材料做成赝品；他对自己选的“赝品”一词颇为得意，因为它还有以假乱真的意思。D 从 `x_dim` 到 1，判断输入是真是假。两者都只有一个隐藏层，最后一层都是 sigmoid：G 的输出落在 $[0, 1]$，D 的输出是概率。
"""

# %% [markdown] tags=["lang-en"]
r"""
The answer is **C**, and that was the clue hidden in the code. Make the labels with `torch.ones_like(scores)` and any batch size works. As for `images.batches(n)`, it joins what is left of one epoch to the start of the next, so every batch is full.

### Step four, networks

G maps `z_dim` numbers to `x_dim` and turns raw material into a forgery. D maps `x_dim` numbers to 1 and judges whether its input is real. Each has one hidden layer and ends in a sigmoid: G's output lies in $[0, 1]$, D's is a probability.
"""

# %%
def make_generator():
    return nn.Sequential(nn.Linear(z_dim, h_dim), nn.ReLU(),
                         nn.Linear(h_dim, x_dim), nn.Sigmoid())


def make_discriminator():
    return nn.Sequential(nn.Linear(x_dim, h_dim), nn.ReLU(),
                         nn.Linear(h_dim, 1), nn.Sigmoid())

# %% [markdown] tags=["lang-zh"]
r"""
### 第五步，初始化

创建网络时，PyTorch 会给权重赋随机的初值，不必另外写。固定随机种子，是为了在同一台电脑上每次运行结果相同。
"""

# %% [markdown] tags=["lang-en"]
r"""
### Step five, initialisation

PyTorch draws random first weights when a network is made; nothing else is needed. We fix the seed so that, on the same computer, every run gives the same result.
"""

# %%
torch.manual_seed(0)
G = make_generator()
D = make_discriminator()

# %% [markdown] tags=["lang-zh"]
r"""
### 第六步，优化器和损失

两个网络各有一个 Adam。损失都是二值交叉熵，他却起了三个名字，因为用处不同：`D_loss_real` 教 D 认识真图，`D_loss_fake` 教 D 认识假图，`G_loss_f2r` 教 G 把噪声做成像真的图（f2r：fake to real）。
"""

# %% [markdown] tags=["lang-en"]
r"""
### Step six, optimisers and losses

Each network has an Adam of its own. All losses are binary cross-entropy, yet the author gives them three names, for three purposes: `D_loss_real` teaches D what is real, `D_loss_fake` teaches D what is fake, and `G_loss_f2r` teaches G to turn noise into something that passes for real (f2r: fake to real).
"""

# %%
G_optim = optim.Adam(G.parameters(), lr=lr)
D_optim = optim.Adam(D.parameters(), lr=lr)

D_loss_real = nn.BCELoss()
D_loss_fake = nn.BCELoss()
G_loss_f2r = nn.BCELoss()

# %% [markdown] tags=["lang-zh"]
r"""
### 第七步，训练

一个回合里发生的事：G 用噪声 `z` 造出假图 `fx`；D 分别判断假图和真图 `x`，两项损失相加，反向传播，更新 D；然后换一份新的噪声，G 再造一批，让 D 打分，这次的目标是“被判为真”，反向传播，更新 G。一轮之后再来一轮，人们希望双方一起进步。我们的像素在 $[-1, 1]$，他的网络要 $[0, 1]$，所以取批之后先换算。
"""

# %% [markdown] tags=["lang-en"]
r"""
### Step seven, training

What happens in one round: G turns noise `z` into fakes `fx`; D judges the fakes and the real pictures `x`, the two losses are added, backpropagated, and D is updated; then, with fresh noise, G makes another batch and D judges it, this time with the target "called real", and backpropagation updates G. The hope is that both improve from epoch to epoch. Our pixels lie in $[-1, 1]$ and his networks want $[0, 1]$, so each batch is converted first.
"""

# %%
def one_round(x):
    # G makes fakes fx from noise z
    z = torch.randn(batch_size, z_dim)
    fx = G(z)

    # D judges the fakes and the real pictures, then updates itself
    fake = D(fx)
    real = D(x)
    D_loss = D_loss_real(real, real_target) + D_loss_fake(fake, fake_target)
    D_optim.zero_grad()
    D_loss.backward()
    D_optim.step()

    # G makes other fakes, hears what D says of them, and updates itself
    z = torch.randn(batch_size, z_dim)
    fx = G(z)
    fake = D(fx)
    G_loss = G_loss_f2r(fake, real_target)
    G_optim.zero_grad()
    G_loss.backward()
    G_optim.step()
    return D_loss.item(), G_loss.item(), fx.detach()


batches = images.batches(batch_size)
after_epoch = {}  # epoch -> (D's loss, G's loss, the last batch of fakes)
for epoch in range(1, epochs + 1):
    for _ in range(len(images) // batch_size):
        x = (next(batches).view(batch_size, x_dim) + 1) / 2  # from [-1, 1] to his [0, 1]
        after_epoch[epoch] = one_round(x)

# %% [markdown] tags=["lang-zh"]
r"""
### 第八步，看结果

每一轮之后，他打印两个损失，再把最后一批的前 16 张假图排成 4×4 的方格存下来。我们也这样做。
"""

# %% [markdown] tags=["lang-en"]
r"""
### Step eight, look

After each epoch the author prints both losses and saves the first 16 fakes of the last batch as a 4×4 grid. So do we.
"""

# %% tags=["nbval-ignore-output"]
def pictures_of(fx):
    """Return bytes 0..255, (n, 1, 28, 28), of vectors of pixels in [0, 1], (n, 784)."""
    return (fx * 255).round().to(torch.uint8).view(-1, 1, 28, 28)


grids = [torch.from_numpy(show.grid(pictures_of(fx)[:16], columns=4)).permute(2, 0, 1)
         for _, _, fx in after_epoch.values()]
table([("轮", "epoch"), ("D 的损失", "D's loss"), ("G 的损失", "G's loss")],
      [[str(epoch), f"{D_loss:.2f}", f"{G_loss:.2f}"]
       for epoch, (D_loss, G_loss, _) in after_epoch.items()])
show.gallery({"epochs 1 to 6": torch.stack(grids)}, columns=3,
             alt="Six grids of sixteen pictures, one for each epoch: the sixteen of a grid are nearly "
                 "the same ragged ring or blob, another one in each epoch")

# %% [markdown] tags=["lang-zh", "caption"]
r"""
**图 2-3** 每一轮一个 4×4 方格，上排是第 1 到第 3 轮，下排是第 4 到第 6 轮。同一格里的十六张几乎一样，换一轮又换一个样子；从第 2 轮起，D 的损失很小，G 的损失很大，D 占尽上风。
"""

# %% [markdown] tags=["lang-en", "caption"]
r"""
**Fig. 2-3** One 4×4 grid for each epoch: 1 to 3 above, 4 to 6 below. The sixteen pictures of a grid are nearly the same, and change together from epoch to epoch; from epoch 2 on D's loss is small and G's large: D has the upper hand.
"""

# %% [markdown] tags=["lang-zh"]
r"""
### 第九步，评估

这是原文空着的一步。还是那五个指标：
"""

# %% [markdown] tags=["lang-en"]
r"""
### Step nine, measure

This is the step that the original leaves empty. The same five metrics:
"""

# %% tags=["nbval-ignore-output"]
with torch.no_grad():
    nine_steps = evaluator.report(pictures_of(G(torch.randn(2000, z_dim))))
table([("样本", "samples"), ("类别数", "classes"), "KL", ("有把握", "confident"),
       ("弗雷歇距离", "Fréchet distance"), ("核距离", "kernel distance")],
      [[("留出的真图", "real, held out"), *numbers(real_report)],
       [("九步程序，6 轮", "nine steps, 6 epochs"), *numbers(nine_steps)]])

# %% [markdown] tags=["lang-zh"]
r"""
他还问了第二个问题：“为什么只使用训练集？一般不都需要训练集和测试集吗？”先想一想，后面再答。

## 三处改进

程序能跑，可是按上表，它的生成器已经崩溃：只有 1 类；不过 600 步只是原来步数的一小部分，还不能下结论。下面先改三处，每一处都对应一个值得懂的道理，让程序更可靠；它们治不了崩溃（图 2-1 的程序三处都改过），崩溃留到后面专门处理。

### 一，损失在 logit 上计算

D 在 sigmoid 之前的输出称为 **logit**，记作 $l$，于是 $D = \sigma(l)$。交叉熵可以不经过 $\sigma$，直接用 $\mathrm{softplus}(l) = \log(1 + e^{l})$ 写出来：

$$-\log D = \mathrm{softplus}(-l), \qquad -\log(1 - D) = \mathrm{softplus}(l)$$

数学上和 sigmoid 加 `BCELoss` 一样，在计算机里却不一样。取一张假图，D 却深信它是真的，logit 是 20：
"""

# %% [markdown] tags=["lang-en"]
r"""
The author asks a second question, too: "Why only the training set? Do we not usually need a training set and a test set?" Think about it; the answer comes later.

## Three improvements

The program runs, but by the table its generator has collapsed: 1 class. 600 steps are a small part of the original length, so this is no verdict yet. First we change three things that make the program sounder, each of which rests on an idea worth knowing. They do not cure the collapse (the program of Fig. 2-1 has all three); that has a section of its own.

### One: compute the loss on logits

What D computes before the sigmoid is called the **logit**, $l$, so that $D = \sigma(l)$. The cross-entropy can be written without $\sigma$, with $\mathrm{softplus}(l) = \log(1 + e^{l})$:

$$-\log D = \mathrm{softplus}(-l), \qquad -\log(1 - D) = \mathrm{softplus}(l)$$

On paper that equals a sigmoid followed by `BCELoss`; in a computer it does not. Take a fake that D firmly believes to be real, with logit 20:
"""

# %%
def loss_and_gradient(loss):
    logit = torch.tensor([20.0], requires_grad=True)
    value = loss(logit)
    value.backward()
    return f"{value.item():.0f}", f"{logit.grad.item():.0f}"


fake_label = torch.zeros(1)
table([("写法", "written as"), ("损失", "loss"), ("梯度", "gradient")],
      [[("先 sigmoid，再 BCELoss", "sigmoid, then BCELoss"),
        *loss_and_gradient(lambda logit: binary_cross_entropy(logit.sigmoid(), fake_label))],
       [("直接在 logit 上", "on the logit"),
        *loss_and_gradient(lambda logit: binary_cross_entropy_with_logits(logit, fake_label))]])

# %% [markdown] tags=["lang-zh", "exercise"]
r"""
$\sigma(20)$ 在单精度里舍入成 1，`BCELoss` 把 $\log 0$ 截断成 -100：本来是 20 的损失成了 100，**梯度却是 0**。D 错得最离谱的时候，恰恰什么也学不到。所以从这里起，D 不再以 sigmoid 结尾，它直接输出 logit。

### 练习 1：判别器的损失

补全 `d_loss`。`real_logits` 和 `fake_logits` 的形状都是 `(B,)`，两个 B 可以不同。

<details><summary>提示一</summary>

真图的目标是 1，假图的目标是 0。上面两个公式各管哪一种？

</details>

<details><summary>提示二</summary>

两项各自对本批求平均，再相加。写完后检查：对真图的 logit 求导，符号应当是负的。

</details>
"""

# %% [markdown] tags=["lang-en", "exercise"]
r"""
$\sigma(20)$ rounds to 1 in single precision, and `BCELoss` cuts $\log 0$ off at -100: the loss is 100 where it should be 20, and **the gradient is 0**. Just when D is most wrong, it learns nothing. From here on D does not end in a sigmoid; it returns the logit.

### Exercise 1: the discriminator's loss

Complete `d_loss`. Both `real_logits` and `fake_logits` have shape `(B,)`, and the two B may differ.

<details><summary>Hint one</summary>

Real pictures have target 1, fakes target 0. Which of the two formulas above is for which?

</details>

<details><summary>Hint two</summary>

Average each part over its own batch, then add. A check: the derivative with respect to a real picture's logit should be negative.

</details>
"""

# %%
def d_loss(real_logits, fake_logits):
    return ...


verdict = check.discriminator_loss(d_loss)

# %% [markdown] tags=["lang-zh", "exercise"]
r"""
### 练习 2：生成器的损失

按照极小极大的式子，G 应当使 $\log(1 - D(G(z))) = -\mathrm{softplus}(l)$ 变小。可是训练之初 D 一眼就能识破假图，$l$ 是很大的负数，这一项几乎是平的，梯度接近 0：损失**饱和**（saturating）了。Arjovsky 和 Bottou（[2017](https://arxiv.org/abs/1701.04862)）证明，如果真假样本的分布几乎不重叠，那么 D 越接近最优，这个梯度越趋于 0。所以不要只问 D 强不强，还要问 G 收到的梯度还剩多少。

Goodfellow 在最早的论文里就给出了换法：使 $\log D(G(z))$ 变大，叫作**非饱和损失**（non-saturating loss）。siriusdemon 的 `G_loss_f2r` 正是它，因为目标写成了 1。两者是不同的目标函数，不能画等号。Arjovsky 和 Bottou 也指出它有自己的毛病：在他们设想的情形里，D 接近最优时梯度的方差很大，训练会不稳定。

补全 `g_loss`。

<details><summary>提示一</summary>

“变大”要写成损失，就加一个负号。

</details>

<details><summary>提示二</summary>

假图对 G 来说，目标是 1。练习 1 里哪一项的目标也是 1？

</details>
"""

# %% [markdown] tags=["lang-en", "exercise"]
r"""
### Exercise 2: the generator's loss

By the minimax formula G should make $\log(1 - D(G(z))) = -\mathrm{softplus}(l)$ small. But early in training D sees through every fake, $l$ is a large negative number, this term is almost flat and its gradient close to 0: the loss **saturates**. Arjovsky and Bottou ([2017](https://arxiv.org/abs/1701.04862)) prove that where real and fake samples hardly overlap, this gradient goes to 0 as D approaches the best discriminator. So do not only ask how strong D is; ask whether G still gets a useful gradient.

Goodfellow's first paper already has the way out: make $\log D(G(z))$ large instead, the **non-saturating loss**. siriusdemon's `G_loss_f2r` is exactly that, because its target is 1. The two are different objectives and must not be confused. Arjovsky and Bottou point out that this one has a fault of its own: in the setting they study, the variance of its gradient is large when D is close to its best, and training becomes unstable.

Complete `g_loss`.

<details><summary>Hint one</summary>

To turn "make it large" into a loss, add a minus sign.

</details>

<details><summary>Hint two</summary>

For G, a fake has target 1. Which part of exercise 1 has target 1, too?

</details>
"""

# %%
def g_loss(fake_logits):
    return ...


verdict = check.generator_loss(g_loss)

# %% [markdown] tags=["lang-zh", "predict"]
r"""
### 二，D 的一步不必经过 G

D 的一步只更新 D，梯度用不着回到 G 里去。

### 先猜再跑 3：少了 `detach` 会怎样？

更新 D 时，`fx = G(z)` 只是样本。原文没有写 `fx.detach()`，于是 `D_loss.backward()` 一路算进了 G。和写了 `detach()` 相比：

- A. D 的梯度完全相同，G 里却多出一份没用的梯度。
- B. D 的梯度里混进了 G 的梯度，所以偏大。
- C. `D_optim.step()` 会把 G 的权重也一起更新。
- D. 没有任何区别，连计算量也一样。
"""

# %% [markdown] tags=["lang-en", "predict"]
r"""
### Two: D's step need not pass through G

D's step updates D alone, so no gradient has to go back into G.

### Predict, then run 3: what if `detach` is missing?

While D is updated, `fx = G(z)` is just a sample. The original does not write `fx.detach()`, so `D_loss.backward()` runs all the way into G. Compared with writing `detach()`:

- A. D gets exactly the same gradient, but G is left with one that nobody needs.
- B. G's gradient is mixed into D's, which comes out too large.
- C. `D_optim.step()` updates G's weights as well.
- D. There is no difference at all, not even in the amount of work.
"""

# %%
def gradients_after_d_step(detach):
    torch.manual_seed(0)
    generator, discriminator = mlp.source_004()  # D returns logits
    real, fake = images[:100].signed(), generator(torch.randn(100, 64))
    if detach:
        fake = fake.detach()
    D_loss = softplus(-discriminator(real)).mean() + softplus(discriminator(fake)).mean()
    D_loss.backward()
    in_g = sum(float(p.grad.norm()) for p in generator.parameters() if p.grad is not None)
    return torch.cat([p.grad.flatten() for p in discriminator.parameters()]), in_g


without, left_over = gradients_after_d_step(detach=False)
with_it, none_left = gradients_after_d_step(detach=True)
say("D 的梯度里最大的一个数是 {largest:.2f}，两种写法最多相差 {gap:g}。G 里各个参数的梯度范数之和：不写 detach 时 {left:.2f}，"
    "写了 {none:g}。",
    "The largest entry of D's gradient is {largest:.2f}; the two ways differ by at most {gap:g}. "
    "Sum of the gradient norms left in G's parameters: {left:.2f} without detach, {none:g} with it.",
    largest=float(with_it.abs().max()), gap=float((without - with_it).abs().max()),
    left=left_over, none=none_left)

# %% [markdown] tags=["lang-zh", "predict"]
r"""
答案是 **A**。原文没有出错，是因为 G 自己的一步里，`backward()` 之前先有 `zero_grad()`；把这一行挪个位置，残留的梯度就会悄悄混进 G 的更新。所以 D 的一步里，我们写 `detach()`，或者把 `G(z)` 放进 `torch.no_grad()`。

### 三，G 的最后一层要和数据的范围配套

Datawhale 用 `Normalize` 把像素放到 $[-1, 1]$，G 就以 `nn.Tanh()` 结尾；siriusdemon 的像素在 $[0, 1]$，G 就以 sigmoid 结尾。两家各自都配套。

### 先猜再跑 4：配错了会怎样？

像素在 $[-1, 1]$，背景是 $-1$（黑色），G 却以 sigmoid 结尾。训练 300 步之后，它画的图是什么样子？

- A. 灰色的背景上，照样有白色的笔画。
- B. 整张图是一片均匀的灰，一个笔画也没有。
- C. 黑色的背景上，笔画比真图暗一些。
- D. 画不出图：两边的范围不一致，程序报错。
"""

# %% [markdown] tags=["lang-en", "predict"]
r"""
The answer is **A**. The original gets away with it because in G's own step `zero_grad()` comes before `backward()`; move that line and left-over gradients slip into G's update. So in D's step we write `detach()`, or put `G(z)` inside `torch.no_grad()`.

### Three: G's last layer must fit the range of the data

Datawhale's `Normalize` puts pixels into $[-1, 1]$ and its G ends in `nn.Tanh()`; siriusdemon's pixels lie in $[0, 1]$ and G ends in a sigmoid. Each of the two is consistent.

### Predict, then run 4: what if they do not match?

Pixels lie in $[-1, 1]$, the background is $-1$ (black), but G ends in a sigmoid. What do its pictures look like after 300 steps?

- A. On a grey background, white strokes as before.
- B. The whole picture is one flat grey, without a stroke.
- C. On a black background, strokes darker than real ones.
- D. There is no picture: the ranges disagree and the program stops.
"""

# %%
torch.manual_seed(0)
mismatched = Game(mlp.generator([64, 256, 256], last=nn.Sigmoid),
                  mlp.discriminator([256, 256], activation=mlp.leaky), latent=64)
fit(mismatched, images, 300)
grey = mismatched.sample(500)

figure, (left, middle, right) = plt.subplots(1, 3, figsize=(9, 2.6), layout="constrained",
                                             width_ratios=[1, 1, 2.4])
for axis, picture, title in ((left, images.images[0], "real"), (middle, grey[0], "generated")):
    axis.imshow(picture[0], cmap="gray", vmin=0, vmax=255)
    axis.set(title=title, xticks=[], yticks=[])
for pictures, name, color, style in ((images.images[:500], "real", show.BLUE, "-"),
                                     (grey, "generated", show.ORANGE, "--")):
    right.hist(pictures.flatten().numpy(), bins=32, range=(0, 256), density=True,
               histtype="step", color=color, linestyle=style, linewidth=2, label=name)
right.set(xlabel="grey level of a pixel", ylabel="density (log scale)", yscale="log")
right.legend()
show.show(figure, "A real digit; a generated picture; histograms of the grey levels, from 0 to "
                  "255, of real and of generated pixels")
say("{n} 张假图的像素，最暗的是 {low}，最亮的是 {high}（0 为黑，255 为白）。真图的像素有 {black:.0%} 是 0。",
    "Among the pixels of {n} fakes the darkest is {low} and the brightest {high} (0 is black, 255 "
    "white). Of the pixels of real pictures {black:.0%} are 0.",
    n=len(grey), low=int(grey.min()), high=int(grey.max()),
    black=float((images.images == 0).float().mean()))

# %% [markdown] tags=["lang-zh", "caption"]
r"""
**图 2-4** 左：真图。中：以 sigmoid 结尾的 G 画的图，是一片均匀的灰，一个笔画也没有。右：像素灰度的分布（纵轴为对数）；假图的像素全部落在中灰这一格。
"""

# %% [markdown] tags=["lang-en", "caption"]
r"""
**Fig. 2-4** Left: a real picture. Middle: what a G that ends in a sigmoid paints, one flat grey without a stroke. Right: how grey levels are distributed (log scale); all pixels of the fakes are in one bar at mid-grey.
"""

# %% [markdown] tags=["lang-zh", "exercise"]
r"""
答案是 **B**。PyTorch 不检查取值范围，所以不报错。sigmoid 最小只能到 0，那已经是中灰；真图大部分是黑的，单凭背景就足以分辨真假，而这一点 G 改不掉。一种说得通的解释是：D 总在要求“再暗一些”，G 就把所有像素，连同笔画，都压到最暗，那里 sigmoid 已经饱和，几乎没有梯度了。

### 练习 3：写出完整的两步

改进之后，一个回合由两个函数组成。请把它们完整地写出来，后面的开放题要用它们来训练。

- `my_critic_step(D, G, optimizer, real, z)`：D 的一步，`optimizer` 是 D 的优化器；返回 D 的损失。
- `my_generator_step(D, G, optimizer, z)`：G 的一步，`optimizer` 是 G 的优化器；返回 G 的损失。

`D` 返回 logit，形状 `(B,)`。损失就是练习 1 和练习 2 的 `d_loss`、`g_loss`。

<details><summary>提示一</summary>

每一步都是同样的五件事：造假图、打分、算损失、清零并反向传播、更新。对照第七步，想想哪些张量不需要梯度。

</details>

<details><summary>提示二</summary>

D 的一步里，梯度应当停在假图处；G 的一步里，梯度必须穿过 D 到达 G，却只能更新 G。写完后自问：G 的一步在 D 里留下的梯度，由谁清掉？

</details>
"""

# %% [markdown] tags=["lang-en", "exercise"]
r"""
The answer is **B**. PyTorch does not check ranges, so there is no error. A sigmoid cannot go below 0, and that is mid-grey; real pictures are mostly black, so the background alone is enough to tell a fake, and G cannot change it. A plausible explanation of the flat grey: D keeps asking for darker pixels, so G presses all of them, strokes included, to the dark end of the sigmoid, where it is saturated and hardly any gradient is left.

### Exercise 3: both steps in full

With these improvements a round consists of two functions. Write both in full; you will train with them in the open task.

- `my_critic_step(D, G, optimizer, real, z)`: D's step, `optimizer` is D's; return D's loss.
- `my_generator_step(D, G, optimizer, z)`: G's step, `optimizer` is G's; return G's loss.

`D` returns logits of shape `(B,)`. The losses are `d_loss` and `g_loss` of exercises 1 and 2.

<details><summary>Hint one</summary>

Each step does the same five things: make fakes, score, compute the loss, clear and backpropagate, update. Compare with step seven, and ask which tensors need no gradient.

</details>

<details><summary>Hint two</summary>

In D's step the gradient should stop at the fakes; in G's step it has to pass through D to reach G, but only G may be updated. Then ask: who clears the gradients that G's step leaves in D?

</details>
"""

# %%
def my_critic_step(D, G, optimizer, real, z):
    return ...


def my_generator_step(D, G, optimizer, z):
    return ...


verdict = check.own_steps(my_critic_step, my_generator_step)

# %% [markdown] tags=["lang-zh", "exercise"]
r"""
课程自己的这两步在 `gan_lessons/train.py` 里，叫 `critic_step` 和 `generator_step`，写完再去对照；`fit` 的核心就是反复调用它们。

### 练习 4（选做）：修好一个坏掉的循环

下面的循环不报错，D 的损失也在下降，图片却一直是噪点。它有两处毛病，改好它们可能不止改两行。找出来，改好它。想一想：每一半里谁应当移动？每个 `backward()` 把梯度写进了谁？

<details><summary>提示一</summary>

先在 G 的一步之后看看 G 的权重有没有变，再顺着 `fake` 往回找。

</details>

<details><summary>提示二</summary>

再看 D：从一次 `D_optimizer.step()` 到下一次之间，有哪几个 `backward()` 往 D 里加了梯度，清零又发生在什么时候？

</details>
"""

# %% [markdown] tags=["lang-en", "exercise"]
r"""
The course's own two steps are in `gan_lessons/train.py`, as `critic_step` and `generator_step`; compare when you have written yours. At its heart `fit` calls them again and again.

### Exercise 4 (optional): repair a broken loop

This loop runs without an error and D's loss falls, but the pictures stay noise. It has two faults, and mending them may take more than two lines. Find them and mend them. Ask yourself: who should move in each half, and whose gradients does each `backward()` fill?

<details><summary>Hint one</summary>

See whether G's weights change in G's half, then follow `fake` back to where it comes from.

</details>

<details><summary>Hint two</summary>

Then look at D: from one `D_optimizer.step()` to the next, which `backward()` calls add gradients to D, and when are they cleared?

</details>
"""

# %%
def play_round(G, D, G_optimizer, D_optimizer, real, z):
    fake = G(z).detach()
    D_loss = softplus(-D(real)).mean() + softplus(D(fake)).mean()
    D_loss.backward()
    D_optimizer.step()
    D_optimizer.zero_grad()

    G_loss = softplus(-D(fake)).mean()
    G_optimizer.zero_grad()
    G_loss.backward()
    G_optimizer.step()
    return D_loss, G_loss


verdict = check.repaired(play_round)

# %% [markdown] tags=["lang-zh", "failure-of-the-day"]
r"""
## 典型失败案例：模式崩溃

图 2-1 的生成器得了一种有名的病：**模式崩溃**（mode collapse，又译“模式坍塌”）。**模式**（mode）是概率密度的一个峰，这里可以理解为一种数字、一种写法。崩溃的 G 把所有的噪声 $z$ 变成几乎同一张图。[第 01 课](01_intuition.ipynb)要连着看才下结论：停在原处是模式崩溃，到处跑是振荡。图 2-3 每轮整个换一个样子，按那条规则更像振荡；图 2-1 和下面的表只看一个时刻，分不出来。所以本课说的“崩溃”，只指某一时刻的样本几乎全都一样。常见的例子里，那一张至少是个像样的数字；图 2-1 更糟，连像样的数字也不是。

先看曲线。右半边就是 Datawhale 每 200 步打印一次的 $D(x)$ 和 $D(G(z))$：
"""

# %% [markdown] tags=["lang-en", "failure-of-the-day"]
r"""
## The failure of the day: mode collapse

The generator of Fig. 2-1 has a well-known illness: **mode collapse**. A **mode** is a peak of the probability density, here one digit written one way. A collapsed G turns all noise $z$ into nearly one and the same picture. [Lesson 01](01_intuition.ipynb) looked more than once before it chose a name: a crowd that stays is mode collapse, one that moves on is oscillation. In Fig. 2-3 all pictures change together from epoch to epoch, which by that rule is more like oscillation; Fig. 2-1 and the table below look once only and cannot tell. So in this lesson "collapse" means no more than that the samples of one moment are nearly all alike. In the usual examples that picture is at least a good digit; in Fig. 2-1 it is not even that.

First the curves. On the right are $D(x)$ and $D(G(z))$, which Datawhale prints every 200 steps:
"""

# %%
show.curves(collapsed.history, HISTORY,
            alt="Training curves of the collapsed game over 2,000 steps: the losses of both "
                "players on the left, D's outputs for real pictures and for fakes on the right")

# %% [markdown] tags=["lang-zh", "caption"]
r"""
**图 2-5** 图 2-1 的那次训练。左：两个损失。右：D 对真图和假图的输出。D 很快占了上风，500 步前后最明显；光看曲线，看不出样本几乎全都一样。
"""

# %% [markdown] tags=["lang-en", "caption"]
r"""
**Fig. 2-5** The training run of Fig. 2-1. Left: both losses. Right: D's outputs for real pictures and for fakes. D soon has the upper hand, most clearly around step 500; from the curves alone nobody could tell that all samples are nearly alike.
"""

# %% [markdown] tags=["lang-zh", "failure-of-the-day"]
r"""
### 走完全程会怎样？

两篇教程都走 120,000 步，图 2-1 只走了 2,000 步。先不要责怪它们：按原来的设置走得更久，会怎样？我们事先跑过（`python -m studies.lesson02 authors`）：18,000 张真正的 MNIST（原文是 60,000 张），种子 0，评估 2,000 个样本。这张表另有自己的分类器，用这 18,000 张训练，所以弗雷歇距离只能在表内比较；最后一行是它的参照：2,000 张没见过的数字，全都出自测试文件，它的书写者和训练文件的不同；18,000 张训练图里，10,000 张出自训练文件，8,000 张出自测试文件的其余部分。

| 设置 | 步数 | 类别数 | KL | 有把握 | 弗雷歇距离 |
|---|---|---|---|---|---|
| siriusdemon | 10,000 | 7 | 0.146 | 46% | 5.94 |
| siriusdemon | 30,000 | 9 | 0.097 | 54% | 3.37 |
| siriusdemon | 60,000 | 9 | 0.248 | 61% | 3.97 |
| siriusdemon | 90,000 | 7 | 0.459 | 69% | 5.13 |
| siriusdemon | 120,000 | 4 | 0.742 | 76% | 6.87 |
| Datawhale | 10,000 | 4 | 0.768 | 30% | 13.26 |
| Datawhale | 30,000 | 7 | 0.380 | 66% | 6.93 |
| Datawhale | 60,000 | 9 | 0.273 | 76% | 4.17 |
| Datawhale | 90,000 | 7 | 0.263 | 83% | 3.68 |
| Datawhale | 120,000 | 8 | 0.355 | 85% | 4.77 |
| 真图与真图 |  | 10 | 0.003 | 96% | 0.22 |

![两套设置长时间训练之后的样本，各 32 张，没有挑选过：siriusdemon 的多为 8、3、1，多数认得出；Datawhale 的多为 1、7、9](../images/lesson02_authors.png)

上图就是本课开头那两组样本（120,000 步）。两件事值得注意。**其一，走得久，图清楚得多**，图 2-1 那样彻底的崩溃也过去了：图 2-1 用的是 Datawhale 的设置，它走到 60,000 步时有 9 个数字。图也从 6,000 张增加到 18,000 张，这张表分不开步数和数据各自的作用；但图 2-1 说的只是 2,000 步之内的事。**其二，久不等于好**：siriusdemon 的 KL 从 30,000 步起就在变差，60,000 步之后数字也越来越少，到 120,000 步，只有 4 个数字还占到 4%，近一半样本被判为 8，KL 升到 0.742，有把握的比例却一直在升。

这里只有一个种子、18,000 张图，不能替两篇原文下结论。18,000 张图走 120,000 步，每张图被看了 400 遍（siriusdemon）和 667 遍（Datawhale），原文是 120 遍和 200 遍；D 把这些图记得太熟，也可能是原因之一。但它说明，多走几步不一定能治好模式崩溃，而且只看清楚不清楚，会被骗过去。
"""

# %% [markdown] tags=["lang-en", "failure-of-the-day"]
r"""
### What if the run goes all the way?

Both tutorials take 120,000 steps; Fig. 2-1 took 2,000. Before blaming them, ask what their settings reach in the long run. We ran them beforehand (`python -m studies.lesson02 authors`) on 18,000 real MNIST pictures (60,000 in the originals), seed 0, 2,000 samples measured. This table has a classifier of its own, trained on those 18,000, so compare its Fréchet distances within the table only; the last row is its reference: 2,000 unseen digits, all from the test file, whose writers are not those of the training file; of the 18,000 training pictures 10,000 come from the training file and 8,000 from the rest of the test file.

| Settings | Steps | Classes | KL | Confident | Fréchet distance |
|---|---|---|---|---|---|
| siriusdemon | 10,000 | 7 | 0.146 | 46% | 5.94 |
| siriusdemon | 30,000 | 9 | 0.097 | 54% | 3.37 |
| siriusdemon | 60,000 | 9 | 0.248 | 61% | 3.97 |
| siriusdemon | 90,000 | 7 | 0.459 | 69% | 5.13 |
| siriusdemon | 120,000 | 4 | 0.742 | 76% | 6.87 |
| Datawhale | 10,000 | 4 | 0.768 | 30% | 13.26 |
| Datawhale | 30,000 | 7 | 0.380 | 66% | 6.93 |
| Datawhale | 60,000 | 9 | 0.273 | 76% | 4.17 |
| Datawhale | 90,000 | 7 | 0.263 | 83% | 3.68 |
| Datawhale | 120,000 | 8 | 0.355 | 85% | 4.77 |
| real against real |  | 10 | 0.003 | 96% | 0.22 |

![Samples of both settings after long training, 32 each, not chosen: siriusdemon's are mostly 8, 3 and 1, most of them readable; Datawhale's are mostly 1, 7 and 9](../images/lesson02_authors.png)

These are the two sets of samples from the beginning of the lesson (120,000 steps). Two things deserve notice. **One: longer training makes far clearer pictures**, and the total collapse of Fig. 2-1 passes: Fig. 2-1 used Datawhale's settings, and at 60,000 steps these write 9 digits. There are also 18,000 pictures instead of 6,000, and the table cannot separate steps from data; but Fig. 2-1 tells only what happens within 2,000 steps. **Two: longer is not always better.** From 30,000 steps on siriusdemon's KL gets worse, and after 60,000 digits go missing as well: at 120,000 only 4 digits still reach 4%, nearly half of all samples are read as 8, and the KL has risen to 0.742, while the confident share rises all the way.

This is one seed and 18,000 pictures, so it is no verdict on the two tutorials. With 18,000 pictures, 120,000 steps show each of them 400 times (siriusdemon) and 667 times (Datawhale), against 120 and 200 in the originals; a D that knows them too well may be part of the reason. But it shows that more steps do not always cure mode collapse, and that clear pictures can deceive.
"""

# %% [markdown] tags=["lang-zh", "failure-of-the-day"]
r"""
### 一次只改一处

能不能快一点？从 Datawhale 的设置出发（学习率 0.0002，`betas=(0.9, 0.999)`），每次只改一处，在本课的 6,000 张图上各训练 2,000 步，评估训练结束时的权重（不作平均）的 2,000 个样本，得到一张**补救表**（最后一行一次改了三处，不在“只改一处”之列；R1 是对 D 的梯度的惩罚，$\gamma$ 是它的强度，下一节讲）：

| 改了什么 | 类别数，每个种子 | KL | 有把握 | 弗雷歇距离 |
|---|---|---|---|---|
| 原来的设置 | 1 1 1 1 1 | 2.361 | 32% | 25.55 |
| 学习率 0.001 | 1 1 1 1 1 | 2.322 | 0% | 25.82 |
| `betas=(0.0, 0.999)` | 7 6 5 9 6 | 0.374 | 28% | 13.20 |
| `betas=(0.9, 0.99)` | 1 1 1 1 1 | 2.361 | 9% | 26.26 |
| R1，$\gamma = 1$ | 3 3 4 5 1 | 1.260 | 35% | 17.98 |
| `betas=(0.0, 0.99)`，学习率 0.001 | 9 10 10 9 10 | 0.065 | 68% | 3.46 |

类别数一栏里，每个数是一个种子；其余各栏是 5 个种子的平均值（“原来的设置”的 32%，是 2%、0%、93%、58%、6% 的平均）。**这张表的四处单独改动里，只有 `beta1` 从 0.9 换成 0，让每个种子都有至少 5 个类别**（纯噪点有 4 个）；R1（$\gamma = 1$）随种子不同，是 1 到 5 个，五个种子里有四个不比噪点多：KL 和弗雷歇距离比原来的设置好（1.260 对 2.361，17.98 对 25.55），KL 却还不如噪点（1.04）；单独换 $\beta_2$，或者单独把学习率调大到 0.001，都只有 1 个。

Adam 的 $\beta_1 = 0.9$ 是动量（momentum）：每一步主要沿着最近约十步的平均方向走。可是 D 一直在变，那个方向很快就过时了，G 带着惯性冲过头，所有假图一起变样。这个解释和表里的数相符，但表本身并没有证明它。

只换 $\beta_1$ 还不够好：有把握的只有 28%。$\beta_1 = 0$、$\beta_2 = 0.99$ 和较大的学习率一起用，2,000 步就写出了 9 到 10 个数字；后两处各起多大作用，这张表没有分出来。
"""

# %% [markdown] tags=["lang-en", "failure-of-the-day"]
r"""
### One change at a time

Can it be quicker? Starting from Datawhale's settings (learning rate 0.0002, `betas=(0.9, 0.999)`) we change one thing at a time and train 2,000 steps on the 6,000 pictures of this lesson, measuring 2,000 samples of the weights as they are in the end, not averaged. This is our **table of remedies**; its last row changes three things at once and stands apart. R1 is a penalty on D's gradient and $\gamma$ its strength; the next section explains it:

| What was changed | Classes, each seed | KL | Confident | Fréchet distance |
|---|---|---|---|---|
| the original settings | 1 1 1 1 1 | 2.361 | 32% | 25.55 |
| learning rate 0.001 | 1 1 1 1 1 | 2.322 | 0% | 25.82 |
| `betas=(0.0, 0.999)` | 7 6 5 9 6 | 0.374 | 28% | 13.20 |
| `betas=(0.9, 0.99)` | 1 1 1 1 1 | 2.361 | 9% | 26.26 |
| R1, $\gamma = 1$ | 3 3 4 5 1 | 1.260 | 35% | 17.98 |
| `betas=(0.0, 0.99)`, learning rate 0.001 | 9 10 10 9 10 | 0.065 | 68% | 3.46 |

Under "Classes" each number is one seed; the other columns are means of the 5 seeds (the 32% of the original settings is the mean of 2%, 0%, 93%, 58% and 6%). **Of the four single changes in this table, only `beta1` from 0.9 to 0 brings every seed to at least 5 classes** (pure noise has 4); R1 ($\gamma = 1$) brings 1 to 5, on four of the five seeds no more than noise: its KL and Fréchet distance are better than those of the original settings (1.260 against 2.361, 17.98 against 25.55), but its KL is still worse than that of noise (1.04); changing $\beta_2$ alone, or raising the learning rate to 0.001 alone, leaves 1.

Adam's $\beta_1 = 0.9$ is momentum: each step mostly follows the average direction of the last ten or so. But D keeps changing and that direction is soon out of date; G overshoots, and all fakes jump together. This explanation agrees with the numbers of the table, but the table does not prove it.

$\beta_1$ alone is not enough: only 28% of the samples are confident. With $\beta_1 = 0$, $\beta_2 = 0.99$ and a larger learning rate together, 2,000 steps give 9 to 10 digits; how much each of the last two does, the table does not say.
"""

# %% [markdown] tags=["lang-zh"]
r"""
### R1：给 D 的梯度加上惩罚

最后再加一项 **R1**。上表没有一行同时用 R1 和 $\beta_1 = 0$，合用有没有好处还不知道；我们按原论文的主张加上它，希望训练更稳（[Mescheder 等，2018](https://arxiv.org/abs/1801.04406)）。它把下式加到 D 的损失里：

$$\frac{\gamma}{2} \, \mathbb{E}_{x}\, \lVert \nabla_x l(x) \rVert^2$$

$l$ 是 D 的 logit。D 在真图处的梯度越大，惩罚越重；梯度变小后，已经接近真图的假图不会再被推开。写成代码只有三行：

```python
real.requires_grad_(True)
slope, = torch.autograd.grad(D(real).sum(), real, create_graph=True)
penalty = gamma / 2 * slope.flatten(1).square().sum(1).mean()
```

最后的训练还改了三处：

- R1 取 $\gamma = 3$，为了节省时间每 4 步算一次，那一步的强度乘以 4，平均下来不变；
- 批大小减到 50，同样的时间可以多走几步；
- 最后的图用 G 的权重 $\theta$ 的**指数滑动平均**（exponential moving average，EMA）来画，每一步都令

$$\bar\theta \leftarrow 0.9995\,\bar\theta + 0.0005\,\theta$$

大约是最近 2,000 步的平均：G 的权重一直在摆动，平均之后画得更稳。训练之初，它还带着早先的权重，反而更差。`lesson02_cured.json` 里 5 个种子的平均弗雷歇距离，2,000 步时 EMA 是 16.67，最新权重是 2.80；8,000 步时是 0.31 对 0.64。
"""

# %% [markdown] tags=["lang-en"]
r"""
### R1: a penalty on D's gradient

To that we add **R1**. The table has no row with both R1 and $\beta_1 = 0$, so we do not know yet whether the two help each other; we follow its authors in the hope of steadier training ([Mescheder et al. 2018](https://arxiv.org/abs/1801.04406)). It is a term in D's loss:

$$\frac{\gamma}{2} \, \mathbb{E}_{x}\, \lVert \nabla_x l(x) \rVert^2$$

where $l$ is D's logit. The larger D's gradient at real pictures, the more it costs; once it is small, fakes that have come close to real pictures are no longer pushed away. In code it is three lines:

```python
real.requires_grad_(True)
slope, = torch.autograd.grad(D(real).sum(), real, create_graph=True)
penalty = gamma / 2 * slope.flatten(1).square().sum(1).mean()
```

Three things change in the last run:

- R1 with $\gamma = 3$, computed on every 4th step to save time, and there 4 times as strong, which leaves the average as it was;
- batches of 50, which allow more steps in the same time;
- the last pictures are painted by the **exponential moving average** (EMA) of G's weights $\theta$, updated at each step:

$$\bar\theta \leftarrow 0.9995\,\bar\theta + 0.0005\,\theta$$

This is roughly the mean of the last 2,000 steps: the weights keep swinging, and their average paints more steadily. Early in training it still carries old weights and is worse. In `lesson02_cured.json` the mean Fréchet distance of 5 seeds is, at 2,000 steps, 16.67 with EMA against 2.80 with the newest weights; at 8,000 steps 0.31 against 0.64.
"""

# %%
steps = runtime.at_scale(smoke=200, default=8000, full=60_000)
cured = recipes.source_004(batch=50, lr=1e-3, betas=(0.0, 0.99), ema=0.9995,
                           penalty=partial(penalties.r1, gamma=3.0), penalty_every=4)
fit(cured, images, steps, snapshot_every=steps // 8)
show.filmstrip(cured.snapshots, pictures=16,
               alt="Filmstrip of the cured game: from the same noise, from grey at step 0 to "
                   "digits of different kinds at the last step, most of them readable")

# %% [markdown] tags=["lang-zh", "caption"]
r"""
**图 2-6** 每一列是同一个 $z$，从上到下是训练的不同时刻。噪声不变，所以看到的变化都来自网络；若像原文那样每次换新的噪声，就分不清是谁变了。这里用的是当时最新的权重，不是 EMA。同一个 $z$ 在不同时刻可能写成不同的数字。
"""

# %% [markdown] tags=["lang-en", "caption"]
r"""
**Fig. 2-6** Each column is one $z$, from top to bottom at different moments of training. The noise stays, so all change you see is the network's; with new noise each time, as in the originals, you could not tell which of the two has changed. These are the newest weights of each moment, not the EMA. One $z$ can become different digits at different moments.
"""

# %%
final = cured.sample(2000, ema=True)
show.gallery(final[:60], columns=15,
             alt="Sixty samples of the cured generator: handwritten digits of all ten kinds, "
                 "most of them readable, some blurred or broken")

# %% [markdown] tags=["lang-zh", "caption"]
r"""
**图 2-7** 没有挑选过的前 60 个样本，用 EMA 权重画出。十个数字都有，大多认得出；有一些模糊、断开，或介于两个数字之间（分类器对全部 2,000 个样本里的 15% 没有把握）。
"""

# %% [markdown] tags=["lang-en", "caption"]
r"""
**Fig. 2-7** The first 60 samples, not chosen, painted with the EMA weights. All ten digits appear and most can be read; some are blurred, broken or between two digits (the classifier is not confident about 15% of all 2,000).
"""

# %% tags=["nbval-ignore-output"]
cured_report = evaluator.report(final)
table([("样本", "samples"), ("类别数", "classes"), "KL", ("有把握", "confident"),
       ("弗雷歇距离", "Fréchet distance"), ("核距离", "kernel distance")],
      [[("留出的真图", "real, held out"), *numbers(real_report)],
       [("治好之后", "cured"), *numbers(cured_report)],
       [("崩溃的生成器", "collapsed generator"), *numbers(collapsed_report)],
       [("噪点", "noise"), *numbers(noise_report)]])

# %% [markdown] tags=["lang-zh"]
r"""
上表是这一次训练。换 5 个种子各训练一遍（`python -m studies.lesson02 cured`，同样的设置，EMA 权重；类别数之外的各栏是 5 个种子的平均值）：

|  | 类别数，每个种子 | KL | 有把握 | 弗雷歇距离 |
|---|---|---|---|---|
| 治好之后 | 10 10 10 10 10 | 0.005 | 84% | 0.31 |
| 真图与真图 | 10 | 0.003 | 97% | 0.05 |

十个数字都在，比例也匀，大多认得出。弗雷歇距离仍是真图之间的好几倍，图 2-7 里有一些笔画模糊或断开；下一课换成卷积网络，看看能不能再好一些。这里同时改了好几处（批大小、学习率、`betas`、R1、EMA，步数也从 2,000 加到 8,000）。只走 2,000 步时，最新权重的 KL 是 0.056，弗雷歇距离是 2.80，和补救表没有 R1 的最后一行（0.065，3.46）相差不大；可见学习率和 `betas` 已经把距离从 25.55 降到 3.46；余下到 0.31 的一段，看来多走的步数（最新的权重是 0.64）和 EMA 起了大半作用。R1 有没有帮助，从这两行看不出来：批大小也不同（那里 100，这里 50）。各自起多大作用，要像上一节那样分开来试。
"""

# %% [markdown] tags=["lang-en"]
r"""
That was this one run. With 5 seeds, the same settings and the EMA weights (`python -m studies.lesson02 cured`; the columns after the classes are means of the 5 seeds):

|  | Classes, each seed | KL | Confident | Fréchet distance |
|---|---|---|---|---|
| cured | 10 10 10 10 10 | 0.005 | 84% | 0.31 |
| real against real | 10 | 0.003 | 97% | 0.05 |

All ten digits are there, in even shares, and most can be read. The Fréchet distance is still several times that of real from real, and in Fig. 2-7 some strokes are blurred or broken; whether convolutions help is for the next lesson to test. Several things changed at once here (batch size, learning rate, `betas`, R1, EMA, and 8,000 steps instead of 2,000). After only 2,000 steps the newest weights have a KL of 0.056 and a Fréchet distance of 2.80, not far from the last row of the remedies, without R1 (0.065, 3.46). So learning rate and `betas` have already brought the distance from 25.55 down to 3.46; of the rest of the way, to 0.31, more steps (0.64 with the newest weights) and the EMA seem to do most. Whether R1 helps, these two rows do not tell: the batch is another one, too (100 there, 50 here). How much each of them does has to be tried one at a time, as in the section above.
"""

# %%
show.histograms({"real": p, "collapsed": collapsed_report.histogram,
                 "cured": cured_report.histogram},
                alt="Bar chart of the share of each digit: collapsed, one digit has all "
                    "samples; cured, all ten digits have close to a tenth, as real ones do")

# %% [markdown] tags=["lang-zh", "caption"]
r"""
**图 2-8** 各数字的比例：真图、崩溃的生成器、治好之后。
"""

# %% [markdown] tags=["lang-en", "caption"]
r"""
**Fig. 2-8** The share of each digit: real, collapsed, cured.
"""

# %%
show.curves(cured.history, HISTORY,
            alt="Training curves of the cured game: on the left the two losses, on the right D's outputs "
                "for real pictures and for fakes, on either side of one half")

# %% [markdown] tags=["lang-zh", "caption"]
r"""
**图 2-9** 治好之后的曲线。注意纵轴和图 2-5 不同：右图只画 0.5 附近的一小段。约 2,000 步以后，两条输出曲线相差不多，损失也几乎是平的。可是单看曲线仍不知道画得好不好：一个什么都没学会的 D，输出也在 0.5 附近。
"""

# %% [markdown] tags=["lang-en", "caption"]
r"""
**Fig. 2-9** The curves after the cure. Mind the axes, which are not those of Fig. 2-5: on the right only a small range around 0.5 is drawn. After about 2,000 steps the two outputs lie close together and the losses are almost flat. Still the curves alone do not say how good the pictures are: a D that has learned nothing has outputs near 0.5, too.
"""

# %% [markdown] tags=["lang-zh"]
r"""
## 第二个问题：为什么只用训练集？

现在回答 siriusdemon 的第二个问题。训练 G 的确只需要训练集：没有标签要预测，也就没有测试准确率。可是**评估**还需要 G 没见过的真图，理由有两个。

1. 没有它们就没有参照，不知道弗雷歇距离等于多少才算好。
2. 把训练集死记硬背下来的模型，和训练集的距离是 0，得分最高，却写不出任何新的数字。我们的 KL 和弗雷歇距离正是和训练图片比的，会把最高分给这样的模型，所以还要有下面的检验。

### 检验抄袭

怎样发现死记硬背？只量“离最近的训练图片有多远”是不够的：往抄来的图片上加一点噪点，距离就拉开了。要比较：给每个样本找出最近的训练图片，再找出最近的**没见过的**图片，看哪一张更近。两组候选一样多，各 2,000 张，又出自同一个文件；G 若没有抄，两边应当各占一半。为了不受细小噪点影响，距离按 4×4 像素的小块的平均值计算。这叫符号检验（sign test）：样本有 $n$ 个，更接近训练图片的占 $s$，则

$$Z = \frac{s - 1/2}{1 / (2\sqrt{n})}$$

这里的 $Z$ 是检验的统计量，和噪声 $z$ 无关。若每张图都像抛硬币，它多半落在 $-2$ 到 $2$ 之间。

一个检验要先证明自己有用，所以加两个对照。**阳性对照**：一台真正的复读机，从 6,000 张训练图片里随手抽一张，加上标准差 30 的噪点交出来；检验必须抓住它。**阴性对照**：测试文件里的 2,000 张新数字，出自另一些人的手；检验不能冤枉它们。
"""

# %% [markdown] tags=["lang-en"]
r"""
## The second question: why only the training set?

Now for siriusdemon's second question. To train G, the training set is indeed enough: there are no labels to predict and so no test accuracy. But to **measure** we need real pictures that G has not seen, for two reasons.

1. Without them there is no reference, and nobody can say which Fréchet distance is good.
2. A model that has learned the training set by heart is at distance 0 from it. It gets the best score of all and can write nothing new. Our KL and Fréchet distance compare with the training pictures and would give it that score, hence the test below.

### A test for copies

How do we detect learning by heart? "How far is the nearest training picture" is not enough: a little noise on a copy, and it is far. We have to compare: find the nearest training picture of a sample, find the nearest picture that G has **not** seen, and ask which is nearer. Both sets of candidates are equally large, 2,000 each, and come from the same file; if G does not copy, each should win half of the time. To look past fine noise we take distances between the means of blocks of 4×4 pixels. This is a sign test: with $n$ samples, of which a share $s$ is nearer to a training picture,

$$Z = \frac{s - 1/2}{1 / (2\sqrt{n})}$$

This $Z$ is the test's statistic and has nothing to do with the noise $z$. If every picture were the toss of a coin, it would mostly lie between $-2$ and $2$.

A test first has to show that it works, so there are two controls. The **positive control** is a true reciter: it draws one of the 6,000 training pictures, adds noise with a standard deviation of 30 and hands it in; the test must catch it. The **negative control** is 2,000 new digits from the test file, by other writers; the test must not accuse them.
"""

# %% tags=["nbval-ignore-output"]
chance = torch.Generator().manual_seed(0)
recited = images.images[torch.randint(len(images), (2000,), generator=chance)].float()
recited += 30 * torch.randn(recited.shape, generator=chance)
new = data.mnist(train=False).images[:2000]
tests = {name: measure.copy_test(pictures, images.images, held_out.images)
         for name, pictures in (("reciter", recited.round().clamp(0, 255).to(torch.uint8)),
                                ("new digits", new), ("G", final))}
table([("交来的图片", "pictures"), ("更接近训练图片", "nearer to training"), "Z"],
      [[("复读机", "reciter"), f"{tests['reciter'].share:.1%}", f"{tests['reciter'].z:.1f}"],
       [("新数字", "new digits"), f"{tests['new digits'].share:.1%}",
        f"{tests['new digits'].z:.1f}"],
       [("生成器 G", "the generator G"), f"{tests['G'].share:.1%}", f"{tests['G'].z:.1f}"]])

# %%
figure, axis = plt.subplots(figsize=(9, 2.8), layout="constrained")
for (name, test), (color, _, style) in zip(tests.items(), show.LINES, strict=False):
    ratio = (test.to_training / test.to_unseen).numpy()
    axis.hist(ratio, bins=60, range=(0, 2), histtype="step", linewidth=2, color=color,
              linestyle=style, label=name)
axis.axvline(1, color=show.GREY, linestyle=":")
axis.set(xlabel="distance to the nearest training picture / to the nearest unseen picture",
         ylabel="pictures")
axis.legend()
show.show(figure, "Three histograms of the ratio of distances: those of the new digits and of G "
                  "have one peak near 1, G's the narrower, and that of the reciter has a second "
                  "peak far below 1")

# %% [markdown] tags=["lang-zh", "caption"]
r"""
**图 2-10** 横轴是两个距离之比。复读机在 1 的左边多出一个峰：那是原件恰好在候选之中的三分之一。新数字和 G 的样本都只有一个峰，在 1 附近；G 的更窄、更高一些。
"""

# %% [markdown] tags=["lang-en", "caption"]
r"""
**Fig. 2-10** On the horizontal axis, the ratio of the two distances. The reciter has a second peak to the left of 1: the third of its pictures whose originals are among the candidates. New digits and samples of G have a single peak near 1; G's is a little narrower and higher.
"""

# %%
def nearest_of(pictures, known):
    """Return the picture of `known` that is nearest to each of `pictures`."""
    blocks = [avg_pool2d(p.float(), 4).flatten(1) for p in (pictures, known)]
    return known[torch.cdist(*blocks).argmin(1)]


show.gallery({"samples of G": final[:16],
              "nearest of 2,000 training pictures": nearest_of(final[:16], images.images[:2000]),
              "nearest of 2,000 unseen pictures": nearest_of(final[:16], held_out.images)},
             columns=16, alt="Three rows of sixteen: samples of G, their nearest training pictures "
                             "and their nearest unseen pictures, alike in kind and slant, and "
                             "neither row closer than the other")

# %% [markdown] tags=["lang-zh", "caption"]
r"""
**图 2-11** 每一列是一个样本、最近的训练图片和最近的未见图片。两排近邻与样本的相似程度不相上下。
"""

# %% [markdown] tags=["lang-en", "caption"]
r"""
**Fig. 2-11** Each column is a sample, its nearest training picture and its nearest unseen picture. The two rows of neighbours resemble the samples about equally well.
"""

# %% [markdown] tags=["lang-zh", "exercise"]
r"""
复读机被抓住了：64.4%，$Z$ = 12.9。它到不了 100%：原件只有三分之一在候选里，所以至多是 1/3 + 2/3 · 1/2，约 67%。新数字没有被冤枉（51.6%，$Z$ = 1.4）。G 在 `python -m studies.lesson02 cured` 的 5 个种子上是 50.7% 到 52.8%。有一个种子的 $Z$ 是 2.5；不过，谁也不可能抄过的新数字也占 51.6%，应当和它比：52.8% 只高出 1.2 个百分点，而这个差的标准误约为 1.6。所以没有大量照抄的迹象。不过，全部照抄也只比新数字高出 13 个百分点；如果有五分之一是抄的，只高出约 2.6 个，还在两倍标准误之内，这个检验排除不了。

它有两处会出错：

- **漏掉抄袭。** 候选只有 2,000 张；抄得很少，或者把原件挪动、变形之后再交出来，比例就升得不多。
- **冤枉人。** $Z$ 把每张图当作一次独立的抛硬币；崩溃的 G 反复画同几张图，没有抄，$|Z|$ 也会很大。先看有没有崩溃，再用这个检验。

为什么没见过的图片要出自同一个文件？因为测试文件是另一些人写的。拿它当候选，连留出的、G 没见过的训练文件数字，也有 61% “更接近训练图片”（同一份研究）：那是笔迹的差别，不是抄袭。两组候选除了“见过”和“没见过”，不能有别的差别。

## 从张量回到字节

存图之前，要把 $[-1, 1]$ 换回 0 到 255。Datawhale 的 `denorm` 先换回 $[0, 1]$，余下的交给 `save_image`；下面的练习一步换到位。

### 练习 5：`denorm`

补全 `denorm`：输入是 $[-1, 1]$ 里的浮点数，输出是 0 到 255 的 `uint8`，是 `x = bytes / 127.5 - 1` 的逆运算。不在格点上的值取最近的整数，略微超出范围的值取端点。

<details><summary>提示一</summary>

先解出 `bytes`，再想：从浮点数到 `uint8` 的转换是四舍五入，还是截断？

</details>

<details><summary>提示二</summary>

`torch.tensor([254.6, 256.2, -1.4]).to(torch.uint8)` 会得到什么？转换之前要先排除这些意外。

</details>
"""

# %% [markdown] tags=["lang-en", "exercise"]
r"""
The reciter is caught: 64.4%, $Z$ = 12.9. It cannot reach 100%, because only a third of its originals are among the candidates: at most 1/3 + 2/3 · 1/2, about 67%. The new digits are not accused (51.6%, $Z$ = 1.4). On the 5 seeds of `python -m studies.lesson02 cured` G comes out at 50.7% to 52.8%. One seed has a $Z$ of 2.5; but the new digits, which nobody can have copied, come out at 51.6%, too, and that is what to compare with: 52.8% is only 1.2 points above it, and the standard error of this difference is about 1.6. So there is no sign of wholesale copying. But even a complete reciter is only 13 points above the new digits, so one that copies a fifth of its pictures would be about 2.6 above, within two standard errors, and this test cannot rule that out.

It can go wrong in two ways:

- **It misses copies.** There are only 2,000 candidates, and a generator that copies rarely, or moves and bends its originals before handing them in, raises the share only a little.
- **It accuses wrongly.** $Z$ takes each picture for an independent toss of a coin, and a collapsed G that paints the same few pictures again and again gets a large $|Z|$ without copying. Rule out collapse before you use it.

Why must the unseen pictures come from the same file? Because the test file was written by other people. With it as the candidates, even the held-out digits of the training file, which G has never seen, are "nearer to training pictures" in 61% of cases (in the same study): a difference of handwriting, not copying. The two sets of candidates may differ in nothing but "seen" and "not seen".

## From tensors back to bytes

Before a picture is saved, $[-1, 1]$ has to go back to 0 to 255. Datawhale's `denorm` first returns to $[0, 1]$ and leaves the rest to `save_image`; the exercise goes all the way.

### Exercise 5: `denorm`

Complete `denorm`: floats in $[-1, 1]$ go in, `uint8` from 0 to 255 come out, the inverse of `x = bytes / 127.5 - 1`. Values off the grid go to the nearest integer, values slightly outside to the end of the range.

<details><summary>Hint one</summary>

Solve for `bytes`, then ask: does the conversion from float to `uint8` round, or does it cut off?

</details>

<details><summary>Hint two</summary>

What is `torch.tensor([254.6, 256.2, -1.4]).to(torch.uint8)`? Rule out these surprises before you convert.

</details>
"""

# %%
def denorm(x):
    return ...


verdict = check.to_bytes(denorm)

# %% [markdown] tags=["lang-zh"]
r"""
## 检查点

训练可能很久，电脑可能关机。Datawhale 的教程在最后保存权重；要想接着训练，光有权重不够，还要有两个优化器的状态、随机数的状态和步数。`checkpoint.save` 把它们都写进一个 safetensors 文件，`fit(game, images, steps, save_to="runs/digits.safetensors")` 则边训练边存。停下再继续，应当和一口气跑完一模一样：
"""

# %% [markdown] tags=["lang-en"]
r"""
## Checkpoints

Training can take long, and computers get switched off. Datawhale's tutorial ends by saving the weights; to go on training, weights are not enough. It takes the state of both optimisers, the state of the random numbers and the step count, too. `checkpoint.save` writes all of it into one safetensors file, and `fit(game, images, steps, save_to="runs/digits.safetensors")` saves as it trains. Stopping and going on should equal an uninterrupted run:
"""

# %%
with tempfile.TemporaryDirectory() as folder:
    file = Path(folder) / "half_way.safetensors"
    checkpoint.save(fit(recipes.source_002(), images, 30), file)
    resumed = recipes.source_002()
    checkpoint.load(resumed, file)
    fit(resumed, images, 60)

in_one_go = fit(recipes.source_002(), images, 60)
gap = max(float((a - b).detach().abs().max()) for a, b in
          zip(resumed.generator.parameters(), in_one_go.generator.parameters(), strict=True))
start = recipes.source_002()  # the same first weights, not trained
moved = max(float((a - b).detach().abs().max()) for a, b in
            zip(start.generator.parameters(), in_one_go.generator.parameters(), strict=True))
say("停下再继续和一口气跑完，G 的权重最多相差 {gap:g}；60 步里，权重本身最多移动了 {moved:.2f}。",
    "Resumed run against uninterrupted run: G's weights differ by at most {gap:g}; in the 60 "
    "steps they moved by up to {moved:.2f}.", gap=gap, moved=moved)

# %% [markdown] tags=["lang-zh", "exercise"]
r"""
## 开放题：用自己的两步训练

把练习 3 的两个函数放进循环，训练一个生成器，使 2,000 个样本里至少有 9 个数字各占 4% 以上，而且分类器有把握的样本不少于 60%。规则：最多 3,000 步；不调用 `fit`；网络可以用 `mlp.source_004()`，也可以自己写。动手之前先写下你打算用的学习率和 `betas`，以及理由；没有达到标准，就一次只改一处，把每次的类别数、KL、有把握的比例和弗雷歇距离记下来。

<details><summary>提示一</summary>

在“一次只改一处”的表里，比较每一行的类别数。

</details>

<details><summary>提示二</summary>

两个优化器都要按你选的那一行设置，取批用 `images.batches(100)`，噪声用 `torch.randn(100, 64)`。先跑 300 步，看两个损失是否都是有限的数，再跑完。

</details>
"""

# %% [markdown] tags=["lang-en", "exercise"]
r"""
## Open task: train with your own two steps

Put the two functions of exercise 3 into a loop and train a generator that passes two bars on 2,000 samples: at least 9 digits have a share of 4% or more, and the classifier is confident about at least 60% of the samples. The rules: at most 3,000 steps; no `fit`; the networks may be those of `mlp.source_004()` or your own. Before you start, write down the learning rate and the `betas` you will use, and why; if the bar is missed, change one thing at a time and note classes, KL, confident share and Fréchet distance of each attempt.

<details><summary>Hint one</summary>

In the table of "One change at a time", compare the classes of each row.

</details>

<details><summary>Hint two</summary>

Both optimisers need the settings of the row you chose; take batches with `images.batches(100)` and noise with `torch.randn(100, 64)`. Run 300 steps first, see that both losses are finite, then run them all.

</details>
"""

# %%
my_G = ...  # train it here

verdict = check.writes_digits(my_G, 64, evaluator)

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
lab.quiz("02")

# %% [markdown] tags=["lang-zh", "recap"]
r"""
## 小结

**算法**（$K = 1$）。重复以下两步：

1. D 的一步：取真图 $x$，造假图 $G(z)$，梯度停在假图处；做一步梯度下降，使 $\mathbb{E}\,\mathrm{softplus}(-l(x)) + \mathbb{E}\,\mathrm{softplus}(l(G(z)))$ 减小。
2. G 的一步：造新的假图，梯度穿过 D；做一步梯度下降，使 $\mathbb{E}\,\mathrm{softplus}(-l(G(z)))$ 减小。

其中 $l$ 是 D 的 logit。数据在 $[-1, 1]$，G 以 tanh 结尾；数据在 $[0, 1]$，以 sigmoid 结尾。R1 在 D 的损失里加上 $\frac{\gamma}{2}\,\mathbb{E}\,\lVert \nabla_x l(x) \rVert^2$。

**评估**：

| 指标 | 看得见 | 看不见 |
|---|---|---|
| 类别数、KL | 哪些数字漏了，比例偏了多少 | 像不像：噪点也能得分 |
| 有把握的比例 | 分类器认不认得出 | 变化：同一团斑点也可能得 93% |
| 弗雷歇距离、核距离 | 特征的分布，质量和变化都算 | 抄袭 |
| 抄袭检验 | 是否更接近训练图片 | 好不好看 |

距离只有特征相同才能相比。损失曲线和 D 的输出只说明两个网络此刻的强弱。画得好不好，要量图片本身。
"""

# %% [markdown] tags=["lang-en", "recap"]
r"""
## Recap

**The algorithm** ($K = 1$). Repeat two steps:

1. D's step: take real pictures $x$, make fakes $G(z)$, stop the gradient at the fakes; take a gradient step that decreases $\mathbb{E}\,\mathrm{softplus}(-l(x)) + \mathbb{E}\,\mathrm{softplus}(l(G(z)))$.
2. G's step: make new fakes, let the gradient pass through D; take a gradient step that decreases $\mathbb{E}\,\mathrm{softplus}(-l(G(z)))$.

Here $l$ is D's logit. With data in $[-1, 1]$ G ends in tanh, with data in $[0, 1]$ in a sigmoid. R1 adds $\frac{\gamma}{2}\,\mathbb{E}\,\lVert \nabla_x l(x) \rVert^2$ to D's loss.

**The metrics**:

| Metric | Sees | Does not see |
|---|---|---|
| classes, KL | which digits are missing, how far the shares are off | quality: noise scores, too |
| confident share | whether the classifier can read it | variety: one blob can score 93% |
| Fréchet and kernel distance | how features are distributed, quality and variety alike | copying |
| test for copies | whether samples are nearer to training pictures | whether they look good |

Distances in different features cannot be compared. Loss curves and D's outputs only tell how strong the two networks are at the moment. To know how good the pictures are, measure the pictures.
"""

# %% [markdown] tags=["lang-zh", "going-further"]
r"""
## 延伸

- **把代码读两遍。** siriusdemon 建议至少读两遍，把各个片段的关联弄清楚，再试着回答那些小问题。从 `gan_lessons/train.py` 读起。
- **放大。** 把 MNIST 的四个文件放进 `GAN_LESSONS_DATA` 所指文件夹里的 `MNIST/raw`，再运行一遍：60,000 张，其中 2,000 张留出。
- **重算。** 本课的表由 `studies/lesson02.py` 算出，文件开头写着命令。“走完全程”那张表用了训练文件和测试文件各 10,000 张，课程自带的不够；其余的用自带的就能重算。
- **往前走。** 全连接层换成卷积，就是 DCGAN（第 03 课）；把类别标签也交给 G 和 D，就是 CGAN，输入和目标函数都变了；两个方向各用一对网络，再加循环损失，就是 CycleGAN。
- **论文。** Goodfellow 等，[Generative Adversarial Nets](https://arxiv.org/abs/1406.2661)；Arjovsky 和 Bottou，[Towards Principled Methods for Training Generative Adversarial Networks](https://arxiv.org/abs/1701.04862)；Salimans 等，[Improved Techniques for Training GANs](https://arxiv.org/abs/1606.03498)，讲了许多别的训练技巧；Mescheder 等，[Which Training Methods for GANs do actually Converge?](https://arxiv.org/abs/1801.04406)，R1 出自这里。
- **中文材料。** 邱锡鹏《神经网络与深度学习》第 13 章；李宏毅的 GAN 课程；王坤峰等《生成式对抗网络 GAN 的研究进展与展望》（自动化学报，2017）。
"""

# %% [markdown] tags=["lang-en", "going-further"]
r"""
## Going further

- **Read the code twice.** siriusdemon advises at least two readings, to see how the pieces connect, and then a try at his small questions. Begin with `gan_lessons/train.py`.
- **Scale up.** Put the four MNIST files into `MNIST/raw` inside the folder that `GAN_LESSONS_DATA` names and run again: 60,000 pictures, of which 2,000 are held out.
- **Recompute.** The tables of this lesson come from `studies/lesson02.py`; the commands stand at the top of the file. The table of the long runs used 10,000 digits of each of the two files, more than come with the course; the others need no more than that.
- **Go on.** Replace the fully connected layers by convolutions and you have a DCGAN (lesson 03); hand the class to G and D as well and you have a CGAN, with another input and another objective; use a pair of networks for each direction and a cycle-consistency loss and you have a CycleGAN.
- **Papers.** Goodfellow et al., [Generative Adversarial Nets](https://arxiv.org/abs/1406.2661); Arjovsky and Bottou, [Towards Principled Methods for Training Generative Adversarial Networks](https://arxiv.org/abs/1701.04862); Salimans et al., [Improved Techniques for Training GANs](https://arxiv.org/abs/1606.03498), with many other training techniques; Mescheder et al., [Which Training Methods for GANs do actually Converge?](https://arxiv.org/abs/1801.04406), the source of R1.
- **In Chinese.** Chapter 13 of Qiu Xipeng's textbook on neural networks and deep learning; Hung-yi Lee's lectures on GANs; Wang Kunfeng et al., a review of GANs in Acta Automatica Sinica (2017).
"""
