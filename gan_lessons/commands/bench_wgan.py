"""A round of WGAN training at DCGAN's size, for `bench data`: 5 critic steps, 1 generator step."""

from collections.abc import Callable

import torch
from torch import nn

CRITIC_STEPS = 5
NOISE = 100


def dcgan_pair(size: int, features: int) -> tuple[nn.Sequential, nn.Sequential]:
    """Return a generator and a critic of DCGAN's shape for pictures of `size`, 16 to 128.

    (n, 100, 1, 1) noise to (n, 3, size, size), and that to (n, 1, 1, 1) scores, as source 003
    builds them without extra layers: `features` channels next to the picture, doubled whenever
    the side halves, down to 4x4.
    """
    widths = [features]
    while size // 2 ** (len(widths) + 1) >= 4:
        widths.append(2 * widths[-1])
    critic = [nn.Conv2d(3, features, 4, 2, 1, bias=False), nn.LeakyReLU(0.2)]
    for narrow, wide in zip(widths, widths[1:], strict=False):
        critic += [nn.Conv2d(narrow, wide, 4, 2, 1, bias=False), nn.LeakyReLU(0.2),
                   nn.BatchNorm2d(wide)]
    critic += [nn.Conv2d(widths[-1], 1, 4, bias=False)]
    generator = [nn.ConvTranspose2d(NOISE, widths[-1], 4, bias=False),
                 nn.BatchNorm2d(widths[-1]), nn.ReLU()]
    for wide, narrow in zip(widths[::-1], widths[-2::-1], strict=False):
        generator += [nn.ConvTranspose2d(wide, narrow, 4, 2, 1, bias=False),
                      nn.BatchNorm2d(narrow), nn.ReLU()]
    generator += [nn.ConvTranspose2d(features, 3, 4, 2, 1, bias=False), nn.Tanh()]
    return nn.Sequential(*generator), nn.Sequential(*critic)


def wgan_round(size: int, features: int, batch: int) -> Callable[[], None]:
    """Return a function that trains one round on a batch that stays in memory: no input.

    RMSprop at 5e-5 and weights clipped to 0.01 as in the paper (arXiv:1701.07875, algorithm 1).
    """
    generator, critic = dcgan_pair(size, features)
    critic_rule = torch.optim.RMSprop(critic.parameters(), lr=5e-5)
    generator_rule = torch.optim.RMSprop(generator.parameters(), lr=5e-5)
    chance = torch.Generator().manual_seed(0)
    real = torch.rand(batch, 3, size, size, generator=chance) * 2 - 1

    def noise() -> torch.Tensor:
        return torch.randn(batch, NOISE, 1, 1, generator=chance)

    def train() -> None:
        for _ in range(CRITIC_STEPS):
            with torch.no_grad():
                fake = generator(noise())
            critic_rule.zero_grad()
            (critic(fake).mean() - critic(real).mean()).backward()
            critic_rule.step()
            with torch.no_grad():
                for weight in critic.parameters():
                    weight.clamp_(-0.01, 0.01)
        critic.requires_grad_(False)
        generator_rule.zero_grad()
        (-critic(generator(noise())).mean()).backward()
        generator_rule.step()
        critic.requires_grad_(True)
    return train
