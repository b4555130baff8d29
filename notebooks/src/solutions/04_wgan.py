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

from gan_lessons import data, lab, measure, penalties, recipes, runtime
from gan_lessons.bilingual import say
from gan_lessons.exercises import lesson04 as check
from gan_lessons.train import fit

runtime.set_threads(1)
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
图 4-2 的两堆土也能排序：每车土是一个样本，两边各 10 个。
"""

# %% [markdown] tags=["lang-en"]
r"""
The two heaps of Fig. 4-2 can be sorted, too: every load is a sample, 10 on each side.
"""

# %%
places = torch.arange(5, dtype=torch.float64)
heap, goal = torch.tensor([1, 4, 0, 3, 2]), torch.tensor([3, 1, 2, 0, 4])
by_sorting = w1(places.repeat_interleave(heap), places.repeat_interleave(goal))
_, by_programme = measure.transport(heap / 10, goal / 10, (places[:, None] - places).abs())
say("排序：{sorting:.2f}；线性规划：{programme:.2f}。",
    "By sorting: {sorting:.2f}; by the linear programme: {programme:.2f}.",
    sorting=float(by_sorting), programme=by_programme)

# %% [markdown] tags=["lang-zh"]
r"""
## 练习 2：梯度惩罚

三处容易错：随机数的形状是 `(B, 1)` 或 `(B, 1, 1, 1)`，每个样本一个；范数逐个样本算；`create_graph=True`，否则惩罚对评论家的权重没有梯度。
"""

# %% [markdown] tags=["lang-en"]
r"""
## Exercise 2: the gradient penalty

Three places to go wrong: the random numbers have the shape `(B, 1)` or `(B, 1, 1, 1)`, one for each sample; the norm is taken for each sample; and without `create_graph=True` the penalty has no gradient in the critic's weights.
"""

# %%
def gradient_penalty(critic, real, fake):
    share = torch.rand(len(real), *[1] * (real.ndim - 1))
    between = (share * real + (1 - share) * fake).detach().requires_grad_(True)
    slope, = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    return (slope.flatten(1).norm(dim=1) - 1).square().mean()


verdict = check.gradient_penalty(gradient_penalty)

# %% [markdown] tags=["lang-zh"]
r"""
## 练习 3：两个损失
"""

# %% [markdown] tags=["lang-en"]
r"""
## Exercise 3: the two losses
"""

# %%
def critic_loss(real, fake):
    return fake.mean() - real.mean()


def generator_loss(fake):
    return -fake.mean()


verdict = check.losses(critic_loss, generator_loss)

# %% [markdown] tags=["lang-zh"]
r"""
## 练习 4：先更新，后裁剪
"""

# %% [markdown] tags=["lang-en"]
r"""
## Exercise 4: update, then clip
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
## 开放题：把 WGAN-GP 调好

论文的设置在这个预算下几乎没有开始学：3 个种子的距离都在 7,500 上下（`python -m studies.exercises penalty`）。学习率加到 0.001，`n_critic` 减到 2，G 走 250 步，3 个种子是 594、813、663，都低于标准 1,000（和下面一样，在一个线程上量；换一种处理器，数会有出入）。只加学习率、`n_critic` 仍是 5，G 只走 100 步，种子 0、1 是 898 和 1,003；`n_critic` 减到 1，G 走 500 步，3 个种子是 1,247、935、754：都在标准上下，种子之间的差别很大，所以要两个种子都过。
"""

# %% [markdown] tags=["lang-en"]
r"""
## Open task: tune a WGAN-GP

With this budget the paper's settings have hardly begun to learn: distances of about 7,500 on 3 seeds (`python -m studies.exercises penalty`). With a learning rate of 0.001 and an `n_critic` of 2, G makes 250 steps, and 3 seeds give 594, 813 and 663, all below the bar of 1,000 (on one thread, as below; another processor gives somewhat different numbers). With the larger learning rate alone and an `n_critic` of 5, G makes 100 steps, and seeds 0 and 1 give 898 and 1,003; with an `n_critic` of 1, G makes 500, and 3 seeds give 1,247, 935 and 754. Those lie on either side of the bar, and seeds differ a good deal, which is why both of two must pass.
"""

# %% tags=["nbval-ignore-output"]
faces_16 = data.toy_faces(4000, size=16, core=True)
steps = runtime.at_scale(smoke=10, default=250, full=250)
my_games = [fit(recipes.wgan_gp(16, features=32, latent=64, lr=1e-3, n_critic=2, seed=seed),
                faces_16, steps, progress=False) for seed in (0, 1)]

verdict = check.penalised_faces(my_games, faces_16)

# %% [markdown] tags=["lang-zh"]
r"""
## 小测验的答案

选项的次序每次都会打乱，所以这里写内容。

1. 看不出来，要用同一个指标分别测量两边的样本。
2. 两边成了合作：评论家抬高假图的分数，G 要的也是高分。
3. G 每走一步之前，让评论家多走几步。
4. 不然放大分数就能放大差距，差距不再是距离。
5. 少了 `create_graph=True`：惩罚对评论家的权重没有梯度。
"""

# %% [markdown] tags=["lang-en"]
r"""
## Answers to the quiz

The options are shuffled each time, so here are the words.

1. Nobody can tell; measure the samples of both with one metric.
2. The two cooperate: the critic raises the scores of fakes, and high scores are what G wants.
3. Let the critic take several steps before each of G's.
4. Otherwise larger scores alone make a larger gap, which then measures no distance.
5. `create_graph=True` is missing: the penalty has no gradient in the critic's weights.
"""

# %% [markdown] tags=["lang-zh"]
r"""
## 教学笔记

**时间从哪里来**：只读一种语言，约 160 分钟。阅读 75 分钟：中文约 9,700 个汉字，朗读每分钟 220 字，约 44 分钟；英文约 7,200 个词，每分钟 130 个，约 55 分钟；余下的时间看公式、表、代码和图。预测、四个练习和小测验 60 分钟，开放题 25 分钟（没有达到标准、再试一次的时间算在内）。一次学不完，可以分成两次，第一次到练习 4 为止。上课前请先把整本运行一遍，训练的几格加起来要两三分钟，图会存下来；课堂上只重跑要讨论的几格。

**必讲、选讲、自学**

| 部分 | 45 分钟 | 2×45 分钟 |
|---|---|---|
| 四处改动，先猜再跑 1 | 必讲，8 分钟 | 必讲，10 分钟 |
| 搬土，练习 1 | 必讲，10 分钟 | 必讲，15 分钟 |
| 运输商的价目表（对偶） | 必讲，8 分钟 | 必讲，10 分钟 |
| 裁剪，先猜再跑 2，图 4-3 | 必讲，7 分钟 | 必讲，10 分钟 |
| 梯度惩罚，练习 2 | 只讲公式，5 分钟 | 必讲，15 分钟 |
| 练习 3、4 | 自学 | 练习 3 必讲，5 分钟；练习 4 选讲 |
| 读日志，先猜再跑 3、4 | 只做先猜再跑 3，5 分钟 | 必讲，10 分钟 |
| 差距的检验，裁剪与惩罚的比较 | 自学 | 选讲，5 分钟 |
| 逐步放大，训练久一点 | 自学 | 自学 |
| 典型失败案例 | 自学 | 必讲，5 分钟 |
| 人脸数据和法律 | 2 分钟，布置讨论 | 选讲，5 分钟 |
| 开放题、小测验 | 自学 | 自学（作业） |

两节课时，第一节到裁剪为止。

**板书**：左边写 $W_1$ 的两种写法，min 在上，max 在下，中间画等号，旁边各写一个词：搬运、定价。右边的横轴上画三处真实样本、两处生成样本，先画最好的 $f$（锯齿），再画裁剪之后的山谷，问学生：G 的样本会往哪里走？最后在一条线段的两端写 $x$ 和 $\tilde x$，中间随手点一个 $\hat x$，画出那里的斜率。

**课堂活动**：用豆子或硬币在桌上搬一遍图 4-2 的两堆土，数路程，找到 6；再请一位同学当运输商，给五个位置定价，别的同学来找“不如自己搬”的路线。定出 0、1、0、1、0，他正好收到 6。

**易错点**

- 以为差距是一个可以互相比较的分数。让学生看比较不同网络的那张表。
- 以为斜率的限制是对分数的限制。加 100 的例子说明分数可以任意平移。
- 写惩罚时对 `critic(x).mean()` 求导，每个样本的梯度就只有应有的 $1/B$（$B$ 是批大小）。
- 在 WGAN-GP 的评论家里留着批归一化；或者因此以为裁剪的评论家也应去掉它。

**常见的问题**

- “差距变大就是变差了吗？”开头那一段是评论家在追赶。先让它走几十步，再开始读；并且看平均，不看单独一批。以后差距变大，图也可能在变好：图 4-8 的 WGAN-GP 就是这样。
- “为什么不全都用梯度惩罚？”它每步要多一次反向传播。同样的时间里谁更好，请看课文的表，也请学生注意那里的学习率没有仔细调过。
- “WGAN 成功是因为 Wasserstein 距离吗？”不见得。评论家离最好的 $f$ 很远，裁剪的差距也不是 $W_1$；有人认为起作用的主要是利普希茨约束本身。

**讨论题（20 分钟）**：小区物业想用住户的门禁照片训练一个 GAN，生成“虚拟住户”放在宣传册里。分组回答课文的四个问题，再查表：哪些规定管得到，谁要同意，宣传册上要写什么？中国的课堂还可以读《生成式人工智能服务管理暂行办法》第 2、4、7、12 条：向境内公众提供生成服务的，训练数据来源要合法，涉及个人信息要取得同意，生成的图片要标识；企业、学校、科研机构等研发或使用这种技术，只要不向境内公众提供生成服务，就不适用这个办法（第 2 条）。想一想：只印一本宣传册，算不算提供服务？不适用这个办法，还有哪些规定管得到它？

**作业：实验报告（一周）**

任选一问，用 3 个种子回答，写一页：`n_critic` 取 1、2、5，总的训练时间相同，哪一个好？$\lambda$ 取 1、10、100 呢？给 WGAN-GP 的评论家加上批归一化，会怎样？

| 评分项 | 分 |
|---|---|
| 一次只改一处，写明其余设置；时间或步数相同，说明是哪一种 | 25 |
| 3 个种子的全部结果，不只报最好的一次；附真图之间的下限 | 25 |
| 图：没有挑选过的样本，有图题 | 15 |
| 结论不超出数据，不利的结果照写 | 25 |
| 语言清楚 | 10 |
"""

# %% [markdown] tags=["lang-en"]
r"""
## Notes for teachers

**Where the times come from**: about 160 minutes in one language. Reading takes 75: the Chinese has about 9,700 characters, at 220 a minute read aloud about 44 minutes; the English about 7,200 words, at 130 a minute about 55; the rest is for formulas, tables, code and figures. Predictions, the four exercises and the quiz take 60, the open task 25 (a failed attempt and another one included). Two sittings are a good plan, the first up to exercise 4. Run the whole notebook before class, since the training cells take two or three minutes and figures are kept; in class run only the cells you want to discuss.

**Must, may, self-study**

| Part | 45 minutes | 2×45 minutes |
|---|---|---|
| the four changes, predict 1 | must, 8 minutes | must, 10 minutes |
| moving earth, exercise 1 | must, 10 minutes | must, 15 minutes |
| the haulier's price list (the dual) | must, 8 minutes | must, 10 minutes |
| clipping, predict 2, Fig. 4-3 | must, 7 minutes | must, 10 minutes |
| the gradient penalty, exercise 2 | the formula only, 5 minutes | must, 15 minutes |
| exercises 3, 4 | self-study | exercise 3 must, 5 minutes; exercise 4 may |
| reading a log, predict 3, 4 | predict 3 only, 5 minutes | must, 10 minutes |
| the tests of the gap, clipping against penalty | self-study | may, 5 minutes |
| gradual resizing, the longer run | self-study | self-study |
| the failure of the day | self-study | must, 5 minutes |
| pictures of faces, and the law | 2 minutes, set the discussion | may, 5 minutes |
| open task, quiz | self-study | self-study (homework) |

With two periods, the first ends with clipping.

**On the board**: on the left both forms of $W_1$, the min above the max with an equals sign between, and a word beside each: transport, prices. On the right an axis with three places of real data and two of fakes; draw the best $f$ (the zigzag), then the valley that clipping leaves, and ask which way G's samples will go. At last write $x$ and $\tilde x$ at the ends of a line, put $\hat x$ anywhere between, and draw the slope there.

**An activity**: with beans or coins, move the two heaps of Fig. 4-2 on a table and add up the distances until somebody finds 6. Then let one student be the haulier and set prices for the five places, while the others look for journeys that they would rather make themselves. With 0, 1, 0, 1, 0 the haulier earns exactly 6.

**Common mistakes**

- Taking the gap for a score that can be compared. Show the table of different networks.
- Taking the bound on the slope for a bound on the scores. Adding 100 shows that scores can be shifted at will.
- Differentiating `critic(x).mean()` in the penalty: each sample's gradient is only $1/B$ of what it should be ($B$ is the size of the batch).
- Leaving batch normalisation in WGAN-GP's critic; or, because of that, taking it out of a clipped one.

**Common questions**

- "Does a growing gap mean that it gets worse?" At the start the critic is catching up. Let it take some dozens of steps before you read, and read means, not single batches. Later, too, the gap may grow while the pictures get better: WGAN-GP in Fig. 4-8.
- "Why not use the gradient penalty everywhere?" Each of its steps needs another backward pass. Who is better in the same time is in the lesson's table; let students note that the learning rates were not tuned with care.
- "Is it the Wasserstein distance that makes WGAN work?" Not necessarily. The critic is far from the best $f$, and the gap of clipping is not $W_1$; some hold that it is the Lipschitz constraint itself that helps.

**Discussion (20 minutes)**: a housing company wants to train a GAN on residents' door-camera photographs, to show "virtual residents" in a brochure. Answer the lesson's four questions in groups; then look at the table: which rules apply, who has to agree, and what has to be in the brochure? For a class in China: read Articles 2, 4, 7 and 12 of the Interim Measures for Generative AI Services. Who offers generation to the public there needs lawful training data, consent where they are personal, and labels on pictures; companies, schools, research institutes and others that develop or use the technique without offering generation to the public there are outside (Article 2). Is a printed brochure such a service? And if the Measures do not apply, which other rules still do?

**Homework: a lab report (one week)**

Choose one question, answer it with 3 seeds, and write one page: which `n_critic` of 1, 2 and 5 is best at equal training time? Which $\lambda$ of 1, 10 and 100? What happens if WGAN-GP's critic gets batch normalisation?

| Criterion | Points |
|---|---|
| one change at a time, all other settings stated; equal time or equal steps, and which | 25 |
| all results of the 3 seeds, not only the best; with the floor of real pictures | 25 |
| figures: samples not chosen, with captions | 15 |
| conclusions within the data, unfavourable results included | 25 |
| clear language | 10 |
"""
