"""Rows as `qd feedback export` writes them: a row of the contract with its decisions, each of which is kept once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection, select

from app.feedback.contract import DecisionRecord
from app.feedback.decisions import apply_decision
from app.feedback.model import Violation
from app.feedback.rows import Prepared, ViolationError
from app.feedback.store import CONTENT_TAKEN
from app.feedback.tables import feedback, feedback_decision

KEY = "decisions"
SCHEMA_KEY = "schema"
Exported = tuple[Mapping[str, Any], list[Any]]
"""A row, unchecked, and its decisions."""


def without_decisions(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """The row alone."""
    return {name: field for name, field in value.items() if name not in (KEY, SCHEMA_KEY)}


def split(raw: bytes) -> Exported | None:
    """A line in two; None where it is no row with decisions, whatever else it is."""
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    entries = value.get(KEY) if isinstance(value, dict) else None
    return (without_decisions(value), entries) if isinstance(entries, list) else None


def restore(conn: Connection, row: Prepared, entries: Sequence[Any]) -> int:
    """Write the decisions of a row that was taken in; those that are there already stay as they are. Returns how many
    there are now. Raises ViolationError where one breaks the contract, or where the row was not taken."""
    if not entries:
        return 0
    found = conn.execute(
        select(feedback.c.id, feedback.c.body_hash).where(feedback.c.unique_key == row.unique_key)
    ).first()
    if found is None:
        raise ViolationError(Violation(KEY, "the row of these decisions was not taken"))
    if row.by_event and found.body_hash != row.body_hash:
        raise ViolationError(Violation(KEY, f"not taken with their row: {CONTENT_TAKEN}"))
    records = [_record(found.id, entry) for entry in entries]
    known = select(feedback_decision.c.id).where(
        feedback_decision.c.id.in_([record.id for record in records]), feedback_decision.c.feedback_id != found.id
    )
    if (other := conn.scalar(known)) is not None:
        raise ViolationError(Violation(KEY, f"{other} is a decision on another row"))
    undone = {entry["id"]: entry.get("undone_by") for entry in entries}
    for record in sorted(records, key=lambda record: _place(record, undone)):
        apply_decision(conn, record.model_dump(mode="json"))
    return len(records)


def _place(record: DecisionRecord, undone: Mapping[str, str | None]) -> int:
    """Undo and redo come behind what they concern, and last the one that holds, whatever the clocks of the machines on
    which they were made said."""
    if record.kind == "decide":
        return 0
    holds = undone.get(record.supersedes or "")
    return 2 if holds == (record.id if record.kind == "undo" else None) else 1


def _record(identity: str, entry: Any) -> DecisionRecord:
    try:
        values = {name: value for name, value in entry.items() if name != "undone_by"}
        return DecisionRecord.model_validate_json(json.dumps({**values, "feedback_id": identity}))
    except ValidationError as error:
        raise ViolationError(Violation(KEY, error.errors(include_url=False)[0]["msg"])) from None
    except (ValueError, AttributeError, TypeError) as error:
        raise ViolationError(Violation(KEY, str(error))) from None
