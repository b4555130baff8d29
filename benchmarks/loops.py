"""`train.fit` beside the loops that sources 002 and 004 write, on the same networks and digits.

One thread. Both sides train a GAN step by step on MNIST. The sources' loops are written here as
they are there: a DataLoader that transforms one picture at a time, the sigmoid in the network with
BCELoss, G's graph built in D's step, Adam in its standard form. Where the processor has bfloat16
instructions, fit plays with `precision="bfloat16"`, too; that is other arithmetic than theirs. The
share of the machine's own rate compares the multiplications of fit's step with one large float32
matrix product, which is the most that a thread does; "alone" is what no loop can do without.
"""

import argparse
from collections.abc import Callable
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
from gan_lessons.train import Game, fit

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


Product = tuple[torch.Tensor, torch.Tensor, torch.Tensor]  # a, b, and where a @ b goes


def products(game: Game) -> list[Product]:
    """Return the matrix products of one step of both players.

    A layer multiplies to go forward, for the slope of its weights, and for the slope of what comes
    in; nobody asks for the last of a network's first layer.
    """
    def forward(layer):
        return (torch.randn(game.batch, layer.in_features), layer.weight.detach().T,
                torch.empty(game.batch, layer.out_features))

    def of_weights(layer):
        return (torch.randn(layer.out_features, game.batch),
                torch.randn(game.batch, layer.in_features), torch.empty_like(layer.weight))

    def of_inputs(layer):
        return (torch.randn(game.batch, layer.out_features), layer.weight.detach(),
                torch.empty(game.batch, layer.in_features))

    g, d = ([layer for layer in network.modules() if isinstance(layer, nn.Linear)]
            for network in (game.generator, game.critic))
    judged = [*map(forward, d), *map(of_weights, d), *map(of_inputs, d[1:])]
    critic_step = [*map(forward, g), *judged, *judged]  # fakes; real and fake, forward and back
    generator_step = [*map(forward, g + d), *map(of_inputs, d),
                      *map(of_weights, g), *map(of_inputs, g[1:])]
    return critic_step + generator_step


def multiplications(game: Game) -> int:
    """Return how many multiplications one step of both players takes, for the whole batch."""
    return sum(a.shape[0] * a.shape[1] * b.shape[1] for a, b, _ in products(game))


def bare(game: Game, steps: int) -> Callable[[], None]:
    """Return what no loop can do without: the products of so many steps, Adam and the average.

    Nothing is learned: the slopes are those of the last step. It says how fast `fit` could be.
    """
    work = products(game)
    weights = list(game.generator.parameters())
    average = [weight.detach().clone() for weight in weights]

    @torch.no_grad()
    def play() -> None:
        for _ in range(steps):
            for a, b, result in work:
                torch.mm(a, b, out=result)
            game.critic_optimizer.step()
            game.generator_optimizer.step()
            torch._foreach_lerp_(average, weights, 1 - game.ema)
    return play


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
    make = {"002": recipes.source_002, "004": recipes.source_004}
    games = {source: recipe() for source, recipe in make.items()}
    short = {}
    if runtime.has_bfloat16(torch.device("cpu")):
        short = {source: recipe(precision="bfloat16") for source, recipe in make.items()}
    for source, game in games.items():
        ways[f"{source} as written"] = partial(AsWritten(source, digits).play, options.steps)
        ways[f"{source} with fit"] = partial(go_on, game, digits, options.steps)
        ways[f"{source} bare"] = bare(fit(make[source](), digits, 1, progress=False),
                                      options.steps)
    for source, game in short.items():
        ways[f"{source} with fit, bfloat16"] = partial(go_on, game, digits, options.steps)
    took = in_turn(ways, options.repeats)
    rate = 20 * 1024**3 / took["matrix product"]
    print(f"  a large matrix product: {2 * rate / 1e9:.0f} GFLOP/s")
    for source, game in games.items():
        written, ours = (took[f"{source} {how}"] for how in ("as written", "with fit"))
        ideal, least = options.steps * multiplications(game) / rate, took[f"{source} bare"]
        print(f"  {source}: as written {1e3 * written / options.steps:.2f} ms a step, with fit "
              f"{1e3 * ours / options.steps:.2f} ms: {written / ours:.1f}x; "
              f"{ideal / ours:.0%} of the matrix rate")
        print(f"       its products, Adam and the average alone {1e3 * least / options.steps:.2f} "
              f"ms: at most {written / least:.1f}x and {ideal / least:.0%}")
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
