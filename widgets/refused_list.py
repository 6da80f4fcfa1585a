"""What broke the contract: a line each with where it came from and why, and one of them as it came."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING

from widgets.content_lines import INDENT, content_lines
from widgets.feedback_lines import KINDS
from widgets.figures import moment, short_age, wall_clock
from widgets.lines_view import TextLine, folded, heading, labelled
from widgets.row_list import Part, RowList
from widgets.safe_text import clean_line, fit, shorten, width_of

if TYPE_CHECKING:
    from app.feedback.model import Quarantined

FROM = 24


def origin(entry: Quarantined) -> str:
    """`rows.jsonl:12`, `discord`."""
    name = clean_line(PurePath(entry.source).name or entry.source, 120)
    return f"{name}:{entry.line:,}" if entry.line else name


def reason(entry: Quarantined) -> str:
    """`score: input should be at most 1`."""
    return clean_line(f"{entry.field}: {entry.reason}" if entry.field else entry.reason, 400)


class RefusedList(RowList):
    """Entries of the quarantine, oldest first."""

    def __init__(self) -> None:
        super().__init__()
        self.clock: Callable[[], float] = wall_clock
        self.entries: dict[str, Quarantined] = {}
        self._side = 0

    def show(self, entries: Sequence[Quarantined], *, keep: bool = True) -> None:
        """Show these entries."""
        self.entries = {entry.id: entry for entry in entries}
        self._side = min(FROM, 1 + max((width_of(origin(entry)) for entry in entries), default=0))
        self.set_rows(list(self.entries), keep=keep)

    @property
    def entry(self) -> Quarantined | None:
        """The entry under the cursor."""
        row = self.cursor_row
        return self.entries.get(row) if row is not None else None

    def signature(self, row: str) -> Hashable:
        """An entry never changes while it is open; only its mark and its age do."""
        return row in self.marks, short_age(self.clock() - self.entries[row].at.timestamp())

    def draw(self, row: str, width: int) -> Iterable[Part]:
        """`⚠ score: input should be at most 1   rows.jsonl:12    3 d`."""
        entry = self.entries[row]
        age = short_age(self.clock() - entry.at.timestamp())
        side = self._side if width >= 60 else 0
        room = max(width - side - 7 - 4, 8)
        parts: list[Part] = [
            ("•" if row in self.marks else " ", "$accent"),
            ("⚠ ", "$warning"),
            (fit(reason(entry), room), "bold"),
        ]
        if side:
            parts.append((f" {shorten(origin(entry), side - 1).rjust(side - 1)}", ""))
        parts.append((f"{age.rjust(7)} ", "$text-muted"))
        return parts


def refused_lines(entry: Quarantined, now: float, width: int, *, unfolded: bool) -> Iterator[TextLine]:
    """Everything about an entry: what is wrong, and the whole as it came."""
    at = moment(entry.at.timestamp(), now)
    title = f"line {entry.line:,} of {origin(entry).rpartition(':')[0]}" if entry.line else origin(entry)
    title = shorten(title, max(width - len(at) - 4, 8))
    gap = " " * max(width - 2 - width_of(title) - len(at), 1)
    yield TextLine((("⚠ ", "$warning"), (title, "bold"), (gap, ""), (at, "$text-muted")))
    yield TextLine()
    yield from folded(reason(entry), width, limit=6)
    text = entry.raw.decode(errors="replace")
    kind, lines, more = content_lines(text, width, unfolded=unfolded)
    yield from heading(f"as it came  {KINDS[kind]}".rstrip())
    yield from lines
    if more:
        yield TextLine(((f"{INDENT}… {more:,} more line{'s' if more > 1 else ''}", "$text-muted"),))
    yield TextLine()
    size = f"{entry.raw_size:,} bytes"
    if not entry.complete:
        size += f", of which the first {entry.kept:,} are kept: bring it in again from where it came"
    elif len(entry.raw) < entry.kept:
        size += f", of which the first {len(entry.raw):,} are shown; all are kept"
    yield from labelled("size", size, width, column=10)
    yield from labelled("id", entry.id, width, column=10)
