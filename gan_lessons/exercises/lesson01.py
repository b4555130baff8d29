"""Lesson 01: the best discriminator, its divergence, its gradients; and a strong D to be tamed."""

import math

import torch
from torch import Tensor

from gan_lessons import data, measure
from gan_lessons.exercises.checking import (
    NotYet,
    checker,
    close,
    no_mistake,
    require,
    untouched,
)
from gan_lessons.train import Game, TrainingDiverged, fit, head_start, weight_count

STEP = 0.01
AXIS = torch.arange(-8, 8, STEP, dtype=torch.float64)


def bell(mean: float, std: float = 1.0, axis: Tensor = AXIS) -> Tensor:
    """Return the density of a Gaussian at the points of `axis`, float64 (n,)."""
    return torch.exp(-((axis - mean) / std) ** 2 / 2) / (std * math.sqrt(2 * math.pi))


@checker
def optimal_discriminator(best_d) -> None:
    """Check best_d(p_r, p_g): D* = p_r / (p_r + p_g) for two tensors of densities.

    It is judged where there is some density: far out, a safe epsilon below the sum may decide.
    """
    p_r, p_g = bell(-1), bell(1.5, 0.7)
    value = untouched(best_d, p_r, p_g)
    require(torch.is_tensor(value) and value.shape == p_r.shape,
            "每个点都应得到一个概率：返回与输入形状相同的张量。",
            "Every point should get a probability: return a tensor of the inputs' shape.")

    wanted, crowded = p_r / (p_r + p_g), p_r + p_g > 0.01
    no_mistake(value[crowded], wanted[crowded],
               ((formula[crowded], zh, en) for formula, zh, en in wrong_discriminators(p_r, p_g)),
               tolerance=1e-3)
    require(value.min() >= -1e-6 and value.max() <= 1 + 1e-6,
            "D* 是概率，必须在 0 和 1 之间。", "D* is a probability: it must lie between 0 and 1.")
    added = (p_r / value - (p_r + p_g))[p_r > 0.01]  # what was added below the fraction
    require(not (added.min() > 1e-4 and added.max() - added.min() < 1e-6),
            "分母里加的小数太大了，密度小的地方被它压低：1e-8 就够。",
            "The small number below the fraction is too large and pulls D down where densities "
            "are small: 1e-8 will do.")
    middle = untouched(best_d, p_r, p_r)[p_r > 0.01]
    require(close(middle, torch.full_like(middle, 0.5), tolerance=1e-3),
            "两个密度处处相等时，最好的 D 也只能猜：处处应为 0.5。",
            "Where the two densities are equal, even the best D can only guess: 0.5 everywhere.")
    require(close(value[crowded], wanted[crowded], tolerance=1e-3),
            "数值不对。在一点上，真实样本占全部（真实加生成）的几分之几？",
            "The value is off. At one point, what share of all things there (real and fake) is "
            "real?")
    for seed in (0, 1):  # other numbers in another shape, and float32
        chance = torch.Generator().manual_seed(seed)
        p_r, p_g = 0.05 + 2 * torch.rand(2, 3, 5, generator=chance)
        value = untouched(best_d, p_r, p_g)
        require(torch.is_tensor(value) and close(value, p_r / (p_r + p_g), tolerance=1e-3),
                "换一组密度（形状 (3, 5)）就不对了：公式应当逐点成立，与坐标轴无关。",
                "With other densities, of shape (3, 5), it goes wrong: the formula should hold at "
                "every point by itself, on any axis.")


def wrong_discriminators(p_r: Tensor, p_g: Tensor):
    """Return the usual mistakes: (what they give, the message in Chinese, in English)."""
    return (
        (p_g / (p_r + p_g),
         "真假颠倒了：分子应是真实数据的密度 p_r，D 说的是“是真的”的概率。",
         "Real and fake are swapped: the density of the real ones, p_r, belongs on top; D says "
         "how probable \"real\" is."),
        (p_r / p_g,
         "这是密度之比，可以大于 1。概率要除以两者之和。",
         "That is the ratio of the densities, and it can exceed 1. For a probability divide by "
         "their sum."),
        ((p_r / p_g).log(),
         "这是 logit，log(p_r / p_g)；再取一次 sigmoid 就是概率。",
         "That is the logit, log(p_r / p_g); its sigmoid is the probability."),
        ((p_r - p_g) / (p_r + p_g),
         "这个数在 -1 和 1 之间，是 2 D - 1。概率在 0 和 1 之间：分子只要 p_r。",
         "That lies between -1 and 1 and is 2 D - 1. A probability lies between 0 and 1: only p_r "
         "belongs on top."),
        (torch.full_like(p_r, 0.5),
         "处处 1/2 是训练到平衡、p_g = p_r 时的 D*。这里问的是任意两个密度。",
         "1/2 everywhere is D* at the equilibrium, where p_g = p_r. Here the two densities may be "
         "any."),
        ((p_r > p_g).to(p_r),
         "这是非真即假的判决。D* 是概率：两种样本都可能出现的地方，应在 0 和 1 之间。",
         "That is a decision, real or fake. D* is a probability: where both kinds occur it lies "
         "in between."),
        (torch.sigmoid(p_r - p_g),
         "sigmoid（或 softmax）应作用在密度的对数上，不是密度本身。直接用比例更简单。",
         "A sigmoid (or softmax) belongs on the logarithms of the densities, not on the densities. "
         "A plain share is simpler."),
        (p_r / (p_r + p_g).sum(),
         "分母不要对整条轴求和：D 在每个点上单独判断。",
         "Do not sum the denominator over the axis: D judges each point by itself."),
    )


@checker
def js_from_discriminator(js) -> None:
    """Check js(d, p_r, p_g, dx): the divergence from the value of the game at the best D."""
    coarse = torch.arange(-9, 9, 0.03, dtype=torch.float64)
    pairs = ((AXIS, STEP, (-1, 1), (1.5, 1)), (AXIS, STEP, (0, 1), (0, 1)),
             (AXIS, STEP, (0, 1.2), (0, 0.8)), (coarse, 0.03, (0.3, 0.9), (-0.8, 1.1)))
    for axis, dx, real, fake in pairs:
        p_r, p_g = (bell(mean, std, axis) for mean, std in (real, fake))
        d = p_r / (p_r + p_g)
        value = untouched(js, d, p_r, p_g, dx)
        require(isinstance(value, (float, Tensor)) and torch.as_tensor(value).shape == (),
                "结果应当是一个数：对整条轴求和。",
                "The result should be one number: sum over the axis.")
        check_js(float(value), d, p_r, p_g, dx)
    half = torch.full_like(p_r, 0.5)  # a D that cannot tell: V = -log 4
    require(close(float(untouched(js, half, p_r, p_g, dx)), 0.0, tolerance=1e-3),
            "数值对，但没有用到 d：这里要从判别器读出 JS，而不是按定义用两个密度去算。",
            "The number is right, but d is not used: read JS off the discriminator here, do not "
            "compute it from the two densities by its definition.")


def check_js(value: float, d: Tensor, p_r: Tensor, p_g: Tensor, dx: float) -> None:
    """Require that `value` is JS; name the usual mistakes. A safe epsilon in the log is allowed."""
    on_real, on_fake = p_r * d.log(), p_g * (1 - d).log()
    worth = float((on_real + on_fake).sum()) * dx  # the value of the game at the best D
    wanted, four = (worth + math.log(4)) / 2, math.log(4)
    sign = ("符号反了：V 不大于 0，要加上 log 4，JS 才不小于 0。",
            "A sign is wrong: V is never above 0, and log 4 must be added to make JS 0 or more.")
    bits = ("这里用了以 2 为底的对数，单位成了比特；课文用自然对数。",
            "Logarithms to base 2 give bits; the lesson uses natural logarithms.")
    half = ("只有一半：V 是真实样本一项与生成样本一项之和。",
            "Only one half is there: V has a term for real and one for fakes.")
    no_mistake(value, wanted, [
        (worth, "这是博弈的值 V，还没有加上常数再减半：JS = (V + log 4) / 2。",
         "That is the value of the game, V; add the constant, then halve it: "
         "JS = (V + log 4) / 2."),
        (worth + four, "忘了除以 2：V + log 4 等于两倍的 JS。",
         "The half is missing: V + log 4 is twice JS."),
        ((worth + math.log(2)) / 2,
         "常数不对：D 处处为 1/2 时，V 是两个 log(1/2) 之和，即 -log 4。",
         "The constant is off: with D = 1/2 everywhere V is log(1/2) twice, or -log 4."),
        ((worth - four) / 2, *sign),
        (-wanted, *sign),
        ((worth / dx + four) / 2, "积分是求和再乘以小格的宽度：别忘了 dx。",
         "An integral is a sum times the width of a cell: remember dx."),
        ((worth / dx * STEP + four) / 2,
         "换一条更粗的轴就不对了：小格的宽度请用参数 dx，不要写死 0.01。",
         "On a coarser axis it goes wrong: take the width of a cell from the argument dx, not a "
         "fixed 0.01."),
        ((worth / dx / len(d) + four) / 2, "这是平均，不是积分：请用 .sum() * dx。",
         "That is a mean over the axis, not an integral: .sum() * dx."),
        ((worth / math.log(2) + four) / 2, *bits),
        (wanted / math.log(2), *bits),
        (worth / math.log(2) / 2 + 1, *bits),
        ((float(on_real.sum()) * dx + four) / 2, *half),
        ((float(on_fake.sum()) * dx + four) / 2, *half),
    ], tolerance=1e-4)
    require(close(value, wanted, tolerance=1e-4),
            "数值不对。V 是 p_r log D + p_g log(1 - D) 的积分，JS = (V + log 4) / 2。",
            "The value is off. V is the integral of p_r log D + p_g log(1 - D), and "
            "JS = (V + log 4) / 2.")


@checker
def generator_gradients(gradients) -> None:
    """Check gradients(logits): d/dlogit of log(1 - D) and of -log D, as a pair."""
    chance = torch.Generator().manual_seed(0)
    for logits in (torch.linspace(-6, 6, 13), 8 * torch.rand(2, 3, generator=chance) - 4,
                   torch.tensor([0.3])):
        pair = untouched(gradients, logits)
        require(isinstance(pair, (tuple, list, Tensor)) and len(pair) == 2,
                "请返回两个张量：先饱和，后非饱和。",
                "Return two tensors: the saturating one first, then the non-saturating one.")
        first, second = (torch.as_tensor(answer).detach() for answer in pair)
        require(first.shape == second.shape == logits.shape,
                "每个 logit 对应一个梯度：两个结果都应与输入形状相同。",
                "One gradient for each logit: both results should have the inputs' shape.")
        check_gradients(first, second, logits)


def check_gradients(first: Tensor, second: Tensor, logits: Tensor) -> None:
    """Require the two derivatives; name the usual mistakes."""
    d = logits.sigmoid()
    require(not (close(first, d - 1) and close(second, -d)),
            "两个写反了：生成样本被识破时（logit 很小），饱和损失的梯度才接近 0。",
            "The two are swapped: it is where a fake is seen through (a low logit) that the "
            "saturating gradient is close to 0.")
    require(not (close(first, -1 / (1 - d)) or close(second, -1 / d)),
            "这是对 D 求的导数。要对 logit 求导，还要乘以 sigmoid 的导数 D (1 - D)。",
            "That is the derivative with respect to D. For the logit multiply by the slope of the "
            "sigmoid, D (1 - D).")
    require(not (close(first, (1 - d).log()) or close(second, -d.log())),
            "这是损失本身的值，不是它对 logit 的导数。",
            "That is the loss itself, not its derivative with respect to the logit.")
    require(not (close(first, d * (1 - d)) or close(second, d * (1 - d))),
            "这只是 sigmoid 的导数 D (1 - D)。外面还有一个对数，要用链式法则。",
            "That is the derivative of the sigmoid alone, D (1 - D). There is a logarithm around "
            "it: use the chain rule.")
    n = logits.numel()
    require(n == 1 or not (close(first, -d / n) or close(second, (d - 1) / n)),
            "每个都小了 n 倍：你对损失的平均求了导。这里要每个 logit 各自的导数，请用 .sum()。",
            "Each is n times too small: you took the gradient of the mean loss. Here each logit "
            "has its own derivative: use .sum().")
    require(not (close(first, d) or close(second, 1 - d)),
            "符号反了：两种损失都随 logit 升高而下降，所以导数是负的。",
            "The sign is off: both losses fall as the logit rises, so both results are negative.")
    require(close(first, -d),
            "第一个不对：log(1 - D) 对 logit 的导数，在 logit 很小时接近 0，很大时接近 -1。",
            "The first is off: the derivative of log(1 - D) with respect to the logit is close to "
            "0 at low logits and to -1 at high ones.")
    require(close(second, d - 1),
            "第二个不对：-log D 对 logit 的导数，在 logit 很小时接近 -1，很大时接近 0。",
            "The second is off: the derivative of -log D with respect to the logit is close to -1 "
            "at low logits and to 0 at high ones.")


# ---- the open task: a D with a head start and ten steps a round, and a G that finds all modes ----

HEAD_START, PER_ROUND, ROUNDS = 1000, 10, 700  # D's steps alone, D's steps a round, rounds
SEEDS = (901, 902, 903)
EFFECTIVE, QUALITY = 7.0, 0.25  # what each of the three runs must reach
MOST_WEIGHTS, MOST_POINTS = 20_000, 256  # so that three runs stay below a minute of one core
RING = data.ring()


@checker
def cure(make_game):
    """Check make_game(seed), a Game that covers the ring although its D is far ahead.

    The handicap is the checker's: D learns alone for 1000 steps, then takes 10 steps a round.
    """
    reports = []
    for seed in SEEDS:
        game = make_game(seed)
        check_game(game)
        game.n_critic = PER_ROUND
        try:
            fit(head_start(game, RING, HEAD_START), RING, ROUNDS, progress=False)
        except TrainingDiverged as problem:
            raise NotYet(
                f"种子 {seed} 的一次发散了，损失或权重不再是有限的数：学习率或 γ 太大。",
                f"The run with seed {seed} diverged, a loss or weight is no longer finite: the "
                "learning rate or γ is too large.") from problem
        reports.append(measure.mode_report(game.sample(2500), RING))
    numbers = [(f"{each.effective_modes:.1f}", f"{each.high_quality:.0%}") for each in reports]
    zh = "；".join(f"有效模式 {modes}，高质量样本 {quality}" for modes, quality in numbers)
    en = "; ".join(f"effective modes {modes}, high quality {quality}" for modes, quality in numbers)
    worst = min(report.effective_modes for report in reports)
    require(worst >= EFFECTIVE,
            f"三次的结果：{zh}。每次的有效模式数都应不小于 {EFFECTIVE:g}，最低的是 {worst:.1f}："
            "D 还没有被约束住，G 仍挤在少数模式上。",
            f"The three runs: {en}. Each should have {EFFECTIVE:g} effective modes or more, the "
            f"lowest has {worst:.1f}: D is not tamed yet and G keeps to some of the modes.")
    worst = min(report.high_quality for report in reports)
    require(worst >= QUALITY,
            f"三次的结果：{zh}。模式都有了，但每次落在模式上的样本都应不少于 {QUALITY:.0%}，"
            f"最低的是 {worst:.0%}：D 太平缓，不再把样本拉到位。",
            f"The three runs: {en}. All modes are there, but in each run {QUALITY:.0%} of the "
            f"samples or more should lie on a mode, the lowest share is {worst:.0%}: this D is "
            "too gentle to pull the samples into place.")
    return f"三次的结果：{zh}。", f"The three runs: {en}."


def check_game(game) -> None:
    """Require a new game of points of about the lesson's size, with the handicap left alone."""
    require(isinstance(game, Game),
            f"make_game(seed) 应当返回一局 Game，例如 recipes.plane(seed=seed, penalty=...)，"
            f"收到的是 {type(game).__name__}。",
            "make_game(seed) should return a Game, such as recipes.plane(seed=seed, penalty=...); "
            f"got {type(game).__name__}.")
    with torch.no_grad():
        made = game.generator(torch.zeros(2, game.latent, device=game.device))
    require(made.shape == (2, 2),
            f"环上的点有两个坐标，这个 G 画出的是 {tuple(made.shape[1:])}。请用 recipes.plane。",
            f"Points of the ring have two coordinates, this G makes {tuple(made.shape[1:])}. Use "
            "recipes.plane.")
    require(game.step == 0 and not game.critic_optimizer.state,
            "这局已经训练过了：每次调用 make_game(seed) 都应返回全新的一局，训练由批改来做。",
            "This game has been trained already: make_game(seed) should return a new one at each "
            "call; the checker does the training.")
    require(game.n_critic in (1, PER_ROUND),
            f"n_critic={game.n_critic} 去掉了难处：每个回合 D 走 {PER_ROUND} 步，这一点不能改。"
            "请从损失和惩罚项入手。",
            f"n_critic={game.n_critic} takes the handicap away: D has {PER_ROUND} steps a round, "
            "that is fixed. Work on the loss and the penalty.")
    steady = {group["lr"] for group in game.critic_optimizer.param_groups}
    require(game.clip is None and min(steady) >= game.lr / 2,
            "D 被绑住了手脚：这里不用权重裁剪，D 的学习率也不能低于 G 的一半。"
            "请从损失和惩罚项入手。",
            "D's hands are tied: no weight clipping here, and D's learning rate must be at least "
            "half of G's. Work on the loss and the penalty.")
    weights = weight_count(game.generator) + weight_count(game.critic)
    require(weights <= MOST_WEIGHTS and game.batch <= MOST_POINTS,
            f"网络（{weights:,} 个权重）或批（{game.batch}）太大，三次要跑很久。请保留 "
            f"recipes.plane 的大小；至多 {MOST_WEIGHTS:,} 个权重，每批至多 {MOST_POINTS} 个点。",
            f"The networks ({weights:,} weights) or the batch ({game.batch}) are so large that "
            f"three runs would take long. Keep to the size of recipes.plane: at most "
            f"{MOST_WEIGHTS:,} weights and {MOST_POINTS} points a batch.")
