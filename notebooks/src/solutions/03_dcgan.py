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
import torch
from torch import nn

from gan_lessons import ablations, lab, losses, runtime
from gan_lessons.exercises import lesson03 as check
from gan_lessons.nets import dcgan

runtime.set_threads(1)
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
## 练习 2：找出三处毛病

一，`bn` 没有存进 `self`，`forward` 找不到它，报 `NameError`；如果恰好有同名的全局变量，就误用它，而且不报错，这更糟。二，次序成了卷积、ReLU、批归一化。三，`bias=False` 不管 `bn` 是真是假：没有批归一化时，没有平移来代替，卷积需要自己的偏置。（另外，`bn` 为假时也造了一个用不上的批归一化；不造更好。）
"""

# %% [markdown] tags=["lang-en"]
r"""
## Exercise 2: find three faults

One: `bn` is not kept in `self`, so `forward` cannot find it and raises a `NameError`; or, worse, it finds a global variable of that name, uses it, and raises nothing. Two: the order is convolution, ReLU, batch normalisation. Three: `bias=False` whatever `bn` is: without batch normalisation there is no shift in place of the bias, and the convolution needs its own. (Besides, a batch normalisation is built even when `bn` is false and nothing uses it; better not to build it.)
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
## 开放题：胜过对照

人脸那张表里，SN-GAN 整套胜过 DCGAN，功劳归哪一样并不知道；所以这里除了学习率的衰减，整套搬来：D 的批归一化换成谱归一化，损失换成合页损失，`betas=(0.0, 0.9)`。只有 600 步，还嫌慢，所以学习率再加倍，取 0.002。`studies/exercises_bars.json` 的 `board` 里各有 3 个种子：对照的距离是 5.0 到 10.4（量的是 2,000 个样本，课文的表量 1,000 个，所以略有出入），学习率 0.001 时是 2.9 到 4.3（还不够），0.002 时是 1.9 到 2.2。
"""

# %% [markdown] tags=["lang-en"]
r"""
## Open task: beat the control

In the table of faces the recipe SN-GAN does better than DCGAN, and which of its changes does it is not known; so take it over as a whole, but for the fading learning rate: spectral normalisation in place of D's batch normalisation, the hinge loss, `betas=(0.0, 0.9)`. With 600 steps it is still slow, so double the learning rate, to 0.002. `board` in `studies/exercises_bars.json` has 3 seeds of each: distances of 5.0 to 10.4 for the control (2,000 samples, against 1,000 in the lesson's table, so the numbers differ a little), 2.9 to 4.3 at a learning rate of 0.001 (not enough yet), 1.9 to 2.2 at 0.002.
"""

# %% tags=["nbval-ignore-output"]
def make(seed):
    torch.manual_seed(seed)
    critic = dcgan.critic(32, 1, features=8, norm="spectral")
    return ablations.changed("DCGAN", seed=seed, critic=critic, loss=losses.Hinge(),
                             betas=(0.0, 0.9), lr=2e-3)


verdict = check.beats_the_board(make) if runtime.scale() != "smoke" else ""

# %% [markdown] tags=["lang-zh"]
r"""
## 小测验的答案

选项的次序每次都会打乱，所以这里写内容。

1. `nn.ConvTranspose2d(16, 3, 4, 2, 1)`。
2. 还不能说：要让两边都有好几个种子，再看是否分得开。
3. 批归一化的缩放：它应当围绕 1。
4. 画图之前调用 `G.eval()`。
5. 说明不了：发型是离散的，连续的 G 只能混合或突变。
6. 让乙训练到 40 秒，再用同一个评估器比较。
"""

# %% [markdown] tags=["lang-en"]
r"""
## Answers to the quiz

The options are shuffled each time, so here are the words.

1. `nn.ConvTranspose2d(16, 3, 4, 2, 1)`.
2. Nothing yet: both need several seeds, to see whether they are told apart.
3. Batch normalisation's scales: they should lie around 1.
4. Call `G.eval()` before painting.
5. This cannot tell: hair styles are discrete, and a continuous G must blend or switch.
6. Let B train for 40 seconds, and compare them by one evaluator.
"""

# %% [markdown] tags=["lang-zh"]
r"""
## 教学笔记

**时间从哪里来**：只读一种语言，约 130 分钟。阅读 65 分钟：中文约 7,400 个汉字，朗读每分钟 220 字；英文约 5,700 个词，每分钟 130 个；余下的时间看公式、表、代码和图。预测、三个练习和小测验 40 分钟，开放题 25 分钟。分两次学时，第一次到“批归一化：训练与评估时不同”为止。上课前请先把整本运行一遍，课堂上只重跑要讨论的几格。

**必讲、选讲、自学**

| 部分 | 45 分钟 | 2×45 分钟 |
|---|---|---|
| 打乱像素的思想实验，两座阶梯 | 必讲，5 分钟 | 必讲，8 分钟 |
| 盖章，先猜再跑 1，练习 1 | 必讲，12 分钟 | 必讲，17 分钟 |
| “反卷积”并不反 | 自学 | 选讲，5 分钟 |
| 棋盘格的成因，先猜再跑 2 | 必讲，6 分钟 | 必讲，8 分钟 |
| 设计准则，练习 2、3 | 自学 | 练习 2 必讲，7 分钟；练习 3 作业 |
| 批归一化：训练与评估时不同（小测验第 4 题） | 自学 | 自学 |
| 消融实验，先猜再跑 3，失败案例 | 必讲，14 分钟 | 必讲，18 分钟 |
| 卷积与全连接 | 必讲结论，3 分钟 | 必讲，7 分钟 |
| SN-GAN，人脸 | 自学 | 必讲，10 分钟 |
| 隐空间：方向和算术 | 选讲，5 分钟 | 必讲，10 分钟 |
| $z$ 的长度，开放题，小测验 | 自学 | 自学（作业） |

两节课时，第一节到练习 2 为止。

**板书**：左边画 3 枚印章在一条线上盖出来的一维例子（$k = 3$、$s = 2$），数出每格被盖了几次：1、1、2、1、2、1、1；右边换成 $k = 4$，中间处处是 2。讲消融时，在一条横轴上点出对照的距离和某种改动的距离，先点同一个种子的几遍，再点别的种子，问学生：分得开吗？

**易错点**

- 把转置卷积当作卷积的逆。让学生说出 64 个数压成 16 个以后丢了多少。
- 只看一个种子就下结论。只给学生看消融表每格的第一个数（种子 0，课文里那张图的标题就是），看他们会得出什么，再揭开其余的。
- 步数相等当成公平。问：你的限制是步数，还是时间？
- 把“有把握”当成“画对了”。指出 counted、sure 和 outside 的关系：counted = sure − outside。
- 看到半绿半粉就说 G 背下了训练图。

**常见的问题**

- “去掉准则好像也没事，那还遵循它做什么？”“分不出”不等于“没有害处”；消融只对量过的规模负责。请学生念结论的时候连同设置一起念：“`features=8`、600 步”。
- “我的图和你的不一样。”正常；同一个种子的波动表说的就是这件事。
- “直线和圆弧到底该走哪个？”看表里算数的比例。
- “为什么 z 不像论文那样取均匀分布？”可以试；随机向量的长度那一段要重算。

**作业：实验报告（一周）**

二选一。甲：在 `ablations.CHANGES` 里加一条课里没有的改动（例如 `slope` 取 0.5，卷积核换成先放大再卷积，批大小），用 5 个种子做消融，按秩判断。乙：另选一个因素（嘴、背景、发型），求方向，数 500 个 $z$ 成功几次、别的因素变了没有，并与随机向量比较；再看方向由 10、30、100 个 $z$ 平均时有什么不同。写一页报告。

| 评分项 | 分 |
|---|---|
| 一次只改一处，写明其余设置；有对照 | 25 |
| 先量波动，再报全部种子，不只报最好的一次 | 25 |
| 图：没有挑选过的样本，有图题 | 15 |
| 结论不超出数据，不利的结果照写 | 25 |
| 语言清楚 | 10 |
"""

# %% [markdown] tags=["lang-en"]
r"""
## Notes for teachers

**Where the times come from**: about 130 minutes in one language. Reading takes 65: the Chinese has about 7,400 characters, at 220 a minute read aloud; the English about 5,700 words, at 130 a minute; the rest is for formulas, tables, code and figures. Predictions, three exercises and the quiz take 40 minutes, the open task 25. In two sittings, the first ends with "Batch normalisation: training is not evaluation". Run the whole notebook before class, and in class only the cells you want to discuss.

**Must, may, self-study**

| Part | 45 minutes | 2×45 minutes |
|---|---|---|
| the thought experiment of shuffled pixels, two staircases | must, 5 minutes | must, 8 minutes |
| stamping, predict 1, exercise 1 | must, 12 minutes | must, 17 minutes |
| a "deconvolution" undoes nothing | self-study | may, 5 minutes |
| the checkerboard, predict 2 | must, 6 minutes | must, 8 minutes |
| guidelines, exercises 2, 3 | self-study | exercise 2 must, 7 minutes; exercise 3 homework |
| batch normalisation: training is not evaluation (quiz, question 4) | self-study | self-study |
| the ablation, predict 3, the failure of the day | must, 14 minutes | must, 18 minutes |
| convolution against full connection | must: the verdict, 3 minutes | must, 7 minutes |
| SN-GAN, faces | self-study | must, 10 minutes |
| latent space: directions and arithmetic | may, 5 minutes | must, 10 minutes |
| the length of $z$, open task, quiz | self-study | self-study (homework) |

With two periods, the first ends with exercise 2.

**On the board**: on the left an example in one dimension, 3 stamps in a row ($k = 3$, $s = 2$), counting how often each place is covered: 1, 1, 2, 1, 2, 1, 1; on the right the same with $k = 4$, where every place in the middle has 2. For the ablation, mark the distances of the control and of one change on a line, first the repetitions of one seed, then the other seeds, and ask: are they told apart?

**Common mistakes**

- Taking a transposed convolution for the inverse. Ask how much is lost when 64 numbers become 16.
- A verdict from one seed. Show only the first number in each cell of the ablation's table (seed 0, as in the titles of the picture), hear the verdicts, then uncover the rest.
- Taking equal steps for fair. Ask: is your limit the steps or the time?
- Taking "sure" for "right". Show how counted, sure and outside belong together: counted = sure − outside.
- Calling half green and half pink a proof that G has learned its training pictures by heart.

**Common questions**

- "If breaking a guideline does no harm, why keep it?" "Not told apart" is not "no harm", and an ablation answers only for the scale it was measured at. Have students read the verdict out together with its setting: "`features=8`, 600 steps".
- "My pictures differ from yours." That is normal; it is what the table of one seed is about.
- "So which is it, the line or the arc?" Look at the share counted in the table.
- "Why is z not uniform, as in the paper?" Try it; what is said about lengths has to be worked out again.

**Homework: a lab report (one week)**

Choose one. A: add a change to `ablations.CHANGES` that the lesson does not have (a `slope` of 0.5, enlarging before convolving, the batch size), run the ablation on 5 seeds and judge by ranks. B: choose another factor (mouth, background, hair style), find its direction, count successes and what else changes on 500 $z$, and compare with random vectors; see what changes when the direction is an average of 10, 30 or 100 $z$. Write one page.

| Criterion | Points |
|---|---|
| one change at a time, all other settings stated; a control | 25 |
| the spread measured first, then all seeds reported, not only the best | 25 |
| figures: samples not chosen, with captions | 15 |
| conclusions within the data, unfavourable results included | 25 |
| clear language | 10 |
"""
