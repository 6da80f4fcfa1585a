"""How durations, ages, times and counts are written, everywhere alike."""

from __future__ import annotations

import time
from datetime import datetime


def duration(seconds: float | None) -> str:
    """A length of time in at most eight columns: `<1 ms`, `12 ms`, `0.8 s`, `42 s`, `3 m 20 s`, `2 h 05 m`."""
    if seconds is None:
        return ""
    if seconds < 0.0005:
        return "<1 ms"
    if seconds < 0.0995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 9.95:
        return f"{seconds:.2f} s" if seconds < 0.995 else f"{seconds:.1f} s"
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 10:
        return f"{minutes} m {rest:02d} s"
    if minutes < 60:
        return f"{minutes} m"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} m" if hours < 10 else f"{hours} h"


def age(seconds: float) -> tuple[str, float]:
    """A coarse age, and the seconds after which it will read differently."""
    seconds = max(seconds, 0.0)
    for limit, step, unit, suffix in ((10, 10, 0, ""), (60, 10, 1, "s"), (3600, 60, 60, "m"), (86400, 3600, 3600, "h")):
        if seconds < limit:
            left = step - seconds % step
            if not unit:
                return "just now", left
            shown = int(seconds // step) * step // unit
            return f"{shown} {suffix} ago", left
    return f"{int(seconds // 86400)} d ago", 86400 - seconds % 86400


def short_age(seconds: float) -> str:
    """An age for a column of five: `8 s`, `12 m`, `3 h`, `6 d`, `4 mo`, `2 y`."""
    seconds = max(seconds, 0.0)
    for limit, step, unit in ((60, 1, "s"), (3600, 60, "m"), (86400, 3600, "h"), (100 * 86400, 86400, "d")):
        if seconds < limit:
            return f"{int(seconds // step)} {unit}"
    return f"{int(seconds // 2_629_800)} mo" if seconds < 2 * 31_557_600 else f"{int(seconds // 31_557_600)} y"


def moment(stamp: str | float, now: float) -> str:
    """A moment in local time, as short as it can be: `14:01`, `Tue 14:01`, `12 Mar 14:01`, `12 Mar 2024`."""
    if isinstance(stamp, str):
        try:
            when = datetime.fromisoformat(stamp).astimezone()
        except (ValueError, OverflowError, OSError):
            return ""
    else:
        when = datetime.fromtimestamp(stamp).astimezone()
    today = datetime.fromtimestamp(now).astimezone()
    if when.date() == today.date():
        return f"{when:%H:%M}"
    if abs(now - when.timestamp()) < 6 * 86400:
        return f"{when:%a %H:%M}"
    return f"{when.day} {when:%b %H:%M}" if when.year == today.year else f"{when.day} {when:%b %Y}"


def count(number: int, one: str, many: str = "") -> str:
    """`1 file`, `1,214 files`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def wall_clock() -> float:
    """Seconds since the epoch: the clock of everything on screen that has an age."""
    return time.time()
