"""The quiz at the end of a lesson: four questions, and a reason for every option."""

import json
from collections.abc import Iterator
from html import escape
from pathlib import Path

import traitlets

from gan_lessons.util import both

from .page import style
from .twin import TwinWidget

HERE = Path(__file__).parent
QUIZZES = HERE / "quizzes"
LETTERS = "ABCDEFGH"  # names of the options


class Quiz(TwinWidget):
    """Single-choice questions; the explanation of an option appears when it is clicked.

    `items` is the list in the quiz file. `answers` holds the number of the option clicked first for
    each question, counted from 0, or None while the question is open.
    """

    _esm = HERE / "quiz.js"
    _css = style(HERE / "quiz.css")

    lesson = traitlets.Unicode()
    items = traitlets.List().tag(sync=True)
    answers = traitlets.List().tag(sync=True)

    def __init__(self, lesson: str, items: list[dict]):
        super().__init__(lesson=lesson, items=items, answers=[None] * len(items))

    def twin_text(self) -> str:
        """Return the fixed text that nbval compares."""
        return f"Quiz of lesson {self.lesson}: {len(self.items)} questions (run this cell)"

    def twin_html(self) -> str:
        """Return every question with its options, the answers folded away."""
        questions = "".join(f"<li>{_item_html(item)}</li>" for item in self.items)
        hint = {"zh": "运行本单元格，即可点选作答。", "en": "Run this cell to answer by clicking."}
        return f'<div class="gan-lessons-bilingual"><p>{_html(hint)}</p><ol>{questions}</ol></div>'


def quiz(lesson: str) -> Quiz:
    """Show the quiz of a lesson, for example `quiz("02")`."""
    paths = sorted(QUIZZES.glob("lesson_*.json"))
    files = {path.stem.removeprefix("lesson_"): path for path in paths}
    if lesson not in files:
        known = ", ".join(files)
        raise ValueError(
            both(
                f"没有第 {lesson!r} 课的测验。现有测验的课：{known}。",
                f"There is no quiz for lesson {lesson!r}. Lessons with a quiz: {known}.",
            )
        )
    return Quiz(lesson, load(files[lesson]))


def load(path: Path) -> list[dict]:
    """Read a quiz file and return its items; raise a ValueError that lists what is wrong."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:  # not JSON, or not UTF-8
        problems = [(f"不是合法的 JSON（{error}）", f"not valid JSON ({error})")]
    else:
        problems = list(_problems(content))
    if problems:
        zh, en = zip(*problems, strict=True)
        raise ValueError(
            both(
                f"测验文件 {path.name} 有误：{'；'.join(zh)}。",
                f"The quiz file {path.name} has mistakes: {'; '.join(en)}.",
            )
        )
    return content["items"]


def _problems(content) -> Iterator[tuple[str, str]]:
    """Yield each mistake in a quiz file, in Chinese and in English."""
    items = _get(content, "items", list)
    if not items:
        yield "缺少题目列表 items", "the list items is missing or empty"
    for number, item in enumerate(items, start=1):
        if not _has_both(_get(item, "question", dict)):
            yield (
                f"第 {number} 题的 question 缺中文或英文",
                f"item {number}: question lacks zh or en",
            )
        options = _get(item, "options", list)
        if not 3 <= len(options) <= len(LETTERS):
            yield f"第 {number} 题应有 3 到 8 个选项", f"item {number} needs 3 to 8 options"
        marks = [option.get("correct") if isinstance(option, dict) else None for option in options]
        if {type(mark) for mark in marks} != {bool} or marks.count(True) != 1:
            yield (
                f"第 {number} 题的正确选项应恰好 1 个（每个选项都要写明 true 或 false）",
                f"item {number} needs exactly 1 correct option (true or false on each)",
            )
        for letter, option in zip(LETTERS, options, strict=False):
            for key in ("text", "why"):
                if not _has_both(_get(option, key, dict)):
                    yield (
                        f"第 {number} 题选项 {letter} 的 {key} 缺中文或英文",
                        f"item {number}, option {letter}: {key} lacks zh or en",
                    )


def _get(holder, key: str, kind: type):
    """Return holder[key] if that exists and is of the kind, else an empty one."""
    value = holder.get(key) if isinstance(holder, dict) else None
    return value if isinstance(value, kind) else kind()


def _has_both(text: dict) -> bool:
    return all(isinstance(text.get(lang), str) and text[lang].strip() for lang in ("zh", "en"))


def _html(text: dict) -> str:
    """Return both languages as HTML, `code` between backticks as in quiz.js."""
    spans = []
    for lang in ("zh", "en"):
        parts = escape(text[lang]).split("`")
        marked = "".join(f"<code>{part}</code>" if i % 2 else part for i, part in enumerate(parts))
        spans.append(f'<span lang="{lang}">{marked}</span>')
    return "<br>".join(spans)


def _item_html(item: dict) -> str:
    options = list(zip(LETTERS, item["options"], strict=False))
    asked = "".join(f"<p>{letter}. {_html(option['text'])}</p>" for letter, option in options)
    answered = "".join(
        f"<p>{letter} {'✓' if option['correct'] else '✗'} {_html(option['why'])}</p>"
        for letter, option in options
    )
    summary = "<summary>答案与解释 / Answer and explanations</summary>"
    return f"<p>{_html(item['question'])}</p>{asked}<details>{summary}{answered}</details>"
