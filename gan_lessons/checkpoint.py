"""Save and resume: one safetensors file for a `Game` and for a `Learner`, written whole or not.

A safetensors file holds tensors and text, never objects, so there is nothing in it to execute;
what is read is compared, setting by setting and shape by shape, before anything is changed.
"""

import copy
import hashlib
import inspect
import json
import platform
from functools import partial
from itertools import chain
from pathlib import Path
from types import CodeType
from typing import Any, Protocol

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes
from torch import Tensor, nn

from gan_lessons.util import both, tell, write_atomically

VERSION = 2
KEY = "gan_lessons"  # where our text stands in the file's metadata
CANNOT_COMPARE = "cannot be compared"


class BadCheckpoint(ValueError):
    """The file is not a checkpoint, is damaged, or belongs to another game."""


class TrainingDiverged(RuntimeError):
    """A loss or a weight became NaN or infinite."""


class Saveable(Protocol):
    """What can be saved: a `Game`, a `Learner`, a `cycle.Translation`."""

    def state(self) -> dict[str, Any]:
        """Return all that must be kept: nested dictionaries of tensors and plain values.

        Among them are "networks", {name: state_dict}, and "optimizers", {name: optimizer_state()}.
        """

    def set_state(self, state: dict[str, Any]) -> None:
        """Take back what `state` returned, or some of its parts."""

    def settings(self) -> dict[str, Any]:
        """Return what must agree between the file and whoever loads it, as plain values."""


# ---- writing and reading ----

def save(trainee: Saveable, path: str | Path) -> None:
    """Write everything that training remembers to `path`, atomically.

    Where a number is not finite or the disk is full, it raises, and the old file stays.
    """
    flat = _flat(trainee.state())
    tensors: dict[str, Tensor] = {}
    held = set()  # where tensors lie: tied weights have several names, each is written
    for name, value in flat.items():
        if isinstance(value, Tensor):
            value = value.detach().cpu().contiguous()
            place = value.untyped_storage().data_ptr()
            tensors[name] = value.clone() if place in held else value
            held.add(place)
    if broken := _not_finite(tensors):
        raise TrainingDiverged(both(
            f"{broken} 里有 NaN 或无穷大，所以没有保存；之前存的文件没有被改动。请回到那个文件，"
            "并降低学习率。",
            f"{broken} holds NaN or infinity, so nothing was saved; a file saved before is "
            "untouched. Go back to it, and lower the learning rate."))
    values = {name: value for name, value in flat.items() if name not in tensors}
    about = {"version": VERSION, "torch": torch.__version__, "settings": trainee.settings(),
             "values": values}
    write_atomically(path, to_bytes(tensors, metadata={KEY: json.dumps(about)}))


def load(trainee: Saveable, path: str | Path, *, changed: tuple[str, ...] = (),
         only: tuple[str, ...] | None = None) -> None:
    """Bring `trainee` to the state saved in `path`; on any problem it is left as it was.

    Args:
        trainee: The game or learner, made as it was when the file was saved.
        path: The file.
        changed: Settings that may differ from the file's. `("lr",)` goes on with the new learning
            rate, and so does `("decay",)`; `("optimizer",)` lets the optimizers begin anew.
        only: The parts to take, such as `("networks",)`; settings are then not compared.

    Raises:
        BadCheckpoint: It is not one of ours, is damaged, or was saved by other networks or with
            other settings.
    """
    state, about = _read(Path(path))
    before = copy.deepcopy(trainee.state())
    if only is not None:
        state = {name: part for name, part in state.items() if name in only}
    else:
        if about.get("torch") != torch.__version__:  # another torch may print a network otherwise;
            changed = (*changed, *before["networks"])  # their shapes are compared all the same
        _compare_settings(about["settings"], trainee.settings(), changed, path)
    _compare_networks(before["networks"], state.get("networks", {}), path)
    if "optimizer" in changed:
        state["optimizers"] = {name: {} for name in before["optimizers"]}
    if "lr" in changed or "decay" in changed:
        for remembered in state.get("optimizers", {}).values():
            remembered.pop("lr", None)
    try:
        trainee.set_state(state)
    except (KeyError, ValueError, TypeError, RuntimeError, AttributeError) as problem:
        trainee.set_state(before)
        raise _damaged(path, problem) from problem


def check_same(trainee: Saveable, path: str | Path) -> int:
    """Return the step of the file in `path`; raise BadCheckpoint unless it is of `trainee`.

    What may change from one training to the next, such as the learning rate, is not compared.
    """
    state, about = _read(Path(path))
    saved, now = about["settings"], trainee.settings()
    lasting = {name: now[name] for name in ("latent", "seed", "classes")
               if name in saved and name in now}
    _compare_settings(saved, lasting, (), path)
    _compare_networks(trainee.state()["networks"], state.get("networks", {}), path)
    return _step(state, path)


def read(path: str | Path) -> dict[str, Any]:
    """Return the state in `path` as it was saved; raises as `load` does."""
    return _read(Path(path))[0]


def saved_step(path: str | Path) -> int:
    """Return the step at which the game in `path` was saved; raises as `load` does."""
    return _step(read(path), path)


def _step(state: dict[str, Any], path: str | Path) -> int:
    """Return the step in a state that was read from `path`."""
    step = state.get("step")
    if type(step) is not int:
        raise _damaged(path, ValueError("no step"))
    return step


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the state and what else the file says; it may be anything."""
    if not path.is_file():
        raise FileNotFoundError(both(f"没有这个检查点：{path}。请检查路径。",
                                     f"There is no checkpoint at {path}. Check the path."))
    try:
        with safe_open(path, framework="pt") as file:
            about = json.loads((file.metadata() or {})[KEY])
            tensors = {name: file.get_tensor(name) for name in file.keys()}
        if about["version"] != VERSION:
            raise ValueError(f"version {about['version']}, this course reads {VERSION}")
        if not isinstance(about["settings"], dict):
            raise ValueError("no settings")
        if broken := _not_finite(tensors):
            raise ValueError(f"{broken} holds NaN or infinity")
        return _nested(about["values"] | tensors), about
    except (SafetensorError, KeyError, ValueError, TypeError, AttributeError, RecursionError,
            NotImplementedError) as problem:  # the last for types torch cannot calculate with
        raise _damaged(path, problem) from problem


def _not_finite(tensors: dict[str, Tensor]) -> str | None:
    """Return the name of the first tensor that holds NaN or infinity, if any."""
    return next((name for name, tensor in tensors.items()
                 if tensor.is_floating_point() and not tensor.isfinite().all()), None)


def _flat(state: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return {"a": {"b": 1}} as {"a/b": 1}; empty dictionaries vanish."""
    flat = {}
    for name, value in state.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{name}/")
        else:
            flat[f"{prefix}{name}"] = value
    return flat


def _nested(flat: dict[str, Any]) -> dict[str, Any]:
    """Return {"a/b": 1} as {"a": {"b": 1}}."""
    state: dict[str, Any] = {}
    for name, value in flat.items():
        *above, last = name.split("/")
        place = state
        for part in above:
            place = place.setdefault(part, {})
        place[last] = value
    return state


# ---- networks and optimizers ----

def unwrapped(network: nn.Module) -> nn.Module:
    """Return the network inside torch.compile, DataParallel or DistributedDataParallel.

    It is what is saved and averaged: the wrapped and the plain network read each other's files.
    """
    if hasattr(network, "_orig_mod"):  # torch.compile's
        return unwrapped(network._orig_mod)
    if isinstance(network, (nn.DataParallel, nn.parallel.DistributedDataParallel)):
        return unwrapped(network.module)
    return network


def optimizer_state(optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    """Return the kind of the optimizer, its learning rates, and what it remembers by parameter."""
    remembered = optimizer.state_dict()["state"]
    return {"kind": type(optimizer).__name__, "count": len(remembered),
            "lr": [float(group["lr"]) for group in optimizer.param_groups],
            "of": {str(i): dict(values) for i, values in remembered.items()}}


def set_optimizer_state(optimizer: torch.optim.Optimizer, state: dict[str, Any]) -> None:
    """Take back what `optimizer_state` returned; `{}` lets the optimizer begin anew.

    Without "lr" the learning rates stay the optimizer's own. Raises ValueError for what does not
    fit.
    """
    kind = type(optimizer).__name__
    if state.get("kind", kind) != kind:
        raise ValueError(f"the optimizer in the file is {state['kind']}, this one is {kind}")
    remembered = {int(i): values for i, values in state.get("of", {}).items()}
    if len(remembered) != state.get("count", 0):
        raise ValueError("the state of the optimizer does not fit: a part of it is missing")
    _check_remembered(optimizer, remembered)
    groups = optimizer.state_dict()["param_groups"]
    for group, lr in zip(groups, state.get("lr", [group["lr"] for group in groups]), strict=True):
        group["lr"] = lr
    optimizer.load_state_dict({"state": remembered, "param_groups": groups})
    follow_layout(optimizer)


def follow_layout(*optimizers: torch.optim.Optimizer) -> None:
    """Lay what optimizers remember out as their parameters are now, such as `channels_last`.

    A fused Adam takes that for granted: without it, a mean would meet another weight's gradient.
    """
    for parameter, values in chain.from_iterable(each.state.items() for each in optimizers):
        for name, value in values.items():
            if isinstance(value, Tensor) and value.shape == parameter.shape:
                laid_out = torch.empty_like(parameter, dtype=value.dtype)
                if value.stride() != laid_out.stride():
                    values[name] = laid_out.copy_(value)


def _check_remembered(optimizer: torch.optim.Optimizer, remembered: dict[int, dict]) -> None:
    """Raise ValueError where something would not fit: a fused Adam trusts its shapes.

    Of a frozen or unused parameter nothing is remembered.
    """
    parameters = [(p, group) for group in optimizer.param_groups for p in group["params"]]
    for i, values in remembered.items():
        if i >= len(parameters):
            raise ValueError(f"the state of the optimizer does not fit: {len(parameters)} "
                             f"parameters, and more in the file")
        found = {key: (value.dtype, value.shape) for key, value in values.items()
                 if isinstance(value, Tensor)}
        if found != _remembered_of_one(optimizer, *parameters[i]):
            raise ValueError(f"the state of the optimizer does not fit at parameter {i}")


def _remembered_of_one(optimizer, parameter: Tensor,
                       group: dict) -> dict[str, tuple[torch.dtype, torch.Size]]:
    """Return what this kind of optimizer keeps of a parameter: name -> type and shape.

    We ask one of the same kind and settings that has made a step with such a parameter.
    """
    known = inspect.signature(type(optimizer)).parameters
    options = {name: value for name, value in group.items() if name in known and name != "params"}
    weight = nn.Parameter(torch.zeros(parameter.shape, dtype=parameter.dtype))
    weight.grad = torch.zeros_like(weight)
    alone = type(optimizer)([weight], **options)
    alone.step()
    return {key: (value.dtype, value.shape) for key, value in alone.state[weight].items()
            if isinstance(value, Tensor)}


# ---- comparing ----

def described(thing: Any) -> str | None:
    """Say in words which loss, penalty or optimizer this is, so that two can be told apart.

    Library functions go by their name; lambdas and functions of the learner's own also by a digest
    of their code; objects by their class and plain attributes. What cannot be told apart in this
    way says so (CANNOT_COMPARE): `load` then warns instead of comparing.
    """
    if thing is None:
        return None
    if isinstance(thing, partial):
        options = "".join(f" {part}" for part in (thing.args, thing.keywords) if part)
        name = f"{described(thing.func)}{options}"
        return name if _plain((*thing.args, *thing.keywords.values())) else _unsure(name)
    if inspect.isroutine(thing) or inspect.isclass(thing):
        name = getattr(thing, "__qualname__", type(thing).__name__)
        installed = thing.__module__ != "__main__" and "<" not in name
        code = getattr(thing, "__code__", None)
        if installed or code is None:
            return name
        held = (*(cell.cell_contents for cell in thing.__closure__ or ()), thing.__defaults__)
        digest = hashlib.sha256(repr((_words(code), held)).encode()).hexdigest()[:8]
        name = f"{name} {digest} in Python {platform.python_version()}"
        return name if _plain(held) else _unsure(name)
    if isinstance(thing, nn.Module):  # torch's own losses say their settings themselves
        return _unsure(type(thing).__name__) if thing.state_dict() else str(thing)
    name, attributes = type(thing).__name__, getattr(thing, "__dict__", {})
    return f"{name} {attributes}" if _plain(tuple(attributes.values())) else _unsure(name)


def _unsure(name: str) -> str:
    return f"{name} ({CANNOT_COMPARE})"


def _plain(value: Any) -> bool:
    """Tell whether `repr` says all there is to know of a value."""
    if isinstance(value, tuple):  # lists and dictionaries may be what training writes into
        return all(map(_plain, value))
    return value is None or isinstance(value, (bool, int, float, str))


def _words(code: CodeType) -> tuple:
    """Return what a function does, without the file and the line where it stands."""
    constants = [_words(c) if isinstance(c, CodeType) else repr(c) for c in code.co_consts]
    return code.co_code, code.co_names, constants


def _compare_settings(theirs: dict[str, Any], ours: dict[str, Any], changed: tuple[str, ...],
                      path: str | Path) -> None:
    """Raise BadCheckpoint for settings that differ; warn of those that cannot be compared."""
    differ = {}  # the names of settings and what to say of each
    for key in [key for key in ours if key not in changed]:
        if theirs.get(key) != ours[key]:
            line = f"{key}: {theirs.get(key)} -> {ours[key]}"
            differ[key] = line if len(line) < 120 else key
        elif CANNOT_COMPARE in str(ours[key]):
            tell(both(f"{key}（{ours[key]}）无法比较：请自己确认它和存盘时是同一个。",
                      f"{key}: {ours[key]}; make sure yourself that it is what it was when "
                      f"{Path(path).name} was saved."))
    if differ:
        what, how = ", ".join(differ.values()), f"changed={tuple(differ)}"
        raise BadCheckpoint(both(
            f"{path} 是用别的设置保存的（{what}）。请改回原来的设置，或换一个文件名；"
            f"确实想换设置接着训练，请在 load 里写 {how}。",
            f"{path} was saved with other settings ({what}). Restore those settings, or use "
            f"another file name; to go on with the new ones on purpose, give load {how}."))


def _compare_networks(ours: dict[str, Any], theirs: dict[str, Any], path: str | Path) -> None:
    """Raise BadCheckpoint at the first tensor that is not there or has another shape or type."""
    def shapes(networks):
        return {name: (tuple(value.shape), value.dtype) if isinstance(value, Tensor) else value
                for name, value in _flat(networks).items()}
    here, there = shapes(ours), shapes(theirs)
    for name in sorted(here.keys() | there.keys()):
        if here.get(name) != there.get(name):
            raise BadCheckpoint(both(
                f"{path} 属于另一个网络：{name} 在文件里是 {there.get(name)}，"
                f"在这里是 {here.get(name)}。请用保存时的网络来加载。",
                f"{path} belongs to another network: {name} is {there.get(name)} in the file and "
                f"{here.get(name)} here. Load it into the network it was saved from."))


def _damaged(path: str | Path, problem: Exception) -> BadCheckpoint:
    return BadCheckpoint(both(
        f"{path} 不是本课程的检查点，或者已经损坏（{problem}）。文件没有被执行，也没有被改动。"
        "请换一个检查点，或从头训练。",
        f"{path} is not a checkpoint of this course, or is damaged ({problem}). Nothing in it was "
        "executed or changed. Use another checkpoint, or train afresh."))
