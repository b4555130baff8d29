"""A saved notebook opened with another kernel shows what it showed, and says what to do."""

import pytest
from code_cells import notebook

pytestmark = pytest.mark.browser

WIDGETS = ("from gan_lessons import data, lab, recipes\nfrom gan_lessons.train import fit\n"
           "lab.language_switch()",
           "lab.GanLab()",
           "view = lab.TrainingView()\n"
           "fit(recipes.plane(), data.ring(), 20, watch=view, watch_every=5);",
           "lab.quiz('01')")
LIVE = ".gan-lessons-switch, .gan-lessons-lab, .gan-lessons-training, .gan-lessons-quiz"
HINT = "Run this cell again"


def shown(lab) -> list[str]:
    """Return the texts of the outputs that can be seen."""
    outputs = lab.page.locator(".jp-OutputArea-output").filter(visible=True)
    return [text for text in outputs.all_inner_texts() if text.strip()]


def test_a_saved_notebook_shows_static_forms_until_its_cells_run(lab, jupyter):
    lab.open_notebook(jupyter.add(notebook(*WIDGETS), "saved.ipynb"))
    lab.run_all()
    assert lab.errors() == []
    lab.page.locator(LIVE).nth(3).wait_for()
    assert not any(HINT in text for text in shown(lab))
    lab.page.evaluate("() => jupyterapp.shell.currentWidget.context.save()")

    jupyter.shut_down_kernels()
    lab.start()
    lab.open_notebook("saved.ipynb")
    lab.page.get_by_text(HINT).nth(3).wait_for()
    lab.page.get_by_text("model not found").nth(3).wait_for(state="attached")
    texts = shown(lab)
    assert len(texts) == 4 and all(HINT in text and "重新运行" in text for text in texts)
    pictures = lab.page.locator(".jp-OutputArea img").filter(visible=True)
    assert [alt.split(":")[0] for alt in pictures.evaluate_all("all => all.map(i => i.alt)")] == [
        "GAN lab", "Training view at step 20"]

    lab.run_cell(1)
    lab.run_all()
    lab.page.locator(LIVE).nth(3).wait_for()
    assert not any(HINT in text for text in shown(lab))


def test_a_quiz_on_the_page_needs_no_kernel(lab, jupyter):
    quiz = notebook("from gan_lessons import lab\nlab.quiz('01')")
    lab.open_notebook(jupyter.add(quiz, "quiz_alone.ipynb"))
    lab.run_all()
    item = lab.page.locator(".gan-lessons-quiz fieldset").first
    item.wait_for()
    lab.page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.restartKernel()")
    for button in item.get_by_role("button").all():
        button.click()
    assert item.get_by_text("✓ Right.").count() == 1
    assert item.get_by_text("✗ Not this one.").count() == 3
