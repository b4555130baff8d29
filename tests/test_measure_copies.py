"""The test of memorisation: its statistic by brute force, whom it catches, whom it lets go."""

import math
from itertools import combinations

import pytest
import torch

from gan_lessons import data, measure
from gan_lessons.measure import damage


@pytest.fixture(scope="module")
def parts():
    return damage.split(data.mnist(), seed=100)  # no seed of the study's


def z_of(pictures, parts):
    found = measure.memorisation_test(pictures, parts.training.images, parts.unseen.images)
    return found.z


def test_z_is_that_of_all_ways_to_deal_out_the_names():
    """Five known points, of which three are called training: all ten ways, one by one."""
    known = torch.tensor([[0.0], [1], [3], [6], [10]])
    samples = torch.tensor([[0.1], [0.2], [2.9], [7.5], [9.9], [4.4]])
    gap = (samples - known.T).abs().sort(1)
    weight, nearest = 1 - gap.values[:, 0] / gap.values[:, 1], gap.indices[:, 0]
    sums = {names: sum(float(w) for w, i in zip(weight, nearest, strict=True) if int(i) in names)
            for names in combinations(range(5), 3)}
    values = torch.tensor(list(sums.values())).double()
    wanted = (sums[0, 1, 2] - values.mean()) / values.std(correction=0)
    found = measure.memorisation_test(samples, known[:3], known[3:], features=lambda x: x)
    assert found.z == pytest.approx(float(wanted), rel=1e-5)
    assert (found.share, found.expected, found.view) == (4 / 6, 0.6, "features")


@pytest.mark.parametrize("noise, shift", [(0, 0), (60, 0), (120, 0), (0, 1), (0, 3), (30, 2)])
def test_a_reciter_is_caught_with_noise_and_shifted(parts, noise, shift):
    recited = damage.noisy(parts.training.images[:300], noise).roll((shift, shift), (2, 3))
    assert z_of(recited, parts) > 4


def test_one_that_recites_a_tenth_is_caught(parts):
    recited = damage.noisy(parts.training.images[:100], 30)
    assert z_of(torch.cat([recited, parts.fresh.images[:900]]), parts) > 3


@pytest.mark.parametrize("honest", [
    lambda parts: parts.fresh.images[:500],
    lambda parts: data.mnist(train=False).images[:500],
    lambda parts: damage.blurred(parts.fresh.images[:500]),
    lambda parts: damage.static(500)])
def test_honest_pictures_are_not_accused(parts, honest):
    assert abs(z_of(honest(parts), parts)) < 3


def test_a_collapsed_generator_is_not_accused_where_the_sign_test_accuses_it(parts):
    accused = 0
    for first in range(0, 100, 10):
        pictures = damage.repeated(parts.fresh.images[first:], kept=10, n=300)
        assert abs(z_of(pictures, parts)) < 3
        signs = measure.copy_test(pictures, parts.training.images, parts.unseen.images)
        accused += signs.z > 3
    assert accused >= 2


def test_a_spectrum_does_not_see_shifts():
    digits = data.mnist().images[:9]
    seen = measure.spectrum(digits)
    assert seen.shape == (9, 13 * 7)
    torch.testing.assert_close(measure.spectrum(digits.roll((2, -3), (2, 3))), seen,
                               rtol=1e-3, atol=1)
    assert (measure.spectrum(digits.roll(1, 0)) - seen).norm(dim=1).min() > 1000


def test_all_pictures_alike_are_no_proof():
    digits = data.mnist().images
    found = measure.memorisation_test(digits[:1].expand(50, -1, -1, -1), digits[1:61],
                                      digits[61:101])
    assert math.isfinite(found.z) and found.z < 3
    assert "by chance" in str(found)


def test_one_known_picture_is_too_few():
    digits = data.mnist().images
    with pytest.raises(ValueError, match="at least 2 of each"):
        measure.memorisation_test(digits[:5], digits[5:6], digits[6:9])


@pytest.mark.parametrize("test", [measure.memorisation_test, measure.copy_test])
def test_floats_are_not_taken_for_bytes(test):
    known = torch.randint(0, 256, (8, 1, 8, 8), dtype=torch.uint8)
    with pytest.raises(ValueError, match="uint8 pictures .* of one shape; got torch.float32"):
        test(known.float() / 127.5 - 1, known, known.flip(0))
    with pytest.raises(ValueError, match="of one shape"):
        test(known[..., :4], known, known.flip(0))
