"""Backups and restores that are killed again and again, and copies whose connections are cut."""

from __future__ import annotations

import contextlib
import random
import subprocess
import sys
from pathlib import Path

import pytest
from pymysql.err import OperationalError

from app.db.copying import job
from app.db.copying.report import Progress
from app.db.engine import Database
from app.db.faults import UnavailableError
from tests.db.everything import content, fill
from tests.servers import PrivateMariaDB

ROWS = 3000
PROGRAM = """
import sys
from pathlib import Path
from app.db.copying import job, report, target
from app.db.engine import Database
report.Meter.EVERY_S = 0.0
target.BATCH_ROWS = 100
call, file, url = getattr(job, sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
more = {"force": True} if sys.argv[1] == "backup" else {}
given = (Database(url), file) if more else (file, Database(url))
call(*given, watch=lambda progress: print(progress.phase, progress.rows, flush=True), **more)
print("done", flush=True)
"""


def run_until(call: str, file: Path, url: str, lines: int) -> bool:
    """Kill the program once it has said so many lines; True when it came to its end before."""
    running = subprocess.Popen([sys.executable, "-c", PROGRAM, call, str(file), url], stdout=subprocess.PIPE, text=True)
    assert running.stdout is not None
    said = ""
    for _ in range(lines):
        line = running.stdout.readline()
        said = line or said
        if not line:
            break
    running.kill()
    rest = running.communicate()[0]
    return (rest or said).endswith("done\n")


def test_a_backup_that_is_killed_leaves_the_earlier_one(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'source.db'}"
    source = Database(url)
    fill(source, ROWS, only="git_operation")
    folder = tmp_path / "backups"
    folder.mkdir()
    file = folder / "all.backup"
    job.backup(source, file)
    before = file.read_bytes()
    for lines in (1, 2, 3):
        assert not run_until("backup", file, url, lines)
        assert file.read_bytes() == before
        # Of those that were killed at most the last one has left something.
        assert len(list(folder.iterdir())) <= 2
    assert run_until("backup", file, url, 10_000)
    assert [each.name for each in folder.iterdir()] == ["all.backup"]
    back = Database(f"sqlite:///{tmp_path / 'back.db'}")
    job.restore(file, back)
    assert content(back) == content(source)
    back.close()
    source.close()


def test_a_backup_that_is_under_way_is_not_tidied_up(tmp_path: Path) -> None:
    source = Database(f"sqlite:///{tmp_path / 'source.db'}")
    fill(source, ROWS, only="git_operation")
    file = tmp_path / "all.backup"
    inner: list[int] = []

    def again(progress: Progress) -> None:
        if not inner:
            inner.append(job.backup(source, file, force=True).rows)

    assert job.backup(source, file, force=True, watch=again).rows == inner[0] == ROWS
    assert not list(tmp_path.glob(".all*"))
    source.close()


def test_a_restore_that_is_killed_again_and_again_loses_and_doubles_nothing(
    tmp_path: Path, empty_database_url: str
) -> None:
    source = Database(f"sqlite:///{tmp_path / 'source.db'}")
    fill(source, ROWS, only="git_operation")
    fill(source, 20, only="feedback")
    file = tmp_path / "all.backup"
    job.backup(source, file)
    chance = random.Random(5)
    kills = sum(not run_until("restore", file, empty_database_url, lines) for lines in chance.sample(range(1, 60), 5))
    assert kills
    assert run_until("restore", file, empty_database_url, 10_000)
    target = Database(empty_database_url)
    assert job.unfinished(target) is None
    assert content(target) == content(source)
    target.close()
    source.close()


@pytest.mark.server
def test_connections_that_are_cut_all_the_time_lose_and_double_nothing(
    tmp_path: Path, mariadb: PrivateMariaDB, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.db.copying.target.BATCH_ROWS", 100)
    monkeypatch.setattr("app.db.copying.report.Meter.EVERY_S", 0.0)
    source = Database(f"sqlite:///{tmp_path / 'source.db'}")
    fill(source, ROWS, only="git_operation")
    with mariadb.database() as url:
        target = Database(url)
        name = target.url.database
        seen = cuts = 0

        def cut(_: Progress) -> None:
            nonlocal seen, cuts
            seen += 1
            if seen % 5 == 0 and cuts < 12:
                cuts += 1
                listed = f"SELECT id FROM information_schema.processlist WHERE db = '{name}'"
                for (number,) in mariadb.admin(listed):
                    # It may have ended by itself.
                    with contextlib.suppress(OperationalError):
                        mariadb.admin(f"KILL {number}")

        for _ in range(20):
            try:
                job.copy(source, target, watch=cut)
            except UnavailableError:
                continue
            break
        assert cuts == 12
        assert job.unfinished(target) is None
        assert content(target) == content(source)
        target.close()
    source.close()


@pytest.mark.server
def test_a_server_with_other_habits(tmp_path: Path, mariadb: PrivateMariaDB) -> None:
    """What a session begins with is set by the app, whatever the server's defaults are."""
    source = Database(f"sqlite:///{tmp_path / 'source.db'}")
    fill(source, 30)
    settings = {
        "sql_mode": "'NO_BACKSLASH_ESCAPES,ANSI_QUOTES,PIPES_AS_CONCAT,NO_ZERO_DATE'",
        "time_zone": "'-09:30'",
        "character_set_server": "latin1",
        "collation_server": "latin1_swedish_ci",
        "tx_isolation": "'SERIALIZABLE'",
        "autocommit": "0",
    }
    before = {each: mariadb.admin(f"SELECT @@GLOBAL.{each}")[0][0] for each in settings}
    try:
        mariadb.admin(*(f"SET GLOBAL {each} = {given}" for each, given in settings.items()))
        with mariadb.database() as url:
            target, back = Database(url), Database(f"sqlite:///{tmp_path / 'back.db'}")
            assert job.copy(source, target).notes == []
            assert content(target) == content(source)
            assert job.copy(target, back).notes == []
            assert content(back) == content(source)
            target.close()
            back.close()
    finally:
        mariadb.admin(*(f"SET GLOBAL {each} = {given!r}" for each, given in before.items()))
    source.close()
