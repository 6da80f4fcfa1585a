"""Tells a test's own writing from a save, by what the tests' processes say of themselves."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Set as AbstractSet

from app.testing.watch import Batch, Change

OWN_WORD_S = 0.02
"""How much later than a file event the tests' own word of having written the file may come."""
AFTERMATH_S = 0.3
"""How long after a run its last files may be noticed."""


class OwnWriting:
    """Knows what the run under way, or the last one, has written."""

    def __init__(self) -> None:
        self._wrote: AbstractSet[str] = frozenset()
        self._running = False
        self._ended = float("-inf")

    def began(self, wrote: AbstractSet[str]) -> None:
        """A run begins; `wrote` grows while it goes on."""
        self._wrote, self._running = wrote, True

    def ended(self) -> None:
        """The run is over."""
        self._running, self._ended = False, time.monotonic()

    async def others(self, batch: Batch) -> tuple[Change, ...]:
        """The changes that are somebody else's."""
        if self._running:
            # The tests' word and the file's event race each other.
            await asyncio.sleep(OWN_WORD_S)
        elif time.monotonic() > self._ended + AFTERMATH_S:
            return batch.changes
        return tuple(change for change in batch.changes if str(change.path) not in self._wrote)
