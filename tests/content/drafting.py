"""Drafts on a real database, written through a real journal."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from app import storage
from app.content.drafts.drafts import Drafts
from app.content.model import Template
from app.db.engine import Database
from app.db.spool import Spool
from app.events import Bus

NOTE = Template(
    id="devlog",
    kind="devlog",
    title="Devlog",
    help="",
    fields=(),
    body="# {{ title }}",
    path="devlog.md",
    hash="0" * 64,
)


@asynccontextmanager
async def drafting(db: Database, folder: Path, *, draining: bool = True) -> AsyncIterator[tuple[Drafts, Spool]]:
    """The drafts of a database and the journal before it; without draining nothing leaves the journal."""
    spool = Spool(folder / "spool.db")
    storage.register(spool)
    if draining:
        spool.start(db, Bus())
    try:
        yield Drafts(db, spool), spool
    finally:
        await spool.close()
