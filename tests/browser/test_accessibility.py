"""axe-core, Deque's checker of web pages, finds nothing serious in what the course draws."""

import pytest
from code_cells import notebook

pytestmark = pytest.mark.browser

WIDGETS = ("from gan_lessons import data, lab, recipes\nfrom gan_lessons.train import fit\n"
           "lab.language_switch()",
           "lab.GanLab(data='drawn').run(20)",
           "view = lab.TrainingView()\n"
           "fit(recipes.plane(), data.ring(), 20, watch=view, watch_every=5);",
           "lab.quiz('01')",
           "import torch\n"
           "lab.selector(torch.zeros(2, 3, 1, 8, 8, dtype=torch.uint8), ['zero', 'one'],\n"
           "             alt='Two rows of black squares')")
LIVE = (".gan-lessons-switch", ".gan-lessons-lab", ".gan-lessons-training", ".gan-lessons-quiz",
        ".gan-lessons-live:has(> canvas)")  # the selector


def serious(page, *parts: str) -> list[str]:
    """Return what axe-core calls serious or critical in some parts of the page."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    found = axe.run(page, context={"include": [[part] for part in parts]} if parts else None)
    return [f"{fault['id']}: {node['html'][:200]} ({node.get('failureSummary', '')[:300]})"
            for fault in found.response["violations"] for node in fault["nodes"]
            if fault["impact"] in ("serious", "critical")]


def test_the_widgets_in_both_themes(lab, jupyter):
    lab.open_notebook(jupyter.add(notebook(*WIDGETS), "widgets.ipynb"))
    lab.run_all()
    assert lab.errors() == []
    for part in LIVE:
        lab.page.locator(part).wait_for()
    lab.page.locator(".gan-lessons-quiz .option button").first.click()
    lab.page.locator(".gan-lessons-lab .legends button").first.click()
    try:
        for theme in ("JupyterLab Light", "JupyterLab Dark"):
            lab.page.evaluate(
                "theme => jupyterapp.commands.execute('apputils:change-theme', {theme})", theme)
            lab.page.wait_for_timeout(1000)
            assert serious(lab.page, *LIVE) == [], theme
    finally:
        lab.page.evaluate("() => jupyterapp.commands.execute("
                          "'apputils:change-theme', {theme: 'JupyterLab Light'})")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_exported_page(browser, sets, scheme):
    context = browser.new_context(color_scheme=scheme, offline=True)
    try:
        page = context.new_page()
        for lang in ("zh", "en"):
            page.goto(next((sets / lang / "html").glob("01_*.html")).as_uri())
            assert serious(page) == []
    finally:
        context.close()
