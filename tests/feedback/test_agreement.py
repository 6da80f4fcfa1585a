"""Agreement of a reviewer with themselves."""

from __future__ import annotations

import pytest

from app.feedback.agreement import Agreement, Pair, agreement_of
from app.feedback.review import Pace, badge_text

SAME: Pair = ("accept", "accept")
NO: Pair = ("reject", "reject")
OTHER: Pair = ("accept", "reject")
TURNED: Pair = ("reject", "accept")


def test_nothing_gives_nothing() -> None:
    assert agreement_of([]) == Agreement()


def test_all_alike_with_two_verdicts_is_perfect() -> None:
    assert agreement_of([SAME, NO]) == Agreement(2, 1.0, 1.0)


def test_one_verdict_only_has_no_kappa() -> None:
    assert agreement_of([SAME] * 5) == Agreement(5, 1.0, None)


def test_what_chance_gives_is_zero() -> None:
    assert agreement_of([SAME, NO, OTHER, TURNED]) == Agreement(4, 0.5, 0.0)


def test_a_worked_example() -> None:
    """20 and 15 of 50 alike: observed 0.7, expected 0.5, as in the textbooks."""
    found = agreement_of([SAME] * 20 + [OTHER] * 5 + [TURNED] * 10 + [NO] * 15)
    assert found.raw == pytest.approx(0.7)
    assert found.kappa == pytest.approx(0.4)


def test_kappa_misleads_where_one_verdict_prevails_and_the_raw_figure_does_not() -> None:
    found = agreement_of([SAME] * 98 + [OTHER, TURNED])
    assert found.raw == pytest.approx(0.98)
    assert found.kappa is not None
    assert found.kappa < 0


@pytest.mark.parametrize(
    ("waiting", "text"),
    [
        *((0, ""), (7, "7"), (999, "999"), (1000, "1.0k"), (1299, "1.2k"), (9_999, "9.9k"), (12_000, "12k")),
        *((999_999, "999k"), (1_000_000, "1.0M"), (10_000_128, "10M"), (2_000_000_000, "1G+")),
    ],
)
def test_a_backlog_has_four_characters(waiting: int, text: str) -> None:
    assert badge_text(waiting) == text
    assert len(text) <= 4


def test_pace_and_streak() -> None:
    pace = Pace()
    assert pace.per_minute() == 0
    for at in (0.0, 2.0, 4.0):
        pace.note(at)
    assert (pace.session, pace.streak, round(pace.per_minute())) == (3, 3, 30)
    pace.note(100.0)
    assert (pace.session, pace.streak) == (4, 1)
    pace.take_back()
    assert (pace.session, pace.streak) == (3, 0)
    # Skipping is work, so the streak goes on over it; it decides nothing.
    before = pace.session
    pace.note(1000.0)
    pace.note(1050.0, 0)
    pace.note(1100.0)
    assert (pace.session, pace.streak) == (before + 2, 2)
