"""The rows of a list with two levels: groups and their members, some folded, some filtered away.

Only what changed is worked out again: a group's rows are kept as one piece, and the list is the pieces joined.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

Match = Callable[[str], bool]


class Outline:
    """Groups and members by key. `rows` is what is on show, in order."""

    def __init__(self) -> None:
        self.rows: list[str] = []
        self.groups: dict[str, Sequence[str]] = {}
        self._parent: dict[str, str] = {}
        self._folded: set[str] = set()
        self._folded_matches: set[str] = set()
        self._match: Match | None = None
        self._pieces: dict[str, list[str]] = {}

    def load(self, groups: Mapping[str, Sequence[str]]) -> None:
        """Take over the whole content. Folds of groups that stay are kept."""
        self.groups = dict(groups)
        self._parent = {member: group for group, members in self.groups.items() for member in members}
        self._folded.intersection_update(self.groups)
        self._rebuild()

    def parent(self, row: str) -> str | None:
        """The group of a member; None for a group."""
        return self._parent.get(row)

    def members(self, group: str) -> Sequence[str]:
        """All members of a group, on show or not."""
        return self.groups.get(group, ())

    @property
    def filtered(self) -> bool:
        """True while only matching members are on show."""
        return self._match is not None

    def set_filter(self, match: Match | None) -> None:
        """Show only members that match, under their groups. Every group with a match starts unfolded."""
        self._match = match
        self._folded_matches.clear()
        self._rebuild()

    def is_folded(self, group: str) -> bool:
        """True when the group's members are hidden."""
        return group in (self._folded if self._match is None else self._folded_matches)

    def fold(self, groups: Iterable[str], folded: bool) -> bool:
        """Fold or unfold groups; True if that changed anything."""
        folds = self._folded if self._match is None else self._folded_matches
        changed = [group for group in groups if group in self.groups and (group in folds) != folded]
        if folded:
            folds.update(changed)
        else:
            folds.difference_update(changed)
        self.touch(changed)
        return bool(changed)

    def touch(self, groups: Iterable[str]) -> bool:
        """Work out the rows of these groups again; True if any differ."""
        differ = False
        for group in groups:
            if group not in self.groups:
                continue
            piece = self._piece(group)
            if piece != self._pieces.get(group):
                self._pieces[group] = piece
                differ = True
        if differ:
            self._join()
        return differ

    def _piece(self, group: str) -> list[str]:
        members = self.groups[group]
        if self._match is None:
            return [group] if group in self._folded else [group, *members]
        matching = [member for member in members if self._match(member)]
        if not matching and not (not members and self._match(group)):
            return []
        return [group] if group in self._folded_matches else [group, *matching]

    def _rebuild(self) -> None:
        self._pieces = {group: self._piece(group) for group in self.groups}
        self._join()

    def _join(self) -> None:
        rows: list[str] = []
        for piece in self._pieces.values():
            if piece:
                rows += piece
        self.rows = rows
