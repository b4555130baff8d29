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
        self.beta, self.n, self.mean, self.smooth = beta, 0, 0.0, None

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
        self.n, self.mean = state["n"], torch.tensor(state["mean"])
        self.smooth = self.mean / (1 - self.beta**self.n) if self.n else None


class Table:
    """Rows of numbers under names, as text for a terminal and as HTML for a notebook."""

    def __init__(self):
        self.rows: list[dict] = []

    def lines(self) -> list[list[str]]:
        """Return the names and the rows as texts; a value that is missing is empty."""
        names = list(dict.fromkeys(name for row in self.rows for name in row))
        return [names, *([_text(row.get(name)) for name in names] for row in self.rows)]

    def __repr__(self) -> str:
        lines = self.lines()
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(line, widths,
                                                                          strict=True))
                         for line in lines)

    def _repr_html_(self) -> str:
        head, *rows = self.lines()
        def row(cells, tag):
            return "<tr>" + "".join(f"<{tag}>{cell}</{tag}>" for cell in cells) + "</tr>"
        return (f"<table><thead>{row(head, 'th')}</thead><tbody>"
                + "".join(row(cells, "td") for cells in rows) + "</tbody></table>")


class InPlace:
    """A place below the cell in which one thing is shown after another."""

    def __init__(self):
        self.handle = None

    def show(self, thing, in_terminal=True) -> None:
        """Show `thing`: in a notebook instead of what was there, in a terminal as text.

        `in_terminal` is the text for a terminal; True stands for the thing's own, False for none.
        """
        if getattr(get_ipython(), "kernel", None) is None:
            if in_terminal is not False:
                print(thing if in_terminal is True else in_terminal, flush=True)
        elif self.handle is None:
            self.handle = display(thing, display_id=True)
        else:
            self.handle.update(thing)


class Recorder(Callback):
    """Keep the losses of a fit, and show one row of a table after each epoch.

    losses: the loss of every batch;  lrs: the learning rate of every step;  row: the row of the
    epoch that runs: a callback with an order below 50 may add to it in `on_epoch_end`;
    table: the rows of this fit.
    """

    order = 50
    label = "train_loss"

    def __init__(self, beta: float = 0.98):
        self.beta = beta
        self.table = Table()
        self.losses, self.lrs = [], []
        self.smoothener = SmoothenValue(beta)

    def on_train_begin(self, learn) -> None:
        """Start a new table."""
        if not learn.resuming:
            self.table = Table()
            self.losses, self.lrs = [], []
            self.smoothener = SmoothenValue(self.beta)
        self.shown = InPlace()

    def on_epoch_begin(self, learn) -> None:
        """Start a new row."""
        self.row = {"epoch": learn.epoch}
        self.began = time.monotonic()

    def on_backward_begin(self, learn) -> None:
        """Note the loss; it is one smoothed mean, whatever the loss was of."""
        self.losses.append(learn.loss.detach())
        self.smoothener.add_value(self.losses[-1])

    def on_step_end(self, learn) -> None:
        """Note the learning rate."""
        self.lrs.append(learn.opt.lr)

    def on_epoch_end(self, learn) -> None:
        """Complete the row and show it."""
        self.losses = series(self.losses).tolist()
        seconds = round(time.monotonic() - self.began)
        losses = {self.label: self.smoothener.smooth, **learn.validation}
        added = {name: value for name, value in self.row.items() if name != "epoch"}
        self.table.rows.append({"epoch": self.row["epoch"], **losses, **added,
                                "time": f"{seconds // 60:02d}:{seconds % 60:02d}"})
        if not learn.silent:
            lines = repr(self.table).split("\n")
            newest = lines if len(lines) == 2 else lines[-1:]
            self.shown.show(self.table, in_terminal="\n".join(newest))

    def state(self) -> dict:
        """Return the table, the losses and learning rates so far."""
        return {"rows": [{name: _plain(value) for name, value in row.items()}
                         for row in self.table.rows], "smoothener": self.smoothener.state(),
                "losses": series(self.losses), "lrs": series(self.lrs)}

    def set_state(self, state: dict) -> None:
        """Take back what `state` returned."""
        self.table.rows = list(state["rows"])
        self.losses, self.lrs = state["losses"].tolist(), state["lrs"].tolist()
        self.smoothener.set_state(state["smoothener"])


def series(values: list) -> torch.Tensor:
    """Return numbers and scalar tensors, in any mixture, as one float64 tensor (n,)."""
    return torch.tensor([float(value) for value in values], dtype=torch.float64)


def _plain(value):
    return float(value) if isinstance(value, torch.Tensor) else value


def _text(value) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else str(value) if type(value) is int \
        else f"{float(value):.6f}"
