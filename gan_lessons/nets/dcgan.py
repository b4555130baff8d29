"""Convolutional generators and critics for pictures of side 16 to 256: DCGAN and its kin.

A generator maps z, (B, latent), to pictures in [-1, 1], (B, C, S, S); a critic maps pictures to
scores, (B,), higher for "more real". Radford et al. 2015, arXiv 1511.06434, section 3. Its rules:
strides instead of pooling, nothing fully connected inside, BatchNorm except at the pictures' end
of both networks, ReLU in G, LeakyReLU in D. Every step between 4x4 and the picture doubles or
halves the side: a kernel of 4, stride 2, padding 1; where the side halves, the channels double.

To read: `plain_generator` and `plain_critic`, the 64x64 pair. To use: `generator` and `critic`,
which build the same for any side, and `pair`.
"""

from collections import OrderedDict
from numbers import Integral
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from gan_lessons.util import both, whole_number

SIZES = (16, 32, 64, 128, 256)
NORMS = ("batch", "none", "spectral")
Network = TypeVar("Network", bound=nn.Module)


# ---- to read: the pair for 64x64 pictures in colour ----

def plain_generator() -> nn.Sequential:
    """Return DCGAN's generator: z (B, 100) -> pictures (B, 3, 64, 64) in [-1, 1]."""
    return nn.Sequential(
        nn.Unflatten(1, (100, 1, 1)),                        # z as a picture of one pixel
        nn.ConvTranspose2d(100, 512, 4, 1, 0, bias=False),   # 512 channels of 4x4
        nn.BatchNorm2d(512), nn.ReLU(),
        nn.ConvTranspose2d(512, 256, 4, 2, 1, bias=False),   # 256 x 8x8
        nn.BatchNorm2d(256), nn.ReLU(),
        nn.ConvTranspose2d(256, 128, 4, 2, 1, bias=False),   # 128 x 16x16
        nn.BatchNorm2d(128), nn.ReLU(),
        nn.ConvTranspose2d(128, 64, 4, 2, 1, bias=False),    # 64 x 32x32
        nn.BatchNorm2d(64), nn.ReLU(),
        nn.ConvTranspose2d(64, 3, 4, 2, 1, bias=False),      # 3 x 64x64, and no BatchNorm
        nn.Tanh())


def plain_critic() -> nn.Sequential:
    """Return DCGAN's discriminator: pictures (B, 3, 64, 64) -> scores (B,), without a sigmoid."""
    return nn.Sequential(
        nn.Conv2d(3, 64, 4, 2, 1, bias=False),               # 64 channels of 32x32, no BatchNorm
        nn.LeakyReLU(0.2),
        nn.Conv2d(64, 128, 4, 2, 1, bias=False),             # 128 x 16x16
        nn.BatchNorm2d(128), nn.LeakyReLU(0.2),
        nn.Conv2d(128, 256, 4, 2, 1, bias=False),            # 256 x 8x8
        nn.BatchNorm2d(256), nn.LeakyReLU(0.2),
        nn.Conv2d(256, 512, 4, 2, 1, bias=False),            # 512 x 4x4
        nn.BatchNorm2d(512), nn.LeakyReLU(0.2),
        nn.Conv2d(512, 1, 4, bias=False),                    # one number, 1x1
        nn.Flatten(0))


# ---- to use: the same for any side, any width, with or without BatchNorm ----

def generator(size: int = 64, channels: int = 3, *, latent: int = 100, features: int = 64,
              extra_layers: int = 0, norm: str = "batch", norm_last: bool = False,
              std: float | None = 0.02) -> nn.Sequential:
    """Return z -> 4x4 -> 8x8 -> ... -> size x size.

    Args:
        size: side of the pictures, one of SIZES.
        channels: of the pictures.
        latent: length of z.
        features: channels at half the size; twice as many at a quarter, and so on.
        extra_layers: 3x3 layers at half the size, which keep the shape.
        norm: "batch" or "none"; "spectral" concerns the critic, and G keeps its BatchNorm, as in
            Miyato et al. 2018.
        norm_last: BatchNorm after the ReLU, as source 003 has it, not before, as DCGAN has it.
        std: of the first weights, see `initialise`; None leaves them as torch draws them.

    Raises:
        ValueError: the size is not one of SIZES, or another number makes no sense.
    """
    check_settings(size, channels, latent, features, extra_layers, norm)
    batch = norm != "none"

    def block(n_in: int, n_out: int, kernel: int, stride: int, padding: int) -> nn.Sequential:
        convolution = nn.ConvTranspose2d(n_in, n_out, kernel, stride, padding, bias=not batch)
        return activated(convolution, batch, nn.ReLU(), norm_last)

    n = features * size // 8  # channels at 4x4
    parts = {"z": nn.Unflatten(1, (latent, 1, 1)), "4x4": block(latent, n, 4, 1, 0)}
    side = 4
    while side < size // 2:
        side, n = 2 * side, n // 2
        parts[f"{side}x{side}"] = block(2 * n, n, 4, 2, 1)
    for number in range(1, extra_layers + 1):
        parts[f"extra{number}"] = block(n, n, 3, 1, 1)
    parts[f"{size}x{size}"] = nn.ConvTranspose2d(n, channels, 4, 2, 1, bias=not batch)
    parts["tanh"] = nn.Tanh()
    return initialise(nn.Sequential(OrderedDict(parts)), std)


def critic(size: int = 64, channels: int = 3, *, features: int = 64, extra_layers: int = 0,
           norm: str = "batch", norm_last: bool = False, slope: float = 0.2,
           std: float | None = 0.02) -> nn.Sequential:
    """Return size x size -> half the size -> ... -> 4x4 -> one score: the generator mirrored.

    Where there is BatchNorm no layer has a bias (as in source 003), without it every layer has.

    Args:
        size, channels, features, extra_layers, norm_last, std: as in `generator`.
        norm: "batch"; "none"; or "spectral", which divides every kernel, as a matrix with one row
            an output channel, by its largest singular value (Miyato et al. 2018, arXiv 1802.05957).
        slope: of the LeakyReLU below zero; 0 makes it a ReLU.

    Raises:
        ValueError: as `generator`.
    """
    check_settings(size, channels, 1, features, extra_layers, norm)
    batch = norm == "batch"

    def block(n_in: int, n_out: int, kernel: int, stride: int, normalised: bool) -> nn.Sequential:
        convolution = nn.Conv2d(n_in, n_out, kernel, stride, 1, bias=not batch)
        return activated(convolution, normalised, nn.LeakyReLU(slope), norm_last)

    side, n = size // 2, features
    parts = {f"{side}x{side}": block(channels, n, 4, 2, normalised=False)}
    for number in range(1, extra_layers + 1):
        parts[f"extra{number}"] = block(n, n, 3, 1, normalised=batch)
    while side > 4:
        side, n = side // 2, 2 * n
        parts[f"{side}x{side}"] = block(n // 2, n, 4, 2, normalised=batch)
    parts["score"] = nn.Sequential(nn.Conv2d(n, 1, 4, bias=not batch), OneScore(size))
    network = initialise(nn.Sequential(OrderedDict(parts)), std)
    if norm == "spectral":
        for convolution in [m for m in network.modules() if isinstance(m, nn.Conv2d)]:
            spectral_norm(convolution)
    return network


def activated(convolution: nn.Conv2d | nn.ConvTranspose2d, normalised: bool,
              activation: nn.Module, norm_last: bool) -> nn.Sequential:
    """Return the convolution, BatchNorm if `normalised`, and the activation, in order."""
    if not normalised:
        return nn.Sequential(convolution, activation)
    norm = nn.BatchNorm2d(convolution.out_channels)
    if norm_last:
        return nn.Sequential(convolution, activation, norm)
    return nn.Sequential(convolution, norm, activation)


def pair(size: int = 64, channels: int = 3, *, latent: int = 100, norm: str = "batch",
         critic_norm: str | None = None, slope: float = 0.2, **settings):
    """Return a generator and a critic of the same size; `settings` are those that both know.

    `critic_norm` is the critic's own `norm`; None: the generator's. `slope` is the critic's.
    """
    return (generator(size, channels, latent=latent, norm=norm, **settings),
            critic(size, channels, norm=critic_norm or norm, slope=slope, **settings))


def source_003(size: int = 64, channels: int = 3, *, latent: int = 100, features: int = 64,
               extra_layers: int = 0) -> tuple[nn.Sequential, nn.Sequential]:
    """Return source 003's pair: BatchNorm after the activation, first weights as torch draws them.

    But z comes flat, and the critic gives one score a picture instead of the batch's mean.
    """
    return pair(size, channels, latent=latent, features=features, extra_layers=extra_layers,
                norm_last=True, std=None)


def initialise(network: Network, std: float | None = 0.02) -> Network:
    """Draw the first weights as DCGAN does, and return the network; `std=None` does nothing.

    (Transposed) convolutions: N(0, std), biases 0. BatchNorm: scale N(1, 0.02), shift 0. To draw
    all parameters from N(0, 0.02) is a common mistake: BatchNorm would then fade its input to a
    fiftieth. Which layer is which is asked of its type, not of its name. Spectral norm must come
    after this: it hides the weights that it divides.
    """
    if std is None:
        return network
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1.0, 0.02)
        elif isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.normal_(module.weight, 0.0, std)
        else:
            continue
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    return network


def carry_over(small: nn.Sequential, large: nn.Sequential) -> list[str]:
    """Copy into `large` what `small` has learned; return the names of the parts that fitted.

    The parts are named by the side of what they give, so when the size doubles and `features`
    halve, the inner ones agree. A part that differs in any tensor keeps its first weights: a bias
    is no use without its kernel. In a new game, carry over generator and critic before the first
    step: its moving average and its optimizers then begin from there.

    Raises:
        ValueError: no part fits.
    """
    def shapes(part: nn.Module) -> dict[str, torch.Size]:
        return {name: tensor.shape for name, tensor in part.state_dict().items()}
    known = dict(small.named_children())
    names = [name for name, part in large.named_children()
             if name in known and shapes(part) and shapes(part) == shapes(known[name])]
    if not names:
        raise ValueError(both(
            "没有一层可以沿用：两个网络里没有名字和形状都相同的部分。边长加倍时请把 features 减半，"
            "latent、norm 等设置保持不变，例如 critic(16, features=32) 之后用 "
            "critic(32, features=16)。",
            "Nothing can be carried over: no part of the two networks has the same name and "
            "shapes. When the size doubles, halve `features` and keep latent, norm and the rest, "
            "for example critic(16, features=32) and then critic(32, features=16)."))
    for name in names:  # such as "4x4", "8x8": same name, same shapes
        learned = known[name].state_dict()  # weights and BatchNorm's statistics
        large.get_submodule(name).load_state_dict(learned)
    return names


class OneScore(nn.Module):
    """Turn (B, 1, 1, 1) into (B,); of larger pictures the last convolution makes a map instead."""

    def __init__(self, size: int):
        super().__init__()
        self.size = size

    def forward(self, x: Tensor) -> Tensor:
        """Return the scores, (B,); raise ValueError when there is more than one a picture."""
        if x.shape[1:] != (1, 1, 1):
            raise ValueError(both(
                f"这个判别器用于一批边长 {self.size} 的图片，收到的图片更大，或者不是一批（缺少"
                "第一维）。请先缩放图片，或按图片的大小新建判别器。",
                f"This critic takes batches of pictures of side {self.size}; these are larger, or "
                "no batch (the first axis is missing). Resize them, or make a critic of their "
                "size."))
        return x.flatten().float()  # in full precision, whatever the layers calculate with


@torch.no_grad()
def shape_trail(network: nn.Sequential, x: Tensor) -> list[tuple[str, tuple[int, ...]]]:
    """Return [(name of the part, shape of what it gives), ...], after ("input", shape of x).

    The network is left as it was: it works in evaluation mode here, BatchNorm learns nothing.
    """
    trail, was_training = [("input", tuple(x.shape))], network.training
    network.eval()
    try:
        for name, part in network.named_children():
            x = part(x)
            trail.append((name, tuple(x.shape)))
    finally:
        network.train(was_training)
    return trail


def check_settings(size, channels, latent, features, extra_layers, norm) -> None:
    """Raise ValueError for settings that no network can be built with."""
    if not isinstance(size, Integral) or size not in SIZES:
        sizes = ", ".join(map(str, SIZES))
        raise ValueError(both(
            f"size 只能取 {sizes} 之一，收到的是 {size!r}：这里的网络从 4x4 起，每一层把边长"
            "加倍。请把图片缩放到其中一个尺寸。",
            f"size must be one of {sizes}; got {size!r}: these networks start from 4x4, and every "
            "layer doubles the side. Resize the pictures to one of these sizes."))
    if norm not in NORMS:
        raise ValueError(both(f"norm 只能取 {', '.join(NORMS)} 之一，收到的是 {norm!r}。",
                              f"norm must be one of {', '.join(NORMS)}; got {norm!r}."))
    for name, value, least in (("channels", channels, 1), ("latent", latent, 1),
                               ("features", features, 1), ("extra_layers", extra_layers, 0)):
        whole_number(name, value, least)
