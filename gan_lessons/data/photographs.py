"""CelebA, LSUN bedrooms and any folder or archive of pictures, as an `ImageSet`.

All that the course knows of these sets is here and in `cards`, which has their data cards and how
to get them.
"""

import hashlib
import zipfile
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import torch

from gan_lessons import runtime
from gan_lessons.data import sources
from gan_lessons.data.cache import cached
from gan_lessons.data.imageset import ImageSet, read_card
from gan_lessons.data.sources import Source, open_source
from gan_lessons.util import both

SPLITS = {"train": "0", "valid": "1", "test": "2"}  # as CelebA's partition file has them
LSUN_TRAIN_URL = "http://dl.yf.io/lsun/scenes/bedroom_train_lmdb.zip"
LSUN_VAL_URL = "http://dl.yf.io/lsun/scenes/bedroom_val_lmdb.zip"  # 300 pictures
LSUN_SAMPLE_URL = "https://s3.amazonaws.com/fast-ai-imageclas/bedroom.tgz"  # fast.ai's sample


class KnownSet(NamedTuple):
    """A set of photographs that the course knows by name."""

    name: str
    layouts: tuple[str, ...]  # where it lies below a folder: official, torchvision's, Kaggle's ...

    @property
    def card(self) -> tuple[str, str]:
        """The data card, Chinese and English."""
        return read_card(self.name)

    def how_to_get(self, place: Path) -> str:
        """Say how to get it to the folder where it should be."""
        return both(*read_card(f"get_{self.name}")).format(
            place=place, sample=LSUN_SAMPLE_URL, everything=LSUN_TRAIN_URL)


CELEBA = KnownSet(
    "celeba",
    ("celeba/img_align_celeba", "img_align_celeba", "celeba/img_align_celeba.zip",
     "img_align_celeba.zip", "celeba/celeba-dataset.zip", "celeba-dataset.zip", "celeba-dataset",
     "celeba"))
LSUN_DATABASES = ("lsun/bedroom_train_lmdb", "bedroom_train_lmdb",
                  "lsun_bedroom/bedroom_train_lmdb")
LSUN_SAMPLES = ("data0/lsun/bedroom", "lsun_bedroom/data0/lsun/bedroom", "lsun_bedroom",
                "lsun_bedrooms", "lsun/bedroom", "bedroom", "lsun_bedroom.zip",
                "lsun_bedroom/lsun_bedroom.zip", "lsun_bedrooms.tgz", "bedroom.tgz")
LSUN = KnownSet("lsun_bedrooms", LSUN_DATABASES + LSUN_SAMPLES)


def celeba(root: str | Path | None = None, subset: float = 1.0, size: int = 64, *,
           split: str = "all", files: str | Path | None = None,
           progress: bool = True) -> ImageSet:
    """Return the aligned faces of CelebA, memory-mapped, without labels.

    Args:
        root: A folder that holds CelebA in any layout (official, torchvision's, Kaggle's, or just
            the pictures), or the zip archive itself, which need not be unpacked; None looks below
            GAN_LESSONS_DATA and then below the course's cache.
        subset: The part of the pictures to take, such as 0.1; their names decide which ones (see
            `sources.subset`), so it is the same tenth in every layout and on every machine.
        size: The side of the pictures in pixels: uint8 (N, 3, size, size).
        split: "train", "valid" or "test" by CelebA's list_eval_partition file, or "all".
        files: The path of a files.csv (`name,0` on each line): if it exists, the pictures it
            names are taken; if not, it is written with those that `split` and `subset` chose.
        progress: Show a progress bar when decoding takes longer than a second.

    Raises:
        FileNotFoundError: It is not there, or its list is not; the message says how to get it.
    """
    source = find(CELEBA, root)
    if split != "all":
        source = of_split(source, split)
    return _image_set(source, CELEBA.name, CELEBA.card, subset, size, files, progress)


def of_split(source: Source, split: str) -> Source:
    """Return the pictures that CelebA's list_eval_partition file puts into `split`."""
    if split not in SPLITS:
        raise ValueError(both(f"split 只能是 all、{'、'.join(SPLITS)} 之一，收到 {split!r}。",
                              f"split must be one of all, {', '.join(SPLITS)}; got {split!r}."))
    content = _partition(source.path)
    if content is None:
        raise FileNotFoundError(both(
            f"要分出 {split}，需要 list_eval_partition.csv（Kaggle）或 .txt（官网），"
            f"请放到 {source.path} 旁边；不分则用 split=\"all\"。",
            f"For the split {split}, list_eval_partition.csv (Kaggle's) or .txt (the official one) "
            f"is needed beside {source.path}; split=\"all\" needs none."))
    lines = [line.replace(",", " ").split() for line in content.decode().splitlines()]
    wanted = {sources.stem(line[0]) for line in lines if line[1:] == [SPLITS[split]]}
    return source.only(lambda names: [name for name in names if sources.stem(name) in wanted],
                       f"split={split}", hashlib.sha256(content).hexdigest())


def _partition(pictures: Path) -> bytes | None:
    """Return CelebA's list from inside the archive, or from a folder above the pictures."""
    if zipfile.is_zipfile(pictures):
        with zipfile.ZipFile(pictures) as archive:
            for name in archive.namelist():
                if PurePosixPath(name).stem == "list_eval_partition":
                    return archive.read(name)
    pictures = pictures.absolute()
    for folder in (pictures, *list(pictures.parents)[:2]):
        for path in (*folder.glob("list_eval_partition.csv"),
                     *folder.glob("list_eval_partition.txt")):
            return path.read_bytes()
    return None


def lsun_bedrooms(root: str | Path | None = None, subset: float = 1.0, size: int = 64, *,
                  files: str | Path | None = None, progress: bool = True) -> ImageSet:
    """Return LSUN's bedrooms, memory-mapped; all else is as in `celeba`.

    `root` is a folder with the official database (`bedroom_train_lmdb`), Kaggle's sample
    (`data0/lsun/bedroom/…`), fast.ai's or exported pictures, or one of these itself.
    """
    return _image_set(find(LSUN, root), LSUN.name, LSUN.card, subset, size, files, progress)


def folder(path: str | Path, size: int = 64, subset: float = 1.0, *,
           files: str | Path | None = None, progress: bool = True) -> ImageSet:
    """Return the pictures at `path`, memory-mapped; all else is as in `celeba`.

    `path` is a folder with folders in it to any depth, a zip archive, or an LSUN database. Where
    the pictures lie in several folders, these are their classes: `labels`, and in `words["class"]`
    the folders' names.
    """
    source = open_source(path)
    return _image_set(source, source.path.stem or "folder", read_card("own_pictures"), subset,
                      size, files, progress, classes=True)


def _image_set(source: Source, name: str, card: tuple[str, str], subset: float, size: int, files,
               progress: bool, classes: bool = False) -> ImageSet:
    if files is None:
        source = sources.subset(source, subset)
    else:
        source = sources.from_list(source, files, subset)
    pictures = cached(source, size, progress=progress)
    zh, en = (text.format(name=name, n=len(pictures.names), path=source.path) for text in card)
    labels, words = None, {}
    if classes:
        folders = [str(PurePosixPath(name).parent) for name in pictures.names]
        each = sorted(set(folders))
        if len(each) > 1:
            number = {folder: i for i, folder in enumerate(each)}
            labels = torch.tensor([number[folder] for folder in folders])
            words = {"class": tuple(each)}
    return ImageSet(torch.from_numpy(pictures.images), labels, name, (zh, en), words=words)


# ---- where they lie ----

def default_root() -> Path:
    """Return the folder that sets are put into unless another is named."""
    return runtime.data_root() or runtime.cache_dir()


def find(known: KnownSet, root: str | Path | None = None) -> Source:
    """Return a known set `below` a root, or what lies at the root itself.

    Raises:
        FileNotFoundError: There is none; the message says how to get it.
    """
    if (source := below(root, known.layouts)) is not None:
        return source
    place = (default_root() if root is None else Path(root)).expanduser()
    if root is not None and place.exists() and (source := open_source(place)).has_pictures():
        return source
    raise FileNotFoundError(known.how_to_get(place))


def below(root: str | Path | None, layouts: tuple[str, ...]) -> Source | None:
    """Return the first source with pictures among `layouts` below `root`; None when there is none.

    Without a root: below GAN_LESSONS_DATA, then below the course's cache. An archive or a
    database is not read through.

    Raises:
        BadSource: A file is in one of the places and cannot be used as it is.
    """
    roots = [runtime.data_root(), runtime.cache_dir()] if root is None else [root]
    for place in filter(None, roots):
        for layout in layouts:
            path = Path(place).expanduser() / layout
            if path.exists() and (source := open_source(path)).has_pictures():
                return source
    return None


def recognise(path: str | Path) -> tuple[Source, tuple[str, str]]:
    """Return the pictures that `celeba`, `lsun_bedrooms` or `folder` finds at `path`, and a card.

    A folder that holds a known set and no other pictures stands for that set, so that
    `data cache FOLDER` decodes what `data.celeba(FOLDER)` will ask for. Anything else is
    `open_source`'s, with the card of the set whose usual name it has, or that of the learner's
    own pictures.
    """
    path = Path(path).expanduser()
    source = open_source(path)
    found = [(inner, known.card) for known in (CELEBA, LSUN)
             if (inner := below(path, known.layouts)) is not None]
    if len(found) == 2:
        one, other = found[0][0].path, found[1][0].path
        raise ValueError(both(
            f"{path} 里不止一套数据，请写明是哪一套：{one} 还是 {other}？",
            f"{path} holds more than one set; name the one you mean: {one} or {other}?"))
    if found and (not source.has_pictures() or len(source) == len(found[0][0])):
        return found[0]
    for known in (CELEBA, LSUN):
        if path.absolute().name in [Path(layout).name for layout in known.layouts]:
            return source, known.card
    return source, read_card("own_pictures")
