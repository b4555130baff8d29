"""The networks of fastai's GAN lessons, layer by layer as they were, so that sizes agree.

A block is convolution, activation, BatchNorm, in this order; DCGAN has BatchNorm before the
activation. Compare `gan_lessons.nets.dcgan`, the networks of the other lessons.
"""

from enum import Enum
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from gan_lessons.util import both, whole_number


class NormType(Enum):
    """How `conv_layer` normalises: `NormType.Batch`, `NormType.Spectral`, or None."""

    Batch = 1
    Spectral = 2


def conv_layer(ni: int, nf: int, ks: int = 3, stride: int = 1, padding: int | None = None,
               bias: bool | None = None, norm_type: NormType | None = NormType.Batch,
               use_activ: bool = True, leaky: float | None = None, transpose: bool = False,
               self_attention: bool = False) -> nn.Sequential:
    """Return convolution, (leaky) ReLU, BatchNorm, self-attention: those that are asked for.

    The kernels start as kaiming_normal_ draws them (He et al. 2015, arXiv 1502.01852).

    Args:
        ni, nf: channels in and out
        ks, stride, padding: of the convolution; padding is (ks - 1) // 2 unless given, 0 when
            transposed
        bias: only where there is no BatchNorm, unless given
        norm_type: see NormType
        use_activ, leaky: whether there is an activation; its slope below zero, None is ReLU
        transpose, self_attention: a transposed convolution; SelfAttention at the end
    """
    batch = norm_type is NormType.Batch
    if padding is None:
        padding = 0 if transpose else (ks - 1) // 2
    kind = nn.ConvTranspose2d if transpose else nn.Conv2d
    convolution = _initialised(kind(ni, nf, ks, stride, padding,
                                    bias=not batch if bias is None else bias))
    layers = [spectral_norm(convolution) if norm_type is NormType.Spectral else convolution]
    if use_activ:
        layers.append(nn.LeakyReLU(leaky, inplace=True) if leaky else nn.ReLU(inplace=True))
    if batch:
        layers.append(nn.BatchNorm2d(nf))
    if self_attention:
        layers.append(SelfAttention(nf))
    return nn.Sequential(*layers)


def basic_generator(in_size: int, n_channels: int, noise_sz: int = 100, n_features: int = 64,
                    n_extra_layers: int = 0, **conv_kwargs) -> nn.Sequential:
    """Return noise (B, noise_sz, 1, 1) -> 4x4 -> ... -> pictures (B, n_channels, S, S) in [-1, 1].

    Args:
        in_size: S, a power of two from 8; ValueError for another
        n_channels, noise_sz: channels of the pictures, length of the noise
        n_features: channels at half the size
        n_extra_layers: 3x3 blocks at half the size
        conv_kwargs: for `conv_layer`
    """
    widths = list(reversed(_widths(in_size, n_features)))
    layers = [conv_layer(noise_sz, widths[0], 4, 1, transpose=True, **conv_kwargs)]
    for wide, narrow in pairwise(widths):
        layers.append(conv_layer(wide, narrow, 4, 2, 1, transpose=True, **conv_kwargs))
    for _ in range(whole_number("n_extra_layers", n_extra_layers, 0)):
        layers.append(conv_layer(n_features, n_features, 3, 1, 1, transpose=True, **conv_kwargs))
    last = nn.ConvTranspose2d(n_features, n_channels, 4, 2, 1, bias=False)  # torch's first weights
    return Sized((noise_sz, 1, 1), *layers, last, nn.Tanh())


def basic_critic(in_size: int, n_channels: int, n_features: int = 64, n_extra_layers: int = 0,
                 per_sample: bool = False, **conv_kwargs) -> nn.Sequential:
    """Return pictures (B, n_channels, S, S) -> half the size -> ... -> 4x4 -> one number, (1,).

    That is the mean score of the whole batch. Penalties and most losses want a score for each
    picture, (B,): `per_sample=True`. The rest as in `basic_generator`.
    """
    widths = _widths(in_size, n_features)
    settings = {"leaky": 0.2, **conv_kwargs}
    first = conv_layer(n_channels, n_features, 4, 2, 1, **{**settings, "norm_type": None})
    extra = [conv_layer(n_features, n_features, 3, 1, **settings)
             for _ in range(whole_number("n_extra_layers", n_extra_layers, 0))]
    halving = [conv_layer(narrow, wide, 4, 2, 1, **settings) for narrow, wide in pairwise(widths)]
    score = _initialised(nn.Conv2d(widths[-1], 1, 4, bias=False))
    return Sized((n_channels, in_size, in_size), first, nn.Sequential(*extra), *halving, score,
                 AvgFlatten(per_sample))


def gan_critic(n_channels: int = 3, nf: int = 128, n_blocks: int = 3,
               p: float = 0.15) -> nn.Sequential:
    """Return a critic with spectral norm, dropout `p` and self-attention, for `from_learners`.

    It judges patches, not pictures: (B, n_channels, S, S) -> (B, n), where n is 25 for S = 128
    and 121 for S = 224. It has no BatchNorm. Spectral norm: Miyato et al. 2018, arXiv 1802.05957;
    self-attention: Zhang et al. 2019, arXiv 1805.08318.

    Args:
        n_channels: of the pictures
        nf: channels after the first layer
        n_blocks: how often the size is halved and the channels are doubled after that
        p: of the dropout
    """
    settings = {"leaky": 0.2, "norm_type": NormType.Spectral}
    layers = [conv_layer(n_channels, nf, 4, 2, **settings), nn.Dropout2d(p / 2),
              DenseBlock(nf, **settings)]
    nf *= 2
    for number in range(whole_number("n_blocks", n_blocks, 0)):
        attention = number == 0  # only where the picture is largest
        layers += [nn.Dropout2d(p),
                   conv_layer(nf, 2 * nf, 4, 2, self_attention=attention, **settings)]
        nf *= 2
    score = conv_layer(nf, 1, 4, bias=False, padding=0, use_activ=False,
                       norm_type=NormType.Spectral)
    return nn.Sequential(*layers, score, nn.Flatten())


class Sized(nn.Sequential):
    """Layers in a row for a batch of items of one `shape`; others are turned away with a reason."""

    def __init__(self, shape: tuple[int, int, int], *layers: nn.Module):
        super().__init__(*layers)
        self.shape = tuple(shape)

    def forward(self, x: Tensor) -> Tensor:
        """Return what the last layer makes of x, (B, *shape); raise ValueError for other shapes."""
        if x.ndim != 4 or tuple(x.shape[1:]) != self.shape:
            shape = ", ".join(map(str, self.shape))
            raise ValueError(both(
                f"这个网络接受形状为 (B, {shape}) 的一批输入，收到的形状是 {tuple(x.shape)}。"
                "请按这个尺寸准备数据（transform 的 size），或按数据的尺寸新建网络（in_size，可取 "
                "8、16、32、64、128……）。",
                f"This network takes batches of shape (B, {shape}); got {tuple(x.shape)}. Prepare "
                "the data in that size (size in transform), or make a network of their size "
                "(in_size, which can be 8, 16, 32, 64, 128, ...)."))
        return super().forward(x)


class AvgFlatten(nn.Module):
    """Turn scores (B, 1, 1, 1) into their mean, (1,); or, `per_sample`, only flatten them, (B,)."""

    def __init__(self, per_sample: bool = False):
        super().__init__()
        self.per_sample = per_sample

    def forward(self, x: Tensor) -> Tensor:
        """Return the mean over the batch, (1,), or the scores, (B,)."""
        x = x.float()  # in half precision a mean would lose digits
        return x.reshape(len(x)) if self.per_sample else x.mean(0).view(1)


class DenseBlock(nn.Module):
    """Put two convolutions behind each other, and their result beside the input: 2 nf channels."""

    def __init__(self, nf: int, **conv_kwargs):
        super().__init__()
        self.convolutions = nn.Sequential(conv_layer(nf, nf, **conv_kwargs),
                                          conv_layer(nf, nf, **conv_kwargs))

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, 2 nf, H, W) for x (B, nf, H, W)."""
        return torch.cat([self.convolutions(x), x], dim=1)


class SelfAttention(nn.Module):
    """Let every place of a picture look at every other: x + gamma * attention(x).

    Zhang et al. 2019 (SAGAN), arXiv 1805.08318, equations 1 to 3, without their last 1x1
    convolution. gamma starts at 0: the network begins as if this layer were not there.
    """

    def __init__(self, n_channels: int):
        super().__init__()
        def project(n_out):
            return spectral_norm(_initialised(nn.Conv1d(n_channels, n_out, 1, bias=False)))
        self.query, self.key = project(n_channels // 8), project(n_channels // 8)
        self.value = project(n_channels)
        self.gamma = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        """Return x + gamma * attention(x), of the shape of x, (B, C, H, W)."""
        places = x.flatten(2)
        similarity = self.query(places).transpose(1, 2) @ self.key(places)
        weights = similarity.softmax(dim=1)  # (B, H * W, H * W): of each place, over all places
        return self.gamma * (self.value(places) @ weights).view_as(x) + x


def _initialised(convolution: nn.Module) -> nn.Module:
    nn.init.kaiming_normal_(convolution.weight)
    if convolution.bias is not None:
        nn.init.zeros_(convolution.bias)
    return convolution


def _widths(in_size: int, n_features: int) -> list[int]:
    """Return the channels at half the size, a quarter, ..., down to 4x4."""
    size = whole_number("in_size", in_size, 1)
    if size < 8 or size & (size - 1):
        raise ValueError(both(
            f"in_size 只能取 8、16、32、64、128……（2 的幂），收到的是 {in_size}：从 4x4 起，每一层"
            "把边长加倍。请把图片缩放到其中一个尺寸。",
            f"in_size must be 8, 16, 32, 64, 128, ... (a power of two); got {in_size}: from 4x4 "
            "on, every layer doubles the side. Resize the pictures to one of these sizes."))
    n_features = whole_number("n_features", n_features, 1)
    return [n_features * 2**step for step in range(size.bit_length() - 3)]
