"""Ids for many rows at once: ULIDs that rise, so that rows that come together lie together in the table."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from functools import cache

from app.ids import ALPHABET

_RANDOM_BITS = 80
_COUNTED = 1 << 60
"""Ids that one start makes at most: more than anybody waits for, and no carry into the time."""


def identities(milliseconds: int | None = None) -> Iterator[str]:
    """Rising ULIDs that begin at this millisecond (None: now) and at a random place within it."""
    at = time.time_ns() // 1_000_000 if milliseconds is None else milliseconds
    first = int.from_bytes(os.urandom(10), "big") % ((1 << _RANDOM_BITS) - _COUNTED)
    value = at << _RANDOM_BITS | first
    triples = _triples()
    while True:
        # Only the last 15 bits differ until they are used up.
        head = _encoded(value, triples)[:-3]
        for low in range(value & 32767, 32768):
            yield head + triples[low]
        value = (value | 32767) + 1


@cache
def _triples() -> list[str]:
    """What 15 bits are written as. 2 MB that only those need who make ids."""
    return [a + b + c for a in ALPHABET for b in ALPHABET for c in ALPHABET]


def _encoded(value: int, triples: list[str]) -> str:
    return (
        ALPHABET[value >> 125]
        + ALPHABET[value >> 120 & 31]
        + triples[value >> 105 & 32767]
        + triples[value >> 90 & 32767]
        + triples[value >> 75 & 32767]
        + triples[value >> 60 & 32767]
        + triples[value >> 45 & 32767]
        + triples[value >> 30 & 32767]
        + triples[value >> 15 & 32767]
        + triples[value & 32767]
    )
