"""One run while it goes on: counts, progress, the events that scripts follow, and the summary at its end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from app.events import StreamEvent
from app.testing.model import BAD_OUTCOMES, OUTCOMES, Counts, Level, Progress, RunSummary, TestState, Trigger
from app.testing.run import CollectedTest, RunFinished, TestReported

Tell = Callable[[StreamEvent, Mapping[str, object]], None]


def timestamp() -> str:
    """Now, as RFC 3339 UTC with microseconds."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


@dataclass
class LiveRun:
    """Gathers what the parts of one run say."""

    run_id: str
    project: str
    trigger: Trigger
    tell: Tell
    changed: tuple[str, ...] = ()
    level: Level = "cold"
    level_reason: str = ""
    started_at: str = field(default_factory=timestamp)
    started: float = field(default_factory=time.monotonic)
    results: dict[str, TestState] = field(default_factory=dict)
    counts: Counts = field(default_factory=Counts)
    exit: int = 0
    note: str = ""
    output_paths: tuple[str, ...] = ()
    expected_total: int | None = None
    expected_s: float | None = None
    first_result_s: float | None = None
    affected: frozenset[str] = frozenset()
    """Test files and node ids that answer the save."""
    affected_done_s: float | None = None
    affected_bad: int = 0
    bad: int = 0
    superseded: bool = False
    collection_errors: dict[str, str] = field(default_factory=dict)
    """Node id to message of what could not be collected."""
    _awaited: set[str] | None = None
    """Affected tests that have not ended; None while not all affected files have been collected."""
    _answers: int = 0
    """Affected tests that have ended, and affected files that could not be collected."""
    _bad_answers: int = 0
    _counted_twice: int = 0
    _work_left: float = 0.0
    _factor: float = 1.0
    _unmeasured: int = 0

    def expect(self, total: int, work_s: float, overhead: float, unmeasured: int = 0) -> None:
        """So many tests are to come, and their last durations add up to `work_s`; `unmeasured` have none yet."""
        self.expected_total = total
        self._unmeasured = unmeasured
        self._work_left = work_s
        self._factor = overhead
        self.expected_s = work_s * overhead if work_s else None

    def collected(self, tests: Iterable[CollectedTest], *, complete: bool) -> None:
        """These tests are to come; `complete` when every affected file is among those that were looked into."""
        affected = (test.nodeid for test in tests if self._is_affected(test.nodeid, test.file))
        self._awaited = set(affected) if complete else None
        self._answer_when_due()

    def reported(self, report: TestReported, state: TestState) -> None:
        """A test has ended; `state` is what the board made of it, with its earlier duration in hand."""
        if self.first_result_s is None:
            self.first_result_s = time.monotonic() - self.started
        again = report.nodeid in self.results
        self.results[report.nodeid] = state
        bad = not again and report.outcome in BAD_OUTCOMES
        self.bad += bad
        self.tell(
            "result", {"nodeid": report.nodeid, "outcome": report.outcome, "duration_s": round(report.duration_s, 6)}
        )
        if self.affected_done_s is None and self._is_affected(report.nodeid, state.file):
            self._answers += 1
            self._bad_answers += bad
            if self._awaited is not None:
                self._awaited.discard(report.nodeid)
                self._answer_when_due()

    def collection_failed(self, nodeid: str, message: str) -> None:
        """A file could not be collected. Each part of a run may meet the same file: it counts once."""
        if nodeid in self.collection_errors:
            self._counted_twice += 1
        else:
            self.bad += 1
            if self.affected_done_s is None and self._hides_affected(nodeid):
                self._answers += 1
                self._bad_answers += 1
        self.collection_errors[nodeid] = message

    def work_done(self, expected: float | None) -> None:
        """A test whose last duration was `expected` needs no more time; None: it had none."""
        if expected is None:
            self._unmeasured = max(0, self._unmeasured - 1)
        elif self.expected_s is not None:
            self._work_left = max(0.0, self._work_left - expected)
            self.expected_s = self._work_left * self._factor

    def ended(self) -> None:
        """All parts have run to their ends: what was collected and has not been reported by now never will be."""
        self._awaited = set()
        self._answer_when_due()

    def _is_affected(self, nodeid: str, file: str) -> bool:
        return file in self.affected or nodeid in self.affected

    def _hides_affected(self, broken: str) -> bool:
        """Whether what could not be collected, a file or a folder, is affected or holds what is."""
        file = broken.partition("::")[0]
        folder = file.removesuffix("__init__.py").rstrip("/")
        whole = folder in ("", ".")
        return file in self.affected or any(whole or name.startswith(f"{folder}/") for name in self.affected)

    def _answer_when_due(self) -> None:
        """Say it when the last affected test has ended. Where there was none at all, there is nothing to say."""
        if self._awaited is None or self._awaited or not self._answers or self.affected_done_s is not None:
            return
        self.affected_done_s, self.affected_bad = time.monotonic() - self.started, self._bad_answers
        self.tell(
            "affected_done",
            {"run_id": self.run_id, "after_s": round(self.affected_done_s, 6), "bad": self.affected_bad},
        )

    def part_finished(self, finished: RunFinished) -> None:
        """A process of this run has ended."""
        self.counts = _add(self.counts, finished.counts)
        if self._counted_twice:
            self.counts = replace(self.counts, error=max(0, self.counts.error - self._counted_twice))
            self._counted_twice = 0
        # No test in one part (5) is no news where another part ran some.
        if finished.exit not in (0, 5):
            self.exit = max(self.exit, finished.exit) if self.exit not in (0, 5) else finished.exit
        elif finished.exit == 5 and not self.results:
            self.exit = 5
        elif self.exit == 5 and self.results:
            self.exit = 0
        if finished.note:
            notes = [note for note in self.note.split("; ") if note]
            self.note = "; ".join(dict.fromkeys([*notes, finished.note]))
        if finished.output_path:
            self.output_paths = (*self.output_paths, finished.output_path)

    def progress(self) -> Progress:
        """For the progress line."""
        return Progress(
            run_id=self.run_id,
            trigger=self.trigger,
            level=self.level,
            done=len(self.results),
            total=self.expected_total,
            bad=self.bad,
            started_monotonic=self.started,
            expected_s=self.expected_s,
            affected_done_s=self.affected_done_s,
            affected_bad=self.affected_bad,
            unmeasured=self._unmeasured,
            files=self.changed,
        )

    def summary(self) -> RunSummary:
        """For the journal and the last line."""
        return RunSummary(
            run_id=self.run_id,
            project=self.project,
            trigger=self.trigger,
            level=self.level,
            level_reason=self.level_reason,
            started_at=self.started_at,
            first_result_s=self.first_result_s,
            duration_s=time.monotonic() - self.started,
            exit=self.exit,
            counts=self.counts,
            affected_done_s=self.affected_done_s,
            affected_bad=self.affected_bad,
            superseded=self.superseded,
            note=self.note,
        )


def _add(left: Counts, right: Counts) -> Counts:
    sums = {name: getattr(left, name) + getattr(right, name) for name in OUTCOMES}
    # Every part of a run deselects the same tests; the widest part knows them all.
    return Counts(**sums, deselected=max(left.deselected, right.deselected))
