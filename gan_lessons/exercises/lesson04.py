"""Lesson 04: W1 by sorting, the two losses of WGAN, and an update of the critic with clipping."""

import copy

import torch
from torch import Tensor, nn

from gan_lessons.exercises.checking import checker, close, require, scalar_loss, untouched
from gan_lessons.losses import Wasserstein
from gan_lessons.nets import dcgan
from gan_lessons.train import rmsprop

LIMITS = (0.01, 0.05)  # of the weights: the lesson's, and another
STEEP = 5.0  # a learning rate that throws every weight far beyond the limit in one step


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
    gaps = a.sort().values - b.sort().values

    right = gaps.abs().mean()

    def is_(formula: Tensor) -> bool:  # a mistake that changes nothing here is none
        return close(value, formula, 1e-5) and not close(formula, right, 1e-5)

    require(not is_((a - b).abs().mean()) and not is_((a.sort().values - b).abs().mean())
            and not is_((a - b.sort().values).abs().mean()),
            "还没有排好序：现在是按样本碰巧的次序配对，搬得太远了。两边各自排序，最小的配最小的。",
            "Not both are sorted: the pairs are in whatever order the samples came, and travel too "
            "far. Sort each; the smallest belongs with the smallest.")
    require(not is_(gaps.mean()) and not is_(gaps.mean().abs()),
            "忘了绝对值：往左和往右搬的路程抵消了，只剩下两个平均值之差。",
            "The absolute value is missing: moves to the left and to the right cancel, and only "
            "the difference of the means is left.")
    require(not is_(gaps.abs().sum()),
            "这是总路程，不是平均：每个样本只占 1/n 的土。",
            "That is the sum, not the mean: each sample is only 1/n of the earth.")
    require(not is_(gaps.square().mean()) and not is_(gaps.square().mean().sqrt()),
            "这里用了平方：那是 W2。W1 用距离本身，即绝对值。",
            "Squares give W2. For W1 take the distance itself, the absolute value.")
    require(not is_((a[:, None] - b[None, :]).abs().mean()),
            "这是所有两两距离的平均：那等于把每一份土平摊到所有地方。每个样本只配一个。",
            "That is the mean over all pairs, as if each bit of earth were spread over all places. "
            "Every sample has one partner.")
    require(not is_(gaps.abs().median()),
            "这是路程的中位数：走得远的几车土也要算，请用平均。",
            "That is the median of the distances: the few carts that go far count as well. Take "
            "the mean.")
    require(close(value, right, 1e-5),
            "数值不对。分别排序，逐个相减，取绝对值，再求平均。",
            "The value is off. Sort each, subtract, take absolute values, then the mean.")


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
    for mistake, zh, en in wrong:
        require(not close(value, mistake) or close(mistake, right), zh, en)
    require(close(value, right),
            f"数值不对。{name} 应为 {formula}，没有 sigmoid，也没有对数。",
            f"The value is off. {name} should be {formula}, without sigmoid or log.")
    slopes = torch.autograd.grad(value, scores, allow_unused=True, retain_graph=True)
    for slope, wanted in zip(slopes, torch.autograd.grad(right, scores), strict=True):
        require(slope is not None and close(slope, wanted),
                f"{name} 的数值对，可是梯度到不了每一个分数：评论家给出的分数不能 detach，"
                "要 detach 的是 G 画的样本。",
                f"The value of {name} is right, but its gradient does not reach all scores: never "
                "detach what the critic returns. What may be detached are G's samples.")


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


def check_direction(update) -> None:
    """Require the step of plain WGAN where the limit is too far off to matter."""
    for seed in (0, 1):
        torch.manual_seed(seed)
        critic = nn.Sequential(nn.Linear(2, 6), nn.LeakyReLU(0.2), nn.Linear(6, 1), nn.Flatten(0))
        expected = copy.deepcopy(critic)
        real, fake = torch.randn(6, 2) + 1, torch.randn(9, 2)
        update(critic, torch.optim.SGD(critic.parameters(), lr=0.1), real, fake, 10.0)
        (expected(fake).mean() - expected(real).mean()).backward()
        torch.optim.SGD(expected.parameters(), lr=0.1).step()
        require(all(close(a, b) for a, b in zip(critic.parameters(), expected.parameters(),
                                                strict=True)),
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
        loss = Wasserstein().critic(expected(real), expected(fake))
        loss.backward()
        rmsprop(expected, 1e-3).step()
        with torch.no_grad():
            for parameter in expected.parameters():
                parameter.clamp_(-0.03, 0.03)
        require(all(close(a, b, tolerance=1e-5) for a, b in
                    zip(critic.parameters(), expected.parameters(), strict=True)),
                "在课程的评论家 dcgan.critic 上结果不同：真图和假图要分两批给评论家，每批只给一次，"
                "因为批归一化按批计算。",
                "On the course's own dcgan.critic the result differs: give the critic real and "
                "fake as two batches (BatchNorm works by batch), each once.")
