"""The journal of operations on repositories."""

from __future__ import annotations

import sqlalchemy as sa

from app.db import types
from app.db.migrations import steps

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the table."""
    steps.create_table(
        "git_operation",
        sa.Column("id", types.Ulid(), primary_key=True),
        sa.Column("repository", types.Identifier(128), nullable=False),
        sa.Column("path", types.LongText(), nullable=False),
        sa.Column("kind", types.Word(16), nullable=False),
        sa.Column("state", types.Word(16), nullable=False),
        sa.Column("at", types.UtcDateTime(), nullable=False),
        sa.Column("updated_at", types.UtcDateTime(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(500), nullable=False),
        sa.Column("message", types.LongText(), nullable=False),
        sa.Column("undoes", types.Ulid()),
        sa.Column("undone_by", types.Ulid()),
        sa.Column("changes", types.Json(), nullable=False),
        sa.Column("config", types.Json(), nullable=False),
        sa.Column("commands", types.Json(), nullable=False),
        sa.Column("done", types.Json(), nullable=False),
        sa.Column("refused", types.Json(), nullable=False),
        sa.Column("remotes", types.Json(), nullable=False),
    )
    steps.create_index("git_operation", "repository", "id")
