"""The speed record: what passes, what may be written, and the table that is kept."""

from dataclasses import asdict, replace

import pytest

from benchmarks import gan_speedrun as speedrun
from gan_lessons import recipes

GOOD = speedrun.Result(seed=0, seconds=100.0, core_seconds=190.0, steps=6000, precision="bfloat16",
                       combinations=96, reverse_kl=0.10, counted=0.60)
ROW = {"entry": "rpgan", "by": "x", "date": "2026-01-01", "seconds": 200.0, "processor": "P",
       "threads": 2, "precision": "bfloat16", "torch": "2", "seeds": [asdict(GOOD)]}


def test_the_bars_are_those_of_the_rules():
    assert GOOD.passed
    for worse in ({"combinations": 95}, {"reverse_kl": 0.1001}, {"counted": 0.5999}):
        assert not replace(GOOD, **worse).passed
    rules = speedrun.TABLE.read_text(encoding="utf-8")
    for said in ("96 ", "≤ 0.10", "≥ 60 %", "10,000", "20_000"):
        assert rules.count(said) >= 2, said  # in both languages


def test_a_record_needs_three_passes():
    three = [replace(GOOD, seed=seed, seconds=100.0 + seed) for seed in (0, 1, 2)]
    assert speedrun.record("rpgan", "me", three)["seconds"] == 101.0
    with pytest.raises(ValueError, match="each of them once"):
        speedrun.record("rpgan", "me", three[:2])
    with pytest.raises(ValueError, match="must pass"):
        speedrun.record("rpgan", "me", [*three[:2], replace(three[2], counted=0.5)])


def test_the_kept_table_is_the_kept_records():
    assert speedrun.TABLE.read_text(encoding="utf-8").endswith(
        f"{speedrun.BEGIN}\n\n{speedrun.table(speedrun.stored())}\n")
    for row in speedrun.stored():
        results = [speedrun.Result(**seed) for seed in row["seeds"]]
        assert speedrun.record(row["entry"], row["by"], results)["seconds"] == row["seconds"]


def test_writing_puts_the_fastest_first_and_leaves_the_rules(tmp_path, monkeypatch):
    rules = speedrun.TABLE.read_text(encoding="utf-8").partition(speedrun.BEGIN)[0]
    for name in ("RESULTS", "TABLE"):
        copy = tmp_path / getattr(speedrun, name).name
        copy.write_bytes(getattr(speedrun, name).read_bytes())
        monkeypatch.setattr(speedrun, name, copy)
    speedrun.write([ROW, ROW | {"seconds": 90.0, "by": "y"}])
    assert [row["by"] for row in speedrun.stored()] == ["x", "y"]
    kept = speedrun.TABLE.read_text(encoding="utf-8")
    assert kept.startswith(rules)
    assert kept.index("| 90.0 | `rpgan` | y |") < kept.index("| 200.0 | `rpgan` | x |")


def small(seed):
    return recipes.rpgan(32, steps=2, features=4, batch=4, seed=seed), 2


def test_an_attempt_plays_and_measures():
    result = speedrun.attempt(small, 1, pictures=64, n=50)
    assert result.steps == 2 and result.seconds > 0 and result.seed == 1
    assert not result.passed and "FAILED" in str(result)


def test_a_game_must_not_have_begun():
    def begun(seed):
        game, steps = small(seed)
        game.step = 1
        return game, steps
    with pytest.raises(ValueError, match="step 0"):
        speedrun.attempt(begun, 0, pictures=8, n=8)


def test_a_failing_entry_ends_with_1_and_writes_nothing(monkeypatch, capsys):
    before = speedrun.RESULTS.read_bytes()
    monkeypatch.setitem(speedrun.ENTRIES, "small", small)
    monkeypatch.setattr(speedrun, "attempt",
                        lambda entry, seed: replace(GOOD, seed=seed, counted=0))
    words = ["--entry", "small", "--write", "--by", "me"]
    assert speedrun.main(words) == 1
    assert "0 of 3 passed" in capsys.readouterr().out and speedrun.RESULTS.read_bytes() == before
    with pytest.raises(SystemExit):
        speedrun.main(["--entry", "small", "--write"])
