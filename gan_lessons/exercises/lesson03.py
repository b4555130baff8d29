"""Lesson 03: the size of a transposed convolution, a block that heeds its flag, first weights."""

import random

import torch
from torch import nn
from torch.nn.functional import batch_norm

from gan_lessons.exercises.checking import checker, require


@checker
def transposed_size(tconv_out) -> None:
    """Check tconv_out(n, k, s, p), the side after a transposed convolution: 200 random cases."""
    cases = random_cases(200)
    given = [tconv_out(n, k, s, p) for n, k, s, p in cases]
    require(all(isinstance(size, int) for size in given),
            "请返回一个整数：边长是像素的个数（用 // 而不是 /）。",
            "Return a whole number: a side counts pixels (no / in it).")
    for formula, zh, en in WRONG_SIZES:
        require(given != [formula(*case) for case in cases], zh, en)
    for (n, k, s, p), size in zip(cases, given, strict=True):
        made = nn.ConvTranspose2d(1, 1, k, s, p)(torch.zeros(1, 1, n, n)).shape[-1]
        require(size == made,
                f"n={n}、k={k}、s={s}、p={p} 时 torch 给出 {made}，你的答案是 {size}。"
                "n 枚印章，相邻的隔 s 格，每枚宽 k：先数出总宽，再裁掉两边。",
                f"For n={n}, k={k}, s={s}, p={p} torch gives {made}, your answer is {size}. "
                "n stamps, s apart, each k wide: count the whole width, then trim both sides.")


WRONG_SIZES = (
    (lambda n, k, s, p: (n + 2 * p - k) // s + 1,
     "这是普通卷积的尺寸公式。转置卷积反过来：由普通卷积的输出边长求它的输入边长。",
     "That is the rule of an ordinary convolution. A transposed one goes the other way: from the "
     "ordinary one's output side to its input side."),
    (lambda n, k, s, p: n * s,
     "n * s 只在 k = s + 2p 时才对，例如 k=4、s=2、p=1。卷积核的宽度和 padding 也要算进去。",
     "n * s is right only where k = s + 2p, as for k=4, s=2, p=1. The width of the kernel and the "
     "padding count, too."),
    (lambda n, k, s, p: (n - 1) * s + k,
     "没有算 padding：它从两边各裁掉 p 个像素。",
     "The padding is missing: it trims p pixels from each side."),
    (lambda n, k, s, p: (n - 1) * s - p + k,
     "padding 只裁了一边：左右（上下）各要裁掉 p 个像素。",
     "The padding trims one side only: it takes p pixels from each of the two."),
    (lambda n, k, s, p: (n - 1) * s + 2 * p + k,
     "padding 的符号反了：在转置卷积里，它让输出变小。",
     "The sign of the padding is wrong: in a transposed convolution it makes the output smaller."),
    (lambda n, k, s, p: n * s - 2 * p + k,
     "多算了一步：n 枚印章之间只有 n - 1 个间隔。",
     "One step too many: between n stamps there are n - 1 gaps."),
)


def random_cases(count: int) -> list[tuple[int, int, int, int]]:
    """Return different (n, k, s, p), each of a transposed convolution with an output."""
    chance, cases = random.Random(0), []
    while len(cases) < count:
        n, k, s, p = (chance.randint(*limits) for limits in ((1, 12), (1, 7), (1, 4), (0, 3)))
        if (n - 1) * s - 2 * p + k >= 1 and (n, k, s, p) not in cases:
            cases.append((n, k, s, p))
    return cases


@checker
def upsampling_block(block) -> None:
    """Check block(n_in, n_out, kernel, stride, padding, bn): convolution, BatchNorm if bn, ReLU."""
    torch.manual_seed(0)
    with_it, without = block(3, 5, 4, 2, 1, True), block(3, 5, 4, 2, 1, False)
    for made in (with_it, without):
        require(isinstance(made, nn.Module) and len(of_type(made, nn.ConvTranspose2d)) == 1,
                "请返回一个模块，例如 nn.Sequential(...)，里面恰好有一个 nn.ConvTranspose2d。",
                "Return a module, such as nn.Sequential(...), with exactly one "
                "nn.ConvTranspose2d in it.")
    require(not of_type(without, nn.BatchNorm2d),
            "bn=False 时仍然建了 BatchNorm：这个参数又被忽略了。",
            "With bn=False there is a BatchNorm all the same: the argument is ignored again.")
    require(len(of_type(with_it, nn.BatchNorm2d)) == 1,
            "bn=True 时应恰好有一个 nn.BatchNorm2d。",
            "With bn=True there should be exactly one nn.BatchNorm2d.")
    x = torch.randn(8, 3, 6, 6)
    for made in (with_it, without):
        check_block(made, x)
    odd = block(2, 4, 3, 3, 0, False)(torch.randn(2, 2, 5, 5))
    require(odd.shape == (2, 4, 15, 15),
            f"kernel=3、stride=3、padding=0 时，5x5 应变成 15x15、4 个通道，得到 "
            f"{tuple(odd.shape)}。"
            "请把参数都传给 nn.ConvTranspose2d。",
            f"With kernel=3, stride=3, padding=0, 5x5 should become 15x15 with 4 channels; got "
            f"{tuple(odd.shape)}. Hand all arguments on to nn.ConvTranspose2d.")


def check_block(made: nn.Module, x: torch.Tensor) -> None:
    """Require that `made` is convolution, BatchNorm if it has one, ReLU, in this order."""
    convolution, = of_type(made, nn.ConvTranspose2d)
    result, raw = made(x), convolution(x)
    require(result.shape == raw.shape == (8, 5, 12, 12),
            f"kernel=4、stride=2、padding=1 时，6x6 应变成 12x12、5 个通道，得到 "
            f"{tuple(result.shape)}。请把参数都传给 nn.ConvTranspose2d。",
            f"With kernel=4, stride=2, padding=1, 6x6 should become 12x12 with 5 channels; got "
            f"{tuple(result.shape)}. Hand all arguments on to nn.ConvTranspose2d.")
    expected, last = raw.relu(), raw.relu()
    if of_type(made, nn.BatchNorm2d):
        expected = batch_norm(raw, None, None, training=True).relu()
        last = batch_norm(raw.relu(), None, None, training=True)
        require(not torch.allclose(result, last, atol=1e-4),
                "BatchNorm 排在了 ReLU 之后。DCGAN 的顺序是：卷积、BatchNorm、ReLU。",
                "BatchNorm comes after the ReLU. DCGAN's order is convolution, BatchNorm, ReLU.")
    require(result.min() >= 0, "输出里有负数：最后要有 ReLU。",
            "The output has negative values: a ReLU should come last.")
    require(torch.allclose(result, expected, atol=1e-4),
            "输出不等于卷积、BatchNorm（bn=True 时）、ReLU 依次作用的结果。"
            "建了的层都要在前向里用上。",
            "The output is not that of convolution, BatchNorm (with bn=True) and ReLU in turn. "
            "Whatever is built must be used in the forward pass.")


@checker
def first_weights(initialise) -> None:
    """Check initialise(network): convolutions N(0, 0.02), BatchNorm N(1, 0.02) and 0, biases 0."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.ConvTranspose2d(32, 32, 4, 2, 1), BatchNormedConv(32),
                            nn.Sequential(nn.Conv2d(32, 32, 4, 2, 1), nn.LeakyReLU(0.2)))
    initialise(network)
    up, down = network[0], network[2][0]
    inner, norm = network[1].conv, network[1].norm
    scale = norm.weight
    require(scale.mean() > 0.5,
            "BatchNorm 的缩放也取成了 N(0, 0.02)：它会把输入缩小到约五十分之一。"
            "缩放应取 N(1, 0.02)。",
            "BatchNorm's scale was drawn from N(0, 0.02), too: it would fade its input to about a "
            "fiftieth. Draw the scale from N(1, 0.02).")
    for layer, name in ((down, "Conv2d"), (up, "ConvTranspose2d"), (inner, "Conv2d")):
        require(0.018 < layer.weight.std() < 0.022 and layer.weight.mean().abs() < 0.003,
                f"有一个 {name} 的权重不是 N(0, 0.02)，标准差是 {layer.weight.std():.3f}。"
                "请对 network.modules() 逐个用 isinstance 判断，两种卷积都要管。",
                f"The weights of a {name} are not N(0, 0.02): their standard deviation is "
                f"{layer.weight.std():.3f}. Go through network.modules() with isinstance and "
                "treat both kinds of convolution.")
    require(0.01 < scale.std() < 0.03 and abs(scale.mean() - 1) < 0.02,
            "BatchNorm 的缩放应取 N(1, 0.02)：平均为 1，标准差为 0.02。",
            "Draw BatchNorm's scale from N(1, 0.02): a mean of 1, a standard deviation of 0.02.")
    require(not any(layer.bias.any() for layer in (down, up, inner, norm)),
            "偏置和 BatchNorm 的平移应当都是 0。",
            "The biases, and BatchNorm's shift, should all be 0.")


class BatchNormedConv(nn.Module):
    """A block whose name contains the names of both layers: a search in names goes wrong on it."""

    def __init__(self, width: int):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(width, width, 3, padding=1), nn.BatchNorm2d(width)

    def forward(self, x):
        """Return convolution and BatchNorm of x."""
        return self.norm(self.conv(x))


def of_type(network: nn.Module, kind: type) -> list[nn.Module]:
    """Return the parts of `network`, itself included, that are of a type."""
    return [module for module in network.modules() if isinstance(module, kind)]
