"""CelebA, LSUN bedrooms and any folder or archive of pictures, as an `ImageSet`."""

from collections.abc import Callable
from pathlib import Path

import torch

from gan_lessons import runtime
from gan_lessons.data import cards
from gan_lessons.data.cache import Unreadable, cached, listed
from gan_lessons.data.choosing import from_list, of_split, share
from gan_lessons.data.imageset import ImageSet
from gan_lessons.data.sources import BadSource, Source, open_source
from gan_lessons.util import both

# Where the sets lie below a folder: official and torchvision's layout, Kaggle's, fast.ai's.
CELEBA = ("celeba/img_align_celeba", "img_align_celeba", "celeba/img_align_celeba.zip",
          "img_align_celeba.zip", "celeba/celeba-dataset.zip", "celeba-dataset.zip",
          "celeba-dataset", "celeba")
LSUN = ("lsun/bedroom_train_lmdb", "bedroom_train_lmdb", "lsun_bedroom/bedroom_train_lmdb",
        "data0/lsun/bedroom", "lsun_bedroom/data0/lsun/bedroom", "lsun_bedroom",
        "lsun_bedrooms", "lsun/bedroom", "bedroom", "lsun_bedrooms.tgz", "bedroom.tgz",
        "lsun_bedroom.zip", "lsun_bedroom/lsun_bedroom.zip")


def celeba(root: str | Path | None = None, subset: float = 1.0, size: int = 64, *,
           split: str = "all", files: str | Path | None = None, **options) -> ImageSet:
    """Return the aligned faces of CelebA as uint8 (N, 3, size, size), memory-mapped.

    root: a folder that holds CelebA in any layout (official, torchvision's, Kaggle's, or just
    the pictures), or the zip archive itself; None looks below GAN_LESSONS_DATA and then below
    the course's cache. The archive need not be unpacked.

    subset: the share of the pictures to take, such as 0.1; which ones, their names decide (see
    `choosing.share`), so it is the same tenth in every layout and on every machine.
    split: "train", "valid", "test" by the list_eval_partition file, or "all".
    files: the path of a files.csv (`name,0` on each line): if it exists, the pictures it names
    are taken; if not, it is written with those that `subset` and `split` chose.
    options: `crop`, `seed`, `max_bytes`, `workers` and `progress` of `cache.cached`.

    Raises FileNotFoundError, which says how to get the set, when it is not there.
    """
    source = found(root, CELEBA, celeba_help)
    if split != "all":
        source = of_split(source, split)
    return _image_set(source, "celeba", cards.CELEBA, subset, size, files, options)


def lsun_bedrooms(root: str | Path | None = None, subset: float = 1.0, size: int = 64, *,
                  files: str | Path | None = None, **options) -> ImageSet:
    """Return LSUN's bedrooms as uint8 (N, 3, size, size), memory-mapped.

    root: a folder with the official database (`bedroom_train_lmdb`), Kaggle's sample
    (`data0/lsun/bedroom/…`), fast.ai's archive or exported pictures, or one of these itself;
    None looks below GAN_LESSONS_DATA and then below the course's cache. The rest as `celeba`.
    """
    source = found(root, LSUN, lsun_help)
    return _image_set(source, "lsun_bedrooms", cards.LSUN, subset, size, files, options)


def folder(path: str | Path, size: int = 64, subset: float = 1.0, *,
           files: str | Path | None = None, **options) -> ImageSet:
    """Return the pictures at `path` as uint8 (N, 3, size, size), memory-mapped.

    path: a folder with folders in it to any depth, a zip or tar archive, or an LSUN database.
    The rest as `celeba`.
    """
    source = open_source(path)
    return _image_set(source, source.path.stem or "folder", cards.OWN, subset, size, files, options)


def _image_set(source: Source, name: str, card: str, subset: float, size: int, files,
               options: dict) -> ImageSet:
    source = share(source, subset) if files is None else from_list(source, files, subset)
    images, _, unreadable = cached(source, size, **options)
    report(source, unreadable)
    about = card.format(name=name, n=len(images), path=source.path) if card is cards.OWN else card
    return ImageSet(torch.from_numpy(images), None, name, about)


def report(source: Source, unreadable: list[Unreadable]) -> None:
    """Print what was left out, the first few by name."""
    ignored = [Unreadable(*entry) for entry in source.ignored]
    if ignored:
        print(both(f"{source.path}：有 {len(ignored)} 项没有读取：\n{listed(ignored, 'zh')}",
                   f"{source.path}: {len(ignored)} entries were ignored:\n"
                   f"{listed(ignored, 'en')}"))
    if unreadable:
        print(both(f"{source.path}：跳过了 {len(unreadable)} 张读不了的图片：\n"
                   f"{listed(unreadable, 'zh')}",
                   f"{source.path}: skipped {len(unreadable)} pictures that cannot be read:\n"
                   f"{listed(unreadable, 'en')}"))


def found(root: str | Path | None, layouts: tuple[str, ...], how: Callable[[Path], str]) -> Source:
    """Return the first source with pictures among `layouts` below `root`, or `root` itself.

    Without a root: below GAN_LESSONS_DATA, then below the course's cache. Raises
    FileNotFoundError with what `how` says when there is none.
    """
    if (source := below(root, layouts)) is not None:
        return source
    place = (runtime.data_root() or runtime.cache_dir()) if root is None else Path(root)
    place = place.expanduser()
    if root is not None and place.exists() and has_pictures(source := open_source(place)):
        return source
    raise FileNotFoundError(how(place))


def below(root: str | Path | None, layouts: tuple[str, ...]) -> Source | None:
    """Return the first source with pictures among `layouts` below `root`; None when there is none.

    Without a root: below GAN_LESSONS_DATA, then below the course's cache. An archive or a
    database is not read through. Raises BadSource for a file that cannot be one.
    """
    roots = [runtime.data_root(), runtime.cache_dir()] if root is None else [root]
    roots = [Path(place).expanduser() for place in roots if place]
    for place in (place / layout for place in roots for layout in layouts):
        if place.exists() and has_pictures(source := open_source(place)):
            return source
    return None


def has_pictures(source: Source) -> bool:
    """Tell whether a folder holds pictures; an archive is taken at its word."""
    try:
        return source.kind != "folder" or bool(source.names)
    except BadSource:
        return False


def celeba_help(place: Path) -> str:
    """Return how to get CelebA and where below `place` to put it."""
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


def lsun_help(place: Path) -> str:
    """Return how to get the LSUN bedrooms and where below `place` to put them."""
    return both(
        f"在 {place} 没有找到 LSUN 卧室图片。请任选一种方法（只用于学习和研究）：\n"
        "  1. fast.ai 的样本（303,125 张，4.6 GB）："
        "https://s3.amazonaws.com/fast-ai-imageclas/bedroom.tgz，"
        f"放到 {place / 'bedroom.tgz'}，不用解压；\n"
        "  2. Kaggle 的样本（要账号）：kaggle datasets download -d jhoward/lsun_bedroom，解压到 "
        f"{place / 'lsun_bedroom'}，其中应有 data0/lsun/bedroom/；\n"
        "  3. 全部 3,033,042 张（约 43 GB）：http://dl.yf.io/lsun/scenes/bedroom_train_lmdb.zip，"
        f"解压后应有 {place / 'bedroom_train_lmdb' / 'data.mdb'}。\n"
        "  图片已在别处：data.lsun_bedrooms(\"那个文件夹\")。data.toy_rooms() 不需要任何数据。",
        f"The LSUN bedrooms were not found in {place}. Get them in one of these ways (to learn "
        "and for research only):\n"
        "  1. fast.ai's sample (303,125 pictures, 4.6 GB): "
        "https://s3.amazonaws.com/fast-ai-imageclas/bedroom.tgz to "
        f"{place / 'bedroom.tgz'}; no need to unpack it;\n"
        "  2. Kaggle's sample (with an account): kaggle datasets download -d jhoward/lsun_bedroom, "
        f"unpacked in {place / 'lsun_bedroom'}, which should then have data0/lsun/bedroom/;\n"
        "  3. all 3,033,042 (about 43 GB): http://dl.yf.io/lsun/scenes/bedroom_train_lmdb.zip, "
        f"unpacked so that {place / 'bedroom_train_lmdb' / 'data.mdb'} is there.\n"
        "  If they lie elsewhere: data.lsun_bedrooms(\"that folder\"). data.toy_rooms() needs no "
        "data at all.")
