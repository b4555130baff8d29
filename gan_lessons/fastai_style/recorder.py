"""What happened, epoch by epoch: the table that grows under the cell while training."""

import time

import torch
from IPython import get_ipython
from IPython.display import display

from gan_lessons.fastai_style.callback import Callback


class SmoothenValue:
    """The running mean of numbers that come in one by one, the newest counting most.

    Each new value has the weight 1 - beta; `smooth` is corrected for the start, when there were
    few: after 1, 2, 4 with beta 0.98 it is 1, 1.505, 2.354. Kingma and Ba 2015, arXiv 1412.6980,
    section 3. Tensors stay tensors: nothing waits for a GPU.
    """

    def __init__(self, beta: float):
        self.beta = beta
        self.n = 0
        self.mean = 0.0
        self.smooth = None

    def add_value(self, value) -> None:
        """Take one more value in and renew `smooth`."""
        self.n += 1
        self.mean = self.beta * self.mean + (1 - self.beta) * value
        self.smooth = self.mean / (1 - self.beta**self.n)

    def state(self) -> dict:
        """Return what must be saved to go on."""
        return {"n": self.n, "mean": float(self.mean)}

    def set_state(self, state: dict) -> None:
        """Take back what `state` returned."""
        self.n = state["n"]
        self.mean = torch.tensor(state["mean"])
        self.smooth = self.mean / (1 - self.beta**self.n) if self.n else None


class Table:
    """Rows of numbers under names, as text for a terminal and as HTML for a notebook."""

    def __init__(self):
        self.rows: list[dict] = []

    def cells(self) -> list[list[str]]:
        """Return the names and the rows as texts; a value that is missing is empty."""
        names = list(dict.fromkeys(name for row in self.rows for name in row))
        return [names] + [[_text(row.get(name)) for name in names] for row in self.rows]

    def __repr__(self) -> str:
        cells = self.cells()
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        return "\n".join("  ".join(map(str.rjust, line, widths)) for line in cells)

    def _repr_html_(self) -> str:
        head, *rows = ["".join(f"<td>{cell}</td>" for cell in line) for line in self.cells()]
        body = "".join(f"<tr>{row}</tr>" for row in rows)
        head = head.replace("td>", "th>")
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


class Recorder(Callback):
    """Keep the losses of a fit, and show one row of a table after each epoch.

    Attributes:
        table: the rows of this fit
        row: that of the epoch that runs; callbacks with an order below 50 may add to it in
            `on_epoch_end`
        losses: the loss of every batch
    """

    order = 50
    label = "train_loss"

    def __init__(self):
        self.row: dict = {}
        self.began = 0.0  # when the epoch began, in seconds
        self.handle = None  # of the table below the cell
        self._forget()

    def _forget(self) -> None:
        self.table = Table()
        self.losses: list = []
        self.smoothener = SmoothenValue(0.98)

    def on_train_begin(self, learn) -> None:
        """Start a new table."""
        if not learn.resuming:
            self._forget()
        self.handle = None

    def on_epoch_begin(self, learn) -> None:
        """Start a new row."""
        self.row = {"epoch": learn.epoch}
        self.began = time.monotonic()

    def on_backward_begin(self, learn) -> None:
        """Note the loss; it is one smoothed mean, whatever the loss was of."""
        self.losses.append(learn.loss.detach())
        self.smoothener.add_value(self.losses[-1])

    def on_epoch_end(self, learn) -> None:
        """Complete the row and show it."""
        self.losses = series(self.losses).tolist()
        minutes, seconds = divmod(round(time.monotonic() - self.began), 60)
        row = {"epoch": learn.epoch, self.label: self.smoothener.smooth, **learn.validation,
               **self.row, "time": f"{minutes:02d}:{seconds:02d}"}
        self.table.rows.append({name: _plain(value) for name, value in row.items()})
        if learn.silent:
            return
        if in_notebook():
            self.handle = show_in_place(self.table, self.handle)
        else:
            lines = repr(self.table).split("\n")
            print(*(lines if len(lines) == 2 else lines[-1:]), sep="\n", flush=True)

    def state(self) -> dict:
        """Return the table and the losses so far."""
        return {"rows": self.table.rows, "losses": series(self.losses),
                "smoothener": self.smoothener.state()}

    def set_state(self, state: dict) -> None:
        """Take back what `state` returned."""
        self.table.rows = list(state["rows"])
        self.losses = state["losses"].tolist()
        self.smoothener.set_state(state["smoothener"])


def in_notebook() -> bool:
    """Tell whether what is displayed lands below a cell."""
    return getattr(get_ipython(), "kernel", None) is not None


def show_in_place(thing, handle=None):
    """Show `thing` below the cell, instead of what `handle` stands for; return the handle."""
    if handle is None:
        return display(thing, display_id=True)
    handle.update(thing)
    return handle


def series(values: list) -> torch.Tensor:
    """Return numbers and scalar tensors, in any mixture, as one float64 tensor (n,)."""
    return torch.tensor([float(value) for value in values], dtype=torch.float64)


def _plain(value):
    return float(value) if isinstance(value, torch.Tensor) else value


def _text(value) -> str:
    if value is None:
        return ""
    return f"{value:.6f}" if isinstance(value, float) else str(value)
