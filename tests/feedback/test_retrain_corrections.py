"""What later runs are told of rows that earlier ones took: the row as it is, whatever the reviewers' clocks say."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from app.db.engine import Database
from app.db.types import utc_now
from app.feedback.retrain import corrections
from app.feedback.retrain.model import Pipeline
from app.feedback.retrain_tables import retrain_run
from tests.feedback.retraining import accept, decide, fire, look, pipeline

NOW = utc_now()
BEHIND = NOW - timedelta(minutes=3)
"""By a clock that is slow."""


@pytest.fixture
def wanted(tmp_path: Path) -> Pipeline:
    return pipeline(tmp_path)


def run(db: Database, wanted: Pipeline) -> str:
    """Fire, and let the run be done."""
    fired = fire(db, wanted, forced="x")
    assert fired is not None
    db.run_now(lambda conn: conn.execute(update(retrain_run).values(state="succeeded")), True)
    return fired.id


def told(db: Database, run_id: str) -> list[tuple[str, str, str, str | None]]:
    """The changes that a run takes up."""
    found = db.run_now(lambda conn: corrections.of_run(conn, run_id))
    return [(each["id"], each["was"], each["now"], each["decision_id"]) for each in found]


def waiting(db: Database) -> int:
    return db.run_now(lambda conn: corrections.waiting(conn, "p"))


def undo(db: Database, row: str, decision: str, at: datetime = NOW, kind: str = "undo") -> str:
    return decide(db, row, at, kind=kind, supersedes=decision)


@pytest.mark.parametrize("undone_at", [NOW + timedelta(minutes=1), BEHIND], ids=["in order", "a clock behind"])
def test_a_second_thought_that_is_undone_is_no_change(database: Database, wanted: Pipeline, undone_at: Any) -> None:
    accept(database, "abc")
    run(database, wanted)
    undo(database, "a", decide(database, "a", NOW, verdict="reject"), undone_at)
    assert waiting(database) == 0
    found = look(database, wanted)
    assert found.corrections == 0
    assert [guard.ok for guard in found.guards if guard.id == "least_rows"] == [False]
    assert fire(database, wanted, forced="x") is None
    # With another change there is a run, which is told of that one alone.
    other = decide(database, "b", NOW, verdict="reject")
    assert told(database, run(database, wanted)) == [("b", "accepted", "rejected", other)]


def test_changes_follow_each_other_as_they_were_written(database: Database, wanted: Pipeline) -> None:
    made = accept(database, "abc")
    run(database, wanted)
    first = decide(database, "a", NOW, verdict="reject")
    undo(database, "a", first, BEHIND)
    undo(database, "a", made["a"], BEHIND - timedelta(minutes=1))
    second = run(database, wanted)
    assert told(database, second) == [("a", "accepted", "waiting", None)]
    # Back on the decision that the first run had: for who heard of the second one that is a change.
    undo(database, "a", made["a"], BEHIND - timedelta(minutes=2), "redo")
    assert told(database, second) == [("a", "accepted", "waiting", None)]
    third = run(database, wanted)
    assert told(database, third) == [("a", "waiting", "accepted", made["a"])]
    assert told(database, second) == [("a", "accepted", "waiting", None)]


def test_what_is_decided_after_a_run_was_fired_is_told_to_the_next(database: Database, wanted: Pipeline) -> None:
    accept(database, "abc")
    run(database, wanted)
    first = decide(database, "a", NOW, verdict="accept", correction="better")
    second = run(database, wanted)
    assert told(database, second) == [("a", "accepted", "accepted", first)]
    undone = undo(database, "a", first, BEHIND)
    assert told(database, second) == [("a", "accepted", "accepted", first)]
    assert waiting(database) == 1
    undo(database, "a", first, BEHIND, "redo")
    # What was told holds again.
    assert waiting(database) == 0
    third = decide(database, "a", NOW + timedelta(minutes=1), verdict="reject")
    assert told(database, run(database, wanted)) == [("a", "accepted", "rejected", third)]
    assert undone != first


def test_pipelines_are_told_each_for_itself(database: Database, wanted: Pipeline, tmp_path: Path) -> None:
    accept(database, "abc")
    run(database, wanted)
    rejected = decide(database, "a", NOW, verdict="reject")
    late = pipeline(tmp_path, name="late", rows="decided")
    assert told(database, run(database, late)) == []
    undo(database, "a", rejected)
    assert waiting(database) == 0
    ((row, was, now, _),) = told(database, run(database, late))
    assert (row, was, now) == ("a", "rejected", "accepted")


def test_a_row_may_change_in_every_run(database: Database, wanted: Pipeline) -> None:
    made = accept(database, "abc")
    run(database, wanted)
    states = ["accepted"]
    for number in range(4):
        at = NOW - timedelta(minutes=number)
        undo(database, "a", made["a"], at, "redo" if number % 2 else "undo")
        states.append("accepted" if number % 2 else "waiting")
        ((_, was, now, _),) = told(database, run(database, wanted))
        assert [was, now] == states[-2:]
