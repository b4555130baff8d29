"""Make what a teacher hands out: the course in one language, to be used without a network.

    python notebooks/handouts.py                    a set in Chinese and one in English
    python notebooks/handouts.py zh                 only Chinese
    python notebooks/handouts.py en 01 02           only the lessons whose name starts so
    python notebooks/handouts.py zh --out FOLDER    into FOLDER/zh instead of handouts/zh

A set has `student/` (notebooks without outputs), `teacher/` (with outputs, and the solutions),
`html/` (a page a lesson), `slides/` (reveal.js) and `index.html`. The notebooks must be built.
nbconvert does the work: preprocessors choose the language and cut the slides, and the templates
in `templates/` leave out what nbconvert would load from elsewhere. Formulas become MathML, which
browsers draw themselves.
"""

import argparse
import base64
import hashlib
import json
import re
import shutil
import sys
import tempfile
from copy import deepcopy
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from unicodedata import east_asian_width

import nbformat
from bs4 import BeautifulSoup
from build import HERE, LANGUAGES, language, notebooks, unwrap
from jinja2 import pass_context
from math_core import LatexToMathML
from nbconvert.exporters import HTMLExporter, NotebookExporter, SlidesExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbconvert.preprocessors import ClearOutputPreprocessor, Preprocessor
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from traitlets import Unicode

TEMPLATES = HERE / "templates"
REVEAL = ("LICENSE", "dist/reveal.js", "dist/reveal.css", "dist/theme/white.css",
          "dist/plugin/notes.js")
RECORD = ".handouts.json"  # in each set: {file: its hash}, to tell our files from the user's
LINES = 17  # about as many lines of prose fit on a slide
LINE = 100  # columns of a line of prose; a Chinese character takes two
WORDS = {
    "zh": {"course": "生成对抗网络课", "lesson": "课", "page": "网页", "slides": "幻灯片",
           "notebook": "笔记本", "teacher": "生成对抗网络课 · 教师用", "outputs": "含输出的笔记本",
           "solutions": "答案与教学笔记"},
    "en": {"course": "GAN Lessons", "lesson": "Lesson", "page": "Page", "slides": "Slides",
           "notebook": "Notebook", "teacher": "GAN Lessons · for teachers",
           "outputs": "Notebook with outputs", "solutions": "Solutions and notes"},
}


class HandoutError(Exception):
    """A set that cannot be made, and what to do about it."""


# ---- one language ----

def without_other(html: str, lang: str) -> str:
    """Return the HTML of an output without the elements in other languages."""
    soup = BeautifulSoup(html, "html.parser")
    for element in soup.find_all(lang=[other for other in LANGUAGES if other != lang]):
        for neighbour in (element.find_next_sibling(), element.find_previous_sibling()):
            if neighbour is not None and neighbour.name == "br":  # it parted the two languages
                neighbour.decompose()
                break
        element.decompose()
    return str(soup)


class OneLanguage(Preprocessor):
    """Keep the prose and the results of one language; the first heading is the title."""

    language = Unicode()

    def preprocess(self, nb, resources):
        """Drop the cells of the other language, then look at each of those left."""
        nb.cells = [cell for cell in nb.cells if language(cell) in (self.language, None)]
        nb, resources = super().preprocess(nb, resources)
        prose = "\n".join(cell.source for cell in nb.cells if cell.cell_type == "markdown")
        headings = re.findall(r"^# (.+)", prose, re.MULTILINE)
        nb.metadata.title = headings[0].replace("`", "") if headings else ""
        return nb, resources

    def preprocess_cell(self, cell, resources, index):
        """Unwrap prose, so that no language switch hides it; keep one language of outputs."""
        if cell.cell_type == "markdown":
            cell.source = unwrap(cell.source)
        for output in cell.get("outputs", []):
            if "text/html" in output.get("data", {}):
                output.data["text/html"] = without_other(output.data["text/html"], self.language)
        return cell, resources


# ---- pages ----

class OfflineRenderer(IPythonRenderer):
    """Markdown to HTML with formulas in MathML, pictures embedded, links to pages."""

    latex = LatexToMathML(annotation=True)

    def block_math(self, body):
        """Return a displayed formula."""
        return self.latex.convert_with_local_state(body, displaystyle=True)

    def inline_math(self, body):
        """Return a formula within a line."""
        return self.latex.convert_with_local_state(body, displaystyle=False)

    def latex_environment(self, name, body):
        r"""Return a formula in \begin{name} ... \end{name}."""
        return self.block_math(rf"\begin{{{name}}}{body}\end{{{name}}}")

    def image(self, text, url, title=None):
        """Return a picture with its bytes in the page."""
        file = HERE / url
        if file.is_file():
            data = base64.b64encode(file.read_bytes()).decode()
            url = f"data:image/{file.suffix[1:]};base64,{data}"
        return super().image(text, url, title)

    def link(self, text, url, title=None):
        """Return a link; one to a notebook or text of the course goes to its page."""
        url = re.sub(r"^(\w+)\.(ipynb|md)(?=#|$)", r"../html/\1.html", url)
        return super().link(text, url, title)


class Page(HTMLExporter):
    """A page that loads nothing."""

    @pass_context
    def markdown2html(self, context, source):
        """Turn the Markdown of a cell into HTML, as a filter of the templates."""
        renderer = OfflineRenderer(escape=False, exclude_anchor_links=True)
        return MarkdownWithMath(renderer=renderer).render(source)


class Slides(Page, SlidesExporter):
    """Slides that load reveal.js from the folder beside, and nothing else."""


# ---- slides ----

def blocks(markdown: str) -> Iterator[str]:
    """Cut Markdown at its blank lines, but not inside a fence or <details>."""
    block, inside = [], False
    for line in [*markdown.splitlines(), ""]:
        if line.startswith("```") or "<details" in line or "</details" in line:
            inside = not inside
        if line.strip() or inside:
            block.append(line)
        elif block:
            yield "\n".join(block)
            block = []


def pieces(cell: NotebookNode) -> Iterator[NotebookNode]:
    """Cut a cell into what may stand on different slides: blocks, code, each picture."""
    if "slideshow" in cell.metadata or cell.cell_type == "raw":
        yield cell  # as its author says
    elif cell.cell_type == "markdown":
        yield from (new_markdown_cell(block) for block in blocks(cell.source))
    else:
        texts = [output for output in cell.outputs if "image/png" not in output.get("data", {})]
        pictures = [output for output in cell.outputs if output not in texts]
        yield new_code_cell(cell.source, outputs=texts)
        yield from (new_code_cell("", outputs=[picture]) for picture in pictures)


def lines(text: str) -> int:
    """Return about how many lines a text takes on a slide."""
    widths = [sum(1 + (east_asian_width(letter) in "WF") for letter in line)
              for line in text.splitlines()]
    return sum(1 + width // LINE for width in widths)


def height(cell: NotebookNode) -> float:
    """Return about how many lines of a slide a piece takes."""
    if cell.cell_type != "code":
        return lines(cell.source) + 0.5
    text = "".join(output.get("text", "") for output in cell.outputs)
    figures = sum("data" in output for output in cell.outputs)
    return 0.8 * (lines(cell.source) + lines(text)) + 0.5 + figures * 0.7 * LINES


class SlideBreaks(Preprocessor):
    """Begin a slide at each heading, and one below it when the slide is full."""

    def preprocess(self, nb, resources):
        """Cut the cells into pieces and deal these out to slides."""
        dealt, filled = [], 0.0
        for piece in (piece for cell in nb.cells for piece in pieces(cell)):
            heading = re.match("#{1,3} ", piece.source) if piece.cell_type == "markdown" else None
            filled += height(piece)
            if "slideshow" in piece.metadata:
                kind = piece.metadata.slideshow.get("slide_type", "-")
            elif heading:
                kind = "subslide" if heading[0] == "### " else "slide"
            else:
                alone = dealt and dealt[-1].source.startswith("#")  # a heading keeps its text
                kind = "subslide" if filled > LINES and not alone else "-"
            if kind in ("slide", "subslide"):
                filled = height(piece)
            piece.metadata.slideshow = {"slide_type": kind}
            dealt.append(piece)
        nb.cells = dealt
        return nb, resources


# ---- a set ----

def digest(file: Path) -> str:
    """Return a hash of a file's contents."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def contents(folder: Path) -> dict[str, str]:
    """Return {path: hash} of all files in a set, but for its record."""
    return {file.relative_to(folder).as_posix(): digest(file)
            for file in sorted(folder.rglob("*")) if file.is_file() and file.name != RECORD}


def check_ours(folder: Path) -> None:
    """Raise HandoutError if `folder` has anything in it that an earlier run did not write."""
    if folder.exists() and not folder.is_dir():
        raise HandoutError(f"{folder} is a file; choose another folder with --out (make: OUT=...)")
    record = folder / RECORD
    ours = json.loads(record.read_text(encoding="utf-8")) if record.exists() else {}
    others = [name for name, value in contents(folder).items() if ours.get(name) != value]
    if others:
        raise HandoutError(f"{folder} has files that are not from here or were changed since "
                           f"({', '.join(others[:3])}); nothing was written. Move them away, or "
                           "choose another folder with --out (make: OUT=...)")


def write(exporter, nb: NotebookNode, target: Path) -> None:
    """Convert a notebook, which stays as it is, and write the result."""
    text, _ = exporter.from_notebook_node(nb)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text.rstrip() + "\n", encoding="utf-8")


def from_markdown(text: str, title: str) -> NotebookNode:
    """Return a notebook that is one Markdown cell."""
    return new_notebook(cells=[new_markdown_cell(text)], metadata={"title": title})


def index(lang: str, heading: str, rows: dict[str, dict[str, str]]) -> NotebookNode:
    """Return a list of lessons; `rows` is {title: {what is linked: where it is}}."""
    words = WORDS[lang]
    items = [f"- {lesson}<br>" + " · ".join(f"[{words[what]}]({url})" for what, url in links.items())
             for lesson, links in rows.items()]
    return from_markdown("\n".join([f"# {words[heading]}\n", *items]), words[heading])


def make_set(lang: str, chosen: dict[str, NotebookNode], target: Path) -> None:
    """Write the set in one language to the empty folder `target`."""
    look = {"language_code": lang, "extra_template_basedirs": [str(TEMPLATES)],
            "extra_template_paths": [str(TEMPLATES)],
            "exclude_input_prompt": True, "exclude_output_prompt": True}
    with_outputs = NotebookExporter()
    without_outputs = NotebookExporter(preprocessors=[ClearOutputPreprocessor(enabled=True)])
    page = Page(template_name="page", **look)
    slides = Slides(template_name="slides", reveal_url_prefix="reveal.js", reveal_theme="white",
                    preprocessors=[SlideBreaks(enabled=True)], **look)
    for_all, for_teachers = {}, {}
    for name, both in chosen.items():
        nb, _ = OneLanguage(language=lang).preprocess(deepcopy(both), {})
        write(with_outputs, nb, target / "teacher" / "notebooks" / f"{name}.ipynb")
        if name.startswith("solutions/"):
            for_teachers[nb.metadata.title] = {"solutions": f"notebooks/{name}.ipynb"}
            continue
        write(without_outputs, nb, target / "student" / "notebooks" / f"{name}.ipynb")
        write(page, nb, target / "html" / f"{name}.html")
        write(slides, nb, target / "slides" / f"{name}.html")
        for_teachers[nb.metadata.title] = {"outputs": f"notebooks/{name}.ipynb"}
        for_all[nb.metadata.title] = {"page": f"html/{name}.html", "slides": f"slides/{name}.html",
                                      "notebook": f"student/notebooks/{name}.ipynb"}
    write(page, index(lang, "course", for_all), target / "index.html")
    write(page, index(lang, "teacher", for_teachers), target / "teacher" / "index.html")
    for text in HERE.glob("*.md"):
        nb = from_markdown(text.read_text(encoding="utf-8"), text.stem)
        write(page, nb, target / "html" / f"{text.stem}.html")


def add_files(target: Path) -> None:
    """Put beside the notebooks what lessons read and show, and beside the slides reveal.js."""
    for kind in ("student", "teacher"):
        (target / kind / "images").mkdir()
        for picture in (HERE.parent / "images").glob("*.png"):
            shutil.copy(picture, target / kind / "images")
        for file in [*HERE.glob("*.md"), *HERE.glob("*.json")]:
            shutil.copy(file, target / kind / "notebooks")
    for name in REVEAL:
        copy = target / "slides" / "reveal.js" / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(files("pyreveal") / "revealjs" / name, copy)


def make_handouts(lang: str, chosen: dict[str, NotebookNode], out: Path) -> None:
    """Put a new set into `out`/`lang`, in place of one that an earlier run wrote there."""
    target = out / lang
    check_ours(target)
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out, prefix=".unfinished-") as folder:
        unfinished = Path(folder) / lang
        make_set(lang, chosen, unfinished)
        add_files(unfinished)
        (unfinished / RECORD).write_text(json.dumps(contents(unfinished)), encoding="utf-8")
        check_ours(target)  # still
        shutil.rmtree(target, ignore_errors=True)
        unfinished.rename(target)
    print(target / "index.html", flush=True)


def read(names: list[str]) -> dict[str, NotebookNode]:
    """Return {name: notebook} of the lessons chosen and their solutions."""
    chosen = {}
    for name, (source, notebook) in notebooks().items():
        if names and not name.removeprefix("solutions/").startswith(tuple(names)):
            continue
        if not notebook.exists():
            raise HandoutError(f"{name} is not built: run `make notebooks` first")
        chosen[name] = nbformat.read(notebook, as_version=4)
    return chosen


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    parser = argparse.ArgumentParser(description="Make handouts: notebooks, pages, slides.")
    parser.add_argument("language", nargs="?", choices=[*LANGUAGES, "both"], default="both")
    parser.add_argument("names", nargs="*", metavar="NAME",
                        help="only the lessons whose name starts so, e.g. 02, and their solutions")
    parser.add_argument("--out", type=Path, default=HERE.parent / "handouts", metavar="FOLDER",
                        help="where the sets go (default: handouts)")
    options = parser.parse_args(arguments)
    lessons = [name for name in notebooks() if not name.startswith("solutions/")]
    for name in options.names:
        if not any(lesson.startswith(name) for lesson in lessons):
            parser.error(f"no lesson is called {name}...; there are: {', '.join(lessons)}")
    try:
        chosen = read(options.names)
        for lang in LANGUAGES if options.language == "both" else [options.language]:
            make_handouts(lang, chosen, options.out)
    except HandoutError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
