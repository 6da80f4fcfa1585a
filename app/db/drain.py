"""Carries waiting writes from the journal to the database: one process at a time, in order, each exactly once."""

from __future__ import annotations

import asyncio
import fcntl
import json
import logging
import os
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from app.db.journal import Journal, Operation
from app.errors import UserError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from app.db.engine import Database

log = logging.getLogger(__name__)

Result = TypeVar("Result")
Apply = Callable[["Connection", dict[str, Any]], None]

BATCH_OPERATIONS = 64
BATCH_BYTES = 2_000_000
ATTEMPTS = 3
ATTEMPT_PAUSE_S = 0.2
LOCK_PAUSE_S = 0.1
"""How long to wait before asking again for the lock that another process has."""
REMEMBER_DAYS = 90
"""How long the database remembers an operation's id; only a journal that was away for longer could repeat one."""


class InThread(Protocol):
    """Runs a function in the thread that owns the journal."""

    async def __call__(self, fn: Callable[[], Result]) -> Result: ...


@dataclass(frozen=True, slots=True)
class Drained:
    """How a drain ended. `busy`: another process is at it, and takes what waits here too."""

    up: bool = True
    why: str = ""
    busy: bool = False


class Drainer:
    """Applies what the journal holds. It calls the journal through `in_thread`, the journal's own thread."""

    def __init__(
        self,
        in_thread: InThread,
        journal: Callable[[], Journal],
        appliers: Mapping[str, Apply],
        db: Database,
        path: Path,
    ) -> None:
        self._in_thread = in_thread
        self._journal = journal
        self._appliers = appliers
        self._db = db
        self._lock_path = path.with_name(path.name + ".lock")
        self._pruned = False

    async def drain(self, applied: Callable[[], Awaitable[None]]) -> Drained:
        """Apply until nothing known waits, calling `applied` after each batch."""
        try:
            # Before the lock is taken: connecting may take long, and the lock keeps other processes waiting.
            await self._db.ready()
            await self._in_thread(self._journal)
            with _locked(self._lock_path) as mine:
                if not mine:
                    return Drained(busy=True)
                while batch := await self._head(BATCH_OPERATIONS):
                    await self._apply_batch(batch)
                    await applied()
            await self._in_thread(lambda: self._journal().shrink())
            if not self._pruned:
                await self._db.run(_forget_old, write=True)
                self._pruned = True
        except UserError as error:
            # The database, or the journal itself, cannot be used now. What waits stays in the journal.
            return Drained(up=False, why=str(error))
        except Exception as error:
            log.exception("draining the journal failed")
            return Drained(up=False, why=f"a bug kept waiting writes from being applied: {error}")
        return Drained()

    async def _head(self, limit: int) -> list[Operation]:
        return await self._in_thread(
            lambda: self._journal().head(tuple(self._appliers), limit=limit, max_bytes=BATCH_BYTES)
        )

    async def _apply_batch(self, batch: list[Operation]) -> None:
        from app.db.faults import UnavailableError

        try:
            await self._db.run(lambda conn: self._unit(conn, batch), write=True)
        except UnavailableError:
            raise
        except Exception as error:
            if len(batch) == 1:
                await self._failed(batch[0], error)
            else:
                for operation in batch:
                    await self._apply_batch([operation])
            return
        await self._in_thread(lambda: self._journal().remove(batch))

    def _unit(self, conn: Connection, batch: Sequence[Operation]) -> None:
        """Apply the operations that the database does not have yet, and write down that it has them."""
        from sqlalchemy import insert, select

        from app.db.tables import applied_operation
        from app.db.types import utc_now

        ids = [operation.id for operation in batch]
        known = set(conn.scalars(select(applied_operation.c.id).where(applied_operation.c.id.in_(ids))))
        fresh = [operation for operation in batch if operation.id not in known]
        if not fresh:
            return
        # First of all: a second process with the same operation then waits here, and fails, before it has done harm.
        now = utc_now()
        conn.execute(insert(applied_operation), [{"id": operation.id, "applied_at": now} for operation in fresh])
        for operation in fresh:
            self._appliers[operation.kind](conn, json.loads(operation.payload))

    async def _failed(self, operation: Operation, error: Exception) -> None:
        """The operation itself is at fault: try a few times more, then put it aside where it blocks nobody."""
        attempts = operation.attempts + 1
        if attempts < ATTEMPTS:
            await self._in_thread(lambda: self._journal().failed(operation))
            log.warning("operation %s (%s) failed, attempt %d: %s", operation.id, operation.kind, attempts, error)
            await asyncio.sleep(ATTEMPT_PAUSE_S * attempts)
            again = await self._head(1)
            if again and again[0].seq == operation.seq:
                await self._apply_batch(again)
            return
        reason = f"{type(error).__name__}: {error}"[:2000]
        await self._in_thread(lambda: self._journal().refuse(operation, reason))
        log.error("operation %s (%s) was refused", operation.id, operation.kind, exc_info=error)


def _forget_old(conn: Connection) -> None:
    from sqlalchemy import delete

    from app.db.tables import applied_operation
    from app.db.types import utc_now

    before = utc_now() - timedelta(days=REMEMBER_DAYS)
    conn.execute(delete(applied_operation).where(applied_operation.c.applied_at < before))


@contextmanager
def _locked(path: Path) -> Iterator[bool]:
    """Try to be the one process that drains. The system lets go of the lock when the process dies, however it dies."""
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)
