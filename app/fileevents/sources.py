"""Where file events come from."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

from app.fileevents.events import Events

_CONTENT = 2
"""The library's number for changed content, which folders do not have."""
LIBRARY_STEP_MS = 10
"""How often the library looks at its queue: half of what it costs at idle with 5 ms, for 5 ms more on a save."""


class Source(Protocol):
    """Follows folders. `take` and the two before it are called on one thread, the watcher's."""

    def enter(self, folder: str) -> None:
        """Follow this folder. Raises OSError when that is impossible."""

    def leave(self, folder: str) -> None:
        """Follow this folder no more."""

    def take(self) -> Events:
        """What has happened since the last call."""

    def close(self) -> None:
        """Give the system's resources back."""


def open_source(root: str, wake: Callable[[], None], wanted: Callable[[str], bool]) -> Source:
    """The best source of this system. `wake` is called on the event loop when there is something to take.

    Files of a name that is not `wanted` are no reason to wake anybody: a log may be written a thousand times a second.
    """
    if sys.platform == "linux":
        from app.fileevents.inotify import InotifySource

        try:
            return InotifySource(root, wake, wanted)
        except (AttributeError, NotImplementedError):
            # A C library without these calls, or an event loop that cannot wait on a file.
            return LibrarySource(root, wake, wanted)
    return LibrarySource(root, wake, wanted)


class LibrarySource:
    """watchfiles, where the system's own events cover a whole tree in one go (macOS, Windows)."""

    def __init__(self, root: str, wake: Callable[[], None], wanted: Callable[[str], bool]) -> None:
        from watchfiles._rust_notify import RustNotify

        self._root = root
        # Events carry the real path even where the tree was reached through a link.
        self._prefixes = tuple(dict.fromkeys(os.path.join(path, "") for path in (root, os.path.realpath(root))))
        self._wake = wake
        self._wanted = wanted
        self._loop = asyncio.get_running_loop()
        self._arrived: deque[tuple[float, set[tuple[int, str]]]] = deque()
        self._failed = False
        self._stop = threading.Event()
        self._notify = RustNotify([root], False, False, 300, True, True)
        self._thread = threading.Thread(target=self._follow, name="file-events", daemon=True)
        self._thread.start()

    def enter(self, folder: str) -> None:
        """The whole tree is followed already."""

    def leave(self, folder: str) -> None:
        """Events of folders that do not matter are dropped later."""

    def take(self) -> Events:
        """What has happened since the last call."""
        events = Events(lost=self._failed)
        while self._arrived:
            at, changes = self._arrived.popleft()
            if not events.at:
                events.at = at
            for kind, path in changes:
                if kind == _CONTENT and not self._wanted(os.path.basename(path)):
                    continue
                if path in (self._root, os.path.realpath(self._root)):
                    events.root = True
                    continue
                prefix = next((prefix for prefix in self._prefixes if path.startswith(prefix)), None)
                if prefix is None:
                    continue
                relative = path[len(prefix) :].replace(os.sep, "/")
                # A name that is no UTF-8 arrives damaged: its folder is looked through instead.
                events.now.add(relative.rpartition("/")[0] if "\ufffd" in relative else relative)
        return events

    def close(self) -> None:
        """Stop following."""
        self._stop.set()
        self._thread.join(timeout=1.0)
        self._notify.close()

    def _follow(self) -> None:
        while True:
            try:
                changes = self._notify.watch(50, LIBRARY_STEP_MS, 0, self._stop)
            except Exception:
                # The library has many ways to say that its own thread has died.
                self._failed = True
                self._tell()
                return
            if isinstance(changes, str):
                return
            self._arrived.append((time.monotonic(), changes))
            self._tell()

    def _tell(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._wake)
        except RuntimeError:
            self._stop.set()
