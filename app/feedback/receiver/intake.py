"""Takes rows in: in groups, each durable before anybody is told, each row once as far as can be known now.

Rows that arrive while a group is written wait for the next one, so that one commit carries as many as there are. What
is new is decided from what was taken lately, and from the database where it answers. While it does not, a row may be
called new that it knows already; the database then keeps the one it has.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import Connection, select

from app.db.faults import UnavailableError
from app.db.journal import Journal
from app.db.types import utc_now
from app.errors import UserError
from app.feedback import capture, texts
from app.feedback.capture import CAPTURE, CaptureRecord
from app.feedback.contract import FeedbackIn, FeedbackRecord, IdempotencyRecord
from app.feedback.receiver.memory import KnownKey, KnownRow, Recent
from app.feedback.rows import Prepared, prepare
from app.feedback.tables import feedback
from app.ids import new_id

if TYPE_CHECKING:
    from app.db.engine import Database
    from app.db.spool import Spool

log = logging.getLogger(__name__)

GATHER_S = 0.008
"""While rows keep coming, a group waits so long for more: larger groups cost less, here and in the database."""
LOOKUP_S = 0.5
"""A database that takes longer is asked again when it has answered somebody."""
WAITING_BYTES = 64_000_000
"""Bytes of the journal that are remembered at start."""

PRUNE_EVERY_S = 3600.0

Status = Literal["created", "duplicate", "quarantined"]
Key = tuple[str, str]


class KeyTakenError(Exception):
    """The idempotency key came with another body before."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a row. `quarantined`: the row that `id` names was kept before with other content. `repeated`: the
    very request was answered before."""

    id: str
    status: Status
    repeated: bool = False


@dataclass(slots=True, eq=False)
class _Waiting:
    """A request whose row is on its way. `given` is the row as it came, `ready` the same as it will be kept."""

    given: FeedbackIn
    ready: Prepared
    identity: str
    at: datetime
    size: int
    key: Key | None
    body_hash: str
    done: asyncio.Future[Taken]
    taken: Taken | None = None

    def record(self) -> FeedbackRecord:
        """What goes into the journal."""
        answer = None
        if self.key is not None and self.taken is not None:
            answer = IdempotencyRecord(
                key=self.key[1], body_hash=self.body_hash, answer=self.known(self.taken).answer()
            )
        return FeedbackRecord(id=self.identity, received_at=self.at, row=self.given, idempotency=answer)

    def known(self, taken: Taken) -> KnownKey:
        """What its key stands for from now on."""
        return KnownKey(self.body_hash, taken.id, taken.status == "quarantined")

    def settle(self, error: Exception | None = None) -> None:
        """Answer the one who waits, who may have given up."""
        if self.done.done():
            return
        if error is not None:
            self.done.set_exception(error)
        elif self.taken is not None:
            self.done.set_result(self.taken)


class Intake:
    """Where rows come in. `start` once, `close` at the end; `take` from any task of the loop."""

    def __init__(self, spool: Spool, db: Database, now: Callable[[], datetime] = utc_now) -> None:
        self._spool, self._db, self._now = spool, db, now
        self._queue: deque[_Waiting] = deque()
        self._wake = asyncio.Event()
        self._rows: Recent[bytes, KnownRow] = Recent()
        self._ids: Recent[str, bytes] = Recent()
        self._keys: Recent[Key, KnownKey] = Recent()
        self._up = True
        """Until we hear otherwise: a first look at a database that is away costs little."""
        self._closing = False
        self._task: asyncio.Task[None] | None = None
        self._pruning: asyncio.Task[None] | None = None
        self._unwatch: Callable[[], None] = lambda: None

    async def start(self) -> None:
        """Remember what waits in the journal, and begin."""
        self._unwatch = self._db.watch(self._heard)
        for record in await asyncio.to_thread(self._left_behind):
            for each in record.rows:
                self._learn(prepare(each.row, now=each.received_at, identity=each.id))
                if each.idempotency is not None:
                    key = (texts.name(each.row.source), each.idempotency.key)
                    self._keys.add(key, KnownKey.read(each.idempotency.body_hash, each.idempotency.answer))
        self._task = asyncio.create_task(self._work(), name="intake")
        self._pruning = asyncio.create_task(self._prune(), name="pruning")

    async def close(self) -> None:
        """Finish what was begun. The journal must still be open."""
        self._unwatch()
        if self._task is None or self._pruning is None:
            return
        self._pruning.cancel()
        await asyncio.gather(self._pruning, return_exceptions=True)
        self._closing = True
        self._wake.set()
        await self._task

    async def take(self, row: FeedbackIn, *, size: int = 0, key: str = "", body_hash: str = "") -> Taken:
        """Keep a row; it would survive a power loss when this returns.

        Raises ViolationError where the row breaks the contract, KeyTakenError where `key` came with another body, and
        UserError where nothing can be kept now.
        """
        now, identity = self._now(), new_id()
        ready = prepare(row, now=now, identity=identity)
        named = (texts.name(row.source), key) if key else None
        done: asyncio.Future[Taken] = asyncio.get_running_loop().create_future()
        self._queue.append(_Waiting(row, ready, identity, now, size, named, body_hash, done))
        self._wake.set()
        return await done

    async def item(self, identity: str) -> Mapping[str, Any] | None:
        """The row with this id, as far as it says what was asked and answered; None where there is none. Raises
        UnavailableError where the database does not say, or does not have yet what was taken."""
        found = await self._find(identity)
        if found is not None or not await self._is_awaited(identity):
            return found
        await self._spool.flush(LOOKUP_S)
        found = await self._find(identity)
        if found is None and await self._is_awaited(identity):
            raise UnavailableError("the database does not have it yet", fix="try again later")
        return found

    async def _find(self, identity: str) -> Mapping[str, Any] | None:
        columns = feedback.c
        wanted = select(
            columns.input, columns.output, columns.model, columns.model_version, columns.prompt_version
        ).where(columns.id == identity)

        def find(conn: Connection) -> dict[str, Any] | None:
            found = conn.execute(wanted).first()
            return None if found is None else dict(found._mapping)

        try:
            return await asyncio.wait_for(self._db.run(find), LOOKUP_S)
        except TimeoutError:
            raise UnavailableError("the database does not answer", fix="try again later") from None

    async def _is_awaited(self, identity: str) -> bool:
        """Whether a row that the database does not have may be on its way: taken here, or anything before it."""
        return self._ids.get(identity) is not None or (await self._spool.counts()).waiting > 0

    def _left_behind(self) -> list[CaptureRecord]:
        """What an earlier process took and the database does not have yet."""
        if not self._spool.path.exists():
            return []
        journal = Journal(self._spool.path)
        try:
            found = journal.head((CAPTURE,), limit=100_000, max_bytes=WAITING_BYTES)
        finally:
            journal.close()
        return [CaptureRecord.model_validate_json(operation.payload) for operation in found]

    def _heard(self, up: bool, _why: str) -> None:
        self._up = up

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        last = 0.0
        while not self._closing:
            await self._wake.wait()
            self._wake.clear()
            while self._queue:
                if loop.time() - last < GATHER_S:
                    await asyncio.sleep(GATHER_S)
                group = self._next()
                try:
                    await self._settle(group)
                except Exception as error:
                    if not isinstance(error, UserError):
                        log.exception("rows could not be taken in")
                    for waiting in group:
                        waiting.settle(error)
                last = loop.time()

    async def _prune(self) -> None:
        """Forget keys that nobody sends again, in small pieces beside the rows that come in."""
        while True:
            try:
                while await self._db.run(
                    partial(capture.prune_keys, before=self._now() - capture.KEYS_KEPT), write=True
                ):
                    pass
            except UserError as error:
                log.info("old idempotency keys are not pruned now: %s", error)
            except Exception:
                log.exception("old idempotency keys could not be pruned")
            await asyncio.sleep(PRUNE_EVERY_S)

    def _next(self) -> list[_Waiting]:
        group: list[_Waiting] = []
        size = 0
        while self._queue and len(group) < capture.GROUP_ROWS and (not group or size < capture.GROUP_BYTES):
            size += self._queue[0].size
            group.append(self._queue.popleft())
        return group

    async def _settle(self, group: Sequence[_Waiting]) -> None:
        await self._ask(group)
        kept = [waiting for waiting in group if self._judge(waiting)]
        if kept:
            rows = tuple(waiting.record() for waiting in kept)
            try:
                await capture.put(self._spool, CaptureRecord(id=new_id(), at=self._now(), rows=rows))
            except BaseException:
                # What is not kept must not make its repetition a duplicate.
                for waiting in kept:
                    self._forget(waiting)
                raise
        for waiting in group:
            waiting.settle()

    def _judge(self, waiting: _Waiting) -> bool:
        """Decide what the request is answered, and whether something of it has to be kept."""
        before = self._keys.get(waiting.key) if waiting.key is not None else None
        if before is not None:
            if before.body_hash == waiting.body_hash:
                waiting.taken = Taken(before.id, "quarantined" if before.quarantined else "duplicate", repeated=True)
            else:
                waiting.settle(KeyTakenError())
            return False
        row = waiting.ready
        known = self._rows.get(row.unique_key)
        holder = self._ids.get(row.id) if row.own_id else None
        if known is not None:
            other = row.by_event and known.body_hash != row.body_hash
            waiting.taken = Taken(known.id, "quarantined" if other else "duplicate")
            # Other content under a known event goes on to the quarantine.
            keep = waiting.key is not None or other
        elif holder is not None and holder != row.unique_key:
            waiting.taken, keep = Taken(row.id, "quarantined"), True
        else:
            waiting.taken, keep = Taken(row.id, "created"), True
            self._learn(row)
        if waiting.key is not None:
            self._keys.add(waiting.key, waiting.known(waiting.taken))
        return keep

    def _learn(self, row: Prepared) -> None:
        self._rows.add(row.unique_key, KnownRow(row.id, row.body_hash))
        # Ids that were given here, too: the next row may claim one before the database has it.
        self._ids.add(row.id, row.unique_key)

    def _forget(self, waiting: _Waiting) -> None:
        if waiting.taken is not None and waiting.taken.status == "created":
            self._rows.drop(waiting.ready.unique_key)
            self._ids.drop(waiting.ready.id)
        if waiting.key is not None:
            self._keys.drop(waiting.key)

    async def _ask(self, group: Sequence[_Waiting]) -> None:
        """Learn from the database what is not known by heart, while it answers quickly."""
        keys = {each.key for each in group if each.key is not None and self._keys.get(each.key) is None}
        rows = {each.ready.unique_key for each in group if self._rows.get(each.ready.unique_key) is None}
        ids = {each.ready.id for each in group if each.ready.own_id and self._ids.get(each.ready.id) is None}
        if not self._up or not (keys or rows or ids):
            return

        def find(conn: Connection) -> tuple[list[Any], dict[Key, tuple[str, Mapping[str, Any]]]]:
            columns = feedback.c
            wanted = select(columns.unique_key, columns.id, columns.body_hash)
            found = list(conn.execute(wanted.where(columns.unique_key.in_(rows)))) if rows else []
            if ids:
                found += conn.execute(wanted.where(columns.id.in_(ids)))
            return found, capture.keys_of(conn, keys)

        try:
            known_rows, known_keys = await asyncio.wait_for(self._db.run(find), LOOKUP_S)
        except (TimeoutError, UnavailableError):
            self._up = False
            return
        for unique_key, identity, body_hash in known_rows:
            self._rows.add(unique_key, KnownRow(identity, body_hash))
            self._ids.add(identity, unique_key)
        for key, (body_hash, answer) in known_keys.items():
            self._keys.add(key, KnownKey.read(body_hash, answer))
