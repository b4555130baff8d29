"""Residual networks for pictures of side 32 and 64: SN-GAN's of 2018 and R3GAN's of 2024.

A generator maps z, (B, latent), to pictures, (B, C, S, S); a critic maps pictures to scores, (B,),
float32, higher for "more real". In both families a block adds something to what it was given,
x + f(x), so that depth costs no gradient. What differs is how the growing sum is kept in bounds:
SN-GAN normalises (BatchNorm in G, spectral norm in D), R3GAN begins with f = 0 and normalises
nothing. The settings are small, for a processor; those of the papers stand beside them.
"""

import math
from itertools import pairwise
from numbers import Integral

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, leaky_relu, relu
from torch.nn.utils.parametrizations import spectral_norm

from gan_lessons.util import both, whole_number

SIZES = (32, 64)
SLOPE = 0.2  # of R3GAN's leaky ReLU below zero


# ---- SN-GAN: Miyato et al. 2018, arXiv 1802.05957, appendix B.4 ----

def sngan_pair(size: int = 32, channels: int = 3, latent: int = 64, features: int = 16):
    """Return the ResNet generator and critic of SN-GAN.

    In bfloat16, with the hinge loss, about the pace of `dcgan.pair` with 32 features and R1 + R2;
    `.to(memory_format=torch.channels_last)` for both networks makes that two fifths faster.

    At 32x32 all layers of the critic have `features` channels, those of the generator twice as
    many; the paper has 128 and 256. At 64x64 the channels double where the side halves, as in the
    authors' code (pfnet-research/sngan_projection, 64 at the picture's side).

    Args:
        size: side of the pictures, 32 or 64.
        channels: of the pictures.
        latent: length of z.
        features: channels of the critic at the picture's side.

    Raises:
        ValueError: the size is neither, or another number makes no sense.
    """
    check_settings(size, channels, latent, features)
    if size == 32:
        painter, judge = [2 * features] * 4, [features] * 4
    else:
        painter = [features * factor for factor in (16, 8, 4, 2, 1)]
        judge = [features * factor for factor in (1, 2, 4, 8, 16)]
    return SNGANGenerator(channels, latent, painter), SNGANCritic(channels, judge)


class SNGANGenerator(nn.Module):
    """z -> 4x4 -> one block for each doubling of the side -> pictures in [-1, 1]."""

    def __init__(self, channels: int, latent: int, widths: list[int]):
        super().__init__()
        self.first = glorot(nn.Linear(latent, 16 * widths[0]))
        self.shape = nn.Unflatten(1, (widths[0], 4, 4))
        self.blocks = nn.Sequential(*[UpBlock(n_in, n_out) for n_in, n_out in pairwise(widths)])
        self.norm = nn.BatchNorm2d(widths[-1])
        self.last = glorot(nn.Conv2d(widths[-1], channels, 3, padding=1))

    def forward(self, z: Tensor) -> Tensor:
        """Return pictures (B, C, S, S)."""
        x = self.blocks(self.shape(self.first(z)))
        return torch.tanh(self.last(relu(self.norm(x))))


class UpBlock(nn.Module):
    """A residual block that doubles the side: BatchNorm, ReLU, enlarge, 3x3, and 3x3 again."""

    def __init__(self, n_in: int, n_out: int):
        super().__init__()
        self.norm1, self.norm2 = nn.BatchNorm2d(n_in), nn.BatchNorm2d(n_out)
        self.conv1 = glorot(nn.Conv2d(n_in, n_out, 3, padding=1), gain=math.sqrt(2))
        self.conv2 = glorot(nn.Conv2d(n_out, n_out, 3, padding=1), gain=math.sqrt(2))
        self.shortcut = glorot(nn.Conv2d(n_in, n_out, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, n_out, 2S, 2S)."""
        inner = self.conv1(interpolate(relu(self.norm1(x)), scale_factor=2))
        inner = self.conv2(relu(self.norm2(inner)))
        return inner + interpolate(self.shortcut(x), scale_factor=2)


class SNGANCritic(nn.Module):
    """Pictures -> blocks, the first of which halve the side -> sum over all places -> a score.

    Every layer's weights are divided by their largest singular value.
    """

    def __init__(self, channels: int, widths: list[int]):
        super().__init__()
        halvings = 2 if len(widths) == 4 else 5  # 32x32 to 8x8, 64x64 to 2x2
        self.blocks = nn.Sequential(*[
            DownBlock(n_in, n_out, first=i == 0, halve=i < halvings)
            for i, (n_in, n_out) in enumerate(pairwise([channels, *widths]))])
        self.score = spectral_norm(glorot(nn.Linear(widths[-1], 1, bias=False)))

    def forward(self, x: Tensor) -> Tensor:
        """Return the scores, (B,), in float32."""
        features = relu(self.blocks(x)).sum((2, 3))
        return self.score(features).flatten().float()


class DownBlock(nn.Module):
    """A residual block: ReLU (not where the block sees the picture itself), 3x3, ReLU, 3x3."""

    def __init__(self, n_in: int, n_out: int, *, first: bool, halve: bool):
        super().__init__()
        self.first, self.halve = first, halve
        self.conv1 = spectral_norm(glorot(nn.Conv2d(n_in, n_out, 3, padding=1), math.sqrt(2)))
        self.conv2 = spectral_norm(glorot(nn.Conv2d(n_out, n_out, 3, padding=1), math.sqrt(2)))
        self.shortcut: nn.Module = nn.Identity()
        if halve or n_in != n_out:
            self.shortcut = spectral_norm(glorot(nn.Conv2d(n_in, n_out, 1)))

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, n_out, S/2, S/2), or (B, n_out, S, S) where the side stays."""
        inner = x if self.first else relu(x)
        inner = self.conv2(relu(self.conv1(inner)))
        if self.halve:  # the mean of 2x2 pixels; a 1x1 layer may come before or after it
            inner, x = avg_pool2d(inner, 2), avg_pool2d(x, 2)
        return inner + self.shortcut(x)


# ---- R3GAN: Huang et al. 2024, arXiv 2501.05441, section 4 ----

def r3gan_pair(size: int = 32, channels: int = 3, latent: int = 64, features: int = 16, *,
               blocks: int = 1, group: int = 16, stride: int = 2):
    """Return a generator and a critic in the style of R3GAN: each mirrors the other.

    A stage for each side from 4x4 on, with `blocks` residual blocks; nothing is normalised. The
    channels double where the side halves, up to four times `features`. The paper has 768
    throughout, 2 blocks a stage, and stages up to the picture's own side, `stride=1`. That last
    stage costs a processor more than all others together, so by default (`stride=2`) the stages
    end at half the side, and one layer leads from there to the picture: then a step with R1 + R2
    takes about as long as with `dcgan.pair` and 32 features. Grouped layers are no bargain there:
    with groups of 8, 16 and 64 channels a step took 1 : 1.1 : 1.3.

    Args:
        size: side of the pictures, 32 or 64.
        channels: of the pictures.
        latent: length of z.
        features: channels of the stage next to the picture; a multiple of half a `group`.
        blocks: residual blocks in a stage.
        group: channels in a group of the 3x3 layers; the paper has 16.
        stride: 1 or 2: the picture's side, divided by the largest side with blocks.

    Raises:
        ValueError: the size is neither, or another number makes no sense.
    """
    check_settings(size, channels, latent, features)
    whole_number("blocks", blocks, 1)
    if 2 * features % whole_number("group", group, 1):
        raise ValueError(both(
            f"features 的两倍必须是 group 的整数倍，收到的是 {features} 和 {group}。",
            f"Twice `features` must be a multiple of `group`; got {features} and {group}."))
    if stride not in (1, 2):
        raise ValueError(both(f"stride 只能是 1 或 2，收到的是 {stride!r}。",
                              f"stride must be 1 or 2; got {stride!r}."))
    stages = int(math.log2(size // stride)) - 1  # 4x4, 8x8, ...
    widths = [features * min(2 ** i, 4) for i in reversed(range(stages))]
    return (R3GANGenerator(channels, latent, widths, blocks, group, stride),
            R3GANCritic(channels, widths[::-1], blocks, group, stride))


class R3GANGenerator(nn.Module):
    """z -> learned 4x4 pictures, mixed -> a stage for each side -> pictures.

    There is no tanh: training lets pixels leave [-1, 1], in evaluation mode they are cut there.
    """

    def __init__(self, channels: int, latent: int, widths: list[int], blocks: int, group: int,
                 stride: int):
        super().__init__()
        total = blocks * len(widths)
        self.mix = scaled(nn.Linear(latent, widths[0], bias=False))
        self.basis = nn.Parameter(torch.randn(widths[0], 4, 4))  # one 4x4 picture a channel
        layers: list[nn.Module] = [Block(widths[0], group, total) for _ in range(blocks)]
        for n_in, n_out in pairwise(widths):
            if n_in != n_out:
                layers.append(scaled(nn.Conv2d(n_in, n_out, 1, bias=False)))
            layers.append(nn.Upsample(scale_factor=2, mode="bilinear"))
            layers += [Block(n_out, group, total) for _ in range(blocks)]
        self.stages = nn.Sequential(*layers)
        if stride == 1:
            self.paint = scaled(nn.Conv2d(widths[-1], channels, 1, bias=False))
        else:  # the four pixels of each place, as four times the channels
            last = scaled(nn.Conv2d(widths[-1], 4 * channels, 3, padding=1, bias=False))
            self.paint = nn.Sequential(last, nn.PixelShuffle(2))

    def forward(self, z: Tensor) -> Tensor:
        """Return pictures (B, C, S, S)."""
        pictures = self.paint(self.stages(self.mix(z)[:, :, None, None] * self.basis))
        return pictures if self.training else pictures.clamp(-1, 1)


class R3GANCritic(nn.Module):
    """Pictures -> a stage for each side -> one 4x4 kernel a channel -> a score."""

    def __init__(self, channels: int, widths: list[int], blocks: int, group: int,
                 stride: int):
        super().__init__()
        total, n = blocks * len(widths), widths[-1]
        first = nn.Conv2d(channels, widths[0], 1, bias=False)
        if stride == 2:
            first = nn.Conv2d(channels, widths[0], 4, stride=2, padding=1, bias=False)
        layers: list[nn.Module] = [scaled(first)]
        for n_in, n_out in pairwise(widths):
            layers += [Block(n_in, group, total) for _ in range(blocks)]
            layers.append(nn.AvgPool2d(2))
            if n_in != n_out:
                layers.append(scaled(nn.Conv2d(n_in, n_out, 1, bias=False)))
        layers += [Block(n, group, total) for _ in range(blocks)]
        self.stages = nn.Sequential(*layers)
        self.basis = scaled(nn.Conv2d(n, n, 4, groups=n, bias=False))
        self.score = scaled(nn.Linear(n, 1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        """Return the scores, (B,), in float32."""
        return self.score(self.basis(self.stages(x)).flatten(1)).flatten().float()


class Block(nn.Module):
    """x + f(x) with f: 1x1 to twice the channels, 3x3 within groups of them, 1x1 back.

    A grouped 3x3 layer costs `group` / (2 n) of a full one, which pays for the doubling. The last
    layer begins at zero, so that f = 0 and a deep network begins as a shallow one; the other two
    begin smaller the more blocks there are, since each will add its part to the sum (fix-up:
    Zhang et al. 2019, arXiv 1901.09321). Biases only before the leaky ReLUs.
    """

    def __init__(self, n: int, group: int, total: int):
        super().__init__()
        gain = math.sqrt(2 / (1 + SLOPE ** 2)) * total ** -0.25  # He's, and fix-up's for 3 layers
        groups = 2 * n // group
        self.widen = scaled(nn.Conv2d(n, 2 * n, 1), gain)
        self.spread = scaled(nn.Conv2d(2 * n, 2 * n, 3, padding=1, groups=groups), gain)
        self.narrow = scaled(nn.Conv2d(2 * n, n, 1, bias=False), 0.0)

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of the shape of x."""
        inner = leaky_relu(self.widen(x), SLOPE)
        inner = leaky_relu(self.spread(inner), SLOPE)
        return x + self.narrow(inner)


# ---- first weights, and what both refuse ----

def glorot(layer, gain: float = 1.0):
    """Draw the first weights uniformly (Glorot and Bengio 2010), biases 0; return the layer."""
    nn.init.xavier_uniform_(layer.weight, gain)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def scaled(layer, gain: float = 1.0):
    """Draw weights from N(0, gain^2 / inputs of one output), biases 0; return the layer."""
    nn.init.normal_(layer.weight, 0.0, gain / math.sqrt(layer.weight[0].numel()))
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def check_settings(size, channels, latent, features) -> None:
    """Raise ValueError for settings that no network can be built with."""
    if not isinstance(size, Integral) or size not in SIZES:
        raise ValueError(both(
            f"size 只能是 32 或 64，收到的是 {size!r}。请把图片缩放到其中一个尺寸。",
            f"size must be 32 or 64; got {size!r}. Resize the pictures to one of these sizes."))
    for name, value in (("channels", channels), ("latent", latent), ("features", features)):
        whole_number(name, value, 1)
