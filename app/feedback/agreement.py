"""Whether a reviewer would decide the same again: some rows are shown a second time, and nothing says so."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, select, true

from app.feedback.indexes import REVIEWER_INDEX, hinted
from app.feedback.model import FeedbackRow, QueueItem, Verdict
from app.feedback.reading import rows_of
from app.feedback.tables import feedback_decision

AFTER = timedelta(days=7)
"""How long ago a row was decided that may be shown again: memory should have let go of it."""
SHARE = 0.04
"""Rows shown again, as a part of all that are shown."""
COUNTED = 1000
"""Of so many rows shown again, the last ones, the agreement is computed."""
LOOKED_AT = 10_000
"""Of so many, the last ones, those of one reviewer are taken."""

NEAR = 50
"""Decisions looked at around a moment: one who skipped a thousand rows then is not gone after through all of them."""

RESHOW_INDEX = "ix_feedback_decision_reshow_decided_at_id"

_columns = feedback_decision.c
Pair = tuple[Verdict, Verdict]


@dataclass(frozen=True, slots=True)
class Agreement:
    """Of `n` rows decided twice by one reviewer, the part decided alike; Cohen's kappa takes out what chance does.

    Both are None where there is nothing to compute them from: kappa also where all verdicts are the same one.
    """

    n: int = 0
    raw: float | None = None
    kappa: float | None = None


def agreement_of(pairs: Sequence[Pair]) -> Agreement:
    """The agreement of first with second verdicts."""
    n = len(pairs)
    if not n:
        return Agreement()
    observed = sum(first == second for first, second in pairs) / n
    firsts, seconds = (Counter(pair[side] for pair in pairs) for side in (0, 1))
    expected = sum(firsts[verdict] * seconds[verdict] for verdict in firsts) / n**2
    kappa = None if expected == 1 else (observed - expected) / (1 - expected)
    return Agreement(n, observed, kappa)


def read_pairs(conn: Connection, reviewer: str | None = None, *, limit: int = COUNTED) -> list[Pair]:
    """First and second verdict of the rows shown again last, of one reviewer or of all."""
    names = (_columns.feedback_id, _columns.reviewer, _columns.verdict, _columns.decided_at)
    last = select(*names, _columns.kind, _columns.undone_by)
    # Servers read `IS true` from no index.
    last = last.where(_columns.reshow == true())
    last = last.order_by(_columns.decided_at.desc(), _columns.id.desc()).limit(LOOKED_AT)
    found = [
        row
        for row in conn.execute(hinted(last, feedback_decision, RESHOW_INDEX))
        if row.kind == "decide" and row.undone_by is None and reviewer in (None, row.reviewer)
    ][:limit]
    firsts: dict[tuple[str, str], list[tuple[datetime, Verdict]]] = {}
    ids = sorted({row.feedback_id for row in found})
    for start in range(0, len(ids), 500):
        for row in conn.execute(_first_verdicts(ids[start : start + 500])):
            firsts.setdefault((row.feedback_id, row.reviewer), []).append((row.decided_at, row.verdict))
    pairs: list[Pair] = []
    for row in found:
        earlier = [entry for entry in firsts.get((row.feedback_id, row.reviewer), ()) if entry[0] < row.decided_at]
        if earlier:
            pairs.append((max(earlier)[1], row.verdict))
    return pairs


def _first_verdicts(ids: Sequence[str]) -> Select[Any]:
    return select(_columns.feedback_id, _columns.reviewer, _columns.verdict, _columns.decided_at).where(
        _columns.feedback_id.in_(ids),
        _columns.kind == "decide",
        _columns.reshow.is_not(True),
        _columns.undone_by.is_(None),
    )


def pick(conn: Connection, reviewer: str, *, now: datetime, limit: int, chance: random.Random) -> list[QueueItem]:
    """Up to `limit` rows, by chance, that this reviewer decided long enough ago and was not shown again since.

    They come as if they were new: waiting, without earlier decisions, and with a reason like any other.
    """
    own = (_columns.reviewer == reviewer, _columns.kind == "decide", _columns.undone_by.is_(None))
    order = (_columns.decided_at, _columns.id)
    oldest = select(_columns.decided_at).where(*own).order_by(*order)
    first = conn.scalar(hinted(oldest, feedback_decision, REVIEWER_INDEX).limit(1))
    before = now - AFTER
    if first is None or first > before or limit < 1:
        return []
    ids: dict[str, None] = {}
    for _ in range(limit):
        # A moment by chance, and the decision that follows it (or the one before): one look into the index.
        moment = first + (before - first) * chance.random()
        near: Select[Any] = select(_columns.feedback_id, _columns.verdict, _columns.reshow).where(*own)
        near = hinted(near, feedback_decision, REVIEWER_INDEX).limit(NEAR)
        after = near.where(_columns.decided_at >= moment, _columns.decided_at <= before).order_by(*order)
        earlier = near.where(_columns.decided_at < moment).order_by(*(column.desc() for column in order))
        found = _fitting(conn, after) or _fitting(conn, earlier)
        if found is not None:
            ids[found] = None
    again = select(_columns.feedback_id).where(
        _columns.feedback_id.in_(list(ids)), _columns.reviewer == reviewer, _columns.decided_at > before
    )
    recent = set(conn.scalars(again)) if ids else set()
    rows = rows_of(conn, [identity for identity in ids if identity not in recent])
    return [_as_new(row, now) for row in rows.values()]


def _fitting(conn: Connection, near: Select[Any]) -> str | None:
    """The first of these decisions that says something and was no second look."""
    return next((row.feedback_id for row in conn.execute(near) if not row.reshow and row.verdict != "skip"), None)


def _as_new(row: FeedbackRow, now: datetime) -> QueueItem:
    days = max((now - row.captured_at).days, 0)
    return QueueItem(
        replace(row, state="waiting", decided_at=None), f"waits {days} d", now + timedelta(days=1), (), reshow=True
    )
