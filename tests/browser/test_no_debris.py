"""Opening a lesson changes no file, progress bars vanish, widgets leave each other's looks."""

import json
import platform
import re
from pathlib import Path

import nbformat
import pytest
from code_cells import notebook

pytestmark = pytest.mark.browser

LESSON_00 = Path(__file__).parents[2] / "notebooks" / "00_start_here.ipynb"
BAR = """import time
from gan_lessons.progress import bar
print("before")
with bar(total=4, unit="step") as shown:
    for _ in range(4):
        time.sleep(1)
        shown.update()
print("after")"""
WIDGETS = """from gan_lessons import lab, losses
class Broken:
    def critic(self, real, fake):
        return fake - real  # a batch, not a number
    def generator(self, fake):
        return -fake.mean()
game = lab.GanLab(loss=Broken())
game"""


def save(lab) -> None:
    lab.page.evaluate("() => jupyterapp.shell.currentWidget.context.save()")


def test_opening_and_saving_a_lesson_leaves_its_file_as_it_is(lab, jupyter):
    """But for the version of Python, where the learner's is another one than ours."""
    nb = nbformat.read(LESSON_00, as_version=4)
    nb.metadata.language_info.version = platform.python_version()
    file = jupyter.root / jupyter.add(nb, "opened.ipynb")
    file.write_text(nbformat.writes(nb) + "\n", encoding="utf-8")
    before = file.read_text(encoding="utf-8")
    lab.open_notebook("opened.ipynb")
    lab.page.wait_for_timeout(500)
    assert not lab.page.evaluate("() => jupyterapp.shell.currentWidget.context.model.dirty")
    save(lab)
    assert file.read_text(encoding="utf-8") == before


def test_a_progress_bar_is_seen_and_then_gone(lab, jupyter):
    lab.open_notebook(jupyter.add(notebook(BAR), "bar.ipynb"))
    lab.start_cell(0)
    output = lab.page.locator(".jp-OutputArea").first
    output.get_by_text(re.compile(r"\d/4 \[")).wait_for(timeout=60_000)
    lab.wait_idle()
    assert output.inner_text().split() == ["before", "after"]
    assert output.locator('[data-mime-type="application/vnd.jupyter.stderr"]').count() == 0
    save(lab)
    cell, = json.loads((jupyter.root / "bar.ipynb").read_text(encoding="utf-8"))["cells"]
    left = [output for output in cell["outputs"] if output.get("data") != {}]
    assert [output["name"] for output in left] == ["stdout"] * len(left) and len(left) in (1, 2)


def test_a_quiz_on_the_page_leaves_the_lab_its_colours(lab, jupyter):
    cells = WIDGETS, "lab.TrainingView()", "lab.quiz('01')", "lab.language_switch()"
    lab.open_notebook(jupyter.add(notebook(*cells), "widgets.ipynb"))
    lab.run_all()
    assert lab.errors() == []
    game = lab.page.locator(".gan-lessons-lab")
    lab.page.locator(".gan-lessons-quiz").wait_for()
    lab.page.locator(".gan-lessons-training").wait_for()
    assert lab.page.locator("style#gan-lessons-shared").count() == 1

    borders = {name: game.locator(f".legend i.{name}").first.evaluate(
        "i => getComputedStyle(i).borderTopStyle + ' ' + getComputedStyle(i).borderTopColor")
        for name in ("arrow", "line-covered", "line-effective")}
    style, colour = borders["line-covered"].split(" ", 1)
    assert style == "solid" and borders["line-effective"] == f"dotted {colour}"
    assert borders["arrow"] != borders["line-covered"]
    assert game.locator("select").first.evaluate("s => getComputedStyle(s).paddingLeft") == "4px"

    game.locator("button[data-name=play]").click()
    problem = game.get_by_role("alert")
    problem.wait_for()
    lab.page.get_by_role("button", name="English", exact=True).click()
    assert "is .mean() missing?" in problem.inner_text()
    assert "是不是忘了" not in problem.inner_text()
