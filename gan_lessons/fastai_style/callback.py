"""What can happen during training, how to be told of it, and the table that is kept of it."""

import time

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
        on_backward_end: the gradients are there, the moment to clip them
        on_step_end: the weights have moved, the gradients are still there
        on_batch_end: all is done
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


def notify(callback: Callback, event: str, learn) -> None:
    """Call the method named `event`, one of EVENTS, if the callback has one."""
    method = getattr(callback, event, None)
    if method is not None:
        method(learn)


class SmoothenValue:
    """The running mean of numbers that come in one by one, the newest counting most.

    Each new value has the weight 1 - beta; `smooth` is corrected for the start, when there were
    few: after 1, 2, 4 with beta 0.98 it is 1, 1.505, 2.354. Kingma and Ba 2015, arXiv 1412.6980,
    section 3.
    """

    def __init__(self, beta: float):
        self.beta = beta
        self.n = 0
        self.mean = 0.0

    @property
    def smooth(self) -> float | None:
        """The corrected mean, None before the first value."""
        return self.mean / (1 - self.beta**self.n) if self.n else None

    def add_value(self, value: float) -> None:
        """Take one more value in."""
        self.n += 1
        self.mean = self.beta * self.mean + (1 - self.beta) * value

    def state(self) -> dict:
        """Return what must be saved to go on."""
        return {"n": self.n, "mean": self.mean}

    def set_state(self, state: dict) -> None:
        """Take back what `state` returned."""
        self.n, self.mean = state["n"], state["mean"]


class Recorder(Callback):
    """Keep the losses of a fit, and print one row of a table after each epoch.

    Attributes:
        rows: of this fit, one dictionary an epoch
        row: that of the epoch that runs; callbacks with an order below 50 may add to it in
            `on_epoch_end`
        losses: the loss of every batch
    """

    order = 50
    label = "train_loss"

    def __init__(self):
        self.row: dict = {}
        self.began = 0.0  # when the epoch began, in seconds
        self.named = False  # whether the names of the columns have been printed
        self._forget()

    def _forget(self) -> None:
        self.rows: list[dict] = []
        self.losses: list = []
        self.smoothener = SmoothenValue(0.98)

    def on_train_begin(self, learn) -> None:
        """Start a new table."""
        if not learn.resuming:
            self._forget()
        self.named = learn.silent

    def on_epoch_begin(self, learn) -> None:
        """Start a new row."""
        self.row = {}
        self.began = time.monotonic()

    def on_backward_begin(self, learn) -> None:
        """Note the loss; it is one smoothed mean, whatever the loss was of."""
        self.losses.append(learn.loss.item())
        self.smoothener.add_value(self.losses[-1])

    def on_epoch_end(self, learn) -> None:
        """Complete the row and print it, the first one below the names of the columns."""
        minutes, seconds = divmod(round(time.monotonic() - self.began), 60)
        self.row = {"epoch": learn.epoch, self.label: self.smoothener.smooth, **self.row,
                    "time": f"{minutes:02d}:{seconds:02d}"}
        self.rows.append(self.row)
        if not self.named:
            print(*(f"{name:>10}" for name in self.row))
            self.named = True
        if not learn.silent:
            print(*(f"{_text(value):>{max(10, len(name))}}" for name, value in self.row.items()),
                  flush=True)

    def state(self) -> dict:
        """Return the table and the losses so far."""
        return {"rows": self.rows, "losses": self.losses, "smoothener": self.smoothener.state()}

    def set_state(self, state: dict) -> None:
        """Take back what `state` returned."""
        self.rows, self.losses = list(state["rows"]), list(state["losses"])
        self.smoothener.set_state(state["smoothener"])


def _text(value) -> str:
    if value is None:
        return ""
    return f"{value:.6f}" if isinstance(value, float) else str(value)
