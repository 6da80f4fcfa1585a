"""Tells which files of the project the tests' own process writes, before it does."""

from __future__ import annotations

import os
import sys
from typing import Any, Set, Tuple

from .events import Events

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_EVENTS = frozenset(("open", "os.rename", "os.remove"))
_IGNORED = ("/__pycache__/", "/.pytest_cache/", "/pytest-cache-files-")


class _Writes:
    """The files told so far. Uses nothing that a test may have replaced: the originals are taken here."""

    def __init__(self, folder: str, events: Events) -> None:
        self._prefix = folder.rstrip(os.sep) + os.sep
        self._real = os.path.realpath(folder).rstrip(os.sep) + os.sep
        self._events = events
        self._told: Set[str] = set()
        self._fspath, self._fsdecode, self._getcwd, self._readlink = os.fspath, os.fsdecode, os.getcwd, os.readlink
        self._join, self._normpath = os.path.join, os.path.normpath

    def note(self, name: str, arguments: Tuple[Any, ...]) -> None:
        """Take one audit event of the kinds that matter into account."""
        try:
            if name == "open":
                path, mode, flags = arguments
                if mode[:1] != "r" or "+" in mode if isinstance(mode, str) else flags & _WRITING:
                    self._tell(path, -1)
            elif name == "os.remove":
                self._tell(*arguments)
            else:
                source, target, source_folder, target_folder = arguments
                self._tell(source, source_folder)
                self._tell(target, target_folder)
        except Exception:
            # What is wrong with its arguments the operation itself will say.
            return

    def _tell(self, given: Any, folder: int) -> None:
        if isinstance(given, int):
            return
        path = self._fsdecode(self._fspath(given))
        if not path.startswith("/"):
            path = self._join(self._readlink("/proc/self/fd/%d" % folder) if folder >= 0 else self._getcwd(), path)
        path = self._normpath(path)
        if path.startswith(self._real):
            path = self._prefix + path[len(self._real) :]
        if path in self._told or not path.startswith(self._prefix) or path.endswith(".pyc"):
            return
        if any(part in path + "/" for part in _IGNORED):
            return
        self._told.add(path)
        self._events.add_object({"e": "wrote", "path": path})
        self._events.flush()


def watch(folder: str, events: Events) -> None:
    """Send an event for each file below `folder` that is opened for writing, renamed or removed from now on.

    Once added, an audit hook stays: this is for the process of one run only.
    """
    wanted, note = _EVENTS, _Writes(folder, events).note

    # Called for everything that Python audits: a function costs a third less than a bound method.
    def hook(name: str, arguments: Tuple[Any, ...]) -> None:
        if name in wanted:
            note(name, arguments)

    sys.addaudithook(hook)
