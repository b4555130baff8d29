"""Look into the HTML as which pictures are displayed."""

import base64

from bs4 import BeautifulSoup


def picture_in(html: str) -> tuple[str, bytes]:
    """Return (alternative text, PNG file) of the one picture in a piece of HTML."""
    image, = BeautifulSoup(html, "html.parser").find_all("img")
    kind, data = image["src"].split(",")
    assert kind == "data:image/png;base64"
    return image["alt"], base64.b64decode(data)
