"""The commands `data list`, `get`, `check` and `cache`: `add` puts them on the command line.

Each is carried out by a function of its `args` that returns the exit code: 0, 1 for what failed,
2 for wrong arguments. Whatever else goes wrong is raised, as OSError or ValueError.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from functools import partial
from pathlib import Path

from torchvision.datasets import CelebA
from torchvision.datasets.utils import download_file_from_google_drive

from gan_lessons import runtime
from gan_lessons.data.cache import (
    Remarks,
    cache_file,
    cached,
    most_frequent,
    opened,
    print_left_out,
    print_skipped,
)
from gan_lessons.data.decode import UnreadablePicture, decode, each_picture
from gan_lessons.data.digits import mnist, mnist_root
from gan_lessons.data.photographs import (
    CELEBA,
    LSUN,
    LSUN_DATABASES,
    LSUN_SAMPLE_URL,
    LSUN_SAMPLES,
    LSUN_TRAIN_URL,
    LSUN_VAL_URL,
    below,
    default_root,
    recognise,
)
from gan_lessons.data.sources import BadSource, subset
from gan_lessons.util import both, megabytes

SIZE = 64  # the side of pictures, unless another is asked for
CELEBA_ZIP = "img_align_celeba.zip"  # it is read as it is
LSUN_ARCHIVES = {  # name: where from, bytes, what it is called here, the folder that comes out
    "lsun-bedroom": (LSUN_TRAIN_URL, 45_922_737_680, "bedroom_train_lmdb.zip",
                     "bedroom_train_lmdb"),
    "lsun-bedroom-val": (LSUN_VAL_URL, 4_670_661, "bedroom_val_lmdb.zip", "bedroom_val_lmdb"),
    "lsun-bedroom-sample": (LSUN_SAMPLE_URL, 4_579_163_978, "bedroom.tgz", "bedroom"),
}


def add(commands) -> None:
    """Add `data` and its sub-commands to the sub-parsers of the command line."""
    data = commands.add_parser("data", help="数据 / list, get, check and cache sets")
    actions = data.add_subparsers(title="命令 / commands", metavar="command", required=True)

    listing = actions.add_parser("list", help="课程用得到的数据 / the sets the course can use")
    listing.set_defaults(run=print_sets, parser=listing)

    get = actions.add_parser("get", help="下载，或给出下载命令 / fetch a set, or say how to")
    get.add_argument("name", choices=("mnist", "celeba", *LSUN_ARCHIVES), help=(
        "哪一套 / which set"))
    get.add_argument("--root", type=Path, metavar="FOLDER", help=(
        "放到哪里 / where to put it; default: GAN_LESSONS_DATA, else the cache"))
    get.set_defaults(run=get_set, parser=get)

    check = actions.add_parser("check", help="逐张检查，不写文件 / look a set over, write nothing")
    check.set_defaults(run=check_set, parser=check)

    cache = actions.add_parser("cache", help="解码进缓存 / decode a set into the cache")
    cache.add_argument("--size", type=int, default=SIZE, metavar="N", help=(
        f"边长 / the side in pixels; default: {SIZE}"))
    cache.add_argument("--subset", type=float, default=1.0, metavar="PART", help=(
        "只取一部分 / only a part, such as 0.1"))
    cache.set_defaults(run=cache_set, parser=cache)
    for command in (check, cache):
        command.add_argument("path", help="文件夹、zip 或 lmdb / a folder, zip or lmdb")


# ---- list ----

def print_sets(args: argparse.Namespace) -> int:
    """Print every set, whether it is here, and how to get it."""
    always = "一直都在，不用下载 / always here, nothing to download"
    root = mnist_root()
    for name, call, zh, en, where in (
            ("points", "data.ring()", "平面上的点：环、网格、螺旋、两弯月牙……",
             "points in the plane: ring, grid, spiral, two moons, ...", always),
            ("toy faces", "data.toy_faces()", "用代码画的脸，每个因素都已知",
             "faces drawn by code, every factor known", always),
            ("toy rooms", "data.toy_rooms()", "用代码画的房间，每个因素都已知",
             "rooms drawn by code, every factor known", always),
            ("mnist", "data.mnist()", "70,000 张手写数字，课程附带其中 10,000 张",
             "70,000 handwritten digits; 10,000 of them come with the course",
             _here(root / "MNIST" / "raw") if root else _not_here("mnist", 11.6e6)),
            ("celeba", "data.celeba()", "202,599 张名人面部照片，只准用于非商业研究",
             "202,599 faces of celebrities; non-commercial research only",
             _where(CELEBA.layouts) or _not_here("celeba", 1.4e9)),
            ("lsun-bedroom", "data.lsun_bedrooms()",
             "3,033,042 张卧室照片；lsun-bedroom-val 只有 300 张，4.7 MB",
             "3,033,042 photographs of bedrooms; lsun-bedroom-val has 300, 4.7 MB",
             _where(LSUN_DATABASES) or _not_here("lsun-bedroom", 45.9e9)),
            ("lsun-bedroom-sample", "data.lsun_bedrooms()", "303,125 张卧室照片，取自上面一套",
             "303,125 photographs of bedrooms out of the set above",
             _where(LSUN_SAMPLES) or _not_here("lsun-bedroom-sample", 4.6e9))):
        print(f"{name}   {call}", zh, en, *where.splitlines(), sep="\n    ")
    print(both("自己的图片：data.folder(\"文件夹或 zip\")。每套数据的来源和条款：.card()。",
               "Your own pictures: data.folder(\"folder or zip\"). Origin and terms of each "
               "set: .card()."))
    return 0


def _here(path: Path) -> str:
    return f"已有 / here: {path}"


def _not_here(name: str, size: float) -> str:
    return f"还没有 / not here ({megabytes(size)}): python -m gan_lessons data get {name}"


def _where(layouts: tuple[str, ...]) -> str | None:
    """Return where a set lies, or what is wrong with what lies there; None for nothing."""
    try:
        source = below(None, layouts)
    except (OSError, BadSource) as problem:
        return str(problem)
    return None if source is None else _here(source.path)


# ---- get ----

def get_set(args: argparse.Namespace) -> int:
    """Fetch a set through torchvision, or print the command that fetches it."""
    if args.name == "mnist":
        return _get_mnist(args.root)
    place = (args.root or default_root()).expanduser()
    if args.name == "celeba":
        return _get_celeba(place)
    return _say_how(place, *LSUN_ARCHIVES[args.name])


def _get_mnist(root: Path | None) -> int:
    if root:  # data.mnist() would not look there
        print(both("MNIST 总是放在缓存里，不用 --root；要换地方，请设环境变量 GAN_LESSONS_CACHE。",
                   "MNIST goes into the cache, without --root; to put it elsewhere, set "
                   "GAN_LESSONS_CACHE."), file=sys.stderr)
        return 2
    if (found := mnist_root()) is None:
        mnist(download=True).card()
        found = runtime.cache_dir()
    return _print_use(found / "MNIST" / "raw", "data.mnist()")


def _get_celeba(place: Path) -> int:
    use = f"data.celeba({str(place)!r})"
    if (source := below(place, CELEBA.layouts)) is not None:
        len(source)  # raises BadSource for an archive that is cut short
        return _print_use(source.path, use)
    print(both(*CELEBA.card))
    try:
        _from_google_drive(place / "celeba")
    except Exception as problem:  # Google Drive and what talks to it fail in many ways
        why = (str(problem).strip().splitlines() or [type(problem).__name__])[0]
        print(both(f"自动下载没有成功：{why}", f"The automatic download did not succeed: {why}"),
              CELEBA.how_to_get(place), sep="\n", file=sys.stderr)
        return 1
    return _print_use(place / "celeba", use)


def _from_google_drive(folder: Path) -> None:
    """Fetch CelebA's archive as torchvision does, checked by its MD5."""
    code, md5 = next((code, md5) for code, md5, name in CelebA.file_list if name == CELEBA_ZIP)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as half_way:  # a broken one leaves no trace
        download_file_from_google_drive(code, half_way, CELEBA_ZIP, md5)
        (Path(half_way) / CELEBA_ZIP).rename(folder / CELEBA_ZIP)


def _say_how(place: Path, url: str, size: int, archive: str, folder: str) -> int:
    """Print the commands that fetch and unpack LSUN: curl goes on where a download broke off."""
    use = f"data.lsun_bedrooms({str(place / folder)!r})"
    if (place / folder).exists():
        return _print_use(place / folder, use)
    print(both(*LSUN.card))
    unpack = f'tar xf "{place / archive}" -C "{place}"'
    if archive.endswith(".zip"):
        unpack = f'unzip "{place / archive}" -d "{place}"'
    print(both("请运行（中断后再运行一次，会接着下载）：",
               "Run this; after an interruption run it again, and it goes on:"))
    print(f'  mkdir -p "{place}"\n  curl -L -C - -o "{place / archive}" {url}\n  {unpack}')
    print(both(f"压缩包应有 {size:,} 字节（{megabytes(size)}），解压后可以删掉。\n"
               f"然后这样使用：{use}",
               f"The archive should have {size:,} bytes ({megabytes(size)}) and can be deleted "
               f"once unpacked. Then use it: {use}"))
    return 0


def _print_use(path: Path, use: str) -> int:
    print(both(f"已经有了：{path}\n  这样使用：{use}", f"It is here: {path}\n  Use it: {use}"))
    return 0


# ---- check ----

def check_set(args: argparse.Namespace) -> int:
    """Read and decode every picture and report; the exit code is 0 when there are some to use."""
    source, card = recognise(args.path)
    print(both(f"{source.path}（{source.kind}）：{len(source):,} 张图片",
               f"{source.path} ({source.kind}): {len(source):,} pictures"))
    print_left_out(source)
    sizes, kinds, unreadable, remarks = Counter(), Counter(), [], Remarks()
    seen = set()  # a hash of each picture at the size of the lessons
    pictures = each_picture(source, partial(decode, size=SIZE))
    for name, picture in zip(source.names, pictures, strict=True):
        if isinstance(picture, UnreadablePicture):
            unreadable.append((name, picture))
        else:
            sizes[picture.size] += 1
            kinds[picture.kind] += 1
            remarks.add(picture)
            seen.add(hash(picture.pixels.tobytes()))
    print(f"  尺寸 / sizes: {most_frequent(sizes)}\n  格式 / formats: {most_frequent(kinds)}")
    remarks.tell(source.path)
    print_skipped(source, unreadable)
    good = len(source) - len(unreadable)
    _print_odd(sizes, repeated=good - len(seen))
    if not good:
        print(both("一张也读不了，不能使用。", "None of them can be read: the set is of no use."))
        return 1
    print(both(f"可以使用：{good:,} 张。", f"Fit for use: {good:,} pictures."))
    print(both(*card).format(name=source.path.stem or "folder", n=good, path=source.path))
    return 0


def _print_odd(sizes: Counter, repeated: int) -> None:
    """Print how many pictures may not be what a generator should learn from."""
    small = oblong = 0
    for size, n in sizes.items():
        short, long = sorted(map(int, size.split("x")))
        if short < SIZE:
            small += n
        if long > 2 * short:
            oblong += n
    for n, zh, en in (
            (oblong, "张的长边超过短边的两倍：只取中间的正方形，一大半会裁掉",
             "are more than twice as long as they are wide, and most of each is cut away: the "
             "square in the middle is taken"),
            (small, f"张的短边不到 {SIZE} 像素，放大后会模糊",
             f"have a side below {SIZE} pixels, and are blurred when enlarged"),
            (repeated, "张和前面的某一张相同", "are the same as one before them")):
        if n:
            print(both(f"{n:,} {zh}。", f"{n:,} {en}."))


# ---- cache ----

def cache_set(args: argparse.Namespace) -> int:
    """Decode a set into the cache, and say where it is, how large, and how long that took."""
    source = subset(recognise(args.path)[0], args.subset)
    path = cache_file(source, args.size)
    before = opened(path)
    start = time.perf_counter()
    pictures = cached(source, args.size)
    seconds = time.perf_counter() - start
    if before is None:
        rate = (len(pictures.names) + len(pictures.unreadable)) / seconds
        took = both(f"用时 {seconds:.1f} 秒，每秒 {rate:,.0f} 张。",
                    f"It took {seconds:.1f} s, {rate:,.0f} pictures a second.")
    else:
        print_left_out(source)
        took = both("早已建好，没有重新解码。", "It was there already; nothing was decoded.")
    n, size, room = len(pictures.names), args.size, megabytes(pictures.images.nbytes)
    print(both(f"{source.path}（{source.kind}）：{n:,} 张 {size}x{size} 的图片，占 {room}。",
               f"{source.path} ({source.kind}): {n:,} pictures of {size}x{size}, {room}."))
    print(took)
    print(f"缓存文件 / Cache file: {path}")
    return 0
