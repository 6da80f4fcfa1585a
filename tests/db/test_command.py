"""`qd db`: what it prints, its exit codes, and that it never shows a password."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from app.cli import main
from app.commands.schema import find
from app.db.contracts import ddl
from app.db.journal import Journal, NewOperation
from app.db.tables import all_tables
from tests.servers import SERVERS, PrivateMariaDB, free_port

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that takes the place of the user's own."""
    monkeypatch.setenv("QUARTERDECK_HOME", str(tmp_path))
    monkeypatch.delenv("QUARTERDECK_CONFIG", raising=False)
    monkeypatch.delenv("QUARTERDECK_DATABASE__URL", raising=False)
    return tmp_path


@pytest.fixture
def qd(home: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `qd db` in this process: exit code, standard output, standard error."""

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(["db", *arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return run


def journal_with(home: Path, *names: str, kind: str = "testing.run", refuse: bool = False) -> Path:
    path = home / "data" / "spool.db"
    journal = Journal(path)
    journal.add([NewOperation(name, kind, b'{"n":1}') for name in names])
    if refuse:
        for operation in journal.head((kind,), limit=99, max_bytes=9999):
            journal.refuse(operation, "ValueError: odd")
    journal.close()
    return path


def test_status_of_nothing_makes_nothing(qd: Run, home: Path) -> None:
    code, out, _ = qd("status", "--json")
    found = json.loads(out)
    assert code == 0
    assert found["schema"] == 1
    assert (found["backend"], found["state"], found["revision"], found["waiting"]) == ("sqlite", "empty", None, 0)
    assert not (home / "data" / "quarterdeck.db").exists()
    assert not (home / "data" / "spool.db").exists()


def test_status_counts_what_waits(qd: Run, home: Path) -> None:
    journal_with(home, "a", "b")
    journal_with(home, "c", kind="from.the.future")
    code, out, _ = qd("status", "--json")
    found = json.loads(out)
    assert code == 0
    assert (found["waiting"], found["parked"], found["refused_count"]) == (2, 1, 0)
    assert set(found) == set(find("db status")["properties"])
    assert "waiting   2 in" in qd("status")[1]


def test_refused_writes_are_a_reason_to_look(qd: Run, home: Path) -> None:
    path = journal_with(home, "a", "b", refuse=True)
    code, out, _ = qd("status", "--json")
    assert code == 1
    assert {each["reason"] for each in json.loads(out)["refused"]} == {"ValueError: odd"}
    assert "qd db refused --retry" in qd("status")[1]
    assert qd("refused", "--discard", "a")[:2] == (0, '{"n": 1}\n')
    assert qd("refused", "--discard", "a")[0] == 2
    assert json.loads(qd("refused", "--retry", "--json")[1])["retried"] == 1
    assert qd("refused")[1] == "none refused\n"
    journal = Journal(path)
    assert journal.counts(("testing.run",)).waiting == 1
    journal.close()


def test_upgrade_brings_the_embedded_database_to_the_head(qd: Run, home: Path) -> None:
    code, out, _ = qd("upgrade", "--json")
    assert code == 0
    assert json.loads(out)["before"] is None
    assert json.loads(out)["changed"] is True
    assert "is up to date" in qd("upgrade")[1]
    assert json.loads(qd("status", "--json")[1])["state"] == "current"
    assert (home / "data" / "quarterdeck.db").stat().st_mode & 0o077 == 0


@pytest.mark.server
@pytest.mark.parametrize("database", SERVERS, indirect=True)
def test_status_of_a_server(qd: Run, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUARTERDECK_DATABASE__URL", database_url)
    code, out, _ = qd("status", "--json")
    found = json.loads(out)
    assert code == 0
    assert found["backend"] in {"mariadb", "mysql"}
    assert found["state"] == "current"
    assert found["server_version"][0].isdigit()


@pytest.mark.server
def test_a_missing_database_is_named_by_status_and_made_by_upgrade(
    qd: Run, mariadb: PrivateMariaDB, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUARTERDECK_DATABASE__URL", mariadb.url("qd_test_missing"))
    code, out, _ = qd("status")
    assert code == 1
    assert "the server has no database 'qd_test_missing'" in out
    try:
        assert qd("upgrade")[0] == 0
        assert qd("status")[0] == 0
    finally:
        mariadb.admin("DROP DATABASE IF EXISTS qd_test_missing")


def test_a_database_that_is_down(qd: Run, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUARTERDECK_DATABASE__URL", f"mysql://u:hide-this@127.0.0.1:{free_port()}/d")
    code, out, err = qd("status", "--json")
    found = json.loads(out)
    assert code == 1
    assert (found["state"], found["server_version"]) == ("down", None)
    assert "no server answers" in found["problem"]
    down = qd("upgrade")
    assert down[0] == 2
    assert "no server answers" in down[2]
    logged = "".join(path.read_text() for path in home.rglob("*.log"))
    assert "hide-this" not in out + err + down[1] + down[2] + logged


def test_the_contracts_are_json_schemas(qd: Run) -> None:
    code, out, _ = qd("schema", "--json")
    contracts = json.loads(out)["contracts"]
    assert code == 0
    assert contracts["testing.run"]["additionalProperties"] is False
    assert {"run_id", "results", "changed"} <= set(contracts["testing.run"]["properties"])


def test_one_contract_is_printed_by_itself(qd: Run) -> None:
    code, out, _ = qd("schema", "feedback.row")
    assert (code, json.loads(out)["required"]) == (0, ["source", "input", "output"])
    code, both, _ = qd("schema", "feedback.row", "--json")
    assert (code, json.loads(both)) == (0, {"schema": 1, "contracts": {"feedback.row": json.loads(out)}})
    code, _, err = qd("schema", "feedback.rwo")
    assert (code, "there is no contract `feedback.rwo`" in err) == (2, True)
    assert qd("schema", "feedback.row", "--sql")[0] == 2


def test_the_sql_makes_the_tables(qd: Run) -> None:
    code, out, _ = qd("schema", "--sql")
    assert code == 0
    with sqlite3.connect(":memory:") as connection:
        connection.executescript(out)
        names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    connection.close()
    assert {"applied_operation", "project", "test_run", "feedback"} < names
    assert names == set(all_tables().tables)


@pytest.mark.server
@pytest.mark.parametrize("database", SERVERS, indirect=True)
def test_the_sql_of_each_server_makes_the_tables_there(database_url: str) -> None:
    from sqlalchemy import text

    from app.db.engine import Database
    from app.db.tables import all_tables

    db = Database(database_url)
    db.run_now(lambda conn: all_tables().drop_all(conn))
    dialect = db.backend
    assert dialect != "sqlite"

    def make(conn: object) -> None:
        for statement in ddl(dialect).split(";\n"):  # type: ignore[arg-type]  # narrowed by the assertion above
            if statement.strip():
                conn.execute(text(statement))  # type: ignore[attr-defined]  # a connection

    db.look(make)
    found = db.look(lambda conn: {str(row[0]) for row in conn.execute(text("SHOW TABLES"))})
    assert set(all_tables().tables) <= found
    db.close()


def test_sql_and_json_exclude_each_other(qd: Run) -> None:
    code, _, err = qd("schema", "--sql", "--json")
    assert code == 2
    assert "different outputs" in err
