"""How the small nets that measure samples are trained: once, then kept.

The two factor readers come trained with the package, in `weights/`, so that samples of toys are
measured by one and the same net everywhere. A net that is not there is kept in the cache.
"""

import contextlib
import hashlib
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from safetensors.torch import save as to_bytes
from torch import Tensor, nn
from tqdm import tqdm

from gan_lessons import runtime
from gan_lessons.util import write_atomically

Net = TypeVar("Net", bound=nn.Module)
SHIPPED = Path(__file__).parent / "weights"  # written by `python -m studies.readers`


def fit_small_net(make: Callable[[], Net], losses: Callable[[Net], Iterator[Tensor]], *,
                  steps: int, max_lr: float, finish: Callable[[Net], None], name: str,
                  recipe: str, seen: bytes) -> Net:
    """Return the net that `make` makes, trained with seed 0, here or earlier; frozen.

    Adam with the learning rate of OneCycleLR. The file of a trained net carries a fingerprint of
    the net, the recipe and the pictures. It is looked for in SHIPPED, then in the cache; the net is
    trained if neither has it or the file is damaged, and goes to the cache, if that can be written.
    The caller's random numbers stay as they were.

    Args:
        make: Returns the untrained net.
        losses: Given the net, yields its loss on one fresh batch after another.
        steps: How many batches it learns from.
        max_lr: The largest learning rate, reached in the course of the schedule.
        finish: What is left to do with the trained net, such as testing it.
        name: What the file in the cache is called, before the fingerprint.
        recipe: What else decides on the weights, in words.
        seen: Bytes of the pictures it learns from, or of some that tell their kind.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = make()
        fingerprint = hashlib.sha256(f"{net} {recipe}".encode() + seen).hexdigest()[:16]
        file = f"{name}-{fingerprint}.safetensors"
        if not _restore(net, SHIPPED / file) and not _restore(net, runtime.cache_dir() / file):
            torch.manual_seed(0)
            net = make()
            optimizer = torch.optim.Adam(net.parameters(), fused=True)
            schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr, total_steps=steps)
            for loss in tqdm(islice(losses(net), steps), name, steps, unit="step",
                             disable=None, leave=False):  # a bar at a terminal only
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
            with torch.no_grad():
                finish(net.eval())
            with contextlib.suppress(OSError):  # training again is no disaster
                write_atomically(runtime.cache_dir() / file, to_bytes(net.state_dict()))
    return net.eval().requires_grad_(False)


def _restore(net: nn.Module, path: Path) -> bool:
    """Load the weights from the cache; tell whether they are there, fit and are finite."""
    try:
        net.load_state_dict(load_file(path))
    except (OSError, SafetensorError, RuntimeError):
        return False
    return all(bool(tensor.isfinite().all()) for tensor in net.state_dict().values())
