"""Firing: conditions and guards, exactly once, what is taken and what comes too late."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

from sqlalchemy import func, select

from app.db.engine import Database
from app.db.types import utc_now
from app.feedback.retrain import runs, states, watermarks
from app.feedback.retrain.contract import RunReport
from app.feedback.retrain.corrections import of_run
from app.feedback.retrain.model import Condition, Guard, Run
from app.feedback.retrain_tables import retrain_row, retrain_run, retrain_trigger
from tests.feedback.retraining import START, accept, decide, fire, know, look, pipeline, rows


def ids(db: Database, run: Run | None) -> list[str]:
    assert run is not None
    asked = select(retrain_row.c.feedback_id).where(retrain_row.c.run_id == run.id).order_by(retrain_row.c.feedback_id)
    return db.run_now(lambda conn: list(conn.scalars(asked)))


def end(db: Database, run: Run | None, ok: bool = True) -> None:
    """Let a run be over."""
    assert run is not None
    handed = retrain_run.update().where(retrain_run.c.id == run.id).values(state="dispatched", dispatched_at=utc_now())
    db.run_now(lambda conn: conn.execute(handed), True)
    report = RunReport(run_id=run.id, ok=ok, metrics={}, at=utc_now()).model_dump(mode="json")
    db.run_now(lambda conn: states.apply_report(conn, report), True)


def condition(db: Database, folder: Path, name: str, **more: object) -> Condition:
    found = look(db, pipeline(folder, accepted_rows=0, **more))
    return next(each for each in found.conditions if each.id == name)


def guard(db: Database, folder: Path, name: str, **more: object) -> Guard:
    return next(each for each in look(db, pipeline(folder, **more)).guards if each.id == name)


def test_it_fires_once_with_the_rows_that_are_new(database: Database, tmp_path: Path) -> None:
    wanted = pipeline(tmp_path)
    accept(database, "ab")
    assert look(database, wanted).progress == "1 more accepted row until retrain fires"
    assert fire(database, wanted) is None
    accept(database, "c", START + timedelta(minutes=1))
    assert look(database, wanted).ready
    run = fire(database, wanted)
    assert ids(database, run) == ["a", "b", "c"]
    assert run is not None
    assert (run.state, run.row_count, run.reason) == ("fired", 3, "3 of 3 new accepted rows")
    assert fire(database, wanted) is None
    assert look(database, wanted).missing == (
        "3 more accepted rows",
        f"run {run.id} is fired",
        "0 of at least 1 new rows",
    )
    end(database, run)
    accept(database, "def", START + timedelta(minutes=2))
    again = fire(database, wanted)
    assert ids(database, again) == ["d", "e", "f"]
    assert again is not None
    assert again.trigger_key != run.trigger_key
    kept = database.run_now(lambda conn: runs.looks(conn))
    assert [(each.fired, each.run_id) for each in kept] == [(True, again.id), (True, run.id)]


def test_the_same_run_twice_is_one(database: Database, tmp_path: Path) -> None:
    from app.feedback.retrain import trigger

    wanted, now = pipeline(tmp_path), utc_now()
    accept(database, "abc")
    for _ in range(2):
        run, _ = database.run_now(
            lambda conn: trigger.fire(conn, wanted, run_id="01RUN", folder=tmp_path, now=now), True
        )
        assert run is not None
    assert database.run_now(lambda conn: conn.scalar(select(func.count()).select_from(retrain_run))) == 1
    assert database.run_now(lambda conn: conn.scalar(select(func.count()).select_from(retrain_trigger))) == 1


def test_of_instances_that_fire_at_once_one_does(database: Database, tmp_path: Path) -> None:
    url = database.url.render_as_string(hide_password=False)
    wanted = pipeline(tmp_path)
    others = [Database(url, connect_timeout_s=5, read_timeout_s=20) for _ in range(4)]
    try:
        for number in range(5):
            accept(database, (f"{number}-{name}" for name in "abcdef"), START + timedelta(minutes=number))
            together = threading.Barrier(len(others))
            fired: list[Run | None] = []

            def shoot(db: Database, together: threading.Barrier = together, fired: list[Run | None] = fired) -> None:
                together.wait()
                fired.append(fire(db, wanted))

            threads = [threading.Thread(target=shoot, args=(db,)) for db in others]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            won = [run for run in fired if run is not None]
            assert len(fired) == len(others)
            assert len(won) == 1, (number, look(database, wanted))
            assert ids(database, won[0]) == [f"{number}-{name}" for name in "abcdef"]
            end(database, won[0])
    finally:
        for db in others:
            db.close()
    keys = database.run_now(lambda conn: list(conn.scalars(select(retrain_run.c.trigger_key))))
    assert len(keys) == len(set(keys)) == 5


def test_pipelines_take_rows_for_themselves(database: Database, tmp_path: Path) -> None:
    accept(database, "abc")
    assert ids(database, fire(database, pipeline(tmp_path, name="one"))) == ["a", "b", "c"]
    assert ids(database, fire(database, pipeline(tmp_path, name="two"))) == ["a", "b", "c"]


def test_a_run_takes_no_more_than_it_may_and_the_next_one_the_rest(database: Database, tmp_path: Path) -> None:
    wanted = pipeline(tmp_path, most_rows=2, accepted_rows=1)
    accept(database, "abcde")
    taken = []
    for _ in range(3):
        run = fire(database, wanted)
        taken.append(ids(database, run))
        end(database, run)
    assert taken == [["a", "b"], ["c", "d"], ["e"]]


def test_a_decision_that_arrives_late_is_not_lost(database: Database, tmp_path: Path) -> None:
    wanted = pipeline(tmp_path, accepted_rows=1)
    rows(database, ["late", "undone"])
    decide(database, "undone", START - timedelta(days=20), verdict="accept")
    second = decide(database, "undone", START + timedelta(days=2), verdict="accept")
    decide(database, "undone", START + timedelta(days=3), kind="undo", supersedes=second)
    accept(database, "abc")
    run = fire(database, wanted)
    assert ids(database, run) == ["a", "b", "c", "undone"]
    end(database, run)
    # Made days before the watermark, on a machine that had no connection.
    decide(database, "late", START - timedelta(days=3), verdict="accept")
    assert look(database, wanted).new_rows == 1
    again = fire(database, wanted)
    assert ids(database, again) == ["late"]
    end(database, again)
    assert look(database, wanted).new_rows == 0


def test_what_is_undone_after_a_run_took_it_corrects_the_next_one(database: Database, tmp_path: Path) -> None:
    wanted = pipeline(tmp_path)
    made = accept(database, "abcd")
    run = fire(database, wanted)
    end(database, run)
    assert run is not None
    later = START + timedelta(hours=1)
    decide(database, "a", later, kind="undo", supersedes=made["a"])
    decide(database, "b", later, kind="undo", supersedes=made["b"])
    decide(database, "b", later + timedelta(seconds=1), kind="redo", supersedes=made["b"])
    decide(database, "c", later, kind="undo", supersedes=made["c"])
    changed = decide(database, "c", later + timedelta(seconds=1), verdict="accept", correction="y")
    # Rows, not entries of the log, and not the one that is as it was: as many as the next run gets.
    assert look(database, wanted).corrections == 2
    accept(database, "efg", START + timedelta(hours=2))
    again = fire(database, wanted)
    assert ids(database, again) == ["e", "f", "g"]
    assert again is not None
    assert look(database, wanted).corrections == 0
    found = database.run_now(lambda conn: of_run(conn, again.id))
    assert [(each["id"], each["run_id"], each["was"], each["now"]) for each in found] == [
        ("a", run.id, "accepted", "waiting"),
        ("c", run.id, "accepted", "accepted"),
    ]
    assert found[1]["decision_id"] == changed


def test_any_and_all(database: Database, tmp_path: Path) -> None:
    accept(database, "abc")
    more = {"labels": ("tone",), "label_rows": 1}
    assert look(database, pipeline(tmp_path, combine="any", **more)).ready
    found = look(database, pipeline(tmp_path, combine="all", **more))
    assert not found.met
    assert found.progress == "1 more of tone until retrain fires"
    assert not look(database, pipeline(tmp_path, accepted_rows=0)).met
    forced = fire(database, pipeline(tmp_path, accepted_rows=0), forced="fired by hand")
    assert forced is not None
    assert forced.reason == "fired by hand"


def test_labels_count_verdicts_and_tags_of_new_rows(database: Database, tmp_path: Path) -> None:
    more = {"rows": "decided", "labels": ("accepted", "rejected", "tone"), "label_rows": 2}
    accept(database, "ab", tags=("tone",))
    rows(database, "c", tags=("tone",))
    found = condition(database, tmp_path, "labels", **more)
    assert (found.met, found.value, found.missing) == (False, 0, "2 more of rejected")
    decide(database, "c", START, verdict="reject")
    assert condition(database, tmp_path, "labels", **more).missing == "1 more of rejected"
    rows(database, "d")
    decide(database, "d", START, verdict="reject")
    assert condition(database, tmp_path, "labels", **more).met
    assert ids(database, fire(database, pipeline(tmp_path, rows="decided"), forced="x")) == ["a", "b", "c", "d"]


def test_the_reject_rate_against_what_was_usual(database: Database, tmp_path: Path) -> None:
    more = {"reject_rise": 0.3, "least_sample": 4}
    now = utc_now()
    rows(database, [f"r{number}" for number in range(12)])
    for number in range(8):
        # One of four was rejected before.
        verdict = "reject" if number % 4 == 0 else "accept"
        decide(database, f"r{number}", now - timedelta(days=12, minutes=number), verdict=verdict)
    few = condition(database, tmp_path, "reject_rate", **more)
    assert (few.met, few.value, few.missing) == (False, None, "4 more decisions in the window")
    for number in range(8, 12):
        verdict = "reject" if number % 2 == 0 else "accept"
        decide(database, f"r{number}", now - timedelta(days=1, minutes=number), verdict=verdict)
    found = condition(database, tmp_path, "reject_rate", **more)
    assert (found.met, found.value) == (False, 0.25)
    assert found.missing == "a reject rate of 55.0% (now 50.0%)"
    assert condition(database, tmp_path, "reject_rate", reject_rise=0.25, least_sample=4).met


def test_the_drift_of_scores(database: Database, tmp_path: Path) -> None:
    more = {"psi_above": 0.25, "ks_above": 0.3, "least_sample": 20}
    now = utc_now()
    scores = (-1.0, -0.5, 0.5, 1.0)
    for number in range(80):
        rows(database, [f"b{number}"], score=scores[number % 4], captured_at=now - timedelta(days=10, minutes=number))
    assert condition(database, tmp_path, "psi", **more).missing == "20 more scores in the window"
    for number in range(80):
        rows(database, [f"w{number}"], score=scores[number % 4], captured_at=now - timedelta(days=1, minutes=number))
    assert not condition(database, tmp_path, "psi", **more).met
    assert not condition(database, tmp_path, "ks", **more).met
    for number in range(160):
        rows(database, [f"x{number}"], score=-1.0, captured_at=now - timedelta(hours=1, minutes=number))
    assert condition(database, tmp_path, "psi", **more).met
    found = condition(database, tmp_path, "ks", **more)
    assert found.met
    assert found.value is not None
    assert abs(found.value - 0.5) < 1e-9


def test_age_and_schedule(database: Database, tmp_path: Path) -> None:
    now = utc_now()
    known = (now - timedelta(days=2)).replace(hour=12, minute=0)
    know(database, pipeline(tmp_path), known)
    more = {"schedule": "daily 02:30", "timezone": "UTC", "max_age_days": 0.5}
    assert condition(database, tmp_path, "schedule", **more).met
    assert condition(database, tmp_path, "age", **more).missing == "a new row"
    accept(database, "abc")
    assert condition(database, tmp_path, "age", **more).met
    run = fire(database, pipeline(tmp_path, accepted_rows=0, **more))
    assert run is not None
    assert "daily 02:30" in run.reason
    end(database, run)
    assert not condition(database, tmp_path, "schedule", **more).met
    assert condition(database, tmp_path, "age", **more).missing.endswith("more")
    found = look(database, pipeline(tmp_path, accepted_rows=0, **more))
    assert found.look_at is not None
    assert found.look_at > now


def test_guards_hold_it_back(database: Database, tmp_path: Path) -> None:
    accept(database, "abc")
    wanted = pipeline(tmp_path)
    database.run_now(lambda conn: watermarks.set_hold(conn, "p", "labels are mended", utc_now()), True)
    assert look(database, wanted).progress == "retrain waits: held: labels are mended"
    assert fire(database, wanted) is None
    assert fire(database, wanted, forced="x") is None
    kept = database.run_now(lambda conn: runs.looks(conn))
    assert [(each.fired, each.reason) for each in kept] == [(False, "hold: held: labels are mended")]
    database.run_now(lambda conn: watermarks.set_hold(conn, "p", None, utc_now()), True)
    assert not guard(database, tmp_path, "least_rows", least_rows=4).ok
    assert not guard(database, tmp_path, "disk", free_mb=10**9).ok
    assert guard(database, tmp_path, "disk", free_mb=1).ok
    run = fire(database, wanted)
    accept(database, "def", START + timedelta(minutes=5))
    assert not guard(database, tmp_path, "running").ok
    end(database, run, ok=False)
    assert guard(database, tmp_path, "running").ok
    assert not guard(database, tmp_path, "cooldown", cooldown_s=3600.0).ok
    assert fire(database, pipeline(tmp_path, cooldown_s=3600.0)) is None
    assert fire(database, wanted) is not None


def test_agreement_and_the_contract_hold_it_back(database: Database, tmp_path: Path) -> None:
    from app.feedback.tables import feedback

    names = [f"r{number:02}" for number in range(24)]
    accept(database, names)
    assert guard(database, tmp_path, "agreement", min_agreement=0.6).ok
    for number, name in enumerate(names):
        verdict = "accept" if number % 2 else "reject"
        decide(database, name, START + timedelta(hours=2, seconds=number), verdict=verdict, reshow=True)
    found = guard(database, tmp_path, "agreement", min_agreement=0.6)
    assert (found.ok, "24 rows decided twice" in found.detail) == (False, True)
    assert guard(database, tmp_path, "contract").ok
    database.run_now(lambda conn: conn.execute(feedback.update().where(feedback.c.id == "r03").values(score=7.0)), True)
    broken = guard(database, tmp_path, "contract")
    assert not broken.ok
    assert broken.detail.startswith("row r03 breaks the contract: score: ")
