"""python -m gan_lessons bench: measure how fast the course is on this machine."""

import argparse

from gan_lessons.commands.arguments import told, whole
from gan_lessons.util import both


def add(commands) -> None:
    """Add `bench` and its sub-commands to the parser of the command line."""
    bench = commands.add_parser(
        "bench", help="测量这台机器上的速度 / measure the speed on this machine")
    what = bench.add_subparsers(title="命令 / commands", metavar="command", required=True)
    data = what.add_parser(
        "data", help="读图片的速度 / how fast pictures come in",
        formatter_class=argparse.RawDescriptionHelpFormatter, description=both(
            "比较三种读图片的办法，并测量读图片占一轮 WGAN 训练多少时间。用完后不留下任何文件。",
            "Compare three ways to read pictures, and measure their share in a round of WGAN "
            "training. Leaves no file behind."))
    _inputs(data, pictures=2048, repeats=3)
    data.add_argument("--size", type=int, choices=(16, 32, 64, 128), default=64, help=(
        "边长（像素），默认 64 / the side in pixels, 64 unless given"))
    data.add_argument("--features", type=whole(1), default=64, metavar="N", help=(
        "网络宽度，默认 64，即 DCGAN / width of the networks, 64 unless given, as in DCGAN"))
    data.set_defaults(run=told(_data))
    fastai = what.add_parser(
        "fastai", help="与 fastai 2 比训练速度 / training speed beside fastai 2",
        formatter_class=argparse.RawDescriptionHelpFormatter, description=both(
            "用同一个文件夹的图片，轮流训练本课程的 GANLearner.wgan 和 fastai 2 的，比较每张图片"
            "用的时间。fastai 2 要装在另一个环境里：\n"
            "  python -m venv fastai-env && fastai-env/bin/pip install fastai\n"
            "  python -m gan_lessons bench fastai --fastai fastai-env/bin/python",
            "Train this course's GANLearner.wgan and that of fastai 2 in turn on the same folder "
            "of pictures, and compare what a picture takes. fastai 2 belongs in an environment of "
            "its own, made as above."))
    fastai.add_argument("--fastai", metavar="PYTHON", help=(
        "装了 fastai 2 的环境里的 python；不写就只测本课程 / the python of an environment with "
        "fastai 2; without it only this course is measured"))
    _inputs(fastai, pictures=384, repeats=5)
    fastai.add_argument("--threads", type=whole(1), metavar="N", help=(
        "线程数，默认全部核心 / threads, every core unless given"))
    fastai.set_defaults(run=told(_fastai))


def _inputs(parser: argparse.ArgumentParser, pictures: int, repeats: int) -> None:
    """Add the options that every benchmark has."""
    parser.add_argument("--root", metavar="PATH", help=(
        "用这里的图片；默认用代码画 178x218 的 JPEG / "
        "use the pictures there; default: JPEGs of 178x218 drawn by code"))
    parser.add_argument("--pictures", type=whole(16), default=pictures, metavar="N", help=(
        f"多少张图片，默认 {pictures} / how many pictures, {pictures} unless given"))
    parser.add_argument("--batch", type=whole(1), default=64, metavar="N", help=(
        "批大小，默认 64 / the batch size, 64 unless given"))
    parser.add_argument("--repeats", type=whole(1), default=repeats, metavar="N", help=(
        f"重复几次，取中位数，默认 {repeats} / how often, for the median, {repeats} unless given"))


def _data(args: argparse.Namespace) -> int:
    from gan_lessons.commands.bench_data import bench_data
    bench_data(args.root, args.pictures, args.size, args.batch, args.features, args.repeats)
    return 0


def _fastai(args: argparse.Namespace) -> int:
    from gan_lessons.commands.bench_fastai import bench_fastai
    bench_fastai(args.fastai, args.root, args.pictures, args.batch, args.threads, args.repeats)
    return 0
