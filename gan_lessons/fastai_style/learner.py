"""The Learner: data, a network, a loss and an optimizer, and the loop that brings them together.

`data` is any object with

    train_dl: batches (x, y) that can be gone through again and again and have a `len`
    valid_dl: the same, or None
    device: where the batches and the network belong

For `show_results` it also needs `show_xyzs(xs, ys, zs, **kwargs)`, which draws.
"""

from collections.abc import Callable, Iterator
from enum import Enum
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from gan_lessons import checkpoint, runtime
from gan_lessons.fastai_style.callback import Callback, CancelFit, Recorder, notify
from gan_lessons.progress import bar as progress_bar
from gan_lessons.train import evaluating, stop_button
from gan_lessons.util import both, whole_number

ADAM = partial(torch.optim.Adam, betas=(0.9, 0.99))  # fastai's default


class DatasetType(Enum):
    """Which part of the data: `DatasetType.Train` or `DatasetType.Valid`."""

    Train = 1
    Valid = 2


class OptimWrapper:
    """One torch optimizer, with `lr` and a weight decay `wd` that can be set at any time.

    Before each step every weight that has a gradient shrinks by the factor 1 - lr * wd: decay
    that is decoupled from the gradient, Loshchilov and Hutter 2019, arXiv 1711.05101, algorithm 2.
    """

    def __init__(self, opt_func: Callable, network: nn.Module):
        # what is frozen by hand before a learner is made stays as it is
        self.parameters = [p for p in network.parameters() if p.requires_grad]
        self.opt = opt_func(self.parameters, lr=3e-3)  # `fit` sets it
        self.wd = 0.0

    @property
    def lr(self) -> float:
        """The learning rate; setting it takes effect from the next step."""
        return self.opt.param_groups[0]["lr"]

    @lr.setter
    def lr(self, value: float) -> None:
        for group in self.opt.param_groups:
            group["lr"] = value

    @torch.no_grad()
    def step(self) -> None:
        """Decay the weights and let torch's optimizer move them."""
        if self.wd:
            for p in self.parameters:
                if p.grad is not None:
                    p.mul_(1 - self.lr * self.wd)
        self.opt.step()


class Learner:
    """Trains `model` on `data`: `fit`, then `validate`, `pred_batch`, `show_results`.

    Args:
        data: see the top of this file
        model: the network
        opt_func: makes the optimizer: opt_func(parameters, lr=lr)
        loss_func: loss_func(model(x), y) -> scalar
        wd: weight decay, of all weights
        callbacks: a list of Callback
        callback_fns: functions that take the learner and return a callback, called by each fit
        precision: of the networks' arithmetic, "float32", "bfloat16" or "auto", see
            runtime.precision; weights, losses and optimizers stay in float32
        silent: show no table
    """

    def __init__(self, data, model: nn.Module, opt_func: Callable = ADAM,
                 *, loss_func: Callable, wd: float = 1e-2, callbacks=(), callback_fns=(),
                 precision: str = "float32", silent: bool = False):
        self.data = data
        self.model = model.to(data.device)
        self.opt_func = opt_func
        self.loss_func = loss_func
        self.wd = wd
        self.precision = runtime.precision(precision, data.device)
        self.silent = silent
        self.recorder = Recorder()
        self.callbacks: list[Callback] = [self.recorder, *callbacks]
        self.callback_fns = list(callback_fns)
        self.optimizers = {name: OptimWrapper(opt_func, network)
                           for name, network in self.networks().items()}
        self.opt = next(iter(self.optimizers.values()))  # the one that steps

        # while training
        self.running: list[Callback] = []  # the callbacks of this fit
        self.training = False
        self.resuming = False  # whether this fit goes on with the table of an earlier one
        self.epoch = 0
        self.batches = 0       # of this fit, all in all
        self.xb: Tensor | None = None
        self.yb: Tensor | None = None
        self.output: Tensor | None = None  # what the model made of xb
        self.loss: Tensor | None = None
        self.stop = None       # an Event: end after this batch
        self.bar = None        # the progress bar

    # ---- training ----

    def fit(self, epochs: int, lr: float = 3e-3, wd: float | None = None, callbacks=(), *,
            resume: bool = False, progress: bool = True) -> None:
        """Go through the training data `epochs` times, at the constant learning rate `lr`.

        The optimizers keep what they remember from one fit to the next; the table and the
        smoothed losses begin anew, unless `resume` is true. The stop button ends the training
        after the current batch.

        Args:
            epochs: passes over the training data
            lr: learning rate
            wd: weight decay, that of the learner unless given
            callbacks: for this fit only
            resume: go on with the table, the losses and the turn where they are, as after `load`
            progress: show a bar
        """
        epochs = whole_number("epochs", epochs, 1)
        for opt in self.optimizers.values():
            opt.lr, opt.wd = lr, self.wd if wd is None else wd
        self.resuming = resume
        self.batches = epochs * len(self.data.train_dl)
        made = [make(self) for make in self.callback_fns]
        self.running = []  # only callbacks that have begun hear of what follows
        self.training = True
        self.zero_grad()
        try:
            with (stop_button() as self.stop,
                  progress_bar(total=self.batches, disable=self.silent or not progress,
                               unit="batch") as self.bar):
                for callback in sorted([*self.callbacks, *made, *callbacks],
                                       key=lambda each: each.order):
                    notify(callback, "on_train_begin", self)
                    self.running.append(callback)
                done = len(self.recorder.rows)  # 0, unless resumed
                for self.epoch in range(done, done + epochs):
                    self.fit_epoch()
        except CancelFit:
            pass
        finally:  # however it ended, in good order
            self.training = self.resuming = False
            self.zero_grad()
            self.event("on_train_end")

    def fit_epoch(self) -> None:
        """Train on every batch once, then validate."""
        self.model.train()
        self.event("on_epoch_begin")
        for x, y in self.data.train_dl:
            self.xb, self.yb = x.to(self.data.device), y.to(self.data.device)
            self.fit_batch()
            self.bar.update()
            if self.stop.is_set():
                raise CancelFit
        for loss in self.validate():
            self.recorder.row["valid_loss"] = loss
        self.event("on_epoch_end")

    def fit_batch(self) -> None:
        """Learn from `xb`, `yb`: forward, loss, backward, step."""
        self.event("on_batch_begin")
        self.loss = self.compute_loss()
        self.event("on_backward_begin")
        self.loss.backward()
        self.event("on_backward_end")
        self.opt.step()
        self.event("on_step_end")
        self.zero_grad()
        self.event("on_batch_end")

    def compute_loss(self) -> Tensor:
        """Return the loss of `xb`, `yb`; what the model says stays in `output`."""
        with self.autocast():
            self.output = self.model(self.xb)
            return self.loss_func(self.output.float(), self.yb)

    def zero_grad(self) -> None:
        """Forget all gradients."""
        for opt in self.optimizers.values():
            opt.opt.zero_grad()  # grad becomes None: a gradient of 0 would be a step to Adam

    def event(self, name: str) -> None:
        """Tell the callbacks of this fit that something happened, see `callback.EVENTS`."""
        for callback in self.running:
            notify(callback, name, self)

    def autocast(self):
        """Return a context in which the networks calculate in the chosen precision."""
        return torch.autocast(self.data.device.type, torch.bfloat16,
                              enabled=self.precision == "bfloat16")

    # ---- looking at what was learned ----

    @torch.no_grad()
    def validate(self) -> list[float]:
        """Return [the loss over the validation set], or [] if there is none."""
        total, n = 0.0, 0
        for x, y, output in self._predictions(self.data.valid_dl or []):
            total += len(x) * float(self.validation_loss(output, y))
            n += len(x)
        return [total / n] if n else []

    def validation_loss(self, output: Tensor, y: Tensor) -> Tensor:
        """Return the loss that is reported for one batch of the validation set."""
        return self.loss_func(output, y)

    def pred_batch(self, ds_type: DatasetType | None = None, batch=None) -> Tensor:
        """Return what the model makes of `batch`, (x, y), or of the first batch."""
        batches = self.dl(ds_type) if batch is None else [batch]
        _, _, output = next(self._predictions(batches))
        return output.cpu()

    def show_results(self, ds_type: DatasetType | None = None, rows: int = 5, **kwargs):
        """Draw rows * rows of what the model makes of a batch, or as many as the batch has."""
        x, y, output = next(self._predictions(self.dl(ds_type)))
        n = rows**2
        return self.data.show_xyzs(x[:n].cpu(), y[:n].cpu(), output[:n].cpu(), **kwargs)

    def dl(self, ds_type: DatasetType | None = None):
        """Return the batches of Valid or of Train; unless asked, of Train only without a Valid."""
        if self.data.valid_dl and ds_type is not DatasetType.Train:
            return self.data.valid_dl
        if ds_type is DatasetType.Valid:
            raise ValueError(both(
                "这份数据没有验证集。请改用 ds_type=DatasetType.Train。",
                "These data have no validation set. Use ds_type=DatasetType.Train."))
        return self.data.train_dl

    @torch.no_grad()
    def _predictions(self, batches) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Yield x, y and what the model makes of x, in evaluation mode; leave no trace."""
        with evaluating(self.model):
            for x, y in batches:
                x, y = x.to(self.data.device), y.to(self.data.device)
                with self.autocast():
                    output = self.predictor()(x)
                yield x, y, output.float()

    def predictor(self) -> nn.Module:
        """Return the network that makes predictions."""
        return self.model

    # ---- files: what `checkpoint` saves, takes back and compares ----

    def save(self, path: str | Path) -> None:
        """Write networks, optimizers, whose turn it is, counts and random numbers to a file.

        Training that goes on from there equals training that never stopped.
        """
        checkpoint.save(self, path)

    def load(self, path: str | Path, with_opt: bool = True, changed: tuple[str, ...] = ()):
        """Go back to what `save` wrote, and return the learner; on any problem it stays as it was.

        The next `fit` is then, loss by loss, what it would have been right after `save`.
        torch's random numbers continue from there, too.

        Args:
            path: of the file
            with_opt: False takes only the weights of the networks
            changed: settings that may differ from the file's, see checkpoint.load
        """
        checkpoint.load(self, path, changed=changed, only=None if with_opt else ("networks",))
        return self

    def networks(self) -> dict[str, nn.Module]:
        """Return the networks to be saved, by name."""
        return {"model": self.model}

    def state(self) -> dict:
        """Return all that `save` keeps, as dictionaries of tensors and plain values."""
        random = {"torch": torch.get_rng_state()}
        if self.data.device.type == "cuda":
            random["cuda"] = torch.cuda.get_rng_state()
        return {"networks": {name: checkpoint.unwrapped(net).state_dict()
                             for name, net in self.networks().items()},
                "optimizers": {name: checkpoint.optimizer_state(opt.opt)
                               for name, opt in self.optimizers.items()},
                "callbacks": {name: each.state() for name, each in self._named_callbacks().items()},
                "random": random}

    def set_state(self, state: dict) -> None:
        """Take back what `state` returned, or some of its parts."""
        for name, weights in state.get("networks", {}).items():
            checkpoint.unwrapped(self.networks()[name]).load_state_dict(weights)
        for name, remembered in state.get("optimizers", {}).items():
            checkpoint.set_optimizer_state(self.optimizers[name].opt, remembered)
        named = self._named_callbacks()
        for name, kept in state.get("callbacks", {}).items():
            if name in named:  # a callback that is no longer there is not missed
                named[name].set_state(kept)
        random = state.get("random", {})
        if "torch" in random:
            torch.set_rng_state(random["torch"])
        if "cuda" in random and self.data.device.type == "cuda":
            torch.cuda.set_rng_state(random["cuda"])

    def settings(self) -> dict:
        """Return what must agree between the file and the learner that loads it."""
        return {"loss": checkpoint.described(self.loss_func),
                "optimizer": checkpoint.described(self.opt_func)}

    def _named_callbacks(self) -> dict[str, Callback]:
        """Return the callbacks by class; the second of a class is called Name+."""
        named: dict[str, Callback] = {}
        for callback in self.callbacks:
            name = type(callback).__name__
            while name in named:
                name += "+"
            named[name] = callback
        return named
