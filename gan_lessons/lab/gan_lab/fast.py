"""The lab's networks and Adam with less overhead: the same numbers, fewer calls.

At 64 units a layer the cost of a step is not arithmetic but the number of operations and the work
of autograd. With backpropagation written out, a round takes a third of the time.
"""

import torch
from torch import Tensor, nn

leaky_relu = torch.ops.aten.leaky_relu
leaky_relu_backward = torch.ops.aten.leaky_relu_backward


class ThreeLayers:
    """Linear, leaky ReLU, Linear, leaky ReLU, Linear, with backpropagation written out.

    It computes with the weights of `network`, which has these layers; a slope of 0 makes a plain
    ReLU. `forward` returns (B, n); the other two go back over its last call.
    """

    def __init__(self, network: nn.Module, slope: float):
        self.slope = slope
        self.weights = [p.detach() for p in network.parameters()]

    def forward(self, x: Tensor) -> Tensor:
        """Return the output of the last layer; no graph is built."""
        w1, b1, w2, b2, w3, b3 = self.weights
        h1 = leaky_relu(torch.addmm(b1, x, w1.t()), self.slope)
        h2 = leaky_relu(torch.addmm(b2, h1, w2.t()), self.slope)
        self.seen = x, h1, h2
        return torch.addmm(b3, h2, w3.t())

    def _back(self, down: Tensor) -> tuple[Tensor, Tensor]:
        """Carry d loss / d output, (B, n), down to what enters the two leaky ReLUs."""
        (_, _, w2, _, w3, _), (_, h1, h2) = self.weights, self.seen
        down2 = leaky_relu_backward(down @ w3, h2, self.slope, True)
        return leaky_relu_backward(down2 @ w2, h1, self.slope, True), down2

    def slope_at_input(self, down: Tensor) -> Tensor:
        """Return d loss / d x, (B, inputs), where `down` is d loss / d output, (B, n)."""
        return self._back(down)[0] @ self.weights[0]

    def slope_at_weights(self, down: Tensor) -> Tensor:
        """Return d loss / d weights, all of them in one vector."""
        (x, h1, h2), (down1, down2) = self.seen, self._back(down)
        return flat([down1.t() @ x, down1.sum(0), down2.t() @ h1, down2.sum(0),
                     down.t() @ h2, down.sum(0)])


class ByAutograd:
    """The same three methods for any network: slower, and autograd does the work."""

    def __init__(self, network: nn.Module):
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        """Return network(x), without its graph, which is kept for the way back."""
        self.x = x.detach().requires_grad_()
        self.out = self.network(self.x)
        return self.out.detach()

    def slope_at_input(self, down: Tensor) -> Tensor:
        """Return d loss / d x, where `down` is d loss / d output."""
        return torch.autograd.grad(self.out, self.x, down, materialize_grads=True)[0]

    def slope_at_weights(self, down: Tensor) -> Tensor:
        """Return d loss / d weights, all of them in one vector."""
        weights = list(self.network.parameters())
        return flat(torch.autograd.grad(self.out, weights, down, materialize_grads=True))


def flat(parts) -> Tensor:
    """Return tensors of any shapes as one long vector."""
    return torch.cat([part.flatten() for part in parts])


class FlatAdam:
    """Adam (Kingma and Ba 2014, arXiv 1412.6980, algorithm 1) on all parameters as one vector.

    The network's parameters become views of that vector, so one operation moves them all.
    `plain` leaves Adam out: steps of lr times the gradient, as long or as short as that is.
    """

    def __init__(self, network: nn.Module, lr: float, betas: tuple[float, float],
                 plain: bool = False):
        self.parameters = list(network.parameters())
        self.lr, self.betas, self.plain, self.steps = lr, betas, plain, 0
        self.vector = flat(p.detach() for p in self.parameters)
        parts = self.vector.split([p.numel() for p in self.parameters])
        for parameter, part in zip(self.parameters, parts, strict=True):
            parameter.data = part.view_as(parameter)
        self.mean, self.square = torch.zeros_like(self.vector), torch.zeros_like(self.vector)

    def step(self, slope: Tensor) -> None:
        """Move the parameters one step down; `slope` is d loss / d parameters, one vector."""
        if self.plain:
            self.vector.sub_(slope, alpha=self.lr)
            return
        beta1, beta2 = self.betas
        self.steps += 1
        self.mean.lerp_(slope, 1 - beta1)
        self.square.lerp_(slope * slope, 1 - beta2)
        scale = (1 - beta2**self.steps) ** 0.5  # of both, instead of dividing the whole vector
        self.vector.addcdiv_(self.mean, self.square.sqrt().add_(1e-8 * scale),
                             value=-self.lr * scale / (1 - beta1**self.steps))
