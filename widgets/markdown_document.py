"""The text of the Markdown editor: its lines, and beside each what it begins in, its words and its findings.

Everything is kept up line by line: an edit costs the lines that it touches, however long the text is.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable
from itertools import accumulate

from textual.document._document import Document, EditResult, Location

from widgets.markdown_syntax import OPENING, state_after

Mark = tuple[int, int, str]
"""Columns of a line, the end exclusive, and the severity of what was found there."""
Span = tuple[int, int, str]
"""Offsets into the text, the end exclusive, and a severity."""
Spliced = Callable[[int, int, int], None]
"""Told of every change: the first line, how many lines there were, how many there are now."""


def plain_ends(text: str) -> str:
    """The text with `\\n` as its only line end."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def word_count(line: str) -> int:
    """Words of a line: what stands between blanks."""
    return len(line.split())


class MarkdownDocument(Document):
    """Lines as they are: only `\\n` ends one, and no character is taken for anything else."""

    def __init__(self, text: str) -> None:
        super().__init__("")
        self._lines = plain_ends(text).split("\n")
        self.words = sum(map(word_count, self._lines))
        self.states: list[str] = []
        """What each line begins in."""
        state = OPENING
        for line in self._lines:
            self.states.append(state)
            state = state_after(line, state)
        self._marks: list[tuple[Mark, ...]] | None = None
        self._starts: list[int] | None = None
        self.on_splice: Spliced | None = None

    @property
    def text(self) -> str:
        """The whole text."""
        return "\n".join(self._lines)

    # Changes

    def replace_range(self, start: Location, end: Location, text: str) -> EditResult:
        """Replace what stands between two places; the only way in which a text changes."""
        (top, left), (bottom, right) = sorted((self._within(start), self._within(end)))
        lines = self._lines
        replaced = self.get_text_range((top, left), (bottom, right))
        new = plain_ends(text).split("\n")
        ends_at = len(new[-1]) + (left if len(new) == 1 else 0)
        new[0] = lines[top][:left] + new[0]
        new[-1] += lines[bottom][right:]
        self.words += sum(map(word_count, new)) - sum(map(word_count, lines[top : bottom + 1]))
        if self._marks is not None:
            self._move_marks((top, left), (bottom, right), (top + len(new) - 1, ends_at))
        lines[top : bottom + 1] = new
        self._starts = None
        self._follow_states(top, bottom + 1 - top, len(new))
        if self.on_splice is not None:
            self.on_splice(top, bottom + 1 - top, len(new))
        return EditResult((top + len(new) - 1, ends_at), replaced)

    def _within(self, location: Location) -> Location:
        row, column = location
        if row >= len(self._lines):
            return len(self._lines) - 1, len(self._lines[-1])
        return max(row, 0), max(0, min(column, len(self._lines[max(row, 0)])))

    def get_text_range(self, start: Location, end: Location) -> str:
        """What stands between two places."""
        (top, left), (bottom, right) = sorted((self._within(start), self._within(end)))
        if top == bottom:
            return self._lines[top][left:right]
        return "\n".join((self._lines[top][left:], *self._lines[top + 1 : bottom], self._lines[bottom][:right]))

    def _follow_states(self, top: int, old: int, new: int) -> None:
        states, lines = self.states, self._lines
        after = states[top + old] if top + old < len(states) else None
        state = states[top]
        fresh = []
        for line in lines[top : top + new]:
            fresh.append(state)
            state = state_after(line, state)
        states[top : top + old] = fresh
        row = top + new
        # Only where a line leaves another state behind than before must the lines below be looked at.
        while after is not None and row < len(states) and states[row] != state:
            states[row] = state
            state = state_after(lines[row], state)
            row += 1

    # Places

    @property
    def starts(self) -> list[int]:
        """The offset at which each line begins."""
        if self._starts is None:
            self._starts = [0, *accumulate(len(line) + 1 for line in self._lines)]
            self._starts.pop()
        return self._starts

    def offset_of(self, location: Location) -> int:
        """The offset of a place in the text."""
        row, column = self._within(location)
        return self.starts[row] + column

    def place_of(self, offset: int) -> Location:
        """The place of an offset; offsets beyond the text are its end."""
        row = max(bisect_right(self.starts, offset) - 1, 0)
        return row, max(0, min(offset - self.starts[row], len(self._lines[row])))

    # Findings

    def set_marks(self, spans: Iterable[Span]) -> None:
        """Take over what was found, instead of all that was before."""
        marks: list[list[Mark]] = [[] for _ in self._lines]
        for start, end, severity in spans:
            (top, left), (bottom, right) = self.place_of(start), self.place_of(end)
            for row in range(top, bottom + 1):
                first = left if row == top else 0
                last = right if row == bottom else len(self._lines[row])
                if last > first:
                    marks[row].append((first, last, severity))
        self._marks = [tuple(row) for row in marks] if any(marks) else None

    def marks_of(self, row: int) -> tuple[Mark, ...]:
        """What was found in a line."""
        return self._marks[row] if self._marks is not None else ()

    def marked_rows(self) -> list[int]:
        """The lines in which something was found."""
        return [row for row, marks in enumerate(self._marks or ()) if marks]

    def _move_marks(self, top: Location, bottom: Location, end: Location) -> None:
        assert self._marks is not None
        marks, (row, left), (last, right), (new_row, new_column) = self._marks, top, bottom, end
        head, tail = [], []
        for start, stop, severity in marks[row]:
            if row == last and start < left and stop > right:
                # Typed within what was found: it grows with the text.
                head.append((start, stop + (new_column - right if new_row == row else left - stop), severity))
                continue
            if start < left:
                head.append((start, min(stop, left), severity))
        for start, stop, severity in marks[last]:
            if start >= right:
                tail.append((start + new_column - right, stop + new_column - right, severity))
            elif stop > right and (row != last or start >= left):
                tail.append((new_column, stop + new_column - right, severity))
        fresh: list[tuple[Mark, ...]] = [()] * (new_row - row + 1)
        fresh[0] = tuple(head)
        fresh[-1] += tuple(tail)
        marks[row : last + 1] = fresh
