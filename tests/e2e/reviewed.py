"""Rows to review in the app, keys for them, and what of it is stored."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import select

from app import storage
from app.db.engine import Database
from app.db.spool import Spool
from app.events import Bus
from app.feedback.tables import feedback_decision
from tests.e2e.terminal import Terminal

KEYS = {"a": "accept", "x": "reject", "s": "skip"}
Decision = tuple[str, str]
"""The id of a row, and what was said of it."""


def write_rows(path: Path, count: int) -> None:
    """A file to import: rows with ids in the order of their times."""
    rows = (
        {
            "id": name(number),
            "source": "script",
            "input": f"question {number}",
            "output": f"answer {number} " + chr(97 + number % 26) * (3 + number % 11),
            "captured_at": f"2026-01-{1 + number // 1440:02}T{number // 60 % 24:02}:{number % 60:02}:00Z",
        }
        for number in range(count)
    )
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")


def name(number: int) -> str:
    """The id of a row."""
    return f"row-{number:05}"


def current(text: str) -> str:
    """The id of the row that is shown; empty when there is none."""
    found = re.search(r"│ id +(row-\d{5})", text)
    return "" if found is None else found[1]


def decide(terminal: Terminal, number: int) -> Decision:
    """Say something of the row that is shown, by its key; what was said of which row."""
    row = current(terminal.wait_until(lambda text: current(text) != "", "a row to review"))
    key = "axs"[number % 3]
    terminal.press(key)
    return row, KEYS[key]


def acknowledged(row: str) -> Callable[[str], bool]:
    """Whether the screen shows another row, and nothing that is still being saved."""
    return lambda text: current(text) not in ("", row) and "saving" not in text


def stored(home: Path) -> list[Decision]:
    """All decisions in the order in which they were made, once the journal is empty."""
    return asyncio.run(_stored(home))


async def _stored(home: Path) -> list[Decision]:
    db, spool = Database(f"sqlite:///{home / 'data' / 'quarterdeck.db'}"), Spool(home / "data" / "spool.db")
    storage.register(spool)
    spool.start(db, Bus())
    assert await spool.flush(60)
    columns = feedback_decision.c
    statement = select(columns.feedback_id, columns.verdict).order_by(columns.decided_at, columns.id)
    found = await db.run(lambda conn: conn.execute(statement).all())
    await spool.close()
    db.close()
    return [(row.feedback_id, row.verdict) for row in found]
