"""JSON lines of the agent → the typed events of a run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from app.testing.model import OUTCOMES, Counts, ExceptionInfo, Failure, Frame, Section, SourceLine
from app.testing.run import (
    Collected,
    CollectedTest,
    CollectionFailed,
    FileWritten,
    RunEvent,
    TestReported,
    TestStarted,
)


class Decoder:
    """Turns the lines of one run into events, and remembers what a run that dies can no longer tell."""

    def __init__(self) -> None:
        self.configured = False
        self.declined: tuple[str, tuple[str, ...]] | None = None
        """Why the warm child hands the run back, and which packages to leave out of the next server."""
        self.never_began = False
        """The warm server was gone before the child could say a word."""
        self.exit: int | None = None
        """pytest's exit code, once the session has ended."""
        self.counts: Counts | None = None
        self.stopped = ""
        """Why pytest ended the session early, in its own words."""
        self.modules: tuple[str, ...] | None = None
        self.current = ""
        """The test in progress."""
        self.broken: list[str] = []
        """One line for each file that could not be collected."""
        self._tally = dict.fromkeys(OUTCOMES, 0)
        self._deselected = 0
        self._tests: list[CollectedTest] = []
        self._rest = ""

    def lines(self, data: bytes) -> list[str]:
        """Split what was read into whole lines; the rest waits for the next part."""
        *whole, self._rest = (self._rest + data.decode("ascii")).split("\n")
        return whole

    def counted(self, *, died: bool) -> Counts:
        """What is known of the counts; a test that died with the run is an error."""
        if self.counts is not None:
            return self.counts
        tally = dict(self._tally)
        tally["error"] += len(self.broken) + (1 if died else 0)
        return Counts(**tally, deselected=self._deselected)

    def decode(self, line: str) -> Iterator[RunEvent]:
        """The events of one line."""
        value = json.loads(line)
        if isinstance(value, list):
            yield from self._short(*value)
            return
        kind = value["e"]
        if kind == "reported":
            yield self._reported(value)
        elif kind == "found":
            self._tests += [CollectedTest(nodeid, file, number) for nodeid, file, number in value["tests"]]
        elif kind == "collected":
            self._deselected = value["deselected"]
            yield Collected(tuple(self._tests), self._deselected, value["indivisible"])
        elif kind == "wrote":
            yield FileWritten(value["path"])
        elif kind == "broken":
            self.broken.append(f"{value['id']}: {value['message']}")
            sections = _sections(value.get("sections", ()))
            yield CollectionFailed(value["id"], value["message"], _failure(value["failure"]), sections)
        elif kind == "configured":
            self.configured = True
        elif kind == "declined":
            self.declined = (value["why"], tuple(value["avoid"]))
        elif kind == "modules":
            self.modules = tuple(value["names"])
        elif kind == "finished":
            self.exit = value["exit"]
            self.stopped = value["stopped"]
            self.current = ""
            self.counts = Counts(**value["counts"])

    def _nodeid(self, name: int | str) -> str:
        return self._tests[name].nodeid if isinstance(name, int) else name

    def _short(self, kind: str, test: int | str, *more: Any) -> Iterator[RunEvent]:
        """A test starts (s), or has passed in so many seconds (r), or it has and the next one starts (n)."""
        if kind != "s":
            yield self._end(TestReported(self._nodeid(test), "passed", more[0]))
            if kind == "r":
                return
            test = more[1]
        self.current = self._nodeid(test)
        yield TestStarted(self.current)

    def _end(self, event: TestReported) -> TestReported:
        self._tally[event.outcome] += 1
        if event.nodeid == self.current:
            self.current = ""
        return event

    def _reported(self, value: dict[str, Any]) -> TestReported:
        return self._end(
            TestReported(
                nodeid=self._nodeid(value["id"]),
                outcome=value["outcome"],
                duration_s=value["duration"],
                message=value.get("message", ""),
                error_class=value.get("error_class"),
                failures=tuple(_failure(item) for item in value.get("failures", ())),
                sections=_sections(value.get("sections", ())),
            )
        )


def _sections(values: Any) -> tuple[Section, ...]:
    return tuple(Section(title, text, dropped) for title, text, dropped in values)


def _failure(value: dict[str, Any]) -> Failure:
    return Failure(value["phase"], tuple(_exception(item) for item in value["exceptions"]), value["text"])


def _exception(value: dict[str, Any]) -> ExceptionInfo:
    frames = tuple(_frame(item) for item in value["frames"])
    return ExceptionInfo(value["type"], value["message"], frames, value["relation"])


def _frame(value: dict[str, Any]) -> Frame:
    return Frame(
        path=value["path"],
        line=value["line"],
        function=value["function"],
        source=tuple(SourceLine(number, text) for number, text in value["source"]),
        locals=tuple((name, text) for name, text in value["locals"]),
        own=value["own"],
    )
