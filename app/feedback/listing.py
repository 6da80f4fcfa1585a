"""What one look at the list of rows brings."""

from __future__ import annotations

from dataclasses import dataclass

from app.db.paging import Cursor
from app.feedback.model import RowHead


@dataclass(frozen=True, slots=True)
class Step:
    """Some rows in the list's order; `more` is the cursor to go on from in the direction read, None at the end."""

    rows: tuple[RowHead, ...]
    more: Cursor | None
    looked_at: int
