"""Upserts: one call, the same outcome on every database, few statements."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Column, Connection, Integer, MetaData, String, Table, select, text

from app.db.engine import Database
from app.db.tables import SERVER_OPTIONS
from app.db.types import Identifier
from app.db.upsert import upsert
from tests.servers import SERVERS

stock = Table(
    "stock",
    MetaData(),
    Column("shop", Identifier(10), primary_key=True),
    Column("item", Identifier(10), primary_key=True),
    Column("number", Integer, nullable=False),
    Column("note", String(50)),
    **SERVER_OPTIONS,
)
KEYS = ("shop", "item")


@pytest.fixture
def db(database: Database) -> Database:
    """A database of each kind with the table `stock` and one row in it."""
    database.run_now(lambda conn: stock.create(conn, checkfirst=True))
    database.run_now(lambda conn: upsert(conn, stock, [row("a", 1, "old")], keys=KEYS))
    return database


def row(item: str, number: int, note: str | None = None) -> dict[str, Any]:
    return {"shop": "s", "item": item, "number": number, "note": note}


async def rows(db: Database) -> list[tuple[Any, ...]]:
    statement = select(stock.c.item, stock.c.number, stock.c.note).order_by(stock.c.item)
    return await db.run(lambda conn: [tuple(found) for found in conn.execute(statement)])


async def test_new_rows_are_inserted_and_known_ones_updated(db: Database) -> None:
    await db.run(lambda conn: upsert(conn, stock, [row("a", 2, "new"), row("b", 3)], keys=KEYS))
    assert await rows(db) == [("a", 2, "new"), ("b", 3, None)]


async def test_only_the_named_columns_are_updated(db: Database) -> None:
    await db.run(lambda conn: upsert(conn, stock, [row("a", 2, "new"), row("b", 3, "x")], keys=KEYS, update=["number"]))
    assert await rows(db) == [("a", 2, "old"), ("b", 3, "x")]


async def test_without_columns_to_update_what_is_there_stays(db: Database) -> None:
    await db.run(lambda conn: upsert(conn, stock, [row("a", 2, "new"), row("b", 3, "x")], keys=KEYS, update=()))
    assert await rows(db) == [("a", 1, "old"), ("b", 3, "x")]


async def test_of_the_same_key_twice_the_later_wins(db: Database) -> None:
    await db.run(lambda conn: upsert(conn, stock, [row("b", 1), row("b", 2, "x"), row("a", 9)], keys=KEYS))
    assert await rows(db) == [("a", 9, None), ("b", 2, "x")]


async def test_nothing_is_nothing(db: Database) -> None:
    await db.run(lambda conn: upsert(conn, stock, [], keys=KEYS))
    assert await rows(db) == [("a", 1, "old")]


async def test_what_is_too_long_is_an_error_and_not_cut(db: Database) -> None:
    with pytest.raises(Exception, match="characters"):
        await db.run(lambda conn: upsert(conn, stock, [row("x" * 11, 1)], keys=KEYS))


async def test_hostile_text_stays_text(db: Database) -> None:
    note = "'); DROP TABLE stock; -- %s %(x)s \\ ` ? :a"
    await db.run(lambda conn: upsert(conn, stock, [row("b", 1, note)], keys=KEYS))
    assert ("b", 1, note) in await rows(db)


@pytest.mark.server
@pytest.mark.parametrize("database", SERVERS, indirect=True)
@pytest.mark.parametrize("update", [None, ()])
async def test_many_rows_travel_in_few_statements(db: Database, update: tuple[str, ...] | None) -> None:
    def statements(conn: Connection) -> int:
        return int(conn.execute(text("SHOW SESSION STATUS LIKE 'Com_insert'")).one()[1])

    def work(conn: Connection) -> int:
        before = statements(conn)
        upsert(conn, stock, [row(str(n), n, "x" * 50) for n in range(5000)], keys=KEYS, update=update)
        return statements(conn) - before

    assert await db.run(work) <= 3
    assert len(await rows(db)) == 5001
