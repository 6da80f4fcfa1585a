"""The database and the journal of waiting writes, opened together as the settings say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app import paths
from app.db.engine import Database
from app.db.spool import Spool
from app.feedback import capture, decisions, ingest
from app.feedback.retrain import states
from app.git import journal_store
from app.testing import store

if TYPE_CHECKING:
    from app.settings import Settings

JOURNAL = "spool.db"


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
        spool = Spool(folder / JOURNAL)
        store.register(spool)
        journal_store.register(spool)
        capture.register(spool)
        decisions.register(spool)
        ingest.register(spool)
        states.register(spool)
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
