# %% [markdown] tags=["lang-zh"]
r"""
# 08 · 让生成器听指令：答案与教学笔记

先自己做，再来看。练习的答案后面运行的，是课文里的同一个批改函数；开放题没有批改函数，量法和课文相同。
"""

# %% [markdown] tags=["lang-en"]
r"""
# 08 · Telling G what to make: solutions and notes for teachers

Try first, then look. The lesson's checker runs after each exercise; the open task has none, and is measured as in the lesson.
"""

# %%
import json
from functools import partial
from pathlib import Path

import torch

from gan_lessons import lab, penalties, runtime
from gan_lessons.bilingual import say, table
from gan_lessons.exercises import lesson08 as check

runtime.set_threads(1)
lab.language_switch()

# %% [markdown] tags=["lang-zh"]
r"""
## 练习 1：投影判别器的分数

`embedding[y]` 给每张图取出自己那一类的一行，形状 `(B, d)`。两个内积可以合成一个：每一类的最后一层是 $w + V_y$。
"""

# %% [markdown] tags=["lang-en"]
r"""
## Exercise 1: the score of a projection discriminator

`embedding[y]` picks for each picture the row of its own class, shape `(B, d)`. The two inner products can be one: the last layer of each class is $w + V_y$.
"""

# %%
def projection_score(features, y, psi, embedding):
    return ((psi + embedding[y]) * features).sum(1)


verdict = check.projection_score(projection_score)

# %% [markdown] tags=["lang-zh"]
r"""
## 练习 2：用数字衡量听话

分组的依据是要的类别。空的一组求平均是 NaN，正好表示“没有要过”。
"""

# %% [markdown] tags=["lang-en"]
r"""
## Exercise 2: obedience as a number

Groups go by the class asked for. The mean of an empty group is NaN, which says that nobody asked.
"""

# %%
def obeys(probabilities, y):
    right = (probabilities.argmax(1) == y).float()
    return torch.stack([right[y == k].mean() for k in range(probabilities.shape[1])])


verdict = check.obeys(obeys)

# %% [markdown] tags=["lang-zh"]
r"""
它为什么会被骗？一个 G 在每一类里只画一张图，而且画得很像，就得满分：
"""

# %% [markdown] tags=["lang-en"]
r"""
How can it be fooled? A G that paints one picture a class, and a clear one, has full marks:
"""

# %%
y = torch.arange(10).repeat(20)
collapsed = torch.eye(10)[y]  # what a sure classifier says of one clear picture a class
say("每类一张图：听话的比例平均 {share:.0%}，不同的图 {n} 张，样本 {samples} 个。",
    "One picture a class: mean obedience {share:.0%}, with {n} different pictures among {samples} "
    "samples.", share=obeys(collapsed, y).mean(), n=len(collapsed.unique(dim=0)), samples=len(y))

# %% [markdown] tags=["lang-zh"]
r"""
## 练习 3：循环损失

两个方向各一圈，绝对值求平均，相加。
"""

# %% [markdown] tags=["lang-en"]
r"""
## Exercise 3: the cycle loss

Once around in each direction, the mean of absolute values, and the sum of the two.
"""

# %%
def cycle_loss(a, b, a_to_b, b_to_a):
    return (b_to_a(a_to_b(a)) - a).abs().mean() + (a_to_b(b_to_a(b)) - b).abs().mean()


verdict = check.cycle_loss(cycle_loss)

# %% [markdown] tags=["lang-zh"]
r"""
它的盲点也可以直接算：上下颠倒是自己的逆映射，循环损失是 0，图却全反了。
"""

# %% [markdown] tags=["lang-en"]
r"""
Its blind spot can be computed, too: turning pictures upside down undoes itself, so the cycle loss is 0 and every picture is wrong.
"""

# %%
pictures = torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))


def upside_down(x):
    """Return pictures turned upside down."""
    return x.flip(2)


say("上下颠倒：循环损失 {loss:.3f}，和原图平均相差 {wrong:.3f}。",
    "Upside down: cycle loss {loss:.3f}, mean difference from the originals {wrong:.3f}.",
    loss=cycle_loss(pictures, pictures, upside_down, upside_down),
    wrong=(upside_down(pictures) - pictures).abs().mean())

# %% [markdown] tags=["lang-zh"]
r"""
## 开放题：又听话，又清楚，又齐全

一种做法（下面的第三行）：`how="concat"`，惩罚从 $\gamma = 1$ 减到 0.1，其余不变：`play("concat", seed, penalty=partial(penalties.r1_r2, gamma=0.1))`。种子 0、1、2 类别对的是 98.2%、97.4% 和 99.0%，8 团齐全，高质量 62%、50% 和 67%。默认的 `projection` 高质量是 37%、42% 和 73%，默认的 `concat` 是 59%、47% 和 39%（换一种处理器，相差一个百分点）：两种都至少有一个种子不达标。种子之间差得多：请学生多跑几个，再说哪一种更好。
"""

# %% [markdown] tags=["lang-en"]
r"""
## Open task: obedient, sharp and complete

One way (the third row below): `how="concat"`, with the penalty lowered from $\gamma = 1$ to 0.1 and all else unchanged: `play("concat", seed, penalty=partial(penalties.r1_r2, gamma=0.1))`. Seeds 0, 1 and 2 have 98.2%, 97.4% and 99.0% of the right class, all 8 clusters, and 62%, 50% and 67% of high quality. Of high quality the default with `projection` has 37%, 42% and 73%, and that with `concat` 59%, 47% and 39% (on another processor one point more or less): each falls short on a seed or more. Seeds differ much: let students run several before they say which way is better.
"""

# %% tags=["nbval-ignore-output"]
lesson = json.loads((Path("..") / "08_conditional.ipynb").read_text(encoding="utf-8"))
code = ["".join(cell["source"]) for cell in lesson["cells"] if cell["cell_type"] == "code"]
plane, = (source for source in code if "class Critic(nn.Module)" in source)
of_lesson: dict = {}
exec(code[0].split("\n\n\n")[0], of_lesson)  # its imports,
exec(plane, of_lesson)  # and its ring, its networks, `play` and `judge`
play, judge = of_lesson["play"], of_lesson["judge"]

light = partial(penalties.r1_r2, gamma=0.1)
ways = {"projection": {"how": "projection"}, "concat": {"how": "concat"},
        "concat, gamma 0.1": {"how": "concat", "penalty": light}}
rows = []
for name, way in ways.items():
    good, clusters, quality = zip(*(judge(play(seed=seed, **way)) for seed in (0, 1, 2)),
                                  strict=True)
    passed = sum(right >= 0.97 and found == 8 and sharp >= 0.45
                 for right, found, sharp in zip(good, clusters, quality, strict=True))
    rows.append([name, "  ".join(f"{share:.1%}" for share in good),
                 "  ".join(map(str, clusters)), "  ".join(f"{share:.0%}" for share in quality),
                 f"{passed}/3"])
table([("训练的办法", "way"), ("类别画对的", "right class"), ("团，8 个里", "clusters, of 8"),
       ("高质量", "high quality"), ("达标的种子", "seeds that pass")], rows)

# %% [markdown] tags=["lang-zh"]
r"""
## 小测验的答案

选项的次序每次都会打乱，所以这里写内容。

1. D 有没有看见标签，标签和图片是不是对得上。
2. `-0.5`。
3. 难认的样本少了；要看类内的多样性或召回率。
4. 不可以，除非用成对的病例检验过病灶有没有变。
5. 黑白底片变成正片。

## 教学笔记

**用时从哪里来**：只读一种语言约 120 分钟：阅读 55 分钟，五次预测、三个练习和小测验 45 分钟，开放题 20 分钟。两节课时，第一节到数字选择器为止。全部运行约 4 分钟；上课前先跑一遍，图表会留下。

**必讲、选讲、自学**

| 部分 | 45 分钟 | 2×45 分钟 |
|---|---|---|
| 平面上的条件，预测 1、2，图 8-1、8-2 | 必讲，15 分钟 | 必讲，20 分钟 |
| 典型失败案例，预测 3 | 选讲，5 分钟 | 必讲，10 分钟 |
| 数字选择器，听话与多样性 | 必讲，10 分钟 | 必讲，15 分钟 |
| 练习 1、2 | 自学 | 选讲，10 分钟 |
| 没有一起出现过的组合 | 自学 | 自学 |
| 平面上的 CycleGAN，预测 4，图 8-4 | 必讲，15 分钟 | 必讲，15 分钟 |
| 练习 3 | 自学 | 选讲，5 分钟 |
| 眼镜，和 pix2pix 比较 | 自学 | 必讲，10 分钟 |
| StyleGAN，预测 5 | 自学 | 选讲，5 分钟 |
| 开放题、小测验 | 自学 | 自学（作业） |

**板书**：左边画两团 $A$，右边画两团 $B$，请两位学生各画一种映射，一位平着连，一位交叉连；再请全班算循环损失。两种都是 0，然后问：判别器看得出来吗？

**易错点**

- 以为只要 G 知道 $y$ 就够了。
- 一步之内，真图用真标签，假图用另外随机抽的标签，却拿去喂成对比较的损失：两个 $y$ 应当相同。
- 把“听话 100%”当作“学好了”。
- 说 CycleGAN “学会了眼镜是什么”。它学会的是让两堆图在判别器看来一样。

**常见的问题**

- “AC-GAN 不是更直接吗？”它奖励分类器认得出的样本，所以**生成的**样本里，靠近类别边界的会变少。Miyato 和 Koyama 的论文里，投影在 1,000 类的 ImageNet 上胜过它；本课的小数据上谁好，看“数字：要几就画几”一节末尾的数。
- “身份损失要不要加？”问自己：输出是不是应当离输入近？

**讨论题（15 分钟）**：两堆照片，一堆微笑，一堆不笑，前一堆里女性更多。CycleGAN 会学到什么？怎样发现，怎样避免？

**作业：实验报告（一周）**

任选一问，用 3 个种子回答，写一页：图 8-4 里，$A$ 和 $B$ 的两团点数都改成 6 比 4、7 比 3、9 比 1，颜色反的各有几次？CycleGAN 的循环权重取 0、1、10、100（各 600 步，每次约 40 秒），眼镜和其余因素怎样变？`recipes.conditional` 的嵌入长度取 2、8、32，类内多样性怎样变？

| 评分项 | 分 |
|---|---|
| 一次只改一处，写明其余设置 | 25 |
| 3 个种子的全部结果，附平均、最小和最大 | 25 |
| 图：有题、有单位，没有挑选过 | 15 |
| 结论不超出数据，不利的结果照写 | 25 |
| 语言清楚 | 10 |
"""

# %% [markdown] tags=["lang-en"]
r"""
## Answers to the quiz

The options are shuffled each time, so here are the words.

1. Whether D sees the labels, and whether labels belong to their pictures.
2. `-0.5`.
3. Samples that are hard to tell are rare; look at diversity in a class or at recall.
4. No, unless pairs of the same patients have shown that lesions do not change.
5. Black-and-white negatives to positives.

## Notes for teachers

**Where the times come from**: about 120 minutes in one language: 55 to read, 45 for five predictions, three exercises and the quiz, 20 for the open task. In two periods, the first ends after the digit selector. Everything runs in about 4 minutes; run it before class, and figures and tables are kept.

**Must, may, self-study**

| Part | 45 minutes | 2×45 minutes |
|---|---|---|
| a condition in the plane, predict 1 and 2, Figs. 8-1 and 8-2 | must, 15 minutes | must, 20 minutes |
| the failure of the day, predict 3 | may, 5 minutes | must, 10 minutes |
| the digit selector, obedience and diversity | must, 10 minutes | must, 15 minutes |
| exercises 1, 2 | self-study | may, 10 minutes |
| combinations never shown together | self-study | self-study |
| CycleGAN in the plane, predict 4, Fig. 8-4 | must, 15 minutes | must, 15 minutes |
| exercise 3 | self-study | may, 5 minutes |
| glasses, and pix2pix beside it | self-study | must, 10 minutes |
| StyleGAN, predict 5 | self-study | may, 5 minutes |
| open task, quiz | self-study | self-study (homework) |

**On the board**: two clusters $A$ on the left and two clusters $B$ on the right; two students draw a map each, one with straight lines and one with crossed ones; the class computes the cycle loss. Both have 0. Then ask: can the discriminators tell?

**Common mistakes**

- Believing that it is enough for G to know $y$.
- Within a step, real pictures with their labels and fakes with other, random ones, for a loss that compares in pairs: the two $y$ should be the same.
- Taking "100% obedience" for "well learned".
- Saying that CycleGAN "has learned what glasses are". It has learned to make two heaps look alike to discriminators.

**Common questions**

- "Is AC-GAN not more direct?" It rewards samples that a classifier can tell, so *generated* samples near a border between classes become rare. In the paper of Miyato and Koyama projection is ahead of it on the 1,000 classes of ImageNet; for the small data of this lesson see the numbers at the end of its section on digits.
- "Identity loss or not?" Ask yourself whether the output should be close to the input.

**Discussion (15 minutes)**: two heaps of photographs, one of people who smile and one of people who do not, with more women in the first. What will CycleGAN learn? How do you find out, and how do you avoid it?

**Homework: a lab report (one week)**

Choose one question, answer it with 3 seeds, and write one page: with 6 to 4, 7 to 3 and 9 to 1 points in the two clusters of $A$ and of $B$ in Fig. 8-4, how often are colours swapped? With cycle weights of 0, 1, 10 and 100 (600 steps each, about 40 seconds a run), what becomes of glasses and of the other factors? With embeddings of length 2, 8 and 32 in `recipes.conditional`, what becomes of the diversity in a class?

| Criterion | Points |
|---|---|
| one change at a time, all other settings stated | 25 |
| all results of the 3 seeds, with mean, least and most | 25 |
| figures: captions, units, samples not chosen | 15 |
| conclusions within the data, unfavourable results included | 25 |
| clear language | 10 |
"""
