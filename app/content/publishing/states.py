"""The states of a publication, and who may lead it from one to the next. Each step is one conditional transaction.

scheduled → leased → sending (one attempt for each part) → sent. Who sends holds a lease. Before the network is asked
for anything an attempt is written, and it is closed afterwards: a lease that runs out over an open attempt means that
nobody knows whether the text arrived, and such a publication is `unknown` until the user decides. `leased_until` of a
publication in `failed_transient` is the moment before which nobody tries it again.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from app.content.model import PublicationState
from app.content.publishing.model import NO_ID, Outcome
from app.content.tables import draft, publication, publication_attempt
from app.db.types import storable

ATTEMPTS = 8
BACK_OFF_S = 5.0
BACK_OFF_MOST_S = 900.0
ERROR_LENGTH = 4000
HELD: tuple[PublicationState, ...] = ("leased", "sending")
WAITING: tuple[PublicationState, ...] = ("scheduled", "failed_transient")
ASKING: tuple[PublicationState, ...] = ("unknown", "missed", "failed_permanent")
"""States that wait for the user's decision."""
BY_ID = ("discord", "notion")
"""Kinds whose servers give the ids by which something is edited and deleted."""
LOST = "it was sent, and the program ended before the answer came; look whether it arrived, then decide"
LATE = "found later than it may be sent by itself; decide whether it still should be"
PAUSED = "the channel asks for a pause before the next part"
GONE = "the target was disabled after an earlier answer; mend it, and enable it again"
_p, _a = publication.c, publication_attempt.c


def recover(conn: Connection, now: datetime) -> list[str]:
    """Take leases that ran out from those who held them; the ids of publications whose fate is unknown now."""
    unknown = []
    held = select(_p.id).where(_p.state.in_(HELD), _p.leased_until <= now).order_by(_p.id)
    for row in conn.execute(held.with_for_update()).all():
        attempt = _open(conn, row.id)
        mine = (_p.id == row.id, _p.state.in_(HELD), _p.leased_until <= now)
        if attempt is None:
            # Nothing is under way: whoever takes it goes on with the next part.
            conn.execute(update(publication).where(*mine).values(state="scheduled", owner=None, leased_until=None))
        elif conn.execute(update(publication).where(*mine).values(_unknown(now))).rowcount:
            unknown.append(row.id)
    return unknown


def miss(conn: Connection, now: datetime, grace: timedelta) -> int:
    """Put aside what should have gone out long ago; how many. The user is asked about it."""
    late = (_p.state.in_(WAITING), _p.due_at < now - grace)
    values = {"state": "missed", "error": LATE, "owner": None, "leased_until": None, "updated_at": now}
    drafts = conn.scalars(select(_p.draft_id).where(*late, _p.draft_id.is_not(None)).distinct()).all()
    missed = conn.execute(update(publication).where(*late).values(**values)).rowcount
    for draft_id in drafts:
        rests(conn, draft_id, now)
    return missed


def due(conn: Connection, queues: list[str], now: datetime) -> list[str]:
    """For each of these channels the id of the first publication that waits and is due, where any is."""
    asked = (
        select(_p.id, _p.queue)
        .where(_p.queue.in_(queues), _p.state.in_(WAITING), _p.due_at <= now)
        .order_by(_p.due_at, _p.id)
    )
    first: dict[str, str] = {}
    for row in conn.execute(asked):
        first.setdefault(row.queue, row.id)
    return list(first.values())


def claim(conn: Connection, identity: str, owner: str, now: datetime, lease: timedelta) -> Row[Any] | None:
    """Take the lease; None where another has it, its channel is busy or wants to be left alone, or it is not due.

    Doing so again with the same owner changes nothing. All that wait in a channel are locked meanwhile, so that two
    who look at once do not each find the channel free.
    """
    queue = conn.scalar(select(_p.queue).where(_p.id == identity))
    beside = (
        select(_p.id, _p.state, _p.owner, _p.leased_until, _p.due_at)
        .where(_p.queue == queue, _p.state.in_((*WAITING, *HELD)))
        .order_by(_p.id)
        .with_for_update()
    )
    rows = conn.execute(beside).all()
    wanted = next((row for row in rows if row.id == identity), None)
    if wanted is None or (wanted.state in HELD and wanted.owner != owner):
        return None
    if wanted.state in WAITING:
        busy = any(row.state in HELD for row in rows)
        pausing = any(row.state == "failed_transient" and row.leased_until > now for row in rows)
        if busy or pausing or wanted.due_at > now:
            return None
        values = {"state": "leased", "owner": owner, "leased_until": now + lease, "updated_at": now, "error": None}
        conn.execute(update(publication).where(_p.id == identity).values(attempts=_p.attempts + 1, **values))
    return conn.execute(select(publication).where(_p.id == identity)).one()


def begin(conn: Connection, attempt: str, row: Row[Any], number: int, now: datetime, lease: timedelta) -> bool:
    """Write that part `number` is about to be sent; False where the lease was lost: then nothing may be sent."""
    if conn.execute(select(_a.id).where(_a.id == attempt)).first() is not None:
        return True
    mine = (_p.id == row.id, _p.owner == row.owner, _p.state.in_(HELD), _p.leased_until > now)
    held = update(publication).where(*mine).values(state="sending", leased_until=now + lease, updated_at=now)
    if conn.execute(held).rowcount != 1:
        return False
    values = {
        "id": attempt,
        "publication_id": row.id,
        "number": row.attempts,
        "part": number,
        "owner": row.owner,
        "payload_hash": row.payload_hash,
        "started_at": now,
    }
    conn.execute(insert(publication_attempt).values(**values))
    return True


def settle(conn: Connection, attempt: str, outcome: Outcome, now: datetime) -> PublicationState:
    """Close an attempt and lead its publication on; the state it has then. Doing so again changes nothing.

    It counts also for a publication that was taken for unknown meanwhile; not for one that the user decided about.
    """
    known = conn.execute(select(publication_attempt).where(_a.id == attempt).with_for_update()).one()
    row = conn.execute(select(publication).where(_p.id == known.publication_id).with_for_update()).one()
    before: PublicationState = row.state
    if known.ended_at is not None:
        return before
    values = {
        "ended_at": now,
        "outcome": outcome.kind,
        "status": outcome.status,
        "remote_id": outcome.remote_id[:200] or None,
        "error": outcome.error[:ERROR_LENGTH] or None,
    }
    conn.execute(update(publication_attempt).where(_a.id == attempt).values(**values))
    if row.owner != known.owner or row.state not in (*HELD, "unknown"):
        return before
    changed = _after(row, known.part, outcome, now)
    conn.execute(update(publication).where(_p.id == row.id).values(updated_at=now, **changed))
    if changed["state"] == "sent":
        arrived(conn, row, changed["remote"], now)
    rests(conn, row.draft_id, now)
    state: PublicationState = changed["state"]
    return state


def arrived(conn: Connection, row: Row[Any], remote: list[str], now: datetime) -> None:
    """All parts have arrived: keep what was noted with them, and let go what this one has taken the place of."""
    accepted_ = (_a.publication_id == row.id, _a.outcome == "accepted", _a.error.is_not(None))
    notes = list(conn.scalars(select(_a.error).where(*accepted_).order_by(_a.part)))
    if row.kind in BY_ID and not all(remote):
        notes.append(NO_ID)
    note = "; ".join(dict.fromkeys(notes))[:ERROR_LENGTH] or None
    conn.execute(update(publication).where(_p.id == row.id).values(error=note))
    if row.replaces is not None:
        replaced = {"state": "deleted", "error": f"replaced by {row.id}", "updated_at": now}
        conn.execute(update(publication).where(_p.id == row.replaces).values(**replaced))
    if row.draft_id is not None:
        told(conn, row.draft_id, now)


def told(conn: Connection, draft_id: str, now: datetime) -> None:
    """A draft that has reached readers counts as published."""
    open_ = (draft.c.id == draft_id, draft.c.state.in_(("draft", "scheduled")))
    values = {"state": "published", "revision": draft.c.revision + 1, "updated_at": now}
    conn.execute(update(draft).where(*open_).values(**values))


def waits(conn: Connection, draft_id: str, now: datetime) -> None:
    """A draft that goes out later is one that is scheduled."""
    _moved(conn, draft_id, "draft", "scheduled", now)


def rests(conn: Connection, draft_id: str | None, now: datetime) -> None:
    """A draft of which nothing waits any more is one in work again."""
    if draft_id is None:
        return
    waiting = select(_p.id).where(_p.draft_id == draft_id, _p.state.in_((*WAITING, *HELD))).limit(1)
    if conn.execute(waiting).first() is None:
        _moved(conn, draft_id, "scheduled", "draft", now)


def _moved(conn: Connection, draft_id: str, before: str, after: str, now: datetime) -> None:
    values = {"state": after, "revision": draft.c.revision + 1, "updated_at": now}
    conn.execute(update(draft).where(draft.c.id == draft_id, draft.c.state == before).values(**values))


def _after(row: Row[Any], part: int, outcome: Outcome, now: datetime) -> dict[str, Any]:
    free: dict[str, Any] = {"owner": None, "leased_until": None, "error": storable(outcome.error)[:ERROR_LENGTH]}
    if outcome.kind == "accepted":
        return accepted(row, part, outcome, now)
    if outcome.kind == "retry":
        if row.attempts >= ATTEMPTS:
            return {**free, "state": "failed_permanent", "error": f"{outcome.error}; tried {row.attempts} times"}
        back_off = min(BACK_OFF_MOST_S, BACK_OFF_S * 2.0 ** min(row.attempts - 1, 20))
        pause = timedelta(seconds=max(outcome.pause_s, 0.0 if outcome.pause_s else back_off))
        return {**free, "state": "failed_transient", "leased_until": now + pause}
    state = "unknown" if outcome.kind == "unknown" else "failed_permanent"
    return {**free, "state": state}


def accepted(row: Row[Any], part: int, outcome: Outcome, now: datetime) -> dict[str, Any]:
    """What becomes of a publication when one of its parts has arrived."""
    remote = [*(row.remote or ())[:part], outcome.remote_id]
    values: dict[str, Any] = {"parts_sent": part + 1, "remote": remote, "url": row.url or outcome.url or None}
    if part + 1 == row.parts:
        done = {"state": "sent", "sent_at": now, "owner": None, "leased_until": None, "error": None}
        return {**values, **done}
    # What had been taken for unknown waits for its next part; who sends it now goes on by itself.
    if row.state == "unknown":
        return {**values, "state": "scheduled", "owner": None, "leased_until": None, "error": None}
    return {**values, "state": "sending"}


def release(conn: Connection, identity: str, owner: str, state: PublicationState, error: str, now: datetime) -> None:
    """Give the lease back without an attempt: as `scheduled`, or for good with the reason why."""
    mine = (_p.id == identity, _p.owner == owner, _p.state.in_(HELD))
    values = {"state": state, "error": error or None, "owner": None, "leased_until": None, "updated_at": now}
    conn.execute(update(publication).where(*mine).values(**values))
    rests(conn, conn.scalar(select(_p.draft_id).where(_p.id == identity)), now)


def postpone(conn: Connection, identity: str, owner: str, until: datetime, error: str) -> None:
    """Leave what is still to be sent until the channel wants to be asked again."""
    mine = (_p.id == identity, _p.owner == owner, _p.state.in_(HELD))
    values = {"state": "failed_transient", "owner": None, "leased_until": until, "error": error}
    conn.execute(update(publication).where(*mine).values(**values))


def requeue(conn: Connection, target: str, queue: str) -> None:
    """Let what waits for a target wait in its channel, which the configuration may have changed."""
    waits = (_p.target == target, _p.state.in_(WAITING), _p.queue != queue)
    conn.execute(update(publication).where(*waits).values(queue=queue))


def disabled(conn: Connection, queue: str) -> str:
    """Why nothing may be sent to a channel any more; empty where it may."""
    asked = (
        select(_a.error)
        .join(publication, _p.id == _a.publication_id)
        .where(_p.queue == queue, _p.state == "failed_permanent", _a.outcome == "disabled")
    )
    return conn.scalar(asked.limit(1)) or ""


def enable(conn: Connection, queue: str) -> int:
    """Let a channel be used again; how many answers had disabled it."""
    ids = select(_p.id).where(_p.queue == queue, _p.state == "failed_permanent")
    said = (_a.outcome == "disabled", _a.publication_id.in_(ids))
    return conn.execute(update(publication_attempt).where(*said).values(outcome="permanent")).rowcount


def _open(conn: Connection, identity: str) -> Row[Any] | None:
    return conn.execute(select(_a.id).where(_a.publication_id == identity, _a.ended_at.is_(None))).first()


def _unknown(now: datetime) -> dict[str, Any]:
    # Its owner stays: an answer that comes after all still counts.
    return {"state": "unknown", "error": LOST, "leased_until": None, "updated_at": now}
