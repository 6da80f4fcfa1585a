"""Several terms at once: what other indexes are asked before a row is read, and that it is the same rows in the end."""

from __future__ import annotations

import random
from datetime import timedelta
from functools import partial
from itertools import combinations
from typing import Any

import pytest
from sqlalchemy import Connection, select, text

from app.db.engine import Database
from app.feedback import finding, ordering, planning, plans, pools, sizes, stride
from app.feedback.contract import DecisionRecord
from app.feedback.decisions import apply_decision
from app.feedback.filter_sql import conditions
from app.feedback.filters import parse
from app.feedback.tables import feedback
from app.ids import new_id
from tests.feedback.reviewing import NOW, explained, given, put

NUMBER = 90
TERMS = (
    *("source:a", "source:a,b", "source:b", "-source:a,b", "-source:c"),
    *("model:m", "version:v1,v3", "-model:v2", "tag:late", "tag:l*", "-tag:tone"),
    *("score:<0", "score:>=0.5", "uncertainty:>0.5", "after:2026-02-09T14:02Z", "-after:2026-02-10T14:02Z"),
    *("reviewer:mara", "decided_after:2026-03-11T10:02Z", "id:row-0001*", "text:9"),
)


@pytest.fixture
def rows(database: Database) -> Database:
    chance = random.Random(7)
    put(
        database,
        [
            given(
                number,
                source=chance.choice("aabc"),
                model=chance.choice(["m", "n", None]),
                model_version=chance.choice(["v1", "v2", "v3", None]),
                score=chance.choice([-1.0, -0.5, 0.5, 1.0, None]),
                context={"uncertainty": chance.random()} if chance.random() < 0.7 else {},
                tags=tuple(chance.sample(["late", "legal", "tone"], chance.randrange(3))),
            )
            for number in range(NUMBER)
        ],
    )
    for number in chance.sample(range(NUMBER), 40):
        record = DecisionRecord(
            id=new_id(),
            feedback_id=f"row-{number:05}",
            verdict=chance.choice(["accept", "reject", "skip"]),
            reviewer=chance.choice(["mara", "jo"]),
            decided_at=NOW + timedelta(hours=number),
            kind="decide",
        )
        database.run_now(lambda conn, record=record: apply_decision(conn, record.model_dump(mode="json")), True)
    return database


def wanted(db: Database, asked: str) -> list[str]:
    """By the conditions alone, in the list's order."""
    given_ = parse(asked)
    keys = ordering.keys_of(ordering.order_of(given_))
    query = select(feedback.c.id).where(feedback.c.state.in_(given_.states), *conditions(given_))
    return db.run_now(lambda conn: list(conn.scalars(ordering.in_order(query, keys))))


WAYS: dict[str, dict[str, Any]] = {
    "as it comes": {},
    "no ids collected": {"MANY": 0},
    "one look for all": {"MERGED": 0},
    "much of everything": {"MANY": 1},
    "few entries": {"SORTED": 20_000},
}


@pytest.mark.parametrize("way", WAYS)
async def test_two_terms_find_what_fulfils_both(rows: Database, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # As if there were too many rows to look at all.
    monkeypatch.setattr(pools, "FEW", 0)
    monkeypatch.setattr(planning, "SORTED", 0)
    for name, value in WAYS[way].items():
        monkeypatch.setattr(planning, name, value)
    chance = random.Random(way)
    pairs = [" ".join(pair) for pair in combinations(TERMS, 2)]
    for asked in [*chance.sample(pairs, 18), *(" ".join(chance.sample(TERMS, 3)) for _ in range(6))]:
        right = wanted(rows, asked)
        for limit, backward in ((9, False), (100, True)):
            found: list[str] = []
            cursor = None
            while True:
                part, cursor = await finding.page(rows, parse(asked), limit=limit, cursor=cursor, backward=backward)
                assert len(part) <= limit
                found += [head.id for head in part]
                if cursor is None:
                    break
            assert found == (right[::-1] if backward else right), (asked, limit, backward)


async def test_a_search_that_finds_little_goes_on_by_index(rows: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "FEW", 0)
    monkeypatch.setattr(planning, "SORTED", 0)
    monkeypatch.setattr(planning, "MANY", 0)
    monkeypatch.setattr(finding, "SOON", 2)
    monkeypatch.setattr(stride, "FIRST", 3)
    monkeypatch.setattr(stride.Stride, "took", lambda own, seconds: setattr(own, "rows", 3))
    planned: list[plans.Plan] = []
    made = planning.plan

    def plan(conn: Connection, given_: Any, thorough: bool = False) -> plans.Plan:
        planned.append(made(conn, given_, thorough))
        return planned[-1]

    monkeypatch.setattr(finding, "plan", plan)
    found, _ = await finding.page(rows, parse("source:a reviewer:mara"), limit=100)
    assert [head.id for head in found] == wanted(rows, "source:a reviewer:mara")
    assert [bool(each.members) for each in planned] == [False, True]


async def test_a_search_that_finds_little_goes_on_with_few_rows(
    rows: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = "tag:l* source:a score:<0.9 uncertainty:>0.2"
    monkeypatch.setattr(planning, "SORTED", 0)
    monkeypatch.setattr(planning, "_few", lambda *given_: None)
    monkeypatch.setattr(finding, "SOON", 2)
    monkeypatch.setattr(stride, "FIRST", 1)
    monkeypatch.setattr(stride, "ENTRIES", 1)
    monkeypatch.setattr(stride.Stride, "took", lambda own, seconds: None)
    places: list[bool] = []
    made = planning.plan

    def plan(conn: Connection, given_: Any, thorough: bool = False) -> plans.Plan:
        way = made(conn, given_, thorough)
        places.append(way.places is not None)
        return way

    monkeypatch.setattr(finding, "plan", plan)
    told: list[int] = []
    shown: list[int] = []
    found, more = await finding.page(
        rows, parse(asked), limit=100, progress=told.append, shown=lambda part: shown.append(len(part))
    )
    assert ([head.id for head in found], more) == (wanted(rows, asked), None)
    assert places == [False, True]
    assert told == sorted(told)
    assert shown == sorted(shown)
    assert len(found) > 3


LOOKED_UP = {
    "source:a tag:late": (
        "ix_feedback_state_source_captured_at_known",
        "ix_feedback_tag_tag_state_captured_at_feedback_id",
    ),
    "source:a model:n": (
        "ix_feedback_state_source_captured_at_known",
        "ix_feedback_state_model_key_captured_at_known",
    ),
    "tag:late score:<0": (
        "ix_feedback_tag_tag_state_captured_at_feedback_id",
        "ix_feedback_state_captured_at_known",
    ),
    "source:a,b,c model:m,n,v1,v2,v3 score:<0 decided_after:2026-01-01": (
        "ix_feedback_state_model_key_captured_at_known",
        "ix_feedback_state_source_captured_at_known",
        "ix_feedback_state_captured_at_known",
    ),
    "tag:late -source:a uncertainty:>0.5 version:v*": (
        "ix_feedback_tag_tag_state_captured_at_feedback_id",
        "ix_feedback_state_source_captured_at_known",
        "ix_feedback_state_model_key_captured_at_known",
        "ix_feedback_state_captured_at_known",
    ),
}


@pytest.mark.parametrize("asked", LOOKED_UP)
def test_asks_indexes_and_no_rows(rows: Database, asked: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "FEW", 0)
    monkeypatch.setattr(planning, "SORTED", 0)
    way = rows.run_now(lambda conn: planning.plan(conn, parse(asked)))
    assert not way.rest
    assert {each.index for each in way.ranges} | {each.index for each in way.looks} <= set(LOOKED_UP[asked])
    joined = rows.backend != "sqlite"
    for each in way.ranges:
        for cursor in (None, (-0.9 if "order" in each.keys[0].column.name else NOW - timedelta(days=28), "row-5")):
            query = plans.keys_found(way, each, cursor, False, None, joined=joined).limit(20)
            how = explained(rows, query)
            for index in {each.index, *(look.index for look in way.looks)}:
                assert index in how, how
            assert "TEMP B-TREE FOR ORDER" not in how
            assert "filesort" not in how
            assert "Sort" not in how
            # All that is asked stands in the indexes.
            if rows.backend == "sqlite":
                assert "SCAN" not in how
                assert how.count("COVERING INDEX") == how.count("USING")


@pytest.mark.parametrize(
    "asked",
    [
        *("model:v3* tag:late", "model:nowhere tag:late score:<0", "tag:nowhere source:a", "source:nowhere model:m"),
        *("source:a source:b", "reviewer:mara reviewer:jo", "reviewer:mara,jo reviewer:nobody", "source:a,b source:b"),
    ],
)
@pytest.mark.parametrize("few", [0, pools.FEW])
async def test_names_that_nothing_has(rows: Database, asked: str, few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "FEW", few)
    found, more = await finding.page(rows, parse(asked), limit=100)
    assert ([head.id for head in found], more) == (wanted(rows, asked), None)


NUMBERED = {
    "score:<0 uncertainty:>0.5": "ix_feedback_state_score_order_id_known",
    "source:a score:<0": "ix_feedback_state_source_captured_at_known",
    "model:m score:<0 uncertainty:<0.5": "ix_feedback_state_model_key_captured_at_known",
}


@pytest.mark.parametrize("asked", NUMBERED)
async def test_numbers_are_asked_of_the_index(rows: Database, asked: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "FEW", 0)
    monkeypatch.setattr(planning, "SORTED", 0)
    way = rows.run_now(partial(planning.plan, given=parse(asked)))
    assert {each.index for each in way.ranges} == {NUMBERED[asked]}
    assert way.told
    assert (way.looks, way.members) == ((), ())
    for each in way.ranges:
        query = plans.keys_found(way, each, None, False, None, joined=rows.backend != "sqlite").limit(20)
        how = explained(rows, query)
        assert each.index in how
        assert "covering index" in how.lower() or "Using index" in how
        assert "filesort" not in how
        assert "TEMP B-TREE" not in how
        assert "Sort" not in how
    found, _ = await finding.page(rows, parse(asked), limit=100)
    assert [head.id for head in found] == wanted(rows, asked) != []


SORTED = {
    "source:a score:-1": "ix_feedback_state_score_order_id_known",
    "model:m -source:b uncertainty:>0.9": "ix_feedback_state_uncertainty_order_id_known",
    "score:-1 uncertainty:>0.5 decided_after:2026-03-11T10:02Z": "ix_feedback_state_score_order_id_known",
}


@pytest.mark.parametrize("asked", SORTED)
async def test_few_entries_with_a_number_are_sorted(rows: Database, asked: str) -> None:
    way = rows.run_now(lambda conn: planning.plan(conn, parse(asked)))
    assert ({each.index for each in way.ranges}, way.rest, way.ids) == ({SORTED[asked]}, (), None)
    for each in way.ranges:
        query = plans.keys_found(way, each, None, False, None, joined=rows.backend != "sqlite").limit(20)
        how = explained(rows, query)
        assert each.index in how
        if rows.backend == "sqlite":
            assert how.count("COVERING INDEX") == how.count("USING INDEX") + how.count("USING COVERING INDEX")
        else:
            assert "covering index" in how.lower() or "Using index" in how
    right = wanted(rows, asked)
    found: list[str] = []
    cursor = None
    while len(found) < len(right):
        part, cursor = await finding.page(rows, parse(asked), limit=3, cursor=cursor)
        found += [head.id for head in part]
        assert (cursor is None) == (len(found) >= len(right))
    assert found == right != []


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("asked", ["tag:late -version:v2 score:<0.9", "source:a text:2", "tag:t* model:v1,v2,v3,m,n"])
async def test_few_rows_are_read_in_order_and_no_further(
    rows: Database, asked: str, backward: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "SOME", 1)
    monkeypatch.setattr(finding, "AT_ONCE", 1)
    way = rows.run_now(lambda conn: planning.plan(conn, parse(asked)))
    assert way.places == tuple(sorted(way.places or (), reverse=True))
    assert ({"late"} in way.tags) == ("tag:late" in asked)
    right = wanted(rows, asked)[:: -1 if backward else 1]
    looked_at: list[int] = []
    first, cursor = await finding.page(rows, parse(asked), limit=2, backward=backward, progress=looked_at.append)
    others, end = await finding.page(rows, parse(asked), limit=100, cursor=cursor, backward=backward)
    assert ([head.id for head in (*first, *others)], end) == (right, None)
    assert 2 < looked_at[-1] < len(way.places)


async def test_a_name_that_many_have_is_looked_for_among_all(rows: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "ASKED", 2)
    common = rows.run_now(lambda conn: planning.plan(conn, parse("model:v1,v2,v3,m")))
    assert {each.index for each in common.ranges} == {"ix_feedback_state_captured_at_known"}
    assert (len(common.told), common.rest) == (1, ())
    monkeypatch.setattr(planning, "COMMON", 1)
    rare = rows.run_now(lambda conn: planning.plan(conn, parse("model:v1,v2,v3,m")))
    assert {each.index for each in rare.ranges} == {"ix_feedback_state_model_key_captured_at_known"}
    for way in (common, rare):
        monkeypatch.setattr(finding, "plan", lambda conn, given_, way=way: way)
        found, _ = await finding.page(rows, parse("model:v1,v2,v3,m"), limit=100)
        assert [head.id for head in found] == wanted(rows, "model:v1,v2,v3,m")


def test_what_is_turned_round_may_lead(rows: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "FEW", 0)
    monkeypatch.setattr(planning, "SORTED", 0)
    way = rows.run_now(lambda conn: planning.plan(conn, parse("-source:a,b")))
    assert {each.index for each in way.ranges} == {"ix_feedback_state_source_captured_at_known"}
    assert not way.rest


def test_terms_of_different_times_have_no_row(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "FEW", 0)
    monkeypatch.setattr(planning, "SORTED", 0)
    put(
        database,
        [given(n, source="old" if n < 20 else "new", model_version="v9" if n > 30 else "v1") for n in range(40)],
    )
    way = database.run_now(lambda conn: planning.plan(conn, parse("source:old version:v9")))
    assert way == plans.Plan((), ())
    way = database.run_now(lambda conn: planning.plan(conn, parse("source:new version:v1")))
    # Rows of the source that are newer than all of the version are not gone through.
    assert database.run_now(lambda conn: plans.size(conn, way.ranges, 99)) == 11


def test_ranges_are_guessed_where_the_database_can(rows: Database) -> None:
    def ask(conn: Connection) -> list[int]:
        return [
            sizes.guessed(conn, pool.queries) for pool in pools.pools(conn, parse("source:a tag:late score:<0 tag:no"))
        ]

    score, source, tag, none = rows.run_now(ask)
    assert 20 < source <= NUMBER
    assert 10 < tag <= NUMBER
    assert 20 < score <= NUMBER
    # The servers guess one row for each range where there is none.
    assert none <= 4


def test_a_bound_of_the_step_comes_before_that_of_the_filter(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite goes by the first one that it is told: a step would run to the end of the filter's range."""
    monkeypatch.setattr(pools, "FEW", 0)
    monkeypatch.setattr(planning, "SORTED", 0)
    put(database, [given(n) for n in range(400)])
    way = database.run_now(lambda conn: planning.plan(conn, parse("after:2025-01-01 nothing")))
    bound = (NOW - timedelta(days=30) + timedelta(hours=390), "row-00390")
    steps: list[int] = []

    def count(conn: Connection) -> tuple[int, int]:
        """Rows found, and steps of SQLite's machine or reads of a server's handlers."""
        query = finding.heads(way.ranges[0], way.rest, None, False, bound)
        if database.backend == "sqlite":
            raw = conn.connection.driver_connection
            assert raw is not None
            raw.set_progress_handler(lambda: steps.append(1), 1)
            found = len(conn.execute(query).all())
            raw.set_progress_handler(None, 0)
            return found, len(steps) // 60
        reads = text("SHOW SESSION STATUS LIKE 'Handler_read%'")
        before = sum(int(row[1]) for row in conn.execute(reads))
        found = len(conn.execute(query).all())
        return found, sum(int(row[1]) for row in conn.execute(reads)) - before

    found, read = database.run_now(count)
    assert found == 0
    assert read < 100
