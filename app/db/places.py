"""Who has a journal open for which database, so that nobody takes the writes that another program still waits with.

Each program holds a shared lock on a file beside the journal that is named by its database. The system lets go of the
lock when the program ends, however it ends. A file that nobody holds is deleted by whoever finds it so.
"""

from __future__ import annotations

import fcntl
import glob
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

MARK = ".open-"
TRIES = 100
PAUSE_S = 0.01
"""Until the next try: who looks whether a place is held has its lock for a moment."""


def hold(journal: Path, place: str) -> int | None:
    """Hold the lock of a place; the descriptor that has it. None where that cannot be: on a disk that takes no file."""
    path = journal.parent / f"{journal.name}{MARK}{place}"
    for _ in range(TRIES):
        try:
            descriptor = os.open(path, os.O_CREAT | os.O_RDONLY | os.O_CLOEXEC, 0o600)
        except (OSError, ValueError):
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            if _is(descriptor, path):
                return descriptor
        except BlockingIOError:
            time.sleep(PAUSE_S)
        except OSError:
            os.close(descriptor)
            return None
        os.close(descriptor)
    return None


def held(journal: Path, own: str) -> list[str]:
    """The places but the own one that somebody has open, in this process or in another."""
    return [place for place, path in _files(journal) if place != own and _is_held(path)]


def _files(journal: Path) -> Iterator[tuple[str, Path]]:
    begin = f"{journal.name}{MARK}"
    with suppress(OSError):
        for path in journal.parent.glob(f"{glob.escape(begin)}*"):
            yield path.name.removeprefix(begin), path


def _is_held(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if _is(descriptor, path):
            path.unlink()
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return False


def _is(descriptor: int, path: Path) -> bool:
    """The file is still there: somebody may have deleted it since it was opened, and another have made a new one."""
    try:
        return path.stat().st_ino == os.fstat(descriptor).st_ino
    except OSError:
        return False
