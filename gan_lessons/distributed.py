"""Many GPUs, one game: torch.distributed under torchrun, in the few calls that training needs.

Each process calls `join()` first and then trains as if it were alone:

    torchrun --nproc-per-node 4 my_training.py
    torchrun --nproc-per-node 4 -m gan_lessons train ...      joins by itself

On Windows, where PyTorch is built without libuv, set USE_LIBUV=0 before torchrun.

All ranks draw the same numbers and keep the same weights. Of each batch, of data and of noise, a
rank takes its own shard, and before an optimizer steps, the gradients are averaged over the ranks:
what one process would do with the whole batch, up to rounding. Two things stay each rank's own:
the batch statistics of BatchNorm (torch.nn.SyncBatchNorm joins them on GPUs) and the values in
`game.history`, which are those of rank 0. It alone shows progress and writes files.
"""

import os
from datetime import timedelta

import torch
from torch import Tensor
from torch import distributed as dist

from gan_lessons import runtime
from gan_lessons.util import both


def join(minutes: float = 10) -> int:
    """Join the processes that torchrun started; return this one's rank, 0 when it is alone.

    GPUs talk through NCCL, CPUs through gloo; local rank k works on the machine's GPU number k.
    A rank that waits longer than `minutes` for the others gives up with an error.
    """
    if launched() > 1 and not joined():
        if torch.cuda.is_available():
            torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
        cuda = runtime.device().type == "cuda"  # a GPU that can compute
        dist.init_process_group("nccl" if cuda else "gloo", timeout=timedelta(minutes=minutes))
    return rank()


def leave() -> None:
    """Leave the other processes, as a script should when it is done."""
    if joined():
        dist.destroy_process_group()


def launched() -> int:
    """Return how many processes torchrun started, 1 without it."""
    return int(os.environ.get("WORLD_SIZE", 1))


def joined() -> bool:
    """Tell whether this process has joined others."""
    return dist.is_available() and dist.is_initialized()


def rank() -> int:
    """Return the number of this process, 0 when it is alone."""
    return dist.get_rank() if joined() else 0


def world_size() -> int:
    """Return how many processes train together, 1 when this one is alone."""
    return dist.get_world_size() if joined() else 1


def shard(batch: Tensor) -> Tensor:
    """Return this rank's part of a batch (B, ...): B / world_size rows."""
    return batch.chunk(world_size())[rank()]


def average_gradients(optimizer: torch.optim.Optimizer, *_) -> None:
    """Replace each gradient by its mean over the ranks, all of them in one message.

    Made to be an optimizer's `register_step_pre_hook`. As the published GAN code bases do, it
    works on gradients that are there, not on the backward pass, so that penalties which
    differentiate twice need no special care.
    """
    if not joined():
        return
    weights = [p for group in optimizer.param_groups for p in group["params"] if p.requires_grad]
    for p in weights:
        if p.grad is None:  # not used in this rank's step, but maybe in another's
            p.grad = torch.zeros_like(p)
    gradients = [p.grad for p in weights]
    message = torch.cat([gradient.flatten() for gradient in gradients])
    dist.all_reduce(message)
    parts = (message / world_size()).split([gradient.numel() for gradient in gradients])
    for gradient, part in zip(gradients, parts, strict=True):
        gradient.copy_(part.view_as(gradient))


def broadcast(value):
    """Return the `value`, plain values and tensors, that rank 0 has called this with."""
    if not joined():
        return value
    box = [value]
    dist.broadcast_object_list(box)
    return box[0]


def any_rank(yes: bool, device: torch.device) -> bool:
    """Tell whether any of the ranks says yes; all of them must ask at the same step."""
    if not joined():
        return yes
    vote = torch.tensor(float(yes), device=device)
    dist.all_reduce(vote)
    return vote.item() > 0


def barrier() -> None:
    """Wait until every rank has come this far."""
    if joined():
        dist.barrier()


def check(batch: int) -> None:
    """Refuse to train alone beside others, or with a batch that cannot be shared equally.

    Raises:
        RuntimeError: torchrun started several processes, and they have not joined.
        ValueError: `batch` is no multiple of the number of processes.
    """
    if launched() > 1 and not joined():
        raise RuntimeError(both(
            f"torchrun 启动了 {launched()} 个进程，但它们还没有互相连上：各自训练会互相覆盖文件。"
            "请在脚本开头调用 gan_lessons.distributed.join()。",
            f"torchrun started {launched()} processes that have not joined: each would train "
            "alone and overwrite the others' files. Call gan_lessons.distributed.join() at the "
            "top of the script."))
    if batch % world_size():
        raise ValueError(both(
            f"批大小 {batch} 不能平均分给 {world_size()} 个进程。请把 batch 换成 {world_size()} "
            "的倍数。",
            f"A batch of {batch} cannot be shared equally by {world_size()} processes. Make batch "
            f"a multiple of {world_size()}."))
