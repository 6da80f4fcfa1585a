"""Figures of the area."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, select

from app.feedback.agreement import agreement_of, read_pairs
from app.feedback.indexes import hinted
from app.feedback.model import Stats
from app.feedback.store import counts
from app.feedback.tables import feedback_decision

RATE_OVER = timedelta(hours=1)
"""The time before the last decision over which the rate is taken."""

_columns = feedback_decision.c


def read_stats(conn: Connection, reviewer: str | None = None) -> Stats:
    """Rows by state, the rate of the last hour in which there were decisions, and the agreement of reviewers with
    themselves; of one reviewer, or of all."""
    pairs = agreement_of(read_pairs(conn, reviewer))
    return Stats(counts(conn), _per_minute(conn, reviewer), pairs.raw, pairs.kappa)


def _per_minute(conn: Connection, reviewer: str | None) -> float | None:
    own = (_columns.reviewer == reviewer,) if reviewer is not None else ()
    index = "ix_feedback_decision_decided_at_id" if reviewer is None else "ix_feedback_decision_reviewer_decided_at_id"
    newest = select(_columns.decided_at).where(*own).order_by(_columns.decided_at.desc(), _columns.id.desc()).limit(1)
    last: datetime | None = conn.scalar(hinted(newest, feedback_decision, index))
    if last is None:
        return None
    near: Any = select(func.count(), func.min(_columns.decided_at)).where(
        *own, _columns.kind == "decide", _columns.verdict != "skip", _columns.decided_at > last - RATE_OVER
    )
    number, first = conn.execute(hinted(near, feedback_decision, index)).one()
    if not number or number < 2 or first is None:
        return None
    minutes = (last - first).total_seconds() / 60
    return (number - 1) / minutes if minutes > 0 else None
