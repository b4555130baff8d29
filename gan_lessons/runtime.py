"""What this machine offers and what the learner asked for: device, threads, scale, folders."""

import functools
import math
import os
import tempfile
from contextlib import contextmanager
from pathlib import Path

import torch

from gan_lessons.util import both, tell, whole_number

SCALES = ("smoke", "default", "full")
PRECISIONS = ("float32", "bfloat16", "auto")


def device() -> torch.device:
    """Return the best device here that can compute: CUDA, else Apple's MPS, else the CPU."""
    if torch.cuda.is_available() and cuda_computes():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


@functools.cache
def cuda_computes() -> bool:
    """Compute once on the GPU: torch may be built for newer ones, or another may fill its memory.

    Says what is wrong, once, where it cannot.
    """
    try:
        return (torch.ones(1, device="cuda") + 1).item() == 2
    except RuntimeError as problem:
        name, (major, minor) = torch.cuda.get_device_name(), torch.cuda.get_device_capability()
        built, why = " ".join(torch.cuda.get_arch_list()), str(problem).splitlines()[0]
        tell(both(f"显卡 {name}（sm_{major}{minor}）在，但不能计算，改用 CPU：{why}。这个 torch "
                  f"支持的是 {built}；不想试它，设环境变量 CUDA_VISIBLE_DEVICES=-1。",
                  f"The GPU {name} (sm_{major}{minor}) is there but cannot compute, so the CPU is "
                  f"used: {why}. This torch is built for {built}; CUDA_VISIBLE_DEVICES=-1 leaves "
                  "the GPU alone."))
        return False


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


CGROUP = Path("/sys/fs/cgroup")  # where Linux says what a container may use


def cores() -> int:
    """Return the number of cores this process may use: of the machine, or of its container."""
    n = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        n = len(os.sched_getaffinity(0))
    limits = _limits("cpu.max")  # version 2 of cgroups: quota and period; or version 1
    limits = limits or _limits("cpu/cpu.cfs_quota_us") + _limits("cpu/cpu.cfs_period_us")
    if len(limits) == 2 and min(limits) > 0:  # -1 is no limit
        n = min(n, math.ceil(limits[0] / limits[1]))
    return n


def memory() -> int | None:
    """Return the bytes of memory of the machine, or of its container; None when unknown."""
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf
        return None
    limits = _limits("memory.max") or _limits("memory/memory.limit_in_bytes")
    return min((total, *limits))


def _limits(name: str) -> tuple[int, ...]:
    """Return the numbers in a file of the container's limits; none where there is no limit."""
    try:
        return tuple(int(word) for word in (CGROUP / name).read_text(encoding="ascii").split())
    except (OSError, ValueError):  # not there, or "max"
        return ()


def set_threads(n: int) -> int:
    """Let torch use `n` CPU threads and return `n`.

    Always set it, never inherit it: on a busy two-core machine a small network's step was
    measured 20 to 300 times slower with two threads than with one.

    Raises:
        ValueError: `n` is no whole number of 1 or more, or far more than the machine has cores.
    """
    here = os.cpu_count() or 1
    if whole_number("n", n, 1) > 16 * here:
        raise ValueError(both(
            f"{n} 个线程太多：这台机器有 {here} 个核心，请用不超过核心数的线程。",
            f"{n} threads are too many: this machine has {here} cores; use no more threads than "
            "cores."))
    torch.set_num_threads(n)
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
    return _expanded(value) if value else None


def cache_dir() -> Path:
    """Return the folder for what the course may keep: GAN_LESSONS_CACHE, else the user's cache.

    The folder is not created here; whoever writes creates it.
    """
    value = os.environ.get("GAN_LESSONS_CACHE")
    if value:
        return _expanded(value)
    base = os.environ.get("XDG_CACHE_HOME")
    try:
        return (Path(base) if base else Path.home() / ".cache") / "gan-lessons"
    except RuntimeError:  # no HOME, and a user without an entry: some containers
        return Path(tempfile.gettempdir()) / "gan-lessons"


def _expanded(path: str) -> Path:
    """Return a path with its ~ expanded; raise ValueError where nobody has such a home."""
    try:
        return Path(path).expanduser()
    except RuntimeError as problem:
        raise ValueError(both(f"{path} 里的 ~ 不是任何人的主文件夹，请写出完整路径。",
                              f"The ~ in {path} is nobody's home; write the whole path.")
                         ) from problem
