"""What every test gets: one thread, a cache of its own, no data of the user's, no network."""

import os

# Before torch is imported, and inherited by every process that a test starts.
for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = "1"
SHARED_DATA = os.environ.get("GAN_LESSONS_DATA")
for variable in ("GAN_LESSONS_DATA", "GAN_LESSONS_SCALE"):
    os.environ.pop(variable, None)

import ipaddress
import socket
import subprocess
import sys
from pathlib import Path

import matplotlib
import pytest
import torch

from gan_lessons.cli import main

matplotlib.use("Agg")
torch.set_num_threads(1)


def pytest_collection_modifyitems(items):
    """Let the browser's tests come last: playwright keeps an event loop running ever after."""
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)


@pytest.fixture
def run(capsys):
    """Run a command; return its exit code, what it printed and what it complained about."""
    def run(*words):
        try:
            code = main([str(word) for word in words])
        except SystemExit as stopped:  # argparse's way
            code = stopped.code
        out, err = capsys.readouterr()
        return code, out, err
    return run


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory):
    """A course cache shared by the whole session, so that a classifier is trained once."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # the same one for all workers
    folder = folder / "gan_lessons_cache"
    folder.mkdir(exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GAN_LESSONS_CACHE", str(folder))
        yield folder


@pytest.fixture
def shared_data(monkeypatch):
    """The real data that GAN_LESSONS_DATA named when the tests were started, seen again."""
    if not SHARED_DATA:
        pytest.skip("GAN_LESSONS_DATA is not set")
    monkeypatch.setenv("GAN_LESSONS_DATA", SHARED_DATA)
    return Path(SHARED_DATA)


@pytest.fixture
def small_disk(tmp_path):
    """Return a function that mounts a disk of a given size, such as "64k", and returns its folder.

    Mounting needs root on Linux; the test is skipped elsewhere.
    """
    mounted = []

    def mount(size: str) -> Path:
        disk = tmp_path / "disk"
        disk.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", disk]
        if sys.platform != "linux" or subprocess.run(command).returncode:
            pytest.skip("no disk can be mounted here")
        mounted.append(disk)
        return disk
    yield mount
    for disk in mounted:
        subprocess.run(["umount", disk], check=True)


@pytest.fixture(autouse=True)
def one_thread():
    """Undo what a test did to the number of threads."""
    yield
    torch.set_num_threads(1)


class NetworkUsed(OSError):
    """A test tried to leave this machine."""


def _is_local(address) -> bool:
    """Tell whether a socket address is on this machine (a path is: a Unix socket)."""
    if not isinstance(address, tuple):
        return True
    try:
        return ipaddress.ip_address(address[0]).is_loopback
    except ValueError:
        return address[0] in ("localhost", "")


@pytest.fixture(scope="session", autouse=True)
def no_network():
    """Let sockets reach this machine only: the course must work offline."""

    def guarded(method):
        def wrapper(self, address, *args):
            if not _is_local(address):
                raise NetworkUsed(f"a test tried to reach {address}")
            return method(self, address, *args)
        return wrapper

    def getaddrinfo(host, *args, **kwargs):
        if host is not None and not _is_local((host,)):
            raise NetworkUsed(f"a test tried to look up {host}")
        return lookup(host, *args, **kwargs)

    lookup = socket.getaddrinfo
    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex"):
            patch.setattr(socket.socket, name, guarded(getattr(socket.socket, name)))
        patch.setattr(socket, "getaddrinfo", getaddrinfo)
        yield
