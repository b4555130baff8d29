"""One class for every set of pictures: bytes in memory, batches in [-1, 1] out."""

import contextlib
import math
import operator
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any

import torch
from torch.nn.functional import pad

from gan_lessons.condition import counts
from gan_lessons.util import both

SHARE = 0.5  # of a device's free memory that pictures may take; the rest is the networks'


def to_signed(images: torch.Tensor) -> torch.Tensor:
    """Map bytes 0..255 to float32 in [-1, 1], the range of a generator that ends in tanh."""
    if images.dtype != torch.uint8:
        raise ValueError(both(
            f"这里要的是 0 到 255 的 uint8 图片，收到的是 {images.dtype}。[-1, 1] 的张量请先用 "
            "data.to_images() 转换。",
            f"Pictures here are uint8, 0 to 255; got {images.dtype}. Convert tensors in [-1, 1] "
            "with data.to_images() first."))
    return images.to(torch.float32).div_(127.5).sub_(1)


def to_images(x: torch.Tensor) -> torch.Tensor:
    """Map floats in [-1, 1] back to bytes 0..255; the inverse of `to_signed`.

    Other numbers are refused: pictures that look dark or washed out usually come from ranges that
    were mixed up unnoticed.
    """
    x = x.detach().to(torch.float32)
    if not torch.isfinite(x).all() or (x.abs() > 1.001).any():
        raise ValueError(both(
            "像素值必须是 [-1, 1] 之间的有限数。请检查生成器的最后一层（tanh 对应 [-1, 1]）"
            "和数据的归一化。",
            "Pixels must be finite numbers in [-1, 1]. Check the generator's last layer "
            "(tanh gives [-1, 1]) and how the data are normalised."))
    return x.add(1).mul(127.5).round().clamp_(0, 255).to(torch.uint8)


def free_bytes(device: torch.device) -> float:
    """Return how many bytes are free on a device; on the CPU nothing has to move, so no limit."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    if device.type == "mps":
        return torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()
    return math.inf


def fits_on(device: torch.device, images: torch.Tensor) -> bool:
    """Tell whether pictures take at most half (`SHARE`) of the memory free on a device."""
    return images.nbytes <= SHARE * free_bytes(device)


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Pictures and what is known about them."""

    images: torch.Tensor  # uint8 (N, C, H, W)
    labels: torch.Tensor | None  # int64 (N,)
    name: str  # short, ASCII
    about: tuple[str, str] = ("", "")  # the data card, Chinese and English
    target: torch.device | None = None  # the device of the batches; None: that of the pictures
    factors: dict[str, torch.Tensor] = field(default_factory=dict)  # of drawn ones: int64 (N,) each
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # what the values of a
    # factor, or of "class", the labels, are called; without them they are called 0, 1, ...
    condition: torch.Tensor | None = None  # int64 (N,) or (N, k), see `conditioned_on`
    asked: dict[str, tuple[str, ...]] = field(default_factory=dict)  # what it is about, and its
    # values: {"class": ("0", ..., "9")}

    def __post_init__(self):
        if not torch.is_tensor(self.images):
            raise ValueError(both(
                f"images 必须是 torch 张量，收到 {type(self.images).__name__}；"
                "numpy 数组请先用 torch.from_numpy() 转换。",
                f"images must be a torch tensor, got {type(self.images).__name__}; convert numpy "
                "arrays with torch.from_numpy()."))
        shape = tuple(self.images.shape)
        if self.images.dtype != torch.uint8 or len(shape) != 4 or 0 in shape:
            raise ValueError(both(
                f"images 必须是非空的 uint8 张量 (N, C, H, W)，收到 {self.images.dtype} {shape}。",
                f"images must be a non-empty uint8 tensor (N, C, H, W), got "
                f"{self.images.dtype} {shape}."))
        if self.labels is not None and not torch.is_tensor(self.labels):
            raise ValueError(both(
                f"labels 必须是 torch 张量，收到 {type(self.labels).__name__}；请用 "
                "torch.tensor()。",
                f"labels must be a torch tensor, got {type(self.labels).__name__}; use "
                "torch.tensor()."))
        if self.labels is not None and self.labels.shape != shape[:1]:
            raise ValueError(both(
                f"有 {shape[0]} 张图片，标签的形状却是 {tuple(self.labels.shape)}。",
                f"There are {shape[0]} pictures but the labels have shape "
                f"{tuple(self.labels.shape)}."))

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index) -> "ImageSet":
        """Return the pictures at `index` (a slice, a mask or a list of positions) as a set."""
        with contextlib.suppress(TypeError):  # one position gives a set of one
            index = [operator.index(index)]
        labels = None if self.labels is None else self.labels[index]
        return replace(self, images=self.images[index], labels=labels,
                       factors={name: values[index] for name, values in self.factors.items()},
                       condition=None if self.condition is None else self.condition[index])

    @property
    def classes(self) -> tuple[int, ...] | None:
        """How many values each factor of the condition has; None without a condition."""
        return counts(self.asked) or None

    @property
    def shape(self) -> tuple[int, int, int]:
        """The shape (C, H, W) of one picture."""
        return tuple(self.images.shape[1:])

    def to(self, device) -> "ImageSet":
        """Return the set with its batches on `device`.

        The pictures move there, too, when they take at most half of the memory free on it
        (`fits_on`); a batch then never leaves the device. Larger sets stay where they are, and each
        batch is moved. On the CPU nothing is copied: a memory map stays one.
        """
        device = torch.device(device)
        labels = None if self.labels is None else self.labels.to(device)
        fits = fits_on(device, self.images)
        return replace(self, images=self.images.to(device) if fits else self.images,
                       labels=labels, target=None if fits else device,
                       factors={name: values.to(device) for name, values in self.factors.items()},
                       condition=None if self.condition is None else self.condition.to(device))

    def conditioned_on(self, *names: str) -> "ImageSet":
        """Return the set with a condition for each picture; its batches are then (x, y).

        Without names y is the label; with them, the values of these factors. `asked` names the
        values that y counts, from 0: those that occur in the set, in their order.

        Raises:
            ValueError: There are no labels, no such factor, or only one value of it.
        """
        known = dict(self.factors)
        if not names:
            names = ("class",)
            if self.labels is None:
                raise ValueError(both(
                    f"{self.name} 没有标签，不能以类别为条件。请用带标签的图片集，例如 "
                    "data.mnist()；玩具图片请写因素的名字；自己的图片请每一类放一个子文件夹。",
                    f"{self.name} has no labels to condition on. Take a labelled set, such as "
                    "data.mnist(); of toy pictures, name factors; of your own, put each class in a "
                    "folder of its own."))
            known["class"] = self.labels
        columns, asked = [], {}
        for name in names:
            if name not in known or name in asked:
                raise ValueError(both(
                    f"{self.name} 没有因素 {name!r}，或者写了两次。可选："
                    f"{', '.join(self.factors) or '无'}。",
                    f"{self.name} has no factor {name!r}, or it was named twice. Choose from "
                    f"{', '.join(self.factors) or 'none'}."))
            values, y = known[name].unique(return_inverse=True)
            if len(values) < 2:
                raise ValueError(both(
                    f"{self.name} 的 {name} 只有一个值，没有什么可选的。条件至少要有两类。",
                    f"{self.name} has only one value of {name}, so there is nothing to ask for. A "
                    "condition needs two classes or more."))
            words = self.words.get(name)
            asked[name] = tuple(words[v] if words else str(v) for v in values.tolist())
            columns.append(y)
        condition = columns[0] if len(columns) == 1 else torch.stack(columns, 1)
        return replace(self, condition=condition, asked=asked)

    def described(self) -> str:
        """Return what a checkpoint remembers of the data, in a few words."""
        on = f", conditioned on {', '.join(self.asked)}" if self.asked else ""
        return f"{self.name}, {len(self)} of shape {self.shape}{on}"

    def signed(self) -> torch.Tensor:
        """Return every picture as float32 in [-1, 1], shape (N, C, H, W)."""
        return to_signed(self.images)

    def framed(self, side: int) -> "ImageSet":
        """Return the set with each picture in the middle of a black square of `side` pixels.

        Nothing is enlarged or blurred: `framed(32)` gives 28x28 digits a black rim of 2 pixels,
        and `images[:, :, 2:-2, 2:-2]` takes it off again.
        """
        height, width = self.shape[1:]
        rim = (side - height) // 2
        if height != width or side != height + 2 * rim or rim < 0:
            raise ValueError(both(
                f"{height}x{width} 的图片不能放在 {side}x{side} 的正中：图片和画框都应是正方形，"
                "画框不能更小，两者边长之差须为偶数。",
                f"Pictures of {height}x{width} cannot stand in the middle of {side}x{side}: both "
                "must be squares, the frame no smaller, and their sides differ by an even "
                "number."))
        return replace(self, images=pad(self.images, (rim,) * 4))

    def batches(self, n: int, *, seed: int = 0, start: int = 0) -> Iterator[Any]:
        """Yield batches of `n` pictures in [-1, 1] for ever, shape (n, C, H, W).

        Of a set with a condition they are pairs: pictures, and y, int64 (n,) or (n, k).

        Each pass over the data is a fresh shuffle, fixed by (`seed`, pass); a batch may straddle
        two passes, so any size works and every batch is full. `start` skips that many batches
        at no cost: a resumed run sees exactly the pictures it would have seen.
        """
        if not 1 <= n <= len(self):
            raise ValueError(both(
                f"批大小必须在 1 和图片数 {len(self)} 之间，收到 {n}。请减小批大小，"
                "或换大一些的数据集。",
                f"The batch size must be between 1 and the number of pictures, {len(self)}; got "
                f"{n}. Take a smaller batch or a larger set."))
        return self._batches(n, seed, start)

    def _batches(self, n: int, seed: int, start: int) -> Iterator[Any]:
        passes, position = divmod(start * n, len(self))
        order = torch.empty(0, dtype=torch.int64)
        for epoch in count(passes):
            fresh = torch.Generator().manual_seed(1_000_003 * seed + epoch)
            order = torch.cat([order, torch.randperm(len(self), generator=fresh)[position:]])
            position = 0
            while len(order) >= n:
                chosen, order = order[:n], order[n:]
                batch = self.images.index_select(0, chosen.to(self.images.device))
                x = to_signed(batch.to(self.target or batch.device))
                if self.condition is None:
                    yield x
                else:
                    yield x, self.condition[chosen.to(self.condition.device)]

    def card(self) -> None:
        """Show the data card: origin, licence and what to know before using the pictures."""
        show_card(*self.about)

    def show(self, rows: int = 2, columns: int = 10):
        """Show the first rows x columns pictures."""
        from gan_lessons.show import gallery  # matplotlib is slow to import; only if it is used
        return gallery(self.images[: rows * columns], columns=columns,
                       alt=f"Gallery: the first {rows * columns} pictures of {self.name}")


def read_card(name: str) -> tuple[str, str]:
    """Return a text about a set in Chinese and in English: `cards/NAME.md` has both."""
    text = (Path(__file__).parent / "cards" / f"{name}.md").read_text(encoding="utf-8")
    zh, en = text.split("\n---\n")
    return zh, en.rstrip("\n")


def show_card(zh: str, en: str) -> None:
    """Show a data card in both languages."""
    from gan_lessons.bilingual import say  # IPython is slow to import; only if it is used
    say("{zh}", "{en}", zh=zh, en=en)
