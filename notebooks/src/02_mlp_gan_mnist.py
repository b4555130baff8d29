# %% [markdown] tags=["lang-zh", "title"]
r"""
# 02 · 全连接 GAN：生成手写数字

两个小网络，一个造假，一个打假。学完这一课，造假的那个就能写出 0 到 9，而你能证明它一个数字也没有漏掉。

- **学完你会**：写出判别器和生成器各自的一步更新；读懂 D(x) 和 D(G(z)) 两条曲线；让数据范围和网络的最后一层对得上；量出模式崩溃，并把它治好。
- **需要准备**：知道神经网络怎样用梯度下降训练，读得懂 PyTorch 的 `nn.Linear`。
- **用时**：阅读和练习 60 分钟；全部运行一遍约 3 分钟（两个 CPU 核心，不需要显卡，也不必联网）。
- **来历**：本课脱胎于两篇中文教程，[siriusdemon 的《直观地理解 GAN》](https://github.com/siriusdemon/hackaway/tree/master/projects/Gan/GAN)和 [Datawhale 的《GAN 实战：手写数字生成》](https://github.com/datawhalechina/dive-into-cv-pytorch)。下文把这两篇教程连同其中的网络称作 `002` 和 `004`。它们的主要内容这里都有；有几处值得推敲，我们尽量用实验来说明。
"""

# %% [markdown] tags=["lang-en", "title"]
r"""
# 02 · A fully connected GAN: writing digits

Two small networks: one forges, the other detects forgeries. By the end of this lesson the forger writes 0 to 9, and you can prove that it leaves out none of them.

- **You will be able to**: write one step of the discriminator and one of the generator; read the curves D(x) and D(G(z)); match a network's last layer to the range of the data; measure mode collapse, and cure it.
- **You need**: to know how gradient descent trains a neural network, and to be able to read PyTorch's `nn.Linear`.
- **Time**: 60 minutes to read and do the exercises; about 3 minutes to run everything (two CPU cores, no graphics card, no internet connection).
- **Where it comes from**: two tutorials in Chinese, [siriusdemon's introduction to GANs](https://github.com/siriusdemon/hackaway/tree/master/projects/Gan/GAN) and [Datawhale's hands-on chapter](https://github.com/datawhalechina/dive-into-cv-pytorch). Below, the tutorials and their networks are called `002` and `004`. Their main points are all here; some deserve a second look, by experiment wherever we can.
"""

# %%
import inspect
import tempfile
from pathlib import Path

import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy, binary_cross_entropy_with_logits, softplus

from gan_lessons import checkpoint, data, lab, losses, measure, penalties, recipes, runtime, show
from gan_lessons.exercises import lesson02 as check
from gan_lessons.nets import mlp
from gan_lessons.train import HISTORY, Game, critic_step, fit, generator_step

runtime.set_threads(1)  # these networks are too small to gain from a second thread
lab.language_switch()

# %% [markdown] tags=["lang-zh", "what-changed"]
r"""
## 和上一课相比

[第 01 课](01_intuition.ipynb)的数据是平面上的点，每个点 2 个数；这一课的数据是图片，每张 784 个数。游戏没有变；两个网络的两端换了，中间也加宽了：

```diff
- generator     = MLP(2 -> 64 -> 64 -> 2)
- discriminator = MLP(2 -> 64 -> 64 -> 1)
+ generator     = MLP(64 -> 256 -> 256 -> 784), tanh
+ discriminator = MLP(784 -> 256 -> 256 -> 1)
```

没读过第 01 课也没关系，下一节会把规则从头说一遍。
"""

# %% [markdown] tags=["lang-en", "what-changed"]
r"""
## What changed since the last lesson

In [lesson 01](01_intuition.ipynb) the data are points in the plane, 2 numbers each; here they are pictures, 784 numbers each. The game is the same. The two ends of each network are new, and the middle is wider:

```diff
- generator     = MLP(2 -> 64 -> 64 -> 2)
- discriminator = MLP(2 -> 64 -> 64 -> 1)
+ generator     = MLP(64 -> 256 -> 256 -> 784), tanh
+ discriminator = MLP(784 -> 256 -> 256 -> 1)
```

If you have not read lesson 01, never mind: the next section explains the rules from the start.
"""

# %% [markdown] tags=["lang-zh"]
r"""
## 游戏规则

警匪片要好看，警察和歹徒得有来有往。GAN 里的“歹徒”是**生成器** G：它拿到一组随机噪声 $z$，造出一件赝品 $G(z)$。“警察”是**判别器** D：它看一张图片 $x$，给出这张图是真品的概率 $D(x)$。D 每识破一次，G 就知道往哪里改；G 每进步一点，D 就得看得更细。

写成公式，就是两个人争同一个数：

$$\min_G \max_D \; \mathbb{E}_{x}\,[\log D(x)] + \mathbb{E}_{z}\,[\log(1 - D(G(z)))]$$

故事讲到这里，有两处容易误会：

1. **G 从来没有见过真品。** 它不是“根据所了解的知识”造假。它手里只有噪声，唯一的老师是 D 传回来的梯度。下面会用代码证明。
2. **并不是非得势均力敌。** 对一个固定的 G，最好的 D 是 $D^*(x) = p_r(x) / (p_r(x) + p_g(x))$，其中 $p_r$ 和 $p_g$ 分别是真图和假图的概率密度。D 学得越好，它的**数值**越接近这个答案；**梯度**却是另一回事：第 01 课里 D 越有把握，饱和的损失传给 G 的梯度越小（[Arjovsky 和 Bottou，2017](https://arxiv.org/abs/1701.04862)）。所以不能只看 D 强不强，还要看它的梯度在不在、指向哪里。
"""

# %% [markdown] tags=["lang-en"]
r"""
## The rules of the game

A cops-and-robbers film is only fun while both sides stand a chance. The robber of a GAN is the **generator** G: it takes a handful of random noise $z$ and makes a forgery $G(z)$. The cop is the **discriminator** D: it looks at a picture $x$ and states the probability $D(x)$ that it is genuine. Whenever D sees through a forgery, G learns which way to change it; whenever G gets better, D has to look more closely.

As a formula, the two fight over one number:

$$\min_G \max_D \; \mathbb{E}_{x}\,[\log D(x)] + \mathbb{E}_{z}\,[\log(1 - D(G(z)))]$$

Two things in this story are easily misread:

1. **G never sees a genuine picture.** It does not forge "from what it knows". All it has is noise, and its only teacher is the gradient that comes back through D. The code below proves it.
2. **The two need not be equally strong.** For a fixed G the best D is $D^*(x) = p_r(x) / (p_r(x) + p_g(x))$, where $p_r$ and $p_g$ are the densities of genuine pictures and of fakes. The better D learns, the closer its **values** come to that; its **gradient** is another matter: in lesson 01, the surer D was, the smaller the gradient that the saturating loss handed to G ([Arjovsky and Bottou 2017](https://arxiv.org/abs/1701.04862)). So do not only ask how strong D is; ask whether its gradient is there and where it points.
"""

# %% [markdown] tags=["lang-zh"]
r"""
## 数据：真品长什么样

电脑里有 MNIST 就用 MNIST；没有，就用 scikit-learn 自带的 1,797 个真实手写数字，放大到 28x28。两种数据走的是同一套代码，也都分成两份：一份给 GAN 学；另一份**留出**，训练时谁也不许看，专门用来打分。
"""

# %% [markdown] tags=["lang-en"]
r"""
## The data: what genuine ones look like

If MNIST is on this computer, we use it; if not, the 1,797 real handwritten digits that come with scikit-learn, enlarged to 28x28. The code is the same for both. Each set has two parts: one for the GAN to learn from, and one that is **held out**: nobody may look at it, because it is kept for marking.
"""

# %% tags=["nbval-ignore-output"]
source = data.mnist if data.have_mnist() else data.digits
images, held_out = source(train=True), source(train=False)
print(f"{images.name}: {len(images):,} to learn from, {len(held_out):,} held out")
images.card()
images.show()

# %% [markdown] tags=["lang-zh"]
r"""
## 先备好尺子

“看起来不错”不算数。训练之前，我们先造一把尺子：一个几秒钟就能训练好的小分类器。它给每张图片 32 个特征和 10 个类别的概率，于是可以算出：

- `fd_digits`：两组特征之间的弗雷歇距离，越小越像真图。公式和论文里的 FID 一样，特征却来自我们自己的分类器，所以**不能**和别人的 FID 相比。
- `kid`：另一种距离，样本少的时候也是无偏的，也就是多次估计的平均没有偏差；所以真实的距离接近 0 时，单次估计可以略小于 0。
- `classes`：有几个数字占到了样本的 4% 以上。
- `KL`：样本的类别分布离真图的类别分布有多远，0 是完全一致。
- `confident`：分类器有九成以上把握的图片占多大比例。

一个数单独拿出来没有意义，要有上下两条线夹着它：**下限**是真图和真图的距离，再好的生成器也不必比它更低；**上限**取自一个只输出噪点的生成器。上限只管 `fd_digits`、`kid` 和 `confident`：噪点在 `classes` 和 `KL` 上的成绩，可以比崩溃了的 GAN 还好，因为不管像不像，分类器总要给每张图一个类别。
"""

# %% [markdown] tags=["lang-en"]
r"""
## First, a ruler

"Looks good" does not count. Before we train anything we make a ruler: a small classifier that trains in seconds. It gives every picture 32 features and the probabilities of 10 classes, and from these we compute:

- `fd_digits`: the Fréchet distance between two clouds of features; smaller is more real. The formula is that of the FID in papers, but the features come from our own classifier, so it must **not** be compared with anybody's FID.
- `kid`: another distance, unbiased even with few samples: many estimates are right on average. Hence a single one may fall a little below 0 where the true distance is close to 0.
- `classes`: how many digits each make up at least 4 % of the samples.
- `KL`: how far the samples' classes are from the real proportions; 0 is a perfect match.
- `confident`: the share of pictures of which the classifier is at least nine-tenths sure.

A number alone means nothing; it takes a line below and a line above. The **floor** is the distance of real pictures from real pictures: no generator needs to do better. The **ceiling** is a generator that gives nothing but noise. It is a ceiling for `fd_digits`, `kid` and `confident` only: by `classes` and `KL` noise can look better than a collapsed GAN, because the classifier gives every picture some class, however little it looks like one.
"""

# %% tags=["nbval-ignore-output"]
ruler = measure.DigitEvaluator(images, held_out)
noise = torch.randint(0, 256, (2000, *images.shape), dtype=torch.uint8,
                      generator=torch.Generator().manual_seed(0))
ceiling = ruler.report(noise)
print(f"classifier: {ruler.classifier.accuracy:.1%} right on {len(held_out):,} held-out digits")
print("floor  ", ruler.floor)
print("ceiling", ceiling)

# %%
print("the classifier is right on 95 % of the held-out digits:", ruler.classifier.accuracy >= 0.95)
print("noise is at least 50 times as far from real as real is:",
      ceiling.fd_digits > 50 * ruler.floor.fd_digits)

# %% [markdown] tags=["lang-zh"]
r"""
## 两对网络

|  | `002` | `004` |
|---|---|---|
| 噪声 $z$ 的长度 | 100 | 64 |
| G | 100-128-784，ReLU，sigmoid | 64-256-256-784，ReLU，tanh |
| D | 784-128-1，ReLU | 784-256-256-1，LeakyReLU 0.2 |
| G 输出的范围 | $[0, 1]$ | $[-1, 1]$ |
| Adam 的学习率 | 0.001 | 0.0002 |
| 批大小 | 60 | 100 |
| 轮数，用 MNIST 的 60,000 张 | 120 | 200 |

两者都是 120,000 步。`002` 的原文称这种结构为“双线性网络”，其实它是**两层的全连接网络**（MLP）；“双线性”在数学里另有所指。`004` 的 D 用 LeakyReLU：负的一侧留着 0.2 的斜率，梯度总能流回 G。两篇原文的 D 都以 sigmoid 收尾；我们的 D 直接给出 **logit**，原因很快就会看到。
"""

# %% [markdown] tags=["lang-en"]
r"""
## Two pairs of networks

|  | `002` | `004` |
|---|---|---|
| length of the noise $z$ | 100 | 64 |
| G | 100-128-784, ReLU, sigmoid | 64-256-256-784, ReLU, tanh |
| D | 784-128-1, ReLU | 784-256-256-1, LeakyReLU 0.2 |
| range of G's output | $[0, 1]$ | $[-1, 1]$ |
| learning rate of Adam | 0.001 | 0.0002 |
| batch size | 60 | 100 |
| epochs, on the 60,000 pictures of MNIST | 120 | 200 |

Either makes 120,000 steps. The author of `002` calls this a "bilinear" network; it is a **two-layer fully connected network** (an MLP), and "bilinear" means something else in mathematics. D of `004` uses LeakyReLU: the negative side keeps a slope of 0.2, so that a gradient always gets back to G. In both originals D ends in a sigmoid; ours returns the **logit** itself, and you will soon see why.
"""

# %%
for make in (mlp.source_002, mlp.source_004):
    generator, discriminator = make()
    count = [sum(p.numel() for p in net.parameters()) for net in (generator, discriminator)]
    print(f"{make.__name__}: G has {count[0]:,} parameters, D has {count[1]:,}")

# %% [markdown] tags=["lang-zh", "predict"]
r"""
### 先猜再跑 1：范围对不上

我们的图片在 $[-1, 1]$ 之间，背景是 $-1$（黑）。如果 G 的最后一层换成 sigmoid，输出只能落在 $[0, 1]$，训练一阵之后会怎样？

- A. 数字照样写得出来，只是颜色浅一些。
- B. 背景永远是灰的，D 一眼就能认出假图。
- C. 程序报错。

写下你的答案，再运行。
"""

# %% [markdown] tags=["lang-en", "predict"]
r"""
### Predict, then run 1: ranges that do not match

Our pictures lie in $[-1, 1]$, with the background at $-1$ (black). Suppose G ends in a sigmoid, so that its output can only lie in $[0, 1]$. What happens after some training?

- A. The digits still appear, only paler.
- B. The background stays grey for ever, and D spots a fake at a glance.
- C. The program stops with an error.

Write your answer down, then run.
"""

# %%
torch.manual_seed(0)
mismatched = Game(mlp.generator([64, 256, 256], last=nn.Sigmoid),
                  mlp.discriminator([256, 256], activation=mlp.leaky), latent=64)
fit(mismatched, images, 300)
grey = mismatched.sample(20)
show.gallery(grey, alt="Gallery of twenty samples from a generator that ends in a sigmoid while "
                       "the data lie in [-1, 1]: nothing but flat grey, never black")
print("darkest pixel is mid-grey or lighter:", int(grey.min()) >= 127)
print("D calls fakes real with a probability below 5 %:",
      float(mismatched.history[-50:, 3].mean()) < 0.05)

# %% [markdown] tags=["lang-zh"]
r"""
答案是 **B**。sigmoid 画不出黑色，D 只看背景就够了，G 怎么改也没有用。数据的归一化和 G 的最后一层必须配套：数据在 $[-1, 1]$，就用 `nn.Tanh`（`004` 的文字里写作 `nn.tanh`，模块名的首字母要大写）；数据在 $[0, 1]$，就用 `nn.Sigmoid`。`002` 用的是 $[0, 1]$，所以我们在它的 G 之后、D 之前各加了一层固定的换算。

## 损失：在 logit 上算

D 的任务是二分类，损失是交叉熵：真图的目标是 1，假图的目标是 0。若把 logit 记作 $l$，则 $D = \sigma(l)$，并且

$$-\log D = \mathrm{softplus}(-l), \qquad -\log(1 - D) = \mathrm{softplus}(l)$$

两篇原文先算 $\sigma(l)$，再用 `BCELoss` 取对数。在数学上两者相等，在计算机里却不一样：
"""

# %% [markdown] tags=["lang-en"]
r"""
The answer is **B**. A sigmoid cannot paint black, so the background alone tells D everything, and no change of G helps. How the data are normalised and how G ends belong together: data in $[-1, 1]$ go with `nn.Tanh` (the text of `004` writes `nn.tanh`; the module has a capital letter), data in $[0, 1]$ with `nn.Sigmoid`. `002` works in $[0, 1]$, so we put a fixed conversion after its G and before its D.

## The loss: computed on logits

D's job is binary classification and its loss is the cross-entropy: real pictures have target 1, fakes have target 0. Call the logit $l$. Then $D = \sigma(l)$, and

$$-\log D = \mathrm{softplus}(-l), \qquad -\log(1 - D) = \mathrm{softplus}(l)$$

Both originals compute $\sigma(l)$ first and leave the logarithm to `BCELoss`. On paper that is the same; in a computer it is not:
"""

# %%
def loss_and_gradient(loss, logit=20.0):
    logit = torch.tensor([logit], requires_grad=True)
    value = loss(logit, torch.zeros(1))
    value.backward()
    return f"loss {value.item():5.0f}, gradient {logit.grad.item():.0f}"


def through_a_sigmoid(logit, target):
    return binary_cross_entropy(logit.sigmoid(), target)


print("a fake that D is sure is real, logit 20:")
print("  sigmoid, then BCELoss:", loss_and_gradient(through_a_sigmoid))
print("  straight from logits: ", loss_and_gradient(binary_cross_entropy_with_logits))

# %% [markdown] tags=["lang-zh", "exercise"]
r"""
先求 sigmoid，结果被舍入成 1，`BCELoss` 把 0 的对数当作 -100，于是本来是 20 的损失成了 100，**梯度却是 0**：D 错得最离谱的时候，恰恰什么也学不到。直接在 logit 上算，损失是 20，梯度是 1。

### 练习 1：判别器的损失

补全 `d_loss`。`real_logits` 和 `fake_logits` 的形状都是 `(B,)`，但两个 B 可以不同。

<details><summary>提示一</summary>

把上面两个 softplus 公式各用一次，分别求平均，再相加。

</details>

<details><summary>提示二</summary>

真图一项是 `softplus(-real_logits).mean()`，假图一项只差一个符号。

</details>
"""

# %% [markdown] tags=["lang-en", "exercise"]
r"""
With the sigmoid first, the result rounds to 1, `BCELoss` takes the logarithm of 0 to be -100, so the loss is 100 where it should be 20, and **the gradient is 0**: just when D is most wrong, it learns nothing. Straight from the logit, the loss is 20 and the gradient is 1.

### Exercise 1: the discriminator's loss

Complete `d_loss`. Both `real_logits` and `fake_logits` have shape `(B,)`, but the two B may differ.

<details><summary>Hint one</summary>

Use each of the two softplus formulas above once, take the mean of each, and add.

</details>

<details><summary>Hint two</summary>

The part for real pictures is `softplus(-real_logits).mean()`; the part for fakes differs by one sign.

</details>
"""

# %%
def d_loss(real_logits, fake_logits):
    return ...


verdict = check.discriminator_loss(d_loss)

# %% [markdown] tags=["lang-zh", "exercise"]
r"""
### 练习 2：生成器的损失

按上面的公式，G 应当把 $\log(1 - D(G(z)))$ 变小。可是训练刚开始时 D 很有把握，这一项几乎是平的。Goodfellow 在最早的论文里就建议换个写法：把 $\log D(G(z))$ 变大。不动点不变；在训练之初，赝品被 D 一眼识破的时候，梯度强得多，这叫**非饱和损失**。两者是不同的目标函数，不能画等号。

补全 `g_loss`。

<details><summary>提示一</summary>

“变大”要写成损失，就加一个负号，再代入第一个 softplus 公式。

</details>

<details><summary>提示二</summary>

假图的目标现在是 1：`binary_cross_entropy_with_logits(fake_logits, torch.ones_like(fake_logits))` 也是同一个数。

</details>
"""

# %% [markdown] tags=["lang-en", "exercise"]
r"""
### Exercise 2: the generator's loss

By the formula above, G should make $\log(1 - D(G(z)))$ small. But early on D is sure of itself, and that term is almost flat. Goodfellow's original paper already suggests another form: make $\log D(G(z))$ large. The fixed point is the same, and early on, while D sees through the fakes, the gradient is far stronger; it is called the **non-saturating loss**. The two are different objectives, and no equals sign belongs between them.

Complete `g_loss`.

<details><summary>Hint one</summary>

To turn "make it large" into a loss, add a minus sign; then use the first softplus formula.

</details>

<details><summary>Hint two</summary>

The target of a fake is now 1: `binary_cross_entropy_with_logits(fake_logits, torch.ones_like(fake_logits))` is the same number.

</details>
"""

# %%
def g_loss(fake_logits):
    return ...


verdict = check.generator_loss(g_loss)

# %% [markdown] tags=["lang-zh", "predict"]
r"""
### 先猜再跑 2：批大小一定要整除数据量吗？

`002` 的作者把批大小设为 60，正好整除 60000，并留下一个问题：为什么要设成整数倍？原文只说是为了“高效训练”，请读者到代码里找答案。标签是在循环外造好的 `torch.ones(60, 1)`。如果批大小是 64，最后一批只剩 32 张，会怎样？

- A. 照常运行，只是慢一点。
- B. 报错。
- C. 最后一批被自动丢掉。
"""

# %% [markdown] tags=["lang-en", "predict"]
r"""
### Predict, then run 2: must the batch size divide the data?

The author of `002` sets the batch size to 60, which divides 60000 exactly, and asks why it should. The text only says "for efficiency" and sends the reader to the code for the answer. The labels are made once, outside the loop: `torch.ones(60, 1)`. Now take batches of 64, so that the last one has only 32 pictures. What happens?

- A. It runs as before, a little slower.
- B. It stops with an error.
- C. The last batch is dropped without a word.
"""

# %%
labels = torch.ones(64, 1)  # made once, as source 002 does
last_batch = torch.rand(32, 1)  # what D says of the last, smaller batch
try:
    binary_cross_entropy(last_batch, labels)
except ValueError as error:
    print("64 labels for 32 pictures:", type(error).__name__)
fitting = torch.ones_like(last_batch)
print("labels made to fit: no error,", bool(binary_cross_entropy(last_batch, fitting) > 0))

# %% [markdown] tags=["lang-zh"]
r"""
答案是 **B**：固定大小的标签遇到不满的一批就报错，和效率无关，这就是作者藏在代码里的线索。用 `ones_like` 造标签，或者像我们这样用 softplus、根本不造标签，任何批大小都能用。本课的 `images.batches(n)` 还会把上一遍剩下的和下一遍接起来，于是每一批都是满的。
"""

# %% [markdown] tags=["lang-en"]
r"""
The answer is **B**: labels of a fixed size fail on a smaller batch. It has nothing to do with efficiency, and this was the clue that the author hid in the code. Make the labels with `ones_like`, or make none at all and use softplus as we do: then any batch size works. Our `images.batches(n)` also joins what is left of one pass to the start of the next, so every batch is full.
"""

# %% [markdown] tags=["lang-zh", "predict"]
r"""
### 先猜再跑 3：少了 `detach` 会怎样？

训练 D 的时候，假图 $G(z)$ 只是样本。两篇原文都没有写 `detach()`，于是反向传播一路走进了 G。和写了 `detach()` 相比：

- A. D 的梯度不同，训练结果也不同。
- B. D 的梯度完全相同，但 G 里多出一份没用的梯度，计算也白费了。
- C. G 会在 D 的这一步里被更新。
"""

# %% [markdown] tags=["lang-en", "predict"]
r"""
### Predict, then run 3: what if `detach` is missing?

While D trains, the fakes $G(z)$ are just samples. Neither original writes `detach()`, so backpropagation runs all the way into G. Compared with writing `detach()`:

- A. D gets other gradients, and the result of training differs.
- B. D gets exactly the same gradients, but G is left with gradients nobody needs, and the work is wasted.
- C. G is updated during D's step.
"""

# %%
def gradients_after_d_step(detach):
    torch.manual_seed(0)
    generator, discriminator = mlp.source_004()
    real, fake = images[:100].signed(), generator(torch.randn(100, 64))
    if detach:
        fake = fake.detach()
    losses.NonSaturating().critic(discriminator(real), discriminator(fake)).backward()
    in_g = sum(float(p.grad.norm()) for p in generator.parameters() if p.grad is not None)
    return [p.grad for p in discriminator.parameters()], in_g


without, left_over = gradients_after_d_step(detach=False)
with_it, none_left = gradients_after_d_step(detach=True)
print("same gradients in D:", all(torch.equal(a, b) for a, b in zip(without, with_it)))
print("gradient left in G without detach:", left_over > 0, "| with detach:", none_left > 0)

# %% [markdown] tags=["lang-zh"]
r"""
答案是 **B**。原文之所以没有出错，只因为 G 那一步的反向传播之前恰好有 `zero_grad()`；把这一行挪个位置，错误就会悄悄混进来。我们的做法是让 D 的那一步在 `torch.no_grad()` 里造假图。

## 手写一遍：九小步

`002` 把程序分成一小步一小步来讲，编号从第八直接跳到了第十。这里补上第九步：**量一量**。

第一，导入（本课开头已经做了）。第二，设定超参数。第三，准备数据。第四，写网络。第五，初始化。第六，优化器和损失。第七，循环。第八，看结果。第九，打分。
"""

# %% [markdown] tags=["lang-en"]
r"""
The answer is **B**. The originals get away with it only because `zero_grad()` happens to come before G's step; move that line and a bug slips in. We make the fakes for D's step inside `torch.no_grad()` instead.

## By hand: nine small steps

`002` explains its program one small step at a time, and its numbering jumps from eight to ten. We fill in the ninth: **measure**.

One, imports (done at the top). Two, settings. Three, data. Four, networks. Five, initialisation. Six, optimisers and loss. Seven, the loop. Eight, look at the result. Nine, give it a mark.
"""

# %%
# 2 settings
batch, latent, learning_rate, rounds = 100, 64, 2e-4, 100
device = runtime.device()  # a graphics card if there is one

# 3 data: an endless stream of shuffled batches, pixels in [-1, 1]
batches = images.to(device).batches(batch, seed=0)
noise_source = torch.Generator().manual_seed(0)

# 4 networks, 5 initialisation: torch draws the first weights
torch.manual_seed(0)
G = nn.Sequential(nn.Linear(latent, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(),
                  nn.Linear(256, 784), nn.Tanh(), nn.Unflatten(1, (1, 28, 28)))
D = nn.Sequential(nn.Flatten(), nn.Linear(784, 256), nn.LeakyReLU(0.2), nn.Linear(256, 256),
                  nn.LeakyReLU(0.2), nn.Linear(256, 1), nn.Flatten(0))
G, D = G.to(device), D.to(device)

# 6 optimisers; the loss is written out below
G_optimizer = torch.optim.Adam(G.parameters(), lr=learning_rate, fused=True)
D_optimizer = torch.optim.Adam(D.parameters(), lr=learning_rate, fused=True)

# 7 the loop
for _ in range(rounds):
    # D learns: real pictures up, fakes down
    real = next(batches)
    with torch.no_grad():
        fake = G(torch.randn(batch, latent, generator=noise_source).to(device))
    D_loss = softplus(-D(real)).mean() + softplus(D(fake)).mean()
    D_optimizer.zero_grad()
    D_loss.backward()
    D_optimizer.step()

    # G learns: fakes up. There is no real picture in these lines
    fake = G(torch.randn(batch, latent, generator=noise_source).to(device))
    G_loss = softplus(-D(fake)).mean()
    G_optimizer.zero_grad()
    G_loss.backward()
    G_optimizer.step()

# 8 look, 9 measure: after 100 rounds there is little to see yet
print("finite losses:", bool(torch.isfinite(D_loss) and torch.isfinite(G_loss)))

# %% [markdown] tags=["lang-zh"]
r"""
`gan_lessons.train` 里是同样的两步，只是写成了两个函数。读一读，再看它们和手写的是否真的一样：从同一个种子出发，跑同样多的回合，两边的**每一个参数**都应当逐位相等。
"""

# %% [markdown] tags=["lang-en"]
r"""
`gan_lessons.train` holds the same two steps, written as two functions. Read them, then see whether they really are the same: from the same seed, after the same number of rounds, **every parameter** should agree bit for bit.
"""

# %%
print(inspect.getsource(critic_step))
print(inspect.getsource(generator_step))

# %%
game = fit(recipes.source_004(seed=0), images, rounds)
same = [torch.equal(by_hand, packaged)
        for mine, theirs in ((G, game.generator), (D, game.critic))
        for by_hand, packaged in zip(mine.parameters(), theirs.parameters(), strict=True)]
print(f"{sum(same)} of {len(same)} parameter tensors are identical, bit for bit")

# %% [markdown] tags=["lang-zh"]
r"""
上面的训练没有用到 `generator_step` 的参数 `real`：G 的这一步里没有真品。（只有成对比较的损失才需要它，那时也是由 D 给真品打分，G 看到的仍只是 D 的意见。）G 学到的一切都是经过 D 传来的。

## 用原文的设置训练

现在用两篇原文各自的网络、优化器和批大小来训练，看看会得到什么。数据和步数不同：没有 MNIST 的话，只有自带的 1,348 张小图；步数是 6,000，只有原文的二十分之一。所以下面的结果说的是这个设置，不是那两篇教程。每隔一段时间，用**同一组噪声**画一次，这样看到的是同一件作品怎样变好；若像两篇原文那样每次换新噪声、每轮只看最后一批，就分不清是网络变了，还是噪声变了。
"""

# %% [markdown] tags=["lang-en"]
r"""
The training above made no use of `generator_step`'s argument `real`: there are no real pictures in G's step. (Only losses that compare pairs need it, and even then it is D that scores the real ones; G still sees D's opinion alone.) All that G learns comes to it through D.

## Training with the originals' settings

Now train each pair with its author's networks, optimiser and batch size and see what comes out. Data and length differ: without MNIST there are only the 1,348 small pictures that are bundled, and the 6,000 steps are a twentieth of the authors'. What follows is thus about this setting and not about the two tutorials. From time to time we paint from **the same noise**, so that we watch the same pictures improve. With fresh noise each time, and only the last batch of each epoch shown, as in both originals, you could not tell whether the network has changed or the noise.
"""

# %%
steps = runtime.at_scale(smoke=200, default=6000, full=100_000)
as_written = {"002": recipes.source_002(), "004": recipes.source_004()}  # but shorter
for game in as_written.values():
    fit(game, images, steps, snapshot_every=steps // 10)

show.filmstrip(as_written["004"].snapshots, pictures=16,
               alt="Filmstrip of source 004: six rows of sixteen pictures from the same noise, "
                   "from grey noise at step 0 to strokes at the last step, all much alike")

# %%
for name, game in as_written.items():
    print(f"source {name}:")
    show.curves(game.history, HISTORY,
                alt=f"Training curves of source {name}: the losses of both players on the left; "
                    "on the right D's readings for real pictures and for fakes")

# %% [markdown] tags=["lang-zh"]
r"""
每张图的右半边就是 `004` 每 200 步打印一次的 D(x) 和 D(G(z))。理想的终点是两条线都在 0.5 附近：D 已经分不出真假。在自带的数字上，`004` 的 D(x) 贴着 1、D(G(z)) 贴着 0，D 稳稳占上风；`002` 的两条线却走到了 0.5 附近，眼看就要成功。可是，光看曲线并不知道 G 画了什么。把作品拿出来，各看 16 张：
"""

# %% [markdown] tags=["lang-en"]
r"""
On the right of each figure are D(x) and D(G(z)), which `004` prints every 200 steps. The ideal end is both lines near 0.5: D can no longer tell. On the bundled digits, D(x) of `004` stays near 1 and D(G(z)) near 0: D keeps the upper hand. In `002`, both lines have come close to 0.5, and success seems at hand. But the curves alone do not say what G paints. So bring out the pictures, 16 of each:
"""

# %%
show.gallery({f"source {name}": game.sample(16) for name, game in as_written.items()}, columns=16,
             alt="Two rows of sixteen samples: for source 002 nearly the same grey blob sixteen "
                 "times, for source 004 nearly the same stroke sixteen times")

# %% tags=["nbval-ignore-output"]
reports = {name: ruler.report(game.sample(2000)) for name, game in as_written.items()}
print("floor  ", ruler.floor)
for name, report in reports.items():
    print(f"{name:7s}", report)

# %% [markdown] tags=["lang-zh", "failure-of-the-day"]
r"""
## 今日故障：模式崩溃

存下的这一次，`002` 的十六张是同一团影子，分类器却有九成以上的把握说它是某一个数字；`004` 的笔画清楚一些，可十六张几乎是同一个字。（不同的电脑舍入不同，这样的对局会把差别放大，你那里画出的可能是另一团。）G 找到了一种能骗过 D 的写法，就只写它；D 学会识破它，G 有时便整个搬到另一种写法上，就像第 01 课的振荡。这叫**模式崩溃**。从损失曲线上看不出来，一张张看图也未必看得出来，**数一数**，它就藏不住了：
"""

# %% [markdown] tags=["lang-en", "failure-of-the-day"]
r"""
## The failure of the day: mode collapse

In the run stored here the sixteen pictures of `002` are one and the same shadow, yet the classifier is more than nine-tenths sure which digit it is; the strokes of `004` are clearer, but its sixteen pictures are nearly one and the same character. (Computers round differently and games like these magnify it: yours may paint another blob.) G has found one way of writing that fools D and writes nothing else; once D sees through it, G sometimes drops it and moves wholesale to another, as in the oscillation of lesson 01. This is **mode collapse**. The loss curves do not show it, and looking at single pictures may not either, but **counting** does:
"""

# %%
show.histograms({"real": ruler.real_histogram,
                 **{f"source {name}": report.histogram for name, report in reports.items()}},
                alt="Bar chart of the share of each digit: real digits near one tenth each; with "
                    "the settings of both sources nearly all samples are one or two digits")
for name, report in reports.items():
    print(f"source {name}, {steps} steps: leaves out at least one digit:", report.classes < 10)

# %% [markdown] tags=["lang-zh", "failure-of-the-day"]
r"""
### 试过的药

同一套网络（`004`），同样的数据（自带的 1,348 张），各训练 6000 步，三个种子，每次数 2,000 个样本：

| 改了什么 | 占到 4% 以上的数字有几个 | 平均 KL |
|---|---|---|
| 原文的设置 | 2、1、3 | 1.84 |
| 原文的设置，每 500 步看一次，取最好的一次 | 2、1、3 |  |
| 标签平滑，目标 0.9 | 1、3、1 | 2.09 |
| D 里加 dropout，0.3 | 5、7、3 | 0.94 |
| 学习率 0.001 | 1、1、1 | 2.34 |
| R1，$\gamma = 1$ | 10、8、7 | 0.18 |
| `betas=(0.0, 0.99)` | 9、10、10 | 0.07 |
| `betas=(0.0, 0.99)`，学习率 0.001 | 10、10、10 | 0.02 |
| 上一行，再加 R1 | 10、10、10 | 0.006 |

在这个设置下，让 D 变弱的办法（标签平滑、dropout）和早停都不够。训练得久一些会好一点：原文的设置走 30,000 步，试过一个种子，写出了 6 个数字。最小的一味药只改一个参数：Adam 的 `betas`，默认是 `(0.9, 0.999)`。它的两个数一起换了，表里没有分开来试；一个说得通的解释在第一个数上：0.9 的意思是每一步主要沿着最近十来步的平均方向走。可是 D 一直在变，那个方向早已过时；G 带着惯性冲过头，整群样本一起从一个数字搬到另一个数字。换成 0，G 就只听 D 此刻的意见。光把学习率调大却不改 `betas`，反而更糟：三个种子都只剩 1 个数字，平均 KL 从 1.84 升到 2.34。

再添一味 **R1**，各类的比例会更匀。它在 D 的损失里加上

$$\frac{\gamma}{2} \, \mathbb{E}_{x}\, \lVert \nabla_x D(x) \rVert^2$$

这里的 $D(x)$ 指 logit。D 在真图处的梯度越大，罚得越重；梯度小了，来到真图跟前的样本就不会被一把推开。代码只有三行，都在 `penalties.r1` 里：
"""

# %% [markdown] tags=["lang-en", "failure-of-the-day"]
r"""
### Remedies we tried

The same networks (`004`), the same data (the 1,348 bundled pictures), 6000 steps each, three seeds, 2,000 samples counted each time:

| What was changed | Digits with at least 4% of the samples | Mean KL |
|---|---|---|
| the original's settings | 2, 1, 3 | 1.84 |
| the original's settings, looked at every 500 steps, the best moment | 2, 1, 3 |  |
| label smoothing, target 0.9 | 1, 3, 1 | 2.09 |
| dropout of 0.3 in D | 5, 7, 3 | 0.94 |
| learning rate 0.001 | 1, 1, 1 | 2.34 |
| R1, $\gamma = 1$ | 10, 8, 7 | 0.18 |
| `betas=(0.0, 0.99)` | 9, 10, 10 | 0.07 |
| `betas=(0.0, 0.99)`, learning rate 0.001 | 10, 10, 10 | 0.02 |
| the row above, and R1 | 10, 10, 10 | 0.006 |

In this setting weakening D (label smoothing, dropout) is not enough, and nor is stopping early. Longer training helps a little: after 30,000 steps with the original's settings, the one seed we tried wrote 6 digits. The smallest remedy changes a single argument: Adam's `betas`, by default `(0.9, 0.999)`. Both of its numbers change at once, and the table does not try them apart; a plausible explanation lies in the first: 0.9 means that each step mostly follows the average direction of the last ten or so. But D keeps changing and that direction is out of date; G overshoots, and the whole crowd of samples moves house from one digit to the next. Set to 0, G listens only to what D says now. A larger learning rate without new `betas` makes things worse: only 1 digit is left on all three seeds, and the mean KL rises from 1.84 to 2.34.

Adding **R1** makes the shares more even still. It adds to D's loss

$$\frac{\gamma}{2} \, \mathbb{E}_{x}\, \lVert \nabla_x D(x) \rVert^2$$

where $D(x)$ stands for the logit. The steeper D's slope at the real pictures, the more it costs D; where the slope is gentle, samples that come close to real pictures are not thrown out again. The code is three lines, in `penalties.r1`:
"""

# %%
print(inspect.getsource(penalties.r1))

# %%
cured = recipes.source_004(penalty=penalties.r1, lr=1e-3, betas=(0.0, 0.99))
fit(cured, images, steps, snapshot_every=max(1, steps // 12))
show.filmstrip(cured.snapshots, pictures=16,
               alt="Filmstrip of the cured game: from the same noise, from grey noise at step 0 "
                   "to different digits at the last step, most but not all of them readable")

# %% [markdown] tags=["lang-zh"]
r"""
## 成绩单

最后的图用的是 `generator_ema`：训练时 G 的权重一直在摆动，取它们的滑动平均，画得更稳。三次训练的步数相同。
"""

# %% [markdown] tags=["lang-en"]
r"""
## The report card

For the final pictures we use `generator_ema`: during training G's weights keep swinging, and their moving average paints more steadily. All three runs had the same number of steps.
"""

# %%
final = cured.sample(2000, ema=True)
show.gallery(final[:60], columns=15,
             alt="Final gallery: sixty samples of the cured generator, handwritten digits of "
                 "all ten kinds; most can be read, some lie between two digits")

# %% tags=["nbval-ignore-output"]
report = ruler.report(final)
print("floor  ", ruler.floor)
for name, other in reports.items():
    print(f"{name:7s}", other)
print("cured  ", report)
print("ceiling", ceiling)

# %%
show.histograms({"real": ruler.real_histogram, "source 004": reports["004"].histogram,
                 "cured": report.histogram},
                alt="Bar chart of the share of each digit: with the settings of 004 nearly all "
                    "samples are one or two digits; cured, all ten digits have close to one "
                    "tenth, as real ones do")
if runtime.scale() != "smoke":
    print("all ten digits, each at least 4 % of the samples:", report.classes == 10)
    print("KL of the class histogram at most 0.1:", report.kl <= 0.1)
    print("the classifier is sure of at least 80 % of them:", report.confident >= 0.8)

# %% [markdown] tags=["lang-zh"]
r"""
再看一眼治好之后的曲线：D 的两条读数曲线都靠近 0.5，损失几乎是平的。可是用 `002` 的设置训练时读数也走到了 0.5 附近，它画的却是一团影子；分类器的高把握同样不可信，那团影子也让它很有把握，所以成绩单上的 `confident` 要和别的数一起读。**损失低不等于画得好**：崩溃的 `004`，D 的损失反而比治好之后低，因为它赢得更轻松。“D 的准确率到了 50%”也不能证明成功，一个什么都没学会的 D，准确率也是 50%。要知道画得好不好，只能量作品。
"""

# %% [markdown] tags=["lang-en"]
r"""
Look at the curves after the cure: both readings stay near 0.5 and the losses are almost flat. But with the settings of `002` they came close to 0.5, too, and what it painted was a shadow. The classifier's confidence is no better a guide: it was sure of that shadow, so read `confident` on the report card together with the other numbers. **A low loss does not mean good pictures**: in the collapsed `004` D's loss is lower than after the cure, because D wins more easily. Nor does "D is right 50 % of the time" prove success; a D that has learned nothing is right 50 % of the time, too. To know how good the pictures are, measure the pictures.
"""

# %%
show.curves(cured.history, HISTORY,
            alt="Training curves of the cured game: flat losses on the left; on the right D's "
                "readings for real pictures and fakes close together, near one half")
if runtime.scale() != "smoke":
    gap = {name: float((game.history[-500:, 2] - game.history[-500:, 3]).mean())
           for name, game in (("source 004", as_written["004"]), ("cured", cured))}
    print("D tells real from fake far better in the collapsed game:",
          gap["source 004"] > 0.5 > 0.3 > gap["cured"])

# %% [markdown] tags=["lang-zh"]
r"""
## 第二个问题：为什么只用训练集？

`002` 只下载了训练集，然后问：一般不都需要训练集和测试集吗？

训练 G 的确只需要训练集：没有标签要预测，也就没有“测试准确率”。可是**打分**离不开留出的数据，原因有两个。一，没有它就没有下限，不知道 `fd_digits` 等于多少才算好。二，一台把训练图片背下来的机器，和训练集的距离是 0，能得满分，却什么也没有创造。怎样发现它呢？给每个样本找出训练集里最近的一张：
"""

# %% [markdown] tags=["lang-en"]
r"""
## The second question: why only the training set?

`002` downloads only the training set and asks: do we not usually need a training set and a test set?

To train G, the training set is indeed enough: there are no labels to predict and so no "test accuracy". But **marking** needs held-out data, for two reasons. One: without it there is no floor, and you cannot say which `fd_digits` is good. Two: a machine that has learned the training pictures by heart is at distance 0 from them; it gets full marks and has created nothing. How would we find out? For each sample, look up the nearest training picture:
"""

# %%
def nearest(pictures):
    """Return the distance to the nearest of 10,000 training pictures, and which one it is."""
    some, known = pictures.flatten(1).float(), images.images[:10_000].flatten(1).float()
    found = torch.cdist(some, known).min(1)
    return found.values, found.indices


distance, index = nearest(final[:500])
real_distance, _ = nearest(held_out.images[:400])
show.gallery({"samples": final[:15], "the nearest training pictures": images.images[index[:15]]},
             columns=15, alt="Gallery of fifteen samples above their nearest training pictures: "
                             "mostly the same digit in a very similar hand, with speckle added")

# %% tags=["nbval-ignore-output"]
chance = torch.Generator().manual_seed(0)
learned_by_heart = images.images[:500] + 30 * torch.randn(500, *images.shape, generator=chance)
recited, _ = nearest(learned_by_heart.clamp(0, 255))
for name, found in (("samples", distance), ("training pictures with noise", recited)):
    print(f"{name}: median distance to the nearest training picture, in units of that of held-out "
          f"pictures: {float(found.median() / real_distance.median()):.2f}")

# %% [markdown] tags=["lang-zh", "exercise"]
r"""
照搬训练图片的机器，第一个数会接近 0；这里不是。可是这还不能证明 G 没有背诵。第二个数来自一台真正的背诵机器：把训练图片原样拿来，只加上标准差 30 个灰度级的噪点，它离训练集也“够远”了。G 的作品上正好有许多噪点；拿眼睛看，上面好些样本和它的近邻写法几乎一样，而自带的训练图片只有 1,348 张，6000 步要看上四百多遍。所以像素距离在这里**断定不了**，第 07 课会换一种量法。

## 从张量回到图片

显示之前要把 $[-1, 1]$ 换回 0 到 255。`004` 的 `denorm` 只换回 $[0, 1]$，余下的交给 `save_image`；下面的练习一步换到位。

### 练习 3：`denorm`

补全 `denorm`：输入是 $[-1, 1]$ 里的浮点数，输出是 0 到 255 的 `uint8`。要求它正好是 `x = bytes / 127.5 - 1` 的逆运算，一个灰度级都不差。

<details><summary>提示一</summary>

先解出 `bytes = (x + 1) * 127.5`，再想想转成整数之前要做什么。

</details>

<details><summary>提示二</summary>

依次是 `.round()`、`.clamp(0, 255)`、`.to(torch.uint8)`。

</details>
"""

# %% [markdown] tags=["lang-en", "exercise"]
r"""
For a machine that hands out training pictures unchanged the first number would be close to 0, and it is not. But that does not prove that G does not recite. The second number belongs to a machine that does: training pictures as they are, plus noise with a standard deviation of 30 grey levels, and it is "far enough" from the training set, too. G's pictures have plenty of speckle; to the eye many samples above are written almost exactly like their neighbours; and there are only 1,348 bundled training pictures, which 6000 steps go through more than four hundred times. A distance in pixels **cannot decide** it here; lesson 07 will measure in another way.

## From tensors back to pictures

Before showing a picture we turn $[-1, 1]$ back into 0 to 255. In `004`, `denorm` only goes back to $[0, 1]$ and leaves the rest to `save_image`; the exercise goes all the way.

### Exercise 3: `denorm`

Complete `denorm`: floats in $[-1, 1]$ go in, `uint8` from 0 to 255 come out. It must be the exact inverse of `x = bytes / 127.5 - 1`, not one grey level off.

<details><summary>Hint one</summary>

First solve for `bytes = (x + 1) * 127.5`, then think about what must happen before it becomes an integer.

</details>

<details><summary>Hint two</summary>

In this order: `.round()`, `.clamp(0, 255)`, `.to(torch.uint8)`.

</details>
"""

# %%
def denorm(x):
    return ...


verdict = check.to_bytes(denorm)

# %% [markdown] tags=["lang-zh"]
r"""
## 检查点

训练可能要很久，电脑可能会关机。`004` 在最后保存了权重；可是要接着训练，光有权重不够，还要有两个优化器的状态、随机数的状态和步数。`checkpoint.save` 把它们写进一个 safetensors 文件：先完整写好，再改名，中途断电也不会毁掉旧的那一份；文件里只有数字和文字，没有可以执行的代码。

长时间训练时写 `fit(game, images, steps, save_to="runs/digits.safetensors")`。按 ■ 可以随时停下，再运行一次就接着走，结果和一口气跑完的逐位相同：
"""

# %% [markdown] tags=["lang-en"]
r"""
## Checkpoints

Training can take a long time, and computers get switched off. `004` saves the weights at the end; but to go on training, weights are not enough. You also need the state of both optimisers, the state of the random number generators and the step count. `checkpoint.save` writes them into one safetensors file: first the whole file, then the rename, so that a power cut cannot destroy the old one; and the file holds numbers and text only, no code that could be executed.

For long runs write `fit(game, images, steps, save_to="runs/digits.safetensors")`. Press ■ to stop at any time; run the cell again and it goes on, and the result is bit for bit that of an uninterrupted run:
"""

# %%
with tempfile.TemporaryDirectory() as folder:
    file = Path(folder) / "half_way.safetensors"
    first_half = fit(recipes.source_002(), images, 30)
    checkpoint.save(first_half, file)

    resumed = recipes.source_002()
    checkpoint.load(resumed, file)
    fit(resumed, images, 60)

in_one_go = fit(recipes.source_002(), images, 60)
print("stopped and resumed equals in one go:",
      all(torch.equal(a, b) for a, b in zip(resumed.generator.parameters(),
                                            in_one_go.generator.parameters(), strict=True)))

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
lab.quiz("02")

# %% [markdown] tags=["lang-zh", "recap"]
r"""
## 小结

现在你会：

- 写 D 的一步：假图不带梯度，真图的分数往上推，假图的往下压，损失在 logit 上算；
- 写 G 的一步：只有噪声和 D 传来的梯度，用非饱和损失；
- 让数据范围和最后一层对得上：$[-1, 1]$ 配 tanh，$[0, 1]$ 配 sigmoid；
- 数出模式崩溃，用 `betas` 和 R1 治好它，报分数时附上下限。

两篇原文里，这些说法或写法需要更正：

| 原文 | 更正 | 在哪里看到 |
|---|---|---|
| `002` 的提问：批大小为什么要整除数据量 | 固定大小的标签遇到不满的一批会报错；换成 `ones_like` 或 softplus 就行 | 先猜再跑 2 |
| `002`：G 和 D 必须势均力敌 | 让 D 变弱治不好崩溃；还要看 D 的梯度 | 游戏规则、今日故障 |
| `002`：G 根据“所了解，熟悉及掌握的知识”造假 | G 从没见过真品 | 手写一遍：G 的一步 |
| `002`：“双线性”网络 | 两层的全连接网络 | 两对网络 |
| `002`、`004`：D 的一步没有 `detach` | 白算一遍，还在 G 里留下梯度 | 先猜再跑 3 |
| `002`、`004`：先 sigmoid 再 `BCELoss` | 极端处梯度为 0；应在 logit 上算 | 损失 |
| `002`：只需要训练集 | 打分、查抄袭都离不开留出的数据 | 第二个问题 |
| `002`、`004`：每次用新噪声，只看最后一批 | 看进步要用固定的噪声 | 用原文的设置训练 |
| `004`：CGAN、DCGAN、CycleGAN 是网络层的改进 | CGAN 改了输入和目标函数；CycleGAN 多了一对网络和循环一致性损失 | 延伸 |
"""

# %% [markdown] tags=["lang-en", "recap"]
r"""
## Recap

You can now:

- write D's step: fakes without gradient, real ones up, fakes down, the loss on logits;
- write G's step: nothing but noise and the gradient that comes through D, with the non-saturating loss;
- make the range of the data and the last layer agree: $[-1, 1]$ with tanh, $[0, 1]$ with sigmoid;
- count a mode collapse, cure it with `betas` and R1, and report a score next to its floor.

These statements and habits of the originals needed correcting:

| Original | Correction | Where you saw it |
|---|---|---|
| `002` asks: why must the batch size divide the data | labels of a fixed size fail on a smaller batch; `ones_like` or softplus will do | Predict, then run 2 |
| `002`: G and D must be equally strong | weakening D does not cure the collapse; look at D's gradient, too | rules of the game, failure of the day |
| `002`: G forges from "what it knows" | G never sees a genuine one | by hand: G's step |
| `002`: a "bilinear" network | a two-layer fully connected network | two pairs of networks |
| `002`, `004`: no `detach` in D's step | work for nothing, and gradients left in G | Predict, then run 3 |
| `002`, `004`: sigmoid, then `BCELoss` | a gradient of 0 at the extremes; compute on logits | the loss |
| `002`: only the training set is needed | marking, and finding copies, need held-out data | the second question |
| `002`, `004`: new noise each time, only the last batch is shown | to see progress, keep the noise fixed | training with the originals' settings |
| `004`: CGAN, DCGAN, CycleGAN improve the layers | CGAN changes the input and the objective; CycleGAN adds a second pair of networks and a cycle loss | going further |
"""

# %% [markdown] tags=["lang-zh", "going-further"]
r"""
## 延伸

- **把代码读两遍。** `002` 的作者这样建议（他的代码又要感谢 [wiseodd 的 generative-models](https://github.com/wiseodd/generative-models)），我们也一样：第一遍看懂每一行，第二遍看它们怎样连起来。从 `gan_lessons/train.py` 读起，那里没有藏东西。
- **放大。** 把 MNIST 的四个文件放进 `GAN_LESSONS_DATA` 所指文件夹里的 `MNIST/raw`，再运行一遍；有显卡就设 `GAN_LESSONS_SCALE=full`。
- **动手改。** 把 `penalties.r1` 的 $\gamma$ 换成 0.01 或 100，先猜会怎样，再量。`betas` 的两个数每次只改一个，看看起作用的是哪一个。
- **往前走。** 把全连接层换成卷积，就是 DCGAN；把类别标签也交给 G 和 D，就是 CGAN，输入和目标函数都变了；两个方向各用一对网络，再加上循环一致性损失，就是 CycleGAN。它们都建立在你刚写的这两步之上。
- **论文。** Goodfellow 等，[Generative Adversarial Nets](https://arxiv.org/abs/1406.2661)；Arjovsky 和 Bottou，[Towards Principled Methods for Training Generative Adversarial Networks](https://arxiv.org/abs/1701.04862)；Salimans 等，[Improved Techniques for Training GANs](https://arxiv.org/abs/1606.03498)，单侧标签平滑出自这里；Mescheder 等，[Which Training Methods for GANs do actually Converge?](https://arxiv.org/abs/1801.04406)，R1 出自这里。
"""

# %% [markdown] tags=["lang-en", "going-further"]
r"""
## Going further

- **Read the code twice.** The author of `002` advises it (thanking, for the code, [wiseodd's generative-models](https://github.com/wiseodd/generative-models)), and so do we: once to understand each line, once to see how they connect. Begin with `gan_lessons/train.py`; nothing is hidden there.
- **Scale up.** Put the four MNIST files into `MNIST/raw` inside the folder that `GAN_LESSONS_DATA` names and run again; with a graphics card, set `GAN_LESSONS_SCALE=full`.
- **Change something.** Set the $\gamma$ of `penalties.r1` to 0.01 or to 100; guess first, then measure. Change the two numbers of `betas` one at a time and see which of them does the work.
- **Go on.** Replace the fully connected layers with convolutions and you have a DCGAN; hand the class to G and D as well and you have a CGAN, with a different input and a different objective; use a pair of networks for each direction and a cycle loss and you have a CycleGAN. All of them stand on the two steps you have just written.
- **Papers.** Goodfellow et al., [Generative Adversarial Nets](https://arxiv.org/abs/1406.2661); Arjovsky and Bottou, [Towards Principled Methods for Training Generative Adversarial Networks](https://arxiv.org/abs/1701.04862); Salimans et al., [Improved Techniques for Training GANs](https://arxiv.org/abs/1606.03498), the source of one-sided label smoothing; Mescheder et al., [Which Training Methods for GANs do actually Converge?](https://arxiv.org/abs/1801.04406), the source of R1.
"""
