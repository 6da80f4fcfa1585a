"""Databases that took in the same events, each under ids of its own, come together: one row each with all decisions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection, Table, insert, select

from app.db.copying import target as writing
from app.db.copying.job import backup, copy, restore
from app.db.copying.report import Report
from app.db.copying.state import Mode
from app.db.engine import Database
from app.db.types import utc_now
from app.feedback.contract import FeedbackIn
from app.feedback.retrain_tables import retrain_correction, retrain_row
from app.feedback.rows import prepare
from app.feedback.store import counts, insert_rows
from app.feedback.tables import feedback, feedback_claim, feedback_decision, feedback_tag
from tests.feedback.retraining import START, accept, decide, fire, look, pipeline

BOTH: list[Mode] = ["replace", "keep"]
BELONGS = (feedback_tag, feedback_decision, feedback_claim, retrain_row, retrain_correction)


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Database]:
    """Another machine's database."""
    db = Database(f"sqlite:///{tmp_path / 'source.db'}")
    db.upgrade()
    yield db
    db.close()


def take_in(db: Database, events: Sequence[str], output: str = "o", **more: object) -> None:
    """The events, as each database takes them in."""
    given = [
        FeedbackIn.model_validate(
            {"source": "discord", "source_event_id": event, "input": "", "output": output, **more}
        )
        for event in events
    ]
    made = [prepare(each, now=utc_now()) for each in given]
    db.run_now(lambda conn: insert_rows(conn, made), True)


def ids(db: Database) -> dict[str, str]:
    """The row of each event."""
    found = db.run_now(lambda conn: conn.execute(select(feedback.c.source_event_id, feedback.c.id)).all())
    return {row.source_event_id: row.id for row in found}


def states(db: Database) -> dict[str, str]:
    found = db.run_now(lambda conn: conn.execute(select(feedback.c.source_event_id, feedback.c.state)).all())
    return {row.source_event_id: row.state for row in found}


def astray(db: Database) -> list[str]:
    """Tables with rows that belong to no row of feedback."""

    def work(conn: Connection, table: Table) -> bool:
        lost = select(table).where(table.c.feedback_id.not_in(select(feedback.c.id)))
        return conn.execute(lost).first() is not None

    return [table.name for table in BELONGS if db.run_now(partial(work, table=table))]


def refused(report: Report) -> dict[str, int]:
    return {table.name: table.refused for table in report.tables if table.refused}


@pytest.mark.parametrize("way", ["copy", "backup"])
@pytest.mark.parametrize("merge", BOTH)
def test_an_event_that_both_took_in_is_one_row(
    database: Database, source: Database, tmp_path: Path, merge: Mode, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "MOST_NOTES", 2)
    both = ["e1", "e2", "e3", "e4"]
    take_in(source, [*both, "theirs"], tags=("came",))
    take_in(database, [*both, "ours"], tags=("came",))
    there, here = ids(source), ids(database)
    assert not set(there.values()) & set(here.values())
    decide(source, there["e1"], START, verdict="accept", correction="the right text", tags=("good",))
    decide(source, there["theirs"], START, verdict="reject")
    decide(database, here["e2"], START, verdict="skip")
    claim = {"feedback_id": there["e3"], "reviewer": "ann", "session": "01S", "claimed_until": utc_now()}
    source.run_now(lambda conn: conn.execute(insert(feedback_claim), [claim]) and None, True)
    file = tmp_path / "source.backup"
    for round_ in range(2):
        if way == "copy":
            report = copy(source, database, merge=merge)
        else:
            backup(source, file, force=True)
            report = restore(file, database, merge=merge)
        assert (report.notes, refused(report)) == ([], {})
        tables = {table.name: table for table in report.tables}
        assert (tables["feedback"].inserted, tables["feedback"].rows) == (1 - round_, 5)
        assert ids(database) == {**here, "theirs": there["theirs"]}
        assert astray(database) == []
        assert states(database) == {
            "e1": "accepted",
            "e2": "skipped",
            "e3": "waiting",
            "e4": "waiting",
            "ours": "waiting",
            "theirs": "rejected",
        }
        asked = select(feedback_tag.c.tag).where(feedback_tag.c.feedback_id == here["e1"])
        assert database.run_now(lambda conn, asked=asked: conn.scalars(asked).all()) == ["good"]
        assert database.run_now(lambda conn: conn.scalar(select(feedback_claim.c.feedback_id))) == here["e3"]
        found = database.run_now(counts)
        assert (found.accepted, found.rejected, found.skipped, found.waiting) == (1, 1, 1, 3)


@pytest.mark.parametrize("merge", BOTH)
def test_what_a_run_took_elsewhere_is_taken(database: Database, source: Database, tmp_path: Path, merge: Mode) -> None:
    wanted, both = pipeline(tmp_path), ["e1", "e2", "e3"]
    for db in (source, database):
        take_in(db, both)
        for row in ids(db).values():
            decide(db, row, START, verdict="accept")
    run = fire(source, wanted)
    assert run is not None
    copy(source, database, merge=merge)
    assert look(database, wanted).new_rows == 0
    taken = database.run_now(lambda conn: conn.execute(select(retrain_row.c.feedback_id, retrain_row.c.run_id)).all())
    assert {row.feedback_id: row.run_id for row in taken} == dict.fromkeys(ids(database).values(), run.id)


@pytest.mark.parametrize("merge", BOTH)
def test_an_event_with_other_content_is_told_with_all_that_belongs_to_it(
    database: Database, source: Database, merge: Mode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "MOST_NOTES", 2)
    events = ["e1", "e2", "e3"]
    take_in(source, events, output="theirs", tags=("x",))
    take_in(database, events, output="ours")
    there = ids(source)
    made = decide(source, there["e1"], START, verdict="accept")
    accept(source, ["own"])
    report = copy(source, database, merge=merge)
    # More than can be told one by one do not end it.
    assert refused(report) == {"feedback": 3, "feedback_tag": 3, "feedback_decision": 1}
    told = [(note["table"], note["key"]) for note in report.notes]
    assert ("feedback_decision", f'["{made}"]') in told
    assert sum(table == "feedback" for table, _ in told) == 2
    whys = {note["table"]: note["why"] for note in report.notes}
    assert "another row has this source_event_id and other content" in whys["feedback"]
    assert f"its row of feedback, {there['e1']}, is not there" in whys["feedback_decision"]
    assert astray(database) == []
    own = select(feedback.c.state).where(feedback.c.id == "own")
    assert database.run_now(lambda conn: conn.scalar(own)) == "accepted"


@pytest.mark.parametrize("merge", BOTH)
def test_rows_without_an_event_are_the_same_by_their_content(database: Database, source: Database, merge: Mode) -> None:
    for db in (source, database):
        made = [prepare(FeedbackIn(source="cli", input="in", output="out"), now=utc_now())]
        db.run_now(lambda conn, made=made: insert_rows(conn, made), True)
    first = source.run_now(lambda conn: conn.scalar(select(feedback.c.id)))
    decide(source, first, START, verdict="accept")
    report = copy(source, database, merge=merge)
    assert (report.notes, refused(report)) == ([], {})
    rows = database.run_now(lambda conn: conn.execute(select(feedback.c.state)).all())
    assert [row.state for row in rows] == ["accepted"]
