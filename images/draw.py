"""Draw the figures of this folder. Run `python -m images.draw`; it trains for about two minutes.

The figure of a long run is drawn from its folder: `python -m images.draw runs/long_run_faces`;
those of lessons 02 and 03 from the folders of samples that `python -m studies.lesson02 authors` and
`python -m studies.lesson03 board` left.
"""

import sys
from pathlib import Path

import torch
from PIL import Image, ImageDraw, ImageFont

from gan_lessons import data, runs, runtime, show
from gan_lessons.train import fit, generate
from studies import lesson02, lesson03
from studies.sheets import enlarged, titled_rows, two_parts

HERE = Path(__file__).parent


def lesson02_digits() -> None:
    """Draw what lesson 02's last generator makes of the same noise while it learns MNIST."""
    images, _ = lesson02.lesson_digits()
    game = lesson02.cured_game(seed=0)
    rows = [(0, generate(game.generator, game.fixed_z))]
    for step in (2000, 4000, 8000):
        fit(game, images, step)
        rows.append((step, generate(game.generator, game.fixed_z)))
    strips = [show.grid(pictures[:16], columns=16) for _, pictures in rows]
    height, width, _ = strips[0].shape
    picture = Image.new("RGB", (120 + 2 * width, len(rows) * (2 * height + 8)), "white")
    write = ImageDraw.Draw(picture)
    for i, ((step, _), strip) in enumerate(zip(rows, strips, strict=True)):
        top = i * (2 * height + 8)
        write.text((4, top + height - 12), f"step {step:,}", "black", ImageFont.load_default(20))
        picture.paste(enlarged(strip), (120, top))
    picture.quantize(32).save(HERE / "lesson02_digits.png", optimize=True)


def lesson02_authors(folder: Path) -> None:
    """Draw what both tutorials' settings reach: 32 samples of each, of seed 0, not chosen.

    From what `python -m studies.lesson02 authors --pictures FOLDER` left in `folder` after its
    last step.
    """
    parts = {}
    for name in lesson02.AUTHORS:
        last = max(folder.glob(f"{name}_*.pt"), key=lambda file: int(file.stem.split("_")[1]))
        step = int(last.stem.split("_")[1])
        parts[f"{name}, step {step:,}"] = show.grid(torch.load(last)["newest"][:32], columns=16)
    picture = titled_rows(parts, "RGB", font=20, head=30)
    picture.quantize(32).save(HERE / "lesson02_authors.png", optimize=True)


def lesson03_board(folder: Path) -> None:
    """Draw 12 samples of each change of lesson 03's board, seed 0, not chosen.

    From what `studies.lesson03 board --pictures FOLDER` left in `folder`.
    """
    runs = lesson03.stored("board")["changes"]
    rows = {f"{name}: distance {by_seed['0']['fd_digits']:.1f}, {by_seed['0']['classes']} digits":
            show.grid(torch.load(folder / f"{name}_0.pt"), columns=12)
            for name, by_seed in runs.items()}
    picture = titled_rows(rows, "L", font=18, head=26)
    picture.quantize(16).save(HERE / "lesson03_board.png", optimize=True)


def toy_set(make, name: str) -> None:
    """Draw 16 pictures of a toy set at 64 pixels on the left, and at 32 on the right.

    Both are shown at the same height, so that one sees what 32 pixels leave of a picture.
    """
    side, gap, head = 4 * 130 + 2, 24, 40
    picture = Image.new("RGB", (2 * side + gap, head + side), "white")
    write = ImageDraw.Draw(picture)
    for left, size in ((0, 64), (side + gap, 32)):
        large = make(16, size).images.repeat_interleave(128 // size, 2)
        sheet = show.grid(large.repeat_interleave(128 // size, 3), columns=4)
        write.text((left + 2, 6), f"{size} x {size}", "black", ImageFont.load_default(24))
        picture.paste(Image.fromarray(sheet), (left, head))
    picture.save(HERE / f"{name}.png", optimize=True)


def toy_faces() -> None:
    """Draw toy faces at two sizes."""
    toy_set(data.toy_faces, "toy_faces")


def toy_rooms() -> None:
    """Draw toy rooms at two sizes."""
    toy_set(data.toy_rooms, "toy_rooms")


def long_run(folder: str) -> None:
    """Draw two rows of what a run learned from above six rows of what it paints, averaged weights.

    The first 96 samples of seed 0, not chosen. The figure has the name of the run's folder.
    """
    run = runs.open(folder)
    real, made = (show.grid(pictures, columns=16)
                  for pictures in (run.settings.pictures().images[:32], run.sample(96)))
    two_parts(real, made).quantize(128).save(HERE / f"{run.folder.name}.png", optimize=True)


def main(folders: list[str]) -> None:
    """Draw the figures of the runs in these folders, or, without any, all others."""
    runtime.set_threads(1)
    if not folders:
        toy_faces()
        toy_rooms()
        lesson02_digits()
    for folder in folders:
        if list(Path(folder).glob("siriusdemon_*.pt")):
            lesson02_authors(Path(folder))
        elif (Path(folder) / "DCGAN_0.pt").exists():
            lesson03_board(Path(folder))
        else:
            long_run(folder)


if __name__ == "__main__":
    main(sys.argv[1:])
