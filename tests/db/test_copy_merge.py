"""After a merge all that is kept beside the rows is right, and rows that were decided elsewhere are used."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, insert, select

from app.content.tables import note, note_tag
from app.db.copying.job import copy
from app.db.copying.state import Mode
from app.db.engine import Database
from app.db.types import utc_now
from app.feedback.store import counts
from app.feedback.tables import feedback, feedback_tag
from tests.feedback.retraining import accept, fire, look, pipeline, rows

BOTH: list[Mode] = ["replace", "keep"]


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Database]:
    """Another machine's database."""
    db = Database(f"sqlite:///{tmp_path / 'source.db'}")
    yield db
    db.close()


def counted(db: Database) -> dict[str, int]:
    """Rows by state, one by one."""
    statement = select(feedback.c.state, func.count().label("total")).group_by(feedback.c.state)
    return {row.state: row.total for row in db.run_now(lambda conn: conn.execute(statement).all())}


@pytest.mark.parametrize("merge", BOTH)
def test_counts_are_right_after_a_merge(database: Database, source: Database, merge: Mode) -> None:
    accept(source, [f"a{number}" for number in range(5)], tags=("x",))
    rows(source, ["both", "there"], tags=("x",))
    accept(database, ["b1", "both"], tags=("y",))
    rows(database, ["b3"])
    for _ in range(2):
        assert not any(table.refused for table in copy(source, database, merge=merge).tables)
        # The row that both have waits in the source, but it was decided here.
        assert counted(database) == {"accepted": 7, "waiting": 2}
        found = database.run_now(counts)
        assert (found.accepted, found.waiting) == (7, 2)
        own = feedback.c.id == feedback_tag.c.feedback_id
        astray = select(feedback_tag).join(feedback, own).where(feedback.c.state != feedback_tag.c.state)
        assert database.run_now(lambda conn, wanted=astray: conn.execute(wanted).all()) == []


@pytest.mark.parametrize("merge", BOTH)
def test_decisions_older_than_what_a_pipeline_took_are_taken(
    database: Database, source: Database, tmp_path: Path, merge: Mode
) -> None:
    wanted = pipeline(tmp_path)
    accept(database, ["new1", "new2", "new3"])
    assert fire(database, wanted) is not None
    old = utc_now() - timedelta(days=30)
    accept(source, ["old1", "old2", "old3"], start=old)
    copy(source, database, merge=merge)
    assert look(database, wanted).new_rows == 3


def noted(conn: Connection, at: datetime, tag: str) -> None:
    """A note, changed at this moment, with one tag."""
    texts = {"slug": "a", "title": "a", "body": "", "words": "", "path": "", "front": "", "hash": "", "state": "active"}
    numbers = {"version": 1, "revision": 1}
    conn.execute(insert(note), [{"id": "n", **texts, **numbers, "created_at": at, "updated_at": at}])
    conn.execute(insert(note_tag), [{"note_id": "n", "tag": tag, "updated_at": at}])


@pytest.mark.parametrize("merge", BOTH)
def test_tags_of_a_note_that_both_have_get_its_time(database: Database, source: Database, merge: Mode) -> None:
    older, newer = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC)
    source.run_now(partial(noted, at=older, tag="theirs"), True)
    database.run_now(partial(noted, at=newer, tag="ours"), True)
    copy(source, database, merge=merge)
    time = older if merge == "replace" else newer
    assert database.run_now(lambda conn: conn.scalar(select(note.c.updated_at))) == time
    tags = database.run_now(lambda conn: conn.execute(select(note_tag.c.tag, note_tag.c.updated_at)).all())
    assert sorted(map(tuple, tags)) == [("ours", time), ("theirs", time)]
