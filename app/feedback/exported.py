"""Rows as `qd feedback export` writes them: a row of the contract with its decisions, each of which is kept once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from pydantic import ValidationError
from sqlalchemy import Connection, select
from sqlalchemy.exc import StatementError

from app.db import faults
from app.db.types import utc_now
from app.feedback.contract import DecisionRecord
from app.feedback.decisions import apply_decision
from app.feedback.giving import canonical
from app.feedback.model import Violation
from app.feedback.rows import Prepared, ViolationError, check_moment
from app.feedback.store import CONTENT_TAKEN
from app.feedback.tables import feedback, feedback_decision

KEY = "decisions"
SCHEMA_KEY = "schema"
Exported = tuple[Mapping[str, Any], list[Any]]
"""A row, unchecked, and its decisions."""


def without_decisions(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """The row alone. Raises ViolationError where its decisions are no list: they would be lost."""
    if not isinstance(value.get(KEY), list | None):
        raise _wrong("expected a list")
    return {name: field for name, field in value.items() if name not in (KEY, SCHEMA_KEY)}


def split(raw: bytes) -> Exported | None:
    """A line in two; None where it is no row with decisions, whatever else it is."""
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    entries = value.get(KEY) if isinstance(value, dict) else None
    return (without_decisions(value), entries) if isinstance(entries, list) else None


class Kept(NamedTuple):
    """Decisions that are there now: those that were written, and those that were there already."""

    new: int = 0
    known: int = 0


def restore(conn: Connection, row: Prepared, entries: Sequence[Any]) -> Kept:
    """Write the decisions of a row that was taken in; those that are there already stay as they are. Raises
    ViolationError, with nothing written, where one breaks the contract, or where the row was not taken."""
    if not entries:
        return Kept()
    found = conn.execute(
        select(feedback.c.id, feedback.c.body_hash).where(feedback.c.unique_key == row.unique_key)
    ).first()
    if found is None:
        raise _wrong("the row of these decisions was not taken")
    if row.by_event and found.body_hash != row.body_hash:
        raise _wrong(f"not taken with their row: {CONTENT_TAKEN}")
    now = utc_now()
    made = [_record(found.id, number, entry, now) for number, entry in enumerate(entries, 1)]
    records = {record.id: record for record in made}
    log = feedback_decision.c
    logged = select(log.id, log.feedback_id).where(log.id.in_(list(records)))
    known = {row.id: row.feedback_id for row in conn.execute(logged)}
    if other := next((identity for identity, owner in known.items() if owner != found.id), None):
        raise _wrong(f"{other} is a decision on another row")
    undone = {entry["id"]: entry.get("undone_by") for entry in entries}
    new = [record for record in records.values() if record.id not in known]
    try:
        # What the database refuses takes no decision of another row with it.
        with conn.begin_nested():
            for record in sorted(new, key=lambda record: _place(record, undone)):
                apply_decision(conn, record.model_dump(mode="json"))
    except StatementError as error:
        if faults.classify(error) != "other":
            raise
        raise _wrong(f"the database refuses them: {error.orig}") from None
    return Kept(len(new), len(known))


def _place(record: DecisionRecord, undone: Mapping[str, str | None]) -> int:
    """Undo and redo come behind what they concern, and last the one that holds, whatever the clocks of the machines on
    which they were made said."""
    if record.kind == "decide":
        return 0
    holds = undone.get(record.supersedes or "")
    return 2 if holds == (record.id if record.kind == "undo" else None) else 1


def _record(identity: str, number: int, entry: Any, now: datetime) -> DecisionRecord:
    """An entry as it is kept: made canonical as the commands make it."""
    if not isinstance(entry, dict):
        raise _wrong(f"entry {number}: is no object")
    try:
        values = {name: value for name, value in entry.items() if name != "undone_by"}
        record = DecisionRecord.model_validate_json(json.dumps({**values, "feedback_id": identity}))
        check_moment("decided_at", record.decided_at, now=now)
        return canonical(record)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        raise _wrong(": ".join((f"entry {number}", *map(str, problem["loc"][:1]), problem["msg"]))) from None
    except (ViolationError, ValueError) as error:
        raise _wrong(f"entry {number}: {error}") from None


def _wrong(why: str) -> ViolationError:
    return ViolationError(Violation(KEY, why))
