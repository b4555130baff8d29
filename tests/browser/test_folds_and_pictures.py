"""What a lesson shows before anything runs: no answers, and pictures that say what they show."""

from pathlib import Path

import nbformat
import pytest
from code_cells import KERNEL
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

pytestmark = pytest.mark.browser

LESSON_01 = Path(__file__).parents[2] / "notebooks" / "01_intuition.ipynb"
FOLDED = {"collapsed": True, "jupyter": {"outputs_hidden": True}}


def texts(lab, index: int) -> str:
    """Return what can be read in a cell and below it."""
    lab.scroll_to(index)
    return lab.page.evaluate(
        """index => {
            const cell = jupyterapp.shell.currentWidget.content.widgets[index].node;
            return cell.querySelector('.jp-Cell-outputWrapper, .jp-MarkdownOutput').innerText;
        }""", index)


def is_folded(lab, index: int) -> bool:
    """Tell whether JupyterLab shows its three dots in place of the outputs."""
    lab.scroll_to(index)
    return lab.page.evaluate(
        """index => {
            const cell = jupyterapp.shell.currentWidget.content.widgets[index];
            return cell.outputHidden && !!cell.node.querySelector('.jp-OutputPlaceholder');
        }""", index)


def test_a_saved_lesson_hides_answers_and_names_its_pictures(lab, jupyter):
    """Nothing has run and nobody trusts the file: what is seen is what is stored."""
    nb = nbformat.read(LESSON_01, as_version=4)
    nb.cells = nb.cells[4:56]  # the first two predictions
    lab.open_notebook(jupyter.add(nb, "lesson_01.ipynb"))
    cells = lab.cells()
    drawn = [i for i, cell in enumerate(cells) for output in cell.get("outputs", [])
             if output.get("data", {}).get("text/html", "").startswith(" \n<img ")]
    folded = [i for i, cell in enumerate(cells) if cell["metadata"].get("collapsed")]
    assert len(drawn) >= 4 and len(folded) >= 2
    lab.scroll_to(drawn[0])
    first = lab.page.locator(".jp-OutputArea img").first
    assert first.get_attribute("alt").startswith("Two scatter plots")
    assert lab.page.get_by_role("img", name="Two scatter plots").count() == 1

    for index in folded:
        assert is_folded(lab, index)
    for text in lab.page.locator(".jp-OutputPlaceholder").all_inner_texts():
        assert not text.strip(), "JupyterLab shows the first line of a folded output"
    lab.page.locator(".jp-OutputPlaceholder").first.click()  # one click opens it
    assert not is_folded(lab, folded[0])

    answer = next(i for i, cell in enumerate(cells) if "The answer is **D**" in cell["source"])
    lab.scroll_to(answer)
    words = lab.page.locator("p", has_text="Mind what 0.5 means")
    assert not words.is_visible()
    lab.page.locator("summary", has_text="Answer").first.click()
    assert words.is_visible()
    assert sum(width > 50 for width in lab.pictures("")) >= len(drawn) - len(folded)


def test_an_output_comes_up_when_its_cell_runs(lab, jupyter):
    stored = [new_output("stream", name="stdout", text="stored")]
    cells = [new_code_cell("print('new')", metadata=FOLDED, outputs=stored),
             new_code_cell("print('other')", metadata=FOLDED, outputs=stored),
             new_markdown_cell("<details><summary>Answer</summary>\n\n$x^2$ **A**\n\n</details>")]
    notebook = new_notebook(cells=cells, metadata={"kernelspec": KERNEL})
    lab.open_notebook(jupyter.add(notebook, "folds.ipynb"))
    assert is_folded(lab, 0) and is_folded(lab, 1)
    lab.run_cell(0)
    assert not is_folded(lab, 0) and "new" in texts(lab, 0)
    assert is_folded(lab, 1)
    lab.scroll_to(2)
    lab.page.locator("summary").click()
    assert lab.page.locator("details mjx-container").is_visible()  # maths in a fold is drawn
