"""Data in: pictures as an `ImageSet`, points as a `PointSet`; `train.fit` takes either."""

from gan_lessons.data.imageset import ImageSet, to_images, to_signed
from gan_lessons.data.mnist_files import have_mnist, mnist
from gan_lessons.data.points import (
    PointSet,
    drawn,
    grid,
    line,
    mixture,
    on_axis,
    ring,
    spiral,
    two_moons,
)
from gan_lessons.data.sklearn_digits import digits
from gan_lessons.data.toys import (
    FACE_CORE,
    FACE_FACTORS,
    ROOM_CORE,
    ROOM_FACTORS,
    toy_faces,
    toy_rooms,
)

__all__ = ["FACE_CORE", "FACE_FACTORS", "ROOM_CORE", "ROOM_FACTORS", "ImageSet", "PointSet",
           "digits", "drawn", "grid", "have_mnist", "line", "mixture", "mnist", "on_axis", "ring",
           "spiral", "to_images", "to_signed", "toy_faces", "toy_rooms", "two_moons"]
