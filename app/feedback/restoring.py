"""Exported rows taken in again elsewhere: the rows as any others, then the decisions on them, each once."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from sqlalchemy import Connection, select

from app.db.types import utc_now
from app.feedback import ingest
from app.feedback.contract import DecisionRecord
from app.feedback.decisions import apply_decision
from app.feedback.imports import jsonl
from app.feedback.model import Extra, ImportReport, Refused
from app.feedback.rows import ViolationError, parse_object, prepare
from app.feedback.tables import feedback

if TYPE_CHECKING:
    from app.db.engine import Database

KEY = "decisions"
LARGE = 4_000_000
BATCH = 200


@dataclass(frozen=True, slots=True)
class Restored:
    """Decisions that are there now, and lines whose decisions are not, with the reason."""

    decisions: int = 0
    refused: tuple[Refused, ...] = ()


def is_export(path: Path) -> bool:
    """Whether the first line of a file is a row with its decisions."""
    try:
        with path.open("rb") as stream:
            first = next(jsonl.read(stream), None)
        found = json.loads(first.raw) if first is not None and first.fault is None else None
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(found, dict) and isinstance(found.get(KEY), list)


def without_decisions(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """The row alone."""
    return {name: field for name, field in value.items() if name != KEY}


async def import_export(
    db: Database, path: Path, *, extra: Extra = "forbid", progress: Callable[[ImportReport], None]
) -> tuple[ImportReport, Restored]:
    """Take in rows and decisions. Doing it again, or after an interruption, changes nothing that is there already."""
    with path.open("rb") as stream:
        facts = os.fstat(stream.fileno())
        size, changed = facts.st_size, facts.st_mtime_ns
        mark = ingest.fingerprint(str(path), f"{size} {changed} export {extra}")
        source = ingest.Source(str(path), mark, size >= LARGE, without_decisions)
        report = await ingest.import_rows(
            db, source, lambda at, line: jsonl.read(stream, at, line), extra=extra, progress=progress
        )
    count, refused = 0, []
    for batch in _batches(path):
        done, left = await db.run(lambda conn, batch=batch: _restore(conn, batch, extra), write=True)  # type: ignore[misc]
        count += done
        refused += left
    return report, Restored(count, tuple(refused))


Line = tuple[int, dict[str, Any], list[Any]]


def _batches(path: Path) -> Iterator[list[Line]]:
    batch: list[Line] = []
    with path.open("rb") as stream:
        for item in jsonl.read(stream):
            try:
                value = json.loads(item.raw) if item.fault is None else None
            except (ValueError, RecursionError):
                continue
            entries = value.get(KEY) if isinstance(value, dict) else None
            if isinstance(value, dict) and isinstance(entries, list) and entries:
                batch.append((item.line, dict(without_decisions(value)), entries))
            if len(batch) >= BATCH:
                yield batch
                batch = []
    if batch:
        yield batch


def _restore(conn: Connection, batch: list[Line], extra: Extra) -> tuple[int, list[Refused]]:
    count, refused = 0, []
    for line, value, entries in batch:
        try:
            ready = prepare(parse_object(value, extra), now=utc_now())
        except ViolationError:
            continue  # It is in quarantine with its decisions.
        identity = conn.scalar(select(feedback.c.id).where(feedback.c.unique_key == ready.unique_key))
        if identity is None:
            refused.append(Refused(line, "the row of these decisions was not taken"))
            continue
        try:
            records = [_record(identity, entry) for entry in entries]
        except (ValidationError, ValueError, AttributeError, TypeError) as error:
            why = error.errors(include_url=False)[0]["msg"] if isinstance(error, ValidationError) else str(error)
            refused.append(Refused(line, f"decisions: {why}"))
            continue
        for record in records:
            apply_decision(conn, record.model_dump(mode="json"))
        count += len(records)
    return count, refused


def _record(identity: str, entry: dict[str, Any]) -> DecisionRecord:
    values = {name: value for name, value in entry.items() if name != "undone_by"}
    return DecisionRecord.model_validate_json(json.dumps({**values, "feedback_id": identity}))
