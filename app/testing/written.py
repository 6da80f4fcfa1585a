"""Which changes during a run come from the tests themselves, where nobody tells.

Of what a test process writes itself the run tells; this is about what its child processes write. Tests differ from
people in this: they write at the same moment of every run. So a file of data counts as written by the tests when it
changed in two consecutive runs, nothing having changed between them, at about the same time after their start. Runs
that lost their turn say nothing: saves at a steady pace would look the same. Source code is never sorted out in this
way, since a save that is missed there would hurt most.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from app.testing.contents import Kind

_SOURCE = (".py", ".toml", ".cfg", ".ini", ".env")
_AFTERMATH_S = 0.1
"""Files that a run has written may be noticed so long after its end."""


@dataclass(frozen=True, slots=True)
class _Streak:
    run: int
    offset: float


class WrittenByTests:
    """Sorts out changes that would make a run set off the next one, for ever."""

    def __init__(self) -> None:
        self.marked: set[str] = set()
        """Paths, and patterns such as `out/*.json` for files that every run names anew."""
        self._streaks: dict[str, _Streak] = {}
        self._born: set[str] = set()
        """Files that appeared during a run under a marked pattern."""
        self._run = 0
        self._active = False
        self._before: dict[str, _Streak] = {}
        self._started = 0.0
        self._ended = float("-inf")

    def run_started(self, at: float) -> None:
        """A run begins; the parts of one run may each say so."""
        if not self._active:
            self._active = True
            self._run += 1
            self._before = dict(self._streaks)
            self._started = at

    def run_ended(self, at: float, *, superseded: bool = False) -> None:
        """The run has ended, or lost its turn."""
        if self._active:
            self._active = False
            self._ended = at
            if superseded:
                self._streaks = self._before
                self._run -= 1

    def mark(self, paths: Iterable[str]) -> None:
        """The tests are known to write these files."""
        self.marked.update(paths)

    def keep(self, changes: Mapping[str, Kind], at: float) -> dict[str, Kind]:
        """The changes that somebody else made, or may have made."""
        if not self._during_run(at):
            return self._outside(changes)
        offset = max(0.0, at - self._started)
        return {path: kind for path, kind in changes.items() if not self._by_tests(path, kind, offset)}

    def _during_run(self, at: float) -> bool:
        return at >= self._started and (self._active or at <= self._ended + _AFTERMATH_S)

    def _outside(self, changes: Mapping[str, Kind]) -> dict[str, Kind]:
        if changes:
            self._streaks.clear()
            self.marked.difference_update(changes)
            self.marked.difference_update(_pattern(path) for path, kind in changes.items() if kind == "added")
        return dict(changes)

    def _by_tests(self, path: str, kind: Kind, offset: float) -> bool:
        if path in self.marked:
            return True
        if path.endswith(_SOURCE):
            return False
        pattern = _pattern(path)
        if pattern in self.marked and (kind == "added" or path in self._born):
            (self._born.discard if kind == "deleted" else self._born.add)(path)
            return True
        self._extend(path, offset)
        if kind == "added":
            self._extend(pattern, offset)
            if pattern in self.marked:
                self._born.add(path)
                return True
        return path in self.marked

    def _extend(self, key: str, offset: float) -> None:
        """Note a change; the second run in which it comes at the same moment marks it."""
        last = self._streaks.get(key)
        if last is not None and last.run == self._run:
            return
        again = last is not None and last.run == self._run - 1 and _similar(last.offset, offset)
        self._streaks[key] = _Streak(self._run, offset)
        if again:
            self.marked.add(key)


def _similar(one: float, other: float) -> bool:
    return abs(one - other) <= max(0.5, 0.35 * max(one, other))


def _pattern(path: str) -> str:
    folder, slash, name = path.rpartition("/")
    dot = name.rfind(".")
    return f"{folder}{slash}*{name[dot:] if dot > 0 else ''}"
