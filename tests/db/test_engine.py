"""The database: transactions, repeats, time-outs, and the first words to every connection."""

from __future__ import annotations

import asyncio
import stat
import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import Connection, inspect, select, text

from app.db import urls
from app.db.engine import Database
from app.db.faults import UnavailableError
from app.db.tables import applied_operation
from app.db.types import utc_now
from tests.servers import SERVERS, PrivateMariaDB


def add(conn: Connection, name: str) -> None:
    conn.execute(applied_operation.insert(), [{"id": name, "applied_at": utc_now()}])


def names(conn: Connection) -> list[str]:
    return list(conn.scalars(select(applied_operation.c.id).order_by(applied_operation.c.id)))


async def test_the_first_unit_of_work_finds_the_tables_made(database: Database) -> None:
    tables = await database.run(lambda conn: set(inspect(conn).get_table_names()))
    assert {"applied_operation", "project", "test_case", "test_run", "test_result"} <= tables


async def test_a_unit_of_work_is_one_transaction(database: Database) -> None:
    def fails(conn: Connection) -> None:
        add(conn, "lost")
        raise ZeroDivisionError

    await database.run(lambda conn: add(conn, "kept"))
    with pytest.raises(ZeroDivisionError):
        await database.run(fails)
    assert await database.run(names) == ["kept"]


async def test_units_run_beside_each_other_and_off_the_loop(database: Database) -> None:
    meeting = threading.Barrier(3)

    def meet(conn: Connection) -> str:
        meeting.wait(10)
        return threading.current_thread().name

    found = await asyncio.gather(*(database.run(meet) for _ in range(3)))
    assert len(set(found)) == 3
    assert all(name.startswith("quarterdeck-db-") for name in found)


async def test_the_backend_is_told_by_the_server(database: Database) -> None:
    await database.ready()
    if database.url.drivername == "sqlite":
        assert database.backend == "sqlite"
        return
    version = database.look(lambda conn: conn.scalar(text("SELECT version()")))
    assert database.backend == ("mariadb" if "MariaDB" in str(version) else "mysql")


@pytest.mark.server
@pytest.mark.parametrize("database", SERVERS, indirect=True)
async def test_every_server_connection_is_set_up_alike(database: Database) -> None:
    def ask(conn: Connection) -> tuple[object, ...]:
        level = "@@transaction_isolation" if database.backend == "mysql" else "@@tx_isolation"
        row = conn.execute(text(f"SELECT @@session.time_zone, {level}, @@character_set_connection, @@session.sql_mode"))
        return tuple(row.one())

    zone, level, charset, mode = await database.run(ask)
    assert (zone, level, charset) == ("+00:00", "READ-COMMITTED", "utf8mb4")
    assert "STRICT_TRANS_TABLES" in str(mode)


@pytest.mark.server
@pytest.mark.parametrize("database", SERVERS, indirect=True)
async def test_a_unit_whose_connection_is_killed_is_repeated_and_counts_once(database: Database) -> None:
    await database.ready()
    attempts = []

    def work(conn: Connection) -> None:
        attempts.append(conn.scalar(text("SELECT connection_id()")))
        add(conn, "once")
        if len(attempts) == 1:
            kill(database, attempts[0])
        conn.execute(text("SELECT 1"))

    await database.run(work)
    assert len(attempts) == 2
    assert await database.run(names) == ["once"]


@pytest.mark.server
@pytest.mark.parametrize("database", SERVERS, indirect=True)
async def test_a_unit_whose_connection_is_always_killed_says_so(database: Database) -> None:
    await database.ready()
    attempts = []

    def work(conn: Connection) -> None:
        attempts.append(conn.scalar(text("SELECT connection_id()")))
        kill(database, attempts[-1])
        conn.execute(text("SELECT 1"))

    with pytest.raises(UnavailableError, match="went away"):
        await database.run(work)
    assert len(attempts) == 2


@pytest.mark.server
@pytest.mark.parametrize("database", SERVERS, indirect=True)
async def test_connections_that_died_in_the_pool_are_replaced(database: Database) -> None:
    meeting = threading.Barrier(4)

    def identify(conn: Connection) -> int:
        found = int(conn.scalar(text("SELECT connection_id()")) or 0)
        meeting.wait(10)
        return found

    before = await asyncio.gather(*(database.run(identify) for _ in range(4)))
    other = Database(urls_of(database))
    for number in before:
        kill(other, number)
    other.close()
    after = await asyncio.gather(*(database.run(identify) for _ in range(4)))
    assert not set(before) & set(after)


@pytest.mark.server
@pytest.mark.parametrize("database", SERVERS, indirect=True)
async def test_of_two_units_in_a_deadlock_both_succeed(database: Database) -> None:
    await database.run(lambda conn: (add(conn, "a"), add(conn, "b")))
    meeting = threading.Barrier(2)

    def lock(first: str, second: str) -> object:
        tries = 0

        def work(conn: Connection) -> None:
            nonlocal tries
            tries += 1
            statement = text("SELECT id FROM applied_operation WHERE id = :id FOR UPDATE")
            conn.execute(statement, {"id": first})
            if tries == 1:
                meeting.wait(10)
            conn.execute(statement, {"id": second})

        return database.run(work)

    await asyncio.gather(lock("a", "b"), lock("b", "a"))  # type: ignore[arg-type]  # both are coroutines


async def test_sqlite_readers_that_turn_writers_beside_another_writer_are_repeated(tmp_path: Path) -> None:
    db = Database(f"sqlite:///{tmp_path / 'a.db'}")
    await db.ready()
    meeting = threading.Barrier(2)

    def unit(name: str) -> object:
        tries = 0

        def work(conn: Connection) -> None:
            nonlocal tries
            tries += 1
            names(conn)
            if tries == 1:
                meeting.wait(10)
            add(conn, name)

        return db.run(work)

    await asyncio.gather(unit("a"), unit("b"))  # type: ignore[arg-type]  # both are coroutines
    assert await db.run(names) == ["a", "b"]
    db.close()


async def test_the_embedded_database_is_private_and_safe(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "er" / "a.db"
    db = Database(f"sqlite:///{path}")

    def pragmas(conn: Connection) -> list[object]:
        wanted = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        return [conn.exec_driver_sql(f"PRAGMA {name}").scalar() for name in wanted]

    assert await db.run(pragmas) == ["wal", 2, 1, 5000]
    for file in (path, path.with_name("a.db-wal")):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    db.close()


async def test_without_a_url_the_embedded_database_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUARTERDECK_HOME", str(tmp_path / "50% off?#"))
    db = Database("")
    await db.ready()
    assert (tmp_path / "50% off?#" / "data" / "quarterdeck.db").stat().st_size > 0
    db.close()


async def test_a_database_in_memory_keeps_what_it_holds() -> None:
    db = Database("sqlite://")
    await db.run(lambda conn: add(conn, "here"))
    assert await db.run(names) == ["here"]
    db.close()


async def test_tables_that_vanish_are_made_again(database: Database) -> None:
    await database.run(lambda conn: add(conn, "before"))

    def drop(conn: Connection) -> None:
        for table in ("applied_operation", "alembic_version"):
            conn.execute(text(f"DROP TABLE {table}"))

    await database.run(drop)
    await database.run(lambda conn: add(conn, "after"))
    assert await database.run(names) == ["after"]


@pytest.mark.server
@pytest.mark.parametrize("database", SERVERS, indirect=True)
async def test_a_query_that_takes_too_long_ends_and_is_not_repeated(database_url: str) -> None:
    db = Database(database_url, read_timeout_s=1)
    await db.ready()
    attempts = []

    def work(conn: Connection) -> None:
        attempts.append(1)
        conn.execute(text("SELECT sleep(20)"))

    begun = time.monotonic()
    with pytest.raises(UnavailableError, match="did not answer in time"):
        await db.run(work)
    assert attempts == [1]
    assert time.monotonic() - begun < 10
    db.close()


@pytest.mark.server
async def test_closing_does_not_wait_for_a_server_that_hangs(mariadb: PrivateMariaDB) -> None:
    with mariadb.database() as url:
        db = Database(url, read_timeout_s=15)
        await db.ready()
        slow = asyncio.ensure_future(db.run(lambda conn: conn.execute(text("SELECT sleep(3)"))))
        await asyncio.sleep(0.1)
        begun = time.monotonic()
        db.close(timeout=0.1)
        assert time.monotonic() - begun < 2
        with pytest.raises(RuntimeError, match="closed"):
            await db.run(lambda conn: None)
        await slow


async def test_watchers_hear_of_the_state_in_the_loops_thread(tmp_path: Path) -> None:
    heard: list[tuple[bool, str, str]] = []
    db = Database(f"sqlite:///{tmp_path / 'a.db'}")
    end = db.watch(lambda up, why: heard.append((up, why, threading.current_thread().name)))
    await db.ready()
    end()
    await db.ready()
    assert heard == [(True, "", threading.current_thread().name)]
    db.close()


def kill(db: Database, number: object) -> None:
    """Kill a connection from another one, which may first have to learn that it is gone."""
    with db.engine().connect() as conn:
        conn.execute(text(f"KILL {number}"))


def urls_of(db: Database) -> str:
    return db.url.render_as_string(hide_password=False)


def test_server_urls_are_masked() -> None:
    assert urls.masked(urls.parse("mariadb://u:pw@h/d?charset=x")) == "mysql://u:***@h/d?charset=x"
