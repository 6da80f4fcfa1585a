"""Pages by key: whole, without gaps or repeats, in both directions, while rows come and go."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Column, Connection, Integer, MetaData, Table, insert, select

from app.db.engine import Database
from app.db.paging import Cursor, Key, Page, page
from app.db.tables import SERVER_OPTIONS
from app.db.types import Identifier, UtcDateTime

entries = Table(
    "entries",
    MetaData(),
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("at", UtcDateTime, nullable=False),
    Column("name", Identifier(10), nullable=False),
    **SERVER_OPTIONS,
)
ORDERS = {
    "one key": (Key(entries.c.id),),
    "newest first": (Key(entries.c.at, descending=True), Key(entries.c.id, descending=True)),
    "mixed": (Key(entries.c.name), Key(entries.c.at, descending=True), Key(entries.c.id)),
}
START = datetime(2025, 1, 1, tzinfo=UTC)


@pytest.fixture
def db(database: Database) -> Database:
    """A database of each kind with 57 entries, many of which tie."""
    chance = random.Random(7)
    rows = [
        {"id": n, "at": START + timedelta(microseconds=chance.randrange(6)), "name": chance.choice("abAB")}
        for n in range(57)
    ]

    def fill(conn: Connection) -> None:
        entries.create(conn, checkfirst=True)
        conn.execute(insert(entries), rows)

    database.run_now(fill)
    return database


def read(db: Database, keys: Sequence[Key], *, after: Cursor | None = None, before: Cursor | None = None) -> Page:
    return db.run_now(lambda conn: page(conn, select(entries), keys, limit=10, after=after, before=before))


def in_order(db: Database, keys: Sequence[Key]) -> list[int]:
    order = [key.column.desc() if key.descending else key.column.asc() for key in keys]
    return db.run_now(lambda conn: list(conn.scalars(select(entries.c.id).order_by(*order))))


@pytest.mark.parametrize("order", ORDERS)
def test_pages_forward_and_back_are_the_whole_list(db: Database, order: str) -> None:
    keys = ORDERS[order]
    pages = [read(db, keys)]
    while pages[-1].more_after:
        pages.append(read(db, keys, after=pages[-1].last))
    assert [row.id for found in pages for row in found.rows] == in_order(db, keys)
    assert [len(found.rows) for found in pages] == [10, 10, 10, 10, 10, 7]
    assert [found.more_before for found in pages] == [False, True, True, True, True, True]
    back = [pages[-1]]
    while len(back) == 1 or back[0].more_before:
        back.insert(0, read(db, keys, before=back[0].first))
    assert [row.id for found in back for row in found.rows] == in_order(db, keys)


def test_rows_that_come_meanwhile_shift_nothing(db: Database) -> None:
    keys = ORDERS["newest first"]
    first = read(db, keys)
    newer = [{"id": 1000 + n, "at": START + timedelta(days=1), "name": "z"} for n in range(15)]
    expected = in_order(db, keys)[10:20]
    db.run_now(lambda conn: conn.execute(insert(entries), newer))
    assert [row.id for row in read(db, keys, after=first.last).rows] == expected


def test_a_row_that_went_may_still_be_the_cursor(db: Database) -> None:
    keys = ORDERS["one key"]
    first = read(db, keys)
    db.run_now(lambda conn: conn.execute(entries.delete().where(entries.c.id == 9)))
    assert [row.id for row in read(db, keys, after=first.last).rows] == list(range(10, 20))


def test_past_the_end_there_is_nothing(db: Database) -> None:
    found = read(db, ORDERS["one key"], after=(10_000,))
    assert (found.rows, found.first, found.last, found.more_after) == ((), None, None, False)


@pytest.mark.parametrize("cursor", [(None,), (1, 2)])
def test_a_cursor_that_does_not_fit_is_refused(db: Database, cursor: Cursor) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        read(db, ORDERS["one key"], after=cursor)


def test_a_page_has_one_side(db: Database) -> None:
    with pytest.raises(ValueError, match="not both"):
        read(db, ORDERS["one key"], after=(1,), before=(2,))
