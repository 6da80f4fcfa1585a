"""After a merge every row is as all its decisions say, wherever they were made, and pipelines hear of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event, insert, select, text, update

from app.db.copying.job import copy
from app.db.copying.state import Mode
from app.db.engine import Database
from app.db.tables import AFTER_MERGE
from app.db.types import utc_now
from app.feedback import merged, settling
from app.feedback.retrain import corrections
from app.feedback.retrain_tables import retrain_run
from app.feedback.store import counts
from app.feedback.tables import feedback, feedback_count, feedback_tag
from app.testing.tables import project
from tests.feedback.retraining import START, accept, decide, fire, look, pipeline, rows
from tests.servers import SERVERS

BOTH: list[Mode] = ["replace", "keep"]


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Database]:
    """Another machine's database."""
    db = Database(f"sqlite:///{tmp_path / 'source.db'}")
    yield db
    db.close()


def states(db: Database) -> dict[str, tuple[str, bool]]:
    """State of each row, and whether the time of its decision is known."""
    found = db.run_now(lambda conn: conn.execute(select(feedback.c.id, feedback.c.state, feedback.c.decided_at)).all())
    return {row.id: (row.state, row.decided_at is not None) for row in found}


def tags(db: Database) -> set[tuple[str, str, str]]:
    columns = (feedback_tag.c.feedback_id, feedback_tag.c.tag, feedback_tag.c.state)
    return {(row.feedback_id, row.tag, row.state) for row in db.run_now(lambda conn: conn.execute(select(*columns)))}


def at(seconds: int) -> Any:
    return START + timedelta(seconds=seconds)


@pytest.mark.parametrize("page", [1, 2, 500])
@pytest.mark.parametrize("merge", BOTH)
def test_decisions_of_both_sides_are_acted_on(
    database: Database, source: Database, merge: Mode, page: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settling, "PAGE", page)
    monkeypatch.setattr(merged, "PAGE", page)
    rows(source, ["here", "there", "later", "none"], tags=("came",))
    copy(source, database)
    decide(source, "there", at(1), verdict="accept", tags=("good",))
    decide(database, "here", at(2), verdict="reject")
    decide(source, "later", at(3), verdict="accept", tags=("first",))
    decide(database, "later", at(4), verdict="skip")
    for _ in range(2):
        report = copy(source, database, merge=merge)
        assert not any(table.refused for table in report.tables)
        assert states(database) == {
            "here": ("rejected", True),
            "there": ("accepted", True),
            "later": ("skipped", True),
            "none": ("waiting", False),
        }
        assert tags(database) == {
            ("here", "came", "rejected"),
            ("there", "good", "accepted"),
            ("later", "first", "skipped"),
            ("none", "came", "waiting"),
        }
        found = database.run_now(counts)
        assert (found.accepted, found.rejected, found.skipped, found.waiting) == (1, 1, 1, 1)


@pytest.mark.parametrize("merge", BOTH)
@pytest.mark.parametrize("undone_in_source", [True, False])
def test_an_undo_of_one_side_undoes_the_decision_that_both_have(
    database: Database, source: Database, merge: Mode, undone_in_source: bool
) -> None:
    made = accept(source, ["r", "again"])
    copy(source, database)
    there = source if undone_in_source else database
    decide(there, "r", at(10), kind="undo", supersedes=made["r"])
    decide(there, "again", at(11), kind="undo", supersedes=made["again"])
    decide(there, "again", at(12), kind="redo", supersedes=made["again"])
    copy(source, database, merge=merge)
    assert states(database) == {"r": ("waiting", False), "again": ("accepted", True)}
    # What is done from now on goes by it, too.
    decide(database, "r", at(20), verdict="reject")
    assert states(database)["r"] == ("rejected", True)


@pytest.mark.parametrize("merge", BOTH)
def test_a_decision_that_was_shown_again_changes_nothing(database: Database, source: Database, merge: Mode) -> None:
    accept(source, ["r"])
    copy(source, database)
    decide(source, "r", at(10), verdict="reject", reshow=True)
    copy(source, database, merge=merge)
    assert states(database) == {"r": ("accepted", True)}


@pytest.mark.parametrize("merge", BOTH)
def test_a_pipeline_hears_of_decisions_on_what_it_took(
    database: Database, source: Database, tmp_path: Path, merge: Mode
) -> None:
    wanted = pipeline(tmp_path)
    made = accept(database, ["r1", "r2", "r3"])
    copy(database, source)
    assert fire(database, wanted) is not None
    decide(source, "r1", utc_now(), verdict="reject")
    decide(source, "r2", utc_now(), kind="undo", supersedes=made["r2"])
    for _ in range(2):
        copy(source, database, merge=merge)
        found = look(database, wanted)
        assert (found.new_rows, found.corrections) == (0, 2)


@pytest.mark.parametrize("merge", BOTH)
def test_a_pipeline_hears_of_each_change_once(
    database: Database, source: Database, tmp_path: Path, merge: Mode
) -> None:
    wanted = pipeline(tmp_path)
    accept(database, ["r", "s", "t"])
    copy(database, source)

    def told(reason: str) -> list[tuple[str, str, str]]:
        """What the next run tells, which is then over."""
        run = fire(database, wanted, forced=reason)
        assert run is not None
        ended = update(retrain_run).where(retrain_run.c.id == run.id).values(state="succeeded")
        database.run_now(lambda conn: conn.execute(ended) and None, True)
        found = database.run_now(lambda conn: corrections.of_run(conn, run.id))
        return [(each["id"], each["was"], each["now"]) for each in found]

    assert told("first") == []
    rejected = decide(source, "r", at(20), verdict="reject")
    for _ in range(2):
        copy(source, database, merge=merge)
        assert look(database, wanted).corrections == 1
    assert told("second") == [("r", "accepted", "rejected")]
    copy(source, database, merge=merge)
    assert look(database, wanted).corrections == 0
    decide(source, "r", at(30), kind="undo", supersedes=rejected)
    copy(source, database, merge=merge)
    assert told("third") == [("r", "rejected", "accepted")]
    copy(source, database, merge=merge)
    assert look(database, wanted).corrections == 0
    # By a clock that is behind.
    decide(source, "r", at(25), verdict="skip")
    copy(source, database, merge=merge)
    assert told("fourth") == [("r", "accepted", "skipped")]
    copy(source, database, merge=merge)
    assert look(database, wanted).corrections == 0


@pytest.mark.server
@pytest.mark.parametrize("database", SERVERS, indirect=True)
def test_what_is_committed_while_rows_are_counted_counts(database: Database) -> None:
    rows(database, ["a", "b"])
    database.run_now(lambda conn: conn.execute(feedback_count.delete()) and None, True)
    written: list[str] = []

    def write(conn: Any, cursor: Any, statement: str, *_: Any) -> None:
        """Another writer, with a shard of its own, between the count and what is made of it."""
        if "feedback_count" in statement and not statement.startswith("SELECT") and not written:
            written.append(statement)
            with database.engine().connect() as other, other.begin():
                row = dict(other.execute(select(feedback)).mappings().first() or {})
                other.execute(insert(feedback), [{**row, "id": "c", "unique_key": b"c" * 16}])
                other.execute(insert(feedback_count), [{"state": "waiting", "shard": 99, "total": 1}])

    event.listen(database.engine(), "before_cursor_execute", write)
    try:
        database.run_now(merged.count_again, True)
    finally:
        event.remove(database.engine(), "before_cursor_execute", write)
    assert written
    assert database.run_now(counts).waiting == 3


@pytest.mark.server
@pytest.mark.parametrize("database", SERVERS, indirect=True)
def test_what_is_put_right_may_take_long(database: Database, source: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    taken.clear()
    monkeypatch.setitem(project.info, AFTER_MERGE, f"{__name__}:take_long")
    source.upgrade()
    hurried = Database(database.url.render_as_string(hide_password=False), read_timeout_s=1.0)
    try:
        copy(source, hurried, merge="keep")
    finally:
        hurried.close()
    assert taken == [1]


taken: list[int] = []


def take_long(db: Database) -> None:
    """A step of a table."""

    def wait(conn: Connection) -> None:
        conn.execute(text("SELECT SLEEP(2)")).all()
        taken.append(1)

    db.run_now(wait, True)
