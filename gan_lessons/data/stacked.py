"""Stacked MNIST: three digits a picture, 1,000 combinations to find."""

from dataclasses import replace

import torch

from gan_lessons.data.digits import mnist
from gan_lessons.data.imageset import ImageSet, read_card
from gan_lessons.util import whole_number


def stacked_mnist(n: int = 128_000, *, train: bool = True, seed: int = 0) -> ImageSet:
    """Return `n` pictures of three digits, uint8 (n, 3, 28, 28), a digit in each channel.

    The label, 0 to 999, reads the digits red, green, blue: 100 r + 10 g + b. The digits are drawn
    with replacement from `mnist(train)`, so they are as frequent as there; published work draws
    128,000 triples from training and test digits together (Lin et al. 2018, PacGAN, arXiv
    1712.04086). 128,000 pictures take 300 MB. Metz et al. 2017, arXiv 1611.02163.
    """
    digits = mnist(train)
    generator = torch.Generator().manual_seed(whole_number("seed", seed, 0))
    chosen = torch.randint(len(digits), (whole_number("n", n, 1), 3), generator=generator)
    images, labels = digits.images[:, 0][chosen], digits.labels[chosen]  # a digit a channel
    zh, en = read_card("stacked_mnist")
    return replace(digits, images=images, labels=labels @ torch.tensor([100, 10, 1]),
                   name=f"stacked-{digits.name}",
                   about=(f"{zh}\n{digits.about[0]}", f"{en}\n{digits.about[1]}"))
