"""Toy faces: portraits painted from the back to the front, with factors that can be counted.

To give them hats, say so in FACTORS and CORE ("hat": ("none", "cap")), write a function that
paints one, and call it from `paint` after the hair. The ruler learns to read it by itself.
"""

from collections.abc import Mapping

import torch

from gan_lessons.data.imageset import ImageSet, read_card
from gan_lessons.data.toys.factory import Draw, Recipe, make
from gan_lessons.data.toys.shapes import (
    Canvas,
    arc,
    box,
    colours,
    darker,
    ellipse,
    lighter,
    line,
    outline,
    polygon,
)

FACTORS = {
    "skin": ("porcelain", "peach", "honey", "caramel", "cocoa"),
    "hair_colour": ("black", "brown", "ginger", "blond", "pink", "blue"),
    "hair_style": ("short", "long", "bob", "curly", "bun", "spiky", "pigtails"),
    "glasses": ("none", "round", "square", "sunglasses"),
    "mouth": ("smile", "open", "straight", "surprised"),
    "shirt": ("red", "green", "yellow", "white", "striped"),
    "background": ("sky", "mint", "sunshine", "rose", "lilac", "night"),
}

CORE = {
    "skin": ("porcelain", "honey", "cocoa"),
    "hair_colour": ("black",),
    "hair_style": ("short", "long", "curly", "bun"),
    "glasses": ("none", "round"),
    "mouth": ("smile", "open"),
    "shirt": ("striped",),
    "background": ("mint", "rose"),
}

TRAITS = ("x", "y", "scale", "width", "eyes", "gaze_x", "gaze_y", "brows", "mouth",
          "red", "green", "blue", "light")

SKIN = colours("#fbe0cf", "#f2bf98", "#d99a63", "#ad6f42", "#7a4b31")
LIPS = colours("#c9605f", "#b9514e", "#9c4238", "#7c2f2c", "#c9706a")
SMILE = colours("#99403f", "#8f3a35", "#7a2b24", "#57191a", "#f0b3a6")  # lighter on the darkest
HAIR = colours("#2a2529", "#5d351b", "#cc5a1e", "#efc75e", "#f07fae", "#3f6fd8")
SHIRT = colours("#d9433f", "#3a9e6b", "#f3b52f", "#f4f1ea", "#f4f1ea")
TRIM = colours("#a92c30", "#27754e", "#cf8f14", "#cfc9bd", "#2f4b7c")
BACKGROUND = colours("#8ecbf2", "#a5dfc0", "#ffd973", "#f7b7bd", "#c5b3ec", "#26315e")
HALO = colours("#b0dbf6", "#c0e8d2", "#ffe49e", "#f9cdd1", "#d6c9f2", "#333f74")
INK = (0.17, 0.12, 0.13)
WHITE = (1.0, 1.0, 1.0)


def paint(canvas: Canvas, draw: Draw) -> None:
    """Paint a portrait on every picture of a blank canvas."""
    tint = 1 + 0.04 * torch.stack([draw.dice[c] for c in ("red", "green", "blue")], 1)
    tint = tint * draw.vary("light", 0.04, around=1).unsqueeze(1)
    skin = draw.pick("skin", SKIN) * tint
    hair = draw.pick("hair_colour", HAIR) * tint
    _background(canvas, draw)
    face = canvas.at(draw.vary("x", 0.03, around=0.5), draw.vary("y", 0.025, around=0.5),
                     scale=draw.vary("scale", 0.06, around=1))
    head = face.at(stretch=draw.vary("width", 0.06, around=1))
    _hair_behind(head, draw, hair)
    _body(face, draw, skin)
    _head(head, draw, skin)
    _eyes(head, draw, skin)
    _mouth(head, draw)
    _hair_in_front(head, draw, hair)
    _brows(head, draw, hair)
    _glasses(head, draw)


def _background(canvas: Canvas, draw: Draw) -> None:
    colour = draw.pick("background", BACKGROUND)
    canvas.paint(box(0.5, 0.5, 0.6, 0.6), lighter(colour, 0.12), darker(colour, 0.06))
    canvas.paint(ellipse(0.5, 0.46, 0.42), draw.pick("background", HALO), soft=0.1)
    sky = canvas.only(draw.has("background", "night"))
    for x, y, r in ((0.1, 0.14, 0.016), (0.87, 0.1, 0.02), (0.93, 0.42, 0.014), (0.07, 0.5, 0.018),
                    (0.2, 0.3, 0.011), (0.78, 0.24, 0.011)):
        sky.paint(ellipse(x, y, r), (1.0, 0.93, 0.66))


def _body(face: Canvas, draw: Draw, skin) -> None:
    """Paint the shirt, its pattern and the neck."""
    shirt, trim = draw.pick("shirt", SHIRT), draw.pick("shirt", TRIM)
    body = box(0, 0.56, 0.34, 0.235, corner=0.17)
    face.paint(body, shirt, darker(shirt, 0.08))
    striped = face.only(draw.has("shirt", "striped"))
    for y in (0.385, 0.455):
        striped.paint(box(0, y, 0.4, 0.016) & body, trim)
    face.paint(ellipse(0, 0.325, 0.105, 0.055), trim)
    face.paint(box(0, 0.26, 0.075, 0.1, corner=0.05), darker(skin, 0.13))


def _head(head: Canvas, draw: Draw, skin) -> None:
    """Paint ears, face, cheeks and nose."""
    for side in (-1, 1):
        ear = head.at(0.235 * side, 0.04)
        ear.paint(ellipse(0, 0, 0.045, 0.055), skin)
        ear.paint(ellipse(0, 0, 0.022, 0.03), darker(skin, 0.16))
    head.paint(box(0, 0.0, 0.232, 0.262, corner=0.2), lighter(skin, 0.06), darker(skin, 0.04))
    blush = 0.75 * skin + 0.25 * torch.tensor([1.0, 0.25, 0.3])
    for side in (-1, 1):
        head.paint(ellipse(0.145 * side, 0.115, 0.045, 0.035), blush, soft=0.05)
    head.paint(ellipse(0, 0.092, 0.026, 0.02), darker(skin, 0.17))
    head.paint(ellipse(-0.004, 0.082, 0.022, 0.018), skin)


def _eyes(head: Canvas, draw: Draw, skin) -> None:
    apart = draw.vary("eyes", 0.008, around=0.097)
    for side in (-1, 1):
        eye = head.at(side * apart, 0.025)
        eye.paint(ellipse(0, 0, 0.05, 0.056), WHITE, (0.93, 0.95, 0.98))
        look = eye.at(draw.vary("gaze_x", 0.009), draw.vary("gaze_y", 0.007))
        look.paint(ellipse(0, 0.003, 0.034, 0.04), INK)
        look.paint(ellipse(0.012, -0.014, 0.013), WHITE)
        eye.paint(arc(0, -0.04, 0.05, -0.02, 0.014), INK)


def _brows(head: Canvas, draw: Draw, hair) -> None:
    for side in (-1, 1):
        brow = head.at(0.1 * side, draw.vary("brows", 0.01, around=-0.073))
        brow.paint(arc(0, 0, 0.043, -0.014, 0.018), darker(hair, 0.35))


def _mouth(head: Canvas, draw: Draw) -> None:
    lips, stroke = draw.pick("skin", LIPS), draw.pick("skin", SMILE)
    mouth = head.at(0, 0.15, scale=1.2, stretch=draw.vary("mouth", 0.08, around=1))
    mouth.only(draw.has("mouth", "smile")).paint(arc(0, 0, 0.078, 0.05, 0.023), stroke)
    mouth.only(draw.has("mouth", "straight")).paint(
        line(-0.042, 0.015, 0.042, 0.015, 0.026), stroke)
    laugh = ellipse(0, -0.012, 0.088, 0.078) & box(0, 0.05, 0.1, 0.062)
    inside = mouth.only(draw.has("mouth", "open"))
    inside.paint(laugh, (0.42, 0.09, 0.12))
    inside.paint(ellipse(0, 0.07, 0.05, 0.035) & laugh, (0.93, 0.45, 0.46))
    inside.paint(box(0, 0.0, 0.066, 0.012) & laugh, WHITE)
    round_one = mouth.only(draw.has("mouth", "surprised"))
    round_one.paint(ellipse(0, 0.025, 0.04, 0.048), lips)
    round_one.paint(ellipse(0, 0.027, 0.025, 0.033), (0.42, 0.09, 0.12))


def _hair_behind(head: Canvas, draw: Draw, hair) -> None:
    """Paint what lies behind the head."""
    shade = darker(hair, 0.14)
    long = head.only(draw.has("hair_style", "long"))
    long.paint(box(0, 0.06, 0.295, 0.4, corner=0.24), hair, shade)
    bob = head.only(draw.has("hair_style", "bob"))
    bob.paint(box(0, -0.06, 0.3, 0.27, corner=0.2) | box(0, 0.1, 0.3, 0.11, corner=0.06),
              hair, shade)
    curly = head.only(draw.has("hair_style", "curly"))
    for x, y, r in ((-0.24, 0.06, 0.1), (0.24, 0.06, 0.1), (-0.27, -0.08, 0.12),
                    (0.27, -0.08, 0.12), (-0.23, -0.22, 0.11), (0.23, -0.22, 0.11),
                    (-0.12, -0.31, 0.11), (0.12, -0.31, 0.11), (0.0, -0.34, 0.1),
                    (0.0, -0.12, 0.27)):
        curly.paint(ellipse(x, y, r), shade)
    bun = head.only(draw.has("hair_style", "bun"))
    bun.paint(ellipse(0, -0.35, 0.105, 0.1), hair, shade)
    pigtails = head.only(draw.has("hair_style", "pigtails"))
    for side in (-1, 1):
        pigtails.paint(ellipse(0.32 * side, 0.09, 0.085, 0.16), hair, shade)
        pigtails.paint(ellipse(0.285 * side, -0.06, 0.038), (0.92, 0.3, 0.36))
    spiky = head.only(draw.has("hair_style", "spiky"))
    for x, y, left, right in ((-0.25, -0.27, -0.25, -0.08), (-0.11, -0.39, -0.2, 0.02),
                              (0.04, -0.42, -0.08, 0.12), (0.19, -0.36, 0.02, 0.21),
                              (0.3, -0.23, 0.1, 0.24)):
        spiky.paint(polygon((x, y), (right, -0.1), (left, -0.1)), hair)


def _hair_in_front(head: Canvas, draw: Draw, hair) -> None:
    """Paint what falls over the forehead, and a shine."""
    top = box(0, -0.09, 0.252, 0.205, corner=0.2)
    parted = top - ellipse(0.07, 0.07, 0.26, 0.2)
    swept = top - ellipse(0.0, 0.09, 0.215, 0.2)
    fringe = (top & box(0, -0.2, 0.3, 0.1, corner=0.02)) | (top - ellipse(0, 0.1, 0.2, 0.28))
    shade = darker(hair, 0.08)
    head.only(draw.has("hair_style", "short")).paint(parted, lighter(hair, 0.05), shade)
    head.only(draw.has("hair_style", "long", "pigtails")).paint(
        top - ellipse(-0.11, 0.09, 0.16, 0.22) - ellipse(0.11, 0.09, 0.16, 0.22),
        lighter(hair, 0.05), shade)
    long = head.only(draw.has("hair_style", "long"))
    for side in (-1, 1):
        long.paint(box(0.252 * side, 0.15, 0.052, 0.28, corner=0.05), lighter(hair, 0.05), shade)
    head.only(draw.has("hair_style", "bun")).paint(swept, lighter(hair, 0.05), shade)
    head.only(draw.has("hair_style", "bob")).paint(fringe, lighter(hair, 0.05), shade)
    head.only(draw.has("hair_style", "spiky")).paint(swept, lighter(hair, 0.05), shade)
    curly = head.only(draw.has("hair_style", "curly"))
    for x, y, r in ((-0.19, -0.15, 0.075), (-0.08, -0.2, 0.085), (0.05, -0.2, 0.085),
                    (0.17, -0.16, 0.08)):
        curly.paint(ellipse(x, y, r), lighter(hair, 0.07), shade)
    head.paint(ellipse(-0.09, -0.225, 0.075, 0.02), lighter(hair, 0.35), opacity=0.6, soft=0.03)


def _glasses(head: Canvas, draw: Draw) -> None:
    rim = (0.15, 0.15, 0.2)
    wears = head.only(~draw.has("glasses", "none"))
    wears.paint(arc(0, 0.025, 0.03, -0.012, 0.017), rim)
    for side in (-1, 1):
        wears.paint(line(0.17 * side, 0.015, 0.235 * side, 0.005, 0.017), rim)
        glass = head.at(0.1 * side, 0.028)
        glass.only(draw.has("glasses", "round")).paint(outline(ellipse(0, 0, 0.078), 0.018), rim)
        glass.only(draw.has("glasses", "square")).paint(
            outline(box(0, 0, 0.08, 0.06, corner=0.015), 0.018), (0.75, 0.13, 0.2))
        dark = glass.only(draw.has("glasses", "sunglasses"))
        dark.paint(box(0, 0.005, 0.088, 0.066, corner=0.045), (0.1, 0.1, 0.14), (0.32, 0.3, 0.42))
        dark.paint(line(-0.045, 0.005, -0.015, -0.035, 0.014), WHITE, opacity=0.55)


FACES = Recipe("toy faces", FACTORS, CORE, TRAITS, paint, read_card("toy_faces"))


def toy_faces(n: int = 10_000, size: int = 64, seed: int = 0, *,
              factors: Mapping[str, str | int] | None = None, core: bool = False) -> ImageSet:
    """Return `n` drawn portraits, uint8 (n, 3, size, size), and their factors.

    `.factors[name]`, int64 (n,), says which of the values `FACE_FACTORS[name]` each picture has.
    All values are equally likely and drawn independently: 7 factors, 100,800 combinations.
    `factors={"glasses": "none"}` fixes some, by name or position, and changes nothing else about
    the pictures of a seed: the same people take their glasses off. `core=True` keeps 96
    combinations: skin 3, hair style 4, glasses 2, mouth 2, background 2. The rest is held still,
    so that each combination is one mode, large enough to be seen at 32 pixels, with only a
    little jitter: everything a generator drops is counted.

    Picture i depends on (seed, i) alone. Sizes: 16, 32, 64, 128, 256.
    """
    return make(FACES, n, size, seed, factors, core)
