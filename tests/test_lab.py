"""The widgets without a browser: the quiz files, and what a saved notebook keeps."""

import copy
import json
import re
import sys
from html import escape
from html.parser import HTMLParser
from pathlib import Path

import pytest

from gan_lessons.lab import Quiz, base, language_switch, quiz
from gan_lessons.lab.base import LessonWidget
from gan_lessons.lab.quiz import LETTERS, QUIZZES

sys.path.insert(0, str(Path(__file__).parents[1] / "notebooks"))
import build

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
FILES = sorted(QUIZZES.glob("lesson_*.json"))


def items(path) -> list[dict]:
    """Return the items of a quiz file."""
    return json.loads(path.read_text(encoding="utf-8"))["items"]


def texts(item: dict) -> list[dict]:
    """Return every bilingual text of an item."""
    options = item["options"]
    return [item["question"], *(o["text"] for o in options), *(o["why"] for o in options)]


def static(widget) -> tuple[str, str]:
    """Return what a widget leaves in a saved notebook: its plain text and its HTML."""
    bundle, _ = widget._repr_mimebundle_()
    return bundle["text/plain"], bundle["text/html"]


@pytest.fixture
def displayed(monkeypatch) -> list[dict]:
    """The data of what is displayed from now on."""
    shown = []
    monkeypatch.setattr(base, "display", lambda data, raw, **options: shown.append(data))
    return shown


@pytest.fixture
def content() -> dict:
    """The content of a quiz file."""
    return json.loads((QUIZZES / "lesson_02.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
class TestEveryQuizFile:
    def test_has_four_items_and_its_own_number(self, path):
        content = json.loads(path.read_text(encoding="utf-8"))
        assert path.stem == "lesson_" + content["lesson"]
        assert len(quiz(content["lesson"]).items) >= 4

    def test_has_one_right_option_and_a_reason_for_each(self, path):
        for item in items(path):
            assert 3 <= len(item["options"]) <= len(LETTERS)
            assert sorted(o["correct"] for o in item["options"])[-2:] == [False, True]
            for text in texts(item):
                assert text["zh"].strip() and text["en"].strip(), text

    def test_says_the_same_in_both_languages(self, path):
        for text in (text for item in items(path) for text in texts(item)):
            zh, en = text["zh"], text["en"]
            for pattern in (r"`[^`]*`", r"\d+(?:\.\d+)?"):
                in_zh, in_en = sorted(re.findall(pattern, zh)), sorted(re.findall(pattern, en))
                assert in_zh == in_en, f"{zh}\n{en}"
            assert zh.count("`") % 2 == 0, zh
            only_code_or_number = re.fullmatch(r"`[^`]*`|[\d.]+", zh)
            assert re.search(r"[\u4e00-\u9fff]", zh) or only_code_or_number, zh
            assert not re.search(r"[\u4e00-\u9fff]", en), en

    def test_does_not_repeat_an_option(self, path):
        for item in items(path):
            options = [option["text"]["en"] for option in item["options"]]
            assert len(set(options)) == len(options)


def test_quiz_starts_unanswered():
    widget = quiz("02")
    assert isinstance(widget, Quiz)
    assert widget.answers == [None] * len(widget.items)


@pytest.mark.parametrize("lesson", ["99", "2", "", "../quizzes/lesson_02"])
def test_unknown_lesson_is_refused_with_the_list_of_lessons(lesson):
    with pytest.raises(ValueError) as refusal:
        quiz(lesson)
    zh, en = str(refusal.value).splitlines()
    assert repr(lesson) in zh and repr(lesson) in en
    assert "02" in zh.split("：")[1] and "02" in en.split(":")[1]


@pytest.mark.parametrize("make", [language_switch, lambda: quiz("02")])
def test_static_forms_are_the_same_every_time_and_the_widget_stays_live(make):
    first, second = make(), make()
    plain, html = static(first)
    assert (plain, html) == static(second)
    assert plain.isascii() and "0x" not in plain
    assert 'lang="zh"' in html and 'lang="en"' in html
    assert first._repr_mimebundle_()[0][WIDGET_VIEW]["model_id"] == first.model_id


def test_the_static_form_is_an_output_of_its_own(displayed, monkeypatch):
    """A saved notebook opened with a new kernel shows it, and says to run the cell again."""
    monkeypatch.delenv("VSCODE_PID", raising=False)
    widget = language_switch()
    widget._ipython_display_()
    form, live = displayed
    assert WIDGET_VIEW not in form and live[WIDGET_VIEW]["model_id"] == widget.model_id
    assert form["text/html"] == widget.static_html() + base.NEW_KERNEL
    assert "重新运行这个单元" in base.NEW_KERNEL and "Run this cell again" in base.NEW_KERNEL
    build.forget_live(form)
    build.forget_live(live)
    assert form == {"text/plain": widget.static_text(), "text/html": widget.static_html()}
    assert live == {}  # the course's own notebooks keep the static form alone


def test_elsewhere_than_in_jupyterlab_a_widget_is_one_output(displayed, monkeypatch):
    monkeypatch.setenv("VSCODE_PID", "1")
    language_switch()._ipython_display_()
    assert [WIDGET_VIEW in data and "text/html" in data for data in displayed] == [True]


def test_the_static_switch_says_what_it_is():
    plain, html = static(language_switch())
    assert plain == "Language switch: zh | en | both (run this cell)"
    assert "运行本单元格" in html and "run this cell" in html


def test_the_static_quiz_holds_every_text(content):
    plain, html = static(quiz("02"))
    number = len(content["items"])
    assert plain == f"Quiz of lesson 02: {number} questions (run this cell)"
    read = HtmlText(html)
    folded = " ".join(read.folded)
    for item in content["items"]:
        for language in ("zh", "en"):
            assert item["question"][language].replace("`", "") in read.text
            for option in item["options"]:
                assert option["text"][language].replace("`", "") in read.text
                assert option["why"][language].replace("`", "") in folded
    assert folded.count("✓") == read.text.count("✓") == number  # no answer outside <details>
    assert read.tags.count("details") == number


@pytest.mark.parametrize("path", sorted(QUIZZES.glob("lesson_*.json")), ids=lambda p: p.stem)
def test_the_stored_lesson_shows_the_quiz_of_its_file(path):
    """A quiz that was edited after its notebook was built would fail only under nbval."""
    lesson = path.stem.removeprefix("lesson_")
    notebook, = (Path(__file__).parents[1] / "notebooks").glob(f"{lesson}_*.ipynb")
    stored = [output["data"] for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]
              if "".join(cell["source"]) == f'lab.quiz("{lesson}")' for output in cell["outputs"]]
    assert ["".join(data["text/html"]) for data in stored] == [quiz(lesson).static_html()]


def test_options_are_shown_in_another_order_each_time():
    orders = {str(quiz("02").order) for _ in range(20)}
    assert len(orders) > 10
    assert all(sorted(order) == [0, 1, 2, 3] for order in quiz("02").order)


def test_the_static_quiz_does_not_let_html_through(content):
    item = copy.deepcopy(content["items"][0])
    hostile = "<script>alert(1)</script>"
    for text in texts(item):
        text["en"] = hostile
    _, html = static(Quiz("99", [item]))
    assert hostile not in html and escape(hostile) in html


class HtmlText(HTMLParser):
    """The text of a piece of HTML, all of it and what is inside <details>, and its tags."""

    def __init__(self, html: str):
        super().__init__()
        self.text, self.folded, self.tags, self._depth = "", [], [], 0
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag == "details":
            self._depth += 1
            self.folded.append("")

    def handle_endtag(self, tag):
        self._depth -= tag == "details"

    def handle_data(self, data):
        self.text += data
        if self._depth:
            self.folded[-1] += data


def test_a_widget_without_a_static_form_still_leaves_a_fixed_line():
    class Plain(LessonWidget):
        _esm = "export default { render() {} }"
    data, _ = Plain()._repr_mimebundle_()
    assert data["text/plain"] == "Plain (run this cell)"
    assert "text/html" not in data and "image/png" not in data
