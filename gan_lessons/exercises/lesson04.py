"""Lesson 04: W1 by sorting, the two losses of WGAN, and an update of the critic with clipping."""

import torch
from torch import nn

from gan_lessons.exercises.checking import checker, close, require

LIMIT = 0.01
STEEP = 5.0  # a learning rate that throws every weight far out of the box in one step


@checker
def wasserstein_1d(w1) -> None:
    """Check w1(a, b): the Wasserstein distance of two samples of the same size, (n,) each."""
    chance = torch.Generator().manual_seed(0)
    a, b = torch.randn(2, 40, generator=chance, dtype=torch.float64)
    b = 2 * b + 1
    gaps = a.sort().values - b.sort().values
    given = a.clone(), b.clone()
    value = w1(*given)
    require(torch.is_tensor(value) and value.shape == (),
            "结果应当是一个数：把所有搬运的距离求平均（.mean()）。",
            "The result should be one number: take the mean of all the distances moved.")
    require(torch.equal(given[0], a) and torch.equal(given[1], b),
            "输入被改动了：请用 a.sort().values，它返回新的张量。",
            "The input was changed: use a.sort().values, which returns a new tensor.")
    require(not close(value, (a - b).abs().mean()),
            "还没有排序：现在是按样本碰巧的次序配对，搬得太远了。最小的应当配最小的。",
            "Nothing is sorted: the pairs are in whatever order the samples came, and travel too "
            "far. The smallest belongs with the smallest.")
    require(not close(value, gaps.mean()) and not close(value, gaps.mean().abs()),
            "忘了绝对值：往左和往右搬的路程抵消了，只剩下两个平均值之差。",
            "The absolute value is missing: moves to the left and to the right cancel, and only "
            "the difference of the means is left.")
    require(not close(value, gaps.abs().sum()),
            "这是总路程，不是平均：每个样本只占 1/n 的土。",
            "That is the sum, not the mean: each sample is only 1/n of the earth.")
    require(not close(value, gaps.square().mean()) and not close(value,
                                                                 gaps.square().mean().sqrt()),
            "这里用了平方：那是 W2。W1 用距离本身，即绝对值。",
            "Squares give W2. For W1 take the distance itself, the absolute value.")
    require(close(value, gaps.abs().mean()),
            "数值不对。分别排序，逐个相减，取绝对值，再求平均。",
            "The value is off. Sort each, subtract, take absolute values, then the mean.")


@checker
def losses(critic_loss, generator_loss) -> None:
    """Check critic_loss(real, fake) and generator_loss(fake), with f(x) = x as the critic."""
    real, fake = torch.tensor([3.0, 5.0]), torch.tensor([0.0, 1.0, 2.0])  # mean 4, mean 1
    value = critic_loss(real, fake)
    require(torch.is_tensor(value) and value.shape == (),
            "critic_loss 应当是一个标量张量：两边各自求平均，再相减。",
            "critic_loss should be one scalar tensor: take the mean of each side, then subtract.")
    require(not close(value, 3.0),
            "符号反了：按我们的约定，分数越高越真。评论家要让真品的分数高、赝品的低，而优化器总是"
            "把损失变小。（`003` 的约定相反。）",
            "The sign is off: here a higher score means more real. The critic wants real high and "
            "fake low, and an optimizer makes the loss small. (Source 003 has it the other way.)")
    require(not close(value, torch.relu(1 - real).mean() + torch.relu(1 + fake).mean()),
            "这是合页（hinge）损失，不是 WGAN：分数超过 1 之后它就不管了。",
            "That is the hinge loss, not WGAN: it stops caring once a score is beyond 1.")
    require(not close(value, fake.sum() - real.sum()),
            "这是总和，不是平均：两批的大小一不同，常数就不再抵消。",
            "That is the sum, not the mean: with batches of different size a constant no longer "
            "cancels.")
    require(close(value, -3.0),
            "数值不对。应为 fake.mean() - real.mean()，没有 sigmoid，也没有对数。",
            "The value is off. It should be fake.mean() - real.mean(), without sigmoid or log.")
    require(close(critic_loss(real + 100, fake + 100), -3.0),
            "给评论家加上 100，损失不应改变。",
            "Adding 100 to the critic should not change its loss.")
    value = generator_loss(fake)
    require(torch.is_tensor(value) and value.shape == (),
            "generator_loss 应当是一个标量张量，别忘了 .mean()。",
            "generator_loss should be one scalar tensor; remember .mean().")
    require(not close(value, 1.0),
            "这样 G 会让自己的赝品得分更低。G 想要高分，损失要加负号。",
            "That makes G lower the scores of its own fakes. G wants high scores: add a minus.")
    require(close(value, -1.0), "数值不对。应为 -fake.mean()。",
            "The value is off. It should be -fake.mean().")


@checker
def clipped_update(update) -> None:
    """Check update(critic, optimizer, real, fake, limit): one step of D, then clipping."""
    torch.manual_seed(0)
    critic = nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 1), nn.Flatten(0))
    with torch.no_grad():
        for parameter in critic.parameters():
            parameter.uniform_(0.002, LIMIT)
    before = [p.detach().clone() for p in critic.parameters()]
    real, fake = torch.ones(8, 2), torch.zeros(8, 2)
    update(critic, torch.optim.SGD(critic.parameters(), lr=STEEP), real, fake, LIMIT)
    now = [p.detach() for p in critic.parameters()]
    largest = max(float(p.abs().max()) for p in now)
    require(any(not torch.equal(a, b) for a, b in zip(before, now, strict=True)),
            "权重没有变：别忘了 backward() 和 optimizer.step()。",
            "The weights have not moved: remember backward() and optimizer.step().")
    require(largest <= LIMIT * 1.001,
            f"更新之后有权重达到 {largest:.3f}，超出了 {LIMIT}：G 接下来会遇见盒子外面的评论家。"
            "裁剪要放在 optimizer.step() 之后，裁的是权重，不是梯度。",
            f"After the update a weight is {largest:.3f}, beyond {LIMIT}: the next thing G meets "
            "is a critic outside the box. Clip after optimizer.step(), and clip the weights, not "
            "the gradients.")
    learned = trained(update)
    require(not (learned > LIMIT / 2).all(),
            "更新之后真品的分数反而比赝品低：检查损失的符号，真品应当得高分。",
            "After the update real scores below fake: check the sign of the loss, real should "
            "score high.")
    require((learned < -LIMIT / 2).all(),
            "负的权重不见了：盒子是从 -limit 到 +limit，两侧都要留。",
            "Negative weights are gone: the box reaches from -limit to +limit, on both sides.")
    first = gradient_left(update)
    require(close(first, gradient_left(update, stale=1.0)),
            "上一步的梯度还留着：backward() 之前先 optimizer.zero_grad()。",
            "Gradients of the step before are still there: optimizer.zero_grad() before "
            "backward().")


def trained(update) -> torch.Tensor:
    """Return the weights of a critic that ought to be negative, after one update."""
    critic = nn.Sequential(nn.Linear(2, 1), nn.Flatten(0))
    optimizer = torch.optim.SGD(critic.parameters(), lr=STEEP)
    update(critic, optimizer, -torch.ones(8, 2), torch.ones(8, 2), LIMIT)
    return critic[0].weight.detach()


def gradient_left(update, stale: float = 0.0) -> torch.Tensor:
    """Return the critic's gradient after an update that began with `stale` in its gradients."""
    critic = nn.Sequential(nn.Linear(2, 1), nn.Flatten(0))
    with torch.no_grad():
        for parameter in critic.parameters():
            parameter.fill_(LIMIT / 2)
    for parameter in critic.parameters():
        parameter.grad = torch.full_like(parameter, stale)
    seen = []
    optimizer = torch.optim.SGD(critic.parameters(), lr=1e-6)
    take_step = optimizer.step

    def step(*given):
        seen.append(critic[0].weight.grad.clone())
        return take_step(*given)
    optimizer.step = step
    update(critic, optimizer, torch.ones(8, 2), torch.zeros(8, 2), LIMIT)
    return torch.cat(seen)
