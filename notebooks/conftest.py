"""Set up nbval, which runs every committed notebook and compares what it prints.

Use it as `make test` does: pytest --nbval --nbval-current-env --nbval-cell-timeout=600 notebooks
"""

import os
import sys
import tempfile
from pathlib import Path

import nbformat

sys.path.insert(0, str(Path(__file__).resolve().parent))
from build import COURSE_SETTINGS, clean_environment, forget_live


def pytest_configure(config):
    """Hide the user's settings from the kernels, as the build does.

    The lax mode, meant for GPUs, keeps the scale and the data folder that the user chose.
    """
    if hasattr(config, "workerinput"):
        return  # a worker of pytest-xdist has the environment of the process that started it
    strict, lax = config.getoption("nbval", False), config.getoption("nbval_lax", False)
    if strict or lax:
        fresh = tempfile.TemporaryDirectory()
        config.add_cleanup(fresh.cleanup)
        environment = clean_environment(fresh.name, keep=COURSE_SETTINGS if lax else ())
        os.environ.clear()
        os.environ.update(environment)


def pytest_collectstart(collector):
    """Teach nbval's collector what may differ: progress bars, pictures, line numbers; and updates.

    Of a picture its alternative text is compared, not its bytes: other versions of libraries draw
    letters and lines a little differently.
    """
    if hasattr(collector, "skip_compare"):
        collector.skip_compare += ("stderr",)  # progress bars; the build refuses anything else
        collector.sanitize_patterns[r"(\.py)(#L|, line )\d+"] = r"\1\2N"  # what show_doc links to
        collector.sanitize_patterns[r"(data:image/png;base64,)[\w+/=]+"] = r"\1..."
        follow_display_updates(collector)


def follow_display_updates(collector):
    """Let nbval compare the last state of an updated display, which is what is stored.

    A widget is compared without its live part, too.

    nbval ignores update messages and would compare the first state. Here the first message's
    data is kept by reference and overwritten by each later update with the same display id.
    """
    shown = {}
    receive = collector.get_kernel_message

    def receive_and_update(*args, **kwargs):
        message = receive(*args, **kwargs)
        content = message["content"]
        if "data" in content:
            forget_live(content["data"])
        display_id = (content.get("transient") or {}).get("display_id")
        if display_id and message["msg_type"] == "update_display_data":
            for data in shown.get(display_id, []):
                data.clear()
                data.update(content["data"])
        elif display_id:
            content["data"] = nbformat.from_dict(content["data"])
            shown.setdefault(display_id, []).append(content["data"])
        return message

    collector.get_kernel_message = receive_and_update
