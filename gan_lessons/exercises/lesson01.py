"""Lesson 01: the best discriminator, the divergence it measures, and the gradients it gives."""

import math

import torch

from gan_lessons.exercises.checking import checker, close, require

STEP = 0.01
AXIS = torch.arange(-8, 8, STEP, dtype=torch.float64)


def bell(mean: float, std: float = 1.0) -> torch.Tensor:
    """Return the density of a Gaussian at the points of AXIS, float64 (1600,)."""
    return torch.exp(-((AXIS - mean) / std) ** 2 / 2) / (std * math.sqrt(2 * math.pi))


@checker
def optimal_discriminator(best_d) -> None:
    """Check best_d(p_r, p_g): D* = p_r / (p_r + p_g) for two tensors of densities."""
    p_r, p_g = bell(-1), bell(1.5, 0.7)
    value = best_d(p_r.clone(), p_g.clone())
    require(torch.is_tensor(value) and value.shape == p_r.shape,
            "每个点都应得到一个概率：返回与输入形状相同的张量。",
            "Every point should get a probability: return a tensor of the inputs' shape.")
    require(not close(value, p_g / (p_r + p_g)),
            "真假颠倒了：分子应是真品的密度 p_r，D 说的是“是真品”的概率。",
            "Real and fake are swapped: the density of the real ones, p_r, belongs on top; D says "
            "how probable \"real\" is.")
    require(not close(value, p_r / p_g),
            "这是密度之比，可以大于 1。概率要除以两者之和。",
            "That is the ratio of the densities, and it can exceed 1. For a probability divide by "
            "their sum.")
    require(not close(value, (p_r / p_g).log()),
            "这是 logit，log(p_r / p_g)；再取一次 sigmoid 就是概率。",
            "That is the logit, log(p_r / p_g); its sigmoid is the probability.")
    require(value.min() >= 0 and value.max() <= 1,
            "D* 是概率，必须在 0 和 1 之间。", "D* is a probability: it must lie between 0 and 1.")
    require(close(best_d(p_r, p_r), torch.full_like(p_r, 0.5)),
            "两个密度处处相等时，最好的 D 也只能猜：处处应为 0.5。",
            "Where the two densities are equal, even the best D can only guess: 0.5 everywhere.")
    require(close(value, p_r / (p_r + p_g)),
            "数值不对。在一点上，真品占全部（真品加赝品）的几分之几？",
            "The value is off. At one point, what share of all things there (real and fake) is "
            "real?")


@checker
def js_from_discriminator(js) -> None:
    """Check js(d, p_r, p_g, dx): the divergence from the value of the game at the best D."""
    for p_r, p_g in ((bell(-1), bell(1.5)), (bell(0), bell(0)), (bell(0, 1.2), bell(0, 0.8))):
        middle = (p_r + p_g) / 2
        wanted = float((p_r * (p_r / middle).log() + p_g * (p_g / middle).log()).sum()) * STEP / 2
        worth = 2 * wanted - math.log(4)  # the value of the game at the best D
        value = torch.as_tensor(js(p_r / (p_r + p_g), p_r, p_g, STEP))
        require(value.shape == (), "结果应当是一个数：对整条轴求和。",
                "The result should be one number: sum over the axis.")
        require(not close(value, worth),
                "这是博弈的值 V，还没有加上常数再减半：JS = (V + log 4) / 2。",
                "That is the value of the game, V; add the constant, then halve it: "
                "JS = (V + log 4) / 2.")
        require(not close(value, worth + math.log(4)) or close(wanted, 0.0),
                "忘了除以 2：V + log 4 等于两倍的 JS。",
                "The half is missing: V + log 4 is twice JS.")
        require(not close(value, (worth + math.log(2)) / 2),
                "常数不对：D 处处为 1/2 时，V 是两个 log(1/2) 之和，即 -log 4。",
                "The constant is off: with D = 1/2 everywhere V is log(1/2) twice, or -log 4.")
        require(not close(value, (worth / STEP + math.log(4)) / 2),
                "积分是求和再乘以小格的宽度：别忘了 dx。",
                "An integral is a sum times the width of a cell: remember dx.")
        require(close(value, wanted),
                "数值不对。V 是 p_r log D + p_g log(1 - D) 的积分，JS = (V + log 4) / 2。",
                "The value is off. V is the integral of p_r log D + p_g log(1 - D), and "
                "JS = (V + log 4) / 2.")


@checker
def generator_gradients(gradients) -> None:
    """Check gradients(logits): d/dlogit of log(1 - D) and of -log D, as a pair."""
    logits = torch.linspace(-6, 6, 13)
    pair = gradients(logits.clone())
    require(isinstance(pair, (tuple, list)) and len(pair) == 2,
            "请返回两个张量：先饱和，后非饱和。",
            "Return two tensors: the saturating one first, then the non-saturating one.")
    d = logits.sigmoid()
    first, second = (torch.as_tensor(answer).detach() for answer in pair)
    require(first.shape == second.shape == logits.shape,
            "每个 logit 对应一个梯度：两个结果都应与输入形状相同。",
            "One gradient for each logit: both results should have the inputs' shape.")
    require(not (close(first, d - 1) and close(second, -d)),
            "两个写反了：赝品被识破时（logit 很小），饱和损失的梯度才接近 0。",
            "The two are swapped: it is where a fake is seen through (a low logit) that the "
            "saturating gradient is close to 0.")
    require(not (close(first, -1 / (1 - d)) or close(second, -1 / d)),
            "这是对 D 求的导数。要对 logit 求导，还要乘以 sigmoid 的导数 D (1 - D)。",
            "That is the derivative with respect to D. For the logit multiply by the slope of the "
            "sigmoid, D (1 - D).")
    require(not (close(first, d) or close(second, 1 - d)),
            "符号反了：两种损失都随 logit 升高而下降，所以导数是负的。",
            "The sign is off: both losses fall as the logit rises, so both results are negative.")
    require(close(first, -d), "第一个不对：log(1 - D) 对 logit 的导数是 -D。",
            "The first is off: the derivative of log(1 - D) with respect to the logit is -D.")
    require(close(second, d - 1), "第二个不对：-log D 对 logit 的导数是 D - 1。",
            "The second is off: the derivative of -log D with respect to the logit is D - 1.")
