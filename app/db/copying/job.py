"""The three things that can be asked for: copy a database into another, back one up, restore a backup."""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from pkgutil import resolve_name

from sqlalchemy import Connection, inspect, literal, select, text
from sqlalchemy.exc import SQLAlchemyError

from app.db import faults, migrate, urls
from app.db.copying import state
from app.db.copying.backup import Backup, write_backup
from app.db.copying.report import Meter, Report, TableReport, Watch
from app.db.copying.rows import Shape, shape_of
from app.db.copying.snapshot import PATIENCE_S, Snapshot, explained
from app.db.copying.state import Mode, Unfinished
from app.db.copying.transfer import Source, Transfer
from app.db.engine import Database
from app.db.faults import UnavailableError
from app.db.tables import AFTER_MERGE, all_tables
from app.errors import UserError

LOCK_WAIT_S = 5
"""A server notices only after a moment that the program which held the lock was killed."""


def quiet(_: object) -> None:
    """Watch nothing."""


def shapes() -> list[Shape]:
    """Every table of every area, in an order in which rows may be inserted."""
    return [shape_of(table) for table in all_tables().sorted_tables]


def copy(
    source: Database, target: Database, *, merge: Mode = "fresh", create: bool = False, watch: Watch = quiet
) -> Report:
    """Copy everything. With `fresh` the target must be empty, or hold the beginning of a copy from this source.

    `create`: make the database on the server where there is none of that name. Raises UserError; what has arrived by
    then stays, and the same call goes on from there.
    """
    _present(source)
    if urls.identity(source.url) == urls.identity(target.url):
        raise UserError(
            "source and target are the same database", where=target.masked_url, fix="name another one to copy to"
        )
    with explained(source):
        source.run_now(lambda conn: None)
    with _reachable(target, create), _alone(target):
        mode, unfinished = _decide(target, source.masked_url, urls.identity(source.url), merge)
        with explained(target):
            target.run_now(lambda conn: None)
        unfinished = unfinished or _begin(target, source.masked_url, urls.identity(source.url), mode)
        with explained(source):
            if (own := source.look(state.find)) is not None and own.id == unfinished.id:
                _end(target)
                raise UserError(
                    "source and target are the same database", where=target.masked_url, fix="name another one"
                )
        with Snapshot.opened(source) as snapshot:
            return _carry(snapshot, snapshot.count, shapes(), target, unfinished, mode, watch, revision=migrate.head())


def backup(source: Database, path: Path, *, force: bool = False, watch: Watch = quiet) -> Report:
    """Write everything into one file, which appears when it is complete."""
    _present(source)
    if path.exists() and not force:
        raise UserError("there is a file of this name", where=str(path), fix="choose another, or give --force")
    started = time.monotonic()
    with explained(source):
        source.run_now(lambda conn: None)
    every = shapes()
    with Snapshot.opened(source) as snapshot:
        counts = {shape.name: snapshot.count(shape) for shape in every}
        try:
            done, notes = write_backup(path, snapshot, every, counts, Meter(watch, counts))
        except OSError as error:
            raise _unwritable(path, error) from error
    tables = [
        TableReport(name, rows, inserted=rows, checksum=f"{total:032x}", verified=True)
        for name, (rows, total) in done.items()
    ]
    seconds = time.monotonic() - started
    return Report(source.masked_url, str(path), migrate.head(), "fresh", False, tables, notes, seconds)


def restore(
    path: Path, target: Database, *, merge: Mode = "fresh", create: bool = False, watch: Watch = quiet
) -> Report:
    """Take a backup in. Nothing is written before the whole file was read and found to be complete.

    A backup of an earlier revision goes into tables of that revision, which are then brought up to date.
    """
    with Backup.opened(path) as file:
        every = file.shapes()
        file.check(Meter(watch, {shape.name: file.count(shape) for shape in every}))
        older = file.revision() != migrate.head()
        if older and merge != "fresh":
            raise UserError(
                f"the backup is of an earlier revision ({file.revision()}) and cannot be merged",
                where=str(path),
                fix="restore it into an empty database, and copy from there with --merge",
            )
        with _reachable(target, create), _alone(target):
            mode, unfinished = _decide(target, file.label, file.identity, merge)
            if older:
                _make_tables_of(target, file.revision(), begun=unfinished is not None)
            else:
                with explained(target):
                    target.run_now(lambda conn: None)
            unfinished = unfinished or _begin(target, file.label, file.identity, mode)
            return _carry(file, file.count, every, target, unfinished, mode, watch, revision=file.revision())


def _carry(
    source: Source,
    count: Callable[[Shape], int],
    every: Sequence[Shape],
    target: Database,
    unfinished: Unfinished,
    mode: Mode,
    watch: Watch,
    *,
    revision: str,
) -> Report:
    started = time.monotonic()
    meter = Meter(watch, {shape.name: count(shape) for shape in every})
    resumed = bool(target.look(lambda conn: conn.execute(select(state.copy_part.c.seq).limit(1)).first()))
    report = Report(source.label, target.masked_url, migrate.head(), mode, resumed)
    current = target.look(migrate.current)
    if current == revision:
        transfer = Transfer(source, target, mode, meter, prepared=revision == migrate.head())
        reports = {shape.name: transfer.table(shape) for shape in every}
        transfer.verify(every, reports)
        report.tables, report.notes = list(reports.values()), transfer.notes
    with explained(target):
        target.upgrade()
        if mode != "fresh":
            _put_right(target)
    _end(target)
    report.seconds = time.monotonic() - started
    return report


def _put_right(target: Database) -> None:
    """What is kept beside the rows follows what was merged; in large tables that takes minutes."""
    patient = target.alone(PATIENCE_S)
    try:
        for table in all_tables().sorted_tables:
            if (work := table.info.get(AFTER_MERGE)) is not None:
                resolve_name(work)(patient)
    finally:
        if patient is not target:
            patient.close()


def unfinished(db: Database) -> Unfinished | None:
    """The copy into this database that has not come to its end."""
    with explained(db):
        return db.look(state.find)


def _decide(target: Database, label: str, key: str, merge: Mode) -> tuple[Mode, Unfinished | None]:
    """How to go on with what the target holds; refuses where that could mix two databases."""

    def look(conn: Connection) -> tuple[str | None, Unfinished | None, list[str]]:
        return migrate.current(conn), state.find(conn), _occupied(conn)

    revision, begun, occupied = target.look(look)
    migrate.refuse_newer(revision, target.url)
    if begun is not None and begun.source_key == key and merge == "fresh":
        return begun.mode, begun
    if begun is not None and merge == "fresh":
        raise UserError(
            f"an unfinished copy from {begun.source} is in it",
            where=target.masked_url,
            fix="finish that one by giving its command again, start with an empty database, or use --merge",
        )
    if occupied and merge == "fresh":
        raise UserError(
            f"the target is not empty: rows are in {', '.join(occupied)}",
            where=target.masked_url,
            fix="--merge adds to what is there, row by row of the same key",
        )
    _end(target)
    return merge, None


def _occupied(conn: Connection) -> list[str]:
    present = set(inspect(conn).get_table_names())
    return [
        table.name
        for table in all_tables().sorted_tables
        if table.name in present and conn.execute(select(literal(1)).select_from(table).limit(1)).first() is not None
    ]


def _begin(target: Database, label: str, key: str, mode: Mode) -> Unfinished:
    with explained(target):
        target.run_now(state.make, True, prepared=False)
        return target.run_now(lambda conn: state.begin(conn, label, key, mode), True, prepared=False)


def _end(target: Database) -> None:
    """In two steps, so that one who is killed between them leaves no half of what was remembered."""

    def finish(conn: Connection) -> None:
        if inspect(conn).has_table(state.copy_state.name):
            state.finish(conn)

    with explained(target):
        target.run_now(finish, True, prepared=False)
        target.run_now(state.drop, True, prepared=False)


def _make_tables_of(target: Database, revision: str, *, begun: bool) -> None:
    """Tables as they were at an earlier revision. What is dropped for that are tables without a row."""

    def drop(conn: Connection) -> None:
        if occupied := _occupied(conn):
            raise UserError(f"the target is not empty: rows are in {', '.join(occupied)}", where=target.masked_url)
        all_tables().drop_all(conn)
        conn.execute(text("DROP TABLE IF EXISTS alembic_version"))

    with explained(target):
        current = target.look(migrate.current)
        if begun or current == revision:
            return
        if current is not None:
            target.run_now(drop, True, prepared=False)
        engine = target.private_engine(PATIENCE_S)
        try:
            migrate.upgrade(engine, target.url, revision)
        finally:
            engine.dispose()


@contextmanager
def _reachable(target: Database, create: bool) -> Iterator[None]:
    """The target answers, and its database exists."""
    try:
        target.look(target.check_version)
    except UnavailableError as error:
        if faults.code(error.__cause__ or error) != faults.UNKNOWN_DATABASE:
            raise
        if not create:
            raise UserError(error.what, where=error.where, fix="correct the name, or make it with --create") from error
        target.create()
    yield


@contextmanager
def _alone(target: Database) -> Iterator[None]:
    """Only one copy into a database at a time."""
    busy = UserError("another copy into this database is under way", where=target.masked_url, fix="wait for its end")
    if target.url.drivername == "sqlite":
        path = Path(f"{target.url.database}.copying")
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # One who held it may have taken the file away since it was opened.
                held = path.stat().st_ino == os.fstat(descriptor).st_ino
            except OSError as error:
                raise busy from error
            if not held:
                raise busy
            try:
                yield
            finally:
                with suppress(OSError):
                    path.unlink()
        finally:
            os.close(descriptor)
        return
    engine = target.private_engine(LOCK_WAIT_S + 30.0)
    try:
        with explained(target):
            conn = engine.connect()
            name = f"quarterdeck copy {target.url.database}"[:64]
            got = conn.execute(text("SELECT GET_LOCK(:name, :wait)"), {"name": name, "wait": LOCK_WAIT_S}).scalar()
        if not got:
            conn.close()
            raise busy
        try:
            yield
        finally:
            with suppress(SQLAlchemyError):
                conn.invalidate()
                conn.close()
    finally:
        engine.dispose()


def _present(source: Database) -> None:
    if urls.is_memory(source.url):
        raise UserError("a database in memory holds nothing", where=source.masked_url, fix="name a file or a server")
    if source.url.drivername == "sqlite" and not Path(source.url.database or "").exists():
        raise UserError("there is no such database", where=source.masked_url, fix="check the path")


def _unwritable(path: Path, error: OSError) -> UserError:
    full = error.errno in {errno.ENOSPC, errno.EDQUOT}
    return UserError(
        f"the backup cannot be written: {error.strerror or error}",
        where=str(path),
        fix="make room and try again" if full else "choose a folder that exists and is writable for you",
    )


__all__ = ["backup", "copy", "restore", "shapes", "unfinished"]
