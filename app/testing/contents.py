"""What the watched files of a project hold, so that a save which changes nothing can be told from one that does."""

from __future__ import annotations

import contextlib
import os
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import Literal

from app.testing.ignore import IgnoreRules, Patterns

Kind = Literal["added", "modified", "deleted"]

SETTLED_NS = 2_000_000_000
"""A file younger than this when it was read may have changed since without a new time or size."""
WHOLE_FILE_BYTES = 32 * 1024 * 1024
"""Of anything larger, only the ends, the size and the time are compared."""


@dataclass(slots=True)
class Known:
    """A file as it was last seen. `digest` is None until it has been read."""

    size: int
    mtime_ns: int
    digest: bytes | None
    settled: bool


class Contents:
    """The tree below `root`, as last seen. Belongs to one thread.

    `enter` is called for each folder before it is listed, so that a file event source can follow it without a gap.
    """

    def __init__(
        self,
        root: str,
        rules: IgnoreRules,
        watch: Patterns,
        enter: Callable[[str], None],
        leave: Callable[[str], None],
    ) -> None:
        self.root = root
        self.rules = rules
        self.watch = watch
        self.files: dict[str, Known] = {}
        self.folders: set[str] = set()
        self._enter = enter
        self._leave = leave
        self._unread: list[str] = []
        self._rules_read: dict[str, tuple[int, int]] = {}
        """Folders with a .gitignore, and its time and size when it was read."""
        self._links: dict[str, str] = {}
        """Links to folders that are followed, with where they lead."""

    # Walking

    def walk(self, folder: str = "") -> Iterator[tuple[str, os.stat_result]]:
        """Every watched file below a folder. Folders that git ignores are not entered."""
        waiting = [folder]
        while waiting:
            here = waiting.pop()
            path = os.path.join(self.root, here) if here else self.root
            self.folders.add(here)
            self._enter(here)
            try:
                entries = list(os.scandir(path))
            except OSError:
                self.folders.discard(here)
                continue
            by_name = {entry.name: entry for entry in entries}
            if here and "pyvenv.cfg" in by_name:
                self.hide(here)
                continue
            self._read_rules(here, by_name.get(".gitignore"))
            for entry in entries:
                relative = f"{here}/{entry.name}" if here else entry.name
                try:
                    if self._is_folder(entry):
                        if not self.rules.ignored(relative, folder=True):
                            waiting.append(relative)
                    elif self.watch.match(relative) and not self.rules.ignored(relative):
                        status = entry.stat()
                        if stat.S_ISREG(status.st_mode):
                            yield relative, status
                except OSError:
                    continue

    def _read_rules(self, folder: str, entry: os.DirEntry[str] | None) -> None:
        stamp = None
        if entry is not None:
            with contextlib.suppress(OSError):
                status = entry.stat()
                stamp = (status.st_mtime_ns, status.st_size)
        if stamp != self._rules_read.get(folder):
            self.rules.read(folder)
            if stamp is None:
                del self._rules_read[folder]
            else:
                self._rules_read[folder] = stamp

    def _is_folder(self, entry: os.DirEntry[str]) -> bool:
        if not entry.is_symlink():
            return entry.is_dir()
        return entry.is_dir() and self._follows(entry.path)

    def _follows(self, link: str) -> bool:
        """A link to a folder is followed when it leads to a neighbour of the project that is not yet in view.

        Loops end here, and so do links to a home folder or a data disk.
        """
        target = os.path.realpath(link)
        root = os.path.realpath(self.root)
        beside = os.path.dirname(root)
        if not _within(target, beside) or _within(target, root) or _within(root, target):
            return False
        others = (led for other, led in self._links.items() if other != link)
        if any(_within(target, other) or _within(other, target) for other in others):
            return False
        self._links[link] = target
        return True

    # Learning

    def learn(self) -> None:
        """Take the whole tree as it is now; `read_some` then reads the files."""
        self.files.clear()
        self.folders.clear()
        self._links.clear()
        for relative, status in self.walk():
            self.files[relative] = _known(status, None)
        self._unread = list(self.files)

    def read_some(self, seconds: float) -> bool:
        """Go on reading the files for so long; False when all have been read."""
        until = time.monotonic() + seconds
        while self._unread and time.monotonic() < until:
            relative = self._unread.pop()
            known = self.files.get(relative)
            if known is None or known.digest is not None:
                continue
            path = os.path.join(self.root, relative)
            try:
                status = os.stat(path)
                if (status.st_size, status.st_mtime_ns) == (known.size, known.mtime_ns):
                    digest = _digest(path, status)
                    self.files[relative] = _known(status, digest)
            except OSError:
                continue
        return bool(self._unread)

    # Comparing

    def rescan(self, folder: str = "") -> tuple[dict[str, Kind], set[str]]:
        """Compare everything below a folder: what changed, and which known files are not there."""
        changes: dict[str, Kind] = {}
        unseen = {name for name in self.files if not folder or name.startswith(f"{folder}/")}
        for relative, status in self.walk(folder):
            unseen.discard(relative)
            kind = self._compare(relative, status, trust=True)
            if kind is not None:
                changes[relative] = kind
        return changes, unseen

    def look(self, relative: str, *, final: bool) -> tuple[dict[str, Kind], set[str]]:
        """Compare what a file event named: what changed, and which paths should be looked at again in a moment.

        A file that is missing or empty is usually on its way to its next content: only a `final` look believes it.
        """
        path = os.path.join(self.root, relative)
        try:
            status = os.stat(path)
        except (OSError, ValueError):
            return self._missing(relative, final=final)
        if stat.S_ISDIR(status.st_mode):
            return self._look_at_folder(relative, path, final=final)
        if not stat.S_ISREG(status.st_mode) or not self.watch.match(relative) or self.rules.hidden(relative):
            self.files.pop(relative, None)
            return {}, set()
        known = self.files.get(relative)
        if status.st_size == 0 and known is not None and known.size and not final:
            return {}, {relative}
        try:
            kind = self._compare(relative, status, trust=False)
        except FileNotFoundError:
            return self._missing(relative, final=final)
        return ({relative: kind} if kind else {}), set()

    def reread_rules(self) -> None:
        """A .gitignore has changed: what it now hides or shows is no change of a file."""
        before = self.rules.copy()
        for folder in self.folders:
            self.rules.read(folder)
        for folder in sorted(self.folders):
            if folder and folder in self.folders and self.rules.hidden(folder, folder=True):
                self._drop(folder)
        for relative in [name for name in self.files if self.rules.hidden(name)]:
            del self.files[relative]
        for relative, status in list(self.walk()):
            if relative not in self.files and before.hidden(relative):
                self.files[relative] = _known(status, None)
                self._unread.append(relative)

    def hide(self, folder: str) -> None:
        """A folder has turned out to be a virtual environment: it is followed no more."""
        self.rules.environments.add(folder)
        self._drop(folder)

    def _compare(self, relative: str, status: os.stat_result, *, trust: bool) -> Kind | None:
        known = self.files.get(relative)
        same = known is not None and (known.size, known.mtime_ns) == (status.st_size, status.st_mtime_ns)
        if known is not None and same and known.settled and (trust or known.digest is None):
            return None
        try:
            digest: bytes | None = _digest(os.path.join(self.root, relative), status)
        except FileNotFoundError:
            raise
        except OSError:
            digest = None
        self.files[relative] = _known(status, digest)
        if known is None:
            return "added"
        if digest is None:
            return None if same else "modified"
        return None if digest == known.digest else "modified"

    def _look_at_folder(self, relative: str, path: str, *, final: bool) -> tuple[dict[str, Kind], set[str]]:
        if relative and self.rules.hidden(relative, folder=True):
            return {}, set()
        if relative not in self.folders and os.path.islink(path) and not self._follows(path):
            return {}, set()
        changes, unseen = self.rescan(relative)
        if final:
            changes.update(self._forget(unseen))
            unseen = set()
        return changes, unseen

    def _missing(self, relative: str, *, final: bool) -> tuple[dict[str, Kind], set[str]]:
        if relative not in self.files and relative not in self.folders:
            return {}, set()
        if not final:
            return {}, {relative}
        gone = {relative} if relative in self.files else set()
        if relative in self.folders:
            gone |= self._drop(relative)
        return self._forget(gone), set()

    def _forget(self, names: set[str]) -> dict[str, Kind]:
        for name in names:
            self.files.pop(name, None)
        return dict.fromkeys(sorted(names), "deleted")

    def _drop(self, folder: str) -> set[str]:
        """Follow a folder no more; returns the files that were known in it."""
        below = f"{folder}/"
        for inner in [name for name in self.folders if name == folder or name.startswith(below)]:
            self.folders.discard(inner)
            self._links.pop(os.path.join(self.root, inner), None)
            self._leave(inner)
        names = {name for name in self.files if name.startswith(below)}
        for name in names:
            del self.files[name]
        return names


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def _known(status: os.stat_result, digest: bytes | None) -> Known:
    settled = abs(time.time_ns() - status.st_mtime_ns) > SETTLED_NS
    return Known(status.st_size, status.st_mtime_ns, digest, settled)


def _digest(path: str, status: os.stat_result) -> bytes:
    with open(path, "rb") as file:
        if status.st_size <= WHOLE_FILE_BYTES:
            return blake2b(file.read(), digest_size=16).digest()
        ends = file.read(65536)
        file.seek(-65536, os.SEEK_END)
        mark = f"{status.st_size} {status.st_mtime_ns}".encode()
        return blake2b(ends + file.read() + mark, digest_size=16).digest()
