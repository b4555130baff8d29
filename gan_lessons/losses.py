"""What each player minimises: one small class per GAN loss.

`critic(real, fake)` and `generator(fake)` take logits or scores, shape (B,), higher for "more
real", and return a scalar to minimise. `reading(score)` turns a score into what is plotted.

With D(x) = sigmoid(l):  -log D = softplus(-l)  and  -log(1 - D) = softplus(l). These two forms
stay accurate where `log(sigmoid(l))` rounds to log(0).
"""

import torch
from torch import Tensor
from torch.nn.functional import softplus

from gan_lessons.messages import both


class Minimax:
    """The game as first written: min over G, max over D of E log D(x) + E log(1 - D(G(z))).

    Goodfellow et al. 2014, arXiv 1406.2661, equation 1.
    """

    def critic(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return -E log D(x) - E log(1 - D(G(z)))."""
        return softplus(-real).mean() + softplus(fake).mean()

    def generator(self, fake: Tensor) -> Tensor:
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
        """Return -E[s log D(x) + (1 - s) log(1 - D(x))] - E log(1 - D(G(z))), s the target."""
        on_real = self.smooth * softplus(-real) + (1 - self.smooth) * softplus(real)
        return on_real.mean() + softplus(fake).mean()

    def generator(self, fake: Tensor) -> Tensor:
        """Return -E log D(G(z))."""
        return softplus(-fake).mean()
