"""`TrainingView`: pictures, curves and speed in the notebook while `train.fit` runs."""

import time
import warnings
from collections import deque
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

import torch
import traitlets
from IPython import get_ipython
from matplotlib.figure import Figure
from torch import Tensor, nn

from gan_lessons import show
from gan_lessons.data import PointSet
from gan_lessons.lab.base import (
    LARGE,
    WIDGET_VIEW,
    LessonWidget,
    script,
    style,
    with_hint,
)
from gan_lessons.losses import Minimax, Wasserstein
from gan_lessons.measure import Tracker
from gan_lessons.show import Picture
from gan_lessons.train import TrainingDiverged, critic_has_won, generate, sample_noise
from gan_lessons.util import both

from .drawing import (
    SNAPSHOTS_KEPT,
    Album,
    Snapshot,
    columns_for,
    count_for,
    curve_table,
    draw_run,
    pack,
    reach,
)

HERE = Path(__file__).parent
POINTS = 500  # shown of a game of points
PAUSE = 0.2  # seconds at least between two messages to the page
RATE = 300_000  # bytes a second of pictures and curves; Jupyter drops messages beyond 1 MB a second
WON = {"zh": "D 几乎总能分清真假，G 可能学不到东西。如果样本一直不好，试试更小的学习率、"
             "n_critic=1，或者给 D 加谱归一化、R1 惩罚。",
       "en": "D hardly ever mistakes a fake, and G may have little to learn from. If the samples "
             "stay poor, try a smaller learning rate, n_critic=1, or spectral normalisation or an "
             "R1 penalty for D."}
LOOKS = 20  # the speed is that of the time since so many looks ago


class WatchedGame(Protocol):
    """What a TrainingView reads of a game: a `train.Game`, or anything else that has this."""

    step: int  # steps of G so far
    goal: int  # steps of G when the run will be over
    images_seen: int  # real pictures, or points, that D has been shown
    history: Tensor  # the columns of `train.HISTORY`, (steps, 4)
    loss: Any  # its class decides how the curves are called
    fixed_z: Tensor  # noise that G is shown at each look, (n, latent)
    generator: nn.Module
    generator_ema: nn.Module | None  # asked only where the view has ema=True


class TrainingView(LessonWidget):
    """Watches `fit`: what G makes of the same noise, the curves, the speed and the time left.

        view = TrainingView()
        game = fit(game, data, 2000, watch=view, watch_every=50)

    It appears below the cell that trains, and once more wherever it is evaluated. Called again,
    `fit` goes on and so does the view; with another game it begins anew. Afterwards (and while
    another cell runs) a slider and a play button show how the pictures came about.
    It stands in the place of fit's own bar.
    `snapshots` are the pictures that were kept, at most 40: step -> what `train.generate` gave.

    Args:
        ema: Show what the moving average of G's weights makes, not the newest G.
        tracker: Measures the game on its way; its first number is a curve, beside the floor.
        real: Points in the plane, to show behind what a game of points makes.
    """

    shows_progress = True  # so `fit` shows no bar of its own

    _esm = script(LARGE, HERE / "training_view.js")
    _css = style(HERE / "training_view.css")

    numbers = traitlets.Dict(read_only=True).tag(sync=True)  # state, step, total, speed, time left
    scene = traitlets.Dict(read_only=True).tag(sync=True)  # how to read pictures and curves
    frames = traitlets.List(read_only=True).tag(sync=True)  # [step, slot] of each picture
    table = traitlets.Bytes(read_only=True).tag(sync=True)  # float32 (n, 5), see `curve_table`
    measured = traitlets.Dict(read_only=True).tag(sync=True)  # a number: its name, floor and rows
    real = traitlets.Bytes(read_only=True).tag(sync=True)  # real points, float32 pairs
    problem = traitlets.Dict(read_only=True).tag(sync=True)  # what went wrong in the view

    def __init__(self, *, ema: bool = False, real: PointSet | None = None,
                 tracker: Tracker | None = None):
        if real is not None and (not isinstance(real, PointSet) or real.shape != (2,)):
            raise ValueError(both(
                f"real 应是平面上的点，例如 data.ring()，收到 {type(real).__name__}。",
                f"real should be points in the plane, such as data.ring(); got "
                f"{type(real).__name__}."))
        # A trait for each picture kept, so that only new ones travel; before the page has a copy.
        self.add_traits(**{f"picture_{slot}": traitlets.Bytes(read_only=True).tag(sync=True)
                           for slot in range(SNAPSHOTS_KEPT)})
        super().__init__()
        self.ema, self.tracker = ema, tracker
        self._real = None if real is None else real.sample(POINTS).cpu()
        self._game: WatchedGame | None = None
        self._kernel = self._handle = None  # of the cell that trains, while it runs
        self._held = ExitStack()  # while it is open, what changes is kept back from the page
        self._next = 0.0  # when the page may have it
        self._bytes = 0  # of pictures that are kept back
        self._warned = False
        self.tell(numbers={"state": "waiting", "step": 0, "total": 0})
        if real is not None:
            self.tell(real=pack(self._real))

    # ---- what a notebook can do with it ----

    @property
    def state(self) -> str:
        """waiting, training, stopped, finished or diverged."""
        return self.numbers["state"]

    @property
    def snapshots(self) -> dict[int, Tensor]:
        """The pictures kept so far: step -> uint8 (n, C, H, W), or points, (n, 2)."""
        if self._game is None:
            return {}
        return {snapshot.step: snapshot.made for snapshot in self._album.snapshots}

    def show(self) -> None:
        """Show the run so far as a figure that needs no kernel: some pictures, and the curves."""
        self._check_begun()
        show.show(*self._drawn())

    def save_animation(self, path: str | Path, *, fps: float = 8) -> Path:
        """Write the pictures kept so far as a film, see `show.animation`, and return its path."""
        self._check_begun()
        sides = [made.shape[2:] for made in self.snapshots.values() if made.ndim == 4]
        columns = columns_for(*sides[0]) if sides else 8
        return show.animation(self.snapshots, path, fps=fps, columns=columns)

    def __call__(self, game: WatchedGame) -> None:
        """Look at the game. `fit` calls this; nothing that goes wrong here ends the training."""
        self._held.enter_context(self.hold_sync())
        with self._shown_problems():
            if game is not self._game:
                self._begin(game)
            self._appear()
            if self.tracker is not None:
                self._measure(self.tracker, game)
            self._look(game)
        if self._is_time() or self.state == "finished":
            self._release()

    def close(self) -> None:
        """Take the view off the page."""
        self._held.close()
        self._forget_cell()
        super().close()

    # ---- one look ----

    def _begin(self, game: WatchedGame) -> None:
        """Follow this game from now on."""
        self._game, self._z = game, game.fixed_z
        self._y = getattr(game, "fixed_y", None)  # their conditions, of a conditional game
        self._album = Album()
        self._number = 0  # of the next look
        self._looks = deque(maxlen=LOOKS)  # the last ones: (seconds, step, pictures seen by D)
        self._next = 0.0
        self.tell(frames=[], table=b"", measured={}, problem={}, scene={
            "kind": "waiting", "limit": 1.0, "gap": isinstance(game.loss, Wasserstein),
            "reading": "probability" if isinstance(game.loss, Minimax) else "score"})

    def _look(self, game: WatchedGame) -> None:
        """Note numbers and curves, and a picture when one is due."""
        self._album.rewind(game.step)
        measuring = 0.0 if self.tracker is None else self.tracker.seconds  # is no training
        self._looks.append((time.perf_counter() - measuring, game.step, game.images_seen))
        self._tell_numbers("finished" if game.goal == game.step else "training")
        if self._album.due(self._number) or self._is_time() or self.state == "finished":
            self._photograph()
        self._number += 1
        self.tell(problem=WON if critic_has_won(game) else {})

    def _measure(self, tracker: Tracker, game: WatchedGame) -> None:
        """Let the tracker look at the game, and tell the page its first number."""
        tracker(game)
        self.tell(measured={"name": tracker.main, "floor": tracker.floor[tracker.main],
                            "rows": [[step, row[tracker.main]]
                                     for step, row in tracker.rows.items()]})

    def _is_time(self) -> bool:
        """Tell whether the page may have what changed."""
        return time.perf_counter() >= self._next

    def _release(self) -> None:
        """Let the page have all that changed, in one message, and pause; longer if it is much."""
        self._held.close()
        pause = max(PAUSE, (self._bytes + len(self.table)) / RATE)
        self._next, self._bytes = time.perf_counter() + pause, 0

    def _tell_numbers(self, state: str) -> None:
        game = self._game
        numbers = {"state": state, "step": game.step, "total": game.goal}
        if len(self._looks) > 1:
            (begin, first_step, first_seen), (end, step, seen) = self._looks[0], self._looks[-1]
            seconds = max(end - begin, 1e-9)
            numbers["steps"] = (step - first_step) / seconds
            numbers["pictures"] = (seen - first_seen) / seconds
            if step > first_step:
                numbers["left"] = (game.goal - game.step) / numbers["steps"]
        self.tell(numbers=numbers, table=curve_table(game.history).numpy().tobytes())

    def _photograph(self) -> None:
        """Let G work on the fixed noise, and keep what it makes."""
        game = self._game
        network = game.generator_ema if self.ema else game.generator
        made = generate(network, self._z, self._y)
        if made.ndim == 4:
            made = made[:count_for(*made.shape[2:], most=len(made))]
            self._z = self._z[:len(made)]
            if self._y is not None:
                self._y = self._y[:len(made)]
        elif made.shape[1:] != (2,):
            self.tell(scene={**self.scene, "kind": "other"})
            return
        elif len(made) < POINTS:
            self._z = sample_noise(POINTS, self._z.shape[1], torch.Generator().manual_seed(1234))
            if self._y is not None:
                self._y = self._y[torch.arange(POINTS) % len(self._y)]
            made = generate(network, self._z, self._y)
        snapshot = Snapshot(self._number, game.step, made, pack(made))
        self._album.add(snapshot)
        self._bytes += len(snapshot.packed)
        self._tell_frames()

    def _tell_frames(self) -> None:
        """Set the traits of the pictures that are new, and the list of all."""
        snapshots = self._album.snapshots
        scene = {**self.scene, "kind": "pictures"}
        if snapshots[0].made.ndim == 2:
            limit = reach([snapshot.made for snapshot in snapshots], self._real)
            scene = {**self.scene, "kind": "points", "limit": limit}
        packed = {snapshot.slot: snapshot.packed for snapshot in snapshots}
        with self.hold_sync():
            for slot in range(SNAPSHOTS_KEPT):
                self.set_trait(f"picture_{slot}", packed.get(slot, b""))
            self.tell(frames=[[snapshot.step, snapshot.slot] for snapshot in snapshots],
                      scene=scene)

    def _check_begun(self) -> None:
        if self._game is None:
            raise ValueError(both("还没有内容可看。请先训练：fit(..., watch=view)。",
                                  "There is nothing to see yet: train with fit(..., watch=view)."))

    def _drawn(self) -> tuple[Figure, str]:
        return draw_run(self._game, self._album.snapshots, self._real, self.tracker)

    @contextmanager
    def _shown_problems(self):
        """Show an error on the page, and the first one as a warning, too: it ends here."""
        try:
            yield
        except Exception as error:
            what = f"{type(error).__name__}: {error}"
            zh = f"训练视图这一步没有画成，训练不受影响（{what}）"
            en = f"The training view could not draw this step; training is not affected ({what})"
            with suppress(Exception):
                self.tell(problem={"zh": zh, "en": en})
            if not self._warned:
                self._warned = True
                warnings.warn(both(zh, en), RuntimeWarning, stacklevel=4)

    # ---- the cell that trains ----

    def _appear(self) -> None:
        """Show the view below the cell that runs, once, and ask to be told when the cell ends."""
        kernel = get_ipython()
        if kernel is None or self._handle is not None:
            return
        self._tell_numbers("training")  # it appears as training, so without its picture on paper
        self._kernel, self._handle = kernel, self.appear(display_id=True)
        kernel.events.register("post_run_cell", self._cell_done)

    def _cell_done(self, result) -> None:
        """Say how the run ended, and leave a picture of it in the notebook."""
        handle = self._handle
        self._forget_cell()
        self._held.close()
        with self._shown_problems():
            state = self._ending(result.error_in_exec)
            self._looks.clear()  # the pause before the next call of fit does not count
            shown = [snapshot.step for snapshot in self._album.snapshots]
            if state != "diverged" and self._game.step not in shown:
                self._photograph()
                self._number += 1
            self.tell(numbers={**self.numbers, "state": state, "step": self._game.step, "left": 0},
                      table=curve_table(self._game.history).numpy().tobytes())
        data, _ = self._repr_mimebundle_()
        data.pop(WIDGET_VIEW)
        handle.update(with_hint(data), raw=True)

    def _ending(self, error: BaseException | None) -> str:
        """Return the state of a run whose cell has ended, maybe with an error."""
        game = self._game
        if isinstance(error, TrainingDiverged) or len(game.history) < game.step:
            return "diverged"  # a step whose losses are not finite is not in the history
        if isinstance(error, KeyboardInterrupt) or game.step < game.goal:
            return "stopped"
        return "finished"

    def _forget_cell(self) -> None:
        if self._kernel is not None:
            self._kernel.events.unregister("post_run_cell", self._cell_done)
        self._kernel = self._handle = None

    # ---- what a saved notebook keeps ----

    def static_text(self) -> str:
        """Return the fixed text that nbval compares."""
        return "Training view: pictures and curves of a run (run this cell)"

    def static_picture(self) -> Picture | None:
        """Return a picture of the run, once it has ended."""
        if self._game is not None and self.state != "training":
            with self._shown_problems():
                figure, alt = self._drawn()
                return Picture(show.png(figure, dpi=80), alt)
        return None
