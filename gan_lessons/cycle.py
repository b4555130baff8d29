"""Picture to picture: pix2pix, which learns from pairs, and CycleGAN, which needs none.

Both are games like any other, with a generator that is given a picture instead of noise. The
critics learn in `train.critic_step`, where every critic of the course learns; the generators, whose
loss has more than one part, learn here: in `cyclegan_round` and `pix2pix_round`.

    game = cycle.cyclegan()
    cycle.fit(game, faces_without_glasses, faces_with_glasses, steps=2000)
    cycle.translate(game.a_to_b, pictures)
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from gan_lessons import checkpoint, losses, runtime
from gan_lessons.checkpoint import optimizer_state, set_optimizer_state
from gan_lessons.data import ImageSet, PointSet, to_images, to_signed
from gan_lessons.losses import Loss
from gan_lessons.nets import translate as networks
from gan_lessons.progress import bar as progress_bar
from gan_lessons.train import (
    GENERATED_AT_ONCE,
    adam,
    critic_step,
    evaluating,
    frozen,
    open_checkpoint,
    own_random_numbers,
    save_checkpoint,
    stop_button,
    watch_says_stop,
    weight_count,
    working_precision,
    write_history,
)
from gan_lessons.util import both, whole_number

# ---- the parts of the loss ----

def cycle_loss(x: Tensor, back: Tensor) -> Tensor:
    """Return the mean |x - back| over all numbers of a batch, there and back again.

    CycleGAN adds two of them, for A and for B: the sum of two means, not their mean. Zhu et al.
    2017, arXiv 1703.10593, equation 2.
    """
    return (x - back).abs().mean()


class ImageBuffer:
    """Fakes of earlier steps, which a critic sees among the new ones.

    It holds `size` pictures. Until it is full, it keeps and returns every new one; then, with
    probability 1/2, it returns an old picture and keeps the new one in its place. Shrivastava et
    al. 2017, arXiv 1612.07828, section 2.3; 50 pictures in CycleGAN, section 4.
    """

    def __init__(self, size: int = 50, seed: int = 0):
        self.size = whole_number("buffer", size, 0)  # 0: the new pictures as they are
        self.pictures = torch.empty(0)  # (n, ...), n at most `size`
        self.chance = torch.Generator().manual_seed(seed)

    def exchange(self, fresh: Tensor) -> Tensor:
        """Take a batch of fakes, (B, ...), and return as many for the critic."""
        given = fresh.detach().clone()
        for i, picture in enumerate(fresh.detach()):
            if len(self.pictures) < self.size:
                self.pictures = torch.cat([self.pictures.to(picture), picture[None]])
            elif self.size and torch.rand((), generator=self.chance) < 0.5:
                j = torch.randint(self.size, (), generator=self.chance)
                given[i] = self.pictures[j]
                self.pictures[j] = picture
        return given


# ---- the two games ----

@dataclass(eq=False, kw_only=True)
class Translation:
    """What both games know: how they train, and how far they have come."""

    columns = ()  # of `history`
    parts = ()  # the names of the networks
    learners = {}  # optimizer -> names of the networks that it moves

    loss: Loss = field(default_factory=losses.LeastSquares)  # how the critics and G play
    batch: int = 4  # pictures of each set in a batch; 1 in the papers
    lr: float = 1e-3  # learning rate of every network; 2e-4 in the papers, for larger ones
    betas: tuple[float, float] = (0.5, 0.999)  # of Adam
    decay: int | None = None  # steps in the second half of which `lr` falls to 0 in a line
    seed: int = 0  # of batches and buffers
    precision: str = "float32"  # of the arithmetic: "float32", "bfloat16" or "auto"

    def __post_init__(self):
        self.batch = whole_number("batch", self.batch, 1)
        self.seed = whole_number("seed", self.seed, 0)
        self.precision = runtime.precision(self.precision, self.device)
        self.step = 0  # steps that the generators have made
        self.data: str | None = None  # what it was trained on, in a few words
        self.history = torch.empty(0, len(self.columns))  # one row a step
        self.torch_state = torch.Generator().manual_seed(self.seed).get_state()  # for dropout
        self.optimizers = {
            name: adam(nn.ModuleList([getattr(self, part) for part in moved]), self.lr, self.betas)
            for name, moved in self.learners.items()}
        self.buffers: dict[str, ImageBuffer] = {}

    def __repr__(self) -> str:
        counts = ", ".join(f"{weight_count(getattr(self, part)):,} in {part}"
                           for part in self.parts)
        return f"{type(self).__name__}(step {self.step}, weights: {counts})"

    @property
    def device(self) -> torch.device:
        """The device the networks are on."""
        return next(self.a_to_b.parameters()).device

    # what `checkpoint` saves, takes back and compares

    def state(self) -> dict[str, Any]:
        """Return everything that training remembers."""
        return {"networks": {part: getattr(self, part).state_dict() for part in self.parts},
                "optimizers": {name: optimizer_state(optimizer)
                               for name, optimizer in self.optimizers.items()},
                "buffers": {name: buffer.pictures for name, buffer in self.buffers.items()},
                "random": {"torch": self.torch_state} | {
                    name: buffer.chance.get_state() for name, buffer in self.buffers.items()},
                "step": self.step, "history": self.history}

    def set_state(self, state: dict[str, Any]) -> None:
        """Take back what `state` returned, or some of its parts."""
        for part, weights in state.get("networks", {}).items():
            getattr(self, part).load_state_dict(weights)
        for name, remembered in state.get("optimizers", {}).items():
            set_optimizer_state(self.optimizers[name], remembered)
        if "step" not in state:
            return
        if state["history"].shape != (state["step"], len(self.columns)):
            raise ValueError(f"step {state['step']} with a history of shape "
                             f"{tuple(state['history'].shape)}")
        for name, buffer in self.buffers.items():
            buffer.pictures = state["buffers"][name].to(self.device)
            buffer.chance.set_state(state["random"][name])
        self.torch_state = state["random"]["torch"]
        self.step, self.history = state["step"], state["history"]

    def settings(self) -> dict[str, Any]:
        """Return what two games must have in common for one to go on where the other stopped."""
        plain = ("batch", "lr", "decay", "seed", "precision")
        settings = {name: getattr(self, name) for name in plain}
        settings |= {"betas": list(self.betas), "loss": checkpoint.described(self.loss)}
        settings |= {part: str(getattr(self, part)) for part in self.parts}
        if self.data is not None:
            settings["data"] = self.data
        return settings


@dataclass(eq=False, kw_only=True, repr=False)
class CycleGAN(Translation):
    """Two generators and two critics, for two sets of pictures (or points) without pairs.

    Zhu et al. 2017, arXiv 1703.10593. The critics' loss is not halved as there: Adam's steps do not
    depend on its size.
    """

    columns = ("critic of A", "critic of B", "adversarial", "cycle", "identity")
    parts = ("a_to_b", "b_to_a", "critic_a", "critic_b")
    learners = {"generators": ("a_to_b", "b_to_a"), "critic_a": ("critic_a",),
                "critic_b": ("critic_b",)}

    a_to_b: nn.Module
    b_to_a: nn.Module
    critic_a: nn.Module  # is it a picture of A?
    critic_b: nn.Module
    cycle: float = 10.0  # weight of |A - back|: there and back again should change nothing
    identity: float = 5.0  # weight of |B - a_to_b(B)|: what is in B already should stay
    buffer: int = 50  # fakes that each critic remembers, see `ImageBuffer`

    def __post_init__(self):
        super().__post_init__()
        self.buffers = {"a": ImageBuffer(self.buffer, self.seed),
                        "b": ImageBuffer(self.buffer, self.seed + 1)}

    def settings(self) -> dict[str, Any]:
        """See Translation."""
        return super().settings() | {"cycle": self.cycle, "identity": self.identity,
                                     "buffer": self.buffer}

    def batches(self, a, b) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield batches of both sets, each shuffled by itself, so that nobody is paired."""
        return zip(a.batches(self.batch, seed=2 * self.seed, start=self.step),
                   b.batches(self.batch, seed=2 * self.seed + 1, start=self.step), strict=False)

    def play_round(self, a: Tensor, b: Tensor) -> Tensor:
        """Let every network make a step; see `cyclegan_round`."""
        return cyclegan_round(self, a, b)


@dataclass(eq=False, kw_only=True, repr=False)
class Pix2pix(Translation):
    """One generator from A to B and a critic of pairs: is this the B that belongs to this A?

    Isola et al. 2016, arXiv 1611.07004, equations 1, 3 and 4; without its noise, which the authors
    found the generator to ignore.
    """

    columns = ("critic", "adversarial", "L1")
    parts = ("a_to_b", "critic")
    learners = {"generator": ("a_to_b",), "critic": ("critic",)}

    a_to_b: nn.Module
    critic: nn.Module  # of the channels of A and B together
    l1: float = 100.0  # weight of |B - a_to_b(A)|

    def settings(self) -> dict[str, Any]:
        """See Translation."""
        return super().settings() | {"l1": self.l1}

    def batches(self, a, b) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield batches of pairs: both sets come in the same shuffled order."""
        return zip(a.batches(self.batch, seed=self.seed, start=self.step),
                   b.batches(self.batch, seed=self.seed, start=self.step), strict=True)

    def play_round(self, a: Tensor, b: Tensor) -> Tensor:
        """Let both networks make a step; see `pix2pix_round`."""
        return pix2pix_round(self, a, b)


def cyclegan(channels_a: int = 3, channels_b: int = 3, *, network: str = "unet",
             features: int = 16, downs: int = 3, patch: int = 2, **settings) -> CycleGAN:
    """Return CycleGAN with small networks, on the best device there is.

    Args:
        channels_a: Of the pictures of A; 1 for grey ones.
        channels_b: Of those of B.
        network: Which generators, "unet" or "resnet" (the paper's).
        features: Channels of the first layers, in generators and critics.
        downs: How often the generators halve the side.
        patch: How often the critics do: 1, 2, 3 for patches of 16, 34, 70 pixels a side. A patch
            should be larger than what is to change.
        **settings: Fields of `CycleGAN`, such as `seed`, `lr`, `decay` or `identity`.
    """
    with torch.random.fork_rng(devices=[]):  # the learner's own random numbers are not disturbed
        torch.manual_seed(settings.get("seed", 0))  # the networks' first weights
        parts = [networks.generator(network, channels_a, channels_b, features, downs),
                 networks.generator(network, channels_b, channels_a, features, downs),
                 networks.patch_critic(channels_a, features=features, downs=patch),
                 networks.patch_critic(channels_b, features=features, downs=patch)]
    a_to_b, b_to_a, critic_a, critic_b = [part.to(runtime.device()) for part in parts]
    return CycleGAN(a_to_b=a_to_b, b_to_a=b_to_a, critic_a=critic_a, critic_b=critic_b, **settings)


def pix2pix(channels_a: int = 3, channels_b: int = 3, *, network: str = "unet",
            features: int = 16, downs: int = 3, patch: int = 2, **settings) -> Pix2pix:
    """Return pix2pix with small networks, arguments as in `cyclegan`; the loss is NonSaturating."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.get("seed", 0))
        a_to_b = networks.generator(network, channels_a, channels_b, features, downs)
        critic = networks.patch_critic(channels_a + channels_b, features=features, downs=patch)
    return Pix2pix(a_to_b=a_to_b.to(runtime.device()), critic=critic.to(runtime.device()),
                   **{"loss": losses.NonSaturating()} | settings)


# ---- a step of every network ----

def cyclegan_round(game: CycleGAN, a: Tensor, b: Tensor) -> Tensor:
    """Let the generators make a step, then each critic; return a row of the history, (5,)."""
    loss = game.loss
    with working_precision(game):
        fake_b, fake_a = game.a_to_b(a), game.b_to_a(b)
        with frozen(game.critic_a), frozen(game.critic_b):
            fool = loss.generator(game.critic_b(fake_b)) + loss.generator(game.critic_a(fake_a))
        cycle = cycle_loss(a, game.b_to_a(fake_b)) + cycle_loss(b, game.a_to_b(fake_a))
        identity = torch.zeros_like(cycle)
        if game.identity:
            identity = cycle_loss(a, game.b_to_a(a)) + cycle_loss(b, game.a_to_b(b))
        learn(game.optimizers["generators"], fool + game.cycle * cycle + game.identity * identity)
        # a critic is given fakes where others are given noise: its "generator" hands them on
        d_a = critic_step(game.critic_a, nn.Identity(), game.optimizers["critic_a"], loss,
                          a, game.buffers["a"].exchange(fake_a))
        d_b = critic_step(game.critic_b, nn.Identity(), game.optimizers["critic_b"], loss,
                          b, game.buffers["b"].exchange(fake_b))
    return torch.stack([d_a.loss, d_b.loss, fool.detach(), cycle.detach(), identity.detach()])


def pix2pix_round(game: Pix2pix, a: Tensor, b: Tensor) -> Tensor:
    """Let the generator make a step, then the critic; return a row of the history, (3,)."""
    with working_precision(game):
        fake = game.a_to_b(a)
        with frozen(game.critic):
            fool = game.loss.generator(game.critic(joined(a, fake)))
        away = cycle_loss(b, fake)
        learn(game.optimizers["generator"], fool + game.l1 * away)
        d = critic_step(game.critic, nn.Identity(), game.optimizers["critic"], game.loss,
                        joined(a, b), joined(a, fake.detach()))
    return torch.stack([d.loss, fool.detach(), away.detach()])


def joined(a: Tensor, b: Tensor) -> Tensor:
    """Return pairs as one picture each, with the channels of both."""
    return torch.cat([a, b], 1)


def learn(optimizer: torch.optim.Optimizer, value: Tensor) -> None:
    """Make one step down the gradient of a loss."""
    optimizer.zero_grad()
    value.backward()
    optimizer.step()


# ---- a run ----

def fit(game: Translation, a: ImageSet | PointSet, b: ImageSet | PointSet, steps: int, *,
        save_to: str | Path | None = None, save_every: int = 500,
        watch: Callable[[Any], Any] | None = None, watch_every: int = 100,
        progress: bool = True):
    """Play until the generators have made `steps` steps in all, and return the game.

    Goes on from `game.step`, and on the CPU equals the run that was never interrupted; stop button,
    checkpoints and `watch` are those of `train.fit`.

    A step takes `game.batch` pictures of each set. CycleGAN's sets may have any two lengths: each
    is shuffled and gone through by itself, so an epoch, one pass over the larger set, goes through
    the smaller one several times. pix2pix's sets are pairs, picture i of `a` with picture i of `b`.

    Raises:
        ValueError: The sets fit neither the networks nor each other.
        TrainingDiverged, BadCheckpoint: As in `train.fit`.
    """
    steps = whole_number("steps", steps, 0)
    for name, every in (("save_every", save_every), ("watch_every", watch_every)):
        whole_number(name, every, 1)
    check_fit(game, a, b)
    a, b = a.to(game.device), b.to(game.device)
    game.data = f"{a.described()} | {b.described()}"
    if save_to is not None:
        open_checkpoint(game, save_to)
    batches = game.batches(a, b)  # from the game's step on
    for part in game.parts:
        getattr(game, part).train()
    recent: list[Tensor] = []  # rows of the history that are still on the device
    ended = game.step >= steps
    with (own_random_numbers(game), stop_button() as stop,
          progress_bar(total=steps, initial=game.step, disable=not progress, unit="step") as bar):
        try:
            while not ended:
                set_learning_rate(game)
                recent.append(game.play_round(*next(batches)))
                game.step += 1
                bar.update()
                ended = game.step >= steps or stop.is_set()
                save, look = (ended or game.step % every == 0 for every in
                              (save_every, watch_every))
                if save or look or len(recent) == 100:
                    write_history(game, recent)
                if save:
                    save_checkpoint(game, save_to)
                if look and watch_says_stop(game, watch) and not ended:
                    ended = True
                    save_checkpoint(game, save_to)
        finally:
            write_history(game, recent)
    return game


def set_learning_rate(game: Translation) -> None:
    """Let the rate stay in the first half of `decay` steps and fall to 0 in the second."""
    factor = 1.0
    if game.decay:
        factor = min(1.0, 2 * max(0.0, 1 - game.step / game.decay))
    for optimizer in game.optimizers.values():
        for group in optimizer.param_groups:
            group["lr"] = game.lr * factor


@torch.no_grad()
def check_fit(game: Translation, a: ImageSet | PointSet, b: ImageSet | PointSet) -> None:
    """Raise ValueError for sets that fit neither the networks nor each other."""
    if any(isinstance(side, ImageSet) and side.condition is not None for side in (a, b)):
        raise ValueError(both(
            "A 和 B 不带条件：这里的条件就是图片本身。请传入 conditioned_on() 之前的图片集。",
            "A and B take no condition: here the picture itself is the condition. Pass the sets as "
            "they were before conditioned_on()."))
    if a.shape[1:] != b.shape[1:]:
        raise ValueError(both(
            f"A 和 B 的图片边长不同：{a.shape}，{b.shape}。请把两边读成同一个 size。",
            f"The pictures of A and B differ in size: {a.shape}, {b.shape}. Read both at one "
            "size."))
    if isinstance(game, Pix2pix) and len(a) != len(b):
        raise ValueError(both(
            f"pix2pix 要成对的图片，A 有 {len(a)} 张，B 有 {len(b)} 张。没有配对请用 CycleGAN。",
            f"pix2pix wants pairs, and A has {len(a)} pictures, B {len(b)}. Without pairs, take "
            "CycleGAN."))
    if isinstance(game, CycleGAN) and game.identity and a.shape != b.shape:
        raise ValueError(both(
            f"A 有 {a.shape[0]} 个通道，B 有 {b.shape[0]} 个：identity 损失要把 B 的图交给 "
            "a_to_b，而它只收 A 的通道数。请写 identity=0，或把灰度图读成三个通道。",
            f"A has {a.shape[0]} channels and B has {b.shape[0]}: the identity loss gives a "
            "picture of B to a_to_b, which takes the channels of A. Set identity=0, or read grey "
            "pictures with three channels."))
    game.batches(a, b)  # refuses a batch larger than a set
    generators = [(game.a_to_b, a.shape, b.shape)]
    critics = []
    if isinstance(game, CycleGAN):
        generators.append((game.b_to_a, b.shape, a.shape))
        critics = [(game.critic_a, a.shape), (game.critic_b, b.shape)]
    if isinstance(game, Pix2pix):
        critics = [(game.critic, (a.shape[0] + b.shape[0], *a.shape[1:]))]
    for generator, shape, wanted in generators:
        made = tried(generator, shape, game.device)
        if made != tuple(wanted):
            multiple = getattr(generator, "multiple", 1)
            raise ValueError(both(
                f"生成器与数据不匹配：形状 {shape} 应变成 {wanted}，实际得到 {made}。"
                f"图片的边长须是 {multiple} 的倍数。",
                f"The generator does not fit the data: {shape} should become {wanted}, got {made}. "
                f"The side must be a multiple of {multiple}."))
    for critic, shape in critics:
        made = tried(critic, shape, game.device)
        if isinstance(made, str):
            raise ValueError(both(
                f"判别器不能评价形状为 {shape} 的图片：{made}。"
                "请换大一些的 size，或小一些的 patch。",
                f"A critic cannot judge pictures of shape {shape}: {made}. Take a larger size, or "
                "a smaller patch."))


def tried(network: nn.Module, shape: tuple[int, ...], device: torch.device):
    """Return the shape that comes out for one input of `shape`, or what torch says against it."""
    try:
        with evaluating(network):
            return tuple(network(torch.zeros(1, *shape, device=device)).shape[1:])
    except (RuntimeError, ValueError) as problem:
        return str(problem).splitlines()[0]


# ---- new pictures ----

@torch.no_grad()
def translate(network: nn.Module, pictures: ImageSet | Tensor | Sequence[Tensor]):
    """Return what a generator makes of pictures of any height and width, on the CPU.

    The edges are mirrored until both sides are multiples of `network.multiple`, and what was added
    is cut off again.

    Args:
        network: `game.a_to_b` or `game.b_to_a`.
        pictures: An ImageSet, uint8 (n, C, H, W), or a list of pictures, uint8 (C, H, W) each, of
            different shapes.

    Returns:
        uint8 (n, C, H, W), or a list, as it was given.
    """
    if isinstance(pictures, ImageSet):
        pictures = pictures.images
    if not isinstance(pictures, (Tensor, list, tuple)):
        raise ValueError(both(
            f"图片应当是 ImageSet、张量，或张量的列表，收到 {type(pictures).__name__}；"
            "NumPy 数组请先用 torch.from_numpy 转换。",
            f"Pictures come as an ImageSet, a tensor or a list of tensors; got "
            f"{type(pictures).__name__}. Convert a NumPy array with torch.from_numpy."))
    if not isinstance(pictures, Tensor):
        return [translate(network, picture[None])[0] for picture in pictures]
    channels = getattr(network, "channels", None)  # a network of one's own need not say
    if pictures.ndim != 4 or pictures.shape[1] != (channels or pictures.shape[1]):
        raise ValueError(both(
            f"这个网络要的是 {channels} 个通道的图片 (n, C, H, W)，收到的形状是 "
            f"{tuple(pictures.shape)}。",
            f"This network takes pictures with {channels} channels, (n, C, H, W); got shape "
            f"{tuple(pictures.shape)}."))
    device = next(network.parameters()).device
    height, width = pictures.shape[2:]
    at_once = max(1, GENERATED_AT_ONCE // pictures[0].numel())  # for the memory of large ones
    with evaluating(network):
        made = [network(mirrored(to_signed(part.to(device)), getattr(network, "multiple", 1)))
                for part in pictures.split(at_once)]
    return torch.cat([to_images(part[..., :height, :width]).cpu() for part in made])


def mirrored(x: Tensor, multiple: int) -> Tensor:
    """Return pictures with their edges mirrored, below and to the right, up to a multiple."""
    for axis in (-2, -1):
        while missing := -x.shape[axis] % multiple:
            most = x.shape[axis] - 1  # a mirror has no more to show; of one pixel there is none
            add = min(missing, most) if most else missing
            x = pad(x, (0, add, 0, 0) if axis == -1 else (0, 0, 0, add),
                    mode="reflect" if most else "replicate")
    return x
