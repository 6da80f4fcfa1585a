"""What became of rows that earlier runs had taken, as the run that comes next has to know it.

Each later decision on such a row is an entry; what counts is the row, once. A decision that was undone and done again
changes nothing, and is none.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, select

from app.feedback.retrain_tables import retrain_correction, retrain_row
from app.feedback.tables import feedback_decision

_entries = retrain_correction.c


def waiting(conn: Connection, pipeline: str) -> int:
    """Rows that changed after a run had taken them, and whose change no run has taken up yet."""
    return sum(1 for _ in _changed(conn, _entries.pipeline == pipeline, _entries.taken_by.is_(None)))


def of_run(conn: Connection, run_id: str) -> list[dict[str, Any]]:
    """The changes that a run takes up, by the ids of rows; `was` is the state in which the earlier run took the row."""
    return [
        {
            "id": row.feedback_id,
            "run_id": row.run_id,
            "was": was,
            "now": row.state_now,
            "decision_id": row.id,
            "at": row.at.isoformat(),
        }
        for was, row in _changed(conn, _entries.taken_by == run_id)
    ]


def _changed(conn: Connection, *which: ColumnElement[bool]) -> Iterator[tuple[str, Row[*tuple[Any, ...]]]]:
    """Rows that are other than they were taken: the state before the first of these entries, and the last entry."""
    log = feedback_decision.c
    asked = (
        select(
            *(_entries[name] for name in ("feedback_id", "run_id", "state_before", "state_now", "id", "at")),
            log.kind,
            log.supersedes,
            retrain_row.c.decision_id,
        )
        .join_from(retrain_correction, retrain_row, retrain_row.c.feedback_id == _entries.feedback_id)
        .join(feedback_decision, log.id == _entries.id, isouter=True)
        .where(*which, retrain_row.c.pipeline == _entries.pipeline)
        .order_by(_entries.feedback_id, _entries.at, _entries.id)
    )
    was, last = "", None
    for row in conn.execute(asked):
        if last is not None and last.feedback_id != row.feedback_id:
            if _differs(was, last):
                yield was, last
            last = None
        if last is None:
            was = row.state_before
        last = row
    if last is not None and _differs(was, last):
        yield was, last


def _differs(was: str, row: Row[*tuple[Any, ...]]) -> bool:
    same_decision = row.kind == "redo" and row.supersedes == row.decision_id
    return not (was == row.state_now and same_decision)
