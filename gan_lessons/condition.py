"""Asking a generator for something: a condition y, and a network with its condition filled in.

A condition holds k factors for each item, whole numbers from 0: int64 (B,) where k is 1, else
(B, k). `classes` says how many values each factor has: (10,) for digits, (2, 4) for two kinds of
glasses and four of hair. Networks of a conditional game take it as a second argument,
`generator(z, y)` and `critic(x, y)`. For a step, `given(network, y)` makes a network of one
argument out of such a one, so losses, penalties and augmentation need not know of y.
"""

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from gan_lessons.util import both, whole_number

Condition = int | Sequence[int] | Tensor  # what a learner may write for y, see `conditions`
COLUMNS = 8  # pictures in a row of a run's grid
ROWS = 10  # of `rows`, at most


class Given(nn.Module):
    """A conditional network whose y is filled in: x -> network(x, y), for one step."""

    def __init__(self, network: nn.Module, y: Tensor):
        super().__init__()
        self.network, self.y = network, y

    def forward(self, x: Tensor) -> Tensor:
        """Return network(x, y); x may be several batches of y's length, one after the other.

        A penalty such as `r1_r2` takes real and fake in one go, and both have this y.
        """
        times = len(x) // len(self.y)
        return self.network(x, self.y if times == 1 else torch.cat([self.y] * times))


def given(network: nn.Module, y: Tensor | None) -> nn.Module:
    """Return the network that a step is played with: with y filled in, if there is one."""
    return network if y is None else Given(network, y)


def checked_classes(classes: Sequence[int] | int) -> tuple[int, ...]:
    """Return the counts of values, one a factor; raise ValueError unless each is 2 or more."""
    counts = (classes,) if isinstance(classes, int) else tuple(classes)
    if not counts:
        raise ValueError(both("classes 是空的：请写明每个因素有几类，如 (10,)。",
                              "classes is empty: say how many values each factor has, as (10,)."))
    return tuple(whole_number("classes", count, 2) for count in counts)


def counts(asked: Mapping[str, Sequence[str]]) -> tuple[int, ...]:
    """Return how many values each factor has, from the names of its values."""
    return tuple(map(len, asked.values()))


def every_combination(classes: tuple[int, ...]) -> Tensor:
    """Return each combination of values once, in order: int64 (K,) or (K, k)."""
    return torch.cartesian_prod(*map(torch.arange, classes))


def rows(classes: tuple[int, ...]) -> Tensor:
    """Return conditions for a grid of pictures: a row for each combination, COLUMNS alike in it.

    Of more than ten combinations ten are taken, evenly spread.
    """
    every = every_combination(classes)
    if len(every) > ROWS:
        every = every[torch.linspace(0, len(every) - 1, ROWS).long()]
    return every.repeat_interleave(COLUMNS, 0)


def conditions(y: Condition | None, classes: tuple[int, ...], n: int) -> Tensor:
    """Return the conditions of n items, int64 (n,) or (n, k); raise ValueError if they are none.

    Args:
        y: None: every combination in turn; one condition, such as 7 or (1, 3), for all items; or
            one for each of them, a tensor (n,) or (n, k).
        classes: How many values each factor has.
        n: How many items.
    """
    if y is None:
        return every_combination(classes)[torch.arange(n) % math.prod(classes)]
    wanted = (n,) if len(classes) == 1 else (n, len(classes))
    asked = torch.as_tensor(y)
    if asked.dtype == torch.bool or asked.is_floating_point() or asked.is_complex():
        raise ValueError(both(f"y 应是整数（int64），收到 {asked.dtype}。",
                              f"y should be whole numbers, int64; got {asked.dtype}."))
    if not isinstance(y, Tensor) or asked.ndim == 0:  # one for all
        asked = asked.expand(wanted) if asked.shape == wanted[1:] else asked
    if asked.shape != wanted:
        raise ValueError(both(
            f"y 的形状应是 {wanted}，收到 {tuple(asked.shape)}：{n} 个样本，每个 {len(classes)} "
            "个因素。",
            f"y should have shape {wanted}, got {tuple(asked.shape)}: {n} items with "
            f"{len(classes)} factor(s) each."))
    columns = asked.reshape(n, -1)
    if (columns < 0).any() or (columns >= torch.tensor(classes, device=asked.device)).any():
        raise ValueError(both(f"y 超出了范围：各因素可取 {ranges(classes)}。",
                              f"y is out of range: the factors go {ranges(classes)}."))
    return asked.long()


def ranges(classes: tuple[int, ...]) -> str:
    """Return the ranges of values in short, such as 0-9 or 0-1, 0-3."""
    return ", ".join(f"0-{count - 1}" for count in classes)


def named(text: str, asked: Mapping[str, Sequence[str]], n: int) -> Tensor:
    """Return n conditions with the values that a learner named, the others' values in turn.

    Args:
        text: "7", where there is one factor; else "glasses=round" or "glasses=round,mouth=smile".
        asked: The names of each factor's values, see `ImageSet.asked`.
        n: How many.
    """
    every = every_combination(counts(asked)).reshape(-1, len(asked))
    factors = list(asked)
    for part in text.split(","):
        name, equals, value = part.strip().partition("=")
        if not equals and len(factors) == 1:
            name, value = factors[0], name
        if name not in factors or value not in asked[name]:
            known = "; ".join(f"{name}={'|'.join(words)}" for name, words in asked.items())
            raise ValueError(both(f"没有条件 {part.strip()!r}。可选：{known}。",
                                  f"There is no condition {part.strip()!r}. Choose from {known}."))
        every = every[every[:, factors.index(name)] == list(asked[name]).index(value)]
    if not len(every):
        raise ValueError(both(f"{text!r} 里同一个因素写了两个值。",
                              f"{text!r} names two values of one factor."))
    chosen = every[torch.arange(n) % len(every)]
    return chosen[:, 0] if len(factors) == 1 else chosen
