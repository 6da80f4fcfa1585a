"""What the processes of a program cost and which of them are left, read from /proc."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
TICK_S = 1 / os.sysconf("SC_CLK_TCK")
PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 2**20
"""Megabytes are those of `ps` and `top`: 2**20 bytes."""
POLL_S = 0.02


@dataclass(frozen=True, slots=True)
class Process:
    """One process at one moment. A pid may be given out again; a pid with its start may not."""

    pid: int
    start: int
    parent: int
    name: str
    state: str
    cpu_s: float
    reaped_cpu_s: float
    """CPU time of its children that have ended and been waited for, and of theirs."""
    rss_mb: float

    @property
    def alive(self) -> bool:
        """Whether this very process still runs; one that only waits to be reaped does not."""
        now = read(self.pid)
        return now is not None and now.start == self.start and now.state not in "ZX"


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process and everything below it have used so far."""

    cpu_s: float
    rss_mb: float
    pss_mb: float
    """Memory with what several processes share counted once."""
    processes: tuple[Process, ...]


def read(pid: int) -> Process | None:
    """The process with this pid; None when there is none."""
    try:
        text = (PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return parse(text)


def parse(stat: str) -> Process:
    """A process from the text of its `stat` file; its name may hold blanks and brackets."""
    head, _, tail = stat.rpartition(")")
    pid, _, name = head.partition(" (")
    fields = tail.split()
    ticks = [int(value) for value in fields[11:15]]
    return Process(
        pid=int(pid),
        start=int(fields[19]),
        parent=int(fields[1]),
        name=name,
        state=fields[0],
        cpu_s=(ticks[0] + ticks[1]) * TICK_S,
        reaped_cpu_s=(ticks[2] + ticks[3]) * TICK_S,
        rss_mb=int(fields[21]) * PAGE_MB,
    )


def tree(pid: int) -> tuple[Process, ...]:
    """A process and all its descendants."""
    everything = [process for entry in PROC.iterdir() if entry.name.isdigit() and (process := read(int(entry.name)))]
    children: dict[int, list[Process]] = {}
    for process in everything:
        children.setdefault(process.parent, []).append(process)
    found = [process for process in everything if process.pid == pid]
    for process in found:
        found += children.get(process.pid, ())
    return tuple(found)


def line(pid: int) -> tuple[Process, ...]:
    """A process and its ancestors, itself first."""
    found: list[Process] = []
    while (process := read(pid)) is not None:
        found.append(process)
        pid = process.parent
    return tuple(found)


def marked(name: str, value: str) -> tuple[Process, ...]:
    """Every running process that was started with this environment variable, whoever its parent is by now.

    Never the one that asks nor those above it, which may carry the mark too: they are not the program's.
    """
    wanted = f"{name}={value}".encode()
    own = {process.pid for process in line(os.getpid())}
    found = []
    for entry in PROC.iterdir():
        if not entry.name.isdigit() or int(entry.name) in own:
            continue
        try:
            variables = (entry / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if wanted in variables and (process := read(int(entry.name))) and process.state not in "ZX":
            found.append(process)
    return tuple(found)


def family(pid: int, name: str, value: str) -> tuple[Process, ...]:
    """Every process that came of a program: those below it, and those `marked`."""
    return tuple({process.pid: process for process in (*tree(pid), *marked(name, value))}.values())


def pss_mb(pid: int) -> float:
    """Proportional memory of one process; 0 when it has gone or the kernel does not tell."""
    with contextlib.suppress(OSError):
        for line in (PROC / str(pid) / "smaps_rollup").read_text(encoding="ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    return 0.0


def usage(pid: int, *, memory: bool = True) -> Usage:
    """What the tree below `pid` has used; without `memory` the slow look at shared pages is left out."""
    processes = tree(pid)
    return Usage(
        cpu_s=sum(process.cpu_s + process.reaped_cpu_s for process in processes),
        rss_mb=sum(process.rss_mb for process in processes),
        pss_mb=sum(pss_mb(process.pid) for process in processes) if memory else 0.0,
        processes=processes,
    )


def quiet(pid: int, *, quiet_s: float, limit_s: float, busy: float = 0.1) -> Usage:
    """Wait until the tree has used less than `busy` of one core for `quiet_s`; its usage then."""
    end = time.monotonic() + limit_s
    since, mark = time.monotonic(), usage(pid, memory=False)
    while (now := time.monotonic()) < end:
        if now - since >= quiet_s:
            latest = usage(pid, memory=False)
            if latest.cpu_s - mark.cpu_s <= busy * (now - since):
                return latest
            since, mark = now, latest
        _pause()
    return usage(pid, memory=False)


def gone(processes: Iterable[Process], timeout: float = 10.0) -> tuple[Process, ...]:
    """Wait until none of them runs; those that still do when the time is up."""
    end = time.monotonic() + timeout
    left = tuple(process for process in processes if process.alive)
    while left and time.monotonic() < end:
        _pause()
        left = tuple(process for process in left if process.alive)
    return left


def until(look: Callable[[], tuple[Process, ...]], count: int, timeout: float) -> tuple[Process, ...]:
    """Wait until `look` finds so many processes."""
    end = time.monotonic() + timeout
    while len(found := look()) < count:
        if time.monotonic() > end:
            raise TimeoutError(f"{len(found)} of {count} processes after {timeout:g} s")
        _pause()
    return found


def kill(processes: Iterable[Process]) -> None:
    """End those that still run, at once."""
    for process in processes:
        if process.alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)


def _pause() -> None:
    time.sleep(POLL_S)
