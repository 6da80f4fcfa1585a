"""How many rows one step of a search looks at: few at first, so that it tells early, and more while steps are quick."""

from __future__ import annotations

FIRST = 500
ENTRIES = 8
"""Entries of an index that are looked at in the time of one row."""
MOST = 100_000
QUICK_S = 0.1
LONG_S = 0.2


class Stride:
    """`rows` of the next step, between FIRST and MOST."""

    def __init__(self, by_index: bool = False, passed: int = 0) -> None:
        """`by_index`: what is looked at are entries of indexes, not rows; so many are `passed` for a page."""
        self._least = min(max(FIRST * (ENTRIES if by_index else 1), passed), MOST)
        self.rows = self._least

    def took(self, seconds: float) -> None:
        """So long the last step took: the next one should take between QUICK_S and LONG_S."""
        if seconds < QUICK_S:
            self.rows = min(int(self.rows * min(4.0, 1.5 * QUICK_S / max(seconds, 0.001))), MOST)
        elif seconds > LONG_S:
            self.rows = max(int(self.rows * QUICK_S / seconds), self._least)
