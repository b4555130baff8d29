"""Lesson 02: the two losses, the way back to bytes, both steps in full, digits, a broken loop."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits as bce
from torch.nn.functional import softplus

from gan_lessons.exercises.checking import (
    NotYet,
    checker,
    close,
    require,
    scalar_loss,
    untouched,
)
from gan_lessons.exercises.steps import own_steps, repaired
from gan_lessons.measure.digits import COVERED
from gan_lessons.nets import mlp
from gan_lessons.train import generate, sample_noise

__all__ = ["discriminator_loss", "generator_loss", "own_steps", "repaired", "to_bytes",
           "writes_digits"]

SIZES = ((7, 5), (4, 4), (3, 9))  # batches of real and of fake logits
EXTREMES = (20.0, 200.0)  # logits of a D that is very sure; the first occurs in training


# ---- exercises 1 and 2: the losses ----

@checker
def discriminator_loss(d_loss) -> None:
    """Check d_loss(real_logits, fake_logits): the mean cross-entropy with targets 1 and 0."""
    for seed, sizes in enumerate(SIZES):
        chance = torch.Generator().manual_seed(seed)
        real, fake = (torch.randn(n, generator=chance, requires_grad=True) for n in sizes)
        value = scalar_loss(untouched(d_loss, real, fake))
        for formula, zh, en in wrong_discriminator_losses(real, fake):
            require(not close(value, formula), zh, en)
        right = softplus(-real).mean() + softplus(fake).mean()
        require(close(value, right) or close(value, right / 2),
                "数值不对。应为 softplus(-real) 的平均加上 softplus(fake) 的平均。",
                "The value is off. It should be the mean of softplus(-real) plus the mean of "
                "softplus(fake).")
        share = float(value.detach() / right.detach())  # 1, or 1/2 where the sum was halved
        slopes = torch.autograd.grad(value, (real, fake), allow_unused=True)
        for slope, wanted, zh, en in zip(slopes, torch.autograd.grad(right, (real, fake)),
                                         ("真图", "假图"), ("real pictures", "fakes"),
                                         strict=True):
            require(slope is not None,
                    f"数值对，可是梯度到不了{zh}的 logits：这样 D 从{zh}什么也学不到。"
                    "detach 要用在 G 的输出上（D 之前），不能用在 D 的输出上。",
                    f"The value is right, but no gradient reaches the logits of the {en}, so D "
                    f"learns nothing from the {en}. Detach what G returns, before D, never what D "
                    "returns.")
            require(close(slope, share * wanted, tolerance=1e-4),
                    f"数值对，可是对{zh}的 logits 求的梯度不对。",
                    f"The value is right, but its gradient at the logits of the {en} is off.")
    ordinary = torch.tensor([0.5])
    for extreme in EXTREMES:
        check_extreme(lambda real: d_loss(real, ordinary.clone()), -extreme, share)
        check_extreme(lambda fake: d_loss(ordinary.clone(), fake), extreme, share)


def wrong_discriminator_losses(real: Tensor, fake: Tensor):
    """Return the usual mistakes: (the value they give, the message in Chinese, in English)."""
    on_real, on_fake = softplus(-real), softplus(fake)
    right = on_real.mean() + on_fake.mean()
    yield (softplus(real).mean() + softplus(-fake).mean(),
           "标签反了：真图的目标是 1，假图的目标是 0。",
           "The labels are swapped: real pictures have target 1, fakes target 0.")
    for half in (on_real.mean(), on_fake.mean()):
        yield (half, "只算了一半：D 既要认出真图，也要认出假图，两项都要。",
               "Only one half is there: D must recognise real pictures and fakes. Add both.")
    yield (on_real.mean() + softplus(-fake).mean(),
           "假图的目标也成了 1：那是 G 的愿望。对 D 来说，假图的目标是 0。",
           "Here fakes have target 1, too: that is what G wants. For D the target of fakes is 0.")
    yield (on_real.mean() - on_fake.mean(),
           "两项应当相加：认错真图和认错假图，都要付出代价。",
           "Add the two: to be wrong about real pictures and to be wrong about fakes both cost.")
    yield (-right,
           "符号反了：这是 D 要尽量变大的 V。优化器总是让损失变小，所以要取负号。",
           "The sign is off: that is V, which D makes large. An optimizer makes a loss small: take "
           "minus V.")
    yield (bce(real.sigmoid(), torch.ones_like(real)) + bce(fake.sigmoid(), torch.zeros_like(fake)),
           "多做了一次 sigmoid：这里的输入是 logits，请直接交给按 logits 计算的损失。",
           "One sigmoid too many: the inputs are logits already, so hand them straight to "
           "a loss on logits.")
    yield (on_real.sum() + on_fake.sum(),
           "这是总和而不是平均：换一个批大小，学习率的含义就变了。请用平均。",
           "That is the sum, not the mean: with another batch size the learning rate would mean "
           "something else. Take the mean.")
    if len(real) != len(fake):
        yield (torch.cat([on_real, on_fake]).mean(),
               "把真假拼在一起求平均，两批不一样大时，大的一批分量就重了。请各自求平均，再相加。",
               "One mean over both: where the two batches differ in size, the larger one counts "
               "for more. Take the mean of each, then add.")
    yield (bce(real, torch.full_like(real, 0.9)) + on_fake.mean(),
           "真图的目标成了 0.9，这是标签平滑。本题的目标是 1。",
           "Real pictures have target 0.9 here, which is label smoothing. In this exercise the "
           "target is 1.")


@checker
def generator_loss(g_loss) -> None:
    """Check g_loss(fake_logits): the non-saturating loss, -log D(G(z)), as a mean."""
    for seed, size in enumerate((6, 9)):
        fake = torch.randn(size, generator=torch.Generator().manual_seed(seed), requires_grad=True)
        value = scalar_loss(untouched(g_loss, fake))
        for formula, zh, en in wrong_generator_losses(fake):
            require(not close(value, formula), zh, en)
        right = softplus(-fake).mean()
        require(close(value, right), "数值不对。应为 softplus(-fake) 的平均。",
                "The value is off. It should be the mean of softplus(-fake).")
        slope, = torch.autograd.grad(value, fake, allow_unused=True)
        wanted, = torch.autograd.grad(right, fake)
        require(slope is not None and close(slope, wanted, tolerance=1e-4),
                "数值对，可是梯度不对：G 只能通过 D 的 logits 学习，路上不能有 detach。",
                "The value is right, but its gradient is off: G learns through D's logits alone, "
                "with no detach on the way.")
    for extreme in EXTREMES:
        check_extreme(g_loss, -extreme)


def wrong_generator_losses(fake: Tensor):
    """Return the usual mistakes: (the value they give, the message in Chinese, in English)."""
    yield (softplus(fake).mean(),
           "这样 G 会帮 D 的忙：G 希望假图被判为真，目标应是 1。",
           "That makes G help D: G wants its fakes called real, so the target is 1.")
    yield (-softplus(fake).mean(),
           "这是最初的极小极大损失 log(1 - D(G(z)))：D 很有把握时，它几乎没有梯度。"
           "请写非饱和损失 -log D(G(z))。",
           "That is the original minimax loss log(1 - D(G(z))): once D is sure, it has almost no "
           "gradient. Write the non-saturating one, -log D(G(z)).")
    yield (-softplus(-fake).mean(),
           "符号反了：这是 log D(G(z))，G 要它变大。损失是它的相反数。",
           "The sign is off: that is log D(G(z)), which G wants large. The loss is minus that.")
    yield (softplus(-fake).sum(),
           "这是总和而不是平均：换一个批大小，学习率的含义就变了。请用 .mean()。",
           "That is the sum, not the mean: with another batch size the learning rate would mean "
           "something else. Use .mean().")
    for logs in (-fake.sigmoid().mean().log(), softplus(-fake.mean())):
        yield (logs, "平均取得太早了：应先对每个样本取 -log D，再求平均。",
               "The mean comes too early: take -log D of each sample first, then the mean.")
    yield (bce(fake.sigmoid(), torch.ones_like(fake)),
           "多做了一次 sigmoid：这里的输入是 logits，请直接交给按 logits 计算的损失。",
           "One sigmoid too many: the input is logits already, so hand it straight to a loss on "
           "logits.")
    yield (-fake.mean(),
           "这里没有 sigmoid，也没有对数：那是第 04 课 WGAN 的损失。本题是 -log D(G(z))。",
           "There is neither sigmoid nor log: that is the loss of WGAN, lesson 04. Here it is "
           "-log D(G(z)).")
    yield (-fake.sigmoid().mean(),
           "少了对数：这是 -D(G(z))。应为 -log D(G(z))。",
           "The logarithm is missing: that is -D(G(z)). It should be -log D(G(z)).")


def check_extreme(loss: Callable, at: float, share: float = 1.0) -> None:
    """Require a finite loss and its gradient, about `share`, at one logit that is very wrong."""
    logit = torch.tensor([at], requires_grad=True)
    value = loss(logit.clone())
    value.backward()
    if not torch.isfinite(value) and abs(at) > 88 and runs_over(loss, at):
        raise NotYet(
            f"logit 为 {at:g} 时损失成了无穷大：float32 里 exp(89) 就溢出了，"
            "log1p(exp(...)) 也救不了。请用 softplus，或按 logits 计算的交叉熵，它们避开了溢出。",
            f"At a logit of {at:g} the loss is infinite: in float32 exp(89) runs over, and log1p "
            "around it is too late. softplus, or a cross-entropy on logits, avoids that.")
    require(logit.grad is not None and 0.8 * share < logit.grad.abs() < 1.2 * share,
            f"logit 为 {at:g} 时梯度消失了：先求 sigmoid 再取对数，会舍入成 log(0) 或被截断。"
            "请直接在 logits 上计算，不要先求 sigmoid。",
            f"At a logit of {at:g} the gradient is gone: sigmoid followed by log rounds to log(0) "
            "or is capped. Work on the logits, without a sigmoid first.")


def runs_over(loss: Callable, at: float) -> bool:
    """Tell exp() running over from log(0): float16 ends at exp(11), log(sigmoid(-12)) is fine."""
    try:
        return not torch.isfinite(loss(torch.tensor([12.0 if at > 0 else -12.0]).half()))
    except RuntimeError:  # half precision is not supported by everything on every processor
        return False


# ---- exercise 3: bytes ----

@checker
def to_bytes(denorm) -> None:
    """Check denorm(x): floats in [-1, 1] to bytes 0..255, the inverse of x / 127.5 - 1."""
    every = torch.arange(256, dtype=torch.uint8)
    result = untouched(denorm, every.float() / 127.5 - 1)
    require(torch.is_tensor(result) and result.dtype == torch.uint8,
            "结果应当是 uint8 张量。", "The result should be a uint8 tensor.")
    require(result.shape == every.shape, "形状变了：每个像素应当各自转换。",
            "The shape changed: each pixel should be converted by itself.")
    off = (result.int() - every.int()).abs()
    require(off.max() < 20,
            "黑白颠倒或范围不对：-1 应变成 0，+1 应变成 255。",
            "Black and white are swapped, or the range is off: -1 should become 0 and +1 "
            "should become 255.")
    require(off.max() == 0,
            "有些字节往返之后差了 1：转成整数之前要先 round()，直接截断会偏暗。",
            "Some bytes come back off by one: round() before turning them into integers; "
            "truncating makes pictures darker.")
    for seed in (0, 1):  # what a generator paints: any number, not only the 256 of the grid
        chance = torch.Generator().manual_seed(seed)
        x = 2 * torch.rand(2, 1, 28, 28, generator=chance) - 1
        for picture in (x / 4, x):  # the first is dim, without black and white
            check_bytes(untouched(denorm, picture), picture)
    beyond = untouched(denorm, torch.tensor([-1.2, 1.2, -3.5, 3.5]))
    require(torch.equal(beyond, torch.tensor([0, 255, 0, 255]).byte()),
            "略微超出 [-1, 1] 的值会溢出、变成另一端的灰度：转换之前先 clamp。",
            "Values slightly outside [-1, 1] wrap around: clamp before converting.")
    generator, _ = mlp.source_004((1, 8, 8))
    painted = generator(torch.randn(4, 64, generator=chance))
    check_bytes(untouched(denorm, painted), painted.detach())


def check_bytes(result: Tensor, x: Tensor) -> None:
    """Require the nearest byte for every entry of x, (B, 1, S, S)."""
    require(result.shape == x.shape, "形状变了：一批图片进去，同样形状的一批出来。",
            "The shape changed: a batch of pictures goes in, one of the same shape comes out.")
    off = result.double() - (x.double() + 1) * 127.5
    require(off.abs().max() < 20,
            "一张没有纯黑和纯白的图被拉开了：不要用这一批的最小值和最大值，"
            "-1 总是 0，+1 总是 255。",
            "A picture without black and white was stretched: do not use the minimum and maximum "
            "of the batch; -1 is always 0 and +1 always 255.")
    require(not -0.6 < off.mean() < -0.4,
            "除了正好落在 256 个灰度上的值，结果平均偏暗半个灰度：还是截断了，请用 round()。",
            "Between the 256 exact greys the result is half a grey level too dark on average: "
            "this still truncates. Use round().")
    require(off.abs().max() < 0.51,
            "在 256 个灰度之间的值上不是最近的字节：应为 (x + 1) * 127.5，四舍五入。"
            "（255 的一半是 127.5，不是 128。）",
            "Between the 256 exact greys it is not the nearest byte: take (x + 1) * 127.5 and "
            "round. (Half of 255 is 127.5, not 128.)")


# ---- the open task: digits from the learner's own training ----

CLASSES, CONFIDENT, SAMPLES = 9, 0.6, 2000  # what must be reached, by how many samples


@checker
def writes_digits(generator, latent, evaluator):
    """Check a trained G: 2,000 samples, judged by a `measure.DigitEvaluator`.

    Args:
        generator: z (B, latent) -> pictures (B, 1, 28, 28) in [-1, 1].
        latent: length of z.
        evaluator: the lesson's.
    """
    require(isinstance(generator, nn.Module),
            f"第一个参数应当是训练好的 G 本身（nn.Module），收到的是 {type(generator).__name__}。",
            "The first argument should be the trained G itself, an nn.Module; got "
            f"{type(generator).__name__}.")
    z = sample_noise(SAMPLES, latent, torch.Generator().manual_seed(2026))
    device = next(generator.parameters()).device
    with torch.no_grad():
        few = generator(z[:64].to(device)).float().cpu()
    require(few.shape == (64, 1, 28, 28),
            f"64 个 z 应当得到形状 (64, 1, 28, 28) 的图片，得到的是 {tuple(few.shape)}。"
            "第一个参数是不是把 D 当成了 G？最后一层后面有没有 nn.Unflatten？",
            f"64 z should give pictures of shape (64, 1, 28, 28), these are {tuple(few.shape)}. Is "
            "the first argument D? Does nn.Unflatten follow the last layer?")
    require(bool(torch.isfinite(few).all()),
            "图片里有 NaN 或无穷大：训练已经发散。降低学习率，重新训练。",
            "There are NaN or infinite numbers in the pictures: training has diverged. Lower the "
            "learning rate and train again.")
    require(few.abs().max() <= 1.001,
            f"像素应在 [-1, 1] 之内，这里到了 {few.abs().max():.1f}：G 的最后应是 nn.Tanh()。",
            f"Pixels should lie in [-1, 1], here they reach {few.abs().max():.1f}: G should end "
            "with nn.Tanh().")
    require(few.min() < 0,
            "没有一个像素小于 0：G 的最后是 sigmoid 吧？真图在 [-1, 1] 里，黑是 -1。",
            "No pixel is below 0: does G end with a sigmoid? Real pictures lie in [-1, 1], and "
            "black is -1.")
    require(few.std(0).mean() > 0.01,
            "所有的 z 得到几乎同一张图：是还没有训练，还是崩溃了？",
            "All z give nearly one and the same picture: untrained, or collapsed?")
    report = evaluator.report(generate(generator, z))
    zh = (f"{report.n} 个样本：{report.classes} 种数字，KL {report.kl:.3f}，fd_digits "
          f"{report.fd_digits:.3f}，有把握的占 {report.confident:.0%}。")
    en = (f"{report.n} samples: {report.classes} digits, KL {report.kl:.3f}, fd_digits "
          f"{report.fd_digits:.3f}, confident {report.confident:.0%}.")
    missing = [digit for digit, share in enumerate(report.histogram) if share < COVERED]
    require(report.classes >= CLASSES,
            f"{zh}至少应有 {CLASSES} 种；不足 {COVERED:.0%} 的是 {missing}。"
            "再看看课文里治模式崩溃的办法。",
            f"{en} There should be {CLASSES} digits or more; below {100 * COVERED:.0f} % are "
            f"{missing}. Look again at what helped against mode collapse.")
    require(report.confident >= CONFIDENT,
            f"{zh}数字都有了，可是笔画还不清楚：有把握的应不少于 {CONFIDENT:.0%}。",
            f"{en} The digits are there but not clear enough: {CONFIDENT:.0%} should be "
            "confident.")
    return zh, en
