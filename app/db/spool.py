"""Writes that are never lost: kept in a local file first, then applied to the database, in order and exactly once."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from app.db.drain import LOCK_PAUSE_S, Apply, Drainer
from app.db.journal import Counts, Journal, NewOperation, Refused
from app.db.workers import Workers
from app.errors import UserError
from app.events import Bus, StorageChanged
from app.ids import new_id

if TYPE_CHECKING:
    from app.db.engine import Database

Result = TypeVar("Result")

RETRY_FIRST_S = 0.25
RETRY_MOST_S = 30.0
LOOK_EVERY_S = 30.0
"""How often an idle spool looks whether the server is there, and whether another process left writes behind."""
CLOSE_WAIT_S = 2.0
SHOW_AFTER_S = 0.5
"""Writes that are on their way are announced as waiting only from then on: the usual few milliseconds are no news."""


class Spool:
    """The journal at `path`, shared by every process that names the same path; see `Journal` for `place`."""

    def __init__(self, path: Path, place: str = "") -> None:
        self.path = path
        self._place = place
        self._began = time.time()
        self._appliers: dict[str, Apply] = {}
        self._workers = Workers("spool", 1)
        self._journal: Journal | None = None
        self._puts: deque[tuple[str, str, Mapping[str, Any], Future[str]]] = deque()
        self._drainer: Drainer | None = None
        self._bus: Bus | None = None
        self._db: Database | None = None
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._progress = asyncio.Event()
        self._closed = False
        self._draining = False
        self._since = 0.0
        self._unwatch: Callable[[], None] = lambda: None
        self._up = True
        self._why = ""
        self._counts = Counts()
        self._published: StorageChanged | None = None

    def register(self, kind: str, apply: Apply) -> None:
        """`apply(connection, payload)` carries out operations of this kind; it must be repeatable."""
        self._appliers[kind] = apply

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds that can be applied here."""
        return frozenset(self._appliers)

    async def put(self, kind: str, payload: Mapping[str, Any], op_id: str | None = None) -> str:
        """Keep a write; returns its id once it would survive a power loss. The same id twice is one write.

        Raises UserError when it could not be kept. `payload` must not change while this waits.
        """
        if self._closed:
            raise RuntimeError("the spool is closed")
        identity = op_id or new_id()
        future: Future[str] = Future()
        self._puts.append((identity, kind, payload, future))
        self._workers.submit(self._store)
        await asyncio.wrap_future(future)
        if self._task is not None:
            if self._up:
                self._wake.set()
            else:
                await self._publish()
        return identity

    def start(self, db: Database, bus: Bus) -> None:
        """Apply what waits, and from now on what is put, in the background of the running loop."""
        self._db, self._bus = db, bus
        self._drainer = Drainer(self._in_thread, self._open, self._appliers, db, self.path)
        self._unwatch = db.watch(self._heard)
        self._task = asyncio.get_running_loop().create_task(self._follow(self._drainer), name="spool")

    def nudge(self) -> None:
        """Try again now rather than when the pause is over."""
        self._wake.set()

    async def flush(self, timeout: float) -> bool:
        """Try at once, and wait until nothing that can be applied waits any more.

        False when the database is found down, or `timeout` seconds were not enough: what waits stays in the journal.
        """
        self._wake.set()
        try:
            async with asyncio.timeout(timeout):
                while True:
                    self._progress.clear()
                    counts = await self.counts()
                    if not counts.waiting:
                        return True
                    if self._task is None or self._task.done():
                        return False
                    await self._progress.wait()
                    if not self._up:
                        return False
                    self._wake.set()
        except TimeoutError:
            return False

    async def counts(self) -> Counts:
        """What the journal holds now."""
        return await self._in_thread(lambda: self._open().counts(self._appliers))

    async def refused(self, limit: int = 50) -> list[Refused]:
        """Writes that the database would not take, newest first."""
        return await self._in_thread(lambda: self._open().refused(limit))

    async def close(self) -> None:
        """Stop applying. What waits stays in the journal for the next start."""
        if self._closed:
            return
        self._closed = True
        self._unwatch()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task}, timeout=CLOSE_WAIT_S)
        self._workers.submit(self._shut)
        await asyncio.get_running_loop().run_in_executor(None, self._workers.close, CLOSE_WAIT_S)

    async def _in_thread(self, fn: Callable[[], Result]) -> Result:
        return await asyncio.wrap_future(self._workers.submit(fn))

    def _open(self) -> Journal:
        if self._journal is None:
            self._journal = Journal(self.path, self._place, self._began)
        return self._journal

    def _shut(self) -> None:
        if self._journal is not None:
            self._journal.close()

    def _store(self) -> None:
        """Commit all that is waiting to be put in one go; runs in the journal's thread."""
        batch: list[tuple[NewOperation, Future[str]]] = []
        while self._puts:
            identity, kind, payload, future = self._puts.popleft()
            try:
                text = json.dumps(payload, separators=(",", ":"), allow_nan=False)
                batch.append((NewOperation(identity, kind, text.encode()), future))
            except (TypeError, ValueError) as error:
                _settle(future, error)
        if not batch:
            return
        try:
            self._open().add([operation for operation, _ in batch])
        except UserError as error:
            if len(batch) == 1:
                _settle(batch[0][1], error)
                return
            # One that is too large for the space left must not take the others with it.
            for operation, future in batch:
                try:
                    self._open().add([operation])
                except UserError as alone:
                    _settle(future, alone)
                else:
                    _settle(future, operation.id)
            return
        except BaseException as error:
            for _, future in batch:
                _settle(future, error)
            raise
        for operation, future in batch:
            _settle(future, operation.id)

    async def _follow(self, drainer: Drainer) -> None:
        failures, busy = 0, False
        while True:
            self._wake.clear()
            self._draining = True
            self._since = self._since if busy else time.monotonic()
            outcome = await drainer.drain(self._arrived)
            busy = outcome.busy
            if busy:
                await self._tell()
                await asyncio.sleep(LOCK_PAUSE_S)
                continue
            self._draining = False
            self._up, self._why = outcome.up, outcome.why
            if outcome.up:
                failures, pause = 0, LOOK_EVERY_S
            else:
                pause = min(RETRY_MOST_S, RETRY_FIRST_S * 2**failures) * random.uniform(0.5, 1.0)
                failures = min(failures + 1, 10)
            await self._tell()
            try:
                async with asyncio.timeout(pause):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _arrived(self) -> None:
        """The database took something, though more may wait than a drain can take while puts go on."""
        self._up, self._why = True, ""
        await self._tell()

    async def _tell(self) -> None:
        """Something may have left the journal: tell those who watch and those who wait."""
        await self._publish()
        self._progress.set()

    def _heard(self, up: bool, why: str) -> None:
        """Another user of the database found it down, or up again."""
        if up != self._up and not self._draining:
            self._wake.set()

    async def _publish(self) -> None:
        if self._bus is None or self._db is None:
            return
        try:
            self._counts = await self.counts()
        except UserError as error:
            self._up, self._why = False, str(error)
        counts = self._counts
        notes = [self._why] if self._why else []
        if counts.refused:
            notes.append(f"{counts.refused} refused, see `qd db status`")
        if counts.parked:
            notes.append(f"{counts.parked} kept for a newer Quarterdeck")
        late = not self._up or (self._draining and time.monotonic() - self._since > SHOW_AFTER_S)
        event = StorageChanged(self._db.backend, self._up, counts.waiting if late else 0, "; ".join(notes))
        if event != self._published:
            self._published = event
            self._bus.publish(event)


def _settle(future: Future[str], outcome: str | BaseException) -> None:
    """Answer a put; the one who waited may have given up."""
    if future.set_running_or_notify_cancel():
        if isinstance(outcome, BaseException):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)
