"""Finding and replacing in a text: what is looked for, where it stands, and what a replacement makes."""

from __future__ import annotations

import contextlib
import re
import signal
import threading
from bisect import bisect_left
from collections.abc import Iterator
from typing import Any, NamedTuple

MOST = 100_000
"""Places that are counted."""
LIMIT_S, REPLACE_S = 0.5, 3.0
"""Seconds of the processor that looking, and replacing all, may take. Some expressions would go on for years, and no
key would be answered."""


class EndlessError(ValueError):
    """An expression takes too long."""

    def __init__(self) -> None:
        super().__init__("takes too long: make it simpler")


@contextlib.contextmanager
def limited(seconds: float = LIMIT_S) -> Iterator[None]:
    """Look for no longer than this. Raises EndlessError. In other threads than the main one there is no limit."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    armed = True

    def stop(number: int, frame: Any) -> None:
        if armed:
            raise EndlessError

    # Matching looks for signals as it goes; nothing else can end it.
    before = signal.signal(signal.SIGVTALRM, stop)
    left, _ = signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        armed = False
        signal.setitimer(signal.ITIMER_VIRTUAL, left)
        signal.signal(signal.SIGVTALRM, before)


class Query(NamedTuple):
    """What to look for."""

    text: str
    case: bool = False
    """Whether capitals matter."""
    whole: bool = False
    """Whole words only."""
    regex: bool = False

    def pattern(self) -> re.Pattern[str] | None:
        """The pattern; None for an empty query. Raises ValueError that says what is wrong with an expression."""
        if not self.text:
            return None
        text = self.text if self.regex else re.escape(self.text)
        if self.whole:
            text = rf"(?<!\w)(?:{text})(?!\w)"
        try:
            return re.compile(text, (0 if self.case else re.IGNORECASE) | re.MULTILINE)
        except (re.error, OverflowError, RecursionError) as error:
            raise ValueError(str(error)) from None


def places(text: str, pattern: re.Pattern[str]) -> list[tuple[int, int]]:
    """Where it stands: offsets, the end exclusive; at most `MOST`. Matches of nothing are no matches.

    Raises EndlessError.
    """
    found: list[tuple[int, int]] = []
    with limited():
        for match in pattern.finditer(text):
            if match.end() > match.start():
                found.append(match.span())
                if len(found) >= MOST:
                    break
    return found


def nearest(found: list[tuple[int, int]], offset: int, step: int) -> int | None:
    """Which place comes next after an offset, or (with `step` -1) before it, around the ends; None without any."""
    if not found:
        return None
    at = bisect_left(found, (offset, 0))
    return (at if step > 0 else at - 1) % len(found)


def replacement(match: re.Match[str], text: str, regex: bool) -> str:
    """What stands instead of a match. In a regex `\\1` names a group; raises ValueError where it cannot."""
    if not regex:
        return text
    try:
        return match.expand(text)
    except (re.error, IndexError) as error:
        raise ValueError(str(error)) from None


def replaced_all(text: str, query: Query, by: str) -> tuple[int, int, str, int] | None:
    """The one change that replaces every match: from where to where, by what, and how many; None without a match.

    Raises ValueError for an expression or a replacement that is wrong, or takes too long.
    """
    pattern = query.pattern()
    if pattern is None:
        return None
    parts: list[str] = []
    first = last = count = 0
    with limited(REPLACE_S):
        for match in pattern.finditer(text):
            if match.end() == match.start():
                continue
            if not count:
                first = last = match.start()
            parts += (text[last : match.start()], replacement(match, by, query.regex))
            last = match.end()
            count += 1
    return (first, last, "".join(parts), count) if count else None
