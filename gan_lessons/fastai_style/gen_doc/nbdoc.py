"""What `from gan_lessons.fastai_style.gen_doc.nbdoc import *` brings: `show_doc`.

The English explanations are the docstrings; the Chinese ones are in `chinese.md` beside this file.
"""

import ast
import html
import inspect
import re
import textwrap
from functools import cache
from pathlib import Path

from IPython.display import display
from torch import nn

from gan_lessons.bilingual import Bilingual
from gan_lessons.util import both

__all__ = ["show_doc"]

PACKAGE = Path(__file__).resolve().parents[2]


def show_doc(elt, title_level: int | None = None) -> None:
    """Show what a class, function or method of the course is: signature, explanation, source.

    Args:
        elt: the class, function or method
        title_level: of the heading, 1 to 6; by default 2 for a class, 4 for anything else
    """
    display(documentation(elt, title_level))


def documentation(elt, title_level: int | None = None) -> Bilingual:
    """Return what `show_doc` shows: text for a terminal, HTML for a notebook."""
    target = elt.fget if isinstance(elt, property) else inspect.unwrap(elt)
    if not (callable(target) and _is_ours(target)):
        raise ValueError(both(
            f"show_doc 只认这门课里的类、函数和方法，收到 {elt!r}；别的请用 help()。",
            f"show_doc knows the classes, functions and methods of the course, not {elt!r}; "
            "for others there is help()."))
    name, level = target.__qualname__, title_level or (2 if inspect.isclass(target) else 4)
    zh, en = chinese().get(name, ""), inspect.getdoc(target) or ""
    call = name if isinstance(elt, property) else name + _signature(target)
    file = Path(_file(target)).relative_to(PACKAGE.parent).as_posix()
    line = inspect.getsourcelines(target)[1]
    return Bilingual(
        f"{call}\n{file}, line {line}\n\n{both(zh, en)}",
        f'<h{level}>{name}</h{level}><p><code>{html.escape(call)}</code><br>'
        f'<small><a href="../{file}#L{line}">{file}, line {line}</a></small></p>'
        f'<div lang="zh">{_paragraphs(zh)}</div><div lang="en">{_paragraphs(en)}</div>')


@cache
def chinese() -> dict[str, str]:
    """Return the Chinese explanations by name."""
    text = Path(__file__).with_name("chinese.md").read_text(encoding="utf-8")
    _, *sections = re.split(r"^## ", text, flags=re.MULTILINE)
    parts = (section.partition("\n") for section in sections)
    return {name.strip(): body.strip() for name, _, body in parts}


def _signature(target) -> str:
    """Return the arguments as they are written in the code, without self or cls."""
    function = target.__init__ if inspect.isclass(target) else target
    if not _is_ours(function):  # the class has no __init__ of its own
        return "()" if issubclass(target, (nn.Module, Exception)) else ""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    if tree.args.args and tree.args.args[0].arg in ("self", "cls"):
        del tree.args.args[0]
    arguments = f"({ast.unparse(tree.args)})"
    if tree.returns is None:
        return arguments
    returned = ast.unparse(tree.returns).strip("'")  # a class not yet defined stands in quotes
    return f"{arguments} -> {returned}"


def _file(target) -> str:
    return getattr(inspect.getmodule(target), "__file__", None) or ""


def _is_ours(target) -> bool:
    return Path(_file(target)).is_relative_to(PACKAGE)


def _paragraphs(text: str) -> str:
    """Return plain text with `code` and **stress** as HTML, one <p> for each paragraph.

    A line that is indented by four spaces, such as that of an argument, stays a line.
    """
    marked = re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text, quote=False))
    marked = re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", marked)
    marked = re.sub(r"\n {4}(?=\S)", "<br>", marked)
    return "".join(f"<p>{part}</p>" for part in marked.split("\n\n") if part)
