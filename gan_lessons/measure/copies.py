"""Copies: which training picture is nearest, and is it nearer than pictures nobody learned from?"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from gan_lessons.measure.features import too_few
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
            f"两组都应是形状相同的 uint8 图片，或同一个网络的特征 (n, d)，收到 {pictures.dtype} "
            f"{tuple(pictures.shape)} 和 {among.dtype} {tuple(among.shape)}。[-1, 1] 的张量请先用 "
            "data.to_images() 转换。",
            f"Both sets should be uint8 pictures of one shape, or features (n, d) of one network; "
            f"got {pictures.dtype} {tuple(pictures.shape)} and {among.dtype} {tuple(among.shape)}. "
            "Convert tensors in [-1, 1] with data.to_images() first."))
    known = among.flatten(1).float()
    parts = [torch.cdist(part.flatten(1).float(), known,
                         compute_mode="donot_use_mm_for_euclid_dist").min(1)
             for part in pictures.split(100)]
    distance = torch.cat([part.values for part in parts]) / known.shape[1] ** 0.5
    return distance, torch.cat([part.indices for part in parts])


def _check_bytes(*sets: Tensor) -> None:
    """Raise ValueError unless all are uint8 pictures (n, C, H, W) of one shape."""
    if any(one.dtype != torch.uint8 or one.ndim != 4 or one.shape[1:] != sets[0].shape[1:]
           for one in sets):
        got = ", ".join(f"{one.dtype} {tuple(one.shape)}" for one in sets)
        raise ValueError(both(
            f"各组都应是形状相同的 uint8 图片 (n, C, H, W)，收到 {got}。[-1, 1] 的张量请先用 "
            "data.to_images() 转换。",
            f"All sets should be uint8 pictures (n, C, H, W) of one shape; got {got}. Convert "
            "tensors in [-1, 1] with data.to_images() first."))


@dataclass(frozen=True)
class CopyReport:
    """How near n pictures come to training pictures, and to as many that nobody learned from."""

    to_training: Tensor  # distance to the nearest training picture, (n,)
    to_unseen: Tensor  # distance to the nearest unseen picture, (n,)
    share: float  # of the pictures that are nearer to a training picture; 0.5 without copying
    z: float  # how many standard errors the share lies above 0.5: the sign test

    def __str__(self) -> str:
        return f"{self.share:.1%} nearer to training pictures, z {self.z:.1f}"


def copy_test(pictures: Tensor, training: Tensor, unseen: Tensor) -> CopyReport:
    """Compare pictures with training pictures and with as many unseen ones: who is nearer?

    `unseen` must come from the same source as `training` and have been kept from the generator.
    Then a picture that copies nothing has its nearest neighbour in either set equally often. The
    distance is taken between the means of blocks of 4x4 pixels, which average fine noise away.

    Its z takes every picture for a toss of its own. A generator that paints the same few pictures
    again and again makes it large without copying: `memorisation_test` does not fall for that.

    Args:
        pictures: What is to be tested, uint8 (n, C, H, W), sides a multiple of 4.
        training: Pictures that the generator learned from, uint8 (m, C, H, W).
        unseen: Others that it did not. The longer of the two sets is cut to the shorter's length.
    """
    _check_bytes(pictures, training, unseen)
    size = min(len(training), len(unseen))
    rows = _blocks(pictures)
    to_training, to_unseen = (torch.cdist(rows, _blocks(known[:size])).min(1).values
                              for known in (training, unseen))
    nearer = (to_training < to_unseen).double() + 0.5 * (to_training == to_unseen).double()
    share = float(nearer.mean())
    return CopyReport(to_training, to_unseen, share, z=(share - 0.5) * 2 * len(pictures) ** 0.5)


def _blocks(pictures: Tensor) -> Tensor:
    """Return the means of 4x4 pixels as rows, (n, C H W / 16)."""
    return avg_pool2d(pictures.float(), 4).flatten(1)


@dataclass(frozen=True)
class MemorisationReport:
    """How often the nearest known picture is a training picture, and how often by chance."""

    z: float  # how many standard errors the weighted share lies above chance
    share: float  # of the pictures whose nearest known one is a training picture
    expected: float  # share of the training pictures among the known ones: without copying
    view: str  # what pictures were compared by: that of the largest z

    def __str__(self) -> str:
        return (f"{self.share:.1%} nearest to a training picture, {self.expected:.1%} by chance, "
                f"z {self.z:.1f} by {self.view}")


def memorisation_test(pictures: Tensor, training: Tensor, unseen: Tensor,
                      features: Callable[[Tensor], Tensor] | None = None) -> MemorisationReport:
    """Test whether pictures copy training pictures, be it with noise or shifted.

    Every picture points at its nearest among the training and the unseen pictures, with a weight
    of 1 - d1 / d2, where d2 is the distance to its second nearest: 1 for an exact copy, little for
    a picture that lies between its neighbours. If nothing is copied, it does not matter which of
    these known pictures are called training pictures, so the weight that points at them is compared
    with what it would be if the names were dealt out at random: mean and variance are exact
    (sampling without replacement). Many pictures that point at one known picture are one witness.

    Pictures are compared by the means of blocks of 4x4 pixels, which average noise away, and by
    their `spectrum`, which does not see shifts; the larger z counts. Above 3 is suspicious. Shares
    recited and errors of the test: studies/lesson07_copies.json.

    The question, nearer to training than to unseen pictures, is that of Meehan et al. 2020,
    arXiv 2004.05675; weights and variance are ours.

    Args:
        pictures: What is to be tested, uint8 (n, C, H, W), sides a multiple of 4, n >= 2.
        training: Pictures that the generator learned from, (m, C, H, W), at least 2.
        unseen: Others from the same source that it did not, (u, C, H, W), at least 2; as many as
            there are. The numbers may differ.
        features: From pictures to rows, (n, d): compare by these alone.
    """
    if min(len(pictures), len(training), len(unseen)) < 2:
        raise too_few(min(len(pictures), len(training), len(unseen)), 2)
    if features is None:
        _check_bytes(pictures, training, unseen)
    views = {"features": features} if features else {"blocks": _blocks, "spectrum": spectrum}
    reports = [_witnesses(rows(pictures), rows(torch.cat([training, unseen])), len(training), view)
               for view, rows in views.items()]
    return max(reports, key=lambda report: report.z)


def spectrum(pictures: Tensor) -> Tensor:
    """Return how strong the low frequencies of pictures are, (n, C 13 7), 0 to 6 waves across.

    A shift turns the phases of a Fourier transform and leaves its magnitudes alone; here it goes
    round, as `roll` does, or moves an empty rim.

    Args:
        pictures: uint8 (n, C, H, W), sides of at least 14.
    """
    f = 7
    strength = torch.fft.rfft2(pictures.float()).abs()
    return torch.cat([strength[:, :, :f, :f], strength[:, :, 1 - f:, :f]], 2).flatten(1)


def _witnesses(rows: Tensor, known: Tensor, m: int, view: str) -> MemorisationReport:
    """Return the report on rows, when the first `m` known ones are the training pictures."""
    parts = [torch.cdist(part, known).topk(2, largest=False) for part in rows.split(1000)]
    distance = torch.cat([part.values for part in parts]).double()
    nearest_one = torch.cat([part.indices[:, 0] for part in parts])
    weight = 1 - distance[:, 0] / distance[:, 1].clamp(min=1e-12)
    n = len(known)
    expected = m / n
    testimony = torch.zeros(n, dtype=torch.float64).index_add_(0, nearest_one, weight)
    excess = testimony[:m].sum() - expected * testimony.sum()
    # the sum of m numbers drawn without replacement from the n in `testimony`
    variance = expected * (1 - expected) * n * testimony.var()
    z = excess / variance.sqrt() if variance > 0 else torch.zeros(())
    return MemorisationReport(float(z), float((nearest_one < m).double().mean()), expected, view)
