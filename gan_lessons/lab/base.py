"""What our widgets share: a static form for saved notebooks, and scripts joined from two files."""

import json
import os
import sys
from pathlib import Path

import anywidget
from IPython.display import DisplayHandle, display

from gan_lessons.show import Picture

HERE = Path(__file__).parent
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"

# Ends a static form in a learner's notebook. Where the next output is live the form is not seen
# (shared.css); where it is not, because the kernel is new, JupyterLab's error message is not seen.
NEW_KERNEL = """<p class="gan-lessons-twin">
<span lang="zh">↻ 内核是新的。想让它动起来，请重新运行这个单元。</span><br>
<span lang="en">↻ The kernel is new. Run this cell again to bring this to life.</span></p>
<style>.jp-OutputArea-child:has(.gan-lessons-twin) + .jp-OutputArea-child:has(> .jupyter-widgets)
{ display: none }</style>"""


class LessonWidget(anywidget.AnyWidget):
    """A widget that leaves something readable in a saved notebook, where no code runs.

    JupyterLab shows the live widget; GitHub and nbviewer, which cannot, show `static_html()` or
    `static_picture()`; so does JupyterLab when a notebook is opened with a new kernel. nbval
    compares `static_text()`.
    """

    def static_text(self) -> str:
        """Return one line of ASCII, the same on every run (no memory address)."""
        return f"{type(self).__name__} (run this cell)"

    def static_html(self) -> str | None:
        """Return HTML that needs no script and no style sheet, if there is any."""
        return None

    def static_picture(self) -> Picture | None:
        """Return a picture, if there is any."""
        return None

    def tell(self, **traits) -> None:
        """Set traits that only the kernel may set; the page hears of it."""
        for name, value in traits.items():
            self.set_trait(name, value)

    def appear(self, **options) -> DisplayHandle | None:
        """Show the static form and, in its place, the live widget: two outputs.

        JupyterLab shows one form of an output and has nothing to fall back on. `options` are those
        of `display`; returns the handle of the static form, if a `display_id` is asked for.
        """
        data, _ = self._repr_mimebundle_()
        live = {WIDGET_VIEW: data.pop(WIDGET_VIEW), "text/html": ""}  # not live: nothing
        handle = display(with_hint(data), raw=True, **options)
        display(live, raw=True)
        return handle

    def _ipython_display_(self) -> None:
        if "google.colab" in sys.modules or "VSCODE_PID" in os.environ:
            display(self._repr_mimebundle_()[0], raw=True)  # they would show both outputs
        else:
            self.appear()

    def _repr_mimebundle_(self, **kwargs):
        data, metadata = super()._repr_mimebundle_(**kwargs)
        data = {**data, "text/plain": self.static_text()}
        html, picture = self.static_html(), self.static_picture()
        if html is None and picture is not None:
            html = picture._repr_html_()
        if html is not None:
            data["text/html"] = html
        return data, metadata


def with_hint(data: dict) -> dict:
    """Return the data of a static form whose HTML ends in the hint for a new kernel."""
    return {**data, "text/html": data.get("text/html", "") + NEW_KERNEL}


# A widget's script reaches the page as one text and cannot import another file offline, so what
# is shared is put in front of it here. Text, not a path: anywidget would watch the file and keep
# every closed widget in memory.

LARGE = HERE / "shared.js"  # what the larger widgets have in common


def script(*paths: Path) -> str:
    """Return the ES module in some files, which adds `shared.css` to the page if it is not there.

    A widget's own style sheet does not contain it: it may change what `shared.css` says, and a
    second copy, loaded with another widget, would come after it and win.
    """
    shared = json.dumps((HERE / "shared.css").read_text("utf-8"))
    texts = [path.read_text("utf-8") for path in (HERE / "shared_style.js", *paths)]
    return "\n".join([f"const SHARED_CSS = {shared};", *texts])


def style(path: Path) -> str:
    """Return the style sheet in a file."""
    return path.read_text("utf-8")
