# %% [markdown] tags=["lang-zh", "title"]
r"""
# 01 · 直观地理解 GAN：一场看得见的游戏

一个造假，一个打假，两边都在学。这一课把游戏搬到平面上：每件作品只是一个点，于是谁走了哪一步、错在哪里，全都看得见，也数得清。

- **学完你会**：说出 D 和 G 各看见什么；算出最好的判别器 $D^*(x)$ 和它量出的距离；看图、数数，认出梯度消失、模式崩溃和振荡；亲手一步一步地玩这场游戏。
- **需要准备**：知道神经网络怎样用梯度下降训练；学过概率密度。
- **用时**：阅读和练习 50 分钟；全部运行一遍约 1 分钟（一个 CPU 核心，不需要显卡，也不必联网）。
- **来历**：故事出自 [siriusdemon 的《直观地理解 GAN》](https://github.com/siriusdemon/hackaway/tree/master/projects/Gan/GAN)，下文称它为 `002`；它的代码在第 02 课。可以动手玩的实验室，是向 [GAN Lab](https://poloclub.github.io/ganlab/) 致敬。
"""

# %% [markdown] tags=["lang-en", "title"]
r"""
# 01 · The idea of a GAN: a game you can watch

One side forges, the other detects forgeries, and both are learning. This lesson plays the game in the plane: a work of art is a single point, so that every move and every blunder can be seen and counted.

- **You will be able to**: say what D and G each get to see; compute the best discriminator $D^*(x)$ and the distance it measures; tell vanishing gradient, mode collapse and oscillation apart by looking and counting; play the game by hand, one step at a time.
- **You need**: to know how gradient descent trains a neural network, and to have met probability densities.
- **Time**: 50 minutes to read and do the exercises; about 1 minute to run everything (one CPU core, no graphics card, no internet connection).
- **Where it comes from**: the story is that of [siriusdemon's introduction to GANs](https://github.com/siriusdemon/hackaway/tree/master/projects/Gan/GAN), called `002` below; its code waits in lesson 02. The laboratory to play with is a tribute to [GAN Lab](https://poloclub.github.io/ganlab/).
"""

# %%
import inspect
import math
from functools import partial

import torch
from torch import nn

from gan_lessons import data, lab, losses, measure, penalties, recipes, runtime, show
from gan_lessons.exercises import lesson01 as check
from gan_lessons.nets import mlp
from gan_lessons.train import adam, critic_step, fit, generator_step, head_start, sample_noise

runtime.set_threads(1)  # these networks are too small to gain from a second thread
lab.language_switch()

# %% [markdown] tags=["lang-zh", "what-changed"]
r"""
## 和你熟悉的训练相比

平时训练一个网络，目标写在数据里：图片配着标签，损失越低越好。GAN 没有标签，也没有固定的目标；有的是两个网络，各有各的损失，对方的网络就是自己的考官：

```diff
- loss = criterion(network(x), label)         # one network, a fixed target
- loss.backward(); optimizer.step()
+ D_loss = loss.critic(D(real), D(G(z)))      # D: tell real from fake
+ D_loss.backward(); D_optimizer.step()
+ G_loss = loss.generator(D(G(z)))            # G: let the fakes pass for real
+ G_loss.backward(); G_optimizer.step()
```

于是，有一个习惯要先改掉：**损失下降不再等于变好**。考官换了水平，分数也就换了意思。
"""

# %% [markdown] tags=["lang-en", "what-changed"]
r"""
## What changed since the training you know

Usually the target is part of the data: every picture has its label, and the lower the loss, the better. A GAN has no labels and no fixed target. It has two networks, each with a loss of its own, and each is the other's examiner:

```diff
- loss = criterion(network(x), label)         # one network, a fixed target
- loss.backward(); optimizer.step()
+ D_loss = loss.critic(D(real), D(G(z)))      # D: tell real from fake
+ D_loss.backward(); D_optimizer.step()
+ G_loss = loss.generator(D(G(z)))            # G: let the fakes pass for real
+ G_loss.backward(); G_optimizer.step()
```

One habit has to go right away: **a falling loss no longer means progress**. When the examiner changes, so does the meaning of a mark.
"""

# %% [markdown] tags=["lang-zh"]
r"""
## 故事：警察和造假者

GAN 是**生成对抗网络**（generative adversarial network）的缩写，可以生成图片、视频等等，用处很广。`002` 拿警匪片来讲它：一边强得没有悬念，戏就没人看；要旗鼓相当，才有好戏。GAN 里的警察是**判别器**（discriminator），`002` 管它叫“小 D”；歹徒是**生成器**（generator），就是 G。G 靠造假为生：原料是一把随机噪声 $z$，产品是赝品 $G(z)$（“赝品”二字用得好：既是假的，又能乱真）。小 D 看一件东西 $x$，说出它是真品的概率 $D(x)$。一开始，赝品件件露馅；G 吃一堑长一智，回去重做。几番较量，两边都成了高手，终于 D 再也看不出破绽。到了那一天，研究者就让 G 出来干活：熊猫、恐龙，想画什么画什么。

故事很好，有两处要当心，这一课会用实验来说明：

1. **G 从来没有见过真品。** 原文说 G 靠“所了解，熟悉及掌握的知识”造假；其实它只有噪声，和 D 传回来的梯度。
2. **不必势均力敌。** 步数一样多的 D，可以毁掉 G，也可以教好 G，单看谁练得多断定不了结果。G 是靠 D 的梯度学习的，所以还要看梯度在不在、指向哪里。
"""

# %% [markdown] tags=["lang-en"]
r"""
## The story: cops and forgers

GAN stands for **generative adversarial network**; people use it to make pictures, videos and much else. `002` explains it with a cops-and-robbers film: nobody watches when one side is so strong that the end is certain; only an even match keeps us in our seats. The cop of a GAN is the **discriminator**, which `002` calls "little D"; the robber is the **generator**, G. G lives by forging: its raw material is a handful of random noise $z$, its product the forgery $G(z)$, a fake good enough to pass. Little D looks at a thing $x$ and states the probability $D(x)$ that it is genuine. At first every forgery is seen through; G learns from each defeat and tries again. Round after round both get better, until D finds nothing wrong any more. On that day researchers put G to work, to paint pandas, dinosaurs or whatever they like.

A good story, with two traps in it. This lesson shows both by experiment:

1. **G never sees a genuine work.** The original has it forge from "what it knows"; all it has is noise, and the gradient that comes back through D.
2. **The match need not be even.** A D with exactly as many steps of training can ruin G, or teach it: who has trained more does not settle the matter. G learns from D's gradient, so look also whether that is there, and where it points.
"""

# %% [markdown] tags=["lang-zh"]
r"""
## 真品：平面上的八团点

我们的“真品”是平面上的点，围成一圈，共 8 团；每一团叫一个**模式**。真品由公式当场采样，要多少有多少。G 和 D 都是小网络，各有两个隐藏层，每层 64 个单元。

先看一眼开工之前 G 的作品：
"""

# %% [markdown] tags=["lang-en"]
r"""
## Genuine works: eight clusters in the plane

Our genuine works are points in the plane, in 8 clusters on a circle; each cluster is called a **mode**. They are drawn from a formula, as many as we like. G and D are small networks, each with two hidden layers of 64 units.

Here is what G makes before it has learned anything:
"""

# %%
ring = data.ring()
ring.card()
newborn = recipes.plane(seed=0)
show.clouds({"before training": newborn.sample(500)}, ring.sample(500),
            alt="Scatter plot: eight small clusters of real points on a circle; all fakes of the "
                "untrained generator in one smear near the centre")

# %% [markdown] tags=["lang-zh"]
r"""
## 规则：两个人争同一个数

$$\min_G \max_D \; V(D, G) = \mathbb{E}_{x \sim p_r}[\log D(x)] + \mathbb{E}_{z}[\log(1 - D(G(z)))]$$

D 想让 $V$ 大：给真品的分接近 1，给赝品的分接近 0。G 想让 $V$ 小，而它够得着的只有第二项。

先把 G 定住，只问：**最好的 D 是什么样？** 记真品的密度为 $p_r(x)$，赝品的密度为 $p_g(x)$。
"""

# %% [markdown] tags=["lang-en"]
r"""
## The rules: two fight over one number

$$\min_G \max_D \; V(D, G) = \mathbb{E}_{x \sim p_r}[\log D(x)] + \mathbb{E}_{z}[\log(1 - D(G(z)))]$$

D wants $V$ large: marks near 1 for genuine works, near 0 for fakes. G wants $V$ small, and the second term is all it can reach.

Let G stand still for a moment; then the only question is: **what does the best D look like?** Write $p_r(x)$ for the density of the real points and $p_g(x)$ for that of the fakes.
"""

# %% [markdown] tags=["lang-zh", "predict"]
r"""
### 先猜再跑 1：以假乱真之后

假如 G 已经完美，赝品和真品的分布一模一样。这时候，最好的 D 会说什么？

- A. 处处是 0：它被骗怕了，什么都不信。
- B. 处处是 1：样样都像真的。
- C. 处处是 0.5。
- D. 真品多的地方高，真品少的地方低。

写下你的答案，再运行。
"""

# %% [markdown] tags=["lang-en", "predict"]
r"""
### Predict, then run 1: the perfect forgery

Suppose G is perfect: fakes and real points have the same distribution. What does the best D say then?

- A. 0 everywhere: it has been fooled so often that it trusts nothing.
- B. 1 everywhere: all of it looks real.
- C. 0.5 everywhere.
- D. High where there are many real points, low where there are few.

Write your answer down, then run.
"""

# %%
def bell(x, mean, std=1.0):
    return torch.exp(-((x - mean) / std) ** 2 / 2) / (std * math.sqrt(2 * math.pi))


dx = 0.01
x = torch.arange(-6, 6, dx, dtype=torch.float64)
candidates = torch.arange(0.001, 1, 0.001, dtype=torch.float64).unsqueeze(1)  # values of D(x)


def best_by_search(p_r, p_g):
    """At each x, try 999 values of D(x) and keep the one with the highest payoff."""
    payoff = p_r * candidates.log() + p_g * (1 - candidates).log()
    return candidates[payoff.argmax(0), 0]


perfect = best_by_search(bell(x, 0), bell(x, 0))
print("equal densities, the best D says:", f"{perfect.min():.1f} to {perfect.max():.1f}")

p_r, p_g = bell(x, -1), bell(x, 1.5, 0.7)
formula = (p_r / (p_r + p_g)).clamp(0.001, 0.999)
off = (best_by_search(p_r, p_g) - formula).abs().max()
print("in general the search finds p_r / (p_r + p_g):", bool(off < 0.0011))

# %% [markdown] tags=["lang-zh", "exercise"]
r"""
答案是 **C**。在每一点上，D 只要比较真品和赝品各占多少：

$$D^*(x) = \frac{p_r(x)}{p_r(x) + p_g(x)}$$

记 $a = p_r(x)$、$b = p_g(x)$，把 $a \log d + b \log(1 - d)$ 对 $d$ 求导，令它为 0，就得到 $d = a / (a + b)$。注意 0.5 的意思是“分不出”，而不是“画得好”：一个什么都没学会的 D，也差不多处处是 0.5。

### 练习 1：最好的判别器

补全 `best_d`。`p_r` 和 `p_g` 是形状相同的张量，存着各点的密度。

<details><summary>提示一</summary>

站在一个点上数一数：这里的东西，有几分之几是真的？

</details>

<details><summary>提示二</summary>

分子是 `p_r`，分母是两者之和。不需要循环。

</details>
"""

# %% [markdown] tags=["lang-en", "exercise"]
r"""
The answer is **C**. At each point D has only to compare how much is real and how much is fake:

$$D^*(x) = \frac{p_r(x)}{p_r(x) + p_g(x)}$$

Write $a = p_r(x)$ and $b = p_g(x)$, differentiate $a \log d + b \log(1 - d)$ with respect to $d$, set the result to 0, and out comes $d = a / (a + b)$. Mind what 0.5 means: "cannot tell", not "well painted". A D that has learned nothing says about 0.5 everywhere, too.

### Exercise 1: the best discriminator

Complete `best_d`. `p_r` and `p_g` are tensors of one shape that hold the densities at many points.

<details><summary>Hint one</summary>

Stand at one point and count: what share of the things here is real?

</details>

<details><summary>Hint two</summary>

On top `p_r`, below the sum of the two. No loop is needed.

</details>
"""

# %%
def best_d(p_r, p_g):
    return ...


verdict = check.optimal_discriminator(best_d)

# %% [markdown] tags=["lang-zh"]
r"""
公式里有密度，而真正的 D 只见过样本。它学得到 $D^*$ 吗？让 G 站着不动（它的作品就是噪声本身，标准正态分布），真品是一条轴上的两团，训练 D 一会儿：
"""

# %% [markdown] tags=["lang-en"]
r"""
The formula speaks of densities, while a real D meets only samples. Can it learn $D^*$? Let G stand still (its works are the noise itself, a standard normal), take two clusters on a line as real points, and train D for a while:
"""

# %%
two_hills = data.on_axis((-1.5, 1.5), std=0.5)
torch.manual_seed(0)
D = mlp.discriminator([64, 64], (1,), activation=mlp.leaky)
D_optimizer, noise = adam(D, lr=1e-3), torch.Generator().manual_seed(0)
batches = two_hills.batches(512)
for _ in range(1500):
    critic_step(D, nn.Identity(), D_optimizer, losses.NonSaturating(), next(batches),
                sample_noise(512, 1, noise))

seen = x[x.abs() < 2.5]  # where there are points to learn from
p_r = (bell(seen, -1.5, 0.5) + bell(seen, 1.5, 0.5)) / 2
d_star = p_r / (p_r + bell(seen, 0))
with torch.no_grad():
    learned = D(seen.float().unsqueeze(1)).sigmoid()
show.lines({"formula": (seen, d_star), "trained D": (seen, learned)}, xlabel="x", ylabel="D(x)",
           alt="Line plot of D over x: the trained network follows the formula closely, high over "
               "the two hills of real points, low between them")
print("mean distance between the trained D and the formula below 0.05:",
      float((learned - d_star).abs().mean()) < 0.05)

# %% [markdown] tags=["lang-zh", "exercise"]
r"""
## 最好的 D 是一把尺子

把 $D^*$ 代回 $V$，得到的数只和两个分布有关：

$$V(D^*, G) = 2 \, \mathrm{JS}(p_r, p_g) - \log 4$$

JS 是 Jensen-Shannon 散度：两个分布相同时是 0，毫不重叠时是 $\log 2$。所以，G 如果每走一步都面对最好的 D，就是在缩短这把尺子量出的距离。

### 练习 2：从 D 读出 JS

补全 `js`：`d` 是最好的 D 在一排等距的点上的值，`p_r` 和 `p_g` 是那里的密度，`dx` 是点距。返回一个数。

<details><summary>提示一</summary>

先求 V：积分就是求和再乘以 `dx`。

</details>

<details><summary>提示二</summary>

`V = (p_r * d.log() + p_g * (1 - d).log()).sum() * dx`，再从上面的等式里解出 JS。

</details>
"""

# %% [markdown] tags=["lang-en", "exercise"]
r"""
## The best D is a ruler

Put $D^*$ back into $V$, and the number that comes out depends on the two distributions alone:

$$V(D^*, G) = 2 \, \mathrm{JS}(p_r, p_g) - \log 4$$

JS is the Jensen-Shannon divergence: 0 when the distributions are the same, $\log 2$ when they do not overlap at all. A G that faces the best D at every step is shortening the distance this ruler reads.

### Exercise 2: read JS off D

Complete `js`: `d` holds the best D at a row of equally spaced points, `p_r` and `p_g` the densities there, and `dx` is the spacing. Return one number.

<details><summary>Hint one</summary>

First V: an integral is a sum times `dx`.

</details>

<details><summary>Hint two</summary>

`V = (p_r * d.log() + p_g * (1 - d).log()).sum() * dx`; then solve the equation above for JS.

</details>
"""

# %%
def js(d, p_r, p_g, dx):
    return ...


verdict = check.js_from_discriminator(js)

# %% [markdown] tags=["lang-zh"]
r"""
等式两边各算一遍，再看看这把尺子的毛病：把其中一条钟形曲线慢慢推远，JS 怎样变化？
"""

# %% [markdown] tags=["lang-en"]
r"""
Compute both sides of the equation; then look at the weak spot of this ruler: slide one bell away from the other and see what JS does.
"""

# %%
def jensen_shannon(p, q):
    middle = (p + q) / 2
    both = torch.special.xlogy(p, p / middle) + torch.special.xlogy(q, q / middle)
    return float(both.nansum()) * dx / 2


p_r, p_g = bell(x, -1), bell(x, 1, 0.8)
best = p_r / (p_r + p_g)
value = float((p_r * best.log() + p_g * (1 - best).log()).sum()) * dx
print("V at the best D equals 2 JS - log 4, to six digits:",
      abs(value - (2 * jensen_shannon(p_r, p_g) - math.log(4))) < 1e-6)

x_wide = torch.arange(-6, 18, dx, dtype=torch.float64)
shifts = torch.linspace(0, 12, 49)
divergence = torch.tensor([jensen_shannon(bell(x_wide, 0), bell(x_wide, s)) for s in shifts])
show.lines({"JS": (shifts, divergence)}, xlabel="shift between two Gaussians", ylabel="JS",
           alt="Line plot of JS against the shift: it rises from 0 and is flat at log 2 as soon as "
               "the two Gaussians hardly overlap")
print("from shift 6 to shift 12 JS changes by less than 1 % of log 2:",
      float(divergence[-1] - divergence[24]) < 0.01 * math.log(2))

# %% [markdown] tags=["lang-zh", "predict"]
r"""
离得太远，尺子的读数就不动了：再挪一步，JS 几乎还是 $\log 2$。一条平线没有坡，也就没有梯度。

## G 怎样学：两种写法，两种坡

D 内部给出的是 logit $l$，$D = \sigma(l)$。G 只能让自己作品的 $l$ 变大。有两种写法：

- **饱和**（最初的写法）：把 $\log(1 - D)$ 变小；
- **非饱和**：把 $-\log D$ 变小。

### 先猜再跑 2：哪种写法还有坡？

训练刚开始，G 画得很差，D 一眼识破，赝品的 logit 在 $-6$ 附近。哪种写法给 G 的梯度大？

- A. 饱和的大：画得越差，改进的余地越大。
- B. 非饱和的大。
- C. 一样大：两种写法的最优点相同。
"""

# %% [markdown] tags=["lang-en", "predict"]
r"""
Too far away, and the ruler stops moving: one more step and JS is still almost $\log 2$. A flat line has no slope, hence no gradient.

## How G learns: two ways to put it, two slopes

Inside, D gives a logit $l$, and $D = \sigma(l)$. All that G can do is raise the $l$ of its own works. There are two ways to say so:

- **saturating** (the original form): make $\log(1 - D)$ small;
- **non-saturating**: make $-\log D$ small.

### Predict, then run 2: which of them still has a slope?

Early in training G paints badly, D sees through everything, and the logits of the fakes are around $-6$. Which form gives G the larger gradient?

- A. The saturating one: the worse the fakes, the more room for improvement.
- B. The non-saturating one.
- C. Both the same: they have the same optimum.
"""

# %%
def slope(loss, logits):
    """Return how steep G's loss is at each logit."""
    logits = logits.clone().requires_grad_(True)
    (loss.generator(logits) * len(logits)).backward()
    return logits.grad.abs()


logits = torch.linspace(-6, 6, 121)
slopes = {"saturating": slope(losses.Minimax(), logits),
          "non-saturating": slope(losses.NonSaturating(), logits)}
show.lines({name: (logits, s) for name, s in slopes.items()}, xlabel="logit of a fake",
           ylabel="slope of G's loss",
           alt="Line plot of the slope of G's loss against the logit of a fake: the saturating "
               "loss is flat at low logits and steep at high ones, the non-saturating the reverse")
for name, s in slopes.items():
    print(f"{name:15s} at logit -6: {s[0]:.4f}   at logit +6: {s[-1]:.4f}")

# %% [markdown] tags=["lang-zh", "exercise"]
r"""
答案是 **B**。被识破的赝品（logit 很低）最需要梯度，饱和的写法恰恰在这里是平的；等 G 已经骗过了 D，它反而陡起来。这一点很容易说反，以为要等 G 画得完美了，梯度才会太小；上面的数字说明，正好相反。两种写法的不动点相同，却是不同的目标，中间不能写等号。

### 练习 3：两个梯度

补全 `gradients`：给定一组 logit，返回 $\log(1 - D)$ 和 $-\log D$ 对 logit 的导数，各是一个同样形状的张量。

<details><summary>提示一</summary>

可以用 `torch.autograd`，也可以手算：sigmoid 的导数是 `D * (1 - D)`。

</details>

<details><summary>提示二</summary>

设 `d = logits.sigmoid()`。第一个是 `-d`；两个加起来是一个常数。

</details>
"""

# %% [markdown] tags=["lang-en", "exercise"]
r"""
The answer is **B**. A fake that is seen through (a low logit) needs a gradient most of all, and that is just where the saturating form is flat; it turns steep once G has fooled D. It is easy to get this the wrong way round and to expect that the gradient gets too small once G is perfect; the numbers above show the opposite. The two forms share their fixed point, but they are different objectives, and no equals sign belongs between them.

### Exercise 3: two gradients

Complete `gradients`: for given logits return the derivatives of $\log(1 - D)$ and of $-\log D$ with respect to the logit, each a tensor of the same shape.

<details><summary>Hint one</summary>

Use `torch.autograd`, or work it out by hand: the derivative of the sigmoid is `D * (1 - D)`.

</details>

<details><summary>Hint two</summary>

Let `d = logits.sigmoid()`. The first is `-d`; the two add up to a constant.

</details>
"""

# %%
def gradients(logits):
    return ...


verdict = check.generator_gradients(gradients)

# %% [markdown] tags=["lang-zh"]
r"""
## 亲手玩一个回合

一个回合就是两步：D 学一步，G 学一步。一步太小，看不出什么，下面各走 20 步：
"""

# %% [markdown] tags=["lang-en"]
r"""
## One round by hand

A round is two steps: one for D, one for G. A single step is too small to see, so each takes 20 here:
"""

# %%
game = recipes.plane(seed=0)
G, D, loss = game.generator, game.critic, losses.NonSaturating()
z = sample_noise(128, 2, torch.Generator().manual_seed(0))


def mean_scores(real):
    with torch.no_grad():
        return float(D(real).mean()), float(D(G(z)).mean())


real = ring.sample(128)
before = mean_scores(real)
for _ in range(20):  # D's turn: real ones up, fakes down
    critic_step(D, G, game.critic_optimizer, loss, real, z)
after = mean_scores(real)
print("D's steps pull the scores of real and fake apart:",
      after[0] - after[1] > before[0] - before[1])

low = after[1]
place = G(z).detach()
del real  # whatever G learns, it does not learn it from real points
for _ in range(20):  # G's turn: fakes up
    generator_step(D, G, game.generator_optimizer, loss, z)
with torch.no_grad():
    print("G's steps raise the score of its fakes:", float(D(G(z)).mean()) > low)
    print("and they do so by moving the points:", float((G(z) - place).norm(dim=1).mean()) > 0.01)

# %% [markdown] tags=["lang-zh"]
r"""
真品已经删掉，G 照样学：它拿到的只有 D 的意见。故事里要当心的第一处，就在这里。`generator_step` 的源码只有几行。参数 `real` 后面才用得到：有的损失要成对地比，这时 D 也给真品打分；G 仍然看不到真品，只看到 D 的意见。
"""

# %% [markdown] tags=["lang-en"]
r"""
The real points were deleted and G learned all the same: D's opinion is all it gets. That was the first trap in the story. The source of `generator_step` is a few lines. Its argument `real` is needed further down, by losses that compare pairs: then D scores real points as well. Even so G never sees them; it sees D's opinion.
"""

# %%
print(inspect.getsource(generator_step))

# %% [markdown] tags=["lang-zh"]
r"""
## GAN 实验室

现在轮到你了。运行下一格：左边是真品和赝品，底色是 D 的判断，箭头是 D 给其中一些赝品指的路，网格是被 G 变了形的噪声平面；右边是曲线。可以播放、暂停，也可以只走 D 的一步，或只走 G 的一步。试试这几件事：

1. 只按 D 的一步，按 20 次：底色怎样变？再只按 G 的一步：赝品往哪里走？
2. 播放，等 8 团里都有了赝品。损失是不是一直在降？
3. 把损失换成极小极大，再换成别的；播放着换也可以。
4. 换一份数据：螺旋、网格，或者用鼠标自己画。
5. 依次选预设里的三种故障：模式崩溃、梯度消失、振荡，最后选“解药”，它治的是第一种。下面就要讲它们。

实验室用的就是这门课的损失和网络；`playground.state` 把它们交给下一格代码，`playground.run(500)` 不看画面，直接走 500 个回合。
"""

# %% [markdown] tags=["lang-en"]
r"""
## The GAN lab

Your turn. Run the next cell: on the left real points and fakes; the background is D's judgement, the arrows show which way D sends some of the fakes, and the grid is the plane of noise as G bends it; on the right the curves. You can play and pause, or take a single step of D or of G. Some things to try:

1. Only steps of D, 20 of them: how does the background change? Then only steps of G: where do the fakes go?
2. Play until all 8 clusters are covered. Do the losses fall all the time?
3. Change the loss to minimax, then to others; you may do so while it plays.
4. Take other data: a spiral, a grid, or draw your own with the mouse.
5. Choose the presets one after the other: the three failures, mode collapse, vanishing gradient and oscillation, and last the cure, which treats the first. We are coming to all of them.

The lab uses the losses and networks of this course; `playground.state` hands them to the next cell, and `playground.run(500)` plays 500 rounds without the pictures.
"""

# %% tags=["nbval-ignore-output"]
playground = lab.GanLab(seed=1)
playground.run(500)
playground

# %%
made = playground.state.sample(2500)
print("at least 500 rounds were played in the lab:", playground.state.step >= 500)
print("points it hands over:", tuple(made.shape))

# %% [markdown] tags=["lang-zh"]
r"""
## 数一数

“看着不错”不算数。量点的尺子照两篇论文（VEEGAN 和 PacGAN）的规矩：从 G 取 2,500 个样本，

- `modes`：至少有一个样本落在 3 个标准差以内的模式有几个；
- `high quality`：落在某个模式 3 个标准差以内的样本占多少，完美的 G 是 98.9%；
- `reverse KL`：样本在各模式间分得匀不匀，0 是完全均匀；
- `effective`（我们加的）：有效模式数，即样本的分散程度相当于均匀地覆盖了几个模式。第一个数太宽容，有一个样本就算“覆盖”；这个数不会。
"""

# %% [markdown] tags=["lang-en"]
r"""
## Count

"Looks good" does not count. Our ruler for points follows the rules of two papers (VEEGAN and PacGAN): draw 2,500 samples from G, then

- `modes`: how many modes have at least one sample within 3 standard deviations;
- `high quality`: the share of samples within 3 standard deviations of a mode; a perfect G reaches 98.9 %;
- `reverse KL`: how evenly the samples are spread over the modes; 0 is perfectly even;
- `effective` (our addition): how many equally full modes that amounts to. The first number is lenient, a single sample makes a mode "captured"; this one is stricter.
"""

# %% [markdown] tags=["lang-zh", "predict"]
r"""
### 先猜再跑 3：先让 D 练 1000 步

普通的 GAN，每回合 D 一步、G 一步。现在先让 D 单独练 1000 步，之后每个回合 D 走 10 步，G 才走 1 步。G 会怎样？

- A. 学得更快：老师更高明。
- B. 一样：G 最后总会学会。
- C. 更糟：G 只守住少数几团。
"""

# %% [markdown] tags=["lang-en", "predict"]
r"""
### Predict, then run 3: let D practise for 1000 steps first

A plain GAN takes one step of D and one of G in a round. Now D practises alone for 1000 steps, and after that takes 10 steps in every round before G takes 1. What becomes of G?

- A. It learns faster: its teacher is better.
- B. No change: G gets there in the end.
- C. It does worse: G keeps to a few of the clusters.
"""

# %%
steps = runtime.at_scale(smoke=50, default=1500, full=3000)
plain = fit(recipes.plane(seed=1), ring, steps)
strong = fit(head_start(recipes.plane(seed=1, n_critic=10), ring, 1000), ring, steps)
cured = recipes.plane(seed=1, n_critic=10, loss=losses.Relativistic(), penalty=penalties.r1_r2)
cured = fit(head_start(cured, ring, 1000), ring, steps)

games = {"plain": plain, "strong D": strong, "strong D, RpGAN+R1+R2": cured}
show.clouds({name: game.sample(2500) for name, game in games.items()}, ring.sample(500),
            columns=3, alt="Three scatter plots: plain, the fakes cover all eight clusters, with a "
                           "trail of points between them; with a strong D, they sit on one; with a "
                           "strong D and RpGAN, R1 and R2, all eight and a trail again")

# %% tags=["nbval-ignore-output"]
reports = {name: measure.mode_report(game.sample(2500), ring) for name, game in games.items()}
for name, report in reports.items():
    print(f"{name:22s}", report)

# %%
if runtime.scale() != "smoke":
    print("plain: all 8 modes captured:", reports["plain"].modes == 8)
    print("strong D: fewer than 4 effective modes:", reports["strong D"].effective_modes < 4)
    print("the same strong D, RpGAN+R1+R2: all 8 captured:",
          reports["strong D, RpGAN+R1+R2"].modes == 8)

# %% [markdown] tags=["lang-zh"]
r"""
答案是 **C**。可是请看第三张图：同样先练 1000 步，同样是 10 比 1，G 却找到了全部 8 团。D 的步数没有变，变的是 D 和 G 的损失，外加两个惩罚项；论文的解释是：

- **RpGAN**：不看单个的分数，只成对地比：这件真品比那件赝品真多少？这样一来，全体挤在一个角落，就不再是一个走不出去的坑。
- **R1 + R2**：分别惩罚 D 在真品处、在赝品处的梯度，梯度越大，罚得越重；D 平缓了，赝品就不会被甩来甩去。

所以，单凭 D 走了多少步，断定不了 G 的成败。至于功劳归谁，这一格说不清：它一次改了三处，D 有多强、梯度有多大也都没有量；要弄清楚，得一处一处地试。一个种子说明不了问题，下面是 7 个种子的有效模式数（`studies/lesson01.py games` 可以重算）：

|  | 种子 0 | 种子 1 | 种子 2 | 种子 3 | 种子 4 | 种子 5 | 种子 6 |
|---|---|---|---|---|---|---|---|
| 普通 | 7.9 | 6.9 | 7.4 | 6.8 | 5.3 | 6.2 | 7.7 |
| D 很强 | 2.4 | 1.0 | 1.0 | 1.0 | 1.9 | 1.0 | 1.6 |
| D 练得一样多，RpGAN + R1 + R2 | 8.0 | 7.8 | 8.0 | 7.7 | 7.8 | 8.0 | 6.5 |

普通的 GAN 在这里 7 次都没有崩溃：`modes` 都是 8。不过各团多少不匀，落在团上的样本（`high quality`）也只有 27% 到 70%；第三种玩法同样离 98.9% 还远，后面现代的配方才把它提上去。而且这并不等于说普通的 GAN 不会崩溃：我们的 Adam 用的是 DCGAN（2015 年）的 `betas=(0.5, 0.999)`，默认的 0.9 会怎样，第 02 课再看。在这样的设置下，故障要费力气才造得出来；造得出来的故障，才好研究。
"""

# %% [markdown] tags=["lang-en"]
r"""
The answer is **C**. But look at the third picture: the same 1000 steps of practice, the same 10 to 1, and G has found all 8 clusters. D takes as many steps as before; different are the losses of D and of G, and there are two penalties. The papers explain it so:

- **RpGAN** does not look at single scores but compares pairs: how much more real is this genuine one than that fake? To crowd into one corner is then no longer a pit that G cannot leave.
- **R1 + R2** penalise D's gradient at the real points and at the fakes: the larger it is, the more it costs D; where D is gentle the fakes are not flung about.

So the number of D's steps alone does not decide what becomes of G. Which change deserves the credit this cell cannot tell: it makes three at once, and measures neither how strong D is nor how large its gradients are; to find out one would have to try them one by one. One seed proves nothing, so here are the effective modes of 7 seeds (`studies/lesson01.py games` computes them again):

|  | seed 0 | seed 1 | seed 2 | seed 3 | seed 4 | seed 5 | seed 6 |
|---|---|---|---|---|---|---|---|
| plain | 7.9 | 6.9 | 7.4 | 6.8 | 5.3 | 6.2 | 7.7 |
| strong D | 2.4 | 1.0 | 1.0 | 1.0 | 1.9 | 1.0 | 1.6 |
| D trained as much, RpGAN + R1 + R2 | 8.0 | 7.8 | 8.0 | 7.7 | 7.8 | 8.0 | 6.5 |

The plain GAN did not collapse here: `modes` was 8 all 7 times. But the modes are not evenly filled, and only 27 % to 70 % of the samples lie on a cluster (`high quality`); the third game, too, is far from 98.9 %, and it takes the modern recipe further down to raise it. Nor does it mean that plain GANs do not collapse: our Adam has DCGAN's `betas=(0.5, 0.999)` of 2015, and what the default of 0.9 does is a matter for lesson 02. With these settings a failure has to be engineered, and one that has been engineered can be studied.
"""

# %% [markdown] tags=["lang-zh", "failure-of-the-day"]
r"""
## 今日故障：一次三种

每一种都由种子决定，可以反复重来；在实验室里各有一个同名的预设。

### 故障一：模式崩溃

刚才的第二张图就是。样本落得很准，却挤在少数几团里（有效模式数从 1.0 到 2.4）：D 太有把握，G 找到一处能过关的地方，就全体搬过去。在平面上，看一眼就知道；换成图片，就得靠**数**。

### 故障二：梯度消失

先让 D 练 1000 步，再用饱和的损失。这里 G 走的是最朴素的梯度下降：Adam 会除以梯度的大小，再小的梯度也放大成一样的步子，病就被盖住了。实验室里同名的预设也是这样设的；在那里把 G 的优化器换成 Adam，看看会怎样。
"""

# %% [markdown] tags=["lang-en", "failure-of-the-day"]
r"""
## The failure of the day: three of them

Each is fixed by its seed and can be repeated at will; each has a preset of its name in the lab.

### Failure one: mode collapse

The second picture above. The samples are sharp and look right, but they crowd into a few clusters (1.0 to 2.4 effective modes): D is too sure of itself, G finds one place that passes, and all of it moves there. In the plane a glance is enough; with pictures you have to **count**.

### Failure two: vanishing gradient

Let D practise for 1000 steps, then use the saturating loss. G takes plain gradient steps here: Adam divides by the size of the gradient, so that even a tiny one makes steps of the usual length, and the illness is hidden. The preset of that name in the lab does the same; change G's optimiser there to Adam and see what happens.
"""

# %%
def against_a_trained_d(loss):
    """Return the mean length of D's arrows on G's fakes, and how far G then gets."""
    game = recipes.plane(seed=0, loss=loss)
    game.generator_optimizer = torch.optim.SGD(game.generator.parameters(), lr=0.02)
    head_start(game, ring, 1000)
    fakes = game.sample(500).requires_grad_(True)
    arrows, = torch.autograd.grad(500 * loss.generator(game.critic(fakes)), fakes)
    fit(game, ring, 300)
    moved = (game.sample(500) - fakes.detach()).norm(dim=1).mean()
    return float(arrows.norm(dim=1).mean()), float(moved)


saturating = against_a_trained_d(losses.Minimax())
non_saturating = against_a_trained_d(losses.NonSaturating())
print("the non-saturating arrows are more than 1000 times as long:",
      non_saturating[0] > 1000 * saturating[0])
print("after 300 rounds, saturating: G has moved by less than 0.1:", saturating[1] < 0.1)
print("after 300 rounds, non-saturating: G has moved by more than 0.5:", non_saturating[1] > 0.5)

# %% [markdown] tags=["lang-zh", "failure-of-the-day"]
r"""
同一个 D，同样的赝品，箭头的长度差了 1000 倍以上。用饱和的损失，G 站在原地；损失曲线平平的，让人以为“收敛了”。

### 故障三：振荡

把 D 的学习率降到 G 的十分之一。D 刚认出这一处全是赝品，G 已经整个跳到了别处；D 再追，G 再跑。每 50 步看一眼：
"""

# %% [markdown] tags=["lang-en", "failure-of-the-day"]
r"""
The same D, the same fakes, and the lengths of the arrows differ by a factor of more than 1000. With the saturating loss G stands still; the curves are flat and look as if training had "converged".

### Failure three: oscillation

Lower D's learning rate to a tenth of G's. No sooner has D found out that this place is all fakes than the whole of G has jumped somewhere else; D follows, G runs on. A look every 50 steps:
"""

# %%
restless = recipes.plane(seed=1)
restless.critic_optimizer = adam(restless.critic, lr=1e-4, betas=restless.betas)
looks, visited = {}, []
for step in range(50, runtime.at_scale(smoke=101, default=801, full=801), 50):
    fit(restless, ring, step)
    looks[f"step {step}"] = restless.sample(500)
    visited.append(int(torch.cdist(looks[f"step {step}"], ring.modes).argmin(1).mode().values))

show.clouds(dict(list(looks.items())[-8:]), ring.sample(500),
            alt="Eight scatter plots, fifty steps apart: in each one the fakes form a single long "
                "streak beside or across one cluster, mostly far from where it was before")
if runtime.scale() != "smoke":
    last = visited[-10:]
    print("in the last 10 looks the crowd was nearest to at least 4 different clusters:",
          len(set(last)) >= 4)
    print("and it had moved on in at least half of them:",
          sum(a != b for a, b in zip(last, last[1:])) >= 5)

# %% [markdown] tags=["lang-zh", "failure-of-the-day"]
r"""
只看一个数（只占了一团），它会被误认作模式崩溃；看图、再连着看，就分得清：崩溃的样本紧紧缩在团上，振荡的拖成长条，每次都换了地方。三种故障这样认：

| 故障 | 样本 | 过一会儿再看 | 7 个种子里出现几次 |
|---|---|---|---|
| 模式崩溃 | 只有少数几团，每团都像 | 还在原处附近 | 7 |
| 梯度消失 | 一团乱，哪里都不像 | 一动不动 | 7 |
| 振荡 | 拖成一条，多半在团外 | 整个换了地方 | 7 |

D 给 G 的梯度，这里只在第二种里量过：几乎没有。
"""

# %% [markdown] tags=["lang-en", "failure-of-the-day"]
r"""
A single number (only one cluster is covered) would take it for mode collapse. Pictures, one after another, tell them apart: collapsed samples sit tightly on a cluster; oscillating ones are drawn out into a streak, in another place each time. This is how to tell the three apart:

| Failure | Samples | A little later | Seen in how many of 7 seeds |
|---|---|---|---|
| mode collapse | few clusters, each looks right | still about the same place | 7 |
| vanishing gradient | a blur that looks like nothing | has not moved at all | 7 |
| oscillation | a long streak, mostly off the clusters | all of it somewhere else | 7 |

D's gradient for G was measured only in the second: next to none.
"""

# %% [markdown] tags=["lang-zh", "predict"]
r"""
## 最小的 GAN

振荡可以缩到两个数。真品只有一个点：0。G 只有一个参数：它的赝品在 $\theta$。D 也只有一个参数：一条过原点的直线，分数是 $\psi x$。这叫 Dirac-GAN。均衡显然是 $\theta = 0$、$\psi = 0$。

### 先猜再跑 4：两个参数的 GAN 会收敛吗？

从 $\theta = 1$、$\psi = 0$ 出发，用最初的（饱和）损失，两边轮流走小步：

- A. 会：这么简单的游戏，没有道理不收敛。
- B. 不会：绕着均衡转圈，永远到不了。
- C. 立刻发散到无穷远。
"""

# %% [markdown] tags=["lang-en", "predict"]
r"""
## The smallest GAN

Oscillation fits into two numbers. The only real point is 0. G has one parameter: its fake is at $\theta$. D has one parameter as well: a straight line through the origin, with the score $\psi x$. This is the Dirac-GAN. The equilibrium is plainly $\theta = 0$, $\psi = 0$.

### Predict, then run 4: does a GAN of two parameters converge?

Start at $\theta = 1$, $\psi = 0$, with the original (saturating) loss and small steps, taken in turns:

- A. Yes: there is no reason why so simple a game should not.
- B. No: it circles around the equilibrium and never gets there.
- C. It runs off to infinity at once.
"""

# %%
class Forger(nn.Module):
    """G: whatever the noise, the fake is at theta."""

    def __init__(self):
        super().__init__()
        self.theta = nn.Parameter(torch.ones(1, 1))

    def forward(self, z):
        return self.theta.expand(len(z), 1)


class Line(nn.Module):
    """D: the score is psi x."""

    def __init__(self):
        super().__init__()
        self.psi = nn.Parameter(torch.zeros(()))

    def forward(self, x):
        return self.psi * x.flatten()


def orbit(penalty=None, rounds=600):
    """Play the Dirac-GAN and return the path of (theta, psi), shape (2, rounds)."""
    G, D, nothing = Forger(), Line(), torch.zeros(1, 1)
    players = [torch.optim.SGD(net.parameters(), lr=0.1) for net in (D, G)]
    path = []
    for _ in range(rounds):
        critic_step(D, G, players[0], losses.Minimax(), nothing, nothing, penalty)
        generator_step(D, G, players[1], losses.Minimax(), nothing)
        path.append([G.theta.item(), D.psi.item()])
    return torch.tensor(path).T


free, damped = orbit(), orbit(partial(penalties.r1, gamma=0.3))
show.lines({"no penalty": free, "with R1": damped}, equal=True, xlabel="theta: where the fake is",
           ylabel="psi: the slope of D",
           alt="Phase portrait of the Dirac-GAN: without a penalty the path circles around the "
               "origin; with R1 it spirals into the origin")
print("no penalty: never closer to the equilibrium than 0.9:", float(free.norm(dim=0).min()) > 0.9)
print("with R1: at the end closer than 0.001:", float(damped[:, -1].norm()) < 0.001)

# %% [markdown] tags=["lang-zh"]
r"""
答案是 **B**。赝品在右边，D 就让左边的分数高起来；G 追着高分往左跑，冲过了头；D 再把直线翻过来。两个人互相追，谁也停不下来：这不怪网络太小，也不怪学习率，是游戏本身在转圈。换成非饱和损失，圈会慢慢缩小，却越缩越慢。R1 罚 D 在真品处的坡 $\psi^2$，像给钟摆加了摩擦，转着转着就停在了均衡上。大网络振荡起来，也常用这味药。

## 现代的配方

在 RpGAN + R1 + R2 之外再加几样：大一点的网络（3 个隐藏层，每层 128 个单元），慢慢减小的学习率和惩罚，最后取 G 权重的滑动平均。惩罚要多走一遍反向传播，所以 D 每 8 步只算一次，强度乘 8（延迟正则化，出自 StyleGAN2）。课上跑一个短的；`GAN_LESSONS_SCALE=full` 跑全长 12,000 步。
"""

# %% [markdown] tags=["lang-en"]
r"""
The answer is **B**. The fake is on the right, so D tilts its line so that the left scores higher; G runs left after the score and overshoots; D tilts the line back. Each chases the other and neither can stop. Neither the size of the networks nor the learning rate is to blame: the game itself goes round. With the non-saturating loss the circle shrinks, ever more slowly. R1 punishes D's slope at the real point, $\psi^2$, and acts like friction on a pendulum: round and round, and to rest at the equilibrium. Large networks that oscillate are often given the same medicine.

## The modern recipe

Add a few things to RpGAN + R1 + R2: larger networks (3 hidden layers of 128 units), a learning rate and a penalty that fade slowly, and in the end the moving average of G's weights. The penalty costs another backward pass, so only every 8th step of D takes it, 8 times as strong (lazy regularisation, from StyleGAN2). We run a short version here; `GAN_LESSONS_SCALE=full` runs all 12,000 steps.
"""

# %%
published = data.ring(radius=1, std=0.01)
steps = runtime.at_scale(smoke=50, default=2000, full=12_000)
follow = runtime.at_scale(smoke=0.9, default=0.99, full=0.999)  # a short run, a short memory
modern = fit(recipes.modern_plane(steps=steps, ema=follow), published, steps)
final = modern.sample(2500, ema=True)
show.clouds({"modern recipe": final}, published.sample(500), extent=1.5,
            alt="Scatter plot of the modern recipe: the fakes sit tightly on all eight clusters of "
                "the published ring, with a thin trail of points between them")

# %% tags=["nbval-ignore-output"]
modern_report = measure.mode_report(final, published)
floor = measure.mode_report(published.sample(2500), published)
print("real points  ", floor)
print("modern recipe", modern_report)

# %%
if runtime.scale() != "smoke":
    print("all 8 modes, each with at least half of its share:",
          int(modern_report.counts.min()) > 2500 / 8 / 2)

# %% [markdown] tags=["lang-zh"]
r"""
全长的成绩，5 个没有用来调过参数的种子，单核，每次约 1 分钟（`studies/lesson01.py modern`）：

| 数据 | 覆盖的模式 | 高质量样本，最低 | 最高 | 反向 KL，最高 |
|---|---|---|---|---|
| 环 | 8/8 | 97.4% | 98.4% | 0.003 |
| 网格，除以 4 | 25/25 | 96.5% | 97.3% | 0.012 |
| 网格，原样 | 25/25 | 94.2% | 97.0% | 0.010 |

网格的坐标原来在 $[-4, 4]$，除以 4 就和图片一样落在 $[-1, 1]$；尺子按标准差来量，不受影响。这 5 个种子里，除以 4 之后高质量样本的最低值高一些，反向 KL 并不更低。

论文用的是别的网络，PacGAN 用的还是固定的训练集，所以只能看个大概：PacGAN 论文里找到模式最多的两行，平均是环上 7.9 个模式、95.6% 的高质量样本，网格上 24.8 个、93.6%，高质量的比例和这里不相上下；VEEGAN 是 8 个和 24.6 个，不过它的高质量样本只有 52.9% 和 40%。
"""

# %% [markdown] tags=["lang-en"]
r"""
The full length, with 5 seeds that no setting was tuned on, one core, about 1 minute each (`studies/lesson01.py modern`):

| Data | modes captured | high quality, lowest | highest | reverse KL, highest |
|---|---|---|---|---|
| ring | 8/8 | 97.4 % | 98.4 % | 0.003 |
| grid, divided by 4 | 25/25 | 96.5 % | 97.3 % | 0.012 |
| grid as it is | 25/25 | 94.2 % | 97.0 % | 0.010 |

The grid's coordinates are in $[-4, 4]$; divided by 4 they fill $[-1, 1]$ as pictures do. The ruler counts in standard deviations and does not mind. Over these 5 seeds the lowest share of high quality is somewhat higher when divided by 4; the reverse KL is no lower.

The papers use other networks, and PacGAN a fixed training set, so their numbers are a rough guide only: the rows of the PacGAN paper with the most modes average 7.9 modes and 95.6 % of high quality on the ring, 24.8 and 93.6 % on the grid, a quality about like ours; VEEGAN has 8 and 24.6, but with only 52.9 % and 40 % of high quality.
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
lab.quiz("01")

# %% [markdown] tags=["lang-zh", "recap"]
r"""
## 小结

现在你会：

- 说出 D 和 G 各看见什么：D 看真品和赝品，G 只看噪声和 D 的梯度；
- 算出 $D^* = p_r / (p_r + p_g)$，并从它读出 JS；
- 连着看、数一数，认出梯度消失、模式崩溃和振荡；
- 自己写代码，或在实验室里，一步一步地玩这场游戏。

故事和常见的说法，有几处要更正：

| 说法 | 更正 | 在哪里看到 |
|---|---|---|
| `002`：G 根据“所了解，熟悉及掌握的知识”造假 | G 从没见过真品 | 亲手玩一个回合 |
| `002`：G 和 D 必须势均力敌 | 步数一样多的 D，可以毁掉 G，也可以教好 G | 先猜再跑 3 |
| `002`：adversial network | 拼写是 adversarial，“对抗的” | 这里 |
| 普通的 GAN 总会模式崩溃 | 在这个环上，Adam 的 `betas=(0.5, 0.999)` 时，7 个种子都没有 | 先猜再跑 3 |
| 损失下降就是变好 | 考官在变，要量作品 | 和你熟悉的训练相比 |
| D 说 0.5 就是成功 | 什么都没学会的 D 也说 0.5 | 先猜再跑 1 |
| 饱和损失在 G 很完美时梯度小 | 反了：在 G 很差时才小 | 先猜再跑 2 |
"""

# %% [markdown] tags=["lang-en", "recap"]
r"""
## Recap

You can now:

- say what D and G each get to see: D real points and fakes, G nothing but noise and D's gradient;
- compute $D^* = p_r / (p_r + p_g)$ and read JS off it;
- recognise vanishing gradient, mode collapse and oscillation, by looking more than once and by counting;
- play the game step by step, by hand or in the lab.

Some of what the story and common talk say needs correcting:

| Saying | Correction | Where you saw it |
|---|---|---|
| `002`: G forges from "what it knows" | G never sees a genuine one | one round by hand |
| `002`: G and D must be equally strong | a D with as many steps can ruin G, or teach it | predict, then run 3 |
| `002`: "adversial" network | it is spelled adversarial, from adversary | here |
| a plain GAN always collapses | on this ring, with Adam's `betas=(0.5, 0.999)`, it did not in any of 7 seeds | predict, then run 3 |
| a falling loss means progress | the examiner changes; measure the works | since the training you know |
| D at 0.5 means success | a D that has learned nothing says 0.5, too | predict, then run 1 |
| the saturating gradient is small when G is perfect | the reverse: it is small when G is bad | predict, then run 2 |
"""

# %% [markdown] tags=["lang-zh", "going-further"]
r"""
## 延伸

- **写一个自己的损失。** 只要有 `critic(real, fake)` 和 `generator(fake)` 两个方法，就能交给 `lab.GanLab(loss=...)`。从 `gan_lessons/losses.py` 里抄一个最短的，改一处，看看会怎样。
- **换一份数据。** 给现代的配方 `data.grid(spacing=0.5, std=0.0125)`，有 25 个模式；也可以试试 `data.spiral()`，它没有模式可数，用 `measure.js_on_grid` 来量。
- **把病治好。** 在振荡的那一格里加上 `penalty=penalties.r1`，先猜，再数。
- **下一课**把点换成图片：[第 02 课](02_mlp_gan_mnist.ipynb)。
- **论文。** Goodfellow 等，[Generative Adversarial Nets](https://arxiv.org/abs/1406.2661)，$D^*$ 和 JS 出自这里；Mescheder 等，[Which Training Methods for GANs do actually Converge?](https://arxiv.org/abs/1801.04406)，Dirac-GAN 和 R1；Arjovsky 和 Bottou，[Towards Principled Methods for Training Generative Adversarial Networks](https://arxiv.org/abs/1701.04862)，梯度为什么消失；Srivastava 等，[VEEGAN](https://arxiv.org/abs/1705.07761)，和 Lin 等，[PacGAN](https://arxiv.org/abs/1712.04086)，数模式的规矩；Jolicoeur-Martineau，[The relativistic discriminator](https://arxiv.org/abs/1807.00734)，成对比较的损失，和 Sun 等，[Towards a Better Global Loss Landscape of GANs](https://arxiv.org/abs/2011.04926)，它为什么没有走不出去的坑；Karras 等，[StyleGAN2](https://arxiv.org/abs/1912.04958)，延迟正则化；Yazıcı 等，[The Unusual Effectiveness of Averaging in GAN Training](https://arxiv.org/abs/1806.04498)，滑动平均；Huang 等，[The GAN is dead; long live the GAN!](https://arxiv.org/abs/2501.05441)，现代的配方。
"""

# %% [markdown] tags=["lang-en", "going-further"]
r"""
## Going further

- **Write a loss of your own.** Two methods are enough, `critic(real, fake)` and `generator(fake)`, and `lab.GanLab(loss=...)` will take it. Copy the shortest one in `gan_lessons/losses.py`, change one thing, and see what happens.
- **Take other data.** Give the modern recipe `data.grid(spacing=0.5, std=0.0125)` with its 25 modes; or try `data.spiral()`, which has no modes to count and is measured by `measure.js_on_grid`.
- **Cure the illness.** Add `penalty=penalties.r1` in the cell with the oscillation; guess first, then count.
- **The next lesson** turns the points into pictures: [lesson 02](02_mlp_gan_mnist.ipynb).
- **Papers.** Goodfellow et al., [Generative Adversarial Nets](https://arxiv.org/abs/1406.2661), the source of $D^*$ and JS; Mescheder et al., [Which Training Methods for GANs do actually Converge?](https://arxiv.org/abs/1801.04406), the Dirac-GAN and R1; Arjovsky and Bottou, [Towards Principled Methods for Training Generative Adversarial Networks](https://arxiv.org/abs/1701.04862), on why gradients vanish; Srivastava et al., [VEEGAN](https://arxiv.org/abs/1705.07761), and Lin et al., [PacGAN](https://arxiv.org/abs/1712.04086), the rules for counting modes; Jolicoeur-Martineau, [The relativistic discriminator](https://arxiv.org/abs/1807.00734), losses that compare pairs, and Sun et al., [Towards a Better Global Loss Landscape of GANs](https://arxiv.org/abs/2011.04926), on why they leave no pits; Karras et al., [StyleGAN2](https://arxiv.org/abs/1912.04958), lazy regularisation; Yazıcı et al., [The Unusual Effectiveness of Averaging in GAN Training](https://arxiv.org/abs/1806.04498), moving averages; Huang et al., [The GAN is dead; long live the GAN!](https://arxiv.org/abs/2501.05441), the modern recipe.
"""
