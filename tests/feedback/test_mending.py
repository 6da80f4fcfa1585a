"""Quarantine on real databases as the screen uses it."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from app.db.engine import Database
from app.errors import UserError
from app.feedback import mending, quarantine, store
from app.feedback.mending import Mending
from app.feedback.model import Violation
from app.ids import new_id
from tests.feedback.reviewing import NOW


def refuse(db: Database, count: int, **more: object) -> None:
    rows = [{"source": "cli", "input": f"question {n}", "output": "10.50", "score": 7, **more} for n in range(count)]
    entries = [
        quarantine.entry(json.dumps(row).encode(), Violation("score", "too large"), n) for n, row in enumerate(rows)
    ]
    db.run_now(
        lambda conn: quarantine.put(conn, entries, batch=new_id(), source="rows.jsonl", at=NOW - timedelta(days=1)),
        True,
    )


async def test_pages_and_their_number(database: Database) -> None:
    refuse(database, 130)
    found = Mending(database)
    first = await found.page()
    rest = await found.page(first[-1].id)
    assert [entry.line for entry in (*first, *rest)] == list(range(130))
    assert await found.waiting() == 130


async def test_no_more_are_counted_than_anybody_mends(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mending, "COUNTED", 3)
    refuse(database, 9)
    assert await Mending(database).waiting() == 4


async def test_mended_tried_again_let_go_and_taken_back(database: Database) -> None:
    refuse(database, 3, colour="red")
    found = Mending(database)
    first, second, third = await found.page()
    with pytest.raises(UserError):
        await found.mend(first.id, first.raw.decode())
    right = {"source": "cli", "input": "question 0", "output": "10.50"}
    assert (await found.mend(first.id, json.dumps(right, indent=2))).created == 1
    assert len((await found.retry([second.id])).left) == 1
    assert len((await found.retry([second.id], "context")).left) == 1
    assert await found.drop([second.id, third.id]) == (second.id, third.id)
    assert await found.drop([second.id]) == ()
    await found.put_back([third.id, first.id])
    assert [entry.id for entry in await found.page()] == [third.id]
    assert (await database.run(store.counts)).waiting == 1


async def test_all_that_is_open_is_let_go_at_once(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quarantine, "ASKED", 2)
    refuse(database, 5)
    refuse(database, 3, colour="red")
    listed = (await quarantine.entries(database)).entries
    first, batch = listed[0], listed[0].batch
    await quarantine.drop(database, first.id)
    mine = [entry.id for entry in listed if entry.batch == batch and entry is not first]
    assert await quarantine.drop_open(database, batch) == tuple(mine)
    assert await quarantine.drop_open(database, batch) == ()
    assert len(await quarantine.drop_open(database)) == 3
    assert len((await quarantine.entries(database, state="dropped")).entries) == 8


async def test_bytes_that_are_no_text_come_back_as_they_were(database: Database) -> None:
    raw = b'{"source": "cli", "input": "\xff", "output": "o"}'
    database.run_now(
        lambda conn: quarantine.put(
            conn, [quarantine.entry(raw, Violation("", "broken text"), 1)], batch=new_id(), source="x", at=NOW
        ),
        True,
    )
    found = Mending(database)
    (entry,) = await found.page()
    with pytest.raises(UserError):
        await found.mend(entry.id, entry.raw.decode(errors="surrogateescape"))
    assert (await found.mend(entry.id, '{"source": "cli", "input": "\u00ff", "output": "o"}')).created == 1
