"""A round of WGAN (5 critic steps, 1 generator step): the course's steps beside a plain loop.

The networks are source 003's without extra layers, DCGAN's width; RMSprop at 5e-5 and weights
clipped to 0.01 as in the paper (arXiv:1701.07875, algorithm 1). The batch stays in memory, so
that no input is measured. Both sides use the same optimizer and data.
"""

import argparse
from functools import partial

import torch

from benchmarks.support import in_turn, machine
from gan_lessons import losses, runtime
from gan_lessons.nets import dcgan
from gan_lessons.train import critic_step, generator_step, rmsprop

CRITIC_STEPS = 5
NOISE = 100
CLIP = 0.01


class Players:
    """The networks, their optimizers and a batch of data, always the same."""

    def __init__(self, size: int, features: int, batch: int):
        torch.manual_seed(0)
        self.generator, self.critic = dcgan.source_003(size, latent=NOISE, features=features)
        self.critic_optimizer = rmsprop(self.critic, lr=5e-5)
        self.generator_optimizer = rmsprop(self.generator, lr=5e-5)
        self.chance = torch.Generator().manual_seed(0)
        self.real = torch.rand(batch, 3, size, size, generator=self.chance) * 2 - 1

    def noise(self) -> torch.Tensor:
        """Return fresh noise, (batch, 100)."""
        return torch.randn(len(self.real), NOISE, generator=self.chance)


def with_the_steps(players: Players, precision: str = "float32") -> None:
    """Train one round with the package's own steps."""
    p, loss = players, losses.Wasserstein()
    in_precision = partial(torch.autocast, "cpu", torch.bfloat16, precision == "bfloat16")
    for _ in range(CRITIC_STEPS):
        with in_precision():  # a block for each step: a block keeps the weights it has rounded
            critic_step(p.critic, p.generator, p.critic_optimizer, loss, p.real, p.noise(),
                        clip=CLIP)
    with in_precision():
        generator_step(p.critic, p.generator, p.generator_optimizer, loss, p.noise())


def with_a_plain_loop(players: Players) -> None:
    """Train one round as it is usually written down."""
    p = players
    for _ in range(CRITIC_STEPS):
        with torch.no_grad():
            fake = p.generator(p.noise())
        p.critic_optimizer.zero_grad()
        (p.critic(fake).mean() - p.critic(p.real).mean()).backward()
        p.critic_optimizer.step()
        with torch.no_grad():
            for weight in p.critic.parameters():
                weight.clamp_(-CLIP, CLIP)
    p.generator_optimizer.zero_grad()
    (-p.critic(p.generator(p.noise())).mean()).backward()
    p.generator_optimizer.step()


def main(arguments: list[str] | None = None) -> dict[str, float]:
    """Measure, print and return the seconds of a round, each way."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.wgan",
                                     description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--features", type=int, default=64)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=runtime.cores())
    options = parser.parse_args(arguments)
    runtime.set_threads(options.threads)
    precisions = ["float32"]
    if runtime.precision("auto", torch.device("cpu")) == "bfloat16":
        precisions.append("bfloat16")
    print(machine(" and ".join(precisions)))
    settings = options.size, options.features, options.batch
    ways = {"a plain loop, float32": partial(with_a_plain_loop, Players(*settings))}
    for precision in precisions:
        ways[f"gan_lessons, {precision}"] = partial(with_the_steps, Players(*settings), precision)
    measured = in_turn(ways, options.repeats)
    plain = measured["a plain loop, float32"]
    print(f"{options.size}x{options.size}, {options.features} features, batches of "
          f"{options.batch}; medians of {options.repeats} rounds")
    for name, took in measured.items():
        print(f"  {name:28}{took:8.3f} s a round{plain / took:8.2f}x")
    return measured


if __name__ == "__main__":
    main()
