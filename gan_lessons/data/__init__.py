"""Pictures in: every function here returns an `ImageSet`."""

from gan_lessons.data.imageset import ImageSet, to_images, to_signed
from gan_lessons.data.mnist_files import have_mnist, mnist
from gan_lessons.data.sklearn_digits import digits

__all__ = ["ImageSet", "digits", "have_mnist", "mnist", "to_images", "to_signed"]
