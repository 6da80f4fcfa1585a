"""What the user decides about a publication that does not go on by itself. Each is one conditional transaction."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Row, select, update

from app.content.publishing import states
from app.content.publishing.model import Outcome
from app.content.tables import publication, publication_attempt
from app.errors import UserError

Decision = Literal["sent", "resend", "drop"]
_p, _a = publication.c, publication_attempt.c


def decide(conn: Connection, identity: str, decision: Decision, now: datetime) -> None:
    """Settle a publication: it did arrive, it is to be sent (again) now, or it is not to be sent. Raises UserError."""
    row = conn.execute(select(publication).where(_p.id == identity).with_for_update()).one()
    droppable = (*states.ASKING, *states.WAITING) if decision == "drop" else states.ASKING
    if row.state not in droppable or (decision == "sent" and row.state != "unknown"):
        raise UserError(f"delivery {row.id} is {row.state}", fix=_possible(row))
    values: dict[str, Any] = {"owner": None, "leased_until": None, "updated_at": now, "error": None}
    values["due_at"] = now if decision != "drop" else row.due_at
    if decision == "sent":
        values |= states.accepted(row, row.parts_sent, Outcome("accepted", remote_id=_known(conn, row)), now)
    elif decision == "resend":
        values |= {"state": "scheduled"}
    else:
        values |= {"state": "cancelled"}
    # An answer to an earlier attempt says nothing about what is decided now.
    closed = {"ended_at": now, "outcome": "unknown"}
    open_ = (_a.publication_id == row.id, _a.ended_at.is_(None))
    conn.execute(update(publication_attempt).where(*open_).values(**closed))
    conn.execute(update(publication).where(_p.id == row.id).values(**values))
    if values["state"] == "sent":
        states.arrived(conn, row, values["remote"], now)
    states.rests(conn, row.draft_id, now)


def deleted(conn: Connection, identity: str, now: datetime) -> None:
    """What was sent is no longer there."""
    sent = (_p.id == identity, _p.state == "sent")
    conn.execute(update(publication).where(*sent).values(state="deleted", updated_at=now))


def _known(conn: Connection, row: Row[Any]) -> str:
    """The id at the target of a part whose answer never came; empty where only that answer had it."""
    if row.replaces is not None:
        earlier = conn.scalar(select(_p.remote).where(_p.id == row.replaces)) or ()
        return str(earlier[row.parts_sent]) if row.parts_sent < len(earlier) else ""
    # The pages of a folder are known by what they were published with.
    return str(row.id) if row.kind == "files" else ""


def _possible(row: Row[Any]) -> str:
    if row.state in states.ASKING:
        return "decide --resend or --drop; --sent is for one whose fate is unknown"
    if row.state in states.WAITING:
        return "it goes on by itself; --drop keeps it from that"
    return "only what is unknown, missed, failed or waiting is decided about"
