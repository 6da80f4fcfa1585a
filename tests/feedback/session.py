"""A review session for tests, and what it has ready."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from app import storage
from app.db.engine import Database
from app.db.spool import Spool
from app.events import Bus
from app.feedback.service import FeedbackService
from tests.feedback.reviewing import NOW
from tests.waiting import until

AHEAD = 6


def ticking(start: datetime) -> Callable[[], datetime]:
    """A clock that goes on by a microsecond each time it is looked at."""
    ticks = count()
    return lambda: start + timedelta(microseconds=next(ticks))


@asynccontextmanager
async def reviewing(db: Database, folder: Path, **more: Any) -> AsyncIterator[FeedbackService]:
    bus = more.pop("bus", None) or Bus()
    spool = Spool(folder / "spool.db")
    storage.register(spool)
    spool.start(db, bus)
    options: dict[str, Any] = {"reviewer": "mara", "ahead": AHEAD, "share": 0.0, "clock": ticking(NOW), **more}
    service = FeedbackService(db=db, spool=spool, bus=bus, **options)
    await service.start()
    service.open_review()
    try:
        yield service
    finally:
        await service.close()
        await spool.close()


async def ready(service: FeedbackService, count: int = 1) -> list[str]:
    await until(lambda: len(service.snapshot().upcoming) >= count and not service.snapshot().reading)
    return [item.row.id for item in service.snapshot().upcoming]
