"""How late the event loop is: the measure of whether keys are answered at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

REPORT_S = 0.1
BUSY_SHARE = 0.05
"""Of one core: above it the probe looks often, below it hardly ever."""


class LoopProbe:
    """Ticks on the running loop and measures how late each tick comes.

    The pause between ticks is `shortest_s` while the process works and grows to `longest_s` while it idles, so that
    watching costs nothing measurable when nothing happens.
    """

    def __init__(
        self, report: Callable[[float], None] | None = None, *, shortest_s: float = 0.05, longest_s: float = 1.0
    ) -> None:
        self.worst_s = 0.0
        self.alive: Callable[[], None] | None = None
        """Hears every tick."""
        self._report = report
        self._shortest = shortest_s
        self._longest = longest_s
        self._pause = shortest_s
        self._due = 0.0
        self._cpu = 0.0
        self._handle: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin to measure on the running loop."""
        self._schedule(asyncio.get_running_loop())

    def stop(self) -> None:
        """End it; `worst_s` keeps the highest lateness seen."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _schedule(self, loop: asyncio.AbstractEventLoop) -> None:
        self._cpu = time.process_time()
        self._due = loop.time() + self._pause
        self._handle = loop.call_at(self._due, self._tick, loop)

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        late = loop.time() - self._due
        busy = time.process_time() - self._cpu > self._pause * BUSY_SHARE
        self._pause = self._shortest if busy else min(self._longest, self._pause * 2)
        self._schedule(loop)
        if self.alive is not None:
            self.alive()
        self.worst_s = max(self.worst_s, late)
        if late > REPORT_S and self._report is not None:
            self._report(late)
