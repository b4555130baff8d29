"""A GAN learns here, and nowhere else: `critic_step`, `generator_step`, and `fit`.

`fit` is a whole run from the first batch to the last checkpoint, to be read from top to bottom:
`fit` -> `play_round` -> `critic_step`, `generator_step`. What follows after them are details.
"""

import math
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from gan_lessons import checkpoint, condition, distributed, runtime
from gan_lessons.augment import Augment, augmented
from gan_lessons.checkpoint import (
    TrainingDiverged,
    optimizer_state,
    set_optimizer_state,
    unwrapped,
)
from gan_lessons.condition import given
from gan_lessons.data import ImageSet, PointSet, to_images
from gan_lessons.losses import Loss, Minimax, NonSaturating, Wasserstein
from gan_lessons.penalties import Penalty, clip_weights
from gan_lessons.progress import bar as progress_bar
from gan_lessons.util import both, positive_number, tell, whole_number

HISTORY = ("critic loss", "generator loss", "real", "fake")  # the columns of `game.history`


# ---- one step of each player ----

class CriticMove(NamedTuple):
    """What one step of D computed: its loss (a scalar), its scores for real and fake, (B,)."""

    loss: Tensor
    real: Tensor
    fake: Tensor


class GeneratorMove(NamedTuple):
    """What one step of G computed: its loss (a scalar), D's scores for the fakes, (B,)."""

    loss: Tensor
    fake: Tensor


def critic_step(critic: nn.Module, generator: nn.Module, optimizer: torch.optim.Optimizer,
                loss: Loss, real: Tensor, z: Tensor, penalty: Penalty | None = None,
                clip: float | None = None) -> CriticMove:
    """Let D learn from one batch of real data and one of fakes. G's weights do not change."""
    with torch.no_grad():  # D's step needs no gradient in G
        fake = generator(z)
    real_score, fake_score = critic(real), critic(fake)
    value = loss.critic(real_score, fake_score)
    if penalty is not None:
        value = value + penalty(critic, real, fake)
    optimizer.zero_grad()
    value.backward()
    optimizer.step()
    if clip is not None:
        clip_weights(critic, clip)
    return CriticMove(value.detach(), real_score.detach(), fake_score.detach())


def generator_step(critic: nn.Module, generator: nn.Module, optimizer: torch.optim.Optimizer,
                   loss: Loss, z: Tensor, real: Tensor | None = None) -> GeneratorMove:
    """Let G learn from what D says of its fakes. D's weights do not change.

    G itself never sees real data. Only a loss that compares fakes with `real` needs a batch of
    them: D, as it is now, scores both.
    """
    with frozen(critic):  # gradients flow through D, into G, but D keeps none
        fake_score = critic(generator(z))
        if real is None:
            value = loss.generator(fake_score)
        else:
            value = loss.generator(fake_score, critic(real))
        optimizer.zero_grad()
        value.backward()
    optimizer.step()
    return GeneratorMove(value.detach(), fake_score.detach())


@contextmanager
def frozen(network: nn.Module):
    """Switch off the gradients of the network's own parameters inside a `with` block."""
    learning = [p for p in network.parameters() if p.requires_grad]
    try:
        for p in learning:
            p.requires_grad_(False)
        yield network
    finally:
        for p in learning:
            p.requires_grad_(True)


def adam(module: nn.Module, lr: float = 2e-4, betas=(0.9, 0.999)) -> torch.optim.Adam:
    """Return Adam in its fused form: the same update, one pass over the parameters."""
    return torch.optim.Adam(module.parameters(), lr=lr, betas=betas, fused=True)


def rmsprop(module: nn.Module, lr: float = 5e-5, alpha: float = 0.99) -> torch.optim.RMSprop:
    """Return RMSprop, which WGAN trains with: steps of gradient / its usual size, no momentum."""
    return torch.optim.RMSprop(module.parameters(), lr=lr, alpha=alpha)


def shorten_gradient(optimizer: torch.optim.Optimizer, *_) -> None:
    """Scale a player's gradient, all parameters together, to the norm `clip_gradients`.

    Only where it is longer; its direction stays. Pascanu et al. 2013, arXiv 1211.5063.
    """
    limit = optimizer.param_groups[0]["clip_gradients"]
    if limit is not None:
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        nn.utils.clip_grad_norm_(parameters, limit)


# ---- the two players and all that training has to remember ----

FIXED = ("generator", "critic", "latent", "betas", "ema", "ema_warm_up", "seed", "optimizer",
         "precision", "classes")

@dataclass(eq=False)
class Game:
    """The two players, how they train, and how far they have come; `fit` moves a game forward.

    With `classes` the game is conditional: it is played with a condition y for each item, see
    `condition`, and both networks take y as a second argument.
    """

    generator: nn.Module  # z, (B, latent) -> pictures (B, C, H, W) in [-1, 1], or points (B, d)
    critic: nn.Module  # such data -> scores (B,), higher for "more real"
    latent: int  # length of z
    loss: Loss = field(default_factory=NonSaturating)  # one of `losses`, or your own
    penalty: Penalty | None = None  # added to D's loss: one of `penalties`, or your own
    n_critic: int = 1  # steps of D for each step of G
    batch: int = 100  # pictures in a batch
    lr: float = 2e-4  # learning rate of both players
    betas: tuple[float, float] = (0.9, 0.999)  # of Adam
    ema: float = 0.999  # how slowly `generator_ema` follows G's weights
    ema_warm_up: bool = False  # let it follow faster in the first steps, see `warm_average`
    seed: int = 0  # of batches and noise
    clip: float | None = None  # limit of D's weights after each of its steps (WGAN)
    clip_gradients: float | None = None  # the largest norm of a player's whole gradient
    augment: Augment | None = None  # what D sees pictures through, such as augment.DiffAugment()
    decay: int | None = None  # steps over which learning rate and penalty fade, see `cosine_decay`
    penalty_every: int = 1  # k: every k-th step of D, k times as strong (StyleGAN2, section 3.1)
    optimizer: Callable[[nn.Module, float], torch.optim.Optimizer] | None = None  # None: Adam
    warm_up: bool = False  # D's long turns of the WGAN authors, see `critic_turns`
    freeze_batchnorm: int | None = None  # the step from which G's keeps to the statistics it has
    precision: str = "float32"  # of the networks' arithmetic: "float32", "bfloat16" or "auto"
    classes: tuple[int, ...] | None = None  # how many values each factor of a condition has

    def __post_init__(self):
        for name, least in (("latent", 1), ("n_critic", 1), ("batch", 1), ("seed", 0),
                            ("penalty_every", 1)):
            setattr(self, name, whole_number(name, getattr(self, name), least))
        self.betas = float(self.betas[0]), float(self.betas[1])  # Adam refuses (0, 0.9)
        if self.classes is not None:
            self.classes = condition.checked_classes(self.classes)
        self.precision = runtime.precision(self.precision, self.device)
        for name in ("decay", "freeze_batchnorm"):
            if getattr(self, name) is not None:
                setattr(self, name, whole_number(name, getattr(self, name), 1))
        for name in ("lr", "clip"):
            if getattr(self, name) is not None:
                positive_number(name, getattr(self, name))
        if self.clip_gradients is not None and not self.clip_gradients > 0:
            raise ValueError(both(
                f"clip_gradients 必须大于 0，收到 {self.clip_gradients}；None 表示不裁剪。",
                f"clip_gradients must be above 0, got {self.clip_gradients}; None clips nothing."))
        if not 0 <= self.ema <= 1:
            raise ValueError(both(f"ema 必须在 0 和 1 之间，收到 {self.ema}。",
                                  f"ema must be between 0 and 1, got {self.ema}."))
        check_parts(self)
        self.step = 0  # steps that G has made
        self.goal = 0  # and is to make in all
        self.data: str | None = None  # what it was trained on, in a few words
        self.history = torch.empty(0, len(HISTORY))  # one row a step of G, columns HISTORY
        self.snapshots: dict[int, Tensor] = {}  # step -> what G made of `fixed_z`, see `generate`
        self.generator_optimizer = self.new_optimizer(self.generator)
        self.critic_optimizer = self.new_optimizer(self.critic)
        self.generator_ema = AveragedModel(  # the moving average of G's weights, in float32
            unwrapped(self.generator), use_buffers=True,
            multi_avg_fn=(warm_average if self.ema_warm_up else get_ema_multi_avg_fn)(self.ema))
        self.noise = torch.Generator().manual_seed(self.seed)  # where z comes from
        self.torch_state = torch.Generator().manual_seed(self.seed).get_state()  # for dropout
        self.fixed_z = sample_noise(64, self.latent, torch.Generator().manual_seed(1234))
        self.fixed_y: Tensor | None = None  # its conditions: a row for each, columns of equal z
        if self.classes is not None:
            self.fixed_y = condition.rows(self.classes)
            alike = self.fixed_z[:condition.COLUMNS]
            self.fixed_z = alike.repeat(len(self.fixed_y) // len(alike), 1)

    def __repr__(self) -> str:
        return (f"Game(step {self.step}, {checkpoint.described(self.loss)}, "
                f"{weight_count(self.generator):,} weights in G, "
                f"{weight_count(self.critic):,} in D)")

    def __setattr__(self, name: str, value: Any) -> None:
        """Let a setting changed after the game was made take effect, or refuse it."""
        if name in FIXED and "generator_ema" in vars(self):
            raise AttributeError(both(
                f"游戏做好以后，{name} 不能再改：别的部分已按它做好。请重新做一个 Game；"
                "只想换权重，用 load_state_dict。",
                f"{name} cannot be changed once the game is made: other parts were made from it. "
                "Make a new Game; to change weights alone, use load_state_dict."))
        if name in ("lr", "clip_gradients") and "generator_ema" in vars(self):
            for optimizer in (self.generator_optimizer, self.critic_optimizer):
                for group in optimizer.param_groups:
                    group[name] = value
                    if name == "lr":
                        group["initial_lr"] = value
        super().__setattr__(name, value)

    def new_optimizer(self, network: nn.Module) -> torch.optim.Optimizer:
        """Return an optimizer for `network`, made with the game's settings."""
        made: torch.optim.Optimizer
        if self.optimizer is None:
            made = adam(network, self.lr, self.betas)
        else:
            made = self.optimizer(network, self.lr)
        for group in made.param_groups:
            group.setdefault("initial_lr", group["lr"])  # where `decay` starts from
            group["clip_gradients"] = self.clip_gradients
        made.register_step_pre_hook(distributed.average_gradients)  # nothing to do when alone
        made.register_step_pre_hook(shorten_gradient)
        return made

    @property
    def device(self) -> torch.device:
        """The device the networks are on."""
        return next(self.generator.parameters()).device

    @property
    def images_seen(self) -> int:
        """How many real pictures (or points) D has been shown."""
        return critic_turns(self, self.step) * self.batch

    def sample(self, n: int = 64, *, y: condition.Condition | None = None, seed: int = 0,
               ema: bool = False) -> Tensor:
        """Return what G makes of `n` z drawn with `seed`: pictures or points, as `generate` does.

        `ema=True` asks the moving average of G's weights instead of the newest ones. `y` is what a
        conditional game is asked for, see `condition.conditions`; None: every combination in turn.
        """
        network = self.generator_ema if ema else self.generator
        z = sample_noise(whole_number("n", n, 1), self.latent, torch.Generator().manual_seed(seed))
        if self.classes is not None:
            return generate(network, z, condition.conditions(y, self.classes, n))
        if y is not None:
            raise ValueError(both("这一局没有条件，不能指定 y。有条件的是 recipes.conditional。",
                                  "This game is not conditional and takes no y. A conditional one "
                                  "is recipes.conditional."))
        return generate(network, z)

    # what `checkpoint` saves, takes back and compares

    def state(self) -> dict[str, Any]:
        """Return everything that training remembers."""
        networks = {"generator": unwrapped(self.generator), "critic": unwrapped(self.critic),
                    "generator_ema": self.generator_ema}
        return {"networks": {name: network.state_dict() for name, network in networks.items()},
                "optimizers": {"generator": optimizer_state(self.generator_optimizer),
                               "critic": optimizer_state(self.critic_optimizer)},
                "random": {"noise": self.noise.get_state(), "torch": self.torch_state},
                "step": self.step, "history": self.history,
                "snapshots": {str(step): made for step, made in self.snapshots.items()}}

    def set_state(self, state: dict[str, Any]) -> None:
        """Take back what `state` returned, or some of its parts."""
        for name, weights in state.get("networks", {}).items():
            unwrapped(getattr(self, name)).load_state_dict(weights)
        for name, remembered in state.get("optimizers", {}).items():
            optimizer = getattr(self, f"{name}_optimizer")
            ours = [float(group["lr"]) for group in optimizer.param_groups]
            set_optimizer_state(optimizer, remembered)
            theirs = remembered.get("lr", ours)
            if theirs != ours and not self.decay:
                tell(both(f"{name} 的学习率按存盘时的接着用：{theirs}，不是 {ours}；自己的学习率"
                          f"调度器要从第 {state.get('step')} 步接着走。",
                          f"The learning rate of the {name} goes on as it was saved, {theirs}, not "
                          f"{ours}; a scheduler of your own must go on from step "
                          f"{state.get('step')}."))
        if "step" not in state:
            return
        step, history = state["step"], state["history"]
        if type(step) is not int or history.shape != (step, len(HISTORY)):
            raise ValueError(f"step {step} with a history of shape {tuple(history.shape)}")
        torch.Generator().set_state(state["random"]["torch"])  # raises if it is none
        self.noise.set_state(state["random"]["noise"])
        self.torch_state = state["random"]["torch"]
        self.step, self.history = step, history
        snapshots = state.get("snapshots", {})
        self.snapshots = {step: snapshots[str(step)] for step in sorted(map(int, snapshots))}

    def settings(self) -> dict[str, Any]:
        """Return what two games must have in common for one to go on where the other stopped."""
        plain = ("latent", "n_critic", "batch", "lr", "ema", "seed", "clip", "clip_gradients",
                 "decay", "penalty_every", "warm_up", "freeze_batchnorm", "precision")
        settings = {name: getattr(self, name) for name in plain}
        # a checkpoint from before there was such a warm-up says nothing of it, as None does
        settings["ema_warm_up"] = True if self.ema_warm_up else None
        settings["classes"] = None if self.classes is None else list(self.classes)
        settings |= {"betas": list(self.betas), "loss": checkpoint.described(self.loss),
                     "penalty": checkpoint.described(self.penalty),
                     "augment": checkpoint.described(self.augment),
                     "optimizer": checkpoint.described(self.optimizer) or "adam",
                     "generator": str(unwrapped(self.generator)),
                     "critic": str(unwrapped(self.critic))}
        if self.data is not None:  # a game that has not met its data accepts any
            settings["data"] = self.data
        return settings


def check_parts(game: Game) -> None:
    """Require a loss that is an object, and a penalty and the like that can be called."""
    if isinstance(game.loss, type) or not hasattr(game.loss, "critic"):
        raise ValueError(both(
            f"loss 要的是一个损失对象，例如 losses.Hinge()（注意括号），收到 {game.loss!r}。",
            f"loss wants a loss, such as losses.Hinge() (mind the brackets); got {game.loss!r}."))
    for name, example in (("penalty", "penalties.r1"), ("optimizer", "train.rmsprop"),
                          ("augment", "augment.DiffAugment()")):
        value = getattr(game, name)
        if value is not None and (isinstance(value, type) or not callable(value)):
            raise ValueError(both(
                f"{name} 要的是一个函数，例如 {example}，收到 {value!r}；None 表示没有。",
                f"{name} wants a function, such as {example}; got {value!r}. None is none."))


def channels_last(game: Game) -> Game:
    """Lay a game's networks out as convolutions read them fastest, and return the game."""
    for network in (game.generator, game.critic, game.generator_ema):
        network.to(memory_format=torch.channels_last)  # the same numbers in another order
    return game


def sample_noise(n: int, latent: int, generator: torch.Generator) -> Tensor:
    """Return z ~ N(0, I), shape (n, latent).

    Drawn on the CPU wherever the networks are: the same seed gives the same z on every device.
    """
    return torch.randn(n, latent, generator=generator)


@torch.no_grad()
def generate(generator: nn.Module, z: Tensor, y: Tensor | None = None) -> Tensor:
    """Return what G makes of z (n, latent), and of y, if it is conditional, on the CPU.

    Pictures come as bytes, uint8 (n, C, H, W); points as they are, float32 (n, d).
    G works in evaluation mode: BatchNorm takes the statistics it gathered while training, not
    those of this batch, so that a picture depends on its own z alone.
    """
    device = next(generator.parameters()).device

    def make(part: slice) -> Tensor:
        asked = None if y is None else y[part].to(device)
        return given(generator, asked)(z[part].to(device))

    with evaluating(generator):
        one = make(slice(0, 1)).numel()  # numbers in one picture
        at_once = max(1, min(1000, GENERATED_AT_ONCE // one))  # for the memory of large ones
        parts = [slice(start, start + at_once) for start in range(0, len(z), at_once)]
        return torch.cat([finished(make(part)).cpu() for part in parts])


# ---- a run, from the first batch to the last checkpoint ----

def fit(game: Game, data: ImageSet | PointSet, steps: int, *, snapshot_every: int | None = None,
        save_to: str | Path | None = None, save_every: int = 1000,
        watch: Callable[[Game], Any] | None = None, watch_every: int = 100,
        progress: bool = True) -> Game:
    """Play until G has made `steps` steps in all, and return the game.

    Goes on from `game.step`: called again with a larger number it continues, and equals the run
    that was never interrupted. The stop button (or Ctrl-C) ends it after the current step; a
    second one ends it at once, and D may then be one step ahead. Where several processes have
    joined (see `distributed`), each calls `fit` with the same game and data; `game.batch` is then
    shared between them.

    Args:
        game: the players.
        data: what is real.
        steps: of G, in all.
        snapshot_every: steps between two entries in `game.snapshots`.
        save_to: a checkpoint, written every `save_every` steps and at the end; a new game resumes
            from it if it is there.
        save_every: steps between two checkpoints.
        watch: called with the game every `watch_every` steps and after the last one, when history,
            snapshot and checkpoint of that step are written. It may look at the game, not change
            it; when it returns True, training ends there and the checkpoint is saved.
        watch_every: steps between two calls of `watch`.
        progress: show a bar, which is gone in the end; not beside a `watch` that shows one.

    Raises:
        TrainingDiverged: a loss or a weight is not finite; the last checkpoint stays as it was.
        ValueError: the data do not fit the networks, or the batch does not fit the data.
        checkpoint.BadCheckpoint: `save_to` is a file that is not this game's.
    """
    game.goal = steps = whole_number("steps", steps, 0)
    for name, every in (("save_every", save_every), ("watch_every", watch_every),
                        ("snapshot_every", 1 if snapshot_every is None else snapshot_every)):
        whole_number(name, every, 1)
    check_fit(game, data)
    distributed.check(game.batch)
    first = distributed.rank() == 0  # the process that writes and shows, or the only one
    say_doubts(game, data)
    progress = progress and not getattr(watch, "shows_progress", False)  # as a TrainingView does
    data = data.to(game.device)
    game.data = data.described()
    batches = data.batches(game.batch, seed=game.seed)  # refuses a batch larger than the data
    if save_to is not None:
        open_checkpoint(game, save_to)
    checkpoint.follow_layout(game.generator_optimizer, game.critic_optimizer)
    if game.step:
        batches = data.batches(game.batch, seed=game.seed, start=critic_turns(game, game.step))
    game.generator.train()
    game.critic.train()
    if first and snapshot_every and game.step == 0:
        game.snapshots[0] = generate(game.generator, game.fixed_z, game.fixed_y)

    def due(every: int | None) -> bool:
        return every is not None and game.step % every == 0

    recent: list[Tensor] = []  # rows of the history that are still on the device
    ended = game.step >= steps
    with (own_random_numbers(game), stop_button() as stop,
          progress_bar(total=steps, initial=game.step, disable=not (progress and first),
                       unit="step") as bar):
        try:
            while not ended:
                recent.append(play_round(game, batches))
                game.step += 1
                bar.update()
                ended = game.step >= steps or stop_agreed(stop.is_set(), game)
                save, look = ended or due(save_every), ended or due(watch_every)
                if save or look or due(snapshot_every) or len(recent) == 100:
                    write_history(game, recent)  # makes a GPU wait
                if first and due(snapshot_every):
                    game.snapshots[game.step] = generate(game.generator, game.fixed_z,
                                                         game.fixed_y)
                if first and save:
                    save_checkpoint(game, save_to)
                if look and watch_says_stop(game, watch) and not ended:
                    ended = True
                    if first and not save:
                        save_checkpoint(game, save_to)
        finally:
            write_history(game, recent)
    return game


def play_round(game: Game, batches: Iterator[Any]) -> Tensor:
    """Play D's turns and one step of G; return a row of the history, shape (4,).

    In a conditional game G is asked for the y of D's last batch of real data.
    """
    if game.decay:
        for optimizer in (game.generator_optimizer, game.critic_optimizer):
            for group in optimizer.param_groups:
                group["lr"] = group["initial_lr"] * cosine_decay(game, to=0.02)
    if game.freeze_batchnorm is not None and game.step >= game.freeze_batchnorm:
        freeze_batchnorm(game.generator)
    for turn in range(critic_turns(game, game.step), critic_turns(game, game.step + 1)):
        real, y = next_batch(batches)
        d = play_critic(game, real, y, turn)
    with working_precision(game):
        g = generator_step(augmented(given(game.critic, y), game.augment),
                           given(game.generator, y), game.generator_optimizer, game.loss,
                           next_noise(game), real if compares(game.loss) else None)
    game.generator_ema.update_parameters(unwrapped(game.generator))
    read = game.loss.reading
    return torch.stack([d.loss, g.loss, read(d.real).mean(), read(d.fake).mean()])


def play_critic(game: Game, real: Tensor, y: Tensor | None, turn: int) -> CriticMove:
    """Play step number `turn` of D, on a batch of real data, with the game's settings.

    `y` is the condition of the real data, if the game has one; the fakes are asked for the same.
    """
    penalty = None
    if game.penalty is not None and turn % game.penalty_every == 0:
        strength = game.penalty_every * cosine_decay(game, to=0.1, over=0.5)
        penalty = scaled(game.penalty, strength)
    with working_precision(game):
        try:
            return critic_step(augmented(given(game.critic, y), game.augment),
                               given(game.generator, y), game.critic_optimizer, game.loss, real,
                               next_noise(game), penalty, game.clip)
        except RuntimeError as problem:
            if "donated buffers" in str(problem) or "double backward" in str(problem):
                raise ValueError(both(
                    "torch.compile 编译过的判别器不能求二阶导数，而梯度惩罚需要它。请只编译生成器，"
                    "判别器用没有编译的。",
                    "A critic compiled by torch.compile cannot be differentiated twice, as this "
                    "penalty does. Compile G only, and leave the critic as it is.")) from problem
            raise


def scaled(penalty: Penalty, strength: float) -> Penalty:
    """Return the penalty, `strength` times as strong; one without a graph is refused."""
    return lambda critic, real, fake: strength * with_graph(penalty(critic, real, fake))


def with_graph(extra: Tensor) -> Tensor:
    """Return a penalty, unless it is a number that D cannot learn from."""
    if isinstance(extra, Tensor) and not extra.requires_grad and extra.abs().sum() > 0:
        raise ValueError(both(
            "惩罚项没有计算图，D 的权重不会受它影响：不要 detach 或 item，torch.autograd.grad 要写 "
            "create_graph=True，并且不要放在 torch.no_grad() 里。",
            "The penalty has no graph, so D's weights would not feel it: no detach, no item, "
            "create_graph=True in torch.autograd.grad, and no torch.no_grad() around it."))
    return extra


def head_start(game: Game, data: ImageSet | PointSet, steps: int) -> Game:
    """Let D learn alone for `steps` steps, G standing still, and return the game."""
    check_fit(game, data)
    batches = data.to(game.device).batches(game.batch, seed=game.seed)
    with own_random_numbers(game):
        for turn in range(steps):
            play_critic(game, *next_batch(batches), turn)
    return game


# ---- details of a run ----

GENERATED_AT_ONCE = 1000 * 3 * 64 * 64  # numbers that `generate` makes in one go: 1,000 at 64x64


def warm_average(decay: float):
    """Return how an AveragedModel follows: w <- d w + (1 - d) new, d = min(decay, (1+i)/(10+i)).

    i counts the updates. With a fixed 0.999 the first, random weights still make up a third of the
    average after 1,000 steps; this one has forgotten them after a few dozen.
    """
    def follow(averages: list[Tensor], newest: list[Tensor], updates: Tensor) -> None:
        i = int(updates)  # makes a GPU wait
        get_ema_multi_avg_fn(min(decay, (1 + i) / (10 + i)))(averages, newest, updates)
    return follow


def next_batch(batches: Iterator[Any]) -> tuple[Tensor, Tensor | None]:
    """Return this process's shard of the next batch of real data, and of its condition, if any."""
    batch = next(batches)
    if isinstance(batch, Tensor):
        return distributed.shard(batch), None
    real, y = batch
    return distributed.shard(real), distributed.shard(y)


def next_noise(game: Game) -> Tensor:
    """Return this process's shard of the next batch of z."""
    return distributed.shard(sample_noise(game.batch, game.latent, game.noise)).to(game.device)


def compares(loss: Loss) -> bool:
    """Tell whether the loss compares fakes with real data, in G's step, too."""
    return getattr(loss, "compares", False)


def score_columns(loss: Loss) -> tuple[int, ...]:
    """Return the shape of the score of one item: () for one number, as losses usually want it."""
    columns = getattr(loss, "columns", None)
    return () if columns is None else (columns,)


def weight_count(network: nn.Module) -> int:
    """Return how many numbers a network learns."""
    return sum(p.numel() for p in network.parameters())


def finished(made: Tensor) -> Tensor:
    """Return pictures (n, C, H, W) as bytes, points (n, d) in float32."""
    return to_images(made) if made.ndim == 4 else made.float()


def critic_turns(game: Game, step: int) -> int:
    """Return how many steps D has taken, all in all, when G has made `step`.

    That is `n_critic` for each. With `warm_up` it is 100 before each of G's first 25 steps and
    before the steps of number 500, 1000, ... (from 0), to keep the critic close to its best, as
    in the code that the WGAN authors published with arXiv 1701.07875.
    """
    long = min(step, 25) + max(step - 1, 0) // 500 if game.warm_up else 0
    return long * 100 + (step - long) * game.n_critic


def critic_has_won(game: Game) -> bool:
    """Tell whether D's mean readings of the last 300 steps were above 0.95 and below 0.05.

    Only for losses whose readings are probabilities, as Minimax's and NonSaturating's are.
    """
    if not isinstance(game.loss, Minimax) or len(game.history) < 300:
        return False
    real, fake = game.history[-300:, 2:].mean(0).tolist()
    return real > 0.95 and fake < 0.05


def cosine_decay(game: Game, to: float, over: float = 1.0) -> float:
    """Return a factor that falls from 1 to `to` as half a cosine does, then stays.

    It falls in the first part, `over`, of `game.decay` steps; without `decay` it is always 1.
    The penalty fades first, so that it no longer blurs while the steps are still long enough to
    use that; then the steps get small and the players settle. As in R3GAN, arXiv 2501.05441.
    """
    if not game.decay:
        return 1.0
    progress = min(game.step / (over * game.decay), 1)
    return to + (1 - to) * (1 + math.cos(math.pi * progress)) / 2


def batchnorms(network: nn.Module) -> list[nn.Module]:
    """Return the BatchNorm layers of a network."""
    return [part for part in network.modules() if isinstance(part, nn.modules.batchnorm._BatchNorm)]


def freeze_batchnorm(generator: nn.Module) -> None:
    """Let BatchNorm keep to the running mean and variance it has; scale and shift go on learning.

    In training it takes those of the batch, in `generate` the running ones: what D teaches G by is
    not quite what G paints. Frozen, the two are the same.
    """
    for part in batchnorms(generator):
        part.eval()


def working_precision(game: Game):
    """Return a `with` block in which the networks calculate with `game.precision`.

    One block a step: it keeps the weights it has rounded, which are old after the step.
    """
    return torch.autocast(game.device.type, torch.bfloat16, enabled=game.precision == "bfloat16")


@contextmanager
def own_random_numbers(game: Game):
    """Let dropout and penalties draw from the game's own numbers: a run repeats and resumes."""
    with torch.random.fork_rng(devices=[]):
        torch.set_rng_state(game.torch_state)
        try:
            yield
        finally:
            game.torch_state = torch.get_rng_state()


@contextmanager
def evaluating(network: nn.Module):
    """Put the network in evaluation mode inside a `with` block; afterwards all is as it was."""
    modes = {module: module.training for module in network.modules()}
    try:
        yield network.eval()
    finally:
        for module, training in modes.items():
            module.training = training


def write_history(game: Game, recent: list[Tensor]) -> None:
    """Move rows to `game.history`; raise TrainingDiverged at the first that is not finite."""
    if not recent:
        return
    rows = torch.stack(recent).cpu().float()
    recent.clear()
    finite = rows.isfinite().all(1)
    good = len(rows) if finite.all() else int(finite.long().argmin())
    game.history = torch.cat([game.history, rows[:good]])
    if good < len(rows):
        raise diverged(len(game.history) + 1)


def diverged(step: int) -> TrainingDiverged:
    """Return the error that names the step and says what to do."""
    return TrainingDiverged(both(
        f"第 {step} 步的损失或权重成了 NaN 或无穷大，训练已停止；之前存下的检查点没有被改动。"
        "请检查数据和损失函数，或降低学习率；从检查点接着训练时，用 "
        "checkpoint.load(game, path, changed=(\"lr\",)) 换用新的学习率。",
        f"The loss or a weight stopped being finite at step {step}, so training stopped; a "
        "checkpoint saved before was not touched. Check the data and the loss, or lower the "
        "learning rate; to go on from a checkpoint with a new one, use "
        "checkpoint.load(game, path, changed=(\"lr\",))."))


def open_checkpoint(game: Game, path: str | Path) -> None:
    """Resume a new game from `path`, or make sure, before the first step, that saving works."""
    there = Path(path).exists()
    distributed.barrier()  # all of them look before one of them writes
    if not there:
        if distributed.rank() == 0:
            checkpoint.save(game, path)
    elif game.step == 0:
        checkpoint.load(game, path)
        if game.step and distributed.rank() == 0:
            tell(both(f"从 {Path(path).name} 的第 {game.step} 步接着训练。",
                      f"Resumed from {Path(path).name} at step {game.step}."))
    elif (saved := checkpoint.check_same(game, path)) > game.step:
        raise checkpoint.BadCheckpoint(both(
            f"{path} 已经训练到第 {saved} 步，而这一局才到第 {game.step} 步，覆盖它会丢掉进度。"
            "请换一个文件名，或从它接着训练。",
            f"{path} holds step {saved}, further than this game's step {game.step}; overwriting "
            "it would lose that progress. Use another file name, or resume from it."))


def save_checkpoint(game: Game, path: str | Path | None) -> None:
    """Save the game; a disk that is full now is a warning, not the end of a long run."""
    if path is None:
        return
    game.torch_state = torch.get_rng_state()
    try:
        checkpoint.save(game, path)
    except TrainingDiverged as problem:
        raise diverged(game.step) from problem
    except OSError as problem:
        tell(both(f"第 {game.step} 步的检查点没有存成（{problem}）；旧的还在，训练继续。",
                  f"The checkpoint of step {game.step} could not be written ({problem}); the "
                  "old one is still there, and training goes on."))


@torch.no_grad()
def check_fit(game: Game, data: ImageSet | PointSet) -> None:
    """Push two items through networks and loss, so that a mismatch is named before training."""
    if not isinstance(data, (ImageSet, PointSet)):
        raise ValueError(both(
            f"数据必须是 ImageSet 或 PointSet（例如 data.mnist()），"
            f"收到的是 {type(data).__name__}。",
            f"The data must be an ImageSet or a PointSet, such as data.mnist(); got "
            f"{type(data).__name__}."))

    def out_shape(network, x):
        try:
            with evaluating(network), torch.random.fork_rng(devices=[]):
                return tuple(network(x.to(game.device)).shape)
        except (RuntimeError, ValueError, TypeError) as problem:
            return str(problem).splitlines()[0]

    if game.classes != data.classes:
        raise ValueError(both(
            f"条件不一致：游戏的 classes 是 {game.classes}，数据的是 {data.classes}。有条件的游戏"
            "要用 conditioned_on() 返回的数据，classes 相同；没有条件的游戏用原来的数据。",
            f"The conditions differ: the game has classes {game.classes}, the data "
            f"{data.classes}. A conditional game takes data made by conditioned_on(), with the "
            "same classes; a game without conditions takes the data as they were."))
    y = two_conditions(game)
    alone = game.batch // distributed.world_size() == 1
    if alone and (batchnorms(game.generator) or batchnorms(game.critic)):
        raise ValueError(both(
            "每个进程一批只有 1 张图，批归一化就没有可归一化的了。请加大 batch，或去掉 BatchNorm。",
            "With a batch of 1 picture a process BatchNorm has nothing to normalise over. Take a "
            "larger batch, or networks without BatchNorm."))
    if game.freeze_batchnorm is not None and not batchnorms(game.generator):
        raise ValueError(both(
            "freeze_batchnorm 要固定 G 的批归一化，而这个 G 里没有。请去掉 freeze_batchnorm，或换用"
            "带 BatchNorm 的网络。",
            "freeze_batchnorm is for a G with BatchNorm, and this one has none. Leave "
            "freeze_batchnorm out, or take networks with BatchNorm."))
    shape = (2, *data.shape)
    made = out_shape(given(game.generator, y), torch.zeros(2, game.latent))
    if made != shape:
        raise ValueError(both(
            f"生成器与数据不匹配：两个 z 应得到形状 {shape}，实际得到 {made}。",
            f"The generator does not fit the data: two z should give shape {shape}, got {made}."))
    judged = out_shape(given(game.critic, y), torch.zeros(shape))
    scores = torch.zeros(2, *score_columns(game.loss))
    if judged != tuple(scores.shape):
        raise ValueError(both(
            f"判别器与数据不匹配：形状为 {shape} 的一批应各得一个分数，形状 {tuple(scores.shape)}，"
            f"实际得到 {judged}。",
            f"The discriminator does not fit the data: a batch of shape {shape} should get one "
            f"score each, shape {tuple(scores.shape)}, got {judged}."))
    if game.augment is not None:
        check_augment(game.augment, torch.zeros(shape, device=game.device))
    of_critic = game.loss.critic(scores, scores)
    of_generator = (game.loss.generator(scores, scores) if compares(game.loss)
                    else game.loss.generator(scores))
    for value in (of_critic, of_generator):
        if value.shape != ():
            raise ValueError(both(
                f"损失必须是一个标量（对一批求平均），收到的形状是 {tuple(value.shape)}。",
                f"A loss must be one scalar, the mean over the batch; got shape "
                f"{tuple(value.shape)}."))


def two_conditions(game: Game) -> Tensor | None:
    """Return a condition for two items, to try networks out; None in a game without."""
    if game.classes is None:
        return None
    return condition.conditions(None, game.classes, 2).to(game.device)


def say_doubts(game: Game, data: ImageSet | PointSet) -> None:
    """Say before the first step what looks like a mistake in a D that can be trained so."""
    if game.step or distributed.rank() or not isinstance(game.loss, (Minimax, Wasserstein)):
        return
    y = two_conditions(game)
    x = torch.zeros(2, *data.shape, device=game.device)
    if isinstance(last_layer(given(unwrapped(game.critic), y), x), nn.Sigmoid):
        loss = type(game.loss).__name__
        tell(both(
            f"判别器以 Sigmoid 结尾，而损失 {loss} 要的是原始分数（logit），大小不限：挤到 0 和 1 "
            "之间以后，梯度会很小。请去掉这一层。",
            f"D ends with a Sigmoid, but the loss {loss} takes raw scores (logits) of any size: "
            "squeezed between 0 and 1 they give small gradients. Remove that layer."))


@torch.no_grad()
def last_layer(network: nn.Module, x: Tensor) -> nn.Module | None:
    """Return the layer that `network` calls last for x, but for those that only change shapes."""
    called: list[nn.Module] = []
    layers = [part for part in network.modules()
              if not list(part.children()) and not isinstance(part, (nn.Flatten, nn.Unflatten))]
    hooks = [layer.register_forward_hook(lambda part, *_: called.append(part)) for layer in layers]
    try:
        with evaluating(network), torch.random.fork_rng(devices=[]):
            network(x)
    finally:
        for hook in hooks:
            hook.remove()
    return called[-1] if called else None


@torch.enable_grad()
def check_augment(augment: Augment, items: Tensor) -> None:
    """Require that an augmentation takes such items, keeps their shape and lets gradients pass."""
    if items.ndim != 4:
        raise ValueError(both(
            "augment 只用于图片 (B, C, H, W)；数据是点时请写 augment=None。",
            "augment is for pictures, (B, C, H, W); with points leave it out: augment=None."))
    with torch.random.fork_rng(devices=[]):
        altered = augment(items.requires_grad_(True))
    if altered.shape != items.shape:
        raise ValueError(both(
            f"augment 应当保持形状 {tuple(items.shape)}，得到的是 {tuple(altered.shape)}。",
            f"augment should keep the shape {tuple(items.shape)}; the result has "
            f"{tuple(altered.shape)}."))
    if not altered.requires_grad:
        raise ValueError(both(
            "augment 必须可微：G 的梯度要穿过它。不要 detach，不要用 torch.no_grad()。",
            "augment must be differentiable, for G's gradient goes through it: no detach and no "
            "torch.no_grad()."))


def watch_says_stop(game: Game, watch: Callable[[Game], Any] | None) -> bool:
    """Let rank 0 watch, if anybody does; return, on every rank, whether it asks for the end."""
    if watch is None:
        return False
    return distributed.any_rank(distributed.rank() == 0 and watch(game) is True, game.device)


def stop_agreed(pressed: bool, game: Game) -> bool:
    """Tell whether to stop after this step; several processes ask each other at every 20th."""
    if distributed.world_size() == 1:
        return pressed
    return game.step % 20 == 0 and distributed.any_rank(pressed, game.device)


@contextmanager
def stop_button():
    """Turn the first interrupt (the stop button, Ctrl-C) into a request to end after this step.

    SIGTERM and SIGHUP, with which schedulers and closed terminals end a process, do the same,
    unless somebody has made other use of them. Yield an Event that is set then. A second
    interrupt acts at once, as usual.
    """
    pressed = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield pressed  # only the main thread receives signals
        return
    before = {signal.SIGINT: signal.getsignal(signal.SIGINT)}
    if signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
        before[signal.SIGTERM] = signal.SIG_DFL
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) == signal.SIG_DFL:
        before[signal.SIGHUP] = signal.SIG_DFL

    def release():
        for number, handler in before.items():
            signal.signal(number, handler)

    def press(*_):
        pressed.set()
        release()

    for number in before:
        signal.signal(number, press)
    try:
        yield pressed
    finally:
        release()
