"""What broke the contract: kept with the line and the reason, to be looked at, mended, tried again, or let go."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, Select, bindparam, func, insert, select, update

from app.db.paging import Cursor, Key, page
from app.db.types import storable, utc_now
from app.errors import UserError
from app.feedback.beginnings import whole_id
from app.feedback.contract import RAW_BYTES
from app.feedback.exported import Exported, restore, split
from app.feedback.identities import identities
from app.feedback.model import Extra, Quarantined, QuarantineState, Refused, Violation
from app.feedback.rows import ViolationError, parse, parse_object, prepare
from app.feedback.store import CONTENT_TAKEN, ID_TAKEN, insert_rows, packet_of
from app.feedback.tables import EVENT_LENGTH, NAME_LENGTH, REASON_LENGTH, feedback_quarantine

if TYPE_CHECKING:
    from app.db.engine import Database

CONFLICTS = (CONTENT_TAKEN, ID_TAKEN)
LISTED = "`qd feedback quarantine list` shows them"
LISTED_BYTES = 64 * 1024
"""Of each entry of a list so many bytes are read: a page of whole ones might fill the memory."""
ASKED = 500
"""Hashes asked for in one statement."""
_OTHERS_BYTES = 8 * 1024
"""More than all other columns of an entry take in a statement."""
_columns = feedback_quarantine.c
_NARROW = tuple(column for column in _columns if column is not _columns.raw)
_KEPT = func.length(_columns.raw).label("kept")
KEYS = (Key(_columns.id),)


@dataclass(frozen=True, slots=True)
class Entry:
    """Something to quarantine."""

    line: int
    violation: Violation
    raw: bytes
    size: int
    digest: str


@dataclass(frozen=True, slots=True)
class QuarantinePage:
    """Entries, oldest first; `after` leads to the later ones and is None at the end."""

    entries: tuple[Quarantined, ...]
    after: Cursor | None


@dataclass(frozen=True, slots=True)
class Retried:
    """What became of entries that were tried again; `left` broke the contract once more."""

    created: int = 0
    duplicate: int = 0
    left: tuple[Quarantined, ...] = ()


def entry(raw: bytes, violation: Violation, line: int = 0) -> Entry:
    """An entry for all that came; what is too much of it is cut."""
    return Entry(line, violation, raw[:RAW_BYTES], len(raw), hashlib.sha256(raw).hexdigest())


def put(conn: Connection, entries: Sequence[Entry], *, batch: str, source: str, at: datetime) -> list[Entry]:
    """Write entries down; those that are open now.

    What an earlier batch of the same source refused is there already: an open entry becomes one of this batch, and one
    that was mended or let go stays settled. Raises nothing for what a server would not take at once: that is cut.
    """
    name = storable(source)[:EVENT_LENGTH]
    before = _before(conn, {each.digest for each in entries}, name, batch)
    # Rising ids keep the entries in the order of their lines.
    ids = identities()
    most = _most(conn)
    opened: list[Entry] = []
    again: list[dict[str, Any]] = []
    new: list[dict[str, Any]] = []
    for each in entries:
        said = {
            "batch": batch,
            "line": each.line,
            "reason": storable(each.violation.reason)[:REASON_LENGTH],
            "field": storable(each.violation.field)[:NAME_LENGTH],
        }
        if known := before[each.digest]:
            found = known.pop(0)
            if found.state == "open":
                again.append({**said, "known": found.id})
                opened.append(each)
            continue
        raw = {"raw": each.raw[:most], "raw_size": each.size, "raw_hash": each.digest}
        new.append({"id": next(ids), "source": name, **said, **raw, "at": at, "state": "open"})
        opened.append(each)
    if again:
        names = ("batch", "line", "reason", "field")
        conn.execute(
            update(feedback_quarantine)
            .where(_columns.id == bindparam("known"))
            .values({each: bindparam(each) for each in names}),
            again,
        )
    if new:
        conn.execute(insert(feedback_quarantine), new)
    return opened


def _before(conn: Connection, digests: set[str], source: str, batch: str) -> defaultdict[str, list[Row[Any]]]:
    """What earlier batches of a source refused, by its hash, in the order of the lines."""
    found: defaultdict[str, list[Row[Any]]] = defaultdict(list)
    asked = sorted(digests)
    for start in range(0, len(asked), ASKED):
        same: Select[Any] = select(_columns.raw_hash, _columns.id, _columns.state).where(
            _columns.raw_hash.in_(asked[start : start + ASKED]), _columns.source == source, _columns.batch != batch
        )
        for row in conn.execute(same.order_by(_columns.id)):
            found[row.raw_hash].append(row)
    return found


def _most(conn: Connection) -> int:
    """Bytes of an entry that the database takes, each of which may take two on the way."""
    packet = packet_of(conn)
    return RAW_BYTES if packet is None else min(RAW_BYTES, max(packet - _OTHERS_BYTES, 0) // 2)


def select_entries(state: QuarantineState, batch: str = "") -> Select[Any]:
    """Entries in a state, with the beginning of what came, without an order."""
    head = func.substr(_columns.raw, 1, LISTED_BYTES).label("raw")
    statement = select(*_NARROW, head, _KEPT).where(_columns.state == state)
    return statement.where(_columns.batch == batch) if batch else statement


async def entries(
    db: Database,
    *,
    state: QuarantineState = "open",
    batch: str = "",
    limit: int = 100,
    after: Cursor | None = None,
) -> QuarantinePage:
    """Entries, oldest first, each with the first 64 KiB of what came: `one` reads all that is kept."""
    found = await db.run(lambda conn: page(conn, select_entries(state, batch), KEYS, limit=limit, after=after))
    return QuarantinePage(tuple(_entry(row) for row in found.rows), found.last if found.more_after else None)


def refused(conn: Connection, batch: str, limit: int, *, conflicts: bool = False) -> tuple[Refused, ...]:
    """The lines of an import that were quarantined, or only those in conflict with rows kept before."""
    found = select(_columns.line, _columns.field, _columns.reason).where(_columns.batch == batch)
    if conflicts:
        found = found.where(_columns.reason.in_(CONFLICTS))
    rows = conn.execute(found.order_by(_columns.line).limit(limit))
    return tuple(Refused(row.line, str(Violation(row.field, row.reason))) for row in rows)


async def waiting(db: Database) -> int:
    """How many entries are open."""
    query = select(func.count()).select_from(feedback_quarantine).where(_columns.state == "open")
    return await db.run(lambda conn: conn.scalar(query) or 0)


async def one(db: Database, identity: str) -> Quarantined:
    """The entry of this id, or whose id begins so, with all that is kept of what came. Raises UserError where there is
    none, or more than one."""
    identity = await whole_id(db, _columns.id, identity, "entry of the quarantine", LISTED)
    query: Select[Any] = select(*_columns, _KEPT).where(_columns.id == identity)
    return _entry(await db.run(lambda conn: conn.execute(query).one()))


async def mend(db: Database, identity: str, text: bytes, extra: Extra = "forbid") -> Retried:
    """Try the mended text in the place of what was quarantined. Decisions that it does not speak of are those that came
    with the row. Raises UserError when it breaks the contract, too."""
    before = await one(db, identity)
    identity = before.id

    def work(conn: Connection) -> Retried:
        now = utc_now()
        # The state is asked again inside: of two who mend one entry, the second finds nothing to do.
        if not _settle(conn, identity, "mended"):
            raise UserError(f"{identity} was settled already", fix="`qd feedback quarantine list` shows what is open")
        return _take(conn, text.strip(), split(before.raw), extra, now)

    try:
        return await db.run(work, write=True)
    except ViolationError as error:
        raise UserError(str(error), where=f"quarantine {identity}", fix="mend it and try again") from None


async def retry(db: Database, ids: tuple[str, ...] = (), *, batch: str = "", extra: Extra = "forbid") -> Retried:
    """Try entries again as they are, for instance after an update of the contract: those named, or all open ones."""
    created = duplicate = 0
    left: list[Quarantined] = []
    for identity in ids:
        done = await _again(db, await one(db, identity), extra)
        created, duplicate, left = created + done.created, duplicate + done.duplicate, [*left, *done.left]
    after: Cursor | None = None
    while not ids:
        found = await entries(db, batch=batch, after=after)
        for each in found.entries:
            done = await _again(db, each, extra)
            created, duplicate, left = created + done.created, duplicate + done.duplicate, [*left, *done.left]
        after = found.after
        if after is None:
            break
    return Retried(created, duplicate, tuple(left))


async def drop(db: Database, identity: str) -> Quarantined:
    """Let an entry go. It stays in the table as dropped. Raises UserError where none is open under this id."""
    found = await one(db, identity)
    if not await db.run(lambda conn: _settle(conn, found.id, "dropped"), write=True):
        raise UserError(f"{identity} was settled already", fix="`qd feedback quarantine list` shows what is open")
    return found


async def drop_open(db: Database, batch: str = "") -> tuple[str, ...]:
    """Let go all that is open, or all that is open of an import; the ids of what was dropped."""
    dropped: list[str] = []
    mine = (_columns.state == "open", *((_columns.batch == batch,) if batch else ()))

    def work(conn: Connection) -> list[str]:
        # Held, so that nobody mends meanwhile what is told as dropped.
        found = select(_columns.id).where(*mine).order_by(_columns.id).limit(ASKED).with_for_update()
        ids = list(conn.scalars(found))
        conn.execute(update(feedback_quarantine).where(_columns.id.in_(ids)).values(state="dropped"))
        return ids

    while ids := await db.run(work, write=True):
        dropped += ids
    return tuple(dropped)


async def _again(db: Database, found: Quarantined, extra: Extra) -> Retried:
    if not found.complete or found.reason in CONFLICTS:
        return Retried(left=(found,))
    raw = found.raw if len(found.raw) == found.kept else (await one(db, found.id)).raw

    def work(conn: Connection) -> Retried:
        if not _settle(conn, found.id, "mended"):
            return Retried()
        return _take(conn, raw, None, extra, utc_now())

    try:
        return await db.run(work, write=True)
    except ViolationError:
        return Retried(left=(found,))


def _take(conn: Connection, text: bytes, before: Exported | None, extra: Extra, now: datetime) -> Retried:
    """The row, and the decisions that came with it, now or `before`."""
    found = split(text)
    row = prepare(parse(text, extra) if found is None else parse_object(found[0], extra), now=now)
    done = insert_rows(conn, [row])
    if problems := [*done.conflicts, *done.refused]:
        raise ViolationError(Violation("", problems[0][1]))
    exported = found or before
    if exported is not None:
        restore(conn, row, exported[1])
    return Retried(done.created, done.duplicate)


def _settle(conn: Connection, identity: str, state: QuarantineState) -> bool:
    done = conn.execute(
        update(feedback_quarantine).where(_columns.id == identity, _columns.state == "open").values(state=state)
    )
    return done.rowcount == 1


def _entry(row: Row[Any]) -> Quarantined:
    return Quarantined(
        id=row.id,
        batch=row.batch,
        source=row.source,
        line=row.line,
        reason=row.reason,
        field=row.field,
        raw=row.raw,
        raw_size=row.raw_size,
        raw_hash=row.raw_hash,
        at=row.at,
        state=row.state,
        kept=row.kept,
    )
