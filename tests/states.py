"""What the tests of several files ask of a state that can be saved."""

import torch


def tensors(trainee, state=None, prefix=""):
    """Return copies of all the tensors that a game or a learner remembers, by name."""
    found = {}
    for name, value in (trainee.state() if state is None else state).items():
        if isinstance(value, dict):
            found |= tensors(trainee, value, f"{prefix}{name}/")
        elif torch.is_tensor(value):
            found[f"{prefix}{name}"] = value.clone()
    return found
