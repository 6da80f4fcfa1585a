"""Find and end every process that a run has left behind, and tie a process's life to its parent's."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from typing import Any, Collection, Dict, List, Set

LINUX = sys.platform.startswith("linux")
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def _load_libc() -> Any:
    try:
        return ctypes.CDLL(None, use_errno=True)
    except OSError:
        return None


_libc = _load_libc() if LINUX else None


def _prctl(option: int, value: int) -> bool:
    return _libc is not None and hasattr(_libc, "prctl") and _libc.prctl(option, value, 0, 0, 0) == 0


def become_subreaper() -> bool:
    """Make orphans among our descendants our own children, so that none escapes by daemonising. Linux only."""
    return _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent() -> None:
    """Ask the kernel to kill this process when its parent ends. Linux only; inherited by exec, not by fork."""
    _prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))


def _table() -> Dict[int, List[int]]:
    table: Dict[int, List[int]] = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open("/proc/" + name + "/stat", "rb") as file:
                parent = int(file.read().rsplit(b")", 1)[1].split()[1])
        except (OSError, IndexError, ValueError):
            continue
        table.setdefault(parent, []).append(int(name))
    return table


def _children(pid: int) -> List[int]:
    found: List[int] = []
    base = "/proc/%d/task" % pid
    try:
        tasks = os.listdir(base)
    except OSError:
        return found
    for task in tasks:
        try:
            with open("%s/%s/children" % (base, task), "rb") as file:
                found += [int(number) for number in file.read().split()]
        except OSError:
            continue
    return found


_HAS_CHILDREN = os.path.exists("/proc/self/task/%d/children" % os.getpid())


def descendants(root: int, skip: Collection[int] = ()) -> List[int]:
    """Every living descendant of `root`, except those to skip and what is below them. Empty without /proc."""
    if not os.path.isdir("/proc/self"):
        return []
    table = None if _HAS_CHILDREN else _table()
    seen: Set[int] = set()
    waiting = [root]
    while waiting:
        pid = waiting.pop()
        for child in _children(pid) if table is None else table.get(pid, []):
            if child not in skip and child not in seen:
                seen.add(child)
                waiting.append(child)
    return sorted(seen)


def kill(pid: int, number: int = signal.SIGKILL) -> None:
    """Signal one process that may be gone already."""
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        return


def kill_group(pid: int) -> None:
    """Kill the process group led by `pid`, which may be gone already."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def tasks() -> int:
    """Threads of this process as the kernel counts them, those of native libraries included. 1 where unknown."""
    try:
        return len(os.listdir("/proc/self/task"))
    except OSError:
        return 1


def enter_session(output_fd: int) -> None:
    """Become the leader of a session of one's own, with nothing to read and all output going to `output_fd`."""
    os.setsid()
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(output_fd, 1)
    os.dup2(output_fd, 2)
    for fd in (null, output_fd):
        if fd > 2:
            os.close(fd)


def limit(memory_mb: int) -> None:
    """Bound this process: its address space if asked for, and no core files, since a run follows every save."""
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))
    if memory_mb:
        size = memory_mb << 20
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        if hard == resource.RLIM_INFINITY or size < hard:
            resource.setrlimit(resource.RLIMIT_AS, (size, hard))


def default_signals() -> None:
    """Give back the signals that Python or the supervisor has changed, before exec."""
    for name in ("SIGPIPE", "SIGXFSZ", "SIGCHLD", "SIGTERM"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_DFL)
