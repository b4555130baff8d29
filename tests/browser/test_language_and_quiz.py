"""The language switch, the quiz and lesson 02, clicked in a real JupyterLab."""

import re
from pathlib import Path

import pytest
from code_cells import KERNEL
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

pytestmark = pytest.mark.browser

LESSON_02 = Path(__file__).parents[2] / "notebooks" / "02_mlp_gan_mnist.ipynb"
CHOICES = {"中文": {"zh"}, "English": {"en"}, "双语 both": {"zh", "en"}}
PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAAAAABX3VL4AAAADklEQVR4nGNgaGBo+A8ABAUCAFfUMz8A"
    "AAAASUVORK5CYII="
)


def pair(zh: str, en: str) -> list:
    """Return a unit of prose as the lessons have it: two tagged Markdown cells."""
    return [
        new_markdown_cell(
            f'<div lang="{lang}">\n\n{text}\n\n</div>', metadata={"tags": [f"lang-{lang}"]}
        )
        for lang, text in (("zh", zh), ("en", en))
    ]


def stand_in(*extra_code: str):
    """Return a small lesson, long enough that its end is far off the screen."""
    cells = [
        *pair("# 一课", "# A lesson, called <span lang='zh'>一课</span>"),
        new_code_cell("from gan_lessons.lab import Quiz, language_switch\nlanguage_switch()"),
    ]
    for section in range(8):
        cells += pair(
            f"## 第 {section} 节\n\n" + "字。" * 200, f"## Part {section}\n\n" + "Word. " * 200
        )
        cells += [new_code_cell(f"print('output', {section})")]
    cells += [
        new_code_cell(
            "from base64 import b64decode\n"
            "from gan_lessons.show import Picture\n"
            f"Picture(b64decode('{PNG}'), 'gallery of one grey spot')"
        ),
        new_code_cell(QUIZ),
        *map(new_code_cell, extra_code),
        *pair("## 小结", "## Recap"),
    ]
    return new_notebook(cells=cells, metadata={"kernelspec": KERNEL})


QUIZ = """
def item(name):
    options = [{"text": {"zh": f"{name} 选项 {i}", "en": f"{name} option {i} `code`"},
                "correct": i == 2,
                "why": {"zh": f"理由 {i}", "en": f"reason {i}"}} for i in range(4)]
    return {"question": {"zh": f"问题 {name}", "en": f"question {name}"}, "options": options}
my_quiz = Quiz("99", [item("one"), item("two")])
my_quiz"""


def choose(lab, label: str) -> None:
    """Click a button of the language switch."""
    lab.scroll_to(lab.cell_with("language_switch()"))
    lab.page.get_by_role("button", name=label, exact=True).click()


def languages_shown(lab) -> set[str]:
    """Return the languages that can be read; the same at the top and near the end, or fail."""
    ends = []
    for place in (slice(2), slice(-2, None)):
        shown = {
            lang: {lab.is_visible(i) for i in lab.cells_in(lang)[place]} for lang in ("zh", "en")
        }
        assert all(len(answers) == 1 for answers in shown.values()), shown
        ends.append({lang for lang, answers in shown.items() if answers == {True}})
    top, bottom = ends
    assert top == bottom
    return top


def scroll_top(lab) -> float:
    """Return how far down the notebook is scrolled."""
    return lab.page.evaluate(
        """() => jupyterapp.shell.currentWidget.content.node
            .querySelector('.jp-WindowedPanel-outer').scrollTop"""
    )


def check_switch(lab) -> None:
    """Press each button: the right cells show, the button says so, code never hides."""
    for label, languages in CHOICES.items():
        choose(lab, label)
        assert languages_shown(lab) == languages, label
        lab.scroll_to(lab.cell_with("language_switch()"))
        pressed = lab.page.get_by_role("button", pressed=True).all_inner_texts()
        assert pressed == [label]
    code = [i for i, cell in enumerate(lab.cells()) if cell["cell_type"] == "code"]
    choose(lab, "中文")
    assert all(lab.is_visible(i) for i in (code[0], code[-1]))


def check_quiz(lab) -> None:
    """Answer the first item of the quiz and see the explanation."""
    lab.scroll_to(lab.cell_with("uiz("))
    item = lab.page.locator(".gan-lessons-quiz fieldset").first
    item.get_by_role("button").first.click()
    assert len(item.get_by_role("status").filter(visible=True).first.inner_text()) > 5


def check_lesson(lab, picture: str) -> None:
    """What holds for every lesson: it runs, switches, quizzes, and shows its pictures."""
    lab.run_all(seconds=600)
    assert lab.errors() == []
    check_switch(lab)
    check_quiz(lab)
    widths = lab.pictures(picture)
    assert widths and min(widths) > 0


def test_stand_in_lesson_in_the_browser(lab, jupyter):
    lab.open_notebook(jupyter.add(stand_in(), "stand_in.ipynb"))
    check_lesson(lab, "gallery of one grey spot")


def test_an_error_in_a_cell_is_noticed(lab, jupyter):
    lab.open_notebook(jupyter.add(stand_in("1 / 0"), "failing.ipynb"))
    lab.run_all()
    assert lab.errors() == ["ZeroDivisionError: division by zero"]


@pytest.mark.timeout(900)  # for a loaded machine
@pytest.mark.skipif(not LESSON_02.exists(), reason="lesson 02 is not built yet")
def test_lesson_02_in_the_browser(lab, jupyter):
    lab.open_notebook(jupyter.add(LESSON_02, "lesson_02.ipynb"))
    check_lesson(lab, "Sixty samples")


def test_choice_is_remembered_in_the_next_notebook(lab, jupyter):
    for name in ("first.ipynb", "second.ipynb"):
        jupyter.add(stand_in(), name)
    lab.open_notebook("first.ipynb")
    lab.run_cell(2)
    choose(lab, "English")
    lab.start()  # the page is loaded again: nothing is left but what the browser remembers
    lab.open_notebook("second.ipynb")
    assert languages_shown(lab) == {"zh", "en"}
    lab.run_cell(2)
    lab.page.get_by_role("button", name="English", pressed=True).wait_for()
    assert languages_shown(lab) == {"en"}


def test_switch_works_without_local_storage(lab, jupyter):
    lab.page.add_init_script(
        """for (const name of ['getItem', 'setItem']) {
            const original = Storage.prototype[name];
            Storage.prototype[name] = function (key, ...rest) {
                if (key.startsWith('gan-lessons')) throw new DOMException('refused');
                return original.call(this, key, ...rest);
            };
        }"""
    )
    lab.open_notebook(jupyter.add(stand_in(), "no_storage.ipynb"))
    lab.run_cell(2)
    check_switch(lab)


def test_switch_works_when_only_cells_in_view_are_drawn(lab, jupyter):
    tracker = "@jupyterlab/notebook-extension:tracker"
    jupyter.set_setting(tracker, {"windowingMode": "full"})
    try:
        lab.open_notebook(jupyter.add(stand_in(), "windowed.ipynb"))
        lab.run_cell(2)
        check_switch(lab)
    finally:
        jupyter.set_setting(tracker, {})


def test_two_switches_agree_and_share_one_style(lab, jupyter):
    lab.open_notebook(jupyter.add(stand_in("language_switch()"), "two.ipynb"))
    lab.run_all()
    english = lab.page.get_by_role("button", name="English", exact=True)
    english.nth(1).wait_for()
    english.first.click()
    assert [button.get_attribute("aria-pressed") for button in english.all()] == ["true", "true"]
    assert lab.page.locator("style#gan-lessons-lang").count() == 1
    assert lab.page.get_by_role("group", name="语言 / Language").count() == 2


def test_keys_select_and_edit_without_a_jump(lab, jupyter):
    lab.open_notebook(jupyter.add(stand_in(), "keys.ipynb"))
    lab.run_cell(2)
    lab.page.get_by_role("button", name="English", exact=True).focus()
    lab.page.keyboard.press("Enter")
    count = len(lab.cells())
    lab.page.keyboard.press("b")  # must not insert a cell, as it would elsewhere
    assert len(lab.cells()) == count
    hidden, shown = lab.cells_in("zh"), lab.cells_in("en")
    assert not lab.is_visible(hidden[1])

    lab.select_cell(shown[5])
    lab.scroll_to(shown[5])
    before = scroll_top(lab)
    lab.page.keyboard.press("Shift+Enter")  # to the code cell
    lab.page.keyboard.press("Shift+Enter")  # to the hidden Chinese cell
    lab.wait_idle()
    assert lab.active_cell() == hidden[6]
    assert not lab.is_visible(hidden[6])
    assert scroll_top(lab) >= before > 0

    lab.select_cell(shown[1])
    lab.page.keyboard.press("Enter")  # edit
    assert lab.is_visible(shown[1]) and not lab.is_visible(hidden[1])
    lab.page.keyboard.press("Escape")
    lab.page.keyboard.press("Control+Enter")  # render
    assert lab.is_visible(shown[1]) and not lab.is_visible(hidden[1])


def test_quiz_explains_counts_and_reports(lab, jupyter):
    notebook = stand_in("print('answers', my_quiz.answers)", "my_quiz")
    lab.open_notebook(jupyter.add(notebook, "quiz.ipynb"))
    lab.run_cell(2)
    index = lab.cell_with("my_quiz = Quiz")
    lab.run_cell(index)
    lab.scroll_to(index)

    quiz = lab.page.locator(".gan-lessons-quiz")
    items = quiz.locator("fieldset")
    items.nth(1).wait_for()
    assert items.count() == 2
    # the live quiz is seen, not its static form
    assert lab.page.locator(".jp-OutputArea details:visible").count() == 0
    assert quiz.get_by_text("0 / 2 answered right at first try").is_visible()

    def option(item: int, number: int):
        return items.nth(item).get_by_role("button", name=f"option {number}")
    option(0, 0).click()
    assert "Not this one. reason 0" in items.nth(0).inner_text()
    assert "Right." not in items.nth(0).inner_text()
    option(0, 2).press("Enter")  # try again, by keyboard
    assert "Right. reason 2" in items.nth(0).inner_text()
    count = len(lab.cells())
    option(0, 2).press("b")  # must not insert a cell, as it would elsewhere
    assert len(lab.cells()) == count
    assert option(0, 2).get_attribute("aria-expanded") == "true"
    option(1, 2).press("Space")
    quiz.get_by_text("1 / 2 answered right at first try").wait_for()
    assert items.nth(0).locator("code", has_text=re.compile("^code$")).count() == 4

    lab.run_cell(lab.cell_with("print('answers'"))
    said = [output.get("text") for output in lab.outputs()]
    assert "answers [0, 2]\n" in said  # numbers in the file, whatever the order on the page

    choose(lab, "中文")
    lab.scroll_to(index)
    assert quiz.get_by_text("首次答对：1 / 2").is_visible()
    assert not quiz.get_by_text("answered right at first try").is_visible()
    assert quiz.locator("span[lang=en]").filter(visible=True).count() == 0

    again = len(lab.cells()) - 3  # the same quiz, drawn once more, knows its first answers
    lab.run_cell(again)
    lab.scroll_to(again)
    quiz.nth(1).get_by_text("首次答对：1 / 2").wait_for()
    assert quiz.nth(1).locator(".wrong").count() == quiz.nth(1).locator(".right").count() == 1
    orders = [[button.inner_text()[:40] for button in quiz.nth(n).get_by_role("button").all()]
              for n in (0, 1)]
    assert orders[0] == orders[1]


def test_the_switch_hides_the_other_language_in_results_and_feedback(lab, jupyter):
    results = (
        "from gan_lessons.bilingual import say, table\n"
        "from gan_lessons.exercises import lesson02\n"
        "say('距离是 {d:.2f}。', 'The distance is {d:.2f}.', d=0.5)\n"
        "table([('模型', 'model'), 'KL'], [[('训练后', 'trained'), '0.02']])\n"
        "verdict = lesson02.generator_loss(lambda f: ...)"
    )
    lab.open_notebook(jupyter.add(stand_in(results), "results.ipynb"))
    lab.run_cell(2)
    lab.run_cell(lab.cell_with("import say, table"))
    lab.scroll_to(lab.cell_with("import say, table"))
    english = ["The distance is 0.50.", "model", "trained", "Not attempted"]
    chinese = ["距离是 0.50。", "模型", "训练后", "还没有作答"]
    area = lab.page.locator(".jp-OutputArea").filter(has_text="0.50")

    def seen(words):
        return [area.get_by_text(word).filter(visible=True).count() > 0 for word in words]
    assert all(seen(english) + seen(chinese))
    for label, shown, hidden in (("中文", chinese, english), ("English", english, chinese)):
        choose(lab, label)
        lab.scroll_to(lab.cell_with("import say, table"))
        assert all(seen(shown)) and not any(seen(hidden))


def test_quiz_text_is_never_html(lab, jupyter):
    code = (
        "text = {lang: '<img src=x> `<b>`' for lang in ('zh', 'en')}\n"
        "options = [{'text': text, 'correct': i == 0, 'why': text} for i in range(3)]\n"
        "Quiz('99', [{'question': text, 'options': options}])"
    )
    lab.open_notebook(jupyter.add(stand_in(code), "hostile.ipynb"))
    lab.run_cell(2)
    lab.run_cell(lab.cell_with("Quiz('99'"))
    quiz = lab.page.locator(".gan-lessons-quiz")
    quiz.get_by_role("button").first.click()
    assert "<img src=x>" in quiz.locator(".why").first.inner_text()
    assert quiz.locator("img").count() == 0
