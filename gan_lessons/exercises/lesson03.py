"""Lesson 03: the size of a transposed convolution, a block that heeds its flag, first weights.

And the open task: settings with which the small DCGAN beats the board of the ablation.
"""

import math
import random

import torch
from torch import Tensor, nn
from torch.nn.functional import batch_norm

from gan_lessons import ablations, data, measure, runtime
from gan_lessons.checkpoint import TrainingDiverged
from gan_lessons.data import ImageSet
from gan_lessons.exercises.checking import NotYet, checker, require
from gan_lessons.nets import dcgan
from gan_lessons.train import Game, fit, weight_count

HUGE = (10**17 + 3, 4, 2, 1)  # n, k, s, p: easy for a formula; a picture of it fits into no memory


@checker
def transposed_size(tconv_out) -> None:
    """Check tconv_out(n, k, s, p), the side after a transposed convolution: 200 random cases.

    To ask nn.ConvTranspose2d is no answer: the exercise is to count stamps. One case is so large
    that only a formula can answer it.
    """
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
    try:
        size = tconv_out(*HUGE)
    except (RuntimeError, MemoryError) as problem:
        raise NotYet(
            "答案都对，但这是让 torch 去算的，n 大到内存装不下时就不行了。"
            "请不用 torch，数出公式来。",
            "All answers are right, but torch was asked for them, which fails for an n that fits "
            "into no memory. Find the formula by counting, without torch.") from problem
    require(size == 2 * HUGE[0],
            "n 很大时不对：边长是整数，请全程用整数运算。",
            "For a very large n it is off: a side is a whole number, so calculate with whole "
            "numbers throughout.")


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
    (lambda n, k, s, p: (n - 1) * s - 2 * p + k - 1,
     "少了 1：最后一枚印章从 (n - 1) * s 开始，占满 k 格。（torch 文档里的公式末尾还有一个 + 1。）",
     "One too few: the last stamp starts at (n - 1) * s and takes k full places. (The formula in "
     "torch's documentation has a + 1 at its end.)"),
    (lambda n, k, s, p: (n - 1) * s - 2 * p * s + k,
     "padding 不乘步长：裁边裁的是输出的像素。",
     "The padding is not multiplied by the step: what is trimmed are pixels of the output."),
    (lambda n, k, s, p: 2 * n,
     "2 * n 只在 k=4、s=2、p=1 这样的设置下成立。请用上 k、s、p。",
     "2 * n holds for settings such as k=4, s=2, p=1 only. Use k, s and p."),
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
def upsampling_block(block):
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
    norm, = of_type(with_it, nn.BatchNorm2d)
    require(norm.num_features == 5,
            f"BatchNorm2d 要的是卷积之后的通道数 n_out，这里是 {norm.num_features}。",
            "BatchNorm2d wants the channels after the convolution, n_out; here it has "
            f"{norm.num_features}.")
    again = block(3, 5, 4, 2, 1, True)
    require(not {id(p) for p in with_it.parameters()} & {id(p) for p in again.parameters()},
            "两次调用共用了同一层：每次调用都应新建自己的层。",
            "Two calls share a layer: each call should build layers of its own.")
    require(norm.affine and norm.track_running_stats,
            "BatchNorm 要有可学的缩放和平移，也要记滑动统计量（评估模式要用）：affine 和 "
            "track_running_stats 保持默认的 True。",
            "BatchNorm needs its scale and shift to learn, and running statistics for evaluation: "
            "leave affine and track_running_stats at their default, True.")
    require(of_type(without, nn.ConvTranspose2d)[0].bias is not None,
            "bn=False 时卷积需要偏置：没有 BatchNorm 的平移来代替它。",
            "With bn=False the convolution needs its bias: there is no shift of a BatchNorm to "
            "take its place.")
    for seed in (0, 1):
        x = torch.randn(8, 3, 6, 6, generator=torch.Generator().manual_seed(seed))
        for made in (without, with_it):
            check_block(made, x)
            check_block(made, 30 * x + 5)  # large values, too
    odd = block(2, 4, 3, 3, 0, False)(torch.randn(2, 2, 5, 5))
    require(odd.shape == (2, 4, 15, 15),
            f"kernel=3、stride=3、padding=0 时，5x5 应变成 15x15、4 个通道，得到 "
            f"{tuple(odd.shape)}。"
            "请把参数都传给 nn.ConvTranspose2d。",
            f"With kernel=3, stride=3, padding=0, 5x5 should become 15x15 with 4 channels; got "
            f"{tuple(odd.shape)}. Hand all arguments on to nn.ConvTranspose2d.")
    check_in_a_generator(block)
    if of_type(with_it, nn.ConvTranspose2d)[0].bias is not None:
        return ("备注：有 BatchNorm 时卷积的偏置是多余的，减去均值时它就消失了（bias=not bn）。",
                "A remark: with BatchNorm the convolution needs no bias, for subtracting the mean "
                "removes it again (bias=not bn).")
    return None


def check_block(made: nn.Module, x: Tensor) -> None:
    """Require that `made` is convolution, BatchNorm if it has one, ReLU, in either mode."""
    convolution, = of_type(made, nn.ConvTranspose2d)
    made.train()
    result, raw = made(x), convolution(x)
    require(result.shape == raw.shape == (8, 5, 12, 12),
            f"kernel=4、stride=2、padding=1 时，6x6 应变成 12x12、5 个通道，得到 "
            f"{tuple(result.shape)}。请把参数都传给 nn.ConvTranspose2d。",
            f"With kernel=4, stride=2, padding=1, 6x6 should become 12x12 with 5 channels; got "
            f"{tuple(result.shape)}. Hand all arguments on to nn.ConvTranspose2d.")
    expected, last = raw.relu(), raw.relu()
    norms = of_type(made, nn.BatchNorm2d)
    if norms:
        expected = batch_norm(raw, None, None, training=True).relu()
        last = batch_norm(raw.relu(), None, None, training=True)
        require(not torch.allclose(result, last, atol=1e-4),
                "BatchNorm 排在了 ReLU 之后。DCGAN 的顺序是：卷积、BatchNorm、ReLU。",
                "BatchNorm comes after the ReLU. DCGAN's order is convolution, BatchNorm, ReLU.")
    require(result.min() >= 0, "输出里有负数：最后要有 ReLU。",
            "The output has negative values: a ReLU should come last.")
    require(not torch.allclose(result, expected.clamp(max=6), atol=1e-4) or expected.max() <= 6,
            "超过 6 的值被截掉了：请用 nn.ReLU，不是 nn.ReLU6。",
            "Values above 6 are cut off: use nn.ReLU, not nn.ReLU6.")
    require(torch.allclose(result, expected, rtol=1e-4, atol=1e-4),
            "输出不等于卷积、BatchNorm（bn=True 时）、ReLU 依次作用的结果。"
            "建了的层都要在前向里用上。",
            "The output is not that of convolution, BatchNorm (with bn=True) and ReLU in turn. "
            "Whatever is built must be used in the forward pass.")
    made.eval()
    with torch.no_grad():
        if norms:
            norm, = norms
            raw = batch_norm(raw, norm.running_mean, norm.running_var, norm.weight, norm.bias)
        require(torch.allclose(made(x), raw.relu(), rtol=1e-4, atol=1e-4),
                "在评估模式（.eval()）里结果不对：那时 BatchNorm 要用滑动统计量。"
                "请用 nn.BatchNorm2d 这一层本身，不要自己写死 training=True。",
                "In evaluation mode, .eval(), the result is off: there BatchNorm uses its running "
                "statistics. Use the layer nn.BatchNorm2d itself, with no training=True of your "
                "own.")
    made.train()


def check_in_a_generator(block) -> None:
    """Require that blocks make a generator, z -> 4x4 -> 8x8 -> 16x16, that gradients go through."""
    network = nn.Sequential(nn.Unflatten(1, (12, 1, 1)), block(12, 16, 4, 1, 0, True),
                            block(16, 8, 4, 2, 1, True), block(8, 3, 4, 2, 1, False))
    z = torch.randn(4, 12, requires_grad=True)
    painted = network(z)
    require(painted.shape == (4, 3, 16, 16),
            f"三个 block 接成一个生成器，应得到 (4, 3, 16, 16)，得到的是 {tuple(painted.shape)}。",
            "Three blocks in a row make a generator that should give (4, 3, 16, 16); got "
            f"{tuple(painted.shape)}.")
    painted.square().sum().backward()
    require(z.grad is not None and all(p.grad is not None for p in network.parameters()),
            "梯度没有到达每一个参数：前向里不要用 detach 或 no_grad，建了的层都要用上。",
            "Gradients do not reach every parameter: no detach or no_grad in the forward pass, and "
            "use every layer that is built.")


@checker
def first_weights(initialise) -> None:
    """Check initialise(network): convolutions N(0, std 0.02), BatchNorm N(1, std 0.02), else 0."""
    for seed in (0, 1):
        torch.manual_seed(seed)
        network = nn.Sequential(nn.ConvTranspose2d(32, 32, 4, 2, 1), BatchNormedConv(32),
                                nn.Sequential(nn.Conv2d(32, 32, 4, 2, 1), nn.LeakyReLU(0.2)))
        check_first_weights(network, initialise(network))
    for network in (dcgan.generator(32, std=None), dcgan.critic(32, std=None)):
        try:  # most layers of the course's own networks have no bias
            returned = initialise(network)
        except AttributeError as problem:
            if "NoneType" not in str(problem):
                raise
            raise NotYet(
                f"在课程自己的网络（dcgan.generator(32)）上出错：{problem}。那里的卷积没有偏置，"
                "module.bias 是 None：先判断，再清零。",
                f"It fails on the course's own network, dcgan.generator(32): {problem}. Its "
                "convolutions have no bias, module.bias is None: ask before you set it to "
                "0.") from problem
        check_first_weights(network, returned)


def check_first_weights(network: nn.Module, returned) -> None:
    """Require the first weights of DCGAN in `network`, and that it was returned."""
    for norm in of_type(network, nn.BatchNorm2d):
        require(norm.weight.mean() > 0.5,
                "BatchNorm 的缩放也取成了均值 0、标准差 0.02：它会把输入缩小到约五十分之一。"
                "缩放的均值应为 1。",
                "BatchNorm's scale was drawn with mean 0 and standard deviation 0.02, too: it "
                "would fade its input to about a fiftieth. The mean of the scale should be 1.")
    for layer in of_type(network, (nn.Conv2d, nn.ConvTranspose2d)):
        name, std, mean = type(layer).__name__, layer.weight.std(), layer.weight.mean()
        several = 5 * 0.02 / math.sqrt(layer.weight.numel())  # how far chance takes the mean
        require(abs(std - math.sqrt(0.02)) > 0.01,
                "标准差成了 0.141，方差才是 0.02：这里的 0.02 是标准差，"
                "nn.init.normal_ 要的也是标准差。",
                "The standard deviation is 0.141, the variance 0.02: here 0.02 is the standard "
                "deviation, and that is what nn.init.normal_ takes.")
        require(0.018 < std < 0.022 and mean.abs() < several + 0.0005,
                f"有一个 {name} 的权重不是均值 0、标准差 0.02，而是 {mean:.3f} 和 {std:.3f}。"
                "请对 network.modules() 逐个用 isinstance 判断，两种卷积都要管。",
                f"The weights of a {name} do not have mean 0 and standard deviation 0.02 but "
                f"{mean:.3f} and {std:.3f}. Go through network.modules() with isinstance and "
                "treat both kinds of convolution.")
        require(layer.weight.numel() < 5000 or layer.weight.abs().max() > 0.055,
                f"有一个 {name} 的权重不是正态分布：没有一个超过三个标准差，"
                "均匀分布才会这样。",
                f"The weights of a {name} are not Gaussian: none lies beyond three standard "
                "deviations, as with uniform numbers.")
    for norm in of_type(network, nn.BatchNorm2d):
        allowed = 5 * 0.02 / math.sqrt(norm.num_features)
        require(0.008 < norm.weight.std() < 0.035 and abs(norm.weight.mean() - 1) < allowed,
                "BatchNorm 的缩放应取均值 1、标准差 0.02 的正态分布。",
                "Draw BatchNorm's scale with a mean of 1 and a standard deviation of 0.02.")
    layers = of_type(network, (nn.Conv2d, nn.ConvTranspose2d, nn.BatchNorm2d))
    require(not any(layer.bias.any() for layer in layers if layer.bias is not None),
            "偏置和 BatchNorm 的平移应当都是 0。",
            "The biases, and BatchNorm's shift, should all be 0.")
    require(all(p.requires_grad for p in network.parameters()),
            "有的参数不再要梯度，网络就学不了：请用 nn.init 或 torch.no_grad() 就地修改。",
            "Some parameters ask for no gradient any more, so the network cannot learn: change "
            "them in place with nn.init, or inside torch.no_grad().")
    require(returned is network,
            "网络改好了，但没有返回它：最后写 return network。",
            "The network is as it should be but is not returned: end with return network.")


class BatchNormedConv(nn.Module):
    """A block whose name contains the names of both layers: a search in names goes wrong on it."""

    def __init__(self, width: int):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(width, width, 3, padding=1), nn.BatchNorm2d(width)

    def forward(self, x):
        """Return convolution and BatchNorm of x."""
        return self.norm(self.conv(x))


def of_type(network: nn.Module, kind) -> list:
    """Return the parts of `network`, itself included, that are of a type or one of several."""
    return [module for module in network.modules() if isinstance(module, kind)]


# ---- the open task: settings that beat the board ----

SEEDS = (31, 32)  # not those of the board
STEPS, BATCH, SAMPLES = 600, 32, 2000
DIGITS, FRECHET = 9, 3.5  # at least, and at most, on both seeds; see studies/exercises.py


def digits() -> tuple[ImageSet, ImageSet]:
    """Return lesson 03's digits: 6,000 of the box to learn from, 2,000 held out; 28x28."""
    box = data.mnist(train=True)[:8000]
    return box[:6000], box[6000:]


@checker
def beats_the_board(make):
    """Check make(seed), a `train.Game` that has not begun: train it on two seeds and measure it.

    It may not be larger than the board's DCGAN, nor see more pictures. Takes under a minute.
    """
    games = [make(seed) for seed in SEEDS]
    for game in games:
        check_game(game)
    first, second = (list(game.generator.parameters()) for game in games)
    require(not any(p.data_ptr() == q.data_ptr() for p, q in zip(first, second, strict=False)),
            "两个种子用了同一个网络：每次调用 make 都应新建 G 和 D。",
            "Both seeds share their networks: each call of make should build a new G and D.")
    images, held_out = (part.framed(ablations.SIZE) for part in digits())
    evaluator = measure.DigitEvaluator(images, held_out)
    zh, en = "", ""
    with runtime.one_thread():
        for seed, game in zip(SEEDS, games, strict=True):
            try:
                fit(game, images, STEPS, progress=False)
            except TrainingDiverged as problem:
                raise NotYet(f"种子 {seed} 在第 {game.step} 步发散了：降低学习率，或者加上惩罚项。",
                             f"Seed {seed} diverged at step {game.step}: lower the learning rate, "
                             "or add a penalty.") from problem
            report = evaluator.report(game.sample(SAMPLES, ema=True))
            zh += f"种子 {seed}：{report.classes} 种数字，弗雷歇距离 {report.fd_digits:.2f}。"
            en += f"Seed {seed}: {report.classes} digits, Fréchet distance {report.fd_digits:.2f}. "
            require(report.classes >= DIGITS and report.fd_digits < FRECHET,
                    f"{zh}两个种子都要写出至少 {DIGITS} 种数字，距离低于 {FRECHET:g}。"
                    "一次只改一处，记下每次的结果。",
                    f"{en}Both seeds should write at least {DIGITS} digits, at a distance below "
                    f"{FRECHET:g}. Change one thing at a time, and note what each attempt gives.")
    return zh, en.strip()


def check_game(game) -> None:
    """Require that a game of the open task keeps to the rules."""
    require(isinstance(game, Game),
            f"make(seed) 应返回一个 Game，例如 ablations.changed(\"DCGAN\", seed=seed, lr=...)，"
            f"收到的是 {type(game).__name__}。",
            "make(seed) should return a Game, such as ablations.changed(\"DCGAN\", seed=seed, "
            f"lr=...); got {type(game).__name__}.")
    require(game.step == 0,
            f"这一局已经训练了 {game.step} 步：请交还没有开始的，由批改来训练。",
            f"This game has made {game.step} steps already: hand in one that has not begun, the "
            "checker trains it.")
    require(game.batch <= BATCH and game.n_critic == 1,
            f"批大小至多 {BATCH}，n_critic 是 1：比的是同样多的图片。这里是 {game.batch} 和 "
            f"{game.n_critic}。",
            f"At most {BATCH} pictures a batch, and n_critic 1: all should see as many pictures. "
            f"Here it is {game.batch} and {game.n_critic}.")
    plain = ablations.changed("DCGAN")
    for name in ("generator", "critic"):
        most, now = (weight_count(getattr(g, name)) for g in (plain, game))
        require(now <= 1.05 * most,
                f"{name} 有 {now:,} 个权重，至多比对照的 {most:,} 个多 5%：比的是设置，不是大小。",
                f"The {name} has {now:,} weights, at most 5% more than the {most:,} of the control "
                "are allowed: settings are to be compared, not sizes.")
