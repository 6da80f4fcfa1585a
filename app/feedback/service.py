"""The review's public face: the queue that is always ahead of its reviewer, decisions that are never lost, lists."""

from __future__ import annotations

import asyncio
import getpass
import logging
import random
import time
from collections import deque
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from app.db.types import utc_now
from app.errors import UserError
from app.events import Badge, Bus, FeedbackChanged, StorageChanged
from app.feedback import agreement, claims, filter_sql, queue, similar, store
from app.feedback.deciding import Deciding
from app.feedback.mending import Mending
from app.feedback.model import FeedbackRow, Order, QueueItem
from app.feedback.review import Alike, FeedbackSnapshot, badge_text
from app.ids import new_id

if TYPE_CHECKING:
    from app.db.engine import Database
    from app.db.spool import Spool

log = logging.getLogger(__name__)

AHEAD = 50
"""Rows claimed before they are needed: what can be reviewed while the database is away."""
LOOK_EVERY_S = 30.0
"""How often the backlog is counted anew, and an empty queue looked into again."""
CLUSTERS_EVERY = timedelta(minutes=10)


class FeedbackService(Deciding):
    """One reviewer's session. State comes over the bus as FeedbackChanged; keys are answered at once from memory."""

    def __init__(
        self,
        *,
        db: Database,
        spool: Spool,
        bus: Bus,
        reviewer: str = "",
        rubric: str = "",
        order: Order = "oldest",
        ahead: int = AHEAD,
        share: float = agreement.SHARE,
        clock: Callable[[], datetime] = utc_now,
        chance: random.Random | None = None,
    ) -> None:
        """`reviewer` empty: the user of this machine. `share` of the rows are decided ones, shown again."""
        super().__init__(db, spool, reviewer or user_name(), rubric, clock)
        self._order, self._ahead, self._share, self._bus = order, ahead, share, bus
        self._chance = chance or random.Random()
        self._session = new_id()
        self._open = False
        self._exhausted = False
        self._up, self._problem = True, ""
        self.quarantine = Mending(db)
        self._quarantined = 0
        self._badge: Badge | None = None
        self._refilling: asyncio.Task[None] | None = None
        self._stop = False
        self._clusters_at: datetime | None = None
        self._renewed = 0.0
        self._tasks: set[asyncio.Task[Any]] = set()
        self._unfollow: Callable[[], None] = lambda: None

    # Life

    async def start(self) -> None:
        """Begin to count the backlog. Rows are claimed only once the review is open."""
        self._unfollow = self._bus.subscribe(StorageChanged, self._storage_changed)
        self._spawn(self._follow())

    async def close(self) -> None:
        """Wait until every decision is durable, and let others have what was claimed and not decided."""
        self._unfollow()
        self._open = False
        if self._puts:
            await asyncio.gather(*self._puts, return_exceptions=True)
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        held = [item.row.id for item in self._upcoming if not item.reshow]
        if held and self._up:
            try:
                async with asyncio.timeout(1.0):
                    await self._db.run(lambda conn: claims.release(conn, self._session, held), write=True)
            except (UserError, TimeoutError) as error:
                log.info("claims stay until their lease is over: %s", error)

    def open_review(self) -> None:
        """The screen is open, or wants to know anew: keep rows ready, also where none was left before."""
        self._open, self._exhausted = True, False
        self._refill()
        self._spawn(self._recount())

    def leave_review(self) -> None:
        """The screen was left: claim no more. What is claimed stays so for the rest of its lease."""
        self._open = False

    # Reading

    def snapshot(self) -> FeedbackSnapshot:
        """The review as it stands now."""
        return FeedbackSnapshot(
            counts=self._counts,
            order=self._order,
            filter=self.filter_text,
            upcoming=tuple(self._upcoming),
            reading=self._refilling is not None,
            exhausted=self._exhausted,
            up=self._up,
            problem=self._trouble or self._problem,
            unsaved=self._unsaved,
            session=self._pace.session,
            per_minute=self._pace.per_minute(),
            streak=self._pace.streak,
            last=self._done[-1] if self._done else None,
            undone=len(self._undone),
            reviewer=self.reviewer,
            quarantined=self._quarantined,
        )

    async def alike(self, row: FeedbackRow) -> tuple[Alike, ...]:
        """Rows that wait and are nearly the same. Raises UserError when the database is away."""
        return tuple(await self._db.run(lambda conn: similar.find_alike(conn, row)))

    # The queue

    def set_order(self, order: Order) -> None:
        """Review in another order; the row on screen stays until it is decided."""
        if order != self._order:
            self._order = order
            self._start_anew(keep=1)

    async def set_filter(self, text: str) -> None:
        """Review only what fulfils the filter. Raises UserError where it cannot be understood."""
        if self.narrow(text):
            self._start_anew(keep=0)

    def cancel(self) -> bool:
        """End a search that takes long; True if there was one."""
        self._stop = self._refilling is not None
        return self._stop

    def _start_anew(self, keep: int) -> None:
        dropped = [item.row.id for item in list(self._upcoming)[keep:] if not item.reshow]
        self._upcoming = deque(list(self._upcoming)[:keep])
        self._exhausted = False
        self._stop = True
        self._spawn(self._again(self._refilling, dropped))
        self._publish()

    async def _again(self, before: asyncio.Task[None] | None, dropped: list[str]) -> None:
        if before is not None:
            await asyncio.gather(before, return_exceptions=True)
            late = [item for item in list(self._upcoming)[1:] if item.row.id not in dropped and not item.reshow]
            dropped += [item.row.id for item in late]
            self._upcoming = deque(item for item in self._upcoming if item not in late)
        try:
            await self._db.run(lambda conn: claims.release(conn, self._session, dropped), write=True)
        except UserError as error:
            log.info("claims stay until their lease is over: %s", error)
        self._refill()

    def _refill(self) -> None:
        """Look for more rows where few are left."""
        if self._open and self._refilling is None and len(self._upcoming) <= self._ahead // 2 and not self._exhausted:
            self._stop = False
            self._refilling = self._spawn(self._fetch())

    async def _fetch(self) -> None:
        try:
            await self._claim()
            self._up, self._problem = True, ""
        except UserError as error:
            self._up, self._problem = False, str(error)
        except Exception as error:
            log.exception("the queue of feedback could not be read")
            self._problem = f"{type(error).__name__}: {error}"
        finally:
            self._refilling = None
            self._publish()

    async def _claim(self) -> None:
        order, limit, now = self._order, self._ahead - len(self._upcoming), self._clock()
        if not self._upcoming:
            # Decisions of a session that was killed may wait in the journal: their rows must not come again.
            await self._spool.flush(2.0)
        if order == "cluster":
            # Counting millions takes seconds: after the first time, what was counted before serves meanwhile.
            if await self._db.run(similar.counted):
                self._spawn(self._count_clusters(now))
            else:
                await self._count_clusters(now)
        again = sum(self._chance.random() < self._share for _ in range(limit)) if not self.filter_text else 0
        if "waiting" not in self.filter.states:
            self._exhausted = True
            return
        narrowed = filter_sql.conditions(self.filter)

        def work(conn: Any) -> tuple[list[QueueItem], list[QueueItem]]:
            items = queue.next_items(
                conn,
                reviewer=self.reviewer,
                session=self._session,
                order=order,
                limit=limit,
                now=now,
                narrow=narrowed,
                stop=lambda: self._stop,
            )
            return items, agreement.pick(conn, self.reviewer, now=now, limit=again, chance=self._chance)

        items, shown_again = await self._db.run(work, write=True)
        known = {item.row.id for item in self._upcoming} | {item.row.id for item in self._recent()}
        fresh = [item for item in items if item.row.id not in known]
        self._exhausted = not items and not self._stop
        for item in shown_again if fresh else ():
            if item.row.id not in known:
                fresh.insert(self._chance.randrange(len(fresh) + 1), item)
        self._upcoming.extend(fresh)

    def _recent(self) -> list[QueueItem]:
        """What was decided here and the database may not know yet."""
        return [item for done in list(self._done)[-self._ahead :] for item in done.items]

    async def _count_clusters(self, now: datetime) -> None:
        if self._clusters_at is not None and now - self._clusters_at < CLUSTERS_EVERY:
            return
        before, self._clusters_at = self._clusters_at, now
        try:
            await self._count_slices(now)
        except UserError as error:
            self._clusters_at = before
            log.info("clusters could not be counted: %s", error)

    async def _count_slices(self, now: datetime) -> None:
        sizes: dict[int, int] = {}
        after: int | None = None
        while True:
            piece, after = await self._db.run(partial(similar.count_slice, after=after))
            sizes |= {cluster: size for cluster, size in piece.items() if size > 1}
            if after is None:
                break
        await self._db.run(lambda conn: similar.keep_clusters(conn, sizes, now), write=True)

    # In the background

    async def _follow(self) -> None:
        while True:
            await self._recount()
            if self._open:
                if self._exhausted:
                    self._exhausted = False
                self._refill()
                await self._renew()
            await asyncio.sleep(LOOK_EVERY_S)

    async def _recount(self) -> None:
        try:
            self._counts = await self._db.run(store.counts)
            self._quarantined = await self.quarantine.waiting()
        except UserError as error:
            self._up, self._problem = False, str(error)
        except Exception:
            log.exception("the backlog of feedback could not be counted")
        else:
            if not self._up:
                self._up, self._problem = True, ""
        self._publish()

    async def _renew(self) -> None:
        if time.monotonic() - self._renewed < queue.LEASE.total_seconds() / 3 or not self._upcoming:
            return
        now = self._clock()
        ids = [item.row.id for item in self._upcoming if not item.reshow]

        def work(conn: Any) -> set[str]:
            until = (now + queue.LEASE).replace(microsecond=0)
            mine = claims.renew(conn, self._session, now=now, until=until)
            rest = [identity for identity in ids if identity not in mine]
            return {
                *mine,
                *claims.take(conn, rest, reviewer=self.reviewer, session=self._session, now=now, until=until),
            }

        try:
            held = await self._db.run(work, write=True)
        except UserError:
            return
        self._renewed = time.monotonic()
        lost = {identity for identity in ids if identity not in held}
        if lost:
            self._upcoming = deque(item for item in self._upcoming if item.row.id not in lost or item.reshow)
            self._publish()

    def _storage_changed(self, event: StorageChanged) -> None:
        if event.up != self._up:
            self._up = event.up
            self._problem = "" if event.up else event.detail
            self._publish()
        if event.up:
            self._refill()

    def _publish(self) -> None:
        self._bus.publish(FeedbackChanged(self.snapshot()))
        if self._counts is not None:
            badge = Badge("feedback", badge_text(self._counts.waiting))
            if badge != self._badge:
                self._badge = badge
                self._bus.publish(badge)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def user_name() -> str:
    """The reviewer where none is named: the user of this machine."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "reviewer"
