"""Build the notebooks from their text sources in `notebooks/src`.

    python notebooks/build.py                   build and execute every notebook
    python notebooks/build.py 02 solutions/02   only those whose name starts so
    python notebooks/build.py --check           name the notebooks that differ from their source
    python notebooks/build.py --prose 02        take over prose and metadata, and run nothing

A source is a Python file in jupytext's percent format. Its prose comes in pairs of Markdown
cells, Chinese then English, tagged `lang-zh` and `lang-en`; the build wraps each body in
`<div lang="zh">` or `<div lang="en">`, so that a page can hide one language. What would give away
the answer to a prediction is folded, see `Folds`. The notebook is executed as a learner on a CPU
would run it, and replaces the old one only if every cell worked.
"""

import argparse
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import zip_longest
from pathlib import Path

import jupytext
import nbformat
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpecManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

from gan_lessons.util import write_atomically

HERE = Path(__file__).resolve().parent
LANGUAGES = ("zh", "en")
CELL_TIMEOUT = 600  # seconds
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
WIDGET_HINT = '<p class="gan-lessons-twin">'  # begins what a static form says of a new kernel
METADATA = {  # exactly what JupyterLab writes, or opening a lesson would change its file
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"codemirror_mode": {"name": "ipython", "version": 3}, "file_extension": ".py",
                      "mimetype": "text/x-python", "name": "python", "nbconvert_exporter": "python",
                      "pygments_lexer": "ipython3", "version": "3.11.7"},
}
KEPT_CELL_METADATA = ("tags", "slideshow")
FOLDED = {"collapsed": True, "jupyter": {"outputs_hidden": True}}  # as JupyterLab 4 writes it
COURSE_SETTINGS = ("GAN_LESSONS_SCALE", "GAN_LESSONS_DATA")
USER_SETTINGS = ("MPLBACKEND", "PYTHONSTARTUP", "PYTHONWARNINGS")

OPTION = re.compile(r"^- \**([A-H])\**[.．]\**\s*(.+)$", re.MULTILINE)
ANSWER = {"zh": re.compile(r"答案是 ?\*\*([A-H])\*\*"),
          "en": re.compile(r"[Tt]he answer is \*\*([A-H])\*\*")}
ANSWER_TITLE = {"zh": "答案", "en": "Answer"}
CAPTION = re.compile(r"\*\*((?:图|Fig\.) [\db-]+)\*\*\s+(.+)", re.DOTALL)

ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
PROGRESS_BAR = re.compile(r"\[[\d:]+[<,][^\]]*\]")  # the end of a tqdm bar: [00:01<00:04, 7it/s]


class BuildError(Exception):
    """A notebook that must not be stored, and why."""


def notebooks(folder: Path = HERE) -> dict[str, tuple[Path, Path]]:
    """Return {name: (source, notebook)} for all that has a source or a notebook in `folder`."""
    found = [path.relative_to(folder / "src") for path in folder.glob("src/[0-9]*.py")]
    found += [path.relative_to(folder / "src") for path in folder.glob("src/solutions/[0-9]*.py")]
    found += [path.relative_to(folder) for path in folder.glob("[0-9]*.ipynb")]
    found += [path.relative_to(folder) for path in folder.glob("solutions/[0-9]*.ipynb")]
    names = sorted({path.with_suffix("").as_posix() for path in found})
    return {name: (folder / "src" / f"{name}.py", folder / f"{name}.ipynb") for name in names}


# ---- from a source to a notebook without outputs ----

def language(cell: NotebookNode) -> str | None:
    """Return "zh" or "en" for a cell tagged with one language, else None."""
    tags = cell.metadata.get("tags", [])
    spoken = [lang for lang in LANGUAGES if f"lang-{lang}" in tags]
    return spoken[0] if len(spoken) == 1 else None


def wrap(body: str, lang: str) -> str:
    """Return `body` in a <div> that says its language; the blank lines keep it Markdown."""
    return f'<div lang="{lang}">\n\n{body}\n\n</div>'


def unwrap(text: str) -> str:
    """Return what `wrap` was given; text that is not wrapped comes back as it is."""
    match = re.fullmatch(r'<div lang="\w+">\n\n(.*)\n\n</div>', text, re.DOTALL)
    return match[1] if match else text


class Folds:
    """Fold what would give a prediction away, from its options to its answer.

    That is the outputs of the code in between, which come up when the cell runs, the captions, and
    the paragraph that says "The answer is **B**". Look at the cells of a lesson in their order.
    """

    def __init__(self):
        self.open = set()  # the languages in which a prediction waits for its answer

    def code(self) -> dict:
        """Return the metadata of the next cell, a code cell."""
        return FOLDED if self.open else {}

    def prose(self, body: str, lang: str, tags: list[str]) -> str:
        """Return the body of the next cell, prose, with its folds."""
        if lang in self.open and "caption" in tags and (caption := CAPTION.fullmatch(body)):
            return folded(caption[1], caption[2])
        paragraphs = body.split("\n\n")
        inside = 0  # a fold of the author's
        for i, paragraph in enumerate(paragraphs):
            inside += paragraph.count("<details") - paragraph.count("</details")
            if lang in self.open and ANSWER[lang].search(paragraph):
                self.open.remove(lang)
                if ANSWER[lang].match(paragraph) and not inside:
                    paragraphs[i] = folded(ANSWER_TITLE[lang], paragraph)
            if "predict" in tags and OPTION.search(paragraph):
                self.open.add(lang)
        return "\n\n".join(paragraphs)


def folded(title: str, text: str) -> str:
    """Return Markdown that shows only its title until it is opened."""
    return f"<details><summary>{title}</summary>\n\n{text}\n\n</details>"


def from_source(source: Path, name: str) -> NotebookNode:
    """Return the notebook `name` as its source says it, not yet executed."""
    written = jupytext.read(source, fmt="py:percent").cells
    folds = Folds() if any("caption" in cell.metadata.get("tags", []) for cell in written) else None
    cells = []
    for position, cell in enumerate(written, start=1):
        lang = language(cell) if cell.cell_type == "markdown" else None
        text = cell.source
        metadata = {key: cell.metadata[key] for key in KEPT_CELL_METADATA if key in cell.metadata}
        if cell.cell_type == "code" and folds:
            metadata |= folds.code()
        elif lang:
            text = wrap(folds.prose(text, lang, metadata["tags"]) if folds else text, lang)
        new_cell = getattr(nbformat.v4, f"new_{cell.cell_type}_cell")
        cells.append(new_cell(text, id=f"{name.replace('/', '-')[:50]}-{position:03d}",
                              metadata=metadata))
    return nbformat.v4.new_notebook(cells=cells, metadata=METADATA)


def take_over_prose(source: Path, notebook: Path, name: str) -> None:
    """Bring the prose and the metadata of a stored notebook up to date, and keep its outputs."""
    wanted, stored = from_source(source, name), nbformat.read(notebook, as_version=4)
    code = [[cell.source for cell in nb.cells if cell.cell_type == "code"]
            for nb in (wanted, stored)]
    if code[0] != code[1]:
        raise BuildError("the code has changed, too: build it")
    done = iter([cell for cell in stored.cells if cell.cell_type == "code"])
    for cell in wanted.cells:
        if cell.cell_type == "code":
            old = next(done)
            cell.outputs, cell.execution_count = old.outputs, old.execution_count
    write(wanted, notebook)


def drift(source: Path, notebook: Path, name: str) -> str | None:
    """Say how the inputs of `notebook` differ from its source, or return None."""
    if not source.exists():
        return f"{name}: has no source {source.name}"
    if not notebook.exists():
        return f"{name}: is not built"
    wanted = from_source(source, name)
    stored = nbformat.read(notebook, as_version=4)
    for position, (new, old) in enumerate(zip_longest(wanted.cells, stored.cells, fillvalue={}),
                                          start=1):
        for field in ("cell_type", "source", "metadata", "id"):
            if new.get(field) != old.get(field):
                return f"{name} cell {position}: {field} is not what the source file says; build it"
    if wanted.metadata != stored.metadata:
        return f"{name}: the notebook's metadata differ from what the build writes"
    return None


# ---- running it ----

def clean_environment(folder: str, *, keep: tuple[str, ...] = ()) -> dict[str, str]:
    """Return this process's environment without the user's settings for Python and plots.

    IPython's profile and the course's cache go into `folder`, an empty one. The course's own
    settings (scale, data folder) are removed too, unless named in `keep`.
    """
    hidden = {*USER_SETTINGS, *COURSE_SETTINGS} - set(keep)
    environment = {key: value for key, value in os.environ.items() if key not in hidden}
    return environment | {"IPYTHONDIR": os.path.join(folder, "ipython"),
                          "GAN_LESSONS_CACHE": os.path.join(folder, "cache"),
                          "MATPLOTLIBRC": os.devnull}


def execute(nb: NotebookNode, folder: Path) -> None:
    """Run every cell of `nb` with this Python, in `folder`, and keep the outputs in `nb`."""
    own_python = KernelSpecManager(kernel_dirs=[])  # no kernel that the user has installed
    kernel = AsyncKernelManager(kernel_name="python3", kernel_spec_manager=own_python)
    client = NotebookClient(nb, km=kernel, timeout=CELL_TIMEOUT, record_timing=False,
                            store_widget_state=False, resources={"metadata": {"path": str(folder)}})
    with tempfile.TemporaryDirectory() as fresh:
        client.execute(env=clean_environment(fresh), cleanup_kc=True)


# ---- what of the outputs is stored ----

def is_picture(output: NotebookNode) -> bool:
    """Say whether an output is a picture, as `gan_lessons.show` displays it or as a bare PNG."""
    data = output.get("data", {})
    return "image/png" in data or data.get("text/html", "").lstrip().startswith("<img ")


def is_progress(text: str) -> bool:
    """Say whether text on stderr is nothing but tqdm's progress bars."""
    pieces = re.split(r"[\r\n]+", ANSI.sub("", text))
    return "\r" in text and all(PROGRESS_BAR.search(piece) for piece in pieces if piece.strip())


def merge_streams(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """Join neighbouring pieces of stdout, which the kernel cuts by the clock."""
    merged = []
    for output in outputs:
        if merged and output.output_type == merged[-1].output_type == "stream":
            merged[-1].text += output.text
        else:
            merged.append(output)
    return merged


def clean_outputs(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """Return the outputs of one cell as they are stored.

    Progress bars go, a widget leaves its text and its HTML, a traceback keeps the frames of the
    notebook and loses those of files on this machine.

    Raises BuildError on anything else on stderr and on a widget that leaves no HTML.
    """
    errors = "".join(out.text for out in outputs if out.get("name") == "stderr")
    if errors and not is_progress(errors):
        raise BuildError(f"writes to stderr:\n{errors}")
    kept = merge_streams([out for out in outputs if out.get("name") != "stderr"
                          and out.get("data") != {}])  # the place where a progress bar was
    for output in kept:
        if output.output_type == "error":
            output.traceback = [frame for frame in output.traceback
                                if not ANSI.sub("", frame).startswith("File ")]
        elif "data" in output:
            is_widget = WIDGET_VIEW in output.data or WIDGET_HINT in html_of(output.data)
            forget_live(output.data)
            if is_widget and output.data and "text/html" not in output.data:
                raise BuildError("shows a widget that has no text/html twin")
    return [output for output in kept if output.get("data") != {}]


def html_of(data: dict) -> str:
    """Return the HTML of an output's data, or nothing."""
    return "".join(data.get("text/html", ""))


def forget_live(data: dict) -> None:
    """Leave of a widget's output what is stored: the static form, without its hint."""
    data.pop(WIDGET_VIEW, None)
    if "text/html" in data:
        data["text/html"] = html_of(data).partition(WIDGET_HINT)[0]
        if not data["text/html"]:
            del data["text/html"]


def clean(nb: NotebookNode) -> None:
    """Leave in an executed notebook only what is stored, and number its code cells 1..N."""
    nb.metadata = nbformat.from_dict(METADATA)
    code = [(position, cell) for position, cell in enumerate(nb.cells, start=1)
            if cell.cell_type == "code"]
    for count, (position, cell) in enumerate(code, start=1):
        try:
            cell.outputs = clean_outputs(cell.outputs)
        except BuildError as error:
            raise BuildError(f"cell {position} {error}") from None
        cell.execution_count = count
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = count


def write(nb: NotebookNode, path: Path) -> None:
    """Write `nb` to `path` in one move: a reader sees the old file or the new one."""
    nbformat.validate(nb)
    write_atomically(path, (nbformat.writes(nb) + "\n").encode())


def build(source: Path, notebook: Path, name: str) -> None:
    """Make, execute, clean and write one notebook; on any error the old file stays."""
    if not source.exists():
        raise BuildError(f"there is no {source.name} to build it from")
    nb = from_source(source, name)
    notebook.parent.mkdir(parents=True, exist_ok=True)
    execute(nb, notebook.parent)
    clean(nb)
    write(nb, notebook)


def build_all(chosen: dict[str, tuple[Path, Path]], make: Callable = build) -> bool:
    """Make every notebook chosen, print the time each took, and say whether all worked."""
    failed = []
    for name, (source, notebook) in chosen.items():
        start = time.perf_counter()
        try:
            make(source, notebook, name)
        except (BuildError, CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            failed.append(name)
            print(f"{name}: FAILED, the old notebook was left as it was\n{error}", file=sys.stderr)
        else:
            print(f"{name}: {time.perf_counter() - start:.0f} s", flush=True)
    return not failed


def main(arguments: list[str] | None = None, folder: Path = HERE) -> int:
    """Run the command line and return its exit status."""
    parser = argparse.ArgumentParser(description="Build the course's notebooks.")
    parser.add_argument("names", nargs="*", metavar="NAME",
                        help="build the notebooks whose name starts so, e.g. 02 or solutions/02")
    parser.add_argument("--check", action="store_true",
                        help="run nothing; name the notebooks that differ from their source")
    parser.add_argument("--prose", action="store_true",
                        help="run nothing; put new prose into notebooks whose code is the same")
    options = parser.parse_args(arguments)
    known = notebooks(folder)
    for name in options.names:
        if not any(other.startswith(name) for other in known):
            parser.error(f"no notebook is called {name}...; there are: {', '.join(known)}")
    chosen = {name: paths for name, paths in known.items()
              if not options.names or name.startswith(tuple(options.names))}
    if options.check:
        problems = [drift(*paths, name) for name, paths in chosen.items()]
        print(*filter(None, problems), sep="\n", end="\n" if any(problems) else "")
        return int(any(problems))
    return int(not build_all(chosen, take_over_prose if options.prose else build))


if __name__ == "__main__":
    sys.exit(main())
