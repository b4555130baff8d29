"""The frame around every checker: an empty answer is not an error, a wrong one gets a reason."""

from collections.abc import Callable
from functools import wraps

import torch

from gan_lessons.bilingual import say


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
    code is reported as part of the verdict instead of ending the notebook.
    """
    @wraps(check)
    def run(*answers) -> str:
        try:
            if any(answer is ... for answer in answers):
                raise Unanswered
            with torch.random.fork_rng(devices=[]):  # the notebook's random numbers stay its own
                check(*(watched(a) if callable(a) else a for a in answers))
        except Unanswered:
            return _say("not attempted", "还没有作答。写好之后再运行这一格。",
                        "Not attempted. Fill in this cell and run it again.")
        except NotYet as reason:
            return _say("not yet", *reason.args)
        except (Exception, SystemExit) as problem:  # anything can happen in a learner's code
            what = f"{type(problem).__name__}: {problem}"
            return _say("not yet", f"你的代码出错了：{what}", f"Your code raised {what}")
        return _say("passed", "正确！", "Correct!")
    return run


def close(a, b) -> bool:
    """Tell whether two tensors or lists of numbers have one shape and agree to five digits."""
    a, b = torch.as_tensor(a).double(), torch.as_tensor(b).double()
    return a.shape == b.shape and torch.allclose(a, b, rtol=1e-5, atol=1e-6)


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
