"""What was captured over the network, on its way to the database: some rows at once, and how far their source was read.

A group is one operation of the journal, and one transaction of the database: a receiver that takes hundreds of rows a
second, and a poll that must move its cursor with its rows, need both.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AwareDatetime, Field
from sqlalchemy import Connection, delete, select

from app.contract import RecordId, StrictRecord
from app.db.upsert import upsert
from app.feedback import quarantine, texts
from app.feedback.contract import FeedbackIn, FeedbackRecord, LongName, Text
from app.feedback.model import Violation
from app.feedback.rows import Prepared, ViolationError, prepare
from app.feedback.store import ID_TAKEN, insert_rows
from app.feedback.tables import feedback, feedback_cursor, feedback_key

if TYPE_CHECKING:
    from app.db.spool import Spool

CAPTURE = "feedback.capture"
"""Kind of the spooled operation."""
GROUP_ROWS = 256
GROUP_BYTES = 1_000_000
"""Bytes of rows from which a group is full."""
KEYS_KEPT = timedelta(days=30)
"""So long an idempotency key stands for its body."""
PRUNED = 1000
"""Keys that one transaction forgets."""
KEY_TAKEN = "its idempotency key came with another body before; the first one was kept"


class CursorRecord(StrictRecord):
    """How far a source was read."""

    source: LongName
    position: LongName
    at: AwareDatetime


class RefusedRecord(StrictRecord):
    """Something captured that breaks the contract and whose sender nobody can tell: it goes to the quarantine."""

    source: LongName
    raw: Text
    field: str
    reason: str


class CaptureRecord(StrictRecord):
    """What was captured together. `cursor` moves in the transaction that writes the rows."""

    schema_version: Literal[1] = 1
    id: RecordId
    at: AwareDatetime
    rows: Annotated[tuple[FeedbackRecord, ...], Field(max_length=GROUP_ROWS)]
    refused: tuple[RefusedRecord, ...] = ()
    cursor: CursorRecord | None = None


async def put(spool: Spool, record: CaptureRecord) -> None:
    """Keep a group; it would survive a power loss when this returns. Raises UserError when it could not be kept."""
    await spool.put(CAPTURE, record.model_dump(mode="json", exclude_none=True), op_id=record.id)


def apply(conn: Connection, payload: dict[str, Any]) -> None:
    """Write a group that came through the spool."""
    write(conn, CaptureRecord.model_validate_json(json.dumps(payload)))


def write(conn: Connection, record: CaptureRecord) -> None:
    """Write a group. Rows that are there already are left alone; what breaks the contract after all is quarantined."""
    known = find_keys(conn, record.rows)
    ready: list[Prepared] = []
    given: dict[int, FeedbackIn] = {}
    refused: list[tuple[str, str, Violation]] = [
        (each.source, each.raw, Violation(each.field, each.reason)) for each in record.refused
    ]
    for each in record.rows:
        key = _key(each)
        body = "" if each.idempotency is None else each.idempotency.body_hash
        if key is not None and known.setdefault(key, body) != body:
            refused.append((*_given(each.row), Violation("", KEY_TAKEN)))
            continue
        try:
            row = prepare(each.row, now=each.received_at, identity=each.id)
        except ViolationError as error:
            refused.append((*_given(each.row), error.violation))
            continue
        ready.append(row)
        given[id(row)] = each.row
    done = insert_rows(conn, ready)
    for row, why in done.conflicts:
        refused.append((*_given(given[id(row)]), Violation("id" if why == ID_TAKEN else "source_event_id", why)))
    refused += [(*_given(given[id(row)]), Violation("", why)) for row, why in done.refused]
    for source, raw, violation in refused:
        quarantine.put(conn, [quarantine.entry(raw.encode(), violation)], batch=record.id, source=source, at=record.at)
    _remember(conn, record.rows)
    if record.cursor is not None:
        upsert(conn, feedback_cursor, [record.cursor.model_dump()], keys=["source"])


def find_keys(conn: Connection, rows: tuple[FeedbackRecord, ...]) -> dict[tuple[str, str], str]:
    """The hashes of the bodies that came before with the keys of these rows, by source and key."""
    pairs = {key for each in rows if (key := _key(each)) is not None}
    return {pair: body for pair, (body, _) in keys_of(conn, pairs).items()}


def keys_of(conn: Connection, pairs: set[tuple[str, str]]) -> dict[tuple[str, str], tuple[str, Mapping[str, Any]]]:
    """Hash of the body, and answer, of every one of these (source, key) that was seen before."""
    if not pairs:
        return {}
    columns = feedback_key.c
    found = conn.execute(
        select(columns.source, columns.idempotency_key, columns.body_hash, columns.answer).where(
            columns.source.in_({source for source, _ in pairs}), columns.idempotency_key.in_({key for _, key in pairs})
        )
    )
    return {(source, key): (body, answer) for source, key, body, answer in found if (source, key) in pairs}


def prune_keys(conn: Connection, before: datetime) -> int:
    """Forget some of the idempotency keys that came before then; how many, 0 when there are none."""
    at = feedback_key.c.at
    last = conn.scalar(select(at).where(at < before).order_by(at).offset(PRUNED - 1).limit(1))
    return conn.execute(delete(feedback_key).where(at < before if last is None else at <= last)).rowcount


def _given(row: FeedbackIn) -> tuple[str, str]:
    """Source and text of a row for the quarantine."""
    return row.source, row.model_dump_json(exclude_none=True)


def _key(record: FeedbackRecord) -> tuple[str, str] | None:
    return None if record.idempotency is None else (texts.name(record.row.source), record.idempotency.key)


def _remember(conn: Connection, rows: tuple[FeedbackRecord, ...]) -> None:
    """The first body that came with a key stays the one it stands for."""
    new = [
        {
            "source": texts.name(each.row.source),
            "idempotency_key": each.idempotency.key,
            "body_hash": each.idempotency.body_hash,
            "answer": each.idempotency.answer,
            "at": each.received_at,
        }
        for each in rows
        if each.idempotency is not None
    ]
    upsert(conn, feedback_key, new, keys=["source", "idempotency_key"], update=[])


def known_events(conn: Connection, keys: set[bytes]) -> set[bytes]:
    """Those of these unique keys that a row has."""
    return set(conn.scalars(select(feedback.c.unique_key).where(feedback.c.unique_key.in_(keys)))) if keys else set()


def cursor(conn: Connection, source: str) -> str | None:
    """How far a source was read; None when it never was."""
    position: str | None = conn.scalar(select(feedback_cursor.c.position).where(feedback_cursor.c.source == source))
    return position
