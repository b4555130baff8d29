"""What each player minimises: one small class per GAN loss.

`critic(real, fake)` and `generator(fake)` take logits or scores, shape (B,), higher for "more
real", and return a scalar to minimise. `reading(score)` turns a score into what is plotted.
A loss whose `compares` is true also wants D's scores for real data: `generator(fake, real)`.

With D(x) = sigmoid(l):  -log D = softplus(-l)  and  -log(1 - D) = softplus(l). These two forms
stay accurate where `log(sigmoid(l))` rounds to log(0).
"""

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor
from torch.nn.functional import relu, softplus

from gan_lessons.util import both


class Loss(Protocol):
    """What `train.fit` asks of a loss; one of your own needs these three and no more.

    With an attribute `compares` that is true, `generator` is also given D's scores for real data.
    With an attribute `columns`, the scores are (B, columns) instead of (B,): see `Auxiliary`.
    """

    @property
    def critic(self) -> Callable[[Tensor, Tensor], Tensor]:
        """From D's scores for real and fake, (B,) and (B,), a scalar for D to minimise."""

    @property
    def generator(self) -> Callable[..., Tensor]:
        """From D's scores for the fakes (and for real data, if it `compares`), a scalar for G."""

    @property
    def reading(self) -> Callable[[Tensor], Tensor]:
        """From D's scores, (B,), what is plotted of them, (B,)."""


class Minimax:
    """The game as first written: min over G, max over D of E log D(x) + E log(1 - D(G(z))).

    Goodfellow et al. 2014, arXiv 1406.2661, equation 1.
    """

    compares = False

    def critic(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return -E log D(x) - E log(1 - D(G(z)))."""
        return softplus(-real).mean() + softplus(fake).mean()

    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """Return E log(1 - D(G(z))). Its gradient fades when D is sure that the fakes are fake."""
        return -softplus(fake).mean()

    def reading(self, score: Tensor) -> Tensor:
        """Return D's probability of "real", between 0 and 1."""
        return torch.sigmoid(score)


class NonSaturating(Minimax):
    """The same D; G maximises log D(G(z)) instead: same fixed point, strong gradient early on.

    Goodfellow et al. 2014, section 3. `smooth` < 1 is one-sided label smoothing (Salimans et
    al. 2016, arXiv 1606.03498, section 3.4): the target for real pictures is `smooth`, not 1.
    """

    def __init__(self, smooth: float = 1.0):
        if not 0.5 < smooth <= 1:
            raise ValueError(both(f"smooth 应在 0.5 和 1 之间，收到 {smooth}。",
                                  f"smooth should be between 0.5 and 1, got {smooth}."))
        self.smooth = smooth

    def critic(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return -E[s log D(x) + (1 - s) log(1 - D(x))] - E log(1 - D(G(z))), s the target.

        That is the loss of Minimax plus (1 - s) E[logit of x]: softplus(x) = softplus(-x) + x.
        """
        value = super().critic(real, fake)
        return value if self.smooth == 1 else value + (1 - self.smooth) * real.mean()

    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """Return -E log D(G(z))."""
        return softplus(-fake).mean()


class LeastSquares:
    """Scores are pulled to targets: 1 for real and 0 for fakes by D, 1 for fakes by G.

    Mao et al. 2017, arXiv 1611.04076, equation 9; without its factor 1/2, so that equal scores
    of 1/2 cost 1/2.
    """

    compares = False

    def critic(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return E (D(x) - 1)^2 + E D(G(z))^2."""
        return (real - 1).square().mean() + fake.square().mean()

    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """Return E (D(G(z)) - 1)^2."""
        return (fake - 1).square().mean()

    def reading(self, score: Tensor) -> Tensor:
        """Return the score, which is meant to lie between 0 and 1."""
        return score


class Wasserstein:
    """The critic estimates a distance: how far its mean scores can be pulled apart.

    It must be kept from growing steep, by `penalties.clip_weights` or by a penalty.
    Arjovsky et al. 2017, arXiv 1701.07875, equations 2 and 3, algorithm 1.
    """

    compares = False

    def critic(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return E D(G(z)) - E D(x), minus the estimate of the distance."""
        return fake.mean() - real.mean()

    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """Return -E D(G(z))."""
        return -fake.mean()

    def reading(self, score: Tensor) -> Tensor:
        """Return the score: only differences of scores have a meaning."""
        return score


class Hinge(Wasserstein):
    """D stops caring about real scores above 1 and fakes below -1; G plays as in Wasserstein.

    Lim and Ye 2017, arXiv 1705.02894; Miyato et al. 2018, arXiv 1802.05957, equation 16.
    """

    def critic(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return E max(0, 1 - D(x)) + E max(0, 1 + D(G(z)))."""
        return relu(1 - real).mean() + relu(1 + fake).mean()


class Relativistic(Wasserstein):
    """Real and fake scores are compared in pairs: which of the two is more real, and by how much?

    RpGAN: Jolicoeur-Martineau 2018, arXiv 1807.00734, section 4.1; the loss of R3GAN, Huang et
    al. 2024, arXiv 2501.05441, which adds R1 and R2. Both batches must have the same length.
    """

    compares = True

    def critic(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return -E log sigmoid(D(x) - D(G(z)))."""
        return softplus(fake - real).mean()

    def generator(self, fake: Tensor, real: Tensor) -> Tensor:  # type: ignore[override]
        """Return -E log sigmoid(D(G(z)) - D(x)). `real` are scores, (B,), not data."""
        return softplus(real - fake).mean()


class Auxiliary:
    """AC-GAN: beside the usual game, both players want D's classifier to see what was asked for.

    Scores are those of `nets.conditional.AuxiliaryCritic`, (B, 2): the score of the usual game, and
    log p(y | x) of the class. Odena et al. 2016, arXiv 1610.09585, section 3: D maximises L_S +
    L_C, G L_C - L_S, where L_C takes real pictures and fakes together.
    """

    columns = 2

    def __init__(self, game: Loss, weight: float = 1.0):
        self.game, self.weight = game, weight
        self.compares = getattr(game, "compares", False)

    def critic(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return D's loss in the usual game - weight (E log p(y | x) + E log p(y | G(z, y)))."""
        class_loss = -real[:, 1].mean() - fake[:, 1].mean()
        return self.game.critic(real[:, 0], fake[:, 0]) + self.weight * class_loss

    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """Return G's loss in the usual game - weight E log p(y | G(z, y))."""
        scores = (fake[:, 0],) if real is None else (fake[:, 0], real[:, 0])
        return self.game.generator(*scores) - self.weight * fake[:, 1].mean()

    def reading(self, score: Tensor) -> Tensor:
        """Return what is plotted of the score in the usual game."""
        return self.game.reading(score[:, 0])
