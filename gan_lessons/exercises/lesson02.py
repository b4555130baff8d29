"""Lesson 02: D's loss, G's loss, and the way from [-1, 1] back to bytes."""

import torch
from torch.nn.functional import binary_cross_entropy_with_logits as bce

from gan_lessons.exercises.checking import checker, close, require


@checker
def discriminator_loss(d_loss) -> None:
    """Check d_loss(real_logits, fake_logits): the mean cross-entropy with targets 1 and 0."""
    torch.manual_seed(0)
    real, fake = torch.randn(7, requires_grad=True), torch.randn(5, requires_grad=True)
    value = d_loss(real.clone(), fake.clone())
    require(torch.is_tensor(value) and value.shape == (),
            "损失应当是一个标量张量：对每一批求平均（.mean()），再把两部分相加。",
            "The loss should be one scalar tensor: average over each batch (.mean()), then add.")
    on_real, on_fake = bce(real, torch.ones(7)), bce(fake, torch.zeros(5))
    probabilities = bce(real.sigmoid(), torch.ones(7)) + bce(fake.sigmoid(), torch.zeros(5))
    require(not close(value, bce(real, torch.zeros(7)) + bce(fake, torch.ones(5))),
            "标签反了：真图的目标是 1，假图的目标是 0。",
            "The labels are swapped: real pictures have target 1, fakes target 0.")
    require(not close(value, on_real) and not close(value, on_fake),
            "只算了一半：D 既要认出真图，也要认出假图，两项都要。",
            "Only one half is there: D must recognise real pictures and fakes. Add both.")
    require(not close(value, probabilities),
            "多做了一次 sigmoid：这里的输入是 logits，请直接交给按 logits 计算的损失。",
            "One sigmoid too many: the inputs are logits already, so hand them straight to "
            "a loss on logits.")
    require(not close(value, 7 * on_real + 5 * on_fake),
            "这是总和而不是平均：换一个批大小，学习率的含义就变了。请用平均。",
            "That is the sum, not the mean: with another batch size the learning rate would mean "
            "something else. Take the mean.")
    require(close(value, on_real + on_fake) or close(value, (on_real + on_fake) / 2),
            "数值不对。应为 softplus(-real) 的平均加上 softplus(fake) 的平均。",
            "The value is off. It should be the mean of softplus(-real) plus the mean of "
            "softplus(fake).")
    wrong = torch.tensor([-200.0], requires_grad=True)  # a real picture that D is sure is fake
    d_loss(wrong.clone(), torch.tensor([200.0])).backward()
    require(wrong.grad is not None and wrong.grad.abs() > 0.4,
            "logits 为 ±200 时梯度消失了：先求 sigmoid 再取对数，会舍入成 log(0) 或被截断。"
            "请直接在 logits 上计算。",
            "At logits of 200 the gradient is gone: sigmoid followed by log rounds to log(0) or "
            "is capped. Work on the logits directly.")


@checker
def generator_loss(g_loss) -> None:
    """Check g_loss(fake_logits): the non-saturating loss, -log D(G(z)), as a mean."""
    torch.manual_seed(0)
    fake = torch.randn(6)
    value = g_loss(fake.clone())
    require(torch.is_tensor(value) and value.shape == (),
            "损失应当是一个标量张量，别忘了 .mean()。",
            "The loss should be one scalar tensor; remember .mean().")
    require(not close(value, bce(fake, torch.zeros(6))),
            "这样 G 会帮 D 的忙：G 希望假图被判为真，目标应是 1。",
            "That makes G help D: G wants its fakes called real, so the target is 1.")
    require(not close(value, -bce(fake, torch.zeros(6))),
            "这是最初的极小极大损失 log(1 - D(G(z)))：D 很有把握时，它几乎没有梯度。"
            "请写非饱和损失 -log D(G(z))。",
            "That is the original minimax loss log(1 - D(G(z))): once D is sure, it has almost no "
            "gradient. Write the non-saturating one, -log D(G(z)).")
    require(close(value, bce(fake, torch.ones(6))),
            "数值不对。应为 softplus(-fake) 的平均。",
            "The value is off. It should be the mean of softplus(-fake).")
    far = torch.tensor([-200.0], requires_grad=True)
    g_loss(far.clone()).backward()
    require(far.grad is not None and far.grad.abs() > 0.9,
            "D 认定是假图时（logit = -200），梯度消失了。"
            "请直接在 logits 上计算，不要先求 sigmoid。",
            "Where D is sure of a fake (logit -200) the gradient vanished. Work on the logits, "
            "without a sigmoid first.")


@checker
def to_bytes(denorm) -> None:
    """Check denorm(x): floats in [-1, 1] to bytes 0..255, the inverse of x / 127.5 - 1."""
    every = torch.arange(256, dtype=torch.uint8)
    before = every.float() / 127.5 - 1
    given = before.clone()
    result = denorm(given)
    require(torch.is_tensor(result) and result.dtype == torch.uint8,
            "结果应当是 uint8 张量。", "The result should be a uint8 tensor.")
    require(result.shape == every.shape, "形状变了：每个像素应当各自转换。",
            "The shape changed: each pixel should be converted by itself.")
    require(torch.equal(given, before),
            "输入被改动了：请不要对参数使用带下划线的原地操作。",
            "The input was changed: do not use in-place operations (trailing underscore) on it.")
    off = (result.int() - every.int()).abs()
    require(off.max() < 20,
            "黑白颠倒或范围不对：-1 应变成 0，+1 应变成 255。",
            "Black and white are swapped, or the range is off: -1 should become 0 and +1 "
            "should become 255.")
    require(off.max() == 0,
            "有些字节往返之后差了 1：转成整数之前要先 round()，直接截断会偏暗。",
            "Some bytes come back off by one: round() before turning them into integers; "
            "truncating makes pictures darker.")
    require(torch.equal(denorm(torch.tensor([-1.2, 1.2])), torch.tensor([0, 255]).byte()),
            "略微超出 [-1, 1] 的值会溢出、变成另一端的灰度：转换之前先 clamp。",
            "Values slightly outside [-1, 1] wrap around: clamp before converting.")
