"""Figures read the same everywhere and stay short."""

from __future__ import annotations

import pytest

from tests.fakes import NOW, stamp
from widgets.figures import age, count, duration, moment
from widgets.sparkline import spark


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, ""),
        (0.0, "<1 ms"),
        (0.012, "12 ms"),
        (0.31, "0.31 s"),
        (0.9951, "1.0 s"),
        (3.14, "3.1 s"),
        (42.4, "42 s"),
        (200, "3 m 20 s"),
        (1500, "25 m"),
        (7500, "2 h 05 m"),
    ],
)
def test_durations(seconds: float | None, shown: str) -> None:
    assert duration(seconds) == shown


@pytest.mark.parametrize("seconds", [0, 0.0004, 0.0996, 0.1, 0.996, 9.96, 99.6, 599, 600, 3599, 36000])
def test_durations_fit_their_column(seconds: float) -> None:
    assert len(duration(seconds)) <= 8


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "just now"),
        (-5, "just now"),
        (12, "10 s ago"),
        (59, "50 s ago"),
        (60, "1 m ago"),
        (7300, "2 h ago"),
        (200_000, "2 d ago"),
    ],
)
def test_ages_are_coarse(seconds: float, shown: str) -> None:
    text, left = age(seconds)
    assert text == shown
    assert left > 0
    assert age(max(seconds, 0) + left + 0.01)[0] != shown


@pytest.mark.usefixtures("utc")
def test_moments_are_as_short_as_they_can_be() -> None:
    assert moment(stamp(60), NOW) == "14:01"
    assert moment(stamp(86400), NOW) == "Mon 14:02"
    assert moment(stamp(20 * 86400), NOW) == "18 Feb 14:02"
    assert moment(stamp(400 * 86400), NOW) == "3 Feb 2025"
    assert moment("nonsense", NOW) == ""


def test_counts() -> None:
    assert count(1, "file") == "1 file"
    assert count(1214, "file") == "1,214 files"


def test_sparklines() -> None:
    assert spark([1, 2, 3], 10) == "▁▅█"
    assert spark([1, 2, 3], 2) == "▁█"
    assert spark([5, 5], 5) == "▁▁"
    assert spark([], 5) == ""
    assert spark([1, float("nan"), 2], 5) == "▅▁█"
