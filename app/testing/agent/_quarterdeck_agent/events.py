"""The way back: JSON lines to the app on an inherited pipe that no test can mistake for its own."""

from __future__ import annotations

import _thread
import fcntl
import json
import os
from typing import Any, List

_HIGH_FD = 900


class Events:
    """Buffers lines and writes them. A failing write ends the streaming, never a test."""

    def __init__(self, fd: int) -> None:
        try:
            # Out of the way of tests that close or count the low descriptors.
            self._fd = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _HIGH_FD)
            os.close(fd)
        except OSError:
            os.set_inheritable(fd, False)
            self._fd = fd
        self._inode = os.fstat(self._fd).st_ino
        self._pid = os.getpid()
        self._lock = _thread.RLock()
        self._writing = False
        self._lines: List[str] = []
        self.lost = False

    def add(self, line: str) -> None:
        """Queue one line of ASCII JSON."""
        self._lines.append(line)

    def add_object(self, value: Any) -> None:
        """Queue one value."""
        self._lines.append(json.dumps(value, separators=(",", ":")))

    def flush(self) -> None:
        """Write what is queued, unless this is a fork of the run, or the pipe was closed or replaced by a test."""
        if self.lost or os.getpid() != self._pid:
            self._lines = []
            return
        with self._lock:
            if self._writing:
                # From code that the interpreter has put in between, in the middle of a line: this waits.
                return
            self._writing = True
            try:
                self._write()
            finally:
                self._writing = False

    def _write(self) -> None:
        # Always the same list: another thread may have it in hand and add to it right now.
        lines = self._lines[:]
        if not lines:
            return
        del self._lines[: len(lines)]
        data = memoryview(("\n".join(lines) + "\n").encode("ascii"))
        try:
            if os.fstat(self._fd).st_ino != self._inode:
                self.lost = True
                return
            while data:
                data = data[os.write(self._fd, data) :]
        except BrokenPipeError:
            os._exit(0)
        except OSError:
            self.lost = True
