"""Ways through latent space: where they begin and end, and how long z stays on them."""

import pytest
import torch

from gan_lessons import latent


@pytest.fixture
def ends():
    chance = torch.Generator().manual_seed(0)
    return torch.randn(2, 50, 64, generator=chance)


@pytest.mark.parametrize("way", [latent.linear, latent.spherical])
def test_a_way_begins_and_ends_where_it_should(ends, way):
    path = way(*ends, 7)
    assert path.shape == (7, 50, 64)
    torch.testing.assert_close(path[0], ends[0])
    torch.testing.assert_close(path[-1], ends[1])
    torch.testing.assert_close(way(ends[0, 3], ends[1, 3], 7), path[:, 3])  # each by itself


def test_the_line_has_equal_steps_and_the_arc_equal_angles(ends):
    ends = ends / ends.norm(dim=-1, keepdim=True)
    line, arc = (way(*ends, 9) for way in (latent.linear, latent.spherical))
    torch.testing.assert_close(line.diff(dim=0), (ends[1] - ends[0]).expand(8, -1, -1) / 8)
    angles = torch.arccos(torch.cosine_similarity(arc[1:], arc[:-1], dim=-1))
    torch.testing.assert_close(angles, angles[:1].expand(8, -1), atol=1e-3, rtol=1e-3)


def test_the_arc_keeps_the_length_and_the_line_does_not(ends):
    start, end = (8 * e / e.norm(dim=-1, keepdim=True) for e in ends)
    torch.testing.assert_close(latent.spherical(start, end, 11).norm(dim=-1),
                               torch.full((11, 50), 8.0))
    middle = latent.linear(start, end, 11)[5].norm(dim=-1) / 8
    assert 0.6 < middle.mean() < 0.8  # 1 / sqrt(2) between directions at right angles


def test_nearly_equal_ends_go_straight(ends):
    start = ends[0]
    for end in (start, start * (1 + 1e-6)):
        assert torch.equal(latent.spherical(start, end, 5), latent.linear(start, end, 5))


def test_opposite_ends_have_no_arc(ends):
    with pytest.raises(ValueError, match="no one arc joins them"):
        latent.spherical(ends[0], -2 * ends[0], 5)


@pytest.mark.parametrize("way", [latent.linear, latent.spherical])
def test_nonsense_is_refused(ends, way):
    with pytest.raises(ValueError, match="one shape"):
        way(ends[0], ends[1, :3], 5)
    with pytest.raises(ValueError, match="n must be a whole number of at least 2"):
        way(*ends, 1)


def test_a_direction_leads_from_those_without_to_those_with():
    z = torch.tensor([[1.0, 0.0], [3.0, 2.0], [0.0, 4.0], [0.0, 6.0]])
    has = torch.tensor([True, True, False, False])
    assert latent.direction(z, has).tolist() == [2.0, -4.0]


@pytest.mark.parametrize("has", [True, False])
def test_a_direction_needs_both_kinds(has):
    with pytest.raises(ValueError, match="z of both kinds"):
        latent.direction(torch.randn(3, 2), torch.full((3,), has))
