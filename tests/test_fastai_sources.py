"""The two fastai sources of this course: their cells run here with nothing but the prefix changed.

Only numbers are smaller than in the sources: pictures, batch size, epochs.
"""

import pytest
import torch
from packing import as_folder, encoded, waves

from gan_lessons.fastai_style.data import untar_data

PREFIX = "gan_lessons.fastai_style"

LESSON = [
    f"from {PREFIX}.vision import *\nfrom {PREFIX}.vision.gan import *",
    "path = untar_data(URLs.LSUN_BEDROOMS)",
    """
def get_data(bs, size):
    half = torch.tensor([0.5, 0.5, 0.5])
    crop = crop_pad(size=size, row_pct=(0,1), col_pct=(0,1))
    items = GANItemList.from_folder(path, noise_sz=100).no_split().label_from_func(noop)
    return (items.transform(tfms=[[crop], []], size=size, tfm_y=True).databunch(bs=bs)
            .normalize(stats = [half, half], do_x=False, do_y=True))
""",
    "data = get_data(8, 64)",
    "data.show_batch(rows=5)",
    """
generator = basic_generator(in_size=64, n_channels=3, n_extra_layers=1)
critic    = basic_critic   (in_size=64, n_channels=3, n_extra_layers=1)
""",
    """
learn = GANLearner.wgan(data, generator, critic, switch_eval=False,
                        opt_func = partial(optim.Adam, betas = (0.,0.99)), wd=0.)
""",
    "learn.fit(1,2e-4)",
    """
learn.gan_trainer.switch(gen_mode=True)
learn.show_results(ds_type=DatasetType.Train, rows=16, figsize=(8,8))
"""]


@pytest.mark.slow
def test_the_lesson_runs_cell_by_cell(tmp_path, cache, monkeypatch, capsys):
    torch.manual_seed(0)
    photographs = {f"{i % 5}/{i:03d}.jpg": encoded(waves(i, 64, 85), "JPEG") for i in range(51)}
    bedrooms = as_folder(tmp_path / "lsun_bedroom" / "data0" / "lsun" / "bedroom", photographs)
    monkeypatch.setenv("GAN_LESSONS_DATA", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    cells = {}
    for cell in LESSON:
        exec(cell, cells)
    assert cells["path"] == bedrooms
    learn = cells["learn"]
    assert len(cells["data"].train_dl) == 6  # 51 // 8
    trainer = learn.gan_trainer
    assert (trainer.critic_steps, trainer.gen_steps, len(trainer.imgs)) == (5, 1, 1)
    assert learn.model.gen_mode
    assert max(float(p.abs().max()) for p in cells["critic"].parameters()) < 0.011
    said = capsys.readouterr().out
    assert "gen_loss" in said and "disc_loss" in said


def test_the_lessons_star_import_brings_the_names_of_habit():
    names = {}
    exec(LESSON[0], names)
    assert {"torch", "nn", "np", "plt", "Path", "partial", "optim", "DatasetType", "Learner",
            "GANLearner", "basic_generator"} <= set(names)
    assert names["untar_data"] is untar_data


def test_the_documentations_first_cell_runs():
    names = {}
    for module in (".gen_doc.nbdoc", "", ".vision", ".vision.gan"):
        exec(f"from {PREFIX}{module} import *", names)
    names["show_doc"](names["GANLearner"])
