"""The database as the rest of the app knows it: `await db.run(unit_of_work)`."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.db import faults, migrate, urls
from app.db.apart import Apart
from app.db.faults import UnavailableError
from app.db.pool import IMMEDIATE, PoolSettings, make_engine
from app.db.stopping import Job
from app.db.workers import Workers

log = logging.getLogger(__name__)

Result = TypeVar("Result")
Work = Callable[[Connection], Result]
Watcher = Callable[[bool, str], None]

REPEATS = {"lost": 1, "busy": 4, "schema": 1}
"""How often a unit of work is run again after a fault of each kind."""

MIGRATION_TIMEOUT_S = 6 * 3600.0

KILL_TIMEOUT_S = 5.0

MIN_MYSQL = (8, 0, 19)
MIN_MARIADB = (10, 11)


class Database:
    """One database, with its threads and connections. Nothing is opened before the first call.

    The tables are brought up to date before the first unit of work, or by `ready()`.
    """

    def __init__(
        self,
        url: str = "",
        *,
        pool_size: int = 4,
        connect_timeout_s: float = 5.0,
        read_timeout_s: float = 30.0,
        recycle_s: float = 1800.0,
        apart: bool = False,
    ) -> None:
        """`apart`: for a program that stays open; migrations run in a process of their own."""
        self.url = urls.parse(url)
        self._apart = Apart(self.url) if apart and not urls.is_memory(self.url) else None
        size = 1 if urls.is_memory(self.url) else max(1, pool_size)
        self._settings = PoolSettings(size, connect_timeout_s, read_timeout_s, recycle_s)
        self._workers = Workers("db", size)
        self._opening = threading.Lock()
        self._preparing = threading.Lock()
        self._made: Engine | None = None
        self._ready = False
        self._closed = False
        self._watchers: list[Watcher] = []

    @property
    def backend(self) -> str:
        """`sqlite`, `mariadb` or `mysql`; before the first connection a server is what its URL says."""
        if self.url.drivername == "sqlite":
            return "sqlite"
        dialect = self._made.dialect if self._made is not None else None
        return "mariadb" if dialect is not None and getattr(dialect, "is_mariadb", False) else "mysql"

    @property
    def masked_url(self) -> str:
        """The URL without its password."""
        return urls.masked(self.url)

    async def run(self, work: Work[Result], *, write: bool = False) -> Result:
        """Run `work(connection)` in a thread, in one transaction, and return what it returns.

        `work` must be repeatable: it is run again when the connection was lost (even while committing), on a
        deadlock, and when SQLite finds it reading before writing beside another writer (`write` avoids the latter).
        Raises UnavailableError when the database is at fault; what `work` raises passes through. When the task that
        waits for it is cancelled, work that does not write is ended, its statement on the server with it.
        """
        job = Job()
        try:
            result = await asyncio.wrap_future(self._workers.submit(lambda: self.run_now(work, write, job=job)))
        except asyncio.CancelledError:
            if not write:
                job.stop(self._kill)
            raise
        except UnavailableError as error:
            self._tell(False, str(error))
            raise
        self._tell(True, "")
        return result

    async def ready(self) -> None:
        """Connect, check the server's version, and bring the tables up to date."""
        await self.run(lambda conn: None)

    def run_now(
        self, work: Work[Result], write: bool = False, *, prepared: bool = True, job: Job | None = None
    ) -> Result:
        """The same as `run`, in the calling thread; `prepared` False leaves the tables in the state they are in."""
        left = dict(REPEATS)
        while True:
            try:
                if prepared:
                    self._prepare()
                return self.transact(work, write, job)
            except (SQLAlchemyError, PoolTimeout) as error:
                if job is not None and job.stopped:
                    raise
                fault = faults.classify(error)
                if left.get(fault, 0) > 0:
                    left[fault] -= 1
                    log.info("a unit of work is repeated (%s): %s", fault, urls.scrub(str(error), self.url))
                    self._ready = self._ready and fault != "schema"
                    write = write or fault == "busy"
                    continue
                if fault in {"other", "schema"}:
                    raise
                raise faults.explain(error, self.url) from error

    def upgrade(self) -> None:
        """Bring the tables up to date, though they may have been before: someone put older ones in their place."""
        self._ready = False
        self.run_now(lambda conn: None)

    def transact(self, work: Work[Result], write: bool = False, job: Job | None = None) -> Result:
        """Run `work` once in a transaction, whatever state the tables are in; driver errors pass through."""
        with self.engine().connect() as conn, (job or Job()).using(conn):
            if write:
                conn = conn.execution_options(**{IMMEDIATE: True})
            with conn.begin():
                return work(conn)

    def look(self, work: Work[Result]) -> Result:
        """Run `work` in the calling thread without bringing the tables up to date first."""
        try:
            return self.transact(work)
        except SQLAlchemyError as error:
            if faults.classify(error) == "other":
                raise
            raise faults.explain(error, self.url) from error

    def create(self) -> None:
        """Make the database on the server."""
        engine = make_engine(self.url.set(database=""), self._settings)
        try:
            with engine.connect() as conn:
                name = conn.dialect.identifier_preparer.quote_identifier(self.url.database or "")
                conn.exec_driver_sql(
                    f"CREATE DATABASE IF NOT EXISTS {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci"
                )
        except SQLAlchemyError as error:
            raise faults.explain(error, self.url) from error
        finally:
            engine.dispose()

    def engine(self) -> Engine:
        """The engine, made on first use."""
        with self._opening:
            if self._closed:
                raise RuntimeError("the database is closed")
            if self._made is None:
                self._made = make_engine(self.url, self._settings)
            return self._made

    def private_engine(self, read_timeout_s: float) -> Engine:
        """An engine of one connection for the caller alone, who disposes of it: for statements that take long."""
        return make_engine(self.url, replace(self._settings, size=1, read_timeout_s=read_timeout_s))

    def alone(self, read_timeout_s: float | None = None) -> Database:
        """The same database over one connection for the caller alone, who closes it: for work of many transactions,
        or, with a time-out of its own, for statements that take long.

        A database in memory has but one connection, and is returned itself.
        """
        if urls.is_memory(self.url):
            return self
        return Database(
            self.url.render_as_string(hide_password=False),
            pool_size=1,
            connect_timeout_s=self._settings.connect_timeout_s,
            read_timeout_s=self._settings.read_timeout_s if read_timeout_s is None else read_timeout_s,
            recycle_s=self._settings.recycle_s,
        )

    def check_version(self, conn: Connection) -> str:
        """The server's version; raises UnavailableError when it is too old to hold the tables."""
        info = tuple(part for part in (conn.dialect.server_version_info or ()) if isinstance(part, int))
        version = ".".join(map(str, info[:3]))
        if self.backend == "sqlite":
            return version
        minimum, name = (MIN_MARIADB, "MariaDB") if self.backend == "mariadb" else (MIN_MYSQL, "MySQL")
        if info < minimum:
            raise UnavailableError(
                f"{name} {version} is too old",
                where=self.masked_url,
                fix=f"Quarterdeck needs {name} {'.'.join(map(str, minimum))} or later",
            )
        return version

    def watch(self, watcher: Watcher) -> Callable[[], None]:
        """Call `watcher(up, why)` after every run, in the event loop's thread; returns the function that ends it."""
        self._watchers.append(watcher)

        def end() -> None:
            if watcher in self._watchers:
                self._watchers.remove(watcher)

        return end

    def close(self, timeout: float = 2.0) -> None:
        """Drop what is queued, wait briefly for what is under way, close the connections."""
        if self._apart is not None:
            self._apart.close()
        done = self._workers.close(timeout, cancel=True)
        with self._opening:
            self._closed = True
            if self._made is not None:
                self._made.dispose(close=done)

    def _kill(self, number: int) -> None:
        engine = self.private_engine(KILL_TIMEOUT_S)
        try:
            with engine.connect() as conn:
                conn.exec_driver_sql(f"KILL QUERY {number:d}")
        finally:
            engine.dispose()

    def _prepare(self) -> None:
        if self._ready:
            return
        with self._preparing:
            if not self._ready:
                _, revision = self.transact(lambda conn: (self.check_version(conn), migrate.current(conn)))
                migrate.refuse_newer(revision, self.url)
                if revision != migrate.head() and self._apart is not None:
                    self._apart.upgrade()
                    revision = self.transact(migrate.current)
                if revision != migrate.head():
                    self._upgrade()
                self._ready = True

    def _upgrade(self) -> None:
        """Run the migrations on a connection that may take its time: a change of a large table takes minutes."""
        if self.url.drivername == "sqlite":
            migrate.upgrade(self.engine(), self.url)
            return
        patient = self.private_engine(MIGRATION_TIMEOUT_S)
        try:
            migrate.upgrade(patient, self.url)
        finally:
            patient.dispose()

    def _tell(self, up: bool, why: str) -> None:
        for watcher in tuple(self._watchers):
            watcher(up, why)
