# %% [markdown] tags=["lang-zh"]
r"""
# 04 · WGAN：答案与教学笔记

先自己做，再来看。每个答案后面运行的，是课文里的同一个批改函数。
"""

# %% [markdown] tags=["lang-en"]
r"""
# 04 · WGAN: solutions and notes for teachers

Try first, then look. The same checker runs after each solution.
"""

# %%
import torch

from gan_lessons import lab, measure, penalties
from gan_lessons.exercises import lesson04 as check

lab.language_switch()

# %% [markdown] tags=["lang-zh"]
r"""
## 练习 1：排序求 $W_1$
"""

# %% [markdown] tags=["lang-en"]
r"""
## Exercise 1: $W_1$ by sorting
"""

# %%
def w1(a, b):
    return (a.sort().values - b.sort().values).abs().mean()


verdict = check.wasserstein_1d(w1)

# %% [markdown] tags=["lang-zh"]
r"""
课文里的两堆土也能排序：一堆有 43 份，一堆有 32 份，各自复制到 1,376 份就一样多了。线性规划、数各处经过的土量、排序，三个数相同。
"""

# %% [markdown] tags=["lang-en"]
r"""
The lesson's two heaps can be sorted, too: one has 43 parts, the other 32; copy the parts until there are 1,376 on each side, and they can be paired. The linear programme, the earth that crosses, and sorting give one and the same number.
"""

# %%
places = torch.linspace(0, 1, 10, dtype=torch.float64)
p = torch.tensor([5, 3, 2, 1, 8, 7, 5, 9, 2, 1])
q = torch.tensor([4, 10, 1, 1, 4, 6, 3, 2, 0, 1])
by_sorting = w1(places.repeat_interleave(32 * p), places.repeat_interleave(43 * q))
_, by_programme = measure.transport(p / p.sum(), q / q.sum(), (places[:, None] - places).abs())
print("all agree on 0.15149:", abs(float(by_sorting) - 0.15148578811369506) < 1e-9,
      abs(by_programme - 0.15148578811369506) < 1e-6)

# %% [markdown] tags=["lang-zh"]
r"""
## 练习 2：两个损失
"""

# %% [markdown] tags=["lang-en"]
r"""
## Exercise 2: the two losses
"""

# %%
def critic_loss(real, fake):
    return fake.mean() - real.mean()


def generator_loss(fake):
    return -fake.mean()


verdict = check.losses(critic_loss, generator_loss)

# %% [markdown] tags=["lang-zh"]
r"""
## 练习 3：先更新，后裁剪
"""

# %% [markdown] tags=["lang-en"]
r"""
## Exercise 3: update, then clip
"""

# %%
def update(critic, optimizer, real, fake, limit):
    loss = critic_loss(critic(real), critic(fake))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    penalties.clip_weights(critic, limit)


verdict = check.clipped_update(update)

# %% [markdown] tags=["lang-zh"]
r"""
## 小测验的答案

1. B。只有差距有意义。
2. B。没有坡度上限，差距就没有单位。
3. C。更新之后裁剪。
4. D。里面的 `4x4` 和 `score`。
"""

# %% [markdown] tags=["lang-en"]
r"""
## Answers to the quiz

1. B. Only the gap has a meaning.
2. B. Without a bound on the slope the gap has no unit.
3. C. Clip after the update.
4. D. The inner `4x4` and `score`.
"""

# %% [markdown] tags=["lang-zh"]
r"""
## 教学笔记

**时间安排（90 分钟）**

| 分钟 | 内容 |
|---|---|
| 10 | 先猜再跑 1：两座山。让学生先画 JS 的曲线 |
| 15 | 搬土：用豆子或硬币在桌上搬一遍，数路程；练习 1 |
| 15 | 对偶和坡度，先猜再跑 2，看那张锯齿图 |
| 10 | 练习 2、3 |
| 15 | 先猜再跑 3、4，`003` 里值得推敲的几处 |
| 15 | 从 16 到 64，成绩单，今日故障 |
| 10 | 人脸数据的几个问题，小测验 |

上课前请先把整本运行一遍：训练的几格要一两分钟，图会存下来。

**板书**：横轴上画三堆真品、两堆赝品，先画最好的 $f$（锯齿），再画裁剪之后的山谷，问学生：G 的赝品会往哪里走？

**常见的问题**

- “差距能和别人的比吗？”不能。裁剪给出的单位由 $c$ 和网络决定；换一个 `features`，数就变了。只能在同一次训练里前后比。
- “差距变大就是变差了吗？”开头那一段是评论家在追赶。先让它走几十步，再开始读。
- “五个种子都行吗？”`studies/lesson04.py` 跑过五个种子，秩相关记在 `studies/lesson04_rates.json` 里。
- “为什么不直接用梯度惩罚？”第 06 课就用。先看清裁剪的毛病，才知道惩罚在治什么。

**谈人脸数据时**：别只念条款。请学生想一想，自己的照片如果在 CelebA 里，愿意让别人拿来做什么，不愿意让别人拿来做什么。

**给学得快的学生**：写一个 `files.csv`，只留某一种发型，训练后用 `factor_coverage` 看看 G 学到的比例；或者把 `clip` 换成 `penalty=penalties.gradient_penalty`、`norm="none"`，重做今日故障。
"""

# %% [markdown] tags=["lang-en"]
r"""
## Notes for teachers

**Timetable (90 minutes)**

| Minutes | What |
|---|---|
| 10 | Predict, then run 1: two hills. Let students draw the JS curve first |
| 15 | Moving earth: do it on a table with beans or coins and add up the distances; exercise 1 |
| 15 | The dual and the slope, Predict, then run 2, the picture of the zigzag |
| 10 | Exercises 2, 3 |
| 15 | Predict, then run 3, 4, a second look at `003` |
| 15 | From 16 to 64, report card, failure of the day |
| 10 | The questions about pictures of faces, quiz |

Run the whole notebook before class: the training cells take a minute or two, and figures are kept.

**On the board**: three real heaps and two of fakes on an axis; draw the best $f$ (the zigzag), then the valley that clipping leaves, and ask which way the fakes of G will go.

**Common questions**

- "Can I compare the gap with other people's?" No. With clipping its unit depends on $c$ and on the network; change `features` and the number changes. Compare within one run only.
- "Does a growing gap mean it gets worse?" At the start the critic is catching up. Let it take some dozens of steps before you read.
- "Does it work for five seeds?" `studies/lesson04.py` ran five; the rank correlations are in `studies/lesson04_rates.json`.
- "Why not take the gradient penalty at once?" Lesson 06 does. Whoever has seen what is wrong with clipping knows what the penalty cures.

**When you talk about pictures of faces**: do not just read out the terms. Ask students what they would and would not want others to do with a photograph of theirs in CelebA.

**For students who finish early**: write a `files.csv` with one hair style only, train, and see with `factor_coverage` which shares G has learned; or replace `clip` by `penalty=penalties.gradient_penalty` and `norm="none"`, and repeat the failure of the day.
"""
