"""Rows and decisions as they stand in the database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, select

from app.feedback.model import Decision, FeedbackRow
from app.feedback.tables import UNCERTAINTY_UNKNOWN, feedback, feedback_decision

_ROW = (
    *("id", "source", "source_event_id", "captured_at", "received_at", "author", "channel", "model", "model_version"),
    *("prompt_version", "run_id", "input", "output", "context", "score", "score_raw", "comment", "tags", "language"),
    *("uncertainty_order", "cluster", "state", "decided_at", "dedupe_hash", "input_hash", "schema_version"),
)
_DECISION = (
    *("id", "feedback_id", "kind", "decided_at", "reviewer", "verdict", "score", "tags", "correction", "note"),
    *("duration_ms", "rubric_version", "reshow", "supersedes", "undone_by"),
)
SELECT_ROWS = select(*(feedback.c[name] for name in _ROW))
SELECT_DECISIONS = select(*(feedback_decision.c[name] for name in _DECISION))


def rows_of(conn: Connection, ids: Sequence[str]) -> dict[str, FeedbackRow]:
    """The rows of these ids that there are."""
    if not ids:
        return {}
    return {row.id: row_of(row) for row in conn.execute(SELECT_ROWS.where(feedback.c.id.in_(ids)))}


def decisions_of(conn: Connection, ids: Sequence[str]) -> dict[str, tuple[Decision, ...]]:
    """By row, its log of decisions, oldest first."""
    if not ids:
        return {}
    columns = feedback_decision.c
    found: defaultdict[str, list[Decision]] = defaultdict(list)
    order = (columns.feedback_id, columns.decided_at, columns.id)
    for row in conn.execute(SELECT_DECISIONS.where(columns.feedback_id.in_(ids)).order_by(*order)):
        found[row.feedback_id].append(decision_of(row))
    return {key: tuple(entries) for key, entries in found.items()}


def row_of(row: Row[Any]) -> FeedbackRow:
    """A row of `SELECT_ROWS`."""
    return row_from(dict(row._mapping))


def row_from(values: dict[str, Any]) -> FeedbackRow:
    """The same from the values of its columns."""
    uncertainty = values.pop("uncertainty_order")
    values["uncertainty"] = None if uncertainty == UNCERTAINTY_UNKNOWN else uncertainty
    values["tags"] = tuple(values["tags"] or ())
    values["context"] = values["context"] or {}
    return FeedbackRow(**values)


def decision_of(row: Row[Any]) -> Decision:
    """A row of `SELECT_DECISIONS`."""
    return decision_from(dict(row._mapping))


def decision_from(values: dict[str, Any]) -> Decision:
    """The same from the values of its columns."""
    values["tags"] = None if values["tags"] is None else tuple(values["tags"])
    return Decision(**values)
