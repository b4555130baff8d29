"""Three ways to feed the same JPEG files to a GAN, for `bench data`.

Each is a function that goes through the files once, in a random order, and yields float batches
(n, 3, size, size) in [-1, 1]; an incomplete last batch is left out.
"""

import io
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import ImageFolder

from gan_lessons.commands.known import source_at
from gan_lessons.data.cache import cached
from gan_lessons.data.decode import UnreadablePicture, decode
from gan_lessons.data.imageset import ImageSet
from gan_lessons.data.sources import Source, open_source
from gan_lessons.util import both

Epoch = Callable[[], Iterator[torch.Tensor]]
THREADS_OF_003 = 8
"""`num_workers` of fastai 0.7's ImageClassifierData.from_csv, which source 003 leaves alone."""


def draw_jpegs(folder: Path, count: int, seed: int = 0) -> None:
    """Write `count` drawn pictures of CelebA's size, 178x218, of some 10 kB (CelebA: 7)."""
    random = np.random.default_rng(seed)
    (folder / "drawn").mkdir(parents=True)
    for i in range(count):
        wall, hair, skin, eyes = (tuple(map(int, random.integers(0, 256, 3))) for _ in range(4))
        x, y = random.normal(89, 6), random.normal(115, 6)
        picture = Image.new("RGB", (178, 218), wall)
        draw = ImageDraw.Draw(picture)
        draw.ellipse((x - 62, y - 90, x + 62, y + 80), fill=hair)
        draw.ellipse((x - 45, y - 60, x + 45, y + 62), fill=skin)
        for side in (-18, 18):
            draw.ellipse((x + side - 7, y - 14, x + side + 7, y - 4), fill=eyes)
        draw.arc((x - 20, y + 10, x + 20, y + 40), 10, 170, fill=hair, width=3)
        grain = random.normal(0, 12, (218, 178, 1))
        pixels = np.clip(np.asarray(picture) + grain, 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / "drawn" / f"{i:06}.jpg", quality=75)


def copy_pictures(source: Source, folder: Path, count: int) -> int:
    """Write the first `count` readable pictures of `source` as files; return how many there are.

    In the order of a shuffle that is always the same: a set may be sorted by what it shows.
    """
    (folder / "copied").mkdir(parents=True)
    order = torch.randperm(len(source), generator=torch.Generator().manual_seed(0))
    done = 0
    with source.reader() as read:
        for i in order.tolist():
            raw = read(source.names[i])
            try:
                decode(raw, 16)
            except UnreadablePicture:
                continue
            ending = Image.open(io.BytesIO(raw)).format.lower().replace("mpo", "jpeg")
            (folder / "copied" / f"{done:06}.{ending}").write_bytes(raw)
            done += 1
            if done == count:
                break
    return done


def prepare(folder: Path, root: str | None, count: int, batch: int) -> int:
    """Fill `folder` with `count` pictures, drawn or from `root`; return how many there are.

    Raises ValueError when they are fewer than a batch takes, and what `open_source` raises.
    """
    print(both("正在准备图片……", "Preparing the pictures ..."), flush=True)
    if root is None:
        draw_jpegs(folder, count)
    else:
        count = copy_pictures(source_at(root)[0], folder, count)
    if count < batch:
        raise ValueError(both(
            f"只有 {count} 张图片，不够一批 {batch} 张。请增大 --pictures 或减小 --batch。",
            f"There are only {count} pictures, fewer than a batch of {batch}. Take more with "
            "--pictures, or a smaller --batch."))
    return count


def described(root: str | None, count: int) -> tuple[str, str]:
    """Return what `prepare` prepared in words, Chinese and English."""
    if root is None:
        return f"{count:,} 张代码画的 178x218 JPEG", f"{count:,} JPEGs of 178x218 drawn by code"
    return f"{count:,} 张 {root} 里的图片", f"{count:,} pictures from {root}"


def _dataset(folder: Path, size: int) -> ImageFolder:
    """Read, decode in full, short side to `size`, centre crop, [-1, 1]: as source 003 asks."""
    return ImageFolder(folder, transforms.Compose([
        transforms.Resize(size), transforms.CenterCrop(size), transforms.ToTensor(),
        transforms.Normalize((0.5,) * 3, (0.5,) * 3)]))


def as_003(folder: Path, size: int, batch: int) -> Epoch:
    """Return the way of source 003: fastai 0.7's loader, 8 threads that make a batch each."""
    dataset = _dataset(folder, size)
    generator = torch.Generator().manual_seed(0)

    def make(indices: torch.Tensor) -> torch.Tensor:
        return torch.stack([dataset[i][0] for i in indices.tolist()])

    def epoch():
        batches = torch.randperm(len(dataset), generator=generator).split(batch)
        batches = iter([b for b in batches if len(b) == batch])
        with ThreadPoolExecutor(THREADS_OF_003) as pool:
            while chunk := list(islice(batches, 10 * THREADS_OF_003)):
                yield from pool.map(make, chunk)
    return epoch


def with_data_loader(folder: Path, size: int, batch: int, workers: int) -> Epoch:
    """Return torchvision's ImageFolder in a DataLoader whose workers live on between epochs."""
    loader = DataLoader(_dataset(folder, size), batch, shuffle=True, drop_last=True,
                        num_workers=workers, persistent_workers=workers > 0,
                        generator=torch.Generator().manual_seed(0))

    def epoch():
        for images, _ in loader:
            yield images
    return epoch


def from_cache(folder: Path, size: int) -> ImageSet:
    """Return the files as the course's own cache: decoded here and now, then memory-mapped."""
    images = cached(open_source(folder), size, progress=False).images
    return ImageSet(torch.from_numpy(images), None, "bench")


def one_pass(pictures: ImageSet, batch: int) -> Epoch:
    """Return a way to go through the cached pictures once."""
    endless = pictures.batches(batch)
    return lambda: islice(endless, len(pictures) // batch)
