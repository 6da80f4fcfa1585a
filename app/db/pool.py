"""The SQLAlchemy engine for a URL: pool, time-outs and what every new connection is told first."""

from __future__ import annotations

import math
import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler
from sqlalchemy.engine import URL
from sqlalchemy.pool import StaticPool

from app.db import urls
from app.db.faults import UnavailableError
from app.db.types import dumps
from app.sqlite_file import use_wal

IMMEDIATE = "quarterdeck_immediate"
"""Execution option: begin a SQLite transaction as a writer."""

SQLITE_BUSY_MS = 5000
SQLITE_PAGE = 8192
"""Bytes of a page of a new file: with SQLite's own 4096, the indexes of some hundred thousand rows are a level higher,
and more pages are written for the same rows. A file that is there keeps its own."""
SESSION = (
    "SET SESSION time_zone = '+00:00',"
    " sql_mode = 'STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'"
)
"""Sent on connect: without a strict mode a server cuts what is too long and says nothing."""


@dataclass(frozen=True, slots=True)
class PoolSettings:
    """Bounds of the connections."""

    size: int = 4
    connect_timeout_s: float = 5.0
    read_timeout_s: float = 30.0
    recycle_s: float = 1800.0


class _HintingCompiler(SQLiteCompiler):
    """Writes the hints meant for SQLite (`INDEXED BY …`), which the dialect leaves out; those for servers stay out."""

    def get_from_hint_text(self, table: Any, text: str | None) -> str | None:
        return text if text and text.startswith("INDEXED BY ") else None


def make_engine(url: URL, settings: PoolSettings) -> Engine:
    """An engine that has not connected yet."""
    return _sqlite(url, settings) if url.drivername == "sqlite" else _server(url, settings)


def _server(url: URL, settings: PoolSettings) -> Engine:
    timeout = max(1, math.ceil(settings.read_timeout_s))
    return create_engine(
        url,
        pool_size=settings.size,
        max_overflow=0,
        pool_pre_ping=True,
        pool_recycle=int(settings.recycle_s),
        isolation_level="READ COMMITTED",
        hide_parameters=True,
        json_serializer=dumps,
        connect_args={
            "charset": "utf8mb4",
            "connect_timeout": max(1, math.ceil(settings.connect_timeout_s)),
            "read_timeout": timeout,
            "write_timeout": timeout,
            "init_command": SESSION,
            "program_name": "quarterdeck",
        },
    )


def _sqlite(url: URL, settings: PoolSettings) -> Engine:
    common: dict[str, Any] = {"hide_parameters": True, "json_serializer": dumps}
    if urls.is_memory(url):
        # Each connection to :memory: is a database of its own, so there can only be one.
        engine = create_engine(url, poolclass=StaticPool, connect_args={"check_same_thread": False}, **common)
    else:
        _make_private(url)
        engine = create_engine(url, pool_size=settings.size, max_overflow=0, **common)

    engine.dialect.statement_compiler = _HintingCompiler

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, record: object) -> None:
        # The driver must not begin transactions itself: it does so late, and not at all before DDL.
        connection.isolation_level = None
        # FULL, since the journal forgets what was drained: NORMAL leaves the last commits to the next checkpoint,
        # and a power loss before it would then take them from both files.
        for pragma in (
            f"busy_timeout = {SQLITE_BUSY_MS}",
            f"page_size = {SQLITE_PAGE}",
            "synchronous = FULL",
            "foreign_keys = ON",
            "journal_size_limit = 67108864",
        ):
            connection.execute(f"PRAGMA {pragma}").close()
        use_wal(connection, SQLITE_BUSY_MS / 1000)

    @event.listens_for(engine, "begin")
    def begin(conn: Connection) -> None:
        conn.exec_driver_sql("BEGIN IMMEDIATE" if conn.get_execution_options().get(IMMEDIATE) else "BEGIN")

    return engine


def _make_private(url: URL) -> None:
    """Create the file readable for its owner only; SQLite gives its companions the same mode."""
    path = Path(url.database or "")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise UnavailableError(
            f"the database file cannot be made: {error.strerror}",
            where=str(path),
            fix="make the folder writable for you, free space on its disk, or set database.url",
        ) from error
