"""The operations of this machine in a local file, written before anything is done: what a crash is mended from.

Plain SQLite with synchronous=FULL, as the journal of waiting writes has it: when a call returns, what it wrote would
survive a power loss. Any number of processes may have the file open; each call opens it for itself, so that it may be
made from any thread.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from app.errors import UserError
from app.git.entries import OPEN_STATES, Entry, dump, load
from app.sqlite_file import use_wal

FILE = "git-operations.db"
VERSION = 1
BUSY_MS = 10_000

_SCHEMA = """
CREATE TABLE operation (
    op_id TEXT PRIMARY KEY, common_dir TEXT NOT NULL, state TEXT NOT NULL, kind TEXT NOT NULL, at REAL NOT NULL,
    unpinned INTEGER NOT NULL, entry TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX operation_place ON operation (common_dir, op_id)
"""


class Journal:
    """The file at `path`, made when it is first written to. Operations sort by their ids in the order they began in."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def put(self, *entries: Entry) -> None:
        """Write these entries, all or none; an entry that is there already is replaced. Durable on return."""
        with self._opened(make=True) as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(
                "INSERT OR REPLACE INTO operation VALUES (?, ?, ?, ?, ?, ?, ?)",
                [
                    (each.op_id, _place(each), each.state, each.plan.kind, each.at, each.unpinned, dump(each))
                    for each in entries
                ],
            )
            connection.execute("COMMIT")

    def get(self, op_id: str) -> Entry | None:
        """The operation of this id."""
        return next(iter(self._read("WHERE op_id = ?", (op_id,))), None)

    def open_ones(self, common_dir: str | None = None) -> list[Entry]:
        """Operations that began and did not end, oldest first."""
        marks = ", ".join("?" * len(OPEN_STATES))
        where, values = f"WHERE state IN ({marks})", list(OPEN_STATES)
        if common_dir is not None:
            where, values = f"{where} AND common_dir = ?", [*values, _escaped(common_dir)]
        return self._read(f"{where} ORDER BY op_id", values)

    def latest(self, common_dir: str, limit: int = 100, *, before: str = "") -> list[Entry]:
        """Operations of one repository, newest first; those before the operation `before`."""
        where, values = "WHERE common_dir = ?", [_escaped(common_dir)]
        if before:
            where, values = f"{where} AND op_id < ?", [*values, before]
        return self._read(f"{where} ORDER BY op_id DESC LIMIT {int(limit)}", values)

    def everywhere(self, limit: int = 100, *, before: str = "") -> list[Entry]:
        """Operations of all repositories, newest first."""
        where, values = ("WHERE op_id < ?", [before]) if before else ("", [])
        return self._read(f"{where} ORDER BY op_id DESC LIMIT {int(limit)}", values)

    def expired(self, common_dir: str, older_than: float, keep: int) -> list[Entry]:
        """Ended operations with pins, oldest first: begun before `older_than`, or not among the latest `keep`."""
        newest = [entry.op_id for entry in self.latest(common_dir, keep)]
        least = newest[-1] if len(newest) == keep and newest else ""
        marks = ", ".join("?" * len(OPEN_STATES))
        return self._read(
            f"WHERE common_dir = ? AND NOT unpinned AND state NOT IN ({marks}) AND (at < ? OR op_id < ?)"
            " ORDER BY op_id",
            [_escaped(common_dir), *OPEN_STATES, older_than, least],
        )

    def _read(self, rest: str, values: Sequence[object]) -> list[Entry]:
        if not self.path.exists():
            return []
        with self._opened() as connection:
            return [load(text) for (text,) in connection.execute(f"SELECT entry FROM operation {rest}", values)]

    @contextmanager
    def _opened(self, *, make: bool = False) -> Iterator[sqlite3.Connection]:
        try:
            if make:
                self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                if not self.path.exists():
                    os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
            with closing(sqlite3.connect(self.path, timeout=BUSY_MS / 1000, isolation_level=None)) as connection:
                use_wal(connection, BUSY_MS / 1000)
                for pragma in ("synchronous = FULL", "fullfsync = ON"):
                    connection.execute(f"PRAGMA {pragma}").close()
                self._prepare(connection)
                yield connection
        except (sqlite3.Error, OSError) as error:
            raise UserError(
                f"the journal of git operations cannot be used: {error}",
                where=str(self.path),
                fix="free some space or make the file writable; nothing is changed in a repository without it",
            ) from error

    def _prepare(self, connection: sqlite3.Connection) -> None:
        if connection.execute("PRAGMA user_version").fetchone()[0] >= VERSION:
            return
        connection.execute("BEGIN IMMEDIATE")
        if connection.execute("PRAGMA user_version").fetchone()[0] < VERSION:
            for statement in _SCHEMA.split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
        # The file's own entry in its folder must survive a power loss too.
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _place(entry: Entry) -> str:
    return _escaped(entry.common_dir)


def _escaped(path: str) -> str:
    """SQLite takes no lone surrogates, which stand for bytes that are not UTF-8."""
    return path.encode("utf-8", "backslashreplace").decode()
