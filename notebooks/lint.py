"""Check that the two languages say the same and that the stored outputs are fit to publish.

    python notebooks/lint.py            every notebook
    python notebooks/lint.py 02         only those whose name starts so

Each check takes a notebook and yields problems in words, e.g. "cell 14/15: number 0.5 only in
zh". Cells are counted from 1. A cell tagged `allow-cjk` may hold Chinese where English is due.
Lessons of the second edition (`second_edition`) have captions, and no bare verdicts.
"""

import ast
import json
import math
import re
import string
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import nbformat
from build import (
    ANSWER,
    HERE,
    LANGUAGES,
    OPTION,
    WIDGET_VIEW,
    drift,
    from_source,
    is_picture,
    language,
    notebooks,
    unwrap,
)
from nbformat import NotebookNode

NOTEBOOK_LIMIT = 1_000_000  # bytes
IMAGE_LIMIT = 120_000  # bytes, decoded
ALT_LENGTH = 15  # an alt text is longer than this
ENGLISH_WORDS = 8  # a line of a Chinese cell with more of them and no Chinese is untranslated
ALLOW_CJK = "allow-cjk"
QUIZ_ITEMS = 4  # a quiz has so many at least
QUIZZES = HERE.parent / "gan_lessons" / "lab" / "quizzes"
BILINGUAL_CALLS = ("say", "table")  # Chinese in a code cell stands only inside these calls
BONES = {"what-changed": 1, "predict": 3, "exercise": 3, "failure-of-the-day": 1, "quiz": 1,
         "recap": 1, "going-further": 1}

CJK = r"[\u3400-\u4dbf\u4e00-\u9fff]"
FULL_WIDTH = re.compile(r"[\u3000-\u303f\uff01-\uff60\uffe0-\uffe6]")
HALF_WIDTH_IN_CHINESE = re.compile(rf"{CJK}[*_]*[,.:;?!]|[,:;?!][*_]* ?{CJK}")
QUOTED = re.compile(r'"[^"\n]*"|“[^”]*”|‘[^’]*’|《[^》]*》|「[^」]*」')
ABSOLUTE_PATH = re.compile(r"(?<![\w.~/:-])/(?:root|work|tmp|home|Users)\b|\b[A-Z]:\\+Users\b")
MEMORY_ADDRESS = re.compile(r"\bat 0x[0-9a-fA-F]+")
ANOTHER_NAME = re.compile(r"(?<![名对])(?:[译称叫][作为成做]?|also called)[^，。；：（）,.;:()\n]*")
MATHS = re.compile(r"\$\$.+?\$\$|(?<![\\$])\$(?!\s)[^$]+?(?<![\s\\])\$", re.DOTALL)
DETAILS = re.compile(r"<details\b.*?</details>", re.DOTALL)
LIST_ITEM = re.compile(r"^[ \t]*(?:[-*+]|\d+[.)])[ \t]+", re.MULTILINE)
SOURCE_CODE = re.compile(r"(?<![\w.,/])00[0-4](?![\w%]|\.\w)")  # a source's old file number
VERDICTS = (": True", ": False")  # the end of a line that shows no number
CAPTION = {"zh": "图 ", "en": "Fig. "}  # how a figure is named: 图 2-3, Fig. 2-3
HIDDEN = "\N{OBJECT REPLACEMENT CHARACTER}"  # stands in the text where code or maths was


# ---- prose: a Chinese cell and its English twin ----

class Prose(NamedTuple):
    """A Markdown cell taken apart."""

    kept: dict[str, Counter]  # what a translation must keep, by kind
    shape: dict[str, list | int]  # heading levels, list items, table rows
    images: list[tuple[str, str]]  # (alt text, target)
    text: str  # the words, with HIDDEN in place of code and maths


def dissect(body: str) -> Prose:
    """Take the Markdown of one cell apart."""
    kept = {}
    images = []

    def take(kind, pattern, replacement=HIDDEN, flags=0):
        """Move what `pattern` finds from the text to `kept`; its group `x` is what counts."""
        nonlocal text
        found = re.compile(pattern, flags)
        kept.setdefault(kind, Counter()).update(match["x"] for match in found.finditer(text))
        text = found.sub(replacement, text)

    text = re.sub(r"<!--.*?-->", "", body, flags=re.DOTALL)
    take("code block", r"^[ \t]*(?P<f>```+|~~~+)(?P<x>.*?)^[ \t]*(?P=f)[ \t]*$",
         flags=re.DOTALL | re.MULTILINE)
    take("inline code", r"(?<!`)(?P<f>`+)(?!`)(?P<x>.+?)(?<!`)(?P=f)(?!`)", flags=re.DOTALL)
    kept["maths"] = Counter({re.sub(r"\s", "", maths) for maths in MATHS.findall(text)})
    text = MATHS.sub(HIDDEN, text)
    for tag in re.findall(r"<img\b[^>]*>", text):
        images.append((attribute(tag, "alt"), attribute(tag, "src")))
    images += re.findall(r"!\[([^\]]*)\]\(([^)\s]+)", text)
    take("link", r"""(?:src|href)=["'](?P<x>[^"']*)["']""", "")
    take("link", r"!?\[(?P<words>[^\]]*)\]\((?P<x>[^)\s]+)[^)]*\)", r"\g<words>")
    take("link", r"<?(?P<x>https?://[\w./~%#?&=+@:-]+)>?")
    text = re.sub(r"</?\w[^>]*>", "", text)
    shape = {"heading levels": [len(marks) for marks in re.findall(r"^(#+)\s", text, re.MULTILINE)],
             "list items": len(LIST_ITEM.findall(text)),
             "table rows": len(re.findall(r"^[ \t]*\|", text, re.MULTILINE))}
    text = LIST_ITEM.sub("", text)
    numbers = re.findall(r"\d+(?:,\d{3})*(?:\.\d+)?(?:\s?[%％])?", text)
    kept["number"] = Counter(re.sub(r"[,\s]", "", number).replace("％", "%") for number in numbers)
    return Prose(kept, shape, images, text)


def attribute(tag: str, name: str) -> str:
    """Return the value of an HTML tag's attribute, or "" when it has none."""
    match = re.search(rf"""\b{name}=(["'])(.*?)\1""", tag, re.DOTALL)
    return match[2] if match else ""


def pair_problems(zh: str, en: str) -> Iterator[str]:
    """Yield what the Chinese body of a pair has and the English has not, and the reverse."""
    first, second = dissect(zh), dissect(en)
    for kind in first.kept:
        for lang, ours, theirs in (("zh", first.kept[kind], second.kept[kind]),
                                   ("en", second.kept[kind], first.kept[kind])):
            for item in sorted(ours - theirs):
                how = "more often" if item in theirs else "only"
                yield f"{kind} {' '.join(item.split())} {how} in {lang}"
    for what, ours in first.shape.items():
        if ours != second.shape[what]:
            yield f"{what} differ: zh {ours}, en {second.shape[what]}"


class Term(NamedTuple):
    """A row of the glossary."""

    english: str
    chinese: str
    also: list[str]  # what others call it: in lessons only as another name
    avoid: list[str]  # not in lessons at all


def read_glossary(path: Path = HERE / "glossary.md") -> list[Term]:
    """Return the rows of the glossary's table."""
    rows = [[column.strip() for column in line.strip().strip("|").split("|")]
            for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    return [Term(english, chinese, words_in(also), words_in(avoid))
            for english, chinese, also, avoid in rows[2:]]


def words_in(column: str) -> list[str]:
    """Return the words of a column, without the brackets that say who uses them."""
    return [word for word in re.split(r"[,、]\s*", re.sub(r"（[^）]*）", "", column)) if word]


def term_problems(text: str, glossary: list[Term]) -> Iterator[str]:
    """Yield each word that is not the glossary's; what stands in quotes is free.

    The names that others use are free, too, where the text says that they are names.
    """
    text = QUOTED.sub(HIDDEN, text).lower()
    unnamed = ANOTHER_NAME.sub(HIDDEN, text)
    for term in glossary:
        for words, where in ((term.avoid, text), (term.also, unnamed)):
            for word in words:
                if word.lower() in where:
                    yield f"says {word}; the glossary has {term.english} = {term.chinese}"


def language_problems(cell: NotebookNode, lang: str, glossary: list[Term]) -> Iterator[str]:
    """Yield problems of one tagged cell by itself: its language, typography and markup."""
    body = unwrap(cell.source)
    prose = dissect(body)
    if not body.strip():
        yield f"the {lang} cell is empty"
    elif lang == "zh":
        yield from chinese_problems(prose.text)
    elif ALLOW_CJK not in cell.metadata.get("tags", []):
        yield from english_problems(prose.text, glossary)
    for match in re.finditer(r"^(?![ \t]*\|).*?\S  +(?=\S)", prose.text, re.MULTILINE):
        yield f"doubled space after {match[0].split()[-1]!r}"
    yield from term_problems(prose.text, glossary)
    if re.search(r"</summary>(?!\s*\n[ \t]*\n)", body):
        yield "<details> needs a blank line after </summary>"
    for alt, target in prose.images:
        if not alt.strip():
            yield f"image {target} has no alt text"


def chinese_problems(text: str) -> Iterator[str]:
    """Yield what is wrong with the words of a Chinese cell."""
    if not re.search(CJK, text):
        yield "the zh cell has no Chinese"
    for match in HALF_WIDTH_IN_CHINESE.finditer(text):
        yield f"half-width punctuation beside Chinese: {around(text, match)}"
    for line in QUOTED.sub(HIDDEN, text).splitlines():
        if not re.search(CJK, line) and len(re.findall(r"[A-Za-z]{2,}", line)) > ENGLISH_WORDS:
            yield f"a line of the zh cell is English: {line.strip()[:40]!r}"


def english_problems(text: str, glossary: list[Term]) -> Iterator[str]:
    """Yield what is wrong with the words of an English cell; it may quote the glossary's terms."""
    chinese = [word for term in glossary for word in (term.chinese, *term.also)]
    terms = [re.escape(word) for word in sorted(chinese, key=len, reverse=True)]
    english = re.sub("|".join([QUOTED.pattern, *terms]), HIDDEN, text)
    for match in re.finditer(rf"{CJK}+", english):
        yield f"Chinese in the en cell: {around(english, match)}"
    for match in FULL_WIDTH.finditer(english):
        yield f"full-width punctuation in the en cell: {around(english, match)}"


def around(text: str, match: re.Match) -> str:
    """Return what was matched with a few characters on either side, on one line."""
    return repr(" ".join(text[max(0, match.start() - 8):match.end() + 8].split()))


def other_tags(cell: NotebookNode) -> set[str]:
    """Return the tags that a cell and its twin must share."""
    return set(cell.metadata.tags) - {"lang-zh", "lang-en", ALLOW_CJK}


def prose_problems(nb: NotebookNode, glossary: list[Term]) -> Iterator[str]:
    """Yield problems of the Markdown cells: tags, pairs, each language by itself."""
    cells = [*nb.cells, None]
    for position, cell in enumerate(nb.cells, start=1):
        if cell.cell_type != "markdown":
            continue
        lang = language(cell)
        before, after = cells[position - 2] if position > 1 else None, cells[position]
        if lang is None:
            yield f"cell {position}: a Markdown cell needs one of the tags lang-zh, lang-en"
        elif lang == "zh" and not (after and language(after) == "en"):
            yield f"cell {position}: the zh cell has no en twin after it"
        elif lang == "en" and not (before and language(before) == "zh"):
            yield f"cell {position}: the en cell has no zh twin before it"
        elif lang == "zh":
            for problem in pair_problems(unwrap(cell.source), unwrap(after.source)):
                yield f"cell {position}/{position + 1}: {problem}"
            if other_tags(cell) != other_tags(after):
                yield f"cell {position}/{position + 1}: the tags of the twins differ"
        if lang:
            for problem in language_problems(cell, lang, glossary):
                yield f"cell {position}: {problem}"


# ---- code cells and what they left ----

def code_problems(nb: NotebookNode) -> Iterator[str]:
    """Yield problems of the code cells' sources, and absolute paths in any cell."""
    for position, cell in enumerate(nb.cells, start=1):
        if match := ABSOLUTE_PATH.search(cell.source):
            yield f"cell {position}: absolute path {around(cell.source, match)}"
        if cell.cell_type != "code":
            continue
        if not cell.source.strip():
            yield f"cell {position}: the code cell is empty"
        if ALLOW_CJK not in cell.metadata.get("tags", []):
            for problem in chinese_code_problems(cell.source):
                yield f"cell {position}: {problem}"
        if cell.source.rstrip().endswith(";"):
            yield f"cell {position}: ends with ; which nbval does not honour: give the value a name"
        if re.search(r"\bclear_output\(", cell.source):
            yield f"cell {position}: nbval fails on clear_output; update a display handle"


def chinese_code_problems(source: str) -> Iterator[str]:
    """Yield Chinese outside the calls of `say` and `table`, and what is wrong inside `say`."""
    try:
        tree = compile(source, "cell", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    except SyntaxError as error:
        yield f"the code does not parse: {error.msg}"
        return
    rest = source
    for node in ast.walk(tree):
        if (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
                and node.func.id in BILINGUAL_CALLS):
            rest = rest.replace(ast.get_source_segment(source, node) or "", "")
            if node.func.id == "say":
                yield from say_problems(node)
    if other := re.search(r"[^\x00-\x7f]+", rest):
        yield f"code is ASCII outside say and table, but there is {around(rest, other)}"


def say_problems(call: ast.Call) -> Iterator[str]:
    """Yield what is wrong with the two templates of `say(zh, en, **values)`."""
    if any(isinstance(text, ast.JoinedStr) for text in call.args):
        yield "say takes two plain templates and the values by name, no f-strings"
    texts = [text.value for text in call.args
             if isinstance(text, ast.Constant) and isinstance(text.value, str)]
    if len(texts) != len(LANGUAGES):  # variables: `say` itself looks at them
        return
    zh, en = texts
    if not re.search(CJK, zh) or re.search(CJK, en):
        yield f"say takes Chinese first, then English: {zh[:20]!r}, {en[:20]!r}"
    if fields(zh) != fields(en):
        yield f"the fields of say differ: zh {sorted(fields(zh))}, en {sorted(fields(en))}"


def fields(template: str) -> set[str]:
    """Return the fields of a `str.format` template, each with its format: {"kl:.3f"}."""
    try:
        return {f"{name}:{spec}" for _, name, spec, _ in string.Formatter().parse(template)
                if name is not None}
    except ValueError as error:
        return {f"({error})"}


def output_problems(nb: NotebookNode) -> Iterator[str]:
    """Yield problems of what is stored: order, errors, widgets, figures, traces of a machine."""
    if "widgets" in nb.metadata:
        yield "metadata.widgets breaks the page on GitHub"
    count = 0
    for position, cell in enumerate(nb.cells, start=1):
        if cell.cell_type == "code":
            count += 1
            if cell.execution_count != count:
                yield f"cell {position}: execution count {cell.execution_count}, not {count}"
            expects_error = "raises-exception" in cell.metadata.get("tags", [])
            for output in cell.outputs:
                if output.output_type == "error" and not expects_error:
                    yield f"cell {position}: stores an error ({output.ename})"
                for problem in one_output_problems(output):
                    yield f"cell {position}: {problem}"


def one_output_problems(output: NotebookNode) -> Iterator[str]:
    """Yield problems of one stored output."""
    data = output.get("data", {})
    if output.get("name") == "stderr":
        yield "stores stderr"
    if WIDGET_VIEW in data:
        yield "stores a live widget; keep only its HTML twin"
    text = "\n".join([*output.get("traceback", []), output_text(output)])
    for pattern, what in ((ABSOLUTE_PATH, "absolute path"), (MEMORY_ADDRESS, "memory address")):
        if match := pattern.search(text):
            yield f"{what} in the output: {around(text, match)}"
    if is_picture(output) and (tag := re.match(r"<img\b[^>]*>", data.get("text/html", ""))):
        alt = attribute(tag[0], "alt")
        if len(alt) <= ALT_LENGTH:
            yield f"the figure's alt text is too short: {alt!r}"
    for mime in data:
        if mime.startswith("image/"):
            alt = output.metadata.get(mime, {}).get("alt", "")
            if len(alt) <= ALT_LENGTH:
                yield f"the figure's alt text is missing or too short: {alt!r}"
            yield from size_problems(data[mime], is_text="svg" in mime)
    for tag in re.findall(r"<img\b[^>]*>", data.get("text/html", "")):
        if not attribute(tag, "alt").strip():
            yield "an <img> in the HTML output has no alt text"
        yield from size_problems(attribute(tag, "src").partition("base64,")[2], is_text=False)


def output_text(output: NotebookNode) -> str:
    """Return what an output says in words: a stream, or the text and HTML of a display."""
    data = output.get("data", {})
    texts = [re.sub(r"base64,[\w+/=]+", "base64,", str(value)) for mime, value in data.items()
             if mime.startswith("text/")]
    return "\n".join([output.get("text", ""), *texts])


def size_problems(image: str, *, is_text: bool) -> Iterator[str]:
    """Yield a problem when an image, base64 or text, is larger than allowed."""
    size = len(image.encode()) if is_text else len(image) * 3 // 4
    if size > IMAGE_LIMIT:
        yield f"an image of {size / 1000:.0f} kB, more than {IMAGE_LIMIT / 1000:.0f}"


# ---- the bones of a lesson ----

def bones_problems(nb: NotebookNode) -> Iterator[str]:
    """Yield which parts a lesson lacks: the title card, and those that `BONES` lists by tag."""
    title = [language(cell) for cell in nb.cells[:2]
             if re.match(r"# ", unwrap(cell.source)) and cell.cell_type == "markdown"]
    if title != ["zh", "en"]:
        yield "a lesson begins with its title card: a pair of cells that start with '# '"
    for tag, needed in BONES.items():
        found = count_units(nb, tag)
        if found < needed:
            yield f"{found} of at least {needed} parts tagged {tag}"


def count_units(nb: NotebookNode, tag: str) -> int:
    """Count the parts that carry `tag`: a pair of prose cells with the code after it is one."""
    count, inside = 0, False
    for cell in nb.cells:
        tagged = tag in cell.metadata.get("tags", [])
        if tagged and (not inside or language(cell) == "zh"):
            count += 1
        inside = tagged
    return count


# ---- the second edition: numbered figures, results with numbers, sources by name ----

def tagged(cell: NotebookNode, tag: str) -> bool:
    """Tell whether a cell carries a tag."""
    return tag in cell.metadata.get("tags", [])


def second_edition(name: str, nb: NotebookNode) -> bool:
    """Tell whether a lesson follows the rules of the second edition: 00, and any with captions."""
    return name.startswith("00_") or any(tagged(cell, "caption") for cell in nb.cells)


def figure_problems(name: str, nb: NotebookNode) -> Iterator[str]:
    """Yield figures without a caption and captions out of order, if the lesson has captions.

    A caption is a pair of cells tagged `caption` right after the code cell, "**图 2-3** ..." and
    "**Fig. 2-3** ...". The picture that the lab or a training view leaves in a saved notebook is
    a figure, too; but it may go without a caption where prose follows that says what to do.
    """
    if not any(tagged(cell, "caption") for cell in nb.cells):
        return
    lesson = name.split("_")[0].lstrip("0")  # "5" of 05_fastai_style, "5b" of 05b_api_reference
    number = {"zh": 0, "en": 0}
    before = nb.cells[0]
    for position, cell in enumerate(nb.cells, start=1):
        lang = language(cell)
        after = nb.cells[position] if position < len(nb.cells) else cell
        if tagged(cell, "caption") and lang:
            number[lang] += 1
            start = f"**{CAPTION[lang]}{lesson}-{number[lang]}**"
            folded = f"<details><summary>{start.strip('*')}</summary>"
            if not re.match(rf"({re.escape(start)}|{re.escape(folded)})\s+\S", unwrap(cell.source)):
                yield f"cell {position}: the caption should begin {start} and say what to see"
            if lang == "zh" and not pictures(before):
                yield f"cell {position}: a caption, but the cell before it leaves no figure"
        if len(pictures(cell)) > 1:
            yield f"cell {position}: {len(pictures(cell))} figures; put panels into one figure"
        if pictures(cell) and not tagged(after, "caption") and not (
                is_widget(cell) and after.cell_type == "markdown"):
            yield f"cell {position}: a figure, but no caption follows"
        before = cell
    for position, cell in enumerate(nb.cells, start=1):
        if cell.cell_type == "markdown" and not tagged(cell, "caption"):
            for found in re.findall(rf"(?:图|Fig\.|Figure) ?{lesson}-(\d+)", cell.source):
                if int(found) > number["zh"]:
                    yield f"cell {position}: there is no figure {lesson}-{found}"


def pictures(cell: NotebookNode) -> list[NotebookNode]:
    """Return the outputs of a cell that are a picture."""
    return [output for output in cell.get("outputs", []) if is_picture(output)]


def is_widget(cell: NotebookNode) -> bool:
    """Tell whether a cell's picture is the static twin of a widget, whose text says to run it."""
    return any("(run this cell" in output.data.get("text/plain", "") for output in pictures(cell))


def edition_problems(nb: NotebookNode) -> Iterator[str]:
    """Yield sources called by their file number, bare True or False, pictures that lose words."""
    for position, cell in enumerate(nb.cells, start=1):
        if any("image/png" in output.get("data", {}) for output in cell.get("outputs", [])):
            yield (f"cell {position}: JupyterLab drops the alt text of a bare image/png; display a "
                   "show.Picture")
        texts = [output_text(output) for output in cell.get("outputs", [])]
        for text in (cell.source, *texts):
            if match := SOURCE_CODE.search(text):
                yield f"cell {position}: a source has a name, not a number: {around(text, match)}"
        for line in "\n".join(texts).splitlines():
            if line.rstrip().endswith(VERDICTS):
                yield f"cell {position}: show the number, not only the verdict: {line.strip()!r}"


# ---- questions: predictions and the quiz ----

class Question(NamedTuple):
    """A prediction in one language."""

    position: int  # of its cell
    text: str  # the question from its heading on, with the options
    options: dict[str, str]  # by letter
    right: str | None  # the letter that the prose after it gives


def predictions(nb: NotebookNode, lang: str) -> list[Question]:
    """Return the predictions that have options; one without is open and has no right letter.

    The answer is the first "The answer is **B**" ("答案是 **B**") after the options, before the
    next ones.
    """
    found: list[Question] = []
    for position, cell in enumerate(nb.cells, start=1):
        if language(cell) != lang:
            continue
        body = unwrap(cell.source)
        options = list(OPTION.finditer(body)) if tagged(cell, "predict") else []
        asked = options[0].start() if options else len(body)
        note_answer(found, body[:asked], lang)
        if options:
            heading = max(body.rfind("\n#", 0, asked), 0)
            found.append(Question(position, body[heading:], {o[1]: o[2] for o in options}, None))
            note_answer(found, body[options[-1].end():], lang)
    return found


def note_answer(found: list[Question], text: str, lang: str) -> None:
    """Give the last question the letter that `text` names, if it has none yet."""
    if found and found[-1].right is None and (match := ANSWER[lang].search(text)):
        found[-1] = found[-1]._replace(right=match[1])


def prediction_problems(nb: NotebookNode) -> Iterator[str]:
    """Yield predictions without an answer, and answers that can be told without thinking."""
    yield from open_answers(nb)
    asked = {lang: predictions(nb, lang) for lang in LANGUAGES}
    for lang, questions in asked.items():
        for question in questions:
            if question.right not in question.options:
                yield (f"cell {question.position}: no option is right: say “答案是 **B**”, "
                       f"“The answer is **B**” after it ({lang})")
        yield from longest_problems("predictions", lang, [
            ([q.options[letter] for letter in q.options if letter != q.right], q.options[q.right])
            for q in questions if q.right in q.options])
    letters = [question.right for question in asked["en"]]
    if letters != [question.right for question in asked["zh"]]:
        yield "the right letters of the predictions differ between zh and en"
    most = max(map(letters.count, letters), default=0)
    if most > math.ceil(len(letters) / 2):
        yield f"the right answers are {letters}: spread them over the letters"


def open_answers(nb: NotebookNode) -> Iterator[str]:
    """Yield answers to predictions that can be read without opening a fold."""
    if any(tagged(cell, "caption") for cell in nb.cells):
        for position, cell in enumerate(nb.cells, start=1):
            lang = language(cell)
            if lang and ANSWER[lang].search(DETAILS.sub("", unwrap(cell.source))):
                yield (f"cell {position}: the answer is not folded: begin its paragraph with "
                       "“答案是 **B**”, “The answer is **B**”, or put it into <details>")


def longest_problems(what: str, lang: str, items: list[tuple[list[str], str]]) -> Iterator[str]:
    """Yield a problem when the right option is the longest in more than half of the items.

    Args:
        what: what the items are called in the message.
        lang: their language.
        items: of each item the wrong options and the right one.
    """
    given_away = [len(right) > max(map(len, wrong)) for wrong, right in items].count(True)
    if given_away > len(items) / 2:
        yield f"the right option is the longest in {given_away} of {len(items)} {what} ({lang})"


def quiz_problems(items: list[dict], asked: list[Question]) -> Iterator[str]:
    """Yield problems of a lesson's quiz: its size, lengths that tell, predictions repeated.

    Args:
        items: the "items" of a file in gan_lessons/lab/quizzes.
        asked: the lesson's predictions, in English.
    """
    if len(items) < QUIZ_ITEMS:
        yield f"the quiz has {len(items)} items, fewer than {QUIZ_ITEMS}"
    if "$" in json.dumps(items):
        yield "the quiz has a formula in $, which a quiz shows as it is: write γ, λ, √(...)"
    for lang in LANGUAGES:
        yield from longest_problems("quiz items", lang, [
            ([option["text"][lang] for option in item["options"] if not option["correct"]],
             next(option["text"][lang] for option in item["options"] if option["correct"]))
            for item in items])
    for number, item in enumerate(items, start=1):
        question = item["question"]["en"]
        options = [option["text"]["en"] for option in item["options"]]
        for prediction in asked:
            if is_repeated(question, " ".join([question, *options]), prediction.text):
                yield f"quiz item {number} repeats the prediction in cell {prediction.position}"


def is_repeated(question: str, with_options: str, prediction: str) -> bool:
    """Tell whether a quiz item asks a prediction again.

    It does when two numbers of the item, its options included, or more are those of the prediction
    and 40 % of the words of its question (of four letters or more) stand in the prediction. Of the
    first edition's 20 items this finds the four that repeat a prediction with its numbers.
    """
    prediction = re.sub(r"^#+ .*", "", prediction.strip())  # its heading is numbered
    numbers, words = r"\d+(?:\.\d+)?", r"[a-z_]{4,}"
    shared = set(re.findall(numbers, with_options)) & set(re.findall(numbers, prediction))
    spoken = set(re.findall(words, question.lower()))
    known = spoken & set(re.findall(words, prediction.lower()))
    return len(shared) >= 2 and len(known) >= 0.4 * len(spoken)


# ---- whole files ----

def lint(name: str, source: Path, notebook: Path, glossary: list[Term]) -> list[str]:
    """Return every problem of one notebook and its source, each with the notebook's name."""
    drifted = drift(source, notebook, name)
    problems = [drifted] if drifted else []
    checks = [lambda nb: prose_problems(nb, glossary), code_problems]
    written = from_source(source, name) if source.exists() else None
    stored = nbformat.read(notebook, as_version=4) if notebook.exists() else None
    if re.match(r"0[1-8]_", name):
        checks += [bones_problems, prediction_problems]
        quiz = QUIZZES / f"lesson_{name[:2]}.json"
        if count_units(written or stored, "quiz") and quiz.exists():
            items = json.loads(quiz.read_text(encoding="utf-8"))["items"]
            checks.append(lambda nb: quiz_problems(items, predictions(nb, "en")))
    problems += [f"{name} {problem}" for check in checks for problem in check(written or stored)]
    if stored:
        after = [output_problems]
        if second_edition(name, stored):
            after += [lambda nb: figure_problems(name, nb), edition_problems]
        problems += [f"{name} {problem}" for check in after for problem in check(stored)]
        if (size := notebook.stat().st_size) > NOTEBOOK_LIMIT:
            problems.append(f"{name}: {size / 1e6:.1f} MB, more than {NOTEBOOK_LIMIT / 1e6:.0f}")
    return problems


def main(names: list[str]) -> int:
    """Print the problems of the notebooks whose names start with `names`, or of all."""
    glossary = read_glossary()
    problems = [problem for name, (source, notebook) in notebooks().items()
                if not names or name.startswith(tuple(names))
                for problem in lint(name, source, notebook, glossary)]
    print(*problems, f"{len(problems)} problems", sep="\n")
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
