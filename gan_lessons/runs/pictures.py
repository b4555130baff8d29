"""The pictures of a run, by name."""

from dataclasses import replace
from pathlib import Path

import torch.nn.functional as F

from gan_lessons import data
from gan_lessons.data import ImageSet
from gan_lessons.runs.settings import Settings
from gan_lessons.util import both

TOYS = {"toy-faces": (data.toy_faces, False), "toy-faces-core": (data.toy_faces, True),
        "toy-rooms": (data.toy_rooms, False), "toy-rooms-core": (data.toy_rooms, True)}
KNOWN = ("digits", "mnist", *TOYS, "celeba", "lsun-bedrooms")


def load(settings: Settings) -> ImageSet:
    """Return the pictures that a run trains on, (N, C, size, size).

    Photographs are decoded into the cache the first time, with a progress bar.

    Raises FileNotFoundError, which says how to get the set, ValueError, and what `data` raises.
    """
    name, size = settings.data, settings.size
    if name in ("celeba", "lsun-bedrooms"):
        make = data.celeba if name == "celeba" else data.lsun_bedrooms
        return make(settings.root, settings.subset, size)
    if name not in KNOWN:
        if not Path(name).expanduser().exists():
            raise FileNotFoundError(both(
                f"没有叫 {name!r} 的数据，也没有这个文件或文件夹。可选：{', '.join(KNOWN)}，"
                "或图片文件夹、压缩包的路径。",
                f"There is no set called {name!r}, and no such file or folder. Choose from "
                f"{', '.join(KNOWN)}, or give the path of a folder or archive of pictures."))
        return data.folder(name, size, settings.subset)
    if name in ("digits", "mnist"):
        everything = data.digits() if name == "digits" else data.mnist()
        return enlarged(everything[:max(1, round(settings.subset * len(everything)))], size)
    return toys(settings, max(1, round(settings.subset * settings.drawn)))


def toys(settings: Settings, n: int, seed: int = 0) -> ImageSet:
    """Return `n` drawn pictures of the kind that the run trains on; its own have seed 0."""
    make, core = TOYS[settings.data]
    return make(n, size=settings.size, seed=seed, core=core)


def enlarged(digits: ImageSet, size: int) -> ImageSet:
    """Return 28x28 digits at size x size: 32x32 with a black rim of 2, other sizes from that."""
    framed = digits.framed(32)
    if size == 32:
        return framed
    return replace(framed, images=F.interpolate(framed.images, size, mode="bilinear",
                                                antialias=True))
