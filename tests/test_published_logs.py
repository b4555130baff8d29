"""The published training logs that lessons quote: read from the sources, never retyped."""

import json
import os
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = Path(os.environ.get("GAN_LESSONS_SOURCES", ROOT.parent / "shared" / "seeds"))
LOGS = json.loads((ROOT / "notebooks" / "published_logs.json").read_text(encoding="utf-8"))
LESSON_04 = (ROOT / "notebooks" / "src" / "04_wgan.py").read_text(encoding="utf-8")

ROW = re.compile(r"<tr>\s*" + r"<th>\s*(-?[\d.]+)\s*</th>\s*" * 4 + r"</tr>")
LINE = re.compile(r"d_loss: \[(.+?)\]; g_loss: \[(.+?)\]; real_loss: \[(.+?)\]; "
                  r"fake_loss: \[(.+?)\]")


def source(code: str) -> str:
    """Return the text of a source document, which is not part of the repository."""
    found = sorted(SOURCES.glob(f"{code}_*.txt"))
    if not found:
        pytest.skip("the source documents are not on this machine")
    return found[0].read_text(encoding="utf-8")


def numbers(log: str, *names: str) -> list[tuple[float, ...]]:
    """Return the stored columns of a log as rows."""
    return list(zip(*(LOGS[log][name] for name in names), strict=True))


def test_the_table_of_000_is_the_sources():
    rows = [tuple(map(float, row)) for row in ROW.findall(source("000"))]
    assert len(rows) == 30
    assert rows == numbers("000", "epoch", "train_loss", "gen_loss", "disc_loss")


def test_both_logs_of_003_are_the_sources():
    lines = [tuple(map(float, line)) for line in LINE.findall(source("003"))]
    names = ("d_loss", "g_loss", "real_loss", "fake_loss")
    assert lines == [*numbers("003, 10 %", *names), *numbers("003, all", *names)]
    assert len(lines) == 10


@pytest.mark.parametrize("log", ["003, 10 %", "003, all"])
def test_the_losses_of_003_add_up(log):
    for d_loss, real, fake in numbers(log, "d_loss", "real_loss", "fake_loss"):
        assert d_loss == pytest.approx(real - fake, abs=2e-5)


def test_lessons_quote_the_logs_as_they_are():
    (real_4, real_5), (fake_4, fake_5) = (LOGS["003, all"][name][3:] for name in
                                          ("real_loss", "fake_loss"))
    gap_000 = [-loss for loss in LOGS["000"]["disc_loss"]]
    quoted = [f"{fake_4:.3f}", f"{fake_5:.3f}", f"{fake_4 - fake_5:.3f}",
              f"{real_4 - real_5:.3f}", f"{fake_4 - real_4:.3f}", f"{fake_5 - real_5:.3f}",
              f"{gap_000[0]:.3f}", f"{gap_000[-1]:.3f}"]
    for number in quoted:
        assert len(re.findall(rf"(?<![\d.]){re.escape(number)}(?!\d)", LESSON_04)) >= 2, number
