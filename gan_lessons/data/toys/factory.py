"""From a recipe to an `ImageSet`: throw the dice for every picture, paint, round to bytes."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import torch
from torch import Tensor

from gan_lessons.data.imageset import ImageSet
from gan_lessons.data.toys.shapes import Canvas
from gan_lessons.runtime import cores, one_thread
from gan_lessons.util import both, whole_number

SIZES = (16, 32, 64, 128, 256)
MOST_BYTES = 8 * 2**30
CHUNK_PIXELS = 512 * 64 * 64  # painted by one thread at a time: 25 MB of floats


@dataclass(frozen=True)
class Draw:
    """What the dice said for n pictures."""

    value: dict[str, Tensor]  # factor -> int64 (n,), the position of its value
    dice: dict[str, Tensor]  # trait -> float32 (n,), -1 to 1
    words: Mapping[str, tuple[str, ...]]  # factor -> the names of its values

    def has(self, factor: str, *values: str) -> Tensor:
        """Tell for each picture whether the factor has one of these values, bool (n,)."""
        wanted = torch.tensor([self.words[factor].index(value) for value in values])
        return torch.isin(self.value[factor], wanted)

    def pick(self, factor: str, palette: Tensor) -> Tensor:
        """Return the colour of each picture, (n, 3), from one per value, (values, 3)."""
        return palette[self.value[factor]]

    def vary(self, trait: str, by: float, around: float = 0.0) -> Tensor:
        """Return `around` give or take at most `by`, (n,)."""
        return around + by * self.dice[trait]


@dataclass(frozen=True)
class Recipe:
    """All there is to know about a toy set."""

    name: str  # short, ASCII
    factors: Mapping[str, tuple[str, ...]]  # factor -> names of its values
    core: Mapping[str, tuple[str, ...]]  # the values that a factor keeps in the core
    traits: tuple[str, ...]  # names of what varies smoothly
    paint: Callable[[Canvas, Draw], None]  # draws on a blank canvas
    about: tuple[str, str]  # the data card, Chinese and English


def make(recipe: Recipe, n: int, size: int, seed: int, factors: Mapping | None,
         core: bool) -> ImageSet:
    """Return n pictures, uint8 (n, 3, size, size), with `.factors`.

    Picture i depends on (seed, i) alone: it has a row of dice of its own. A factor that is
    fixed leaves the other dice as they are.
    """
    check(n, size, seed)
    allowed = choices(recipe, factors or {}, core)
    names = (*recipe.factors, *recipe.traits)
    generator = torch.Generator().manual_seed(seed)
    dice = dict(zip(names, torch.rand(n, len(names), generator=generator).unbind(1), strict=True))
    value = {name: torch.tensor(kept)[(dice[name] * len(kept)).long()]
             for name, kept in allowed.items()}
    images = torch.empty(n, 3, size, size, dtype=torch.uint8)
    at_once = max(1, CHUNK_PIXELS // size**2)

    def paint(start: int) -> None:
        part = slice(start, start + at_once)
        draw = Draw({name: value[name][part] for name in value},
                    {trait: 2 * dice[trait][part] - 1 for trait in recipe.traits},
                    recipe.factors)
        canvas = Canvas.blank(len(images[part]), size)
        recipe.paint(canvas, draw)
        images[part] = canvas.pixels.clamp_(0, 1).mul_(255).round_().to(torch.uint8)

    # A chunk for each core; several threads in one operation were much slower on a busy machine.
    with one_thread(), ThreadPoolExecutor(cores()) as painters:
        list(painters.map(paint, range(0, n, at_once)))  # list() lets an error through
    name = f"{recipe.name} core" if core else recipe.name
    return ImageSet(images, None, name, recipe.about, factors=value, words=recipe.factors)


def check(n: int, size: int, seed: int) -> None:
    """Raise ValueError when one of the three will not do."""
    whole_number("n", n, 1)
    whole_number("seed", seed, 0)
    if size not in SIZES or not isinstance(size, int):
        raise ValueError(both(f"size 只能取 {SIZES} 之一，收到 {size!r}。",
                              f"size must be one of {SIZES}, got {size!r}."))
    if n * 3 * size**2 > MOST_BYTES:
        most = MOST_BYTES // (3 * size**2)
        raise ValueError(both(
            f"{n:,} 张 {size}x{size} 的图片超过 8 GB。请减小 n（最多 {most:,}）或 size。",
            f"{n:,} pictures of {size}x{size} take more than 8 GB. Take a smaller n (at most "
            f"{most:,}) or a smaller size."))


def choices(recipe: Recipe, fixed: Mapping, core: bool) -> dict[str, list[int]]:
    """Return which values, as positions, each factor may take.

    Raises ValueError for a factor or value that does not exist, naming those that do.
    """
    for name in fixed:
        if name not in recipe.factors:
            raise ValueError(both(
                f"没有因素 {name!r}。可选：{', '.join(recipe.factors)}。",
                f"There is no factor {name!r}. Choose from {', '.join(recipe.factors)}."))
    allowed = {}
    for name, words in recipe.factors.items():
        kept = recipe.core[name] if core else words
        if name in fixed:
            kept = [fixed[name]]
        allowed[name] = [position(name, words, value) for value in kept]
    return allowed


def position(factor: str, words: tuple[str, ...], value: str | int) -> int:
    """Return the position of a value that is given by name or by position."""
    if isinstance(value, str) and value in words:
        return words.index(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(words):
        return value
    raise ValueError(both(
        f"因素 {factor} 没有值 {value!r}。可选：{', '.join(words)}，或 0 到 {len(words) - 1}。",
        f"The factor {factor} has no value {value!r}. Choose from {', '.join(words)}, or 0 to "
        f"{len(words) - 1}."))
