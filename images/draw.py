"""Draw the figures of this folder. Run `python images/draw.py`; it trains for about two minutes."""

from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from gan_lessons import data, penalties, recipes, runtime, show
from gan_lessons.train import fit, paint

HERE = Path(__file__).parent


def lesson02_digits() -> None:
    """Draw what lesson 02's generator makes of the same noise while it learns the digits."""
    game = recipes.source_004(penalty=penalties.r1, lr=1e-3, betas=(0.0, 0.99))
    rows = [(0, paint(game.generator, game.fixed_z))]
    for step in (200, 600, 6000):
        fit(game, data.digits(), step)
        painter = game.average if step == 6000 else game.generator
        rows.append((step, paint(painter, game.fixed_z)))
    strips = [show.grid(pictures[:16], columns=16) for _, pictures in rows]
    height, width, _ = strips[0].shape
    picture = Image.new("RGB", (120 + 2 * width, len(rows) * (2 * height + 8)), "white")
    write = ImageDraw.Draw(picture)
    for i, ((step, _), strip) in enumerate(zip(rows, strips, strict=True)):
        top = i * (2 * height + 8)
        write.text((4, top + height - 12), f"step {step:,}", "black", ImageFont.load_default(20))
        big = Image.fromarray(strip).resize((2 * width, 2 * height), Image.Resampling.NEAREST)
        picture.paste(big, (120, top))
    picture.quantize(32).save(HERE / "lesson02_digits.png", optimize=True)


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


if __name__ == "__main__":
    runtime.set_threads(1)
    toy_faces()
    toy_rooms()
    lesson02_digits()
