# %% [markdown] tags=["lang-zh"]
r"""
# 03 · DCGAN：答案与教学笔记

先自己做，再来看。每个答案后面运行的，是课文里的同一个批改函数。
"""

# %% [markdown] tags=["lang-en"]
r"""
# 03 · DCGAN: solutions and notes for teachers

Try first, then look. The same checker runs after each solution.
"""

# %%
from torch import nn

from gan_lessons import lab
from gan_lessons.exercises import lesson03 as check

lab.language_switch()

# %% [markdown] tags=["lang-zh"]
r"""
## 练习 1：输出的边长

最后一枚印章从 $(n - 1)s$ 开始，占 $k$ 格；两边共裁 $2p$ 格。
"""

# %% [markdown] tags=["lang-en"]
r"""
## Exercise 1: the side of the output

The last stamp starts at $(n - 1)s$ and takes $k$ places; the two sides together lose $2p$.
"""

# %%
def tconv_out(n, k, s, p):
    return (n - 1) * s - 2 * p + k


verdict = check.transposed_size(tconv_out)

# %% [markdown] tags=["lang-zh"]
r"""
## 练习 2：修好它
"""

# %% [markdown] tags=["lang-en"]
r"""
## Exercise 2: mend it
"""

# %%
def block(n_in, n_out, kernel, stride, padding, bn=True):
    layers = [nn.ConvTranspose2d(n_in, n_out, kernel, stride, padding, bias=not bn)]
    if bn:
        layers.append(nn.BatchNorm2d(n_out))
    layers.append(nn.ReLU())
    return nn.Sequential(*layers)


verdict = check.upsampling_block(block)

# %% [markdown] tags=["lang-zh"]
r"""
## 练习 3：`initialise`
"""

# %% [markdown] tags=["lang-en"]
r"""
## Exercise 3: `initialise`
"""

# %%
def initialise(network):
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.normal_(module.weight, 0.0, 0.02)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1.0, 0.02)
        else:
            continue
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    return network


verdict = check.first_weights(initialise)

# %% [markdown] tags=["lang-zh"]
r"""
## 小测验的答案

1. B。7 个间隔，再加一枚印章，裁去两边。
2. C。边长回来了，内容没有。
3. B。缩放要围绕 1。
4. D。长度只剩约 0.71 倍。
"""

# %% [markdown] tags=["lang-en"]
r"""
## Answers to the quiz

1. B. 7 gaps, one more stamp, less the two sides.
2. C. The side is back, the contents are not.
3. B. The scale must lie around 1.
4. D. Only about 0.71 of the length is left.
"""

# %% [markdown] tags=["lang-zh"]
r"""
## 教学笔记

**时间安排（90 分钟）**

| 分钟 | 内容 |
|---|---|
| 10 | 打乱像素的思想实验：全连接层在乎吗？卷积呢？然后看形状阶梯 |
| 20 | 盖章。用方格纸和真的印章盖一遍最好；先猜再跑 1，练习 1 |
| 10 | 棋盘格，先猜再跑 2 |
| 20 | 规矩、三处错误，练习 2 和 3 |
| 15 | 先猜再跑 3：全班先投票，再看消融的结果 |
| 15 | 隐空间漫步、是不是抄来的、小测验 |

上课前请先把整本运行一遍。消融、数字和人脸三格最慢，课堂上不必重跑。

**板书**：左边画 3 枚印章在一条线上盖出来的一维例子（$k = 3$、$s = 2$），数出每格被盖了几次：1、1、2、1、2、1、1；右边换成 $k = 4$，中间处处是 2。

**常见的问题**

- “规矩拆了也没事，那还守它做什么？”消融只对量过的规模负责。请学生念结论的时候，连同设置一起念：“8 个特征、600 步、五个种子”。
- “D 里的 ReLU 是不是更好？”分不出来：在这个设置里 `fd_digits` 略低，却有两个种子少了一个数字，差别和换个线程数的波动差不多。这是好问题：让学生设计一个能回答它的实验。
- “我的图和你的不一样。”正常，见上一课的教学笔记。
- “直线和圆弧到底该走哪个？”看数。算数的比例相差不大时，差别主要在步长是否均匀。

**给学得快的学生**：做延伸里的向量算术；或者把 G 换成“先放大再卷积”，检查棋盘格，再量一量 `fd_digits`。
"""

# %% [markdown] tags=["lang-en"]
r"""
## Notes for teachers

**Timetable (90 minutes)**

| Minutes | What |
|---|---|
| 10 | A thought experiment: the pixels are shuffled. Does a fully connected layer mind? Does a convolution? Then the staircase of shapes |
| 20 | Stamping, best of all with squared paper and a real stamp; Predict, then run 1, exercise 1 |
| 10 | Checkerboards, Predict, then run 2 |
| 20 | The rules, the three mistakes, exercises 2 and 3 |
| 15 | Predict, then run 3: let the class vote before looking at the ablation |
| 15 | The walk through latent space, copies or not, the quiz |

Run the whole notebook before class. The ablation, the digits and the faces are the slow cells; there is no need to run them again in class.

**On the board**: on the left an example in one dimension, 3 stamps in a row ($k = 3$, $s = 2$), counting how often each place is covered: 1, 1, 2, 1, 2, 1, 1; on the right the same with $k = 4$, where every place in the middle has 2.

**Common questions**

- "If breaking a rule does no harm, why keep it?" An ablation answers only for the scale it was measured at. Have the students read the verdict out together with its setting: "8 features, 600 steps, five seeds".
- "Is ReLU in D better?" One cannot tell: in this setting `fd_digits` is a little lower, but two seeds lack a digit, and another number of threads changes about as much. It is a good question: let the students design an experiment that would answer it.
- "My pictures differ from yours." That is normal; see the notes to the last lesson.
- "So which is it, the line or the arc?" Look at the numbers. Where about as many pictures count on both, the difference lies in how even the steps are.

**For students who finish early**: the arithmetic with vectors of "Going further"; or a G that enlarges first and convolves afterwards: look for checkerboards, then measure `fd_digits`.
"""
