"""Publications: sent once, in order, and never again without being asked for."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from app.content.model import PublicationState
from app.content.publishing.configured import open_target
from app.content.publishing.dispatch import Dispatcher
from app.content.publishing.model import Text, When
from app.content.tables import publication_attempt
from app.db.engine import Database
from app.errors import UserError
from tests.content.discord_fake import TOKEN, FakeDiscord, Fault, discord, refusal
from tests.content.publishing import named, publishing, target

LONG = Text("Long", "\n\n".join(f"Paragraph {number}. " + "word " * 150 for number in range(8)))
HTML = {"Content-Type": "text/html"}


def _more(fake: FakeDiscord, seen: int) -> bool:
    return len(fake.posted) > seen


async def _attempts(db: Database) -> list[tuple[int, int, str | None]]:
    asked = select(publication_attempt).order_by(publication_attempt.c.id)
    rows = await db.run(lambda conn: conn.execute(asked).all())
    return [(row.number, row.part, row.outcome) for row in rows]


async def test_parts_are_sent_in_order_edited_and_deleted(database: Database, tmp_path: Path) -> None:
    with discord() as fake:
        async with publishing(database, tmp_path, target("discord", url=fake.url)) as work:
            sent = await work.send(LONG)
            assert (sent.state, sent.parts_sent, len(sent.remote)) == ("sent", sent.parts, sent.parts)
            assert sent.parts >= 3
            assert list(sent.remote) == list(fake.messages)
            assert fake.texts[0].startswith("Paragraph 0.")
            assert fake.most_at_once == 1
            again = await work.send(Text("Long", "Short now, and @everyone."), replaces=sent)
            assert (again.state, again.remote) == ("sent", sent.remote[:1])
            assert fake.texts == ["Short now, and @everyone."]
            assert (await work.find(sent.id)).state == "deleted"
            with pytest.raises(UserError, match="is deleted"):
                await work.publisher.delete(await work.find(sent.id))
            await work.publisher.delete(again)
            assert (await work.find(again.id)).state == "deleted"
            assert fake.texts == []
            # Nobody is called, by an edit either.
            written = [body for method, _, _, body, _ in fake.requests if method in ("POST", "PATCH")]
            assert all(body["allowed_mentions"] == {"parse": []} for body in written)
            posts = [query for method, _, query, _, _ in fake.requests if method == "POST"]
            assert all(query["wait"] == ["true"] for query in posts)
            assert all(headers["user-agent"].startswith("DiscordBot (") for *_, headers in fake.requests)


@pytest.mark.parametrize(
    ("fault", "waits_s"),
    [
        (Fault(429, b'{"message": "slow", "retry_after": 41.5, "global": false}', {"X-RateLimit-Scope": "user"}), 41.5),
        (Fault(429, b"<html>slow</html>", {**HTML, "Retry-After": "17"}), 17),
        (Fault(429, b"<html>slow</html>", HTML), 30),
        (refusal(400, 20029, "write rate limit"), 30),
    ],
)
async def test_a_busy_channel_is_left_alone_as_long_as_it_says(
    database: Database, tmp_path: Path, fault: Fault, waits_s: float
) -> None:
    with discord() as fake:
        fake.faults = [fault]
        async with publishing(database, tmp_path, target("discord", url=fake.url)) as work:
            first = await work.send()
            assert first.state == "failed_transient"
            second = await work.order(Text("B", "Second."))
            work.clock.on(seconds=waits_s - 1)
            await work.publisher.dispatcher.once()
            assert fake.posted == []
            work.clock.on(seconds=1.5)
            await work.publisher.dispatcher.once()
            assert fake.texts == ["One line.", "Second."]
            assert {(await work.find(each)).state for each in (first.id, second)} == {"sent"}


async def test_a_pause_may_be_a_date(database: Database, tmp_path: Path) -> None:
    later = datetime.now(UTC) + timedelta(seconds=600)
    with discord() as fake:
        fake.faults = [Fault(429, b"", {"Retry-After": later.strftime("%a, %d %b %Y %H:%M:%S GMT")})]
        async with publishing(database, tmp_path, target("discord", url=fake.url)) as work:
            sent = await work.send()
            work.clock.on(seconds=500)
            await work.publisher.dispatcher.once()
            assert fake.posted == []
            work.clock.on(seconds=110)
            await work.publisher.dispatcher.once()
            assert (await work.find(sent.id)).state == "sent"


@pytest.mark.parametrize(
    "fault", [Fault(cut=True, store=True), Fault(502, b"bad gateway", store=True), Fault(503, b"<html>", HTML)]
)
async def test_what_may_have_arrived_is_unknown_until_the_user_decides(
    database: Database, tmp_path: Path, fault: Fault
) -> None:
    with discord() as fake:
        fake.faults = [fault]
        async with publishing(database, tmp_path, target("discord", url=fake.url)) as work:
            first = await work.send(LONG)
            assert (first.state, first.parts_sent) == ("unknown", 0)
            work.clock.on(hours=9)
            await work.publisher.dispatcher.once()
            assert len(fake.requests) == 1
            await work.publisher.decide(first, "sent" if fault.store else "resend")
            await work.publisher.dispatcher.once()
            done = await work.find(first.id)
            assert (done.state, done.parts_sent) == ("sent", done.parts)
            assert len(fake.posted) == done.parts
            with pytest.raises(UserError, match="is sent"):
                await work.publisher.decide(done, "resend")


async def test_what_was_certainly_not_accepted_is_tried_again(database: Database, tmp_path: Path) -> None:
    nowhere = target("discord", url=f"http://127.0.0.1:9/api/webhooks/42/{TOKEN}")
    async with publishing(database, tmp_path, nowhere) as work:
        sent = await work.send()
        assert sent.state == "failed_transient"
        assert "ConnectError" in sent.error or "connection" in sent.error
        assert TOKEN not in sent.error
        for _ in range(7):
            work.clock.on(minutes=3)
            await work.publisher.dispatcher.once()
        assert (await work.find(sent.id)).state in ("failed_transient", "failed_permanent")
        work.clock.on(minutes=61)
        await work.publisher.dispatcher.once()
        assert (await work.find(sent.id)).state in ("missed", "failed_permanent")


@pytest.mark.parametrize(
    "fault",
    [
        refusal(404, 10015, "Unknown Webhook"),
        refusal(401, 50027, f"Invalid Webhook Token {TOKEN}"),
        Fault(308, b"", {"Location": "http://127.0.0.1:9/elsewhere"}),
    ],
)
async def test_a_webhook_that_is_gone_is_not_asked_again(database: Database, tmp_path: Path, fault: Fault) -> None:
    with discord() as fake:
        fake.faults = [fault]
        there = target("discord", url=fake.url)
        async with publishing(database, tmp_path, there) as work:
            second = await work.order(Text("B", "Second."), when=When(work.clock() + timedelta(minutes=5), "UTC"))
            first = await work.send()
            assert first.state == "failed_permanent"
            assert TOKEN not in first.error
            work.clock.on(minutes=10)
            await work.publisher.dispatcher.once()
            assert (await work.find(second)).state == "failed_permanent"
            assert len(fake.requests) == 1
            with pytest.raises(UserError, match="disabled"):
                await work.order()
            assert list(await work.publisher.disabled()) == ["there"]
            assert await work.publisher.enable(there)
            assert (await work.send()).state == "sent"


async def test_refusals_tell_the_field(database: Database, tmp_path: Path) -> None:
    errors = {"embeds": {"0": {"description": {"_errors": [{"code": "BASE_TYPE_MAX_LENGTH", "message": "too long"}]}}}}
    with discord() as fake:
        fake.faults = [refusal(400, 50035, "Invalid Form Body", errors=errors)]
        async with publishing(database, tmp_path, target("discord", url=fake.url)) as work:
            sent = await work.send()
    assert sent.state == "failed_permanent"
    assert "embeds.0.description: too long" in sent.error


async def test_what_is_found_too_late_is_asked_about(database: Database, tmp_path: Path) -> None:
    with discord() as fake:
        async with publishing(database, tmp_path, target("discord", url=fake.url)) as work:
            late = await work.order(when=When(work.clock() + timedelta(hours=1), "Europe/Berlin"))
            await work.publisher.dispatcher.once()
            assert (await work.find(late)).state == "scheduled"
            work.clock.on(hours=2, minutes=1)
            await work.publisher.dispatcher.once()
            missed = await work.find(late)
            assert (missed.state, fake.posted) == ("missed", [])
            await work.publisher.decide(missed, "drop")
            assert (await work.find(late)).state == "cancelled"
            await work.publisher.dispatcher.once()
            assert fake.posted == []


async def test_two_instances_send_each_text_once(database: Database, tmp_path: Path) -> None:
    with discord() as fake:
        there = target("discord", url=fake.url)
        async with publishing(database, tmp_path, there) as work:
            ids = [await work.order(Text(str(number), f"Text {number}.")) for number in range(6)]
            others = [Dispatcher(database, work.spool, named(there), open_target, clock=work.clock) for _ in range(3)]
            while {(await work.find(each)).state for each in ids} != {"sent"}:
                await asyncio.gather(*(other.once() for other in others))
        assert fake.texts == [f"Text {number}." for number in range(6)]
        assert fake.most_at_once == 1


async def test_two_processes_send_each_text_once_and_in_order(database: Database, tmp_path: Path) -> None:
    with discord() as fake:
        async with publishing(database, tmp_path, target("discord", url=fake.url)) as work:
            ids = [await work.order(Text(str(number), f"Text {number}.")) for number in range(6)]
            url = database.url.render_as_string(hide_password=False)
            processes = []
            try:
                for name in ("one", "two"):
                    (tmp_path / name).mkdir()
                    command = [sys.executable, "-m", "tests.content.publishing", url, str(tmp_path / name), fake.url]
                    processes.append(await asyncio.to_thread(subprocess.Popen, command))
                async with asyncio.timeout(60):
                    while {(await work.find(each)).state for each in ids} != {"sent"}:
                        await asyncio.to_thread(fake.wait_for, lambda: len(fake.posted) == len(ids))
            finally:
                for process in processes:
                    process.send_signal(signal.SIGKILL)
                    process.wait()
        assert fake.texts == [f"Text {number}." for number in range(6)]
        assert fake.most_at_once == 1


async def test_an_answer_that_does_not_come_in_time_is_unknown(database: Database, tmp_path: Path) -> None:
    with discord() as fake:
        release = threading.Event()
        fake.faults = [Fault(wait=release)]
        async with publishing(database, tmp_path, target("discord", url=fake.url, timeout_s=1.0)) as work:
            sent = await work.send()
            release.set()
            assert sent.state == "unknown"
            assert TOKEN not in sent.error
            work.clock.on(hours=2)
            await work.publisher.dispatcher.once()
            assert len(fake.posted) == 1


async def test_an_answer_that_trickles_in_is_not_waited_for(database: Database, tmp_path: Path) -> None:
    """Each byte comes in time; the whole does not."""

    async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n")
            while not writer.is_closing():
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.02)

    server = await asyncio.start_server(trickle, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/api/webhooks/42/{TOKEN}"
    async with server, publishing(database, tmp_path, target("discord", url=url, timeout_s=1.0)) as work:
        sent = await work.send()
        assert sent.state == "unknown"
        assert "no whole answer within 1 s" in sent.error


async def test_a_dispatcher_killed_while_sending_leaves_it_unknown(database: Database, tmp_path: Path) -> None:
    with discord() as fake:
        release = threading.Event()
        fake.faults = [Fault(wait=release)]
        there = target("discord", url=fake.url)
        async with publishing(database, tmp_path, there) as work:
            identity = await work.order(LONG)
            url = database.url.render_as_string(hide_password=False)
            (tmp_path / "other").mkdir()
            command = [sys.executable, "-m", "tests.content.publishing", url, str(tmp_path / "other"), fake.url]
            process = await asyncio.to_thread(subprocess.Popen, command)
            try:
                assert await asyncio.to_thread(fake.wait_for, lambda: len(fake.requests) == 1)
            finally:
                process.send_signal(signal.SIGKILL)
                process.wait()
            release.set()
            assert (await work.find(identity)).state == "sending"
            assert await _attempts(database) == [(1, 0, None)]
            work.clock.on(seconds=30)
            await work.publisher.dispatcher.once()
            found = await work.find(identity)
            assert found.state == "unknown"
            work.clock.on(hours=1)
            await work.publisher.dispatcher.once()
            assert len(fake.posted) == 1
            # The user looks, finds the first part there, and lets the rest follow.
            await work.publisher.decide(found, "sent")
            await work.publisher.dispatcher.once()
            done = await work.find(identity)
            assert (done.state, len(fake.posted)) == ("sent", done.parts)


async def test_a_dispatcher_killed_again_and_again_never_sends_twice(database: Database, tmp_path: Path) -> None:
    with discord() as fake:
        there = target("discord", url=fake.url)
        async with publishing(database, tmp_path, there) as work:
            ids = [await work.order(Text(str(number), f"Text {number}.")) for number in range(8)]
            url = database.url.render_as_string(hide_password=False)
            (tmp_path / "other").mkdir()
            command = [sys.executable, "-m", "tests.content.publishing", url, str(tmp_path / "other"), fake.url]
            for number in range(3):
                process = await asyncio.to_thread(subprocess.Popen, command)
                try:
                    assert await asyncio.to_thread(fake.wait_for, partial(_more, fake, len(fake.posted)))
                finally:
                    process.send_signal(signal.SIGKILL)
                    process.wait()
                assert len(fake.posted) >= number
            work.clock.on(seconds=60)
            ended: set[PublicationState] = {"sent", "unknown"}
            for _ in range(4):
                await work.publisher.dispatcher.once()
            states = [(await work.find(each)).state for each in ids]
            assert set(states) <= ended
        assert len(set(fake.texts)) == len(fake.texts)
        assert len(fake.texts) >= states.count("sent")


async def test_an_answer_that_the_database_cannot_take_is_kept(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with discord() as fake:
        async with publishing(database, tmp_path, target("discord", url=fake.url)) as work:
            dispatcher = work.publisher.dispatcher
            identity = await work.order()
            real = database.run
            failed: list[bool] = []

            async def run(job: Any, *, write: bool = False) -> Any:
                if fake.posted and not failed:
                    failed.append(True)
                    raise UserError("the database is away")
                return await real(job, write=write)

            with monkeypatch.context() as patched:
                patched.setattr(database, "run", run)
                await dispatcher.once()
            assert failed
            assert await work.spool.flush(20)
            sent = await work.find(identity)
            assert (sent.state, len(fake.posted)) == ("sent", 1)


async def test_the_gate_looks_at_the_final_text(database: Database, tmp_path: Path) -> None:
    with discord() as fake:
        async with publishing(database, tmp_path, target("discord", url=fake.url)) as work:
            key = "ghp_" + "a1B2" * 9
            for body, told in ((f"Use {key} here.", "a key of a code host"), (f"See {TOKEN}", "of the configuration")):
                with pytest.raises(UserError, match=told) as error:
                    await work.order(Text("t", body))
                assert key not in str(error.value)
            with pytest.raises(UserError, match="nothing to publish"):
                await work.order(Text("t", "<!-- only a comment -->"), override="whatever")
            sent = await work.send(Text("t", f"Use {key} here."), override="it is an example")
            assert (sent.state, sent.override) == ("sent", "it is an example")
            assert json.dumps(fake.requests[0][3]).count(key) == 1
