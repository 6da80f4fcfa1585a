"""Who reviews what: a claim with a lease, so that no two reviewers get the same row.

The primary key of `feedback_claim` decides: of two who want a row, one has written its claim. On the servers, rows
that another reviewer is just claiming are passed over (SKIP LOCKED), so that nobody waits.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, func, select, update
from sqlalchemy.dialects import mysql, sqlite

from app.db.types import on_server
from app.feedback.tables import feedback, feedback_claim

KEEP_EXPIRED = timedelta(days=1)

_columns = feedback_claim.c


def take(
    conn: Connection, ids: Sequence[str], *, reviewer: str, session: str, now: datetime, until: datetime
) -> list[str]:
    """Claim those of these rows that wait and that nobody else has; returns them in the order given.

    Call it in a transaction that writes. A claim whose lease is over is anybody's.
    """
    if not ids:
        return []
    # The state is looked at here: asked for it, SQLite would rather go through all rows that wait.
    wanted_rows = select(feedback.c.id, feedback.c.state).where(feedback.c.id.in_(ids))
    server = on_server(conn.dialect)
    found = conn.execute(wanted_rows.with_for_update(skip_locked=True) if server else wanted_rows)
    free = {row.id for row in found if row.state == "waiting"}
    wanted = [identity for identity in ids if identity in free]
    if not wanted:
        return []
    rows = [
        {"feedback_id": identity, "reviewer": reviewer, "session": session, "claimed_until": until}
        for identity in sorted(wanted)
    ]
    names = ("reviewer", "session", "claimed_until")
    if server:
        # In one statement: pymysql's executemany takes no parameters behind the values.
        put = mysql.insert(feedback_claim).values(rows)
        over = _columns.claimed_until <= now
        # The servers assign from left to right: the lease's end comes last, since the condition looks at it.
        changes = [(name, func.if_(over, put.inserted[name], _columns[name])) for name in names]
        conn.execute(put.on_duplicate_key_update(changes))
    else:
        add = sqlite.insert(feedback_claim)
        conn.execute(
            add.on_conflict_do_update(
                index_elements=["feedback_id"],
                set_={name: add.excluded[name] for name in names},
                where=_columns.claimed_until <= now,
            ),
            rows,
        )
    ours = select(_columns.feedback_id).where(
        _columns.feedback_id.in_(wanted), _columns.session == session, _columns.claimed_until == until
    )
    mine = set(conn.scalars(ours))
    return [identity for identity in wanted if identity in mine]


def held(conn: Connection, ids: Sequence[str], now: datetime, *, but: str | None = None) -> frozenset[str]:
    """Those of these rows that somebody has claimed, but for one session."""
    found: set[str] = set()
    theirs = (_columns.claimed_until > now, *([_columns.session != but] if but is not None else ()))
    for start in range(0, len(ids), 1000):
        piece = ids[start : start + 1000]
        found |= set(conn.scalars(select(_columns.feedback_id).where(_columns.feedback_id.in_(piece), *theirs)))
    return frozenset(found)


def renew(conn: Connection, session: str, ids: Sequence[str], *, now: datetime, until: datetime) -> frozenset[str]:
    """Put off the end of a session's claims on these rows that are not over yet; returns the rows it still has."""
    ours = (_columns.feedback_id.in_(ids), _columns.session == session, _columns.claimed_until > now)
    conn.execute(update(feedback_claim).where(*ours).values(claimed_until=until))
    return frozenset(conn.scalars(select(_columns.feedback_id).where(*ours)))


def release(conn: Connection, session: str, ids: Sequence[str]) -> None:
    """Let others have these rows."""
    if ids:
        conn.execute(delete(feedback_claim).where(_columns.feedback_id.in_(ids), _columns.session == session))


def under_review(conn: Connection, now: datetime) -> tuple[int, datetime | None, tuple[str, ...]]:
    """How many rows that wait are claimed now, when the first of these claims is over, and by whom they are."""
    claimed = (_columns.claimed_until > now, feedback.c.id == _columns.feedback_id, feedback.c.state == "waiting")
    number, first = conn.execute(select(func.count(), func.min(_columns.claimed_until)).where(*claimed)).one()
    names = select(_columns.reviewer).where(*claimed).distinct().order_by(_columns.reviewer)
    return int(number), first, tuple(conn.scalars(names)) if number else ()


def forget_expired(conn: Connection, now: datetime) -> None:
    """Delete claims that were over long ago."""
    conn.execute(delete(feedback_claim).where(_columns.claimed_until < now - KEEP_EXPIRED))
