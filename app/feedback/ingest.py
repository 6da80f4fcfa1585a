"""Many rows into the database: in batches of one transaction each, and every row accounted for once.

A batch writes its rows, what it quarantines, and how far the import is in one transaction. A batch that is repeated,
because the connection was lost while it was committed, finds itself done; an import that is started again goes on
where it stopped.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Connection, Row, insert, select, update
from sqlalchemy.exc import DBAPIError

from app.db import faults
from app.db.faults import UnavailableError
from app.db.types import on_server, utc_now
from app.errors import UserError
from app.feedback import capture, quarantine
from app.feedback.capture import CaptureRecord
from app.feedback.contract import FeedbackRecord
from app.feedback.imports.items import Item
from app.feedback.model import Extra, ImportReport, Violation
from app.feedback.preparing import Batch, Convert, Piece, Preparer, Read, little_collecting
from app.feedback.quarantine import Entry
from app.feedback.store import Inserted, insert_new, insert_rows
from app.feedback.tables import feedback_import
from app.ids import new_id

if TYPE_CHECKING:
    from app.db.engine import Database

log = logging.getLogger(__name__)

ROW = "feedback.row"
"""Kind of the spooled operation that holds a row on its way to the database."""
PRAGMAS = ("cache_size = -131072", "wal_autocheckpoint = 32768", "secure_delete = OFF")
"""For SQLite while it takes rows in, whose keys lie all over the indexes: 128 MiB of pages kept, pages written back
once for many batches, and no zeros where keys were moved, which some systems want: nothing is deleted here."""
REPORTED = 100_000
"""Quarantined lines that a report lists; its counts hold all."""
RACES = 5
"""How often a batch is begun anew because another writer added one of its rows."""
PATIENCE_S = 300.0
"""How long an import waits for a database that went away."""
PAUSE_S = 0.5

_columns = feedback_import.c


@dataclass(frozen=True, slots=True)
class Source:
    """What is imported: its name for people, and what tells that an import was begun before (None: never)."""

    name: str
    fingerprint: bytes | None = None
    large: bool = False
    """Rows are read and made ready in a process of their own, which gets the reader; half a second to start."""
    convert: Convert | None = None
    """Makes rows of the contract of what the items hold; a function of a module, since the process needs it, too."""


@dataclass(frozen=True, slots=True)
class Started:
    """An import at its beginning, or where it was interrupted."""

    id: str
    position: int
    line: int


Progress = Callable[[ImportReport], None]


def apply_row(conn: Connection, payload: dict[str, Any]) -> None:
    """Write one row that came through the spool, as a group of one."""
    record = FeedbackRecord.model_validate_json(json.dumps(payload))
    capture.write(conn, CaptureRecord(id=record.id, at=record.received_at, rows=(record,)))


async def import_rows(
    db: Database,
    source: Source,
    read: Read,
    *,
    extra: Extra = "forbid",
    progress: Progress = lambda report: None,
    patience_s: float = PATIENCE_S,
) -> ImportReport:
    """Take in all items of `read`, going on where an earlier import of the same source was interrupted.

    Waits up to `patience_s` for a database that goes away. Raises UnavailableError when it does not come back; what
    was taken in until then stays, and the next call goes on from there.
    """
    alone = db.alone()
    try:
        with little_collecting():
            return await _imported(alone, source, read, extra, progress, _Patience(patience_s))
    finally:
        if alone is not db:
            alone.close()


async def _imported(
    db: Database, source: Source, read: Read, extra: Extra, progress: Progress, deadline: _Patience
) -> ImportReport:
    begun = await deadline(lambda: db.run(lambda conn: _begin(conn, source), write=True))
    start = (begun.position, begun.line)
    preparer = Preparer(read, start, begun.id, extra, helper=source.large, convert=source.convert)
    following = asyncio.create_task(asyncio.to_thread(preparer.next))
    try:
        while batch := await asyncio.shield(following):
            # The next batch is read and made ready while this one is written.
            following = asyncio.create_task(asyncio.to_thread(preparer.next))
            counted = await deadline(partial(_applied, db, begun.id, source, batch))
            progress(_report(counted, begun))
    finally:
        # No thread may be left that uses what is closed now; why it failed matters no more where the writing did.
        await asyncio.gather(following, return_exceptions=True)
        await asyncio.to_thread(preparer.close)
    return await deadline(lambda: db.run(lambda conn: _end(conn, begun), write=True))


Result = TypeVar("Result")


class _Patience:
    """Runs work again while the database is away, for so many seconds at a time."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    async def __call__(self, work: Callable[[], Awaitable[Result]]) -> Result:
        loop = asyncio.get_running_loop()
        end = loop.time() + self._seconds
        while True:
            try:
                return await work()
            except UnavailableError as error:
                if loop.time() >= end:
                    raise UnavailableError(
                        error.what,
                        where=error.where,
                        fix=f"{error.fix}; then give the same import again: it goes on where it stopped",
                    ) from error
                log.info("an import waits for the database: %s", error)
                await asyncio.sleep(PAUSE_S)


async def _applied(db: Database, identity: str, source: Source, batch: Batch) -> Row[Any]:
    """Write a batch; the import's row afterwards."""
    single = False
    for left in reversed(range(RACES)):
        try:
            return await db.run(partial(_apply, identity, source, batch, single), write=True)
        except DBAPIError as error:
            # A row that another writer has just added, or one that the database would not take.
            if not left:
                raise
            single = not faults.is_constraint(error)
    raise AssertionError("unreachable")


def _apply(identity: str, source: Source, batch: Batch, single: bool, conn: Connection) -> Row[Any]:
    query = select(feedback_import).where(_columns.id == identity)
    known = conn.execute(query.with_for_update() if on_server(conn.dialect) else query).one()
    if (known.position, known.line) == batch.end:
        return known
    if (known.position, known.line) != batch.start:
        raise UserError(
            f"another process imports {source.name}, too", fix="let it finish, or end it and give the import again"
        )
    now = utc_now()
    if not on_server(conn.dialect):
        for pragma in PRAGMAS:
            conn.exec_driver_sql(f"PRAGMA {pragma}")
    done, entries = Inserted(), []
    for piece in batch.pieces:
        part, found = _carefully(conn, piece) if single else _together(conn, piece)
        done.created += part.created
        done.duplicate += part.duplicate
        entries += [*piece.refused(), *found]
    refused = quarantine.put(conn, entries, batch=identity, source=source.name, at=now)
    conflicts = [each for each in refused if each.violation.reason in quarantine.CONFLICTS]
    conn.execute(
        update(feedback_import)
        .where(_columns.id == identity)
        .values(
            position=batch.end[0],
            line=batch.end[1],
            created=known.created + done.created,
            # What was refused before and is settled is here, or nobody wants it.
            duplicate=known.duplicate + done.duplicate + len(entries) - len(refused),
            quarantined=known.quarantined + len(refused),
            conflicts=known.conflicts + len(conflicts),
            updated_at=now,
        )
    )
    return conn.execute(query).one()


def _together(conn: Connection, piece: Piece) -> tuple[Inserted, list[Entry]]:
    folded = piece.rows()
    if insert_new(conn, folded):
        return Inserted(folded.count), []
    rows = folded.rows()
    done = insert_rows(conn, rows)
    if not done.conflicts and not done.refused:
        return done, []
    items = {id(row): item for row, item in zip(rows, piece.stand(), strict=True)}
    return done, [
        *(_conflict(items[id(row)], why) for row, why in done.conflicts),
        *(_too_large(items[id(row)], why) for row, why in done.refused),
    ]


def _carefully(conn: Connection, piece: Piece) -> tuple[Inserted, list[Entry]]:
    try:
        with conn.begin_nested():
            return _together(conn, piece)
    except DBAPIError as error:
        if faults.classify(error) != "other":
            raise
    return _alone(conn, piece)


def _alone(conn: Connection, piece: Piece) -> tuple[Inserted, list[Entry]]:
    """Row by row, so that one that the database refuses takes no other with it."""
    total, entries = Inserted(), []
    for item, row in zip(piece.stand(), piece.rows().rows(), strict=True):
        try:
            with conn.begin_nested():
                done = insert_rows(conn, [row])
        except DBAPIError as error:
            if faults.classify(error) != "other":
                raise
            entries.append(Entry(item.line, Violation("", f"the database refuses it: {error.orig}"), *item.kept()))
            continue
        total.created += done.created
        total.duplicate += done.duplicate
        entries += [_conflict(item, why) for _, why in done.conflicts]
        entries += [_too_large(item, why) for _, why in done.refused]
    return total, entries


def _conflict(item: Item, why: str) -> Entry:
    field_name = "id" if "this id" in why else "source_event_id"
    return Entry(item.line, Violation(field_name, why), *item.kept())


def _too_large(item: Item, why: str) -> Entry:
    return Entry(item.line, Violation("", why), *item.kept())


def _begin(conn: Connection, source: Source) -> Started:
    """The import of this source that was interrupted, else a new one."""
    now = utc_now()
    if source.fingerprint is not None:
        found = conn.execute(
            select(feedback_import)
            .where(_columns.fingerprint == source.fingerprint, _columns.state == "running")
            .order_by(_columns.id.desc())
            .limit(1)
        ).first()
        if found is not None:
            return Started(found.id, found.position, found.line)
    row = {
        "id": new_id(),
        "fingerprint": source.fingerprint or bytes(16),
        "name": source.name,
        "state": "running",
        "started_at": now,
        "updated_at": now,
        **dict.fromkeys(("position", "line", "created", "duplicate", "quarantined", "conflicts"), 0),
    }
    conn.execute(insert(feedback_import), [row])
    return Started(str(row["id"]), 0, 0)


def _end(conn: Connection, begun: Started) -> ImportReport:
    conn.execute(update(feedback_import).where(_columns.id == begun.id).values(state="done", updated_at=utc_now()))
    counted = conn.execute(select(feedback_import).where(_columns.id == begun.id)).one()
    return _report(
        counted,
        begun,
        refused=quarantine.refused(conn, begun.id, REPORTED) if counted.quarantined else (),
        conflicts=quarantine.refused(conn, begun.id, REPORTED, conflicts=True) if counted.conflicts else (),
    )


def _report(counted: Row[Any], begun: Started, **lists: Any) -> ImportReport:
    return ImportReport(
        batch=counted.id,
        rows=counted.created + counted.duplicate + counted.quarantined,
        created=counted.created,
        duplicate=counted.duplicate,
        quarantined=counted.quarantined,
        resumed_at=begun.line,
        **lists,
    )


def fingerprint(*parts: str | bytes) -> bytes:
    """16 bytes that stand for the parts."""
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        data = part.encode(errors="surrogateescape") if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.digest()
