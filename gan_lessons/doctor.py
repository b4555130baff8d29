"""A check-up of this machine: what works, what is missing, and what to do about it.

torch and what needs it are imported inside the checks, because a broken installation is one of the
things a check-up must be able to report.
"""

import importlib
import os
import platform
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from gan_lessons.util import both, megabytes, tell

SPACE_WANTED, MEMORY_WANTED = 2e9, 4e9  # bytes
OLDEST_TORCH = (2, 6)
LIBRARIES = ("numpy", "matplotlib.pyplot", "scipy", "safetensors", "PIL.Image",
             "lmdb", "filelock", "tqdm", "joblib", "ipywidgets", "anywidget", "traitlets",
             "IPython", "ipykernel", "jupyterlab", "wcwidth")
LESSON_02_PASSES = 80_000  # what lesson 02 costs, counted in passes of `seconds_per_pass`


@dataclass(frozen=True)
class Finding:
    """One line of the report."""

    name: str
    zh: str  # the name in Chinese
    value: str | tuple[str, str]  # what was found; (Chinese, English) where it is a phrase
    status: str = "ok"  # "warn": the lessons run, less well than they could; "bad": they do not
    hint: str = ""  # what to do when the status is not ok, in both languages


def check() -> list[Finding]:
    """Look at everything and return the findings, in the order of the report (about a second)."""
    python = Finding("Python", "Python", f"{platform.python_version()} ({platform.system()} "
                                         f"{platform.machine()})")
    try:
        import torch
        import torchvision
    except Exception as problem:  # a broken binary raises whatever it likes
        return [python, *_libraries(),
                Finding("torch", "torch", str(problem).splitlines()[0], "bad", both(
            "torch 或 torchvision 装坏了，或者互不配套，多半是其中一个被单独升级了。"
            "请重新安装：make clean，然后 make lab。",
            "torch or torchvision is broken, or they do not match; usually one of them was "
            "upgraded alone. Install again: make clean, then make lab."))]
    from gan_lessons import runtime  # which imports torch

    device = runtime.device()
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor()
    versions = f"{torch.__version__}, torchvision {torchvision.__version__}"
    old = tuple(int(part) for part in torch.__version__.split(".")[:2]) < OLDEST_TORCH
    if libraries := _libraries():  # much of what follows would end in a traceback
        return [python, Finding("torch", "torch", versions), *libraries]
    cores, n = runtime.cores(), torch.get_num_threads()
    try:
        scale = Finding("scale", "规模", runtime.scale())
    except ValueError as problem:
        scale = Finding("scale", "规模", "unknown", "bad", str(problem))
    return [python,
            Finding("torch", "torch", versions, "bad" if old else "ok", both(
                "torch 太旧，至少要 2.6：make clean，然后 make lab。",
                "torch is too old, 2.6 is the least: make clean, then make lab.")),
            Finding("device", "计算设备", f"{device.type} {name}".strip()),
            Finding("precision", "计算精度", f"auto is {runtime.precision('auto', device)}"),
            Finding("threads", "线程", (f"{n} 个，共 {cores} 个核心", f"{n} of {cores} cores")),
            _memory(),
            _cache_folder(runtime.cache_dir().absolute()),
            scale,
            *_data(runtime.data_root()),
            _speed()]


def verdict(findings: list[Finding] | None = None) -> str:
    """Return "ready", or "not ready: " with the names of what is bad, in plain ASCII."""
    bad = [f.name for f in (check() if findings is None else findings) if f.status == "bad"]
    return f"not ready: {', '.join(bad)}" if bad else "ready"


def report(findings: list[Finding] | None = None) -> None:
    """Show the findings as a table, what to do about them, and whether the lessons can start."""
    findings = check() if findings is None else findings
    try:
        from gan_lessons.bilingual import say, table
    except ImportError:  # IPython or wcwidth is missing, as the findings say
        for f in findings:
            tell(f"{f.status}  {f.name}: {f.value}")
            if f.status != "ok":
                tell(f.hint)
        return
    table(["", ("项目", "Item"), ("结果", "Result")],
          [[f.status, (f.zh, f.name) if f.zh != f.name else f.name, f.value] for f in findings])
    for f in findings:
        if f.status != "ok":
            zh, en = f.hint.splitlines()
            say("{f.zh}（{f.status}）：{zh}", "{f.name} ({f.status}): {en}", f=f, zh=zh, en=en)
    if verdict(findings) == "ready":
        say("可以上课了。", "Ready for the lessons.")
    else:
        say("还不能上课：请先处理上面标着 bad 的项目。",
            "Not ready: see to the items marked bad first.")


def _memory() -> Finding:
    from gan_lessons import runtime

    if (total := runtime.memory()) is None:
        return Finding("memory", "内存", "unknown")
    status = "ok" if total >= MEMORY_WANTED else "warn"
    return Finding("memory", "内存", megabytes(total), status, both(
        "内存偏少：一次只开一本笔记本。",
        "Not much memory: keep only one notebook open at a time."))


def _libraries() -> list[Finding]:
    """Import what the lessons need besides torch, and name what is missing or broken."""
    broken = []
    for name in LIBRARIES:
        try:
            importlib.import_module(name)
        except Exception as problem:  # a broken binary raises whatever it likes
            broken.append(f"{name} ({(str(problem).splitlines() or ['?'])[0]})")
    if not broken:
        return []
    return [Finding("libraries", "其他库", "; ".join(broken), "bad", both(
        "有些库没有装好：make clean，然后 make lab；或者用 pip install 补上。",
        "Some libraries are not installed as they should be: make clean, then make lab; or "
        "pip install them."))]


def _cache_folder(folder: Path) -> Finding:
    there = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(there).free
    status = "ok" if free >= SPACE_WANTED else "warn"
    try:
        tempfile.TemporaryFile(dir=there).close()
    except OSError:
        status = "bad"
    value = f"{_place(folder)} ({megabytes(free)} free)"
    return Finding("cache folder", "缓存文件夹", value, status, both(
        "不能写入，或者空间不多。请把环境变量 GAN_LESSONS_CACHE 设为另一个文件夹。",
        "It cannot be written to, or is nearly full. Set GAN_LESSONS_CACHE to another folder."))


def _data(root: Path | None) -> list[Finding]:
    """Say which data the lessons will find. None is needed: the lessons have their own."""
    from gan_lessons.data.digits import mnist_root
    from gan_lessons.data.photographs import CELEBA, LSUN, below

    if root is not None and not root.is_dir():
        return [Finding("data folder", "数据文件夹", _place(root), "warn", both(
            "GAN_LESSONS_DATA 指向的文件夹不存在。",
            "The folder that GAN_LESSONS_DATA names does not exist."))]
    how = "python -m gan_lessons data list"
    missing = f"没有找到，可以不要：{how}", f"not found (optional): {how}"
    found: dict[str, str | tuple[str, str]] = {
        "MNIST": ("课程附带的 10,000 张", "the 10,000 digits that come with the course"),
        "CelebA": missing, "LSUN": missing}
    if (mnist := mnist_root()) is not None:
        found["MNIST"] = _place(mnist / "MNIST" / "raw")
    for name, layouts in (("CelebA", CELEBA.layouts), ("LSUN", LSUN.layouts)):
        try:
            if (source := below(None, layouts)) is not None:
                found[name] = _place(source.path)
        except (OSError, ValueError) as problem:  # something else lies in its place
            found[name] = str(problem).splitlines()[-1]
    return [Finding(name, f"{name} 数据", value) for name, value in found.items()]


def _speed() -> Finding:
    minutes = max(1, round(LESSON_02_PASSES * seconds_per_pass() / 60))
    status = "ok" if minutes <= 10 else "warn"
    value = f"约 {minutes} 分钟", f"about {minutes} min"
    return Finding("lesson 02", "第 02 课用时", value, status, both(
        "这台机器现在很慢：也许别的程序正占着处理器。如果一直这样，可以读课里存着的结果，"
        "只运行练习和它前面的准备。",
        "This machine is slow at the moment: is something else using it? If it always is, read the "
        "results stored in a lesson, and run only the exercises and what they need."))


def seconds_per_pass() -> float:
    """Return what one pass through an MLP GAN and back takes on one thread; the median of many."""
    import torch
    from torch import nn

    from gan_lessons import runtime

    network = nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 784), nn.Tanh(),
                            nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 1))
    batch, times = torch.ones(64, 64), []
    with runtime.one_thread():
        for _ in range(100):
            start = time.perf_counter()
            network(batch).sum().backward()
            times.append(time.perf_counter() - start)
    return sorted(times)[50]


def _place(path: Path) -> str:
    """Name a path by its variable or from ~: a notebook is passed on with its stored report."""
    for name, folder in (("$GAN_LESSONS_DATA", os.environ.get("GAN_LESSONS_DATA")),
                         ("$GAN_LESSONS_CACHE", os.environ.get("GAN_LESSONS_CACHE")),
                         ("~", os.path.expanduser("~"))):
        if folder and path.is_relative_to(os.path.expanduser(folder)):
            return (name / path.relative_to(os.path.expanduser(folder))).as_posix()
    return str(path)
