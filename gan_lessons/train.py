"""The game, one move at a time: `critic_step`, `generator_step`, and `fit` that alternates them."""

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
from tqdm import tqdm

from gan_lessons import checkpoint, distributed, runtime
from gan_lessons.data import ImageSet, PointSet, to_images
from gan_lessons.losses import NonSaturating
from gan_lessons.penalties import clip_weights
from gan_lessons.util import both, whole_number

HISTORY = ("critic loss", "generator loss", "real", "fake")
Penalty = Callable[[nn.Module, Tensor, Tensor], Tensor]  # (critic, real, fake) -> scalar


class TrainingDiverged(RuntimeError):
    """A loss became NaN or infinite; the message names the step."""


class CriticMove(NamedTuple):
    """What one step of D computed: its loss (a scalar), its scores for real and fake, (B,)."""

    loss: Tensor
    real: Tensor
    fake: Tensor


class GeneratorMove(NamedTuple):
    """What one step of G computed: its loss (a scalar), D's scores for the fakes, (B,)."""

    loss: Tensor
    fake: Tensor


def sample_noise(n: int, latent: int, generator: torch.Generator, device="cpu") -> Tensor:
    """Return z ~ N(0, I), shape (n, latent).

    Drawn on the CPU wherever the networks are: the same seed gives the same z on every device.
    """
    return torch.randn(n, latent, generator=generator).to(device)


def critic_step(critic, generator, optimizer, loss, real: Tensor, z: Tensor,
                penalty: Penalty | None = None, clip: float | None = None) -> CriticMove:
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


def generator_step(critic, generator, optimizer, loss, z: Tensor,
                   real_score: Tensor | None = None) -> GeneratorMove:
    """Let G learn from what D says of its fakes. It sees no real data; D keeps its weights.

    A loss that compares wants D's scores for real data, `real_score` (B,): numbers, no gradient.
    """
    with frozen(critic):  # gradients flow through D, into G, but D keeps none
        fake_score = critic(generator(z))
        value = loss.generator(fake_score, *([] if real_score is None else [real_score]))
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


@contextmanager
def evaluating(network: nn.Module):
    """Put the network in evaluation mode inside a `with` block, and back afterwards."""
    was_training = network.training
    try:
        yield network.eval()
    finally:
        network.train(was_training)


def adam(module: nn.Module, lr: float = 2e-4, betas=(0.9, 0.999)) -> torch.optim.Adam:
    """Return Adam in its fused form: the same update, one pass over the parameters."""
    return torch.optim.Adam(module.parameters(), lr=lr, betas=betas, fused=True)


def rmsprop(module: nn.Module, lr: float = 5e-5, alpha: float = 0.99) -> torch.optim.RMSprop:
    """Return RMSprop, which WGAN trains with: steps of gradient / its usual size, no momentum."""
    return torch.optim.RMSprop(module.parameters(), lr=lr, alpha=alpha)


@dataclass
class Game:
    """The two players and all that training has to remember; `fit` moves it forward.

    generator, critic: the networks;  latent: length of z;  loss, penalty: see `losses`,
    `penalties`;  n_critic: steps of D for each step of G;  batch, lr, betas, seed: as named;
    ema: how slowly `generator_ema`, the moving average of G's weights, follows;  clip: limit of D's
    weights, if any;  decay: over how many steps learning rate and penalty fade, see `cosine_decay`;
    penalty_every: k takes the penalty on every k-th step of D only, k times as strong, which saves
    time ("lazy" regularisation, Karras et al. 2020, StyleGAN2, arXiv 1912.04958, section 3.1);
    optimizer: makes an optimizer, `optimizer(network, lr)`, such as `rmsprop`; without it both
    players have `adam` with `betas`;  warm_up: D's long turns of the WGAN authors, `critic_turns`;
    precision: of the networks' arithmetic, "float32", "bfloat16" (half the memory, faster for wide
    convolutions on hardware that has it) or "auto", see `runtime.precision`; weights, optimizers,
    losses and `generator_ema` stay in float32.
    While training: `step` counts G's steps, up to `goal`; `history` has one row a step, columns
    HISTORY; `snapshots` holds what G made of the same noise at different steps, as `generate` does.
    """

    generator: nn.Module
    critic: nn.Module
    latent: int
    loss: Any = field(default_factory=NonSaturating)
    penalty: Penalty | None = None
    n_critic: int = 1
    batch: int = 100
    lr: float = 2e-4
    betas: tuple[float, float] = (0.9, 0.999)
    ema: float = 0.999
    seed: int = 0
    clip: float | None = None
    decay: int | None = None
    penalty_every: int = 1
    optimizer: Callable[[nn.Module, float], torch.optim.Optimizer] | None = None
    warm_up: bool = False
    precision: str = "float32"

    def __post_init__(self):
        for name, least in (("latent", 1), ("n_critic", 1), ("batch", 1), ("seed", 0),
                            ("penalty_every", 1)):
            setattr(self, name, whole_number(name, getattr(self, name), least))
        self.betas = tuple(float(beta) for beta in self.betas)  # Adam refuses (0, 0.9)
        self.precision = runtime.precision(self.precision, self.device)
        self.step = self.goal = 0
        self.data = None
        self.history = torch.empty(0, len(HISTORY))
        self.snapshots: dict[int, Tensor] = {}
        self.generator_optimizer = self.new_optimizer(self.generator)
        self.critic_optimizer = self.new_optimizer(self.critic)
        self.generator_ema = AveragedModel(self.generator, use_buffers=True,
                                     multi_avg_fn=get_ema_multi_avg_fn(self.ema))
        self.noise = torch.Generator().manual_seed(self.seed)
        self.torch_state = torch.Generator().manual_seed(self.seed).get_state()  # for dropout
        self.fixed_z = sample_noise(64, self.latent, torch.Generator().manual_seed(1234))

    def new_optimizer(self, network: nn.Module) -> torch.optim.Optimizer:
        """Return an optimizer for `network`, made with the game's settings."""
        if self.optimizer is None:
            made = adam(network, self.lr, self.betas)
        else:
            made = self.optimizer(network, self.lr)
        made.register_step_pre_hook(distributed.average_gradients)  # does nothing when alone
        return made

    @property
    def device(self) -> torch.device:
        """The device the networks are on."""
        return next(self.generator.parameters()).device

    @property
    def images_seen(self) -> int:
        """How many real pictures (or points) D has been shown."""
        return critic_turns(self, self.step) * self.batch

    def sample(self, n: int = 64, *, seed: int = 0, ema: bool = False) -> Tensor:
        """Return what G makes of `n` z drawn with `seed`: pictures or points, as `generate` does.

        `ema=True` asks the moving average of G's weights instead of the newest ones.
        """
        n = whole_number("n", n, 1)
        network = self.generator_ema if ema else self.generator
        return generate(network, sample_noise(n, self.latent, torch.Generator().manual_seed(seed)))


@torch.no_grad()
def generate(generator: nn.Module, z: Tensor) -> Tensor:
    """Return what G makes of z (n, latent), on the CPU.

    Pictures come as bytes, uint8 (n, C, H, W); points as they are, float32 (n, d).
    G works in evaluation mode: BatchNorm takes the statistics it gathered while training, not
    those of this batch, so that a picture depends on its own z alone.
    """
    device = next(generator.parameters()).device
    with evaluating(generator):
        return torch.cat([_finish(generator(part.to(device))).cpu() for part in z.split(1000)])


def _finish(made: Tensor) -> Tensor:
    return to_images(made) if made.ndim == 4 else made.float()


def fit(game: Game, data: ImageSet | PointSet, steps: int, *, snapshot_every: int | None = None,
        save_to: str | Path | None = None, save_every: int = 1000,
        watch: Callable[[Game], Any] | None = None, watch_every: int = 100,
        progress: bool = True) -> Game:
    """Play until G has made `steps` steps in all, and return the game.

    Goes on from `game.step`: called again with a larger number it continues, and equals the run
    that was never interrupted. The stop button (or Ctrl-C) ends it after the current step; a
    second one ends it at once, and D may then be one step ahead.
    With `save_to`, a checkpoint is written every `save_every` steps and at the end; a new game
    resumes from that file if it is there. `snapshot_every` fills `game.snapshots`.
    `watch(game)` is called after every `watch_every` steps and after the last one, when history,
    snapshot and checkpoint of that step are written; it may look at the game, not change it.

    Where several processes have joined (see `distributed`), each calls `fit` with the same game
    and data; `game.batch` is then shared between them.

    Raises TrainingDiverged when a loss or a weight is not finite (the last checkpoint stays as it
    was); ValueError when the data do not fit the networks or the batch does not fit the data;
    checkpoint.BadCheckpoint when `save_to` is a file that is not this game's.
    """
    game.goal = steps = whole_number("steps", steps, 0)
    save_every = whole_number("save_every", save_every, 1)
    watch_every = whole_number("watch_every", watch_every, 1)
    if snapshot_every is not None:
        snapshot_every = whole_number("snapshot_every", snapshot_every, 1)
    _check_fit(game, data)
    distributed.check(game.batch)
    first = distributed.number() == 0  # the process that writes and shows, or the only one
    data = data.to(game.device)
    game.data = data.described()
    if save_to:
        _open_checkpoint(game, save_to)
    batches = data.batches(game.batch, seed=game.seed, start=critic_turns(game, game.step))
    game.generator.train()
    game.critic.train()
    if first and snapshot_every and game.step == 0:
        game.snapshots[0] = generate(game.generator, game.fixed_z)

    recent = []
    with (own_random_numbers(game), stop_button() as stop, kept_history(game, recent),
          tqdm(total=steps, initial=game.step, disable=not (progress and first), unit="step",
               leave=False, mininterval=0.5) as bar):
        last = game.step >= steps
        while not last:
            recent.append(play_round(game, batches))
            game.step += 1
            bar.update()
            last = game.step >= steps or stop_agreed(stop, game)
            picture = first and snapshot_every and game.step % snapshot_every == 0
            save = first and save_to and (last or game.step % save_every == 0)
            look = first and watch and (last or game.step % watch_every == 0)
            if last or picture or save or look or len(recent) == 100:  # reading makes a GPU wait
                _write_history(game, recent)
            if picture:
                game.snapshots[game.step] = generate(game.generator, game.fixed_z)
            if save:
                _save(game, save_to)
            if look:
                watch(game)
    return game


def play_round(game: Game, batches: Iterator[Tensor]) -> Tensor:
    """Play D's turns and one step of G; return the values of HISTORY, shape (4,)."""
    if game.decay:
        for optimizer in (game.generator_optimizer, game.critic_optimizer):
            optimizer.param_groups[0]["lr"] = game.lr * cosine_decay(game, to=0.02)
    for turn in range(critic_turns(game, game.step), critic_turns(game, game.step + 1)):
        d = play_critic(game, batches, turn)
    real_score = d.real if getattr(game.loss, "compares", False) else None
    with working_precision(game):
        g = generator_step(game.critic, game.generator, game.generator_optimizer, game.loss,
                           _noise(game), real_score)
    game.generator_ema.update_parameters(game.generator)
    read = game.loss.reading
    return torch.stack([d.loss, g.loss, read(d.real).mean(), read(d.fake).mean()])


def critic_turns(game: Game, step: int) -> int:
    """Return how many steps D has taken, all in all, when G has made `step`.

    That is `n_critic` for each. With `warm_up` it is 100 before each of G's first 25 steps and
    before the steps of number 500, 1000, ... (from 0), to keep the critic close to its best, as
    in the code that the WGAN authors published with arXiv 1701.07875.
    """
    long = min(step, 25) + max(step - 1, 0) // 500 if game.warm_up else 0
    return long * 100 + (step - long) * game.n_critic


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
def kept_history(game: Game, recent: list[Tensor]):
    """Write what is still in `recent` to the history when the block ends, however it ends."""
    try:
        yield
    finally:
        _write_history(game, recent)


def play_critic(game: Game, batches: Iterator[Tensor], turn: int) -> CriticMove:
    """Play step number `turn` of D with the game's settings."""
    def penalty(*given):
        return game.penalty_every * cosine_decay(game, to=0.1, over=0.5) * game.penalty(*given)
    due = game.penalty is not None and turn % game.penalty_every == 0
    real = distributed.share(next(batches))
    with working_precision(game):
        return critic_step(game.critic, game.generator, game.critic_optimizer, game.loss,
                           real, _noise(game), penalty if due else None, game.clip)


def working_precision(game: Game):
    """Return a `with` block in which the networks calculate with `game.precision`.

    One block a step: it keeps the weights it has rounded, which are old after the step.
    """
    return torch.autocast(game.device.type, torch.bfloat16, enabled=game.precision == "bfloat16")


def head_start(game: Game, data: ImageSet | PointSet, steps: int) -> Game:
    """Let D learn alone for `steps` steps, G standing still, and return the game."""
    data = data.to(game.device)
    _check_fit(game, data)
    batches = data.batches(game.batch, seed=game.seed)
    with own_random_numbers(game):
        for turn in range(steps):
            play_critic(game, batches, turn)
    return game


def cosine_decay(game: Game, to: float, over: float = 1.0) -> float:
    """Return a factor that falls from 1 to `to` as half a cosine does, then stays.

    It falls in the first part, `over`, of `game.decay` steps; without `decay` it is always 1.
    The penalty fades first, so that it no longer blurs while the steps are still long enough to
    use that; then the steps get small and the players settle. As in R3GAN, arXiv 2501.05441.
    """
    if not game.decay:
        return 1.0
    share = min(game.step / (over * game.decay), 1)
    return to + (1 - to) * (1 + math.cos(math.pi * share)) / 2


def _noise(game: Game) -> Tensor:
    return distributed.share(sample_noise(game.batch, game.latent, game.noise)).to(game.device)


def _write_history(game: Game, recent: list[Tensor]) -> None:
    if not recent:
        return
    rows = torch.stack(recent).cpu().float()
    recent.clear()
    finite = rows.isfinite().all(1)
    good = len(rows) if finite.all() else int(finite.long().argmin())
    game.history = torch.cat([game.history, rows[:good]])
    if good < len(rows):
        raise _diverged(len(game.history) + 1)


def _diverged(step: int) -> TrainingDiverged:
    return TrainingDiverged(both(
        f"第 {step} 步的损失或权重成了 NaN 或无穷大，训练已停止；之前存下的检查点没有被改动。"
        "请检查数据和损失函数，或降低学习率；从检查点接着训练时，用 "
        "checkpoint.load(game, path, changed=(\"lr\",)) 换用新的学习率。",
        f"The loss or a weight stopped being finite at step {step}, so training stopped; a "
        "checkpoint saved before was not touched. Check the data and the loss, or lower the "
        "learning rate; to go on from a checkpoint with a new one, use "
        "checkpoint.load(game, path, changed=(\"lr\",))."))


def _open_checkpoint(game: Game, path: str | Path) -> None:
    """Resume a new game from `path`, or make sure, before the first step, that saving works."""
    there = Path(path).exists()
    distributed.wait()  # all of them look before one of them writes
    if not there:
        if distributed.number() == 0:
            checkpoint.save(game, path)
    elif game.step == 0:
        checkpoint.load(game, path)
        print(both(f"从 {Path(path).name} 的第 {game.step} 步接着训练。",
                   f"Resumed from {Path(path).name} at step {game.step}."))
    elif (saved := checkpoint.saved_step(path)) > game.step:
        raise checkpoint.BadCheckpoint(both(
            f"{path} 已经训练到第 {saved} 步，而这一局才到第 {game.step} 步，覆盖它会丢掉进度。"
            "请换一个文件名，或从它接着训练。",
            f"{path} holds step {saved}, further than this game's step {game.step}; overwriting "
            "it would lose that progress. Use another file name, or resume from it."))


def _save(game: Game, path: str | Path) -> None:
    """Save the game; a disk that is full now is a warning, not the end of a long run."""
    if not checkpoint.finite(game):
        raise _diverged(game.step)
    game.torch_state = torch.get_rng_state()
    try:
        checkpoint.save(game, path)
    except OSError as problem:
        print(both(f"第 {game.step} 步的检查点没有存成（{problem}）；旧的还在，训练继续。",
                   f"The checkpoint of step {game.step} could not be written ({problem}); the "
                   "old one is still there, and training goes on."))


@torch.no_grad()
def _check_fit(game: Game, data: ImageSet | PointSet) -> None:
    """Push two items through networks and loss, so that a mismatch is named before training."""
    if not isinstance(data, (ImageSet, PointSet)):
        raise ValueError(both(
            f"数据必须是 ImageSet 或 PointSet（例如 data.digits()），"
            f"收到的是 {type(data).__name__}。",
            f"The data must be an ImageSet or a PointSet, such as data.digits(); got "
            f"{type(data).__name__}."))

    def out_shape(network, x):
        try:
            with evaluating(network), torch.random.fork_rng(devices=[]):
                return tuple(network(x.to(game.device)).shape)
        except (RuntimeError, ValueError) as problem:
            return str(problem).splitlines()[0]

    shape = (2, *data.shape)
    made = out_shape(game.generator, torch.zeros(2, game.latent))
    if made != shape:
        raise ValueError(both(
            f"生成器与数据不匹配：两个 z 应得到形状 {shape}，实际得到 {made}。",
            f"The generator does not fit the data: two z should give shape {shape}, got {made}."))
    judged = out_shape(game.critic, torch.zeros(shape))
    if judged != (2,):
        raise ValueError(both(
            f"判别器与数据不匹配：形状为 {shape} 的一批应各得一个分数，实际得到 {judged}。",
            f"The discriminator does not fit the data: a batch of shape {shape} should get one "
            f"score each, got {judged}."))
    scores = torch.zeros(2)
    compared = [scores] if getattr(game.loss, "compares", False) else []
    for value in (game.loss.critic(scores, scores), game.loss.generator(scores, *compared)):
        if value.shape != ():
            raise ValueError(both(
                f"损失必须是一个标量（对一批求平均），收到的形状是 {tuple(value.shape)}。",
                f"A loss must be one scalar, the mean over the batch; got shape "
                f"{tuple(value.shape)}."))


def stop_agreed(stop: threading.Event, game: Game) -> bool:
    """Tell whether to stop after this step; several processes ask each other at every 20th."""
    if distributed.count() == 1:
        return stop.is_set()
    return game.step % 20 == 0 and distributed.anyone(stop.is_set(), game.device)


@contextmanager
def stop_button():
    """Turn the first interrupt (the stop button, Ctrl-C) into a request to end after this step.

    Yield an Event that the interrupt sets. A second interrupt acts at once, as usual.
    """
    pressed = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield pressed  # only the main thread receives signals
        return
    before = signal.getsignal(signal.SIGINT)

    def press(*_):
        pressed.set()
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, press)
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, before)
