"""Where a lesson is cut into slides, for handouts.py: an nbconvert preprocessor."""

import re
from collections.abc import Iterator
from unicodedata import east_asian_width

from bs4 import BeautifulSoup
from build import is_picture
from nbconvert.preprocessors import Preprocessor
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

LINES = 18  # about as many lines of prose fit on a slide
LINE = 100  # columns of a line of prose; a Chinese character takes two
CODE_LINE = 0.78  # the height of a line of code, in lines of prose
FIGURE = 14  # the height of a figure: its caption fits below
ROW = 1.4  # the height of a row of a table
CLOSED = 1.5  # the height of a fold, which is closed at first
CAPTION = re.compile(r"(<details><summary>)?(\*\*)?(图|Fig\.) \d")


class SlideBreaks(Preprocessor):
    """Begin a slide at each heading, and another below it when a slide is full.

    A cell that has a `slideshow` entry in its metadata stays whole and goes where that says.
    """

    def preprocess(self, nb, resources):
        """Cut the cells into pieces and deal these out to slides."""
        dealt, filled = [], 0.0
        for piece in (piece for cell in nb.cells for piece in pieces(cell)):
            heading = heading_of(piece)
            filled += height(piece)
            if "slideshow" in piece.metadata:
                kind = piece.metadata.slideshow.get("slide_type", "-")
            elif heading:
                kind = "slide" if heading in ("#", "##") else "subslide"
            elif dealt and CAPTION.match(piece.source):  # stays below its figure
                kind = "-"
            elif filled > LINES and not (dealt and heading_of(dealt[-1])):  # it keeps its text
                kind = "subslide"
            else:
                kind = "-"
            if kind in ("slide", "subslide"):
                filled = height(piece)
            piece.metadata.slideshow = {"slide_type": kind}
            dealt.append(piece)
        nb.cells = dealt
        return nb, resources


def heading_of(piece: NotebookNode) -> str | None:
    """Return "#", "##" or "###" for a piece of prose that begins with such a heading."""
    match = re.match("(#{1,3}) ", piece.source) if piece.cell_type == "markdown" else None
    return match[1] if match else None


def pieces(cell: NotebookNode) -> Iterator[NotebookNode]:
    """Cut a cell into what may stand on different slides: each block, the code, each picture."""
    if "slideshow" in cell.metadata or cell.cell_type == "raw":
        yield cell
    elif cell.cell_type == "markdown":
        yield from (new_markdown_cell(block) for block in blocks(cell.source))
    else:
        outputs = [part for output in cell.outputs for part in parts(output)]
        whole = [output for output in outputs if not stands_alone(output)]
        together = new_code_cell(cell.source, outputs=whole)
        if whole and cell.source and height(together) > LINES:  # results on a slide of their own
            yield new_code_cell(cell.source)
            yield new_code_cell("", outputs=whole)
        else:
            yield together
        yield from (new_code_cell("", outputs=[output]) for output in outputs
                    if stands_alone(output))


def parts(output: NotebookNode) -> Iterator[NotebookNode]:
    """Cut a numbered list, such as a quiz, into its items; leave other outputs whole."""
    html = BeautifulSoup(output.get("data", {}).get("text/html", ""), "html.parser")
    items = html.select("ol > li")
    for number, item in enumerate(items, start=1):
        yield new_output("display_data", {"text/html": f'<ol start="{number}">{item}</ol>'})
    if not items:
        yield output


def blocks(markdown: str) -> Iterator[str]:
    """Cut Markdown at its blank lines, but not inside a fence or <details>."""
    block, inside = [], False
    for line in [*markdown.splitlines(), ""]:
        if line.startswith("```") or ("<details" in line) != ("</details" in line):
            inside = not inside
        if line.strip() or inside:
            block.append(line)
        elif block:
            yield "\n".join(block)
            block = []


def stands_alone(output: NotebookNode) -> bool:
    """Say whether an output may stand on another slide than its code."""
    return is_picture(output) or output.get("data", {}).get("text/html", "").startswith("<ol")


def height(piece: NotebookNode) -> float:
    """Return about how many lines of prose a piece is high."""
    if piece.cell_type != "code":
        if piece.source.startswith("<details"):
            return CLOSED
        figures = FIGURE * len(re.findall(r"^!\[", piece.source, re.MULTILINE))
        rows = (ROW - 1) * len(re.findall(r"^\|", piece.source, re.MULTILINE))
        return lines(re.sub(r"^!\[.*", "", piece.source)) + figures + rows + 0.5
    total = CODE_LINE * lines(piece.source) + 0.5
    for output in piece.outputs:
        if is_picture(output):
            total += FIGURE
        elif "data" in output:
            html = output.data.get("text/html", output.data.get("text/plain", ""))
            soup = BeautifulSoup(html, "html.parser")
            for row in soup.select("tr"):
                total += ROW
                row.extract()
            total += lines(soup.get_text("\n", strip=True))
        else:
            total += CODE_LINE * lines(output.get("text", ""))
    return total


def lines(text: str) -> int:
    """Return how many lines of a slide a text takes."""
    widths = [sum(2 if east_asian_width(letter) in "WF" else 1 for letter in line)
              for line in text.splitlines()]
    return sum(1 + width // LINE for width in widths)
