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
from torch import optim
from torch.nn.functional import softplus

from gan_lessons import data, lab, measure, runtime
from gan_lessons.exercises import lesson02 as check
from gan_lessons.nets import mlp

runtime.set_threads(1)
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
## 练习 3：完整的两步

G 的一步在 D 里也留下了梯度；D 的一步开始反向传播之前先清零，就把它们清掉了。
"""

# %% [markdown] tags=["lang-en"]
r"""
## Exercise 3: both steps in full

G's step leaves gradients in D as well; D's step clears them, because it clears before it backpropagates.
"""

# %%
def my_critic_step(D, G, optimizer, real, z):
    with torch.no_grad():  # the fakes are just samples here
        fake = G(z)
    loss = d_loss(D(real), D(fake))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss


def my_generator_step(D, G, optimizer, z):
    loss = g_loss(D(G(z)))  # the gradient passes through D
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()  # of G alone
    return loss


verdict = check.own_steps(my_critic_step, my_generator_step)

# %% [markdown] tags=["lang-zh"]
r"""
## 练习 4（选做）：修好一个坏掉的循环

两处毛病：G 的那一半用的是 `detach` 过的假图，梯度到不了 G；D 的清零放在更新之后，G 的 `backward()` 又往 D 里写了梯度，下一次 D 更新时就用上了。
"""

# %% [markdown] tags=["lang-en"]
r"""
## Exercise 4 (optional): repair a broken loop

Two faults: G's half uses the fakes after `detach`, so no gradient reaches G; and D's gradients are cleared after its update, whereupon G's `backward()` writes into them again and D's next update uses them.
"""

# %%
def play_round(G, D, G_optimizer, D_optimizer, real, z):
    fake = G(z)
    D_loss = softplus(-D(real)).mean() + softplus(D(fake.detach())).mean()
    D_optimizer.zero_grad()
    D_loss.backward()
    D_optimizer.step()

    G_loss = softplus(-D(fake)).mean()
    G_optimizer.zero_grad()
    G_loss.backward()
    G_optimizer.step()
    return D_loss, G_loss


verdict = check.repaired(play_round)

# %% [markdown] tags=["lang-zh"]
r"""
## 练习 5：`denorm`
"""

# %% [markdown] tags=["lang-en"]
r"""
## Exercise 5: `denorm`
"""

# %%
def denorm(x):
    return ((x + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)


verdict = check.to_bytes(denorm)

# %% [markdown] tags=["lang-zh"]
r"""
## 开放题：用自己的两步训练

补救表最后一行的设置就够了：`betas=(0.0, 0.99)`，学习率 0.001。
"""

# %% [markdown] tags=["lang-en"]
r"""
## Open task: train with your own two steps

The settings of the last row of the table of remedies are enough: `betas=(0.0, 0.99)`, learning rate 0.001.
"""

# %% tags=["nbval-ignore-output"]
everything = data.mnist(train=True)
images, held_out = everything[:-2000], everything[-2000:]
evaluator = measure.DigitEvaluator(images, held_out)

torch.manual_seed(0)
my_G, my_D = mlp.source_004()
G_optimizer = optim.Adam(my_G.parameters(), lr=1e-3, betas=(0.0, 0.99))
D_optimizer = optim.Adam(my_D.parameters(), lr=1e-3, betas=(0.0, 0.99))
batches = images.batches(100)
for _ in range(runtime.at_scale(smoke=50, default=3000, full=3000)):
    my_critic_step(my_D, my_G, D_optimizer, next(batches), torch.randn(100, 64))
    my_generator_step(my_D, my_G, G_optimizer, torch.randn(100, 64))

verdict = check.writes_digits(my_G, 64, evaluator)

# %% [markdown] tags=["lang-zh"]
r"""
## 小测验的答案

选项的次序每次都会打乱，所以这里写内容。

1. 比例对了，单张图还很差：大多认不清，特征的分布也离真图很远。
2. G 的一步也更新了 D：D 学着把假图判为真，G 不必进步。
3. 抄得很多：样本和复读机差不多，新照片则没有被冤枉。
4. 这三个数不能相比，要用同一套特征重新评估。
5. 把 `betas` 的第一个数换成 0，去掉动量。
"""

# %% [markdown] tags=["lang-en"]
r"""
## Answers to the quiz

The options are shuffled each time, so here are the words.

1. The shares are right, the single pictures still poor: most cannot be read, and their features are far from real ones.
2. G's step updates D, too: D learns to call fakes real, and G need not improve.
3. Much of it is copied: the samples come close to the reciter, and new photographs are not accused.
4. The three numbers cannot be compared: measure again with the same features.
5. Set the first of the `betas` to 0, so that momentum is gone.
"""

# %% [markdown] tags=["lang-zh"]
r"""
## 教学笔记

**时间从哪里来**：只读一种语言，约 120 分钟。阅读 55 分钟：中文约 7,200 个汉字，朗读每分钟 220 字，约 33 分钟；英文约 5,800 个词，每分钟 130 个，约 45 分钟；余下的时间看公式、表、代码和图。预测、必做的四个练习和小测验 45 分钟，开放题 20 分钟（没有达到标准、再试一次的时间算在内）；选做的练习 4 另加 10 分钟。一次学不完，可以分成两次，练习留到课后。上课前请先把整本运行一遍，课堂上只重跑要讨论的几格。

**必讲、选讲、自学**

| 部分 | 45 分钟 | 2×45 分钟 |
|---|---|---|
| 先看一张崩溃的图，类别数和 KL，先猜再跑 1 | 必讲，10 分钟 | 必讲，15 分钟 |
| 弗雷歇距离、核距离、总表 | 自学 | 必讲，10 分钟 |
| 九小步 | 必讲，15 分钟 | 必讲，20 分钟 |
| 三处改进，练习 1、2 | 必讲损失，10 分钟 | 必讲，20 分钟 |
| 练习 3、4 | 自学 | 练习 3 必讲，10 分钟；练习 4 选讲 |
| 典型失败案例和补救表 | 必讲，8 分钟 | 必讲，10 分钟 |
| 检验抄袭 | 自学 | 选讲，5 分钟 |
| `denorm`、检查点、开放题 | 自学 | 自学（作业） |
| 小测验 | 2 分钟，选一题 | 自学 |

两节课时，第一节到九小步为止。

**板书**：左边写 $\min_G \max_D$ 的式子；右边画两条流程线（D 的一步、G 的一步），标出梯度在哪里停下。讲 R1 时，在横轴上标出真图的位置，上面画 D 的曲线：先画一条陡的，再画一条缓的，问学生假图会往哪里走。

**易错点**

- 把 `detach` 也写进 G 的一步，G 就学不到东西。请学生说出每个 `backward()` 的梯度写进了谁。
- 以为损失下降就是进步。让学生比较图 2-5 和图 2-9。
- 拿自己的弗雷歇距离和论文的 FID 比。
- 以为 KL 更小就是画得更好。噪点的 KL 比崩溃的生成器还小，却没有一张是数字；拿那一行给他们看。

**常见的问题**

- “我的图和你的不一样。”正常。不同的处理器舍入不同，博弈会把差别放大；所以补救表写出了 5 个种子各自的类别数，其余各栏是平均值。
- “训练久一点会好吗？”课文里有走完全程的记录，请学生自己读。
- “为什么不用 FID？”Inception 是用彩色照片训练的，用在 28×28 的数字上并不合适，还要下载权重。

**作业：实验报告（一周）**

在补救表里任选一行，再自选一处本课没有试过的改动（例如 $\gamma = 0.1$ 或 10，批大小，隐藏层宽度），各用 3 个种子训练 2,000 步，写一页报告。

| 评分项 | 分 |
|---|---|
| 一次只改一处，写明其余设置 | 25 |
| 3 个种子的全部结果，不只报最好的一次；附真图与真图的参照 | 25 |
| 图：没有挑选过的样本，有图题 | 15 |
| 结论不超出数据，不利的结果照写 | 25 |
| 语言清楚 | 10 |
"""

# %% [markdown] tags=["lang-en"]
r"""
## Notes for teachers

**Where the times come from**: about 120 minutes in one language. Reading takes 55: the Chinese has about 7,200 characters, at 220 a minute read aloud about 33 minutes; the English about 5,800 words, at 130 a minute about 45; the rest is for formulas, tables, code and figures. Predictions, the four exercises that are not optional and the quiz take 45, the open task 20 (a failed attempt and another one included); the optional exercise 4 adds 10. Two sittings are a good plan, with the exercises at home. Run the whole notebook before class, and in class only the cells you want to discuss.

**Must, may, self-study**

| Part | 45 minutes | 2×45 minutes |
|---|---|---|
| a collapsed picture, classes and KL, predict 1 | must, 10 minutes | must, 15 minutes |
| Fréchet and kernel distance, the table | self-study | must, 10 minutes |
| the nine steps | must, 15 minutes | must, 20 minutes |
| three improvements, exercises 1, 2 | must: the loss, 10 minutes | must, 20 minutes |
| exercises 3, 4 | self-study | exercise 3 must, 10 minutes; exercise 4 may |
| the failure of the day and the table of remedies | must, 8 minutes | must, 10 minutes |
| the test for copies | self-study | may, 5 minutes |
| `denorm`, checkpoints, open task | self-study | self-study (homework) |
| quiz | 2 minutes, one question | self-study |

With two periods, the first ends with the nine steps.

**On the board**: on the left the formula with $\min_G \max_D$; on the right two flow lines (D's step, G's step), marking where the gradient stops. For R1, mark the real pictures on a horizontal axis and draw D's curve above, first steep, then gentle, and ask which way the fakes will go.

**Common mistakes**

- `detach` in G's step, too: G learns nothing. Have students say whose gradients each `backward()` fills.
- A falling loss taken for progress. Compare Fig. 2-5 with Fig. 2-9.
- Comparing one's Fréchet distance with the FID of a paper.
- Taking a smaller KL for better pictures. Noise has a smaller KL than the collapsed generator, and not one digit: show its row.

**Common questions**

- "My pictures differ from yours." That is normal. Processors round differently and a game magnifies it; this is why the table of remedies gives the classes of each of 5 seeds, and means in the other columns.
- "Would longer training help?" The lesson has the record of the full length; let students read it.
- "Why not FID?" Inception was trained on colour photographs, which suits digits of 28×28 badly, and its weights must be downloaded.

**Homework: a lab report (one week)**

Choose one row of the table of remedies and one change that the lesson has not tried (say $\gamma = 0.1$ or 10, the batch size, the width of the hidden layers), train each with 3 seeds for 2,000 steps, and write one page.

| Criterion | Points |
|---|---|
| one change at a time, all other settings stated | 25 |
| all results of the 3 seeds, not only the best; with the reference real against real | 25 |
| figures: samples not chosen, with captions | 15 |
| conclusions within the data, unfavourable results included | 25 |
| clear language | 10 |
"""
