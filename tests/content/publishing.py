"""A publisher on a real database with a real journal; as a program, a dispatcher to be killed.

As a program: `python -m tests.content.publishing DATABASE_URL SPOOL_FOLDER WEBHOOK` dispatches until it is ended.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from app.config.targets import TargetSettings
from app.content.model import Publication
from app.content.publishing.configured import open_target
from app.content.publishing.dispatch import Dispatcher
from app.content.publishing.model import Target, Text
from app.content.publishing.publisher import Publisher
from app.content.style.model import Finding
from app.db.engine import Database
from app.db.spool import Spool
from app.db.types import utc_now
from app.events import Bus
from app.storage import register
from tests.content.discord_fake import TOKEN

TEXT = Text("A title", "One line.\n")


@dataclass
class Clock:
    """Time that tests move on. It begins now."""

    now: datetime = field(default_factory=utc_now)

    def __call__(self) -> datetime:
        self.now += timedelta(microseconds=1)
        return self.now

    def on(self, **span: float) -> None:
        self.now += timedelta(**span)


def target(kind: Any, name: str = "there", queue: str = "queue", **options: Any) -> Target:
    """A target with the defaults of the configuration for what is not said."""
    given = {name: field.get_default() for name, field in TargetSettings.model_fields.items()}
    return Target(name, kind, queue, {**given, "timeout_s": 10.0, **options})


@dataclass
class Publishing:
    """The publisher with what it stands on."""

    publisher: Publisher
    spool: Spool
    clock: Clock

    async def order(self, text: Text = TEXT, name: str = "there", **more: Any) -> str:
        """Order a text for a target; its id. It has reached the database."""
        preview = await self.publisher.preview(text, self.publisher.target(name))
        identity = await self.publisher.order(preview, **more)
        assert await self.spool.flush(20)
        return identity

    async def find(self, identity: str) -> Publication:
        """It as it stands in the database."""
        return (await self.publisher.find(identity)).publication

    async def send(self, text: Text = TEXT, name: str = "there", **more: Any) -> Publication:
        """Order and dispatch once; what became of it."""
        identity = await self.order(text, name, **more)
        await self.publisher.dispatcher.once()
        return await self.find(identity)


@asynccontextmanager
async def publishing(
    db: Database, folder: Path, *targets: Target, check: Callable[[str], Iterable[Finding]] = lambda _: ()
) -> AsyncIterator[Publishing]:
    """A publisher to these targets, with a clock of its own."""
    spool, clock = Spool(folder / "spool.db"), Clock()
    register(spool)
    spool.start(db, Bus())
    made = Publisher(db, spool, targets, open_target, lambda *_: check, secrets=(TOKEN,), user="me", clock=clock)
    try:
        yield Publishing(made, spool, clock)
    finally:
        await spool.close()


def named(*targets: Target) -> Mapping[str, Target]:
    """Targets by their names."""
    return {each.name: each for each in targets}


async def _dispatch(url: str, folder: str, webhook: str) -> None:
    db, spool = Database(url), Spool(Path(folder) / "spool.db")
    register(spool)
    spool.start(db, Bus())
    await Dispatcher(db, spool, named(target("discord", url=webhook)), open_target, lease=timedelta(seconds=2)).follow(
        0.05
    )


if __name__ == "__main__":
    asyncio.run(_dispatch(*sys.argv[1:]))
