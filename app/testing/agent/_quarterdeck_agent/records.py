"""One test's reports put together into its final outcome, and the counts of a whole run."""

from __future__ import annotations

from typing import Any, Dict, List, Tuple

_SUMMARISED = ("passed", "failed", "error", "skipped", "xfailed", "xpassed")


class Record:
    """The reports of one test so far."""

    __slots__ = ("bad_call", "bad_fixture", "details", "duration", "failed", "outcome", "rerun", "sections", "skip")

    def __init__(self) -> None:
        self.details: Dict[str, List[Dict[str, Any]]] = {}
        self.reset()

    def reset(self) -> None:
        """Forget what was, since the test is about to be run again."""
        self.rerun = False
        self.outcome = ""
        self.duration = 0.0
        self.bad_call = self.bad_fixture = False
        self.skip = ""
        self.failed: List[Any] = []
        self.sections: List[Tuple[str, str]] = []

    def add(self, report: Any) -> None:
        """Take the report of one phase."""
        outcome = report.outcome
        when = report.when
        self.rerun = False
        self.duration += report.duration
        if report.sections:
            self.sections = report.sections
        if outcome == "passed":
            if when == "call":
                self.outcome = "xpassed" if hasattr(report, "wasxfail") else "passed"
        elif outcome == "failed":
            self.failed.append(report)
            if when == "call":
                self.bad_call = True
            else:
                self.bad_fixture = True
        elif outcome == "skipped":
            if not self.outcome:
                self.outcome = "xfailed" if hasattr(report, "wasxfail") else "skipped"
                self.skip = skip_reason(report)
        else:
            # pytest-rerunfailures: this attempt does not count, another follows.
            self.reset()
            self.details = {}
            self.rerun = True

    def final(self) -> str:
        """The outcome as pytest counts it; of a failing call with a failing teardown, the call's."""
        if self.bad_call:
            return "failed"
        if self.bad_fixture:
            return "error"
        return self.outcome or "passed"


def skip_reason(report: Any) -> str:
    """Why a test was skipped or expected to fail."""
    if hasattr(report, "wasxfail"):
        reason = str(report.wasxfail)
        return reason[len("reason: ") :] if reason.startswith("reason: ") else reason
    longrepr = report.longrepr
    text = longrepr[2] if isinstance(longrepr, tuple) and len(longrepr) == 3 else str(longrepr or "")
    return text[len("Skipped: ") :] if text.startswith("Skipped: ") else text


def summary_counts(reporter: Any) -> Dict[str, int]:
    """The numbers of pytest's last line."""
    counts: Dict[str, int] = {}
    for name in (*_SUMMARISED, "deselected"):
        entries = reporter.stats.get(name, ())
        counts[name] = sum(1 for entry in entries if getattr(entry, "count_towards_summary", True))
    return counts
