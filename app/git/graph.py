"""The history in memory: which commits are the parents of which, by numbers.

The commit-graph gives most of it at once, `git rev-list --parents` the rest. Nothing here waits for anybody: it is
made and walked in a thread, a few hundred thousand commits in well under a second.
"""

from __future__ import annotations

import gc
from binascii import unhexlify
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from app.git.commitgraph import NONE, GraphFile, read_commit_graphs

if TYPE_CHECKING:
    from app.git.cli import Git
    from app.git.repository import Layout

_TIMEOUT_S = 120.0


class History:
    """Commits by number. `first` and `second` hold parents (NONE where there is none), `extra` all further ones."""

    __slots__ = ("_files", "_new", "_new_oids", "extra", "first", "from_file", "second")

    def __init__(self, files: list[GraphFile] | None = None) -> None:
        self._files = files or []
        self.first: list[int] = []
        self.second: list[int] = []
        self.extra: dict[int, tuple[int, ...]] = {}
        for file in self._files:
            self.first += file.first
            self.second += file.second
            self.extra.update(file.extra)
        self.from_file = len(self.first)
        """How many of the commits the commit-graph gave."""
        self._new: dict[bytes, int] = {}
        self._new_oids: list[bytes] = []

    def __len__(self) -> int:
        return len(self.first)

    def find(self, oid: str) -> int | None:
        """The number of a commit, None if it is not known yet."""
        found = self._new.get(oid.encode())
        return self._in_files(bytes.fromhex(oid)) if found is None and self._files else found

    def oid(self, number: int) -> str:
        """The id of a commit."""
        if number >= self.from_file:
            return self._new_oids[number - self.from_file].decode()
        file = next(file for file in reversed(self._files) if number >= file.base)
        return file.oid(number - file.base).hex()

    def add(self, parts: Iterable[bytes]) -> None:
        """Take in what `rev-list --parents` prints, in parts of any length.

        Every parent has to be known or to be in the same output; raises LookupError where one is neither, and the
        history is of no more use.
        """
        # A collection in the middle would look through all these lists, for some hundredths of a second, in vain.
        collecting = gc.isenabled()
        gc.disable()
        try:
            self._add(list(_rows(parts)))
        finally:
            if collecting:
                gc.enable()

    def _add(self, rows: list[list[bytes]]) -> None:
        if self.first:
            rows = [row for row in rows if not self._has(row[0])]
        count = len(self.first)
        self._new.update((row[0], number) for number, row in enumerate(rows, count))
        self._new_oids += [row[0] for row in rows]
        new = self._new
        try:
            self.first += [NONE if len(row) < 2 else new[row[1]] for row in rows]
        except KeyError:  # some parents are in the commit-graph
            self.first += [NONE if len(row) < 2 else self._known(row[1]) for row in rows]
        self.second += [NONE if len(row) < 3 else self._known(row[2]) for row in rows]
        for number, row in enumerate(rows, count):
            if len(row) > 3:
                self.extra[number] = tuple(self._known(parent) for parent in row[3:])

    def _has(self, oid: bytes) -> bool:
        return oid in self._new or (bool(self._files) and self._in_files(unhexlify(oid)) is not None)

    def _in_files(self, raw: bytes) -> int | None:
        for file in reversed(self._files):
            found = file.find(raw)
            if found is not None:
                return found
        return None

    def _known(self, oid: bytes) -> int:
        found = self._new.get(oid)
        if found is None:
            found = self._in_files(unhexlify(oid))
        if found is None:
            raise LookupError(oid.decode())
        return found


def _rows(parts: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Each line as its words."""
    rest = b""
    for part in parts:
        *lines, rest = (rest + part).split(b"\n")
        for line in lines:
            yield line.split()
    if rest:
        yield rest.split()


def load(git: Git, layout: Layout, tips: Iterable[str] | None = None, *, use_file: bool = True) -> History:
    """The history behind these commits, or behind all branches, for a thread. Raises GitError.

    Raises LookupError where git tells of a commit whose parent it does not tell of.
    """
    history = History(read_commit_graphs(layout.objects, layout.object_format) if use_file else None)
    if tips is not None:
        extend(git, history, tips, ())
    elif not history.from_file:
        history.add(git.stream_sync("rev-list", "--parents", "--branches", "--remotes", timeout_s=_TIMEOUT_S))
    return history


def extend(git: Git, history: History, tips: Iterable[str], known: Iterable[str]) -> int:
    """Take in the history behind further commits, for a thread; how many commits that were.

    `known` are commits of the history, as many as are at hand: git stops at them. Raises GitError.
    """
    wanted = [tip for tip in tips if history.find(tip) is None]
    if not wanted:
        return 0
    stops = list(known) or _stops(history)
    given = "\n".join([*wanted, *(f"^{oid}" for oid in stops)]) + "\n"
    before = len(history)
    # A commit-graph may still hold commits that are no longer there, which git then does not stop at.
    options = ("--parents", "--ignore-missing", "--stdin")
    history.add(git.stream_sync("rev-list", *options, input=given.encode(), timeout_s=_TIMEOUT_S))
    return len(history) - before


def _stops(history: History) -> list[str]:
    """Commits without children among those of the commit-graph: together they have all the others behind them."""
    if not history.from_file:
        return []
    childless = bytearray(b"\1") * len(history)
    for parents in (history.first, history.second):
        for parent in parents:
            if parent != NONE:
                childless[parent] = 0
    for more in history.extra.values():
        for parent in more:
            childless[parent] = 0
    return [history.oid(number) for number, flag in enumerate(childless) if flag]
