"""The page about the sources: both languages agree, and what it quotes is what they say."""

import json
import os
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOKS = ROOT / "notebooks"
SEEDS = Path(os.environ.get("GAN_LESSONS_SOURCES", ROOT.parent / "shared" / "seeds"))
LOGS = json.loads((NOTEBOOKS / "published_logs.json").read_text(encoding="utf-8"))

sys.path.insert(0, str(NOTEBOOKS))
import lint  # noqa: E402

GLOSSARY = lint.read_glossary()
HALVES = re.split(r"^(?=# )", (NOTEBOOKS / "sources.md").read_text(encoding="utf-8"), flags=re.M)
TOP, CHINESE, ENGLISH = HALVES[0], *(re.split(r"^(?=## )", half, flags=re.M) for half in HALVES[1:])
OF_SEED = {"002": 1, "004": 2, "003": 3, "000": 4, "001": 5}  # seed -> section of either half

# numbers in a section that are not its source's, and whose they are
OURS = {
    "002": {},
    "004": {60000: "pictures of MNIST", 255: "an exercise of lesson 02",
            5.1: "another section", 5.3: "another section", 5.4: "another section"},
    "003": {25: "the WGAN authors' code", 500: "the WGAN authors' code", 48: "a counterexample",
            1024: "Karras et al."},
    "000": {},
    "001": {38: "names, counted below"},
}


def seed(code: str) -> str:
    """Return the text of a source document, which is not part of the repository."""
    found = sorted(SEEDS.glob(f"{code}_*.txt"))
    if not found:
        pytest.skip("the source documents are not on this machine")
    decoded = [path for path in found if "decoded" in path.name]
    text = (decoded or found)[0].read_text(encoding="utf-8")
    if code == "001":  # a notebook as JSON
        text = "\n".join("".join(block["lines"]) for block in json.loads(text))
    return text


def prose(section: str) -> str:
    """Return a section without links' targets, names of lessons and the column that has them."""
    text = re.sub(r"\]\([^)]*\)", "]", section)
    text = re.sub(r"\|[ \d、b全部]*\|$", "|", text, flags=re.M)
    return re.sub(r"第 [\d、b到 ]+ 课", "", text)


def links(text: str) -> set[str]:
    """Return the targets of the links in a text."""
    return set(re.findall(r"\]\(([^)\s]+)\)", text))


# ---- two languages ----

def test_both_halves_have_the_same_sections():
    assert len(CHINESE) == len(ENGLISH) == 8
    assert CHINESE[0].startswith("# 出处与勘误") and ENGLISH[0].startswith("# Sources and errata")
    assert links(TOP) == {"#出处与勘误", "#sources-and-errata"}


@pytest.mark.parametrize("number", range(8))
def test_a_section_says_the_same_in_both_languages(number):
    zh, en = CHINESE[number], ENGLISH[number]
    problems = [*lint.pair_problems(zh, en),
                *lint.term_problems(lint.dissect(zh).text, GLOSSARY),
                *lint.term_problems(lint.dissect(en).text, GLOSSARY),
                *lint.chinese_problems(lint.dissect(zh).text),
                *lint.english_problems(lint.dissect(en).text, GLOSSARY)]
    assert problems == []


@pytest.mark.parametrize("number", OF_SEED.values())
def test_a_section_thanks_first_and_has_all_parts(number):
    zh, en = CHINESE[number], ENGLISH[number]
    assert zh.splitlines()[2].startswith("谢谢")
    assert en.splitlines()[2].startswith("Thank you")
    assert re.findall(r"^\*\*(.+)\*\*$", zh, re.M) == [
        "留下了什么", "改了什么，为什么", "第一版漏掉的，现在在哪里", "原文的致谢和链接"]


# ---- links ----

@pytest.mark.parametrize("number, target", [
    (0, "https://github.com/siriusdemon/hackaway/tree/master/projects/Gan/GAN"),
    (0, "https://github.com/alexshuang/wgan-pytorch"),
    (0, "https://fastai1.fast.ai/vision.gan.html"),
    (1, "https://github.com/wiseodd/generative-models"),
    (1, "https://siriusdemon.github.io/"),
    (2, "https://github.com/shenhao-stu"),
    (2, "https://datawhalechina.github.io/dive-into-cv-pytorch"),
    (3, "https://alexshuang.github.io/2018/08/24/%E8%A7%A3%E8%AF%BBWasserstein-GAN/"),
    (3, "https://github.com/martinarjovsky/WassersteinGAN"),
    (3, "https://github.com/martinarjovsky/WassersteinGAN/issues/50"),
    (4, "https://ytcropper.com/cropped/9s5c8c82395554d"),
    (4, "https://github.com/fastai/course-v3/blob/master/nbs/dl1/lesson7-wgan.ipynb"),
    (6, "https://github.com/martinarjovsky/WassersteinGAN/pull/6"),
    (7, "https://nndl.github.io/"),
    (7, "https://zhuanlan.zhihu.com/p/25071913"),
    (7, "https://kexue.fm/archives/4439"),
    (7, "https://speech.ee.ntu.edu.tw/~hylee/ml/2021-spring.php"),
    (7, "https://doi.org/10.16383/j.aas.2017.y000003"),
    (7, "https://eur-lex.europa.eu/eli/reg/2024/1689/oj"),
    (7, "https://www.cac.gov.cn/2025-03/14/c_1743654684782215.htm"),
])
def test_thanks_and_links_onward_are_there(number, target):
    assert target in links(CHINESE[number]) & links(ENGLISH[number])


def test_links_into_the_repository_lead_somewhere():
    local = {link for half in (CHINESE, ENGLISH) for link in links("".join(half))
             if not re.match(r"https?:", link)}
    assert {"02_mlp_gan_mnist.ipynb", "glossary.md"} < local
    assert [link for link in sorted(local) if not (NOTEBOOKS / link).exists()] == []


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`((?:tests|notebooks)/[\w./]+)`",
                                                       "".join(CHINESE)))))
def test_files_that_the_page_names_exist(name):
    assert (ROOT / name).exists()


@pytest.mark.parametrize("page", ["notebooks/sources.md", "notebooks/glossary.md", "README.md",
                                  "CONTRIBUTING.md", "notebooks/src/00_start_here.py"])
def test_no_lesson_is_promised_that_does_not_exist(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    named = set(re.findall(r"(?<=第 )\d\db?(?= 课)|(?<=lesson )\d\db?|(?<=lessons )\d\db?", text))
    assert [name for name in named if not list(NOTEBOOKS.glob(f"{name}_*.ipynb"))] == []


@pytest.mark.parametrize("code", OF_SEED)
def test_a_source_number_stands_once_in_each_language(code):
    assert "".join(CHINESE).count(f"`{code}`") == "".join(ENGLISH).count(f"`{code}`") == 1
    assert f"| `{code}` |" in CHINESE[0]


@pytest.mark.parametrize("code", OF_SEED)
def test_links_of_the_source_are_kept(code):
    text = seed(code)
    page = links("".join(CHINESE))
    kept = [link.replace("/pdf/", "/abs/").removesuffix(".pdf") for link in
            re.findall(r"https?://[^\s)\"'\\]+", text) if not re.search(
                r"upload-images|kaggle\.com$|arxiv.org/abs/\d+\.\d+\w|markdown_imgs|wgan_pytorch|"
                r"github.com/fastai/fastai$|wgan-pytorch]", link)]
    assert [link for link in kept if link not in page] == []


# ---- what is quoted ----

def numbers(text: str) -> set[float]:
    """Return the numbers in a text: 60,000 is one, 4x4 and (0,0.99) are two each."""
    return {float(number.replace(",", "")) for number in
            re.findall(r"\d{1,3}(?:,\d{3})+(?!\d)|\d+(?:\.\d+)?(?:e-\d+)?", text)}


@pytest.mark.parametrize("code, number", OF_SEED.items())
def test_the_numbers_of_a_section_are_the_sources(code, number):
    quoted, published = numbers(prose(CHINESE[number])), numbers(seed(code))
    assert len(quoted) >= 4
    assert sorted(quoted - published) == sorted(OURS[code])
    assert all(time in seed(code) for time in re.findall(r"\d+(?::\d\d)+", CHINESE[number]))


def test_the_numbers_of_the_logs_are_the_logs():
    on_faces, on_rooms = LOGS["003, all"], LOGS["000"]
    for name in ("fake_loss", "d_loss"):
        assert "由 {} 变为 {}".format(*on_faces[name][3:]) in CHINESE[3]
        assert "from {} to {}".format(*on_faces[name][3:]) in ENGLISH[3]
    first, last = -on_rooms["disc_loss"][0], -on_rooms["disc_loss"][-1]
    assert f"从 {first} 降到 {last}" in CHINESE[4] and f"from {first} to {last}" in ENGLISH[4]
    assert [len(log["d_loss"]) for name, log in LOGS.items() if name != "000"] == [5, 5]
    assert len(on_rooms["epoch"]) == 30


def test_the_names_of_the_documentation_are_counted():
    assert len(set(re.findall(r"show_doc\(([^,)]+)", seed("001")))) == 38


def test_every_fault_of_fastai_has_its_test():
    rows = re.findall(r"^\|.*\| v[12] \|.*\|$", CHINESE[5], re.M)
    tests = (ROOT / "tests/test_fastai_behaviour.py").read_text(encoding="utf-8")
    watched = ["Q1", "Q2", "Q3", "Q4", "Q5", "Q12", "Q9", "Q6", "Q8"]  # in the order of the rows
    assert len(rows) == len(watched)
    assert [name for name in watched if f"def test_{name}_" not in tests] == []


@pytest.mark.parametrize("code, number", OF_SEED.items())
def test_no_sentence_is_copied(code, number):
    text = seed(code)
    for run in re.findall(r"[\u4e00-\u9fff]{12,}", prose(CHINESE[number])):
        pieces = {run[start:start + 12] for start in range(len(run) - 11)}
        assert not [piece for piece in pieces if piece in text]
    words = re.findall(r"[A-Za-z']+", prose(ENGLISH[number]))
    source = " ".join(re.findall(r"[A-Za-z']+", text))
    pieces = {" ".join(words[start:start + 8]) for start in range(len(words) - 7)}
    assert not [piece for piece in pieces if piece in source]
