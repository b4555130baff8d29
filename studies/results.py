"""Where the studies keep their numbers: `<lesson>_<study>.json` beside this file."""

import json
import platform
from pathlib import Path

import torch


def machine() -> dict:
    """Return what the numbers may depend on."""
    return {"torch": torch.__version__, "python": platform.python_version(),
            "processor": platform.machine(), "threads": torch.get_num_threads()}


def path(lesson: str, study: str) -> Path:
    """Return the file that holds what a study found."""
    return Path(__file__).with_name(f"{lesson}_{study}.json")


def stored(lesson: str, study: str) -> dict:
    """Return what a study found."""
    return json.loads(path(lesson, study).read_text(encoding="utf-8"))


def begun(lesson: str, study: str) -> dict:
    """Return what a study has found so far; nothing, if it has not been made."""
    return stored(lesson, study) if path(lesson, study).exists() else {}


def store(lesson: str, study: str, content: dict) -> None:
    """Write what a study found."""
    path(lesson, study).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
