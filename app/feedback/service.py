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
from app.feedback import agreement, claims, queue, similar, store
from app.feedback.ages import aged
from app.feedback.filters import Filter, Term, Word, Words
from app.feedback.leasing import Leasing
from app.feedback.mending import Mending
from app.feedback.model import Order, QueueItem
from app.feedback.review import FeedbackSnapshot, badge_text

if TYPE_CHECKING:
    from app.db.engine import Database
    from app.db.spool import Spool

log = logging.getLogger(__name__)

AHEAD = 50
"""Rows claimed before they are needed: what can be reviewed while the database is away."""
LOOK_EVERY_S = 30.0
"""How often the backlog is counted anew, and an empty queue looked into again."""
CLUSTERS_EVERY = timedelta(minutes=10)
TRIES = 3
"""How often others may have claimed all that was found."""
TELL_EVERY_S = 0.2
"""How often a search that takes long tells how far it is."""


class FeedbackService(Leasing):
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
        super().__init__(db, spool, reviewer or user_name(), rubric, clock, ahead, chance or random.Random())
        self._order, self._share, self._bus = order, share, bus
        self._open = False
        self._exhausted = False
        self._all_found = False
        self._up, self._problem = True, ""
        self.quarantine = Mending(db)
        self._quarantined = 0
        self._badge: Badge | None = None
        self._refilling: asyncio.Task[None] | None = None
        self._halted = False
        self._letting_go = 0
        self._looked_at, self._told = 0, 0.0
        self._clusters_at: datetime | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._unfollow: Callable[[], None] = lambda: None

    # Life

    async def start(self) -> None:
        """Begin to count the backlog. Rows are claimed only once the review is open."""
        self._loop = asyncio.get_running_loop()
        self._unfollow = self._bus.subscribe(StorageChanged, self._storage_changed)
        self._spawn(self._follow())

    async def close(self) -> None:
        """Wait until every decision is durable, and let others have what was claimed and not decided."""
        self._unfollow()
        self._open, self._closed = False, True
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
        if self._closed:
            return
        self._open, self._exhausted, self._halted = True, False, False
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
            looked_at=self._looked_at,
            ended=self._halted,
            # All that one search has found may be all there is, although another one looks for what comes in later.
            exhausted=self._exhausted or (self._all_found and bool(self._upcoming)),
            up=self._up,
            problem=self._trouble or self._problem,
            unsaved=self._unsaved,
            session=self._pace.session,
            per_minute=self._pace.per_minute(),
            streak=self._pace.streak,
            last=self._done.last,
            returned=self._returned,
            undone=len(self._undone),
            reviewer=self.reviewer,
            quarantined=self._quarantined,
        )

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
        """End a search that takes long; True if there was one. Another one begins when it is asked for."""
        if self._refilling is None:
            return False
        self._halted = True
        self._refilling.cancel()
        return True

    def _start_anew(self, keep: int) -> None:
        dropped = [item.row.id for item in list(self._upcoming)[keep:] if not item.reshow]
        self._upcoming = deque(list(self._upcoming)[:keep])
        self._exhausted = self._halted = self._all_found = False
        before, self._refilling = self._refilling, None
        if before is not None:
            before.cancel()
        self._letting_go += 1
        self._spawn(self._again(before, dropped, keep))
        self._publish()

    async def _again(self, before: asyncio.Task[None] | None, dropped: list[str], keep: int) -> None:
        try:
            if before is not None:
                await asyncio.gather(before, return_exceptions=True)
                late = [item for item in list(self._upcoming)[keep:] if id(item) in self._late]
                dropped += [item.row.id for item in late]
                self._upcoming = deque(item for item in self._upcoming if item not in late)
                self._publish()
            await self._db.run(lambda conn: claims.release(conn, self._session, dropped), write=True)
        except UserError as error:
            log.info("claims stay until their lease is over: %s", error)
        finally:
            self._letting_go -= 1
        self._refill()

    def _refill(self) -> None:
        """Look for more rows where few are left. Those that are just let go would be passed over: they come first."""
        self._look_after_sleep()
        few = len(self._upcoming) <= self._ahead // 2 and not self._letting_go
        if self._open and self._refilling is None and few and not (self._exhausted or self._halted):
            self._looked_at, self._told = 0, time.monotonic()
            self._refilling = self._spawn(self._fetch())
            self._refilling.add_done_callback(self._fetched)

    def _fetched(self, task: asyncio.Task[None]) -> None:
        if task is self._refilling:
            self._refilling = None
            self._publish()

    async def _fetch(self) -> None:
        try:
            await self._claim()
            self._up, self._problem = True, ""
        except UserError as error:
            self._up, self._problem = False, str(error)
        except Exception as error:
            log.exception("the queue of feedback could not be read")
            self._problem = f"{type(error).__name__}: {error}"

    async def _claim(self) -> None:
        order, limit, now = self._order, self._ahead - len(self._upcoming), self._clock()
        if "waiting" not in self.filter.states:
            self._exhausted = True
            return
        if not self._upcoming:
            # Decisions of a session that was killed may wait in the journal: their rows must not come again.
            await self._spool.flush(2.0)
        if order == "cluster":
            # Counting millions takes seconds: after the first time, what was counted before serves meanwhile.
            if await self._db.run(similar.counted):
                self._spawn(self._count_clusters(now))
            else:
                await self._count_clusters(now, self._looked)
        again = sum(self._chance.random() < self._share for _ in range(limit)) if not self.filter_text else 0
        given = waiting(self.filter)
        items: list[QueueItem] = []
        shown_again: list[QueueItem] = []
        found: list[queue.Candidate] = []
        for _ in range(TRIES):
            # Apart from claiming them: a search may take long, and one who writes keeps others from writing.
            found = await self._db.run(
                lambda conn: queue.search(conn, order, given, limit=limit, now=now, progress=self._looked)
            )
            if not found:
                break
            taking = asyncio.ensure_future(self._take(found, now=now, again=again))
            try:
                items, shown_again = await asyncio.shield(taking)
            except asyncio.CancelledError:
                # What is claimed stands in the queue, or nobody would let it go.
                late = self._unknown((await taking)[0])
                self._upcoming.extend(late)
                self._late = frozenset(map(id, late))
                raise
            if items:
                break
        fresh = self._unknown(items)
        self._exhausted, self._all_found = not found, len(found) < limit
        for item in self._unknown(shown_again) if fresh else ():
            fresh.insert(self._chance.randrange(len(fresh) + 1), item)
        self._upcoming.extend(fresh)

    def _looked(self, count: int) -> None:
        """So many rows were looked at; called in the database's thread."""
        self._looked_at = count
        if time.monotonic() - self._told > TELL_EVERY_S:
            self._told = time.monotonic()
            self._loop.call_soon_threadsafe(self._publish)

    async def _count_clusters(self, now: datetime, progress: Callable[[int], None] = lambda count: None) -> None:
        if self._clusters_at is not None and now - self._clusters_at < CLUSTERS_EVERY:
            return
        before, self._clusters_at = self._clusters_at, now
        try:
            await self._count_slices(now, progress)
        except UserError as error:
            self._clusters_at = before
            log.info("clusters could not be counted: %s", error)
        except asyncio.CancelledError:
            self._clusters_at = before
            raise

    async def _count_slices(self, now: datetime, progress: Callable[[int], None]) -> None:
        sizes: dict[int, int] = {}
        after: int | None = None
        looked_at = 0
        while True:
            sizes, after, number = await self._db.run(partial(similar.count_slice, after=after, known=sizes))
            looked_at += number
            progress(looked_at)
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
                now = self._clock()
                self._upcoming = deque(aged(item, now) for item in self._upcoming)
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

    def _storage_changed(self, event: StorageChanged) -> None:
        if event.up != self._up:
            self._up = event.up
            self._problem = "" if event.up else event.detail
            self._publish()
        if event.up:
            self._refill()

    def _publish(self) -> None:
        if self._closed:
            # Another one may have taken its place, and speaks for the area now.
            return
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


def waiting(given: Filter) -> Filter:
    """Of the rows of a filter, those that wait."""
    return Filter((*given.terms, Term("state", Words((Word("waiting"),)))))


def user_name() -> str:
    """The reviewer where none is named: the user of this machine."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "reviewer"
