"""Feedback: rows, decisions, claims, quarantine, imports, and the retrain trigger."""

from __future__ import annotations

import sqlalchemy as sa

from app.db import types
from app.db.migrations import steps
from app.feedback.tables import Bytes, JsonText

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the tables."""
    steps.create_table(
        "feedback",
        sa.Column("id", types.Word(64), primary_key=True),
        sa.Column("unique_key", types.Digest(), nullable=False),
        sa.Column("body_hash", types.Digest(), nullable=False),
        sa.Column("source", types.Identifier(64), nullable=False),
        sa.Column("source_event_id", types.Identifier(200)),
        sa.Column("captured_at", types.UtcDateTime(), nullable=False),
        sa.Column("received_at", types.UtcDateTime(), nullable=False),
        sa.Column("author", types.Identifier(200)),
        sa.Column("channel", types.Identifier(200)),
        sa.Column("model", types.Identifier(128)),
        sa.Column("model_version", types.Identifier(128)),
        sa.Column("prompt_version", types.Identifier(128)),
        sa.Column("run_id", types.Identifier(128)),
        sa.Column("language", types.Identifier(35)),
        sa.Column("state", types.Word(8), nullable=False),
        sa.Column("decided_at", types.UtcDateTime()),
        sa.Column("score", sa.Double()),
        sa.Column("score_order", sa.Double(), nullable=False),
        sa.Column("uncertainty_order", sa.Double(), nullable=False),
        sa.Column("model_key", sa.BigInteger(), nullable=False),
        sa.Column("cluster", sa.BigInteger(), nullable=False),
        sa.Column("schema_version", sa.Integer(), nullable=False),
        sa.Column("dedupe_hash", types.Word(64), nullable=False),
        sa.Column("input_hash", types.Word(64), nullable=False),
        sa.Column("batch", types.Ulid()),
        sa.Column("head", types.Identifier(200), nullable=False),
        sa.Column("tags", JsonText()),
        sa.Column("score_raw", JsonText()),
        sa.Column("input", types.LongText(), nullable=False),
        sa.Column("output", types.LongText(), nullable=False),
        sa.Column("comment", types.LongText()),
        sa.Column("context", JsonText()),
    )
    steps.create_index("feedback", "state", "captured_at", "id")
    steps.create_index("feedback", "state", "cluster", "id")
    steps.create_index("feedback", "state", "decided_at", "id")
    steps.create_index("feedback", "state", "model_key", "captured_at", "id")
    steps.create_index("feedback", "state", "score_order", "id")
    steps.create_index("feedback", "state", "source", "captured_at", "id")
    steps.create_index("feedback", "state", "uncertainty_order", "id")
    steps.create_index("feedback", "unique_key", unique=True)
    steps.create_table(
        "feedback_tag",
        sa.Column("feedback_id", types.Word(64), primary_key=True),
        sa.Column("tag", types.Identifier(64), primary_key=True),
        sa.Column("state", types.Word(8), nullable=False),
        sa.Column("captured_at", types.UtcDateTime(), nullable=False),
        sqlite_with_rowid=False,
    )
    steps.create_index("feedback_tag", "tag", "state", "captured_at", "feedback_id")
    steps.create_table(
        "feedback_count",
        sa.Column("state", types.Word(8), primary_key=True),
        sa.Column("shard", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
    )
    steps.create_table(
        "feedback_model",
        sa.Column("model_key", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("model", types.Identifier(128)),
        sa.Column("version", types.Identifier(128)),
        sa.Column("first_at", types.UtcDateTime(), nullable=False),
    )
    steps.create_index("feedback_model", "first_at", "model_key")
    steps.create_index("feedback_model", "version", "model_key")
    steps.create_table(
        "feedback_cluster",
        sa.Column("cluster", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("waiting", sa.Integer(), nullable=False),
        sa.Column("counted_at", types.UtcDateTime(), nullable=False),
    )
    steps.create_index("feedback_cluster", "waiting", "cluster")
    steps.create_table(
        "feedback_decision",
        sa.Column("id", types.Ulid(), primary_key=True),
        sa.Column("feedback_id", types.Word(64), nullable=False),
        sa.Column("kind", types.Word(8), nullable=False),
        sa.Column("decided_at", types.UtcDateTime(), nullable=False),
        sa.Column("reviewer", types.Identifier(128), nullable=False),
        sa.Column("verdict", types.Word(8)),
        sa.Column("score", sa.Double()),
        sa.Column("tags", JsonText()),
        sa.Column("correction", types.LongText()),
        sa.Column("note", types.LongText()),
        sa.Column("duration_ms", sa.Integer()),
        sa.Column("rubric_version", types.Identifier(128), nullable=False),
        sa.Column("task_hash", types.Word(64), nullable=False),
        sa.Column("reshow", sa.Boolean(), nullable=False),
        sa.Column("supersedes", types.Ulid()),
        sa.Column("undone_by", types.Ulid()),
    )
    steps.create_index("feedback_decision", "decided_at", "id")
    steps.create_index("feedback_decision", "feedback_id", "decided_at", "id")
    steps.create_index("feedback_decision", "reshow", "decided_at", "id")
    steps.create_index("feedback_decision", "reviewer", "decided_at", "id")
    steps.create_index("feedback_decision", "reviewer", "kind", "undone_by", "decided_at", "id")
    steps.create_table(
        "feedback_claim",
        sa.Column("feedback_id", types.Word(64), primary_key=True),
        sa.Column("reviewer", types.Identifier(128), nullable=False),
        sa.Column("session", types.Ulid(), nullable=False),
        sa.Column("claimed_until", types.UtcDateTime(), nullable=False),
    )
    steps.create_index("feedback_claim", "claimed_until")
    steps.create_index("feedback_claim", "session", "claimed_until")
    steps.create_table(
        "feedback_quarantine",
        sa.Column("id", types.Ulid(), primary_key=True),
        sa.Column("batch", types.Ulid(), nullable=False),
        sa.Column("source", types.Identifier(200), nullable=False),
        sa.Column("line", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(500), nullable=False),
        sa.Column("field", types.Identifier(128), nullable=False),
        sa.Column("raw", Bytes(), nullable=False),
        sa.Column("raw_size", sa.BigInteger(), nullable=False),
        sa.Column("raw_hash", types.Word(64), nullable=False),
        sa.Column("at", types.UtcDateTime(), nullable=False),
        sa.Column("state", types.Word(8), nullable=False),
    )
    steps.create_index("feedback_quarantine", "batch", "state", "id")
    steps.create_index("feedback_quarantine", "state", "id")
    steps.create_table(
        "feedback_import",
        sa.Column("id", types.Ulid(), primary_key=True),
        sa.Column("fingerprint", types.Digest(), nullable=False),
        sa.Column("name", types.LongText(), nullable=False),
        sa.Column("state", types.Word(8), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("line", sa.BigInteger(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("duplicate", sa.BigInteger(), nullable=False),
        sa.Column("quarantined", sa.BigInteger(), nullable=False),
        sa.Column("conflicts", sa.BigInteger(), nullable=False),
        sa.Column("started_at", types.UtcDateTime(), nullable=False),
        sa.Column("updated_at", types.UtcDateTime(), nullable=False),
    )
    steps.create_index("feedback_import", "fingerprint", "state", "id")
    steps.create_table(
        "feedback_key",
        sa.Column("source", types.Identifier(64), primary_key=True),
        sa.Column("idempotency_key", types.Identifier(200), primary_key=True),
        sa.Column("body_hash", types.Word(64), nullable=False),
        sa.Column("answer", types.Json(), nullable=False),
        sa.Column("at", types.UtcDateTime(), nullable=False),
    )
    steps.create_index("feedback_key", "at")
    steps.create_table(
        "feedback_cursor",
        sa.Column("source", types.Identifier(200), primary_key=True),
        sa.Column("position", types.Identifier(200), nullable=False),
        sa.Column("at", types.UtcDateTime(), nullable=False),
    )
    steps.create_table(
        "retrain_watermark",
        sa.Column("pipeline", types.Identifier(128), primary_key=True),
        sa.Column("decided_at", types.UtcDateTime()),
        sa.Column("feedback_id", types.Word(64)),
        sa.Column("run_id", types.Ulid()),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("hold", types.LongText()),
        sa.Column("updated_at", types.UtcDateTime(), nullable=False),
    )
    steps.create_table(
        "retrain_run",
        sa.Column("id", types.Ulid(), primary_key=True),
        sa.Column("trigger_key", types.Word(64), nullable=False),
        sa.Column("pipeline", types.Identifier(128), nullable=False),
        sa.Column("state", types.Word(16), nullable=False),
        sa.Column("reason", types.LongText(), nullable=False),
        sa.Column("thresholds", types.Json(), nullable=False),
        sa.Column("snapshot", types.Json(), nullable=False),
        sa.Column("row_count", sa.BigInteger(), nullable=False),
        sa.Column("manifest", types.LongText()),
        sa.Column("manifest_hash", types.Word(64)),
        sa.Column("created_at", types.UtcDateTime(), nullable=False),
        sa.Column("updated_at", types.UtcDateTime(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", types.UtcDateTime()),
        sa.Column("lease_owner", types.Ulid()),
        sa.Column("lease_until", types.UtcDateTime()),
        sa.Column("dispatched_at", types.UtcDateTime()),
        sa.Column("finished_at", types.UtcDateTime()),
        sa.Column("result", types.Json()),
        sa.Column("error", types.LongText()),
    )
    steps.create_index("retrain_run", "pipeline", "id")
    steps.create_index("retrain_run", "state", "next_attempt_at", "id")
    steps.create_index("retrain_run", "trigger_key", unique=True)
    steps.create_table(
        "retrain_row",
        sa.Column("feedback_id", types.Word(64), primary_key=True),
        sa.Column("pipeline", types.Identifier(128), primary_key=True),
        sa.Column("run_id", types.Ulid(), nullable=False),
        sa.Column("decision_id", types.Ulid()),
        sa.Column("state", types.Word(8), nullable=False),
        sqlite_with_rowid=False,
    )
    steps.create_index("retrain_row", "run_id", "feedback_id")
    steps.create_table(
        "retrain_correction",
        sa.Column("id", types.Ulid(), primary_key=True),
        sa.Column("pipeline", types.Identifier(128), primary_key=True),
        sa.Column("feedback_id", types.Word(64), nullable=False),
        sa.Column("run_id", types.Ulid(), nullable=False),
        sa.Column("state_before", types.Word(8), nullable=False),
        sa.Column("state_now", types.Word(8), nullable=False),
        sa.Column("at", types.UtcDateTime(), nullable=False),
        sa.Column("taken_by", types.Ulid()),
    )
    steps.create_index("retrain_correction", "pipeline", "taken_by", "id")
    steps.create_table(
        "retrain_trigger",
        sa.Column("id", types.Ulid(), primary_key=True),
        sa.Column("pipeline", types.Identifier(128), nullable=False),
        sa.Column("at", types.UtcDateTime(), nullable=False),
        sa.Column("fired", sa.Boolean(), nullable=False),
        sa.Column("reason", types.LongText(), nullable=False),
        sa.Column("conditions", types.Json(), nullable=False),
        sa.Column("guards", types.Json(), nullable=False),
        sa.Column("run_id", types.Ulid()),
    )
    steps.create_index("retrain_trigger", "pipeline", "id")
