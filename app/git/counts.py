"""How many commits lie between branches, for thousands of branches at once.

Every ancestor of the base (the tip of the default branch) is labelled with the first commit of its mainline, its chain
of first parents, that has it behind itself. How many ancestors each commit of the mainline has is known from then on,
so that a branch is counted by walking its own commits only, down to where it meets labelled ones.
"""

from __future__ import annotations

from typing import NamedTuple

from app.git.commitgraph import NONE
from app.git.graph import History

_UNLABELLED = -1


class Own(NamedTuple):
    """The commits of a branch that are not behind the base, and the first ones below them that are."""

    commits: set[int]
    meets: frozenset[int]


class Counts:
    """Counts against one base. Walks in the thread that calls it; holds no lock, so one thread at a time."""

    def __init__(self, history: History, base: str) -> None:
        """Raises LookupError where the base is not in the history."""
        number = history.find(base)
        if number is None:
            raise LookupError(base)
        self.base = base
        self._history = history
        self._labels: list[int] = []
        self._mainline: list[int] = []
        self._sizes: list[int] = []
        """How many commits each commit of the mainline has behind itself, itself included."""
        self._unions: dict[frozenset[int], int] = {}
        self._label(number)

    def advance(self, base: str) -> bool:
        """Take a later base, if the present one is on its mainline; else nothing changes and the answer is False."""
        number = self._history.find(base)
        first, steps = self._history.first, 0
        last = self._mainline[-1]
        at = number
        while at is not None and at != NONE and at != last:
            if at < len(self._labels) and self._labels[at] != _UNLABELLED:
                return False
            at, steps = first[at], steps + 1
        if number is None or at != last:
            return False
        self.base = base
        if steps:
            self._label(number)
        return True

    def has(self, oid: str) -> bool:
        """Whether a commit is the base or behind it."""
        number = self._history.find(oid)
        return number is not None and self._labelled(number)

    def on_mainline(self, oid: str) -> bool:
        """Whether a commit is one of the base's chain of first parents."""
        number = self._history.find(oid)
        return number is not None and self._labelled(number) and self._mainline[self._labels[number]] == number

    def fork(self, own: Own) -> str | None:
        """The one commit that has all others that a branch shares with the base behind itself, if that is certain."""
        labels = [self._labels[number] for number in own.meets]
        highest = max(labels, default=_UNLABELLED)
        if highest == _UNLABELLED:
            return None
        number = self._mainline[highest]
        sure = len(own.meets) == 1 or number in own.meets
        return self._history.oid(number if len(own.meets) > 1 else next(iter(own.meets))) if sure else None

    def place(self, oid: str) -> int:
        """How far up the mainline a commit that is behind the base came into it."""
        number = self._history.find(oid)
        return self._labels[number] if number is not None and self._labelled(number) else _UNLABELLED

    def authored(self, own: Own) -> tuple[str, ...]:
        """The ids of a branch's own commits without merges."""
        second = self._history.second
        return tuple(self._history.oid(number) for number in own.commits if second[number] == NONE)

    def own(self, oid: str) -> Own | None:
        """What a branch has of its own; None where its tip is not in the history."""
        number = self._history.find(oid)
        return None if number is None else self._own(number)

    def against_base(self, oid: str) -> tuple[int, int] | None:
        """How many commits are in the branch alone and in the base alone."""
        own = self.own(oid)
        return None if own is None else (len(own.commits), self._sizes[-1] - self._union(own.meets))

    def between(self, oid: str, other: str) -> tuple[int, int] | None:
        """How many commits are in the first alone and in the other alone."""
        if oid == other:
            return 0, 0
        here, there = self.own(oid), self.own(other)
        if here is None or there is None:
            return None
        ahead, behind = len(here.commits - there.commits), len(there.commits - here.commits)
        if here.meets != there.meets:
            both = self._union(here.meets | there.meets)
            ahead += both - self._union(there.meets)
            behind += both - self._union(here.meets)
        return ahead, behind

    def _labelled(self, number: int) -> bool:
        return number < len(self._labels) and self._labels[number] != _UNLABELLED

    def _label(self, base: int) -> None:
        """Label what the base has behind itself, on from what is labelled already."""
        first, second, extra = self._history.first, self._history.second, self._history.extra
        labels = self._labels
        labels += [_UNLABELLED] * (len(first) - len(labels))
        fresh = []
        at = base
        while at != NONE and labels[at] == _UNLABELLED:
            labels[at] = 0
            fresh.append(at)
            at = first[at]
        size = self._sizes[-1] if self._sizes else 0
        for label, commit in enumerate(reversed(fresh), len(self._mainline)):
            labels[commit] = label
            size += 1
            parent = second[commit]
            if parent != NONE:
                waiting = [parent, *extra.get(commit, ())]
                while waiting:
                    at = waiting.pop()
                    # Commits of the mainline above this one are no ancestors of it: they cannot be met here.
                    if labels[at] == _UNLABELLED:
                        labels[at] = label
                        size += 1
                        parent = first[at]
                        if parent != NONE:
                            waiting.append(parent)
                            parent = second[at]
                            if parent != NONE:
                                waiting.append(parent)
                                waiting += extra.get(at, ())
            self._sizes.append(size)
        self._mainline += reversed(fresh)
        self._unions.clear()

    def _own(self, number: int) -> Own:
        first, second, extra, labels = self._history.first, self._history.second, self._history.extra, self._labels
        # Commits that came after the labelling are not behind the base, or the base would have been labelled again.
        known = len(labels)
        seen: set[int] = set()
        meets: set[int] = set()
        waiting = [number]
        while waiting:
            at = waiting.pop()
            if at < known and labels[at] != _UNLABELLED:
                meets.add(at)
            elif at not in seen:
                seen.add(at)
                parent = first[at]
                if parent != NONE:
                    waiting.append(parent)
                    parent = second[at]
                    if parent != NONE:
                        waiting.append(parent)
                        if at in extra:
                            waiting += extra[at]
        return Own(seen, frozenset(meets))

    def _union(self, commits: frozenset[int]) -> int:
        """How many commits these labelled ones have behind themselves together, themselves included."""
        if len(commits) == 1:
            (commit,) = commits
            label = self._labels[commit]
            if self._mainline[label] == commit:
                return self._sizes[label]
        found = self._unions.get(commits)
        if found is None:
            found = self._unions[commits] = self._walk(commits)
        return found

    def _walk(self, commits: frozenset[int]) -> int:
        """Down to the mainline: below the highest commit reached there, all is counted already."""
        first, second, extra, labels = self._history.first, self._history.second, self._history.extra, self._labels
        mainline = self._mainline
        highest = -1
        beside: set[int] = set()
        waiting = list(commits)
        while waiting:
            at = waiting.pop()
            label = labels[at]
            if label <= highest or at in beside:
                continue
            if mainline[label] == at:
                highest = label
                continue
            beside.add(at)
            parent = first[at]
            if parent != NONE:
                waiting.append(parent)
                parent = second[at]
                if parent != NONE:
                    waiting.append(parent)
                    waiting += extra.get(at, ())
        above = sum(1 for commit in beside if labels[commit] > highest)
        return above + (self._sizes[highest] if highest >= 0 else 0)
