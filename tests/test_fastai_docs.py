"""show_doc: every public name of the fastai style is explained in both languages."""

import inspect
import re
from pathlib import Path

import pytest
import torch

from gan_lessons.fastai_style import vision
from gan_lessons.fastai_style.gen_doc import nbdoc
from gan_lessons.fastai_style.gen_doc.nbdoc import documentation, show_doc
from gan_lessons.fastai_style.vision import gan

ROOT = Path(__file__).parents[1]

# The classes and functions that fastai v1's own page documents, with their methods.
DOCUMENTED = {
    "GANLearner": ["from_learners", "wgan"],
    "FixedGANSwitcher": ["on_train_begin", "on_batch_end"],
    "AdaptiveGANSwitcher": ["on_batch_end"],
    "GANDiscriminativeLR": ["on_batch_begin", "on_step_end"],
    "basic_critic": [], "basic_generator": [], "gan_critic": [],
    "GANTrainer": ["switch", "on_train_begin", "on_epoch_begin", "on_batch_begin",
                   "on_backward_begin", "on_epoch_end", "on_train_end"],
    "GANModule": ["forward", "switch"],
    "GANLoss": ["critic", "generator"],
    "AdaptiveLoss": ["forward"],
    "NoisyItem": ["apply_tfms"],
    "GANItemList": ["get", "reconstruct", "show_xys", "show_xyzs"],
    "accuracy_thresh_expand": []}


def public() -> dict[str, object]:
    """Return what the star imports bring of ours, and the public methods of these classes."""
    found = {}
    for module in (vision, gan):
        for name in module.__all__:
            thing = getattr(module, name)
            if getattr(thing, "__module__", "").startswith("gan_lessons"):
                found[name] = thing
                members = vars(thing).items() if inspect.isclass(thing) else ()
                found |= {f"{name}.{key}": getattr(thing, key) for key, value in members
                          if not key.startswith("_") and (
                              isinstance(value, (classmethod, property))
                              or (inspect.isfunction(value) and value.__name__ == key))}
    return found


PUBLIC = public()


def test_everything_that_fastai_documents_is_here():
    dotted = {f"{name}.{method}" for name, methods in DOCUMENTED.items() for method in methods}
    assert dotted | set(DOCUMENTED) <= set(PUBLIC)


def test_every_public_name_is_explained_in_both_languages():
    for name, thing in PUBLIC.items():
        call, where, _, *words = repr(documentation(thing)).split("\n")
        assert re.split(r"[ (]", call)[0] == name
        assert re.search("[\u4e00-\u9fff]", words[0]), f"add {name} to chinese.md"
        assert re.search("[a-z]{3}", words[-1]), f"{name} has no docstring"
        file, line = where.split(", line ")
        line = (ROOT / file).read_text(encoding="utf-8").splitlines()[int(line) - 1]
        assert re.search(rf"\b{name.split('.')[-1]}\b", line) or line.strip().startswith("@")


def test_every_chinese_section_is_of_something_that_exists():
    assert set(nbdoc.chinese()) == set(PUBLIC)


@pytest.mark.parametrize("thing, call", [
    (gan.GANModule.switch, "GANModule.switch(gen_mode: bool | None=None) -> None"),
    (gan.NoisyItem, "NoisyItem(noise_sz: int)"), (gan.WassersteinLoss, "WassersteinLoss()"),
    (vision.DatasetType, "DatasetType")])
def test_a_signature_is_what_the_code_says(thing, call):
    assert repr(documentation(thing)).startswith(f"{call}\ngan_lessons/fastai_style/")


def test_the_page_links_to_the_code_and_escapes_it():
    page = documentation(gan.basic_generator)._repr_html_()
    line = inspect.getsourcelines(gan.basic_generator)[1]
    assert f'href="../gan_lessons/fastai_style/networks.py#L{line}"' in page
    assert "-&gt; pictures" in page and '<div lang="zh"><p>' in page and '<div lang="en">' in page
    assert "<h4>basic_generator</h4>" in page
    page = documentation(gan.GANTrainer)._repr_html_().replace("\n", " ")
    assert "both losses.</p><p>Args:<br>learn: the GANLearner<br>switch_eval: put the" in page
    assert "too<br>clip: limit" in page and '参数：<br><code>switch_eval</code>：' in page
    assert "<h3>" in documentation(gan.basic_generator, title_level=3)._repr_html_()


def test_in_a_terminal_it_is_text(capsys):
    show_doc(vision.noop)
    said = capsys.readouterr().out
    assert said.startswith("noop(x)\ngan_lessons/fastai_style/data.py, line ")
    assert "原样返回" in said and "Return x" in said


@pytest.mark.parametrize("other", [torch.nn.Linear, len, 3, "GANLearner", torch])
def test_what_is_not_of_the_course_is_refused(other):
    with pytest.raises(ValueError, match="help\\(\\)"):
        show_doc(other)
