"""The three that answer a save: pytest started at once, pytest-watcher, and Quarterdeck."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tests.bench.projects import Copy
from tests.e2e import processes
from tests.e2e.program import clean_environment, qd
from tests.e2e.stream import Watch

LIMIT_S = 240.0
QUIET_S = 0.4
PLUGIN = Path(__file__).parent / "programs" / "plugin"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one save, in seconds after it began to be written."""

    first_s: float
    last_s: float
    cpu_s: float
    """Of the whole process tree, until it is quiet again."""
    results: int


class Watcher(Protocol):
    """Somebody who answers saves."""

    def answer(self) -> Answer:
        """Save a module of its project and wait for the end of what follows."""


class Clock:
    """The times that the plugin writes in a pytest of the peers."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.touch()

    def environment(self, copy: Copy) -> dict[str, str]:
        """What makes pytest load the plugin and write here."""
        path = os.pathsep.join(filter(None, (str(PLUGIN), copy.env.get("PYTHONPATH", ""))))
        return {**copy.env, "PYTHONPATH": path, "PYTEST_ADDOPTS": "-p bench_clock", "BENCH_CLOCK": str(self._path)}

    def times(self, after: float) -> list[float]:
        """Results later than `after`."""
        lines = self._path.read_text("ascii").splitlines()
        return [at for at in map(float, lines) if at > after]


class Cold:
    """`python -m pytest`, started in the moment of the save: as if the watcher itself took no time."""

    def __init__(self, copy: Copy, home: Path) -> None:
        self._copy = copy
        self._clock = Clock(home / "cold-clock.txt")
        self._env = clean_environment(home, self._clock.environment(copy))

    def answer(self) -> Answer:
        at = self._copy.save()
        cpu = run_pytest(self._copy.python, self._copy.path, self._env)
        return answer_of(at, self._clock.times(at), cpu)


class PytestWatcher:
    """pytest-watcher with its defaults, in a process of its own."""

    def __init__(self, copy: Copy, home: Path, process: subprocess.Popen[bytes], clock: Clock) -> None:
        self._copy, self._home, self._process, self._clock = copy, home, process, clock

    @classmethod
    @contextmanager
    def running(cls, copy: Copy, home: Path) -> Iterator[PytestWatcher]:
        """Start it and end it."""
        clock = Clock(home / "peer-clock.txt")
        env = clean_environment(home, clock.environment(copy))
        env["PATH"] = f"{copy.python.parent}{os.pathsep}{env['PATH']}"
        with (home / "peer-output.txt").open("wb") as output:
            process = subprocess.Popen(
                [str(copy.python), "-m", "pytest_watcher", "."],
                cwd=copy.path,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            processes.quiet(process.pid, quiet_s=1.0, limit_s=10.0, busy=0.05)
            yield cls(copy, home, process, clock)
        finally:
            family = processes.tree(process.pid)
            process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(5.0)
            processes.kill(family)
            process.wait()

    def answer(self) -> Answer:
        before = processes.usage(self._process.pid, memory=False).cpu_s
        at = self._copy.save()
        end = time.monotonic() + LIMIT_S
        started = False
        while time.monotonic() < end:
            running = len(processes.tree(self._process.pid)) > 1
            if started and not running:
                break
            started = started or running
            if self._process.poll() is not None:
                raise RuntimeError("pytest-watcher has ended")
            time.sleep(processes.POLL_S)
        else:
            raise TimeoutError("pytest-watcher did not answer a save")
        after = processes.quiet(self._process.pid, quiet_s=QUIET_S, limit_s=5.0).cpu_s
        return answer_of(at, self._clock.times(at), after - before)


class Ours:
    """`qd test watch --json`."""

    def __init__(self, copy: Copy, watch: Watch) -> None:
        self._copy, self._watch = copy, watch
        self.levels: set[str] = set()
        """The levels that the answers came from."""

    @classmethod
    @contextmanager
    def running(cls, copy: Copy, home: Path) -> Iterator[Ours]:
        """Start it, let it run everything once and grow warm, and end it."""
        command = qd("test", "watch", "--path", copy.path, "--python", copy.python, "--json")
        with Watch(command, home=home / "quarterdeck", env=copy.env) as watch:
            watch.wait_for("ready", timeout=LIMIT_S)
            processes.quiet(watch.pid, quiet_s=1.0, limit_s=30.0)
            yield cls(copy, watch)

    def answer(self) -> Answer:
        before = processes.usage(self._watch.pid, memory=False).cpu_s
        at = self._copy.save()
        end = float(self._watch.wait_for("finished", after=at, timeout=LIMIT_S)["t"])
        after = processes.quiet(self._watch.pid, quiet_s=QUIET_S, limit_s=20.0).cpu_s
        times = [float(event["t"]) for event in self._watch.between("result", at, end)]
        self.levels |= {str(event["level"]) for event in self._watch.between("started", at, end)}
        return answer_of(at, times, after - before)


def answer_of(at: float, times: list[float], cpu_s: float) -> Answer:
    """Times on the clock as times after the save."""
    if not times:
        raise RuntimeError("no test gave a result")
    return Answer(first_s=min(times) - at, last_s=max(times) - at, cpu_s=cpu_s, results=len(times))


def run_pytest(python: Path, path: Path, env: dict[str, str], *arguments: str) -> float:
    """Run pytest to its end; the CPU seconds of its process and of its children."""
    with Path(os.devnull).open("r+b") as nowhere:
        process = subprocess.Popen(
            [str(python), "-m", "pytest", *arguments],
            cwd=path,
            env=env,
            stdin=nowhere,
            stdout=nowhere,
            stderr=nowhere,
            start_new_session=True,
        )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):
        raise RuntimeError(f"pytest ended with {process.returncode} in {path.name}")
    return used.ru_utime + used.ru_stime
