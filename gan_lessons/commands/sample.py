"""python -m gan_lessons sample: pictures from a run."""

import argparse
from pathlib import Path

from gan_lessons.commands.arguments import ByLanguage, told, whole
from gan_lessons.util import both


def add(commands) -> None:
    """Add `sample` to the parser of the command line."""
    parser = commands.add_parser(
        "sample", help="用训练好的生成器画图 / draw pictures with a trained generator",
        formatter_class=ByLanguage, description=both(
            "用一次训练的生成器画图，存成 PNG。只需要其中的两个文件：settings.json 和\n"
            "generator.safetensors；可以把它们复制到别的机器上用。",
            "Draw pictures with the generator of a run and store them as PNG. Only\n"
            "settings.json and generator.safetensors are needed: copy these two to sample on\n"
            "another machine."))
    parser.add_argument("--run", required=True, dest="folder", metavar="FOLDER", help=(
        "训练文件夹 / the folder of the run"))
    parser.add_argument("-n", type=whole(1, 100_000), default=64, metavar="N", help=(
        "几张，默认 64 / how many, 64 unless given"))
    parser.add_argument("--seed", type=whole(0, 2**32 - 1), default=0, metavar="N", help=(
        "随机种子，默认 0 / random seed, 0 unless given"))
    parser.add_argument("--newest", action="store_true", help=(
        "用最新的权重，而不是滑动平均；需要 checkpoint.safetensors / the newest weights instead of "
        "their moving average; needs checkpoint.safetensors"))
    parser.add_argument("--columns", type=whole(1), default=8, metavar="N", help=(
        "每行几张，默认 8 / pictures in a row, 8 unless given"))
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--out", metavar="FILE.png", help=(
        "存到哪里，默认放进训练文件夹 / where to, in the folder of the run unless given"))
    where.add_argument("--each", metavar="FOLDER", help=(
        "每张图单独一个文件，放进这个文件夹 / every picture in a file of its own, in this folder"))
    parser.add_argument("--force", action="store_true", help=(
        "允许覆盖已有的文件 / overwrite files that are there"))
    parser.set_defaults(run=told(_sample))


def _sample(args: argparse.Namespace) -> int:
    from gan_lessons import runs
    from gan_lessons.runs.folder import write_picture
    run = runs.open(args.folder)
    step = run.weights_step(args.newest)
    if args.each:
        digits = max(4, len(str(args.n - 1)))
        paths = [Path(args.each).expanduser() / f"{i:0{digits}}.png" for i in range(args.n)]
    else:
        kind = "newest" if args.newest else "average"
        name = f"samples_step_{step:06}_{kind}_seed_{args.seed}_n_{args.n}.png"
        paths = [Path(args.out).expanduser() if args.out else run.folder / name]
    _check_free(paths, args.force)
    pictures = run.sample(args.n, seed=args.seed, newest=args.newest)
    parts = pictures.split(1) if args.each else [pictures]
    for path, part in zip(paths, parts, strict=True):
        write_picture(path, part, args.columns)
    where = args.each or paths[0]
    print(both(f"第 {step} 步的生成器画了 {args.n} 张图：{where}",
               f"{args.n} pictures by the generator of step {step}: {where}"))
    _hint(run, step, args.newest)
    return 0


def _check_free(paths: list[Path], force: bool) -> None:
    """Raise OSError when something would be overwritten or a name is no PNG's."""
    if paths[0].suffix.lower() != ".png":
        raise ValueError(both(f"只能存成 .png，收到 {paths[0].name}。",
                              f"Pictures are stored as .png; got {paths[0].name}."))
    there = [path for path in paths if path.exists()]
    if there and not force:
        raise FileExistsError(both(
            f"{there[0]} 已经存在，没有覆盖。请换一个名字，或加上 --force。",
            f"{there[0]} is there already and was not overwritten. Take another name, or add "
            "--force."))


def _hint(run, step: int, newest: bool) -> None:
    """Say that the moving average is still young, and its pictures worse than the newest ones."""
    memory = round(3 / (1 - run.about["game"]["ema"])) if run.about["game"]["ema"] < 1 else 0
    if not newest and step < memory:
        print(both(f"滑动平均跟得慢，大约 {memory} 步之后才值得看；现在可以加上 --newest。",
                   f"The moving average follows slowly and is worth a look after about {memory} "
                   "steps; until then add --newest."))
