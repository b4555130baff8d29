"""A loss of the learner's own: brought into the form of `losses`, checked whenever it is used."""

import traceback
from pathlib import Path
from types import SimpleNamespace

from torch import Tensor

from gan_lessons.util import both

PACKAGES = str(Path(__file__).parents[2]), "site-packages", "dist-packages"  # not the learner's


class LossProblem(RuntimeError):
    """A loss did something that training cannot go on with; the message says what."""


def as_loss(loss):
    """Return an object with `critic(real, fake)` and `generator(fake)`.

    Args:
        loss: Such an object; or a pair of functions of that kind; or one function that gets D's
            scores for real and for fake points, (B,), and returns the loss of D and that of G.
    """
    if isinstance(loss, (tuple, list)) and len(loss) == 2 and all(callable(f) for f in loss):
        return SimpleNamespace(critic=loss[0], generator=loss[1])
    if not isinstance(loss, type):  # a class whose brackets were forgotten is no loss
        if callable(getattr(loss, "critic", None)) and callable(getattr(loss, "generator", None)):
            return loss
        if callable(loss):
            return SimpleNamespace(critic=lambda real, fake: loss(real, fake)[0],
                                   generator=lambda fake, real: loss(real, fake)[1], compares=True)
    raise TypeError(both(
        "loss= 应是带有 critic(real, fake) 和 generator(fake) 两个方法的对象，"
        f"或两个函数，或一个返回两个损失的函数；收到的是 {loss!r}。",
        "loss= must be an object with the methods critic(real, fake) and generator(fake), "
        f"or two functions, or one function that returns two losses; got {loss!r}."))


class CheckedLoss:
    """A loss that raises LossProblem, in both languages, when it does not return a usable scalar.

    `critic_step` and `generator_step` use it like any other loss.
    """

    def __init__(self, loss):
        self.loss = loss
        self.compares = getattr(loss, "compares", False)

    def critic(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return the loss of D, a scalar to minimise."""
        return _checked("critic", self.loss.critic, real, fake)

    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """Return the loss of G, a scalar to minimise."""
        scores = (fake, real) if self.compares else (fake,)
        return _checked("generator", self.loss.generator, *scores)


def _checked(side: str, function, *scores: Tensor) -> Tensor:
    """Return `function(*scores)`; raise LossProblem unless it is a scalar with a gradient."""
    try:
        value = function(*scores)
    except Exception as error:
        said, line = f"{type(error).__name__}: {error}", _failing_line(error)
        zh, en = f"损失函数（{side}）出错：{said}", f"The loss ({side}) failed: {said}"
        if line:
            zh += f"，出错的一行：{line}"
            en += f", at: {line}"
        raise LossProblem(both(zh, en)) from error
    if not isinstance(value, Tensor):
        raise LossProblem(both(
            f"损失函数（{side}）应返回一个张量，实际返回 {type(value).__name__}。",
            f"The loss ({side}) should return a tensor, it returned {type(value).__name__}."))
    if value.dim() > 0:
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


def _failing_line(error: BaseException) -> str:
    """Return the innermost line of the learner's own code in a traceback, or nothing."""
    own = [frame.line for frame in traceback.extract_tb(error.__traceback__)
           if frame.line and not any(part in frame.filename for part in PACKAGES)]
    return own[-1] if own else ""
