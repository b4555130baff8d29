"""An optimizer with weight decay of its own, beside the gradients, as fastai has it."""

import torch
from torch import Tensor, nn

from gan_lessons.fastai_style.saving import optimizer_state, set_optimizer_state

BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


class OptimWrapper:
    """One torch optimizer for one network, with `lr` and `wd` that can be set at any time.

    make: an optimizer class or functools.partial of one, such as torch.optim.Adam;
    parameters: those it moves;  wd: before each step every weight shrinks by the factor
    1 - lr * wd ("decoupled", Loshchilov and Hutter 2019, arXiv 1711.05101, algorithm 2), or, with
    `true_wd=False`, wd * weight is added to its gradient;  spared: parameters without decay.
    For float16 it can scale the loss up, so that small gradients are not rounded to 0.
    """

    def __init__(self, make, parameters, lr: float, wd: float = 0.0, true_wd: bool = True,
                 spared=()):
        self.parameters = list(parameters)
        self.opt = make(self.parameters, lr=lr)
        self.true_wd = true_wd
        spared = {id(parameter) for parameter in spared}
        self.decayed = [p for p in self.parameters if id(p) not in spared]
        self.wd = wd
        self.scaler = torch.amp.GradScaler("cpu", enabled=False)  # does nothing
        self.opt.register_step_pre_hook(self._decay)  # a step that float16 leaves out has none

    @property
    def lr(self) -> float:
        """The learning rate; setting it takes effect from the next step."""
        return self.opt.param_groups[0]["lr"]

    @lr.setter
    def lr(self, value: float) -> None:
        for group in self.opt.param_groups:
            group["lr"] = value

    def backward(self, loss: Tensor) -> None:
        """Add the gradients of `loss` to those that are there."""
        self.scaler.scale(loss).backward()

    def unscale(self) -> None:
        """Give the gradients their true size, before anyone looks at them."""
        self.scaler.unscale_(self.opt)

    def step(self) -> None:
        """Decay the weights and let torch's optimizer move them."""
        self.scaler.step(self.opt)
        self.scaler.update()

    @torch.no_grad()
    def _decay(self, *_) -> None:
        for p in self.decayed if self.wd else ():
            if p.grad is None:
                continue
            if self.true_wd:
                p.mul_(1 - self.lr * self.wd)
            else:
                p.grad.add_(p, alpha=self.wd)

    def zero_grad(self) -> None:
        """Forget the gradients altogether: `grad` is None, not 0."""
        self.opt.zero_grad(set_to_none=True)

    def state(self) -> dict:
        """Return what the optimizer remembers of each parameter, and the scale of the loss."""
        return {**optimizer_state(self.opt), "scaler": self.scaler.state_dict()}

    def set_state(self, state: dict) -> None:
        """Take back what `state` returned."""
        set_optimizer_state(self.opt, state)
        if self.scaler.is_enabled() and "scaler" in state:
            self.scaler.load_state_dict(state["scaler"])

    def scale_loss(self, on: bool) -> None:
        """Switch the scaling of the loss on or off; float16 needs it.

        Where a gradient has become infinite all the same, the step is left out.
        """
        self.scaler = torch.amp.GradScaler(self.parameters[0].device.type, enabled=on)


def batch_norm_parameters(network: nn.Module) -> list[nn.Parameter]:
    """Return the scales and shifts of all BatchNorm layers in `network`."""
    return [p for module in network.modules() if isinstance(module, BATCH_NORMS)
            for p in module.parameters()]
