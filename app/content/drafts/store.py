"""Drafts in the database: written through the spool, read a page at a time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, Select, func, select

from app.content.drafts.records import DraftRecord
from app.content.model import WAITING, Draft, DraftHead, DraftState, DraftVersion
from app.content.tables import draft, draft_version, publication
from app.db.paging import Cursor, Key, page
from app.db.upsert import upsert

if TYPE_CHECKING:
    from app.db.spool import Spool

DRAFT = "content.draft"
"""Kind of the spooled operation that holds a draft in one of its states, with the version that was kept then."""
_drafts, _versions = draft.c, draft_version.c
_HEAD = (
    _drafts.id,
    _drafts.template,
    _drafts.kind,
    _drafts.title,
    _drafts.state,
    _drafts.version,
    _drafts.updated_at,
    _drafts.number,
)
KEYS = (Key(_drafts.updated_at, descending=True), Key(_drafts.id, descending=True))
ID_LENGTH = 26
SAME_ENDING = 3
"""So many drafts with one ending are told; more say nothing more."""


@dataclass(frozen=True, slots=True)
class DraftPage:
    """Drafts, the last changed first; `after` leads on and is None at the end."""

    drafts: tuple[DraftHead, ...]
    after: Cursor | None


async def put(spool: Spool, record: DraftRecord) -> None:
    """Keep a draft's state; it would survive a power loss when this returns. Raises UserError when it could not."""
    op_id = record.kept.id if record.kept is not None else f"{record.id}-{record.revision}"
    await spool.put(DRAFT, record.model_dump(mode="json"), op_id)


def apply(conn: Connection, payload: dict[str, Any]) -> None:
    """Write a draft and its version. Writing them again changes nothing; a state that comes late replaces no later one.

    The version is kept in any case: two who change one draft lose nothing of what either wrote.
    """
    _apply(conn, DraftRecord.model_validate_json(json.dumps(payload)))


def _apply(conn: Connection, record: DraftRecord) -> None:
    if record.kept is not None:
        row = {
            "draft_id": record.id,
            "title": record.title,
            "fields": record.fields,
            "body": record.body,
            **record.kept.model_dump(),
        }
        upsert(conn, draft_version, [row], keys=["id"], update=())
    known = conn.execute(
        select(_drafts.revision, _drafts.updated_at, _drafts.state).where(_drafts.id == record.id).with_for_update()
    ).first()
    if known is None or (known.revision, known.updated_at) < (record.revision, record.updated_at):
        row = record.model_dump(exclude={"schema_version", "kept", "beside"})
        if known is not None and record.kept is not None:
            # Whoever keeps a text may not know yet that it was scheduled or published meanwhile.
            row["state"] = known.state
        upsert(conn, draft, [row], keys=["id"])
    if record.beside is not None:
        _apply(conn, record.beside)


def find(conn: Connection, name: str) -> tuple[Draft | None, tuple[str, ...]]:
    """The draft of this id, or the only one whose id ends so; else None, with the ids of the few that do."""
    if not (name.isascii() and name.isalnum() and len(name) <= ID_LENGTH):
        return None, ()
    row = conn.execute(select(draft).where(_drafts.id == name)).first()
    if row is not None:
        return draft_of(row), ()
    ids = tuple(conn.scalars(select(_drafts.id).where(_drafts.id.like(f"%{name.upper()}")).limit(SAME_ENDING)))
    if len(ids) != 1:
        return None, ids
    return draft_of(conn.execute(select(draft).where(_drafts.id == ids[0])).one()), ids


def heads(
    conn: Connection, states: tuple[DraftState, ...], template: str, limit: int, after: Cursor | None
) -> DraftPage:
    """Drafts in one of the states, of one template or (empty) of all."""
    if len(states) == 1:
        found = page(conn, select_heads(states[0], template), KEYS, limit=limit, after=after)
        return DraftPage(tuple(head_of(row) for row in found.rows), found.last if found.more_after else None)
    # Each state is one range of the index; a list of several merges them.
    pages = [page(conn, select_heads(state, template), KEYS, limit=limit, after=after) for state in states]
    rows = sorted((row for each in pages for row in each.rows), key=lambda row: (row.updated_at, row.id), reverse=True)
    more = len(rows) > limit or any(each.more_after for each in pages)
    rows = rows[:limit]
    return DraftPage(tuple(head_of(row) for row in rows), (rows[-1].updated_at, rows[-1].id) if rows and more else None)


def select_heads(state: DraftState, template: str) -> Select[Any]:
    """The lines of one state, without an order."""
    statement = select(*_HEAD).where(_drafts.state == state)
    return statement.where(_drafts.template == template) if template else statement


def counts(conn: Connection) -> Mapping[str, int]:
    """How many drafts are in each state that any is in."""
    rows = conn.execute(select(_drafts.state, func.count().label("number")).group_by(_drafts.state))
    return {row.state: row.number for row in rows}


def state_by_deliveries(conn: Connection, draft_id: str) -> DraftState:
    """The state that a draft has while it is neither archived nor in the trash: it follows from what was sent of it."""
    asked = select(publication.c.state).where(publication.c.draft_id == draft_id).distinct()
    states = set(conn.scalars(asked))
    if "sent" in states:
        return "published"
    return "scheduled" if states & WAITING else "draft"


def versions(conn: Connection, draft_id: str, limit: int = 500) -> tuple[DraftVersion, ...]:
    """The versions of a draft, the latest first."""
    rows = conn.execute(
        select(draft_version)
        .where(_versions.draft_id == draft_id)
        .order_by(_versions.number.desc(), _versions.id.desc())
        .limit(limit)
    )
    return tuple(version_of(row) for row in rows)


def highest_number(conn: Connection, kind: str) -> int:
    """The highest number that a draft of a kind has, 0 where none has one."""
    return conn.scalar(select(func.max(_drafts.number)).where(_drafts.kind == kind)) or 0


def numbered(conn: Connection, kind: str, number: int) -> Draft | None:
    """The draft of a kind with this number, the last made where several have it."""
    named = select(draft).where(_drafts.kind == kind, _drafts.number == number).order_by(_drafts.id.desc())
    row = conn.execute(named.limit(1)).first()
    return None if row is None else draft_of(row)


def draft_of(row: Row[Any]) -> Draft:
    """A row of `draft`."""
    return Draft(**row._mapping)


def head_of(row: Row[Any]) -> DraftHead:
    """A row of the list."""
    return DraftHead(**row._mapping)


def version_of(row: Row[Any]) -> DraftVersion:
    """A row of `draft_version`."""
    return DraftVersion(**row._mapping)
