"""The GAN lab, played in a real JupyterLab: each test does something and reads it off the page."""

import re

import pytest
from nbformat.v4 import new_code_cell, new_notebook

pytestmark = pytest.mark.browser

IMPORT = "from gan_lessons.lab import GanLab, language_switch"
BROKEN_LOSS = """class Broken:
    def critic(self, real, fake):
        return fake - real  # a batch, not a number
    def generator(self, fake):
        return -fake.mean()
lab = GanLab(loss=Broken())
lab"""
SECONDS = 1000


def notebook(*codes: str):
    """Return a notebook of code cells."""
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    cells = [new_code_cell(code) for code in codes]
    return new_notebook(cells=cells, metadata={"kernelspec": kernel})


class Game:
    """What a learner does with one lab on the page, and what there is to be read."""

    def __init__(self, page, number: int = 0):
        self.page = page
        self.element = page.locator(".gan-lessons-lab").nth(number)

    def button(self, name: str):
        return self.element.locator(f"button[data-name={name}]")

    def menu(self, name: str):
        return self.element.locator(f"select[data-name={name}]")

    def steps(self) -> tuple[int, int]:
        """Return the steps of G and of D, as written on the page."""
        texts = [self.element.locator(f"b.{name}").inner_text() for name in
                 ("rounds", "criticSteps")]
        return tuple(int(text.replace(",", "")) for text in texts)

    def wait_until(self, condition: str, argument=None, seconds: float = 20) -> None:
        """Wait for a JavaScript expression in `lab`, the lab's element, and `x`, the argument."""
        self.page.wait_for_function(
            f"([lab, x]) => {condition}", timeout=seconds * SECONDS,
            arg=[self.element.element_handle(), argument])

    def wait_for_step(self, step: int) -> None:
        """Wait until the page shows G at this step or later."""
        self.wait_until("Number(lab.dataset.step) >= x", step)

    def image(self) -> list[int]:
        """Return colours on the stage, 0xBBGGRR, at every third pixel of every third row."""
        return self.page.evaluate(
            """lab => {
                const stage = lab.querySelector('.stage');
                const {width, height} = stage;
                const bytes = stage.getContext('2d').getImageData(0, 0, width, height).data.buffer;
                const pixels = new Uint32Array(bytes);
                const seen = [];
                for (let y = 0; y < height; y += 3)
                    for (let x = 0; x < width; x += 3) seen.push(pixels[y * width + x] & 0xffffff);
                return seen;
            }""", self.element.element_handle())

    def changes(self, action) -> float:
        """Do something; return the share of the stage that it changed."""
        before = self.image()
        drawn = int(self.element.get_attribute("data-drawn"))
        action()
        self.wait_until("Number(lab.dataset.drawn) > x", drawn)
        after = self.image()
        return sum(a != b for a, b in zip(before, after, strict=True)) / len(before)


@pytest.fixture
def open_lab(lab, jupyter):
    """Return a function that runs a notebook from a cold start and returns its labs."""
    def run(*codes: str, labs: int = 1) -> list[Game]:
        lab.open_notebook(jupyter.add(notebook(IMPORT, *codes), "gan_lab.ipynb"))
        lab.run_all()
        assert lab.errors() == []
        games = [Game(lab.page, number) for number in range(labs)]
        for game in games:
            game.element.scroll_into_view_if_needed()
            game.wait_until("lab.dataset.drawn")
        return games
    return run


def test_run_all_from_a_cold_start_shows_a_lab_at_rest(open_lab, lab):
    game, = open_lab("lab = GanLab()\nlab", "print('the next cell ran')")
    assert game.steps() == (0, 0)
    assert len(set(game.image())) > 50  # points and a surface, not an empty stage
    output = lab.outputs()[0]
    assert output["data"]["text/plain"].startswith("GAN lab: ring")
    assert "ring of 8" in output["data"]["text/html"]
    assert game.element.locator("img").count() == 0  # the live lab, not its twin
    assert "the next cell ran\n" in [output.get("text") for output in lab.outputs()]


def test_play_and_pause(open_lab, lab):
    game, = open_lab("lab = GanLab()\nlab", "print('state', lab.state.step, lab.playing)")
    game.button("play").click()
    game.wait_for_step(200)
    game.button("pause").click()
    game.button("play").wait_for()
    lab.page.wait_for_timeout(300)
    steps = game.steps()
    assert steps[0] >= 200 and steps[0] == steps[1]
    lab.page.wait_for_timeout(300)
    assert game.steps() == steps
    lab.run_cell(lab.cell_with("print('state'"))  # what the page says is what the kernel has
    assert f"state {steps[0]} False\n" in [output.get("text") for output in lab.outputs()]


def test_a_cell_can_run_while_the_lab_plays(open_lab, lab):
    game, = open_lab("lab = GanLab()\nlab", "print('sum', sum(range(10)))")
    game.button("play").click()
    game.wait_for_step(50)
    lab.run_cell(lab.cell_with("print('sum'"))
    step = game.steps()[0]
    game.wait_for_step(step + 50)


def test_single_steps_move_one_player(open_lab):
    game, = open_lab("lab = GanLab()\nlab")
    assert game.changes(game.button("critic").click) > 0.05  # D's surface
    game.wait_until("lab.querySelector('b.criticSteps').innerText === '1'")
    assert game.steps() == (0, 1)
    assert game.changes(game.button("generator").click) > 0.0005  # only G's points and arrows
    assert game.steps() == (1, 1)
    game.button("both").click()
    game.wait_until("lab.querySelector('b.criticSteps').innerText === '2'")
    assert game.steps() == (2, 2)


def test_reset_starts_again(open_lab):
    game, = open_lab("lab = GanLab()\nlab")
    first = game.image()
    game.button("both").click()
    game.wait_for_step(1)
    game.button("reset").click()
    game.wait_until("lab.dataset.step === '0'")
    assert game.steps() == (0, 0)
    assert game.image() == first


def test_keys_play_and_step_and_do_not_reach_jupyterlab(open_lab, lab):
    game, = open_lab("lab = GanLab()\nlab")
    count = len(lab.cells())
    game.element.focus()
    for key, steps in (("d", (0, 1)), ("g", (1, 1)), ("b", (2, 2))):
        lab.page.keyboard.press(key)
        game.wait_until("lab.querySelector('b.criticSteps').innerText === x[1]"
                        " && lab.querySelector('b.rounds').innerText === x[0]",
                        [str(step) for step in steps])
    lab.page.keyboard.press(" ")
    game.wait_for_step(20)
    lab.page.keyboard.press(" ")
    game.button("play").wait_for()
    lab.page.keyboard.press("r")
    game.wait_until("lab.dataset.step === '0'")
    assert len(lab.cells()) == count  # B inserts a cell elsewhere


def test_the_loss_changes_while_playing(open_lab, lab):
    game, = open_lab("lab = GanLab()\nlab", "print('loss', type(lab.state.rules.loss).__name__)")
    game.button("play").click()
    game.wait_for_step(100)
    game.menu("loss").select_option("least squares")
    step = int(game.element.get_attribute("data-step"))
    game.wait_for_step(step + 100)
    assert game.button("pause").is_visible()  # it never stopped, and did not begin again
    assert game.menu("preset").input_value() == "own"
    game.button("pause").click()
    lab.run_cell(lab.cell_with("print('loss'"))
    assert "loss LeastSquares\n" in [output.get("text") for output in lab.outputs()]


def test_a_preset_sets_the_controls(open_lab):
    game, = open_lab("lab = GanLab()\nlab")
    game.menu("preset").select_option("collapse")
    game.wait_until("lab.querySelector('b.criticSteps').innerText === '1,000'")
    assert game.menu("d_steps").input_value() == "10"
    assert game.menu("preset").input_value() == "collapse"
    assert game.steps() == (0, 1000)


def test_data_drawn_with_the_mouse(open_lab, lab):
    game, = open_lab("lab = GanLab()\nlab", "print('real', lab.state.camera.real.mean(0).round())")
    game.menu("data").select_option("drawn")
    game.element.locator(".hint").wait_for()
    box = game.element.locator(".stage").bounding_box()
    mouse = lab.page.mouse

    def stroke():
        x, y = box["x"] + 0.8 * box["width"], box["y"] + 0.2 * box["height"]  # upper right
        mouse.move(x, y)
        mouse.down()
        for k in range(10):
            mouse.move(x + 3 * k, y + k)
        mouse.up()

    assert game.changes(stroke) > 0.002
    lab.run_cell(lab.cell_with("print('real'"))
    assert any("real tensor([2., 2.])" in output.get("text", "") for output in lab.outputs())
    game.button("play").click()
    game.wait_for_step(50)
    game.button("clear").click()
    game.button("pause").click()
    game.button("play").wait_for()
    assert not game.element.locator(".problem").is_visible()


def test_a_broken_loss_is_explained_and_can_be_replaced(open_lab, lab):
    game, = open_lab(BROKEN_LOSS, "print('kernel lives')")
    game.button("play").click()
    problem = game.element.get_by_role("alert")
    problem.wait_for()
    assert "is .mean() missing?" in problem.inner_text()
    assert "是不是忘了" in problem.inner_text()
    game.button("play").wait_for()
    lab.run_cell(lab.cell_with("print('kernel lives')"))
    assert "kernel lives\n" in [output.get("text") for output in lab.outputs()]
    assert "custom" in game.menu("loss").locator("option").evaluate_all(
        "options => options.map(option => option.value)")
    game.menu("loss").select_option("hinge")
    problem.wait_for(state="hidden")
    game.button("play").click()
    game.wait_for_step(50)


def test_the_time_slider_shows_the_past(open_lab, lab):
    game, = open_lab("lab = GanLab().run(400)\nlab")
    assert game.steps()[0] == 400
    slider = game.element.get_by_role("slider")
    assert slider.get_attribute("max") == "20"
    slider.focus()
    assert game.changes(lambda: lab.page.keyboard.press("Home")) > 0.05
    game.wait_until("lab.dataset.step === '0'")
    assert game.element.locator(".past").is_visible()
    lab.page.keyboard.press("ArrowRight")
    game.wait_until("lab.dataset.step === '20'")
    lab.page.keyboard.press("End")
    game.wait_until("lab.dataset.step === '400'")
    assert not game.element.locator(".past").is_visible()
    lab.page.keyboard.press("Home")
    game.wait_until("lab.dataset.step === '0'")
    game.button("play").click()
    game.wait_for_step(420)  # playing goes on from the present


def test_labels_speak_the_chosen_language(open_lab, lab):
    game, = open_lab("language_switch()", "lab = GanLab()\nlab")
    visible = game.element.locator("[lang]").filter(visible=True)

    def choose(label):
        lab.page.get_by_role("button", name=label, exact=True).click()
        options = game.menu("loss").locator("option").all_text_contents()
        languages = visible.evaluate_all("spans => [...new Set(spans.map(span => span.lang))]")
        return languages, " ".join(options)

    languages, options = choose("English")
    assert languages == ["en"] and not re.search("[\u4e00-\u9fff]", options)
    assert game.button("play").inner_text() == "▶ Play"
    languages, options = choose("中文")
    assert languages == ["zh"] and "非饱和" in options and "Least squares" not in options
    assert game.button("play").inner_text() == "▶ 播放"
    languages, options = choose("双语 both")
    assert sorted(languages) == ["en", "zh"] and "非饱和 Non-saturating" in options


def test_two_labs_play_at_once_and_one_closes(open_lab, lab):
    labs = open_lab("one = GanLab()\none", "two = GanLab(data='line')\ntwo",
                    "closing = False", "if closing:\n    one.close()", labs=2)
    for game in labs:
        game.button("play").click()
    for game in labs:
        game.wait_for_step(50)
    lab.page.evaluate("""() => {
        const cell = jupyterapp.shell.currentWidget.content.widgets[3];
        cell.model.sharedModel.setSource('closing = True');
    }""")
    lab.run_cell(3)
    lab.run_cell(4)
    lab.page.locator(".gan-lessons-lab").nth(1).wait_for(state="detached")
    remaining = Game(lab.page)
    step = remaining.steps()[0]
    remaining.wait_for_step(step + 50)
    assert remaining.menu("data").input_value() == "line"


def test_colours_follow_the_theme(open_lab, lab):
    game, = open_lab("lab = GanLab().run(100)\nlab")

    def brightness():
        image = game.image()
        return sum(colour >> 8 & 255 for colour in image) / len(image)  # of green

    assert brightness() > 150
    drawn = int(game.element.get_attribute("data-drawn"))
    lab.page.evaluate(
        "() => jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})")
    try:
        game.wait_until("Number(lab.dataset.drawn) > x", drawn)
        lab.page.wait_for_timeout(500)
        assert brightness() < 110
    finally:
        lab.page.evaluate("() => jupyterapp.commands.execute("
                          "'apputils:change-theme', {theme: 'JupyterLab Light'})")
