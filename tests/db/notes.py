"""A table that shows whether a write arrived, how often and in which order; and a process that writes to it.

As a program: `python -m tests.db.notes URL JOURNAL PREFIX COUNT` puts COUNT notes, prints each one once it is
acknowledged, and applies them in the background; with COUNT 0 it applies what waits and ends.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Connection, Integer, MetaData, Table, insert, select

from app.db.engine import Database
from app.db.spool import Spool
from app.db.tables import SERVER_OPTIONS
from app.db.types import Identifier
from app.events import Bus

NOTE = "test.note"

notes = Table(
    "notes",
    MetaData(),
    Column("seq", Integer, primary_key=True),
    Column("text", Identifier(40), nullable=False),
    **SERVER_OPTIONS,
)


def apply_note(conn: Connection, payload: dict[str, Any]) -> None:
    """Write the note again each time it is called: a second call would show."""
    conn.execute(insert(notes), [{"text": payload["text"]}])


def read_notes(conn: Connection) -> list[str]:
    """All notes in the order they arrived."""
    return list(conn.scalars(select(notes.c.text).order_by(notes.c.seq)))


def make_notes(db: Database) -> None:
    """Make the table."""
    db.run_now(lambda conn: notes.create(conn, checkfirst=True))


async def main(url: str, journal: Path, prefix: str, count: int) -> None:
    db, spool = Database(url), Spool(journal)
    spool.register(NOTE, apply_note)
    spool.start(db, Bus())
    for number in range(count):
        name = f"{prefix}-{number:05}"
        await spool.put(NOTE, {"text": name}, op_id=name)
        print(name, flush=True)
    # Whoever started it says when it has put enough: by then another process may have died and left writes behind.
    await asyncio.to_thread(sys.stdin.read)
    await spool.flush(60)
    await spool.close()
    db.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])))
