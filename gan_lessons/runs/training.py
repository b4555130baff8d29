"""`train` begins a run in a new folder, `resume` goes on with one."""

import contextlib
import os
from dataclasses import asdict, replace
from pathlib import Path

import torch

from gan_lessons import checkpoint, runtime
from gan_lessons.data import to_images
from gan_lessons.runs import folder as files
from gan_lessons.runs.folder import BadRun
from gan_lessons.runs.pictures import KNOWN, load
from gan_lessons.runs.reading import Run, open_run
from gan_lessons.runs.recorder import Recorder, TimeIsUp
from gan_lessons.runs.settings import Schedule, Settings
from gan_lessons.runtime import cores
from gan_lessons.train import Game, TrainingDiverged, fit
from gan_lessons.util import both

GOALS = ("steps", "epochs", "minutes")


def train(settings: Settings, out: str | Path, *, tensorboard: bool = False, quiet: bool = False,
          **schedule) -> Run:
    """Begin a run in the folder `out`, play until `schedule` ends it, and return the run.

    schedule: the fields of `Schedule`, such as `steps=10_000` or `minutes=480, save_every=100`.
    tensorboard: write losses and grids for TensorBoard, too.  quiet: no progress bar, no messages.
    The stop button or Ctrl-C ends it after the current step; everything is saved then.

    Raises BadRun when `out` is not empty; ValueError for settings that will not do; OSError when
    pictures are missing or `out` cannot be written; train.TrainingDiverged.
    """
    folder = Path(out).expanduser()
    settings = replace(settings, data=_absolute("data", settings.data),
                       root=_absolute("root", settings.root))
    schedule = Schedule(**schedule)
    if settings.recipe == "sngan" and settings.decay is None:  # its learning rate falls to the end
        settings = replace(settings, decay=schedule.steps)
    files.check_new(folder)
    return _run(folder, settings, schedule, None, tensorboard, quiet)


def resume(out: str | Path, *, expected: dict | None = None, tensorboard: bool = False,
           quiet: bool = False, **changed) -> Run:
    """Go on with the run in the folder `out` and return it; on CPU it ends as if never stopped.

    changed: fields of `Schedule` that are different from now on, such as a larger `steps`; a new
    goal takes the place of the old one.  expected: settings, by name, that the run should have.

    Raises BadRun when there is no run, it has other settings than expected, or it is damaged; and
    what `train` raises.
    """
    folder = Path(out).expanduser()
    settings, schedule, about = files.read_settings(folder)
    _compare(folder, settings, expected or {})
    plan = asdict(schedule)
    if any(changed.get(goal) for goal in GOALS):
        plan["minutes"] = None
        if changed.get("steps") or changed.get("epochs"):
            plan["steps"] = plan["epochs"] = None
    return _run(folder, settings, Schedule(**plan | changed), about, tensorboard, quiet)


def _run(folder: Path, settings: Settings, schedule: Schedule, about: dict | None,
         tensorboard: bool, quiet: bool) -> Run:
    """Prepare everything that can fail, then play; `about` is what a run to resume says."""
    writer = _summary_writer() if tensorboard else None
    threads = torch.get_num_threads()
    runtime.set_threads(schedule.threads or cores())
    try:
        pictures = load(settings)
        game = settings.game(pictures.shape[0])
        game.data = pictures.described()
        if about is None:
            settings = settings.settled(game)
        elif about["pictures"]["described"] != game.data:
            raise _differs(folder, [("pictures", about["pictures"]["described"], game.data)])
        pictures.batches(game.batch)  # tells of a batch larger than the set, before any writing
        with files.told(folder), files.alone(folder):
            _open(folder, settings, schedule, game, pictures, about)
            board = writer and writer(folder / "tensorboard", purge_step=game.step + 1)
            last = schedule.last_step(game, len(pictures))
            recorder = Recorder(folder, game, schedule, last, quiet=quiet, board=board)
            if not quiet:
                _say_start(folder, game, about, last)
            with contextlib.closing(recorder):
                recorder.catch_up(game)
                state = _play(folder, game, pictures, last, recorder)
        if not quiet:
            _say_end(folder, game, state)
    finally:
        torch.set_num_threads(threads)
    return open_run(folder)


def _open(folder: Path, settings: Settings, schedule: Schedule, game: Game, pictures,
          about: dict | None) -> None:
    """Write what the run is told, and bring the game to where its checkpoint is."""
    if about is None:
        files.check_new(folder)  # again, now that nobody else can begin
    else:
        files.check_checkpoint(folder)
        if (folder / files.CHECKPOINT).exists():
            checkpoint.load(game, folder / files.CHECKPOINT)
    files.write_settings(folder, settings, schedule, game, pictures)
    if not (folder / files.REAL).exists():
        some = next(pictures.batches(min(64, len(pictures)), seed=1))
        files.write_picture(folder / files.REAL, to_images(some))


def _play(folder: Path, game: Game, pictures, last: int, recorder: Recorder) -> str:
    """Play until the end, keep what there is, and return how it ended."""
    path, state = folder / files.CHECKPOINT, "stopped"
    how = {"save_to": path, "save_every": recorder.schedule.save_every, "progress": False}
    try:
        fit(game, pictures, last, watch=recorder, watch_every=recorder.every(game), **how)
    except TimeIsUp:
        state = "time is up"
        if game.step < last:
            fit(game, pictures, game.step + 1, **how)  # which saves
    except TrainingDiverged:
        with contextlib.suppress(OSError):  # the generator stays that of the last checkpoint
            recorder.report(game, "diverged")
        raise
    if game.step >= last:
        state = "finished"
        recorder.picture(game)
    elif game.step % recorder.schedule.sample_every == 0:
        recorder.picture(game)
    recorder.save(game, state)
    if (saved := checkpoint.saved_step(path)) != game.step:
        raise OSError(both(
            f"最后的检查点没有写成：{path} 停在第 {saved} 步，训练到了第 {game.step} 步。"
            "请腾出磁盘空间，再用 --resume 从那里接着训练。",
            f"The last checkpoint could not be written: {path} is at step {saved}, the run got to "
            f"step {game.step}. Free some disk space, then --resume goes on from there."))
    return state


def _absolute(name: str, value):
    """Return a setting with its path made whole: a run may be resumed from another folder."""
    if value and (name == "root" or (name == "data" and value not in KNOWN)):
        return os.path.abspath(os.path.expanduser(value))
    return value


def _compare(folder: Path, settings: Settings, expected: dict) -> None:
    """Raise BadRun when the run was told something else than what is expected."""
    settled = {"precision": "auto"}  # means what it meant when the run began
    differ = [(name, getattr(settings, name), _absolute(name, value))
              for name, value in expected.items()
              if getattr(settings, name) != _absolute(name, value) and settled.get(name) != value]
    if differ:
        raise _differs(folder, differ)


def _differs(folder: Path, differ: list[tuple]) -> BadRun:
    what = "; ".join(f"{name}: {was} -> {now}" for name, was, now in differ)
    return BadRun(both(
        f"{folder} 里的训练用的是别的设置（{what}）。没有改动任何文件；请去掉这些选项，"
        "或换一个文件夹重新开始。",
        f"The run in {folder} has other settings ({what}). Nothing was changed; leave those "
        "options out, or begin anew in another folder."))


def _summary_writer():
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as problem:
        raise ValueError(both(
            "没有安装 TensorBoard：python -m pip install tensorboard，或去掉 --tensorboard；"
            "history.csv 里有同样的数字。",
            "TensorBoard is not installed: python -m pip install tensorboard, or leave "
            "--tensorboard out; history.csv has the same numbers.")) from problem
    return SummaryWriter


def _say_start(folder: Path, game: Game, about: dict | None, last: int) -> None:
    print(both(f"训练写入 {folder}，设备 {game.device}，{game.precision}；按 Ctrl-C 会在这一步之后"
               "保存并停下。",
               f"Training in {folder}, on {game.device}, {game.precision}; Ctrl-C saves and stops "
               "after the step."))
    if about is None:
        return
    if game.step >= last:
        print(both(f"已经到了第 {game.step} 步；要训练得更久，请加大 --steps 或 --epochs。",
                   f"It is at step {game.step} already; for more, give larger --steps or "
                   "--epochs."))
    else:
        print(both(f"从第 {game.step} 步接着训练。", f"Going on from step {game.step}."))
    if (before := about["versions"]["torch"]) != torch.__version__:
        print(both(f"开始时用的是 torch {before}，现在是 {torch.__version__}：可以接着训练，"
                   "但结果不再逐位相同。",
                   f"It was begun with torch {before}, this is {torch.__version__}: it goes on, "
                   "but not bit for bit as it would have."))


def _say_end(folder: Path, game: Game, state: str) -> None:
    zh, en = {"finished": ("训练完成", "Finished"), "stopped": ("已停止", "Stopped"),
              "time is up": ("时间到了", "Time is up")}[state]
    print(both(f"{zh}：第 {game.step} 步，都已保存。", f"{en} at step {game.step}; all is saved."))
    print(f"  python -m gan_lessons sample --run {folder}")
    if state != "finished":
        print(f"  python -m gan_lessons train --resume --out {folder}")
