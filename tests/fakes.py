"""A Tests service without processes, with the data of a small trading project. For tests and pictures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from app.events import Bus, ProjectChanged
from app.testing.model import (
    BAD_OUTCOMES,
    Counts,
    ExceptionInfo,
    Failure,
    FileState,
    Frame,
    HistoryPoint,
    Outcome,
    Progress,
    ProjectSnapshot,
    RunSummary,
    Section,
    SourceLine,
    TestDetail,
    TestState,
)

NOW = datetime(2026, 3, 10, 14, 2, 0, tzinfo=UTC).timestamp()
ROOT = "/home/mara/trading"


def stamp(seconds_ago: float) -> str:
    """A moment before the fixed now, as the engine writes it."""
    return (datetime.fromtimestamp(NOW, UTC) - timedelta(seconds=seconds_ago)).isoformat()


def state(nodeid: str, outcome: Outcome | None = "passed", seconds: float | None = 0.001, **more: Any) -> TestState:
    """One test; its file is what stands before the first `::`."""
    return TestState(
        nodeid, nodeid.partition("::")[0], line=more.pop("line", 10), outcome=outcome, duration_s=seconds, **more
    )


def files_of(tests: Mapping[str, TestState], errors: Mapping[str, str] | None = None) -> dict[str, FileState]:
    """The files of these tests, counted, and those that could not be collected."""
    grouped: dict[str, list[TestState]] = {}
    for test in tests.values():
        grouped.setdefault(test.file, []).append(test)
    for path in errors or {}:
        grouped.setdefault(path, [])
    return {
        path: FileState(
            path,
            total=len(states),
            bad=sum(test.outcome in BAD_OUTCOMES for test in states),
            skipped=sum(test.outcome == "skipped" for test in states),
            unknown=sum(test.outcome is None for test in states),
            running=any(test.running for test in states),
            error=(errors or {}).get(path, ""),
        )
        for path, states in grouped.items()
    }


def count(tests: Iterable[TestState], errors: int = 0) -> Counts:
    """Outcomes of these tests."""
    tally: dict[str, int] = {}
    for test in tests:
        if test.outcome is not None:
            tally[test.outcome] = tally.get(test.outcome, 0) + 1
    if errors:
        tally["error"] = tally.get("error", 0) + errors
    return Counts(**tally)


def run(number: int, seconds: float = 3.1, **more: Any) -> RunSummary:
    """A run that ended."""
    counts = more.pop("counts", Counts(passed=40))
    return RunSummary(
        run_id=f"run-{number}",
        project=more.pop("project", "trading"),
        trigger=more.pop("trigger", "save"),
        level=more.pop("level", "L1"),
        level_reason=more.pop("level_reason", ""),
        started_at=more.pop("started_at", stamp(45)),
        first_result_s=0.12,
        duration_s=seconds,
        exit=more.pop("exit", 1 if counts.bad else 0),
        counts=counts,
        **more,
    )


def progress(done: int = 24, total: int | None = 41, **more: Any) -> Progress:
    """A run under way."""
    return Progress(
        run_id=more.pop("run_id", "run-99"),
        trigger=more.pop("trigger", "save"),
        level=more.pop("level", "L1"),
        done=done,
        total=total,
        bad=more.pop("bad", 0),
        started_monotonic=more.pop("started_monotonic", 100.0),
        **more,
    )


def snapshot(tests: Iterable[TestState], errors: Mapping[str, str] | None = None, **more: Any) -> ProjectSnapshot:
    """A project with these tests."""
    by_id = {test.nodeid: test for test in tests}
    counts = count(by_id.values(), len(errors or {}))
    last = more.pop("last", run(30, counts=counts, affected_done_s=0.21, affected_bad=counts.bad))
    return ProjectSnapshot(
        name=more.pop("name", "trading"),
        path=more.pop("path", ROOT),
        state=more.pop("state", "idle"),
        level=more.pop("level", "L1"),
        watched_files=more.pop("watched_files", 214),
        saved_at=more.pop("saved_at", NOW - 47),
        tests=by_id,
        files=files_of(by_id, errors),
        counts=counts,
        last=last,
        recent=more.pop("recent", tuple(run(n, 2 + (n * 7 % 5) / 2, exit=int(n in (4, 9, 10))) for n in range(14))),
        **more,
    )


def trading_tests() -> list[TestState]:
    """41 tests in six files: two fail, one errors."""
    orders = "tests/test_orders.py"
    tests = [
        state(f"{orders}::test_fill_price[limit]", "failed", 0.012, line=48, message="KeyError: 'bid'"),
        state(f"{orders}::test_fill_price[stop]", "failed", 0.009, line=48, message="KeyError: 'bid'"),
        state(f"{orders}::test_cancel"),
        state(f"{orders}::test_cancel_twice_is_harmless", "passed", 0.002),
        state(f"{orders}::TestBook::test_best_bid", "passed", 0.004),
        state(f"{orders}::TestBook::test_crossed_book", "xfailed", 0.003, message="crossed books are not modelled yet"),
        state(f"{orders}::TestBook::test_empty_book", "skipped", 0.0, message="needs the exchange simulator"),
    ]
    tests += [state(f"tests/test_risk.py::test_limit[{n}]", "passed", 0.0007 * (n + 1)) for n in range(14)]
    tests += [
        state(
            "tests/test_settlement.py::test_after_holiday",
            "error",
            0.31,
            message="fixture 'calendar' failed: no calendar for XETR",
        ),
        state("tests/test_settlement.py::test_cutoff", "passed", 0.02),
    ]
    tests += [state(f"tests/feeds/test_replay.py::test_gap[{n} min]", "passed", 0.02 * n) for n in (1, 5, 15, 60)]
    tests += [state(f"tests/feeds/test_quotes.py::TestNormalize::test_field_{n}", "passed", 0.001) for n in "abcdefgh"]
    tests += [state(f"tests/test_slow.py::test_year_of_ticks[{n}]", "passed", 1.4 + n / 3) for n in range(6)]
    return tests


def trading(**more: Any) -> ProjectSnapshot:
    """The project with its failures."""
    return snapshot(trading_tests(), **more)


def green(**more: Any) -> ProjectSnapshot:
    """The project with everything passing."""
    tests = [
        replace(test, outcome="passed", message="")
        if test.outcome in ("failed", "error", "xfailed", "skipped")
        else test
        for test in trading_tests()
    ]
    return snapshot(tests, **{"last": run(31, 3.4, counts=Counts(passed=41), affected_done_s=0.19), **more})


def running(**more: Any) -> ProjectSnapshot:
    """The project in the middle of a run after a save."""
    tests = trading_tests()
    tests[:7] = [replace(test, run_id="run-99") for test in tests[:7]]
    tests[11] = replace(tests[11], running=True)
    tests[12:] = [replace(test, queued=True) for test in tests[12:]]
    more.setdefault(
        "progress",
        progress(18, 41, bad=2, expected_s=2.2, affected_done_s=0.21, affected_bad=2, files=("trading/orders.py",)),
    )
    return snapshot(tests, state="running", saved_at=NOW - 1, **more)


def many(number: int, per_file: int = 50, bad: int = 3) -> ProjectSnapshot:
    """A project with as many tests as asked for; the last few fail."""
    tests = [
        state(f"tests/part_{n // per_file // 10}/test_{n // per_file:04}.py::test_case_{n}[value-{n}]", "passed", 0.001)
        for n in range(number)
    ]
    for n in range(number - bad, number):
        tests[n] = replace(tests[n], outcome="failed", message="assert 1 == 2")
    return snapshot(tests)


def source(first: int, *lines: str) -> tuple[SourceLine, ...]:
    """Lines of a file, numbered."""
    return tuple(SourceLine(first + n, line) for n, line in enumerate(lines))


def frames() -> tuple[Frame, ...]:
    """From the test through a library into the project."""
    return (
        Frame(
            "tests/test_orders.py",
            48,
            "test_fill_price",
            source(
                44,
                '@pytest.mark.parametrize("kind", ["limit", "stop"])',
                "def test_fill_price(kind: str) -> None:",
                '    """A fill takes the better side of the quote."""',
                "    quote = replay(QUOTE, speed=0)",
                "    assert fill(quote, kind) == 10.5",
            ),
            (("kind", "'limit'"), ("quote", "{'ask': 10.5, 'symbol': 'AAPL', 'ts': 1773151200}")),
        ),
        Frame("/usr/lib/python3.11/contextlib.py", 81, "inner", source(81, "return func(*args, **kwds)"), own=False),
        Frame(
            f"{ROOT}/.venv/lib/python3.11/site-packages/tenacity/__init__.py",
            338,
            "wrapped_f",
            source(337, "    def wrapped_f(*args, **kw):", "        return copy(f, *args, **kw)"),
            own=False,
        ),
        Frame(
            "trading/orders.py",
            112,
            "fill",
            source(
                108,
                "def fill(quote: Quote, kind: str) -> float:",
                "    # A stop order fills at the bid, a limit order at the better of both.",
                '    if kind == "market":',
                '        return quote["ask"]',
                '    return quote["bid"] * (1 - SLIPPAGE[kind])',
            ),
            (
                ("kind", "'limit'"),
                ("quote", "{'ask': 10.5, 'symbol': 'AAPL', 'ts': 1773151200}"),
                ("SLIPPAGE", "{'limit': 0.0, 'stop': 0.001}"),
            ),
        ),
    )


def history() -> tuple[HistoryPoint, ...]:
    """Seven passes, then three failures."""
    return tuple(
        HistoryPoint(f"run-{n}", stamp(4000 - n * 380), "passed" if n < 7 else "failed", 0.011 + n % 3 / 1000)
        for n in range(10)
    )


def key_error(test: TestState) -> TestDetail:
    """A plain failure with output, log and history."""
    return TestDetail(
        test,
        failures=(Failure("call", (ExceptionInfo("KeyError", "'bid'", frames()),), text="E   KeyError: 'bid'"),),
        sections=(
            Section("Captured stdout call", "replaying 1 quote of AAPL\nquote: \x1b[32mok\x1b[0m\n"),
            Section("Captured log call", "WARNING  trading.feed:feed.py:31 no bid in quote 1773151200\n"),
        ),
        history=history(),
        first_failed_at=stamp(60),
        first_failed_after=("trading/orders.py",),
    )


def chained(test: TestState) -> TestDetail:
    """An error in a fixture, caused by another one."""
    cause = ExceptionInfo(
        "FileNotFoundError", "[Errno 2] No such file or directory: 'calendars/XETR.json'", frames()[3:], "cause"
    )
    last = ExceptionInfo(
        "CalendarError",
        "no calendar for XETR\nassert {'open': '09:00', 'close': '17:30'} == {'open': '09:00', 'close': '20:00'}\n"
        "  Differing items:\n  - {'close': '20:00'}\n  + {'close': '17:30'}\n  ?            ^^^",
        frames()[:1],
    )
    return TestDetail(test, failures=(Failure("setup", (cause, last)),), history=history()[:4])


@dataclass
class FakeTesting:
    """Answers from what it was given, and remembers what it was asked to do."""

    bus: Bus = field(default_factory=Bus)
    snapshots: dict[str, ProjectSnapshot] = field(default_factory=dict)
    details: dict[str, TestDetail] = field(default_factory=dict)
    histories: dict[str, tuple[HistoryPoint, ...]] = field(default_factory=dict)
    calls: list[tuple[Any, ...]] = field(default_factory=list)
    output: Path | None = None

    @classmethod
    def of(cls, *snapshots: ProjectSnapshot) -> FakeTesting:
        """A service for these projects, with the details of the trading project's failures."""
        fake = cls(snapshots={snapshot.name: snapshot for snapshot in snapshots})
        for test in trading_tests():
            if test.outcome == "failed":
                fake.details[test.nodeid] = key_error(test)
            elif test.outcome == "error":
                fake.details[test.nodeid] = chained(test)
        return fake

    def publish(self, snapshot: ProjectSnapshot, changed: Iterable[str] | None = None) -> None:
        """Put a new snapshot in force and tell."""
        self.snapshots[snapshot.name] = snapshot
        self.bus.publish(ProjectChanged(snapshot, None if changed is None else frozenset(changed)))

    def change(self, name: str, *tests: TestState, **more: Any) -> None:
        """Publish the same project with some tests in another state."""
        before = self.snapshots[name]
        by_id = {**before.tests, **{test.nodeid: test for test in tests}}
        after = replace(before, tests=by_id, files=files_of(by_id), counts=count(by_id.values()), **more)
        self.publish(after, [test.nodeid for test in tests])

    def runtime(self) -> Any:
        """What a pane is attached to."""
        return SimpleNamespace(
            bus=self.bus, testing=self, settings=SimpleNamespace(ui=SimpleNamespace(editor="", theme="quarterdeck"))
        )

    def projects(self) -> tuple[ProjectSnapshot, ...]:
        return tuple(self.snapshots.values())

    def snapshot(self, name: str) -> ProjectSnapshot:
        return self.snapshots[name]

    def detail(self, name: str, nodeid: str) -> TestDetail | None:
        detail = self.details.get(nodeid)
        known = self.snapshots[name].tests.get(nodeid)
        return replace(detail, state=known) if detail is not None and known is not None else detail

    async def history(self, name: str, nodeid: str, limit: int = 20) -> tuple[HistoryPoint, ...]:
        return self.histories.get(nodeid, ())

    def output_path(self, name: str) -> Path | None:
        return self.output

    def run_all(self, name: str) -> None:
        self.calls.append(("run_all", name))

    def run_failed(self, name: str | None = None) -> None:
        self.calls.append(("run_failed", name))

    def run_tests(self, name: str, nodeids: Iterable[str]) -> None:
        self.calls.append(("run_tests", name, *nodeids))

    def run_last(self, name: str) -> None:
        self.calls.append(("run_last", name))

    def stop(self, name: str) -> None:
        self.calls.append(("stop", name))

    def set_watching(self, name: str, on: bool) -> None:
        self.calls.append(("set_watching", name, on))
