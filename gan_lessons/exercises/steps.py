"""Lesson 02: the learner's own two steps, and a broken loop, watched as they move two networks.

Each step plays with a small pair whose optimizer notes what is done to it. What decides is where
the weights are in the end; the notes are there to say what went wrong.
"""

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits as bce
from torch.nn.functional import softplus

from gan_lessons.exercises.checking import SUM_NOT_MEAN, checker, close, require
from gan_lessons.losses import NonSaturating
from gan_lessons.nets import mlp
from gan_lessons.train import critic_step as course_critic_step
from gan_lessons.train import generator_step as course_generator_step

LR = 0.1  # of plain gradient descent, which shows a factor in the loss; Adam would hide it


# ---- what goes wrong in a loss ----

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
    yield (on_real.sum() + on_fake.sum(), *SUM_NOT_MEAN)
    if len(real) != len(fake):
        yield (torch.cat([on_real, on_fake]).mean(),
               "把真假拼在一起求平均，两批不一样大时，大的一批分量就重了。请各自求平均，再相加。",
               "One mean over both: where the two batches differ in size, the larger one counts "
               "for more. Take the mean of each, then add.")
    yield (bce(real, torch.full_like(real, 0.9)) + on_fake.mean(),
           "真图的目标成了 0.9，这是标签平滑。本题的目标是 1。",
           "Real pictures have target 0.9 here, which is label smoothing. In this exercise the "
           "target is 1.")


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
    yield (softplus(-fake).sum(), *SUM_NOT_MEAN)
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


# ---- what the steps are tried on ----

class WatchedSGD(torch.optim.SGD):
    """Plain gradient descent that notes what happens: "zero_grad", "backward", "step"."""

    def __init__(self, network: nn.Module):
        super().__init__(network.parameters(), lr=LR)
        self.events: list[str] = []
        self.slope: list[Tensor] = []  # what the last step went along
        for parameter in network.parameters():
            parameter.register_hook(lambda _: self.events.append("backward"))

    def zero_grad(self, set_to_none: bool = True):
        """Note it, and clear the gradients."""
        self.events.append("zero_grad")
        super().zero_grad(set_to_none)

    def step(self, closure=None):
        """Note it and the gradients, and take the step."""
        self.events.append("step")
        parameters = self.param_groups[0]["params"]
        self.slope = [torch.zeros_like(p) if p.grad is None else p.grad.clone()
                      for p in parameters]
        return super().step(closure)


class Pair:
    """D, G and their optimizers, and notes of what the two networks were given."""

    def __init__(self, make: Callable, seed: int = 0):
        """`make` returns a generator and a critic; `seed` decides their first weights."""
        torch.manual_seed(seed)
        self.make = make
        self.G, self.D = make()
        self.D_optimizer, self.G_optimizer = WatchedSGD(self.D), WatchedSGD(self.G)
        self.shown: list[Tensor] = []  # what D was given
        self.drawn: list[Tensor] = []  # the z that G was given
        self.D.register_forward_pre_hook(lambda _, given: self.shown.append(given[0].detach()))
        self.G.register_forward_pre_hook(lambda _, given: self.drawn.append(given[0].detach()))

    def copy(self) -> "Pair":
        """Return another pair with the same weights."""
        other = Pair(self.make)
        other.D.load_state_dict(self.D.state_dict())
        other.G.load_state_dict(self.G.state_dict())
        return other


def small() -> tuple[nn.Module, nn.Module]:
    """Return a generator and a critic for points in the plane, z of length 3."""
    return (mlp.generator([3, 8], (2,), last=nn.Identity),
            mlp.discriminator([8], (2,), activation=mlp.leaky))


def for_pictures() -> tuple[nn.Module, nn.Module]:
    """Return the networks of lesson 02 for pictures of 8x8, z of length 64."""
    return mlp.source_004((1, 8, 8))


def batch_for(pair: Pair, size: int, seed: int) -> tuple[Tensor, Tensor]:
    """Return real data and z for a pair, `size` of each."""
    chance = torch.Generator().manual_seed(100 + seed)
    latent = next(pair.G.parameters()).shape[1]
    z = torch.randn(size, latent, generator=chance)
    with torch.no_grad():
        shape = pair.G(z).shape
    pair.drawn.clear()
    return torch.rand(shape, generator=chance) * 2 - 1, z


def course_round(pair: Pair, real: Tensor, z: Tensor) -> None:
    """One step of D and one of G, as the course takes them."""
    course_critic_step(pair.D, pair.G, pair.D_optimizer, NonSaturating(), real, z)
    course_generator_step(pair.D, pair.G, pair.G_optimizer, NonSaturating(), z)


def alike(a: nn.Module, b: nn.Module, tolerance: float = 1e-6) -> bool:
    """Tell whether two networks have the same weights, but for rounding."""
    return all(close(p, q, tolerance)
               for p, q in zip(a.parameters(), b.parameters(), strict=True))


def unmoved(a: nn.Module, b: nn.Module) -> bool:
    """Tell whether two networks have the very same weights."""
    return all(torch.equal(p, q) for p, q in zip(a.parameters(), b.parameters(), strict=True))


# ---- the two exercises ----

@checker
def own_steps(critic_step, generator_step):
    """Check critic_step(D, G, optimizer, real, z) and generator_step(D, G, optimizer, z).

    Each must do what the course's own does: learn, leave the other network alone, and leave
    nothing behind that spoils the next step.
    """
    wasteful = False
    for seed, size in ((0, 6), (1, 9)):
        pair = Pair(small, seed)
        real, z = batch_for(pair, size, seed)
        wasteful |= check_critic(critic_step, pair, real, z)
        check_generator(generator_step, Pair(small, seed), z)
        check_together(critic_step, generator_step, Pair(small, seed), real, z)
    pair = Pair(for_pictures)  # pictures, and the networks of this lesson
    real, z = batch_for(pair, 8, seed=2)
    check_together(critic_step, generator_step, pair, real, z)
    if wasteful:
        return ("备注：D 的一步里没有 detach，结果一样，只是 backward() 白白穿过了 G。",
                "A remark: without detach in D's step the result is the same, but backward() goes "
                "through G for nothing.")
    return None


@checker
def repaired(play_round) -> None:
    """Check play_round(G, D, G_optimizer, D_optimizer, real, z), a broken loop to be mended.

    As handed out it gives G's step detached fakes, so that G never learns, and clears D's
    gradients too early, so that D's next step uses those that G's backward left in D.
    """
    pair, course = Pair(small), Pair(small)
    real, z = batch_for(pair, 8, seed=0)
    play_round(pair.G, pair.D, pair.G_optimizer, pair.D_optimizer, real, z)
    still = unmoved(pair.G, Pair(small).G)
    stale = leftovers(play_round, real, z)
    zh_still, en_still = "G 的权重一步也没有动", "G's weights have not moved at all"
    zh_stale = f"{stale} 的第二步走的不是它的损失的梯度，里面混进了别的"
    en_stale = (f"{stale}'s second step does not follow the gradient of its loss: something else "
                "is in it")
    require(not (still and stale),
            f"两处错误都还在。症状一：{zh_still}。症状二：{zh_stale}。",
            f"Both faults are still there. Symptom one: {en_still}. Symptom two: {en_stale}.")
    require(not still,
            f"修好了一处，还剩一处。症状：{zh_still}。G 的损失的梯度能走到 G 吗？",
            f"One is mended, one is left. Symptom: {en_still}. Can the gradient of G's loss reach "
            "G?")
    require(not stale,
            f"还有一处没有修好。症状：{zh_stale}。每次 backward() 会往哪些网络的 .grad 里加数？",
            f"Something is still left. Symptom: {en_stale}. Into which networks' .grad does each "
            "backward() add?")
    pair = Pair(small)
    for _ in range(3):
        play_round(pair.G, pair.D, pair.G_optimizer, pair.D_optimizer, real, z)
        course_round(course, real, z)
    require(alike(pair.D, course.D) and alike(pair.G, course.G),
            "原来的两处修好了，可是结果仍和课程自己的一轮不同：除了那两处，其余的行请保持原样，"
            "D 和 G 都用给定的 z。",
            "The two faults are mended, but the result still differs from a round of the course: "
            "leave the other lines as they were, and use the given z for both.")


def leftovers(play_round, real: Tensor, z: Tensor) -> str:
    """Return "D" or "G" when its second step uses gradients left by the first round, or ""."""
    kept, cleared = Pair(small), Pair(small)
    for pair in (kept, cleared):
        play_round(pair.G, pair.D, pair.G_optimizer, pair.D_optimizer, real, z)
    cleared.D.zero_grad()
    cleared.G.zero_grad()
    for pair in (kept, cleared):
        play_round(pair.G, pair.D, pair.G_optimizer, pair.D_optimizer, real, z)
    if not alike(kept.D, cleared.D):
        return "D"
    return "" if alike(kept.G, cleared.G) else "G"


# ---- what can go wrong in a step ----

def check_critic(critic_step, pair: Pair, real: Tensor, z: Tensor) -> bool:
    """Require a step of D along the gradient of its loss; tell whether it went through G, too."""
    before = pair.copy()
    wanted = softplus(-before.D(real)).mean() + softplus(before.D(before.G(z))).mean()
    loss = critic_step(pair.D, pair.G, pair.D_optimizer, real, z)
    check_move("D", loss, pair, pair.D_optimizer)
    require(unmoved(pair.G, before.G),
            "D 的一步里，G 的权重也变了。这一步只能动 D。",
            "In D's step the weights of G have changed, too. Only D may move here.")
    require(any(map(real.equal, pair.shown)) or any(len(x) > len(real) for x in pair.shown),
            "D 没有看到真图：参数 real 没有用上。",
            "D has not seen the real data: the argument real is not used.")
    check_noise(pair, z)
    check_slope(pair.D_optimizer.slope, before.D, wanted, wrong_critic_steps(before, real, z))
    check_value("D", loss, wanted)
    twice(lambda: critic_step(pair.D, pair.G, pair.D_optimizer, real, z), pair.D_optimizer,
          pair.D, "D")
    return any(p.grad is not None for p in pair.G.parameters())


def check_generator(generator_step, pair: Pair, z: Tensor) -> None:
    """Require a step of G along the gradient of its loss, and D as it was."""
    before = pair.copy()
    wanted = softplus(-before.D(before.G(z))).mean()
    loss = generator_step(pair.D, pair.G, pair.G_optimizer, z)
    reached_d = "backward" in pair.D_optimizer.events
    require(not reached_d or "backward" in pair.G_optimizer.events,
            "backward() 走不到 G：这里的假图被 detach 了，或是在 torch.no_grad() 里画的。"
            "G 的一步里，梯度要穿过 D，一直到 G。",
            "backward() does not reach G: the fakes are detached here, or were made inside "
            "torch.no_grad(). In G's step gradients must go through D and on into G.")
    check_move("G", loss, pair, pair.G_optimizer)
    require(unmoved(pair.D, before.D),
            "G 的一步里，D 的权重也变了。这一步只能动 G：用传进来的 optimizer，它只管 G。",
            "In G's step the weights of D have changed, too. Only G may move: use the optimizer "
            "that is handed in, it looks after G alone.")
    check_noise(pair, z)
    check_slope(pair.G_optimizer.slope, before.G, wanted, wrong_generator_steps(before, z))
    check_value("G", loss, wanted)
    twice(lambda: generator_step(pair.D, pair.G, pair.G_optimizer, z), pair.G_optimizer, pair.G,
          "G")


def check_move(name: str, loss, pair: Pair, optimizer: WatchedSGD) -> None:
    """Require zero_grad, backward and step of the right optimizer, and networks left as found."""
    require(loss is not None, f"{name} 的一步没有返回损失：最后写 return。",
            f"{name}'s step returns nothing: end with return and the loss.")
    require(isinstance(loss, (float, Tensor)) and torch.as_tensor(loss).shape == (),
            f"{name} 的一步应当只返回损失，一个数。",
            f"{name}'s step should return its loss alone, one number.")
    events = optimizer.events
    require("backward" in events,
            f"{name} 的参数没有得到梯度：忘了 backward()，或者损失与 {name} 之间的计算图断了。",
            f"{name}'s parameters got no gradient: backward() is missing, or the graph between "
            f"the loss and {name} is cut.")
    require("step" in events,
            f"传进来的 optimizer 没有走步：忘了 optimizer.step()，或者用了别的优化器"
            f"（例如笔记本里的全局变量）。{name} 的一步只用参数 optimizer。",
            "The optimizer that was handed in took no step: optimizer.step() is missing, or "
            f"another optimizer was used, such as a global one of the notebook. {name}'s step uses "
            "the argument optimizer alone.")
    last = len(events) - 1 - events[::-1].index("step")
    require("backward" in events[:last],
            "次序反了：先 backward() 算出梯度，再 optimizer.step()。",
            "The order is wrong: backward() first, which fills the gradients, then "
            "optimizer.step().")
    filled = max(i for i, event in enumerate(events[:last]) if event == "backward")
    require("zero_grad" not in events[filled:last],
            "梯度刚算好就被清掉了：zero_grad() 要放在 backward() 之前，不能在它和 step() 之间。",
            "The gradients are cleared as soon as they are there: zero_grad() belongs before "
            "backward(), not between it and step().")
    require(all(p.requires_grad for p in (*pair.D.parameters(), *pair.G.parameters())),
            "有的参数从此不再要梯度：冻结（requires_grad_(False)）之后要恢复，否则下一步学不了。",
            "Some parameters ask for no gradient any more: unfreeze what you freeze "
            "(requires_grad_(True)), or the next step cannot learn.")
    require(pair.D.training and pair.G.training,
            "有一个网络留在了评估模式：.eval() 之后要 .train() 回来；这里本来不需要它。",
            "A network was left in evaluation mode: after .eval() comes .train(); neither is "
            "needed here.")


def check_noise(pair: Pair, z: Tensor) -> None:
    """Require that G was given this z."""
    require(any(map(z.equal, pair.drawn)),
            "没有用给定的 z：假图应是 G(z)，不要在里面另取噪声，否则同一个种子跑不出同样的结果。",
            "The given z is not used: the fakes should be G(z). Draw no noise of your own, or the "
            "same seed no longer gives the same run.")


def check_slope(slope: list[Tensor], network: nn.Module, wanted: Tensor, wrong) -> None:
    """Require that a step went along the gradient of `wanted`; name the loss it did follow."""
    def gradient(loss: Tensor) -> list[Tensor]:
        found = torch.autograd.grad(loss, list(network.parameters()), retain_graph=True,
                                    allow_unused=True)
        return [torch.zeros_like(p) if g is None else g
                for p, g in zip(network.parameters(), found, strict=True)]

    def follows(loss: Tensor) -> bool:
        return all(close(a, b, tolerance=1e-6)
                   for a, b in zip(slope, gradient(loss), strict=True))
    for loss, zh, en in wrong:
        require(not follows(loss), zh, en)
    require(follows(wanted),
            "走的方向不是损失的梯度。损失应与练习 1、2 相同，每一步只算一次 backward()。",
            "The step does not follow the gradient of the loss. The losses are those of exercises "
            "1 and 2, with one backward() a step.")


def wrong_critic_steps(pair: Pair, real: Tensor, z: Tensor):
    """Return the usual mistakes in D's step: (the loss, the message in Chinese, in English)."""
    real_logits, fake_logits = pair.D(real), pair.D(pair.G(z).detach())
    on_real, on_fake = softplus(-real_logits).mean(), softplus(fake_logits).mean()
    yield (on_real, "D 只从真图学习：假图一项不在，或者 D(fake) 被 detach 了。"
           "要 detach 的是 G 的输出，不是 D 的输出。",
           "D learns from real data alone: the part for fakes is missing, or D(fake) is detached. "
           "Detach what G returns, not what D returns.")
    yield (on_fake, "D 只从假图学习：真图一项不在损失里。",
           "D learns from fakes alone: the part for real data is not in the loss.")
    yield ((on_real + on_fake) / 2,
           "D 的损失少了一半：课程里是两项之和，不是平均。（方向对，步子只有一半。）",
           "D's loss is half of what it should be: the course adds the two parts and does not "
           "average them. (The direction is right, the step half as long.)")
    for loss, zh, en in wrong_discriminator_losses(real_logits, fake_logits):
        yield loss, f"D 的损失不对。{zh}", f"D's loss is off. {en}"


def wrong_generator_steps(pair: Pair, z: Tensor):
    """Return the usual mistakes in G's step: (the loss, the message in Chinese, in English)."""
    for loss, zh, en in wrong_generator_losses(pair.D(pair.G(z))):
        yield loss, f"G 的损失不对。{zh}", f"G's loss is off. {en}"


def check_value(name: str, loss, wanted: Tensor) -> None:
    """Require that the loss returned is the one the step went along."""
    wanted = wanted.detach()
    require(close(loss, wanted, tolerance=1e-5),
            f"{name} 走得对，可是返回的数不是这一步的损失（应为 {float(wanted):.4f}）。",
            f"{name} moves as it should, but the number returned is not the loss of this step "
            f"(which is {float(wanted):.4f}).")


def twice(step: Callable, optimizer: WatchedSGD, network: nn.Module, name: str) -> None:
    """Require that a second step does not use the gradients which the first one left."""
    state = copy.deepcopy(network.state_dict())
    step()
    kept = optimizer.slope
    network.load_state_dict(state)
    for parameter in network.parameters():
        parameter.grad = None
    step()
    require(all(close(a, b) for a, b in zip(kept, optimizer.slope, strict=True)),
            f"{name} 上一步的梯度还留着，加到了这一步里：backward() 之前先 optimizer.zero_grad()。",
            f"The gradients of {name}'s last step are still there and were added to this one's: "
            "optimizer.zero_grad() before backward().")


def check_together(critic_step, generator_step, pair: Pair, real: Tensor, z: Tensor) -> None:
    """Require that three rounds of both steps go as three rounds of the course's go."""
    course = pair.copy()
    for _ in range(3):
        critic_step(pair.D, pair.G, pair.D_optimizer, real, z)
        course_critic_step(course.D, course.G, course.D_optimizer, NonSaturating(), real, z)
        require(alike(pair.D, course.D),
                "单独走都对，轮流走就不对了：G 的 backward() 也往 D 的 .grad 里加了数，D 的下一步把"
                "它们当成了自己的。D 的一步要在 backward() 之前清空梯度，而不是在 step() 之后。",
                "Each step is right by itself, but not in turns: G's backward() adds to D's .grad "
                "as well, and D's next step takes that for its own. Clear the gradients in D's "
                "step before backward(), not after step().")
        generator_step(pair.D, pair.G, pair.G_optimizer, z)
        course_generator_step(course.D, course.G, course.G_optimizer, NonSaturating(), z)
        require(alike(pair.G, course.G),
                "单独走都对，轮流走就不对了：D 的一步里没有 detach，它的 backward() 往 G 的 .grad "
                "里加了数，G 的下一步把它们当成了自己的。G 的一步要在 backward() 之前清空梯度。",
                "Each step is right by itself, but not in turns: D's step has no detach, its "
                "backward() adds to G's .grad, and G's next step takes that for its own. Clear the "
                "gradients in G's step before backward().")
