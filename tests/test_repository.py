"""The repository as a whole: its dependencies, its commands, its shape."""

import ast
import json
import os
import re
import shutil
import socket
import subprocess
import sys
from fnmatch import fnmatch
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
import torch
import yaml

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "gan_lessons"
MODULES = sorted(PACKAGE.rglob("*.py"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")

# What is imported under another name than it is installed by, or comes with what we install.
INSTALLED_BY = {"sklearn": "scikit-learn", "scipy": "scikit-learn", "PIL": "pillow",
                "IPython": "ipykernel", "traitlets": "ipywidgets", "jupyter_client": "nbclient",
                "yaml": "jupytext", "tomli": "pytest"}
CONDA_NAME = {"torch": "pytorch", "matplotlib": "matplotlib-base",
              "lmdb": "python-lmdb"}

# Data flow upwards through these layers; nothing imports from a layer above its own.
# (`show` draws tensors and knows nothing of the rest, so that an ImageSet can show itself.)
LAYERS = [{"util"}, {"animation", "distributed", "latent", "runtime", "show"},
          {"data", "nets", "losses", "penalties", "checkpoint"}, {"train"},
          {"ablations", "measure", "recipes"},
          {"runs"}, {"fastai_style", "lab", "exercises", "doctor", "commands", "__main__"}]


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULE_NAMES = {module_name(path) for path in MODULES}


def imports(tree: ast.Module, path: Path) -> set[str]:
    """Return the dotted names of the modules that a file imports, relative ones resolved."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                folder = path.relative_to(ROOT).parent.parts
                above = folder[:len(folder) - node.level + 1]
                base = ".".join([*above, *filter(None, [node.module])])
            inside = {f"{base}.{alias.name}" for alias in node.names} & MODULE_NAMES
            found |= inside or {base}
    return found


def imported_by_package() -> dict[str, set[str]]:
    return {module_name(path): imports(parse(path), path) for path in MODULES}


def notebook_imports(path: Path) -> set[str]:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    python = re.sub(r"^[ \t]*[%!].*", "pass", "\n".join(code), flags=re.MULTILINE)
    return imports(ast.parse(python), path)


def tracked() -> list[Path]:
    """Return the files that git has or would add."""
    listed = subprocess.run(["git", "ls-files", "-z", "-co", "--exclude-standard"], cwd=ROOT,
                            capture_output=True, text=True, encoding="utf-8")
    if listed.returncode:
        pytest.skip("not a git working tree")
    files = (ROOT / name for name in listed.stdout.split("\0") if name)
    return [file for file in files if file.is_file()]


# Dependencies

def bounds(requirements) -> dict[str, str]:
    return dict(re.fullmatch(r"([\w-]+)>=([\d.]+)", line).groups() for line in requirements)


NEEDED = bounds(PROJECT["project"]["dependencies"])
FOR_TESTS = bounds(PROJECT["project"]["optional-dependencies"]["test"])


def outside(names) -> set[str]:
    """Return what must be installed for these imports."""
    tops = {name.split(".")[0] for name in names} - set(sys.stdlib_module_names)
    return {INSTALLED_BY.get(top, top.replace("_", "-")) for top in tops - {"gan_lessons"}}


def test_package_imports_are_dependencies():
    elsewhere = {"fastai"}  # `bench fastai` runs it in an environment of its own
    assert outside(set().union(*imported_by_package().values())) <= {*NEEDED, *elsewhere}


def test_notebook_imports_are_dependencies():
    notebooks = [*ROOT.glob("notebooks/*.ipynb"), *ROOT.glob("notebooks/solutions/*.ipynb")]
    for path in notebooks:
        assert outside(notebook_imports(path)) <= set(NEEDED), path.name


def test_imports_of_tests_and_tools_are_dependencies():
    own = {"build", "lint", "conftest", "traps", "packing", "fastai_standin", "study_lesson01",
           "study_lesson03", "study_lesson04"}
    for path in [*ROOT.glob("tests/**/*.py"), *ROOT.glob("notebooks/*.py")]:
        assert outside(imports(parse(path), path) - own) <= {*NEEDED, *FOR_TESTS}, path.name


def test_conda_environment_matches_the_package():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    assert environment["name"] == "gan-lessons"
    assert environment["channels"] == ["conda-forge"]
    *conda, pip = environment["dependencies"]
    assert pip["pip"][-1] == "-e ."
    there = bounds(line for line in conda if ">=" in line) | bounds(pip["pip"][:-1])
    assert there == {CONDA_NAME.get(name, name): bound
                     for name, bound in (NEEDED | FOR_TESTS).items()}


def test_package_data_are_installed():
    patterns = PROJECT["tool"]["setuptools"]["package-data"]["*"]
    data = [p for p in PACKAGE.rglob("*") if p.is_file() and p.suffix not in (".py", ".pyc")]
    assert [p for p in data if not any(fnmatch(p.name, pattern) for pattern in patterns)] == []


# The shape of the package

def test_no_star_imports():
    for path in MODULES:
        starred = [node.lineno for node in ast.walk(parse(path))
                   if isinstance(node, ast.ImportFrom) and node.names[0].name == "*"]
        assert not starred, f"{path.name}, line {starred}"


def test_no_import_cycles():
    TopologicalSorter(imported_by_package()).prepare()  # raises CycleError, which names the cycle


def test_imports_point_one_way():
    layer = {name: number for number, names in enumerate(LAYERS) for name in names}
    for module, imported in imported_by_package().items():
        own = (module.split(".") + [""])[1]
        assert not own or own in layer, f"say in LAYERS where {own} belongs"
        for other in imported & MODULE_NAMES - {"gan_lessons"}:
            assert own and layer[other.split(".")[1]] <= layer[own], f"{module} imports {other}"


def test_public_names_have_docstrings():
    missing = []
    for path in MODULES:
        tree = parse(path)
        public = [node for node in tree.body
                  if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
                  and not node.name.startswith("_")]
        missing += [f"{path.name}: {getattr(node, 'name', 'module')}"
                    for node in (tree, *public) if not ast.get_docstring(node)]
    assert missing == []


# What is committed

def test_no_large_files():
    assert [p.name for p in tracked() if p.stat().st_size > 1_000_000] == []


def test_no_registry_and_no_path_of_a_machine():
    hosts = ("pypi" + ".org", "pythonhosted" + ".org", "download.pytorch" + ".org",
             "index" + "-url")
    home = re.compile(r"(?<![\w.~:/\\-])/(?:root|work|home|Users)/\w")
    examples = {"test_lint.py", "traps.py"}  # they show the linter what it must catch
    for path in tracked():
        if path.suffix in (".png", ".safetensors") or path.name in examples:
            continue
        text = path.read_text(encoding="utf-8")
        assert not [host for host in hosts if host in text], path.name
        assert not home.search(text), f"{path.name}: {home.search(text)}"


def test_licence():
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert text.startswith("MIT License")
    assert "CC BY 4.0" in text


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_documents_name_what_exists(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    commands = set(re.findall(r"(?:^ {4}|`)make (\w+)", text, flags=re.MULTILINE))
    targets = set(re.findall(r"^(\w+):", MAKEFILE, flags=re.MULTILINE))
    assert commands and commands <= targets
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]
    scripts = re.findall(r"python (\S+\.py)", text)
    assert [path for path in links + scripts if not (ROOT / path).exists()] == []


# What tests/conftest.py promises

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


# The Makefile, with a Python that only pretends

FAKE_PYTHON = """#!/bin/sh
echo "$0 $*" >> "{log}"
case "$*" in
*'version_info < (3, 10)'*) {old_enough} ;;
*version_info\\[*) echo 3.12 ;;
*ensurepip*) {venv} ;;
*'-m venv'*) mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
*'pip install'*) {install} ;;
esac
"""


@pytest.fixture
def checkout(tmp_path):
    """A copy of the Makefile in a folder with a space, and pretended Pythons first on PATH."""

    class Checkout:
        folder = tmp_path / "my course"
        log = tmp_path / "log"

        def python(self, name, old_enough="true", venv="true", install="true"):
            path = tmp_path / "bin" / name
            path.write_text(FAKE_PYTHON.format(log=self.log, old_enough=old_enough, venv=venv,
                                               install=install))
            path.chmod(0o755)

        def make(self, *arguments):
            """Run make and return its result; `calls` are the Pythons it ran, in order."""
            self.log.write_text("")
            hidden = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "PYTHON", "LAB_ARGS")
            env = {k: v for k, v in os.environ.items() if k not in hidden}
            env["PATH"] = f"{tmp_path / 'bin'}{os.pathsep}{env['PATH']}"
            result = subprocess.run(["make", *arguments], cwd=self.folder, env=env, text=True,
                                    encoding="utf-8", capture_output=True)
            result.calls = self.log.read_text().splitlines()
            return result

    if shutil.which("make") is None:
        pytest.skip("there is no make here")
    made = Checkout()
    made.folder.mkdir()
    (tmp_path / "bin").mkdir()
    for file in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / file, made.folder)
    for name in ("python3.13", "python3.12", "python3.11", "python3.10", "python3"):
        made.python(name, old_enough="exit 127")
    return made


def test_make_alone_prints_help_in_both_languages(checkout):
    result = checkout.make()
    assert result.returncode == 0
    assert result.stdout == checkout.make("help").stdout
    for target in re.search(r"^\.PHONY: help install (.*)", MAKEFILE, re.MULTILINE)[1].split():
        assert re.search(rf"make {target} .*[\u4e00-\u9fff].*[a-z]", result.stdout), target


@pytest.mark.parametrize("target", ["lab", "test", "notebooks", "lint", "bench"])
def test_make_without_a_suitable_python_says_so(checkout, target):
    result = checkout.make(target)
    assert result.returncode != 0
    assert "没有找到 Python 3.10" in result.stderr
    assert "No Python 3.10 or newer was found" in result.stderr
    assert not (checkout.folder / ".venv").exists()


def test_make_says_when_venv_is_missing(checkout):
    checkout.python("python3.12", venv="false")
    result = checkout.make("install")
    assert result.returncode != 0
    assert "缺少 venv" in result.stderr
    assert "apt install python3.12-venv" in result.stderr


def test_make_passes_over_pythons_that_do_not_do(checkout):
    checkout.python("python3.13", old_enough="exit 127")  # a pyenv shim without its version
    checkout.python("python3.12", venv="false")
    checkout.python("python3")  # whatever it is, 3.11 comes first
    checkout.python("python3.11")
    result = checkout.make("install")
    assert result.returncode == 0, result.stderr
    assert any(re.search(r"python3\.11 -m venv", call) for call in result.calls)


def test_make_takes_the_python_it_is_given(checkout):
    checkout.python("python3.13")
    checkout.python("my python")
    result = checkout.make("install", "PYTHON=my python")
    assert result.returncode == 0, result.stderr
    assert any("my python -m venv" in call for call in result.calls)
    assert not any("python3.13" in call for call in result.calls)


def test_make_installs_once_and_again_only_when_needed(checkout):
    def installs():
        result = checkout.make("install")
        assert result.returncode == 0, result.stderr
        return sum("pip install" in call for call in result.calls)

    checkout.python("python3.12")
    assert [installs(), installs()] == [1, 0]
    os.utime(checkout.folder / "pyproject.toml")
    assert installs() == 0, "touching a file is not a change"
    with open(checkout.folder / "pyproject.toml", "a") as file:
        file.write("# changed\n")
    assert [installs(), installs()] == [1, 0]
    checkout.folder = checkout.folder.rename(checkout.folder.with_name("moved"))
    assert [installs(), installs()] == [1, 0]
    (checkout.folder / ".venv" / "bin" / "python").unlink()
    assert [installs(), installs()] == [1, 0]


def test_make_repeats_an_interrupted_installation(checkout):
    checkout.python("python3.12", install="exit 1")
    assert checkout.make("install").returncode != 0
    checkout.python("python3.12")
    shutil.copy(checkout.folder.parent / "bin" / "python3.12", checkout.folder / ".venv/bin/python")
    result = checkout.make("install")
    assert result.returncode == 0
    assert any("pip install" in call for call in result.calls)
    assert not any("-m venv" in call for call in result.calls), "the half-filled .venv is kept"


def test_make_lab_keeps_the_token_and_stays_on_this_machine(checkout):
    checkout.python("python3.12")
    result = checkout.make("lab", "LAB_ARGS=--port=9999")
    assert result.returncode == 0
    call = result.calls[-1]
    assert "--ip=127.0.0.1" in call
    assert "/lab/tree/notebooks/00_start_here.ipynb" in call
    assert call.endswith("--port=9999")
    assert "token" not in call
    assert ("--allow-root" in call) == (os.geteuid() == 0)


@pytest.mark.parametrize("fails", ["pytest tests", "--nbval"])
def test_make_test_runs_both_steps_and_fails_with_either(checkout, fails):
    checkout.python("python3.12")
    assert checkout.make("test").returncode == 0
    python = checkout.folder / ".venv" / "bin" / "python"
    python.write_text(python.read_text().replace("esac", f"*'{fails}'*) exit 1 ;;\nesac"))
    result = checkout.make("test")
    assert result.returncode != 0
    assert [("--nbval" in call) for call in result.calls if "-m pytest" in call] == [False, True]
