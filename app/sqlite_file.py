"""What every SQLite file of ours needs, whoever opens it."""

from __future__ import annotations

import sqlite3
import time

_PAUSE_S = 0.005
_HELD = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def use_wal(connection: sqlite3.Connection, timeout_s: float) -> None:
    """Let readers and one writer work beside each other (journal_mode = WAL). The mode stays with the file.

    Turning it on needs the file alone, and SQLite does not wait for that, whatever its busy timeout: of two who open a
    new file at once, one is told that it is locked. Raises sqlite3.OperationalError when that lasts for `timeout_s`.
    """
    end = time.monotonic() + timeout_s
    while True:
        try:
            (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
            if mode != "wal":
                connection.execute("PRAGMA journal_mode = WAL").close()
        except sqlite3.OperationalError as error:
            if (
                error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
                or time.monotonic() > end
            ):
                raise
            time.sleep(_PAUSE_S)
        else:
            return
