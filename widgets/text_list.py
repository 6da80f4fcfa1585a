"""Texts, one line each: drafts and notes with their state, what they are called, their kind, their age."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import NamedTuple

from widgets.figures import short_age, wall_clock
from widgets.row_list import Part, RowList
from widgets.safe_text import clean_line, fit

NEAR = 30
"""Rows before the end at which more are asked for."""


class TextEntry(NamedTuple):
    """A line: `key` tells it apart, `sign` and `tone` its state, `at` when it changed (seconds since 1970)."""

    key: str
    sign: str
    tone: str
    title: str
    kind: str
    at: float
    open: bool = False
    """It stands in the editor."""


class TextList(RowList):
    """A list of texts."""

    def __init__(self) -> None:
        super().__init__()
        self.clock: Callable[[], float] = wall_clock
        self.entries: dict[str, TextEntry] = {}

    def show(self, entries: Sequence[TextEntry], *, keep: bool = True) -> None:
        """Show these."""
        self.entries = {entry.key: entry for entry in entries}
        self.set_rows(list(self.entries), keep=keep)

    @property
    def entry(self) -> TextEntry | None:
        """The line under the cursor."""
        row = self.cursor_row
        return self.entries.get(row) if row is not None else None

    @property
    def near_end(self) -> bool:
        """Whether more rows are soon needed."""
        return bool(self.rows) and self.cursor_index > len(self.rows) - NEAR

    def _age(self, row: str) -> str:
        return short_age(self.clock() - self.entries[row].at)

    def signature(self, row: str) -> Hashable:
        """All that a line shows."""
        return self.entries[row], self._age(row)

    def draw(self, row: str, width: int) -> Iterable[Part]:
        """`◐ The journal waits       devlog  3 d`."""
        entry = self.entries[row]
        age = self._age(row)
        kind_width = 9 if width >= 32 else 0
        room = max(width - kind_width - 10, 4)
        return (
            ("•" if row in self._marks else "▸" if entry.open else " ", "$accent"),
            (f"{entry.sign} ", entry.tone),
            (fit(clean_line(entry.title, 200) or "untitled", room), "bold"),
            (f" {fit(clean_line(entry.kind, 40), kind_width - 1)}" if kind_width else "", "$text-muted"),
            (f"{age.rjust(6)} ", "$text-muted"),
        )
