"""Long runs, each in a folder of its own: `train`, `resume`, and `open` to look at one."""

from gan_lessons.runs.folder import BadRun
from gan_lessons.runs.reading import Run
from gan_lessons.runs.reading import open_run as open
from gan_lessons.runs.settings import Schedule, Settings
from gan_lessons.runs.training import resume, train

__all__ = ["BadRun", "Run", "Schedule", "Settings", "open", "resume", "train"]
