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

from sqlalchemy import Connection, select

from app.errors import UserError
from app.feedback import decisions, queue
from app.feedback.browsing import Browsing
from app.feedback.giving import decision
from app.feedback.model import STATE_OF, Counts, DecisionKind, FeedbackRow, QueueItem, State, Verdict
from app.feedback.model import Decision as DecisionOfRow
from app.feedback.review import Done, Given, Pace, shifted
from app.feedback.steps import Steps
from app.feedback.tables import feedback
from app.ids import new_id

if TYPE_CHECKING:
    from app.db.engine import Database
    from app.db.spool import Spool
    from app.feedback.contract import DecisionRecord

log = logging.getLogger(__name__)

_FAILED = {
    "decide": "a decision could not be kept",
    "undo": "an undo could not be kept, the decision stands",
    "redo": "a decision could not be made again",
}


class Deciding(Browsing):
    """The deciding half of the Feedback service."""

    def __init__(self, db: Database, spool: Spool, reviewer: str, rubric: str, clock: Callable[[], datetime]) -> None:
        super().__init__(db)
        self.reviewer, self._rubric = reviewer, rubric
        self._spool, self._clock = spool, clock
        self._upcoming: deque[QueueItem] = deque()
        self._done, self._undone = Steps(), Steps()
        self._returned: Done | None = None
        self._closed = False
        self._pace = Pace()
        self._counts: Counts | None = None
        self._trouble = ""
        self._unsaved = self._begun = self._failed_at = 0
        self._puts: set[asyncio.Task[None]] = set()

    def _publish(self) -> None:
        """Tell who follows."""
        raise NotImplementedError

    def _refill(self) -> None:
        """Look for more rows where few are left."""
        raise NotImplementedError

    def decide(self, verdict: Verdict, given: Given = Given(), *, row: str | None = None) -> bool:  # noqa: B008
        """Decide the row on top. The next one is there on return; the decision is stored meanwhile.

        False, with nothing decided, where no row is on top, or another one than `row`. Raises UserError, with nothing
        decided, where what is given breaks the contract.
        """
        top = self._upcoming[0] if self._upcoming and not self._closed else None
        if top is None or row not in (None, top.row.id):
            return False
        self._decide([top], verdict, [given])
        return True

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
        done = Done(tuple(items), tuple(record.id for record in records), verdict, tuple(given))
        self._done.push(done)
        self._undone.clear()
        self._holds(done)
        self._keep("decide", records, done)
        self._publish()
        self._refill()

    async def undo(self) -> Done | None:
        """Take back the last decision, also one of an earlier session; its row is on top again. None: none is left.

        Raises UserError when it is not known here and the database is away.
        """
        done = self._done.pop() if self._done else await self._earlier(decisions.undo_target, self._done)
        if done is None:
            return None
        self._keep("undo", [self._entry("undo", item, each) for item, each in _pairs(done)], done)
        self._undone.push(done)
        self._holds_no_more(done)
        self._publish()
        return done

    async def redo(self) -> Done | None:
        """Decide again what was undone last. None: there is nothing."""
        done = self._undone.pop() if self._undone else await self._earlier(decisions.redo_target, self._undone)
        if done is None:
            return None
        self._keep("redo", [self._entry("redo", item, each) for item, each in _pairs(done)], done)
        self._done.push(done)
        self._holds(done)
        self._publish()
        self._refill()
        return done

    async def standing(self, ids: Sequence[str]) -> dict[str, State]:
        """The states of rows after all that was decided here. Raises UserError when the database is away."""
        await self._settled()
        asked = select(feedback.c.id, feedback.c.state).where(feedback.c.id.in_(ids))
        return await self._db.run(lambda conn: {row.id: row.state for row in conn.execute(asked)})

    def _holds(self, done: Done) -> None:
        """The rows of a decision leave the queue."""
        taken = {(item.row.id, item.reshow) for item in done.items}
        self._upcoming = deque(item for item in self._upcoming if (item.row.id, item.reshow) not in taken)
        self._pace.note(time.monotonic(), done.decides(len(done.items)))
        for item in done.items:
            if not item.reshow:
                self._counts = shifted(self._counts, item.row.state, STATE_OF[done.verdict])

    def _holds_no_more(self, done: Done) -> None:
        """The rows of a decision that waited before are on top of the queue again."""
        back = [item for item in done.items if item.row.state == "waiting" or item.reshow]
        ids = {item.row.id for item in back}
        self._upcoming = deque([*back, *(item for item in self._upcoming if item.row.id not in ids)])
        self._pace.take_back(done.decides(len(done.items)))
        for item in done.items:
            if not item.reshow:
                self._counts = shifted(self._counts, STATE_OF[done.verdict], item.row.state)

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

    async def _earlier(self, target: Callable[[Connection, str], tuple[str, str] | None], steps: Steps) -> Done | None:
        """What was decided or taken back last, of an earlier session, as if it had been in this one."""
        await self._settled()
        found = await self._db.run(lambda conn: target(conn, self.reviewer))
        if steps:
            # It was decided while the database was asked.
            return steps.pop()
        if found is None:
            return None
        row, log_ = await self.read(found[1])
        made = next((entry for entry in log_ if entry.id == found[0]), None)
        if row is None or made is None or made.verdict is None:
            return None
        given = Given(made.score, made.tags, made.correction, made.note)
        if not made.reshow:
            row = _without(row, made, log_)
        item = QueueItem(row, "decided before", self._clock() + queue.LEASE, log_, reshow=made.reshow)
        return Done((item,), (made.id,), made.verdict, (given,))

    def _keep(self, kind: DecisionKind, records: Sequence[DecisionRecord], done: Done) -> None:
        """Store entries beside the running screen, in the order of the keys."""
        self._unsaved += len(records)
        self._begun += 1
        task = asyncio.create_task(self._store(self._begun, kind, records, done))
        self._puts.add(task)
        task.add_done_callback(self._puts.discard)

    async def _store(self, number: int, kind: DecisionKind, records: Sequence[DecisionRecord], done: Done) -> None:
        results = await asyncio.gather(
            *(decisions.put(self._spool, record) for record in records), return_exceptions=True
        )
        self._unsaved -= len(records)
        failed = [isinstance(result, BaseException) for result in results]
        if any(failed):
            why = next(result for result in results if isinstance(result, BaseException))
            log.error("%s", _FAILED[kind], exc_info=why)
            self._trouble, self._failed_at = f"{_FAILED[kind]}: {why}", self._begun
            self._reverse(kind, done, failed)
        elif number > self._failed_at:
            self._trouble = ""
        if not self._unsaved or any(failed):
            self._publish()

    def _reverse(self, kind: DecisionKind, done: Done, failed: Sequence[bool]) -> None:
        """What was not kept did not happen."""
        if kind == "undo":
            if (stands := self._undone.take_out(done, failed)) is not None:
                self._done.push(stands)
                self._holds(stands)
            return
        lost = self._done.take_out(done, failed)
        if lost is not None:
            self._holds_no_more(lost)
            if kind == "redo":
                self._undone.push(lost)
        elif kind == "decide":
            # It was taken back meanwhile, and cannot be made again.
            lost = self._undone.take_out(done, failed)
        self._returned = lost or self._returned


def _pairs(done: Done) -> zip[tuple[QueueItem, str]]:
    return zip(done.items, done.decisions, strict=True)


def _without(row: FeedbackRow, made: DecisionOfRow, entries: Sequence[DecisionOfRow]) -> FeedbackRow:
    """The row as it is without this decision: another reviewer's may stand."""
    others = [each for each in entries if each.kind == "decide" and not each.reshow and each.undone_by is None]
    standing = [each for each in others if each.id != made.id and each.verdict is not None]
    last = max(standing, key=lambda each: (each.decided_at, each.id), default=None)
    if last is None or last.verdict is None:
        return replace(row, state="waiting", decided_at=None)
    return replace(row, state=STATE_OF[last.verdict], decided_at=last.decided_at)
