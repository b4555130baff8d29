"""python -m gan_lessons train: a long run in a folder of its own."""

import argparse
import os
import sys
from pathlib import Path

from gan_lessons.commands.arguments import (
    FAILED,
    INTERRUPTED,
    MISUSED,
    ByLanguage,
    part,
    positive,
    told,
    whole,
)
from gan_lessons.util import both

RECIPES = ("wgan", "dcgan", "sngan", "source-003")
LOSSES = ("minimax", "non-saturating", "least-squares", "wasserstein", "hinge", "relativistic")
PENALTIES = ("gp", "r1", "r2", "r1-r2")
NORMS = ("batch", "none", "spectral")
PRECISIONS = ("float32", "bfloat16", "auto")
SIZES = (16, 32, 64, 128, 256)
USAGE = """
  python -m gan_lessons train RECIPE --data SET --steps N --out FOLDER [options]
  python -m gan_lessons train --resume --out FOLDER [options]"""
EXAMPLES = """\
例子 / examples:
  python -m gan_lessons train dcgan --data toy-faces --steps 5000 --out runs/a
  python -m gan_lessons train wgan --data celeba --subset 0.1 --epochs 30 \\
      --precision auto --out runs/celeba
  python -m gan_lessons train dcgan --data my_photos --size 32 --minutes 480 \\
      --loss hinge --norm spectral --out runs/night
  python -m gan_lessons train --resume --out runs/night --minutes 480
"""


def add(commands) -> None:
    """Add `train` to the parser of the command line."""
    parser = commands.add_parser(
        "train", help="长时间训练，可中断、可接着训练 / train for long, stop and resume",
        formatter_class=ByLanguage, epilog=EXAMPLES, usage=USAGE,
        argument_default=argparse.SUPPRESS,  # so that what was given can be told from the rest
        description=both(
            "训练一个 GAN，把一切写进 --out 文件夹：设置、检查点、历史、同一组噪声的图。\n"
            "随时可以按 Ctrl-C、断电或到时停下，再用 --resume 接着训练，结果与没有中断时\n"
            "相同。",
            "Train a GAN and keep everything in the folder --out: settings, checkpoint,\n"
            "history, and what G makes of the same noise. Stop it with Ctrl-C, a time limit\n"
            "or a power cut; --resume goes on and ends where an uninterrupted run ends."))
    parser.add_argument("recipe", nargs="?", choices=RECIPES, default=None, metavar="RECIPE", help=(
        f"配方（网络、损失和设置）：{'、'.join(RECIPES)} / networks, loss and settings: "
        f"{', '.join(RECIPES)}"))
    _data_options(parser.add_argument_group("数据 / data"))
    _network_options(parser.add_argument_group("网络 / networks"))
    _game_options(parser.add_argument_group("训练 / training (默认由配方定 / from the recipe)"))
    _end_options(parser.add_argument_group("多久 / how long (哪个先到算哪个 / the first ends it)"))
    _output_options(parser.add_argument_group("输出 / output"))
    parser.set_defaults(run=told(_train))


def _data_options(group) -> None:
    group.add_argument("--data", metavar="SET", help=(
        "digits、mnist、toy-faces、toy-rooms（加上 -core 则组合较少，便于清点）、celeba、"
        "lsun-bedrooms，或图片文件夹、压缩包的路径 / digits, mnist, toy-faces, toy-rooms (with "
        "-core: fewer combinations, easy to count), celeba, lsun-bedrooms, or the path of a folder "
        "or archive of pictures"))
    group.add_argument("--drawn", type=whole(1), metavar="N", help=(
        "画多少张玩具图片，默认 10000 / how many toy pictures to draw, 10000 unless given"))
    group.add_argument("--root", metavar="PATH", help=(
        "celeba 或 lsun-bedrooms 在哪里；默认 GAN_LESSONS_DATA，再到缓存 / where these two lie; "
        "default GAN_LESSONS_DATA, then the cache"))
    group.add_argument("--subset", type=part, metavar="SHARE", help=(
        "只取一部分，如 0.1 / only a share of the pictures, such as 0.1"))
    group.add_argument("--size", type=int, choices=SIZES, metavar="N", help=(
        "边长（像素）：16、32、64、128 或 256；默认 64，手写数字 32 / "
        "the side in pixels: 16, 32, 64, 128 or 256; 64 unless given, 32 for digits"))


def _network_options(group) -> None:
    group.add_argument("--features", type=whole(1), metavar="N", help=(
        "边长一半处有多少通道，默认 64，sngan 32 / channels at half the size, 64 unless given, "
        "32 for sngan"))
    group.add_argument("--latent", type=whole(1), metavar="N", help=(
        "z 的长度，默认 100，sngan 64 / length of z, 100 unless given, 64 for sngan"))
    group.add_argument("--extra-layers", type=whole(0), metavar="N", help=(
        "两个网络各加几层 3x3 卷积，默认 0 / 3x3 layers added to both networks, 0 unless given"))
    group.add_argument("--norm", choices=NORMS, metavar="NORM", help=(
        "batch 批归一化（默认），none 不归一化，spectral 评论家用谱归一化（sngan 的默认）/ "
        "batch (BatchNorm, the default), none, or spectral (in the critic; sngan's default)"))


def _game_options(group) -> None:
    group.add_argument("--loss", choices=LOSSES, metavar="LOSS", help=(
        f"只用于 dcgan：{'、'.join(LOSSES)} / for dcgan: {', '.join(LOSSES)}"))
    group.add_argument("--penalty", choices=PENALTIES, metavar="NAME", help=(
        "梯度惩罚 gp、r1、r2 或 r1-r2，代替权重裁剪；不能和批归一化一起用 / "
        "a gradient penalty, gp, r1, r2 or r1-r2, instead of clipping; not with BatchNorm"))
    group.add_argument("--penalty-weight", type=positive, metavar="W", help=(
        "它的权重，默认 gp 10，其余 1 / its weight; gp 10, others 1"))
    group.add_argument("--batch", type=whole(1), metavar="N", help="批大小 / batch size")
    group.add_argument("--lr", type=positive, metavar="LR", help="学习率 / learning rate")
    group.add_argument("--n-critic", type=whole(1), metavar="N", help=(
        "生成器每走一步，判别器走几步 / steps of D for each step of G"))
    group.add_argument("--warm-up", action="store_true", help=(
        "WGAN 作者的做法：开头 25 步和以后每 500 步，评论家先走 100 步 / the WGAN authors' long "
        "turns of the critic: 100 steps before each of the first 25 of G and every 500th"))
    group.add_argument("--decay", type=whole(1), metavar="STEPS", help=(
        "用多少步把学习率降到 2 %%，惩罚降到 10 %%；sngan 默认同 --steps / steps over which the "
        "learning rate falls to 2 %% and the penalty to 10 %%; sngan: --steps unless given"))
    group.add_argument("--precision", choices=PRECISIONS, metavar="TYPE", help=(
        "计算精度：float32（默认）、bfloat16 或 auto（在合适的显卡和处理器上用 bfloat16）/ of the "
        "arithmetic: float32 (the default), bfloat16, or auto, which takes bfloat16 where it pays"))
    group.add_argument("--seed", type=whole(0, 2**32 - 1), metavar="N", help=(
        "随机种子，默认 0 / random seed, 0 unless given"))


def _end_options(group) -> None:
    group.add_argument("--steps", type=whole(1), metavar="N", help=(
        "生成器一共走几步 / steps of G, in all"))
    group.add_argument("--epochs", type=positive, metavar="E", help=(
        "判别器一共看几遍数据 / passes of D over the pictures, in all"))
    group.add_argument("--minutes", type=positive, metavar="M", help=(
        "这一次最多训练几分钟，到时保存并停下 / minutes of this session; saves and stops then"))


def _output_options(group) -> None:
    group.add_argument("--out", required=True, metavar="FOLDER", help=(
        "训练文件夹，如 runs/x / the folder of the run, such as runs/x"))
    group.add_argument("--resume", action="store_true", help=(
        "接着训练 --out 里的那一次，设置用存下的 / go on with the run in --out, with its settings"))
    group.add_argument("--sample-every", type=whole(1), metavar="N", help=(
        "每几步画一张图，默认 500 / steps between two grids, 500 unless given"))
    group.add_argument("--save-every", type=whole(1), metavar="N", help=(
        "每几步存一次检查点，默认 500 / steps between two checkpoints, 500 unless given"))
    group.add_argument("--threads", type=whole(1), metavar="N", help=(
        "CPU 线程数，默认全部核心 / CPU threads, all cores unless given"))
    group.add_argument("--tensorboard", action="store_true", help=(
        "也写 TensorBoard 日志（要另装 tensorboard）/ write TensorBoard logs, too (tensorboard "
        "must be installed)"))
    group.add_argument("--quiet", action="store_true", help=(
        "不显示进度 / no progress bar, no messages"))


def _train(args: argparse.Namespace) -> int:
    given = {name: value for name, value in vars(args).items() if name not in ("command", "run")}
    given = {name: value for name, value in given.items() if value is not None}
    out, again = given.pop("out"), given.pop("resume", False)
    if int(os.environ.get("WORLD_SIZE", 1)) > 1:
        return _misused("这个命令只用一个进程。要用几张显卡，请写一个脚本，开头调用 "
                        "gan_lessons.distributed.join()，再用 torchrun 启动。",
                        "This command works in one process. For several GPUs, write a script that "
                        "begins with gan_lessons.distributed.join() and start that by torchrun.")
    if not again and not {"recipe", "data"} <= given.keys():
        return _misused("请写明配方和 --data（或用 --resume 接着训练），例如：\n"
                        f"  python -m gan_lessons train dcgan --data toy-faces --steps 5000 "
                        f"--out {out}",
                        "Name a recipe and --data, as above, or go on with a run by --resume.")
    from dataclasses import fields

    from gan_lessons import runs
    from gan_lessons.train import TrainingDiverged
    names = {field.name for field in fields(runs.Settings)}
    settings = {name: given.pop(name) for name in names & given.keys()}
    try:
        if again:
            run = runs.resume(out, expected=settings, **given)
        else:
            run = runs.train(_checked(runs, settings, given), out, **given)
    except Misuse as problem:
        print(problem, file=sys.stderr)
        return MISUSED
    except TrainingDiverged as problem:
        return _diverged(problem, out)
    except KeyboardInterrupt:
        return _interrupted(out)
    return INTERRUPTED if run.summary.get("state") == "stopped" else 0


class Misuse(Exception):
    """Options that do not go together."""


def _checked(runs, settings: dict, given: dict):
    """Return the settings; raise Misuse when they, or those of the schedule, will not do."""
    schedule = {name: value for name, value in given.items()
                if name not in ("tensorboard", "quiet")}
    try:
        runs.Schedule(**schedule)
        return runs.Settings(**settings)
    except ValueError as problem:
        raise Misuse(str(problem)) from problem


def _misused(zh: str, en: str) -> int:
    print(both(zh, en), file=sys.stderr)
    return MISUSED


def _diverged(problem: Exception, out: str) -> int:
    print(problem, both(
        f"{out} 里的检查点和生成器仍然可用。用同样的设置接着训练，会在同一步再次出错；"
        "请换一个文件夹，用更小的 --lr 重新开始。",
        f"The checkpoint and the generator in {out} are still good. Resumed with the same "
        "settings, it would fail at the same step; begin anew in another folder with a smaller "
        "--lr."), sep="\n", file=sys.stderr)
    return FAILED


def _interrupted(out: str) -> int:
    print(both("\n已中断。", "Interrupted."), file=sys.stderr)
    if (Path(out).expanduser() / "settings.json").exists():
        print(both("从最后一个检查点接着训练：", "To go on from the last checkpoint:"),
              f"  python -m gan_lessons train --resume --out {out}", sep="\n", file=sys.stderr)
    return INTERRUPTED
