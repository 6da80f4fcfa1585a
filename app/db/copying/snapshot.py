"""Reading a whole database as it was at one moment, while others go on writing to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select
from sqlalchemy.exc import SQLAlchemyError

from app.db import faults, migrate, paging, urls
from app.db.copying.rows import Key, Shape, Values
from app.db.engine import Database
from app.errors import UserError

FETCH_ROWS = 8
"""Rows that are fetched at once: a row may have megabytes."""

MOMENTS = frozenset({7, 12})
"""Numbers of TIMESTAMP and DATETIME in the servers' protocol."""

PATIENCE_S = 6 * 3600.0
"""How long a reader waits for the server, and the server for a reader that is busy writing."""


class Snapshot:
    """One read transaction. `Snapshot.opened` begins and ends it."""

    checked = False
    """Nothing says that the rows read earlier are still the same."""

    def __init__(self, db: Database, conn: Connection) -> None:
        self.label = db.masked_url
        self.identity = urls.identity(db.url)
        self._db = db
        self._conn = conn

    @classmethod
    @contextmanager
    def opened(cls, db: Database) -> Iterator[Snapshot]:
        """Read everything as it is now. Raises UnavailableError when the database does not answer."""
        engine = db.private_engine(PATIENCE_S)
        try:
            with explained(db), engine.connect() as conn:
                driver = conn.connection.dbapi_connection
                try:
                    _begin(conn)
                    yield cls(db, conn)
                except BaseException:
                    _abandon(conn, driver)
                    raise
        finally:
            engine.dispose()

    def revision(self) -> str | None:
        """The revision of the tables."""
        return migrate.current(self._conn)

    def count(self, shape: Shape) -> int:
        """Rows of a table."""
        return int(self._conn.execute(select(func.count()).select_from(shape.table)).scalar_one())

    def rows(self, shape: Shape, after: Key | None = None, until: Key | None = None) -> Iterator[Values]:
        """The rows in the order of their keys: those beyond `after`, up to and with `until`."""
        statement = select(*shape.table.columns).order_by(*shape.keys)
        for condition in between(shape, after, until):
            statement = statement.where(condition)
        result = self._conn.execute(statement.execution_options(yield_per=FETCH_ROWS))
        try:
            for row in result:
                yield shape.plain(row)
        except (ValueError, TypeError) as error:
            raise UserError(
                f"the table {shape.name} holds a value that cannot be read: {error}",
                where=self.label,
                fix="correct or delete that row; the row after those already read is the one",
            ) from error


def between(shape: Shape, after: Key | None, until: Key | None) -> list[ColumnElement[bool]]:
    """The conditions of a range of keys."""
    keys = [paging.Key(column) for column in shape.keys]
    conditions = []
    if after is not None:
        conditions.append(paging.beyond(keys, after))
    if until is not None:
        same = and_(*(column == value for column, value in zip(shape.keys, until, strict=True)))
        conditions.append(or_(paging.beyond(keys, until, backward=True), same))
    return conditions


@contextmanager
def explained(db: Database) -> Iterator[None]:
    """Put errors of the driver in the user's words."""
    try:
        yield
    except SQLAlchemyError as error:
        if faults.classify(error) == "other":
            raise UserError(
                urls.scrub(str(getattr(error, "orig", None) or error), db.url), where=db.masked_url, fix="see the log"
            ) from error
        raise faults.explain(error, db.url) from error


def _begin(conn: Connection) -> None:
    if conn.dialect.name == "sqlite":
        driver: Any = conn.connection.dbapi_connection
        # Bytes that are no UTF-8 must not end the whole copy: they are made visible, and told.
        driver.text_factory = lambda data: str(data, "utf-8", "surrogateescape")
        conn.begin()
        # A transaction of SQLite begins with its first read.
        conn.exec_driver_sql("SELECT count(*) FROM sqlite_master").close()
        return
    # Moments are carried as the text that the server sends.
    server: Any = conn.connection.dbapi_connection
    server.decoders = {kind: decoder for kind, decoder in server.decoders.items() if kind not in MOMENTS}
    conn.execution_options(isolation_level="REPEATABLE READ")
    conn.exec_driver_sql(f"SET SESSION net_write_timeout = {int(PATIENCE_S)}")
    conn.exec_driver_sql("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")


def _abandon(conn: Connection, driver: Any) -> None:
    """Drop the connection: closing a result in the middle would first read all the rest of it."""
    if conn.dialect.name != "sqlite":
        result, driver._result = driver._result, None
        if result is not None:
            result.unbuffered_active = False
    conn.invalidate()
