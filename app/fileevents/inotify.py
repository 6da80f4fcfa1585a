"""The Linux kernel's file events, folder by folder.

The usual libraries wake up some 200 times a second to see whether anything has happened, which costs more than all
else the app does at idle, and they follow whole trees, ignored parts included. Here the event loop itself waits on the
kernel: nothing runs until a file changes, and exactly the folders asked for are followed.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import struct
import time
from collections import deque
from collections.abc import Callable

from app.fileevents.events import Events

_MODIFY, _ATTRIB, _CLOSE_WRITE = 0x2, 0x4, 0x8
_MOVED_FROM, _MOVED_TO, _CREATE, _DELETE = 0x40, 0x80, 0x100, 0x200
_DELETE_SELF, _MOVE_SELF = 0x400, 0x800
_UNMOUNT, _OVERFLOW, _IGNORED = 0x2000, 0x4000, 0x8000
_ONLYDIR, _EXCL_UNLINK, _ISDIR = 0x1000000, 0x4000000, 0x40000000
_MASK = (
    (_MODIFY | _ATTRIB | _CLOSE_WRITE | _MOVED_FROM | _MOVED_TO | _CREATE | _DELETE)
    | (_DELETE_SELF | _MOVE_SELF)
    | (_ONLYDIR | _EXCL_UNLINK)
)
_HEADER = struct.Struct("iIII")
_READ_BYTES = 64 * 1024
_READS = 8
"""At one go, lest a flood of events hold up the event loop."""


class InotifySource:
    """Follows folders of one tree. Made on the event loop's thread; the rest belongs to the watcher's thread."""

    def __init__(self, root: str, wake: Callable[[], None], wanted: Callable[[str], bool]) -> None:
        self._root = root
        self._wake = wake
        self._wanted = wanted
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._fd = self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self._fd < 0:
            raise _error("inotify_init1")
        self._folders: dict[int, str] = {}
        self._watches: dict[str, int] = {}
        self._arrived: deque[tuple[float, int, int, str]] = deque()
        self._loop = asyncio.get_running_loop()
        try:
            self._loop.add_reader(self._fd, self._read)
        except NotImplementedError:
            os.close(self._fd)
            raise

    def enter(self, folder: str) -> None:
        """Follow this folder. Raises OSError when the system's limit is reached."""
        path = os.fsencode(os.path.join(self._root, folder) if folder else self._root)
        watch = self._libc.inotify_add_watch(self._fd, path, _MASK)
        if watch < 0:
            raise _error("inotify_add_watch")
        # A folder that was renamed keeps its watch: the new name takes it over.
        earlier = self._folders.get(watch)
        if earlier is not None and earlier != folder:
            self._watches.pop(earlier, None)
        self._folders[watch] = folder
        self._watches[folder] = watch

    def leave(self, folder: str) -> None:
        """Follow this folder no more."""
        watch = self._watches.pop(folder, None)
        if watch is not None and self._folders.get(watch) == folder:
            del self._folders[watch]
            self._libc.inotify_rm_watch(self._fd, watch)

    def take(self) -> Events:
        """What has happened since the last call."""
        events = Events()
        while self._arrived:
            at, watch, mask, name = self._arrived.popleft()
            if not events.at:
                events.at = at
            self._sort(events, watch, mask, name)
        return events

    def close(self) -> None:
        """Give the kernel's resources back. On the event loop's thread."""
        if self._fd >= 0:
            self._loop.remove_reader(self._fd)
            os.close(self._fd)
            self._fd = -1

    def _read(self) -> None:
        with contextlib.suppress(BlockingIOError):
            for _ in range(_READS):
                self._split(os.read(self._fd, _READ_BYTES))
        if self._arrived:
            self._wake()

    def _split(self, data: bytes) -> None:
        at = time.monotonic()
        position = 0
        while position < len(data):
            watch, mask, _cookie, length = _HEADER.unpack_from(data, position)
            start = position + _HEADER.size
            position = start + length
            name = os.fsdecode(data[start:position].rstrip(b"\0"))
            if not name or mask & _ISDIR or self._wanted(name):
                self._arrived.append((at, watch, mask, name))

    def _sort(self, events: Events, watch: int, mask: int, name: str) -> None:
        if mask & _OVERFLOW:
            events.lost = True
            return
        folder = self._folders.get(watch)
        if folder is None:
            return
        if mask & _IGNORED:
            self._folders.pop(watch, None)
            self._watches.pop(folder, None)
        if mask & (_IGNORED | _DELETE_SELF | _MOVE_SELF | _UNMOUNT):
            # What became of an inner folder, its parent tells.
            if not folder:
                events.root = True
            return
        relative = f"{folder}/{name}" if folder else name
        if mask & _ISDIR:
            if mask & (_CREATE | _MOVED_TO | _MOVED_FROM | _DELETE):
                events.now.add(relative)
        elif mask & (_CLOSE_WRITE | _MOVED_FROM | _MOVED_TO | _DELETE):
            events.now.add(relative)
            events.soon.discard(relative)
        else:
            events.soon.add(relative)


def _error(call: str) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, f"{call}: {os.strerror(number)}")
