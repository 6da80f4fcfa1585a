"""What a database error means: try again, wait, tell the user, or a bug of ours."""

from __future__ import annotations

from typing import Literal

from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, IntegrityError

from app.db import urls
from app.errors import UserError

Fault = Literal["lost", "busy", "schema", "unavailable", "other"]

LOST = frozenset({1053, 1152, 1158, 1159, 1160, 1161, 1927, 2006, 2013, 2014, 2045, 2055, 4031})
BUSY = frozenset({1205, 1213})
NO_SUCH = 1305
"""Of a procedure, or of a savepoint: a server that ends a transaction because of a deadlock takes its savepoints, too,
and going back to one then fails with this, which hides the deadlock."""
SCHEMA = frozenset({1054, 1146})
DENIED = frozenset({1044, 1045, 1130, 1142, 1143, 1227, 1251, 1698, 3118, 4151})
FULL = frozenset({3, 1021, 1026, 1041, 1114})
READ_ONLY = frozenset({1290, 1792, 1836, 3100})
UNREACHABLE = frozenset({2001, 2002, 2003, 2005, 2026})
CROWDED = frozenset({1040, 1129, 1203, 1226})
INTERRUPTED = frozenset({1317, 1969, 3024})
TROUBLED = frozenset({5, 1015, 1016, 1037, 1038, 1180, 1194, 1195, 1206})
UNKNOWN_DATABASE = 1049
CHECK_FAILED = frozenset({3819, 4025})
UNAVAILABLE = DENIED | FULL | READ_ONLY | UNREACHABLE | CROWDED | INTERRUPTED | TROUBLED | {UNKNOWN_DATABASE}

SQLITE_BUSY = frozenset({5, 6})
SQLITE_ENVIRONMENT = {
    8: ("the database file cannot be written", "make the file and its folder writable for you"),
    10: ("reading or writing the database file failed", "check the disk, and that there is space left on it"),
    11: ("the database file is damaged", "put a backup in its place, or move the file away to start afresh"),
    13: ("there is no space left for the database", "free some space on that disk"),
    14: ("the database file cannot be opened", "check that its folder exists and is writable for you"),
    26: ("this file is not a SQLite database", "correct database.url, or move the file away"),
}


class UnavailableError(UserError):
    """The database cannot be used now; the work itself was not at fault and can be done later."""


def code(error: BaseException) -> int:
    """The server's or SQLite's own error number; 0 when there is none."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    number = getattr(cause, "sqlite_errorcode", None)
    if number is None and cause is not None and cause.args:
        number = cause.args[0]
    return number if isinstance(number, int) else 0


def is_sqlite(error: BaseException) -> bool:
    """True for an error that SQLite raised."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return type(cause).__module__ == "sqlite3"


def timed_out(error: BaseException) -> bool:
    """True when the server did not answer in time; asking again at once would double the wait."""
    return "timed out" in str(error).lower()


def is_constraint(error: BaseException) -> bool:
    """True when a row broke a rule of the table. MariaDB and MySQL report a failed CHECK as an operational error."""
    if isinstance(error, IntegrityError):
        return True
    return isinstance(error, DBAPIError) and not is_sqlite(error) and code(error) in CHECK_FAILED


def classify(error: BaseException) -> Fault:
    """What to do about an error that came out of a unit of work."""
    if not isinstance(error, DBAPIError):
        return "other"
    number = code(error)
    if is_sqlite(error):
        if number & 0xFF in SQLITE_BUSY:
            return "busy"
        if number & 0xFF in SQLITE_ENVIRONMENT:
            return "unavailable"
        return "schema" if str(error.orig).startswith("no such ") else "other"
    if number in LOST or error.connection_invalidated:
        return "unavailable" if timed_out(error) else "lost"
    if number in BUSY or (number == NO_SUCH and "SAVEPOINT" in str(error.orig)):
        return "busy"
    if number in SCHEMA:
        return "schema"
    if number in UNAVAILABLE or (number == 1030 and "28" in str(error.orig)):
        return "unavailable"
    return "other"


def explain(error: BaseException, url: URL) -> UnavailableError:
    """The same error in words for the user; never with the password."""
    what, fix = _words(error, url)
    return UnavailableError(urls.scrub(what, url), where=urls.masked(url), fix=urls.scrub(fix, url))


def _words(error: BaseException, url: URL) -> tuple[str, str]:
    number = code(error)
    said = str(error.orig if isinstance(error, DBAPIError) else error)
    if is_sqlite(error):
        if number & 0xFF in SQLITE_BUSY:
            return "another program keeps the database locked", "end it, or try again"
        return SQLITE_ENVIRONMENT.get(number & 0xFF, (said, "see the log"))
    user, name, server = url.username or "", url.database or "", f"{url.host}:{url.port or 3306}"
    if number == 1044:
        return f"the user '{user}' may not use the database '{name}'", "ask the server's owner for the right to it"
    if number in DENIED:
        return f"the server refuses the user '{user}'", "check the user and the password in database.url"
    if number == UNKNOWN_DATABASE:
        return f"the server has no database '{name}'", "correct database.url, or create it with `qd db upgrade`"
    if number in FULL or number == 1030:
        return "the server has no space left for this", "free some space on the server"
    if number in READ_ONLY:
        return "the server takes no writes", "point database.url at a server that does"
    if number in CROWDED:
        return "the server takes no more connections", "wait, or raise its limits"
    if number in TROUBLED:
        return f"the server is in trouble: {said}", "look into the server's own log"
    if number in BUSY or number == NO_SUCH:
        return "another program keeps the rows locked", "try again"
    if number in LOST or number in INTERRUPTED:
        return ("the server did not answer in time" if timed_out(error) else "the server went away"), "try again"
    low = said.lower()
    if "name or service not known" in low or "nodename nor servname" in low or "name resolution" in low:
        return f"there is no host '{url.host}'", "correct the host in database.url"
    if "refused" in low or number == 2002:
        return f"no server answers at {server}", "start it, or correct database.url"
    if "timed out" in low:
        return f"no answer from {server} in time", "check the network, or raise database.connect_timeout_s"
    return f"the server at {server} cannot be used: {said}", "check database.url"
