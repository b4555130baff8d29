"""A second device for machines without a GPU, to find tensors that were left on the CPU.

    python tests/other_device.py notebooks/src/01_intuition.py     the code of a lesson, in short

`pretended()` lets `runtime.device()` return a device whose tensors compute on the CPU but, like
those of CUDA and MPS, refuse to meet a tensor of the CPU, to become an array, and (MPS) to have
64 bits. torch calls it "meta", the one device whose name every build of torch accepts. It knows
nothing of speed, memory or rounding.
"""

import contextlib
import os
import sys
import traceback
from pathlib import Path
from unittest import mock

import jupytext
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

AWAY = torch.device("meta")
HOME = torch.device("cpu")
NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"


class Away(torch.Tensor):
    """A tensor on the other device; `inner` is where its numbers are, on the CPU."""

    @staticmethod
    def __new__(cls, inner):
        if inner.dtype == torch.float64:
            raise TypeError("Cannot convert a MPS Tensor to float64")
        made = torch.Tensor._make_wrapper_subclass(
            cls, inner.size(), strides=inner.stride(), storage_offset=inner.storage_offset(),
            dtype=inner.dtype, device=AWAY)
        made.inner = inner
        return made

    def __repr__(self):
        return f"Away({self.inner})"

    @classmethod
    def __torch_dispatch__(cls, operation, types, args=(), kwargs=None):
        return computed(operation, args, kwargs or {})


class Watch(TorchDispatchMode):
    """Sees the operations that make tensors, or bring them to a device, by name."""

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        return computed(operation, args, kwargs or {})


def computed(operation, args, kwargs):
    """Carry out an operation on the CPU; raise RuntimeError where the two devices meet."""
    name = operation.__name__.split(".")[0]
    tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
    away = [tensor for tensor in tensors if isinstance(tensor, Away)]
    met = [tensor for tensor in tensors if tensor.dim() and not isinstance(tensor, Away)]
    if name.startswith("index"):  # positions may be on the CPU
        met = [tensor for tensor in met if tensor.is_floating_point()]
    if away and met and name not in ("copy_", "_to_copy"):
        raise RuntimeError("Expected all tensors to be on the same device, but found at least two "
                           f"devices ({name})")
    asked = kwargs.get("device")
    args, kwargs = tree_map(lambda x: x.inner if isinstance(x, Away) else x, (args, kwargs))
    if asked is not None:
        kwargs["device"] = HOME
    result = operation(*args, **kwargs)
    if name == "_local_scalar_dense" or not (away if asked is None else asked == AWAY):
        return result
    same = {id(tensor.inner): tensor for tensor in away}  # what was changed in place

    def wrapped(x):
        if not isinstance(x, torch.Tensor):
            return x
        return same[id(x)] if id(x) in same else Away(x)
    return tree_map(wrapped, result)


plain_autocast = torch.autocast


def autocast(kind, *args, **options):
    return contextlib.nullcontext() if kind == AWAY.type else plain_autocast(kind, *args, **options)


@contextlib.contextmanager
def pretended():
    """Let `runtime.device()` be the other device."""
    swaps = torch.__future__.get_swap_module_params_on_conversion()
    torch.__future__.set_swap_module_params_on_conversion(True)  # a network moves in place
    with (mock.patch("gan_lessons.runtime.device", return_value=AWAY),
          mock.patch("torch.autocast", autocast),
          mock.patch("torch.optim.optimizer._get_fused_kernels_supported_devices",
                     return_value=[HOME.type, AWAY.type]), Watch()):
        try:
            yield AWAY
        finally:
            torch.__future__.set_swap_module_params_on_conversion(swaps)


def run_lesson(source: Path) -> int:
    """Run the code of a lesson at smoke scale, cell by cell; return how many cells failed."""
    os.chdir(NOTEBOOKS / source.parent.relative_to(NOTEBOOKS / "src"))
    names, failed = {"__name__": "__main__"}, 0
    for number, cell in enumerate(jupytext.read(source).cells, start=1):  # as `lint` counts them
        if cell.cell_type != "code":
            continue
        try:
            exec(compile(cell.source, f"{source.name}, cell {number}", "exec"), names)
        except Exception as problem:
            failed += 1
            print(f"{source.name}, cell {number}:")
            traceback.print_exception(problem)
    return failed


if __name__ == "__main__":
    os.environ |= {"GAN_LESSONS_SCALE": "smoke", "MPLBACKEND": "Agg"}
    with pretended():
        sys.exit(sum(run_lesson(Path(name).resolve()) for name in sys.argv[1:]) > 0)
