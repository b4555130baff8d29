"""Photograph the GAN lab for the README: `python images/photograph_gan_lab.py`.

The lab runs in JupyterLab in a headless Chromium, both as in the browser tests.
"""

import io
import sys
import tempfile
from pathlib import Path

from nbformat.v4 import new_code_cell, new_notebook
from PIL import Image
from playwright.sync_api import sync_playwright

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests" / "browser"))

import conftest  # noqa: E402  the server and the page of the browser tests

CELLS = ("from gan_lessons.lab import GanLab, language_switch\nlanguage_switch()",
         "lab = GanLab(seed=1).run(900)\nlab")


def main() -> None:
    """Run the notebook, take a picture of the lab, and store it in a palette of 128 colours."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        jupyter = conftest.Jupyter(Path(folder))
        try:
            jupyter.wait_until_ready()
            browser = playwright.chromium.launch(executable_path=conftest.browser_path(),
                                                 args=conftest.BROWSER_FLAGS)
            page = browser.new_page(viewport={"width": 1250, "height": 1100})
            lab = conftest.Lab(page, jupyter)
            kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
            notebook = new_notebook(cells=[new_code_cell(code) for code in CELLS],
                                    metadata={"kernelspec": kernel})
            lab.open_notebook(jupyter.add(notebook, "gan_lab.ipynb"))
            lab.run_all()
            page.locator("button[data-choice=en]").click()
            game = page.locator(".gan-lessons-lab")
            game.scroll_into_view_if_needed()
            page.wait_for_function("lab => lab.dataset.drawn", arg=game.element_handle())
            picture = Image.open(io.BytesIO(game.screenshot())).convert("RGB")
            browser.close()
        finally:
            jupyter.stop()
    picture.quantize(128).save(HERE / "gan_lab.png", optimize=True)


if __name__ == "__main__":
    main()
