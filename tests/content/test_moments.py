"""The moment that a user names."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from app.content.publishing.moments import moment
from app.errors import UserError

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 3, 28, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("today 14:00", "2026-03-28T13:00"),
        ("14:00", "2026-03-28T13:00"),
        ("tomorrow 9:00", "2026-03-29T07:00"),
        ("2026-12-24 18:30", "2026-12-24T17:30"),
        ("in 90m", "2026-03-28T13:30"),
        ("+2h", "2026-03-28T14:00"),
        ("2026-04-01T09:00:00-05:00", "2026-04-01T14:00"),
    ],
)
def test_moments_are_of_the_users_zone(text: str, expected: str) -> None:
    when = moment(text, BERLIN, NOW)
    assert when.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M") == expected
    assert (when.zone, when.told) == ("Europe/Berlin", "")


def test_an_hour_that_is_skipped_is_as_much_later_and_told() -> None:
    when = moment("tomorrow 2:30", BERLIN, NOW)
    assert when.at == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert "does not exist" in when.told
    assert "03:30" in when.told


def test_of_an_hour_that_comes_twice_the_first_is_meant_and_told() -> None:
    when = moment("2026-10-25 2:30", BERLIN, NOW)
    assert when.at == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert "comes twice" in when.told


@pytest.mark.parametrize("text", ["today 9:00", "13:00", "2026-03-27 23:00", "2026-03-28T12:00:00+00:00", "+0m"])
def test_what_has_passed_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="has passed; it is 2026-03-28 13:00 in Europe/Berlin now"):
        moment(text, BERLIN, NOW)


@pytest.mark.parametrize("text", ["", "soon", "25:00", "2026-02-30 9:00", "9", "2099-01-01 9:00", "tomorrow", "in 9y"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(UserError, match=r"is no moment|too far ahead"):
        moment(text, BERLIN, NOW)


@pytest.mark.parametrize(
    ("text", "told"),
    [("yesterday", "it has passed"), ("yesterday 9:00", "it has passed"), ("2026-04-01", "it is a day without a time")],
)
def test_why_it_is_none_is_told(text: str, told: str) -> None:
    with pytest.raises(UserError, match=f"`{text}` is no moment: {told}"):
        moment(text, BERLIN, NOW)
