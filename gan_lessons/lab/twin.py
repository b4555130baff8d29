"""The static twin: what a widget leaves in a saved notebook, where no code runs."""

import anywidget


class TwinWidget(anywidget.AnyWidget):
    """A widget that also says what it is in plain text and in HTML.

    JupyterLab shows the live widget; GitHub and nbviewer, which cannot, show `twin_html()`; nbval
    compares `twin_text()`, so that text is ASCII and the same on every run (no memory address).
    """

    def twin_text(self) -> str:
        """Return one line of ASCII that names the widget."""
        return f"{type(self).__name__} (run this cell)"

    def twin_html(self) -> str:
        """Return the widget's content as HTML that needs no script and no style sheet."""
        return f"<p>{self.twin_text()}</p>"

    def _repr_mimebundle_(self, **kwargs):
        data, metadata = super()._repr_mimebundle_(**kwargs)
        return {**data, "text/plain": self.twin_text(), "text/html": self.twin_html()}, metadata
