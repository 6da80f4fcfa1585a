"""What a review session is made of: what is said with a verdict, what was decided, how fast. Values only."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import compress

from app.feedback.model import Counts, FeedbackRow, Order, QueueItem, State, Verdict

SCORES: Mapping[int, float] = {1: -1.0, 2: -0.5, 3: 0.0, 4: 0.5, 5: 1.0}
"""What the keys `1` … `5` mean in the contract's scale."""
BREAK_S = 60.0
"""A pause between two decisions that ends a streak."""
PACE_S = 300.0
"""Seconds over which the rate is taken."""


@dataclass(frozen=True, slots=True)
class Given:
    """What goes with a verdict: None leaves it out; `tags` None leaves the row's tags alone."""

    score: float | None = None
    tags: tuple[str, ...] | None = None
    correction: str | None = None
    note: str | None = None
    duration_ms: int | None = None

    @property
    def empty(self) -> bool:
        """Nothing was given yet."""
        return self.score is None and self.tags is None and self.correction is None and self.note is None


@dataclass(frozen=True, slots=True)
class Alike:
    """A row that waits and is nearly the same as another; `likeness` runs from 0 to 1 (the same to the letter)."""

    row: FeedbackRow
    likeness: float


@dataclass(frozen=True, slots=True)
class Done:
    """What one key decided: rows with the ids of their decisions. Undone and redone as one."""

    items: tuple[QueueItem, ...]
    decisions: tuple[str, ...]
    verdict: Verdict
    given: tuple[Given, ...]
    """What went with it, for each of the rows."""

    def decides(self, rows: int) -> int:
        """How many of so many of its rows count as decided: what is skipped is left for later."""
        return 0 if self.verdict == "skip" else rows

    def part(self, chosen: Sequence[bool]) -> Done:
        """Only the rows that are chosen."""
        return replace(
            self,
            items=tuple(compress(self.items, chosen)),
            decisions=tuple(compress(self.decisions, chosen)),
            given=tuple(compress(self.given, chosen)),
        )


@dataclass(frozen=True, slots=True)
class FeedbackSnapshot:
    """The review as it stands now. `counts` None: not read yet."""

    counts: Counts | None = None
    order: Order = "oldest"
    filter: str = ""
    upcoming: tuple[QueueItem, ...] = ()
    """The row to review, and those behind it."""
    reading: bool = False
    """More rows are being looked for."""
    looked_at: int = 0
    """Rows that a slow filter has looked at so far."""
    ended: bool = False
    """The search was ended before it had found enough."""
    exhausted: bool = False
    """Nothing more waits that the filter lets through."""
    up: bool = True
    """The database answers."""
    problem: str = ""
    unsaved: int = 0
    """Decisions that are not durable yet; the usual few milliseconds."""
    session: int = 0
    per_minute: float = 0.0
    streak: int = 0
    last: Done | None = None
    """What undo would take back first."""
    returned: Done | None = None
    """What could not be kept last: its rows wait again."""
    undone: int = 0
    """How many steps redo could go."""
    reviewer: str = ""
    quarantined: int = 0
    """Open entries of the quarantine."""

    @property
    def current(self) -> QueueItem | None:
        """The row to review."""
        return self.upcoming[0] if self.upcoming else None


@dataclass(slots=True)
class Pace:
    """How many, how fast, and how many in a row without a break. Times are seconds of a steady clock."""

    session: int = 0
    streak: int = 0
    times: deque[float] = field(default_factory=deque)
    last: float | None = None

    def note(self, at: float, rows: int = 1) -> None:
        """`rows` were decided at this time; 0: some were skipped, which is work, but decides nothing."""
        if self.last is not None and at - self.last > BREAK_S:
            self.streak = 0
        self.last = at
        if not rows:
            return
        self.session += rows
        self.streak += rows
        self.times.append(at)
        while at - self.times[0] > PACE_S:
            self.times.popleft()

    def take_back(self, rows: int = 1) -> None:
        """A decision was undone."""
        self.session = max(0, self.session - rows)
        self.streak = max(0, self.streak - rows)

    def per_minute(self) -> float:
        """Decisions in a minute, over the last five; 0 before there are two."""
        if len(self.times) < 2:
            return 0.0
        return 60 * (len(self.times) - 1) / max(self.times[-1] - self.times[0], 0.001)


def shifted(counts: Counts | None, before: State, after: State, rows: int = 1) -> Counts | None:
    """The counts after `rows` went from one state to another."""
    if counts is None or before == after:
        return counts
    values = {name: getattr(counts, name) for name in ("waiting", "accepted", "rejected", "skipped")}
    values[before] = max(0, values[before] - rows)
    values[after] += rows
    return Counts(**values)


def badge_text(waiting: int) -> str:
    """The backlog in at most four characters: `128`, `1.2k`, `12k`, `1.2M`; nothing where nothing waits."""
    if not waiting:
        return ""
    for limit, unit in ((1_000, ""), (1_000_000, "k"), (1_000_000_000, "M")):
        if waiting < limit:
            size = waiting / (limit // 1000)
            if not unit:
                return str(waiting)
            return f"{int(size * 10) / 10:.1f}{unit}" if size < 10 else f"{int(size)}{unit}"
    return "1G+"
