"""What our widgets share: a static form for saved notebooks, and scripts joined from two files."""

import json
from pathlib import Path

import anywidget

from gan_lessons.show import Picture

HERE = Path(__file__).parent


class LessonWidget(anywidget.AnyWidget):
    """A widget that leaves something readable in a saved notebook, where no code runs.

    JupyterLab shows the live widget; GitHub and nbviewer, which cannot, show `static_html()` or
    `static_picture()`; nbval compares `static_text()`.
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

    def _repr_mimebundle_(self, **kwargs):
        data, metadata = super()._repr_mimebundle_(**kwargs)
        data = {**data, "text/plain": self.static_text()}
        html, picture = self.static_html(), self.static_picture()
        if html is None and picture is not None:
            html = picture._repr_html_()
        if html is not None:
            data["text/html"] = html
        return data, metadata


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
