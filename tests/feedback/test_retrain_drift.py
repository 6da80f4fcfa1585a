"""Drift against known values, and moments that come again."""

from __future__ import annotations

import math
import random
from datetime import UTC, datetime, timedelta, tzinfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.feedback.retrain.drift import FLOOR, kolmogorov, ks, psi, psi_of_shares
from app.feedback.retrain.schedule import parse, zone_of


def test_psi_of_known_shares() -> None:
    # By hand: (.1-.25)ln(.4) + (.2-.25)ln(.8) + (.3-.25)ln(1.2) + (.4-.25)ln(1.6)
    assert psi_of_shares([0.25] * 4, [0.1, 0.2, 0.3, 0.4]) == pytest.approx(0.228217, abs=1e-6)
    assert psi_of_shares([0.5, 0.5], [0.5, 0.5]) == 0
    assert psi_of_shares([1.0, 0.0], [0.5, 0.5]) == pytest.approx(
        -0.5 * math.log(0.5) + (0.5 - FLOOR) * math.log(0.5 / FLOOR)
    )


def test_psi_of_samples_of_few_values_counts_each_value() -> None:
    before = [-1.0] * 25 + [-0.5] * 25 + [0.5] * 25 + [1.0] * 25
    now = [-1.0] * 10 + [-0.5] * 20 + [0.5] * 30 + [1.0] * 40
    assert psi(before, now) == pytest.approx(0.228217, abs=1e-6)


def test_psi_of_samples_of_many_values_finds_a_shift_and_no_other() -> None:
    chance = random.Random(4)
    before = [chance.gauss(0, 1) for _ in range(5000)]
    assert psi(before, [chance.gauss(0, 1) for _ in range(5000)]) < 0.02
    # Two normal distributions one deviation apart: the index of the densities is 1.
    assert psi(before, [chance.gauss(1, 1) for _ in range(5000)]) == pytest.approx(1.0, abs=0.15)


SCORE = st.floats(-1, 1, allow_subnormal=False)
SOME = st.lists(SCORE, min_size=1, max_size=200)


@given(SOME)
def test_psi_of_equal_samples_is_nothing(sample: list[float]) -> None:
    assert psi(sample, sample) == 0
    assert psi(sample, sample * 3) == pytest.approx(0, abs=1e-9)


@given(SOME, SOME, st.booleans())
def test_psi_of_samples_that_share_no_value_range_is_large(before: list[float], now: list[float], up: bool) -> None:
    assert psi(before, [value + (3 if up else -3) for value in now]) > 2


@given(st.integers(0, 2**32), st.floats(0.12, 1), st.sampled_from([-1.0, -0.3, 0.5, 1.0]), st.integers(100, 600))
def test_a_value_that_many_have_hides_no_shift(seed: int, share: float, tied: float, size: int) -> None:
    chance = random.Random(seed)

    def sample(tie: float, number: int) -> list[float]:
        same = round(tie * number)
        return [tied] * same + [chance.uniform(-1, 1) for _ in range(number - same)]

    before = sample(share, size)
    assert psi(before, sample(0, 500)) > 0.25
    # Just beside it is elsewhere, too.
    assert psi(before, [value - 1e-6 if value == tied else value for value in before]) > 0.25


@pytest.mark.parametrize("tie", [0.0, 0.1, 0.3, 0.6, 0.95, 1.0])
@pytest.mark.parametrize("tied", [-1.0, 0.2, 1.0])
def test_chance_alone_is_no_shift_with_ties_either(tie: float, tied: float) -> None:
    chance = random.Random(11)
    before, now = ([tied if chance.random() < tie else chance.uniform(-1, 1) for _ in range(2000)] for _ in range(2))
    assert psi(before, now) < 0.05


@pytest.mark.parametrize(("value", "chance"), [(1.2238, 0.10), (1.3581, 0.05), (1.6276, 0.01), (1.9495, 0.001)])
def test_kolmogorov_of_the_usual_table(value: float, chance: float) -> None:
    assert kolmogorov(value) == pytest.approx(chance, rel=1e-3)


def test_ks_of_known_samples() -> None:
    assert ks([1, 2, 3, 4], [1, 2, 3, 4]) == (0.0, 1.0)
    distance, chance = ks([1, 2, 3, 4], [5, 6, 7, 8])
    assert distance == 1.0
    assert chance < 0.05
    # 3 of 5 lie at or below 3 in one, 1 of 4 in the other.
    assert ks([1, 2, 3, 4, 5], [3, 6, 7, 8])[0] == pytest.approx(0.75)


def test_ks_by_chance_is_as_rare_as_it_says() -> None:
    chance = random.Random(7)
    found = [ks([chance.random() for _ in range(60)], [chance.random() for _ in range(60)])[1] for _ in range(400)]
    assert 0.02 < sum(p < 0.05 for p in found) / 400 < 0.08


BERLIN = "Europe/Berlin"


@pytest.mark.parametrize(
    ("text", "now", "last", "following"),
    [
        ("daily 02:30", "2026-03-10T01:30", "2026-03-10T01:30", "2026-03-11T01:30"),
        ("daily 02:30", "2026-03-10T01:29", "2026-03-09T01:30", "2026-03-10T01:30"),
        ("weekly mon 06:00", "2026-03-10T00:00", "2026-03-09T05:00", "2026-03-16T05:00"),
        ("monthly 28 00:00", "2026-02-28T00:00", "2026-02-27T23:00", "2026-03-27T23:00"),
        # The night in which 02:30 does not come: it is 03:30 then.
        ("daily 02:30", "2026-03-29T12:00", "2026-03-29T01:30", "2026-03-30T00:30"),
        # The night in which it comes twice: the first one counts.
        ("daily 02:30", "2026-10-25T12:00", "2026-10-25T00:30", "2026-10-26T01:30"),
    ],
)
def test_a_schedule_through_summer_time(text: str, now: str, last: str, following: str) -> None:
    zone: tzinfo = zone_of(BERLIN)
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)
    assert parse(text).last(moment, zone) == datetime.fromisoformat(last).replace(tzinfo=UTC)
    assert parse(text).next(moment, zone) == datetime.fromisoformat(following).replace(tzinfo=UTC)


def test_a_schedule_in_the_zone_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setenv("TZ", BERLIN)
    time.tzset()
    try:
        for hours in range(0, 24 * 400, 7):
            moment = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=hours)
            for text in ("daily 02:30", "weekly sun 02:30", "monthly 1 23:59"):
                assert parse(text).last(moment, zone_of("")) == parse(text).last(moment, zone_of(BERLIN))
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize(
    "text", ["", "daily", "daily 24:00", "weekly xyz 02:30", "monthly 31 02:30", "monthly 0 00:00"]
)
def test_a_schedule_that_nobody_understands(text: str) -> None:
    with pytest.raises(ValueError, match='expected "daily 02:30"'):
        parse(text)


def test_a_zone_that_there_is_not() -> None:
    with pytest.raises(ValueError, match="Europe/Berlin"):
        zone_of("Mars/Olympus")
