"""What a copy says while it runs and when it is done."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

Phase = Literal["check", "copy", "verify"]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a copy is. `left_s` is None until the speed is known."""

    phase: Phase
    table: str
    rows: int
    total: int
    rows_per_s: float
    left_s: float | None


@dataclass(slots=True)
class TableReport:
    """What became of one table. `rows` were read; of them the others add up. `checksum` is that of the rows read."""

    name: str
    rows: int = 0
    inserted: int = 0
    updated: int = 0
    kept: int = 0
    refused: int = 0
    checksum: str = "0" * 32
    verified: bool = False


@dataclass(slots=True)
class Report:
    """A copy that came to its end. `notes` are the rows that are not in the target as they were in the source."""

    source: str
    target: str
    revision: str
    mode: str
    resumed: bool = False
    tables: list[TableReport] = field(default_factory=list)
    notes: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def rows(self) -> int:
        """Rows that were read."""
        return sum(table.rows for table in self.tables)


Watch = Callable[[Progress], None]
"""Called a few times a second at most; may raise to stop the copy, which can be resumed."""


class Meter:
    """Counts rows over all tables and works out the speed and the time left."""

    EVERY_S = 0.1
    WINDOW_S = 10.0

    def __init__(self, watch: Watch, totals: dict[str, int]) -> None:
        self._watch = watch
        self._totals = totals
        self._phase: Phase = "copy"
        self._done: dict[str, int] = {}
        self._marks: list[tuple[float, int]] = []
        self._last = 0.0

    def __call__(self, phase: str, table: str, rows: int) -> None:
        """`rows` of this table are done in this phase."""
        now = time.monotonic()
        if phase != self._phase or not self._marks:
            self._phase = "check" if phase == "check" else "verify" if phase == "verify" else "copy"
            self._done, self._marks, self._last = {}, [(now, 0)], 0.0
        self._done[table] = rows
        if now - self._last < self.EVERY_S:
            return
        self._last = now
        done, total = sum(self._done.values()), sum(self._totals.values())
        self._marks.append((now, done))
        while len(self._marks) > 2 and self._marks[0][0] < now - self.WINDOW_S:
            self._marks.pop(0)
        (then, before) = self._marks[0]
        speed = (done - before) / (now - then) if now - then > 0.5 else 0.0
        left = max(0, total - done) / speed if speed > 0 else None
        self._watch(Progress(self._phase, table, done, max(total, done), speed, left))
