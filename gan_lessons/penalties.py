"""Terms added to the critic's loss to keep it tame: one function each.

All are called as `penalty(critic, real, fake)`; use functools.partial to set their options.
"""

import torch
from torch import Tensor, nn


def r1(critic: nn.Module, real: Tensor, fake: Tensor | None = None, *, gamma: float = 1.0):
    """Return gamma/2 times the mean squared gradient norm of the critic at real pictures.

    A steep slope at the data costs D, so that samples which arrive there are not thrown out again.
    real: (B, C, H, W); `fake` is not used; the critic must return one score a picture, (B,).
    Mescheder et al. 2018, arXiv 1801.04406, equation 9.
    """
    real = real.detach().requires_grad_(True)
    slope, = torch.autograd.grad(critic(real).sum(), real, create_graph=True)
    return gamma / 2 * slope.flatten(1).square().sum(1).mean()
