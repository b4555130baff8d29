# %% [markdown] tags=["lang-zh"]
r"""
# 01 · 直观地理解 GAN：答案与教学笔记

先自己做，再来看。每个答案后面运行的，是课文里的同一个批改函数。
"""

# %% [markdown] tags=["lang-en"]
r"""
# 01 · The idea of a GAN: solutions and notes for teachers

Try first, then look. The same checker runs after each solution.
"""

# %%
import math

import torch

from gan_lessons import lab
from gan_lessons.exercises import lesson01 as check

lab.language_switch()

# %% [markdown] tags=["lang-zh"]
r"""
## 练习 1：最好的判别器
"""

# %% [markdown] tags=["lang-en"]
r"""
## Exercise 1: the best discriminator
"""

# %%
def best_d(p_r, p_g):
    return p_r / (p_r + p_g)


verdict = check.optimal_discriminator(best_d)

# %% [markdown] tags=["lang-zh"]
r"""
推导：在每一点上，$a \log d + b \log(1 - d)$ 对 $d$ 的导数是 $a / d - b / (1 - d)$；令它为 0，得 $d = a / (a + b)$。二阶导数处处为负，所以这是最大值。

## 练习 2：从 D 读出 JS
"""

# %% [markdown] tags=["lang-en"]
r"""
Derivation: at each point the derivative of $a \log d + b \log(1 - d)$ with respect to $d$ is $a / d - b / (1 - d)$; setting it to 0 gives $d = a / (a + b)$. The second derivative is negative everywhere, so this is the maximum.

## Exercise 2: read JS off D
"""

# %%
def js(d, p_r, p_g, dx):
    value = (p_r * d.log() + p_g * (1 - d).log()).sum() * dx
    return (value + math.log(4)) / 2


verdict = check.js_from_discriminator(js)

# %% [markdown] tags=["lang-zh"]
r"""
推导：记 $m = (p_r + p_g) / 2$，则 $D^* = p_r / (2m)$，于是 $\log D^* = \log(p_r / m) - \log 2$。两项各少一个 $\log 2$，合起来就是 $-\log 4$；剩下的正是 $2 \, \mathrm{JS}$。

## 练习 3：两个梯度
"""

# %% [markdown] tags=["lang-en"]
r"""
Derivation: write $m = (p_r + p_g) / 2$. Then $D^* = p_r / (2m)$ and $\log D^* = \log(p_r / m) - \log 2$. Each of the two terms is short of one $\log 2$, which makes $-\log 4$; what is left is $2 \, \mathrm{JS}$.

## Exercise 3: two gradients
"""

# %%
def gradients(logits):
    d = logits.sigmoid()
    return -d, d - 1


verdict = check.generator_gradients(gradients)


def by_autograd(logits):
    x = logits.clone().requires_grad_(True)
    saturating, = torch.autograd.grad(torch.log(1 - x.sigmoid()).sum(), x)
    non_saturating, = torch.autograd.grad(-torch.log(x.sigmoid()).sum(), x)
    return saturating, non_saturating


verdict = check.generator_gradients(by_autograd)

# %% [markdown] tags=["lang-zh"]
r"""
推导：$\sigma'(l) = D(1 - D)$，所以 $\log(1 - D)$ 的导数是 $-D(1 - D) / (1 - D) = -D$，$-\log D$ 的导数是 $-D(1 - D) / D = D - 1$。

## 小测验的答案

1. C。0.5 只说明这个 D 分不出。
2. A。换一种写法，坡就回来了。
3. B。一个时刻的数分不清，连着看就清楚了。
4. D。步数一样多，损失和惩罚不同，结果就不同。
"""

# %% [markdown] tags=["lang-en"]
r"""
Derivation: $\sigma'(l) = D(1 - D)$, so the derivative of $\log(1 - D)$ is $-D(1 - D) / (1 - D) = -D$ and that of $-\log D$ is $-D(1 - D) / D = D - 1$.

## Answers to the quiz

1. C. 0.5 says only that this D cannot tell.
2. A. Put it the other way, and the slope is back.
3. B. The numbers of one moment do not tell; a sequence does.
4. D. As many steps of D, another loss and penalty, another result.
"""

# %% [markdown] tags=["lang-zh"]
r"""
## 教学笔记

**时间安排（90 分钟）**

| 分钟 | 内容 |
|---|---|
| 10 | 故事。请两名学生扮演 G 和 D：只有 D 知道真品是什么，而且只能说“再往左一点”；G 不许看 |
| 15 | 先猜再跑 1，$D^*$，练习 1 |
| 10 | JS，练习 2。不讲证明的班级，可以只看图 |
| 10 | 先猜再跑 2，练习 3 |
| 20 | 亲手玩一个回合，实验室。两人一组：一人只按 D 的一步，一人只按 G 的一步 |
| 15 | 先猜再跑 3，三种故障 |
| 10 | Dirac-GAN，现代的配方，小测验 |

**板书**：画一条横轴，上面两条钟形曲线，下面对齐着画 $D^*$。把赝品的那一条一点点往右推，让学生说 $D^*$ 怎样变、JS 怎样变；推到不再重叠，问：“G 现在该往哪边走？”答案是谁也不知道，坡已经平了。这就引出了非饱和损失，也为第 04 课的 Wasserstein 距离埋下伏笔。

**常见的问题**

- “既然 $D^*$ 最好，为什么不把 D 训练到底？”因为 G 要的是坡，不是分数。让学生在实验室里选预设“故障：模式崩溃”，再选“解药”：D 走的步数一样多，损失和惩罚不同，G 的结局就不同。
- “换成 Adam，G 怎么又动了？”Adam 除以梯度的大小，只看方向。所以故障二要用最朴素的梯度下降才看得清。
- “我的图和你的不一样。”正常。不同的 CPU 舍入不同，对抗训练会把差别放大；本课比较的是结论。
- “振荡是不是因为学习率太大？”在 Dirac-GAN 里把学习率减到十分之一，轨道还是不收敛，只是转得慢。

**实验的设置**：环的半径是 2，标准差 0.05；G 和 D 都有 2 个隐藏层，每层 64 个单元；批大小 128；Adam 0.001，`betas` 是 0.5 和 0.999。故障一：D 先走 1000 步，每回合 10 步。故障二：D 先走 1000 步，G 用学习率 0.02 的梯度下降。故障三：D 的学习率 0.0001。改动设置之后，请用 `studies/lesson01.py` 重新数一遍种子。每回合 5 步（而不是 10 步）的话，D 的优势不够稳，7 个种子里只有 5 个崩溃。

**给学得快的学生**：让 Dirac-GAN 的两边同时走（而不是轮流走），轨道会向外转；证明它，再跑一遍。
"""

# %% [markdown] tags=["lang-en"]
r"""
## Notes for teachers

**Timetable (90 minutes)**

| Minutes | What |
|---|---|
| 10 | The story. Two students play G and D: D alone knows the genuine work and may only say "a little to the left"; G may not look |
| 15 | Predict, then run 1; $D^*$; exercise 1 |
| 10 | JS and exercise 2. A class that skips proofs can make do with the figure |
| 10 | Predict, then run 2; exercise 3 |
| 20 | One round by hand, and the lab. In pairs: one takes only steps of D, the other only steps of G |
| 15 | Predict, then run 3; the three failures |
| 10 | The Dirac-GAN, the modern recipe, the quiz |

**On the board**: draw a horizontal axis with two bells above it and $D^*$ below, aligned. Slide the bell of the fakes to the right and have the class say what $D^*$ and JS do; when nothing overlaps any more ask: "which way should G go now?" Nobody knows; the slope is flat. That leads to the non-saturating loss, and prepares the Wasserstein distance of lesson 04.

**Usual questions**

- "If $D^*$ is best, why not train D to the end?" Because G needs a slope, not a mark. In the lab choose the preset "Failure: mode collapse", then "The cure": D takes as many steps, with another loss and penalties, and G fares differently.
- "Why does G get going again with Adam?" Adam divides by the size of the gradient and sees only its direction. That is why failure two takes plain gradient steps to show.
- "My pictures are not yours." That is normal. Different CPUs round differently and adversarial training magnifies it; this lesson compares conclusions.
- "Is the oscillation not a matter of a large learning rate?" In the Dirac-GAN make it a tenth of what it was: the orbit still does not converge, it only turns more slowly.

**Settings of the experiments**: a ring of radius 2, standard deviation 0.05; G and D with 2 hidden layers of 64 units; batches of 128; Adam 0.001 with `betas` 0.5 and 0.999. Failure one: D takes 1000 steps first, then 10 a round. Failure two: D takes 1000 steps first, G descends with a learning rate of 0.02. Failure three: D's learning rate is 0.0001. After a change of settings count the seeds again with `studies/lesson01.py`. With 5 steps a round (and not 10) D's lead is not reliable: only 5 of 7 seeds collapse.

**For the quick ones**: let both players of the Dirac-GAN move at the same time instead of in turns, and the orbit winds outwards; prove it, then run it.
"""
