"""Look at a run, finished or still going on, and sample from it."""

from pathlib import Path

import torch
from torch import Tensor, nn

from gan_lessons import show
from gan_lessons.runs import folder as files
from gan_lessons.runs.settings import Schedule, Settings
from gan_lessons.train import HISTORY, generate, sample_noise
from gan_lessons.util import both, whole_number


def open_run(folder: str | Path) -> "Run":
    """Return the run in `folder`; raises BadRun when there is none or its settings are damaged."""
    return Run(folder)


class Run:
    """A run in its folder: what it was told, how far it is, what it makes.

    Everything is read when it is asked for, as it was last saved; the run may still go on.
    """

    def __init__(self, folder: str | Path):
        self.folder = Path(folder).expanduser()
        self.settings: Settings
        self.schedule: Schedule
        self.settings, self.schedule, self.about = files.read_settings(self.folder)

    def __repr__(self) -> str:
        return f"Run({str(self.folder)!r}, {self.settings.recipe}, step {self.steps})"

    @property
    def history(self) -> Tensor:
        """One row a step, columns `train.HISTORY`: float32 (steps, 4)."""
        return files.read_history(self.folder)

    @property
    def steps(self) -> int:
        """How many steps G has made, as last saved."""
        return len(self.history)

    @property
    def summary(self) -> dict:
        """How far the run is: state, step, images_seen, seconds, ...; {} before it first saves."""
        return files.read_summary(self.folder)

    @property
    def grids(self) -> dict[int, Path]:
        """{step: PNG file of 64 fakes}, always of the same noise."""
        return files.grid_paths(self.folder)

    @property
    def snapshots(self) -> dict[int, Tensor]:
        """The same as pictures, {step: uint8 (64, C, H, W)}, for `show.filmstrip`."""
        return {step: self._read(path) for step, path in self.grids.items()}

    def generator(self, newest: bool = False) -> nn.Module:
        """Return G with its averaged weights, or its newest ones, ready to sample from.

        The averaged ones need settings.json and generator.safetensors only.
        Raises BadRun when they are not there yet or damaged.
        """
        game = self.settings.game(self.about["pictures"]["channels"])
        files.load_generator(self.folder, game, newest)
        return game.generator.eval()

    def sample(self, n: int = 64, *, seed: int = 0, newest: bool = False) -> Tensor:
        """Return what G makes of `n` z drawn with `seed`, uint8 (n, C, H, W); see `generator`."""
        n, seed = whole_number("n", n, 1), whole_number("seed", seed, 0)
        generator = self.generator(newest)
        z = sample_noise(n, self.settings.latent, torch.Generator().manual_seed(seed))
        return generate(generator, z)

    def weights_step(self, newest: bool = False) -> int:
        """Return the step whose weights `generator` and `sample` use."""
        return files.weights_step(self.folder, newest)

    def show(self) -> None:
        """Show settings, curves, what became of the same noise, and fresh samples."""
        self._print()
        history = self.history
        if len(history):
            show.curves(history, HISTORY, alt=f"Losses and readings of D over {len(history)} steps "
                                              f"of {self.folder.name}")
        grids = self.grids
        if grids:
            steps = list(grids)
            chosen = {step: self._read(grids[step]) for step in
                      {steps[round(i * (len(steps) - 1) / 5)] for i in range(6)}}
            show.filmstrip(chosen, alt=f"What G made of the same noise at steps "
                                       f"{', '.join(map(str, sorted(chosen)))}, a row each")
        if (self.folder / files.GENERATOR).exists():
            show.gallery(self.sample(40), alt="40 fresh samples of the generator with averaged "
                                              "weights")

    def _print(self) -> None:
        s, summary = self.settings, self.summary
        told = {name: value for name, value in vars(s).items()
                if value is not None and value is not False}
        came_to = {name: value for name, value in self.about["game"].items() if name not in told}
        print(both(f"训练 {self.folder.name}：第 {summary.get('step', 0)} 步，"
                   f"看过 {summary.get('images_seen', 0):,} 张真图，用时 "
                   f"{summary.get('seconds', 0) / 60:,.1f} 分钟。",
                   f"Run {self.folder.name}: step {summary.get('step', 0)}, "
                   f"{summary.get('images_seen', 0):,} real pictures seen, "
                   f"{summary.get('seconds', 0) / 60:,.1f} minutes."))
        print("  " + ", ".join(f"{name} {value}" for name, value in told.items()))
        print("  " + ", ".join(f"{name} {value}" for name, value in came_to.items()))

    def _read(self, path: Path) -> Tensor:
        return files.read_grid(path, self.settings.size, self.about["pictures"]["channels"])
