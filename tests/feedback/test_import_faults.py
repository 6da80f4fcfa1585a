"""Imports that are killed, that lose their database, and files larger than memory should hold."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import func, select

from app.db.engine import Database
from app.errors import UserError
from app.feedback.imports.files import import_file
from app.feedback.model import ImportReport
from app.feedback.store import counts
from app.feedback.tables import feedback, feedback_import
from tests.servers import PrivateMariaDB

PROGRAM = """
import asyncio, os, sys
from pathlib import Path
from app.db.engine import Database
from app.feedback import preparing
from app.feedback.imports.files import import_file

preparing.BATCH_ROWS = 200

def told(report):
    print(report.rows, flush=True)

async def main():
    db = Database(sys.argv[1])
    await import_file(db, Path(sys.argv[2]), progress=told)
    db.close()

if __name__ == "__main__":
    asyncio.run(main())
"""
HELPED = """
import asyncio, multiprocessing, sys
from pathlib import Path
from app.db.engine import Database
from app.feedback import preparing
from app.feedback.imports.files import import_file

preparing.BATCH_ROWS = 1000

def told(report):
    print(len(multiprocessing.active_children()), flush=True)

if __name__ == "__main__":
    asyncio.run(import_file(Database(sys.argv[1]), Path(sys.argv[2]), progress=told))
"""
MEMORY = """
import asyncio, sys
from pathlib import Path
from app.db.engine import Database
from app.feedback import ingest, preparing
from app.feedback.imports.files import import_file
from tests.memory import peak_kb

# Bounds that the smaller file reaches, too.
preparing.BATCH_BYTES = 1_000_000
ingest.PRAGMAS = ("cache_size = -4096",)

async def main():
    db = Database(sys.argv[1])
    await db.ready()
    for name in sys.argv[2:]:
        report = await import_file(db, Path(name))
        assert report.created == report.rows > 0, report
        print(peak_kb(), flush=True)
    db.close()

if __name__ == "__main__":
    asyncio.run(main())
"""


def rows(path: Path, number: int, size: int = 40) -> Path:
    with path.open("w", encoding="utf-8") as file:
        for each in range(number):
            row = {"source": path.name, "input": f"question {each}", "output": "x" * size, "source_event_id": f"{each}"}
            file.write(json.dumps(row) + "\n")
    return path


def stored(db: Database) -> tuple[int, int]:
    """Rows in the table, and rows by the counts kept."""
    return db.run_now(lambda conn: (conn.scalar(select(func.count()).select_from(feedback)) or 0, counts(conn).waiting))


@pytest.mark.slow
def test_an_import_that_is_killed_again_and_again_ends_with_every_row_once(database_url: str, tmp_path: Path) -> None:
    file, program = rows(tmp_path / "rows.jsonl", 6000), tmp_path / "program.py"
    program.write_text(PROGRAM, "utf-8")
    db = Database(database_url)
    try:
        for kills in range(4):
            with subprocess.Popen(
                [sys.executable, str(program), database_url, str(file)],
                stdout=subprocess.PIPE,
                text=True,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            ) as process:
                assert process.stdout is not None
                for _ in range(kills + 2):
                    assert process.stdout.readline()
                process.send_signal(signal.SIGKILL)
            found, counted = stored(db)
            assert found == counted
            assert 0 < found < 6000
        report = asyncio.run(import_file(db, file))
        assert report.resumed_at >= 200 * (2 + 3 + 4 + 5)
        assert (report.rows, report.created, report.duplicate, report.quarantined) == (6000, 6000, 0, 0)
        assert stored(db) == (6000, 6000)
        assert db.run_now(lambda conn: conn.scalar(select(func.count()).select_from(feedback_import))) == 1
    finally:
        db.close()


@pytest.mark.slow
def test_the_process_that_makes_rows_ready_goes_with_the_one_that_is_killed(tmp_path: Path) -> None:
    file, program = rows(tmp_path / "rows.jsonl", 60_000), tmp_path / "program.py"
    program.write_text(HELPED, "utf-8")
    with subprocess.Popen(
        [sys.executable, str(program), f"sqlite:///{tmp_path / 'm.db'}", str(file)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "1\n"
        process.send_signal(signal.SIGKILL)
        # The pipe has two writers, and ends with the last of them.
        process.communicate(timeout=60)


@pytest.mark.slow
async def test_without_the_process_that_makes_rows_ready_an_import_ends_and_can_go_on(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.feedback.preparing.BATCH_ROWS", 1000)
    file = rows(tmp_path / "rows.jsonl", 60_000)

    def told(report: ImportReport) -> None:
        for helper in multiprocessing.active_children():
            helper.kill()

    with pytest.raises(UserError, match="was ended"):
        await import_file(database, file, progress=told)
    report = await import_file(database, file)
    assert report.resumed_at >= 1000
    assert (report.rows, report.created, report.duplicate) == (60_000, 60_000, 0)
    assert stored(database) == (60_000, 60_000)


@pytest.mark.slow
@pytest.mark.server
async def test_a_row_larger_than_the_server_takes_at_once_is_quarantined_and_the_others_are_taken(
    mariadb: PrivateMariaDB, tmp_path: Path
) -> None:
    wide = [{"source": "s", "input": f"{each}", "output": "🦊" * 5000} for each in range(300)]
    huge = {"source": "s", "input": "'" * 1_000_000, "output": ""}
    text = "\n".join(json.dumps(row, ensure_ascii=False) for row in [*wide, huge, {**huge, "input": "last"}])
    (tmp_path / "f").write_text(text, "utf-8")
    ((before,),) = mariadb.admin("SELECT @@GLOBAL.max_allowed_packet")
    mariadb.admin("SET GLOBAL max_allowed_packet = 1048576")
    try:
        with mariadb.database() as url:
            db = Database(url)
            try:
                report = await import_file(db, tmp_path / "f")
                assert (report.rows, report.created, report.quarantined) == (302, 301, 1)
                assert report.refused[0].line == 301
                assert "max_allowed_packet is 1048576" in report.refused[0].why
                assert stored(db) == (301, 301)
            finally:
                db.close()
    finally:
        mariadb.admin(f"SET GLOBAL max_allowed_packet = {before}")


@pytest.mark.slow
@pytest.mark.server
async def test_a_server_that_is_killed_and_comes_back_gets_every_row_once(
    mariadb: PrivateMariaDB, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.feedback.preparing.BATCH_ROWS", 300)
    file = rows(tmp_path / "rows.jsonl", 6000)
    name = mariadb.create()
    db = Database(mariadb.url(name), connect_timeout_s=2, read_timeout_s=10)
    loop, seen = asyncio.get_running_loop(), asyncio.Event()

    def told(report: ImportReport) -> None:
        if report.rows == 1500:
            loop.call_soon_threadsafe(seen.set)

    try:
        running = asyncio.create_task(import_file(db, file, progress=told, patience_s=60))
        await asyncio.wait_for(seen.wait(), 60)
        mariadb.kill()
        mariadb.start()
        report = await asyncio.wait_for(running, 90)
        assert (report.rows, report.created, report.duplicate) == (6000, 6000, 0)
        assert stored(db) == (6000, 6000)
    finally:
        db.close()
        mariadb.start()
        mariadb.admin(f"DROP DATABASE IF EXISTS {name}")


@pytest.mark.slow
@pytest.mark.parametrize("form", ["jsonl", "json", "csv"])
def test_a_larger_file_takes_no_more_memory(tmp_path: Path, form: str) -> None:
    small, large = rows(tmp_path / "a", 24_000, 1000), rows(tmp_path / "b", 100_000, 1000)
    for path in (small, large) if form != "jsonl" else ():
        text = path.read_text("utf-8").splitlines()
        if form == "json":
            path.write_text("[" + ",\n".join(text) + "]", "utf-8")
        else:
            found = [json.loads(line) for line in text]
            path.write_text("\n".join([",".join(found[0]), *(",".join(row.values()) for row in found)]), "utf-8")
    program = tmp_path / "memory.py"
    program.write_text(MEMORY, "utf-8")
    done = subprocess.run(
        [sys.executable, str(program), f"sqlite:///{tmp_path / 'm.db'}", str(small), str(large)],
        capture_output=True,
        text=True,
        timeout=110,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30)),
    )
    assert done.returncode == 0, done.stderr
    before, after = (int(line) * 1024 for line in done.stdout.split())
    # The second file is 76 MB larger than the first.
    assert after - before < 25_000_000


async def test_every_line_of_a_hostile_file_is_accounted_for(database: Database, tmp_path: Path) -> None:
    good = b'{"source": "s", "input": "i", "output": "o"}\n'
    huge = json.dumps({"source": "s", "input": "x" * 5_000_000, "output": ""}).encode() + b"\n"
    broken = b'{"source": "s", "input": "\xc3", "output": ""}\n'
    (tmp_path / "f").write_bytes(good + huge + good + broken + good.replace(b'"i"', b'" i "') + good[:20])
    report = await import_file(database, tmp_path / "f")
    assert (report.rows, report.created, report.duplicate, report.quarantined) == (6, 1, 2, 3)
    assert [each.line for each in report.refused] == [2, 4, 6]
    assert stored(database) == (1, 1)


async def test_signs_that_mean_something_to_a_server_are_kept(database: Database, tmp_path: Path) -> None:
    odd = "a'b\"c\\d\\' %s %% ? :x \\0 --\n/* */ 🦊 '); DROP TABLE feedback; --"
    row = {"source": "s'\\", "input": odd, "output": odd, "score": 1e-07, "tags": ["'\\"], "context": {odd: odd}}
    (tmp_path / "f").write_text(json.dumps(row), "utf-8")
    assert (await import_file(database, tmp_path / "f")).created == 1
    found = database.run_now(lambda conn: conn.execute(select(feedback)).one())
    assert (found.source, found.input, found.output) == ("s'\\", odd, odd)
    assert (found.score, found.tags, found.context) == (1e-07, ["'\\"], {odd: odd})
