"""`qd db copy|backup|restore` as a program: documents, exit codes, what is said, and never a password."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from app.commands.schema import find
from app.db.engine import Database
from app.db.journal import Journal, NewOperation
from tests.cli.conftest import Qd
from tests.cli.schemas import errors
from tests.db.everything import content, fill
from tests.servers import PrivateMariaDB, free_port

ROWS = 30


@pytest.fixture
def embedded(home: Path) -> Database:
    """The database that is used where none is configured, with rows in every table."""
    db = Database(f"sqlite:///{home / 'data' / 'quarterdeck.db'}")
    fill(db, ROWS)
    return db


def test_a_copy_prints_what_it_did(qd: Qd, embedded: Database, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'copy.db'}"
    done = qd("db", "copy", "--to", url, "--json")
    found = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert errors(find("db copy"), found) == []
    assert all(table["verified"] and table["rows"] == table["inserted"] == ROWS for table in found["tables"])
    assert content(Database(url)) == content(embedded)
    again = qd("db", "copy", "--to", url)
    assert again.returncode == 2
    assert "the target is not empty" in again.stderr
    assert "--merge" in again.stderr
    merged = qd("db", "copy", "--to", url, "--merge")
    assert merged.returncode == 0
    assert "git_operation" in merged.stdout
    assert "✓" in merged.stdout


def test_a_backup_and_its_restore(qd: Qd, embedded: Database, tmp_path: Path) -> None:
    done = qd("db", "backup", "all.backup", "--json")
    assert errors(find("db backup"), json.loads(done.stdout)) == []
    assert qd("db", "backup", "all.backup").returncode == 2
    assert qd("db", "backup", "all.backup", "--force").returncode == 0
    url = f"sqlite:///{tmp_path / 'other.db'}"
    back = qd("db", "restore", "all.backup", "--to", url, "--json")
    assert errors(find("db restore"), json.loads(back.stdout)) == []
    assert content(Database(url)) == content(embedded)
    refused = qd("db", "restore", "all.backup")
    assert refused.returncode == 2
    assert "not empty" in refused.stderr
    Path("all.backup").write_bytes(Path("all.backup").read_bytes()[:-100])
    broken = qd("db", "restore", "all.backup", "--to", f"sqlite:///{tmp_path / 'third.db'}")
    assert broken.returncode == 2
    assert "the backup is damaged" in broken.stderr


@pytest.mark.server
def test_the_embedded_data_goes_to_the_configured_server(
    qd: Qd, embedded: Database, mariadb: PrivateMariaDB, tmp_path: Path
) -> None:
    with mariadb.database() as url:
        done = qd("db", "copy", "--from", "embedded", "--json", "--progress", QUARTERDECK_DATABASE__URL=url)
        assert done.returncode == 0
        lines = [json.loads(line) for line in done.stderr.splitlines()]
        assert {line["phase"] for line in lines} <= {"copy", "verify"}
        assert lines
        assert content(Database(url)) == content(embedded)


def test_writes_that_wait_are_taken_first_or_named(qd: Qd, embedded: Database, home: Path, tmp_path: Path) -> None:
    journal = Journal(home / "data" / "spool.db")
    journal.add([NewOperation(name, "from.the.future", b"{}") for name in ("a", "b")])
    journal.close()
    url = f"sqlite:///{tmp_path / 'copy.db'}"
    assert json.loads(qd("db", "copy", "--to", url, "--json").stdout)["waiting"] == 0
    port = free_port()
    journal = Journal(home / "data" / "spool.db")
    journal.add([NewOperation(name, "testing.run", b"{}") for name in ("c", "d")])
    journal.close()
    down = qd("db", "backup", "x.backup", QUARTERDECK_DATABASE__URL=f"mysql://u:hide-this@127.0.0.1:{port}/d")
    assert down.returncode == 2
    assert "2 writes wait for the database and are not in this copy" in down.stderr
    assert "no server answers" in down.stderr
    assert "hide-this" not in down.stdout + down.stderr


@pytest.mark.server
def test_a_password_is_never_shown(qd: Qd, embedded: Database, mariadb: PrivateMariaDB, home: Path) -> None:
    with mariadb.database() as url:
        mariadb.admin(
            "CREATE USER copier@'127.0.0.1' IDENTIFIED BY 'hide-this'", "GRANT ALL ON *.* TO copier@'127.0.0.1'"
        )
        try:
            secret = url.replace("root@", "copier:hide-this@")
            said = ""
            for arguments in (("--to", secret), ("--to", secret), ("--to", secret, "--merge", "--json")):
                done = qd("db", "copy", *arguments)
                said += done.stdout + done.stderr
            wrong = qd("db", "copy", "--to", secret.replace("hide-this", "hide-this-too"))
            assert wrong.returncode == 2
            said += wrong.stdout + wrong.stderr
        finally:
            mariadb.admin("DROP USER copier@'127.0.0.1'")
    logged = "".join(path.read_text(errors="replace") for path in home.rglob("*.log*"))
    assert "***" in said
    assert "hide-this" not in said + logged


def test_arguments_that_make_no_sense(qd: Qd, embedded: Database, home: Path) -> None:
    assert qd("db", "copy").returncode == 2
    assert "--keep goes with --merge" in qd("db", "copy", "--to", "sqlite:///x.db", "--keep").stderr
    same = qd("db", "copy", "--to", f"sqlite:///{home / 'data' / 'quarterdeck.db'}")
    assert "the same database" in same.stderr
    assert "database.url" in qd("db", "copy", "--to", "nonsense").stderr


def test_status_tells_of_a_copy_that_is_not_complete(qd: Qd, embedded: Database, tmp_path: Path) -> None:
    from app.db.copying.job import copy

    url = f"sqlite:///{tmp_path / 'copy.db'}"

    def stop(progress: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        copy(embedded, Database(url), watch=stop)
    status = qd("db", "status", "--json", QUARTERDECK_DATABASE__URL=url)
    assert status.returncode == 1
    assert json.loads(status.stdout)["unfinished_copy"]["source"].endswith("quarterdeck.db")
    assert "is not complete" in qd("db", "status", QUARTERDECK_DATABASE__URL=url).stdout
    assert qd("db", "copy", "--to", url).returncode == 0
    assert qd("db", "status", QUARTERDECK_DATABASE__URL=url).returncode == 0


def test_a_terminal_gets_a_bar(embedded: Database, environ: dict[str, str], tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    arguments = [sys.executable, "-m", "app", "db", "copy", "--to", f"sqlite:///{tmp_path / 'copy.db'}"]
    running = subprocess.Popen(arguments, env=environ, stderr=theirs, stdout=subprocess.PIPE)
    os.close(theirs)
    seen = b""
    try:
        while data := os.read(ours, 4096):
            seen += data
    except OSError:
        pass
    assert running.wait(60) == 0
    assert b"copying" in seen
    assert "─".encode() in seen
    os.close(ours)
