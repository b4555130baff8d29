"""What keeps the critic tame: terms added to its loss, and the clipping of its weights.

The terms are called as `penalty(critic, real, fake)`; use functools.partial to set their options.
Data are pictures, (B, C, H, W), or points, (B, d).
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

Penalty = Callable[[nn.Module, Tensor, Tensor], Tensor]  # (critic, real, fake) -> scalar


def r1(critic: nn.Module, real: Tensor, fake: Tensor | None = None, *,
       gamma: float = 1.0) -> Tensor:
    """Return gamma/2 times the mean squared gradient norm of the critic at real pictures.

    A steep slope at the data costs D, so that samples which arrive there are not thrown out again.
    real: (B, C, H, W); `fake` is not used; the critic must return one score a picture, (B,).
    Mescheder et al. 2018, arXiv 1801.04406, equation 9.
    """
    real = real.detach().requires_grad_(True)
    slope, = torch.autograd.grad(critic(real).sum(), real, create_graph=True)
    return gamma / 2 * slope.flatten(1).square().sum(1).mean()


def r2(critic: nn.Module, real: Tensor | None, fake: Tensor, *, gamma: float = 1.0) -> Tensor:
    """Return the same as `r1`, taken at the fakes; `real` is not used.

    Mescheder et al. 2018, arXiv 1801.04406, equation 10.
    """
    return r1(critic, fake, gamma=gamma)


def r1_r2(critic: nn.Module, real: Tensor, fake: Tensor, *, gamma: float = 1.0) -> Tensor:
    """Return `r1` + `r2` in one pass: D may be steep neither at the data nor at the fakes.

    The two batches must have the same length. Huang et al. 2024 (R3GAN), arXiv 2501.05441.
    """
    return 2 * r1(critic, torch.cat([real, fake]), gamma=gamma)


def gradient_penalty(critic: nn.Module, real: Tensor, fake: Tensor, *, weight: float = 10.0,
                     one_sided: bool = False,
                     generator: torch.Generator | None = None) -> Tensor:
    """Return weight times the mean of (gradient norm - 1)^2 of the critic, between real and fake.

    Each pair gets one point, drawn uniformly from the line between the two; a slope of 1 there is
    what the best critic has. `one_sided` lets slopes below 1 go free: max(0, gradient norm - 1)^2.
    The two batches must have the same length. The points are drawn from `generator`, or from
    torch's global random numbers, which `fit` keeps apart for each game.
    With BatchNorm a score depends on the whole batch and its slope means little: use norm="none".
    Gulrajani et al. 2017 (WGAN-GP), arXiv 1704.00028, equation 3, algorithm 1; one-sided: Petzka
    et al. 2018 (WGAN-LP), arXiv 1709.08894.
    """
    share = torch.rand(len(real), *[1] * (real.ndim - 1), generator=generator).to(real)
    between = (share * real + (1 - share) * fake).detach().requires_grad_(True)
    slope, = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    excess = slope.flatten(1).norm(dim=1) - 1
    if one_sided:
        excess = excess.clamp(min=0)
    return weight * excess.square().mean()


@torch.no_grad()
def clip_weights(critic: nn.Module, limit: float = 0.01) -> None:
    """Push every parameter of the critic back into [-limit, limit].

    To be done after each of its updates, so that G never meets weights outside the box.
    Arjovsky et al. 2017 (WGAN), arXiv 1701.07875, algorithm 1, line 7.
    """
    for parameter in critic.parameters():
        parameter.clamp_(-limit, limit)
