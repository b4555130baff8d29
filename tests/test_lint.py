"""The notebook tools: every lint rule catches its mistake, the build keeps only what is fit."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import (
    new_code_cell,
    new_markdown_cell,
    new_notebook,
    new_output,
)
from pictures import picture_in

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "notebooks"))
import build  # noqa: E402
import lint  # noqa: E402

GLOSSARY = lint.read_glossary()
LONG_ALT = {"image/png": {"alt": "Eight dots on a ring, seven of them covered"}}
IMG = '<img alt="{}" src="data:image/png;base64,{}">'


def pair(zh, en, *tags):
    """Return a pair of prose cells, wrapped as the build wraps them."""
    return [new_markdown_cell(build.wrap(body, lang), metadata={"tags": [f"lang-{lang}", *tags]})
            for lang, body in (("zh", zh), ("en", en))]


def code(source="x = 1", *outputs, count=1, tags=()):
    """Return an executed code cell."""
    return new_code_cell(source, outputs=list(outputs), execution_count=count,
                         metadata={"tags": list(tags)})


def stream(text, name="stdout"):
    return new_output("stream", name=name, text=text)


def shown(data, metadata=None):
    return new_output("display_data", data=data, metadata=metadata or {})


def prose(*cells):
    return list(lint.prose_problems(new_notebook(cells=list(cells)), GLOSSARY))


# ---- prose ----

GOOD_ZH = r"""# 第 2 课：生成器

损失 $-\log D(x)$ 用 `-log(D)` 表示，样本有 1797 个，占 50％。见[论文](https://example.org/a)。

- 一，`z` 是噪声；
- 二，“反卷积”是旧名。

| 词 | 数 |
|---|---|
| 步 | 10,000 |

<details><summary>提示</summary>

看 `z` 的形状。

</details>

```python
x = 1  # 中文注释也可以
```

![一张图：八个点](../images/ring.png)
"""

GOOD_EN = r"""# Lesson 2: the generator

The loss $-\log  D(x)$ is written `-log(D)`; there are 1,797 samples, 50 % of all. See [the paper](https://example.org/a).

- One, `z` is noise;
- two, "deconvolution" is an old name, in Chinese 生成器.

| word | number |
|---|---|
| step | 10000 |

<details><summary>Hint</summary>

Look at the shape of `z`.

</details>

```python
x = 1  # 中文注释也可以
```

![A figure: eight dots](../images/ring.png)
"""


def test_a_good_pair_has_no_problem():
    assert prose(*pair(GOOD_ZH, GOOD_EN, "predict")) == []


@pytest.mark.parametrize("zh, en, problem", [
    ("数字 0.5。", "A number.", "cell 1/2: number 0.5 only in zh"),
    ("数字 5。", "Number 5 and 5.", "number 5 more often in en"),
    ("约 50。", "About 50 %.", "number 50% only in en"),
    ("公式 $a+b$。", "Formula $a-b$.", "maths $a-b$ only in en"),
    ("公式 $$a$$。", "Formula $a$.", "maths $$a$$ only in zh"),
    ("代码 `x`。", "Code `y`.", "inline code x only in zh"),
    ("代码。\n\n```\nx\n```", "Code.\n\n```\ny\n```", "code block x only in zh"),
    ("[甲](a.ipynb)。", "[One](b.ipynb).", "link b.ipynb only in en"),
    ("甲 https://a.org 。", "One.", "link https://a.org only in zh"),
    ("![甲](a.png)", "![One](b.png)", "link a.png only in zh"),
    ('甲<img src="a.png" alt="甲">', 'One<img src="b.png" alt="One">', "link b.png only in en"),
    ("# 甲\n\n## 乙", "# One\n\n### Two", "heading levels differ: zh [1, 2], en [1, 3]"),
    ("- 甲\n- 乙", "- One", "list items differ: zh 2, en 1"),
    ("| 甲 |\n|---|\n| 乙 |", "| One |\n|---|", "table rows differ: zh 3, en 2"),
    ("甲", " ", "the en cell is empty"),
    ("", "One", "the zh cell is empty"),
    ("Only English.", "Only English.", "the zh cell has no Chinese"),
    ("甲。\n\nThis long line was forgotten when the text was being translated.", "One.",
     "a line of the zh cell is English"),
    ("甲", "One 甲", "Chinese in the en cell"),
    ("甲", "One，two", "full-width punctuation in the en cell"),
    ("甲,乙", "One", "half-width punctuation beside Chinese: '甲,乙'"),
    ("**甲**: 乙", "One", "half-width punctuation"),
    ("甲.", "One", "half-width punctuation"),
    ("用 GAN, 乙", "A GAN", "half-width punctuation"),
    ("甲  乙", "One", "doubled space after '甲'"),
    ("甲", "One  two", "doubled space after 'One'"),
    ("<details><summary>甲</summary>\n乙</details>", "One", "blank line after </summary>"),
    ("![](a.png)甲", "![One](a.png)", "image a.png has no alt text"),
    ("甲", '<img src="a.png">', "image a.png has no alt text"),
    ("鉴别器", "The discriminator", "says 鉴别器; the glossary has discriminator = 判别器"),
    ("弗雷歇距离", "The Frechet distance", "says Frechet"),
    ("模式坍塌（mode collapse）", "Mode collapse", "says 模式坍塌; the glossary has mode collapse"),
    ("潜空间里的名称", "Latent space", "says 潜空间; the glossary has latent space = 隐空间"),
    ("梯度弥散，又译作梯度消失", "Vanishing gradients", "says 梯度弥散"),
    ("隐空间，又译潜空间。在潜空间里走", "A walk through latent space", "says 潜空间"),
    ("噪声，也叫噪音", "Noise", "says 噪音; the glossary has noise = 噪声"),
])
def test_a_mistake_in_a_pair_is_named(zh, en, problem):
    assert any(problem in found for found in prose(*pair(zh, en)))


@pytest.mark.parametrize("zh, en", [
    ("时间 10:30，比例 3:1，`a`、`b`。", "At 10:30, ratio 3:1, `a`, `b`."),
    ("写 `f(a, b)`，得到 $f(a, b)$。", "Write `f(a, b)` to get $f(a, b)$."),
    ("甲，$x$\n：乙", "One, $x$"),
    ("| 甲   | 乙 |\n|---|---|", "| One   | two |\n|---|---|"),
    ("1. 甲\n1. 乙", "1. One\n2. Two"),
    ("花费 \\$5。", "It costs \\$5."),
    ('<b title="5 乙,">甲</b>', "One"),
    ("甲<!-- 3 -->", "One"),
    ("模式崩溃（mode collapse，又译模式坍塌、模型坍塌）", "Mode collapse (also called 模式坍塌)"),
    ("批（batch，也叫批次），评论家，邱锡鹏称为评价网络", "A batch; a critic, in Chinese 评论家"),
    ("有的书写“潜空间”", "Latent space"),
    ("转置卷积", "A transposed convolution, also called deconvolution"),
])
def test_no_false_alarm(zh, en):
    assert prose(*pair(zh, en)) == []


def test_tags_and_pairs():
    zh, en = pair("甲", "One")
    assert prose(new_markdown_cell("x")) == [
        "cell 1: a Markdown cell needs one of the tags lang-zh, lang-en"]
    assert prose(zh, code(), en) == ["cell 1: the zh cell has no en twin after it",
                                     "cell 3: the en cell has no zh twin before it"]
    assert prose(zh) == ["cell 1: the zh cell has no en twin after it"]
    assert prose(en, zh)[0] == "cell 1: the en cell has no zh twin before it"
    en.metadata.tags.append("predict")
    assert prose(zh, en) == ["cell 1/2: the tags of the twins differ"]


def test_chinese_is_allowed_where_the_tag_says_so():
    zh, en = pair("甲，乙", "Press 甲，乙")
    assert [problem.split(":")[1] for problem in prose(zh, en)] == [
        " Chinese in the en cell", " Chinese in the en cell",
        " full-width punctuation in the en cell"]
    en.metadata.tags.append("allow-cjk")
    assert prose(zh, en) == []


def test_the_glossary_is_sound():
    chosen = [term.chinese for term in GLOSSARY]
    assert len(GLOSSARY) >= 70 and all(chosen) and len(set(chosen)) == len(chosen)
    assert len({term.english for term in GLOSSARY}) == len(GLOSSARY)
    others = [word for term in GLOSSARY for word in (*term.also, *term.avoid)]
    assert len(set(others)) == len(others), "a word stands for two terms"
    for term in GLOSSARY:
        for word in (*term.also, *term.avoid):
            clash = [good for good in [*chosen, term.english] if word.lower() in good.lower()]
            assert not clash, f"{word} is to be avoided, but is part of {clash}"


@pytest.mark.parametrize("word, term", [
    ("博弈", "game"), ("纳什均衡", "Nash equilibrium"), ("生成模型", "generative model"),
    ("模式坍塌", "mode collapse"), ("模型坍塌", "mode collapse"), ("评价网络", "critic"),
    ("潜空间", "latent space"), ("鉴别器", "discriminator"), ("权重截断", "weight clipping"),
    ("批次", "batch"), ("铰链损失", "hinge loss"), ("反卷积", "transposed convolution"),
])
def test_the_glossary_is_found_by_what_other_books_say(word, term):
    assert [row.english for row in GLOSSARY if word in (row.chinese, *row.also)] == [term]


# ---- code cells, outputs, bones, files ----

@pytest.mark.parametrize("source, tags, problem", [
    ("x = 1  # plain ASCII", (), None),
    ("print('中文')", (), "code is ASCII outside say and table, but there is"),
    ("say('值 {x:.1f}', 'value {x:.1f}', x=1.5)", (), None),
    ("table([('值', 'value')], [[('大', 'large')]])", (), None),
    ("await f()", (), None),
    ("say('值', 'value')  # 中文", (), "code is ASCII outside say and table"),
    ("essay('值', 'value')", (), "code is ASCII outside say and table"),
    ("say('值 {x}', 'value {y}', x=1, y=2)", (), "the fields of say differ: zh ['x:'], en ['y:']"),
    ("say('值 {x:.1f}', 'value {x:.2f}', x=1)", (), "the fields of say differ"),
    ("say('值 {x', 'value {x}', x=1)", (), "the fields of say differ"),
    ("say('value', '值')", (), "say takes Chinese first, then English"),
    ("say(f'值 {x}', f'value {x}')", (), "no f-strings"),
    ("x = (", (), "the code does not parse"),
    ("f(x);", (), "ends with ;"),
    ("print('中文')", ("allow-cjk",), None),
    ("  ", (), "the code cell is empty"),
    ("clear_output(wait=True)", (), "nbval fails on clear_output"),
    ("open('/home/me/x.png')", (), "absolute path"),
    (r"open('C:\Users\me')", (), "absolute path"),
    ("open('../images/x.png'); 'https://a.org/home/'; '~/work'", (), None),
])
def test_code_cells(source, tags, problem):
    found = list(lint.code_problems(new_notebook(cells=[code(source, tags=tags)])))
    assert any(problem in one for one in found) if problem else found == []


ERROR = new_output("error", ename="ValueError", evalue="no", traceback=["ValueError: no"])
BIG = "A" * 180_000


@pytest.mark.parametrize("cell, problem", [
    (code("x", stream("done\n")), None),
    (code("x", count=None), "execution count None, not 1"),
    (code("x", count=2), "execution count 2, not 1"),
    (code("x", ERROR), "stores an error (ValueError)"),
    (code("x", ERROR, tags=["raises-exception"]), None),
    (code("x", stream("oh", "stderr")), "stores stderr"),
    (code("x", shown({build.WIDGET_VIEW: {}, "text/html": "a"})), "stores a live widget"),
    (code("x", stream("saved /tmp/x.pt")), "absolute path in the output"),
    (code("x", shown({"text/plain": "<A object at 0x7f00>"})), "memory address in the output"),
    (code("x", shown({"image/png": "AAAA"})), "alt text is missing or too short: ''"),
    (code("x", shown({"image/png": "AAAA"}, {"image/png": {"alt": "A figure"}})), "too short"),
    (code("x", shown({"image/png": "AAAA"}, LONG_ALT)), None),
    (code("x", shown({"image/png": BIG}, LONG_ALT)), "an image of 135 kB, more than 120"),
    (code("x", shown({"text/html": '<img src="a.png">'})), "<img> in the HTML output"),
    (code("x", shown({"text/html": '<p><img alt="dots" src="a.png"></p>'})), None),
    (code("x", shown({"text/html": f'<p>{IMG.format("a", BIG)}'})), "135 kB"),
    (code("x", shown({"text/html": IMG.format("A figure", "AAAA")})), "text is too short"),
    (code("x", shown({"text/html": IMG.format("Eight dots, seven covered", "+/tmp/+003+")})), None),
])
def test_stored_outputs(cell, problem):
    found = list(lint.output_problems(new_notebook(cells=[cell])))
    assert any(problem in one for one in found) if problem else found == []


def test_widget_state_is_refused():
    assert list(lint.output_problems(new_notebook(metadata={"widgets": {}})))


# ---- the second edition ----

RING = IMG.format("Eight dots on a ring, seven of them covered", "AAAA")
PICTURE = shown({"text/html": RING, "text/plain": "[Eight dots ...]"})
LAB = shown({"text/html": RING, "text/plain": "GAN lab (run this cell to play)"})


def caption(zh, en=None):
    return pair(f"**图 {zh}** 看散开的点。", f"**Fig. {en or zh}** The dots lie apart.", "caption")


@pytest.mark.parametrize("cells, problems", [
    ([code("x", PICTURE), *caption("2-1"), code("x", PICTURE), *caption("2-2")], []),
    ([code("x", PICTURE), *pair("甲", "One")], []),  # a lesson of the first edition
    ([code("x", PICTURE), *caption("2-1"), code("x", PICTURE)],
     ["cell 4: a figure, but no caption follows"]),
    ([code("x", PICTURE), *pair("甲", "One"), code("x", PICTURE), *caption("2-1")],
     ["cell 1: a figure, but no caption follows"]),
    ([code("x", PICTURE, PICTURE), *caption("2-1")],
     ["cell 1: 2 figures; put panels into one figure"]),
    ([code("x", PICTURE), *caption("2-1"), code("x", PICTURE), *caption("2-3")],
     ["cell 5: the caption should begin **图 2-2** and say what to see",
      "cell 6: the caption should begin **Fig. 2-2** and say what to see"]),
    ([code("x", PICTURE), *caption("2-1", "1-1")],
     ["cell 3: the caption should begin **Fig. 2-1** and say what to see"]),
    ([code("x", PICTURE), *pair("**图 2-1**", "**Fig. 2-1** See.", "caption")],
     ["cell 2: the caption should begin **图 2-1** and say what to see"]),
    ([code("x"), *caption("2-1")], ["cell 2: a caption, but the cell before it leaves no figure"]),
    ([code("x", PICTURE), *caption("2-1"), code("x", LAB), *pair("甲", "One")], []),
    ([code("x", PICTURE), *caption("2-1"), code("x", LAB), *caption("2-2")], []),
    ([code("x", PICTURE), *caption("2-1"), code("x", LAB), code("x")],
     ["cell 4: a figure, but no caption follows"]),
    ([code("x", PICTURE), *caption("2-1"), *pair("见图 2-1", "See Fig. 2-1 and Fig. 3-7")], []),
    ([code("x", PICTURE), *caption("2-1"), *pair("见图 2-2", "See Fig. 2-1")],
     ["cell 4: there is no figure 2-2"]),
])
def test_captions(cells, problems):
    assert list(lint.figure_problems("02_mlp", new_notebook(cells=cells))) == problems


@pytest.mark.parametrize("cell, problem", [
    (pair("《直观地理解 GAN》", "One")[0], None),
    (pair("`002` 说", "One")[0], "a source has a name, not a number"),
    (code("x = game('004')"), "a source has a name, not a number"),
    (code("x = source_002(0.002, 1,002, 'a/000.png', '000.png', 8002)"), None),
    (code("x", stream("as in 003.\n")), "a source has a name, not a number"),
    (code("x", stream("more than 1000 times: True\n")), "show the number"),
    (code("x", shown({"text/plain": "copies: False"})), "show the number"),
    (code("x", stream("is it True: 5,700 times\nTrue\n")), None),
])
def test_the_second_edition_has_names_and_numbers(cell, problem):
    found = list(lint.edition_problems(new_notebook(cells=[cell])))
    assert any(problem in one for one in found) if problem else found == []


def test_rules_of_the_second_edition_wait_for_its_first_caption(tmp_path):
    for name, cells, refused in (("00_start", [], True), ("02_mlp", [], False),
                                 ("02_new", [code("x", PICTURE), *caption("2-1")], True)):
        source, notebook = write_source(tmp_path, name, "# %%\nx = 1\n")
        build.write(new_notebook(cells=[*cells, code("x", stream("a: True"))]), notebook)
        problems = "\n".join(lint.lint(name, source, notebook, GLOSSARY))
        assert ("show the number" in problems) == refused
    assert "no caption follows" not in problems


def test_a_picture_that_loses_its_words_is_named():
    nb = new_notebook(cells=[code("x", shown({"image/png": "AAAA"}, LONG_ALT)), *caption("2-1")])
    assert list(lint.edition_problems(nb)) == [
        "cell 1: JupyterLab drops the alt text of a bare image/png; display a show.Picture"]


# ---- questions ----

def prediction(zh, en, right=None):
    """Return a prediction with these options, its code and the prose with the right letter."""
    asked = [f"## {heading} 1\n\n" + "\n".join(
                 f"- {letter}. {option}" for letter, option in zip("ABCD", options, strict=False))
             for heading, options in (("先猜再跑", zh), ("Predict, then run", en))]
    answer = pair(f"答案是 **{right}**。", f"The answer is **{right}**.") if right else []
    return [*pair(*asked, "predict"), code("x"), *answer]


@pytest.mark.parametrize("cells, problems", [
    ([*prediction("甲乙", "ab", "A"), *prediction("甲乙", "ab", "B")], []),
    ([*prediction("甲乙", "ab", "A"), *prediction("甲乙", "ab", "A")],
     ["the right answers are ['A', 'A']: spread them over the letters"]),
    ([cell for right in "AAB" for cell in prediction("甲乙", "ab", right)], []),
    ([cell for right in "AAAB" for cell in prediction("甲乙", "ab", right)],
     ["the right answers are ['A', 'A', 'A', 'B']: spread them over the letters"]),
    (prediction("甲乙", "ab"),
     ["cell 1: no option is right: say “答案是 **B**”, “The answer is **B**” after it (zh)",
      "cell 2: no option is right: say “答案是 **B**”, “The answer is **B**” after it (en)"]),
    (prediction("甲乙", "ab", "C"),
     ["cell 1: no option is right: say “答案是 **B**”, “The answer is **B**” after it (zh)",
      "cell 2: no option is right: say “答案是 **B**”, “The answer is **B**” after it (en)"]),
    ([*prediction("甲乙", "ab")[:3], *pair("答案是 **A**。", "The answer is **B**.")],
     ["the right letters of the predictions differ between zh and en"]),
    ([*prediction("甲乙", ["a", "bb"], "B"), *prediction("甲乙", ["aa", "bb"], "A")], []),
    ([*prediction("甲乙", ["a", "bb"], "B"), *prediction("甲乙", ["aa", "b"], "A")],
     ["the right option is the longest in 2 of 2 predictions (en)"]),
    (pair("## 先猜再跑\n\n哪些会变？", "## Predict\n\nWhich change?", "predict"), []),
])
def test_predictions(cells, problems):
    assert list(lint.prediction_problems(new_notebook(cells=cells))) == problems


def test_an_answer_may_stand_in_front_of_the_next_prediction():
    first, second = prediction("甲乙", "ab"), prediction("甲乙", "ab", "B")
    for cell, answer in zip(second, ("答案是 **A**。", "The answer is **A**."), strict=False):
        cell.source = build.wrap(f"{answer}\n\n{build.unwrap(cell.source)}", lint.language(cell))
    nb = new_notebook(cells=[*first, *second])
    assert [question.right for question in lint.predictions(nb, "en")] == ["A", "B"]
    assert "answer is" not in lint.predictions(nb, "en")[1].text
    nb.cells += pair("练习的答案是 **C**。", "The answer is **C** in the exercise.")
    assert [question.right for question in lint.predictions(nb, "en")] == ["A", "B"]


@pytest.mark.parametrize("zh, en, problems", [
    ("<details>\n\n答案是 **A**。\n\n</details>", "<details>\n\nThe answer is **A**.\n\n</details>",
     []),
    ("所以答案是 **A**。", "So the answer is **A**.", ["cell 1", "cell 2"]),
])
def test_an_answer_that_is_not_folded_is_named(zh, en, problems):
    nb = new_notebook(cells=pair(zh, en))
    assert list(lint.open_answers(nb)) == []  # a lesson of the first edition
    nb.cells += caption("2-1")
    found = list(lint.open_answers(nb))
    assert [problem[:6] for problem in found] == problems
    assert all("begin its paragraph with" in problem for problem in found)


def quiz_item(question="Why?", right="a", wrong=("a", "b")):
    options = [(right, True), *((text, False) for text in wrong)]
    return {"question": {"zh": "为什么？", "en": question},
            "options": [{"text": {"zh": "甲", "en": text}, "correct": correct}
                        for text, correct in options]}


ASKED = lint.Question(7, "\n### Predict, then run 2\n\nThe input has side 8 with kernel 4. What is "
                         "the side of the output?\n- A. 15\n- B. 16", {}, "B")


@pytest.mark.parametrize("items, problem", [
    ([quiz_item()] * 4, None),
    ([quiz_item()] * 3, "the quiz has 3 items, fewer than 4"),
    ([quiz_item()] * 2 + [quiz_item(right="abc")] * 2, None),
    ([quiz_item()] + [quiz_item(right="abc")] * 3,
     "the right option is the longest in 3 of 4 quiz items (en)"),
    ([quiz_item()] * 3 + [quiz_item("An input of side 8 and kernel 4: how large is the output?")],
     "quiz item 4 repeats the prediction in cell 7"),
    ([quiz_item()] * 3 + [quiz_item(r"What does $\gamma$ do?")],
     "the quiz has a formula in $, which a quiz shows as it is: write γ, λ, √(...)"),
    ([quiz_item()] * 3 + [quiz_item("An input of side 9: how large is the output?", "16")], None),
    ([quiz_item()] * 3 + [quiz_item("D has seen 8 of 16 fakes. Whose turn is it next?")], None),
    ([quiz_item()] * 3 + [quiz_item("In run 2 the input has side 8: what is the output?")], None),
    ([quiz_item()] * 3 + [quiz_item("In step 2 one stamp is seen to overlap others: why?")], None),
])
def test_quizzes(items, problem):
    found = list(lint.quiz_problems(items, [ASKED]))
    assert found == ([problem] if problem else [])


def test_a_lesson_is_asked_about_its_quiz_and_predictions(tmp_path, monkeypatch):
    asked = '# %% [markdown] tags=["lang-en", "predict"]\nr"""\n- A. One\n- B. Two\n"""\n\n'
    source, notebook = write_source(tmp_path, "02_mlp", asked + '# %% tags=["quiz"]\nx = 1\n')
    (tmp_path / "lesson_02.json").write_text('{"items": []}')
    monkeypatch.setattr(lint, "QUIZZES", tmp_path)
    problems = lint.lint("02_mlp", source, notebook, GLOSSARY)
    assert "02_mlp the quiz has 0 items, fewer than 4" in problems
    assert any("cell 1: no option is right" in problem for problem in problems)


# ---- the bones ----

def lesson_cells():
    cells = pair("# 甲", "# One")
    for tag, count in lint.BONES.items():
        for _ in range(count):
            cells += [*pair("甲", "One", tag), code(tags=[tag])]
    return cells


def test_a_whole_lesson_has_its_bones():
    assert list(lint.bones_problems(new_notebook(cells=lesson_cells()))) == []


@pytest.mark.parametrize("tag", lint.BONES)
def test_a_missing_bone_is_named(tag):
    cells = lesson_cells()
    first = next(i for i, cell in enumerate(cells) if tag in cell.metadata.tags)
    del cells[first:first + 3]
    found = list(lint.bones_problems(new_notebook(cells=cells)))
    assert found == [f"{lint.BONES[tag] - 1} of at least {lint.BONES[tag]} parts tagged {tag}"]


def test_the_title_card_comes_first():
    found = list(lint.bones_problems(new_notebook(cells=[code(), *lesson_cells()])))
    assert found == ["a lesson begins with its title card: a pair of cells that start with '# '"]


def test_a_lesson_is_asked_for_its_bones_and_its_notebook(tmp_path):
    for name, missing in (("00_start", 0), ("02_mlp", 1 + len(lint.BONES))):
        source, notebook = write_source(tmp_path, name, "# %%\nx = 1\n")
        problems = lint.lint(name, source, notebook, GLOSSARY)
        assert problems[0] == f"{name}: is not built" and len(problems) == 1 + missing


def test_a_file_that_is_too_large(tmp_path):
    source, notebook = write_source(tmp_path, "00_start", "# %%\nx = 1\n")
    nb = build.from_source(source, "00_start")
    nb.cells[0].update(execution_count=1, outputs=[stream("a" * 1_000_000)])
    build.write(nb, notebook)
    problems = lint.lint("00_start", source, notebook, GLOSSARY)
    assert problems == ["00_start: 1.0 MB, more than 1"]


def test_the_map_of_the_course_gives_each_lesson_its_own_minutes():
    """The minutes in lesson 00 are those of the lessons' title cards, in both languages."""
    sources = ROOT / "notebooks" / "src"
    course = (sources / "00_start_here.py").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \*\*\[?(\w+)\]?.*?\| (\d*) ?\|$", course, re.MULTILINE)
    numbers = [path.name.split("_")[0] for path in sorted(sources.glob("[0-9]*.py"))]
    assert [lesson for lesson, _ in rows] == numbers * 2  # the table in Chinese and in English
    for lesson, minutes in rows:
        path, = sources.glob(f"{lesson}_*.py")
        card = path.read_text(encoding="utf-8")
        stated = re.findall(r"\*\*(?:用时\*\*：|Time\*\*: )\D*(\d+) (?:分钟|minutes)", card)
        assert stated == [minutes] * 2 or (stated == [] and minutes == ""), lesson


# ---- the build ----

PROSE = '''\
# %% [markdown] tags=["lang-zh"]
r"""
# 标题 $\\nu$
"""

# %% [markdown] tags=["lang-en"] slideshow={"slide_type": "slide"}
r"""
# Title $\\nu$
"""

'''
BAR = "\r  0%|          | 0/3 [00:00<?, ?it/s]\r100%|###| 3/3 [00:01<00:00,  2.9it/s]\n"


def write_source(folder, name, text):
    """Write a source in the layout of the course; return its path and its notebook's."""
    source = folder / "src" / f"{name}.py"
    source.parent.mkdir(parents=True, exist_ok=True)
    source.write_text(text, encoding="utf-8")
    return source, folder / f"{name}.ipynb"


def test_source_to_notebook(tmp_path):
    source, _ = write_source(tmp_path, "03_dcgan", PROSE + '# %% tags=["quiz"]\nx = 1\n')
    nb = build.from_source(source, "03_dcgan")
    assert [cell.id for cell in nb.cells] == ["03_dcgan-001", "03_dcgan-002", "03_dcgan-003"]
    assert nb.cells[0].source == '<div lang="zh">\n\n# 标题 $\\nu$\n\n</div>'
    assert build.unwrap(nb.cells[1].source) == "# Title $\\nu$"
    assert nb.cells[1].metadata == {"tags": ["lang-en"], "slideshow": {"slide_type": "slide"}}
    assert nb.cells[2].metadata == {"tags": ["quiz"]}


def test_what_is_kept_of_the_outputs():
    error = new_output("error", ename="E", evalue="e", traceback=[
        "\x1b[31mE\x1b[39m  Traceback", "Cell In[1], line 1", "\x1b[36mFile \x1b[39m~/x.py:1",
        "E: e"])
    widget = shown({build.WIDGET_VIEW: {"model_id": "1"}, "text/html": "a", "text/plain": "a"})
    kept = build.clean_outputs([stream("a"), stream(BAR[:20], "stderr"), stream("b"),
                                stream(BAR[20:], "stderr"), widget, stream("c"), error])
    assert [out.output_type for out in kept] == ["stream", "display_data", "stream", "error"]
    assert kept[0].text == "ab" and kept[2].text == "c"
    assert set(kept[1].data) == {"text/html", "text/plain"}
    assert [line[-6:] for line in kept[3].traceback] == ["ceback", "line 1", "E: e"]


@pytest.mark.parametrize("outputs, message", [
    ([stream("UserWarning: x\n", "stderr")], "writes to stderr"),
    ([stream(BAR + "UserWarning: x\n", "stderr")], "writes to stderr"),
    ([shown({build.WIDGET_VIEW: {"model_id": "1"}, "text/plain": "x"})],
     "no text/html twin"),
])
def test_what_must_not_be_stored_fails_the_build(outputs, message):
    nb = new_notebook(cells=[code("x", *outputs)])
    with pytest.raises(build.BuildError, match=f"(?s)cell 1 .*{message}"):
        build.clean(nb)


@pytest.fixture(scope="module")
def traps(tmp_path_factory):
    """Build the fixture of nbval's traps, with settings around that the build must hide."""
    folder = tmp_path_factory.mktemp("course")
    text = (ROOT / "tests" / "fixtures" / "traps.py").read_text(encoding="utf-8")
    write_source(folder, "00_traps", text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GAN_LESSONS_SCALE", "smoke")
        patch.setenv("MPLBACKEND", "agg")
        assert build.main([], folder) == 0
    return folder


def test_the_build_hides_the_settings_of_its_user(traps):
    nb = nbformat.read(traps / "00_traps.ipynb", as_version=4)
    assert nb.cells[-1].outputs[0].text == "None backend_inline\n"


def test_the_built_notebook_is_clean(traps):
    problems = lint.lint("00_traps", traps / "src/00_traps.py", traps / "00_traps.ipynb", GLOSSARY)
    assert problems == []
    assert sorted(path.name for path in traps.iterdir()) == ["00_traps.ipynb", "src"]


@pytest.mark.slow
def test_nbval_passes_what_is_true_and_fails_what_is_not(traps, tmp_path):
    for file in ("build.py", "conftest.py"):
        shutil.copy(ROOT / "notebooks" / file, tmp_path)
    nb = nbformat.read(traps / "00_traps.ipynb", as_version=4)
    printed, updated, drawn = [cell for cell in nb.cells if cell.cell_type == "code"][:3]
    alt, _ = picture_in(drawn.outputs[0].data["text/html"])
    drawn.outputs[0].data["text/html"] = f' \n<img alt="{alt}" src="data:image/png;base64,AAAA">'
    nbformat.write(nb, tmp_path / "00_true.ipynb")
    drawn.outputs[0].data["text/html"] = ' \n<img alt="A curve" src="data:image/png;base64,AAAA">'
    printed.outputs[0].text = "another text\n"
    updated.outputs[0].data["text/html"] = "step 0"  # its first state, not its last
    nbformat.write(nb, tmp_path / "01_false.ipynb")
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", tmp_path,
         "--nbval", "--nbval-current-env", "--nbval-cell-timeout=60", tmp_path],
        env=os.environ | {"GAN_LESSONS_SCALE": "smoke", "MPLBACKEND": "agg"},
        cwd=tmp_path, capture_output=True, text=True, timeout=100)
    failed = [line.split(" - ")[0] for line in run.stdout.splitlines() if line.startswith("FAILED")]
    assert failed == [f"FAILED 01_false.ipynb::Cell {i}" for i in range(3)], run.stdout


@pytest.mark.parametrize("code_text, message", [
    ("import matplotlib.pyplot as plt\nplt.title(chr(0x4e2d))\nplt.show()", "Glyph 20013"),
    ("print(1 / 0)", "ZeroDivisionError"),
])
def test_a_failed_build_leaves_the_old_notebook(tmp_path, capsys, code_text, message):
    _, notebook = write_source(tmp_path, "00_bad", PROSE + f"# %%\n{code_text}\n")
    notebook.write_text("old", encoding="utf-8")
    assert build.main([], tmp_path) == 1
    assert message in capsys.readouterr().err
    assert notebook.read_text(encoding="utf-8") == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["00_bad.ipynb", "src"]


ANSWERED = """\
# %% [markdown] tags=["lang-en", "predict"]
# ## Predict
#
# - A. One
# - B. Two
# %%
1 + 1
# %% [markdown] tags=["lang-en", "caption"]
# **Fig. 1-1** It is two.
#
# And stays so.
# %%
2
# %% [markdown] tags=["lang-en", "predict"]
# The answer is **B**. See above.
#
# ## Predict again
#
# - A. Three
# - B. Four
# %%
3
# %% [markdown] tags=["lang-en"]
# <details><summary>See</summary>
#
# The answer is **A**.
#
# </details>
# %%
4
# %% [markdown] tags=["lang-en", "caption"]
# **Fig. 1-2** Four.
"""


def test_what_answers_a_prediction_is_folded(tmp_path):
    source, _ = write_source(tmp_path, "01_fold", ANSWERED)
    cells = build.from_source(source, "01_fold").cells
    folded = {cell.source for cell in cells if cell.metadata.get("jupyter") == {
        "outputs_hidden": True} and cell.metadata.collapsed}
    assert folded == {"1 + 1", "2", "3"}
    prose = [build.unwrap(cell.source) for cell in cells if cell.cell_type == "markdown"]
    assert prose[1] == ("<details><summary>Fig. 1-1</summary>\n\nIt is two.\n\nAnd stays so.\n\n"
                        "</details>")
    assert prose[2].startswith("<details><summary>Answer</summary>\n\nThe answer is **B**. See "
                               "above.\n\n</details>\n\n## Predict again")
    assert prose[3].count("<details>") == 1  # the author's
    assert prose[4] == "**Fig. 1-2** Four."
    assert list(lint.open_answers(new_notebook(cells=cells))) == []

    source.write_text(ANSWERED.replace('"caption"', '"note"'), encoding="utf-8")
    first_edition = build.from_source(source, "01_fold").cells
    assert not [cell for cell in first_edition if "jupyter" in cell.metadata]


def test_new_prose_keeps_the_outputs_unless_code_has_changed(tmp_path, capsys):
    source, notebook = write_source(tmp_path, "01_one", PROSE + "# %%\nx = 1\n")
    nb = build.from_source(source, "01_one")
    nb.cells[-1].update(execution_count=1, outputs=[stream("one")])
    build.write(nb, notebook)
    source.write_text('# %% tags=["quiz"]\nx = 1\n' + PROSE.replace("Title", "Heading"), "utf-8")
    assert build.main(["--prose"], tmp_path) == 0
    stored = nbformat.read(notebook, as_version=4)
    assert stored.cells[0].metadata.tags == ["quiz"] and stored.cells[0].outputs[0].text == "one"
    assert "Heading" in stored.cells[2].source and build.drift(source, notebook, "01_one") is None
    source.write_text("# %%\nx = 2\n", encoding="utf-8")
    assert build.main(["--prose"], tmp_path) == 1
    assert "the code has changed, too" in capsys.readouterr().err
    assert nbformat.read(notebook, as_version=4) == stored


def test_drift(tmp_path, capsys):
    source, notebook = write_source(tmp_path, "00_start", PROSE + "# %%\nx = 1\n")
    assert build.drift(source, notebook, "00_start") == "00_start: is not built"
    build.write(build.from_source(source, "00_start"), notebook)
    assert build.main(["--check"], tmp_path) == 0
    nb = nbformat.read(notebook, as_version=4)
    nb.metadata.kernelspec.name = "my-kernel"
    build.write(nb, notebook)
    assert build.main(["--check"], tmp_path) == 1
    source.write_text(PROSE + "# %%\nx = 2\n", encoding="utf-8")
    assert build.main(["--check"], tmp_path) == 1
    source.write_text(PROSE, encoding="utf-8")
    assert build.main(["--check"], tmp_path) == 1
    source.unlink()
    assert build.main(["--check"], tmp_path) == 1
    assert capsys.readouterr().out.splitlines() == [
        "00_start: the notebook's metadata differ from what the build writes",
        "00_start cell 3: source is not what the source file says; build it",
        "00_start cell 3: cell_type is not what the source file says; build it",
        "00_start: has no source 00_start.py"]


def test_names_choose_what_is_built(tmp_path, capsys, monkeypatch):
    for name in ("01_one", "02_two", "solutions/01_one"):
        write_source(tmp_path, name, PROSE)
    built = []
    monkeypatch.setattr(build, "build", lambda source, notebook, name: built.append(name))
    assert build.main(["01", "solutions"], tmp_path) == 0
    assert built == ["01_one", "solutions/01_one"]
    with pytest.raises(SystemExit):
        build.main(["07"], tmp_path)
    assert "there are: 01_one, 02_two, solutions/01_one" in capsys.readouterr().err
