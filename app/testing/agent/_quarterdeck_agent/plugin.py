"""The pytest plugin: which tests run in what order, and an event for each thing that happens.

Every hook is guarded: what goes wrong in here is written to standard error and never changes an outcome.
"""

from __future__ import annotations

import os
import sys
import traceback
from typing import Any, Dict, Generator, List, Optional

import pytest

from . import declining, installed, writes
from .events import Events
from .failures import Describer, cap, one_line
from .records import Record, skip_reason, summary_counts

_CHUNK = 500


def _complain(error: BaseException) -> None:
    if sys.__stderr__ is not None:
        traceback.print_exception(type(error), error, error.__traceback__, file=sys.__stderr__)


class _Guard:
    """Lets nothing but an interruption out of a block."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: Any, tb: Any) -> bool:
        if kind is None or not issubclass(kind, Exception):
            return False
        _complain(error)
        return True


_guard = _Guard()


class QuarterdeckPlugin:
    """Hooks of one run. Tests are named by their place in the collected list where they are in it."""

    def __init__(self, job: Dict[str, Any], events: Events, warned: Optional[Dict[str, List[str]]]) -> None:
        self._events = events
        self._warned = warned
        self._select = None if job["select"] is None else frozenset(job["select"])
        self._skip = frozenset(job["skip"])
        self._first = {name: place for place, name in enumerate(job["first"])}
        self._natural: Dict[int, int] = {}
        self._room = job["output_kb"] << 10
        self._index: Dict[str, int] = {}
        self._records: Dict[str, Record] = {}
        self._passed = ""
        self._collect_details: Dict[str, List[Dict[str, Any]]] = {}
        self._own_counts = dict.fromkeys(("passed", "failed", "error", "skipped", "xfailed", "xpassed"), 0)
        self._deselected = 0
        self._collect_errors = 0
        self._indivisible = ""
        self._xdist_seen = False
        self._session: Any = None
        self._reporter: Any = None
        folders = installed.roots()
        project = self._folder = job["cwd"]
        prefix = project.rstrip(os.sep) + os.sep
        self._describe = Describer(
            lambda path: path.startswith(prefix) and not installed.is_installed(path, project, folders)
        )

    # Configuration

    @pytest.hookimpl(hookwrapper=True)
    def pytest_load_initial_conftests(self) -> Generator[None, Any, None]:
        """Tell of a conftest that cannot be imported: pytest itself only prints it."""
        outcome = yield
        error = outcome.excinfo[1] if outcome.excinfo else None
        with _guard:
            if error is not None and hasattr(error, "path"):
                cause = error.cause if isinstance(getattr(error, "cause", None), BaseException) else error.__cause__
                excinfo = getattr(error, "excinfo", None)
                cause = cause or (excinfo[1] if excinfo else error)
                exceptions = self._describe.exceptions(cause)
                text = self._describe.text(cause)
                message = one_line("%s: %s" % (exceptions[-1]["type"], exceptions[-1]["message"]))
                failure = {"phase": "collect", "exceptions": exceptions, "text": cap(text, self._room)[0]}
                name = os.path.relpath(str(error.path))
                self._events.add_object({"e": "broken", "id": name, "message": message, "failure": failure})
                self._events.flush()

    def pytest_cmdline_main(self, config: Any) -> None:
        """Keep a chosen set of tests in this process. After pytest-xdist's hook, before the one that runs it all."""
        with _guard:
            self._indivisible = declining.why_in_one(config)
            if self._select is not None or self._skip:
                declining.disable_xdist(config)

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: Any) -> None:
        """Hand the run back if a fork cannot do it justice."""
        with _guard:
            if self._warned is not None:
                declined = declining.why(config, self._warned)
                if declined is not None:
                    self._events.add_object({"e": "declined", "why": declined[0], "avoid": declined[1]})
                    self._events.flush()
                    os._exit(0)
            self._events.add_object({"e": "configured"})
            self._events.flush()
            writes.watch(self._folder, self._events)

    def pytest_sessionstart(self, session: Any) -> None:
        """Remember where the counts are kept."""
        self._session = session
        self._reporter = session.config.pluginmanager.get_plugin("terminalreporter")

    # Collection

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, items: List[Any]) -> Generator[None, Any, None]:
        """Choose and order, after everything else has had its say."""
        yield
        with _guard:
            if self._select is not None or self._skip:
                chosen, skip = self._select, self._skip
                items[:] = [
                    item for item in items if (chosen is None or item.nodeid in chosen) and item.nodeid not in skip
                ]
            if self._first:
                self._natural = {id(item): number for number, item in enumerate(items)}
                items.sort(key=self._rank)

    def _rank(self, item: Any) -> int:
        first, last = self._first, len(self._first)
        return min(first.get(item.nodeid, last), first.get(item.nodeid.partition("::")[0], last))

    def pytest_deselected(self, items: List[Any]) -> None:
        """Count what -k, -m and plugins leave out."""
        self._deselected += len(items)

    def pytest_collection_finish(self, session: Any) -> None:
        """Tell what will be run."""
        with _guard:
            if self._collect_errors and not session.config.option.continue_on_collection_errors:
                return
            tests: List[List[Any]] = []
            # The order of a list that a person reads must not follow what runs first this time.
            items = sorted(session.items, key=lambda item: self._natural.get(id(item), len(self._natural)))
            for number, item in enumerate(items):
                nodeid = item.nodeid
                self._index.setdefault(nodeid, number)
                file = nodeid.partition("::")[0]
                place = item.location
                line = place[1] + 1 if place[1] is not None and place[0].replace(os.sep, "/") == file else None
                tests.append([nodeid, file, line])
            self._tell_collected(tests)

    def _tell_collected(self, tests: List[List[Any]]) -> None:
        for start in range(0, len(tests), _CHUNK):
            self._events.add_object({"e": "found", "tests": tests[start : start + _CHUNK]})
        collected = {"e": "collected", "deselected": self._deselected, "indivisible": self._indivisible}
        self._events.add_object(collected)
        self._events.flush()

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: List[str]) -> None:
        """The first worker's list stands for all: pytest-xdist demands that they agree."""
        with _guard:
            if not self._xdist_seen:
                self._xdist_seen = True
                self._index = {nodeid: number for number, nodeid in enumerate(ids)}
                self._tell_collected([[nodeid, nodeid.partition("::")[0], None] for nodeid in ids])

    def pytest_collectreport(self, report: Any) -> None:
        """Tell of a file that cannot be collected."""
        if report.outcome != "failed":
            return
        with _guard:
            self._collect_errors += 1
            exceptions = self._collect_details.pop(report.nodeid, [])
            failure = self._failure(report, "collect", exceptions)
            message = self._message(report, exceptions)
            self._events.add_object(
                {
                    "e": "broken",
                    "id": report.nodeid,
                    "message": message,
                    "failure": failure,
                    "sections": self._sections(report.sections),
                }
            )
            self._events.flush()

    def pytest_exception_interact(self, node: Any, call: Any, report: Any) -> None:
        """Take an exception apart while its frames are at hand."""
        with _guard:
            if type(report.longrepr).__name__ == "ReprFailDoctest":
                return
            error = call.excinfo.value
            if type(error).__name__ == "CollectError" and isinstance(error.__cause__, (SyntaxError, ImportError)):
                # pytest wraps the text of what went wrong; the error itself has the frames.
                error = error if type(error.__cause__).__name__ == "ImportPathMismatchError" else error.__cause__
            exceptions = self._describe.exceptions(error)
            when = getattr(report, "when", "collect")
            if when == "collect":
                self._collect_details[report.nodeid] = exceptions
            else:
                self._record(report.nodeid).details.setdefault(when, []).append({"exceptions": exceptions})

    # Running. The three hooks that every test passes through guard themselves: that costs half of what `with` does.

    def _record(self, nodeid: str) -> Record:
        record = self._records.get(nodeid)
        if record is None:
            record = self._records[nodeid] = Record()
        return record

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Tell of a test before it runs, so that a crash has a name; the test before it goes along."""
        try:
            events = self._events
            number = self._index.get(nodeid)
            if number is None:
                self._tell_passed()
                events.add_object(["s", nodeid])
            elif self._passed:
                events.add('["n",%s,%d]' % (self._passed, number))
                self._passed = ""
            else:
                events.add('["s",%d]' % number)
            events.flush()
        except Exception as error:
            _complain(error)

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Take one phase into account."""
        try:
            self._record(report.nodeid).add(report)
        except Exception as error:
            _complain(error)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """Tell of a test's end."""
        try:
            record = self._records.pop(nodeid, None)
            if record is None or record.rerun:
                return
            outcome = record.final()
            self._own_counts[outcome] += 1
            number = self._index.get(nodeid)
            self._tell_passed()
            if outcome == "passed" and not record.sections and number is not None:
                self._passed = "%d,%.6f" % (number, record.duration)
            else:
                self._tell_reported(nodeid, number, outcome, record)
        except Exception as error:
            _complain(error)

    def _tell_passed(self) -> None:
        """A passed test usually goes along with the start of the next one; here it goes alone."""
        if self._passed:
            self._events.add('["r",%s]' % self._passed)
            self._passed = ""

    def _tell_reported(self, nodeid: str, number: Optional[int], outcome: str, record: Record) -> None:
        event: Dict[str, Any] = {"e": "reported", "id": nodeid if number is None else number}
        event.update(outcome=outcome, duration=round(record.duration, 6))
        if record.failed:
            failures, message, error_class = [], "", None
            for report in record.failed:
                waiting = record.details.get(report.when)
                exceptions = waiting.pop(0)["exceptions"] if waiting else []
                failures.append(self._failure(report, report.when, exceptions))
                if error_class is None:
                    message = self._message(report, exceptions)
                    error_class = self._describe.error_class(exceptions, message)
            event.update(failures=failures, message=message, error_class=error_class)
        elif record.skip:
            event["message"] = one_line(record.skip)
        if record.sections:
            event["sections"] = self._sections(record.sections)
        self._events.add_object(event)
        if record.failed:
            self._events.flush()

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """The last test has no next one to go along with."""
        with _guard:
            self._tell_passed()
            self._events.flush()

    def _failure(self, report: Any, phase: str, exceptions: List[Dict[str, Any]]) -> Dict[str, Any]:
        return {"phase": phase, "exceptions": exceptions, "text": cap(self._text(report), self._room)[0]}

    def _text(self, report: Any) -> str:
        if isinstance(report.longrepr, tuple):
            return skip_reason(report)
        text = getattr(report, "longreprtext", None)
        return text if isinstance(text, str) else str(report.longrepr)

    def _message(self, report: Any, exceptions: List[Dict[str, Any]]) -> str:
        crash = getattr(report.longrepr, "reprcrash", None)
        if crash is not None and getattr(crash, "message", None):
            return one_line(str(crash.message))
        if exceptions:
            return one_line("%s: %s" % (exceptions[-1]["type"], exceptions[-1]["message"]))
        lines = [line for line in self._text(report).splitlines() if line.strip()]
        wanted = [line for line in lines if line.startswith(("E ", "Expected", "UNEXPECTED EXCEPTION"))]
        if type(report.longrepr).__name__ == "ReprFailDoctest" and "Expected:" in lines:
            return one_line("; ".join(line.strip() for line in lines[lines.index("Expected:") : -1]))
        return one_line((wanted or lines or [""])[-1 if not wanted else 0].lstrip("E "))

    def _sections(self, sections: List[Any]) -> List[List[Any]]:
        found: List[List[Any]] = []
        for title, content in sections:
            text, dropped = cap(content, self._room)
            found.append([title, text, dropped])
        return found

    # The end

    def finish(self, code: int) -> None:
        """Tell of the end of the session, and of the numbers in pytest's last line."""
        counts = dict(self._own_counts, deselected=self._deselected)
        if self._reporter is not None and hasattr(self._reporter, "stats"):
            counts = summary_counts(self._reporter)
        reason = getattr(self._session, "shouldfail", None) or getattr(self._session, "shouldstop", None) or ""
        self._events.add_object({"e": "finished", "exit": code, "counts": counts, "stopped": str(reason or "")})
        self._events.flush()


def run_pytest(job: Dict[str, Any], events: Events, warned: Optional[Dict[str, List[str]]]) -> int:
    """Run pytest with the plugin and return its exit code."""
    plugin = QuarterdeckPlugin(job, events, warned)
    code = int(pytest.main(list(job["args"]), plugins=[plugin]))
    with _guard:
        plugin.finish(code)
        if job.get("record"):
            events.add_object({"e": "modules", "names": installed.recordable(job["cwd"])})
            events.flush()
    return code
