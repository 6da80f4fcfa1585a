"""Content: tags know when their note changed, so that the newest notes of a tag are found first."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.db import types
from app.db.migrations import steps

revision = "0006"
down_revision = "0005"

BEFORE = "note_tag_before"
"""The tags as they were, until all are in the new table."""


def upgrade() -> None:
    """Make the table anew, filled from what it was. Servers may be stopped between any two of these steps."""
    found = sa.inspect(op.get_bind())
    if not found.has_table(BEFORE):
        if "updated_at" in {column["name"] for column in found.get_columns("note_tag")}:
            return
        op.rename_table("note_tag", BEFORE)
    elif found.has_table("note_tag"):
        # Perhaps with a part of the rows.
        op.drop_table("note_tag")
    steps.create_table(
        "note_tag",
        sa.Column("note_id", types.Ulid(), primary_key=True),
        sa.Column("tag", types.Identifier(64), primary_key=True),
        sa.Column("updated_at", types.UtcDateTime(), nullable=False),
        sqlite_with_rowid=False,
    )
    steps.create_index("note_tag", "tag", "updated_at", "note_id")
    # Of a note that is not there, as little is known as before.
    op.execute(
        f"INSERT INTO note_tag (note_id, tag, updated_at) SELECT {BEFORE}.note_id, {BEFORE}.tag,"
        f" COALESCE(note.updated_at, '2000-01-01 00:00:00.000000') FROM {BEFORE}"
        f" LEFT JOIN note ON note.id = {BEFORE}.note_id"
    )
    op.drop_table(BEFORE)
