"""The data block of the fastai style: source 000's chain, and what fastai got wrong there."""

import io

import numpy as np
import pytest
import torch
from packing import as_folder, as_zip, encoded, waves
from PIL import Image
from torch.nn.functional import avg_pool2d

from gan_lessons import show
from gan_lessons.data import toy_faces, toy_rooms
from gan_lessons.data.sources import BadSource
from gan_lessons.fastai_style.data import (
    DataBunch,
    GANItemList,
    ImageList,
    NoisyItem,
    URLs,
    crop_pad,
    noop,
    untar_data,
)

HALVES = [torch.tensor([0.5, 0.5, 0.5]), torch.tensor([0.5, 0.5, 0.5])]


def pictures(n=24, height=32, width=32):
    return {f"{i % 3}/{i:03d}.png": encoded(waves(i, height, width)) for i in range(n)}


@pytest.fixture
def square(tmp_path, cache):
    """24 pictures of 32x32 in three folders."""
    return as_folder(tmp_path / "square", pictures())


@pytest.fixture
def wide(tmp_path, cache):
    """24 pictures of 32x48."""
    return as_folder(tmp_path / "wide", pictures(width=48))


def random_crops(size):
    return [[crop_pad(size=size, row_pct=(0, 1), col_pct=(0, 1))], []]


def labelled(path, noise_sz=100):
    return GANItemList.from_folder(path, noise_sz=noise_sz).no_split().label_from_func(noop)


def bunch(path, size=32, bs=8, noise_sz=100) -> DataBunch:
    return (labelled(path, noise_sz).transform(tfms=random_crops(size), size=size, tfm_y=True)
            .databunch(bs=bs, device="cpu").normalize(stats=HALVES, do_x=False, do_y=True))


@pytest.fixture
def shown(monkeypatch):
    """Collect what is drawn instead of drawing it: (figure, alternative text)."""
    figures = []
    monkeypatch.setattr(show, "display", lambda image: figures.append(
        (np.array(Image.open(io.BytesIO(image.png)).convert("RGB")), image.alt)))
    return figures


# Pictures

def test_a_list_has_every_picture_once_in_the_order_of_names(square):
    found = GANItemList.from_folder(square)
    assert [path.name for path in found.items] == [f"{i:03d}.png" for i in range(24)]
    assert len(found) == 24
    pairs = found.split_none().label_from_func(noop).train
    assert isinstance(pairs.x, GANItemList) and isinstance(pairs.y, ImageList)
    assert pairs.y.items == found.items


def test_a_list_can_be_of_an_archive_but_not_of_nothing(tmp_path, square, cache):
    packed = as_zip(tmp_path / "packed.zip", pictures())
    assert torch.equal(bunch(packed).train_ds.y.windows.pixels,
                       bunch(square).train_ds.y.windows.pixels)
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadSource, match="No pictures"):
        bunch(tmp_path / "empty")


def test_a_batch_is_noise_and_pictures_of_tanhs_range(square):
    data = bunch(square, bs=5)
    x, y = data.one_batch()
    assert x.shape == (5, 100, 1, 1) and y.shape == (5, 3, 32, 32)
    assert x.dtype == y.dtype == torch.float32
    assert -1 <= y.min() < -0.5 and 0.5 < y.max() <= 1
    assert len(data.train_dl) == len(list(data.train_dl)) == 4  # 24 // 5, the rest is left out
    assert data.valid_dl is None


def test_pictures_of_the_right_size_come_through_exactly(square):
    data = bunch(square, bs=24)
    _, y = data.one_batch()
    files = [np.array(Image.open(path)) for path in data.train_ds.y.items]
    exact = torch.stack([torch.from_numpy(f).permute(2, 0, 1).float() / 255 * 2 - 1
                         for f in files])
    nearest = torch.cdist(y.flatten(1), exact.flatten(1)).argmin(1)
    assert sorted(nearest.tolist()) == list(range(24))
    assert torch.equal(y, exact[nearest])
    assert torch.equal(data.to_images(y), (exact[nearest] + 1).mul(127.5).round().byte())


def test_each_look_at_a_wide_picture_is_another_exact_window(wide):
    pairs = bunch(wide).train_ds
    whole = torch.from_numpy(waves(5, 32, 48)).permute(2, 0, 1)
    windows = [whole[:, :, left:left + 32].float() / 255 for left in range(17)]
    looks = [pairs[5][1] for _ in range(60)]
    seen = {next(i for i, w in enumerate(windows) if torch.equal(w, look)) for look in looks}
    assert len(seen) > 10
    assert not torch.equal(pairs[5][0].data, pairs[5][0].data)


def test_random_crops_differ_within_a_batch_and_between_passes(wide):
    data = bunch(wide, bs=24)
    torch.manual_seed(0)
    first, second = (data.train_ds.y.cut(torch.zeros(24, dtype=torch.int64)) for _ in range(2))
    assert len(first.unique(dim=0)) > 8  # of one picture, 24 times
    assert not torch.equal(first, second)


def test_without_a_crop_the_centre_is_cut_out(wide):
    data = labelled(wide).transform(size=32, tfm_y=True).databunch(bs=4, device="cpu")
    for i, path in enumerate(data.train_ds.y.items):
        centre = torch.from_numpy(np.array(Image.open(path))).permute(2, 0, 1)[:, :, 8:40]
        assert torch.equal(data.train_ds[i][1], centre.float() / 255)


def test_a_pass_has_every_picture_once_and_is_shuffled(square):
    data = bunch(square, bs=6)
    passes = [torch.cat([y for _, y in data.train_dl]) for _ in range(2)]
    for y in passes:
        assert len(y.flatten(1).unique(dim=0)) == 24
    assert not torch.equal(*passes)


def test_the_same_seed_gives_the_same_batches(wide):
    def batches():
        torch.manual_seed(7)
        return [tensor for batch in bunch(wide).train_dl for tensor in batch]

    assert all(map(torch.equal, batches(), batches()))


def test_the_state_of_torchs_generator_fixes_the_coming_batches(wide):
    data = bunch(wide)
    list(data.train_dl)
    state = torch.get_rng_state()
    first = [tensor for batch in data.train_dl for tensor in batch]
    list(data.train_dl)
    torch.set_rng_state(state)
    assert all(map(torch.equal, first, (tensor for batch in data.train_dl for tensor in batch)))


def test_unreadable_pictures_leave_the_list(square, capsys):
    (square / "0" / "003.png").write_bytes(b"nothing")
    data = bunch(square)
    assert len(data.train_ds) == 23
    assert "003.png" not in {path.name for path in data.train_ds.y.items}
    assert "003.png" in capsys.readouterr().out


# Noise

def test_a_noisy_item():
    item = NoisyItem(10)
    assert (item.obj, item.data.shape, str(item)) == (10, (10, 1, 1), "")
    assert item.apply_tfms([crop_pad()]) is item
    assert abs(float(NoisyItem(10_000).data.std()) - 1) < 0.05


def test_the_list_gives_noise_and_takes_it_back(square):
    found = GANItemList.from_folder(square, noise_sz=5)
    item = found.get(0)
    assert isinstance(item, NoisyItem) and item.data.shape == (5, 1, 1)
    assert torch.equal(found.reconstruct(item.data).data, item.data)
    with pytest.raises(IndexError):
        found[24]


# Showing

def drawn(picture, side, size):
    """Return what was drawn in rows of `side`, (n, size, size, 3), blanks at the end included."""
    scale = picture.shape[1] // (side * (size + 2) + 2)
    cells = torch.from_numpy(picture[::scale, ::scale].copy())[2:, 2:]  # 2 pixels between them
    cells = cells.unfold(0, size, size + 2).unfold(1, size, size + 2)
    assert cells.shape[1] == side
    return cells.permute(0, 1, 3, 4, 2).reshape(-1, size, size, 3)


@pytest.mark.parametrize("bs, rows, side, n", [(24, 2, 2, 4), (24, 5, 5, 24), (3, 4, 2, 3)])
def test_show_batch_draws_a_square_grid(square, shown, bs, rows, side, n):
    bunch(square, bs=bs).show_batch(rows=rows)
    (figure, alt), = shown
    filled = [len(cell.unique()) > 1 for cell in drawn(figure, side, 32)]
    assert filled == [True] * n + [False] * (side**2 - n)
    assert alt.startswith(f"{n} real pictures")


def test_what_is_drawn_are_the_pictures(square, shown):
    data = bunch(square, bs=24)
    torch.manual_seed(3)
    x, y = data.one_batch()
    data.show_xyzs(x, y, -y, figsize=(3, 3))
    torch.manual_seed(3)
    data.show_batch(rows=5)
    (made, _), (real, _) = shown
    assert made.shape[1] == 172  # 300 pixels are not enough for twice 172
    pictures = data.to_images(y).permute(0, 2, 3, 1)
    assert torch.equal(drawn(real, 5, 32)[:24], pictures)
    assert torch.equal(drawn(made, 5, 32)[:24], 255 - pictures)


def test_pictures_too_many_for_the_figure_keep_a_pixel_each(square, shown):
    GANItemList.from_folder(square).show_xys(None, torch.rand(25, 3, 64, 64), figsize=(3, 3))
    (figure, _), = shown
    assert figure.shape[1] >= 5 * 64


def test_a_wall_of_128_is_twelve_wide(square, shown):
    GANItemList.from_folder(square).show_xys(None, torch.rand(128, 3, 8, 8), figsize=(8, 8))
    (figure, _), = shown
    assert [len(cell.unique()) > 1 for cell in drawn(figure, 12, 8)] == [True] * 128 + [False] * 4


# Mistakes

@pytest.mark.parametrize("change, words", [
    ({"tfm_y": False}, "tfm_y=True"),
    ({"size": 64}, r"\[32, 64\]"),
    ({"size": None, "tfms": [[], []]}, r"\[\]")])
def test_transform_says_what_will_not_do(square, change, words):
    given = {"tfms": random_crops(32), "size": 32, "tfm_y": True} | change
    with pytest.raises(ValueError, match=words):
        labelled(square).transform(**given)


def test_crop_pads_own_size_is_taken_when_it_is_the_only_one(square):
    data = labelled(square).transform(random_crops(16), tfm_y=True).databunch(bs=8, device="cpu")
    assert data.one_batch()[1].shape == (8, 3, 16, 16)


def test_other_mistakes_are_explained(square):
    with pytest.raises(ValueError, match="do_x=False"):
        bunch(square).normalize(HALVES)
    with pytest.raises(ValueError, match="label_from_func\\(noop\\)"):
        GANItemList.from_folder(square).split_none().label_from_func(lambda path: path.name)
    with pytest.raises(ValueError, match="transform\\(size=64"):
        labelled(square).databunch(bs=8)
    with pytest.raises(ValueError, match="24 pictures, fewer"):
        bunch(square, bs=25)


def test_no_split_is_only_an_older_name(square):
    found = GANItemList.from_folder(square)
    assert found.no_split().train.x is found


# untar_data

def test_without_photographs_there_are_toy_rooms(cache, capsys):
    rooms = untar_data(URLs.LSUN_BEDROOMS, toys=20)
    said = capsys.readouterr().out
    assert "玩具卧室" in said and "toy rooms" in said
    assert "data get lsun-bedroom-sample" in said
    assert torch.equal(rooms.images, toy_rooms(20, 64).images)
    seen = [bunch(rooms, size, bs=20).train_ds.y for size in (64, 32)]
    assert torch.equal(seen[0].cut(torch.arange(20)), rooms.images)
    smaller = seen[1].cut(torch.arange(20)).float()
    assert (smaller - avg_pool2d(rooms.images.float(), 2)).abs().mean() < 4


def test_pictures_in_memory_are_pictures_like_any_others(cache):
    faces = toy_faces(12, size=16)
    data = bunch(faces, size=16, bs=12)
    _, y = data.one_batch()
    assert set(map(bytes, data.to_images(y).flatten(1).numpy())) == set(
        map(bytes, faces.images.flatten(1).numpy()))


def test_photographs_on_this_machine_are_taken(tmp_path, cache, monkeypatch, capsys):
    at = as_folder(tmp_path / "root" / "lsun_bedroom" / "data0" / "lsun" / "bedroom", pictures(6))
    monkeypatch.setenv("GAN_LESSONS_DATA", str(tmp_path / "root"))
    assert untar_data(URLs.LSUN_BEDROOMS) == at
    assert capsys.readouterr().out == ""


def test_another_url_is_refused():
    with pytest.raises(ValueError, match="URLs.LSUN_BEDROOMS"):
        untar_data("https://example.org/faces")


def test_noop_returns_what_it_is_given():
    assert noop(3) == 3
