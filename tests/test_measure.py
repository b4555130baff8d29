"""Measuring: closed forms, torchmetrics as the yardstick, and what it must refuse."""

import math
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torchmetrics.image.fid import FrechetInceptionDistance
from torchmetrics.image.kid import KernelInceptionDistance

from gan_lessons import data, measure
from gan_lessons.measure.digits import (
    FEATURES,
    class_histogram,
    digit_classifier,
    kl_divergence,
)


@pytest.fixture(scope="module")
def ruler():
    return measure.DigitEvaluator(data.mnist(), data.mnist(train=False)[:449])


class Features(nn.Module):
    """The ruler's network as torchmetrics wants it."""

    num_features = FEATURES

    def __init__(self, classifier):
        super().__init__()
        self.classifier = classifier

    def forward(self, images):
        """Return (n, 32) features."""
        return self.classifier.features(images).double()


def noisy(images, strength=40):
    noise = torch.randn(images.shape, generator=torch.Generator().manual_seed(0)) * strength
    return (images + noise).clamp(0, 255).to(torch.uint8)


def test_the_classifier_reaches_its_mark(ruler):
    assert ruler.classifier.accuracy >= 0.95


def test_features_have_unit_size(ruler):
    features = ruler.classifier.features(data.mnist().images)
    assert features.shape == (8000, 32)
    assert features.square().mean().sqrt() == pytest.approx(1, abs=0.05)


def test_frechet_distance_agrees_with_torchmetrics(ruler):
    real, fake = data.mnist().images, noisy(data.mnist(train=False).images)
    yardstick = FrechetInceptionDistance(feature=Features(ruler.classifier)).set_dtype(
        torch.float64)
    yardstick.update(real, real=True)
    yardstick.update(fake, real=False)
    ours = measure.frechet_distance(ruler.classifier.features(fake),
                                    ruler.classifier.features(real))
    assert ours == pytest.approx(yardstick.compute().item(), rel=1e-5)


def test_kernel_distance_agrees_with_torchmetrics(ruler):
    real = data.mnist().images[:449]  # torchmetrics takes subsets of one size
    fake = noisy(data.mnist(train=False).images[:449])
    yardstick = KernelInceptionDistance(feature=Features(ruler.classifier), subsets=1,
                                        subset_size=449)
    yardstick.update(real, real=True)
    yardstick.update(fake, real=False)
    ours = measure.kernel_distance(ruler.classifier.features(fake),
                                   ruler.classifier.features(real))
    assert ours == pytest.approx(yardstick.compute()[0].item(), rel=1e-4)


def test_frechet_distance_of_two_gaussians_is_the_closed_form():
    g = torch.Generator().manual_seed(0)
    a = torch.randn(200_000, 3, generator=g, dtype=torch.float64)
    b = torch.randn(200_000, 3, generator=g, dtype=torch.float64) * torch.tensor([1, 2, 3]) + 1
    expected = 3 + 0 + (2 - 1) ** 2 + (3 - 1) ** 2
    assert measure.frechet_distance(a, b) == pytest.approx(expected, rel=0.02)
    assert measure.frechet_distance(a, b) == pytest.approx(measure.frechet_distance(b, a))
    assert measure.frechet_distance(a, a) == pytest.approx(0, abs=1e-9)


def test_kid_is_unbiased_where_frechet_is_not():
    def both(n, seed):
        g = torch.Generator().manual_seed(seed)
        a, b = (torch.randn(n, 16, generator=g) for _ in range(2))
        return measure.frechet_distance(a, b), measure.kernel_distance(a, b)
    small = torch.tensor([both(50, s) for s in range(20)])
    large = torch.tensor([both(2000, s) for s in range(3)])
    assert small[:, 0].mean() > 10 * large[:, 0].mean()
    assert abs(small[:, 1].mean()) < 0.1 and small[:, 1].min() < 0


def test_the_report_tells_good_from_bad(ruler):
    images = data.mnist().images
    noise = torch.randint(0, 256, (500, 1, 28, 28), dtype=torch.uint8)
    assert ruler.floor.classes == 10 and ruler.floor.confident > 0.9
    reports = [ruler.floor, ruler.report(noisy(images)), ruler.report(noise)]
    assert [r.fd_digits for r in reports] == sorted(r.fd_digits for r in reports)
    assert reports[2].confident < 0.5


def test_the_report_compares_equal_numbers_with_the_floor(ruler):
    """Four groups of 449 give the distance of 449, not the smaller one of 1,796."""
    g = torch.Generator().manual_seed(0)
    images = data.mnist().images
    many = images[torch.randint(len(images), (4 * 449,), generator=g)]
    features = ruler.classifier.features(many)
    real = ruler.classifier.features(images)
    groups = [measure.frechet_distance(part, real) for part in features.split(449)]
    assert ruler.report(many).fd_digits == pytest.approx(sum(groups) / 4)
    assert ruler.report(many).fd_digits > 1.5 * measure.frechet_distance(features, real)


def test_pictures_of_the_wrong_kind_are_refused_and_not_changed(ruler):
    floats = data.mnist(False)[:50].signed()
    before = floats.clone()
    with pytest.raises(ValueError, match="Pictures here are uint8"):
        ruler.report(floats)
    assert torch.equal(floats, before)


@pytest.mark.slow
def test_framed_digits_have_a_ruler_of_their_own():
    held_out = data.mnist(train=False).framed(32)
    framed = measure.DigitEvaluator(data.mnist().framed(32), held_out)
    assert framed.classifier.accuracy >= 0.95 and framed.floor.classes == 10
    assert framed.report(noisy(held_out.images)).fd_digits > 3 * framed.floor.fd_digits
    with pytest.raises(RuntimeError):
        framed.report(data.mnist(train=False).images)


def test_the_nearest_picture_by_pixels():
    known = data.mnist().images[:60]
    shifted = known[:20].clone()
    shifted[:, :, 3:9, 3:9] = 255 - shifted[:, :, 3:9, 3:9]
    distance, index = measure.nearest(torch.cat([known, shifted]), known)
    assert torch.equal(index[:60], torch.arange(60)) and distance[:60].max() == 0
    difference = shifted[7].double() - known[index[67]].double()
    assert distance[67].item() == pytest.approx(difference.square().mean().sqrt().item())
    everyone = (shifted[7].double() - known.double()).square().mean((1, 2, 3))
    assert index[67] == everyone.argmin()


@pytest.mark.parametrize("pictures", [data.mnist().images[:3].float(),
                                      data.mnist().framed(32).images[:3]])
def test_nearest_refuses_pictures_that_cannot_be_compared(pictures):
    with pytest.raises(ValueError, match="uint8 pictures of one shape"):
        measure.nearest(pictures, data.mnist().images[:9])



def test_the_report_sees_a_collapse(ruler):
    digits = data.mnist()
    only = digits[(digits.labels == 3) | (digits.labels == 8)]
    report = ruler.report(only.images)
    assert report.classes == 2 and report.kl > 1.5 and report.confident > 0.9
    assert report.histogram.sum() == pytest.approx(1)


def test_kl_against_the_formula_and_its_floor():
    p, q = torch.tensor([0.5, 0.5, 0.0]).double(), torch.tensor([0.25, 0.25, 0.5]).double()
    assert kl_divergence(p, q) == pytest.approx(0.6931, abs=1e-4)
    assert kl_divergence(q, q) == 0
    assert kl_divergence(q, p) == float("inf")
    nothing = class_histogram(torch.empty(0, dtype=torch.int64))
    assert math.isnan(kl_divergence(nothing, nothing))
    g = torch.Generator().manual_seed(0)
    uniform = torch.full((10,), 0.1).double()
    floor = [kl_divergence(class_histogram(
        torch.randint(10, (2000,), generator=g)), uniform) for _ in range(50)]
    assert sum(floor) / 50 == pytest.approx(9 / 4000, rel=0.3)


def test_the_classifier_is_kept_in_the_cache_and_trained_again_if_that_is_broken(
        tmp_path, monkeypatch):
    monkeypatch.setenv("GAN_LESSONS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("gan_lessons.measure.digits.STEPS", 5)
    train, held_out = data.mnist(), data.mnist(train=False)
    first = digit_classifier(train, held_out)
    kept, = (tmp_path / "cache").iterdir()
    whole = load_file(kept)
    for broken in ({"other": torch.zeros(2)}, whole | {"9.bias": torch.zeros(3)},
                   whole | {"0.bias": torch.full((16,), float("nan"))}, None):
        if broken:
            save_file(broken, kept)
        else:
            kept.write_bytes(kept.read_bytes()[:100])
        again = digit_classifier(train, held_out)
        assert torch.equal(first.net[0].weight, again.net[0].weight)
        assert load_file(kept).keys() == whole.keys()


def test_other_labels_get_another_classifier(tmp_path, monkeypatch):
    monkeypatch.setenv("GAN_LESSONS_CACHE", str(tmp_path))
    monkeypatch.setattr("gan_lessons.measure.digits.STEPS", 5)
    train = data.mnist()
    digit_classifier(train, data.mnist(False))
    digit_classifier(replace(train, labels=9 - train.labels), data.mnist(False))
    assert len(list(tmp_path.iterdir())) == 2


def test_a_read_only_cache_is_no_obstacle(tmp_path, monkeypatch):
    (tmp_path / "cache").write_text("a file where the folder should be: nothing can be written")
    monkeypatch.setenv("GAN_LESSONS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("gan_lessons.measure.digits.STEPS", 5)
    assert digit_classifier(data.mnist(), data.mnist(False)).accuracy > 0


def test_training_the_classifier_leaves_the_learners_random_numbers_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("GAN_LESSONS_CACHE", str(tmp_path))
    monkeypatch.setattr("gan_lessons.measure.digits.STEPS", 5)
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    digit_classifier(data.mnist(), data.mnist(False))
    assert torch.equal(torch.rand(3), expected)


# ---- the test for copies ----

@pytest.fixture(scope="module")
def seen_and_unseen():
    """MNIST's training pictures, 6,000 to copy from and 2,000 set aside."""
    box = data.mnist(train=True).images[:8000]
    return box[:6000], box[6000:]


def recited(training, noise, n=1000):
    g = torch.Generator().manual_seed(3)
    chosen = training[torch.randint(len(training), (n,), generator=g)].float()
    return (chosen + noise * torch.randn(chosen.shape, generator=g)).round().clamp(0, 255).byte()


@pytest.mark.parametrize("noise", [0, 30, 60])
def test_a_reciter_with_noise_is_caught(seen_and_unseen, noise):
    report = measure.copy_test(recited(seen_and_unseen[0], noise), *seen_and_unseen)
    assert report.share > 0.58 and report.z > 5, report


def test_new_digits_by_other_writers_are_not_accused(seen_and_unseen):
    report = measure.copy_test(data.mnist(train=False).images[:2000], *seen_and_unseen)
    assert abs(report.share - 0.5) < 0.04 and abs(report.z) < 3.5, report


def test_unseen_pictures_from_elsewhere_spoil_the_test(seen_and_unseen):
    """Other writers as candidates: digits that nobody learned from seem to be copies."""
    training, unseen = seen_and_unseen
    report = measure.copy_test(unseen, training, data.mnist(train=False).images[:2000])
    assert report.z > 5, report


def test_the_test_for_copies_by_hand():
    black, white = torch.zeros(1, 1, 8, 8).byte(), torch.full((1, 1, 8, 8), 255).byte()
    grey = torch.full((1, 1, 8, 8), 100).byte()
    report = measure.copy_test(torch.cat([grey, black, white, white]), black, white)
    assert report.to_training.tolist() == pytest.approx([200, 0, 510, 510])  # 2 x 2 blocks
    assert report.to_unseen.tolist() == pytest.approx([310, 510, 0, 0])
    assert report.share == 0.5 and report.z == 0
    assert measure.copy_test(black, black, black).share == 0.5  # a tie is half a win
    cut = measure.copy_test(white, black, torch.cat([grey, white]))  # equally many of each
    assert cut.to_unseen.tolist() == pytest.approx([310])
