"""New SQLite files that several open at once."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from app.db.engine import Database
from app.sqlite_file import use_wal


def test_many_who_open_a_new_file_at_once_all_get_it(tmp_path: Path) -> None:
    for number in range(20):
        path = tmp_path / f"{number}.db"
        start = threading.Barrier(8)
        modes: list[str] = []

        def use(path: Path = path, start: threading.Barrier = start, modes: list[str] = modes) -> None:
            start.wait()
            with closing(sqlite3.connect(path, timeout=5)) as connection:
                use_wal(connection, 5)
                modes.append(connection.execute("PRAGMA journal_mode").fetchone()[0])

        threads = [threading.Thread(target=use) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert modes == ["wal"] * 8


def test_a_file_that_stays_locked_is_an_error_in_time(tmp_path: Path) -> None:
    path = tmp_path / "held.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute("CREATE TABLE t (x)")
        holder.execute("BEGIN EXCLUSIVE")
        with (
            closing(sqlite3.connect(path, timeout=0.05)) as other,
            pytest.raises(sqlite3.OperationalError, match="locked"),
        ):
            use_wal(other, 0.1)
        holder.execute("ROLLBACK")
        with closing(sqlite3.connect(path)) as other:
            use_wal(other, 1)
            assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_an_error_that_waiting_does_not_mend_comes_at_once(tmp_path: Path) -> None:
    path = tmp_path / "no.db"
    path.write_bytes(b"this is no database, and it is long enough to be looked at " * 40)
    with closing(sqlite3.connect(path)) as connection, pytest.raises(sqlite3.DatabaseError, match="not a database"):
        use_wal(connection, 60)


@pytest.mark.parametrize(("before", "pages"), [(None, 8192), (4096, 4096)])
def test_a_new_file_has_larger_pages_and_one_that_is_there_keeps_its_own(
    tmp_path: Path, before: int | None, pages: int
) -> None:
    path = tmp_path / "pages.db"
    if before is not None:
        with closing(sqlite3.connect(path)) as earlier:
            earlier.execute(f"PRAGMA page_size = {before}")
            use_wal(earlier, 1)
            earlier.execute("CREATE TABLE mine (x)")
    db = Database(f"sqlite:///{path}")
    try:
        db.run_now(lambda conn: None)
        assert db.run_now(lambda conn: conn.exec_driver_sql("PRAGMA page_size").scalar()) == pages
        assert db.run_now(lambda conn: conn.exec_driver_sql("PRAGMA integrity_check").scalar()) == "ok"
    finally:
        db.close()
