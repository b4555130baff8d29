"""Results in Chinese and in English: a sentence, or a table, that obeys the language switch."""

from collections.abc import Sequence
from html import escape

from IPython.display import display
from wcwidth import wcswidth

from gan_lessons.util import BLANK_LINE, tell

Words = str | tuple[str, str]  # the same in both languages, or (Chinese, English)


class Bilingual:
    """Something to show that has a Chinese and an English form.

    JupyterLab shows the HTML, in which the language switch hides one of the two; GitHub's readers,
    a terminal and nbval see the text.
    """

    def __init__(self, text: str, html: str):
        self.text, self.html = text, html

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return f'{BLANK_LINE}<div class="gan-lessons-bilingual">{self.html}</div>'


def say(zh: str, en: str, /, **values) -> None:
    """Show one result as a sentence in both languages.

    Args:
        zh: The Chinese sentence, a template for `str.format`.
        en: The English one, with the same fields.
        **values: What the fields stand for.

    Example:
        say("反向 KL 是 {kl:.3f}。", "The reverse KL is {kl:.3f}.", kl=report.kl)
    """
    sentences = {"zh": zh.format(**values), "en": en.format(**values)}
    _show(Bilingual("\n".join(sentences.values()),
                    "".join(f'<p lang="{lang}">{_lines(sentence)}</p>'
                            for lang, sentence in sentences.items())))


def table(head: Sequence[Words], rows: Sequence[Sequence[Words]]) -> None:
    """Show a table; each title and each cell is one string, or a pair (Chinese, English).

    A pair of equal words, such as a method's own name, counts as one string.

    Raises:
        ValueError: A row is longer or shorter than the head.
    """
    if any(len(row) != len(head) for row in rows):
        raise ValueError(f"every row needs {len(head)} cells, as the head has; "
                         f"got rows of {[len(row) for row in rows]}")
    head, *rows = [[_one_if_equal(cell) for cell in row] for row in (head, *rows)]
    cells = "".join(f"<tr>{''.join(f'<td>{_cell(cell)}</td>' for cell in row)}</tr>"
                    for row in rows)
    titles = "".join(f"<th>{_cell(title)}</th>" for title in head)
    _show(Bilingual("\n".join(_columns([head, *rows])),
                    f"<table><thead><tr>{titles}</tr></thead><tbody>{cells}</tbody></table>"))


def _show(words: Bilingual) -> None:
    """Show words in a notebook; a script's console may not know their characters."""
    try:
        display(words)
    except UnicodeEncodeError:
        tell(repr(words))


def _one_if_equal(words: Words) -> Words:
    """Return a pair of equal words as one string, anything else as it is."""
    return words if isinstance(words, str) or len(set(words)) == 2 else words[0]


def _columns(rows: Sequence[Sequence[Words]]) -> list[str]:
    """Return the rows as text, the columns under each other; a Chinese character is two wide."""
    texts = [[cell if isinstance(cell, str) else " / ".join(cell) for cell in row] for row in rows]
    widths = [max(map(wcswidth, column)) for column in zip(*texts, strict=True)]
    return ["  ".join(text + " " * (width - wcswidth(text))
                      for text, width in zip(row, widths, strict=True)).rstrip() for row in texts]


def _cell(words: Words) -> str:
    """Return what stands in one cell, as HTML."""
    if isinstance(words, str):
        return escape(words)
    zh, en = words
    return f'<span lang="zh">{escape(zh)}</span> <span lang="en">{escape(en)}</span>'


def _lines(text: str) -> str:
    """Return text as HTML that keeps its line breaks."""
    return escape(text).replace("\n", "<br>")
