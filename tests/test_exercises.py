"""Lessons 01 to 03: a checker passes what is right, and gives each mistake the reason that fits."""

import copy
import math
import sys
from functools import partial

import pytest
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy as bce_of_probabilities
from torch.nn.functional import binary_cross_entropy_with_logits as bce
from torch.nn.functional import relu, softplus

from gan_lessons.exercises import lesson01, lesson03
from gan_lessons.exercises import lesson02 as check
from gan_lessons.exercises.checking import checker, require
from gan_lessons.nets import dcgan


def ones(x):
    return torch.ones_like(x)


def zeros(x):
    return torch.zeros_like(x)


def value_of_the_game(d, p_r, p_g):
    return p_r * d.log() + p_g * (1 - d).log()


def by_autograd(logits):
    """Exercise 3 of lesson 01 as torch would do it."""
    pair = []
    for loss in (lambda x: torch.log(1 - torch.sigmoid(x)), lambda x: softplus(-x)):
        x = logits.clone().requires_grad_(True)
        loss(x).sum().backward()
        pair.append(x.grad)
    return pair


def block(n_in, n_out, kernel, stride, padding, bn=True):
    """Exercise 2 of lesson 03."""
    norm = [nn.BatchNorm2d(n_out)] if bn else []
    return nn.Sequential(nn.ConvTranspose2d(n_in, n_out, kernel, stride, padding, bias=not bn),
                         *norm, nn.ReLU())


class BlockAsModule(nn.Module):
    """The same as a class that keeps its flag, with a bias that BatchNorm removes again."""

    def __init__(self, n_in, n_out, kernel, stride, padding, bn=True):
        super().__init__()
        self.up, self.bn = nn.ConvTranspose2d(n_in, n_out, kernel, stride, padding), bn
        self.norm = nn.BatchNorm2d(n_out) if bn else None

    def forward(self, x):
        return torch.relu(self.norm(self.up(x)) if self.bn else self.up(x))


class IgnoredFlag(BlockAsModule):
    """Source 003's mistake: BatchNorm is built whatever the flag says."""

    def __init__(self, n_in, n_out, kernel, stride, padding, bn=True):
        super().__init__(n_in, n_out, kernel, stride, padding, True)
        self.bn = bn


class Unused(BlockAsModule):
    """BatchNorm is built and never used."""

    def forward(self, x):
        return torch.relu(self.up(x))


def relu_first(n_in, n_out, kernel, stride, padding, bn=True):
    """Source 003's order."""
    convolution, *norm, relu = block(n_in, n_out, kernel, stride, padding, bn)
    return nn.Sequential(convolution, relu, *norm)


def initialise(network, convolutions=(nn.Conv2d, nn.ConvTranspose2d), std=0.02, scale=(1.0, 0.02)):
    """Exercise 3 of lesson 03, with what can go wrong as settings."""
    for module in network.modules():
        if isinstance(module, convolutions):
            nn.init.normal_(module.weight, 0.0, std)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, *scale)
            nn.init.zeros_(module.bias)
    return network


def no_guard(network):
    """Forgets that a convolution may have no bias; fine on the small network, not on a DCGAN."""
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.normal_(module.weight, 0.0, 0.02)
            module.bias.data.zero_()
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1.0, 0.02)
            module.bias.data.zero_()
    return network


def uniform(network):
    """The right spread, but not Gaussian."""
    initialise(network)
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.uniform_(module.weight, -0.0346, 0.0346)
    return network


def frozen(network):
    """Draws in place by switching gradients off, and leaves them off."""
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    return initialise(network)


def by_data(network):
    """The same with .data, as in older code."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.weight.data.normal_(1.0, 0.02)
            module.bias.data.fill_(0)
        elif type(module) in (nn.Conv2d, nn.ConvTranspose2d):
            module.weight.data.normal_(0.0, 0.02)
            if module.bias is not None:
                module.bias.data.fill_(0)
    return network


def by_apply(network):
    """The same with `apply`, as in PyTorch's tutorial."""
    return network.apply(lambda module: initialise(module) if not list(module.children())
                         else module)


def no_shift(network):
    initialise(network)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.bias, 0.0, 0.02)
    return network


def block_with(norm=nn.BatchNorm2d, activation=nn.ReLU, bias=True):
    """Return a block with other parts."""
    def make(n_in, n_out, kernel, stride, padding, bn=True):
        layers = [nn.ConvTranspose2d(n_in, n_out, kernel, stride, padding, bias=bias)]
        if bn:
            layers.append(norm(n_out))
        return nn.Sequential(*layers, activation())
    return make


SHARED = nn.BatchNorm2d(5)


class AlwaysTraining(BlockAsModule):
    """BatchNorm as a function, with the statistics of the batch whatever the mode."""

    def forward(self, x):
        x = self.up(x)
        if self.bn:
            x = torch.nn.functional.batch_norm(x, None, None, self.norm.weight, self.norm.bias,
                                               training=True)
        return relu(x)


class Detached(BlockAsModule):
    """Nothing before this block can learn."""

    def forward(self, x):
        return super().forward(x.detach())


def all_parameters(network):
    """The textbook mistake: BatchNorm's scale is drawn as if it were a weight."""
    for parameter in network.parameters():
        nn.init.normal_(parameter, 0.0, 0.02)


def by_name(network):
    """Look for "Conv" in the names of classes."""
    for module in network.modules():
        if "Conv" in type(module).__name__:
            nn.init.normal_(module.weight, 0.0, 0.02)


RIGHT = [
    (lesson03.transposed_size, lambda n, k, s, p: (n - 1) * s - 2 * p + k),
    (lesson03.transposed_size, lambda n, k, s, p: s * n - s + k - p - p),
    (lesson03.transposed_size, lambda n, k, s, p: (n - 1) * s - 2 * p + (k - 1) + 1),
    (lesson03.upsampling_block, block_with(activation=lambda: nn.ReLU(inplace=True))),
    (lesson03.first_weights, by_data),
    (lesson03.first_weights, by_apply),
    (lesson03.upsampling_block, block),
    (lesson03.upsampling_block, BlockAsModule),
    (lesson03.first_weights, initialise),
    (lesson03.first_weights, dcgan.initialise),
    (lesson01.optimal_discriminator, lambda r, g: r / (r + g)),
    (lesson01.optimal_discriminator, lambda r, g: torch.sigmoid(r.log() - g.log())),
    (lesson01.optimal_discriminator, lambda r, g: r / (r + g + 1e-8)),
    (lesson01.optimal_discriminator, lambda r, g: (r + 1e-8) / (r + g + 2e-8)),
    (lesson01.optimal_discriminator, lambda r, g: r / (r + g).clamp(min=1e-12)),
    (lesson01.optimal_discriminator, lambda r, g: 1 - g / (g + r)),
    (lesson01.optimal_discriminator, lambda r, g: 1 / (1 + g / r)),
    (lesson01.js_from_discriminator, lambda d, r, g, dx: (
        value_of_the_game(d, r, g).sum() * dx + math.log(4)) / 2),
    (lesson01.js_from_discriminator, lambda d, r, g, dx: (
        torch.trapezoid(value_of_the_game(d, r, g), dx=dx).item() + 2 * math.log(2)) / 2),
    (lesson01.js_from_discriminator, lambda d, r, g, dx: (dx * (
        r * (d + 1e-8).log() + g * (1 - d + 1e-8).log()).sum() + math.log(4)) / 2),
    (lesson01.js_from_discriminator, lambda d, r, g, dx: float(
        value_of_the_game(d, r, g).sum()) * dx / 2 + math.log(2)),
    (lesson01.generator_gradients, lambda x: (-x.sigmoid(), x.sigmoid() - 1)),
    (lesson01.generator_gradients, by_autograd),
    (lesson01.generator_gradients, lambda x: [-1 / (1 + (-x).exp()), -torch.sigmoid(-x)]),
    (lesson01.generator_gradients, lambda x: torch.stack([-x.sigmoid(), x.sigmoid() - 1])),
    (check.discriminator_loss, lambda r, f: softplus(-r).mean() + softplus(f).mean()),
    (check.discriminator_loss, lambda r, f: bce(r, ones(r)) + bce(f, zeros(f))),
    (check.discriminator_loss, lambda r, f: (bce(r, ones(r)) + bce(f, zeros(f))) / 2),
    (check.generator_loss, lambda f: softplus(-f).mean()),
    (check.generator_loss, lambda f: bce(f, ones(f))),
    (check.discriminator_loss, lambda r, f: -torch.nn.functional.logsigmoid(r).mean()
     - torch.nn.functional.logsigmoid(-f).mean()),
    (check.discriminator_loss, lambda r, f: softplus(-r).sum() / len(r)
     + softplus(f).sum() / len(f)),
    (check.generator_loss, lambda f: nn.BCEWithLogitsLoss()(f, ones(f))),
    (check.generator_loss, lambda f: -torch.nn.functional.logsigmoid(f).mean()),
    (check.to_bytes, lambda x: ((x + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)),
    (check.to_bytes, lambda x: (x.clamp(-1, 1) * 127.5 + 127.5).round().byte()),
    (check.to_bytes, lambda x: ((x + 1) / 2 * 255 + 0.5).clamp(0, 255).to(torch.uint8)),
    (check.to_bytes, lambda x: ((x * 0.5 + 0.5).clamp(0, 1) * 255).round().to(torch.uint8)),
]

WRONG = [
    (lesson03.transposed_size, lambda n, k, s, p: (n + 2 * p - k) // s + 1,
     "rule of an ordinary convolution"),
    (lesson03.transposed_size, lambda n, k, s, p: n * s, "only where k = s + 2p"),
    (lesson03.transposed_size, lambda n, k, s, p: (n - 1) * s + k, "The padding is missing"),
    (lesson03.transposed_size, lambda n, k, s, p: (n - 1) * s - p + k, "one side only"),
    (lesson03.transposed_size, lambda n, k, s, p: (n - 1) * s + 2 * p + k, "sign of the padding"),
    (lesson03.transposed_size, lambda n, k, s, p: n * s - 2 * p + k, "n - 1 gaps"),
    (lesson03.transposed_size, lambda n, k, s, p: (n - 1) * s / 1 - 2 * p + k, "whole number"),
    (lesson03.transposed_size, lambda n, k, s, p: 7, "torch gives"),
    (lesson03.upsampling_block, IgnoredFlag, "the argument is ignored again"),
    (lesson03.upsampling_block, relu_first, "BatchNorm comes after the ReLU"),
    (lesson03.upsampling_block, Unused, "Whatever is built must be used"),
    (lesson03.upsampling_block, lambda *a: block(*a[:-1], False),
     "exactly one nn.BatchNorm"),
    (lesson03.upsampling_block, lambda *a: block(*a)[:-1], "negative values"),
    (lesson03.upsampling_block, lambda i, o, k, s, p, bn=True: block(i, o, 4, 2, 1, bn),
     "5x5 should become 15x15"),
    (lesson03.upsampling_block, lambda i, o, k, s, p, bn=True: block(i, o, k, s, 0, bn),
     "6x6 should become 12x12"),
    (lesson03.upsampling_block, lambda *a: nn.Conv2d(*a[:-1]),
     "exactly one nn.ConvTranspose2d"),
    (lesson03.first_weights, all_parameters, "fade its input to about a fiftieth"),
    (lesson03.first_weights, by_name, "Your code raised AttributeError"),
    (lesson03.first_weights, lambda network: initialise(network, nn.Conv2d),
     "The weights of a ConvTranspose2d"),
    (lesson03.first_weights, lambda network: initialise(network, std=0.2),
     "have mean 0 and standard deviation 0.02 but"),
    (lesson03.first_weights, lambda network: initialise(network, nn.ConvTranspose2d),
     "The weights of a Conv2d"),
    (lesson03.first_weights, lambda network: initialise(network, scale=(1.0, 0.0)),
     "a mean of 1 and a"),
    (lesson03.first_weights, lambda network: [nn.init.normal_(p, 1.0, 0.02) if p.ndim == 1 else
                                              nn.init.normal_(p, 0.0, 0.02)
                                              for p in network.parameters()], "should all be 0"),
    (lesson01.optimal_discriminator, lambda r, g: g / (r + g), "are swapped"),
    (lesson01.optimal_discriminator, lambda r, g: r / g, "ratio of the densities"),
    (lesson01.optimal_discriminator, lambda r, g: r.log() - g.log(), "That is the logit"),
    (lesson01.optimal_discriminator, lambda r, g: 3 * r, "between 0 and 1"),
    (lesson01.optimal_discriminator, lambda r, g: (r > g).double(), "That is a decision"),
    (lesson01.optimal_discriminator, lambda r, g: torch.sigmoid(r - g), "on the logarithms"),
    (lesson01.optimal_discriminator, lambda r, g: float(r[0] / (r[0] + g[0])), "inputs' shape"),
    (lesson01.optimal_discriminator, lambda r: r, "Your code raised TypeError"),
    (lesson01.js_from_discriminator, lambda d, r, g, dx: value_of_the_game(d, r, g).sum() * dx,
     "add the constant, then halve it"),
    (lesson01.js_from_discriminator, lambda d, r, g, dx: value_of_the_game(d, r, g).sum() * dx
     + math.log(4), "The half is missing"),
    (lesson01.js_from_discriminator, lambda d, r, g, dx: (
        value_of_the_game(d, r, g).sum() * dx + math.log(2)) / 2, "The constant is off"),
    (lesson01.js_from_discriminator, lambda d, r, g, dx: (
        value_of_the_game(d, r, g).sum() + math.log(4)) / 2, "remember dx"),
    (lesson01.js_from_discriminator, lambda d, r, g, dx: (
        value_of_the_game(1 - d, r, g).sum() * dx + math.log(4)) / 2, "The value is off"),
    (lesson01.js_from_discriminator, lambda d, r, g, dx: value_of_the_game(d, r, g), "one number"),
    (lesson01.generator_gradients, lambda x: (x.sigmoid() - 1, -x.sigmoid()), "are swapped"),
    (lesson01.generator_gradients, lambda x: (-1 / (1 - x.sigmoid()), -1 / x.sigmoid()),
     "with respect to D. For the logit"),
    (lesson01.generator_gradients, lambda x: (x.sigmoid(), 1 - x.sigmoid()), "The sign is off"),
    (lesson01.generator_gradients, lambda x: (-x, x.sigmoid() - 1), "The first is off"),
    (lesson01.generator_gradients, lambda x: (-x.sigmoid(), -x), "The second is off"),
    (lesson01.generator_gradients, lambda x: -x.sigmoid(), "Return two tensors"),
    (lesson01.generator_gradients, lambda x: (-x.sigmoid()[0], x[0]), "inputs' shape"),
    (check.discriminator_loss, lambda r, f: bce(r, zeros(r)) + bce(f, ones(f)), "swapped"),
    (check.discriminator_loss, lambda r, f: bce(r, ones(r)), "Only one half"),
    (check.discriminator_loss, lambda r, f: bce(f, zeros(f)), "Only one half"),
    (check.discriminator_loss, lambda r, f: bce(r.sigmoid(), ones(r)) + bce(f.sigmoid(), zeros(f)),
     "One sigmoid too many"),
    (check.discriminator_loss, lambda r, f: softplus(-r).sum() + softplus(f).sum(), "the sum"),
    (check.discriminator_loss, lambda r, f: softplus(-r) + softplus(f[:1]), "one scalar"),
    (check.discriminator_loss, lambda r, f: r.mean() - f.mean(), "The value is off"),
    (check.discriminator_loss, lambda r, f: bce_of_probabilities(r.sigmoid(), ones(r))
     + bce_of_probabilities(f.sigmoid(), zeros(f)), "At a logit of 20 the gradient"),
    (check.discriminator_loss, lambda r, f: -r.sigmoid().log().mean()
     - (1 - f.sigmoid()).log().mean(), "the gradient is gone"),
    (check.discriminator_loss, lambda r: r, "Your code raised TypeError"),
    (check.generator_loss, lambda f: bce(f, zeros(f)), "makes G help D"),
    (check.generator_loss, lambda f: -bce(f, zeros(f)), "minimax"),
    (check.generator_loss, lambda f: softplus(-f), "one scalar"),
    (check.generator_loss, lambda f: softplus(-f).sum(), "the sum, not the mean"),
    (check.generator_loss, lambda f: bce_of_probabilities(f.sigmoid(), ones(f)),
     "gradient is gone"),
    (check.to_bytes, lambda x: (x + 1) * 127.5, "should be a uint8"),
    (check.to_bytes, lambda x: ((x + 1) * 127.5).to(torch.uint8), "off by one"),
    (check.to_bytes, lambda x: (x * 255).round().clamp(0, 255).to(torch.uint8), "range is off"),
    (check.to_bytes, lambda x: ((1 - x) * 127.5).round().to(torch.uint8), "range is off"),
    (check.to_bytes, lambda x: ((x + 1) * 127.5).round().to(torch.int64).to(torch.uint8), "wrap"),
    (check.to_bytes, lambda x: x.add_(1).mul_(127.5).round_().to(torch.uint8), "was changed"),
]

# ---- what the readings of the course found to pass, or to get a reason that does not fit ----
FOUND = [
    (lesson01.optimal_discriminator, lambda r, g: r / (r + g + 0.1), "too large"),
    (check.discriminator_loss, lambda r, f: softplus(-r).mean()
     + bce_of_probabilities(f.sigmoid(), zeros(f)), "the gradient is gone"),
    (check.discriminator_loss, lambda r, f: softplus(-r).mean() + softplus(f.detach()).mean(),
     "no gradient reaches the logits of the fakes"),
    (check.discriminator_loss, lambda r, f: bce(
        torch.cat([r, f]), torch.cat([ones(r), zeros(f)])), "One mean over both"),
    (check.generator_loss, lambda f: torch.log1p(torch.exp(-f)).mean(), "exp(89) runs over"),
    (check.discriminator_loss, lambda r, f: torch.log1p(torch.exp(-r)).mean()
     + torch.log1p(torch.exp(f)).mean(), "exp(89) runs over"),
    (check.generator_loss, lambda f: softplus(f.neg_()).mean(), "was changed"),
    (check.to_bytes, lambda x: ((x + 1) * 127.5 + 0.01).clamp(0, 255).to(torch.uint8),
     "half a grey level too dark"),
    (check.to_bytes, lambda x: ((x + 1) * 128).clamp(0, 255).to(torch.uint8), "127.5, not 128"),
    (lesson03.transposed_size, lambda n, k, s, p: nn.ConvTranspose2d(1, 1, k, s, p)(
        torch.ones(1, 1, n, n)).shape[-1], "torch was asked"),
    (lesson03.transposed_size, lambda n, k, s, p: nn.ConvTranspose1d(1, 1, k, s, p)(
        torch.ones(1, n)).shape[-1], "torch was asked"),
    (lesson03.upsampling_block, block_with(partial(nn.BatchNorm2d, affine=False)),
     "scale and shift to learn"),
    (lesson03.upsampling_block, block_with(partial(nn.BatchNorm2d, track_running_stats=False)),
     "running statistics"),
    (lesson03.upsampling_block, block_with(activation=nn.ReLU6), "not nn.ReLU6"),
    (lesson03.upsampling_block, block_with(bias=False), "needs its bias"),
    (lesson03.first_weights, no_guard, "course's own network"),
    (lesson03.first_weights, lambda network: [initialise(network)][:0], "is not returned"),
]

# ---- and what else students type ----
MORE = [
    (lesson01.optimal_discriminator, lambda r, g: (r - g) / (r + g), "2 D - 1"),
    (lesson01.optimal_discriminator, lambda r, g: torch.full_like(r, 0.5), "at the equilibrium"),
    (lesson01.optimal_discriminator, lambda r, g: r / (r + g).sum(), "by itself"),
    (lesson01.optimal_discriminator, lambda r, g: r / g.add_(r), "was changed"),
    (lesson01.optimal_discriminator, lambda r, g: r / (1 + r), "even the best D can only"),
    (lesson01.optimal_discriminator, lambda r, g: r ** 2 / (r ** 2 + g ** 2), "The value is off"),
    (lesson01.js_from_discriminator, lambda d, r, g, dx: (dx * (
        r * d.log2() + g * (1 - d).log2()).sum() + math.log(4)) / 2, "to base 2"),
    (lesson01.js_from_discriminator, lambda d, r, g, dx: (
        value_of_the_game(d, r, g).sum() * 0.01 + math.log(4)) / 2, "On a coarser axis"),
    (lesson01.js_from_discriminator, lambda d, r, g, dx: (
        value_of_the_game(d, r, g).mean() + math.log(4)) / 2, "a mean over the axis"),
    (lesson01.js_from_discriminator, lambda d, r, g, dx: (
        value_of_the_game(d, r, g).sum() * dx - math.log(4)) / 2, "A sign is wrong"),
    (lesson01.js_from_discriminator, lambda d, r, g, dx: (
        (r * d.log()).sum() * dx + math.log(4)) / 2, "Only one half"),
    (lesson01.js_from_discriminator, lambda d, r, g, dx: dx * (
        r * (2 * r / (r + g)).log() + g * (2 * g / (r + g)).log()).sum() / 2, "d is not used"),
    (lesson01.generator_gradients, lambda x: ((1 - x.sigmoid()).log(), -x.sigmoid().log()),
     "the loss itself"),
    (lesson01.generator_gradients, lambda x: (x.sigmoid() * (1 - x.sigmoid()),) * 2,
     "the derivative of the sigmoid alone"),
    (lesson01.generator_gradients, lambda x: tuple(g / x.numel() for g in by_autograd(x)),
     "n times too small"),
    (check.discriminator_loss, lambda r, f: -softplus(-r).mean() - softplus(f).mean(), "minus V"),
    (check.discriminator_loss, lambda r, f: softplus(-r).mean() + softplus(-f).mean(),
     "what G wants"),
    (check.discriminator_loss, lambda r, f: (softplus(-r).mean() + softplus(f).mean()).item(),
     "backward() on"),
    (check.discriminator_loss, lambda r, f: bce(r, 0.9 * ones(r)) + bce(f, zeros(f)),
     "label smoothing"),
    (check.discriminator_loss, lambda r, f: softplus(-r.detach()).mean() + softplus(f).mean(),
     "no gradient reaches the logits of the real pictures"),
    (check.discriminator_loss, lambda r, f: softplus(-r).mean() - softplus(f).mean(),
     "Add the two"),
    (check.generator_loss, lambda f: -softplus(-f).mean(), "The sign is off"),
    (check.generator_loss, lambda f: -f.mean(), "loss of WGAN"),
    (check.generator_loss, lambda f: -f.sigmoid().mean().log(), "mean comes too early"),
    (check.generator_loss, lambda f: -f.sigmoid().mean(), "logarithm is missing"),
    (check.generator_loss, lambda f: bce(f.sigmoid(), ones(f)), "One sigmoid too many"),
    (check.generator_loss, lambda f: softplus(-f.detach()).mean(), "backward() on"),
    (check.to_bytes, lambda x: ((x - x.min()) / (x.max() - x.min()) * 255).round()
     .to(torch.uint8), "was stretched"),
    (check.to_bytes, lambda x: ((x + 1) * 127.5).round().to(torch.int32), "should be a uint8"),
    (check.to_bytes, lambda x: ((x + 1) * 127.5).round().clamp(0, 255).byte().flatten(),
     "shape changed"),
    (lesson03.transposed_size, lambda n, k, s, p: (n - 1) * s - 2 * p + k - 1, "One too few"),
    (lesson03.transposed_size, lambda n, k, s, p: (n - 1) * s - 2 * p * s + k,
     "not multiplied by the step"),
    (lesson03.transposed_size, lambda n, k, s, p: 2 * n, "k=4, s=2, p=1 only"),
    (lesson03.transposed_size, lambda n, k, s, p: int((n - 1) * float(s) - 2 * p + k),
     "whole numbers throughout"),
    (lesson03.upsampling_block, AlwaysTraining, "In evaluation mode"),
    (lesson03.upsampling_block, Detached, "Gradients do not reach"),
    (lesson03.upsampling_block, block_with(lambda _: SHARED), "share a layer"),
    (lesson03.upsampling_block, lambda i, o, k, s, p, bn=True: nn.Sequential(
        nn.ConvTranspose2d(i, o, k, s, p), *[nn.BatchNorm2d(i)] * bn, nn.ReLU()),
     "the channels after the convolution"),
    (lesson03.upsampling_block, block_with(activation=nn.Tanh), "negative values"),
    (lesson03.upsampling_block, block_with(activation=lambda: nn.Sequential(
        nn.ReLU(), nn.Dropout(0.5))), "in turn"),
    (lesson03.first_weights, lambda net: initialise(net, std=math.sqrt(0.02)),
     "the variance 0.02"),
    (lesson03.first_weights, uniform, "not Gaussian"),
    (lesson03.first_weights, frozen, "ask for no gradient"),
    (lesson03.first_weights, lambda network: initialise(copy.deepcopy(network)),
     "standard deviation 0.02 but"),
    (lesson03.first_weights, no_shift, "should all be 0"),
]


@pytest.mark.parametrize("checker, answer", RIGHT)
def test_right_answers_pass(checker, answer, capsys):
    assert checker(answer) == "passed"
    assert "Correct!" in capsys.readouterr().out


@pytest.mark.parametrize("checker, answer, reason", WRONG + FOUND + MORE)
def test_wrong_answers_get_the_reason_that_fits(checker, answer, reason, capsys):
    assert checker(answer) == "not yet"
    said = capsys.readouterr().out
    assert reason in said
    assert any("\u4e00" <= letter <= "\u9fff" for letter in said)


@pytest.mark.parametrize("checker", [check.discriminator_loss, check.generator_loss,
                                     check.to_bytes, lesson01.optimal_discriminator,
                                     lesson01.js_from_discriminator,
                                     lesson01.generator_gradients, lesson03.transposed_size,
                                     lesson03.upsampling_block, lesson03.first_weights])
def test_a_stub_is_not_an_error(checker, capsys):
    assert checker(lambda *_: ...) == checker(...) == "not attempted"
    assert capsys.readouterr().out.count("Not attempted") == 2


def test_errors_in_the_answer_are_reported_not_raised(capsys):
    def broken(*_):
        raise ZeroDivisionError("oops")
    assert check.generator_loss(broken) == "not yet"
    assert "ZeroDivisionError: oops" in capsys.readouterr().out


def test_an_answer_that_leaves_python_does_not(capsys):
    assert check.generator_loss(lambda _: sys.exit("bye")) == "not yet"
    assert "SystemExit: bye" in capsys.readouterr().out


def test_checking_leaves_the_notebooks_random_numbers_alone():
    before = torch.get_rng_state()
    check.generator_loss(lambda f: softplus(-f).mean())
    assert torch.equal(torch.get_rng_state(), before)


def test_a_remark_follows_the_praise(capsys):
    assert lesson03.upsampling_block(BlockAsModule) == "passed"
    assert "needs no bias" in capsys.readouterr().out


def test_a_message_of_several_lines_stays_readable(capsys):
    @checker
    def always(_):
        require(False, "第一行", "first line")
    always(1)
    assert capsys.readouterr().out == "[not yet] 第一行\n[not yet] first line\n"
