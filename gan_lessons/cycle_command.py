"""`train cyclegan`, `train pix2pix`, and `sample` for their runs: two folders in, pictures out.

The folder of a run:

    settings.json            what the run was told; enough to build its game again
    checkpoint.safetensors   the whole game, see `checkpoint`
    history.csv              a row for every step: its number, then the columns of the game
    summary.json             how far it is
    grids/                   pictures of A and what became of them, then of B, step by step

The checkpoint is the truth; the rest is written anew from it.
"""

import argparse
import json
import math
import os
import shlex
import time
from dataclasses import asdict, dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Any

from gan_lessons.util import both, check_empty, tell, whole_number, write_atomically

GAMES = ("cyclegan", "pix2pix")
INTERRUPTED = 130  # exit code, of these commands and of all others
SETTINGS_FILE = "settings.json"  # as in `runs`, which takes a while to import
DIRECTIONS = ("a-to-b", "b-to-a")
SHOWN = 8  # pictures of each set in a grid
LARGEST = 4096  # side of a picture to translate: of a larger one the memory runs out
EXAMPLES = """\
例子 / examples:
  python -m gan_lessons train cyclegan --a toy-faces-core:glasses=none \\
      --b toy-faces-core:glasses=round --size 32 --batch 8 --steps 600 --out runs/glasses
  python -m gan_lessons train cyclegan --a summer --b winter --size 64 --minutes 480 --out runs/x
  python -m gan_lessons train pix2pix --a drawings --b photos --steps 20000 --out runs/y
  python -m gan_lessons train --resume --out runs/x --minutes 480
  python -m gan_lessons sample --run runs/x --pictures my_photos --direction b-to-a --out made
"""


@dataclass
class Settings:
    """The game and the two sets of a run; None leaves a setting to the game."""

    game: str  # one of GAMES
    a: str  # a folder or archive of pictures, or toys by name, see `pictures`
    b: str
    size: int = 64  # the side that pictures are read at, for training
    drawn: int = 4000  # toy pictures to draw
    threads: int | None = None  # of the CPU; another number rounds otherwise; None: all cores
    network: str | None = None  # this and the rest: as in `cycle.cyclegan` and `cycle.CycleGAN`
    features: int | None = None
    downs: int | None = None
    patch: int | None = None
    batch: int | None = None
    lr: float | None = None
    cycle: float | None = None
    identity: float | None = None
    buffer: int | None = None
    l1: float | None = None
    precision: str | None = None
    seed: int = 0
    steps: int | None = None  # in all; in the second half the learning rate falls to 0

    def __post_init__(self):
        from gan_lessons.run_settings import check_numbers

        check_numbers(self, whole=("size", "drawn", "threads", "features", "downs", "batch",
                                   "steps"),
                      positive=("lr",), from_zero=("buffer", "seed"))
        for name in ("cycle", "identity", "l1"):
            weight = getattr(self, name)
            if weight is not None and not 0 <= weight < math.inf:
                raise ValueError(both(f"{name} 必须是不小于 0 的数，收到 {weight}。",
                                      f"{name} must be a number of 0 or more, got {weight}."))
        for name in OF_THE_OTHER[self.game]:
            if getattr(self, name) is not None:
                raise ValueError(both(f"{self.game} 没有 {name} 这一项。",
                                      f"{self.game} has no {name}: leave it out."))
        if not (self.a and self.b):
            raise ValueError(both("--a 和 --b 不能是空的。", "--a and --b must not be empty."))


OF_THE_OTHER = {"cyclegan": ("l1",), "pix2pix": ("cycle", "identity", "buffer")}
# The options of `train`: name, how to read it, help.
NUMBERS = (
    ("size", int, "训练用的边长，默认 64", "side of the pictures in training, 64 unless given"),
    ("drawn", int, "画多少张玩具图片，默认 4000", "toy pictures to draw, 4000 unless given"),
    ("network", str, "生成器：unet（默认）或 resnet", "the generators: unet (default) or resnet"),
    ("features", int, "第一层的通道数，默认 16", "channels of the first layers, 16 unless given"),
    ("downs", int, "生成器把边长减半几次，unet 默认 3", "how often generators halve the side, 3"),
    ("patch", int, "判别器看多大的块：1、2、3 是 16、34、70 像素，默认 2",
     "patches of the critics: 1, 2, 3 for 16, 34, 70 pixels;\n2 unless given"),
    ("batch", int, "批大小，默认 4", "batch size, 4 unless given"),
    ("lr", float, "学习率，默认 1e-3", "learning rate, 1e-3 unless given"),
    ("cycle", float, "循环损失的权重，默认 10", "cyclegan: weight of the cycle loss, 10"),
    ("identity", float, "身份损失的权重，默认 5", "cyclegan: weight of the identity loss, 5"),
    ("buffer", int, "判别器记住几张旧的假图，默认 50", "cyclegan: old fakes that critics see, 50"),
    ("l1", float, "L1 损失的权重，默认 100", "pix2pix: weight of the L1 loss, 100"),
    ("precision", str, "float32、bfloat16 或 auto", "float32 (default), bfloat16 or auto"),
    ("seed", int, "随机种子，默认 0", "random seed, 0 unless given"),
    ("steps", int, "一共走几步；学习率在后一半降到 0",
     "steps in all; the learning rate falls to 0 in the\nsecond half"),
    ("minutes", float, "这一次最多训练几分钟，到时保存并停下",
     "minutes of this session; saves and stops then"),
    ("threads", int, "CPU 线程数，默认全部核心", "CPU threads, all cores unless given"))


def concerns(argv: list[str]) -> bool:
    """Tell whether a command line is for one of these games, by its name or by its run's folder."""
    if argv[1:2] and argv[1] in GAMES:
        return True
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--run")
    parser.add_argument("--out")
    known, _ = parser.parse_known_args(argv)
    if argv[:1] == ["sample"]:
        wanted = any(word.partition("=")[0] == "--pictures" for word in argv)
        return wanted or (known.run is not None and read_about(known.run).get("game") in GAMES)
    return known.out is not None and read_about(known.out).get("game") in GAMES


def read_about(folder: str | Path) -> dict[str, Any]:
    """Return what settings.json in a folder says; {} where there is no such file."""
    try:
        about = json.loads((Path(folder).expanduser() / SETTINGS_FILE).read_bytes())
    except (OSError, ValueError):
        return {}
    return about if isinstance(about, dict) else {}


# ---- train ----

def add_train(parser: argparse.ArgumentParser) -> None:
    """Add the options of `train cyclegan` and `train pix2pix`."""
    parser.epilog = EXAMPLES
    parser.add_argument("game", nargs="?", choices=GAMES, help=both(
        "cyclegan 不要配对；pix2pix 按文件名配对",
        "cyclegan wants no pairs, pix2pix pairs by name"))
    for name in ("a", "b"):
        parser.add_argument(f"--{name}", metavar="SET", help=both(
            f"图片 {name.upper()}：文件夹、压缩包，或 toy-faces:glasses=none 这样的玩具图片",
            f"pictures {name.upper()}: a folder, an archive, or toys, as in\n"
            "toy-faces:glasses=none"))
    for name, reader, zh, en in NUMBERS:
        parser.add_argument("--" + name.replace("_", "-"), type=reader, metavar="X",
                            help=both(zh, en))
    parser.add_argument("--save-every", type=int, default=500, metavar="X", help=both(
        "每几步存一次、画一次，默认 500", "steps between two checkpoints and grids, 500"))
    parser.add_argument("--out", metavar="FOLDER", help=both("训练文件夹", "the folder of the run"))
    parser.add_argument("--resume", action="store_true", help=both(
        "接着训练 --out 里的那一次", "go on with the run in --out"))
    parser.add_argument("--quiet", action="store_true", help=both("不显示进度", "no progress bar"))


def train(args: argparse.Namespace) -> int:
    """Begin a run or go on with one; the exit code is 130 where Ctrl-C ended it."""
    from gan_lessons import checkpoint, cycle, runs, runtime

    folder, settings = checked(args)
    runtime.set_threads(settings.threads or runtime.cores())
    a, b = both_sets(settings)
    game = made(settings)
    cycle.check_fit(game, a, b)  # before anything is written
    game.data = f"{a.described()} | {b.described()}"  # a checkpoint of other pictures is refused
    with runs.alone(folder):
        path = folder / runs.CHECKPOINT
        if args.resume and path.exists():  # with other --steps the rate falls later, or anew
            checkpoint.load(game, path, changed=("decay",))
        elif args.resume and (folder / runs.HISTORY_FILE).exists():
            raise runs.BadRun(f"{path} is gone, and without it the run cannot go on. Put it back, "
                              "or begin anew in another folder. Nothing was changed.")
        runs.write_json(folder / SETTINGS_FILE, asdict(settings))
        tell(both(f"训练保存在 {folder}（{game.device}），从第 {game.step} 步开始。"
                  f"A 有 {len(a)} 张图，B 有 {len(b)} 张。按 Ctrl-C 会在这一步之后保存并停下。",
                  f"Training in {folder}, on {game.device}, from step {game.step}. A: {len(a)} "
                  f"pictures, B: {len(b)}. Ctrl-C saves and stops after the step."))
        writer = Writer(folder, a, b, args)
        last = settings.steps or runs.ENDLESS
        looks = runs.steps_between_looks(game.device, args.save_every)
        try:
            cycle.fit(game, a, b, last, save_to=path, save_every=args.save_every, watch=writer,
                      watch_every=looks, progress=not args.quiet)
        except checkpoint.TrainingDiverged as problem:
            raise ValueError(f"{problem}\nThe checkpoint in {folder} is still good. Begin anew in "
                             "another folder, with a smaller --lr.") from problem
        except KeyboardInterrupt:  # the second; the first saves and stops
            tell("Interrupted. To go on from the last checkpoint:\n  python -m gan_lessons train "
                 f"--resume --out {shlex.quote(str(folder))} --steps {settings.steps or 'N'}")
            return INTERRUPTED
        state = "finished" if game.step >= last else writer.time_is_up or "stopped"
        saved = checkpoint.saved_step(path)
        writer(game, state if saved == game.step else "not saved")
        if saved != game.step:
            raise runs.not_saved(path, saved, game.step)
    tell(runs.how_it_ended(state, game.step))
    tell(f"  python -m gan_lessons sample --run {shlex.quote(str(folder))} --pictures FOLDER "
         "--out made")
    return INTERRUPTED if state == "stopped" else 0


def checked(args: argparse.Namespace) -> tuple[Path, Settings]:
    """Return the folder and the settings of the run; end the command when they will not do."""
    from gan_lessons import runs

    if args.out is None or (args.steps or args.minutes) is None:
        args.parser.error("name the folder of the run with --out, and how long: --steps, --minutes")
    if args.minutes is not None and not 0 < args.minutes < math.inf:
        args.parser.error(f"--minutes must be a number above 0, got {args.minutes:g}")
    whole_number("save_every", args.save_every, 1)
    folder = Path(args.out).expanduser()
    told = {field.name: getattr(args, field.name) for field in fields(Settings)
            if getattr(args, field.name) is not None}
    told |= {name: absolute(told[name]) for name in ("a", "b") if name in told}
    if not args.resume:
        if not {"game", "a", "b"} <= told.keys():
            args.parser.error("name a game, --a and --b, or go on with a run by --resume")
        runs.check_new(folder)
        settings = Settings(**told)
        for spec in (settings.a, settings.b):
            runs.check_outside(folder, spec)
        return folder, settings
    about = read_about(folder)
    if about.get("game") not in GAMES:
        raise no_such_run(folder)
    runs.compare(folder, dict.fromkeys(told) | about,
                 {name: told[name] for name in told.keys() - {"threads", "steps"}})
    return folder, Settings(**about | told)


def no_such_run(folder: Path) -> FileNotFoundError:
    """Return the error of a folder that holds no run of these games."""
    return FileNotFoundError(both(f"{folder} 里没有 cyclegan 或 pix2pix 的训练。请检查路径。",
                                  f"There is no run of cyclegan or pix2pix in {folder}. Check the "
                                  "path."))


def absolute(spec: str) -> str:
    """Return the path of a folder made absolute: a run may be resumed from another place."""
    if spec and Path(spec).expanduser().exists():
        return os.path.abspath(os.path.expanduser(spec))
    return spec


def made(settings: Settings):
    """Return the game before its first step; all pictures are in colour here."""
    from gan_lessons import cycle

    about = ("game", "a", "b", "size", "drawn", "threads", "steps")  # the rest is the game's
    changes = {name: value for name, value in asdict(settings).items()
               if value is not None and name not in about}
    make = cycle.pix2pix if settings.game == "pix2pix" else cycle.cyclegan
    return make(decay=settings.steps, **changes)


class Writer:
    """Keeps the folder of a run up to date; `cycle.fit` calls it with the game after each step."""

    def __init__(self, folder: Path, a, b, args: argparse.Namespace):
        self.folder = folder
        self.a, self.b = (shown[[i % len(shown) for i in range(SHOWN)]].images for shown in (a, b))
        self.every, self.minutes = args.save_every, args.minutes
        self.began, self.time_is_up = time.monotonic(), ""

    def __call__(self, game, state: str = "running") -> bool:
        """Write what is due, or a last `state`; return True when the time is up."""
        if game.step % self.every == 0 or state != "running":
            try:
                self.write(game, state)
            except OSError as problem:  # a disk that is full now is not the end of a long run
                tell(f"Step {game.step}: the run folder could not be written ({problem}).")
        if self.minutes and time.monotonic() - self.began > 60 * self.minutes:
            self.time_is_up = "time is up"
        return bool(self.time_is_up)

    def write(self, game, state: str) -> None:
        """Write history, summary and a grid: A, what it became, and back; and the same from B."""
        from gan_lessons import runs

        rows = [",".join(map(str, (i, *row))) for i, row in enumerate(game.history.tolist(), 1)]
        text = "\n".join([",".join(["step", *game.columns]), *rows, ""])
        write_atomically(self.folder / runs.HISTORY_FILE, text.encode())
        runs.write_json(self.folder / runs.SUMMARY, {"state": state, "step": game.step})
        runs.write_png(self.folder / "grids" / f"step_{game.step:06}.png",
                       there_and_back(game, self.a, self.b))


def there_and_back(game, a, b):
    """Return rows of eight: A, as B, and back; B, as A, and back. Of pix2pix A, as B, and B."""
    import torch

    from gan_lessons.cycle import translate

    as_b = translate(game.a_to_b, a)
    rows = [a, as_b, b]
    if "b_to_a" in game.parts:
        as_a = translate(game.b_to_a, b)
        rows = [a, as_b, translate(game.b_to_a, as_b), b, as_a, translate(game.a_to_b, as_a)]
    return torch.cat(rows)


# ---- the sets ----

def both_sets(settings: Settings):
    """Return A and B; for pix2pix, picture i of A belongs to picture i of B.

    Toys are other people for CycleGAN, and the same ones for pix2pix. Folders are paired by the
    names of their files.
    """
    paired = settings.game == "pix2pix"
    folders = [Path(spec).exists() for spec in (settings.a, settings.b)]
    if paired and all(folders):
        return pairs(settings.a, settings.b, settings.size)
    kinds = {spec.partition(":")[0] for spec in (settings.a, settings.b)}
    if paired and (any(folders) or len(kinds) > 1):
        raise ValueError(both(
            "pix2pix 要成对的图片：两个文件夹，或同一种玩具图片。没有配对，请用 cyclegan。",
            "pix2pix wants pairs: two folders, or toys of one kind. Without pairs take cyclegan."))
    return (pictures(settings.a, settings, seed=0),
            pictures(settings.b, settings, seed=0 if paired else 1))


def pictures(spec: str, settings: Settings, seed: int):
    """Return the pictures of a folder or archive, or toys, named as in toy-faces:glasses=none."""
    from gan_lessons import data
    from gan_lessons.run_settings import TOYS

    if Path(spec).exists():
        return data.folder(spec, size=settings.size)
    name, _, fixed = spec.partition(":")
    if name not in TOYS:
        raise FileNotFoundError(both(
            f"没有 {spec!r} 这个文件或文件夹，玩具图片里也没有（{', '.join(TOYS)}）。",
            f"There is no file or folder {spec!r}, nor are there toys of that name "
            f"({', '.join(TOYS)})."))
    draw, core = TOYS[name]
    factors = dict(part.partition("=")[::2] for part in fixed.split(",") if part)
    drawn = draw(settings.drawn, size=settings.size, seed=seed, core=core, factors=factors)
    return replace(drawn, name=spec)


def pairs(a: str, b: str, size: int):
    """Return two sets of the pictures that are in both folders under one name, in one order."""
    import torch

    from gan_lessons.data import ImageSet
    from gan_lessons.data.cache import cached
    from gan_lessons.data.sources import open_source

    of_a, of_b = (cached(open_source(path), size) for path in (a, b))
    at_a, at_b = (by_stem(found.names) for found in (of_a, of_b))
    common = [(i, at_b[name]) for name, i in at_a.items() if name in at_b]
    if not common:
        raise ValueError(both(
            f"{a} 和 {b} 里没有同名的图片；pix2pix 按文件名配对。",
            f"No picture of {a} has the name of one of {b}; pix2pix finds its pairs by name."))
    tell(f"{len(common)} pairs, of {len(of_a.names)} and {len(of_b.names)} pictures.")
    return tuple(ImageSet(torch.from_numpy(found.images)[list(chosen)], None, Path(path).name)
                 for found, chosen, path in zip((of_a, of_b), zip(*common, strict=True), (a, b),
                                                strict=True))


def by_stem(names: list[str]) -> dict[str, int]:
    """Return the place of each picture by its name without folder and ending."""
    from gan_lessons.data.sources import stem

    places = {}
    for i, name in enumerate(names):
        before = places.setdefault(stem(name), i)
        if before != i:
            raise ValueError(both(
                f"{names[before]} 和 {name} 同名（不算文件夹和扩展名），分不开。请改名，或一次只用"
                "一个文件夹。",
                f"{names[before]} and {name} have one name (without folder and ending) and cannot "
                "be told apart. Rename one of them, or take one folder at a time."))
    return places


# ---- sample ----

def add_sample(parser: argparse.ArgumentParser) -> None:
    """Add the options of `sample` for a run of these games."""
    parser.description = both("把图片交给训练好的生成器。", "Give pictures to a trained generator.")
    parser.add_argument("--run", dest="folder", required=True, help=both(
        "训练文件夹", "the folder of the run"))
    parser.add_argument("--pictures", metavar="FOLDER", required=True, help=both(
        "任何大小的图片", "pictures of any size and shape"))
    parser.add_argument("--direction", choices=DIRECTIONS, default=DIRECTIONS[0], help=both(
        "哪个方向，默认 a-to-b", "which way, a-to-b unless given"))
    parser.add_argument("--size", type=int, metavar="N", help=both(
        "先把短边缩放到这个长度；默认保持原来的大小",
        "scale the short side to this first; as it is, unless given"))
    parser.add_argument("--out", metavar="FOLDER", required=True, help=both(
        "存到哪个文件夹", "the folder to write to"))


def sample(args: argparse.Namespace) -> int:
    """Translate every picture of a folder and store it under its own name, as PNG."""
    from gan_lessons import checkpoint, runs
    from gan_lessons.cycle import translate
    from gan_lessons.data.sources import open_source

    folder, out = Path(args.folder).expanduser(), Path(args.out).expanduser()
    about = read_about(folder)
    if about.get("game") not in GAMES:
        raise no_such_run(folder)
    settings = Settings(**about)
    if args.size is not None and not 1 <= args.size <= LARGEST:
        raise ValueError(both(f"--size 必须在 1 和 {LARGEST} 之间，收到 {args.size}。",
                              f"--size must be between 1 and {LARGEST}, got {args.size}."))
    source = open_source(args.pictures)
    check_empty(out)
    game, part = made(settings), args.direction.replace("-", "_")
    if part not in game.parts:
        raise ValueError(both("pix2pix 只能从 A 到 B。", "pix2pix only goes from A to B."))
    checkpoint.load(game, folder / runs.CHECKPOINT, only=("networks",))
    white = white_in(source)
    n = 0
    with source.reader() as read:
        for name, i in by_stem(source.names).items():
            try:
                picture = picture_of(read(source.names[i]), args.size, white)
            except Exception as problem:  # a damaged file or archive can raise nearly anything
                tell(f"{source.names[i]}: {problem}")
                continue
            runs.write_png(out / f"{name}.png", translate(getattr(game, part), picture[None]))
            n += 1
    tell(f"{n} pictures, translated {args.direction} at step "
         f"{checkpoint.saved_step(folder / runs.CHECKPOINT)}: {out}")
    return 0 if n else 1


def white_in(source) -> int:
    """Return the value of white in the 16-bit pictures of a source, found as for training.

    What was found is printed, as when a set is prepared for training, see `data.cache.Remarks`.
    """
    from gan_lessons.data.cache import Remarks
    from gan_lessons.data.decode import Decoded, decode, each_picture

    remarks = Remarks()
    for picture in each_picture(source, partial(decode, size=1)):
        if isinstance(picture, Decoded):
            remarks.add(picture)
    remarks.tell(source.path)
    return remarks.white


def picture_of(raw: bytes, size: int | None, white: int):
    """Return a picture, uint8 (3, H, W), at its own size or with its short side scaled to `size`.

    Of a picture more than eight times as long as wide the middle is kept. `white` is the value
    that becomes 255 in pictures of 16 bits.
    """
    import torch

    from gan_lessons.data.decode import decode, opened

    if size is None:
        size = min(opened(raw).size)
    return torch.from_numpy(decode(raw, size, whole=True, white=white).pixels)


OPTIONS = {"train": (add_train, train), "sample": (add_sample, sample)}  # as in cli.COMMANDS
