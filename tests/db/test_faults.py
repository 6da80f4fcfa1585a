"""What the user is told when the database cannot be used, and what is never told: the password."""

from __future__ import annotations

import logging
import socket
import subprocess
import traceback
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert
from sqlalchemy.exc import DBAPIError

from app.db import engine as engines
from app.db import status
from app.db.engine import Database
from app.db.faults import UnavailableError, classify, is_constraint
from app.db.migrate import head
from app.db.types import utc_now
from app.errors import UserError
from app.testing.tables import test_result as results
from tests.servers import PrivateMariaDB, free_port

PASSWORD = "pa55-w0rd-of-mine"


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "://",
        f"mysql://u:{PASSWORD}@h:port/d",
        f"mysql://u:x@{PASSWORD}@h/d",
        f"mysql://u:x@a/{PASSWORD}@h/d",
        f"postgresql://u:{PASSWORD}@h/d",
        f"mysql+asyncmy://u:{PASSWORD}@h/d",
        f"mysql://u:{PASSWORD}@h",
        f"mysql://u:{PASSWORD}@h/",
    ],
)
def test_urls_that_make_no_sense_are_refused_without_showing_the_password(url: str) -> None:
    with pytest.raises(UserError) as caught:
        Database(url)
    assert caught.value.where == "database.url"
    assert caught.value.fix
    assert PASSWORD not in "".join(traceback.format_exception(caught.value))


async def told(url: str, caplog: pytest.LogCaptureFixture, **options: float) -> str:
    """What the user is told when this database is used."""
    caplog.set_level(logging.DEBUG)
    db = Database(url, connect_timeout_s=1, **options)
    with pytest.raises(UnavailableError) as caught:
        await db.ready()
    db.close()
    everything = "".join(traceback.format_exception(caught.value)) + caplog.text + repr(db) + db.masked_url
    assert PASSWORD not in everything
    return str(caught.value)


async def test_an_unknown_host(caplog: pytest.LogCaptureFixture) -> None:
    assert "there is no host 'no.such.host.invalid'" in await told(
        f"mysql://u:{PASSWORD}@no.such.host.invalid/d", caplog
    )


async def test_a_port_where_nothing_listens(caplog: pytest.LogCaptureFixture) -> None:
    port = free_port()
    message = await told(f"mysql://u:{PASSWORD}@127.0.0.1:{port}/d", caplog)
    assert f"no server answers at 127.0.0.1:{port}; start it, or correct database.url" in message


async def test_a_server_that_never_speaks(caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        message = await told(f"mysql://u:{PASSWORD}@127.0.0.1:{mute.getsockname()[1]}/d", caplog, read_timeout_s=1)
    assert "in time" in message


@pytest.mark.server
async def test_a_wrong_password(mariadb: PrivateMariaDB, caplog: pytest.LogCaptureFixture) -> None:
    message = await told(f"mysql://nobody:{PASSWORD}@127.0.0.1:{mariadb.port}/d", caplog)
    assert "the server refuses the user 'nobody'; check the user and the password in database.url" in message


@pytest.mark.server
async def test_a_user_without_rights_to_the_database(mariadb: PrivateMariaDB, caplog: pytest.LogCaptureFixture) -> None:
    with mariadb.database() as url:
        mariadb.admin(f"CREATE USER guest@'127.0.0.1' IDENTIFIED BY '{PASSWORD}'")
        try:
            message = await told(url.replace("root@", f"guest:{PASSWORD}@"), caplog)
        finally:
            mariadb.admin("DROP USER guest@'127.0.0.1'")
    assert "the user 'guest' may not use the database 'qd_test_" in message


@pytest.mark.server
async def test_a_database_that_does_not_exist_is_made_only_when_asked(
    mariadb: PrivateMariaDB, caplog: pytest.LogCaptureFixture
) -> None:
    url = mariadb.url("qd_test_odd`na%me")
    message = await told(url.replace("%", "%25"), caplog)
    assert "the server has no database 'qd_test_odd`na%me'" in message
    assert "qd db upgrade" in message
    db = Database(url.replace("%", "%25"))
    assert status.upgrade(db) == (None, head())
    assert status.upgrade(db) == (head(), head())
    db.close()
    mariadb.admin("DROP DATABASE `qd_test_odd``na%me`")


@pytest.mark.server
async def test_a_server_that_is_too_old(
    mariadb: PrivateMariaDB, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "MIN_MARIADB", (99, 1))
    with mariadb.database() as url:
        message = await told(url, caplog)
    assert "is too old; Quarterdeck needs MariaDB 99.1 or later" in message


@pytest.mark.server
async def test_a_server_that_takes_no_writes(mariadb: PrivateMariaDB, caplog: pytest.LogCaptureFixture) -> None:
    with mariadb.database() as url:
        mariadb.admin(
            "SET GLOBAL read_only = 1",
            f"CREATE USER writer@'127.0.0.1' IDENTIFIED BY '{PASSWORD}'",
            "GRANT ALL ON *.* TO writer@'127.0.0.1'",
            "REVOKE SUPER, READ_ONLY ADMIN ON *.* FROM writer@'127.0.0.1'",
        )
        try:
            message = await told(url.replace("root@", f"writer:{PASSWORD}@"), caplog)
        finally:
            mariadb.admin("SET GLOBAL read_only = 0", "DROP USER writer@'127.0.0.1'")
    assert "the server takes no writes" in message


@pytest.mark.server
async def test_a_server_without_room_for_another_connection(
    mariadb: PrivateMariaDB, caplog: pytest.LogCaptureFixture
) -> None:
    with mariadb.database() as url:
        mariadb.admin(
            f"CREATE USER few@'127.0.0.1' IDENTIFIED BY '{PASSWORD}' WITH MAX_USER_CONNECTIONS 1",
            "GRANT ALL ON *.* TO few@'127.0.0.1'",
        )
        first = Database(url.replace("root@", f"few:{PASSWORD}@"))
        try:
            with first.engine().connect():
                message = await told(url.replace("root@", f"few:{PASSWORD}@"), caplog)
        finally:
            first.close()
            mariadb.admin("DROP USER few@'127.0.0.1'")
    assert "takes no more connections" in message


async def test_a_folder_that_cannot_be_written(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("")
    message = await told(f"sqlite:///{tmp_path}/file/a.db", caplog)
    assert f"{tmp_path}/file/a.db: the database file cannot be made: " in message


async def test_a_file_that_is_no_database(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "a.db").write_text("something else entirely" * 100)
    assert "this file is not a SQLite database" in await told(f"sqlite:///{tmp_path}/a.db", caplog)


async def test_a_database_file_that_is_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from app.db import pool

    monkeypatch.setattr(pool, "SQLITE_BUSY_MS", 10)
    db = Database(f"sqlite:///{tmp_path / 'a.db'}")
    await db.ready()
    with db.engine().connect() as holder:
        holder.exec_driver_sql("COMMIT")
        holder.exec_driver_sql("BEGIN IMMEDIATE")
        with pytest.raises(UnavailableError, match="keeps the database locked"):
            await db.run(lambda conn: None, write=True)
        holder.exec_driver_sql("ROLLBACK")
    await db.run(lambda conn: None, write=True)
    db.close()


async def test_a_broken_check_is_a_constraint_everywhere(database: Database) -> None:
    def work(conn: Connection) -> None:
        row = {"run_id": "R", "case_id": bytes(16), "started_at": utc_now(), "outcome": "odd", "duration_s": 1.0}
        conn.execute(insert(results), [row])

    with pytest.raises(DBAPIError) as caught:
        await database.run(work)
    assert is_constraint(caught.value)
    assert classify(caught.value) == "other"


def test_a_read_only_folder_on_a_read_only_disk(tmp_path: Path) -> None:
    """Root writes anywhere but on a file system that is mounted read-only."""
    disk = tmp_path / "disk"
    disk.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,ro", "tmpfs", str(disk)], capture_output=True)
    if done.returncode != 0:
        pytest.skip(f"a file system cannot be mounted here ({done.stderr.decode().strip()}); run the tests as root")
    try:
        with pytest.raises(UnavailableError, match="Read-only file system"):
            Database(f"sqlite:///{disk}/a.db").run_now(lambda conn: None)
    finally:
        subprocess.run(["umount", str(disk)], check=True)
