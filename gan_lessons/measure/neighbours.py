"""Copies or not: for each picture, how far it is to the nearest one of a set."""

import torch
from torch import Tensor

from gan_lessons.util import both


def nearest(pictures: Tensor, among: Tensor) -> tuple[Tensor, Tensor]:
    """Return the distance to the nearest of `among`, float32 (n,), and which it is, int64 (n,).

    pictures, among: uint8 (n, C, H, W) and (m, C, H, W). The distance is the root of the mean
    squared difference of two pictures' pixels, in grey levels: 0 is a copy. It sees pixels and not
    contents, so a copy that is shifted by a pixel counts as another picture.

    Raises ValueError when the pictures are no bytes or of other shapes.
    """
    if {pictures.dtype, among.dtype} != {torch.uint8} or pictures.shape[1:] != among.shape[1:]:
        raise ValueError(both(
            f"两组图片都应是 uint8，形状相同，收到 {pictures.dtype} {tuple(pictures.shape)} 和 "
            f"{among.dtype} {tuple(among.shape)}。[-1, 1] 的张量请先用 data.to_images() 转换。",
            f"Both sets should be uint8 pictures of one shape, got {pictures.dtype} "
            f"{tuple(pictures.shape)} and {among.dtype} {tuple(among.shape)}. Convert tensors in "
            "[-1, 1] with data.to_images() first."))
    known = among.flatten(1).float()
    parts = [torch.cdist(part.flatten(1).float(), known,
                         compute_mode="donot_use_mm_for_euclid_dist").min(1)
             for part in pictures.split(100)]
    distance = torch.cat([part.values for part in parts]) / known.shape[1] ** 0.5
    return distance, torch.cat([part.indices for part in parts])
