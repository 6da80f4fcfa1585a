"""Real runs of real pytest projects, cold and warm."""

from __future__ import annotations

import asyncio
import os
import sys
import textwrap
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from app.testing.model import ProjectSpec
from app.testing.run import (
    Collected,
    CollectionFailed,
    RunEvent,
    RunFinished,
    RunLimits,
    RunRequest,
    RunStarted,
    TestReported,
    TestStarted,
)
from app.testing.runner import Runner
from tests.waiting import until

Event = TypeVar("Event")
LEVELS = ("cold", "L1")
BARE = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
"""Our own environment's plugins take seconds to load and have no part in most tests."""


def write(root: Path, files: dict[str, str]) -> Path:
    """Write files by their relative paths, dedented."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
    return root


class Ran:
    """The events of one run."""

    def __init__(self, events: Iterable[RunEvent]) -> None:
        self.events = tuple(events)

    def only(self, kind: type[Event]) -> tuple[Event, ...]:
        """The events of one kind."""
        return tuple(event for event in self.events if isinstance(event, kind))

    @property
    def finished(self) -> RunFinished:
        """The end, which is last and single."""
        (last,) = self.only(RunFinished)
        assert self.events[-1] is last
        return last

    @property
    def level(self) -> str:
        """How the run was done."""
        (started,) = self.only(RunStarted)
        return started.level

    @property
    def reason(self) -> str:
        """Why it was done cold."""
        (started,) = self.only(RunStarted)
        return started.level_reason

    @property
    def outcomes(self) -> dict[str, str]:
        """By node id, the last one winning."""
        return {event.nodeid: event.outcome for event in self.only(TestReported)}

    @property
    def collected(self) -> list[str]:
        """Node ids in the order of the run."""
        return [test.nodeid for event in self.only(Collected) for test in event.tests]

    @property
    def started(self) -> list[str]:
        """Node ids in the order of their starts."""
        return [event.nodeid for event in self.only(TestStarted)]

    @property
    def broken(self) -> dict[str, CollectionFailed]:
        """Files that could not be collected."""
        return {event.nodeid: event for event in self.only(CollectionFailed)}

    def report(self, end_of_nodeid: str) -> TestReported:
        """The one report of a test, named by the end of its node id."""
        (found,) = [event for event in self.only(TestReported) if event.nodeid.endswith(end_of_nodeid)]
        return found

    def output(self) -> str:
        """What the run printed outside pytest's capture."""
        return Path(self.finished.output_path).read_text("utf-8", "replace") if self.finished.output_path else ""


async def run(runner: Runner, *args: str, run_id: str = "run", **request: Any) -> Ran:
    """Run to the end. What is neither narrowed by arguments nor by a choice is a whole run."""
    request.setdefault("whole", not args and request.get("select") is None and not request.get("skip"))
    return Ran([event async for event in runner.run(RunRequest(run_id, "cli", args=args, **request))])


@asynccontextmanager
async def runner_for(
    project: Path, level: str = "cold", *, limits: RunLimits | None = None, **spec: Any
) -> AsyncIterator[Runner]:
    """A started runner at a level, warm if that is L1; afterwards nothing that it started is left."""
    fields = {"python": sys.executable, "env": BARE, **spec}
    runner = Runner(
        ProjectSpec("sample", project, **fields),
        cache_dir=project.parent / "cache",
        limits=limits or RunLimits(timeout_s=60),
        warm=level == "L1",
    )
    try:
        await runner.start()
        await runner.warmed()
        assert runner.level == level, runner.level_reason
        pid = runner.supervisor_pid
        yield runner
    finally:
        await runner.close()
    assert not alive(pid)


async def run_once(project: Path, level: str, *args: str, **spec: Any) -> Ran:
    """One run in a runner of its own, which really was at that level."""
    async with runner_for(project, level, **spec) as runner:
        ran = await run(runner, *args)
    assert ran.level == level, ran.reason
    return ran


def alive(pid: int) -> bool:
    """Whether a process exists and is not just waiting to be reaped."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


async def until_gone(pids: Iterable[int]) -> None:
    """Wait for the end of processes."""
    waiting = list(pids)
    await until(lambda: not any(alive(pid) for pid in waiting), within=15, what=f"end of {waiting}")


async def until_file(path: Path) -> str:
    """Wait for a file with content."""
    return await until(lambda: path.read_text() if path.exists() else "", within=30, what=str(path))


async def plain(project: Path, *args: str, env: dict[str, str] | None = None) -> tuple[dict[str, str], str]:
    """What pytest itself says, without anything of ours: outcomes by node id, and its last line."""
    reporter = project.parent / "reporter"
    write(reporter, {"plain_reporter.py": _REPORTER})
    result = project.parent / "plain.txt"
    result.unlink(missing_ok=True)
    clean = {key: value for key, value in os.environ.items() if key not in ("PYTEST_CURRENT_TEST", "PYTEST_VERSION")}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "pytest", "-p", "plain_reporter", *args),
        cwd=project,
        env={**clean, "PYTHONPATH": str(reporter), "PLAIN_RESULT": str(result), **(env or {})},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    pairs = [line.rpartition(" ") for line in result.read_text("utf-8").splitlines()] if result.exists() else []
    outcomes: dict[str, str] = {}
    for name, _, outcome in pairs:
        nodeid = name.encode().decode("unicode_escape")
        if not (outcome == "error" and outcomes.get(nodeid) == "failed"):
            outcomes[nodeid] = outcome
    return outcomes, output.decode("utf-8", "replace").strip().splitlines()[-1]


_REPORTER = """
    import os

    def pytest_runtest_logreport(report):
        category = None
        if report.when == "call" or report.outcome != "passed":
            category = {"passed": "passed", "failed": "failed", "skipped": "skipped"}[report.outcome]
            if report.when != "call" and report.outcome == "failed":
                category = "error"
            if hasattr(report, "wasxfail"):
                category = {"passed": "xpassed", "skipped": "xfailed"}[report.outcome]
        if category:
            with open(os.environ["PLAIN_RESULT"], "a") as file:
                file.write(ascii(report.nodeid)[1:-1] + " " + category + "\\n")
"""
