"""The widgets without a browser: quiz files, their checks, and the static twins."""

import copy
import json
import re
from html import escape
from html.parser import HTMLParser

import pytest

from gan_lessons.lab import Quiz, language_switch, quiz
from gan_lessons.lab.quiz import QUIZZES, load
from gan_lessons.lab.twin import TwinWidget

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
FILES = sorted(QUIZZES.glob("lesson_*.json"))


def texts(item: dict) -> list[dict]:
    """Return every bilingual text of an item."""
    options = item["options"]
    return [item["question"], *(o["text"] for o in options), *(o["why"] for o in options)]


def twins(widget) -> tuple[str, str]:
    """Return what a widget leaves in a saved notebook: its plain text and its HTML."""
    bundle, _ = widget._repr_mimebundle_()
    return bundle["text/plain"], bundle["text/html"]


@pytest.fixture
def content() -> dict:
    """A correct quiz file, to be spoiled."""
    return json.loads((QUIZZES / "lesson_02.json").read_text(encoding="utf-8"))


@pytest.fixture
def problems(tmp_path):
    """Return a function that writes a quiz file and returns the message of the refusal."""

    def refuse(content) -> str:
        path = tmp_path / "lesson_99.json"
        text = content if isinstance(content, str) else json.dumps(content)
        path.write_text(text, encoding="utf-8")
        with pytest.raises(ValueError) as refusal:
            load(path)
        zh, en = str(refusal.value).splitlines()
        assert zh.startswith("测验文件 lesson_99.json 有误：")
        return en.removeprefix("The quiz file lesson_99.json has mistakes: ")

    return refuse


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
class TestEveryQuizFile:
    def test_has_four_items_and_its_own_number(self, path):
        assert len(load(path)) == 4
        assert path.stem == "lesson_" + json.loads(path.read_text(encoding="utf-8"))["lesson"]

    def test_says_the_same_in_both_languages(self, path):
        for text in (text for item in load(path) for text in texts(item)):
            zh, en = text["zh"], text["en"]
            for pattern in (r"`[^`]*`", r"\d+(?:\.\d+)?"):
                in_zh, in_en = sorted(re.findall(pattern, zh)), sorted(re.findall(pattern, en))
                assert in_zh == in_en, f"{zh}\n{en}"
            assert zh.count("`") % 2 == 0, zh
            assert re.search(r"[\u4e00-\u9fff]", zh) and not re.search(r"[\u4e00-\u9fff]", en), text

    def test_does_not_put_every_right_option_in_the_same_place(self, path):
        places = {[o["correct"] for o in item["options"]].index(True) for item in load(path)}
        assert len(places) > 1

    def test_does_not_repeat_an_option(self, path):
        for item in load(path):
            options = [option["text"]["en"] for option in item["options"]]
            assert len(set(options)) == len(options)


def test_quiz_starts_unanswered():
    widget = quiz("02")
    assert isinstance(widget, Quiz)
    assert widget.answers == [None, None, None, None]


@pytest.mark.parametrize("lesson", ["99", "2", "", "../quizzes/lesson_02"])
def test_unknown_lesson_is_refused_with_the_list_of_lessons(lesson):
    with pytest.raises(ValueError) as refusal:
        quiz(lesson)
    zh, en = str(refusal.value).splitlines()
    assert repr(lesson) in zh and repr(lesson) in en
    assert "02" in zh.split("：")[1] and "02" in en.split(":")[1]


def test_correct_file_is_accepted(content, tmp_path):
    path = tmp_path / "lesson_99.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    assert load(path) == content["items"]


def test_broken_json_is_refused(problems):
    assert "not valid JSON" in problems("{")


@pytest.mark.parametrize("content", [{}, [], {"items": []}, {"items": "no list"}])
def test_file_without_items_is_refused(problems, content):
    assert problems(content) == "the list items is missing or empty."


@pytest.mark.parametrize("count", [0, 2, 4])
def test_other_than_one_correct_option_is_refused(content, problems, count):
    for number, option in enumerate(content["items"][1]["options"]):
        option["correct"] = number < count
    assert problems(content) == "item 2 needs exactly 1 correct option (true or false on each)."


@pytest.mark.parametrize("count", [2, 9])
def test_too_few_or_too_many_options_are_refused(content, problems, count):
    right, wrong, *_ = sorted(content["items"][0]["options"], key=lambda o: not o["correct"])
    content["items"][0]["options"] = [right, *[wrong] * (count - 1)]
    assert problems(content) == "item 1 needs 3 to 8 options."


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("spoil", ["missing", "", " \n", 7])
def test_text_missing_in_one_language_is_refused(content, problems, language, spoil):
    question = content["items"][3]["question"]
    option = content["items"][2]["options"][1]
    for text in (question, option["text"], option["why"]):
        if spoil == "missing":
            del text[language]
        else:
            text[language] = spoil
    assert problems(content) == (
        "item 3, option B: text lacks zh or en; "
        "item 3, option B: why lacks zh or en; "
        "item 4: question lacks zh or en."
    )


def test_item_without_any_content_is_refused(content, problems):
    content["items"][0] = None
    assert "item 1: question lacks zh or en" in problems(content)


@pytest.mark.parametrize("make", [language_switch, lambda: quiz("02")])
def test_twins_are_the_same_every_time_and_the_widget_stays_live(make):
    first, second = make(), make()
    plain, html = twins(first)
    assert (plain, html) == twins(second)
    assert plain.isascii() and "0x" not in plain
    assert 'lang="zh"' in html and 'lang="en"' in html
    assert first._repr_mimebundle_()[0][WIDGET_VIEW]["model_id"] == first.model_id


def test_switch_twins_say_what_it_is():
    plain, html = twins(language_switch())
    assert plain == "Language switch: zh | en | both (run this cell)"
    assert "运行本单元格" in html and "run this cell" in html


def test_quiz_twins_hold_every_text(content):
    plain, html = twins(quiz("02"))
    assert plain == "Quiz of lesson 02: 4 questions (run this cell)"
    read = HtmlText(html)
    folded = " ".join(read.folded)
    for item in content["items"]:
        for language in ("zh", "en"):
            assert item["question"][language].replace("`", "") in read.text
            for option in item["options"]:
                assert option["text"][language].replace("`", "") in read.text
                assert option["why"][language].replace("`", "") in folded
    assert folded.count("✓") == read.text.count("✓") == 4  # no answer outside <details>
    assert read.tags.count("details") == 4


def test_quiz_twin_does_not_let_html_through(content):
    item = copy.deepcopy(content["items"][0])
    hostile = "<script>alert(1)</script>"
    for text in texts(item):
        text["en"] = hostile
    _, html = twins(Quiz("99", [item]))
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


def test_correct_must_be_said_of_every_option_and_be_a_boolean(content, problems):
    del content["items"][0]["options"][0]["correct"]
    content["items"][1]["options"][0]["correct"] = "yes"
    assert problems(content).count("exactly 1 correct option") == 2


def test_a_widget_without_a_twin_of_its_own_still_leaves_a_fixed_line():
    class Plain(TwinWidget):
        _esm = "export default { render() {} }"
    data, _ = Plain()._repr_mimebundle_()
    assert data["text/plain"] == "Plain (run this cell)"
    assert data["text/html"] == "<p>Plain (run this cell)</p>"
