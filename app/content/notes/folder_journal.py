"""What a folder of notes and the notes were when they were last the same: a file of this machine for each folder."""

from __future__ import annotations

import fcntl
import hashlib
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path

from app import paths
from app.errors import UserError
from app.sqlite_file import use_wal

_SCHEMA = """CREATE TABLE IF NOT EXISTS synced (
    note TEXT PRIMARY KEY, path TEXT NOT NULL, file TEXT NOT NULL, hash TEXT NOT NULL, title TEXT NOT NULL,
    stamp TEXT NOT NULL
) WITHOUT ROWID"""
WAIT_S = 10.0


@dataclass(frozen=True, slots=True)
class Row:
    """A note (by its id) and its file, with the hashes and the title that they had, and the file's stamp."""

    note: str
    path: str
    file: str
    hash: str
    title: str
    stamp: str


class SyncJournal:
    """The open journal of a folder. Losing it loses no text: what differs is then a conflict."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, timeout=WAIT_S, isolation_level=None, check_same_thread=False)
        use_wal(self._connection, WAIT_S)
        self._connection.execute(_SCHEMA)

    def rows(self) -> list[Row]:
        """All of them, in the order of the notes."""
        return [Row(*row) for row in self._connection.execute("SELECT * FROM synced ORDER BY note")]

    def keep(self, rows: Iterable[Row], gone: Sequence[str]) -> None:
        """Write rows and forget those of notes that are `gone`, in one step."""
        with self._connection as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("DELETE FROM synced WHERE note = ?", [(note,) for note in gone])
            connection.executemany("INSERT OR REPLACE INTO synced VALUES (?, ?, ?, ?, ?, ?)", map(astuple, rows))

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


@contextmanager
def journal_of(root: Path) -> Iterator[SyncJournal]:
    """The journal of a folder, for one process at a time. Raises UserError while another one has it."""
    folder = paths.data_dir() / "notes"
    name = hashlib.sha256(os.fsencode(root)).hexdigest()[:32]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder / f"{name}.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        fix = "make this folder writable"
        raise UserError(f"cannot write the journal: {error.strerror}", where=str(folder), fix=fix) from None
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(
                "another process is at work in it", where=str(root), fix="wait until it has ended"
            ) from None
        try:
            journal = SyncJournal(folder / f"{name}.db")
        except sqlite3.Error as error:
            place = str(folder / f"{name}.db")
            fix = "move it away: what differs is then kept twice"
            raise UserError(f"cannot use the journal: {error}", where=place, fix=fix) from None
        try:
            yield journal
        finally:
            journal.close()
    finally:
        os.close(handle)
