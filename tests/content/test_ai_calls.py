"""What was asked is kept with what it took and cost."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import ValidationError
from sqlalchemy import select

from app.content.ai import calls
from app.content.ai.model import Profile, Reply
from app.content.tables import ai_call
from app.db.engine import Database
from app.db.spool import Spool
from app.events import Bus
from app.storage import register

PROFILE = Profile("fake", "openai", "http://127.0.0.1:1", "small", price_in=Decimal("2.5"), price_out=Decimal(10))


async def test_calls_reach_the_database_once(database: Database, tmp_path: Path) -> None:
    reply = Reply("x", "complete", "", 1_000_001, 17, False, 1.5)
    spool = Spool(tmp_path / "spool.db")
    register(spool)
    spool.start(database, Bus())
    try:
        await calls.put(spool, calls.call_of(PROFILE, "draft", reply, None))
        failed = calls.call_of(replace(PROFILE, price_in=None), "tone", Reply(), "0" * 26)
        await calls.put(spool, failed)
        assert await spool.flush(20)
    finally:
        await spool.close()
    rows = await database.run(lambda conn: conn.execute(select(ai_call).order_by(ai_call.c.id)).all())
    assert [(row.action, row.outcome, row.tokens_in, row.tokens_out, row.cost) for row in rows] == [
        ("draft", "complete", 1_000_001, 17, Decimal("2.50017250")),
        ("tone", "failed", None, None, None),
    ]
    assert (rows[0].profile, rows[0].model, rows[0].duration_s, rows[0].estimated) == ("fake", "small", 1.5, False)
    assert rows[1].draft_id == "0" * 26


def test_applied_twice_it_stands_once(database: Database) -> None:
    payload = {
        "id": "0" * 25 + "1",
        "profile": "fake",
        "model": "small",
        "action": "titles",
        "outcome": "stopped",
        "cost": "0.00000001",
        "duration_s": 0.5,
        "at": "2026-11-21T12:00:00Z",
    }
    for _ in range(2):
        database.run_now(lambda conn: calls.apply(conn, payload), True)
    rows = database.run_now(lambda conn: conn.execute(select(ai_call)).all())
    assert [row.cost for row in rows] == [Decimal("0.00000001")]
    with pytest.raises(ValidationError):
        database.run_now(lambda conn: calls.apply(conn, {**payload, "prompt": "secret"}), True)


def test_what_a_reply_costs() -> None:
    assert calls.cost(PROFILE, 1000, 2000) == Decimal("0.02250000")
    assert calls.cost(PROFILE, None, 2000) is None
    assert calls.cost(replace(PROFILE, price_out=None), 1, 1) is None
    assert calls.cost(PROFILE, 0, 0) == 0
