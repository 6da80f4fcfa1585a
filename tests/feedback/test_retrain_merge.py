"""Pipelines after databases came together: they fire on, what somebody holds is held, and no row is lost to them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, insert, select, update

from app.db.copying.job import copy
from app.db.copying.state import Mode
from app.db.engine import Database
from app.db.spool import Spool
from app.db.types import utc_now
from app.errors import UserError
from app.feedback.retrain import trigger, watermarks
from app.feedback.retrain.control import Retrain
from app.feedback.retrain.model import Pipeline, Run
from app.feedback.retrain_tables import retrain_row, retrain_run, retrain_watermark
from tests.feedback.retraining import START, accept, fire, know, look, pipeline

BOTH: list[Mode] = ["replace", "keep"]


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Database]:
    """Another machine's database."""
    db = Database(f"sqlite:///{tmp_path / 'source.db'}")
    db.upgrade()
    yield db
    db.close()


def done(db: Database, wanted: Pipeline, name: str) -> Run:
    """Fire with three new rows, and end the run."""
    number = db.run_now(lambda conn: conn.scalar(select(func.count()).select_from(retrain_run)))
    accept(db, [f"{name}{number}{letter}" for letter in "abc"], START + timedelta(minutes=number or 0))
    run = fire(db, wanted)
    assert run is not None
    ended = update(retrain_run).where(retrain_run.c.id == run.id).values(state="succeeded")
    db.run_now(lambda conn: conn.execute(ended) and None, True)
    return run


def taken(db: Database) -> dict[str, str]:
    """The run of each row."""
    asked = select(retrain_row.c.feedback_id, retrain_row.c.run_id)
    return {row.feedback_id: row.run_id for row in db.run_now(lambda conn: conn.execute(asked).all())}


def run_ids(db: Database) -> set[str]:
    return set(db.run_now(lambda conn: conn.scalars(select(retrain_run.c.id)).all()))


@pytest.mark.parametrize("runs", [(1, 2), (2, 1), (1, 1), (3, 0), (0, 2)])
@pytest.mark.parametrize("merge", BOTH)
def test_a_pipeline_fires_on_after_a_merge(
    database: Database, source: Database, tmp_path: Path, merge: Mode, runs: tuple[int, int]
) -> None:
    wanted = pipeline(tmp_path)
    theirs = {done(source, wanted, "s").id for _ in range(runs[0])}
    ours = {done(database, wanted, "t").id for _ in range(runs[1])}
    for _ in range(2):
        report = copy(source, database, merge=merge)
        assert not any(table.refused for table in report.tables)
    assert run_ids(database) == theirs | ours
    assert set(taken(database).values()) == theirs | ours
    accept(database, ["new1", "new2", "new3"])
    run = fire(database, wanted)
    assert run is not None
    assert run.row_count == 3
    assert fire(database, wanted) is None


@pytest.mark.parametrize("merge", BOTH)
def test_runs_of_one_beginning_come_together(database: Database, source: Database, tmp_path: Path, merge: Mode) -> None:
    wanted = pipeline(tmp_path)
    first = done(database, wanted, "first").id
    accept(database, ["both1", "both2", "both3"], START + timedelta(hours=2))
    copy(database, source)
    theirs, ours = fire(source, wanted), fire(database, wanted)
    assert theirs is not None
    assert ours is not None
    assert theirs.trigger_key == ours.trigger_key
    copy(source, database, merge=merge)
    assert run_ids(database) == {first, theirs.id, ours.id}
    # A row stays with the run that has it, whose state is its own, too.
    assert {taken(database)[f"both{number}"] for number in (1, 2, 3)} == {ours.id}
    keys = database.run_now(lambda conn: conn.scalars(select(retrain_run.c.trigger_key)).all())
    assert len(set(keys)) == 3
    database.run_now(lambda conn: conn.execute(update(retrain_run).values(state="succeeded")) and None, True)
    done(database, wanted, "next")


@pytest.mark.parametrize("merge", BOTH)
def test_a_target_that_is_behind_does_not_meet_the_key_of_a_run_that_arrived(
    database: Database, source: Database, tmp_path: Path, merge: Mode
) -> None:
    wanted = pipeline(tmp_path)
    done(database, wanted, "first")
    copy(database, source)
    done(source, wanted, "theirs")
    copy(source, database, merge=merge)
    done(database, wanted, "ours")


def test_what_is_held_is_held_after_a_merge(database: Database, source: Database, tmp_path: Path) -> None:
    wanted = pipeline(tmp_path)
    know(source, wanted, utc_now())
    accept(database, ["x", "y", "z"])
    database.run_now(lambda conn: watermarks.set_hold(conn, "p", "labels are being mended", utc_now()), True)
    copy(source, database, merge="replace")
    assert not look(database, wanted).ready
    assert fire(database, wanted) is None


def test_rows_of_a_run_that_is_not_there_are_new(database: Database, source: Database, tmp_path: Path) -> None:
    wanted = pipeline(tmp_path)
    accept(source, ["a", "b", "c"])
    lost = [{"feedback_id": name, "pipeline": "p", "run_id": "01GONE", "state": "accepted"} for name in "abc"]
    source.run_now(lambda conn: conn.execute(insert(retrain_row), lost) and None, True)
    know(database, wanted, utc_now())
    copy(source, database, merge="keep")
    assert taken(database) == {}
    run = fire(database, wanted)
    assert run is not None
    assert run.row_count == 3


def control(db: Database, wanted: Pipeline) -> Retrain:
    return Retrain(db, Spool(wanted.folder / "spool.db"), [wanted], wanted.folder)


async def test_a_run_in_the_way_is_told(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = pipeline(tmp_path)
    done(database, wanted, "first")
    database.run_now(lambda conn: conn.execute(update(retrain_watermark).values(revision=0)) and None, True)
    monkeypatch.setattr(trigger, "trigger_key", lambda *_: "always the same")
    database.run_now(
        lambda conn: conn.execute(update(retrain_run).values(trigger_key="always the same")) and None, True
    )
    accept(database, ["x", "y", "z"])
    with pytest.raises(UserError, match="p cannot fire: there is a run of these rows already"):
        await control(database, wanted).fire()
    with pytest.raises(UserError, match="cannot fire"):
        await control(database, wanted).fire(forced="by hand")


async def test_who_comes_second_is_told_that_there_is_nothing_to_fire_for(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted, real, tried = pipeline(tmp_path), trigger.fire, threading.Event()
    accept(database, ["x", "y", "z"])
    won = fire(database, wanted)
    assert won is not None

    def slower(conn: Any, *args: Any, **more: Any) -> Any:
        """As if the lock did not hold: the unique key refuses the run."""
        if tried.is_set():
            return real(conn, *args, **more)
        tried.set()
        row = select(retrain_run).where(retrain_run.c.id == won.id)
        values = dict(conn.execute(row).mappings().one())
        return conn.execute(insert(retrain_run), [{**values, "id": "01SECOND"}])

    monkeypatch.setattr(trigger, "fire", slower)
    run, found = await control(database, wanted).fire()
    assert (run, found.ready) == (None, False)
