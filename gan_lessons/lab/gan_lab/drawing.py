"""What the lab shows: one picture, packed into a few thousand bytes, and a run on paper."""

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.colors import LinearSegmentedColormap
from torch import Tensor

from gan_lessons import show
from gan_lessons.condition import given
from gan_lessons.losses import LeastSquares, Minimax
from gan_lessons.show import BLUE, GREEN, GREY, ORANGE
from gan_lessons.train import evaluating

POINTS, ARROWS = 256, 64  # fakes shown, and how many of them carry an arrow
MESH = 17  # the latent grid has this many lines in each direction
SURFACE = 32  # D is asked at SURFACE x SURFACE places; the browser smooths
LONGEST = 0.25  # length of an arrow, in half widths of the picture
UNIT = 8192  # int16 steps from the centre of the picture to its edge
FRAMES = 5  # pictures of a run on paper
CLASSES = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", GREY)
# of Okabe and Ito, for the colour-blind; from the ninth class on they come again
FAKE_TO_REAL = LinearSegmentedColormap.from_list("fake to real", ["#f4b183", "#ffffff", "#8fbfe0"])


# ---- one picture, for the browser ----

class Camera:
    """A fixed way to look at a run: the same z, the same places, at every step.

    In a conditional game D's surface, the mesh and the arrows are those of one y, `chosen`. The
    fakes with an arrow are asked for it, the others for the classes in turn.
    """

    def __init__(self, points, latent: int, limit: float | None = None):
        self.look_at(points)
        self.limit = limit or 1.25 * float(self.real.abs().max())  # half width of the picture
        line = torch.linspace(-2, 2, MESH)
        mesh = torch.cartesian_prod(line, line) if latent == 2 else torch.empty(0, latent)
        self.has_mesh = len(mesh) > 0
        rng = torch.Generator().manual_seed(1234)
        self.z = torch.cat([torch.randn(POINTS, latent, generator=rng), mesh])
        # from the upper left corner to the right, row by row, as the browser paints
        side = self.limit * (torch.arange(SURFACE) + 0.5 - SURFACE / 2) / (SURFACE / 2)
        self.places = torch.cartesian_prod(-side, side).flip(1)
        self.choose(0)

    def look_at(self, points) -> None:
        """Show these real points from now on."""
        self.real = points.sample(4 * POINTS, torch.Generator().manual_seed(99))
        self.classes = 0 if points.classes is None else points.classes[0]
        self.real_y = points.nearest(self.real) if self.classes else None

    def choose(self, y: int) -> None:
        """Show D, the mesh and the arrows of this y from now on, if there are classes."""
        self.chosen, self.y_made, self.y_judged = y, None, None
        if self.real_y is not None:
            one, in_turn = torch.tensor([y]), torch.arange(POINTS - ARROWS) % self.classes
            mesh = one.expand(len(self.z) - POINTS)
            self.y_made = torch.cat([one.expand(ARROWS), in_turn, mesh])  # of z
            self.y_judged = torch.cat([one.expand(len(self.places)), self.real_y[:POINTS]])

    def scene(self) -> list[bytes]:
        """Return the real points as int16, and in a conditional game their y as uint8."""
        points = [_as_int16(self.real[:POINTS] / self.limit)]
        return points if self.real_y is None else [*points, _as_uint8(self.real_y[:POINTS])]

    def shoot(self, game) -> bytes:
        """Return fakes, mesh and arrows of a `LabGame` as int16, then D's surface as uint8.

        Between the two stands, in a conditional game, the y of the fakes, uint8.
        """
        loss, real = game.loss, self.real[:POINTS]
        y_fake = None if self.y_made is None else self.y_made[:POINTS]
        with evaluating(game.generator), evaluating(game.critic):
            with torch.no_grad():
                made = given(game.generator, self.y_made)(self.z)
                judged = given(game.critic, self.y_judged)(torch.cat([self.places, real]))
                surface, real_score = judged.split([len(self.places), POINTS])
            fake = made[:POINTS].detach().requires_grad_()
            fake_score = given(game.critic, y_fake)(fake)
            value = loss.generator(fake_score, real_score)  # the mean over POINTS fakes
            slope, = torch.autograd.grad(POINTS * value, fake)
        shade = _shade(game.rules.loss, surface, torch.cat([fake_score.detach(), real_score]))
        places = torch.cat([made / self.limit, _arrows(slope[:ARROWS])])
        asked = b"" if y_fake is None else _as_uint8(y_fake)
        return _as_int16(places) + asked + _as_uint8(255 * shade)


def _as_int16(places: Tensor) -> bytes:
    """Pack places in half widths of the picture; what is far outside ends up at its rim."""
    steps = (places * UNIT).nan_to_num(0).clamp(-32767, 32767)
    return steps.to(torch.int16).numpy().tobytes()


def _as_uint8(numbers: Tensor) -> bytes:
    return numbers.to(torch.uint8).numpy().tobytes()


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


def unpack(picture: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Return what `Camera.shoot` packed: fakes, (n, 2), in half widths, and D's surface, uint8."""
    places = np.frombuffer(picture, np.int16, 2 * POINTS).reshape(-1, 2) / UNIT
    surface = np.frombuffer(picture, np.uint8)[-SURFACE * SURFACE:]
    return places, surface.reshape(SURFACE, SURFACE)


def unpack_y(picture: bytes) -> np.ndarray:
    """Return the y of the fakes that `Camera.shoot` packed in a conditional game, (n,)."""
    return np.frombuffer(picture, np.uint8)[-SURFACE * SURFACE - POINTS:-SURFACE * SURFACE]


# ---- a run on paper, for pages where nothing can move ----

def draw_run(game) -> show.Picture:
    """Return a picture of a `LabGame`, moments above, curves below."""
    figure = plt.figure(figsize=(9, 4.1), layout="constrained")
    upper, lower = figure.subfigures(2, 1, height_ratios=(1.9, 2.1))
    axes = upper.subplots(1, FRAMES)
    for axis in axes:
        axis.axis("off")
    for axis, moment in zip(axes, show.spread(game.history.moments, FRAMES), strict=False):
        _draw_moment(axis, game, moment)
    _draw_curves(lower.subplots(1, 3), game)
    return show.Picture(show.png(figure, dpi=80), _alt(game))


def _draw_moment(axis, game, moment) -> None:
    fake, surface = unpack(moment.picture)
    real = game.camera.real[:POINTS] / game.camera.limit
    axis.imshow(surface, cmap=FAKE_TO_REAL, vmin=0, vmax=255, extent=(-1, 1, -1, 1),
                interpolation="bilinear")
    if game.camera.classes:
        colours = np.array(CLASSES)
        of_real = colours[game.camera.real_y[:POINTS] % len(CLASSES)]
        of_fake = colours[unpack_y(moment.picture) % len(CLASSES)]
        for y, (right, up) in enumerate(game.points.modes / game.camera.limit):
            axis.text(right, up + 0.06, str(y), ha="center", fontsize=8)
    else:
        of_real, of_fake = BLUE, ORANGE
    axis.scatter(*real.T, s=5, color=of_real, linewidths=0)
    axis.scatter(*fake.T, s=7, color=of_fake, marker="D", linewidths=0)
    axis.set(xlim=(-1, 1), ylim=(-1, 1))
    axis.set_title(f"step {moment.step}", fontsize=9)


def _draw_curves(axes, game) -> None:
    _, step, _, critic_loss, generator_loss, modes, effective, js, obedience = (
        game.history.table().T.numpy())
    axes[0].plot(step, critic_loss, color=BLUE, label="D")
    axes[0].plot(step, generator_loss, "--", color=ORANGE, label="G")
    axes[0].set_title("loss", fontsize=9)
    axes[0].legend(fontsize=8)
    axes[1].plot(step, modes, color=GREEN, label="covered")
    axes[1].plot(step, effective, ":", color=GREEN, label="effective")
    count = 0 if game.points.modes is None else len(game.points.modes)
    title = f"modes, of {count}" if count else "no modes to count"
    if game.camera.classes and len(obedience):
        title += f"; as asked {obedience[-1]:.0%}"
    axes[1].set_title(title, fontsize=9)
    axes[1].set_ylim(-0.3, max(count, 1) + 0.3)
    axes[1].legend(fontsize=8)
    axes[2].plot(step, js, color=GREY)
    axes[2].set_title("Jensen-Shannon divergence", fontsize=9)
    axes[2].set_ylim(0, 0.72)
    for axis in axes:
        axis.tick_params(labelsize=8)
        axis.spines[["top", "right"]].set_visible(False)
        axis.set_xlabel("step of G", fontsize=8)


def _alt(game) -> str:
    if not game.history.moments:
        return "GAN lab: no picture yet, because the loss failed before the first step."
    last = game.history.moments[-1]
    real, fake, of_y = "blue", "orange diamonds", ""
    if game.camera.classes:
        real, fake = "coloured by class", "diamonds in the colour of the class asked for"
        of_y = f" for y = {game.camera.chosen}"
    alt = (f"GAN lab: real points ({game.points.name}, {real}) and fakes ({fake}) over D's "
           f"surface{of_y} at moments up to step {last.step}; below, the losses of D and G, the "
           "modes covered and the Jensen-Shannon divergence over time.")
    if game.points.modes is not None:
        alt += f" At the end {last.modes} of {len(game.points.modes)} modes are covered."
    if game.camera.classes:
        alt += f" {last.obedience:.0%} of the fakes are nearest to the mode they were asked for."
    return alt
