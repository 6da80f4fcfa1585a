"""Migrations: from nothing and from every earlier revision to the head, the same everywhere, safe beside another."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from pathlib import Path

import pymysql
import pytest
from sqlalchemy import Connection, MetaData, inspect, select, text

from app.content.tables import SEARCH
from app.db import migrate
from app.db.engine import Database
from app.db.faults import UnavailableError
from app.db.tables import all_tables, applied_operation
from app.db.types import utc_now
from tests.servers import PrivateMariaDB

ROOT = Path(__file__).parents[2]
DRIVER = "import sys; from app.db.engine import Database; db = Database(sys.argv[1]); db.run_now(lambda conn: None)"


@pytest.fixture
def empty(empty_database_url: str) -> Database:
    """A database of each kind without tables."""
    return Database(empty_database_url)


def test_the_files_name_one_line_of_revisions() -> None:
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory(str(migrate.SCRIPTS))
    assert scripts.get_heads() == [migrate.head()]
    assert tuple(script.revision for script in reversed(list(scripts.walk_revisions()))) == migrate.revisions()


def test_the_migrated_tables_are_those_of_the_metadata(empty: Database) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    empty.run_now(lambda conn: None)

    def ours(name: str | None, _kind: str, _parents: object) -> bool:
        # The search of notes is no part of the metadata; the test after this one compares it.
        return SEARCH not in (name or "")

    options = {"include_name": ours}
    found = empty.look(lambda conn: compare_metadata(MigrationContext.configure(conn, opts=options), all_tables()))
    assert found == []
    empty.close()


def test_the_migrated_tables_are_those_of_the_metadata_to_the_letter(empty: Database) -> None:
    """Autogenerate compares no collations, checks or options; the database's own words do."""
    empty.run_now(lambda conn: None)
    migrated = empty.look(definitions)
    empty.look(lambda conn: all_tables().drop_all(conn))
    empty.look(lambda conn: all_tables().create_all(conn))
    assert empty.look(definitions) == migrated
    empty.close()


@pytest.mark.parametrize("revision", migrate.revisions())
def test_every_revision_with_data_in_it_reaches_the_head(empty: Database, revision: str) -> None:
    migrate.upgrade(empty.engine(), empty.url, to=revision)
    counts = empty.look(fill)
    assert counts
    empty.run_now(lambda conn: None)
    assert empty.look(migrate.current) == migrate.head()
    for name, count in counts.items():
        if inspect(empty.engine()).has_table(name):
            assert empty.look(lambda conn, name=name: conn.scalar(text(f"SELECT count(*) FROM {name}"))) == count
    empty.close()


def test_an_interrupted_upgrade_is_taken_up_again(empty: Database) -> None:
    """Servers commit each table by itself: what a crash left half made must not stop the next start."""
    applied_operation.metadata.create_all(empty.engine(), tables=[applied_operation])
    empty.run_now(lambda conn: None)
    assert empty.look(migrate.current) == migrate.head()
    assert set(all_tables().tables) <= set(inspect(empty.engine()).get_table_names())
    empty.close()


def test_a_failing_upgrade_leaves_no_trace_in_sqlite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from app.db.migrations import steps

    db = Database(f"sqlite:///{tmp_path / 'a.db'}")
    with monkeypatch.context() as patch:
        patch.setattr(steps, "create_index", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            db.run_now(lambda conn: None)
    assert inspect(db.engine()).get_table_names() == []
    db.run_now(lambda conn: None)
    db.close()


@pytest.mark.slow
def test_two_processes_may_upgrade_at_once(empty: Database) -> None:
    url = empty.url.render_as_string(hide_password=False).replace("+pymysql", "")
    running = [
        subprocess.Popen([sys.executable, "-c", DRIVER, url], cwd=ROOT, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for process in running:
        assert process.communicate(timeout=60)[1] == ""
    assert [process.returncode for process in running] == [0, 0]
    assert empty.look(migrate.current) == migrate.head()
    assert set(all_tables().tables) <= set(inspect(empty.engine()).get_table_names())
    empty.close()


def test_tables_of_a_newer_version_are_left_alone(database: Database) -> None:
    database.run_now(lambda conn: conn.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    again = Database(database.url.render_as_string(hide_password=False))
    with pytest.raises(UnavailableError, match="newer Quarterdeck"):
        again.run_now(lambda conn: None)
    again.close()
    database.run_now(
        lambda conn: conn.execute(text("UPDATE alembic_version SET version_num = :head"), {"head": migrate.head()})
    )


def test_alembic_is_not_loaded_when_the_tables_are_up_to_date(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    code = f"{DRIVER}; print([name for name in ('alembic', 'sqlalchemy.orm', 'pydantic') if name in sys.modules])"
    outputs = [
        subprocess.run([sys.executable, "-c", code, url], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    ]
    assert "alembic" in outputs[0]
    assert outputs[1].strip() == "[]"


@pytest.mark.server
def test_a_migration_may_take_longer_than_a_query(mariadb: PrivateMariaDB) -> None:
    with mariadb.database() as url:
        db = Database(url, read_timeout_s=1)
        other = pymysql.connect(host=mariadb.host, port=mariadb.port, user=mariadb.user)
        other.cursor().execute("SELECT GET_LOCK(%s, 0)", (f"quarterdeck schema {db.url.database}",))
        letting_go = threading.Timer(1.5, other.close)
        letting_go.start()
        db.run_now(lambda conn: None)
        letting_go.join()
        assert db.look(migrate.current) == migrate.head()
        db.close()


@pytest.mark.server
def test_an_upgrade_waits_for_another_and_says_so_when_it_never_ends(
    mariadb: PrivateMariaDB, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate, "LOCK_WAIT_S", 0)
    with mariadb.database() as url:
        db = Database(url)
        with db.engine().connect() as other:
            other.execute(text("SELECT GET_LOCK(:name, 0)"), {"name": f"quarterdeck schema {db.url.database}"})
            with pytest.raises(UnavailableError, match="another program is changing the tables"):
                db.run_now(lambda conn: None)
        db.close()


def definitions(conn: Connection) -> dict[str, str | list[str]]:
    """How the database itself describes each table."""
    names = sorted(all_tables().tables)
    if conn.dialect.name == "sqlite":
        rows = conn.execute(text("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name")).all()
        return {name: re.sub(r"\s+", " ", sql) for name, sql in rows if not name.startswith("alembic")}
    # By line: the indexes of a table have no order of their own.
    shown = {name: str(conn.execute(text(f"SHOW CREATE TABLE {name}")).one()[1]) for name in names}
    return {name: sorted(line.rstrip(",") for line in sql.splitlines()) for name, sql in shown.items()}


def fill(conn: Connection) -> dict[str, int]:
    """Put two rows into every table as it is at this revision, and return their number by table."""
    found = MetaData()
    found.reflect(conn)
    ours = {name for name in found.tables if name != "alembic_version" and not name.startswith(SEARCH)}
    for table in found.sorted_tables:
        if table.name not in ours:
            continue
        for number in range(2):
            row = {}
            for column in table.columns:
                kind = column.type.python_type
                row[column.name] = {
                    "datetime": utc_now().replace(tzinfo=None),
                    "bytes": bytes([number]) * 16,
                    "str": "passed" if "outcome" in column.name else str(number),
                    "dict": [],
                }.get(kind.__name__, number)
            conn.execute(table.insert(), [row])
    return {table.name: len(conn.execute(select(table)).all()) for table in found.sorted_tables if table.name in ours}
