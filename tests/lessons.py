"""What a lesson defines, for tests that call it."""

import ast
from pathlib import Path

import jupytext

SOURCES = Path(__file__).parents[1] / "notebooks" / "src"


def defined(name: str, constants: set[str] = frozenset()) -> dict:
    """Return the imports, functions and classes of a lesson, by name, and these constants.

    Nothing else of it runs: no training, no figure.
    """
    source = SOURCES / f"{name}.py"
    code = "\n".join(cell.source for cell in jupytext.read(source).cells
                     if cell.cell_type == "code")
    kept = [node for node in ast.parse(code).body
            if isinstance(node, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef)
            or (isinstance(node, ast.Assign) and {name.id for name in ast.walk(node.targets[0])
                                                  if isinstance(name, ast.Name)} <= constants)]
    names: dict = {}
    exec(compile(ast.Module(kept, []), str(source), "exec"), names)
    return names
