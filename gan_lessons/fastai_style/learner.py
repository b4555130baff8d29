"""The Learner: data, a network, a loss and an optimizer, and the loop that brings them together.

`data` is any object with `train_dl`, batches (x, y) that can be gone through again and again and
have a `len`; `valid_dl`, the same or None; `train_ds`, whose items are (x, y); and `device`.
It may also have `path` (where files go), `show_xyzs(xs, ys, zs, **kwargs)` (draws results),
`to_images(batch)` (-> uint8 (n, C, H, W); without it pictures are taken to be in [-1, 1]), and
`state_dict()`, `load_state_dict(state)` (plain numbers and tensors that fix the coming batches).
"""

from contextlib import contextmanager
from enum import Enum
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn
from tqdm import tqdm

from gan_lessons import distributed, runtime
from gan_lessons.data import to_images
from gan_lessons.fastai_style import saving
from gan_lessons.fastai_style.callback import Callback, CancelFit, run_callbacks
from gan_lessons.fastai_style.optimizer import OptimWrapper, batch_norm_parameters
from gan_lessons.fastai_style.recorder import Recorder
from gan_lessons.train import stop_button
from gan_lessons.util import both, whole_number

DatasetType = Enum("DatasetType", "Train Valid")
DatasetType.__doc__ = "Which part of the data: `DatasetType.Train` or `DatasetType.Valid`."

ADAM = partial(torch.optim.Adam, betas=(0.9, 0.99))  # fastai's default


class Learner:
    """Trains `model` on `data`: `fit`, then `validate`, `get_preds`, `show_results`.

    data: see the top of this file;  opt_func: makes the optimizer, see OptimWrapper;  loss_func:
    called as loss_func(model(x), y), gives a scalar;  metrics: functions of (model(x), y), their
    means over the validation set go into the table;  wd: weight decay, 0.01 as in fastai;
    bn_wd: whether BatchNorm's scales and shifts decay, too;  callbacks: a list of Callback;
    callback_fns: functions that take the learner and return a callback, called anew by each fit;
    accumulate: over how many batches gradients are gathered before a step, to act as one batch
    that is so many times as large (except for BatchNorm);  precision: of the networks' arithmetic,
    "float32", "bfloat16" or "auto", see runtime.precision; weights, losses and optimizers stay in
    float32;  channels_last: keep pictures pixel by pixel in memory, which many convolutions read
    faster, but `view` in a network of your own may refuse;  path, model_dir: where `save` writes;
    silent: show no table.
    """

    def __init__(self, data, model: nn.Module, opt_func=ADAM, loss_func=None, metrics=None,
                 wd: float = 1e-2, true_wd: bool = True, bn_wd: bool = True, callbacks=(),
                 callback_fns=(), accumulate: int = 1, precision: str = "float32",
                 channels_last: bool = False, path=None, model_dir: str = "models",
                 silent: bool = False):
        if loss_func is None:
            raise ValueError(both("请给出 loss_func，例如 loss_func=nn.MSELoss()。",
                                  "Give a loss_func, such as loss_func=nn.MSELoss()."))
        self.data, self.loss_func, self.opt_func = data, loss_func, opt_func
        self.format = torch.channels_last if channels_last else torch.contiguous_format
        self.model = model.to(data.device, memory_format=self.format)
        self.metrics = [metrics] if callable(metrics) else list(metrics or [])
        self.wd, self.true_wd, self.bn_wd = wd, true_wd, bn_wd
        self.accumulate = whole_number("accumulate", accumulate, 1)
        self.path = Path(path or getattr(data, "path", None) or ".")
        self.model_dir = model_dir
        self.silent = silent or distributed.rank() > 0  # one process shows, and one writes
        self.recorder = Recorder()
        self.callbacks: list[Callback] = [self.recorder, *callbacks]
        self.callback_fns = list(callback_fns)
        self.opt: OptimWrapper | None = None
        self.dtype = getattr(torch, runtime.precision(precision, data.device))
        self.training = self.resuming = self.stepped = False

    # ---- training ----

    def fit(self, epochs: int, lr: float = 3e-3, wd: float | None = None, callbacks=(), *,
            resume: bool = False, progress: bool = True) -> None:
        """Go through the training data `epochs` times, at the constant learning rate `lr`.

        wd: weight decay, that of the learner unless given;  callbacks: for this fit only. The
        optimizers keep what they remember from one fit to the next; the table and the smoothed
        losses begin anew, unless `resume` is true: then they go on, as after `load`. The stop
        button ends the training after the current batch. `progress` shows a bar.

        Where several processes have joined (see gan_lessons.distributed), each calls `fit`: they
        begin with the networks of process 0, share each batch, and average the gradients.
        """
        epochs = whole_number("epochs", epochs, 1)
        self._check_batches()
        self.prepare_optimizers(_number("lr", lr), self.wd if wd is None else _number("wd", wd))
        self.resuming, self.batches = resume, epochs * len(self.data.train_dl)
        if distributed.joined():
            self.set_state(distributed.broadcast(self.state()))
        made = [make(self) for make in self.callback_fns]
        with (self._training([*self.callbacks, *made, *callbacks]), stop_button() as self.stop,
              tqdm(total=self.batches, disable=self.silent or not progress, unit="batch",
                   leave=False, mininterval=0.5) as self.bar):
            done = len(self.recorder.table.rows)  # 0, unless resumed
            for self.epoch in range(done, done + epochs):
                self.fit_epoch()

    def fit_epoch(self) -> None:
        """Train on every batch once, then validate."""
        self.model.train()
        self.event("on_epoch_begin")
        for x, y in self.data.train_dl:
            self.xb, self.yb = (self._to_device(distributed.shard(part)) for part in (x, y))
            self.fit_batch()
            self.bar.update()
            if distributed.any_rank(self.stop.is_set(), self.data.device):
                raise CancelFit
        self.validation = self._validation_row()
        self.event("on_epoch_end")

    def fit_batch(self) -> None:
        """Learn from `xb`, `yb`: forward, loss, backward, step."""
        self.gathered += 1
        self.stepped = self.gathered == self.accumulate
        self.event("on_batch_begin")
        self.loss = self.compute_loss()
        self.event("on_backward_begin")
        self.opt.backward(self.loss / self.accumulate if self.accumulate > 1 else self.loss)
        if self.stepped:
            self.gathered = 0
            distributed.average_gradients(self.opt.opt)
            self.opt.unscale()
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

    def prepare_optimizers(self, lr: float, wd: float) -> None:
        """Make the optimizer if there is none yet; set its learning rate and weight decay."""
        if self.opt is None:
            self.opt = self.new_optimizer(self.model, lr)
        self.opt.lr, self.opt.wd = lr, wd

    def new_optimizer(self, network: nn.Module, lr: float, parameters=None) -> OptimWrapper:
        """Return an optimizer, made with the learner's settings, for what can be trained."""
        if parameters is None:
            parameters = [p for p in network.parameters() if p.requires_grad]
        spared = () if self.bn_wd else batch_norm_parameters(network)
        made = OptimWrapper(self.opt_func, parameters, lr, true_wd=self.true_wd, spared=spared)
        made.scale_loss(self.dtype == torch.float16)
        return made

    def zero_grad(self) -> None:
        """Forget all gradients."""
        self.opt.zero_grad()

    def event(self, name: str) -> None:
        """Tell the callbacks of this fit that something happened, see `callback.EVENTS`."""
        run_callbacks(self.running, name, self)

    @contextmanager
    def _training(self, callbacks: list[Callback]):
        """Begin a training and, however it goes, end it in good order."""
        self.running, self.training, self.gathered = callbacks, True, 0
        self.zero_grad()
        try:
            self.event("on_train_begin")
            yield
        except CancelFit:
            pass
        finally:
            self.event("on_train_end")
            self.zero_grad()
            self.training = self.resuming = self.stepped = False

    # ---- looking at what was learned ----

    def validate(self) -> list[float]:
        """Return the loss and the metrics over the validation set; [] if there is none."""
        return list(self._validation_row().values())

    @torch.no_grad()
    def _validation_row(self) -> dict[str, float]:
        if self.data.valid_dl is None or len(self.data.valid_dl) == 0:
            return {}
        names = ["valid_loss", *(_name(metric) for metric in self.metrics)]
        sums, n = torch.zeros(len(names), dtype=torch.float64), 0
        for x, y, output in self._predictions(self.data.valid_dl):
            values = [self.validation_loss(output, y)]
            values += [metric(output, y) for metric in self.metrics]
            sums += len(x) * torch.tensor([float(value) for value in values])
            n += len(x)
        return dict(zip(names, (sums / n).tolist(), strict=True))

    def validation_loss(self, output: Tensor, y: Tensor) -> Tensor:
        """Return the loss that is reported for one batch of the validation set."""
        return self.loss_func(output, y)

    def get_preds(self, ds_type: DatasetType | None = None) -> list[Tensor]:
        """Return [what the model makes of all x, all y] on the CPU.

        Of the validation set, or of the training set where there is no other.
        """
        batches = [(output.cpu(), y.cpu()) for _, y, output in self._predictions(self.dl(ds_type))]
        return [torch.cat(each) for each in zip(*batches, strict=True)]

    def pred_batch(self, ds_type: DatasetType | None = None, batch=None) -> Tensor:
        """Return what the model makes of `batch`, (x, y), or of the first batch."""
        return next(self._predictions([batch] if batch else self.dl(ds_type)))[2].cpu()

    def show_results(self, ds_type: DatasetType | None = None, rows: int = 5, **kwargs):
        """Draw rows * rows of what the model makes of a batch, or as many as the batch has."""
        shown = rows**2
        x, y, output = next(self._predictions(self.dl(ds_type)))
        return self.data.show_xyzs(x[:shown].cpu(), y[:shown].cpu(), output[:shown].cpu(),
                                   **kwargs)

    def dl(self, ds_type: DatasetType | None = None):
        """Return the batches of one part of the data: of Valid, or of Train if there is no Valid.

        Raises ValueError when Valid is asked for by name and there is none.
        """
        valid = self.data.valid_dl
        missing = valid is None or len(valid) == 0
        if ds_type is DatasetType.Valid and missing:
            raise ValueError(both(
                "这份数据没有验证集。请改用 ds_type=DatasetType.Train。",
                "These data have no validation set. Use ds_type=DatasetType.Train."))
        return self.data.train_dl if missing or ds_type is DatasetType.Train else valid

    @torch.no_grad()
    def _predictions(self, batches):
        """Yield x, y and what the model makes of x, in evaluation mode; leave no trace."""
        modes = {module: module.training for module in self.model.modules()}
        self.model.eval()
        try:
            for x, y in batches:
                x, y = self._to_device(x), self._to_device(y)
                with self.autocast():
                    output = self.predictor()(x)
                yield x, y, output.float()
        finally:
            for module, mode in modes.items():
                module.training = mode

    def predictor(self) -> nn.Module:
        """Return the network that makes predictions."""
        return self.model

    def to_images(self, batch: Tensor) -> Tensor:
        """Return pictures as bytes, uint8 (n, C, H, W), undoing what `normalize` did."""
        return getattr(self.data, "to_images", to_images)(batch)

    # ---- files ----

    def save(self, name: str | Path) -> Path:
        """Write networks, optimizers, random numbers and history to path/model_dir, atomically.

        name: without folder and suffix, or a whole path. Return the path of the file.
        """
        try:
            if distributed.rank() == 0:
                saving.save(self, self._file(name))
        finally:
            distributed.barrier()
        return self._file(name)

    def load(self, name: str | Path, with_opt: bool = True):
        """Go back to what `save` wrote, and return the learner; see `saving.load`.

        The next `fit` is then, loss by loss, what it would have been right after `save`.
        torch's random numbers continue from there, too. `with_opt=False` takes only the weights.
        """
        saving.load(self, self._file(name), with_opt)
        return self

    def state(self) -> dict:
        """Return all that `save` keeps, as dictionaries of tensors and plain values."""
        data = self.data.state_dict() if hasattr(self.data, "state_dict") else {}
        cuda = {"cuda": torch.cuda.get_rng_state()} if self.data.device.type == "cuda" else {}
        return {"networks": {name: n.state_dict() for name, n in self.networks().items()},
                "optimizers": {str(i): opt.state() for i, opt in enumerate(self.optimizers())},
                "callbacks": {name: c.state() for name, c in self._named_callbacks().items()},
                "random": {"torch": torch.get_rng_state(), **cuda}, "data": data}

    def set_state(self, state: dict) -> None:
        """Take back what `state` returned, or a part of it."""
        for name, network in self.networks().items():
            network.load_state_dict(state["networks"][name])
        for i, kept in state.get("optimizers", {}).items():
            self.optimizers()[int(i)].set_state(kept)
        for name, callback in self._named_callbacks().items():
            if name in state.get("callbacks", {}):
                callback.set_state(state["callbacks"][name])
        if "random" in state:
            torch.set_rng_state(state["random"]["torch"])
            if "cuda" in state["random"] and self.data.device.type == "cuda":
                torch.cuda.set_rng_state(state["random"]["cuda"])
        if hasattr(self.data, "load_state_dict") and "data" in state:
            self.data.load_state_dict(state["data"])

    def networks(self) -> dict[str, nn.Module]:
        """Return the networks to be saved, by name."""
        return {"model": self.model}

    def _named_callbacks(self) -> dict[str, Callback]:
        named, kinds = {}, [type(callback).__name__ for callback in self.callbacks]
        for i, (kind, callback) in enumerate(zip(kinds, self.callbacks, strict=True)):
            named[f"{kind}{kinds[:i].count(kind) or ''}"] = callback
        return named

    def _file(self, name: str | Path) -> Path:
        name = Path(name)
        folder = Path() if name.is_absolute() or len(name.parts) > 1 else self.path / self.model_dir
        return folder / (name if name.suffix == ".safetensors" else f"{name}.safetensors")

    # ---- half precision ----

    def autocast(self):
        """Return a context in which the networks calculate in the chosen precision."""
        return torch.autocast(self.data.device.type, self.dtype,
                              enabled=self.dtype != torch.float32)

    def to_bf16(self):
        """Calculate with bfloat16 where that does no harm, and return the learner."""
        return self._to(torch.bfloat16)

    def to_fp16(self):
        """Calculate with float16 where that does no harm, the loss scaled up; for older GPUs."""
        return self._to(torch.float16)

    def to_fp32(self):
        """Calculate with float32 again, and return the learner."""
        return self._to(torch.float32)

    def optimizers(self) -> list[OptimWrapper]:
        """Return the optimizers that exist so far."""
        return [self.opt] if self.opt else []

    def _to(self, dtype: torch.dtype):
        self.dtype = dtype
        for opt in self.optimizers():
            opt.scale_loss(dtype == torch.float16)
        return self

    # ---- checks ----

    def _to_device(self, x: Tensor) -> Tensor:
        layout = {"memory_format": self.format} if x.ndim == 4 else {}
        return x.to(self.data.device, non_blocking=True, **layout)

    def _check_batches(self) -> None:
        distributed.check(getattr(self.data, "batch_size", distributed.world_size()))
        if len(self.data.train_dl) == 0:
            raise ValueError(both(
                "训练集里连一批都凑不满。请减小批大小 bs，或增加图片。",
                "The training set does not fill a single batch. Make the batch size bs smaller, "
                "or add pictures."))


def _number(name: str, value) -> float:
    """Return a positive learning rate or a decay as float; fastai's slice(lr) is lr."""
    value = value.stop if isinstance(value, slice) else value
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = -1.0
    if not 0 <= number < float("inf"):
        raise ValueError(both(f"{name} 必须是不小于 0 的数，收到的是 {value!r}。",
                              f"{name} must be a number of at least 0, got {value!r}."))
    return number


def _name(metric) -> str:
    inner = metric.func if isinstance(metric, partial) else metric
    return getattr(inner, "__name__", type(inner).__name__)
