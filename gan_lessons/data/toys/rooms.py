"""Toy rooms: bedrooms painted from the back wall to the bed, with factors that can be counted."""

from collections.abc import Mapping

import torch

from gan_lessons.data.imageset import ImageSet, read_card
from gan_lessons.data.toys.factory import Draw, Recipe, make
from gan_lessons.data.toys.shapes import (
    Canvas,
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
    "wall": ("cream", "sky", "sage", "rose", "lilac", "navy"),
    "floor": ("oak", "walnut", "tiles", "carpet"),
    "bed": ("red", "blue", "green", "yellow", "striped"),
    "window": ("day", "sunset", "night", "snow"),
    "lamp": ("off", "on", "hanging"),
    "picture": ("mountain", "sun", "cat", "heart"),
    "rug": ("none", "round", "striped"),
}

CORE = {
    "wall": ("cream", "sky", "rose"),
    "floor": ("oak",),
    "bed": ("red", "blue", "yellow"),
    "window": ("day", "sunset", "night"),
    "lamp": ("off", "on"),
    "picture": ("mountain",),
    "rug": ("none",),
}

TRAITS = ("x", "y", "scale", "window", "bed", "table", "picture", "rug", "moon",
          "red", "green", "blue", "light")

WALL = colours("#f6e7c8", "#a9d3ea", "#b7cfa8", "#f2bcb7", "#c9bbe6", "#46567f")
FLOOR = colours("#d8a66a", "#8a5a3c", "#e9e4da", "#6f9a9c")
GROOVE = colours("#bd8a50", "#6e4530", "#b9c3c9", "#6f9a9c")
BLANKET = colours("#d9483f", "#3f78c9", "#4a9f62", "#f4b838", "#f5f0e6")
FOLD = colours("#f3a79d", "#a8c8f0", "#aed9b4", "#fbe3a0", "#e0685c")
SKY = colours("#7cc7f5", "#ff8f5e", "#1c2852", "#9fb6cc")
HORIZON = colours("#d5effc", "#ffd98a", "#41508c", "#d5e0ea")
GROUND = colours("#7fbf6a", "#a9627a", "#222f55", "#ffffff")
WOOD, DARK_WOOD = (0.66, 0.44, 0.27), (0.45, 0.29, 0.18)
WHITE, PAPER = (1.0, 1.0, 1.0), (0.98, 0.96, 0.91)
GLOW = (1.0, 0.9, 0.55)
CORNER, CEILING, EDGE = 0.62, 0.07, 0.13  # where floor, ceiling and side walls meet the back wall


def paint(canvas: Canvas, draw: Draw) -> None:
    """Paint a bedroom on every picture of a blank canvas."""
    tint = 1 + 0.035 * torch.stack([draw.dice[c] for c in ("red", "green", "blue")], 1)
    tint = tint * draw.vary("light", 0.035, around=1).unsqueeze(1)
    scale = draw.vary("scale", 0.04, around=1.04)
    room = canvas.at(0.5, 0.5).at(draw.vary("x", 0.02), draw.vary("y", 0.02), scale=scale)
    room = room.at(-0.5, -0.5)  # scaled about the middle of the picture
    _walls(room, draw, tint)
    _floor(room, draw, tint)
    table = room.at(draw.vary("table", 0.012, around=0.385), 0)
    _glow(table, draw)  # on the wall, behind what hangs there
    _window(room.at(draw.vary("window", 0.015, around=0.3), 0.33), draw)
    _picture(room.at(draw.vary("picture", 0.02, around=0.66), 0.27), draw)
    _lamp(table, draw)
    _rug(room.at(draw.vary("rug", 0.02, around=0.23), 0.86), draw)
    _bed(room.at(draw.vary("bed", 0.015, around=0.68), 0), draw, tint)


def _walls(room: Canvas, draw: Draw, tint) -> None:
    """Paint the back wall, the two side walls in its shade, the ceiling and the skirting board."""
    wall = draw.pick("wall", WALL) * tint
    room.paint(box(0.5, 0.3, 0.7, 0.45), lighter(wall, 0.1), wall)
    side = polygon((-0.2, -0.1), (EDGE, CEILING), (EDGE, CORNER), (-0.2, 1.0))
    for half in (room, room.at(x=1.0, stretch=-1.0)):  # the right wall is the left one mirrored
        half.paint(side, darker(wall, 0.1))
    room.paint(polygon((-0.2, -0.2), (1.2, -0.2), (1 - EDGE, CEILING), (EDGE, CEILING)), PAPER)
    room.paint(box(0.5, CORNER - 0.012, 0.5 - EDGE, 0.014), PAPER)


def _floor(room: Canvas, draw: Draw, tint) -> None:
    """Paint the floor; planks and tiles run to the vanishing point in the middle."""
    colour, groove = draw.pick("floor", FLOOR) * tint, draw.pick("floor", GROOVE) * tint
    ground = polygon((EDGE, CORNER), (1 - EDGE, CORNER), (1.3, 1.1), (-0.3, 1.1))
    room.paint(ground, darker(colour, 0.1), lighter(colour, 0.06))
    grooved = room.only(~draw.has("floor", "carpet"))
    for x in (0.15, 0.29, 0.43, 0.57, 0.71, 0.85):
        grooved.paint(line(x, CORNER, 0.5 + 2.4 * (x - 0.5), 1.1, 0.012), groove)
    tiled = room.only(draw.has("floor", "tiles"))
    for y in (0.675, 0.755, 0.875):
        tiled.paint(box(0.5, y, 0.8, 0.006) & ground, groove)


def _glow(place: Canvas, draw: Draw) -> None:
    place.only(draw.has("lamp", "on")).paint(ellipse(0, 0.5, 0.22), GLOW, opacity=0.8, soft=0.32)
    place.only(draw.has("lamp", "hanging")).paint(ellipse(0.12, 0.2, 0.22), GLOW, opacity=0.8,
                                                  soft=0.32)


def _window(place: Canvas, draw: Draw) -> None:
    """Paint what is outside, then frame, sill and curtains."""
    view = box(0, 0, 0.105, 0.13)
    place.paint(view, draw.pick("window", SKY), draw.pick("window", HORIZON))
    height = draw.vary("moon", 0.012)
    day = place.only(draw.has("window", "day")).at(0, height)
    day.paint(ellipse(0.055, -0.06, 0.034), (1.0, 0.86, 0.3))
    for x, y, rx, ry in ((-0.045, -0.01, 0.045, 0.018), (-0.03, -0.025, 0.022, 0.02)):
        day.paint(ellipse(x, y, rx, ry), WHITE)
    place.only(draw.has("window", "sunset")).at(0, height).paint(
        ellipse(0.02, 0.035, 0.05), (1.0, 0.93, 0.6))
    night = place.only(draw.has("window", "night")).at(0, height)
    night.paint(ellipse(0.045, -0.05, 0.036) - ellipse(0.062, -0.06, 0.032), (1.0, 0.95, 0.75))
    for x, y in ((-0.06, -0.07), (-0.03, -0.015), (0.06, 0.03), (-0.075, 0.03)):
        night.paint(ellipse(x, y, 0.009), WHITE)
    hills = (ellipse(-0.06, 0.16, 0.13, 0.09) | ellipse(0.08, 0.16, 0.12, 0.07)) & view
    place.paint(hills, draw.pick("window", GROUND))
    snow = place.only(draw.has("window", "snow"))
    for x, y in ((-0.07, -0.08), (-0.02, -0.045), (0.045, -0.085), (0.07, -0.02), (-0.06, 0.02),
                 (0.02, 0.025)):
        snow.paint(ellipse(x, y, 0.012), WHITE)
    place.paint(outline(view, 0.024) | box(0, 0, 0.007, 0.13) | box(0, 0.01, 0.105, 0.006), WHITE)
    place.paint(box(0, 0.148, 0.13, 0.013), PAPER)


def _picture(place: Canvas, draw: Draw) -> None:
    view = box(0, 0, 0.085, 0.07)
    place.paint(box(0, 0, 0.1, 0.085), DARK_WOOD)
    place.paint(view, PAPER)
    mountain = place.only(draw.has("picture", "mountain"))
    mountain.paint(view, (0.6, 0.82, 0.93))
    mountain.paint(polygon((-0.02, -0.05), (0.07, 0.07), (-0.1, 0.07)) & view, (0.25, 0.42, 0.5))
    mountain.paint(polygon((-0.02, -0.05), (0.01, -0.01), (-0.047, -0.01)), WHITE)
    sun = place.only(draw.has("picture", "sun"))
    sun.paint(view, (1.0, 0.87, 0.6))
    sun.paint(ellipse(0, 0.0, 0.045), (0.95, 0.42, 0.2))
    cat = place.only(draw.has("picture", "cat"))
    cat.paint(view, (0.98, 0.8, 0.35))
    ink = (0.2, 0.18, 0.22)
    for half in (cat, cat.at(stretch=-1.0)):
        half.paint(polygon((0.04, -0.058), (0.045, 0.0), (0.005, -0.02)), ink)
    cat.paint(ellipse(0, 0.018, 0.046, 0.042), ink)
    for side in (-1, 1):
        cat.paint(ellipse(0.018 * side, 0.012, 0.009, 0.011), (0.75, 0.95, 0.5))
    heart = place.only(draw.has("picture", "heart"))
    heart.paint(ellipse(-0.022, -0.018, 0.027) | ellipse(0.022, -0.018, 0.027)
                | polygon((-0.047, -0.007), (0.047, -0.007), (0, 0.052)), (0.88, 0.25, 0.35))


def _lamp(place: Canvas, draw: Draw) -> None:
    """Paint the bedside table and a lamp, on it or hanging from the ceiling."""
    standing = place.only(~draw.has("lamp", "hanging"))
    hanging = place.only(draw.has("lamp", "hanging"))
    lit = place.only(draw.has("lamp", "on"))
    place.paint(box(0, 0.68, 0.07, 0.085, corner=0.01), WOOD, DARK_WOOD)
    place.paint(box(0, 0.6, 0.082, 0.013, corner=0.006), (0.76, 0.54, 0.35))
    place.paint(ellipse(0, 0.665, 0.013), (0.95, 0.85, 0.6))
    standing.paint(box(0, 0.56, 0.01, 0.035), DARK_WOOD)
    shade = polygon((-0.035, 0.43), (0.035, 0.43), (0.062, 0.53), (-0.062, 0.53))
    standing.paint(shade, (0.5, 0.55, 0.62), (0.4, 0.45, 0.52))
    lit.paint(shade, (1.0, 0.97, 0.8), (1.0, 0.85, 0.4))
    cap = ellipse(0.12, 0.2, 0.07, 0.075) & box(0.12, 0.16, 0.08, 0.04)
    hanging.paint(line(0.12, 0.0, 0.12, 0.14, 0.012), (0.3, 0.28, 0.3))
    hanging.paint(ellipse(0.12, 0.2, 0.032), (1.0, 0.96, 0.75))
    hanging.paint(cap, (0.93, 0.45, 0.25))


def _bed(place: Canvas, draw: Draw, tint) -> None:
    """Paint the headboard, mattress, pillows and the blanket, seen from its foot."""
    blanket, fold = draw.pick("bed", BLANKET) * tint, draw.pick("bed", FOLD) * tint
    place.paint(box(0, 0.54, 0.2, 0.12, corner=0.05), WOOD, DARK_WOOD)
    place.paint(box(0, 0.55, 0.165, 0.08, corner=0.03), (0.72, 0.5, 0.32))
    for side in (-1, 1):
        place.paint(box(0.22 * side, 0.94, 0.022, 0.05), DARK_WOOD)
    place.paint(polygon((-0.19, 0.6), (0.19, 0.6), (0.26, 0.84), (-0.26, 0.84)), PAPER)
    for side in (-1, 1):
        pillow = place.at(0.095 * side, 0.605)
        pillow.paint(box(0, 0.008, 0.085, 0.047, corner=0.035), (0.8, 0.8, 0.83))
        pillow.paint(box(0, 0, 0.082, 0.042, corner=0.035), WHITE)
    top = polygon((-0.205, 0.665), (0.205, 0.665), (0.262, 0.84), (-0.262, 0.84))
    front = box(0, 0.885, 0.262, 0.055, corner=0.02)
    place.paint(top, lighter(blanket, 0.08), blanket)
    place.paint(front, darker(blanket, 0.14), darker(blanket, 0.2))
    striped = place.only(draw.has("bed", "striped"))
    for y in (0.755, 0.82, 0.9):
        striped.paint(box(0, y, 0.3, 0.014) & (top | front), (0.25, 0.42, 0.66))
    place.paint(polygon((-0.2, 0.648), (0.2, 0.648), (0.216, 0.695), (-0.216, 0.695)), fold)


def _rug(place: Canvas, draw: Draw) -> None:
    round_one = place.only(draw.has("rug", "round"))
    round_one.paint(ellipse(0, 0, 0.2, 0.085), (0.87, 0.4, 0.45))
    round_one.paint(ellipse(0, 0, 0.15, 0.062), (0.98, 0.86, 0.75))
    round_one.paint(ellipse(0, 0, 0.085, 0.034), (0.87, 0.4, 0.45))
    striped = place.only(draw.has("rug", "striped"))
    mat = polygon((-0.12, -0.08), (0.18, -0.08), (0.17, 0.09), (-0.21, 0.09))
    striped.paint(mat, (0.5, 0.24, 0.42))
    for y in (-0.045, 0.0, 0.045):
        striped.paint(box(0, y, 0.3, 0.01) & mat, (0.97, 0.82, 0.6))


ROOMS = Recipe("toy rooms", FACTORS, CORE, TRAITS, paint, read_card("toy_rooms"))


def toy_rooms(n: int = 10_000, size: int = 64, seed: int = 0, *,
              factors: Mapping[str, str | int] | None = None, core: bool = False) -> ImageSet:
    """Return `n` drawn bedrooms, uint8 (n, 3, size, size), and their factors, see `toy_faces`.

    `.factors[name]`, int64 (n,), says which of the values `ROOM_FACTORS[name]` each picture has:
    7 factors, 17,280 combinations. `factors={"lamp": "on"}` fixes some, by name or position.
    `core=True` keeps 54 combinations: wall 3, bed 3, window 3, lamp 2.
    """
    return make(ROOMS, n, size, seed, factors, core)
