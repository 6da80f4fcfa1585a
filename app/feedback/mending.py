"""Quarantine as a screen uses it: what was refused page by page, mended, tried again, let go and taken back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlalchemy import Connection, func, select, update

from app.feedback import quarantine
from app.feedback.model import Extra, Quarantined, QuarantineState
from app.feedback.quarantine import Retried
from app.feedback.tables import feedback_quarantine

if TYPE_CHECKING:
    from app.db.engine import Database

COUNTED = 10_000
"""Entries that are counted at most: more than anybody mends by hand."""


class Mending:
    """Entries of the quarantine in one database. Every method raises UserError when the database is away."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def waiting(self) -> int:
        """How many entries are open, at most one more than COUNTED."""
        return await self._db.run(_waiting)

    async def page(self, after: str = "") -> tuple[Quarantined, ...]:
        """Up to 100 open entries, oldest first, or those behind the one with this id; fewer are the last ones."""
        return (await quarantine.entries(self._db, after=(after,) if after else None)).entries

    async def one(self, identity: str) -> Quarantined:
        """An entry with all that is kept of it, of which pages have the beginning."""
        return await quarantine.one(self._db, identity)

    async def mend(self, identity: str, text: str) -> Retried:
        """Try the mended text in the place of an entry. Raises UserError when it breaks the contract, too."""
        return await quarantine.mend(self._db, identity, text.encode(errors="surrogateescape"))

    async def retry(self, ids: Sequence[str], extra: Extra = "forbid") -> Retried:
        """Try entries again as they are."""
        return await quarantine.retry(self._db, tuple(ids), extra=extra)

    async def drop(self, ids: Sequence[str]) -> tuple[str, ...]:
        """Let entries go; they stay in the table as dropped. Answers those that were still open."""
        return await self._db.run(
            lambda conn: tuple(each for each in ids if _change(conn, each, "open", "dropped")), write=True
        )

    async def put_back(self, ids: Sequence[str]) -> None:
        """Open dropped entries again."""
        await self._db.run(lambda conn: [_change(conn, each, "dropped", "open") for each in ids], write=True)


def _waiting(conn: Connection) -> int:
    some = select(feedback_quarantine.c.id).where(feedback_quarantine.c.state == "open").limit(COUNTED + 1).subquery()
    return conn.scalar(select(func.count()).select_from(some)) or 0


def _change(conn: Connection, identity: str, before: QuarantineState, after: QuarantineState) -> bool:
    columns = feedback_quarantine.c
    done = conn.execute(
        update(feedback_quarantine).where(columns.id == identity, columns.state == before).values(state=after)
    )
    return done.rowcount == 1
