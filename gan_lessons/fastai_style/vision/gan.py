"""What `from gan_lessons.fastai_style.vision.gan import *` brings: the GAN part of fastai v1."""

from gan_lessons.fastai_style.data import GANItemList, ImageList, NoisyItem
from gan_lessons.fastai_style.gan_learner import GANLearner
from gan_lessons.fastai_style.gan_loss import (
    AdaptiveLoss,
    GANLoss,
    GANModule,
    NoopLoss,
    WassersteinLoss,
    accuracy_thresh_expand,
    gan_loss_from_func,
)
from gan_lessons.fastai_style.gan_trainer import (
    AdaptiveGANSwitcher,
    FixedGANSwitcher,
    GANDiscriminativeLR,
    GANTrainer,
)
from gan_lessons.fastai_style.networks import AvgFlatten, basic_critic, basic_generator, gan_critic

__all__ = ["AdaptiveGANSwitcher", "AdaptiveLoss", "AvgFlatten", "FixedGANSwitcher",
           "GANDiscriminativeLR", "GANItemList", "GANLearner", "GANLoss", "GANModule",
           "GANTrainer", "ImageList", "NoisyItem", "NoopLoss", "WassersteinLoss",
           "accuracy_thresh_expand", "basic_critic", "basic_generator", "gan_critic",
           "gan_loss_from_func"]
