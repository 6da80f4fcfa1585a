"""Up to where each pipeline has taken rows, so that looking for new ones reads no more than what came since.

Whether a row is new is said by `retrain_row` alone. The watermark only bounds the search, and a decision that arrives
late (its reviewer was offline) moves it back. Decisions read it under a shared lock and a firing writes it under an
exclusive one: a firing sees a decision, or the decision sees what the firing took, and never neither.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, Row, select, update
from sqlalchemy.sql import Select

from app.db.upsert import upsert
from app.feedback.retrain_tables import retrain_watermark

OVERLAP = timedelta(hours=1)
"""Searched again before the watermark: clocks of reviewers differ."""

_marks = retrain_watermark.c


def ensure(conn: Connection, pipelines: tuple[str, ...], now: datetime) -> None:
    """Give each of these pipelines a watermark; what is there stays."""
    known = set(conn.scalars(select(_marks.pipeline)))
    rows = [{"pipeline": name, "revision": 0, "updated_at": now} for name in pipelines if name not in known]
    upsert(conn, retrain_watermark, rows, keys=("pipeline",), update=())


def read(conn: Connection, pipeline: str, *, lock: bool = False) -> Row[tuple[object, ...]] | None:
    """The row of a pipeline; with `lock`, nobody else decides or fires until the transaction ends."""
    asked: Select[tuple[object, ...]] = select(retrain_watermark).where(_marks.pipeline == pipeline)
    return conn.execute(asked.with_for_update() if lock else asked).first()


def ahead(moment: datetime, now: datetime) -> bool:
    """A moment that lies in the future by more than clocks differ: this machine's was put back."""
    return moment > now + OVERLAP


def since(decided_at: datetime | None) -> datetime | None:
    """From when on new rows are looked for; None: from the beginning."""
    return None if decided_at is None else decided_at - OVERLAP


def note_decision(conn: Connection, decided_at: datetime | None) -> None:
    """A row was decided at this time (None: it waits again); call it before `retrain_row` is read."""
    marks = conn.execute(select(_marks.pipeline, _marks.decided_at).with_for_update(read=True)).all()
    if decided_at is None:
        return
    late = [mark.pipeline for mark in marks if mark.decided_at is not None and decided_at < mark.decided_at]
    if late:
        conn.execute(
            update(retrain_watermark)
            .where(_marks.pipeline.in_(late), _marks.decided_at > decided_at)
            .values(decided_at=decided_at, feedback_id=None)
        )


def set_hold(conn: Connection, pipeline: str, reason: str | None, now: datetime) -> None:
    """Keep a pipeline from firing, with the reason why; None lets it fire again."""
    ensure(conn, (pipeline,), now)
    conn.execute(update(retrain_watermark).where(_marks.pipeline == pipeline).values(hold=reason))
