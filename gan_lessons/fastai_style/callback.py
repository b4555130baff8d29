"""What can happen during training, how to be told of it, and the table that is kept of it."""

import time

import torch
from IPython import get_ipython
from IPython.display import display
from torch import Tensor

EVENTS = ("on_train_begin", "on_epoch_begin", "on_batch_begin", "on_backward_begin",
          "on_backward_end", "on_step_end", "on_batch_end", "on_epoch_end", "on_train_end")


class CancelFit(Exception):
    """Raise it in a callback to end the training in good order, after `on_train_end`."""


class Callback:
    """Define the events you care about, each as a method `on_...(self, learn)`.

    Only training calls them: validation and prediction pass in silence. Callbacks with a smaller
    `order` go first; with the same, in the order they were added.

    Events:
        on_train_begin, on_train_end: around one call of `fit`
        on_epoch_begin, on_epoch_end: around one pass over the data
        on_batch_begin: `learn.xb` and `learn.yb` are there and may be replaced
        on_backward_begin: so are `learn.output` and `learn.loss`
        on_backward_end: the gradients of the coming step are complete, the moment to clip them
        on_step_end: the weights have moved, the gradients are still there
        on_batch_end: all is done; `learn.stepped` tells whether the weights have moved
    """

    order = 0

    def state(self) -> dict:
        """Return what a saved learner needs to go on, as tensors and plain values."""
        return {}

    def set_state(self, state: dict) -> None:
        """Take back what `state` returned."""


class LearnerCallback(Callback):
    """A callback made for one learner, kept as `self.learn`."""

    def __init__(self, learn):
        self.learn = learn


def tell(callback: Callback, event: str, learn) -> None:
    """Call the method named `event`, one of EVENTS, if the callback has one."""
    method = getattr(callback, event, None)
    if method is not None:
        method(learn)


class GradientClip(Callback):
    """Shorten the gradient to at most `max_norm` before each step, all weights taken together."""

    def __init__(self, max_norm: float = 1.0):
        self.max_norm = max_norm

    def on_backward_end(self, learn) -> None:
        """Shorten the gradient of the network whose turn it is."""
        torch.nn.utils.clip_grad_norm_(learn.opt.parameters, self.max_norm)


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
        self.row = {}
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
        self.table.rows.append({name: float(value) if isinstance(value, Tensor) else value
                                for name, value in row.items()})
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


def series(values: list) -> Tensor:
    """Return numbers and scalar tensors, in any mixture, as one float64 tensor (n,)."""
    return torch.tensor([float(value) for value in values], dtype=torch.float64)


def _text(value) -> str:
    if value is None:
        return ""
    return f"{value:.6f}" if isinstance(value, float) else str(value)
