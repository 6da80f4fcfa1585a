"""Moments that come again: `daily 02:30`, `weekly mon 02:30`, `monthly 1 02:30`.

A time that the clock leaves out when summer time begins comes an hour later; one that it shows twice comes once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
EXPECTED = 'expected "daily 02:30", "weekly mon 02:30" or "monthly 1 02:30"'
LAST_DAY = 28
"""Every month has it."""
_FORM = re.compile(r"(?:daily|weekly (mon|tue|wed|thu|fri|sat|sun)|monthly (\d{1,2})) (\d{2}):(\d{2})")


@dataclass(frozen=True, slots=True)
class Schedule:
    """Every day at `at`, or on one day of the week (0 is Monday) or of the month only."""

    at: time
    weekday: int | None = None
    day: int | None = None

    def last(self, now: datetime, zone: tzinfo) -> datetime:
        """The latest moment that is not after `now`, in UTC."""
        today = now.astimezone(zone).date()
        return next(found for back in range(63) if (found := self._moment(today, -back, zone)) and found <= now)

    def next(self, now: datetime, zone: tzinfo) -> datetime:
        """The first moment after `now`, in UTC."""
        today = now.astimezone(zone).date()
        return next(found for ahead in range(63) if (found := self._moment(today, ahead, zone)) and found > now)

    def _moment(self, today: date, days: int, zone: tzinfo) -> datetime | None:
        day = today + timedelta(days=days)
        if self.weekday not in (None, day.weekday()) or self.day not in (None, day.day):
            return None
        return datetime.combine(day, self.at, zone).astimezone(UTC)


def parse(text: str) -> Schedule:
    """Read one. Raises ValueError with what was expected."""
    match = _FORM.fullmatch(text.strip().lower())
    if match is None:
        raise ValueError(EXPECTED)
    weekday, day, hour, minute = match.groups()
    if int(hour) > 23 or int(minute) > 59:
        raise ValueError(f"{EXPECTED}; a time lies between 00:00 and 23:59")
    if day is not None and not 1 <= int(day) <= LAST_DAY:
        raise ValueError(f"{EXPECTED}; the day lies between 1 and {LAST_DAY}, which every month has")
    return Schedule(
        time(int(hour), int(minute)),
        None if weekday is None else DAYS.index(weekday),
        None if day is None else int(day),
    )


def zone_of(name: str) -> tzinfo:
    """The zone of this name; without one, that of this machine. Raises ValueError."""
    if not name:
        return _Local()
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(
            'expected the name of a time zone, such as "Europe/Berlin", or "" for this machine\'s'
        ) from None


class _Local(tzinfo):
    """This machine's zone as it holds at each moment, rather than the offset of today."""

    def utcoffset(self, moment: datetime | None) -> timedelta | None:
        return None if moment is None else moment.replace(tzinfo=None).astimezone().utcoffset()

    def dst(self, moment: datetime | None) -> timedelta | None:
        return None

    def tzname(self, moment: datetime | None) -> str:
        return "local"

    def fromutc(self, moment: datetime) -> datetime:
        return moment.replace(tzinfo=UTC).astimezone().replace(tzinfo=self)
