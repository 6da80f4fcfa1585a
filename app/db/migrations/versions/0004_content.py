"""The Content area: drafts, versions, publications, calls of language models, notes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.db import types
from app.db.migrations import steps
from app.db.types import on_server

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the tables."""
    steps.create_table(
        "draft",
        sa.Column("id", types.Ulid(), primary_key=True),
        sa.Column("template", types.Identifier(128), nullable=False),
        sa.Column("template_hash", types.Word(64), nullable=False),
        sa.Column("kind", types.Identifier(128), nullable=False),
        sa.Column("number", sa.Integer()),
        sa.Column("title", sa.String(500), nullable=False),
        sa.Column("fields", types.Json(), nullable=False),
        sa.Column("context", types.Json(), nullable=False),
        sa.Column("body", types.LongText(), nullable=False),
        sa.Column("state", types.Word(16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", types.UtcDateTime(), nullable=False),
        sa.Column("updated_at", types.UtcDateTime(), nullable=False),
    )
    steps.create_index("draft", "state", "updated_at", "id")
    steps.create_index("draft", "template", "state", "updated_at", "id")
    steps.create_index("draft", "kind", "number")
    steps.create_table(
        "draft_version",
        sa.Column("id", types.Ulid(), primary_key=True),
        sa.Column("draft_id", types.Ulid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("reason", types.Word(16), nullable=False),
        sa.Column("title", sa.String(500), nullable=False),
        sa.Column("fields", types.Json(), nullable=False),
        sa.Column("body", types.LongText(), nullable=False),
        sa.Column("words", sa.Integer(), nullable=False),
        sa.Column("at", types.UtcDateTime(), nullable=False),
    )
    steps.create_index("draft_version", "draft_id", "number", "id")
    steps.create_table(
        "publication",
        sa.Column("id", types.Ulid(), primary_key=True),
        sa.Column("draft_id", types.Ulid()),
        sa.Column("version_id", types.Ulid()),
        sa.Column("template", types.Identifier(128), nullable=False),
        sa.Column("target", types.Identifier(128), nullable=False),
        sa.Column("kind", types.Word(16), nullable=False),
        sa.Column("queue", types.Identifier(128), nullable=False),
        sa.Column("state", types.Word(20), nullable=False),
        sa.Column("title", sa.String(500), nullable=False),
        sa.Column("payload", types.Json(), nullable=False),
        sa.Column("payload_hash", types.Word(64), nullable=False),
        sa.Column("parts", sa.Integer(), nullable=False),
        sa.Column("parts_sent", sa.Integer(), nullable=False),
        sa.Column("override", types.Json()),
        sa.Column("replaces", types.Ulid()),
        sa.Column("due_at", types.UtcDateTime(), nullable=False),
        sa.Column("zone", types.Identifier(64), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("owner", types.Identifier(64)),
        sa.Column("leased_until", types.UtcDateTime()),
        sa.Column("remote", types.Json()),
        sa.Column("url", types.LongText()),
        sa.Column("error", types.LongText()),
        sa.Column("created_at", types.UtcDateTime(), nullable=False),
        sa.Column("updated_at", types.UtcDateTime(), nullable=False),
        sa.Column("sent_at", types.UtcDateTime()),
    )
    steps.create_index("publication", "state", "due_at", "id")
    steps.create_index("publication", "draft_id", "id")
    steps.create_index("publication", "template", "state", "sent_at")
    steps.create_index("publication", "queue", "state")
    steps.create_table(
        "publication_attempt",
        sa.Column("id", types.Ulid(), primary_key=True),
        sa.Column("publication_id", types.Ulid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("owner", types.Identifier(64), nullable=False),
        sa.Column("payload_hash", types.Word(64), nullable=False),
        sa.Column("started_at", types.UtcDateTime(), nullable=False),
        sa.Column("ended_at", types.UtcDateTime()),
        sa.Column("outcome", types.Word(20)),
        sa.Column("status", sa.Integer()),
        sa.Column("remote_id", types.Identifier(200)),
        sa.Column("error", types.LongText()),
    )
    steps.create_index("publication_attempt", "publication_id", "number", "part", unique=True)
    steps.create_table(
        "ai_call",
        sa.Column("id", types.Ulid(), primary_key=True),
        sa.Column("draft_id", types.Ulid()),
        sa.Column("profile", types.Identifier(128), nullable=False),
        sa.Column("model", types.Identifier(128), nullable=False),
        sa.Column("action", types.Word(16), nullable=False),
        sa.Column("outcome", types.Word(16), nullable=False),
        sa.Column("tokens_in", sa.BigInteger()),
        sa.Column("tokens_out", sa.BigInteger()),
        sa.Column("estimated", sa.Boolean(), nullable=False),
        sa.Column("cost", types.Money()),
        sa.Column("duration_s", sa.Double(), nullable=False),
        sa.Column("at", types.UtcDateTime(), nullable=False),
    )
    steps.create_index("ai_call", "at", "id")
    steps.create_index("ai_call", "draft_id", "id")
    steps.create_table(
        "note",
        sa.Column("id", types.Ulid(), primary_key=True),
        sa.Column("slug", types.Identifier(200), nullable=False),
        sa.Column("title", sa.String(500), nullable=False),
        sa.Column("hash", types.Word(64), nullable=False),
        sa.Column("state", types.Word(16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", types.UtcDateTime(), nullable=False),
        sa.Column("updated_at", types.UtcDateTime(), nullable=False),
        sa.Column("path", types.LongText(), nullable=False),
        sa.Column("front", types.LongText(), nullable=False),
        sa.Column("body", types.LongText(), nullable=False),
        sa.Column("words", types.LongText(), nullable=False),
    )
    steps.create_index("note", "slug", unique=True)
    steps.create_index("note", "state", "updated_at", "id")
    steps.create_table(
        "note_version",
        sa.Column("id", types.Ulid(), primary_key=True),
        sa.Column("note_id", types.Ulid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("reason", types.Word(16), nullable=False),
        sa.Column("title", sa.String(500), nullable=False),
        sa.Column("front", types.LongText(), nullable=False),
        sa.Column("body", types.LongText(), nullable=False),
        sa.Column("tags", types.Json(), nullable=False),
        sa.Column("hash", types.Word(64), nullable=False),
        sa.Column("at", types.UtcDateTime(), nullable=False),
    )
    steps.create_index("note_version", "note_id", "number", "id")
    steps.create_table(
        "note_tag",
        sa.Column("note_id", types.Ulid(), primary_key=True),
        sa.Column("tag", types.Identifier(64), primary_key=True),
        sqlite_with_rowid=False,
    )
    steps.create_index("note_tag", "tag", "note_id")
    steps.create_table(
        "note_link",
        sa.Column("note_id", types.Ulid(), primary_key=True),
        sa.Column("target", types.Identifier(200), primary_key=True),
        sqlite_with_rowid=False,
    )
    steps.create_index("note_link", "target", "note_id")
    _make_search()


def _make_search() -> None:
    """What finds words of notes: each database has an index of its own kind."""
    if on_server(op.get_bind().dialect):
        if "ix_note_search" not in {index["name"] for index in sa.inspect(op.get_bind()).get_indexes("note")}:
            op.execute("CREATE FULLTEXT INDEX ix_note_search ON note (words)")
        return
    for statement in (
        """CREATE VIRTUAL TABLE IF NOT EXISTS note_search
        USING fts5(words, content='note', tokenize='ascii', detail='none', columnsize=0)""",
        """CREATE TRIGGER IF NOT EXISTS note_search_insert AFTER INSERT ON note
        BEGIN INSERT INTO note_search(rowid, words) VALUES (new.rowid, new.words); END""",
        """CREATE TRIGGER IF NOT EXISTS note_search_delete AFTER DELETE ON note
        BEGIN INSERT INTO note_search(note_search, rowid, words) VALUES ('delete', old.rowid, old.words); END""",
        """CREATE TRIGGER IF NOT EXISTS note_search_update AFTER UPDATE ON note WHEN old.words IS NOT new.words
        BEGIN INSERT INTO note_search(note_search, rowid, words) VALUES ('delete', old.rowid, old.words);
        INSERT INTO note_search(rowid, words) VALUES (new.rowid, new.words); END""",
    ):
        op.execute(statement)
