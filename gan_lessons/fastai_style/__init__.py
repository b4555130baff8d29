"""The GAN part of fastai v1, rebuilt to be read: same names, same numbers, its bugs repaired.

A notebook written for fastai v1 changes the prefix of its two imports:

    from gan_lessons.fastai_style.vision import *
    from gan_lessons.fastai_style.vision.gan import *

Read in this order: `learner` (the loop), `networks`, `gan_loss`, `gan_trainer` (whose turn it is),
`switchers`, `gan_learner`; then `data_block`. `extras` and `live` are what its users asked for.
"""
