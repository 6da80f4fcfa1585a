"""Column types: what goes in comes out, on every database alike."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Column, Connection, Integer, MetaData, Table, insert, select, text
from sqlalchemy.exc import DBAPIError, StatementError

from app.db.engine import Database
from app.db.faults import is_constraint
from app.db.tables import SERVER_OPTIONS
from app.db.types import Digest, Identifier, Json, LongText, Money, Ulid, UtcDateTime, Word, storable

things = Table(
    "things",
    MetaData(),
    Column("n", Integer, primary_key=True, autoincrement=False),
    Column("at", UtcDateTime),
    Column("meta", Json),
    Column("name", Identifier(20), unique=True),
    Column("word", Word(8)),
    Column("ulid", Ulid),
    Column("digest", Digest),
    Column("body", LongText),
    Column("amount", Money),
    **SERVER_OPTIONS,
)


@pytest.fixture
def db(database: Database) -> Database:
    """A database of each kind with the table `things`."""
    database.run_now(lambda conn: things.create(conn, checkfirst=True))
    return database


async def back(db: Database, **values: Any) -> Any:
    """Write one row and read it."""

    def work(conn: Connection) -> Any:
        conn.execute(insert(things), [{"n": 1, **values}])
        return conn.execute(select(*(things.c[name] for name in values))).one()

    row = tuple(await db.run(work))
    return row[0] if len(row) == 1 else row


async def test_moments_keep_their_microseconds_and_become_utc(db: Database) -> None:
    tokyo = timezone(timedelta(hours=9))
    moment = datetime(2025, 3, 30, 1, 59, 59, 123456, tzinfo=tokyo)
    found = await back(db, at=moment)
    assert found == moment
    assert found.tzinfo is UTC
    assert found.microsecond == 123456


async def test_moments_are_stored_in_utc(db: Database) -> None:
    await back(db, at=datetime(2025, 1, 1, 9, 0, tzinfo=timezone(timedelta(hours=9))))
    stored = await db.run(lambda conn: str(conn.scalar(text("SELECT at FROM things"))))
    assert stored.startswith("2025-01-01 00:00:00")


async def test_moments_without_a_zone_are_refused(db: Database) -> None:
    with pytest.raises(StatementError, match="time zone"):
        await back(db, at=datetime(2025, 1, 1))


async def test_moments_sort_in_the_database(db: Database) -> None:
    first = datetime(2025, 1, 1, 0, 0, 0, 999999, tzinfo=UTC)

    def work(conn: Connection) -> list[int]:
        moments = [first + timedelta(microseconds=step) for step in (0, 1, 2)]
        conn.execute(insert(things), [{"n": n, "at": at} for n, at in enumerate(moments)])
        return list(conn.scalars(select(things.c.n).where(things.c.at > first).order_by(things.c.at)))

    assert await db.run(work) == [1, 2]


@pytest.mark.parametrize("value", [{"a": [1, 2.5, None, "é✓🙂", {"b": False}]}, [], "text", 0, False, {}])
async def test_json_comes_back_as_it_was(db: Database, value: Any) -> None:
    assert await back(db, meta=value) == value


async def test_json_none_is_null(db: Database) -> None:
    await back(db, meta=None)
    assert await db.run(lambda conn: conn.scalar(text("SELECT count(*) FROM things WHERE meta IS NULL"))) == 1


async def test_json_refuses_what_is_no_number(db: Database) -> None:
    with pytest.raises(StatementError):
        await back(db, meta={"x": float("nan")})


async def test_identifiers_differ_by_case_and_accent(db: Database) -> None:
    names = ["a", "A", "á", "Á", "ß", "ss", "SS"]

    def work(conn: Connection) -> list[str]:
        conn.execute(insert(things), [{"n": n, "name": name} for n, name in enumerate(names)])
        return list(conn.scalars(select(things.c.name).where(things.c.name == "A")))

    assert await db.run(work) == ["A"]


async def test_the_same_identifier_twice_breaks_a_constraint(db: Database) -> None:
    def work(conn: Connection) -> None:
        conn.execute(insert(things), [{"n": 1, "name": "x"}, {"n": 2, "name": "x"}])

    with pytest.raises(DBAPIError) as caught:
        await db.run(work)
    assert is_constraint(caught.value)


@pytest.mark.parametrize("values", [{"name": "x" * 21}, {"word": "x" * 9}, {"ulid": "x" * 27}, {"ulid": ""}])
async def test_what_is_too_long_is_refused_everywhere(db: Database, values: dict[str, str]) -> None:
    with pytest.raises(StatementError, match="characters"):
        await back(db, **values)


async def test_words_identifiers_and_digests_come_back(db: Database) -> None:
    values = {
        "word": "passed",
        "ulid": "01ARZ3NDEKTSV4RRFFQ69G5FAV",
        "digest": bytes(range(240, 256)),
        "name": "日本🙂",
    }
    assert await back(db, **values) == tuple(values.values())


async def test_digests_of_any_bytes_are_found(db: Database) -> None:
    digest = b"\x00'\"\\%\n\xff\xfe" * 2

    def work(conn: Connection) -> Any:
        conn.execute(insert(things), [{"n": 1, "digest": digest}])
        return conn.scalar(select(things.c.digest).where(things.c.digest == digest))

    assert await db.run(work) == digest


async def test_long_text_is_kept_whole(db: Database) -> None:
    body = "é🙂'\\%s %(x)s\n\0" * 20_000
    assert await back(db, body=body) == body


@pytest.mark.parametrize("amount", ["0.00000001", "-12345678901.12345678", "92233720368.54775807", "3"])
async def test_money_is_exact(db: Database, amount: str) -> None:
    assert await back(db, amount=Decimal(amount)) == Decimal(amount)


@pytest.mark.parametrize("amount", [Decimal("0.000000001"), Decimal("92233720369"), 0.1])
async def test_money_that_would_not_be_exact_is_refused(db: Database, amount: Any) -> None:
    with pytest.raises((StatementError, TypeError)):
        await back(db, amount=amount)


async def test_money_compares_and_adds_up_in_the_database(db: Database) -> None:
    def work(conn: Connection) -> list[Decimal]:
        amounts = [Decimal("0.1"), Decimal("0.2"), Decimal("10")]
        conn.execute(insert(things), [{"n": n, "amount": amount} for n, amount in enumerate(amounts)])
        found = select(things.c.amount).where(things.c.amount > Decimal("0.15")).order_by(things.c.amount)
        return list(conn.scalars(found))

    assert await db.run(work) == [Decimal("0.2"), Decimal("10")]


def test_lone_surrogates_are_made_visible() -> None:
    assert storable("ok ✓") == "ok ✓"
    assert storable("bad \udcff") == "bad \\udcff"
