"""What the commands know of the sets: which lie on this machine, and which card is whose."""

from pathlib import Path

from gan_lessons import runtime
from gan_lessons.data import cards
from gan_lessons.data.folders import CELEBA, LSUN, below, has_pictures
from gan_lessons.data.sources import Source, open_source
from gan_lessons.util import both

LSUN_OFFICIAL = tuple(layout for layout in LSUN if layout.endswith("lmdb"))
LSUN_SAMPLE = tuple(layout for layout in LSUN if not layout.endswith("lmdb"))


def default_root() -> Path:
    """Return the folder that sets are put into unless another is named."""
    return runtime.data_root() or runtime.cache_dir()


def source_at(path: str | Path) -> tuple[Source, str]:
    """Return the pictures that data.celeba, lsun_bedrooms or folder finds at `path`, and a card.

    A folder that holds a known set and no other pictures stands for that set, so that
    `data cache FOLDER` decodes what `data.celeba(FOLDER)` will ask for. Anything else is
    `open_source`'s, with the card of the set whose usual name it has, or that of the learner's
    own pictures.

    Raises FileNotFoundError, BadSource; ValueError when the folder holds both sets.
    """
    path = Path(path).expanduser()
    if path.is_dir():
        sets = [(source, card) for layouts, card in ((CELEBA, cards.CELEBA), (LSUN, cards.LSUN))
                if (source := below(path, layouts)) is not None]
        if len(sets) > 1:
            raise ValueError(both(
                f"{path} 里不止一套数据，请写明是哪一套：{sets[0][0].path} 还是 "
                f"{sets[1][0].path}？",
                f"{path} holds more than one set; name the one you mean: {sets[0][0].path} or "
                f"{sets[1][0].path}?"))
        if sets and _nothing_else(path, sets[0][0]):
            return sets[0]
    return open_source(path), _card(path.absolute().name)


def _nothing_else(path: Path, source: Source) -> bool:
    """Tell whether the pictures lying about in a folder are those of `source`, or none."""
    loose = open_source(path)
    return not has_pictures(loose) or (source.kind == "folder" and len(loose) == len(source))


def _card(name: str) -> str:
    for layouts, card in ((CELEBA, cards.CELEBA), (LSUN, cards.LSUN)):
        if name in {layout.rpartition("/")[2] for layout in layouts}:
            return card
    return cards.OWN
