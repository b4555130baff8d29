"""`GanLab`: the game of G and D, live in the notebook, with real PyTorch behind it."""

import asyncio
import base64
import copy
import time
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path

import anywidget
import torch
import traitlets

from gan_lessons import data as datasets
from gan_lessons.data import PointSet
from gan_lessons.lab import page
from gan_lessons.runtime import one_thread
from gan_lessons.util import both

from . import picture
from .asking import as_loss
from .engine import Engine
from .filmstrip import draw_twin
from .presets import DATA, LOSSES, NAMES, PRESETS, THINGS_THAT_RESTART, Rules, Settings

HERE = Path(__file__).parent
SLICE = 0.024  # seconds of training between two looks at what the learner clicked
WINDOW = 8  # pictures on their way to the browser; more would queue up there
CURVES_EVERY = 8  # pictures; curves change slowly
UNSEEN = 500  # slices without a sign of the browser, about 15 s: nobody is looking any more
SPEEDS = {"slow": 2, "medium": 30, "fast": 300, "max": 10**9}  # rounds a second
PAD = 3.0  # half width of the pad for drawing
EIGHT = [[2 * torch.sin(t).item(), 1.6 * torch.sin(2 * t).item()]
         for t in torch.linspace(0, 6.25, 120)]  # what is on the pad before anything is drawn


class GanLab(anywidget.AnyWidget):
    """A live game of two small networks on points in the plane.

    GanLab()                                    a plain GAN on the ring of eight
    GanLab("collapse")                          one of PRESETS: a failure, or its cure
    GanLab(data="spiral", lr_g=3e-3, seed=1)    any of `Settings`
    GanLab(loss=MyLoss())                       a loss of your own: see `as_loss`
    GanLab(data=my_points)                      a PointSet of your own
    GanLab(networks=(G, D), latent=8)           copies of your own networks play

    `run(500)` plays 500 rounds at once; `state` is the run with its networks (an `Engine`);
    `play()`, `pause()`, `reset()`, `change(lr_g=1e-2)` do what the controls do; `close()` ends it.
    """

    # As text: given a path, anywidget watches the file and keeps every closed lab in memory.
    _esm = page.script(HERE / "gan_lab.js")
    _css = page.style(HERE / "gan_lab.css")

    settings = traitlets.Dict(read_only=True).tag(sync=True)
    options = traitlets.Dict(read_only=True).tag(sync=True)
    playing = traitlets.Bool(read_only=True).tag(sync=True)
    speed = traitlets.Unicode("max", read_only=True).tag(sync=True)
    problem = traitlets.Dict(read_only=True).tag(sync=True)

    def __init__(self, preset: str = "healthy", *, data=None, loss=None, networks=None,
                 latent: int = 2, **changes):
        if preset not in PRESETS:
            raise ValueError(both(
                f"没有叫 {preset!r} 的预设。可选：{', '.join(PRESETS)}。",
                f"There is no preset called {preset!r}. Choose from: {', '.join(PRESETS)}."))
        super().__init__()
        self._own_points = self._own_loss = self._task = None
        self._networks, self._latent = networks, latent
        self._strokes: list[list[float]] = []
        self._views: set[str] = set()
        self._sent = self._unseen = self._arrived = 0
        self._settings = self._take(PRESETS[preset], data=data, loss=loss, **changes)
        self.on_msg(self._hear)
        self.reset()

    # ---- what a notebook can do with it ----

    @property
    def state(self) -> Engine:
        """The run: `generator`, `critic`, `step`, `sample(n)`, `history`; see `Engine`."""
        return self._engine

    def run(self, rounds: int) -> "GanLab":
        """Play that many rounds now, and return the lab. An error in the loss is raised."""
        with one_thread():
            self._engine.play(rounds)
        self._show(curves=True)
        return self

    def play(self) -> None:
        """Start playing; it goes on while no other cell runs."""
        self._tell(problem={}, playing=True)
        self._unseen = 0
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._keep_playing())

    def pause(self) -> None:
        """Stop playing after the round that is being played."""
        self._tell(playing=False)

    def reset(self) -> None:
        """Start a new run with the present settings."""
        self._engine = Engine(
            self._points(), self._rules(), self._settings, networks=self._networks,
            latent=self._latent, limit=PAD if self._settings.data == "drawn" else None)
        self._tell(problem={}, settings=asdict(self._settings), options=self._options())
        with self._shown_problems(), one_thread():
            self._engine.start()
        self._show_scene()

    def change(self, *, data=None, loss=None, **changes) -> None:
        """Change settings by name; a new run starts only where the old one cannot go on."""
        before = asdict(self._settings)
        self._settings = self._take(self._settings, data=data, loss=loss, **changes)
        after = asdict(self._settings)
        if isinstance(data, PointSet) or any(before[k] != after[k] for k in THINGS_THAT_RESTART):
            self.reset()
        else:
            self._engine.change(self._settings, self._rules())
            self._tell(problem={}, settings=after, options=self._options())

    def close(self) -> None:
        """Stop playing and take the lab off the page."""
        self.pause()
        if self._task is not None:
            self._task.cancel()
        super().close()

    # ---- settings, and the objects they stand for ----

    def _take(self, settings: Settings, *, data=None, loss=None, **changes) -> Settings:
        """Return changed settings; keep an own data set or loss, which is then called custom."""
        if isinstance(data, PointSet):
            if data.shape != (2,):
                raise ValueError(both(f"实验室需要平面上的点，{data.name} 的形状是 {data.shape}。",
                                      f"The lab needs points in the plane, those of {data.name} "
                                      f"have the shape {data.shape}."))
            self._own_points, data = data, "custom"
        if loss is not None and not isinstance(loss, str):
            self._own_loss, loss = as_loss(loss), "custom"
        named = {"data": data, "loss": loss}
        changes |= {name: value for name, value in named.items() if value is not None}
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
        return datasets.drawn(self._strokes or EIGHT) if name == "drawn" else DATA[name]()

    def _rules(self) -> Rules:
        name = self._settings.loss
        return Rules(self._own_loss) if name == "custom" else LOSSES[name]

    def _options(self) -> dict:
        """Return what the controls of the page offer."""
        own = {"data": self._own_points, "loss": self._own_loss}
        names = {kind: [name for name in NAMES[kind] if name != "custom" or own[kind] is not None]
                 for kind in NAMES}
        now = [name for name, preset in PRESETS.items() if self._settings == self._with(preset)]
        return {**names, "preset": list(PRESETS), "presetNow": (now or ["own"])[0],
                "speed": list(SPEEDS), "ownNetworks": self._networks is not None}

    def _with(self, preset: Settings) -> Settings:
        """Return a preset with the learner's data and seed, which every preset leaves alone."""
        return preset.change(data=self._settings.data, seed=self._settings.seed)

    # ---- playing ----

    async def _keep_playing(self) -> None:
        """Train in slices; between them the kernel hears clicks and the browser gets a picture."""
        with self._shown_problems():
            while self.playing:
                begin, speed = time.perf_counter(), SPEEDS[self.speed]
                with one_thread():
                    played = self._engine.play(max(1, speed // 30), SLICE)
                    if self._sent - self._arrived < WINDOW:
                        self._show(curves=self._sent % CURVES_EVERY == 0)
                self._unseen += 1
                if self._unseen > UNSEEN:
                    break
                await asyncio.sleep(max(0.001, played / speed - time.perf_counter() + begin))
        self._tell(playing=False)
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
            self._tell(problem={"zh": zh, "en": en}, playing=False)

    def _tell(self, **traits) -> None:
        for name, value in traits.items():
            self.set_trait(name, value)

    # ---- what the page says and sees ----

    def _hear(self, _, message: dict, buffers) -> None:
        """Do what the page asks for: {"do": name of a method below, ...}."""
        with self._shown_problems():
            getattr(self, f"_do_{message.pop('do')}")(**message)

    def _do_play(self, on):
        self.play() if on else self.pause()

    def _do_step(self, player):
        self._tell(problem={})
        with one_thread():
            for move in {"critic": ["critic_step"], "generator": ["generator_step"],
                         "both": ["round"]}[player]:
                getattr(self._engine, move)()
            self._engine.check()
            self._engine.remember()
        self._show(curves=True)

    def _do_reset(self):
        self.reset()

    def _do_speed(self, name):
        self._tell(speed=name if name in SPEEDS else "max")

    def _do_preset(self, name):
        if name in PRESETS:
            self._settings = self._with(PRESETS[name])
            self.reset()

    def _do_change(self, **changes):
        try:
            self.change(**changes)
        finally:
            self._tell(settings=asdict(self._settings))

    def _do_draw(self, points, anew):
        """Add to the drawing, or begin it anew; the run goes on and sees it at once."""
        self._strokes = (points if anew else self._strokes + points)[-2000:]
        self._engine.see(self._points())
        self._show_scene()

    def _do_scrub(self, index):
        """Pause and show a moment of the past; -1 is the present."""
        self.pause()
        self._show(self._engine.history.moments[index] if index >= 0 else None)

    def _do_shown(self, number):
        self._arrived, self._unseen = max(self._arrived, number), 0

    def _do_enter(self, view):
        self._views.add(view)
        self._show_scene()

    def _do_leave(self, view):
        self._views.discard(view)
        if not self._views:
            self.pause()

    def _show_scene(self) -> None:
        """Send what stays the same in a run: the real points, and how to read a picture."""
        camera, modes = self._engine.camera, self._engine.points.modes
        self.send({"kind": "scene", "limit": camera.limit, "points": picture.POINTS,
                   "mesh": picture.MESH if camera.has_mesh else 0, "arrows": picture.ARROWS,
                   "surface": picture.SURFACE, "unit": picture.UNIT,
                   "modes": 0 if modes is None else len(modes)}, [camera.scene()])
        self._show(curves=True)

    def _show(self, moment=None, curves: bool = False) -> None:
        """Send a picture, of the present or of a moment of the past, and maybe the curves."""
        engine = self._engine
        with self._shown_problems(), one_thread():
            shot = moment.picture if moment else engine.camera.shoot(engine)
            self._sent += 1
            at = moment or engine
            self.send({"kind": "picture", "number": self._sent, "step": at.step,
                       "criticSteps": at.critic_steps, "past": moment is not None}, [shot])
        if curves:
            self.send({"kind": "curves"}, [engine.history.table().numpy().tobytes()])

    # ---- what a saved notebook keeps ----

    def twin_text(self) -> str:
        """Return the fixed text that nbval compares."""
        settings = self._settings
        return f"GAN lab: {settings.data}, {settings.loss} loss (run this cell to play)"

    def _repr_mimebundle_(self, **kwargs):
        """Return the live view, and for readers without a kernel a picture of a run.

        A lab that has not played yet shows a rehearsal: the first rounds of the same game.
        """
        data, metadata = super()._repr_mimebundle_(**kwargs)
        png, alt = draw_twin(self._engine if self._engine.step else self._rehearsal())
        data |= {"text/plain": self.twin_text(), "image/png": base64.b64encode(png).decode()}
        return data, {**metadata, "image/png": {"alt": alt}}

    def _rehearsal(self) -> Engine:
        """Return a short run of its own; if the loss fails, what there was until then."""
        twin = Engine(self._points(), copy.deepcopy(self._rules()), self._settings,
                      networks=self._networks, latent=self._latent,
                      limit=self._engine.camera.limit)
        with suppress(Exception), one_thread():
            twin.start()
            twin.play(rounds=600, seconds=3)
        return twin
