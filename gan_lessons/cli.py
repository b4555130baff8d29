"""The command line: `gan-lessons`, or `python -m gan_lessons`, with a command.

Only the command that was asked for is imported: the help comes at once, and `doctor` runs where
torch is broken, too. Exit codes: 0, 1 for what failed, 2 for wrong arguments, 130 for a training
that Ctrl-C, SIGTERM or SIGHUP has stopped.
"""

import argparse
import os
import re
import shlex
import signal
import socket
import sys
import textwrap
import threading
from collections.abc import Callable, Iterable
from dataclasses import fields
from difflib import get_close_matches
from pathlib import Path
from urllib.error import URLError
from urllib.request import getproxies

from gan_lessons import cycle_command
from gan_lessons.cycle_command import INTERRUPTED
from gan_lessons.util import both, check_empty

FAILED = 1
ENDING = threading.Lock()  # taken by the thread that ends this process, see `end_job`
CAUGHT_UP = 5  # times 1 / (1 - ema): steps until the average paints as well as the newest weights.
# Its BatchNorm lags: dcgan with ema 0.999 on toy faces is at a Fréchet distance of 12599 at step
# 2000, 1404 at 4000 and 844 at 5000, the newest weights at 1157, 1103 and 1310.
TRAIN_USAGE = """
  python -m gan_lessons train RECIPE --data SET --steps N --out FOLDER [options]
  python -m gan_lessons train --resume --out FOLDER [options]"""
TRAIN_EXAMPLES = """\
例子 / examples:
  python -m gan_lessons train dcgan --data toy-faces --steps 5000 --out runs/a
  python -m gan_lessons train wgan --data celeba --subset 0.1 --epochs 30 \\
      --precision auto --out runs/celeba
  python -m gan_lessons train dcgan --data my_photos --size 32 --minutes 480 \\
      --loss hinge --norm spectral --out runs/night
  python -m gan_lessons train rpgan --data mnist --conditional --steps 5000 \\
      --out runs/digits
  python -m gan_lessons train --resume --out runs/night --minutes 480
  torchrun --nproc-per-node 4 -m gan_lessons train --resume --out runs/night
图到图 / from picture to picture:
  python -m gan_lessons train cyclegan --help
  python -m gan_lessons train pix2pix --help
"""
# The options of `train` by group: name, how to read it, help. All but the last four rows are the
# fields of `runs.Settings` and `runs.Schedule`, which say what is in range.
TRAIN_OPTIONS = {
    "数据 / data": (
        ("data", str, "下列名字，或图片文件夹、压缩包的路径",
         "one of the sets below, or the path of a folder or\narchive of pictures"),
        ("drawn", int, "画多少张玩具图片，默认 10000；stacked-mnist 128000",
         "toy pictures to draw, 10000 unless given;\nstacked-mnist: 128000"),
        ("root", str, "celeba 或 lsun-bedrooms 在哪里", "where celeba or lsun-bedrooms lies"),
        ("conditional", str, "只用于 rpgan：按类别画；X,Y 是玩具图片的因素；\n"
         "自己的图片每类一个子文件夹", "for rpgan: G is told the class; of toys, X and Y are\n"
         "factors; your own have a folder a class"),
        ("subset", float, "只取一部分，如 0.1", "only a share of the pictures, such as 0.1"),
        ("size", int, "边长（像素），默认 64，手写数字 32",
         "side in pixels, 64 unless given, 32 for digits")),
    "网络 / networks": (
        ("features", int, "边长一半处有多少通道，默认 64，sngan、rpgan 32",
         "channels at half the size, 64 unless given;\nsngan, rpgan: 32"),
        ("latent", int, "z 的长度，默认 100，sngan、rpgan 64",
         "length of z, 100 unless given; sngan, rpgan: 64"),
        ("extra_layers", int, "两个网络各加几层 3x3 卷积", "3x3 layers added to both networks"),
        ("norm", str, "归一化，默认 batch，sngan spectral",
         "normalisation, batch unless given; sngan spectral")),
    "训练（默认由配方定）/ training (as the recipe has it, unless given)": (
        ("loss", str, "只用于 dcgan 和 rpgan", "for dcgan and rpgan"),
        ("penalty", str, "梯度惩罚，代替权重裁剪；不能和批归一化一起用",
         "a gradient penalty instead of clipping; no BatchNorm"),
        ("penalty_weight", float, "它的权重，默认 gp 10，其余 1", "its weight; gp 10, others 1"),
        ("penalty_every", int, "每几步 D 算一次惩罚，相应加重",
         "steps of D between two penalties, each as much stronger"),
        ("clip_gradients", float, "每个玩家的梯度范数上限",
         "the largest norm of a player's gradient"),
        ("augment", bool, "图片少时用：D 看到的真假图片都做随机增广（DiffAugment）",
         "for few pictures: D sees all augmented, DiffAugment"),
        ("batch", int, "批大小", "batch size"),
        ("lr", float, "学习率", "learning rate"),
        ("n_critic", int, "G 每走一步，D 走几步", "steps of D for each step of G"),
        ("warm_up", bool, "WGAN 作者的做法：有时先让 D 走 100 步",
         "the WGAN authors' long turns of D, 100 steps each"),
        ("decay", int, "用多少步把学习率降到 2 %%；sngan、rpgan 默认同 --steps",
         "steps over which the learning rate falls to 2 %%;\nsngan, rpgan: --steps unless given"),
        ("freeze_batchnorm", int, "从第几步起固定 G 的批归一化；见第 06 课",
         "the step from which G's BatchNorm is frozen, lesson 06"),
        ("precision", str, "计算精度，默认 float32；auto 在合适的硬件上用 bfloat16",
         "of the arithmetic, float32 unless given;\nauto takes bfloat16 where it pays"),
        ("seed", int, "随机种子，默认 0", "random seed, 0 unless given")),
    "多久（哪个先到算哪个）/ how long (the first ends it)": (
        ("steps", int, "G 一共走几步", "steps of G, in all"),
        ("epochs", float, "D 一共看几遍数据", "passes of D over the pictures, in all"),
        ("minutes", float, "这一次最多训练几分钟，到时保存并停下",
         "minutes of this session; saves and stops then")),
    "输出 / output": (
        ("sample_every", int, "每几步画一张图，默认 500",
         "steps between two grids, 500 unless given"),
        ("save_every", int, "每几步存一次检查点，默认 500",
         "steps between two checkpoints, 500 unless given"),
        ("measure_every", int, "每几步给 1000 个样本评分，数字和玩具图片可用；\n"
         "写进 measured.csv；0 表示不再评分",
         "steps between two measurements of 1000 samples, of\ndigits and toy pictures; in "
         "measured.csv;\n0: no more of them"),
        ("threads", int, "CPU 线程数，默认全部核心", "CPU threads, all cores unless given"),
        ("out", str, "训练文件夹，如 runs/x", "the folder of the run, such as runs/x"),
        ("resume", bool, "接着训练 --out 里的那一次，设置用存下的",
         "go on with the run in --out, with its settings"),
        ("tensorboard", bool, "也写 TensorBoard 日志（要另装）",
         "write TensorBoard logs, too (install tensorboard)"),
        ("quiet", bool, "不显示进度", "no progress bar, no messages")),
}


def main(argv: list[str] | None = None) -> int:
    """Carry out one command and return the exit code; without a command, print the help."""
    for stream in (sys.stdout, sys.stderr):  # a console without Chinese shows \uXXXX
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    os.environ["MPLBACKEND"] = "Agg"  # only files are drawn; a notebook's backend may be missing
    args = read_arguments(sys.argv[1:] if argv is None else argv)
    try:
        code = args.run(args)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        print("Interrupted. What was done is kept; run the same command again and it goes on from "
              "there.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # whoever reads the output, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as problem:
        print(in_words(problem), file=sys.stderr)
        return FAILED
    except ValueError as problem:
        if os.environ.get("RANK", "0") == "0":  # it meets every rank of torchrun; one tells of it
            print(problem, file=sys.stderr)
        return FAILED


def read_arguments(argv: list[str]) -> argparse.Namespace:
    """Read the words of the command line; `run` is the function that carries them out."""
    parser = argparse.ArgumentParser(
        prog="python -m gan_lessons", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="GAN Lessons · 生成对抗网络课：命令行工具 / command-line tools")
    parser.set_defaults(run=print_help, parser=parser)
    commands = parser.add_subparsers(title="命令 / commands", metavar="command")
    for name, (summary, add_options, run) in COMMANDS.items():
        if name == "data" and name in argv[:1]:
            from gan_lessons.data.commands import add

            add(commands)
            continue
        if name in argv[:1] and name in cycle_command.OPTIONS and cycle_command.concerns(argv):
            add_options, run = cycle_command.OPTIONS[name]
        command = commands.add_parser(name, help=summary, description=summary,
                                      formatter_class=argparse.RawTextHelpFormatter)
        command.set_defaults(run=run, parser=command)
        if name in argv[:1] and add_options is not None:
            add_options(command)
    args, unknown = parser.parse_known_args(argv)
    if unknown:  # argparse by itself shows the usage of no command, and no option
        message = f"unrecognized arguments: {shlex.join(unknown)}"
        options = re.findall(r"--[a-z0-9-]+", args.parser.format_help())
        for close in get_close_matches(unknown[0], options, 1):
            message += "\n" + both(f"你是不是想写 {close}？", f"Did you mean {close}?")
        args.parser.error(message)
    return args


def print_help(args: argparse.Namespace) -> int:
    """Print the help of the whole command line."""
    args.parser.print_help()
    return 0


def in_words(problem: OSError) -> str:
    """Return the system's error as a user should read it; the course's own is in words already."""
    proxies = sorted({f"{name}_proxy={address}" for name, address in getproxies().items()})
    if isinstance(problem, URLError) and proxies:
        used = ", ".join(proxies)
        return f"{problem}\n" + both(f"经过的代理是 {used}；它不通的话，请取消这个环境变量。",
                                     f"It went through {used}; where that proxy is dead, unset the "
                                     "variable.")
    if problem.errno is None:
        return str(problem)
    return (f"Cannot read or write {problem.filename or 'the disk'}: {problem.strerror}. Check the "
            "path, its permissions and the disk; GAN_LESSONS_CACHE moves the cache to another "
            "folder. What was saved before is still good.")


def doctor(args: argparse.Namespace) -> int:
    """Print the check-up; the exit code is 0 when the lessons can start, else 1."""
    from gan_lessons.doctor import check, report, verdict

    findings = check()
    report(findings)
    return 0 if verdict(findings) == "ready" else FAILED


# ---- train ----

def add_train(parser: argparse.ArgumentParser) -> None:
    """Add the options of `train`."""
    from gan_lessons.run_settings import CHOICES, SETS

    parser.usage = TRAIN_USAGE
    sets = textwrap.fill(", ".join(SETS), 78, initial_indent="  ", subsequent_indent="  ")
    parser.epilog = f"数据 / sets of pictures:\n{sets}\n\n{TRAIN_EXAMPLES}"
    parser.add_argument("recipe", nargs="?", choices=tuple(CHOICES["recipe"]),
                        help=both("配方：网络、损失和设置", "networks, loss and settings"))
    for title, options in TRAIN_OPTIONS.items():
        group = parser.add_argument_group(title)
        for name, reader, zh, en in options:
            option, text = "--" + name.replace("_", "-"), both(zh, en)
            choices = None
            if name in CHOICES:
                choices = tuple(CHOICES[name])
                text += ":\n" + textwrap.fill(", ".join(map(str, choices)), 54)
            if name == "conditional":
                group.add_argument(option, nargs="?", const="class", metavar="X,Y", help=text)
            elif reader is bool:
                group.add_argument(option, action="store_true", default=None, help=text)
            else:
                group.add_argument(option, type=reader, choices=choices, metavar="X", help=text)


def train(args: argparse.Namespace) -> int:
    """Begin a run or go on with one; under torchrun, together with the other processes."""
    from gan_lessons import checkpoint, distributed, runs

    settings, schedule = checked_options(args)
    options = given(args, ("tensorboard", "quiet")) | schedule
    if distributed.launched() > 1:
        end_at_sigterm(args.out)  # by which torchrun ends its processes
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # `fit` takes the first Ctrl-C; torchrun sends
        # it a second time, which must not cut the saving short
    try:
        distributed.join()
        if args.resume:
            run = runs.resume(args.out, expected=settings, **options)
        else:
            run = runs.train(runs.Settings(**settings), args.out, **options)
    except checkpoint.TrainingDiverged as problem:
        print(problem, f"The checkpoint and the generator in {args.out} are still good. Resumed "
              "with the same settings, it would fail at the same step; begin anew in another "
              "folder with a smaller --lr.", sep="\n", file=sys.stderr)
        return FAILED
    except RuntimeError as problem:
        if distributed.joined() and "gloo" in str(problem):  # a peer of ours is gone
            end_job(args.out)
        raise
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        if (Path(args.out).expanduser() / runs.SETTINGS_FILE).exists():
            print("To go on from the last checkpoint:\n  python -m gan_lessons train --resume "
                  f"--out {shlex.quote(args.out)}", file=sys.stderr)
        return INTERRUPTED
    finally:
        distributed.leave()
    return INTERRUPTED if run.summary.get("state") == "stopped" else 0


def checked_options(args: argparse.Namespace) -> tuple[dict, dict]:
    """Return the given settings and schedule; end the command when they will not do."""
    from gan_lessons.run_settings import Schedule, Settings

    settings = given(args, [field.name for field in fields(Settings)])
    schedule = given(args, [field.name for field in fields(Schedule)])
    if args.out is None:
        args.parser.error(both("请用 --out 指定保存训练的文件夹，例如 --out runs/mine",
                               "name the folder of the run with --out, such as --out runs/mine"))
    if not args.resume and not {"recipe", "data"} <= settings.keys():
        args.parser.error(both("请写明配方和 --data，如上；接着训练请加 --resume",
                               "name a recipe and --data, as above, or go on with a run by "
                               "--resume"))
    try:
        if args.resume:
            Schedule(**{"minutes": 1.0} | schedule)  # a run to resume has an end of its own
        else:
            Schedule(**schedule)
            Settings(**settings)
    except ValueError as problem:
        args.parser.error(str(problem))
    return settings, schedule


def given(args: argparse.Namespace, names: Iterable[str]) -> dict:
    """Return those of the options that were given on the command line."""
    return {name: getattr(args, name) for name in names if getattr(args, name) is not None}


def end_at_sigterm(out: str) -> None:
    """Let a thread of its own end this process at SIGTERM.

    Python would call a handler in the main thread, and not before this comes back from gloo. About
    once in a thousand times gloo does not notice that a peer was killed, and waits ten minutes.
    """
    here, there = socket.socketpair()
    there.setblocking(False)
    signal.signal(signal.SIGTERM, lambda *_: None)  # Python then writes its number to `there`
    signal.set_wakeup_fd(there.detach())

    def wait() -> None:
        while signal.SIGTERM not in here.recv(1):  # not some other signal
            pass
        end_job(out)

    threading.Thread(target=wait, daemon=True).start()


def end_job(out: str) -> None:
    """End this process of a torchrun job, because another one has ended before its time."""
    ENDING.acquire()  # and never let go: whoever is second has nothing to say
    print(f"\nRank {os.environ['RANK']} stops: another process of the job was killed or failed, or "
          "the job was told to end. What the last checkpoint holds is safe. To go on, with as many "
          "processes as you like:\n  torchrun --nproc-per-node N -m gan_lessons train --resume "
          f"--out {shlex.quote(out)}", file=sys.stderr, flush=True)
    os._exit(FAILED)  # at once: there is nobody left to say goodbye to


# ---- sample and measure ----

def whole(least: int, most: int) -> Callable[[str], int]:
    """Return a reader of whole numbers between `least` and `most` for argparse."""
    def read(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(
                f"must be a whole number between {least} and {most}, got {text!r}")
        return int(text)
    return read


def add_run_options(parser: argparse.ArgumentParser, least: int, n: int, *,
                    required: bool = True) -> None:
    """Add what both commands want to know: the run, how many pictures, of which weights."""
    parser.add_argument("--run", required=required, dest="folder", metavar="FOLDER", help=both(
        "训练文件夹", "the folder of the run"))
    parser.add_argument("-n", type=whole(least, 100_000), default=n, metavar="N", help=both(
        f"几张，默认 {n}", f"how many pictures, {n} unless given"))
    parser.add_argument("--seed", type=whole(0, 2**32 - 1), default=0, metavar="N", help=both(
        "随机种子，默认 0", "random seed, 0 unless given"))
    weights = parser.add_mutually_exclusive_group()
    weights.add_argument("--newest", action="store_true", default=None, help=both(
        "用最新的权重", "the newest weights"))
    weights.add_argument("--average", action="store_false", dest="newest", help=both(
        "用权重的滑动平均；默认如此，除非步数太少，它还没跟上",
        "their moving average, as is usual once it has caught up"))


def take_newest(args: argparse.Namespace, run) -> bool:
    """Tell whether to take the newest weights: when asked to, or while the average lags behind."""
    if args.newest is not None:
        return args.newest
    step, game = run.weights()[1], run.about["game"]
    caught_up = round(CAUGHT_UP / (1 - game["ema"]))
    if step >= caught_up or game.get("ema_warm_up"):  # which a run of long ago says nothing of
        return False
    zh, en = f"滑动平均到第 {caught_up} 步左右才跟得上", (
        f"The moving average lags behind until about step {caught_up}")
    if not run.has_newest():
        print(both(f"{zh}，但这里没有最新的权重，只好用它。",
                   f"{en}, but the newest weights are not here, so it has to do."))
        return False
    print(both(f"{zh}，所以用第 {step} 步最新的权重；要用滑动平均，请加 --average。",
               f"{en}, so these are the newest weights, of step {step}; --average takes it all "
               "the same."))
    return True


def add_sample(parser: argparse.ArgumentParser) -> None:
    """Add the options of `sample`."""
    parser.description = both(
        "用一次训练的生成器画图，存成 PNG。只需要两个文件：settings.json 和\n"
        "generator.safetensors（用最新的权重还要 checkpoint.safetensors）。",
        "Draw pictures with the generator of a run and store them as PNG. Only\n"
        "settings.json and generator.safetensors are needed (for the newest weights,\n"
        "checkpoint.safetensors, too).")
    add_run_options(parser, 1, 64)
    parser.add_argument("--class", dest="wanted", metavar="X", help=both(
        "有条件的训练：要哪一类，如 7 或 glasses=round，默认轮流",
        "of a conditional run: the class, such as 7 or\nglasses=round; each in turn unless given"))
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--out", metavar="FILE.png", help=both(
        "存到哪里，默认放进训练文件夹", "where to, in the folder of the run unless given"))
    where.add_argument("--each", metavar="FOLDER", help=both(
        "每张图单独一个文件，放进这个文件夹", "every picture in a file of its own, in this folder"))


def sample(args: argparse.Namespace) -> int:
    """Draw pictures with a run's generator."""
    from gan_lessons import runs

    run = runs.open(args.folder)
    newest = take_newest(args, run)
    _, step = run.weights(newest)
    kind = "newest" if newest else "average"
    if args.each:
        folder, digits = Path(args.each).expanduser(), max(4, len(str(args.n - 1)))
        check_empty(folder)
        paths = [folder / f"{i:0{digits}}.png" for i in range(args.n)]
    elif args.out:
        paths = [Path(args.out).expanduser()]
    else:
        of_class = re.sub(r"[^\w=,.-]", "-", f"_{args.wanted}") if args.wanted else ""
        paths = [run.folder / f"samples_step_{step:06}_{kind}_seed_{args.seed}_n_{args.n}"
                 f"{of_class}.png"]
    if paths[0].suffix.lower() != ".png":
        raise ValueError(f"Pictures are stored as .png; got {paths[0].name}.")
    for path in paths:
        if path.exists():
            raise FileExistsError(f"{path} is there already and was not overwritten. Delete it, or "
                                  "take another name.")
    pictures = run.sample(args.n, seed=args.seed, newest=newest, wanted=args.wanted)
    for path, part in zip(paths, pictures.split(1 if args.each else args.n), strict=True):
        runs.write_png(path, part)
    where = args.each or paths[0]
    print(both(f"第 {step} 步的生成器画的 {args.n} 张：{where}",
               f"{args.n} pictures by the generator of step {step}: {where}"))
    for name, words in run.asked.items():
        print(f"  {name}: {', '.join(words)}")
    return 0


def add_measure(parser: argparse.ArgumentParser) -> None:
    """Add the options of `measure`."""
    parser.description = both(
        "给一次训练的样本，或者一个文件夹里的图片评分：Fréchet 距离、KID、MIND、精确率和\n"
        "召回率、密度和覆盖率、Inception 分数，旁边是真图的得分。玩具图片还数组合、查有没\n"
        "有照抄；边长 32 的数字还数类别。照片用 torchvision 的 Inception v3，它不在时会说\n"
        "怎样取来。",
        "Score the samples of a run, or a folder of pictures: Fréchet distance, KID,\n"
        "MIND, precision and recall, density and coverage, Inception score, with what\n"
        "real pictures get beside them. Of toy pictures, also combinations and copies;\n"
        "of digits at 32 pixels, also classes. Photographs are seen by torchvision's\n"
        "Inception v3. Where that is missing, it says how to get it.")
    add_run_options(parser, 200, 10_000, required=False)
    parser.add_argument("--pictures", metavar="FOLDER", help=both(
        "给这个文件夹里的图片评分，不采样", "score the pictures in this folder, draw no samples"))
    parser.add_argument("--against", metavar="FOLDER", help=both(
        "没有 --run 时：和这里的真图比", "without --run: the real pictures to compare with"))
    parser.add_argument("--unseen", metavar="FOLDER", help=both(
        "和 --against 一起：没有训练过的真图，用来查有没有照抄",
        "with --against: real ones that no generator learned\nfrom, to test for copies"))
    parser.add_argument("--size", type=whole(8, 1024), default=64, metavar="N", help=both(
        "没有 --run 时：图片按这个边长读入，默认 64",
        "without --run: the side pictures are read at, 64\nunless given"))
    parser.add_argument("--features", choices=("inception", "dinov2"), help=both(
        "用哪个网络的特征；默认数字用数字分类器，\n玩具图片用读因素的网络，其余用 Inception",
        "whose features; unless given, the digit classifier's,\nthe factor reader's for toy "
        "pictures, else Inception's"))


def measure(args: argparse.Namespace) -> int:
    """Print how good the pictures of a run, or of a folder, are."""
    if args.folder is None and not (args.pictures and args.against):
        args.parser.error("name a run with --run, or two folders with --pictures and --against")
    if args.folder is not None and (args.against or args.unseen):
        args.parser.error("--against and --unseen are for folders; a run knows its real pictures")
    from gan_lessons import reports, runs

    shared = {"seed": args.seed, "features": args.features, "progress": True}
    if args.folder is None:
        print(reports.of_folder(args.pictures, args.against, unseen=args.unseen, n=args.n,
                                size=args.size, **shared))
        return 0
    run = runs.open(args.folder)
    newest = args.pictures is None and take_newest(args, run)
    print(reports.of_run(run, args.n, newest=newest, folder=args.pictures, **shared))
    return 0


COMMANDS = {  # name: its help, what adds its options, what carries it out
    "doctor": ("检查这台机器能否上课 / check that this machine is ready", None, doctor),
    "data": ("数据：列出、下载、检查、缓存 / data: list, get, check, cache", None, None),
    "train": ("长时间训练，可中断、可接着训练 / train for long, stop and resume", add_train, train),
    "sample": ("用训练好的生成器画图 / draw pictures with a trained generator", add_sample, sample),
    "measure": ("量一量训练好的生成器 / measure how good a trained generator is", add_measure,
                measure),
}
