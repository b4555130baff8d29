"""One game on several GPUs: every process plays it with a share of each batch.

Started by torchrun, each process calls `join()` first and then trains as if it were alone:

    torchrun --nproc-per-node 4 my_training.py

All draw the same numbers and keep the same weights. Of each batch, of data and of noise, each
takes its own part, and before an optimizer steps, the gradients are averaged over the processes:
what one process would do with the whole batch, up to rounding. Two things stay each process's own:
the batch statistics of BatchNorm (torch.nn.SyncBatchNorm joins them on GPUs) and the values in
`game.history`, which are those of process 0. It alone shows progress and writes files.
"""

import os
from datetime import timedelta

import torch
from torch import Tensor
from torch import distributed as processes

from gan_lessons.util import both


def join(minutes: float = 10) -> int:
    """Join the processes that torchrun started; return this one's number, 0 when it is alone.

    GPUs talk through NCCL, CPUs through gloo; process k of a machine works on its GPU number k.
    A process that waits longer than `minutes` for the others gives up with an error.
    """
    if int(os.environ.get("WORLD_SIZE", 1)) > 1 and not joined():
        if torch.cuda.is_available():
            torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
        processes.init_process_group("nccl" if torch.cuda.is_available() else "gloo",
                                     timeout=timedelta(minutes=minutes))
    return number()


def leave() -> None:
    """Leave the other processes, as a script should when it is done."""
    if joined():
        processes.destroy_process_group()


def joined() -> bool:
    """Tell whether this process has joined others."""
    return processes.is_available() and processes.is_initialized()


def number() -> int:
    """Return the number of this process, 0 when it is alone."""
    return processes.get_rank() if joined() else 0


def count() -> int:
    """Return how many processes play together, 1 when this one is alone."""
    return processes.get_world_size() if joined() else 1


def share(batch: Tensor) -> Tensor:
    """Return this process's part of a batch (B, ...): rows `number()`, counted in equal parts."""
    return batch.chunk(count())[number()]


def average_gradients(optimizer: torch.optim.Optimizer, *_) -> None:
    """Replace each gradient by its mean over the processes, all of them in one message.

    Made to be an optimizer's `register_step_pre_hook`. As the published GAN code bases do, it
    works on gradients that are there, not on the backward pass, so that penalties which
    differentiate twice need no special care.
    """
    if not joined():
        return
    gradients = [p.grad for group in optimizer.param_groups for p in group["params"]
                 if p.grad is not None]
    message = torch.cat([gradient.flatten() for gradient in gradients])
    processes.all_reduce(message)
    parts = (message / count()).split([gradient.numel() for gradient in gradients])
    for gradient, part in zip(gradients, parts, strict=True):
        gradient.copy_(part.view_as(gradient))


def of_first(value):
    """Return the `value`, plain values and tensors, that process 0 has called this with."""
    if not joined():
        return value
    box = [value]
    processes.broadcast_object_list(box)
    return box[0]


def anyone(yes: bool, device: torch.device) -> bool:
    """Tell whether any of the processes says yes; all of them must ask at the same step."""
    if not joined():
        return yes
    vote = torch.tensor(float(yes), device=device)
    processes.all_reduce(vote)
    return vote.item() > 0


def wait() -> None:
    """Wait until every process has come this far."""
    if joined():
        processes.barrier()


def check(batch: int) -> None:
    """Raise ValueError when the processes cannot share a batch, RuntimeError when none joined."""
    wanted = int(os.environ.get("WORLD_SIZE", 1))
    if wanted > 1 and not joined():
        raise RuntimeError(both(
            f"torchrun 启动了 {wanted} 个进程，但它们还没有互相连上：各自训练会互相覆盖文件。"
            "请在脚本开头调用 gan_lessons.distributed.join()。",
            f"torchrun started {wanted} processes that have not joined: each would train alone "
            "and overwrite the others' files. Call gan_lessons.distributed.join() at the top of "
            "the script."))
    if batch % count():
        raise ValueError(both(
            f"批大小 {batch} 不能平均分给 {count()} 个进程。请把 batch 换成 {count()} 的倍数。",
            f"A batch of {batch} cannot be shared equally by {count()} processes. Make batch a "
            f"multiple of {count()}."))
