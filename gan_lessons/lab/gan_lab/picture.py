"""What one picture of the lab consists of, packed into a few thousand bytes for the browser."""

import torch
from torch import Tensor

from gan_lessons.losses import LeastSquares, Minimax

from .asking import ask

POINTS, ARROWS = 256, 64  # fakes shown, and how many of them carry an arrow
MESH = 17  # the latent grid has this many lines in each direction
SURFACE = 32  # D is asked at SURFACE x SURFACE places; the browser smooths
LONGEST = 0.25  # length of an arrow, in half widths of the picture
UNIT = 8192  # int16 steps from the centre of the picture to its edge


class Camera:
    """A fixed way to look at a run: the same z, the same places, at every step."""

    def __init__(self, points, latent: int, limit: float | None = None):
        rng = torch.Generator().manual_seed(1234)
        self.look_at(points)
        self.limit = limit or 1.25 * float(self.real.abs().max())
        line = torch.linspace(-2, 2, MESH)
        self.has_mesh = latent == 2
        mesh = torch.cartesian_prod(line, line) if self.has_mesh else torch.empty(0, latent)
        self.z = torch.cat([torch.randn(POINTS, latent, generator=rng), mesh])
        # from the upper left corner to the right, row by row, as the browser paints
        side = self.limit * (torch.arange(SURFACE) + 0.5 - SURFACE / 2) / (SURFACE / 2)
        self.places = torch.cartesian_prod(-side, side).flip(1)

    def look_at(self, points) -> None:
        """Show these real points from now on."""
        self.real = points.sample(4 * POINTS, torch.Generator().manual_seed(99))

    def scene(self) -> bytes:
        """Return the real points as int16."""
        return _as_int16(self.real[:POINTS] / self.limit)

    def shoot(self, engine) -> bytes:
        """Return fakes, mesh and arrows as int16, then D's surface as uint8."""
        loss, real = engine.rules.loss, self.real[:POINTS]
        with torch.no_grad():
            made = engine.generator(self.z)
            scores = engine.critic(torch.cat([self.places, real]))
        surface, real_score = scores.split([len(self.places), POINTS])
        fake = made[:POINTS].detach().requires_grad_()
        compared = [real_score] if getattr(loss, "compares", False) else []
        fake_score = engine.critic(fake)
        slope, = torch.autograd.grad(POINTS * ask(loss, "generator", fake_score, *compared), fake)
        shade = _shade(loss, surface, torch.cat([fake_score.detach(), real_score]))
        places = torch.cat([made / self.limit, _arrows(slope[:ARROWS])])
        return _as_int16(places) + (255 * shade).to(torch.uint8).numpy().tobytes()


def _as_int16(places: Tensor) -> bytes:
    """Pack places in half widths of the picture; what is far outside ends up at its rim."""
    steps = (places * UNIT).nan_to_num(0).clamp(-32767, 32767)
    return steps.to(torch.int16).numpy().tobytes()


def _arrows(slope: Tensor) -> Tensor:
    """Return how G is told to move, an arrow each, in parts of the picture's half width.

    The length says how strong the pull is, not only where to: a pull of 1 makes half of the
    longest arrow, and where the gradient vanishes so does the arrow.
    """
    size = slope.norm(dim=1, keepdim=True)
    return -LONGEST * slope / (1 + size)


def _shade(loss, surface: Tensor, scores: Tensor) -> Tensor:
    """Return D's opinion of each place between 0, fake, and 1, real.

    Where scores are only compared, the middle of those given lies at 1/2.
    """
    if isinstance(loss, (Minimax, LeastSquares)):
        return loss.reading(surface).clamp(0, 1)
    middle = scores.mean()
    return torch.sigmoid(2 * (surface - middle) / scores.std().clamp(min=1e-8))
