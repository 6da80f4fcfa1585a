"""Tells a test's own writing from a save, by what the tests' processes say of themselves."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from collections.abc import Set as AbstractSet
from pathlib import Path

from app.testing.watch import Batch, Change

AFTERMATH_S = 0.3
"""How long after a run the last of what it removed may be noticed."""

_NOTHING: AbstractSet[str] = frozenset()


class OwnWriting:
    """Knows what the run under way and the one before it have written.

    A process says that it will write before it does, so its word is on its way when the file's event arrives;
    `heard` waits until all such words have been taken in.
    """

    def __init__(self, heard: Callable[[], Awaitable[None]]) -> None:
        self._heard = heard
        self._wrote = self._before = _NOTHING
        self._running = False
        self._ended = float("-inf")

    def began(self, wrote: AbstractSet[str]) -> None:
        """A run begins; `wrote` grows while it goes on."""
        self._wrote, self._running = wrote, True

    def ended(self) -> None:
        """The run is over."""
        self._before, self._wrote = self._wrote, _NOTHING
        self._running, self._ended = False, time.time()

    async def others(self, batch: Batch) -> tuple[Change, ...]:
        """The changes that are somebody else's."""
        if self._running:
            await self._heard()
        return tuple(change for change in batch.changes if not self._own(change))

    def _own(self, change: Change) -> bool:
        path = str(change.path)
        return path in self._wrote or (path in self._before and self._dates_from_the_run_before(change.path))

    def _dates_from_the_run_before(self, path: Path) -> bool:
        """Its last writing may be noticed late, even when the next run has begun."""
        try:
            return path.stat().st_mtime <= self._ended
        except OSError:
            return time.time() <= self._ended + AFTERMATH_S
