"""What this machine offers and what the learner asked for: device, threads, scale, folders."""

import os
from contextlib import contextmanager
from pathlib import Path

import torch

from gan_lessons.util import both, whole_number

SCALES = ("smoke", "default", "full")
PRECISIONS = ("float32", "bfloat16", "auto")


def device() -> torch.device:
    """Return the best device here: CUDA, else Apple's MPS, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def has_bfloat16(device: torch.device) -> bool:
    """Tell whether the device calculates with bfloat16 itself; others imitate it, slowly.

    GPUs from compute capability 8.0 (Ampere) do, and processors with AVX-512 BF16, AMX or ARM's
    BF16 instructions.
    """
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    if device.type != "cpu" or not hasattr(torch.cpu, "get_capabilities"):
        return False  # older versions of torch cannot tell
    capable = torch.cpu.get_capabilities()
    return any(capable.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16"))


def precision(wanted: str, device: torch.device) -> str:
    """Return "float32" or "bfloat16": what is `wanted`, or, for "auto", what suits the device.

    bfloat16 keeps float32's range with 8 bits of precision. Where the device calculates with it
    (2 cores with AVX-512 BF16, 32x32 pictures, DCGAN) it was measured 1.0 times as fast as float32
    with 16 features, 1.4 times with 48; a processor without it took twelve times as long.
    """
    if wanted not in PRECISIONS:
        raise ValueError(both(
            f"precision 只能取 {', '.join(PRECISIONS)} 之一，收到的是 {wanted!r}。",
            f"precision must be one of {', '.join(PRECISIONS)}; got {wanted!r}."))
    if wanted != "auto":
        return wanted
    return "bfloat16" if has_bfloat16(device) else "float32"


def cores() -> int:
    """Return the number of cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def set_threads(n: int) -> int:
    """Let torch use `n` CPU threads and return `n`.

    Always set it, never inherit it: on a busy two-core machine a small network's step was
    measured 20 to 300 times slower with two threads than with one.
    """
    torch.set_num_threads(whole_number("n", n, 1))
    return n


@contextmanager
def one_thread():
    """Let torch use one thread inside a `with` block, and as many as before afterwards.

    For small operations: there a second thread costs more than it helps.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def scale() -> str:
    """Return the scale the lessons run at: "smoke", "default" or "full".

    Read from the environment variable GAN_LESSONS_SCALE: `smoke` checks in seconds that
    all runs, `default` fits two CPU cores, `full` is the size of the papers, on a GPU.
    """
    value = os.environ.get("GAN_LESSONS_SCALE", "default") or "default"
    if value not in SCALES:
        raise ValueError(both(
            f"环境变量 GAN_LESSONS_SCALE 是 {value!r}，只能取 {', '.join(SCALES)} 之一。",
            f"GAN_LESSONS_SCALE is {value!r}; it must be one of {', '.join(SCALES)}."))
    return value


def at_scale(*, smoke, default, full):
    """Return the one of three settings that belongs to the current `scale()`."""
    return {"smoke": smoke, "default": default, "full": full}[scale()]


def data_root() -> Path | None:
    """Return the folder named by GAN_LESSONS_DATA, or None when it is not set."""
    value = os.environ.get("GAN_LESSONS_DATA")
    return Path(value).expanduser() if value else None


def cache_dir() -> Path:
    """Return the folder for what the course may keep: GAN_LESSONS_CACHE, else the user's cache.

    The folder is not created here; whoever writes creates it.
    """
    value = os.environ.get("GAN_LESSONS_CACHE")
    if value:
        return Path(value).expanduser()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "gan-lessons"
