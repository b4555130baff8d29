"""Data in: pictures as an `ImageSet`, points as a `PointSet`; `train.fit` takes either."""

from gan_lessons.data.digits import digits, have_mnist, mnist
from gan_lessons.data.imageset import ImageSet, to_images, to_signed
from gan_lessons.data.photographs import celeba, folder, lsun_bedrooms
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
from gan_lessons.data.toys import (
    FACE_CORE,
    FACE_FACTORS,
    ROOM_CORE,
    ROOM_FACTORS,
    toy_faces,
    toy_rooms,
)

__all__ = ["FACE_CORE", "FACE_FACTORS", "ROOM_CORE", "ROOM_FACTORS", "ImageSet", "PointSet",
           "celeba", "digits", "drawn", "folder", "grid", "have_mnist", "line", "lsun_bedrooms",
           "mixture", "mnist", "on_axis", "ring", "spiral", "to_images", "to_signed", "toy_faces",
           "toy_rooms", "two_moons"]
