"""The GAN part of fastai v1, rebuilt to be read: same names, same numbers, its bugs repaired.

A notebook written for fastai v1 changes the prefix of its two imports (callbacks of its own also
change as the last table but one of notebook 05b says):

    from gan_lessons.fastai_style.vision import *
    from gan_lessons.fastai_style.vision.gan import *

Read in this order: `callback` (with the table), `learner` (the loop), `gan_loss` (two networks as
one model), `gan_trainer` (whose turn it is), `gan_learner`; then `networks` and `data` (from a
folder to batches).
"""
