"""Photograph the live parts for the README: `python images/photograph.py gan_lab training_view`.

They run in JupyterLab in a headless Chromium, both as in the browser tests. Without names, all.
"""

import io
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from nbformat.v4 import new_code_cell, new_notebook
from PIL import Image
from playwright.sync_api import sync_playwright

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests" / "browser"))

import conftest  # noqa: E402  the server and the page of the browser tests


class Sitter(NamedTuple):
    """What is photographed: cells to run, the widget they leave, and when it is ready."""

    cells: tuple[str, ...]
    selector: str
    ready: str  # JavaScript about `widget`, its element


SITTERS = {
    "gan_lab": Sitter(
        ("from gan_lessons.lab import GanLab, language_switch\nlanguage_switch()",
         "lab = GanLab(seed=1).run(900)\nlab"), ".gan-lessons-lab", "widget.dataset.drawn"),
    "training_view": Sitter(
        ("from gan_lessons import data, lab, recipes, runtime\n"
         "from gan_lessons.train import fit\nlab.language_switch()",
         "runtime.set_threads(1)\ngame = recipes.sngan(features=16, steps=2500)\n"
         "faces = data.toy_faces(5000, size=32, core=True)\nview = lab.TrainingView()\n"
         "game = fit(game, faces, 2500, watch=view, watch_every=50, progress=False)"),
        ".gan-lessons-training", "widget.dataset.shown === widget.dataset.step"),
}


def main(names: list[str]) -> None:
    """Photograph each, in English and on a light page, in a palette of 96 colours."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        jupyter = conftest.Jupyter(Path(folder))
        try:
            jupyter.wait_until_ready(120)
            browser = playwright.chromium.launch(executable_path=conftest.browser_path(),
                                                 args=conftest.BROWSER_FLAGS)
            for name in names:
                page = browser.new_page(viewport={"width": 1250, "height": 1100})
                picture = photograph(conftest.Lab(page, jupyter), jupyter, SITTERS[name])
                small = picture.quantize(96, Image.Quantize.FASTOCTREE)  # keeps thin lines' colour
                small.save(HERE / f"{name}.png", optimize=True)
                page.close()
            browser.close()
        finally:
            jupyter.stop()


def photograph(lab, jupyter, sitter: Sitter) -> Image.Image:
    """Run the cells in a notebook and return a picture of the widget."""
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = new_notebook(cells=[new_code_cell(code) for code in sitter.cells],
                            metadata={"kernelspec": kernel})
    lab.page.set_default_timeout(120 * conftest.SECONDS)
    lab.open_notebook(jupyter.add(notebook, "photograph.ipynb"))
    lab.run_all(seconds=600)
    lab.page.locator("button[data-choice=en]").click()
    widget = lab.page.locator(sitter.selector)
    widget.scroll_into_view_if_needed()
    lab.page.wait_for_function(f"widget => {sitter.ready}", arg=widget.element_handle())
    return Image.open(io.BytesIO(widget.screenshot())).convert("RGB")


if __name__ == "__main__":
    main(sys.argv[1:] or list(SITTERS))
