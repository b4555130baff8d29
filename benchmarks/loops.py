"""`train.fit` beside the loops that sources 002 and 004 write, on the same networks and digits.

One thread. Both sides train a GAN step by step on MNIST. The sources' loops are written here as
they are there: a DataLoader that transforms one picture at a time, the sigmoid in the network with
BCELoss, G's graph built in D's step, Adam in its standard form. Where the processor has bfloat16
instructions, fit plays with `precision="bfloat16"`, too; that is other arithmetic than theirs. The
share of the machine's own rate compares the multiplications of fit's step with one large float32
matrix product, which is the most that a thread does.
"""

import argparse
from functools import partial
from itertools import chain, repeat

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms
from torchvision.transforms.functional import to_pil_image

from benchmarks.support import in_turn, machine
from gan_lessons import data, recipes, runtime
from gan_lessons.nets import mlp
from gan_lessons.train import fit

TRANSFORMS = {"002": transforms.ToTensor(),
              "004": transforms.Compose([transforms.ToTensor(), transforms.Normalize(0.5, 0.5)])}


class OneByOne(Dataset):
    """Digits as torchvision's MNIST hands them out: a PIL picture, transformed when asked for."""

    def __init__(self, digits: data.ImageSet, transform):
        self.pictures = digits.images[:, 0].numpy()
        self.labels, self.transform = digits.labels, transform

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, i: int):
        return self.transform(to_pil_image(self.pictures[i])), int(self.labels[i])


def networks(source: str) -> tuple[nn.Module, nn.Module]:
    """Return the source's pair, flat, with the sigmoid at the end of D."""
    if source == "002":
        generator = nn.Sequential(*list(mlp.source_002()[0])[:3], nn.Sigmoid())
        critic = nn.Sequential(*list(mlp.discriminator([128]))[1:-1], nn.Sigmoid())
    else:
        pair = mlp.source_004()
        generator = nn.Sequential(*list(pair[0])[:-1])
        critic = nn.Sequential(*list(pair[1])[1:-1], nn.Sigmoid())
    return generator, critic


class AsWritten:
    """The training loop of one of the two sources; `play(steps)` goes on with it."""

    def __init__(self, source: str, digits: data.ImageSet):
        self.source = source
        self.batch, self.latent, lr = {"002": (60, 100, 1e-3), "004": (100, 64, 2e-4)}[source]
        self.generator, self.critic = networks(source)
        self.adams = [torch.optim.Adam(network.parameters(), lr=lr)
                      for network in (self.critic, self.generator)]
        loader = DataLoader(OneByOne(digits, TRANSFORMS[source]), self.batch, shuffle=True,
                            drop_last=True)
        self.batches = chain.from_iterable(repeat(loader))
        self.loss = nn.BCELoss()

    def play(self, steps: int) -> None:
        """Train so many steps of both players."""
        for _ in range(steps):
            images, _ = next(self.batches)
            real_labels = torch.ones(self.batch, 1)
            fake_labels = torch.zeros(self.batch, 1)
            real = self.critic(images.reshape(self.batch, -1))
            fake = self.critic(self.generator(torch.randn(self.batch, self.latent)))
            self.step(0, self.loss(real, real_labels) + self.loss(fake, fake_labels))
            fake = self.critic(self.generator(torch.randn(self.batch, self.latent)))
            self.step(1, self.loss(fake, real_labels))

    def step(self, player: int, loss: torch.Tensor) -> None:
        """Move one of the two players; 004 clears the gradients of both, 002 its own."""
        for adam in self.adams if self.source == "004" else [self.adams[player]]:
            adam.zero_grad()
        loss.backward()
        self.adams[player].step()


def multiplications(game) -> int:
    """Return how many multiplications one step of both players takes, for the whole batch.

    A layer takes as many as it has weights to go forward, for the slope of its weights, and for
    the slope of what comes in; nobody asks for the last of a network's first layer.
    """
    def weights(network):
        layers = [layer for layer in network.modules() if isinstance(layer, nn.Linear)]
        sizes = [layer.weight.numel() for layer in layers]
        return sum(sizes), sizes[0]
    (g, g_first), (d, d_first) = weights(game.generator), weights(game.critic)
    critic_step = g + 2 * (3 * d - d_first)  # fakes; real and fake, forward and back
    generator_step = (g + d) + d + (2 * g - g_first)  # forward, back through D, back through G
    return game.batch * (critic_step + generator_step)


def main(arguments: list[str] | None = None) -> dict[str, float]:
    """Measure, print and return the seconds of each way."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.loops",
                                     description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=400, help="steps in a measurement")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args(arguments)
    runtime.set_threads(1)
    print(machine())
    digits = data.mnist()
    print(f"{len(digits):,} digits ({digits.name}); medians of {options.repeats} times "
          f"{options.steps} steps")
    square = torch.randn(1024, 1024)
    ways = {"matrix product": lambda: [square @ square for _ in range(20)]}
    games = {"002": recipes.source_002(), "004": recipes.source_004()}
    short = {}
    if runtime.has_bfloat16(torch.device("cpu")):
        short = {"002": recipes.source_002(precision="bfloat16"),
                 "004": recipes.source_004(precision="bfloat16")}
    for source, game in games.items():
        ways[f"{source} as written"] = partial(AsWritten(source, digits).play, options.steps)
        ways[f"{source} with fit"] = partial(go_on, game, digits, options.steps)
    for source, game in short.items():
        ways[f"{source} with fit, bfloat16"] = partial(go_on, game, digits, options.steps)
    took = in_turn(ways, options.repeats)
    rate = 20 * 1024**3 / took["matrix product"]
    print(f"  a large matrix product: {2 * rate / 1e9:.0f} GFLOP/s")
    for source, game in games.items():
        written, ours = (took[f"{source} {how}"] for how in ("as written", "with fit"))
        share = options.steps * multiplications(game) / ours / rate
        print(f"  {source}: as written {1e3 * written / options.steps:.2f} ms a step, with fit "
              f"{1e3 * ours / options.steps:.2f} ms: {written / ours:.1f}x; "
              f"{share:.0%} of the matrix rate")
        if source in short:
            faster = took[f"{source} with fit, bfloat16"]
            print(f"       in bfloat16 {1e3 * faster / options.steps:.2f} ms: "
                  f"{written / faster:.1f}x")
    return took


def go_on(game, digits: data.ImageSet, steps: int) -> None:
    """Let `fit` play `steps` steps more."""
    fit(game, digits, game.step + steps, progress=False)


if __name__ == "__main__":
    main()
