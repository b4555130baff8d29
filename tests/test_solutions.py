"""A solutions notebook answers the quiz of its lesson, in the quiz's own words."""

import json
from pathlib import Path

import pytest

from gan_lessons import lab

QUIZZES = sorted((Path(lab.__file__).parent / "quizzes").glob("lesson_*.json"))
SOLUTIONS = Path(__file__).parents[1] / "notebooks" / "src" / "solutions"


@pytest.mark.parametrize("path", QUIZZES, ids=lambda path: path.stem)
@pytest.mark.parametrize("lang, head", [("zh", "## 小测验的答案"),
                                        ("en", "## Answers to the quiz")])
def test_solutions_answer_the_quiz_in_its_words(path, lang, head):
    book, = SOLUTIONS.glob(f"{path.stem.removeprefix('lesson_')}_*.py")
    answers = book.read_text(encoding="utf-8").split(head)[1]
    for number, item in enumerate(json.loads(path.read_text(encoding="utf-8"))["items"], 1):
        right, = (option["text"] for option in item["options"] if option.get("correct"))
        words = right if isinstance(right, str) else right[lang]
        assert f"\n{number}. {words}" in answers
