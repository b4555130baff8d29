"""The frame around every checker: an empty answer is not an error, a wrong one gets a reason."""

from collections.abc import Callable, Iterable
from functools import wraps

import torch
from torch import Tensor, nn

from gan_lessons.bilingual import say
from gan_lessons.nets import dcgan
from gan_lessons.train import Game

Mistake = tuple[Tensor | float, str, str]  # a wrong value, and what it shows: zh, en

# What more than one exercise says of a mistake.
SUM_NOT_MEAN = (
    "这是总和，不是平均：换一个批大小，轻重就变了。请用 .mean()。",
    "That is the sum, not the mean: with another batch size it would weigh differently. Use "
    ".mean().")
MEAN_BEFORE_GRADIENT = (
    "求导之前先求了平均：对 critic(x).mean() 求导，每个样本的梯度都小了 B 倍，B 是批大小。请用 "
    ".sum()。",
    "The mean was taken before the gradient: the derivative of critic(x).mean() is B times too "
    "small for each sample, B being the batch size. Use .sum().")
CHANNELS_ALONE = (
    "范数只对通道算了：一张图的梯度是一个 C×H×W 维的向量，先 flatten(1)。",
    "The norm was taken over the channels alone: a picture's gradient is one vector of C×H×W "
    "numbers. flatten(1) first.")


class NotYet(Exception):
    """A check failed; its two arguments say what is wrong, in Chinese and in English."""


class Unanswered(Exception):
    """The learner's function still returns `...`."""


def require(condition, zh: str, en: str) -> None:
    """Raise NotYet with the message when `condition` does not hold."""
    if not condition:
        raise NotYet(zh, en)


def checker(check: Callable) -> Callable:
    """Turn a function that raises NotYet into one that prints a verdict and returns it.

    The verdict is "passed", "not yet" or "not attempted". An answer of `...`, or a function that
    returns `...`, counts as not attempted, so that Run All goes on. An error inside the learner's
    code is reported as part of the verdict instead of ending the notebook. What `check` returns,
    a remark in Chinese and in English, is said after "Correct!".
    """
    @wraps(check)
    def run(*answers) -> str:
        try:
            if any(answer is ... for answer in answers):
                raise Unanswered
            with torch.random.fork_rng(devices=[]):  # the notebook's random numbers stay its own
                remark = check(*map(prepared, answers))
        except Unanswered:
            return _say("not attempted", "还没有作答。写好之后再运行这一格。",
                        "Not attempted. Fill in this cell and run it again.")
        except NotYet as reason:
            return _say("not yet", *reason.args)
        except (Exception, SystemExit) as problem:  # anything can happen in a learner's code
            what = f"{type(problem).__name__}: {problem}"
            return _say("not yet", f"你的代码出错了：{what}", f"Your code raised {what}")
        zh, en = remark or ("", "")
        return _say("passed", f"正确！{zh}", f"Correct! {en}".strip())
    return run


def close(a, b, tolerance: float = 1e-6) -> bool:
    """Tell whether two tensors or lists of numbers have one shape and agree to five digits.

    `tolerance` is how far two numbers may differ whatever their size.
    """
    a, b = torch.as_tensor(a).detach().double(), torch.as_tensor(b).detach().double()
    return a.shape == b.shape and torch.allclose(a, b, rtol=1e-5, atol=tolerance)


def no_mistake(value, right, mistakes: Iterable[Mistake], tolerance: float = 1e-6) -> None:
    """Require a value that is none of the mistakes; one that changes nothing here is none."""
    for mistake, zh, en in mistakes:
        require(not close(value, mistake, tolerance) or close(mistake, right, tolerance), zh, en)


def same_gradient(value: Tensor, right: Tensor, inputs: tuple[Tensor, ...], zh: str, en: str,
                  tolerance: float = 1e-6) -> None:
    """Require that `value` has the gradient of `right` with respect to each of the inputs."""
    slopes = [None] * len(inputs)
    if value.requires_grad:
        slopes = torch.autograd.grad(value, inputs, allow_unused=True, retain_graph=True)
    wanted = torch.autograd.grad(right, inputs, retain_graph=True)
    require(all(slope is not None and close(slope, w, tolerance)
                for slope, w in zip(slopes, wanted, strict=True)), zh, en)


def untouched(answer: Callable, *given):
    """Return answer(*given), and require that it changed none of the tensors it was given.

    It gets copies, so that a change is noticed and gradients still reach the tensors in `given`.
    """
    copies = [value.clone() if isinstance(value, Tensor) else value for value in given]
    result = answer(*copies)
    for before, after in zip(given, copies, strict=True):
        require(not isinstance(before, Tensor) or same(before, after),
                "输入被改动了：请不要对参数做原地操作（带下划线的函数，或 += 这样的写法），"
                "否则调用者手里的数也变了。",
                "The input was changed: no in-place operations on the arguments (functions with a "
                "trailing underscore, or +=), for the caller's numbers change with them.")
    return result


def same(a: Tensor, b: Tensor) -> bool:
    """Tell whether two tensors have one shape and equal entries, NaN included."""
    return a.shape == b.shape and torch.allclose(a, b, rtol=0, atol=0, equal_nan=True)


def scalar_loss(value, name: str = "") -> Tensor:
    """Return the learner's loss; require one scalar tensor that gradients can go through."""
    zh, en = f"{name or '损失'}应当是", f"{name or 'The loss'} should be"
    require(not isinstance(value, (int, float)) and not (
            isinstance(value, Tensor) and value.shape == () and not value.requires_grad),
            f"{zh}能反向传播的张量，这里只是一个数：.item()、float()、.detach() 会切断计算图，"
            "backward() 就无从算起。",
            f"{en} a tensor to call backward() on; this is a mere number: .item(), float() and "
            ".detach() cut the graph.")
    require(isinstance(value, Tensor) and value.shape == (),
            f"{zh}一个标量张量：对每一批求平均（.mean()）。",
            f"{en} one scalar tensor: average over each batch; remember .mean().")
    return value


def one_penalty(value, critic: nn.Module, zh: str, en: str, called: str = "判别器") -> Tensor:
    """Return the learner's penalty; require one scalar, and no gradients left in the critic.

    `zh` and `en` say how the scalar comes about; `called` is what the lesson calls the critic.
    """
    require(isinstance(value, Tensor) and value.shape == (), zh, en)
    require(all(p.grad is None for p in critic.parameters()),
            f"{called}的参数里留下了梯度：这里不要用 backward()，要用 torch.autograd.grad("
            "critic(x).sum(), x, create_graph=True)，它只返回对 x 的梯度。",
            "Gradients were left in the critic's parameters: do not call backward() here but "
            "torch.autograd.grad(critic(x).sum(), x, create_graph=True), which only returns the "
            "gradient with respect to x.")
    return value


def teaches_critic(value: Tensor, right: Tensor, critic: nn.Module,
                   called: str = "判别器") -> None:
    """Require that a penalty has the gradient of `right` with respect to the critic's weights."""
    same_gradient(
        value, right, tuple(critic.parameters()),
        f"数值对，可是惩罚对{called}的权重没有正确的梯度，{called}学不到它："
        "torch.autograd.grad 里要写 create_graph=True，结果不能 detach。",
        "The value is right, but its gradient with respect to the critic's weights is not, so "
        "the critic cannot learn from it: torch.autograd.grad needs create_graph=True, and "
        "nothing after it may be detached.", 1e-4)


def reaches_kernels(penalty: Callable, called: str = "判别器") -> None:
    """Require that a penalty of the course's own critic teaches it.

    `penalty(critic, real, fake)` is to have a finite gradient, not all 0, for every kernel.
    """
    torch.manual_seed(0)
    critic = dcgan.critic(16, features=4, norm="none")
    real, fake = torch.rand(2, 6, 3, 16, 16) * 2 - 1
    value = scalar_loss(penalty(critic, real, fake), "penalty")
    kernels = [p for p in critic.parameters() if p.ndim > 1]
    slopes = torch.autograd.grad(value, kernels, allow_unused=True)
    require(all(s is not None and s.isfinite().all() and s.abs().max() > 0 for s in slopes),
            f"在课程的{called} dcgan.critic 上，惩罚的梯度到不了每一层的权重。",
            "With the course's own dcgan.critic the penalty's gradient does not reach the weights "
            "of every layer.")


def two_seeds(games, equal: tuple[str, ...]) -> None:
    """Require two trained games whose seeds differ and whose fields named in `equal` do not."""
    require(isinstance(games, (list, tuple)) and len(games) == 2
            and all(isinstance(game, Game) for game in games),
            "请交两局训练好的博弈，放在一个列表里：[game_0, game_1]。",
            "Hand in two trained games in a list: [game_0, game_1].")
    require(all(game.step > 0 for game in games), "还没有训练：先用 fit 走几步。",
            "Not trained yet: call fit first.")
    require(games[0].seed != games[1].seed,
            f"两局用了同一个种子 {games[0].seed}：请用两个不同的种子。",
            f"Both games have the seed {games[0].seed}: use two different seeds.")
    for name in equal:
        mine, other = (getattr(game, name) for game in games)
        require(mine == other, f"两局的 {name} 不同（{mine} 和 {other}）：除了种子，设置要一样。",
                f"The two games differ in {name} ({mine} and {other}): all but the seed should be "
                "equal.")


def prepared(answer):
    """Return a learner's function with `watched` around it, and anything else as it is."""
    if callable(answer) and not isinstance(answer, nn.Module):
        return watched(answer)
    return answer


def watched(answer: Callable) -> Callable:
    """Wrap the learner's function so that returning `...` counts as not attempted."""
    def call(*args, **kwargs):
        result = answer(*args, **kwargs)
        if result is ...:
            raise Unanswered
        return result
    return call


def _say(verdict: str, zh: str, en: str) -> str:
    sign = {"passed": "[ok]", "not yet": "[not yet]", "not attempted": "[ ]"}[verdict]
    say("{sign} {zh}", "{sign} {en}", sign=sign, zh=zh, en=en)
    return verdict
