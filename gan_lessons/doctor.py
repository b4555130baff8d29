"""A check-up of this machine: what works, what is missing, and what to do about it.

torch and torchvision are imported inside the checks, because a broken installation is one of the
things a check-up must be able to report.
"""

import os
import platform
import shutil
import tempfile
import time
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from gan_lessons.util import both

SPACE_WANTED = 2e9
MEMORY_WANTED = 4e9
LESSON_02_PASSES = 80_000
"""What running lesson 02 costs, counted in passes of `probe`."""
REINSTALL = both("请重新安装：make clean，然后 make lab。",
                 "Install again: make clean, then make lab.")


@dataclass(frozen=True)
class Finding:
    """One line of the report: what was looked at, what was seen, and what to do about it.

    `status` is "ok", "warn" (the lessons run, something is less than it could be) or "bad"
    (they do not). `hint` is bilingual, and empty when there is nothing to say.
    """

    name: str
    zh: str
    value: str
    status: str = "ok"
    hint: str = ""


def check() -> list[Finding]:
    """Look at everything and return the findings, in the order of the report (about a second)."""
    findings = [_python()]
    try:
        import torch
    except Exception as problem:  # a broken binary raises whatever it likes
        return [*findings, Finding("torch", "torch", _first_line(problem), "bad", REINSTALL)]
    return [*findings, Finding("torch", "torch", torch.__version__), _torchvision(),
            _device(), _threads(), _bf16(), _memory(), _cache_folder(), _scale(),
            *_data(), _speed()]


def verdict(findings: list[Finding] | None = None) -> str:
    """Return "ready", or "not ready: " with the names of what is bad, in plain ASCII."""
    bad = [f.name for f in (check() if findings is None else findings) if f.status == "bad"]
    return f"not ready: {', '.join(bad)}" if bad else "ready"


def report(findings: list[Finding] | None = None) -> None:
    """Print the findings as a table in both languages, and whether the lessons can start."""
    findings = check() if findings is None else findings
    columns = (max(_width(f.zh) for f in findings) + 2, max(_width(f.name) for f in findings) + 2)
    for f in findings:
        print(f"{f.status:<6}{_pad(f.zh, columns[0])}{_pad(f.name, columns[1])}{f.value}")
        for line in f.hint.splitlines():
            print(f"      {line}")
    print()
    if verdict(findings) == "ready":
        print(both("可以上课了。", "Ready for the lessons."))
    else:
        print(both("还不能上课：请先处理上面标着 bad 的项目。",
                   "Not ready: see to the lines marked bad first."))


def _python() -> Finding:
    return Finding("Python", "Python",
                   f"{platform.python_version()} ({platform.system()} {platform.machine()})")


def _torchvision() -> Finding:
    try:
        import torchvision
    except Exception as problem:
        return Finding("torchvision", "torchvision", _first_line(problem), "bad", both(
            "torchvision 与 torch 不配套，多半是其中一个被单独升级了。"
            "请一起重装：python -m pip install --upgrade torch torchvision",
            "torchvision does not match torch; usually one of them was upgraded alone. "
            "Install both together: python -m pip install --upgrade torch torchvision"))
    return Finding("torchvision", "torchvision", torchvision.__version__)


def _device() -> Finding:
    import torch

    from gan_lessons import runtime

    device = runtime.device()
    if device.type == "cuda":
        return Finding("device", "计算设备", f"cuda: {torch.cuda.get_device_name(device)}")
    if device.type == "mps":
        return Finding("device", "计算设备", "mps: Apple GPU")
    return Finding("device", "计算设备", "cpu", hint=both(
        "没有 GPU 也没关系：默认规模就是为 CPU 准备的。",
        "No GPU is needed: the default scale is made for a CPU."))


def _threads() -> Finding:
    import torch

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return Finding("threads", "线程与核心",
                   f"{torch.get_num_threads()} torch threads, {cores} cores")


def _bf16() -> Finding:
    import torch

    if torch.cuda.is_available():
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        cpuinfo = Path("/proc/cpuinfo")
        flags = cpuinfo.read_text(errors="replace").split() if cpuinfo.exists() else []
        fast = not {"avx512_bf16", "amx_bf16", "bf16"}.isdisjoint(flags)
    return Finding("bf16", "半精度 bf16", "yes" if fast else "not in hardware, fp32 will be used")


def _memory() -> Finding:
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf
        return Finding("memory", "内存", "unknown")
    if total >= MEMORY_WANTED:
        return Finding("memory", "内存", _gigabytes(total))
    return Finding("memory", "内存", _gigabytes(total), "warn", both(
        "内存偏少：一次只开一本笔记本。",
        "Not much memory: keep only one notebook open at a time."))


def _cache_folder() -> Finding:
    from gan_lessons import runtime

    folder = runtime.cache_dir()
    here = (p for p in (folder.absolute(), *folder.absolute().parents) if p.exists())
    nearest = next(here, folder)
    name, zh = "cache folder", "缓存文件夹"
    try:
        tempfile.TemporaryFile(dir=nearest).close()
    except OSError:
        return Finding(name, zh, _place(folder), "bad", both(
            "不能写入。请把环境变量 GAN_LESSONS_CACHE 设为一个可写的文件夹。",
            "Not writable. Set GAN_LESSONS_CACHE to a folder that is."))
    free = shutil.disk_usage(nearest).free
    value = f"{_place(folder)} ({_gigabytes(free)} free)"
    if free >= SPACE_WANTED:
        return Finding(name, zh, value)
    return Finding(name, zh, value, "warn", both(
        "剩余空间不多。可以用 GAN_LESSONS_CACHE 换一个位置。",
        "Little space is left. Set GAN_LESSONS_CACHE to put the folder elsewhere."))


def _scale() -> Finding:
    from gan_lessons import runtime

    try:
        return Finding("scale", "规模", runtime.scale())
    except ValueError as problem:
        return Finding("scale", "规模", os.environ["GAN_LESSONS_SCALE"], "bad", str(problem))


def _data() -> list[Finding]:
    """Say which data are here. None is needed: the lessons have their own."""
    from gan_lessons import runtime

    root = runtime.data_root()
    findings = [Finding("digits", "数据：digits", "always here (scikit-learn)"), _mnist()]
    if root is not None and not root.is_dir():
        return [*findings, Finding("data folder", "数据文件夹", _place(root), "warn", both(
            "GAN_LESSONS_DATA 指向的文件夹不存在。",
            "The folder that GAN_LESSONS_DATA names does not exist."))]
    return [*findings, *_photographs()]


def _photographs() -> list[Finding]:
    from gan_lessons import runtime

    try:
        from gan_lessons.data.folders import CELEBA, LSUN
    except Exception as problem:  # it needs Pillow and lmdb, which may be broken
        return [Finding("photographs", "照片", _first_line(problem), "warn")]
    roots = [root for root in (runtime.data_root(), runtime.cache_dir()) if root]
    findings = []
    for name, layouts, command in (("CelebA", CELEBA, "get celeba"),
                                   ("LSUN", LSUN, "get lsun-bedroom-sample")):
        places = (root / layout for root in roots for layout in layouts)
        found = next((place for place in places if place.exists()), None)
        wanted = f"not found; python -m gan_lessons data {command} (optional)"
        findings.append(Finding(name, f"数据：{name}", _place(found) if found else wanted))
    return findings


def _mnist() -> Finding:
    from gan_lessons import runtime

    try:
        from gan_lessons.data.mnist_files import where
    except Exception as problem:  # it needs torchvision, which has its own line above
        return Finding("MNIST", "数据：MNIST", _first_line(problem), "warn")
    found = where()
    raw = _place((found or runtime.data_root() or runtime.cache_dir()) / "MNIST" / "raw")
    return Finding("MNIST", "数据：MNIST", raw if found else f"not found; {raw} (optional)")


def _speed() -> Finding:
    minutes = LESSON_02_PASSES * probe() / 60
    steps = (1, 2, 3, 5, 10, 20, 30)
    value = next((f"about {step} min" for step in steps if minutes <= step), "over 30 min")
    if minutes <= 10:
        return Finding("lesson 02", "第 02 课用时", value)
    return Finding("lesson 02", "第 02 课用时", value, "warn", both(
        "这台机器现在很慢：也许别的程序正占着处理器。",
        "This machine is slow at the moment: is something else using the processor?"))


def probe(seconds: float = 0.3) -> float:
    """Return the seconds that one pass through an MLP GAN and back takes on one CPU thread."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        network = torch.nn.Sequential(
            torch.nn.Linear(64, 256), torch.nn.ReLU(), torch.nn.Linear(256, 784), torch.nn.Tanh(),
            torch.nn.Linear(784, 256), torch.nn.ReLU(), torch.nn.Linear(256, 1))
        batch = torch.ones(64, 64)
        times = []
        end = time.perf_counter() + seconds
        while len(times) < 3 or time.perf_counter() < end:
            start = time.perf_counter()
            network(batch).sum().backward()
            times.append(time.perf_counter() - start)
    finally:
        torch.set_num_threads(threads)
    return sorted(times)[len(times) // 2]


def _place(path: Path) -> str:
    """Name a path by its variable or from ~: a notebook is passed on with its stored report."""
    for name in ("GAN_LESSONS_DATA", "GAN_LESSONS_CACHE"):
        if os.environ.get(name) and path.is_relative_to(Path(os.environ[name]).expanduser()):
            inside = path.relative_to(Path(os.environ[name]).expanduser())
            return (Path(f"${name}") / inside).as_posix()
    if path.is_relative_to(Path.home()):
        return (Path("~") / path.relative_to(Path.home())).as_posix()
    return str(path)


def _first_line(problem: Exception) -> str:
    return (str(problem).strip().splitlines() or [type(problem).__name__])[0]


def _gigabytes(n: float) -> str:
    return f"{n / 1e9:.0f} GB"


def _width(text: str) -> int:
    """Return the columns `text` takes in a terminal, where a Chinese character takes two."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _pad(text: str, width: int) -> str:
    return text + " " * (width - _width(text))
