"""Copies between all kinds of databases: everything arrives, exactly as it was, or the copy says what did not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, delete, inspect, select, text, update

from app.content.tables import SEARCH, note
from app.db import migrate
from app.db.copying.job import copy, shapes, unfinished
from app.db.copying.report import Progress, Watch
from app.db.copying.rows import kind_of
from app.db.copying.state import TABLES, Mode
from app.db.engine import Database
from app.db.tables import all_tables, applied_operation
from app.errors import UserError
from app.feedback.tables import feedback
from app.git.tables import git_operation
from app.testing.tables import project
from tests.db.everything import content, fill, merged, row
from tests.servers import SERVERS, PrivateMariaDB

ROWS = 40


@pytest.fixture
def target(empty_database_url: str) -> Iterator[Database]:
    """A database with nothing in it, not even tables."""
    db = Database(empty_database_url, read_timeout_s=20)
    yield db
    db.close()


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Database]:
    """A SQLite file with rows in every table."""
    db = Database(f"sqlite:///{tmp_path / 'source.db'}")
    fill(db, ROWS)
    yield db
    db.close()


def into_sqlite(tmp_path: Path, name: str = "target.db") -> Database:
    return Database(f"sqlite:///{tmp_path / name}")


class StopError(Exception):
    """Raised where a copy is made to stop."""


def stop_at(rows: int, phase: str = "copy") -> Watch:
    def watch(progress: Progress) -> None:
        if progress.phase == phase and progress.rows >= rows:
            raise StopError

    return watch


@pytest.fixture(autouse=True)
def every_row_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small parts, and a word after each."""
    monkeypatch.setattr("app.db.copying.target.BATCH_ROWS", 7)
    monkeypatch.setattr("app.db.copying.report.Meter.EVERY_S", 0.0)


def test_everything_arrives_as_it_was(database: Database, target: Database) -> None:
    fill(database, ROWS)
    report = copy(database, target)
    assert content(target) == content(database)
    found = {table.name: (table.rows, table.inserted, table.verified) for table in report.tables}
    assert found == dict.fromkeys(all_tables().tables, (ROWS, ROWS, True))
    assert report.notes == []
    assert not report.resumed
    assert not TABLES & set(target.look(lambda conn: inspect(conn).get_table_names()))
    with pytest.raises(UserError, match=r"not empty: rows are in .*applied_operation, .*feedback.*--merge"):
        copy(database, target)


def test_a_table_that_is_made_by_the_migrations_is_copied(tmp_path: Path) -> None:
    db = into_sqlite(tmp_path)
    db.run_now(lambda conn: None)
    made = set(db.look(lambda conn: inspect(conn).get_table_names())) - {"alembic_version"}
    db.close()
    assert {shape.name for shape in shapes()} == {name for name in made if not name.startswith(SEARCH)}
    for table in all_tables().tables.values():
        assert [kind_of(column) for column in table.columns]
        assert list(table.primary_key)


def test_a_merge_takes_the_values_of_the_source_and_can_be_repeated(database: Database, target: Database) -> None:
    fill(database, 20)
    copy(database, target)
    own = {**row(project, 9999), "name": "theirs"}
    target.run_now(lambda conn: conn.execute(project.insert(), [own]) and None, True)
    database.run_now(lambda conn: conn.execute(update(git_operation).values(title="changed")) and None, True)
    fill(database, 5, begin=20)
    for round_ in range(2):
        report = copy(database, target, merge="replace")
        tables = {table.name: table for table in report.tables}
        assert tables["git_operation"].updated == (20 if round_ == 0 else 0)
        assert tables["project"].inserted == (5 if round_ == 0 else 0)
        assert all(table.rows == 25 and table.verified and not table.refused for table in report.tables)
    there, here = merged(target), merged(database)
    assert [each for each in there["project"] if each[0] != "'theirs'"] == here.pop("project")
    there.pop("project")
    assert there == here


def test_a_merge_that_keeps_leaves_the_rows_of_the_target(source: Database, tmp_path: Path) -> None:
    target = into_sqlite(tmp_path)
    copy(source, target)
    target.run_now(lambda conn: conn.execute(update(git_operation).values(title="mine")) and None, True)
    fill(source, 3, begin=ROWS)
    report = copy(source, target, merge="keep")
    tables = {table.name: table for table in report.tables}
    assert (tables["git_operation"].kept, tables["git_operation"].inserted) == (ROWS, 3)
    titles = target.run_now(lambda conn: list(conn.scalars(select(git_operation.c.title))))
    assert titles.count("mine") == ROWS
    target.close()


def test_a_row_that_another_unique_key_forbids_is_told_and_the_rest_arrives(source: Database, target: Database) -> None:
    target.run_now(lambda conn: conn.execute(note.insert(), [{**row(note, 5), "id": "other"}]) and None, write=True)
    report = copy(source, target, merge="replace")
    (told,) = report.notes
    assert (told["table"], told["kind"], told["key"]) == ("note", "refused", f'["{5:026d}"]')
    assert "unique" in told["why"].lower() or "duplicate" in told["why"].lower()
    assert len(content(target)["note"]) == ROWS
    assert [table.refused for table in report.tables if table.refused] == [1]


def test_the_source_is_copied_as_it_was_when_the_copy_began(database: Database, tmp_path: Path) -> None:
    fill(database, ROWS)
    before = content(database)
    target = into_sqlite(tmp_path)
    rounds = 0

    def write(progress: Progress) -> None:
        nonlocal rounds
        rounds += 1
        if rounds == 3:
            fill(database, 10, begin=1000)
            database.run_now(lambda conn: conn.execute(update(git_operation).values(title="later")) and None, True)
            database.run_now(lambda conn: conn.execute(delete(project)) and None, True)

    copy(database, target, watch=write)
    assert rounds > 3
    assert content(target) == before
    assert len(content(database)["git_operation"]) == ROWS + 10
    target.close()


def test_a_copy_that_was_stopped_goes_on_and_takes_in_what_changed_since(database: Database, target: Database) -> None:
    fill(database, ROWS)
    half = ROWS * len(shapes()) // 2
    with pytest.raises(StopError):
        copy(database, target, watch=stop_at(half))
    assert unfinished(target) is not None
    first = applied_operation

    def change(conn: Connection) -> None:
        keys = list(conn.scalars(select(first.c.id).order_by(first.c.id)))
        conn.execute(delete(first).where(first.c.id.in_(keys[3:5])))
        conn.execute(first.insert(), [{**row(first, 0), "id": keys[0] + "!"}])
        conn.execute(update(feedback).where(feedback.c.id == "5").values(comment="second thought"))

    database.run_now(change, True)
    report = copy(database, target)
    assert report.resumed
    assert content(target) == content(database)
    assert unfinished(target) is None


@pytest.mark.parametrize("phase", ["copy", "verify"])
def test_a_copy_can_be_stopped_again_and_again(source: Database, tmp_path: Path, phase: str) -> None:
    target = into_sqlite(tmp_path)
    for rows in range(0, ROWS * len(shapes()), ROWS * 3):
        with pytest.raises(StopError):
            copy(source, target, watch=stop_at(rows, phase))
    copy(source, target)
    assert content(target) == content(source)
    target.close()


def test_an_unfinished_copy_is_not_mixed_with_another(source: Database, tmp_path: Path) -> None:
    target, third = into_sqlite(tmp_path), into_sqlite(tmp_path, "third.db")
    fill(third, 1)
    with pytest.raises(StopError):
        copy(source, target, watch=stop_at(100))
    with pytest.raises(UserError, match=r"an unfinished copy from .*source\.db is in it"):
        copy(third, target)
    copy(source, target)
    third.close()
    target.close()


def test_rows_of_another_program_are_neither_deleted_nor_passed_over(source: Database, tmp_path: Path) -> None:
    target = into_sqlite(tmp_path)
    with pytest.raises(StopError):
        copy(source, target, watch=stop_at(ROWS * len(shapes()), "verify"))
    target.run_now(lambda conn: conn.execute(project.insert(), [{**row(project, 1), "name": "theirs"}]) and None, True)
    with pytest.raises(UserError, match=f"project holds {ROWS + 1} rows that are not the {ROWS}"):
        copy(source, target)
    assert len(content(target)["project"]) == ROWS + 1
    copy(source, target, merge="keep")
    assert unfinished(target) is None
    target.close()


def test_a_database_is_not_copied_into_itself(source: Database) -> None:
    with pytest.raises(UserError, match="the same database"):
        copy(source, source, merge="replace")


@pytest.mark.server
def test_a_server_under_two_names_is_not_copied_into_itself(mariadb: PrivateMariaDB) -> None:
    with mariadb.database() as url:
        one, other = Database(url), Database(url.replace("127.0.0.1", "127.0.0.2"))
        try:
            other.look(lambda conn: None)
        except UserError:
            other = Database(url.replace("127.0.0.1", "[::ffff:127.0.0.1]"))
        fill(one, 2)
        with pytest.raises(UserError, match="the same database"):
            copy(one, other, merge="replace")
        assert len(content(one)["project"]) == 2
        one.close()
        other.close()


def test_one_copy_into_a_database_at_a_time(source: Database, target: Database) -> None:
    def again(progress: Progress) -> None:
        with pytest.raises(UserError, match="another copy into this database is under way"):
            copy(source, Database(target.url.render_as_string(hide_password=False)))
        raise StopError

    with pytest.raises(StopError):
        copy(source, target, watch=again)
    copy(source, target)
    assert content(target) == content(source)


def test_a_newer_target_is_refused_and_an_older_one_brought_up_to_date(source: Database, target: Database) -> None:
    migrate.upgrade(target.engine(), target.url, "0001")
    copy(source, target)
    assert target.look(migrate.current) == migrate.head()
    target.run_now(lambda conn: conn.execute(text("UPDATE alembic_version SET version_num = '9999'")) and None)
    both: tuple[Mode, ...] = ("fresh", "replace")
    for merge in both:
        with pytest.raises(UserError, match="a newer Quarterdeck has changed this database"):
            copy(source, Database(target.url.render_as_string(hide_password=False)), merge=merge)


@pytest.mark.server
@pytest.mark.parametrize("empty_database_url", SERVERS, indirect=True)
def test_a_database_that_is_missing_is_made_only_when_asked(source: Database, empty_database_url: str) -> None:
    url = empty_database_url + "_more"
    with pytest.raises(UserError, match=r"no database 'qd_test_\w+_more'.*--create"):
        copy(source, Database(url))
    target = Database(url)
    copy(source, target, create=True)
    target.run_now(lambda conn: conn.execute(text(f"DROP DATABASE {target.url.database}")) and None)
    target.close()


def test_a_source_that_does_not_exist_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no such database"):
        copy(Database(f"sqlite:///{tmp_path / 'no.db'}"), into_sqlite(tmp_path))
    assert not list(tmp_path.iterdir())
