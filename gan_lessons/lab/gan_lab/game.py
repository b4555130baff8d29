"""The game behind the lab: two small networks on points in the plane, and what is kept of a run.

D and G learn by `train.critic_step` and `train.generator_step`, the functions that lesson 01
prints; a click on "D step" or "G step" is one call of them.
"""

import copy
import math
import time
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn

from gan_lessons import train
from gan_lessons.condition import Condition, conditions, given
from gan_lessons.data import PointSet
from gan_lessons.measure import js_on_grid, mode_report, points_as_asked
from gan_lessons.nets import conditional, mlp
from gan_lessons.penalties import gradient_penalty
from gan_lessons.util import both

from .custom_loss import CheckedLoss, LossProblem
from .drawing import Camera
from .presets import LabSettings, LossRules

JUDGED = 1000  # points that modes and divergence are measured on
EMBEDDING = 8  # numbers that stand for y beside G's z, in a conditional game
MOMENTS_KEPT = 200  # a picture is about 4 kB, so a history stays below 1 MB


class LabMoment(NamedTuple):
    """One moment of a run: where it was, how it went, and what it looked like."""

    moves: int  # rounds so far, and single steps made by hand
    step: int  # steps of G
    critic_steps: int
    critic_loss: float
    generator_loss: float
    modes: float  # captured, as `mode_report` counts; NaN where there are none to count
    effective: float  # effective modes
    js: float  # Jensen-Shannon divergence, 0 to log 2
    obedience: float  # share of fakes nearest to the mode that was asked for; NaN without y
    picture: bytes  # see `Camera.shoot`


class LabHistory:
    """Moments at equal distances, at most MOMENTS_KEPT of them.

    Starts with every twentieth move. When it is full, every second moment goes and the distance
    doubles: the whole run stays visible, in bounded memory and at a cost that falls with time.
    """

    def __init__(self):
        self.moments: list[LabMoment] = []
        self.every = 20

    def due(self, moves: int) -> bool:
        """Tell whether the moment after so many moves should be remembered."""
        return moves % self.every == 0

    def add(self, moment: LabMoment) -> None:
        """Remember a moment; make room first if there is none."""
        if len(self.moments) == MOMENTS_KEPT:
            self.moments = self.moments[::2]
            self.every *= 2
        self.moments.append(moment)

    def table(self) -> Tensor:
        """Return the numbers, a row a moment, in the order of LabMoment's fields, (n, 9)."""
        return torch.tensor([moment[:-1] for moment in self.moments]).reshape(-1, 9)


class LabGame:
    """One run of the game; `start()` it first, then `play()` it.

    `generator`, `critic` and `sample(n)` are its result; `step` counts G's steps, `critic_steps`
    those of D, `moves` the rounds and the single steps by hand; `history` remembers the run.

    Points with a condition make it a conditional game, G(z, y) and D(x, y). As in `train.fit`,
    G is asked for the y of D's last batch.

    Args:
        points: The real points.
        rules: The loss and what belongs to it.
        settings: All else.
        networks: G and D of the learner's own, of which copies are trained.
        latent: The length of z.
        limit: Half the width of what is seen of the plane; without it the points decide.
    """

    def __init__(self, points: PointSet, rules: LossRules, settings: LabSettings, *,
                 networks: tuple[nn.Module, nn.Module] | None = None, latent: int = 2,
                 limit: float | None = None):
        self.points, self.settings, self.latent = points, settings, latent
        self.between = torch.Generator().manual_seed(settings.seed)  # of the gradient penalty
        self.use(rules)
        if networks is None:
            self.generator, self.critic = new_networks(settings, latent, points.classes)
        else:
            self.generator, self.critic = (copy.deepcopy(network).cpu() for network in networks)
        y = None if points.classes is None else conditions(None, points.classes, 2)
        _check_shape("generator", given(self.generator, y), (2, latent), (2, 2))
        _check_shape("critic", given(self.critic, y), (2, 2), (2,))
        self.critic_optimizer = train.adam(self.critic, settings.lr_d, settings.betas)
        self.generator_optimizer = self._new_generator_optimizer()
        self.noise = torch.Generator().manual_seed(settings.seed)
        self.step = self.critic_steps = self.moves = 0
        self.critic_loss = self.generator_loss = torch.tensor(math.nan)  # of the last steps
        self.batches = points.batches(settings.batch, seed=settings.seed)
        self.real = points.sample(settings.batch)  # D's newest batch; now one for a G that begins
        self.y = None if points.classes is None else points.nearest(self.real)  # and its condition
        self.camera = Camera(points, latent, limit)
        self.history = LabHistory()

    def start(self) -> None:
        """Let D take its steps ahead of G, if any, and remember how the run begins."""
        for _ in range(self.settings.pretrain):
            self.critic_step()
        self.remember()

    # ---- the moves ----

    def critic_step(self) -> None:
        """Let D learn from one batch of real points and one of fakes."""
        self.real, self.y = train.next_batch(self.batches)
        move = train.critic_step(given(self.critic, self.y), given(self.generator, self.y),
                                 self.critic_optimizer, self.loss, self.real, self._z(),
                                 self.penalty, self.rules.clip)
        self.critic_loss = move.loss
        self.critic_steps += 1

    def generator_step(self) -> None:
        """Let G learn from D's scores for one batch of fakes."""
        real = self.real if self.loss.compares else None
        move = train.generator_step(given(self.critic, self.y), given(self.generator, self.y),
                                    self.generator_optimizer, self.loss, self._z(), real)
        self.generator_loss = move.loss
        self.step += 1

    def round(self) -> None:
        """Play `d_steps` steps of D and `g_steps` of G.

        Raises ValueError if both numbers are 0.
        """
        if self.settings.d_steps == self.settings.g_steps == 0:
            raise ValueError(both(
                "每回合 D 和 G 的步数都是 0，谁也不学。请把其中一个调大。",
                "Both D and G take 0 steps a round, so nobody learns. Set one of them higher."))
        for _ in range(self.settings.d_steps):
            self.critic_step()
        for _ in range(self.settings.g_steps):
            self.generator_step()
        self.moves += 1

    def move(self, player: str) -> None:
        """Make one move by hand and remember it: a step of `critic` or `generator`, or `both`."""
        if player == "both":
            self.round()
        else:
            steps = {"critic": self.critic_step, "generator": self.generator_step}
            steps[player]()
            self.moves += 1
        self.check()
        self.remember()

    def play(self, rounds: int, seconds: float = math.inf) -> int:
        """Play rounds until one of the two limits is reached; return how many were played."""
        end = time.perf_counter() + seconds
        played = 0
        while played < rounds and time.perf_counter() < end:
            self.round()
            played += 1
            if self.history.due(self.moves):
                self.check()
                self.remember()
        self.check()
        return played

    def check(self) -> None:
        """Raise LossProblem if one of the losses stopped being a finite number."""
        for player, steps, loss in (("D", self.critic_steps, float(self.critic_loss)),
                                    ("G", self.step, float(self.generator_loss))):
            if steps > 0 and not math.isfinite(loss):
                raise LossProblem(both(
                    f"{player} 的损失在第 {self.step} 步前后变成了 {loss}。"
                    "请检查损失函数或降低学习率，然后重置。",
                    f"The loss of {player} became {loss} at about step {self.step}. Check the loss "
                    "or lower the learning rate, then reset."))

    def _z(self) -> Tensor:
        return train.sample_noise(self.settings.batch, self.latent, self.noise)

    # ---- changes in a run ----

    def use(self, rules: LossRules) -> None:
        """Go on with another loss."""
        self.rules, self.loss, self.penalty = rules, CheckedLoss(rules.loss), rules.penalty
        if rules.penalty is gradient_penalty:  # it draws points, this run's own
            self.penalty = partial(gradient_penalty, generator=self.between)

    def change(self, settings: LabSettings) -> None:
        """Go on with other learning rates, betas, numbers of steps, or another optimizer of G."""
        before, self.settings = self.settings, settings
        if settings.optimizer_g != before.optimizer_g:
            self.generator_optimizer = self._new_generator_optimizer()
        for optimizer, lr in ((self.generator_optimizer, settings.lr_g),
                              (self.critic_optimizer, settings.lr_d)):
            group = optimizer.param_groups[0]
            group["lr"] = lr
            if "betas" in group:
                group["betas"] = settings.betas

    def see(self, points: PointSet) -> None:
        """Go on with other real points."""
        self.points = points
        self.batches = points.batches(self.settings.batch, seed=self.settings.seed,
                                      start=self.critic_steps)
        self.camera.look_at(points)

    def _new_generator_optimizer(self) -> torch.optim.Optimizer:
        settings = self.settings
        if settings.optimizer_g == "plain":  # steps of lr times the gradient
            return torch.optim.SGD(self.generator.parameters(), settings.lr_g)
        return train.adam(self.generator, settings.lr_g, settings.betas)

    # ---- looking at it ----

    def sample(self, n: int, seed: int = 0, y: Condition | None = None) -> Tensor:
        """Return `n` points made by G, (n, 2); a conditional G is asked for y, see `conditions`."""
        z = train.sample_noise(n, self.latent, torch.Generator().manual_seed(seed))
        classes = self.points.classes
        return train.generate(self.generator, z,
                              None if classes is None else conditions(y, classes, n))

    def remember(self) -> None:
        """Add the present moment, with its picture and its report, to the history."""
        fake = self.sample(JUDGED)
        modes = effective = obedience = math.nan
        if self.points.modes is not None:
            report = mode_report(fake, self.points)
            modes, effective = report.modes, report.effective_modes
        if self.points.classes is not None:
            asked = conditions(None, self.points.classes, JUDGED)  # as `sample` asked
            obedience = points_as_asked(fake, asked, self.points)
        self.history.add(LabMoment(
            self.moves, self.step, self.critic_steps, float(self.critic_loss),
            float(self.generator_loss), modes, effective,
            js=js_on_grid(fake, self.camera.real, extent=self.camera.limit),
            obedience=obedience, picture=self.camera.shoot(self)))


def new_networks(settings: LabSettings, latent: int, classes: tuple[int, ...] | None = None
                 ) -> tuple[nn.Module, nn.Module]:
    """Return an untrained G (latent -> 2) and D (2 -> one score a point), as the seed has them.

    With `classes` they are those of `conditional.plane`, which take y, too.
    """
    embedding = 0 if classes is None else EMBEDDING
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        generator = mlp.generator([latent + embedding, settings.width_g, settings.width_g], (2,),
                                  last=nn.Identity)
        critic = mlp.discriminator([settings.width_d, settings.width_d], (2,),
                                   activation=mlp.leaky)
        if classes is None:
            return generator, critic
        return (conditional.ConditionalGenerator(generator, classes, embedding),
                conditional.ProjectionCritic(critic[:-2], critic[-2:], settings.width_d, classes))


@torch.no_grad()
def _check_shape(name: str, network: nn.Module, given: tuple, wanted: tuple) -> None:
    """Name a network that does not fit before anything is trained."""
    try:
        with train.evaluating(network):
            got = tuple(network(torch.zeros(given)).shape)
    except (RuntimeError, TypeError) as problem:  # TypeError: a y too many, or none
        got = str(problem).splitlines()[0]
    if got != wanted:
        raise ValueError(both(
            f"{name} 应把形状 {given} 变成形状 {wanted}，实际得到 {got}。",
            f"The {name} should turn shape {given} into shape {wanted}, got {got}."))
