"""python -m gan_lessons data check: read every picture, decode it, and report; write nothing."""

import io
import warnings
from collections import Counter, deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from PIL import Image
from tqdm import tqdm

from gan_lessons.commands.arguments import FAILED
from gan_lessons.commands.known import source_at
from gan_lessons.data import cards
from gan_lessons.data.cache import Unreadable, listed
from gan_lessons.data.decode import FORMATS, UnreadablePicture, decode
from gan_lessons.data.sources import Source, printable
from gan_lessons.runtime import cores
from gan_lessons.util import both

SIZE = 64
"""Pictures are decoded as for this cache."""


@dataclass
class Looked:
    """What was seen of a set: counts of sizes and of kinds such as `JPEG RGB`; the unreadable."""

    sizes: Counter = field(default_factory=Counter)
    kinds: Counter = field(default_factory=Counter)
    unreadable: list[Unreadable] = field(default_factory=list)


def check(path: str, *, quick: bool = False) -> int:
    """Report on the pictures at `path`; return 0 when there are some to train on, else 1.

    Raises what `open_source` raises.
    """
    source, card = source_at(path)
    total = len(source)
    print(both(f"{source.path}（{source.kind}）：{total:,} 张图片",
               f"{source.path} ({source.kind}): {total:,} pictures"))
    looked = _look(source, quick)
    good = total - len(looked.unreadable)
    _report(source, looked, quick)
    if not good:
        print(both("一张也读不了，不能使用。", "None of them can be read: the set is of no use."))
        return FAILED
    print(both(f"可以使用：{good:,} 张。", f"Fit for use: {good:,} pictures."))
    name = source.path.stem or "folder"
    print(card.format(name=name, n=good, path=source.path) if card is cards.OWN else card)
    return 0


def _look(source: Source, quick: bool) -> Looked:
    looked = Looked()
    with tqdm(total=len(source), desc="checking", unit="img", delay=1, leave=False) as bar:
        for name, seen in _inspected(source, quick):
            if isinstance(seen, UnreadablePicture):
                looked.unreadable.append(Unreadable(name, seen.zh, seen.en))
            else:
                looked.sizes[seen[0]] += 1
                looked.kinds[seen[1]] += 1
            bar.update()
    looked.unreadable.sort()
    return looked


def _inspected(source: Source, quick: bool) -> Iterator[tuple]:
    """Yield each name and what `_inspect` says of it, from one thread a core.

    Pillow decodes outside Python's lock, so that threads do. Only a few pictures wait at a time:
    a set may be larger than the memory.
    """
    waiting = deque()
    with ThreadPoolExecutor(cores()) as pool:
        for name, raw in source.items():
            waiting.append((name, pool.submit(_inspect, raw, quick)))
            if len(waiting) > 64:
                name, seen = waiting.popleft()
                yield name, seen.result()
        yield from ((name, seen.result()) for name, seen in waiting)


def _inspect(raw: bytes | Exception, quick: bool) -> tuple | UnreadablePicture:
    """Return a picture's size, such as 178x218, and its kind; or why it cannot be read."""
    if isinstance(raw, Exception):
        return UnreadablePicture(f"读不出来：{raw}", f"cannot be read: {raw}")
    try:
        if not quick:
            decode(raw, SIZE)
        return _header(raw)
    except UnreadablePicture as problem:
        return problem


def _header(raw: bytes) -> tuple[str, str]:
    try:
        with warnings.catch_warnings(), Image.open(io.BytesIO(raw), formats=FORMATS) as picture:
            warnings.simplefilter("ignore")
            return f"{picture.width}x{picture.height}", f"{picture.format} {picture.mode}"
    except Exception as problem:  # fed garbage, Pillow fails in every way there is
        raise UnreadablePicture("不是图片" if raw else "空文件",
                                "not a picture" if raw else "an empty file") from problem


def _report(source: Source, looked: Looked, quick: bool) -> None:
    print(both(f"  尺寸：{_most(looked.sizes)}\n  格式：{_most(looked.kinds)}",
               f"  sizes: {_most(looked.sizes)}\n  formats: {_most(looked.kinds)}"))
    if quick:
        print(both("  只看了文件头；不加 --quick 会把每张都解码一遍。",
                   "  Only the headers were read; without --quick every picture is decoded."))
    bad = looked.unreadable
    if bad:
        print(both(f"  读不了的有 {len(bad):,} 张，使用时会跳过：\n{listed(bad, 'zh')}",
                   f"  {len(bad):,} cannot be read and would be skipped:\n{listed(bad, 'en')}"))
    if source.ignored:
        left_out = [Unreadable(*line) for line in source.ignored]
        print(both(f"  没有列入的有 {len(left_out):,} 个：\n{listed(left_out, 'zh')}",
                   f"  {len(left_out):,} were left out:\n{listed(left_out, 'en')}"))


def _most(counts: Counter, most: int = 4) -> str:
    parts = [f"{printable(what)} ({n:,})" for what, n in counts.most_common(most)]
    return ", ".join(parts + ["..."] * (len(counts) > most)) or "-"
