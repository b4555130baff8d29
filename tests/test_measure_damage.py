"""Each damage does what it says and nothing else; the board scores it beside the floor."""

import math

import pytest
import torch

from gan_lessons import data
from gan_lessons.measure import damage


@pytest.fixture(scope="module")
def parts():
    return damage.split(data.mnist(), seed=100)


def test_the_parts_share_no_picture_and_depend_on_the_seed(parts):
    images = [part.images for part in (parts.training, parts.unseen, parts.fresh)]
    assert [len(part) for part in images] == [3000, 2000, 3000]
    everything = torch.cat(images).flatten(1).double()
    box = data.mnist()[:8000].images.flatten(1).double()
    assert torch.equal(everything.sum(0), box.sum(0))
    code = torch.rand(784, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert torch.equal((everything @ code).sort().values, (box @ code).sort().values)
    assert not torch.equal(damage.split(data.mnist(), 1).fresh.images, parts.fresh.images)


def test_pixel_damages(parts):
    images = parts.fresh.images[:50]
    before = images.clone()
    noise = damage.noisy(torch.full((50, 1, 28, 28), 128, dtype=torch.uint8), 20).double()
    assert noise.std() == pytest.approx(20, rel=0.05) and noise.mean() == pytest.approx(128, abs=1)
    blurred, pressed = damage.blurred(images), damage.compressed(images)
    for made in (blurred, pressed):
        assert made.shape == images.shape and made.dtype == torch.uint8
        assert 1 < (made.double() - images.double()).abs().mean() < 40
    steep = [x.double().diff(dim=3).abs().mean() for x in (blurred, images)]
    assert steep[0] < 0.9 * steep[1]
    clean = damage.compressed(images, 95).double() - images.double()
    assert clean.abs().mean() < (pressed.double() - images.double()).abs().mean() / 2
    spoilt = damage.with_one_outlier(images)
    assert (spoilt[0] == 255).all() and torch.equal(spoilt[1:], images[1:])
    assert torch.equal(images, before)


def test_dropped_classes_are_gone(parts):
    left = damage.without(parts.fresh, (2, 4, 7))
    kept = [int((parts.fresh.labels == label).sum()) for label in (0, 1, 3, 5, 6, 8, 9)]
    assert len(left) == sum(kept) >= damage.N


def test_typical_pictures_lie_near_the_mean_of_their_class(parts):
    some = parts.fresh[:600]
    left = damage.typical(some, 0.5)
    assert abs(len(left) - 300) <= 5
    ones = some.images[some.labels == 1].flatten(1).float()
    near = (ones - ones.mean(0)).norm(dim=1)
    kept = [bool((left.flatten(1) == one.byte()).all(1).any()) for one in ones]
    assert near[torch.tensor(kept)].max() <= near[~torch.tensor(kept)].min()


def test_repeated_pictures_are_few(parts):
    made = damage.repeated(parts.fresh.images, kept=5, n=100)
    assert len(made) == 100
    assert len(made.sum((1, 2, 3)).unique()) <= 5  # a shift keeps the sum: the rim is empty
    assert len(made.flatten(1).unique(dim=0)) > 20


def test_every_damage_hands_in_enough_pictures(parts):
    for name, make in damage.DAMAGES.items():
        pictures = make(parts)
        assert len(pictures) >= damage.N and pictures.dtype == torch.uint8, name


@pytest.mark.slow
def test_the_board_and_the_white_page(parts):
    """With digits dealt out in a way that the study has not seen."""
    rows = damage.board(parts, ("none", "3 classes dropped", "the training set"))
    floor, dropped, recited = rows.values()
    assert all(math.isfinite(value) for row in rows.values() for value in row.values())
    assert dropped["frechet"] > 10 * floor["frechet"] and dropped["recall"] < 0.75
    assert abs(dropped["precision"] - floor["precision"]) < 0.02  # which does not see it
    assert recited["frechet"] < floor["frechet"] / 2 and recited["precision"] > 0.99
    assert recited["copies"] > 10 > 3 > abs(floor["copies"])
    without, with_page = damage.forgiven(parts)  # by how much depends on the net, so on the machine
    assert with_page.precision >= without.precision
    assert 0 < with_page.density - without.density < 0.25  # a page is one ball of the k = 5
