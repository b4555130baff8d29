"""Measuring toy pictures: the net reads them right, counts right, and says what it cannot count."""

import math

import pytest
import torch

from gan_lessons import data, measure, runtime
from gan_lessons.measure import factors as factors_module
from gan_lessons.measure import small_net
from gan_lessons.measure.factors import HELD_OUT, SURE, _reader, kl_floor, reverse_kl

SETS = [(data.toy_faces, data.FACE_FACTORS, 96), (data.toy_rooms, data.ROOM_FACTORS, 54)]
either = pytest.mark.parametrize("make, factors, modes", SETS, ids=["faces", "rooms"])
slow = pytest.mark.slow


@slow
@either
def test_every_factor_is_read_right(make, factors, modes, cache):
    reader = measure.factor_reader(make(1))
    assert HELD_OUT == 4000 and reader.accuracy.shape == (2, len(factors))
    assert reader.accuracy.min() >= 0.995, reader.accuracy
    assert reader.sure.min() >= 0.96, reader.sure
    for size in (32, 64, 128):
        fresh = make(200, size=size, seed=77)
        values, least = reader.read(fresh.images)
        assert least.shape == (200,) and (least >= SURE).float().mean() > 0.9
        for name in factors:
            assert (values[name] == fresh.factors[name]).float().mean() >= 0.98, (name, size)


@slow
def test_probabilities_belong_to_the_values_that_are_read():
    faces = data.toy_faces(50, size=64, seed=5)
    reader = measure.factor_reader(faces)
    values, least = reader.read(faces.images)
    found = reader.probabilities(faces.images)
    assert list(found) == list(data.FACE_FACTORS)
    assert all(torch.equal(p.argmax(1), values[name]) for name, p in found.items())
    tops = torch.stack([p.max(1).values for p in found.values()])
    torch.testing.assert_close(tops.amin(0), least)


@slow
@either
def test_uniform_pictures_meet_the_floor(make, factors, modes):
    core = make(2000, size=32, core=True)
    report = measure.factor_coverage(make(2000, size=64, seed=9, core=True).images, of=core)
    assert report.n == 2000 and report.seen == report.of == modes
    assert report.sure > 0.95 and report.outside < 0.01 and report.counted > 1850
    assert report.floor == pytest.approx((modes - 1) / (2 * report.counted), rel=0.1)
    assert 0.5 * report.floor < report.reverse_kl < 2 * report.floor
    for name, effective in report.effective.items():
        assert effective == pytest.approx(len(report.shares[name]), rel=0.02)


@slow
def test_a_collapse_is_counted():
    core = data.toy_faces(1000, size=32, core=True)
    bare = data.toy_faces(800, size=32, seed=3, core=True, factors={"glasses": "none"})
    report = measure.factor_coverage(bare.images, of=core)
    assert report.seen == 48 and report.of == 96
    assert report.reverse_kl > math.log(2)
    assert report.shares["glasses"] == {"none": 1.0, "round": 0.0}
    assert report.effective["glasses"] == pytest.approx(1)
    assert list(report.shares) == ["skin", "hair_style", "glasses", "mouth", "background"]
    text = str(report)
    assert text.isascii() and "combinations 48/96" in text and "none 100%  round 0%" in text


@slow
def test_values_that_were_never_drawn_do_not_count():
    core = data.toy_faces(1000, size=32, core=True)
    pink = data.toy_faces(200, size=32, core=True, factors={"hair_colour": "pink"})
    report = measure.factor_coverage(pink.images, of=core)
    assert report.outside > 0.9 and report.seen <= 2
    whole = measure.factor_coverage(pink.images, of=data.toy_faces(1000, size=32))
    assert whole.outside == 0 and whole.of == 100_800 and whole.seen > 50


@slow
@either
def test_a_blur_is_not_a_mode(make, factors, modes):
    core = make(500, size=32, core=True)
    mean = core.images.float().mean(0, keepdim=True).to(torch.uint8).repeat(50, 1, 1, 1)
    blends = (core.images[:200].float() + core.images[200:400].float()) / 2
    report = measure.factor_coverage(torch.cat([mean, blends.to(torch.uint8)]), of=core)
    assert report.sure < 0.6


@either
def test_the_readers_come_trained(make, factors, modes, tmp_path, monkeypatch):
    _reader.cache_clear()
    monkeypatch.setattr(runtime, "cache_dir", lambda: tmp_path)
    reader = measure.factor_reader(make(1))
    assert not list(tmp_path.iterdir())  # else it was trained here
    for row, size in enumerate((32, 64)):
        fresh = make(300, size=size, seed=11 + row)
        values, least = reader.read(fresh.images)
        for name in values:
            assert (values[name] == fresh.factors[name]).float().mean() >= 0.98
        sure = float((least >= SURE).float().mean())
        assert sure == pytest.approx(float(reader.sure[row]), abs=0.03)


@slow
def test_a_reader_is_kept_and_damaged_weights_are_replaced(tmp_path, monkeypatch):
    monkeypatch.setattr(runtime, "cache_dir", lambda: tmp_path)
    monkeypatch.setattr(small_net, "SHIPPED", tmp_path / "none")
    monkeypatch.setattr(factors_module, "STEPS", 20)
    _reader.cache_clear()
    before = torch.get_rng_state()
    first = measure.factor_reader(data.toy_faces(1))
    kept, = tmp_path.glob("factor-reader-*.safetensors")
    weights = kept.read_bytes()
    kept.write_bytes(weights[:1000])
    _reader.cache_clear()
    again = measure.factor_reader(data.toy_faces(1))
    assert torch.equal(first.heads.weight, again.heads.weight) and kept.read_bytes() == weights
    assert torch.equal(before, torch.get_rng_state())


def test_the_floor_is_the_mean_of_uniform_samples():
    generator = torch.Generator().manual_seed(0)
    for n, k in ((20, 5), (300, 96), (50, 96)):
        draws = torch.randint(k, (2000, n), generator=generator)
        seen = [reverse_kl(torch.bincount(row, minlength=k), k) for row in draws]
        assert kl_floor(n, k) == pytest.approx(sum(seen) / len(seen), rel=0.03)
    assert kl_floor(2000, 96) == pytest.approx(95 / 4000, rel=0.05)
    assert kl_floor(0, 5) == math.inf and kl_floor(7, 1) == 0


def test_the_reverse_kl_in_closed_form():
    assert reverse_kl(torch.tensor([5, 5, 5]), 3) == pytest.approx(0, abs=1e-12)
    assert reverse_kl(torch.tensor([10]), 4) == pytest.approx(math.log(4))
    assert reverse_kl(torch.tensor([10, 0, 10, 0]), 4) == pytest.approx(math.log(2))
    assert reverse_kl(torch.tensor([], dtype=torch.int64), 4) == math.inf


class TestWhatCannotBeCounted:
    def test_sets_without_factors(self):
        for wrong in (data.mnist(), None, "faces"):
            with pytest.raises(ValueError, match=r"(?s)没有可数的因素.*no factors to count"):
                measure.factor_coverage(torch.zeros(1, 3, 32, 32, dtype=torch.uint8), of=wrong)

    @pytest.mark.parametrize("wrong", [
        torch.zeros(2, 3, 32, 32), torch.zeros(2, 1, 32, 32, dtype=torch.uint8),
        torch.zeros(2, 3, 16, 16, dtype=torch.uint8), torch.zeros(0, 3, 32, 32, dtype=torch.uint8),
        torch.zeros(2, 3, 32, 64, dtype=torch.uint8), torch.zeros(3, 32, 32, dtype=torch.uint8),
        "faces"])
    def test_samples_that_are_no_toy_pictures(self, wrong):
        with pytest.raises(ValueError, match=r"(?s)uint8 张量.*uint8 \(n, 3, S, S\)"):
            measure.factor_coverage(wrong, of=data.toy_faces(1, size=16))


@slow
def test_features_tell_close_sets_from_distant_ones():
    core = data.toy_faces(1000, size=32, core=True)
    reader = measure.factor_reader(core)
    real = reader.features(core.images)
    assert real.shape == (1000, 128)
    values, _ = reader.read(core.images[:50])
    first = reader.heads(real[:50]).split([len(v) for v in reader.factors.values()], 1)[0]
    assert torch.equal(first.argmax(1), values[next(iter(reader.factors))])
    bare = {"glasses": "none"}
    sets = [data.toy_faces(1000, size=64, seed=3, core=True),
            data.toy_faces(1000, size=32, seed=3, core=True, factors=bare),
            data.toy_rooms(1000, size=32, core=True)]
    near, odd, far = (measure.frechet_distance(real, reader.features(s.images)) for s in sets)
    assert 5 * near < odd and 5 * odd < far


def test_pictures_smaller_than_the_reader_wants_are_refused():
    reader = measure.factor_reader(data.toy_faces(1))
    with pytest.raises(ValueError, match=r"multiple of 32, got \(2, 3, 16, 16\)"):
        reader.features(torch.zeros(2, 3, 16, 16, dtype=torch.uint8))
