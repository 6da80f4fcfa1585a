"""Keep the first and the last part of a stream of any length."""

from __future__ import annotations

from collections import deque
from typing import Deque


class CappedOutput:
    """What a run printed: at most `kb` KiB of it, head and tail, written to `path` when the run has ended."""

    def __init__(self, path: str, kb: int) -> None:
        self.path = path
        self._room = max(2, kb << 10) // 2 if kb else 1 << 62
        self._head = bytearray()
        self._tail: Deque[bytes] = deque()
        self._tail_size = 0
        self.total = 0

    def add(self, data: bytes) -> None:
        """Take the next part of the stream."""
        self.total += len(data)
        room = self._room - len(self._head)
        if room > 0:
            self._head += data[:room]
            data = data[room:]
        if data:
            self._tail.append(data)
            self._tail_size += len(data)
            while self._tail_size - len(self._tail[0]) >= self._room:
                self._tail_size -= len(self._tail.popleft())

    def write(self) -> str:
        """Write what was kept and return the path; empty when there is nothing or the disk refuses."""
        if not self.total:
            return ""
        tail = b"".join(self._tail)
        tail = tail[max(0, len(tail) - self._room) :]
        dropped = self.total - len(self._head) - len(tail)
        note = b"\n[... %d bytes left out ...]\n" % dropped if dropped else b""
        try:
            with open(self.path, "wb") as file:
                file.write(bytes(self._head) + note + tail)
        except OSError:
            return ""
        return self.path
