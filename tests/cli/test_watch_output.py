"""What `qd test watch` prints, and when its reader gets it."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout

import pytest

from app.commands.watch_output import WatchOutput
from app.events import StreamEvent, TestStream


@contextmanager
def stdout_read_here() -> Iterator[int]:
    """The end of a pipe from which standard output can be read, without waiting."""
    # Not a fixture: pytest's capturing puts its own standard output back when the test begins.
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    with os.fdopen(writer, "w", encoding="utf-8") as output, redirect_stdout(output):
        yield reader
    os.close(reader)


def _event(name: StreamEvent, **data: object) -> TestStream:
    return TestStream("shop", name, 1.0, data)


def _result(number: int) -> TestStream:
    return _event("result", nodeid=f"test_a.py::test_{number}", outcome="passed", duration_s=0.1)


def _read(reader: int) -> list[str]:
    try:
        return [json.loads(line)["event"] for line in os.read(reader, 65536).splitlines()]
    except BlockingIOError:
        return []


async def test_results_that_arrive_together_leave_together() -> None:
    output = WatchOutput(asyncio.Event(), as_json=True)
    with stdout_read_here() as reader:
        for number in range(3):
            output.tell(_result(number))
        assert _read(reader) == []
        await asyncio.sleep(0)
        assert _read(reader) == ["result"] * 3
        output.tell(_result(3))
        await asyncio.sleep(0)
        assert _read(reader) == ["result"]


async def test_any_other_event_leaves_at_once_behind_the_results_before_it() -> None:
    output = WatchOutput(asyncio.Event(), as_json=True)
    with stdout_read_here() as reader:
        output.tell(_result(0))
        output.tell(_event("affected_done", after_s=0.1, bad=0))
        assert _read(reader) == ["result", "affected_done"]
        output.tell(_event("finished", counts={}))
        assert _read(reader) == ["finished"]


async def test_a_reader_that_is_gone_is_noticed_when_results_leave() -> None:
    leave = asyncio.Event()
    output = WatchOutput(leave, as_json=True)
    reader, writer = os.pipe()
    stream = os.fdopen(writer, "w", encoding="utf-8")
    os.close(reader)
    with redirect_stdout(stream):
        output.tell(_result(0))
        assert not leave.is_set()
        await asyncio.sleep(0)
        assert leave.is_set()
        assert isinstance(output.error, BrokenPipeError)
        output.tell(_event("finished", counts={}))
    with pytest.raises(BrokenPipeError):
        stream.close()


def _text(*events: TestStream) -> list[str]:
    output = WatchOutput(asyncio.Event(), as_json=False)
    with stdout_read_here() as reader:
        for event in events:
            output.tell(event)
        return os.read(reader, 65536).decode().splitlines()


def test_a_folder_without_tests_is_told_once_and_with_what_is_missing() -> None:
    ended = {"duration_s": 0.25, "level": "cold"}
    ready = _event("ready", files=1, path="/shop", level="L1")
    empty = _event("finished", counts={"passed": 0}, exit=5, note="no tests ran", **ended)
    narrowed = _event("finished", counts={"passed": 0, "deselected": 3}, exit=5, note="no tests ran", **ended)
    first, second, third = _text(ready, empty, narrowed)
    assert first == "watching 1 file of /shop (L1)"
    assert second.startswith("finished: no tests ran in 0.2 s (cold); pytest found none here; ")
    assert second.count("no tests ran") == 1
    assert third == "finished: 3 deselected in 0.2 s (cold)  no tests ran"


def test_several_files_are_watched() -> None:
    assert _text(_event("ready", files=2, path="/shop", level="L1")) == ["watching 2 files of /shop (L1)"]
