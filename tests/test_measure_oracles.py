"""The metrics against published numbers, other people's code and closed forms.

Where a number comes from stands beside it; the inputs are drawn by numpy, so that they are the
same everywhere. All in float64, to 1e-6 of the value unless said.
"""

import math

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm
from scipy.stats import wasserstein_distance
from torch.nn.functional import one_hot
from torchmetrics.image.fid import _compute_fid
from torchmetrics.image.inception import InceptionScore

from gan_lessons import data, measure
from gan_lessons.measure import damage
from gan_lessons.measure.frechet import _between, _gaussian

NEAR = 1e-6


def near(value):
    return pytest.approx(value, rel=NEAR)


def drawn(seed, *shapes):
    """Normal numbers as numpy's RandomState(seed) draws them, float64."""
    numbers = np.random.RandomState(seed)
    return [torch.from_numpy(numbers.randn(*shape)) for shape in shapes]


def rounded(x):
    """The same through float32, as TF-GAN's tests have it."""
    return x.float().double()


# ---- the Fréchet distance ----

def by_scipy(a, b):
    """The formula as its authors have it: with the square root of a matrix that is not symmetric.

    Heusel et al., github.com/bioinf-jku/TTUR.
    """
    a, b = a.numpy(), b.numpy()
    ca, cb = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    return float(np.sum((a.mean(0) - b.mean(0)) ** 2) + np.trace(ca + cb - 2 * sqrtm(ca @ cb).real))


def test_frechet_of_tf_gans_draws():
    """classifier_metrics_test.py of tensorflow/gan: seed 0, twice 512 x 256."""
    a, b = map(rounded, drawn(0, (512, 256), (512, 256)))
    assert measure.frechet_distance(a, b) == near(65.74272365043)
    assert measure.frechet_distance(a, b) == near(by_scipy(a, b))
    assert (a.mean(0) - b.mean(0)).square().sum().item() == near(1.1181146782972464)
    assert measure.frechet_distance(a.float(), b.float()) == near(65.74272365043)


def test_frechet_in_float32_is_computed_in_float64():
    """What comes in as float32 loses 1e-7 in each feature and no more on the way."""
    a, b = drawn(1, (2000, 64), (2000, 64))
    exact = measure.frechet_distance(a, b)
    assert measure.frechet_distance(a.float(), b.float()) == pytest.approx(exact, rel=1e-6)


def test_frechet_grows_with_the_scale():
    """test_frechet_classifier_distance_covariance of TF-GAN: pairs of 2048 x 256, times 1 to 4."""
    draws = drawn(0, *[(2048, 256)] * 8)
    found = [measure.frechet_distance(rounded(draws[2 * i]) * (i + 1),
                                      rounded(draws[2 * i + 1]) * (i + 1)) for i in range(4)]
    assert found == near([16.287043745, 65.094742528, 146.838721274, 263.612323911])


@pytest.mark.parametrize("seed, n, d, right", [
    (1, 4, 4, 4.75383761747201),  # an eigenvalue of the product is -5e-17, its root NaN
    (2023, 2, 2, 7.5394421352529), (2023, 64, 16, 2.5895579182255),
    (2023, 1024, 64, 2.2164077431912), (2023, 4096, 256, 8.1584849593742)])
def test_frechet_of_singular_covariances(seed, n, d, right):
    """torch-fidelity's test_fid_stats_fn.py; below the guard that refuses n <= d."""
    a, b = drawn(seed, (n, d), (n, d))
    assert _between(_gaussian(a), _gaussian(b)) == near(right)
    if n > d:
        assert by_scipy(a, b) == near(right)


def test_frechet_agrees_with_torchmetrics_and_scipy():
    a, b = drawn(5, (3000, 32), (2000, 32))
    b = 1.3 * b + 0.2
    theirs = _compute_fid(a.mean(0), torch.cov(a.T), b.mean(0), torch.cov(b.T)).item()
    assert measure.frechet_distance(a, b) == near(theirs)
    assert measure.frechet_distance(a, b) == near(by_scipy(a, b))


# ---- a stream of batches ----

@pytest.mark.parametrize("batch", [1, 7, 100, 3000])
def test_moments_do_not_depend_on_the_batch_size(batch):
    a, b = drawn(5, (3000, 32), (2000, 32))
    a = a + 1000  # far from 0, where sums of squares would lose their digits
    b = b + 1000
    stream = measure.Moments()
    for part in a.split(batch):
        stream.update(part)
    assert stream.n == 3000
    torch.testing.assert_close(stream.mean, a.mean(0), rtol=1e-13, atol=0)
    torch.testing.assert_close(stream.covariance, torch.cov(a.T), rtol=1e-9, atol=1e-11)
    other = measure.Moments().update(b)
    whole = measure.frechet_distance(a, b)
    assert measure.frechet_distance(stream, other) == pytest.approx(whole, rel=1e-9)
    assert measure.frechet_distance(stream, b) == pytest.approx(whole, rel=1e-9)


def test_moments_keep_no_features():
    stream = measure.Moments()
    for part in drawn(0, *[(1000, 8)] * 20):
        stream.update(part)
    kept = sum(x.numel() for x in vars(stream).values() if torch.is_tensor(x))
    assert stream.n == 20_000 and kept == 8 + 8 * 8


def test_scores_of_a_real_network_do_not_depend_on_the_batch_size():
    """test_batchsize_independence.py of torch-fidelity: to 1e-5 on a CPU, one by one or at once."""
    digits = data.mnist().images
    net = damage.digit_net()
    scores = [measure.Evaluator(net, digits[:60].split(batch), digits[60:120].split(batch))
              .score(digits[120:180].split(batch)).numbers() for batch in (1, 60)]
    assert scores[0] == pytest.approx(scores[1], rel=1e-5, abs=1e-7)


# ---- KID ----

def tf_gans_features(m):
    numbers = np.random.RandomState(0)
    a, b = np.float32(numbers.randn(512, 256)), np.float32(numbers.randn(m, 256) * 1.1 + 0.05)
    return torch.from_numpy(a).double(), torch.from_numpy(b).double()


def test_kid_of_tf_gans_draws():
    a, b = tf_gans_features(512)
    assert measure.kernel_distance(a, b) == near(0.008388614796732696)
    in_blocks = measure.kernel_estimate(a, b, blocks=2)
    assert in_blocks.value == near(0.00990711339049899)
    assert in_blocks.error == near(0.0007756414747744911)
    assert measure.kernel_distance(*tf_gans_features(768)) == near(0.00826697172677715)


def test_kid_takes_more_rows_than_fit_at_once():
    """A thousand rows at a time, against the whole matrix at once."""
    a, b = drawn(3, (1500, 4), (1100, 4))
    def kernel(x, y):
        return (x @ y.T / 4 + 1) ** 3
    whole = (kernel(a, a).fill_diagonal_(0).sum() / (1500 * 1499)
             + kernel(b, b).fill_diagonal_(0).sum() / (1100 * 1099) - 2 * kernel(a, b).mean())
    assert measure.kernel_distance(a, b) == near(whole.item())


def test_kids_mean_is_zero_within_its_error():
    """50 draws of one distribution; Fréchet's, all above 0, has no such mean."""
    kid, errors, frechet = [], [], []
    for seed in range(50):
        a, b = drawn(seed, (400, 8), (200, 8))
        estimate = measure.kernel_estimate(a, b)
        kid.append(estimate.value)
        errors.append(estimate.error)
        frechet.append(measure.frechet_distance(a, b))
    kid, frechet = np.array(kid), np.array(frechet)
    assert abs(kid.mean()) < 3 * kid.std(ddof=1) / math.sqrt(50)
    assert kid.min() < 0 < frechet.min() and frechet.mean() > 10 * frechet.std() / math.sqrt(50)
    assert np.mean(errors) == pytest.approx(kid.std(ddof=1), rel=0.25)  # the error is honest


# ---- the Inception score ----

def test_inception_score_of_two_sorts():
    """TF-GAN's reference on logits [1, 2] x 500, [4] and [4, 5] x 500, [6]."""
    logits = torch.stack([torch.tensor([1.0, 2] * 500 + [4]),
                          torch.tensor([4.0, 5] * 500 + [6])]).double()
    assert measure.inception_score(logits.softmax(1)) == near(1.0008087798617324)


def test_inception_score_at_its_ends():
    sure = one_hot(torch.arange(10).repeat(7)).double()
    assert measure.inception_score(sure) == near(10)
    assert measure.inception_score(sure[:1].expand(9, 10)) == near(1)
    assert measure.inception_score(torch.full((5, 10), 0.1)) == near(1)


def test_inception_score_agrees_with_torchmetrics():
    logits, = drawn(2, (500, 10))
    class Given(torch.nn.Module):
        def forward(self, images):
            return 3 * logits
    yardstick = InceptionScore(feature=Given(), splits=1).set_dtype(torch.float64)
    yardstick.update(torch.zeros(500, 3, 4, 4, dtype=torch.uint8))
    ours = measure.inception_score((3 * logits).softmax(1))
    assert ours == near(yardstick.compute()[0].item())


# ---- precision and recall, density and coverage ----

@pytest.mark.parametrize("seed, n, m, d, scale, shift, k, right", [
    (0, 500, 500, 16, 1, 0, 5, (.872, .866, 1.0516, .972)),
    (0, 500, 500, 16, .5, 0, 5, (1.0, .032, 6.9952, .986)),
    (0, 500, 400, 16, 1.5, 0, 3, (.145, .998, .0958333333333, .186)),
    (0, 1000, 1000, 2, 1, 1, 5, (.969, .979, .949, .687))])
def test_prdc_of_its_authors(seed, n, m, d, scale, shift, k, right):
    """What generative-evaluation-prdc gives; real ones are drawn first."""
    real, samples = drawn(seed, (n, d), (m, d))
    found = measure.precision_recall(samples * scale + shift, real, k)
    assert (found.n, found.m, found.k) == (m, n, k)
    assert (found.precision, found.recall, found.density, found.coverage) == near(right)


def test_prdc_by_hand():
    """Four points on a line, k = 1: the balls reach 1, 1, 1 and 8 far."""
    real = torch.tensor([[0.0], [1], [2], [10]])
    samples = torch.tensor([[0.4], [1.6], [9], [30]])
    found = measure.precision_recall(samples, real, 1)
    assert (found.precision, found.recall, found.density, found.coverage) == near((.75, 1, 1.25, 1))


def test_precision_and_recall_are_not_swapped():
    """test_prc_convention.py of torch-fidelity, which had them swapped until 2026."""
    numbers = np.random.RandomState(42)
    samples, real = (torch.from_numpy(scale * numbers.randn(200, 16)) for scale in (0.1, 3))
    narrow = measure.precision_recall(samples, real)
    assert (narrow.precision, narrow.recall) == (1, 0)
    wide = measure.precision_recall(real, samples)
    assert (wide.precision, wide.recall) == (0, 1)


@pytest.mark.parametrize("n, m, k, coverage", [(300, 300, 5, .96953), (100, 300, 3, .58024)])
def test_density_and_coverage_of_perfect_samples(n, m, k, coverage):
    found = [measure.precision_recall(samples, real, k) for samples, real in
             (drawn(seed, (n, 3), (m, 3)) for seed in range(40))]
    assert found[0].expected_coverage == pytest.approx(coverage, abs=1e-5)
    covered = np.array([report.coverage for report in found])
    dense = np.array([report.density for report in found])
    assert abs(covered.mean() - coverage) < 3 * covered.std() / math.sqrt(40)
    assert abs(dense.mean() - 1) < 3 * dense.std() / math.sqrt(40)


def test_prdc_takes_more_rows_than_fit_at_once():
    a, b = drawn(4, (2300, 2), (1200, 2))
    found = measure.precision_recall(a, b)
    inside = torch.cdist(b, a) < torch.cdist(b, b).sort(1).values[:, 5:6]
    assert found.precision == near(inside.any(0).double().mean().item())
    assert found.coverage == near(inside.any(1).double().mean().item())
    radius = torch.cdist(a, a).sort(1).values[:, 5]
    assert found.recall == near((torch.cdist(b, a) < radius).any(1).double().mean().item())


# ---- MIND, and W1 along a line ----

def test_mind_of_a_shift():
    """test_mind.py of torch-fidelity: 3 d mu^2 between N(0, I) and N(mu, I); d = 64, mu = 1."""
    a, b = drawn(0, (4000, 64), (4000, 64))
    found = [measure.sliced_distance(a, b + 1, seed=seed) for seed in range(8)]
    assert np.mean(found) == pytest.approx(192, rel=3 * math.sqrt(2 / 8000))
    assert np.std(found) / 192 == pytest.approx(math.sqrt(2 / 1000), rel=0.7)
    assert measure.sliced_distance(a, b) == pytest.approx(0.307, rel=0.1)  # the floor of n = 4000


def test_mind_is_a_distance():
    a, b = drawn(0, (300, 8), (300, 8))
    assert measure.sliced_distance(a, a.flip(0)) == 0
    assert measure.sliced_distance(a, b) == near(measure.sliced_distance(b, a))
    assert measure.sliced_distance(a, b) == measure.sliced_distance(a, b, seed=0)
    assert measure.sliced_distance(a, b) != measure.sliced_distance(a, b, seed=1)
    assert measure.sliced_distance(3 * a, 3 * b) == near(9 * measure.sliced_distance(a, b))


def test_mind_along_one_axis_is_w2():
    """d = 1: every direction is the line itself, so 3 times the squared W2, by transport."""
    a, b = drawn(6, (12, 1), (12, 1))
    _, cost = measure.transport(torch.full((12,), 1 / 12), torch.full((12,), 1 / 12),
                                torch.cdist(a, b).square())
    assert measure.sliced_distance(a, b) == near(3 * cost)


def test_mind_of_unequal_numbers():
    a, b = drawn(0, (4000, 16), (1000, 16))
    floor = measure.sliced_distance(a[:1000], b)
    assert measure.sliced_distance(a, b) == pytest.approx(floor, rel=0.3)
    assert measure.sliced_distance(a + 1, b) == pytest.approx(48, rel=0.2)


def test_mind_sees_what_mean_and_covariance_do_not():
    """Two heaps against one Gaussian of the same mean and variance."""
    normal, heaps, same = drawn(0, (5000, 2), (5000, 2), (5000, 2))
    heaps = 0.3 * heaps + math.sqrt(1 - 0.09) * torch.sign(heaps.roll(1, 0))
    floor = measure.sliced_distance(normal, same)
    assert measure.frechet_distance(heaps, normal) < 0.01
    assert measure.sliced_distance(heaps, normal) > 10 * floor


@pytest.mark.parametrize("values, weights, others, their_weights, right", [
    ([5, -5, -7, 9, -3], [1] * 5, [9, -7, 5, -4, -2], [1] * 5, 0.4),
    ([-13, -9, -19, 11, -18, -20, 8, 2, -8, -18], [3, 3, 1, 2, 2, 3, 2, 2, 2, 3],
     [9, 6, -5, -11, 9, -4, -13, -19, -14, 4], [2, 2, 1, 1, 2, 2, 1, 1, 1, 1],
     8.149068322981368)])
def test_w1_of_torcheval(values, weights, others, their_weights, right):
    """test_wasserstein.py of torcheval; scipy agrees."""
    x, y, p, q = (torch.tensor(v).double() for v in (values, others, weights, their_weights))
    _, cost = measure.transport(p / p.sum(), q / q.sum(), (x[:, None] - y).abs())
    assert cost == near(right)
    assert cost == near(wasserstein_distance(values, others, weights, their_weights))


# ---- what is refused ----

@pytest.mark.parametrize("metric, least", [
    (measure.frechet_distance, 9), (measure.kernel_distance, 2), (measure.kernel_estimate, 20),
    (measure.precision_recall, 6), (measure.sliced_distance, 1)])
def test_the_least_number_of_samples_is_in_the_message(metric, least):
    a, b = drawn(0, (30, 8), (30, 8))
    metric(a[:least], b[:least])
    for few, many in ((a[:least - 1], b), (b, a[:least - 1])):
        with pytest.raises(ValueError, match=f"at least {least} of each") as problem:
            metric(few, many)
        assert f"至少要 {least} 个" in str(problem.value)


@pytest.mark.parametrize("metric", [
    measure.frechet_distance, measure.kernel_distance, measure.kernel_estimate,
    measure.precision_recall, measure.sliced_distance])
def test_broken_features_are_refused(metric):
    a, b = drawn(0, (30, 8), (30, 8))
    with pytest.raises(ValueError, match=r"should have shapes \(n, d\) and \(m, d\)"):
        metric(a, b[:, :5])
    b[3, 4] = float("nan")
    with pytest.raises(ValueError, match="contain NaN or infinity"):
        metric(a, b)
    with pytest.raises(ValueError, match="contain NaN or infinity"):
        measure.Moments().update(b)


def test_moments_of_few_are_refused():
    a, b = drawn(0, (8, 8), (30, 8))
    with pytest.raises(ValueError, match="at least 9 of each"):
        measure.frechet_distance(measure.Moments().update(a), measure.Moments().update(b))


def test_logits_are_no_probabilities():
    with pytest.raises(ValueError, match="softmax"):
        measure.inception_score(torch.randn(5, 10))
    with pytest.raises(ValueError, match="at least 2"):
        measure.inception_score(torch.full((1, 10), 0.1))
    with pytest.raises(ValueError, match="NaN"):
        measure.inception_score(torch.full((3, 10), float("nan")))
