"""Save a game and resume it: one safetensors file, written whole or not at all.

A safetensors file holds tensors and text, never objects, so there is nothing in it to execute;
what is read is compared with the game, shape by shape, before anything is changed.
"""

import json
from functools import partial
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes
from torch import Tensor

from gan_lessons.util import both, write_atomically

VERSION = 1
NETWORKS = ("generator", "critic", "generator_ema")
OPTIMIZERS = ("generator_optimizer", "critic_optimizer")
YOUNGER = {"optimizer": "adam", "warm_up": False, "penalty_every": 1,  # not in older files
           "precision": "float32"}


class BadCheckpoint(ValueError):
    """The file is not a checkpoint, is damaged, or belongs to another game."""


def save(game, path: str | Path) -> None:
    """Write everything that training remembers to `path`, atomically.

    Raises OSError, with the old file untouched, when the folder cannot be written to.
    """
    about = {"version": VERSION, "step": game.step, "settings": _settings(game)}
    kept = {name: tensor.detach().cpu().contiguous() for name, tensor in _tensors(game).items()}
    write_atomically(path, to_bytes(kept, metadata={"gan_lessons": json.dumps(about)}))


def load(game, path: str | Path, *, changed: tuple[str, ...] = ()) -> None:
    """Bring `game` to the state saved in `path`; on any problem it is left as it was.

    Settings must be those the file was saved with, except the ones named in `changed`:
    `changed=("lr",)` goes on with the game's own learning rate; `changed=("optimizer",)` lets
    both optimizers begin anew, since one kind cannot go on from what another remembers.

    Raises FileNotFoundError; BadCheckpoint when the file is not one of ours, is damaged, or was
    saved by other networks or with other settings.
    """
    tensors, about = _read(Path(path))
    _check_settings(about["settings"], _settings(game), changed, path)
    _check_networks(game, tensors, path)
    try:
        _check_rest(game, tensors, about)
        if "optimizer" not in changed:
            _check_optimizers(game, tensors, about["step"])
    except (ValueError, TypeError, KeyError, RuntimeError) as problem:
        raise _damaged(path, problem) from problem
    for name in NETWORKS:
        getattr(game, name).load_state_dict(_below(tensors, f"{name}/"))
    for name in OPTIMIZERS:
        _restore_optimizer(getattr(game, name),
                           {} if "optimizer" in changed else _below(tensors, f"{name}/"))
    game.noise.set_state(tensors["noise"])
    game.torch_state = tensors["torch"]
    game.history = tensors["history"]
    snapshots = _below(tensors, "snapshots/")
    game.snapshots = {step: snapshots[str(step)] for step in sorted(map(int, snapshots))}
    game.step = about["step"]


def finite(game) -> bool:
    """Tell whether every number in the networks and optimizers is finite."""
    return all(t.isfinite().all() for t in _tensors(game).values() if t.is_floating_point())


def saved_step(path: str | Path) -> int:
    """Return the step at which the checkpoint in `path` was saved; raises as `load` does."""
    return _read(Path(path))[1]["step"]


def _tensors(game) -> dict[str, Tensor]:
    """Return all that must be kept, flat: "generator/0.weight", "critic_optimizer/0/exp_avg"."""
    kept = {"noise": game.noise.get_state(), "torch": game.torch_state, "history": game.history}
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


def _settings(game) -> dict:
    settings = {"latent": game.latent, "loss": f"{type(game.loss).__name__} {vars(game.loss)}",
                "penalty": _named(game.penalty), "n_critic": game.n_critic,
                "batch": game.batch, "lr": game.lr, "betas": list(game.betas), "ema": game.ema,
                "seed": game.seed, "clip": game.clip, "decay": game.decay,
                "penalty_every": game.penalty_every, "data": game.data,
                "optimizer": _named(game.optimizer) or "adam", "warm_up": game.warm_up,
                "precision": game.precision}
    return settings | {name: str(getattr(game, name)) for name in NETWORKS[:2]}


def _named(function) -> str | None:
    """Return the name of a function, with the options that functools.partial gave it."""
    if isinstance(function, partial):
        return f"{function.func.__name__} {function.keywords}"
    return function and function.__name__


def _restore_optimizer(optimizer: torch.optim.Optimizer, flat: dict[str, Tensor]) -> None:
    state: dict[int, dict] = {}
    for name, tensor in flat.items():
        i, key = name.split("/")
        state.setdefault(int(i), {})[key] = tensor
    optimizer.load_state_dict({"state": state,
                               "param_groups": optimizer.state_dict()["param_groups"]})


def _below(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k[len(prefix):]: t for k, t in tensors.items() if k.startswith(prefix)}


# ---- reading what may be anything ----

def _read(path: Path) -> tuple[dict[str, Tensor], dict]:
    if not path.is_file():
        raise FileNotFoundError(both(
            f"没有这个检查点：{path}" + ("（这是一个文件夹）。" if path.is_dir() else "。"),
            f"There is no checkpoint at {path}" + (" (a folder)." if path.is_dir() else ".")))
    try:
        with safe_open(path, framework="pt") as file:
            about = json.loads((file.metadata() or {})["gan_lessons"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}
        if about["version"] != VERSION:
            raise ValueError(f"version {about['version']}, this course reads {VERSION}")
        if type(about["step"]) is not int or not isinstance(about["settings"], dict):
            raise ValueError("no step or no settings")
    except (SafetensorError, KeyError, ValueError, TypeError, RecursionError) as problem:
        raise _damaged(path, problem) from problem
    return tensors, about


def _damaged(path, problem: Exception) -> BadCheckpoint:
    return BadCheckpoint(both(
        f"{path} 不是本课程的检查点，或者已经损坏（{problem}）。文件没有被执行，也没有被改动。"
        "请换一个检查点，或从头训练。",
        f"{path} is not a checkpoint of this course, or is damaged ({problem}). Nothing in it was "
        "executed or changed. Use another checkpoint, or train afresh."))


def _check_settings(theirs: dict, ours: dict, changed: tuple[str, ...], path) -> None:
    """Compare the settings; a game that has not met its data yet accepts any."""
    theirs = YOUNGER | theirs
    differ = [key for key in ours if theirs.get(key) != ours[key] and key not in changed
              and not (key == "data" and ours["data"] is None)]
    if differ:
        def line(key):
            short = len(f"{theirs.get(key)}{ours[key]}") < 80
            return f"{key}: {theirs.get(key)} -> {ours[key]}" if short else key
        what = ", ".join(map(line, differ))
        how = f"checkpoint.load(game, path, changed={tuple(differ)})"
        raise BadCheckpoint(both(
            f"{path} 是用别的设置保存的（{what}）。请改回原来的设置，或换一个文件名；"
            f"确实想换设置接着训练，请写 {how}。",
            f"{path} was saved with other settings ({what}). Restore those settings, or use "
            f"another file name; to go on with the new ones on purpose, write {how}."))


def _check_networks(game, tensors: dict[str, Tensor], path) -> None:
    for name in NETWORKS:
        ours = {k: (tuple(t.shape), t.dtype) for k, t in getattr(game, name).state_dict().items()}
        theirs = {k: (tuple(t.shape), t.dtype) for k, t in _below(tensors, f"{name}/").items()}
        for key in sorted(ours.keys() | theirs.keys()):
            if ours.get(key) != theirs.get(key):
                raise BadCheckpoint(both(
                    f"{path} 属于另一个网络：{name} 的 {key} 在文件里是 {theirs.get(key)}，"
                    f"在这里是 {ours.get(key)}。请用保存时的网络来加载。",
                    f"{path} belongs to another network: {key} of the {name} is "
                    f"{theirs.get(key)} in the file and {ours.get(key)} here. Load it into the "
                    "network it was saved from."))


def _check_rest(game, tensors: dict[str, Tensor], about: dict) -> None:
    """Raise ValueError or RuntimeError where a tensor would not fit."""
    step = about["step"]
    if step < 0 or tensors["history"].shape != (step, game.history.shape[1]):
        raise ValueError(f"step {step} with a history of shape {tuple(tensors['history'].shape)}")
    for key, pictures in _below(tensors, "snapshots/").items():
        if int(key) < 0 or pictures.ndim < 2:
            raise ValueError(f"snapshot {key} of shape {tuple(pictures.shape)}")
    if not all(t.isfinite().all() for t in tensors.values() if t.is_floating_point()):
        raise ValueError("NaN or infinity")
    for state in ("noise", "torch"):
        torch.Generator().set_state(tensors[state])


def _check_optimizers(game, tensors: dict[str, Tensor], step: int) -> None:
    """Raise ValueError where the state of an optimizer would not fit: Adam trusts its shapes."""
    kept = _kept_per_weight(game)
    for name, network in zip(OPTIMIZERS, NETWORKS, strict=False):
        expected = {f"{i}/{key}": (dtype, () if single else p.shape)
                    for i, p in enumerate(getattr(game, network).parameters())
                    for key, (dtype, single) in kept.items()}
        found = {k: (t.dtype, t.shape) for k, t in _below(tensors, f"{name}/").items()}
        if found != expected and (found or step):  # before its first step it has no state
            raise ValueError(f"the state of the {name} does not fit")


def _kept_per_weight(game) -> dict[str, tuple[torch.dtype, bool]]:
    """Return what this game's kind of optimizer remembers: name, type, whether it is one number.

    We ask one that has made a step with a single weight: Adam keeps two averages, RMSprop one.
    """
    tiny = torch.nn.ParameterList([torch.zeros(1)])
    tiny[0].grad = torch.zeros(1)
    optimizer = game.new_optimizer(tiny)
    optimizer.step()
    return {key: (kept.dtype, kept.ndim == 0) for key, kept in optimizer.state[tiny[0]].items()}
