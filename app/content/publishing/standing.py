"""What of a draft already stands at a target, or is on its way there: another publication would be a second post."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, or_, select

from app.content.model import PublicationState
from app.content.publishing.model import Problem
from app.content.publishing.states import HELD, WAITING
from app.content.tables import publication

STANDING: tuple[PublicationState, ...] = (*WAITING, *HELD, "sent", "unknown")
_p = publication.c


def standing(conn: Connection, draft_id: str, target: str) -> Row[Any] | None:
    """The last publication of a draft that stands at a target, may stand there, or waits."""
    there = or_(_p.state.in_(STANDING), (_p.state == "failed_permanent") & (_p.parts_sent > 0))
    asked = select(publication).where(_p.draft_id == draft_id, _p.target == target, there)
    return conn.execute(asked.order_by(_p.id.desc()).limit(1)).first()


def edit_of(conn: Connection, identity: str) -> Row[Any] | None:
    """The publication that is on its way to take the place of this one, or may have done so in part."""
    there = or_(_p.state.in_((*WAITING, *HELD, "unknown")), (_p.state == "failed_permanent") & (_p.parts_sent > 0))
    asked = select(publication).where(_p.replaces == identity, there)
    return conn.execute(asked.order_by(_p.id.desc()).limit(1)).first()


def edited_already(row: Row[Any]) -> str:
    """Why nothing else takes the place that another edit is on its way to."""
    if row.state in WAITING:
        return f"an edit of it waits already: {row.id}, due {_day(row.due_at)}"
    if row.state in HELD:
        return f"an edit of it is being sent: {row.id}"
    return f"an edit of it is to be decided about first: {row.id} is {row.state}"


def problem(row: Row[Any], payload_hash: str) -> Problem:
    """Why a text of these parts is not published beside the one that stands."""
    if row.state == "unknown":
        what = f"it may be there already: {row.id} was sent, and no answer came"
    elif row.state == "failed_permanent":
        what = f"a part of it is there already: {row.id}, {row.parts_sent} of {row.parts}"
    elif row.state != "sent":
        what = f"it waits already to be published there: {row.id}, due {_day(row.due_at)}"
    else:
        which = "the same text" if row.payload_hash == payload_hash else "an earlier text of it"
        what = f"{which} is published there already: {row.id}, sent {_day(row.sent_at)}"
    return Problem("published", f"{what}, {row.url}" if row.url else what, row.id)


def _day(moment: datetime) -> str:
    return moment.astimezone().strftime("%Y-%m-%d %H:%M")
