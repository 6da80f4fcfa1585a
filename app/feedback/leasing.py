"""The rows that a reviewer holds: claimed ahead of the keys, for as long as they are reviewed."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from app.errors import UserError
from app.feedback import agreement, claims, queue, similar
from app.feedback.deciding import Deciding
from app.feedback.model import FeedbackRow, QueueItem
from app.feedback.review import Alike, Done
from app.ids import new_id

if TYPE_CHECKING:
    import random

    from app.db.engine import Database
    from app.db.spool import Spool


class Leasing(Deciding):
    """The claiming half of the Feedback service."""

    def __init__(
        self,
        db: Database,
        spool: Spool,
        reviewer: str,
        rubric: str,
        clock: Callable[[], datetime],
        ahead: int,
        chance: random.Random,
    ) -> None:
        super().__init__(db, spool, reviewer, rubric, clock)
        self._ahead, self._chance = ahead, chance
        self._session = new_id()
        self._claiming = asyncio.Lock()
        self._renewed = clock()
        self._late: frozenset[int] = frozenset()
        """Of the queue, what a search has brought that was cancelled."""

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Do something beside the keys."""
        raise NotImplementedError

    async def alike(self, row: FeedbackRow) -> tuple[Alike, ...]:
        """Rows that wait and are nearly the same. Raises UserError when the database is away."""
        return tuple(await self._db.run(partial(similar.find_alike, row=row, session=self._session, now=self._clock())))

    async def undo(self) -> Done | None:
        """Take back the last decision, also one of an earlier session; its row is on top again. None: none is left.

        Raises UserError when it is not known here and the database is away.
        """
        done = await super().undo()
        if done is not None:
            # With the decision went the claim.
            self._spawn(self._renew(at_once=True))
        return done

    async def claim_these(self, ids: Sequence[str]) -> tuple[FeedbackRow, ...]:
        """Of these rows those that still wait and that nobody else reviews, claimed. Raises UserError when the
        database is away."""
        async with self._claiming:
            held = await self._hold(ids, self._clock())
        return await self.rows([identity for identity in ids if identity in held])

    async def _hold(self, ids: Sequence[str], now: datetime) -> set[str]:
        """Claim these rows, or go on with the claims; those that nobody else has."""
        until = (now + queue.LEASE).replace(microsecond=0)

        def work(conn: Any) -> set[str]:
            mine = claims.renew(conn, self._session, ids, now=now, until=until)
            rest = [identity for identity in ids if identity not in mine]
            taken = claims.take(conn, rest, reviewer=self.reviewer, session=self._session, now=now, until=until)
            return {*mine, *taken}

        return await self._db.run(work, write=True)

    async def _take(
        self, found: list[queue.Candidate], *, now: datetime, again: int
    ) -> tuple[list[QueueItem], list[QueueItem]]:
        def work(conn: Any) -> tuple[list[QueueItem], list[QueueItem]]:
            items = queue.claim(conn, found, reviewer=self.reviewer, session=self._session, now=now)
            return items, agreement.pick(conn, self.reviewer, now=now, limit=again, chance=self._chance)

        async with self._claiming:
            return await self._db.run(work, write=True)

    def _unknown(self, items: Sequence[QueueItem]) -> list[QueueItem]:
        """Those that are not in the queue, nor just decided."""
        known = {item.row.id for item in self._upcoming} | {item.row.id for item in self._recent()}
        return [item for item in items if item.row.id not in known]

    def _recent(self) -> list[QueueItem]:
        """What was decided here and the database may not know yet."""
        return [item for done in self._done.recent(self._ahead) for item in done.items]

    async def _renew(self, *, at_once: bool = False) -> None:
        """Keep what is in the queue claimed; what somebody else has meanwhile leaves it."""
        now = self._clock()
        if not self._upcoming or not (at_once or now - self._renewed >= queue.LEASE / 3):
            return
        before = {item.row.id for item in self._upcoming}
        try:
            # Of a row that was decided and taken back, the database must have heard both.
            await self._settled()
        except UserError:
            return
        now = self._clock()
        try:
            # Not while rows are claimed: those that this very session is just claiming would be passed over as lost.
            async with self._claiming:
                ids = [item.row.id for item in self._upcoming if not item.reshow and item.row.id in before]
                held = await self._hold(ids, now)
        except UserError:
            return
        self._renewed = now
        lost = {identity for identity in ids if identity not in held}
        if lost:
            self._upcoming = deque(item for item in self._upcoming if item.row.id not in lost or item.reshow)
            self._publish()

    def _look_after_sleep(self) -> None:
        """Where the machine slept, others may have the rows of the queue."""
        if self._upcoming and self._clock() - self._renewed > queue.LEASE:
            self._renewed = self._clock()
            self._spawn(self._renew(at_once=True))
