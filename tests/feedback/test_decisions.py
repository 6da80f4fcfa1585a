"""Decisions: applied once, undone and done again level by level, with the row's state following."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, func, select

from app.db.engine import Database
from app.db.types import utc_now
from app.feedback.contract import DecisionRecord, FeedbackIn
from app.feedback.decisions import apply_decision, redo_target, undo_target
from app.feedback.model import Counts
from app.feedback.rows import prepare
from app.feedback.store import counts, insert_rows
from app.feedback.tables import feedback, feedback_decision, feedback_tag
from app.ids import new_id

START = utc_now()


def apply(db: Database, number: int, kind: str, row: str, **fields: Any) -> dict[str, Any]:
    record = DecisionRecord.model_validate(
        {
            "id": new_id(),
            "feedback_id": row,
            "kind": kind,
            "decided_at": START + timedelta(seconds=number),
            "reviewer": "ann",
            **fields,
        }
    )
    payload = record.model_dump(mode="json")
    db.run_now(lambda conn: apply_decision(conn, payload), True)
    return payload


def states(conn: Connection) -> dict[str, str]:
    return {row.id: row.state for row in conn.execute(select(feedback.c.id, feedback.c.state))}


def test_undo_and_redo_go_back_and_forth_level_by_level(database: Database) -> None:
    rows = [
        prepare(FeedbackIn(source="cli", input=name, output="x", id=name, tags=("old",)), now=START) for name in "abc"
    ]
    database.run_now(lambda conn: insert_rows(conn, rows), True)
    apply(database, 1, "decide", "a", verdict="accept")
    apply(database, 2, "decide", "b", verdict="reject", tags=("tone",))
    payload = apply(database, 3, "decide", "c", verdict="skip")
    database.run_now(lambda conn: apply_decision(conn, payload), True)
    assert database.run_now(states) == {"a": "accepted", "b": "rejected", "c": "skipped"}
    assert database.run_now(counts) == Counts(0, 1, 1, 1)
    for number, row in enumerate("cba", start=4):
        target = database.run_now(lambda conn: undo_target(conn, "ann"))
        assert target is not None
        assert target[1] == row
        apply(database, number, "undo", row, supersedes=target[0])
    assert database.run_now(lambda conn: undo_target(conn, "ann")) is None
    assert database.run_now(counts) == Counts(3, 0, 0, 0)
    tags = select(feedback_tag.c.tag, feedback_tag.c.state).where(feedback_tag.c.feedback_id == "b")
    assert database.run_now(lambda conn: [tuple(row) for row in conn.execute(tags)]) == [("old", "waiting")]
    for number, row in enumerate("abc", start=7):
        target = database.run_now(lambda conn: redo_target(conn, "ann"))
        assert target is not None
        assert target[1] == row
        apply(database, number, "redo", row, supersedes=target[0])
    assert database.run_now(lambda conn: redo_target(conn, "ann")) is None
    assert database.run_now(states) == {"a": "accepted", "b": "rejected", "c": "skipped"}
    assert database.run_now(lambda conn: [tuple(row) for row in conn.execute(tags)]) == [("tone", "rejected")]
    assert database.run_now(lambda conn: conn.scalar(select(func.count()).select_from(feedback_decision))) == 9


def test_a_row_shown_again_keeps_its_state(database: Database) -> None:
    row = prepare(FeedbackIn(source="cli", input="a", output="x", id="a"), now=START)
    database.run_now(lambda conn: insert_rows(conn, [row]), True)
    apply(database, 1, "decide", "a", verdict="accept")
    apply(database, 2, "decide", "a", verdict="reject", reshow=True)
    assert database.run_now(states) == {"a": "accepted"}
    assert database.run_now(counts) == Counts(0, 1, 0, 0)
