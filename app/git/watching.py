"""Tells when something in a repository's git folder has changed; the working tree itself is not followed.

Events are gathered, so that a commit, a fetch or a `gc` with its thousand renames is one change. Where the system
sends no events (network drives, a used-up limit of watches) the owner looks at `signature` at intervals instead, as it
does now and then in any case.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from app.fileevents.sources import Source, open_source

SOON_S = 0.03
"""A change of a few refs is told when nothing has followed it for this long,"""
QUIET_S = 0.15
"""a staged file, which nobody waits for, and the many of a fetch or a `gc` for this long,"""
AT_MOST_S = 0.4
"""but none later than this after its first event."""
FEW = 8
"""Files; a commit, a switch and a push touch fewer."""
LIMIT_REACHED = "the system allows no more file watches (fs.inotify.max_user_watches)"

_TREES = ("refs", "worktrees", "reftable")
"""Followed with their subfolders; of the rest only what lies at the top and in `_FOLDERS`."""
_FOLDERS = ("info", "objects/info", "objects/info/commit-graphs", "rebase-merge", "rebase-apply")
_IGNORED = ("refs/quarterdeck/", "objects/pack", "logs/", "lfs/", "modules/", "hooks/")
_NOT_TOLD = ("COMMIT_EDITMSG", "MERGE_MSG", "SQUASH_MSG", "gc.log", "gc.pid", "description", "FETCH_HEAD", "ORIG_HEAD")


@dataclass(frozen=True, slots=True)
class Touched:
    """What kind of things have changed since the last word."""

    refs: bool = False
    """Branches, remotes, HEAD, configuration or an operation in progress."""
    index: bool = False
    """The index: something was staged or committed."""
    gone: bool = False
    """The git folder itself was moved or deleted."""


class GitFolderWatch:
    """Follows one git folder (the common one, where worktrees share it), on one event loop."""

    def __init__(self, folder: Path, on_change: Callable[[Touched], None]) -> None:
        self._root = str(folder)
        self._on_change = on_change
        self._source: Source | None = None
        self._entered: set[str] = set()
        self._refs = self._index = self._gone = False
        self._seen: set[str] = set()
        self._first = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self.note = ""
        """Why there are no events; empty when there are."""

    def start(self) -> None:
        """Begin to follow; without events afterwards when the system refuses, as `note` then says."""
        try:
            self._source = open_source(self._root, self._wake, _wanted)
            self._enter_all()
        except OSError as error:
            self.close()
            self.note = LIMIT_REACHED if error.errno in (24, 28) else f"no file events: {os.strerror(error.errno or 0)}"

    def close(self) -> None:
        """Follow no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        source, self._source = self._source, None
        if source is not None:
            source.close()
        self._entered.clear()

    def _enter_all(self) -> None:
        for folder in ("", *_FOLDERS):
            self._enter(folder)
        for tree in _TREES:
            self._enter_tree(tree)

    def _enter_tree(self, top: str) -> None:
        for folder in _subfolders(self._root, top):
            self._enter(folder)

    def _enter(self, folder: str) -> None:
        if self._source is None or (folder and any(f"{folder}/".startswith(part) for part in _IGNORED)):
            return
        # What is gone again by now, its parent tells of.
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            self._source.enter(folder)
            self._entered.add(folder)

    def _wake(self) -> None:
        source = self._source
        if source is None:
            return
        events = source.take()
        for relative in events.now | events.soon:
            self._sort(relative)
        self._gone |= events.root
        self._refs |= events.lost or events.root
        if self._refs or self._index:
            self._gather()

    def _sort(self, relative: str) -> None:
        name = relative.rpartition("/")[2]
        if name.endswith(".lock") or any(relative.startswith(part) for part in _IGNORED):
            return
        if relative.startswith(_TREES) or relative in _FOLDERS:
            self._folder_may_be_new(relative)
        if name == "index":
            self._index = True
        elif name not in _NOT_TOLD and not (relative.startswith("objects/") and "info" not in relative):
            self._refs = True
            self._seen.add(relative)

    def _folder_may_be_new(self, relative: str) -> None:
        try:
            if Path(self._root, relative).is_dir():
                self._enter_tree(relative)
            elif relative in self._entered:
                self._entered.discard(relative)
                if self._source is not None:
                    self._source.leave(relative)
        except OSError:
            self.close()
            self.note = LIMIT_REACHED

    def _gather(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        if self._timer is None:
            self._first = now
        else:
            self._timer.cancel()
        pause = SOON_S if 0 < len(self._seen) <= FEW else QUIET_S
        self._timer = loop.call_at(min(now + pause, self._first + AT_MOST_S), self._tell)

    def _tell(self) -> None:
        self._timer = None
        touched = Touched(self._refs, self._index, self._gone)
        self._refs = self._index = self._gone = False
        self._seen.clear()
        self._on_change(touched)


def _wanted(name: str) -> bool:
    return not name.endswith(".lock") and name not in _NOT_TOLD


def _subfolders(root: str, top: str) -> Iterator[str]:
    """`top` and every folder below it, relative to `root`."""
    waiting = [top]
    while waiting:
        folder = waiting.pop()
        yield folder
        with contextlib.suppress(OSError), os.scandir(f"{root}/{folder}") as entries:
            waiting += [f"{folder}/{entry.name}" for entry in entries if entry.is_dir(follow_symlinks=False)]
