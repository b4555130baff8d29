"""python -m gan_lessons data cache: decode a set once, and say what that took."""

import time

from gan_lessons.commands.known import source_at
from gan_lessons.data.cache import Store, cached, listed
from gan_lessons.data.choosing import share
from gan_lessons.util import both, megabytes


def cache(path: str, size: int, subset: float, crop: str) -> None:
    """Build the cache of the pictures at `path` and print where, how many, how large, how fast.

    Raises what `open_source` and `cached` raise.
    """
    source, _ = source_at(path)
    source = share(source, subset)
    there = Store(source, size, crop, seed=0).open() is not None
    start = time.perf_counter()
    images, _, unreadable = cached(source, size, crop=crop)
    seconds = time.perf_counter() - start
    took = ("早已建好，没有重新解码", "It was there already; nothing was decoded")
    if not there:
        rate = f"{(len(images) + len(unreadable)) / seconds:,.0f}"
        took = (f"用时 {seconds:.1f} 秒，每秒 {rate} 张",
                f"It took {seconds:.1f} s, {rate} pictures a second")
    print(both(
        f"{source.path}（{source.kind}）：{len(images):,} 张 {size}x{size} 的图片，"
        f"占 {megabytes(images.nbytes)}。\n  {took[0]}。\n  缓存文件：{images.filename}",
        f"{source.path} ({source.kind}): {len(images):,} pictures of {size}x{size}, "
        f"{megabytes(images.nbytes)}.\n  {took[1]}.\n  Cache file: {images.filename}"))
    if unreadable:
        print(both(f"跳过了 {len(unreadable)} 张读不了的图片：\n{listed(unreadable, 'zh')}",
                   f"{len(unreadable)} pictures that cannot be read were skipped:\n"
                   f"{listed(unreadable, 'en')}"))
