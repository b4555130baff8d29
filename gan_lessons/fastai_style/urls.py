"""untar_data, without a network: bedrooms from this machine, else rooms drawn by code."""

import os
import shutil
import tempfile
from pathlib import Path

from PIL import Image

from gan_lessons import runtime
from gan_lessons.data import lsun_zip, toy_rooms
from gan_lessons.data.folders import LSUN, below
from gan_lessons.util import both


class URLs:
    """What `untar_data` knows by name, as in fastai: the address without `.tgz`."""

    LSUN_BEDROOMS = lsun_zip.SAMPLE.url.removesuffix(".tgz")


def untar_data(url: str, *, toys: int = 2048, toy_size: int = 64) -> Path:
    """Return where the pictures of `url` are; nothing is downloaded.

    LSUN's bedrooms, in any layout that `data.lsun_bedrooms` reads, are looked for below
    GAN_LESSONS_DATA and below the course's cache. Where there are none, `toys` toy rooms of
    toy_size x toy_size pixels are drawn, kept as PNG files in the cache, and a message says so.

    Raises ValueError for any url but URLs.LSUN_BEDROOMS.
    """
    if url != URLs.LSUN_BEDROOMS:
        raise ValueError(both(
            f"这里只有 URLs.LSUN_BEDROOMS，没有 {url!r}。别的图片请直接把文件夹交给 "
            "GANItemList.from_folder(文件夹)。",
            f"There is only URLs.LSUN_BEDROOMS here, not {url!r}. For other pictures give "
            "their folder to GANItemList.from_folder(folder)."))
    if (source := below(None, LSUN)) is not None:
        return source.path
    print(both(
        f"这台电脑上没有 LSUN 卧室照片，改用 {toys:,} 张由代码画的玩具卧室。"
        "要用真的照片（4.6 GB），先运行 python -m gan_lessons data get lsun-bedroom-sample。",
        f"The LSUN bedrooms are not on this machine; {toys:,} toy rooms drawn by code stand in. "
        "For the photographs (4.6 GB), first run python -m gan_lessons data get "
        "lsun-bedroom-sample."))
    return _toy_folder(toys, toy_size)


def _toy_folder(n: int, size: int) -> Path:
    """Return the folder of n toy rooms in the cache; it is there whole or not at all."""
    folder = runtime.cache_dir() / "toy-rooms" / f"{n}-of-{size}"
    if folder.is_dir():
        return folder
    rooms = toy_rooms(n, size).images.permute(0, 2, 3, 1).numpy()
    folder.parent.mkdir(parents=True, exist_ok=True)
    half = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".drawing-"))
    try:
        for i, room in enumerate(rooms):
            Image.fromarray(room).save(half / f"{i:06d}.png", compress_level=1)
        os.chmod(half, 0o755)
        os.rename(half, folder)
    except OSError:
        if not folder.is_dir():  # else another process was quicker
            raise
    finally:
        shutil.rmtree(half, ignore_errors=True)
    return folder
