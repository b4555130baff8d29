"""Folders of JPEG files for the benchmarks, drawn or copied; the tests draw theirs here, too."""

import shutil
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw


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


def prepare(folder: Path, root: str | None, count: int, batch: int) -> tuple[int, str]:
    """Fill `folder` with pictures, drawn or from the folder `root`; return how many and what.

    Those of `root` are taken in the order of a shuffle that is always the same: a folder may be
    sorted by what it shows.

    Raises:
        ValueError: If there are fewer pictures than a batch takes.
    """
    if root is None:
        draw_jpegs(folder, count)
        source = "178x218, drawn by code"
    else:
        found = sorted(p for p in Path(root).rglob("*") if p.suffix.lower() in (".jpg", ".jpeg"))
        np.random.default_rng(0).shuffle(found)
        (folder / "copied").mkdir(parents=True)
        for i, path in enumerate(found[:count]):
            shutil.copyfile(path, folder / "copied" / f"{i:06}.jpg")
        count = min(count, len(found))
        source = f"from {root}"
    if count < batch:
        raise ValueError(f"There are only {count} JPEG files, fewer than a batch of {batch}. Take "
                         "more with --pictures, or a smaller --batch.")
    sizes = [path.stat().st_size for path in folder.rglob("*.jpg")]
    kilobytes = sum(sizes) / len(sizes) / 1e3
    return count, f"{count:,} JPEG files {source}, {kilobytes:.1f} kB on average"
