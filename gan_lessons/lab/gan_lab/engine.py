"""The game behind the lab: two small networks on points in the plane, in plain PyTorch.

It is built to be fast at a size where Python, not arithmetic, is the cost: D judges real and fake
points in one pass, gradients are asked for only where they are used, nothing waits for a number.
"""

import copy
import math
import time
from itertools import repeat

import torch
from torch import Tensor, nn

from gan_lessons.measure import js_on_grid, mode_report
from gan_lessons.nets import mlp
from gan_lessons.penalties import clip_weights
from gan_lessons.util import both

from .asking import ask, stopped_being_finite
from .fast import ByAutograd, FlatAdam, ThreeLayers, flat
from .history import History, Moment
from .picture import Camera
from .presets import Rules, Settings

BATCHES_AT_ONCE = 64  # this many batches are drawn with one call
JUDGED = 1000  # points that a report is made from


def new_networks(settings: Settings, latent: int) -> tuple[nn.Module, nn.Module]:
    """Return an untrained G (latent -> 2) and D (2 -> one score a point), as the seed has them."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        return (mlp.generator([latent, *2 * [settings.width_g]], (2,), last=nn.Identity),
                mlp.discriminator(2 * [settings.width_d], (2,), activation=mlp.leaky))


class Engine:
    """One run of the game. `round()` plays it; `generator`, `critic`, `sample(n)` are its result.

    `start()` it first.
    points: a PointSet;  rules: the loss and what belongs to it;  networks: G and D of the
    learner's own, of which copies are trained.
    `step` counts G's steps, `critic_steps` those of D; `history` remembers the run.
    """

    def __init__(self, points, rules: Rules, settings: Settings, *,
                 networks: tuple[nn.Module, nn.Module] | None = None, latent: int = 2,
                 limit: float | None = None):
        self.points, self.rules, self.settings, self.latent = points, rules, settings, latent
        self.generator, self.critic = (copy.deepcopy(networks) if networks
                                       else new_networks(settings, latent))
        _check_networks(self.generator, self.critic, latent)
        betas = settings.beta1, settings.beta2
        self.generator_optimizer = FlatAdam(self.generator, settings.lr_g, betas,
                                            plain=settings.optimizer_g == "plain")
        self.critic_optimizer = FlatAdam(self.critic, settings.lr_d, betas)
        self._make, self._judge = self._fast(own=networks is not None)
        self.draw = torch.Generator().manual_seed(settings.seed)
        self.real, self.noise = self._real_batches(), self._noise_batches()
        self.camera = Camera(points, latent, limit)
        self.step = self.critic_steps = 0
        self.critic_loss = self.generator_loss = torch.tensor(math.nan)
        self.history = History()

    def start(self) -> None:
        """Let D take its steps ahead of G, if any, and remember how the run begins."""
        for _ in range(self.settings.pretrain):
            self.critic_step()
        self.remember()

    def change(self, settings: Settings, rules: Rules) -> None:
        """Go on with other learning rates, betas, numbers of steps, or another loss."""
        self.settings, self.rules = settings, rules
        for optimizer, lr in ((self.generator_optimizer, settings.lr_g),
                              (self.critic_optimizer, settings.lr_d)):
            optimizer.lr, optimizer.betas = lr, (settings.beta1, settings.beta2)
        self.generator_optimizer.plain = settings.optimizer_g == "plain"

    def see(self, points) -> None:
        """Go on with other real points."""
        self.points = points
        self.real = self._real_batches()
        self.camera.look_at(points)

    def _fast(self, own: bool):
        """Return G and D in the form that trains them: see `fast`."""
        if own:
            return ByAutograd(self.generator), ByAutograd(self.critic)
        return ThreeLayers(self.generator, slope=0.0), ThreeLayers(self.critic, slope=0.2)

    def _real_batches(self):
        for _ in repeat(None):
            yield from self.points.sample(BATCHES_AT_ONCE * self.settings.batch,
                                          self.draw).split(self.settings.batch)

    def _noise_batches(self):
        shape = BATCHES_AT_ONCE * self.settings.batch, self.latent
        for _ in repeat(None):
            yield from torch.randn(shape, generator=self.draw).split(self.settings.batch)

    def critic_step(self) -> None:
        """Let D learn from one batch of real points and one of fakes."""
        real, fake = next(self.real), self._make.forward(next(self.noise))
        out, scores = self._scores(torch.cat([real, fake]))
        value = ask(self.rules.loss, "critic", *scores.split(len(real)))
        self.critic_loss = value.detach()
        slope = self._judge.slope_at_weights(_slope(value, scores).view_as(out))
        if self.rules.penalty is not None:
            penalty = self.rules.penalty(self.critic, real, fake)
            slope += flat(torch.autograd.grad(penalty, self.critic_optimizer.parameters,
                                              materialize_grads=True))
        self.critic_optimizer.step(slope)
        if self.rules.clip is not None:
            clip_weights(self.critic, self.rules.clip)
        self.critic_steps += 1

    def generator_step(self) -> None:
        """Let G learn from D's scores for one batch of fakes. D does not change."""
        others = []
        if getattr(self.rules.loss, "compares", False):
            others = [self._judge.forward(next(self.real)).flatten()]
        out, scores = self._scores(self._make.forward(next(self.noise)))
        value = ask(self.rules.loss, "generator", scores, *others)
        self.generator_loss = value.detach()
        pull = self._judge.slope_at_input(_slope(value, scores).view_as(out))
        self.generator_optimizer.step(self._make.slope_at_weights(pull))
        self.step += 1

    def _scores(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """Return what D says of points, as it comes and as scores (B,) for the loss."""
        out = self._judge.forward(points)
        return out, out.flatten().requires_grad_()

    def round(self) -> None:
        """Play `d_steps` steps of D and `g_steps` of G."""
        for _ in range(self.settings.d_steps):
            self.critic_step()
        for _ in range(self.settings.g_steps):
            self.generator_step()

    def play(self, rounds: int, seconds: float = math.inf) -> int:
        """Play rounds until one of the two limits is reached; return how many were played.

        Raises LossProblem when the loss fails or is no longer a finite number.
        """
        end = time.perf_counter() + seconds
        played = 0
        while played < rounds and time.perf_counter() < end:
            self.round()
            played += 1
            if self.history.due(self.step):
                self.check()
                self.remember()
        self.check()
        return played

    def check(self) -> None:
        """Raise LossProblem if one of the losses stopped being a finite number."""
        moved = [("D", self.critic_loss)] if self.critic_steps else []
        moved += [("G", self.generator_loss)] if self.step else []
        for player, value in moved:
            if not math.isfinite(value):
                raise stopped_being_finite(player, float(value), self.step)

    @torch.no_grad()
    def sample(self, n: int, seed: int = 0) -> Tensor:
        """Return `n` points made by G, (n, 2)."""
        z = torch.randn(n, self.latent, generator=torch.Generator().manual_seed(seed))
        return self.generator(z)

    def remember(self) -> Moment:
        """Add the present moment, with its picture and its report, to the history; return it."""
        fake = self.sample(JUDGED)
        modes = effective = math.nan
        if self.points.modes is not None:
            report = mode_report(fake, self.points)
            modes, effective = report.modes, report.effective_modes
        js = js_on_grid(fake, self.camera.real, extent=self.camera.limit)
        moment = Moment(self.step, self.critic_steps, float(self.critic_loss),
                        float(self.generator_loss), modes, effective, js, self.camera.shoot(self))
        self.history.add(moment)
        return moment


def _slope(value: Tensor, scores: Tensor) -> Tensor:
    """Return d loss / d score, (B,)."""
    return torch.autograd.grad(value, scores, materialize_grads=True)[0]


@torch.no_grad()
def _check_networks(generator: nn.Module, critic: nn.Module, latent: int) -> None:
    """Name a network that does not fit before anything is trained."""
    for name, network, given, wanted in (("generator", generator, (2, latent), (2, 2)),
                                         ("critic", critic, (2, 2), (2,))):
        try:
            got = tuple(network(torch.zeros(given)).shape)
        except RuntimeError as problem:
            got = str(problem).splitlines()[0]
        if got != wanted:
            raise ValueError(both(
                f"{name} 应把形状 {given} 变成形状 {wanted}，实际得到 {got}。",
                f"The {name} should turn shape {given} into shape {wanted}, got {got}."))
