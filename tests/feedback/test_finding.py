"""Rows that fulfil a filter: the right ones, in order, in pages, on every database, and out of an index."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, select

from app.db.engine import Database
from app.feedback import finding, indexes, ordering, planning, plans, pools, stride
from app.feedback.contract import DecisionRecord
from app.feedback.decisions import apply_decision
from app.feedback.filter_sql import conditions
from app.feedback.filters import parse
from app.feedback.model import FeedbackRow
from app.feedback.reading import decisions_of, rows_of
from app.feedback.tables import feedback, feedback_decision
from app.ids import new_id
from tests.feedback.reviewing import NOW, explained, given, put

ROWS = (
    given(
        1,
        source="discord",
        model="gpt",
        model_version="v3",
        score=-0.5,
        tags=(
            "tone",
            "late",
        ),
    ),
    given(2, source="discord", model="gpt", model_version="v2", score=0.0, tags=("tone",), source_event_id="e2"),
    given(3, source="webhook", output="x", model="v3", score=1.0, comment="Ä LATE fill", author="mara"),
    given(4, source="webhook", context={"channel": "c1", "run_id": "r1", "language": "de", "confidence": 0.9}),
    given(5, source="cli", input="a 100% _sure_ thing", output="x", prompt_version="p1", tags=("caf\u0065\u0301",)),
    given(
        6,
        source="cli",
        score=-1.0,
        model_version="v3",
        tags=(
            "tone",
            "tonality",
        ),
    ),
)
IDS = {row.id: number for number, row in enumerate(ROWS, 1)}


@pytest.fixture
def rows(database: Database) -> Database:
    put(database, ROWS)
    for number, verdict, more in ((1, "accept", {"correction": "better"}), (2, "reject", {}), (3, "skip", {})):
        decide(database, number, verdict, reviewer="mara" if number < 3 else "jo", **more)
    return database


def decide(db: Database, number: int, verdict: str, **more: Any) -> None:
    values = {"reviewer": "mara", "decided_at": NOW + timedelta(hours=number), "kind": "decide", **more}
    record = DecisionRecord(id=new_id(), feedback_id=f"row-{number:05}", verdict=verdict, **values)
    db.run_now(lambda conn: apply_decision(conn, record.model_dump(mode="json")), True)


FOUND = {
    "": [6, 5, 4, 3, 2, 1],
    "id:row-00002,row-00004,nothing": [4, 2],
    "id:row-0000*": [6, 5, 4, 3, 2, 1],
    "id:ä": [],
    "-id:row-00002": [6, 5, 4, 3, 1],
    "state:waiting": [6, 5, 4],
    "state:accepted,skipped": [3, 1],
    "verdict:reject": [2],
    "state:waiting verdict:reject": [],
    "source:discord": [2, 1],
    "source:discord,cli": [6, 5, 2, 1],
    "source:disc*,w*": [4, 3, 2, 1],
    "source:Discord": [],
    "-source:discord": [6, 5, 4, 3],
    "source:discord event:e2": [2],
    "event:e2": [2],
    "-event:e2": [6, 5, 4, 3, 1],
    "model:v3": [6, 3, 1],
    "model:gpt": [2, 1],
    "model:g*,v2": [2, 1],
    "version:v3": [6, 1],
    "-model:v3": [5, 4, 2],
    f"model:{'x' * 200}": [],
    "tag:tone": [6, 2, 1],
    "tag:tone,late": [6, 2, 1],
    "tag:ton*": [6, 2, 1],
    "tag:tone -tag:late": [6, 2],
    "tag:tone model:v3": [6, 1],
    "tag:café": [5],
    f"tag:{'x' * 200}": [],
    "-tag:tone,café": [4, 3],
    "score:<0": [6, 1],
    "score:>=0": [2, 3],
    "score:>-1": [1, 2, 3],
    "score:-0.5..0.5": [1, 2],
    "score:1": [3],
    "score:none": [5, 4],
    "-score:<0": [5, 4, 3, 2],
    "score:<0 source:discord": [1],
    "score:<0 tag:tone": [6, 1],
    "uncertainty:<0.5": [4],
    "uncertainty:>0.5": [],
    "has:uncertainty": [4],
    "late": [3],
    "text:late,100%": [5, 3],
    "ä": [3],
    "Ä -jo": [3],
    'text:"ä late FILL"': [3],
    'input:"100% _sure_"': [5],
    "input:1__%": [],
    "output:late": [],
    "comment:late": [3],
    "-comment:late": [6, 5, 4, 2, 1],
    "author:mara": [3],
    "reviewer:mara": [2, 1],
    "-reviewer:mara": [6, 5, 4, 3],
    "reviewer:j*": [3],
    "has:correction": [1],
    "has:note": [],
    "has:decision": [3, 2, 1],
    "has:tags": [6, 5, 2, 1],
    "has:model": [6, 3, 2, 1],
    "has:score,author": [6, 3, 2, 1],
    "has:context": [4],
    "-has:comment": [6, 5, 4, 2, 1],
    "channel:c1 run:r1 language:de": [4],
    "prompt:p1": [5],
    "before:2026-02-08T17:02Z": [2, 1],
    "after:2026-02-08T17:02Z": [6, 5, 4, 3],
    "after:2026-02-08T16:02Z before:2026-02-08T19:02Z": [4, 3, 2],
    "tag:tone before:2026-02-08T17:02Z": [2, 1],
    "model:v3 after:2026-02-08T17:02Z": [6, 3],
    "decided_after:2026-03-10T16:02Z": [3, 2],
    "decided_before:2026-03-10T16:02Z": [1],
    "-decided_before:2026-03-10T16:02Z": [6, 5, 4, 3, 2],
}


async def pages(db: Database, filter_: str, limit: int, *, backward: bool = False) -> list[int]:
    asked, found, cursor = parse(filter_), [], None
    while True:
        part, cursor = await finding.page(db, asked, limit=limit, cursor=cursor, backward=backward)
        assert len(part) <= limit
        found += [IDS[head.id] for head in part]
        if cursor is None:
            return found


async def test_finds_what_fulfils_it_in_pages_of_any_size(rows: Database) -> None:
    for asked, wanted in FOUND.items():
        for limit in (1, 2, 100):
            assert await pages(rows, asked, limit) == wanted, (asked, limit)
        assert await pages(rows, asked, 2, backward=True) == wanted[::-1], asked


async def test_many_rows_are_not_brought_into_order(rows: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "FEW", 0)
    monkeypatch.setattr(planning, "SORTED", 0)
    for asked, wanted in FOUND.items():
        assert await pages(rows, asked, 2) == wanted, asked
        assert await pages(rows, asked, 2, backward=True) == wanted[::-1], asked


async def test_rows_are_looked_at_in_steps(rows: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "FEW", 0)
    monkeypatch.setattr(planning, "SORTED", 0)
    monkeypatch.setattr(stride, "FIRST", 1)
    monkeypatch.setattr(stride, "MOST", 1)
    monkeypatch.setattr(finding, "CHUNK", 1)
    told: list[int] = []
    for asked, wanted in FOUND.items():
        assert await pages(rows, asked, 2) == wanted, asked
    await finding.page(rows, parse("state:waiting nothing"), limit=5, progress=told.append)
    assert told == [1, 2, 3, 3]


async def test_the_queue_and_exports_use_the_same_conditions(rows: Database) -> None:
    for asked, wanted in FOUND.items():
        given_ = parse(asked)
        query = select(feedback.c.id).where(feedback.c.state.in_(given_.states), *conditions(given_))
        found = rows.run_now(lambda conn, query=query: list(conn.scalars(query)))
        assert sorted(IDS[identity] for identity in found) == sorted(wanted), asked


async def test_many_models(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    put(database, [given(n, model_version=f"m{n}") for n in range(1, 31)] + [given(99, model_version="n")])
    for few, models in ((pools.FEW, indexes.MODELS), (0, indexes.MODELS), (0, 7)):
        monkeypatch.setattr(pools, "FEW", few)
        monkeypatch.setattr(indexes, "MODELS", models)
        for asked in ("model:m*", "model:m* question"):
            found, _ = await finding.page(database, parse(asked), limit=100)
            assert [head.id for head in found] == [f"row-{n:05}" for n in range(30, 0, -1)]


async def test_an_event_is_found_without_its_source(database: Database) -> None:
    put(database, [given(n, source=f"s{n}", source_event_id=f"e{n % 5}") for n in range(20)])
    found, _ = await finding.page(database, parse("event:e3"), limit=100)
    assert [head.id for head in found] == ["row-00018", "row-00013", "row-00008", "row-00003"]


async def test_a_reviewer_is_who_made_the_decision_that_holds(database: Database) -> None:
    """At random: rows decided once and again, by several at the same moment, shown again, and undone."""
    chance = random.Random(5)
    put(database, [given(n, tags=tuple(chance.sample(["a", "b"], chance.randrange(3)))) for n in range(60)])
    for _ in range(150):
        number, at = chance.randrange(60), NOW + timedelta(minutes=chance.randrange(9))
        name, verdict = chance.choice(["mara", "mo", "jo"]), chance.choice(["accept", "reject", "skip"])
        decide(database, number, verdict, decided_at=at, reviewer=name, reshow=chance.random() < 0.2)
    log = feedback_decision.c
    entries = database.run_now(lambda conn: conn.execute(select(log.id, log.feedback_id)).all())
    for entry in chance.sample(entries, 40):
        more = {"kind": "undo", "supersedes": entry.id, "decided_at": NOW + timedelta(hours=1)}
        record = DecisionRecord(id=new_id(), feedback_id=entry.feedback_id, reviewer="mara", **more)
        database.run_now(lambda conn, record=record: apply_decision(conn, record.model_dump(mode="json")), True)

    def read(conn: Connection) -> Any:
        every = [row.id for row in conn.execute(select(feedback.c.id))]
        return rows_of(conn, every), decisions_of(conn, every)

    stored, logs = database.run_now(read)
    holds = {
        identity: max(live, key=lambda each: (each.decided_at, each.id)).reviewer
        for identity, entries in logs.items()
        if (live := [e for e in entries if e.kind == "decide" and e.undone_by is None and not e.reshow])
    }
    tests: dict[str, Callable[[FeedbackRow], bool]] = {
        "reviewer:mara": lambda row: holds.get(row.id) == "mara",
        "reviewer:m*": lambda row: holds.get(row.id) in {"mara", "mo"},
        "reviewer:jo,mo state:rejected": lambda row: holds.get(row.id) in {"jo", "mo"} and row.state == "rejected",
        "reviewer:jo tag:a": lambda row: holds.get(row.id) == "jo" and "a" in row.tags,
        "reviewer:jo -tag:a": lambda row: holds.get(row.id) == "jo" and "a" not in row.tags,
        "-reviewer:mara": lambda row: holds.get(row.id) != "mara",
        f"reviewer:m* decided_after:{(NOW + timedelta(minutes=4)).isoformat()}": lambda row: (
            holds.get(row.id) in {"mara", "mo"} and (row.decided_at or NOW) >= NOW + timedelta(minutes=4)
        ),
    }
    for few in (pools.FEW, 0):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(pools, "FEW", few)
            for asked, test in tests.items():
                rows = [row for row in stored.values() if test(row)]
                order = ordering.order_of(parse(asked))
                by = (lambda row: (row.decided_at, row.id)) if order == "decided" else lambda row: row.captured_at
                wanted = [row.id for row in sorted(rows, key=by, reverse=True)]
                for limit in (3, 100):
                    found: list[str] = []
                    cursor = None
                    while True:
                        part, cursor = await finding.page(database, parse(asked), limit=limit, cursor=cursor)
                        found += [head.id for head in part]
                        if cursor is None:
                            break
                    assert found == wanted, (asked, few, limit)


LAST_DECISION = "Sort: feedback_decision.decided_at DESC, feedback_decision.id DESC, limit input to 1 row(s)"
INDEXES = {
    "": "ix_feedback_state_captured_at_known",
    "before:2027-02-09 after:2025-02-08": "ix_feedback_state_captured_at_known",
    "state:waiting text:x": "ix_feedback_state_captured_at_known",
    "source:test": indexes.SOURCE_INDEX,
    "source:test before:2027-01-01 score:<0": indexes.SOURCE_INDEX,
    "model:v3 text:x": indexes.MODEL_INDEX,
    "version:v3": indexes.MODEL_INDEX,
    "model:v*": indexes.MODEL_INDEX,
    "model:v3 version:v3 has:comment": indexes.MODEL_INDEX,
    "source:test -reviewer:jo": indexes.SOURCE_INDEX,
    "tag:tone": indexes.TAG_INDEX,
    "tag:tone after:2026-02-01 source:test": indexes.TAG_INDEX,
    "score:<0": "ix_feedback_state_score_order_id_known",
    "score:-1..0": "ix_feedback_state_score_order_id_known",
    "uncertainty:>0.5": "ix_feedback_state_uncertainty_order_id_known",
    "uncertainty:0..0.5 late": "ix_feedback_state_uncertainty_order_id_known",
    "decided_after:2026-01-01 decided_before:2026-12-01": "ix_feedback_state_decided_at_id",
    "decided_after:2026-02-08": "ix_feedback_state_decided_at_id",
    "reviewer:mara": indexes.REVIEWER_INDEX,
    "reviewer:m* decided_after:2026-01-01 decided_before:2026-12-01 text:x": indexes.REVIEWER_INDEX,
}


@pytest.mark.parametrize("asked", INDEXES)
def test_reads_from_an_index_without_sorting(database: Database, asked: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # As if there were too many rows to look at all.
    monkeypatch.setattr(pools, "FEW", 0)
    monkeypatch.setattr(planning, "SORTED", 0)
    more = {"model_version": "v3", "score": -0.5, "context": {"uncertainty": 0.3}}
    put(database, [given(n, tags=("x",) if n % 4 else ("tone",), **more) for n in range(40)])
    decide(database, 1, "accept")
    way = database.run_now(lambda conn: planning.plan(conn, parse(asked)))
    assert way.ranges
    for each in way.ranges:
        timed = each.keys[0].column.name.endswith("_at")
        first = NOW - timedelta(days=30)
        places = [
            (first + timedelta(hours=9) if timed else -0.75, "row-3"),
            (first + timedelta(hours=29) if timed else 0.75, "row-7"),
        ]
        for backward in (False, True):
            # In the direction read, the bound lies behind the cursor.
            cursor, bound = places if each.keys[0].descending == backward else reversed(places)
            queries = [plans.statement(each, at, backward).limit(20) for at in (None, cursor)]
            if each.table is feedback:
                some = ((None, None), (cursor, None), (None, bound), (cursor, bound))
                queries += [finding.heads(each, way.rest, at, backward, end).limit(20) for at, end in some]
            for query in queries:
                found = explained(database, query)
                assert each.index == INDEXES[asked]
                assert each.index in found, found
                assert "TEMP B-TREE" not in found
                assert "filesort" not in found
                # The few decisions of one row MySQL sorts all the same.
                assert "Sort" not in found.replace(LAST_DECISION, "")
            if each.table is feedback and database.backend == "sqlite":
                # From the cursor to the bound, and no further.
                name = each.keys[0].column.name
                assert f"({name},id)>(?,?) AND ({name},id)<(?,?)" in explained(database, queries[-1])
