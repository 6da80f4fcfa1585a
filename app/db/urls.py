"""Database URLs: what the user writes, what the driver needs, what may be shown."""

from __future__ import annotations

import hashlib
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from app.errors import UserError
from app.paths import data_dir

EXAMPLE = "mysql://user:password@127.0.0.1:3306/quarterdeck"
SERVERS = frozenset({"mysql", "mysql+pymysql", "mariadb", "mariadb+pymysql"})
SECRET_QUERY = frozenset({"password", "passwd"})


def embedded_path() -> Path:
    """File of the database that is used when no URL is configured."""
    return data_dir() / "quarterdeck.db"


def parse(text: str) -> URL:
    """The URL as SQLAlchemy takes it. Empty text means the embedded database; raises UserError on anything odd."""
    if not text.strip():
        return URL.create("sqlite", database=str(embedded_path()))
    try:
        url = make_url(text.strip())
    except (ArgumentError, ValueError):
        # The original error is dropped: it may quote a part of the password.
        raise _malformed() from None
    if "@" in (url.host or "") or (url.drivername in SERVERS and "@" in (url.database or "")):
        # A password with a bare @: what follows it was taken for the host, and must not be shown.
        raise _malformed()
    if url.drivername in {"sqlite", "sqlite+pysqlite"}:
        database = url.database
        if database and database != ":memory:":
            database = str(Path(database).expanduser())
        return url.set(drivername="sqlite", database=database or ":memory:")
    if url.drivername not in SERVERS:
        raise UserError(
            f"Quarterdeck has no driver for {url.drivername}://",
            where="database.url",
            fix=f"use mysql://, mariadb:// or sqlite:///, for instance {EXAMPLE}",
        )
    if not url.database:
        raise UserError(
            f"the URL {masked(url)} names no database",
            where="database.url",
            fix="put the database's name after the last slash, for instance /quarterdeck",
        )
    # One name for both kinds of server: table options are then written once; the dialect tells them apart itself.
    return url.set(drivername="mysql+pymysql", host=url.host or "127.0.0.1")


def identity(url: URL) -> str:
    """A hash that is the same for the same database, whatever its password."""
    if url.drivername == "sqlite":
        place = f"sqlite {Path(url.database or '').resolve()}"
    else:
        host = "127.0.0.1" if url.host == "localhost" else url.host
        place = f"server {host}:{url.port or 3306}/{url.database}"
    return hashlib.sha256(place.encode()).hexdigest()


def _malformed() -> UserError:
    return UserError(
        "this is not a database URL",
        where="database.url",
        fix=f"write for instance {EXAMPLE}; characters such as @ : / in the password as %40 %3A %2F",
    )


def is_memory(url: URL) -> bool:
    """True for a SQLite database that lives in memory only."""
    return url.drivername == "sqlite" and url.database == ":memory:"


def masked(url: URL) -> str:
    """The URL without its secrets, in the form the user writes it."""
    hidden = url.set(
        drivername=url.drivername.split("+")[0],
        query={key: "***" if key in SECRET_QUERY else value for key, value in url.query.items()},
    )
    return hidden.render_as_string(hide_password=True)


def scrub(text: str, url: URL) -> str:
    """`text` with every occurrence of the URL's password removed, for messages that come from elsewhere."""
    secrets = [str(url.password or ""), *(str(url.query.get(key) or "") for key in SECRET_QUERY)]
    for secret in secrets:
        if secret:
            text = text.replace(secret, "***")
    return text
