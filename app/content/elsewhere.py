"""Whether somebody else has kept a text: another instance of the app, a command, a folder of notes."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, get_args

from sqlalchemy import Connection, func, select, union_all

from app.content.model import DraftState, NoteState
from app.content.tables import draft as drafts
from app.content.tables import note as notes

if TYPE_CHECKING:
    from app.content.model import Draft, Note


def moved_on(conn: Connection, known: Draft | Note, *, note: bool) -> bool:
    """Whether the database has a later state of the text than this one."""
    table = notes if note else drafts
    row = conn.execute(select(table.c.revision, table.c.updated_at).where(table.c.id == known.id)).first()
    return row is not None and (row.revision, row.updated_at) > (known.revision, known.updated_at)


Latest = tuple[datetime | None, ...]
"""When a text was put into each state last, or changed there; another one when a list is not what it was."""


def latest(conn: Connection) -> Latest:
    """One look into an index for each state, however many texts there are."""
    found = union_all(
        *(
            select(func.max(table.c.updated_at).label("at")).where(table.c.state == state)
            for table, states in ((drafts, get_args(DraftState)), (notes, get_args(NoteState)))
            for state in states
        )
    )
    return tuple(conn.scalars(found))
