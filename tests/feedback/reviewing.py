"""Rows to review, put into a real database the way that imports put them there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text

from app.db.engine import Database
from app.feedback.contract import FeedbackIn
from app.feedback.rows import prepare
from app.feedback.store import insert_rows

NOW = datetime(2026, 3, 10, 14, 2, tzinfo=UTC)
SOME = (
    "the price is quoted in cents",
    "orders are matched at noon",
    "there is no such account",
    "a late fill was booked twice",
    "limits hold for one day",
)


def given(number: int, **more: Any) -> FeedbackIn:
    """A row of its own for each number, captured an hour after the one before."""
    values: dict[str, Any] = {
        "id": f"row-{number:05}",
        "source": "test",
        "input": f"question {number}",
        "output": f"{SOME[number % len(SOME)]} {chr(97 + number % 26) * (1 + number % 7)}",
        "captured_at": NOW - timedelta(days=30) + timedelta(hours=number),
    }
    return FeedbackIn(**{**values, **more})


def put(db: Database, rows: Sequence[FeedbackIn]) -> list[str]:
    """Store rows; their ids."""
    prepared = [prepare(row, now=NOW) for row in rows]
    db.run_now(lambda conn: insert_rows(conn, prepared), True)
    return [row.id for row in prepared]


def explained(database: Database, query: Any) -> str:
    """How the database would read this."""

    def ask(conn: Any) -> str:
        sql = str(query.compile(conn, compile_kwargs={"literal_binds": True}))
        word = "EXPLAIN QUERY PLAN " if database.backend == "sqlite" else "EXPLAIN "
        found = conn.execute(text(word + sql.replace(":", r"\:"))).all()
        return "\n".join(str(value) for row in found for value in row)

    return database.run_now(ask)
