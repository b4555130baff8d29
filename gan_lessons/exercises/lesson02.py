"""Lesson 02: the two losses, the way back to bytes, both steps in full, digits, a broken loop."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from gan_lessons.exercises.checking import (
    NotYet,
    checker,
    close,
    no_mistake,
    require,
    same_gradient,
    scalar_loss,
    untouched,
)
from gan_lessons.exercises.steps import (
    own_steps,
    repaired,
    wrong_discriminator_losses,
    wrong_generator_losses,
)
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
        right = softplus(-real).mean() + softplus(fake).mean()
        no_mistake(value, right, wrong_discriminator_losses(real, fake))
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


@checker
def generator_loss(g_loss) -> None:
    """Check g_loss(fake_logits): the non-saturating loss, -log D(G(z)), as a mean."""
    for seed, size in enumerate((6, 9)):
        fake = torch.randn(size, generator=torch.Generator().manual_seed(seed), requires_grad=True)
        value = scalar_loss(untouched(g_loss, fake))
        right = softplus(-fake).mean()
        no_mistake(value, right, wrong_generator_losses(fake))
        require(close(value, right), "数值不对。应为 softplus(-fake) 的平均。",
                "The value is off. It should be the mean of softplus(-fake).")
        same_gradient(value, right, (fake,),
                      "数值对，可是梯度不对：G 只能通过 D 的 logits 学习，路上不能有 detach。",
                      "The value is right, but its gradient is off: G learns through D's logits "
                      "alone, with no detach on the way.", 1e-4)
    for extreme in EXTREMES:
        check_extreme(g_loss, -extreme)


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
