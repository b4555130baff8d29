"""Networks that turn a picture into a picture, and a critic that judges it patch by patch.

A generator maps pictures in [-1, 1], (B, C, H, W), to pictures of the same height and width; both
must be multiples of its `multiple` (`cycle.translate` pads pictures of any other shape). A critic
maps pictures to a map of scores, (B, h, w), one for each patch, higher for "more real": the losses
take the mean over them all, as if each patch were a picture.

Every network is convolutional from end to end and fits any side. They are small, for a processor;
the settings of the papers stand beside them. All have InstanceNorm, which normalises each channel
of each picture by itself (Ulyanov et al. 2016, arXiv 1607.08022): a batch may hold one picture.
"""

import torch
from torch import Tensor, nn

from gan_lessons.nets.dcgan import initialise
from gan_lessons.util import both, whole_number

SLOPE = 0.2  # of the leaky ReLUs below zero


# ---- generators ----

class ResnetGenerator(nn.Module):
    """Down, a few residual blocks, and up again. Johnson et al. 2016, arXiv 1603.08155.

    As in CycleGAN (Zhu et al. 2017, arXiv 1703.10593, appendix 7.2), which has 64 features, 2
    halvings, 9 blocks at 256x256 and 6 at 128x128. Edges are padded with their own mirror image:
    zeros would show.
    """

    def __init__(self, channels_in: int, channels_out: int, features: int, downs: int,
                 blocks: int = 3):
        super().__init__()
        self.channels, self.multiple = channels_in, 2 ** downs
        layers: list[nn.Module] = [
            nn.ReflectionPad2d(3), nn.Conv2d(channels_in, features, 7),
            nn.InstanceNorm2d(features), nn.ReLU()]
        n = features
        for _ in range(downs):  # halve the side, double the channels
            layers += [nn.Conv2d(n, 2 * n, 3, 2, 1), nn.InstanceNorm2d(2 * n), nn.ReLU()]
            n = 2 * n
        layers += [ResidualBlock(n) for _ in range(blocks)]
        for _ in range(downs):  # and back
            layers += [nn.ConvTranspose2d(n, n // 2, 3, 2, 1, output_padding=1),
                       nn.InstanceNorm2d(n // 2), nn.ReLU()]
            n = n // 2
        layers += [nn.ReflectionPad2d(3), nn.Conv2d(n, channels_out, 7), nn.Tanh()]
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """Return pictures of the same height and width."""
        return self.layers(x)


class ResidualBlock(nn.Module):
    """x + f(x), f two 3x3 convolutions with InstanceNorm; no ReLU after the sum."""

    def __init__(self, n: int):
        super().__init__()
        self.inner = nn.Sequential(
            nn.ReflectionPad2d(1), nn.Conv2d(n, n, 3), nn.InstanceNorm2d(n), nn.ReLU(),
            nn.ReflectionPad2d(1), nn.Conv2d(n, n, 3), nn.InstanceNorm2d(n))

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, n, H, W)."""
        return x + self.inner(x)


class UnetGenerator(nn.Module):
    """Halve the side again and again, then double it, with a shortcut across at every side.

    What a layer gives on the way down is handed to the layer of the same side on the way up, so
    that edges need not pass through the narrow middle. Ronneberger et al. 2015, arXiv 1505.04597;
    as in pix2pix (Isola et al. 2016, arXiv 1611.07004, section 6.1.1), which has 64 features, 8
    halvings at 256x256 and dropout, in place of noise, that hardly changes what comes out.
    """

    def __init__(self, channels_in: int, channels_out: int, features: int, downs: int):
        super().__init__()
        self.channels, self.multiple = channels_in, 2 ** downs
        widths = [features * min(2 ** i, 8) for i in range(downs)]  # at 1/2, 1/4, ... of the side
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        for i, (n_in, n_out) in enumerate(zip([channels_in, *widths], widths, strict=False)):
            # no norm where the layer sees the picture, nor in the middle, which may be one pixel
            inside = 0 < i < downs - 1
            self.down.append(nn.Sequential(
                nn.LeakyReLU(SLOPE) if i > 0 else nn.Identity(),
                nn.Conv2d(n_in, n_out, 4, 2, 1),
                nn.InstanceNorm2d(n_out) if inside else nn.Identity()))
        for i in reversed(range(1, downs)):
            n_in = widths[i] if i == downs - 1 else 2 * widths[i]  # with what came across
            self.up.append(nn.Sequential(
                nn.ReLU(), nn.ConvTranspose2d(n_in, widths[i - 1], 4, 2, 1),
                nn.InstanceNorm2d(widths[i - 1])))
        self.last = nn.Sequential(
            nn.ReLU(), nn.ConvTranspose2d(2 * widths[0] if downs > 1 else widths[0], channels_out,
                                          4, 2, 1), nn.Tanh())

    def forward(self, x: Tensor) -> Tensor:
        """Return pictures of the same height and width."""
        across = []
        for layer in self.down:
            x = layer(x)
            across.append(x)
        across.pop()  # the middle itself
        for layer in self.up:
            x = torch.cat([layer(x), across.pop()], 1)
        return self.last(x)


GENERATORS = {"unet": UnetGenerator, "resnet": ResnetGenerator}  # pix2pix's, CycleGAN's


def generator(network: str, channels_in: int = 3, channels_out: int = 3, features: int = 16,
              downs: int = 3) -> nn.Module:
    """Return a generator, with its first weights, by the name of its network.

    Args:
        network: One of GENERATORS.
        channels_in: Of the pictures it takes.
        channels_out: Of those it gives.
        features: Channels of the first layer; they double where the side halves.
        downs: How often the side halves.
    """
    if network not in GENERATORS:
        names = ", ".join(GENERATORS)
        raise ValueError(both(f"network 只能取 {names} 之一，收到 {network!r}。",
                              f"network must be one of {names}; got {network!r}."))
    check(channels_in=channels_in, channels_out=channels_out, features=features, downs=downs)
    return initialise(GENERATORS[network](channels_in, channels_out, features, downs))


# ---- the critic ----

def patch_critic(channels: int = 3, *, features: int = 16, downs: int = 1,
                 norm: str = "instance") -> nn.Sequential:
    """Return PatchGAN: pictures (B, channels, H, W) -> scores of patches (B, h, w).

    Layers of 4x4: `downs` with stride 2, two more with stride 1. Isola et al. 2016, arXiv
    1611.07004, section 3.2.2 and 6.1.2, with 64 features and 3 halvings: patches of 70x70, for
    pictures of 256x256.

    Args:
        channels: Of the pictures; of pix2pix's pairs, those of both.
        features: Channels after the first layer; they double with each layer, up to eightfold.
        downs: How often the side halves: 1, 2, 3 for patches of 16, 34, 70 pixels.
        norm: "instance", as in the papers, or "none". Only without it a score sees its patch and
            no more: InstanceNorm takes mean and spread over the whole picture.
    """
    check(channels=channels, features=features, downs=downs)
    if norm not in ("instance", "none"):
        raise ValueError(both(f"norm 只能取 instance 或 none，收到的是 {norm!r}。",
                              f"norm must be instance or none; got {norm!r}."))
    layers: list[nn.Module] = [nn.Conv2d(channels, features, 4, 2, 1), nn.LeakyReLU(SLOPE)]
    n = features
    for stride in [2] * (downs - 1) + [1]:
        n_out = min(2 * n, 8 * features)
        layers.append(nn.Conv2d(n, n_out, 4, stride, 1))
        if norm == "instance":
            layers.append(nn.InstanceNorm2d(n_out))
        layers.append(nn.LeakyReLU(SLOPE))
        n = n_out
    layers += [nn.Conv2d(n, 1, 4, 1, 1), PatchScores()]
    return initialise(nn.Sequential(*layers))


class PatchScores(nn.Module):
    """Turn (B, 1, h, w) into (B, h, w), in full precision."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the map of scores."""
        return x.squeeze(1).float()


def check(**numbers: int) -> None:
    """Raise ValueError for a number of channels or layers that is no whole number above 0."""
    for name, value in numbers.items():
        whole_number(name, value, 1)
