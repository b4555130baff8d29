"""The Inception score: what a classifier makes of samples, without any real ones."""

import torch
from torch import Tensor

from gan_lessons.measure.features import finite, too_few
from gan_lessons.util import both


def inception_score(probabilities: Tensor) -> float:
    """Return exp(E[KL(p(y|x) || p(y))]), from 1 up to the number of classes.

    p(y|x) are the class probabilities of one sample, p(y) their mean over all. It is high when the
    classifier is sure of each sample and all classes come equally often; it never sees a real
    picture, so one perfect picture of each class gets the highest score.
    Salimans et al. 2016, "Improved Techniques for Training GANs", arXiv 1606.03498.

    Args:
        probabilities: Class probabilities, (n, classes), rows that sum to 1; n >= 2. Any
            classifier's: the number belongs to that classifier.
    """
    if probabilities.ndim != 2 or not torch.allclose(
            probabilities.double().sum(1), torch.ones((), dtype=torch.float64), atol=1e-4):
        finite(probabilities)
        raise ValueError(both(
            f"应是每行之和为 1 的类别概率 (n, 类别数)，收到形状 {tuple(probabilities.shape)}。"
            "logit 请先过 softmax(1)。",
            "Class probabilities (n, classes) with rows that sum to 1 are needed, got shape "
            f"{tuple(probabilities.shape)}. Turn logits into them with softmax(1)."))
    if len(probabilities) < 2:
        raise too_few(len(probabilities), 2)
    p = probabilities.cpu().double()
    mean = p.mean(0)
    kl = (torch.special.xlogy(p, p) - torch.special.xlogy(p, mean)).sum(1)
    return kl.mean().exp().item()
