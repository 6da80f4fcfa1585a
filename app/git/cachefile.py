"""What was found out about commits, kept between two starts.

Counts and verdicts hang on object ids alone, so they are never wrong, only unused. The last seen ids of upstreams are
the one thing here that cannot be computed again: they tell a branch whose upstream was deleted from one whose upstream
never was.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from app.git.model import Landed
from app.sqlite_file import use_wal

_log = logging.getLogger(__name__)

_VERSION = 1
_KEEP_ROWS = 20_000
"""Of one repository and table: some ten times what 2,000 branches need."""
_BUSY_S = 5.0
_TABLES = """
CREATE TABLE counts (
    repository TEXT, tip TEXT, base TEXT, ahead INTEGER, behind INTEGER, at INTEGER,
    PRIMARY KEY (repository, tip, base)
) WITHOUT ROWID;
CREATE TABLE verdicts (
    repository TEXT, tip TEXT, base TEXT, landed TEXT, why TEXT, at INTEGER,
    PRIMARY KEY (repository, tip, base)
) WITHOUT ROWID;
CREATE TABLE seen (repository TEXT, ref TEXT, oid TEXT, PRIMARY KEY (repository, ref)) WITHOUT ROWID;
"""

_LANDED: dict[str, Landed] = {"merged": "merged", "squashed": "squashed", "rebased": "rebased", "new": "new"}

Pair = tuple[str, str]
"""Two object ids: a tip, and what it is compared with."""


class Verdict(NamedTuple):
    """Whether the work of a tip is in a base. `contained` stands for a tip on the base's own mainline: whether it is
    merged or new is for the branch's reflog to say."""

    landed: Landed | None
    why: str = ""
    contained: bool = False


@dataclass(slots=True)
class Remembered:
    """What is known of one repository."""

    counts: dict[Pair, tuple[int, int]] = field(default_factory=dict)
    verdicts: dict[Pair, Verdict] = field(default_factory=dict)
    seen: dict[str, str] = field(default_factory=dict)
    """The object id that each remote-tracking ref last had here, by full name."""


class CacheFile:
    """A file of all repositories. Used from any thread; a file that cannot be used costs the memory and no more."""

    def __init__(self, path: Path | None) -> None:
        """Without a path nothing is kept."""
        self._path = path
        self._lock = threading.Lock()
        self._opened: sqlite3.Connection | None = None

    def load(self, repository: Path) -> Remembered:
        """All that is kept of a repository, which its common git folder names."""
        found = Remembered()
        with self._lock, self._patiently("read"):
            connection = self._connection()
            if connection is None:
                return found
            key = (_key(repository),)
            rows = connection.execute("SELECT tip, base, ahead, behind FROM counts WHERE repository = ?", key)
            found.counts = {(tip, base): (ahead, behind) for tip, base, ahead, behind in rows}
            rows = connection.execute("SELECT tip, base, landed, why FROM verdicts WHERE repository = ?", key)
            found.verdicts = {(tip, base): _verdict(landed, why) for tip, base, landed, why in rows}
            found.seen = {
                _text(ref): oid
                for ref, oid in connection.execute("SELECT ref, oid FROM seen WHERE repository = ?", key)
            }
        return found

    def save(
        self,
        repository: Path,
        *,
        counts: Mapping[Pair, tuple[int, int]] | None = None,
        verdicts: Mapping[Pair, Verdict] | None = None,
        seen: Mapping[str, str] | None = None,
    ) -> None:
        """Add to what is kept."""
        now, key = int(time.time()), _key(repository)
        with self._lock, self._patiently("write"):
            connection = self._connection()
            if connection is None:
                return
            with connection:
                connection.executemany(
                    "INSERT OR REPLACE INTO counts VALUES (?, ?, ?, ?, ?, ?)",
                    [(key, *pair, *count, now) for pair, count in (counts or {}).items()],
                )
                connection.executemany(
                    "INSERT OR REPLACE INTO verdicts VALUES (?, ?, ?, ?, ?, ?)",
                    [
                        (key, *pair, "contained" if verdict.contained else verdict.landed, verdict.why, now)
                        for pair, verdict in (verdicts or {}).items()
                    ],
                )
                connection.executemany(
                    "INSERT OR REPLACE INTO seen VALUES (?, ?, ?)",
                    [(key, _blob(ref), oid) for ref, oid in (seen or {}).items()],
                )
                for table in ("counts", "verdicts"):
                    _trim(connection, table, key)

    def close(self) -> None:
        """Give the file back."""
        with self._lock:
            if self._opened is not None:
                self._opened.close()
                self._opened = None

    @contextlib.contextmanager
    def _patiently(self, doing: str) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            _log.warning("cannot %s %s: %s", doing, self._path, error)

    def _connection(self) -> sqlite3.Connection | None:
        if self._opened is None and self._path is not None:
            try:
                self._opened = _open(self._path)
            except sqlite3.DatabaseError as error:
                if isinstance(error, sqlite3.OperationalError):
                    raise
                _log.warning("%s is damaged and begun anew: %s", self._path, error)
                for suffix in ("", "-wal", "-shm"):
                    self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
                self._opened = _open(self._path)
            except OSError as error:
                raise sqlite3.OperationalError(str(error)) from error
        return self._opened


def _open(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, timeout=_BUSY_S, check_same_thread=False)
    try:
        use_wal(connection, _BUSY_S)
        connection.execute("PRAGMA synchronous = OFF")
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version != _VERSION:
                for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                    connection.execute(f'DROP TABLE "{table}"')
                for statement in _TABLES.split(";"):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {_VERSION}")
    except BaseException:
        connection.close()
        raise
    return connection


def _trim(connection: sqlite3.Connection, table: str, key: str) -> None:
    """The oldest go."""
    (rows,) = connection.execute(f"SELECT count(*) FROM {table} WHERE repository = ?", (key,)).fetchone()
    if rows > _KEEP_ROWS:
        oldest = f"SELECT tip, base FROM {table} WHERE repository = ? ORDER BY at LIMIT ?"
        gone = connection.execute(oldest, (key, rows - _KEEP_ROWS // 2)).fetchall()
        connection.executemany(
            f"DELETE FROM {table} WHERE repository = ? AND tip = ? AND base = ?", [(key, *pair) for pair in gone]
        )


def _key(repository: Path) -> str:
    return str(repository).encode("utf-8", "backslashreplace").decode()


def _blob(ref: str) -> bytes:
    return ref.encode("utf-8", "surrogateescape")


def _text(ref: bytes) -> str:
    return ref.decode("utf-8", "surrogateescape")


def _verdict(landed: str | None, why: str) -> Verdict:
    if landed == "contained":
        return Verdict(None, why, contained=True)
    return Verdict(_LANDED.get(landed or ""), why)
