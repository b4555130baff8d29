# %% [markdown] tags=["lang-zh", "title"]
r"""
# 08 · 让生成器听指令：条件 GAN、pix2pix 与 CycleGAN

到现在为止，生成器画什么由随机的 $z$ 决定，我们说了不算。这一课让它听指令：要一个“7”，就画“7”；要一副眼镜，就给这张脸戴上，别的都不动。办法有三类：把条件告诉两个网络，用成对的图片教，或者只有两堆没有配对的图片。

- **学完你会**：写出条件 GAN（conditional GAN）的两个网络，说清两个网络各要知道条件的什么；用投影（projection）、拼接（concatenation）和辅助分类器三种办法给判别器（discriminator）条件；把“听话”（obedience）量成一个数，并且不被它骗过；写出循环损失（cycle loss），说清它保证什么、不保证什么；说出 pix2pix 和 CycleGAN 各需要什么数据；解释 StyleGAN 的映射网络、调制和截断。
- **需要准备**：学过第 01 课和第 03 课；第 06 课的 RpGAN 和 R1、R2，第 07 课的精确率（precision）和召回率（recall），用到时会简单说明。
- **用时**：只读一种语言，约 120 分钟，其中阅读 55 分钟，预测、练习和小测验 45 分钟，开放题 20 分钟。全部运行一遍约 4 分钟（两个 CPU 核心，不需要显卡，也不必联网）。
- **致谢**：Datawhale 的《动手学CV-Pytorch》讲完手写数字的 GAN，用一句话指出了下一步：CGAN、DCGAN、CycleGAN；同一章还有讲[条件 GAN](https://github.com/datawhalechina/dive-into-cv-pytorch/blob/master/docs/chapter05_gan/5_3.md) 的一节。本课就沿着这句话走。条件 GAN 来自 [Mirza 和 Osindero](https://arxiv.org/abs/1411.1784)，投影判别器来自 [Miyato 和 Koyama](https://arxiv.org/abs/1802.05637)，pix2pix 来自 [Isola 等](https://arxiv.org/abs/1611.07004)，CycleGAN 来自 [Zhu 等](https://arxiv.org/abs/1703.10593)。谢谢他们。
"""

# %% [markdown] tags=["lang-en", "title"]
r"""
# 08 · Telling G what to make: conditional GANs, pix2pix and CycleGAN

So far a random $z$ decided what the generator paints, and we had no say. In this lesson it takes instructions: ask for a "7" and get a "7"; ask for glasses, and this face puts them on while all else stays. There are three ways: tell both networks the condition, teach with pairs of pictures, or have two heaps of pictures and no pairs at all.

- **You will be able to**: write both networks of a conditional GAN, and say what each of them has to know of the condition; give the discriminator the condition in three ways, by projection, concatenation and an auxiliary classifier; measure obedience as a number, and not be fooled by it; write the cycle loss, and say what it guarantees and what not; say which data pix2pix and CycleGAN need; explain StyleGAN's mapping network, modulation and truncation.
- **You need**: lessons 01 and 03; the RpGAN with R1 and R2 of lesson 06 and the precision and recall of lesson 07 are explained briefly where they are used.
- **Time**: about 120 minutes in one language: 55 to read, 45 for predictions, exercises and quiz, 20 for the open task. About 4 minutes to run everything (two CPU cores, no graphics card, no internet connection).
- **With thanks**: after its GAN for handwritten digits, Datawhale's course Dive into CV with PyTorch points to the next steps in a sentence: CGAN, DCGAN, CycleGAN; the same chapter has a section on [conditional GANs](https://github.com/datawhalechina/dive-into-cv-pytorch/blob/master/docs/chapter05_gan/5_3.md). This lesson follows that sentence. Conditional GANs come from [Mirza and Osindero](https://arxiv.org/abs/1411.1784), the projection discriminator from [Miyato and Koyama](https://arxiv.org/abs/1802.05637), pix2pix from [Isola et al.](https://arxiv.org/abs/1611.07004), CycleGAN from [Zhu and others](https://arxiv.org/abs/1703.10593). Our thanks to all of them.
"""

# %%
import json
import time
from functools import partial
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.nn.functional import leaky_relu

from gan_lessons import cycle, data, lab, losses, measure, penalties, recipes, runtime, show
from gan_lessons.bilingual import say, table
from gan_lessons.condition import given
from gan_lessons.data.points import mixture
from gan_lessons.exercises import lesson08 as check
from gan_lessons.train import adam, critic_step, fit, generate, generator_step, sample_noise


def study(name):
    """Return the numbers of a longer experiment, stored in the folder studies."""
    path = Path("..") / "studies" / f"lesson08_{name}.json"
    return json.loads(path.read_text(encoding="utf-8"))


runtime.set_threads(1)  # most networks of this lesson are too small for a second thread
lab.language_switch()

# %% [markdown] tags=["lang-zh", "what-changed"]
r"""
## 和前几课相比

训练循环还是那一个，多了条件 $y$：

```diff
- fake = generator(z)
- score = critic(x)
+ fake = generator(z, y)
+ score = critic(x, y)
```

一步之内，真图和假图带着**同样的** $y$，就是这一批真图的标签。损失、惩罚和优化器都不变：包里的 `given(network, y)` 先把 $y$ 填好，得到一个只差 $x$ 的网络，`critic_step` 和 `generator_step` 不知道有条件这回事。

**一处更正。** Datawhale 那句话说，CGAN、DCGAN 和 CycleGAN 是“在网络层方面进行改进”。对 DCGAN，这话是对的。CGAN 改的是**输入**和**目标**：两个网络都多了 $y$，博弈变成了每个 $y$ 各一场。CycleGAN 改得更多：生成器的输入不是噪声（noise）而是图片，网络成了两对，损失多了一项。三个名字要分开记，因为改网络、改目标和改数据的要求，是三种不同的改进。

**另一处。** 同一章讲条件 GAN 的文字里，判别器的损失有一项“真图配错误的标签”；那一节的代码没有这一项。这一项来自由文字生成图片的 [Reed 等](https://arxiv.org/abs/1605.05396)。条件 GAN 没有它行不行？下面用数来看，答案在“三个误会”里。
"""

# %% [markdown] tags=["lang-en", "what-changed"]
r"""
## What changed since the last lessons

The training loop is the same one, with a condition $y$:

```diff
- fake = generator(z)
- score = critic(x)
+ fake = generator(z, y)
+ score = critic(x, y)
```

Within a step, real and fake carry the **same** $y$, which is that of the batch of real pictures. Losses, penalties and optimizers stay the same: `given(network, y)` of the package fills $y$ in and gives a network that wants only $x$, and `critic_step` and `generator_step` need not know about the condition.

**A correction.** Datawhale's sentence says that CGAN, DCGAN and CycleGAN are "improvements in the network layers". For DCGAN that is right. CGAN changes the **input** and the **objective**: both networks get $y$, and the game becomes one game for each $y$. CycleGAN changes more: the generator's input is a picture and not noise, there are two pairs of networks, and the loss has another term. Keep the three names apart, for changing the networks, changing the objective and asking for other data are three kinds of improvement.

**Another one.** In the same chapter, the text on conditional GANs has a term in the discriminator's loss for "real pictures with wrong labels"; the code of that section has none. The term comes from [Reed et al.](https://arxiv.org/abs/1605.05396), who make pictures from text. Can a conditional GAN do without it? The numbers below show it, and the answer is in "Three misunderstandings".
"""

# %% [markdown] tags=["lang-zh", "predict"]
r"""
## 平面上的条件

损失是第 06 课的 RpGAN：D 不单独给真假打分，而是比较一真一假谁更真；R1、R2 惩罚 D 在真的和假的点上的梯度，使训练平稳。

### 先猜再跑 1：只告诉 G

环上有 8 团点，分成 4 类，每一类是相对的两团。G 收到 $z$ 和 $y$（$y$ 先经过**嵌入**（embedding），变成 8 个可学习的数，和 $z$ 接在一起）；D 只看点，不知道 $y$。训练之后，G 画对类别的比例是多少？

- A. 接近 100%：G 知道自己该画什么。
- B. 一半左右：它学会了一部分。
- C. 看运气：随种子而变，哪个 $y$ 去哪一团，没有人管。
- D. G 画不出环来，因为输入里混进了它用不上的数。
"""

# %% [markdown] tags=["lang-en", "predict"]
r"""
## A condition in the plane

The loss is lesson 06's RpGAN: D compares a real with a fake instead of scoring each; R1 and R2 penalise D's gradient at real and at fake points, which calms the training.

### Predict, then run 1: only G is told

There are 8 clusters on a circle in 4 classes, each class two clusters that face each other. G is given $z$ and $y$ ($y$ first goes through an **embedding**, which makes it 8 numbers that are learned, and these are put beside $z$); D sees points only and knows no $y$. After training, how many of G's points are of the right class?

- A. Close to 100%: G knows what to paint.
- B. About half: it has learned a part.
- C. It is luck and differs from seed to seed: nobody minds which $y$ goes where.
- D. G fails to paint the circle: its input has numbers that it cannot use.
"""

# %%
ring = data.ring()  # 8 clusters, numbered along the circle
KINDS = 4  # classes: cluster i is of class i modulo 4


def labelled(n, chance):
    """Return n points of the ring and their classes, (n, 2) and (n,)."""
    cluster = torch.randint(8, (n,), generator=chance)
    return ring.modes[cluster] + ring.std * torch.randn(n, 2, generator=chance), cluster % KINDS


class Generator(nn.Module):
    """z and y -> a point: the embedding of y stands beside z."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(KINDS, 8)
        self.body = nn.Sequential(nn.Linear(2 + 8, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(),
                                  nn.Linear(64, 2))

    def forward(self, z, y):
        return self.body(torch.cat([z, self.embedding(y)], 1))


class Critic(nn.Module):
    """A point and y -> a score; `how` is "blind", "concat" or "projection"."""

    def __init__(self, how):
        super().__init__()
        self.how = how
        self.embedding = nn.Embedding(KINDS, 64 if how == "projection" else 8)
        if how == "projection":
            nn.init.normal_(self.embedding.weight, 0, 0.02)  # at first the match hardly counts
        self.phi = nn.Sequential(nn.Linear(2 + 8 if how == "concat" else 2, 64),
                                 nn.LeakyReLU(0.2), nn.Linear(64, 64), nn.LeakyReLU(0.2))
        self.psi = nn.Linear(64, 1)

    def forward(self, x, y):
        if self.how == "concat":  # y beside x
            x = torch.cat([x, self.embedding(y)], 1)
        features = self.phi(x)
        score = self.psi(features).squeeze(1)
        if self.how == "projection":  # and how well x goes with y, as an inner product
            score = score + (self.embedding(y) * features).sum(1)
        return score  # a blind critic has not looked at y


paired = losses.Relativistic()  # RpGAN, lesson 06
r1_r2 = partial(penalties.r1_r2, gamma=1.0)
plane_steps = runtime.at_scale(smoke=10, default=500, full=4000)


def play(how, seed, loss=paired, penalty=r1_r2, lr=2e-3, labels=lambda y: y):
    """Train in the plane and return G; `labels` changes the labels of a batch before use."""
    torch.manual_seed(seed)
    generator, critic = Generator(), Critic(how)
    of_g, of_d = adam(generator, lr, (0.0, 0.99)), adam(critic, lr, (0.0, 0.99))
    chance = torch.Generator().manual_seed(seed)
    for step in range(plane_steps):
        for optimizer in (of_g, of_d):
            optimizer.param_groups[0]["lr"] = lr * (1 - 0.95 * step / plane_steps)
        x, y = labelled(128, chance)
        y = labels(y)
        critic_step(given(critic, y), given(generator, y), of_d, loss, x,
                    torch.randn(128, 2, generator=chance), penalty)
        generator_step(given(critic, y), given(generator, y), of_g, loss,
                       torch.randn(128, 2, generator=chance), x if loss.compares else None)
    return generator


@torch.no_grad()
def asked(generator):
    """Ask for 500 points of each class; return them, and the classes that were asked for."""
    y = torch.arange(KINDS).repeat_interleave(500)
    return generator(torch.randn(len(y), 2, generator=torch.Generator().manual_seed(0)), y), y


def judge(generator):
    """Return the share of the right class, the clusters it has (of 8), the share of quality."""
    made, y = asked(generator)
    distance, cluster = torch.cdist(made, ring.modes).min(1)
    right = cluster % KINDS == y
    found = {int(c) for c in range(8) if (right & (cluster == c)).sum() >= 10}
    return right.float().mean().item(), len(found), (distance < 3 * ring.std).float().mean().item()


ways = {"D does not know y": {"how": "blind"}, "y beside x": {"how": "concat"},
        "projection": {"how": "projection"},
        "projection, no penalty": {"how": "projection", "penalty": None}}

# %% tags=["nbval-ignore-output"]
of_ways = {name: [play(seed=seed, **way) for seed in (0, 1, 2)] for name, way in ways.items()}


def judge_all(found):
    """Show what three seeds of each way came to."""
    judged = {name: list(zip(*map(judge, generators), strict=True))
              for name, generators in found.items()}
    table([("训练的办法", "way"), ("类别画对的", "right class"), ("类别对的团，8 个里",
           "clusters of the right class, of 8"), ("高质量", "high quality")],
          [[({"D does not know y": "D 不知道 y", "y beside x": "拼接", "projection": "投影",
              "projection, no penalty": "投影，不加惩罚", "labels in order": "标签没有打乱",
              "labels in disorder": "标签打乱了"}.get(name, name), name),
            *("  ".join(format(value, form) for value in values) for values, form in
              zip(columns, (".0%", "d", ".0%"), strict=True))]
           for name, columns in judged.items()])


judge_all(of_ways)

# %% tags=["nbval-ignore-output"]
markers = {0: (show.BLUE, "o"), 1: (show.ORANGE, "s"), 2: (show.GREEN, "^"), 3: (show.PINK, "D")}
panels = {"real": labelled(2000, torch.Generator().manual_seed(1)),
          **{name: asked(generators[0]) for name, generators in of_ways.items()}}
figure, axes = plt.subplots(1, 5, figsize=(10, 2.4), sharex=True, sharey=True,
                            layout="constrained")
for axis, (name, (points, y)) in zip(axes, panels.items(), strict=True):
    for kind, (colour, marker) in markers.items():
        axis.plot(*points[y == kind][:150].T, marker, color=colour, markersize=2.5,
                  label=f"y = {kind}")
    axis.set_title(name, fontsize=9)
    axis.set(xlim=(-2.6, 2.6), ylim=(-2.6, 2.6), aspect="equal", xticks=[], yticks=[])
figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4,
              fontsize=8, markerscale=2, frameon=False)
show.show(figure, "Five clouds around a circle, coloured by the class asked for: real points, a D"
                  " that does not know y, y beside x, projection, and projection without a "
                  "penalty")

# %% [markdown] tags=["lang-zh", "caption"]
r"""
**图 8-1** 颜色和形状是要 G 画的类别（种子 0）。D 不知道 $y$ 时，点连成几段弧，颜色有的碰巧对，有的不对；两种条件判别器把颜色放对了地方。最右边去掉惩罚，颜色也对，但绿色丢了一团。上表里的高质量，是离最近的团心不到 3 个标准差的样本的比例。
"""

# %% [markdown] tags=["lang-en", "caption"]
r"""
**Fig. 8-1** Colour and shape are the class that G was asked for (seed 0). With a D that does not know $y$, points form arcs from cluster to cluster, and some colours happen to be right, others not; both conditional discriminators put them where they belong. On the far right, without the penalty, colours are right, too, but green has lost a cluster. High quality, in the table above, is the share of samples within 3 standard deviations of the nearest cluster's centre.
"""

# %% [markdown] tags=["lang-zh"]
r"""
答案是 **C**。D 不知道 $y$ 时，三个种子类别对的是 52%、35% 和 25%，乱猜是 25%，类别对的团只有 4、4、2 团（一个点算在离它最近的团里，不论多远；一类的 500 个点里有 10 个算在自己的某一团，这一团就算有了）。52% 不是学会了一半：图 8-1 里，每种颜色占的几团里，碰巧有一团是自己的；种子 2 上，8 团里只碰对 2 团。中间的点是 G 从一团到另一团的过渡：G 是连续的。拼接是 97% 到 98%，投影是 96% 到 99%，8 团都齐全。原因在损失里：D 只看点，一个画对了位置、画错了类别的点，在它看来和真的一样，扣不了分。G 收到的 $y$ 对它只是多出来的噪声，它可以用来决定去哪一团，但哪个 $y$ 去哪一团，没有人管。

**听话要靠 D 来要求。** D 看见了 $y$，它比较的就是每一类之内的真与假（原始的形式；这里训练用的是 RpGAN 的损失）：

$$\min_G \max_D \; \mathbb{E}_{y}\Big[\mathbb{E}_{x|y}\log \sigma(D(x, y)) + \mathbb{E}_{z}\log(1 - \sigma(D(G(z, y), y)))\Big]$$

两种把 $y$ 交给 D 的办法都成功了。**拼接**（concatenation）把 $y$ 的嵌入接在输入旁边，由网络自己弄清 $x$ 和 $y$ 的关系。**投影**（projection）来自一个推导：如果真图和假图的 $\log p(y|x)$ 都是同一组特征 $\phi(x)$ 的线性函数（差一个与 $y$ 无关的归一化项），最好的 D 就有这样的形式：

$$D(x, y) = \psi(\phi(x)) + \langle V_y, \phi(x) \rangle$$

前一项问“像不像真的”，后一项问“配不配这个 $y$”，$V_y$ 是 $y$ 的嵌入。

**听话的比例不是全部。** 最后一行只去掉惩罚，别的不变：训练没有发散，类别有 98% 到 100% 是对的，可是三个种子里，8 团只找到 7、4、7 团。一类的两团丢了一团，类别还是对的；种子 1 每一类都丢了一团，它的类别反而是 100%，高质量也最高，95%：也许是因为剩下的团少。所以看“听话”，要同时看每一类之内的多样性。
"""

# %% [markdown] tags=["lang-en"]
r"""
The answer is **C**. With a D that does not know $y$, three seeds have 52%, 35% and 25% of the right class, guessing would give 25%, and only 4, 4 and 2 clusters are of the right class (a point belongs to its nearest cluster, near or far; a cluster is there if at least 10 of the 500 points of its class belong to it). The 52% are not something half learned: in Fig. 8-1 one of the clusters that each colour covers happens to be its own; on seed 2 only 2 of 8 are hit. The points in between are G's way from one cluster to the next: G is continuous. Concatenation has 97% to 98%, projection 96% to 99%, and both have all 8 clusters. The loss is the reason: D sees points only, and a point in a right place and of the wrong class looks as real as any, so nothing is taken off. To G, $y$ is just more noise; G may use it to decide which cluster to go to, but nobody minds which $y$ goes where.

**It takes D to ask for obedience.** Once D sees $y$, it compares real with fake within each class (in the original form; the runs here use the RpGAN loss):

$$\min_G \max_D \; \mathbb{E}_{y}\Big[\mathbb{E}_{x|y}\log \sigma(D(x, y)) + \mathbb{E}_{z}\log(1 - \sigma(D(G(z, y), y)))\Big]$$

Both ways to give $y$ to D succeed. **Concatenation** puts the embedding of $y$ beside the input and leaves it to the network to find out how $x$ and $y$ go together. **Projection** comes from a derivation: where $\log p(y|x)$ of real and of fake data are both linear in the same features $\phi(x)$ (up to a normaliser without $y$), the best D has the form

$$D(x, y) = \psi(\phi(x)) + \langle V_y, \phi(x) \rangle$$

The first term asks "does it look real?", the second "does it go with this $y$?", and $V_y$ is the embedding of $y$.

**Obedience is not everything.** In the last row only the penalty is gone: training does not diverge, and 98% to 100% are of the right class, but three seeds have 7, 4 and 7 of the 8 clusters. A class that has lost one of its two clusters still has all its points in the right class; on seed 1 every class has lost one, and yet that seed has 100% of the right class and the highest quality, 95%: perhaps because few clusters are left. So look at obedience together with diversity within each class.
"""

# %% [markdown] tags=["lang-zh", "predict"]
r"""
### 先猜再跑 2：换一个 y

第 01 课的实验室也有带条件的一局：环上 8 团，$y$ 就是团的编号，G 收到 $z$ 和 $y$，D 用投影，损失是非饱和损失。下面先选 $y = 3$，背景就画 D 在 $y = 3$ 之下的判断，再走 500 个回合。这时拿 8 团的中心问 D，哪一团的分数最高？

- A. 第 3 团：在 $y = 3$ 之下，只有它是真的。
- B. 8 团一样高：它们都是真实数据里的点。
- C. 没有规律：$y = 3$ 时，D 从来没见过别的团的真点。
- D. 对面的第 7 团：那里离 $y = 3$ 的假点最远。
"""

# %% [markdown] tags=["lang-en", "predict"]
r"""
### Predict, then run 2: another y

The lab of lesson 01 has a conditional game, too: 8 clusters on a circle, $y$ is the number of the cluster, G is given $z$ and $y$, D has a projection, and the loss is non-saturating. Below $y = 3$ is chosen, so that the background is D's judgement under $y = 3$, and 500 rounds are played. Now ask D about the middle of each of the 8 clusters: which has the highest score?

- A. Cluster 3: under $y = 3$ it alone is real.
- B. All 8 alike: every one of them is in the real data.
- C. No rule: with $y = 3$ D has never seen real points of any other cluster.
- D. Cluster 7, on the other side: there the fakes of $y = 3$ are farthest away.
"""

# %% tags=["nbval-ignore-output"]
by_class_lab = lab.GanLab(data="ring_by_class")
by_class_lab.choose(3)  # whose judgement is drawn
by_class_lab.run(500)

# %% [markdown] tags=["lang-zh", "caption"]
r"""
**图 8-2** 带条件的一局，颜色和数字是类别，背景是 D 在 $y = 3$ 之下的判断（第一格还是 $y = 0$）。到第 500 步，8 团都有了样本，颜色也都对；背景在第 3 团是白的，真假各半，越往对面越橙，D 越觉得假。
"""

# %% [markdown] tags=["lang-en", "caption"]
r"""
**Fig. 8-2** The conditional game; colours and numbers are classes, the background is D's judgement under $y = 3$ (in the first panel still $y = 0$). At step 500 all 8 clusters have samples, each of its own colour; the background is white at cluster 3, as likely real as fake, and it turns more orange towards the opposite side, where D takes points for fake.
"""

# %% tags=["nbval-ignore-output"]
@torch.no_grad()
def scores(game):
    """Return D's score for the middle of each cluster, a row for each y, (8, 8)."""
    return torch.stack([game.critic(ring.modes, torch.full((8,), y)) for y in range(8)])


others = [lab.GanLab(data="ring_by_class", seed=seed).run(500) for seed in (1, 2)]
highest = [(scores(each.state).argmax(1) == torch.arange(8)).sum().item()
           for each in (by_class_lab, *others)]
three = scores(by_class_lab.state)[3]
say("种子 0、1、2 上，8 个 y 里，自己那一团分数最高的有 {highest} 个。种子 0，y = 3：第 3 团 {own:.1f}，"
    "第 7 团 {opposite:.1f}。", "On seeds 0, 1 and 2, the cluster of y has the highest score for "
    "{highest} of 8 y. Seed 0, y = 3: cluster 3 has {own:.1f}, cluster 7 {opposite:.1f}.",
    highest=", ".join(map(str, highest)), own=three[3].item(), opposite=three[7].item())

# %% [markdown] tags=["lang-zh"]
r"""
答案是 **A**。三个种子上，8 个 $y$ 都是自己那一团的分数最高：同样的真点，换一个 $y$ 来问，D 的回答就不同。种子 0、$y = 3$ 时，第 3 团的分数是 0.0，即真假各半；第 7 团是 -2.4。C 说对了一件事：在 $y = 3$ 之下，D 没见过第 7 团的真点。压低那里分数的，大概是训练早期要 3 却画到别处的假点（没有单独检验）。

在实验室里自己试：把“类别 y”换成别的编号，背景就转过去，点却不动，因为变的只是你问 D 的问题。
"""

# %% [markdown] tags=["lang-en"]
r"""
The answer is **A**. On three seeds each of the 8 $y$ gives its own cluster the highest score: the same real points, asked about with another $y$, get another answer. On seed 0 with $y = 3$ cluster 3 has a score of 0.0, as likely real as fake, and cluster 7 has -2.4. C is right in one thing: under $y = 3$ D has never seen real points of cluster 7. What lowered the score there is probably fakes that were asked for 3 early on and lay elsewhere (not tested by itself).

Try it in the lab: change "Class y" to another number, and the background turns while the points stay, because only the question to D has changed.
"""

# %% [markdown] tags=["lang-zh", "exercise"]
r"""
### 练习 1：投影判别器的分数

补全 `projection_score(features, y, psi, embedding)`：`features` 是 $\phi(x)$，形状 `(B, d)`；`y` 是 int64 `(B,)`；`psi` 是长度 `d` 的权重向量（$\psi(\phi) = w^\top \phi$，不要偏置）；`embedding` 是矩阵 $V$，形状 `(K, d)`。返回分数 `(B,)`。

<details><summary>提示一</summary>

两项都是内积，每张图各一个数。每张图只用自己那一类的那一行 $V_y$：怎样用 `y` 从矩阵里取出 `(B, d)`？

</details>

<details><summary>提示二</summary>

逐元素相乘，再沿特征那一维求和；求平均就只有应有的 $1/d$。检验：把 $V$ 全换成 0，各类的分数应当相同。

</details>
"""

# %% [markdown] tags=["lang-en", "exercise"]
r"""
### Exercise 1: the score of a projection discriminator

Complete `projection_score(features, y, psi, embedding)`: `features` is $\phi(x)$, shape `(B, d)`; `y` is int64 `(B,)`; `psi` is a vector of `d` weights ($\psi(\phi) = w^\top \phi$, no bias); `embedding` is the matrix $V$, shape `(K, d)`. Return the scores, `(B,)`.

<details><summary>Hint one</summary>

Both terms are inner products, one number for each picture. A picture needs the row $V_y$ of its own class only: how does `y` pick `(B, d)` out of the matrix?

</details>

<details><summary>Hint two</summary>

Multiply element by element and sum over the features; a mean would be only $1/d$ of it. A test: with a $V$ of 0 everywhere each class should get the same score.

</details>
"""

# %%
def projection_score(features, y, psi, embedding):
    return ...


verdict = check.projection_score(projection_score)

# %% [markdown] tags=["lang-zh", "failure-of-the-day", "predict"]
r"""
## 典型失败案例：标签乱了

最常见的一种错误不在网络里，在数据里：图片打乱了，标签没有跟着打乱，或者按文件名排序时两边的次序不同。下面把一批的标签随机打乱以后再用，真图和假图仍带着同样的 $y$，别的都不变。

### 先猜再跑 3：样本看起来怎样？

- A. 样本和平时一样好，只是类别不对。
- B. 类别不对，样本也比平时差。
- C. 损失变成 NaN，训练停下。
- D. 类别大体还是对的，因为打乱的标签平均起来会抵消。
"""

# %% [markdown] tags=["lang-en", "failure-of-the-day", "predict"]
r"""
## The failure of the day: labels in disorder

The most common mistake is not in the networks but in the data: pictures were shuffled and their labels were not, or two lists of files were sorted in different orders. Below, the labels of each batch are shuffled before use; real and fake still carry the same $y$, and nothing else changes.

### Predict, then run 3: what do samples look like?

- A. As good as ever, but of the wrong class.
- B. Of the wrong class, and worse than usual, too.
- C. The loss becomes NaN, and training stops.
- D. Classes are mostly right: on average, shuffled labels cancel out.
"""

# %% tags=["nbval-ignore-output"]
chance = torch.Generator().manual_seed(0)


def shuffled(y):
    """The mistake: labels that no longer belong to their points."""
    return y[torch.randperm(len(y), generator=chance)]


judge_all({"labels in order": of_ways["projection"],
           "labels in disorder": [play("projection", seed, labels=shuffled) for seed in (0, 1, 2)]})

# %% [markdown] tags=["lang-zh", "failure-of-the-day"]
r"""
答案是 **B**。三个种子类别对的是 26%、25% 和 25%，高质量的只有 10%、6% 和 10%；标签不乱时，高质量是 37% 到 72%，D 不看标签时也有 41% 到 48%。团数一列写着 8，但只有 6% 到 10% 的点真在团上，这只说明点散得到处都是；程序也不报错。类别对的比例正好是乱猜的 25%。样本也变差了，比 D 根本看不见标签时还差：大概是因为 D 要先弄清这个输入没有用（这个解释没有单独检验）。样本差，原因可以有一百种；能指出是标签的，是“听话”这个数，或者亲眼看几张写着类别的图。所以第一件事是：训练之前，把几张真图和它们的标签一起显示出来。
"""

# %% [markdown] tags=["lang-en", "failure-of-the-day"]
r"""
The answer is **B**. Three seeds have 26%, 25% and 25% of the right class, and only 10%, 6% and 10% of high quality; with labels in order it is 37% to 72%, and with a D that sees no labels 41% to 48%. The column of clusters says 8, but with 6% to 10% on a cluster this means no more than points scattered everywhere; and no error is raised. The share of the right class is 25%, that of pure guessing. Samples are worse, too, worse than with a D that sees no labels: perhaps because D has to find out first that this input is of no use (the explanation was not tested by itself). Bad samples can have a hundred causes; what points to the labels is the number for obedience, or your own eyes on pictures with their classes written below. So the first thing to do, before training, is to show a few real pictures together with their labels.
"""

# %% [markdown] tags=["lang-zh"]
r"""
## 数字：要几就画几

`recipes.conditional` 是第 06 课的 `rpgan` 加上条件：G 的嵌入接在 $z$ 旁边，D 用投影。数据是课程自带的 10,000 张 MNIST 里的 8,000 张（另外 2,000 张是 `held_out`），周围加两个像素的黑边成 32×32；`conditioned_on()` 把标签变成条件。
"""

# %% [markdown] tags=["lang-en"]
r"""
## Digits: name one and get it

`recipes.conditional` is the `rpgan` of lesson 06 with a condition: G has an embedding beside $z$, D has a projection. The data are 8,000 of the 10,000 digits of MNIST that come with the course (the other 2,000 are `held_out`), with a black rim of two pixels to make them 32×32; `conditioned_on()` turns labels into conditions.
"""

# %% tags=["nbval-ignore-output"]
digits = data.mnist().framed(32).conditioned_on()
held_out = data.mnist(train=False).framed(32).conditioned_on()
digit_steps = runtime.at_scale(smoke=10, default=1906, full=20_000)
writer = recipes.conditional(32, 1, digits.classes, steps=digit_steps, features=16, gamma=1.0,
                             precision="auto")
start = time.perf_counter()
fit(writer, digits, digit_steps)
seconds = time.perf_counter() - start
y = torch.arange(10).repeat(200)  # 200 of each digit
made = writer.sample(len(y), y=y, ema=True)
report, floor = (measure.obedience(images, of_y, of=digits) for images, of_y in
                 ((made, y), (held_out.images, held_out.condition)))
say("{steps} 步，{seconds:.0f} 秒。要几就画几的有 {share:.1%}，{classes}/10 个数字至少九成听话；"
    "同一个分类器看留出的真图，认对 {real:.1%}。",
    "{steps} steps, {seconds:.0f} seconds. {share:.1%} show the digit that was asked for, and "
    "{classes}/10 digits obey in nine cases of ten; of held-out real pictures the same classifier "
    "reads {real:.1%} right.", steps=digit_steps, seconds=seconds, share=report.accuracy,
    classes=report.obeyed, real=floor.accuracy)
table([("数字", "digit"), *report.classes],
      [[("画对", "right"), *(f"{share:.0%}" for share in report.classes.values())],
       [("类内覆盖", "coverage in class"), *(f"{c:.2f}" for c in report.coverage.values())],
       [("真图的覆盖", "coverage of real"), *(f"{c:.2f}" for c in floor.coverage.values())],
       [("类内多样性", "diversity in class"), *(f"{d:.2f}" for d in report.diversity.values())]])

# %% [markdown] tags=["lang-zh"]
r"""
**听话**（obedience）的定义：要 $y$，分类器看到的也是 $y$ 的比例。分类器自己也会错，所以要和真图的数比；而且它是在真图上学的，一张难看的“7”只要还像 7，就算对。**类内覆盖**（覆盖率，每一类单独算）是同一类的真图里，近邻球（到第 k 近的真图为半径的球，k = 5）中有样本的占多少；**类内多样性**是同一类的两张样本之间的平均距离，除以两张真图之间的平均距离（距离都在分类器的特征里量，每类至多 300 张）：某一类只画一张图，它就接近 0。

下面是**数字选择器**：点一个数字，看同样的十二个 $z$ 变成这个数字的样子。
"""

# %% [markdown] tags=["lang-en"]
r"""
**Obedience** is the share of samples in which a classifier sees the $y$ that was asked for. A classifier errs, too, so compare with its number for real pictures; and it has learned from real pictures, so an ugly "7" that still looks like a 7 counts as right. **Coverage in class** is the share of a class's real pictures that have a sample in their ball (its radius reaches to the k-th nearest real picture, k = 5), and **diversity in class** the mean distance of two samples of a class, divided by that of two real pictures (distances are between the classifier's features, of at most 300 pictures a class): a class with only one picture comes close to 0.

Below is the **digit selector**: press a digit and see what the same twelve $z$ become.
"""

# %% tags=["nbval-ignore-output"]
z = sample_noise(12, writer.latent, torch.Generator().manual_seed(8))
by_class = generate(writer.generator_ema, z.repeat(10, 1), torch.arange(10).repeat_interleave(12))
lab.selector(by_class.unflatten(0, (10, 12)), [str(digit) for digit in range(10)],
             alt="Ten rows of twelve handwritten digits, a row for each digit from 0 to 9; a "
                 "column has one z")

# %% [markdown] tags=["lang-zh", "caption"]
r"""
**图 8-3** 每一行是一个数字，每一列是同一个 $z$（运行之后每次只显示一行：按另一个数字，盯住同一列看）。笔画粗的一列，换了数字常常还是粗，变的是哪个数字。
"""

# %% [markdown] tags=["lang-en", "caption"]
r"""
**Fig. 8-3** A row is a digit, a column is one $z$ (once run, one row is shown at a time: press another digit and watch one column). A column with thick strokes often stays thick; what changes is the digit.
"""

# %% tags=["nbval-ignore-output"]
z = sample_noise(200, writer.latent, torch.Generator().manual_seed(9))
every = generate(writer.generator_ema, z.repeat(10, 1), torch.arange(10).repeat_interleave(200))
ink = every.float().mean((1, 2, 3)).view(10, 200)  # how much white: a row a digit, a column a z
different = ~torch.eye(10, dtype=torch.bool)  # pairs of two different digits
same_z = torch.corrcoef(ink)[different].mean()
other_z = torch.corrcoef(torch.cat([ink, ink.roll(1, 1)]))[:10, 10:][different].mean()
say("同一个 z 画两个不同的数字，墨量的相关系数平均是 {same:.2f}；换成不同的 z，{other:.2f}。",
    "The amount of ink of two different digits has a mean correlation of {same:.2f} where z is the "
    "same, and of {other:.2f} where it is not.", same=same_z, other=other_z)

# %% [markdown] tags=["lang-zh"]
r"""
**先听话，后多样。** 下面是同样的设置，只改步数，学习率在这些步里降完（`python -m studies.lesson08 length`，每个数是一个种子）：
"""

# %% [markdown] tags=["lang-en"]
r"""
**First obedient, then diverse.** Below are the same settings with other numbers of steps, in which the learning rate falls (`python -m studies.lesson08 length`, a number for each seed):
"""

# %%
lengths = study("length")
table([("步数", "steps"), ("类别对的", "right class"), ("至少九成听话的数字", "digits that obey"),
       ("类内覆盖", "coverage in class"), ("类内多样性", "diversity in class")],
      [[f"{int(steps):,}", *("  ".join(format(run[key], form) for run in runs.values())
                             for key, form in (("as asked", ".1%"), ("obeyed", "d"),
                                               ("coverage", ".2f"), ("diversity", ".2f")))]
       for steps, runs in lengths["runs"].items()]
      + [[("真图", "real"), f"{lengths['floor']['as asked']:.1%}", f"{lengths['floor']['obeyed']}",
          f"{lengths['floor']['coverage']:.2f}", f"{lengths['floor']['diversity']:.2f}"]])

# %% [markdown] tags=["lang-zh"]
r"""
种子 0：400 步时 60.0% 听话，多样性只有 0.05，也就是每个数字几乎只有一种画法；3,200 步时 98.4%，10 个数字都听话，多样性 0.92。上面的默认训练，在存下这些数的处理器上，听话的比例已经赶上走 3,200 步的（换一种处理器是 95.2%，有一个数字只有 70%，不到九成），类内覆盖（同样取每类 300 个样本，是 0.58）和多样性却还在 1,600 步和 3,200 步之间。如果只看“类别对的”一列，800 步的 79.9% 像是“快学会了”，看最后一列才知道还早。（覆盖率随张数变：这张表的 G 每类 300 个样本，真图每类只有约 200 张，完美的样本分别应得 0.97 和 0.92，所以 0.78 和真图的 0.81 不能直接比。真图没有到 0.92：它们出自测试文件，笔迹不同，分类器也没有学过；各占多少没有量。）

没有人告诉 G 什么是粗细，也没有人要求同一个 $z$ 在各类之间一致。$y$ 已经定下了是哪个数字，$z$ 就留给了其余的变化：**内容和风格**（content and style）这样分开，大概是网络共用权重的结果（没有检验），并没有保证。前面的相关系数只量了墨量，倾斜没有量。

**辅助分类器**（auxiliary classifier，[AC-GAN](https://arxiv.org/abs/1610.09585)）是第三种办法：D 除了真假，还要说出类别，G 和 D 都把分类的损失算进去。它直接奖励“分类器认得出”，所以也会偏爱容易认的样本。`recipes.conditional(..., how="auxiliary")` 就是它，`how="concat"` 是拼接；`python -m studies.lesson08 digits` 按一个核心 60 秒定步数（实际 56 到 71 秒），比较三种办法，设置和上面的默认训练相同（它们是为投影选的；种子 0 的投影就是上面那一次（同一种处理器），1,906 步是按一个核心 60 秒定的，在这里也许要久一些）。三个种子听话的比例，投影是 98.6%、98.1% 和 96.5%，10 个数字都听话；拼接是 84.8%、90.0% 和 81.5%，听话的有 5、7、3 个数字；辅助分类器是 46.9%、32.8% 和 41.4%，类内多样性只有 0.21、0.19 和 0.18（投影 0.82、0.78 和 0.93，拼接 0.78、0.82 和 0.94；但这里算的是要这一类的全部样本，画错类别的混在里面会抬高它。类内覆盖是 0.58、0.53 和 0.68 对 0.29、0.34 和 0.44，投影领先）。辅助分类器的多样性低，也可能只是还没练好：听话的程度相近时，投影的更低（400 步，`lesson08_length.json`：听话 60%、40% 和 63%，多样性 0.05、0.03 和 0.07）。这不能说辅助分类器不行，只能说在这样短的时间、这样的设置下，投影领先。
"""

# %% [markdown] tags=["lang-en"]
r"""
Seed 0: after 400 steps 60.0% obey, with a diversity of only 0.05, which means hardly more than one way to write each digit; after 3,200 it is 98.4%, all 10 digits obey, and diversity is 0.92. The default run above obeys as well as that of 3,200 steps on the processor whose numbers are stored (on another one 95.2%, and one digit, with 70%, falls below nine in ten), while its coverage in class (0.58, of 300 samples each as here) and its diversity still lie between those of 1,600 and of 3,200 steps. By the share of the right class alone, the 79.9% of 800 steps seem "nearly there"; the last column says that there is a long way to go. (Coverage depends on the number of samples: in this table G has 300 for each class and the real pictures only about 200, for which perfect samples would have 0.97 and 0.92; so 0.78 and the 0.81 of real pictures do not compare. Real pictures fall short of 0.92: they come from the test file, by other writers, and the classifier has not learned from them; the two were not measured apart.)

Nobody told G what thickness is, or asked that a $z$ should mean the same in every class. Since $y$ settles which digit it is, $z$ is left with everything else: that **content and style** part in this way is probably a result of shared weights (not tested), and nothing guarantees it. The correlation above measures ink only; slant was not measured.

The **auxiliary classifier** ([AC-GAN](https://arxiv.org/abs/1610.09585)) is the third way: D says the class besides real or fake, and the classification loss is added to the losses of both. It rewards "a classifier can tell" directly, and so it also favours samples that are easy to tell. It is `recipes.conditional(..., how="auxiliary")`, and `how="concat"` is concatenation; `python -m studies.lesson08 digits` compares the three with steps timed for 60 seconds of one core (in the event 56 to 71) and with the settings of the default run above (which were chosen for projection; the projection of seed 0 is that very run, on the same processor; 1,906 steps were timed at 60 seconds of a core and may take longer here). On three seeds projection obeys in 98.6%, 98.1% and 96.5%, and so do all 10 digits; concatenation in 84.8%, 90.0% and 81.5%, with 5, 7 and 3 digits that obey; the auxiliary classifier in 46.9%, 32.8% and 41.4%, with a diversity in class of only 0.21, 0.19 and 0.18 (projection has 0.82, 0.78 and 0.93, concatenation 0.78, 0.82 and 0.94; but this counts all samples that were asked for a class, and wrong digits among them raise it. Coverage in class, 0.58, 0.53 and 0.68 against 0.29, 0.34 and 0.44, puts projection ahead). The low diversity of the auxiliary classifier may also be no more than too little training: where projection obeys about as well, its own is lower still (400 steps, `lesson08_length.json`: obedience 60%, 40% and 63%, diversity 0.05, 0.03 and 0.07). It does not follow that auxiliary classifiers are no good, only that in so short a time and with these settings projection is ahead.
"""

# %% [markdown] tags=["lang-zh", "exercise"]
r"""
### 练习 2：用数字衡量听话

补全 `obeys(probabilities, y)`：`probabilities` 是分类器给 n 个样本的各类概率，形状 `(n, K)`；`y` 是要的类别，int64 `(n,)`。返回形状 `(K,)` 的张量，第 $k$ 个数是：要第 $k$ 类的样本里，分类器认为最可能是第 $k$ 类的占多大比例。没有人要过的类，填 NaN。

<details><summary>提示一</summary>

先把概率变成每个样本一个类别，再和 `y` 比，得到 n 个真假。剩下的是分组求平均。

</details>

<details><summary>提示二</summary>

分组的依据是**要的**类别 `y`，不是看到的类别；按看到的分组，是另一个问题（看到 7 的里面，有多少是要 7 的）。空的一组求平均，PyTorch 给的就是 NaN。

</details>
"""

# %% [markdown] tags=["lang-en", "exercise"]
r"""
### Exercise 2: obedience as a number

Complete `obeys(probabilities, y)`: `probabilities` are what a classifier gives n samples for each class, shape `(n, K)`; `y` are the classes asked for, int64 `(n,)`. Return a tensor of shape `(K,)`: the number $k$ is the share of the samples asked for class $k$ for which the classifier, too, finds class $k$ most likely. A class that nobody asked for has NaN.

<details><summary>Hint one</summary>

Turn probabilities into one class per sample and compare with `y`: that gives n values, true or false. What is left is a mean for each group.

</details>

<details><summary>Hint two</summary>

Groups go by the class **asked for**, `y`, not by the class seen; the other grouping answers another question (of those that look like 7, how many were asked to be 7?). The mean of an empty group is NaN in PyTorch as it is.

</details>
"""

# %%
def obeys(probabilities, y):
    return ...


verdict = check.obeys(obeys)

# %% [markdown] tags=["lang-zh"]
r"""
## 没有一起出现过的组合

条件可以有几个**因素**（factor）：玩具脸的眼镜（没有、圆框）和发型（四种），一共 8 种组合。训练时拿掉其中两种：圆框眼镜加丸子头，不戴眼镜加卷发。每个值自己都见过，只是没有一起出现过。要这两种，G 画得出来吗？

`recipes.conditional` 给每个因素的每个值一个嵌入，再相加，所以没见过的组合也有嵌入；对照是把 8 种组合当作 8 个互不相干的类别，没见过的两类，嵌入停在随机的初始值上。下面是事先跑好的（`python -m studies.lesson08 combinations`，一个核心各 60 秒，每个数是一个种子），由读图网络（reading network）来读。
"""

# %% [markdown] tags=["lang-en"]
r"""
## Combinations that were never shown together

A condition may have several **factors**: the glasses of toy faces (none, round) and their hair style (four), 8 combinations in all. Two of them are held back from training: round glasses with a bun, and no glasses with curls. Each value by itself was seen, only not together. Ask for these two: can G paint them?

`recipes.conditional` has an embedding for each value of each factor and adds them up, so a combination that was never seen has one, too; the control takes the 8 combinations as 8 classes that have nothing to do with each other, and the embeddings of the two that were never seen stay at their random first values. What follows was run beforehand (`python -m studies.lesson08 combinations`, 60 seconds of one core each, a number for each seed) and read by the reading network.
"""

# %%
together = study("combinations")


def of_runs(runs, *keys):
    """Return a share as each seed has it."""
    found = []
    for run in runs.values():
        for key in keys:
            run = run[key]
        found.append(f"{run:.0%}")
    return "  ".join(found)


table([("条件", "condition"), ("见过的组合", "combinations shown"),
       ("没见过的组合", "never shown"), ("其中眼镜", "their glasses"), ("其中发型", "their hair")],
      [[({"factors": "按因素", "one class each": "每种组合一类",
          "all shown": "按因素，全部见过"}[name], name),
        of_runs(runs, "shown", "as asked"), of_runs(runs, "held out", "as asked"),
        of_runs(runs, "held out", "glasses"), of_runs(runs, "held out", "hair_style")]
       for name, runs in together["runs"].items() if runs])

# %% [markdown] tags=["lang-zh"]
r"""
按因素给条件，没见过的组合在种子 0 和 1 上出来了 78% 和 77%：发型全对，错的是眼镜。这是平均：每个种子上，两种组合里有一种全对，另一种只有 55%（没有存下是哪一种），而眼镜只有两种取值，和乱猜差不多。种子 2 只有 4%：发型还是全对，眼镜几乎全错。这一次训练在各类之内也崩溃了（见过的组合，类内多样性 0.13），是不是因此失败，一次训练说不出。表里的“按因素，全部见过”是这两种组合的上限（ceiling）：8 种组合训练时全都见过，这两种是 100%；它的种子 1 同样崩溃（0.15），这两种照样是 100%，不过训练时见过它们。当作 8 个互不相干的类别，是 7%、0% 和 0%：没有人教过那两个嵌入。所以，**按因素写的条件，在这里把发型带到了没见过的组合**：三个种子都是 100%，互不相干的类别是 7%、0% 和 0%。眼镜有没有带过去，三个种子说不出：78%、77% 和 4%（互不相干的类别是 22%、50% 和 86%）。

下面八行是八种组合，第三行和第八行没有一起出现过：不戴眼镜加卷发，圆框眼镜加丸子头。每一列是同一个 $z$：

![八行玩具脸，每行一种眼镜和发型的组合，每列一个隐向量：发型分明，脸很粗糙，长发的背景都是绿的，其余几乎都是粉的](../images/lesson08_combinations.png)

图（按因素给条件，种子 0）里还有一个“听话”看不见的毛病：长发的背景是绿的（第六行的角上夹着粉），其余几乎全是粉的（卷发的两行夹着绿），而数据里背景和发型无关；同一行里变的几乎只有肤色。在这一次训练里，$y$ 决定了本该由 $z$ 决定的东西。（类内覆盖看不出这一点：这里是 0.015，而这张表的所有训练都不到 0.02；真图的值没有量。）
"""

# %% [markdown] tags=["lang-en"]
r"""
With a condition by factors, 78% and 77% of what was never shown comes out on seeds 0 and 1: the hair is always right, and what fails is the glasses. These are means: on each seed one of the two combinations is all right and the other in 55% (which one was not stored), and with only two kinds of glasses that is about guessing. On seed 2 it is only 4%: all hair is right again, and nearly all glasses are wrong. That run has also collapsed within its classes (diversity 0.13, combinations shown), and whether it failed for that reason, one run cannot tell. "All shown" in the table is the ceiling for these two: all 8 combinations were there in training, and these two come to 100%; its seed 1 has collapsed as well (0.15), and still has both at 100%, but had seen them in training. As 8 unrelated classes it is 7%, 0% and 0%: nobody has taught those two embeddings. So **a condition by factors carried the hair over to combinations never shown**: 100% on all three seeds, against 7%, 0% and 0% of unrelated classes. Whether it carried the glasses over, three seeds cannot say: 78%, 77% and 4% (unrelated classes: 22%, 50% and 86%).

The eight rows below are the eight combinations; rows three and eight were never shown: no glasses with curls, and round glasses with a bun. A column has one $z$:

![Eight rows of toy faces, a row for each combination of glasses and hair, a column for each latent vector: hair is distinct, faces are very rough, the background is green behind long hair and mostly pink elsewhere](../images/lesson08_combinations.png)

The sheet (a condition by factors, seed 0) shows a fault that obedience does not see: behind long hair the background is green (with pink corners in row six), and almost everywhere else pink (with green patches in the rows of curls), though in the data background and hair have nothing to do with each other; within a row hardly anything but the skin varies. In this run $y$ decides what $z$ should. (Coverage in class does not show it: it is 0.015 here and below 0.02 in every run of this table; the value of real pictures was not measured.)
"""

# %% [markdown] tags=["lang-zh"]
r"""
## 从图到图：没有配对也能学吗？

条件也可以是一张图：照片变成画，白天变成夜晚，没戴眼镜的脸变成戴眼镜的。

- **pix2pix** 有**成对**的数据：每张 $a$ 配着正确答案 $b$。$F$ 把 $a$ 变成 $b$，损失是对抗损失加 100 倍的 $\lVert b - F(a) \rVert_1$（这里的 $\lVert \cdot \rVert_1$ 都指各个数之差的绝对值的**平均**）；D 看的是一对图 $(a, b)$，它是条件判别器，条件就是 $a$。
- **CycleGAN** 只有两堆没有配对的图 $A$ 和 $B$。两个生成器 $F: A \to B$ 和 $G: B \to A$（论文里叫 $G$ 和 $F$），两个判别器各管一堆，再加**循环损失**（cycle loss，全称循环一致性损失）：去了再回来，应当是原样：

$$L_{cyc} = \mathbb{E}_a \lVert G(F(a)) - a \rVert_1 + \mathbb{E}_b \lVert F(G(b)) - b \rVert_1, \qquad L = L_{GAN} + 10\,L_{cyc} + 5\,L_{id}$$

最后一项是**身份损失**（identity loss，也叫恒等损失，和人脸的“身份”无关）：已经在 $B$ 里的图，$F$ 不应当再改：$L_{id} = \mathbb{E}_b \lVert F(b) - b \rVert_1 + \mathbb{E}_a \lVert G(a) - a \rVert_1$。$L_{GAN}$ 在这里是最小二乘（least squares：D 对真图趋向 1、对假图趋向 0，误差取平方），pix2pix 用非饱和损失。

循环损失保证了什么？先在平面上看。$A$ 是左边的两团，$B$ 是右边的两团，颜色是“内容”：上面是蓝的，下面是橙的。正确的翻译不改颜色：上对上，下对下。网络**看不见**颜色。
"""

# %% [markdown] tags=["lang-en"]
r"""
## From picture to picture: can one learn without pairs?

A condition can be a picture: photographs become paintings, day becomes night, faces put on glasses.

- **pix2pix** has **pairs**: each $a$ comes with the right answer $b$. $F$ turns $a$ into $b$; its loss is the adversarial one and 100 times $\lVert b - F(a) \rVert_1$ (here $\lVert \cdot \rVert_1$ is always the **mean** of the absolute differences over all numbers); D sees a pair $(a, b)$, so it is a conditional discriminator, and its condition is $a$.
- **CycleGAN** has two sets of pictures without pairs, $A$ and $B$. There are two generators, $F: A \to B$ and $G: B \to A$ (the paper calls them $G$ and $F$), a discriminator for each set, and the **cycle loss** (in full, cycle-consistency loss): there and back again should change nothing:

$$L_{cyc} = \mathbb{E}_a \lVert G(F(a)) - a \rVert_1 + \mathbb{E}_b \lVert F(G(b)) - b \rVert_1, \qquad L = L_{GAN} + 10\,L_{cyc} + 5\,L_{id}$$

The last term is the **identity loss** (from the identity map, which changes nothing; it is not about who a person is): what is in $B$ already, $F$ should leave as it is: $L_{id} = \mathbb{E}_b \lVert F(b) - b \rVert_1 + \mathbb{E}_a \lVert G(a) - a \rVert_1$. $L_{GAN}$ is least squares here (D should give 1 to real pictures and 0 to fakes, and errors are squared); pix2pix uses the non-saturating loss.

What does the cycle loss guarantee? First look at it in the plane. $A$ is two clusters on the left, $B$ two on the right, and colour is the "content": blue above, orange below. The right translation keeps the colour: up to up, down to down. The networks **do not see** colours.
"""

# %% [markdown] tags=["lang-zh", "predict"]
r"""
### 先猜再跑 4：循环损失几乎是 0

训练 12 次，只有随机种子不同，没有身份损失。训练完，12 次的循环损失都几乎是 0，$F(a)$ 也都落在 $B$ 的团上。其中颜色对的有几次？

- A. 12 次：去了能原样回来，映射当然是对的。
- B. 有的对，有的反：上下对调的映射，循环损失同样是 0。
- C. 0 次：没有配对，什么也学不到。
- D. 每一次都是一半的点对，一半的点错。
"""

# %% [markdown] tags=["lang-en", "predict"]
r"""
### Predict, then run 4: a cycle loss of nearly 0

Train 12 times, with nothing but the random seed different and without an identity loss. Afterwards all 12 have a cycle loss of nearly 0, and their $F(a)$ lie on the clusters of $B$. In how many are the colours right?

- A. In 12: what comes back unchanged was mapped right, of course.
- B. Some are right, some are swapped: with up and down exchanged the cycle loss is 0 just as well.
- C. In 0: without pairs nothing can be learned.
- D. In each of them half of the points are right and half are wrong.
"""

# %%
RESTARTS = 12
left = mixture(torch.tensor([[-1.5, 1.0], [-1.5, -1.0]]), 0.15, "left")  # A: above, below
right = mixture(torch.tensor([[1.5, 1.0], [1.5, -1.0]]), 0.15, "right")  # B: above, below


class SideBySide(nn.Module):
    """Twelve networks 2-64-64-`out`, each with its own weights; a batch is divided among them."""

    def __init__(self, out, seed):
        super().__init__()
        chance = torch.Generator().manual_seed(seed)
        self.layers = nn.ParameterList(  # the last row of a matrix is the bias
            (2 * torch.rand(RESTARTS, n_in + 1, n_out, generator=chance) - 1) / n_in ** 0.5
            for n_in, n_out in ((2, 64), (64, 64), (64, out)))

    def forward(self, x):
        x = x.unflatten(0, (RESTARTS, -1))
        for i, layer in enumerate(self.layers):
            if i > 0:
                x = leaky_relu(x, 0.2)
            x = torch.baddbmm(layer[:, -1:], x, layer[:, :-1])
        return x.flatten(0, 1).squeeze(1)


cycle_steps = runtime.at_scale(smoke=10, default=300, full=2000)


def play_cycles(**weights):
    """Train twelve CycleGANs in the plane and return the game; `weights` are those of its loss."""
    game = cycle.CycleGAN(a_to_b=SideBySide(2, 1), b_to_a=SideBySide(2, 2),
                          critic_a=SideBySide(1, 3), critic_b=SideBySide(1, 4), buffer=0,
                          batch=32 * RESTARTS, lr=3e-3, decay=cycle_steps, **weights)
    chance = torch.Generator().manual_seed(0)
    for _ in range(cycle_steps):
        cycle.set_learning_rate(game)
        game.play_round(left.sample(game.batch, chance), right.sample(game.batch, chance))
        game.step += 1
    return game


@torch.no_grad()
def there_and_back(game, n=200):
    """Return a, F(a) and G(F(a)) of every restart, (12, n, 2) each."""
    a = left.sample(n * RESTARTS)
    b = game.a_to_b(a)
    return [x.view(RESTARTS, n, 2) for x in (a, b, game.b_to_a(b))]


def kept_colour(game):
    """Return for each restart the share of points that stay above or below, (12,)."""
    a, b, _ = there_and_back(game)
    return ((a[..., 1] > 0) == (b[..., 1] > 0)).double().mean(1)


# %% tags=["nbval-ignore-output"]
cycles = {"cycle loss": play_cycles(identity=0), "no cycle loss": play_cycles(cycle=0, identity=0),
          "cycle and identity": play_cycles()}
rows = []
for name, game in cycles.items():
    a, b, back = there_and_back(game)
    kept = kept_colour(game)
    loss = (back - a).abs().mean((1, 2))
    near = (torch.cdist(b, right.modes[None]).amin(2) < 3 * right.std).double().mean()
    rows.append([name, f"{(kept > 0.95).sum()}", f"{(kept < 0.05).sum()}",
                 f"{((kept >= 0.05) & (kept <= 0.95)).sum()}", f"{loss.mean():.3f}", f"{near:.0%}"])
table([("损失", "loss"), ("颜色对", "colours right"), ("颜色反", "colours swapped"),
       ("混杂", "mixed"), ("循环损失的值", "cycle loss, value"), ("落在 B 上", "on B")],
      [[({"cycle loss": "有循环损失", "no cycle loss": "没有循环损失",
          "cycle and identity": "再加身份损失"}[name], name), *found] for name, *found in rows])

# %% tags=["nbval-ignore-output"]
figure, axes = plt.subplots(2, 6, figsize=(10, 3.6), sharex=True, sharey=True, layout="constrained")
shown = {"cycle loss": axes[0], "cycle and identity": axes[1]}
for name, row in shown.items():
    a, b, _ = there_and_back(cycles[name])
    for axis, before, after in zip(row, a, b, strict=False):
        for above, colour, marker in ((True, show.BLUE, "o"), (False, show.ORANGE, "s")):
            mine = (before[:, 1] > 0) == above
            axis.plot(*before[mine][:60].T, marker, color=colour, markersize=2, alpha=0.4)
            axis.plot(*after[mine][:60].T, marker, color=colour, markersize=2)
        axis.set(xlim=(-2.4, 2.4), ylim=(-2, 2), aspect="equal", xticks=[], yticks=[])
    row[0].set_ylabel(name, fontsize=9)
show.show(figure, "Two rows of six restarts, A on the left and where it went on the right, "
                  "coloured by where in A a point comes from: above with the cycle loss, below "
                  "with the identity loss as well")

# %% [markdown] tags=["lang-zh", "caption"]
r"""
**图 8-4** 十二次重新开始里的六次，每格左边是 $A$，右边是 $F$ 把它送到的地方，颜色跟着点走。上行只有循环损失：有的保持上下，有的对调。下行再加身份损失：都保持上下。
"""

# %% [markdown] tags=["lang-en", "caption"]
r"""
**Fig. 8-4** Six of the twelve restarts. In each panel $A$ is on the left, and where $F$ sent it is on the right; a point keeps its colour. Upper row, cycle loss alone: some keep up and down, some exchange them. Lower row, with the identity loss as well: all keep them.
"""

# %% [markdown] tags=["lang-zh"]
r"""
答案是 **B**。12 次里，8 次颜色对，4 次对调，没有混杂的；$A$ 去了再回来，误差平均是 0.007，98% 的点落在 $B$ 的团上。从循环损失和样本的位置，看不出哪 4 次是错的：对调的映射一样能回来，一样落在 $B$ 上。去掉循环损失，2 次对，6 次对调，4 次混杂：循环损失的作用，是让映射一一对应，不再把两团混在一起；至于是哪一种对应，它不管。

为什么？把 $F$ 换成“先翻译，再上下对调”，把 $G$ 换成“先对调，再翻译回来”：两次对调抵消，循环损失还是 0；两团一样重，判别器也看不出差别。只要数据里有这样的对称，CycleGAN 的损失就分不出对错；[Moriakov 等](https://arxiv.org/abs/2001.09061)证明了一般的情形。**循环一致不等于语义正确。**

**身份损失是办法吗？** 在这里，加上它，12 次都保持了上下。但要说清楚它做了什么：它要求 $F$ 在 $B$ 上不动，网络又是连续的，于是 $F$ 倾向于“少动”，“少动”恰好是对的。假如 $B$ 里蓝的在下、橙的在上，数据点一个也不变，训练也就一点不变，这 12 次就**全是错的**。身份损失没有认出颜色，它是一个先验（prior）：输出要离输入近。照片换风格、戴眼镜，这个先验是对的；马变斑马也大体是对的；左右翻转，它就是错的。
"""

# %% [markdown] tags=["lang-en"]
r"""
The answer is **B**. Of the 12, 8 have the right colours, 4 are swapped and none is mixed; the mean error of $A$, there and back, is 0.007, and 98% of the points are on the clusters of $B$. Neither the cycle loss nor the places of the samples tell which 4 are wrong: a swapped map comes back just as well, and is on $B$ just as well. Without the cycle loss 2 are right, 6 are swapped and 4 mixed: what the cycle loss does is to make the map one to one, so that the two clusters are no longer mixed; which one-to-one map it is does not matter to it.

Why? Replace $F$ by "translate, then exchange up and down" and $G$ by "exchange, then translate back": the two exchanges cancel, and the cycle loss is still 0; both clusters are equally heavy, and the discriminators see no difference either. Where the data have such a symmetry, CycleGAN's loss cannot tell right from wrong; [Moriakov et al.](https://arxiv.org/abs/2001.09061) prove it in general. **Consistent with the cycle does not mean right in content.**

**Is the identity loss a remedy?** Here all 12 keep up and down with it. But be clear what it does: it asks that $F$ move nothing in $B$, and networks are continuous, so $F$ comes to "move little", and to move little happens to be right. If in $B$ blue were below and orange above, not one data point would change, nor would anything in training, and all 12 would be **wrong**. The identity loss has not recognised colours; it is a prior: stay close to the input. For a change of style, or for glasses, the prior is right; for horses and zebras it is mostly right; for a mirror image it would be wrong.
"""

# %% [markdown] tags=["lang-zh", "exercise"]
r"""
### 练习 3：循环损失

补全 `cycle_loss(a, b, a_to_b, b_to_a)`：`a` 和 `b` 是两批图，`(B, C, H, W)`；后两个是网络。返回一个标量：$a$ 去了再回来，和 $a$ 之差的绝对值的平均，加上 $b$ 的同样一项；不乘权重。

<details><summary>提示一</summary>

两个方向各走一圈，次序相反。哪个网络先走，由起点在哪一边决定。

</details>

<details><summary>提示二</summary>

L1 是绝对值的平均，不是平方。两项相加，不再求平均。检验：两个网络互为逆映射时，损失是 0，哪怕它们都不是你想要的映射。

</details>
"""

# %% [markdown] tags=["lang-en", "exercise"]
r"""
### Exercise 3: the cycle loss

Complete `cycle_loss(a, b, a_to_b, b_to_a)`: `a` and `b` are two batches of pictures, `(B, C, H, W)`, the other two are networks. Return one scalar: the mean of the absolute difference between $a$ and what comes back of it, plus the same for $b$; no weight.

<details><summary>Hint one</summary>

Go once around in each direction, in opposite orders. Which network comes first depends on the side that one starts from.

</details>

<details><summary>Hint two</summary>

L1 is the mean of absolute values, not of squares. The two terms are added, and there is no further mean. A test: with two networks that undo each other the loss is 0, even if neither is the map that you want.

</details>
"""

# %%
def cycle_loss(a, b, a_to_b, b_to_a):
    return ...


verdict = check.cycle_loss(cycle_loss)

# %% [markdown] tags=["lang-zh"]
r"""
## 戴上眼镜，摘下眼镜

$A$ 是 4,000 张不戴眼镜的玩具脸，$B$ 是另外 4,000 张戴圆眼镜的，人也不同。生成器是小的 U-Net（先缩小再放大，并把同样大小的层拼接过去，这叫跳跃连接，skip connection），判别器是 **PatchGAN**：不给整张图一个分数，而是给每个 34×34 的区域一个（论文是 256×256 的图、70×70 的区域）。这里的图只有 32×32，边缘用 0 填充（padding），所以一个分数几乎看到整张图；实例归一化（instance normalisation，每张图的每个通道各自归一化）还带进整张图的均值和方差。玩具脸可以由代码重画，所以正确答案是知道的：读图网络（reading network）能说出眼镜戴上没有，其余六个因素变了没有（四个在这些数据里有变化；发色和上衣在这里各只有一种，但 G 可能画坏）。先在这里跑一小段。
"""

# %% [markdown] tags=["lang-en"]
r"""
## Glasses on, glasses off

$A$ is 4,000 toy faces without glasses, $B$ another 4,000 with round ones, and of other people. The generators are small U-Nets (they shrink the picture step by step, enlarge it again, and hand layers of equal size across by skip connections), the discriminators are **PatchGANs**: they give no score to the whole picture, but one to each patch of 34×34 (the paper has patches of 70×70 on pictures of 256×256). Ours are only 32×32 and padded with 0, so a score sees nearly all of one; instance normalisation, which normalises each channel of each picture by itself, lets in mean and variance of the whole as well. Code can draw toy faces again, so the right answers are known: the reading network says whether the glasses are on, and whether any of the other six factors has changed (four vary in these data; hair colour and shirt have one value each, but G could spoil them). First a short run here.
"""

# %% tags=["nbval-ignore-output"]
def faces(glasses, n, seed):
    """Return toy faces with these glasses; the people depend on the seed alone."""
    return data.toy_faces(n, size=32, seed=seed, core=True, factors={"glasses": glasses})


bare, wearing = faces("none", 4000, seed=0), faces("round", 4000, seed=10)
glasses_steps = runtime.at_scale(smoke=5, default=400, full=6000)
optician = cycle.cyclegan(batch=8, decay=glasses_steps, seed=0)
start = time.perf_counter()
cycle.fit(optician, bare, wearing, glasses_steps, progress=False)
seconds = time.perf_counter() - start

new, answers = faces("none", 500, seed=5), faces("round", 500, seed=5)  # new people
put_on = cycle.translate(optician.a_to_b, new)
again_off = cycle.translate(optician.b_to_a, put_on)
read, _ = measure.factor_reader(answers).read(put_on)
agrees = {name: (read[name] == values).double().mean().item()
          for name, values in answers.factors.items()}
obeyed = agrees.pop("glasses")
weakest = min(agrees, key=agrees.get)
say("{steps} 步，{seconds:.0f} 秒。500 张新的脸：眼镜戴上了 {obeyed:.0%}；其余因素里最差的是 "
    "{weakest}，保持了 {kept:.0%}。",
    "{steps} steps, {seconds:.0f} seconds. Of 500 new faces {obeyed:.0%} put on glasses; of the "
    "other factors the weakest is {weakest}, kept in {kept:.0%}.", steps=glasses_steps,
    seconds=seconds, obeyed=obeyed, weakest=weakest, kept=agrees[weakest])

# %% tags=["nbval-ignore-output"]
show.gallery({"without glasses": new.images[:12], "put on": put_on[:12],
              "and taken off again": again_off[:12], "the right answer": answers.images[:12]},
             columns=12, alt="Four rows of twelve toy faces: without glasses, with glasses put on "
                             "by the generator, taken off again, and the right answers")

# %% [markdown] tags=["lang-zh", "caption"]
r"""
**图 8-5** 从上到下：新的脸，$F$ 戴上眼镜，$G$ 再摘下，以及由代码画出的正确答案。看第二行和第四行：眼镜在了，画得还不干净，脸上有彩色的杂点，嘴也常常变了。
"""

# %% [markdown] tags=["lang-en", "caption"]
r"""
**Fig. 8-5** From the top: new faces, glasses put on by $F$, taken off again by $G$, and the right answers drawn by code. Compare rows two and four: glasses are there, but not yet clean, with coloured specks on faces and often another mouth.
"""

# %% [markdown] tags=["lang-zh"]
r"""
**每次去掉一样，并和 pix2pix 比较。** 下面的表是事先跑好、存下来的（`python -m studies.lesson08_cycle short`）：600 步，1,000 张新的脸，前 500 张就是上面那些。“全对”是七个因素都和正确答案一样。pix2pix 的 $A$ 相同，$B$ 是同一批人戴上眼镜。
"""

# %% [markdown] tags=["lang-en"]
r"""
**Take one thing away at a time, and compare with pix2pix.** The table below was computed beforehand and stored (`python -m studies.lesson08_cycle short`): 600 steps, 1,000 new faces, of which the first 500 are those above. "All right" means that all seven factors are those of the right answer. pix2pix has the same $A$, and as $B$ the same people with glasses.
"""

# %%
short = study("cycle_short")


measured = ("obeyed", "least kept", "all right")
table([("做法", "way"), ("秒", "seconds"), ("戴上了", "put on"), ("最差的因素", "weakest factor"),
       ("戴上，全对", "put on, all right"), ("摘下了", "taken off"),
       ("摘下，全对", "taken off, all right")],
      [[({"no cycle loss": "没有循环损失", "no identity loss": "没有身份损失", "neither": "两项都没有",
          "patches of 16": "区域 16", "ResNet generators": "ResNet 生成器"}.get(name, name), name),
        "  ".join(str(run["seconds"]) for run in runs.values()),
        *(of_runs(runs, "put on", what) for what in measured),
        *("" if name == "pix2pix" else of_runs(runs, "taken off", what)
          for what in ("obeyed", "all right"))] for name, runs in short["runs"].items()]
      + [[name, "", *(f"{short[key][what]:.1%}" for what in measured), "", ""] for key, name in
         (("real pictures", ("正确答案本身", "the right answers themselves")),
          ("nothing changed", ("什么也不改", "nothing changed")))])

# %% [markdown] tags=["lang-zh"]
r"""
- **600 步还不稳。** CycleGAN 在种子 0 和 1 上戴上了 99%，全对 90% 和 80%；种子 2 只有 79% 和 40%，背景和原来不一样了。
- **什么都去掉，人就换了。** 没有循环损失，也没有身份损失，七个因素全对的只有 11%、11% 和 5%，嘴、背景和肤色都变了，种子 1 和 2 连眼镜也只戴上了 35% 和 73%。判别器只要求输出像 $B$ 里的某一张，没有要求是同一个人。
- **走 600 步时，身份损失比循环损失更稳地保住了原来的人。** 只留身份损失，三个种子全对 80%、84% 和 82%；只留循环损失，85%、42% 和 32%，其中两个种子丢了背景；两项都有，90%、80% 和 40%，看不出比只留身份损失更好，种子 2 有它也照样丢了背景。丢了背景的那几次，背景保持的比例都是 48.7% 或 51.3%，正是一种背景在数据里所占的份额：所有的脸换成了同一种背景，不是平面上那样的对调（对调应当是 0%）。来回之差也没有降下来（0.12 到 0.14；同样有循环损失、没丢背景的是 0.06 到 0.08，见 `lesson08_cycle_short.json`）：走完 600 步，循环损失还远没有降下来。U-Net 的跳跃连接也让输出离输入近，它的那一份这里没有单独量。
- **有配对，更快，走 600 步时也更好。** pix2pix 用不到一半的时间（它只学一个方向，只有一个生成器和一个判别器），全对 92%、94% 和 94%：有正确答案的时候，就用它。

**区域 16：眼镜多半戴不上。** “区域 16”一行，判别器每个分数直接看的只有 16×16 左右的区域，和一副眼镜差不多宽，层数也少一层，别的都一样：戴上的只有 17%、36% 和 20%。也许是因为很少有一个区域看得全一副眼镜，也许层数有份；两样都没有单独检验。

**ResNet 生成器**，论文用的就是它：只跑了种子 0，戴上了 99%，全对却只有 38%，背景只保持了 49%，用了 139 秒，U-Net 是 35 秒。U-Net 的种子 2 也有这样的结果（40%），所以一个种子不能说 ResNet 更差，只能说 600 步里它也会失败，而且慢得多。

**跑得久一些。** 同样的设置走 3,000 步（`python -m studies.lesson08_cycle long`，一个核心约 195 秒），三个种子都稳：戴上 100%，摘下 99% 到 100%，其余因素最差的也保持了 96% 以上，戴上的全对 98.0% 到 98.6%，摘下的 95.5% 到 98.1%。pix2pix 只学戴上，走 3,000 步约一分钟，全对 96.4% 到 98.3%，不再领先。房间更容易：白天和夜晚，600 步，1,000 间新房间里窗外都变对，其余因素至少保持 99.9%（`others`，两个种子）。把数字变成反色（只量了这个方向），再反回来，两个种子里有 96% 和 92% 还认作原来的数字（真数字认对 98%），和上面的数不能比。

下面是种子 0 走完 3,000 步画的一页，没有挑选过：

![六行玩具脸：没戴眼镜的，由 CycleGAN 戴上，再摘下；戴眼镜的，由 CycleGAN 摘下，再戴上](../images/lesson08_glasses.png)
"""

# %% [markdown] tags=["lang-en"]
r"""
- **600 steps are not steady yet.** On seeds 0 and 1 CycleGAN puts glasses on in 99%, with 90% and 80% all right; on seed 2 it is only 79% and 40%, and the background is no longer what it was.
- **With everything taken away, it is another person.** With neither the cycle loss nor the identity loss, all seven factors are right in only 11%, 11% and 5%: mouth, background and skin have changed, and on seeds 1 and 2 only 35% and 73% have glasses at all. The discriminator asks that the output look like some picture in $B$, and not that it be the same person.
- **After 600 steps the identity loss keeps the person more steadily than the cycle loss.** With the identity loss alone, three seeds have 80%, 84% and 82% all right; with the cycle loss alone 85%, 42% and 32%, and two of these seeds have lost the background; with both, 90%, 80% and 40%, which is not visibly better than the identity loss alone: seed 2 has it and loses the background all the same. In the runs that lost the background 48.7% or 51.3% have kept theirs, just the share of one background in the data: all faces got the same one. That is not the exchange of the plane, which would keep 0%. Nor did these pictures come back: the mean difference is 0.12 to 0.14, against 0.06 to 0.08 in runs with a cycle loss that kept the background (`lesson08_cycle_short.json`), so after 600 steps the cycle loss is still far from met. The skip connections of the U-Net keep the output close to the input, too; their part was not measured by itself.
- **With pairs it is faster, and after 600 steps better.** pix2pix takes less than half of the time (it learns one direction only, with one generator and one discriminator) and has 92%, 94% and 94% all right: where right answers exist, use them.

**With patches of 16, glasses are mostly missing.** In the row "patches of 16" each score of the discriminator sees about 16×16 pixels directly, about as wide as a pair of glasses, and the discriminator has one layer less; all else is equal: only 17%, 36% and 20% put them on. Perhaps hardly any patch sees the whole of them, perhaps the layer has its part; neither was tested by itself.

**ResNet generators**, those of the paper, were run on seed 0 only: 99% put glasses on, but only 38% are all right, and the background is kept in 49%; it took 139 seconds, the U-Net 35. Seed 2 of the U-Net came out much the same (40%), so one seed does not say that a ResNet is worse, only that it can fail in 600 steps as well, and is much slower.

**A longer run.** The same settings for 3,000 steps (`python -m studies.lesson08_cycle long`, about 195 seconds of one core) are steady on all three seeds: 100% put them on, 99% to 100% take them off, the weakest of the other factors is kept in more than 96%, and 98.0% to 98.6% of those put on and 95.5% to 98.1% of those taken off are all right. pix2pix, which learns to put them on only, takes about a minute for 3,000 steps, with 96.4% to 98.3% all right: no longer ahead. Rooms are easier: by day and by night, 600 steps, all of 1,000 new rooms have the right window, and every other factor is kept in at least 99.9% (`others`, two seeds). Digits turned into their inverse (this direction only), and inverted back, are still read as the same digit in 96% and 92% on two seeds (real digits in 98%), which does not compare with the numbers above.

Below is a sheet by seed 0 after its 3,000 steps, of pictures that nobody chose:

![Six rows of toy faces: without glasses, put on by CycleGAN, taken off again; with glasses, taken off by CycleGAN, put on again](../images/lesson08_glasses.png)
"""

# %% [markdown] tags=["lang-zh"]
r"""
**别的形状。** 网络从头到尾都是卷积，训练时是 32×32，用的时候可以是别的大小。U-Net 要求边长是 8 的倍数，`cycle.translate` 把边缘镜像着补齐，画完再裁掉。形状对了，不等于画得对：网络只见过 32×32 的脸，放大的脸上，眼镜是它没见过的大小。
"""

# %% [markdown] tags=["lang-en"]
r"""
**Other shapes.** The networks are convolutional from end to end: trained at 32×32, they take pictures of other sizes. The U-Net wants sides that are multiples of 8; `cycle.translate` mirrors the edges to fill up, and cuts them off afterwards. The right shape does not make a right picture: the network has seen faces of 32×32 only, and on an enlarged face glasses have a size that it never met.
"""

# %%
shapes = [(100, 75), (255, 256), (31, 33)]
odd = [torch.zeros(3, height, width, dtype=torch.uint8) for height, width in shapes]
back = cycle.translate(optician.a_to_b, odd)
say("送进去 {sent}，出来 {got}。", "In went {sent}, out came {got}.",
    sent=", ".join(f"{h}x{w}" for h, w in shapes),
    got=", ".join(f"{picture.shape[1]}x{picture.shape[2]}" for picture in back))

# %% [markdown] tags=["lang-zh"]
r"""
## StyleGAN 的想法，一页

条件从外面告诉 G 画什么。[StyleGAN](https://arxiv.org/abs/1812.04948)（2018）改的是 $z$ 进入 G 的方式，其中三个想法流传最广。

- **映射网络**（mapping network）。$z$ 不直接进卷积，先经过 8 层全连接网络变成 $w = f(z)$。$z$ 必须服从正态分布，各个方向都一样，没有空缺；训练数据里缺了某种组合，从 $z$ 到图片的映射就只好扭曲，把空缺挤掉。$w$ 的分布不受限制，可以留着这个空缺。卷积从一个学来的常量 4×4 开始。
- **调制**（modulation）。$w$ 在每一层决定各通道的大小。StyleGAN 用 AdaIN，先把每张图的每个通道归一化，再乘、再加；[StyleGAN2](https://arxiv.org/abs/1912.04958) 发现 AdaIN 会留下水滴状的斑，改成调制卷积核，再除以它的长度（解调）。$v_{ijk}$ 是核里的数，$i$、$j$、$k$ 数的是输入通道、输出通道和核里的位置，$s$、$b$ 由 $w$ 线性算出，$\mu$、$\sigma$ 是一个通道的均值和标准差：

$$\mathrm{AdaIN}(x_i, w) = s_i \frac{x_i - \mu(x_i)}{\sigma(x_i)} + b_i, \qquad v'_{ijk} = s_i v_{ijk}, \quad v''_{ijk} = \frac{v'_{ijk}}{\sqrt{\sum_{i,k} {v'_{ijk}}^2 + \epsilon}}$$

- **截断**（truncation）。采样时把 $w$ 往平均值拉，$w' = \bar w + \psi (w - \bar w)$，$\psi$ 在 0 和 1 之间（和投影判别器的 $\psi$ 无关）。它不改训练。[BigGAN](https://arxiv.org/abs/1809.11096) 截断的是 $z$，做法不同：分量超出界限就重抽，第 07 课用的就是它。

[StyleGAN3](https://arxiv.org/abs/2106.12423) 把每一层当作连续信号来处理，避免混叠，画面移动时，头发和胡子的纹理就不再粘在屏幕的固定位置上。

本课的 G 没有映射网络，但 $z$ 的平均值是 0，截断就写成 $z' = \psi z$（缩短，不是第 07 课的重抽）。量一量它做了什么。
"""

# %% [markdown] tags=["lang-en"]
r"""
## StyleGAN's ideas on a page

A condition tells G from outside what to paint. [StyleGAN](https://arxiv.org/abs/1812.04948) (2018) changes how $z$ gets into G, and three of its ideas have travelled furthest.

- **Mapping network.** $z$ does not go straight into convolutions; 8 fully connected layers first turn it into $w = f(z)$. $z$ has to be normal, alike in all directions and without gaps; where the data lack a combination, the map from $z$ has to bend until the gap is closed. $w$ may have any distribution, and can keep the gap. The convolutions start from a learned constant of 4×4.
- **Modulation.** In every layer $w$ sets the size of the channels. StyleGAN uses AdaIN: normalise each channel of each picture, then multiply and add. [StyleGAN2](https://arxiv.org/abs/1912.04958) found that AdaIN leaves blobs like droplets, and modulates the kernel instead, then divides it by its length (demodulation). Here $v_{ijk}$ are the numbers of the kernel, $i$ counts input channels, $j$ output channels and $k$ places in the kernel; $s$ and $b$ are linear in $w$; $\mu$ and $\sigma$ are the mean and standard deviation of a channel:

$$\mathrm{AdaIN}(x_i, w) = s_i \frac{x_i - \mu(x_i)}{\sigma(x_i)} + b_i, \qquad v'_{ijk} = s_i v_{ijk}, \quad v''_{ijk} = \frac{v'_{ijk}}{\sqrt{\sum_{i,k} {v'_{ijk}}^2 + \epsilon}}$$

- **Truncation.** When sampling, pull $w$ towards its mean, $w' = \bar w + \psi (w - \bar w)$ with $\psi$ between 0 and 1 (not the $\psi$ of the projection discriminator). Training stays as it is. [BigGAN](https://arxiv.org/abs/1809.11096) truncates $z$ itself in another way: components beyond a limit are drawn again, as in lesson 07.

[StyleGAN3](https://arxiv.org/abs/2106.12423) treats every layer as a continuous signal and avoids aliasing, so that when the picture moves, textures such as hair and beards no longer stick to fixed places on the screen.

The G of this lesson has no mapping network, but the mean of $z$ is 0, and truncation becomes $z' = \psi z$ (shrinking, not lesson 07's drawing again). Let us measure what it does.
"""

# %% [markdown] tags=["lang-zh", "predict"]
r"""
### 先猜再跑 5：截断

$\psi$ 从 1 减到 0.25，用上面的数字生成器，每次 2,000 个样本，特征来自数字分类器（第 07 课：精确率是样本落在真图近邻球里的比例，召回率是真图落在样本近邻球里的比例）。第 07 课里，截断的样本发灰、发糊。这里的 G 还知道 $y$，会怎样？

- A. 也糊，难认：类别对的比例和精确率都降下来。
- B. 类别几乎全对，精确率比真图还高，召回率却接近 0。
- C. 差不多：画什么由 $y$ 决定，$z$ 短一些没有关系。
- D. 类别对的比例下降，召回率上升：没有人要求它画得像。
"""

# %% [markdown] tags=["lang-en", "predict"]
r"""
### Predict, then run 5: truncation

Let $\psi$ fall from 1 to 0.25 with the generator of digits above, 2,000 samples each, with features of the digit classifier (lesson 07: precision is the share of samples in the balls of real pictures, recall the share of real pictures in those of samples). In lesson 07 truncated samples were grey and blurred. This G is given $y$ as well; what happens?

- A. Blurred and hard to tell again: fewer digits are right, precision and recall fall.
- B. Nearly all digits are right, precision beats real pictures, recall is near 0.
- C. Not much: $y$ says what to paint, and it does not matter that $z$ is a little shorter.
- D. Fewer digits are right and recall rises, for nobody asks for likeness any more.
"""

# %% tags=["nbval-ignore-output"]
reader = measure.DigitEvaluator(data.mnist(), data.mnist(train=False)).classifier


def features(images):
    """Return the classifier's features of digits of 32x32, whose rim it does not want."""
    return reader.features(images[:, :, 2:-2, 2:-2])


z = sample_noise(2000, writer.latent, torch.Generator().manual_seed(10))
y = torch.arange(10).repeat(200)
real_features = features(digits.images[:2000])
rows, pictures = [], {}
for psi in (1.0, 0.75, 0.5, 0.25):
    made = generate(writer.generator_ema, psi * z, y)
    pictures[f"psi = {psi:g}"] = made[:20]
    found = measure.precision_recall(features(made), real_features)
    obeyed = measure.obedience(made, y, of=digits)
    rows.append([f"{psi:g}", f"{obeyed.accuracy:.1%}", f"{found.precision:.3f}",
                 f"{found.recall:.3f}",
                 f"{sum(obeyed.diversity.values()) / len(obeyed.diversity):.2f}"])
real = measure.precision_recall(features(held_out.images), real_features)
table(["psi", ("类别对的", "right class"), ("精确率", "precision"), ("召回率", "recall"),
       ("类内多样性", "diversity in class")],
      [*rows, [("真图", "real"), f"{floor.accuracy:.1%}", f"{real.precision:.3f}",
               f"{real.recall:.3f}", f"{sum(floor.diversity.values()) / 10:.2f}"]])

# %% tags=["nbval-ignore-output"]
show.gallery(pictures, columns=20, alt="Four rows of twenty digits, 0 to 9 twice, one row for "
                                       "each psi from 1 down to 0.25")

# %% [markdown] tags=["lang-zh", "caption"]
r"""
**图 8-6** 每行 20 个样本，0 到 9 各两个。$\psi$ 越小，同一个数字的两个样本越像。
"""

# %% [markdown] tags=["lang-en", "caption"]
r"""
**Fig. 8-6** Rows of 20 samples, each digit from 0 to 9 twice. The smaller $\psi$, the more alike are the two samples of a digit.
"""

# %% [markdown] tags=["lang-zh"]
r"""
答案是 **B**。$\psi$ 从 1 减到 0.25，类别对的从 98.8% 升到 100.0%，精确率从 0.916 升到 0.998；召回率从 0.394 降到 0.004，类内多样性从 0.82 降到 0.31。最后的精确率比真图自己的 0.941 还高：不是样本胜过真图；大概是样本都缩到了每一类的中间（没有单独检验，也只量了种子 0 的一个 G）。换一种处理器，四列的方向都一样（类别对的 94.8% 到 98.0%，精确率 0.864 到 0.964，召回率 0.532 到 0.013）。（A 也不是没有道理：第 03 课说过，$z$ 太短就离开了训练时的分布；可是这个 G 的图没有因此变糊，和第 07 课的 G 不同。）

所以一张样本图如果没有写 $\psi$，就不知道它换掉了多少多样性；比较两个模型的 FID 时，也要问有没有截断。

## 三个误会

- **“条件 GAN 要有配错的一对。”** 没有也行。上面的实验里没有这一项，平面上的两种办法和数字上的投影，样本的类别照样 95% 以上是对的。数字上的拼接，60 秒之后只有 82% 到 90%；加上这一项会不会好些，没有试。
- **“CycleGAN 需要成对的图。”** 需要的是两堆图，不必一样多，也不必是同样的人。需要配对的是 pix2pix。
- **“去了能回来，就翻译对了。”** 图 8-4 是反例。图片上还有另一种：[Chu 等](https://arxiv.org/abs/1712.02950)发现，CycleGAN 会把原图的信息藏进几乎看不见的高频信号里，转换后的图上看不出，却能原样还原。

**伦理。** 给人的脸戴眼镜、换年龄、换表情，技术和这里一样。玩具脸背后没有人；真人的脸背后有。改一张真人的脸，要有他的同意，并且标明是生成的（法律见[第 04 课](04_wgan.ipynb)和[出处](sources.md)）。还有一点是这一课特有的：没有人想要的联系，模型也会照样学去。两堆照片如果除了眼镜，年龄和肤色也不一样多，CycleGAN 会把它们一起“翻译”过去，因为判别器看到的就是这样。“别的都不动”要量，不能靠看。
"""

# %% [markdown] tags=["lang-en"]
r"""
The answer is **B**. As $\psi$ falls from 1 to 0.25, the right class rises from 98.8% to 100.0% and precision from 0.916 to 0.998; recall falls from 0.394 to 0.004, and diversity in class from 0.82 to 0.31. The last precision is higher than the 0.941 of real pictures: samples are not better than these; probably they have moved to the middle of each class (not tested by itself, and on one G only, that of seed 0). On another processor all four columns go the same way (right class 94.8% to 98.0%, precision 0.864 to 0.964, recall 0.532 to 0.013). (A had something to it: as lesson 03 says, a short $z$ is outside the distribution of training; the pictures of this G, unlike those of lesson 07, did not blur for it.)

So a sheet of samples that does not state its $\psi$ does not say how much variety was given up; and when FIDs of two models are compared, ask whether there was truncation.

## Three misunderstandings

- **"A conditional GAN needs mismatched pairs."** It can do without. There is no such term in the experiments above, and yet both ways in the plane, and projection on digits, have the right class in 95% of the samples and more. Concatenation on digits has only 82% to 90% after 60 seconds; whether the term would help there was not tried.
- **"CycleGAN needs pairs."** It needs two heaps of pictures, which need not be equal in number, nor show the same people. The one that needs pairs is pix2pix.
- **"What comes back was translated right."** Fig. 8-4 is a counterexample. Pictures have another: [Chu et al.](https://arxiv.org/abs/1712.02950) found that CycleGAN hides information about the original in a high-frequency signal that is hardly visible; the translation does not show it, and yet the original comes back.

**Ethics.** To put glasses on a person's face, or change its age or expression, takes the technique that you have just used. There is nobody behind a toy face; behind a real one there is. To change a real person's face takes that person's consent, and a label that says it was generated (for the law see [lesson 04](04_wgan.ipynb) and the [sources](sources.md)). One point belongs to this lesson: a model also picks up connections that nobody meant. If two heaps of photographs differ not only in glasses, but also in how many are old or have dark skin, CycleGAN will "translate" these as well, for that is what the discriminators see. "All else stays" has to be measured; a look at it is not enough.
"""

# %% [markdown] tags=["lang-zh", "exercise"]
r"""
## 开放题：又听话，又清楚，又齐全

任务：用本课的 `play`，在平面上训练一个条件 GAN，使种子 0、1、2 **都**达到：类别对的不少于 97%，8 团齐全，高质量的不少于 45%。步数是 `plane_steps`，不能多。可以改 `how`、`loss`、惩罚和它的 $\gamma$（`penalty=partial(penalties.r1_r2, gamma=...)`）和 `lr`。先量默认的 `projection`，写下猜测，再一次改一处；三个数互相牵制，记下每次是哪一个变好、哪一个变差。

<details><summary>提示一</summary>

惩罚有权重 $\gamma$。换成轻得多的 $\gamma$，再量一次：团少了吗？高质量的变多了吗？

</details>

<details><summary>提示二</summary>

`projection` 和 `concat` 对惩罚的轻重反应不同。模式先丢的那一种，就不要用太轻的惩罚。

</details>
"""

# %% [markdown] tags=["lang-en", "exercise"]
r"""
## Open task: obedient, sharp and complete

The task: with `play` of this lesson, train a conditional GAN in the plane so that seeds 0, 1 and 2 **all** have at least 97% of the right class, all 8 clusters, and at least 45% of high quality. The number of steps is `plane_steps` and no more. You may change `how`, `loss`, the penalty with its $\gamma$ (`penalty=partial(penalties.r1_r2, gamma=...)`) and `lr`. First measure the default with `projection`, write down what you expect, then change one thing at a time; the three numbers pull against each other, so note each time which of them gained and which lost.

<details><summary>Hint one</summary>

The penalty has a weight, $\gamma$. Measure a much lighter one: are clusters lost, and is there more of high quality?

</details>

<details><summary>Hint two</summary>

`projection` and `concat` respond differently to the weight of the penalty. For the one that loses modes first, do not make it too light.

</details>
"""

# %%
# my_generators = [play("projection", seed) for seed in (0, 1, 2)]
my_generators = []

reached = 0
for good, clusters, quality in map(judge, my_generators):
    reached += good >= 0.97 and clusters == 8 and quality >= 0.45
    say("类别对的 {good:.1%}（要 97%），团 {clusters}/8，高质量 {quality:.0%}（要 45%）。",
        "Right class {good:.1%} (97% wanted), clusters {clusters}/8, high quality {quality:.0%} "
        "(45% wanted).", good=good, clusters=clusters, quality=quality)
if my_generators:
    say("{mark} {n} 个种子达到三项标准，要三个。",
        "{mark} {n} of the three seeds meet all three bars.", n=reached,
        mark="[ok]" if reached == 3 else "[not yet]")
else:
    say("[ ] 还没有作答。", "[ ] Not attempted.")

# %% [markdown] tags=["lang-zh", "quiz"]
r"""
## 小测验

五道题。选错了，会告诉你错在哪里。
"""

# %% [markdown] tags=["lang-en", "quiz"]
r"""
## Quiz

Five questions. A wrong choice tells you what is wrong with it.
"""

# %%
lab.quiz("08")

# %% [markdown] tags=["lang-zh", "recap"]
r"""
## 小结

**条件。** 两个网络都要看见 $y$，一步之内真假带同样的 $y$；投影的分数是

$$D(x, y) = \psi(\phi(x)) + \langle V_y, \phi(x) \rangle$$

**从图到图。**

| 方法 | 数据 | 损失 |
|---|---|---|
| pix2pix | 成对 | 对抗（D 看一对）加 100 倍的 L1 |
| CycleGAN | 两堆，不配对 | 对抗加 10 倍的循环，可以再加 5 倍的身份 |

**实验说了什么：**

- 只告诉 G 类别，D 不看，听不听话全凭运气（52%、35%、25%）；D 看见了，平面上拼接和投影都在 96% 左右或更高；60 秒的数字上，投影 95% 到 99%，拼接 82% 到 90%。
- 标签乱了，样本变差，类别对的只剩四分之一，和乱猜一样；先看真图和标签。
- 听话不等于多样：平面上去掉惩罚，类别照样对 98% 到 100%，8 团却只剩 7、4、7 团；数字训练得短的时候，每个数字先只有一种画法，三个种子的类内多样性，走到 3,200 步才都到 0.92 左右。
- 没见过的组合，按因素写条件，发型在三个种子上全对，眼镜从 4% 到 78%，没有定论；当作互不相干的类别，发型几乎全错，两样都对的几乎没有。
- 循环损失几乎是 0 的 12 次里，4 次颜色全反；加上身份损失，12 次都对，因为“少动”在这里碰巧是对的。
- 眼镜：600 步，三个种子里两个好；3,000 步，三个种子都好；有配对时，pix2pix（只学一个方向）快得多，600 步时三个种子都更好，其中一个好得多，3,000 步时和 CycleGAN 不相上下。
- 截断用召回率换精确率：$\psi$ 减到 0.25，召回率几乎是 0。

**什么时候用什么。** 有类别，用投影；有几个因素，按因素写条件；有成对的图，用 pix2pix；只有两堆图，用 CycleGAN，并且留一批知道答案的图来检验。
"""

# %% [markdown] tags=["lang-en", "recap"]
r"""
## Recap

**The condition.** Both networks have to see $y$, and within a step real and fake carry the same one; the score with projection is

$$D(x, y) = \psi(\phi(x)) + \langle V_y, \phi(x) \rangle$$

**From picture to picture.**

| Method | Data | Loss |
|---|---|---|
| pix2pix | pairs | adversarial (D sees a pair) and 100 times L1 |
| CycleGAN | two heaps, no pairs | adversarial and 10 times the cycle; 5 times identity if wanted |

**What the experiments said:**

- If only G is told the class and D does not look, obedience is luck (52%, 35%, 25%); once D sees it, concatenation and projection both have about 96% or more in the plane; on digits in 60 seconds, projection 95% to 99%, concatenation 82% to 90%.
- With labels in disorder samples get worse, and the right class is the quarter of guessing; look at real pictures with their labels first.
- Obedient is not diverse: in the plane without the penalty 98% to 100% are still of the right class, and 7, 4 and 7 of 8 clusters are left; of digits a short training has one way to write each digit, and diversity in class reached about 0.92 on all three seeds only after 3,200 steps.
- Combinations never shown: with a condition by factors the hair was right on all three seeds, and the glasses from 4% to 78%, which decides nothing; as unrelated classes the hair was nearly always wrong, and hardly any had both right.
- Of 12 runs with a cycle loss of nearly 0, 4 have all colours swapped; with the identity loss all 12 are right, because "move little" happens to be right here.
- Glasses: with 600 steps two seeds of three are good, with 3,000 all three; where there are pairs, pix2pix (one direction only) is much faster, and better on each of three seeds at 600 steps, far better on one; at 3,000 the two are level.
- Truncation trades recall for precision: at a $\psi$ of 0.25 recall is nearly 0.

**What to use when.** With classes, projection; with several factors, a condition by factors; with pairs of pictures, pix2pix; with two heaps only, CycleGAN, and a few pictures kept aside whose answers are known.
"""

# %% [markdown] tags=["lang-zh", "going-further"]
r"""
## 延伸

- **放大。** 有显卡就设 `GAN_LESSONS_SCALE=full`。命令行上：`python -m gan_lessons train rpgan --data mnist --conditional --steps 20000 --out runs/digits`，然后 `python -m gan_lessons sample --run runs/digits --class 7`；玩具脸写 `--conditional glasses,mouth`；自己的图片，每一类放一个子文件夹，`python -m gan_lessons measure --run runs/mine` 会说要什么就画什么的有多少，旁边是真图认对的比例：分类器在一半真图上学，在另一半上检验。
- **自己的两堆图。** `python -m gan_lessons train cyclegan --a FOLDER_A --b FOLDER_B --size 64 --minutes 600 --out runs/mine`，停下以后加 `--resume` 接着走；`python -m gan_lessons sample --run runs/mine --pictures FOLDER --direction a-to-b --out made` 翻译新的图片，大小不限。有配对，就用 `pix2pix`。
- **动手改。** 把图 8-4 的两团改成 7 比 3，看颜色反的还有没有；把 CycleGAN 判别器的区域换成 16×16（`patch=1`），再多加一层 1×1 的卷积，看眼镜还戴不戴得上；在 $z$ 和 `Generator` 之间加一个两层的映射网络，再做一次截断。
- **论文。** Mirza 和 Osindero，[Conditional GAN](https://arxiv.org/abs/1411.1784)；Odena 等，[AC-GAN](https://arxiv.org/abs/1610.09585)；Miyato 和 Koyama，[cGANs with Projection Discriminator](https://arxiv.org/abs/1802.05637)；Isola 等，[pix2pix](https://arxiv.org/abs/1611.07004)；Zhu 等，[CycleGAN](https://arxiv.org/abs/1703.10593)；Karras 等，[StyleGAN](https://arxiv.org/abs/1812.04948)、[StyleGAN2](https://arxiv.org/abs/1912.04958)、[StyleGAN3](https://arxiv.org/abs/2106.12423)。

## 课程到这里

从平面上的一个博弈开始，你写过两个网络的每一步，看过它怎样失败，用指标和对照实验找过原因，换过损失、约束和网络，量过生成的质量，最后让它听了指令。带走三个习惯就够了：**一次改一处，多跑几个种子，数和图一起看。**

接下来可以去的地方：

- **[扩散模型](https://arxiv.org/abs/2006.11239)。** 一步一步去噪，训练稳定，采样慢。第 06 课的最后一节说过，对抗损失怎样把它变成一步；学过本课程，再读[对抗扩散蒸馏](https://arxiv.org/abs/2311.17042)就不难了。
- **大的 GAN。** [GAT](https://arxiv.org/abs/2509.24935) 用 Transformer 做两个网络，[R3GAN](https://arxiv.org/abs/2501.05441) 用今天的残差网络；课程的 `r3gan` 是它的缩小版。
- **条件是一句话。** 文字生成图片的模型里，$y$ 是一句话的嵌入；本课的问题都还在：怎样把 $y$ 交给网络，怎样知道它听了没有。
- **做一件自己的事。** 选一堆属于你的图片，写下一个可以量的问题，用三个种子回答它。
"""

# %% [markdown] tags=["lang-en", "going-further"]
r"""
## Going further

- **Scale up.** With a graphics card set `GAN_LESSONS_SCALE=full`. On the command line: `python -m gan_lessons train rpgan --data mnist --conditional --steps 20000 --out runs/digits`, then `python -m gan_lessons sample --run runs/digits --class 7`; for toy faces write `--conditional glasses,mouth`; for pictures of your own, put each class into a folder of its own, and `python -m gan_lessons measure --run runs/mine` says how many show what was asked for, beside the share of real pictures that are read right: its classifier learns from one half of these and is tested on the other.
- **Two heaps of your own.** `python -m gan_lessons train cyclegan --a FOLDER_A --b FOLDER_B --size 64 --minutes 600 --out runs/mine`, and `--resume` to go on after a stop; `python -m gan_lessons sample --run runs/mine --pictures FOLDER --direction a-to-b --out made` translates new pictures of any size. If you have pairs, use `pix2pix`.
- **Change something.** Make the two clusters of Fig. 8-4 weigh 7 to 3 and see whether swapped colours still occur; give CycleGAN's discriminators patches of 16×16 (`patch=1`) and one more layer of 1×1 convolutions, and see whether glasses are put on then; put a mapping network of two layers between $z$ and `Generator`, and truncate again.
- **Papers.** Mirza and Osindero, [Conditional GAN](https://arxiv.org/abs/1411.1784); Odena et al., [AC-GAN](https://arxiv.org/abs/1610.09585); Miyato and Koyama, [cGANs with Projection Discriminator](https://arxiv.org/abs/1802.05637); Isola et al., [pix2pix](https://arxiv.org/abs/1611.07004); Zhu et al., [CycleGAN](https://arxiv.org/abs/1703.10593); Karras et al., [StyleGAN](https://arxiv.org/abs/1812.04948), [StyleGAN2](https://arxiv.org/abs/1912.04958), [StyleGAN3](https://arxiv.org/abs/2106.12423).

## The end of the course

You began with a game in the plane; you have written every step of its two networks, seen how it fails, looked for causes with metrics and controls, changed losses, constraints and networks, measured how good samples are, and in the end made it take instructions. Three habits are worth taking away: **change one thing at a time, run several seeds, and look at numbers and pictures together.**

Where to go from here:

- **[Diffusion models](https://arxiv.org/abs/2006.11239).** They remove noise step by step; training is stable, sampling slow. The last section of lesson 06 tells how an adversarial loss brings them down to one step, and after this course [adversarial diffusion distillation](https://arxiv.org/abs/2311.17042) is not hard to read.
- **Large GANs.** [GAT](https://arxiv.org/abs/2509.24935) makes both networks transformers, [R3GAN](https://arxiv.org/abs/2501.05441) has residual networks of today; `r3gan` in this course is a small version of it.
- **A sentence as condition.** In a model that makes pictures from text, $y$ is the embedding of a sentence. The questions of this lesson are all still there: how to give $y$ to the networks, and how to know whether they obey.
- **Something of your own.** Take pictures that are yours, write down a question that can be measured, and answer it with three seeds.
"""
