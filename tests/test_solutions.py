"""A solutions notebook answers the quiz of its lesson, in the quiz's own words."""

from pathlib import Path

import pytest

from gan_lessons.lab.quiz import QUIZZES, quiz

LESSONS = [path.stem.removeprefix("lesson_") for path in sorted(QUIZZES.glob("lesson_*.json"))]
SOLUTIONS = Path(__file__).parents[1] / "notebooks" / "src" / "solutions"


@pytest.mark.parametrize("lesson", LESSONS)
@pytest.mark.parametrize("lang, head", [("zh", "## 小测验的答案"),
                                        ("en", "## Answers to the quiz")])
def test_solutions_answer_the_quiz_in_its_words(lesson, lang, head):
    book, = SOLUTIONS.glob(f"{lesson}_*.py")
    answers = book.read_text(encoding="utf-8").split(head)[1]
    for number, item in enumerate(quiz(lesson).items, 1):
        right, = (option["text"] for option in item["options"] if option.get("correct"))
        words = right if isinstance(right, str) else right[lang]
        assert f"\n{number}. {words}" in answers
