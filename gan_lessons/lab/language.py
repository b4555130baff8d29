"""The language switch: read a lesson in Chinese, in English or in both."""

from pathlib import Path

import traitlets

from gan_lessons.util import both

from .base import LessonWidget, script, style

HERE = Path(__file__).parent


class LanguageSwitch(LessonWidget):
    """Three buttons; what they do happens in the page, so all of it is in language.js."""

    _esm = script(HERE / "language.js")
    _css = style(HERE / "language.css")

    first = traitlets.Unicode().tag(sync=True)  # "zh", "en", or "": what the browser remembers

    def static_text(self) -> str:
        """Return the fixed text that nbval compares."""
        return "Language switch: zh | en | both (run this cell)"

    def static_html(self) -> str:
        """Return one line in each language that says how to get the buttons."""
        return (
            '<p><span lang="zh">语言切换：运行本单元格，即可选择中文、英文或双语。</span><br>'
            '<span lang="en">Language switch: run this cell to choose Chinese, English or both.'
            "</span></p>")


def language_switch(first: str = "") -> LanguageSwitch:
    """Show the buttons 中文 / English / 双语 both.

    A choice hides the Markdown cells of the other language. The browser remembers it: in the next
    notebook it holds again as soon as the cell with the switch runs. On Google Colab, where every
    output has a frame of its own, the switch cannot reach the text, and both languages stay.

    Args:
        first: The language to begin with, "zh" or "en", whatever the browser remembers; for
            notebooks in one language, see `make handouts`.

    Raises:
        ValueError: `first` is another word.
    """
    if first not in ("", "zh", "en"):
        raise ValueError(both(f"语言是 \"zh\" 或 \"en\"，收到 {first!r}。",
                              f"The language is \"zh\" or \"en\", got {first!r}."))
    return LanguageSwitch(first=first)
