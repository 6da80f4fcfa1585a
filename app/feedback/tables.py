"""Tables of the Feedback area, made for ten million rows.

`feedback` holds each row as it was captured. Its state is written in the transaction of the decision that changes it,
so that every list is one range of an index: all of them begin with columns that are compared for equality (state,
model, source) and go on with the key of the order and the id. A list over several states or models merges as many
ranges. Keys of orders are never NULL: what is unknown comes last. `feedback_tag` repeats state and time for the same
reason. There are no foreign keys: what belongs together is written in one transaction.
"""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Double, Index, Integer, LargeBinary, String, Table, Text, text
from sqlalchemy.dialects import mysql
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

from app.db.tables import AFTER_MERGE, ON_MERGE, SERVER_OPTIONS, metadata
from app.db.types import Digest, Identifier, Json, LongText, Ulid, UtcDateTime, Word, dumps, on_server
from app.feedback.model import HEAD_LENGTH

ID_LENGTH = 64
SOURCE_LENGTH = 64
EVENT_LENGTH = 200
NAME_LENGTH = 128
TAG_LENGTH = 64
REASON_LENGTH = 500
SCORE_UNKNOWN = 2.0
"""`score_order` of a row without a score: after every score."""
UNCERTAINTY_UNKNOWN = -1.0
"""`uncertainty_order` of a row without one: below every uncertainty."""

FOLLOWS = {ON_MERGE: "app.feedback.arriving:follow_rows"}
"""`info` of tables whose rows belong to one of feedback by its `feedback_id`."""

_BESIDE_NUMBER = ("source", "model_key", "captured_at", "decided_at")
_BESIDE_NAME = ("score_order", "uncertainty_order", "decided_at")


class JsonText(TypeDecorator[Any]):
    """A JSON value kept to the letter: MySQL's own JSON rounds large numbers and sorts keys. None is NULL."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return LongText().load_dialect_impl(dialect)

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else dumps(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return None if value is None else json.loads(value)


class Bytes(TypeDecorator[bytes]):
    """Bytes as they came, at most 16 MiB."""

    impl = LargeBinary
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(mysql.MEDIUMBLOB() if on_server(dialect) else LargeBinary())


feedback = Table(
    "feedback",
    metadata,
    Column("id", Word(ID_LENGTH), primary_key=True),
    Column("unique_key", Digest, nullable=False),
    Column("body_hash", Digest, nullable=False),
    Column("source", Identifier(SOURCE_LENGTH), nullable=False),
    Column("source_event_id", Identifier(EVENT_LENGTH)),
    Column("captured_at", UtcDateTime, nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Column("author", Identifier(EVENT_LENGTH)),
    Column("channel", Identifier(EVENT_LENGTH)),
    Column("model", Identifier(NAME_LENGTH)),
    Column("model_version", Identifier(NAME_LENGTH)),
    Column("prompt_version", Identifier(NAME_LENGTH)),
    Column("run_id", Identifier(NAME_LENGTH)),
    Column("language", Identifier(35)),
    Column("state", Word(8), nullable=False),
    Column("decided_at", UtcDateTime),
    Column("score", Double),
    Column("score_order", Double, nullable=False),
    Column("uncertainty_order", Double, nullable=False),
    Column("model_key", BigInteger, nullable=False),
    Column("cluster", BigInteger, nullable=False),
    Column("schema_version", Integer, nullable=False),
    Column("dedupe_hash", Word(64), nullable=False),
    Column("input_hash", Word(64), nullable=False),
    Column("batch", Ulid),
    Column("head", Identifier(HEAD_LENGTH), nullable=False),
    Column("tags", JsonText),
    Column("score_raw", JsonText),
    Column("input", LongText, nullable=False),
    Column("output", LongText, nullable=False),
    Column("comment", LongText),
    Column("context", JsonText),
    Index("ix_feedback_unique_key", "unique_key", unique=True),
    # SQLite spares itself what waits, which is most of what comes in.
    Index(
        "ix_feedback_state_decided_at_id",
        "state",
        "decided_at",
        "id",
        sqlite_where=text("decided_at IS NOT NULL"),
    ),
    # Behind their keys, these hold what else filters ask for, which is so asked of an entry rather than of a row.
    Index("ix_feedback_state_captured_at_known", "state", "captured_at", "id", "source", "model_key", *_BESIDE_NAME),
    Index("ix_feedback_state_score_order_id_known", "state", "score_order", "id", "uncertainty_order", *_BESIDE_NUMBER),
    Index(
        "ix_feedback_state_uncertainty_order_id_known",
        *("state", "uncertainty_order", "id", "score_order", *_BESIDE_NUMBER),
    ),
    Index("ix_feedback_state_model_key_captured_at_known", "state", "model_key", "captured_at", "id", *_BESIDE_NAME),
    Index("ix_feedback_state_source_captured_at_known", "state", "source", "captured_at", "id", *_BESIDE_NAME),
    Index("ix_feedback_state_cluster_id", "state", "cluster", "id"),
    info={AFTER_MERGE: "app.feedback.merged:put_right", ON_MERGE: "app.feedback.arriving:known_events"},
    **SERVER_OPTIONS,
)

feedback_tag = Table(
    "feedback_tag",
    metadata,
    Column("feedback_id", Word(ID_LENGTH), primary_key=True),
    Column("tag", Identifier(TAG_LENGTH), primary_key=True),
    Column("state", Word(8), nullable=False),
    Column("captured_at", UtcDateTime, nullable=False),
    Index("ix_feedback_tag_tag_state_captured_at_feedback_id", "tag", "state", "captured_at", "feedback_id"),
    sqlite_with_rowid=False,
    info=FOLLOWS,
    **SERVER_OPTIONS,
)

feedback_count = Table(
    "feedback_count",
    metadata,
    # Writers add to a shard of their own: one counter for all would make every transaction wait for every other.
    Column("state", Word(8), primary_key=True),
    Column("shard", Integer, primary_key=True, autoincrement=False),
    Column("total", BigInteger, nullable=False),
    **SERVER_OPTIONS,
)

feedback_model = Table(
    "feedback_model",
    metadata,
    # `feedback.model_key` of its rows. The newest model is the one whose first row was captured last.
    Column("model_key", BigInteger, primary_key=True, autoincrement=False),
    Column("model", Identifier(NAME_LENGTH)),
    Column("version", Identifier(NAME_LENGTH)),
    Column("first_at", UtcDateTime, nullable=False),
    Index("ix_feedback_model_first_at_model_key", "first_at", "model_key"),
    Index("ix_feedback_model_version_model_key", "version", "model_key"),
    **SERVER_OPTIONS,
)

feedback_cluster = Table(
    "feedback_cluster",
    metadata,
    # Clusters of at least two waiting rows, counted in the background.
    Column("cluster", BigInteger, primary_key=True, autoincrement=False),
    Column("waiting", Integer, nullable=False),
    Column("counted_at", UtcDateTime, nullable=False),
    Index("ix_feedback_cluster_waiting_cluster", "waiting", "cluster"),
    **SERVER_OPTIONS,
)

feedback_decision = Table(
    "feedback_decision",
    metadata,
    Column("id", Ulid, primary_key=True),
    Column("feedback_id", Word(ID_LENGTH), nullable=False),
    Column("kind", Word(8), nullable=False),
    Column("decided_at", UtcDateTime, nullable=False),
    Column("reviewer", Identifier(NAME_LENGTH), nullable=False),
    Column("verdict", Word(8)),
    Column("score", Double),
    Column("tags", JsonText),
    Column("correction", LongText),
    Column("note", LongText),
    Column("duration_ms", Integer),
    Column("rubric_version", Identifier(NAME_LENGTH), nullable=False),
    Column("task_hash", Word(64), nullable=False),
    Column("reshow", Boolean, nullable=False),
    Column("supersedes", Ulid),
    # The one thing that changes: the undo that holds now, so that the next one finds its decision by an index.
    Column("undone_by", Ulid),
    Index("ix_feedback_decision_feedback_id_decided_at_id", "feedback_id", "decided_at", "id"),
    Index("ix_feedback_decision_decided_at_id", "decided_at", "id"),
    Index("ix_feedback_decision_reviewer_decided_at_id", "reviewer", "decided_at", "id"),
    Index(
        "ix_feedback_decision_reviewer_kind_undone_by_feedback",
        "reviewer",
        "kind",
        "undone_by",
        "decided_at",
        "id",
        # So that the rows of a reviewer are known without a look at the log itself.
        "feedback_id",
    ),
    Index("ix_feedback_decision_reshow_decided_at_id", "reshow", "decided_at", "id"),
    info=FOLLOWS,
    **SERVER_OPTIONS,
)

feedback_claim = Table(
    "feedback_claim",
    metadata,
    Column("feedback_id", Word(ID_LENGTH), primary_key=True),
    Column("reviewer", Identifier(NAME_LENGTH), nullable=False),
    Column("session", Ulid, nullable=False),
    Column("claimed_until", UtcDateTime, nullable=False),
    Index("ix_feedback_claim_session_claimed_until", "session", "claimed_until"),
    Index("ix_feedback_claim_claimed_until", "claimed_until"),
    info=FOLLOWS,
    **SERVER_OPTIONS,
)

feedback_quarantine = Table(
    "feedback_quarantine",
    metadata,
    Column("id", Ulid, primary_key=True),
    Column("batch", Ulid, nullable=False),
    Column("source", Identifier(EVENT_LENGTH), nullable=False),
    Column("line", BigInteger, nullable=False),
    Column("reason", String(REASON_LENGTH), nullable=False),
    Column("field", Identifier(NAME_LENGTH), nullable=False),
    Column("raw", Bytes, nullable=False),
    Column("raw_size", BigInteger, nullable=False),
    Column("raw_hash", Word(64), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("state", Word(8), nullable=False),
    Index("ix_feedback_quarantine_state_id", "state", "id"),
    Index("ix_feedback_quarantine_batch_state_id", "batch", "state", "id"),
    Index("ix_feedback_quarantine_raw_hash", "raw_hash"),
    **SERVER_OPTIONS,
)

feedback_import = Table(
    "feedback_import",
    metadata,
    Column("id", Ulid, primary_key=True),
    # Of the file's path, its first bytes and the options: what makes an import the same one.
    Column("fingerprint", Digest, nullable=False),
    Column("name", LongText, nullable=False),
    Column("state", Word(8), nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("line", BigInteger, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("duplicate", BigInteger, nullable=False),
    Column("quarantined", BigInteger, nullable=False),
    Column("conflicts", BigInteger, nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Index("ix_feedback_import_fingerprint_state_id", "fingerprint", "state", "id"),
    **SERVER_OPTIONS,
)

feedback_key = Table(
    "feedback_key",
    metadata,
    Column("source", Identifier(SOURCE_LENGTH), primary_key=True),
    Column("idempotency_key", Identifier(EVENT_LENGTH), primary_key=True),
    Column("body_hash", Word(64), nullable=False),
    Column("answer", Json, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Index("ix_feedback_key_at", "at"),
    **SERVER_OPTIONS,
)

feedback_cursor = Table(
    "feedback_cursor",
    metadata,
    Column("source", Identifier(EVENT_LENGTH), primary_key=True),
    Column("position", Identifier(EVENT_LENGTH), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    **SERVER_OPTIONS,
)
