"""What keeps the folder of a run up to date while `train.fit` plays: the watcher it calls."""

import math
import sys
import time
from datetime import datetime, timezone
from pathlib import Path

from tqdm import tqdm

from gan_lessons.runs import folder as files
from gan_lessons.runs.settings import ENDLESS, Schedule
from gan_lessons.show import grid
from gan_lessons.train import HISTORY, Game, critic_turns, generate
from gan_lessons.util import both


class TimeIsUp(Exception):
    """The minutes that the run was given are over."""


class Recorder:
    """Call it with the game: it shows the progress, and writes grids and results when due."""

    def __init__(self, folder: Path, game: Game, schedule: Schedule, last: int, *,
                 quiet: bool = False, board=None):
        """`last` is the number of the last step; `board` a SummaryWriter of TensorBoard."""
        self.folder, self.schedule, self.last, self.board = folder, schedule, last, board
        self.first, self.logged = game.step, game.step
        self.began = time.monotonic()
        self.earlier = _number(files.read_summary(folder).get("seconds"))
        pause = 0.5 if sys.stderr.isatty() else 5.0  # seconds; a log file wants fewer lines
        self.bar = tqdm(total=None if last == ENDLESS else last, initial=game.step, unit="step",
                        disable=quiet, mininterval=pause, dynamic_ncols=True)

    def every(self, game: Game) -> int:
        """Return how many steps may pass between two calls; each call makes a GPU wait."""
        if game.device.type == "cpu":
            return 1
        return math.gcd(10, self.schedule.sample_every, self.schedule.save_every)

    def __call__(self, game: Game) -> None:
        """Do what is due after this step; raise TimeIsUp when the minutes are over."""
        self.bar.set_postfix_str(self._pace(game), refresh=False)
        self.bar.update(game.step - self.bar.n)
        if game.step % self.schedule.sample_every == 0:
            self._if_possible(self.picture, game)
        if game.step % self.schedule.save_every == 0:
            self._if_possible(self.save, game, "running")
        if self.schedule.minutes and self._seconds() > 60 * self.schedule.minutes:
            raise TimeIsUp

    def catch_up(self, game: Game) -> None:
        """Bring grids and results to the game's step: a kill may have left some before or after."""
        for step, path in files.grid_paths(self.folder).items():
            if step > game.step:
                path.unlink(missing_ok=True)
        if game.step % self.schedule.sample_every == 0:
            self.picture(game)
        if game.step:
            self.save(game, "running")

    def picture(self, game: Game) -> None:
        """Write the grid of this step: what G, with its newest weights, makes of fixed noise."""
        made = generate(game.generator, game.fixed_z)
        files.write_picture(files.grid_path(self.folder, game.step), made)
        if self.board:
            self.board.add_image("fakes", grid(made, files.SIDE), game.step, dataformats="HWC")

    def save(self, game: Game, state: str) -> None:
        """Write the generator, the history and the summary."""
        files.write_generator(self.folder, game)
        self.report(game, state)

    def report(self, game: Game, state: str) -> None:
        """Write the history and the summary."""
        files.write_history(self.folder, game.history)
        files.write_summary(self.folder, self._summary(game, state))
        if self.board:
            for step, row in enumerate(game.history[self.logged:].tolist(), self.logged + 1):
                for name, value in zip(HISTORY, row, strict=True):
                    self.board.add_scalar(name, value, step)
            self.logged = len(game.history)
            self.board.flush()

    def close(self) -> None:
        """End the progress bar and TensorBoard's file."""
        self.bar.close()
        if self.board:
            self.board.close()

    def _if_possible(self, write, *arguments) -> None:
        """Write; a disk that is full now is a warning, not the end of a long run."""
        try:
            write(*arguments)
        except OSError as problem:
            tqdm.write(both(f"训练文件夹这次没有写成（{problem}）；训练继续。",
                            f"The run folder could not be written this time ({problem}); training "
                            "goes on."), file=sys.stderr)

    def _seconds(self) -> float:
        return time.monotonic() - self.began

    def _rate(self, game: Game) -> float:
        """Return how many real pictures D has seen a second, in this session."""
        seen = critic_turns(game, game.step) - critic_turns(game, self.first)
        return seen * game.batch / max(self._seconds(), 1e-9)

    def _pace(self, game: Game) -> str:
        pace = f"{self._rate(game):,.0f} img/s"
        if self.schedule.minutes:
            pace += f", at most {max(0, self.schedule.minutes - self._seconds() / 60):.0f} min left"
        return pace

    def _summary(self, game: Game, state: str) -> dict:
        means = dict(zip(HISTORY, game.history[-100:].mean(0).tolist(), strict=True))
        if not len(game.history):
            means = {}
        gap = {"gap": means["real"] - means["fake"]} if means else {}
        return {"state": state, "step": game.step,
                "last_step": None if self.last == ENDLESS else self.last,
                "images_seen": game.images_seen,
                "seconds": round(self.earlier + self._seconds(), 1),
                "images_per_second": round(self._rate(game), 1),
                "mean_of_last_100": means | gap,
                "written": datetime.now(timezone.utc).isoformat(timespec="seconds")}


def _number(value) -> float:
    return float(value) if isinstance(value, (int, float)) and math.isfinite(value) else 0.0
