"""The moment that a user names: in a time zone, never one that has passed, never one that does not exist."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from app.content.publishing.model import When
from app.errors import UserError

EXPECTED = "write `tomorrow 9:00`, `2026-12-24 18:30`, `in 90m`, or a moment with its offset"
FURTHEST = timedelta(days=366 * 2)
_CLOCK = re.compile(r"(?:(today|tomorrow|\d{4}-\d{2}-\d{2})[ T]+)?(\d{1,2}):(\d{2})(?::(\d{2}))?")
_DAY = re.compile(r"today|tomorrow|\d{4}-\d{2}-\d{2}")
_AFTER = re.compile(r"(?:in\s+|\+)(\d{1,6})\s*(m|min|h|d)")
_UNITS = {"m": timedelta(minutes=1), "min": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


def moment(text: str, zone: ZoneInfo, now: datetime) -> When:
    """Read a moment. A time that a clock change skips is as much later as was skipped; of two the first is meant.

    Both are told. Raises UserError for what is no moment, has passed, or is more than two years ahead.
    """
    given = " ".join(text.strip().split())
    when = _read(given, zone, now)
    local = f"{when.at.astimezone(zone):%Y-%m-%d %H:%M}"
    if when.at <= now:
        here = f"it is {now.astimezone(zone):%Y-%m-%d %H:%M} in {zone.key} now"
        raise UserError(f"{local} has passed; {here}", where=given, fix="name a later moment, or none for now")
    if when.at > now + FURTHEST:
        raise UserError(f"{local} is too far ahead", where=given, fix="name a moment within two years")
    return when


def _read(given: str, zone: ZoneInfo, now: datetime) -> When:
    if found := _AFTER.fullmatch(given.lower()):
        return When(now + int(found[1]) * _UNITS[found[2]], zone.key)
    if found := _CLOCK.fullmatch(given.lower()):
        try:
            return _local(datetime.combine(_day(found[1], zone, now), _time(found)), zone)
        except (ValueError, OverflowError):
            raise UserError(f"`{given[:60]}` is no moment", where="--at", fix=EXPECTED) from None
    try:
        at = datetime.fromisoformat(given)
        if at.tzinfo is not None:
            return When(at.astimezone(UTC), zone.key)
    except (ValueError, OverflowError):
        pass
    what = f"`{given[:60]}` is no moment"
    if given.lower().startswith("yesterday"):
        what += ": it has passed"
    elif _DAY.fullmatch(given.lower()):
        what += ": it is a day without a time"
    raise UserError(what, where="--at", fix=EXPECTED)


def _day(name: str | None, zone: ZoneInfo, now: datetime) -> date:
    today = now.astimezone(zone).date()
    if name in (None, "today"):
        return today
    return today + timedelta(days=1) if name == "tomorrow" else date.fromisoformat(str(name))


def _time(found: re.Match[str]) -> time:
    return time(int(found[2]), int(found[3]), int(found[4] or 0))


def _local(naive: datetime, zone: ZoneInfo) -> When:
    """What the clocks of a zone show, as a moment."""
    first, second = naive.replace(tzinfo=zone), naive.replace(tzinfo=zone, fold=1)
    at = first.astimezone(UTC)
    if first.utcoffset() == second.utcoffset():
        return When(at, zone.key)
    shown = at.astimezone(zone)
    if shown.replace(tzinfo=None) != naive:
        return When(at, zone.key, f"{naive:%H:%M} does not exist on that day in {zone.key}: it will be {shown:%H:%M}")
    return When(at, zone.key, f"{naive:%H:%M} comes twice on that day in {zone.key}: it will be the first one")
