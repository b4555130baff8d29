"""Save a game and resume it: one safetensors file, written whole or not at all.

Nothing here can run code: a safetensors file holds tensors and text, never objects.
"""

import json
import os
import tempfile
import time
from functools import partial
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes

from gan_lessons.messages import both

VERSION = 1
NETWORKS = ("generator", "critic", "average")
OPTIMIZERS = ("generator_optimizer", "critic_optimizer")


class BadCheckpoint(ValueError):
    """The file is not a checkpoint, is damaged, or belongs to another game."""


def save(game, path: str | Path) -> None:
    """Write everything that training remembers to `path`.

    The file is written beside its final place, flushed to disk and only then renamed: whoever
    pulls the plug finds either the old checkpoint or the new one.

    Raises OSError, with the old file untouched, when the folder cannot be written to.
    """
    about = {"version": VERSION, "step": game.step, "settings": _settings(game)}
    content = to_bytes({k: t.detach().cpu().contiguous() for k, t in _tensors(game).items()},
                       metadata={"gan_lessons": json.dumps(about)})
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    for left_over in path.parent.glob(f".{path.name}.*.part"):  # of a run killed while writing
        if time.time() - left_over.stat().st_mtime > 600:
            left_over.unlink(missing_ok=True)
    handle, half_way = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(half_way, path)
    except BaseException:
        os.unlink(half_way)
        raise


def load(game, path: str | Path) -> None:
    """Bring `game` to the state saved in `path`; on any problem it is left as it was.

    Raises FileNotFoundError; BadCheckpoint when the file is not one of ours, is damaged, or was
    saved by other networks or with other settings.
    """
    tensors, about = _read(Path(path))
    if about["settings"] != _settings(game):
        theirs, ours = about["settings"], _settings(game)
        differ = ", ".join(f"{k}: {theirs.get(k)} -> {ours[k]}" for k in ours
                           if theirs.get(k) != ours[k])
        raise BadCheckpoint(both(
            f"{path} 是用别的设置训练出来的（{differ}）。请改回原来的设置，或换一个文件名。",
            f"{path} was trained with other settings ({differ}). Restore those settings, or use "
            "another file name."))
    _check_same_networks(game, tensors, path)
    for name in NETWORKS:
        getattr(game, name).load_state_dict(_below(tensors, f"{name}/"))
    for name in OPTIMIZERS:
        _restore_optimizer(getattr(game, name), _below(tensors, f"{name}/"))
    game.noise.set_state(tensors["noise"])
    torch.set_rng_state(tensors["torch"])
    game.history = tensors["history"]
    snapshots = _below(tensors, "snapshots/")
    game.snapshots = {step: snapshots[str(step)] for step in sorted(map(int, snapshots))}
    game.step = about["step"]


def _tensors(game) -> dict[str, torch.Tensor]:
    """Return all that must be kept, flat: "generator/0.weight", "critic_optimizer/0/exp_avg"."""
    kept = {"noise": game.noise.get_state(), "history": game.history,
            "torch": torch.get_rng_state()}  # dropout draws from torch's global generator
    for name in NETWORKS:
        for key, tensor in getattr(game, name).state_dict().items():
            kept[f"{name}/{key}"] = tensor
    for name in OPTIMIZERS:
        for i, state in getattr(game, name).state_dict()["state"].items():
            for key, tensor in state.items():
                kept[f"{name}/{i}/{key}"] = tensor
    for step, pictures in game.snapshots.items():
        kept[f"snapshots/{step}"] = pictures
    return kept


def _restore_optimizer(optimizer: torch.optim.Optimizer, flat: dict[str, torch.Tensor]) -> None:
    state: dict[int, dict] = {}
    for name, tensor in flat.items():
        i, key = name.split("/")
        state.setdefault(int(i), {})[key] = tensor
    optimizer.load_state_dict({"state": state,
                               "param_groups": optimizer.state_dict()["param_groups"]})


def _below(tensors: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {k[len(prefix):]: t for k, t in tensors.items() if k.startswith(prefix)}


def _settings(game) -> dict:
    penalty = game.penalty
    if isinstance(penalty, partial):
        penalty = f"{penalty.func.__name__} {penalty.keywords}"
    elif penalty is not None:
        penalty = penalty.__name__
    return {"latent": game.latent, "loss": f"{type(game.loss).__name__} {vars(game.loss)}",
            "penalty": penalty, "n_critic": game.n_critic, "batch": game.batch, "lr": game.lr,
            "betas": list(game.betas), "ema": game.ema, "seed": game.seed, "clip": game.clip,
            "decay": game.decay}


def _read(path: Path) -> tuple[dict[str, torch.Tensor], dict]:
    if not path.is_file():
        raise FileNotFoundError(both(f"没有这个检查点：{path}。",
                                     f"There is no checkpoint at {path}."))
    try:
        with safe_open(path, framework="pt") as file:
            about = json.loads((file.metadata() or {})["gan_lessons"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}
        if about["version"] != VERSION:
            raise ValueError(f"version {about['version']}, this course reads {VERSION}")
        for needed, held in ((("step", "settings"), about),
                             (("noise", "torch", "history"), tensors)):
            if missing := [name for name in needed if name not in held]:
                raise ValueError(f"lacks {', '.join(missing)}")
    except (SafetensorError, KeyError, ValueError, TypeError) as problem:
        raise BadCheckpoint(both(
            f"{path} 不是本课程的检查点，或者已经损坏（{problem}）。文件没有被执行，也没有被改动。"
            "请换一个检查点，或从头训练。",
            f"{path} is not a checkpoint of this course, or is damaged ({problem}). Nothing in it "
            "was executed or changed. Use another checkpoint, or train afresh.")) from problem
    return tensors, about


def _check_same_networks(game, tensors: dict[str, torch.Tensor], path) -> None:
    for name in NETWORKS:
        ours = {k: tuple(t.shape) for k, t in getattr(game, name).state_dict().items()}
        theirs = {k: tuple(t.shape) for k, t in _below(tensors, f"{name}/").items()}
        for key in sorted(ours.keys() | theirs.keys()):
            if ours.get(key) != theirs.get(key):
                raise BadCheckpoint(both(
                    f"{path} 属于另一个网络：{name} 的 {key} 在文件里是 {theirs.get(key)}，"
                    f"在这里是 {ours.get(key)}。请用保存时的网络来加载。",
                    f"{path} belongs to another network: {key} of the {name} is "
                    f"{theirs.get(key)} in the file and {ours.get(key)} here. Load it into the "
                    "network it was saved from."))
