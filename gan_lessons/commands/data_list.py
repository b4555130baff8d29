"""python -m gan_lessons data list: every set, whether it is here, and how to get it."""

from typing import NamedTuple

from gan_lessons.commands.arguments import in_words
from gan_lessons.commands.known import LSUN_OFFICIAL, LSUN_SAMPLE
from gan_lessons.data.folders import CELEBA, below
from gan_lessons.data.lsun_zip import OFFICIAL, SAMPLE
from gan_lessons.data.mnist_files import where
from gan_lessons.util import both, megabytes


class Entry(NamedTuple):
    """A line of the list; `how` is the command that fetches the set, or None: always here."""

    name: str
    zh: str
    en: str
    call: str
    how: str | None
    size: float = 0
    place: str | None = None


def entries() -> list[Entry]:
    """Return the sets of the course, those that need nothing first."""
    return [
        Entry("points", "平面上的点：环、网格、螺旋、两弯月牙……要多少有多少",
              "points in the plane: ring, grid, spiral, two moons, ...; as many as you like",
              "data.ring()", None),
        Entry("digits", "1,797 张真实的手写数字（scikit-learn 自带）",
              "1,797 real handwritten digits (bundled with scikit-learn)", "data.digits()", None),
        Entry("toy faces", "用代码画的脸，要多少有多少，每个因素都已知",
              "faces drawn by code, as many as you like, every factor known",
              "data.toy_faces()", None),
        Entry("toy rooms", "用代码画的房间，要多少有多少，每个因素都已知",
              "rooms drawn by code, as many as you like, every factor known",
              "data.toy_rooms()", None),
        Entry("mnist", "70,000 张手写数字", "70,000 handwritten digits", "data.mnist()",
              "get mnist", 11.6e6, _mnist()),
        Entry("celeba", "202,599 张名人面部照片，只准用于非商业研究",
              "202,599 faces of celebrities; non-commercial research only", "data.celeba()",
              "get celeba", 1.4e9, _place(CELEBA)),
        Entry("lsun-bedroom", "3,033,042 张卧室照片；--split val 只有 300 张，"
              f"{megabytes(OFFICIAL['val'].size)}",
              "3,033,042 photographs of bedrooms; --split val has 300, "
              f"{megabytes(OFFICIAL['val'].size)}", "data.lsun_bedrooms()",
              "get lsun-bedroom", OFFICIAL["train"].size, _place(LSUN_OFFICIAL)),
        Entry("lsun-bedroom-sample", "303,125 张卧室照片，取自上面一套",
              "303,125 photographs of bedrooms out of the set above", "data.lsun_bedrooms()",
              "get lsun-bedroom-sample", SAMPLE.size, _place(LSUN_SAMPLE))]


def print_list() -> None:
    """Print the sets, both languages."""
    for entry in entries():
        print(f"{entry.name}   {entry.call}")
        print(f"    {entry.zh}\n    {entry.en}")
        if entry.how is None:
            print("    一直都在，不用下载 / always here, nothing to download")
        elif entry.place:
            print(f"    已有 / here: {entry.place}")
        else:
            print(f"    还没有 / not here ({megabytes(entry.size)}): "
                  f"python -m gan_lessons data {entry.how}")
    print(both("自己的图片：data.folder(\"文件夹或压缩包\")。每套数据的来源和条款：.card()。",
               "Your own pictures: data.folder(\"folder or archive\"). Origin and terms of each "
               "set: .card()."))


def _mnist() -> str | None:
    root = where()
    return str(root / "MNIST" / "raw") if root else None


def _place(layouts: tuple[str, ...]) -> str | None:
    try:
        source = below(None, layouts)
    except (OSError, ValueError) as problem:  # no archive: say so, and list the rest
        return in_words(problem).replace("\n", "\n    ")
    return None if source is None else str(source.path)
