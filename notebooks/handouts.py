"""Make what a teacher hands out: the course in one language, to be used without a network.

    python notebooks/handouts.py                    a set in Chinese and a set in English
    python notebooks/handouts.py en 01 02           in English, the lessons whose name starts so
    python notebooks/handouts.py zh --out FOLDER    into FOLDER/zh instead of handouts/zh

A set has `student/` (notebooks without outputs) and `teacher/` (with outputs, and the solutions),
each with the package and all that its notebooks read, `html/` (a page a lesson), `slides/`
(reveal.js) and `index.html`. The notebooks must be built.
nbconvert does the work: preprocessors choose the language and cut the slides, and the templates
in `templates/` leave out what nbconvert would load from elsewhere. Formulas become MathML, which
browsers draw without a script.
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
from importlib.resources import files
from pathlib import Path

import nbformat
from bs4 import BeautifulSoup
from build import FOLDED, HERE, LANGUAGES, language, notebooks, unwrap
from jinja2 import pass_context
from math_core import LatexToMathML
from nbconvert.exporters import HTMLExporter, NotebookExporter, SlidesExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbconvert.preprocessors import ClearOutputPreprocessor, Preprocessor
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell, new_notebook
from slide_breaks import SlideBreaks
from traitlets import Unicode

TEMPLATES = str(HERE / "templates")
RECORD = ".handouts.json"  # in each set: {file: its hash}, to tell our files from the user's
REVEAL = ("LICENSE", "dist/reveal.js", "dist/reveal.css", "dist/theme/white.css",
          "dist/plugin/notes.js")
WORDS = {"zh": ("生成对抗网络课", "网页", "幻灯片", "笔记本（用 JupyterLab 打开）"),
         "en": ("GAN Lessons", "page", "slides", "notebook (open it in JupyterLab)")}
TEACHER = {"zh": "答案与教学笔记", "en": "Solutions and notes for teachers"}
START = {"zh": """# 生成对抗网络课

笔记本要用到的都在这个文件夹里。先装好 Python 3.10 或更新的版本，再在这里打开终端，运行：

    python -m venv .venv
    .venv/bin/python -m pip install . -c constraints.txt
    .venv/bin/jupyter lab notebooks/00_start_here.ipynb

第二行要联网，下载几个 GB；以后都不用联网。Windows 上把 `.venv/bin/` 换成 `.venv\\Scripts\\`。\
`constraints.txt` 里是测试过的版本，要 Python 3.11 以上；更旧的 Python 请去掉 `-c constraints.txt`。
""", "en": """# GAN Lessons

All that the notebooks need is in this folder. Install Python 3.10 or newer, open a terminal here:

    python -m venv .venv
    .venv/bin/python -m pip install . -c constraints.txt
    .venv/bin/jupyter lab notebooks/00_start_here.ipynb

The second line needs the internet and downloads a few GB; after that nothing does. On Windows \
write `.venv\\Scripts\\` for `.venv/bin/`. `constraints.txt` has the versions that were tested and \
needs Python 3.11 or newer; with an older one leave out `-c constraints.txt`.
"""}


class HandoutError(Exception):
    """A set that cannot be made, and what to do about it."""


# ---- one language ----

class OneLanguage(Preprocessor):
    """Keep the prose and the results of one language; the first heading is the title."""

    language = Unicode()

    def preprocess(self, nb, resources):
        """Drop the cells of the other language and those about two, then look at each left."""
        nb.cells = [cell for cell in nb.cells if language(cell) in (self.language, None)
                    and "two-languages" not in cell.metadata.get("tags", [])]
        nb, resources = super().preprocess(nb, resources)
        prose = "\n".join(cell.source for cell in nb.cells if cell.cell_type == "markdown")
        headings = re.findall(r"^# (.+)", prose, re.MULTILINE)
        nb.metadata.title = headings[0].replace("`", "") if headings else ""
        return nb, resources

    def preprocess_cell(self, cell, resources, index):
        """Unwrap prose, so that no language switch hides it; keep one language of outputs."""
        if cell.cell_type == "markdown":
            cell.source = unwrap(cell.source)
        elif cell.cell_type == "code":
            cell.source = cell.source.replace("lab.language_switch()",
                                              f'lab.language_switch("{self.language}")')
            cell.outputs = [output for output in cell.outputs if not is_switch(output)]
            for output in cell.outputs:
                if "text/html" in output.get("data", {}):
                    output.data["text/html"] = self.html(output.data["text/html"])
        return cell, resources

    def html(self, html: str) -> str:
        """Return the HTML of an output without what is in the other language."""
        soup = BeautifulSoup(html, "html.parser")
        for element in soup.find_all(lang=[lang for lang in LANGUAGES if lang != self.language]):
            for neighbour in (element.next_sibling, element.previous_sibling):
                if neighbour is not None and neighbour.name == "br":  # between the languages
                    neighbour.extract()
            element.extract()
        return str(soup)


def is_switch(output: NotebookNode) -> bool:
    """Say whether an output is the language switch, which has nothing to switch here."""
    return output.get("data", {}).get("text/plain", "").startswith("Language switch:")


def in_language(markdown: str, lang: str) -> str:
    """Return the part of a text in one language, where each of the two has a heading of its own."""
    parts = [part for part in re.split(r"(?m)^(?=# )", markdown) if part.startswith("# ")]
    if len(parts) != len(LANGUAGES):
        return markdown
    return parts[LANGUAGES.index(lang)]


def title_of(markdown: str, lang: str) -> str:
    """Return the first heading, or its half in one language: 术语表 / Glossary."""
    heading = re.search(r"^# (.+)", markdown, re.MULTILINE)[1]
    halves = heading.split(" / ")
    return halves[LANGUAGES.index(lang)] if len(halves) == len(LANGUAGES) else heading


class Unfold(Preprocessor):
    """Show every output, also that between a prediction and its answer."""

    def preprocess_cell(self, cell, resources, index):
        """Drop what JupyterLab folds by."""
        for fold in FOLDED:
            cell.metadata.pop(fold, None)
        return cell, resources


class NoCodeLinks(Preprocessor):
    """Leave out links to lines of the package: a page has no package beside it."""

    def preprocess_cell(self, cell, resources, index):
        """Keep the words of such links."""
        for output in cell.get("outputs", []):
            if "../gan_lessons/" in output.get("data", {}).get("text/html", ""):
                soup = BeautifulSoup(output.data["text/html"], "html.parser")
                for link in soup.select('a[href^="../gan_lessons/"]'):
                    link.unwrap()
                output.data["text/html"] = str(soup)
        return cell, resources


# ---- pages and slides ----

class OfflineRenderer(IPythonRenderer):
    """Markdown to HTML with formulas in MathML, pictures embedded, links to pages."""

    latex = LatexToMathML()

    def block_math(self, body):
        """Return a displayed formula."""
        return self.latex.convert_with_local_state(body, displaystyle=True)

    def inline_math(self, body):
        """Return a formula within a line."""
        return self.latex.convert_with_local_state(body, displaystyle=False)

    def latex_environment(self, name, body):
        r"""Return a formula between \begin{name} and \end{name}."""
        return self.block_math(rf"\begin{{{name}}}{body}\end{{{name}}}")

    def heading(self, text, level, **attributes):
        """Return a heading with the anchor that GitHub gives it."""
        words = BeautifulSoup(text, "html.parser").text.lower()
        anchor = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        return super().heading(text, level, id=anchor, **attributes)

    def image(self, text, url, title=None):
        """Return a picture with its bytes in the page."""
        file = HERE / url
        if file.is_file():
            data = base64.b64encode(file.read_bytes()).decode()
            url = f"data:image/{file.suffix[1:]};base64,{data}"
        return super().image(text, url, title)

    def link(self, text, url, title=None):
        """Return a link; one to a notebook or text of the course goes to its page."""
        return super().link(text, re.sub(r"^(\w+)\.(ipynb|md)\b", r"../html/\1.html", url), title)


class Page(HTMLExporter):
    """A page that loads nothing."""

    @pass_context
    def markdown2html(self, context, source):
        """Turn the Markdown of a cell into HTML, as a filter of the templates."""
        renderer = OfflineRenderer(escape=False, exclude_anchor_links=True)
        return MarkdownWithMath(renderer=renderer).render(source)


class Slides(Page, SlidesExporter):
    """Slides that load reveal.js from the folder beside them, and nothing else."""


def exporters(lang: str) -> dict:
    """Return the exporter for each kind of handout."""
    look = {"extra_template_basedirs": [TEMPLATES], "extra_template_paths": [TEMPLATES],
            "language_code": lang, "exclude_input_prompt": True, "exclude_output_prompt": True}
    clear, cut = ClearOutputPreprocessor(enabled=True), SlideBreaks(enabled=True)
    unfold, words = Unfold(enabled=True), NoCodeLinks(enabled=True)
    return {"student": NotebookExporter(preprocessors=[unfold, clear]),
            "teacher": NotebookExporter(preprocessors=[unfold]),
            "html": Page(template_name="page", preprocessors=[words], **look),
            "slides": Slides(template_name="slides", reveal_url_prefix="reveal.js",
                             reveal_theme="white", preprocessors=[unfold, words, cut], **look)}


# ---- a set ----

def write(exporter, nb: NotebookNode, target: Path) -> None:
    """Convert a notebook, which stays as it is, and write the result."""
    text, _ = exporter.from_notebook_node(nb)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text.rstrip() + "\n", encoding="utf-8")


def text_page(markdown: str, title: str) -> NotebookNode:
    """Return a notebook of one Markdown cell."""
    return new_notebook(cells=[new_markdown_cell(markdown)], metadata={"title": title})


def make_set(lang: str, chosen: dict[str, NotebookNode], target: Path) -> None:
    """Write the set in one language to `target`, a new folder."""
    make = exporters(lang)
    course, *kinds = WORDS[lang]
    index, solutions = f"# {course}\n", f"# {TEACHER[lang]}\n"
    for name, both in chosen.items():
        nb, _ = OneLanguage(language=lang).preprocess(deepcopy(both), {})
        write(make["teacher"], nb, target / f"teacher/notebooks/{name}.ipynb")
        if name.startswith("solutions/"):
            page = f"{name.removeprefix('solutions/')}.html"
            write(make["html"], nb, target / "teacher" / page)
            solutions += f"\n- [{nb.metadata.title}]({page})\n"
            continue
        links = f"html/{name}.html", f"slides/{name}.html", f"student/notebooks/{name}.ipynb"
        for kind, link in zip(("html", "slides", "student"), links, strict=True):
            write(make[kind], nb, target / link)
        links = [f"[{kind}]({link})" for kind, link in zip(kinds, links, strict=True)]
        index += f"\n- {nb.metadata.title}\n  {' · '.join(links)}\n"
    for file in sorted(HERE.glob("*.md")):
        text = in_language(file.read_text(encoding="utf-8"), lang)
        title = title_of(text, lang)
        write(make["html"], text_page(text, title), target / f"html/{file.stem}.html")
        for kind in ("student", "teacher"):
            (target / kind / "notebooks" / file.name).write_text(text, encoding="utf-8")
        index += f"\n- [{title}](html/{file.stem}.html)\n"
    write(make["html"], text_page(index, course), target / "index.html")
    write(make["html"], text_page(solutions, TEACHER[lang]), target / "teacher/index.html")


def add_files(lang: str, target: Path) -> None:
    """Put beside the notebooks what they read and show, and beside the slides reveal.js."""
    root, reveal = HERE.parent, Path(str(files("pyreveal"))) / "revealjs"
    package = [file for file in root.glob("gan_lessons/**/*")
               if file.is_file() and "__pycache__" not in file.parts]
    beside = [*root.glob("images/*.png"), *HERE.glob("*.json"), *root.glob("studies/*.json"),
              *package, *(root / name for name in ("pyproject.toml", "constraints.txt", "LICENSE"))]
    copies = {target / "slides/reveal.js" / name: reveal / name for name in REVEAL}
    copies |= {target / kind / file.relative_to(root): file
               for kind in ("student", "teacher") for file in beside}
    for copy, original in copies.items():
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(original, copy)
    for kind in ("student", "teacher"):
        (target / kind / "README.md").write_text(START[lang], encoding="utf-8")


def contents(folder: Path) -> dict[str, str]:
    """Return {path: hash} of the files in a set, but for its record."""
    return {file.relative_to(folder).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
            for file in sorted(folder.rglob("*")) if file.is_file() and file.name != RECORD}


def check_ours(folder: Path) -> None:
    """Raise HandoutError if `folder` has anything that an earlier run did not write."""
    record = folder / RECORD
    try:
        ours = dict(json.loads(record.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):  # not there, or damaged: nothing is taken for ours
        ours = {}
    others = [name for name, value in contents(folder).items() if ours.get(name) != value]
    if others or (folder.exists() and not folder.is_dir()):
        raise HandoutError(f"{folder} is not as this command left it ({', '.join(others[:3])}), so "
                           "it stays as it is. Move your files away, or choose another folder: "
                           "--out FOLDER, make handouts OUT=FOLDER")


def make_handouts(lang: str, chosen: dict[str, NotebookNode], out: Path) -> None:
    """Put a new set into `out`/`lang`, in place of one that an earlier run wrote there."""
    target = out / lang
    check_ours(target)
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out, prefix=".unfinished-") as folder:
        unfinished = Path(folder) / lang
        make_set(lang, chosen, unfinished)
        add_files(lang, unfinished)
        (unfinished / RECORD).write_text(json.dumps(contents(unfinished)), encoding="utf-8")
        check_ours(target)  # still
        if target.exists():
            shutil.rmtree(target)
        unfinished.rename(target)
    print(target / "index.html", flush=True)


def read(names: list[str]) -> dict[str, NotebookNode]:
    """Return {name: notebook} of the lessons chosen, by the beginnings of names, and solutions."""
    known = notebooks(HERE)
    for name in names:
        if not any(lesson.startswith(name) for lesson in known):
            raise HandoutError(f"no lesson is called {name}...; there are: {', '.join(known)}")
    chosen = {name: path for name, (_, path) in known.items()
              if not names or name.startswith(tuple(names))
              or name.removeprefix("solutions/").startswith(tuple(names))}
    if names and all(name.startswith("solutions/") for name in chosen):
        raise HandoutError("a set needs a lesson, not only its solution: name it, such as "
                           f"{min(chosen).removeprefix('solutions/')}")
    for name, path in chosen.items():
        if not path.exists():
            raise HandoutError(f"{name} is not built: run `make notebooks` first")
    return {name: nbformat.read(path, as_version=4) for name, path in chosen.items()}


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    parser = argparse.ArgumentParser(description="Make notebooks, pages and slides to hand out.")
    parser.add_argument("language", nargs="?", choices=[*LANGUAGES, "both"], default="both")
    parser.add_argument("names", nargs="*", metavar="NAME",
                        help="only the lessons whose name starts so, e.g. 02, and their solutions")
    parser.add_argument("--out", type=Path, default=HERE.parent / "handouts", metavar="FOLDER",
                        help="where the sets go (default: handouts)")
    options = parser.parse_args(arguments)
    languages = LANGUAGES if options.language == "both" else [options.language]
    try:
        chosen = read(options.names)
        for lang in languages:
            make_handouts(lang, chosen, options.out)
    except (HandoutError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
