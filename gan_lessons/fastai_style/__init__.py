"""The GAN part of fastai v1, rebuilt to be read: same names, same numbers, its bugs repaired.

A notebook written for fastai v1 changes the prefix of its two imports:

    from gan_lessons.fastai_style.vision import *
    from gan_lessons.fastai_style.vision.gan import *

Read in this order: `callback` (with the table), `learner` (the loop), `gan_loss` (two networks as
one model), `gan_trainer` (whose turn it is), `gan_learner`; then `networks`, `data` (from a folder
to batches), `live` (the training view).
"""
