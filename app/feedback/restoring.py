"""Exported rows taken in again elsewhere: the rows as any others, then the decisions on them, each once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from app.db.types import utc_now
from app.feedback import exported, ingest
from app.feedback.exported import Kept, without_decisions
from app.feedback.imports import jsonl
from app.feedback.imports.reader import Reader
from app.feedback.model import Extra, ImportReport, Refused
from app.feedback.rows import ViolationError, parse_object, prepare

if TYPE_CHECKING:
    from app.db.engine import Database

LOOKED_AT = 20
"""Lines at the beginning that tell whether a file is an export: the first ones may be broken."""
LARGE = 4_000_000
BATCH = 200


@dataclass(frozen=True, slots=True)
class Restored:
    """Decisions that are there now, how many of them are new, and lines whose decisions are not there, with the
    reason."""

    decisions: int = 0
    new: int = 0
    refused: tuple[Refused, ...] = ()


def is_export(path: Path) -> bool:
    """Whether one of the first lines of a file is a row with its decisions."""
    try:
        with path.open("rb") as stream:
            first = islice(jsonl.read(stream), LOOKED_AT)
            return any(item.fault is None and exported.split(item.raw) is not None for item in first)
    except OSError:
        return False


async def import_export(
    db: Database, path: Path, *, name: str = "", extra: Extra = "forbid", progress: Callable[[ImportReport], None]
) -> tuple[ImportReport, Restored]:
    """Take in rows and decisions. Doing it again, or after an interruption, changes nothing that is there already.

    `name` is what the file is called where its path says nothing.
    """
    with path.open("rb") as stream:
        facts = os.fstat(stream.fileno())
        size, changed = facts.st_size, facts.st_mtime_ns
        mark = ingest.fingerprint(str(path), f"{size} {changed} export {extra}")
        source = ingest.Source(name or str(path), mark, size >= LARGE, without_decisions)
        report = await ingest.import_rows(db, source, Reader(stream), extra=extra, progress=progress)
    new, known, refused = 0, 0, []
    for batch in _batches(path):
        done, left = await db.run(lambda conn, batch=batch: _restore(conn, batch, extra), write=True)  # type: ignore[misc]
        new += done.new
        known += done.known
        refused += left
    return report, Restored(new + known, new, tuple(refused))


Line = tuple[int, Mapping[str, Any], list[Any]]


def _batches(path: Path) -> Iterator[list[Line]]:
    batch: list[Line] = []
    with path.open("rb") as stream:
        for item in jsonl.read(stream):
            found = exported.split(item.raw) if item.fault is None else None
            if found is not None and found[1]:
                batch.append((item.line, *found))
            if len(batch) >= BATCH:
                yield batch
                batch = []
    if batch:
        yield batch


def _restore(conn: Connection, batch: list[Line], extra: Extra) -> tuple[Kept, list[Refused]]:
    new, known, refused = 0, 0, []
    for line, value, entries in batch:
        try:
            ready = prepare(parse_object(value, extra), now=utc_now())
        except ViolationError:
            continue  # It is in quarantine with its decisions.
        try:
            kept = exported.restore(conn, ready, entries)
        except ViolationError as error:
            refused.append(Refused(line, str(error)))
            continue
        new += kept.new
        known += kept.known
    return Kept(new, known), refused
