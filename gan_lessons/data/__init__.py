"""Data in: pictures as an `ImageSet`, points as a `PointSet`; `train.fit` takes either."""

from gan_lessons.data.digits import mnist
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
from gan_lessons.data.stacked import stacked_mnist
from gan_lessons.data.toys.faces import CORE as FACE_CORE
from gan_lessons.data.toys.faces import FACTORS as FACE_FACTORS
from gan_lessons.data.toys.faces import toy_faces
from gan_lessons.data.toys.rooms import CORE as ROOM_CORE
from gan_lessons.data.toys.rooms import FACTORS as ROOM_FACTORS
from gan_lessons.data.toys.rooms import toy_rooms

__all__ = ["FACE_CORE", "FACE_FACTORS", "ROOM_CORE", "ROOM_FACTORS", "ImageSet", "PointSet",
           "celeba", "drawn", "folder", "grid", "line", "lsun_bedrooms",
           "mixture", "mnist", "on_axis", "ring", "spiral", "stacked_mnist", "to_images",
           "to_signed", "toy_faces", "toy_rooms", "two_moons"]
