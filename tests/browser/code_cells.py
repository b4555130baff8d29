"""Notebooks that are made for a test."""

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}


def notebook(*codes: str) -> NotebookNode:
    """Return a notebook of code cells."""
    return new_notebook(cells=[new_code_cell(code) for code in codes],
                        metadata={"kernelspec": KERNEL})
