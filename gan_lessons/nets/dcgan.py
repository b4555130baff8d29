"""Convolutional generators and critics for pictures of side 16 to 256: DCGAN and its kin.

A generator maps z, (B, latent), to pictures in [-1, 1], (B, C, S, S); a critic maps pictures to
scores, (B,), higher for "more real". Radford et al. 2015, arXiv 1511.06434, section 3. Its rules:
strides instead of pooling, nothing fully connected inside, BatchNorm except at the pictures' end
of both networks, ReLU in G, LeakyReLU in D. Every step between 4x4 and the picture doubles or
halves the side: a kernel of 4, stride 2, padding 1; where the side halves, the channels double.
"""

import math
from collections import OrderedDict
from numbers import Integral

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from gan_lessons.util import both, whole_number

SIZES = (16, 32, 64, 128, 256)
NORMS = ("batch", "none", "spectral")


def generator(size: int = 64, channels: int = 3, *, latent: int = 100, features: int = 64,
              extra_layers: int = 0, norm: str = "batch", norm_last: bool = False,
              std: float | None = 0.02) -> nn.Sequential:
    """Return z -> 4x4 -> 8x8 -> ... -> size x size, with `features` channels at half the size.

    extra_layers: 3x3 layers at half the size, which keep the shape;  norm: "batch" or "none";
    "spectral" concerns the critic, and G keeps its BatchNorm, as in Miyato et al. 2018;
    norm_last: BatchNorm after the ReLU, as source 003 has it, and not before, as DCGAN has it;
    std: of the first weights, see `initialise`; None leaves them as torch draws them.

    Raises ValueError for a size that is not a power of two from 16 to 256, and other nonsense.
    """
    widths = _widths(size, channels, latent, features, extra_layers, norm)[::-1]
    batch, n = norm != "none", widths[-1]

    def block(n_in, n_out, kernel, stride, padding):
        convolution = nn.ConvTranspose2d(n_in, n_out, kernel, stride, padding, bias=not batch)
        return _block(convolution, batch, nn.ReLU(), norm_last)
    parts = {"z": nn.Unflatten(1, (latent, 1, 1)), "4x4": block(latent, widths[0], 4, 1, 0)}
    for step, (wide, narrow) in enumerate(zip(widths, widths[1:], strict=False)):
        parts[_side(8 * 2**step)] = block(wide, narrow, 4, 2, 1)
    for number in range(extra_layers):
        parts[f"extra{number + 1}"] = block(n, n, 3, 1, 1)
    parts[_side(size)] = nn.ConvTranspose2d(n, channels, 4, 2, 1, bias=not batch)
    return initialise(nn.Sequential(OrderedDict(parts, tanh=nn.Tanh())), std)


def critic(size: int = 64, channels: int = 3, *, features: int = 64, extra_layers: int = 0,
           norm: str = "batch", norm_last: bool = False, slope: float = 0.2,
           std: float | None = 0.02) -> nn.Sequential:
    """Return size x size -> half the size -> ... -> 4x4 -> one score: the generator mirrored.

    norm: "batch"; "none"; or "spectral", which divides every kernel, as a matrix with one row an
    output channel, by its largest singular value (Miyato et al. 2018, arXiv 1802.05957);
    slope: of the LeakyReLU below zero, 0 makes it a ReLU;  the rest as in `generator`.
    Where there is BatchNorm no layer has a bias (as in source 003), without it every layer has.
    """
    widths = _widths(size, channels, 1, features, extra_layers, norm)
    batch = norm == "batch"

    def block(n_in, n_out, kernel, stride, normalised=batch):
        convolution = nn.Conv2d(n_in, n_out, kernel, stride, 1, bias=not batch)
        return _block(convolution, normalised, nn.LeakyReLU(slope), norm_last)
    parts = {_side(size // 2): block(channels, features, 4, 2, normalised=False)}
    for number in range(extra_layers):
        parts[f"extra{number + 1}"] = block(features, features, 3, 1)
    for step, (narrow, wide) in enumerate(zip(widths, widths[1:], strict=False)):
        parts[_side(size // 4 // 2**step)] = block(narrow, wide, 4, 2)
    parts["score"] = nn.Sequential(nn.Conv2d(widths[-1], 1, 4, bias=not batch), OneScore(size))
    network = initialise(nn.Sequential(OrderedDict(parts)), std)
    if norm == "spectral":
        for convolution in [m for m in network.modules() if isinstance(m, nn.Conv2d)]:
            spectral_norm(convolution)
    return network


def pair(size: int = 64, channels: int = 3, *, latent: int = 100, **settings):
    """Return a generator and a critic of the same size; `settings` are those that both know."""
    return (generator(size, channels, latent=latent, **settings),
            critic(size, channels, **settings))


def source_003(size: int = 64, channels: int = 3, *, latent: int = 100, features: int = 64,
               extra_layers: int = 0) -> tuple[nn.Sequential, nn.Sequential]:
    """Return source 003's pair: BatchNorm after the activation, first weights as torch draws them.

    But z comes flat, and the critic gives one score a picture instead of the batch's mean.
    """
    return pair(size, channels, latent=latent, features=features, extra_layers=extra_layers,
                norm_last=True, std=None)


def initialise(network: nn.Module, std: float | None = 0.02) -> nn.Module:
    """Draw the first weights as DCGAN does, and return the network; `std=None` does nothing.

    (Transposed) convolutions: N(0, std), biases 0. BatchNorm: scale N(1, 0.02), shift 0. To draw
    all parameters from N(0, 0.02) is a common mistake: BatchNorm would then fade its input to a
    fiftieth. Which layer is which is asked of its type, not of its name. Spectral norm must come
    after this: it hides the weights that it divides.
    """
    for module in network.modules() if std is not None else ():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1.0, 0.02)
        elif isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.normal_(module.weight, 0.0, std)
        else:
            continue
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    return network


@torch.no_grad()
def carry_over(small: nn.Sequential, large: nn.Sequential) -> list[str]:
    """Copy into `large` what `small` has learned, and return the names of the parts that fitted.

    Gradual resizing: a network for the next size goes on where the smaller one stopped. The parts
    are named by the side of what they give ("4x4", "8x8"), so when the size doubles and `features`
    halve, the inner ones agree. A part is copied, with its BatchNorm statistics, if a part of the
    same name has the same tensors; one that differs in any keeps its first weights, for a bias
    is no use without its kernel. `small` is left as it was.
    Of a new game, carry over generator and critic before its first step: its moving average and
    its optimizers then begin from there.

    Raises ValueError when no part fits.
    """
    known, carried = dict(small.named_children()), []
    for name, part in large.named_children():
        theirs = known[name].state_dict() if name in known else {}
        if theirs and _shapes(theirs) == _shapes(part.state_dict()):
            part.load_state_dict(theirs)
            carried.append(name)
    if not carried:
        raise ValueError(both(
            "没有一层可以沿用：两个网络里没有名字和形状都相同的部分。边长加倍时请把 features 减半，"
            "latent、norm 等设置保持不变，例如 critic(16, features=32) 之后用 "
            "critic(32, features=16)。",
            "Nothing can be carried over: no part of the two networks has the same name and "
            "shapes. When the size doubles, halve `features` and keep latent, norm and the rest, "
            "for example critic(16, features=32) and then critic(32, features=16)."))
    return carried


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


def _block(convolution: nn.Module, batch: bool, activation: nn.Module, norm_last: bool):
    rest = [nn.BatchNorm2d(convolution.out_channels), activation] if batch else [activation]
    return nn.Sequential(convolution, *(rest[::-1] if norm_last else rest))


def _shapes(tensors: dict[str, Tensor]) -> dict[str, torch.Size]:
    return {name: tensor.shape for name, tensor in tensors.items()}


def _side(side: int) -> str:
    return f"{side}x{side}"


def _widths(size, channels, latent, features, extra_layers, norm) -> list[int]:
    """Return the channels at half the size, a quarter, ..., 4x4, after a look at the settings."""
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
    return [features * 2**step for step in range(int(math.log2(size)) - 2)]
