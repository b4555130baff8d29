"""What the commands share: checking arguments, and telling what went wrong in two languages."""

import argparse
import math
import os
import re
import sys
from collections.abc import Callable

from gan_lessons.util import both

NAMES = ("mnist", "celeba", "lsun-bedroom", "lsun-bedroom-sample")
"""What `data get` can fetch."""
FAILED, MISUSED, INTERRUPTED = 1, 2, 130
"""Exit codes; 130 is what a shell expects after Ctrl-C."""


class ByLanguage(argparse.RawDescriptionHelpFormatter):
    """Lays out help texts, "Chinese / English", each language in lines of its own."""

    def _split_lines(self, text: str, width: int) -> list[str]:
        zh, en = re.split(r" ?/ ", text, maxsplit=1) if "/ " in text else ("", text)
        lines = [""]
        for word in re.findall(r"[!-~]+[，。、；：）]*|.[，。、；：）]*", zh):
            if sum(1 + (ord(c) > 0x2E7F) for c in lines[-1] + word) > width:  # those are wide
                lines.append("")
            lines[-1] += word
        return [line.strip() for line in lines if zh] + super()._split_lines(en, width)


def whole(least: int, most: int | None = None) -> Callable[[str], int]:
    """Return a reader of whole numbers between `least` and `most` for argparse."""
    def read(text: str) -> int:
        number = int(text) if text.lstrip("-").isdecimal() else None
        if number is None or number < least or (most is not None and number > most):
            span = (f"不小于 {least} ", f"of at least {least}")
            if most is not None:
                span = (f" {least} 到 {most} 之间", f"between {least} and {most}")
            raise argparse.ArgumentTypeError(both(f"应为{span[0]}的整数，收到 {text!r}",
                                                  f"must be a whole number {span[1]}, "
                                                  f"got {text!r}"))
        return number
    return read


def part(text: str) -> float:
    """Read a share of the whole, above 0 and at most 1, for argparse."""
    try:
        share = float(text)
    except ValueError:
        share = 0.0
    if not 0 < share <= 1:
        raise argparse.ArgumentTypeError(both(
            f"应大于 0、不超过 1（0.1 就是 10 %），收到 {text!r}",
            f"must be above 0 and at most 1 (0.1 is 10 %), got {text!r}"))
    return share


def positive(text: str) -> float:
    """Read a finite number above 0 for argparse."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(both(f"应为大于 0 的数，收到 {text!r}",
                                              f"must be a number above 0, got {text!r}"))
    return number


def told(command: Callable[..., int]) -> Callable[[argparse.Namespace], int]:
    """Return `command` with what can be expected to go wrong told in words, as an exit code.

    Ctrl-C is 130; what the course or the operating system objects to is 1. Anything else is a
    mistake of ours and keeps its traceback.
    """
    def run(args: argparse.Namespace) -> int:
        try:
            code = command(args)
            sys.stdout.flush()
            return code
        except KeyboardInterrupt:
            print(both("\n已中断。做完的部分会保留；再运行一次同样的命令，会接着做。",
                       "Interrupted. What was done is kept; run the same command again and it goes "
                       "on from there."), file=sys.stderr)
            return INTERRUPTED
        except BrokenPipeError:  # whoever reads the output, such as `head`, has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        except (OSError, ValueError) as problem:
            print(in_words(problem), file=sys.stderr)
            return FAILED
    return run


def in_words(problem: Exception) -> str:
    """Return an error as a learner should read it; our own are in both languages already."""
    if not isinstance(problem, OSError) or problem.errno is None:
        return str(problem)
    where, why = problem.filename or "磁盘 / disk", problem.strerror
    return both(
        f"不能读写 {where}：{why}。请检查路径、权限和磁盘；"
        "缓存可以用环境变量 GAN_LESSONS_CACHE 换到别的文件夹。",
        f"Cannot read or write {where}: {why}. Check the path, its permissions and the disk; "
        "GAN_LESSONS_CACHE moves the cache to another folder.")
