"""Real handwritten digits that need no download: scikit-learn's bundled 1,797."""

import torch
import torch.nn.functional as F

from gan_lessons.data.imageset import ImageSet
from gan_lessons.util import both

CARD = both(
    "手写数字（scikit-learn 自带）：1,797 张 8x8 灰度图，由 13 人书写，放大到 28x28。\n"
    "  来源：E. Alpaydin, C. Kaynak, Optical Recognition of Handwritten Digits, UCI, 1998。\n"
    "  许可：CC BY 4.0。每四张留出一张，训练 1,348 张，留出 449 张。\n"
    "  注意：字迹出自真人，但不含任何身份信息；各类数量相近；笔画比 MNIST 粗、也更模糊。",
    "Handwritten digits (bundled with scikit-learn): 1,797 greyscale 8x8 pictures by 13 people, "
    "enlarged to 28x28.\n"
    "  Source: E. Alpaydin, C. Kaynak, Optical Recognition of Handwritten Digits, UCI, 1998.\n"
    "  Licence: CC BY 4.0. Every fourth picture is held out: 1,348 to train on, 449 held out.\n"
    "  Note: real handwriting, nothing that identifies the writers; classes are balanced; "
    "strokes are thicker and softer than MNIST's.")


def digits(train: bool = True) -> ImageSet:
    """Return scikit-learn's real digits as uint8 (N, 1, 28, 28) with labels 0..9.

    The 8x8 originals get a black rim of one pixel, so that strokes end softly; they are then
    enlarged to 24x24 (bicubic) and centred in a black 28x28 frame, much like MNIST's. Every
    fourth picture is held out: 1,348 to train on, or 449 with train=False.
    """
    from sklearn.datasets import load_digits  # takes a second to import
    bunch = load_digits()
    small = torch.from_numpy(bunch.images).float().unsqueeze(1) / 16
    large = F.interpolate(F.pad(small, (1, 1, 1, 1)), size=24, mode="bicubic").clamp(0, 1)
    images = F.pad(large, (2, 2, 2, 2)).mul(255).round().to(torch.uint8)
    held_out = torch.arange(len(images)) % 4 == 3
    keep = ~held_out if train else held_out
    labels = torch.from_numpy(bunch.target).to(torch.int64)
    return ImageSet(images[keep], labels[keep], "digits", CARD)
