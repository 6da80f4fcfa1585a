"""The database and the journal of waiting writes, opened together as the settings say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from app import paths
from app.db import urls
from app.db.engine import Database
from app.db.spool import Spool

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from app.db.drain import Apply
    from app.settings import Settings

JOURNAL = "spool.db"
APPLIERS = {
    "testing.run": "app.testing.store:apply_run",
    "git.operation": "app.git.journal_store:apply_operation",
    "feedback.capture": "app.feedback.capture:apply",
    "feedback.decision": "app.feedback.decisions:apply_decision",
    "feedback.row": "app.feedback.ingest:apply_row",
    "content.draft": "app.content.drafts.store:apply",
    "content.ai": "app.content.ai.calls:apply",
    "content.note": "app.content.notes.store:apply",
    "content.publication": "app.content.publishing.store:apply",
    "content.outcome": "app.content.publishing.store:apply_outcome",
    "retrain.report": "app.feedback.retrain.states:apply_report",
}
"""What carries out each kind of spooled operation: loaded with the first one of its kind, which most sessions of the
app do not see."""


@dataclass(frozen=True, slots=True)
class Storage:
    """Where finished work is kept. Opening connects nowhere yet."""

    db: Database
    spool: Spool

    @classmethod
    def open(cls, settings: Settings, *, apart: bool = False) -> Storage:
        """The configured database, or the embedded one where none is configured. `apart`: see `Database`."""
        database = settings.database
        folder = paths.data_dir()
        folder.mkdir(parents=True, exist_ok=True)
        db = Database(
            database.url.get_secret_value(),
            pool_size=database.pool_size,
            connect_timeout_s=database.connect_timeout_s,
            read_timeout_s=database.read_timeout_s,
            recycle_s=database.recycle_s,
            apart=apart,
        )
        spool = Spool(folder / JOURNAL, urls.identity(db.url))
        register(spool)
        return cls(db, spool)

    @classmethod
    @asynccontextmanager
    async def opened(cls, settings: Settings) -> AsyncIterator[Storage]:
        """Open for one block."""
        storage = cls.open(settings)
        try:
            yield storage
        finally:
            await storage.close()

    async def close(self) -> None:
        """What the database has not taken yet stays in the journal."""
        await self.spool.close()
        await asyncio.to_thread(self.db.close)


def register(spool: Spool) -> None:
    """Let `spool` apply what every area puts."""
    for kind, place in APPLIERS.items():
        spool.register(kind, _loaded_late(place))


def _loaded_late(place: str) -> Apply:
    module, _, name = place.partition(":")

    def apply(conn: Connection, payload: dict[str, Any]) -> None:
        getattr(import_module(module), name)(conn, payload)

    return apply
