"""Whether somebody else has kept a text since: another instance of the app, a command, a folder of notes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Connection, select

from app.content.tables import draft as drafts
from app.content.tables import note as notes

if TYPE_CHECKING:
    from app.content.model import Draft, Note


def moved_on(conn: Connection, known: Draft | Note, *, note: bool) -> bool:
    """Whether the database has a later state of the text than this one."""
    table = notes if note else drafts
    row = conn.execute(select(table.c.revision, table.c.updated_at).where(table.c.id == known.id)).first()
    return row is not None and (row.revision, row.updated_at) > (known.revision, known.updated_at)
