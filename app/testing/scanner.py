"""The watcher's half that reads the disk. Everything here runs on one thread of its own, never on the event loop."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from app.fileevents.events import Events
from app.fileevents.sources import Source
from app.testing.contents import Contents, Kind
from app.testing.ignore import PROBE_PREFIX, IgnoreRules, Patterns

HOLD_S = 0.05
"""A file that is missing, empty or being written is looked at again after this long before it counts."""
GIT_LOCK_S = 20.0
"""An older lock of git's index was left behind by something that died."""
LIMIT_REACHED = "the system allows no more file watches (fs.inotify.max_user_watches)"


@dataclass(slots=True)
class Found:
    """What one step has found."""

    changes: dict[str, Kind] = field(default_factory=dict)
    at: float = 0.0
    """time.monotonic() of the first event behind it; 0 when there was none."""
    due: float | None = None
    """time.monotonic() at which some path has to be looked at again."""
    held: bool = False
    """Something known is missing or empty at the moment."""
    gone: bool = False
    """The root is not there, or another one has taken its place."""
    git_busy: bool = False
    """git is changing the working tree."""
    unread: bool = False
    """Some files have come into view and not been read."""
    files: int = 0


class Scanner:
    """Turns file events into changes of content."""

    def __init__(self, root: Path, watch: Sequence[str], ignore: Sequence[str]) -> None:
        self.root = str(root)
        self.limit = ""
        """Why some folders cannot be followed by events; empty when all are."""
        self.walk_s = 0.0
        """Processor time that the last comparison of the whole tree took."""
        self._watch = Patterns(watch)
        self._ignore = tuple(ignore)
        self._source: Source | None = None
        self._contents: Contents | None = None
        self._identity: tuple[int, int] | None = None
        self._held: dict[str, float] = {}
        self._soon: dict[str, float] = {}

    def open(self, source: Source | None) -> Found:
        """Look through the tree and follow it. When it was known before, say what changed while it was away."""
        self._source, self.limit = source, ""
        self._held.clear()
        self._soon.clear()
        found = Found()
        try:
            status = os.stat(self.root)
            os.listdir(self.root)
        except OSError:
            found.gone = True
            return found
        self._identity = (status.st_dev, status.st_ino)
        earlier = self._contents
        rules = IgnoreRules(Path(self.root), self._ignore)
        self._contents = Contents(self.root, rules, self._watch, self._enter, self._leave)
        started = time.thread_time()
        if earlier is None:
            self._contents.learn()
        else:
            self._contents.files = earlier.files
            self._compare_all(found, final=True)
        self.walk_s = time.thread_time() - started
        found.files = len(self._contents.files)
        return found

    def read_some(self, seconds: float) -> bool:
        """Go on reading what the files hold; False when that is known of all."""
        return self._contents is not None and self._contents.read_some(seconds)

    def send_probe(self) -> bool:
        """Write a file and remove it at once, to see whether its events arrive; False where nothing can be written."""
        path = os.path.join(self.root, f"{PROBE_PREFIX}{secrets.token_hex(4)}")
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except OSError:
            return False
        finally:
            with contextlib.suppress(OSError):
                os.unlink(path)
        return True

    def step(self, everything: bool) -> Found:
        """Look at what the events name, or at the whole tree."""
        found = Found()
        events = self._source.take() if self._source is not None else Events()
        now = time.monotonic()
        found.at = events.at
        if self._contents is None or not self._root_is_here():
            found.gone = True
            return found
        paths = self._choose(events, now)
        if any(path.rpartition("/")[2] == ".gitignore" for path in paths):
            self._contents.reread_rules()
            found.unread = True
        for path in paths:
            self._look(path, found, now)
        if everything or events.lost or events.root:
            started = time.thread_time()
            self._compare_all(found, final=False)
            self.walk_s = time.thread_time() - started
        found.held = bool(self._held)
        found.due = min([*self._held.values(), *self._soon.values()], default=None)
        found.git_busy = self._git_is_busy()
        found.files = len(self._contents.files)
        return found

    def wanted(self, name: str) -> bool:
        """False when a file of this name is of no interest in any folder."""
        return self._watch.may_match(name) or name in (".gitignore", "pyvenv.cfg") or name.startswith(PROBE_PREFIX)

    def present(self) -> bool:
        """True when the root is a folder again."""
        return os.path.isdir(self.root)

    def _choose(self, events: Events, now: float) -> list[str]:
        for path in events.now:
            self._soon.pop(path, None)
        for path in events.soon - events.now:
            self._soon.setdefault(path, now + HOLD_S)
        due = {path for path, at in self._soon.items() if at <= now}
        for path in due:
            del self._soon[path]
        return sorted(events.now | due | self._held.keys())

    def _look(self, path: str, found: Found, now: float) -> None:
        assert self._contents is not None
        if path.endswith("/pyvenv.cfg"):
            folder = path.rpartition("/")[0]
            if os.path.isfile(os.path.join(self.root, path)):
                self._contents.hide(folder)
            else:
                self._contents.rules.environments.discard(folder)
            return
        until = self._held.get(path)
        changes, again = self._contents.look(path, final=until is not None and now >= until)
        found.changes.update(changes)
        self._held.pop(path, None)
        for name in again:
            self._held[name] = until if name == path and until is not None else now + HOLD_S

    def _compare_all(self, found: Found, *, final: bool) -> None:
        assert self._contents is not None
        changes, unseen = self._contents.rescan()
        found.changes.update(changes)
        for path in unseen:
            if final:
                found.changes.update(self._contents.look(path, final=True)[0])
            else:
                self._held.setdefault(path, time.monotonic() + HOLD_S)

    def _root_is_here(self) -> bool:
        try:
            status = os.stat(self.root)
        except OSError:
            return False
        return (status.st_dev, status.st_ino) == self._identity

    def _git_is_busy(self) -> bool:
        git_dir = self._contents.rules.git_dir if self._contents is not None else None
        if git_dir is None:
            return False
        try:
            age = time.time() - os.stat(os.path.join(git_dir, "index.lock")).st_mtime
        except OSError:
            return False
        return abs(age) < GIT_LOCK_S

    def _enter(self, folder: str) -> None:
        if self._source is None:
            return
        try:
            self._source.enter(folder)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EMFILE, errno.ENOMEM):
                self.limit = LIMIT_REACHED
            elif error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.EACCES):
                self.limit = f"{os.path.join(self.root, folder)}: {error.strerror}"

    def _leave(self, folder: str) -> None:
        if self._source is not None:
            self._source.leave(folder)
