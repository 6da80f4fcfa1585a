"""The spool: what is acknowledged arrives, in order, once; what cannot arrive blocks nothing."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, func, select

from app.db import drain
from app.db import spool as spools
from app.db.engine import Database
from app.db.journal import Counts, Journal
from app.db.spool import Spool
from app.db.tables import applied_operation
from app.errors import UserError
from app.events import Bus, StorageChanged
from tests.db.notes import NOTE, apply_note, make_notes, read_notes
from tests.db.waiting import until
from tests.servers import free_port


class Watched:
    """A spool whose events are kept."""

    def __init__(self, path: Path) -> None:
        self.spool = Spool(path)
        self.spool.register(NOTE, apply_note)
        self.bus = Bus()
        self.events: list[StorageChanged] = []
        self.bus.subscribe(StorageChanged, self.events.append)

    @property
    def last(self) -> StorageChanged:
        return self.events[-1]


@pytest.fixture
def db(database: Database) -> Database:
    """A database of each kind with the table of notes."""
    make_notes(database)
    return database


@pytest.fixture
async def watched(tmp_path: Path) -> AsyncIterator[Watched]:
    made = Watched(tmp_path / "spool.db")
    yield made
    await made.spool.close()


async def put(spool: Spool, *texts: str) -> None:
    for text in texts:
        await spool.put(NOTE, {"text": text})


async def test_writes_arrive_in_order_and_leave_the_journal(db: Database, watched: Watched) -> None:
    names = [f"n{number}" for number in range(150)]
    await put(watched.spool, *names[:50])
    watched.spool.start(db, watched.bus)
    await put(watched.spool, *names[50:])
    assert await watched.spool.flush(20)
    assert await db.run(read_notes) == names
    assert await watched.spool.counts() == Counts()
    assert await db.run(lambda conn: conn.scalar(select(func.count()).select_from(applied_operation))) == 150


async def test_the_same_id_is_one_write_before_and_after_it_arrived(db: Database, watched: Watched) -> None:
    watched.spool.start(db, watched.bus)
    for _ in range(2):
        assert await watched.spool.put(NOTE, {"text": "x"}, op_id="only") == "only"
        assert await watched.spool.flush(20)
    assert await db.run(read_notes) == ["x"]


async def test_a_write_that_arrived_but_never_left_the_journal_arrives_once(
    db: Database, watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a crash between the database's commit and the journal's."""

    def crash(*_: object) -> None:
        raise UserError("crash")

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "remove", crash)
        watched.spool.start(db, watched.bus)
        await put(watched.spool, "a", "b")
        await until(lambda: bool(watched.events) and not watched.last.up, "the spool notices")
    await until(lambda: watched.spool.flush(20), "everything arrives")
    assert await db.run(read_notes) == ["a", "b"]


async def test_a_poisoned_write_is_put_aside_with_the_reason_and_blocks_nobody(
    db: Database, watched: Watched, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(drain, "ATTEMPT_PAUSE_S", 0.01)
    tried: list[str] = []

    def poison(conn: Connection, payload: dict[str, Any]) -> None:
        tried.append(payload["text"])
        apply_note(conn, {"text": "half done"})
        raise KeyError(payload["text"])

    watched.spool.register("poison", poison)
    await put(watched.spool, "before")
    bad = await watched.spool.put("poison", {"text": "bad"})
    await put(watched.spool, "after", "x" * 41, "last")
    watched.spool.start(db, watched.bus)
    assert await watched.spool.flush(20)
    assert await db.run(read_notes) == ["before", "after", "last"]
    refused = await watched.spool.refused()
    assert refused[1].id == bad
    assert refused[1].reason == "KeyError: 'bad'"
    assert "at most 40 fit" in refused[0].reason
    assert tried.count("bad") == drain.ATTEMPTS + 1
    assert f"operation {bad} (poison) was refused" in caplog.text
    await until(lambda: watched.last.detail == "2 refused, see `qd db status`", "the event says so")
    assert (watched.last.up, watched.last.waiting) == (True, 0)


async def test_a_kind_of_a_newer_version_is_kept_and_applied_once_it_is_known(db: Database, watched: Watched) -> None:
    await watched.spool.put("from.the.future", {"text": "later"})
    await put(watched.spool, "now")
    watched.spool.start(db, watched.bus)
    assert await watched.spool.flush(20)
    assert await db.run(read_notes) == ["now"]
    await until(lambda: watched.last.detail == "1 kept for a newer Quarterdeck", "the event says so")
    watched.spool.register("from.the.future", apply_note)
    assert await watched.spool.flush(20)
    assert await db.run(read_notes) == ["now", "later"]


async def test_events_come_only_when_something_changed(db: Database, watched: Watched) -> None:
    watched.spool.start(db, watched.bus)
    for number in range(5):
        await put(watched.spool, str(number))
        assert await watched.spool.flush(20)
    assert watched.events == [StorageChanged(db.backend, up=True, waiting=0)]


async def test_a_run_of_five_thousand_results_fits(db: Database, watched: Watched) -> None:
    sizes: list[int] = []
    watched.spool.register("big", lambda conn, payload: sizes.append(len(payload["results"])))
    watched.spool.start(db, watched.bus)
    results = [[f"tests/test_{number}.py::test_x[{'é' * 50}]", "passed", 0.001] for number in range(5000)]
    await asyncio.gather(*(watched.spool.put("big", {"results": results}) for _ in range(4)))
    assert await watched.spool.flush(20)
    assert sizes == [5000] * 4


# The rest is about the journal's side: one database is enough.


@pytest.fixture
async def embedded(tmp_path: Path) -> AsyncIterator[Database]:
    made = Database(f"sqlite:///{tmp_path / 'a.db'}")
    make_notes(made)
    yield made
    made.close()


async def test_a_put_survives_without_a_database(tmp_path: Path, embedded: Database) -> None:
    first = Watched(tmp_path / "spool.db")
    await put(first.spool, "kept")
    await first.spool.close()
    second = Watched(tmp_path / "spool.db")
    second.spool.start(embedded, second.bus)
    assert await second.spool.flush(20)
    assert await embedded.run(read_notes) == ["kept"]
    await second.spool.close()


async def test_while_the_database_is_down_writes_wait_and_are_counted(watched: Watched) -> None:
    db = Database(f"mysql://u:secret@127.0.0.1:{free_port()}/d", connect_timeout_s=1)
    watched.spool.start(db, watched.bus)
    await until(lambda: bool(watched.events), "the first look")
    assert not watched.last.up
    assert "no server answers" in watched.last.detail
    assert "secret" not in watched.last.detail
    await put(watched.spool, "a", "b")
    assert (watched.last.up, watched.last.waiting) == (False, 2)
    begun = time.monotonic()
    assert not await watched.spool.flush(60)
    assert time.monotonic() - begun < 20
    db.close()


async def test_pauses_between_attempts_grow_and_a_nudge_ends_them(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    uniform = spools.random.uniform
    monkeypatch.setattr(spools, "RETRY_FIRST_S", 0.01)
    monkeypatch.setattr(spools, "RETRY_MOST_S", 0.32)
    monkeypatch.setattr(spools.random, "uniform", lambda low, high: pauses.append(1) or uniform(low, high))
    db = Database(f"mysql://u@127.0.0.1:{free_port()}/d", connect_timeout_s=1)
    watched.spool.start(db, watched.bus)
    await until(lambda: len(pauses) >= 7, "seven attempts")
    monkeypatch.setattr(spools, "RETRY_FIRST_S", 1000.0)
    monkeypatch.setattr(spools, "RETRY_MOST_S", 1000.0)
    watched.spool.nudge()
    before = len(pauses)
    await until(lambda: len(pauses) > before, "an attempt after the nudge")
    before = len(pauses)
    watched.spool.nudge()
    await until(lambda: len(pauses) > before, "an attempt after the second nudge")
    db.close()


async def test_what_is_no_json_is_refused_at_once(watched: Watched) -> None:
    for payload in ({"x": object()}, {"x": float("nan")}):
        with pytest.raises((TypeError, ValueError)):
            await watched.spool.put(NOTE, payload)
    assert await watched.spool.counts() == Counts()


async def test_lone_surrogates_survive_the_journal(embedded: Database, watched: Watched) -> None:
    seen: list[str] = []
    watched.spool.register("odd", lambda conn, payload: seen.append(payload["text"]))
    watched.spool.start(embedded, watched.bus)
    await watched.spool.put("odd", {"text": "\udcff é \0"})
    assert await watched.spool.flush(20)
    assert seen == ["\udcff é \0"]


async def test_puts_that_wait_together_share_a_commit(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    add = Journal.add
    monkeypatch.setattr(Journal, "add", lambda self, new: sizes.append(len(new)) or add(self, new))
    await asyncio.gather(*(watched.spool.put(NOTE, {"text": str(number)}) for number in range(200)))
    assert sum(sizes) == 200
    assert len(sizes) < 50
    assert (await watched.spool.counts()).waiting == 200


async def test_of_puts_that_share_a_commit_only_the_one_that_does_not_fit_fails(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    add = Journal.add

    def limited(self: Journal, new: Any) -> int:
        if any(len(each.payload) > 1000 for each in new):
            raise UserError("there is no space left to keep this write")
        return add(self, new)

    monkeypatch.setattr(Journal, "add", limited)
    texts = ["small", "x" * 2000, "also small"]
    answers = await asyncio.gather(*(watched.spool.put(NOTE, {"text": text}) for text in texts), return_exceptions=True)
    assert [isinstance(answer, UserError) for answer in answers] == [False, True, False]
    assert (await watched.spool.counts()).waiting == 2


async def test_the_loop_goes_on_while_a_large_write_is_kept(watched: Watched) -> None:
    payload = {"results": ["x" * 200] * 20_000}
    worst = 0.0
    done = asyncio.ensure_future(watched.spool.put(NOTE, payload))
    while not done.done():
        begun = time.thread_time()
        await asyncio.sleep(0)
        worst = max(worst, time.thread_time() - begun)
    await done
    assert worst < 0.05


async def test_after_the_end_nothing_is_taken(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool.db")
    await spool.close()
    await spool.close()
    with pytest.raises(RuntimeError, match="closed"):
        await spool.put(NOTE, {})


async def test_old_ids_are_forgotten(embedded: Database, watched: Watched) -> None:
    from datetime import timedelta

    from app.db.types import utc_now

    old = utc_now() - timedelta(days=drain.REMEMBER_DAYS + 1)

    def remember(conn: Connection) -> None:
        conn.execute(
            applied_operation.insert(), [{"id": "old", "applied_at": old}, {"id": "new", "applied_at": utc_now()}]
        )

    await embedded.run(remember)
    watched.spool.start(embedded, watched.bus)
    known = select(applied_operation.c.id)
    await until(lambda: embedded.run(lambda conn: list(conn.scalars(known)) == ["new"]), "the old one goes")


def test_keeping_writes_needs_no_database_library(tmp_path: Path) -> None:
    """The first puts may come before the database's libraries are loaded."""
    code = (
        "import app.db.spool, app.db.drain, sys; print(sorted({'sqlalchemy', 'pymysql', 'alembic'} & set(sys.modules)))"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
