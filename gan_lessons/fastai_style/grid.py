"""Pictures in a square grid, as fastai shows a batch."""

import math

import matplotlib.pyplot as plt
import torch
from torch import Tensor

from gan_lessons import show

MOST_WIDE = 720  # pixels: a figure of many inches is drawn coarser, so that notebooks stay small


def show_grid(pictures: Tensor, imgsize: float = 4, figsize: tuple[float, float] | None = None,
              what: str = "pictures") -> None:
    """Draw pictures, uint8 or float in [0, 1], (n, C, H, W), on the smallest square grid.

    imgsize: inches per picture, unless figsize=(width, height) is given;  what: for the
    alternative text.
    """
    if pictures.dtype != torch.uint8:
        pictures = pictures.detach().float().clamp(0, 1).mul(255).round().to(torch.uint8)
    n = len(pictures)
    side = math.ceil(math.sqrt(n))
    width, height = figsize or (imgsize * side, imgsize * side)
    figure, axes = plt.subplots(side, side, figsize=(width, height), squeeze=False,
                                gridspec_kw={"wspace": 0.04, "hspace": 0.04})
    for axis in axes.flat:
        axis.axis("off")
    for axis, picture in zip(axes.flat, pictures.cpu(), strict=False):
        axis.imshow(picture.permute(1, 2, 0).squeeze(-1), cmap="gray", vmin=0, vmax=255)
    show.show(figure, f"{n} {what} in a grid of {side} by {side}", min(100, MOST_WIDE / width))
