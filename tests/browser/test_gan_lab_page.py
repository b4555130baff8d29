"""The GAN lab, played in a real JupyterLab: each test does something and reads it off the page."""

import re
import time

import pytest
from code_cells import notebook

pytestmark = pytest.mark.browser

IMPORT = "from gan_lessons.lab import GanLab, language_switch"
BROKEN_LOSS = """class Broken:
    def critic(self, real, fake):
        return fake - real  # a batch, not a number
    def generator(self, fake):
        return -fake.mean()
lab = GanLab(loss=Broken())
lab"""
SLOW_LOSS = """import time
from gan_lessons import losses
class Slow(losses.Hinge):
    def critic(self, real, fake):
        time.sleep(5)
        return super().critic(real, fake)
lab = GanLab(loss=Slow())
lab"""
SECONDS = 1000


def eventually(page, holds, seconds: float = 60) -> bool:
    """Ask again and again until it holds; return whether it did, in time."""
    deadline = time.monotonic() + seconds
    while not (held := holds()) and time.monotonic() < deadline:
        page.wait_for_timeout(50)
    return held


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

    def wait_until(self, condition: str, argument=None, seconds: float = 60) -> None:
        """Wait for a JavaScript expression in `lab`, the lab's element, and `x`, the argument."""
        self.page.wait_for_function(
            f"([lab, x]) => {condition}", timeout=seconds * SECONDS,
            arg=[self.element.element_handle(), argument])

    def wait_for_steps(self, rounds: int, critic_steps: int) -> None:
        """Wait until the page says that G and D made exactly these many steps."""
        self.wait_until("lab.querySelector('b.rounds').innerText === x[0]"
                        " && lab.querySelector('b.criticSteps').innerText === x[1]",
                        [f"{rounds:,}", f"{critic_steps:,}"])

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

    def changes(self, action, more_than: float) -> bool:
        """Do something; return whether it changes more than this share of the stage, in time.

        The page may draw the old picture again before the kernel has sent the new one.
        """
        before = self.image()

        def changed() -> bool:
            different = sum(a != b for a, b in zip(before, self.image(), strict=True))
            return different > more_than * len(before)

        action()
        return eventually(self.page, changed)


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
        lab.wait_idle()  # the curves have come, too
        return games
    return run


def test_run_all_from_a_cold_start_shows_a_lab_at_rest(open_lab, lab):
    game, = open_lab("lab = GanLab()\nlab", "print('the next cell ran')")
    assert game.steps() == (0, 0)
    assert len(set(game.image())) > 50  # points and a surface, not an empty stage
    output = lab.outputs()[0]
    assert output["data"]["text/plain"].startswith("GAN lab: ring")
    assert "ring of 8" in output["data"]["text/html"]
    assert not lab.page.locator(".jp-OutputArea img").is_visible()  # the live lab, not its twin
    assert "the next cell ran\n" in [output.get("text") for output in lab.outputs()]


def test_play_and_pause(open_lab, lab):
    game, = open_lab("lab = GanLab()\nlab", "print('state', lab.state.step, lab.playing)")
    game.button("play").click()
    game.wait_for_step(200)
    game.button("pause").click()
    game.button("play").wait_for()
    lab.run_cell(lab.cell_with("print('state'"))
    said = lab.outputs()[-1]["text"]
    step = int(re.fullmatch(r"state (\d+) False\n", said)[1])
    assert step >= 200
    game.wait_for_steps(step, step)  # what the page says is what the kernel has
    lab.page.wait_for_timeout(300)
    assert game.steps() == (step, step)


def test_a_cell_can_run_while_the_lab_plays(open_lab, lab):
    game, = open_lab("lab = GanLab()\nlab", "print('sum', sum(range(10)))")
    game.button("play").click()
    game.wait_for_step(50)
    lab.run_cell(lab.cell_with("print('sum'"))
    step = game.steps()[0]
    game.wait_for_step(step + 50)


def test_single_steps_move_one_player(open_lab):
    game, = open_lab("lab = GanLab()\nlab")
    assert game.changes(game.button("critic").click, more_than=0.05)  # D's surface
    game.wait_for_steps(0, 1)
    assert game.changes(game.button("generator").click, more_than=0.0005)  # G's points and arrows
    game.wait_for_steps(1, 1)
    game.button("both").click()
    game.wait_for_steps(2, 2)


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
        game.wait_for_steps(*steps)
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
    mouse = lab.page.mouse

    def stroke():
        game.element.locator(".stage").scroll_into_view_if_needed()
        box = game.element.locator(".stage").bounding_box()  # a message above moves it
        x, y = box["x"] + 0.8 * box["width"], box["y"] + 0.2 * box["height"]  # upper right
        mouse.move(x, y)
        mouse.down()
        for k in range(10):
            mouse.move(x + 3 * k, y + k)
        mouse.up()

    assert game.changes(stroke, more_than=0.002)
    lab.run_cell(lab.cell_with("print('real'"))
    assert any("real tensor([2., 2.])" in output.get("text", "") for output in lab.outputs())
    game.button("play").click()
    game.wait_for_step(50)
    game.button("clear").click()
    game.button("play").wait_for()  # there is nothing left to learn from
    game.wait_until("!lab.querySelector('.busy').innerText")
    blue = lab.page.evaluate("lab => getComputedStyle(lab).getPropertyValue('--lab-real')",
                             game.element.element_handle())
    blue = int(blue[5:7] + blue[3:5] + blue[1:3], 16)
    assert blue not in game.image()
    game.button("play").click()
    game.element.get_by_text("Draw something first").wait_for()
    stroke()
    game.element.get_by_text("Draw something first").wait_for(state="hidden")
    assert blue in game.image()


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
    assert slider.get_attribute("max") == slider.input_value() == "400"  # it counts rounds
    slider.focus()
    assert game.changes(lambda: lab.page.keyboard.press("Home"), more_than=0.05)
    game.wait_until("lab.dataset.step === '0'")
    assert game.element.locator(".past").is_visible()
    lab.page.keyboard.press("ArrowRight")
    game.wait_until("lab.dataset.step === '20'")
    slider.evaluate("s => { s.value = 205; s.dispatchEvent(new Event('input')); }")
    game.wait_until("lab.dataset.step === '200'")  # the moment that is nearest
    assert game.element.locator(".moment").inner_text() == "200 / 400"
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
    lab.page.evaluate(
        "() => jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})")
    try:
        assert eventually(lab.page, lambda: brightness() < 110)
    finally:
        lab.page.evaluate("() => jupyterapp.commands.execute("
                          "'apputils:change-theme', {theme: 'JupyterLab Light'})")


def test_work_in_progress_and_speed_are_shown(open_lab):
    game, = open_lab(SLOW_LOSS)
    game.button("critic").click()
    game.element.get_by_text("Working").wait_for()
    game.element.get_by_text("Working").wait_for(state="hidden")
    game.wait_for_steps(0, 1)
    game.menu("loss").select_option("hinge")
    game.button("play").click()
    game.wait_for_step(100)
    game.wait_until("Number(lab.querySelector('b.perSecond').innerText) > 5")
    game.button("pause").click()
    game.wait_until("lab.querySelector('b.perSecond').innerText === '–'")


def test_nothing_is_cut_off(open_lab, lab):
    """Texts of menus, in both languages, and numbers at the axes where losses are tiny."""
    game, = open_lab("lab = GanLab('vanishing').run(100)\nlab")
    cut = game.element.locator("select:visible").evaluate_all("""menus => menus.flatMap(menu => {
        const style = getComputedStyle(menu);
        const pen = document.createElement('canvas').getContext('2d');
        pen.font = `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
        const room = menu.clientWidth - parseFloat(style.paddingLeft) - 16; // the arrow
        const texts = [...menu.options].map(option => option.textContent);
        return texts.filter(text => pen.measureText(text).width > room);
    })""")
    assert cut == []
    ink = game.element.locator("canvas.plot").evaluate_all("""plots => plots.map(plot => {
        const pixels = plot.getContext('2d').getImageData(0, 0, 1, plot.height).data;
        return pixels.filter((_, i) => i % 4 === 3).some(alpha => alpha > 0);
    })""")
    assert ink == [False, False, False]
    latest = game.element.locator(".latest.losses").inner_text()
    assert re.fullmatch(r"[\d.]+e-\d / -[\d.]+e-\d", latest)


def test_layers_can_be_hidden_and_things_explain_themselves(open_lab, lab):
    game, = open_lab("lab = GanLab().run(40)\nlab")
    for layer in ("says", "mesh", "arrow", "fake", "real"):
        button = game.button(layer)
        assert button.get_attribute("aria-pressed") == "true"
        assert game.changes(button.click, more_than=0.001)
        assert button.get_attribute("aria-pressed") == "false"
    assert set(game.image()) == {0}  # nothing is left
    assert game.changes(game.button("real").click, more_than=0.001)
    titles = game.element.locator("button, label, figure").evaluate_all(
        "all => all.map(one => one.title)")
    assert min(map(len, titles)) > 10
    assert "starts a new run" in game.menu("seed").locator("..").get_attribute("title")
    assert "in this run" in game.menu("loss").locator("..").get_attribute("title")


def test_a_class_is_chosen_and_its_colour_judgement_and_number_are_seen(open_lab):
    game, = open_lab("lab = GanLab(data='ring_by_class').run(20)\nlab")
    asked = game.element.locator("b.obedience")
    before = asked.inner_text()
    assert re.fullmatch(r"\d+ %", before)
    menu = game.menu("chosen")
    assert menu.locator("option").all_text_contents() == [str(y) for y in range(8)]
    name = game.element.locator(".stage").get_attribute("aria-label")
    assert "D's judgement is that of y = 0" in name

    def of_colour(red, green, blue):  # the share of the stage that has it
        seen = game.image()
        return seen.count(blue << 16 | green << 8 | red) / len(seen)

    bluish_green = 0x00, 0x9E, 0x73  # class 2
    before_green = of_colour(*bluish_green)
    menu.focus()
    assert game.changes(lambda: menu.select_option("2"), more_than=0.2)  # D's surface of y = 2
    assert of_colour(*bluish_green) > 1.5 * before_green  # its fakes are more, and not faint
    game.wait_until("lab.querySelector('.stage').ariaLabel.includes('that of y = 2')")
    for _ in range(10):
        game.button("both").click()
    game.wait_until("lab.dataset.step === '30' && "
                    "lab.querySelector('b.obedience').innerText !== x", before)
    game.menu("data").select_option("ring")
    menu.wait_for(state="hidden")
    assert not asked.is_visible()


def test_canvases_say_what_they_show(open_lab, lab):
    game, = open_lab("lab = GanLab().run(40)\nlab")
    names = game.element.get_by_role("img").evaluate_all("all => all.map(one => one.ariaLabel)")
    assert len(names) == 4 and "G at step 40, D at 40" in names[0]
    assert re.search(r"Loss, newest values [\d.]+ / [\d.]+", names[1])
    game.button("both").click()
    game.wait_until("lab.querySelector('.stage').ariaLabel.includes('G at step 41')")


def test_drawing_with_one_finger(jupyter, lab):
    cells = "lab = GanLab(data='drawn')\nlab", "print('strokes', len(lab._strokes) > 5)"
    lab.open_notebook(jupyter.add(notebook(IMPORT, *cells), "touch.ipynb"))
    lab.run_all()
    game = Game(lab.page)
    game.element.scroll_into_view_if_needed()
    game.wait_until("lab.dataset.drawn")
    box = game.element.locator(".stage").bounding_box()
    finger = lab.page.context.new_cdp_session(lab.page)
    top = game.element.bounding_box()["y"]

    def touch(kind, *places):
        points = [{"x": box["x"] + x, "y": box["y"] + y} for x, y in places]
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", (100, 100))
    for k in range(12):
        touch("touchMove", (100 + 6 * k, 100 + 9 * k))
    touch("touchEnd")
    assert game.element.bounding_box()["y"] == top  # the page did not scroll
    lab.run_cell(2)
    assert "strokes True\n" in [output.get("text") for output in lab.outputs()]


def test_a_restarted_kernel_leaves_no_dead_buttons(open_lab, lab):
    game, = open_lab("lab = GanLab()\nlab")
    lab.page.evaluate(
        "() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    notice = game.element.get_by_role("alert")
    notice.wait_for()
    assert "Run this cell again" in notice.inner_text() and "重新运行" in notice.inner_text()
    assert game.element.locator("button, select, input").evaluate_all(
        "all => all.every(one => one.closest('[inert]'))")
    lab.wait_idle()
    lab.run_all()
    game.wait_until("lab.dataset.drawn")
    game.button("critic").click()
    game.wait_for_steps(0, 1)
