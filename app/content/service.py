"""The Content area as the app holds it: what its tab says, what is due sent, and the desk once somebody writes.

Nothing else of the area is loaded before that: the counts are asked for by themselves.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Sequence
from typing import TYPE_CHECKING, Any

from app.content.model import ContentSnapshot
from app.errors import UserError
from app.events import Badge, Bus, ContentChanged, StorageChanged

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.content.desk import Desk
    from app.db.engine import Database
    from app.db.spool import Spool
    from app.git.model import RepositorySpec
    from app.settings import Loaded

log = logging.getLogger(__name__)

LOOK_EVERY_S = 30.0
"""How often the counts are asked for anew when nothing tells of a change."""
AGAIN_S = 5.0
"""How long dispatching rests after a fault of its own."""
WAITING = ("scheduled", "leased", "sending", "failed_transient")
FAILED = ("failed_permanent", "unknown", "missed")
"""States of publications that wait for their author."""


class ContentService:
    """Counts come over the bus as ContentChanged; texts, templates and targets are the desk's."""

    def __init__(
        self, loaded: Loaded, *, db: Database, spool: Spool, bus: Bus, repositories: Sequence[RepositorySpec] = ()
    ) -> None:
        self._loaded, self._db, self._spool, self._bus = loaded, db, spool, bus
        self._repositories = repositories
        self._snapshot = ContentSnapshot()
        self._badge: Badge | None = None
        self._desk: Desk | None = None
        self._dispatching: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._unfollow: Callable[[], None] = lambda: None

    async def start(self) -> None:
        """Begin to count, and to send what is due where targets are configured."""
        self._unfollow = self._bus.subscribe(StorageChanged, self._storage_changed)
        self._spawn(self._follow())
        self._begin_dispatching()

    async def close(self) -> None:
        """Stop. What was typed is in its recovery files before this returns."""
        self._unfollow()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._desk is not None:
            await self._desk.close()

    async def use(self, loaded: Loaded, repositories: Sequence[RepositorySpec]) -> None:
        """Go on with another configuration. What is being sent is finished with its record, as when the app ends."""
        self._loaded, self._repositories = loaded, repositories
        if self._dispatching is not None:
            self._dispatching.cancel()
            await asyncio.gather(self._dispatching, return_exceptions=True)
        if self._desk is not None:
            self._desk.use(loaded, repositories)
        self._begin_dispatching()

    def _begin_dispatching(self) -> None:
        targets = self._loaded.settings.content.targets
        self._dispatching = self._spawn(self._dispatch()) if targets else None

    def snapshot(self) -> ContentSnapshot:
        """The counts as they are known."""
        return self._snapshot

    async def desk(self) -> Desk:
        """Where texts are written; loaded by the first call."""
        if self._desk is None:
            make = await asyncio.to_thread(_desk)
            if self._desk is None:
                self._desk = make(self._loaded, self._repositories, self._db, self._spool, changed=self.look)
        return self._desk

    def look(self) -> None:
        """Something was written: count anew."""
        self._spawn(self._count())

    async def _follow(self) -> None:
        while True:
            await self._count()
            await asyncio.sleep(LOOK_EVERY_S)

    async def _dispatch(self) -> None:
        publisher = await asyncio.to_thread(_publisher, self._loaded, self._db, self._spool)
        publisher.dispatcher.changed = self.look
        while True:
            try:
                await publisher.dispatcher.follow()
            except Exception:
                log.exception("publishing broke off and goes on in %s s", AGAIN_S)
                await asyncio.sleep(AGAIN_S)

    async def _count(self) -> None:
        # What was just written counts too.
        await self._spool.flush(1.0)
        try:
            found = await self._db.run(_counts)
        except UserError as error:
            self._publish(ContentSnapshot(*self._figures, up=False, problem=str(error)))
        except Exception as error:
            log.exception("drafts could not be counted")
            self._publish(ContentSnapshot(*self._figures, problem=f"{type(error).__name__}: {error}"))
        else:
            self._publish(found)

    @property
    def _figures(self) -> tuple[int, int, int]:
        return self._snapshot.drafts, self._snapshot.scheduled, self._snapshot.failed

    def _publish(self, snapshot: ContentSnapshot) -> None:
        if snapshot != self._snapshot:
            self._snapshot = snapshot
        self._bus.publish(ContentChanged(snapshot))
        badge = badge_of(snapshot)
        if badge != self._badge:
            self._badge = badge
            self._bus.publish(badge)

    def _storage_changed(self, event: StorageChanged) -> None:
        if event.up != self._snapshot.up:
            self.look()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def badge_of(snapshot: ContentSnapshot) -> Badge:
    """The worst first, in four characters: `✗1` what went wrong, `○2` what waits for its time, `◐3` what is written."""
    if snapshot.failed:
        return Badge("content", f"✗{_short(snapshot.failed)}", "bad")
    if snapshot.scheduled:
        return Badge("content", f"○{_short(snapshot.scheduled)}", "busy")
    return Badge("content", f"◐{_short(snapshot.drafts)}" if snapshot.drafts else "")


def _short(number: int) -> str:
    return str(number) if number < 1000 else "1k+"


def _counts(conn: Any) -> ContentSnapshot:
    from sqlalchemy import column, func, select, table

    def states(name: str) -> dict[str, int]:
        made = table(name, column("state"))
        query = select(made.c.state, func.count()).group_by(made.c.state)
        return {str(state): int(number) for state, number in conn.execute(query)}

    drafts, sent = states("draft"), states("publication")
    return ContentSnapshot(
        drafts=drafts.get("draft", 0) + drafts.get("scheduled", 0),
        scheduled=sum(sent.get(state, 0) for state in WAITING),
        failed=sum(sent.get(state, 0) for state in FAILED),
    )


def _desk() -> type[Desk]:
    from app.content.desk import Desk

    return Desk


def _publisher(loaded: Loaded, db: Database, spool: Spool) -> Any:
    from app.content.publishing import configured

    return configured.publisher(loaded, db, spool)
