"""What a screen asks of a single test: why it failed, what it printed, since when."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace

from app.testing.model import BAD_OUTCOMES, Failure, HistoryPoint, Section, TestDetail, TestState
from app.testing.run import CollectionFailed, TestReported

PASSED_BYTES = 8_000
"""Kept of a passed test's output."""
TOTAL_BYTES = 24_000_000
"""Kept of all output together; the oldest goes first."""
HISTORY = 20


@dataclass(slots=True)
class _Entry:
    failures: tuple[Failure, ...]
    sections: tuple[Section, ...]
    size: int


@dataclass(frozen=True, slots=True)
class _Streak:
    since: str
    files: tuple[str, ...]


class Details:
    """Failures and output of each test's last run, bounded in memory."""

    def __init__(self) -> None:
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._streaks: dict[str, _Streak] = {}
        self._history: dict[str, tuple[HistoryPoint, ...]] = {}
        self._size = 0

    def reported(self, report: TestReported, *, run_id: str, started_at: str, changed: tuple[str, ...]) -> None:
        """Keep what a test said, and since when it fails."""
        bad = report.outcome in BAD_OUTCOMES
        sections = report.sections if bad else tuple(_shorten(section) for section in report.sections)
        self._keep(report.nodeid, report.failures, sections)
        if not bad:
            self._streaks.pop(report.nodeid, None)
        elif report.nodeid not in self._streaks:
            self._streaks[report.nodeid] = _Streak(started_at, changed)
        point = HistoryPoint(run_id, started_at, report.outcome, report.duration_s)
        self._history[report.nodeid] = (*self._history.get(report.nodeid, ())[-(HISTORY - 1) :], point)

    def collection_failed(self, event: CollectionFailed) -> None:
        """Keep why a file could not be collected, under the file's name."""
        self._keep(event.nodeid, (event.failure,), event.sections)

    def detail(self, state: TestState) -> TestDetail:
        """Everything in memory about a test or an uncollected file."""
        entry = self._entries.get(state.nodeid)
        detail = TestDetail(state, history=self._history.get(state.nodeid, ()))
        if entry is not None:
            detail = replace(detail, failures=entry.failures, sections=entry.sections)
        streak = self._streaks.get(state.nodeid)
        if streak is not None:
            detail = replace(detail, first_failed_at=streak.since, first_failed_after=streak.files)
        return detail

    def forget(self, keep: set[str]) -> None:
        """Drop what belongs to tests that are gone."""
        for nodeid in [nodeid for nodeid in self._entries if nodeid not in keep]:
            self._size -= self._entries.pop(nodeid).size
        for table in (self._streaks, self._history):
            for nodeid in [nodeid for nodeid in table if nodeid not in keep]:
                del table[nodeid]

    def _keep(self, nodeid: str, failures: tuple[Failure, ...], sections: tuple[Section, ...]) -> None:
        old = self._entries.pop(nodeid, None)
        if old is not None:
            self._size -= old.size
        if not failures and not sections:
            return
        size = sum(len(section.text) for section in sections) + sum(len(failure.text) for failure in failures)
        self._entries[nodeid] = _Entry(failures, sections, size)
        self._size += size
        while self._size > TOTAL_BYTES and len(self._entries) > 1:
            self._size -= self._entries.popitem(last=False)[1].size


def _shorten(section: Section) -> Section:
    extra = len(section.text) - PASSED_BYTES
    if extra <= 0:
        return section
    half = PASSED_BYTES // 2
    return replace(section, text=section.text[:half] + section.text[-half:], dropped=section.dropped + extra)
