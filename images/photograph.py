"""Photograph the live parts for the README: `python images/photograph.py gan_lab training_view`.

They run in JupyterLab in a headless Chromium, both as in the browser tests. Without names, all.
The lab becomes an animation: its time slider is moved through a run.
"""

import io
import math
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


FRAMES = 25  # of the film


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
                lab = conftest.Lab(page, jupyter)
                if name == "gan_lab":
                    film(lab, jupyter)
                else:
                    picture = screenshot(pose(lab, jupyter, SITTERS[name]))
                    small = picture.quantize(96, Image.Quantize.FASTOCTREE)  # keeps thin lines
                    small.save(HERE / f"{name}.png", optimize=True)
                page.close()
            browser.close()
        finally:
            jupyter.stop()


def pose(lab, jupyter, sitter: Sitter):
    """Run the cells in a notebook and return the widget on the page, when it is ready."""
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
    return widget


def screenshot(widget) -> Image.Image:
    """Return what the widget looks like now."""
    return Image.open(io.BytesIO(widget.screenshot())).convert("RGB")


def film(lab, jupyter) -> None:
    """Move the slider of the GAN lab through a run and keep the pictures as an animation."""
    widget = pose(lab, jupyter, SITTERS["gan_lab"])
    slider = widget.locator("input[data-name=time]")
    last = int(slider.get_attribute("max"))
    frames = []
    for index in [*range(0, last, math.ceil(last / FRAMES)), last]:
        drawn = widget.get_attribute("data-drawn")
        slider.evaluate("(slider, index) => { slider.value = index; "
                        "slider.dispatchEvent(new Event('input')); }", index)
        lab.page.wait_for_function("([widget, drawn]) => widget.dataset.drawn !== drawn",
                                   arg=[widget.element_handle(), drawn])
        whole = screenshot(widget)
        stage = whole.crop((0, 0, whole.width, 505))  # buttons, board, curves; not the menus
        small = stage.resize((600, 600 * stage.height // stage.width), Image.Resampling.LANCZOS)
        frames.append(small.quantize(48, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE))
    frames[0].save(HERE / "gan_lab.gif", save_all=True, append_images=frames[1:], loop=0,
                   duration=[120] * (len(frames) - 1) + [2000], optimize=True)


if __name__ == "__main__":
    main(sys.argv[1:] or list(SITTERS))
