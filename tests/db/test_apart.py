"""Migrations in a process of their own: done all the same, and nothing of Alembic stays with the program."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from sqlalchemy import text

from app.db import migrate
from app.db.engine import Database
from app.db.faults import UnavailableError
from tests.servers import PrivateMariaDB
from tests.waiting import until

PROGRAM = """
import sys
sys.path[0] = sys.argv[1]
from app.db.engine import Database
db = Database(sys.stdin.read(), apart=True)
db.run_now(lambda conn: None)
db.close()
print("alembic" in sys.modules)
"""


def test_alembic_stays_out_of_the_program(empty_database_url: str, tmp_path: Path) -> None:
    theirs = tmp_path / "app"
    theirs.mkdir()
    theirs.joinpath("__init__.py").write_text("raise SystemExit('somebody else\\'s app')")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(Path(__file__).parents[2])],
        input=empty_database_url,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=True,
    )
    assert done.stdout == "False\n"
    db = Database(empty_database_url)
    assert db.look(migrate.current) == migrate.head()
    db.close()


def test_where_the_other_process_fails_the_program_does_it(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "alembic", raising=False)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    db = Database(empty_database_url, apart=True)
    db.run_now(lambda conn: None)
    assert db.look(migrate.current) == migrate.head()
    db.close()


@pytest.mark.server
async def test_closing_ends_the_other_process(mariadb: PrivateMariaDB, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "alembic", raising=False)
    with mariadb.database() as url:
        db, holder = Database(url, apart=True), Database(url)
        with holder.engine().connect() as other:
            other.execute(text("SELECT GET_LOCK(:name, 0)"), {"name": f"quarterdeck schema {db.url.database}"})
            faults: list[BaseException] = []

            def use() -> None:
                try:
                    db.run_now(lambda conn: None)
                except UnavailableError as error:
                    faults.append(error)

            using = threading.Thread(target=use)
            using.start()
            waiting = text("SELECT count(*) FROM information_schema.processlist WHERE info LIKE 'SELECT GET_LOCK%'")
            await until(lambda: bool(other.scalar(waiting)), what="the upgrade that waits for the lock")
            db.close()
            using.join()
        assert "the process that does it was ended" in str(faults[0])
        holder.close()
