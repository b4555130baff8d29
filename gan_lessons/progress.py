"""A progress bar that leaves nothing behind, in a terminal or in a notebook."""

from IPython import get_ipython
from IPython.display import display
from tqdm import tqdm


def bar(**settings) -> tqdm:
    """Return tqdm's bar, to be used in a `with` block; it is gone when the block ends."""
    file = Place() if in_notebook() else None  # None: stderr
    return tqdm(file=file, leave=False, mininterval=0.5, **settings)


def in_notebook() -> bool:
    """Tell whether what is displayed lands below a cell."""
    return getattr(get_ipython(), "kernel", None) is not None


class Place:
    """A place below the cell that shows what tqdm writes; blanks make it empty.

    Bars on stderr would stay in a notebook, as empty lines on pink ground, and be saved.
    """

    encoding = "utf-8"  # tqdm asks: its bar has eighths of a block

    def __init__(self):
        self.handle = None  # of the display, once there is one
        self.text = ""

    def write(self, text: str) -> None:
        """Show the text in the place of the last one."""
        text, before = text.strip(), self.text
        self.text = text
        if text == before:
            return
        data = {"text/plain": text} if text else {}
        if self.handle is None:
            self.handle = display(data, raw=True, display_id=True)
        else:
            self.handle.update(data, raw=True)

    def flush(self) -> None:
        """Do nothing: what is displayed is shown at once."""
