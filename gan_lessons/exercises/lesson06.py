"""Lesson 06: R1, the loss in pairs, power iteration for spectral norm, and a sharp ring."""

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid, relu, softplus

from gan_lessons.data import ring
from gan_lessons.exercises.checking import (
    CHANNELS_ALONE,
    MEAN_BEFORE_GRADIENT,
    SUM_NOT_MEAN,
    checker,
    close,
    no_mistake,
    one_penalty,
    reaches_kernels,
    require,
    same_gradient,
    scalar_loss,
    teaches_critic,
    two_seeds,
    untouched,
)
from gan_lessons.exercises.lesson04 import Slope
from gan_lessons.measure import mode_report
from gan_lessons.nets import mlp
from gan_lessons.train import Game, weight_count

# ---- exercise 1: R1 ----


@checker
def r1(penalty) -> None:
    """Check penalty(critic, real, gamma): gamma/2 times the mean squared gradient norm at real.

    Data are points (B, d) or pictures (B, C, H, W).
    """
    for shape in ((6, 3), (5, 2, 4, 4)):
        chance = torch.Generator().manual_seed(len(shape))
        real = torch.randn(shape, generator=chance)
        weight = torch.randn(shape[1:], generator=chance)
        for norm, gamma in ((0.4, 1.0), (3.0, 10.0)):
            critic = Slope(norm * weight / weight.norm())
            value = call_r1(penalty, critic, real, gamma)
            check_place(critic.points, real)
            check_r1(value, critic.weight.detach(), len(real), gamma)
            teaches_critic(value, gamma / 2 * critic.weight.square().sum(), critic)
        check_mean(penalty, real)
    reaches_kernels(lambda critic, real, _: call_r1(penalty, critic, real, 1.0))


def call_r1(penalty, critic: nn.Module, real: Tensor, gamma: float) -> Tensor:
    """Return the learner's penalty; require a scalar, and that nothing is left in the critic."""
    value = untouched(lambda x: penalty(critic, x, gamma=gamma), real)
    return one_penalty(
        value, critic,
        "惩罚应当是一个标量张量：每个样本先算梯度范数的平方，最后对一批求平均（.mean()）。",
        "The penalty should be one scalar tensor: a squared gradient norm for each sample, "
        "then the mean over the batch, .mean().")


def check_place(seen: list[Tensor], real: Tensor) -> None:
    """Require that slopes are taken at the real samples and nowhere else."""
    require(seen and all(points.shape == real.shape and close(points, real) for points in seen),
            "斜率不是在真实样本处算的：R1 只看真实样本。在生成样本处算是 R2，"
            "在两者之间的随机点处算是 WGAN-GP。",
            "The slope was not taken at the real samples, the only place where R1 looks. At the "
            "fakes it would be R2, at random points in between WGAN-GP.")


def check_r1(value: Tensor, weight: Tensor, batch: int, gamma: float) -> None:
    """Require the penalty of a critic whose gradient is `weight` at every point of the batch."""
    norm, got = weight.norm(), float(value.detach())
    square = norm.square()
    right = gamma / 2 * square
    mistakes = [
        (gamma * square, "少了 1/2：系数是 gamma / 2。",
         "A half is missing: the factor is gamma / 2."),
        (square, "少了系数 gamma / 2。", "The factor gamma / 2 is missing."),
        (square / 2, "没有用上 gamma：系数是 gamma / 2，不是 1 / 2。",
         "gamma is not used: the factor is gamma / 2, not 1 / 2."),
        (-right, "符号反了：惩罚要让陡的评论家付出代价，应当是正的。",
         "The sign is off: the penalty is to cost a steep critic, so it is positive."),
        (gamma / 2 * norm, "范数没有平方：R1 罚的是梯度范数的平方。",
         "The norm is not squared: R1 punishes the squared gradient norm."),
        (gamma / 2 * (norm - 1).square(),
         "多减了 1：那是 WGAN-GP，希望斜率为 1。R1 希望真实样本处的斜率为 0。",
         "A 1 was subtracted: that is WGAN-GP, which wants a slope of 1. R1 wants 0 at the data."),
        (gamma / 2 * square / batch ** 2, *MEAN_BEFORE_GRADIENT),
        (gamma / 2 * square * batch, *SUM_NOT_MEAN),
        (gamma / 2 * square / weight.numel(),
         "对一个样本里的各个数求了平均：范数的平方是总和，先 flatten(1)，平方，再 sum(1)。",
         "The mean was taken over the numbers within a sample: a squared norm is their sum. "
         "flatten(1), square, then sum(1)."),
        (gamma / 2 * weight.abs().sum().square(),
         "这是 1-范数的平方：请用平方和，不是绝对值之和的平方。",
         "That is the squared 1-norm: take the sum of squares, not the square of a sum."),
    ]
    if weight.ndim > 1:
        mistakes.append((gamma / 2 * weight.square().sum(0).mean(), *CHANNELS_ALONE))
    no_mistake(value, right, mistakes, 1e-5)
    require(close(value, right, 1e-5),
            f"评论家的梯度范数处处是 {norm:.1f}，gamma 是 {gamma:.0f}，惩罚应为 {right:.2f}，得到 "
            f"{got:.2f}。",
            f"A critic whose gradient norm is {norm:.1f} everywhere, with gamma {gamma:.0f}, "
            f"should give {right:.2f}, got {got:.2f}.")


def check_mean(penalty, real: Tensor) -> None:
    """Require the mean of the samples' own squared norms where their gradients differ."""
    critic = Slope(torch.ones(real.shape[1:]) / 4, curved=True)
    value = call_r1(penalty, critic, real, 2.0)
    norms = critic.norms().detach()
    require(not close(value, norms.mean().square(), 1e-5),
            "先求了平均，再平方：应当每个样本的范数各自平方，最后才求平均。",
            "The mean was taken first, then the square: square each sample's norm, and take the "
            "mean last.")
    require(close(value, norms.square().mean(), 1e-4),
            "各个样本的梯度不同时，数值不对：每个样本各自算梯度范数的平方，再对一批求平均。",
            "Where the samples' gradients differ, the value is off: a squared norm for each "
            "sample, then the mean over the batch.")


# ---- exercise 2: the loss in pairs ----

@checker
def pairing_loss(critic_loss, generator_loss) -> None:
    """Check critic_loss(real, fake) and generator_loss(fake, real), of scores (B,) and (B,)."""
    for seed, size in ((0, 5), (1, 8)):
        chance = torch.Generator().manual_seed(seed)
        real = (2 * torch.randn(size, generator=chance) + 1).requires_grad_(True)
        fake = (2 * torch.randn(size, generator=chance) - 2 * seed).requires_grad_(True)
        value = scalar_loss(untouched(critic_loss, real, fake), "critic_loss")
        check_pairs(value, real, fake, "critic_loss", (real, fake))
        value = scalar_loss(untouched(generator_loss, fake, real), "generator_loss")
        require(not close(value, softplus(fake - real).mean()),
                "generator_loss 和 critic_loss 一样了：G 想要生成样本的分数比真实样本高，"
                "差要反过来。",
                "generator_loss is that of the critic: G wants its fakes to score above real, so "
                "the difference is the other way round.")
        check_pairs(value, fake, real, "generator_loss", (fake,))
    far = torch.tensor([200.0, 150.0])
    for loss, name in ((critic_loss, "critic_loss"), (generator_loss, "generator_loss")):
        require(close(loss(-far, far), 2 * far.mean(), 1e-3),
                f"分数相差很远时 {name} 算不准：log(sigmoid(x)) 会舍入成 log(0)。请用 softplus 或 "
                "logsigmoid。",
                f"Where the scores are far apart {name} is off: log(sigmoid(x)) rounds to log(0). "
                "Use softplus or logsigmoid.")


def check_pairs(value: Tensor, up: Tensor, down: Tensor, name: str, scores) -> None:
    """Require -E log sigmoid(up - down), the scores a player wants high and low, and its slope."""
    right = softplus(down - up).mean()
    first, second = ("real", "fake") if name == "critic_loss" else ("fake", "real")
    no_mistake(value, right, ((mistake, f"{name}：{zh}", f"{name}: {en}")
                              for mistake, zh, en in wrong_pairs(up, down)))
    require(close(value, right),
            f"{name} 的数值不对：应为 -log sigmoid({first} - {second})，逐对计算，再求平均。",
            f"The value of {name} is off: it should be -log sigmoid({first} - {second}), pair by "
            "pair, then the mean.")
    same_gradient(value, right, scores,
                  f"{name} 的数值对，可是梯度到不了它该推动的每一个分数：不要 detach 它们。",
                  f"The value of {name} is right, but its gradient does not reach every score that "
                  "it is to move: do not detach them.")


def wrong_pairs(up: Tensor, down: Tensor):
    """Return the usual mistakes: (the value, the message in Chinese, in English)."""
    gap = up - down
    yield (softplus(gap).mean(), "符号反了：这样分数会被推向错误的一边。",
           "the sign is off: this pushes the scores the wrong way.")
    yield (logsigmoid(gap).mean(), "少了负号：-log sigmoid 才是要变小的损失。",
           "the minus is missing: it is -log sigmoid that is to become small.")
    yield (softplus(-gap.mean()), "先对差求了平均，再算 softplus：应当每一对各算各的，最后求平均。",
           "the mean of the differences was taken inside: softplus for each pair, mean last.")
    against_mean = softplus(down.mean() - up).mean(), softplus(down - up.mean()).mean()
    for average in (sum(against_mean), sum(against_mean) / 2, *against_mean):
        yield (average, "和另一批的平均分比，是相对式平均（RaGAN）；这里是一真一假成对地比。",
               "comparing with the other batch's mean score is the relativistic average (RaGAN); "
               "here one real and one fake are compared in a pair.")
    for sigmoid in (torch.sigmoid(-gap).mean(), -torch.sigmoid(gap).mean(),
                    torch.sigmoid(gap).mean()):
        yield (sigmoid, "少了对数：要的是 -log sigmoid，不是 sigmoid。",
               "the logarithm is missing: -log sigmoid, not sigmoid.")
    yield (softplus(down[None, :] - up[:, None]).mean(),
           "每个真的和每个假的都比了：形状 (B, 1) 和 (B,) 相减得到 (B, B)。第 i 个只和第 i 个比。",
           "every real was compared with every fake: (B, 1) minus (B,) gives (B, B). Number i "
           "meets number i alone.")
    yield (softplus(-gap).sum(), "这是总和，不是平均：请用 .mean()。",
           "that is a sum, not a mean: use .mean().")
    yield (-gap.mean(), "少了 softplus：这是 WGAN 的损失，差距再大也不会停。",
           "softplus is missing: that is the loss of WGAN, which never has enough.")
    for separate in (softplus(-up).mean() + softplus(down).mean(), softplus(-up).mean()):
        yield (separate, "这是不比较的损失（标准 GAN）：真假分数要先相减。",
               "that is the loss without comparison, of the plain GAN: subtract the scores first.")
    yield (relu(1 - gap).mean(), "这是合页（hinge）形式；R3GAN 用的是 softplus。",
           "that is the hinge form; R3GAN's is softplus.")
    yield (2 * softplus(-gap).mean(), "多了一倍：同一个差只算一次。",
           "it is twice as large: the same difference counts once.")


# ---- exercise 3: power iteration ----

STEPS = 100  # enough to converge, for the matrices below


@checker
def power_iteration(sigma) -> None:
    """Check sigma(weight, steps): the largest singular value of weight as a matrix (out, rest).

    From a random unit vector u, `steps` times v = W'u / |W'u| and u = Wv / |Wv|; then u'Wv. The
    gradient reaches the weight as if u and v were constants.
    """
    torch.manual_seed(0)
    check_square(sigma)
    for shape, scale in (((6, 4), 1.0), ((5, 3, 2, 2), 0.5)):
        check_converged(sigma, weight_of(shape, scale))
    check_one_step(sigma)
    check_start(sigma)
    check_constants(sigma)


def call_sigma(sigma, weight: Tensor, steps: int) -> Tensor:
    """Return the learner's estimate; require one finite number."""
    value = torch.as_tensor(untouched(lambda w: sigma(w, steps), weight))
    require(value.shape == (),
            f"结果应当是一个数，收到的形状是 {tuple(value.shape)}：最后算 u·(Wv)。",
            f"The result should be one number, got shape {tuple(value.shape)}: end with u·(Wv).")
    require(value.isfinite() and value.abs() > 1e-6,
            f"{steps} 步以后得到 {float(value):g}：每乘一次都要归一化，否则 u 和 v 会越来越大，或者"
            "缩到 0。",
            f"After {steps} steps the result is {float(value):g}: normalise after every product, "
            "or u and v grow without end, or shrink to 0.")
    return value


def weight_of(shape: tuple[int, ...], scale: float = 1.0) -> Tensor:
    """Return weights, (out, ...), whose singular values are 3, 1, 0.5, 0.5, ... times `scale`."""
    rows = torch.randn(shape).flatten(1)
    left, values, right = torch.linalg.svd(rows, full_matrices=False)
    wanted = torch.full_like(values, 0.5)
    wanted[:2] = torch.tensor([3.0, 1.0])
    return scale * (left @ wanted.diag() @ right).view(shape)


def largest(matrix: Tensor) -> Tensor:
    """Return the largest singular value, by the exact method."""
    return torch.linalg.matrix_norm(matrix, 2)


def check_square(sigma) -> None:
    """Require singular values, not eigenvalues: of [[2, 3], [0, 1]] 3.70, not 2."""
    weight = torch.tensor([[2.0, 3.0], [0.0, 1.0]])
    value = call_sigma(sigma, weight, STEPS)
    require(not close(value.abs(), 2.0, 0.05),
            "两次都乘了同一个矩阵，得到的是特征值。一次乘 W 的转置（由 u 得 v），"
            "一次乘 W（由 v 得 u）。",
            "Both products are with the same matrix, which finds an eigenvalue. One is with W "
            "transposed, from u to v, the other with W, from v to u.")


def check_converged(sigma, weight: Tensor) -> None:
    """Require the largest singular value after many steps; name the usual mistakes."""
    value, matrix = call_sigma(sigma, weight, STEPS), weight.flatten(1)
    right = largest(matrix)
    mistakes = [
        (right.square(), "这是最大奇异值的平方：u 和 v 都要归一化，最后算 u·(Wv)；若算的是 WW' 的"
         "特征值，还要开方。",
         "That is the square of the largest singular value: normalise both u and v and end with "
         "u·(Wv); an eigenvalue of WW' still needs its root."),
        (matrix.norm(), "这是 Frobenius 范数，所有奇异值平方和的平方根；谱范数只取最大的一个。",
         "That is the Frobenius norm, the root of the sum of all squared singular values; the "
         "spectral norm is the largest alone."),
        (matrix.abs().max(), "这是最大的权重，不是最大的奇异值。",
         "That is the largest weight, not the largest singular value."),
        (1 / right, "这是倒数：要的是最大奇异值本身，除以它是之后的事。",
         "That is its inverse: the largest singular value is asked for; the division comes later."),
    ]
    if weight.ndim > 2:
        for other in (weight.flatten(0, -2), weight.transpose(0, 1).flatten(1)):
            mistakes.append((largest(other),
                             "矩阵的形状不对：卷积核 (out, in, k, k) 要先变成 (out, in·k·k)，用 "
                             "weight.flatten(1)。",
                             "The matrix has another shape: a kernel (out, in, k, k) is to become "
                             "(out, in·k·k) first, with weight.flatten(1)."))
        mistakes.append((torch.linalg.matrix_norm(weight, 2).max(),
                         "每个 k×k 的小矩阵各算了各的：整个卷积核先变成一个矩阵，用 "
                         "weight.flatten(1)。",
                         "Each k×k matrix was taken by itself: first make one matrix of the whole "
                         "kernel, with weight.flatten(1)."))
    mistakes.append((-right, "符号反了：奇异值不会是负的。",
                     "The sign is off: a singular value is never negative."))
    no_mistake(value, right, mistakes, 1e-4)
    require(close(value, right, 1e-4),
            f"{STEPS} 步以后得到 {float(value):.3f}，最大奇异值是 {float(right):.3f}："
            "循环要走 steps 次，每次从新的 u 出发。",
            f"After {STEPS} steps the result is {float(value):.3f}; the largest singular value is "
            f"{float(right):.3f}. The loop takes `steps` steps, each from the new u.")


def check_one_step(sigma) -> None:
    """Require that one step is right where one is enough, and no more than one step elsewhere."""
    one = torch.outer(torch.randn(5), torch.randn(7))  # a single singular value: any start finds it
    require(close(call_sigma(sigma, one, 1), one.norm(), 1e-4),
            "矩阵的秩为 1 时，一步就应当得到准确值。先由 u 得 v，再由 v 得新的 u，用新的 u 和 v 算 "
            "u·(Wv)。",
            "For a matrix of rank 1 a single step should be exact: v from u, the new u from v, and "
            "then u·(Wv) with both.")
    weight = torch.randn(12, 40)
    right = largest(weight)
    short = [call_sigma(sigma, weight, 1) for _ in range(3)]
    require(max(short) < right * 1.0001, "估计值超过了最大奇异值：u 和 v 的长度都应当是 1。",
            "The estimate is above the largest singular value: u and v should both have length 1.")
    require(min(short) < right * 0.999,
            "只走一步就已经准确，说明没有用 steps，或者用了 SVD：请从随机的 u 出发，走 steps 步。",
            "One step is exact already, so `steps` is not used, or an SVD is: start from a random "
            "u and take `steps` steps.")


def check_start(sigma) -> None:
    """Require a random start: the vector of ones is of no use to this matrix."""
    first = torch.tensor([1.0, -1.0, 1.0, -1.0]) / 2  # at right angles to the vector of ones
    second = torch.ones(4) / 2
    weight = 3 * torch.outer(first, first) + torch.outer(second, second)
    found = max(call_sigma(sigma, weight, 5) for _ in range(3))
    require(close(found, 3.0, 0.05),
            "从全 1 的向量出发，遇到与它垂直的奇异向量就找不到了：请从随机的 u 出发"
            "（torch.randn）。",
            "From a vector of ones, a singular vector at right angles to it is not found: start "
            "from a random u (torch.randn).")


def check_constants(sigma) -> None:
    """Require the gradient u v' with respect to the weight, as if u and v were constants."""
    weight = torch.randn(5, 3, 2, 2, requires_grad=True)
    value = sigma(weight, 1)
    slope = None
    if isinstance(value, Tensor) and value.requires_grad:
        slope, = torch.autograd.grad(value, weight, allow_unused=True)
    require(slope is not None,
            "数值对，可是梯度到不了权重：只有 u 和 v 的更新放在 torch.no_grad() 里，最后的 u·(Wv) "
            "不放，也不要 .item()。",
            "The value is right, but no gradient reaches the weight: only the updates of u and v "
            "belong into torch.no_grad(), the last u·(Wv) does not, and no .item().")
    values = torch.linalg.svdvals(slope.flatten(1))
    require(close(values[0], 1.0, 1e-3) and values[1] < 1e-3,
            "梯度穿过了 u 和 v 的更新：把它们当作常数（torch.no_grad()），梯度就是 u v'，迭代多少步"
            "都一样便宜。",
            "The gradient goes through the updates of u and v: take them as constants, under "
            "torch.no_grad(); then it is u v', as cheap for many steps as for one.")


# ---- the open task: a sharp ring, with the small networks ----

STEPS_OF_G, BATCH = 1500, 128  # the budget
MODES, BAR = 7.5, 0.70  # the least effective modes, the least share of high quality


@checker
def sharp_ring(games: list[Game]):
    """Check two trained games of the ring, by lesson 01's networks: budget, modes, sharpness.

    Args:
        games: trained from two different seeds, all other settings equal.
    """
    two_seeds(games, equal=("lr", "betas", "batch", "decay", "ema", "penalty_every"))
    for game in games:
        check_ring_rules(game)
    reports = [mode_report(game.sample(2500, seed=2026, ema=True), ring()) for game in games]
    zh = "；".join(f"种子 {game.seed}：有效模式 {report.effective_modes:.1f}，高质量样本 "
                  f"{report.high_quality:.0%}" for game, report in zip(games, reports, strict=True))
    en = "; ".join(f"seed {game.seed}: {report.effective_modes:.1f} effective modes, "
                   f"{report.high_quality:.0%} of high quality"
                   for game, report in zip(games, reports, strict=True))
    zh = f"{zh}。标准是有效模式至少 {MODES}，高质量样本至少 {BAR:.0%}。"
    en = f"{en}. The bar: at least {MODES} effective modes, at least {BAR:.0%} of high quality."
    require(all(report.effective_modes >= MODES and report.high_quality >= BAR
                for report in reports),
            f"{zh}一次只改一处：损失、惩罚和它的权重、学习率和它怎样下降、betas、滑动平均跟得有多快（ema）。",
            f"{en} Change one thing at a time: the loss, the penalty and its weight, the learning "
            "rate and how it falls, betas, how fast the moving average follows (ema).")
    return zh, en


def check_ring_rules(game: Game) -> None:
    """Require the networks, the data and the budget of the task."""
    generator, critic = mlp.plane()
    sizes = weight_count(game.generator), weight_count(game.critic)
    allowed = weight_count(generator), weight_count(critic)
    require(sizes == allowed,
            f"网络要用 recipes.plane 的：G 有 {allowed[0]:,} 个权重，D 有 {allowed[1]:,} 个；收到 "
            f"{sizes[0]:,} 和 {sizes[1]:,}。",
            f"Use the networks of recipes.plane, with {allowed[0]:,} weights in G and "
            f"{allowed[1]:,} in D; got {sizes[0]:,} and {sizes[1]:,}.")
    require(game.data == ring().described(),
            f"数据应当是 data.ring()，这一局用的是 {game.data}。",
            f"The data should be data.ring(); this game learned from {game.data}.")
    require(game.step <= STEPS_OF_G and game.batch <= BATCH and game.n_critic == 1,
            f"超出了预算：至多 {STEPS_OF_G} 步，批大小至多 {BATCH}，n_critic 为 1；这一局是 "
            f"{game.step} 步，{game.batch}，{game.n_critic}。",
            f"Beyond the budget: at most {STEPS_OF_G} steps, batches of at most {BATCH}, n_critic "
            f"1; this game has {game.step} steps, {game.batch} and {game.n_critic}.")
