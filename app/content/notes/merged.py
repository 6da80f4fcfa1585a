"""What is kept beside notes, put right after a merge brought rows past the code that keeps it."""

from __future__ import annotations

from sqlalchemy import Connection, select, update

from app.content.tables import note, note_tag


def match_times(conn: Connection) -> None:
    """Give tags the time of their note."""
    time = select(note.c.updated_at).where(note.c.id == note_tag.c.note_id).scalar_subquery()
    conn.execute(update(note_tag).where(note_tag.c.updated_at != time).values(updated_at=time))
