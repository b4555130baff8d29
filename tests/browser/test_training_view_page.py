"""The training view in a real JupyterLab: seen while a cell trains, stopped, gone on, scrubbed."""

import re

import pytest
from code_cells import notebook

pytestmark = pytest.mark.browser

SECONDS = 1000
SETUP = """from gan_lessons import data, lab, recipes, runtime
from gan_lessons.train import fit
runtime.set_threads(1)
game = recipes.source_004(shape=(3, 16, 16))
faces = data.toy_faces(200, size=16)
view = lab.TrainingView()"""
TRAIN = "game = fit(game, faces, 1_000_000, watch=view, watch_every=10, progress=False)"
GO_ON = "game = fit(game, faces, game.step + 60, watch=view, watch_every=10, progress=False)"


class View:
    """What a learner reads off one training view on the page, and does with it."""

    def __init__(self, page, cell: int):
        self.page = page
        self.element = page.locator(".jp-Cell").nth(cell).locator(".gan-lessons-training")

    def wait_until(self, condition: str, argument=None, seconds: float = 60) -> None:
        """Wait for a JavaScript expression in `view`, its element, and `x`, the argument."""
        self.page.wait_for_function(
            f"([view, x]) => {condition}", timeout=seconds * SECONDS,
            arg=[self.element.element_handle(), argument])

    def number(self, name: str) -> int:
        return int(self.element.get_attribute(f"data-{name}"))

    def pixels(self) -> list[int]:
        """Return the brightness of the picture on the page, at every third pixel."""
        return self.page.evaluate(
            """async view => {
                const image = view.querySelector('img');
                await image.decode();
                const canvas = document.createElement('canvas');
                [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
                const pen = canvas.getContext('2d');
                pen.drawImage(image, 0, 0);
                const bytes = pen.getImageData(0, 0, canvas.width, canvas.height).data;
                return [...bytes].filter((_, i) => i % 12 === 0);
            }""", self.element.element_handle())

    def stands_still(self) -> None:
        """Wait until the newest picture is the one that is shown."""
        self.wait_until("view.dataset.shown === view.dataset.step")


def test_a_run_is_seen_stopped_continued_and_scrubbed(lab, jupyter):
    lab.open_notebook(jupyter.add(
        notebook(SETUP, TRAIN, GO_ON, "import time; time.sleep(600)"), "training_view.ipynb"))
    lab.run_cell(0)

    # The picture and the curves appear while the kernel is busy, and move.
    lab.start_cell(1)
    view = View(lab.page, 1)
    view.element.wait_for()
    view.wait_until("view.dataset.shown && view.dataset.rows > 0")
    assert view.element.get_attribute("data-state") == "training"
    before, first = view.pixels(), view.number("shown")  # in this order: the picture moves on
    assert len(set(before)) > 20
    view.wait_until("view.dataset.shown > x", first)
    assert view.pixels() != before
    text = view.element.inner_text()
    assert re.search(r"第 [\d,]+ 步，共 1,000,000 步", text)
    assert re.search(r"[\d,.]+ steps, [\d,]+ pictures a second", text)
    assert re.search(r"[\d,]+ (h|min) \d+ (min|s) left", text)
    assert "toolbar" in view.element.locator(".hint").inner_text()

    # The stop button of the notebook
    lab.interrupt()
    assert lab.errors() == []
    view.wait_until("view.dataset.state === 'stopped'")
    assert "Stopped" in view.element.locator(".state").inner_text()
    view.stands_still()
    stopped = view.number("step")
    paper, live = (output["data"]["text/html"] for output in lab.cells()[1]["outputs"])
    assert f"at step {stopped}:" in paper and live == ""

    # It goes on: in the new cell, and in the old one, which shows the same view.
    lab.run_cell(2)
    again = View(lab.page, 2)
    for one in (again, view):
        one.wait_until("view.dataset.state === 'finished'")
        one.stands_still()
        assert one.number("step") == stopped + 60
    assert again.element.locator("progress").evaluate("bar => bar.value") == 1

    # The slider and the play button work without the kernel, which is busy.
    lab.start_cell(3)
    newest, slider = again.pixels(), again.element.get_by_role("slider")
    slider.focus()
    lab.page.keyboard.press("Home")
    again.wait_until("view.dataset.shown === '10'")
    assert again.pixels() != newest
    assert "past" in again.element.locator(".now").inner_text()
    assert "Step 10:" in again.element.locator("img").get_attribute("alt")
    lab.page.keyboard.press("ArrowRight")
    again.wait_until("Number(view.dataset.shown) > 10")
    lab.page.keyboard.press("Home")
    again.wait_until("view.dataset.shown === '10'")
    again.element.get_by_role("button").click()
    again.wait_until("view.querySelector('button').dataset.name === 'pause'")
    again.stands_still()
    again.wait_until("view.querySelector('button').dataset.name === 'play'")
    assert again.pixels() == newest
    assert len(lab.cells()) == 4  # no key reached JupyterLab
    assert lab.is_busy()
    lab.interrupt()


def test_labels_speak_the_chosen_language_and_points_are_drawn(lab, jupyter):
    lab.open_notebook(jupyter.add(notebook(
        SETUP, "lab.language_switch()",
        "points = lab.TrainingView(real=data.ring())\n"
        "fit(recipes.plane(), data.ring(), 30, watch=points, watch_every=5, progress=False);"),
        "points.ipynb"))
    lab.run_all()
    assert lab.errors() == []
    view = View(lab.page, 2)
    view.element.scroll_into_view_if_needed()
    view.stands_still()
    visible = view.element.locator("[lang]").filter(visible=True)

    def choose(label):
        lab.page.get_by_role("button", name=label, exact=True).click()
        lab.page.wait_for_timeout(200)
        languages = visible.evaluate_all("spans => [...new Set(spans.map(span => span.lang))]")
        return languages, view.element.locator("canvas.stage").get_attribute("aria-label")

    languages, label = choose("English")
    assert languages == ["en"] and label == "Step 30: what G makes of the same noise"
    languages, label = choose("中文")
    assert languages == ["zh"] and label == "第 30 步：G 用同一组噪声做出的样本"
    assert view.element.locator("img").is_hidden()
    colours = lab.page.evaluate(
        """view => {
            const stage = view.querySelector('canvas.stage');
            const bytes = stage.getContext('2d').getImageData(0, 0, stage.width, stage.height).data;
            let [blue, orange] = [0, 0];
            for (let i = 0; i < bytes.length; i += 4) {
                if (bytes[i + 3] < 200) continue;
                if (bytes[i + 2] > bytes[i]) blue += 1; else orange += 1;
            }
            return [blue, orange];
        }""", view.element.element_handle())
    assert min(colours) > 100  # real points and fakes
