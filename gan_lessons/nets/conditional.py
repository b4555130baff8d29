"""Networks that are told what to make: a condition y beside z, and beside the picture.

G joins an embedding of y to z. For D there are three ways, by name in `CRITICS`:

    projection  D(x, y) = psi(phi(x)) + <V y, phi(x)>  Miyato & Koyama 2018, arXiv 1802.05637, eq. 3
    concat      y is one more channel of the picture   Mirza & Osindero 2014, arXiv 1411.1784
    auxiliary   D says real or fake, and which class   Odena et al. 2016 (AC-GAN), arXiv 1610.09585

The layers are those of `nets.dcgan` (and for points `nets.mlp`). A condition is int64 (B,) or, with
k factors, (B, k); `classes` says how many values each factor has.
"""

from functools import reduce

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from gan_lessons.condition import checked_classes
from gan_lessons.nets import dcgan, mlp
from gan_lessons.util import both


class ConditionEmbedding(nn.Module):
    """y -> the sum of one learned vector for each factor's value, (B, width).

    Because they are summed, a combination that was never seen has an embedding all the same.
    """

    def __init__(self, classes: tuple[int, ...], width: int, std: float = 1.0):
        super().__init__()
        tables = [nn.Embedding(count, width) for count in classes]
        for table in tables:
            nn.init.normal_(table.weight, 0.0, std)
        self.tables = nn.ModuleList(tables)  # one a factor

    def forward(self, y: Tensor) -> Tensor:
        """Return the embeddings of conditions (B,) or (B, k)."""
        columns = y.reshape(len(y), -1).unbind(1)
        each = [table(column) for table, column in zip(self.tables, columns, strict=True)]
        return reduce(torch.add, each)


class ConditionalGenerator(nn.Module):
    """z (B, latent) and y -> what `body` makes of z with the embedding of y at its end."""

    def __init__(self, body: nn.Module, classes: tuple[int, ...], embedding: int):
        super().__init__()
        self.body, self.embed = body, ConditionEmbedding(classes, embedding)

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        """Return pictures or points."""
        return self.body(torch.cat([z, self.embed(y)], 1))


class ProjectionCritic(nn.Module):
    """D(x, y) = psi(phi(x)) + <V y, phi(x)>: is x real, and does it go with y?

    The last layer psi is linear here, so this is a last layer of its own for every y.
    """

    def __init__(self, phi: nn.Module, psi: nn.Module, width: int, classes: tuple[int, ...]):
        super().__init__()
        self.phi, self.psi = phi, psi  # x -> `width` features in any shape -> scores (B,)
        self.embed = ConditionEmbedding(classes, width, std=0.02)  # V; std as DCGAN's kernels

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the scores, (B,)."""
        features = self.phi(x)
        match = (self.embed(y) * features.flatten(1)).sum(1)
        return self.psi(features) + match.float()


class ConcatCritic(nn.Module):
    """D sees y as one more channel of the picture: a learned plane for each value."""

    def __init__(self, body: nn.Module, size: int, classes: tuple[int, ...]):
        super().__init__()
        self.body, self.size = body, size
        self.embed = ConditionEmbedding(classes, size * size)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the scores, (B,), of pictures (B, C, size, size)."""
        plane = self.embed(y).view(-1, 1, self.size, self.size)
        return self.body(torch.cat([x, plane], 1))


class AuxiliaryCritic(nn.Module):
    """D has a classifier beside its score; `losses.Auxiliary` makes a loss of the two.

    A penalty takes the slope of the two together.
    """

    def __init__(self, phi: nn.Module, psi: nn.Module, width: int, classes: tuple[int, ...]):
        super().__init__()
        self.phi, self.psi = phi, psi
        self.heads = nn.ModuleList(nn.Linear(width, count) for count in classes)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the score, which does not know y, and log p(y | x): (B, 2)."""
        features = self.phi(x)
        flat = features.flatten(1)
        log_p = [head(flat).float().log_softmax(1).gather(1, value[:, None]).squeeze(1)
                 for head, value in zip(self.heads, y.reshape(len(y), -1).unbind(1), strict=True)]
        return torch.stack([self.psi(features), torch.stack(log_p).sum(0)], 1)


CRITICS = ("projection", "concat", "auxiliary")


def generator(size: int, channels: int, classes, *, latent: int = 64, features: int = 32,
              embedding: int = 32, extra_layers: int = 0,
              norm: str = "batch") -> ConditionalGenerator:
    """Return G: z (B, latent) and y -> pictures; `embedding` is the length of y's."""
    body = dcgan.generator(size, channels, latent=latent + embedding, features=features,
                           extra_layers=extra_layers, norm=norm)
    return ConditionalGenerator(body, checked_classes(classes), embedding)


def critic(size: int, channels: int, classes, *, features: int = 32, extra_layers: int = 0,
           norm: str = "none", how: str = "projection") -> nn.Module:
    """Return D: pictures and y -> scores; `how` is one of CRITICS, `norm` as in `dcgan.critic`."""
    classes = checked_classes(classes)
    if how not in CRITICS:
        raise ValueError(both(f"how 只能取 {', '.join(CRITICS)} 之一，收到 {how!r}。",
                              f"how must be one of {', '.join(CRITICS)}; got {how!r}."))
    seen = channels + 1 if how == "concat" else channels
    body = dcgan.critic(size, seen, features=features, extra_layers=extra_layers, norm=norm)
    if how == "concat":
        return ConcatCritic(body, size, classes)
    width = 16 * features * size // 8  # numbers in the 4x4 features
    kind = ProjectionCritic if how == "projection" else AuxiliaryCritic
    network = kind(body[:-1], body[-1], width, classes)
    if norm == "spectral":
        for layer in [m for m in network.modules() if isinstance(m, (nn.Embedding, nn.Linear))]:
            spectral_norm(layer)
    return network


def pair(size: int, channels: int, classes, *, latent: int = 64, features: int = 32,
         embedding: int = 32, extra_layers: int = 0, norm: str = "batch",
         critic_norm: str = "none", how: str = "projection") -> tuple[nn.Module, nn.Module]:
    """Return a conditional generator and critic of the same size."""
    return (generator(size, channels, classes, latent=latent, features=features,
                      embedding=embedding, extra_layers=extra_layers, norm=norm),
            critic(size, channels, classes, features=features, extra_layers=extra_layers,
                   norm=critic_norm, how=how))


def plane(classes, *, width: int = 64, depth: int = 2, latent: int = 2, embedding: int = 8,
          shape=(2,)) -> tuple[nn.Module, nn.Module]:
    """Return `mlp.plane` for a condition: points of `shape` (d,), and the projection critic."""
    classes = checked_classes(classes)
    make, judge = mlp.plane(width, depth, latent + embedding, shape)
    return (ConditionalGenerator(make, classes, embedding),
            ProjectionCritic(judge[:-2], judge[-2:], width, classes))
