"""Lesson 04: W1 by sorting, the gradient penalty, WGAN's losses, an update with clipping, faces."""

import copy
from functools import partial

import torch
from torch import Tensor, nn

from gan_lessons.data import ImageSet
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
from gan_lessons.exercises.steps import alike
from gan_lessons.losses import Wasserstein
from gan_lessons.measure import factor_reader, frechet_distance
from gan_lessons.nets import dcgan
from gan_lessons.penalties import clip_weights
from gan_lessons.train import Game, batchnorms, rmsprop

LIMITS = (0.01, 0.05)  # of the weights: the lesson's, and another
STEEP = 5.0  # a learning rate that throws every weight far beyond the limit in one step


# ---- exercise 1: W1 on a line ----

@checker
def wasserstein_1d(w1) -> None:
    """Check w1(a, b): the Wasserstein distance of two samples of the same size, (n,) each."""
    for seed, size, dtype in ((0, 40, torch.float64), (1, 7, torch.float32)):
        chance = torch.Generator().manual_seed(seed)
        a, b = torch.randn(2, size, generator=chance, dtype=dtype)
        b = 2 * b + 1 - 2 * seed  # to the right of a, then to its left
        value = torch.as_tensor(untouched(w1, a, b))
        require(value.shape == (),
                "结果应当是一个数：把所有搬运的距离求平均（.mean()）。",
                "The result should be one number: take the mean of all the distances moved.")
        check_distance(value, a, b)


def check_distance(value: Tensor, a: Tensor, b: Tensor) -> None:
    """Require the W1 of a and b; name the usual mistakes."""
    a_sorted, b_sorted = a.sort().values, b.sort().values
    gaps = a_sorted - b_sorted
    right = gaps.abs().mean()
    not_sorted = (
        "还没有排好序：现在是按样本碰巧的次序配对，搬得太远了。两边各自排序，最小的配最小的。",
        "Not both are sorted: the pairs are in whatever order the samples came, and travel too "
        "far. Sort each; the smallest belongs with the smallest.")
    not_absolute = (
        "忘了绝对值：往左和往右搬的路程抵消了，只剩下两个平均值之差。",
        "The absolute value is missing: moves to the left and to the right cancel, and only "
        "the difference of the means is left.")
    squared = (
        "这里用了平方：那是 W2。W1 用距离本身，即绝对值。",
        "Squares give W2. For W1 take the distance itself, the absolute value.")
    no_mistake(value, right, [
        ((a - b).abs().mean(), *not_sorted),
        ((a_sorted - b).abs().mean(), *not_sorted),
        ((a - b_sorted).abs().mean(), *not_sorted),
        (gaps.mean(), *not_absolute),
        (gaps.mean().abs(), *not_absolute),
        (gaps.abs().sum(), "这是总路程，不是平均：每个样本只占 1/n 的土。",
         "That is the sum, not the mean: each sample is only 1/n of the earth."),
        (gaps.square().mean(), *squared),
        (gaps.square().mean().sqrt(), *squared),
        ((a[:, None] - b[None, :]).abs().mean(),
         "这是所有两两距离的平均：那等于把每一份土平摊到所有地方。每个样本只配一个。",
         "That is the mean over all pairs, as if each bit of earth were spread over all places. "
         "Every sample has one partner."),
        (gaps.abs().median(), "这是路程的中位数：走得远的几车土也要算，请用平均。",
         "That is the median of the distances: the few carts that go far count as well. Take "
         "the mean."),
    ], 1e-5)
    require(close(value, right, 1e-5),
            "数值不对。分别排序，逐个相减，取绝对值，再求平均。",
            "The value is off. Sort each, subtract, take absolute values, then the mean.")


# ---- exercise 2: the gradient penalty ----

class Slope(nn.Module):
    """A critic whose gradient is known, and which keeps the points that it is given.

    Its score is w.x, with the gradient w everywhere; or, `curved`, |w| |x|^2 / 2, with |w| x.
    """

    def __init__(self, weight: Tensor, curved: bool = False):
        super().__init__()
        self.weight = nn.Parameter(weight)
        self.curved = curved
        self.points: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        """Return the scores of x, (B, ...) -> (B,)."""
        self.points.append(x.detach())
        flat = x.flatten(1)
        if self.curved:
            return self.weight.norm() * flat.square().sum(1) / 2
        return flat @ self.weight.flatten()

    def norms(self) -> Tensor:
        """Return the gradient norm at each of the last points, (B,)."""
        points = self.points[-1].flatten(1)
        return self.weight.norm() * (points.norm(dim=1) if self.curved else
                                     torch.ones(len(points)))


@checker
def gradient_penalty(penalty) -> None:
    """Check penalty(critic, real, fake): the mean of (gradient norm - 1)^2 between real and fake.

    The weight, 10 in the paper, is not part of it. Data are points (B, d) or pictures (B, C, H, W).
    """
    for shape in ((6, 3), (5, 2, 4, 4)):
        chance = torch.Generator().manual_seed(len(shape))
        real, fake = torch.randn(2, *shape, generator=chance)
        weight = torch.randn(shape[1:], generator=chance)
        for norm in (0.4, 3.0):  # below and above a norm of 1
            critic = Slope(norm * weight / weight.norm())
            value = call_penalty(penalty, critic, real, fake)
            check_penalty(value, critic.weight.detach(), len(real))
            teaches_critic(value, (critic.weight.norm() - 1).square(), critic, called="评论家")
    for shape in ((64, 3), (64, 2, 4, 4)):
        check_points(penalty, shape)
        check_each_sample(penalty, shape)
    reaches_kernels(partial(call_penalty, penalty), called="评论家")


def call_penalty(penalty, critic: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    """Return the learner's penalty; require a scalar, and that nothing is left in the critic."""
    value = untouched(lambda r, f: penalty(critic, r, f), real, fake)
    return one_penalty(
        value, critic,
        "惩罚应当是一个标量张量：每个样本有自己的梯度范数，最后对一批求平均（.mean()）。",
        "The penalty should be one scalar tensor: every sample has a gradient norm of its own; "
        "end with the mean over the batch, .mean().", called="评论家")


def check_penalty(value: Tensor, weight: Tensor, batch: int) -> None:
    """Require the penalty of a critic whose gradient is `weight` at every point of the batch."""
    norm, got = weight.norm(), float(value.detach())
    right = (norm - 1).square()
    mistakes = [
        (10 * right, "多乘了 10：本题只要括号里平方的平均，权重 λ 在外面乘。",
         "There is a factor of 10 in it: this exercise wants the mean square alone, the weight "
         "comes later."),
        (batch * right, *SUM_NOT_MEAN),
        ((norm / batch - 1).square(), *MEAN_BEFORE_GRADIENT),
        ((batch ** 0.5 * norm - 1).square(),
         "范数是对整批算的：每个样本应有自己的范数，先 flatten(1)，再 norm(dim=1)。",
         "The norm was taken over the whole batch: each sample needs its own. flatten(1), then "
         "norm(dim=1)."),
        (norm - 1, "少了平方：范数小于 1 也要罚，(范数 - 1) 应当平方。",
         "The square is missing: a norm below 1 costs as well; (norm - 1) is to be squared."),
        ((norm - 1).abs(), "少了平方：论文用的是 (范数 - 1) 的平方，不是绝对值。",
         "The square is missing: the paper squares (norm - 1) and does not take its size."),
        ((norm.square() - 1).square(), "少了开方：应是范数减 1，不是范数的平方减 1。",
         "The root is missing: it is the norm minus 1, not the squared norm minus 1."),
        (norm.square(), "没有减 1：这样罚的是一切斜率（像 R1）。这里希望范数等于 1。",
         "The 1 is missing: that punishes any slope, as R1 does. Here the norm should be 1."),
        (torch.relu(norm - 1).square(),
         "范数小于 1 的一侧没有罚。论文用的是两侧的惩罚，小于 1 也要罚。",
         "Norms below 1 go free. The paper's penalty has two sides: below 1 costs, too."),
        ((weight.flatten().abs().sum() - 1).square(),
         "这是 1-范数（绝对值之和）：请用平方和的平方根。",
         "That is the 1-norm, a sum of sizes: take the root of the sum of squares."),
    ]
    if weight.ndim > 1:
        mistakes.append(((weight.norm(dim=0) - 1).square().mean(), *CHANNELS_ALONE))
    no_mistake(value, right, mistakes, 1e-4)
    require(close(value, right, 1e-4),
            f"评论家的梯度范数处处是 {norm:.1f}，惩罚应为 {right:.2f}，得到 {got:.2f}。",
            f"A critic whose gradient norm is {norm:.1f} everywhere should give {right:.2f}, got "
            f"{got:.2f}.")


def check_points(penalty, shape: tuple[int, ...]) -> None:
    """Require that slopes are taken at one random point of the line from each real to its fake."""
    real, fake = torch.zeros(shape), torch.ones(shape)
    shares = []  # how far each point is on its way from real to fake
    for _ in range(2):
        critic = Slope(torch.ones(shape[1:]))
        call_penalty(penalty, critic, real, fake)
        points = critic.points[-1]
        require(points.shape == real.shape,
                f"评论家看到的点形状是 {tuple(points.shape)}，应和一批图片一样，是 {shape}："
                "每一对真假样本之间取一个点。",
                f"The critic was shown points of shape {tuple(points.shape)}; it should be that of "
                f"a batch, {shape}: one point for each pair of real and fake.")
        flat = points.flatten(1)
        require((flat - flat[:, :1]).abs().max() < 1e-5,
                "一个样本里每个数用了不同的随机数，点就不在真假之间的直线上了。"
                "每个样本只要一个随机数，形状 (B, 1, ..., 1)。",
                "Within a sample every number had a random number of its own, so the point is not "
                "on the line from real to fake. One per sample, of shape (B, 1, ..., 1).")
        shares.append(flat[:, 0])
    share = shares[0]
    require(not (share.min() > 0.999 or share.max() < 0.001),
            "斜率是在真实样本（或生成样本）处算的，那是 R1（或 R2）。WGAN-GP 取两者之间的点。",
            "The slopes were taken at the real samples, or at the fakes; that is R1, or R2. "
            "WGAN-GP takes points between the two.")
    require(share.std() > 0.01,
            "这一批的点离真实样本都一样远：每一对样本要有自己的随机数，不能整批共用一个，"
            "也不能固定在中点。",
            "All points of the batch are equally far along: every pair needs a random number of "
            "its own, neither one for the batch nor the midpoint.")
    require(share.min() > -0.001 and share.max() < 1.001,
            "有的点在线段之外：随机数应在 0 到 1 之间均匀分布，用 torch.rand，不用 torch.randn。",
            "Some points lie beyond the ends of the line: the random numbers should be uniform "
            "between 0 and 1: torch.rand, not torch.randn.")
    require(share.min() < 0.2 and share.max() > 0.8,
            "点没有取遍整条线段：随机数应在 0 到 1 之间均匀分布（torch.rand）。",
            "The points do not cover the whole line: the random numbers should be uniform between "
            "0 and 1 (torch.rand).")
    require(not close(shares[0], shares[1]),
            "两次调用取了同样的点：不要在函数里固定随机种子。",
            "Two calls took the same points: do not fix a random seed inside the function.")


def check_each_sample(penalty, shape: tuple[int, ...]) -> None:
    """Require the mean of the samples' own penalties where their gradients differ."""
    chance = torch.Generator().manual_seed(5)
    real, fake = torch.randn(2, *shape, generator=chance)
    critic = Slope(torch.ones(shape[1:]) / 4, curved=True)
    value = call_penalty(penalty, critic, real, fake)
    norms = critic.norms().detach()
    for mistake in ((norms.mean() - 1).square(), (norms.square().mean().sqrt() - 1).square()):
        require(not close(value, mistake, 1e-5),
                "先求了平均，再减 1、平方：应当每个样本各自 (范数 - 1) 平方，最后才求平均。",
                "The mean was taken first, then minus 1 and the square: square (norm - 1) for each "
                "sample, and take the mean last.")
    require(close(value, (norms - 1).square().mean(), 1e-4),
            "各个样本的梯度不同时，数值不对：每个样本各自算 (范数 - 1) 的平方，再对一批求平均。",
            "Where the samples' gradients differ, the value is off: (norm - 1) squared for each "
            "sample, then the mean over the batch.")


# ---- exercise 3: the two losses ----

@checker
def losses(critic_loss, generator_loss) -> None:
    """Check critic_loss(real, fake) and generator_loss(fake), of scores (B,) and (B',)."""
    for seed, sizes, lead in ((0, (2, 3), 3.0), (1, (6, 4), 1.0), (2, (5, 5), -2.0)):
        chance = torch.Generator().manual_seed(seed)
        real = torch.randn(sizes[0], generator=chance)
        fake = torch.randn(sizes[1], generator=chance)
        fake += (1.0 if seed == 0 else -1.0) - fake.mean()  # G's scores above 0, then below
        real += fake.mean() + lead - real.mean()  # real scores above the fakes, then below
        real.requires_grad_(True)
        fake.requires_grad_(True)
        value = scalar_loss(untouched(critic_loss, real, fake), "critic_loss")
        check_loss(value, fake.mean() - real.mean(), wrong_critic_losses(real, fake), (real, fake),
                   "critic_loss", "fake.mean() - real.mean()")
        value = scalar_loss(untouched(generator_loss, fake), "generator_loss")
        check_loss(value, -fake.mean(), wrong_generator_losses(fake), (fake,), "generator_loss",
                   "-fake.mean()")
    with torch.no_grad():
        moved = critic_loss(real + 100, fake + 100)
        require(close(moved, fake.mean() - real.mean(), tolerance=1e-4),
                "给评论家加上 100，损失不应改变。",
                "Adding 100 to the critic should not change its loss.")


def check_loss(value: Tensor, right: Tensor, wrong, scores, name: str, formula: str) -> None:
    """Require the value of a loss and its gradient with respect to all scores."""
    no_mistake(value, right, wrong)
    require(close(value, right),
            f"数值不对。{name} 应为 {formula}，没有 sigmoid，也没有对数。",
            f"The value is off. {name} should be {formula}, without sigmoid or log.")
    same_gradient(value, right, scores,
                  f"{name} 的数值对，可是梯度到不了每一个分数：评论家给出的分数不能 detach，"
                  "要 detach 的是 G 画的样本。",
                  f"The value of {name} is right, but its gradient does not reach all scores: "
                  "never detach what the critic returns. What may be detached are G's samples.")


def wrong_critic_losses(real: Tensor, fake: Tensor):
    """Return the usual mistakes: (the value, the message in Chinese, in English)."""
    gap = real.mean() - fake.mean()
    if gap < 0:
        yield (-gap.abs(), "不要取绝对值：评论家把真假排反了的时候，损失应当是正的，它才知道要改。",
               "No absolute value: where the critic has real and fake the wrong way round its loss "
               "must be positive, or it never learns of it.")
    yield (gap, "符号反了：按我们的约定，分数越高越真。评论家要让真实样本的分数高、生成样本的低，"
           "而优化器总是把损失变小。（alexshuang 的代码约定相反。）",
           "The sign is off: here a higher score means more real. The critic wants real high and "
           "fake low, and an optimizer makes the loss small. (alexshuang's code has it the other "
           "way.)")
    yield (torch.relu(1 - real).mean() + torch.relu(1 + fake).mean(),
           "这是合页（hinge）损失，不是 WGAN：分数超过 1 之后它就不管了。",
           "That is the hinge loss, not WGAN: it stops caring once a score is beyond 1.")
    yield (fake.sum() - real.sum(),
           "这是总和，不是平均：两批的大小一不同，常数就不再抵消。",
           "That is the sum, not the mean: with batches of different size a constant no longer "
           "cancels.")
    yield (-gap / 2, "多除了 2：WGAN 的评论家损失就是两个平均值之差。",
           "Half of it is missing: the loss of WGAN's critic is the difference of the two means.")
    for half in (fake.mean(), -real.mean()):
        yield (half, "只有一半：评论家要拉开的是两边的差距，两项都要。",
               "Only one half is there: the critic widens the gap between the two. Take both.")


def wrong_generator_losses(fake: Tensor):
    """Return the usual mistakes: (the value, the message in Chinese, in English)."""
    if fake.mean() < 0:
        yield (-fake.mean().abs(), "generator_loss 不要取绝对值：分数可以是负的，越高越好。",
               "No absolute value in generator_loss: scores may be negative, higher is better.")
    yield (fake.mean(), "这样 G 会让自己的生成样本得分更低。G 想要高分，损失要加负号。",
           "That makes G lower the scores of its own fakes. G wants high scores: add a minus.")
    yield (-fake.sum(), "generator_loss 是总和，不是平均：请用 .mean()。",
           "generator_loss is a sum, not a mean: use .mean().")


# ---- exercise 4: update, then clip ----

@checker
def clipped_update(update) -> None:
    """Check update(critic, optimizer, real, fake, limit): one step of D, then clipping."""
    for seed, limit in enumerate(LIMITS):
        check_box(update, seed, limit)
        learned = trained(update, limit)
        require(not (learned > limit / 2).all(),
                "更新之后真实样本的分数反而比生成样本低：检查损失的符号，真实样本应当得高分。",
                "After the update real scores below fake: check the sign of the loss, real should "
                "score high.")
        require((learned < -limit / 2).all(),
                "负的权重不见了：应裁到 -limit 和 +limit 之间，两侧都要留。",
                "Negative weights are gone: clip to between -limit and +limit, on both sides.")
    first = gradient_left(update)
    require(close(first, gradient_left(update, stale=1.0)),
            "上一步的梯度还留着：backward() 之前先 optimizer.zero_grad()。",
            "Gradients of the step before are still there: optimizer.zero_grad() before "
            "backward().")
    check_direction(update)
    check_course_critic(update)


def check_box(update, seed: int, limit: float) -> None:
    """Require that weights move and end inside [-limit, limit], and reach its edge."""
    torch.manual_seed(seed)
    critic = nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 1), nn.Flatten(0))
    with torch.no_grad():
        for parameter in critic.parameters():
            parameter.uniform_(0.2 * limit, limit)
    before = [p.detach().clone() for p in critic.parameters()]
    real, fake = torch.ones(8, 2), -torch.ones(8, 2)
    untouched(lambda r, f: update(critic, torch.optim.SGD(critic.parameters(), lr=STEEP), r, f,
                                  limit), real, fake)
    now = [p.detach() for p in critic.parameters()]
    largest = max(float(p.abs().max()) for p in now)
    require(any(not torch.equal(a, b) for a, b in zip(before, now, strict=True)),
            "权重没有变：别忘了 backward() 和 optimizer.step()。",
            "The weights have not moved: remember backward() and optimizer.step().")
    matrices = max(float(p.abs().max()) for p in now if p.ndim > 1)
    require(not matrices <= limit * 1.001 < largest,
            "只裁了权重矩阵，偏置超出了范围：要裁的是评论家的每一个参数。",
            "The matrices are clipped, the biases are beyond the limit: clip every parameter of "
            "the critic.")
    require(largest <= limit * 1.001,
            f"更新之后有权重达到 {largest:.3f}，超出了 {limit}：G 接下来会遇到超出范围的评论家。"
            "裁剪要放在 optimizer.step() 之后，裁的是权重，不是梯度，范围是参数 limit。",
            f"After the update a weight is {largest:.3f}, beyond {limit}: the next thing G meets "
            "is a critic beyond the limit. Clip after optimizer.step(), and clip the weights, not "
            "the gradients, to the argument limit.")
    require(largest > limit * 0.999,
            f"权重最大只到 {largest:.3f}，比 limit={limit} 小：裁剪的范围请用参数 limit，"
            "不要写死。",
            f"The largest weight is {largest:.3f}, below limit={limit}: clip to the argument "
            "limit, not to a fixed number.")


def trained(update, limit: float) -> Tensor:
    """Return the weights of a critic that ought to be negative, after one update."""
    critic = nn.Sequential(nn.Linear(2, 1), nn.Flatten(0))
    optimizer = torch.optim.SGD(critic.parameters(), lr=STEEP)
    update(critic, optimizer, -torch.ones(8, 2), torch.ones(8, 2), limit)
    return critic[0].weight.detach()


def gradient_left(update, stale: float = 0.0) -> Tensor:
    """Return the critic's gradient after an update that began with `stale` in its gradients."""
    critic = nn.Sequential(nn.Linear(2, 1), nn.Flatten(0))
    with torch.no_grad():
        for parameter in critic.parameters():
            parameter.fill_(LIMITS[0] / 2)
    for parameter in critic.parameters():
        parameter.grad = torch.full_like(parameter, stale)
    seen = []
    optimizer = torch.optim.SGD(critic.parameters(), lr=1e-6)
    take_step = optimizer.step

    def step(*given):
        seen.append(critic[0].weight.grad.clone())
        return take_step(*given)
    optimizer.step = step
    update(critic, optimizer, torch.ones(8, 2), torch.zeros(8, 2), LIMITS[0])
    require(len(seen) == 1, f"每次更新应当只走一步，这里走了 {len(seen)} 步。",
            f"One update should be one step, here it is {len(seen)}.")
    return torch.cat(seen)


def right_update(critic: nn.Module, optimizer, real: Tensor, fake: Tensor, limit: float) -> None:
    """One step of WGAN's critic, then clipping."""
    Wasserstein().critic(critic(real), critic(fake)).backward()
    optimizer.step()
    clip_weights(critic, limit)


def check_direction(update) -> None:
    """Require the step of plain WGAN where the limit is too far off to matter."""
    for seed in (0, 1):
        torch.manual_seed(seed)
        critic = nn.Sequential(nn.Linear(2, 6), nn.LeakyReLU(0.2), nn.Linear(6, 1), nn.Flatten(0))
        expected = copy.deepcopy(critic)
        real, fake = torch.randn(6, 2) + 1, torch.randn(9, 2)
        update(critic, torch.optim.SGD(critic.parameters(), lr=0.1), real, fake, 10.0)
        right_update(expected, torch.optim.SGD(expected.parameters(), lr=0.1), real, fake, 10.0)
        require(alike(critic, expected),
                "裁剪对了，可是走的一步不是 WGAN 的：损失应为 critic(fake).mean() - "
                "critic(real).mean()，两批可以不一样大；limit 很大时裁剪不应改变什么。",
                "The clipping is right, but the step is not that of WGAN: the loss is "
                "critic(fake).mean() - critic(real).mean(), with batches that may differ in size; "
                "a large limit should change nothing.")


def check_course_critic(update) -> None:
    """Require the same of the course's critic, with BatchNorm and RMSprop, in both modes."""
    for training in (True, False):
        torch.manual_seed(0)
        critic = dcgan.critic(16, 1, features=4).train(training)
        expected = copy.deepcopy(critic)
        real, fake = torch.rand(2, 6, 1, 16, 16) * 2 - 1
        update(critic, rmsprop(critic, 1e-3), real, fake, 0.03)
        require(critic.training == training,
                "critic 的模式被改了：不要调用 .train() 或 .eval()。",
                "The critic's mode was changed: call neither .train() nor .eval().")
        largest = max(float(p.detach().abs().max()) for p in critic.parameters())
        require(largest <= 0.03 * 1.001,
                f"在课程的评论家 dcgan.critic 上，有参数达到 {largest:.2f}：批归一化的缩放"
                "也是参数，也要裁。",
                f"In the course's own dcgan.critic a parameter is {largest:.2f}: the scales of "
                "BatchNorm are parameters, too, and are to be clipped.")
        right_update(expected, rmsprop(expected, 1e-3), real, fake, 0.03)
        require(alike(critic, expected, tolerance=1e-5),
                "在课程的评论家 dcgan.critic 上结果不同：真图和假图要分两批给评论家，每批只给一次，"
                "因为批归一化按批计算。",
                "On the course's own dcgan.critic the result differs: give the critic real and "
                "fake as two batches (BatchNorm works by batch), each once.")


# ---- the open task: faces of 16x16 with a penalty, at a fixed budget ----

BUDGET = 32_000  # real pictures that the critic may be shown
BAR = 1000.0  # what the Frechet distance must fall below
SAMPLES = 2000


def enlarged(images: Tensor) -> Tensor:
    """Return pictures, (n, C, H, W), at twice their size: every pixel four times."""
    return images.repeat_interleave(2, 2).repeat_interleave(2, 3)


def distance(game: Game, faces: ImageSet) -> float:
    """Return the Fréchet distance of a game's samples from real faces of 16x16.

    In the features of the factor reader; of G's newest weights or of their average, whichever is
    closer.
    """
    reader = factor_reader(faces)
    real = reader.features(enlarged(faces.images[:SAMPLES]))
    made = [reader.features(enlarged(game.sample(SAMPLES, seed=2026, ema=ema)))
            for ema in (False, True)]
    return min(frechet_distance(features, real) for features in made)


@checker
def penalised_faces(games: list[Game], faces: ImageSet):
    """Check two trained games of 16x16 faces: rules, budget, and the distance of both.

    Args:
        games: trained from two different seeds, all other settings equal.
        faces: the 16x16 toy faces they learned from.
    """
    two_seeds(games, equal=("lr", "n_critic", "betas", "batch", "decay"))
    for game in games:
        require(game.penalty is not None and game.clip is None,
                "这道题要用惩罚而不用裁剪：penalty=...，clip=None。",
                "This task asks for a penalty and no clipping: penalty=..., clip=None.")
        require(not batchnorms(game.critic),
                "评论家里有批归一化：一个样本的分数就和整批有关了。请不要在评论家里用它。",
                "There is BatchNorm in the critic, so a score depends on the whole batch. Leave it "
                "out of the critic.")
        require(game.images_seen <= BUDGET,
                f"评论家看了 {game.images_seen:,} 张真图，超过了 {BUDGET:,} 张："
                "G 的步数 × n_critic × batch 不能超出它。",
                f"The critic was shown {game.images_seen:,} real pictures, more than {BUDGET:,}: "
                "steps of G × n_critic × batch must stay within that.")
    distances = [distance(game, faces) for game in games]
    shown = "、".join(f"{d:.0f}" for d in distances), " and ".join(f"{d:.0f}" for d in distances)
    zh = f"两局的弗雷歇距离是 {shown[0]}，标准是低于 {BAR:.0f}。"
    en = f"The Fréchet distances of the two are {shown[1]}; the bar is {BAR:.0f}."
    require(max(distances) < BAR,
            f"{zh}一次只改一处：权重、n_critic、学习率；预算不变，n_critic 越大，G 走的步数越少。",
            f"{en} Change one thing at a time: the weight, n_critic, the learning rate. The budget "
            "is fixed, so a larger n_critic leaves G fewer steps.")
    return zh, en
