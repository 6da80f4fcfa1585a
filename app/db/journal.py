"""The local file in which writes wait for the database. Plain functions on plain SQLite, for one thread.

WAL with synchronous=FULL: a commit returns when the log is on the disk, with a single fsync. (A rollback journal would
need three, and its commit is undone by a power loss before the folder's entry is written.) Any number of processes
may have the file open.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.db import places
from app.errors import UserError
from app.sqlite_file import use_wal

VERSION = 2
BUSY_MS = 10_000
VACUUM_PAGES = 1024
NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
SQLITE_FULL, SQLITE_IOERR = 13, 10
SQLITE_DAMAGED = frozenset({11, 26})
GRACE_S = 10.0
"""A write that was put for another database is left for so long to a program that is about to begin with that one."""

SCHEMA = """
CREATE TABLE operation (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, payload BLOB NOT NULL,
    put_at REAL NOT NULL, attempts INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE refused (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL, kind TEXT NOT NULL, payload BLOB NOT NULL,
    put_at REAL NOT NULL, refused_at REAL NOT NULL, reason TEXT NOT NULL
);
"""
SINCE = {2: "ALTER TABLE operation ADD COLUMN place TEXT NOT NULL DEFAULT ''"}
"""What each later version added."""


@dataclass(frozen=True, slots=True)
class Operation:
    """A write that waits. `payload` is JSON."""

    seq: int
    id: str
    kind: str
    payload: bytes
    attempts: int


@dataclass(frozen=True, slots=True)
class NewOperation:
    """A write that is handed in."""

    id: str
    kind: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Refused:
    """A write that the database will not take, kept for the user to look at."""

    id: str
    kind: str
    put_at: float
    refused_at: float
    reason: str


@dataclass(frozen=True, slots=True)
class Counts:
    """How many writes are in the journal. `parked` are of a kind that this version does not know."""

    waiting: int = 0
    parked: int = 0
    refused: int = 0


class Journal:
    """The open file.

    `place` is the database that its user has open: each write is kept with it. One that was put for another place is
    taken if it was there before its user began and nobody has the journal open for that place any more: the
    configuration has changed since. One that was put later is left alone: the configuration has changed, and its user
    does not know it. Without a place, all writes are anybody's.
    """

    def __init__(self, path: Path, place: str = "", began: float | None = None) -> None:
        self.path = path
        self._place = place
        self._began = time.time() if began is None else began
        with self._explained():
            self._connection = self._open()
        # Held before anything is put: nobody takes it meanwhile. Where it cannot be, time alone decides.
        self._held = places.hold(path, place) if place else None

    def add(self, operations: Sequence[NewOperation]) -> int:
        """Store operations durably; one that is there already is left alone. Returns how many were new."""
        now = time.time()
        rows = [(new.id, new.kind, new.payload, now, self._place) for new in operations]
        with self._explained(), self._transaction() as connection:
            before = connection.total_changes
            connection.executemany(
                "INSERT OR IGNORE INTO operation (id, kind, payload, put_at, place) VALUES (?, ?, ?, ?, ?)", rows
            )
            return connection.total_changes - before

    def head(self, kinds: Collection[str], *, limit: int, max_bytes: int) -> list[Operation]:
        """The oldest operations of these kinds: at most `limit`, and few enough to stay below `max_bytes` (or one)."""
        marks = ", ".join("?" * len(kinds))
        ours, values = self._ours()
        found: list[Operation] = []
        size = 0
        with self._explained():
            cursor = self._connection.execute(
                f"SELECT seq, id, kind, payload, attempts FROM operation WHERE kind IN ({marks}){ours}"
                " ORDER BY seq LIMIT ?",
                (*kinds, *values, limit),
            )
            for row in cursor:
                operation = Operation(*row)
                size += len(operation.payload)
                if found and size > max_bytes:
                    break
                found.append(operation)
            cursor.close()
        return found

    def remove(self, operations: Sequence[Operation]) -> None:
        """Forget operations that the database has."""
        with self._explained(), self._transaction() as connection:
            connection.executemany("DELETE FROM operation WHERE seq = ?", [(each.seq,) for each in operations])

    def failed(self, operation: Operation) -> None:
        """Count one more failed attempt."""
        with self._explained(), self._transaction() as connection:
            connection.execute("UPDATE operation SET attempts = attempts + 1 WHERE seq = ?", (operation.seq,))

    def refuse(self, operation: Operation, reason: str) -> None:
        """Put an operation aside for good, with the reason."""
        with self._explained(), self._transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO refused"
                " SELECT seq, id, kind, payload, put_at, ?, ? FROM operation WHERE seq = ?",
                (time.time(), reason, operation.seq),
            )
            connection.execute("DELETE FROM operation WHERE seq = ?", (operation.seq,))

    def counts(self, kinds: Collection[str]) -> Counts:
        """What the journal holds for the place; `kinds` are those that are known."""
        marks = ", ".join("?" * len(kinds))
        ours, values = self._ours()
        with self._explained():
            row = self._connection.execute(
                f"SELECT (SELECT count(*) FROM operation WHERE kind IN ({marks}){ours}),"
                f" (SELECT count(*) FROM operation WHERE kind NOT IN ({marks})), (SELECT count(*) FROM refused)",
                (*kinds, *values, *kinds),
            ).fetchone()
        return Counts(waiting=row[0], parked=row[1], refused=row[2])

    def refused(self, limit: int) -> list[Refused]:
        """The latest refused operations, newest first."""
        with self._explained():
            rows = self._connection.execute(
                "SELECT id, kind, put_at, refused_at, reason FROM refused ORDER BY refused_at DESC, seq DESC LIMIT ?",
                (limit,),
            ).fetchall()
        return [Refused(*row) for row in rows]

    def retry(self) -> int:
        """Let every refused operation wait again, behind those that wait already; returns how many there were."""
        with self._explained(), self._transaction() as connection:
            moved = connection.execute(
                "INSERT OR IGNORE INTO operation (id, kind, payload, put_at)"
                " SELECT id, kind, payload, put_at FROM refused ORDER BY seq"
            ).rowcount
            connection.execute("DELETE FROM refused")
            return moved

    def discard(self, identity: str) -> bytes | None:
        """Delete a refused operation for good; returns its payload, None when there is no such operation."""
        with self._explained(), self._transaction() as connection:
            row = connection.execute("SELECT payload FROM refused WHERE id = ?", (identity,)).fetchone()
            connection.execute("DELETE FROM refused WHERE id = ?", (identity,))
        return bytes(row[0]) if row else None

    def shrink(self) -> None:
        """Give the space of a long wait back to the disk."""
        with self._explained():
            if self._connection.execute("PRAGMA freelist_count").fetchone()[0] > VACUUM_PAGES:
                # As a script: the pragma works one page a step and gives no rows, and `execute` stops after a step.
                self._connection.executescript("PRAGMA incremental_vacuum")
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def close(self) -> None:
        """Close the file. Writes for its place that are left may be taken by others from now on."""
        self._connection.close()
        if self._held is not None:
            os.close(self._held)
            self._held = None

    def _ours(self) -> tuple[str, tuple[str | float, ...]]:
        """A further condition on writes, with its values."""
        if not self._place:
            return "", ()
        in_use = places.held(self.path, self._place)
        marks = ", ".join("?" * len(in_use))
        return (
            f" AND (place IN ('', ?) OR (put_at < ? AND place NOT IN ({marks})))",
            (self._place, self._began - GRACE_S, *in_use),
        )

    def _open(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not self.path.exists():
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
        connection = sqlite3.connect(
            self.path, timeout=BUSY_MS / 1000, isolation_level=None, check_same_thread=False, cached_statements=32
        )
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL").close()
        use_wal(connection, BUSY_MS / 1000)
        for pragma in ("synchronous = FULL", "fullfsync = ON"):
            connection.execute(f"PRAGMA {pragma}").close()
        if connection.execute("PRAGMA user_version").fetchone()[0] < VERSION:
            connection.execute("BEGIN IMMEDIATE")
            found = connection.execute("PRAGMA user_version").fetchone()[0]
            if not found:
                for statement in SCHEMA.split(";"):
                    connection.execute(statement)
            if found < VERSION:
                for version in range(max(found, 1) + 1, VERSION + 1):
                    connection.execute(SINCE[version])
                connection.execute(f"PRAGMA user_version = {VERSION}")
            connection.execute("COMMIT")
            # The file's own entry in its folder must survive a power loss too.
            folder = os.open(self.path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        return connection

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise _explain(error, self.path) from error


def read_counts(path: Path, kinds: Collection[str], limit: int) -> tuple[Counts, list[Refused]]:
    """What a journal holds, without making one where there is none."""
    if not path.exists():
        return Counts(), []
    journal = Journal(path)
    try:
        return journal.counts(kinds), journal.refused(limit)
    finally:
        journal.close()


def _explain(error: sqlite3.Error | OSError, path: Path) -> UserError:
    number = getattr(error, "sqlite_errorcode", 0) & 0xFF
    system = error.errno if isinstance(error, OSError) else None
    reason = error.strerror if isinstance(error, OSError) else str(error)
    if number == SQLITE_FULL or system in NO_SPACE:
        what, fix = "there is no space left to keep this write", "free some space, then repeat"
    elif number == SQLITE_IOERR:
        what, fix = f"writing the journal failed: {reason}", "check the disk and its free space, then repeat"
    elif number in SQLITE_DAMAGED:
        what, fix = "the journal of waiting writes is damaged", "move the file away, and keep it for repair"
    else:
        what, fix = f"the journal of waiting writes cannot be used: {reason}", "make its folder writable for you"
    return UserError(what, where=str(path), fix=fix)
