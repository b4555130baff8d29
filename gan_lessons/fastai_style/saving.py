"""Save a learner and go on from there: one safetensors file, written whole or not at all.

As in `gan_lessons.checkpoint`, the file holds tensors and plain values, never objects: there is
nothing in it that could be executed.
"""

import json
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes
from torch import Tensor

from gan_lessons.checkpoint import BadCheckpoint
from gan_lessons.train import TrainingDiverged
from gan_lessons.util import both, write_atomically

KEY, VERSION = "gan_lessons.fastai_style", 1


def save(learn, path: Path) -> None:
    """Write everything that `learn` needs to go on to `path`, atomically.

    With the old file untouched, raises OSError when the folder cannot be written to, and
    TrainingDiverged when a number is not finite.
    """
    flat = _flat(learn.state())
    tensors = {name: value.detach().cpu().contiguous() for name, value in flat.items()
               if isinstance(value, Tensor)}
    broken = _not_finite(tensors)
    if broken:
        raise TrainingDiverged(both(
            f"{broken} 里有 NaN 或无穷大，所以没有保存；之前存的文件没有被改动。请用 learn.load "
            "回到那时，并降低学习率。",
            f"{broken} holds NaN or infinity, so nothing was saved; the file saved before is "
            "untouched. Go back to it with learn.load, and lower the learning rate."))
    rest = {name: value for name, value in flat.items() if name not in tensors}
    about = json.dumps({"version": VERSION, "values": rest})
    write_atomically(path, to_bytes(tensors, metadata={KEY: about}))


def load(learn, path: Path, with_opt: bool = True) -> None:
    """Bring `learn` to the state saved in `path`; on any problem it is left as it was.

    `with_opt=False` takes the weights of the networks and nothing else.

    Raises FileNotFoundError; BadCheckpoint when the file is not one of ours, is damaged, or
    belongs to other networks or another kind of optimizer.
    """
    state = _read(path)
    if with_opt:
        learn.prepare_optimizers(0.0, 0.0)  # so that there is something to load into
    else:
        state = {"networks": state.get("networks", {})}
    before = _nested({name: value.clone() if isinstance(value, Tensor) else value
                      for name, value in _flat(learn.state()).items()})
    _compare(before, state, path)
    try:
        learn.set_state(state)
    except (KeyError, ValueError, TypeError, RuntimeError, AttributeError) as problem:
        learn.set_state(before)
        raise _damaged(path, problem) from problem


def optimizer_state(optimizer: torch.optim.Optimizer) -> dict:
    """Return what `optimizer` remembers of each parameter, under the parameter's number."""
    state = optimizer.state_dict()["state"]
    return {"kind": type(optimizer).__name__,
            "of": {str(i): dict(remembered) for i, remembered in state.items()}}


def set_optimizer_state(optimizer: torch.optim.Optimizer, state: dict) -> None:
    """Take back what `optimizer_state` returned; raise ValueError where it does not fit."""
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    remembered = {int(i): kept for i, kept in state.get("of", {}).items()}
    for i, kept in remembered.items():
        for name, value in kept.items():
            if isinstance(value, Tensor) and value.ndim and value.shape != parameters[i].shape:
                raise ValueError(f"{name} of parameter {i} has the shape {tuple(value.shape)}")
    optimizer.load_state_dict({"state": remembered,
                               "param_groups": optimizer.state_dict()["param_groups"]})


def _not_finite(tensors: dict[str, Tensor]) -> str | None:
    """Return the name of the first tensor that holds NaN or infinity, if any."""
    return next((name for name, tensor in tensors.items()
                 if tensor.is_floating_point() and not tensor.isfinite().all()), None)


def _flat(state: dict, prefix: str = "") -> dict:
    """Return {"a": {"b": 1}} as {"a/b": 1}; empty parts vanish."""
    flat = {}
    for name, value in state.items():
        flat |= _flat(value, f"{prefix}{name}/") if isinstance(value, dict) \
            else {f"{prefix}{name}": value}
    return flat


def _nested(flat: dict) -> dict:
    state: dict = {}
    for name, value in flat.items():
        *above, last = name.split("/")
        place = state
        for part in above:
            place = place.setdefault(part, {})
        place[last] = value
    return state


def _read(path: Path) -> dict:
    if not path.is_file():
        raise FileNotFoundError(both(f"没有这个文件：{path}。请检查 learn.save 时用的名字。",
                                     f"There is no file {path}. Check the name given to "
                                     "learn.save."))
    try:
        with safe_open(path, framework="pt") as file:
            about = json.loads((file.metadata() or {})[KEY])
            tensors = {name: file.get_tensor(name) for name in file.keys()}
        if about["version"] != VERSION:
            raise ValueError(f"version {about['version']}, this one is {VERSION}")
        if broken := _not_finite(tensors):
            raise ValueError(f"{broken} holds NaN or infinity")
        return _nested(tensors | about["values"])
    except (SafetensorError, KeyError, ValueError, TypeError, AttributeError,
            RecursionError) as problem:
        raise _damaged(path, problem) from problem


def _compare(ours: dict, theirs: dict, path: Path) -> None:
    """Raise BadCheckpoint where networks or optimizers are not those of the learner."""
    def shapes(state):
        return {name: (tuple(value.shape), value.dtype) if isinstance(value, Tensor) else value
                for name, value in _flat({"networks": state.get("networks", {})}).items()}
    here, there = shapes(ours), shapes(theirs)
    differ = [name for name in sorted(here.keys() | there.keys())
              if here.get(name) != there.get(name)]
    kinds = [{name: opt.get("kind") for name, opt in state.get("optimizers", {}).items()}
             for state in (ours, theirs)]
    if differ:
        raise BadCheckpoint(both(
            f"{path} 属于另外的网络：{differ[0]} 在文件里是 {there.get(differ[0])}，在这里是 "
            f"{here.get(differ[0])}。请按保存时的样子新建网络，再加载。",
            f"{path} belongs to other networks: {differ[0]} is {there.get(differ[0])} in the file "
            f"and {here.get(differ[0])} here. Make the networks as they were when saved."))
    if "optimizers" in theirs and kinds[0] != kinds[1]:
        raise BadCheckpoint(both(
            f"{path} 里的优化器是 {kinds[1]}，这里是 {kinds[0]}。请用同一种 opt_func，或用 "
            "with_opt=False 只加载权重。",
            f"The optimizers in {path} are {kinds[1]}, here {kinds[0]}. Use the same opt_func, or "
            "load the weights alone with with_opt=False."))


def _damaged(path: Path, problem: Exception) -> BadCheckpoint:
    return BadCheckpoint(both(
        f"{path} 不是 learn.save 写的文件，或者已经损坏（{problem}）。文件没有被执行，学习器也没有"
        "被改动。",
        f"{path} was not written by learn.save, or is damaged ({problem}). Nothing in it was "
        "executed, and the learner is as it was."))
