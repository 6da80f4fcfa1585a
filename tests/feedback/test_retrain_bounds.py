"""What measuring and firing read: ranges of an index, bounded, and nothing that was left behind long ago."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, event, select, update

from app.db.engine import Database
from app.db.types import utc_now
from app.feedback.retrain import dataset, evaluate, guards, measures, runs, states, trigger, watermarks
from app.feedback.retrain.drift import BINS, ks, psi
from app.feedback.retrain.model import Pipeline
from app.feedback.retrain_tables import retrain_run, retrain_watermark
from app.ids import new_id
from tests.feedback.retraining import START, accept, decide, fire, know, look, pipeline, rows
from tests.feedback.test_retrain_fire import end

LEASE = timedelta(seconds=60)


def plans(db: Database, work: Callable[[Connection], Any]) -> list[tuple[str, str]]:
    """Each statement on rows or decisions that `work` runs, and how the database means to run it."""
    found: list[tuple[str, str]] = []

    def ask(conn: Connection) -> None:
        def before(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
            if not statement.startswith(
                ("EXPLAIN", "INSERT INTO retrain_run", "INSERT INTO retrain_trigger", "UPDATE")
            ):
                word = "EXPLAIN QUERY PLAN " if db.backend == "sqlite" else "EXPLAIN "
                told = conn.exec_driver_sql(word + statement, parameters).all()
                found.append((statement, "\n".join(str(tuple(row)) for row in told)))

        event.listen(conn, "before_cursor_execute", before)
        try:
            work(conn)
        finally:
            event.remove(conn, "before_cursor_execute", before)

    db.run_now(ask, True)
    return [(statement, plan) for statement, plan in found if " feedback" in statement]


@pytest.mark.parametrize("taken", ["accepted", "decided"])
def test_measuring_and_firing_read_indexes(database: Database, tmp_path: Path, taken: str) -> None:
    wanted = pipeline(
        tmp_path,
        rows=taken,
        labels=("accepted", "tone"),
        label_rows=1,
        reject_rise=0.1,
        max_age_days=1.0,
        min_agreement=0.1,
    )
    now = utc_now()
    accept(database, [f"r{number:03}" for number in range(300)], tags=("tone",), score=0.5)
    found = plans(
        database, lambda conn: trigger.fire(conn, wanted, run_id=new_id(), folder=tmp_path, now=now, forced="x")
    )
    assert len(found) > 5
    for statement, plan in found:
        assert "SCAN feedback" not in plan, (statement, plan)
        # By this index, finding a row's decision would read all decisions there are.
        if "feedback_decision.feedback_id = " in statement or "feedback_decision.feedback_id IN" in statement:
            assert "ix_feedback_decision_reshow" not in plan, (statement, plan)
    counts = [each for each in found if "count(*)" in each[0] and "retrain_row.pipeline" in each[0]]
    counting = [plan for statement, plan in counts if "feedback_tag" not in statement]
    assert counting
    if database.backend == "sqlite":
        assert all("ix_feedback_state_decided_at_id" in plan for plan in counting), counting
        assert not any("TEMP B-TREE FOR ORDER BY" in plan for plan in counting), counting


def test_no_more_is_counted_than_a_threshold_asks_for(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measures, "COUNTED", 5)
    accept(database, [f"r{number}" for number in range(9)])
    found = look(database, pipeline(tmp_path))
    assert (found.new_rows, found.conditions[0].detail) == (5, "5 or more of 3 new accepted rows: reached")
    assert look(database, pipeline(tmp_path, accepted_rows=8)).conditions[0].detail == "8 of 8 new accepted rows"
    run = fire(database, pipeline(tmp_path))
    assert run is not None
    assert run.row_count == 9


def test_a_rate_of_very_many_decisions_is_that_of_the_newest(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measures, "DECISIONS", 10)
    rows(database, [f"r{number:02}" for number in range(40)])
    for number in range(40):
        # Once all were rejected, then every second one.
        verdict = "reject" if number < 20 or number % 2 else "accept"
        decide(database, f"r{number:02}", START + timedelta(minutes=number), verdict=verdict)
    whole = database.run_now(lambda conn: measures.rejected(conn, START, START + timedelta(days=1)))
    assert whole == (11, 21)


def test_rows_without_a_score_leave_the_sample_to_those_with_one(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measures, "SCORES", 10)
    scored = [f"s{number:02}" for number in range(15)]
    for number, name in enumerate(scored):
        rows(database, [name], score=number / 100, captured_at=START + timedelta(seconds=number))
    rows(database, [f"n{number:02}" for number in range(30)], captured_at=START + timedelta(hours=1))
    work = partial(measures.scores, begin=START - timedelta(hours=1), end=START + timedelta(hours=2))
    assert database.run_now(work) == [number / 100 for number in range(14, 4, -1)]
    for statement, plan in plans(database, work):
        told = plan.lower()
        assert "ix_feedback_state_captured_at_known" in told, (statement, plan)
        # From the index alone, and in its order.
        assert re.search("covering index|using index(?! condition)", told), (statement, plan)
        assert not re.search("b-tree|filesort|-> sort", told), (statement, plan)


@settings(max_examples=15, deadline=None)
@given(verdicts=st.lists(st.sampled_from(["accept", "reject", "skip"]), min_size=1, max_size=25))
def test_counts_are_those_of_the_log(tmp_path_factory: pytest.TempPathFactory, verdicts: list[str]) -> None:
    folder = tmp_path_factory.mktemp("counted")
    db = Database(f"sqlite:///{folder / 'x.db'}")
    try:
        rows(db, [f"r{number:02}" for number in range(len(verdicts))])
        for number, verdict in enumerate(verdicts):
            decide(db, f"r{number:02}", START + timedelta(minutes=number), verdict=verdict)
        good, bad = verdicts.count("accept"), verdicts.count("reject")
        wanted = pipeline(folder, rows="decided", accepted_rows=7, least_rows=9)
        found = look(db, wanted)
        assert found.new_rows == good + bad
        assert found.conditions[0].missing == (
            "" if good >= 7 else f"{7 - good} more accepted row{'s' if 7 - good > 1 else ''}"
        )
        assert db.run_now(lambda conn: measures.rejected(conn, START, START + timedelta(days=1))) == (bad, good + bad)
        assert (fire(db, wanted) is not None) == (good >= 7 and good + bad >= 9)
    finally:
        db.close()


SAMPLE = st.lists(st.integers(-50, 50).map(lambda number: number / 50), min_size=1, max_size=80)


@settings(deadline=None)
@given(SAMPLE, SAMPLE)
def test_distances_of_samples(first: list[float], second: list[float]) -> None:
    distance, chance = ks(first, second)
    by_hand = max(
        abs(sum(x <= at for x in first) / len(first) - sum(x <= at for x in second) / len(second))
        for at in first + second
    )
    assert abs(distance - by_hand) < 1e-12
    assert 0 <= chance <= 1
    assert ks(second, first) == (distance, chance)
    assert psi(first, second) >= 0
    assert psi(first, first) == 0


def test_a_bin_holds_a_tenth() -> None:
    before = [number / 100 for number in range(100)]
    # All of the first tenth: ten bins of a tenth each, nine of them empty now.
    from app.feedback.retrain.drift import psi_of_shares

    assert psi(before, before[:10]) == pytest.approx(psi_of_shares([0.1] * BINS, [1.0] + [0.0] * 9))


def test_what_was_decided_late_is_not_read_from_for_ever(database: Database, tmp_path: Path) -> None:
    wanted = pipeline(tmp_path)
    accept(database, [f"r{number}" for number in range(5)])
    end(database, fire(database, wanted))
    rows(database, ["late"])
    decide(database, "late", START - timedelta(days=300), verdict="accept")
    mark = select(retrain_watermark.c.decided_at)
    assert database.run_now(lambda conn: conn.scalar(mark)) == START - timedelta(days=300)
    run = fire(database, wanted, forced="x")
    assert run is not None
    assert run.row_count == 1
    assert database.run_now(lambda conn: conn.scalar(mark)) == START + timedelta(seconds=4)


def test_what_costs_most_is_asked_last(database: Database, tmp_path: Path) -> None:
    def asked(wanted: Pipeline) -> set[str]:
        found = database.run_now(
            lambda conn: evaluate.evaluate(conn, wanted, folder=tmp_path, now=utc_now(), thorough=False)
        )
        return {guard.id for guard in found.evaluation.guards} & {"contract", "agreement"}

    accept(database, "ab")
    wanted = pipeline(tmp_path, min_agreement=0.5)
    assert asked(wanted) == set()
    accept(database, "c", START + timedelta(minutes=1))
    assert asked(wanted) == {"contract", "agreement"}
    database.run_now(lambda conn: watermarks.set_hold(conn, "p", "no", utc_now()), True)
    assert asked(wanted) == set()
    assert {guard.id for guard in look(database, wanted).guards} >= {"contract", "agreement"}


def test_large_rows_come_a_few_at_a_time(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset, "BATCH_BYTES", 10_000)
    names = [f"r{number:02}" for number in range(25)]
    accept(database, names, output="x" * 4000)
    run = fire(database, pipeline(tmp_path))
    assert run is not None
    read = partial(dataset.lines, run_id=run.id, seed=0, test_share=0.1)
    sizes, after = [], ""
    while batch := database.run_now(partial(lambda conn, after: list(read(conn, after=after)), after=after)):
        sizes.append(len(batch))
        after = batch[-1].feedback_id
    assert sizes == [3] * 8 + [1]
    assert guards.CHECKED > 25
    assert database.run_now(lambda conn: dataset.broken(conn, names)) == {}


def test_a_clock_that_is_put_back_stops_nothing(database: Database, tmp_path: Path) -> None:
    now, wanted = utc_now(), pipeline(tmp_path, cooldown_s=3600.0)
    ahead = now + timedelta(days=400)
    timed = pipeline(tmp_path, cooldown_s=3600.0, accepted_rows=0, schedule="daily 02:30", timezone="UTC")
    know(database, wanted, ahead)
    accept(database, "abc")
    run = fire(database, wanted, ahead)
    assert run is not None

    def due(at: datetime) -> bool:
        asked = select(retrain_run.c.id).where(states.due(["p"], at, LEASE))
        return database.run_now(lambda conn: conn.scalar(asked)) is not None

    held = update(retrain_run).values(lease_owner="x", lease_until=ahead + LEASE, next_attempt_at=ahead)
    database.run_now(lambda conn: conn.execute(held), True)
    # A lease that a dispatcher of the wrong day left behind does not last until then.
    assert not due(ahead)
    assert due(now)
    end(database, run)
    accept(database, "def", START + timedelta(minutes=2))
    assert next(each for each in look(database, timed, now).conditions if each.id == "schedule").met
    again = fire(database, wanted, now)
    assert again is not None
    assert again.created_at < run.created_at
    end(database, again)
    # The pause is that after the run that came last, though another one has a later date.
    accept(database, "ghi", START + timedelta(minutes=4))
    assert fire(database, wanted, now + timedelta(minutes=59)) is None
    assert fire(database, wanted, now + timedelta(minutes=61)) is not None
    assert database.run_now(lambda conn: len(runs.history(conn))) == 3
