"""The selector of lesson 08 in a real JupyterLab: a click shows the pictures of another class."""

import pytest
from code_cells import notebook

pytestmark = pytest.mark.browser

CODE = """import torch
from gan_lessons import lab
shades = torch.tensor([0, 100, 200], dtype=torch.uint8)
pictures = shades.view(3, 1, 1, 1, 1).expand(3, 4, 1, 8, 8).clone()
lab.selector(pictures, ["zero", "one", "two"], alt="Three rows of grey squares, a row a class")"""
MIDDLE = """canvas => [...canvas.getContext('2d').getImageData(
    canvas.width / 8, canvas.height / 2, 1, 1).data].slice(0, 3)"""


def test_a_click_shows_the_pictures_of_that_class(lab, jupyter):
    lab.open_notebook(jupyter.add(notebook(CODE), "selector.ipynb"))
    lab.run_cell(0)
    canvas = lab.page.locator(".gan-lessons-live canvas")
    canvas.wait_for()
    for number, (name, shade) in enumerate((("zero", 0), ("two", 200), ("one", 100))):
        if number:  # "zero" is there from the start
            lab.page.get_by_role("button", name=name, exact=True).click()
        lab.page.wait_for_function(
            f"canvas => JSON.stringify(({MIDDLE})(canvas)) === '[{shade},{shade},{shade}]'",
            arg=canvas.element_handle())
        assert canvas.get_attribute("aria-label") == name
        pressed = lab.page.get_by_role("button", name=name, exact=True)
        assert pressed.get_attribute("aria-pressed") == "true"
