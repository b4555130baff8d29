"""Toy faces and rooms: what they promise about seeds, factors and sizes, and what they refuse."""

import math
import os
import threading
import time
from dataclasses import replace

import pytest
import torch

from gan_lessons import data, runtime
from gan_lessons.data.toys import faces, factory, shapes

SETS = [(data.toy_faces, data.FACE_FACTORS, data.FACE_CORE, 96),
        (data.toy_rooms, data.ROOM_FACTORS, data.ROOM_CORE, 54)]
either = pytest.mark.parametrize("make, factors, core, modes", SETS, ids=["faces", "rooms"])


def sizes(factors):
    return math.prod(len(words) for words in factors.values())


@either
class TestBothSets:
    def test_pictures_and_factors(self, make, factors, core, modes):
        made = make(40, size=32)
        assert made.images.dtype == torch.uint8 and made.images.shape == (40, 3, 32, 32)
        assert made.labels is None and list(made.factors) == list(factors)
        for name, values in made.factors.items():
            assert values.dtype == torch.int64 and values.shape == (40,)
            assert values.min() >= 0 and values.max() < len(factors[name])
        assert made.name.isascii()

    def test_enough_combinations(self, make, factors, core, modes):
        assert len(factors) >= 6 and sizes(factors) >= 2000
        assert sizes(core) == modes
        assert all(set(core[name]) <= set(words) for name, words in factors.items())

    def test_every_value_is_equally_likely(self, make, factors, core, modes):
        made = make(3000, size=16)
        for name, words in factors.items():
            share = torch.bincount(made.factors[name], minlength=len(words)) / 3000
            assert (share - 1 / len(words)).abs().max() < 0.04, name

    def test_the_core_has_its_combinations_and_no_other(self, make, factors, core, modes):
        made = make(1500, size=16, core=True)
        rows = torch.stack(list(made.factors.values()), 1).unique(dim=0)
        assert len(rows) == modes
        for i, (name, words) in enumerate(factors.items()):
            assert {words[v] for v in rows[:, i].tolist()} == set(core[name])

    def test_a_picture_depends_on_the_seed_and_its_position_alone(self, make, factors, core, modes,
                                                                 monkeypatch):
        long = make(30, size=32, seed=5)
        short = make(7, size=32, seed=5)
        assert torch.equal(short.images, long.images[:7])
        assert all(torch.equal(short.factors[k], long.factors[k][:7]) for k in factors)
        assert not torch.equal(short.images, make(7, size=32, seed=6).images)
        torch.set_num_threads(2)
        assert torch.equal(make(7, size=32, seed=5).images, short.images)
        assert torch.get_num_threads() == 2  # as it was
        monkeypatch.setattr(factory, "CHUNK_PIXELS", 1)
        one_by_one = make(30, size=32, seed=5).images
        assert (one_by_one.int() - long.images.int()).abs().max() <= 1  # 0 but for rounding

    def test_the_global_generator_is_left_alone(self, make, factors, core, modes):
        before = torch.get_rng_state()
        make(3, size=16)
        assert torch.equal(before, torch.get_rng_state())

    @pytest.mark.parametrize("size", [16, 64, 128, 256])
    def test_sizes_show_the_same_picture(self, make, factors, core, modes, size):
        small = make(4, size=16).images.float()
        large = torch.nn.functional.avg_pool2d(make(4, size=size).images.float(), size // 16)
        assert (small - large).abs().mean() < 6  # thin strokes are a little softer when drawn small

    def test_each_value_changes_the_picture(self, make, factors, core, modes):
        for name, words in factors.items():
            pictures = [make(3, size=32, factors={name: word}).images.float() for word in words]
            for i, one in enumerate(pictures):
                for other in pictures[:i]:
                    changed = (one - other).abs().amax(1).gt(24).flatten(1).sum(1)
                    assert changed.min() >= 2, f"{name} is not to be seen at 32 pixels"

    def test_fixing_a_factor_leaves_the_rest(self, make, factors, core, modes):
        name, words = list(factors.items())[3]
        free, fixed = make(50, size=16), make(50, size=16, factors={name: words[1]})
        assert (fixed.factors[name] == 1).all()
        assert all(torch.equal(free.factors[k], fixed.factors[k]) for k in factors if k != name)
        same = free.factors[name] == 1
        assert torch.equal(free.images[same], fixed.images[same])
        by_position = make(50, size=16, factors={name: 1})
        assert torch.equal(by_position.images, fixed.images)

    def test_unknown_factors_and_values_are_named_with_the_choices(self, make, factors, core,
                                                                   modes):
        name, words = next(iter(factors.items()))
        with pytest.raises(ValueError, match=rf"(?s)没有因素 'hat'.*no factor 'hat'.*{name}"):
            make(1, factors={"hat": 0})
        for bad in ("chequered", -1, len(words), True, None, 1.0):
            with pytest.raises(ValueError, match=rf"(?s)没有值.*has no value.*{words[-1]}"):
                make(1, factors={name: bad})

    @pytest.mark.parametrize("bad, says", [
        ({"n": 0}, "n must be"), ({"n": 2.5}, "n must be"), ({"size": 48}, "must be one of"),
        ({"size": 8}, "size must be"), ({"size": "64"}, "size must be"), ({"seed": -1}, "seed"),
        ({"n": 10**9}, "more than 8 GB")])
    def test_bad_numbers_are_refused(self, make, factors, core, modes, bad, says):
        with pytest.raises(ValueError, match=says):
            make(**{"n": 2, **bad})

    def test_the_card_says_what_it_is(self, make, factors, core, modes, capsys):
        made = make(1, size=16)
        made.card()
        said = capsys.readouterr().out
        for word in ("来源", "许可", "CC BY 4.0", "Source", "Licence", f"{sizes(factors):,}",
                     str(modes)):
            assert word in said, word

    def test_factors_go_with_their_pictures(self, make, factors, core, modes):
        made = make(6, size=16)
        name = next(iter(factors))
        for index in (slice(1, 4), [4, 0], made.factors[name] == made.factors[name][2], 3):
            part = made[index]
            assert list(part.factors) == list(factors)
            expected = made.factors[name][[index] if isinstance(index, int) else index]
            assert torch.equal(part.factors[name], expected) and len(part) == len(expected)
        assert made.to("meta").factors[name].device.type == "meta"


REFERENCE = {  # factors, and the pixels as hexadecimal bytes
    "faces": (
        [[0, 2, 4], [1, 4, 3], [5, 4, 0], [0, 2, 1], [1, 2, 2], [2, 1, 0], [4, 5, 3]],
        "c9b9ecd5c8f2d5c8f2c9b9ecd0c2ef663d23663d23d0c2efc7b7e8eeb5a8ffc5b7c7b7e8"
        "bcace1efb22eefb22ebcace13b456d333f74333f743b456d343f70ec7da8ec7da8343f70"
        "303b67db8d5fde8b5e303b6728335d399b69399b6928335df5bcc2f9ccd0f9ccd0f5bcc2"
        "f7c6caeac663976d44f7c6caf1bbc09a4a398b4b37f1bbc0ebafb5d7423ed7423eebafb5"),
    "rooms": (
        [[0, 2, 4], [1, 3, 2], [0, 2, 3], [3, 3, 2], [0, 2, 1], [2, 2, 2], [1, 0, 0]],
        "ecdabbfff2d2fff2d2ebd9baecdabbc0d0dee8d2b1ebd9bacdb1929f6a41f0f0f2ebd9ba"
        "fadbbfde6673be3e36be3e36a7b895e5dd99e7de98a7b895a7b895c3d2e0d8d89da7b895"
        "90aa959b663ffafafba7b8957196977196973d814f3d814fb7abd6cfc3eecfc3efcfc3ef"
        "c1b4cb35447ad9cad6cdc1eec1b3cb9e6940ffffffe4e3e6c9cfd2c9cfd2cd9c30cd9c30"),
}


@pytest.mark.parametrize("name, make", [("faces", data.toy_faces), ("rooms", data.toy_rooms)])
def test_the_same_bytes_on_every_machine(name, make):
    """Every 17th pixel of every 17th row of three pictures, as they were drawn once."""
    made = make(3, size=64, seed=2026)
    factors, pixels = REFERENCE[name]
    assert [values.tolist() for values in made.factors.values()] == factors
    sample = made.images[:, :, 6::17, 6::17].permute(0, 2, 3, 1).flatten().int()
    assert (sample - torch.tensor(list(bytes.fromhex(pixels)))).abs().max() <= 1


def test_there_are_no_more_painters_than_cores_to_use(monkeypatch):
    painters = set()

    def paint(canvas, draw):
        painters.add(threading.current_thread().name)
        time.sleep(0.002)
    monkeypatch.setattr(os, "cpu_count", lambda: 64)  # of which this process may use a few
    monkeypatch.setattr(factory, "CHUNK_PIXELS", 1)
    factory.make(replace(faces.FACES, paint=paint), 60, 16, 0, None, False)
    assert 1 <= len(painters) <= runtime.cores()


# Shapes

def painted(shape, size=64, **options):
    canvas = shapes.Canvas.blank(1, size)
    canvas.paint(shape, (1.0, 1.0, 1.0), **options)
    return canvas.pixels[0, 0]


@pytest.mark.parametrize("shape, area", [
    (shapes.ellipse(0.5, 0.5, 0.3), math.pi * 0.09),
    (shapes.ellipse(0.5, 0.5, 0.4, 0.2), math.pi * 0.08),
    (shapes.box(0.5, 0.5, 0.3, 0.2), 0.24),
    (shapes.box(0.5, 0.5, 0.3, 0.2, corner=0.1), 0.24 - (4 - math.pi) * 0.01),
    (shapes.polygon((0.2, 0.2), (0.8, 0.2), (0.8, 0.8)), 0.18),
    (shapes.line(0.2, 0.2, 0.8, 0.8, 0.1), 0.6 * math.sqrt(2) * 0.1 + math.pi * 0.0025),
    (shapes.outline(shapes.ellipse(0.5, 0.5, 0.3), 0.1), math.pi * (0.35**2 - 0.25**2)),
    (shapes.ellipse(0.5, 0.5, 0.3) - shapes.ellipse(0.5, 0.5, 0.1), math.pi * 0.08),
    (shapes.ellipse(0.5, 0.5, 0.3) & shapes.box(0.25, 0.5, 0.25, 0.5), math.pi * 0.045),
    (shapes.box(0.2, 0.5, 0.1, 0.1) | shapes.box(0.8, 0.5, 0.1, 0.1), 0.08)])
def test_shapes_cover_their_area_at_every_size(shape, area):
    for size in (32, 128):
        assert painted(shape, size).mean().item() == pytest.approx(area, abs=0.005)


def test_edges_are_smooth_and_only_edges():
    picture = painted(shapes.ellipse(0.5, 0.5, 0.3))
    partly = (picture > 0.01) & (picture < 0.99)
    assert 60 < partly.sum() < 2.5 * 2 * math.pi * 0.3 * 64
    assert painted(shapes.ellipse(0.5, 0.5, 0.3), soft=0.3)[32, 48] < 0.9


def test_a_canvas_moves_mirrors_and_chooses_pictures():
    canvas = shapes.Canvas.blank(3, 64)
    dot = shapes.ellipse(0.1, 0.0, 0.06)
    place = canvas.at(torch.tensor([0.25, 0.5, 0.75]), 0.5)
    place.paint(dot, (1.0, 0.0, 0.0))
    place.at(stretch=-1.0).only(torch.tensor([False, True, False])).paint(dot, (0.0, 1.0, 0.0))
    columns = canvas.pixels[:, :, 32].round()
    assert [columns[i, 0].nonzero().float().mean().item() / 64 for i in range(3)] == pytest.approx(
        [0.35, 0.6, 0.85], abs=0.02)
    assert columns[:, 1].sum(1).gt(0).tolist() == [False, True, False]
    assert columns[1, 1].nonzero().float().mean().item() / 64 == pytest.approx(0.4, abs=0.02)


def test_shapes_off_the_picture_are_harmless():
    assert painted(shapes.ellipse(3.0, 0.5, 0.1)).sum() == 0
    assert painted(shapes.box(0.5, -2.0, 0.1, 0.1)).sum() == 0
