"""What the receiver has said to be taken is there afterwards, once: whatever becomes of it and of the database."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select

from app.db.engine import Database
from app.db.types import utc_now
from app.feedback import capture
from app.feedback.tables import feedback_key
from tests.feedback.receiving import Receiving, left_behind, post, read_reply, receiving, row, started, until_cut
from tests.servers import PrivateMariaDB
from tests.waiting import PATIENCE_S, until


@pytest.fixture(autouse=True)
def a_database_may_take_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests are about what it knows."""
    monkeypatch.setattr("app.feedback.receiver.intake.LOOKUP_S", PATIENCE_S)


async def test_a_repetition_is_answered_as_the_first_was(database_url: str, tmp_path: Path) -> None:
    async with receiving(tmp_path, database_url) as to:
        first = await to.send(row(), Idempotency_Key="one")
        assert first.status == 202
        assert first.json()["status"] == "created"
    # Another process, with an empty memory and another journal: only the database knows.
    (tmp_path / "other").mkdir()
    async with receiving(tmp_path / "other", database_url) as to:
        again = await to.send(row(), Idempotency_Key="one")
        other = await to.send(row(1), Idempotency_Key="one")
        elsewhere = await to.send(row(1, source="elsewhere"), Idempotency_Key="one")
        same = await to.send(row(output=" answer   0 "), Idempotency_Key="two")
        assert (again.status, again.json()) == (200, {**first.json(), "status": "duplicate"})
        assert other.status == 409
        assert (elsewhere.status, elsewhere.json()["status"]) == (202, "created")
        assert (same.status, same.json()) == (202, {**first.json(), "status": "duplicate"})
        assert (await to.send(row(2), Idempotency_Key="two")).status == 409
        assert (len(await to.rows()), await to.quarantined()) == (2, 0)


async def test_one_event_with_two_contents_is_kept_twice_over(database_url: str, tmp_path: Path) -> None:
    async with receiving(tmp_path, database_url) as to:
        first = await to.send(row(1, source_event_id="e"))
        second = await to.send(row(2, source_event_id="e"))
        taken = await to.send(row(3, id=first.json()["id"]))
        told = [each.json()["status"] for each in (first, second, taken)]
        assert told == ["created", "quarantined", "quarantined"]
        same = await to.send(row(1, source_event_id="e"))
        assert same.json() == {**first.json(), "status": "duplicate"}
        (kept,) = await to.rows()
        assert (kept.id, kept.input) == (first.json()["id"], "question 1")
        assert await to.quarantined() == 2


async def test_what_was_quarantined_is_told_so_again(database_url: str, tmp_path: Path) -> None:
    async with receiving(tmp_path, database_url) as to:
        first = await to.send(row(1, source_event_id="e"))
        second = await to.send(row(2, source_event_id="e"), Idempotency_Key="k")
        assert (second.status, second.json()) == (202, {**first.json(), "status": "quarantined"})
        assert await to.quarantined() == 1
    (tmp_path / "other").mkdir()
    async with receiving(tmp_path / "other", database_url) as to:
        again = await to.send(row(2, source_event_id="e"), Idempotency_Key="k")
        assert (again.status, again.json()) == (200, second.json())
        assert (len(await to.rows()), await to.quarantined()) == (1, 1)


async def test_old_keys_are_forgotten_and_young_ones_kept(
    database: Database, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capture, "PRUNED", 3)
    now = utc_now()
    # Several of one moment, since a piece ends between moments.
    ages = [timedelta(days=31 + number // 5) for number in range(20)] + [timedelta(days=29)] * 7
    keys = [
        {"source": "s", "idempotency_key": f"{number}", "body_hash": "0" * 64, "answer": {"id": "1"}, "at": now - age}
        for number, age in enumerate(ages)
    ]
    database.run_now(lambda conn: conn.execute(insert(feedback_key), keys) and None, True)

    def left() -> int:
        return database.run_now(lambda conn: conn.scalar(select(func.count()).select_from(feedback_key)) or 0)

    async with receiving(tmp_path, database_url):
        await until(lambda: left() == 7, what="the old keys gone")
    assert left() == 7


async def test_the_same_row_from_many_at_once_is_one(database_url: str, tmp_path: Path) -> None:
    async with receiving(tmp_path, database_url) as to:
        replies = await asyncio.gather(
            *(to.send(row(number % 10), Idempotency_Key=f"k{number % 10}") for number in range(200))
        )
        assert {reply.status for reply in replies} == {200, 202}
        assert sum(reply.status == 202 for reply in replies) == 10
        assert {reply.json()["id"] for reply in replies} == {each.id for each in await to.rows()}


@pytest.mark.server
@pytest.mark.slow
async def test_the_database_may_be_down_at_the_start_and_go_down_again(mariadb: PrivateMariaDB, tmp_path: Path) -> None:
    with mariadb.database() as url:
        mariadb.kill()
        async with receiving(tmp_path, url) as to:
            down = [await to.send(row(number), Idempotency_Key=f"k{number}") for number in range(20)]
            assert {reply.status for reply in down} == {202}
            assert (await to.send(row(0), Idempotency_Key="k0")).status == 200
            assert (await to.send(row(1), Idempotency_Key="k0")).status == 409
        async with receiving(tmp_path, url) as to:
            # What waits in the journal is known to the next process.
            assert (await to.send(row(0), Idempotency_Key="k0")).json() == {**down[0].json(), "status": "duplicate"}
            mariadb.start()
            to.spool.nudge()
            assert len(await to.rows()) == 20
            acknowledged: set[str] = set()
            sending = asyncio.create_task(_stream(to, range(100, 400), acknowledged))
            await until(lambda: len(acknowledged) >= 50)
            mariadb.kill()
            await sending
            assert len(acknowledged) == 300
            mariadb.start()
            to.spool.nudge()
            found = {each.id for each in await to.rows()}
            assert acknowledged <= found
            assert len(found) == 320


async def _stream(to: Receiving, numbers: range, ids: set[str]) -> None:
    """Send rows one after the other over one connection, and note their ids."""
    reader, writer = await asyncio.open_connection("127.0.0.1", to.port)
    for number in numbers:
        writer.write(post(json.dumps(row(number)).encode()))
        reply = await read_reply(reader)
        assert reply.status == 202, reply.body
        ids.add(reply.json()["id"])
    writer.close()


@pytest.mark.slow
async def test_a_receiver_that_is_killed_loses_nothing_that_it_took(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'feedback.db'}"
    acknowledged: dict[int, str] = {}
    unknown: set[int] = set()
    for attempt in range(4):
        process, port = started(tmp_path, QUARTERDECK_DATABASE__URL=url)
        numbers = range(attempt * 10_000, (attempt + 1) * 10_000)
        senders = [asyncio.create_task(until_cut(port, numbers[each::8], acknowledged, unknown)) for each in range(8)]
        enough = len(acknowledged) + 150
        await until(partial(lambda wanted: len(acknowledged) >= wanted, enough))
        process.kill()
        process.wait()
        await asyncio.gather(*senders)
    found = await left_behind(tmp_path / "data" / "spool.db", url)
    assert acknowledged.items() <= found.items()
    assert found.keys() <= acknowledged.keys() | unknown
