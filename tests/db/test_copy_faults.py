"""Copies in bad circumstances: killed, a target that dies, a full disk, values and servers that are odd."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Table, func, insert, inspect, select, text

from app.db.copying.job import copy, unfinished
from app.db.copying.report import Progress
from app.db.copying.state import copy_part
from app.db.engine import Database
from app.db.faults import UnavailableError
from app.errors import UserError
from app.feedback.tables import feedback
from app.git.tables import git_operation
from app.testing.tables import test_run
from tests.db.everything import content, fill, row
from tests.servers import SERVERS, PrivateMariaDB

ROWS = 30
MANY = 6000


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Database]:
    """A SQLite file."""
    db = Database(f"sqlite:///{tmp_path / 'source.db'}")
    db.run_now(lambda conn: None)
    yield db
    db.close()


@pytest.fixture
def target(empty_database_url: str) -> Iterator[Database]:
    """A database with nothing in it."""
    db = Database(empty_database_url)
    yield db
    db.close()


def put(db: Database, table: Table, rows: list[dict[str, Any]]) -> None:
    """Insert rows."""
    db.run_now(lambda conn: conn.execute(insert(table), rows) and None, True)


def arrived(db: Database) -> int:
    """Parts that the target holds."""

    def count(conn: Connection) -> int:
        if not inspect(conn).has_table(copy_part.name):
            return 0
        return int(conn.execute(select(func.count()).select_from(copy_part)).scalar_one())

    return db.look(count)


def test_a_copy_that_is_killed_again_and_again_loses_and_doubles_nothing(
    source: Database, target: Database, empty_database_url: str
) -> None:
    fill(source, MANY, only="feedback")
    fill(source, ROWS, only="git_operation")
    arguments = [sys.executable, "-m", "tests.db.everything", str(source.url), empty_database_url]
    kills = 0
    for wanted in (0, 1, 2, 3, 5):
        running = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        while running.poll() is None and arrived(target) <= wanted:
            pass
        kills += running.poll() is None
        running.send_signal(signal.SIGKILL)
        running.communicate()
    assert kills
    done = subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=90)
    assert done.stdout.endswith("done\n"), done.stderr
    assert content(target) == content(source)
    assert unfinished(target) is None


@pytest.mark.server
def test_a_server_that_dies_in_the_middle(source: Database, mariadb: PrivateMariaDB) -> None:
    fill(source, MANY, only="feedback")
    with mariadb.database() as url:
        target = Database(url)

        def kill(progress: Progress) -> None:
            if progress.rows and mariadb.running:
                mariadb.kill()

        with pytest.raises(UnavailableError, match=r"no server answers|went away"):
            copy(source, target, watch=kill)
        with pytest.raises(UnavailableError, match="no server answers"):
            copy(source, target)
        mariadb.start()
        assert 0 < arrived(target) < MANY / 100
        assert copy(source, target).resumed
        assert content(target) == content(source)
        target.close()


@pytest.mark.server
def test_a_source_that_dies_in_the_middle(tmp_path: Path, mariadb: PrivateMariaDB) -> None:
    with mariadb.database() as url:
        source, target = Database(url), Database(f"sqlite:///{tmp_path / 'target.db'}")
        fill(source, MANY, only="feedback")

        def kill(progress: Progress) -> None:
            if progress.rows and mariadb.running:
                mariadb.kill()

        with pytest.raises(UnavailableError):
            copy(source, target, watch=kill)
        mariadb.start()
        copy(source, target)
        assert content(target) == content(source)
        target.close()
        source.close()


def test_a_disk_that_fills_up_and_has_room_again(source: Database, small_disk: Path) -> None:
    fill(source, 3000, only="feedback")
    target = Database(f"sqlite:///{small_disk / 'target.db'}")
    with pytest.raises(UserError, match=r"no space left|writing the database file failed"):
        copy(source, target)
    target.close()
    subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)
    target = Database(f"sqlite:///{small_disk / 'target.db'}")
    copy(source, target)
    assert content(target) == content(source)
    target.close()


def test_texts_of_five_megabytes(source: Database, target: Database) -> None:
    for kind, character in enumerate(("x", "🦊", "'", "\\", "\x00")):
        large = {**row(feedback, kind), "output": character * (5_000_000 // len(character.encode()))}
        put(source, feedback, [large])
    report = copy(source, target)
    assert report.notes == []
    assert content(target) == content(source)


@pytest.mark.server
def test_what_exceeds_the_packets_of_a_server_is_told(source: Database, mariadb: PrivateMariaDB) -> None:
    fill(source, ROWS, only="feedback")
    large = {**row(feedback, 9999), "output": "🦊" * 500_000}
    put(source, feedback, [large])
    ((before,),) = mariadb.admin("SELECT @@GLOBAL.max_allowed_packet")
    mariadb.admin("SET GLOBAL max_allowed_packet = 1048576")
    try:
        with mariadb.database() as url:
            target = Database(url)
            report = copy(source, target)
            (note,) = report.notes
            assert note["key"] == '["270f"]'
            assert "the server accepts 1,048,576; raise its max_allowed_packet" in note["why"]
            tables = {table.name: table for table in report.tables}
            assert (tables["feedback"].inserted, tables["feedback"].refused) == (ROWS, 1)
            mariadb.admin(f"SET GLOBAL max_allowed_packet = {before}")
            target.close()
            target = Database(url)
            assert copy(source, target, merge="replace").notes == []
            assert content(target)["feedback"] == content(source)["feedback"]
            target.close()
    finally:
        mariadb.admin(f"SET GLOBAL max_allowed_packet = {before}")


@pytest.mark.server
def test_servers_in_other_time_zones(source: Database, mariadb: PrivateMariaDB, tmp_path: Path) -> None:
    fill(source, ROWS)
    mariadb.admin("SET GLOBAL time_zone = '+05:30'")
    try:
        with mariadb.database() as url:
            target, back = Database(url), Database(f"sqlite:///{tmp_path / 'back.db'}")
            copy(source, target)
            mariadb.admin("SET GLOBAL time_zone = '-11:00'")
            assert content(target) == content(source)
            copy(target, back)
            assert content(back) == content(source)
            stored = mariadb.admin(f"SELECT MIN(at) FROM {target.url.database}.git_operation")[0][0]
            assert str(stored) == "2026-03-29 00:59:59.999990"
            target.close()
            back.close()
    finally:
        mariadb.admin("SET GLOBAL time_zone = 'SYSTEM'")


def test_characters_that_are_no_unicode_become_visible(source: Database, target: Database, tmp_path: Path) -> None:
    fill(source, 3, only="git_operation")
    source.close()
    with sqlite3.connect(tmp_path / "source.db") as file:
        file.execute("UPDATE git_operation SET message = CAST(x'61ff62' AS TEXT) WHERE id LIKE '%0'")
        file.execute("UPDATE git_operation SET done = ? WHERE id LIKE '%1'", ('["\\ud800"]',))
        file.execute("UPDATE git_operation SET message = CAST(x'eda080' AS TEXT) WHERE id LIKE '%2'")
    file.close()
    report = copy(Database(f"sqlite:///{tmp_path / 'source.db'}"), target)
    assert [note["kind"] for note in report.notes] == ["changed"] * 3
    found = target.run_now(
        lambda conn: list(conn.execute(select(git_operation.c.message, git_operation.c.done).order_by("id")))
    )
    assert found[0][0] == "a\\xffb"
    assert found[1][1] == ["\\ud800"]
    assert found[2][0] == "\\xed\\xa0\\x80"


@pytest.mark.server
@pytest.mark.parametrize("empty_database_url", ["mysql"], indirect=True)
def test_numbers_that_the_json_of_mysql_rounds_are_told(source: Database, target: Database) -> None:
    fill(source, 3, only="git_operation")
    source.run_now(
        lambda conn: (
            conn.execute(git_operation.update().where(git_operation.c.id.like("%1")).values(done=[2**70])) and None
        )
    )
    report = copy(source, target)
    (note,) = report.notes
    assert (note["kind"], json.loads(note["key"])) == ("changed", [f"{1:026d}"])
    assert "64 bits" in note["why"]
    assert [table.verified for table in report.tables] == [True] * len(report.tables)


@pytest.mark.server
@pytest.mark.parametrize("empty_database_url", SERVERS, indirect=True)
def test_what_no_server_stores_is_put_aside_and_told(source: Database, target: Database, tmp_path: Path) -> None:
    fill(source, ROWS, only="test_run")
    source.close()
    with sqlite3.connect(tmp_path / "source.db") as file:
        file.execute("UPDATE test_run SET duration_s = 9e999 WHERE id LIKE '%10'")
        file.execute("UPDATE test_run SET level_reason = ? WHERE id LIKE '%11'", ("x" * 501,))
        file.execute("UPDATE test_run SET exit_code = 99999 WHERE id LIKE '%12'")
    file.close()
    report = copy(Database(f"sqlite:///{tmp_path / 'source.db'}"), target)
    assert {note["key"][-4:-2]: note["kind"] for note in report.notes} == dict.fromkeys(("10", "11", "12"), "refused")
    assert target.run_now(lambda conn: conn.execute(select(func.count()).select_from(test_run)).scalar()) == ROWS - 3


@pytest.mark.server
@pytest.mark.parametrize("empty_database_url", SERVERS, indirect=True)
def test_keys_that_differ_in_spaces_and_case_and_accents(source: Database, target: Database) -> None:
    names = ["a", "A", "á", "ä", "ae", "æ", "ß", "ss", "🦊", "🐺", "a\x00", "ａ"]
    made = [{**row(feedback, n), "id": f"{n}", "source": name} for n, name in enumerate(names)]
    put(source, feedback, made)
    key = [{"source": "s", "idempotency_key": name} for name in names]
    table = feedback.metadata.tables["feedback_key"]
    put(source, table, [{**row(table, 1), **each} for each in key])
    assert copy(source, target).notes == []
    assert content(target) == content(source)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells how much memory a program took")
def test_memory_does_not_grow_with_the_database(source: Database, tmp_path: Path) -> None:
    for n in range(60):
        large = {**row(feedback, n), "output": f"{n}" + "x" * 4_000_000}
        put(source, feedback, [large])
    script = (
        "import re, sys; from app.db.copying.job import copy; from app.db.engine import Database\n"
        "copy(Database(sys.argv[1]), Database(sys.argv[2]))\n"
        "print(int(re.search(r'VmHWM:\\s*(\\d+)', open('/proc/self/status').read())[1]) // 1024)"
    )
    arguments = [sys.executable, "-c", script, str(source.url), f"sqlite:///{tmp_path / 'target.db'}"]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True, timeout=90)
    assert int(done.stdout) < 240, "megabytes; the database has as many"


def test_a_damaged_source_is_told_and_the_target_stays_unfinished(source: Database, tmp_path: Path) -> None:
    fill(source, 3000, only="git_operation")
    source.run_now(lambda conn: None)
    source.close()
    path = tmp_path / "source.db"
    with sqlite3.connect(path) as file:
        file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    file.close()
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 40_000] = b"\xaa" * 40_000
    path.write_bytes(data)
    target = Database(f"sqlite:///{tmp_path / 'target.db'}")
    with pytest.raises(UserError, match=r"damaged|cannot be read|malformed"):
        copy(Database(f"sqlite:///{path}"), target)
    assert unfinished(target) is not None
    assert target.look(lambda conn: conn.execute(text("SELECT 1")).scalar()) == 1
    target.close()
