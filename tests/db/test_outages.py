"""The database goes away and comes back: everything arrives once and in order."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from app.db import spool as spools
from app.db.engine import Database
from app.db.faults import UnavailableError
from app.db.spool import Spool
from app.events import Bus, StorageChanged
from tests.db.notes import NOTE, apply_note, make_notes, read_notes
from tests.db.waiting import until
from tests.servers import PrivateMariaDB


class Feed:
    """Puts notes without a pause until it is stopped."""

    def __init__(self, spool: Spool) -> None:
        self.spool = spool
        self.texts: list[str] = []
        self._task = asyncio.ensure_future(self._run())

    async def _run(self) -> None:
        while True:
            name = f"n{len(self.texts):06}"
            await self.spool.put(NOTE, {"text": name})
            self.texts.append(name)

    async def more(self, number: int) -> None:
        """Wait until this many more are acknowledged."""
        goal = len(self.texts) + number
        await until(lambda: len(self.texts) >= goal or self._task.done(), f"{number} more notes")

    async def stop(self) -> list[str]:
        """What was acknowledged. One more may have been kept, with nobody left to be told."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        return self.texts


def state(bus: Bus) -> list[StorageChanged]:
    events: list[StorageChanged] = []
    bus.subscribe(StorageChanged, events.append)
    return events


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spools, "RETRY_MOST_S", 0.2)


@pytest.fixture
def url(mariadb: PrivateMariaDB) -> Iterator[str]:
    with mariadb.database() as found:
        yield found
        mariadb.start()


async def check(db: Database, spool: Spool, expected: list[str]) -> None:
    """All has arrived once, in order."""
    await until(lambda: spool.flush(60), "everything arrives")
    found = await db.run(read_notes)
    assert found[: len(expected)] == expected
    assert len(found) - len(expected) <= 1
    assert await spool.refused() == []


@pytest.mark.server
@pytest.mark.slow
@pytest.mark.parametrize("how", ["kill", "stop"])
async def test_a_server_that_ends_in_the_middle_loses_and_doubles_nothing(
    mariadb: PrivateMariaDB, url: str, how: str, tmp_path: Path
) -> None:
    db, spool, bus = Database(url, connect_timeout_s=2), Spool(tmp_path / "spool.db"), Bus()
    make_notes(db)
    events = state(bus)
    spool.register(NOTE, apply_note)
    spool.start(db, bus)
    feed = Feed(spool)
    for _ in range(2):
        await feed.more(60)
        getattr(mariadb, how)()
        await until(lambda: bool(events) and not events[-1].up, "the spool notices")
        await feed.more(60)
        assert events[-1].waiting > 0
        mariadb.start()
        await until(lambda: events[-1].up, "the spool recovers")
    await check(db, spool, await feed.stop())
    await spool.close()
    db.close()


@pytest.mark.server
@pytest.mark.slow
async def test_connections_that_are_killed_all_the_time_lose_and_double_nothing(
    mariadb: PrivateMariaDB, url: str, tmp_path: Path
) -> None:
    db, spool = Database(url), Spool(tmp_path / "spool.db")
    make_notes(db)
    spool.register(NOTE, apply_note)
    spool.start(db, Bus())
    feed = Feed(spool)
    for _ in range(15):
        await feed.more(8)
        rows = mariadb.admin(f"SELECT id FROM information_schema.processlist WHERE db = '{db.url.database}'")
        for (number,) in rows:
            with contextlib.suppress(Exception):
                mariadb.admin(f"KILL {number}")
    await check(db, spool, await feed.stop())
    await spool.close()
    db.close()


@pytest.mark.server
@pytest.mark.slow
async def test_a_server_that_is_down_at_the_start_is_found_when_it_comes(
    mariadb: PrivateMariaDB, url: str, tmp_path: Path
) -> None:
    first = Database(url)
    make_notes(first)
    first.close()
    mariadb.stop()
    db, spool, bus = Database(url, connect_timeout_s=1), Spool(tmp_path / "spool.db"), Bus()
    events = state(bus)
    spool.register(NOTE, apply_note)
    spool.start(db, bus)
    for name in ("a", "b", "c"):
        await spool.put(NOTE, {"text": name})
    await until(lambda: bool(events) and events[-1].waiting == 3, "three waiting writes are announced")
    assert not events[-1].up
    with pytest.raises(UnavailableError, match="no server answers"):
        await db.run(read_notes)
    mariadb.start()
    spool.nudge()
    await check(db, spool, ["a", "b", "c"])
    await until(lambda: (events[-1].up, events[-1].waiting) == (True, 0), "the event says so")
    assert events[-1].backend == "mariadb"
    await spool.close()
    db.close()


@pytest.mark.server
async def test_a_reader_that_finds_the_server_down_tells_the_tab_bar(
    mariadb: PrivateMariaDB, url: str, tmp_path: Path
) -> None:
    db, spool, bus = Database(url, connect_timeout_s=1), Spool(tmp_path / "spool.db"), Bus()
    events = state(bus)
    spool.start(db, bus)
    await until(lambda: bool(events) and events[-1].up, "the database is up")
    mariadb.kill()
    with pytest.raises(UnavailableError):
        await db.run(lambda conn: conn.execute(text("SELECT 1")))
    await until(lambda: not events[-1].up, "the event says so")
    await spool.close()
    db.close()


async def test_a_full_disk_under_the_database_keeps_the_writes_waiting(small_disk: Path, tmp_path: Path) -> None:
    # All tables, with what was written of them twice, need more than one megabyte.
    await asyncio.to_thread(subprocess.run, ["mount", "-o", "remount,size=4m", str(small_disk)], check=True)
    db, spool, bus = Database(f"sqlite:///{small_disk / 'a.db'}"), Spool(tmp_path / "spool.db"), Bus()
    make_notes(db)
    events = state(bus)
    filler = small_disk / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)
    spool.register(NOTE, apply_note)
    names = [f"n{number}" for number in range(500)]
    await asyncio.gather(*(spool.put(NOTE, {"text": name}) for name in names))
    spool.start(db, bus)
    await until(lambda: bool(events) and not events[-1].up, "the spool notices")
    assert "no space left for the database" in events[-1].detail
    await asyncio.to_thread(subprocess.run, ["mount", "-o", "remount,size=16m", str(small_disk)], check=True)
    spool.nudge()
    await check(db, spool, names)
    await spool.close()
    db.close()
