"""What the Tests area speaks of. Values only; imports nothing of the app and no heavy library."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

Outcome = Literal["passed", "failed", "error", "skipped", "xfailed", "xpassed"]
Level = Literal["cold", "L1", "L2"]
Trigger = Literal["cli", "save", "key", "start", "verify"]
ProjectState = Literal["starting", "idle", "running", "broken", "gone"]

OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
COUNTED: tuple[str, ...] = (*OUTCOMES, "deselected")
"""What `Counts` counts, in its order."""
BAD_OUTCOMES: frozenset[str] = frozenset({"failed", "error"})


@dataclass(frozen=True, slots=True)
class ProjectSpec:
    """A project to watch, with every path absolute. `python` empty: found by `interpreter.find`."""

    name: str
    path: Path
    python: str = ""
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    watch: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceLine:
    """One line of source as it stood when the test failed."""

    number: int
    text: str


@dataclass(frozen=True, slots=True)
class Frame:
    """One call of a traceback. `line` is the current line; `source` holds it and its neighbours."""

    path: str
    line: int
    function: str
    source: tuple[SourceLine, ...] = ()
    locals: tuple[tuple[str, str], ...] = ()
    own: bool = True
    """True for the project's code, False for installed packages and the standard library."""


@dataclass(frozen=True, slots=True)
class ExceptionInfo:
    """An exception of a chain. `relation` says how it led to the next one in the tuple (None for the last)."""

    type: str
    message: str
    frames: tuple[Frame, ...] = ()
    relation: Literal["cause", "context"] | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a test failed: the chain oldest first, and pytest's own text (for doctests, the only thing there is)."""

    phase: Literal["collect", "setup", "call", "teardown"]
    exceptions: tuple[ExceptionInfo, ...] = ()
    text: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """Captured output. `dropped` counts the characters cut from its middle."""

    title: str
    text: str
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class TestState:
    """A test as a list shows it. `outcome` is that of its last finished run; None when it never ran."""

    __test__ = False

    nodeid: str
    file: str
    line: int | None = None
    outcome: Outcome | None = None
    running: bool = False
    queued: bool = False
    duration_s: float | None = None
    message: str = ""
    error_class: str | None = None
    run_id: str = ""
    stale: bool = False
    """True when files changed since this outcome and no run has confirmed it."""


@dataclass(frozen=True, slots=True)
class HistoryPoint:
    """One earlier outcome of a test."""

    run_id: str
    started_at: str
    outcome: Outcome
    duration_s: float


@dataclass(frozen=True, slots=True)
class TestDetail:
    """Everything known of one test's last outcome."""

    __test__ = False

    state: TestState
    failures: tuple[Failure, ...] = ()
    sections: tuple[Section, ...] = ()
    history: tuple[HistoryPoint, ...] = ()
    first_failed_at: str | None = None
    first_failed_after: tuple[str, ...] = ()
    """Files whose save preceded the first failure of the current streak, relative to the project."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Outcomes of a run, counted as pytest's last line counts them."""

    passed: int = 0
    failed: int = 0
    error: int = 0
    skipped: int = 0
    xfailed: int = 0
    xpassed: int = 0
    deselected: int = 0

    @property
    def bad(self) -> int:
        """Failures and errors together."""
        return self.failed + self.error

    @property
    def total(self) -> int:
        """Tests that were run or skipped."""
        return self.passed + self.failed + self.error + self.skipped + self.xfailed + self.xpassed


@dataclass(frozen=True, slots=True)
class Progress:
    """A run under way. `expected_s` is what history says is left; None where there is no history."""

    run_id: str
    trigger: Trigger
    level: Level
    done: int
    total: int | None
    bad: int
    started_monotonic: float
    expected_s: float | None = None
    affected_done_s: float | None = None
    """Seconds from start to the end of the affected tests; None while they run."""
    affected_bad: int = 0
    unmeasured: int = 0
    """Tests still to end of which no duration is known: `expected_s` leaves them out."""
    files: tuple[str, ...] = ()
    """The saved files that set it off."""

    @property
    def all_in(self) -> bool:
        """Every test has ended; the run's process has yet to."""
        return self.total is not None and self.done >= self.total > 0


@dataclass(frozen=True, slots=True)
class RunSummary:
    """A run that has ended. `exit` is pytest's exit code (0 to 5), or 3 when the process died."""

    run_id: str
    project: str
    trigger: Trigger
    level: Level
    level_reason: str
    started_at: str
    first_result_s: float | None
    duration_s: float
    exit: int
    counts: Counts
    affected_done_s: float | None = None
    affected_bad: int = 0
    superseded: bool = False
    note: str = ""
    """What went wrong with the run as a whole: a crash, a time limit, a usage error, collection errors."""


@dataclass(frozen=True, slots=True)
class FileState:
    """A test file's tests, counted by their last outcome."""

    path: str
    total: int
    bad: int
    skipped: int
    unknown: int
    running: bool = False
    error: str = ""
    """First line of its collection error."""


@dataclass(frozen=True, slots=True)
class ProjectSnapshot:
    """All that the screen shows of one project. Equal snapshots look alike."""

    name: str
    path: str
    state: ProjectState
    problem: str = ""
    """What keeps it from running and what to do; empty when nothing does."""
    level: Level = "cold"
    level_reason: str = ""
    watching: bool = True
    watch_note: str = ""
    """For instance `polling: no file events arrive here`."""
    watched_files: int = 0
    saved_at: float | None = None
    """time.time() of the last save that mattered."""
    tests: Mapping[str, TestState] = field(default_factory=dict)
    """By node id, in pytest's order."""
    files: Mapping[str, FileState] = field(default_factory=dict)
    counts: Counts = field(default_factory=Counts)
    progress: Progress | None = None
    last: RunSummary | None = None
    recent: tuple[RunSummary, ...] = ()
    """The latest runs, oldest first, at most 30, for the trend."""

    @property
    def certain(self) -> int | None:
        """How many outcomes are certain where some are not: a test never ran, or the last run ended before its end.
        None where all are."""
        known = self.counts.total
        last = self.last if self.progress is None else None
        if last is not None and last.exit in (2, 3, 4):
            return min(known, last.counts.total)
        return known if known < len(self.tests) else None
