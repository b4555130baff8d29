"""The learner's own loss: brought into shape, asked politely, and answered when it fails."""

import traceback
from pathlib import Path

from torch import Tensor

from gan_lessons.util import both

PACKAGES = str(Path(__file__).parents[2]), "site-packages", "dist-packages"


class LossProblem(RuntimeError):
    """A loss did something that training cannot go on with; the message says what."""


class _FromFunctions:
    """A loss made from two functions, or from one that returns both losses."""

    def __init__(self, critic, generator, compares):
        self.critic, self.generator, self.compares = critic, generator, compares


def as_loss(loss):
    """Return an object with `critic(real, fake)` and `generator(fake)`.

    `loss` is such an object; or a pair of functions of that kind; or one function that gets D's
    scores for real and for fake points and returns the loss of D and the loss of G.
    """
    methods = [getattr(loss, name, None) for name in ("critic", "generator")]
    if all(map(callable, methods)) and not isinstance(loss, type):
        return loss
    if isinstance(loss, (tuple, list)) and len(loss) == 2 and all(map(callable, loss)):
        return _FromFunctions(*loss, compares=False)
    if callable(loss) and not isinstance(loss, type):
        return _FromFunctions(critic=lambda real, fake: loss(real, fake)[0],
                              generator=lambda fake, real: loss(real, fake)[1], compares=True)
    raise TypeError(both(
        "loss= 应是带有 critic(real, fake) 和 generator(fake) 两个方法的对象，"
        f"或两个函数，或一个返回两个损失的函数；收到的是 {loss!r}。",
        "loss= must be an object with the methods critic(real, fake) and generator(fake), "
        f"or two functions, or one function that returns two losses; got {loss!r}."))


def ask(loss, side: str, *scores: Tensor) -> Tensor:
    """Return `loss.critic(*scores)` or `loss.generator(*scores)`, a scalar to minimise.

    Raises LossProblem, with the reason in both languages, for whatever else it does.
    """
    try:
        value = getattr(loss, side)(*scores)
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        raise LossProblem(both(f"损失函数（{side}）出错：{said}{_line(error, '，出错的一行：')}",
                               f"The loss ({side}) failed: {said}{_line(error, ', at: ')}"
                               )) from error
    if not isinstance(value, Tensor):
        raise LossProblem(both(
            f"损失函数（{side}）应返回一个张量，实际返回 {type(value).__name__}。",
            f"The loss ({side}) should return a tensor, it returned {type(value).__name__}."))
    if value.dim():
        raise LossProblem(both(
            f"损失函数（{side}）应返回一个数，实际形状为 {tuple(value.shape)}；"
            "是不是忘了 .mean()？",
            f"The loss ({side}) should return one number, it returned the shape "
            f"{tuple(value.shape)}; is .mean() missing?"))
    if not value.requires_grad:
        raise LossProblem(both(
            f"损失函数（{side}）的结果不依赖于分数，因此没有梯度；"
            "不要用 .detach()、.item() 或 torch.no_grad()。",
            f"What the loss ({side}) returned does not depend on the scores, so there is no "
            "gradient; do not use .detach(), .item() or torch.no_grad()."))
    return value


def stopped_being_finite(player: str, value: float, step: int) -> LossProblem:
    """Return the problem to raise when a loss became NaN or infinite."""
    return LossProblem(both(
        f"{player} 的损失在第 {step} 步前后变成了 {value}。请检查损失函数或降低学习率，然后重置。",
        f"The loss of {player} became {value} at about step {step}. Check the loss or lower the "
        "learning rate, then reset."))


def _line(error: BaseException, introduction: str) -> str:
    """Return the innermost line of the learner's own code in a traceback, or nothing."""
    own = [frame.line for frame in traceback.extract_tb(error.__traceback__)
           if frame.line and not any(part in frame.filename for part in PACKAGES)]
    return introduction + own[-1] if own else ""
