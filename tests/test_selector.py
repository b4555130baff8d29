"""The selector without a browser: what it hands to the page, and what a saved notebook keeps."""

import base64
import io

import PIL.Image
import pytest
import torch

from gan_lessons import lab

ALT = "Three rows of four small squares, each row of one brightness"


@pytest.fixture
def pictures() -> torch.Tensor:
    """Three classes of four pictures, 1x5x6, class k with the pixels 80 k + column."""
    brightness = 80 * torch.arange(3)[:, None] + torch.arange(4)
    return brightness.to(torch.uint8)[:, :, None, None, None].expand(3, 4, 1, 5, 6).contiguous()


def opened(url: str) -> PIL.Image.Image:
    return PIL.Image.open(io.BytesIO(base64.b64decode(url.partition("base64,")[2])))


def test_the_page_finds_each_picture_where_the_script_looks_for_it(pictures):
    widget = lab.selector(pictures, ["a", "b", "c"], alt=ALT)
    height, width, gap = widget.picture
    sheet = opened(widget.sheet).convert("L")
    for k in range(3):
        for i in range(4):
            place = gap + i * (width + gap), gap + k * (height + gap)
            for corner in (place, (place[0] + width - 1, place[1] + height - 1)):
                assert sheet.getpixel(corner) == 80 * k + i


def test_a_saved_notebook_keeps_all_pictures_and_their_text(pictures):
    data, _ = lab.selector(pictures, ["a", "b", "c"], alt=ALT)._repr_mimebundle_()
    assert data["text/plain"] == "3 classes x 4 z (run this cell to choose one)"
    assert f'alt="{ALT}"' in data["text/html"]
    widget = lab.selector(pictures, ["a", "b", "c"], alt=ALT)
    assert opened(data["text/html"]).width == 2 * opened(widget.sheet).width


def test_a_class_without_a_name_is_refused(pictures):
    with pytest.raises(ValueError, match="2 names"):
        lab.selector(pictures, ["a", "b"], alt=ALT)


def test_pictures_that_are_not_sorted_by_class_are_refused(pictures):
    with pytest.raises(ValueError, match="uint8"):
        lab.selector(pictures[0], ["a", "b", "c", "d"], alt=ALT)
