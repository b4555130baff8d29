"""CelebA, LSUN bedrooms and any folder, in every layout they come in."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from packing import PACKERS, as_folder, as_lmdb, as_tar, as_zip, drawn, encoded, waves

from gan_lessons import data, recipes
from gan_lessons.data import imageset
from gan_lessons.data.sources import BadSource, Folder, stem, subset
from gan_lessons.train import fit

QUICK = {"size": 16, "progress": False}


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GAN_LESSONS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def faces(n=20):
    return {f"{i + 1:06d}.jpg": encoded(waves(i), "JPEG", quality=90) for i in range(n)}


def partition(n=20, split=","):
    """Return CelebA's list: the last two pictures are for tests, the two before to validate."""
    kind = {n - 1: 2, n - 2: 2, n - 3: 1, n - 4: 1}
    return "".join(f"{i + 1:06d}.jpg{split}{kind.get(i, 0)}\n" for i in range(n)).encode()


# ---- layouts ----

CELEBA = {
    "torchvision": lambda at, files: as_folder(at / "celeba" / "img_align_celeba", files),
    "official zip": lambda at, files: as_zip(at / "img_align_celeba.zip", files),
    "zip in celeba": lambda at, files: as_zip(_made(at / "celeba") / "img_align_celeba.zip", files),
    "kaggle": lambda at, files: as_folder(at / "img_align_celeba" / "img_align_celeba", files),
    "kaggle zip": lambda at, files: as_zip(at / "celeba-dataset.zip", files),
    "pictures": as_folder,
    "elsewhere": lambda at, files: as_folder(at / "my" / "faces", files),
}


def _made(folder):
    folder.mkdir(parents=True)
    return folder


@pytest.mark.parametrize("layout", CELEBA)
def test_celeba_is_found_in_every_layout(layout, tmp_path):
    CELEBA[layout](_made(tmp_path / "root"), faces())
    found = data.celeba(tmp_path / "root", **QUICK)
    assert torch.equal(found.images, data.folder(as_folder(tmp_path / "plain", faces()),
                                                 **QUICK).images)
    assert (len(found), found.shape, found.name) == (20, (3, 16, 16), "celeba")
    assert found.images.dtype == torch.uint8


LSUN = {
    "lmdb": lambda at, files: as_lmdb(at / "bedroom_train_lmdb", files),
    "lmdb in lsun": lambda at, files: as_lmdb(_made(at / "lsun") / "bedroom_train_lmdb", files),
    "kaggle": lambda at, files: as_folder(at / "data0" / "lsun" / "bedroom", files),
    "kaggle below": lambda at, files: as_folder(at / "lsun_bedroom/data0/lsun/bedroom", files),
    "fast.ai": lambda at, files: as_folder(at / "bedroom", files),
    "exported": as_folder,
}


@pytest.mark.parametrize("layout", LSUN)
def test_bedrooms_are_found_in_every_layout(layout, tmp_path):
    LSUN[layout](_made(tmp_path / "root"), drawn())
    found = data.lsun_bedrooms(tmp_path / "root", **QUICK)
    plain = data.folder(as_folder(tmp_path / "plain", drawn()), **QUICK)
    assert torch.equal(found.images, plain.images) and found.name == "lsun_bedrooms"


def test_fast_ais_archive_is_to_be_unpacked_first(tmp_path):
    path = as_tar(_made(tmp_path / "root") / "bedroom.tgz", drawn(), "gz")
    with pytest.raises(BadSource, match=f'tar xf "{path}" -C "{path.parent}"') as error:
        data.lsun_bedrooms(tmp_path / "root", **QUICK)
    assert "要先解压" in str(error.value)
    as_folder(path.with_suffix(""), drawn())  # what comes out of it
    assert len(data.lsun_bedrooms(tmp_path / "root", **QUICK)) == 12


def test_without_a_root_the_learners_data_come_before_the_cache(tmp_path, monkeypatch, own_cache):
    as_zip(_made(own_cache) / "img_align_celeba.zip", faces(3))
    assert len(data.celeba(**QUICK)) == 3
    as_folder(tmp_path / "data" / "celeba" / "img_align_celeba", faces(5))
    monkeypatch.setenv("GAN_LESSONS_DATA", str(tmp_path / "data"))
    assert len(data.celeba(**QUICK)) == 5


@pytest.mark.parametrize("load, zh, toy, file", [
    (data.celeba, "没有找到 CelebA", "data.toy_faces()", "celeba/img_align_celeba.zip"),
    (data.lsun_bedrooms, "没有找到 LSUN", "data.toy_rooms()", "bedroom_train_lmdb/data.mdb")])
def test_what_is_not_there_comes_with_instructions(load, zh, toy, file, tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    as_folder(tmp_path / "data" / "holiday", {"a.jpg": encoded(waves())})  # not to be mistaken
    monkeypatch.setenv("GAN_LESSONS_DATA", str(tmp_path / "data"))
    with pytest.raises(FileNotFoundError) as error:
        load(**QUICK)
    message = str(error.value)
    assert zh in message and message.count(toy) == 2
    assert message.count(str(tmp_path / "data" / file)) == 2
    for part in ("kaggle datasets download -d ", "http"):
        assert message.count(part) % 2 == 0 and part in message
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "nowhere", **QUICK)


def test_one_archive_can_be_given_by_its_own_path(tmp_path):
    assert len(data.celeba(as_zip(tmp_path / "faces.zip", faces(4)), **QUICK)) == 4


# ---- a share, a list ----

def test_a_tenth_is_the_same_in_every_layout_and_lies_within_a_fifth(tmp_path):
    files = drawn(60)
    tenths = [data.folder(PACKERS[kind](tmp_path / kind, files), subset=0.1, **QUICK).images
              for kind in ("folder", "zip", "lmdb")]
    assert len(tenths[0]) == 6
    assert all(torch.equal(tenths[0], other) for other in tenths)
    fifth = {picture.numpy().tobytes()
             for picture in data.folder(tmp_path / "folder", subset=0.2, **QUICK).images}
    assert len(fifth) == 12 and {p.numpy().tobytes() for p in tenths[0]} < fifth


def test_a_tenth_looks_random(tmp_path):
    class Many(Folder):
        def _list(self):
            return [f"{i:06d}.jpg" for i in range(10_000)]
    chosen = [int(stem(name)) for name in subset(Many(tmp_path), 0.1).names]
    assert len(chosen) == 1000 and chosen == sorted(chosen)
    assert 4700 < np.mean(chosen) < 5300 and len(set(np.diff(chosen))) > 20


@pytest.mark.parametrize("subset", [0, -1, 1.5, math.nan])
def test_a_share_out_of_range_is_refused(subset, tmp_path):
    with pytest.raises(ValueError, match="subset must be above 0 and at most 1"):
        data.folder(as_folder(tmp_path / "set", faces(2)), subset=subset, **QUICK)


def test_a_share_of_a_few_pictures_has_at_least_one(tmp_path):
    path = as_folder(tmp_path / "set", faces(3))
    assert len(data.folder(path, subset=0.01, **QUICK)) == 1


@pytest.mark.parametrize("name, between", [("list_eval_partition.csv", ","),
                                           ("list_eval_partition.txt", " ")])
@pytest.mark.parametrize("packed", [False, True])
def test_celebas_splits(name, between, packed, tmp_path):
    extra = {name: b"image_id,partition\n" * (between == ",") + partition(split=between)}
    if packed:
        root = as_zip(tmp_path / "celeba-dataset.zip", faces() | extra)
    else:
        root = as_folder(tmp_path / "root" / "celeba", extra)
        as_folder(root / "img_align_celeba", faces())
    sizes = {split: len(data.celeba(root, split=split, **QUICK))
             for split in ("train", "valid", "test", "all")}
    assert sizes == {"train": 16, "valid": 2, "test": 2, "all": 20}


def test_a_split_needs_the_list_and_a_known_name(tmp_path):
    root = as_folder(tmp_path / "root", faces(3))
    with pytest.raises(FileNotFoundError, match="list_eval_partition.csv .* is needed beside"):
        data.celeba(root, split="train", **QUICK)
    with pytest.raises(ValueError, match="split must be one of all, train, valid, test; got 'x'"):
        data.celeba(root, split="x", **QUICK)


def test_a_part_of_a_split(tmp_path):
    root = as_folder(tmp_path / "root", {"list_eval_partition.csv": partition()} | faces())
    half = data.celeba(root, 0.5, split="train", **QUICK)
    assert len(half) == 8
    assert len(data.celeba(root, 0.5, split="test", **QUICK)) == 1


def test_the_workflow_of_the_source_first_a_tenth_then_all(tmp_path):
    root, small, whole = as_folder(tmp_path / "root", faces()), tmp_path / "a", tmp_path / "b"
    tenth = data.celeba(root, 0.1, files=small, **QUICK)
    assert len(tenth) == 2
    assert torch.equal(tenth.images, data.celeba(root, 0.1, **QUICK).images)
    names = small.read_text().splitlines()
    assert len(names) == 2 and all(line.endswith(".jpg,0") for line in names)
    assert len(data.celeba(root, files=small, **QUICK)) == 2  # read now, not written
    assert len(data.celeba(root, files=whole, **QUICK)) == 20
    small.write_text("000007.jpg,0\n")  # a list that changed
    assert len(data.celeba(root, files=small, **QUICK)) == 1


@pytest.mark.parametrize("text", ["000002.jpg,0\n000005.jpg,0\n", "000005.jpg\n000002.jpg\n",
                                  "image_id,label\n000002.jpg,0\n000005.jpg,0\n\n",
                                  "\ufeffimg_align_celeba/000002.jpg,0\r\nx\\000005.jpg,0\r\n"])
def test_lists_as_other_tools_write_them(text, tmp_path):
    root = as_folder(tmp_path / "root", faces(6))
    (tmp_path / "files.csv").write_bytes(text.encode())
    two = data.celeba(root, files=tmp_path / "files.csv", **QUICK)
    assert torch.equal(two.images, data.celeba(root, **QUICK).images[[1, 4]])


@pytest.mark.parametrize("text", ["", "1.jpg,0\n000001.jpg,0\n2.jpg,0\n3.jpg,0\n4.jpg,0\n"])
def test_a_list_of_other_pictures_is_refused_by_name(text, tmp_path):
    root, path = as_folder(tmp_path / "root", faces(6)), tmp_path / "files.csv"
    path.write_text(text)
    some = "lists 5 pictures, 4 of which are not here: 1.jpg, 2.jpg, 3.jpg, ..."
    with pytest.raises(ValueError, match=some if text else "lists 0 pictures"):
        data.celeba(root, files=path, **QUICK)
    assert path.read_text() == text


# ---- what is reported ----

def test_unreadable_pictures_are_reported_by_name(tmp_path, capsys):
    bad = {f"x{i}.jpg": b"text" for i in range(7)}
    assert len(data.folder(as_folder(tmp_path / "set", faces(3) | bad), **QUICK)) == 3
    out = capsys.readouterr().out
    assert "skipped 7 pictures that cannot be read" in out and "跳过了 7 张" in out
    assert "x0.jpg: 不是图片 / not a picture" in out and "x5.jpg" not in out


@pytest.mark.parametrize("load, words", [
    (data.celeba, ["非商业研究", "non-commercial research", "ICCV 2015", "nobody asked them"]),
    (data.lsun_bedrooms, ["没有写明", "none is stated", "1506.03365", "labelled"]),
    (data.folder, ["你自己的数据", "your own data", "3"])])
def test_every_set_has_a_card_in_both_languages(load, words, tmp_path, capsys):
    load(as_folder(tmp_path / "set", faces(3)), **QUICK).card()
    out = capsys.readouterr().out
    assert all(word in out for word in words)


# ---- from the map to the device ----

def test_the_pictures_stay_on_the_disk_until_they_are_asked_for(tmp_path):
    found = data.folder(as_folder(tmp_path / "set", faces(8)), **QUICK)
    before = found.images.data_ptr()
    assert found.to("cpu").images.data_ptr() == before
    batch = next(found.to("cpu").batches(4))
    assert batch.shape == (4, 3, 16, 16) and batch.dtype == torch.float32


@pytest.mark.parametrize("free, where", [(2.01, "meta"), (1.99, "cpu")])
def test_pictures_move_to_a_device_when_they_take_half_of_it_at_most(free, where, monkeypatch):
    pictures = data.ImageSet(torch.zeros(10, 3, 4, 4, dtype=torch.uint8), torch.arange(10), "toy")
    monkeypatch.setattr(imageset, "free_bytes", lambda _: free * pictures.images.nbytes)
    moved = pictures.to("meta")  # a device that only pretends
    assert moved.images.device.type == where
    assert next(moved.batches(4)).device.type == "meta"
    assert moved[:5].target == moved.target and len(moved[:5]) == 5


# ---- the real ones ----

@pytest.mark.parametrize("load, n, folder", [
    (data.celeba, 435, "celeba/img_align_celeba"), (data.lsun_bedrooms, 216, "lsun_bedroom")])
def test_real_photographs_are_the_same_however_they_are_packed(load, n, folder, tmp_path,
                                                               shared_data):
    found = load(progress=False)
    assert len(found) == n and found.shape == (3, 64, 64)
    at = shared_data / folder
    files = {p.relative_to(at).as_posix(): p.read_bytes() for p in sorted(at.rglob("*.jpg"))}
    nested = {f"{name[-6]}/{name[-5]}/{Path(name).name}": raw for name, raw in files.items()}
    for kind in PACKERS:
        packed = load(PACKERS[kind](tmp_path / kind, nested), progress=False)
        assert torch.equal(packed.images, found.images), kind


@pytest.mark.parametrize("load, n", [(data.celeba, 435), (data.lsun_bedrooms, 216)])
@pytest.mark.parametrize("recipe", [recipes.wgan, recipes.wgan_gp])
def test_lesson04_on_real_photographs_first_a_tenth_then_all(load, n, recipe, tmp_path,
                                                             shared_data):
    """The way of the lesson: a list of a tenth, a few steps, then all pictures, a few more."""
    files = tmp_path / "files.csv"
    tenth = load(subset=0.1, size=16, files=files, progress=False)
    names = [line.removesuffix(",0") for line in files.read_text().splitlines()]
    assert len(tenth) == len(names) == len(set(names)) == round(0.1 * n)
    whole = load(subset=1.0, size=16, progress=False)
    assert len(whole) == n
    known = {picture.numpy().tobytes() for picture in whole.images}
    assert all(picture.numpy().tobytes() in known for picture in tenth.images)
    game = recipe(16, features=8, lr=5e-4, n_critic=2, batch=16)
    fit(game, tenth, 3, progress=False)
    fit(game, whole, 5, progress=False)
    assert len(game.history) == 5 and bool(game.history.isfinite().all())
    assert game.sample(4).shape == (4, 3, 16, 16)
