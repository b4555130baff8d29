"""Data in: pictures as an `ImageSet`, points as a `PointSet`; `train.fit` takes either."""

from gan_lessons.data.folders import celeba, folder, lsun_bedrooms
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

__all__ = ["ImageSet", "PointSet", "celeba", "digits", "drawn", "folder", "grid", "have_mnist",
           "line", "lsun_bedrooms", "mixture", "mnist", "on_axis", "ring", "spiral", "to_images",
           "to_signed", "two_moons"]
