"""Decisions as keys make them: at once in memory, stored meanwhile; undo and redo over many steps and sessions."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING

from app.errors import UserError
from app.feedback import decisions, queue
from app.feedback.browsing import Browsing
from app.feedback.giving import decision
from app.feedback.model import STATE_OF, Counts, DecisionKind, FeedbackRow, QueueItem, Verdict
from app.feedback.review import Done, Given, Pace, shifted
from app.ids import new_id

if TYPE_CHECKING:
    from app.db.engine import Database
    from app.db.spool import Spool
    from app.feedback.contract import DecisionRecord

log = logging.getLogger(__name__)

REMEMBERED = 200
"""Steps that undo goes back without asking the database."""


class Deciding(Browsing):
    """The deciding half of the Feedback service."""

    def __init__(self, db: Database, spool: Spool, reviewer: str, rubric: str, clock: Callable[[], datetime]) -> None:
        super().__init__(db)
        self.reviewer, self._rubric = reviewer, rubric
        self._spool, self._clock = spool, clock
        self._upcoming: deque[QueueItem] = deque()
        self._done: deque[Done] = deque(maxlen=REMEMBERED)
        self._undone: list[Done] = []
        self._returned: Done | None = None
        self._pace = Pace()
        self._counts: Counts | None = None
        self._trouble = ""
        self._unsaved = 0
        self._puts: set[asyncio.Task[None]] = set()

    def _publish(self) -> None:
        """Tell who follows."""
        raise NotImplementedError

    def _refill(self) -> None:
        """Look for more rows where few are left."""
        raise NotImplementedError

    def decide(self, verdict: Verdict, given: Given = Given()) -> None:  # noqa: B008 - it is frozen
        """Decide the row on top. The next one is there on return; the decision is stored meanwhile.

        Raises UserError, with nothing decided, where what is given breaks the contract.
        """
        if self._upcoming:
            self._decide([self._upcoming[0]], verdict, [given])

    def decide_many(
        self, rows: Sequence[FeedbackRow], verdict: Verdict, given: Mapping[str, Given] = MappingProxyType({})
    ) -> None:
        """Decide these rows alike, as one step of undo. `given`: what goes with some of them, by row.

        Raises UserError, with nothing decided, where what is given breaks the contract.
        """
        known = {item.row.id: item for item in self._upcoming if not item.reshow}
        soon = self._clock() + queue.LEASE
        items = [known.get(row.id) or QueueItem(row, "", soon) for row in rows]
        if items:
            self._decide(items, verdict, [given.get(item.row.id, Given()) for item in items])

    def _decide(self, items: Sequence[QueueItem], verdict: Verdict, given: Sequence[Given]) -> None:
        records = [
            decision(
                id=new_id(),
                feedback_id=item.row.id,
                kind="decide",
                decided_at=self._clock(),
                reviewer=self.reviewer,
                verdict=verdict,
                score=each.score,
                tags=each.tags,
                correction=each.correction,
                note=each.note,
                duration_ms=each.duration_ms,
                rubric_version=self._rubric,
                reshow=item.reshow,
            )
            for item, each in zip(items, given, strict=True)
        ]
        taken = set(map(id, items))
        self._upcoming = deque(item for item in self._upcoming if id(item) not in taken)
        done = Done(tuple(items), tuple(record.id for record in records), verdict, tuple(given))
        self._done.append(done)
        self._undone.clear()
        self._pace.note(time.monotonic(), done.decides(len(items)))
        for item in items:
            if not item.reshow:
                self._counts = shifted(self._counts, item.row.state, STATE_OF[verdict])
        self._keep(records, done)
        self._publish()
        self._refill()

    async def undo(self) -> Done | None:
        """Take back the last decision, also one of an earlier session; its row is on top again. None: none is left.

        Raises UserError when it is not known here and the database is away.
        """
        if self._done:
            done = self._done.pop()
        else:
            await self._settled()
            found = await self._db.run(lambda conn: decisions.undo_target(conn, self.reviewer))
            earlier = await self._remembered(found)
            if earlier is None:
                return None
            done = earlier
        self._keep([self._entry("undo", item, each) for item, each in _pairs(done)], None)
        self._undone.append(done)
        self._pace.take_back(done.decides(len(done.items)))
        for item in reversed(done.items):
            if not item.reshow:
                self._counts = shifted(self._counts, STATE_OF[done.verdict], item.row.state)
        back = [item for item in done.items if item.row.state == "waiting" or item.reshow]
        ids = {item.row.id for item in back}
        self._upcoming = deque([*back, *(item for item in self._upcoming if item.row.id not in ids)])
        self._publish()
        return done

    async def redo(self) -> Done | None:
        """Decide again what was undone last. None: there is nothing."""
        if self._undone:
            done = self._undone.pop()
        else:
            await self._settled()
            found = await self._db.run(lambda conn: decisions.redo_target(conn, self.reviewer))
            earlier = await self._remembered(found)
            if earlier is None:
                return None
            done = earlier
        self._keep([self._entry("redo", item, each) for item, each in _pairs(done)], None)
        self._done.append(done)
        self._pace.note(time.monotonic(), done.decides(len(done.items)))
        ids = {item.row.id for item in done.items}
        self._upcoming = deque(item for item in self._upcoming if item.row.id not in ids)
        for item in done.items:
            if not item.reshow:
                self._counts = shifted(self._counts, item.row.state, STATE_OF[done.verdict])
        self._publish()
        self._refill()
        return done

    def _entry(self, kind: DecisionKind, item: QueueItem, decided: str) -> DecisionRecord:
        return decision(
            id=new_id(),
            feedback_id=item.row.id,
            kind=kind,
            decided_at=self._clock(),
            reviewer=self.reviewer,
            rubric_version=self._rubric,
            reshow=item.reshow,
            supersedes=decided,
        )

    async def _settled(self) -> None:
        """What was decided before stands in the database, or this raises."""
        if self._puts:
            await asyncio.gather(*self._puts, return_exceptions=True)
        if not await self._spool.flush(2.0):
            raise UserError("earlier decisions are not known while the database is away", fix="try again later")

    async def _remembered(self, found: tuple[str, str] | None) -> Done | None:
        """A decision of an earlier session, as if it had been made in this one."""
        if found is None:
            return None
        row, log_ = await self.read(found[1])
        made = next((entry for entry in log_ if entry.id == found[0]), None)
        if row is None or made is None or made.verdict is None:
            return None
        given = Given(made.score, made.tags, made.correction, made.note)
        item = QueueItem(_waiting(row), "decided before", self._clock() + queue.LEASE, log_, reshow=made.reshow)
        return Done((item,), (made.id,), made.verdict, (given,))

    def _keep(self, records: Sequence[DecisionRecord], done: Done | None) -> None:
        """Store entries beside the running screen, in the order of the keys."""
        self._unsaved += len(records)
        task = asyncio.create_task(self._store(records, done))
        self._puts.add(task)
        task.add_done_callback(self._puts.discard)

    async def _store(self, records: Sequence[DecisionRecord], done: Done | None) -> None:
        results = await asyncio.gather(
            *(decisions.put(self._spool, record) for record in records), return_exceptions=True
        )
        self._unsaved -= len(records)
        failed = [result for result in results if isinstance(result, BaseException)]
        if failed:
            log.error("a decision could not be kept", exc_info=failed[0])
            self._trouble = f"a decision could not be kept: {failed[0]}"
            if done is not None and done in self._done:
                # What was not kept was not decided: its rows are back on top, with what was given to them.
                lost = done.part([isinstance(each, BaseException) for each in results])
                kept = done.part([not isinstance(each, BaseException) for each in results])
                at = self._done.index(done)
                if kept.items:
                    self._done[at] = kept
                else:
                    del self._done[at]
                self._returned = lost
                self._upcoming.extendleft(reversed(lost.items))
                self._pace.take_back(done.decides(len(lost.items)))
                for item in lost.items:
                    if not item.reshow:
                        self._counts = shifted(self._counts, STATE_OF[done.verdict], item.row.state)
        else:
            self._trouble = ""
        if not self._unsaved or failed:
            self._publish()


def _pairs(done: Done) -> zip[tuple[QueueItem, str]]:
    return zip(done.items, done.decisions, strict=True)


def _waiting(row: FeedbackRow) -> FeedbackRow:
    return replace(row, state="waiting", decided_at=None)
