"""The committed notebooks: in step with their sources, in both languages, fit to publish."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "notebooks"))
import build  # noqa: E402
import lint  # noqa: E402

NOTEBOOKS = build.notebooks()


def test_there_are_notebooks():
    assert list((ROOT / "notebooks").glob("[0-9]*.ipynb"))


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_has_no_problem(name):
    problems = lint.lint(name, *NOTEBOOKS[name], lint.read_glossary())
    assert not problems, "\n".join(problems)
