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


def toy_set(make, name: str, captions: tuple[str, str]) -> None:
    """Draw pictures of a toy set at 64 pixels on the left, and the same at 32 on the right.

    Both are shown at the same height, so that one sees what is left of a face in 32 pixels.
    """
    picture = Image.new("RGB", (2 * 6 * 66 + 2 * 2 + 16, 30 + 4 * 66 + 2), "white")
    write = ImageDraw.Draw(picture)
    for left, size, caption in ((0, 64, captions[0]), (6 * 66 + 18, 32, captions[1])):
        images = make(24, size).images.repeat_interleave(64 // size, 2)
        sheet = show.grid(images.repeat_interleave(64 // size, 3), columns=6)
        write.text((left + 2, 4), caption, "black", ImageFont.load_default(18))
        picture.paste(Image.fromarray(sheet), (left, 30))
    picture.quantize(128).save(HERE / f"{name}.png", optimize=True)


def toy_faces() -> None:
    """Draw 24 toy faces at 64 and at 32 pixels."""
    toy_set(data.toy_faces, "toy_faces", ("64 x 64", "32 x 32"))


def toy_rooms() -> None:
    """Draw 24 toy rooms at 64 and at 32 pixels."""
    toy_set(data.toy_rooms, "toy_rooms", ("64 x 64", "32 x 32"))


if __name__ == "__main__":
    runtime.set_threads(1)
    toy_faces()
    toy_rooms()
    lesson02_digits()
