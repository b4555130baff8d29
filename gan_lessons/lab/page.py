"""The script and the style sheet of a widget, with what our widgets share put in front.

A widget's script reaches the page as one piece of text and cannot import another file offline, so
what is shared is not imported there but joined here.
"""

from pathlib import Path

HERE = Path(__file__).parent


def script(path: Path) -> str:
    """Return the ES module in a file, after `shared.js`."""
    return _joined("shared.js", path)


def style(path: Path) -> str:
    """Return the style sheet in a file, after `shared.css`."""
    return _joined("shared.css", path)


def _joined(shared: str, path: Path) -> str:
    return "\n".join(p.read_text(encoding="utf-8") for p in (HERE / shared, path))
