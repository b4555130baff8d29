"""python -m gan_lessons measure: how good the pictures of a run are."""

import argparse

from gan_lessons.commands.arguments import ByLanguage, told, whole
from gan_lessons.util import both


def add(commands) -> None:
    """Add `measure` to the parser of the command line."""
    parser = commands.add_parser(
        "measure", help="量一量训练好的生成器有多好 / measure how good a trained generator is",
        formatter_class=ByLanguage, description=both(
            "从一次训练中采样，和没见过的真图一起评分。玩具图片：数一数画出了多少种组合，\n"
            "分布匀不匀，再算弗雷歇距离；边长 32 的数字：用课程的分类器。",
            "Draw samples from a run and score them beside real pictures it never saw. Toy\n"
            "pictures: how many combinations, how evenly, and the Fréchet distance; digits\n"
            "at 32 pixels: by the course's classifier."))
    parser.add_argument("--run", required=True, dest="folder", metavar="FOLDER", help=(
        "训练文件夹 / the folder of the run"))
    parser.add_argument("-n", type=whole(200, 100_000), default=10_000, metavar="N", help=(
        "几张样本，默认 10000 / how many samples, 10000 unless given"))
    parser.add_argument("--seed", type=whole(0, 2**32 - 1), default=0, metavar="N", help=(
        "随机种子，默认 0 / random seed, 0 unless given"))
    parser.add_argument("--newest", action="store_true", help=(
        "用最新的权重，而不是滑动平均 / the newest weights instead of their moving average"))
    parser.set_defaults(run=told(_measure))


def _measure(args: argparse.Namespace) -> int:
    from gan_lessons import runs
    from gan_lessons.runs.measuring import report
    print(report(runs.open(args.folder), args.n, seed=args.seed, newest=args.newest))
    return 0
