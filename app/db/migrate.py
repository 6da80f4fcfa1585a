"""Bring the tables of a database up to date. Alembic is imported only when they are behind."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, text
from sqlalchemy.engine import URL

from app.db import urls
from app.db.faults import UnavailableError
from app.db.pool import IMMEDIATE

if TYPE_CHECKING:
    from alembic.config import Config

SCRIPTS = Path(__file__).parent / "migrations"
LOCK_WAIT_S = 60


def revisions() -> tuple[str, ...]:
    """Every revision in order, from the names of the files: `0001_first.py` holds revision `0001`."""
    found = (re.match(r"(\d{4})_\w+\.py$", path.name) for path in (SCRIPTS / "versions").iterdir())
    return tuple(sorted(match.group(1) for match in found if match))


def head() -> str:
    """The revision that this version of the app works with."""
    return revisions()[-1]


def current(conn: Connection) -> str | None:
    """The revision of the database; None when it has no tables of ours."""
    if not conn.dialect.has_table(conn, "alembic_version"):
        return None
    return conn.execute(text("SELECT version_num FROM alembic_version")).scalar()


def refuse_newer(revision: str | None, url: URL) -> None:
    """Raise when a later version of the app has changed the tables."""
    if revision is not None and revision not in revisions():
        raise UnavailableError(
            f"a newer Quarterdeck has changed this database (revision {revision}, this one knows {head()})",
            where=urls.masked(url),
            fix="update Quarterdeck",
        )


def upgrade(engine: Engine, url: URL, to: str = "head") -> bool:
    """Run the migrations up to `to`, alone: a second process waits and then finds nothing left to do."""
    from alembic import command

    with engine.connect() as conn:
        conn = conn.execution_options(**{IMMEDIATE: True})
        with _alone(conn, url):
            before = current(conn)
            refuse_newer(before, url)
            command.upgrade(config(conn), to)
            after = current(conn)
            conn.commit()
    return before != after


def config(conn: Connection) -> Config:
    """Alembic's configuration for one connection; there is no ini file."""
    from alembic.config import Config

    made = Config()
    made.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    made.set_main_option("path_separator", "os")
    made.attributes["connection"] = conn
    return made


@contextmanager
def _alone(conn: Connection, url: URL) -> Iterator[None]:
    """Hold the lock of the schema. SQLite needs none beyond the transaction, which began as a writer's."""
    if conn.dialect.name == "sqlite":
        yield
        return
    name = f"quarterdeck schema {url.database}"[:64]
    if not conn.execute(text("SELECT GET_LOCK(:name, :wait)"), {"name": name, "wait": LOCK_WAIT_S}).scalar():
        raise UnavailableError(
            "another program is changing the tables and does not finish", where=urls.masked(url), fix="try again"
        )
    try:
        yield
    finally:
        if not conn.invalidated:
            conn.execute(text("SELECT RELEASE_LOCK(:name)"), {"name": name})
