"""Databases for tests: SQLite, a private MariaDB started here, and a server that the environment names.

Import the fixtures into a conftest or a test module: `from tests.servers import database, database_url, ...`.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from app.db.engine import Database

NAMED = "QUARTERDECK_TEST_MYSQL_URL"
REQUIRED = "QUARTERDECK_REQUIRE_MYSQL"
START_S = 60.0

BACKENDS = [
    "sqlite",
    pytest.param("mariadb", marks=pytest.mark.server),
    pytest.param("mysql", marks=pytest.mark.server),
]
SERVERS = BACKENDS[1:]


class Server:
    """A running MariaDB or MySQL in which databases can be made."""

    def __init__(self, host: str, port: int, user: str, password: str) -> None:
        self.host, self.port, self.user, self.password = host, port, user, password

    def admin(self, *statements: str) -> list[tuple[object, ...]]:
        """Run statements as the administrator; returns the rows of the last one."""
        import pymysql

        connection = pymysql.connect(
            host=self.host, port=self.port, user=self.user, password=self.password, autocommit=True, connect_timeout=5
        )
        try:
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
                return list(cursor.fetchall())
        finally:
            connection.close()

    def url(self, database: str) -> str:
        """URL of one database as a user writes it."""
        secret = f":{self.password}" if self.password else ""
        return f"mysql://{self.user}{secret}@{self.host}:{self.port}/{database}"

    @contextlib.contextmanager
    def database(self) -> Iterator[str]:
        """A database of its own, dropped at the end; yields its URL."""
        name = self.create()
        try:
            yield self.url(name)
        finally:
            self.admin(f"DROP DATABASE IF EXISTS {name}")

    def create(self) -> str:
        """Make a database of a name that is free, and return the name."""
        name = f"qd_test_{uuid.uuid4().hex[:12]}"
        self.admin(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        return name


class PrivateMariaDB(Server):
    """A MariaDB of the installed program, in a folder and on a port of its own, that may be killed."""

    def __init__(self, folder: Path, *more: str) -> None:
        """`more`: options of the server that come last, and so hold."""
        super().__init__("127.0.0.1", free_port(), "root", "")
        self._more = more
        self.folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        options = ["--no-defaults", f"--datadir={folder / 'data'}", f"--tmpdir={folder}", "--innodb-log-file-size=8M"]
        if os.geteuid() == 0:
            options.append("--user=root")
        self._options = options
        done = subprocess.run(
            [
                _program("mariadb-install-db"),
                *options,
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
                "--skip-name-resolve",
            ],
            capture_output=True,
            text=True,
            timeout=START_S,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    @property
    def running(self) -> bool:
        """Its process exists."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it where it does not run, and wait until it answers. Call it from the main thread: the server lives
        no longer than the thread that started it."""
        from pymysql.err import OperationalError

        if self.running:
            return
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    _program("mariadbd"),
                    *self._options,
                    f"--port={self.port}",
                    f"--socket={self.folder / 's'}",
                    f"--pid-file={self.folder / 'pid'}",
                    "--bind-address=127.0.0.1",
                    "--skip-name-resolve",
                    "--skip-log-bin",
                    "--innodb-buffer-pool-size=64M",
                    "--innodb-flush-log-at-trx-commit=2",
                    *self._more,
                ],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                preexec_fn=_die_with_parent,
            )
        deadline = time.monotonic() + START_S
        while True:
            try:
                self.admin("SELECT 1")
                return
            except OperationalError:
                if not self.running or time.monotonic() > deadline:
                    raise AssertionError((self.folder / "log").read_text(errors="replace")[-3000:]) from None
                self._pause()

    def stop(self) -> None:
        """End it as a system shutdown would."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a crash would."""
        self._end(signal.SIGKILL)

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(START_S)
            self._process = None

    def _pause(self) -> None:
        assert self._process is not None
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(0.05)


class Prepared:
    """One open database with tables for each kind, emptied after each test.

    Making tables and warming a connection take far longer than most tests do with them.
    """

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="qd-tests-"))
        self._open: dict[Server | None, Database] = {}

    def get(self, server: Server | None) -> Database:
        """The database on `server`, or without one the SQLite file."""
        if server not in self._open:
            from app.db.engine import Database

            file = self._folder / f"{uuid.uuid4().hex}.db"
            url = server.url(server.create()) if server is not None else f"sqlite:///{file}"
            self._open[server] = Database(url, connect_timeout_s=5, read_timeout_s=20)
            self._open[server].run_now(lambda conn: None)
        return self._open[server]

    def clean(self, server: Server | None) -> None:
        """Delete every row. Tables that a test has added stay; one that has lost some gives way to a new database."""
        from sqlalchemy import inspect, text

        from app.content.tables import SEARCH
        from app.db.tables import all_tables

        db = self._open[server]
        found = set(db.look(lambda conn: inspect(conn).get_table_names()))
        if not {*all_tables().tables, "alembic_version"} <= found:
            self._drop(server)
            return

        def delete(conn: Connection) -> None:
            for table in found - {"alembic_version"}:
                # What the search of notes keeps of its own, triggers empty.
                if not table.startswith(SEARCH):
                    conn.execute(text(f"DELETE FROM {table}"))

        db.run_now(delete, True)

    def close(self) -> None:
        """Drop them all."""
        for server in list(self._open):
            self._drop(server)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _drop(self, server: Server | None) -> None:
        db = self._open.pop(server)
        db.close()
        # The private server is gone by the end, with all that it held.
        if server is not None and not (isinstance(server, PrivateMariaDB) and not server.running):
            server.admin(f"DROP DATABASE IF EXISTS {db.url.database}")


@pytest.fixture(scope="session")
def mariadb_session() -> Iterator[PrivateMariaDB]:
    """The private MariaDB of this test session."""
    if shutil.which("mariadbd", path=_path()) is None or shutil.which("mariadb-install-db", path=_path()) is None:
        missing("there is no mariadbd here; install MariaDB's server (Debian: apt-get install mariadb-server)")
    # Not pytest's folder: it keeps those of three sessions, and a server's data is large.
    folder = Path(tempfile.mkdtemp(prefix="qd-mariadb-"))
    server = PrivateMariaDB(folder)
    try:
        server.start()
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def mariadb(mariadb_session: PrivateMariaDB) -> Iterator[PrivateMariaDB]:
    """The private MariaDB, running; a test may kill it."""
    mariadb_session.start()
    yield mariadb_session
    mariadb_session.start()


@pytest.fixture(scope="session")
def named_server() -> Server:
    """The server that the environment names."""
    url = os.environ.get(NAMED, "")
    if not url:
        missing(
            f"no server is named; set {NAMED}=mysql://root@127.0.0.1:3306/ after, for instance,"
            " docker run --rm -e MYSQL_ALLOW_EMPTY_PASSWORD=1 -p 127.0.0.1:3306:3306 mysql:9"
        )
    parts = urlsplit(url)
    return Server(parts.hostname or "127.0.0.1", parts.port or 3306, parts.username or "root", parts.password or "")


@pytest.fixture(params=BACKENDS)
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of a database without tables, once for each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'test.db'}"
        return
    found: Server = request.getfixturevalue("mariadb" if request.param == "mariadb" else "named_server")
    with found.database() as url:
        yield url


@pytest.fixture(scope="session")
def prepared_databases() -> Iterator[Prepared]:
    """Databases with tables, one of each kind for the whole session: making the tables takes most of a short test."""
    prepared = Prepared()
    yield prepared
    prepared.close()


@pytest.fixture(params=BACKENDS)
def database(request: pytest.FixtureRequest, prepared_databases: Prepared) -> Iterator[Database]:
    """An open database with tables and no rows, once for each kind."""
    server: Server | None = None
    if request.param != "sqlite":
        server = request.getfixturevalue("mariadb" if request.param == "mariadb" else "named_server")
    yield prepared_databases.get(server)
    prepared_databases.clean(server)


@pytest.fixture
def database_url(database: Database) -> str:
    """Its URL as a user writes it."""
    return database.url.render_as_string(hide_password=False).replace("+pymysql", "")


def missing(reason: str) -> None:
    """Skip for want of a server, or fail where the environment demands one."""
    if os.environ.get(REQUIRED) == "1":
        pytest.fail(f"{reason} ({REQUIRED}=1)")
    pytest.skip(reason)


def free_port() -> int:
    """A port of this machine that nothing listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def _path() -> str:
    return os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin"])


def _program(name: str) -> str:
    found = shutil.which(name, path=_path())
    assert found is not None
    return found


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
