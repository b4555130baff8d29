"""What can happen during training, and how to be told of it."""

import torch

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


class GradientClip(Callback):
    """Shorten the gradient to at most `max_norm` before each step, all weights taken together."""

    def __init__(self, max_norm: float = 1.0):
        self.max_norm = max_norm

    def on_backward_end(self, learn) -> None:
        """Shorten the gradient of the network whose turn it is."""
        torch.nn.utils.clip_grad_norm_(learn.opt.parameters, self.max_norm)


def run_callbacks(callbacks, event: str, learn) -> None:
    """Call the method named `event`, one of EVENTS, of every callback that has one, in turn."""
    for callback in callbacks:
        method = getattr(callback, event, None)
        if method is not None:
            method(learn)
