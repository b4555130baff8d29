# %% [markdown] tags=["lang-zh", "title"]
r"""
# 03 · DCGAN：卷积来画画

把上一课的全连接层换成卷积，再守几条规矩，同样的两步更新就能画数字，再换一种 D 和损失，也能画彩色的人脸。这些规矩从哪里来、哪一条真的碰不得，这一课逐条试给你看。

- **学完你会**：推导（转置）卷积的输出边长；说出 DCGAN 的每条规矩写在哪一行；每次只改一处，找出训练失败的原因；在隐空间里散步，并用数值说明哪条路更好走；查一查样本离训练图有多近，并知道这说明不了什么。
- **需要准备**：[第 02 课](02_mlp_gan_mnist.ipynb)的两步更新；知道卷积是什么，`nn.Conv2d` 的 `stride` 和 `padding` 各管什么。
- **用时**：阅读和练习 75 分钟；全部运行一遍约 4 分钟（两个 CPU 核心，不需要显卡，也不必联网）。
- **来历**：网络出自 Radford 等 2015 年的论文；[alexshuang 的《用 Pytorch 实现 WGAN》](https://github.com/alexshuang/wgan-pytorch)里也有一份，下文称作 `003`，它的 WGAN 部分留到第 04 课。`004` 就是上一课的那篇，它在结尾提到了 DCGAN。
"""

# %% [markdown] tags=["lang-en", "title"]
r"""
# 03 · DCGAN: painting with convolutions

Replace last lesson's fully connected layers with convolutions, keep a few rules, and the same two steps paint digits; with another D and loss, they paint faces in colour, too. This lesson shows where the rules come from and tries out, one by one, which of them really must not be broken.

- **You will be able to**: derive the output size of a (transposed) convolution; point to the line of code behind each rule of DCGAN; find out why training fails, one change at a time; walk through latent space and say in numbers which path is better; see how close samples are to training pictures, and what that does not prove.
- **You need**: the two steps of [lesson 02](02_mlp_gan_mnist.ipynb); to know what a convolution is and what `stride` and `padding` of `nn.Conv2d` do.
- **Time**: 75 minutes to read and do the exercises; about 4 minutes to run everything (two CPU cores, no graphics card, no internet connection).
- **Where it comes from**: the networks are from the paper by Radford et al. of 2015; [alexshuang's tutorial on WGAN in PyTorch](https://github.com/alexshuang/wgan-pytorch), in Chinese, has a version of them and is called `003` below; its WGAN has to wait for lesson 04. `004` is last lesson's tutorial, which mentions DCGAN at its end.
"""

# %%
import inspect

import torch
from torch import nn
from torch.nn.functional import conv2d, conv_transpose2d, interpolate

from gan_lessons import ablations, data, lab, latent, measure, recipes, runtime, show
from gan_lessons.exercises import lesson03 as check
from gan_lessons.nets import dcgan
from gan_lessons.train import HISTORY, fit, generate, sample_noise

runtime.set_threads(2)  # convolutions are large enough to gain from a second thread
lab.language_switch()

# %% [markdown] tags=["lang-zh", "what-changed"]
r"""
## 和上一课相比

换掉的是两个网络。非饱和损失和训练循环都不变；R1 不用了，Adam 改用 DCGAN 的 `betas=(0.5, 0.999)`。（最后画人脸时，D 和损失也会换。）

```diff
- game = recipes.source_004(penalty=penalties.r1, lr=1e-3, betas=(0.0, 0.99))
+ game = recipes.dcgan(32, channels=1, features=16, latent=64, batch=64)
- G = Linear(64, 256), ReLU, Linear(256, 256), ReLU, Linear(256, 784), Tanh
+ G = 64x1x1 -> 64x4x4 -> 32x8x8 -> 16x16x16 -> 1x32x32, Tanh
- D = Linear(784, 256), LeakyReLU, Linear(256, 256), LeakyReLU, Linear(256, 1)
+ D = 1x32x32 -> 16x16x16 -> 32x8x8 -> 64x4x4 -> 1
  fit(game, images, steps)
```
"""

# %% [markdown] tags=["lang-en", "what-changed"]
r"""
## What changed since the last lesson

New are the two networks. The non-saturating loss and the training loop stay; R1 is gone, and Adam has DCGAN's `betas=(0.5, 0.999)`. (For the faces at the end D and the loss change as well.)

```diff
- game = recipes.source_004(penalty=penalties.r1, lr=1e-3, betas=(0.0, 0.99))
+ game = recipes.dcgan(32, channels=1, features=16, latent=64, batch=64)
- G = Linear(64, 256), ReLU, Linear(256, 256), ReLU, Linear(256, 784), Tanh
+ G = 64x1x1 -> 64x4x4 -> 32x8x8 -> 16x16x16 -> 1x32x32, Tanh
- D = Linear(784, 256), LeakyReLU, Linear(256, 256), LeakyReLU, Linear(256, 1)
+ D = 1x32x32 -> 16x16x16 -> 32x8x8 -> 64x4x4 -> 1
  fit(game, images, steps)
```
"""

# %% [markdown] tags=["lang-zh"]
r"""
## 像素是有邻居的

在全连接层眼里，一张图只是一串数：把像素的次序打乱，只要每张都按同样的次序打乱，它学起来毫无分别。可是图片里相邻的像素关系密切，而且一只眼睛往左挪几格还是眼睛。**卷积**把这两点写进了网络：每个输出只看一小块邻居，每个位置用的是同一组权重。

判别器从图片走到一个分数，边长一次次减半；生成器反过来，从 4x4 出发，边长一次次加倍。下面是 `003` 的形状，图片 64x64，一格一层；论文的网络边长相同，通道多一倍：
"""

# %% [markdown] tags=["lang-en"]
r"""
## Pixels have neighbours

To a fully connected layer a picture is just a list of numbers: shuffle the pixels, the same way in every picture, and it learns neither better nor worse. But neighbouring pixels belong together, and an eye that moves a few pixels to the left is still an eye. A **convolution** builds both into the network: each output looks at a small neighbourhood only, and every place uses the same weights.

The discriminator goes from a picture to one score and halves the side again and again; the generator goes the other way, from 4x4, and doubles it. Here are the shapes of `003`, for pictures of 64x64, one block per layer; the networks of the paper have the same sides and twice as many channels:
"""

# %%
def count(network):
    return sum(p.numel() for p in network.parameters())


generator, discriminator = dcgan.pair(64, latent=100, features=64)
trails = {f"G: {count(generator):,} parameters":
          dcgan.shape_trail(generator, torch.zeros(1, 100)),
          f"D: {count(discriminator):,} parameters":
          dcgan.shape_trail(discriminator, torch.zeros(1, 3, 64, 64))}
show.staircase(trails, alt="Staircase of shapes: G grows from a 100x1x1 column to 512x4x4, then "
                           "doubles the side and halves the channels up to 3x64x64; D shrinks "
                           "from 3x64x64 to 512x4x4 and one score")
for title, trail in trails.items():
    print(title)
    print("  ", " -> ".join("x".join(map(str, shape[1:])) or "1" for _, shape in trail))

# %% [markdown] tags=["lang-zh"]
r"""
看 G：每上一级，边长加倍，通道减半。`100x1x1` 是噪声 $z$ 站成的一根柱子，`003` 里形状写作 `(B, 100, 1, 1)`；我们的网络收到的 $z$ 是一串数，由第一层把它立起来。D 是它的镜像。两个网络里没有池化，中间也没有全连接层；只有头尾例外：在 1x1 上做 4x4 的转置卷积，或者用 4x4 的卷积核盖住整个 4x4，其实就是矩阵乘法，也就是全连接。

只看邻居、共用权重，省下了多少？拿 32x32 的 G 的最后一层来数：
"""

# %% [markdown] tags=["lang-en"]
r"""
Look at G: with each step up the side doubles and the channels halve. `100x1x1` is the noise $z$ standing up as a column, `(B, 100, 1, 1)` in `003`; our networks take $z$ flat and stand it up in their first layer. D is the mirror image. Neither has pooling, and neither has a fully connected layer inside. Only the two ends are an exception: a transposed 4x4 convolution of 1x1, or a 4x4 kernel that covers all of a 4x4 picture, is a matrix multiplication, hence fully connected.

What do small neighbourhoods and shared weights save? Count the weights in the last layer of a G for 32x32:
"""

# %%
last = dcgan.generator(32, features=16)[-2]
print("from 16x16x16 to 3x32x32, transposed convolution:", f"{count(last):,} weights")
print("from 16x16x16 to 3x32x32, fully connected:       ",
      f"{16 * 16 * 16 * 3 * 32 * 32:,} weights")

# %% [markdown] tags=["lang-zh", "predict"]
r"""
## 转置卷积：盖章

怎样让图片变大？想象一枚印章，上面刻着卷积核。输入里的每一个数都盖一次章，数越大墨越浓；输入往右走一格，印章在输出上走 `stride` 格；墨迹重叠的地方相加；最后从四边各裁掉 `padding` 格。这就是**转置卷积**，`nn.ConvTranspose2d`。

### 先猜再跑 1：盖完有多大？

8x8 的输入，`kernel=4, stride=2, padding=1`，输出的边长是多少？

- A. 15
- B. 18
- C. 16
"""

# %% [markdown] tags=["lang-en", "predict"]
r"""
## Transposed convolution: stamping

How does a picture get larger? Think of a rubber stamp with the kernel cut into it. Every number of the input stamps once, in darker ink the larger the number; one place further in the input is `stride` places further in the output; where stamps overlap, the ink adds up; finally `padding` places are trimmed off each of the four sides. This is a **transposed convolution**, `nn.ConvTranspose2d`.

### Predict, then run 1: how large is the result?

An input of 8x8, with `kernel=4, stride=2, padding=1`: what is the side of the output?

- A. 15
- B. 18
- C. 16
"""

# %%
def by_hand(x, kernel, stride, padding):
    """Stamp the kernel once for every number of x, add where stamps overlap, trim the rim."""
    n, k = len(x), len(kernel)
    canvas = torch.zeros((n - 1) * stride + k, (n - 1) * stride + k)
    for row in range(n):
        for column in range(n):
            top, left = row * stride, column * stride
            canvas[top:top + k, left:left + k] += x[row, column] * kernel
    end = len(canvas) - padding
    return canvas[padding:end, padding:end]


chance = torch.Generator().manual_seed(0)
x, kernel = torch.randn(8, 8, generator=chance), torch.randn(4, 4, generator=chance)
stamped = by_hand(x, kernel, stride=2, padding=1)
by_torch = conv_transpose2d(x[None, None], kernel[None, None], stride=2, padding=1)[0, 0]
print("side of the output:", len(stamped))
print("by hand equals torch:", torch.allclose(stamped, by_torch, atol=1e-5))

# %% [markdown] tags=["lang-zh", "exercise"]
r"""
答案是 **C**，16：正好加倍，所以我们的网络和 `003` 一样，凡是加倍的地方都用这三个数。图上看得更清楚，四个数盖四次章，`stride` 是 2，不裁边：
"""

# %% [markdown] tags=["lang-en", "exercise"]
r"""
The answer is **C**, 16: exactly twice the side, which is why our networks, like those of `003`, use these three numbers wherever a side doubles. A small picture makes it plain: four numbers, four stamps, with `stride` 2 and nothing trimmed:
"""

# %%
ink = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
stamp = torch.tensor([[1.0, 1.0, 1.0], [1.0, 0.0, 1.0], [1.0, 1.0, 1.0]])
show.maps({"input, 2x2": ink, "stamp, 3x3": stamp,
           "output, 5x5": by_hand(ink, stamp, stride=2, padding=0)},
          alt="Three matrices: the input 1 2 3 4, a ring-shaped stamp of 3x3 and the 5x5 output, "
              "where the four stamped rings overlap and add up in the middle cross")

# %% [markdown] tags=["lang-zh", "exercise"]
r"""
### 练习 1：输出的边长

输入边长 $n$，印章宽 $k$，步长 $s$，每边裁 $p$。补全 `tconv_out`，批改时会拿 200 组随机的数和 torch 比。

<details><summary>提示一</summary>

先不管裁边。第一枚印章从 0 开始；最后一枚从哪里开始，到哪里结束？

</details>

<details><summary>提示二</summary>

n 枚印章之间有 n - 1 个间隔，每个 s 格，最后一枚再占 k 格；两边一共裁掉 2p 格。

</details>
"""

# %% [markdown] tags=["lang-en", "exercise"]
r"""
### Exercise 1: the side of the output

The input has side $n$, the stamp is $k$ wide, the step is $s$, and $p$ is trimmed off each side. Complete `tconv_out`; the checker compares it with torch on 200 random cases.

<details><summary>Hint one</summary>

Leave the trimming aside at first. The first stamp starts at 0; where does the last one start, and where does it end?

</details>

<details><summary>Hint two</summary>

Between n stamps there are n - 1 gaps of s places each, and the last stamp takes another k; the two sides together lose 2p.

</details>
"""

# %%
def tconv_out(n, k, s, p):
    return ...


verdict = check.transposed_size(tconv_out)

# %% [markdown] tags=["lang-zh"]
r"""
普通卷积的公式你见过：$\lfloor (n + 2p - k)/s \rfloor + 1$。两个公式互相抵消：先放大再缩小，边长总会变回原来的数。（先缩小再放大，要除得尽才行。）拿同样的 200 组数试一试：
"""

# %% [markdown] tags=["lang-en"]
r"""
The rule of an ordinary convolution you know: $\lfloor (n + 2p - k)/s \rfloor + 1$. In this order the two undo each other: enlarge, then shrink, and the side is always what it was. (The other way round the division must leave no remainder.) Try it on the same 200 cases:
"""

# %%
back = [conv2d(conv_transpose2d(torch.ones(1, 1, n, n), torch.ones(1, 1, k, k), stride=s,
                                padding=p), torch.ones(1, 1, k, k), stride=s, padding=p).shape[-1]
        for n, k, s, p in check.random_cases(200)]
print("sides that came back:",
      sum(side == n for side, (n, *_) in zip(back, check.random_cases(200), strict=True)), "of 200")

# %% [markdown] tags=["lang-zh"]
r"""
### “反卷积”并不反

`003` 和许多书把它叫作“反卷积”（“deconvolution”）。边长是回来了，图片呢？卷积是线性的，所以可以写成一个矩阵 $C$：把输入摊平成一列，乘上 $C$ 就是输出。转置卷积乘的是 $C^T$，名字就是这么来的。转置不等于逆：64 个数压成 16 个，有 48 个方向的内容已经丢了，谁也找不回来。
"""

# %% [markdown] tags=["lang-en"]
r"""
### A "deconvolution" undoes nothing

`003` and many books call it a "deconvolution". The side does come back, but does the picture? A convolution is linear, so it is a matrix $C$: lay the input out as a column, multiply by $C$, and there is the output. The transposed convolution multiplies by $C^T$, hence the name. A transpose is no inverse: when 64 numbers are squeezed into 16, the contents of 48 directions are gone for good.
"""

# %%
def as_matrix(linear_map, side):
    """Return the matrix of a map of pictures of side x side: column i is what pixel i becomes."""
    pixels = torch.eye(side * side).view(-1, 1, side, side)
    return linear_map(pixels).flatten(1).T


C = as_matrix(lambda x: conv2d(x, kernel[None, None], stride=2, padding=1), 8)
T = as_matrix(lambda y: conv_transpose2d(y, kernel[None, None], stride=2, padding=1), 4)
print("convolution, 8x8 -> 4x4:           ", tuple(C.shape), "rank", int(torch.linalg.matrix_rank(C)))
print("transposed convolution, 4x4 -> 8x8:", tuple(T.shape))
print("one is the transpose of the other:", torch.equal(T, C.T))

digits = data.digits().framed(32)
picture, blur = digits.images[:10] / 255, torch.full((1, 1, 4, 4), 1 / 8)  # black is 0
small = conv2d(picture, blur, stride=2, padding=1)
again = conv_transpose2d(small, blur, stride=2, padding=1)
show.gallery({"a picture, 32x32": digits.images[:10],
              "convolved, 16x16": (255 * small / 2).to(torch.uint8),
              "then transposed, 32x32": (255 * again).to(torch.uint8)}, columns=10,
             alt="Three rows: ten digits, the same after a convolution that halves their side, "
                 "and after the transposed convolution: the size is back, the digits are blurred")
error = float((again - picture).norm() / picture.norm())
print("the transposed convolution brings the picture back:", error < 0.1)

# %% [markdown] tags=["lang-zh", "predict"]
r"""
顺便说一句：卷积的**反向传播**正是一次转置卷积（链式法则乘的就是 $C^T$），所以 D 传给 G 的梯度也是这样盖章盖出来的。

## 棋盘格

### 先猜再跑 2：全是 1，盖出来是什么？

输入全是 1，印章也全是 1，`kernel=3, stride=2`。输出（不看边缘）是什么样子？

- A. 深浅交替的棋盘格。
- B. 一片均匀的颜色，没有花纹。
- C. 中间深，四周浅。
"""

# %% [markdown] tags=["lang-en", "predict"]
r"""
By the way: **backpropagation** through a convolution is a transposed convolution (the chain rule multiplies by $C^T$), so the gradient that D hands to G is stamped in the same manner.

## The checkerboard

### Predict, then run 2: 1 everywhere

The input is 1 everywhere, the stamp is 1 everywhere, with `kernel=3, stride=2`. What does the output look like, away from its edge?

- A. A checkerboard of dark and light.
- B. One even shade, without any pattern.
- C. Dark in the middle, light towards the edge.
"""

# %%
def overlaps(kernel, stride):
    """Return how many stamps cover each place, for 4x4 stamps."""
    return by_hand(torch.ones(4, 4), torch.ones(kernel, kernel), stride, padding=1)


resized = interpolate(torch.ones(1, 1, 4, 4), scale_factor=2)
panels = {"k=3, s=2": overlaps(3, 2), "k=4, s=2": overlaps(4, 2), "k=5, s=2": overlaps(5, 2),
          "enlarge, then k=3": conv2d(resized, torch.ones(1, 1, 3, 3), padding=1)[0, 0]}
show.maps(panels, alt="How many stamps cover each place: for kernel 3 and 5 with stride 2 a "
                      "checkerboard of counts, for kernel 4 an even 4, and after enlarging, an "
                      "even 9, all but the edges")
for name, panel in panels.items():
    inside = sorted(set(panel[2:-2, 2:-2].flatten().int().tolist()))
    print(f"{name:18s} inside: {inside}")

# %% [markdown] tags=["lang-zh"]
r"""
答案是 **A**。`kernel=3` 时，有的像素被 1 枚印章盖到，有的 2 枚，有的 4 枚，深浅就不一样；叠上几层，棋盘里还有棋盘。`kernel=4` 能被 `stride=2` 整除，每个像素都恰好盖到 4 次，所以我们的网络和 `003` 都选它（DCGAN 作者自己的代码用 5x5 的卷积核）。连叠三层再看：
"""

# %% [markdown] tags=["lang-en"]
r"""
The answer is **A**. With `kernel=3`, some pixels are covered by 1 stamp, some by 2, some by 4, and so their shades differ; stack a few layers and there are checkerboards within the checkerboard. `kernel=4` is divisible by `stride=2`, and every pixel is covered exactly 4 times; this is why our networks and `003` take it (the code of DCGAN's own authors has kernels of 5x5). Here are three layers on top of each other:
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
show.maps(stacks, numbers=False,
          alt="Three stacked layers fed with ones: kernels 3 and 5 give checkerboards within "
              "checkerboards; kernel 4 and enlarging before the convolution give an even shade")
for name, panel in stacks.items():
    print(f"{name:26s} darkest / lightest = {float(panel.max() / panel.min()):.1f}")

# %% [markdown] tags=["lang-zh"]
r"""
能整除只是去掉了**天生**的棋盘格；权重是学出来的，不均匀的权重仍会画出棋盘。另一条路是先放大再做普通卷积（右一），天生就均匀，代价是 2.25 倍的乘法：输入的每个像素要乘 36 次，而不是 16 次。第 06 课的现代网络走的就是这条路。

## DCGAN 的规矩

2015 年之前，用卷积做 GAN 常常学不起来。Radford 等人试了许多结构，留下这几条。左边是规矩，中间是它在下面那对 64x64 的网络里写成什么样（`dcgan.plain_generator` 和 `dcgan.plain_critic`，为了好读，一行一层）：

| 规矩 | 代码 | 为什么 |
|---|---|---|
| 不用池化，用步长来缩小和放大 | 卷积核 4，步长 2 | 怎样缩放，让网络自己学 |
| 没有全连接的隐藏层 | 全是 `nn.Conv2d` 和 `nn.ConvTranspose2d` | 中间省参数；头尾的 4x4 卷积等于全连接，第一层正好是 100 × 8,192 个权重，没有省 |
| 两个网络都用批归一化 | `nn.BatchNorm2d` | 每个通道的均值和方差稳住，梯度才传得远 |
| 但 G 的输出层和 D 的输入层不用 | 那里没有 `nn.BatchNorm2d` | 图片本身的亮度和对比度要留住 |
| 次序：卷积、批归一化、激活 | 每一层的三样 | 先归一化，再激活；`003` 把后两样写反了 |
| G 用 ReLU，最后 tanh | `nn.ReLU()`、`nn.Tanh()` | 数据在 $[-1, 1]$，和上一课相同 |
| D 用 LeakyReLU，斜率 0.2 | `nn.LeakyReLU(0.2)` | 负的一侧也有梯度传回 G |
| 权重取自 $N(0, 0.02)$（第二个数是标准差） | `initialise` | 第一步不会太大；批归一化的缩放取 $N(1, 0.02)$ |
| Adam，学习率 0.0002，`betas=(0.5, 0.999)` | `recipes.dcgan` | 动量小一些，论文说 0.9 会让训练振荡；论文还嫌 0.001 太大，我们的网络小、步数少，用的正是 0.001 |

`003` 还有**附加层**：在边长为最终边长一半的那一级，再加几个 3x3 的卷积，大小不变，只添深度。我们的参数叫 `extra_layers`。`003` 又猜想，D 的最后换成自适应平均池化也许更好；DCGAN 在这里用 4x4 的卷积，让每个位置有自己的权重。

`dcgan.generator` 和 `dcgan.critic` 按同样的规矩造出任何大小的网络，本课用的是它们；下面这一对就是 64x64 的那种，写开来看（初始权重另由 `initialise` 来取）：
"""

# %% [markdown] tags=["lang-en"]
r"""
Divisibility only removes the checkerboard the layer is **born** with; weights are learned, and uneven ones can still paint one. The other way is to enlarge first and convolve afterwards (on the right): even by birth, at 2.25 times the multiplications: 36 for each pixel of the input instead of 16. The modern networks of lesson 06 go that way.

## The rules of DCGAN

Before 2015, GANs made of convolutions often failed to learn. Radford et al. tried many architectures and kept these rules. On the left the rule, in the middle what it looks like in the pair of 64x64 networks below (`dcgan.plain_generator` and `dcgan.plain_critic`, written to be read, one line a layer):

| Rule | Code | Why |
|---|---|---|
| no pooling: strides shrink and enlarge | kernel 4, stride 2 | let the network learn how to scale |
| no fully connected hidden layers | nothing but `nn.Conv2d` and `nn.ConvTranspose2d` | inside, fewer parameters; the 4x4 convolutions at the ends amount to full connection, with all 100 × 8,192 weights in the first layer |
| batch normalisation in both networks | `nn.BatchNorm2d` | with each channel's mean and variance held steady, gradients travel further |
| but not at G's output and D's input | no `nn.BatchNorm2d` there | the pictures' own brightness and contrast must survive |
| the order: convolution, batch normalisation, activation | the three of each layer | normalise first, then activate; `003` has the last two the wrong way round |
| ReLU in G, tanh at its end | `nn.ReLU()`, `nn.Tanh()` | the data are in $[-1, 1]$, as in the last lesson |
| LeakyReLU in D, slope 0.2 | `nn.LeakyReLU(0.2)` | the negative side hands a gradient back to G, too |
| weights from $N(0, 0.02)$ (the second number is the standard deviation) | `initialise` | the first steps are not too large; batch normalisation's scale is $N(1, 0.02)$ |
| Adam, learning rate 0.0002, `betas=(0.5, 0.999)` | `recipes.dcgan` | less momentum: the paper says that 0.9 makes training oscillate; it also finds 0.001 too large, and just 0.001 is what our small networks and short runs have |

`003` also has **extra layers**: a few more 3x3 convolutions at half the final side, which keep the size and add depth. Our argument is called `extra_layers`. `003` further supposes that adaptive average pooling might do better at the end of D; DCGAN has a 4x4 convolution there, which gives each place a weight of its own.

`dcgan.generator` and `dcgan.critic` make networks of any size by the same rules, and the lesson uses those; the pair below is what they give for 64x64, written out (first weights are the business of `initialise`):
"""

# %%
print(inspect.getsource(dcgan.plain_generator))
print(inspect.getsource(dcgan.plain_critic))

# %%
G, D = dcgan.pair(32, features=16, extra_layers=1)
kinds = {module for network in (G, D) for module in map(type, network.modules())}
print("a pooling layer or an nn.Linear:", bool(kinds & {nn.MaxPool2d, nn.AvgPool2d, nn.Linear}))
print("a block of G:", [type(module).__name__ for module in G[1]])
print("a block of D:", [type(module).__name__ for module in D[2]])
print("D's first:   ", [type(module).__name__ for module in D[0]])
print("G's last two:", [type(module).__name__ for module in G[-2:]])

# %% [markdown] tags=["lang-zh", "exercise"]
r"""
### `003` 里没人理会的开关

`003` 的放大模块有一个参数 `bn`，用来关掉批归一化。下面这个模块有同样的毛病：
"""

# %% [markdown] tags=["lang-en", "exercise"]
r"""
### The switch in `003` that nobody heeds

The enlarging block of `003` has an argument `bn` that should switch batch normalisation off. Here is a block with the same fault:
"""

# %%
class BrokenBlock(nn.Module):
    def __init__(self, n_in, n_out, bn=True):
        super().__init__()
        self.enlarge = nn.ConvTranspose2d(n_in, n_out, 4, 2, 1, bias=False)
        self.normalise = nn.BatchNorm2d(n_out)

    def forward(self, x):
        x = torch.relu(self.enlarge(x))
        return self.normalise(x) if bn else x


broken = BrokenBlock(3, 5, bn=False)
print("bn=False, and yet there is:", [type(m).__name__ for m in broken.children()][-1])
try:
    broken(torch.zeros(2, 3, 4, 4))
except NameError as error:
    print(f"NameError: {error}")

# %% [markdown] tags=["lang-zh", "exercise"]
r"""
三处不对：`bn` 没有存进 `self`，前向时找不到它（若笔记本里碰巧有个全局变量叫 `bn`，就悄悄听它的）；批归一化不管怎样都建了；次序是卷积、ReLU、批归一化。

### 练习 2：修好它

补全 `block`，返回一个模块：转置卷积，`bn` 为真时接批归一化，最后是 ReLU。

<details><summary>提示一</summary>

不必写类。先建一个列表，`bn` 为真时往里添一层，再交给 `nn.Sequential(*layers)`。

</details>

<details><summary>提示二</summary>

有批归一化时，转置卷积不需要偏置：`bias=not bn`，因为减去均值时它就消失了。

</details>
"""

# %% [markdown] tags=["lang-en", "exercise"]
r"""
Three things are wrong: `bn` is not kept in `self`, so the forward pass cannot find it (and if the notebook happens to have a global called `bn`, it quietly obeys that one); the batch normalisation is built in any case; and the order is convolution, ReLU, batch normalisation.

### Exercise 2: mend it

Complete `block`: return a module with the transposed convolution, then batch normalisation if `bn` is true, and a ReLU at the end.

<details><summary>Hint one</summary>

You need no class. Start a list, add a layer to it if `bn` is true, and hand it to `nn.Sequential(*layers)`.

</details>

<details><summary>Hint two</summary>

With batch normalisation the transposed convolution needs no bias, `bias=not bn`: subtracting the mean removes it again.

</details>
"""

# %%
def block(n_in, n_out, kernel, stride, padding, bn=True):
    return ...


verdict = check.upsampling_block(block)

# %% [markdown] tags=["lang-zh"]
r"""
### 48 能被 16 整除，可是不行

`003` 用 `assert sz % 16 == 0` 检查图片的边长。48 通得过，然后呢？G 的通道数由一个循环算出：边长从 4 开始不停加倍，直到**等于** `sz`；D 则不停减半。照样子数一数（我们数到 500 就停）：
"""

# %% [markdown] tags=["lang-en"]
r"""
### 48 is divisible by 16, and still no good

`003` checks the side of the pictures with `assert sz % 16 == 0`. 48 passes; and then? A loop works out G's channels: the side doubles from 4 until it **equals** `sz`; D keeps halving. Count along (we stop at 500):
"""

# %%
side, sides_of_g = 4, [4]
while side != 48 and side < 500:
    side *= 2
    sides_of_g.append(side)
side, sides_of_d = 48, [48]
while side > 4:
    side //= 2
    sides_of_d.append(side)
print("G:", sides_of_g, "- never 48: the loop of 003 would run for ever")
print("D:", sides_of_d, "- and a 4x4 kernel does not fit on 3x3")
try:
    dcgan.generator(48)
except ValueError:
    print("our networks refuse 48 at once and name the sizes they know:", dcgan.SIZES)

# %% [markdown] tags=["lang-zh", "exercise"]
r"""
要的是 2 的幂，而不是 16 的倍数。

### 初始权重：一个流传很广的错误

论文说权重取自 $N(0, 0.02)$。有的教材便写一行循环，把**所有**参数都这样取，连批归一化的缩放 $\gamma$ 也在内。可是批归一化的输出是 $\gamma \hat{x} + \beta$，$\hat{x}$ 的标准差是 1：
"""

# %% [markdown] tags=["lang-en", "exercise"]
r"""
What is needed is a power of 2, not a multiple of 16.

### First weights: a mistake that gets around

The paper draws weights from $N(0, 0.02)$. Some textbooks therefore loop over **all** parameters, batch normalisation's scale $\gamma$ among them. But batch normalisation returns $\gamma \hat{x} + \beta$, where $\hat{x}$ has a standard deviation of 1:
"""

# %%
signal = torch.randn(64, 32, 8, 8, generator=torch.Generator().manual_seed(0))
torch.manual_seed(0)
for name, mean in (("N(1, 0.02)", 1.0), ("N(0, 0.02)", 0.0)):
    layer = nn.BatchNorm2d(32)
    nn.init.normal_(layer.weight, mean, 0.02)
    print(f"scale from {name}: standard deviation 1.00 -> {layer(signal).std().item():.2f}")

# %% [markdown] tags=["lang-zh", "exercise"]
r"""
经过这样一层，信号缩到约五十分之一，符号还是随机的。下一层的批归一化会把它重新放大，所以并不会层层累乘；可是每一层交出去的都只有平常的五十分之一，没有批归一化的最后一层收到的也就这么一点，画出的图几乎是一片灰。

### 练习 3：`initialise`

补全 `initialise(network)`，就地修改：两种卷积的权重取 $N(0, 0.02)$，批归一化的缩放取 $N(1, 0.02)$，所有偏置和平移取 0。完成后请返回 `network`。

<details><summary>提示一</summary>

遍历 `network.modules()`，用 `isinstance` 判断类型。不要在类名里找 `"Conv"`：一个叫 `ConvBlock` 的类也会被找到。

</details>

<details><summary>提示二</summary>

`nn.init.normal_(module.weight, 0.0, 0.02)` 给 `(nn.Conv2d, nn.ConvTranspose2d)`，`nn.init.normal_(module.weight, 1.0, 0.02)` 给 `nn.BatchNorm2d`；偏置可能是 `None`。

</details>
"""

# %% [markdown] tags=["lang-en", "exercise"]
r"""
After such a layer the signal is about a fiftieth of what it was, with random signs. The batch normalisation of the next layer enlarges it again, so the factors do not multiply up; but every layer hands on a fiftieth of the usual, the last one, which has no batch normalisation, gets no more than that, and the picture is almost evenly grey.

### Exercise 3: `initialise`

Complete `initialise(network)`, in place: the weights of both kinds of convolution from $N(0, 0.02)$, batch normalisation's scale from $N(1, 0.02)$, all biases and shifts 0. Return `network` when done.

<details><summary>Hint one</summary>

Go through `network.modules()` and ask with `isinstance`. Do not look for `"Conv"` in the names of classes: it also finds a class called `ConvBlock`.

</details>

<details><summary>Hint two</summary>

`nn.init.normal_(module.weight, 0.0, 0.02)` for `(nn.Conv2d, nn.ConvTranspose2d)` and `nn.init.normal_(module.weight, 1.0, 0.02)` for `nn.BatchNorm2d`; a bias can be `None`.

</details>
"""

# %%
def initialise(network):
    return ...


verdict = check.first_weights(initialise)

# %% [markdown] tags=["lang-zh"]
r"""
### 批归一化的两副面孔

训练时，批归一化用**这一批**的均值和方差，所以同一个 $z$ 画出的图取决于它的同伴；评估时，它用训练中攒下的滑动平均，图就只取决于 $z$ 自己。画图给人看，要在评估模式下（`generate` 会替你切换）：
"""

# %% [markdown] tags=["lang-en"]
r"""
### The two faces of batch normalisation

While training, batch normalisation uses the mean and variance of **this batch**, so what a $z$ becomes depends on its company; in evaluation it uses moving averages gathered while training, and a picture depends on its own $z$ alone. Pictures to be looked at are painted in evaluation mode (`generate` switches for you):
"""

# %%
def same_in_other_company(network):
    """Tell whether a z becomes the same picture next to two different sets of neighbours."""
    mine, some, others = torch.randn(3, 20, 100, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        first, second = (network(torch.cat([mine[:1], company[1:]])) for company in (some, others))
    return torch.allclose(first[0], second[0], atol=1e-5)


print("training mode, the same picture:  ", same_in_other_company(G.train()))
print("evaluation mode, the same picture:", same_in_other_company(G.eval()))

# %% [markdown] tags=["lang-zh", "predict"]
r"""
## 拆规矩：每次只拆一条

规矩有八九条，缺了哪一条会出事？办法是**消融**：种子相同，数据相同，每次只改一处。网络很小（`features=8`，批大小 32，学习率 0.001），数据是自带的数字，放进 32x32 的黑框里（`framed(32)`：28x28 的图四边各垫 2 格黑色，不放大，不变糊）。

### 先猜再跑 3：哪一处改动害处最大？

- A. 去掉批归一化。
- B. 初始权重取 $N(0, 1)$。
- C. D 里的 LeakyReLU 换成 ReLU。
- D. 批归一化的缩放取 $N(0, 0.02)$。

写下你认为最严重的一个，再写下你认为**根本没事**的一个。
"""

# %% [markdown] tags=["lang-en", "predict"]
r"""
## Breaking the rules, one at a time

There are eight or nine rules; which of them can you not do without? The way to find out is an **ablation**: the same seed, the same data, one change at a time. The networks are small (`features=8`, batches of 32, learning rate 0.001), the data are the bundled digits in a black frame of 32x32 (`framed(32)` puts 2 black pixels on each side of 28x28; nothing is enlarged or blurred).

### Predict, then run 3: which change does the most harm?

- A. Leaving out batch normalisation.
- B. First weights from $N(0, 1)$.
- C. ReLU in D instead of LeakyReLU.
- D. Batch normalisation's scale from $N(0, 0.02)$.

Write down which one you expect to be the worst, and which one you expect to do **no harm at all**.
"""

# %%
for name, (of_networks, edit, of_game) in ablations.CHANGES.items():
    print(f"{name:28s}", of_networks or of_game or (edit and edit.__name__) or "as it is")

# %%
small_steps = runtime.at_scale(smoke=20, default=600, full=2000)
digits, held_out_digits = (data.digits(train=part).framed(32) for part in (True, False))
board = {name: fit(ablations.changed(name), digits, small_steps) for name in ablations.CHANGES}
show.gallery({name: game.sample(12, ema=True) for name, game in board.items()}, columns=12,
             alt="The ablation board: one row of twelve samples for each change. DCGAN as it is "
                 "writes digits; first weights N(0, 1) give black-and-white noise, beta1 0.9 the "
                 "same grey texture twelve times; without BatchNorm twelve hard-edged shapes, few "
                 "of which can be read; with ReLU in D they look like those of DCGAN")

# %% [markdown] tags=["lang-zh"]
r"""
看图不如量数。尺子还是上一课那把：在 32x32 的数字上另训练一个分类器，算 `fd_digits`，旁边写上真图对真图的下限。
"""

# %% [markdown] tags=["lang-en"]
r"""
Measuring beats looking. The ruler is last lesson's: a classifier, trained on the 32x32 digits, gives `fd_digits`, with the floor of real against real beside it.
"""

# %% tags=["nbval-ignore-output"]
small_ruler = measure.DigitEvaluator(digits, held_out_digits)
marks = {name: small_ruler.report(game.sample(1000, seed=1, ema=True))
         for name, game in board.items()}
print(f"{'floor':28s} fd_digits {small_ruler.floor.fd_digits:6.2f}   "
      f"classes {small_ruler.floor.classes:2d}/10")
for name, mark in marks.items():
    print(f"{name:28s} fd_digits {mark.fd_digits:6.2f}   classes {mark.classes:2d}/10")

# %%
if runtime.scale() == "default":
    for name in ("first weights N(0, 1)", "Adam beta1 0.9"):
        print(f"{name}: at least twice as far from real as DCGAN:",
              marks[name].fd_digits > 2 * marks["DCGAN"].fd_digits)

# %% [markdown] tags=["lang-zh"]
r"""
一个种子说明不了问题。同样的设置各用五个种子，训练到 600 步，1,000 个样本（`studies/lesson03.py`，一个核心七分钟）；下限是 0.06。表中用一个线程，上面那一格用两个线程：加法的次序不同，舍入就不同，对局又会把它放大，所以同一个种子的数也对不上。读表之前先记住：换个种子、换个线程数就会有的波动，不算差别。

| 改了什么 | 600 步时的 `fd_digits` | 占到 4% 以上的数字有几个 | 结论 |
|---|---|---|---|
| 照规矩 | 1.5、1.3、1.5、1.6、3.7 | 10、10、10、10、10 |  |
| 去掉批归一化 | 5.9、6.2、5.1、8.5、8.1 | 5、5、6、5、5 | 每个种子都变差，漏掉一半的数字 |
| 两头也加批归一化 | 7.3、9.4、8.7、8.7、9.5 | 8、8、8、9、9 | 每个种子都变差 |
| ReLU 在批归一化之前（`003`） | 4.6、3.6、1.3、2.2、2.5 | 9、8、9、9、10 | 有好有坏，看不出分别 |
| 批归一化的缩放取 $N(0, 0.02)$ | 1.9、1.8、1.8、1.7、2.3 | 10、10、10、9、9 | 起步慢，到 600 步差不多追平 |
| 初始权重取 $N(0, 1)$ | 22.3、21.1、17.1、16.5、13.9 | 7、5、5、5、4 | 失败 |
| D 里用 ReLU | 1.1、1.3、1.1、1.0、3.2 | 10、10、9、10、9 | 看不出分别 |
| Adam 的 `betas=(0.9, 0.999)` | 16.4、16.3、17.6、16.6、18.3 | 3、3、2、5、2 | 失败 |

答案是 **B**。还有一条选项里没有的也一样致命：把 Adam 的动量改回默认的 0.9（学习率是 0.001，论文的五倍），这和上一课的结论一致。去掉批归一化、在两头多加批归一化，每个种子都明显变差。

另外三条，在这个规模上**看不出害处**，我们照实写下来：

- D 里用 ReLU，五个种子的 `fd_digits` 都略低于 LeakyReLU（第二个是 1.26 对 1.30），可是有两个种子少了一个数字；差别这么小，分不出高下。常见的理由说得通（负的一侧没有梯度），但这么小、这么短的对局里没有显出来。论文自己只说它效果好。
- 次序颠倒，有的种子好，有的种子差。
- 缩放取 $N(0, 0.02)$ 只是起步慢：300 步时五个种子的距离是 16、18、16、18、17，照规矩是 8、5、9、11、26；到 600 步，Adam 已经把缩放救了回来。所以这个错误很难发现，但仍是错误。

换一个规模，结论可能不同；消融只对量过的那个设置负责。所以要多用几个种子，也要写明设置。
"""

# %% [markdown] tags=["lang-en"]
r"""
One seed proves little. Here are the same settings on five seeds each, 600 steps, 1,000 samples (`studies/lesson03.py`, seven minutes of one core); the floor is 0.06. The table was made with one thread, the cell above uses two: sums are taken in another order, rounding differs, games magnify it, and so even the same seed gives other numbers. Before you read the table, remember: what another seed or another number of threads would change is no difference.

| What was changed | `fd_digits` at 600 steps | Digits with at least 4% of the samples | Verdict |
|---|---|---|---|
| as it is | 1.5, 1.3, 1.5, 1.6, 3.7 | 10, 10, 10, 10, 10 |  |
| no batch normalisation | 5.9, 6.2, 5.1, 8.5, 8.1 | 5, 5, 6, 5, 5 | worse on every seed, half the digits missing |
| batch normalisation at the ends, too | 7.3, 9.4, 8.7, 8.7, 9.5 | 8, 8, 8, 9, 9 | worse on every seed |
| ReLU before batch normalisation (`003`) | 4.6, 3.6, 1.3, 2.2, 2.5 | 9, 8, 9, 9, 10 | now better, now worse: no clear difference |
| batch normalisation's scale from $N(0, 0.02)$ | 1.9, 1.8, 1.8, 1.7, 2.3 | 10, 10, 10, 9, 9 | a slow start, nearly level at 600 steps |
| first weights from $N(0, 1)$ | 22.3, 21.1, 17.1, 16.5, 13.9 | 7, 5, 5, 5, 4 | fails |
| ReLU in D | 1.1, 1.3, 1.1, 1.0, 3.2 | 10, 10, 9, 10, 9 | no clear difference |
| Adam with `betas=(0.9, 0.999)` | 16.4, 16.3, 17.6, 16.6, 18.3 | 3, 3, 2, 5, 2 | fails |

The answer is **B**. One change that was not among the options is as deadly: Adam's momentum set back to its default of 0.9 (at a learning rate of 0.001, five times the paper's), in agreement with the last lesson. Leaving out batch normalisation is clearly worse on every seed, and so is adding it at the ends.

The other three do **no visible harm** at this scale, and we say so:

- With ReLU in D the `fd_digits` of all five seeds is a little lower than with LeakyReLU (of the second, 1.26 to 1.30), but two seeds lack a digit; differences as small as these do not settle the matter. The usual argument for LeakyReLU is sound (a ReLU lets no gradient through on its negative side), but games as small and short as these do not show it. The paper only says that it worked well.
- With the order reversed some seeds are better and some are worse.
- A scale from $N(0, 0.02)$ only makes for a slow start: at 300 steps the distances of the five seeds are 16, 18, 16, 18, 17, against 8, 5, 9, 11, 26 with the rule kept; by 600 steps Adam has repaired the scale. That makes the mistake hard to notice, but a mistake it is.

At another scale the verdicts may differ; an ablation answers only for the setting it was measured in. Hence several seeds, and a setting that is written down.
"""

# %% [markdown] tags=["lang-zh", "failure-of-the-day"]
r"""
## 今日故障：还没开始就输了一半

“初始权重取 $N(0, 1)$”那一局，还没有走一步就已经输了一半。G 的最后一层输出太大，tanh 被推到两头，许多像素一开始就是纯黑或纯白，那里的梯度几乎是 0。D 的 logit 也比平常大几十倍，所以 D 起初错得离谱，可是 D 还能改：一两百步之后真假就分开了。G 却几乎不动，收到的信号再大，乘上接近 0 的斜率也所剩无几，于是它的损失一路往上，图始终是黑白噪点。

训练之前就能查出来：看一眼 G 的第一批图里有多少像素超出 0.99，再看 D 的 logit 有多大。
"""

# %% [markdown] tags=["lang-en", "failure-of-the-day"]
r"""
## The failure of the day: half lost before it begins

The game with first weights from $N(0, 1)$ is half lost before a single step is taken. The last layer of G gives numbers so large that tanh is pushed to its ends: many pixels are pure black or white from the start, where the gradient is almost 0. The logits of D are dozens of times too large as well, and at first D is badly wrong, but it can learn: after one or two hundred steps it tells real from fake. G hardly moves. However loud the signal it hears, little is left of it after it is multiplied by a slope close to 0; so its loss keeps rising and its pictures stay black-and-white noise.

You can find this out before training: look how many pixels of G's first batch lie beyond 0.99, and how large the logits of D are.
"""

# %%
def first_step(name):
    """Return the share of G's pixels beyond 0.99, and the size of D's logits, before training."""
    game, z = ablations.changed(name), torch.randn(32, ablations.LATENT)
    with torch.no_grad():
        fake = game.generator(z)
        logits = game.critic(digits[:32].signed())
    return float((fake.abs() > 0.99).float().mean()), float(logits.abs().mean())


torch.manual_seed(0)
saturated, logit = zip(*(first_step(name) for name in ("DCGAN", "first weights N(0, 1)")))
print("DCGAN:        some pixels are black or white at once:", saturated[0] > 0.01)
print("weights N(0, 1): more than a third of them are:      ", saturated[1] > 1 / 3)
print("weights N(0, 1): D's logits are 50 times as large:   ", logit[1] > 50 * logit[0])

# %%
print("first weights N(0, 1):")
show.curves(board["first weights N(0, 1)"].history, HISTORY,
            alt="Training curves with first weights N(0, 1): G's loss climbs above ten while D's "
                "falls towards 0; D reads about 1 for real pictures, and ever less for fakes")
print("DCGAN:")
show.curves(board["DCGAN"].history, HISTORY,
            alt="Training curves of the small DCGAN: G's loss falls, D's rises towards 1, and "
                "D's readings for real pictures and for fakes come closer to each other")

# %% [markdown] tags=["lang-zh"]
r"""
## 正式开练：数字

现在照论文的样子训练一局：批归一化，非饱和损失，`betas=(0.5, 0.999)`，只是网络小（`features=16`，论文是 128 起步），学习率相应大一些。电脑里有 MNIST 就用 MNIST。每隔一段时间用**同一组噪声**画一次，看同一张图怎样变好。（`003` 也有一份 `fixed_noise`，不过是训练之后才造的，只画了一次。）
"""

# %% [markdown] tags=["lang-en"]
r"""
## In earnest: digits

Now a game as in the paper: batch normalisation, the non-saturating loss, `betas=(0.5, 0.999)`; only the networks are small (`features=16`; the paper begins at 128) and the learning rate is larger to match. If MNIST is on this computer, we use it. From time to time we paint from **the same noise**, to watch the same pictures improve. (`003` has its `fixed_noise`, too, but makes it after training and paints from it once.)
"""

# %%
features = runtime.at_scale(smoke=8, default=16, full=64)
DIGITS = {"features": features, "latent": 64, "batch": 64, "lr": 1e-3, "ema": 0.99}
digit_steps = runtime.at_scale(smoke=30, default=1000, full=20_000)

source = data.mnist if data.have_mnist() else data.digits
images, held_out = (source(train=part).framed(32) for part in (True, False))
game = recipes.dcgan(32, channels=1, **DIGITS)
fit(game, images, digit_steps, snapshot_every=max(1, digit_steps // 15))
show.filmstrip(game.snapshots, pictures=16,
               alt="Filmstrip of DCGAN: from the same noise, from grey noise at step 0 over rough "
                   "strokes to different digits at the last step, many of them readable")

# %%
samples = game.sample(2000, ema=True)
show.gallery({"real": held_out.images[:32], "DCGAN": samples[:64]}, columns=16,
             alt="Two rows of real digits above four rows of DCGAN's samples: digits of all ten "
                 "kinds, many plain, a good part of them harder to read than the real ones")

# %% tags=["nbval-ignore-output"]
ruler = measure.DigitEvaluator(images, held_out)
report = ruler.report(samples)
print("floor", ruler.floor)
print("DCGAN", report)

# %%
if runtime.scale() != "smoke":
    print("all ten digits, each at least 4 % of the samples:", report.classes == 10)
    print("KL of the class histogram at most 0.1:", report.kl <= 0.1)
    print("the classifier is sure of at least 70 % of them:", report.confident >= 0.7)

# %% [markdown] tags=["lang-zh"]
r"""
十个数字都有，可是还不如真图好认。它是否比上一课治好的全连接网络强，这里**没有比**：两课的尺子不同，步数也不同（这里 1,000 步，上一课 6,000 步），要用同一把尺子、同样的时间才比得出来。存下的这两次，全连接网络离自己的下限反而更近。

## 彩色人脸

最后画人脸：代码画出的玩具人脸，32x32，不是任何人的照片。核心集里肤色、发型、眼镜、嘴和背景会变，共 96 种组合，所以“漏了谁”可以一个一个数出来。

说实话，这一节的已经不是 DCGAN：只有 G 还是它的网络。这里换两样后面才细讲的东西：D 的批归一化换成**谱归一化**（每个卷积核写成矩阵，除以它最大的奇异值，D 就不会太陡），损失换成 **hinge**，也就是合页损失（已经判对、而且足够有把握的样本，不再计较）。这样的组合叫 SN-GAN，设置都在 `recipes.sngan` 里，那里的 Adam 也不同：`betas=(0.0, 0.9)`，学习率逐渐变小。它们好在哪里，这一课没有做实验，请看 [Miyato 等，2018](https://arxiv.org/abs/1802.05957) 和第 06 课。
"""

# %% [markdown] tags=["lang-en"]
r"""
All ten digits are there, but they are not as easy to read as real ones. Whether this is better than last lesson's fully connected network after its cure has **not been compared**: the two lessons have different rulers and different numbers of steps (1,000 here, 6,000 there), and it would take one ruler and the same time. In the two runs that are stored, the fully connected network is closer to its own floor.

## Faces in colour

Last come faces: toy faces drawn by code, 32x32, nobody's photograph. Skin, hair style, glasses, mouth and background vary in the core set, 96 combinations in all, so that who is missing can be counted one by one.

To be honest, this section is DCGAN no longer: only the network of G still is. Two things are new here and explained later: D's batch normalisation gives way to **spectral normalisation** (every kernel, written as a matrix, is divided by its largest singular value, so that D is not too steep), and the loss becomes the **hinge** (a sample that is judged rightly, and by a safe margin, no longer counts). The combination is called SN-GAN, with all its settings in `recipes.sngan`, where Adam is different, too: `betas=(0.0, 0.9)` and a learning rate that fades out. What they are good for this lesson does not test; see [Miyato et al. 2018](https://arxiv.org/abs/1802.05957) and lesson 06.
"""

# %%
face_steps = runtime.at_scale(smoke=30, default=2600, full=50_000)

faces = data.toy_faces(10_000, size=32, core=True)
painter = recipes.sngan(32, features=features, steps=face_steps, ema=0.995)
fit(painter, faces, face_steps, snapshot_every=max(1, face_steps // 15))
show.filmstrip(painter.snapshots, pictures=4,
               alt="Filmstrip of the face game: from the same noise, from grey at step 0 over "
                   "noisy heads to four different cartoon faces at the last step, with speckle")

# %%
portraits = painter.sample(4000, ema=True)
show.gallery({"real": faces.images[:10], "generated": portraits[:10]}, columns=10,
             alt="A row of real toy faces above a row of generated ones: cartoon faces with hair, "
                 "glasses and striped shirts, but speckled, and some eyes and mouths smeared")

# %% tags=["nbval-ignore-output"]
coverage = measure.factor_coverage(portraits, faces)
print("real     ", measure.factor_coverage(data.toy_faces(4000, size=32, seed=1, core=True).images,
                                           faces))
print("generated", coverage)

# %%
if runtime.scale() != "smoke":
    print("at least 80 of the 96 combinations:", coverage.seen >= 80)

# %% [markdown] tags=["lang-zh"]
r"""
怎么读这张成绩单：一个小网络逐张认出各个因素；所有分类器都有九成以上把握、而且每个值都出现在数据里的样本才算数。`combinations` 是见到的组合数，括号里是同样多的完全均匀的样本会见到几种；`reverse KL` 是各组合的比例离均匀有多远，`floor` 是完全均匀的样本也免不了的那一点；`sure` 是所有分类器都有把握的样本占多少；有把握不等于画对了，`outside` 就是其中画出了数据里没有的值的，占全部样本的多少；所以算数的比例是 `sure` 减去 `outside`。下面每行是一个因素的各个值所占的比例，前面的数说它们相当于几个同样常见的值。真图的成绩就是下限。存下的这一次，组合几乎齐了，分类器有把握的占全部样本的 52.8%，有把握、画的却是数据里没有的脸的占全部的 24.3%，算数的只有 28.5%。
"""

# %% [markdown] tags=["lang-en"]
r"""
How to read this report: a small network reads the factors off each sample; a sample counts when all classifiers are at least nine-tenths sure and every value occurs in the data. `combinations` says how many were seen, and in brackets how many the same number of perfectly even samples would show; `reverse KL` says how far their shares are from even, and `floor` what even samples cannot avoid; `sure` is the share of which all classifiers are sure; being sure does not make a picture right, and `outside` says what share of all samples the classifiers are sure of although they show a value the data never have; so the share that counts is `sure` minus `outside`. Each line below gives the shares of one factor's values, after the number of equally frequent values that they amount to. The report of the real pictures is the floor. In the run stored here nearly all combinations are there, and the classifiers are sure of 52.8 % of all samples; but 24.3 % of all are such and show faces that the data never have, so only 28.5 % count.
"""

# %% [markdown] tags=["lang-zh"]
r"""
## 隐空间漫步

G 是把图一张张背了下来，还是学会了怎样画？从一个 $z$ 走到另一个，看看中间的图。若是背的，中间往往是两张图的叠影，或者突然跳变。反过来却不一定：发型、背景这些因素是一种一种的，没有中间值，而 G 是连续的，换的地方总要过渡或者跳一下，学会了画也躲不开。所以只看漫步断定不了，要看的是过渡之外的图像不像样。

走法有两种。**直线**：$(1-t)\,z_0 + t\,z_1$。**圆弧**（球面插值）：

$$\frac{\sin((1-t)\,\theta)}{\sin\theta}\,z_0 + \frac{\sin(t\,\theta)}{\sin\theta}\,z_1$$

$\theta$ 是两者的夹角。区别在长度：64 维的 $z \sim N(0, I)$，长度几乎总在 8 附近，两个随机的 $z$ 几乎垂直，所以直线走到中点时，长度只剩约 0.71 倍。
"""

# %% [markdown] tags=["lang-en"]
r"""
## A walk through latent space

Has G learned pictures by heart, or has it learned to paint? Walk from one $z$ to another and look at the pictures on the way. If it has learned by heart, they tend to be double exposures of the two ends, or to jump suddenly. The reverse does not follow: hair style, background and the like come in kinds with nothing in between, while G is continuous, and where a kind changes there must be a blend or a jump even if G can paint. A walk alone thus cannot decide; look whether the pictures away from such changes are right.

There are two ways to walk. In a **straight line**: $(1-t)\,z_0 + t\,z_1$. On an **arc** (spherical interpolation):

$$\frac{\sin((1-t)\,\theta)}{\sin\theta}\,z_0 + \frac{\sin(t\,\theta)}{\sin\theta}\,z_1$$

where $\theta$ is the angle between the two. The difference is the length: in 64 dimensions the length of $z \sim N(0, I)$ is nearly always close to 8, and two random $z$ are nearly at right angles, so half-way along the line only about 0.71 of the length is left.
"""

# %%
ends = sample_noise(2000, painter.latent, torch.Generator().manual_seed(5))
start, end = ends[:1000], ends[1000:]
ways = {"linear": latent.linear, "spherical": latent.spherical}
show.gallery({f"{name} {i + 1}": generate(painter.generator_ema, way(start[i], end[i], 13))[::2]
              for i in range(2) for name, way in ways.items()}, columns=7,
             alt="Two walks, each in a straight line and on the arc: seven faces from one to "
                 "another, changing a little at a time; where the background changes it is half "
                 "green and half pink for some pictures, or flips from one to the next")

# %%
lengths = {name: way(start, end, 13).norm(dim=2).mean(1) / start.norm(dim=1).mean()
           for name, way in ways.items()}
show.lines({name: (torch.linspace(0, 1, 13), length) for name, length in lengths.items()},
           xlabel="t", ylabel="length of z / length at the start",
           alt="Length of z along the walk: on the arc it stays at 1, on the straight line it "
               "sinks to about 0.71 half-way and comes back")
many = sample_noise(100_000, painter.latent, torch.Generator().manual_seed(6)).norm(dim=1)
print(f"length half-way, linear: {float(lengths['linear'][6]):.2f}   "
      f"spherical: {float(lengths['spherical'][6]):.2f}")
print("of 100,000 random z, as short as the middle of the line: fewer than 1 in 500:",
      float((many < 0.71 * many.mean()).float().mean()) < 1 / 500)

# %% [markdown] tags=["lang-zh"]
r"""
所以有人说：直线的中点落在训练时几乎遇不到的地方，应当走圆弧。说得有理，但**画得好不好**是另一回事，量一量：同一把尺子，分类器有把握的样本占多少（`sure`），算数的又占多少（`counted`，也就是 `sure` 减去 `outside`）；再把 $z$ 整个缩短或拉长，看看图怎样变。
"""

# %% [markdown] tags=["lang-en"]
r"""
Hence the advice to walk on the arc: the middle of the line lies where training hardly ever drew any noise. That is true, but whether G **paints well** there is another question, so measure it: by the same ruler, the share of samples of which the classifiers are sure (`sure`) and the share that counts (`counted`, which is `sure` minus `outside`); and then shorten or stretch $z$ as a whole, to see what becomes of the pictures.
"""

# %%
def marks(z):
    """Return the shares of pictures painted from z that the ruler is sure of, and that count."""
    report = measure.factor_coverage(generate(painter.generator_ema, z), faces)
    return f"sure {report.sure:.0%}, counted {report.counted / report.n:.0%}"


def variety(z):
    """Return the spread of the pictures painted from z, root mean square, in grey levels."""
    return float(generate(painter.generator_ema, z).float().var(0).mean().sqrt())


halfway = {name: marks(way(start, end, 3)[1]) for name, way in ways.items()}
scaled = {scale: marks(scale * ends) for scale in (0.3, 1, 3)}
spread = variety(0.3 * ends) / variety(ends)

# %% tags=["nbval-ignore-output"]
print(f"random z:             {scaled[1]}")
for name, shares in halfway.items():
    print(f"half-way, {name + ':':11s} {shares}")
print(f"z shortened to 0.3:   {scaled[0.3]}")
print(f"z stretched to 3:     {scaled[3]}")
print(f"variety of the pictures when z is shortened to 0.3: {spread:.0%} of the usual")

# %% [markdown] tags=["lang-zh"]
r"""
这几个数要放在一起读，也不要读得太细：用 1,000 张图算出的比例，误差约有 2 个百分点。要看的是 `counted`：`sure` 里还有分类器很有把握、画的却是数据里没有的脸，它升高不等于画得更好。直线中点的 `counted` 若和随机的 $z$ 相差不大，短一些的 $z$ 就不碍事；若差得多，就该走圆弧。把 $z$ 整个缩到 0.3 倍，看的是另一件事：越靠近 0，G 的输入越没有分别，画出的图也越相像，到了 $z = 0$ 就只剩一张。缩到 0.3 倍和拉长到 3 倍都是训练时遇不到的，却不是一样远：随机的 $z$ 长度在 8 附近，标准差约 0.7，所以 2.4 偏了约 8 个标准差，24 偏了约 23 个。

路上的每一步一样大吗？比较相邻两张图的像素距离（均方根，单位是灰度级）：最长的一步是平均一步的几倍？若从一头一步跳到另一头，距离又是多少？
"""

# %% [markdown] tags=["lang-en"]
r"""
Read these numbers together, and not too closely: a share found with 1,000 pictures is uncertain by some 2 percentage points. The one to look at is `counted`: `sure` includes faces that the data never have but of which the classifiers are sure, so that a larger share there need not mean better pictures. If `counted` half-way along the line is about that of random $z$, a somewhat shorter $z$ does no harm; if it is much less, take the arc. Shortening $z$ as a whole to 0.3 shows another thing: the closer to 0, the less one input of G differs from the next and the more alike the pictures are, until at $z = 0$ only one is left. Neither 0.3 nor 3 times the length ever occurs in training, but they are not equally far away: the length of a random $z$ is about 8, with a standard deviation of about 0.7, so 2.4 is about 8 standard deviations off and 24 about 23.

Are all steps of the way equally long? Compare neighbouring pictures, pixel by pixel (root mean square, in grey levels): how many times the mean step is the longest one? And how far is it if one jumps from one end to the other?
"""

# %%
def walk_steps(way):
    """Return the distances between neighbours on 100 walks of 13 pictures, (12, 100)."""
    path = torch.stack([generate(painter.generator_ema, z) for z in way(start[:100], end[:100], 13)])
    return path.float().diff(dim=0).square().mean((2, 3, 4)).sqrt()


steps = {name: walk_steps(way) for name, way in ways.items()}
jump = (generate(painter.generator_ema, start[:100]).float()
        - generate(painter.generator_ema, end[:100]).float()).square().mean((1, 2, 3)).sqrt().mean()
uneven = {name: float((s.max(0).values / s.mean(0)).mean()) for name, s in steps.items()}
show.lines({name: (torch.arange(1, 13), s.mean(1)) for name, s in steps.items()},
           xlabel="step of the walk", ylabel="distance of neighbours",
           alt="Mean distance of neighbouring pictures at each of the twelve steps of a walk, "
               "one curve for the straight line and one for the arc")

# %% tags=["nbval-ignore-output"]
print(f"from one end to the other in one jump: {float(jump):.0f} grey levels")
for name, s in steps.items():
    print(f"{name:10s} mean step {float(s.mean()):4.1f}   longest / mean {uneven[name]:.2f}")

# %%
if runtime.scale() != "smoke":
    print("no step of either walk is as long as the jump:",
          bool(max(s.max(0).values.mean() for s in steps.values()) < jump))

# %% [markdown] tags=["lang-zh"]
r"""
## 是不是抄来的

最后一问，和上一课一样：样本会不会是训练图的复制品？`measure.nearest` 给每张样本找出训练集里像素最接近的一张。要有个对照：G 没见过的真图，离训练集有多近？
"""

# %% [markdown] tags=["lang-en"]
r"""
## Are they copies?

The last question is last lesson's: could the samples be copies of training pictures? `measure.nearest` finds, for each sample, the training picture that is closest in pixels. It takes something to compare with: how close are real pictures that G has never seen?
"""

# %%
distance, index = measure.nearest(portraits[:300], faces.images)
unseen, _ = measure.nearest(data.toy_faces(300, size=32, seed=1, core=True).images, faces.images)
show.gallery({"generated": portraits[:10], "the nearest training pictures": faces.images[index[:10]]},
             columns=10, alt="Ten generated faces above their nearest training pictures: mostly "
                             "alike in hair, skin and background, a few different; the generated "
                             "ones are speckled")

# %% tags=["nbval-ignore-output"]
chance = torch.Generator().manual_seed(0)
learned_by_heart = faces.images[:300] + 15 * torch.randn(300, 3, 32, 32, generator=chance)
recited, _ = measure.nearest(learned_by_heart.round().clamp(0, 255).to(torch.uint8), faces.images)
for name, found in (("generated", distance), ("training pictures with noise", recited)):
    print(f"{name}: median distance to the nearest training picture, in units of that of unseen "
          f"pictures: {float(found.median() / unseen.median()):.2f}")

# %% [markdown] tags=["lang-zh"]
r"""
原样照抄的图，第一个数会接近 0；这里不是。但这同样证明不了没有抄：第二个数来自真的背诵，把训练图原样拿来，加上标准差 15 个灰度级的噪点，它和没见过的真图一样“远”了，而 G 的图上就有这样的噪点。像素距离也看不出平移一格的抄袭。第 07 课会用特征再查一次。
"""

# %% [markdown] tags=["lang-en"]
r"""
For unchanged copies the first number would be close to 0, and it is not. But again this does not prove that nothing is copied: the second number belongs to a real recital, training pictures as they are plus noise with a standard deviation of 15 grey levels, and it is as "far" away as unseen real pictures; and G's pictures have noise like that. A distance in pixels would also miss a copy that is shifted by one pixel. Lesson 07 looks again, with features.
"""

# %% [markdown] tags=["lang-zh", "quiz"]
r"""
## 小测验

四道题，选错了会告诉你错在哪里。
"""

# %% [markdown] tags=["lang-en", "quiz"]
r"""
## Quiz

Four questions; a wrong choice tells you what is wrong with it.
"""

# %%
lab.quiz("03")

# %% [markdown] tags=["lang-zh", "recap"]
r"""
## 小结

现在你会：

- 用印章推导转置卷积的边长 $(n - 1)s - 2p + k$，并说出为什么它不是卷积的逆；
- 看到棋盘格，知道先查 `kernel` 能不能被 `stride` 整除；
- 为 DCGAN 的每条规矩指出代码里对应的那一行，并用消融说明在什么规模上、哪条碰不得；
- 在隐空间里走直线和圆弧，用长度、算数的比例和步长来比较；
- 用弗雷歇距离、组合数和最近邻说明画得好不好、全不全、离训练图有多近，每个数旁边都注明下限，也知道哪一个断定不了什么。

这些说法或写法需要更正：

| 出处 | 更正 | 在哪里看到 |
|---|---|---|
| `003`：放大模块的 `bn` 参数 | 没有存，也没有用；批归一化不管怎样都会建 | 没人理会的开关 |
| `003`：卷积、ReLU、批归一化 | DCGAN 的次序是卷积、批归一化、激活 | 规矩、消融 |
| `003`：边长是 16 的倍数就行 | 48 让 G 的循环永不停止，D 也放不下最后的卷积核；要 2 的幂 | 48 能被 16 整除 |
| `003`：称转置卷积为“反卷积” | 它是转置，不是逆 | “反卷积”并不反 |
| `003`：D 的最后也可以用自适应平均池化 | DCGAN 不用池化；4x4 的卷积让每个位置有自己的权重 | 规矩 |
| `004`：DCGAN 是网络层的改进 | 这句对 DCGAN 是对的：损失和训练循环都没有变 | 和上一课相比 |
| 有的教材：所有参数取自 $N(0, 0.02)$ | 批归一化的缩放要取 $N(1, 0.02)$ | 初始权重 |
"""

# %% [markdown] tags=["lang-en", "recap"]
r"""
## Recap

You can now:

- derive the side of a transposed convolution, $(n - 1)s - 2p + k$, from stamps, and say why it is not the inverse of a convolution;
- see a checkerboard and first ask whether `kernel` is divisible by `stride`;
- point to the line of code behind each rule of DCGAN, and use an ablation to show which must not be broken, and at what scale;
- walk through latent space in lines and on arcs, and compare them by length, by the share that counts and by step size;
- use a Fréchet distance, a count of combinations and nearest neighbours to say how good and how complete the samples are and how close to training pictures, each number next to its floor, and know what it cannot decide.

These statements and habits needed correcting:

| Where | Correction | Where you saw it |
|---|---|---|
| `003`: the enlarging block's argument `bn` | is neither kept nor used; the batch normalisation is always built | the switch that nobody heeds |
| `003`: convolution, ReLU, batch normalisation | DCGAN's order is convolution, batch normalisation, activation | the rules, the ablation |
| `003`: a side need only be a multiple of 16 | with 48 the loop in G never ends, and D has no room for its last kernel; it takes a power of 2 | 48 is divisible by 16 |
| `003`: calls the transposed convolution a "deconvolution" | it is the transpose and not the inverse | a "deconvolution" undoes nothing |
| `003`: D might as well end in adaptive average pooling | DCGAN uses no pooling; a 4x4 convolution gives each place its own weight | the rules |
| `004`: DCGAN is an improvement of the layers | of DCGAN this is true: neither the loss nor the training loop has changed | what changed |
| some textbooks: all parameters from $N(0, 0.02)$ | batch normalisation's scale is drawn from $N(1, 0.02)$ | first weights |
"""

# %% [markdown] tags=["lang-zh", "going-further"]
r"""
## 延伸

- **放大。** `recipes.dcgan(64)` 就是 64x64 的 DCGAN，按常见的大小取 64 个特征（论文用 128 个）。有显卡就设 `GAN_LESSONS_SCALE=full`；64x64 的真人照片留到第 04 课，那里也谈谈肖像和同意。
- **动手改。** 在 `ablations.CHANGES` 里加一条你自己的，比如把 D 的 `slope` 改成 0.5，先猜，再用五个种子量。把 `small_steps` 加长，看看 `003` 的次序会不会分出高下。
- **向量算术。** 论文里有一个有名的例子：“戴眼镜的男人”减“男人”加“女人”。用 `measure.factor_reader` 认出戴眼镜和不戴眼镜的样本，各取几十个 $z$ 求平均，两个平均相减，加到别的 $z$ 上，看看眼镜会不会出现。
- **往前走。** 第 04 课换一种损失，Wasserstein 距离，网络还是这一套，`003` 的后半篇在那里接着讲。
- **论文。** Radford 等，[Unsupervised Representation Learning with Deep Convolutional Generative Adversarial Networks](https://arxiv.org/abs/1511.06434)；Odena 等，“[Deconvolution and Checkerboard Artifacts](https://distill.pub/2016/deconv-checkerboard/)”，讲棋盘格；Dumoulin 和 Visin，[A guide to convolution arithmetic for deep learning](https://arxiv.org/abs/1603.07285)，讲各种边长公式；White，[Sampling Generative Networks](https://arxiv.org/abs/1609.04468)，主张走圆弧；Miyato 等，[Spectral Normalization for Generative Adversarial Networks](https://arxiv.org/abs/1802.05957)。
"""

# %% [markdown] tags=["lang-en", "going-further"]
r"""
## Going further

- **Scale up.** `recipes.dcgan(64)` has DCGAN's networks at 64x64 in their usual size, with 64 features (the paper has 128). With a graphics card set `GAN_LESSONS_SCALE=full`; photographs of people at 64x64 wait for lesson 04, which also talks about portraits and consent.
- **Change something.** Add an entry of your own to `ablations.CHANGES`, such as a `slope` of 0.5 in D; guess first, then measure on five seeds. Make `small_steps` longer and see whether the order of `003` makes a difference then.
- **Arithmetic with vectors.** The paper has a famous example: "man with glasses" minus "man" plus "woman". Use `measure.factor_reader` to find samples with and without glasses, average a few dozen $z$ of each kind, subtract the averages, add the difference to another $z$, and see whether glasses appear.
- **Go on.** Lesson 04 has another loss, the Wasserstein distance, with these same networks; the second half of `003` is taken up there.
- **Papers.** Radford et al., [Unsupervised Representation Learning with Deep Convolutional Generative Adversarial Networks](https://arxiv.org/abs/1511.06434); Odena et al., "[Deconvolution and Checkerboard Artifacts](https://distill.pub/2016/deconv-checkerboard/)", on checkerboards; Dumoulin and Visin, [A guide to convolution arithmetic for deep learning](https://arxiv.org/abs/1603.07285), with every rule for sizes; White, [Sampling Generative Networks](https://arxiv.org/abs/1609.04468), in favour of arcs; Miyato et al., [Spectral Normalization for Generative Adversarial Networks](https://arxiv.org/abs/1802.05957).
"""
