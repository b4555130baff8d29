"""`TrainingView`: pictures, curves and speed in the notebook while `train.fit` runs."""

import base64
import time
import warnings
from contextlib import contextmanager, suppress
from pathlib import Path

import anywidget
import torch
import traitlets
from IPython import get_ipython
from IPython.display import display
from torch import Tensor

from gan_lessons import show
from gan_lessons.data import PointSet
from gan_lessons.lab import page
from gan_lessons.losses import Minimax, Wasserstein
from gan_lessons.train import Game, TrainingDiverged, generate, sample_noise
from gan_lessons.util import both

from .album import LIMIT, Album, Moment
from .drawing import columns_for, count_for, draw_paper, pack, reach, table
from .speed import Stopwatch

HERE = Path(__file__).parent
POINTS = 500  # shown of a game of points
PAUSE = 0.2  # seconds between two pictures, except those that are kept
Slots = type("Slots", (anywidget.AnyWidget,), {  # a trait a picture: only new ones travel
    f"picture_{slot}": traitlets.Bytes(read_only=True).tag(sync=True) for slot in range(LIMIT)})


class TrainingView(Slots):
    """Watches `fit`: what G makes of the same noise, the curves, the speed and the time left.

        view = TrainingView()
        game = fit(game, data, 2000, watch=view, watch_every=50, progress=False)

    It appears below the cell that trains, and once more wherever it is evaluated. Called again,
    `fit` goes on and so does the view; with another game it begins anew. Afterwards (and while
    another cell runs) a slider and a play button show how the pictures came about.
    `progress=False` leaves out fit's own bar, which the view would cut in two.

    ema: show what the moving average of G's weights makes, not the newest G;  real: a PointSet
    to show behind what a game of points makes.
    `snapshots` are the pictures that were kept, at most 40: step -> what `train.generate` gave.
    """

    # As text: given a path, anywidget watches the file and keeps every closed view in memory.
    _esm = page.script(HERE / "training_view.js")
    _css = page.style(HERE / "training_view.css")

    numbers = traitlets.Dict(read_only=True).tag(sync=True)  # state, step, total, speed, time left
    scene = traitlets.Dict(read_only=True).tag(sync=True)  # how to read pictures and curves
    frames = traitlets.List(read_only=True).tag(sync=True)  # [step, slot] of each picture
    table = traitlets.Bytes(read_only=True).tag(sync=True)  # float32 (n, 5), see drawing.table
    real = traitlets.Bytes(read_only=True).tag(sync=True)  # real points, float32 pairs
    problem = traitlets.Dict(read_only=True).tag(sync=True)  # what went wrong in the view

    def __init__(self, *, ema: bool = False, real: PointSet | None = None):
        if real is not None and (not isinstance(real, PointSet) or real.shape != (2,)):
            raise ValueError(both(
                f"real 应是平面上的点，例如 data.ring()，收到 {type(real).__name__}。",
                f"real should be points in the plane, such as data.ring(); got "
                f"{type(real).__name__}."))
        super().__init__()
        self.ema = ema
        self._real = None if real is None else real.sample(POINTS).cpu()
        self._handle = self._kernel = self._game = None
        self._warned = False
        self._tell(numbers={"state": "waiting", "step": 0, "total": 0})
        if real is not None:
            self._tell(real=pack(self._real))

    # ---- what a notebook can do with it ----

    @property
    def state(self) -> str:
        """waiting, training, stopped, finished or diverged."""
        return self.numbers["state"]

    @property
    def snapshots(self) -> dict[int, Tensor]:
        """The pictures kept so far: step -> uint8 (n, C, H, W), or points, (n, 2)."""
        return {} if self._game is None else {m.step: m.made for m in self._album.moments}

    def show(self) -> None:
        """Show the run so far as a figure that needs no kernel: some pictures, and the curves."""
        figure, alt = draw_paper(self._trained(), self._album.moments, self._real)
        show.show(figure, alt)

    def save_animation(self, path: str | Path, *, fps: float = 8) -> Path:
        """Write the pictures kept so far as a film, see `show.animation`, and return its path."""
        self._trained()
        sides = [made.shape[2:] for made in self.snapshots.values() if made.ndim == 4]
        columns = columns_for(*sides[0]) if sides else 8
        return show.animation(self.snapshots, path, fps=fps, columns=columns)

    def __call__(self, game: Game) -> None:
        """Look at the game. `fit` calls this; nothing that goes wrong here ends the training."""
        with self._shown_problems():
            if game is not self._game:
                self._begin(game)
            self._appear()
            self._look(game)

    def close(self) -> None:
        """Take the view off the page."""
        self._forget_cell()
        super().close()

    # ---- one look ----

    def _begin(self, game: Game) -> None:
        """Follow this game from now on."""
        self._game, self._album, self._number = game, Album(), 0
        self._stopwatch, self._sent = Stopwatch(), 0.0
        self._z = game.fixed_z
        self._tell(frames=[], table=b"", problem={}, scene={
            "kind": "waiting", "limit": 1.0, "gap": isinstance(game.loss, Wasserstein),
            "reading": "probability" if isinstance(game.loss, Minimax) else "score"})

    def _look(self, game: Game) -> None:
        """Send numbers and curves, and a picture when one is due."""
        self._album.rewind(game.step)
        self._stopwatch.look(game.step, game.images_seen)
        self._tell_numbers("finished" if game.goal == game.step else "training")
        late = time.perf_counter() - self._sent > PAUSE
        number, self._number = self._number, self._number + 1
        if self._album.due(number) or late or self.state == "finished":
            self._photograph(number)
        self._tell(problem={})

    def _tell_numbers(self, state: str) -> None:
        game, speed = self._game, self._stopwatch.speed()
        numbers = {"state": state, "step": game.step, "total": game.goal}
        if speed is not None:
            numbers |= {"steps": speed.steps, "pictures": speed.pictures}
            if speed.steps > 0:
                numbers["left"] = (game.goal - game.step) / speed.steps
        self._tell(numbers=numbers, table=table(game.history).numpy().tobytes())

    def _photograph(self, number: int) -> None:
        """Let G work on the fixed noise, and send what it makes."""
        game = self._game
        network = game.generator_ema if self.ema else game.generator
        made = generate(network, self._z)
        if made.ndim == 2 and made.shape[1] == 2 and len(made) < POINTS:
            self._z = sample_noise(POINTS, game.latent, torch.Generator().manual_seed(1234))
            made = generate(network, self._z)
        elif made.ndim == 4:
            made = made[:count_for(*made.shape[2:], most=len(made))]
            self._z = self._z[:len(made)]
        elif made.ndim != 2 or made.shape[1] != 2:
            return self._tell(scene={**self.scene, "kind": "other"})
        self._album.add(Moment(number, game.step, made, pack(made)))
        self._send_frames()

    def _send_frames(self) -> None:
        """Send the pictures that are new to the page, and the list of all."""
        moments = self._album.moments
        shots = {m.slot: m.shot for m in moments}
        points = moments[0].made.ndim == 2
        limit = reach([m.made for m in moments], self._real) if points else 1.0
        with self.hold_sync():
            self._tell(**{f"picture_{slot}": shots.get(slot, b"") for slot in range(LIMIT)},
                       frames=[[m.step, m.slot] for m in moments],
                       scene={**self.scene, "kind": "points" if points else "pictures",
                              "limit": limit})
        self._sent = time.perf_counter()

    def _tell(self, **traits) -> None:
        for name, value in traits.items():
            self.set_trait(name, value)

    def _trained(self) -> Game:
        """Return the game that is watched; raise ValueError when there is none yet."""
        if self._game is None:
            raise ValueError(both("还没有内容可看。请先训练：fit(..., watch=view)。",
                                  "There is nothing to see yet: train with fit(..., watch=view)."))
        return self._game

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
                self._tell(problem={"zh": zh, "en": en})
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
        self._kernel, self._handle = kernel, display(self, display_id=True)
        kernel.events.register("post_run_cell", self._cell_done)

    def _cell_done(self, result) -> None:
        """Say how the run ended, and leave a picture of it in the notebook."""
        handle = self._handle
        self._forget_cell()
        with self._shown_problems():
            state = self._ending(result.error_in_exec)
            self._stopwatch.restart()
            newest = self._album.moments[-1].step if self._album.moments else None
            if state != "diverged" and newest != self._game.step:
                self._photograph(self._number)
                self._number += 1
            self._tell(numbers={**self.numbers, "state": state, "step": self._game.step, "left": 0})
            self._tell(table=table(self._game.history).numpy().tobytes())
        if handle is not None:
            handle.update(self)

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

    def twin_text(self) -> str:
        """Return the fixed text that nbval compares."""
        return "Training view: pictures and curves of a run (run this cell)"

    def _repr_mimebundle_(self, **kwargs):
        """Return the live view, and for readers without a kernel a picture of the run."""
        data, metadata = super()._repr_mimebundle_(**kwargs)
        data |= {"text/plain": self.twin_text()}
        if self._game is not None and self.state != "training":
            with self._shown_problems():
                figure, alt = draw_paper(self._game, self._album.moments, self._real)
                data["image/png"] = base64.b64encode(show.png(figure, dpi=80)).decode()
                metadata = {**metadata, "image/png": {"alt": alt}}
        return data, metadata
