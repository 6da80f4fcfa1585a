"""Rows that fulfil a filter: the right ones, in order, in pages, on every database, and out of an index."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.db.engine import Database
from app.feedback import finding, planning
from app.feedback.contract import DecisionRecord
from app.feedback.decisions import apply_decision
from app.feedback.filter_sql import conditions
from app.feedback.filters import parse
from app.feedback.tables import feedback
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
        record = DecisionRecord(
            id=new_id(),
            feedback_id=f"row-{number:05}",
            kind="decide",
            decided_at=NOW + timedelta(hours=number),
            reviewer="mara" if number < 3 else "jo",
            verdict=verdict,  # type: ignore[arg-type]
            **more,
        )
        database.run_now(lambda conn, record=record: apply_decision(conn, record.model_dump(mode="json")), True)
    return database


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
    monkeypatch.setattr(planning, "FEW", 0)
    for asked, wanted in FOUND.items():
        assert await pages(rows, asked, 2) == wanted, asked
        assert await pages(rows, asked, 2, backward=True) == wanted[::-1], asked


async def test_rows_are_looked_at_in_steps(rows: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "FEW", 0)
    monkeypatch.setattr(finding, "SCANNED", 1)
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
    for few, models in ((planning.FEW, planning.MODELS), (0, planning.MODELS), (0, 7)):
        monkeypatch.setattr(planning, "FEW", few)
        monkeypatch.setattr(planning, "MODELS", models)
        for asked in ("model:m*", "model:m* question"):
            found, _ = await finding.page(database, parse(asked), limit=100)
            assert [head.id for head in found] == [f"row-{n:05}" for n in range(30, 0, -1)]


async def test_an_event_is_found_without_its_source(database: Database) -> None:
    put(database, [given(n, source=f"s{n}", source_event_id=f"e{n % 5}") for n in range(20)])
    found, _ = await finding.page(database, parse("event:e3"), limit=100)
    assert [head.id for head in found] == ["row-00018", "row-00013", "row-00008", "row-00003"]


INDEXES = {
    "": "ix_feedback_state_captured_at_id",
    "before:2027-02-09 after:2025-02-08": "ix_feedback_state_captured_at_id",
    "state:waiting text:x": "ix_feedback_state_captured_at_id",
    "source:test": planning.SOURCE_INDEX,
    "source:test before:2027-01-01 score:<0": planning.SOURCE_INDEX,
    "model:v3 text:x": planning.MODEL_INDEX,
    "version:v3": planning.MODEL_INDEX,
    "model:v*": planning.MODEL_INDEX,
    "model:v3 version:v3 has:comment": planning.MODEL_INDEX,
    "source:test -reviewer:jo": planning.SOURCE_INDEX,
    "tag:tone": planning.TAG_INDEX,
    "tag:tone after:2026-02-01 source:test": planning.TAG_INDEX,
    "score:<0": "ix_feedback_state_score_order_id",
    "score:-1..0": "ix_feedback_state_score_order_id",
    "uncertainty:>0.5": "ix_feedback_state_uncertainty_order_id",
    "uncertainty:0..0.5 late": "ix_feedback_state_uncertainty_order_id",
    "decided_after:2026-01-01 decided_before:2026-12-01": "ix_feedback_state_decided_at_id",
    "decided_after:2026-02-08": "ix_feedback_state_decided_at_id",
}


@pytest.mark.parametrize("asked", INDEXES)
def test_reads_from_an_index_without_sorting(database: Database, asked: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # As if there were too many rows to look at all.
    monkeypatch.setattr(planning, "FEW", 0)
    more = {"model_version": "v3", "score": -0.5, "context": {"uncertainty": 0.3}}
    put(database, [given(n, tags=("tone",) if n < 9 else ("x",), **more) for n in range(40)])
    way = database.run_now(lambda conn: planning.plan(conn, parse(asked)))
    assert way.ranges
    for each in way.ranges:
        timed = each.keys[0].column.name.endswith("_at")
        places = [(NOW - timedelta(days=29) if timed else -0.75, "row-3"), (NOW if timed else 0.75, "row-7")]
        for backward in (False, True):
            # In the direction read, the bound lies behind the cursor.
            cursor, bound = places if each.keys[0].descending == backward else reversed(places)
            queries = [planning.statement(each, at, backward).limit(20) for at in (None, cursor)]
            if not each.tags:
                some = ((None, None), (cursor, None), (None, bound), (cursor, bound))
                queries += [finding.heads(each, way.rest, at, backward, end).limit(20) for at, end in some]
            for query in queries:
                found = explained(database, query)
                assert each.index == INDEXES[asked]
                assert each.index in found, found
                assert "TEMP B-TREE" not in found
                assert "filesort" not in found
                assert "Sort" not in found
