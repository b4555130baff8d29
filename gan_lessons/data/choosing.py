"""Which pictures of a source to take: a share, a split, or those on a list."""

import csv
import hashlib
import io
from collections import Counter
from pathlib import Path

from gan_lessons.data.source_base import Source, printable, stem
from gan_lessons.util import both, write_atomically

SPLITS = {"train": "0", "valid": "1", "test": "2"}
PARTITION = ("list_eval_partition.csv", "list_eval_partition.txt")


def share(source: Source, subset: float) -> Source:
    """Return the source cut down to a share of its pictures, 0 < subset <= 1.

    Each picture's own name is hashed, and the pictures with the smallest codes are taken. That
    looks random, yet the same pictures give the same tenth in every layout and on every
    machine, and a tenth lies within a fifth.

    Raises ValueError when `subset` is out of range.
    """
    if not 0 < subset <= 1:
        raise ValueError(both(f"subset 必须大于 0，不超过 1（0.1 就是 10 %），收到 {subset}。",
                              f"subset must be above 0 and at most 1 (0.1 is 10 %), got {subset}."))

    def choose(names):
        count = max(1, round(subset * len(names)))
        chosen = set(sorted(names, key=lambda name: (_code(stem(name)), name))[:count])
        return [name for name in names if name in chosen]
    return source if subset == 1 else source.only(choose, f"subset={subset:g}")


def _code(name: str) -> bytes:
    return hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest()


def of_split(source: Source, split: str) -> Source:
    """Return the pictures of CelebA that list_eval_partition puts into `split`.

    Raises ValueError for an unknown split, FileNotFoundError when there is no such file.
    """
    if split not in SPLITS:
        raise ValueError(both(
            f"split 只能是 all, {', '.join(SPLITS)} 之一，收到 {split!r}。",
            f"split must be one of all, {', '.join(SPLITS)}; got {split!r}."))
    content = next(filter(None, (source.other(name) for name in PARTITION)), None)
    if content is None:
        raise FileNotFoundError(both(
            f"要分出 {split}，需要 {PARTITION[0]}（Kaggle）或 {PARTITION[1]}（官网），"
            f"请放到 {source.path} 旁边；不分则用 split=\"all\"。",
            f"For the split {split}, {PARTITION[0]} (Kaggle's) or {PARTITION[1]} (the official "
            f"one) is needed beside {source.path}; split=\"all\" needs none."))
    lines = (line.replace(",", " ").split() for line in content.decode("utf-8").splitlines())
    wanted = {stem(line[0]) for line in lines if line[1:] == [SPLITS[split]]}
    return source.only(lambda names: [name for name in names if stem(name) in wanted],
                       f"split={split}", hashlib.sha256(content).hexdigest())


def from_list(source: Source, path: str | Path, subset: float = 1.0) -> Source:
    """Return the pictures that a files.csv names; write the file first when there is none.

    Each line is `name,0`, as in the source's 10 % workflow: a name, from the folder of the
    pictures on, and a label that nobody uses. Where no file is, one is written with the share
    `subset` of the pictures. A name may leave out the folders in front when that is clear.

    Raises ValueError when the list names pictures that are not there.
    """
    path = Path(path).expanduser()
    if not path.exists():
        _write_list(path, share(source, subset).names)
    content = path.read_bytes()
    return source.only(lambda names: _on_list(names, content, path), f"files={path.resolve()}",
                       hashlib.sha256(content).hexdigest())


def _write_list(path: Path, names: list[str]) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows((name, 0) for name in names)
    write_atomically(path, text.getvalue().encode("utf-8", "surrogateescape"))


def _on_list(names: list[str], content: bytes, path: Path) -> list[str]:
    text = content.decode("utf-8-sig", "surrogateescape")
    listed = [row[0].strip().replace("\\", "/") for row in csv.reader(io.StringIO(text)) if row]
    here = dict(zip(names, names, strict=True))
    alone = Counter(map(_base, names))  # a name without folders will do where only one has it
    here.update((_base(name), name) for name in names if alone[_base(name)] == 1)
    missing = [name for name in listed if not (here.get(name) or here.get(_base(name)))]
    if listed and missing == listed[:1] and "." not in listed[0]:
        listed, missing = listed[1:], []  # a line of headings
    if missing or not listed:
        raise ValueError(both(
            f"{path} 列出了 {len(listed)} 张图片，其中 {len(missing)} 张这里没有："
            f"{_some(missing)}。请检查数据文件夹；要重新生成列表，请先移走这个文件。",
            f"{path} lists {len(listed)} pictures, {len(missing)} of which are not here: "
            f"{_some(missing)}. Check the data folder; to make the list anew, move this file "
            "away."))
    wanted = {here.get(name) or here[_base(name)] for name in listed}
    return [name for name in names if name in wanted]


def _base(name: str) -> str:
    return name.rpartition("/")[2]


def _some(names: list[str], most: int = 3) -> str:
    return ", ".join(map(printable, names[:most])) + ", ..." * (len(names) > most)
