"""The repository as a whole: its dependencies, its commands, what is committed.

Import layers and circles are import-linter's business, docstrings ruff's: see pyproject.toml.
"""

import ast
import functools
import json
import os
import re
import shutil
import socket
import subprocess
import sys
from fnmatch import fnmatch
from importlib.metadata import packages_distributions
from pathlib import Path

import jupytext
import pytest
import torch
import yaml

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "notebooks"))
import lint  # noqa: E402

PACKAGE = ROOT / "gan_lessons"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
CONDA_NAME = {"torch": "pytorch", "matplotlib": "matplotlib-base", "lmdb": "python-lmdb",
              "jupyter-client": "jupyter_client"}


def tracked() -> list[Path]:
    """Return the files that git has or would add."""
    listed = subprocess.run(["git", "ls-files", "-z", "-co", "--exclude-standard"], cwd=ROOT,
                            capture_output=True, text=True, encoding="utf-8")
    if listed.returncode:
        pytest.skip("not a git working tree")
    files = (ROOT / name for name in listed.stdout.split("\0") if name)
    return [file for file in files if file.is_file()]


# ---- dependencies ----

def bounds(requirements) -> dict[str, str]:
    """Return {name: lowest version} of lines such as "torch>=2.6"."""
    return dict(re.match(r"([\w-]+)>=([\d.]+)", line).groups() for line in requirements)


NEEDED = bounds(PROJECT["project"]["dependencies"])
FOR_TESTS = bounds(PROJECT["project"]["optional-dependencies"]["test"])
ELSEWHERE = {"fastai"}  # benchmarks.fastai2 runs it in an environment of its own
OWN = ({"gan_lessons", "benchmarks", "studies"}
       | {path.stem for folder in ("tests", "notebooks") for path in (ROOT / folder).rglob("*.py")})


distributions = functools.cache(packages_distributions)  # slow: it reads what is installed


def installed_for(code: str) -> set[str]:
    """Return the names of what must be installed for the imports in this code."""
    tops = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            tops |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            tops.add(node.module.split(".")[0])
    tops -= {*sys.stdlib_module_names, *OWN, *ELSEWHERE}
    return {distributions().get(top, [top])[0].lower().replace("_", "-") for top in tops}


def code_of(path: Path) -> str:
    """Return the Python of a file or a notebook."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return text
    cells = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
    code = "\n".join("".join(cell["source"]) for cell in cells)
    return re.sub(r"^[ \t]*[%!].*", "pass", code, flags=re.MULTILINE)


@pytest.mark.parametrize("pattern, declared", [
    ("gan_lessons/**/*.py", NEEDED), ("notebooks/**/*.ipynb", NEEDED),
    ("tests/**/*.py", NEEDED | FOR_TESTS), ("notebooks/*.py", NEEDED | FOR_TESTS),
    ("benchmarks/**/*.py", NEEDED | FOR_TESTS), ("studies/*.py", NEEDED)])
def test_what_is_imported_is_declared(pattern, declared):
    for path in ROOT.glob(pattern):
        assert installed_for(code_of(path)) <= set(declared), path.name


def test_conda_environment_matches_the_package():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    *conda, pip = environment["dependencies"]
    assert pip["pip"][-1] == "-e ."
    there = bounds(line for line in conda if ">=" in line) | bounds(pip["pip"][:-1])
    needed = (NEEDED | FOR_TESTS).items()
    assert there == {CONDA_NAME.get(name, name): bound for name, bound in needed
                     if name != "tomli"}  # part of that Python


def test_the_tested_versions_name_every_dependency():
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    tested = dict(re.findall(r"^([\w-]+)==([\w.]+)$", text, re.MULTILINE))
    for name, bound in (NEEDED | FOR_TESTS).items():
        if name != "tomli":
            version = [int(part) for part in re.findall(r"\d+", tested[name])]
            assert version >= [int(part) for part in bound.split(".")], name


def test_package_data_are_installed():
    patterns = PROJECT["tool"]["setuptools"]["package-data"]["*"]
    data = [p for p in PACKAGE.rglob("*") if p.is_file() and p.suffix not in (".py", ".pyc")]
    assert [p for p in data if not any(fnmatch(name, pattern) for pattern in patterns
                                       for name in (p.name, f"{p.parent.name}/{p.name}"))] == []


# ---- what is committed ----

def test_no_large_files():
    large = [p for p in tracked() if p.stat().st_size > 1_000_000]
    assert sorted(p.name for p in large if p.parent.name != "weights") == ["mnist_10k.png"]
    assert len([p for p in large if p.parent.name == "weights"]) == 2  # the factor readers


def test_no_registry_and_no_path_of_a_machine():
    hosts = ("pypi" + ".org", "pythonhosted" + ".org", "download.pytorch" + ".org",
             "index" + "-url")
    home = re.compile(r"(?<![\w.~:/\\-])/(?:root|work|home|Users)/\w")
    examples = {"test_lint.py", "traps.py"}  # they show the linter what it must catch
    for path in tracked():
        if path.suffix in (".png", ".gif", ".safetensors") or path.name in examples:
            continue
        text = path.read_text(encoding="utf-8")
        assert not [host for host in hosts if host in text], path.name
        assert not home.search(text), f"{path.name}: {home.search(text)}"


@pytest.mark.parametrize("name", ["README.md", "README.zh.md", "CONTRIBUTING.md"])
def test_documents_name_what_exists(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    commands = set(re.findall(r"(?:^ {4}|`)make (\w+)", text, flags=re.MULTILINE))
    targets = set(re.findall(r"^(\w+):", MAKEFILE, flags=re.MULTILINE))
    assert commands and commands <= targets
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]
    scripts = re.findall(r"python (\S+\.py)", text)
    folders = re.findall(r"`(\w+/)`", text)
    assert [path for path in links + scripts + folders
            if path != "runs/" and not (ROOT / path).exists()
            and not (PACKAGE / path).exists()] == []


def readme(name: str) -> str:
    """Return a page without the line that leads to the other one, links to files by their name."""
    text = (ROOT / name).read_text(encoding="utf-8")
    return re.sub(r"^.*\[(?:中文|English)\]\(README.*$", "", text, flags=re.MULTILINE)


def commands(page: str) -> list[str]:
    """Return the lines to type, without the comments behind them."""
    return [re.sub(r"\s+#.*", "", line) for line in page.splitlines() if line.startswith("    ")]


def test_the_two_readmes_say_the_same():
    english, chinese = readme("README.md"), readme("README.zh.md")
    assert "README.zh.md" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert commands(english) == commands(chinese)
    assert list(lint.pair_problems(prose(chinese), prose(english))) == []


def test_the_lines_for_colab_install_what_a_running_kernel_sees():
    """Not with -e: a kernel reads that only when it starts. Nor with Colab's own libraries anew."""
    clone, enter, missing, course = (line.strip() for line in commands(readme("README.md"))
                                     if re.match(" +[!%]", line))
    assert (ROOT / enter.removeprefix("%cd gan-lessons/")).samefile(ROOT / "notebooks")
    assert clone.endswith(" gan-lessons") and course == "%pip install -q --no-deps .."
    assert {"anywidget", "lmdb"} == set(missing.split()[3:]) <= NEEDED.keys()


def prose(page: str) -> str:
    return "\n".join(line for line in page.splitlines() if not line.startswith("    "))


@pytest.mark.parametrize(("name", "tag"), [("README.md", "lang-en"), ("README.zh.md", "lang-zh")])
def test_the_readmes_have_the_map_of_lesson_00(name, tag):
    course = jupytext.read(ROOT / "notebooks/src/00_start_here.py")
    cell, = (c.source for c in course.cells if "| **[01]" in c.source and tag in c.metadata.tags)
    rows = re.findall(r"^\| \*\*.*\|$", cell, re.MULTILINE)
    assert len(rows) >= 7
    for row in rows:
        row = row.replace("**00**", "**[00](00_start_here.ipynb)**")
        assert row.replace("](", "](notebooks/").replace("**", "") in readme(name)


# ---- what tests/conftest.py promises ----

def test_tests_cannot_leave_this_machine():
    for address in (("192.0.2.1", 80), ("2001:db8::1", 80), ("example.invalid", 80)):
        with pytest.raises(OSError, match="a test tried to"):
            socket.create_connection(address, timeout=1)
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), timeout=1).close()


def test_tests_have_a_cache_of_their_own(cache):
    assert os.environ["GAN_LESSONS_CACHE"] == str(cache)
    assert "GAN_LESSONS_DATA" not in os.environ
    assert torch.get_num_threads() == 1


# ---- the Makefile, with a Python that only pretends ----

PRETENDED = """#!/bin/sh
echo "$0 $*" >> "{log}"
case "$*" in
*'-m venv'*) mkdir -p .venv/bin && cp "$0" .venv/bin/python && cp "$0" .venv/bin/lint-imports ;;
esac
[ "$FAILS" = "" ] || case "$*" in *"$FAILS"*) exit 1 ;; esac
"""


@pytest.fixture
def make(tmp_path):
    """Run make in a folder with a space that holds our Makefile; return its result.

    Its `calls` are those of `python`, a program that pretends to be a Python and notes what it is
    asked; no real Python is found. A call that contains `fails` fails.
    """
    if shutil.which("make") is None:
        pytest.skip("there is no make here")
    folder, log = tmp_path / "my course", tmp_path / "log"
    folder.mkdir()
    for file in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / file, folder)
    python = tmp_path / "my python"
    python.write_text(PRETENDED.format(log=log))
    python.chmod(0o755)

    def run(*arguments, fails="", python=python):
        log.write_text("")
        hidden = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "PYTHON", "LAB_ARGS", "CONSTRAINTS")
        env = {k: v for k, v in os.environ.items() if k not in hidden} | {"FAILS": fails}
        result = subprocess.run(["make", *arguments, f"PYTHON={python}"], cwd=folder, env=env,
                                text=True, encoding="utf-8", capture_output=True)
        result.calls = log.read_text().splitlines()
        return result
    run.folder = folder
    return run


def test_make_alone_prints_help_in_both_languages(make):
    result = make()
    assert result.returncode == 0
    for target in re.search(r"^\.PHONY: help install (.*)", MAKEFILE, re.MULTILINE)[1].split():
        assert re.search(rf"make {target} .*[\u4e00-\u9fff].*[a-z]", result.stdout), target


def test_make_without_a_suitable_python_says_so(make):
    for unsuitable in ({"python": "no-such-python"}, {"fails": "version_info"}):
        result = make("lab", **unsuitable)
        assert result.returncode != 0
        assert "Python 3.10 或更新的版本" in result.stderr
        assert "No Python 3.10 or newer with its venv module was found" in result.stderr
        assert not (make.folder / ".venv").exists()


def test_make_installs_once_and_again_only_when_needed(make):
    def installs(*arguments):
        result = make("install", *arguments)
        assert result.returncode == 0, result.stderr
        return [call for call in result.calls if "pip install" in call]

    assert make("install", fails="pip install").returncode != 0
    assert len(installs()) == 1, "an interrupted installation is repeated"
    assert len(installs()) == 0
    with (make.folder / "pyproject.toml").open("a") as file:
        file.write("# changed\n")
    assert [len(installs()), len(installs())] == [1, 0]
    tested, = installs("CONSTRAINTS=constraints.txt")
    assert "-c constraints.txt" in tested


def test_make_lab_keeps_the_token_and_stays_on_this_machine(make):
    call = make("lab", "LAB_ARGS=--port=9999").calls[-1]
    assert "--ip=127.0.0.1" in call and "/lab/tree/notebooks/00_start_here.ipynb" in call
    assert call.endswith("--port=9999") and "token" not in call
    assert ("--allow-root" in call) == (os.geteuid() == 0)


def test_make_handouts_takes_a_language_from_its_own_line_only(make, monkeypatch):
    monkeypatch.setenv("LANGUAGE", "de_DE:de")  # gettext's
    assert make("handouts").calls[-1].endswith("handouts.py both --out handouts")
    call = make("handouts", "LANGUAGE=zh", "OUT=my class").calls[-1]
    assert call.endswith("handouts.py zh --out my class")


@pytest.mark.parametrize("fails", ["", "ruff", "not browser", "-m browser", "--nbval"])
def test_make_test_runs_every_step_and_fails_with_any(make, fails):
    assert make("install").returncode == 0
    result = make("test", fails=fails)
    assert (result.returncode == 0) == (fails == "")
    steps = [call for call in result.calls if "-m pytest" in call]
    assert len(steps) == 3 and ["--nbval" in step for step in steps].count(True) == 1
