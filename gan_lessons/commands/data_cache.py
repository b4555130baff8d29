"""python -m gan_lessons data cache: decode a set once, and say what that took."""

import time

from gan_lessons.commands.arguments import megabytes
from gan_lessons.commands.known import source_at
from gan_lessons.data.cache import cached, listed
from gan_lessons.data.choosing import share
from gan_lessons.messages import both


def cache(path: str, size: int, subset: float, crop: str) -> None:
    """Build the cache of the pictures at `path` and print where, how many, how large, how fast.

    Raises what `open_source` and `cached` raise.
    """
    source, _ = source_at(path)
    source = share(source, subset)
    start = time.perf_counter()
    images, _, unreadable = cached(source, size, crop=crop)
    seconds = time.perf_counter() - start
    count, rate = len(images), f"{len(images) / seconds:,.0f}"
    print(both(
        f"{source.path}（{source.kind}）：{count:,} 张 {size}x{size} 的图片，"
        f"占 {megabytes(images.nbytes)}。\n"
        f"  用时 {seconds:.1f} 秒，每秒 {rate} 张（缓存早已建好时，只是打开它）。\n"
        f"  缓存文件：{images.filename}",
        f"{source.path} ({source.kind}): {count:,} pictures of {size}x{size}, "
        f"{megabytes(images.nbytes)}.\n"
        f"  It took {seconds:.1f} s, {rate} pictures a second (where the cache was there before, "
        "it was only opened).\n"
        f"  Cache file: {images.filename}"))
    if unreadable:
        print(both(f"跳过了 {len(unreadable)} 张读不了的图片：\n{listed(unreadable, 'zh')}",
                   f"{len(unreadable)} pictures that cannot be read were skipped:\n"
                   f"{listed(unreadable, 'en')}"))
