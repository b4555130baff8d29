"""Data in: digits, MNIST in every condition a learner's disk can be in, and batches."""

import gzip
import hashlib
import importlib
import struct
from pathlib import Path

import numpy as np
import pytest
import torch

from gan_lessons import data
from gan_lessons.data.digits import MNIST_FILES as FILES
from gan_lessons.data.digits import DamagedFile, mnist_root

module = importlib.import_module("gan_lessons.data.digits")  # a module, to be patched


def images(n=10, labels=True):
    pictures = torch.arange(n, dtype=torch.uint8).view(n, 1, 1, 1).expand(n, 1, 2, 2).contiguous()
    return data.ImageSet(pictures, torch.arange(n) if labels else None, "toy")


def write_mnist(root, n=20, compressed=False):
    """Write a tiny MNIST in torchvision's layout and return its folder."""
    raw = root / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name in FILES:
        if "images" in name:
            content = struct.pack(">IIII", 2051, n, 28, 28) + bytes(i % 256 for i in range(n * 784))
        else:
            content = struct.pack(">II", 2049, n) + bytes(i % 10 for i in range(n))
        path = raw / (f"{name}.gz" if compressed else name)
        path.write_bytes(gzip.compress(content) if compressed else content)
    return raw


@pytest.fixture
def no_download(monkeypatch, tmp_path):
    """An empty cache, and torchvision without a network."""
    monkeypatch.setenv("GAN_LESSONS_CACHE", str(tmp_path / "cache"))

    def refuse(*_, **__):
        raise RuntimeError("Error downloading train-images-idx3-ubyte.gz")
    monkeypatch.setattr(module, "MNIST", refuse)


# ---- digits ----

def test_the_digits_in_the_box_are_balanced_and_split():
    train, held_out = data.mnist(), data.mnist(train=False)
    for part in (train, held_out):
        share = torch.bincount(part.labels, minlength=10) / len(part)
        assert share.min() > 0.07 and share.max() < 0.13

    def prints(part):
        return {hashlib.sha1(picture.numpy().tobytes()).hexdigest() for picture in part.images}
    assert not prints(train) & prints(held_out)  # nothing held out has been seen


# ---- from bytes to [-1, 1] and back ----

def test_every_byte_survives_the_round_trip():
    every = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    signed = data.to_signed(every)
    assert signed.min() == -1 and signed.max() == 1
    assert torch.equal(data.to_images(signed), every)


@pytest.mark.parametrize("bad", [torch.full((1, 1, 2, 2), 3.0), torch.tensor([[[[float("nan")]]]])])
def test_pixels_out_of_range_are_refused(bad):
    with pytest.raises(ValueError, match=r"Pixels must be finite numbers in \[-1, 1\]"):
        data.to_images(bad)


# ---- batches ----

def test_batches_are_reproducible_and_depend_on_the_seed():
    def first(seed):
        batches = images().batches(4, seed=seed)
        return torch.stack([next(batches) for _ in range(6)])
    assert torch.equal(first(0), first(0))
    assert not torch.equal(first(0), first(1))


@pytest.mark.parametrize("n", [1, 3, 4, 7, 10])
def test_every_pass_shows_every_picture_once_whatever_the_batch(n):
    batches = images().batches(n)
    seen = torch.cat([data.to_images(next(batches))[:, 0, 0, 0] for _ in range(10)])
    for one_pass in seen.split(10)[: len(seen) // 10]:
        assert sorted(one_pass.tolist()) == list(range(10))


@pytest.mark.parametrize("start", [1, 5, 13])
def test_starting_late_gives_the_batches_of_the_uninterrupted_stream(start):
    whole, late = images().batches(3, seed=7), images().batches(3, seed=7, start=start)
    for _ in range(start):
        next(whole)
    for _ in range(8):
        assert torch.equal(next(whole), next(late))


@pytest.mark.parametrize("n", [0, -1, 11])
def test_a_batch_that_does_not_fit_is_refused_at_once(n):
    with pytest.raises(ValueError, match="must be between 1 and the number of pictures, 10"):
        images().batches(n)


def test_batches_are_floats_in_range():
    batch = next(data.mnist().batches(16))
    assert batch.shape == (16, 1, 28, 28) and batch.dtype == torch.float32
    assert batch.min() >= -1 and batch.max() <= 1


@pytest.mark.parametrize("bad", [torch.zeros(0, 1, 2, 2, dtype=torch.uint8),
                                 torch.zeros(3, 1, 2, 2),
                                 torch.zeros(3, 2, 2, dtype=torch.uint8)])
def test_pictures_of_the_wrong_kind_are_refused(bad):
    with pytest.raises(ValueError, match="non-empty uint8 tensor"):
        data.ImageSet(bad, None, "bad")


def test_numpy_pictures_are_told_how_to_become_tensors():
    with pytest.raises(ValueError, match=r"convert numpy arrays with torch.from_numpy"):
        data.ImageSet(images().images.numpy(), None, "bad")


@pytest.mark.parametrize("index", [3, -7, np.int64(3), torch.tensor(3)])
def test_one_position_gives_a_set_of_one(index):
    assert images()[index].labels.tolist() == [3]


def test_floats_are_not_taken_for_bytes():
    with pytest.raises(ValueError, match="Pictures here are uint8"):
        data.to_signed(torch.zeros(1, 1, 2, 2))


def test_labels_are_a_tensor():
    with pytest.raises(ValueError, match="labels must be a torch tensor, got list"):
        data.ImageSet(torch.zeros(2, 1, 4, 4, dtype=torch.uint8), [0, 1], "mine")


def test_labels_must_match():
    with pytest.raises(ValueError, match="3 pictures but the labels"):
        data.ImageSet(torch.zeros(3, 1, 2, 2, dtype=torch.uint8), torch.zeros(2), "bad")


def test_a_selection_keeps_pictures_and_labels_together():
    some = images()[torch.tensor([8, 3])]
    assert some.labels.tolist() == [8, 3] and some.images[:, 0, 0, 0].tolist() == [8, 3]
    assert len(images()[2]) == 1 and images(labels=False)[:4].labels is None


def test_a_frame_moves_nothing_and_comes_off_again():
    digits = data.mnist(train=False)
    framed = digits.framed(32)
    assert framed.shape == (1, 32, 32) and framed.images.dtype == torch.uint8
    assert torch.equal(framed.images[:, :, 2:-2, 2:-2], digits.images)
    assert framed.images.sum() == digits.images.sum()  # the rim is black
    assert torch.equal(framed.labels, digits.labels) and framed.name == digits.name
    assert torch.equal(digits.framed(28).images, digits.images)


@pytest.mark.parametrize("side", [26, 31])
def test_a_frame_that_cannot_be_centred_is_refused(side):
    with pytest.raises(ValueError, match=f"cannot stand in the middle of {side}x{side}"):
        data.mnist(train=False).framed(side)
    with pytest.raises(ValueError, match="must be squares"):
        data.ImageSet(torch.zeros(1, 1, 4, 6, dtype=torch.uint8), None, "wide").framed(8)



# ---- MNIST ----

def test_ten_thousand_real_digits_come_with_the_course(no_download):
    """The counts are those of MNIST's first 8,000 training and first 2,000 test pictures."""
    train, held_out = data.mnist(), data.mnist(train=False)
    assert train.images.shape == (8000, 1, 28, 28) and held_out.images.shape == (2000, 1, 28, 28)
    assert train.labels.bincount().tolist() == [784, 882, 805, 828, 789, 679, 811, 882, 755, 785]
    assert held_out.labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    ink = train.images.float().mean((1, 2, 3))  # ones take the least ink, zeros the most
    assert ink[train.labels == 1].mean() < 0.5 * ink[train.labels == 0].mean()
    assert mnist_root() is None and train.name == "mnist-10k"


def test_the_digits_in_the_box_are_those_of_mnist(shared_data):
    """Where the real files are at hand (GAN_LESSONS_DATA), every pixel and label is compared."""
    for train, n in ((True, 8000), (False, 2000)):
        whole, box = data.mnist(train), module._mnist_in_the_box(train)
        assert torch.equal(box.images, whole.images[:n])
        assert torch.equal(box.labels, whole.labels[:n])


@pytest.mark.parametrize("compressed", [False, True])
def test_mnist_is_read_from_the_data_folder(monkeypatch, tmp_path, no_download, compressed):
    write_mnist(tmp_path, compressed=compressed)
    monkeypatch.setenv("GAN_LESSONS_DATA", str(tmp_path))
    assert mnist_root() is not None
    found = data.mnist()
    assert found.images.shape == (20, 1, 28, 28) and found.labels[:3].tolist() == [0, 1, 2]
    assert found.images[0, 0, 0, :3].tolist() == [0, 1, 2]
    assert len(data.mnist(train=False)) == 20


def test_mnist_missing_says_where_the_four_files_go(no_download, tmp_path):
    assert mnist_root() is None
    with pytest.raises(FileNotFoundError) as error:
        data.mnist(download=True)
    text = str(error.value)
    for name in FILES:
        assert text.count(str(tmp_path / "cache" / "MNIST" / "raw" / name)) == 2  # in zh and in en
    assert "没有找到 MNIST" in text and "Put these four files in place" in text


def test_a_download_lands_in_the_cache_whole(monkeypatch, tmp_path):
    monkeypatch.setenv("GAN_LESSONS_CACHE", str(tmp_path))
    monkeypatch.setattr(module, "MNIST", lambda root, download: write_mnist(
        Path(root)))
    own = tmp_path / "MNIST" / "raw" / FILES[0]  # what a learner has put there already
    own.parent.mkdir(parents=True)
    own.write_bytes(struct.pack(">IIII", 2051, 20, 28, 28) + bytes(20 * 784))
    assert data.mnist(download=True).images.max() == 0  # it is used, not overwritten
    assert [p.name for p in tmp_path.iterdir()] == ["MNIST"]
    assert len(list(own.parent.iterdir())) == 4


def test_a_broken_download_leaves_nothing_behind(monkeypatch, tmp_path):
    monkeypatch.setenv("GAN_LESSONS_CACHE", str(tmp_path))

    def half(root, download):
        write_mnist(Path(root))
        raise RuntimeError("connection lost")
    monkeypatch.setattr(module, "MNIST", half)
    with pytest.raises(FileNotFoundError, match="connection lost"):
        data.mnist(download=True)
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []


def truncate(path):
    path.write_bytes(path.read_bytes()[:-5])


def replace_by_web_page(path):
    path.write_bytes(b"<!DOCTYPE html><title>403 Forbidden</title>")


def empty(path):
    path.write_bytes(b"")


@pytest.mark.parametrize("damage", [truncate, replace_by_web_page, empty])
@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("which", FILES[:2])
def test_a_damaged_file_is_named_and_left_alone(monkeypatch, tmp_path, damage, compressed, which):
    raw = write_mnist(tmp_path, compressed=compressed)
    path = raw / (f"{which}.gz" if compressed else which)
    damage(path)
    before = path.read_bytes()
    monkeypatch.setenv("GAN_LESSONS_DATA", str(tmp_path))
    with pytest.raises(DamagedFile) as error:
        data.mnist()
    assert str(path) in str(error.value) and "已损坏" in str(error.value)
    assert path.read_bytes() == before


def test_a_bomb_is_not_unpacked(monkeypatch, tmp_path):
    raw = write_mnist(tmp_path, compressed=True)
    header = struct.pack(">IIII", 2051, 20, 28, 28)
    (raw / f"{FILES[0]}.gz").write_bytes(gzip.compress(header + bytes(50_000_000)))
    monkeypatch.setenv("GAN_LESSONS_DATA", str(tmp_path))
    with pytest.raises(DamagedFile, match="longer than the 15,680 bytes it announces"):
        data.mnist()


def test_labels_and_pictures_that_do_not_match_are_refused(monkeypatch, tmp_path):
    raw = write_mnist(tmp_path)
    (raw / FILES[1]).write_bytes(struct.pack(">II", 2049, 3) + bytes(3))
    monkeypatch.setenv("GAN_LESSONS_DATA", str(tmp_path))
    with pytest.raises(DamagedFile, match="do not match"):
        data.mnist()


def test_cards_are_bilingual(capsys):
    data.mnist().card()
    text = capsys.readouterr().out
    assert "CC BY-SA 3.0" in text and "手写数字" in text and "handwritten digits" in text


def test_a_cache_that_cannot_be_written_is_no_mystery(monkeypatch, tmp_path):
    blocked = tmp_path / "cache"
    blocked.write_text("a file where the folder should be")
    monkeypatch.setenv("GAN_LESSONS_CACHE", str(blocked))
    with pytest.raises(FileNotFoundError, match="Put these four files in place"):
        data.mnist(download=True)
    assert blocked.read_text() == "a file where the folder should be"
