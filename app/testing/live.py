"""One run while it goes on: counts, progress, the events that scripts follow, and the summary at its end."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from app.events import StreamEvent
from app.testing.model import BAD_OUTCOMES, Counts, Level, Progress, RunSummary, TestState, Trigger
from app.testing.run import RunFinished, TestReported

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
    affected: set[str] | None = None
    """Node ids that answer the save and have not ended; None until they are known."""
    affected_done_s: float | None = None
    affected_bad: int = 0
    bad: int = 0
    superseded: bool = False
    collection_errors: dict[str, str] = field(default_factory=dict)
    """Node id to message of what could not be collected."""
    _counted_twice: int = 0
    _work_left: float = 0.0
    _factor: float = 1.0

    def expect(self, total: int, work_s: float, overhead: float) -> None:
        """So many tests are to come, and their last durations add up to `work_s`."""
        self.expected_total = total
        self._work_left = work_s
        self._factor = overhead
        self.expected_s = work_s * overhead if work_s else None

    def reported(self, report: TestReported, state: TestState) -> None:
        """A test has ended; `state` is what the board made of it, with its earlier duration in hand."""
        if self.first_result_s is None:
            self.first_result_s = time.monotonic() - self.started
        again = report.nodeid in self.results
        self.results[report.nodeid] = state
        if not again and report.outcome in BAD_OUTCOMES:
            self.bad += 1
        self.tell(
            "result", {"nodeid": report.nodeid, "outcome": report.outcome, "duration_s": round(report.duration_s, 6)}
        )
        if self.affected is not None and self.affected_done_s is None and report.nodeid in self.affected:
            self.affected.discard(report.nodeid)
            if not self.affected:
                self.answer()

    def collection_failed(self, nodeid: str, message: str) -> None:
        """A file could not be collected. Each part of a run may meet the same file: it counts once."""
        if nodeid in self.collection_errors:
            self._counted_twice += 1
        else:
            self.bad += 1
        self.collection_errors[nodeid] = message

    def work_done(self, expected: float) -> None:
        """A test whose last duration was `expected` needs no more time."""
        if self.expected_s is not None:
            self._work_left = max(0.0, self._work_left - expected)
            self.expected_s = self._work_left * self._factor

    def answer(self) -> None:
        """The tests that the save most likely affects have all ended."""
        if self.affected_done_s is None:
            self.affected_done_s = time.monotonic() - self.started
            self.affected_bad = self.bad
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
    names = ("passed", "failed", "error", "skipped", "xfailed", "xpassed")
    sums = {name: getattr(left, name) + getattr(right, name) for name in names}
    # Every part of a run deselects the same tests; the widest part knows them all.
    return Counts(**sums, deselected=max(left.deselected, right.deselected))
