"""The handouts: one language, nothing from the network, and no file of the user's lost."""

import re
import sys
from pathlib import Path
from urllib.parse import unquote

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "notebooks"))
import build  # noqa: E402
import handouts  # noqa: E402
from slide_breaks import LINES, SlideBreaks  # noqa: E402

from gan_lessons import lab  # noqa: E402

PNG = ("iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAAAAABX3VL4AAAADklEQVR4nGNgaGBo+A8ABAUCAFfUMz8A"
       "AAAASUVORK5CYII=")
OTHER = {"zh": "en", "en": "zh"}


def pair(zh, en):
    """Return a pair of prose cells, wrapped as the build wraps them."""
    return [new_markdown_cell(build.wrap(body, lang), metadata={"tags": [f"lang-{lang}"]})
            for lang, body in (("zh", zh), ("en", en))]


def shown(**data):
    """Return an output; `png` and `html` stand for their types."""
    names = {"png": "image/png", "html": "text/html", "text": "text/plain"}
    return new_output("display_data", {names[key]: value for key, value in data.items()},
                      metadata={"image/png": {"alt": 'One "grey" spot'}} if "png" in data else {})


RESULT = ('<div class="gan-lessons-bilingual"><p lang="zh">损失 0.5。</p>'
          '<p lang="en">The loss is 0.5.</p></div>')
LESSON = [
    *pair("# 01 · 一课", "# 01 · One `lesson`"),
    new_markdown_cell(build.wrap("## Choose a language", "en"),
                      metadata={"tags": ["lang-en", "two-languages"]}),
    new_code_cell("lab.language_switch()",
                  outputs=[shown(html=lab.language_switch().static_html(),
                                 text=lab.language_switch().static_text())]),
    *pair("## 公式\n\n见[下一课](02_two.ipynb)和[词汇](glossary.md#词汇--glossary)。\n\n"
          r"$$\min_G \frac{a}{b}$$" "\n\n![点](../images/a.png)",
          "## A formula\n\nSee [the next lesson](02_two.ipynb) and [the glossary](glossary.md), "
          r"where $x < y$ and \begin{aligned}a &= b\end{aligned}." "\n\n![dot](../images/a.png)"),
    new_code_cell("loss", outputs=[shown(html=RESULT, text="损失 0.5。\nThe loss is 0.5."),
                                   shown(png=PNG, text="<Figure>")]),
    new_code_cell("lab.quiz()", outputs=[shown(html=lab.quiz("01").static_html(), text="Quiz")]),
]


def write_course(folder):
    """Write a course of two lessons and one solution."""
    for name, cells in {"01_one": LESSON, "02_two": pair("# 02 · 二", "# 02 · Two"),
                        "solutions/01_one": pair("# 答案", "# Solution")}.items():
        build.write(new_notebook(cells=cells, metadata=build.METADATA), folder / f"{name}.ipynb")
    (folder / "logs.json").write_text("{}")
    (folder / "glossary.md").write_text("# 词汇 · Glossary\n\n| 中文 | English |\n|---|---|\n")
    (folder.parent / "images").mkdir()
    (folder.parent / "images" / "a.png").write_bytes(b"not really")
    for name in ("studies/lesson01.json", "pyproject.toml", "constraints.txt", "LICENSE",
                 "gan_lessons/__init__.py", "gan_lessons/lab/quiz.js",
                 "gan_lessons/__pycache__/__init__.pyc"):
        (folder.parent / name).parent.mkdir(parents=True, exist_ok=True)
        (folder.parent / name).write_text("")


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A small course; its handouts go to the folder `out` beside it."""
    folder = tmp_path / "course" / "notebooks"
    monkeypatch.setattr(handouts, "HERE", folder)
    write_course(folder)
    return folder


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    """The handouts of such a course, to be looked at only."""
    folder = tmp_path_factory.mktemp("course") / "course" / "notebooks"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(handouts, "HERE", folder)
        write_course(folder)
        assert make(folder) == 0
    return folder.parents[1] / "out"


def make(course, *arguments):
    """Make handouts in the folder beside the course; return the exit status."""
    return handouts.main([*arguments, "--out", str(course.parents[1] / "out")])


def files(folder: Path) -> set[str]:
    return {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}


def page(path: Path) -> BeautifulSoup:
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


def test_a_set_has_everything_for_students_and_teachers(out):
    for made in (out / "zh", out / "en"):
        beside = {"images/a.png", "notebooks/logs.json", "notebooks/glossary.md",
                  "studies/lesson01.json", "README.md", "pyproject.toml", "constraints.txt",
                  "LICENSE", "gan_lessons/__init__.py", "gan_lessons/lab/quiz.js"}
        lessons = {"notebooks/01_one.ipynb", "notebooks/02_two.ipynb"}
        assert files(made / "student") == beside | lessons
        assert files(made / "teacher") == beside | lessons | {
            "notebooks/solutions/01_one.ipynb", "01_one.html", "index.html"}
        assert files(made / "html") == {"01_one.html", "02_two.html", "glossary.html"}
        assert {"01_one.html", "02_two.html", "reveal.js/LICENSE"} <= files(made / "slides")
        assert not [name for name in files(made) if "solution" in name and "teacher" not in name]
        start = (made / "student" / "README.md").read_text(encoding="utf-8")
        assert "pip install ." in start and "notebooks/00_start_here.ipynb" in start


def test_a_lesson_finds_what_it_reads_in_the_set(tmp_path):
    assert handouts.main(["en", "--out", str(tmp_path)]) == 0
    read = set()
    for path in sorted((tmp_path / "en" / "student" / "notebooks").glob("0*.ipynb")):
        code = "\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells
                         if cell.cell_type == "code")
        read |= {path.parent / f"../studies/lesson{path.name[:2]}_{study}.json"
                 for study in re.findall(r'\bstudy\("(\w+)"\)', code)}
        read |= {path.parent / name for name in re.findall(r'"(\.\./[\w./-]+\.\w+)"', code)}
    assert len(read) > 20
    assert [path for path in read if not path.is_file()] == []


def test_notebooks_speak_one_language(out):
    taught, given = (nbformat.read(out / "en" / who / "notebooks" / "01_one.ipynb", as_version=4)
                     for who in ("teacher", "student"))
    assert [cell.source for cell in taught.cells] == [cell.source for cell in given.cells]
    assert taught.cells[0].source == "# 01 · One `lesson`"
    assert not re.search("[\u4e00-\u9fff]", "".join(cell.source for cell in taught.cells))
    assert not [cell for cell in given.cells if cell.get("outputs")]
    nbformat.validate(taught)
    nbformat.validate(given)
    assert "Choose" not in taught.cells[1].source
    assert taught.cells[1].source == 'lab.language_switch("en")'
    result = taught.cells[3].outputs[0].data["text/html"]
    assert "The loss" in result and "损失" not in result


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_pages_and_slides_load_nothing_from_elsewhere(out, lang):
    for path in (out / lang).rglob("*.html"):
        soup = page(path)
        loaded = [tag.get("src") or tag.get("href") for tag in soup.select("[src], link[href]")]
        assert not [url for url in loaded if not url.startswith(("data:", "reveal.js/"))], path
        assert [url for url in loaded if url.startswith("reveal.js/")
                and not (path.parent / url).exists()] == []
        assert not re.search(r"@import|url\(['\"]?http|cdn|unpkg", str(soup.head)), path
        assert soup.html["lang"] == lang and not soup.find_all(lang=OTHER[lang])
        for link in soup.select("a[href]"):
            target, _, anchor = link["href"].partition("#")
            assert "://" in target or (path.parent / target).exists(), (path, target)
            assert not anchor or page(path.parent / target).find(id=unquote(anchor))
    assert not page(out / lang / "html" / "01_one.html").find_all("script")


def test_a_page_shows_formulas_results_pictures_and_the_quiz(out):
    en, zh = (page(out / lang / "html" / "01_one.html") for lang in ("en", "zh"))
    assert en.title.text == "01 · One lesson" and zh.title.text == "01 · 一课"
    assert zh.select_one("math[display=block] munder") and zh.select_one("math mfrac")
    assert en.math.text == "x<y" and not en.math.get("display") and en.select("math mtable")
    assert [img["alt"] for img in en.select("img")] == ["dot", 'One "grey" spot']
    assert "The loss is 0.5." in en.text and "损失" not in en.text
    assert "损失 0.5。" in zh.text and "The loss" not in zh.text
    assert len(en.select("ol > li details")) == len(lab.quiz("01").items)
    assert "Run this cell to answer" in en.text and "Language switch" not in en.text
    assert not en.select("br:first-child")
    index = page(out / "zh" / "index.html")
    assert index.title.text == "生成对抗网络课" and "02 · 二" in index.text
    assert len(index.select("a")) == 7


def slides(*cells) -> list[tuple[str, str]]:
    """Return (slide type, beginning of its text) of the pieces that these cells are cut into."""
    nb, _ = SlideBreaks().preprocess(new_notebook(cells=list(cells)), {})
    return [(cell.metadata.slideshow["slide_type"], cell.source[:6]) for cell in nb.cells]


def test_a_slide_begins_at_each_heading():
    cell = new_markdown_cell("# A\n\na\n\n## B\n\nb\n\n### C\n\nc\n\n```\n# no heading\n\n```")
    assert slides(cell) == [("slide", "# A"), ("-", "a"), ("slide", "## B"), ("-", "b"),
                            ("subslide", "### C"), ("-", "c"), ("-", "```\n# ")]


def test_what_does_not_fit_goes_to_the_next_slide():
    prose, chinese = "word " * 20 * (LINES // 2 + 1), "字" * 50 * (LINES // 2 + 1)
    figure = new_code_cell("draw()", outputs=[shown(png=PNG, text="<Figure>")])
    for text in (prose, chinese):
        assert [kind for kind, _ in slides(new_markdown_cell(f"## A\n\n{text}\n\n{text}"), figure)
                ] == ["slide", "-", "subslide", "-", "subslide"]
    code = new_code_cell("x = 1\n" * 3 * LINES)
    assert slides(new_markdown_cell("## A"), code) == [("slide", "## A"), ("-", "x = 1\n")]
    hint = "<details>\n<summary>Hint</summary>\n\n" + "line\n\n" * LINES + "</details>"
    assert len(slides(new_markdown_cell(hint))) == 1


def test_a_caption_stays_with_its_figure_and_a_closed_fold_takes_one_line():
    figure = new_code_cell("draw()", outputs=[shown(png=PNG, text="<Figure>")])
    fold = "<details><summary>Answer</summary>\n\n" + "long " * 2000 + "\n\n</details>"
    for caption in ("**Fig. 1-1** " + "word " * 100, "**图 1-1** 点",
                    fold.replace("Answer", "Fig. 1-1")):
        kinds = [kind for kind, _ in slides(new_markdown_cell("## A"), figure,
                                            new_markdown_cell(caption), new_markdown_cell(fold))]
        assert kinds[-2] == "-" and kinds[1] == "-"
    assert [kind for kind, _ in slides(new_markdown_cell("## A\n\na"), new_markdown_cell(fold))
            ] == ["slide", "-", "-"]


def test_a_picture_in_the_text_and_a_long_table_have_slides_of_their_own():
    two = new_markdown_cell("## A\n\n![one](a.png)\n\n![two](b.png)")
    assert [kind for kind, _ in slides(two)] == ["slide", "-", "subslide"]
    rows = "<table>" + "<tr><td>1</td><td>2</td></tr>" * 8 + "</table>"
    code = new_code_cell("x = 1\n" * 15, outputs=[shown(html=rows, text="table")])
    assert [kind for kind, _ in slides(new_markdown_cell("## A"), code)
            ] == ["slide", "-", "subslide"]


def test_a_text_is_cut_where_each_language_has_a_heading():
    both = "[中文](#出处) · [English](#sources)\n\n# 出处\n\n甲\n\n# Sources\n\nA\n"
    assert handouts.in_language(both, "en") == "# Sources\n\nA\n"
    assert handouts.in_language(both, "zh").startswith("# 出处\n\n甲")
    table = "# 词汇 / Glossary\n\n| 中文 | English |\n"
    assert handouts.in_language(table, "zh") == table
    assert [handouts.title_of(table, lang) for lang in ("zh", "en")] == ["词汇", "Glossary"]


def test_the_quiz_comes_one_question_at_a_time(out):
    deck = page(out / "en" / "slides" / "01_one.html")
    lists = deck.select("section section ol")
    assert len(lists) == len(lab.quiz("01").items) > 2
    assert [len(items.select(":scope > li")) for items in lists] == [1] * len(lists)
    assert [items["start"] for items in lists] == [str(n + 1) for n in range(len(lists))]


def test_an_author_may_choose_the_slides():
    cells = [new_markdown_cell("a\n\n## B", metadata={"slideshow": {"slide_type": "notes"}}),
             new_markdown_cell("c", metadata={"slideshow": {"slide_type": "subslide"}})]
    assert slides(*cells) == [("notes", "a\n\n## "), ("subslide", "c")]


def test_a_new_run_replaces_only_what_the_last_one_wrote(course, capsys):
    out = course.parents[1] / "out"
    assert make(course, "zh") == 0
    assert make(course, "zh", "01") == 0
    assert not (out / "zh" / "html" / "02_two.html").exists()
    for name, text in {"notes.txt": "mine", "student/notebooks/01_one.ipynb": "my answers"}.items():
        (out / "zh" / name).write_text(text)
        before = files(out)
        capsys.readouterr()
        assert make(course, "zh") == 1
        error = capsys.readouterr().err
        assert name in error and "OUT=FOLDER" in error
        assert files(out) == before and (out / "zh" / name).read_text() == text
        assert make(course, "en") == 0  # that folder is as we left it
    (out / "zh").rename(out / "kept")
    (out / "zh").write_text("a file")
    assert make(course, "zh") == 1 and (out / "zh").read_text() == "a file"


def test_a_run_that_fails_leaves_the_old_set(course, monkeypatch):
    make(course, "zh", "02")
    before = files(course.parents[1] / "out")
    monkeypatch.setattr(handouts, "add_files", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        make(course, "zh", "02")
    assert files(course.parents[1] / "out") == before


def test_errors_say_what_to_do(course, capsys):
    with pytest.raises(SystemExit):
        make(course, "fr")
    assert "'zh', 'en', 'both'" in capsys.readouterr().err
    assert make(course, "en", "07") == 1
    assert "there are: 01_one, 02_two" in capsys.readouterr().err
    assert make(course, "en", "solutions/01") == 1
    assert "a set needs a lesson, not only its solution" in capsys.readouterr().err
    (course / "src").mkdir()
    (course / "src" / "03_three.py").write_text("")
    assert make(course, "en") == 1
    assert "03_three is not built: run `make notebooks` first" in capsys.readouterr().err
    assert not (course.parents[1] / "out").exists()


@pytest.mark.parametrize("name", [name for name in build.notebooks() if "/" not in name])
def test_every_formula_of_the_course_becomes_mathml(name):
    nb = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
    for cell in nb.cells:
        if cell.cell_type == "markdown":
            html = handouts.Page().markdown2html({}, cell.source)
            soup = BeautifulSoup(html, "html.parser")
            for code in soup.select("code, pre"):
                code.decompose()
            assert "$" not in soup.text and "\\" not in soup.text, cell.source
            assert "**" not in soup.text, cell.source
