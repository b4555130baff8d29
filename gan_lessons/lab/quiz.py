"""The quiz at the end of a lesson: a few questions, and a reason for every option.

The questions are in quizzes/lesson_NN.json; tests/test_lab.py checks that each file is complete.
"""

import json
import random
from html import escape
from pathlib import Path

import traitlets

from gan_lessons.util import both

from .base import LessonWidget, script, style

HERE = Path(__file__).parent
QUIZZES = HERE / "quizzes"
LETTERS = "ABCDEFGH"  # names of the options


class Quiz(LessonWidget):
    """Single-choice questions; the explanation of an option appears when it is clicked.

    `items` is the list in the quiz file. `order` says for each question in which order its options
    are shown, another one each time. `answers` holds the number in the file, counted from 0, of
    the option clicked first for each question, or None while the question is open.
    """

    _esm = script(HERE / "quiz.js")
    _css = style(HERE / "quiz.css")

    lesson = traitlets.Unicode()
    items = traitlets.List().tag(sync=True)
    order = traitlets.List().tag(sync=True)
    answers = traitlets.List().tag(sync=True)

    def __init__(self, lesson: str, items: list[dict]):
        super().__init__(lesson=lesson, items=items, answers=[None] * len(items),
                         order=[_shuffled(item, random.Random()) for item in items])

    def static_text(self) -> str:
        """Return the fixed text that nbval compares."""
        return f"Quiz of lesson {self.lesson}: {len(self.items)} questions (run this cell)"

    def static_html(self) -> str:
        """Return every question with its options, the answers folded away."""
        questions = "".join(f"<li>{_item_html(item)}</li>" for item in self.items)
        hint = {"zh": "运行本单元格，即可点选作答。", "en": "Run this cell to answer by clicking."}
        return f'<div class="gan-lessons-bilingual"><p>{_html(hint)}</p><ol>{questions}</ol></div>'


def quiz(lesson: str) -> Quiz:
    """Show the quiz of a lesson, for example `quiz("02")`."""
    files = {path.stem.removeprefix("lesson_"): path
             for path in sorted(QUIZZES.glob("lesson_*.json"))}
    if lesson not in files:
        known = ", ".join(files)
        raise ValueError(both(
            f"没有第 {lesson!r} 课的测验。现有测验的课：{known}。",
            f"There is no quiz for lesson {lesson!r}. Lessons with a quiz: {known}."))
    return Quiz(lesson, json.loads(files[lesson].read_text(encoding="utf-8"))["items"])


def _html(text: dict) -> str:
    """Return both languages as HTML, `code` between backticks as in quiz.js."""
    spans = []
    for lang in ("zh", "en"):
        parts = escape(text[lang]).split("`")
        marked = "".join(f"<code>{part}</code>" if i % 2 else part for i, part in enumerate(parts))
        spans.append(f'<span lang="{lang}">{marked}</span>')
    return "<br>".join(spans)


def _shuffled(item: dict, chance: random.Random) -> list[int]:
    """Return the numbers of an item's options in an order of chance."""
    return chance.sample(range(len(item["options"])), len(item["options"]))


def _item_html(item: dict) -> str:
    asked = answered = ""
    order = _shuffled(item, random.Random(item["question"]["en"]))  # a saved page does not change
    for letter, number in zip(LETTERS, order, strict=False):
        option = item["options"][number]
        asked += f"<p>{letter}. {_html(option['text'])}</p>"
        answered += f"<p>{letter} {'✓' if option['correct'] else '✗'} {_html(option['why'])}</p>"
    summary = ('<summary><span lang="zh">答案与解释</span> '
               '<span lang="en">Answer and explanations</span></summary>')
    return f"<p>{_html(item['question'])}</p>{asked}<details>{summary}{answered}</details>"
