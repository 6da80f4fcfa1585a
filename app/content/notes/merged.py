"""What is kept beside notes, put right after a merge brought rows past the code that keeps it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Connection, select, update

from app.content.tables import note, note_tag

if TYPE_CHECKING:
    from app.db.engine import Database


def match_times(db: Database) -> None:
    """Give tags the time of their note."""
    db.run_now(_match, True)


def _match(conn: Connection) -> None:
    time = select(note.c.updated_at).where(note.c.id == note_tag.c.note_id).scalar_subquery()
    conn.execute(update(note_tag).where(note_tag.c.updated_at != time).values(updated_at=time))
