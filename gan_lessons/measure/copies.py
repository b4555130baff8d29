"""Copies: which training picture is nearest, and is it nearer than pictures nobody learned from?"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from gan_lessons.util import both


def nearest(pictures: Tensor, among: Tensor) -> tuple[Tensor, Tensor]:
    """Return how far it is to the nearest of `among`, and which it is: copies or not?

    The distance is the root of the mean squared difference of two pictures' pixels, in grey
    levels: 0 is a copy. It sees pixels and not contents, so a copy that is shifted by a pixel
    counts as another picture. Of features of any network, it is the same for their values.

    Args:
        pictures: uint8 (n, C, H, W), or features, float (n, d).
        among: uint8 (m, C, H, W), or features of the same network, (m, d).

    Returns:
        The distance of each picture, float32 (n,), and the index of the nearest, int64 (n,).
    """
    comparable = pictures.shape[1:] == among.shape[1:] and pictures.dtype == among.dtype
    if not comparable or (pictures.dtype != torch.uint8 and pictures.ndim != 2):
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


@dataclass(frozen=True)
class CopyReport:
    """How near n pictures come to training pictures, and to as many that nobody learned from."""

    to_training: Tensor  # distance to the nearest training picture, (n,)
    to_unseen: Tensor  # distance to the nearest unseen picture, (n,)
    share: float  # of the pictures that are nearer to a training picture; 0.5 without copying
    z: float  # how many standard errors the share lies above 0.5: the sign test

    def __str__(self) -> str:
        return f"{self.share:.1%} nearer to training pictures, z {self.z:.1f}"


def copy_test(pictures: Tensor, training: Tensor, unseen: Tensor,
              features: Callable[[Tensor], Tensor] | None = None) -> CopyReport:
    """Compare pictures with training pictures and with as many unseen ones: who is nearer?

    `unseen` must come from the same source as `training` and have been kept from the generator.
    Then a picture that copies nothing has its nearest neighbour in either set equally often. The
    distance is taken between the means of blocks of 4x4 pixels, which average fine noise away, or
    between the features of any network.

    Args:
        pictures: What is to be tested, uint8 (n, C, H, W), sides a multiple of 4.
        training: Pictures that the generator learned from, uint8 (m, C, H, W).
        unseen: Others that it did not. The longer of the two sets is cut to the shorter's length.
        features: From pictures to rows, (n, d), such as `evaluator.classifier.features`; otherwise
            the means of blocks.
    """
    size = min(len(training), len(unseen))
    seen_as = features or _blocks
    rows = seen_as(pictures)
    to_training, to_unseen = (torch.cdist(rows, seen_as(known[:size])).min(1).values
                              for known in (training, unseen))
    nearer = (to_training < to_unseen).double() + 0.5 * (to_training == to_unseen).double()
    share = float(nearer.mean())
    return CopyReport(to_training, to_unseen, share, z=(share - 0.5) * 2 * len(pictures) ** 0.5)


def _blocks(pictures: Tensor) -> Tensor:
    """Return the means of 4x4 pixels as rows, (n, C H W / 16)."""
    return avg_pool2d(pictures.float(), 4).flatten(1)
