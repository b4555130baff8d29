"""GAN Lessons: the models, losses and training loops behind the course notebooks."""

import shlex
import sys
from pathlib import Path

__version__ = "0.1.0"


def _started_as() -> str | None:
    """Return the module that Python was told to run, by -m or as a file, if it is one of ours."""
    here, file = Path(__file__).resolve().parent, Path(sys.argv[0] if sys.argv else "").resolve()
    if sys.argv[:1] == ["-m"]:  # what Python puts there while it looks for the module
        words = [word.removeprefix("-m") for word in sys.orig_argv]
        return next((word for word in words if word.startswith(f"{__name__}.")), None)
    if here in file.parents and file.name != "__main__.py":
        return ".".join([__name__, *file.relative_to(here).with_suffix("").parts])
    return None


# A module run by mistake would define a few functions and end without a word.
if (_module := _started_as()) is not None:
    _words = [_module.split(".")[1], *sys.argv[1:]]
    if _words[0] not in ("doctor", "data", "train", "measure"):
        _words = []
    _line = shlex.join(["python", "-m", __name__, *_words])
    print(f"{_module} 不是命令。请输入：{_line}\n{_module} is not a command. Type: {_line}",
          file=sys.stderr)
    sys.exit(2)
