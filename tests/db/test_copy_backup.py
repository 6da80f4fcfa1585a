"""Backups: what is in one comes back on every database; one that is not whole is refused before anything is written."""

from __future__ import annotations

import errno
import gzip
import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import inspect, text, update

from app.db import migrate
from app.db.copying import job
from app.db.copying.report import Progress
from app.db.engine import Database
from app.db.tables import all_tables
from app.errors import UserError
from app.git.tables import git_operation
from tests.db.everything import content, fill

ROWS = 20


@pytest.fixture
def target(empty_database_url: str) -> Iterator[Database]:
    """A database with nothing in it."""
    db = Database(empty_database_url)
    yield db
    db.close()


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Database]:
    """A SQLite file with rows in every table."""
    db = Database(f"sqlite:///{tmp_path / 'source.db'}")
    fill(db, ROWS)
    yield db
    db.close()


@pytest.fixture
def file(source: Database, tmp_path: Path) -> Path:
    """A backup of it."""
    path = tmp_path / "all.backup"
    job.backup(source, path)
    return path


def empty(tmp_path: Path, name: str = "target.db") -> Database:
    return Database(f"sqlite:///{tmp_path / name}")


def rewritten(file: Path, **header: object) -> Path:
    """The backup with another header."""
    first, _, rest = gzip.decompress(file.read_bytes()).partition(b"\n")
    path = file.with_name("rewritten")
    path.write_bytes(gzip.compress(json.dumps({**json.loads(first), **header}).encode() + b"\n" + rest))
    return path


def untouched(db: Database) -> bool:
    """Nothing was made or written."""
    return not db.look(lambda conn: inspect(conn).get_table_names())


def test_what_is_backed_up_comes_back(database: Database, target: Database, tmp_path: Path) -> None:
    fill(database, ROWS)
    path = tmp_path / "all.backup"
    made = job.backup(database, path)
    report = job.restore(path, target)
    assert content(target) == content(database)
    assert {table.name: table.checksum for table in made.tables} == {
        table.name: table.checksum for table in report.tables
    }
    assert made.rows == report.rows == ROWS * len(all_tables().tables)
    assert path.stat().st_mode & 0o077 == 0
    assert [each.name for each in tmp_path.glob(".all*")] == []
    with pytest.raises(UserError, match="not empty"):
        job.restore(path, target)
    assert all(table.kept == ROWS for table in job.restore(path, target, merge="replace").tables)


def test_a_file_is_not_overwritten_unless_it_is_asked_for(source: Database, file: Path) -> None:
    before = file.read_bytes()
    with pytest.raises(UserError, match="--force"):
        job.backup(source, file)
    assert file.read_bytes() == before
    job.backup(source, file, force=True)
    assert file.read_bytes() != before


def test_a_truncated_file_is_refused_wherever_it_ends(file: Path, tmp_path: Path) -> None:
    whole = file.read_bytes()
    target = empty(tmp_path)
    target.look(lambda conn: None)
    for size in [0, 1, 10, *range(20, len(whole), len(whole) // 40), len(whole) - 1]:
        file.write_bytes(whole[:size])
        with pytest.raises(UserError, match=r"damaged|not a backup"):
            job.restore(file, target)
        assert untouched(target)
    file.write_bytes(whole)
    job.restore(file, target)
    target.close()


def test_a_single_wrong_byte_is_found_wherever_it_is(file: Path, tmp_path: Path) -> None:
    whole = bytearray(file.read_bytes())
    target = empty(tmp_path)
    target.look(lambda conn: None)
    # Bytes 4 to 9 of gzip's own header hold a time and a system that mean nothing here.
    for place in [0, 2, *range(10, len(whole), len(whole) // 60), len(whole) - 1]:
        changed = bytearray(whole)
        changed[place] ^= 0x41
        file.write_bytes(changed)
        with pytest.raises(UserError, match=r"damaged|not a backup"):
            job.restore(file, target)
        assert untouched(target)
    target.close()


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: lines[:-1],
        lambda lines: lines[:5] + lines[6:],
        lambda lines: [*lines[:5], lines[5], *lines[5:]],
        lambda lines: [*lines, b"[]"],
        lambda lines: [*lines[:3], b"not json", *lines[3:]],
        lambda lines: [*lines[:3], b'["x"]', *lines[3:]],
    ],
    ids=["no end", "a row less", "a row twice", "something after it", "no JSON", "a short row"],
)
def test_lines_that_do_not_belong_there_are_found(file: Path, tmp_path: Path, change: object) -> None:
    lines = gzip.decompress(file.read_bytes()).splitlines()
    file.write_bytes(gzip.compress(b"\n".join(change(lines)) + b"\n"))  # type: ignore[operator]  # a function
    target = empty(tmp_path)
    with pytest.raises(UserError, match="damaged"):
        job.restore(file, target)
    target.close()


def test_what_is_no_backup_is_told_so(tmp_path: Path) -> None:
    target = empty(tmp_path)
    for name, data in {
        "text": b"hello\n",
        "zip": gzip.compress(b"hello\n"),
        "json": gzip.compress(b'{"a": 1}\n'),
    }.items():
        path = tmp_path / name
        path.write_bytes(data)
        with pytest.raises(UserError, match="not a backup of Quarterdeck"):
            job.restore(path, target)
    with pytest.raises(UserError, match="cannot be opened"):
        job.restore(tmp_path / "missing", target)
    target.close()


def test_a_backup_of_a_newer_version_is_refused(file: Path, tmp_path: Path) -> None:
    target = empty(tmp_path)
    newer: list[dict[str, object]] = [{"revision": "9999"}, {"version": 2}]
    for header in newer:
        with pytest.raises(UserError, match=r"a newer Quarterdeck made this backup.*update Quarterdeck"):
            job.restore(rewritten(file, **header), target)
    odd: list[dict[str, object]] = [{"revision": "0000"}, {"tables": [{"name": "x"}]}, {"tables": 3}]
    for header in odd:
        with pytest.raises(UserError, match="damaged"):
            job.restore(rewritten(file, **header), target)
    target.close()


@pytest.mark.parametrize("prepared", [False, True], ids=["no tables", "tables of today"])
def test_a_backup_of_an_earlier_revision_is_brought_up_to_date(
    tmp_path: Path, target: Database, monkeypatch: pytest.MonkeyPatch, prepared: bool
) -> None:
    old = empty(tmp_path, "old.db")
    migrate.upgrade(old.engine(), old.url, "0001")
    names = set(old.look(lambda conn: inspect(conn).get_table_names())) - {"alembic_version"}
    tables = [shape for shape in job.shapes() if shape.name in names]
    path = tmp_path / "old.backup"
    with monkeypatch.context() as then:
        then.setattr(migrate, "head", lambda: "0001")
        then.setattr(job, "shapes", lambda: tables)
        for name in names:
            fill(old, 5, only=name)
        job.backup(old, path)
    if prepared:
        target.run_now(lambda conn: None)
    with pytest.raises(UserError, match=r"earlier revision \(0001\) and cannot be merged"):
        job.restore(path, target, merge="replace")
    report = job.restore(path, target)
    assert {table.name for table in report.tables} == names
    assert target.look(migrate.current) == migrate.head()
    assert {name: len(rows) for name, rows in content(target).items() if rows} == dict.fromkeys(names, 5)
    old.close()


def test_a_restore_that_was_stopped_goes_on(
    file: Path, target: Database, source: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.db.copying.target.BATCH_ROWS", 3)
    monkeypatch.setattr("app.db.copying.report.Meter.EVERY_S", 0.0)

    def stop(progress: Progress) -> None:
        if progress.phase == "copy" and progress.rows > 100:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        job.restore(file, target, watch=stop)
    assert (begun := job.unfinished(target)) is not None
    assert begun.source == str(file)
    moved = file.rename(file.with_name("moved"))
    assert job.restore(moved, target).resumed
    assert content(target) == content(source)


def test_no_room_for_the_backup_leaves_nothing_behind(source: Database, small_disk: Path) -> None:
    def blob(conn: object) -> None:
        conn.execute(update(git_operation).values(message=os.urandom(200_000).hex()))  # type: ignore[attr-defined]

    for _ in range(5):
        source.run_now(blob, True)
    path = small_disk / "all.backup"
    path.write_bytes(b"the earlier one")
    (small_disk / "filler").write_bytes(b"x" * 900_000)
    with pytest.raises(UserError, match=r"cannot be written: No space left on device; make room"):
        job.backup(source, path, force=True)
    assert path.read_bytes() == b"the earlier one"
    assert sorted(each.name for each in small_disk.iterdir()) == ["all.backup", "filler"]


def test_a_backup_that_is_killed_leaves_no_file_of_that_name(tmp_path: Path) -> None:
    source = empty(tmp_path, "big.db")
    fill(source, 20_000, only="git_operation")
    source.close()
    path = tmp_path / "killed.backup"
    script = (
        "import sys; from pathlib import Path; from app.db.copying import job; from app.db.engine import Database\n"
        "job.backup(Database(sys.argv[1]), Path(sys.argv[2]), watch=lambda progress: print(progress.rows, flush=True))"
    )
    running = subprocess.Popen(
        [sys.executable, "-c", script, f"sqlite:///{tmp_path / 'big.db'}", str(path)], stdout=subprocess.PIPE, text=True
    )
    assert running.stdout is not None
    while int(running.stdout.readline()) < 2000:
        pass
    running.send_signal(signal.SIGKILL)
    running.wait(30)
    assert not path.exists()
    again = empty(tmp_path, "big.db")
    assert job.backup(again, path).rows == 20_000
    again.run_now(lambda conn: conn.execute(text("DELETE FROM git_operation")) and None, True)
    job.restore(path, again)
    again.close()


def test_a_backup_outlives_a_power_loss_with_its_name(
    source: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, real = tmp_path / "all.backup", os.fsync
    synced: list[tuple[bool, bool]] = []

    def fsync(descriptor: int) -> None:
        synced.append((stat.S_ISDIR(os.fstat(descriptor).st_mode), path.exists()))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    job.backup(source, path)
    # First what is in it, then, once it has its name, the folder.
    assert [each for each in synced if each[0]] == [(True, True)]
    assert synced[0] == (False, False)


def test_a_folder_that_cannot_be_synced_on_its_file_system_is_no_fault(
    source: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.fsync

    def fsync(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "no such thing here")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    job.backup(source, tmp_path / "all.backup")
    assert (tmp_path / "all.backup").exists()
