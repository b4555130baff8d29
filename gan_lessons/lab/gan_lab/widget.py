"""`GanLab`: the game of G and D, live in the notebook, with real PyTorch behind it."""

import asyncio
import copy
import math
import time
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path

import traitlets

from gan_lessons import data as datasets
from gan_lessons.condition import conditions
from gan_lessons.data import PointSet
from gan_lessons.lab.base import LARGE, LessonWidget, script, style
from gan_lessons.runtime import one_thread
from gan_lessons.show import Picture
from gan_lessons.util import both

from . import drawing
from .custom_loss import as_loss
from .game import LabGame
from .presets import DATA, LOSSES, NAMES, PRESETS, RESTARTS, LabSettings, LossRules

HERE = Path(__file__).parent
SLICE = 0.024  # seconds of training between two looks at what the learner clicked
WINDOW = 8  # pictures on their way to the browser; more would queue up there
CURVES_EVERY = 8  # pictures; curves change slowly
UNSEEN = 500  # slices without a sign of the browser, about 15 s: nobody is looking any more
SPEEDS = {"slow": 2, "medium": 30, "fast": 300, "max": 10**9}  # rounds a second
PAD = 3.0  # half width of the pad for drawing
EIGHT = [[2 * math.sin(t / 19), 1.6 * math.sin(2 * t / 19)]
         for t in range(120)]  # a figure of eight, on the pad before anything is drawn


class GanLab(LessonWidget):
    """A live game of two small networks on points in the plane.

    GanLab()                                    a plain GAN on the ring of eight
    GanLab("collapse")                          one of PRESETS: a failure, or its cure
    GanLab(data="spiral", lr_g=3e-3, seed=1)    any of `LabSettings`
    GanLab(loss=MyLoss())                       a loss of your own: see `as_loss`
    GanLab(data=my_points)                      a PointSet of your own
    GanLab(data="ring_by_class")                a conditional game, G(z, y) and D(x, y)
    GanLab(networks=(G, D), latent=8)           copies of your own networks play

    `run(500)` plays 500 rounds at once; `state` is the run with its networks (a `LabGame`);
    `play()`, `pause()`, `reset()`, `change(lr_g=1e-2)`, `choose(y)` do what the controls do;
    `close()` ends it.
    """

    _esm = script(LARGE, HERE / "gan_lab.js")
    _css = style(HERE / "gan_lab.css")

    settings = traitlets.Dict(read_only=True).tag(sync=True)
    options = traitlets.Dict(read_only=True).tag(sync=True)
    playing = traitlets.Bool(read_only=True).tag(sync=True)
    speed = traitlets.Unicode("medium", read_only=True).tag(sync=True)
    chosen = traitlets.Int(0, read_only=True).tag(sync=True)  # the y that is shown
    problem = traitlets.Dict(read_only=True).tag(sync=True)

    def __init__(self, preset: str = "healthy", *, networks=None, latent: int = 2, **changes):
        if preset not in PRESETS:
            raise ValueError(both(
                f"没有叫 {preset!r} 的预设。可选：{', '.join(PRESETS)}。",
                f"There is no preset called {preset!r}. Choose from: {', '.join(PRESETS)}."))
        super().__init__()
        self._own_points = self._own_loss = None
        self._networks, self._latent = networks, latent
        self._strokes: list[list[float]] | None = None  # on the pad; empty once it was cleared
        self._views: set[str] = set()  # places on the page where the lab is seen
        self._task = None  # plays while `playing` is true
        self._sent = 0  # pictures sent to the browser
        self._arrived = 0  # pictures that it has drawn
        self._unseen = 0  # slices played since it last drew one
        self._settings = self._changed(PRESETS[preset], changes)
        self.on_msg(self._hear)
        self.reset()

    # ---- what a notebook can do with it ----

    @property
    def state(self) -> LabGame:
        """The run: `generator`, `critic`, `step`, `sample(n)`, `history`; see `LabGame`."""
        return self._game

    def run(self, rounds: int) -> "GanLab":
        """Play that many rounds now, and return the lab. An error in the loss is raised."""
        self._check_pad()
        with one_thread():
            self._game.play(rounds)
        self._show(curves=True)
        return self

    def play(self) -> None:
        """Start playing; it goes on while no other cell runs."""
        self._check_pad()
        self.tell(problem={}, playing=True)
        self._unseen = 0
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._keep_playing())

    def pause(self) -> None:
        """Stop playing after the round that is being played."""
        self.tell(playing=False)

    def reset(self) -> None:
        """Start a new run with the present settings."""
        self._game = self._new_game(self._rules())
        self.tell(problem={}, settings=asdict(self._settings), options=self._options(),
                  chosen=self._game.camera.chosen)
        with self._shown_problems(), one_thread():
            self._game.start()
        self._show_scene()

    def change(self, **changes) -> None:
        """Change settings by name; a new run starts only where the old one cannot go on."""
        before = asdict(self._settings)
        self._settings = self._changed(self._settings, changes)
        after = asdict(self._settings)
        new_points = isinstance(changes.get("data"), PointSet)
        if new_points or any(before[name] != after[name] for name in RESTARTS):
            self.reset()
        else:
            self._game.change(self._settings)
            self._game.use(self._rules())
            self.tell(problem={}, settings=after, options=self._options())

    def choose(self, y: int) -> "GanLab":
        """Show D, the mesh and the arrows of this y, in a conditional game; return the lab."""
        classes = self._game.points.classes
        if classes is None:
            raise ValueError(both(
                "这一局没有条件，不能选 y。有条件的是 GanLab(data=\"ring_by_class\")。",
                "This game is not conditional and has no y to choose. A conditional one is "
                "GanLab(data=\"ring_by_class\")."))
        chosen = conditions(y, classes, 1).item()  # or an error, if there is no such class
        self.tell(problem={}, chosen=chosen)
        self._game.camera.choose(chosen)
        self._show(curves=True)
        return self

    def close(self) -> None:
        """Stop playing and take the lab off the page."""
        self.pause()
        if self._task is not None:
            self._task.cancel()
        super().close()

    # ---- settings, and the objects they stand for ----

    def _changed(self, settings: LabSettings, changes: dict) -> LabSettings:
        """Return changed settings; keep an own data set or loss, which is then called custom."""
        data, loss = changes.get("data", ""), changes.get("loss", "")
        if isinstance(data, PointSet):
            if data.shape != (2,):
                raise ValueError(both(f"实验室需要平面上的点，{data.name} 的形状是 {data.shape}。",
                                      f"The lab needs points in the plane, those of {data.name} "
                                      f"have the shape {data.shape}."))
            self._own_points = data
            changes = {**changes, "data": "custom"}
        if not isinstance(loss, str):
            self._own_loss = as_loss(loss)
            changes = {**changes, "loss": "custom"}
        settings = settings.change(**changes)
        if settings.data == "custom" and self._own_points is None:
            settings = settings.change(data="ring")
        if settings.loss == "custom" and self._own_loss is None:
            settings = settings.change(loss="non-saturating")
        return settings

    def _points(self) -> PointSet:
        name = self._settings.data
        if name == "custom":
            return self._own_points
        if name == "drawn":
            return datasets.drawn(self._strokes or EIGHT)
        return DATA[name]()

    def _rules(self) -> LossRules:
        name = self._settings.loss
        return LossRules(self._own_loss) if name == "custom" else LOSSES[name]

    def _new_game(self, rules: LossRules) -> LabGame:
        limit = PAD if self._settings.data == "drawn" else None
        game = LabGame(self._points(), rules, self._settings, networks=self._networks,
                       latent=self._latent, limit=limit)
        if self.chosen < game.camera.classes:
            game.camera.choose(self.chosen)
        return game

    def _options(self) -> dict:
        """Return what the controls of the page offer."""
        own = {"data": self._own_points, "loss": self._own_loss}
        names = {kind: [name for name in NAMES[kind] if name != "custom" or own[kind] is not None]
                 for kind in NAMES}
        now = next((name for name, preset in PRESETS.items()
                    if self._settings == self._with(preset)), "own")
        return {**names, "preset": list(PRESETS), "presetNow": now, "restarts": sorted(RESTARTS),
                "speed": list(SPEEDS), "classes": list(range(self._game.camera.classes)),
                "ownNetworks": self._networks is not None}

    def _with(self, preset: LabSettings) -> LabSettings:
        """Return a preset with the learner's data and seed, which every preset leaves alone."""
        return preset.change(data=self._settings.data, seed=self._settings.seed)

    @property
    def _pad_is_clear(self) -> bool:
        return self._settings.data == "drawn" and self._strokes == []

    def _check_pad(self) -> None:
        """Raise ValueError if there is nothing on the pad to learn from."""
        if self._pad_is_clear:
            raise ValueError(both("画板是空的。请先画几笔，再让它们对弈。",
                                  "The pad is empty. Draw something first, then let them play."))

    # ---- playing ----

    async def _keep_playing(self) -> None:
        """Train in slices; between them the kernel hears clicks and the browser gets a picture."""
        with self._shown_problems():
            while self.playing:
                begin, speed = time.perf_counter(), SPEEDS[self.speed]
                with one_thread():
                    played = self._game.play(max(1, speed // 30), SLICE)
                    if self._sent - self._arrived < WINDOW:
                        self._show(curves=self._sent % CURVES_EVERY == 0)
                self._unseen += 1
                if self._unseen > UNSEEN:
                    break
                await asyncio.sleep(max(0.001, played / speed - time.perf_counter() + begin))
        self.tell(playing=False)
        self._show(curves=True)

    @contextmanager
    def _shown_problems(self):
        """Show an error on the page, in both languages, and pause: it never leaves this block."""
        try:
            yield
        except Exception as error:
            zh, _, en = str(error).partition("\n")
            if not en:
                zh = en = f"{type(error).__name__}: {error}"
            self.tell(problem={"zh": zh, "en": en}, playing=False)

    # ---- what the page says ----

    def _hear(self, _, message: dict, buffers) -> None:
        """Do what the page asks for: {"do": one of these, and what it needs}."""
        actions = {"play": self._on_play, "step": self._on_step, "reset": self.reset,
                   "speed": self._on_speed, "preset": self._on_preset, "change": self._on_change,
                   "choose": self.choose, "draw": self._on_draw, "scrub": self._on_scrub,
                   "shown": self._on_shown, "enter": self._on_enter, "leave": self._on_leave}
        number = message.pop("ask", None)  # the page waits for the answer
        with self._shown_problems():
            actions[message.pop("do")](**message)
        if number is not None:
            self.send({"kind": "done", "ask": number})

    def _on_play(self, on: bool) -> None:
        if on:
            self.play()
        else:
            self.pause()

    def _on_step(self, player: str) -> None:
        self._check_pad()
        self.tell(problem={})
        with one_thread():
            self._game.move(player)
        self._show(curves=True)

    def _on_speed(self, name: str) -> None:
        self.tell(speed=name)

    def _on_preset(self, name: str) -> None:
        if name in PRESETS:
            self._settings = self._with(PRESETS[name])
            self.reset()

    def _on_change(self, **changes) -> None:
        try:
            self.change(**changes)
        finally:
            self.tell(settings=asdict(self._settings))

    def _on_draw(self, points: list[list[float]], anew: bool) -> None:
        """Add to the drawing, or begin it anew; the run goes on and sees it at once.

        Begun anew with no points the pad is clear, and the lab pauses.
        """
        before = [] if anew else self._strokes or []
        strokes = (before + points)[-2000:]
        if strokes:
            self._game.see(datasets.drawn(strokes))
        else:
            self.pause()
        self._strokes = strokes
        self.tell(problem={})
        self._show_scene()

    def _on_scrub(self, index: int) -> None:
        """Pause and show a moment of the past; -1 is the present."""
        self.pause()
        self._show(self._game.history.moments[index] if index >= 0 else None)

    def _on_shown(self, number: int) -> None:
        self._arrived, self._unseen = max(self._arrived, number), 0

    def _on_enter(self, view: str) -> None:
        self._views.add(view)
        self._show_scene()

    def _on_leave(self, view: str) -> None:
        self._views.discard(view)
        if not self._views:
            self.pause()

    # ---- what the page sees ----

    def _show_scene(self) -> None:
        """Send what stays the same in a run: the real points, and how to read a picture."""
        camera, modes = self._game.camera, self._game.points.modes
        self.send({"kind": "scene", "limit": camera.limit, "points": drawing.POINTS,
                   "mesh": drawing.MESH if camera.has_mesh else 0, "arrows": drawing.ARROWS,
                   "surface": drawing.SURFACE, "unit": drawing.UNIT,
                   "clear": self._pad_is_clear,
                   "modes": 0 if modes is None else len(modes), "classes": camera.classes,
                   "colours": drawing.CLASSES}, camera.scene())
        self._show(curves=True)

    def _show(self, moment=None, curves: bool = False) -> None:
        """Send a picture, of the present or of a moment of the past, and maybe the curves."""
        game = self._game
        with self._shown_problems(), one_thread():
            picture = moment.picture if moment else game.camera.shoot(game)
            self._sent += 1
            at = moment or game
            self.send({"kind": "picture", "number": self._sent, "step": at.step,
                       "moves": at.moves, "criticSteps": at.critic_steps,
                       "past": moment is not None}, [picture])
        if curves:
            self.send({"kind": "curves"}, [game.history.table().numpy().tobytes()])

    # ---- what a saved notebook keeps ----

    def static_text(self) -> str:
        """Return the fixed text that nbval compares."""
        settings = self._settings
        return f"GAN lab: {settings.data}, {settings.loss} loss (run this cell to play)"

    def static_picture(self) -> Picture:
        """Return a picture of the run; of one not yet played, the first rounds of the same game."""
        return drawing.draw_run(self._game if self._game.step > 0 else self._rehearsal())

    def _rehearsal(self) -> LabGame:
        """Return a short run of its own; if the loss fails, what there was until then."""
        game = self._new_game(copy.deepcopy(self._rules()))
        with suppress(Exception), one_thread():
            game.start()
            game.play(rounds=600, seconds=3)
        return game
