"""What can happen during training, and how to be told of it."""

from gan_lessons.util import both

EVENTS = ("on_train_begin", "on_epoch_begin", "on_batch_begin", "on_backward_begin",
          "on_backward_end", "on_step_end", "on_batch_end", "on_epoch_end", "on_train_end")


class CancelFit(Exception):
    """Raise it in a callback to end the training in good order, after `on_train_end`."""


class Callback:
    """Define the events you care about, each as a method `on_...(self, learn)`.

    on_train_begin, on_train_end: around one call of `fit`;  on_epoch_begin, on_epoch_end: around a
    pass over the data;  on_batch_begin: `learn.xb`, `learn.yb` are there and may be replaced;
    on_backward_begin: so are `learn.output` and `learn.loss`;  on_backward_end: the gradients of
    the coming step are complete, the moment to clip them or to average them over machines;
    on_step_end: the weights have moved, the gradients are still there;  on_batch_end: everything
    is done, `learn.stepped` tells whether the weights have moved.
    Only training calls them: validation and prediction pass in silence.
    Callbacks with a smaller `order` go first; with the same, in the order they were added.
    `state` returns what must be saved with the learner, as plain numbers; `set_state` takes it.
    """

    order = 0

    def state(self) -> dict:
        """Return the numbers that a saved learner needs to go on: none, unless overridden."""
        return {}

    def set_state(self, state: dict) -> None:
        """Take back what `state` returned."""


class LearnerCallback(Callback):
    """A callback made for one learner, kept as `self.learn`."""

    def __init__(self, learn):
        self.learn = learn


def run_callbacks(callbacks, event: str, learn) -> None:
    """Call the method named `event` of every callback that has one."""
    if event not in EVENTS:
        raise ValueError(both(f"没有 {event} 这个事件；有的是 {', '.join(EVENTS)}。",
                              f"There is no event {event}; there are {', '.join(EVENTS)}."))
    for callback in sorted(callbacks, key=lambda each: each.order):
        method = getattr(callback, event, None)
        if method is not None:
            method(learn)
