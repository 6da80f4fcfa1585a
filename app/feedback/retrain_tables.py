"""Tables of the retrain trigger: what was taken up to where, runs, their rows, and each look at the conditions."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, Table

from app.db.tables import ON_MERGE, OWN_STAYS, SERVER_OPTIONS, metadata
from app.db.types import Identifier, Json, LongText, Ulid, UtcDateTime, Word
from app.feedback.tables import FOLLOWS, ID_LENGTH, NAME_LENGTH

retrain_watermark = Table(
    "retrain_watermark",
    metadata,
    Column("pipeline", Identifier(NAME_LENGTH), primary_key=True),
    # The key of the last row taken, in the order (decided_at, id) of `feedback`; NULL before the first run.
    Column("decided_at", UtcDateTime),
    Column("feedback_id", Word(ID_LENGTH)),
    Column("run_id", Ulid),
    Column("revision", BigInteger, nullable=False),
    Column("hold", LongText),
    Column("updated_at", UtcDateTime, nullable=False),
    # Also that somebody holds it.
    info={OWN_STAYS: True},
    **SERVER_OPTIONS,
)

retrain_run = Table(
    "retrain_run",
    metadata,
    Column("id", Ulid, primary_key=True),
    # Of the pipeline and the range between two watermarks: two instances that fire at once cannot both write it.
    Column("trigger_key", Word(64), nullable=False),
    Column("pipeline", Identifier(NAME_LENGTH), nullable=False),
    Column("state", Word(16), nullable=False),
    Column("reason", LongText, nullable=False),
    Column("thresholds", Json, nullable=False),
    Column("snapshot", Json, nullable=False),
    Column("row_count", BigInteger, nullable=False),
    Column("manifest", LongText),
    Column("manifest_hash", Word(64)),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", UtcDateTime),
    Column("lease_owner", Ulid),
    Column("lease_until", UtcDateTime),
    Column("dispatched_at", UtcDateTime),
    Column("finished_at", UtcDateTime),
    Column("result", Json),
    Column("error", LongText),
    Index("ix_retrain_run_trigger_key", "trigger_key", unique=True),
    Index("ix_retrain_run_pipeline_id", "pipeline", "id"),
    Index("ix_retrain_run_state_next_attempt_at_id", "state", "next_attempt_at", "id"),
    info={OWN_STAYS: True, ON_MERGE: "app.feedback.arriving:own_keys"},
    **SERVER_OPTIONS,
)

retrain_row = Table(
    "retrain_row",
    metadata,
    # A row goes into one run of a pipeline, never into two.
    Column("feedback_id", Word(ID_LENGTH), primary_key=True),
    Column("pipeline", Identifier(NAME_LENGTH), primary_key=True),
    Column("run_id", Ulid, nullable=False),
    Column("decision_id", Ulid),
    Column("state", Word(8), nullable=False),
    Index("ix_retrain_row_run_id_feedback_id", "run_id", "feedback_id"),
    sqlite_with_rowid=False,
    info={OWN_STAYS: True, **FOLLOWS},
    **SERVER_OPTIONS,
)

# What is carried elsewhere brings the run before its rows.
retrain_row.add_is_dependent_on(retrain_run)

retrain_correction = Table(
    "retrain_correction",
    metadata,
    # The id is that of the decision that changed a row after a run had taken it.
    Column("id", Ulid, primary_key=True),
    Column("pipeline", Identifier(NAME_LENGTH), primary_key=True),
    Column("feedback_id", Word(ID_LENGTH), nullable=False),
    Column("run_id", Ulid, nullable=False),
    Column("state_before", Word(8), nullable=False),
    Column("state_now", Word(8), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("taken_by", Ulid),
    Index("ix_retrain_correction_pipeline_taken_by_id", "pipeline", "taken_by", "id"),
    info={OWN_STAYS: True, **FOLLOWS},
    **SERVER_OPTIONS,
)

retrain_trigger = Table(
    "retrain_trigger",
    metadata,
    Column("id", Ulid, primary_key=True),
    Column("pipeline", Identifier(NAME_LENGTH), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("fired", Boolean, nullable=False),
    Column("reason", LongText, nullable=False),
    Column("conditions", Json, nullable=False),
    Column("guards", Json, nullable=False),
    Column("run_id", Ulid),
    Index("ix_retrain_trigger_pipeline_id", "pipeline", "id"),
    **SERVER_OPTIONS,
)
