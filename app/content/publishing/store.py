"""Publications in the database: created through the spool, read a page at a time."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, func, select

from app.content.model import Part, Publication, PublicationState
from app.content.publishing import states
from app.content.publishing.model import Outcome
from app.content.publishing.records import OutcomeRecord, PublicationRecord, payload_hash
from app.content.publishing.standing import edit_of, edited_already, problem, standing
from app.content.tables import draft, publication, publication_attempt
from app.db.types import storable
from app.db.upsert import upsert
from app.errors import UserError

if TYPE_CHECKING:
    from app.db.spool import Spool

PUBLICATION = "content.publication"
"""Kind of the spooled operation that orders a publication."""
OUTCOME = "content.outcome"
"""Kind of the spooled operation that holds an outcome which the database could not take at once."""
LISTED = 500
SAME_ENDING = 3
_p, _a = publication.c, publication_attempt.c


@dataclass(frozen=True, slots=True)
class Ordered:
    """A publication with what is sent for it."""

    publication: Publication
    parts: tuple[Part, ...]


async def put(spool: Spool, record: PublicationRecord) -> None:
    """Order a publication; it would survive a power loss when this returns."""
    await spool.put(PUBLICATION, record.model_dump(mode="json"), record.id)


async def put_outcome(spool: Spool, record: OutcomeRecord) -> None:
    """Keep an outcome until the database can take it."""
    await spool.put(OUTCOME, record.model_dump(mode="json"), record.attempt_id)


def apply(conn: Connection, payload: dict[str, Any]) -> None:
    """Write an ordered publication. Once it is there, this changes nothing: it may have been sent since."""
    record = PublicationRecord.model_validate_json(json.dumps(payload))
    given = record.model_dump(exclude={"schema_version", "again"})
    hashed = payload_hash(given["payload"])
    row = {
        **given,
        "state": "scheduled",
        "payload_hash": hashed,
        "parts": len(record.payload),
        "parts_sent": 0,
        "attempts": 0,
        "owner": None,
        "leased_until": None,
        "remote": [],
        "url": None,
        "error": None,
        "updated_at": record.created_at,
        "sent_at": None,
    }
    if record.draft_id is not None:
        # Who publishes a draft at the same time waits here, and finds what the other has ordered.
        conn.execute(select(draft.c.id).where(draft.c.id == record.draft_id).with_for_update()).first()
        if conn.execute(select(_p.id).where(_p.id == record.id)).first() is not None:
            return
        if why := _beside(conn, record, hashed):
            row |= {"state": "cancelled", "error": why}
        elif record.due_at > record.created_at:
            states.waits(conn, record.draft_id, record.created_at)
    upsert(conn, publication, [row], keys=["id"], update=())


def _beside(conn: Connection, record: PublicationRecord, hashed: str) -> str:
    """Why it is not sent beside what was ordered before it; empty where it is."""
    if record.replaces is not None:
        other = edit_of(conn, record.replaces)
        return "" if other is None else edited_already(other)
    there = None if record.again else standing(conn, str(record.draft_id), record.target)
    return "" if there is None else problem(there, hashed).what


def apply_outcome(conn: Connection, payload: dict[str, Any]) -> None:
    """Write an outcome that came late. Doing so again changes nothing."""
    record = OutcomeRecord.model_validate_json(json.dumps(payload))
    given = record.model_dump(exclude={"schema_version", "attempt_id", "at"})
    states.settle(conn, record.attempt_id, Outcome(**given), record.at)


def find(conn: Connection, name: str) -> Ordered:
    """The publication of this id, or the only one whose id ends so. Raises UserError."""
    plain = name.isascii() and name.isalnum() and len(name) <= 26
    asked = select(publication).where(_p.id == name if len(name) == 26 else _p.id.like(f"%{name.upper()}"))
    rows = conn.execute(asked.limit(SAME_ENDING)).all() if plain else []
    if len(rows) > 1:
        ids = ", ".join(row.id for row in rows)
        raise UserError(f"several deliveries end in {name}: {ids}", fix="write more of the id")
    if not rows:
        raise UserError(f"there is no delivery {name[:40]!r}", fix="`qd content deliveries` shows them")
    return ordered(rows[0])


def listed(
    conn: Connection, draft_id: str | None = None, only: Sequence[PublicationState] = (), limit: int = LISTED
) -> list[Publication]:
    """Publications, the last ordered first: of one draft or of all, in some states or in any."""
    columns = [column for column in publication.columns if column is not _p.payload]
    asked = select(*columns).order_by(_p.id.desc()).limit(limit)
    if draft_id is not None:
        asked = asked.where(_p.draft_id == draft_id)
    if only:
        asked = asked.where(_p.state.in_(only))
    return [publication_of(row) for row in conn.execute(asked)]


def counts(conn: Connection) -> dict[str, int]:
    """How many publications are in each state that any is in."""
    rows = conn.execute(select(_p.state, func.count().label("number")).group_by(_p.state))
    return {row.state: row.number for row in rows}


def ordered(row: Row[Any]) -> Ordered:
    """A whole row."""
    return Ordered(publication_of(row), tuple(Part(**part) for part in row.payload))


def publication_of(row: Row[Any]) -> Publication:
    """A row of `publication`, with or without its payload."""
    given = dict(row._mapping)
    for name in ("payload", "queue", "owner"):
        given.pop(name, None)
    pause = given.pop("leased_until")
    override = given["override"]
    given |= {
        "remote": tuple(given["remote"] or ()),
        "url": given["url"] or "",
        "error": given["error"] or "",
        "override": override["reason"] if override else "",
        "again_at": pause if row.state == "failed_transient" else None,
    }
    return Publication(**given)


def safe(text: str) -> str:
    """Text as every database takes it, and no longer than it is read."""
    return storable(text.replace("\0", ""))[:4000]
