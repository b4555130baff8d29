# %% [markdown] tags=["lang-zh", "title"]
r"""
# 03 · DCGAN：深度卷积生成对抗网络

把上一课的全连接层换成卷积层，再遵循几条设计准则，就是 DCGAN（Deep Convolutional GAN；这个 D 是“深度”（deep），不是判别器）。这些准则从哪里来，其中几条去掉以后会怎样，卷积的网络比全连接的好多少，本课用实验来回答；最后生成彩色人脸，并在隐空间里做加减法。

- **学完你会**：推导转置卷积的输出边长，说出它的输出什么时候不均匀；说出 DCGAN 的每条设计准则写在哪一行代码里；做消融实验，并先量出同一个种子的波动，再谈差别；用同一把标准比较两种网络，分清步数相等和时间相等；写出谱归一化和合页损失的公式；在隐空间里找到一个因素的方向，数一数向量算术成功了几次。
- **需要准备**：[第 02 课](02_mlp_gan_mnist.ipynb)的两步更新和五个评价指标；知道卷积是什么，`nn.Conv2d` 的 `stride` 和 `padding` 各管什么。
- **用时**：只读一种语言，约 130 分钟，其中阅读 65 分钟，预测、练习和小测验 40 分钟，开放题 25 分钟；可以分两次学完，在“消融实验”之前停下来最合适。全部运行一遍约 4 分钟（两个 CPU 核心，不需要显卡，也不必联网）。
- **致谢**：网络出自 Radford、Metz 和 Chintala 2015 年的论文。本课从 alexshuang 的[《用 Pytorch 实现 WGAN》](https://github.com/alexshuang/wgan-pytorch)里的网络讲起，它的 WGAN 部分留到第 04 课。谢谢他们。
"""

# %% [markdown] tags=["lang-en", "title"]
r"""
# 03 · DCGAN: deep convolutional generative adversarial networks

Replace last lesson's fully connected layers by convolutions, keep a few design guidelines, and you have a DCGAN (deep convolutional GAN; the D stands for "deep", not for "discriminator"). Where do the guidelines come from, what happens without some of them, and how much better are convolutional networks than fully connected ones? This lesson answers by experiment; at the end it paints faces in colour and does arithmetic in latent space.

- **You will be able to**: derive the output size of a transposed convolution and say when its output is uneven; point to the line of code behind each guideline of DCGAN; run an ablation that first measures how far one seed varies and only then speaks of differences; compare two kinds of network by one metric, at equal steps and at equal seconds; state the formulas of spectral normalisation and of the hinge loss; find the direction of a factor in latent space, and count how often vector arithmetic succeeds.
- **You need**: the two steps and the five metrics of [lesson 02](02_mlp_gan_mnist.ipynb); to know what a convolution is and what `stride` and `padding` of `nn.Conv2d` do.
- **Time**: about 130 minutes in one language: 65 to read, 40 for predictions, exercises and quiz, 25 for the open task; two sittings are a good plan, with the break before "The ablation". About 4 minutes to run everything (two CPU cores, no graphics card, no internet connection).
- **With thanks**: the networks are from the paper by Radford, Metz and Chintala of 2015. The lesson starts from the networks in alexshuang's [tutorial on WGAN in PyTorch](https://github.com/alexshuang/wgan-pytorch), written in Chinese; its WGAN has to wait for lesson 04. Our thanks to all of them.
"""

# %%
import inspect
import json
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.nn.functional import conv2d, conv_transpose2d, interpolate

from gan_lessons import ablations, data, lab, latent, measure, recipes, runtime, show
from gan_lessons.bilingual import say, table
from gan_lessons.exercises import lesson03 as check
from gan_lessons.nets import dcgan
from gan_lessons.train import HISTORY, fit, generate, sample_noise

runtime.set_threads(1)  # as in the studies; two would be faster, and round differently
lab.language_switch()

# %% [markdown] tags=["lang-zh", "what-changed"]
r"""
## 和上一课相比

主要换掉的是两个网络。非饱和损失、学习率和训练循环都没有变；R1 不用了，Adam 改用 DCGAN 的 `betas=(0.5, 0.999)`；图片从 28×28 垫成 32×32，批大小从 50 改为 64：

```diff
- game = recipes.source_004(batch=50, lr=1e-3, betas=(0.0, 0.99), penalty=penalties.r1)
+ game = recipes.dcgan(32, channels=1, features=16, latent=64, batch=64, lr=1e-3)
- G = Linear(64, 256), ReLU, Linear(256, 256), ReLU, Linear(256, 784), Tanh
+ G = 64x1x1 -> 64x4x4 -> 32x8x8 -> 16x16x16 -> 1x32x32, Tanh
- D = Linear(784, 256), LeakyReLU, Linear(256, 256), LeakyReLU, Linear(256, 1)
+ D = 1x32x32 -> 16x16x16 -> 32x8x8 -> 64x4x4 -> 1
  fit(game, images, steps)
```

在全连接层看来，一张图只是一串数：把所有图片的像素按同一个次序打乱，它学起来毫无分别。可是相邻的像素关系密切，一只眼睛往左挪几格还是眼睛。**卷积**（convolution）把这两点写进了网络：每个输出只看一小块邻居，每个位置用同一组权重。
"""

# %% [markdown] tags=["lang-en", "what-changed"]
r"""
## What changed since the last lesson

The two networks are new. The non-saturating loss, the learning rate and the training loop stay; R1 is gone, Adam has DCGAN's `betas=(0.5, 0.999)`, pictures of 28×28 are padded to 32×32, and batches have 64 pictures in place of 50:

```diff
- game = recipes.source_004(batch=50, lr=1e-3, betas=(0.0, 0.99), penalty=penalties.r1)
+ game = recipes.dcgan(32, channels=1, features=16, latent=64, batch=64, lr=1e-3)
- G = Linear(64, 256), ReLU, Linear(256, 256), ReLU, Linear(256, 784), Tanh
+ G = 64x1x1 -> 64x4x4 -> 32x8x8 -> 16x16x16 -> 1x32x32, Tanh
- D = Linear(784, 256), LeakyReLU, Linear(256, 256), LeakyReLU, Linear(256, 1)
+ D = 1x32x32 -> 16x16x16 -> 32x8x8 -> 64x4x4 -> 1
  fit(game, images, steps)
```

To a fully connected layer a picture is just a list of numbers: shuffle the pixels, the same way in every picture, and it learns neither better nor worse. But neighbouring pixels belong together, and an eye that moves a few pixels to the left is still an eye. A **convolution** builds both into the network: each output looks at a small neighbourhood only, and every place uses the same weights.
"""

# %% [markdown] tags=["lang-zh"]
r"""
## 两座阶梯

判别器从图片走到一个分数，边长一次次减半；生成器从 4×4 走到图片，边长一次次加倍。下面是 64×64 彩色图片的一对网络：
"""

# %% [markdown] tags=["lang-en"]
r"""
## Two staircases

The discriminator goes from a picture to one score and halves the side again and again; the generator goes from 4×4 to a picture and doubles it. Here is the pair for pictures of 64×64 in colour:
"""

# %%
def count(network):
    return sum(p.numel() for p in network.parameters())


generator, discriminator = dcgan.pair(64, latent=100, features=64)
show.staircase({f"G: {count(generator):,} weights":
                dcgan.shape_trail(generator, torch.zeros(1, 100)),
                f"D: {count(discriminator):,} weights":
                dcgan.shape_trail(discriminator, torch.zeros(1, 3, 64, 64))},
               alt="Blocks for the steps of G and D. G: a short dash of 100, then blocks of 512x4x4, "
                   "256x8x8, 128x16x16, 64x32x32 and 3x64x64, each twice as tall and half as wide "
                   "as the one before it. D: the same blocks from 3x64x64 to 512x4x4, then 1")

# %% [markdown] tags=["lang-zh", "caption"]
r"""
**图 3-1** 每一块的高是边长，宽是通道数（颜色通道太少，画宽了些才看得见）。G 先从 100 个数到 512×4×4，此后每上一级，边长加倍，通道减半（最后一级除外，只剩 3 个颜色通道）；D 是它的镜像。
"""

# %% [markdown] tags=["lang-en", "caption"]
r"""
**Fig. 3-1** The height of a block is the side, its width the number of channels (the few colour channels are drawn wider, to be seen). G first goes from 100 numbers to 512×4×4; from there each step doubles the side and halves the channels (except the last, with its 3 colours). D is the mirror image.
"""

# %% [markdown] tags=["lang-zh"]
r"""
通道和权重逐层是这样的（卷积核都是 4×4，不带偏置；alexshuang 的网络就是这一对，论文的通道多一倍）：

| G 的一层 | 输出 | 卷积的权重 |
|---|---|---|
| 转置卷积，步长 1 | 512×4×4 | 100 · 512 · 16 = 819,200 |
| 转置卷积，步长 2 | 256×8×8 | 512 · 256 · 16 = 2,097,152 |
| 转置卷积，步长 2 | 128×16×16 | 256 · 128 · 16 = 524,288 |
| 转置卷积，步长 2 | 64×32×32 | 128 · 64 · 16 = 131,072 |
| 转置卷积，步长 2 | 3×64×64 | 64 · 3 · 16 = 3,072 |

（加起来是 3,574,784 个；图 3-1 的数里还有批归一化的 1,920 个。）

不过，头尾两层其实就是全连接。第一层把 100 个数变成 8,192 个，每个输入都连到每个输出，819,200 个权重一个也没有省；D 的最后一层用 4×4 的卷积核盖住整个 4×4，也是如此。省下来的是中间各层，例如 32×32 的 G 的最后一层：
"""

# %% [markdown] tags=["lang-en"]
r"""
Here are the channels and weights of each layer (all kernels are 4×4, without biases; this is the pair of alexshuang's tutorial, and the paper has twice as many channels):

| Layer of G | Output | Weights of the convolution |
|---|---|---|
| transposed convolution, stride 1 | 512×4×4 | 100 · 512 · 16 = 819,200 |
| transposed convolution, stride 2 | 256×8×8 | 512 · 256 · 16 = 2,097,152 |
| transposed convolution, stride 2 | 128×16×16 | 256 · 128 · 16 = 524,288 |
| transposed convolution, stride 2 | 64×32×32 | 128 · 64 · 16 = 131,072 |
| transposed convolution, stride 2 | 3×64×64 | 64 · 3 · 16 = 3,072 |

(They add up to 3,574,784; the number in Fig. 3-1 includes the 1,920 of batch normalisation.)

In fact, the two ends are fully connected. The first layer turns 100 numbers into 8,192, with every input connected to every output, and all its 819,200 weights are there; so it is at the end of D, where a kernel of 4×4 covers all of 4×4. What is saved is saved in between, such as in the last layer of a G for 32×32:
"""

# %%
last = dcgan.generator(32, features=16)[-2]
say("从 16×16×16 到 3×32×32：转置卷积有 {convolution:,} 个权重，全连接层会有 {full:,} 个。",
    "From 16×16×16 to 3×32×32 a transposed convolution has {convolution:,} weights; a fully "
    "connected layer would have {full:,}.", convolution=count(last), full=16**3 * 3 * 32**2)

# %% [markdown] tags=["lang-zh", "predict"]
r"""
## 转置卷积：盖章

怎样让图片变大？想象一枚印章，上面刻着卷积核。输入里的每一个数都盖一次章，数越大墨越浓；输入往右走一格，印章在输出上走 `stride` 格；墨迹重叠的地方相加；最后从四边各裁掉 `padding` 格。这就是**转置卷积**（transposed convolution），`nn.ConvTranspose2d`。

### 先猜再跑 1：盖完有多大？

8×8 的输入，`kernel=4, stride=2, padding=1`，输出的边长是多少？

- A. 15
- B. 18
- C. 16
- D. 14
"""

# %% [markdown] tags=["lang-en", "predict"]
r"""
## Transposed convolution: stamping

How does a picture get larger? Think of a rubber stamp with the kernel cut into it. Every number of the input stamps once, in darker ink the larger the number; one place further in the input is `stride` places further in the output; where stamps overlap, the ink adds up; finally `padding` places are trimmed off each of the four sides. This is a **transposed convolution**, `nn.ConvTranspose2d`.

### Predict, then run 1: how large is the result?

An input of 8×8, with `kernel=4, stride=2, padding=1`: what is the side of the output?

- A. 15
- B. 18
- C. 16
- D. 14
"""

# %%
def by_hand(x, kernel, stride, padding):
    """Stamp the kernel once for every number of x, add where stamps overlap, trim the rim."""
    n, k = len(x), len(kernel)
    canvas = torch.zeros(n * stride + k, n * stride + k)  # large enough
    for row in range(n):
        for column in range(n):
            top, left = row * stride, column * stride
            canvas[top:top + k, left:left + k] += x[row, column] * kernel
    return canvas[padding:top + k - padding, padding:left + k - padding]  # up to the last stamp


chance = torch.Generator().manual_seed(0)
x, kernel = torch.randn(8, 8, generator=chance), torch.randn(4, 4, generator=chance)
stamped = by_hand(x, kernel, stride=2, padding=1)
by_torch = conv_transpose2d(x[None, None], kernel[None, None], stride=2, padding=1)[0, 0]
say("输出的边长是 {side}；手工盖章和 torch 的结果最多相差 {gap:.4f}。",
    "The side of the output is {side}; stamped by hand and by torch it differs by at most "
    "{gap:.4f}.", side=len(stamped), gap=float((stamped - by_torch).abs().max()))

# %% [markdown] tags=["lang-zh", "exercise"]
r"""
答案是 **C**：正好加倍，所以我们的网络凡是加倍的地方都用这三个数。

图上看得更清楚：四个数盖四次章，`stride` 是 2，不裁边：
"""

# %% [markdown] tags=["lang-en", "exercise"]
r"""
The answer is **C**: exactly twice the side, which is why our networks use these three numbers wherever a side doubles.

A small picture makes it plain: four numbers, four stamps, with `stride` 2 and nothing trimmed:
"""

# %%
ink = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
stamp = torch.tensor([[1.0, 1.0, 1.0], [1.0, 0.0, 1.0], [1.0, 1.0, 1.0]])
show.maps({"input, 2x2": ink, "stamp, 3x3": stamp,
           "output, 5x5": by_hand(ink, stamp, stride=2, padding=0)},
          alt="Three matrices: the input 1 2 3 4, a ring-shaped stamp of 3x3 and the 5x5 output, "
              "where the four stamped rings overlap and add up in the middle cross")

# %% [markdown] tags=["lang-zh", "caption"]
r"""
**图 3-2** 四枚环形印章盖出 5×5。相邻的印章在中间的十字上重叠，那里的墨相加：正中是 1 + 2 + 3 + 4 = 10。
"""

# %% [markdown] tags=["lang-en", "caption"]
r"""
**Fig. 3-2** Four ring-shaped stamps make 5×5. Neighbouring stamps overlap on the cross in the middle, where the ink adds up: the very centre has 1 + 2 + 3 + 4 = 10.
"""

# %% [markdown] tags=["lang-zh", "exercise"]
r"""
### 练习 1：输出的边长

输入边长 $n$，印章宽 $k$，步长 $s$，每边裁 $p$。补全 `tconv_out`，不要调用 torch，写出公式；批改时会拿 200 组随机的数和 torch 比。

<details><summary>提示一</summary>

先不管裁边。第一枚印章从 0 开始；最后一枚从哪里开始，到哪里结束？

</details>

<details><summary>提示二</summary>

画出 3 枚宽 4、步长 2 的印章，数一数它们一共占几格，再换成 n 枚。

</details>
"""

# %% [markdown] tags=["lang-en", "exercise"]
r"""
### Exercise 1: the side of the output

The input has side $n$, the stamp is $k$ wide, the step is $s$, and $p$ is trimmed off each side. Complete `tconv_out` as a formula, without torch; the checker compares it with torch on 200 random cases.

<details><summary>Hint one</summary>

Leave the trimming aside at first. The first stamp starts at 0; where does the last one start, and where does it end?

</details>

<details><summary>Hint two</summary>

Draw 3 stamps that are 4 wide, in steps of 2, and count the places they take together; then take n of them.

</details>
"""

# %%
def tconv_out(n, k, s, p):
    return ...


verdict = check.transposed_size(tconv_out)

# %% [markdown] tags=["lang-zh"]
r"""
### “反卷积”并不反

许多书和网页把它叫作“反卷积”（“deconvolution”）。普通卷积的边长是 $\lfloor (n + 2p - k)/s \rfloor + 1$，正好抵消你的公式：先放大再缩小，边长总会回来（反过来，先缩小再放大，奇数的边长会丢在取整里）。图片呢？卷积是线性的，可以写成一个矩阵 $C$：把输入摊平成一列，乘上 $C$ 就是输出。转置卷积乘的是 $C^T$，名字就是这么来的。转置不等于逆：64 个数压成 16 个，有 48 个方向的内容已经丢了，谁也找不回来。
"""

# %% [markdown] tags=["lang-en"]
r"""
### A "deconvolution" undoes nothing

Many books and pages call it a "deconvolution". The side after an ordinary convolution is $\lfloor (n + 2p - k)/s \rfloor + 1$, and it undoes your formula: enlarge, then shrink, and the side is what it was (the other way round an odd side is lost to the rounding). But is the picture? A convolution is linear, so it is a matrix $C$: lay the input out as a column, multiply by $C$, and there is the output. The transposed convolution multiplies by $C^T$, hence the name. A transpose is no inverse: when 64 numbers are squeezed into 16, the contents of 48 directions are gone for good.
"""

# %%
def as_matrix(linear_map, side):
    """Return the matrix of a map of pictures of side x side: column i is what pixel i becomes."""
    pixels = torch.eye(side * side).view(-1, 1, side, side)
    return linear_map(pixels).flatten(1).T


C = as_matrix(lambda x: conv2d(x, kernel[None, None], stride=2, padding=1), 8)
T = as_matrix(lambda y: conv_transpose2d(y, kernel[None, None], stride=2, padding=1), 4)
say("卷积的矩阵 C 是 {C}，秩 {rank}；转置卷积的是 {T}，与 C 的转置最多相差 {gap:g}。",
    "The matrix C of the convolution is {C}, of rank {rank}; that of the transposed one is {T} and "
    "differs from the transpose of C by at most {gap:g}.", C=tuple(C.shape), T=tuple(T.shape),
    rank=int(torch.linalg.matrix_rank(C)), gap=float((T - C.T).abs().max()))

# %%
box = data.mnist(train=True)  # 28x28, here in a black frame of 32x32: nothing is enlarged
digits, held_out = box[:-2000].framed(32), box[-2000:].framed(32)
picture, blur = digits.images[:10] / 255, torch.full((1, 1, 4, 4), 1 / 8)  # black is 0
small = conv2d(picture, blur, stride=2, padding=1)
again = conv_transpose2d(small, blur, stride=2, padding=1)
show.gallery({"a picture, 32x32": digits.images[:10],
              "convolved, 16x16": (255 * small / 2).to(torch.uint8),
              "then transposed, 32x32": (255 * again).to(torch.uint8)}, columns=10,
             alt="Three rows: ten digits, the same after a convolution that halves their side, "
                 "and after the transposed convolution: the size is back, the digits are blurred")

# %% [markdown] tags=["lang-zh", "caption"]
r"""
**图 3-3** 真正的 MNIST 数字，先用步长 2 的卷积缩小，再用转置卷积放大：大小回来了，笔画却糊了。
"""

# %% [markdown] tags=["lang-en", "caption"]
r"""
**Fig. 3-3** Real MNIST digits, shrunk by a convolution of stride 2 and enlarged again by the transposed one: the size is back, and the strokes are blurred.
"""

# %% [markdown] tags=["lang-zh", "predict"]
r"""
顺便说一句：卷积的**反向传播**正是一次转置卷积（链式法则乘的就是 $C^T$），所以 D 传给 G 的梯度也是这样盖章盖出来的。

## 印章盖得均匀吗

### 先猜再跑 2：全是 1，盖出来是什么？

输入全是 1，印章也全是 1，`kernel=3, stride=2`。输出（不看边缘）是什么样子？

- A. 深浅交替的棋盘格。
- B. 一片均匀的颜色，没有花纹。
- C. 中间深，越靠近四周越浅。
- D. 一道道竖的条纹。
"""

# %% [markdown] tags=["lang-en", "predict"]
r"""
By the way: **backpropagation** through a convolution is a transposed convolution (the chain rule multiplies by $C^T$), so the gradient that D hands to G is stamped in the same manner.

## Is the ink even?

### Predict, then run 2: 1 everywhere

The input is 1 everywhere, the stamp is 1 everywhere, with `kernel=3, stride=2`. What does the output look like, away from its edge?

- A. A checkerboard of dark and light.
- B. One even shade, without any pattern.
- C. Dark in the middle, light towards the edge.
- D. Vertical stripes, dark and light.
"""

# %%
def overlaps(kernel, stride):
    """Return how many stamps cover each place, for an input of 4x4."""
    return by_hand(torch.ones(4, 4), torch.ones(kernel, kernel), stride, padding=1)


resized = interpolate(torch.ones(1, 1, 4, 4), scale_factor=2)
show.maps({"k=3, s=2": overlaps(3, 2), "k=4, s=2": overlaps(4, 2), "k=5, s=2": overlaps(5, 2),
           "enlarge, then k=3": conv2d(resized, torch.ones(1, 1, 3, 3), padding=1)[0, 0]},
          alt="How many stamps cover each place, as numbers on a grid: for kernels 3, 4 and 5 "
              "with stride 2, and after enlarging")

# %% [markdown] tags=["lang-zh", "caption"]
r"""
**图 3-4** 每个像素被几枚印章盖到。3 和 5 不能被步长 2 整除，次数不等，成了棋盘；4 能整除，除了边缘处处是 4。最右边不是盖章，是先放大再做普通卷积，下文再讲：除了边缘，每格由 9 个数相加。
"""

# %% [markdown] tags=["lang-en", "caption"]
r"""
**Fig. 3-4** How many stamps cover each pixel. 3 and 5 are not divisible by the stride of 2, the counts differ and make a checkerboard; 4 is, and all but the edge has 4. The panel on the far right is no stamping: it is enlarged first and then convolved, as explained below; all but the edge is a sum of 9 numbers.
"""

# %% [markdown] tags=["lang-zh"]
r"""
答案是 **A**。`kernel=3` 时，有的像素被 1 枚印章盖到，有的 2 枚，有的 4 枚，深浅就不一样。`kernel=4` 能被 `stride=2` 整除，除了边缘，每个像素都恰好盖到 4 次，所以我们的网络选它（DCGAN 作者自己的代码用 5×5 的卷积核）。连叠三层再看：
"""

# %% [markdown] tags=["lang-en"]
r"""
The answer is **A**. With `kernel=3`, some pixels are covered by 1 stamp, some by 2, some by 4, and so their shades differ. `kernel=4` is divisible by `stride=2`, and every pixel but those at the edge is covered exactly 4 times; this is why our networks take it (the code of DCGAN's own authors has kernels of 5×5). Here are three layers on top of each other:
"""

# %%
def three_times(layer):
    x = torch.ones(1, 1, 12, 12)
    for _ in range(3):
        x = layer(x)
    middle = x.shape[-1] // 2
    return x[0, 0, middle - 16:middle + 16, middle - 16:middle + 16]


stacks = {f"k={k}, three times": three_times(
              lambda x, k=k: conv_transpose2d(x, torch.ones(1, 1, k, k), stride=2, padding=1))
          for k in (3, 4, 5)}
stacks["enlarge, k=3, three times"] = three_times(
    lambda x: conv2d(interpolate(x, scale_factor=2), torch.ones(1, 1, 3, 3), padding=1))
stacks = {f"{name}\ndarkest / lightest {panel.max() / panel.min():.1f}": panel
          for name, panel in stacks.items()}
show.maps(stacks, numbers=False,
          alt="Three stacked layers fed with ones: kernels 3 and 5 give checkerboards within "
              "checkerboards; kernel 4 and enlarging before the convolution give an even shade")

# %% [markdown] tags=["lang-zh", "caption"]
r"""
**图 3-5** 三层叠起来，棋盘里还有棋盘。标题里是最深处与最浅处之比，1.0 表示均匀。
"""

# %% [markdown] tags=["lang-en", "caption"]
r"""
**Fig. 3-5** With three layers there are checkerboards within checkerboards. The titles give the darkest over the lightest place; 1.0 is even.
"""

# %% [markdown] tags=["lang-zh"]
r"""
能整除只是去掉了**结构本身带来**的棋盘格；权重是学出来的，不均匀的权重仍会画出棋盘。另一条路是先放大再做普通卷积（最右边），结构上就均匀，代价是 2.25 倍的乘法：输入的每个像素要乘 36 次，而不是 16 次。渐进式增长的 GAN（Karras 等，2018）和 BigGAN 走的是这条路；StyleGAN2 则在转置卷积后面加一层模糊。

## DCGAN 的设计准则

2015 年之前，用卷积做 GAN 常常训练不起来。Radford 等人试了许多结构，留下这几条。左边是准则，中间是它在下面那对 64×64 的网络里写成什么样（`dcgan.plain_generator` 和 `dcgan.plain_critic`，一行一层）：

| 准则 | 代码 | 理由 |
|---|---|---|
| 不用池化，用步长来缩小和放大 | 卷积核 4，步长 2 | 怎样缩放，让网络自己学 |
| 没有全连接的隐藏层 | 全是 `nn.Conv2d` 和 `nn.ConvTranspose2d` | 中间各层省参数；头尾见上 |
| 两个网络都用**批归一化**（batch normalisation） | `nn.BatchNorm2d` | 每个通道的均值和方差稳定，梯度才传得远 |
| 但 G 的输出层和 D 的输入层不用 | 那里没有 `nn.BatchNorm2d` | 保留图片本身的亮度和对比度 |
| G 用 ReLU，最后 tanh | `nn.ReLU()`、`nn.Tanh()` | 数据在 $[-1, 1]$，和上一课相同 |
| D 用 LeakyReLU，斜率 0.2 | `nn.LeakyReLU(0.2)` | 负的一侧也有梯度传回 G |
| 卷积的权重取自 $N(0, 0.02^2)$ | `initialise` | 第一步不会太大 |
| Adam，学习率 0.0002，`betas=(0.5, 0.999)` | `recipes.dcgan` | 论文说动量 0.9 会让训练振荡，学习率 0.001 太大；我们的网络小、步数少，用的正是 0.001 |

这里的理由是论文或后来的书给的。其中几条，下面的消融实验会检验。
"""

# %% [markdown] tags=["lang-en"]
r"""
Divisibility only removes the checkerboard that is **built into** the layer; weights are learned, and uneven ones can still paint one. The other way is to enlarge first and convolve afterwards (on the far right). That is even from the start, but costs 2.25 times the multiplications, 36 for each pixel of the input instead of 16. The progressive GAN (Karras et al. 2018) and BigGAN go that way; StyleGAN2 has a transposed convolution with a blur behind it.

## The guidelines of DCGAN

Before 2015, GANs made of convolutions often failed to train. Radford et al. tried many architectures and kept these guidelines. On the left the guideline, in the middle what it looks like in the pair of 64×64 networks below (`dcgan.plain_generator` and `dcgan.plain_critic`, one line a layer):

| Guideline | Code | Reason given |
|---|---|---|
| no pooling: strides shrink and enlarge | kernel 4, stride 2 | let the network learn how to scale |
| no fully connected hidden layers | nothing but `nn.Conv2d` and `nn.ConvTranspose2d` | fewer parameters inside; for the ends, see above |
| **batch normalisation** in both networks | `nn.BatchNorm2d` | with each channel's mean and variance held steady, gradients travel further |
| but not at G's output and D's input | no `nn.BatchNorm2d` there | the pictures' own brightness and contrast must survive |
| ReLU in G, tanh at its end | `nn.ReLU()`, `nn.Tanh()` | the data are in $[-1, 1]$, as in the last lesson |
| LeakyReLU in D, slope 0.2 | `nn.LeakyReLU(0.2)` | the negative side hands a gradient back to G, too |
| weights of convolutions from $N(0, 0.02^2)$ | `initialise` | the first steps are not too large |
| Adam, learning rate 0.0002, `betas=(0.5, 0.999)` | `recipes.dcgan` | the paper says that a momentum of 0.9 makes training oscillate and that a learning rate of 0.001 is too large; our small networks and short runs have just 0.001 |

The reasons are those of the paper or of later books. The ablation below tests some of them.
"""

# %%
print(inspect.getsource(dcgan.plain_generator))
print(inspect.getsource(dcgan.plain_critic))

# %% [markdown] tags=["lang-zh", "exercise"]
r"""
`dcgan.generator` 和 `dcgan.critic` 按同样的准则造出任何大小的网络，本课用的是它们。

### 练习 2：找出三处毛病

下面这个放大模块改写自一篇教程，参数 `bn` 本应控制要不要批归一化。它有三处毛病：一处和这个参数有关，会报错（或者更糟，不报错）；一处只是不合 DCGAN 的次序（卷积、批归一化、激活；有没有害，后面的消融实验会问）；一处要到 `bn=False` 时才有害。先不运行，把三处都找出来：

```python
class BrokenBlock(nn.Module):
    def __init__(self, n_in, n_out, bn=True):
        super().__init__()
        self.enlarge = nn.ConvTranspose2d(n_in, n_out, 4, 2, 1, bias=False)
        self.normalise = nn.BatchNorm2d(n_out)

    def forward(self, x):
        x = torch.relu(self.enlarge(x))
        return self.normalise(x) if bn else x
```

再写一个没有错误的 `block`，卷积核、步长和裁边也由参数给出。它返回一个模块：转置卷积，`bn` 为真时接批归一化，最后是 ReLU。

<details><summary>提示一</summary>

`forward` 里的 `bn` 是谁？如果笔记本里碰巧有一个叫 `bn` 的全局变量，会怎样？

</details>

<details><summary>提示二</summary>

不必写类：列表里的层可以有多有少，`nn.Sequential` 都能接起来。再想一想：批归一化会减去均值，那么它前面的卷积还需要偏置吗？没有批归一化时呢？

</details>
"""

# %% [markdown] tags=["lang-en", "exercise"]
r"""
`dcgan.generator` and `dcgan.critic` make networks of any size by the same guidelines, and the lesson uses those.

### Exercise 2: find three faults

The enlarging block below is adapted from a tutorial; its argument `bn` should say whether there is batch normalisation. It has three faults: one is about this argument and raises an error (or, worse, does not); one only departs from DCGAN's order (convolution, batch normalisation, activation; whether that harms, the ablation below will ask); and one does harm only when `bn=False`. Find all three before you run anything:

```python
class BrokenBlock(nn.Module):
    def __init__(self, n_in, n_out, bn=True):
        super().__init__()
        self.enlarge = nn.ConvTranspose2d(n_in, n_out, 4, 2, 1, bias=False)
        self.normalise = nn.BatchNorm2d(n_out)

    def forward(self, x):
        x = torch.relu(self.enlarge(x))
        return self.normalise(x) if bn else x
```

Then write a `block` without bugs, which takes kernel, stride and padding as well. It returns a module with the transposed convolution, batch normalisation if `bn` is true, and a ReLU at the end.

<details><summary>Hint one</summary>

What does `bn` refer to inside `forward`? What if the notebook happens to have a global variable called `bn`?

</details>

<details><summary>Hint two</summary>

You need no class: a list can have more layers or fewer, and `nn.Sequential` chains them all. And think: batch normalisation subtracts the mean, so does the convolution before it need a bias? And without batch normalisation?

</details>
"""

# %%
def block(n_in, n_out, kernel, stride, padding, bn=True):
    return ...


verdict = check.upsampling_block(block)

# %% [markdown] tags=["lang-zh", "exercise"]
r"""
### 初始权重：一个常见的错误

论文说权重取自均值 0、标准差 0.02 的正态分布。有人便写一行循环，把**所有**参数都这样取，连批归一化的缩放 $\gamma$ 也在内。可是批归一化的输出是 $\gamma \hat{x} + \beta$，$\hat{x}$ 的标准差是 1：
"""

# %% [markdown] tags=["lang-en", "exercise"]
r"""
### First weights: a common mistake

The paper draws weights from a normal distribution with mean 0 and standard deviation 0.02. It is tempting to loop over **all** parameters, batch normalisation's scale $\gamma$ among them. But batch normalisation returns $\gamma \hat{x} + \beta$, where $\hat{x}$ has a standard deviation of 1:
"""

# %%
signal = torch.randn(64, 32, 8, 8, generator=torch.Generator().manual_seed(0))
torch.manual_seed(0)
spread = {}
for mean in (1.0, 0.0):
    layer = nn.BatchNorm2d(32)
    nn.init.normal_(layer.weight, mean, 0.02)
    spread[mean] = layer(signal).std().item()
say("标准差为 1 的信号，缩放取在 1 附近，得到 {right:.2f}；缩放取在 0 附近，得到 {wrong:.2f}。",
    "A signal of standard deviation 1 comes out with {right:.2f} when the scale is drawn around 1, "
    "and with {wrong:.2f} when it is drawn around 0.", right=spread[1.0], wrong=spread[0.0])

# %% [markdown] tags=["lang-zh", "exercise"]
r"""
缩小到约五十分之一，符号还是随机的。下一层的批归一化会重新归一化，所以不会一层层都乘以五十分之一；只是方差已经小到和批归一化里的 `eps`（0.00001）相当，补不完全，每层还要再小一些。没有批归一化的最后一层只收到这么一点：在训练模式下，下文那个小 G 的第一批图，像素的标准差不到 0.1 个灰度级，缩放取对了约有 10 个。

### 练习 3：`initialise`

补全 `initialise(network)`，就地修改：两种卷积的权重取 $N(0, 0.02^2)$，批归一化的缩放取 $N(1, 0.02^2)$，所有偏置和平移取 0。完成后请返回 `network`。

<details><summary>提示一</summary>

遍历 `network.modules()`，用 `isinstance` 判断类型。不要在类名里找 `"Conv"`：一个叫 `ConvBlock` 的类也会被找到。

</details>

<details><summary>提示二</summary>

在课程自己的网络 `dcgan.generator(32)` 上试一试：那里的卷积有偏置吗？

</details>
"""

# %% [markdown] tags=["lang-en", "exercise"]
r"""
About a fiftieth is left, with random signs. The batch normalisation of the next layer normalises it again, so it is not a fiftieth at every layer; but the variance is now so small, next to its `eps` of 0.00001, that this is incomplete and each layer loses a little more. The last layer, which has none, gets no more than that: in training mode the first pictures of the small G used below have a standard deviation of less than 0.1 grey levels, and of about 10 when the scale is drawn correctly.

### Exercise 3: `initialise`

Complete `initialise(network)`, in place: the weights of both kinds of convolution from $N(0, 0.02^2)$, batch normalisation's scale from $N(1, 0.02^2)$, all biases and shifts 0. Return `network` when done.

<details><summary>Hint one</summary>

Go through `network.modules()` and ask with `isinstance`. Do not look for `"Conv"` in the names of classes: it also finds a class called `ConvBlock`.

</details>

<details><summary>Hint two</summary>

Try it on the course's own network, `dcgan.generator(32)`: do its convolutions have a bias?

</details>
"""

# %%
def initialise(network):
    return ...


verdict = check.first_weights(initialise)

# %% [markdown] tags=["lang-zh"]
r"""
### 批归一化：训练与评估时不同

训练时，批归一化用**这一批**的均值和方差，同一个 $z$ 生成的图取决于同一批里的其他样本；评估时，它用训练中累积的滑动平均，图只取决于 $z$ 自己。给人看的图要在评估模式下生成（`generate` 会替你切换）。看一个还没有训练的 G：
"""

# %% [markdown] tags=["lang-en"]
r"""
### Batch normalisation: training is not evaluation

While training, batch normalisation uses the mean and variance of **this batch**, so what a $z$ becomes depends on the other samples in it; in evaluation it uses moving averages gathered while training, and a picture depends on its own $z$ alone. Pictures to be looked at are made in evaluation mode (`generate` switches for you). Here is a G that has not been trained yet:
"""

# %%
def change_with_company(network):
    """Return how far the picture of one z changes when its 19 neighbours do, in grey levels."""
    mine, some, others = torch.randn(3, 20, 100, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        first, second = (network(torch.cat([mine[:1], company[1:]])) for company in (some, others))
    return 127.5 * float((first[0] - second[0]).abs().max())


torch.manual_seed(0)
G = dcgan.generator(32, features=16)
say("换掉同一批的 19 个同伴，同一个 z 的图在训练模式下最多变 {train:.0f} 个灰度级，"
    "在评估模式下变 {evaluation:.0f} 个。",
    "With 19 other neighbours in its batch, the picture of one z changes by up to {train:.0f} grey "
    "levels in training mode and by {evaluation:.0f} in evaluation mode.",
    train=change_with_company(G.train()), evaluation=change_with_company(G.eval()))

# %% [markdown] tags=["lang-zh", "predict"]
r"""
## 消融实验：每次只改一处

准则有八条，去掉一条会怎样？**消融实验**（ablation study）的办法是：种子相同，数据相同，每次只改一处。网络很小（`features=8`：最靠近图片的一层有 8 个通道，往里每层加倍；$z$ 有 32 维，批大小 32，学习率 0.001，600 步，量的是滑动平均的权重，0.98），数据是上一课的 6,000 张 MNIST 数字，四边各垫 2 格黑色，成 32×32。七处改动：

- 去掉批归一化；在 G 的输出层和 D 的输入层也加上批归一化；把 ReLU 放在批归一化之前；批归一化的缩放取在 0 附近；
- 初始权重取 $N(0, 1)$；D 里用 ReLU；Adam 的 `betas=(0.9, 0.999)`。

它们涉及八条准则里的五条（批归一化、批归一化不用在哪里、LeakyReLU、初始权重、`betas`），另有两处是代码的细节；步长、没有全连接、G 的激活和学习率没有试。

### 先猜再跑 3：下面四处，哪一处害处最大？

- A. 去掉批归一化。
- B. 初始权重取 $N(0, 1)$。
- C. D 里的 LeakyReLU 换成 ReLU。
- D. 批归一化的缩放取在 0 附近，不在 1 附近。

再从全部七处里，写下你认为**根本没事**的一处。
"""

# %% [markdown] tags=["lang-en", "predict"]
r"""
## The ablation: one change at a time

There are eight guidelines; what happens without one of them? An **ablation study** keeps the seed and the data and changes one thing at a time. The networks are small (`features=8`: 8 channels in the layer next to the picture, twice as many at each step inwards; $z$ of 32 numbers, batches of 32, learning rate 0.001, 600 steps, measured with the moving average of the weights, 0.98), the data are last lesson's 6,000 MNIST digits with 2 black pixels added on each side, which makes 32×32. There are seven changes:

- no batch normalisation; batch normalisation at G's output and D's input, too; ReLU before batch normalisation; batch normalisation's scale drawn around 0;
- first weights from $N(0, 1)$; ReLU in D; Adam with `betas=(0.9, 0.999)`.

They touch five of the eight guidelines (batch normalisation, where it is left out, LeakyReLU, first weights, `betas`) and two details of the code; strides, no full connection, G's activations and the learning rate are not tested.

### Predict, then run 3: which of these four does the most harm?

- A. Leaving out batch normalisation.
- B. First weights from $N(0, 1)$.
- C. ReLU in D instead of LeakyReLU.
- D. Batch normalisation's scale drawn around 0 and not around 1.

Then write down which of all seven you expect to do **no harm at all**.
"""

# %% [markdown] tags=["lang-zh"]
r"""
### 先量同一个种子的波动

如果只做一点无关紧要的改动，结果也会变，那么两次单独的训练之间，比这种波动更小的差别都不能算数。所以先把同一次训练（种子 0）再重复几遍：给 G 的一个权重加上 0.0000001、0.0000002 或 0.0000003，或者用两个线程（加法的次序不同，舍入就不同）。数来自 `python -m studies.lesson03 board`，这格代码只读取它存下的文件：
"""

# %% [markdown] tags=["lang-en"]
r"""
### First, how far one seed varies

If even a meaningless change moves the result, a difference smaller than that between two single runs means nothing. So play one game, seed 0, again and again: add 0.0000001, 0.0000002 or 0.0000003 to one weight of G, or use two threads (sums are taken in another order, and rounding differs). The numbers come from `python -m studies.lesson03 board`; the cell only reads the file it left:
"""

# %%
def study(name):
    """Return what a study behind this lesson stored: `studies/lesson03_NAME.json`."""
    file = Path("../studies") / f"lesson03_{name}.json"
    return json.loads(file.read_text(encoding="utf-8"))


def column(runs, key, form="{:.1f}"):
    """Return one number of each run, in one string."""
    return "  ".join(form.format(run[key]) for run in runs)


board = study("board")
nudged = {name: [board["changes"][name]["0"], *again.values()]
          for name, again in board["spread"].items()}
table([("同一个种子，五遍", "one seed, five times"),
       ("弗雷歇距离：原样，三次微扰，两个线程", "Fréchet distance: as it is, 3 nudges, 2 threads"),
       ("类别数", "classes")],
      [[("不改", "DCGAN as it is"), column(nudged["DCGAN"], "fd_digits"),
        column(nudged["DCGAN"], "classes", "{}")],
       [("去掉批归一化", "no batch normalisation"), column(nudged["no BatchNorm"], "fd_digits"),
        column(nudged["no BatchNorm"], "classes", "{}")],
       [("betas=(0.9, 0.999)", "betas=(0.9, 0.999)"),
        column(nudged["Adam beta1 0.9"], "fd_digits"),
        column(nudged["Adam beta1 0.9"], "classes", "{}")]])

# %% [markdown] tags=["lang-zh"]
r"""
对照原样是 10.2，加上小数点后第七位的微扰，就成了 7.7 到 8.5，三次里有两次从 9 种数字变成 8 种。训练把舍入的差别放大了：各训练一次，相差 2 或 3，不能算数。

所以下面按**秩**（这里指排名，不是矩阵的秩）来判断：如果一处改动没有影响，各次训练又互相独立，那么它的 5 个距离和对照的 5 个，任何次序都同样可能；5 个全都排在对照的 5 个之上，只有 $1 / \binom{10}{5} = 1/252$ 的机会。做到这一点，才说它“更差”；交错在一起的，就说“分不出”。七处改动各判断一次，至少有一处碰巧被判为“更差”的机会，至多是 $7/252 = 1/36$。表里每次训练量 1,000 个样本；下面那个真图与真图的距离量的是 2,000 张，样本越少，距离会略大一些。
"""

# %% [markdown] tags=["lang-en"]
r"""
The control has 10.2 as it is and 7.7 to 8.5 after a nudge in the seventh decimal, with 8 digits in place of 9 in two of three. Training magnifies rounding: a difference of 2 or 3 between single runs is worth nothing.

So we go by **ranks** (places in an order, not the rank of a matrix): if a change had no effect and the runs were independent, every order of its 5 distances and the control's 5 would be equally likely; the chance that all 5 lie above the control's 5 is $1 / \binom{10}{5} = 1/252$. Only then do we say "worse"; where they mix, we say "not told apart". With seven changes to judge, the chance that at least one is called worse by luck is at most $7/252 = 1/36$. The table has 1,000 samples of each run; the distance of real from real below it has 2,000, and with fewer samples a distance comes out a little larger.
"""

# %%
def verdict_on(name):
    """Return how many of the change's distances lie above all of the control's."""
    control = max(run["fd_digits"] for run in board["changes"]["DCGAN"].values())
    return sum(run["fd_digits"] > control for run in board["changes"][name].values())


def line(name, words):
    """Return a row of the table; `words` are the verdicts: worse, and not told apart."""
    runs = board["changes"][name].values()
    judged = "" if name == "DCGAN" else words[verdict_on(name) < len(runs)]
    return [column(runs, "fd_digits"), column(runs, "classes", "{}"), judged]


table([("改动", "change"), ("弗雷歇距离，种子 0 到 4", "Fréchet distance, seeds 0 to 4"),
       ("类别数", "classes"), ("按秩判断", "by ranks")],
      [[label, *line(name, [("更差", "worse"), ("分不出", "not told apart")])] for name, label in {
          "DCGAN": ("不改（对照）", "DCGAN as it is (control)"),
          "no BatchNorm": ("去掉批归一化", "no batch normalisation"),
          "BatchNorm at the ends, too": ("两头也加批归一化", "batch normalisation at the ends, too"),
          "ReLU before BatchNorm": ("ReLU 在批归一化之前", "ReLU before batch normalisation"),
          "BatchNorm scale around 0": ("批归一化的缩放在 0 附近", "its scale around 0"),
          "first weights N(0, 1)": ("初始权重取 N(0, 1)", "first weights N(0, 1)"),
          "ReLU in D": ("D 里用 ReLU", "ReLU in D"),
          "Adam beta1 0.9": ("betas=(0.9, 0.999)", "betas=(0.9, 0.999)")}.items()])
say("真图与真图的距离是 {floor:.2f}。", "The distance between real and real is {floor:.2f}.",
    floor=board["real_against_real"]["fd_digits"])

# %% [markdown] tags=["lang-zh"]
r"""
答案是 **B**：四处里只有初始权重取 $N(0, 1)$ 的，5 个种子都远远分得开。七处里最坏的一处却不在选项里：Adam 的动量改回默认的 0.9（学习率是论文的五倍），5 个距离（22.9 到 28.5；种子 0 再跑几遍，有一次是 22.0）全都高于 $N(0, 1)$ 的 5 个（19.5 到 22.0），这与上一课的结论一致。在两头多加批归一化，也是每个种子都比对照差。

其余四处，用 5 个种子**分不出**，照实写下来：

- **去掉批归一化**，以及**批归一化的缩放在 0 附近**：两两相比，25 对里都有 22 对是改动的更大；假如改动没有影响，碰巧出现 22 对或更多的机会约有 3%，七处里至少有一处碰巧如此的机会却可达 19%。也许有害，要再多几个种子才好说。
- **ReLU 在批归一化之前**（3.9 到 6.2）：看不出害处。
- **D 里用 ReLU**：只有一个种子差得多（15.9 对 10.2），其余 4 个和同种子的对照相差不到 1，小于刚才量到的波动。LeakyReLU 的理由说得通（ReLU 在负的一侧没有梯度），这么小、这么短的训练里没有显出来；论文自己只说它效果好。

“分不出”不等于“没有害处”。只看一个种子呢？种子 0 说去掉批归一化“更好”（8.0 对 10.2），种子 1 说它崩溃了（25.1 对 4.9）。下图是种子 0 的八次训练各自的前 12 个样本，没有挑选过：

![八排，每排 12 张，标题是所做的改动、弗雷歇距离和类别数：六排是暗淡或残缺的数字，第六排（初始权重取 N(0, 1)）全是黑白噪点，最后一排（beta1 取 0.9）是灰色的网格](../images/lesson03_board.png)

第六排全是噪点，标题却说有 4 种数字：分类器只能从十种里选一种，它对这些图有把握的不到 1%（种子 3 也只有 19%）。所以类别数要和图、和有把握的比例一起看。

换一个规模，结论可能不同：消融实验只对量过的那个设置负责，所以要把设置和结论写在一起。
"""

# %% [markdown] tags=["lang-en"]
r"""
The answer is **B**: of the four, only with first weights from $N(0, 1)$ are all 5 seeds far apart from the control. The worst of all seven was not among the options: Adam's momentum set back to its default of 0.9 (at a learning rate of five times the paper's); its 5 distances (22.9 to 28.5; seed 0 once came down to 22.0 when it was repeated) all lie above the 5 of $N(0, 1)$ (19.5 to 22.0), in agreement with the last lesson. Batch normalisation at the ends, too, is worse than the control on every seed.

The other four are **not told apart** by 5 seeds, and we say so:

- **No batch normalisation**, and **its scale around 0**: pair by pair, the change has the larger distance in 22 of 25 pairs each time; if it had no effect, 22 or more would come up by luck in about 3% of cases, but for at least one of seven changes in up to 19%. They may do harm; it takes more seeds to say.
- **ReLU before batch normalisation** (3.9 to 6.2): no harm to be seen.
- **ReLU in D**: one seed only is much worse (15.9 against 10.2), the other 4 differ from the control of their seed by less than 1, which is less than the spread just measured. The argument for LeakyReLU is sound (a ReLU has no gradient on its negative side), but training as small and short as this does not show it; the paper only says that it worked well.

"Not told apart" is not "no harm". And one seed alone? Seed 0 says that leaving out batch normalisation "helps" (8.0 against 10.2), seed 1 that it collapses (25.1 against 4.9). Here are the first 12 samples of each of the eight runs with seed 0, not chosen:

![Eight rows of 12 pictures, each with the change, its Fréchet distance and classes as a title: dim or broken digits in six rows, black-and-white noise in the sixth row (first weights N(0, 1)), a grey mesh in the last (beta1 0.9)](../images/lesson03_board.png)

The sixth row is nothing but noise, and its title says 4 digits: the classifier has to choose one of ten, and it is sure of less than 1% of these pictures (on seed 3, of 19%). So look at the classes together with the pictures and with the share it is sure of.

At another scale the verdicts may differ: an ablation answers only for the setting it was measured in, so state the setting with the verdict.
"""

# %% [markdown] tags=["lang-zh"]
r"""
自己训练两次：对照，和初始权重取 $N(0, 1)$ 的。种子是 0，一个线程，和研究里的做法相同；处理器不同，舍入也不同，数值会有刚才看到的那种波动。
"""

# %% [markdown] tags=["lang-en"]
r"""
Now play two of the games yourself: the control, and the one with first weights from $N(0, 1)$. One thread and seed 0, as in the study; another processor rounds differently, and the numbers vary as you have just seen.
"""

# %% tags=["nbval-ignore-output"]
small_steps = runtime.at_scale(smoke=20, default=600, full=600)
evaluator = measure.DigitEvaluator(digits, held_out)
names = ("DCGAN", "first weights N(0, 1)")
games = {name: fit(ablations.changed(name, seed=0), digits, small_steps) for name in names}
reports = {name: evaluator.report(game.sample(1000, seed=1, ema=True))
           for name, game in games.items()}
say("弗雷歇距离：对照 {plain:.1f}，研究里是 {before:.1f}；初始权重取 N(0, 1) 为 {wide:.1f}，"
    "研究里是 {wide_before:.1f}。",
    "Fréchet distance: control {plain:.1f}, in the study {before:.1f}; with first weights N(0, 1) "
    "{wide:.1f}, in the study {wide_before:.1f}.",
    plain=reports[names[0]].fd_digits, before=board["changes"][names[0]]["0"]["fd_digits"],
    wide=reports[names[1]].fd_digits, wide_before=board["changes"][names[1]]["0"]["fd_digits"])

# %% [markdown] tags=["lang-zh", "failure-of-the-day"]
r"""
## 典型失败案例：初始化不当

初始权重取 $N(0, 1)$ 的那一次，还没有走一步，就看得出不对。G 的最后一层输出太大，tanh 被推到两头，许多像素一开始就是纯黑或纯白，那里的导数几乎是 0；D 的 logit 也大得离谱（G 和 D 是一起改的；害处主要在哪一边，可以只改一个来试）。训练之前看一眼第一批图就能查出来：
"""

# %% [markdown] tags=["lang-en", "failure-of-the-day"]
r"""
## The failure of the day: a bad initialisation

The game with first weights from $N(0, 1)$ is in trouble before a single step is taken. The last layer of G gives numbers so large that tanh is pushed to its ends: many pixels are pure black or white from the start, where the derivative is almost 0; the logits of D are far too large as well (G and D were changed together; which of them does most of the harm, you can find out by changing only one). One look at the first batch finds it, before training:
"""

# %%
def first_step(name):
    """Return the share of G's pixels beyond 0.99, and the size of D's logits, before training."""
    game, z = ablations.changed(name), torch.randn(32, ablations.LATENT)
    with torch.no_grad():
        fake = game.generator(z.to(game.device))
        logits = game.critic(digits[:32].signed().to(game.device))
    return float((fake.abs() > 0.99).float().mean()), float(logits.abs().mean())


torch.manual_seed(0)
(usual, logit), (saturated, wide_logit) = (first_step(name) for name in names)
say("训练之前：对照有 {usual:.0%} 的像素超出 0.99，D 的 logit 平均大小 {logit:.1f}；"
    "初始权重取 N(0, 1) 时是 {saturated:.0%} 和 {wide_logit:.0f}。",
    "Before training: in the control {usual:.0%} of the pixels lie beyond 0.99 and D's logits have "
    "a mean size of {logit:.1f}; with first weights N(0, 1) it is {saturated:.0%} and "
    "{wide_logit:.0f}.", usual=usual, logit=logit, saturated=saturated, wide_logit=wide_logit)

# %% tags=["nbval-ignore-output"]
figure, axes = plt.subplots(2, 2, figsize=(9, 5), layout="constrained")
for pair, (name, game) in zip(axes, games.items(), strict=True):
    show.plot_curves(pair, game.history, HISTORY)
    pair[0].set_title(name, loc="left", fontsize=10)
show.show(figure, "Losses on the left and D's outputs on the right, of the control above and of "
                  "first weights N(0, 1) below: above, G's loss rises to 6 by step 200 and falls "
                  "below 3, D's outputs end near 0.8 and 0.2; below, G's loss climbs to 15, "
                  "D's falls towards 0, and D's outputs part to almost 1 and 0")

# %% [markdown] tags=["lang-zh", "caption"]
r"""
**图 3-6** 上：对照。下：初始权重取 N(0, 1)。右边是 D 对真图和假图的输出。对照里 D 起初遥遥领先，200 步之后 G 追回一些，D 仍领先；下面那一次，D 的损失最后约是 0.3，比对照结束时低不了多少，G 的损失却升到 15，再也没有回头。
"""

# %% [markdown] tags=["lang-en", "caption"]
r"""
**Fig. 3-6** Above: the control. Below: first weights N(0, 1). On the right, D's outputs for real pictures and for fakes. In the control D is far ahead at first; after step 200 G makes up some ground, but D stays ahead. Below, D's loss ends at about 0.3, hardly lower than the control's, while G's climbs to 15 and stays there.
"""

# %% [markdown] tags=["lang-zh"]
r"""
## 卷积网络比全连接网络好多少？

上一课的网络和这一课的网络，放在同一把标准下比：同样的 32×32 数字，同样的非饱和损失、批大小 64、学习率 0.001、参数的指数滑动平均（EMA，0.995），同一个评估器（本课的分类器），只换网络。换的是整个网络：卷积的 G 和 D 还多一层，G 有批归一化（D 也有，用 R1 时除外），初始权重也不同。先训练一次卷积的：
"""

# %% [markdown] tags=["lang-en"]
r"""
## How much better are convolutional networks than fully connected ones?

Compare last lesson's networks and this lesson's by one metric: the same digits of 32×32, the same non-saturating loss, batches of 64, learning rate 0.001 and exponential moving average of the weights (EMA, 0.995), one evaluator (the classifier of this lesson); only the networks differ. They differ as a whole: the convolutional G and D also have one more layer, G has batch normalisation (and so has D, except under R1), and the first weights are drawn differently. First train the convolutional ones:
"""

# %%
digit_steps = runtime.at_scale(smoke=20, default=800, full=20_000)
game = recipes.dcgan(32, channels=1, features=16, latent=64, batch=64, lr=1e-3, ema=0.995)
fit(game, digits, digit_steps, snapshot_every=max(1, digit_steps // 4))
show.filmstrip(game.snapshots, pictures=16,
               alt="Five rows of sixteen pictures from the same noise: even grey at step 0, blurred "
                   "strokes at step 200; at step 800 white shapes, about half of which can be "
                   "read as digits")

# %% [markdown] tags=["lang-zh", "caption"]
r"""
**图 3-7** 同一组噪声在 0、200、400、600、800 步时的图。笔画越来越清楚；到第 800 步，大约一半认得出是哪个数字。第 0 步一片灰，是因为评估模式用的滑动平均还没有见过任何一批图。
"""

# %% [markdown] tags=["lang-en", "caption"]
r"""
**Fig. 3-7** What the same noise becomes at steps 0, 200, 400, 600 and 800. The strokes become clearer; at step 800 about half can be read as digits. Step 0 is evenly grey because evaluation mode uses moving averages that have not seen a batch yet.
"""

# %% [markdown] tags=["lang-zh"]
r"""
再看 `python -m studies.lesson03 networks` 的记录，各 3 个种子。比两次：步数相等，和时间相等（全连接的一步便宜得多，同样的处理器时间里可以多走许多步）。设置也有两种，网络之外都相同：DCGAN 的 `betas=(0.5, 0.999)`；上一课的 R1（$\gamma = 3$，每 4 步一次）和 `betas=(0.0, 0.99)`。用 R1 时，卷积的 D 不用批归一化，因为惩罚的是每张图各自的梯度，不能取决于同一批里的其他图。
"""

# %% [markdown] tags=["lang-en"]
r"""
Now the record of `python -m studies.lesson03 networks`, 3 seeds each. We compare twice: at equal steps, and at equal seconds (a fully connected step is so much cheaper that the same processor time allows many more of them). There are two settings, the same for both kinds of network: DCGAN's `betas=(0.5, 0.999)`; and last lesson's R1 ($\gamma = 3$, on every 4th step) with `betas=(0.0, 0.99)`. Under R1 the convolutional D has no batch normalisation: the penalty is on the gradient of each picture by itself, which must not depend on the other pictures in the batch.
"""

# %%
networks = study("networks")


def middle(runs, key):
    """Return the mean of one number over the seeds."""
    return sum(run[key] for run in runs) / len(runs)


def compared(setting, kind):
    """Return a row of the table: steps, seconds, distances, classes, KL, confident, weights."""
    runs = list(networks["runs"][setting][kind].values())
    steps = "  ".join(f"{run['step']:,}" for run in runs)
    return [steps, f"{middle(runs, 'seconds'):.0f}", column(runs, "fd_digits", "{:.2f}"),
            column(runs, "classes", "{}"), f"{middle(runs, 'kl'):.3f}",
            f"{middle(runs, 'confident'):.0%}", f"{sum(runs[0]['weights']):,}"]


table([("网络", "networks"), ("步数", "steps"), ("秒", "s"),
       ("弗雷歇距离", "Fréchet distance"), ("类别数", "classes"), "KL",
       ("有把握", "confident"), ("权重，G 和 D", "weights, G and D")],
      [[words, *compared(setting, kind)]
       for setting, title in (("DCGAN", ("DCGAN：", "DCGAN: ")),
                              ("R1, as in lesson 02", ("R1：", "R1: ")))
       for kind, words in (
           ("convolutional", (title[0] + "卷积", title[1] + "convolutional")),
           ("fully connected, equal steps",
            (title[0] + "全连接，步数相等", title[1] + "fully connected, equal steps")),
           ("fully connected, equal seconds",
            (title[0] + "全连接，时间相等", title[1] + "fully connected, equal seconds")))])

# %% [markdown] tags=["lang-zh"]
r"""
步数相等，卷积网络远远胜出：距离是全连接的五分之一到四分之一左右，权重也少得多（149,408 对 674,049）。时间相等，结论反过来：全连接的一步只花卷积的四分之一，同样的时间可以走四倍的步数，两种设置、每个种子都是全连接的距离更近，分类器有把握的样本也更多。

这不是说卷积没有用。这一对网络每一步学到的更多，是真的；不过两对网络差的不止卷积（批归一化、初始权重、层数也不同），功劳各占多少，我们没有量。贵也是真的，而贵多少取决于处理器：这里是一个 CPU 线程，显卡上卷积通常便宜得多。数字可能还是对卷积偏不利的图：小，灰度，端端正正摆在中央，“眼睛挪几格还是眼睛”派不上用场；图更大、更杂时会怎样，这里没有量。

## 彩色人脸：从 DCGAN 到 SN-GAN（谱归一化）

最后是彩色人脸：代码画出的玩具人脸，32×32，不是任何人的照片。每张脸由七个**因素**（factor）决定：肤色、发色、发型、眼镜、嘴、衣服、背景。完整的一套，每个因素都有许多取值；这里用的**核心集**（`core=True`）只留一种发色、一种衣服，其余五个因素有 3 · 4 · 2 · 2 · 2 = 96 种组合，漏了谁可以一个一个数出来。

先用 DCGAN 自己的做法，再换上两件新东西，D 的归一化和另一个损失：

- **谱归一化**（spectral normalisation，[Miyato 等，2018](https://arxiv.org/abs/1802.05957)）代替 D 的批归一化。把一个卷积核写成矩阵 $W$（每个输出通道一行），除以它的最大奇异值：

$$\bar{W} = \frac{W}{\sigma(W)}, \qquad \sigma(W) = \max_{\lVert h \rVert = 1} \lVert W h \rVert$$

- **合页损失**（hinge loss，[Lim 和 Ye，2017](https://arxiv.org/abs/1705.02894)；Miyato 等人也用它）代替非饱和损失。D 判对、而且超出间隔 1 的样本不再计入（$l$ 和第 02 课一样，是 D 不经 sigmoid 的输出 logit）：

$$L_D = \mathbb{E}_x \max(0,\, 1 - l(x)) + \mathbb{E}_z \max(0,\, 1 + l(G(z))), \qquad L_G = -\mathbb{E}_z\, l(G(z))$$

$\sigma(W)$ 是 $W$ 最多把一个向量拉长几倍。$W$ 还不是卷积本身的矩阵：核宽 4、步长 2 时，每个像素要进入 4 个小块，所以这一层最多拉长 $2\sigma(W)$ 倍；除以 $\sigma(W)$ 之后，每层至多 2 倍，整个 D 就不会太陡。这和 R1 的想法相近（那里只压低真图处的梯度，这里处处都有上限），却不用再求一次梯度。合在一起，加上 Adam 的 `betas=(0.0, 0.9)` 和逐渐减小到 2% 的学习率，就是 `recipes.sngan`。$\sigma(W)$ 不精确求出：训练中每次前向都用一步幂迭代（power iteration）改进估计：记住一个向量，用 $W$ 和 $W^\top$ 各乘一次、再归一化，它就转向被拉得最长的方向（第 06 课练习 3 会写它；这里的 $\sigma$ 不是 sigmoid）。所以下面先让 D 空跑 20 遍，等估计准了，再看谱归一化做了什么：
"""

# %% [markdown] tags=["lang-en"]
r"""
At equal steps the convolutional networks win by far: their distance is about a fifth to a quarter of that of the fully connected ones, with far fewer weights (149,408 against 674,049). At equal seconds the verdict is reversed: a fully connected step takes a quarter of the time, and with four times the steps the fully connected networks are closer in both settings and on every seed, and the classifier is sure of more of their samples.

That is not to say that convolution is useless. This pair does learn more from each step; but the two pairs differ in more than convolution (batch normalisation, first weights, the number of layers), and how much each contributes we have not measured. It is also expensive, and how expensive depends on the processor: here it is one thread of a CPU, and on a graphics card convolutions are usually much cheaper. And digits may suit it rather badly: small, grey, and placed upright in the centre, so that little is gained from "an eye that moves is still an eye"; what larger and richer pictures would say, we have not measured.

## Faces in colour: from DCGAN to SN-GAN (spectrally normalised)

Finally, faces in colour: toy faces drawn by code, 32×32, nobody's photograph. Each toy face is drawn from seven **factors**: skin, hair colour, hair style, glasses, mouth, shirt, background. The full set has many values for each; the **core set** (`core=True`) used here keeps one hair colour and one shirt, and of the other five factors 3 · 4 · 2 · 2 · 2 = 96 combinations, few enough to list the missing ones.

First comes DCGAN's own recipe, then two new things, a normalisation of D and another loss:

- **Spectral normalisation** ([Miyato et al. 2018](https://arxiv.org/abs/1802.05957)) in place of D's batch normalisation. Write a kernel as a matrix $W$ (a row for each output channel) and divide it by its largest singular value:

$$\bar{W} = \frac{W}{\sigma(W)}, \qquad \sigma(W) = \max_{\lVert h \rVert = 1} \lVert W h \rVert$$

- **The hinge loss** ([Lim and Ye 2017](https://arxiv.org/abs/1705.02894); Miyato et al. use it, too) in place of the non-saturating one. A sample that D judges correctly by a margin of more than 1 no longer counts ($l$ is D's logit, its output without a sigmoid, as in lesson 02):

$$L_D = \mathbb{E}_x \max(0,\, 1 - l(x)) + \mathbb{E}_z \max(0,\, 1 + l(G(z))), \qquad L_G = -\mathbb{E}_z\, l(G(z))$$

$\sigma(W)$ is the most by which $W$ can stretch a vector. $W$ is not yet the matrix of the convolution: with kernel 4 and stride 2 each pixel enters 4 patches, so the layer stretches by at most $2\sigma(W)$; after the division by $\sigma(W)$ that is 2 a layer, and D as a whole cannot be too steep. The idea is related to that of R1 (which asks for a small gradient at real pictures only, where this is a bound everywhere), without a second gradient. Together with Adam's `betas=(0.0, 0.9)` and a learning rate that falls to 2% this is `recipes.sngan`. $\sigma(W)$ is not computed exactly: in training each forward pass improves the estimate by one step of power iteration: keep a vector, multiply it by $W$ and by $W^\top$, normalise it, and it turns to the direction that is stretched most (lesson 06, exercise 3, writes it; this $\sigma$ is not the sigmoid). So the code below first passes 20 batches through D, until the estimate is accurate, and then shows what spectral normalisation does:
"""

# %% tags=["nbval-ignore-output"]
def largest(network):
    """Return the largest singular value of each kernel of D, as a matrix with a row a channel."""
    with torch.no_grad():
        return [float(torch.linalg.matrix_norm(part.weight.flatten(1), ord=2))
                for part in network.modules() if isinstance(part, nn.Conv2d)]


torch.manual_seed(0)
spectral_d = dcgan.critic(32, 1, features=16, norm="spectral")
for _ in range(20):  # in training mode each pass makes the estimate of sigma better
    spectral_d(torch.randn(4, 1, 32, 32))
say("D 四个卷积核的最大奇异值：图 3-7 的 D，训练之后 {plain}；带谱归一化的 D {spectral}。",
    "Largest singular values of D's four kernels: in the D of Fig. 3-7, after training, {plain}; "
    "in a D with spectral normalisation {spectral}.",
    plain="  ".join(f"{s:.2f}" for s in largest(game.critic)),
    spectral="  ".join(f"{s:.2f}" for s in largest(spectral_d)))

# %% [markdown] tags=["lang-zh"]
r"""
带谱归一化的 D 还没有训练；它的四个数按做法就是 1.00，只差在 $\sigma(W)$ 的估计上；训练中也应当接近 1，这里没有量。图 3-7 的 D 里，中间两个核后面是批归一化，会抵消核的大小，所以那两个数说明不了什么，只看得出它们没有受到限制。谱归一化也不只是压低：第一个核不到 0.2，若也除以 $\sigma(W)$，就放大成了 1。

两种做法，`python -m studies.lesson03 faces` 按同样的处理器时间（计划每次 60 秒，一个线程；实际上 DCGAN 用了 51 到 59 秒，SN-GAN 用了 59 到 64 秒）各训练了 3 个种子，G 的网络相同，学习率都是 0.001：
"""

# %% [markdown] tags=["lang-en"]
r"""
The D with spectral normalisation is untrained, and its four numbers are 1.00 by construction, up to the error in the estimate of $\sigma(W)$; in training they should stay close to 1, which was not measured here. In the D of Fig. 3-7 the two inner kernels are followed by batch normalisation, which undoes their size, so those two numbers only show that nothing limits them. Spectral normalisation can also enlarge: the first kernel's number, below 0.2, would become 1 when divided by $\sigma(W)$.

`python -m studies.lesson03 faces` trained both recipes for the same processor time (60 seconds a game as planned, one thread; as played 51 to 59 for DCGAN, 59 to 64 for SN-GAN) on 3 seeds each, with the same kind of G and a learning rate of 0.001:
"""

# %%
painted = study("faces")


def reached(recipe):
    """Return a row of the table of faces."""
    runs = list(painted["runs"][recipe].values())
    return [f"{runs[0]['step']:,}", column(runs, "seen", "{}"), column(runs, "reverse_kl", "{:.2f}"),
            column(runs, "counted", "{:.0%}"), column(runs, "fd_factors", "{:.0f}")]


real = painted["real"]
table([("做法", "recipe"), ("步数", "steps"), ("组合数（共 96）", "combinations (of 96)"),
       ("反向 KL", "reverse KL"), ("算数的比例", "counted"),
       ("弗雷歇距离", "Fréchet distance")],
      [[("DCGAN", "DCGAN"), *reached("DCGAN")],
       [("SN-GAN", "SN-GAN"), *reached("and SN-GAN's Adam")],
       [("4,000 张真图", "4,000 real ones"), "", str(real["seen"]), f"{real['reverse_kl']:.2f}",
        f"{real['counted']:.0%}", f"{real['fd_factors']:.1f}"]])

# %% [markdown] tags=["lang-zh"]
r"""
怎么读：一个小网络，读图网络（`reader`），逐张认出各个因素。它学过每个因素的全部取值，所以也认得出核心集里没有的。七个因素个个都有九成以上的把握，这样的样本是 sure；其中有的取值核心集里没有，是 outside；其余的才**算数**（counted），所以 counted = sure − outside。很有把握地认成核心集里没有的发型，不算。组合数只在算数的样本里统计；反向 KL 是各组合的比例离均匀有多远，就是第 02 课的 $\mathrm{KL}(q \Vert p)$，$q$ 是生成的比例，写在前面，所以叫“反向”；弗雷歇距离用这个小网络的特征，和上面数字的距离、和论文里的 FID 都不能相比。

同样的时间里，SN-GAN 画出 81 到 87 种组合，DCGAN 只有 26 到 63 种（它算数的图少，282 到 375 张对 846 到 915 张；但同样多张、完全均匀的样本，也会有 91 到 94 种）；算数的样本占 21% 到 23%，对 7% 到 9%；反向 KL 和弗雷歇距离也都分得开（算数的样本少，本身就会给 DCGAN 0.13 到 0.17 的反向 KL，给 SN-GAN 0.05 到 0.06）。不论看哪一个指标，SN-GAN 的 3 个种子全都胜过 DCGAN 的 3 个，碰巧的机会是 $1 / \binom{6}{3} = 1/20$。这里同时改了四样：D 的归一化、损失、`betas`、学习率的衰减，所以不能说功劳归哪一样；想知道，就要像上面那样一次只改一处。

即使是 SN-GAN，离真图也还差得远。读图网络有把握的有 41% 到 43%，其中将近一半认成了核心集里没有的值，所以在有把握的样本里，算数的只占一半多一点。

下面用 SN-GAN 训练得久一些：
"""

# %% [markdown] tags=["lang-en"]
r"""
How to read it: a small network, the reading network (`reader`), recognises the factors of each sample. It has learned all values of every factor, so it also recognises those that the core set leaves out. A sample is called **sure** if the network is at least nine-tenths sure of each of the seven factors, and **outside** if, besides, one of the values read is not in the core set; the other sure ones are **counted**, so counted = sure − outside. A hair style that is not in the core set, however confidently recognised, does not count. Combinations are those among the counted; the reverse KL says how far their shares are from even, and is lesson 02's $\mathrm{KL}(q \Vert p)$, "reverse" because $q$, the generated shares, stands first; the Fréchet distance is in features of this small network and must be compared neither with that of the digits above nor with the FID of papers.

In the same time SN-GAN paints 81 to 87 combinations and DCGAN only 26 to 63 (fewer of its samples count, 282 to 375 against 846 to 915; but as many even samples would still show 91 to 94 combinations); 21% to 23% of its samples are counted, against 7% to 9%; the reverse KL and the Fréchet distance separate the two recipes as well (having so few samples that count would by itself give DCGAN a reverse KL of 0.13 to 0.17, SN-GAN one of 0.05 to 0.06). By luck alone, the 3 seeds of SN-GAN would all beat the 3 of DCGAN with a chance of $1 / \binom{6}{3} = 1/20$, on any one of these measures. Four things changed at once, the normalisation in D, the loss, the `betas` and the fading learning rate, so we cannot say which of them deserves the credit; to find out, change one at a time, as above.

SN-GAN, too, is far from real pictures. The reading network is sure of 41% to 43% of its samples, but reads nearly half of these as values that the core set does not have, so that little more than half of the sure ones count.

Here is a longer game with SN-GAN:
"""

# %%
face_steps = runtime.at_scale(smoke=800, default=2000, full=20_000)
faces = data.toy_faces(10_000, size=32, core=True)
painter = recipes.sngan(32, features=24, batch=32, lr=2e-3, steps=face_steps, ema=0.995,
                        precision="auto")
fit(painter, faces, face_steps)
portraits = painter.sample(4000, ema=True)
show.gallery({"real": faces.images[:10], "generated": portraits[:20]}, columns=10,
             alt="Ten real toy faces above twenty generated ones: cartoon faces with hair, "
                 "glasses and striped shirts, speckled, some with smeared eyes and mouths")

# %% [markdown] tags=["lang-zh", "caption"]
r"""
**图 3-8** 上：真图。下：生成的 20 张人脸，没有挑选过。发型、肤色、背景和条纹衣服都认得出；有些图噪点多，有的眼睛和嘴糊成一团，少数背景绿里带粉、粉里带灰。
"""

# %% [markdown] tags=["lang-en", "caption"]
r"""
**Fig. 3-8** Above: real ones. Below: 20 generated faces, not chosen. Hair, skin, backgrounds and striped shirts can be recognised; some are speckled, some eyes and mouths are smeared, and a few backgrounds have pink in the green or grey in the pink.
"""

# %% tags=["nbval-ignore-output"]
print(measure.factor_coverage(portraits, faces))

# %% [markdown] tags=["lang-zh"]
r"""
`uniform` 和 `floor` 是参照：同样多（counted）的完全均匀的样本，平均有多少种组合，反向 KL 平均是多少。每个因素的第一个数是有效取值数：各取值的比例，相当于几个同样常见的取值。

本课分给人脸的时间只够到这里。同样的损失，G 和 D 各加宽三分之一，批大小加倍，学习率减半，真图从 10,000 张增加到 20,000 张，训练 8,000 步（五六分钟，两个核心），是这个样子，最上面两排是真图。这次训练的 96 种组合都有，反向 KL 是 0.059（种子 0；另外四个种子是 0.057 到 0.152），算数的在 56% 和 63% 之间（当时没有直接记下，只知道这个范围；见 README 和 `studies/faces32.json`）：

![两排真图下面是 96 张生成的卡通人脸：发型、眼镜和条纹衣服都认得出，有些边缘毛糙](../images/five_minutes_faces.png)
"""

# %% [markdown] tags=["lang-en"]
r"""
`uniform` and `floor` are for reference: how many combinations as many (counted) perfectly even samples would have on average, and what reverse KL. The first number of each factor is its effective number of values: how many equally frequent values its shares amount to.

This is as far as the time that this lesson has for faces will go. The same loss with networks a third wider, batches twice as large, half the learning rate and 20,000 real pictures in place of 10,000, trained for 8,000 steps (five to six minutes, two cores), gives these, below two rows of real ones. This run has all 96 combinations, a reverse KL of 0.059 (seed 0; four other seeds have 0.057 to 0.152), and between 56% and 63% counted (at the time only this range was recorded; see the README and `studies/faces32.json`):

![Below two rows of real ones, 96 generated cartoon faces: hair styles, glasses and striped shirts can be recognised, and some edges are rough](../images/five_minutes_faces.png)
"""

# %% [markdown] tags=["lang-zh"]
r"""
## 隐空间：一个因素一个方向

G 把 64 维的隐空间（latent space）变成了人脸。在这个空间里能不能找到“眼镜的方向”？做法来自论文：收集画出的图有这个特征的 $z$，求平均，减去没有这个特征的 $z$ 的平均：

$$v = \frac{1}{|A|}\sum_{z \in A} z \; - \; \frac{1}{|B|}\sum_{z \in B} z$$

$A$ 是有这个特征的 $z$，$B$ 是没有的。论文靠人眼挑图，每一类平均 3 个 $z$；我们让读图网络来分，用多少都行。对四个因素各求一个方向，从同一个 $z$ 出发，沿方向前后走。每张图下面是读图网络给出的概率，例如“戴圆眼镜”的概率：
"""

# %% [markdown] tags=["lang-en"]
r"""
## Latent space: one direction for each factor

G turns a latent space of 64 dimensions into faces. Is there a "direction of glasses" in it? The paper's way to find one: collect the $z$ whose pictures have the feature, average them, and subtract the average of the $z$ whose pictures lack it:

$$v = \frac{1}{|A|}\sum_{z \in A} z \; - \; \frac{1}{|B|}\sum_{z \in B} z$$

$A$ holds the $z$ with the feature, $B$ those without. The paper chose pictures by eye and averaged 3 $z$ of each kind; we let the reading network choose, and can afford many. For each of four factors find its direction, start from one $z$, and walk back and forth along it. Below each picture stands the probability that the reading network gives, such as that of round glasses:
"""

# %%
reader = measure.factor_reader(faces)
known = sample_noise(4000, painter.latent, torch.Generator().manual_seed(3))
values, certainty = reader.read(generate(painter.generator_ema, known))
sure = certainty >= 0.9
WANTED = {"glasses": "round", "mouth": "open", "background": "rose", "skin": "cocoa"}


def index(factor):
    """Return which value of a factor is the wanted one."""
    return data.FACE_FACTORS[factor].index(WANTED[factor])


directions = {factor: latent.direction(known[sure], values[factor][sure] == index(factor))
              for factor in WANTED}
start = known[sure & (values["glasses"] == 0) & (values["mouth"] == 0)
              & (values["background"] == 1) & (values["skin"] == 2)][0]
rows = {}
for factor, v in directions.items():
    frames = generate(painter.generator_ema, start + torch.linspace(-1, 2, 7)[:, None] * v)
    seen = reader.probabilities(frames)[factor][:, index(factor)]
    rows[f"{factor}: {WANTED[factor]}, t = -1 ... 2"] = frames, [f"{p:.2f}" for p in seen]
show.labelled(rows, scale=4, alt="Four rows of seven faces with probabilities below: along glasses "
                 "the skin darkens and the hair grows long, along mouth long hair gives way to a "
                 "bun, along background the third picture is partly pink, along skin the hair "
                 "turns curly")

# %% [markdown] tags=["lang-zh", "caption"]
r"""
**图 3-9** 每排是 $z + t\,v$，$t$ 从 −1 到 2；$t = 0$（第三张）是同一张脸。看第一排：从 $t = 0$ 到 $t = 0.5$，眼镜的概率从 0.00 跳到 0.99，肤色也跟着变深，背景变粉；再往前，头发变长，肤色更深，眼镜反而看不清，概率落到 0.10 至 0.31。第二排：长发先变成短发；嘴张开的同时长出发髻，背景里的粉色也褪去。第三排：$t = 0$ 的背景绿里带粉，$t = 0.5$ 起全是粉的，脸上还多了眼镜。第四排：肤色由浅变深，头发也由短变卷。没有一个方向只改变它自己的因素。
"""

# %% [markdown] tags=["lang-en", "caption"]
r"""
**Fig. 3-9** Each row is $z + t\,v$ with $t$ from −1 to 2; $t = 0$, the third picture, is the same face in all. First row: from $t = 0$ to $t = 0.5$ the probability of glasses jumps from 0.00 to 0.99, the skin darkens along with it and the background turns pink; further on the hair grows long, the skin gets darker still, the glasses blur, and the probability drops to between 0.10 and 0.31. Second row: long hair gives way to short hair; as the mouth opens a bun grows, and the pink leaves the background. Third row: at $t = 0$ there is pink in the green background, from $t = 0.5$ on all of it is pink, and the face gets glasses, too. Fourth row: the skin goes from light to dark, and short hair turns curly. No direction changes its own factor alone.
"""

# %% [markdown] tags=["lang-zh"]
r"""
这些因素是离散的：背景不是绿就是粉，数据里没有中间的颜色。G 却是 $z$ 的连续函数，从绿到粉只能混合，或者在很短的一段里突变。所以看到半绿半粉，或者突然跳变，都不能说 G 把训练图背了下来；有没有照抄，要用上一课的检验（`measure.copy_test`，带阳性和阴性两个对照）。

### 向量算术，数一数

论文里最有名的一张图是“戴眼镜的男人”减“不戴眼镜的男人”加“不戴眼镜的女人”。能成功几次？取 500 个画出来不戴眼镜的 $z$，各加上眼镜的方向 $v$，让读图网络数有多少张戴上了圆眼镜（最可能的值），又有多少张它对七个因素都有把握（概率都不低于 0.9）、戴上了、而且**另外四个因素**（肤色、发型、嘴、背景）都没有变。对照有两个：同样长的随机向量；随便取一个 $z$ 就戴眼镜的比例（只在有把握的样本里数）。
"""

# %% [markdown] tags=["lang-en"]
r"""
These factors are discrete: the background is green or pink, and the data have no colour in between. But G is a continuous function of $z$; from green to pink it can only blend, or switch within a short stretch. So neither half-and-half pictures nor sudden jumps show that G has learned its training pictures by heart; for copies there is last lesson's test (`measure.copy_test`, with its two controls).

### Vector arithmetic, counted

The most famous figure of the paper is "man with glasses" minus "man without glasses" plus "woman without glasses". How often does it succeed? Take 500 $z$ that paint no glasses, add the direction $v$ of glasses to each, and let the reading network count how many get round glasses (as the most probable value), and of how many it is sure (of all seven factors, at least 0.9 each), sees glasses, and finds **four other factors** (skin, hair style, mouth, background) all unchanged. There are two controls: a random vector of the same length, and the share of glasses among arbitrary $z$ (of those the network is sure of).
"""

# %%
fresh = sample_noise(4000, painter.latent, torch.Generator().manual_seed(4))
seen, certainty = reader.read(generate(painter.generator_ema, fresh))
without = fresh[(certainty >= 0.9) & (seen["glasses"] == 0)][:500]
anyhow = torch.randn(painter.latent, generator=torch.Generator().manual_seed(5))
anyhow *= directions["glasses"].norm() / anyhow.norm()
show.gallery({"z": generate(painter.generator_ema, without[:8]),
              "z + v": generate(painter.generator_ema, without[:8] + directions["glasses"]),
              "z + a random vector of the same length":
                  generate(painter.generator_ema, without[:8] + anyhow)}, columns=8,
             alt="Three rows of eight faces: without glasses; with the direction added, when "
                 "some have got glasses, some darker skin, one longer hair and one a partly pink "
                 "background; with a random vector added, no glasses, but the same hair and pink")

# %% [markdown] tags=["lang-zh", "caption"]
r"""
**图 3-10** 上：8 个不戴眼镜的 $z$。中：加上眼镜的方向。下：加上同样长的随机向量。中间一排，第 1、2、4、8 张看得出眼镜，其余的看不准；第 1、3、5、8 张的肤色变深了。第 1 张的头发变长、第 6 张的背景有一部分变粉，不能算在方向头上：最下面一排也是这样。最下面一排没有一张戴上眼镜。
"""

# %% [markdown] tags=["lang-en", "caption"]
r"""
**Fig. 3-10** Above: 8 $z$ without glasses. Middle: with the direction of glasses added. Below: with a random vector of the same length added. In the middle row 1, 2, 4 and 8 have got glasses, and of the others it is hard to tell; the skin of 1, 3, 5 and 8 is darker. That 1 has longer hair and part of 6's background turns pink cannot be put down to the direction: the bottom row has both. None of the bottom row has got glasses.
"""

# %% tags=["nbval-ignore-output"]
def added(vector):
    """Return how many get glasses, and how many do with certainty and nothing else changed."""
    before, _ = reader.read(generate(painter.generator_ema, without))
    now, certainty = reader.read(generate(painter.generator_ema, without + vector))
    glasses = now["glasses"] == 1
    kept = torch.stack([now[factor] == before[factor]
                        for factor in ("skin", "hair_style", "mouth", "background")]).all(0)
    return float(glasses.float().mean()), float((glasses & kept & (certainty >= 0.9)).float().mean())


say("本课的 G：加上眼镜的方向，{with_v:.0%} 戴上了眼镜，有把握地戴上、别的都没变的占 {alone:.0%}；"
    "加上随机向量是 {at_random:.0%} 和 {random_alone:.0%}。",
    "The lesson's G: with the direction of glasses {with_v:.0%} wear glasses, {alone:.0%} with "
    "certainty and nothing else changed; with a random vector it is {at_random:.0%} and "
    "{random_alone:.0%}.",
    **dict(zip(("with_v", "alone"), added(directions["glasses"]), strict=True)),
    **dict(zip(("at_random", "random_alone"), added(anyhow), strict=True)))

# %%
found = study("latent")


def counts(what):
    """Return two numbers of the arithmetic, of each seed."""
    runs = [run[what] for run in found["arithmetic"].values()]
    return [column(runs, "length"), column(runs, "glasses", "{:.0%}"),
            column([run["same"] for run in runs], "skin", "{:.0%}"),
            column(runs, "nothing else changed", "{:.0%}")]


table([("加上什么（3 个种子的 G）", "what is added (G of 3 seeds)"), ("长度", "length"),
       ("戴上眼镜", "glasses"), ("肤色没变", "same skin"),
       ("有把握地戴上，别的都没变", "with certainty, and nothing else changed")],
      [[("方向，每类平均 30 个 z", "the direction, 30 z of each kind"), *counts("direction, 30 z")],
       [("同样长的随机向量", "a random vector as long"), *counts("random, 30 z")],
       [("方向，用上全部 z", "the direction, all z"), *counts("direction, all z")],
       [("同样长的随机向量", "a random vector as long"), *counts("random, all z")],
       [("不加：随便取一个 z（只数有把握的）", "nothing: any z (of the sure ones)"), "",
        column(found["arithmetic"].values(), "glasses among fresh samples", "{:.0%}"), "", ""]])

# %% [markdown] tags=["lang-zh"]
r"""
表里是上一节的三个 SN-GAN（每次 60 秒）。加上眼镜的方向，64% 到 73% 戴上了眼镜；同样长的随机向量只有 0% 到 17%（每个种子只试了一个，它对整张脸的改变也小得多）。换一个对照：随便另取一个 $z$，本来就有 48% 到 53% 戴眼镜，方向只比它多出 11 到 25 个百分点（两边都只数读图网络有把握的，是 12 到 25）。方向确实指向眼镜；可是一个好的方向，还应当让别的都不变。再看后两栏：肤色只有 19% 到 41% 没变，随机向量是 66% 到 94%；有把握地戴上、别的都没变的，只有 0% 到 5%，随机向量也有 0% 到 3%：按这个数法，方向几乎不比它强（加上方向之后，读图网络有把握的总共也只有 39% 到 45%）。所以这个“眼镜的方向”还带着肤色：它是两个平均值之差，如果在 G 自己的样本里戴眼镜的人肤色偏深或偏浅，这个差里就有肤色。每类只平均 30 个 $z$，方向更长（其中一部分是没有平均掉的噪声），眼镜的比例差不多。

论文挑了几张图，这里数了 1,500 张，是同一件事的两面：方向存在，但在这么短的训练之后，它影响的不止一个因素。“本课的 G”训练了两倍多的步数，每批的图少一半，学习率加倍：别的都没变的，这里是 15%（一个种子；换一种处理器是 10%）：好一些，仍然少见。

### $z$ 的长度

64 维的 $z \sim N(0, I)$，长度几乎总在 8 附近（标准差约 0.7），两个随机的 $z$ 几乎垂直。所以从一个 $z_0$ 沿**直线** $(1-t)\,z_0 + t\,z_1$ 走到 $z_1$，中点的长度只有约 0.71 倍；沿**圆弧**（spherical interpolation）走，两端一样长时，长度不变：

$$\frac{\sin((1-t)\,\theta)}{\sin\theta}\,z_0 + \frac{\sin(t\,\theta)}{\sin\theta}\,z_1$$

其中 $\theta$ 是两者的夹角。常有人说直线的中点落在训练时遇不到的地方，应当走圆弧。画得好不好是另一回事，要量。把 $z$ 整个缩到 0.3 倍、拉长到 3 倍，偏得更远（2.4 偏约 8 个标准差，24 偏约 23 个），先看图：
"""

# %% [markdown] tags=["lang-en"]
r"""
The table has the three SN-GANs of the section before, 60 seconds each. With the direction of glasses 64% to 73% wear glasses; with a random vector of the same length only 0% to 17% do (one vector for each seed, and it changes far less of the face altogether). Against the other control, an arbitrary new $z$, of which 48% to 53% wear glasses anyway, the direction gains no more than 11 to 25 percentage points (12 to 25 when both sides count only those of which the reading network is sure). It does point towards glasses; but a good direction should also leave everything else as it is. Look at the last two columns: skin is the same in only 19% to 41%, with a random vector in 66% to 94%; and glasses with certainty, with nothing else changed, are 0% to 5%, and 0% to 3% with the random vector: by this count the direction is hardly better (with the direction added, the reading network is sure of no more than 39% to 45% altogether). So this "direction of glasses" carries skin along: it is a difference of two means, and if in G's own samples people with glasses are darker or lighter than people without, skin is in that difference. With no more than 30 $z$ of each kind the direction is longer (part of it is noise that has not averaged out), and the share of glasses is much the same.

The paper chose a few pictures and we counted 1,500; these are two sides of one thing. The direction exists, but after training as short as this it does not govern one factor alone. "The lesson's G" has made more than twice the steps, in batches half as large and at twice the learning rate: with nothing else changed it is 15% here (one seed; 10% on another processor): better, and still rare.

### The length of $z$

In 64 dimensions the length of $z \sim N(0, I)$ is nearly always close to 8 (its standard deviation is about 0.7), and two random $z$ are nearly at right angles. So on the **straight line** $(1-t)\,z_0 + t\,z_1$ from $z_0$ to $z_1$ the middle is only about 0.71 times as long; on the **arc** (spherical interpolation) the length stays, if the ends are equally long:

$$\frac{\sin((1-t)\,\theta)}{\sin\theta}\,z_0 + \frac{\sin(t\,\theta)}{\sin\theta}\,z_1$$

where $\theta$ is the angle between the two. The middle of the line, it is often said, lies where training hardly ever went, so take the arc. Whether the pictures are worse is another question and has to be measured. To shorten $z$ to 0.3 or stretch it to 3 goes further astray (2.4 is about 8 standard deviations off and 24 about 23). First the pictures:
"""

# %%
show.gallery({f"z x {scale}": generate(painter.generator_ema, scale * known[:8])
              for scale in (0.3, 1, 3)}, columns=8, alt="Three rows of eight "
             "faces: pale, greyish and blurred at 0.3, as usual at 1, with glaring contrasts at 3")

# %% [markdown] tags=["lang-zh", "caption"]
r"""
**图 3-11** 同样 8 个 $z$，缩到 0.3 倍、原样、拉长到 3 倍。0.3 倍时灰而淡，人还分得开；3 倍时对比刺眼。
"""

# %% [markdown] tags=["lang-en", "caption"]
r"""
**Fig. 3-11** The same 8 $z$, shortened to 0.3, as they are, stretched to 3. At 0.3 they are pale and greyish, though one can still tell the people apart; at 3 the contrasts are glaring.
"""

# %%
def lengths(what):
    """Return the share that counts, the combinations and the variety, of each seed."""
    runs = [run[what] for run in found["lengths"].values()]
    return [column(runs, "counted", "{:.1%}"), column(runs, "seen", "{}"),
            column(runs, "variety", "{:.0f}")]


table([("z（3 个种子的 G）", "z (G of 3 seeds)"), ("张数", "pictures"), ("算数的比例", "counted"),
       ("组合数", "combinations"), ("像素的标准差", "standard deviation of pixels")],
      [[("随机的 z", "random z"), "4,000", *lengths("random z")],
       [("直线的中点", "half-way along the line"), "2,000", *lengths("half-way, line")],
       [("圆弧的中点", "half-way along the arc"), "2,000", *lengths("half-way, arc")],
       [("缩到 0.3 倍", "shortened to 0.3"), "4,000", *lengths("z x 0.3")],
       [("拉长到 3 倍", "stretched to 3"), "4,000", *lengths("z x 3")]])

# %% [markdown] tags=["lang-zh", "exercise"]
r"""
缩到 0.3 倍，几乎没有一张算数：越靠近 0，G 的输入越没有分别，图就越向同一张灰淡的脸靠拢（像素的标准差不到平常的六成）。拉长到 3 倍，对比更强烈，算数的比例却没有降低（按未取整的数，3 个种子依次高出 2.1、4.3 和 2.1 个百分点）。可见 $z$ 离训练时的分布远，读图网络不一定就认不出；这还不等于画得一样好，因为 counted 不管对比度自然不自然，图 3-11 里那种刺眼的对比，要用弗雷歇距离才量得出来，这里没有量。

直线的中点比圆弧的中点低 3 到 5 个百分点，3 个种子都如此（每个比例的标准误约 0.9 个百分点）：这里圆弧好一点，差得不多。两种中点各有 2,000 张图，其余三行各有 4,000 张；张数越多，数到的组合越多，所以组合数只能在张数相同的行之间比。

## 开放题：胜过对照

给小 DCGAN 换一套设置，使它在 600 步之后写出至少 9 种数字，而且弗雷歇距离低于 3.5；两个新的种子都要做到，批改时替你训练，约需半分钟。请写 `make(seed)`：每次调用都新建并返回一个还没有训练的 `train.Game`（例如 `ablations.changed("DCGAN", seed=seed, ...)`）；量的是 EMA 权重的 2,000 个样本。规则：批大小至多 32，`n_critic=1`，G 和 D 的权重至多比对照多 5%。损失、惩罚项、D 的归一化、学习率、`betas` 都可以改，网络也可以自己写。

动手之前先写下你打算改什么、根据哪一张表。没有达到，就一次只改一处，把每次的类别数和距离记下来。

<details><summary>提示一</summary>

对照在哪里吃亏：太慢，还是漏了数字？上一课和这一课各有一种办法管住 D。

</details>

<details><summary>提示二</summary>

`ablations.changed("DCGAN", seed=seed, critic=..., loss=..., betas=...)` 可以换 D 和 `train.Game` 的任何设置；造 D 之前先 `torch.manual_seed(seed)`。损失和惩罚项在 `gan_lessons.losses` 和 `gan_lessons.penalties` 里，要先导入；D 的归一化由 `dcgan.critic` 的 `norm` 决定。自己先用种子 0 试：`fit` 600 步，再用 `evaluator.report(game.sample(2000, ema=True))`。

</details>
"""

# %% [markdown] tags=["lang-en", "exercise"]
r"""
At 0.3 hardly any picture counts: the closer to 0, the less one input of G differs from the next, and all pictures move towards one pale face (the standard deviation of their pixels is less than six tenths of the usual). At 3 contrasts are stronger, and the share counted is no smaller (before rounding it is larger by 2.1, 4.3 and 2.1 percentage points on the 3 seeds). So the reading network can recognise pictures of $z$ that are far from anything drawn in training. That is not to say that they are as good: the share counted takes no notice of unnatural contrasts such as those of Fig. 3-11; a Fréchet distance would, and we have not measured it.

Half-way along the line the share is 3 to 5 points below half-way along the arc on all 3 seeds (each share has a standard error of about 0.9 points): here the arc is a little better, and not by much. Both rows of half-way points have 2,000 pictures, the other three rows have 4,000; more pictures find more combinations, so compare combinations only between rows with as many pictures.

## Open task: beat the control

Give the small DCGAN other settings, with which it writes at least 9 digits after 600 steps at a Fréchet distance below 3.5, on two new seeds; the checker trains it for you, which takes about half a minute. Write `make(seed)`: each call builds and returns a new, untrained `train.Game`, such as `ablations.changed("DCGAN", seed=seed, ...)`; what is measured is 2,000 samples of the EMA weights. The rules: batches of at most 32, `n_critic=1`, and at most 5% more weights in G and D than the control has. Loss, penalty, normalisation in D, learning rate and `betas` may change, and you may write networks of your own.

Before you start, write down what you will change and which table makes you think so. If the bar is missed, change one thing at a time and note the classes and the distance of each attempt.

<details><summary>Hint one</summary>

What does the control lack: is it too slow, or does it drop digits? Both the last lesson and this one have a way to keep D in check.

</details>

<details><summary>Hint two</summary>

`ablations.changed("DCGAN", seed=seed, critic=..., loss=..., betas=...)` replaces D and any setting of `train.Game`; call `torch.manual_seed(seed)` before you build a D. Losses and penalties are in `gan_lessons.losses` and `gan_lessons.penalties`, to be imported first; the normalisation in D is the `norm` of `dcgan.critic`. Try seed 0 yourself first: `fit` for 600 steps, then `evaluator.report(game.sample(2000, ema=True))`.

</details>
"""

# %%
def make(seed):
    return ...


verdict = check.beats_the_board(make)

# %% [markdown] tags=["lang-zh", "quiz"]
r"""
## 小测验

六道题。选错时，会说明错在哪里。
"""

# %% [markdown] tags=["lang-en", "quiz"]
r"""
## Quiz

Six questions. A wrong choice tells you what is wrong with it.
"""

# %%
lab.quiz("03")

# %% [markdown] tags=["lang-zh", "recap"]
r"""
## 小结

**边长**：转置卷积 $(n - 1)s - 2p + k$，卷积 $\lfloor (n + 2p - k)/s \rfloor + 1$；转置不是逆。$k$ 能被 $s$ 整除，结构本身才不带来棋盘格。

**DCGAN**：步长代替池化；中间没有全连接；批归一化，G 的输出层和 D 的输入层除外；G 用 ReLU 和 tanh，D 用 LeakyReLU；权重 $N(0, 0.02^2)$，批归一化的缩放 $N(1, 0.02^2)$；Adam 的 `betas=(0.5, 0.999)`。

**SN-GAN**（这里配合页损失）：D 的每个核除以 $\sigma(W)$；$L_D = \mathbb{E}_x \max(0, 1 - l(x)) + \mathbb{E}_z \max(0, 1 + l(G(z)))$，$L_G = -\mathbb{E}_z\, l(G(z))$，$l$ 是 D 的 logit。

**怎样下结论**：

| 问题 | 先做什么 | 再看什么 |
|---|---|---|
| 这处改动有没有用 | 量同一个种子的波动，再换几个种子 | 全部种子是否都分得开 |
| 这种网络是不是更好 | 同一个评估器，只换网络 | 步数相等和时间相等，两个都报 |
| 生成的脸好不好 | 同样多的真图作参照 | 算数的比例、组合数、反向 KL |
| 这个方向是不是眼镜 | 随机向量和任取的 $z$ 作对照 | 成功几次，别的因素变了没有 |
"""

# %% [markdown] tags=["lang-en", "recap"]
r"""
## Recap

**Sides**: transposed convolution $(n - 1)s - 2p + k$, convolution $\lfloor (n + 2p - k)/s \rfloor + 1$; a transpose is no inverse. Only if $k$ is divisible by $s$ is there no built-in checkerboard.

**DCGAN**: strides in place of pooling; nothing fully connected inside; batch normalisation, except at G's output and D's input; ReLU and tanh in G, LeakyReLU in D; weights $N(0, 0.02^2)$, batch normalisation's scale $N(1, 0.02^2)$; Adam with `betas=(0.5, 0.999)`.

**SN-GAN** (here with the hinge loss): every kernel of D is divided by $\sigma(W)$; $L_D = \mathbb{E}_x \max(0, 1 - l(x)) + \mathbb{E}_z \max(0, 1 + l(G(z)))$, $L_G = -\mathbb{E}_z\, l(G(z))$, where $l$ is D's logit.

**How to reach a verdict**:

| Question | First | Then look at |
|---|---|---|
| does this change matter | how far one seed varies; then several seeds | whether all seeds are told apart |
| is this network better | one evaluator, nothing but the networks changed | equal steps and equal seconds, both reported |
| are the faces good | as many real ones for reference | share counted, combinations, reverse KL |
| is this the direction of glasses | random vectors and arbitrary $z$ as controls | how often it succeeds, and what else changed |
"""

# %% [markdown] tags=["lang-zh", "going-further"]
r"""
## 延伸

- **放大。** `recipes.dcgan(64)` 就是 64×64 的 DCGAN，`features` 是 64（论文是 128，噪声取均匀分布）。有显卡就设 `GAN_LESSONS_SCALE=full`；64×64 的真人照片留到第 04 课，那里还会讨论肖像权与知情同意。
- **动手改。** 在 `ablations.CHANGES` 里加一条你自己的，比如把 D 的 `slope` 改成 0.5，先猜，再用 5 个种子量，按秩判断。
- **重算。** 本课的表由 `studies/lesson03.py` 算出，文件开头写着命令。
- **往前走。** 第 04 课换一种损失，Wasserstein 距离，网络还是这一套。
- **论文。** Radford 等，[Unsupervised Representation Learning with Deep Convolutional Generative Adversarial Networks](https://arxiv.org/abs/1511.06434)；Odena 等，“[Deconvolution and Checkerboard Artifacts](https://distill.pub/2016/deconv-checkerboard/)”，讲棋盘格；Dumoulin 和 Visin，[A guide to convolution arithmetic for deep learning](https://arxiv.org/abs/1603.07285)，讲各种边长公式；White，[Sampling Generative Networks](https://arxiv.org/abs/1609.04468)，主张走圆弧；Miyato 等，[Spectral Normalization for Generative Adversarial Networks](https://arxiv.org/abs/1802.05957)。
- **中文材料。** Datawhale 《动手学CV-Pytorch》的[DCGAN 一节](https://github.com/datawhalechina/dive-into-cv-pytorch/blob/master/docs/chapter05_gan/5_4.md)；《动手学深度学习》的转置卷积一节；李宏毅《机器学习》2021 年春的生成对抗网络四讲。
"""

# %% [markdown] tags=["lang-en", "going-further"]
r"""
## Going further

- **Scale up.** `recipes.dcgan(64)` is DCGAN at 64×64 with `features` of 64 (the paper has 128, and draws its noise uniformly). With a graphics card set `GAN_LESSONS_SCALE=full`; photographs of people at 64×64 wait for lesson 04, which also talks about portraits and consent.
- **Change something.** Add an entry of your own to `ablations.CHANGES`, such as a `slope` of 0.5 in D; guess first, then measure on 5 seeds and judge by ranks.
- **Recompute.** The tables of this lesson come from `studies/lesson03.py`; the commands stand at the top of the file.
- **Go on.** Lesson 04 has another loss, the Wasserstein distance, with these same networks.
- **Papers.** Radford et al., [Unsupervised Representation Learning with Deep Convolutional Generative Adversarial Networks](https://arxiv.org/abs/1511.06434); Odena et al., "[Deconvolution and Checkerboard Artifacts](https://distill.pub/2016/deconv-checkerboard/)"; Dumoulin and Visin, [A guide to convolution arithmetic for deep learning](https://arxiv.org/abs/1603.07285), with every rule for sizes; White, [Sampling Generative Networks](https://arxiv.org/abs/1609.04468), in favour of arcs; Miyato et al., [Spectral Normalization for Generative Adversarial Networks](https://arxiv.org/abs/1802.05957).
- **In Chinese.** The [DCGAN section](https://github.com/datawhalechina/dive-into-cv-pytorch/blob/master/docs/chapter05_gan/5_4.md) of Datawhale's course; the section on transposed convolution of Dive into Deep Learning; the four lectures on GANs in Hung-yi Lee's Machine Learning of spring 2021.
"""
