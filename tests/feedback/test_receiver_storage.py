"""What the receiver has said to be taken is there afterwards, once: whatever becomes of it and of the database."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import select

from app.db.engine import Database
from app.db.spool import Spool
from app.events import Bus
from app.feedback import capture
from app.feedback.tables import feedback
from tests.feedback.receiving import Receiving, environment, post, read_reply, receiving, row
from tests.servers import PrivateMariaDB
from tests.waiting import until


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
        assert [each.json()["status"] for each in (first, second, taken)] == ["created", "duplicate", "duplicate"]
        (kept,) = await to.rows()
        assert (kept.id, kept.input) == (first.json()["id"], "question 1")
        assert await to.quarantined() == 2


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


def start(url: str, home: Path) -> subprocess.Popen[str]:
    """The program as it is started by hand, on a free port."""
    return subprocess.Popen(
        [sys.executable, "-m", "app", "feedback", "serve", "--port", "0", "--json"],
        stdout=subprocess.PIPE,
        text=True,
        env=environment(home, QUARTERDECK_DATABASE__URL=url),
    )


@pytest.mark.slow
async def test_a_receiver_that_is_killed_loses_nothing_that_it_took(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'feedback.db'}"
    acknowledged: dict[int, str] = {}
    unknown: set[int] = set()
    for attempt in range(4):
        process = start(url, tmp_path)
        assert process.stdout is not None
        port = int(json.loads(process.stdout.readline())["url"].rpartition(":")[2])
        numbers = range(attempt * 10_000, (attempt + 1) * 10_000)
        senders = [asyncio.create_task(_until_cut(port, numbers[each::8], acknowledged, unknown)) for each in range(8)]
        enough = len(acknowledged) + 150
        await until(partial(lambda wanted: len(acknowledged) >= wanted, enough))
        process.kill()
        process.wait()
        await asyncio.gather(*senders)
    spool, db = Spool(tmp_path / "data" / "spool.db"), Database(url)
    capture.register(spool)
    spool.start(db, Bus())
    assert await spool.flush(60)
    rows = await db.run(lambda conn: conn.execute(select(feedback.c.id, feedback.c.input)).all())
    await spool.close()
    db.close()
    found = {int(row.input.split()[1]): row.id for row in rows}
    assert len(found) == len(rows)
    assert acknowledged.items() <= found.items()
    assert found.keys() <= acknowledged.keys() | unknown


async def _until_cut(port: int, numbers: range, acknowledged: dict[int, str], unknown: set[int]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for number in numbers:
        unknown.add(number)
        try:
            writer.write(post(json.dumps(row(number)).encode()))
            reply = await read_reply(reader)
        except (OSError, EOFError):
            break
        assert reply.status == 202
        acknowledged[number] = reply.json()["id"]
        unknown.discard(number)
    writer.close()
