"""Tables of the Content area: drafts with their versions, what was published of them where, and notes.

The latest text of a draft and of a note stands in its own row, so that lists and the editor need no second read; the
versions are never changed. There are no foreign keys: what belongs together is written in one transaction. `note.words`
is what the search looks in; its index is no part of the metadata, since each database has one of its own kind.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Connection, Double, Index, Integer, String, Table, event

from app.db.tables import AFTER_MERGE, SERVER_OPTIONS, metadata
from app.db.types import Identifier, Json, LongText, Money, Ulid, UtcDateTime, Word, on_server

TITLE_LENGTH = 500
TEMPLATE_LENGTH = 128
TARGET_LENGTH = 128
SLUG_LENGTH = 200
TAG_LENGTH = 64
MODEL_LENGTH = 128

draft = Table(
    "draft",
    metadata,
    Column("id", Ulid, primary_key=True),
    Column("template", Identifier(TEMPLATE_LENGTH), nullable=False),
    Column("template_hash", Word(64), nullable=False),
    Column("kind", Identifier(TEMPLATE_LENGTH), nullable=False),
    Column("number", Integer),
    Column("title", String(TITLE_LENGTH), nullable=False),
    Column("fields", Json, nullable=False),
    Column("context", Json, nullable=False),
    Column("body", LongText, nullable=False),
    Column("state", Word(16), nullable=False),
    Column("version", Integer, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Index("ix_draft_state_updated_at_id", "state", "updated_at", "id"),
    Index("ix_draft_template_state_updated_at_id", "template", "state", "updated_at", "id"),
    Index("ix_draft_kind_number", "kind", "number"),
    **SERVER_OPTIONS,
)

draft_version = Table(
    "draft_version",
    metadata,
    Column("id", Ulid, primary_key=True),
    Column("draft_id", Ulid, nullable=False),
    Column("number", Integer, nullable=False),
    Column("reason", Word(16), nullable=False),
    Column("title", String(TITLE_LENGTH), nullable=False),
    Column("fields", Json, nullable=False),
    Column("body", LongText, nullable=False),
    Column("words", Integer, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    # Two instances may each save a version while the database is away: both stay, told apart by their ids.
    Index("ix_draft_version_draft_id_number_id", "draft_id", "number", "id"),
    **SERVER_OPTIONS,
)

publication = Table(
    "publication",
    metadata,
    Column("id", Ulid, primary_key=True),
    Column("draft_id", Ulid),
    Column("version_id", Ulid),
    Column("template", Identifier(TEMPLATE_LENGTH), nullable=False),
    Column("target", Identifier(TARGET_LENGTH), nullable=False),
    Column("kind", Word(16), nullable=False),
    Column("queue", Identifier(TARGET_LENGTH), nullable=False),
    Column("state", Word(20), nullable=False),
    Column("title", String(TITLE_LENGTH), nullable=False),
    Column("payload", Json, nullable=False),
    Column("payload_hash", Word(64), nullable=False),
    Column("parts", Integer, nullable=False),
    Column("parts_sent", Integer, nullable=False),
    Column("override", Json),
    Column("replaces", Ulid),
    Column("due_at", UtcDateTime, nullable=False),
    Column("zone", Identifier(64), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("owner", Identifier(64)),
    Column("leased_until", UtcDateTime),
    Column("remote", Json),
    Column("url", LongText),
    Column("error", LongText),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("sent_at", UtcDateTime),
    Index("ix_publication_state_due_at_id", "state", "due_at", "id"),
    Index("ix_publication_draft_id_id", "draft_id", "id"),
    Index("ix_publication_template_state_sent_at", "template", "state", "sent_at"),
    Index("ix_publication_queue_state", "queue", "state"),
    **SERVER_OPTIONS,
)

publication_attempt = Table(
    "publication_attempt",
    metadata,
    Column("id", Ulid, primary_key=True),
    Column("publication_id", Ulid, nullable=False),
    Column("number", Integer, nullable=False),
    Column("part", Integer, nullable=False),
    Column("owner", Identifier(64), nullable=False),
    Column("payload_hash", Word(64), nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("outcome", Word(20)),
    Column("status", Integer),
    Column("remote_id", Identifier(200)),
    Column("error", LongText),
    Index("ix_publication_attempt_publication_id_number_part", "publication_id", "number", "part", unique=True),
    **SERVER_OPTIONS,
)

ai_call = Table(
    "ai_call",
    metadata,
    Column("id", Ulid, primary_key=True),
    Column("draft_id", Ulid),
    Column("profile", Identifier(TEMPLATE_LENGTH), nullable=False),
    Column("model", Identifier(MODEL_LENGTH), nullable=False),
    Column("action", Word(16), nullable=False),
    Column("outcome", Word(16), nullable=False),
    Column("tokens_in", BigInteger),
    Column("tokens_out", BigInteger),
    Column("estimated", Boolean, nullable=False),
    Column("cost", Money),
    Column("duration_s", Double, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Index("ix_ai_call_at_id", "at", "id"),
    Index("ix_ai_call_draft_id_id", "draft_id", "id"),
    **SERVER_OPTIONS,
)

note = Table(
    "note",
    metadata,
    Column("id", Ulid, primary_key=True),
    Column("slug", Identifier(SLUG_LENGTH), nullable=False),
    Column("title", String(TITLE_LENGTH), nullable=False),
    Column("hash", Word(64), nullable=False),
    Column("state", Word(16), nullable=False),
    Column("version", Integer, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    # The long ones last: SQLite reads a row up to the column that is asked for.
    Column("path", LongText, nullable=False),
    Column("front", LongText, nullable=False),
    Column("body", LongText, nullable=False),
    Column("words", LongText, nullable=False),
    Index("ix_note_slug", "slug", unique=True),
    Index("ix_note_state_updated_at_id", "state", "updated_at", "id"),
    **SERVER_OPTIONS,
)

note_version = Table(
    "note_version",
    metadata,
    Column("id", Ulid, primary_key=True),
    Column("note_id", Ulid, nullable=False),
    Column("number", Integer, nullable=False),
    Column("reason", Word(16), nullable=False),
    Column("title", String(TITLE_LENGTH), nullable=False),
    Column("front", LongText, nullable=False),
    Column("body", LongText, nullable=False),
    Column("tags", Json, nullable=False),
    Column("hash", Word(64), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Index("ix_note_version_note_id_number_id", "note_id", "number", "id"),
    **SERVER_OPTIONS,
)

note_tag = Table(
    "note_tag",
    metadata,
    Column("note_id", Ulid, primary_key=True),
    Column("tag", Identifier(TAG_LENGTH), primary_key=True),
    # The note's, so that the newest notes of a tag are a range of the index.
    Column("updated_at", UtcDateTime, nullable=False),
    Index("ix_note_tag_tag_updated_at_note_id", "tag", "updated_at", "note_id"),
    sqlite_with_rowid=False,
    info={AFTER_MERGE: "app.content.notes.merged:match_times"},
    **SERVER_OPTIONS,
)

note_link = Table(
    "note_link",
    metadata,
    # What a note links to by `[[target]]`: a slug, whether or not a note has it yet.
    Column("note_id", Ulid, primary_key=True),
    Column("target", Identifier(SLUG_LENGTH), primary_key=True),
    Index("ix_note_link_target_note_id", "target", "note_id"),
    sqlite_with_rowid=False,
    **SERVER_OPTIONS,
)

SEARCH = "note_search"
_SQLITE_SEARCH = (
    # `detail` and `columnsize` are for phrases and for ranks, which this search does not ask of the database.
    f"""CREATE VIRTUAL TABLE IF NOT EXISTS {SEARCH}
        USING fts5(words, content='note', tokenize='ascii', detail='none', columnsize=0)""",
    f"""CREATE TRIGGER IF NOT EXISTS {SEARCH}_insert AFTER INSERT ON note
        BEGIN INSERT INTO {SEARCH}(rowid, words) VALUES (new.rowid, new.words); END""",
    f"""CREATE TRIGGER IF NOT EXISTS {SEARCH}_delete AFTER DELETE ON note
        BEGIN INSERT INTO {SEARCH}({SEARCH}, rowid, words) VALUES ('delete', old.rowid, old.words); END""",
    f"""CREATE TRIGGER IF NOT EXISTS {SEARCH}_update AFTER UPDATE ON note WHEN old.words IS NOT new.words
        BEGIN INSERT INTO {SEARCH}({SEARCH}, rowid, words) VALUES ('delete', old.rowid, old.words);
        INSERT INTO {SEARCH}(rowid, words) VALUES (new.rowid, new.words); END""",
)


def _make_search(_table: Table, conn: Connection, **_options: Any) -> None:
    """What finds words of notes: SQLite's full-text table, kept by triggers, or the servers' full-text index."""
    if on_server(conn.dialect):
        conn.exec_driver_sql(f"CREATE FULLTEXT INDEX ix_{SEARCH} ON note (words)")
    else:
        for statement in _SQLITE_SEARCH:
            conn.exec_driver_sql(statement)


def _drop_search(_table: Table, conn: Connection, **_options: Any) -> None:
    if not on_server(conn.dialect):
        conn.exec_driver_sql(f"DROP TABLE IF EXISTS {SEARCH}")


event.listen(note, "after_create", _make_search)
event.listen(note, "after_drop", _drop_search)
