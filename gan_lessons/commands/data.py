"""python -m gan_lessons data: list, get, check and cache sets of pictures."""

import argparse

from gan_lessons.commands.arguments import NAMES, part, told, whole
from gan_lessons.util import both


def add(commands) -> None:
    """Add `data` and its sub-commands to the parser of the command line."""
    data = commands.add_parser(
        "data", help="数据：列出、下载、检查、缓存 / data: list, get, check and cache sets")
    actions = data.add_subparsers(title="命令 / commands", metavar="command", required=True)

    listing = actions.add_parser(
        "list", help="列出课程用得到的数据 / list the sets the course can use")
    listing.set_defaults(run=told(_list))

    get = _add(actions, "get", "下载一套数据 / fetch a set", both(
        "下载一套数据；已经有的不再下载，中断后接着下载。",
        "Fetch a set; one that is here is not fetched again, an interrupted one goes on."))
    get.add_argument("name", help=" | ".join(NAMES))
    get.add_argument("--root", metavar="FOLDER", help=(
        "放到哪里，默认 GAN_LESSONS_DATA，没有设就放在缓存 / "
        "where to put it; default GAN_LESSONS_DATA, else the cache"))
    get.add_argument("--split", choices=("train", "val"), default="train", help=(
        "只用于 lsun-bedroom：train 45.9 GB（默认），val 4.7 MB / "
        "for lsun-bedroom: train, 45.9 GB (the default), or val, 4.7 MB"))
    get.set_defaults(run=told(_get))

    check = _add(actions, "check", "检查图片 / look a set of pictures over", both(
        "逐张读取并解码，报告有多少张、多少张读不了、什么尺寸；不写任何文件。能用则退出码为 0。",
        "Read and decode every picture and report how many there are, how many cannot be read "
        "and of what size; writes nothing. The exit code is 0 when the set can be used."))
    check.add_argument("path", help="文件夹、zip、tar 或 lmdb / a folder, zip, tar or lmdb")
    check.add_argument("--quick", action="store_true", help=(
        "只读文件头，不解码 / read the headers only, decode nothing"))
    check.set_defaults(run=told(_check))

    cache = _add(actions, "cache", "把图片解码进缓存 / decode a set into the cache", both(
        "把图片一次解码好，放进缓存；以后 data.celeba()、data.lsun_bedrooms()、data.folder() "
        "直接使用。",
        "Decode pictures once, into the cache, from which data.celeba(), data.lsun_bedrooms() "
        "and data.folder() then take them."))
    cache.add_argument("path", help="文件夹、zip、tar 或 lmdb / a folder, zip, tar or lmdb")
    cache.add_argument("--size", type=whole(1, 1024), default=64, metavar="N", help=(
        "边长（像素），默认 64 / the side in pixels, 64 unless given"))
    cache.add_argument("--subset", type=part, default=1.0, metavar="SHARE", help=(
        "只取一部分，如 0.1 / only a share, such as 0.1"))
    cache.add_argument("--crop", choices=("centre", "random"), default="centre", help=(
        "取中间或随机位置的正方形 / cut the square from the centre or from a random place"))
    cache.set_defaults(run=told(_cache))


def _add(actions, name: str, summary: str, description: str) -> argparse.ArgumentParser:
    return actions.add_parser(name, help=summary, description=description,
                              formatter_class=argparse.RawDescriptionHelpFormatter)


def _list(args: argparse.Namespace) -> int:
    from gan_lessons.commands.data_list import print_list
    print_list()
    return 0


def _get(args: argparse.Namespace) -> int:
    from gan_lessons.commands.data_get import get
    return get(args.name, args.root, args.split)


def _check(args: argparse.Namespace) -> int:
    from gan_lessons.commands.data_check import check
    return check(args.path, quick=args.quick)


def _cache(args: argparse.Namespace) -> int:
    from gan_lessons.commands.data_cache import cache
    cache(args.path, args.size, args.subset, args.crop)
    return 0
