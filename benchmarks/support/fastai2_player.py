"""What each side of `benchmarks.fastai2` runs in a process of its own, its settings as JSON.

Stands alone, since fastai 2 runs it in another environment. After "ready", every line that comes
in is answered with one epoch over the folder: seconds passed, and seconds of CPU time of this
process and its workers.
"""

import json
import os
import sys
import time
from functools import partial


def fastai_2(folder: str, batch: int, threads: int, fast: bool):
    """Return a function that trains one epoch: lesson 7's cells in fastai 2, wd and momentum 0.

    fast: with its `to_channelslast`, and in bfloat16 on a GPU (on CPUs it knows float32 only).
    """
    import torch
    from fastai.data.all import DataBlock, IndexSplitter, Normalize, TransformBlock, get_image_files
    from fastai.optimizer import Adam
    from fastai.vision.augment import Resize, ResizeMethod
    from fastai.vision.data import ImageBlock
    from fastai.vision.gan import GANLearner, basic_critic, basic_generator, generate_noise

    torch.set_num_threads(threads)
    block = DataBlock(blocks=(TransformBlock, ImageBlock), get_x=generate_noise,
                      get_items=get_image_files, splitter=IndexSplitter([]),
                      item_tfms=Resize(64, method=ResizeMethod.Crop),
                      batch_tfms=Normalize.from_stats([0.5] * 3, [0.5] * 3))
    data = block.dataloaders(folder, path=folder, bs=batch)
    learn = GANLearner.wgan(data, basic_generator(64, n_channels=3, n_extra_layers=1),
                            basic_critic(64, n_channels=3, n_extra_layers=1), switch_eval=False,
                            opt_func=partial(Adam, mom=0.0, sqr_mom=0.99, wd=0.0))
    learn.recorder.train_metrics, learn.recorder.valid_metrics = True, False
    if fast:
        learn.to_channelslast(use_amp=torch.cuda.is_available(), amp_mode="bf16")

    def epoch():
        with learn.no_bar(), learn.no_logging():
            learn.fit(1, 2e-4, wd=0.0)
    return epoch


def ours(folder: str, batch: int, threads: int, fast: bool):
    """Return a function that trains one epoch: the same with gan_lessons.fastai_style.

    fast: channels_last, and bfloat16 where the device calculates with it.
    """
    from gan_lessons import runtime
    from gan_lessons.fastai_style.vision import crop_pad, noop, optim, torch
    from gan_lessons.fastai_style.vision.gan import (
        GANItemList,
        GANLearner,
        basic_critic,
        basic_generator,
    )

    runtime.set_threads(threads)
    data = (GANItemList.from_folder(folder, noise_sz=100).no_split().label_from_func(noop)
            .transform(tfms=[[crop_pad(size=64, row_pct=(0, 1), col_pct=(0, 1))], []], size=64,
                       tfm_y=True).databunch(bs=batch).normalize(do_x=False, do_y=True))
    layout = torch.channels_last if fast else torch.contiguous_format
    generator = basic_generator(in_size=64, n_channels=3, n_extra_layers=1)
    critic = basic_critic(in_size=64, n_channels=3, n_extra_layers=1)
    learn = GANLearner.wgan(data, generator.to(memory_format=layout),
                            critic.to(memory_format=layout), switch_eval=False, wd=0.0,
                            silent=True, opt_func=partial(optim.Adam, betas=(0.0, 0.99)),
                            precision="auto" if fast else "float32")
    return lambda: learn.fit(1, 2e-4)


def _cpu() -> float:
    return sum(os.times()[:4])


def main() -> None:
    """Answer one line after another until there are no more."""
    settings = json.loads(sys.argv[1])
    answers, sys.stdout = sys.stdout, sys.stderr  # what libraries print is not an answer
    epoch = {"fastai_2": fastai_2, "ours": ours}[settings.pop("side")](**settings)
    print("ready", file=answers, flush=True)
    for _ in sys.stdin:
        wall, cpu = time.perf_counter(), _cpu()
        epoch()
        print(time.perf_counter() - wall, _cpu() - cpu, file=answers, flush=True)


if __name__ == "__main__":
    main()
