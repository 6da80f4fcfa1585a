"""What is asked of a run, and what a run answers while it goes on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.testing.model import Counts, Failure, Level, Outcome, Section, Trigger


@dataclass(frozen=True, slots=True)
class RunLimits:
    """Bounds that keep one run from taking the machine down. 0 means no bound."""

    timeout_s: float = 0.0
    memory_mb: int = 0
    output_kb: int = 256
    """Kept of each captured section, and of the run's own output: the first and the last half."""


@dataclass(frozen=True, slots=True)
class RunRequest:
    """One run of pytest, on top of the project's own arguments."""

    run_id: str
    trigger: Trigger
    args: tuple[str, ...] = ()
    """Further pytest arguments, for instance the files to collect."""
    select: frozenset[str] | None = None
    """Run exactly these node ids of what is collected; None: all of it. Never sent through the command line."""
    skip: frozenset[str] = frozenset()
    """Node ids that an earlier part of this run has answered; left out without counting as deselected."""
    whole: bool = False
    """Nothing of what plain pytest would collect is left out: what it loads may be preloaded next time."""
    first: tuple[str, ...] = ()
    """Node ids or test files (relative to pytest's rootdir) that run before the rest, in this order."""
    cold: str = ""
    """Why this run must be cold; empty lets the runner choose."""
    hash_seed: int | None = None
    """PYTHONHASHSEED of a cold run."""
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunStarted:
    """The process that runs the tests exists."""

    level: Level
    level_reason: str
    pid: int


@dataclass(frozen=True, slots=True)
class CollectedTest:
    """A test that pytest found; `line` counts from 1."""

    nodeid: str
    file: str
    line: int | None


@dataclass(frozen=True, slots=True)
class Collected:
    """Collection ended: the tests that this run will execute, in the order in which pytest would run them by itself."""

    tests: tuple[CollectedTest, ...]
    deselected: int = 0
    indivisible: str = ""
    """Why the project's runs must stay in one process; empty when they may be split."""


@dataclass(frozen=True, slots=True)
class CollectionFailed:
    """A file or directory could not be collected."""

    nodeid: str
    message: str
    failure: Failure
    sections: tuple[Section, ...] = ()


@dataclass(frozen=True, slots=True)
class TestStarted:
    """A test is being run."""

    __test__ = False

    nodeid: str


@dataclass(frozen=True, slots=True)
class TestReported:
    """A test has ended with all its phases. Sent once for each time pytest runs it."""

    __test__ = False

    nodeid: str
    outcome: Outcome
    duration_s: float
    message: str = ""
    """One line: the exception, the reason of a skip."""
    error_class: str | None = None
    """Fingerprint of the error: the same for the same kind of failure in the same place. None when it did not fail."""
    failures: tuple[Failure, ...] = ()
    sections: tuple[Section, ...] = ()


@dataclass(frozen=True, slots=True)
class FileWritten:
    """The tests' own process is about to write, rename or remove this file of the project. Sent once for each path."""

    path: str


@dataclass(frozen=True, slots=True)
class RunFinished:
    """The run's process and all that it started are gone. Always the last event of a run."""

    exit: int
    """pytest's exit code, 0 to 5; 3 when the process died or was ended for a limit."""
    counts: Counts
    duration_s: float
    note: str = ""
    """What ended the run early: `segmentation fault in tests/test_x.py::test_y`, `ended after 600 s`, a usage error."""
    cancelled: bool = False
    output_path: str = ""
    """File with what the run printed outside pytest's capture, capped."""


RunEvent = RunStarted | Collected | CollectionFailed | TestStarted | TestReported | FileWritten | RunFinished
