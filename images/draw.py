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


if __name__ == "__main__":
    runtime.set_threads(1)
    lesson02_digits()
