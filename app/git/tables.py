"""Tables of the Git area: the journal of operations."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, String, Table

from app.db.tables import SERVER_OPTIONS, metadata
from app.db.types import Identifier, Json, LongText, Ulid, UtcDateTime, Word

NAME_LENGTH = 128
TITLE_LENGTH = 500

git_operation = Table(
    "git_operation",
    metadata,
    Column("id", Ulid, primary_key=True),
    Column("repository", Identifier(NAME_LENGTH), nullable=False),
    Column("path", LongText, nullable=False),
    Column("kind", Word(16), nullable=False),
    Column("state", Word(16), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("title", String(TITLE_LENGTH), nullable=False),
    Column("message", LongText, nullable=False),
    Column("undoes", Ulid),
    Column("undone_by", Ulid),
    Column("changes", Json, nullable=False),
    Column("config", Json, nullable=False),
    Column("commands", Json, nullable=False),
    Column("done", Json, nullable=False),
    Column("refused", Json, nullable=False),
    Column("remotes", Json, nullable=False),
    Index("ix_git_operation_repository_id", "repository", "id"),
    **SERVER_OPTIONS,
)
