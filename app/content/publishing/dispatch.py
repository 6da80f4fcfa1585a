"""The dispatcher: sends what is due, one part after the other, one publication of a channel at a time.

Several may run at once, in one process or on several machines: the lease decides. One that is killed leaves a lease and
perhaps an open attempt behind; see `states`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from app.content.model import Part, PublicationState
from app.content.publishing import states, store
from app.content.publishing.model import NO_ID, Adapter, Outcome, Target
from app.content.publishing.records import OutcomeRecord
from app.db.types import utc_now
from app.errors import UserError
from app.ids import new_id
from app.redact import redactor

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

    from app.db.engine import Database
    from app.db.spool import Spool

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=90)
SEND_S = 60.0
"""Longer than this no part may take; what it came to is unknown then. Shorter than the lease."""
PAUSE_MOST_S = 5.0
"""So long a channel's wish for a pause is waited for between two parts; after that the rest is tried later."""
GRACE = timedelta(minutes=60)

Open = Callable[[Target], Adapter]


class Dispatcher:
    """Sends to these targets. `open_target` makes what speaks to one; it is closed after each publication."""

    def __init__(
        self,
        db: Database,
        spool: Spool,
        targets: Mapping[str, Target],
        open_target: Open,
        *,
        secrets: tuple[str, ...] = (),
        clock: Callable[[], datetime] = utc_now,
        lease: timedelta = LEASE,
        grace: timedelta = GRACE,
    ) -> None:
        self._db, self._spool, self._targets, self._open = db, spool, targets, open_target
        self._clock, self._lease, self._grace = clock, lease, grace
        self._redact = redactor(secrets)
        self.changed: Callable[[], None] = lambda: None
        """Called whenever something goes from one state to the next here."""

    async def once(self) -> list[str]:
        """Send everything that is due; the ids of what was tried. Raises UserError when the database is away.

        Channels do not wait for each other. What a target answers is no error here: it stands in the publication.
        """
        now = self._clock()
        queues = await self._db.run(partial(self._prepared, now=now), write=True)
        done = await asyncio.gather(*(self._channel(queue) for queue in queues), return_exceptions=True)
        for each in done:
            if isinstance(each, BaseException):
                raise each
        return [identity for each in done if isinstance(each, list) for identity in each]

    async def follow(self, every_s: float = 5.0) -> None:
        """Go on until cancelled. A database that is away is waited for."""
        while True:
            try:
                await self.once()
            except UserError as error:
                log.info("nothing is published for now: %s", error)
            await asyncio.sleep(every_s)

    def _prepared(self, conn: Connection, now: datetime) -> list[str]:
        for identity in states.recover(conn, now):
            log.warning("publication %s: %s", identity, states.LOST)
        states.miss(conn, now, self._grace)
        for target in self._targets.values():
            states.requeue(conn, target.name, target.queue)
        return list(dict.fromkeys(target.queue for target in self._targets.values()))

    async def _channel(self, queue: str) -> list[str]:
        tried: list[str] = []
        while True:
            now = self._clock()
            found = await self._db.run(partial(states.due, queues=[queue], now=now))
            if not found or found[0] in tried:
                return tried
            row = await self._claimed(found[0], now)
            if row is None:
                return tried
            self.changed()
            tried.append(row.id)
            try:
                await self._publish(row)
            finally:
                self.changed()

    async def _claimed(self, identity: str, now: datetime) -> Row[Any] | None:
        owner = new_id()
        return await self._db.run(
            partial(states.claim, identity=identity, owner=owner, now=now, lease=self._lease), write=True
        )

    async def _publish(self, row: Row[Any]) -> None:
        target = self._targets.get(row.target)
        gone = await self._db.run(partial(states.disabled, queue=row.queue))
        if target is None or gone:
            why = f"{states.GONE} ({gone})" if gone else "there is no target of this name any more"
            await self._released(row, "failed_permanent", why)
            return
        try:
            adapter = self._open(target)
        except UserError as error:
            await self._released(row, "failed_permanent", str(error))
            return
        try:
            earlier, why = await self._earlier(row)
            if why:
                await self._released(row, "failed_permanent", why)
                return
            if not await self._tidied(adapter, row, earlier):
                return
            for number in range(row.parts_sent, row.parts):
                if not await self._part(adapter, row, number, earlier):
                    return
                row = await self._db.run(partial(_row, identity=row.id))
        finally:
            await adapter.close()

    async def _part(self, adapter: Adapter, row: Row[Any], number: int, earlier: tuple[str, ...]) -> bool:
        """Send one part; whether the next one may follow."""
        attempt, now = new_id(), self._clock()
        begun = partial(states.begin, attempt=attempt, row=row, number=number, now=now, lease=self._lease)
        if not await self._db.run(begun, write=True):
            return False
        self.changed()
        outcome = await self._sent(adapter, row, number, earlier)
        state = await self._settled(attempt, outcome)
        if outcome.kind != "accepted" or state != "sending":
            return False
        if outcome.pause_s > PAUSE_MOST_S:
            await self._waiting(row, outcome.pause_s, states.PAUSED)
            return False
        await asyncio.sleep(outcome.pause_s)
        return True

    async def _sent(self, adapter: Adapter, row: Row[Any], number: int, earlier: tuple[str, ...]) -> Outcome:
        part = Part(**row.payload[number])
        publication = store.publication_of(row)
        try:
            async with asyncio.timeout(SEND_S):
                if number < len(earlier):
                    outcome = await adapter.edit(publication, part, earlier[number])
                else:
                    outcome = await adapter.send(publication, part, number)
        except TimeoutError:
            outcome = Outcome("unknown", f"no answer within {SEND_S:g} s")
        except Exception as error:
            # Whatever went wrong within, the text may be out already.
            log.exception("publication %s", row.id)
            outcome = Outcome("unknown", f"the program failed while it was sent: {type(error).__name__}: {error}")
        return Outcome(
            outcome.kind,
            store.safe(self._redact(outcome.error)),
            outcome.status,
            store.safe(outcome.remote_id),
            store.safe(outcome.url),
            outcome.pause_s,
        )

    async def _settled(self, attempt: str, outcome: Outcome) -> PublicationState | None:
        """Close the attempt; where the database is away by now, through the journal: then the state is not known."""
        now = self._clock()
        try:
            return await self._db.run(partial(states.settle, attempt=attempt, outcome=outcome, now=now), write=True)
        except UserError:
            record = OutcomeRecord(
                attempt_id=attempt,
                at=now,
                kind=outcome.kind,
                error=outcome.error,
                status=outcome.status,
                remote_id=outcome.remote_id,
                url=outcome.url,
                pause_s=outcome.pause_s,
            )
            await store.put_outcome(self._spool, record)
            return None

    async def _earlier(self, row: Row[Any]) -> tuple[tuple[str, ...], str]:
        """What was sent of the publication that this one replaces, or why it cannot take its place any more."""
        if row.replaces is None:
            return (), ""
        old = await self._db.run(partial(_row, identity=row.replaces))
        if old.state != "sent":
            return (), f"{old.id}, which it was to take the place of, is {old.state}"
        remote = tuple(old.remote or ())
        return remote, "" if remote and all(remote) else f"{old.id}: {NO_ID}"

    async def _tidied(self, adapter: Adapter, row: Row[Any], earlier: tuple[str, ...]) -> bool:
        """Take away what a longer text had more of than the one that replaces it; done twice it does no harm."""
        for remote_id in earlier[row.parts :]:
            outcome = await adapter.delete(store.publication_of(row), remote_id)
            if outcome.kind in ("retry", "unknown"):
                await self._waiting(row, max(outcome.pause_s, states.BACK_OFF_S), self._redact(outcome.error))
                return False
            if outcome.kind != "accepted":
                await self._released(row, "failed_permanent", outcome.error)
                return False
        return True

    async def _waiting(self, row: Row[Any], seconds: float, why: str) -> None:
        until = self._clock() + timedelta(seconds=seconds)
        given = {"identity": row.id, "owner": row.owner, "until": until, "error": why}
        await self._db.run(partial(states.postpone, **given), write=True)

    async def _released(self, row: Row[Any], state: PublicationState, why: str) -> None:
        given = {"identity": row.id, "owner": row.owner, "state": state, "error": self._redact(why)}
        await self._db.run(partial(states.release, **given, now=self._clock()), write=True)


def _row(conn: Connection, identity: str) -> Row[Any]:
    from sqlalchemy import select

    from app.content.tables import publication

    return conn.execute(select(publication).where(publication.c.id == identity)).one()
