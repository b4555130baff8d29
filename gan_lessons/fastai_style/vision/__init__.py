"""What `from gan_lessons.fastai_style.vision import *` brings: fastai v1's names, and torch's.

A star import suits a notebook in which one tries things; in a package one names what one uses.
"""

from functools import partial
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn, optim

from gan_lessons.fastai_style.callback import (
    Callback,
    CancelFit,
    LearnerCallback,
    SmoothenValue,
)
from gan_lessons.fastai_style.data import DataBunch, URLs, crop_pad, noop, untar_data
from gan_lessons.fastai_style.learner import DatasetType, Learner
from gan_lessons.fastai_style.networks import NormType, SelfAttention, conv_layer

__all__ = ["Callback", "CancelFit", "DataBunch", "DatasetType", "Learner", "LearnerCallback",
           "NormType", "Path", "SelfAttention", "SmoothenValue", "URLs", "conv_layer", "crop_pad",
           "nn", "noop", "np", "optim", "partial", "plt", "torch", "untar_data"]
