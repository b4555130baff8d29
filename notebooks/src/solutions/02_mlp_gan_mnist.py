# %% [markdown] tags=["lang-zh"]
r"""
# 02 · 全连接 GAN：答案与教学笔记

先自己做，再来看。每个答案后面运行的，是课文里的同一个批改函数。
"""

# %% [markdown] tags=["lang-en"]
r"""
# 02 · A fully connected GAN: solutions and notes for teachers

Try first, then look. The same checker runs after each solution.
"""

# %%
import torch
from torch.nn.functional import softplus

from gan_lessons import lab
from gan_lessons.exercises import lesson02 as check

lab.language_switch()

# %% [markdown] tags=["lang-zh"]
r"""
## 练习 1：判别器的损失
"""

# %% [markdown] tags=["lang-en"]
r"""
## Exercise 1: the discriminator's loss
"""

# %%
def d_loss(real_logits, fake_logits):
    return softplus(-real_logits).mean() + softplus(fake_logits).mean()


verdict = check.discriminator_loss(d_loss)

# %% [markdown] tags=["lang-zh"]
r"""
## 练习 2：生成器的损失
"""

# %% [markdown] tags=["lang-en"]
r"""
## Exercise 2: the generator's loss
"""

# %%
def g_loss(fake_logits):
    return softplus(-fake_logits).mean()


verdict = check.generator_loss(g_loss)

# %% [markdown] tags=["lang-zh"]
r"""
## 练习 3：`denorm`
"""

# %% [markdown] tags=["lang-en"]
r"""
## Exercise 3: `denorm`
"""

# %%
def denorm(x):
    return ((x + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)


verdict = check.to_bytes(denorm)

# %% [markdown] tags=["lang-zh"]
r"""
## 小测验的答案

1. C。标签跟着分数造，或者不造标签。
2. B。梯度停在假图处，D 的梯度不变。
3. D。三个迹象都说明不了模式覆盖，要数。
4. A。sigmoid 画不出黑色背景。
"""

# %% [markdown] tags=["lang-en"]
r"""
## Answers to the quiz

1. C. Make the labels from the scores, or make none.
2. B. The gradient stops at the fakes, and D's gradient is the same.
3. D. None of the three signs shows coverage; count.
4. A. A sigmoid cannot paint the black background.
"""

# %% [markdown] tags=["lang-zh"]
r"""
## 教学笔记

**时间安排（90 分钟）**

| 分钟 | 内容 |
|---|---|
| 10 | 规则。请两名学生扮演 G 和 D：G 只能听到“更像”或“更不像”，不许看真品 |
| 15 | 数据和尺子。先问：怎样才算画得好？ |
| 20 | 先猜再跑 1 和损失，练习 1、2 |
| 10 | 先猜再跑 2、3 |
| 10 | 手写九小步，与包里的两个函数对照 |
| 15 | 用原文的设置训练，今日故障，R1 |
| 10 | 成绩单、第二个问题、小测验 |

上课前请先把整本运行一遍：图和数值都会存下来，课堂上只需重跑要讨论的几格。

**板书**：左边写 $\min_G \max_D$ 的式子，右边画两条流程线（D 的一步、G 的一步），标出梯度在哪里停下。讲 R1 时，在一条横轴上画出真图的位置，上面画 D 的曲线：先画一条陡的，再画一条缓的，问学生样本会往哪里跑。

**常见的问题**

- “D 不是越弱越好吗？”不是。让学生看表：标签平滑和 dropout 都削弱了 D，照样漏掉数字。
- “我的图和你的不一样。”正常。不同的 CPU 舍入不同，对抗训练又会把差别放大；所以本课比较的是结论，不是像素。
- “训练久一点会好吗？”可以用 `studies/lesson02.py` 自己量。用原文的设置训练 30,000 步，一个种子，`004` 写出了 6 个数字：会慢慢变好，但换掉 `betas` 快得多。
- “为什么不用 FID？”它的特征来自用照片训练的 Inception 网络，用在 28x28 的数字上并不合适，还要下载权重。第 07 课会讲。

**给学得快的学生**：把 `penalties.r1` 改成在假图上计算（这就是 R2），比较两者；或者把 `betas` 的两个数分开来改，看看是哪一个治好了崩溃。
"""

# %% [markdown] tags=["lang-en"]
r"""
## Notes for teachers

**Timetable (90 minutes)**

| Minutes | What |
|---|---|
| 10 | The rules. Two students play G and D: G hears only "closer" or "further" and may not see a genuine picture |
| 15 | Data and ruler. Ask first: what would count as good? |
| 20 | Predict, then run 1, and the loss; exercises 1, 2 |
| 10 | Predict, then run 2, 3 |
| 10 | By hand in nine small steps, next to the two functions of the package |
| 15 | Training with the originals' settings, the failure of the day, R1 |
| 10 | Report card, second question, quiz |

Run the whole notebook before class: figures and numbers are kept, and in class you rerun only the cells you want to discuss.

**On the board**: on the left the formula with $\min_G \max_D$, on the right two flow lines (D's step, G's step), marking where the gradient stops. For R1, draw the real pictures on a horizontal axis and D's curve above it, first steep, then gentle, and ask which way the samples will run.

**Common questions**

- "Isn't a weaker D always better?" No. Point at the table: label smoothing and dropout both weaken D, and digits are still missing.
- "My pictures differ from yours." That is normal. Different CPUs round differently and adversarial training magnifies it; this is why the lesson compares conclusions, not pixels.
- "Would longer training help?" Measure it with `studies/lesson02.py`. With the original's settings, after 30,000 steps and for one seed, `004` wrote 6 digits: it slowly gets better, but changing `betas` is far quicker.
- "Why not FID?" Its features come from an Inception network that has seen photographs, which suits digits of 28x28 badly, and its weights must be downloaded. Lesson 07 explains.

**For students who finish early**: compute `penalties.r1` on the fakes (that is R2) and compare the two; or change the two numbers of `betas` one at a time and see which of them cures the collapse.
"""
