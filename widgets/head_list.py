"""Rows of feedback, one line each: those to come, or any part of millions of them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TYPE_CHECKING

from widgets.feedback_lines import GLYPHS, signed
from widgets.figures import short_age, wall_clock
from widgets.row_list import Part, RowList
from widgets.safe_text import clean_line, fit, shorten, width_of

if TYPE_CHECKING:
    from app.feedback.model import QueueItem, RowHead

WHY = 20
TAKEN_BACK = "taken back"
HEAD = 200
NEAR = 30
"""Rows before either end at which more are asked for."""
KEPT = 2_000
"""Rows kept of a long list: those far from the cursor are let go and read again."""


def first_words(text: str) -> str:
    """The beginning of a text, in one cleaned line."""
    return clean_line(" ".join(text[:HEAD].split()), HEAD) or "empty"


def why_of(item: QueueItem) -> str:
    """Why a row is where it is in the queue. One decided beside the queue has no reason of its own once it is back."""
    return item.why or TAKEN_BACK


class QueueList(RowList):
    """The rows to review, the present one on top, with the reason of each. It is only read."""

    can_focus = False

    def __init__(self) -> None:
        super().__init__()
        self.items: dict[str, QueueItem] = {}

    def show(self, items: Sequence[QueueItem]) -> None:
        """Show these rows."""
        self.items = {item.row.id: item for item in items}
        self.set_rows(list(self.items), keep=False)

    def signature(self, row: str) -> Hashable:
        """A row of the queue never changes while it waits."""
        return why_of(self.items[row])

    def draw(self, row: str, width: int) -> Iterable[Part]:
        """`○ the price is quoted in…   waits 29 d`."""
        item = self.items[row]
        first = row == self.cursor_row
        why = shorten(clean_line(why_of(item), 60), min(WHY, width // 2))
        room = max(width - width_of(why) - 4, 4)
        text = first_words(item.row.output)
        return (
            ("▸ " if first else "  ", "$accent"),
            (fit(text, room), "bold" if first else ""),
            (f" {why} ", "$text-muted"),
        )


class HeadList(RowList):
    """A window onto a list of any length: more rows are put at either end as the cursor comes near to it."""

    def __init__(self) -> None:
        super().__init__()
        self.clock: Callable[[], float] = wall_clock
        self.heads: dict[str, RowHead] = {}
        self.complete_before = True
        self.complete_after = True

    def show(self, heads: Sequence[RowHead], *, keep: bool = True) -> None:
        """Show these rows."""
        self.heads = {head.id: head for head in heads}
        self.set_rows(list(self.heads), keep=keep)

    def extend(self, heads: Sequence[RowHead], *, before: bool) -> None:
        """Put more rows at one end; as many at the other are let go."""
        known = list(self.heads.values())
        rows = [*heads, *known] if before else [*known, *heads]
        if len(rows) > KEPT:
            rows = rows[:KEPT] if before else rows[-KEPT:]
            if before:
                self.complete_after = False
            else:
                self.complete_before = False
        self.show(rows)

    @property
    def head(self) -> RowHead | None:
        """The row under the cursor."""
        row = self.cursor_row
        return self.heads.get(row) if row is not None else None

    @property
    def wants(self) -> str:
        """`after` or `before`: where more rows are soon needed; empty where none are."""
        if not self.rows:
            return ""
        if not self.complete_after and self.cursor_index > len(self.rows) - NEAR:
            return "after"
        return "before" if not self.complete_before and self.cursor_index < NEAR else ""

    def signature(self, row: str) -> Hashable:
        """All that a line shows."""
        return self.heads[row]

    def draw(self, row: str, width: int) -> Iterable[Part]:
        """`● ✓ the price is quoted in cents      fill v2   −0.50    3 d`."""
        head = self.heads[row]
        glyph, tone = GLYPHS[head.state]
        mark = "•" if row in self.marks else " "
        model = " ".join(part for part in (head.model, head.model_version) if part)
        score = "" if head.score is None else signed(head.score)
        age = short_age(self.clock() - head.captured_at.timestamp())
        wide = width >= 70
        side = (18 if wide else 0) + 7 + 7
        room = max(width - side - 4, 8)
        parts: list[Part] = [
            (mark, "$accent"),
            (f"{glyph} ", tone),
            (fit(first_words(head.head), room), "bold" if head.state == "waiting" else ""),
        ]
        if wide:
            parts.append((f" {fit(clean_line(model, 60), 17)}", "$text-muted"))
        parts.append((score.rjust(7), ""))
        parts.append((f"{age.rjust(7)} ", "$text-muted"))
        return parts
