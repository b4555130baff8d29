"""The folder of a run: which files are in it, and how each is written and read.

    settings.json            what the run was told; enough to build its game again
    checkpoint.safetensors   the whole game, see `checkpoint`
    generator.safetensors    the averaged weights of G alone, to sample from elsewhere
    history.csv              a row for every step: its number, then the columns HISTORY
    summary.json             how far it is
    real.png, grids/         64 real pictures; 64 fakes of the same noise, step by step

Every file is replaced as a whole, so that a run can be looked at while it goes on. What a kill
leaves is put right from the checkpoint when the run is resumed.
"""

import io
import json
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import numpy as np
import PIL.Image
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes
from torch import Tensor

import gan_lessons
from gan_lessons.data import ImageSet
from gan_lessons.data.locking import locked
from gan_lessons.runs.settings import Schedule, Settings
from gan_lessons.show import grid
from gan_lessons.train import HISTORY, Game
from gan_lessons.util import both, half_written, write_atomically

FORMAT = 1
SETTINGS, CHECKPOINT, GENERATOR = "settings.json", "checkpoint.safetensors", "generator.safetensors"
HISTORY_FILE, SUMMARY, REAL, LOCK = "history.csv", "summary.json", "real.png", "lock"
SIDE, GAP = 8, 2  # of a grid: pictures in a row, pixels between them (`show.grid` puts them there)


class BadRun(ValueError):
    """A folder is no run, is damaged, or is not the run that was meant."""


# ---- settings.json ----

def write_settings(folder: Path, settings: Settings, schedule: Schedule, game: Game,
                   pictures: ImageSet) -> None:
    """Write what the run was told, what that came to, and with which versions."""
    about = {"format": FORMAT, "settings": asdict(settings), "schedule": asdict(schedule),
             "pictures": {"described": pictures.described(), "channels": pictures.shape[0]},
             "game": {"loss": type(game.loss).__name__, "batch": game.batch, "lr": game.lr,
                      "betas": game.betas if game.optimizer is None else None,
                      "n_critic": game.n_critic, "clip": game.clip,
                      "ema": game.ema, "generator_weights": weights(game.generator),
                      "critic_weights": weights(game.critic)},
             "versions": {"gan_lessons": gan_lessons.__version__, "torch": torch.__version__}}
    write_atomically(folder / SETTINGS, (json.dumps(about, indent=2) + "\n").encode())


def weights(network: torch.nn.Module) -> int:
    """Return how many numbers a network learns."""
    return sum(p.numel() for p in network.parameters())


def read_settings(folder: Path) -> tuple[Settings, Schedule, dict]:
    """Return what the run in `folder` was told, and the whole of settings.json.

    Raises BadRun when there is no run, the file is damaged, or another version wrote it.
    """
    path = folder / SETTINGS
    if not path.is_file():
        raise BadRun(both(f"{folder} 里没有训练记录（缺少 {SETTINGS}）。请检查路径。",
                          f"There is no run in {folder}: {SETTINGS} is missing. Check the path."))
    try:
        about = json.loads(path.read_bytes())
        if about["format"] != FORMAT:
            raise _other_version(path, about)
        settings, schedule = Settings(**about["settings"]), Schedule(**about["schedule"])
        if type(about["pictures"]["channels"]) is not int or about["pictures"]["channels"] < 1:
            raise ValueError("channels")
        float(about["game"]["ema"]), about["versions"]["torch"]  # asked for later
        return settings, schedule, about
    except BadRun:
        raise
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as problem:
        why = str(problem).splitlines()[-1:] or [type(problem).__name__]
        raise BadRun(both(
            f"{path} 已损坏（{why[0]}）。其他文件都没有动过；请恢复这个文件，或用同样的选项另开"
            "一个文件夹训练，把那里的 settings.json 复制过来。",
            f"{path} is damaged ({why[0]}). Nothing else was touched. Restore the file, or begin "
            "a run with the same options in another folder and copy its settings.json here."
        )) from problem


def _other_version(path: Path, about: dict) -> BadRun:
    version = about.get("versions", {}).get("gan_lessons", "?")
    return BadRun(both(
        f"{path} 是 gan_lessons {version} 写的（格式 {about['format']}），这里是 "
        f"{gan_lessons.__version__}，只认格式 {FORMAT}。没有改动任何文件；请用那个版本打开。",
        f"{path} was written by gan_lessons {version} (format {about['format']}); this is "
        f"{gan_lessons.__version__}, which reads format {FORMAT}. Nothing was changed; open it "
        "with that version."))


# ---- history.csv and summary.json ----

def write_history(folder: Path, history: Tensor) -> None:
    """Write a history, (steps, 4), with as many digits as tell every float32 apart."""
    rows = [",".join([str(step), *(f"{value:.9g}" for value in row)])
            for step, row in enumerate(history.tolist(), 1)]
    lines = [",".join(["step", *HISTORY]), *rows, ""]
    write_atomically(folder / HISTORY_FILE, "\n".join(lines).encode())


def read_history(folder: Path) -> Tensor:
    """Return the history as last written, float32 (steps, 4); (0, 4) when there is none yet."""
    try:
        lines = (folder / HISTORY_FILE).read_text().splitlines()[1:]
        rows = np.array([line.split(",")[1:] for line in lines], dtype=np.float32)
        return torch.from_numpy(rows.reshape(-1, len(HISTORY)))
    except FileNotFoundError:
        return torch.empty(0, len(HISTORY))
    except ValueError as problem:
        raise _damaged(folder / HISTORY_FILE, problem) from problem


def write_summary(folder: Path, summary: dict) -> None:
    """Write how far the run is."""
    write_atomically(folder / SUMMARY, (json.dumps(summary, indent=2) + "\n").encode())


def read_summary(folder: Path) -> dict:
    """Return how far the run is, as last written; {} when that cannot be told."""
    try:
        summary = json.loads((folder / SUMMARY).read_bytes())
    except (FileNotFoundError, ValueError, RecursionError):
        return {}
    return summary if isinstance(summary, dict) else {}


# ---- pictures ----

def grid_path(folder: Path, step: int) -> Path:
    """Return where the grid of a step is, or would be."""
    return folder / "grids" / f"step_{step:06}.png"


def grid_paths(folder: Path) -> dict[int, Path]:
    """Return {step: path} of the grids that are there, in order."""
    found = {path.stem.removeprefix("step_"): path for path in folder.glob("grids/step_*.png")}
    return {int(step): found[step] for step in sorted(found, key=int) if step.isdecimal()}


def write_picture(path: Path, images: Tensor, columns: int = SIDE) -> None:
    """Write pictures, uint8 (n, C, H, W), as one PNG in rows of `columns`; one alone is bare."""
    drawn, one = io.BytesIO(), images[0].expand(3, -1, -1).permute(1, 2, 0).numpy()
    PIL.Image.fromarray(one if len(images) == 1 else grid(images, columns)).save(drawn, "PNG")
    write_atomically(path, drawn.getvalue())


def read_grid(path: Path, size: int, channels: int) -> Tensor:
    """Return the pictures of a grid, uint8 (n, channels, size, size)."""
    try:
        with PIL.Image.open(path, formats=("PNG",)) as picture:
            pixels = torch.from_numpy(np.array(picture.convert("RGB"))).permute(2, 0, 1)
        step = size + GAP
        cells = pixels[:channels, GAP:, GAP:].unfold(1, size, step).unfold(2, size, step)
        return cells.permute(1, 2, 0, 3, 4).flatten(0, 1).contiguous()
    except (OSError, ValueError, RuntimeError) as problem:
        raise _damaged(path, problem) from problem


# ---- the generator ----

def write_generator(folder: Path, game: Game) -> None:
    """Write the averaged weights of G."""
    kept = {name: tensor.detach().cpu().contiguous()
            for name, tensor in game.generator_ema.module.state_dict().items()}
    write_atomically(folder / GENERATOR, to_bytes(kept, metadata={"step": str(game.step)}))


def load_generator(folder: Path, game: Game, newest: bool) -> None:
    """Put saved weights into the generator of a new game.

    They are the averaged ones of generator.safetensors, or the newest of the checkpoint.
    Raises BadRun when they are not there yet, damaged or of another network.
    """
    with _weights(folder, newest) as (file, prefix):
        saved = {name[len(prefix):]: file.get_tensor(name) for name in file.keys()
                 if name.startswith(prefix)}
        if not all(t.isfinite().all() for t in saved.values()):
            raise ValueError("NaN or infinity")
        game.generator.load_state_dict(saved)


def weights_step(folder: Path, newest: bool) -> int:
    """Return the step that the saved weights of G are of; raises as `load_generator` does."""
    with _weights(folder, newest) as (file, _):
        about = file.metadata() or {}
        return json.loads(about["gan_lessons"])["values"]["step"] if newest else int(about["step"])


@contextmanager
def _weights(folder: Path, newest: bool):
    """Open the file that has the weights of G; yield it and what their names begin with there."""
    path = folder / (CHECKPOINT if newest else GENERATOR)
    if not path.is_file():
        raise BadRun(both(f"{path} 还不存在：训练第一次存盘之后才有。",
                          f"{path} is not there yet: a run writes it when it first saves."))
    try:
        with safe_open(path, framework="pt") as file:
            yield file, "networks/generator/" if newest else ""
    except (SafetensorError, KeyError, ValueError, TypeError, RuntimeError) as problem:
        raise _damaged(path, problem) from problem


def _damaged(path: Path, problem: Exception) -> BadRun:
    why = (str(problem).strip().splitlines() or [type(problem).__name__])[0]
    return BadRun(both(
        f"{path} 读不出来，或不属于这次训练（{why}）。它没有被改动；接着训练（--resume）会从检查点"
        "把它重新写好，检查点本身除外。",
        f"{path} cannot be read or is not of this run ({why}). It was not changed; resuming the "
        "run writes it anew from the checkpoint, unless it is the checkpoint."))


# ---- who may write ----

def check_new(folder: Path) -> None:
    """Raise BadRun when a new run in `folder` would mix with what is there."""
    if (folder / SETTINGS).exists():
        raise BadRun(both(
            f"{folder} 里已经有一次训练，没有改动它。接着训练请加 --resume（代码里用 "
            "runs.resume），重新开始请换一个文件夹。",
            f"{folder} already holds a run; nothing was changed. Add --resume to go on with it "
            "(runs.resume in code), or name another folder to begin anew."))
    ours = {folder / LOCK, *half_written(folder)}
    if folder.is_dir() and not ours.issuperset(folder.iterdir()):
        raise BadRun(both(f"{folder} 不是空的，里面也没有训练记录。请换一个文件夹。",
                          f"{folder} is not empty and holds no run. Name another folder."))


def check_checkpoint(folder: Path) -> None:
    """Raise BadRun when a run that was under way has lost its checkpoint."""
    if not (folder / CHECKPOINT).exists() and (folder / HISTORY_FILE).exists():
        raise BadRun(both(
            f"{folder / CHECKPOINT} 不见了，没有它不能接着训练。请找回它，或在另一个文件夹"
            f"重新开始；{GENERATOR} 还可以用来采样。",
            f"{folder / CHECKPOINT} is gone, and without it the run cannot go on. Put it back, or "
            f"begin anew in another folder; {GENERATOR} still serves for sampling."))


@contextmanager
def alone(folder: Path):
    """Let only one process write to a run at a time; raise BadRun when another does.

    What a killed one left half-written is cleared away: nobody else is writing it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    busy = BadRun(both(f"另一个程序正在 {folder} 里训练。请等它结束，或换一个文件夹。",
                       f"Another process is training in {folder}. Wait for it, or name another "
                       "folder."))
    with locked(folder / LOCK, busy):
        for left_over in half_written(folder) + half_written(folder / "grids"):
            left_over.unlink(missing_ok=True)
        yield


@contextmanager
def told(folder: Path):
    """Say of an OSError that writing to the run failed, and what is still good."""
    try:
        yield
    except OSError as problem:
        if problem.errno is None or isinstance(problem, BrokenPipeError):
            raise  # it is in words already, or concerns the terminal
        why = problem.strerror
        raise OSError(both(
            f"写不了训练文件夹 {folder}：{why}。已存好的检查点仍然可用：腾出空间、检查权限之后，"
            "用 --resume 接着训练；或换一个文件夹。",
            f"The run folder {folder} cannot be written: {why}. What was saved before is still "
            "good: free some space or check the permissions, then go on with --resume; or name "
            "another folder.")) from problem
