"""A round of WGAN training at DCGAN's size, for `bench data`: 5 critic steps, 1 generator step."""

from collections.abc import Callable

import torch

from gan_lessons.nets import dcgan

CRITIC_STEPS = 5
NOISE = 100


def wgan_round(size: int, features: int, batch: int) -> Callable[[], None]:
    """Return a function that trains one round on a batch that stays in memory: no input.

    The networks are source 003's without extra layers; RMSprop at 5e-5 and weights clipped to
    0.01 as in the paper (arXiv:1701.07875, algorithm 1).
    """
    generator, critic = dcgan.source_003(size, latent=NOISE, features=features)
    critic_rule = torch.optim.RMSprop(critic.parameters(), lr=5e-5)
    generator_rule = torch.optim.RMSprop(generator.parameters(), lr=5e-5)
    chance = torch.Generator().manual_seed(0)
    real = torch.rand(batch, 3, size, size, generator=chance) * 2 - 1

    def noise() -> torch.Tensor:
        return torch.randn(batch, NOISE, generator=chance)

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
