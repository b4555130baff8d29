"""Long runs, each in a folder of its own: `train`, `resume`, and `open` to look at one.

    settings.json            what the run was told; enough to build its game again
    checkpoint.safetensors   the whole game, see `checkpoint`
    generator.safetensors    the averaged weights of G alone, to sample from elsewhere
    history.csv              a row for every step: its number, then the columns `train.HISTORY`
    measured.csv             with `measure_every`: what as many real pictures score, then a row for
                             every measured step, see `measure.Tracker`
    summary.json             how far it is
    real.png, grids/         64 real pictures; 64 fakes of the same noise, step by step

A run can be looked at while it goes on. The checkpoint is the truth: whatever a killed process
left in the other files is put right from it when the run is resumed.
"""

import csv
import errno
import io
import json
import math
import os
import shlex
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, replace
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import PIL.Image
import torch
from filelock import FileLock, Timeout
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes
from torch import Tensor, nn
from tqdm import tqdm

import gan_lessons
from gan_lessons import checkpoint, distributed, runtime
from gan_lessons import show as figures
from gan_lessons.condition import COLUMNS, conditions, counts, named
from gan_lessons.data import ImageSet, to_images
from gan_lessons.measure.tracker import Tracker, without_ruler
from gan_lessons.run_settings import ENDLESS, SETS, Schedule, Settings, absolute
from gan_lessons.train import (
    HISTORY,
    Game,
    check_fit,
    critic_has_won,
    critic_turns,
    fit,
    generate,
    sample_noise,
    weight_count,
)
from gan_lessons.util import both, half_written, tell, whole_number, write_atomically

FORMAT = 1  # of settings.json
SETTINGS_FILE = "settings.json"
CHECKPOINT = "checkpoint.safetensors"
GENERATOR = "generator.safetensors"
HISTORY_FILE = "history.csv"
MEASURED_FILE = "measured.csv"
MEASURED = 1000  # samples that are measured each time
SUMMARY = "summary.json"
LOCK = "lock"
NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)  # NFS and Lustre, as they are mounted
GAP = 2  # pixels between two pictures, as `show.grid` puts them


WON = both(
    "第 {step} 步：D 几乎总能分清真假，G 可能学不到东西。看看 grids/ 里的图；如果一直不好，试试"
    "更小的 --lr、--n-critic 1，或 --norm spectral（可以再加 --penalty r1）。",
    "Step {step}: D hardly ever mistakes a fake, and G may have little to learn from. Look at the "
    "pictures in grids/; if they stay poor, try a smaller --lr, --n-critic 1, or --norm spectral "
    "(and perhaps --penalty r1).")


class BadRun(ValueError):
    """A folder is no run, is damaged, or is not the run that was meant."""


# ---- training ----

def train(settings: Settings, out: str | Path, *, tensorboard: bool = False, quiet: bool = False,
          **schedule) -> "Run":
    """Begin a run in the folder `out`, train until `schedule` ends it, and return the run.

    The stop button or Ctrl-C ends it after the current step; everything is saved then. Under
    torchrun every process calls this with the same arguments, and rank 0 alone writes.

    Args:
        settings: The game and its pictures.
        out: A folder that is empty or not there yet.
        tensorboard: Write losses and grids for TensorBoard, too.
        quiet: No progress bar, no messages.
        **schedule: The fields of `Schedule`, such as `steps=10_000` or `minutes=480`.
    """
    folder, plan = Path(out).expanduser(), Schedule(**schedule)
    if settings.recipe in ("sngan", "rpgan") and settings.decay is None:  # it falls to the end
        settings = replace(settings, decay=plan.steps)
    check_new(folder)
    if settings.data not in SETS:
        check_outside(folder, settings.data)
    return _run(folder, settings, plan, None, tensorboard, quiet)


def resume(out: str | Path, *, expected: dict | None = None, tensorboard: bool = False,
           quiet: bool = False, **changed) -> "Run":
    """Go on with the run in the folder `out` and return it; on CPU it ends as if never stopped.

    Args:
        out: The folder of the run.
        expected: Settings, by name, that the run should have.
        tensorboard: As in `train`, and so is `quiet`.
        quiet: No progress bar, no messages.
        **changed: Fields of `Schedule` that are different from now on; a new goal, such as a
            larger `steps`, takes the place of the old one.
    """
    folder = Path(out).expanduser()
    settings, schedule, about = _read_settings(folder)
    now = {name: absolute(name, value) for name, value in (expected or {}).items()
           if value != "auto"}  # precision "auto" means what it meant at the beginning
    if now.get("decay"):  # a run that goes on for longer may let its learning rate fall anew
        settings = replace(settings, decay=now["decay"])
    compare(folder, {name: getattr(settings, name) for name in now}, now)
    plan = asdict(schedule)
    if changed.get("steps") or changed.get("epochs") or changed.get("minutes"):
        plan["minutes"] = None
    if changed.get("steps") or changed.get("epochs"):
        plan["steps"] = plan["epochs"] = None
    return _run(folder, settings, Schedule(**plan | changed), about, tensorboard, quiet)


def _run(folder: Path, settings: Settings, schedule: Schedule, about: dict | None,
         tensorboard: bool, quiet: bool) -> "Run":
    """Prepare everything that can fail, then train; `about` is settings.json of a run to resume."""
    quiet = quiet or distributed.rank() > 0
    board = _summary_writer() if tensorboard and distributed.rank() == 0 else None
    threads_before = torch.get_num_threads()
    processes_here = int(os.environ.get("LOCAL_WORLD_SIZE", 1))  # set by torchrun
    runtime.set_threads(schedule.threads or max(1, runtime.cores() // processes_here))
    try:
        pictures = settings.pictures()
        game = settings.game(pictures.shape[0], pictures.classes)
        game.data = pictures.described()
        if about is None:  # keep what the recipe chose, whatever a later version would choose
            settings = replace(settings, batch=game.batch, lr=game.lr, decay=game.decay,
                               n_critic=game.n_critic, precision=game.precision)
        else:
            was = about["pictures"]
            compare(folder, {"pictures": was["described"], "classes": was.get("asked", {})},
                     {"pictures": game.data, "classes": _as_lists(pictures.asked)})
        distributed.check(game.batch)
        tracker = _tracker(settings, schedule, pictures)
        if game.batch > len(pictures):
            raise ValueError(both(
                f"一批 {game.batch} 张，比图片总数 {len(pictures)} 还多。请加上 --batch "
                f"{max(2, len(pictures) // 2)}；图片这么少，也请加上 --augment。",
                f"The batch of {game.batch} must be at most the number of pictures, "
                f"{len(pictures)}: add --batch {max(2, len(pictures) // 2)}; with so few, add "
                "--augment as well."))
        check_fit(game, pictures)  # before anything is written
        with alone(folder):
            if about is None:
                check_new(folder)  # again, now that nobody else can begin
            elif (folder / CHECKPOINT).exists():
                checkpoint.load(game, folder / CHECKPOINT, changed=("decay",))
            elif (folder / HISTORY_FILE).exists():
                raise BadRun(f"{folder / CHECKPOINT} is gone, and without it the run cannot go on. "
                             "Put it back, or begin anew in another folder; "
                             f"{GENERATOR} still serves for sampling.")
            distributed.barrier()  # every rank has looked before rank 0 writes
            if distributed.rank() == 0:
                _write_settings(folder, settings, schedule, game, pictures)
            last = schedule.last_step(game, len(pictures))
            if not quiet:
                _say_start(folder, game, about, last)
            with closing(RunWriter(folder, game, schedule, last, quiet, board,
                                   tracker)) as writer:
                state = _fit(game, pictures, last, writer)
        if not quiet:
            tell(how_it_ended(state, game.step))
            tell(f"  python -m gan_lessons sample --run {shlex.quote(str(folder))}")
            if state != "finished":
                tell("  python -m gan_lessons train --resume --out "
                     f"{shlex.quote(str(folder))}")
    finally:
        torch.set_num_threads(threads_before)
    distributed.barrier()  # rank 0 has written everything
    return Run(folder)


def _tracker(settings: Settings, schedule: Schedule, pictures: ImageSet) -> Tracker | None:
    """Return what measures the run on its way, if it is to be measured."""
    if not schedule.measure_every:  # 0 ends what an earlier session began
        return None
    others = settings.others(MEASURED)
    if others is None:
        raise without_ruler(pictures.name)
    return Tracker(pictures, others, every=schedule.measure_every)


def _fit(game: Game, pictures: ImageSet, last: int, writer: "RunWriter") -> str:
    """Train until the end, keep what there is, and return how it ended."""
    first, schedule, path = distributed.rank() == 0, writer.schedule, writer.folder / CHECKPOINT
    if first:
        writer.catch_up(game)
    try:
        fit(game, pictures, last, save_to=path, save_every=schedule.save_every, watch=writer,
            watch_every=writer.every, progress=False)
    except checkpoint.TrainingDiverged:
        if first:
            with suppress(OSError):
                writer.save(game, "diverged")
        raise
    state = "time is up" if writer.time_is_up else "stopped"
    if game.step >= last:
        state = "finished"
    if first:
        if state == "finished" or game.step % schedule.sample_every == 0:
            writer.write_grid(game)
        saved = checkpoint.saved_step(path)
        writer.save(game, state if saved == game.step else "not saved")
        if saved != game.step:
            raise not_saved(path, saved, game.step)
    return state


def not_saved(path: Path, saved: int, step: int) -> OSError:
    """Return the error of a run whose last checkpoint could not be written."""
    return OSError(f"The last checkpoint could not be written: {path} is at step {saved}, the run "
                   f"got to step {step}. Free some disk space, then --resume goes on from there.")


class RunWriter:
    """Keeps the folder of a run up to date; `fit` calls it with the game, as its `watch`."""

    def __init__(self, folder: Path, game: Game, schedule: Schedule, last: int, quiet: bool,
                 board=None, tracker: Tracker | None = None):
        """`last` is the number of the last step; `board` makes a SummaryWriter of TensorBoard."""
        self.folder, self.schedule, self.last = folder, schedule, last
        self.about = {}  # settings.json, to write it again where it is gone
        if distributed.rank() == 0:
            self.about = json.loads((folder / SETTINGS_FILE).read_bytes())
        self.first_step = game.step  # of this session
        self.began = time.monotonic()
        self.earlier = _read_summary(folder).get("seconds", 0.0)  # in sessions before this one
        self.time_is_up = self.said_won = False
        self.rows_written = self.history_end = 0  # rows and bytes of history.csv
        self.board = board(folder / "tensorboard", purge_step=game.step + 1) if board else None
        self.rows_on_board = game.step
        self.tracker = tracker
        self.every = steps_between_looks(game.device, schedule.sample_every, schedule.save_every,
                                         schedule.measure_every or schedule.save_every)
        pause = 0.5 if sys.stderr.isatty() else 5.0  # seconds; a log file wants fewer lines
        self.bar = tqdm(total=None if last == ENDLESS else last, initial=game.step, unit="step",
                        disable=quiet, mininterval=pause, dynamic_ncols=True)

    def __call__(self, game: Game) -> bool:
        """Write what is due after this step; return True when the time is up."""
        seconds, minutes = time.monotonic() - self.began, self.schedule.minutes
        pace = f"{self.images_per_second(game):,.0f} img/s"
        if minutes:
            pace += f", at most {max(0, minutes - seconds / 60):.0f} min left"
        self.bar.set_postfix_str(pace, refresh=False)
        self.bar.update(game.step - self.bar.n)
        try:
            if game.step % self.schedule.sample_every == 0:
                self.write_grid(game)
            if self.tracker and self.tracker.due(game):
                self.measure(game, self.tracker)
            if game.step % self.schedule.save_every == 0:
                self.save(game, "running")
            if game.step % 100 == 0 and not (self.bar.disable or self.said_won) and (
                    critic_has_won(game)):
                self.said_won = True
                tqdm.write(WON.format(step=game.step), file=sys.stderr)
        except OSError as problem:  # a disk that is full now is not the end of a long run
            tqdm.write(f"Step {game.step}: the run folder could not be written ({problem}); "
                       "training goes on.", file=sys.stderr)
        self.time_is_up = minutes is not None and seconds > 60 * minutes
        return self.time_is_up

    def catch_up(self, game: Game) -> None:
        """Bring grids and results to the game's step: a kill may have left some before or after."""
        for step, path in grids_in(self.folder).items():
            if step > game.step:
                path.unlink()
        if game.step % self.schedule.sample_every == 0:
            self.write_grid(game)
        if self.tracker:
            _, rows = read_measured(self.folder)
            self.tracker.rows = {step: row for step, row in rows.items() if step <= game.step}
            if self.tracker.due(game) and game.step not in rows:
                self.measure(game, self.tracker)
            self.write_measured(self.tracker)
        if game.step:
            self.save(game, "running")

    def measure(self, game: Game, tracker: Tracker) -> None:
        """Measure the game and say what came of it; no speed counts the time that this takes."""
        before = tracker.seconds
        tracker(game)
        took = tracker.seconds - before
        if not self.bar.disable:
            self.bar.start_t += took
            self.bar.last_print_t += took
            tqdm.write(f"step {game.step}   n {tracker.n}   {tracker.line(game.step)}   measured "
                       f"in {took:.1f} s", file=sys.stderr)
        if self.board:
            for name, value in tracker.rows[game.step].items():
                self.board.add_scalar(f"measured/{name}", value, game.step)
        self.write_measured(tracker)

    def write_measured(self, tracker: Tracker) -> None:
        """Write what real pictures score, and the run at each measured step."""
        names = list(tracker.floor)
        lines = [["step", "samples", *names]]
        for step, row in {"real": tracker.floor, **tracker.rows}.items():
            numbers = [f"{row.get(name, math.nan):.6g}" for name in names]
            lines.append([str(step), str(tracker.n), *numbers])
        write_atomically(self.folder / MEASURED_FILE,
                         "".join(",".join(line) + "\n" for line in lines).encode())

    def write_grid(self, game: Game) -> None:
        """Write the grid of this step: what G, with its newest weights, makes of fixed noise."""
        fakes = generate(game.generator, game.fixed_z, game.fixed_y)
        write_png(self.folder / "grids" / f"step_{game.step:06}.png", fakes)
        if self.board:
            self.board.add_image("fakes", figures.grid(fakes, COLUMNS), game.step,
                                 dataformats="HWC")

    def save(self, game: Game, state: str) -> None:
        """Write the averaged weights of G, the history and the summary."""
        if not (self.folder / SETTINGS_FILE).exists():  # moved or deleted while the run goes on
            tell(both(f"{self.folder} 被移走或删掉了；训练继续，在原处重建这个文件夹。",
                      f"{self.folder} was moved or deleted; training goes on, and the folder is "
                      "made anew in its place."))
            write_json(self.folder / SETTINGS_FILE, self.about)
            self.rows_written = self.history_end = 0
        if state != "diverged":  # then the weights stay those of the last checkpoint
            weights = {name: tensor.cpu().contiguous()
                       for name, tensor in game.generator_ema.module.state_dict().items()}
            write_atomically(self.folder / GENERATOR,
                             to_bytes(weights, metadata={"step": str(game.step)}))
        self.append_history(game.history)
        recent = {}
        if len(game.history):
            recent = dict(zip(HISTORY, game.history[-100:].mean(0).tolist(), strict=True))
            recent["gap"] = recent["real"] - recent["fake"]
        seconds = self.earlier + self.seconds()
        measured = {}
        if self.tracker and self.tracker.rows:
            step, main = max(self.tracker.rows), self.tracker.main
            measured = {"step": step, "samples": self.tracker.n,
                        main: self.tracker.rows[step][main], "real": self.tracker.floor[main],
                        "file": MEASURED_FILE}
        write_json(self.folder / SUMMARY, {
            "state": state,
            "step": len(game.history),  # of a run that diverged: the last that was finite
            "last_step": None if self.last == ENDLESS else self.last,
            "images_seen": game.images_seen, "seconds": round(seconds, 1),
            "images_per_second": round(self.images_per_second(game), 1),
            "mean_of_last_100": recent,
            "measured": measured,
            "written": datetime.now(timezone.utc).isoformat(timespec="seconds")})
        if self.board:
            for row in game.history[self.rows_on_board:].tolist():
                self.rows_on_board += 1
                for name, value in zip(HISTORY, row, strict=True):
                    self.board.add_scalar(name, value, self.rows_on_board)
            self.board.flush()

    def append_history(self, history: Tensor) -> None:
        """Append the new rows; the first time, write all: a kill may have left too many."""
        path, new = self.folder / HISTORY_FILE, history[self.rows_written:].tolist()
        rows = "".join(f"{step}," + ",".join(f"{value:.9g}" for value in row) + "\n"
                       for step, row in enumerate(new, self.rows_written + 1)).encode()
        if self.history_end == 0:
            rows = (",".join(["step", *HISTORY]) + "\n").encode() + rows
            write_atomically(path, rows)
        else:
            with path.open("r+b") as file:
                file.seek(self.history_end)  # over what a full disk may have cut short
                file.write(rows)
                file.truncate()
        self.history_end += len(rows)
        self.rows_written = len(history)

    def images_per_second(self, game: Game) -> float:
        """Return how many real pictures D has seen a second, in this session."""
        turns = critic_turns(game, game.step) - critic_turns(game, self.first_step)
        return turns * game.batch / max(self.seconds(), 1e-9)

    def seconds(self) -> float:
        """Return how long this session has trained, without the measuring."""
        measuring = self.tracker.seconds if self.tracker else 0.0
        return time.monotonic() - self.began - measuring

    def close(self) -> None:
        """End the progress bar and TensorBoard's file."""
        self.bar.close()
        if self.board:
            self.board.close()


def steps_between_looks(device: torch.device, *due: int) -> int:
    """Return after how many steps `fit` should call a writer, to whom each number in `due` matters.

    After every step on a CPU; elsewhere each call makes the device wait, and ten are enough.
    """
    return 1 if device.type == "cpu" else math.gcd(10, *due)


def _say_start(folder: Path, game: Game, about: dict | None, last: int) -> None:
    tell(both(f"训练保存在 {folder}（{game.device}，{game.precision}）。"
              "按 Ctrl-C 会在这一步之后保存并停下。",
              f"Training in {folder}, on {game.device}, {game.precision}; Ctrl-C saves and stops "
              "after the step."))
    if about is not None and game.step >= last:
        tell(both(f"已经到第 {game.step} 步；还要训练，请写更大的 --steps 或 --epochs。",
                  f"It is at step {game.step} already; for more, give larger --steps or --epochs."))
    elif about is not None:
        tell(both(f"从第 {game.step} 步接着训练。", f"Going on from step {game.step}."))
    if game.decay and last > game.decay:
        longer = "N" if last == ENDLESS else last
        tell(both(f"学习率在前 {game.decay} 步降到 2 %，之后不再变；要让它降得更慢，请加 --decay "
                  f"{longer}。",
                  f"The learning rate falls to 2 % in the first {game.decay} steps and stays "
                  f"there; to let it fall more slowly, add --decay {longer}."))
    if about is not None and about["versions"]["torch"] != torch.__version__:
        tell(f"It was begun with torch {about['versions']['torch']}, this is {torch.__version__}: "
             "it goes on, but not bit for bit as it would have.")


def how_it_ended(state: str, step: int) -> str:
    """Return the last words of a run, whose state is "finished", "stopped" or "time is up"."""
    zh = {"finished": "训练完成", "time is up": "时间到了"}.get(state, "训练停下")
    return both(f"到第 {step} 步，{zh}，已全部保存。",
                f"{state.capitalize()} at step {step}; all is saved.")


def _summary_writer():
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as problem:
        raise ValueError("TensorBoard is not installed: python -m pip install tensorboard, or "
                         "leave --tensorboard out; history.csv has the same numbers.") from problem
    return SummaryWriter


# ---- the folder ----

@contextmanager
def alone(folder: Path):
    """Let only one process, or one job of torchrun, write to a run at a time."""
    lock, free = FileLock(folder / LOCK), True
    if distributed.rank() == 0:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0)  # the system frees it when this process ends, even if killed
        except Timeout:
            free = False
        except (OSError, NotImplementedError) as problem:
            if isinstance(problem, OSError) and problem.errno not in NO_LOCKS:
                raise
            tell(both("这个文件系统不支持文件锁：请自己确认只有一个程序在这个文件夹里训练。",
                      "This file system has no locks: make sure yourself that only one process "
                      "trains in this folder."))
    if not distributed.broadcast(free):
        raise BadRun(f"Another process is training in {folder}. Wait for it, or name another "
                     "folder.")
    try:
        if distributed.rank() == 0:
            for left_over in half_written(folder) + half_written(folder / "grids"):
                left_over.unlink()  # by a killed process; nobody else is writing
        yield
    finally:
        lock.release()


def check_outside(folder: Path, pictures: str) -> None:
    """Refuse a run in the folder of its own pictures: its grids would be taken for some of them."""
    if Path(pictures).is_dir() and folder.resolve().is_relative_to(Path(pictures).resolve()):
        raise BadRun(both(f"{folder} 在图片文件夹 {pictures} 里面，训练画出的图会混进训练数据。"
                          "请用 --out 另选一个文件夹。",
                          f"{folder} lies in the folder of the pictures, {pictures}, and what the "
                          "run paints would be taken for some of them. Name another one by --out."))


def check_new(folder: Path) -> None:
    """Raise BadRun when a new run in `folder` would mix with what is there."""
    if (folder / SETTINGS_FILE).exists():
        raise BadRun(both(
            f"{folder} 里已经有一次训练，没有改动它。接着训练请加 --resume（代码里用 "
            "runs.resume），重新开始请换一个文件夹。",
            f"{folder} already holds a run; nothing was changed. Add --resume to go on with it "
            "(runs.resume in code), or name another folder to begin anew."))
    ours = {folder / LOCK, *half_written(folder)}
    if folder.is_dir() and not ours.issuperset(folder.iterdir()):
        raise BadRun(both(f"{folder} 不是空的，里面也没有训练记录。请换一个文件夹。",
                          f"{folder} is not empty and holds no run. Name another folder."))


def compare(folder: Path, was: dict, now: dict) -> None:
    """Raise BadRun when a run would go on with other settings than it began with."""
    differ = [f"{name}: {was[name]} -> {now[name]}" for name in now if was[name] != now[name]]
    if differ:
        raise BadRun(f"The run in {folder} has other settings ({'; '.join(differ)}). Nothing was "
                     "changed; leave those options out, or begin anew in another folder.")


def _write_settings(folder: Path, settings: Settings, schedule: Schedule, game: Game,
                    pictures: ImageSet) -> None:
    """Write what the run was told, what that came to, with which versions; and real pictures."""
    about = {"format": FORMAT, "settings": asdict(settings), "schedule": asdict(schedule),
             "pictures": {"described": pictures.described(), "channels": pictures.shape[0],
                          "asked": _as_lists(pictures.asked)},  # of a conditional run: its classes
             "game": {"loss": type(game.loss).__name__, "batch": game.batch, "lr": game.lr,
                      "betas": game.betas if game.optimizer is None else None,
                      "n_critic": game.n_critic, "clip": game.clip, "ema": game.ema,
                      "ema_warm_up": game.ema_warm_up,
                      "generator_weights": weight_count(game.generator),
                      "critic_weights": weight_count(game.critic)},
             "versions": {"gan_lessons": gan_lessons.__version__, "torch": torch.__version__}}
    write_json(folder / SETTINGS_FILE, about)
    if not (folder / "real.png").exists():
        plain = replace(pictures, condition=None, asked={})
        some = next(plain.batches(min(64, len(pictures)), seed=1))
        write_png(folder / "real.png", to_images(some))


def _as_lists(asked: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Return the names of a condition's values as JSON gives them back."""
    return {name: list(words) for name, words in asked.items()}


def _read_settings(folder: Path) -> tuple[Settings, Schedule, dict]:
    """Return what the run in `folder` was told, and the whole of settings.json."""
    path = folder / SETTINGS_FILE
    if not path.is_file():
        raise BadRun(both(f"{folder} 里没有训练记录（缺少 {SETTINGS_FILE}）。请检查路径。",
                          f"There is no run in {folder}: {SETTINGS_FILE} is missing. Check the "
                          "path."))
    try:
        about = json.loads(path.read_bytes())
        if isinstance(about, dict) and isinstance(about.get("game"), str):  # see `cycle_command`
            raise BadRun(both(
                f"{folder} 里训练的是 {about['game']}，不能这样打开，也没有 measure。看它的 grids/ "
                "文件夹，或者用 sample --pictures 把图片交给它。",
                f"{folder} holds a run of {about['game']}, which cannot be opened in this way or "
                "measured. Look at its folder grids/, or give it pictures: sample --pictures."))
        if about["format"] != FORMAT:
            raise ValueError(f"written by gan_lessons {about['versions']['gan_lessons']} in format "
                             f"{about['format']}; this one reads format {FORMAT}")
        for part, name, kind in (("pictures", "channels", int), ("pictures", "described", str),
                                 ("game", "ema", float), ("versions", "torch", str)):
            if type(about[part][name]) is not kind:
                raise ValueError(f"{part}: {name}")
        return Settings(**about["settings"]), Schedule(**about["schedule"]), about
    except BadRun:
        raise
    except (ValueError, TypeError, KeyError, RecursionError) as problem:
        why = str(problem).strip().splitlines()[-1:] or [type(problem).__name__]
        raise BadRun(f"{path} cannot be used ({why[0]}). Nothing was changed. Restore the file, or "
                     "begin a run with the same options in another folder and copy its "
                     f"{SETTINGS_FILE} here.") from problem


def write_json(path: Path, content: dict) -> None:
    """Write a JSON file, whole or not at all."""
    write_atomically(path, (json.dumps(content, indent=2) + "\n").encode())


def _read_summary(folder: Path) -> dict:
    """Return how far the run is, as last written; {} when that cannot be told."""
    try:
        summary = json.loads((folder / SUMMARY).read_bytes())
        if isinstance(summary["step"], int) and isinstance(summary["seconds"], (int, float)):
            return summary
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        pass
    return {}


def write_png(path: Path, images: Tensor) -> None:
    """Write pictures, uint8 (n, C, H, W), as one PNG, 8 in a row; a single one gets no border."""
    drawn = io.BytesIO()
    PIL.Image.fromarray(figures.grid(images, COLUMNS)).save(drawn, "PNG")
    write_atomically(path, drawn.getvalue())


def _unreadable(path: Path, problem: Exception) -> BadRun:
    why = (str(problem).strip().splitlines() or [type(problem).__name__])[0]
    return BadRun(f"{path} cannot be read or is not of this run ({why}). It was not changed; "
                  "resuming the run writes it anew from the checkpoint, unless it is the "
                  "checkpoint.")


# ---- looking at a run ----

class Run:
    """A run in its folder: what it was told, how far it is, what it makes.

    Everything is read when it is asked for, as it was last saved; the run may still go on.
    """

    def __init__(self, folder: str | Path):
        self.folder = Path(folder).expanduser()
        self.settings, self.schedule, self.about = _read_settings(self.folder)

    def __repr__(self) -> str:
        return f"Run({str(self.folder)!r}, {self.settings.recipe}, step {self.steps})"

    @property
    def summary(self) -> dict:
        """How far the run is: state, step, images_seen, seconds, ...; {} before it first saves."""
        return _read_summary(self.folder)

    @property
    def asked(self) -> dict[str, list[str]]:
        """What a conditional run can be asked for: factor -> the names of its values; else {}."""
        return self.about["pictures"].get("asked", {})

    @property
    def classes(self) -> tuple[int, ...] | None:
        """How many values each factor of a conditional run has."""
        return counts(self.asked) or None

    @property
    def steps(self) -> int:
        """How many steps G has made, as last saved."""
        return self.summary.get("step", 0)

    @property
    def history(self) -> Tensor:
        """One row a step, columns `train.HISTORY`: float32 (steps, 4)."""
        path = self.folder / HISTORY_FILE
        if not path.exists():
            return torch.empty(0, len(HISTORY))
        lines = path.read_text().split("\n")[1:-1]  # without the titles and what is half written
        try:
            rows = [[float(value) for value in line.split(",")[1:]] for line in lines]
            return torch.tensor(rows).reshape(-1, len(HISTORY))
        except (ValueError, RuntimeError) as problem:
            raise _unreadable(path, problem) from problem

    @property
    def measured(self) -> dict[int, dict[str, float]]:
        """What the run scored on its way: step -> numbers by name; see `floor`."""
        return read_measured(self.folder)[1]

    @property
    def floor(self) -> dict[str, float]:
        """What as many real pictures score, by name; {} where nothing was measured."""
        return read_measured(self.folder)[0]

    @property
    def grids(self) -> dict[int, Path]:
        """{step: PNG file of 64 fakes}, always of the same noise.

        Of a conditional run they are rows of eight, one for each class and at most ten.
        """
        return grids_in(self.folder)

    @property
    def snapshots(self) -> dict[int, Tensor]:
        """The same as pictures, {step: uint8 (n, C, H, W)}, for `show.animation`."""
        return {step: self._read_grid(path) for step, path in self.grids.items()}

    def _read_grid(self, path: Path) -> Tensor:
        """Cut a grid, rows of 8 pictures, into its pictures."""
        side, channels = self.settings.size, self.about["pictures"]["channels"]
        with PIL.Image.open(path, formats=("PNG",)) as picture:
            pixels = np.array(picture.convert("RGB"))[GAP:, GAP:, :channels]
        cells = pixels.reshape(-1, side + GAP, COLUMNS, side + GAP, channels)
        cells = cells[:, :side, :, :side].transpose(0, 2, 4, 1, 3)  # row, column, C, H, W
        return torch.from_numpy(cells.reshape(-1, channels, side, side))

    def generator(self, newest: bool = False) -> nn.Module:
        """Return G, ready to sample from, with its averaged weights or the newest ones."""
        weights, _ = self.weights(newest)
        network = self.settings.generator(self.about["pictures"]["channels"], self.classes)
        try:
            network.load_state_dict(weights)
        except RuntimeError as problem:
            raise _unreadable(self.folder / GENERATOR, problem) from problem
        return network.eval()

    def weights(self, newest: bool = False) -> tuple[dict[str, Tensor], int]:
        """Return G's averaged weights, or the newest ones of the checkpoint, and their step."""
        path = self.folder / (CHECKPOINT if newest else GENERATOR)
        if not path.is_file():
            raise BadRun(f"{path} is not there yet: a run writes it when it first saves.")
        if newest:
            state = checkpoint.read(path)
            return state["networks"]["generator"], state["step"]
        try:
            with safe_open(path, framework="pt") as file:
                weights = {name: file.get_tensor(name) for name in file.keys()}
                step = int(file.metadata()["step"])
            if not all(tensor.isfinite().all() for tensor in weights.values()):
                raise ValueError("NaN or infinity")
        except (SafetensorError, TypeError, KeyError, ValueError) as problem:
            raise _unreadable(path, problem) from problem
        return weights, step

    def has_newest(self) -> bool:
        """Tell whether the newest weights are here, not only their moving average."""
        return (self.folder / CHECKPOINT).is_file()

    def sample(self, n: int = 64, *, seed: int = 0, newest: bool = False,
               wanted: str | None = None) -> Tensor:
        """Return what G makes of `n` z drawn with `seed`, uint8 (n, C, H, W); see `generator`.

        `wanted` is what a conditional run is asked for, such as "7" or "glasses=round"; None:
        every combination in turn.
        """
        n, seed = whole_number("n", n, 1), whole_number("seed", seed, 0)
        z = sample_noise(n, self.settings.latent, torch.Generator().manual_seed(seed))
        y = None
        if self.classes is not None:
            y = conditions(None, self.classes, n) if wanted is None else named(
                wanted, self.asked, n)
        elif wanted is not None:
            raise BadRun(both(f"{self.folder} 不是有条件的训练，不能点名要 {wanted}。",
                              f"{self.folder} is no conditional run and cannot be asked for "
                              f"{wanted}."))
        return generate(self.generator(newest), z, y)

    def show(self) -> None:
        """Show settings, curves, what became of the same noise, and fresh samples."""
        summary = {"step": 0, "images_seen": 0, "seconds": 0} | self.summary
        step, seen, minutes = summary["step"], summary["images_seen"], summary["seconds"] / 60
        tell(both(f"训练 {self.folder.name}：第 {step} 步，看过 {seen:,} 张真图，"
                  f"用时 {minutes:,.1f} 分钟。",
                  f"Run {self.folder.name}: step {step}, {seen:,} real pictures seen, "
                  f"{minutes:,.1f} minutes."))
        told = {name: value for name, value in vars(self.settings).items()
                if value is not None and value is not False}
        came_to = {name: value for name, value in self.about["game"].items() if name not in told}
        for values in (told, came_to):
            tell("  " + ", ".join(f"{name} {value}" for name, value in values.items()))
        history, grids = self.history, self.grids
        if len(history):
            figures.curves(history, HISTORY, alt=f"Losses and readings of D over {len(history)} "
                                                 f"steps of {self.folder.name}")
        if grids:
            steps = figures.spread(list(grids), 6)
            figures.filmstrip({step: self._read_grid(grids[step]) for step in steps},
                              alt="What G made of the same noise at steps "
                                  f"{', '.join(map(str, steps))}, a row each")
        if (self.folder / GENERATOR).exists():
            figures.gallery(self.sample(40),
                            alt="40 fresh samples of the generator with averaged weights")


open = Run  # runs.open("runs/faces")


def read_measured(folder: Path) -> tuple[dict[str, float], dict[int, dict[str, float]]]:
    """Return what real pictures score, by name, and the run, {step: numbers by name}."""
    path = folder / MEASURED_FILE
    if not path.exists():
        return {}, {}
    try:
        rows = {row.pop("step"): row for row in csv.DictReader(path.read_text().splitlines())}
        for row in rows.values():
            del row["samples"]
        numbers = {step: {name: float(value) for name, value in row.items()}
                   for step, row in rows.items()}
        return numbers.pop("real"), {int(step): row for step, row in numbers.items()}
    except (ValueError, TypeError, KeyError) as problem:
        raise BadRun(both(f"读不了 {path}（{problem}）。请修好或移走它，训练本身不受影响。",
                          f"{path} cannot be read ({problem}). Mend it or move it away; the run "
                          "itself is not affected.")) from problem


def grids_in(folder: Path) -> dict[int, Path]:
    """Return {step: path} of the grids in the folder of a run, in order."""
    grids = {path.stem.removeprefix("step_"): path for path in folder.glob("grids/step_*.png")}
    return dict(sorted((int(step), path) for step, path in grids.items() if step.isdecimal()))
