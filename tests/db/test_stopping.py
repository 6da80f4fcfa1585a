"""Work that nobody waits for any more is ended, its statement in the database with it."""

from __future__ import annotations

import asyncio
import threading

import pytest
from sqlalchemy import Connection, text

from app.db.engine import Database
from tests.db.endless import ENDLESS
from tests.waiting import until


class Work:
    """A statement without an end, and what becomes of it."""

    def __init__(self, sql: str) -> None:
        self.sql, self.begun, self.over, self.times = sql, threading.Event(), threading.Event(), 0

    def __call__(self, conn: Connection) -> None:
        self.times += 1
        self.begun.set()
        try:
            conn.execute(text(self.sql))
        finally:
            self.over.set()


async def test_a_statement_ends_with_the_task_that_waits_for_it(database: Database) -> None:
    await database.ready()
    work = Work(ENDLESS[database.backend])
    task = asyncio.create_task(database.run(work))
    await until(work.begun.is_set)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(work.over.is_set)
    # Its connection or another serves the next one, and nothing is begun again.
    for _ in range(8):
        assert await database.run(lambda conn: conn.scalar(text("SELECT 1"))) == 1
    assert work.times == 1


async def test_work_that_waits_for_a_thread_goes_as_well(database: Database) -> None:
    await database.ready()
    size = len(database._workers._threads) + 8
    works = [Work(ENDLESS[database.backend]) for _ in range(size)]
    tasks = [asyncio.create_task(database.run(work)) for work in works]
    await until(works[0].begun.is_set)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert await database.run(lambda conn: conn.scalar(text("SELECT 1"))) == 1
    await until(lambda: all(work.over.is_set() for work in works if work.begun.is_set()))
    assert max(work.times for work in works) == 1


async def test_what_writes_is_brought_to_its_end(database: Database) -> None:
    begun, go_on, done = threading.Event(), threading.Event(), threading.Event()

    def write(conn: Connection) -> None:
        begun.set()
        go_on.wait(30)
        conn.execute(text("UPDATE feedback_count SET total = 0"))
        done.set()

    await database.ready()
    task = asyncio.create_task(database.run(write, write=True))
    await until(begun.is_set)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    go_on.set()
    await until(done.is_set)
