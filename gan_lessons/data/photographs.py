"""CelebA, LSUN bedrooms and any folder or archive of pictures, as an `ImageSet`.

All that the course knows of these sets is here: where they lie, where they come from, their data
cards, and how to get them.
"""

import hashlib
import zipfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import torch

from gan_lessons import runtime
from gan_lessons.data import sources
from gan_lessons.data.cache import cached
from gan_lessons.data.imageset import ImageSet
from gan_lessons.data.sources import Source, open_source
from gan_lessons.util import both

SPLITS = {"train": "0", "valid": "1", "test": "2"}  # as CelebA's partition file has them
CELEBA_CARD = (
    "CelebA：202,599 张名人面部照片，10,177 人，对齐版为 178x218；每张有 40 个是非属性。\n"
    "  来源：Z. Liu, P. Luo, X. Wang, X. Tang, Deep Learning Face Attributes in the Wild, "
    "ICCV 2015；照片收集自互联网。\n"
    "  许可：只准用于非商业研究；不得复制、发布、分发其中任何部分，所以本课的文件里没有一张。"
    "图片的版权不属于发布者。\n"
    "  同意：照片里都是真人，没有人被问过是否愿意。不要公开、不要用来辨认谁，"
    "生成的脸也不要冒充真人。\n"
    "  偏差：以欧美名人为主，浅肤色、年轻人偏多；“有魅力”“大鼻子”之类的标签是标注者的主观判断，"
    "且与性别、年龄相关。模型会照学。",
    "CelebA: 202,599 photographs of the faces of 10,177 celebrities, 178x218 in the aligned "
    "version, each with 40 yes-or-no attributes.\n"
    "  Source: Z. Liu, P. Luo, X. Wang, X. Tang, Deep Learning Face Attributes in the Wild, "
    "ICCV 2015; photographs collected from the internet.\n"
    "  Licence: non-commercial research only; no part may be copied, published or distributed, "
    "which is why none is in the course's files. The publishers do not own the pictures.\n"
    "  Consent: these are real people, and nobody asked them. Do not publish them, do not use "
    "them to identify anyone, and do not pass a generated face off as a person.\n"
    "  Bias: mostly Western celebrities; light skin and young people are over-represented; labels "
    "such as \"attractive\" or \"big nose\" are the annotators' opinions and go along with gender "
    "and age. A model learns all of that.")

LSUN_CARD = (
    "LSUN 卧室：3,033,042 张卧室照片，短边 256 像素，JPEG 质量 75；常用的小样本有 303,125 张。\n"
    "  来源：F. Yu, Y. Zhang, S. Song, A. Seff, J. Xiao, LSUN: Construction of a Large-scale "
    "Image Dataset using Deep Learning with Humans in the Loop, arXiv 1506.03365, 2015。\n"
    "  标注：照片由图片搜索得来，人工标一部分，网络学会后标其余的，如此循环；所以会有标错的。\n"
    "  许可：没有写明；照片的版权属于各自的拍摄者。请只用于学习和研究，不要转发。\n"
    "  同意与偏差：拍的是别人的家和酒店房间，有时有人入镜，没有征得同意；多是网上的商业照片，"
    "不代表人们平常的卧室。",
    "LSUN bedrooms: 3,033,042 photographs of bedrooms, the short side 256 pixels, JPEG quality "
    "75; the usual small sample has 303,125.\n"
    "  Source: F. Yu, Y. Zhang, S. Song, A. Seff, J. Xiao, LSUN: Construction of a Large-scale "
    "Image Dataset using Deep Learning with Humans in the Loop, arXiv 1506.03365, 2015.\n"
    "  Labels: found by image search; people labelled a part, a network learnt from them and "
    "labelled the rest, in turns. Some labels are wrong.\n"
    "  Licence: none is stated; the photographs belong to whoever took them. Use them to learn "
    "and for research, and do not pass them on.\n"
    "  Consent and bias: other people's homes and hotel rooms, now and then with people in them, "
    "and nobody asked them; many are commercial pictures from the web and not how people "
    "commonly live.")

OWN_CARD = (  # to be filled in with `format`
    "{name}：{n} 张图片，来自 {path}。\n"
    "  这是你自己的数据，来源、许可和同意要由你写明：谁拍的？允许怎样用？拍到的人同意了吗？\n"
    "  公开模型或生成的图片之前，先回答这三个问题；小数据集的模型可能记住原图。",
    "{name}: {n} pictures from {path}.\n"
    "  These are your own data, so origin, licence and consent are yours to state: who took them? "
    "what use is allowed? did the people in them agree?\n"
    "  Answer the three before you publish a model or what it makes; a model of a small set may "
    "remember the originals.")

LSUN_TRAIN_URL = "http://dl.yf.io/lsun/scenes/bedroom_train_lmdb.zip"
LSUN_VAL_URL = "http://dl.yf.io/lsun/scenes/bedroom_val_lmdb.zip"  # 300 pictures
LSUN_SAMPLE_URL = "https://s3.amazonaws.com/fast-ai-imageclas/bedroom.tgz"  # fast.ai's sample


def _celeba_help(place: Path) -> str:
    target = place / "celeba" / "img_align_celeba.zip"
    return both(
        f"在 {place} 没有找到 CelebA。请任选一种方法（只准用于非商业研究）：\n"
        "  1. 官网 http://mmlab.ie.cuhk.edu.hk/projects/CelebA.html，下载 img_align_celeba.zip"
        f"（约 1.4 GB），放到 {target}，不用解压；\n"
        "  2. Kaggle（要账号）：kaggle datasets download -d jessicali9530/celeba-dataset，把得到的 "
        f"celeba-dataset.zip 放到 {target.with_name('celeba-dataset.zip')}，不用解压。\n"
        "  图片已在别处：data.celeba(\"那个文件夹\")，或把环境变量 GAN_LESSONS_DATA 设为"
        "它的上一级。\n  data.toy_faces() 不需要任何数据。",
        f"CelebA was not found in {place}. Get it in one of these ways (non-commercial research "
        "only):\n"
        "  1. the official site http://mmlab.ie.cuhk.edu.hk/projects/CelebA.html: download "
        f"img_align_celeba.zip (about 1.4 GB) to {target}; no need to unpack it;\n"
        "  2. Kaggle (with an account): kaggle datasets download -d jessicali9530/celeba-dataset, "
        f"and put celeba-dataset.zip at {target.with_name('celeba-dataset.zip')}; no need to "
        "unpack it.\n"
        "  If it lies elsewhere: data.celeba(\"that folder\"), or set GAN_LESSONS_DATA to the "
        "folder above it.\n  data.toy_faces() needs no data at all.")


def _lsun_help(place: Path) -> str:
    database = place / "bedroom_train_lmdb" / "data.mdb"
    return both(
        f"在 {place} 没有找到 LSUN 卧室图片。请任选一种方法（只用于学习和研究）：\n"
        f"  1. fast.ai 的样本（303,125 张，4.6 GB）：{LSUN_SAMPLE_URL}，"
        f"在 {place} 里用 tar xf 解压，得到 {place / 'bedroom'}；\n"
        "  2. Kaggle 的样本（要账号）：kaggle datasets download -d jhoward/lsun_bedroom，解压到 "
        f"{place / 'lsun_bedroom'}，其中应有 data0/lsun/bedroom/；\n"
        f"  3. 全部 3,033,042 张（约 43 GB）：{LSUN_TRAIN_URL}，解压后应有 {database}。\n"
        "  前后两种的下载命令：python -m gan_lessons data get lsun-bedroom-sample（或 "
        "lsun-bedroom）。\n"
        "  图片已在别处：data.lsun_bedrooms(\"那个文件夹\")。data.toy_rooms() 不需要任何数据。",
        f"The LSUN bedrooms were not found in {place}. Get them in one of these ways (to learn "
        "and for research only):\n"
        f"  1. fast.ai's sample (303,125 pictures, 4.6 GB): {LSUN_SAMPLE_URL}, unpacked in "
        f"{place} with tar xf, which makes {place / 'bedroom'};\n"
        "  2. Kaggle's sample (with an account): kaggle datasets download -d jhoward/lsun_bedroom, "
        f"unpacked in {place / 'lsun_bedroom'}, which should then have data0/lsun/bedroom/;\n"
        f"  3. all 3,033,042 (about 43 GB): {LSUN_TRAIN_URL}, unpacked so that {database} is "
        "there.\n"
        "  Download commands of the first and the last: python -m gan_lessons data get "
        "lsun-bedroom-sample (or lsun-bedroom).\n"
        "  If they lie elsewhere: data.lsun_bedrooms(\"that folder\"). data.toy_rooms() needs no "
        "data at all.")


class KnownSet(NamedTuple):
    """A set of photographs that the course knows by name."""

    name: str
    layouts: tuple[str, ...]  # where it lies below a folder: official, torchvision's, Kaggle's ...
    card: tuple[str, str]  # the data card, Chinese and English
    how_to_get: Callable[[Path], str]  # a function of the folder where it should be


CELEBA = KnownSet(
    "celeba",
    ("celeba/img_align_celeba", "img_align_celeba", "celeba/img_align_celeba.zip",
     "img_align_celeba.zip", "celeba/celeba-dataset.zip", "celeba-dataset.zip", "celeba-dataset",
     "celeba"),
    CELEBA_CARD, _celeba_help)
LSUN_DATABASES = ("lsun/bedroom_train_lmdb", "bedroom_train_lmdb",
                  "lsun_bedroom/bedroom_train_lmdb")
LSUN_SAMPLES = ("data0/lsun/bedroom", "lsun_bedroom/data0/lsun/bedroom", "lsun_bedroom",
                "lsun_bedrooms", "lsun/bedroom", "bedroom", "lsun_bedroom.zip",
                "lsun_bedroom/lsun_bedroom.zip", "lsun_bedrooms.tgz", "bedroom.tgz")
LSUN = KnownSet("lsun_bedrooms", LSUN_DATABASES + LSUN_SAMPLES, LSUN_CARD, _lsun_help)


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
    return _image_set(source, source.path.stem or "folder", OWN_CARD, subset, size, files,
                      progress, classes=True)


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
    return source, OWN_CARD
