"""Runs and results in the database: written once, read a page at a time through an index, pruned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import Connection, Select, event, func, select, text

from app import storage
from app.db.engine import Database
from app.db.paging import beyond
from app.db.spool import Spool
from app.events import Bus
from app.git.model import Provenance
from app.ids import ALPHABET
from app.testing import store
from app.testing.model import COUNTED, Counts, HistoryPoint, Outcome, RunSummary, TestState
from app.testing.records import CountsRecord
from app.testing.tables import project, test_case, test_result, test_run

COMMITTED = Provenance("abc", "def", dirty=False)
START = datetime(2025, 6, 1, 12, 0, 0, 123456, tzinfo=UTC)


def run_id(number: int) -> str:
    """Identifiers that sort like the runs."""
    return f"01ARZ3NDEKTSV4RRFFQ6{number:06}"


def summary(number: int, name: str = "desk", **changes: Any) -> RunSummary:
    made = RunSummary(
        run_id=run_id(number),
        project=name,
        trigger="save",
        level="L1",
        level_reason="",
        started_at=(START + timedelta(seconds=number)).isoformat(timespec="microseconds").replace("+00:00", "Z"),
        first_result_s=0.125,
        duration_s=2.5,
        exit=1,
        counts=Counts(passed=3, failed=1),
        affected_done_s=0.25,
        affected_bad=1,
    )
    return replace(made, **changes)


def state(nodeid: str, outcome: Outcome | None = "passed", duration_s: float | None = 0.5, **changes: Any) -> TestState:
    return TestState(nodeid, nodeid.partition("::")[0], outcome=outcome, duration_s=duration_s, **changes)


def write(db: Database, made: RunSummary, results: Sequence[TestState] = (), **more: Any) -> None:
    payload = store.run_payload(made, results, **more)
    db.run_now(lambda conn: store.apply_run(conn, payload), True)


def count(db: Database, table: Any) -> int:
    return db.run_now(lambda conn: int(conn.scalar(select(func.count()).select_from(table)) or 0))


def test_what_is_counted_stands_in_one_list() -> None:
    assert tuple(field.name for field in fields(Counts)) == COUNTED == tuple(CountsRecord.model_fields)


async def test_a_run_comes_back_as_it_was(database: Database) -> None:
    runs = [
        summary(1),
        summary(
            2, exit=0, first_result_s=None, affected_done_s=None, superseded=True, note="ended: é🙂\n\0", level="cold"
        ),
        summary(3, counts=Counts(1, 2, 3, 4, 5, 6, 7), trigger="cli", level_reason="no os.fork", exit=3),
    ]
    for made in runs:
        write(database, made)
    assert (await store.recent_runs(database, "desk")).runs == tuple(reversed(runs))


async def test_through_the_spool_a_run_arrives(database: Database, tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool.db")
    storage.register(spool)
    spool.start(database, Bus())
    await spool.put(store.RUN, store.run_payload(summary(1), [state("tests/test_a.py::test_x")], ["app/a.py"]))
    assert await spool.flush(20)
    assert (await store.recent_runs(database, "desk")).runs == (summary(1),)
    assert await store.run_outcomes(database, run_id(1)) == {"tests/test_a.py::test_x": "passed"}
    await spool.close()


async def test_a_run_that_is_written_again_replaces_itself(database: Database) -> None:
    for _ in range(2):
        write(database, summary(1), [state("a"), state("b", "failed")])
    assert [count(database, table) for table in (test_run, test_result, test_case, project)] == [1, 2, 2, 1]


async def test_recent_runs_come_in_pages_of_one_project(database: Database) -> None:
    for number in range(1, 8):
        write(database, summary(number))
        write(database, summary(100 + number, "other"))
    first = await store.recent_runs(database, "desk", limit=4)
    rest = await store.recent_runs(database, "desk", limit=4, after=first.after)
    assert [run.run_id for page in (first, rest) for run in page.runs] == [run_id(n) for n in range(7, 0, -1)]
    assert rest.after is None


async def test_a_run_knows_its_commit(database: Database) -> None:
    write(database, summary(1), provenance=COMMITTED)
    write(database, summary(2), provenance=replace(COMMITTED, commit="012", dirty=True))
    write(database, summary(3))
    asked = [run_id(number) for number in (1, 2, 3, 4)]
    assert await store.run_commits(database, asked) == {
        run_id(1): store.RunCommit("abc", dirty=False),
        run_id(2): store.RunCommit("012", dirty=True),
    }
    assert await store.run_commits(database, []) == {}


async def test_the_history_of_a_test_is_its_latest_outcomes_oldest_first(database: Database) -> None:
    outcomes: tuple[Outcome, ...] = ("passed", "failed", "error", "skipped", "xfailed", "xpassed")
    for number, outcome in enumerate(outcomes, 1):
        write(database, summary(number), [state("t.py::x", outcome, number / 8), state("t.py::y")])
        write(database, summary(50 + number, "other"), [state("t.py::x")])
    history = await store.test_history(database, "desk", "t.py::x", limit=3)
    assert history == tuple(HistoryPoint(run_id(n), summary(n).started_at, outcomes[n - 1], n / 8) for n in (4, 5, 6))
    assert await store.test_history(database, "desk", "t.py::none", limit=3) == ()


async def test_last_outcomes_are_those_of_each_tests_latest_run(database: Database) -> None:
    write(database, summary(1), [state("a", "failed", 1.0), state("b", "passed", 2.0)])
    write(database, summary(2), [state("a", "passed", 3.0)])
    found = await store.last_outcomes(database, "desk")
    assert found == {
        "a": store.LastOutcome(run_id(2), "passed", 3.0),
        "b": store.LastOutcome(run_id(1), "passed", 2.0),
    }


async def test_a_run_that_comes_late_leaves_newer_outcomes_alone(database: Database) -> None:
    write(database, summary(5), [state("a", "passed", 5.0)])
    write(database, summary(2), [state("a", "failed", 2.0), state("b", "failed", 2.0)])
    found = await store.last_outcomes(database, "desk")
    assert (found["a"].outcome, found["b"].outcome) == ("passed", "failed")


async def test_node_ids_have_no_bound_and_any_characters(database: Database) -> None:
    nodeids = [
        "tests/test_a.py::test_x[" + "é🙂\n\t'\"\\%s:a`" * 2000 + "]",
        "a::[A]",
        "a::[a]",
        "a::[á]",
        "a::[a ]",
        "a::\udcff",
        "a::\0",
    ]
    write(database, summary(1), [state(nodeid) for nodeid in nodeids])
    found = await store.run_outcomes(database, run_id(1))
    assert set(found) == {nodeid.replace("\udcff", "\\udcff") for nodeid in nodeids}


async def test_messages_are_cut_and_errors_keep_their_class(database: Database) -> None:
    write(
        database, summary(1), [state("a", "failed", message="x" * 2000, error_class="e" * 64), state("b", message="")]
    )
    rows = database.run_now(
        lambda conn: conn.execute(
            select(test_result.c.message, test_result.c.error_class).order_by(test_result.c.outcome)
        ).all()
    )
    assert [tuple(row) for row in rows] == [("x" * 499 + "…", "e" * 64), (None, None)]


async def test_tests_without_an_outcome_are_left_out_and_twice_is_once(database: Database) -> None:
    write(
        database,
        summary(1),
        [state("a", None), state("b", "failed"), state("b", "passed"), state("c", duration_s=None)],
    )
    assert await store.run_outcomes(database, run_id(1)) == {"b": "passed", "c": "passed"}


async def test_what_set_the_run_off_is_kept(database: Database) -> None:
    changed = [f"app/{number}.py" for number in range(1000)]
    write(database, summary(1), (), changed=changed, args=["-x", "é"], path="/home/me/desk", provenance=COMMITTED)
    write(database, summary(2), (), provenance=replace(COMMITTED, dirty=True))
    columns = (test_run.c.args, test_run.c.changed, test_run.c.git_commit, test_run.c.dirty_hash)
    first, second = database.run_now(lambda conn: conn.execute(select(*columns).order_by(test_run.c.id)).all())
    assert tuple(first) == (["-x", "é"], changed[: store.CHANGED_FILES], "abc", None)
    assert tuple(second[2:]) == ("abc", "def")
    found = database.run_now(lambda conn: conn.execute(select(project)).one())
    assert (found.path, found.first_run_at, found.last_run_at) == (
        "/home/me/desk",
        START + timedelta(seconds=1),
        START + timedelta(seconds=2),
    )


@pytest.mark.parametrize(
    "change",
    [{"outcome": "odd"}, {"surprise": 1}, {"run_id": "x" * 27}, {"project": ""}, {"started_at": "2025-01-01T00:00:00"}],
)
def test_what_breaks_the_contract_is_refused(change: dict[str, Any]) -> None:
    payload = store.run_payload(summary(1), [state("a")])
    if "outcome" in change:
        payload["results"][0] |= change
    else:
        payload |= change
    with pytest.raises(ValidationError):
        store.apply_run(None, payload)  # type: ignore[arg-type]  # the contract is checked before the connection is used


async def test_pruning_keeps_the_latest_runs_of_each_project(database: Database) -> None:
    for number in range(1, 31):
        write(database, summary(number), [state("always"), state("gone" if number < 20 else "new")])
    write(database, summary(99, "other"), [state("x")])
    assert await store.prune(database, 0) == 0
    assert await store.prune(database, 40) == 0
    assert await store.prune(database, 5) == 25
    assert await store.prune(database, 5) == 0
    assert [run.run_id for run in (await store.recent_runs(database, "desk")).runs] == [
        run_id(n) for n in range(30, 25, -1)
    ]
    assert [count(database, table) for table in (test_run, test_result, test_case)] == [6, 11, 3]
    assert set(await store.last_outcomes(database, "desk")) == {"always", "new"}


async def test_every_list_is_read_through_an_index(database: Database) -> None:
    """Ordered by the index and bounded by the cursor: nothing is sorted, no table is read from end to end."""
    payloads = [
        store.run_payload(summary(number, name), [state(f"{name}::{test}") for test in range(20)])
        for number in range(200)
        for name in [f"p{number % 100}"]
    ]

    def fill(conn: Connection) -> None:
        for payload in payloads:
            store.apply_run(conn, payload)
        if database.backend == "sqlite":
            conn.execute(text("ANALYZE"))
        else:
            conn.execute(text("ANALYZE TABLE test_run, test_result, test_case"))

    database.run_now(fill, True)
    cursor = (START + timedelta(seconds=150), run_id(150))
    runs = store.select_runs("p1").where(beyond(store.RUN_KEYS, cursor))
    history = store.select_history("p1", "p1::7").where(beyond(store.HISTORY_KEYS, cursor))
    cases = select(test_case.c.nodeid).where(test_case.c.project == "p1")
    results = select(test_result.c.outcome).where(test_result.c.run_id == run_id(7))
    newest = [key.column.desc() for key in store.RUN_KEYS]
    latest = [key.column.desc() for key in store.HISTORY_KEYS]
    assert plan(database, runs.order_by(*newest).limit(5)) == {"ix_test_run_project_started_at_id"}
    assert plan(database, store.select_runs("p1").order_by(*newest).limit(5)) == {"ix_test_run_project_started_at_id"}
    assert plan(database, history.order_by(*latest).limit(5)) == {"ix_test_result_case_id_started_at_run_id"}
    assert plan(database, cases) == {"ix_test_case_project_last_run_id"}
    assert plan(database, results) == {"PRIMARY"}


def plan(db: Database, statement: Select[Any]) -> set[str]:
    """The indices that the database would use, or `sort` and `scan` for what it must not do."""
    words = {"sqlite": "EXPLAIN QUERY PLAN", "mariadb": "EXPLAIN", "mysql": "EXPLAIN FORMAT=TRADITIONAL"}[db.backend]

    def explain(conn: Connection) -> list[dict[str, Any]]:
        @event.listens_for(conn, "before_cursor_execute", retval=True)
        def prefix(_conn: Any, _cursor: Any, sql: str, parameters: Any, *_: Any) -> tuple[str, Any]:
            return f"{words} {sql}", parameters

        cursor = conn.execute(statement).cursor
        assert cursor is not None
        return [dict(zip([column[0] for column in cursor.description], row, strict=True)) for row in cursor.fetchall()]

    found: set[str] = set()
    for row in db.run_now(explain):
        if db.backend == "sqlite":
            said = row["detail"].split()
            if "TEMP" in said:
                found.add("sort")
            elif said[0] == "SCAN":
                found.add("scan")
            else:
                found.add("PRIMARY" if "PRIMARY" in said else said[said.index("INDEX") + 1])
            continue
        found.add(str(row["key"]) if row["key"] and row["type"] not in {"ALL", "index"} else "scan")
        if "filesort" in str(row["Extra"]):
            found.add("sort")
    return found


def test_run_ids_of_these_tests_are_ulids() -> None:
    assert len(run_id(1)) == 26
    assert set(run_id(123456)) <= set(ALPHABET)
