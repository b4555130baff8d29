"""Small data and networks for the tests of fastai_style, without pictures from a disk."""

import math
from functools import partial

import torch
from torch import nn

from gan_lessons.fastai_style.callback import Callback
from gan_lessons.fastai_style.gan_learner import GANLearner
from gan_lessons.fastai_style.networks import basic_critic, basic_generator

ADAM = partial(torch.optim.Adam, betas=(0.0, 0.99))


class Data:
    """The specification's 24 pairs without random numbers, in batches of 4, in order."""

    def __init__(self, train: int = 24, valid: int = 0, bs: int = 4):
        self.train_ds = [pair(j) for j in range(train)]
        self.train_dl = batches(self.train_ds, bs)
        self.valid_dl = batches([pair(j) for j in range(train, train + valid)], bs) or None
        self.device, self.drawn = torch.device("cpu"), None

    def show_xyzs(self, xs, ys, zs, **kwargs):
        self.drawn = (xs, ys, zs, kwargs)


class NoisyData(Data):
    """The same pictures, shuffled, with fresh noise: from torch's own random numbers."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.train_dl = NoisyLoader(self.train_ds)


class NoisyLoader:
    def __init__(self, pairs):
        self.images = torch.stack([y for _, y in pairs])

    def __len__(self):
        return len(self.images) // 4

    def __iter__(self):
        for chosen in torch.randperm(len(self.images)).split(4)[:len(self)]:
            yield torch.randn(4, 10, 1, 1), self.images[chosen]


class Diary(Callback):
    """Notes whose turn each batch was, the learning rate, and what `note(learn)` returns."""

    def __init__(self, note=None):
        self.turns, self.lrs, self.notes, self.note = "", [], [], note

    def on_batch_end(self, learn):
        self.turns += "G" if learn.gan_trainer.gen_mode else "C"
        if self.note:
            self.notes.append(self.note(learn))

    def on_backward_end(self, learn):
        self.lrs.append(learn.opt.lr)


def pair(j: int):
    noise = torch.tensor([math.sin(0.7 * m + 1.3 * j) for m in range(10)])
    image = torch.tensor([math.cos(0.05 * m + 0.9 * j) for m in range(3 * 16 * 16)])
    return noise.view(10, 1, 1), image.view(3, 16, 16)


def batches(pairs, bs: int):
    return [tuple(map(torch.stack, zip(*pairs[i:i + bs], strict=True)))
            for i in range(0, len(pairs) - bs + 1, bs)]


def filled(network: nn.Module) -> nn.Module:
    """Give the network the specification's weights."""
    with torch.no_grad():
        for i, p in enumerate(network.parameters()):
            k = torch.arange(1, p.numel() + 1, dtype=torch.float64)
            p.copy_((0.1 * torch.sin(0.1 * k + i)).view_as(p) if p.ndim > 1 else 0 * p)
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.weight.fill_(1)
    return network


def networks(**critic):
    return filled(basic_generator(16, 3, 10, 8)), filled(basic_critic(16, 3, 8, **critic))


def wgan(data=None, nets=None, **settings) -> GANLearner:
    """Return a silent WGAN learner with the specification's settings."""
    settings = {"switch_eval": False, "opt_func": ADAM, "wd": 0.0, "silent": True, **settings}
    return GANLearner.wgan(data or Data(), *(nets or networks()), **settings)


def losses(learn) -> list[float]:
    return [float(loss) for loss in learn.recorder.losses]
